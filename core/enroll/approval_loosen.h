/** Is a changed approval policy looser than it was? */
#ifndef CHY_ENROLL_APPROVAL_LOOSEN_H
#define CHY_ENROLL_APPROVAL_LOOSEN_H

#include <jansson.h>
#include <stdbool.h>

/**
 * chy_approval_loosens tells whether something could pass after a change that could not before.
 * `policy` has the members that the policy has on the wire, with `conditions` as they are stored;
 * `change` those of them that change, or `"delete": true`.
 */
bool chy_approval_loosens(const json_t *policy, const json_t *change);

#endif
