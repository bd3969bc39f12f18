#include "resource/kind_describe.h"

#include "base/slice.h"
#include "plugin/view.h"
#include "resource/collections.h"
#include "resource/outline.h"

/* ------------------------------------------------------------------------------------------------
 * Objects
 */

static const struct chy_field *field_of(const struct chy_kind *kind, uint32_t field)
{
    const struct chy_collection *collection =
        chy_view_item(chy_core_collections(), kind->collection);
    return chy_view_item(collection->fields, field);
}

/** outline_of says what chy_value_to_json() makes of a field's values. */
static const char *outline_of(const struct chy_field *field)
{
    bool or_null = (field->flags & CHY_FIELD_NULLABLE) != 0;
    if ((field->flags & CHY_FIELD_MANY) != 0) {
        return "['text']";
    }
    switch ((enum chy_value_type)field->type) {
    case CHY_VALUE_TEXT: return or_null ? "'text?'" : "'text'";
    case CHY_VALUE_INT: return or_null ? "'int?'" : "'int'";
    case CHY_VALUE_BOOL: return or_null ? "'bool?'" : "'bool'";
    case CHY_VALUE_TIME: return or_null ? "'time?'" : "'time'";
    case CHY_VALUE_UUID: return or_null ? "'id?'" : "'id'";
    case CHY_VALUE_JSON:
    case CHY_VALUE_NULL:
    case CHY_VALUE_BLOB:
    case CHY_VALUE_MANY: return "'any'";
    }
    return "'any'";
}

/**
 * member_schema describes a member as it is shown: by its field, and if that holds JSON or one of a
 * few words, by what may be given.  A word that may be given in any case is shown as it was given.
 */
static chy_status member_schema(struct chy_op *op, const struct chy_kind *kind,
                                const struct chy_member *member, json_t **out_schema)
{
    const struct chy_field *field = field_of(kind, member->field);
    json_t *given = NULL;
    if (member->shape != NULL) {
        CHY_TRY(chy_json_parse(op, chy_text(member->shape), &given));
    }
    if (given != NULL && field->type == CHY_VALUE_JSON) {
        *out_schema = given;
        return CHY_OK;
    }
    CHY_TRY(chy_outline_schema(op, outline_of(field), out_schema));
    json_t *choices = json_object_get(given, "enum");
    bool is_shown = choices != NULL && !json_is_true(json_object_get(given, "x-fold")) &&
                    (field->flags & CHY_FIELD_NULLABLE) == 0;
    return !is_shown || json_object_set(*out_schema, "enum", choices) == 0 ? CHY_OK
                                                                           : chy_fail_memory(op);
}

static chy_status add_members(struct chy_op *op, const struct chy_kind *kind, json_t *object)
{
    json_t *properties = json_object_get(object, "properties");
    json_t *required = json_object_get(object, "required");
    for (size_t i = 0; i < kind->member_count; i++) {
        const struct chy_member *member = &kind->members[i];
        json_t *schema;
        CHY_TRY(member_schema(op, kind, member, &schema));
        if (json_object_set(properties, member->name, schema) != 0 ||
            json_array_append_new(required, json_string(member->name)) != 0) {
            return chy_fail_memory(op);
        }
    }
    return CHY_OK;
}

static chy_status add_decoration(struct chy_op *op, const struct chy_kind *kind, json_t *object)
{
    json_t *more;
    CHY_TRY(chy_outline_schema(op, kind->decoration, &more));
    return json_object_update(json_object_get(object, "properties"),
                              json_object_get(more, "properties")) == 0 &&
                   json_array_extend(json_object_get(object, "required"),
                                     json_object_get(more, "required")) == 0
               ? CHY_OK
               : chy_fail_memory(op);
}

chy_status chy_kind_describe_object(const struct chy_runtime *runtime, struct chy_op *op,
                                    const struct chy_described *described, json_t **out_object)
{
    const struct chy_kind *kind =
        described->kind->like == NULL ? described->kind : described->kind->like;
    json_t *object;
    CHY_TRY(chy_outline_schema(op, "{}", &object));
    CHY_TRY(add_members(op, kind, object));
    if (kind->decoration != NULL) {
        CHY_TRY(add_decoration(op, kind, object));
    }
    if (kind->hooks.describe != NULL) {
        CHY_TRY(kind->hooks.describe(runtime, op, true, object));
    }
    *out_object = object;
    return CHY_OK;
}

/** object_name makes "CertificateProfile" of "certificate-profile". */
static chy_status object_name(struct chy_op *op, const struct chy_kind *kind,
                              struct chy_slice *out_name)
{
    struct chy_buf name;
    bool upper = true;
    chy_buf_init(&name, op, 64);
    for (const char *c = kind->audit; *c != '\0'; c++) {
        if (*c == '-') {
            upper = true;
            continue;
        }
        chy_buf_add_u8(&name, (uint8_t)(upper && *c >= 'a' && *c <= 'z' ? *c - 'a' + 'A' : *c));
        upper = false;
    }
    *out_name = chy_buf_slice(&name);
    return chy_buf_ok(&name) ? CHY_OK : chy_buf_fail(&name, op, "a name");
}

