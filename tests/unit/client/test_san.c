#include "client/san.h"

#include "test_main.h"

static const struct {
    const char *text;
    const char *type; // NULL: refused
    const char *value;
} names[] = {
    {"www.acme.com", "dns_name", "www.acme.com"},
    {"*.acme.com", "dns_name", "*.acme.com"},
    {"10.0.0.1", "ip_address", "10.0.0.1"},
    {"2001:db8::1", "ip_address", "2001:db8::1"},
    {"10.0.0.256", "dns_name", "10.0.0.256"},
    {"me@acme.com", "email", "me@acme.com"},
    {"https://acme.com/x@y", "uri", "https://acme.com/x@y"},
    {"uri:urn:x", "uri", "urn:x"},
    {"URI:urn:x", "uri", "urn:x"},
    {"dns:10.0.0.1", "dns_name", "10.0.0.1"},
    {"dns:ip:x", "dns_name", "ip:x"},
    {"upn:me@acme.com", "upn", "me@acme.com"},
    {"ip:", NULL, NULL},
    {"", NULL, NULL},
    {"\xff", NULL, NULL},
};

START_TEST(tells_types_apart)
{
    struct chy_cli cli;
    json_t *list = json_array();
    ck_assert(client_init(&cli, "test"));
    chy_status status = client_san_add(&cli, list, names[_i].text);
    if (names[_i].type == NULL) {
        ck_assert_int_ne(status, CHY_OK);
        ck_assert_int_eq(cli.failure, CHY_EXIT_USAGE);
        ck_assert_uint_eq(json_array_size(list), 0);
    } else {
        const json_t *one = json_array_get(list, 0);
        ck_assert_int_eq(status, CHY_OK);
        ck_assert_str_eq(json_string_value(json_object_get(one, "type")), names[_i].type);
        ck_assert_str_eq(json_string_value(json_object_get(one, "value")), names[_i].value);
    }
    json_decref(list);
    client_fini(&cli);
}
END_TEST

TEST_MAIN("client_san", TEST_EACH(tells_types_apart, names))
