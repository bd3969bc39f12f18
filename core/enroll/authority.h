/**
 * Internal certificate authorities: their kind, and what is done with them.
 *
 * A CA has key generations, a generation has certificates (pki-rules 2).  Making a CA makes its
 * first key; its certificate comes by signing itself (root), by a CA of the same project, or from
 * outside.
 */
#ifndef CHY_ENROLL_AUTHORITY_H
#define CHY_ENROLL_AUTHORITY_H

#include "enroll/issuer.h"
#include "enroll/sign.h"
#include "enroll/validity.h"
#include "resource/kind.h"
#include "x509/csr.h"

/** "certificate-authorities" */
extern const struct chy_kind chy_kind_authority;

/** A CA and its active key generation, as rows. */
struct chy_authority {
    struct chy_storage_row row;        /**< every field, by enum chy_authority_field */
    struct chy_storage_row generation; /**< every field, by enum chy_generation_field */
    struct chy_uuid id;
    struct chy_uuid generation_id;
};

/** chy_authority_load reads the CA that a call is about, asking for its permission. */
CHY_MUST_USE chy_status chy_authority_load(struct chy_call *call, struct chy_authority *out);

/** chy_authority_load_generation puts another key generation of the CA into `ca`. */
CHY_MUST_USE chy_status chy_authority_load_generation(struct chy_call *call,
                                                      const struct chy_uuid *generation_id,
                                                      struct chy_authority *ca);

/** CHY_GENERATIONS_MAX: a CA with that many keys makes no new one. */
#define CHY_GENERATIONS_MAX 100

/** chy_authority_generations lists the key generations of a CA, `fields` of each. */
CHY_MUST_USE chy_status chy_authority_generations(struct chy_call *call,
                                                  const struct chy_uuid *authority_id,
                                                  struct chy_view fields,
                                                  struct chy_storage_page *out_page);

/** A key that was just made for a CA, and what its row says. */
struct chy_authority_key {
    struct chy_uuid generation_id;
    struct chy_crypto_key key; /**< the caller releases it */
    bool without_ocsp;         /**< the caller's: its certificates name no responder */
    struct chy_slice spki;
    struct chy_slice spki_sha256;
    struct chy_slice sealed;
    struct chy_slice reference;
    struct chy_uuid data_key_id;
    uint32_t algorithm;
    struct chy_write *row; /**< the generation's, in the batch */
};

/** chy_authority_wants_ocsp tells whether keys that a CA gets from now on name a responder; `row`
 *  has all of its fields. */
CHY_MUST_USE bool chy_authority_wants_ocsp(const struct chy_storage_row *row);

/** chy_authority_make_key makes, seals and puts into `batch` a key generation `number` of a CA;
 *  `status` is "active" or "pending".  The batch borrows from `out_key`. */
CHY_MUST_USE chy_status chy_authority_make_key(struct chy_call *call, struct chy_batch *batch,
                                               const struct chy_uuid *authority_id,
                                               uint32_t algorithm, int64_t number,
                                               const char *status,
                                               struct chy_authority_key *out_key);

/** What a CA certificate shall say. */
struct chy_authority_wish {
    struct chy_slice subject; /**< Name DER */
    struct chy_slice spki;
    uint32_t key_algorithm;
    const struct chy_crypto_key *key; /**< signs when `parent` is NULL */
    const struct chy_issuer *parent;  /**< NULL: self-signed */
    struct chy_validity validity;
    int32_t max_path_length;           /**< −1: no limit */
    struct chy_slice name_constraints; /**< contents of extnValue, or empty */
};

/** chy_authority_sign makes a CA certificate: a root's, an intermediate's, or that of somebody
 *  else's intermediate. */
CHY_MUST_USE chy_status chy_authority_sign(struct chy_call *call,
                                           const struct chy_authority_wish *wish,
                                           struct chy_signed *out_signed, int64_t *out_shard);

/** A CA certificate about to be installed. */
struct chy_authority_certificate {
    struct chy_uuid id;
    struct chy_slice der;
    struct chy_slice chain;          /**< DER, concatenated */
    struct chy_slice serial;         /**< lower-case hexadecimal */
    const struct chy_issuer *parent; /**< NULL: a root, or signed elsewhere */
    int64_t shard;                   /**< on the parent's CRLs */
    struct chy_validity validity;
    int32_t max_path_length;
    int64_t version;
    struct chy_slice name_constraints; /**< JSON that the CA's row shall have; empty: as it is */
    struct chy_write *generation_row;  /**< of a key made in the same batch; else NULL */
};

