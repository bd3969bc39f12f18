#include "resource/collections.h"
#include "resource/kind.h"
#include "resource/policy.h"
#include "resource/project.h"
#include "test_main.h"
#include "test_runtime.h"

#include <stdarg.h>

/** hand_out answers with bytes instead of JSON, and notes it. */
static chy_status hand_out(struct chy_call *call)
{
    struct chy_batch batch;
    struct chy_uuid target = {{7}};
    bool is_secret = chy_slice_is(chy_json_member(call->document, "what"), "secret");
    struct chy_slice bytes = chy_text("\x30\x01");
    call->secret = is_secret ? bytes : chy_slice_of(NULL, 0);
    call->body = is_secret ? chy_slice_of(NULL, 0) : bytes;
    call->media_type = "application/octet-stream";
    call->file_name = chy_text("a.p12");
    call->audit_detail = chy_text("{\"way\":\"file\"}");
    chy_batch_init(&batch, call->op, 0);
    return chy_call_commit(call, &batch, "hand-out", &target);
}

static const struct chy_action file_actions[] = {{"hand-out", NULL, 0, NULL, hand_out}};
static const struct chy_kind kind_file = {.name = "files",
                                          .what = "file",
                                          .subject = CHY_SUBJECT_PROJECTS,
                                          .audit = "file",
                                          .collection = CHY_C_PROJECTS,
                                          .project_field = CHY_NO_FIELD,
                                          .search_field = CHY_NO_FIELD,
                                          .actions = file_actions,
                                          .action_count = CHY_COUNT_OF(file_actions)};

static const struct chy_kind *const kinds[] = {&chy_kind_project, &chy_kind_policy, &kind_file};

static struct test_runtime *test;
static struct chy_op *op; /**< acts for the administrator */
static char project[CHY_UUID_TEXT_SIZE];
static char other_project[CHY_UUID_TEXT_SIZE];

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

static void open_world(void)
{
    test = test_runtime_new(kinds, CHY_COUNT_OF(kinds));
    op = test_runtime_op_as(test, test_runtime_admin());
    copy_id(project, must("projects", "create", NULL, "{\"projectName\":\"First one\"}"),
            "project.id");
    copy_id(other_project, must("projects", "create", NULL, "{\"projectName\":\"Other\"}"),
            "project.id");
}

static void close_world(void)
{
    test_runtime_op_end(op);
    test_runtime_free(test);
}

/** as_member makes an operation for a member of the first project. */
static struct chy_op *as_member(enum chy_role role)
{
    static struct chy_membership membership;
    static struct chy_principal principal;
    ck_assert(chy_uuid_parse(chy_text(project), &membership.project_id));
    membership.held.role = role;
    principal = (struct chy_principal){.kind = CHY_PRINCIPAL_MACHINE,
                                       .id = {{9}},
                                       .role = CHY_ROLE_NO_ACCESS,
                                       .memberships = &membership,
                                       .membership_count = 1};
    return test_runtime_op_as(test, &principal);
}

static const char *policy_document(const char *in_project, const char *name)
{
    return text_of("{\"projectId\":\"%s\",\"name\":\"%s\",\"subject\":[{\"type\":\"common_name\","
                   "\"allowed\":[\"*.example.com\"]}],\"validity\":{\"max\":\"90d\"}}",
                   in_project, name);
}

/* --- projects ---------------------------------------------------------------------- */

START_TEST(a_project_lives)
{
    open_world();
    const json_t *shown = json_object_get(must("projects", "get", project, NULL), "project");
    ck_assert_str_eq(test_text(shown, "name"), "First one");
    ck_assert_str_eq(test_text(shown, "type"), "cert-manager");
    ck_assert_int_eq(strncmp(test_text(shown, "slug"), "first-one-", 10), 0);
    ck_assert_str_eq(test_text(shown, "createdAt"), "2026-01-15T12:00:00.000Z");
    ck_assert(json_is_null(json_object_get(shown, "description")));
    const json_t *changed =
        must("projects", "update", project, "{\"name\":\"Renamed\",\"description\":\"about\"}");
    ck_assert_str_eq(test_text(changed, "project.name"), "Renamed");
    ck_assert_str_eq(test_text(changed, "project.description"), "about");
    changed = must("projects", "update", project, "{\"description\":null}");
    ck_assert(json_is_null(json_object_get(json_object_get(changed, "project"), "description")));
    ck_assert_uint_eq(
        json_array_size(json_object_get(must("projects", "list", NULL, NULL), "projects")), 2);
    (void)must("projects", "delete", project, NULL);
    ck_assert_int_eq(test_call(test, op, "projects", "get", project, NULL, NULL), CHY_NOT_FOUND);
    close_world();
}
END_TEST

