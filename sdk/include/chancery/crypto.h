/**
 * What a crypto provider implements: keys that stay, primitives that travel.
 *
 * X.509 is not here.  Core assembles DER and hands the bytes to be signed; a provider knows keys
 * and algorithms.  Private keys do not leave it, but for leaf keys that were made exportable.
 *
 * Rules for every operation, unless it says otherwise:
 *   - Required.  The optional ones say so; a NULL slot reads as CHY_UNSUPPORTED.
 *   - May run on many threads at once, also with the same key.  A provider pools the private
 *     objects behind a key and checks one out for one call; it never shares one between threads at
 *     once.
 *   - An algorithm the provider does not have is CHY_UNSUPPORTED.
 *   - A dead token or a limit reached is CHY_TRY_LATER, a key of the wrong kind CHY_BROKEN.
 *   - Secret results (marked so) live in the operation's secret arena.
 *
 * Roles.  The configuration gives the roles `ca`, `leaf` and `seal` to provider instances.  A key
 * that stays in a token is found again by its reference; a key of a software provider is kept by
 * core, as a blob that the provider sealed (`seal_key`), so that its plain bytes never cross.
 *
 * Sealing.  The master key (KEK) of the seal role seals data keys; data keys, imported into the
 * provider that needs them, seal private keys and secrets.  Each blob is bound to `purpose` and
 * `aad`: with other ones it does not open.
 *
 * Change log of this header
 *   1.0  first version
 */
#ifndef CHANCERY_CRYPTO_H
#define CHANCERY_CRYPTO_H

#include <chancery/types.h>

CHY_BEGIN_DECLS

#define CHY_CRYPTO_MINOR 0U

/** Kinds of key.  Append only. */
enum chy_key_algorithm {
    CHY_KEY_NONE = 0,
    CHY_KEY_RSA_2048 = 1,
    CHY_KEY_RSA_3072 = 2,
    CHY_KEY_RSA_4096 = 3,
    CHY_KEY_EC_P256 = 4,
    CHY_KEY_EC_P384 = 5,
    CHY_KEY_EC_P521 = 6,
    CHY_KEY_ED25519 = 7,
    CHY_KEY_ED448 = 8,
    CHY_KEY_ML_DSA_44 = 9, /**< FIPS 204, pure mode, empty context (RFC 9881) */
    CHY_KEY_ML_DSA_65 = 10,
    CHY_KEY_ML_DSA_87 = 11,
    CHY_KEY_AES_256 = 64,    /**< for seal and open; 32 bytes */
    CHY_KEY_HMAC_SHA256 = 65 /**< for hmac; 16 to 64 bytes */
};

/** Signature algorithms: key kind and hash together.  Append only. */
enum chy_signature_algorithm {
    CHY_SIG_NONE = 0,
    CHY_SIG_RSA_SHA256 = 1, /**< RSASSA-PKCS1-v1_5 (RFC 8017 8.2) */
    CHY_SIG_RSA_SHA384 = 2,
    CHY_SIG_RSA_SHA512 = 3,
    CHY_SIG_RSA_PSS_SHA256 = 4, /**< MGF1 with the same hash, salt as long as the hash (8.1) */
    CHY_SIG_RSA_PSS_SHA384 = 5,
    CHY_SIG_RSA_PSS_SHA512 = 6,
    CHY_SIG_ECDSA_SHA256 = 7, /**< signatures are DER Ecdsa-Sig-Value (RFC 3279 2.2.3) */
    CHY_SIG_ECDSA_SHA384 = 8,
    CHY_SIG_ECDSA_SHA512 = 9,
    CHY_SIG_ED25519 = 10,
    CHY_SIG_ED448 = 11,
    CHY_SIG_ML_DSA_44 = 12,
    CHY_SIG_ML_DSA_65 = 13,
    CHY_SIG_ML_DSA_87 = 14
};

/** Digests, also the hash of HMAC, HKDF and PBKDF2.  Append only. */
enum chy_digest_algorithm {
    CHY_DIGEST_SHA1 = 1, /**< for identifiers that a protocol fixes (OCSP CertID); nothing else */
    CHY_DIGEST_SHA256 = 2,
    CHY_DIGEST_SHA384 = 3,
    CHY_DIGEST_SHA512 = 4
};

