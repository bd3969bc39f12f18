#include "resource/option_config.h"

#include "base/slice.h"
#include "base/time.h"
#include "plugin/values.h"
#include "plugin/view.h"
#include "resource/shape.h"

void chy_option_config_name(const struct chy_option *option, char out_name[CHY_OPTION_NAME_SIZE])
{
    size_t len = 0;
    bool upper = false;
    for (uint64_t i = 0; i < option->name.len && len + 1 < CHY_OPTION_NAME_SIZE; i++) {
        char c = (char)option->name.ptr[i];
        if (c == '_') {
            upper = true;
        } else {
            out_name[len++] = upper && c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
            upper = false;
        }
    }
    out_name[len] = '\0';
}

/* ------------------------------------------------------------------------------------------------
 * Checked
 */

struct check {
    struct chy_op *op;
    const char *path; /**< where the options are in the body */
    bool failed;
};

static void issue(struct check *check, const char *option, const char *code, const char *text)
{
    char path[128];
    (void)snprintf(path, sizeof path, "%s/%s", check->path, option);
    chy_shape_issue(check->op, code, path, "%s", text);
    check->failed = true;
}

static void check_range(struct check *check, const struct chy_option *option, const char *name,
                        int64_t number, const char *of)
{
    char text[128];
    bool unlimited = option->minimum == 0 && option->maximum == 0;
    if (unlimited || (number >= option->minimum && number <= option->maximum)) {
        return;
    }
    (void)snprintf(text, sizeof text, "expected %s from %lld to %lld, received %lld", of,
                   (long long)option->minimum, (long long)option->maximum, (long long)number);
    issue(check, name, number < option->minimum ? "too_small" : "too_big", text);
}

static bool is_choice(const struct chy_option *option, struct chy_slice text)
{
    for (uint64_t i = 0; i < option->choices.count; i++) {
        const struct chy_slice *choice = chy_view_item(option->choices, i);
        if (chy_slice_equal(*choice, text)) {
            return true;
        }
    }
    return false;
}

static void check_list(struct check *check, const struct chy_option *option, const char *name,
                       const json_t *value)
{
    if (!json_is_array(value)) {
        issue(check, name, "invalid_type", "expected array");
        return;
    }
    check_range(check, option, name, (int64_t)json_array_size(value), "a length");
    for (size_t i = 0; i < json_array_size(value); i++) {
        const json_t *item = json_array_get(value, i);
        char place[CHY_OPTION_NAME_SIZE + 24];
        (void)snprintf(place, sizeof place, "%s/%zu", name, i);
        if (!json_is_string(item)) {
            issue(check, place, "invalid_type", "expected string");
        } else if (json_string_length(item) == 0 ||
                   json_string_length(item) > CHY_OPTION_ITEM_MAX) {
            issue(check, place, "too_big", "expected a text of 1 to 1024 bytes");
        }
    }
}

static void check_value(struct check *check, const struct chy_option *option, const char *name,
                        const json_t *value)
{
    int64_t duration;
    switch ((enum chy_option_type)option->type) {
    case CHY_OPTION_INT:
    case CHY_OPTION_SIZE:
        if (!json_is_integer(value)) {
            issue(check, name, "invalid_type", "expected integer");
        } else {
            check_range(check, option, name, json_integer_value(value), "a number");
        }
        return;
    case CHY_OPTION_BOOL:
        if (!json_is_boolean(value)) {
            issue(check, name, "invalid_type", "expected boolean");
        }
        return;
    case CHY_OPTION_DURATION:
        if (!chy_duration_parse_request(chy_json_text(value), &duration)) {
            issue(check, name, "invalid_string", "expected a duration such as 30m, 12h or 7d");
        }
        return;
    case CHY_OPTION_TEXT_LIST: check_list(check, option, name, value); return;
    case CHY_OPTION_CHOICE:
        if (!is_choice(option, chy_json_text(value))) {
            issue(check, name, "invalid_enum_value", "not one of the choices");
        }
        return;
    case CHY_OPTION_TEXT:
    case CHY_OPTION_PATH:
        if (!json_is_string(value)) {
            issue(check, name, "invalid_type", "expected string");
        } else {
            check_range(check, option, name, (int64_t)json_string_length(value), "a length");
        }
        return;
    }
}

