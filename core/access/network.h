/** Networks: which addresses a credential may be used from, and which ones are locked out
 *  together. */
#ifndef CHY_ACCESS_NETWORK_H
#define CHY_ACCESS_NETWORK_H

#include "base/network.h"

#include <chancery/host.h>

#include <stdbool.h>

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
