#include "alert/certificate.h"

#include "base/slice.h"
#include "base/time.h"
#include "enroll/certificate.h"
#include "plugin/view.h"
#include "resource/collections.h"
#include "x509/crl.h"

/** Names of one certificate that are told at most. */
#define NAMES_MAX 100U

struct chy_view chy_alert_columns(void)
{
    static const uint32_t fields[CHY_ALERT_COLUMNS] = {
        CHY_CERT_ID,          CHY_CERT_STATUS,        CHY_CERT_NOT_AFTER,
        CHY_CERT_COMMON_NAME, CHY_CERT_ALT_NAMES,     CHY_CERT_PROFILE_ID,
        CHY_CERT_IS_CA,       CHY_CERT_RENEWED_BY_ID, CHY_CERT_CREATED_AT,
        CHY_CERT_PROJECT_ID,  CHY_CERT_NAMES,         CHY_CERT_SERIAL,
        CHY_CERT_NOT_BEFORE,  CHY_CERT_METHOD,        CHY_CERT_REVOCATION_REASON};
    return chy_view_of(fields, CHY_ALERT_COLUMNS, sizeof fields[0]);
}

struct chy_alert_facts chy_alert_facts_of(const struct chy_storage_row *row)
{
    struct chy_alert_facts facts = {
        .profile_id = chy_row_uuid(row, CHY_ALERT_COLUMN_PROFILE_ID),
        .common_name = chy_row_text(row, CHY_ALERT_COLUMN_COMMON_NAME),
        .alt_names = chy_row_text(row, CHY_ALERT_COLUMN_ALT_NAMES),
        .names = chy_row_many(row, CHY_ALERT_COLUMN_NAMES),
        .is_ca = chy_row_bool(row, CHY_ALERT_COLUMN_IS_CA),
    };
    return facts;
}

bool chy_alert_ends(const struct chy_storage_row *row, int64_t now)
{
    return chy_slice_is(chy_row_text(row, CHY_ALERT_COLUMN_STATUS), "active") &&
           chy_row_time(row, CHY_ALERT_COLUMN_NOT_AFTER) > now &&
           chy_row_is_null(row, CHY_ALERT_COLUMN_RENEWED_BY);
}

static bool add_name(json_t *list, struct chy_slice name)
{
    return json_array_append_new(list, json_stringn((const char *)name.ptr, (size_t)name.len)) == 0;
}

/** show_names lists the alternative names: as they are joined or, where they are too many for that,
 *  as they are searched. */
static bool show_names(const struct chy_storage_row *row, json_t *object)
{
    json_t *list = json_array();
    struct chy_slice rest = chy_row_text(row, CHY_ALERT_COLUMN_ALT_NAMES);
    struct chy_view names = chy_row_many(row, CHY_ALERT_COLUMN_NAMES);
    bool fine = json_object_set_new(object, "san", list) == 0;
    bool joined = rest.len != 0;
    while (rest.len != 0 && fine && json_array_size(list) < NAMES_MAX) {
        struct chy_slice name = rest;
        struct chy_slice after = {NULL, 0};
        if (!chy_slice_cut(rest, ',', &name, &after)) {
            name = rest;
            after = chy_slice_of(NULL, 0);
        }
        fine = add_name(list, name);
        rest = after;
    }
    for (uint64_t i = 0; !joined && names.count > 1 && i < names.count && i < NAMES_MAX; i++) {
        const struct chy_slice *name = chy_view_item(names, i);
        fine = add_name(list, *name) && fine;
    }
    return fine;
}

static bool set_text(json_t *object, const char *name, struct chy_slice text)
{
    return text.len == 0 ? chy_json_set_null(object, name) : chy_json_set_text(object, name, text);
}

/** days_until counts whole days, those that have passed below zero. */
static int64_t days_until(int64_t end, int64_t now)
{
    int64_t left = end - now;
    return left >= 0 ? left / CHY_US_PER_DAY : -((-left + CHY_US_PER_DAY - 1) / CHY_US_PER_DAY);
}

chy_status chy_alert_certificate_show(struct chy_op *op, const struct chy_storage_row *row,
                                      struct chy_slice profile_name, int64_t now, json_t *list)
{
    struct chy_uuid id = chy_row_uuid(row, CHY_ALERT_COLUMN_ID);
    int64_t not_after = chy_row_time(row, CHY_ALERT_COLUMN_NOT_AFTER);
    const char *status =
        chy_certificate_status(chy_row_text(row, CHY_ALERT_COLUMN_STATUS), not_after, now);
    json_t *object = json_object();
    const char *reason = NULL;
    bool fine =
        json_array_append_new(list, object) == 0 && chy_json_set_uuid(object, "id", &id) &&
        chy_json_set_text(object, "serialNumber", chy_row_text(row, CHY_ALERT_COLUMN_SERIAL)) &&
        set_text(object, "commonName", chy_row_text(row, CHY_ALERT_COLUMN_COMMON_NAME)) &&
        show_names(row, object) && set_text(object, "profileName", profile_name) &&
        chy_json_set_text(object, "enrollmentType", chy_row_text(row, CHY_ALERT_COLUMN_METHOD)) &&
        chy_json_set_time(object, "notBefore", chy_row_time(row, CHY_ALERT_COLUMN_NOT_BEFORE)) &&
        chy_json_set_time(object, "notAfter", not_after) &&
        chy_json_set_text(object, "status", chy_text(status)) &&
        chy_json_set_int(object, "daysUntilExpiry", days_until(not_after, now));
    if (fine && !chy_row_is_null(row, CHY_ALERT_COLUMN_REASON)) {
        reason = chy_crl_reason_word((uint32_t)chy_row_int(row, CHY_ALERT_COLUMN_REASON));
    }
    if (reason != NULL) {
        fine = chy_json_set_text(object, "revocationReason", chy_text(reason));
    }
    return fine ? CHY_OK : chy_fail_memory(op);
}
