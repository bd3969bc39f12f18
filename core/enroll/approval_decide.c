#include "enroll/approval_decide.h"

#include "base/slice.h"
#include "enroll/approval_change.h"
#include "enroll/approval_issue.h"
#include "enroll/approval_notice.h"
#include "enroll/approval_vote.h"
#include "plugin/services.h"
#include "resource/collections.h"

/** How often who was overtaken looks again. */
#define ATTEMPTS 8

static bool is_about_certificate(const struct chy_storage_row *row)
{
    return !chy_row_is_null(row, CHY_APPROVAL_REQUEST_ID);
}

static chy_status refuse_decided(struct chy_op *op, const struct chy_storage_row *row)
{
    struct chy_slice status = chy_row_text(row, CHY_APPROVAL_STATUS);
    if (!chy_slice_is(status, "open")) {
        return chy_fail(op, CHY_BAD_INPUT, 0, "the approval request is %.*s already",
                        (int)status.len, (const char *)status.ptr);
    }
    if (!chy_row_is_null(row, CHY_APPROVAL_EXPIRES_AT) &&
        chy_now(op) >= chy_row_time(row, CHY_APPROVAL_EXPIRES_AT)) {
        return chy_fail(op, CHY_BAD_INPUT, 0, "the approval request is expired already");
    }
    return CHY_OK;
}

/* ------------------------------------------------------------------------------------------------
 * A vote
 */

/** A vote under way. */
struct vote {
    struct chy_storage_row row;
    const struct chy_principal *voter;
    char voter_text[CHY_UUID_TEXT_SIZE];
    struct chy_slice bypass; /**< why the steps are passed by; empty: they are not */
    json_t *votes;           /**< of all steps */
    const bool *lapsed;      /**< which of those that were there do not count any more */
    const json_t *steps;
    int64_t number; /**< of the step under way */
    bool opens;     /**< with this vote another one than before */
};

/** may_bypass: alone, and only where the policy foresaw it. */
static chy_status may_bypass(struct chy_call *call, const struct vote *v)
{
    struct chy_place place = {.project_id = call->project_id};
    struct chy_facts facts;
    CHY_TRY(chy_approval_facts(call->runtime, call->op, &v->row, &place.owner_id, &facts));
    place.facts = &facts;
    CHY_TRY(chy_require_at(call->op, &place, CHY_SUBJECT_REQUESTS, CHY_ACTION_BYPASS,
                           "approval request"));
    if (!is_about_certificate(&v->row)) {
        return chy_fail(call->op, CHY_BAD_INPUT, 0,
                        "a change of an approval policy is approved by its steps, in an emergency "
                        "as well");
    }
    return chy_slice_is(chy_row_text(&v->row, CHY_APPROVAL_ENFORCEMENT), "soft")
               ? CHY_OK
               : chy_fail_reason(call->op, CHY_DENIED, CHY_REASON_BOUNDARY,
                                 "the approval policy was not of enforcementLevel soft when this "
                                 "was asked for: its steps cannot be passed by");
}

/** may_pass_step asks for what the step under way wants. */
static chy_status may_pass_step(struct chy_call *call, const struct vote *v)
{
    struct chy_slice id = chy_text(v->voter_text);
    if (!chy_approval_step_names(json_array_get(v->steps, (size_t)v->number), id)) {
        return chy_fail_reason(call->op, CHY_DENIED, CHY_REASON_BOUNDARY,
                               "the approval policy lists others for step %lld",
                               (long long)v->number + 1);
    }
    return chy_approval_has_voted(v->votes, v->lapsed, v->number, id)
               ? chy_fail(call->op, CHY_BAD_INPUT, 0,
                          "you have approved this step already: another one has to")
               : CHY_OK;
}

