/** Who may act as somebody else, by a secret or a password that they give them. */
#include "access/identity.h"
#include "base/slice.h"
#include "resource/collections.h"

/** lists tells whether a step of an approval policy names an identity as one who approves. */
static bool lists(const json_t *step, const char *id)
{
    const json_t *approvers = json_object_get(step, "approvers");
    for (size_t i = 0; i < json_array_size(approvers); i++) {
        if (chy_slice_equal_nocase(chy_json_member(json_array_get(approvers, i), "id"),
                                   chy_text(id))) {
            return true;
        }
    }
    return false;
}

/** gains_vote: is there a step in which the identity may vote, and the caller may not? */
static bool gains_vote(const json_t *steps, const char *id, const char *caller)
{
    for (size_t i = 0; i < json_array_size(steps); i++) {
        const json_t *step = json_array_get(steps, i);
        if (lists(step, id) && !lists(step, caller)) {
            return true;
        }
    }
    return false;
}

/** refuse_vote refuses who would come by the vote of one whom approval policies list. */
static chy_status refuse_vote(struct chy_call *call, const struct chy_uuid *project_id,
                              const char *id, const char *caller)
{
    struct chy_query query;
    struct chy_storage_page page;
    chy_query_init(&query, call->op, CHY_C_APPROVAL_POLICIES, CHY_FIELDS(CHY_APPROVAL_POLICY_STEPS),
                   CHY_STORAGE_PAGE_MAX);
    chy_query_eq(&query, CHY_APPROVAL_POLICY_PROJECT_ID, chy_value_uuid(project_id));
    do {
        CHY_TRY(chy_query_run(&query, call->runtime->storage, &page));
        for (uint64_t i = 0; i < page.rows.count; i++) {
            json_t *steps;
            CHY_TRY(chy_json_parse(call->op, chy_row_json(chy_page_row(&page, i), 0), &steps));
            if (gains_vote(steps, id, caller)) {
                return chy_fail_reason(call->op, CHY_DENIED, CHY_REASON_BOUNDARY,
                                       "an approval policy lists the identity and not you: who "
                                       "gives it a secret could vote in its place");
            }
        }
        query.find.cursor = page.cursor;
    } while (page.more != 0);
    return CHY_OK;
}

static chy_status refuse_own(struct chy_op *op)
{
    return chy_fail_reason(op, CHY_DENIED, CHY_REASON_BOUNDARY,
                           "the identity may do with what it asked for itself what you may not do "
                           "with it: who gives it a secret could act in its place");
}

/** require_project asks for a project that the identity is a member of. */
static chy_status require_project(struct chy_call *call, const struct chy_membership *membership,
                                  const char *id, const char *caller)
{
    const struct chy_held_role held =
        chy_principal_role(chy_principal_of(call->op), &membership->project_id);
    return chy_role_covers(&held, &membership->held, CHY_ROLE_ACT_FOR)
               ? refuse_vote(call, &membership->project_id, id, caller)
               : refuse_own(call->op);
}

chy_status chy_identity_require_acting(struct chy_call *call, const struct chy_uuid *id,
                                       struct chy_storage_row *out_row)
{
    const struct chy_principal *principal = chy_principal_of(call->op);
    struct chy_view memberships;
    char text[CHY_UUID_TEXT_SIZE];
    char caller[CHY_UUID_TEXT_SIZE];
    bool covers;
    CHY_TRY(chy_identity_require(call, id, CHY_ACTION_EDIT, out_row));
    if (chy_principal_allows(principal, CHY_SUBJECT_IDENTITIES, CHY_ACTION_EDIT) ||
        chy_uuid_compare(&principal->id, id) == 0) {
        return CHY_OK;
    }
    chy_uuid_format(id, text);
    chy_uuid_format(&principal->id, caller);
    CHY_TRY(chy_identity_memberships(call->runtime, call->op, id, &memberships));
    for (uint64_t i = 0; i < memberships.count; i++) {
        const struct chy_membership *membership =
            (const struct chy_membership *)chy_view_at(memberships, i);
        CHY_TRY(require_project(call, membership, text, caller));
    }
    CHY_TRY(chy_identity_covers_applications(call, id, NULL, CHY_ROLE_ACT_FOR, &covers));
    return covers ? CHY_OK : refuse_own(call->op);
}
