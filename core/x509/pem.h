/** PEM (RFC 7468): strict reading, fast writing. */
#ifndef CHY_X509_PEM_H
#define CHY_X509_PEM_H

#include <chancery/types.h>

#include <stdbool.h>

struct chy_op;

#define CHY_PEM_CERTIFICATE "CERTIFICATE"
#define CHY_PEM_REQUEST "CERTIFICATE REQUEST"
#define CHY_PEM_NEW_REQUEST "NEW CERTIFICATE REQUEST"
#define CHY_PEM_PRIVATE_KEY "PRIVATE KEY"
#define CHY_PEM_CRL "X509 CRL"

/** CHY_PEM_BLOCKS_MAX is the most blocks that one text may hold. */
#define CHY_PEM_BLOCKS_MAX 32

/** A list of decoded blocks. */
struct chy_pem_blocks {
    const struct chy_slice *items; /**< DER */
    uint64_t count;
};

enum chy_pem_flag {
    CHY_PEM_SECRET = 1U << 0 /**< decode into the secret arena */
};

/**
 * chy_pem_decode reads one or more blocks, each labelled with one of `labels` (a NULL-terminated
 * list).  White space may stand around blocks and anywhere in the base64 (lines end in LF or CRLF
 * and are as long as they like), nothing else may.  Base64 is canonical: padded, no stray bits.
 * BAD_INPUT says what was expected.
 */
CHY_MUST_USE chy_status chy_pem_decode(struct chy_op *op, struct chy_slice text,
                                       const char *const *labels, uint32_t flags,
                                       struct chy_pem_blocks *out_blocks);

/** chy_pem_decode_one is chy_pem_decode for exactly one block. */
CHY_MUST_USE chy_status chy_pem_decode_one(struct chy_op *op, struct chy_slice text,
                                           const char *const *labels, uint32_t flags,
                                           struct chy_slice *out_der);

/** chy_pem_decode_request reads a certification request: PEM with either label, or, as some clients
 *  send it, base64 of the DER without any label. */
CHY_MUST_USE chy_status chy_pem_decode_request(struct chy_op *op, struct chy_slice text,
                                               struct chy_slice *out_der);

/** chy_pem_size returns how many octets the PEM of `der_len` octets takes. */
uint64_t chy_pem_size(const char *label, uint64_t der_len);

/** chy_pem_write writes the PEM of `der` to `out`, which has room for chy_pem_size() octets, and
 *  returns one past the last octet written.  64 columns, LF, no NUL. */
uint8_t *chy_pem_write(const char *label, struct chy_slice der, uint8_t *out);

/** chy_pem_encode writes PEM into the arena of `op`, or into its secret arena. */
CHY_MUST_USE chy_status chy_pem_encode(struct chy_op *op, const char *label, struct chy_slice der,
                                       uint32_t flags, struct chy_slice *out_text);

#endif
