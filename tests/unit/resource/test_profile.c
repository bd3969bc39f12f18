#include "resource/profile.h"

#include "resource/collections.h"
#include "resource/policy.h"
#include "resource/project.h"
#include "test_main.h"
#include "test_runtime.h"

#include <stdarg.h>

static const struct chy_kind *const kinds[] = {&chy_kind_project, &chy_kind_policy,
                                               &chy_kind_profile};

/** One project with a policy and a certificate authority. */
struct place {
    char project[CHY_UUID_TEXT_SIZE];
    char policy[CHY_UUID_TEXT_SIZE];
    char authority[CHY_UUID_TEXT_SIZE];
};

static struct test_runtime *test;
static struct chy_op *op;
static struct place first;
static struct place other;

static const char *text_of(const char *format, ...) CHY_PRINTF(1, 2);
static const char *text_of(const char *format, ...)
{
    static char texts[4][2048];
    static unsigned next;
    char *text = texts[next++ % 4];
    va_list arguments;
    va_start(arguments, format);
    ck_assert_int_lt(vsnprintf(text, sizeof texts[0], format, arguments), (int)sizeof texts[0]);
    va_end(arguments);
    return text;
}

static json_t *must(const char *kind, const char *action, const char *id, const char *document)
{
    json_t *answer;
    ck_assert_msg(test_call(test, op, kind, action, id, document, &answer) == CHY_OK,
                  "%s %s %s: %s", kind, action, document, test_message(op));
    return answer;
}

static void copy_id(char out[CHY_UUID_TEXT_SIZE], const json_t *answer, const char *path)
{
    (void)snprintf(out, CHY_UUID_TEXT_SIZE, "%s", test_text(answer, path));
}

/** insert_authority puts a row there: what makes authorities stands above this module. */
static void insert_authority(struct place *place)
{
    struct chy_batch batch;
    struct chy_uuid id;
    struct chy_uuid project;
    ck_assert_int_eq(chy_runtime_new_uuid(test_runtime_of(test), op, &id), CHY_OK);
    ck_assert(chy_uuid_parse(chy_text(place->project), &project));
    chy_uuid_format(&id, place->authority);
    chy_batch_init(&batch, op, 0);
    struct chy_write *write =
        chy_batch_insert(&batch, CHY_C_AUTHORITIES, CHY_KEY(chy_value_uuid(&id)));
    chy_write_set(write, CHY_AUTHORITY_PROJECT_ID, chy_value_uuid(&project));
    chy_write_set(write, CHY_AUTHORITY_NAME, chy_value_text(chy_text("issuing")));
    chy_write_set(write, CHY_AUTHORITY_KIND, chy_value_text(chy_text("root")));
    chy_write_set(write, CHY_AUTHORITY_STATUS, chy_value_text(chy_text("active")));
    chy_write_set(write, CHY_AUTHORITY_DIRECT, chy_value_bool(false));
    chy_write_set(write, CHY_AUTHORITY_SUBJECT, chy_value_blob(chy_text("0")));
    chy_write_set(write, CHY_AUTHORITY_SUBJECT_PARTS, chy_value_json(chy_text("{}")));
    chy_write_set(write, CHY_AUTHORITY_KEY_ALGORITHM, chy_value_text(chy_text("RSA_2048")));
    chy_write_set(write, CHY_AUTHORITY_MAX_PATH_LENGTH, chy_value_int(-1));
    chy_write_set(write, CHY_AUTHORITY_ON_EXPIRY, chy_value_text(chy_text("refuse")));
    chy_write_set(write, CHY_AUTHORITY_CREATED_AT, chy_value_time(TEST_RUNTIME_NOW));
    chy_write_set(write, CHY_AUTHORITY_UPDATED_AT, chy_value_time(TEST_RUNTIME_NOW));
    ck_assert_msg(chy_runtime_commit(test_runtime_of(test), &batch, NULL) == CHY_OK, "%s",
                  test_message(op));
}

static void open_place(struct place *place, const char *name)
{
    copy_id(place->project,
            must("projects", "create", NULL, text_of("{\"projectName\":\"%s\"}", name)),
            "project.id");
    copy_id(place->policy,
            must("certificate-policies", "create", NULL,
                 text_of("{\"projectId\":\"%s\",\"name\":\"p\"}", place->project)),
            "certificatePolicy.id");
    insert_authority(place);
}

static void open_world(void)
{
    test = test_runtime_new(kinds, CHY_COUNT_OF(kinds));
    op = test_runtime_op_as(test, test_runtime_admin());
    open_place(&first, "first");
    open_place(&other, "other");
}

static void close_world(void)
{
    test_runtime_op_end(op);
    test_runtime_free(test);
}

/** profile_document is a sound profile of the first place with more members, or others. */
static const char *profile_document(const char *slug, const char *more)
{
    return text_of("{\"projectId\":\"%s\",\"caId\":\"%s\",\"certificatePolicyId\":\"%s\","
                   "\"slug\":\"%s\"%s}",
                   first.project, first.authority, first.policy, slug, more);
}

