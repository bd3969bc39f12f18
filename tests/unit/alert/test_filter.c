#include "alert/filter.h"

#include "base/slice.h"
#include "resource/json.h"
#include "test_main.h"
#include "test_op.h"

static struct chy_op *op;

static void setup(void)
{
    op = test_op_new();
}

static json_t *json_of(const char *text)
{
    json_t *json;
    ck_assert_msg(chy_json_parse(op, chy_text(text), &json) == CHY_OK, "%s: %s", text,
                  test_op_message(op));
    return json;
}

/* What may be written, and where the issue is when it may not. */
static const struct check_case {
    const char *filter;
    const char *path; /**< NULL: it is fine */
} check_cases[] = {
    {"{\"field\":\"profile_name\",\"operator\":\"equals\",\"value\":\"a\"}", NULL},
    {"{\"field\":\"profile_name\",\"operator\":\"matches\",\"value\":[\"a\",\"b*\"]}", NULL},
    {"{\"field\":\"profile_name\",\"operator\":\"starts_with\",\"value\":\"a\"}", NULL},
    {"{\"field\":\"profile_name\",\"operator\":\"contains\",\"value\":\"a\"}",
     "/filters/0/operator"},
    {"{\"field\":\"common_name\",\"operator\":\"equals\",\"value\":\"a\"}", NULL},
    {"{\"field\":\"common_name\",\"operator\":\"equals\",\"value\":[\"a\"]}", NULL},
    {"{\"field\":\"common_name\",\"operator\":\"equals\",\"value\":[\"a\",\"b\"]}",
     "/filters/0/value"},
    {"{\"field\":\"common_name\",\"operator\":\"equals\",\"value\":[]}", "/filters/0/value"},
    {"{\"field\":\"common_name\",\"operator\":\"equals\",\"value\":true}", "/filters/0/value"},
    {"{\"field\":\"common_name\",\"operator\":\"equals\",\"value\":\"\"}", "/filters/0/value"},
    {"{\"field\":\"common_name\",\"operator\":\"matches\",\"value\":\"web*\"}", NULL},
    {"{\"field\":\"common_name\",\"operator\":\"matches\",\"value\":\"*.a.com\"}",
     "/filters/0/value"},
    {"{\"field\":\"common_name\",\"operator\":\"contains\",\"value\":\"a\"}",
     "/filters/0/operator"},
    {"{\"field\":\"common_name\",\"operator\":\"ends_with\",\"value\":\"a\"}",
     "/filters/0/operator"},
    {"{\"field\":\"san\",\"operator\":\"starts_with\",\"value\":\"a\"}", NULL},
    {"{\"field\":\"san\",\"operator\":\"ends_with\",\"value\":\"a\"}", "/filters/0/operator"},
    {"{\"field\":\"include_cas\",\"operator\":\"equals\",\"value\":true}", NULL},
    {"{\"field\":\"include_cas\",\"operator\":\"equals\",\"value\":\"false\"}", NULL},
    {"{\"field\":\"include_cas\",\"operator\":\"equals\",\"value\":\"yes\"}", "/filters/0/value"},
    {"{\"field\":\"include_cas\",\"operator\":\"matches\",\"value\":true}", "/filters/0/operator"},
    {"{\"field\":\"status\",\"operator\":\"equals\",\"value\":\"a\"}", "/filters/0/operator"},
};

START_TEST(filters_that_no_index_answers_are_refused)
{
    const struct check_case *c = &check_cases[_i];
    char text[256];
    setup();
    (void)snprintf(text, sizeof text, "[%s]", c->filter);
    chy_status status = chy_alert_filters_check(op, json_of(text));
    ck_assert_msg((status == CHY_OK) == (c->path == NULL), "%s: %s", text, test_op_message(op));
    if (c->path != NULL) {
        struct chy_error error = {.struct_size = sizeof error};
        op->host->last_error(op, &error);
        ck_assert_int_eq(status, CHY_BAD_INPUT);
        ck_assert_uint_eq(error.reason, CHY_REASON_VALIDATION);
        const struct chy_issue *issue = chy_view_at(error.issues, 0);
        ck_assert_ptr_nonnull(issue);
        ck_assert_msg(chy_slice_is(issue->path, c->path), "%s: at %.*s", text, (int)issue->path.len,
                      (const char *)issue->path.ptr);
    }
    test_op_free(op);
}
END_TEST

static const struct chy_slice names[] = {
    CHY_TEXT_INIT("a.example.com"), CHY_TEXT_INIT("only.common"), CHY_TEXT_INIT("web.example.com")};

