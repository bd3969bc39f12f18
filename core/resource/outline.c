#include "resource/outline.h"

#include "base/slice.h"

static const struct {
    const char *word;
    const char *type; /**< NULL: any */
    const char *format;
} words[] = {
    {"text", "string", NULL},        {"int", "integer", NULL},
    {"bool", "boolean", NULL},       {"id", "string", "uuid"},
    {"time", "string", "date-time"}, {"list", "array", NULL},
    {"object", "object", NULL},      {"any", NULL, NULL},
};

static json_t *type_of(const char *type, bool or_null)
{
    return or_null ? json_pack("[s,s]", type, "null") : json_string(type);
}

/** cut_mark takes the ? from the end of a text. */
static bool cut_mark(struct chy_slice *text)
{
    bool marked = text->len != 0 && text->ptr[text->len - 1] == '?';
    text->len -= marked ? 1 : 0;
    return marked;
}

static json_t *reference(struct chy_slice name, bool or_null)
{
    json_t *to = json_pack(
        "{s:o}", "$ref",
        json_sprintf(CHY_OUTLINE_REFERENCE "%.*s", (int)name.len, (const char *)name.ptr));
    return or_null ? json_pack("{s:[o,{s:s}]}", "anyOf", to, "type", "null") : to;
}

static json_t *choice(struct chy_slice text, bool or_null)
{
    json_t *list = json_array();
    struct chy_slice rest = text;
    struct chy_slice word;
    while (rest.len != 0) {
        if (!chy_slice_cut(rest, '|', &word, &rest)) {
            word = rest;
            rest = chy_slice_of(NULL, 0);
        }
        (void)json_array_append_new(list, json_stringn((const char *)word.ptr, (size_t)word.len));
    }
    if (or_null) {
        (void)json_array_append_new(list, json_null());
    }
    return json_pack("{s:o,s:o}", "type", type_of("string", or_null), "enum", list);
}

/** word_schema gives NULL for a word that nobody knows. */
static json_t *word_schema(struct chy_slice text)
{
    bool or_null = cut_mark(&text);
    if (text.len > 1 && text.ptr[0] == '#') {
        return reference(chy_slice_skip(text, 1), or_null);
    }
    if (text.len > 1 && text.ptr[0] == '=') {
        return choice(chy_slice_skip(text, 1), or_null);
    }
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (!chy_slice_is(text, words[i].word)) {
            continue;
        }
        json_t *schema = json_object();
        bool fine = words[i].type == NULL ||
                    json_object_set_new(schema, "type", type_of(words[i].type, or_null)) == 0;
        fine = fine && (words[i].format == NULL ||
                        json_object_set_new(schema, "format", json_string(words[i].format)) == 0);
        return fine ? schema : (json_decref(schema), NULL);
    }
    return NULL;
}

static json_t *schema_of(const json_t *outline);

static json_t *object_schema(const json_t *outline)
{
    json_t *properties = json_object();
    json_t *required = json_array();
    const char *key;
    json_t *value;
    bool fine = true;
    json_object_foreach((json_t *)(uintptr_t)outline, key, value)
    {
        struct chy_slice name = chy_text(key);
        bool is_optional = cut_mark(&name);
        json_t *text = json_stringn((const char *)name.ptr, (size_t)name.len);
        fine = fine && text != NULL &&
               json_object_set_new(properties, json_string_value(text), schema_of(value)) == 0 &&
               (is_optional || json_array_append(required, text) == 0);
        json_decref(text);
    }
    json_t *schema = json_pack("{s:s,s:o,s:o}", "type", "object", "required", required,
                               "properties", properties);
    return fine ? schema : (json_decref(schema), NULL);
}

static json_t *schema_of(const json_t *outline)
{
    if (json_is_object(outline)) {
        return object_schema(outline);
    }
    if (json_array_size(outline) == 2 && json_is_null(json_array_get(outline, 1))) {
        json_t *schema = schema_of(json_array_get(outline, 0));
        return json_pack("{s:[o,{s:s}]}", "anyOf", schema, "type", "null");
    }
    if (json_array_size(outline) == 1) {
        json_t *items = schema_of(json_array_get(outline, 0));
        return items == NULL ? NULL : json_pack("{s:s,s:o}", "type", "array", "items", items);
    }
    return json_is_string(outline) ? word_schema(chy_json_text(outline)) : NULL;
}

chy_status chy_outline_schema(struct chy_op *op, const char *outline, json_t **out_schema)
{
    struct chy_slice text;
    json_t *parsed;
    CHY_TRY(chy_copy(op, chy_text(outline), &text));
    uint8_t *quotes = (uint8_t *)(uintptr_t)text.ptr; // a fresh copy of ours
    for (uint64_t i = 0; i < text.len; i++) {
        quotes[i] = quotes[i] == '\'' ? '"' : quotes[i];
    }
    CHY_TRY(chy_json_parse(op, text, &parsed));
    json_t *schema = schema_of(parsed);
    if (schema == NULL) {
        return chy_fail(op, CHY_BROKEN, 0, "this is no outline of an answer: %s", outline);
    }
    chy_status status = chy_json_own(op, schema);
    json_decref(schema);
    *out_schema = schema;
    return status;
}
