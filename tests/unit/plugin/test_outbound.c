#include "plugin/outbound.h"

#include "base/ip_address.h"
#include "base/op.h"
#include "plugin/services.h"
#include "test_main.h"
#include "test_op.h"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <ifaddrs.h>
#include <netinet/in.h>

/** An address that this machine shall have and no other, in network order; 0: those it has. */
static struct in_addr pretended;
static struct sockaddr_in pretended_address;
static struct ifaddrs pretended_interface;

int getifaddrs(struct ifaddrs **out_all)
{
    int (*real)(struct ifaddrs **) = NULL;
    if (pretended.s_addr != 0) {
        pretended_address.sin_family = AF_INET;
        pretended_address.sin_addr = pretended;
        pretended_interface.ifa_addr = (struct sockaddr *)&pretended_address;
        *out_all = &pretended_interface;
        return 0;
    }
    *(void **)&real = dlsym(RTLD_NEXT, "getifaddrs");
    return real(out_all);
}

void freeifaddrs(struct ifaddrs *all)
{
    void (*real)(struct ifaddrs *) = NULL;
    if (all != &pretended_interface) {
        *(void **)&real = dlsym(RTLD_NEXT, "freeifaddrs");
        real(all);
    }
}

static const struct {
    const char *address;
    const char *kind; /**< NULL: it may be called */
} kinds[] = {
    // Receivers.
    {"93.184.216.34", NULL},
    {"1.1.1.1", NULL},
    {"172.32.0.1", NULL},
    {"100.128.0.1", NULL},
    {"192.0.1.1", NULL},
    {"198.20.0.1", NULL},
    {"223.255.255.254", NULL},
    {"2606:4700:4700::1111", NULL},
    {"2001:4860:4860::8888", NULL},
    {"2a00:1450:4001::5", NULL},
    {"64:ff9b::101:101", NULL},
    {"2002:101:101::1", NULL},
    // This machine and its networks.
    {"0.0.0.0", "unspecified"},
    {"0.255.1.2", "unspecified"},
    {"127.0.0.1", "loopback"},
    {"127.255.255.254", "loopback"},
    {"10.0.0.1", "private"},
    {"10.255.255.255", "private"},
    {"172.16.0.1", "private"},
    {"172.31.255.255", "private"},
    {"192.168.1.1", "private"},
    {"100.64.0.1", "private (shared by a provider's customers)"},
    {"100.127.255.255", "private (shared by a provider's customers)"},
    {"169.254.1.1", "link-local"},
    {"192.0.2.9", "for documentation"},
    {"198.51.100.9", "for documentation"},
    {"203.0.113.9", "for documentation"},
    {"198.18.0.1", "for benchmarks"},
    {"198.19.255.255", "for benchmarks"},
    {"192.0.0.9", "reserved"},
    {"192.88.99.1", "reserved"},
    {"224.0.0.1", "multicast"},
    {"239.255.255.255", "multicast"},
    {"240.0.0.1", "reserved"},
    {"255.255.255.255", "broadcast"},
    {"::", "unspecified"},
    {"::1", "loopback"},
    {"::2", "reserved"},
    {"::127.0.0.1", "reserved"},
    {"fc00::1", "private"},
    {"fdff:ffff::1", "private"},
    {"fe80::1", "link-local"},
    {"febf::1", "link-local"},
    {"fec0::1", "private"},
    {"ff02::1", "multicast"},
    {"2001:db8::1", "for documentation"},
    {"3fff::1", "for documentation"},
    {"3fff:fff::1", "for documentation"},
    {"2001::1", "reserved"},
    {"2001:2::1", "reserved"},
    {"2001:10::1", "reserved"},
    {"100::1", "reserved"},
    {"4000::1", "reserved"},
    {"5f00::1", "reserved"},
    // Metadata services.
    {"169.254.169.254", "that of a metadata service"},
    {"169.254.170.2", "that of a metadata service"},
    {"169.254.170.23", "that of a metadata service"},
    {"168.63.129.16", "that of a metadata service"},
    {"100.100.100.200", "that of a metadata service"},
    {"192.0.0.192", "that of a metadata service"},
    {"fd00:ec2::254", "that of a metadata service"},
    {"fd00:ec2::23", "that of a metadata service"},
    {"fd20:ce::254", "that of a metadata service"},
    // IPv4 in other clothes.
    {"::ffff:127.0.0.1", "loopback"},
    {"::ffff:10.1.2.3", "private"},
    {"::ffff:169.254.169.254", "that of a metadata service"},
    {"::ffff:0:127.0.0.1", "reserved"},
    {"64:ff9b::7f00:1", "loopback"},
    {"64:ff9b::169.254.169.254", "that of a metadata service"},
    {"64:ff9b::10.0.0.1", "private"},
    {"64:ff9b:1::808:808", "reserved"},
    {"2002:7f00:1::", "loopback"},
    {"2002:a00:1::1", "private"},
    {"2002:a9fe:a9fe::1", "that of a metadata service"},
    {"2a00:1450::5efe:10.0.0.1", "private"},
    {"2a00:1450::200:5efe:7f00:1", "loopback"},
};

