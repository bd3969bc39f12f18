#include "alert/fanout.h"

#include "alert/approval.h"
#include "alert/state.h"
#include "alert/telling.h"
#include "base/op.h"
#include "base/slice.h"
#include "base/time.h"
#include "enroll/alert_event.h"
#include "plugin/view.h"
#include "resource/collections.h"

#include <string.h>

/** Events that are looked at together: as many as a delivery tells of. */
#define PAGE CHY_ALERT_TOLD_MAX
/** Pages of a run, and how long no more are begun: others have work on this thread too. */
#define PAGES 50U
#define LONG_ENOUGH (2 * CHY_US_PER_SECOND)
#define ALERTS_MAX 256U
/** How often a batch is made again, when a channel moved on meanwhile. */
#define ATTEMPTS 16

/** One event with its certificate, if that is still there. */
struct event {
    struct chy_uuid id;
    struct chy_uuid project_id;
    struct chy_slice type;
    int64_t created_at;
    struct chy_uuid certificate_id;
    const struct chy_storage_row *row; /**< NULL: it was deleted */
    struct chy_slice profile_name;
    bool is_mine; /**< of the project at hand */
    bool is_left; /**< not to be deleted: it was, or the next run tells it */
    int64_t step; /**< of an approval request */
};

/** A page of them, and the project at hand. */
struct page {
    struct chy_runtime *runtime;
    struct chy_op *op;
    struct chy_alert_fanout_counts *counts;
    struct chy_alert_names names;
    struct event *events;
    uint64_t count;
    struct chy_uuid project_id;
};

static void find_events(struct chy_query *query, struct chy_op *op, uint64_t limit)
{
    chy_query_init(query, op, CHY_C_ALERT_EVENTS, chy_core_fields(CHY_C_ALERT_EVENTS), limit);
}

chy_status chy_alert_fanout_is_due(struct chy_runtime *runtime, struct chy_op *op, bool *out_is_due)
{
    struct chy_query query;
    struct chy_storage_page page;
    find_events(&query, op, 1);
    CHY_TRY(chy_query_run(&query, runtime->storage, &page));
    *out_is_due = page.rows.count != 0;
    return CHY_OK;
}

/* ------------------------------------------------------------------------------------------------
 * What is to be looked at
 */

static bool is_approval(const struct event *event)
{
    return chy_slice_is(event->type, CHY_ALERT_APPROVAL);
}

static chy_status read_certificate(struct page *page, struct event *event)
{
    struct chy_storage_row *row = chy_alloc(page->op, sizeof *row);
    if (row == NULL) {
        return chy_fail_memory(page->op);
    }
    chy_status status =
        chy_storage_read(page->runtime->storage, page->op, CHY_C_CERTIFICATES,
                         CHY_KEY(chy_value_uuid(&event->certificate_id)), chy_alert_columns(), row);
    if (status == CHY_NOT_FOUND) {
        return CHY_OK;
    }
    CHY_TRY(status);
    struct chy_uuid profile_id = chy_row_uuid(row, CHY_ALERT_COLUMN_PROFILE_ID);
    event->row = row;
    return chy_alert_name_of(page->runtime, page->op, &page->names, &profile_id,
                             &event->profile_name);
}

static chy_status read_page(struct page *page, bool *out_more)
{
    struct chy_query query;
    struct chy_storage_page found;
    int64_t oldest = chy_now(page->op) - page->runtime->alerts.give_up_after;
    find_events(&query, page->op, PAGE);
    CHY_TRY(chy_query_run(&query, page->runtime->storage, &found));
    page->events = chy_alloc(page->op, (found.rows.count + 1) * sizeof *page->events);
    if (page->events == NULL) {
        return chy_fail_memory(page->op);
    }
    memset(page->events, 0, (found.rows.count + 1) * sizeof *page->events);
    for (uint64_t i = 0; i < found.rows.count; i++) {
        const struct chy_storage_row *row = chy_page_row(&found, i);
        struct event *event = &page->events[page->count++];
        event->id = chy_row_uuid(row, CHY_EVENT_ID);
        event->project_id = chy_row_uuid(row, CHY_EVENT_PROJECT_ID);
        event->type = chy_row_text(row, CHY_EVENT_TYPE);
        event->certificate_id = chy_row_uuid(row, CHY_EVENT_CERTIFICATE_ID);
        event->created_at = chy_row_time(row, CHY_EVENT_CREATED_AT);
        event->step = chy_row_int(row, CHY_EVENT_STEP);
        if (event->created_at < oldest) {
            page->counts->stale++;
        } else if (!is_approval(event)) {
            CHY_TRY(read_certificate(page, event));
        }
    }
    page->counts->events += page->count;
    *out_more = found.more != 0;
    return CHY_OK;
}

