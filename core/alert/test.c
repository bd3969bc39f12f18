#include "alert/test.h"

#include "alert/delivery.h"
#include "alert/telling.h"
#include "base/lock.h"
#include "base/slice.h"
#include "base/time.h"
#include "resource/collections.h"

#include <stdlib.h>

#define TYPE "test"
/** What all tries of one request may take: it has an answer to give. */
#define TOGETHER (20 * CHY_US_PER_SECOND)

/* ------------------------------------------------------------------------------------------------
 * How often
 */

#define PROJECTS 256U
#define TESTS_A_MINUTE 10U
/** Tests under way, of all projects: a receiver that hangs holds a worker meanwhile. */
#define AT_ONCE 16U

/** One project's last minute. */
struct minute {
    struct chy_uuid project_id;
    int64_t began; /**< monotonic; 0: nobody's */
    uint32_t count;
};

struct chy_alert_tests {
    struct chy_mutex lock; /**< guards what follows */
    struct minute minutes[PROJECTS];
    uint32_t running;
};

struct chy_alert_tests *chy_alert_tests_new(void)
{
    struct chy_alert_tests *tests = calloc(1, sizeof *tests);
    if (tests != NULL) {
        chy_mutex_init(&tests->lock);
    }
    return tests;
}

void chy_alert_tests_free(struct chy_alert_tests *tests)
{
    if (tests != NULL) {
        chy_mutex_fini(&tests->lock);
        free(tests);
    }
}

/** slot_locked finds the project's minute, or takes the one that began longest ago. */
static struct minute *slot_locked(struct chy_alert_tests *tests, const struct chy_uuid *project_id)
{
    struct minute *oldest = &tests->minutes[0];
    for (size_t i = 0; i < PROJECTS; i++) {
        struct minute *slot = &tests->minutes[i];
        if (slot->began != 0 && chy_uuid_compare(&slot->project_id, project_id) == 0) {
            return slot;
        }
        oldest = slot->began < oldest->began ? slot : oldest;
    }
    memset(oldest, 0, sizeof *oldest);
    oldest->project_id = *project_id;
    return oldest;
}

static chy_status refuse(struct chy_call *call, int64_t wait, const char *message)
{
    const struct chy_error error = {.struct_size = sizeof error,
                                    .status = CHY_TRY_LATER,
                                    .reason = CHY_REASON_RATE,
                                    .retry_after_s = (uint32_t)wait,
                                    .message = chy_text(message)};
    return call->op->host->fail_with(call->op, &error);
}

/** begin takes `count` of the project's tests, and is followed by end(). */
static chy_status begin(struct chy_call *call, uint32_t count)
{
    struct chy_alert_tests *tests = call->runtime->alert_tests;
    int64_t now = chy_monotonic(call->op);
    chy_mutex_lock(&tests->lock);
    struct minute *slot = slot_locked(tests, &call->project_id);
    if (slot->began == 0 || now - slot->began >= CHY_US_PER_MINUTE) {
        slot->began = now;
        slot->count = 0;
    }
    bool is_busy = tests->running >= AT_ONCE;
    bool is_often = slot->count + count > TESTS_A_MINUTE;
    if (!is_busy && !is_often) {
        slot->count += count;
        tests->running++;
    }
    int64_t wait = (slot->began + CHY_US_PER_MINUTE - now) / CHY_US_PER_SECOND + 1;
    chy_mutex_unlock(&tests->lock);
    if (is_often) {
        return refuse(call, wait,
                      "a project may send 10 tests a minute, one for each channel: wait before the "
                      "next one");
    }
    return is_busy ? refuse(call, 10, "too many tests are under way: try again") : CHY_OK;
}

static void end(const struct chy_call *call)
{
    struct chy_alert_tests *tests = call->runtime->alert_tests;
    chy_mutex_lock(&tests->lock);
    tests->running--;
    chy_mutex_unlock(&tests->lock);
}

/* ------------------------------------------------------------------------------------------------
 * One
 */

/** send words the test in the name of an alert's row, and sends it. */
static chy_status send(struct chy_call *call, const struct chy_storage_row *alert,
                       const struct chy_alert_ready *ready, char error[CHY_ALERT_ERROR_SIZE])
{
    struct chy_alert_telling telling;
    struct chy_alert_message message;
    struct chy_notification notification = {.attempt = 1};
    struct chy_delivery delivery;
    struct chy_uuid id;
    CHY_TRY(chy_alert_telling_begin(&telling, call->runtime, call->op, alert, chy_now(call->op)));
    CHY_TRY(chy_alert_message_make(&telling, TYPE, &message));
    CHY_TRY(chy_runtime_new_uuid(call->runtime, call->op, &id));
    CHY_TRY(chy_uuid_text(call->op, &id, &notification.id));
    CHY_TRY(chy_json_write(call->op, message.data, &notification.data));
    notification.type = message.type;
    notification.source = message.source;
    notification.subject = message.subject;
    notification.time = telling.time;
    notification.title = message.title;
    notification.text = message.text;
    chy_status status = chy_alert_send(call->op, ready, &notification, &delivery, error);
    return status == CHY_NO_MEMORY ? chy_fail_memory(call->op) : CHY_OK; // the text says the rest
}

static bool set_result(json_t *object, const char *error)
{
    return chy_json_set_bool(object, "success", error[0] == '\0') &&
           (error[0] == '\0' || chy_json_set_text(object, "error", chy_text(error)));
}

/* ------------------------------------------------------------------------------------------------
 * Of an alert
 */