enum chy_kdf_algorithm {
    CHY_KDF_HKDF = 1,     /**< RFC 5869 */
    CHY_KDF_PBKDF2 = 2,   /**< RFC 8018 */
    CHY_KDF_SCRYPT = 3,   /**< RFC 7914 */
    CHY_KDF_ARGON2ID = 4, /**< RFC 9106 */
    /** RFC 7292 B.2: `secret` is a BMPString with its NUL, `info` the one octet ID, `cost` the
     *  iterations. */
    CHY_KDF_PKCS12 = 5
};

enum chy_cipher_algorithm {
    CHY_CIPHER_AES_256_CBC = 1, /**< with PKCS#7 padding, as PBES2 wants it (RFC 8018 B.2.5) */
    CHY_CIPHER_AES_128_CBC = 2,
    CHY_CIPHER_DES_EDE3_CBC = 3 /**< for legacy PKCS#12 readers only */
};

/** Bits of a key's life, given when it is made or loaded; they never change. */
enum chy_key_flag {
    CHY_KEY_EXPORTABLE = 1U << 0, /**< export() may hand it out; never with CHY_KEY_CA */
    CHY_KEY_CA = 1U << 1,         /**< signs certificates, CRLs, OCSP answers; never exported */
    CHY_KEY_PERSISTENT = 1U << 2, /**< generate: keep it in the token under a reference */
    CHY_KEY_READY = 1U << 3 /**< generate: one from the ready pool will do; never with CHY_KEY_CA */
};

/** What a provider can do. */
enum chy_crypto_feature {
    CHY_CRYPTO_KDF = 1U << 0,
    CHY_CRYPTO_CIPHER = 1U << 1,
    CHY_CRYPTO_DECRYPT = 1U << 2,
    CHY_CRYPTO_DERIVE = 1U << 3,
    CHY_CRYPTO_SEAL_KEYS = 1U << 4,  /**< seal_key/open_key: core keeps the keys */
    CHY_CRYPTO_PERSISTENT = 1U << 5, /**< keys can stay in the provider, by reference */
    /** ECDSA signing takes a time that depends on the nonce: core refuses it as an ECDSA CA. */
    CHY_CRYPTO_ECDSA_LEAKS = 1U << 6
};

/** A key inside a provider.  Opaque; lives until release(). */
struct chy_key;

struct chy_crypto_capabilities {
    uint32_t struct_size;
    uint32_t features;                    /**< enum chy_crypto_feature */
    struct chy_view key_algorithms;       /**< of uint32_t, enum chy_key_algorithm */
    struct chy_view signature_algorithms; /**< of uint32_t */
    struct chy_view digest_algorithms;    /**< of uint32_t */
    struct chy_view kdf_algorithms;       /**< of uint32_t */
    struct chy_view cipher_algorithms;    /**< of uint32_t */
};
CHY_ABI_SIZE(struct chy_crypto_capabilities, 128);

/** What to make. */
struct chy_key_template {
    uint32_t struct_size;
    uint32_t algorithm; /**< enum chy_key_algorithm */
    uint32_t flags;     /**< enum chy_key_flag */
    uint32_t reserved;
    struct chy_slice label;     /**< for people who look into a token; may be empty */
    struct chy_slice requester; /**< who asks: the ready pool shares fairly between these */
};
CHY_ABI_SIZE(struct chy_key_template, 48);

/** What a sealed blob is bound to.  Core fills `aad` from collection, row id, field, project, SPKI
 *  hash and exportability; a provider mixes purpose and aad in whole. */
struct chy_seal_context {
    uint32_t struct_size;
    uint32_t reserved;
    struct chy_slice purpose; /**< "data-key", "ca-key", "leaf-key", "secret", "plugin-secret" */
    struct chy_slice aad;
};
CHY_ABI_SIZE(struct chy_seal_context, 40);

struct chy_kdf_call {
    uint32_t struct_size;
    uint32_t algorithm; /**< enum chy_kdf_algorithm */
    uint32_t digest;    /**< HKDF, PBKDF2, PKCS12 */
    uint32_t lanes;     /**< Argon2id: parallelism; scrypt: p */
    uint64_t cost;      /**< PBKDF2, PKCS12 iterations; scrypt N; Argon2id passes */
    uint64_t memory;    /**< Argon2id: KiB; scrypt: r */
    struct chy_slice secret;
    struct chy_slice salt;
    struct chy_slice info; /**< HKDF, PKCS12 */
};
CHY_ABI_SIZE(struct chy_kdf_call, 80);

