/**
 * Which addresses may be connected to for somebody who is not to be trusted.
 *
 * A receiver's address comes from a project's people, through a resolver that may be theirs too. So
 * what is reached by being inside (this machine, its networks, a cloud's metadata service) is
 * refused, in whatever form it is written, unless the configuration lists its network.
 */
#ifndef CHY_PLUGIN_OUTBOUND_H
#define CHY_PLUGIN_OUTBOUND_H

#include "base/network.h"

#include <chancery/host.h>

#include <stdbool.h>

/** What the configuration says (section `outbound`).  All zero: nothing is listed. */
struct chy_outbound_rules {
    const struct chy_network *allowed;
    uint64_t allowed_count;
    struct chy_slice ca_file; /**< NUL-terminated past its length; empty: the system's CAs */
};

/** chy_outbound_kind says what speaks against an address by its number alone ("private"), or NULL:
 *  nothing.  `out_is_metadata` tells whether it is a metadata service's. */
const char *chy_outbound_kind(const struct chy_network *address, bool *out_is_metadata);

/** chy_outbound_decide: DENIED, with a message for people that does not show the address.  An
 *  address of this machine counts as such whatever its number.  BAD_INPUT: it is no address. */
CHY_MUST_USE chy_status chy_outbound_decide(const struct chy_outbound_rules *rules,
                                            struct chy_op *op,
                                            const struct chy_outbound_address *wanted);

#endif
