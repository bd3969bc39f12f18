/** A project with a CA, a policy and a profile, on a runtime that can issue. */
#ifndef TEST_ENROLL_PLACE_H
#define TEST_ENROLL_PLACE_H

#include "base/uuid.h"
#include "test_runtime.h"

#include <chancery/enrollment.h>

struct place {
    struct test_runtime *test;
    struct chy_op *op; /**< acts as administrator; made anew by place_next() */
    char project[CHY_UUID_TEXT_SIZE];
    char root[CHY_UUID_TEXT_SIZE];
    char authority[CHY_UUID_TEXT_SIZE];
    char policy[CHY_UUID_TEXT_SIZE];
    char profile[CHY_UUID_TEXT_SIZE];
    char self_signed[CHY_UUID_TEXT_SIZE];
};

/** place_init makes it; `retention` is the profile's keyRetention. */
void place_init(struct place *place, int64_t shard_size, const char *retention);
void place_fini(struct place *place);

/** place_next ends the operation and begins another. */
void place_next(struct place *place);

/** place_arm gives a runtime what enroll needs, as the daemon does; place_disarm takes it. */
void place_arm(struct test_runtime *test);
void place_disarm(struct test_runtime *test);

/** place_enroll asks for a certificate with a common name; `ttl` NULL: 90 days. */
chy_status place_enroll(struct place *place, const char *profile, const char *common_name,
                        const char *ttl, struct chy_enroll_answer *out_answer);

/** place_add_identity adds a person with a role in the whole instance; place_set_role gives one in
 *  the project. */
void place_add_identity(struct place *place, const struct chy_uuid *id, const char *role);
void place_set_role(struct place *place, const struct chy_uuid *id, const char *role);

/** place_get calls the resource service and must succeed. */
json_t *place_call(struct place *place, const char *kind, const char *action, const char *id,
                   const char *document);

#endif