/** may_vote asks, after the permission, for what the policy asks for. */
static chy_status may_vote(struct chy_call *call, const struct vote *v)
{
    struct chy_uuid requester = chy_row_uuid(&v->row, CHY_APPROVAL_REQUESTER_ID);
    if (chy_uuid_compare(&requester, &v->voter->id) == 0 &&
        !chy_row_bool(&v->row, CHY_APPROVAL_SELF)) {
        return chy_fail_reason(call->op, CHY_DENIED, CHY_REASON_BOUNDARY,
                               "nobody approves or rejects what they asked for themselves: "
                               "another one has to");
    }
    return v->bypass.len != 0 ? may_bypass(call, v) : may_pass_step(call, v);
}

static chy_status begin_vote(struct chy_call *call, struct chy_slice bypass, struct vote *v)
{
    json_t *steps;
    memset(v, 0, sizeof *v);
    v->bypass = bypass;
    CHY_TRY(chy_call_row(call, &call->id, &v->row));
    CHY_TRY(refuse_decided(call->op, &v->row));
    CHY_TRY(chy_json_parse(call->op, chy_row_json(&v->row, CHY_APPROVAL_VOTES), &v->votes));
    CHY_TRY(chy_json_parse(call->op, chy_row_json(&v->row, CHY_APPROVAL_STEPS), &steps));
    CHY_TRY(chy_approval_lapsed(call->runtime, call->op, &v->row, v->votes, &v->lapsed));
    int64_t last = (int64_t)json_array_size(steps) - 1;
    v->steps = steps;
    v->number = chy_approval_reached(steps, v->votes, v->lapsed);
    if (v->number > last) { // by a vote that counts again: it takes one more to look at it
        v->number = last;
    }
    v->voter = chy_principal_of(call->op);
    chy_uuid_format(&v->voter->id, v->voter_text);
    return may_vote(call, v);
}

/** add_vote keeps the vote with the request, and tells the audit of it. */
static chy_status add_vote(struct chy_call *call, struct vote *v, const char *word,
                           struct chy_slice *out_votes)
{
    json_t *one = chy_json_object(call->op);
    struct chy_slice comment = chy_json_member(call->document, "comment");
    bool fine = one != NULL && chy_json_set_int(one, "step", v->number) &&
                chy_json_set_text(one, "identityId", chy_text(v->voter_text)) &&
                chy_json_set_text(one, "decision", chy_text(word)) &&
                (comment.len == 0 ? chy_json_set_null(one, "comment")
                                  : chy_json_set_text(one, "comment", comment)) &&
                (v->bypass.len == 0 || chy_json_set_text(one, "bypassReason", v->bypass));
    if (!fine) {
        return chy_fail_memory(call->op);
    }
    CHY_TRY(chy_json_write(call->op, one, &call->audit_detail));
    if (!chy_json_set_time(one, "at", chy_now(call->op)) || json_array_append(v->votes, one) != 0) {
        return chy_fail_memory(call->op);
    }
    return chy_json_write(call->op, v->votes, out_votes);
}

/** passes goes on to the step that is reached with the new vote, the last of `votes`. */
static chy_status passes(struct chy_call *call, struct vote *v, bool *out_passed)
{
    size_t before = json_array_size(v->votes) - 1;
    bool *lapsed = chy_alloc(call->op, before + 1);
    if (lapsed == NULL) {
        return chy_fail_memory(call->op);
    }
    memcpy(lapsed, v->lapsed, before);
    lapsed[before] = false;
    int64_t voted = v->number;
    v->number = chy_approval_reached(v->steps, v->votes, lapsed);
    // A step that had been passed may be open again, as somebody lost the right to vote.
    v->opens = v->number != voted || v->number != chy_row_int(&v->row, CHY_APPROVAL_STEP);
    *out_passed = v->number >= (int64_t)json_array_size(v->steps);
    return CHY_OK;
}

/* ------------------------------------------------------------------------------------------------
 * Approving
 */

/** grant gives the right to have just this issued, once. */
static void grant(struct chy_op *op, struct chy_write *write)
{
    chy_write_set(write, CHY_APPROVAL_GRANT, chy_value_text(chy_text("active")));
    chy_write_set(write, CHY_APPROVAL_GRANTED_AT, chy_value_time(chy_now(op)));
    chy_write_set(write, CHY_APPROVAL_DUE_AT, chy_value_time(chy_now(op) + CHY_APPROVAL_LEASE));
}

