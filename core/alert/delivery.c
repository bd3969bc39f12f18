#include "alert/delivery.h"

#include "alert/approval.h"
#include "alert/telling.h"
#include "base/metrics.h"
#include "base/op.h"
#include "base/slice.h"
#include "base/time.h"
#include "plugin/notifier.h"
#include "resource/collections.h"

#define FIRST_WAIT (10 * CHY_US_PER_SECOND)
#define LONGEST_WAIT CHY_US_PER_HOUR
#define LONGEST_ASKED CHY_US_PER_DAY
/** Nothing is put off further: a time beyond was made by a clock that has gone back since. */
#define FURTHEST (LONGEST_ASKED + CHY_US_PER_HOUR)
#define ATTEMPTS 16

/** Projects and channels of each that have a turn in one run, and rows that are read for that. */
#define PROJECTS_MAX 256U
#define CHANNELS_MAX 16U
#define PAGES_MAX 20U

/* ------------------------------------------------------------------------------------------------
 * One try
 */

int64_t chy_alert_back_off(int64_t attempts, uint32_t noise)
{
    int64_t wait = FIRST_WAIT;
    for (int64_t i = 1; i < attempts && wait < LONGEST_WAIT; i++) {
        wait *= 2;
    }
    wait = wait < LONGEST_WAIT ? wait : LONGEST_WAIT;
    return wait - wait / 5 + (int64_t)(noise % 1000) * (2 * wait / 5) / 1000;
}

chy_status chy_alert_send(struct chy_op *op, const struct chy_alert_ready *ready,
                          struct chy_notification *notification, struct chy_delivery *out_delivery,
                          char out_error[CHY_ALERT_ERROR_SIZE])
{
    struct chy_op *child = op->host->op_child(op);
    if (child == NULL) {
        return chy_fail_memory(op);
    }
    int64_t deadline = chy_monotonic(child) + CHY_ALERT_TRY;
    if (deadline < chy_deadline(child)) {
        chy_operation_of(child)->deadline = deadline;
    }
    memset(out_delivery, 0, sizeof *out_delivery);
    out_delivery->struct_size = sizeof *out_delivery;
    notification->struct_size = sizeof *notification;
    notification->channel_type = ready->type;
    notification->values = ready->values;
    chy_status status = chy_notifier_deliver(ready->notifier, child, notification, out_delivery);
    out_error[0] = '\0';
    if (status != CHY_OK) {
        (void)chy_alert_error(child, out_error);
    }
    op->host->op_end(child);
    return status;
}

/** The first of a channel's line, and what became of it. */
struct turn {
    struct chy_runtime *runtime;
    struct chy_op *op;
    struct chy_alert_delivery_counts *counts;
    struct chy_uuid channel_id;
    struct chy_uuid alert_id;
    struct chy_uuid id;
    struct chy_storage_row channel;
    struct chy_storage_row row;
    int64_t sequence;
    int64_t attempts;
    bool was_tried;
    bool is_over; /**< it is through, or given up */
    bool is_delivered;
    struct chy_delivery delivery;
    char error[CHY_ALERT_ERROR_SIZE];
};

static chy_status read_channel(struct turn *t)
{
    return chy_storage_read(t->runtime->storage, t->op, CHY_C_ALERT_CHANNELS,
                            CHY_KEY(chy_value_uuid(&t->channel_id)),
                            chy_core_fields(CHY_C_ALERT_CHANNELS), &t->channel);
}

static chy_status read_delivery(struct turn *t, int64_t sequence, struct chy_storage_row *out_row)
{
    return chy_storage_read(t->runtime->storage, t->op, CHY_C_ALERT_DELIVERIES,
                            CHY_KEY(chy_value_uuid(&t->channel_id), chy_value_int(sequence)),
                            chy_core_fields(CHY_C_ALERT_DELIVERIES), out_row);
}

/** is_of_person tells whether it is a mail to one who approves, and of no alert. */
static bool is_of_person(const struct turn *t)
{
    return chy_row_int(&t->channel, CHY_CHANNEL_POSITION) == CHY_CHANNEL_OF_PERSON;
}

static uint32_t noise_of(const struct turn *t)
{
    const uint8_t *bytes = t->id.bytes + 10; // random ones, of a version 7
    return ((uint32_t)bytes[0] << 16 | (uint32_t)bytes[1] << 8 | bytes[2]) +
           (uint32_t)t->attempts * 7919U;
}

