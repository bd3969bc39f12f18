#include "alert/channel.h"

#include "base/slice.h"
#include "plugin/notifier.h"
#include "plugin/view.h"
#include "resource/collections.h"
#include "resource/delete_all.h"
#include "resource/keyring.h"
#include "resource/option_config.h"

chy_status chy_alert_channels_read(struct chy_runtime *runtime, struct chy_op *op,
                                   const struct chy_uuid *alert_id,
                                   struct chy_alert_channels *out_channels)
{
    struct chy_query query;
    struct chy_storage_page *page = chy_alloc(op, sizeof *page); // its rows are borrowed
    if (page == NULL) {
        return chy_fail_memory(op);
    }
    chy_query_init(&query, op, CHY_C_ALERT_CHANNELS, chy_core_fields(CHY_C_ALERT_CHANNELS),
                   CHY_ALERT_CHANNELS_MAX);
    chy_query_eq(&query, CHY_CHANNEL_ALERT_ID, chy_value_uuid(alert_id));
    chy_query_order(&query, CHY_CHANNEL_POSITION, false);
    CHY_TRY(chy_query_run(&query, runtime->storage, page));
    out_channels->count = (uint32_t)page->rows.count;
    for (uint32_t i = 0; i < out_channels->count; i++) {
        out_channels->rows[i] = chy_page_row(page, i);
    }
    return CHY_OK;
}

/* ------------------------------------------------------------------------------------------------
 * Types
 */

static void add_names(char *text, size_t size, struct chy_view types)
{
    for (uint64_t i = 0; i < types.count; i++) {
        const struct chy_channel_type *type = chy_view_item(types, i);
        size_t len = strlen(text);
        (void)snprintf(text + len, size - len, "%s%.*s", len == 0 ? "" : ", ", (int)type->name.len,
                       (const char *)type->name.ptr);
    }
}

static chy_status unknown_type(struct chy_runtime *runtime, struct chy_op *op, const char *path)
{
    const struct chy_services *services = runtime->services;
    char known[256] = "";
    for (uint32_t i = 0; i < services->notifier_count; i++) {
        add_names(known, sizeof known, chy_notifier_types(services->notifiers[i]));
    }
    return chy_shape_refuse_one(op, "invalid_enum_value", path,
                                "no loaded notifier has channels of this type; there are: %s",
                                known[0] == '\0' ? "none" : known);
}

static const struct chy_channel_type *find_type(struct chy_runtime *runtime, struct chy_slice name,
                                                struct chy_notifier **out_notifier)
{
    *out_notifier = chy_services_with_channel(runtime->services, name);
    return *out_notifier == NULL ? NULL : chy_notifier_type(*out_notifier, name);
}

/* ------------------------------------------------------------------------------------------------
 * Secrets
 */

static struct chy_sealed_place place_of(const struct chy_uuid *id,
                                        const struct chy_uuid *project_id)
{
    struct chy_sealed_place place = {
        .purpose = "secret",
        .collection = "alert_channels",
        .field = "sealed",
        .row_id = id,
        .project_id = project_id,
    };
    return place;
}

/** open_config gives the stored options of a row, secrets and all. */
static chy_status open_config(struct chy_runtime *runtime, struct chy_op *op,
                              const struct chy_storage_row *row, json_t **out_config)
{
    struct chy_uuid id = chy_row_uuid(row, CHY_CHANNEL_ID);
    struct chy_uuid project_id = chy_row_uuid(row, CHY_CHANNEL_PROJECT_ID);
    struct chy_uuid data_key_id = chy_row_uuid(row, CHY_CHANNEL_DATA_KEY_ID);
    struct chy_sealed_place place = place_of(&id, &project_id);
    struct chy_slice text;
    json_t *secrets;
    json_t *config;
    CHY_TRY(chy_json_parse(op, chy_row_json(row, CHY_CHANNEL_CONFIG), &config));
    if (!chy_row_is_null(row, CHY_CHANNEL_SEALED)) {
        CHY_TRY(chy_keyring_open_secret(runtime->keyring, op, &place, &data_key_id,
                                        chy_row_blob(row, CHY_CHANNEL_SEALED), &text));
        CHY_TRY(chy_json_parse(op, text, &secrets));
        if (json_object_update(config, secrets) != 0) {
            return chy_fail_memory(op);
        }
    }
    *out_config = config;
    return CHY_OK;
}