static chy_status write_passed(struct chy_call *call, struct vote *v, struct chy_batch *batch,
                               struct chy_write **out_write)
{
    CHY_TRY(
        chy_approval_end(batch, &v->row, "approved", "pending", chy_slice_of(NULL, 0), out_write));
    if (is_about_certificate(&v->row)) {
        grant(call->op, *out_write);
        return CHY_OK;
    }
    chy_write_set(*out_write, CHY_APPROVAL_DUE_AT, chy_value_null());
    return chy_approval_policy_apply(call, batch, &v->row);
}

static chy_status write_approval(struct chy_call *call, struct vote *v, struct chy_slice votes,
                                 bool passed)
{
    struct chy_batch batch;
    struct chy_write *write;
    chy_batch_init(&batch, call->op, 0);
    if (passed) {
        CHY_TRY(write_passed(call, v, &batch, &write));
    } else {
        write =
            chy_batch_update(&batch, CHY_C_APPROVAL_REQUESTS, CHY_KEY(chy_value_uuid(&call->id)));
        chy_write_guard_revision(write, v->row.revision);
        chy_write_set(write, CHY_APPROVAL_UPDATED_AT, chy_value_time(chy_now(call->op)));
    }
    if (!passed && v->opens) {
        CHY_TRY(chy_approval_notice_add(call->runtime, &batch, &call->project_id, &call->id,
                                        v->steps, v->number));
    }
    chy_write_set(write, CHY_APPROVAL_STEP, chy_value_int(v->number));
    chy_write_set(write, CHY_APPROVAL_VOTES, chy_value_json(votes));
    chy_write_set(write, CHY_APPROVAL_BYPASS_REASON, chy_value_text_or_null(v->bypass));
    return chy_call_commit(call, &batch, v->bypass.len != 0 ? "bypass" : "approve", &call->id);
}

static chy_status vote(struct chy_call *call, struct vote *v, bool *out_passed)
{
    struct chy_slice votes;
    CHY_TRY(begin_vote(call, chy_json_member(call->document, "bypassReason"), v));
    CHY_TRY(add_vote(call, v, v->bypass.len != 0 ? CHY_VOTE_BYPASSED : CHY_VOTE_APPROVED, &votes));
    CHY_TRY(passes(call, v, out_passed));
    return write_approval(call, v, votes, *out_passed);
}

/** tell_bypass: beside the audit, whoever runs the server hears of it. */
static void tell_bypass(struct chy_call *call, const struct vote *v)
{
    chy_log_warning(call->op, "approval.bypassed",
                    "the identity %s alone approved a certificate request past the steps of its "
                    "approval policy: %.*s",
                    v->voter_text, (int)v->bypass.len, (const char *)v->bypass.ptr);
    chy_metrics_count(call->runtime->services->metrics, chy_text("approval_bypasses"),
                      chy_slice_of(NULL, 0), 1);
}

chy_status chy_approval_approve(struct chy_call *call)
{
    struct vote v;
    bool passed = false;
    chy_status status = CHY_CONFLICT;
    for (int attempt = 0; attempt < ATTEMPTS && status == CHY_CONFLICT; attempt++) {
        status = vote(call, &v, &passed);
    }
    CHY_TRY(status);
    if (v.bypass.len != 0) {
        tell_bypass(call, &v);
    }
    if (passed && is_about_certificate(&v.row) &&
        chy_approval_issue(call->runtime, call->op, &call->id) != CHY_OK) {
        // It is approved whatever came of it: a job issues it.
        chy_log_warning(call->op, "approval.later", "an approved request is issued later");
    }
    return CHY_OK;
}

/* ------------------------------------------------------------------------------------------------
 * Rejecting
 */

