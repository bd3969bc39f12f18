/**
 * A strict DER reader (X.690, DER only) in the manner of a byte-string cursor.
 *
 * Every function takes one element from the front.  On false nothing moved and no output was
 * touched.  Accepted are single-octet tags and definite, minimal lengths of at most four octets.
 * Nothing is allocated and nothing recurses: outputs are views into the input.
 */
#ifndef CHY_X509_DER_READ_H
#define CHY_X509_DER_READ_H

#include <chancery/types.h>

#include <stdbool.h>

enum chy_der_tag {
    CHY_DER_BOOLEAN = 0x01,
    CHY_DER_INTEGER = 0x02,
    CHY_DER_BIT_STRING = 0x03,
    CHY_DER_OCTET_STRING = 0x04,
    CHY_DER_NULL = 0x05,
    CHY_DER_OID = 0x06,
    CHY_DER_ENUMERATED = 0x0a,
    CHY_DER_UTF8_STRING = 0x0c,
    CHY_DER_PRINTABLE_STRING = 0x13,
    CHY_DER_TELETEX_STRING = 0x14,
    CHY_DER_IA5_STRING = 0x16,
    CHY_DER_UTC_TIME = 0x17,
    CHY_DER_GENERALIZED_TIME = 0x18,
    CHY_DER_UNIVERSAL_STRING = 0x1c,
    CHY_DER_BMP_STRING = 0x1e,
    CHY_DER_SEQUENCE = 0x30,
    CHY_DER_SET = 0x31
};

/** CHY_DER_CONTEXT is the tag of a primitive context-specific element, `n` below 31. */
#define CHY_DER_CONTEXT(n) ((uint8_t)(0x80U | (n)))

/** CHY_DER_CONTEXT_SET is the tag of a constructed context-specific element, `n` below 31. */
#define CHY_DER_CONTEXT_SET(n) ((uint8_t)(0xa0U | (n)))

/** A struct chy_der consumes a view from the front.  Copy it to look ahead. */
struct chy_der {
    struct chy_slice rest;
};

/** chy_der_of makes a reader over `input`. */
static inline struct chy_der chy_der_of(struct chy_slice input)
{
    struct chy_der der = {input};
    return der;
}

/** chy_der_done tells whether everything was consumed. */
static inline bool chy_der_done(const struct chy_der *der)
{
    return der->rest.len == 0;
}

/** chy_der_next_is tells whether another element follows and starts with `tag`. */
static inline bool chy_der_next_is(const struct chy_der *der, uint8_t tag)
{
    return der->rest.len != 0 && der->rest.ptr[0] == tag;
}

/** chy_der_any takes one element of any tag and yields its tag and contents. */
CHY_MUST_USE bool chy_der_any(struct chy_der *der, uint8_t *out_tag,
                              struct chy_slice *out_contents);

/** chy_der_whole takes one element of any tag and yields all of it, header included. */
CHY_MUST_USE bool chy_der_whole(struct chy_der *der, struct chy_slice *out_element);

/** chy_der_take takes one element of the tag `tag` and yields its contents. */
CHY_MUST_USE bool chy_der_take(struct chy_der *der, uint8_t tag, struct chy_slice *out_contents);

/** chy_der_enter takes one element of the tag `tag` and yields a reader over its contents.
 *  `out_inner` may be `der` itself, which then descends. */
CHY_MUST_USE bool chy_der_enter(struct chy_der *der, uint8_t tag, struct chy_der *out_inner);

/** chy_der_optional is chy_der_enter for an OPTIONAL element: false only if it is there and bad. */
CHY_MUST_USE bool chy_der_optional(struct chy_der *der, uint8_t tag, bool *out_present,
                                   struct chy_der *out_inner);

/** chy_der_integer takes an INTEGER of any sign in its minimal form and yields the contents. */
CHY_MUST_USE bool chy_der_integer(struct chy_der *der, struct chy_slice *out_contents);

/** chy_der_magnitude takes a non-negative INTEGER and yields its octets without a leading zero:
 *  the empty slice stands for 0. */
CHY_MUST_USE bool chy_der_magnitude(struct chy_der *der, struct chy_slice *out_magnitude);

/** chy_der_u64 takes a non-negative INTEGER that fits. */
CHY_MUST_USE bool chy_der_u64(struct chy_der *der, uint64_t *out_value);

/** chy_der_u64_tagged is chy_der_u64 under another tag: IMPLICIT or ENUMERATED. */
CHY_MUST_USE bool chy_der_u64_tagged(struct chy_der *der, uint8_t tag, uint64_t *out_value);

/** chy_der_boolean takes a BOOLEAN: FF or 00, nothing else. */
CHY_MUST_USE bool chy_der_boolean(struct chy_der *der, bool *out_value);

/** chy_der_boolean_default takes a BOOLEAN DEFAULT FALSE: absent or TRUE (X.690 11.5). */
CHY_MUST_USE bool chy_der_boolean_default(struct chy_der *der, bool *out_value);

/** chy_der_null takes a NULL. */
CHY_MUST_USE bool chy_der_null(struct chy_der *der);

/** chy_der_oid takes an OBJECT IDENTIFIER of minimal, complete arcs and yields its contents. */
CHY_MUST_USE bool chy_der_oid(struct chy_der *der, struct chy_slice *out_contents);

/** chy_der_oid_valid tells whether `contents` may stand in an OBJECT IDENTIFIER. */
CHY_MUST_USE bool chy_der_oid_valid(struct chy_slice contents);

/** chy_der_octets takes an OCTET STRING. */
CHY_MUST_USE bool chy_der_octets(struct chy_der *der, struct chy_slice *out_octets);

/** chy_der_bits takes a BIT STRING of whole octets. */
CHY_MUST_USE bool chy_der_bits(struct chy_der *der, struct chy_slice *out_octets);

/** chy_der_named_bits takes a BIT STRING of at most 32 named bits under the tag `tag`, without
 *  trailing zero bits (X.690 11.2.2): bit i of the list is 1 << i of the mask. */
CHY_MUST_USE bool chy_der_named_bits(struct chy_der *der, uint8_t tag, uint32_t *out_mask);

/** chy_der_time takes a UTCTime (YYMMDDHHMMSSZ) or, for years from 2050 on, a GeneralizedTime
 *  (YYYYMMDDHHMMSSZ), the forms of RFC 5280 4.1.2.5, and yields microseconds since 1970. */
CHY_MUST_USE bool chy_der_time(struct chy_der *der, int64_t *out_time);

#endif
