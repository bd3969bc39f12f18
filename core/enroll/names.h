/**
 * The names of a certificate as its row keeps them: one text for people, and a set for search.
 */
#ifndef CHY_ENROLL_NAMES_H
#define CHY_ENROLL_NAMES_H

#include "x509/name.h"
#include "x509/san.h"

/** chy_names_joined gives the alternative names, comma-joined in their order; empty when they are
 *  more than a text holds. */
CHY_MUST_USE chy_status chy_names_joined(struct chy_op *op, const struct chy_sans *sans,
                                         struct chy_slice *out_joined);

/**
 * chy_names_searched gives the set under which a certificate is found: common names and alternative
 * names in lower case, each once.  A view of struct chy_slice.
 */
CHY_MUST_USE chy_status chy_names_searched(struct chy_op *op, const struct chy_name *subject,
                                           const struct chy_sans *sans, struct chy_view *out_names);

/** CHY_PAIR_SEPARATOR stands between key and value in what chy_names_pairs() makes. */
#define CHY_PAIR_SEPARATOR 0x1f

/**
 * chy_names_pairs gives the set under which metadata (a view of struct chy_pair) is found: key,
 * separator, value.  A prefix that ends in the separator finds a key with any value.
 */
CHY_MUST_USE chy_status chy_names_pairs(struct chy_op *op, struct chy_view metadata,
                                        struct chy_view *out_pairs);

#endif
