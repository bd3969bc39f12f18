#include "alert/telling.h"

#include "base/slice.h"
#include "base/time.h"
#include "enroll/alert_event.h"
#include "resource/collections.h"

/** So much that ten channels' deliveries fit into one batch (CHY_STORAGE_BATCH_BYTES). */
#define LINES_MAX ((size_t)24 * 1024)
#define BYTES_MAX ((uint64_t)48 * 1024)
#define CERTIFICATE_BYTES 400U
#define NAMES_BYTES_MAX ((uint64_t)25 * 1024)
#define PIECE 512U
/** A delivery that never got its turn goes in the end. */
#define FORGOTTEN (180 * CHY_US_PER_DAY)

/* ------------------------------------------------------------------------------------------------
 * Names of profiles
 */

struct chy_alert_name {
    struct chy_uuid id;
    struct chy_slice name;
    struct chy_alert_name *next;
};

static chy_status read_name(struct chy_runtime *runtime, struct chy_op *op,
                            const struct chy_uuid *profile_id, struct chy_slice *out_name)
{
    struct chy_storage_row row;
    chy_status status =
        chy_storage_read(runtime->storage, op, CHY_C_PROFILES, CHY_KEY(chy_value_uuid(profile_id)),
                         CHY_FIELDS(CHY_PROFILE_SLUG), &row);
    if (status == CHY_NOT_FOUND) {
        *out_name = chy_slice_of(NULL, 0);
        return CHY_OK;
    }
    CHY_TRY(status);
    *out_name = chy_row_text(&row, 0);
    return CHY_OK;
}

chy_status chy_alert_name_of(struct chy_runtime *runtime, struct chy_op *op,
                             struct chy_alert_names *names, const struct chy_uuid *profile_id,
                             struct chy_slice *out_name)
{
    struct chy_alert_name *known = names->first;
    *out_name = chy_slice_of(NULL, 0);
    if (chy_uuid_is_nil(profile_id)) {
        return CHY_OK;
    }
    while (known != NULL && chy_uuid_compare(&known->id, profile_id) != 0) {
        known = known->next;
    }
    if (known == NULL) {
        known = chy_alloc(op, sizeof *known);
        if (known == NULL) {
            return chy_fail_memory(op);
        }
        CHY_TRY(read_name(runtime, op, profile_id, &known->name));
        known->id = *profile_id;
        known->next = names->first;
        names->first = known;
    }
    *out_name = known->name;
    return CHY_OK;
}

/* ------------------------------------------------------------------------------------------------
 * Gathering
 */

chy_status chy_alert_telling_begin(struct chy_alert_telling *telling, struct chy_runtime *runtime,
                                   struct chy_op *op, const struct chy_storage_row *row,
                                   int64_t time)
{
    memset(telling, 0, sizeof *telling);
    telling->runtime = runtime;
    telling->op = op;
    telling->alert = row;
    telling->time = time;
    telling->certificates = chy_json_array(op);
    chy_buf_init(&telling->lines, op, LINES_MAX + 4 * PIECE);
    return telling->certificates == NULL ? chy_fail_memory(op) : CHY_OK;
}

/** add_clean adds what certificates say, of which people's mail programs must not make more. */
static void add_clean(struct chy_buf *buf, struct chy_slice text)
{
    char piece[PIECE / 2];
    size_t len = chy_text_sanitise(text, piece, sizeof piece);
    chy_buf_add(buf, chy_slice_of((const uint8_t *)piece, len));
}

static void add_line(struct chy_alert_telling *t, const struct chy_storage_row *row,
                     struct chy_slice profile_name)
{
    char end[CHY_TIME_TEXT_SIZE];
    struct chy_slice name = chy_row_text(row, CHY_ALERT_COLUMN_COMMON_NAME);
    struct chy_slice alt = chy_row_text(row, CHY_ALERT_COLUMN_ALT_NAMES);
    if (t->lines.len > LINES_MAX - PIECE) {
        return; // the number of certificates is in the title
    }
    chy_time_format(chy_row_time(row, CHY_ALERT_COLUMN_NOT_AFTER), end);
    add_clean(&t->lines, name.len != 0 ? name : alt);
    chy_buf_add_text(&t->lines, ": serial number ");
    add_clean(&t->lines, chy_row_text(row, CHY_ALERT_COLUMN_SERIAL));
    chy_buf_add_text(&t->lines, ", ends ");
    chy_buf_add_text(&t->lines, end);
    if (profile_name.len != 0) {
        chy_buf_add_text(&t->lines, ", profile ");
        add_clean(&t->lines, profile_name);
    }
    chy_buf_add_u8(&t->lines, '\n');
}

