#include "place.h"

#include "enroll/approval_grant.h"
#include "enroll/approval_policy.h"
#include "enroll/approval_request.h"
#include "enroll/authority.h"
#include "enroll/certificate.h"
#include "enroll/clock_guard.h"
#include "enroll/crl.h"
#include "enroll/ocsp.h"
#include "enroll/pipeline.h"
#include "enroll/request.h"
#include "enroll/shard.h"
#include "resource/collections.h"
#include "resource/policy.h"
#include "resource/profile.h"
#include "resource/project.h"

#include <check.h>

static const struct chy_kind *const kinds[] = {
    &chy_kind_project,         &chy_kind_policy,           &chy_kind_profile,
    &chy_kind_authority,       &chy_kind_certificate,      &chy_kind_request,
    &chy_kind_approval_policy, &chy_kind_approval_request, &chy_kind_approval_grant,
};

void place_next(struct place *place)
{
    test_runtime_op_end(place->op);
    place->op = test_runtime_op_as(place->test, test_runtime_admin());
}

json_t *place_call(struct place *place, const char *kind, const char *action, const char *id,
                   const char *document)
{
    json_t *answer = NULL;
    chy_status status = test_call(place->test, place->op, kind, action, id, document, &answer);
    ck_assert_msg(status == CHY_OK, "%s %s %s: %s", kind, action, document,
                  test_message(place->op));
    return answer;
}

static void keep(char out[CHY_UUID_TEXT_SIZE], const json_t *answer, const char *path)
{
    (void)snprintf(out, CHY_UUID_TEXT_SIZE, "%s", test_text(answer, path));
}

static const char *fill(const char *format, ...) CHY_PRINTF(1, 2);
static const char *fill(const char *format, ...)
{
    static char text[2048];
    va_list arguments;
    va_start(arguments, format);
    ck_assert_int_lt(vsnprintf(text, sizeof text, format, arguments), (int)sizeof text);
    va_end(arguments);
    return text;
}

void place_arm(struct test_runtime *test)
{
    struct chy_runtime *runtime = test_runtime_of(test);
    struct chy_op *op = test_runtime_op(test);
    ck_assert_int_eq(chy_clock_guard_new(runtime, op, &runtime->clock_guard), CHY_OK);
    test_runtime_op_end(op);
    runtime->shards = chy_shards_new();
    runtime->crls = chy_crls_new();
    runtime->ocsp = chy_ocsp_new();
    ck_assert(runtime->shards != NULL && runtime->crls != NULL && runtime->ocsp != NULL);
}

void place_disarm(struct test_runtime *test)
{
    struct chy_runtime *runtime = test_runtime_of(test);
    chy_clock_guard_free(runtime->clock_guard);
    chy_shards_free(runtime->shards);
    chy_crls_free(runtime->crls);
    chy_ocsp_free(runtime->ocsp);
}

static void make_authorities(struct place *p)
{
    keep(p->root,
         place_call(p, "certificate-authorities", "create", NULL,
                    fill("{\"projectId\":\"%s\",\"name\":\"root\",\"configuration\":{\"type\":"
                         "\"root\",\"commonName\":\"Root\",\"keyAlgorithm\":\"Ed25519\","
                         "\"notAfter\":\"2036-01-01\"}}",
                         p->project)),
         "id");
    keep(p->authority,
         place_call(p, "certificate-authorities", "create", NULL,
                    fill("{\"projectId\":\"%s\",\"name\":\"issuing\",\"configuration\":{\"type\":"
                         "\"intermediate\",\"commonName\":\"Issuing\","
                         "\"keyAlgorithm\":\"EC_prime256v1\"}}",
                         p->project)),
         "id");
    (void)place_call(p, "certificate-authorities", "generate-certificate", p->authority,
                     fill("{\"parentCaId\":\"%s\",\"notAfter\":\"2030-01-01\"}", p->root));
}

