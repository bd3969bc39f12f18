#include "http/address.h"
#include "http/forwarded.h"

#include "base/encode.h"

#include "test_main.h"
#include "test_op.h"

#include <netinet/in.h>
#include <unistd.h>

static const struct {
    const char *text;
    const char *formatted; // NULL: refused
    bool loopback;
} addresses[] = {
    {"192.0.2.1", "192.0.2.1", false},
    {"127.0.0.1", "127.0.0.1", true},
    {"127.9.9.9", "127.9.9.9", true},
    {"::1", "::1", true},
    {"2001:DB8::1", "2001:db8::1", false},
    {"::ffff:192.0.2.1", "192.0.2.1", false},
    {"::ffff:127.0.0.1", "127.0.0.1", true},
    {"", NULL, false},
    {"192.0.2", NULL, false},
    {"192.0.2.256", NULL, false},
    {"localhost", NULL, false},
    {"[::1]", NULL, false},
    {"fe80::1%eth0", NULL, false},
};

START_TEST(reads_and_writes_addresses)
{
    struct chy_http_address address;
    char text[CHY_HTTP_ADDRESS_TEXT];
    bool ok = chy_http_address_parse(chy_text(addresses[_i].text), &address);
    ck_assert_msg(ok == (addresses[_i].formatted != NULL), "'%s'", addresses[_i].text);
    if (ok) {
        ck_assert_uint_eq(chy_http_address_format(&address, text), strlen(addresses[_i].formatted));
        ck_assert_str_eq(text, addresses[_i].formatted);
        ck_assert(chy_http_address_is_loopback(&address) == addresses[_i].loopback);
    }
}
END_TEST

static const struct {
    const char *network;
    const char *address;
    int contains; // -1: the network is refused
} networks[] = {
    {"10.0.0.0/8", "10.255.0.1", 1},
    {"10.0.0.0/8", "11.0.0.0", 0},
    {"192.0.2.128/25", "192.0.2.127", 0},
    {"192.0.2.128/25", "192.0.2.200", 1},
    {"192.0.2.1", "192.0.2.1", 1},
    {"192.0.2.1", "192.0.2.2", 0},
    {"0.0.0.0/0", "8.8.8.8", 1},
    {"0.0.0.0/0", "2001:db8::1", 0},
    {"::/0", "8.8.8.8", 1},
    {"::/0", "2001:db8::1", 1},
    {"2001:db8::/33", "2001:db8:7fff::1", 1},
    {"2001:db8::/33", "2001:db8:8000::1", 0},
    {"10.0.0.0/33", "10.0.0.1", -1},
    {"10.0.0.0/", "10.0.0.1", -1},
    {"/8", "10.0.0.1", -1},
    {"10.0.0.0/-1", "10.0.0.1", -1},
    {"::/129", "::1", -1},
    {"host/8", "10.0.0.1", -1},
};

START_TEST(knows_networks)
{
    struct chy_http_network network;
    struct chy_http_address address;
    bool ok = chy_http_network_parse(chy_text(networks[_i].network), &network);
    ck_assert_msg(ok == (networks[_i].contains >= 0), "'%s'", networks[_i].network);
    ck_assert(chy_http_address_parse(chy_text(networks[_i].address), &address));
    if (ok) {
        ck_assert_msg(chy_http_network_contains(&network, &address) == (networks[_i].contains == 1),
                      "'%s' in '%s'", networks[_i].address, networks[_i].network);
    }
}
END_TEST

static const struct {
    const char *text;
    int family; // 0: refused
    bool loopback;
    bool dual;
} binds[] = {
    {"127.0.0.1:8080", AF_INET, true, false},
    {"0.0.0.0:80", AF_INET, false, false},
    {"[::1]:8443", AF_INET6, true, false},
    {"[::]:8443", AF_INET6, false, false},
    {":8443", AF_INET6, false, true},
    {"localhost:0", AF_INET, true, false},
    {"8443", 0, false, false},
    {"127.0.0.1", 0, false, false},
    {"127.0.0.1:", 0, false, false},
    {"127.0.0.1:65536", 0, false, false},
    {"::1:8443", 0, false, false},
    {"[127.0.0.1]:1", 0, false, false},
    {"acme.com:80", 0, false, false},
    {"", 0, false, false},
};

START_TEST(reads_where_to_listen)
{
    struct chy_op *op = test_op_new();
    struct chy_http_bind bind;
    chy_status status = chy_http_bind_parse(op, chy_text(binds[_i].text), &bind);
    ck_assert_msg(status == (binds[_i].family != 0 ? CHY_OK : CHY_BAD_INPUT), "'%s'",
                  binds[_i].text);
    if (status == CHY_OK) {
        ck_assert_int_eq(bind.address.ss_family, binds[_i].family);
        ck_assert(bind.loopback == binds[_i].loopback && bind.dual_stack == binds[_i].dual);
    } else {
        ck_assert_ptr_nonnull(strstr(test_op_message(op), binds[_i].text));
    }
    test_op_free(op);
}
END_TEST

