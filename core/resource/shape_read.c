// Making a schema ready: from JSON to what documents are checked by.

#include "base/slice.h"
#include "resource/json.h"
#include "resource/shape_state.h"

#include <stdlib.h>

const struct chy_shape_type_name chy_shape_type_names[CHY_SHAPE_TYPE_COUNT] = {
    {"null", CHY_SHAPE_TYPE_NULL},       {"boolean", CHY_SHAPE_TYPE_BOOLEAN},
    {"integer", CHY_SHAPE_TYPE_INTEGER}, {"number", CHY_SHAPE_TYPE_NUMBER},
    {"string", CHY_SHAPE_TYPE_STRING},   {"array", CHY_SHAPE_TYPE_ARRAY},
    {"object", CHY_SHAPE_TYPE_OBJECT},
};

struct reading {
    struct chy_op *op;
    const char *where;
};

static chy_status fail_shape(const struct reading *r, const char *keyword)
{
    return chy_fail(r->op, CHY_BROKEN, 0, "schema of %s: keyword '%s' is unknown or ill-formed",
                    r->where, keyword);
}

static chy_status read_shape(const struct reading *r, const json_t *json, uint32_t depth,
                             struct chy_shape **out_schema);

static uint32_t type_bit(const json_t *name)
{
    for (size_t i = 0; i < CHY_SHAPE_TYPE_COUNT; i++) {
        if (chy_slice_is(chy_json_text(name), chy_shape_type_names[i].name)) {
            return chy_shape_type_names[i].bit;
        }
    }
    return 0;
}

static chy_status read_types(const struct reading *r, const json_t *json, struct chy_shape *schema)
{
    if (json_is_string(json)) {
        schema->types = type_bit(json);
        return schema->types != 0 ? CHY_OK : fail_shape(r, "type");
    }
    size_t i;
    json_t *name;
    json_array_foreach(json, i, name)
    {
        uint32_t bit = type_bit(name);
        if (bit == 0) {
            return fail_shape(r, "type");
        }
        schema->types |= bit;
    }
    return schema->types != 0 ? CHY_OK : fail_shape(r, "type");
}

static chy_status read_pattern(const struct reading *r, const json_t *json, const json_t *whole,
                               struct chy_shape *schema)
{
    const char *words = json_string_value(json_object_get(whole, "description"));
    if (!json_is_string(json) ||
        regcomp(&schema->pattern, json_string_value(json), REG_EXTENDED | REG_NOSUB) != 0) {
        return fail_shape(r, "pattern");
    }
    schema->has_pattern = true;
    schema->has_words = words != NULL;
    schema->pattern_text = strdup(words == NULL ? json_string_value(json) : words);
    return schema->pattern_text != NULL ? CHY_OK : chy_fail_memory(r->op);
}

static bool is_in(const json_t *names, const char *name)
{
    size_t i;
    json_t *entry;
    json_array_foreach(names, i, entry)
    {
        if (json_is_string(entry) && strcmp(json_string_value(entry), name) == 0) {
            return true;
        }
    }
    return false;
}

static chy_status read_properties(const struct reading *r, const json_t *json,
                                  const json_t *required, uint32_t depth, struct chy_shape *schema)
{
    if (!json_is_object(json)) {
        return fail_shape(r, "properties");
    }
    schema->properties = calloc(json_object_size(json) + 1, sizeof schema->properties[0]);
    if (schema->properties == NULL) {
        return chy_fail_memory(r->op);
    }
    const char *name;
    json_t *child;
    json_object_foreach((json_t *)(uintptr_t)json, name, child)
    {
        struct chy_shape_property *property = &schema->properties[schema->property_count++];
        property->required = is_in(required, name);
        property->name = strdup(name);
        if (property->name == NULL) {
            return chy_fail_memory(r->op);
        }
        CHY_TRY(read_shape(r, child, depth + 1, &property->schema));
    }
    return CHY_OK;
}

static bool read_count(const json_t *json, uint64_t *out_count)
{
    if (!json_is_integer(json) || json_integer_value(json) < 0) {
        return false;
    }
    *out_count = (uint64_t)json_integer_value(json);
    return true;
}

static bool read_limit(const json_t *json, bool *out_has, double *out_limit)
{
    *out_has = json_is_number(json);
    *out_limit = json_number_value(json);
    return *out_has;
}

static bool read_number_keyword(const char *keyword, const json_t *json, struct chy_shape *schema,
                                bool *out_known)
{
    *out_known = true;
    if (strcmp(keyword, "minLength") == 0) {
        return read_count(json, &schema->min_length);
    }
    if (strcmp(keyword, "maxLength") == 0) {
        return read_count(json, &schema->max_length);
    }
    if (strcmp(keyword, "minItems") == 0) {
        return read_count(json, &schema->min_items);
    }
    if (strcmp(keyword, "maxItems") == 0) {
        return read_count(json, &schema->max_items);
    }
    if (strcmp(keyword, "minimum") == 0) {
        return read_limit(json, &schema->has_minimum, &schema->minimum);
    }
    if (strcmp(keyword, "maximum") == 0) {
        return read_limit(json, &schema->has_maximum, &schema->maximum);
    }
    if (strcmp(keyword, "exclusiveMinimum") == 0) {
        return read_limit(json, &schema->has_exclusive_minimum, &schema->exclusive_minimum);
    }
    *out_known = false;
    return false;
}

