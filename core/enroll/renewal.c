#include "enroll/renewal.h"

#include "access/identity.h"
#include "base/op.h"
#include "base/slice.h"
#include "base/time.h"
#include "enroll/certificate_row.h"
#include "enroll/issuer.h"
#include "enroll/permit.h"
#include "plugin/view.h"
#include "resource/audit.h"
#include "resource/collections.h"

/** How many due certificates are read at once. */
#define PAGE 100U
/** The first wait after a failure; each further one is twice as long, up to a day. */
#define FIRST_WAIT CHY_US_PER_MINUTE
#define LONGEST_WAIT CHY_US_PER_DAY
/** A certificate on hold may come back: it is looked at again. */
#define HOLD_WAIT CHY_US_PER_HOUR
#define REASON_HOLD 6
/** The part of its life in which a certificate is not due: a fifth. */
#define IN_PEACE 5
#define ERROR_MAX 512U

int64_t chy_renewal_threshold(int64_t wanted, int64_t not_before, int64_t not_after, int64_t now)
{
    int64_t lifetime = not_after - (now > not_before ? now : not_before);
    int64_t longest = lifetime - lifetime / IN_PEACE;
    if (lifetime <= 0 || wanted <= 0) {
        return 0;
    }
    if (wanted >= lifetime) {
        return lifetime / 3;
    }
    return wanted < longest ? wanted : longest;
}

/* ------------------------------------------------------------------------------------------------
 * What is due
 */

/** Of a certificate, what the job goes by; no blob is read. */
static const uint32_t fields[] = {
    CHY_CERT_ID,
    CHY_CERT_PROJECT_ID,
    CHY_CERT_AUTHORITY_ID,
    CHY_CERT_METHOD,
    CHY_CERT_STATUS,
    CHY_CERT_NOT_AFTER,
    CHY_CERT_DATA_KEY_ID,
    CHY_CERT_RENEWED_BY_ID,
    CHY_CERT_REVOCATION_REASON,
    CHY_CERT_SERIAL,
    CHY_CERT_RENEWAL_ATTEMPTS,
    CHY_CERT_IDENTITY_ID,
    CHY_CERT_APPLICATION_ID,
};
enum {
    F_ID,
    F_PROJECT,
    F_AUTHORITY,
    F_METHOD,
    F_STATUS,
    F_NOT_AFTER,
    F_DATA_KEY,
    F_RENEWED_BY,
    F_REASON,
    F_SERIAL,
    F_ATTEMPTS,
    F_OWNER,
    F_APPLICATION
};

static void find_due(struct chy_query *query, struct chy_op *op, uint64_t limit, int64_t now)
{
    chy_query_init(query, op, CHY_C_CERTIFICATES,
                   chy_view_of(fields, CHY_COUNT_OF(fields), sizeof fields[0]), limit);
    chy_query_range(query, CHY_CERT_RENEW_AT, chy_value_null(), chy_value_time(now + 1));
    chy_query_order(query, CHY_CERT_RENEW_AT, false);
}

chy_status chy_renewal_is_due(struct chy_runtime *runtime, struct chy_op *op, bool *out_is_due)
{
    struct chy_query query;
    struct chy_storage_page page;
    find_due(&query, op, 1, chy_now(op));
    CHY_TRY(chy_query_run(&query, runtime->storage, &page));
    *out_is_due = page.rows.count != 0;
    return CHY_OK;
}

/* ------------------------------------------------------------------------------------------------
 * One certificate
 */

/** One that is due, copied out of its page. */
struct due {
    struct chy_runtime *runtime;
    struct chy_uuid id;
    struct chy_uuid project_id;
    struct chy_uuid authority_id; /**< nil: self-signed */
    struct chy_place place;       /**< the project again, and whose it is */
    char id_text[CHY_UUID_TEXT_SIZE];
    char method[64];
    char error[ERROR_MAX];
    int64_t not_after;
    int64_t attempts;
    bool is_over; /**< there is nothing to renew, and never will be */
    bool is_held; /**< revoked for a time */
};