START_TEST(opens_a_free_port_and_refuses_a_taken_one)
{
    struct chy_op *op = test_op_new();
    struct chy_http_bind bind;
    int fd = -1;
    int other = -1;
    uint16_t port = 0;
    char text[32];
    ck_assert_int_eq(chy_http_bind_parse(op, chy_text("127.0.0.1:0"), &bind), CHY_OK);
    ck_assert_int_eq(chy_http_bind_open(op, &bind, 16, &fd, &port), CHY_OK);
    ck_assert_uint_ne(port, 0);
    (void)snprintf(text, sizeof text, "127.0.0.1:%u", port);
    ck_assert_int_eq(chy_http_bind_parse(op, chy_text(text), &bind), CHY_OK);
    ck_assert_int_eq(chy_http_bind_open(op, &bind, 16, &other, &port), CHY_BROKEN);
    ck_assert_ptr_nonnull(strstr(test_op_message(op), "bind"));
    ck_assert_int_eq(close(fd), 0);
    test_op_free(op);
}
END_TEST

START_TEST(opens_everywhere)
{
    struct chy_op *op = test_op_new();
    struct chy_http_bind bind;
    int fd = -1;
    uint16_t port = 0;
    ck_assert_int_eq(chy_http_bind_parse(op, chy_text(":0"), &bind), CHY_OK);
    ck_assert_int_eq(chy_http_bind_open(op, &bind, 16, &fd, &port), CHY_OK);
    int caller = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ck_assert_int_eq(connect(caller, (const struct sockaddr *)&to, sizeof to), 0);
    ck_assert_int_eq(close(caller), 0);
    ck_assert_int_eq(close(fd), 0);
    test_op_free(op);
}
END_TEST

/** A request through proxies: 10.0.0.0/8 is trusted. */
struct chain {
    const char *name;
    const char *peer;
    const char *headers[6];
    const char *address;
    const char *scheme;
    const char *host;
};

static const struct chain chains[] = {
    {"no header", "10.0.0.1", {NULL}, "10.0.0.1", "", ""},
    {"one hop", "10.0.0.1", {"x-forwarded-for", "192.0.2.1"}, "192.0.2.1", "", ""},
    {"the last that is not trusted counts",
     "10.0.0.1",
     {"x-forwarded-for", "6.6.6.6, 192.0.2.1, 10.0.0.2"},
     "192.0.2.1",
     "",
     ""},
    {"two lines",
     "10.0.0.1",
     {"x-forwarded-for", "6.6.6.6", "x-forwarded-for", "192.0.2.1"},
     "192.0.2.1",
     "",
     ""},
    {"all trusted", "10.0.0.1", {"x-forwarded-for", "10.0.0.3, 10.0.0.2"}, "10.0.0.3", "", ""},
    {"garbage ends the chain",
     "10.0.0.1",
     {"x-forwarded-for", "192.0.2.1, what, 10.0.0.2"},
     "10.0.0.2",
     "",
     ""},
    {"an empty header", "10.0.0.1", {"x-forwarded-for", ""}, "10.0.0.1", "", ""},
    {"a port", "10.0.0.1", {"x-forwarded-for", "192.0.2.1:4711"}, "192.0.2.1", "", ""},
    {"scheme and host",
     "10.0.0.1",
     {"x-forwarded-proto", "HTTPS", "x-forwarded-host", "pki.acme.com"},
     "10.0.0.1",
     "https",
     "pki.acme.com"},
    {"a bad scheme and a bad host",
     "10.0.0.1",
     {"x-forwarded-proto", "gopher", "x-forwarded-host", "a/b"},
     "10.0.0.1",
     "",
     ""},
    {"what the caller wrote beside it",
     "10.0.0.1",
     {"forwarded", "for=6.6.6.6;proto=https;host=evil", "x-forwarded-for", "192.0.2.9"},
     "192.0.2.9",
     "",
     ""},
};

static const struct chain rfc7239_chains[] = {
    {"RFC 7239",
     "10.0.0.1",
     {"forwarded", "for=6.6.6.6, for=\"[2001:db8::1]:4711\";proto=https;host=\"a.b:1\""},
     "2001:db8::1",
     "https",
     "a.b:1"},
    {"RFC 7239, and what the caller wrote beside it",
     "10.0.0.1",
     {"x-forwarded-for", "6.6.6.6", "forwarded", "For=192.0.2.1", "x-forwarded-host", "evil"},
     "192.0.2.1",
     "",
     ""},
    {"RFC 7239 hidden", "10.0.0.1", {"forwarded", "for=_hidden"}, "10.0.0.1", "", ""},
};