/** What each filter says of a certificate with the common name "Only.Common" and two SANs. */
static const struct keep_case {
    const char *field;
    const char *how;
    const char *value;
    bool keeps;
} keep_cases[] = {
    {"common_name", "equals", "\"only.common\"", true},
    {"common_name", "equals", "\"ONLY.COMMON\"", true},
    {"common_name", "equals", "\"only\"", false},
    {"common_name", "equals", "\"a.example.com\"", false},
    {"common_name", "starts_with", "\"only\"", true},
    {"common_name", "starts_with", "\"a.\"", false},
    {"common_name", "matches", "\"on*mon\"", true},
    {"common_name", "matches", "\"only.common\"", true},
    {"common_name", "matches", "\"on*x\"", false},
    {"san", "equals", "\"A.example.com\"", true},
    {"san", "equals", "\"only.common\"", false},
    {"san", "equals", "\"example.com\"", false},
    {"san", "starts_with", "\"web\"", true},
    {"san", "starts_with", "\"only\"", false},
    {"san", "matches", "\"a.*.com\"", true},
    {"san", "matches", "\"b*\"", false},
    {"include_cas", "equals", "false", true},
};

START_TEST(a_filter_looks_at_its_own_field)
{
    const struct keep_case *c = &keep_cases[_i];
    struct chy_alert_filters filters;
    char text[256];
    struct chy_alert_facts facts = {
        .common_name = chy_text("Only.Common"),
        .alt_names = chy_text("a.example.com,Web.example.com"),
        .names = {names, 3, sizeof names[0]},
    };
    setup();
    (void)snprintf(text, sizeof text, "[{\"field\":\"%s\",\"operator\":\"%s\",\"value\":%s}]",
                   c->field, c->how, c->value);
    ck_assert_int_eq(chy_alert_filters_read(op, json_of(text), &filters), CHY_OK);
    ck_assert_msg(chy_alert_filters_keep(&filters, &facts) == c->keeps, "%s", text);
    test_op_free(op);
}
END_TEST

START_TEST(a_common_name_that_is_a_san_counts_as_one)
{
    struct chy_alert_filters filters;
    struct chy_alert_facts facts = {
        .common_name = chy_text("web.example.com"),
        .alt_names = chy_text("a.example.com,web.example.com"),
        .names = {names, 3, sizeof names[0]},
    };
    setup();
    ck_assert_int_eq(
        chy_alert_filters_read(
            op,
            json_of("[{\"field\":\"san\",\"operator\":\"equals\",\"value\":\"web.example.com\"}]"),
            &filters),
        CHY_OK);
    ck_assert(chy_alert_filters_keep(&filters, &facts));
    facts.alt_names = chy_text("a.example.com,xweb.example.com");
    ck_assert(!chy_alert_filters_keep(&filters, &facts));
    test_op_free(op);
}
END_TEST

START_TEST(authorities_are_told_of_where_they_are_asked_for)
{
    struct chy_alert_filters filters;
    struct chy_alert_facts facts = {.is_ca = true};
    setup();
    ck_assert_int_eq(chy_alert_filters_read(op, json_of("[]"), &filters), CHY_OK);
    ck_assert(!chy_alert_filters_keep(&filters, &facts));
    ck_assert_int_eq(
        chy_alert_filters_read(
            op, json_of("[{\"field\":\"include_cas\",\"operator\":\"equals\",\"value\":true}]"),
            &filters),
        CHY_OK);
    ck_assert(chy_alert_filters_keep(&filters, &facts));
    test_op_free(op);
}
END_TEST

START_TEST(all_filters_must_fit)
{
    struct chy_alert_filters filters;
    struct chy_alert_facts facts = {
        .common_name = chy_text("only.common"),
        .alt_names = chy_text("a.example.com,web.example.com"),
        .names = {names, 3, sizeof names[0]},
    };
    setup();
    ck_assert_int_eq(
        chy_alert_filters_read(
            op,
            json_of("[{\"field\":\"common_name\",\"operator\":\"starts_with\",\"value\":\"only\"},"
                    "{\"field\":\"san\",\"operator\":\"starts_with\",\"value\":\"none\"}]"),
            &filters),
        CHY_OK);
    ck_assert(!chy_alert_filters_keep(&filters, &facts));
    test_op_free(op);
}
END_TEST

TEST_MAIN("alert filter", TEST_EACH(filters_that_no_index_answers_are_refused, check_cases),
          TEST_EACH(a_filter_looks_at_its_own_field, keep_cases),
          TEST(a_common_name_that_is_a_san_counts_as_one),
          TEST(authorities_are_told_of_where_they_are_asked_for), TEST(all_filters_must_fit))