chy_status chy_alert_telling_add(struct chy_alert_telling *telling,
                                 const struct chy_storage_row *row, struct chy_slice profile_name)
{
    add_line(telling, row, profile_name);
    telling->count++;
    uint64_t names = chy_row_text(row, CHY_ALERT_COLUMN_ALT_NAMES).len;
    telling->bytes += CERTIFICATE_BYTES + (names < NAMES_BYTES_MAX ? names : NAMES_BYTES_MAX);
    return chy_alert_certificate_show(telling->op, row, profile_name, chy_now(telling->op),
                                      telling->certificates);
}

bool chy_alert_telling_is_full(const struct chy_alert_telling *telling)
{
    return telling->count >= CHY_ALERT_TOLD_MAX || telling->bytes >= BYTES_MAX;
}

/* ------------------------------------------------------------------------------------------------
 * Words
 */

static chy_status format(struct chy_op *op, struct chy_slice *out_text, const char *before,
                         struct chy_slice middle, const char *after)
{
    struct chy_buf buf;
    chy_buf_init(&buf, op, 4096);
    chy_buf_add_text(&buf, before);
    chy_buf_add(&buf, middle);
    chy_buf_add_text(&buf, after);
    *out_text = chy_buf_slice(&buf);
    return chy_buf_ok(&buf) ? CHY_OK : chy_buf_fail(&buf, op, "a notification");
}

static chy_status make_people(struct chy_alert_telling *t, struct chy_slice type,
                              struct chy_alert_message *message)
{
    char count[96] = "This is a test (alert ";
    const struct chy_alert_type *known = chy_alert_type_find(type);
    struct chy_buf text;
    struct chy_slice lines;
    if (known != NULL) {
        (void)snprintf(count, sizeof count, "%u %s %s (alert ", t->count,
                       t->count == 1 ? "certificate" : "certificates", known->happened);
    }
    CHY_TRY(format(t->op, &message->title, count, chy_row_text(t->alert, CHY_ALERT_NAME), ")"));
    if (!chy_buf_ok(&t->lines)) {
        return chy_buf_fail(&t->lines, t->op, "a notification");
    }
    lines = chy_buf_slice(&t->lines);
    chy_buf_init(&text, t->op, CHY_STORAGE_TEXT_MAX);
    chy_buf_add(&text, message->title);
    chy_buf_add_text(&text, lines.len == 0 ? ".\n" : ":\n\n");
    chy_buf_add(&text, lines);
    message->text = chy_buf_slice(&text);
    return chy_buf_ok(&text) ? CHY_OK : chy_buf_fail(&text, t->op, "a notification");
}

static chy_status make_data(struct chy_alert_telling *t, const struct chy_uuid *alert_id,
                            const struct chy_uuid *project_id, json_t **out_data)
{
    char id[CHY_UUID_TEXT_SIZE];
    char url[128];
    json_t *data = chy_json_object(t->op);
    json_t *alert = json_object();
    json_t *metadata = json_object();
    struct chy_slice before = chy_row_text(t->alert, CHY_ALERT_BEFORE);
    chy_uuid_format(alert_id, id);
    (void)snprintf(url, sizeof url, "/api/v1/cert-manager/alerts/%s/certificates", id);
    bool fine =
        json_object_set_new(data, "alert", alert) == 0 &&
        json_object_set(data, "certificates", t->certificates) == 0 &&
        json_object_set_new(data, "metadata", metadata) == 0 &&
        chy_json_set_uuid(alert, "id", alert_id) &&
        chy_json_set_text(alert, "name", chy_row_text(t->alert, CHY_ALERT_NAME)) &&
        chy_json_set_text(alert, "eventType", chy_row_text(t->alert, CHY_ALERT_EVENT_TYPE)) &&
        (before.len == 0 ? chy_json_set_null(alert, "alertBefore")
                         : chy_json_set_text(alert, "alertBefore", before)) &&
        chy_json_set_uuid(alert, "projectId", project_id) &&
        chy_json_set_int(metadata, "totalCertificates", t->count) &&
        chy_json_set_text(metadata, "viewUrl", chy_text(url));
    *out_data = data;
    return fine ? CHY_OK : chy_fail_memory(t->op);
}

