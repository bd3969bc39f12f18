#include "enroll/approval_issue.h"

#include "access/identity.h"
#include "base/slice.h"
#include "base/time.h"
#include "enroll/approval.h"
#include "enroll/approval_vote.h"
#include "enroll/blocked_key.h"
#include "enroll/metadata.h"
#include "enroll/pipeline.h"
#include "enroll/renew.h"
#include "plugin/view.h"
#include "resource/audit.h"
#include "resource/collections.h"

/** How many the job looks at in one run. */
#define PAGE 100U
/** How often issuing is tried when it fails of what may pass. */
#define ATTEMPTS_MAX 60
#define ERROR_MAX 512U

/* ------------------------------------------------------------------------------------------------
 * Issuing
 */

static const uint32_t request_fields[] = {
    CHY_REQUEST_STATUS,   CHY_REQUEST_DECISION,        CHY_REQUEST_SPKI,
    CHY_REQUEST_METADATA, CHY_REQUEST_RENEWED_FROM_ID,
};
enum {
    R_STATUS,
    R_DECISION,
    R_SPKI,
    R_METADATA,
    R_RENEWED_FROM
};

/** One that was approved. */
struct work {
    struct chy_runtime *runtime;
    const struct chy_storage_row *approval;
    struct chy_uuid id;
    struct chy_uuid project_id;
    struct chy_uuid request_id;
    struct chy_uuid requester_id;
    int64_t attempts;
    struct chy_slice digest;
    struct chy_approved approved;
    bool is_over; /**< there is nothing to issue any more */
    chy_status status;
    char error[ERROR_MAX];
};

static void read_work(struct chy_runtime *runtime, const struct chy_storage_row *row,
                      struct work *out_work)
{
    memset(out_work, 0, sizeof *out_work);
    out_work->runtime = runtime;
    out_work->approval = row;
    out_work->id = chy_row_uuid(row, CHY_APPROVAL_ID);
    out_work->project_id = chy_row_uuid(row, CHY_APPROVAL_PROJECT_ID);
    out_work->request_id = chy_row_uuid(row, CHY_APPROVAL_REQUEST_ID);
    out_work->requester_id = chy_row_uuid(row, CHY_APPROVAL_REQUESTER_ID);
    out_work->attempts = chy_row_int(row, CHY_APPROVAL_ATTEMPTS);
    out_work->digest = chy_row_blob(row, CHY_APPROVAL_DIGEST);
    out_work->approved.id = out_work->id;
}

static chy_status check_digest(struct work *w, struct chy_op *op, const struct chy_storage_row *row)
{
    struct chy_slice digest;
    CHY_TRY(chy_approval_digest(w->runtime, op, chy_row_json(row, R_DECISION),
                                chy_row_json(row, R_METADATA), chy_row_blob(row, R_SPKI), &digest));
    return chy_slice_equal(digest, w->digest)
               ? CHY_OK
               : chy_fail(op, CHY_BAD_INPUT, 0,
                          "the stored request is not what was approved: nothing was issued");
}

/** take_key takes over the key that came in a CSR, or is the old certificate's. */
static chy_status take_key(struct work *w, struct chy_issuance *i,
                           const struct chy_storage_row *row, struct chy_slice source)
{
    struct chy_decision *d = i->decision;
    struct chy_uuid old_id = chy_row_uuid(row, R_RENEWED_FROM);
    if (!chy_row_is_null(row, R_RENEWED_FROM)) {
        CHY_TRY(chy_renew_resume(i, &old_id, chy_slice_is(source, "reuse")));
    }
    if (!chy_slice_is(source, "csr")) {
        return CHY_OK;
    }
    json_t *decision;
    CHY_TRY(chy_json_parse(i->op, chy_row_json(row, R_DECISION), &decision));
    d->spki = chy_row_blob(row, R_SPKI);
    d->key_algorithm = chy_key_algorithm_find(chy_json_member(decision, "keyAlgorithm"));
    d->keeps_key = true;
    CHY_TRY(chy_spki_sha256(w->runtime, i->op, d->spki, &d->spki_sha256));
    return chy_refuse_blocked_key(w->runtime, i->op, d->spki_sha256);
}

