#include "alert/expiry.h"

#include "alert/alert.h"
#include "alert/state.h"
#include "alert/telling.h"
#include "base/op.h"
#include "base/time.h"
#include "enroll/alert_event.h"
#include "resource/collections.h"

/** Certificates of a page, rows that are examined for it, pages of a run. */
#define PAGE CHY_ALERT_TOLD_MAX
#define SCAN 2000U
#define PAGES 200U
#define ATTEMPTS 16

/** A certificate is stored a while after the time that it says it was made at, by another node's
 *  clock perhaps: what is younger than this is left to the next run. */
#define SETTLED (2 * CHY_US_PER_MINUTE)

/** No alert waits longer to look: a time beyond was made by a clock that has gone back since. */
#define FURTHEST (CHY_US_PER_DAY + CHY_US_PER_HOUR)

enum phase {
    PHASE_ENDS = 0,
    PHASE_MADE
};

int64_t chy_alert_expiry_period(int64_t before)
{
    int64_t period = before / 7;
    return period < CHY_US_PER_HOUR  ? CHY_US_PER_HOUR
           : period > CHY_US_PER_DAY ? CHY_US_PER_DAY
                                     : period;
}

/* ------------------------------------------------------------------------------------------------
 * An alert comes, and changes
 */

static void start_walk(struct chy_write *write, int64_t now)
{
    chy_write_set(write, CHY_ALERT_STATE_WATERMARK, chy_value_time(now));
    chy_write_set(write, CHY_ALERT_STATE_SEEN, chy_value_time(now - SETTLED));
}

static void end_walk(struct chy_write *write)
{
    chy_write_set(write, CHY_ALERT_STATE_HORIZON, chy_value_null());
    chy_write_set(write, CHY_ALERT_STATE_UNTIL, chy_value_null());
    chy_write_set(write, CHY_ALERT_STATE_PHASE, chy_value_null());
    chy_write_set(write, CHY_ALERT_STATE_CURSOR, chy_value_null());
}

void chy_alert_expiry_begin(struct chy_call *call, struct chy_batch *batch, int64_t before)
{
    int64_t now = chy_now(call->op);
    struct chy_write *write =
        chy_batch_insert(batch, CHY_C_ALERT_STATES, CHY_KEY(chy_value_uuid(&call->id)));
    const json_t *enabled = json_object_get(call->document, "enabled");
    chy_write_set(write, CHY_ALERT_STATE_PROJECT_ID, chy_value_uuid(&call->project_id));
    if (before != 0) {
        start_walk(write, now);
    }
    if (before != 0 && !json_is_false(enabled)) {
        chy_write_set(write, CHY_ALERT_STATE_DUE_AT, chy_value_time(now));
    }
}

chy_status chy_alert_expiry_change(struct chy_call *call, struct chy_batch *batch,
                                   const struct chy_alert_expiry_change *change)
{
    int64_t now = chy_now(call->op);
    struct chy_storage_row row;
    bool looks = change->before != 0 && change->enabled;
    CHY_TRY(chy_storage_read(call->runtime->storage, call->op, CHY_C_ALERT_STATES,
                             CHY_KEY(chy_value_uuid(&call->id)),
                             CHY_FIELDS(CHY_ALERT_STATE_WATERMARK), &row));
    struct chy_write *write =
        chy_batch_update(batch, CHY_C_ALERT_STATES, CHY_KEY(chy_value_uuid(&call->id)));
    // Not the row's revision: tries of deliveries are noted in it all the time.
    chy_write_guard_equals(write, CHY_ALERT_STATE_WATERMARK, *chy_row_value(&row, 0));
    chy_write_set(write, CHY_ALERT_STATE_DUE_AT, looks ? chy_value_time(now) : chy_value_null());
    if (change->before != 0 && (change->restarts || chy_row_is_null(&row, 0))) {
        start_walk(write, now);
        end_walk(write);
    } else if (change->before != 0 && change->moves) {
        int64_t horizon = now + change->before;
        int64_t watermark = chy_row_time(&row, 0);
        chy_write_set(write, CHY_ALERT_STATE_WATERMARK,
                      chy_value_time(watermark < horizon ? watermark : horizon));
        end_walk(write);
    }
    return CHY_OK;
}

