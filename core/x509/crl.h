/** Certificate revocation lists (RFC 5280 5): streaming builder and strict reader. */
#ifndef CHY_X509_CRL_H
#define CHY_X509_CRL_H

#include "x509/algorithm.h"
#include "x509/extensions.h"

struct chy_op;

/** CHY_CRL_MAX is the longest CRL, DER. */
#define CHY_CRL_MAX (64 * 1024 * 1024)

/** Reasons of RFC 5280 5.3.1. */
enum chy_crl_reason {
    CHY_CRL_UNSPECIFIED = 0,
    CHY_CRL_KEY_COMPROMISE = 1,
    CHY_CRL_CA_COMPROMISE = 2,
    CHY_CRL_AFFILIATION_CHANGED = 3,
    CHY_CRL_SUPERSEDED = 4,
    CHY_CRL_CESSATION_OF_OPERATION = 5,
    CHY_CRL_CERTIFICATE_HOLD = 6,
    CHY_CRL_REMOVE_FROM_CRL = 8,
    CHY_CRL_PRIVILEGE_WITHDRAWN = 9,
    CHY_CRL_AA_COMPROMISE = 10
};

/** chy_crl_reason_word returns the wire word, "KEY_COMPROMISE"; NULL for an unknown number. */
const char *chy_crl_reason_word(uint32_t reason);

/** chy_crl_reason_find finds a reason by its wire word or RFC name, in any case; false: none.
 *  removeFromCRL is not one that people give. */
CHY_MUST_USE bool chy_crl_reason_find(struct chy_slice word, uint32_t *out_reason);

/** What stands around the entries. */
struct chy_crl_values {
    uint32_t signature_algorithm;
    struct chy_slice issuer; /**< Name DER */
    int64_t this_update;     /**< µs UTC */
    int64_t next_update;
    uint64_t number;
    struct chy_slice authority_key_id;
    const struct chy_slice *point_urls; /**< critical IssuingDistributionPoint; none: absent */
    uint64_t point_url_count;
    const struct chy_slice *freshest_urls; /**< freshestCRL; none: absent */
    uint64_t freshest_url_count;
    bool is_delta;
    uint64_t base_number; /**< of a delta */
};

struct chy_crl_writer {
    struct chy_der_writer der;
    struct chy_crl_values values;
    uint64_t tbs_mark;
    uint64_t entries_mark;
    uint64_t entry_count;
};

/** chy_crl_begin starts a TBSCertList in the arena of `op`.  `expected` is about how many entries
 *  will come.  The values' views must live until chy_crl_end(). */
CHY_MUST_USE chy_status chy_crl_begin(struct chy_op *op, const struct chy_crl_values *values,
                                      uint64_t expected, struct chy_crl_writer *out_writer);

/** chy_crl_add appends an entry: a serial (big-endian), when, and why (unspecified is not written,
 *  RFC 5280 5.3.1).  A failure shows at chy_crl_end(). */
void chy_crl_add(struct chy_crl_writer *writer, struct chy_slice serial, int64_t date,
                 uint32_t reason);

/** chy_crl_end yields the TBSCertList; chy_signed_assemble() makes the CRL of it. */
CHY_MUST_USE chy_status chy_crl_end(struct chy_op *op, struct chy_crl_writer *writer,
                                    struct chy_slice *out_tbs);

/** What a CRL says.  Views point into the DER. */
struct chy_crl {
    struct chy_slice der;
    struct chy_slice tbs;
    struct chy_slice signature;
    struct chy_slice issuer; /**< Name DER */
    struct chy_slice number; /**< magnitude; empty if absent */
    struct chy_slice authority_key_id;
    struct chy_slice entries; /**< contents of revokedCertificates; empty if absent */
    struct chy_slice base_number;
    int64_t this_update;
    int64_t next_update;
    uint64_t entry_count;
    uint32_t signature_algorithm;
    bool has_next_update;
    bool has_number;
    bool is_delta;
    bool has_point;
    struct chy_issuing_point point;
    struct chy_urls freshest;
};

struct chy_crl_entry {
    struct chy_slice serial; /**< magnitude */
    int64_t date;
    uint32_t reason; /**< CHY_CRL_UNSPECIFIED if the entry has none */
};

/** chy_crl_read reads a whole version 2 CRL, strictly, and checks each entry.  BAD_INPUT:
 *  malformed, a repeated or unknown critical extension, an algorithm that we do not have. */
CHY_MUST_USE chy_status chy_crl_read(struct chy_op *op, struct chy_slice der,
                                     struct chy_crl *out_crl);

/** chy_crl_next takes one entry of a CRL that was read: start with chy_der_of(crl.entries). */
CHY_MUST_USE bool chy_crl_next(struct chy_der *entries, struct chy_crl_entry *out_entry);

#endif
