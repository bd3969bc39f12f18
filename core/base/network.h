/**
 * Networks of IP addresses.
 *
 * IPv4 and IPv6 are apart: "0.0.0.0/0" is every IPv4 address and "::/0" every IPv6 one.  An
 * IPv4-mapped IPv6 address is the IPv4 address.
 */
#ifndef CHY_BASE_NETWORK_H
#define CHY_BASE_NETWORK_H

#include <chancery/host.h>

#include <stdbool.h>

/** The first `bits` of an address of 4 or 16 octets. */
struct chy_network {
    uint8_t octets[16];
    uint32_t octet_count;
    uint32_t bits;
};

/** chy_network_parse reads "10.0.0.0/8", "2001:db8::/32" or an address alone.  BAD_INPUT else. */
CHY_MUST_USE chy_status chy_network_parse(struct chy_op *op, struct chy_slice text,
                                          struct chy_network *out_network);

/** chy_network_of_host reads an address alone, as the network that has just that one. */
CHY_MUST_USE chy_status chy_network_of_host(struct chy_op *op, struct chy_slice text,
                                            struct chy_network *out_network);

/** chy_network_of_octets makes the same of 4 or 16 octets in network order; 16 that are a mapped
 *  IPv4 address make an IPv4 one.  false: it is another number. */
CHY_MUST_USE bool chy_network_of_octets(struct chy_slice octets, struct chy_network *out_network);

/** chy_network_widen keeps the first `bits` bits, and zeroes what follows. */
void chy_network_widen(struct chy_network *network, uint32_t bits);

/** chy_network_contains tells whether `inner` lies in `outer`. */
CHY_MUST_USE bool chy_network_contains(const struct chy_network *outer,
                                       const struct chy_network *inner);

#endif