static struct chy_slice octets_of(struct chy_op *op, const char *text)
{
    struct chy_slice octets = {NULL, 0};
    ck_assert_int_eq(chy_ip_parse(op, chy_text(text), &octets), CHY_OK);
    return octets;
}

/** Asks as a plugin does: with the octets of the socket's address. */
static chy_status ask(struct chy_op *op, const struct chy_outbound_rules *rules, const char *text)
{
    uint8_t bytes[16];
    int family = strchr(text, ':') == NULL ? AF_INET : AF_INET6;
    ck_assert_int_eq(inet_pton(family, text, bytes), 1);
    const struct chy_outbound_address wanted = {
        .struct_size = sizeof wanted,
        .port = 443,
        .address = chy_slice_of(bytes, family == AF_INET ? 4 : 16),
    };
    return chy_outbound_decide(rules, op, &wanted);
}

START_TEST(an_address_is_what_it_is)
{
    struct chy_op *op = test_op_new();
    struct chy_network network;
    bool is_metadata = false;
    ck_assert(chy_network_of_octets(octets_of(op, kinds[_i].address), &network));
    const char *kind = chy_outbound_kind(&network, &is_metadata);
    ck_assert_pstr_eq(kind, kinds[_i].kind);
    ck_assert_int_eq(is_metadata, kind != NULL && strstr(kind, "metadata") != NULL);
    test_op_free(op);
}
END_TEST

START_TEST(nothing_inside_is_called_unasked)
{
    struct chy_op *op = test_op_new();
    const struct chy_outbound_rules nothing = {0};
    chy_status status = ask(op, &nothing, kinds[_i].address);
    ck_assert_msg(status == (kinds[_i].kind == NULL ? CHY_OK : CHY_DENIED), "%s: %d",
                  kinds[_i].address, status);
    if (kinds[_i].kind != NULL) {
        const char *message = test_op_message(op);
        ck_assert_msg(strstr(message, kinds[_i].kind) != NULL, "%s", message);
        ck_assert_msg(strstr(message, "outbound.allow") != NULL, "%s", message);
        ck_assert_msg(strstr(message, kinds[_i].address) == NULL, "shows it: %s", message);
    }
    test_op_free(op);
}
END_TEST

static const struct {
    const char *allowed;
    const char *address;
    chy_status status;
} lists[] = {
    {"10.0.0.0/8", "10.1.2.3", CHY_OK},
    {"10.0.0.0/8", "::ffff:10.1.2.3", CHY_OK},
    {"10.0.0.0/8", "64:ff9b::10.1.2.3", CHY_OK},
    {"10.0.0.0/8", "11.1.2.3", CHY_OK},
    {"10.1.0.0/16", "10.2.0.1", CHY_DENIED},
    {"127.0.0.1", "127.0.0.1", CHY_OK},
    {"127.0.0.1", "127.0.0.2", CHY_DENIED},
    {"127.0.0.0/8", "::1", CHY_DENIED},
    {"::1", "::1", CHY_OK},
    {"fd00::/8", "fd12::1", CHY_OK},
    {"64:ff9b:1::/48", "64:ff9b:1::1", CHY_OK},
    // A network that happens to have a metadata service does not name it.
    {"169.254.0.0/16", "169.254.1.1", CHY_OK},
    {"169.254.0.0/16", "169.254.169.254", CHY_DENIED},
    {"0.0.0.0/0", "169.254.169.254", CHY_DENIED},
    {"0.0.0.0/0", "::ffff:169.254.169.254", CHY_DENIED},
    {"0.0.0.0/0", "2002:a9fe:a9fe::1", CHY_DENIED},
    {"::/0", "64:ff9b::169.254.169.254", CHY_DENIED},
    {"fd00::/8", "fd00:ec2::254", CHY_DENIED},
    {"169.254.169.254", "169.254.169.254", CHY_OK},
};

START_TEST(a_listed_network_is_called)
{
    struct chy_op *op = test_op_new();
    struct chy_network network;
    ck_assert_int_eq(chy_network_parse(op, chy_text(lists[_i].allowed), &network), CHY_OK);
    const struct chy_outbound_rules rules = {.allowed = &network, .allowed_count = 1};
    ck_assert_msg(ask(op, &rules, lists[_i].address) == lists[_i].status, "%s for %s",
                  lists[_i].address, lists[_i].allowed);
    test_op_free(op);
}
END_TEST

