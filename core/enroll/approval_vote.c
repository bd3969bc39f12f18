#include "enroll/approval_vote.h"

#include "access/identity.h"
#include "base/slice.h"
#include "enroll/permit.h"
#include "plugin/view.h"
#include "resource/collections.h"

/* ------------------------------------------------------------------------------------------------
 * Counting
 */

bool chy_approval_step_names(const json_t *step, struct chy_slice id)
{
    const json_t *approvers = json_object_get(step, "approvers");
    for (size_t i = 0; i < json_array_size(approvers); i++) {
        if (chy_slice_equal_nocase(chy_json_member(json_array_get(approvers, i), "id"), id)) {
            return true;
        }
    }
    return json_array_size(approvers) == 0;
}

static bool counts(const json_t *votes, const bool *lapsed, size_t index, const char *word)
{
    return (lapsed == NULL || !lapsed[index]) &&
           chy_slice_is(chy_json_member(json_array_get(votes, index), "decision"), word);
}

static bool is_by(const json_t *vote, int64_t step, struct chy_slice id)
{
    return json_integer_value(json_object_get(vote, "step")) == step &&
           chy_slice_equal_nocase(chy_json_member(vote, "identityId"), id);
}

static bool voted_before(const json_t *votes, const bool *lapsed, size_t end, int64_t step,
                         struct chy_slice id)
{
    for (size_t i = 0; i < end; i++) {
        if (counts(votes, lapsed, i, CHY_VOTE_APPROVED) &&
            is_by(json_array_get(votes, i), step, id)) {
            return true;
        }
    }
    return false;
}

bool chy_approval_has_voted(const json_t *votes, const bool *lapsed, int64_t step,
                            struct chy_slice id)
{
    return voted_before(votes, lapsed, json_array_size(votes), step, id);
}

/** approvals_in counts the different identities that approve a step. */
static json_int_t approvals_in(const json_t *votes, const bool *lapsed, int64_t step)
{
    json_int_t count = 0;
    for (size_t i = 0; i < json_array_size(votes); i++) {
        const json_t *vote = json_array_get(votes, i);
        struct chy_slice id = chy_json_member(vote, "identityId");
        if (counts(votes, lapsed, i, CHY_VOTE_APPROVED) && is_by(vote, step, id) &&
            !voted_before(votes, lapsed, i, step, id)) {
            count++;
        }
    }
    return count;
}

int64_t chy_approval_reached(const json_t *steps, const json_t *votes, const bool *lapsed)
{
    int64_t all = (int64_t)json_array_size(steps);
    int64_t step = 0;
    for (size_t i = 0; i < json_array_size(votes); i++) {
        if (counts(votes, lapsed, i, CHY_VOTE_BYPASSED)) {
            return all;
        }
    }
    while (step < all && approvals_in(votes, lapsed, step) >=
                             json_integer_value(json_object_get(json_array_get(steps, (size_t)step),
                                                                "requiredApprovals"))) {
        step++;
    }
    return step;
}

/* ------------------------------------------------------------------------------------------------
 * Who may still approve
 */

chy_status chy_approval_facts(struct chy_runtime *runtime, struct chy_op *op,
                              const struct chy_storage_row *row, struct chy_uuid *out_owner,
                              struct chy_facts *out_facts)
{
    struct chy_uuid id = chy_row_uuid(row, CHY_APPROVAL_REQUEST_ID);
    memset(out_facts, 0, sizeof *out_facts);
    out_facts->names.stride = sizeof(struct chy_slice);
    out_facts->metadata.stride = sizeof(struct chy_pair);
    *out_owner = chy_row_uuid(row, CHY_APPROVAL_REQUESTER_ID);
    return chy_row_is_null(row, CHY_APPROVAL_REQUEST_ID)
               ? CHY_OK
               : chy_permit_request_facts(runtime, op, &id, out_owner, out_facts);
}

/** may_still tells whether who gave a vote may give it today. */
static chy_status may_still(struct chy_runtime *runtime, struct chy_op *op,
                            const struct chy_place *place, const json_t *vote, bool *out_may)
{
    struct chy_uuid id;
    *out_may = false;
    if (!chy_uuid_parse(chy_json_member(vote, "identityId"), &id)) {
        return CHY_OK;
    }
    CHY_TRY(chy_identity_may_at(runtime, op, &id, place, CHY_SUBJECT_REQUESTS, CHY_ACTION_APPROVE,
                                out_may));
    if (*out_may && chy_slice_is(chy_json_member(vote, "decision"), CHY_VOTE_BYPASSED)) {
        return chy_identity_may_at(runtime, op, &id, place, CHY_SUBJECT_REQUESTS, CHY_ACTION_BYPASS,
                                   out_may);
    }
    return CHY_OK;
}

chy_status chy_approval_lapsed(struct chy_runtime *runtime, struct chy_op *op,
                               const struct chy_storage_row *row, const json_t *votes,
                               const bool **out_lapsed)
{
    struct chy_place place = {.project_id = chy_row_uuid(row, CHY_APPROVAL_PROJECT_ID)};
    struct chy_facts facts;
    bool *lapsed = chy_alloc(op, json_array_size(votes) + 1);
    bool may;
    if (lapsed == NULL) {
        return chy_fail_memory(op);
    }
    if (json_array_size(votes) != 0) {
        CHY_TRY(chy_approval_facts(runtime, op, row, &place.owner_id, &facts));
        place.facts = &facts;
    }
    for (size_t i = 0; i < json_array_size(votes); i++) {
        CHY_TRY(may_still(runtime, op, &place, json_array_get(votes, i), &may));
        lapsed[i] = !may;
    }
    *out_lapsed = lapsed;
    return CHY_OK;
}

chy_status chy_approval_stands(struct chy_runtime *runtime, struct chy_op *op,
                               const struct chy_storage_row *row)
{
    json_t *steps;
    json_t *votes;
    const bool *lapsed;
    CHY_TRY(chy_json_parse(op, chy_row_json(row, CHY_APPROVAL_STEPS), &steps));
    CHY_TRY(chy_json_parse(op, chy_row_json(row, CHY_APPROVAL_VOTES), &votes));
    CHY_TRY(chy_approval_lapsed(runtime, op, row, votes, &lapsed));
    if (chy_approval_reached(steps, votes, lapsed) == (int64_t)json_array_size(steps)) {
        return CHY_OK;
    }
    return chy_fail(op, CHY_BAD_INPUT, 0,
                    "somebody who approved it may not approve it any more: ask again");
}