static struct chy_view pairs_of(const char *const *texts, struct chy_pair *pairs)
{
    struct chy_view view = {pairs, 0, sizeof *pairs};
    while (view.count < 3 && texts[view.count * 2] != NULL) {
        pairs[view.count].name = chy_text(texts[view.count * 2]);
        pairs[view.count].value = chy_text(texts[view.count * 2 + 1]);
        view.count++;
    }
    return view;
}

static void check_chain(const struct chain *chain, enum chy_http_forwarding forwarding)
{
    struct chy_op *op = test_op_new();
    struct chy_http_network network;
    struct chy_http_trust trust = {&network, 1, forwarding};
    struct chy_http_address peer;
    struct chy_http_origin origin;
    struct chy_pair pairs[3];
    char text[CHY_HTTP_ADDRESS_TEXT];
    ck_assert(chy_http_network_parse(chy_text("10.0.0.0/8"), &network));
    ck_assert(chy_http_address_parse(chy_text(chain->peer), &peer));
    ck_assert_int_eq(
        chy_http_forwarded_read(op, &trust, &peer, pairs_of(chain->headers, pairs), &origin),
        CHY_OK);
    (void)chy_http_address_format(&origin.address, text);
    ck_assert_msg(strcmp(text, chain->address) == 0, "%s: %s", chain->name, text);
    ck_assert_msg(chy_slice_is(origin.scheme, chain->scheme), "%s: scheme", chain->name);
    ck_assert_msg(chy_slice_is(origin.host, chain->host), "%s: host", chain->name);
    ck_assert_uint_eq(origin.certificate.len, 0);
    test_op_free(op);
}

START_TEST(follows_trusted_proxies)
{
    check_chain(&chains[_i], CHY_HTTP_X_FORWARDED);
}
END_TEST

START_TEST(follows_trusted_proxies_of_rfc_7239)
{
    check_chain(&rfc7239_chains[_i], CHY_HTTP_FORWARDED);
}
END_TEST

static const struct {
    const char *headers[6];
    const char *certificate; // NULL: refused
} certificates[] = {
    {{"client-cert", ":AQID:"}, "\x01\x02\x03"},
    {{"client-cert", "AQID"}, NULL},
    {{"client-cert", ":AQI:"}, NULL},
    {{"client-cert", ":"}, NULL},
    {{"client-cert", ":AQID:", "client-cert", ":AQID:"}, NULL},
};

START_TEST(reads_the_certificate_of_a_proxy)
{
    struct chy_op *op = test_op_new();
    struct chy_http_trust trust = {NULL, 0, CHY_HTTP_X_FORWARDED};
    struct chy_http_address peer = {{0}};
    struct chy_http_origin origin;
    struct chy_pair pairs[3];
    bool ok = certificates[_i].certificate != NULL;
    ck_assert_int_eq(chy_http_forwarded_read(op, &trust, &peer,
                                             pairs_of(certificates[_i].headers, pairs), &origin),
                     ok ? CHY_OK : CHY_BAD_INPUT);
    if (ok) {
        ck_assert(chy_slice_is(origin.certificate, certificates[_i].certificate));
    }
    test_op_free(op);
}
END_TEST

START_TEST(knows_the_headers_of_proxies)
{
    static const char *const theirs[] = {
        "forwarded",   "x-forwarded-for",   "x-forwarded-client-cert", "x-real-ip",
        "client-cert", "client-cert-chain", "x-ssl-client-cert",       "x-client-cert"};
    static const char *const others[] = {"host", "x-forward", "forwarded-for", "x-request-id"};
    for (size_t i = 0; i < sizeof theirs / sizeof theirs[0]; i++) {
        ck_assert_msg(chy_http_is_forwarding(chy_text(theirs[i])), "%s", theirs[i]);
    }
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        ck_assert_msg(!chy_http_is_forwarding(chy_text(others[i])), "%s", others[i]);
    }
}
END_TEST

TEST_MAIN("http_address", TEST_EACH(reads_and_writes_addresses, addresses),
          TEST_EACH(knows_networks, networks), TEST_EACH(reads_where_to_listen, binds),
          TEST(opens_a_free_port_and_refuses_a_taken_one), TEST(opens_everywhere),
          TEST_EACH(follows_trusted_proxies, chains),
          TEST_EACH(follows_trusted_proxies_of_rfc_7239, rfc7239_chains),
          TEST_EACH(reads_the_certificate_of_a_proxy, certificates),
          TEST(knows_the_headers_of_proxies))
