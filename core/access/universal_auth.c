#include "access/universal_auth.h"

#include "access/identity.h"
#include "access/network.h"
#include "access/token_state.h"
#include "access/universal_auth_state.h"
#include "resource/collections.h"
#include "resource/delete_all.h"

#define SECONDS_MAX "315360000" // ten years
#define WHOLE(least, most) "{\"type\":\"integer\",\"minimum\":" least ",\"maximum\":" most "}"

static const struct chy_member members[] = {
    {"id", CHY_UA_IDENTITY_ID, CHY_MEMBER_DERIVED, NULL},
    {"identityId", CHY_UA_IDENTITY_ID, CHY_MEMBER_DERIVED, NULL},
    {"clientId", CHY_UA_CLIENT_ID, CHY_MEMBER_DERIVED, NULL},
    {"clientSecretTrustedIps", CHY_UA_SECRET_TRUSTED_IPS, 0, CHY_NETWORKS_SHAPE},
    {"accessTokenTrustedIps", CHY_UA_TOKEN_TRUSTED_IPS, 0, CHY_NETWORKS_SHAPE},
    {"accessTokenTTL", CHY_UA_TOKEN_TTL, 0, WHOLE("0", SECONDS_MAX)},
    {"accessTokenMaxTTL", CHY_UA_TOKEN_MAX_TTL, 0, WHOLE("0", SECONDS_MAX)},
    {"accessTokenNumUsesLimit", CHY_UA_TOKEN_USES_LIMIT, 0, WHOLE("0", "1000000000")},
    {"accessTokenPeriod", CHY_UA_TOKEN_PERIOD, 0, WHOLE("0", SECONDS_MAX)},
    {"lockoutEnabled", CHY_UA_LOCKOUT_ENABLED, 0, "{\"type\":\"boolean\"}"},
    {"lockoutThreshold", CHY_UA_LOCKOUT_THRESHOLD, 0, WHOLE("1", "30")},
    {"lockoutDurationSeconds", CHY_UA_LOCKOUT_DURATION, 0, WHOLE("30", "86400")},
    {"lockoutCounterResetSeconds", CHY_UA_LOCKOUT_RESET, 0, WHOLE("5", "3600")},
    {"createdAt", CHY_UA_CREATED_AT, CHY_MEMBER_DERIVED, NULL},
    {"updatedAt", CHY_UA_UPDATED_AT, CHY_MEMBER_DERIVED, NULL},
};

/** What a document that says nothing means. */
static const char defaults[] =
    "{\"clientSecretTrustedIps\":[{\"ipAddress\":\"0.0.0.0/0\"},{\"ipAddress\":\"::/0\"}],"
    "\"accessTokenTrustedIps\":[{\"ipAddress\":\"0.0.0.0/0\"},{\"ipAddress\":\"::/0\"}],"
    "\"accessTokenTTL\":2592000,\"accessTokenMaxTTL\":2592000,\"accessTokenNumUsesLimit\":0,"
    "\"accessTokenPeriod\":0,\"lockoutEnabled\":true,\"lockoutThreshold\":3,"
    "\"lockoutDurationSeconds\":300,\"lockoutCounterResetSeconds\":30}";

/* ------------------------------------------------------------------------------------------------
 * What the shapes cannot say
 */

static bool check_networks(struct chy_call *call, const char *member)
{
    const json_t *list = json_object_get(call->document, member);
    bool fine = true;
    for (size_t i = 0; i < json_array_size(list); i++) {
        struct chy_network network;
        struct chy_slice text = chy_json_member(json_array_get(list, i), "ipAddress");
        if (chy_network_parse(call->op, text, &network) != CHY_OK) {
            char path[64];
            (void)snprintf(path, sizeof path, "/%s/%zu/ipAddress", member, i);
            chy_shape_issue(call->op, "invalid_string", path,
                            "expected an IP address or a network such as 10.0.0.0/8");
            fine = false;
        }
    }
    return fine;
}

static int64_t given_or(const struct chy_call *call, const char *member, int64_t stored)
{
    const json_t *json = json_object_get(call->document, member);
    return json_is_integer(json) ? json_integer_value(json) : stored;
}