static void read_due(struct chy_runtime *runtime, struct chy_op *op,
                     const struct chy_storage_row *row, struct due *out_due)
{
    struct chy_slice method = chy_row_text(row, F_METHOD);
    bool revoked = !chy_slice_is(chy_row_text(row, F_STATUS), "active");
    memset(out_due, 0, sizeof *out_due);
    out_due->runtime = runtime;
    out_due->id = chy_row_uuid(row, F_ID);
    out_due->project_id = chy_row_uuid(row, F_PROJECT);
    out_due->authority_id = chy_row_uuid(row, F_AUTHORITY);
    out_due->place = (struct chy_place){.project_id = out_due->project_id,
                                        .application_id = chy_row_uuid(row, F_APPLICATION),
                                        .owner_id = chy_row_uuid(row, F_OWNER)};
    out_due->not_after = chy_row_time(row, F_NOT_AFTER);
    out_due->attempts = chy_row_int(row, F_ATTEMPTS);
    out_due->is_held = revoked && chy_row_int(row, F_REASON) == REASON_HOLD;
    out_due->is_over = (revoked && !out_due->is_held) || chy_now(op) >= out_due->not_after ||
                       !chy_row_is_null(row, F_RENEWED_BY) || chy_row_is_null(row, F_DATA_KEY);
    chy_uuid_format(&out_due->id, out_due->id_text);
    (void)snprintf(out_due->method, sizeof out_due->method, "%.*s", (int)method.len,
                   method.len == 0 ? "" : (const char *)method.ptr);
}

/**
 * refuse_shrinking: with onCaExpiry "clamp" a successor would end no later than this one, be due
 * sooner, and so on until there were thousands.
 */
static chy_status refuse_shrinking(struct due *due, struct chy_op *op)
{
    const struct chy_issuer *issuer;
    if (chy_uuid_is_nil(&due->authority_id)) {
        return CHY_OK;
    }
    CHY_TRY(chy_issuer_get(due->runtime, op, &due->authority_id, &issuer));
    if (issuer->path[0].not_after > due->not_after) {
        return CHY_OK;
    }
    return chy_fail(op, CHY_BAD_INPUT, 0,
                    "the certificate already ends with its certificate authority: renew the "
                    "authority first");
}

/**
 * refuse_orphan: a renewal that nobody asks for is on behalf of who asked for the certificate, and
 * gives what that identity could not get any more.
 */
static chy_status refuse_orphan(struct due *due, struct chy_op *op)
{
    struct chy_place place = due->place;
    struct chy_facts facts;
    bool may;
    char owner[CHY_UUID_TEXT_SIZE];
    if (chy_uuid_is_nil(&due->place.owner_id)) {
        return CHY_OK;
    }
    CHY_TRY(chy_permit_stored_facts(due->runtime, op, &due->id, &facts));
    place.facts = &facts;
    CHY_TRY(chy_identity_may_at(due->runtime, op, &place.owner_id, &place, CHY_SUBJECT_CERTIFICATES,
                                CHY_ACTION_RENEW, &may));
    if (may) {
        return CHY_OK;
    }
    chy_uuid_format(&due->place.owner_id, owner);
    return chy_fail(op, CHY_BAD_INPUT, 0,
                    "the identity %s, which asked for the certificate, has no right any more to "
                    "renew it in the project: issue a new one to who uses it now",
                    owner);
}

static chy_status renew(struct due *due, struct chy_op *op)
{
    struct chy_renew_request request = {
        .struct_size = sizeof request,
        .method = chy_text(due->method),
        .certificate_id = chy_text(due->id_text),
        .key_source = CHY_RENEW_KEY_NEW,
    };
    struct chy_enroll_answer answer = {.struct_size = sizeof answer};
    CHY_TRY(refuse_orphan(due, op));
    CHY_TRY(refuse_shrinking(due, op));
    return op->host->renew(op, &request, &answer);
}

