#include "resource/audit.h"

#include "base/ip_address.h"
#include "base/op.h"
#include "base/secret.h"
#include "base/time.h"
#include "resource/audit_actions.h"
#include "resource/audit_chain.h"
#include "resource/collections.h"
#include "resource/keyring.h"
#include "resource/principal.h"
#include "x509/san.h"

static const char *actor_kind(const struct chy_principal *principal)
{
    if (principal == NULL) {
        return "anonymous";
    }
    switch (principal->kind) {
    case CHY_PRINCIPAL_MACHINE: return "machine";
    case CHY_PRINCIPAL_USER: return "user";
    case CHY_PRINCIPAL_SYSTEM: return "system";
    }
    return "system";
}

/** All that the MAC covers, in the order in which it covers it. */
struct audit_row {
    struct chy_uuid id;
    struct chy_slice node;
    int64_t block;
    int64_t time;
    struct chy_slice project;
    struct chy_slice actor_kind;
    struct chy_slice actor;
    struct chy_slice action;
    struct chy_slice target_kind;
    struct chy_slice target;
    struct chy_slice outcome;
    struct chy_slice detail;
    struct chy_slice request_id;
    struct chy_slice peer;
};

static void add_number(struct chy_buf *buf, uint64_t number)
{
    for (int shift = 56; shift >= 0; shift -= 8) {
        chy_buf_add_u8(buf, (uint8_t)(number >> shift));
    }
}

static void add_text(struct chy_buf *buf, struct chy_slice text)
{
    add_number(buf, text.len);
    chy_buf_add(buf, text);
}

static chy_status row_mac(struct chy_runtime *runtime, struct chy_op *op,
                          const struct audit_row *row, struct chy_slice *out_mac)
{
    struct chy_buf buf;
    chy_buf_init(&buf, op, CHY_STORAGE_TEXT_MAX);
    chy_buf_reserve(&buf, 1024);
    chy_buf_add(&buf, chy_slice_of(row->id.bytes, sizeof row->id.bytes));
    add_text(&buf, row->node);
    add_number(&buf, (uint64_t)row->block);
    add_number(&buf, (uint64_t)row->time);
    add_text(&buf, row->project);
    add_text(&buf, row->actor_kind);
    add_text(&buf, row->actor);
    add_text(&buf, row->action);
    add_text(&buf, row->target_kind);
    add_text(&buf, row->target);
    add_text(&buf, row->outcome);
    add_text(&buf, row->detail);
    add_text(&buf, row->request_id);
    add_text(&buf, row->peer);
    if (!chy_buf_ok(&buf)) {
        return chy_buf_fail(&buf, op, "the audit row");
    }
    return chy_keyring_mac(runtime->keyring, op, CHY_MAC_AUDIT, chy_buf_slice(&buf), out_mac);
}

static struct chy_slice uuid_slice(const struct chy_uuid *uuid)
{
    return uuid == NULL ? chy_slice_of(NULL, 0) : chy_slice_of(uuid->bytes, sizeof uuid->bytes);
}

static struct chy_value bytes_or_null(enum chy_value_type type, struct chy_slice bytes)
{
    return bytes.len == 0 ? chy_value_null() : chy_value_bytes(type, bytes);
}

static void insert_row(struct chy_batch *batch, const struct audit_row *row, struct chy_slice mac)
{
    struct chy_write *write = chy_batch_insert(
        batch, CHY_C_AUDIT_EVENTS, CHY_KEY(chy_value_bytes(CHY_VALUE_UUID, uuid_slice(&row->id))));
    chy_write_set(write, CHY_AUDIT_NODE, chy_value_text(row->node));
    chy_write_set(write, CHY_AUDIT_BLOCK, chy_value_int(row->block));
    chy_write_set(write, CHY_AUDIT_TIME, chy_value_time(row->time));
    chy_write_set(write, CHY_AUDIT_PROJECT_ID, bytes_or_null(CHY_VALUE_UUID, row->project));
    chy_write_set(write, CHY_AUDIT_ACTOR_KIND, chy_value_text(row->actor_kind));
    chy_write_set(write, CHY_AUDIT_ACTOR_ID, bytes_or_null(CHY_VALUE_UUID, row->actor));
    chy_write_set(write, CHY_AUDIT_ACTION, chy_value_text(row->action));
    chy_write_set(write, CHY_AUDIT_TARGET_KIND, chy_value_text(row->target_kind));
    chy_write_set(write, CHY_AUDIT_TARGET_ID, chy_value_text_or_null(row->target));
    chy_write_set(write, CHY_AUDIT_OUTCOME, chy_value_text(row->outcome));
    chy_write_set(write, CHY_AUDIT_DETAIL, bytes_or_null(CHY_VALUE_JSON, row->detail));
    chy_write_set(write, CHY_AUDIT_REQUEST_ID, chy_value_text(row->request_id));
    chy_write_set(write, CHY_AUDIT_PEER, chy_value_text_or_null(row->peer));
    chy_write_set(write, CHY_AUDIT_MAC, chy_value_blob(mac));
}