static chy_status issue_row(struct work *w, struct chy_op *op, const struct chy_storage_row *row)
{
    struct chy_issuance *i = NULL;
    struct chy_enroll_request request;
    json_t *decision;
    json_t *metadata = NULL;
    CHY_TRY(check_digest(w, op, row));
    CHY_TRY(chy_approval_stands(w->runtime, op, w->approval));
    chy_status status = chy_identity_act_as(w->runtime, op, &w->requester_id);
    if (status == CHY_NOT_FOUND) {
        return chy_fail(op, CHY_BAD_INPUT, 0, "who asked for it is not there any more");
    }
    CHY_TRY(status);
    CHY_TRY(chy_decision_again(op, chy_row_json(row, R_DECISION), &request));
    if (!chy_row_is_null(row, R_METADATA)) {
        CHY_TRY(chy_json_parse(op, chy_row_json(row, R_METADATA), &metadata));
    }
    CHY_TRY(chy_metadata_read(op, metadata, &request.metadata));
    CHY_TRY(chy_json_parse(op, chy_row_json(row, R_DECISION), &decision));
    struct chy_slice source = chy_json_member(decision, "keySource");
    CHY_TRY(chy_pipeline_begin(w->runtime, op, &i));
    i->request_id = w->request_id;
    i->approved = &w->approved;
    CHY_TRY(take_key(w, i, row, source));
    return chy_pipeline_resume(i, &request, chy_row_json(row, R_DECISION),
                               chy_slice_is(source, "csr"));
}

static chy_status issue(struct work *w, struct chy_op *op)
{
    struct chy_storage_row row;
    chy_status status = chy_storage_read(
        w->runtime->storage, op, CHY_C_REQUESTS, CHY_KEY(chy_value_uuid(&w->request_id)),
        chy_view_of(request_fields, CHY_COUNT_OF(request_fields), sizeof request_fields[0]), &row);
    w->is_over = status == CHY_NOT_FOUND ||
                 (status == CHY_OK && !chy_slice_is(chy_row_text(&row, R_STATUS), "pending"));
    if (w->is_over) {
        return CHY_OK;
    }
    CHY_TRY(status);
    status = issue_row(w, op, &row);
    w->is_over = status == CHY_CONFLICT; // somebody else was faster
    return w->is_over ? CHY_OK : status;
}

/* ------------------------------------------------------------------------------------------------
 * What comes of it
 */

static struct chy_write *update_approval(struct work *w, struct chy_batch *batch, struct chy_op *op)
{
    chy_batch_init(batch, op, 0);
    struct chy_write *write =
        chy_batch_update(batch, CHY_C_APPROVAL_REQUESTS, CHY_KEY(chy_value_uuid(&w->id)));
    chy_write_guard_present(write);
    return write;
}

/** note_failed ends the request, and says why. */
static chy_status note_failed(struct work *w, struct chy_op *op)
{
    struct chy_batch batch;
    struct chy_write *approval = update_approval(w, &batch, op);
    chy_write_set(approval, CHY_APPROVAL_DUE_AT, chy_value_null());
    chy_write_set(approval, CHY_APPROVAL_GRANT, chy_value_text(chy_text("failed")));
    chy_write_set(approval, CHY_APPROVAL_GRANT_ENDED_AT, chy_value_time(chy_now(op)));
    struct chy_write *write =
        chy_batch_update(&batch, CHY_C_REQUESTS, CHY_KEY(chy_value_uuid(&w->request_id)));
    chy_write_guard_equals(write, CHY_REQUEST_STATUS, chy_value_text(chy_text("pending")));
    chy_write_set(write, CHY_REQUEST_STATUS, chy_value_text(chy_text("failed")));
    chy_write_set(write, CHY_REQUEST_ERROR, chy_value_text(chy_text(w->error)));
    chy_write_set(write, CHY_REQUEST_UPDATED_AT, chy_value_time(chy_now(op)));
    struct chy_audit_event event = {
        .action = "certificate.issue",
        .target_kind = "certificate-requests",
        .outcome = w->status == CHY_DENIED ? CHY_AUDIT_DENIED : CHY_AUDIT_FAILED,
        .project_id = &w->project_id,
        .detail = chy_audit_reason(op, chy_text(w->error)),
    };
    CHY_TRY(chy_uuid_text(op, &w->request_id, &event.target));
    CHY_TRY(chy_audit_add(w->runtime, &batch, &event));
    chy_status status = chy_batch_commit(&batch, w->runtime->storage, NULL);
    return status == CHY_CONFLICT ? CHY_OK : status; // it was issued after all
}