static int64_t wait_after(const struct turn *t)
{
    int64_t wait = chy_alert_back_off(t->attempts, noise_of(t));
    int64_t asked =
        t->delivery.retry_after < LONGEST_ASKED ? t->delivery.retry_after : LONGEST_ASKED;
    return asked > wait ? asked : wait;
}

static chy_status deliver(struct turn *t)
{
    struct chy_alert_ready ready;
    char id[CHY_UUID_TEXT_SIZE];
    chy_uuid_format(&t->id, id);
    struct chy_notification notification = {
        .attempt = (uint32_t)t->attempts,
        .id = chy_text(id),
        .type = chy_row_text(&t->row, CHY_DELIVERY_TYPE),
        .source = chy_row_text(&t->row, CHY_DELIVERY_SOURCE),
        .subject = chy_row_text(&t->row, CHY_DELIVERY_SUBJECT),
        .time = chy_row_time(&t->row, CHY_DELIVERY_TIME),
        .data = chy_row_json(&t->row, CHY_DELIVERY_DATA),
        .title = chy_row_text(&t->row, CHY_DELIVERY_TITLE),
        .text = chy_row_text(&t->row, CHY_DELIVERY_TEXT),
    };
    chy_status status = is_of_person(t)
                            ? chy_alert_approval_ready(t->runtime, t->op, &t->row, &ready)
                            : chy_alert_channel_ready(t->runtime, t->op, &t->channel, &ready);
    if (status != CHY_OK) { // a notifier that is not loaded may come back, a right does not
        (void)chy_alert_error(t->op, t->error);
        return is_of_person(t) && status == CHY_DENIED ? CHY_BAD_INPUT : CHY_TRY_LATER;
    }
    return chy_alert_send(t->op, &ready, &notification, &t->delivery, t->error);
}

/** give_up says why, and what the last try came to. */
static void give_up(struct turn *t, const char *why)
{
    char last[CHY_ALERT_ERROR_SIZE];
    (void)snprintf(last, sizeof last, "%s", t->error);
    if (last[0] == '\0') {
        (void)snprintf(t->error, sizeof t->error, "given up: %.200s", why);
    } else {
        (void)snprintf(t->error, sizeof t->error, "given up: %.60s; %.160s", why, last);
    }
    t->is_over = true;
}

static bool is_enabled(struct turn *t)
{
    struct chy_storage_row row;
    if (is_of_person(t)) {
        return true;
    }
    chy_status status = chy_storage_read(t->runtime->storage, t->op, CHY_C_ALERTS,
                                         CHY_KEY(chy_value_uuid(&t->alert_id)),
                                         CHY_FIELDS(CHY_ALERT_ENABLED), &row);
    return chy_row_bool(&t->channel, CHY_CHANNEL_ENABLED) &&
           (status != CHY_OK || chy_row_bool(&row, 0));
}

/** attempt tries it, unless its time is over. */
static void attempt(struct turn *t)
{
    int64_t age = chy_now(t->op) - chy_row_time(&t->row, CHY_DELIVERY_CREATED_AT);
    struct chy_slice last = chy_row_text(&t->row, CHY_DELIVERY_LAST_ERROR);
    t->attempts = chy_row_int(&t->row, CHY_DELIVERY_ATTEMPTS);
    (void)snprintf(t->error, sizeof t->error, "%.*s", (int)last.len,
                   last.len == 0 ? "" : (const char *)last.ptr);
    if (!is_enabled(t)) {
        give_up(t, "the alert or its channel was disabled");
        return;
    }
    if (age > t->runtime->alerts.give_up_after) {
        give_up(t, "it has waited too long");
        return;
    }
    t->attempts++;
    t->was_tried = true;
    chy_status status = deliver(t);
    t->is_delivered = status == CHY_OK;
    t->is_over = t->is_delivered;
    if (status == CHY_BAD_INPUT) {
        char why[CHY_ALERT_ERROR_SIZE];
        (void)snprintf(why, sizeof why, "%.200s", t->error);
        t->error[0] = '\0';
        give_up(t, why);
    }
}

/* ------------------------------------------------------------------------------------------------
 * What became of it
 */

