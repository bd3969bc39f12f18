#include "access/user.h"

#include "access/identity_state.h"
#include "access/password.h"
#include "access/token_state.h"
#include "access/user_state.h"
#include "base/slice.h"
#include "resource/collections.h"
#include "resource/delete_all.h"

#define USERNAME_SHAPE                                                    \
    "{\"type\":\"string\",\"minLength\":1,\"maxLength\":128,\"pattern\":" \
    "\"^[A-Za-z0-9][A-Za-z0-9._@+-]*$\",\"description\":"                 \
    "\"letters, digits and ._@+-, a letter or digit first\",\"examples\":[\"alice\"]}"
#define NAME_SHAPE CHY_IDENTITY_NAME_SHAPE("Alice Adams")
#define EMAIL_SHAPE                                                      \
    "{\"type\":[\"string\",\"null\"],\"minLength\":3,\"maxLength\":254," \
    "\"pattern\":\"^[!-?A-~]+@[!-?A-~]+$\",\"description\":"             \
    "\"an address such as alice@example.com\",\"examples\":[\"alice@example.com\"]}"
#define DISABLED_SHAPE "{\"type\":\"boolean\"}"

static const struct chy_member members[] = {
    {"id", CHY_IDENTITY_ID, CHY_MEMBER_DERIVED, NULL},
    {"username", CHY_IDENTITY_USERNAME, CHY_MEMBER_REQUIRED, USERNAME_SHAPE},
    {"name", CHY_IDENTITY_NAME, 0, NAME_SHAPE},
    {"email", CHY_IDENTITY_EMAIL, 0, EMAIL_SHAPE},
    {"role", CHY_IDENTITY_ROLE, 0, CHY_IDENTITY_ROLE_SHAPE},
    {"disabled", CHY_IDENTITY_DISABLED, 0, DISABLED_SHAPE},
    {"createdAt", CHY_IDENTITY_CREATED_AT, CHY_MEMBER_DERIVED, NULL},
    {"updatedAt", CHY_IDENTITY_UPDATED_AT, CHY_MEMBER_DERIVED, NULL},
};

void chy_user_put_password(struct chy_batch *batch, const struct chy_uuid *id, uint64_t revision,
                           struct chy_slice phc)
{
    struct chy_write *write = chy_batch_upsert(batch, CHY_C_PASSWORDS, CHY_KEY(chy_value_uuid(id)));
    if (revision == 0) {
        chy_write_guard_absent(write);
    } else {
        chy_write_guard_revision(write, revision);
    }
    chy_write_set(write, CHY_PASSWORD_PHC, chy_value_text(phc));
    chy_write_set(write, CHY_PASSWORD_CHANGED_AT, chy_value_time(chy_now(batch->op)));
}

void chy_user_end_tokens(struct chy_batch *batch, const struct chy_uuid *id)
{
    chy_delete_in(batch, CHY_C_ACCESS_TOKENS, CHY_TOKEN_IDENTITY_ID, id);
}

chy_status chy_user_end_other_tokens(struct chy_call *call, const struct chy_uuid *id)
{
    return chy_delete_all(call->runtime, call->op, CHY_C_ACCESS_TOKENS, CHY_TOKEN_IDENTITY_ID, id);
}

/* ------------------------------------------------------------------------------------------------
 * Making
 */

/** set_default gives a member that the document leaves out. */
static bool set_default(struct chy_call *call, const char *member, json_t *value)
{
    if (json_object_get(call->document, member) != NULL) {
        json_decref(value);
        return true;
    }
    return json_object_set_new(call->document, member, value) == 0;
}

/** make_canonical: a username is one, whatever case it is written in. */
static chy_status make_canonical(struct chy_call *call)
{
    struct chy_slice username = chy_json_member(call->document, "username");
    if (username.len == 0) {
        return CHY_OK;
    }
    CHY_TRY(chy_slice_lower(call->op, username, &username));
    return chy_json_set_text(call->document, "username", username) ? CHY_OK
                                                                   : chy_fail_memory(call->op);
}

static chy_status check_password(struct chy_call *call, struct chy_slice username)
{
    return chy_password_check(call->op, chy_json_member(call->document, "password"), username,
                              "/password");
}

static chy_status create(struct chy_call *call)
{
    CHY_TRY(make_canonical(call));
    struct chy_slice username = chy_json_member(call->document, "username");
    CHY_TRY(check_password(call, username));
    bool fine = set_default(call, "name", json_string((const char *)username.ptr)) &&
                set_default(call, "role", json_string(chy_role_name(CHY_ROLE_NO_ACCESS))) &&
                set_default(call, "disabled", json_false());
    return fine ? chy_kind_create(call) : chy_fail_memory(call->op);
}