static json_t *default_value(const struct chy_option *option)
{
    int64_t number;
    switch ((enum chy_option_type)option->type) {
    case CHY_OPTION_INT:
    case CHY_OPTION_SIZE:
        return chy_slice_parse_i64(option->default_text, INT64_MIN, INT64_MAX, &number)
                   ? json_integer(number)
                   : json_null();
    case CHY_OPTION_BOOL: return json_boolean(chy_slice_is(option->default_text, "true"));
    case CHY_OPTION_TEXT_LIST: return json_array();
    case CHY_OPTION_TEXT:
    case CHY_OPTION_PATH:
    case CHY_OPTION_CHOICE:
    case CHY_OPTION_DURATION:
        return option->default_text.len == 0 ? json_null()
                                             : json_stringn((const char *)option->default_text.ptr,
                                                            (size_t)option->default_text.len);
    }
    return json_null();
}

static chy_status take_option(struct check *check, const struct chy_option *option,
                              const json_t *given, const json_t *base, json_t *config)
{
    char name[CHY_OPTION_NAME_SIZE];
    chy_option_config_name(option, name);
    json_t *value = json_object_get(given, name);
    if (value != NULL && !json_is_null(value)) {
        check_value(check, option, name, value);
        return json_object_set(config, name, value) == 0 ? CHY_OK : chy_fail_memory(check->op);
    }
    json_t *kept = json_object_get(base, name);
    if (value == NULL && kept != NULL) { // an explicit null goes back to the default
        return json_object_set(config, name, kept) == 0 ? CHY_OK : chy_fail_memory(check->op);
    }
    if ((option->flags & CHY_OPTION_REQUIRED) != 0) {
        issue(check, name, "invalid_type", "required: received nothing");
    }
    return json_object_set_new(config, name, default_value(option)) == 0
               ? CHY_OK
               : chy_fail_memory(check->op);
}

chy_status chy_option_config_take(struct chy_op *op, struct chy_view options, const char *path,
                                  const json_t *given, const json_t *base, json_t **out_config,
                                  bool *out_fine)
{
    struct check check = {.op = op, .path = path};
    json_t *config = chy_json_object(op);
    if (config == NULL) {
        return chy_fail_memory(op);
    }
    if (given != NULL && !json_is_null(given) && !json_is_object(given)) {
        return chy_shape_refuse_one(op, "invalid_type", path, "expected object");
    }
    for (uint64_t i = 0; i < options.count; i++) {
        CHY_TRY(take_option(&check, chy_view_item(options, i), given, base, config));
    }
    *out_config = config;
    *out_fine = !check.failed;
    return CHY_OK;
}

/* ------------------------------------------------------------------------------------------------
 * Described
 */

static const char *type_word(uint32_t type)
{
    switch ((enum chy_option_type)type) {
    case CHY_OPTION_INT:
    case CHY_OPTION_SIZE: return "integer";
    case CHY_OPTION_BOOL: return "boolean";
    case CHY_OPTION_TEXT_LIST: return "array";
    case CHY_OPTION_TEXT:
    case CHY_OPTION_PATH:
    case CHY_OPTION_CHOICE:
    case CHY_OPTION_DURATION: return "string";
    }
    return "string";
}

static bool describe_bounds(const struct chy_option *option, json_t *schema)
{
    bool is_number = option->type == CHY_OPTION_INT || option->type == CHY_OPTION_SIZE;
    bool is_list = option->type == CHY_OPTION_TEXT_LIST;
    bool unlimited = option->minimum == 0 && option->maximum == 0;
    if (unlimited || option->type == CHY_OPTION_BOOL || option->type == CHY_OPTION_DURATION) {
        return true;
    }
    return chy_json_set_int(schema,
                            is_number ? "minimum"
                            : is_list ? "minItems"
                                      : "minLength",
                            option->minimum) &&
           chy_json_set_int(schema,
                            is_number ? "maximum"
                            : is_list ? "maxItems"
                                      : "maxLength",
                            option->maximum);
}

static json_t *choices_json(const struct chy_option *option)
{
    json_t *list = json_array();
    for (uint64_t i = 0; i < option->choices.count; i++) {
        const struct chy_slice *choice = chy_view_item(option->choices, i);
        (void)json_array_append_new(list,
                                    json_stringn((const char *)choice->ptr, (size_t)choice->len));
    }
    (void)json_array_append_new(list, json_null());
    return list;
}

static bool describe_option(const struct chy_option *option, json_t *properties)
{
    char name[CHY_OPTION_NAME_SIZE];
    chy_option_config_name(option, name);
    json_t *schema = json_pack("{s:[s,s]}", "type", type_word(option->type), "null");
    bool fine = schema != NULL && describe_bounds(option, schema) &&
                chy_json_set_text(schema, "description", option->help);
    if (fine && option->type == CHY_OPTION_CHOICE) {
        fine = json_object_set_new(schema, "enum", choices_json(option)) == 0;
    }
    if (fine && option->type == CHY_OPTION_TEXT_LIST) {
        fine = json_object_set_new(schema, "items", json_pack("{s:s}", "type", "string")) == 0;
    }
    return json_object_set_new(properties, name, schema) == 0 && fine;
}