static void write_delivery(struct turn *t, struct chy_batch *batch, int64_t next_at)
{
    int64_t now = chy_now(t->op);
    struct chy_write *write =
        chy_batch_update(batch, CHY_C_ALERT_DELIVERIES,
                         CHY_KEY(chy_value_uuid(&t->channel_id), chy_value_int(t->sequence)));
    const char *status = t->is_delivered ? "delivered" : t->is_over ? "failed" : "pending";
    chy_write_set(write, CHY_DELIVERY_STATUS, chy_value_text(chy_text(status)));
    chy_write_set(write, CHY_DELIVERY_ATTEMPTS, chy_value_int(t->attempts));
    chy_write_set(write, CHY_DELIVERY_NEXT_AT,
                  t->is_over ? chy_value_null() : chy_value_time(next_at));
    chy_write_set(write, CHY_DELIVERY_LAST_ERROR,
                  chy_value_text_or_null(chy_text(t->is_delivered ? "" : t->error)));
    if (t->was_tried) {
        chy_write_set(write, CHY_DELIVERY_RESPONSE_CODE,
                      t->delivery.response_code == 0 ? chy_value_null()
                                                     : chy_value_int(t->delivery.response_code));
    }
    if (t->is_over) {
        chy_alert_telling_drop(write);
        chy_write_set(write, CHY_DELIVERY_EXPIRES_AT, chy_value_time(now + CHY_ALERT_KEPT));
    }
    chy_write_set(write, CHY_DELIVERY_UPDATED_AT, chy_value_time(now));
}

static void drop_channel(struct turn *t, struct chy_batch *batch)
{
    chy_write_guard_revision(
        chy_batch_delete(batch, CHY_C_ALERT_CHANNELS, CHY_KEY(chy_value_uuid(&t->channel_id))),
        t->channel.revision);
}

/** write_channel lets the next one come, or this one again at `next_at`. */
static chy_status write_channel(struct turn *t, struct chy_batch *batch, int64_t next_at)
{
    if (is_of_person(t) && t->is_over) {
        drop_channel(t, batch);
        return CHY_OK;
    }
    struct chy_write *write =
        chy_batch_update(batch, CHY_C_ALERT_CHANNELS, CHY_KEY(chy_value_uuid(&t->channel_id)));
    struct chy_storage_row next;
    chy_write_guard_revision(write, t->channel.revision);
    chy_write_set(write, CHY_CHANNEL_ATTEMPTS, chy_value_int(t->is_over ? 0 : t->attempts));
    if (!t->is_over) {
        chy_write_set(write, CHY_CHANNEL_NEXT_AT, chy_value_time(next_at));
        return CHY_OK;
    }
    bool waits = chy_row_int(&t->channel, CHY_CHANNEL_ISSUED) > t->sequence;
    int64_t since = chy_now(t->op);
    if (waits && read_delivery(t, t->sequence + 1, &next) == CHY_OK) {
        since = chy_row_time(&next, CHY_DELIVERY_CREATED_AT);
    }
    chy_write_set(write, CHY_CHANNEL_DONE, chy_value_int(t->sequence));
    chy_write_set(write, CHY_CHANNEL_NEXT_AT,
                  waits ? chy_value_time(chy_now(t->op)) : chy_value_null());
    chy_write_set(write, CHY_CHANNEL_WAITING_SINCE,
                  waits ? chy_value_time(since) : chy_value_null());
    return CHY_OK;
}

/** commit writes it, unless the line moved on without us: as it was full, or the alert is gone. */
static chy_status commit(struct turn *t)
{
    int64_t next_at = chy_now(t->op) + wait_after(t);
    chy_status status = CHY_CONFLICT;
    for (int i = 0; i < ATTEMPTS && status == CHY_CONFLICT; i++) {
        struct chy_batch batch;
        if (i != 0) {
            status = read_channel(t);
            if (status == CHY_NOT_FOUND ||
                (status == CHY_OK &&
                 chy_row_int(&t->channel, CHY_CHANNEL_DONE) != t->sequence - 1)) {
                return CHY_OK;
            }
            CHY_TRY(status);
        }
        chy_batch_init(&batch, t->op, 0);
        write_delivery(t, &batch, next_at);
        CHY_TRY(write_channel(t, &batch, next_at));
        if (!is_of_person(t)) {
            (void)chy_alert_state_note(&batch, &t->alert_id,
                                       chy_text(t->is_delivered ? "" : t->error));
        }
        status = chy_batch_commit(&batch, t->runtime->storage, NULL);
    }
    return status;
}

