#include "access/credential.h"
#include "access/identity.h"
#include "access/universal_auth_state.h"
#include "resource/collections.h"
#include "resource/delete_all.h"

/** How much of a secret lists show, so that people find theirs. */
#define SHOWN_LEN 4

#define LIST_MAX 1000

static const struct chy_member members[] = {
    {"id", CHY_SECRET_ID, CHY_MEMBER_DERIVED, NULL},
    {"identityUAId", CHY_SECRET_IDENTITY_ID, CHY_MEMBER_DERIVED, NULL},
    {"description", CHY_SECRET_DESCRIPTION, 0, "{\"type\":\"string\",\"maxLength\":1000}"},
    {"clientSecretPrefix", CHY_SECRET_PREFIX, CHY_MEMBER_DERIVED, NULL},
    {"clientSecretNumUses", CHY_SECRET_USES, CHY_MEMBER_DERIVED, NULL},
    {"clientSecretNumUsesLimit", CHY_SECRET_USES_LIMIT, CHY_MEMBER_DERIVED, NULL},
    {"clientSecretTTL", CHY_SECRET_TTL, CHY_MEMBER_DERIVED, NULL},
    {"isClientSecretRevoked", CHY_SECRET_REVOKED, CHY_MEMBER_DERIVED, NULL},
    {"createdAt", CHY_SECRET_CREATED_AT, CHY_MEMBER_DERIVED, NULL},
    {"updatedAt", CHY_SECRET_UPDATED_AT, CHY_MEMBER_DERIVED, NULL},
};

/* ------------------------------------------------------------------------------------------------
 * Making
 */

static chy_status client_id_of(struct chy_call *call, const struct chy_uuid *identity_id,
                               struct chy_slice *out_client_id)
{
    struct chy_storage_row row;
    chy_status status =
        chy_storage_read(call->runtime->storage, call->op, CHY_C_UNIVERSAL_AUTH,
                         CHY_KEY(chy_value_uuid(identity_id)), CHY_FIELDS(CHY_UA_CLIENT_ID), &row);
    if (status == CHY_NOT_FOUND) {
        return chy_fail(call->op, CHY_NOT_FOUND, 0,
                        "the identity has no universal auth; attach it first");
    }
    CHY_TRY(status);
    *out_client_id = chy_row_text(&row, 0);
    return CHY_OK;
}

static int64_t number_of(const struct chy_call *call, const char *member)
{
    return json_integer_value(json_object_get(call->document, member)); // 0 when it is not there
}

static chy_status insert_secret(struct chy_call *call, const struct chy_uuid *id,
                                struct chy_slice client_id, struct chy_slice client_secret)
{
    struct chy_slice mac;
    struct chy_slice shown;
    struct chy_batch batch;
    int64_t now = chy_now(call->op);
    CHY_TRY(chy_client_secret_mac(call->runtime, call->op, client_id, client_secret, &mac));
    CHY_TRY(chy_copy(call->op,
                     chy_slice_of(client_secret.ptr + strlen(CHY_CREDENTIAL_SECRET), SHOWN_LEN),
                     &shown));
    chy_batch_init(&batch, call->op, 0);
    struct chy_write *auth =
        chy_batch_check(&batch, CHY_C_UNIVERSAL_AUTH, CHY_KEY(chy_value_uuid(&call->id)));
    chy_write_guard_equals(auth, CHY_UA_CLIENT_ID, chy_value_text(client_id));
    struct chy_write *write =
        chy_batch_insert(&batch, CHY_C_CLIENT_SECRETS, CHY_KEY(chy_value_uuid(id)));
    chy_write_set(write, CHY_SECRET_IDENTITY_ID, chy_value_uuid(&call->id));
    chy_write_set(write, CHY_SECRET_MAC, chy_value_blob(mac));
    chy_write_set(write, CHY_SECRET_PREFIX, chy_value_text(shown));
    chy_write_set(write, CHY_SECRET_DESCRIPTION,
                  chy_value_text(chy_json_member(call->document, "description")));
    chy_write_set(write, CHY_SECRET_USES, chy_value_int(0));
    chy_write_set(write, CHY_SECRET_USES_LIMIT, chy_value_int(number_of(call, "numUsesLimit")));
    chy_write_set(write, CHY_SECRET_TTL, chy_value_int(number_of(call, "ttl")));
    chy_write_set(write, CHY_SECRET_REVOKED, chy_value_bool(false));
    chy_write_set(write, CHY_SECRET_CREATED_AT, chy_value_time(now));
    chy_write_set(write, CHY_SECRET_UPDATED_AT, chy_value_time(now));
    return chy_call_commit(call, &batch, "create", id);
}