/** check_document holds the document, and what it leaves as it is, together. */
static chy_status check_document(struct chy_call *call, int64_t stored_ttl, int64_t stored_max)
{
    bool fine = check_networks(call, "clientSecretTrustedIps");
    fine = check_networks(call, "accessTokenTrustedIps") && fine;
    int64_t ttl = given_or(call, "accessTokenTTL", stored_ttl);
    int64_t max_ttl = given_or(call, "accessTokenMaxTTL", stored_max);
    if (max_ttl != 0 && ttl > max_ttl) {
        chy_shape_issue(call->op, "custom", "/accessTokenTTL",
                        "expected at most accessTokenMaxTTL, %lld", (long long)max_ttl);
        fine = false;
    }
    return fine ? CHY_OK : chy_shape_refuse(call->op);
}

static chy_status add_defaults(struct chy_call *call)
{
    json_t *standard;
    CHY_TRY(chy_json_parse(call->op, chy_text(defaults), &standard));
    return json_object_update_missing(call->document, standard) == 0 ? CHY_OK
                                                                     : chy_fail_memory(call->op);
}

/* ------------------------------------------------------------------------------------------------
 * Actions
 */

static chy_status read_row(struct chy_call *call, struct chy_storage_row *out_row)
{
    chy_status status =
        chy_storage_read(call->runtime->storage, call->op, CHY_C_UNIVERSAL_AUTH,
                         CHY_KEY(chy_value_uuid(&call->id)), chy_call_fields(call), out_row);
    return chy_or_not_found(call->op, status, "universal auth of the identity");
}

static chy_status answer_stored(struct chy_call *call)
{
    struct chy_storage_row row;
    CHY_TRY(read_row(call, &row));
    return chy_call_answer_row(call, &row);
}

static chy_status refuse_attached(struct chy_call *call)
{
    return chy_fail(call->op, CHY_BAD_INPUT, 0,
                    "the identity has universal auth already; change it instead");
}

/** check_attachable: universal auth is for machines, and there is one of it. */
static chy_status check_attachable(struct chy_call *call)
{
    struct chy_storage_row identity;
    struct chy_storage_row row;
    CHY_TRY(chy_identity_require(call, &call->id, CHY_ACTION_EDIT, &identity));
    if (!chy_slice_is(chy_row_text(&identity, CHY_IDENTITY_KIND), "machine")) {
        return chy_fail(call->op, CHY_BAD_INPUT, 0, "universal auth is for machine identities");
    }
    chy_status status = chy_storage_read(call->runtime->storage, call->op, CHY_C_UNIVERSAL_AUTH,
                                         CHY_KEY(chy_value_uuid(&call->id)), CHY_NO_FIELDS, &row);
    if (status == CHY_OK) {
        return refuse_attached(call);
    }
    return status == CHY_NOT_FOUND ? CHY_OK : status;
}

static chy_status attach(struct chy_call *call)
{
    struct chy_uuid client_uuid;
    struct chy_slice client_id;
    struct chy_batch batch;
    CHY_TRY(check_attachable(call));
    CHY_TRY(add_defaults(call));
    CHY_TRY(check_document(call, 0, 0));
    CHY_TRY(chy_runtime_new_uuid(call->runtime, call->op, &client_uuid));
    CHY_TRY(chy_uuid_text(call->op, &client_uuid, &client_id));
    chy_batch_init(&batch, call->op, 0);
    struct chy_write *write =
        chy_batch_insert(&batch, CHY_C_UNIVERSAL_AUTH, CHY_KEY(chy_value_uuid(&call->id)));
    CHY_TRY(chy_call_set_members(call, write, false));
    chy_write_set(write, CHY_UA_CLIENT_ID, chy_value_text(client_id));
    chy_write_set(write, CHY_UA_CREATED_AT, chy_value_time(chy_now(call->op)));
    chy_write_set(write, CHY_UA_UPDATED_AT, chy_value_time(chy_now(call->op)));
    CHY_TRY(chy_call_commit(call, &batch, "create", &call->id));
    return answer_stored(call);
}

static chy_status get(struct chy_call *call)
{
    struct chy_storage_row identity;
    CHY_TRY(chy_identity_require(call, &call->id, CHY_ACTION_READ, &identity));
    return answer_stored(call);
}