static chy_status before_create(struct chy_call *call, struct chy_batch *batch,
                                struct chy_write *write)
{
    struct chy_slice password = chy_json_member(call->document, "password");
    struct chy_slice phc;
    chy_write_set(write, CHY_IDENTITY_KIND, chy_value_text(chy_text("user")));
    if (password.len == 0) {
        return CHY_OK;
    }
    CHY_TRY(chy_password_hash(call->runtime, call->op, &call->id, password, &phc));
    chy_user_put_password(batch, &call->id, 0, phc);
    return CHY_OK;
}

static chy_status on_conflict(struct chy_call *call, struct chy_slice index)
{
    (void)index;
    return chy_fail_reason(call->op, CHY_DENIED, CHY_REASON_BOUNDARY,
                           "a user with this username exists already; choose another one");
}

/* ------------------------------------------------------------------------------------------------
 * Seeing, changing, deleting
 */

static chy_status require_user(struct chy_call *call, const char *action,
                               struct chy_storage_row *out_row)
{
    CHY_TRY(chy_identity_require(call, &call->id, action, out_row));
    return chy_slice_is(chy_row_text(out_row, CHY_IDENTITY_KIND), "user")
               ? CHY_OK
               : chy_not_found(call->op, "user");
}

static chy_status get(struct chy_call *call)
{
    struct chy_storage_row row;
    json_t *object;
    CHY_TRY(require_user(call, CHY_ACTION_READ, &row));
    CHY_TRY(chy_call_object(call, &row, &object));
    return chy_call_answer(call, object);
}

static chy_status narrow(struct chy_call *call, struct chy_query *query)
{
    (void)call;
    chy_query_eq(query, CHY_IDENTITY_KIND, chy_value_text(chy_text("user")));
    return CHY_OK;
}

/** decorate: who was made without the flag is not disabled. */
static chy_status decorate(struct chy_call *call, const struct chy_storage_row *row, json_t *object)
{
    return chy_json_set_bool(object, "disabled", chy_row_bool(row, CHY_IDENTITY_DISABLED))
               ? CHY_OK
               : chy_fail_memory(call->op);
}

static bool disables(const struct chy_call *call)
{
    return json_is_true(json_object_get(call->document, "disabled"));
}

static chy_status update(struct chy_call *call)
{
    struct chy_storage_row row;
    CHY_TRY(require_user(call, CHY_ACTION_EDIT, &row));
    CHY_TRY(make_canonical(call));
    if (disables(call)) {
        CHY_TRY(chy_identity_refuse_self(call, "disable yourself"));
    }
    CHY_TRY(chy_identity_update_row(call, &row));
    return disables(call) ? chy_user_end_other_tokens(call, &call->id) : CHY_OK;
}

static chy_status before_update(struct chy_call *call, const struct chy_storage_row *row,
                                struct chy_batch *batch, struct chy_write *write)
{
    (void)row;
    (void)write;
    if (disables(call)) {
        chy_user_end_tokens(batch, &call->id);
    }
    return CHY_OK;
}

static chy_status delete_user(struct chy_call *call)
{
    struct chy_storage_row row;
    CHY_TRY(require_user(call, CHY_ACTION_DELETE, &row));
    return chy_identity_delete_row(call);
}

/** set_password: who sets it can act as that person afterwards (access/identity.h). */
static chy_status set_password(struct chy_call *call)
{
    struct chy_storage_row row;
    struct chy_storage_row kept;
    struct chy_slice phc;
    struct chy_batch batch;
    CHY_TRY(require_user(call, CHY_ACTION_EDIT, &row));
    CHY_TRY(chy_identity_require_acting(call, &call->id, &row));
    CHY_TRY(check_password(call, chy_row_text(&row, CHY_IDENTITY_USERNAME)));
    chy_status status = chy_storage_read(call->runtime->storage, call->op, CHY_C_PASSWORDS,
                                         CHY_KEY(chy_value_uuid(&call->id)), CHY_NO_FIELDS, &kept);
    if (status != CHY_OK && status != CHY_NOT_FOUND) {
        return status;
    }
    CHY_TRY(chy_password_hash(call->runtime, call->op, &call->id,
                              chy_json_member(call->document, "password"), &phc));
    chy_batch_init(&batch, call->op, 0);
    struct chy_write *identity =
        chy_batch_check(&batch, CHY_C_IDENTITIES, CHY_KEY(chy_value_uuid(&call->id)));
    chy_write_guard_revision(identity, row.revision);
    chy_user_put_password(&batch, &call->id, status == CHY_OK ? kept.revision : 0, phc);
    chy_user_end_tokens(&batch, &call->id);
    chy_runtime_bump(&batch);
    CHY_TRY(chy_call_commit(call, &batch, "set-password", &call->id));
    CHY_TRY(chy_user_end_other_tokens(call, &call->id));
    return get(call);
}