static void count(struct turn *t)
{
    char label[160];
    struct chy_slice type = chy_row_text(&t->channel, CHY_CHANNEL_TYPE);
    const char *result = t->is_delivered ? "delivered" : t->is_over ? "given_up" : "failed";
    (void)snprintf(label, sizeof label, "result=\"%s\",channel=\"%.*s\"", result, (int)type.len,
                   type.len == 0 ? "" : (const char *)type.ptr);
    chy_metrics_count(chy_metrics_process(), chy_text("alert_deliveries"), chy_text(label), 1);
    t->counts->delivered += t->is_delivered ? 1 : 0;
    t->counts->failed += t->is_over ? 0 : 1;
    t->counts->given_up += t->is_over && !t->is_delivered ? 1 : 0;
    if (!t->is_delivered) {
        char alert[CHY_UUID_TEXT_SIZE];
        char channel[CHY_UUID_TEXT_SIZE];
        chy_uuid_format(&t->alert_id, alert);
        chy_uuid_format(&t->channel_id, channel);
        chy_log_warning(t->op, t->is_over ? "alert.given-up" : "alert.not-delivered",
                        "%s %s, %.*s channel %s, delivery %lld, attempt %lld: %s",
                        is_of_person(t) ? "approval request" : "alert", alert, (int)type.len,
                        type.len == 0 ? "" : (const char *)type.ptr, channel,
                        (long long)t->sequence, (long long)t->attempts, t->error);
    }
}

/** skip goes on behind what is not there: rows that were lost with a backup. */
static chy_status skip(struct turn *t)
{
    struct chy_query query;
    struct chy_storage_page page;
    struct chy_batch batch;
    int64_t issued = chy_row_int(&t->channel, CHY_CHANNEL_ISSUED);
    int64_t done = issued;
    chy_query_init(&query, t->op, CHY_C_ALERT_DELIVERIES, CHY_FIELDS(CHY_DELIVERY_SEQUENCE), 1);
    chy_query_eq(&query, CHY_DELIVERY_CHANNEL_ID, chy_value_uuid(&t->channel_id));
    chy_query_range(&query, CHY_DELIVERY_SEQUENCE, chy_value_int(t->sequence), chy_value_null());
    chy_query_order(&query, CHY_DELIVERY_SEQUENCE, false);
    CHY_TRY(chy_query_run(&query, t->runtime->storage, &page));
    if (page.rows.count != 0) {
        done = chy_row_int(chy_page_row(&page, 0), 0) - 1;
    }
    chy_batch_init(&batch, t->op, 0);
    if (is_of_person(t)) {
        drop_channel(t, &batch);
    } else {
        struct chy_write *write =
            chy_batch_update(&batch, CHY_C_ALERT_CHANNELS, CHY_KEY(chy_value_uuid(&t->channel_id)));
        chy_write_guard_revision(write, t->channel.revision);
        chy_write_set(write, CHY_CHANNEL_DONE, chy_value_int(done));
        chy_write_set(write, CHY_CHANNEL_NEXT_AT,
                      done < issued ? chy_value_time(chy_now(t->op)) : chy_value_null());
    }
    chy_status status = chy_batch_commit(&batch, t->runtime->storage, NULL);
    return status == CHY_CONFLICT ? CHY_OK : status;
}

/** take one from the channel's line.  `*out_on`: it went well, and the next may follow. */
static chy_status take(struct turn *t, bool *out_on)
{
    *out_on = false;
    chy_status status = read_channel(t);
    if (status == CHY_NOT_FOUND) {
        return CHY_OK; // its alert was deleted
    }
    CHY_TRY(status);
    int64_t wait = chy_row_time(&t->channel, CHY_CHANNEL_NEXT_AT) - chy_now(t->op);
    if (chy_row_is_null(&t->channel, CHY_CHANNEL_NEXT_AT) || (wait > 0 && wait <= FURTHEST)) {
        return CHY_OK;
    }
    t->alert_id = chy_row_uuid(&t->channel, CHY_CHANNEL_ALERT_ID);
    t->sequence = chy_row_int(&t->channel, CHY_CHANNEL_DONE) + 1;
    status = read_delivery(t, t->sequence, &t->row);
    if (status == CHY_NOT_FOUND) {
        return skip(t);
    }
    CHY_TRY(status);
    t->id = chy_row_uuid(&t->row, CHY_DELIVERY_ID);
    t->alert_id = chy_row_uuid(&t->row, CHY_DELIVERY_ALERT_ID);
    attempt(t);
    if (t->was_tried && !t->is_over && chy_cancelled(t->op) != 0) {
        return CHY_OK; // this node is ending, which says nothing of the receiver
    }
    CHY_TRY(commit(t));
    count(t);
    *out_on = t->is_over;
    return CHY_OK;
}