START_TEST(a_profile_lives)
{
    open_world();
    const json_t *made =
        must("certificate-profiles", "create", NULL,
             profile_document("web-server", ",\"enrollmentType\":\"API\",\"apiConfig\":"
                                            "{\"autoRenew\":true,\"renewBeforeDays\":7}"));
    char id[CHY_UUID_TEXT_SIZE];
    copy_id(id, made, "certificateProfile.id");
    const json_t *profile = json_object_get(made, "certificateProfile");
    ck_assert_str_eq(test_text(profile, "slug"), "web-server");
    ck_assert_str_eq(test_text(profile, "caId"), first.authority);
    ck_assert_str_eq(test_text(profile, "certificatePolicyId"), first.policy);
    ck_assert_str_eq(test_text(profile, "enrollmentType"), "API"); // its creator's spelling
    ck_assert_str_eq(test_text(profile, "issuerType"), "ca");
    ck_assert_str_eq(test_text(profile, "keyRetention"), "stored");
    ck_assert_int_eq(test_number(profile, "apiConfig.renewBeforeDays"), 7);
    ck_assert_str_eq(test_text(profile, "apiConfig.id"), test_text(profile, "apiConfigId"));
    ck_assert(json_is_null(json_object_get(profile, "estConfigId")));
    ck_assert_str_eq(test_text(profile, "certificateAuthority.name"), "issuing");

    const json_t *shown = must("certificate-profiles", "get", id, NULL);
    ck_assert_str_eq(test_text(shown, "certificateProfile.certificatePolicy.name"), "p");
    shown = must("certificate-profiles", "by-slug", NULL,
                 text_of("{\"projectId\":\"%s\",\"slug\":\"web-server\"}", first.project));
    ck_assert_str_eq(test_text(shown, "certificateProfile.id"), id);

    const json_t *changed = must("certificate-profiles", "update", id,
                                 "{\"slug\":\"new\",\"apiConfig\":{\"autoRenew\":false},"
                                 "\"defaults\":{\"ttlDays\":30}}");
    profile = json_object_get(changed, "certificateProfile");
    ck_assert_str_eq(test_text(profile, "slug"), "new");
    ck_assert(json_is_false(json_object_get(json_object_get(profile, "apiConfig"), "autoRenew")));
    ck_assert_int_eq(test_number(profile, "apiConfig.renewBeforeDays"), 7);
    ck_assert_int_eq(test_number(profile, "defaults.ttlDays"), 30);

    const json_t *list = must("certificate-profiles", "list", NULL,
                              text_of("{\"projectId\":\"%s\"}", first.project));
    ck_assert_int_eq(test_number(list, "totalCount"), 1);
    (void)must("certificate-profiles", "delete", id, NULL);
    ck_assert_int_eq(test_call(test, op, "certificate-profiles", "get", id, NULL, NULL),
                     CHY_NOT_FOUND);
    close_world();
}
END_TEST

START_TEST(a_taken_slug_is_forbidden)
{
    open_world();
    (void)must("certificate-profiles", "create", NULL, profile_document("a", ""));
    ck_assert_int_eq(test_call(test, op, "certificate-profiles", "create", NULL,
                               profile_document("a", ""), NULL),
                     CHY_DENIED);
    ck_assert_uint_eq(test_reason(op), CHY_REASON_BOUNDARY);
    const json_t *second = must("certificate-profiles", "create", NULL, profile_document("b", ""));
    ck_assert_int_eq(test_call(test, op, "certificate-profiles", "update",
                               test_text(second, "certificateProfile.id"), "{\"slug\":\"a\"}",
                               NULL),
                     CHY_DENIED);
    ck_assert_uint_eq(test_reason(op), CHY_REASON_BOUNDARY);
    close_world();
}
END_TEST

static const struct invalid_case {
    const char *slug;
    const char *more;
    const char *path;
} invalid_cases[] = {
    {"", "", "/slug"},
    {"Upper", "", "/slug"},
    {"a", ",\"enrollmentType\":\"carrier-pigeon\"", "/enrollmentType"},
    {"a", ",\"enrollmentType\":\"api\"", "/apiConfig"},
    {"a", ",\"apiConfig\":{\"renewBeforeDays\":31}", "/apiConfig/renewBeforeDays"},
    {"a", ",\"apiConfig\":{\"renewBeforeDays\":\"7\"}", "/apiConfig/renewBeforeDays"},
    {"a", ",\"apiConfig\":{\"autoRenew\":1}", "/apiConfig/autoRenew"},
    {"a", ",\"estConfig\":{\"passphrase\":\"x\"}", "/estConfig"},
    {"a", ",\"issuerType\":\"self-signed\"", "/caId"},
    {"a", ",\"issuerType\":\"mine\"", "/issuerType"},
    {"a", ",\"keyRetention\":\"ever\"", "/keyRetention"},
    {"a", ",\"defaults\":{\"ttlDays\":0}", "/defaults/ttlDays"},
    {"a", ",\"defaults\":{\"keyUsages\":[\"juggling\"]}", "/defaults/keyUsages/0"},
    {"a", ",\"defaults\":{\"keyAlgorithm\":\"ROT13\"}", "/defaults/keyAlgorithm"},
    {"a", ",\"defaults\":{\"basicConstraints\":{\"pathLength\":-1}}",
     "/defaults/basicConstraints/pathLength"},
};