#define CREATE_SHAPE                                                                 \
    "{\"type\":\"object\",\"required\":[\"username\"],\"properties\":{"              \
    "\"username\":" USERNAME_SHAPE ",\"name\":" NAME_SHAPE ",\"email\":" EMAIL_SHAPE \
    ",\"role\":" CHY_IDENTITY_ROLE_SHAPE ",\"disabled\":" DISABLED_SHAPE             \
    ",\"password\":" CHY_PASSWORD_SHAPE "}}"
#define PASSWORD_SHAPE                                                  \
    "{\"type\":\"object\",\"required\":[\"password\"],\"properties\":{" \
    "\"password\":" CHY_PASSWORD_SHAPE "}}"
#define GIVEN_SHAPE "{\"type\":\"string\",\"minLength\":1,\"maxLength\":1024}"
#define LOGIN_SHAPE                                                                  \
    "{\"type\":\"object\",\"required\":[\"username\",\"password\"],\"properties\":{" \
    "\"username\":" USERNAME_SHAPE ",\"password\":" GIVEN_SHAPE "}}"
#define CHANGE_SHAPE                                                                 \
    "{\"type\":\"object\",\"required\":[\"username\",\"password\",\"newPassword\"]," \
    "\"properties\":{\"username\":" USERNAME_SHAPE ",\"password\":" GIVEN_SHAPE      \
    ",\"newPassword\":" CHY_PASSWORD_SHAPE "}}"
#define TEXT_SHAPE "{\"type\":\"string\",\"maxLength\":255}"
#define LIST_SHAPE CHY_LIST_SHAPE_WITH(",\"username\":" TEXT_SHAPE ",\"email\":" TEXT_SHAPE)

static const struct chy_action actions[] = {
    {"create", CHY_ACTION_CREATE, 0, CREATE_SHAPE, create},
    {"get", NULL, CHY_ACTION_NEEDS_ID, NULL, get},
    {"list", CHY_ACTION_READ, CHY_ACTION_QUERY, LIST_SHAPE, chy_kind_list},
    {"update", NULL, CHY_ACTION_NEEDS_ID, NULL, update},
    {"delete", NULL, CHY_ACTION_NEEDS_ID, NULL, delete_user},
    {"set-password", NULL, CHY_ACTION_NEEDS_ID, PASSWORD_SHAPE, set_password},
    {"login", NULL, 0, LOGIN_SHAPE, chy_user_login},
    {"change-password", NULL, 0, CHANGE_SHAPE, chy_user_change_password},
};

static const struct chy_kind_answer answers[] = {
    {"set-password", "{'user': '#User'}", NULL},
    {"login", CHY_ACCESS_TOKEN_OUTLINE, NULL},
    {"change-password", "{'message': 'text'}", NULL},
};

static const struct chy_list_filter filters[] = {
    {"username", CHY_IDENTITY_USERNAME, true},
};

const struct chy_kind chy_kind_user = {
    .name = "users",
    .singular = "user",
    .plural = "users",
    .what = "user",
    .subject = CHY_SUBJECT_IDENTITIES,
    .audit = "user",
    .collection = CHY_C_IDENTITIES,
    .id_field = CHY_IDENTITY_ID,
    .project_field = CHY_NO_FIELD,
    .search_field = CHY_IDENTITY_USERNAME,
    .created_field = CHY_IDENTITY_CREATED_AT,
    .updated_field = CHY_IDENTITY_UPDATED_AT,
    .members = members,
    .member_count = CHY_COUNT_OF(members),
    .actions = actions,
    .action_count = CHY_COUNT_OF(actions),
    .filters = filters,
    .filter_count = CHY_COUNT_OF(filters),
    .answers = answers,
    .answer_count = CHY_COUNT_OF(answers),
    .hooks = {.before_create = before_create,
              .before_update = before_update,
              .before_delete = chy_identity_before_delete,
              .narrow = narrow,
              .on_conflict = on_conflict,
              .decorate = decorate},
};
