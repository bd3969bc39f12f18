#include "access/credential.h"
#include "access/token_state.h"
#include "base/time.h"
#include "resource/collections.h"

/** later adds a duration to now; 0 is no end, which is null. */
static struct chy_value later(int64_t now, int64_t duration)
{
    return duration == 0 ? chy_value_null() : chy_value_time(now + duration);
}

chy_status chy_access_issue_token(struct chy_runtime *runtime, struct chy_batch *batch,
                                  const struct chy_token_grant *grant, struct chy_slice *out_token)
{
    struct chy_op *op = batch->op;
    struct chy_slice text;
    struct chy_slice hash;
    CHY_TRY(chy_credential_new(runtime, op, CHY_CREDENTIAL_TOKEN, &text));
    CHY_TRY(chy_access_token_hash(runtime, op, text, &hash));
    int64_t now = chy_now(op);
    bool ends_at_max = grant->ttl == 0 || (grant->max_ttl != 0 && grant->max_ttl < grant->ttl);
    struct chy_write *write =
        chy_batch_insert(batch, CHY_C_ACCESS_TOKENS, CHY_KEY(chy_value_blob(hash)));
    chy_write_set(write, CHY_TOKEN_IDENTITY_ID, chy_value_uuid(grant->identity_id));
    chy_write_set(write, CHY_TOKEN_SECRET_ID, chy_value_uuid_or_null(grant->secret_id));
    chy_write_set(write, CHY_TOKEN_NAME, chy_value_text_or_null(grant->name));
    chy_write_set(write, CHY_TOKEN_USES, chy_value_int(0));
    chy_write_set(write, CHY_TOKEN_USES_LIMIT, chy_value_int(grant->uses_limit));
    chy_write_set(write, CHY_TOKEN_TTL, chy_value_int(grant->ttl));
    chy_write_set(write, CHY_TOKEN_EXPIRES_AT,
                  later(now, ends_at_max ? grant->max_ttl : grant->ttl));
    chy_write_set(write, CHY_TOKEN_MAX_EXPIRES_AT, later(now, grant->max_ttl));
    chy_write_set(write, CHY_TOKEN_TRUSTED_IPS,
                  grant->trusted_ips.len == 0 ? chy_value_null()
                                              : chy_value_json(grant->trusted_ips));
    chy_write_set(write, CHY_TOKEN_CREATED_AT, chy_value_time(now));
    *out_token = text;
    return CHY_OK;
}

chy_status chy_access_token_answer(struct chy_call *call, struct chy_slice token,
                                   int64_t expires_in, int64_t max_ttl)
{
    json_t *answer = chy_json_object(call->op);
    if (answer == NULL || !chy_json_set_text(answer, "accessToken", token) ||
        !chy_json_set_int(answer, "expiresIn", expires_in) ||
        !chy_json_set_int(answer, "accessTokenMaxTTL", max_ttl) ||
        !chy_json_set_text(answer, "tokenType", chy_text("Bearer"))) {
        return chy_fail_memory(call->op);
    }
    return chy_json_write_secret(call->op, answer, &call->secret);
}