static chy_status postpone(struct work *w, struct chy_op *op)
{
    struct chy_batch batch;
    struct chy_write *write = update_approval(w, &batch, op);
    int64_t wait = CHY_US_PER_MINUTE * (w->attempts < 10 ? w->attempts + 1 : 10);
    chy_write_set(write, CHY_APPROVAL_DUE_AT, chy_value_time(chy_now(op) + wait));
    chy_write_set(write, CHY_APPROVAL_ATTEMPTS, chy_value_int(w->attempts + 1));
    return chy_batch_commit(&batch, w->runtime->storage, NULL);
}

static chy_status retire(struct work *w, struct chy_op *op)
{
    struct chy_batch batch;
    chy_write_set(update_approval(w, &batch, op), CHY_APPROVAL_DUE_AT, chy_value_null());
    return chy_batch_commit(&batch, w->runtime->storage, NULL);
}

static bool is_lasting(const struct work *w)
{
    return w->status == CHY_BAD_INPUT || w->status == CHY_DENIED || w->status == CHY_NOT_FOUND ||
           w->status == CHY_UNSUPPORTED || w->attempts >= ATTEMPTS_MAX;
}

/** in_child issues in an operation of its own, which acts for another. */
static chy_status in_child(struct work *w, struct chy_op *op)
{
    struct chy_op *child = op->host->op_child(op);
    if (child == NULL) {
        return chy_fail_memory(op);
    }
    w->status = issue(w, child);
    if (w->status != CHY_OK) {
        struct chy_error error = {.struct_size = sizeof error};
        child->host->last_error(child, &error);
        size_t len = chy_text_sanitise(error.message, w->error, ERROR_MAX - 1);
        w->error[len] = '\0';
    }
    op->host->op_end(child);
    return CHY_OK;
}

static chy_status issue_approved(struct chy_runtime *runtime, struct chy_op *op,
                                 const struct chy_storage_row *row)
{
    struct work *w = chy_alloc(op, sizeof *w);
    if (w == NULL) {
        return chy_fail_memory(op);
    }
    read_work(runtime, row, w);
    CHY_TRY(in_child(w, op));
    if (w->status == CHY_OK) {
        return w->is_over ? retire(w, op) : CHY_OK;
    }
    chy_log_warning(op, "approval.not-issued", "an approved request could not be issued: %s",
                    w->error);
    return is_lasting(w) ? note_failed(w, op) : postpone(w, op);
}

chy_status chy_approval_issue(struct chy_runtime *runtime, struct chy_op *op,
                              const struct chy_uuid *id)
{
    struct chy_storage_row row;
    CHY_TRY(chy_storage_read(runtime->storage, op, CHY_C_APPROVAL_REQUESTS,
                             CHY_KEY(chy_value_uuid(id)), chy_core_fields(CHY_C_APPROVAL_REQUESTS),
                             &row));
    return issue_approved(runtime, op, &row);
}

/* ------------------------------------------------------------------------------------------------
 * Ending
 */

chy_status chy_approval_end(struct chy_batch *batch, const struct chy_storage_row *row,
                            const char *status, const char *request_status,
                            struct chy_slice message, struct chy_write **out_write)
{
    struct chy_uuid *ids = chy_alloc(batch->op, 2 * sizeof *ids); // the batch borrows them
    if (ids == NULL) {
        return chy_fail_memory(batch->op);
    }
    ids[0] = chy_row_uuid(row, CHY_APPROVAL_ID);
    ids[1] = chy_row_uuid(row, CHY_APPROVAL_REQUEST_ID);
    struct chy_write *write =
        chy_batch_update(batch, CHY_C_APPROVAL_REQUESTS, CHY_KEY(chy_value_uuid(&ids[0])));
    chy_write_guard_revision(write, row->revision);
    chy_write_set(write, CHY_APPROVAL_STATUS, chy_value_text(chy_text(status)));
    chy_write_set(write, CHY_APPROVAL_UPDATED_AT, chy_value_time(chy_now(batch->op)));
    *out_write = write;
    if (chy_uuid_is_nil(&ids[1])) {
        return CHY_OK;
    }
    write = chy_batch_update(batch, CHY_C_REQUESTS, CHY_KEY(chy_value_uuid(&ids[1])));
    chy_write_guard_equals(write, CHY_REQUEST_STATUS, chy_value_text(chy_text("pending_approval")));
    chy_write_set(write, CHY_REQUEST_STATUS, chy_value_text(chy_text(request_status)));
    chy_write_set(write, CHY_REQUEST_ERROR, chy_value_text_or_null(message));
    chy_write_set(write, CHY_REQUEST_UPDATED_AT, chy_value_time(chy_now(batch->op)));
    return CHY_OK;
}