START_TEST(a_body_cannot_set_what_its_shape_does_not_have)
{
    open_world();
    const json_t *made = must("projects", "create", NULL,
                              "{\"projectName\":\" Third \",\"name\":7,\"description\":{},"
                              "\"id\":\"019c0000-0000-7000-8000-000000000001\","
                              "\"createdAt\":\"1999\",\"slug\":\"third-one\"}");
    ck_assert_str_eq(test_text(made, "project.name"), "Third");
    ck_assert_str_eq(test_text(made, "project.slug"), "third-one");
    ck_assert(json_is_null(json_object_get(json_object_get(made, "project"), "description")));
    ck_assert_str_ne(test_text(made, "project.id"), "019c0000-0000-7000-8000-000000000001");
    ck_assert_str_eq(test_text(made, "project.createdAt"), "2026-01-15T12:00:00.000Z");
    const json_t *found = must("projects", "by-slug", NULL, "{\"slug\":\"third-one\"}");
    ck_assert_str_eq(test_text(found, "id"), test_text(made, "project.id"));
    close_world();
}
END_TEST

START_TEST(a_taken_slug_is_forbidden)
{
    open_world();
    (void)must("projects", "create", NULL, "{\"projectName\":\"a\",\"slug\":\"taken-slug\"}");
    ck_assert_int_eq(test_call(test, op, "projects", "create", NULL,
                               "{\"projectName\":\"b\",\"slug\":\"taken-slug\"}", NULL),
                     CHY_DENIED);
    ck_assert_uint_eq(test_reason(op), CHY_REASON_BOUNDARY);
    ck_assert_int_eq(
        test_call(test, op, "projects", "update", project, "{\"slug\":\"taken-slug\"}", NULL),
        CHY_DENIED);
    close_world();
}
END_TEST

START_TEST(a_project_that_is_used_stays)
{
    open_world();
    (void)must("certificate-policies", "create", NULL, policy_document(project, "p"));
    ck_assert_int_eq(test_call(test, op, "projects", "delete", project, NULL, NULL), CHY_BAD_INPUT);
    (void)must("projects", "get", project, NULL);
    close_world();
}
END_TEST

START_TEST(members_see_their_own_projects_only)
{
    json_t *answer;
    open_world();
    struct chy_op *member = as_member(CHY_ROLE_AUDITOR);
    ck_assert_int_eq(test_call(test, member, "projects", "list", NULL, NULL, &answer), CHY_OK);
    ck_assert_uint_eq(json_array_size(json_object_get(answer, "projects")), 1);
    ck_assert_int_eq(test_call(test, member, "projects", "get", project, NULL, NULL), CHY_OK);
    ck_assert_int_eq(test_call(test, member, "projects", "get", other_project, NULL, NULL),
                     CHY_NOT_FOUND);
    ck_assert_int_eq(test_call(test, member, "projects", "delete", project, NULL, NULL),
                     CHY_DENIED);
    ck_assert_uint_eq(test_reason(member), CHY_REASON_PERMISSION);
    ck_assert_int_eq(
        test_call(test, member, "projects", "create", NULL, "{\"projectName\":\"x\"}", NULL),
        CHY_DENIED);
    test_runtime_op_end(member);
    close_world();
}
END_TEST

/* --- policies ---------------------------------------------------------------------- */

