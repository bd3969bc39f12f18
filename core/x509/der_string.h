/** The character strings of ASN.1, as names and attributes carry them. */
#ifndef CHY_X509_DER_STRING_H
#define CHY_X509_DER_STRING_H

#include "x509/der_read.h"

struct chy_op;

/** chy_der_string_valid tells whether `contents` is valid for the string type `tag` and has no NUL
 *  character.  PrintableString is taken with `*`, `@`, `&` and `_` as well, which clients in wide
 *  use write; TeletexString is any octets.  False also for a tag that is no string type. */
CHY_MUST_USE bool chy_der_string_valid(uint8_t tag, struct chy_slice contents);

/** chy_der_string_text yields a valid string as UTF-8: a view where it is that already, converted
 *  in the operation's arena otherwise (BMPString, UniversalString; TeletexString as ISO 8859-1). */
CHY_MUST_USE chy_status chy_der_string_text(struct chy_op *op, uint8_t tag,
                                            struct chy_slice contents, struct chy_slice *out_text);

#endif
