#include "http/address.h"

#include "base/slice.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <unistd.h>

static const uint8_t mapped_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

static bool is_mapped(const struct chy_http_address *address)
{
    return memcmp(address->bytes, mapped_prefix, sizeof mapped_prefix) == 0;
}

static struct chy_http_address from_ipv4(const struct in_addr *ipv4)
{
    struct chy_http_address address;
    memcpy(address.bytes, mapped_prefix, sizeof mapped_prefix);
    memcpy(address.bytes + sizeof mapped_prefix, ipv4, sizeof *ipv4);
    return address;
}

struct chy_http_address chy_http_address_of(const struct sockaddr *from)
{
    struct chy_http_address address = {{0}};
    if (from->sa_family == AF_INET) {
        struct sockaddr_in ipv4;
        memcpy(&ipv4, from, sizeof ipv4);
        address = from_ipv4(&ipv4.sin_addr);
    } else if (from->sa_family == AF_INET6) {
        struct sockaddr_in6 ipv6;
        memcpy(&ipv6, from, sizeof ipv6);
        memcpy(address.bytes, &ipv6.sin6_addr, sizeof address.bytes);
    }
    return address;
}

struct chy_http_address chy_http_address_counted_as(const struct chy_http_address *address)
{
    struct chy_http_address counted = *address;
    if (!is_mapped(address)) {
        memset(counted.bytes + 8, 0, 8);
    }
    return counted;
}

bool chy_http_address_parse(struct chy_slice text, struct chy_http_address *out_address)
{
    char copy[CHY_HTTP_ADDRESS_TEXT];
    struct in_addr ipv4;
    struct in6_addr ipv6;
    if (text.len == 0 || text.len >= sizeof copy || memchr(text.ptr, 0, (size_t)text.len) != NULL) {
        return false;
    }
    memcpy(copy, text.ptr, (size_t)text.len);
    copy[text.len] = '\0';
    if (inet_pton(AF_INET, copy, &ipv4) == 1) {
        *out_address = from_ipv4(&ipv4);
        return true;
    }
    if (inet_pton(AF_INET6, copy, &ipv6) == 1) {
        memcpy(out_address->bytes, &ipv6, sizeof out_address->bytes);
        return true;
    }
    return false;
}

uint32_t chy_http_address_format(const struct chy_http_address *address,
                                 char out[CHY_HTTP_ADDRESS_TEXT])
{
    bool ipv4 = is_mapped(address);
    const void *bytes = ipv4 ? address->bytes + sizeof mapped_prefix : address->bytes;
    if (inet_ntop(ipv4 ? AF_INET : AF_INET6, bytes, out, CHY_HTTP_ADDRESS_TEXT) == NULL) {
        out[0] = '\0';
    }
    return (uint32_t)strlen(out);
}