static chy_status in_child(struct chy_runtime *runtime, struct chy_op *op,
                           const struct chy_uuid *channel_id,
                           struct chy_alert_delivery_counts *counts, bool *out_on)
{
    struct chy_op *child = op->host->op_child(op);
    struct turn *t = child == NULL ? NULL : chy_alloc(child, sizeof *t);
    if (t == NULL) {
        op->host->op_end(child);
        return chy_fail_memory(op);
    }
    memset(t, 0, sizeof *t);
    t->runtime = runtime;
    t->op = child;
    t->counts = counts;
    t->channel_id = *channel_id;
    return chy_op_end_child(op, child, take(t, out_on));
}

/* ------------------------------------------------------------------------------------------------
 * Turns
 */

/** A project whose turn comes, with the channels that have waited longest. */
struct project {
    struct chy_uuid id;
    struct chy_uuid channels[CHANNELS_MAX];
    uint32_t count;
};

/** find_due makes the query of channels that are due; `beyond`: those whose time is none. */
static void find_due(struct chy_query *query, struct chy_op *op, uint64_t limit, bool beyond)
{
    static const uint32_t fields[] = {CHY_CHANNEL_ID, CHY_CHANNEL_PROJECT_ID};
    chy_query_init(query, op, CHY_C_ALERT_CHANNELS, chy_view_of(fields, 2, sizeof fields[0]),
                   limit);
    int64_t now = chy_now(op);
    chy_query_range(query, CHY_CHANNEL_NEXT_AT,
                    beyond ? chy_value_time(now + FURTHEST + 1) : chy_value_null(),
                    beyond ? chy_value_null() : chy_value_time(now + 1));
    chy_query_order(query, CHY_CHANNEL_NEXT_AT, false);
}

chy_status chy_alert_delivery_is_due(struct chy_runtime *runtime, struct chy_op *op,
                                     bool *out_is_due)
{
    struct chy_query query;
    struct chy_storage_page page;
    *out_is_due = false;
    for (int beyond = 0; beyond < 2 && !*out_is_due; beyond++) {
        find_due(&query, op, 1, beyond != 0);
        CHY_TRY(chy_query_run(&query, runtime->storage, &page));
        *out_is_due = page.rows.count != 0;
    }
    return CHY_OK;
}

static void enter(struct project *projects, uint32_t *count, const struct chy_storage_row *row)
{
    struct chy_uuid id = chy_row_uuid(row, 1);
    uint32_t i = 0;
    while (i < *count && chy_uuid_compare(&projects[i].id, &id) != 0) {
        i++;
    }
    if (i == *count && *count < PROJECTS_MAX) {
        projects[i].id = id;
        projects[i].count = 0;
        *count += 1;
    }
    if (i < *count && projects[i].count < CHANNELS_MAX) {
        projects[i].channels[projects[i].count++] = chy_row_uuid(row, 0);
    }
}

static chy_status add_projects(struct chy_runtime *runtime, struct chy_op *op, bool beyond,
                               struct project *projects, uint32_t *count)
{
    struct chy_slice cursor = {NULL, 0};
    bool more = true;
    for (uint32_t page_number = 0; page_number < PAGES_MAX && more; page_number++) {
        struct chy_query query;
        struct chy_storage_page page;
        find_due(&query, op, CHY_STORAGE_PAGE_MAX, beyond);
        query.find.cursor = cursor;
        CHY_TRY(chy_query_run(&query, runtime->storage, &page));
        for (uint64_t i = 0; i < page.rows.count; i++) {
            enter(projects, count, chy_page_row(&page, i));
        }
        cursor = page.cursor;
        more = page.more != 0;
    }
    return CHY_OK;
}

/** serve gives one project its turn: one try, and more as long as half the time is not over that a
 *  try may take.  One that hangs ends the turn. */
