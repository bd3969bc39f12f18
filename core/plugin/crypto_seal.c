#include "plugin/crypto_state.h"

static const struct chy_slice nothing = {NULL, 0};

chy_status chy_crypto_seal(const struct chy_crypto_key *sealing_key, struct chy_op *op,
                           const struct chy_seal_context *context, struct chy_slice secret,
                           struct chy_slice *out_sealed)
{
    struct chy_crypto_call call;
    struct chy_crypto *crypto = sealing_key->crypto;
    struct chy_slice sealed = nothing;
    CHY_TRY(chy_crypto_begin(&call, crypto, op, CHY_CRYPTO_CALL_SEAL));
    chy_status status =
        crypto->ops->seal(crypto->instance->self, op, sealing_key->key, context, secret, &sealed);
    return chy_crypto_end_bytes(&call, status, sealed, out_sealed);
}

chy_status chy_crypto_open_sealed(const struct chy_crypto_key *sealing_key, struct chy_op *op,
                                  const struct chy_seal_context *context, struct chy_slice sealed,
                                  struct chy_slice *out_secret)
{
    struct chy_crypto_call call;
    struct chy_crypto *crypto = sealing_key->crypto;
    struct chy_slice secret = nothing;
    CHY_TRY(chy_crypto_begin(&call, crypto, op, CHY_CRYPTO_CALL_OPEN));
    chy_status status =
        crypto->ops->open(crypto->instance->self, op, sealing_key->key, context, sealed, &secret);
    // A secret of no bytes may have been sealed.
    CHY_TRY(chy_crypto_end(&call, status));
    *out_secret = secret;
    return CHY_OK;
}

chy_status chy_crypto_seal_key(const struct chy_crypto_key *sealing_key, struct chy_op *op,
                               const struct chy_seal_context *context,
                               const struct chy_crypto_key *key, struct chy_slice *out_sealed)
{
    struct chy_crypto_call call;
    struct chy_crypto *crypto = sealing_key->crypto;
    struct chy_slice sealed = nothing;
    if (crypto->ops->seal_key == NULL) {
        return chy_crypto_missing(crypto, op, CHY_CRYPTO_CALL_SEAL_KEY);
    }
    if (key->crypto != crypto) {
        // A handle of another provider would be read as one of this one.
        return chy_fail(op, CHY_BROKEN, 0, "a key of %s cannot be sealed by %s", key->crypto->what,
                        crypto->what);
    }
    CHY_TRY(chy_crypto_begin(&call, crypto, op, CHY_CRYPTO_CALL_SEAL_KEY));
    chy_status status = crypto->ops->seal_key(crypto->instance->self, op, sealing_key->key, context,
                                              key->key, &sealed);
    return chy_crypto_end_bytes(&call, status, sealed, out_sealed);
}

chy_status chy_crypto_open_key(const struct chy_crypto_key *sealing_key, struct chy_op *op,
                               const struct chy_seal_context *context, struct chy_slice sealed,
                               struct chy_crypto_key *out_key)
{
    struct chy_crypto_call call;
    struct chy_crypto *crypto = sealing_key->crypto;
    struct chy_key *key = NULL;
    if (crypto->ops->open_key == NULL) {
        return chy_crypto_missing(crypto, op, CHY_CRYPTO_CALL_OPEN_KEY);
    }
    CHY_TRY(chy_crypto_begin(&call, crypto, op, CHY_CRYPTO_CALL_OPEN_KEY));
    chy_status status =
        crypto->ops->open_key(crypto->instance->self, op, sealing_key->key, context, sealed, &key);
    return chy_crypto_end_key(&call, status, key, out_key);
}
