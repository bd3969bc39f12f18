/**
 * X.509 extensions: the bit masks of usages and their wire words, readers and writers of each.
 *
 * Writers append one whole Extension element with the criticality that RFC 5280 and pki-rules ask
 * for.  Readers get the contents of extnValue; they are strict and yield views.
 */
#ifndef CHY_X509_EXTENSIONS_H
#define CHY_X509_EXTENSIONS_H

#include "x509/der_read.h"
#include "x509/der_write.h"
#include "x509/oid.h"
#include "x509/san.h"

struct chy_op;

/** Key usages: bit i is bit i of RFC 5280 4.2.1.3. */
enum chy_key_usage {
    CHY_KU_DIGITAL_SIGNATURE = 1U << 0,
    CHY_KU_NON_REPUDIATION = 1U << 1,
    CHY_KU_KEY_ENCIPHERMENT = 1U << 2,
    CHY_KU_DATA_ENCIPHERMENT = 1U << 3,
    CHY_KU_KEY_AGREEMENT = 1U << 4,
    CHY_KU_KEY_CERT_SIGN = 1U << 5,
    CHY_KU_CRL_SIGN = 1U << 6,
    CHY_KU_ENCIPHER_ONLY = 1U << 7,
    CHY_KU_DECIPHER_ONLY = 1U << 8
};
#define CHY_KU_COUNT 9

/** Extended key usages that have a wire word. */
enum chy_extended_key_usage {
    CHY_EKU_CLIENT_AUTH = 1U << 0,
    CHY_EKU_SERVER_AUTH = 1U << 1,
    CHY_EKU_CODE_SIGNING = 1U << 2,
    CHY_EKU_EMAIL_PROTECTION = 1U << 3,
    CHY_EKU_OCSP_SIGNING = 1U << 4,
    CHY_EKU_TIME_STAMPING = 1U << 5,
    CHY_EKU_ANY_PURPOSE = 1U << 6
};
#define CHY_EKU_COUNT 7

/** chy_key_usage_word returns the wire word of one bit: "digital_signature". */
const char *chy_key_usage_word(uint32_t bit);
/** chy_key_usage_find returns the bit that a word names: snake_case, the legacy camelCase or
 *  contentCommitment, in any case; 0 if none. */
uint32_t chy_key_usage_find(struct chy_slice word);

/** chy_eku_word returns the wire word of one bit: "server_auth". */
const char *chy_eku_word(uint32_t bit);
/** chy_eku_find returns the bit that a word names ("server_auth", "serverAuth", "any_purpose",
 *  "anyExtendedKeyUsage"), in any case; 0 if none. */
uint32_t chy_eku_find(struct chy_slice word);

/** chy_key_usage_for_key returns the usages that fit a key algorithm: key_encipherment and
 *  data_encipherment only for RSA, key_agreement (with encipher_only, decipher_only) only for EC,
 *  signing for all. */
uint32_t chy_key_usage_for_key(uint32_t key_algorithm);

/* ------------------------------------------------------------------------------------------------
 * Reading
 */

/** One Extension. */
struct chy_extension {
    enum chy_oid oid; /**< CHY_OID_UNKNOWN: see oid_contents */
    bool critical;
    struct chy_slice oid_contents;
    struct chy_slice value; /**< contents of extnValue */
};

/** CHY_EXTENSIONS_MAX is the most extensions that we read in one place. */
#define CHY_EXTENSIONS_MAX 64

/** chy_extension_next takes one Extension from the front of the contents of Extensions. */
CHY_MUST_USE bool chy_extension_next(struct chy_der *extensions, struct chy_extension *out);

/** chy_extensions_distinct tells whether `contents`, the contents of Extensions, is well-formed,
 *  has from 1 to CHY_EXTENSIONS_MAX elements, and no OID twice; `out_repeated` gets a repeated
 *  OID's contents, or is empty when the structure is broken. */
CHY_MUST_USE bool chy_extensions_distinct(struct chy_slice contents,
                                          struct chy_slice *out_repeated);

CHY_MUST_USE bool chy_ext_read_key_usage(struct chy_slice value, uint32_t *out_mask);

struct chy_ekus {
    uint32_t mask;
    struct chy_slice unknown; /**< OID contents of the first without a wire word, or empty */
};
CHY_MUST_USE bool chy_ext_read_ekus(struct chy_slice value, struct chy_ekus *out_ekus);

struct chy_basic_constraints {
    bool is_ca;
    bool has_path_length;
    uint32_t path_length;
};
CHY_MUST_USE bool chy_ext_read_basic_constraints(struct chy_slice value,
                                                 struct chy_basic_constraints *out);

CHY_MUST_USE bool chy_ext_read_subject_key_id(struct chy_slice value, struct chy_slice *out_id);

/** chy_ext_read_authority_key_id yields the key identifier, empty if the extension has none. */
CHY_MUST_USE bool chy_ext_read_authority_key_id(struct chy_slice value, struct chy_slice *out_id);

