/**
 * The one way in which a certificate gets into storage, whoever made it.
 *
 * The row and its entry in the register of serials go into one batch; what a certificate is found
 * by is worked out here, so that no two ways of making one can differ in it.
 */
#ifndef CHY_ENROLL_CERTIFICATE_ROW_H
#define CHY_ENROLL_CERTIFICATE_ROW_H

#include "enroll/profile.h"
#include "resource/keyring.h"
#include "x509/extensions.h"
#include "x509/name.h"
#include "x509/san.h"

/** The texts by which a certificate, and the request for it, are shown and found. */
struct chy_certificate_texts {
    struct chy_slice common_name; /**< empty: none */
    struct chy_slice subject;     /**< a JSON object, as answers show it */
    struct chy_slice alt_names;   /**< comma-joined */
    struct chy_slice metadata;    /**< a JSON array; empty: none */
    struct chy_view names;
    struct chy_view pairs;
};

/** chy_certificate_texts_make makes them of a subject, names and metadata (a view of struct
 *  chy_pair). */
CHY_MUST_USE chy_status chy_certificate_texts_make(struct chy_op *op,
                                                   const struct chy_name *subject,
                                                   const struct chy_sans *sans,
                                                   struct chy_view metadata,
                                                   struct chy_certificate_texts *out_texts);

#define CHY_SOURCE_ISSUED "issued"
#define CHY_SOURCE_IMPORTED "imported"

/** A certificate to be kept.  A nil id, an empty slice and NULL mean that there is none. */
struct chy_certificate_row {
    struct chy_uuid id;
    struct chy_uuid project_id;
    const struct chy_issuer *issuer; /**< NULL: no CA here signed it */
    int64_t shard;                   /**< of the issuer's CRLs */
    struct chy_uuid profile_id;
    struct chy_uuid request_id;
    struct chy_uuid application_id;
    struct chy_uuid identity_id; /**< who asked for it */
    struct chy_slice method;     /**< never empty */
    const char *source;          /**< CHY_SOURCE_… */
    const struct chy_certificate_texts *texts;
    struct chy_slice friendly_name;

    struct chy_slice der;
    struct chy_slice chain;  /**< of an imported one: DER, one after another */
    struct chy_slice serial; /**< as chy_serial_text() writes it */
    int64_t not_before;
    int64_t not_after;
    const char *key_algorithm;
    const char *signature_algorithm;
    uint32_t key_usage;
    uint32_t ekus;
    struct chy_basic_constraints basic_constraints;

    struct chy_slice spki_sha256;
    struct chy_slice sealed_key;
    struct chy_uuid data_key_id;
    enum chy_key_retention key_retention;

    int64_t renew_before;   /**< µs; 0: no automatic renewal */
    bool has_choice;        /**< the certificate that it renews was configured by itself */
    int64_t renewal_choice; /**< CHY_CERT_RENEWAL_CHOICE */
    struct chy_uuid renewed_from_id;
    struct chy_uuid renewal_root_id;
};

/**
 * chy_certificate_row_insert puts the insertion of a certificate and of its serial number into
 * `batch`, which borrows `row` until it is committed.
 */
CHY_MUST_USE chy_status chy_certificate_row_insert(struct chy_runtime *runtime,
                                                   struct chy_batch *batch,
                                                   const struct chy_certificate_row *row);

/** chy_certificate_import_id is what an imported certificate is entered under in the register of
 *  serials, by its SHA-256: so that of two who import it at once one is refused. */
static inline struct chy_uuid chy_certificate_import_id(struct chy_slice sha256)
{
    struct chy_uuid id = {.bytes = {0}};
    if (sha256.len >= sizeof id.bytes) { // a damaged row may have none
        memcpy(id.bytes, sha256.ptr, sizeof id.bytes);
    }
    return id;
}

/** chy_certificate_key_place is where a certificate's sealed key belongs; it borrows all three. */
static inline struct chy_sealed_place chy_certificate_key_place(const struct chy_uuid *id,
                                                                const struct chy_uuid *project_id,
                                                                struct chy_slice spki_sha256)
{
    struct chy_sealed_place place = {
        .purpose = "leaf-key",
        .collection = "certificates",
        .field = "sealed_key",
        .row_id = id,
        .project_id = project_id,
        .spki_sha256 = spki_sha256,
        .exportable = true,
    };
    return place;
}

#endif
