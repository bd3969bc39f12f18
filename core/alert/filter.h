/**
 * Filters of alerts: which certificates an alert speaks of.
 *
 * Each pair of field and operator that there is stands in one table, with the index by which the
 * search for certificates answers it; a pair that no index answers is refused.  A filter is used in
 * two ways that must mean the same: to narrow a search, and to look at one certificate.  What
 * narrows may let more through than the filter does; chy_alert_filters_keep() has the last word in
 * both.
 */
#ifndef CHY_ALERT_FILTER_H
#define CHY_ALERT_FILTER_H

#include "plugin/batch.h"
#include "resource/runtime.h"

#include <jansson.h>

#define CHY_ALERT_FILTERS_MAX 20U
/** How many profiles a filter of profile names may mean. */
#define CHY_ALERT_PROFILES_MAX CHY_STORAGE_IN_MAX

/** JSON Schema of the member `filters`. */
#define CHY_ALERT_FILTERS_SHAPE                                                                   \
    "{\"type\":[\"array\",\"null\"],\"maxItems\":20,\"items\":{\"type\":\"object\",\"required\":" \
    "[\"field\",\"operator\",\"value\"],\"properties\":{"                                         \
    "\"field\":{\"type\":\"string\",\"maxLength\":32,\"description\":\"profile_name, "            \
    "common_name, san or include_cas\"},"                                                         \
    "\"operator\":{\"type\":\"string\",\"maxLength\":32,\"description\":\"equals, matches or "    \
    "starts_with; include_cas: equals\"},"                                                        \
    "\"value\":{\"type\":[\"string\",\"array\",\"boolean\"],\"maxLength\":255,\"maxItems\":20,"   \
    "\"items\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":255}}}}}"

enum chy_alert_field {
    CHY_ALERT_FIELD_PROFILE = 0,
    CHY_ALERT_FIELD_COMMON_NAME,
    CHY_ALERT_FIELD_SAN,
    CHY_ALERT_FIELD_CAS
};

enum chy_alert_operator {
    CHY_ALERT_EQUALS = 0,
    CHY_ALERT_MATCHES,
    CHY_ALERT_STARTS_WITH
};

/** One filter, ready.  `texts` is of struct chy_slice, in lower case: any of them fits. */
struct chy_alert_filter {
    enum chy_alert_field field;
    enum chy_alert_operator how;
    struct chy_view texts;
    struct chy_view profile_ids; /**< of struct chy_value: uuids of the profiles that fit */
};

/** All of an alert: each of them must fit.  CA certificates only where they are asked for. */
struct chy_alert_filters {
    struct chy_alert_filter items[CHY_ALERT_FILTERS_MAX];
    uint32_t count;
    bool include_cas;
};

/** What they look at of a certificate. */
struct chy_alert_facts {
    struct chy_uuid profile_id;
    struct chy_slice common_name;
    struct chy_slice alt_names; /**< comma-joined, as rows have them */
    struct chy_view names; /**< of struct chy_slice: common and alternative names, lower case */
    bool is_ca;
};

/** chy_alert_filters_check holds the member `filters` of a document, NULL or of its shape, to the
 *  table.  BAD_INPUT: it says at its path which fields and operators there are. */
CHY_MUST_USE chy_status chy_alert_filters_check(struct chy_op *op, const json_t *filters);

/** chy_alert_filters_read makes checked filters ready, without what is stored: `profile_ids` come
 *  by chy_alert_filters_resolve(), which looks at the project's profiles of now.  BAD_INPUT: too
 *  many profiles have such names. */
CHY_MUST_USE chy_status chy_alert_filters_read(struct chy_op *op, const json_t *json,
                                               struct chy_alert_filters *out_filters);
CHY_MUST_USE chy_status chy_alert_filters_resolve(struct chy_runtime *runtime, struct chy_op *op,
                                                  const struct chy_uuid *project_id,
                                                  struct chy_alert_filters *filters);

/** chy_alert_filters_narrow adds conditions to a query of certificates, as far as indexes have
 *  them; it borrows the filters. */
void chy_alert_filters_narrow(const struct chy_alert_filters *filters, struct chy_query *query);

/** chy_alert_filters_keep tells whether a certificate fits. */
CHY_MUST_USE bool chy_alert_filters_keep(const struct chy_alert_filters *filters,
                                         const struct chy_alert_facts *facts);

#endif
