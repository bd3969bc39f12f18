#include "access/token_state.h"
#include "base/op.h"
#include "base/slice.h"
#include "base/time.h"
#include "resource/audit.h"
#include "resource/collections.h"

static const uint32_t row_fields[] = {
    CHY_TOKEN_TTL,        CHY_TOKEN_EXPIRES_AT, CHY_TOKEN_MAX_EXPIRES_AT,
    CHY_TOKEN_CREATED_AT, CHY_TOKEN_USES,       CHY_TOKEN_USES_LIMIT};

/** One token that its holder sent, and its row. */
struct held {
    struct chy_slice text;
    struct chy_access_token *token;
    struct chy_value key;
    struct chy_storage_row row;
};

/** take_token lets the call act for the token that its document holds. */
static chy_status take_token(struct chy_call *call, struct held *out_held)
{
    struct chy_operation *operation = chy_operation_of(call->op);
    struct chy_view fields = CHY_VIEW_INIT(row_fields);
    out_held->text = chy_slice_trim(chy_json_member(call->document, "accessToken"));
    CHY_TRY(chy_access_token_find(call->runtime, call->op, out_held->text, operation->peer,
                                  &out_held->token));
    out_held->key =
        chy_value_blob(chy_slice_of(out_held->token->hash, sizeof out_held->token->hash));
    chy_status status = chy_storage_read(call->runtime->storage, call->op, CHY_C_ACCESS_TOKENS,
                                         CHY_KEY(out_held->key), fields, &out_held->row);
    if (status == CHY_NOT_FOUND) { // revoked on another node within the last second
        return chy_access_token_refuse(call->op);
    }
    CHY_TRY(status);
    operation->principal = &out_held->token->principal;
    return CHY_OK;
}

static chy_status renew(struct chy_call *call)
{
    struct held held;
    CHY_TRY(take_token(call, &held));
    int64_t limit = chy_row_int(&held.row, 5);
    if (limit != 0 && chy_row_int(&held.row, 4) >= limit) { // nothing would come of it
        return chy_access_token_refuse(call->op);
    }
    int64_t now = chy_now(call->op);
    int64_t ttl = chy_row_int(&held.row, 0);
    int64_t max_end = chy_row_time(&held.row, 2); // 0: no end
    int64_t created_at = chy_row_time(&held.row, 3);
    int64_t end = chy_row_time(&held.row, 1);
    if (ttl != 0) {
        end = max_end != 0 && now + ttl > max_end ? max_end : now + ttl;
        struct chy_batch batch;
        chy_batch_init(&batch, call->op, 0);
        struct chy_write *write = chy_batch_update(&batch, CHY_C_ACCESS_TOKENS, CHY_KEY(held.key));
        chy_write_set(write, CHY_TOKEN_EXPIRES_AT, chy_value_time(end));
        CHY_TRY(chy_call_commit(call, &batch, "renew", &held.token->principal.id));
        atomic_store_explicit(&held.token->expires_at, end, memory_order_relaxed);
    }
    return chy_access_token_answer(call, held.text, end == 0 ? 0 : (end - now) / CHY_US_PER_SECOND,
                                   max_end == 0 ? 0 : (max_end - created_at) / CHY_US_PER_SECOND);
}

static chy_status revoke(struct chy_call *call)
{
    struct held held;
    CHY_TRY(take_token(call, &held));
    struct chy_batch batch;
    chy_batch_init(&batch, call->op, 0);
    (void)chy_batch_delete(&batch, CHY_C_ACCESS_TOKENS, CHY_KEY(held.key));
    chy_runtime_bump(&batch);
    CHY_TRY(chy_call_commit(call, &batch, "revoke", &held.token->principal.id));
    call->answer = chy_json_object(call->op);
    return call->answer != NULL && chy_json_set_text(call->answer, "message",
                                                     chy_text("the access token is revoked"))
               ? CHY_OK
               : chy_fail_memory(call->op);
}

#define SHAPE                                                              \
    "{\"type\":\"object\",\"required\":[\"accessToken\"],\"properties\":{" \
    "\"accessToken\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":4096}}}"

static const struct chy_action actions[] = {
    {"renew", NULL, 0, SHAPE, renew},
    {"revoke", NULL, 0, SHAPE, revoke},
};

static const struct chy_kind_answer answers[] = {
    {"renew", CHY_ACCESS_TOKEN_OUTLINE, NULL},
    {"revoke", "{'message': 'text'}", NULL},
};

const struct chy_kind chy_kind_access_token = {
    .name = "access-tokens",
    .what = "access token",
    .subject = CHY_SUBJECT_IDENTITIES,
    .audit = "access-token",
    .collection = CHY_C_ACCESS_TOKENS,
    .id_field = CHY_TOKEN_HASH,
    .project_field = CHY_NO_FIELD,
    .search_field = CHY_NO_FIELD,
    .created_field = CHY_TOKEN_CREATED_AT,
    .updated_field = CHY_NO_FIELD,
    .actions = actions,
    .action_count = CHY_COUNT_OF(actions),
    .answers = answers,
    .answer_count = CHY_COUNT_OF(answers),
};
