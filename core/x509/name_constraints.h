/** Name constraints (RFC 5280 4.2.1.10): reading, writing, and checking names against them. */
#ifndef CHY_X509_NAME_CONSTRAINTS_H
#define CHY_X509_NAME_CONSTRAINTS_H

#include "x509/der_read.h"
#include "x509/san.h"

struct chy_op;

/** The two halves of NameConstraints: contents of GeneralSubtrees, empty if absent. */
struct chy_name_constraints {
    struct chy_slice permitted;
    struct chy_slice excluded;
};

/** chy_name_constraints_read reads the contents of extnValue.  False: malformed, empty, or with
 *  minimum or maximum (RFC 5280 forbids both). */
CHY_MUST_USE bool chy_name_constraints_read(struct chy_slice value,
                                            struct chy_name_constraints *out);

/** chy_name_constraints_allow checks a certificate's subject (Name DER) and its SAN extension
 *  (contents of GeneralNames' extnValue, empty if it has none) against one CA's constraints: host
 *  names, addresses, e-mail, URI hosts, directory names.  A subject's emailAddress counts as e-mail
 *  when there is no SAN.  A kind of name that the constraints name and we cannot judge is refused.
 *  BAD_INPUT names the offending name. */
CHY_MUST_USE chy_status chy_name_constraints_allow(struct chy_op *op,
                                                   const struct chy_name_constraints *constraints,
                                                   struct chy_slice subject,
                                                   struct chy_slice san_value);

/** One GeneralSubtree to be written. */
struct chy_name_subtree {
    uint8_t tag; /**< of its GeneralName */
    struct chy_slice value;
};

/**
 * chy_name_subtree_make makes one of what people write: a host name (covers what is below it), a
 * network, an e-mail address, a mail or URI host, or one with a leading dot for all hosts below it.
 * BAD_INPUT says what is wrong with it.
 */
CHY_MUST_USE chy_status chy_name_subtree_make(struct chy_op *op, enum chy_san_type type,
                                              struct chy_slice text,
                                              struct chy_name_subtree *out_subtree);

/** chy_name_constraints_encode writes the contents of extnValue.  At least one subtree is given. */
CHY_MUST_USE chy_status chy_name_constraints_encode(
    struct chy_op *op, const struct chy_name_subtree *permitted, uint64_t permitted_count,
    const struct chy_name_subtree *excluded, uint64_t excluded_count, struct chy_slice *out_value);

#endif