static chy_status read_secret(struct chy_call *call, const struct chy_uuid *id,
                              struct chy_storage_row *out_row)
{
    chy_status status =
        chy_storage_read(call->runtime->storage, call->op, CHY_C_CLIENT_SECRETS,
                         CHY_KEY(chy_value_uuid(id)), chy_call_fields(call), out_row);
    return chy_or_not_found(call->op, status, call->kind->what);
}

static chy_status create(struct chy_call *call)
{
    struct chy_storage_row row;
    struct chy_slice client_id;
    struct chy_slice client_secret;
    struct chy_uuid id;
    json_t *object;
    CHY_TRY(chy_identity_require_acting(call, &call->id, &row));
    CHY_TRY(client_id_of(call, &call->id, &client_id));
    CHY_TRY(chy_credential_new(call->runtime, call->op, CHY_CREDENTIAL_SECRET, &client_secret));
    CHY_TRY(chy_runtime_new_uuid(call->runtime, call->op, &id));
    CHY_TRY(insert_secret(call, &id, client_id, client_secret));
    CHY_TRY(read_secret(call, &id, &row));
    CHY_TRY(chy_call_object(call, &row, &object));
    json_t *answer = chy_json_object(call->op);
    if (answer == NULL || !chy_json_set_text(answer, "clientSecret", client_secret) ||
        json_object_set(answer, call->kind->singular, object) != 0) {
        return chy_fail_memory(call->op);
    }
    return chy_json_write_secret(call->op, answer, &call->secret);
}

/* ------------------------------------------------------------------------------------------------
 * Seeing and revoking
 */

static chy_status append(struct chy_call *call, const struct chy_storage_row *row, json_t *list)
{
    json_t *object;
    CHY_TRY(chy_call_object(call, row, &object));
    return json_array_append(list, object) == 0 ? CHY_OK : chy_fail_memory(call->op);
}

static chy_status list(struct chy_call *call)
{
    struct chy_storage_row identity;
    struct chy_query query;
    struct chy_storage_page page;
    CHY_TRY(chy_identity_require(call, &call->id, CHY_ACTION_READ, &identity));
    json_t *answer = chy_json_object(call->op);
    json_t *secrets = json_array();
    if (answer == NULL || json_object_set_new(answer, call->kind->singular, secrets) != 0) {
        return chy_fail_memory(call->op);
    }
    chy_query_init(&query, call->op, CHY_C_CLIENT_SECRETS, chy_call_fields(call), LIST_MAX);
    chy_query_eq(&query, CHY_SECRET_IDENTITY_ID, chy_value_uuid(&call->id));
    chy_query_order(&query, CHY_SECRET_CREATED_AT, true);
    CHY_TRY(chy_query_run(&query, call->runtime->storage, &page));
    for (uint64_t i = 0; i < page.rows.count; i++) {
        CHY_TRY(append(call, chy_page_row(&page, i), secrets));
    }
    call->answer = answer;
    return CHY_OK;
}

/** require_secret reads the secret that the call means, of the identity that its document names. */
static chy_status require_secret(struct chy_call *call, const char *action,
                                 struct chy_storage_row *out_row)
{
    struct chy_storage_row identity;
    struct chy_uuid identity_id;
    if (!chy_call_uuid(call, "identityId", &identity_id)) {
        return chy_not_found(call->op, "identity");
    }
    CHY_TRY(chy_identity_require(call, &identity_id, action, &identity));
    CHY_TRY(read_secret(call, &call->id, out_row));
    struct chy_uuid owner = chy_row_uuid(out_row, CHY_SECRET_IDENTITY_ID);
    return chy_uuid_compare(&owner, &identity_id) == 0 ? CHY_OK
                                                       : chy_not_found(call->op, call->kind->what);
}

