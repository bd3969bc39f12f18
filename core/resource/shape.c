#include "resource/shape.h"

#include "base/slice.h"
#include "base/uuid.h"
#include "resource/json.h"

#include <regex.h>
#include <stdlib.h>

enum type_bit {
    TYPE_NULL = 1U << 0,
    TYPE_BOOLEAN = 1U << 1,
    TYPE_INTEGER = 1U << 2,
    TYPE_NUMBER = 1U << 3,
    TYPE_STRING = 1U << 4,
    TYPE_ARRAY = 1U << 5,
    TYPE_OBJECT = 1U << 6
};

static const struct {
    const char *name;
    uint32_t bit;
} type_names[] = {
    {"null", TYPE_NULL},     {"boolean", TYPE_BOOLEAN}, {"integer", TYPE_INTEGER},
    {"number", TYPE_NUMBER}, {"string", TYPE_STRING},   {"array", TYPE_ARRAY},
    {"object", TYPE_OBJECT},
};
#define TYPE_COUNT (sizeof type_names / sizeof type_names[0])

struct property {
    char *name;
    struct chy_shape *schema;
    bool required;
};

struct chy_shape {
    uint32_t types; /**< 0: any */
    bool fold;
    bool trim;
    bool uuid;
    bool unique_items;
    bool has_pattern;
    bool has_minimum;
    bool has_maximum;
    bool has_exclusive_minimum;
    double minimum;
    double maximum;
    double exclusive_minimum;
    uint64_t min_length;
    uint64_t max_length;
    uint64_t min_items;
    uint64_t max_items;
    regex_t pattern;
    char *pattern_text; /**< or, with has_words, what it means to people */
    bool has_words;
    json_t *choices;
    struct chy_shape *items;
    struct property *properties;
    size_t property_count;
};

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

