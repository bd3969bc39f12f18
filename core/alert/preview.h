/** Which certificates an alert speaks of, before it does: pages of them, by the indexes of the
 *  search for certificates. */
#ifndef CHY_ALERT_PREVIEW_H
#define CHY_ALERT_PREVIEW_H

#include "alert/certificate.h"
#include "resource/kind.h"

/** chy_alert_certificates answers those of a stored alert, chy_alert_preview those of filters in
 *  the document.  With an alertBefore: those that are to be told until then. */
CHY_MUST_USE chy_status chy_alert_certificates(struct chy_call *call);
CHY_MUST_USE chy_status chy_alert_preview(struct chy_call *call);

#define CHY_ALERT_BEFORE_SHAPE                                                                 \
    "{\"type\":[\"string\",\"null\"],\"maxLength\":16,\"pattern\":\"^[0-9]+[dwmy]$\","         \
    "\"examples\":[\"30d\"],\"description\":\"a time such as 30d, 4w, 2m (of 30 days) or 1y; " \
    "with eventType expiration only\"}"
#define CHY_ALERT_CERTIFICATES_SHAPE "{\"type\":\"object\",\"properties\":{" CHY_PAGE_MEMBERS "}}"
#define CHY_ALERT_PREVIEW_SHAPE                                                             \
    "{\"type\":\"object\",\"properties\":{\"projectId\":" CHY_SHAPE_ID "," CHY_PAGE_MEMBERS \
    ",\"filters\":" CHY_ALERT_FILTERS_SHAPE ",\"alertBefore\":" CHY_ALERT_BEFORE_SHAPE "}}"
#define CHY_ALERT_CERTIFICATES_OUTLINE                                                     \
    "{'certificates': [" CHY_ALERT_CERTIFICATE_OUTLINE "], 'total': 'int', 'totalCount': " \
    "'int', 'offset': 'int', 'limit': 'int', 'cursor?': 'text'}"

#endif
