/**
 * Networks: which addresses a credential may be used from, and which ones are locked out together.
 *
 * IPv4 and IPv6 are apart: "0.0.0.0/0" is every IPv4 address and "::/0" every IPv6 one.  An
 * IPv4-mapped IPv6 address is the IPv4 address.
 */
#ifndef CHY_ACCESS_NETWORK_H
#define CHY_ACCESS_NETWORK_H

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

/** chy_network_contains tells whether `inner` lies in `outer`. */
CHY_MUST_USE bool chy_network_contains(const struct chy_network *outer,
                                       const struct chy_network *inner);

/** CHY_NETWORKS_SHAPE is the JSON Schema of a list of networks: [{"ipAddress": "10.0.0.0/8"}]. */
#define CHY_NETWORKS_SHAPE                                                                \
    "{\"type\":\"array\",\"minItems\":1,\"maxItems\":100,\"items\":{\"type\":\"object\"," \
    "\"required\":[\"ipAddress\"],\"properties\":{\"ipAddress\":{\"type\":\"string\","    \
    "\"minLength\":2,\"maxLength\":64,\"x-trim\":true}}}}"

/** chy_networks_parse reads such a list, `json`; the view is of struct chy_network. */
CHY_MUST_USE chy_status chy_networks_parse(struct chy_op *op, struct chy_slice json,
                                           struct chy_view *out_networks);

/** chy_networks_have tells whether `peer`, an address as text, lies in one of `networks`.  What is
 *  no
 *   address lies in none. */
CHY_MUST_USE bool chy_networks_have(struct chy_op *op, struct chy_view networks,
                                    struct chy_slice peer);

/** chy_network_of_source names the network whose failed log-ins count together: /24 or /56. */
CHY_MUST_USE chy_status chy_network_of_source(struct chy_op *op, struct chy_slice peer,
                                              struct chy_slice *out_text);

#endif