struct chy_cipher_call {
    uint32_t struct_size;
    uint32_t algorithm; /**< enum chy_cipher_algorithm */
    uint32_t decrypt;   /**< 0: encrypt, 1: decrypt */
    uint32_t reserved;
    struct chy_slice key;
    struct chy_slice iv;
    struct chy_slice input;
};
CHY_ABI_SIZE(struct chy_cipher_call, 64);

/** For operators: what the provider has in hand. */
struct chy_crypto_statistics {
    uint32_t struct_size;
    uint32_t reserved;
    uint64_t keys_open;    /**< handles that were not released */
    uint64_t ready_keys;   /**< in the ready pool */
    uint64_t ready_target; /**< how many it would like to hold */
    uint64_t ready_hits;   /**< requests served from it */
    uint64_t ready_misses;
    uint64_t objects_open; /**< private objects or token sessions behind the keys */
};
CHY_ABI_SIZE(struct chy_crypto_statistics, 56);

struct chy_crypto_ops {
    /** Valid until destroy. */
    chy_status (*capabilities)(void *self, struct chy_op *op,
                               struct chy_crypto_capabilities *out_capabilities);

    /* --- keys ----------------------------------------------------------------------------------*/

    /** Makes a key.  With CHY_KEY_READY it may come from a pool of keys made ahead: each is given
     *  once.  With CHY_KEY_PERSISTENT it stays in the token; reference() names it. */
    chy_status (*generate)(void *self, struct chy_op *op,
                           const struct chy_key_template *key_template, struct chy_key **out_key);
    /** Takes a key in: PKCS#8 PrivateKeyInfo DER (ML-DSA: the seed form of RFC 9881), or the raw
     *  bytes of CHY_KEY_AES_256 and CHY_KEY_HMAC_SHA256.  BAD_INPUT: not such a key, or unfit.
     *  With CHY_KEY_NONE as the template's algorithm a PKCS#8 key tells its own. */
    chy_status (*import_key)(void *self, struct chy_op *op,
                             const struct chy_key_template *key_template, struct chy_slice material,
                             struct chy_key **out_key);
    /** Optional.  Finds a key that stayed in the token.  NOT_FOUND: none under this reference. */
    chy_status (*load)(void *self, struct chy_op *op, struct chy_slice reference, uint32_t flags,
                       struct chy_key **out_key);
    /** Optional.  The reference under which load() finds the key. */
    chy_status (*reference)(void *self, struct chy_op *op, struct chy_key *key,
                            struct chy_slice *out_reference);
    /** PKCS#8 PrivateKeyInfo DER, secret, of a key made CHY_KEY_EXPORTABLE; else DENIED. */
    chy_status (*export_key)(void *self, struct chy_op *op, struct chy_key *key,
                             struct chy_slice *out_pkcs8);
    /** Gives the handle back.  Waits for calls on it, zeroises what is in memory; a key that stays
     *  in a token stays there.  NULL is fine. */
    void (*release)(void *self, struct chy_key *key);
    /** Optional.  Destroys a persistent key in its token.  The handle is still to be released. */
    chy_status (*destroy_key)(void *self, struct chy_op *op, struct chy_key *key);
    /** enum chy_key_algorithm of the key. */
    uint32_t (*key_algorithm)(void *self, const struct chy_key *key);

    /* --- public keys ---------------------------------------------------------------------------*/

    /** SubjectPublicKeyInfo, DER, of a key pair or public key. */
    chy_status (*public_key)(void *self, struct chy_op *op, struct chy_key *key,
                             struct chy_slice *out_spki);
    /** A public key from SPKI DER, for verify().  BAD_INPUT, CHY_REASON_CRYPTO: malformed, explicit
     *  curve parameters, a point off the curve, RSA below 2048 or above 4096 bits, an even, small
     *  or oversized exponent, a modulus of the ROCA kind or with close primes. */
    chy_status (*load_public)(void *self, struct chy_op *op, struct chy_slice spki,
                              struct chy_key **out_key);

