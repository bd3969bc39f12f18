/** What the parts of the crypto wrapper share. */
#ifndef CHY_PLUGIN_CRYPTO_STATE_H
#define CHY_PLUGIN_CRYPTO_STATE_H

#include "plugin/crypto.h"
#include "plugin/meter.h"
#include "plugin/registry_state.h"

/** Kinds of call, for the metrics. */
enum chy_crypto_call_kind {
    CHY_CRYPTO_CALL_GENERATE = 0,
    CHY_CRYPTO_CALL_IMPORT,
    CHY_CRYPTO_CALL_LOAD,
    CHY_CRYPTO_CALL_LOAD_PUBLIC,
    CHY_CRYPTO_CALL_REFERENCE,
    CHY_CRYPTO_CALL_EXPORT,
    CHY_CRYPTO_CALL_DESTROY,
    CHY_CRYPTO_CALL_PUBLIC_KEY,
    CHY_CRYPTO_CALL_SIGN,
    CHY_CRYPTO_CALL_VERIFY,
    CHY_CRYPTO_CALL_DIGEST,
    CHY_CRYPTO_CALL_HMAC,
    CHY_CRYPTO_CALL_RANDOM,
    CHY_CRYPTO_CALL_KDF,
    CHY_CRYPTO_CALL_CIPHER,
    CHY_CRYPTO_CALL_DECRYPT,
    CHY_CRYPTO_CALL_DERIVE,
    CHY_CRYPTO_CALL_SEAL,
    CHY_CRYPTO_CALL_OPEN,
    CHY_CRYPTO_CALL_SEAL_KEY,
    CHY_CRYPTO_CALL_OPEN_KEY,
    CHY_CRYPTO_CALL_HEALTH,
    CHY_CRYPTO_CALL_STATISTICS,
    CHY_CRYPTO_CALLS
};

struct chy_crypto {
    struct chy_instance *instance;
    const struct chy_crypto_ops *ops;
    struct chy_crypto_capabilities capabilities;
    struct chy_gate gate;
    struct chy_meter meter;
    char what[CHY_PLUGIN_NAME_MAX + sizeof "crypto ''"]; /**< "crypto 'software'" */
};

/** One call in progress. */
struct chy_crypto_call {
    struct chy_crypto *crypto;
    struct chy_op *op;
    enum chy_crypto_call_kind kind;
    int64_t started;
    struct chy_visit visit;
};

/** chy_crypto_begin passes the gate.  Not OK: the call does not take place and is not ended. */
CHY_MUST_USE chy_status chy_crypto_begin(struct chy_crypto_call *call, struct chy_crypto *crypto,
                                         struct chy_op *op, enum chy_crypto_call_kind kind);
/** chy_crypto_end leaves the gate, counts, and returns the checked status. */
CHY_MUST_USE chy_status chy_crypto_end(struct chy_crypto_call *call, chy_status status);
/** chy_crypto_missing is what a NULL slot answers. */
chy_status chy_crypto_missing(const struct chy_crypto *crypto, struct chy_op *op,
                              enum chy_crypto_call_kind kind);
/** chy_crypto_end_key ends a call that makes a key: OK without a key is CHY_BROKEN. */
CHY_MUST_USE chy_status chy_crypto_end_key(struct chy_crypto_call *call, chy_status status,
                                           struct chy_key *key, struct chy_crypto_key *out_key);
/** chy_crypto_end_bytes ends a call that makes bytes: OK with none at all is CHY_BROKEN. */
CHY_MUST_USE chy_status chy_crypto_end_bytes(struct chy_crypto_call *call, chy_status status,
                                             struct chy_slice bytes, struct chy_slice *out_bytes);

#endif
