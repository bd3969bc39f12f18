#include "resource/shape.h"

#include "base/slice.h"
#include "base/uuid.h"
#include "resource/json.h"
#include "resource/shape_state.h"

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

static void record(struct chy_op *op, const char *code, struct chy_slice path, const char *format,
                   va_list arguments) CHY_PRINTF(4, 0);
static void record(struct chy_op *op, const char *code, struct chy_slice path, const char *format,
                   va_list arguments)
{
    char message[CHY_MESSAGE_MAX];
    (void)vsnprintf(message, sizeof message, format, arguments);
    struct chy_issue found = {chy_text(code), path, chy_text(message)};
    op->host->issue(op, &found);
}

static void issue(struct walk *w, const char *code, const char *format, ...) CHY_PRINTF(3, 4);
static void issue(struct walk *w, const char *code, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    record(w->op, code, chy_slice_of(w->path, w->path_len), format, arguments);
    va_end(arguments);
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
    case JSON_OBJECT: return CHY_SHAPE_TYPE_OBJECT;
    case JSON_ARRAY: return CHY_SHAPE_TYPE_ARRAY;
    case JSON_STRING: return CHY_SHAPE_TYPE_STRING;
    case JSON_INTEGER: return CHY_SHAPE_TYPE_INTEGER | CHY_SHAPE_TYPE_NUMBER;
    case JSON_REAL: return CHY_SHAPE_TYPE_NUMBER;
    case JSON_TRUE:
    case JSON_FALSE: return CHY_SHAPE_TYPE_BOOLEAN;
    case JSON_NULL: return CHY_SHAPE_TYPE_NULL;
    }
    return 0;
}

static const char *type_word(uint32_t types)
{
    for (size_t i = CHY_SHAPE_TYPE_COUNT; i > 0; i--) {
        if ((types & chy_shape_type_names[i - 1].bit) != 0) {
            return chy_shape_type_names[i - 1].name;
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
        const struct chy_shape_property *property = &schema->properties[i];
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
    if (type == CHY_SHAPE_TYPE_NULL) {
        return; // nothing else is said of null
    }
    if ((type & CHY_SHAPE_TYPE_STRING) != 0) {
        check_string(w, schema, value);
    } else if ((type & CHY_SHAPE_TYPE_NUMBER) != 0) {
        check_number(w, schema, value);
    } else if ((type & CHY_SHAPE_TYPE_ARRAY) != 0) {
        check_array(w, schema, value);
    } else if ((type & CHY_SHAPE_TYPE_OBJECT) != 0) {
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

/* ------------------------------------------------------------------------------------------------
 * Making a document fit
 */

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
    if ((types & (CHY_SHAPE_TYPE_INTEGER | CHY_SHAPE_TYPE_NUMBER)) != 0 &&
        chy_slice_parse_i64(text, INT64_MIN, INT64_MAX, &number)) {
        return json_integer(number);
    }
    if ((types & CHY_SHAPE_TYPE_BOOLEAN) != 0) {
        return chy_slice_is(text, "true")    ? json_true()
               : chy_slice_is(text, "false") ? json_false()
                                             : NULL;
    }
    return (types & CHY_SHAPE_TYPE_ARRAY) != 0 ? coerced_list(text) : NULL;
}

void chy_shape_coerce(const struct chy_shape *shape, json_t *document)
{
    for (size_t i = 0; i < shape->property_count; i++) {
        const struct chy_shape_property *property = &shape->properties[i];
        const json_t *member = json_object_get(document, property->name);
        if (json_is_string(member) && (property->schema->types & CHY_SHAPE_TYPE_STRING) == 0) {
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
        const struct chy_shape_property *property = &shape->properties[i];
        struct chy_slice text = chy_json_member(document, property->name);
        struct chy_slice trimmed = chy_slice_trim(text);
        if (property->schema->trim && trimmed.len != text.len &&
            !chy_json_set_text(document, property->name, trimmed)) {
            return chy_fail_memory(op);
        }
    }
    return CHY_OK;
}

/* ------------------------------------------------------------------------------------------------
 * What is found by other means
 */

void chy_shape_issue(struct chy_op *op, const char *code, const char *path, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    record(op, code, chy_text(path), format, arguments);
    va_end(arguments);
}

chy_status chy_shape_refuse_one(struct chy_op *op, const char *code, const char *path,
                                const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    record(op, code, chy_text(path), format, arguments);
    va_end(arguments);
    return chy_shape_refuse(op);
}
