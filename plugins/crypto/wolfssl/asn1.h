/** The little DER that keys and signatures need: a strict reader, and a writer that goes
 *  backwards. */
#ifndef CHANCERY_WOLFSSL_ASN1_H
#define CHANCERY_WOLFSSL_ASN1_H

#include <chancery/types.h>

#include <stdbool.h>

enum chy_asn1_tag {
    CHY_ASN1_INTEGER = 0x02,
    CHY_ASN1_BIT_STRING = 0x03,
    CHY_ASN1_OCTET_STRING = 0x04,
    CHY_ASN1_OID = 0x06,
    CHY_ASN1_SEQUENCE = 0x30,
    CHY_ASN1_CONTEXT_0 = 0xa0,
    CHY_ASN1_CONTEXT_1 = 0xa1,
    CHY_ASN1_IMPLICIT_0 = 0x80,
    CHY_ASN1_IMPLICIT_1 = 0x81
};

/** chy_asn1_take moves `rest` past the element it starts with, if that has `tag`, and gives its
 *  contents.  On false nothing has moved. */
CHY_MUST_USE bool chy_asn1_take(struct chy_slice *rest, uint8_t tag,
                                struct chy_slice *out_contents);

/** chy_asn1_take_whole is chy_asn1_take() that gives tag and length as well, of any element. */
CHY_MUST_USE bool chy_asn1_take_whole(struct chy_slice *rest, struct chy_slice *out_element);

/** chy_asn1_take_unsigned takes an INTEGER that is not negative and gives its bytes without the
 *  sign octet; zero is one zero byte. */
CHY_MUST_USE bool chy_asn1_take_unsigned(struct chy_slice *rest, struct chy_slice *out_magnitude);

/** chy_asn1_take_bits takes a BIT STRING of whole bytes. */
CHY_MUST_USE bool chy_asn1_take_bits(struct chy_slice *rest, struct chy_slice *out_bits);

/**
 * A struct chy_asn1_out writes from the end of a buffer to its start, so that a length is known
 * when its header is written.  Too little room sets `full`, and everything after is ignored.
 */
struct chy_asn1_out {
    uint8_t *start;
    uint8_t *at;
    uint8_t *end;
    bool full;
};

void chy_asn1_out_init(struct chy_asn1_out *out, void *buffer, uint64_t size);
/** chy_asn1_out_slice is what has been written so far. */
struct chy_slice chy_asn1_out_slice(const struct chy_asn1_out *out);
/** chy_asn1_mark remembers a place: what is written after it goes into the next header. */
uint64_t chy_asn1_mark(const struct chy_asn1_out *out);
void chy_asn1_put(struct chy_asn1_out *out, struct chy_slice bytes);
void chy_asn1_put_byte(struct chy_asn1_out *out, uint8_t byte);
/** chy_asn1_put_header closes all that was written since `mark` into an element with `tag`. */
void chy_asn1_put_header(struct chy_asn1_out *out, uint8_t tag, uint64_t mark);
/** chy_asn1_put_unsigned writes a whole INTEGER from a magnitude, which may have leading zeros. */
void chy_asn1_put_unsigned(struct chy_asn1_out *out, struct chy_slice magnitude);

#endif