START_TEST(a_policy_lives)
{
    open_world();
    const json_t *made =
        must("certificate-policies", "create", NULL, policy_document(project, "web"));
    char id[CHY_UUID_TEXT_SIZE];
    copy_id(id, made, "certificatePolicy.id");
    ck_assert_str_eq(test_text(made, "certificatePolicy.projectId"), project);
    ck_assert_str_eq(test_text(made, "certificatePolicy.validity.max"), "90d");
    const json_t *subject = json_object_get(json_object_get(made, "certificatePolicy"), "subject");
    ck_assert_str_eq(test_text(json_array_get(subject, 0), "type"), "common_name");
    ck_assert(json_is_null(json_object_get(json_object_get(made, "certificatePolicy"), "sans")));
    const json_t *changed =
        must("certificate-policies", "update", id,
             text_of("{\"name\":\"api\",\"subject\":null,\"projectId\":\"%s\"}", other_project));
    ck_assert_str_eq(test_text(changed, "certificatePolicy.name"), "api");
    ck_assert_str_eq(test_text(changed, "certificatePolicy.projectId"), project);
    ck_assert_str_eq(test_text(changed, "certificatePolicy.validity.max"), "90d");
    const json_t *list = must("certificate-policies", "list", NULL,
                              text_of("{\"projectId\":\"%s\",\"limit\":\"1\"}", project));
    ck_assert_int_eq(test_number(list, "totalCount"), 1);
    (void)must("certificate-policies", "delete", id, NULL);
    ck_assert_int_eq(test_call(test, op, "certificate-policies", "get", id, NULL, NULL),
                     CHY_NOT_FOUND);
    ck_assert_uint_eq(
        test_count(test, CHY_C_AUDIT_EVENTS, CHY_AUDIT_ACTION, "certificate-policy.create"), 1);
    ck_assert_uint_eq(
        test_count(test, CHY_C_AUDIT_EVENTS, CHY_AUDIT_ACTION, "certificate-policy.update"), 1);
    ck_assert_uint_eq(
        test_count(test, CHY_C_AUDIT_EVENTS, CHY_AUDIT_ACTION, "certificate-policy.delete"), 1);
    close_world();
}
END_TEST

START_TEST(a_taken_policy_name_is_suffixed)
{
    open_world();
    (void)must("certificate-policies", "create", NULL, policy_document(project, "web"));
    const json_t *second =
        must("certificate-policies", "create", NULL, policy_document(project, "web"));
    const char *name = test_text(second, "certificatePolicy.name");
    ck_assert_int_eq(strncmp(name, "web-", 4), 0);
    ck_assert_uint_gt(strlen(name), 4);
    const json_t *other =
        must("certificate-policies", "create", NULL, policy_document(other_project, "web"));
    ck_assert_str_eq(test_text(other, "certificatePolicy.name"), "web");
    close_world();
}
END_TEST

static const struct invalid_case {
    const char *members; /**< besides projectId */
    const char *path;
} invalid_cases[] = {
    {"\"subject\":[]", "/name"},
    {"\"name\":\"\"", "/name"},
    {"\"name\":7", "/name"},
    {"\"name\":\"a\",\"subject\":{}", "/subject"},
    {"\"name\":\"a\",\"subject\":[{\"type\":\"shoe_size\",\"allowed\":[\"9\"]}]", "/subject/0"},
    {"\"name\":\"a\",\"subject\":[{\"type\":\"common_name\"}]", "/subject/0"},
    {"\"name\":\"a\",\"subject\":[{\"type\":\"common_name\",\"allowed\":[\"a\"]},"
     "{\"type\":\"common_name\",\"denied\":[\"b\"]}]",
     "/subject/1"},
    {"\"name\":\"a\",\"sans\":[{\"type\":\"DNS\",\"allowed\":[\"a\"]},"
     "{\"type\":\"dns_name\",\"allowed\":[\"b\"]}]",
     "/sans/1"},
    {"\"name\":\"a\",\"keyUsages\":{\"allowed\":[\"digital_signature\",\"juggling\"]}",
     "/keyUsages/allowed/1"},
    {"\"name\":\"a\",\"keyUsages\":{\"required\":[\"crl_sign\"],\"denied\":[\"crl_sign\"]}",
     "/keyUsages/required/0"},
    {"\"name\":\"a\",\"extendedKeyUsages\":{\"allowed\":[\"x\"]}", "/extendedKeyUsages/allowed/0"},
    {"\"name\":\"a\",\"validity\":{\"max\":\"90\"}", "/validity/max"},
    {"\"name\":\"a\",\"validity\":{\"max\":\"0d\"}", "/validity/max"},
    {"\"name\":\"a\",\"validity\":{\"max\":\"99999999y\"}", "/validity/max"},
    {"\"name\":\"a\",\"basicConstraints\":{\"isCA\":\"maybe\"}", "/basicConstraints/isCA"},
    {"\"name\":\"a\",\"basicConstraints\":{\"maxPathLength\":256}",
     "/basicConstraints/maxPathLength"},
};

