#include "resource/json.h"

#include "base/time.h"

#include <stdlib.h>

#define HEADER_SIZE 16

// jansson tells no size when it frees, so each block carries its own in front.
static void *wiping_malloc(size_t size)
{
    if (size > SIZE_MAX - HEADER_SIZE) {
        return NULL;
    }
    uint8_t *block = malloc(size + HEADER_SIZE);
    if (block == NULL) {
        return NULL;
    }
    memcpy(block, &size, sizeof size);
    return block + HEADER_SIZE;
}

static void wiping_free(void *ptr)
{
    if (ptr == NULL) {
        return;
    }
    uint8_t *block = (uint8_t *)ptr - HEADER_SIZE;
    size_t size;
    memcpy(&size, block, sizeof size);
    explicit_bzero(block, size + HEADER_SIZE);
    free(block);
}

void chy_json_setup(void)
{
    json_set_alloc_funcs(wiping_malloc, wiping_free);
}

static void drop(void *json)
{
    json_decref(json);
}

chy_status chy_json_own(struct chy_op *op, json_t *json)
{
    return chy_defer(op, drop, json_incref(json));
}

static chy_status adopt(struct chy_op *op, json_t *json)
{
    chy_status status = chy_defer(op, drop, json);
    if (status != CHY_OK) {
        json_decref(json);
    }
    return status;
}

// jansson's own limit is 2048 and compiled in; ours must hold before it recurses.
static bool is_too_deep(struct chy_slice text)
{
    uint32_t depth = 0;
    bool in_string = false;
    for (uint64_t i = 0; i < text.len; i++) {
        uint8_t byte = text.ptr[i];
        if (in_string) {
            if (byte == '\\') {
                i++;
            } else if (byte == '"') {
                in_string = false;
            }
        } else if (byte == '"') {
            in_string = true;
        } else if (byte == '{' || byte == '[') {
            depth++;
            if (depth > CHY_JSON_DEPTH_MAX) {
                return true;
            }
        } else if ((byte == '}' || byte == ']') && depth > 0) {
            depth--;
        }
    }
    return false;
}

chy_status chy_json_read(struct chy_op *op, struct chy_slice text, json_t **out_json)
{
    if (is_too_deep(text)) {
        return chy_fail(op, CHY_BAD_INPUT, 0, "the JSON document nests deeper than %d levels",
                        CHY_JSON_DEPTH_MAX);
    }
    json_error_t error;
    json_t *json = json_loadb((const char *)text.ptr, (size_t)text.len,
                              JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
    if (json == NULL) {
        // jansson shows the text near the fault, which may be a secret: messages are logged.
        const char *near = strstr(error.text, " near ");
        int len = near == NULL ? (int)strlen(error.text) : (int)(near - error.text);
        return chy_fail(op, CHY_BAD_INPUT, 0,
                        "the body is not a JSON document: %.*s (line %d, column %d)", len,
                        error.text, error.line, error.column);
    }
    *out_json = json;
    return CHY_OK;
}

chy_status chy_json_parse(struct chy_op *op, struct chy_slice text, json_t **out_json)
{
    json_t *json;
    CHY_TRY(chy_json_read(op, text, &json));
    CHY_TRY(adopt(op, json));
    *out_json = json;
    return CHY_OK;
}

json_t *chy_json_object(struct chy_op *op)
{
    json_t *object = json_object();
    return object != NULL && adopt(op, object) == CHY_OK ? object : NULL;
}

json_t *chy_json_array(struct chy_op *op)
{
    json_t *array = json_array();
    return array != NULL && adopt(op, array) == CHY_OK ? array : NULL;
}

static int add_to_buf(const char *text, size_t len, void *buf)
{
    chy_buf_add(buf, chy_slice_of(text, len));
    return chy_buf_ok((struct chy_buf *)buf) ? 0 : -1;
}

/** write_to writes the members as they come, or, with JSON_SORT_KEYS, by name. */
static chy_status write_to(struct chy_op *op, const json_t *json, size_t flags, struct chy_buf *buf,
                           struct chy_slice *out_text)
{
    if (json == NULL || json_dump_callback(json, add_to_buf, buf, JSON_ENCODE_ANY | flags) != 0 ||
        !chy_buf_ok(buf)) {
        return chy_buf_fail(buf, op, "the JSON document");
    }
    *out_text = chy_buf_slice(buf);
    return CHY_OK;
}

chy_status chy_json_write(struct chy_op *op, const json_t *json, struct chy_slice *out_text)
{
    struct chy_buf buf;
    chy_buf_init(&buf, op, CHY_JSON_MAX);
    return write_to(op, json, JSON_COMPACT, &buf, out_text);
}

chy_status chy_json_write_sorted(struct chy_op *op, const json_t *json, struct chy_slice *out_text)
{
    struct chy_buf buf;
    chy_buf_init(&buf, op, CHY_JSON_MAX);
    return write_to(op, json, JSON_COMPACT | JSON_SORT_KEYS, &buf, out_text);
}

chy_status chy_json_write_lines(struct chy_op *op, const json_t *json, struct chy_slice *out_text)
{
    struct chy_buf buf;
    struct chy_slice text;
    chy_buf_init(&buf, op, CHY_JSON_MAX);
    CHY_TRY(write_to(op, json, JSON_INDENT(2), &buf, &text));
    chy_buf_add_u8(&buf, '\n');
    *out_text = chy_buf_slice(&buf);
    return chy_buf_ok(&buf) ? CHY_OK : chy_buf_fail(&buf, op, "the JSON document");
}

chy_status chy_json_write_secret(struct chy_op *op, const json_t *json, struct chy_slice *out_text)
{
    struct chy_buf buf;
    chy_buf_init_secret(&buf, op, CHY_JSON_MAX);
    return write_to(op, json, JSON_COMPACT, &buf, out_text);
}

struct chy_slice chy_json_text(const json_t *json)
{
    return json_is_string(json) ? chy_slice_of(json_string_value(json), json_string_length(json))
                                : chy_slice_of(NULL, 0);
}

struct chy_slice chy_json_member(const json_t *object, const char *name)
{
    return chy_json_text(json_object_get(object, name));
}

bool chy_json_has_text(const json_t *list, struct chy_slice text)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        if (chy_slice_equal(chy_json_text(json_array_get(list, i)), text)) {
            return true;
        }
    }
    return false;
}

bool chy_json_set_text(json_t *object, const char *name, struct chy_slice text)
{
    return json_object_set_new(
               object, name,
               json_stringn((const char *)(text.len == 0 ? (const uint8_t *)"" : text.ptr),
                            (size_t)text.len)) == 0;
}

bool chy_json_set_uuid(json_t *object, const char *name, const struct chy_uuid *uuid)
{
    char text[CHY_UUID_TEXT_SIZE];
    chy_uuid_format(uuid, text);
    return chy_json_set_text(object, name, chy_slice_of(text, CHY_UUID_TEXT_LEN));
}

bool chy_json_set_time(json_t *object, const char *name, int64_t time)
{
    char text[CHY_TIME_TEXT_SIZE];
    chy_time_format(time, text);
    return chy_json_set_text(object, name, chy_slice_of(text, CHY_TIME_TEXT_LEN));
}

bool chy_json_set_null(json_t *object, const char *name)
{
    return json_object_set_new(object, name, json_null()) == 0;
}

bool chy_json_set_int(json_t *object, const char *name, int64_t number)
{
    return json_object_set_new(object, name, json_integer(number)) == 0;
}

bool chy_json_set_bool(json_t *object, const char *name, bool value)
{
    return json_object_set_new(object, name, json_boolean(value)) == 0;
}