/** has_name makes "hasSigningSecret" of "signingSecret". */
static void has_name(const char *name, char out_name[CHY_OPTION_NAME_SIZE + 4])
{
    (void)snprintf(out_name, CHY_OPTION_NAME_SIZE + 4, "has%s", name);
    if (out_name[3] >= 'a' && out_name[3] <= 'z') {
        out_name[3] = (char)(out_name[3] - 'a' + 'A');
    }
}

/** split takes the secrets out of `config`, which keeps whether there is one. */
static chy_status split(struct chy_op *op, struct chy_view options, json_t *config,
                        json_t **out_secrets)
{
    json_t *secrets = chy_json_object(op);
    bool fine = secrets != NULL;
    for (uint64_t i = 0; i < options.count && fine; i++) {
        const struct chy_option *option = chy_view_item(options, i);
        char name[CHY_OPTION_NAME_SIZE];
        char has[CHY_OPTION_NAME_SIZE + 4];
        if ((option->flags & CHY_OPTION_SECRET) == 0) {
            continue;
        }
        chy_option_config_name(option, name);
        has_name(name, has);
        json_t *value = json_object_get(config, name);
        bool given = value != NULL && !json_is_null(value);
        fine = (!given || json_object_set(secrets, name, value) == 0) &&
               chy_json_set_bool(config, has, given);
        (void)json_object_del(config, name);
    }
    *out_secrets = secrets;
    return fine ? CHY_OK : chy_fail_memory(op);
}

/* ------------------------------------------------------------------------------------------------
 * Written
 */

/** One wanted channel, as it is worked out. */
struct wanted {
    struct chy_call *call;
    struct chy_batch *batch;
    const struct chy_uuid *alert_id;
    const json_t *given;
    size_t index;
    const struct chy_channel_type *type;
    struct chy_notifier *notifier;
    struct chy_uuid *id; /**< of the batch's */
    json_t *config;      /**< all options */
    json_t *secrets;
};

static void path_of(const struct wanted *w, const char *member, char out_path[64])
{
    (void)snprintf(out_path, 64, "/channels/%zu%s", w->index, member);
}

/** check_by_notifier lets what a notifier says of "/url" be said of "/channels/0/config/url": it
 *  knows of its own options only. */
static chy_status check_by_notifier(struct chy_op *op, struct chy_notifier *notifier,
                                    struct chy_slice type, const char *path, struct chy_view values)
{
    struct chy_op *child = op->host->op_child(op);
    struct chy_error error = {.struct_size = sizeof error};
    if (child == NULL) {
        return chy_fail_memory(op);
    }
    chy_status status = chy_notifier_check(notifier, child, type, values);
    child->host->last_error(child, &error);
    for (uint64_t i = 0; status == CHY_BAD_INPUT && i < error.issues.count; i++) {
        const struct chy_issue *issue = chy_view_item(error.issues, i);
        char full[160];
        char code[64];
        (void)snprintf(full, sizeof full, "%s%.*s", path, (int)issue->path.len,
                       issue->path.len == 0 ? "" : (const char *)issue->path.ptr);
        (void)snprintf(code, sizeof code, "%.*s", (int)issue->code.len,
                       issue->code.len == 0 ? "" : (const char *)issue->code.ptr);
        chy_shape_issue(op, code[0] == '\0' ? "custom" : code, full, "%.*s",
                        (int)issue->message.len,
                        issue->message.len == 0 ? "" : (const char *)issue->message.ptr);
    }
    if (status == CHY_BAD_INPUT && error.issues.count == 0) {
        chy_shape_issue(op, "custom", path, "%.*s", (int)error.message.len,
                        error.message.len == 0 ? "" : (const char *)error.message.ptr);
    }
    if (status != CHY_OK && status != CHY_BAD_INPUT) {
        status = op->host->fail_with(op, &error);
    }
    op->host->op_end(child);
    return status == CHY_BAD_INPUT ? chy_shape_refuse(op) : status;
}

static chy_status take_config(struct wanted *w, const json_t *base, json_t **out_config)
{
    struct chy_op *op = w->call->op;
    struct chy_view values;
    char path[64];
    bool fine;
    path_of(w, "/config", path);
    CHY_TRY(chy_option_config_take(op, w->type->options, path, json_object_get(w->given, "config"),
                                   base, out_config, &fine));
    if (!fine) {
        return chy_shape_refuse(op);
    }
    CHY_TRY(chy_option_config_values(op, w->type->options, *out_config, &values));
    return check_by_notifier(op, w->notifier, w->type->name, path, values);
}

