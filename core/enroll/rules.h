/**
 * A certificate policy, read once and made ready, and its evaluation.
 *
 * The rules, for each kind of thing that a certificate may say:
 *   subject   an attribute needs a rule of its type; one that is required must be present and
 *             match;
 *             a denied pattern refuses; otherwise what is allowed or required must match, each
 *             value of a type that may stand there twice
 *   names     each required pattern must be met by some name of the type; every name must pass its
 *             type's rule; wildcard names need the rule's consent
 *   usages    what is required must be there, what is denied must not (nor by being the usage of
 *             who
 *             asks for none), everything else must be allowed
 *   algorithms, validity, basic constraints   as rest-api says; without a rule CA certificates are
 *   out
 * `*` in a pattern stands for any characters.  Host names, e-mail domains and URI hosts compare
 * without regard to case, all else with it.  Everything that is wrong is said at once.
 */
#ifndef CHY_ENROLL_RULES_H
#define CHY_ENROLL_RULES_H

#include "enroll/decision.h"

#include "base/op.h"

#include <jansson.h>

/** Patterns: views into memory that the rules own. */
struct chy_patterns {
    const struct chy_slice *items;
    uint64_t count;
};

struct chy_value_rule {
    bool is_there;
    bool wildcards; /**< names: wildcard host names may pass */
    struct chy_patterns allowed;
    struct chy_patterns required;
    struct chy_patterns denied;
};

struct chy_usage_rule {
    bool is_there;
    uint32_t allowed;
    uint32_t required;
    uint32_t denied;
};

enum chy_ca_rule {
    CHY_CA_DENIED = 0,
    CHY_CA_ALLOWED,
    CHY_CA_REQUIRED
};

#define CHY_ALGORITHMS_MAX 64

struct chy_algorithm_rule {
    bool is_there;
    uint32_t count;
    uint32_t ids[CHY_ALGORITHMS_MAX]; /**< enum chy_key_algorithm or chy_signature_algorithm */
};

struct chy_rules {
    struct chy_value_rule subject[CHY_NAME_TYPE_COUNT];
    struct chy_value_rule names[CHY_SAN_TYPE_COUNT];
    struct chy_usage_rule key_usage;
    struct chy_usage_rule ekus;
    struct chy_algorithm_rule signatures;
    struct chy_algorithm_rule keys;
    int64_t max_validity; /**< µs; 0: no limit */
    enum chy_ca_rule ca;
    int32_t max_path_length;      /**< −1: no limit */
    struct chy_operation *memory; /**< what the patterns live in */
};

/** The members of a stored policy, as JSON text; empty ones are absent. */
struct chy_policy_text {
    struct chy_slice subject;
    struct chy_slice sans;
    struct chy_slice key_usages;
    struct chy_slice extended_key_usages;
    struct chy_slice algorithms;
    struct chy_slice validity;
    struct chy_slice basic_constraints;
};

/** chy_rules_mask turns a list of usage words into bits; a word that is not known has none. */
uint32_t chy_rules_mask(const json_t *list, uint32_t (*find)(struct chy_slice word));

/**
 * chy_rules_init makes rules of a policy; what they point to is theirs.  chy_rules_fini frees it,
 * also after a failure.
 */
CHY_MUST_USE chy_status chy_rules_init(struct chy_rules *rules, struct chy_op *op,
                                       const struct chy_policy_text *policy);
void chy_rules_fini(struct chy_rules *rules);

/** chy_rules_evaluate holds a decision to the rules.  BAD_INPUT: one message with every reason. */
CHY_MUST_USE chy_status chy_rules_evaluate(struct chy_op *op, const struct chy_rules *rules,
                                           const struct chy_decision *decision);

#endif