/* ------------------------------------------------------------------------------------------------
 * Reading a schema
 */

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
    for (size_t i = 0; i < TYPE_COUNT; i++) {
        if (chy_slice_is(chy_json_text(name), type_names[i].name)) {
            return type_names[i].bit;
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
        struct property *property = &schema->properties[schema->property_count++];
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

/* ------------------------------------------------------------------------------------------------
 * Checking a document
 */

#define PATH_MAX_LEN 256

/** A JSON Pointer that grows and shrinks with the walk. */
struct walk {
    struct chy_op *op;
    bool failed;
    size_t path_len;
    char path[PATH_MAX_LEN];
};

static void issue(struct walk *w, const char *code, const char *format, ...) CHY_PRINTF(3, 4);
static void issue(struct walk *w, const char *code, const char *format, ...)
{
    char message[CHY_MESSAGE_MAX];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    struct chy_issue found = {chy_text(code), chy_slice_of(w->path, w->path_len),
                              chy_text(message)};
    w->op->host->issue(w->op, &found);
    w->failed = true;
}

static size_t path_push(struct walk *w, const char *segment)
{
    size_t before = w->path_len;
    if (before + 1 < PATH_MAX_LEN) {
        w->path[w->path_len++] = '/';
    }
    for (const char *c = segment; *c != '\0' && w->path_len + 2 < PATH_MAX_LEN; c++) {
        if (*c == '~' || *c == '/') { // RFC 6901 3
            w->path[w->path_len++] = '~';
            w->path[w->path_len++] = *c == '~' ? '0' : '1';
        } else {
            w->path[w->path_len++] = *c;
        }
    }
    return before;
}

static uint32_t type_of(const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT: return TYPE_OBJECT;
    case JSON_ARRAY: return TYPE_ARRAY;
    case JSON_STRING: return TYPE_STRING;
    case JSON_INTEGER: return TYPE_INTEGER | TYPE_NUMBER;
    case JSON_REAL: return TYPE_NUMBER;
    case JSON_TRUE:
    case JSON_FALSE: return TYPE_BOOLEAN;
    case JSON_NULL: return TYPE_NULL;
    }
    return 0;
}

static const char *type_word(uint32_t types)
{
    for (size_t i = TYPE_COUNT; i > 0; i--) {
        if ((types & type_names[i - 1].bit) != 0) {
            return type_names[i - 1].name;
        }
    }
    return "value";
}

static uint64_t character_count(struct chy_slice text)
{
    uint64_t count = 0;
    for (uint64_t i = 0; i < text.len; i++) {
        count += (text.ptr[i] & 0xC0U) != 0x80U;
    }
    return count;
}

static bool is_choice(const struct chy_shape *schema, const json_t *value)
{
    size_t i;
    json_t *choice;
    json_array_foreach(schema->choices, i, choice)
    {
        if (json_equal(choice, (json_t *)(uintptr_t)value) ||
            (schema->fold && json_is_string(choice) && json_is_string(value) &&
             chy_slice_equal_nocase(chy_json_text(choice), chy_json_text(value)))) {
            return true;
        }
    }
    return false;
}

static void issue_choice(struct walk *w, const struct chy_shape *schema)
{
    char list[CHY_MESSAGE_MAX / 2] = "";
    size_t len = 0;
    size_t i;
    json_t *choice;
    json_array_foreach(schema->choices, i, choice)
    {
        if (json_is_string(choice) && len < sizeof list) {
            int more = snprintf(list + len, sizeof list - len, "%s%s", i == 0 ? "" : ", ",
                                json_string_value(choice));
            len += more > 0 ? (size_t)more : 0;
        }
    }
    issue(w, "invalid_enum_value", "expected one of: %s", list);
}

static void check_string(struct walk *w, const struct chy_shape *schema, const json_t *value)
{
    struct chy_slice text = chy_json_text(value);
    if (memchr(text.ptr, 0, (size_t)text.len) != NULL) {
        issue(w, "invalid_string", "a NUL character is not permitted");
        return;
    }
    uint64_t count = character_count(schema->trim ? chy_slice_trim(text) : text);
    if (count < schema->min_length) {
        issue(w, "too_small", "expected at least %llu character(s), received %llu",
              (unsigned long long)schema->min_length, (unsigned long long)count);
    }
    if (count > schema->max_length) {
        issue(w, "too_big", "expected at most %llu character(s), received %llu",
              (unsigned long long)schema->max_length, (unsigned long long)count);
        return; // no pattern over what is longer than it may be
    }
    struct chy_uuid uuid;
    if (schema->uuid && !chy_uuid_parse(text, &uuid)) {
        issue(w, "invalid_string", "expected a UUID");
    }
    if (schema->has_pattern && count >= schema->min_length &&
        regexec(&schema->pattern, json_string_value(value), 0, NULL, 0) != 0) {
        issue(w, "invalid_string",
              schema->has_words ? "expected %s" : "does not match the pattern %s",
              schema->pattern_text);
    }
}

static void check_number(struct walk *w, const struct chy_shape *schema, const json_t *value)
{
    double number = json_number_value(value);
    if (schema->has_minimum && number < schema->minimum) {
        issue(w, "too_small", "expected %.15g or more", schema->minimum);
    }
    if (schema->has_exclusive_minimum && number <= schema->exclusive_minimum) {
        issue(w, "too_small", "expected more than %.15g", schema->exclusive_minimum);
    }
    if (schema->has_maximum && number > schema->maximum) {
        issue(w, "too_big", "expected %.15g or less", schema->maximum);
    }
}

static void check(struct walk *w, const struct chy_shape *schema, const json_t *value);

static void check_array(struct walk *w, const struct chy_shape *schema, const json_t *value)
{
    size_t count = json_array_size(value);
    if (count < schema->min_items) {
        issue(w, "too_small", "expected at least %llu element(s), received %zu",
              (unsigned long long)schema->min_items, count);
    }
    if (count > schema->max_items) {
        issue(w, "too_big", "expected at most %llu element(s), received %zu",
              (unsigned long long)schema->max_items, count);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        char index[24];
        (void)snprintf(index, sizeof index, "%zu", i);
        size_t before = path_push(w, index);
        if (schema->items != NULL) {
            check(w, schema->items, json_array_get(value, i));
        }
        for (size_t k = 0; schema->unique_items && k < i; k++) {
            if (json_equal(json_array_get(value, i), json_array_get(value, k))) {
                issue(w, "not_unique", "the same value stands there twice");
                break;
            }
        }
        w->path_len = before;
    }
}

static void check_object(struct walk *w, const struct chy_shape *schema, const json_t *value)
{
    for (size_t i = 0; i < schema->property_count; i++) {
        const struct property *property = &schema->properties[i];
        const json_t *member = json_object_get(value, property->name);
        size_t before = path_push(w, property->name);
        if (member != NULL) {
            check(w, property->schema, member);
        } else if (property->required) {
            issue(w, "invalid_type", "required: expected %s, received nothing",
                  type_word(property->schema->types));
        }
        w->path_len = before;
    }
}

static void check(struct walk *w, const struct chy_shape *schema, const json_t *value)
{
    uint32_t type = type_of(value);
    if (schema->types != 0 && (schema->types & type) == 0) {
        issue(w, "invalid_type", "expected %s, received %s", type_word(schema->types),
              type_word(type));
        return;
    }
    if (schema->choices != NULL && !is_choice(schema, value)) {
        issue_choice(w, schema);
        return;
    }
    if (type == TYPE_NULL) {
        return; // nothing else is said of null
    }
    if ((type & TYPE_STRING) != 0) {
        check_string(w, schema, value);
    } else if ((type & TYPE_NUMBER) != 0) {
        check_number(w, schema, value);
    } else if ((type & TYPE_ARRAY) != 0) {
        check_array(w, schema, value);
    } else if ((type & TYPE_OBJECT) != 0) {
        check_object(w, schema, value);
    }
}

chy_status chy_shape_refuse(struct chy_op *op)
{
    return chy_fail_reason(op, CHY_BAD_INPUT, CHY_REASON_VALIDATION,
                           "the request does not have the documented form");
}

chy_status chy_shape_check(struct chy_op *op, const struct chy_shape *schema,
                           const json_t *document)
{
    struct walk w = {.op = op};
    check(&w, schema, document);
    return w.failed ? chy_shape_refuse(op) : CHY_OK;
}

static json_t *coerced_list(struct chy_slice text)
{
    json_t *list = json_array();
    struct chy_slice rest = text;
    while (list != NULL && rest.len != 0) {
        struct chy_slice item;
        if (!chy_slice_cut(rest, ',', &item, &rest)) {
            item = rest;
            rest = chy_slice_of(NULL, 0);
        }
        (void)json_array_append_new(list, json_stringn((const char *)item.ptr, (size_t)item.len));
    }
    return list;
}

static json_t *coerced(uint32_t types, struct chy_slice text)
{
    int64_t number;
    if ((types & (TYPE_INTEGER | TYPE_NUMBER)) != 0 &&
        chy_slice_parse_i64(text, INT64_MIN, INT64_MAX, &number)) {
        return json_integer(number);
    }
    if ((types & TYPE_BOOLEAN) != 0) {
        return chy_slice_is(text, "true")    ? json_true()
               : chy_slice_is(text, "false") ? json_false()
                                             : NULL;
    }
    return (types & TYPE_ARRAY) != 0 ? coerced_list(text) : NULL;
}

void chy_shape_coerce(const struct chy_shape *shape, json_t *document)
{
    for (size_t i = 0; i < shape->property_count; i++) {
        const struct property *property = &shape->properties[i];
        const json_t *member = json_object_get(document, property->name);
        if (json_is_string(member) && (property->schema->types & TYPE_STRING) == 0) {
            json_t *value = coerced(property->schema->types, chy_json_text(member));
            if (value != NULL) {
                (void)json_object_set_new(document, property->name, value);
            }
        }
    }
}

chy_status chy_shape_trim(struct chy_op *op, const struct chy_shape *shape, json_t *document)
{
    for (size_t i = 0; i < shape->property_count; i++) {
        const struct property *property = &shape->properties[i];
        struct chy_slice text = chy_json_member(document, property->name);
        struct chy_slice trimmed = chy_slice_trim(text);
        if (property->schema->trim && trimmed.len != text.len &&
            !chy_json_set_text(document, property->name, trimmed)) {
            return chy_fail_memory(op);
        }
    }
    return CHY_OK;
}

void chy_shape_issue(struct chy_op *op, const char *code, const char *path, const char *format, ...)
{
    char message[CHY_MESSAGE_MAX];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    struct chy_issue found = {chy_text(code), chy_text(path), chy_text(message)};
    op->host->issue(op, &found);
}

chy_status chy_shape_refuse_one(struct chy_op *op, const char *code, const char *path,
                                const char *format, ...)
{
    char message[CHY_MESSAGE_MAX];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    chy_shape_issue(op, code, path, "%s", message);
    return chy_shape_refuse(op);
}