static chy_status get(struct chy_call *call)
{
    struct chy_storage_row row;
    CHY_TRY(require_secret(call, CHY_ACTION_READ, &row));
    return chy_call_answer_row(call, &row);
}

/** revoke ends the tokens that came from the secret as well. */
static chy_status revoke(struct chy_call *call)
{
    struct chy_storage_row row;
    struct chy_batch batch;
    CHY_TRY(require_secret(call, CHY_ACTION_EDIT, &row));
    chy_batch_init(&batch, call->op, 0);
    struct chy_write *write =
        chy_batch_update(&batch, CHY_C_CLIENT_SECRETS, CHY_KEY(chy_value_uuid(&call->id)));
    chy_write_set(write, CHY_SECRET_REVOKED, chy_value_bool(true));
    chy_write_set(write, CHY_SECRET_UPDATED_AT, chy_value_time(chy_now(call->op)));
    chy_delete_in(&batch, CHY_C_ACCESS_TOKENS, CHY_TOKEN_SECRET_ID, &call->id);
    chy_runtime_bump(&batch);
    CHY_TRY(chy_call_commit(call, &batch, "revoke", &call->id));
    CHY_TRY(chy_delete_all(call->runtime, call->op, CHY_C_ACCESS_TOKENS, CHY_TOKEN_SECRET_ID,
                           &call->id));
    CHY_TRY(read_secret(call, &call->id, &row));
    return chy_call_answer_row(call, &row);
}

#define CREATE_SHAPE                                                                \
    "{\"type\":\"object\",\"properties\":{"                                         \
    "\"description\":{\"type\":\"string\",\"maxLength\":1000},"                     \
    "\"numUsesLimit\":{\"type\":\"integer\",\"minimum\":0,\"maximum\":1000000000}," \
    "\"ttl\":{\"type\":\"integer\",\"minimum\":0,\"maximum\":315360000}}}"

#define SECRET_SHAPE                                                      \
    "{\"type\":\"object\",\"required\":[\"identityId\"],\"properties\":{" \
    "\"identityId\":" CHY_SHAPE_ID "}}"

static const struct chy_action actions[] = {
    {"create", NULL, CHY_ACTION_NEEDS_ID, CREATE_SHAPE, create},
    {"list", NULL, CHY_ACTION_NEEDS_ID, NULL, list},
    {"get", NULL, CHY_ACTION_NEEDS_ID, SECRET_SHAPE, get},
    {"revoke", NULL, CHY_ACTION_NEEDS_ID, SECRET_SHAPE, revoke},
};

static const struct chy_kind_answer answers[] = {
    {"create", "{'clientSecret': 'text', 'clientSecretData': '#ClientSecret'}", NULL},
    {"list", "{'clientSecretData': ['#ClientSecret']}", NULL},
    {"revoke", "{'clientSecretData': '#ClientSecret'}", NULL},
};

const struct chy_kind chy_kind_client_secret = {
    .name = "client-secrets",
    .singular = "clientSecretData",
    .what = "client secret",
    .subject = CHY_SUBJECT_IDENTITIES,
    .audit = "client-secret",
    .collection = CHY_C_CLIENT_SECRETS,
    .id_field = CHY_SECRET_ID,
    .project_field = CHY_NO_FIELD,
    .search_field = CHY_NO_FIELD,
    .created_field = CHY_SECRET_CREATED_AT,
    .updated_field = CHY_SECRET_UPDATED_AT,
    .members = members,
    .member_count = CHY_COUNT_OF(members),
    .actions = actions,
    .action_count = CHY_COUNT_OF(actions),
    .answers = answers,
    .answer_count = CHY_COUNT_OF(answers),
};
