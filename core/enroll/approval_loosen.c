#include "enroll/approval_loosen.h"

#include "base/slice.h"
#include "base/time.h"
#include "enroll/approval_vote.h"
#include "resource/json.h"

/** loosens_step: fewer approvals, or by somebody who could not give them. */
static bool loosens_step(const json_t *old, const json_t *new)
{
    const json_t *after = json_object_get(new, "approvers");
    bool lists = json_array_size(json_object_get(old, "approvers")) != 0;
    if (json_integer_value(json_object_get(new, "requiredApprovals")) <
            json_integer_value(json_object_get(old, "requiredApprovals")) ||
        (lists && json_array_size(after) == 0)) {
        return true;
    }
    for (size_t i = 0; lists && i < json_array_size(after); i++) {
        if (!chy_approval_step_names(old, chy_json_member(json_array_get(after, i), "id"))) {
            return true;
        }
    }
    return false;
}

static bool loosens_steps(const json_t *old, const json_t *new)
{
    bool looser = json_array_size(new) < json_array_size(old);
    for (size_t i = 0; i < json_array_size(old) && !looser; i++) {
        looser = loosens_step(json_array_get(old, i), json_array_get(new, i));
    }
    return looser;
}

static const json_t *profiles_of(const json_t *policy)
{
    const json_t *conditions = json_object_get(policy, "conditions");
    return json_object_get(json_array_get(conditions, 0), "profileIds");
}

/** loosens_profiles: one that was governed is not any more. */
static bool loosens_profiles(const json_t *old, const json_t *new)
{
    for (size_t i = 0; i < json_array_size(old); i++) {
        if (!chy_json_has_text(new, chy_json_text(json_array_get(old, i)))) {
            return true;
        }
    }
    return false;
}

/** loosens_wait: a request may wait for longer. */
static bool loosens_wait(const json_t *old, const json_t *new)
{
    int64_t before;
    int64_t after;
    return new != NULL &&chy_duration_parse_request(chy_json_text(old), &before) &&
           (!chy_duration_parse_request(chy_json_text(new), &after) || after > before);
}

/** turns_on: an exemption that there was not. */
static bool turns_on(const json_t *policy, const json_t *change, const char *name)
{
    return json_is_true(json_object_get(change, name)) &&
           !json_is_true(json_object_get(policy, name));
}

/** softens: there is a way around the steps that there was not. */
static bool softens(const json_t *old, const json_t *new)
{
    return chy_slice_is(chy_json_text(new), "soft") && !chy_slice_is(chy_json_text(old), "soft");
}

bool chy_approval_loosens(const json_t *policy, const json_t *change)
{
    const json_t *steps = json_object_get(change, "steps");
    return json_is_true(json_object_get(change, "delete")) ||
           turns_on(policy, change, "bypassForMachineIdentities") ||
           turns_on(policy, change, "selfApproval") ||
           softens(json_object_get(policy, "enforcementLevel"),
                   json_object_get(change, "enforcementLevel")) ||
           (steps != NULL && loosens_steps(json_object_get(policy, "steps"), steps)) ||
           (json_object_get(change, "conditions") != NULL &&
            loosens_profiles(profiles_of(policy), profiles_of(change))) ||
           loosens_wait(json_object_get(policy, "maxRequestTtl"),
                        json_object_get(change, "maxRequestTtl"));
}
