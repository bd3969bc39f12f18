#include "config/listen.h"

#include "base/slice.h"
#include "config/config.h"

#include <arpa/inet.h>

#define HOST_MAX 64U
#define NAME_MAX_LEN 253U // RFC 1035 3.1

/** Splits "host:port"; the brackets of an IPv6 address are dropped. */
static bool split(struct chy_slice listen, struct chy_slice *out_host, struct chy_slice *out_port)
{
    uint64_t colon = 0;
    if (!chy_slice_find_last(listen, ':', &colon)) {
        return false;
    }
    struct chy_slice host = chy_slice_first(listen, colon);
    bool bracketed = host.len >= 2 && host.ptr[0] == '[' && host.ptr[host.len - 1] == ']';
    if (bracketed) {
        host = chy_slice_of(host.ptr + 1, host.len - 2);
    } else if (chy_slice_find(host, ':', &colon)) {
        return false;
    }
    *out_host = host;
    *out_port = chy_slice_skip(listen, (uint64_t)(bracketed ? host.len + 3 : host.len + 1));
    return true;
}

static bool parse_address(struct chy_slice text, int *out_family, uint8_t out_bytes[16])
{
    char word[HOST_MAX];
    if (text.len == 0 || text.len >= sizeof word || memchr(text.ptr, 0, (size_t)text.len) != NULL) {
        return false;
    }
    memcpy(word, text.ptr, (size_t)text.len);
    word[text.len] = '\0';
    *out_family = strchr(word, ':') == NULL ? AF_INET : AF_INET6;
    return inet_pton(*out_family, word, out_bytes) == 1;
}

bool chy_listen_is_valid(struct chy_slice listen)
{
    struct chy_slice host = {NULL, 0};
    struct chy_slice port = {NULL, 0};
    uint8_t address[16];
    int family = 0;
    uint64_t number = 0;
    return split(listen, &host, &port) && chy_slice_parse_u64(port, 65535, &number) &&
           (host.len == 0 || chy_slice_is(host, "localhost") ||
            parse_address(host, &family, address));
}

bool chy_config_listen_is_loopback(struct chy_slice listen)
{
    static const uint8_t v6_loopback[16] = {[15] = 1};
    struct chy_slice host = {NULL, 0};
    struct chy_slice port = {NULL, 0};
    uint8_t address[16];
    int family = 0;
    if (!split(listen, &host, &port)) {
        return false;
    }
    if (chy_slice_is(host, "localhost")) {
        return true;
    }
    return parse_address(host, &family, address) &&
           (family == AF_INET ? address[0] == 127
                              : memcmp(address, v6_loopback, sizeof address) == 0);
}

static bool is_host(struct chy_slice host)
{
    uint8_t address[16];
    int family = 0;
    if (parse_address(host, &family, address)) {
        return true;
    }
    bool is_name = host.len != 0 && host.len <= NAME_MAX_LEN && host.ptr[0] != '-';
    for (uint64_t i = 0; i < host.len && is_name; i++) {
        uint8_t c = host.ptr[i];
        is_name = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '-' || c == '.';
    }
    return is_name;
}

bool chy_syslog_server_read(struct chy_slice text, struct chy_syslog_server *out_server)
{
    struct chy_syslog_server server;
    uint64_t number = 0;
    const struct chy_slice tcp = chy_text("tcp://");
    server.is_tcp = chy_slice_starts_with(text, tcp);
    if ((!server.is_tcp && !chy_slice_starts_with(text, chy_text("udp://"))) ||
        !split(chy_slice_skip(text, tcp.len), &server.host, &server.port) ||
        !is_host(server.host) || !chy_slice_parse_u64(server.port, 65535, &number) || number == 0) {
        return false;
    }
    *out_server = server;
    return true;
}

bool chy_network_is_valid(struct chy_slice network)
{
    struct chy_slice host = network;
    struct chy_slice bits = {NULL, 0};
    uint8_t address[16];
    int family = 0;
    uint64_t number = 0;
    bool has_bits = chy_slice_cut(network, '/', &host, &bits);
    if (!parse_address(host, &family, address)) {
        return false;
    }
    return !has_bits || chy_slice_parse_u64(bits, family == AF_INET ? 32 : 128, &number);
}

static bool is_url_byte(uint8_t c)
{
    return c > 0x20 && c < 0x7f && c != '"' && c != '<' && c != '>' && c != '\\' && c != '^' &&
           c != '`' && c != '{' && c != '|' && c != '}' && c != '?' && c != '#' && c != '@';
}

const char *chy_public_url_problem(struct chy_slice url)
{
    const struct chy_slice scheme = chy_text("http://");
    if (chy_slice_starts_with(url, chy_text("https://"))) {
        return "expected a plain http:// URL: whoever checks a certificate cannot check another "
               "one "
               "first";
    }
    if (!chy_slice_starts_with(url, scheme)) {
        return "expected a URL that begins with http://";
    }
    struct chy_slice rest = chy_slice_skip(url, scheme.len);
    for (uint64_t i = 0; i < rest.len; i++) {
        if (!is_url_byte(rest.ptr[i])) {
            return "expected a URL of host and path only, in ASCII";
        }
    }
    if (rest.len == 0 || rest.ptr[0] == '/' || rest.ptr[0] == ':') {
        return "expected a host after http://";
    }
    if (chy_slice_contains(rest, chy_text("//")) || chy_slice_ends_with(rest, chy_text("/"))) {
        return "expected a URL without an empty part and without a slash at its end";
    }
    return NULL;
}
