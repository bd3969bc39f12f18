/** Public keys that no certificate is issued for. */
#ifndef CHY_ENROLL_BLOCKED_KEY_H
#define CHY_ENROLL_BLOCKED_KEY_H

#include "resource/runtime.h"

enum chy_blocked_reason {
    CHY_BLOCKED_NOT = 0,
    CHY_BLOCKED_AUTHORITY,    /**< a CA of ours has it */
    CHY_BLOCKED_INTERMEDIATE, /**< so has somebody's CA that we signed */
    CHY_BLOCKED_COMPROMISED   /**< a certificate for it was revoked for that */
};

/** chy_blocked_key_find tells why a key is blocked, if it is. */
CHY_MUST_USE chy_status chy_blocked_key_find(struct chy_runtime *runtime, struct chy_op *op,
                                             struct chy_slice spki_sha256,
                                             enum chy_blocked_reason *out_reason);

/** chy_refuse_blocked_key: BAD_INPUT, CHY_REASON_CRYPTO when the key is blocked. */
CHY_MUST_USE chy_status chy_refuse_blocked_key(struct chy_runtime *runtime, struct chy_op *op,
                                               struct chy_slice spki_sha256);

/** chy_refuse_compromised_key is the same for a key that is blocked because a CA has it, and which
 *  that CA may have certified: only a compromise refuses it. */
CHY_MUST_USE chy_status chy_refuse_compromised_key(struct chy_runtime *runtime, struct chy_op *op,
                                                   struct chy_slice spki_sha256);

/**
 * chy_blocked_key_enter puts the blocking of a key into `batch`.  A compromise takes the place of
 * any other reason; those want a key that is not blocked yet, else the batch conflicts.
 */
void chy_blocked_key_enter(struct chy_batch *batch, struct chy_slice spki_sha256,
                           enum chy_blocked_reason reason);

#endif
