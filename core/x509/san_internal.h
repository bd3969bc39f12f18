/** The canonical forms of e-mail addresses, URIs and user principal names; san.c brings them
 *  together. */
#ifndef CHY_X509_SAN_INTERNAL_H
#define CHY_X509_SAN_INTERNAL_H

#include <chancery/types.h>

struct chy_op;

/** chy_san_email_canonical checks the local part and makes the domain canonical. */
CHY_MUST_USE chy_status chy_san_email_canonical(struct chy_op *op, struct chy_slice text,
                                                struct chy_slice *out_text);

/** chy_san_uri_canonical checks an absolute URI and lowers scheme and host. */
CHY_MUST_USE chy_status chy_san_uri_canonical(struct chy_op *op, struct chy_slice text,
                                              struct chy_slice *out_text);

/** chy_san_upn_canonical checks user@domain and lowers ASCII letters of the domain. */
CHY_MUST_USE chy_status chy_san_upn_canonical(struct chy_op *op, struct chy_slice text,
                                              struct chy_slice *out_text);

#endif