START_TEST(an_ill_formed_profile_is_refused_with_its_place)
{
    const struct invalid_case *c = &invalid_cases[_i];
    open_world();
    ck_assert_int_eq(test_call(test, op, "certificate-profiles", "create", NULL,
                               profile_document(c->slug, c->more), NULL),
                     CHY_BAD_INPUT);
    ck_assert_uint_eq(test_reason(op), CHY_REASON_VALIDATION);
    ck_assert_msg(test_has_issue(op, c->path), "%s: no issue at %s", c->more, c->path);
    ck_assert_uint_eq(test_count(test, CHY_C_PROFILES, 0, NULL), 0);
    close_world();
}
END_TEST

START_TEST(what_a_profile_names_is_of_its_own_project)
{
    open_world();
    const char *const documents[] = {
        text_of("{\"projectId\":\"%s\",\"caId\":\"%s\",\"certificatePolicyId\":\"%s\","
                "\"slug\":\"a\"}",
                first.project, other.authority, first.policy),
        text_of("{\"projectId\":\"%s\",\"caId\":\"%s\",\"certificatePolicyId\":\"%s\","
                "\"slug\":\"a\"}",
                first.project, first.authority, other.policy),
        text_of("{\"projectId\":\"%s\",\"caId\":\"%s\",\"certificatePolicyId\":\"%s\","
                "\"slug\":\"a\"}",
                first.project, first.authority, first.project),
    };
    for (size_t i = 0; i < CHY_COUNT_OF(documents); i++) {
        ck_assert_int_eq(
            test_call(test, op, "certificate-profiles", "create", NULL, documents[i], NULL),
            CHY_NOT_FOUND);
    }
    ck_assert_uint_eq(test_count(test, CHY_C_PROFILES, 0, NULL), 0);
    close_world();
}
END_TEST

START_TEST(a_policy_that_is_used_stays)
{
    open_world();
    (void)must("certificate-profiles", "create", NULL, profile_document("user", ""));
    ck_assert_int_eq(
        test_call(test, op, "certificate-policies", "delete", first.policy, NULL, NULL),
        CHY_DENIED);
    ck_assert_uint_eq(test_reason(op), CHY_REASON_BOUNDARY);
    ck_assert_ptr_nonnull(strstr(test_message(op), "user"));
    close_world();
}
END_TEST

START_TEST(a_self_signed_profile_needs_no_authority)
{
    open_world();
    const json_t *made =
        must("certificate-profiles", "create", NULL,
             text_of("{\"projectId\":\"%s\",\"certificatePolicyId\":\"%s\",\"slug\":\"self\","
                     "\"issuerType\":\"self-signed\",\"caId\":null}",
                     first.project, first.policy));
    ck_assert(json_is_null(json_object_get(json_object_get(made, "certificateProfile"), "caId")));
    close_world();
}
END_TEST

START_TEST(a_profile_of_another_project_is_not_there)
{
    struct chy_membership membership = {.held = {CHY_ROLE_ADMIN, NULL}};
    struct chy_principal principal = {.kind = CHY_PRINCIPAL_MACHINE,
                                      .id = {{9}},
                                      .memberships = &membership,
                                      .membership_count = 1};
    char id[CHY_UUID_TEXT_SIZE];
    static const char *const actions[] = {"get", "update", "delete"};
    open_world();
    ck_assert(chy_uuid_parse(chy_text(other.project), &membership.project_id));
    copy_id(id, must("certificate-profiles", "create", NULL, profile_document("a", "")),
            "certificateProfile.id");
    struct chy_op *member = test_runtime_op_as(test, &principal);
    for (size_t i = 0; i < CHY_COUNT_OF(actions); i++) {
        ck_assert_int_eq(
            test_call(test, member, "certificate-profiles", actions[i], id, "{}", NULL),
            CHY_NOT_FOUND);
    }
    ck_assert_int_eq(test_call(test, member, "certificate-profiles", "create", NULL,
                               profile_document("b", ""), NULL),
                     CHY_NOT_FOUND);
    test_runtime_op_end(member);
    close_world();
}
END_TEST

TEST_MAIN("resource profile", TEST(a_profile_lives), TEST(a_taken_slug_is_forbidden),
          TEST_EACH(an_ill_formed_profile_is_refused_with_its_place, invalid_cases),
          TEST(what_a_profile_names_is_of_its_own_project), TEST(a_policy_that_is_used_stays),
          TEST(a_self_signed_profile_needs_no_authority),
          TEST(a_profile_of_another_project_is_not_there))