chy_status chy_option_config_schema(struct chy_op *op, struct chy_view options, bool is_answer,
                                    json_t **out_schema)
{
    json_t *schema = chy_json_object(op);
    json_t *properties = json_object();
    bool fine = json_object_set_new(schema, "type",
                                    is_answer ? json_string("object")
                                              : json_pack("[s,s]", "object", "null")) == 0 &&
                json_object_set_new(schema, "properties", properties) == 0;
    for (uint64_t i = 0; fine && i < options.count; i++) {
        fine = describe_option(chy_view_item(options, i), properties);
    }
    *out_schema = schema;
    return fine ? CHY_OK : chy_fail_memory(op);
}

/* ------------------------------------------------------------------------------------------------
 * As plugins have them
 */

/** keep copies a text, NUL-terminated past its length, where it may lie. */
static chy_status keep(struct chy_op *op, const struct chy_option *option, struct chy_slice text,
                       struct chy_slice *out_text)
{
    bool secret = (option->flags & CHY_OPTION_SECRET) != 0;
    uint8_t *copy = secret ? op->host->secret_alloc(op, text.len + 1) : chy_alloc(op, text.len + 1);
    if (copy == NULL) {
        return chy_fail_memory(op);
    }
    if (text.len != 0) {
        memcpy(copy, text.ptr, (size_t)text.len);
    }
    copy[text.len] = 0;
    *out_text = chy_slice_of(copy, text.len);
    return CHY_OK;
}

static chy_status keep_list(struct chy_op *op, const struct chy_option *option, const json_t *list,
                            struct chy_view *out_list)
{
    size_t count = json_array_size(list);
    struct chy_slice *items = chy_alloc(op, (count + 1) * sizeof *items);
    if (items == NULL) {
        return chy_fail_memory(op);
    }
    for (size_t i = 0; i < count; i++) {
        CHY_TRY(keep(op, option, chy_json_text(json_array_get(list, i)), &items[i]));
    }
    *out_list = chy_view_of(items, count, sizeof *items);
    return CHY_OK;
}

static int64_t choice_index(const struct chy_option *option, struct chy_slice text)
{
    for (uint64_t i = 0; i < option->choices.count; i++) {
        const struct chy_slice *choice = chy_view_item(option->choices, i);
        if (chy_slice_equal(*choice, text)) {
            return (int64_t)i;
        }
    }
    return 0;
}

static chy_status read_value(struct chy_op *op, const struct chy_option *option, const json_t *json,
                             struct chy_option_value *value)
{
    struct chy_slice text = chy_json_text(json);
    value->given = json != NULL && !json_is_null(json);
    switch ((enum chy_option_type)option->type) {
    case CHY_OPTION_INT:
    case CHY_OPTION_SIZE: value->number = json_integer_value(json); return CHY_OK;
    case CHY_OPTION_BOOL: value->number = json_is_true(json); return CHY_OK;
    case CHY_OPTION_DURATION:
        if (!chy_duration_parse_request(text, &value->number)) {
            value->number = 0; // none was given
        }
        return CHY_OK;
    case CHY_OPTION_TEXT_LIST: return keep_list(op, option, json, &value->list);
    case CHY_OPTION_CHOICE: value->number = choice_index(option, text); break;
    case CHY_OPTION_TEXT:
    case CHY_OPTION_PATH: break;
    }
    return keep(op, option, text, &value->text);
}

chy_status chy_option_config_values(struct chy_op *op, struct chy_view options,
                                    const json_t *config, struct chy_view *out_values)
{
    struct chy_option_value *values = chy_alloc(op, (options.count + 1) * sizeof *values);
    if (values == NULL) {
        return chy_fail_memory(op);
    }
    memset(values, 0, (options.count + 1) * sizeof *values);
    for (uint64_t i = 0; i < options.count; i++) {
        const struct chy_option *option = chy_view_item(options, i);
        char name[CHY_OPTION_NAME_SIZE];
        chy_option_config_name(option, name);
        CHY_TRY(read_value(op, option, json_object_get(config, name), &values[i]));
    }
    *out_values = chy_view_of(values, options.count, sizeof *values);
    return CHY_OK;
}