START_TEST(an_ill_formed_policy_is_refused_with_its_place)
{
    const struct invalid_case *c = &invalid_cases[_i];
    open_world();
    ck_assert_int_eq(test_call(test, op, "certificate-policies", "create", NULL,
                               text_of("{\"projectId\":\"%s\",%s}", project, c->members), NULL),
                     CHY_BAD_INPUT);
    ck_assert_uint_eq(test_reason(op), CHY_REASON_VALIDATION);
    ck_assert_msg(test_has_issue(op, c->path), "%s: no issue at %s", c->members, c->path);
    ck_assert_uint_eq(test_count(test, CHY_C_POLICIES, 0, NULL), 0);
    close_world();
}
END_TEST

/* Who may do what in the first project. */
static const struct rights_case {
    enum chy_role role;
    const char *action;
    chy_status status;
} rights_cases[] = {
    {CHY_ROLE_ADMIN, "create", CHY_OK},         {CHY_ROLE_ADMIN, "update", CHY_OK},
    {CHY_ROLE_ADMIN, "delete", CHY_OK},         {CHY_ROLE_ADMIN, "get", CHY_OK},
    {CHY_ROLE_ISSUER, "create", CHY_DENIED},    {CHY_ROLE_ISSUER, "update", CHY_DENIED},
    {CHY_ROLE_ISSUER, "delete", CHY_DENIED},    {CHY_ROLE_ISSUER, "get", CHY_OK},
    {CHY_ROLE_ISSUER, "list", CHY_OK},          {CHY_ROLE_AUDITOR, "create", CHY_DENIED},
    {CHY_ROLE_AUDITOR, "delete", CHY_DENIED},   {CHY_ROLE_AUDITOR, "get", CHY_OK},
    {CHY_ROLE_AUDITOR, "list", CHY_OK},         {CHY_ROLE_NO_ACCESS, "create", CHY_DENIED},
    {CHY_ROLE_NO_ACCESS, "get", CHY_DENIED},    {CHY_ROLE_NO_ACCESS, "list", CHY_DENIED},
    {CHY_ROLE_NO_ACCESS, "update", CHY_DENIED},
};

START_TEST(roles_hold_inside_a_project_and_nothing_exists_outside)
{
    const struct rights_case *c = &rights_cases[_i];
    static const char *const projects[] = {project, other_project};
    open_world();
    for (int i = 0; i < 2; i++) {
        char id[CHY_UUID_TEXT_SIZE];
        copy_id(id, must("certificate-policies", "create", NULL, policy_document(projects[i], "p")),
                "certificatePolicy.id");
        bool has_id = strcmp(c->action, "create") != 0 && strcmp(c->action, "list") != 0;
        const char *document = has_id ? NULL : policy_document(projects[i], "q");
        struct chy_op *member = as_member(c->role);
        chy_status status = test_call(test, member, "certificate-policies", c->action,
                                      has_id ? id : NULL, document, NULL);
        chy_status expected = i == 0 ? c->status : CHY_NOT_FOUND;
        ck_assert_msg(status == expected, "%s as %s: %d, not %d", c->action, chy_role_name(c->role),
                      status, expected);
        if (expected == CHY_DENIED) {
            struct chy_error error = {.struct_size = sizeof error};
            member->host->last_error(member, &error);
            ck_assert_uint_eq(error.reason, CHY_REASON_PERMISSION);
            ck_assert_uint_gt(error.details.len, 2);
        }
        test_runtime_op_end(member);
    }
    close_world();
}
END_TEST

START_TEST(nobody_does_nothing)
{
    open_world();
    struct chy_op *nobody = test_runtime_op(test);
    ck_assert_int_eq(test_call(test, nobody, "certificate-policies", "create", NULL,
                               policy_document(project, "p"), NULL),
                     CHY_DENIED);
    ck_assert_uint_eq(test_reason(nobody), CHY_REASON_UNAUTHENTICATED);
    ck_assert_int_eq(test_call(test, nobody, "projects", "list", NULL, NULL, NULL), CHY_DENIED);
    test_runtime_op_end(nobody);
    close_world();
}
END_TEST

