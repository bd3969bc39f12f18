#include "access/network.h"

#include "test_main.h"
#include "test_op.h"

#include <stdio.h>

static const struct contains_case {
    const char *network;
    const char *address;
    bool inside;
} contains_cases[] = {
    {"0.0.0.0/0", "203.0.113.9", true},
    {"0.0.0.0/0", "2001:db8::1", false},
    {"::/0", "2001:db8::1", true},
    {"::/0", "203.0.113.9", false},
    {"10.0.0.0/8", "10.255.255.255", true},
    {"10.0.0.0/8", "11.0.0.0", false},
    {"10.1.2.3/8", "10.9.9.9", true},
    {"192.0.2.128/25", "192.0.2.128", true},
    {"192.0.2.128/25", "192.0.2.127", false},
    {"192.0.2.1", "192.0.2.1", true},
    {"192.0.2.1", "192.0.2.2", false},
    {"192.0.2.1/32", "::ffff:192.0.2.1", true},
    {"::ffff:192.0.2.0/120", "192.0.2.77", true},
    {"::ffff:192.0.2.0/120", "192.0.3.77", false},
    {"2001:db8::/32", "2001:db8:ffff::1", true},
    {"2001:db8::/32", "2001:db9::1", false},
    {"2001:db8::8000/113", "2001:db8::ffff", true},
    {"2001:db8::8000/113", "2001:db8::7fff", false},
    {" 192.0.2.0/24 ", "192.0.2.5", true},
    {"192.0.2.0/24", "", false},
    {"0.0.0.0/0", "unix", false},
    {"0.0.0.0/0", "192.0.2.5:443", false},
};

START_TEST(an_address_is_in_its_networks_only)
{
    const struct contains_case *c = &contains_cases[_i];
    struct chy_view networks;
    struct chy_op *op = test_op_new();
    char json[128];
    (void)snprintf(json, sizeof json, "[{\"ipAddress\":\"%s\"}]", c->network);
    ck_assert_int_eq(chy_networks_parse(op, chy_text(json), &networks), CHY_OK);
    ck_assert_msg(chy_networks_have(op, networks, chy_text(c->address)) == c->inside, "%s in %s",
                  c->address, c->network);
    test_op_free(op);
}
END_TEST

static const char *const no_networks[] = {
    "",       "10.0.0.0/33", "10.0.0.0/-1",         "10.0.0.0/",   "10.0.0/8",
    "::/129", "::1/x",       "::ffff:10.0.0.0/95",  "example.com", "10.0.0.0/8/8",
    "/8",     "10.0.0.0 /8", "2001:db8::1%eth0/64", "10.0.0.256",
};

START_TEST(what_is_no_network_is_refused)
{
    struct chy_network network = {.bits = 77};
    struct chy_op *op = test_op_new();
    ck_assert_int_eq(chy_network_parse(op, chy_text(no_networks[_i]), &network), CHY_BAD_INPUT);
    ck_assert_uint_eq(network.bits, 77);
    test_op_free(op);
}
END_TEST

static const struct source_case {
    const char *peer;
    const char *network;
} source_cases[] = {
    {"192.0.2.77", "192.0.2.0/24"},
    {"::ffff:192.0.2.77", "192.0.2.0/24"},
    {"2001:db8:1:2ff:3:4:5:6", "2001:db8:1:200::/56"},
    {"", "unknown"},
};

START_TEST(sources_are_locked_out_by_network)
{
    struct chy_slice text;
    struct chy_op *op = test_op_new();
    ck_assert_int_eq(chy_network_of_source(op, chy_text(source_cases[_i].peer), &text), CHY_OK);
    ck_assert(chy_slice_is(text, source_cases[_i].network));
    test_op_free(op);
}
END_TEST

TEST_MAIN("access network", TEST_EACH(an_address_is_in_its_networks_only, contains_cases),
          TEST_EACH(what_is_no_network_is_refused, no_networks),
          TEST_EACH(sources_are_locked_out_by_network, source_cases))