/** is_same tells whether a row would have the same options, but for secrets. */
static chy_status is_same(struct wanted *w, const struct chy_storage_row *row, bool *out_same)
{
    struct chy_op *op = w->call->op;
    json_t *base;
    json_t *config;
    json_t *stored;
    json_t *secrets;
    bool fine;
    *out_same = false;
    CHY_TRY(open_config(w->call->runtime, op, row, &base));
    CHY_TRY(chy_json_parse(op, chy_row_json(row, CHY_CHANNEL_CONFIG), &stored));
    CHY_TRY(chy_option_config_take(op, w->type->options, "", json_object_get(w->given, "config"),
                                   base, &config, &fine));
    if (!fine) {
        return CHY_OK; // said again where it is
    }
    CHY_TRY(split(op, w->type->options, config, &secrets));
    *out_same = json_equal(config, stored) != 0;
    return CHY_OK;
}

static chy_status find_row(struct wanted *w, const struct chy_alert_channels *now, bool *claimed,
                           const struct chy_storage_row **out_row)
{
    struct chy_uuid id;
    bool by_id = chy_uuid_parse(chy_json_member(w->given, "id"), &id);
    *out_row = NULL;
    for (uint32_t i = 0; now != NULL && i < now->count; i++) {
        struct chy_uuid own = chy_row_uuid(now->rows[i], CHY_CHANNEL_ID);
        bool same = by_id && chy_uuid_compare(&own, &id) == 0;
        if (claimed[i]) {
            continue;
        }
        if (!by_id &&
            chy_slice_equal(chy_row_text(now->rows[i], CHY_CHANNEL_TYPE), w->type->name)) {
            CHY_TRY(is_same(w, now->rows[i], &same));
        }
        if (same) {
            claimed[i] = true;
            *out_row = now->rows[i];
            return CHY_OK;
        }
    }
    return by_id && now != NULL ? chy_not_found(w->call->op, "alert channel") : CHY_OK;
}

static chy_status set_secrets(struct wanted *w, struct chy_write *write)
{
    struct chy_op *op = w->call->op;
    struct chy_sealed_place place = place_of(w->id, &w->call->project_id);
    struct chy_uuid *data_key_id = chy_alloc(op, sizeof *data_key_id); // the batch borrows it
    struct chy_slice text;
    struct chy_slice sealed;
    if (data_key_id == NULL) {
        return chy_fail_memory(op);
    }
    if (json_object_size(w->secrets) == 0) {
        chy_write_set(write, CHY_CHANNEL_SEALED, chy_value_null());
        chy_write_set(write, CHY_CHANNEL_DATA_KEY_ID, chy_value_null());
        return CHY_OK;
    }
    CHY_TRY(chy_json_write_secret(op, w->secrets, &text));
    CHY_TRY(chy_keyring_seal(w->call->runtime->keyring, op, &place, text, &sealed, data_key_id));
    chy_write_set(write, CHY_CHANNEL_SEALED, chy_value_blob(sealed));
    chy_write_set(write, CHY_CHANNEL_DATA_KEY_ID, chy_value_uuid(data_key_id));
    return CHY_OK;
}

static struct chy_write *begin_new(struct wanted *w)
{
    struct chy_write *write =
        chy_batch_insert(w->batch, CHY_C_ALERT_CHANNELS, CHY_KEY(chy_value_uuid(w->id)));
    chy_write_set(write, CHY_CHANNEL_ALERT_ID, chy_value_uuid(w->alert_id));
    chy_write_set(write, CHY_CHANNEL_PROJECT_ID, chy_value_uuid(&w->call->project_id));
    chy_write_set(write, CHY_CHANNEL_TYPE, chy_value_text(w->type->name));
    chy_write_set(write, CHY_CHANNEL_ISSUED, chy_value_int(0));
    chy_write_set(write, CHY_CHANNEL_DONE, chy_value_int(0));
    chy_write_set(write, CHY_CHANNEL_ATTEMPTS, chy_value_int(0));
    chy_write_set(write, CHY_CHANNEL_CREATED_AT, chy_value_time(chy_now(w->call->op)));
    return write;
}

/** begin_change: only what people set, as deliveries go on meanwhile. */
static struct chy_write *begin_change(struct wanted *w)
{
    struct chy_write *write =
        chy_batch_update(w->batch, CHY_C_ALERT_CHANNELS, CHY_KEY(chy_value_uuid(w->id)));
    chy_write_guard_present(write);
    return write;
}