static chy_status test_channel(struct chy_call *call, const struct chy_storage_row *alert,
                               const struct chy_storage_row *channel,
                               char error[CHY_ALERT_ERROR_SIZE])
{
    struct chy_alert_ready ready;
    if (chy_alert_channel_ready(call->runtime, call->op, channel, &ready) != CHY_OK) {
        (void)chy_alert_error(call->op, error);
        return CHY_OK;
    }
    return send(call, alert, &ready, error);
}

static bool is_chosen(const struct chy_call *call, const struct chy_storage_row *channel)
{
    struct chy_uuid wanted;
    struct chy_uuid id = chy_row_uuid(channel, CHY_CHANNEL_ID);
    return !chy_call_uuid(call, "channelId", &wanted) || chy_uuid_compare(&wanted, &id) == 0;
}

static chy_status test_chosen(struct chy_call *call, const struct chy_storage_row *alert,
                              const struct chy_alert_channels *channels, json_t *list,
                              char first_error[CHY_ALERT_ERROR_SIZE])
{
    int64_t end = chy_monotonic(call->op) + TOGETHER;
    for (uint32_t i = 0; i < channels->count; i++) {
        const struct chy_storage_row *channel = channels->rows[i];
        struct chy_uuid id = chy_row_uuid(channel, CHY_CHANNEL_ID);
        char error[CHY_ALERT_ERROR_SIZE] = "not tried: the others took too long";
        if (!is_chosen(call, channel)) {
            continue;
        }
        if (chy_monotonic(call->op) < end) {
            CHY_TRY(test_channel(call, alert, channel, error));
        }
        json_t *object = json_object();
        bool fine =
            json_array_append_new(list, object) == 0 &&
            chy_json_set_uuid(object, "channelId", &id) &&
            chy_json_set_text(object, "channelType", chy_row_text(channel, CHY_CHANNEL_TYPE)) &&
            set_result(object, error);
        if (!fine) {
            return chy_fail_memory(call->op);
        }
        if (first_error[0] == '\0') {
            memcpy(first_error, error, CHY_ALERT_ERROR_SIZE);
        }
    }
    return CHY_OK;
}

/** audit is durable before anything leaves. */
static chy_status audit(struct chy_call *call, const char *action)
{
    struct chy_batch batch;
    bool of_alert = !chy_uuid_is_nil(&call->id);
    struct chy_audit_event event = {.action = action,
                                    .target_kind = of_alert ? "alerts" : "projects",
                                    .outcome = CHY_AUDIT_OK,
                                    .project_id = &call->project_id};
    chy_batch_init(&batch, call->op, 0);
    CHY_TRY(chy_uuid_text(call->op, of_alert ? &call->id : &call->project_id, &event.target));
    return chy_call_commit_event(call, &batch, &event);
}

chy_status chy_alert_test(struct chy_call *call)
{
    struct chy_storage_row alert;
    struct chy_alert_channels channels;
    char error[CHY_ALERT_ERROR_SIZE] = "";
    json_t *list = chy_json_array(call->op);
    CHY_TRY(chy_call_row(call, &call->id, &alert));
    CHY_TRY(chy_alert_channels_read(call->runtime, call->op, &call->id, &channels));
    uint32_t chosen = 0;
    for (uint32_t i = 0; i < channels.count; i++) {
        chosen += is_chosen(call, channels.rows[i]) ? 1 : 0;
    }
    if (chosen == 0) {
        return chy_not_found(call->op, "alert channel");
    }
    CHY_TRY(begin(call, chosen));
    chy_status status = audit(call, "alert.test");
    if (status == CHY_OK) {
        status = test_chosen(call, &alert, &channels, list, error);
    }
    end(call);
    CHY_TRY(status);
    call->answer = chy_json_object(call->op);
    bool fine = call->answer != NULL && set_result(call->answer, error) &&
                json_object_set(call->answer, "channels", list) == 0;
    return fine ? CHY_OK : chy_fail_memory(call->op);
}

/* ------------------------------------------------------------------------------------------------
 * Of none
 */

/** no_alert makes the row of an alert that there is not, for its words. */
static chy_status no_alert(struct chy_call *call, struct chy_storage_row *out_row)
{
    struct chy_value *values = chy_alloc(call->op, CHY_ALERT_FIELDS * sizeof *values);
    if (values == NULL) {
        return chy_fail_memory(call->op);
    }
    memset(values, 0, CHY_ALERT_FIELDS * sizeof *values);
    memset(out_row, 0, sizeof *out_row);
    CHY_TRY(chy_runtime_new_uuid(call->runtime, call->op, &call->id));
    values[CHY_ALERT_ID] = chy_value_uuid(&call->id);
    values[CHY_ALERT_PROJECT_ID] = chy_value_uuid(&call->project_id);
    values[CHY_ALERT_NAME] = chy_value_text(chy_text("test"));
    values[CHY_ALERT_EVENT_TYPE] = chy_value_text(chy_text(TYPE));
    out_row->values = chy_view_of(values, CHY_ALERT_FIELDS, sizeof *values);
    return CHY_OK;
}

chy_status chy_alert_test_webhook(struct chy_call *call)
{
    struct chy_alert_ready ready;
    struct chy_storage_row alert;
    char error[CHY_ALERT_ERROR_SIZE] = "";
    CHY_TRY(chy_call_project(call));
    CHY_TRY(chy_alert_channel_try(call->runtime, call->op, chy_text("webhook"), "", call->document,
                                  &ready));
    CHY_TRY(begin(call, 1));
    chy_status status = audit(call, "alert.test-webhook");
    if (status == CHY_OK) {
        status = no_alert(call, &alert);
    }
    if (status == CHY_OK) {
        status = send(call, &alert, &ready, error);
    }
    end(call);
    CHY_TRY(status);
    call->answer = chy_json_object(call->op);
    return call->answer != NULL && set_result(call->answer, error) ? CHY_OK
                                                                   : chy_fail_memory(call->op);
}
