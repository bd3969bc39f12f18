/** What identities of every kind share. */
#ifndef CHY_ACCESS_IDENTITY_STATE_H
#define CHY_ACCESS_IDENTITY_STATE_H

#include "access/identity.h"

#define CHY_IDENTITY_ROLE_SHAPE                                                                  \
    "{\"type\":\"string\",\"enum\":[\"admin\",\"operator\",\"issuer\",\"approver\",\"auditor\"," \
    "\"viewer\",\"no-access\"]}"
#define CHY_IDENTITY_NAME_SHAPE(example)                                      \
    "{\"type\":\"string\",\"minLength\":1,\"maxLength\":255,\"x-trim\":true," \
    "\"examples\":[\"" example "\"]}"

/** chy_identity_refuse_self keeps an administrator from locking everybody out. */
CHY_MUST_USE chy_status chy_identity_refuse_self(struct chy_call *call, const char *what);

/** The action "update", "delete" of any identity, whose row and right to it the caller has. */
chy_status chy_identity_update_row(struct chy_call *call, const struct chy_storage_row *row);
chy_status chy_identity_delete_row(struct chy_call *call);

/** The hook of deleting: what goes with an identity. */
chy_status chy_identity_before_delete(struct chy_call *call, const struct chy_storage_row *row,
                                      struct chy_batch *batch);

#endif
