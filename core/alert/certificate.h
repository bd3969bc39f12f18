/** A certificate as alerts see it: what filters look at, and what people and programs are told. */
#ifndef CHY_ALERT_CERTIFICATE_H
#define CHY_ALERT_CERTIFICATE_H

#include "alert/filter.h"
#include "resource/json.h"

/** The fields that are read of a certificate, and where each is in the row. */
enum chy_alert_column {
    CHY_ALERT_COLUMN_ID = 0,
    CHY_ALERT_COLUMN_STATUS,
    CHY_ALERT_COLUMN_NOT_AFTER,
    CHY_ALERT_COLUMN_COMMON_NAME,
    CHY_ALERT_COLUMN_ALT_NAMES,
    CHY_ALERT_COLUMN_PROFILE_ID,
    CHY_ALERT_COLUMN_IS_CA,
    CHY_ALERT_COLUMN_RENEWED_BY,
    CHY_ALERT_COLUMN_CREATED_AT,
    CHY_ALERT_COLUMN_PROJECT_ID,
    CHY_ALERT_COLUMN_NAMES,
    CHY_ALERT_COLUMN_SERIAL,
    CHY_ALERT_COLUMN_NOT_BEFORE,
    CHY_ALERT_COLUMN_METHOD,
    CHY_ALERT_COLUMN_REASON,
    CHY_ALERT_COLUMNS
};

/** chy_alert_columns is a view of their field numbers. */
struct chy_view chy_alert_columns(void);

/** chy_alert_facts_of borrows what filters look at from a row. */
struct chy_alert_facts chy_alert_facts_of(const struct chy_storage_row *row);

/** chy_alert_ends tells whether a certificate that ends is worth telling: it is neither revoked nor
 *  over, and nothing has taken its place. */
CHY_MUST_USE bool chy_alert_ends(const struct chy_storage_row *row, int64_t now);

/** chy_alert_certificate_show appends the JSON of a certificate to `list`. */
CHY_MUST_USE chy_status chy_alert_certificate_show(struct chy_op *op,
                                                   const struct chy_storage_row *row,
                                                   struct chy_slice profile_name, int64_t now,
                                                   json_t *list);

/** CHY_ALERT_CERTIFICATE_OUTLINE is what that looks like. */
#define CHY_ALERT_CERTIFICATE_OUTLINE                                                             \
    "{'id': 'id', 'serialNumber': 'text', 'commonName': 'text?', 'san': ['text'], "               \
    "'profileName': 'text?', 'enrollmentType': 'text', 'notBefore': 'time', 'notAfter': 'time', " \
    "'status': '=active|expired|revoked', 'daysUntilExpiry': 'int', 'revocationReason?': 'text'}"

#endif
