#include "base/time.h"
#include "enroll/application.h"
#include "enroll/renewal.h"
#include "enroll/statistics.h"
#include "resource/collections.h"
#include "resource/json.h"
#include "resource/shape.h"

/** What a call asks for. */
struct wish {
    bool disables;
    int64_t before; /**< µs; 0: the profile's */
    bool by_days;   /**< it was given in days, and is answered so */
};

static chy_status read_wish(struct chy_call *call, struct wish *out_wish)
{
    const json_t *days = json_object_get(call->document, "renewBeforeDays");
    const json_t *text = json_object_get(call->document, "renewBefore");
    const json_t *enable = json_object_get(call->document, "enableAutoRenewal");
    memset(out_wish, 0, sizeof *out_wish);
    out_wish->disables = json_is_false(enable);
    if (days == NULL && text == NULL && enable == NULL) {
        return chy_shape_refuse_one(call->op, "custom", "",
                                    "expected renewBeforeDays, renewBefore or enableAutoRenewal");
    }
    if (days != NULL && text != NULL) {
        return chy_shape_refuse_one(call->op, "custom", "/renewBefore",
                                    "renewBefore and renewBeforeDays exclude one another");
    }
    if (out_wish->disables && (days != NULL || text != NULL)) {
        return chy_shape_refuse_one(call->op, "custom", "/enableAutoRenewal",
                                    "a threshold cannot be set while renewal is disabled");
    }
    if (days != NULL) {
        out_wish->by_days = true;
        out_wish->before = chy_duration_of(json_integer_value(days), CHY_US_PER_DAY);
    }
    if (text != NULL && !chy_duration_parse_request(chy_json_text(text), &out_wish->before)) {
        return chy_shape_refuse_one(call->op, "invalid_string", "/renewBefore",
                                    "expected a duration such as 30m, 12h or 7d");
    }
    return CHY_OK;
}

/* ------------------------------------------------------------------------------------------------
 * May it be renewed?
 */

static chy_status forbid(struct chy_call *call, const char *why)
{
    return chy_fail_reason(call->op, CHY_DENIED, CHY_REASON_BOUNDARY, "%s", why);
}

static chy_status check_source(struct chy_call *call, const struct chy_storage_row *row)
{
    if (chy_row_is_null(row, CHY_CERT_PROFILE_ID)) {
        return chy_fail(call->op, CHY_BAD_INPUT, 0,
                        "only a certificate of a profile can be renewed automatically");
    }
    if (!chy_slice_is(chy_row_text(row, CHY_CERT_METHOD), "api")) {
        return forbid(call, "only certificates that were issued over the API renew automatically");
    }
    if (chy_row_is_null(row, CHY_CERT_SEALED_KEY)) {
        return forbid(call, "the private key is not kept here: whoever has it renews");
    }
    return CHY_OK;
}

static chy_status check_state(struct chy_call *call, const struct chy_storage_row *row)
{
    const char *why = NULL;
    if (!chy_slice_is(chy_row_text(row, CHY_CERT_STATUS), "active")) {
        why = "the certificate is revoked";
    } else if (chy_now(call->op) >= chy_row_time(row, CHY_CERT_NOT_AFTER)) {
        why = "the certificate has expired";
    } else if (!chy_row_is_null(row, CHY_CERT_RENEWED_BY_ID)) {
        why = "the certificate has been renewed already";
    }
    return why == NULL ? CHY_OK : chy_fail(call->op, CHY_BAD_INPUT, 0, "%s", why);
}

static chy_status check_time(struct chy_call *call, const struct chy_storage_row *row,
                             int64_t before)
{
    int64_t not_after = chy_row_time(row, CHY_CERT_NOT_AFTER);
    int64_t now = chy_now(call->op);
    char text[CHY_DURATION_TEXT_SIZE];
    chy_duration_format(before, text);
    if (before >= not_after - chy_row_time(row, CHY_CERT_NOT_BEFORE)) {
        return chy_fail(call->op, CHY_BAD_INPUT, 0,
                        "the certificate's whole life is not longer than %s", text);
    }
    if (not_after - before <= now) {
        return chy_fail(call->op, CHY_BAD_INPUT, 0,
                        "%s before its end has passed already: renew it now, or choose less", text);
    }
    return CHY_OK;
}

/** default_renewal is what the certificate went by when it was issued: its application's, else its
 *  profile's. */