/**
 * check_kept refuses to keep a secret when other options change: who may edit an alert must not
 * send what nobody shows him, or what is made with it, to a place of his choice.
 */
static chy_status check_kept(struct wanted *w, const json_t *base)
{
    const json_t *given = json_object_get(w->given, "config");
    char kept[CHY_OPTION_NAME_SIZE] = "";
    char path[64];
    char full[sizeof path + sizeof kept];
    bool changes = false;
    for (uint64_t i = 0; i < w->type->options.count; i++) {
        const struct chy_option *option = chy_view_item(w->type->options, i);
        char name[CHY_OPTION_NAME_SIZE];
        chy_option_config_name(option, name);
        const json_t *stored = json_object_get(base, name);
        bool is_given = json_object_get(given, name) != NULL;
        if ((option->flags & CHY_OPTION_SECRET) == 0) {
            changes =
                changes || (is_given && !json_equal(json_object_get(w->config, name), stored));
        } else if (!is_given && stored != NULL && !json_is_null(stored)) {
            memcpy(kept, name, sizeof kept);
        }
    }
    if (!changes || kept[0] == '\0') {
        return CHY_OK;
    }
    path_of(w, "/config", path);
    (void)snprintf(full, sizeof full, "%s/%s", path, kept);
    return chy_shape_refuse_one(w->call->op, "custom", full,
                                "another option changes: give the secret again, or null for none");
}

static chy_status write_channel(struct wanted *w, const struct chy_storage_row *row)
{
    struct chy_op *op = w->call->op;
    const json_t *enabled = json_object_get(w->given, "enabled");
    bool is_enabled = row == NULL || chy_row_bool(row, CHY_CHANNEL_ENABLED);
    struct chy_slice text;
    json_t *base = NULL;
    w->id = chy_alloc(op, sizeof *w->id);
    if (w->id == NULL) {
        return chy_fail_memory(op);
    }
    if (row != NULL) {
        *w->id = chy_row_uuid(row, CHY_CHANNEL_ID);
        CHY_TRY(open_config(w->call->runtime, op, row, &base));
    } else {
        CHY_TRY(chy_runtime_new_uuid(w->call->runtime, op, w->id));
    }
    CHY_TRY(take_config(w, base, &w->config));
    CHY_TRY(check_kept(w, base));
    CHY_TRY(split(op, w->type->options, w->config, &w->secrets));
    CHY_TRY(chy_json_write(op, w->config, &text));
    struct chy_write *write = row == NULL ? begin_new(w) : begin_change(w);
    chy_write_set(write, CHY_CHANNEL_POSITION, chy_value_int((int64_t)w->index));
    chy_write_set(write, CHY_CHANNEL_CONFIG, chy_value_json(text));
    chy_write_set(write, CHY_CHANNEL_ENABLED,
                  chy_value_bool(enabled == NULL ? is_enabled : json_is_true(enabled)));
    chy_write_set(write, CHY_CHANNEL_UPDATED_AT, chy_value_time(chy_now(op)));
    return set_secrets(w, write);
}

/** check_type: a channel's options are of its type. */
static chy_status check_type(const struct wanted *w, const struct chy_storage_row *row)
{
    char path[64];
    if (row == NULL || chy_slice_equal(chy_row_text(row, CHY_CHANNEL_TYPE), w->type->name)) {
        return CHY_OK;
    }
    path_of(w, "/channelType", path);
    return chy_shape_refuse_one(w->call->op, "custom", path,
                                "a channel keeps its type: leave its id out for a new one");
}

static chy_status want(struct wanted *w, const struct chy_alert_channels *now, bool *claimed)
{
    const struct chy_storage_row *row;
    char path[64];
    path_of(w, "/channelType", path);
    w->type = find_type(w->call->runtime, chy_json_member(w->given, "channelType"), &w->notifier);
    if (w->type == NULL) {
        return unknown_type(w->call->runtime, w->call->op, path);
    }
    CHY_TRY(find_row(w, now, claimed, &row));
    CHY_TRY(check_type(w, row));
    return write_channel(w, row);
}

static chy_status drop(struct chy_call *call, struct chy_batch *batch,
                       const struct chy_storage_row *row)
{
    struct chy_uuid *id = chy_alloc(call->op, sizeof *id); // the batch borrows it
    if (id == NULL) {
        return chy_fail_memory(call->op);
    }
    *id = chy_row_uuid(row, CHY_CHANNEL_ID);
    (void)chy_batch_delete(batch, CHY_C_ALERT_CHANNELS, CHY_KEY(chy_value_uuid(id)));
    chy_delete_in(batch, CHY_C_ALERT_DELIVERIES, CHY_DELIVERY_CHANNEL_ID, id);
    return CHY_OK;
}