void place_init(struct place *p, int64_t shard_size, const char *retention)
{
    memset(p, 0, sizeof *p);
    p->test = test_runtime_new(kinds, sizeof kinds / sizeof kinds[0]);
    test_runtime_of(p->test)->pki.shard_size = shard_size;
    place_arm(p->test);
    place_next(p);
    keep(p->project, place_call(p, "projects", "create", NULL, "{\"projectName\":\"P\"}"),
         "project.id");
    make_authorities(p);
    keep(p->policy,
         place_call(p, "certificate-policies", "create", NULL,
                    fill("{\"projectId\":\"%s\",\"name\":\"all\",\"subject\":[{\"type\":"
                         "\"common_name\",\"allowed\":[\"*\"]}],\"algorithms\":{\"keyAlgorithm\":"
                         "[\"EC_prime256v1\"]}}",
                         p->project)),
         "certificatePolicy.id");
    keep(p->profile,
         place_call(p, "certificate-profiles", "create", NULL,
                    fill("{\"projectId\":\"%s\",\"slug\":\"p\",\"caId\":\"%s\","
                         "\"certificatePolicyId\":\"%s\",\"enrollmentType\":\"api\","
                         "\"apiConfig\":{\"autoRenew\":true,\"renewBeforeDays\":7},"
                         "\"keyRetention\":\"%s\"}",
                         p->project, p->authority, p->policy, retention)),
         "certificateProfile.id");
    keep(p->self_signed,
         place_call(p, "certificate-profiles", "create", NULL,
                    fill("{\"projectId\":\"%s\",\"slug\":\"s\",\"issuerType\":\"self-signed\","
                         "\"certificatePolicyId\":\"%s\",\"enrollmentType\":\"api\","
                         "\"apiConfig\":{}}",
                         p->project, p->policy)),
         "certificateProfile.id");
    place_next(p);
}

void place_fini(struct place *p)
{
    test_runtime_op_end(p->op);
    place_disarm(p->test);
    test_runtime_free(p->test);
}

chy_status place_enroll(struct place *p, const char *profile, const char *common_name,
                        const char *ttl, struct chy_enroll_answer *out_answer)
{
    struct chy_subject_attribute subject = {
        .type = chy_text("common_name"), .value = chy_text(common_name), .present = 1};
    struct chy_enroll_request request = {
        .struct_size = sizeof request,
        .method = chy_text("api"),
        .profile_id = chy_text(profile),
        .subject = chy_view_of(&subject, 1, sizeof subject),
        .ttl = chy_text(ttl == NULL ? "90d" : ttl),
        .path_length = -1,
    };
    memset(out_answer, 0, sizeof *out_answer);
    return chy_pipeline_enroll(test_runtime_of(p->test), p->op, &request, out_answer);
}

static void commit(struct place *p, struct chy_batch *batch)
{
    ck_assert_int_eq(chy_batch_commit(batch, test_runtime_of(p->test)->storage, NULL), CHY_OK);
}

void place_add_identity(struct place *p, const struct chy_uuid *id, const char *role)
{
    struct chy_batch batch;
    chy_batch_init(&batch, p->op, 0);
    struct chy_write *write =
        chy_batch_insert(&batch, CHY_C_IDENTITIES, CHY_KEY(chy_value_uuid(id)));
    chy_write_set(write, CHY_IDENTITY_KIND, chy_value_text(chy_text("user")));
    chy_write_set(write, CHY_IDENTITY_NAME, chy_value_text(chy_text("somebody")));
    chy_write_set(write, CHY_IDENTITY_ROLE, chy_value_text(chy_text(role)));
    chy_write_set(write, CHY_IDENTITY_CREATED_AT, chy_value_time(chy_now(p->op)));
    chy_write_set(write, CHY_IDENTITY_UPDATED_AT, chy_value_time(chy_now(p->op)));
    commit(p, &batch);
}

void place_set_role(struct place *p, const struct chy_uuid *id, const char *role)
{
    struct chy_batch batch;
    struct chy_uuid project;
    ck_assert(chy_uuid_parse(chy_text(p->project), &project));
    chy_batch_init(&batch, p->op, 0);
    struct chy_write *write = chy_batch_upsert(
        &batch, CHY_C_MEMBERSHIPS, CHY_KEY(chy_value_uuid(id), chy_value_uuid(&project)));
    chy_write_set(write, CHY_MEMBERSHIP_ROLE, chy_value_text(chy_text(role)));
    chy_write_set(write, CHY_MEMBERSHIP_CREATED_AT, chy_value_time(chy_now(p->op)));
    commit(p, &batch);
}