/* ------------------------------------------------------------------------------------------------
 * One walk
 */

/** An alert that looks, and where it stands. */
struct look {
    struct chy_runtime *runtime;
    struct chy_op *op;
    struct chy_alert_expiry_counts *counts;
    struct chy_alert_names names;
    const struct chy_storage_row *alert;
    struct chy_storage_row state;
    struct chy_uuid id;
    struct chy_uuid project_id;
    struct chy_alert_filters filters;
    int64_t before;
    int64_t now;
    int64_t watermark;
    int64_t seen;
    int64_t horizon;
    int64_t until;
    enum phase phase;
    struct chy_slice cursor;
};

static chy_status read_state(struct look *l)
{
    return chy_storage_read(l->runtime->storage, l->op, CHY_C_ALERT_STATES,
                            CHY_KEY(chy_value_uuid(&l->id)), chy_core_fields(CHY_C_ALERT_STATES),
                            &l->state);
}

/** stand reads where the walk is; a new one goes to now + alertBefore. */
static void stand(struct look *l)
{
    const struct chy_storage_row *state = &l->state;
    bool under_way = !chy_row_is_null(state, CHY_ALERT_STATE_HORIZON);
    l->now = chy_now(l->op);
    l->watermark = chy_row_time(state, CHY_ALERT_STATE_WATERMARK);
    l->seen = chy_row_time(state, CHY_ALERT_STATE_SEEN);
    l->horizon = under_way ? chy_row_time(state, CHY_ALERT_STATE_HORIZON) : l->now + l->before;
    l->until = under_way ? chy_row_time(state, CHY_ALERT_STATE_UNTIL) : l->now - SETTLED;
    if (!under_way && l->seen > l->now) { // a clock that went back: what is made from now on counts
        l->seen = l->until;
    }
    if (!under_way && l->until < l->seen) {
        l->until = l->seen;
    }
    if (!under_way && l->horizon < l->watermark) {
        l->horizon = l->watermark;
    }
    l->phase = under_way && chy_row_int(state, CHY_ALERT_STATE_PHASE) == PHASE_MADE ? PHASE_MADE
                                                                                    : PHASE_ENDS;
    l->cursor = under_way ? chy_row_blob(state, CHY_ALERT_STATE_CURSOR) : chy_slice_of(NULL, 0);
}

/**
 * find makes the query of the walk's next page.  ENDS: what ends between watermark and horizon.
 * MADE: what was made since the last run and ends before the watermark.  What is over already is
 * left out: after a long time off nobody wants to hear of it.
 */
static void find(struct look *l, struct chy_query *query)
{
    chy_query_init(query, l->op, CHY_C_CERTIFICATES, chy_alert_columns(), PAGE);
    query->find.scan_limit = SCAN;
    chy_query_eq(query, CHY_CERT_PROJECT_ID, chy_value_uuid(&l->project_id));
    if (l->phase == PHASE_ENDS) {
        chy_query_range(query, CHY_CERT_NOT_AFTER, chy_value_time(l->watermark),
                        chy_value_time(l->horizon));
        chy_query_order(query, CHY_CERT_NOT_AFTER, false);
    } else {
        chy_query_range(query, CHY_CERT_CREATED_AT, chy_value_time(l->seen),
                        chy_value_time(l->until));
        chy_query_range(query, CHY_CERT_NOT_AFTER, chy_value_null(), chy_value_time(l->watermark));
        chy_query_order(query, CHY_CERT_CREATED_AT, false);
    }
    query->find.cursor = l->cursor;
}