chy_status chy_alert_channels_write(struct chy_call *call, struct chy_batch *batch,
                                    const struct chy_uuid *alert_id,
                                    const struct chy_alert_channels *now)
{
    const json_t *channels = json_object_get(call->document, "channels");
    bool claimed[CHY_ALERT_CHANNELS_MAX] = {false};
    for (size_t i = 0; i < json_array_size(channels); i++) {
        struct wanted w = {.call = call,
                           .batch = batch,
                           .alert_id = alert_id,
                           .given = json_array_get(channels, i),
                           .index = i};
        CHY_TRY(want(&w, now, claimed));
    }
    for (uint32_t i = 0; now != NULL && i < now->count; i++) {
        if (!claimed[i]) {
            CHY_TRY(drop(call, batch, now->rows[i]));
        }
    }
    return CHY_OK;
}

/* ------------------------------------------------------------------------------------------------
 * Shown, and used
 */

static chy_status show(struct chy_call *call, const struct chy_storage_row *row, json_t *list)
{
    static const struct {
        const char *name;
        uint32_t field;
    } shown[] = {{"id", CHY_CHANNEL_ID},
                 {"channelType", CHY_CHANNEL_TYPE},
                 {"config", CHY_CHANNEL_CONFIG},
                 {"enabled", CHY_CHANNEL_ENABLED},
                 {"createdAt", CHY_CHANNEL_CREATED_AT},
                 {"updatedAt", CHY_CHANNEL_UPDATED_AT}};
    json_t *object = json_object();
    bool fine = json_array_append_new(list, object) == 0;
    for (size_t i = 0; i < CHY_COUNT_OF(shown) && fine; i++) {
        fine = json_object_set_new(
                   object, shown[i].name,
                   chy_value_to_json(call->op, chy_row_value(row, shown[i].field))) == 0;
    }
    return fine ? CHY_OK : chy_fail_memory(call->op);
}

chy_status chy_alert_channels_show(struct chy_call *call, const struct chy_alert_channels *channels,
                                   json_t *object)
{
    json_t *list = json_array();
    if (json_object_set_new(object, "channels", list) != 0) {
        return chy_fail_memory(call->op);
    }
    for (uint32_t i = 0; i < channels->count; i++) {
        CHY_TRY(show(call, channels->rows[i], list));
    }
    return CHY_OK;
}

static chy_status make_ready(struct chy_runtime *runtime, struct chy_op *op, struct chy_slice name,
                             const json_t *config, struct chy_alert_ready *out_ready)
{
    const struct chy_channel_type *type = find_type(runtime, name, &out_ready->notifier);
    if (type == NULL) {
        return chy_fail(op, CHY_BAD_INPUT, 0,
                        "no notifier that is loaded has channels of the type '%.*s'", (int)name.len,
                        name.len == 0 ? "" : (const char *)name.ptr);
    }
    out_ready->type = type->name;
    return chy_option_config_values(op, type->options, config, &out_ready->values);
}

chy_status chy_alert_channel_ready(struct chy_runtime *runtime, struct chy_op *op,
                                   const struct chy_storage_row *row,
                                   struct chy_alert_ready *out_ready)
{
    json_t *config;
    CHY_TRY(open_config(runtime, op, row, &config));
    return make_ready(runtime, op, chy_row_text(row, CHY_CHANNEL_TYPE), config, out_ready);
}

chy_status chy_alert_channel_try(struct chy_runtime *runtime, struct chy_op *op,
                                 struct chy_slice type, const char *path, const json_t *config,
                                 struct chy_alert_ready *out_ready)
{
    struct chy_notifier *notifier;
    const struct chy_channel_type *found = find_type(runtime, type, &notifier);
    json_t *taken;
    bool fine;
    if (found == NULL) {
        return unknown_type(runtime, op, path);
    }
    CHY_TRY(chy_option_config_take(op, found->options, path, config, NULL, &taken, &fine));
    if (!fine) {
        return chy_shape_refuse(op);
    }
    CHY_TRY(make_ready(runtime, op, type, taken, out_ready));
    return check_by_notifier(op, notifier, type, path, out_ready->values);
}
