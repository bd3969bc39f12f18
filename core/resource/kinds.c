#include "resource/kind.h"

#include <stdlib.h>

/** One action of one kind, its shape ready. */
struct ready_action {
    const struct chy_kind *kind;
    const struct chy_action *action;
    struct chy_shape *shape; /**< NULL: any object */
};

struct chy_kinds {
    struct ready_action *actions;
    size_t count;
};

/** members_shape puts the schema of a whole object together from its members. */
static chy_status members_shape(struct chy_op *op, const struct chy_kind *kind, bool is_update,
                                json_t **out_json)
{
    uint32_t not_given = CHY_MEMBER_DERIVED | (is_update ? CHY_MEMBER_FIXED : 0U);
    json_t *shape = chy_json_object(op);
    json_t *properties = chy_json_object(op);
    json_t *required = json_array();
    if (shape == NULL || properties == NULL || required == NULL ||
        json_object_set_new(shape, "required", required) != 0 ||
        json_object_set(shape, "properties", properties) != 0 ||
        json_object_set_new(shape, "type", json_string("object")) != 0) {
        return chy_fail_memory(op);
    }
    for (size_t i = 0; i < kind->member_count; i++) {
        const struct chy_member *member = &kind->members[i];
        json_t *schema;
        if ((member->flags & not_given) != 0) {
            continue;
        }
        CHY_TRY(chy_json_parse(op, chy_text(member->shape), &schema));
        if (json_object_set(properties, member->name, schema) != 0) {
            return chy_fail_memory(op);
        }
        if (!is_update && (member->flags & CHY_MEMBER_REQUIRED) != 0) {
            (void)json_array_append_new(required, json_string(member->name));
        }
    }
    *out_json = shape;
    return CHY_OK;
}

chy_status chy_kind_shape(struct chy_op *op, const struct chy_kind *kind,
                          const struct chy_action *action, json_t **out_json)
{
    bool is_create = strcmp(action->name, "create") == 0;
    *out_json = NULL;
    if (action->shape != NULL) {
        return chy_json_parse(op, chy_text(action->shape), out_json);
    }
    if (kind->member_count != 0 && (is_create || strcmp(action->name, "update") == 0)) {
        return members_shape(op, kind, !is_create, out_json);
    }
    return CHY_OK;
}

static chy_status ready(struct chy_op *op, const struct chy_kind *kind,
                        const struct chy_action *action, struct ready_action *out_ready)
{
    json_t *json;
    out_ready->kind = kind;
    out_ready->action = action;
    CHY_TRY(chy_kind_shape(op, kind, action, &json));
    return json == NULL ? CHY_OK : chy_shape_from_json(op, json, kind->name, &out_ready->shape);
}

chy_status chy_kinds_new(struct chy_op *op, const struct chy_kind *const *kinds, size_t count,
                         struct chy_kinds **out_kinds)
{
    size_t total = 0;
    for (size_t i = 0; i < count; i++) {
        total += kinds[i]->action_count;
    }
    struct chy_kinds *all = calloc(1, sizeof *all);
    struct ready_action *actions = calloc(total + 1, sizeof *actions);
    if (all == NULL || actions == NULL) {
        free(all);
        free(actions);
        return chy_fail_memory(op);
    }
    all->actions = actions;
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < kinds[i]->action_count; k++) {
            chy_status status =
                ready(op, kinds[i], &kinds[i]->actions[k], &all->actions[all->count++]);
            if (status != CHY_OK) {
                chy_kinds_free(all);
                return status;
            }
        }
    }
    *out_kinds = all;
    return CHY_OK;
}

void chy_kinds_free(struct chy_kinds *kinds)
{
    if (kinds == NULL) {
        return;
    }
    for (size_t i = 0; i < kinds->count; i++) {
        chy_shape_free(kinds->actions[i].shape);
    }
    free(kinds->actions);
    free(kinds);
}

