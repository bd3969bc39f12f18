#include "base/slice.h"
#include "enroll/approval.h"
#include "enroll/approval_loosen.h"
#include "enroll/approval_vote.h"
#include "resource/json.h"
#include "test_main.h"
#include "test_op.h"

static json_t *parse(struct chy_op *op, const char *text)
{
    json_t *json = NULL;
    ck_assert_msg(chy_json_parse(op, chy_text(text), &json) == CHY_OK, "%s: %s", text,
                  test_op_message(op));
    return json;
}

/* ------------------------------------------------------------------------------------------------
 * Loosening
 */

#define A "{\"type\":\"user\",\"id\":\"aaaaaaaa-0000-7000-8000-000000000000\"}"
#define B "{\"type\":\"user\",\"id\":\"bbbbbbbb-0000-7000-8000-000000000000\"}"
#define C "{\"type\":\"user\",\"id\":\"cccccccc-0000-7000-8000-000000000000\"}"
#define STEP(wanted, approvers) "{\"requiredApprovals\":" wanted ",\"approvers\":[" approvers "]}"
#define STEPS(steps) "{\"steps\":[" steps "]}"
#define PROFILES(ids) "{\"conditions\":[{\"profileIds\":[" ids "]}]}"

static const struct {
    const char *policy;
    const char *change;
    bool is_looser;
} changes[] = {
    {"{}", "{}", false},
    {"{}", "{\"name\":\"other\"}", false},
    {"{}", "{\"delete\":true}", true},
    {"{\"selfApproval\":false}", "{\"selfApproval\":true}", true},
    {"{\"selfApproval\":true}", "{\"selfApproval\":true}", false},
    {"{\"selfApproval\":true}", "{\"selfApproval\":false}", false},
    {"{\"bypassForMachineIdentities\":false}", "{\"bypassForMachineIdentities\":true}", true},
    {"{\"bypassForMachineIdentities\":true}", "{\"bypassForMachineIdentities\":true}", false},
    {"{\"enforcementLevel\":\"hard\"}", "{\"enforcementLevel\":\"soft\"}", true},
    {"{\"enforcementLevel\":\"soft\"}", "{\"enforcementLevel\":\"soft\"}", false},
    {"{\"enforcementLevel\":\"soft\"}", "{\"enforcementLevel\":\"hard\"}", false},
    {"{\"enforcementLevel\":\"soft\"}", "{}", false},
    {"{\"maxRequestTtl\":\"5d\"}", "{\"maxRequestTtl\":\"6d\"}", true},
    {"{\"maxRequestTtl\":\"5d\"}", "{\"maxRequestTtl\":\"120h\"}", false},
    {"{\"maxRequestTtl\":\"5d\"}", "{\"maxRequestTtl\":\"121h\"}", true},
    {"{\"maxRequestTtl\":\"5d\"}", "{\"maxRequestTtl\":null}", true},
    {"{\"maxRequestTtl\":\"5d\"}", "{}", false},
    {"{\"maxRequestTtl\":null}", "{\"maxRequestTtl\":\"99y\"}", false},
    {STEPS(STEP("2", "")), STEPS(STEP("2", "")), false},
    {STEPS(STEP("2", "")), STEPS(STEP("3", "")), false},
    {STEPS(STEP("2", "")), STEPS(STEP("1", "")), true},
    {STEPS(STEP("2", "")), STEPS(STEP("2", A "," B)), false},
    {STEPS(STEP("1", A)), STEPS(STEP("1", "")), true},
    {STEPS(STEP("1", A)), STEPS(STEP("1", B)), true},
    {STEPS(STEP("1", A)), STEPS(STEP("1", A "," B)), true},
    {STEPS(STEP("1", A "," B)), STEPS(STEP("1", B)), false},
    {STEPS(STEP("1", A "," B)), STEPS(STEP("2", B "," A)), false},
    {STEPS(STEP("1", A) "," STEP("1", B)), STEPS(STEP("1", A)), true},
    {STEPS(STEP("1", A) "," STEP("1", B)), STEPS(STEP("1", B) "," STEP("1", A)), true},
    {STEPS(STEP("1", A)), STEPS(STEP("1", A) "," STEP("1", B)), false},
    {STEPS(STEP("1", A)), STEPS(""), true},
    {PROFILES("\"p\",\"q\""), PROFILES("\"p\""), true},
    {PROFILES("\"p\",\"q\""), PROFILES("\"q\",\"p\""), false},
    {PROFILES("\"p\""), PROFILES("\"p\",\"q\""), false},
    {PROFILES("\"p\""), PROFILES("\"q\""), true},
    {PROFILES("\"p\""), "{\"conditions\":[]}", true},
};