static chy_status serve(struct chy_runtime *runtime, struct chy_op *op,
                        const struct project *project, struct chy_alert_delivery_counts *counts)
{
    int64_t end = chy_monotonic(op) + CHY_ALERT_TRY / 2;
    for (uint32_t i = 0; i < project->count; i++) {
        bool on = true;
        while (on && chy_cancelled(op) == 0 && (i == 0 || chy_monotonic(op) < end)) {
            CHY_TRY(in_child(runtime, op, &project->channels[i], counts, &on));
            on = on && chy_monotonic(op) < end;
        }
    }
    return CHY_OK;
}

chy_status chy_alert_delivery_run(struct chy_runtime *runtime, struct chy_op *op,
                                  struct chy_alert_delivery_counts *out_counts)
{
    struct project *projects = chy_alloc(op, PROJECTS_MAX * sizeof *projects);
    uint32_t count = 0;
    memset(out_counts, 0, sizeof *out_counts);
    if (projects == NULL) {
        return chy_fail_memory(op);
    }
    CHY_TRY(add_projects(runtime, op, false, projects, &count));
    CHY_TRY(add_projects(runtime, op, true, projects, &count));
    for (uint32_t i = 0; i < count && chy_cancelled(op) == 0; i++) {
        CHY_TRY(serve(runtime, op, &projects[i], out_counts));
    }
    return CHY_OK;
}

/* ------------------------------------------------------------------------------------------------
 * Measured, and cleaned up
 */

chy_status chy_alert_measure(struct chy_runtime *runtime, struct chy_op *op)
{
    struct chy_slice cursor = {NULL, 0};
    struct chy_metrics *metrics = chy_metrics_process();
    int64_t waiting = 0;
    int64_t oldest = chy_now(op);
    bool more = true;
    for (uint32_t page_number = 0; page_number < PAGES_MAX && more; page_number++) {
        struct chy_query query;
        struct chy_storage_page page;
        chy_query_init(&query, op, CHY_C_ALERT_CHANNELS,
                       CHY_FIELDS(CHY_CHANNEL_ISSUED, CHY_CHANNEL_DONE, CHY_CHANNEL_WAITING_SINCE),
                       CHY_STORAGE_PAGE_MAX);
        chy_query_not_null(&query, CHY_CHANNEL_NEXT_AT);
        chy_query_order(&query, CHY_CHANNEL_NEXT_AT, false);
        query.find.cursor = cursor;
        CHY_TRY(chy_query_run(&query, runtime->storage, &page));
        for (uint64_t i = 0; i < page.rows.count; i++) {
            const struct chy_storage_row *row = chy_page_row(&page, i);
            int64_t since = chy_row_is_null(row, 2) ? oldest : chy_row_time(row, 2);
            waiting += chy_row_int(row, 0) - chy_row_int(row, 1);
            oldest = since < oldest ? since : oldest;
        }
        cursor = page.cursor;
        more = page.more != 0;
    }
    chy_metrics_gauge(metrics, chy_text("alert_deliveries_waiting"), chy_text(""), waiting);
    chy_metrics_gauge(metrics, chy_text("alert_oldest_waiting_seconds"), chy_text(""),
                      waiting == 0 ? 0 : (chy_now(op) - oldest) / CHY_US_PER_SECOND);
    return CHY_OK;
}

chy_status chy_alert_clean(struct chy_runtime *runtime, struct chy_op *op)
{
    bool more = true;
    while (more && chy_cancelled(op) == 0) {
        struct chy_query query;
        struct chy_batch batch;
        struct chy_storage_outcome outcome = {.struct_size = sizeof outcome};
        chy_query_init(&query, op, CHY_C_ALERT_DELIVERIES, CHY_NO_FIELDS,
                       CHY_STORAGE_DELETE_RANGE_MAX);
        chy_query_range(&query, CHY_DELIVERY_EXPIRES_AT, chy_value_null(),
                        chy_value_time(chy_now(op)));
        chy_batch_init(&batch, op, 0);
        (void)chy_batch_delete_range(&batch, &query, CHY_STORAGE_DELETE_RANGE_MAX);
        CHY_TRY(chy_batch_commit(&batch, runtime->storage, &outcome));
        const struct chy_write_result *result = chy_view_at(outcome.results, 0);
        more = result != NULL && result->number >= (int64_t)CHY_STORAGE_DELETE_RANGE_MAX;
    }
    return CHY_OK;
}
