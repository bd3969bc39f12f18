/**
 * What the actions of the audit are called: all of them, in one table.
 *
 * docs/audit.md says the same, which tests/lint/docs compares.  The kinds' own actions are
 * `kind->audit` and a verb; whatever else is recorded names its action by a literal.  Recording
 * what does not stand here is told in the log (`audit.unnamed`), and fails the integration tests.
 */
#ifndef CHY_RESOURCE_AUDIT_ACTIONS_H
#define CHY_RESOURCE_AUDIT_ACTIONS_H

#include "base/slice.h"

struct chy_audit_action {
    const char *name; /**< "certificate.issue" */
    const char *when; /**< for people; NULL: only a refusal is called so */
};

/** chy_audit_action_find returns NULL for a name that there is not. */
const struct chy_audit_action *chy_audit_action_find(struct chy_slice name);

#endif
