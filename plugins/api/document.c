#include "api.h"

static void drop(void *json)
{
    json_decref((json_t *)json);
}

chy_status api_own(struct chy_op *op, json_t *json)
{
    if (json == NULL) {
        return chy_fail_memory(op);
    }
    chy_status status = chy_defer(op, drop, json);
    if (status != CHY_OK) {
        json_decref(json);
    }
    return status;
}

chy_status api_read(struct chy_op *op, struct chy_slice text, json_t **out_json)
{
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

chy_status api_parse(struct chy_op *op, struct chy_slice text, json_t **out_json)
{
    json_t *json;
    CHY_TRY(api_read(op, text, &json));
    CHY_TRY(api_own(op, json));
    *out_json = json;
    return CHY_OK;
}

struct chy_slice api_text(const json_t *json)
{
    return json_is_string(json) ? chy_slice_of(json_string_value(json), json_string_length(json))
                                : chy_slice_of(NULL, 0);
}

chy_status api_write(struct chy_op *op, const json_t *json, bool secret, struct chy_slice *out_text)
{
    size_t size = json_dumpb(json, NULL, 0, JSON_COMPACT);
    char *text = secret ? chy_secret_alloc(op, size + 1) : chy_alloc(op, size + 1);
    if (size == 0 || text == NULL || json_dumpb(json, text, size, JSON_COMPACT) != size) {
        return chy_fail_memory(op);
    }
    *out_text = chy_slice_of(text, size);
    return CHY_OK;
}

struct chy_slice api_parameter(struct chy_view pairs, const char *name)
{
    for (uint64_t i = 0; i < pairs.count; i++) {
        const struct chy_pair *pair = (const struct chy_pair *)chy_view_at(pairs, i);
        if (chy_slice_is(pair->name, name)) {
            return pair->value;
        }
    }
    return chy_slice_of(NULL, 0);
}