START_TEST(every_address_of_this_machine_is_its_own)
{
    struct chy_op *op = test_op_new();
    const struct chy_outbound_rules nothing = {0};
    struct ifaddrs *all = NULL;
    int asked = 0;
    ck_assert_int_eq(getifaddrs(&all), 0);
    for (const struct ifaddrs *one = all; one != NULL; one = one->ifa_next) {
        char text[INET6_ADDRSTRLEN];
        if (one->ifa_addr == NULL || one->ifa_addr->sa_family != AF_INET) {
            continue;
        }
        struct sockaddr_in own;
        memcpy(&own, one->ifa_addr, sizeof own);
        ck_assert_ptr_nonnull(inet_ntop(AF_INET, &own.sin_addr, text, sizeof text));
        ck_assert_msg(ask(op, &nothing, text) == CHY_DENIED, "%s may be called", text);
        asked++;
    }
    freeifaddrs(all);
    ck_assert_int_gt(asked, 0);
    test_op_free(op);
}
END_TEST

static const struct {
    const char *address;
    chy_status status;
} forms[] = {
    {"93.184.216.34", CHY_DENIED},
    {"::ffff:93.184.216.34", CHY_DENIED},
    {"64:ff9b::93.184.216.34", CHY_DENIED},
    {"2002:5db8:d822::1", CHY_DENIED},
    {"2a00:1450::5efe:93.184.216.34", CHY_DENIED},
    {"2a00:1450::200:5efe:5db8:d822", CHY_DENIED},
    {"93.184.216.35", CHY_OK},
    {"64:ff9b::93.184.216.35", CHY_OK},
};

START_TEST(a_public_address_of_this_machine_is_its_own_in_every_form)
{
    struct chy_op *op = test_op_new();
    const struct chy_outbound_rules nothing = {0};
    ck_assert_int_eq(inet_pton(AF_INET, "93.184.216.34", &pretended), 1);
    chy_status status = ask(op, &nothing, forms[_i].address);
    pretended.s_addr = 0;
    ck_assert_msg(status == forms[_i].status, "%s: %d", forms[_i].address, status);
    test_op_free(op);
}
END_TEST

START_TEST(what_is_no_address_is_none)
{
    struct chy_op *op = test_op_new();
    const struct chy_outbound_rules nothing = {0};
    const struct chy_outbound_address wanted = {
        .struct_size = sizeof wanted, .port = 443, .address = chy_text("12345")};
    ck_assert_int_eq(chy_outbound_decide(&nothing, op, &wanted), CHY_BAD_INPUT);
    test_op_free(op);
}
END_TEST

START_TEST(plugins_are_served_by_it)
{
    struct chy_services services;
    struct chy_operation operation;
    struct chy_outbound settings = {.struct_size = sizeof settings};
    static const uint8_t loopback[4] = {127, 0, 0, 1};
    const struct chy_outbound_address wanted = {
        .struct_size = sizeof wanted, .port = 443, .address = {loopback, sizeof loopback}};
    chy_services_init(&services, NULL, NULL, NULL);
    const struct chy_operation_config config = {.host = &services.host};
    ck_assert_int_eq(chy_operation_init(&operation, &config), CHY_OK);
    struct chy_op *op = &operation.op;
    ck_assert_int_eq(chy_outbound_check(op, &wanted), CHY_DENIED);
    struct chy_network network;
    ck_assert_int_eq(chy_network_parse(op, chy_text("127.0.0.0/8"), &network), CHY_OK);
    services.outbound.allowed = &network;
    services.outbound.allowed_count = 1;
    services.outbound.ca_file = chy_text("/etc/cas.pem");
    ck_assert_int_eq(chy_outbound_check(op, &wanted), CHY_OK);
    ck_assert_int_eq(chy_outbound_get(op, &settings), CHY_OK);
    ck_assert(chy_slice_is(settings.ca_file, "/etc/cas.pem"));
    chy_operation_fini(&operation);
}
END_TEST

TEST_MAIN("plugin_outbound", TEST_EACH(an_address_is_what_it_is, kinds),
          TEST_EACH(nothing_inside_is_called_unasked, kinds),
          TEST_EACH(a_listed_network_is_called, lists),
          TEST(every_address_of_this_machine_is_its_own),
          TEST_EACH(a_public_address_of_this_machine_is_its_own_in_every_form, forms),
          TEST(what_is_no_address_is_none), TEST(plugins_are_served_by_it))
