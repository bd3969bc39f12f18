/**
 * Subject alternative names in one canonical form, by which they are compared, judged and encoded:
 *
 *   dns_name    lower-case A-labels (IDNA 2008), no trailing dot, `*` only as the whole first label
 *   ip_address  dotted IPv4, or IPv6 as RFC 5952; an IPv4-mapped IPv6 address is IPv4
 *   email       ASCII local part, canonical domain
 *   uri         absolute, ASCII, scheme and host in lower case
 *   upn         the otherName 1.3.6.1.4.1.311.20.2.3: user@domain, ASCII letters of the domain in
 *               lower case
 */
#ifndef CHY_X509_SAN_H
#define CHY_X509_SAN_H

#include "x509/der_read.h"
#include "x509/der_write.h"

struct chy_op;

enum chy_san_type {
    CHY_SAN_DNS = 0,
    CHY_SAN_IP = 1,
    CHY_SAN_EMAIL = 2,
    CHY_SAN_URI = 3,
    CHY_SAN_UPN = 4
};
#define CHY_SAN_TYPE_COUNT 5

/** CHY_SAN_MAX is the most names that one request or certificate of ours may have. */
#define CHY_SAN_MAX 100

/** CHY_SAN_VALUE_MAX is the longest value in octets. */
#define CHY_SAN_VALUE_MAX 1024

struct chy_san {
    enum chy_san_type type;
    struct chy_slice text;   /**< canonical */
    struct chy_slice octets; /**< as encoded: 4 or 16 octets of an address, else the text */
};

/** A list of names; `items` lives in the operation that made it. */
struct chy_sans {
    const struct chy_san *items;
    uint64_t count;
};

/** chy_san_type_word returns the wire word: "dns_name". */
const char *chy_san_type_word(enum chy_san_type type);

/** chy_san_type_find finds the type that a word names, in any case: "dns_name", "DNS", "IP", "url"
 *  and the like.  False: unknown. */
CHY_MUST_USE bool chy_san_type_find(struct chy_slice word, enum chy_san_type *out_type);

/** chy_san_make makes a name of what people wrote.  BAD_INPUT says what is wrong with it. */
CHY_MUST_USE chy_status chy_san_make(struct chy_op *op, enum chy_san_type type,
                                     struct chy_slice text, struct chy_san *out_san);

/** chy_san_dns_canonical makes a host name canonical; a wildcard only if `wildcard`. */
CHY_MUST_USE chy_status chy_san_dns_canonical(struct chy_op *op, struct chy_slice text,
                                              bool wildcard, struct chy_slice *out_text);

/** chy_san_is_wildcard tells whether a canonical name is a wildcard host name. */
CHY_MUST_USE bool chy_san_is_wildcard(const struct chy_san *san);

/** chy_san_equal compares canonical names. */
CHY_MUST_USE bool chy_san_equal(const struct chy_san *a, const struct chy_san *b);

/** chy_san_unique drops later copies of equal names, in place, and returns how many are left. */
CHY_MUST_USE uint64_t chy_san_unique(struct chy_san *sans, uint64_t count);

/** chy_sans_write appends GeneralNames. */
void chy_sans_write(struct chy_der_writer *w, const struct chy_sans *sans);

/** chy_sans_read reads GeneralNames that someone requests: canonical, equal ones once, in order.
 *  BAD_INPUT: none or more than CHY_SAN_MAX, another kind of name, an unfit value. */
CHY_MUST_USE chy_status chy_sans_read(struct chy_op *op, struct chy_slice der,
                                      struct chy_sans *out_sans);

#endif