START_TEST(a_change_is_compared)
{
    struct chy_op *op = test_op_new();
    ck_assert_msg(chy_approval_loosens(parse(op, changes[_i].policy),
                                       parse(op, changes[_i].change)) == changes[_i].is_looser,
                  "%s -> %s", changes[_i].policy, changes[_i].change);
    test_op_free(op);
}
END_TEST

/** An id in another case is the same one. */
START_TEST(ids_have_no_case)
{
    struct chy_op *op = test_op_new();
    json_t *step = parse(op, STEP("1", A));
    ck_assert(chy_approval_step_names(step, chy_text("AAAAAAAA-0000-7000-8000-000000000000")));
    ck_assert(!chy_approval_step_names(step, chy_text("BBBBBBBB-0000-7000-8000-000000000000")));
    ck_assert(chy_approval_step_names(parse(op, STEP("1", "")), chy_text("anybody")));
    test_op_free(op);
}
END_TEST

/* ------------------------------------------------------------------------------------------------
 * Counting
 */

#define VOTE(step, who, decision) \
    "{\"step\":" step ",\"identityId\":\"" who "\",\"decision\":\"" decision "\"}"
#define YES(step, who) VOTE(step, who, "approved")

static const struct {
    const char *steps;
    const char *votes;
    const char *lapsed; /**< a character a vote: 'x' does not count; NULL: all do */
    int64_t reached;
} counts[] = {
    {"[" STEP("1", "") "]", "[]", NULL, 0},
    {"[" STEP("1", "") "]", "[" YES("0", "a") "]", NULL, 1},
    {"[" STEP("1", "") "]", "[" YES("0", "a") "]", "x", 0},
    {"[" STEP("2", "") "]", "[" YES("0", "a") "]", NULL, 0},
    {"[" STEP("2", "") "]", "[" YES("0", "a") "," YES("0", "b") "]", NULL, 1},
    {"[" STEP("2", "") "]", "[" YES("0", "a") "," YES("0", "b") "]", "x.", 0},
    {"[" STEP("2", "") "]", "[" YES("0", "a") "," YES("0", "b") "," YES("0", "c") "]", "x..", 1},
    {"[" STEP("2", "") "]", "[" YES("0", "a") "," YES("0", "a") "]", NULL, 0},
    {"[" STEP("2", "") "]", "[" YES("0", "a") "," YES("0", "A") "]", NULL, 0},
    {"[" STEP("2", "") "]", "[" YES("0", "a") "," YES("1", "b") "]", NULL, 0},
    {"[" STEP("1", "") "," STEP("1", "") "]", "[" YES("0", "a") "]", NULL, 1},
    {"[" STEP("1", "") "," STEP("1", "") "]", "[" YES("0", "a") "," YES("1", "a") "]", NULL, 2},
    {"[" STEP("1", "") "," STEP("1", "") "]", "[" YES("0", "a") "," YES("1", "b") "]", "x.", 0},
    {"[" STEP("1", "") "," STEP("1", "") "]", "[" YES("0", "a") "," YES("1", "b") "]", ".x", 1},
    {"[" STEP("1", "") "," STEP("1", "") "]", "[" YES("1", "b") "]", NULL, 0},
    {"[" STEP("1", "") "]", "[" VOTE("0", "a", "rejected") "]", NULL, 0},
    {"[" STEP("9", "") "," STEP("9", "") "]", "[" VOTE("0", "a", "bypassed") "]", NULL, 2},
    {"[" STEP("9", "") "," STEP("9", "") "]", "[" VOTE("0", "a", "bypassed") "]", "x", 0},
};