/* ------------------------------------------------------------------------------------------------
 * One alert
 */

/** What one alert tells of a page. */
struct one {
    struct page *page;
    const struct chy_storage_row *row;
    struct chy_uuid id;
    struct chy_alert_filters filters;
    struct chy_slice told; /**< ids of events that it has told of already */
};

static bool is_told(const struct one *one, const struct chy_uuid *id)
{
    for (uint64_t at = 0; at + sizeof id->bytes <= one->told.len; at += sizeof id->bytes) {
        if (memcmp(one->told.ptr + at, id->bytes, sizeof id->bytes) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_wanted(const struct one *one, const struct event *event)
{
    if (!event->is_mine || event->row == NULL || is_told(one, &event->id) ||
        !chy_slice_equal(event->type, chy_row_text(one->row, CHY_ALERT_EVENT_TYPE))) {
        return false;
    }
    struct chy_alert_facts facts = chy_alert_facts_of(event->row);
    return chy_alert_filters_keep(&one->filters, &facts);
}

/** note_told: what it has told of, of this page; what is older is no more. */
static chy_status note_told(struct one *one, const bool *tells, struct chy_slice *out_told)
{
    const struct page *page = one->page;
    struct chy_buf told;
    chy_buf_init(&told, page->op, PAGE * sizeof(struct chy_uuid));
    for (uint64_t i = 0; i < page->count; i++) {
        const struct chy_uuid *id = &page->events[i].id;
        if (tells[i] || is_told(one, id)) {
            chy_buf_add(&told, chy_slice_of(id->bytes, sizeof id->bytes));
        }
    }
    *out_told = chy_buf_slice(&told);
    return chy_buf_ok(&told) ? CHY_OK : chy_buf_fail(&told, page->op, "the events of an alert");
}

/** gather adds wanted events until no more fits; `tells` says which those are. */
static chy_status gather(struct one *one, struct chy_alert_telling *telling, bool *tells)
{
    struct page *page = one->page;
    for (uint64_t i = 0; i < page->count && !chy_alert_telling_is_full(telling); i++) {
        const struct event *event = &page->events[i];
        if (is_wanted(one, event)) {
            if (telling->count == 0) {
                telling->time = event->created_at;
            }
            CHY_TRY(chy_alert_telling_add(telling, event->row, event->profile_name));
            tells[i] = true;
        }
    }
    return CHY_OK;
}

static chy_status commit(struct one *one, struct chy_alert_telling *telling, struct chy_slice told)
{
    struct page *page = one->page;
    chy_status status = CHY_CONFLICT;
    for (int i = 0; i < ATTEMPTS && status == CHY_CONFLICT; i++) {
        struct chy_batch batch;
        struct chy_alert_channels channels;
        telling->overflowed = 0;
        CHY_TRY(chy_alert_channels_read(page->runtime, page->op, &one->id, &channels));
        chy_batch_init(&batch, page->op, 0);
        CHY_TRY(chy_alert_telling_write(telling, &batch, &channels));
        struct chy_write *write =
            chy_batch_update(&batch, CHY_C_ALERT_STATES, CHY_KEY(chy_value_uuid(&one->id)));
        chy_write_set(write, CHY_ALERT_STATE_TOLD, chy_value_blob(told));
        status = chy_batch_commit(&batch, page->runtime->storage, NULL);
    }
    page->counts->overflowed += status == CHY_OK ? telling->overflowed : 0;
    return status;
}

/** is_gone tells whether somebody deleted the alert meanwhile. */
static bool is_gone(const struct one *one)
{
    struct chy_storage_row row;
    return chy_storage_read(one->page->runtime->storage, one->page->op, CHY_C_ALERTS,
                            CHY_KEY(chy_value_uuid(&one->id)), CHY_NO_FIELDS,
                            &row) == CHY_NOT_FOUND;
}

static chy_status tell_once(struct one *one, bool *out_again)
{
    struct page *page = one->page;
    struct chy_alert_telling telling;
    struct chy_slice told;
    bool tells[PAGE] = {false};
    *out_again = false;
    CHY_TRY(
        chy_alert_telling_begin(&telling, page->runtime, page->op, one->row, chy_now(page->op)));
    CHY_TRY(gather(one, &telling, tells));
    if (telling.count == 0) {
        return CHY_OK;
    }
    CHY_TRY(note_told(one, tells, &told));
    chy_status status = commit(one, &telling, told);
    if (status == CHY_CONFLICT && is_gone(one)) {
        return CHY_OK;
    }
    CHY_TRY(status);
    page->counts->deliveries++;
    one->told = told;
    *out_again = chy_alert_telling_is_full(&telling);
    return CHY_OK;
}

static chy_status tell(struct page *page, const struct chy_storage_row *row)
{
    struct one one = {.page = page, .row = row, .id = chy_row_uuid(row, CHY_ALERT_ID)};
    struct chy_storage_row state;
    json_t *json;
    bool again = true;
    chy_status status = chy_storage_read(page->runtime->storage, page->op, CHY_C_ALERT_STATES,
                                         CHY_KEY(chy_value_uuid(&one.id)),
                                         CHY_FIELDS(CHY_ALERT_STATE_TOLD), &state);
    if (status == CHY_NOT_FOUND) {
        return CHY_OK; // deleted in this moment
    }
    CHY_TRY(status);
    one.told = chy_row_blob(&state, 0);
    CHY_TRY(chy_json_parse(page->op, chy_row_json(row, CHY_ALERT_FILTERS), &json));
    CHY_TRY(chy_alert_filters_read(page->op, json, &one.filters));
    CHY_TRY(chy_alert_filters_resolve(page->runtime, page->op, &page->project_id, &one.filters));
    while (again) {
        CHY_TRY(tell_once(&one, &again));
    }
    return CHY_OK;
}

/* ------------------------------------------------------------------------------------------------
 * One project, one page, a run
 */

static bool wants_any(const struct page *page, const struct chy_storage_row *row)
{
    bool wants = false;
    for (uint64_t i = 0; i < page->count && chy_row_bool(row, CHY_ALERT_ENABLED); i++) {
        wants = wants ||
                (page->events[i].is_mine &&
                 chy_slice_equal(page->events[i].type, chy_row_text(row, CHY_ALERT_EVENT_TYPE)));
    }
    return wants;
}

/** tell_all goes on with the next alert when one cannot be served: what is wrong with it is shown
 *  as its last run. */
static chy_status tell_all(struct page *page)
{
    struct chy_query query;
    struct chy_storage_page alerts;
    chy_query_init(&query, page->op, CHY_C_ALERTS, chy_core_fields(CHY_C_ALERTS), ALERTS_MAX);
    chy_query_eq(&query, CHY_ALERT_PROJECT_ID, chy_value_uuid(&page->project_id));
    CHY_TRY(chy_query_run(&query, page->runtime->storage, &alerts));
    for (uint64_t i = 0; i < alerts.rows.count; i++) {
        const struct chy_storage_row *row = chy_page_row(&alerts, i);
        struct chy_uuid id = chy_row_uuid(row, CHY_ALERT_ID);
        chy_status status = wants_any(page, row) ? tell(page, row) : CHY_OK;
        if (status == CHY_BAD_INPUT || status == CHY_BROKEN) {
            CHY_TRY(chy_alert_state_failed(page->runtime, page->op, &id));
        } else {
            CHY_TRY(status);
        }
    }
    return CHY_OK;
}

/** next_project chooses the project of the oldest event that is not yet `done`. */
static bool next_project(struct page *page, bool *done)
{
    bool found = false;
    for (uint64_t i = 0; i < page->count; i++) {
        struct event *event = &page->events[i];
        if (!found && !done[i]) {
            found = true;
            page->project_id = event->project_id;
        }
        event->is_mine = found && chy_uuid_compare(&event->project_id, &page->project_id) == 0;
        done[i] = done[i] || event->is_mine;
    }
    return found;
}

static chy_status delete_events(struct page *page)
{
    struct chy_batch batch;
    chy_batch_init(&batch, page->op, 0);
    for (uint64_t i = 0; i < page->count; i++) {
        if (!page->events[i].is_left) {
            (void)chy_batch_delete(&batch, CHY_C_ALERT_EVENTS,
                                   CHY_KEY(chy_value_uuid(&page->events[i].id)));
        }
    }
    return batch.count == 0 ? CHY_OK : chy_batch_commit(&batch, page->runtime->storage, NULL);
}

/** tell_approver works one off, in an operation of its own: rights of many are looked at. */
static chy_status tell_approver(struct page *page, struct event *event)
{
    struct chy_alert_approval approval = {.event_id = event->id,
                                          .approval_id = event->certificate_id,
                                          .step = event->step,
                                          .time = event->created_at};
    struct chy_op *child = page->op->host->op_child(page->op);
    if (child == NULL) {
        return chy_fail_memory(page->op);
    }
    chy_status status = chy_alert_approval_tell(page->runtime, child, &approval);
    event->is_left = status == CHY_OK;
    if (status == CHY_BAD_INPUT || status == CHY_BROKEN) { // the next ones want to be told of
        char error[CHY_ALERT_ERROR_SIZE];
        (void)chy_alert_error(child, error);
        chy_log_warning(child, "approval.not-told", "nobody is told of an approval request: %s",
                        error);
        status = CHY_OK;
    }
    return chy_op_end_child(page->op, child, status);
}

/** tell_approvers works off events that no alert is of. */
static chy_status tell_approvers(struct page *page)
{
    int64_t oldest = chy_now(page->op) - page->runtime->alerts.give_up_after;
    int64_t end = chy_monotonic(page->op) + LONG_ENOUGH;
    for (uint64_t i = 0; i < page->count; i++) {
        struct event *event = &page->events[i];
        if (!is_approval(event) || event->created_at < oldest) {
            continue;
        }
        if (chy_monotonic(page->op) > end) {
            event->is_left = true;
        } else {
            CHY_TRY(tell_approver(page, event));
        }
    }
    return CHY_OK;
}

static chy_status serve_page(struct chy_runtime *runtime, struct chy_op *op,
                             struct chy_alert_fanout_counts *counts, bool *out_more)
{
    struct page page = {.runtime = runtime, .op = op, .counts = counts};
    bool done[PAGE] = {false};
    CHY_TRY(read_page(&page, out_more));
    CHY_TRY(tell_approvers(&page));
    while (next_project(&page, done)) {
        CHY_TRY(tell_all(&page));
    }
    return delete_events(&page);
}

/** in_child serves a page in an operation of its own, whose memory goes with it. */
static chy_status in_child(struct chy_runtime *runtime, struct chy_op *op,
                           struct chy_alert_fanout_counts *counts, bool *out_more)
{
    struct chy_op *child = op->host->op_child(op);
    if (child == NULL) {
        return chy_fail_memory(op);
    }
    return chy_op_end_child(op, child, serve_page(runtime, child, counts, out_more));
}

chy_status chy_alert_fanout_run(struct chy_runtime *runtime, struct chy_op *op,
                                struct chy_alert_fanout_counts *out_counts)
{
    bool more = true;
    int64_t end = chy_monotonic(op) + LONG_ENOUGH;
    memset(out_counts, 0, sizeof *out_counts);
    for (uint32_t i = 0; i < PAGES && more && chy_cancelled(op) == 0; i++) {
        if (chy_monotonic(op) > end) {
            return CHY_OK;
        }
        CHY_TRY(in_child(runtime, op, out_counts, &more));
    }
    return CHY_OK;
}