/* ------------------------------------------------------------------------------------------------
 * The job
 */

static void find_due(struct chy_query *query, struct chy_op *op, uint64_t limit)
{
    chy_query_init(query, op, CHY_C_APPROVAL_REQUESTS, chy_core_fields(CHY_C_APPROVAL_REQUESTS),
                   limit);
    chy_query_range(query, CHY_APPROVAL_DUE_AT, chy_value_null(), chy_value_time(chy_now(op) + 1));
    chy_query_order(query, CHY_APPROVAL_DUE_AT, false);
}

chy_status chy_approval_are_due(struct chy_runtime *runtime, struct chy_op *op, bool *out_are_due)
{
    struct chy_query query;
    struct chy_storage_page page;
    find_due(&query, op, 1);
    CHY_TRY(chy_query_run(&query, runtime->storage, &page));
    *out_are_due = page.rows.count != 0;
    return CHY_OK;
}

static chy_status expire(struct chy_runtime *runtime, struct chy_op *op,
                         const struct chy_storage_row *row)
{
    struct chy_batch batch;
    struct chy_write *write;
    struct chy_uuid id = chy_row_uuid(row, CHY_APPROVAL_ID);
    struct chy_uuid project_id = chy_row_uuid(row, CHY_APPROVAL_PROJECT_ID);
    chy_batch_init(&batch, op, 0);
    CHY_TRY(chy_approval_end(&batch, row, "expired", "failed",
                             chy_text("nobody approved the request in time: ask again"), &write));
    chy_write_set(write, CHY_APPROVAL_DUE_AT, chy_value_null());
    struct chy_audit_event event = {.action = "approval-request.expire",
                                    .target_kind = "approval-requests",
                                    .outcome = CHY_AUDIT_OK,
                                    .project_id = &project_id};
    CHY_TRY(chy_uuid_text(op, &id, &event.target));
    CHY_TRY(chy_audit_add(runtime, &batch, &event));
    return chy_batch_commit(&batch, runtime->storage, NULL);
}

/** claim takes an approved request for another while: who had it has not come back. */
static chy_status claim(struct chy_runtime *runtime, struct chy_op *op,
                        const struct chy_storage_row *row)
{
    struct chy_batch batch;
    struct chy_uuid id = chy_row_uuid(row, CHY_APPROVAL_ID);
    chy_batch_init(&batch, op, 0);
    struct chy_write *write =
        chy_batch_update(&batch, CHY_C_APPROVAL_REQUESTS, CHY_KEY(chy_value_uuid(&id)));
    chy_write_guard_revision(write, row->revision);
    chy_write_set(write, CHY_APPROVAL_DUE_AT, chy_value_time(chy_now(op) + CHY_APPROVAL_LEASE));
    return chy_batch_commit(&batch, runtime->storage, NULL);
}

static chy_status serve(struct chy_runtime *runtime, struct chy_op *op,
                        const struct chy_storage_row *row, struct chy_approval_counts *counts)
{
    bool open = chy_slice_is(chy_row_text(row, CHY_APPROVAL_STATUS), "open");
    chy_status status = open ? expire(runtime, op, row) : claim(runtime, op, row);
    if (status != CHY_OK) {
        return status == CHY_CONFLICT ? CHY_OK : status; // somebody was faster
    }
    if (open) {
        counts->expired++;
        return CHY_OK;
    }
    counts->resumed++;
    return issue_approved(runtime, op, row);
}

chy_status chy_approval_run(struct chy_runtime *runtime, struct chy_op *op,
                            struct chy_approval_counts *out_counts)
{
    struct chy_query query;
    struct chy_storage_page page;
    memset(out_counts, 0, sizeof *out_counts);
    find_due(&query, op, PAGE);
    CHY_TRY(chy_query_run(&query, runtime->storage, &page));
    for (uint64_t i = 0; i < page.rows.count && chy_cancelled(op) == 0; i++) {
        CHY_TRY(serve(runtime, op, chy_page_row(&page, i), out_counts));
    }
    return CHY_OK;
}