    /* --- signatures ----------------------------------------------------------------------------*/

    /** Signs the message (not a digest).  ECDSA takes fresh randomness for each signature. */
    chy_status (*sign)(void *self, struct chy_op *op, struct chy_key *key, uint32_t algorithm,
                       struct chy_slice message, struct chy_slice *out_signature);
    /** BAD_INPUT, CHY_REASON_CRYPTO: the signature does not hold. */
    chy_status (*verify)(void *self, struct chy_op *op, struct chy_key *key, uint32_t algorithm,
                         struct chy_slice message, struct chy_slice signature);

    /* --- digests, randomness -------------------------------------------------------------------*/

    chy_status (*digest)(void *self, struct chy_op *op, uint32_t algorithm,
                         struct chy_slice message, struct chy_slice *out_digest);
    /**
     * `key` is of CHY_KEY_HMAC_SHA256, or its raw bytes are given in `raw_key` and `key` is NULL.
     */
    chy_status (*hmac)(void *self, struct chy_op *op, struct chy_key *key, struct chy_slice raw_key,
                       uint32_t algorithm, struct chy_slice message, struct chy_slice *out_mac);
    chy_status (*random)(void *self, struct chy_op *op, struct chy_buffer out);

    /* --- sealing -------------------------------------------------------------------------------*/

    /** Seals bytes under a CHY_KEY_AES_256 key: authenticated, with a fresh nonce in the blob. */
    chy_status (*seal)(void *self, struct chy_op *op, struct chy_key *sealing_key,
                       const struct chy_seal_context *context, struct chy_slice secret,
                       struct chy_slice *out_sealed);
    /** Opens what seal() made; the result is secret.  BAD_INPUT, CHY_REASON_CRYPTO: changed, of
     *  another row, for another purpose, or of another key. */
    chy_status (*open)(void *self, struct chy_op *op, struct chy_key *sealing_key,
                       const struct chy_seal_context *context, struct chy_slice sealed,
                       struct chy_slice *out_secret);
    /**
     * Optional (CHY_CRYPTO_SEAL_KEYS).  Seals a private key without showing it; the blob carries
     * the key's flags, and open_key restores them.
     */
    chy_status (*seal_key)(void *self, struct chy_op *op, struct chy_key *sealing_key,
                           const struct chy_seal_context *context, struct chy_key *key,
                           struct chy_slice *out_sealed);
    chy_status (*open_key)(void *self, struct chy_op *op, struct chy_key *sealing_key,
                           const struct chy_seal_context *context, struct chy_slice sealed,
                           struct chy_key **out_key);

    /* --- optional primitives -------------------------------------------------------------------*/

    /** Optional (CHY_CRYPTO_KDF).  Fills `out`, which the caller took from a secret arena. */
    chy_status (*kdf)(void *self, struct chy_op *op, const struct chy_kdf_call *call,
                      struct chy_buffer out);
    /** Optional (CHY_CRYPTO_CIPHER).  The output is secret when it decrypts. */
    chy_status (*cipher)(void *self, struct chy_op *op, const struct chy_cipher_call *call,
                         struct chy_slice *out_output);
    /** Optional (CHY_CRYPTO_DECRYPT).  RSA key transport of CMS: PKCS#1 v1.5 (`oaep_digest` 0; a
     *  wrong padding yields random bytes of `expected_len`, never an error) or OAEP. */
    chy_status (*decrypt)(void *self, struct chy_op *op, struct chy_key *key, uint32_t oaep_digest,
                          struct chy_slice ciphertext, uint64_t expected_len,
                          struct chy_slice *out_secret);
    /** Optional (CHY_CRYPTO_DERIVE).  ECDH shared secret with a peer's SPKI (RFC 5753). */
    chy_status (*derive)(void *self, struct chy_op *op, struct chy_key *key,
                         struct chy_slice peer_spki, struct chy_slice *out_secret);

    /* --- operating -----------------------------------------------------------------------------*/

    /** OK: works.  TRY_LATER: the token is away. */
    chy_status (*health)(void *self, struct chy_op *op);
    chy_status (*statistics)(void *self, struct chy_op *op,
                             struct chy_crypto_statistics *out_statistics);
};
CHY_ABI_SIZE(struct chy_crypto_ops, 208);

CHY_END_DECLS

#endif
