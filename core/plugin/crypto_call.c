#include "plugin/crypto_state.h"

#include "plugin/view.h"

#include <assert.h>
#include <stdlib.h>

static const struct chy_meter_call calls[CHY_CRYPTO_CALLS] = {
    [CHY_CRYPTO_CALL_GENERATE] = {"generate", true},
    [CHY_CRYPTO_CALL_IMPORT] = {"import_key", true},
    [CHY_CRYPTO_CALL_LOAD] = {"load", true},
    [CHY_CRYPTO_CALL_LOAD_PUBLIC] = {"load_public", true},
    [CHY_CRYPTO_CALL_REFERENCE] = {"reference", false},
    [CHY_CRYPTO_CALL_EXPORT] = {"export_key", false},
    [CHY_CRYPTO_CALL_DESTROY] = {"destroy_key", false},
    [CHY_CRYPTO_CALL_PUBLIC_KEY] = {"public_key", false},
    [CHY_CRYPTO_CALL_SIGN] = {"sign", true},
    [CHY_CRYPTO_CALL_VERIFY] = {"verify", true},
    [CHY_CRYPTO_CALL_DIGEST] = {"digest", false},
    [CHY_CRYPTO_CALL_HMAC] = {"hmac", false},
    [CHY_CRYPTO_CALL_RANDOM] = {"random", false},
    [CHY_CRYPTO_CALL_KDF] = {"kdf", true},
    [CHY_CRYPTO_CALL_CIPHER] = {"cipher", false},
    [CHY_CRYPTO_CALL_DECRYPT] = {"decrypt", true},
    [CHY_CRYPTO_CALL_DERIVE] = {"derive", true},
    [CHY_CRYPTO_CALL_SEAL] = {"seal", false},
    [CHY_CRYPTO_CALL_OPEN] = {"open", false},
    [CHY_CRYPTO_CALL_SEAL_KEY] = {"seal_key", true},
    [CHY_CRYPTO_CALL_OPEN_KEY] = {"open_key", true},
    [CHY_CRYPTO_CALL_HEALTH] = {"health", true},
    [CHY_CRYPTO_CALL_STATISTICS] = {"statistics", false},
};

chy_status chy_crypto_begin(struct chy_crypto_call *call, struct chy_crypto *crypto,
                            struct chy_op *op, enum chy_crypto_call_kind kind)
{
    assert(crypto != NULL);
    memset(call, 0, sizeof *call);
    call->crypto = crypto;
    call->op = op;
    call->kind = kind;
    if (kind == CHY_CRYPTO_CALL_HEALTH) {
        CHY_TRY(chy_gate_enter_anyway(&crypto->gate, op));
    } else {
        CHY_TRY(chy_gate_enter(&crypto->gate, op));
    }
    call->started = calls[kind].is_timed ? chy_monotonic(op) : 0;
    chy_instance_enter(crypto->instance);
    call->visit = chy_visit_begin(op, crypto->instance);
    return CHY_OK;
}

chy_status chy_crypto_end(struct chy_crypto_call *call, chy_status status)
{
    struct chy_crypto *crypto = call->crypto;
    int64_t duration = calls[call->kind].is_timed ? chy_monotonic(call->op) - call->started : 0;
    status = chy_instance_result(crypto->instance, call->op, calls[call->kind].name, status);
    chy_visit_end(call->op, call->visit);
    chy_instance_leave(crypto->instance);
    chy_gate_leave(&crypto->gate, call->op, status);
    chy_meter_done(&crypto->meter, call->kind, status, duration);
    return status;
}

chy_status chy_crypto_missing(const struct chy_crypto *crypto, struct chy_op *op,
                              enum chy_crypto_call_kind kind)
{
    return chy_fail(op, CHY_UNSUPPORTED, 0, "%s does not offer '%s'", crypto->what,
                    calls[kind].name);
}

static chy_status fail_empty(const struct chy_crypto_call *call)
{
    return chy_fail(call->op, CHY_BROKEN, 0, "%s answered %s with nothing", call->crypto->what,
                    calls[call->kind].name);
}

chy_status chy_crypto_end_key(struct chy_crypto_call *call, chy_status status, struct chy_key *key,
                              struct chy_crypto_key *out_key)
{
    if (status == CHY_OK && key == NULL) {
        status = fail_empty(call);
    }
    CHY_TRY(chy_crypto_end(call, status));
    out_key->crypto = call->crypto;
    out_key->key = key;
    return CHY_OK;
}

chy_status chy_crypto_end_bytes(struct chy_crypto_call *call, chy_status status,
                                struct chy_slice bytes, struct chy_slice *out_bytes)
{
    if (status == CHY_OK && bytes.ptr == NULL) {
        status = fail_empty(call);
    }
    CHY_TRY(chy_crypto_end(call, status));
    *out_bytes = bytes;
    return CHY_OK;
}

