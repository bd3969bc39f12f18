/**
 * Distinguished names: canonical subjects that we build, and any name that we only read.
 *
 * A canonical name is a list of the seven attribute types that requests and policies know.  Its
 * values are clean UTF-8 text (no control or bidirectional character, no NUL) within the lengths of
 * RFC 5280 appendix A.1.  Encoded: country as PrintableString, domain components as IA5String in
 * lower case, the rest as UTF8String, one attribute in each RDN.
 */
#ifndef CHY_X509_NAME_H
#define CHY_X509_NAME_H

#include "x509/der_read.h"
#include "x509/der_write.h"

struct chy_op;

/** The attribute types, in the order in which chy_name_sort() puts them. */
enum chy_name_type {
    CHY_NAME_DOMAIN_COMPONENT = 0,
    CHY_NAME_COUNTRY = 1,
    CHY_NAME_STATE = 2,
    CHY_NAME_LOCALITY = 3,
    CHY_NAME_ORGANIZATION = 4,
    CHY_NAME_ORGANIZATIONAL_UNIT = 5,
    CHY_NAME_COMMON_NAME = 6
};
#define CHY_NAME_TYPE_COUNT 7

/** CHY_NAME_MAX is the most attributes a canonical name may have. */
#define CHY_NAME_MAX 64

struct chy_name_attribute {
    enum chy_name_type type;
    struct chy_slice value; /**< UTF-8 */
};

struct chy_name {
    const struct chy_name_attribute *attributes;
    uint64_t count;
};

/** chy_name_type_word returns the policy's word for a type: "common_name". */
const char *chy_name_type_word(enum chy_name_type type);

/** chy_name_type_find finds the type that a word names, in any case: "common_name", "commonName",
 *  "CN" and so on for each type.  False: unknown. */
CHY_MUST_USE bool chy_name_type_find(struct chy_slice word, enum chy_name_type *out_type);

/** chy_name_canonical checks one value and yields its canonical form: without spaces around it,
 *  the letters of a domain component lower-case, everything else as given.  BAD_INPUT names the
 *  type and what is wrong. */
CHY_MUST_USE chy_status chy_name_canonical(struct chy_op *op, enum chy_name_type type,
                                           struct chy_slice value, struct chy_slice *out_value);

/** chy_name_check tells whether the whole is fit: at most CHY_NAME_MAX attributes, every type but
 *  organizational unit and domain component at most once.  Values are taken to be canonical. */
CHY_MUST_USE chy_status chy_name_check(struct chy_op *op, const struct chy_name *name);

/** chy_name_sort brings attributes into the customary order (the order of chy_name_type) and keeps
 *  the order of values of one type. */
void chy_name_sort(struct chy_name_attribute *attributes, uint64_t count);

/** chy_name_get finds the first value of a type; false if there is none. */
CHY_MUST_USE bool chy_name_get(const struct chy_name *name, enum chy_name_type type,
                               struct chy_slice *out_value);

/** chy_name_write appends the DER of a name whose values are canonical. */
void chy_name_write(struct chy_der_writer *w, const struct chy_name *name);

/** chy_name_encode is chy_name_write into the arena of `op`. */
CHY_MUST_USE chy_status chy_name_encode(struct chy_op *op, const struct chy_name *name,
                                        struct chy_slice *out_der);

/** chy_name_parse reads the DER of a requested subject into canonical attributes, in their order.
 *  BAD_INPUT: a type we do not know (with its OID), a multi-valued RDN, a string type other than
 *  PrintableString, UTF8String, IA5String and BMPString, or an unfit value.  Views and converted
 *  values live as long as both `der` and the operation. */
CHY_MUST_USE chy_status chy_name_parse(struct chy_op *op, struct chy_slice der,
                                       struct chy_name *out_name);

/** chy_name_known takes of any well-formed name what we have a type for, in its order, and leaves
 *  the rest out: for showing and finding what others issued, never for issuing. */
CHY_MUST_USE chy_status chy_name_known(struct chy_op *op, struct chy_slice der,
                                       struct chy_name *out_name);

/** chy_name_well_formed tells whether `der` is one Name of any attribute types, multi-valued RDNs
 *  allowed, their string values valid for their tags and free of NULs. */
CHY_MUST_USE bool chy_name_well_formed(struct chy_slice der);

/** chy_name_is_empty tells whether a well-formed name has no RDN. */
CHY_MUST_USE bool chy_name_is_empty(struct chy_slice der);

/** chy_name_text writes any well-formed name for people, as RFC 4514: the last RDN first. */
CHY_MUST_USE chy_status chy_name_text(struct chy_op *op, struct chy_slice der,
                                      struct chy_slice *out_text);

#endif