chy_status chy_alert_message_make(struct chy_alert_telling *telling, const char *type,
                                  struct chy_alert_message *out_message)
{
    struct chy_uuid alert_id = chy_row_uuid(telling->alert, CHY_ALERT_ID);
    struct chy_uuid project_id = chy_row_uuid(telling->alert, CHY_ALERT_PROJECT_ID);
    struct chy_slice word =
        type == NULL ? chy_row_text(telling->alert, CHY_ALERT_EVENT_TYPE) : chy_text(type);
    char project[CHY_UUID_TEXT_SIZE];
    char alert[CHY_UUID_TEXT_SIZE];
    char source[128];
    chy_uuid_format(&project_id, project);
    chy_uuid_format(&alert_id, alert);
    (void)snprintf(source, sizeof source, "/projects/%s/alerts/", project);
    CHY_TRY(format(telling->op, &out_message->source, source, chy_text(alert), ""));
    CHY_TRY(format(telling->op, &out_message->type, CHY_ALERT_TYPE_PREFIX, word, ""));
    CHY_TRY(format(telling->op, &out_message->subject, "certificate-", word, "-alert"));
    CHY_TRY(make_people(telling, word, out_message));
    return make_data(telling, &alert_id, &project_id, &out_message->data);
}

/* ------------------------------------------------------------------------------------------------
 * In line
 */

static chy_status number_data(struct chy_alert_telling *t, const struct chy_alert_message *message,
                              struct chy_alert_line *line)
{
    json_t *metadata = json_object_get(message->data, "metadata");
    return chy_json_set_uuid(metadata, "channelId", &line->channel_id) &&
                   chy_json_set_int(metadata, "sequence", line->sequence)
               ? chy_json_write(t->op, message->data, &line->data)
               : chy_fail_memory(t->op);
}

struct chy_write *chy_alert_line_insert(struct chy_batch *batch,
                                        const struct chy_alert_message *message,
                                        const struct chy_alert_line *line)
{
    int64_t now = chy_now(batch->op);
    bool waits = line->error.len == 0;
    struct chy_write *write =
        chy_batch_insert(batch, CHY_C_ALERT_DELIVERIES,
                         CHY_KEY(chy_value_uuid(&line->channel_id), chy_value_int(line->sequence)));
    chy_write_set(write, CHY_DELIVERY_ID, chy_value_uuid(&line->id));
    chy_write_set(write, CHY_DELIVERY_PROJECT_ID, chy_value_uuid(&line->project_id));
    chy_write_set(write, CHY_DELIVERY_ALERT_ID, chy_value_uuid(&line->alert_id));
    chy_write_set(write, CHY_DELIVERY_CHANNEL_TYPE, chy_value_text(line->channel_type));
    chy_write_set(write, CHY_DELIVERY_TYPE, chy_value_text(message->type));
    chy_write_set(write, CHY_DELIVERY_SOURCE, chy_value_text(message->source));
    chy_write_set(write, CHY_DELIVERY_SUBJECT, chy_value_text(message->subject));
    chy_write_set(write, CHY_DELIVERY_TIME, chy_value_time(line->time));
    chy_write_set(write, CHY_DELIVERY_TITLE, chy_value_text(message->title));
    chy_write_set(write, CHY_DELIVERY_CERTIFICATES, chy_value_int(line->certificates));
    chy_write_set(write, CHY_DELIVERY_STATUS,
                  chy_value_text(chy_text(waits ? "pending" : "failed")));
    chy_write_set(write, CHY_DELIVERY_ATTEMPTS, chy_value_int(0));
    chy_write_set(write, CHY_DELIVERY_LAST_ERROR, chy_value_text_or_null(line->error));
    chy_write_set(write, CHY_DELIVERY_EXPIRES_AT,
                  chy_value_time(now + (waits ? FORGOTTEN : CHY_ALERT_KEPT)));
    if (waits) {
        chy_write_set(write, CHY_DELIVERY_DATA, chy_value_json(line->data));
        chy_write_set(write, CHY_DELIVERY_TEXT, chy_value_text(message->text));
    } else {
        chy_alert_telling_drop(write);
    }
    chy_write_set(write, CHY_DELIVERY_CREATED_AT, chy_value_time(now));
    chy_write_set(write, CHY_DELIVERY_UPDATED_AT, chy_value_time(now));
    return write;
}

