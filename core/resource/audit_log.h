/** The audit over REST: "audit-logs" with list, search, get and export; and one row as JSON. */
#ifndef CHY_RESOURCE_AUDIT_LOG_H
#define CHY_RESOURCE_AUDIT_LOG_H

#include "resource/kind.h"

extern const struct chy_kind chy_kind_audit_log;

/** chy_audit_event_json makes the JSON of a row that has every field, as REST and files have it. */
CHY_MUST_USE chy_status chy_audit_event_json(struct chy_op *op, const struct chy_storage_row *row,
                                             json_t **out_json);

#endif
