/**
 * One crypto instance as core calls it, and its keys.
 *
 * A struct chy_crypto_key knows its provider, so that it is used and released without naming it:
 *
 *     CHY_AUTO(chy_crypto_key_release) struct chy_crypto_key key = {NULL, NULL};
 *     CHY_TRY(chy_crypto_generate(crypto, op, &wanted, &key));
 *     CHY_TRY(chy_crypto_sign(&key, op, CHY_SIG_ECDSA_SHA256, tbs, &signature));
 *
 * Each call passes the gate (limit, breaker, deadline), calls the plugin, checks what it answered,
 * and counts. An operation the plugin lacks is CHY_UNSUPPORTED. Any thread may call, also with one
 * key.
 */
#ifndef CHY_PLUGIN_CRYPTO_H
#define CHY_PLUGIN_CRYPTO_H

#include "base/auto.h"
#include "base/metrics.h"
#include "plugin/gate.h"
#include "plugin/registry.h"

#include <chancery/crypto.h>

#include <stdbool.h>

struct chy_crypto;

/** A key and the provider that holds it.  The all-zero value is no key. */
struct chy_crypto_key {
    struct chy_crypto *crypto;
    struct chy_key *key;
};

/** chy_crypto_key_release gives the key back and zeroes the variable.  No key is fine. */
void chy_crypto_key_release(struct chy_crypto_key *key);
CHY_DEFINE_AUTO_FINI(struct chy_crypto_key, chy_crypto_key_release);

/** chy_crypto_key_take hands the key out of a guarded variable, so that it is not released. */
static inline struct chy_crypto_key chy_crypto_key_take(struct chy_crypto_key *key)
{
    struct chy_crypto_key taken = *key;
    key->crypto = NULL;
    key->key = NULL;
    return taken;
}

struct chy_crypto_config {
    struct chy_instance *instance; /**< started; has CHY_INTERFACE_CRYPTO */
    struct chy_gate_config gate;
    struct chy_metrics *metrics; /**< NULL: those of the process */
};

/** chy_crypto_open asks the plugin what it can do. */
CHY_MUST_USE chy_status chy_crypto_open(struct chy_op *op, const struct chy_crypto_config *config,
                                        struct chy_crypto **out_crypto);
/** chy_crypto_close frees the wrapper, whose keys are released by then.  NULL is fine. */
void chy_crypto_close(struct chy_crypto *crypto);
CHY_DEFINE_AUTO(struct chy_crypto, chy_crypto_close);

struct chy_instance *chy_crypto_instance(const struct chy_crypto *crypto);

/* --- what it can do -------------------------------------------------------------------------- */

CHY_MUST_USE bool chy_crypto_has(const struct chy_crypto *crypto, enum chy_crypto_feature feature);
/** chy_crypto_can_make_key: algorithm is an enum chy_key_algorithm; likewise the others. */
CHY_MUST_USE bool chy_crypto_can_make_key(const struct chy_crypto *crypto, uint32_t algorithm);
CHY_MUST_USE bool chy_crypto_can_sign(const struct chy_crypto *crypto, uint32_t algorithm);
CHY_MUST_USE bool chy_crypto_can_digest(const struct chy_crypto *crypto, uint32_t algorithm);
CHY_MUST_USE bool chy_crypto_can_kdf(const struct chy_crypto *crypto, uint32_t algorithm);
CHY_MUST_USE bool chy_crypto_can_cipher(const struct chy_crypto *crypto, uint32_t algorithm);
const struct chy_crypto_capabilities *chy_crypto_capabilities(const struct chy_crypto *crypto);

/* --- keys ------------------------------------------------------------------------------------ */

CHY_MUST_USE chy_status chy_crypto_generate(struct chy_crypto *crypto, struct chy_op *op,
                                            const struct chy_key_template *wanted,
                                            struct chy_crypto_key *out_key);
CHY_MUST_USE chy_status chy_crypto_import(struct chy_crypto *crypto, struct chy_op *op,
                                          const struct chy_key_template *wanted,
                                          struct chy_slice material,
                                          struct chy_crypto_key *out_key);
CHY_MUST_USE chy_status chy_crypto_load(struct chy_crypto *crypto, struct chy_op *op,
                                        struct chy_slice reference, uint32_t flags,
                                        struct chy_crypto_key *out_key);
CHY_MUST_USE chy_status chy_crypto_load_public(struct chy_crypto *crypto, struct chy_op *op,
                                               struct chy_slice spki,
                                               struct chy_crypto_key *out_key);
CHY_MUST_USE chy_status chy_crypto_reference(const struct chy_crypto_key *key, struct chy_op *op,
                                             struct chy_slice *out_reference);
/** chy_crypto_export gives PKCS#8 DER, secret. */
CHY_MUST_USE chy_status chy_crypto_export(const struct chy_crypto_key *key, struct chy_op *op,
                                          struct chy_slice *out_pkcs8);
/** chy_crypto_destroy destroys a persistent key in its token; the handle is still to be
 *  released. */
