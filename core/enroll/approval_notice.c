#include "enroll/approval_notice.h"

#include "access/identity.h"
#include "base/slice.h"
#include "enroll/alert_event.h"
#include "enroll/approval_vote.h"
#include "plugin/notifier.h"
#include "resource/collections.h"
#include "resource/option_config.h"

/** Of those who were told, how many are shown. */
#define SHOWN_MAX 100U

/* ------------------------------------------------------------------------------------------------
 * A step that opens
 */

static bool wants(const json_t *step)
{
    return json_is_true(json_object_get(step, "notifyApprovers"));
}

bool chy_approval_notice_wanted(const json_t *steps)
{
    bool wanted = false;
    for (size_t i = 0; i < json_array_size(steps); i++) {
        wanted = wanted || wants(json_array_get(steps, i));
    }
    return wanted;
}

chy_status chy_approval_notice_add(struct chy_runtime *runtime, struct chy_batch *batch,
                                   const struct chy_uuid *project_id,
                                   const struct chy_uuid *approval_id, const json_t *steps,
                                   int64_t number)
{
    return number >= 0 && wants(json_array_get(steps, (size_t)number))
               ? chy_alert_event_add_approval(runtime, batch, project_id, approval_id, number)
               : CHY_OK;
}

/* ------------------------------------------------------------------------------------------------
 * Is there mail?
 */

static chy_status try_mail(struct chy_notifier *notifier, const struct chy_channel_type *type,
                           struct chy_op *op)
{
    struct chy_view values;
    json_t *given = chy_json_object(op);
    json_t *config;
    bool fine;
    if (given == NULL || json_object_set_new(given, CHY_APPROVAL_RECIPIENTS,
                                             json_pack("[s]", "a@example.com")) != 0) {
        return chy_fail_memory(op);
    }
    CHY_TRY(chy_option_config_take(op, type->options, "", given, NULL, &config, &fine));
    if (!fine) {
        return chy_shape_refuse(op);
    }
    CHY_TRY(chy_option_config_values(op, type->options, config, &values));
    return chy_notifier_check(notifier, op, type->name, values);
}

bool chy_approval_mail_works(struct chy_runtime *runtime, struct chy_op *op)
{
    struct chy_slice name = chy_text(CHY_APPROVAL_CHANNEL);
    struct chy_notifier *notifier = chy_services_with_channel(runtime->services, name);
    struct chy_op *child = notifier == NULL ? NULL : op->host->op_child(op);
    if (child == NULL) {
        return false;
    }
    bool works = try_mail(notifier, chy_notifier_type(notifier, name), child) == CHY_OK;
    op->host->op_end(child);
    return works;
}

/* ------------------------------------------------------------------------------------------------
 * Whom it waits for
 */

chy_status chy_approval_wait_read(struct chy_runtime *runtime, struct chy_op *op,
                                  const struct chy_uuid *id, struct chy_approval_wait *out_wait)
{
    json_t *steps;
    struct chy_approval_wait wait = {.runtime = runtime, .op = op, .step = -1};
    CHY_TRY(chy_storage_read(runtime->storage, op, CHY_C_APPROVAL_REQUESTS,
                             CHY_KEY(chy_value_uuid(id)), chy_core_fields(CHY_C_APPROVAL_REQUESTS),
                             &wait.row));
    CHY_TRY(chy_json_parse(op, chy_row_json(&wait.row, CHY_APPROVAL_STEPS), &steps));
    CHY_TRY(chy_json_parse(op, chy_row_json(&wait.row, CHY_APPROVAL_VOTES), &wait.votes));
    CHY_TRY(chy_approval_lapsed(runtime, op, &wait.row, wait.votes, &wait.lapsed));
    CHY_TRY(chy_approval_facts(runtime, op, &wait.row, &wait.owner_id, &wait.facts));
    bool over = !chy_row_is_null(&wait.row, CHY_APPROVAL_EXPIRES_AT) &&
                chy_now(op) >= chy_row_time(&wait.row, CHY_APPROVAL_EXPIRES_AT);
    if (!over && chy_slice_is(chy_row_text(&wait.row, CHY_APPROVAL_STATUS), "open")) {
        int64_t last = (int64_t)json_array_size(steps) - 1;
        int64_t step = chy_approval_reached(steps, wait.votes, wait.lapsed);
        wait.step = step < last ? step : last; // as approval_decide.c has it
    }
    wait.steps = steps;
    *out_wait = wait;
    return CHY_OK;
}

