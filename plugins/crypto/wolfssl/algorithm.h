/** The algorithms of this plugin, as tables: what the keys look like and which signatures fit
 *  them. */
#ifndef CHANCERY_WOLFSSL_ALGORITHM_H
#define CHANCERY_WOLFSSL_ALGORITHM_H

#include "rng.h"

#include <chancery/crypto.h>

/** Room for the private and public bytes of any key. */
#define CHY_SECRET_MAX 2560U /**< RSAPrivateKey of 4096 bits */
#define CHY_PUBLIC_MAX 2592U /**< ML-DSA-87 */
#define CHY_SPKI_MAX (CHY_PUBLIC_MAX + 32U)
#define CHY_DIGEST_MAX 64U

/** What the code of one kind handles alike. */
enum chy_kind {
    CHY_KIND_RSA,
    CHY_KIND_EC,
    CHY_KIND_ED25519,
    CHY_KIND_ED448,
    CHY_KIND_ML_DSA,
    CHY_KIND_AES,
    CHY_KIND_HMAC
};

/** A key's bytes while it is made or taken in.  Lives in the vault. */
struct chy_material {
    uint32_t secret_len;
    uint32_t public_len;
    uint8_t secret[CHY_SECRET_MAX];      /**< RSAPrivateKey, scalar, seed, or raw key */
    uint8_t public_bits[CHY_PUBLIC_MAX]; /**< contents of the SPKI's BIT STRING */
};

struct chy_algorithm;
struct chy_scheme;

/** One signature to make or check. */
struct chy_signature_call {
    const struct chy_algorithm *algorithm;
    const struct chy_scheme *scheme;
    struct chy_slice secret;  /**< sign: the key's private bytes, to hedge with */
    struct chy_slice message; /**< the digest where the scheme hashes, else the message */
};

/**
 * What a kind of key can do, on private objects of wolfCrypt.  An object is used by one call at a
 * time.  All return 0 or a wolfCrypt code; a NULL slot is what the kind has no use for.
 */
struct chy_kind_ops {
    uint32_t object_size;
    /** Makes `object` from public or from public and private bytes.  After a failure nothing is
     *  left to free. */
    int (*load_public)(void *object, const struct chy_algorithm *algorithm, struct chy_slice bits);
    int (*load_private)(void *object, const struct chy_algorithm *algorithm,
                        struct chy_slice secret, struct chy_slice public_bits);
    void (*fini)(void *object);
    /** Makes a new key in `object` and writes its bytes. */
    int (*generate)(void *object, const struct chy_algorithm *algorithm, struct chy_rng *rng,
                    struct chy_material *out_material);
    /** Makes `object` from private bytes alone, checks them unless `trusted`, and writes them in
     *  canonical form with the public ones. */
    int (*import)(void *object, const struct chy_algorithm *algorithm, struct chy_rng *rng,
                  struct chy_slice secret, bool trusted, struct chy_material *out_material);
    int (*sign)(void *object, struct chy_rng *rng, const struct chy_signature_call *call,
                struct chy_buffer out, uint64_t *out_len);
    /** 0: holds.  SIG_VERIFY_E: does not. */
    int (*verify)(void *object, const struct chy_signature_call *call, struct chy_slice signature);
};

struct chy_algorithm {
    uint32_t id; /**< enum chy_key_algorithm */
    enum chy_kind kind;
    int32_t parameter;           /**< RSA: bits, EC: wolfCrypt's curve, ML-DSA: wolfCrypt's level */
    uint32_t size;               /**< EC: bytes of a coordinate */
    uint32_t secret_len;         /**< 0: it varies */
    uint32_t public_len;         /**< 0: it varies */
    uint32_t signature_max;      /**< 0: it does not sign */
    struct chy_slice identifier; /**< AlgorithmIdentifier, whole */
    const char *name;
    const struct chy_kind_ops *ops;
};

struct chy_scheme {
    uint32_t id; /**< enum chy_signature_algorithm */
    enum chy_kind kind;
    uint32_t digest; /**< enum chy_digest_algorithm; 0: the message is signed as it is */
    uint32_t key;    /**< the one key algorithm it goes with; CHY_KEY_NONE: any of the kind */
    bool pss;
    const char *name;
};

/** chy_algorithm_find returns NULL for what this build does not have. */
const struct chy_algorithm *chy_algorithm_find(uint32_t id);
/** chy_algorithm_of finds the algorithm of an AlgorithmIdentifier; for RSA the smallest of them. */
const struct chy_algorithm *chy_algorithm_of(struct chy_slice identifier);
/** chy_algorithm_of_rsa finds the RSA algorithm of exactly `bits`. */
const struct chy_algorithm *chy_algorithm_of_rsa(uint32_t bits);
const struct chy_scheme *chy_scheme_find(uint32_t id);
/** chy_scheme_fits tells whether keys of `algorithm` make such signatures. */
bool chy_scheme_fits(const struct chy_scheme *scheme, const struct chy_algorithm *algorithm);

/** chy_algorithm_capabilities fills in what this build can do. */
void chy_algorithm_capabilities(struct chy_crypto_capabilities *out_capabilities);

/** chy_identifier_malformed tells a known algorithm in a form that may not be (explicit curves,
 *  lost or added parameters) from an algorithm that we do not have. */
bool chy_identifier_malformed(struct chy_slice identifier);

extern const struct chy_kind_ops chy_rsa_ops;
extern const struct chy_kind_ops chy_ecc_ops;
extern const struct chy_kind_ops chy_ed25519_ops;
extern const struct chy_kind_ops chy_ed448_ops;
extern const struct chy_kind_ops chy_aes_ops;
extern const struct chy_kind_ops chy_hmac_ops;
#if CHY_WOLF_MLDSA
extern const struct chy_kind_ops chy_mldsa_ops;
#endif

#endif
