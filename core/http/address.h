/** Socket addresses: where to listen, who called, and networks. */
#ifndef CHY_HTTP_ADDRESS_H
#define CHY_HTTP_ADDRESS_H

#include <chancery/host.h>

#include <stdbool.h>
#include <sys/socket.h>

/** An IP address as 16 bytes; IPv4 is mapped (::ffff:a.b.c.d).  All zero: not known. */
struct chy_http_address {
    uint8_t bytes[16];
};

/** "[" IPv6 "]" without scope, and NUL. */
#define CHY_HTTP_ADDRESS_TEXT 48

/** chy_http_address_of takes the address out of a socket address; others than IP give all zero.
 *  */
struct chy_http_address chy_http_address_of(const struct sockaddr *from);
/** chy_http_address_parse reads "192.0.2.1" or "2001:db8::1". */
CHY_MUST_USE bool chy_http_address_parse(struct chy_slice text,
                                         struct chy_http_address *out_address);
/** chy_http_address_format writes the usual text, IPv4 without its mapping, and returns its
 *  length. */
uint32_t chy_http_address_format(const struct chy_http_address *address,
                                 char out[CHY_HTTP_ADDRESS_TEXT]);
/** chy_http_address_is_loopback tells whether only this machine can call from there. */
CHY_MUST_USE bool chy_http_address_is_loopback(const struct chy_http_address *address);
/** chy_http_address_counted_as gives what limits count as one: the address, with IPv6 its /64,
 *  which one customer has whole. */
struct chy_http_address chy_http_address_counted_as(const struct chy_http_address *address);

/** A network: the first `bits` of an address (IPv4: 96 more). */
struct chy_http_network {
    struct chy_http_address address;
    uint32_t bits;
};

/** chy_http_network_parse reads "10.0.0.0/8", "2001:db8::/32" or a single address. */
CHY_MUST_USE bool chy_http_network_parse(struct chy_slice text,
                                         struct chy_http_network *out_network);
/** chy_http_network_contains tells whether `address` lies in `network`. */
CHY_MUST_USE bool chy_http_network_contains(const struct chy_http_network *network,
                                            const struct chy_http_address *address);

/** Where to listen. */
struct chy_http_bind {
    struct sockaddr_storage address;
    socklen_t address_len;
    bool dual_stack; /**< ":8443": IPv6 and IPv4 on one socket */
    bool loopback;
};

/** chy_http_bind_parse reads "127.0.0.1:8080", "[::1]:8443", "localhost:0" or ":8443"
 *  (everywhere). */
CHY_MUST_USE chy_status chy_http_bind_parse(struct chy_op *op, struct chy_slice text,
                                            struct chy_http_bind *out_bind);
/** chy_http_bind_open makes the listening socket and tells its port.  Without IPv6 on the machine
 *  ":8443" falls back to IPv4. */
CHY_MUST_USE chy_status chy_http_bind_open(struct chy_op *op, const struct chy_http_bind *bind,
                                           uint32_t backlog, int *out_fd, uint16_t *out_port);

#endif