chy_status chy_audit_add(struct chy_runtime *runtime, struct chy_batch *batch,
                         const struct chy_audit_event *event)
{
    struct chy_op *op = batch->op;
    const struct chy_principal *principal = chy_principal_of(op);
    int64_t now = chy_now(op);
    struct audit_row *row = chy_alloc(op, sizeof *row); // the batch borrows its id
    if (row == NULL) {
        return chy_fail_memory(op);
    }
    if (chy_audit_action_find(chy_text(event->action)) == NULL) {
        // Better a row whose name no table explains than a change that cannot be made.
        chy_log_error(op, "audit.unnamed", "there is no audit action '%s'", event->action);
    }
    CHY_TRY(chy_runtime_new_uuid(runtime, op, &row->id));
    row->node = runtime->node;
    CHY_TRY(chy_audit_enter(runtime, op, &row->block));
    row->time = now;
    row->project = uuid_slice(event->project_id);
    row->actor_kind = chy_text(actor_kind(principal));
    row->actor = principal == NULL || principal->kind == CHY_PRINCIPAL_SYSTEM
                     ? chy_slice_of(NULL, 0)
                     : uuid_slice(&principal->id);
    row->action = chy_text(event->action);
    row->target_kind = chy_text(event->target_kind);
    row->target = event->target;
    row->outcome = chy_text(event->outcome);
    row->detail = event->detail;
    row->request_id = op->host->request_id(op);
    row->peer = chy_operation_of(op)->peer;
    struct chy_slice mac;
    CHY_TRY(row_mac(runtime, op, row, &mac));
    insert_row(batch, row, mac);
    return CHY_OK;
}

chy_status chy_audit_row_holds(struct chy_runtime *runtime, struct chy_op *op,
                               const struct chy_storage_row *row, bool *out_holds)
{
    struct chy_uuid project = chy_row_uuid(row, CHY_AUDIT_PROJECT_ID);
    struct chy_uuid actor = chy_row_uuid(row, CHY_AUDIT_ACTOR_ID);
    bool has_project = !chy_row_is_null(row, CHY_AUDIT_PROJECT_ID);
    bool has_actor = !chy_row_is_null(row, CHY_AUDIT_ACTOR_ID);
    struct audit_row covered = {
        .id = chy_row_uuid(row, CHY_AUDIT_ID),
        .node = chy_row_text(row, CHY_AUDIT_NODE),
        .block = chy_row_int(row, CHY_AUDIT_BLOCK),
        .time = chy_row_time(row, CHY_AUDIT_TIME),
        .project = uuid_slice(has_project ? &project : NULL),
        .actor_kind = chy_row_text(row, CHY_AUDIT_ACTOR_KIND),
        .actor = uuid_slice(has_actor ? &actor : NULL),
        .action = chy_row_text(row, CHY_AUDIT_ACTION),
        .target_kind = chy_row_text(row, CHY_AUDIT_TARGET_KIND),
        .target = chy_row_text(row, CHY_AUDIT_TARGET_ID),
        .outcome = chy_row_text(row, CHY_AUDIT_OUTCOME),
        .detail = chy_row_json(row, CHY_AUDIT_DETAIL),
        .request_id = chy_row_text(row, CHY_AUDIT_REQUEST_ID),
        .peer = chy_row_text(row, CHY_AUDIT_PEER),
    };
    struct chy_slice mac;
    CHY_TRY(row_mac(runtime, op, &covered, &mac));
    *out_holds = chy_secret_equal(mac, chy_row_blob(row, CHY_AUDIT_MAC));
    return CHY_OK;
}