/** A comment of 255 characters, and a few words. */
#define COMMENT_ROOM 2048U

static chy_status reject(struct chy_call *call)
{
    struct vote v;
    struct chy_slice votes;
    struct chy_batch batch;
    struct chy_write *write;
    struct chy_slice comment = chy_json_member(call->document, "comment");
    struct chy_buf message;
    CHY_TRY(begin_vote(call, chy_slice_of(NULL, 0), &v));
    CHY_TRY(add_vote(call, &v, CHY_VOTE_REJECTED, &votes));
    chy_buf_init(&message, call->op, COMMENT_ROOM);
    chy_buf_add_text(&message,
                     comment.len == 0 ? "the request was rejected" : "the request was rejected: ");
    chy_buf_add(&message, comment);
    if (!chy_buf_ok(&message)) {
        return chy_buf_fail(&message, call->op, "the reason");
    }
    chy_batch_init(&batch, call->op, 0);
    CHY_TRY(
        chy_approval_end(&batch, &v.row, "rejected", "rejected", chy_buf_slice(&message), &write));
    chy_write_set(write, CHY_APPROVAL_DUE_AT, chy_value_null());
    chy_write_set(write, CHY_APPROVAL_VOTES, chy_value_json(votes));
    return chy_call_commit(call, &batch, "reject", &call->id);
}

chy_status chy_approval_reject(struct chy_call *call)
{
    chy_status status = CHY_CONFLICT;
    for (int attempt = 0; attempt < ATTEMPTS && status == CHY_CONFLICT; attempt++) {
        status = reject(call);
    }
    return status;
}

/* ------------------------------------------------------------------------------------------------
 * Cancelling
 */

static chy_status may_cancel(struct chy_op *op, const struct chy_storage_row *row)
{
    struct chy_uuid requester = chy_row_uuid(row, CHY_APPROVAL_REQUESTER_ID);
    struct chy_uuid project_id = chy_row_uuid(row, CHY_APPROVAL_PROJECT_ID);
    if (chy_uuid_compare(&requester, &chy_principal_of(op)->id) == 0 ||
        chy_may(op, &project_id, CHY_SUBJECT_REQUESTS, CHY_ACTION_APPROVE)) {
        return CHY_OK;
    }
    return chy_fail_reason(op, CHY_DENIED, CHY_REASON_BOUNDARY,
                           "only who asked for it, or may approve it, cancels a request");
}

static chy_status cancel(struct chy_call *call, const struct chy_uuid *id)
{
    struct chy_batch batch;
    struct chy_write *write;
    struct chy_storage_row row;
    CHY_TRY(chy_storage_read(call->runtime->storage, call->op, CHY_C_APPROVAL_REQUESTS,
                             CHY_KEY(chy_value_uuid(id)), chy_core_fields(CHY_C_APPROVAL_REQUESTS),
                             &row));
    CHY_TRY(may_cancel(call->op, &row));
    CHY_TRY(refuse_decided(call->op, &row));
    chy_batch_init(&batch, call->op, 0);
    CHY_TRY(chy_approval_end(&batch, &row, "cancelled", "cancelled",
                             chy_text("the request was cancelled"), &write));
    chy_write_set(write, CHY_APPROVAL_DUE_AT, chy_value_null());
    struct chy_uuid project_id = chy_row_uuid(&row, CHY_APPROVAL_PROJECT_ID);
    struct chy_audit_event event = {.action = "approval-request.cancel",
                                    .target_kind = "approval-requests",
                                    .outcome = CHY_AUDIT_OK,
                                    .project_id = &project_id};
    CHY_TRY(chy_uuid_text(call->op, id, &event.target));
    return chy_call_commit_event(call, &batch, &event);
}

chy_status chy_approval_cancel(struct chy_call *call, const struct chy_uuid *id)
{
    chy_status status = CHY_CONFLICT;
    for (int attempt = 0; attempt < ATTEMPTS && status == CHY_CONFLICT; attempt++) {
        status = cancel(call, id);
    }
    return status;
}
