#include "enroll/certificate_delete.h"

#include "base/buf.h"
#include "base/slice.h"
#include "enroll/certificate_row.h"
#include "enroll/serials.h"
#include "enroll/statistics.h"
#include "resource/collections.h"

/** A line of renewals around the one that is deleted. */
struct line {
    struct chy_call *call;
    struct chy_batch *batch;
    const struct chy_storage_row *row;
    struct chy_uuid before; /**< nil: none */
    struct chy_uuid after;
    struct chy_uuid root; /**< nil: the deleted one is the first */
};

static chy_status read(const struct line *line, const struct chy_uuid *id,
                       struct chy_storage_row *out_row, bool *out_there)
{
    *out_there = false;
    if (chy_uuid_is_nil(id)) {
        return CHY_OK;
    }
    chy_status status =
        chy_storage_read(line->call->runtime->storage, line->call->op, CHY_C_CERTIFICATES,
                         CHY_KEY(chy_value_uuid(id)), chy_core_fields(CHY_C_CERTIFICATES), out_row);
    *out_there = status == CHY_OK;
    return status == CHY_NOT_FOUND ? CHY_OK : status;
}

static struct chy_write *update(const struct line *line, const struct chy_uuid *id,
                                const struct chy_storage_row *row)
{
    struct chy_write *write =
        chy_batch_update(line->batch, CHY_C_CERTIFICATES, CHY_KEY(chy_value_uuid(id)));
    chy_write_guard_revision(write, row->revision);
    return write;
}

/** free_before makes the one before renewable again, by hand and automatically. */
static chy_status free_before(const struct line *line, const struct chy_storage_row *row,
                              struct chy_write *write)
{
    struct chy_counted before = chy_counted_of_row(row);
    struct chy_counted after = before;
    if (!chy_row_is_null(row, CHY_CERT_RENEW_BEFORE)) {
        chy_write_set(write, CHY_CERT_RENEW_AT,
                      chy_value_time(chy_row_time(row, CHY_CERT_NOT_AFTER) -
                                     chy_row_int(row, CHY_CERT_RENEW_BEFORE)));
    }
    after.renewed = false;
    return chy_statistics_count(line->call->runtime, line->batch, &before, &after);
}

static bool points_here(const struct line *line, const struct chy_storage_row *root)
{
    struct chy_uuid latest = chy_row_uuid(root, CHY_CERT_LATEST_RENEWAL_ID);
    return chy_uuid_compare(&latest, &line->call->id) == 0;
}

static chy_status link_before(const struct line *line)
{
    struct chy_storage_row row;
    bool there;
    CHY_TRY(read(line, &line->before, &row, &there));
    if (!there) {
        return CHY_OK;
    }
    struct chy_write *write = update(line, &line->before, &row);
    chy_write_set(write, CHY_CERT_RENEWED_BY_ID, chy_value_uuid_or_null(&line->after));
    if (chy_uuid_compare(&line->root, &line->before) == 0 && points_here(line, &row)) {
        chy_write_set(write, CHY_CERT_LATEST_RENEWAL_ID, chy_value_null()); // it is alone again
    }
    return chy_uuid_is_nil(&line->after) ? free_before(line, &row, write) : CHY_OK;
}

static chy_status link_after(const struct line *line)
{
    struct chy_storage_row row;
    bool there;
    CHY_TRY(read(line, &line->after, &row, &there));
    if (!there) {
        return CHY_OK;
    }
    struct chy_write *write = update(line, &line->after, &row);
    chy_write_set(write, CHY_CERT_RENEWED_FROM_ID, chy_value_uuid_or_null(&line->before));
    if (chy_uuid_is_nil(&line->root)) { // the next one is the first now
        struct chy_uuid latest = chy_row_uuid(line->row, CHY_CERT_LATEST_RENEWAL_ID);
        bool is_latest = chy_uuid_compare(&latest, &line->after) == 0;
        struct chy_uuid *kept = chy_alloc(line->call->op, sizeof *kept); // the batch borrows it
        if (kept == NULL) {
            return chy_fail_memory(line->call->op);
        }
        *kept = latest;
        chy_write_set(write, CHY_CERT_RENEWAL_ROOT_ID, chy_value_null());
        chy_write_set(write, CHY_CERT_LATEST_RENEWAL_ID,
                      is_latest ? chy_value_null() : chy_value_uuid_or_null(kept));
    }
    return CHY_OK;
}

/** link_root lets the first one point to the one before, if the newest goes. */
static chy_status link_root(const struct line *line)
{
    struct chy_storage_row row;
    bool there;
    bool is_before = chy_uuid_compare(&line->root, &line->before) == 0;
    if (is_before) {
        return CHY_OK; // link_before() did
    }
    CHY_TRY(read(line, &line->root, &row, &there));
    if (there && points_here(line, &row)) {
        chy_write_set(update(line, &line->root, &row), CHY_CERT_LATEST_RENEWAL_ID,
                      chy_value_uuid_or_null(&line->before));
    }
    return CHY_OK;
}

/** leave_register lets an imported certificate be imported again. */
static chy_status leave_register(struct chy_call *call, const struct chy_storage_row *row,
                                 struct chy_batch *batch)
{
    struct chy_uuid *signer = chy_alloc(call->op, sizeof *signer); // the batch borrows it
    if (signer == NULL) {
        return chy_fail_memory(call->op);
    }
    *signer = chy_certificate_import_id(chy_row_blob(row, CHY_CERT_FINGERPRINT_SHA256));
    if (chy_slice_is(chy_row_text(row, CHY_CERT_SOURCE), CHY_SOURCE_IMPORTED)) {
        struct chy_serial_entry entry = {.number = chy_row_text(row, CHY_CERT_SERIAL),
                                         .project_id = &call->project_id,
                                         .signer = signer};
        chy_serial_leave(batch, &entry);
    }
    return CHY_OK;
}

chy_status chy_certificate_before_delete(struct chy_call *call, const struct chy_storage_row *row,
                                         struct chy_batch *batch)
{
    struct chy_counted counted = chy_counted_of_row(row);
    struct chy_buf detail;
    struct line *line = chy_alloc(call->op, sizeof *line); // the batch borrows its ids
    if (line == NULL) {
        return chy_fail_memory(call->op);
    }
    *line = (struct line){.call = call,
                          .batch = batch,
                          .row = row,
                          .before = chy_row_uuid(row, CHY_CERT_RENEWED_FROM_ID),
                          .after = chy_row_uuid(row, CHY_CERT_RENEWED_BY_ID),
                          .root = chy_row_uuid(row, CHY_CERT_RENEWAL_ROOT_ID)};
    CHY_TRY(link_before(line));
    CHY_TRY(link_after(line));
    CHY_TRY(link_root(line));
    CHY_TRY(leave_register(call, row, batch));
    chy_buf_init(&detail, call->op, 256);
    chy_buf_add_text(&detail, "{\"serialNumber\":");
    chy_buf_add_json_string(&detail, chy_row_text(row, CHY_CERT_SERIAL));
    chy_buf_add_u8(&detail, '}');
    call->audit_detail = chy_buf_slice(&detail);
    if (!chy_buf_ok(&detail)) {
        return chy_buf_fail(&detail, call->op, "the audit row");
    }
    return chy_statistics_count(call->runtime, batch, &counted, NULL);
}
