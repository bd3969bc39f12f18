/** A certificate profile with its policy, as enrollment needs it: read once and cached. */
#ifndef CHY_ENROLL_PROFILE_H
#define CHY_ENROLL_PROFILE_H

#include "enroll/issuer.h"
#include "enroll/rules.h"

enum chy_key_retention {
    CHY_KEY_STORED = 0,
    CHY_KEY_ONCE,
    CHY_KEY_NOT_KEPT
};

/** What a profile fills in where a request is silent. */
struct chy_profile_defaults {
    int64_t ttl;                                   /**< µs; 0: none */
    struct chy_slice subject[CHY_NAME_TYPE_COUNT]; /**< one value each; domain components apart */
    struct chy_patterns domain_components;
    bool has_key_usage;
    bool has_ekus;
    bool has_basic_constraints;
    uint32_t key_usage;
    uint32_t ekus;
    struct chy_basic_constraints basic_constraints;
    uint32_t key_algorithm;       /**< CHY_KEY_NONE: none */
    uint32_t signature_algorithm; /**< CHY_SIG_NONE: none */
};

/** Whether certificates renew themselves, as the API's configuration says. */
struct chy_auto_renewal {
    bool enabled;
    int64_t before; /**< µs before the end; 0: no threshold */
};

/** Whether what is asked for by the profile has to be approved. */
struct chy_approval_rule {
    struct chy_uuid policy_id; /**< nil: it has not */
    bool bypass_machines;
};

/** Immutable. */
struct chy_enroll_profile {
    struct chy_cached cached;     /**< first member */
    struct chy_operation *memory; /**< everything it points to lives in it */
    struct chy_uuid id;
    struct chy_uuid project_id;
    struct chy_uuid policy_id;
    struct chy_uuid authority_id; /**< nil: self-signed */
    uint64_t revision;
    uint64_t policy_revision;
    struct chy_slice slug;
    struct chy_slice method;
    enum chy_key_retention key_retention;
    struct chy_auto_renewal auto_renewal; /**< of the method's options, when it has them */
    struct chy_approval_rule approval;
    struct chy_profile_defaults defaults;
    struct chy_rules rules;
};

/** chy_enroll_profile_get finds a profile by its id.  NOT_FOUND: none, or not in a project of the
 *  caller's. */
CHY_MUST_USE chy_status chy_enroll_profile_get(struct chy_runtime *runtime, struct chy_op *op,
                                               const struct chy_uuid *id,
                                               const struct chy_enroll_profile **out_profile);

/** chy_auto_renewal_read reads a stored configuration. */
CHY_MUST_USE chy_status chy_auto_renewal_read(struct chy_op *op, struct chy_slice config,
                                              struct chy_auto_renewal *out_renewal);

#endif