/** CHY_URLS_MAX is the most URLs that one extension of ours carries or yields. */
#define CHY_URLS_MAX 16

struct chy_urls {
    struct chy_slice items[CHY_URLS_MAX];
    uint64_t count;
};

/** chy_ext_read_crl_points yields the URLs of CRL distribution points, or of freshestCRL. */
CHY_MUST_USE bool chy_ext_read_crl_points(struct chy_slice value, struct chy_urls *out_urls);

struct chy_access {
    struct chy_urls ca_issuers;
    struct chy_urls ocsp;
};
CHY_MUST_USE bool chy_ext_read_access(struct chy_slice value, struct chy_access *out_access);

CHY_MUST_USE bool chy_ext_read_crl_number(struct chy_slice value, struct chy_slice *out_magnitude);

struct chy_issuing_point {
    struct chy_urls urls;
    bool only_user_certs;
    bool only_ca_certs;
    bool indirect;
};
CHY_MUST_USE bool chy_ext_read_issuing_point(struct chy_slice value,
                                             struct chy_issuing_point *out_point);

/* ------------------------------------------------------------------------------------------------
 * Writing
 */

/** chy_ext_open starts an Extension and its extnValue, chy_ext_close ends both. */
struct chy_ext_mark {
    uint64_t extension;
    uint64_t value;
};
CHY_MUST_USE struct chy_ext_mark chy_ext_open(struct chy_der_writer *w, enum chy_oid oid,
                                              bool critical);
void chy_ext_close(struct chy_der_writer *w, struct chy_ext_mark mark);

void chy_ext_write_subject_key_id(struct chy_der_writer *w, struct chy_slice id);
void chy_ext_write_authority_key_id(struct chy_der_writer *w, struct chy_slice id);
/** Critical, also for a leaf: an empty sequence then. */
void chy_ext_write_basic_constraints(struct chy_der_writer *w,
                                     const struct chy_basic_constraints *constraints);
/** Critical.  An empty mask writes nothing. */
void chy_ext_write_key_usage(struct chy_der_writer *w, uint32_t mask);
/** Critical for time stamping alone (RFC 3161 2.3).  An empty mask writes nothing. */
void chy_ext_write_ekus(struct chy_der_writer *w, uint32_t mask);
/** No names write nothing.  Critical when the subject is empty (RFC 5280 4.2.1.6). */
void chy_ext_write_sans(struct chy_der_writer *w, const struct chy_sans *sans, bool critical);
/** One distribution point with all URLs, which name the same CRL.  None write nothing. */
void chy_ext_write_crl_points(struct chy_der_writer *w, const struct chy_slice *urls,
                              uint64_t count);
void chy_ext_write_freshest_crl(struct chy_der_writer *w, const struct chy_slice *urls,
                                uint64_t count);
/** None at all write nothing. */
void chy_ext_write_access(struct chy_der_writer *w, const struct chy_slice *ca_issuers,
                          uint64_t ca_issuers_count, const struct chy_slice *ocsp,
                          uint64_t ocsp_count);
/** id-pkix-ocsp-nocheck (RFC 6960 4.2.2.2.1). */
void chy_ext_write_ocsp_no_check(struct chy_der_writer *w);
void chy_ext_write_crl_number(struct chy_der_writer *w, uint64_t number);
/** Critical: the number of the base CRL. */
void chy_ext_write_delta_base(struct chy_der_writer *w, uint64_t base_number);
/** Critical: fullName with exactly these URLs. */
void chy_ext_write_issuing_point(struct chy_der_writer *w, const struct chy_slice *urls,
                                 uint64_t count);

/** CHY_KEY_ID_SIZE: key identifiers of ours are 160 bits of SHA-256 (RFC 7093 2, method 1). */
#define CHY_KEY_ID_SIZE 20

/** chy_key_id makes our key identifier of the SHA-256 of the key bits (chy_spki.public_key). */
struct chy_slice chy_key_id(struct chy_slice sha256_of_public_key);

/** All that a certificate of ours may carry.  Zero, empty or absent members write nothing. */
struct chy_extension_values {
    struct chy_slice subject_key_id;
    struct chy_slice authority_key_id;
    struct chy_basic_constraints basic_constraints; /**< always written */
    uint32_t key_usage;
    uint32_t ekus;
    const struct chy_sans *sans; /**< may be NULL */
    bool sans_critical;
    bool ocsp_no_check;
    const struct chy_slice *crl_urls;
    uint64_t crl_url_count;
    const struct chy_slice *ca_issuer_urls;
    uint64_t ca_issuer_url_count;
    const struct chy_slice *ocsp_urls;
    uint64_t ocsp_url_count;
    struct chy_slice name_constraints; /**< contents of extnValue made elsewhere, or empty */
};

/** chy_extensions_write appends the elements of Extensions, one after another. */
void chy_extensions_write(struct chy_der_writer *w, const struct chy_extension_values *values);

#endif