/* --- the service ------------------------------------------------------------------- */

static const struct bad_call {
    const char *kind;
    const char *action;
    const char *id;
    const char *document;
    chy_status status;
    uint32_t reason;
} bad_calls[] = {
    {"unknown", "get", NULL, NULL, CHY_UNSUPPORTED, 0},
    {"projects", "unknown", NULL, NULL, CHY_UNSUPPORTED, 0},
    {"projects", "get", "7", NULL, CHY_BAD_INPUT, CHY_REASON_VALIDATION},
    {"projects", "get", NULL, NULL, CHY_BAD_INPUT, CHY_REASON_VALIDATION},
    {"projects", "get", "019c0000-0000-7000-8000-000000000001", NULL, CHY_NOT_FOUND, 0},
    {"projects", "create", NULL, "{\"projectName\":", CHY_BAD_INPUT, 0},
    {"projects", "create", NULL, "[]", CHY_BAD_INPUT, CHY_REASON_VALIDATION},
    {"projects", "create", NULL, NULL, CHY_BAD_INPUT, CHY_REASON_VALIDATION},
    {"certificate-policies", "list", NULL, "{\"limit\":\"0\"}", CHY_BAD_INPUT,
     CHY_REASON_VALIDATION},
    {"certificate-policies", "list", NULL, "{\"limit\":\"101\"}", CHY_BAD_INPUT,
     CHY_REASON_VALIDATION},
    {"certificate-policies", "list", NULL, "{\"offset\":\"x\"}", CHY_BAD_INPUT,
     CHY_REASON_VALIDATION},
    {"certificate-policies", "list", NULL, "{\"projectId\":\"7\"}", CHY_BAD_INPUT,
     CHY_REASON_VALIDATION},
    {"certificate-policies", "list", NULL, NULL, CHY_BAD_INPUT, 0},
    {"certificate-policies", "list", NULL,
     "{\"projectId\":\"019c0000-0000-7000-8000-000000000001\"}", CHY_NOT_FOUND, 0},
};

START_TEST(a_bad_call_is_refused_by_its_kind)
{
    const struct bad_call *c = &bad_calls[_i];
    open_world();
    chy_status status = test_call(test, op, c->kind, c->action, c->id, c->document, NULL);
    ck_assert_msg(status == c->status, "%d: %s", status, test_message(op));
    ck_assert_uint_eq(test_reason(op), c->reason);
    close_world();
}
END_TEST

START_TEST(the_active_project_is_meant_when_none_is_named)
{
    json_t *answer;
    open_world();
    struct chy_op *member = as_member(CHY_ROLE_ADMIN);
    ck_assert_int_eq(test_call(test, member, "certificate-policies", "create", NULL,
                               "{\"name\":\"mine\"}", &answer),
                     CHY_OK);
    ck_assert_str_eq(test_text(answer, "certificatePolicy.projectId"), project);
    ck_assert_int_eq(test_call(test, member, "projects", "activate", NULL,
                               text_of("{\"projectId\":\"%s\"}", other_project), NULL),
                     CHY_DENIED);
    test_runtime_op_end(member);
    (void)must("projects", "activate", NULL, text_of("{\"projectId\":\"%s\"}", other_project));
    const json_t *made = must("certificate-policies", "create", NULL, "{\"name\":\"ours\"}");
    ck_assert_str_eq(test_text(made, "certificatePolicy.projectId"), other_project);
    close_world();
}
END_TEST

