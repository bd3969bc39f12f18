#include "access/token.h"
#include "resource/audit.h"
#include "resource/collections.h"

#define SETTING "administrator"

/** Where the administrator is noted, and whom that means. */
struct noted {
    bool has_setting;
    uint64_t revision;
    bool is_there; /**< an identity with the role admin */
    struct chy_uuid id;
};

static chy_status find_setting(struct chy_runtime *runtime, struct chy_op *op, struct noted *noted)
{
    struct chy_storage_row row;
    chy_status status = chy_storage_read(runtime->storage, op, CHY_C_SETTINGS,
                                         CHY_KEY(chy_value_text(chy_text(SETTING))),
                                         CHY_FIELDS(CHY_SETTING_BLOB), &row);
    if (status == CHY_NOT_FOUND) {
        return CHY_OK;
    }
    CHY_TRY(status);
    struct chy_slice id = chy_row_blob(&row, 0);
    noted->has_setting = true;
    noted->revision = row.revision;
    if (id.len == sizeof noted->id.bytes) {
        memcpy(noted->id.bytes, id.ptr, sizeof noted->id.bytes);
    }
    return CHY_OK;
}

static chy_status find_administrator(struct chy_runtime *runtime, struct chy_op *op,
                                     struct noted *noted)
{
    CHY_TRY(find_setting(runtime, op, noted));
    struct chy_storage_row row;
    chy_status status =
        chy_storage_read(runtime->storage, op, CHY_C_IDENTITIES,
                         CHY_KEY(chy_value_uuid(&noted->id)), CHY_FIELDS(CHY_IDENTITY_ROLE), &row);
    if (status == CHY_NOT_FOUND) {
        return CHY_OK;
    }
    CHY_TRY(status);
    noted->is_there = chy_role_find(chy_row_text(&row, 0)) == CHY_ROLE_ADMIN;
    return CHY_OK;
}

static chy_status make_administrator(struct chy_runtime *runtime, struct chy_batch *batch,
                                     struct noted *noted)
{
    CHY_TRY(chy_runtime_new_uuid(runtime, batch->op, &noted->id));
    int64_t now = chy_now(batch->op);
    struct chy_write *write =
        chy_batch_insert(batch, CHY_C_IDENTITIES, CHY_KEY(chy_value_uuid(&noted->id)));
    chy_write_set(write, CHY_IDENTITY_KIND, chy_value_text(chy_text("user")));
    chy_write_set(write, CHY_IDENTITY_NAME, chy_value_text(chy_text("admin")));
    chy_write_set(write, CHY_IDENTITY_ROLE,
                  chy_value_text(chy_text(chy_role_name(CHY_ROLE_ADMIN))));
    chy_write_set(write, CHY_IDENTITY_CREATED_AT, chy_value_time(now));
    chy_write_set(write, CHY_IDENTITY_UPDATED_AT, chy_value_time(now));
    write = chy_batch_upsert(batch, CHY_C_SETTINGS, CHY_KEY(chy_value_text(chy_text(SETTING))));
    if (noted->has_setting) {
        chy_write_guard_revision(write, noted->revision);
    } else {
        chy_write_guard_absent(write);
    }
    chy_write_set(write, CHY_SETTING_BLOB,
                  chy_value_blob(chy_slice_of(noted->id.bytes, sizeof noted->id.bytes)));
    return CHY_OK;
}

chy_status chy_access_administrator(struct chy_runtime *runtime, struct chy_op *op,
                                    struct chy_slice name, int64_t ttl, struct chy_slice *out_token)
{
    CHY_TRY(chy_require(op, NULL, CHY_SUBJECT_IDENTITIES, CHY_ACTION_CREATE, "identity"));
    struct noted noted = {.has_setting = false};
    struct chy_batch batch;
    struct chy_slice token;
    CHY_TRY(find_administrator(runtime, op, &noted));
    chy_batch_init(&batch, op, 0);
    if (!noted.is_there) {
        CHY_TRY(make_administrator(runtime, &batch, &noted));
    }
    struct chy_token_grant grant = {.identity_id = &noted.id, .name = name, .ttl = ttl};
    CHY_TRY(chy_access_issue_token(runtime, &batch, &grant, &token));
    struct chy_audit_event event = {
        .action = "access-token.create", .target_kind = "identities", .outcome = CHY_AUDIT_OK};
    CHY_TRY(chy_uuid_text(op, &noted.id, &event.target));
    CHY_TRY(chy_audit_add(runtime, &batch, &event));
    CHY_TRY(chy_runtime_commit(runtime, &batch, NULL));
    *out_token = token;
    return CHY_OK;
}
