/** What the files of people share. */
#ifndef CHY_ACCESS_USER_STATE_H
#define CHY_ACCESS_USER_STATE_H

#include "access/user.h"

/** The action "login". */
chy_status chy_user_login(struct chy_call *call);
/** The action "change-password". */
chy_status chy_user_change_password(struct chy_call *call);

/** chy_user_put_password puts a password's PHC string into `batch`, guarded by what was read:
 *  `revision` 0: there was none. */
void chy_user_put_password(struct chy_batch *batch, const struct chy_uuid *id, uint64_t revision,
                           struct chy_slice phc);

/** chy_user_end_tokens ends the person's tokens with `batch`: all but what
 *  chy_user_end_other_tokens() deletes once that is committed. */
void chy_user_end_tokens(struct chy_batch *batch, const struct chy_uuid *id);
CHY_MUST_USE chy_status chy_user_end_other_tokens(struct chy_call *call, const struct chy_uuid *id);

#endif