/** chy_authority_certify is chy_authority_sign for a CA of ours. */
CHY_MUST_USE chy_status chy_authority_certify(struct chy_call *call,
                                              const struct chy_authority_wish *wish,
                                              struct chy_authority_certificate *out_certificate);

/** chy_authority_parent finds the CA that shall sign: it is active and of the same project. */
CHY_MUST_USE chy_status chy_authority_parent(struct chy_call *call, const struct chy_uuid *id,
                                             const struct chy_issuer **out_parent);

/** chy_authority_install puts the rows of a certificate into `batch`: its own, its serial, the
 *  generation's first CRL shard when it is the first certificate.  The caller sets the CA's and the
 *  generation's rows. */
CHY_MUST_USE chy_status chy_authority_install(struct chy_call *call, struct chy_batch *batch,
                                              const struct chy_uuid *authority_id,
                                              const struct chy_uuid *generation_id, bool first,
                                              struct chy_authority_certificate *certificate);

/**
 * chy_authority_adopt installs a certificate of the generation that `ca` has, makes it the one in
 * use, and commits: a pending CA becomes active; a generation that was not the active one is from
 * now on, and the one before it is retired.
 */
CHY_MUST_USE chy_status chy_authority_adopt(struct chy_call *call, struct chy_batch *batch,
                                            const struct chy_authority *ca,
                                            struct chy_authority_certificate *certificate,
                                            const char *verb);

/** chy_authority_refuse_revoked: BAD_INPUT when the certificate that a CA issues with is revoked or
 *  on hold; `row` has all of the CA's fields. */
CHY_MUST_USE chy_status chy_authority_refuse_revoked(struct chy_call *call,
                                                     const struct chy_storage_row *row);

/** chy_authority_constraints makes the extension's contents of what `json` asks for; nothing, when
 *  that is absent or null. */
CHY_MUST_USE chy_status chy_authority_constraints(struct chy_call *call, const json_t *json,
                                                  struct chy_slice *out_value);
#define CHY_CONSTRAINTS_PER_KIND 64

/** chy_authority_certificate_object makes the JSON of one of a CA's certificates. */
CHY_MUST_USE chy_status chy_authority_certificate_object(
    struct chy_call *call, const struct chy_authority_certificate *certificate,
    json_t **out_object);

/** chy_authority_object makes the JSON of a CA. */
CHY_MUST_USE chy_status chy_authority_object(struct chy_call *call,
                                             const struct chy_storage_row *row,
                                             json_t **out_object);

/** The actions that other files than authority.c serve. */
chy_status chy_authority_create(struct chy_call *call);
chy_status chy_authority_update(struct chy_call *call);
chy_status chy_authority_delete(struct chy_call *call);
chy_status chy_authority_renew(struct chy_call *call);
chy_status chy_authority_csr(struct chy_call *call);
chy_status chy_authority_generate(struct chy_call *call);
chy_status chy_authority_certificate_get(struct chy_call *call);
chy_status chy_authority_certificates(struct chy_call *call);
chy_status chy_authority_sign_intermediate(struct chy_call *call);
chy_status chy_authority_import(struct chy_call *call);
chy_status chy_authority_crls(struct chy_call *call);

/** What somebody's CA asks for, checked. */
struct chy_intermediate_request {
    struct chy_csr csr;
    struct chy_slice spki_sha256;
    bool key_is_known; /**< it was certified here as an intermediate's before */
};

/** chy_intermediate_request_read reads the CSR of a CA, PEM, and checks the possession of the key,
 *  its strength, and that it is not blocked.  BAD_INPUT says what is wrong. */
CHY_MUST_USE chy_status chy_intermediate_request_read(struct chy_runtime *runtime,
                                                      struct chy_op *op, struct chy_slice text,
                                                      struct chy_intermediate_request *out_request);

/** chy_intermediate_request_check refuses to sign what is not a CA's, or with a path length (-1:
 *  none) beyond what the CSR asks for or what the issuer's own leaves. */
CHY_MUST_USE chy_status chy_intermediate_request_check(struct chy_op *op, const struct chy_csr *csr,
                                                       const struct chy_certificate *issuer,
                                                       int64_t path_length);

/** chy_csr_make builds and signs a certification request for a CA (RFC 2986 4). */
CHY_MUST_USE chy_status chy_csr_make(struct chy_runtime *runtime, struct chy_op *op,
                                     const struct chy_crypto_key *key, struct chy_slice subject,
                                     struct chy_slice spki, uint32_t key_algorithm,
                                     struct chy_slice *out_der);

#endif
