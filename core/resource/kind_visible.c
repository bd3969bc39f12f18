#include "resource/kind_visible.h"

#include "base/op.h"

/** How many rows of such a list a page looks at: facts are read for each. */
#define EXAMINED_MAX 500U

static chy_status look_at(const struct chy_call *call, struct chy_op *op,
                          const struct chy_storage_row *row, bool *out_keeps)
{
    struct chy_call theirs = *call;
    struct chy_place place = {.project_id = call->project_id};
    struct chy_facts facts;
    theirs.op = op;
    CHY_TRY(call->kind->hooks.facts(&theirs, row, &place.owner_id, &facts));
    place.facts = &facts;
    *out_keeps = chy_may_at(call->op, &place, call->kind->subject, call->action->permission);
    return CHY_OK;
}

/** is_visible decides in an operation of its own, whose memory goes with it. */
static bool is_visible(const void *context, const struct chy_storage_row *row)
{
    struct chy_visible *visible = (struct chy_visible *)(uintptr_t)context;
    struct chy_op *op = visible->call->op;
    bool keeps = false;
    if (visible->status != CHY_OK) {
        return false;
    }
    struct chy_op *child = op->host->op_child(op);
    if (child == NULL) {
        visible->status = chy_fail_memory(op);
        return false;
    }
    chy_status status = look_at(visible->call, child, row, &keeps);
    // Not found: what it is about is gone.
    visible->status = chy_op_end_child(op, child, status == CHY_NOT_FOUND ? CHY_OK : status);
    return keeps;
}

chy_status chy_visible_only(struct chy_call *call, struct chy_visible *visible,
                            struct chy_listing *listing)
{
    const struct chy_kind *kind = call->kind;
    const char *action = call->action->permission;
    struct chy_held_role held = chy_principal_role(chy_principal_of(call->op), &call->project_id);
    visible->call = call;
    visible->status = CHY_OK;
    if (kind->hooks.facts == NULL || chy_may(call->op, &call->project_id, kind->subject, action)) {
        return CHY_OK;
    }
    if (!chy_role_has(&held, kind->subject, action)) {
        return chy_require(call->op, &call->project_id, kind->subject, action, kind->what);
    }
    listing->keep = is_visible;
    listing->keep_context = visible;
    listing->keep_fields = chy_call_fields(call);
    listing->examine = EXAMINED_MAX;
    return CHY_OK;
}
