/** Chains as they are stored: DER certificates one after another, the issuer's first. */
#ifndef CHY_ENROLL_CHAIN_H
#define CHY_ENROLL_CHAIN_H

#include "base/buf.h"

#include <chancery/host.h>

/** CHY_CHAIN_MAX is the longest chain, DER. */
#define CHY_CHAIN_MAX ((size_t)512 << 10)

/** chy_chain_take takes the first certificate off a chain that is not empty.  BROKEN: damaged. */
CHY_MUST_USE chy_status chy_chain_take(struct chy_op *op, struct chy_slice *chain,
                                       struct chy_slice *out_der);

/** chy_chain_add_pem appends a certificate as PEM. */
CHY_MUST_USE chy_status chy_chain_add_pem(struct chy_op *op, struct chy_buf *pem,
                                          struct chy_slice der);

/** chy_chain_pem writes a whole chain as PEM; `first`, which may be empty, goes before it. */
CHY_MUST_USE chy_status chy_chain_pem(struct chy_op *op, struct chy_slice first,
                                      struct chy_slice chain, struct chy_slice *out_pem);

#endif
