#include "resource/method_config.h"

#include "base/slice.h"
#include "resource/option_config.h"
#include "resource/shape.h"

void chy_method_member(const struct chy_method *method, bool id,
                       char out_name[CHY_METHOD_NAME_MAX + 16])
{
    (void)snprintf(out_name, CHY_METHOD_NAME_MAX + 16, "%.*sConfig%s", (int)method->name.len,
                   (const char *)method->name.ptr, id ? "Id" : "");
}

static bool is_given(const json_t *given, const char *name)
{
    const json_t *value = json_object_get(given, name);
    return value != NULL && !json_is_null(value);
}

/** exclude: of two options that say when core renews, one is in effect: the one given last. */
static bool exclude(struct chy_op *op, const char *path, const json_t *given, json_t *config)
{
    bool by_days = is_given(given, "renewBeforeDays");
    bool finer = is_given(given, "renewBefore");
    if (by_days && finer) {
        char both[128];
        (void)snprintf(both, sizeof both, "%s/renewBefore", path);
        chy_shape_issue(op, "custom", both, "excludes renewBeforeDays: give one of them");
        return false;
    }
    if (by_days && is_given(config, "renewBefore")) {
        (void)json_object_set_new(config, "renewBefore", json_null());
    } else if (finer && is_given(config, "renewBeforeDays")) {
        (void)json_object_set_new(config, "renewBeforeDays", json_null());
    }
    return true;
}

chy_status chy_method_config_check(struct chy_op *op, const struct chy_method *method,
                                   const char *path, const json_t *given, const json_t *base,
                                   json_t **out_config)
{
    bool fine;
    json_t *config;
    CHY_TRY(chy_option_config_take(op, method->options, path, given, base, &config, &fine));
    fine = exclude(op, path, given, config) && fine;
    if (!fine) {
        return chy_shape_refuse(op);
    }
    *out_config = config;
    return CHY_OK;
}

chy_status chy_method_config_schema(struct chy_op *op, const struct chy_method *method,
                                    bool is_answer, json_t **out_schema)
{
    json_t *schema;
    CHY_TRY(chy_option_config_schema(op, method->options, is_answer, &schema));
    if (is_answer && // the id of the configuration, which nobody gives
        json_object_set_new(json_object_get(schema, "properties"), "id",
                            json_pack("{s:s,s:s}", "type", "string", "format", "uuid")) != 0) {
        return chy_fail_memory(op);
    }
    *out_schema = schema;
    return CHY_OK;
}