bool chy_http_address_is_loopback(const struct chy_http_address *address)
{
    static const uint8_t ipv6_loopback[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
    return (is_mapped(address) && address->bytes[12] == 127) ||
           memcmp(address->bytes, ipv6_loopback, sizeof ipv6_loopback) == 0;
}

bool chy_http_network_parse(struct chy_slice text, struct chy_http_network *out_network)
{
    struct chy_slice host = text;
    struct chy_slice prefix = {NULL, 0};
    struct chy_http_network network;
    bool has_prefix = chy_slice_cut(text, '/', &host, &prefix);
    if (!chy_http_address_parse(has_prefix ? host : text, &network.address)) {
        return false;
    }
    // An IPv4 network is the same one among the mapped addresses.
    uint64_t colon;
    bool ipv4 = !chy_slice_find(text, ':', &colon);
    uint64_t bits = ipv4 ? 32 : 128;
    if (has_prefix && !chy_slice_parse_u64(prefix, bits, &bits)) {
        return false;
    }
    network.bits = (uint32_t)bits + (ipv4 ? 96 : 0);
    *out_network = network;
    return true;
}

bool chy_http_network_contains(const struct chy_http_network *network,
                               const struct chy_http_address *address)
{
    uint32_t whole = network->bits / 8;
    uint32_t rest = network->bits % 8;
    if (memcmp(network->address.bytes, address->bytes, whole) != 0) {
        return false;
    }
    uint32_t mask = 0xffU << (8 - rest) & 0xffU;
    return rest == 0 || (network->address.bytes[whole] & mask) == (address->bytes[whole] & mask);
}

static chy_status fail_bind(struct chy_op *op, struct chy_slice text, const char *problem)
{
    return chy_fail(op, CHY_BAD_INPUT, 0,
                    "cannot listen on '%.*s': %s; expected ADDRESS:PORT, [IPV6]:PORT or :PORT",
                    (int)text.len, (const char *)text.ptr, problem);
}

static void set_address(struct chy_http_bind *bind, const struct chy_http_address *address,
                        uint16_t port)
{
    memset(&bind->address, 0, sizeof bind->address);
    if (is_mapped(address)) {
        struct sockaddr_in ipv4 = {.sin_family = AF_INET, .sin_port = htons(port)};
        memcpy(&ipv4.sin_addr, address->bytes + sizeof mapped_prefix, sizeof ipv4.sin_addr);
        memcpy(&bind->address, &ipv4, sizeof ipv4);
        bind->address_len = sizeof ipv4;
        return;
    }
    struct sockaddr_in6 ipv6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    memcpy(&ipv6.sin6_addr, address->bytes, sizeof address->bytes);
    memcpy(&bind->address, &ipv6, sizeof ipv6);
    bind->address_len = sizeof ipv6;
}

chy_status chy_http_bind_parse(struct chy_op *op, struct chy_slice text,
                               struct chy_http_bind *out_bind)
{
    uint64_t colon;
    uint64_t port;
    if (!chy_slice_find_last(text, ':', &colon)) {
        return fail_bind(op, text, "there is no port");
    }
    struct chy_slice host = chy_slice_first(text, colon);
    if (!chy_slice_parse_u64(chy_slice_skip(text, colon + 1), 65535, &port)) {
        return fail_bind(op, text, "the port is not a number up to 65535");
    }
    struct chy_http_bind bind = {.dual_stack = host.len == 0, .loopback = false};
    struct chy_http_address address = {{0}};
    if (chy_slice_is(host, "localhost")) {
        host = chy_text("127.0.0.1");
    }
    bool bracketed = host.len > 2 && host.ptr[0] == '[' && host.ptr[host.len - 1] == ']';
    struct chy_slice inside = bracketed ? chy_slice_of(host.ptr + 1, host.len - 2) : host;
    uint64_t other_colon;
    if (!bind.dual_stack && (!chy_http_address_parse(inside, &address) ||
                             bracketed != chy_slice_find(inside, ':', &other_colon))) {
        return fail_bind(op, text, "the host is not an IP address");
    }
    bind.loopback = chy_http_address_is_loopback(&address);
    set_address(&bind, &address, (uint16_t)port);
    *out_bind = bind;
    return CHY_OK;
}

static uint16_t port_in(const struct sockaddr_storage *address)
{
    struct sockaddr_in6 ipv6;
    struct sockaddr_in ipv4;
    memcpy(&ipv6, address, sizeof ipv6);
    memcpy(&ipv4, address, sizeof ipv4);
    return ntohs(address->ss_family == AF_INET6 ? ipv6.sin6_port : ipv4.sin_port);
}

static uint16_t port_of(int fd)
{
    struct sockaddr_storage own;
    socklen_t len = sizeof own;
    memset(&own, 0, sizeof own);
    return getsockname(fd, (struct sockaddr *)&own, &len) == 0 ? port_in(&own) : 0;
}

static chy_status fail_socket(struct chy_op *op, const struct chy_http_bind *where,
                              const char *doing, int fd)
{
    int code = errno;
    struct chy_http_address address = chy_http_address_of((const struct sockaddr *)&where->address);
    char text[CHY_HTTP_ADDRESS_TEXT];
    if (fd >= 0) {
        (void)close(fd);
    }
    (void)chy_http_address_format(&address, text);
    return chy_fail(op, CHY_BROKEN, code, "cannot listen on %s port %u: cannot %s: %s", text,
                    port_in(&where->address), doing, strerrordesc_np(code));
}

static chy_status open_socket(struct chy_op *op, const struct chy_http_bind *where,
                              uint32_t backlog, int *out_fd)
{
    int yes = 1;
    int only_ipv6 = where->dual_stack ? 0 : 1;
    int family = where->address.ss_family;
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return fail_socket(op, where, "make a socket", fd);
    }
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) != 0 ||
        (family == AF_INET6 &&
         setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only_ipv6, sizeof only_ipv6) != 0)) {
        return fail_socket(op, where, "set up the socket", fd);
    }
    if (bind(fd, (const struct sockaddr *)&where->address, where->address_len) != 0) {
        return fail_socket(op, where, "bind the address", fd);
    }
    if (listen(fd, (int)backlog) != 0) {
        return fail_socket(op, where, "listen", fd);
    }
    *out_fd = fd;
    return CHY_OK;
}

chy_status chy_http_bind_open(struct chy_op *op, const struct chy_http_bind *bind, uint32_t backlog,
                              int *out_fd, uint16_t *out_port)
{
    chy_status status = open_socket(op, bind, backlog, out_fd);
    struct chy_error error;
    op->host->last_error(op, &error);
    if (status != CHY_OK && bind->dual_stack &&
        (error.native_code == EAFNOSUPPORT || error.native_code == EADDRNOTAVAIL)) {
        struct sockaddr_in6 wanted;
        struct chy_http_bind plain = {.dual_stack = false};
        memcpy(&wanted, &bind->address, sizeof wanted);
        struct in_addr anywhere = {.s_addr = htonl(INADDR_ANY)};
        struct chy_http_address address = from_ipv4(&anywhere);
        set_address(&plain, &address, ntohs(wanted.sin6_port));
        status = open_socket(op, &plain, backlog, out_fd);
    }
    CHY_TRY(status);
    *out_port = port_of(*out_fd);
    return CHY_OK;
}