/** is_told_here: what was made since `until` belongs to the next run. */
static bool is_told_here(const struct look *l, const struct chy_storage_row *row)
{
    struct chy_alert_facts facts = chy_alert_facts_of(row);
    return chy_alert_ends(row, l->now) &&
           chy_row_time(row, CHY_ALERT_COLUMN_CREATED_AT) < l->until &&
           chy_alert_filters_keep(&l->filters, &facts);
}

/** gather tells of the page's certificates; `*out_used`: of so many of its rows, as no more fit. */
static chy_status gather(struct look *l, const struct chy_storage_page *page,
                         struct chy_alert_telling *telling, uint64_t *out_used)
{
    uint64_t i = 0;
    CHY_TRY(chy_alert_telling_begin(telling, l->runtime, l->op, l->alert, l->now));
    for (; i < page->rows.count && !chy_alert_telling_is_full(telling); i++) {
        const struct chy_storage_row *row = chy_page_row(page, i);
        struct chy_uuid profile_id = chy_row_uuid(row, CHY_ALERT_COLUMN_PROFILE_ID);
        struct chy_slice name;
        if (is_told_here(l, row)) {
            CHY_TRY(chy_alert_name_of(l->runtime, l->op, &l->names, &profile_id, &name));
            CHY_TRY(chy_alert_telling_add(telling, row, name));
        }
    }
    *out_used = i;
    return CHY_OK;
}

/** read_page reads the next page.  A cursor of another backend, before a restore, is of no use:
 *  the walk begins anew. */
static chy_status read_page(struct look *l, uint64_t limit, struct chy_storage_page *page)
{
    struct chy_query query;
    find(l, &query);
    query.find.limit = limit;
    chy_status status = chy_query_run(&query, l->runtime->storage, page);
    if (status != CHY_BAD_INPUT || l->cursor.len == 0) {
        return status;
    }
    l->cursor = chy_slice_of(NULL, 0);
    find(l, &query);
    query.find.limit = limit;
    return chy_query_run(&query, l->runtime->storage, page);
}

static chy_status gather_page(struct look *l, struct chy_storage_page *page,
                              struct chy_alert_telling *telling)
{
    uint64_t used = 0;
    CHY_TRY(read_page(l, PAGE, page));
    CHY_TRY(gather(l, page, telling, &used));
    if (used < page->rows.count) { // too far: read as much of it as was used
        CHY_TRY(read_page(l, used, page));
        CHY_TRY(gather(l, page, telling, &used));
    }
    l->counts->looked_at += used;
    return CHY_OK;
}

/* ------------------------------------------------------------------------------------------------
 * What is kept of it
 */

/** is_last: after ENDS comes MADE, unless nothing was made since the last run. */
static bool is_last(const struct look *l, const struct chy_storage_page *page)
{
    return page->more == 0 && (l->phase == PHASE_MADE || l->seen >= l->until);
}

static void finish(struct look *l, struct chy_write *write)
{
    chy_write_set(write, CHY_ALERT_STATE_WATERMARK, chy_value_time(l->horizon));
    chy_write_set(write, CHY_ALERT_STATE_SEEN, chy_value_time(l->until));
    chy_write_set(write, CHY_ALERT_STATE_DUE_AT,
                  chy_value_time(l->now + chy_alert_expiry_period(l->before)));
    end_walk(write);
}

/** go_on: behind all others that are due. */
static void go_on(struct look *l, struct chy_write *write, const struct chy_storage_page *page)
{
    bool next_phase = page->more == 0;
    chy_write_set(write, CHY_ALERT_STATE_DUE_AT, chy_value_time(l->now));
    chy_write_set(write, CHY_ALERT_STATE_HORIZON, chy_value_time(l->horizon));
    chy_write_set(write, CHY_ALERT_STATE_UNTIL, chy_value_time(l->until));
    chy_write_set(write, CHY_ALERT_STATE_PHASE, chy_value_int(next_phase ? PHASE_MADE : l->phase));
    chy_write_set(write, CHY_ALERT_STATE_CURSOR,
                  next_phase ? chy_value_null() : chy_value_blob_or_null(page->cursor));
}