START_TEST(lists_come_newest_first_in_pages)
{
    open_world();
    for (int i = 0; i < 5; i++) {
        (void)must("certificate-policies", "create", NULL,
                   policy_document(project, text_of("p%d", i)));
        chy_clock_manual_advance(test_runtime_clock(test), 1000);
    }
    const json_t *page =
        must("certificate-policies", "list", NULL,
             text_of("{\"projectId\":\"%s\",\"offset\":\"1\",\"limit\":\"2\"}", project));
    const json_t *rows = json_object_get(page, "certificatePolicies");
    ck_assert_int_eq(test_number(page, "totalCount"), 5);
    ck_assert_uint_eq(json_array_size(rows), 2);
    ck_assert_str_eq(test_text(json_array_get(rows, 0), "name"), "p3");
    ck_assert_str_eq(test_text(json_array_get(rows, 1), "name"), "p2");
    page = must("certificate-policies", "list", NULL,
                text_of("{\"projectId\":\"%s\",\"search\":\"p4\"}", project));
    ck_assert_int_eq(test_number(page, "totalCount"), 1);
    close_world();
}
END_TEST

START_TEST(a_refusal_of_a_member_is_in_the_audit_trail)
{
    open_world();
    struct chy_op *member = as_member(CHY_ROLE_ISSUER);
    ck_assert_int_eq(test_call(test, member, "certificate-policies", "create", NULL,
                               policy_document(project, "p"), NULL),
                     CHY_DENIED);
    ck_assert_uint_eq(test_reason(member), CHY_REASON_PERMISSION);
    test_runtime_op_end(member);
    ck_assert_uint_eq(test_count(test, CHY_C_AUDIT_EVENTS, CHY_AUDIT_OUTCOME, "denied"), 1);
    close_world();
}
END_TEST

static struct chy_resource_answer fetch_file(const char *document)
{
    struct chy_resource_call call = {.struct_size = sizeof call,
                                     .kind = chy_text("files"),
                                     .action = chy_text("hand-out"),
                                     .document = chy_text(document)};
    struct chy_resource_answer answer = {.struct_size = sizeof answer};
    ck_assert_msg(chy_kinds_call(test_runtime_of(test), op, &call, &answer) == CHY_OK, "%s",
                  test_message(op));
    return answer;
}

START_TEST(an_answer_may_be_a_file)
{
    open_world();
    struct chy_resource_answer answer = fetch_file("{\"what\":\"secret\"}");
    ck_assert(chy_slice_is(answer.document, "\x30\x01"));
    ck_assert(chy_slice_is(answer.media_type, "application/octet-stream"));
    ck_assert(chy_slice_is(answer.file_name, "a.p12"));
    ck_assert_uint_eq(answer.flags, CHY_RESOURCE_SECRET);
    answer = fetch_file("{}");
    ck_assert(chy_slice_is(answer.document, "\x30\x01"));
    ck_assert_uint_eq(answer.flags, 0);
    close_world();
}
END_TEST

START_TEST(an_audit_row_has_the_detail_of_its_call)
{
    struct chy_query query;
    struct chy_storage_page page;
    open_world();
    (void)fetch_file("{}");
    chy_query_init(&query, op, CHY_C_AUDIT_EVENTS, CHY_FIELDS(CHY_AUDIT_DETAIL), 1);
    chy_query_eq(&query, CHY_AUDIT_ACTION, chy_value_text(chy_text("file.hand-out")));
    ck_assert_int_eq(chy_query_run(&query, test_runtime_of(test)->storage, &page), CHY_OK);
    ck_assert_uint_eq(page.rows.count, 1);
    ck_assert(chy_slice_is(chy_row_json(chy_page_row(&page, 0), 0), "{\"way\":\"file\"}"));
    close_world();
}
END_TEST

TEST_MAIN("resource kind", TEST(a_project_lives),
          TEST(a_body_cannot_set_what_its_shape_does_not_have), TEST(a_taken_slug_is_forbidden),
          TEST(a_project_that_is_used_stays), TEST(members_see_their_own_projects_only),
          TEST(a_policy_lives), TEST(a_taken_policy_name_is_suffixed),
          TEST_EACH(an_ill_formed_policy_is_refused_with_its_place, invalid_cases),
          TEST_EACH(roles_hold_inside_a_project_and_nothing_exists_outside, rights_cases),
          TEST(nobody_does_nothing), TEST_EACH(a_bad_call_is_refused_by_its_kind, bad_calls),
          TEST(the_active_project_is_meant_when_none_is_named),
          TEST(lists_come_newest_first_in_pages), TEST(a_refusal_of_a_member_is_in_the_audit_trail),
          TEST(an_answer_may_be_a_file), TEST(an_audit_row_has_the_detail_of_its_call))