static chy_status check_list(const struct chy_crypto *crypto, struct chy_op *op,
                             struct chy_view list, const char *what)
{
    if (list.count != 0 && (list.ptr == NULL || list.stride < sizeof(uint32_t))) {
        return chy_fail(op, CHY_BROKEN, 0, "%s answered capabilities with a malformed list of %s",
                        crypto->what, what);
    }
    return CHY_OK;
}

static chy_status ask_capabilities(struct chy_crypto *crypto, struct chy_op *op)
{
    struct chy_crypto_capabilities *c = &crypto->capabilities;
    c->struct_size = (uint32_t)sizeof *c;
    struct chy_visit visit = chy_visit_begin(op, crypto->instance);
    chy_status status = crypto->ops->capabilities(crypto->instance->self, op, c);
    status = chy_instance_result(crypto->instance, op, "capabilities", status);
    chy_visit_end(op, visit);
    CHY_TRY(status);
    CHY_TRY(check_list(crypto, op, c->key_algorithms, "keys"));
    CHY_TRY(check_list(crypto, op, c->signature_algorithms, "signatures"));
    CHY_TRY(check_list(crypto, op, c->digest_algorithms, "digests"));
    CHY_TRY(check_list(crypto, op, c->kdf_algorithms, "key derivations"));
    return check_list(crypto, op, c->cipher_algorithms, "ciphers");
}

chy_status chy_crypto_open(struct chy_op *op, const struct chy_crypto_config *config,
                           struct chy_crypto **out_crypto)
{
    assert(chy_loaded_plugin_has(config->instance->plugin, CHY_INTERFACE_CRYPTO));
    CHY_AUTO(chy_crypto_close) struct chy_crypto *crypto = calloc(1, sizeof *crypto);
    if (crypto == NULL) {
        return chy_fail_memory(op);
    }
    crypto->instance = config->instance;
    crypto->ops = &config->instance->plugin->crypto;
    (void)snprintf(crypto->what, sizeof crypto->what, "crypto '%.*s'",
                   (int)config->instance->name.len, (const char *)config->instance->name.ptr);
    chy_gate_init(&crypto->gate, &config->gate, crypto->what);
    chy_meter_init(&crypto->meter, config->metrics, "crypto", crypto->instance->name, calls,
                   CHY_CRYPTO_CALLS, &crypto->gate);
    CHY_TRY(ask_capabilities(crypto, op));
    *out_crypto = CHY_TAKE(crypto);
    return CHY_OK;
}

void chy_crypto_close(struct chy_crypto *crypto)
{
    if (crypto != NULL) {
        if (crypto->ops != NULL) {
            chy_gate_fini(&crypto->gate);
        }
        free(crypto);
    }
}

struct chy_instance *chy_crypto_instance(const struct chy_crypto *crypto)
{
    return crypto->instance;
}

/* --- capabilities ---------------------------------------------------------------------------- */

static bool lists(struct chy_view list, uint32_t algorithm)
{
    for (uint64_t i = 0; i < list.count; i++) {
        const uint32_t *known = chy_view_item(list, i);
        if (*known == algorithm) {
            return true;
        }
    }
    return false;
}

bool chy_crypto_has(const struct chy_crypto *crypto, enum chy_crypto_feature feature)
{
    return (crypto->capabilities.features & (uint32_t)feature) != 0;
}

bool chy_crypto_can_make_key(const struct chy_crypto *crypto, uint32_t algorithm)
{
    return lists(crypto->capabilities.key_algorithms, algorithm);
}

bool chy_crypto_can_sign(const struct chy_crypto *crypto, uint32_t algorithm)
{
    return lists(crypto->capabilities.signature_algorithms, algorithm);
}

bool chy_crypto_can_digest(const struct chy_crypto *crypto, uint32_t algorithm)
{
    return lists(crypto->capabilities.digest_algorithms, algorithm);
}

bool chy_crypto_can_kdf(const struct chy_crypto *crypto, uint32_t algorithm)
{
    return chy_crypto_has(crypto, CHY_CRYPTO_KDF) && crypto->ops->kdf != NULL &&
           lists(crypto->capabilities.kdf_algorithms, algorithm);
}

bool chy_crypto_can_cipher(const struct chy_crypto *crypto, uint32_t algorithm)
{
    return chy_crypto_has(crypto, CHY_CRYPTO_CIPHER) && crypto->ops->cipher != NULL &&
           lists(crypto->capabilities.cipher_algorithms, algorithm);
}

const struct chy_crypto_capabilities *chy_crypto_capabilities(const struct chy_crypto *crypto)
{
    return &crypto->capabilities;
}