static void set_state(struct look *l, struct chy_batch *batch, const struct chy_storage_page *page,
                      bool tells)
{
    bool last = is_last(l, page);
    struct chy_write *write =
        last && !tells
            ? chy_alert_state_note(batch, &l->id, chy_slice_of(NULL, 0))
            : chy_batch_update(batch, CHY_C_ALERT_STATES, CHY_KEY(chy_value_uuid(&l->id)));
    chy_write_guard_revision(write, l->state.revision);
    if (last) {
        finish(l, write);
    } else {
        go_on(l, write, page);
    }
}

static bool is_equal(const struct chy_storage_row *a, const struct chy_storage_row *b,
                     uint32_t field)
{
    const struct chy_value *first = chy_row_value(a, field);
    const struct chy_value *second = chy_row_value(b, field);
    return first->type == second->type && first->number == second->number &&
           chy_slice_equal(first->bytes, second->bytes);
}

/** is_unmoved reads the state again: tries of deliveries are noted there too, but where the walk
 *  stands changes only with the alert.  false: begin anew, or the alert is no more. */
static bool is_unmoved(struct look *l)
{
    static const uint32_t fields[] = {CHY_ALERT_STATE_WATERMARK, CHY_ALERT_STATE_SEEN,
                                      CHY_ALERT_STATE_HORIZON, CHY_ALERT_STATE_PHASE,
                                      CHY_ALERT_STATE_CURSOR};
    struct chy_storage_row before = l->state;
    if (read_state(l) != CHY_OK || chy_row_is_null(&l->state, CHY_ALERT_STATE_DUE_AT)) {
        return false;
    }
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        if (!is_equal(&before, &l->state, fields[i])) {
            return false;
        }
    }
    return true;
}

static chy_status commit(struct look *l, struct chy_alert_telling *telling,
                         const struct chy_storage_page *page)
{
    chy_status status = CHY_CONFLICT;
    for (int i = 0; i < ATTEMPTS && status == CHY_CONFLICT; i++) {
        struct chy_batch batch;
        struct chy_alert_channels channels;
        telling->overflowed = 0;
        if (i != 0 && !is_unmoved(l)) {
            return CHY_OK;
        }
        CHY_TRY(chy_alert_channels_read(l->runtime, l->op, &l->id, &channels));
        chy_batch_init(&batch, l->op, 0);
        CHY_TRY(chy_alert_telling_write(telling, &batch, &channels));
        set_state(l, &batch, page, telling->count != 0);
        status = chy_batch_commit(&batch, l->runtime->storage, NULL);
    }
    if (status == CHY_OK) {
        l->counts->told += telling->count;
        l->counts->overflowed += telling->overflowed;
    }
    return status;
}

/* ------------------------------------------------------------------------------------------------
 * A run
 */

/** put_off: nothing is to be looked for, or not now; `at` 0: until the alert changes. */
static chy_status put_off(struct look *l, int64_t at)
{
    struct chy_batch batch;
    chy_batch_init(&batch, l->op, 0);
    struct chy_write *write =
        chy_batch_update(&batch, CHY_C_ALERT_STATES, CHY_KEY(chy_value_uuid(&l->id)));
    chy_write_set(write, CHY_ALERT_STATE_DUE_AT, at == 0 ? chy_value_null() : chy_value_time(at));
    chy_status status = chy_batch_commit(&batch, l->runtime->storage, NULL);
    return status == CHY_CONFLICT ? CHY_OK : status;
}

static chy_status look_on(struct look *l)
{
    struct chy_alert_telling telling;
    struct chy_storage_page page;
    json_t *json;
    CHY_TRY(chy_json_parse(l->op, chy_row_json(l->alert, CHY_ALERT_FILTERS), &json));
    CHY_TRY(chy_alert_filters_read(l->op, json, &l->filters));
    CHY_TRY(chy_alert_filters_resolve(l->runtime, l->op, &l->project_id, &l->filters));
    stand(l);
    CHY_TRY(gather_page(l, &page, &telling));
    return commit(l, &telling, &page);
}

