#include "enroll/blocked_key.h"

#include "resource/collections.h"

static const struct {
    const char *word;
    enum chy_blocked_reason reason;
} reasons[] = {
    {"authority", CHY_BLOCKED_AUTHORITY},
    {"intermediate", CHY_BLOCKED_INTERMEDIATE},
    {"compromised", CHY_BLOCKED_COMPROMISED},
};
#define REASONS (sizeof reasons / sizeof reasons[0])

chy_status chy_blocked_key_find(struct chy_runtime *runtime, struct chy_op *op,
                                struct chy_slice spki_sha256, enum chy_blocked_reason *out_reason)
{
    struct chy_storage_row row;
    chy_status status = chy_storage_read(runtime->storage, op, CHY_C_BLOCKED_KEYS,
                                         CHY_KEY(chy_value_blob(spki_sha256)),
                                         CHY_FIELDS(CHY_BLOCKED_REASON), &row);
    if (status == CHY_NOT_FOUND) {
        *out_reason = CHY_BLOCKED_NOT;
        return CHY_OK;
    }
    CHY_TRY(status);
    *out_reason = CHY_BLOCKED_AUTHORITY; // a word of a newer program blocks too
    for (size_t i = 0; i < REASONS; i++) {
        if (chy_slice_is(chy_row_text(&row, 0), reasons[i].word)) {
            *out_reason = reasons[i].reason;
        }
    }
    return CHY_OK;
}

static chy_status refuse_compromised(struct chy_op *op)
{
    return chy_fail_reason(op, CHY_BAD_INPUT, CHY_REASON_CRYPTO,
                           "the key was revoked as compromised; make a new key");
}

chy_status chy_refuse_compromised_key(struct chy_runtime *runtime, struct chy_op *op,
                                      struct chy_slice spki_sha256)
{
    enum chy_blocked_reason reason;
    CHY_TRY(chy_blocked_key_find(runtime, op, spki_sha256, &reason));
    return reason == CHY_BLOCKED_COMPROMISED ? refuse_compromised(op) : CHY_OK;
}

chy_status chy_refuse_blocked_key(struct chy_runtime *runtime, struct chy_op *op,
                                  struct chy_slice spki_sha256)
{
    enum chy_blocked_reason reason;
    CHY_TRY(chy_blocked_key_find(runtime, op, spki_sha256, &reason));
    switch (reason) {
    case CHY_BLOCKED_NOT: return CHY_OK;
    case CHY_BLOCKED_COMPROMISED: return refuse_compromised(op);
    case CHY_BLOCKED_AUTHORITY:
    case CHY_BLOCKED_INTERMEDIATE: break;
    }
    return chy_fail_reason(op, CHY_BAD_INPUT, CHY_REASON_CRYPTO,
                           "the key is a certificate authority's own; use another key");
}

void chy_blocked_key_enter(struct chy_batch *batch, struct chy_slice spki_sha256,
                           enum chy_blocked_reason reason)
{
    struct chy_view key = CHY_KEY(chy_value_blob(spki_sha256));
    struct chy_write *write = reason == CHY_BLOCKED_COMPROMISED
                                  ? chy_batch_upsert(batch, CHY_C_BLOCKED_KEYS, key)
                                  : chy_batch_insert(batch, CHY_C_BLOCKED_KEYS, key);
    for (size_t i = 0; i < REASONS; i++) {
        if (reasons[i].reason == reason) {
            chy_write_set(write, CHY_BLOCKED_REASON, chy_value_text(chy_text(reasons[i].word)));
        }
    }
    chy_write_set(write, CHY_BLOCKED_CREATED_AT, chy_value_time(chy_now(batch->op)));
}
