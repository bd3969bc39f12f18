/**
 * OCSP answers that were given, to give again: by key generation and the CertID, DER, that was
 * asked for.  Of one certificate there are at most four: two digests, with and without NULL behind.
 *
 * Memory is bounded: what was not asked for lately makes room.
 */
#ifndef CHY_ENROLL_OCSP_ANSWERS_H
#define CHY_ENROLL_OCSP_ANSWERS_H

#include "base/uuid.h"

#include <chancery/host.h>

/** One answer.  `statuses` are the bytes of what it says, to compare with what holds now. */
struct chy_ocsp_kept {
    struct chy_slice der;
    struct chy_slice statuses;
    int64_t this_update;
    int64_t next_update;
    int64_t checked_at; /**< monotonic: when storage said that it holds */
};

/** NULL: out of memory. */
struct chy_ocsp_answers;
struct chy_ocsp_answers *chy_ocsp_answers_new(void);
void chy_ocsp_answers_free(struct chy_ocsp_answers *answers);

/** chy_ocsp_answers_find copies an answer into the operation's arena.  NOT_FOUND: none.  Any
 *  thread, like the next two; none waits for I/O. */
CHY_MUST_USE chy_status chy_ocsp_answers_find(struct chy_ocsp_answers *answers, struct chy_op *op,
                                              const struct chy_uuid *generation_id,
                                              struct chy_slice id, struct chy_ocsp_kept *out_kept);
/** chy_ocsp_answers_keep keeps a copy, in place of the former one; unless storage was asked for
 *  that one later: whoever was slow does not undo what is known since. */
void chy_ocsp_answers_keep(struct chy_ocsp_answers *answers, const struct chy_uuid *generation_id,
                           struct chy_slice id, const struct chy_ocsp_kept *kept);
/** chy_ocsp_answers_touch notes that the answer `kept` was found to hold at `checked_at`. */
void chy_ocsp_answers_touch(struct chy_ocsp_answers *answers, const struct chy_uuid *generation_id,
                            struct chy_slice id, const struct chy_ocsp_kept *kept,
                            int64_t checked_at);

#endif
