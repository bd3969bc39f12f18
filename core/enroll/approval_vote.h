/**
 * The votes of an approval request, and what they come to.
 *
 * A vote counts as long as who gave it may approve: votes are counted anew at each vote and when
 * the certificate is issued, by the rights of that moment.  What does not count any more stays on
 * record.
 */
#ifndef CHY_ENROLL_APPROVAL_VOTE_H
#define CHY_ENROLL_APPROVAL_VOTE_H

#include "resource/runtime.h"

#include <jansson.h>

struct chy_facts;

/** The words of a vote. */
#define CHY_VOTE_APPROVED "approved"
#define CHY_VOTE_BYPASSED "bypassed" /**< alone, past all steps */
#define CHY_VOTE_REJECTED "rejected"

/** chy_approval_step_names tells whether an identity may vote in a step: one that lists nobody is
 *  for all who may approve. */
bool chy_approval_step_names(const json_t *step, struct chy_slice id);

/** chy_approval_reached finds the first step that is not passed; all of them are: how many there
 *  are.  `lapsed` says of each vote whether it does not count any more; NULL: all count. */
int64_t chy_approval_reached(const json_t *steps, const json_t *votes, const bool *lapsed);

/** chy_approval_has_voted tells whether a vote of the identity counts in a step. */
bool chy_approval_has_voted(const json_t *votes, const bool *lapsed, int64_t step,
                            struct chy_slice id);

/** chy_approval_facts reads what conditions of permissions are held against, for a row of
 *  approval_requests with every field: its certificate request. */
CHY_MUST_USE chy_status chy_approval_facts(struct chy_runtime *runtime, struct chy_op *op,
                                           const struct chy_storage_row *row,
                                           struct chy_uuid *out_owner, struct chy_facts *out_facts);

/** chy_approval_lapsed tells of each vote whether who gave it has lost the right by now. */
CHY_MUST_USE chy_status chy_approval_lapsed(struct chy_runtime *runtime, struct chy_op *op,
                                            const struct chy_storage_row *row, const json_t *votes,
                                            const bool **out_lapsed);

/** chy_approval_stands: BAD_INPUT unless the votes that count today pass every step. */
CHY_MUST_USE chy_status chy_approval_stands(struct chy_runtime *runtime, struct chy_op *op,
                                            const struct chy_storage_row *row);

#endif
