#include "alert/state.h"

#include "base/slice.h"
#include "resource/collections.h"

struct chy_write *chy_alert_state_note(struct chy_batch *batch, const struct chy_uuid *alert_id,
                                       struct chy_slice error)
{
    struct chy_write *write =
        chy_batch_update(batch, CHY_C_ALERT_STATES, CHY_KEY(chy_value_uuid(alert_id)));
    const char *status = error.len == 0 ? "success" : "failed";
    chy_write_set(write, CHY_ALERT_STATE_LAST_AT, chy_value_time(chy_now(batch->op)));
    chy_write_set(write, CHY_ALERT_STATE_LAST_STATUS, chy_value_text(chy_text(status)));
    chy_write_set(write, CHY_ALERT_STATE_LAST_ERROR, chy_value_text_or_null(error));
    return write;
}

struct chy_slice chy_alert_error(struct chy_op *op, char out_text[CHY_ALERT_ERROR_SIZE])
{
    struct chy_error error = {.struct_size = sizeof error};
    op->host->last_error(op, &error);
    size_t len = chy_text_sanitise(error.message, out_text, CHY_ALERT_ERROR_SIZE - 1);
    if (len == 0) {
        len = (size_t)snprintf(out_text, CHY_ALERT_ERROR_SIZE, "it failed for an unknown reason");
    }
    out_text[len] = '\0';
    return chy_slice_of((const uint8_t *)out_text, len);
}

chy_status chy_alert_state_failed(struct chy_runtime *runtime, struct chy_op *op,
                                  const struct chy_uuid *alert_id)
{
    struct chy_batch batch;
    char text[CHY_ALERT_ERROR_SIZE];
    struct chy_slice error = chy_alert_error(op, text);
    char id[CHY_UUID_TEXT_SIZE];
    chy_uuid_format(alert_id, id);
    chy_log_warning(op, "alert.failed", "alert %s: %s", id, text);
    chy_batch_init(&batch, op, 0);
    (void)chy_alert_state_note(&batch, alert_id, error);
    chy_status status = chy_batch_commit(&batch, runtime->storage, NULL);
    return status == CHY_CONFLICT ? CHY_OK : status; // it was deleted in this moment
}
