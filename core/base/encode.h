/** Hexadecimal, base64 and base64url (RFC 4648), both ways.  Decoding is strict. */
#ifndef CHY_BASE_ENCODE_H
#define CHY_BASE_ENCODE_H

#include "base/buf.h"

#include <chancery/host.h>

#include <stdbool.h>

/** CHY_HEX_LEN and its fellows: how many characters `len` bytes become. */
#define CHY_HEX_LEN(len) ((len)*2)
#define CHY_BASE64_LEN(len) (((len) + 2) / 3 * 4)
#define CHY_BASE64URL_LEN(len) (((len)*4 + 2) / 3)

/** chy_hex_encode writes CHY_HEX_LEN(bytes.len) lower-case digits and no NUL. */
void chy_hex_encode(struct chy_slice bytes, char *out);
/** chy_hex_decode reads digits of either case.  false: odd, no digit, or too long for `out`. */
CHY_MUST_USE bool chy_hex_decode(struct chy_slice text, struct chy_buffer out, size_t *out_len);
/** chy_hex_add appends lower-case digits. */
void chy_hex_add(struct chy_buf *buf, struct chy_slice bytes);
/** chy_hex_text makes lower-case digits in the arena, NUL-terminated. */
CHY_MUST_USE chy_status chy_hex_text(struct chy_op *op, struct chy_slice bytes,
                                     struct chy_slice *out_text);

/** chy_base64_encode writes CHY_BASE64_LEN(bytes.len) characters, padded, and no NUL. */
void chy_base64_encode(struct chy_slice bytes, char *out);
/** chy_base64_decode wants padding, no white space and zero spare bits. */
CHY_MUST_USE bool chy_base64_decode(struct chy_slice text, struct chy_buffer out, size_t *out_len);
/** chy_base64_add appends padded base64 without line ends. */
void chy_base64_add(struct chy_buf *buf, struct chy_slice bytes);

/** chy_base64url_encode writes CHY_BASE64URL_LEN(bytes.len) characters, no padding and no NUL. */
void chy_base64url_encode(struct chy_slice bytes, char *out);
/** chy_base64url_decode refuses padding, white space and spare bits that are not zero. */
CHY_MUST_USE bool chy_base64url_decode(struct chy_slice text, struct chy_buffer out,
                                       size_t *out_len);
/** chy_base64url_add appends unpadded base64url. */
void chy_base64url_add(struct chy_buf *buf, struct chy_slice bytes);

#endif