static const struct ready_action *find(const struct chy_kinds *kinds, struct chy_slice kind,
                                       struct chy_slice action)
{
    for (size_t i = 0; i < kinds->count; i++) {
        if (chy_slice_is(kind, kinds->actions[i].kind->name) &&
            chy_slice_is(action, kinds->actions[i].action->name)) {
            return &kinds->actions[i];
        }
    }
    return NULL;
}

bool chy_kinds_find(const struct chy_kinds *kinds, struct chy_slice kind, struct chy_slice action,
                    const struct chy_kind **out_kind, const struct chy_action **out_action)
{
    const struct ready_action *found = find(kinds, kind, action);
    if (found != NULL) {
        *out_kind = found->kind;
        *out_action = found->action;
    }
    return found != NULL;
}

static chy_status read_document(struct chy_call *call, const struct chy_shape *shape,
                                struct chy_slice text)
{
    if (text.len == 0) {
        call->document = chy_json_object(call->op);
        if (call->document == NULL) {
            return chy_fail_memory(call->op);
        }
    } else {
        CHY_TRY(chy_json_parse(call->op, text, &call->document));
    }
    if (!json_is_object(call->document)) {
        return chy_shape_refuse_one(call->op, "invalid_type", "", "expected a JSON object");
    }
    if (shape == NULL) {
        return CHY_OK;
    }
    if ((call->action->flags & CHY_ACTION_QUERY) != 0) {
        chy_shape_coerce(shape, call->document);
    }
    CHY_TRY(chy_shape_check(call->op, shape, call->document));
    return chy_shape_trim(call->op, shape, call->document);
}

static chy_status run(struct chy_call *call, const struct chy_shape *shape,
                      const struct chy_resource_call *resource_call)
{
    if ((call->action->flags & CHY_ACTION_NEEDS_ID) != 0 &&
        !chy_uuid_parse(resource_call->id, &call->id)) {
        return chy_shape_refuse_one(call->op, "invalid_string", "/id", "the id of a %s is a UUID",
                                    call->kind->what);
    }
    call->id_text = resource_call->id;
    CHY_TRY(read_document(call, shape, resource_call->document));
    return call->action->run(call);
}

static void audit_refusal(struct chy_call *call, chy_status status)
{
    if (status != CHY_DENIED) {
        return; // malformed and missing things change nothing and prove nothing
    }
    char action[64];
    (void)snprintf(action, sizeof action, "%s.%s", call->kind->audit, call->action->name);
    struct chy_uuid none = {{0}};
    bool has_project = chy_uuid_compare(&call->project_id, &none) != 0;
    chy_audit_refusal(call->runtime, call->op, action, call->kind->name, call->id_text,
                      has_project ? &call->project_id : NULL);
}

chy_status chy_kinds_call(struct chy_runtime *runtime, struct chy_op *op,
                          const struct chy_resource_call *resource_call,
                          struct chy_resource_answer *out_answer)
{
    const struct ready_action *found =
        find(runtime->kinds, resource_call->kind, resource_call->action);
    if (found == NULL) {
        return chy_fail(op, CHY_UNSUPPORTED, 0, "there is no action '%.*s' on '%.*s'",
                        (int)resource_call->action.len, (const char *)resource_call->action.ptr,
                        (int)resource_call->kind.len, (const char *)resource_call->kind.ptr);
    }
    struct chy_call call = {
        .runtime = runtime, .op = op, .kind = found->kind, .action = found->action};
    chy_status status = run(&call, found->shape, resource_call);
    if (status != CHY_OK) {
        audit_refusal(&call, status);
        return status;
    }
    out_answer->flags = call.secret.len != 0 ? CHY_RESOURCE_SECRET : 0U;
    out_answer->media_type =
        chy_text(call.media_type == NULL ? "application/json" : call.media_type);
    out_answer->file_name = call.file_name;
    // What is no JSON may be empty: an export that finds nothing.
    if (call.secret.len != 0 || call.body.len != 0 || call.media_type != NULL) {
        out_answer->document = call.secret.len != 0 ? call.secret : call.body;
        return CHY_OK;
    }
    return chy_json_write(op, call.answer, &out_answer->document);
}