static void note_error(struct due *due, struct chy_op *op)
{
    struct chy_error error = {.struct_size = sizeof error};
    op->host->last_error(op, &error);
    size_t len = chy_text_sanitise(error.message, due->error, ERROR_MAX - 1);
    due->error[len] = '\0';
}

/* ------------------------------------------------------------------------------------------------
 * What comes of it
 */

/** update starts a write to the certificate, which happens unless somebody changed it meanwhile in
 *  a way that matters. */
static struct chy_write *update(struct due *due, struct chy_batch *batch, struct chy_op *op)
{
    chy_batch_init(batch, op, 0);
    struct chy_write *write =
        chy_batch_update(batch, CHY_C_CERTIFICATES, CHY_KEY(chy_value_uuid(&due->id)));
    chy_write_guard_present(write);
    return write;
}

static chy_status commit(struct due *due, struct chy_batch *batch)
{
    chy_status status = chy_batch_commit(batch, due->runtime->storage, NULL);
    return status == CHY_CONFLICT ? CHY_OK : status; // renewed by hand, or deleted: nothing to note
}

/** retire takes a certificate that is over out of what is due. */
static chy_status retire(struct due *due, struct chy_op *op)
{
    struct chy_batch batch;
    struct chy_write *write = update(due, &batch, op);
    chy_write_set(write, CHY_CERT_RENEW_AT, chy_value_null());
    return commit(due, &batch);
}

static chy_status postpone(struct due *due, struct chy_op *op, int64_t wait)
{
    struct chy_batch batch;
    struct chy_write *write = update(due, &batch, op);
    chy_write_set(write, CHY_CERT_RENEW_AT, chy_value_time(chy_now(op) + wait));
    return commit(due, &batch);
}

static chy_status audit(struct due *due, struct chy_op *op, struct chy_batch *batch,
                        const char *outcome)
{
    struct chy_buf detail;
    chy_buf_init(&detail, op, 8 * ERROR_MAX);
    if (due->error[0] != '\0') {
        chy_buf_add_text(&detail, "{\"error\":");
        chy_buf_add_json_string(&detail, chy_text(due->error));
        chy_buf_add_u8(&detail, '}');
    }
    if (!chy_buf_ok(&detail)) {
        return chy_buf_fail(&detail, op, "the reason of a failed renewal");
    }
    struct chy_audit_event event = {
        .action = "certificate.automated-renew",
        .target_kind = "certificates",
        .target = chy_text(due->id_text),
        .outcome = outcome,
        .project_id = &due->project_id,
        .detail = chy_buf_slice(&detail),
    };
    return chy_audit_add(due->runtime, batch, &event);
}

static chy_status note_success(struct due *due, struct chy_op *op)
{
    struct chy_batch batch;
    struct chy_write *write = update(due, &batch, op);
    chy_write_set(write, CHY_CERT_RENEW_AT, chy_value_null());
    chy_write_set(write, CHY_CERT_RENEWAL_ERROR, chy_value_null());
    chy_write_set(write, CHY_CERT_RENEWAL_ATTEMPTS, chy_value_null());
    CHY_TRY(audit(due, op, &batch, CHY_AUDIT_OK));
    return commit(due, &batch);
}

/** wait_after is ever longer, but leaves time for another attempt before the end. */
static int64_t wait_after(const struct due *due, int64_t now)
{
    int64_t wait = FIRST_WAIT;
    for (int64_t i = 0; i < due->attempts && wait < LONGEST_WAIT; i++) {
        wait *= 2;
    }
    int64_t half = (due->not_after - now) / 2;
    wait = wait < LONGEST_WAIT ? wait : LONGEST_WAIT;
    wait = wait < half ? wait : half;
    return wait > FIRST_WAIT ? wait : FIRST_WAIT;
}

