/** A certificate authority as it signs: its active key generation, made ready and cached. */
#ifndef CHY_ENROLL_ISSUER_H
#define CHY_ENROLL_ISSUER_H

#include "resource/cache.h"
#include "resource/runtime.h"
#include "x509/certificate.h"
#include "x509/path.h"

enum chy_authority_status {
    CHY_AUTHORITY_PENDING = 0,
    CHY_AUTHORITY_ACTIVE,
    CHY_AUTHORITY_DISABLED
};

#define CHY_MIRRORS_MAX 4

/** Immutable.  Everything it points to is its own. */
struct chy_issuer {
    struct chy_cached cached;     /**< first member */
    struct chy_operation *memory; /**< everything it points to lives in it */
    struct chy_uuid authority_id;
    struct chy_uuid project_id;
    struct chy_uuid generation_id;
    struct chy_uuid certificate_id;
    enum chy_authority_status status;
    bool clamps;     /**< onCaExpiry: clamp */
    bool direct;     /**< enableDirectIssuance */
    bool names_ocsp; /**< its leaves name our responder */
    uint32_t key_algorithm;
    struct chy_slice name;
    int64_t shard_size;
    struct chy_crypto_key key;        /**< signs */
    struct chy_crypto_key public_key; /**< checks what it signed */
    struct chy_slice public_url;
    struct chy_slice mirrors[CHY_MIRRORS_MAX];
    uint32_t mirror_count;
    /** path[0] is the CA's certificate, then its issuers up to the root. */
    struct chy_certificate path[CHY_PATH_MAX];
    uint32_t path_count;
    struct chy_slice pem;                /**< of path[0] */
    struct chy_slice chain_pem;          /**< of the whole path */
    struct chy_slice chain_pem_rootless; /**< without self-signed certificates */
};

/** chy_issuer_get finds the issuer of a CA by its id.  NOT_FOUND: no such CA; BAD_INPUT: it has no
 *  certificate yet (a pending CA), disabled ones are returned. */
CHY_MUST_USE chy_status chy_issuer_get(struct chy_runtime *runtime, struct chy_op *op,
                                       const struct chy_uuid *authority_id,
                                       const struct chy_issuer **out_issuer);

/** chy_issuer_of_generation finds it by a key generation, which may be a retired one: what CRLs and
 *  AIA need.  NOT_FOUND: none, or without a certificate. */
CHY_MUST_USE chy_status chy_issuer_of_generation(struct chy_runtime *runtime, struct chy_op *op,
                                                 const struct chy_uuid *generation_id,
                                                 const struct chy_issuer **out_issuer);

/** chy_generation_open_key opens the private key of a generation's row, which has every field. */
CHY_MUST_USE chy_status chy_generation_open_key(struct chy_runtime *runtime, struct chy_op *op,
                                                const struct chy_storage_row *row,
                                                struct chy_crypto_key *out_key);

/** chy_issuer_crl_urls writes the URLs of a shard's CRL: ours first, then the mirrors'.
 *  `urls` has room for CHY_MIRRORS_MAX + 1. */
CHY_MUST_USE chy_status chy_issuer_crl_urls(struct chy_op *op, const struct chy_issuer *issuer,
                                            int64_t shard, struct chy_slice *urls,
                                            uint64_t *out_count);

/** chy_issuer_delta_url writes where the shard's delta CRL is had: from us alone. */
CHY_MUST_USE chy_status chy_issuer_delta_url(struct chy_op *op, const struct chy_issuer *issuer,
                                             int64_t shard, struct chy_slice *out_url);

/** chy_issuer_ocsp_url writes where the responder for this key generation is. */
CHY_MUST_USE chy_status chy_issuer_ocsp_url(struct chy_op *op, const struct chy_issuer *issuer,
                                            struct chy_slice *out_url);

/** chy_issuer_aia_url writes where the CA's certificate is had. */
CHY_MUST_USE chy_status chy_issuer_aia_url(struct chy_op *op, const struct chy_issuer *issuer,
                                           struct chy_slice *out_url);

#endif