/** serve looks at one page for the alert that has waited longest. */
static chy_status serve(struct look *l)
{
    struct chy_storage_row alert;
    CHY_TRY(read_state(l));
    chy_status status =
        chy_storage_read(l->runtime->storage, l->op, CHY_C_ALERTS, CHY_KEY(chy_value_uuid(&l->id)),
                         chy_core_fields(CHY_C_ALERTS), &alert);
    if (status != CHY_OK && status != CHY_NOT_FOUND) {
        return status;
    }
    if (status == CHY_NOT_FOUND || !chy_row_bool(&alert, CHY_ALERT_ENABLED) ||
        !chy_alert_before_parse(chy_row_text(&alert, CHY_ALERT_BEFORE), &l->before)) {
        return put_off(l, 0);
    }
    l->alert = &alert;
    l->project_id = chy_row_uuid(&alert, CHY_ALERT_PROJECT_ID);
    status = look_on(l);
    if (status == CHY_BAD_INPUT || status == CHY_BROKEN) {
        CHY_TRY(chy_alert_state_failed(l->runtime, l->op, &l->id));
        return put_off(l, chy_now(l->op) + CHY_US_PER_HOUR);
    }
    return status == CHY_NOT_FOUND ? CHY_OK : status;
}

static chy_status in_child(struct chy_runtime *runtime, struct chy_op *op,
                           const struct chy_uuid *id, struct chy_alert_expiry_counts *counts)
{
    struct chy_op *child = op->host->op_child(op);
    struct look l = {.runtime = runtime, .op = child, .counts = counts, .id = *id};
    if (child == NULL) {
        return chy_fail_memory(op);
    }
    return chy_op_end_child(op, child, serve(&l));
}

static chy_status find_due(struct chy_runtime *runtime, struct chy_op *op, bool *out_is_due,
                           struct chy_uuid *out_id)
{
    int64_t now = chy_now(op);
    *out_is_due = false;
    for (int beyond = 0; beyond < 2 && !*out_is_due; beyond++) {
        struct chy_query query;
        struct chy_storage_page page;
        chy_query_init(&query, op, CHY_C_ALERT_STATES, CHY_FIELDS(CHY_ALERT_STATE_ALERT_ID), 1);
        chy_query_range(&query, CHY_ALERT_STATE_DUE_AT,
                        beyond ? chy_value_time(now + FURTHEST) : chy_value_null(),
                        beyond ? chy_value_null() : chy_value_time(now + 1));
        chy_query_order(&query, CHY_ALERT_STATE_DUE_AT, false);
        CHY_TRY(chy_query_run(&query, runtime->storage, &page));
        *out_is_due = page.rows.count != 0;
        if (*out_is_due) {
            *out_id = chy_row_uuid(chy_page_row(&page, 0), 0);
        }
    }
    return CHY_OK;
}

chy_status chy_alert_expiry_is_due(struct chy_runtime *runtime, struct chy_op *op, bool *out_is_due)
{
    struct chy_uuid id;
    return find_due(runtime, op, out_is_due, &id);
}

chy_status chy_alert_expiry_run(struct chy_runtime *runtime, struct chy_op *op,
                                struct chy_alert_expiry_counts *out_counts)
{
    bool is_due = true;
    memset(out_counts, 0, sizeof *out_counts);
    for (uint32_t i = 0; i < PAGES && chy_cancelled(op) == 0; i++) {
        struct chy_uuid id = {{0}};
        CHY_TRY(find_due(runtime, op, &is_due, &id));
        if (!is_due) {
            return CHY_OK;
        }
        CHY_TRY(in_child(runtime, op, &id, out_counts));
    }
    return CHY_OK;
}