static chy_status update(struct chy_call *call)
{
    struct chy_storage_row identity;
    struct chy_storage_row row;
    struct chy_batch batch;
    CHY_TRY(chy_identity_require(call, &call->id, CHY_ACTION_EDIT, &identity));
    CHY_TRY(read_row(call, &row));
    CHY_TRY(check_document(call, chy_row_int(&row, CHY_UA_TOKEN_TTL),
                           chy_row_int(&row, CHY_UA_TOKEN_MAX_TTL)));
    chy_batch_init(&batch, call->op, 0);
    struct chy_write *write =
        chy_batch_update(&batch, CHY_C_UNIVERSAL_AUTH, CHY_KEY(chy_value_uuid(&call->id)));
    chy_write_guard_revision(write, row.revision);
    CHY_TRY(chy_call_set_members(call, write, true));
    chy_write_set(write, CHY_UA_UPDATED_AT, chy_value_time(chy_now(call->op)));
    CHY_TRY(chy_call_commit(call, &batch, "update", &call->id));
    return answer_stored(call);
}

/** detach takes the secrets and the tokens with it. */
static chy_status detach(struct chy_call *call)
{
    struct chy_runtime *runtime = call->runtime;
    struct chy_storage_row identity;
    struct chy_storage_row row;
    struct chy_batch batch;
    CHY_TRY(chy_identity_require(call, &call->id, CHY_ACTION_EDIT, &identity));
    CHY_TRY(read_row(call, &row));
    chy_batch_init(&batch, call->op, 0);
    struct chy_write *write =
        chy_batch_delete(&batch, CHY_C_UNIVERSAL_AUTH, CHY_KEY(chy_value_uuid(&call->id)));
    chy_write_guard_revision(write, row.revision);
    chy_delete_in(&batch, CHY_C_CLIENT_SECRETS, CHY_SECRET_IDENTITY_ID, &call->id);
    chy_delete_in(&batch, CHY_C_ACCESS_TOKENS, CHY_TOKEN_IDENTITY_ID, &call->id);
    CHY_TRY(chy_call_commit(call, &batch, "delete", &call->id));
    CHY_TRY(
        chy_delete_all(runtime, call->op, CHY_C_CLIENT_SECRETS, CHY_SECRET_IDENTITY_ID, &call->id));
    CHY_TRY(
        chy_delete_all(runtime, call->op, CHY_C_ACCESS_TOKENS, CHY_TOKEN_IDENTITY_ID, &call->id));
    return chy_call_answer_row(call, &row);
}

#define LOGIN_SHAPE                                                                         \
    "{\"type\":\"object\",\"required\":[\"clientId\",\"clientSecret\"],\"properties\":{"    \
    "\"clientId\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":255,\"x-trim\":true}," \
    "\"clientSecret\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":1024,\"x-trim\":true}}}"

static const struct chy_action actions[] = {
    {"create", NULL, CHY_ACTION_NEEDS_ID, NULL, attach},
    {"get", NULL, CHY_ACTION_NEEDS_ID, NULL, get},
    {"update", NULL, CHY_ACTION_NEEDS_ID, NULL, update},
    {"delete", NULL, CHY_ACTION_NEEDS_ID, NULL, detach},
    {"login", NULL, 0, LOGIN_SHAPE, chy_universal_auth_login},
};

static const struct chy_kind_answer answers[] = {
    {"login", CHY_ACCESS_TOKEN_OUTLINE, NULL},
};

const struct chy_kind chy_kind_universal_auth = {
    .name = "universal-auth",
    .singular = "identityUniversalAuth",
    .what = "universal auth",
    .subject = CHY_SUBJECT_IDENTITIES,
    .audit = "universal-auth",
    .collection = CHY_C_UNIVERSAL_AUTH,
    .id_field = CHY_UA_IDENTITY_ID,
    .project_field = CHY_NO_FIELD,
    .search_field = CHY_NO_FIELD,
    .created_field = CHY_UA_CREATED_AT,
    .updated_field = CHY_UA_UPDATED_AT,
    .members = members,
    .member_count = CHY_COUNT_OF(members),
    .actions = actions,
    .action_count = CHY_COUNT_OF(actions),
    .answers = answers,
    .answer_count = CHY_COUNT_OF(answers),
};