START_TEST(votes_are_counted)
{
    struct chy_op *op = test_op_new();
    bool lapsed[8] = {false};
    for (size_t i = 0; counts[_i].lapsed != NULL && counts[_i].lapsed[i] != '\0'; i++) {
        lapsed[i] = counts[_i].lapsed[i] == 'x';
    }
    ck_assert_msg(chy_approval_reached(parse(op, counts[_i].steps), parse(op, counts[_i].votes),
                                       counts[_i].lapsed == NULL ? NULL : lapsed) ==
                      counts[_i].reached,
                  "%s of %s", counts[_i].votes, counts[_i].steps);
    test_op_free(op);
}
END_TEST

START_TEST(one_votes_once_in_a_step)
{
    struct chy_op *op = test_op_new();
    static const bool gone[2] = {true, false};
    json_t *votes = parse(op, "[" YES("0", "a") "," VOTE("0", "b", "rejected") "]");
    ck_assert(chy_approval_has_voted(votes, NULL, 0, chy_text("a")));
    ck_assert(chy_approval_has_voted(votes, NULL, 0, chy_text("A")));
    ck_assert(!chy_approval_has_voted(votes, NULL, 1, chy_text("a")));
    ck_assert(!chy_approval_has_voted(votes, NULL, 0, chy_text("b")));
    ck_assert(!chy_approval_has_voted(votes, gone, 0, chy_text("a")));
    test_op_free(op);
}
END_TEST

/* ------------------------------------------------------------------------------------------------
 * What was approved
 */

#define DECISION(life, source, signature, authority, application)                            \
    "{\"projectId\":\"1\",\"profileId\":\"2\",\"caId\":\"" authority "\",\"applicationId\":" \
    "\"" application "\",\"subject\":[],\"altNames\":[],\"keyUsages\":[],"                   \
    "\"extendedKeyUsages\":[],\"basicConstraints\":{\"isCA\":false},\"keySource\":"          \
    "\"" source "\",\"keyAlgorithm\":\"RSA_2048\",\"signatureAlgorithm\":\"" signature "\"," \
    "\"notBefore\":\"2026-01-15T12:00:00.000Z\",\"notAfter\":\"2026-01-16T12:00:00.000Z\","  \
    "\"validity\":" life "}"
#define APPROVED DECISION("86400", "server", "RSA-SHA256", "3", "4")

static const struct {
    const char *now;
    bool same;
} decisions[] = {
    {APPROVED, true},
    {DECISION("86401", "server", "RSA-SHA256", "3", "4"), false},
    {DECISION("86400", "csr", "RSA-SHA256", "3", "4"), false},
    {DECISION("86400", "server", "RSA-SHA512", "3", "4"), false},
    {DECISION("86400", "server", "RSA-SHA256", "9", "4"), false},
    {DECISION("86400", "server", "RSA-SHA256", "3", "9"), false},
};

START_TEST(what_is_issued_is_what_was_approved)
{
    struct chy_op *op = test_op_new();
    chy_status status = chy_approval_unchanged(op, chy_text(APPROVED), chy_text(decisions[_i].now));
    ck_assert_int_eq(status, decisions[_i].same ? CHY_OK : CHY_BAD_INPUT);
    test_op_free(op);
}
END_TEST

TEST_MAIN("enroll/approval_rules", TEST_EACH(a_change_is_compared, changes), TEST(ids_have_no_case),
          TEST_EACH(votes_are_counted, counts), TEST(one_votes_once_in_a_step),
          TEST_EACH(what_is_issued_is_what_was_approved, decisions))