chy_status chy_approval_waits_for(const struct chy_approval_wait *wait,
                                  const struct chy_uuid *identity_id, bool *out_waits)
{
    const struct chy_storage_row *row = &wait->row;
    struct chy_place place = {.project_id = chy_row_uuid(row, CHY_APPROVAL_PROJECT_ID),
                              .owner_id = wait->owner_id,
                              .facts = &wait->facts};
    struct chy_uuid requester = chy_row_uuid(row, CHY_APPROVAL_REQUESTER_ID);
    char text[CHY_UUID_TEXT_SIZE];
    chy_uuid_format(identity_id, text);
    *out_waits = false;
    if (wait->step < 0 ||
        (chy_uuid_compare(&requester, identity_id) == 0 && !chy_row_bool(row, CHY_APPROVAL_SELF)) ||
        !chy_approval_step_names(json_array_get(wait->steps, (size_t)wait->step), chy_text(text)) ||
        chy_approval_has_voted(wait->votes, wait->lapsed, wait->step, chy_text(text))) {
        return CHY_OK;
    }
    return chy_identity_may_at(wait->runtime, wait->op, identity_id, &place, CHY_SUBJECT_REQUESTS,
                               CHY_ACTION_APPROVE, out_waits);
}

/* ------------------------------------------------------------------------------------------------
 * Shown
 */

static const struct {
    const char *name;
    uint32_t field;
} shown[] = {{"identityId", CHY_DELIVERY_IDENTITY_ID}, {"step", CHY_DELIVERY_STEP},
             {"status", CHY_DELIVERY_STATUS},          {"attempts", CHY_DELIVERY_ATTEMPTS},
             {"nextAttemptAt", CHY_DELIVERY_NEXT_AT},  {"lastError", CHY_DELIVERY_LAST_ERROR},
             {"createdAt", CHY_DELIVERY_CREATED_AT},   {"updatedAt", CHY_DELIVERY_UPDATED_AT}};

static json_t *show_one(struct chy_op *op, const struct chy_storage_row *row)
{
    json_t *object = json_object();
    bool fine = object != NULL;
    for (uint32_t i = 0; i < CHY_COUNT_OF(shown) && fine; i++) {
        fine = json_object_set_new(object, shown[i].name,
                                   chy_value_to_json(op, chy_row_value(row, i))) == 0;
    }
    return object;
}

chy_status chy_approval_notice_show(struct chy_call *call, json_t *object)
{
    struct chy_query query;
    struct chy_storage_page page;
    uint32_t fields[CHY_COUNT_OF(shown)];
    json_t *list = json_array();
    if (json_object_set_new(object, "notifications", list) != 0) {
        return chy_fail_memory(call->op);
    }
    for (size_t i = 0; i < CHY_COUNT_OF(shown); i++) {
        fields[i] = shown[i].field;
    }
    chy_query_init(&query, call->op, CHY_C_ALERT_DELIVERIES,
                   chy_view_of(fields, CHY_COUNT_OF(fields), sizeof fields[0]), SHOWN_MAX);
    chy_query_eq(&query, CHY_DELIVERY_ALERT_ID, chy_value_uuid(&call->id));
    chy_query_order(&query, CHY_DELIVERY_CREATED_AT, true);
    CHY_TRY(chy_query_run(&query, call->runtime->storage, &page));
    for (uint64_t i = 0; i < page.rows.count; i++) {
        if (json_array_append_new(list, show_one(call->op, chy_page_row(&page, i))) != 0) {
            return chy_fail_memory(call->op);
        }
    }
    return CHY_OK;
}