chy_status chy_audit_write(struct chy_runtime *runtime, struct chy_op *op,
                           const struct chy_audit_event *event)
{
    struct chy_batch batch;
    chy_batch_init(&batch, op, CHY_BATCH_JOINABLE);
    CHY_TRY(chy_audit_add(runtime, &batch, event));
    return chy_batch_commit(&batch, runtime->storage, NULL);
}

#define IPV6_SOURCE_OCTETS 7 // a /56, what one customer has

/**
 * source_of writes whom a denial counts against.  One who has an IPv6 network has addresses without
 * number, each of which would be a row.
 */
static chy_status source_of(struct chy_op *op, struct chy_slice *out_source)
{
    struct chy_slice peer = chy_operation_of(op)->peer;
    struct chy_slice octets;
    struct chy_slice address;
    struct chy_buf buf;
    uint8_t kept[16] = {0};
    if (chy_ip_parse(op, peer, &octets) != CHY_OK) {
        *out_source = peer.len == 0 ? chy_text("unknown") : peer;
        return CHY_OK;
    }
    if (octets.len != sizeof kept) {
        *out_source = peer;
        return CHY_OK;
    }
    memcpy(kept, octets.ptr, IPV6_SOURCE_OCTETS);
    CHY_TRY(chy_ip_text(op, chy_slice_of(kept, sizeof kept), &address));
    chy_buf_init(&buf, op, 64);
    chy_buf_add(&buf, address);
    chy_buf_add_text(&buf, "/56");
    *out_source = chy_buf_slice(&buf);
    return chy_buf_ok(&buf) ? CHY_OK : chy_buf_fail(&buf, op, "the source");
}

static chy_status count_stranger(struct chy_runtime *runtime, struct chy_op *op)
{
    struct chy_slice source;
    struct chy_batch batch;
    CHY_TRY(source_of(op, &source));
    chy_batch_init(&batch, op, CHY_BATCH_JOINABLE);
    int64_t minute = chy_now(op) / CHY_US_PER_MINUTE;
    (void)chy_batch_add(
        &batch, CHY_C_DENIALS,
        CHY_KEY(chy_value_text(source), chy_value_int(minute), chy_value_text(runtime->machine)),
        CHY_DENIAL_COUNT, 1);
    return chy_batch_commit(&batch, runtime->storage, NULL);
}

struct chy_slice chy_audit_reason(struct chy_op *op, struct chy_slice message)
{
    struct chy_buf detail;
    chy_buf_init(&detail, op, 4096);
    chy_buf_add_text(&detail, "{\"reason\":");
    chy_buf_add_json_string(&detail, message);
    chy_buf_add_u8(&detail, '}');
    return chy_buf_ok(&detail) ? chy_buf_slice(&detail) : chy_slice_of(NULL, 0);
}

static chy_status write_refusal(struct chy_runtime *runtime, struct chy_op *op,
                                const struct chy_error *error, const char *action,
                                const char *target_kind, struct chy_slice target,
                                const struct chy_uuid *project_id)
{
    struct chy_audit_event event = {
        .action = action,
        .target_kind = target_kind,
        .target = target,
        .outcome = error->status == CHY_DENIED ? CHY_AUDIT_DENIED : CHY_AUDIT_FAILED,
        .project_id = project_id,
        .detail = chy_audit_reason(op, error->message),
    };
    return chy_audit_write(runtime, op, &event);
}

void chy_audit_refusal(struct chy_runtime *runtime, struct chy_op *op, const char *action,
                       const char *target_kind, struct chy_slice target,
                       const struct chy_uuid *project_id)
{
    struct chy_error error;
    op->host->last_error(op, &error);
    struct chy_slice message;
    if (chy_copy(op, error.message, &message) != CHY_OK) {
        return;
    }
    error.message = message;
    chy_status status =
        chy_principal_of(op) == NULL
            ? count_stranger(runtime, op)
            : write_refusal(runtime, op, &error, action, target_kind, target, project_id);
    if (status != CHY_OK) {
        chy_log_error(op, "audit.lost", "a refusal of %s could not be recorded", action);
    }
    (void)op->host->fail_with(op, &error); // the operation failed of this, not of the recording
}