/* ------------------------------------------------------------------------------------------------
 * Answers
 */

static chy_status object_answer(struct chy_op *op, struct chy_described *d)
{
    static const char *const words[] = {"create", "get", "update", "delete"};
    const struct chy_kind *kind = d->kind->like == NULL ? d->kind : d->kind->like;
    char outline[160];
    int name_len = (int)d->name.len;
    const char *name = (const char *)d->name.ptr;
    if (strcmp(d->action->name, "list") == 0 && kind->plural != NULL) {
        (void)snprintf(outline, sizeof outline,
                       "{'%s': ['#%.*s'], 'totalCount': 'int', 'cursor?': 'text'}", kind->plural,
                       name_len, name);
        return chy_outline_schema(op, outline, &d->answer);
    }
    for (size_t i = 0; i < CHY_COUNT_OF(words); i++) {
        if (strcmp(d->action->name, words[i]) == 0) {
            (void)snprintf(outline, sizeof outline,
                           kind->singular == NULL ? "%s'#%.*s'" : "{'%s': '#%.*s'}",
                           kind->singular == NULL ? "" : kind->singular, name_len, name);
            return chy_outline_schema(op, outline, &d->answer);
        }
    }
    return CHY_OK; // its table says nothing: a test finds that
}

static const struct chy_kind_answer *declared_answer(const struct chy_kind *kind,
                                                     const char *action)
{
    for (size_t i = 0; kind != NULL && i < kind->answer_count; i++) {
        if (strcmp(kind->answers[i].action, action) == 0) {
            return &kind->answers[i];
        }
    }
    return kind == NULL ? NULL : declared_answer(kind->like, action);
}

static chy_status describe_answer(struct chy_op *op, struct chy_described *d)
{
    const struct chy_kind_answer *declared = declared_answer(d->kind, d->action->name);
    if (declared == NULL) {
        return object_answer(op, d);
    }
    d->media_types = declared->media_types;
    return declared->outline == NULL ? CHY_OK
                                     : chy_outline_schema(op, declared->outline, &d->answer);
}

/* ------------------------------------------------------------------------------------------------
 * Requests
 */

/** add_filters: a list is narrowed by the object's own texts too. */
static chy_status add_filters(struct chy_op *op, const struct chy_described *d)
{
    const struct chy_kind *kind = d->kind;
    json_t *properties = json_object_get(d->request, "properties");
    bool narrows = d->action->run == chy_kind_list ||
                   (kind->filter_count != 0 && strcmp(d->action->name, "list") == 0);
    if (!narrows || properties == NULL) {
        return CHY_OK;
    }
    for (size_t i = 0; i < kind->filter_count; i++) {
        if (json_object_get(properties, kind->filters[i].name) == NULL &&
            json_object_set_new(properties, kind->filters[i].name,
                                json_pack("{s:s}", "type", "string")) != 0) {
            return chy_fail_memory(op);
        }
    }
    for (size_t i = 0; i < kind->member_count; i++) {
        const char *name = kind->members[i].name;
        bool is_text = field_of(kind, kind->members[i].field)->type == CHY_VALUE_TEXT;
        if (is_text && json_object_get(properties, name) == NULL &&
            json_object_set_new(properties, name, json_pack("{s:s}", "type", "string")) != 0) {
            return chy_fail_memory(op);
        }
    }
    return CHY_OK;
}

static chy_status describe_request(const struct chy_runtime *runtime, struct chy_op *op,
                                   struct chy_described *d)
{
    CHY_TRY(chy_kind_shape(op, d->kind, d->action, &d->request));
    CHY_TRY(add_filters(op, d));
    bool of_object =
        strcmp(d->action->name, "create") == 0 || strcmp(d->action->name, "update") == 0;
    return of_object && d->kind->hooks.describe != NULL
               ? d->kind->hooks.describe(runtime, op, false, d->request)
               : CHY_OK;
}

chy_status chy_kind_describe(const struct chy_runtime *runtime, struct chy_op *op,
                             struct chy_slice kind, struct chy_slice action,
                             struct chy_described *out_described)
{
    struct chy_described d;
    memset(&d, 0, sizeof d);
    if (!chy_kinds_find(runtime->kinds, kind, action, &d.kind, &d.action)) {
        return chy_fail(op, CHY_NOT_FOUND, 0, "there is no action '%.*s' on '%.*s'",
                        (int)action.len, (const char *)action.ptr, (int)kind.len,
                        (const char *)kind.ptr);
    }
    const struct chy_kind *shown = d.kind->like == NULL ? d.kind : d.kind->like;
    d.has_object = shown->member_count != 0 || shown->decoration != NULL;
    CHY_TRY(object_name(op, shown, &d.name));
    CHY_TRY(describe_request(runtime, op, &d));
    CHY_TRY(describe_answer(op, &d));
    *out_described = d;
    return CHY_OK;
}