static bool is_flag(const char *keyword, const json_t *json, struct chy_shape *schema)
{
    if (strcmp(keyword, "x-fold") == 0) {
        schema->fold = json_is_true(json);
    } else if (strcmp(keyword, "x-trim") == 0) {
        schema->trim = json_is_true(json);
    } else if (strcmp(keyword, "uniqueItems") == 0) {
        schema->unique_items = json_is_true(json);
    } else if (strcmp(keyword, "format") == 0 && chy_slice_is(chy_json_text(json), "uuid")) {
        schema->uuid = true;
    } else {
        return false;
    }
    return true;
}

static bool is_for_readers(const char *keyword)
{
    static const char *const names[] = {"title",    "description", "default",
                                        "examples", "required",    "deprecated"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(keyword, names[i]) == 0) {
            return true;
        }
    }
    return false;
}

static chy_status read_keyword(const struct reading *r, const char *keyword, const json_t *json,
                               const json_t *whole, uint32_t depth, struct chy_shape *schema)
{
    bool known;
    if (read_number_keyword(keyword, json, schema, &known)) {
        return CHY_OK;
    }
    if (known) {
        return fail_shape(r, keyword);
    }
    if (is_flag(keyword, json, schema) || is_for_readers(keyword)) {
        return CHY_OK;
    }
    if (strcmp(keyword, "type") == 0) {
        return read_types(r, json, schema);
    }
    if (strcmp(keyword, "enum") == 0 && json_is_array(json)) {
        schema->choices = json_deep_copy(json);
        return schema->choices != NULL ? CHY_OK : chy_fail_memory(r->op);
    }
    if (strcmp(keyword, "pattern") == 0) {
        return read_pattern(r, json, whole, schema);
    }
    if (strcmp(keyword, "items") == 0) {
        return read_shape(r, json, depth + 1, &schema->items);
    }
    if (strcmp(keyword, "properties") == 0) {
        return read_properties(r, json, json_object_get(whole, "required"), depth, schema);
    }
    return fail_shape(r, keyword);
}

/** check_required: a required member that no property declares would not be asked for. */
static chy_status check_required(const struct reading *r, const json_t *required,
                                 const struct chy_shape *schema)
{
    size_t i;
    json_t *name;
    if (required != NULL && !json_is_array(required)) {
        return fail_shape(r, "required");
    }
    json_array_foreach(required, i, name)
    {
        bool is_declared = false;
        for (size_t k = 0; k < schema->property_count; k++) {
            is_declared =
                is_declared || chy_slice_is(chy_json_text(name), schema->properties[k].name);
        }
        if (!is_declared) {
            return fail_shape(r, "required");
        }
    }
    return CHY_OK;
}

static chy_status read_shape(const struct reading *r, const json_t *json, uint32_t depth,
                             struct chy_shape **out_schema)
{
    if (!json_is_object(json) || depth > CHY_JSON_DEPTH_MAX) {
        return fail_shape(r, "(object)");
    }
    struct chy_shape *schema = calloc(1, sizeof *schema);
    if (schema == NULL) {
        return chy_fail_memory(r->op);
    }
    schema->max_length = UINT64_MAX;
    schema->max_items = UINT64_MAX;
    *out_schema = schema; // its owner frees it, also half read
    const char *keyword;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)json, keyword, value)
    {
        CHY_TRY(read_keyword(r, keyword, value, json, depth, schema));
    }
    return check_required(r, json_object_get(json, "required"), schema);
}

chy_status chy_shape_from_json(struct chy_op *op, const json_t *json, const char *where,
                               struct chy_shape **out_schema)
{
    struct reading r = {op, where};
    struct chy_shape *schema = NULL;
    chy_status status = read_shape(&r, json, 0, &schema);
    if (status != CHY_OK) {
        chy_shape_free(schema);
        return status;
    }
    *out_schema = schema;
    return CHY_OK;
}

chy_status chy_shape_new(struct chy_op *op, struct chy_slice text, const char *where,
                         struct chy_shape **out_schema)
{
    json_t *json;
    CHY_TRY(chy_json_parse(op, text, &json));
    return chy_shape_from_json(op, json, where, out_schema);
}

void chy_shape_free(struct chy_shape *schema)
{
    if (schema == NULL) {
        return;
    }
    if (schema->has_pattern) {
        regfree(&schema->pattern);
    }
    free(schema->pattern_text);
    json_decref(schema->choices);
    chy_shape_free(schema->items);
    for (size_t i = 0; i < schema->property_count; i++) {
        free(schema->properties[i].name);
        chy_shape_free(schema->properties[i].schema);
    }
    free(schema->properties);
    free(schema);
}