static chy_status default_renewal(struct chy_call *call, const struct chy_storage_row *row,
                                  struct chy_auto_renewal *out_renewal)
{
    const struct chy_enroll_profile *profile;
    struct chy_enroll_application application;
    struct chy_uuid profile_id = chy_row_uuid(row, CHY_CERT_PROFILE_ID);
    struct chy_uuid application_id = chy_row_uuid(row, CHY_CERT_APPLICATION_ID);
    CHY_TRY(chy_enroll_profile_get(call->runtime, call->op, &profile_id, &profile));
    *out_renewal = profile->auto_renewal;
    if (chy_uuid_is_nil(&application_id)) {
        return CHY_OK;
    }
    CHY_TRY(chy_enroll_application_get(call->runtime, call->op, &profile->project_id,
                                       &application_id, &profile_id, &application));
    if (application.has_own) {
        *out_renewal = application.auto_renewal;
    }
    return CHY_OK;
}

/** What a certificate gets. */
struct chosen {
    int64_t before;  /**< µs; 0: none */
    bool has_choice; /**< that is of its own, and its successors' */
    int64_t choice;
};

/** choose_default takes what application or profile say; a threshold of theirs that they do not use
 *  themselves becomes the certificate's own. */
static chy_status choose_default(struct chy_call *call, const struct chy_storage_row *row,
                                 struct chosen *chosen)
{
    struct chy_auto_renewal renewal;
    CHY_TRY(default_renewal(call, row, &renewal));
    if (renewal.before == 0) {
        return chy_fail(call->op, CHY_BAD_INPUT, 0,
                        "the profile has no threshold: give renewBeforeDays or renewBefore");
    }
    chosen->has_choice = !renewal.enabled;
    chosen->choice = renewal.before;
    chosen->before = chy_renewal_threshold(renewal.before, chy_row_time(row, CHY_CERT_NOT_BEFORE),
                                           chy_row_time(row, CHY_CERT_NOT_AFTER),
                                           chy_row_time(row, CHY_CERT_CREATED_AT));
    return CHY_OK;
}

/* ------------------------------------------------------------------------------------------------
 * Changing it
 */

static chy_status store(struct chy_call *call, const struct chy_storage_row *row,
                        const struct chosen *chosen)
{
    const int64_t before = chosen->before;
    struct chy_batch batch;
    struct chy_counted was = chy_counted_of_row(row);
    struct chy_counted is = was;
    is.auto_renewed = before != 0;
    chy_batch_init(&batch, call->op, 0);
    struct chy_write *write =
        chy_batch_update(&batch, CHY_C_CERTIFICATES, CHY_KEY(chy_value_uuid(&call->id)));
    chy_write_guard_revision(write, row->revision);
    chy_write_set(write, CHY_CERT_RENEW_BEFORE,
                  before == 0 ? chy_value_null() : chy_value_int(before));
    chy_write_set(write, CHY_CERT_RENEW_AT,
                  before == 0 ? chy_value_null()
                              : chy_value_time(chy_row_time(row, CHY_CERT_NOT_AFTER) - before));
    chy_write_set(write, CHY_CERT_RENEWAL_CHOICE,
                  chosen->has_choice ? chy_value_int(chosen->choice) : chy_value_null());
    chy_write_set(write, CHY_CERT_RENEWAL_ATTEMPTS, chy_value_null());
    chy_write_set(write, CHY_CERT_UPDATED_AT, chy_value_time(chy_now(call->op)));
    CHY_TRY(chy_statistics_count(call->runtime, &batch, &was, &is));
    return chy_call_commit(call, &batch, before == 0 ? "disable-renewal" : "configure-renewal",
                           &call->id);
}

static chy_status answer(struct chy_call *call, const struct wish *wish, int64_t before)
{
    char text[CHY_DURATION_TEXT_SIZE];
    json_t *object = chy_json_object(call->op);
    bool fine = object != NULL &&
                chy_json_set_text(object, "message",
                                  chy_text(before == 0 ? "Automatic renewal is disabled"
                                                       : "Automatic renewal is configured"));
    if (fine && before != 0 && (wish->by_days || before % CHY_US_PER_DAY == 0)) {
        fine = chy_json_set_int(object, "renewBeforeDays", before / CHY_US_PER_DAY);
    }
    if (fine && before != 0 && !wish->by_days) {
        chy_duration_format(before, text);
        fine = chy_json_set_text(object, "renewBefore", chy_text(text));
    }
    call->answer = object;
    return fine ? CHY_OK : chy_fail_memory(call->op);
}

chy_status chy_renewal_configure(struct chy_call *call)
{
    struct chy_storage_row row;
    struct wish wish;
    struct chosen chosen = {.has_choice = true};
    CHY_TRY(chy_call_row(call, &call->id, &row));
    CHY_TRY(read_wish(call, &wish));
    if (!wish.disables) {
        CHY_TRY(check_source(call, &row));
        CHY_TRY(check_state(call, &row));
        chosen.before = wish.before;
        chosen.choice = wish.before;
        if (wish.before == 0) {
            CHY_TRY(choose_default(call, &row, &chosen));
        }
        CHY_TRY(check_time(call, &row, chosen.before));
    }
    CHY_TRY(store(call, &row, &chosen));
    return answer(call, &wish, chosen.before);
}