void chy_alert_telling_drop(struct chy_write *write)
{
    chy_write_set(write, CHY_DELIVERY_DATA, chy_value_json(chy_text("{}")));
    chy_write_set(write, CHY_DELIVERY_TEXT, chy_value_text(chy_text("")));
}

/** give_up_oldest makes room in a line that is full. */
static void give_up_oldest(struct chy_alert_telling *t, struct chy_batch *batch,
                           const struct chy_alert_line *line, int64_t oldest)
{
    struct chy_write *write =
        chy_batch_update(batch, CHY_C_ALERT_DELIVERIES,
                         CHY_KEY(chy_value_uuid(&line->channel_id), chy_value_int(oldest)));
    chy_write_set(write, CHY_DELIVERY_STATUS, chy_value_text(chy_text("failed")));
    chy_write_set(write, CHY_DELIVERY_LAST_ERROR,
                  chy_value_text(chy_text("given up: more than 1000 deliveries waited")));
    chy_write_set(write, CHY_DELIVERY_NEXT_AT, chy_value_null());
    chy_alert_telling_drop(write);
    chy_write_set(write, CHY_DELIVERY_EXPIRES_AT, chy_value_time(chy_now(t->op) + CHY_ALERT_KEPT));
    chy_write_set(write, CHY_DELIVERY_UPDATED_AT, chy_value_time(chy_now(t->op)));
    t->overflowed++;
}

static void move_channel(struct chy_alert_telling *t, struct chy_batch *batch,
                         const struct chy_alert_line *line, const struct chy_storage_row *channel)
{
    int64_t now = chy_now(t->op);
    int64_t done = chy_row_int(channel, CHY_CHANNEL_DONE);
    struct chy_write *write =
        chy_batch_update(batch, CHY_C_ALERT_CHANNELS, CHY_KEY(chy_value_uuid(&line->channel_id)));
    chy_write_guard_revision(write, channel->revision);
    chy_write_set(write, CHY_CHANNEL_ISSUED, chy_value_int(line->sequence));
    if (line->sequence - done > CHY_ALERT_WAITING_MAX) {
        give_up_oldest(t, batch, line, done + 1);
        chy_write_set(write, CHY_CHANNEL_DONE, chy_value_int(done + 1));
        chy_write_set(write, CHY_CHANNEL_ATTEMPTS, chy_value_int(0));
    }
    if (chy_row_is_null(channel, CHY_CHANNEL_NEXT_AT)) {
        chy_write_set(write, CHY_CHANNEL_NEXT_AT, chy_value_time(now));
        chy_write_set(write, CHY_CHANNEL_WAITING_SINCE, chy_value_time(now));
    }
}

static chy_status put_in_line(struct chy_alert_telling *t, struct chy_batch *batch,
                              const struct chy_alert_message *message,
                              const struct chy_storage_row *channel)
{
    struct chy_alert_line *line = chy_alloc(t->op, sizeof *line); // the batch borrows it
    if (line == NULL) {
        return chy_fail_memory(t->op);
    }
    memset(line, 0, sizeof *line);
    line->channel_id = chy_row_uuid(channel, CHY_CHANNEL_ID);
    line->alert_id = chy_row_uuid(channel, CHY_CHANNEL_ALERT_ID);
    line->project_id = chy_row_uuid(channel, CHY_CHANNEL_PROJECT_ID);
    line->sequence = chy_row_int(channel, CHY_CHANNEL_ISSUED) + 1;
    CHY_TRY(chy_runtime_new_uuid(t->runtime, t->op, &line->id));
    CHY_TRY(number_data(t, message, line));
    line->channel_type = chy_row_text(channel, CHY_CHANNEL_TYPE);
    line->time = t->time;
    line->certificates = t->count;
    (void)chy_alert_line_insert(batch, message, line);
    move_channel(t, batch, line, channel);
    return CHY_OK;
}

chy_status chy_alert_telling_write(struct chy_alert_telling *telling, struct chy_batch *batch,
                                   const struct chy_alert_channels *channels)
{
    struct chy_alert_message message;
    if (telling->count == 0) {
        return CHY_OK;
    }
    CHY_TRY(chy_alert_message_make(telling, NULL, &message));
    for (uint32_t i = 0; i < channels->count; i++) {
        if (chy_row_bool(channels->rows[i], CHY_CHANNEL_ENABLED)) {
            CHY_TRY(put_in_line(telling, batch, &message, channels->rows[i]));
        }
    }
    return CHY_OK;
}