static chy_status note_failure(struct due *due, struct chy_op *op)
{
    struct chy_batch batch;
    struct chy_write *write = update(due, &batch, op);
    int64_t next = chy_now(op) + wait_after(due, chy_now(op));
    chy_write_guard_equals(write, CHY_CERT_RENEWED_BY_ID, chy_value_null());
    chy_write_set(write, CHY_CERT_RENEW_AT, chy_value_time(next));
    chy_write_set(write, CHY_CERT_RENEWAL_ERROR, chy_value_text(chy_text(due->error)));
    chy_write_set(write, CHY_CERT_RENEWAL_ATTEMPTS, chy_value_int(due->attempts + 1));
    CHY_TRY(audit(due, op, &batch, CHY_AUDIT_FAILED));
    return commit(due, &batch);
}

/* ------------------------------------------------------------------------------------------------
 * A run
 */

/** in_child does something in an operation of its own, whose memory goes with it. */
static chy_status in_child(struct chy_op *op, struct due *due,
                           chy_status (*work)(struct due *due, struct chy_op *op))
{
    struct chy_op *child = op->host->op_child(op);
    if (child == NULL) {
        return chy_fail_memory(op);
    }
    chy_status status = work(due, child);
    if (status != CHY_OK) {
        note_error(due, child);
    }
    op->host->op_end(child);
    return status == CHY_OK ? CHY_OK : chy_fail(op, status, 0, "%s", due->error);
}

static chy_status renew_one(struct due *due, struct chy_op *op, struct chy_renewal_counts *counts)
{
    if (in_child(op, due, renew) == CHY_OK) {
        counts->renewed++;
        return in_child(op, due, note_success);
    }
    if (chy_cancelled(op) != 0) {
        return CHY_OK; // this node is ending, or another does it
    }
    counts->failed++;
    chy_log_warning(op, "renewal.failed", "certificate %s: %s; it is tried again later",
                    due->id_text, due->error);
    // What cannot be noted of one must not keep the others waiting behind it.
    return in_child(op, due, note_failure) == CHY_OK ? CHY_OK : postpone(due, op, FIRST_WAIT);
}

static chy_status serve(struct due *due, struct chy_op *op, struct chy_renewal_counts *counts)
{
    if (due->is_over) {
        counts->retired++;
        return retire(due, op);
    }
    return due->is_held ? postpone(due, op, HOLD_WAIT) : renew_one(due, op, counts);
}

/** serve_page has the page's memory; `*out_cursor` is copied by whoever needs it longer. */
static chy_status serve_page(struct chy_runtime *runtime, struct chy_op *op,
                             struct chy_query *query, struct chy_renewal_counts *counts,
                             struct chy_storage_page *out_page)
{
    CHY_TRY(chy_query_run(query, runtime->storage, out_page));
    for (uint64_t i = 0; i < out_page->rows.count && chy_cancelled(op) == 0; i++) {
        struct due due;
        read_due(runtime, op, chy_page_row(out_page, i), &due);
        CHY_TRY(serve(&due, op, counts));
    }
    return CHY_OK;
}

chy_status chy_renewal_run(struct chy_runtime *runtime, struct chy_op *op,
                           struct chy_renewal_counts *out_counts)
{
    const int64_t now = chy_now(op);
    bool more = true;
    memset(out_counts, 0, sizeof *out_counts);
    // Whatever is served is due no more, so that each page is the first of what remains.
    while (more && chy_cancelled(op) == 0) {
        struct chy_query query;
        struct chy_storage_page page = {.struct_size = sizeof page};
        struct chy_op *page_op = op->host->op_child(op);
        if (page_op == NULL) {
            return chy_fail_memory(op);
        }
        find_due(&query, page_op, PAGE, now);
        chy_status status = serve_page(runtime, page_op, &query, out_counts, &page);
        more = page.more != 0;
        CHY_TRY(chy_op_end_child(op, page_op, status));
    }
    return CHY_OK;
}