CHY_MUST_USE chy_status chy_crypto_destroy(const struct chy_crypto_key *key, struct chy_op *op);
/** chy_crypto_key_algorithm is an enum chy_key_algorithm. */
uint32_t chy_crypto_key_algorithm(const struct chy_crypto_key *key);
CHY_MUST_USE chy_status chy_crypto_public_key(const struct chy_crypto_key *key, struct chy_op *op,
                                              struct chy_slice *out_spki);

/* --- signatures ------------------------------------------------------------------------------ */

CHY_MUST_USE chy_status chy_crypto_sign(const struct chy_crypto_key *key, struct chy_op *op,
                                        uint32_t algorithm, struct chy_slice message,
                                        struct chy_slice *out_signature);
CHY_MUST_USE chy_status chy_crypto_verify(const struct chy_crypto_key *key, struct chy_op *op,
                                          uint32_t algorithm, struct chy_slice message,
                                          struct chy_slice signature);
/** chy_crypto_verify_spki is chy_crypto_load_public(), chy_crypto_verify() and release. */
CHY_MUST_USE chy_status chy_crypto_verify_spki(struct chy_crypto *crypto, struct chy_op *op,
                                               struct chy_slice spki, uint32_t algorithm,
                                               struct chy_slice message,
                                               struct chy_slice signature);

/* --- primitives ------------------------------------------------------------------------------ */

CHY_MUST_USE chy_status chy_crypto_digest(struct chy_crypto *crypto, struct chy_op *op,
                                          uint32_t algorithm, struct chy_slice message,
                                          struct chy_slice *out_digest);
/** chy_crypto_hmac takes a key of CHY_KEY_HMAC_SHA256, chy_crypto_hmac_raw its bytes. */
CHY_MUST_USE chy_status chy_crypto_hmac(const struct chy_crypto_key *key, struct chy_op *op,
                                        uint32_t algorithm, struct chy_slice message,
                                        struct chy_slice *out_mac);
CHY_MUST_USE chy_status chy_crypto_hmac_raw(struct chy_crypto *crypto, struct chy_op *op,
                                            struct chy_slice key, uint32_t algorithm,
                                            struct chy_slice message, struct chy_slice *out_mac);
CHY_MUST_USE chy_status chy_crypto_random(struct chy_crypto *crypto, struct chy_op *op,
                                          struct chy_buffer out);
CHY_MUST_USE chy_status chy_crypto_kdf(struct chy_crypto *crypto, struct chy_op *op,
                                       const struct chy_kdf_call *call, struct chy_buffer out);
CHY_MUST_USE chy_status chy_crypto_cipher(struct chy_crypto *crypto, struct chy_op *op,
                                          const struct chy_cipher_call *call,
                                          struct chy_slice *out_output);
CHY_MUST_USE chy_status chy_crypto_decrypt(const struct chy_crypto_key *key, struct chy_op *op,
                                           uint32_t oaep_digest, struct chy_slice ciphertext,
                                           uint64_t expected_len, struct chy_slice *out_secret);
CHY_MUST_USE chy_status chy_crypto_derive(const struct chy_crypto_key *key, struct chy_op *op,
                                          struct chy_slice peer_spki, struct chy_slice *out_secret);

/* --- sealing --------------------------------------------------------------------------------- */

/** chy_seal_context_of is what a blob is bound to; both slices are borrowed. */
static inline struct chy_seal_context chy_seal_context_of(const char *purpose, struct chy_slice aad)
{
    struct chy_seal_context context = {sizeof context, 0, chy_text(purpose), aad};
    return context;
}

CHY_MUST_USE chy_status chy_crypto_seal(const struct chy_crypto_key *sealing_key, struct chy_op *op,
                                        const struct chy_seal_context *context,
                                        struct chy_slice secret, struct chy_slice *out_sealed);
CHY_MUST_USE chy_status chy_crypto_open_sealed(const struct chy_crypto_key *sealing_key,
                                               struct chy_op *op,
                                               const struct chy_seal_context *context,
                                               struct chy_slice sealed,
                                               struct chy_slice *out_secret);
/** chy_crypto_seal_key wants both keys in one provider: CHY_BROKEN if they are not. */
CHY_MUST_USE chy_status chy_crypto_seal_key(const struct chy_crypto_key *sealing_key,
                                            struct chy_op *op,
                                            const struct chy_seal_context *context,
                                            const struct chy_crypto_key *key,
                                            struct chy_slice *out_sealed);
CHY_MUST_USE chy_status chy_crypto_open_key(const struct chy_crypto_key *sealing_key,
                                            struct chy_op *op,
                                            const struct chy_seal_context *context,
                                            struct chy_slice sealed,
                                            struct chy_crypto_key *out_key);

/* --- operating ------------------------------------------------------------------------------- */

/** chy_crypto_health goes past the breaker; its success closes it. */
CHY_MUST_USE chy_status chy_crypto_health(struct chy_crypto *crypto, struct chy_op *op);
CHY_MUST_USE chy_status chy_crypto_statistics(struct chy_crypto *crypto, struct chy_op *op,
                                              struct chy_crypto_statistics *out_statistics);

#endif
