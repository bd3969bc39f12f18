#include "base/op.h"
#include "base/slice.h"
#include "base/time.h"
#include "enroll/approval.h"
#include "enroll/approval_issue.h"
#include "place.h"
#include "plugin/storage_state.h"
#include "resource/collections.h"
#include "test_main.h"

#include <stdlib.h>

static struct place place;

/** Who takes part: the first asks, the others approve. */
enum who {
    ASKER,
    ALICE,
    BOB,
    EVERYBODY
};

static struct {
    struct chy_principal principals[EVERYBODY];
    struct chy_membership memberships[EVERYBODY];
    char approval[CHY_UUID_TEXT_SIZE];
    char request[CHY_UUID_TEXT_SIZE];
} people;

/** Stands before the writes of the storage: `inside` runs once, before the next one that touches
 *  `collection`, so that its caller has read already and another is faster. */
static struct {
    const struct chy_storage_ops *real;
    struct chy_storage_ops ops;
    uint32_t collection;
    void (*inside)(void);
    bool fails; /**< such writes fail, of what may pass */
} barrier;

static bool touches(const struct chy_storage_batch *batch)
{
    for (uint64_t i = 0; i < batch->writes.count; i++) {
        const struct chy_storage_write *write = chy_view_at(batch->writes, i);
        if (write->collection == barrier.collection) {
            return true;
        }
    }
    return false;
}

static chy_status write_later(void *self, struct chy_op *op, const struct chy_storage_batch *batch,
                              struct chy_storage_outcome *out_outcome)
{
    if (touches(batch) && barrier.fails) {
        return chy_fail(op, CHY_TRY_LATER, 0, "the disk is busy");
    }
    if (touches(batch) && barrier.inside != NULL) {
        void (*inside)(void) = barrier.inside;
        barrier.inside = NULL;
        inside();
    }
    return barrier.real->write(self, op, batch, out_outcome);
}

static void let_in(uint32_t collection, void (*inside)(void))
{
    barrier.collection = collection;
    barrier.inside = inside;
}

static void begin_as(enum who who, uint8_t first, const char *role)
{
    struct chy_principal *principal = &people.principals[who];
    struct chy_membership *membership = &people.memberships[who];
    principal->kind = CHY_PRINCIPAL_USER;
    principal->id = (struct chy_uuid){{first}};
    principal->role = CHY_ROLE_NO_ACCESS;
    principal->memberships = membership;
    principal->membership_count = 1;
    membership->held.role = chy_role_find(chy_text(role));
    ck_assert(chy_uuid_parse(chy_text(place.project), &membership->project_id));
    place_add_identity(&place, &principal->id, "no-access");
    place_set_role(&place, &principal->id, role);
}

static void govern(const char *more)
{
    char document[512];
    (void)snprintf(document, sizeof document,
                   "{\"projectId\":\"%s\",\"name\":\"n\",\"steps\":[{\"requiredApprovals\":1}],"
                   "\"conditions\":[{\"profileIds\":[\"%s\"]}]%s}",
                   place.project, place.profile, more);
    (void)place_call(&place, "approval-policies", "create", NULL, document);
    place_next(&place);
}

static void begin(const char *more)
{
    memset(&people, 0, sizeof people);
    memset(&barrier, 0, sizeof barrier);
    place_init(&place, 100, "stored");
    begin_as(ASKER, 10, "issuer");
    begin_as(ALICE, 11, "approver");
    begin_as(BOB, 12, "approver");
    govern(more);
    struct chy_storage *storage = test_runtime_of(place.test)->storage;
    barrier.real = storage->ops;
    barrier.ops = *storage->ops;
    barrier.ops.write = write_later;
    storage->ops = &barrier.ops;
}

static void end(void)
{
    test_runtime_of(place.test)->storage->ops = barrier.real;
    place_fini(&place);
}

static void pass(int64_t duration)
{
    chy_clock_manual_advance(test_runtime_clock(place.test), duration);
}

static const char *text_of(uint32_t collection, const char *id_text, uint32_t field)
{
    static char text[64];
    struct chy_uuid id;
    struct chy_storage_row row;
    struct chy_op *op = test_runtime_op(place.test);
    ck_assert(chy_uuid_parse(chy_text(id_text), &id));
    ck_assert_int_eq(chy_storage_read(test_runtime_of(place.test)->storage, op, collection,
                                      CHY_KEY(chy_value_uuid(&id)), CHY_FIELDS(field), &row),
                     CHY_OK);
    struct chy_slice found = chy_row_text(&row, 0);
    (void)snprintf(text, sizeof text, "%.*s", (int)found.len, (const char *)found.ptr);
    test_runtime_op_end(op);
    return text;
}

/** ask asks for a certificate, which waits. */
static void ask(void)
{
    struct chy_enroll_answer answer;
    struct chy_op *mine = place.op;
    place.op = test_runtime_op_as(place.test, &people.principals[ASKER]);
    ck_assert_msg(place_enroll(&place, place.profile, "a", NULL, &answer) == CHY_OK, "%s",
                  test_message(place.op));
    ck_assert_uint_eq(answer.state, CHY_ENROLL_PENDING_APPROVAL);
    (void)snprintf(people.request, sizeof people.request, "%.*s", (int)answer.request_id.len,
                   (const char *)answer.request_id.ptr);
    test_runtime_op_end(place.op);
    place.op = mine;
    const json_t *list = json_object_get(
        place_call(&place, "approval-requests", "list", NULL, "{\"limit\":\"100\"}"), "requests");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *one = json_array_get(list, i);
        if (strcmp(test_text(one, "certificateRequestId"), people.request) == 0) {
            (void)snprintf(people.approval, sizeof people.approval, "%s", test_text(one, "id"));
        }
    }
    ck_assert_uint_ne(strlen(people.approval), 0);
    place_next(&place);
}

static chy_status call_as(enum who who, const char *kind, const char *action, const char *said)
{
    struct chy_op *op = test_runtime_op_as(place.test, &people.principals[who]);
    chy_status status = test_call(place.test, op, kind, action, people.approval, "{}", NULL);
    ck_assert_msg(status == CHY_OK || status == CHY_BAD_INPUT, "%s: %s", action, test_message(op));
    if (said != NULL) {
        ck_assert_msg(strstr(test_message(op), said) != NULL, "%s", test_message(op));
    }
    test_runtime_op_end(op);
    return status;
}

static uint64_t certificates(void)
{
    return test_count(place.test, CHY_C_CERTIFICATES, CHY_CERT_STATUS, NULL);
}

/* ------------------------------------------------------------------------------------------------
 * What is approved
 */

static struct chy_slice digest_of(const char *decision, const char *metadata, const char *spki)
{
    struct chy_slice digest;
    ck_assert_int_eq(chy_approval_digest(test_runtime_of(place.test), place.op, chy_text(decision),
                                         chy_text(metadata), chy_text(spki), &digest),
                     CHY_OK);
    return digest;
}

/** No byte may go from one part to another without changing it. */
START_TEST(a_digest_names_each_part)
{
    begin("");
    struct chy_slice digest = digest_of("{}", "[]", "key");
    ck_assert_uint_eq(digest.len, 32);
    ck_assert(chy_slice_equal(digest, digest_of("{}", "[]", "key")));
    ck_assert(!chy_slice_equal(digest, digest_of("{ }", "[]", "key")));
    ck_assert(!chy_slice_equal(digest, digest_of("{}", "[ ]", "key")));
    ck_assert(!chy_slice_equal(digest, digest_of("{}", "[]", "kez")));
    ck_assert(!chy_slice_equal(digest, digest_of("{}", "[]k", "ey")));
    ck_assert(!chy_slice_equal(digest, digest_of("{}[]", "", "key")));
    ck_assert(!chy_slice_equal(digest, digest_of("{}", "", "[]key")));
    end();
}
END_TEST

/** What changed in storage after it was approved is not issued. */
START_TEST(what_is_stored_is_held_to_its_digest)
{
    struct chy_batch batch;
    struct chy_uuid id;
    begin("");
    ask();
    ck_assert(chy_uuid_parse(chy_text(people.request), &id));
    chy_batch_init(&batch, place.op, 0);
    chy_write_set(chy_batch_update(&batch, CHY_C_REQUESTS, CHY_KEY(chy_value_uuid(&id))),
                  CHY_REQUEST_METADATA,
                  chy_value_json(chy_text("[{\"key\":\"team\",\"value\":\"theirs\"}]")));
    ck_assert_int_eq(chy_batch_commit(&batch, test_runtime_of(place.test)->storage, NULL), CHY_OK);
    ck_assert_int_eq(call_as(ALICE, "approval-requests", "approve", NULL), CHY_OK);
    ck_assert_str_eq(text_of(CHY_C_REQUESTS, people.request, CHY_REQUEST_STATUS), "failed");
    ck_assert_str_eq(text_of(CHY_C_APPROVAL_REQUESTS, people.approval, CHY_APPROVAL_GRANT),
                     "failed");
    ck_assert_uint_eq(certificates(), 0);
    end();
}
END_TEST

/* ------------------------------------------------------------------------------------------------
 * Time
 */

static struct chy_approval_counts run(void)
{
    struct chy_approval_counts counts;
    place_next(&place);
    chy_status status = chy_approval_run(test_runtime_of(place.test), place.op, &counts);
    ck_assert_msg(status == CHY_OK, "%s", test_message(place.op));
    return counts;
}

static bool are_due(void)
{
    bool due;
    place_next(&place);
    ck_assert_int_eq(chy_approval_are_due(test_runtime_of(place.test), place.op, &due), CHY_OK);
    return due;
}

START_TEST(what_nobody_approves_expires)
{
    begin(",\"maxRequestTtl\":\"1h\"");
    ask();
    pass(CHY_US_PER_HOUR - 1);
    ck_assert(!are_due());
    ck_assert_uint_eq(run().expired, 0);
    pass(1);
    ck_assert(are_due());
    ck_assert_int_eq(call_as(ALICE, "approval-requests", "approve", "expired already"),
                     CHY_BAD_INPUT);
    ck_assert_int_eq(call_as(ASKER, "approval-requests", "cancel", "expired already"),
                     CHY_BAD_INPUT);
    ck_assert_uint_eq(run().expired, 1);
    ck_assert_str_eq(text_of(CHY_C_APPROVAL_REQUESTS, people.approval, CHY_APPROVAL_STATUS),
                     "expired");
    ck_assert_str_eq(text_of(CHY_C_REQUESTS, people.request, CHY_REQUEST_STATUS), "failed");
    ck_assert(!are_due());
    ck_assert_uint_eq(run().expired, 0);
    ck_assert_int_eq(call_as(ALICE, "approval-requests", "reject", "expired already"),
                     CHY_BAD_INPUT);
    end();
}
END_TEST

START_TEST(without_a_limit_it_waits)
{
    begin("");
    ask();
    pass(1000 * CHY_US_PER_DAY);
    ck_assert(!are_due());
    end();
}
END_TEST

/** A failure that may pass is tried again, less and less often, and not for ever. */
START_TEST(what_cannot_be_issued_now_is_issued_later)
{
    begin("");
    ask();
    barrier.collection = CHY_C_CERTIFICATES;
    barrier.fails = true;
    ck_assert_int_eq(call_as(ALICE, "approval-requests", "approve", NULL), CHY_OK);
    ck_assert_str_eq(text_of(CHY_C_REQUESTS, people.request, CHY_REQUEST_STATUS), "pending");
    ck_assert(!are_due());
    pass(CHY_US_PER_MINUTE);
    ck_assert_uint_eq(run().resumed, 1);
    ck_assert_str_eq(text_of(CHY_C_APPROVAL_REQUESTS, people.approval, CHY_APPROVAL_GRANT),
                     "active");
    pass(CHY_US_PER_MINUTE);
    ck_assert(!are_due()); // the second wait is longer
    barrier.fails = false;
    pass(CHY_US_PER_MINUTE);
    ck_assert_uint_eq(run().resumed, 1);
    ck_assert_str_eq(text_of(CHY_C_REQUESTS, people.request, CHY_REQUEST_STATUS), "issued");
    ck_assert_str_eq(text_of(CHY_C_APPROVAL_REQUESTS, people.approval, CHY_APPROVAL_GRANT), "used");
    ck_assert(!are_due());
    end();
}
END_TEST

START_TEST(it_is_not_tried_for_ever)
{
    uint64_t tries = 0;
    begin("");
    ask();
    barrier.collection = CHY_C_CERTIFICATES;
    barrier.fails = true;
    ck_assert_int_eq(call_as(ALICE, "approval-requests", "approve", NULL), CHY_OK);
    while (strcmp(text_of(CHY_C_REQUESTS, people.request, CHY_REQUEST_STATUS), "pending") == 0) {
        pass(10 * CHY_US_PER_MINUTE);
        tries += run().resumed;
        ck_assert_uint_lt(tries, 100);
    }
    ck_assert_uint_gt(tries, 50);
    ck_assert_str_eq(text_of(CHY_C_REQUESTS, people.request, CHY_REQUEST_STATUS), "failed");
    ck_assert_str_eq(text_of(CHY_C_APPROVAL_REQUESTS, people.approval, CHY_APPROVAL_GRANT),
                     "failed");
    ck_assert(!are_due());
    end();
}
END_TEST

/* ------------------------------------------------------------------------------------------------
 * Two at once: the second is wholly done between the first one's reading and its writing
 */

static void bob_approves(void)
{
    ck_assert_int_eq(call_as(BOB, "approval-requests", "approve", NULL), CHY_OK);
}

static void bob_rejects(void)
{
    ck_assert_int_eq(call_as(BOB, "approval-requests", "reject", NULL), CHY_OK);
}

static void asker_cancels(void)
{
    ck_assert_int_eq(call_as(ASKER, "approval-requests", "cancel", NULL), CHY_OK);
}

static void it_expires(void)
{
    struct chy_approval_counts counts;
    struct chy_op *op = test_runtime_op(place.test);
    pass(CHY_US_PER_HOUR);
    ck_assert_int_eq(chy_approval_run(test_runtime_of(place.test), op, &counts), CHY_OK);
    ck_assert_uint_eq(counts.expired, 1);
    test_runtime_op_end(op);
}

static const struct {
    enum who who;
    const char *action;
    void (*inside)(void);
    const char *said;   /**< to the one that was overtaken */
    const char *status; /**< of the certificate request */
    const char *approval;
} races[] = {
    {ALICE, "approve", bob_approves, "approved already", "issued", "approved"},
    {ALICE, "approve", bob_rejects, "rejected already", "rejected", "rejected"},
    {ALICE, "approve", asker_cancels, "cancelled already", "cancelled", "cancelled"},
    {ALICE, "approve", it_expires, "expired already", "failed", "expired"},
    {ALICE, "reject", bob_approves, "approved already", "issued", "approved"},
    {ALICE, "reject", bob_rejects, "rejected already", "rejected", "rejected"},
    {ALICE, "reject", asker_cancels, "cancelled already", "cancelled", "cancelled"},
    {ASKER, "cancel", bob_approves, "approved already", "issued", "approved"},
    {ASKER, "cancel", bob_rejects, "rejected already", "rejected", "rejected"},
    {ASKER, "cancel", it_expires, "expired already", "failed", "expired"},
};

START_TEST(of_two_who_decide_one_does)
{
    begin(",\"maxRequestTtl\":\"1h\"");
    ask();
    let_in(CHY_C_APPROVAL_REQUESTS, races[_i].inside);
    ck_assert_int_eq(call_as(races[_i].who, "approval-requests", races[_i].action, races[_i].said),
                     CHY_BAD_INPUT);
    ck_assert(barrier.inside == NULL);
    ck_assert_str_eq(text_of(CHY_C_REQUESTS, people.request, CHY_REQUEST_STATUS), races[_i].status);
    ck_assert_str_eq(text_of(CHY_C_APPROVAL_REQUESTS, people.approval, CHY_APPROVAL_STATUS),
                     races[_i].approval);
    ck_assert_uint_eq(certificates(), strcmp(races[_i].status, "issued") == 0 ? 1 : 0);
    end();
}
END_TEST

static void the_job_issues(void)
{
    struct chy_approval_counts counts;
    struct chy_op *op = test_runtime_op(place.test);
    pass(CHY_APPROVAL_LEASE);
    ck_assert_int_eq(chy_approval_run(test_runtime_of(place.test), op, &counts), CHY_OK);
    ck_assert_uint_eq(counts.resumed, 1);
    ck_assert_uint_eq(certificates(), 1);
    test_runtime_op_end(op);
}

/** Who voted has signed and is about to write; the job of another process is faster. */
START_TEST(of_two_who_issue_one_does)
{
    begin("");
    ask();
    let_in(CHY_C_CERTIFICATES, the_job_issues);
    ck_assert_int_eq(call_as(ALICE, "approval-requests", "approve", NULL), CHY_OK);
    ck_assert(barrier.inside == NULL);
    ck_assert_str_eq(text_of(CHY_C_REQUESTS, people.request, CHY_REQUEST_STATUS), "issued");
    ck_assert_uint_eq(certificates(), 1);
    ck_assert_uint_eq(
        test_count(place.test, CHY_C_AUDIT_EVENTS, CHY_AUDIT_ACTION, "certificate.issue"), 1);
    ck_assert(!are_due());
    end();
}
END_TEST

static void bob_revokes(void)
{
    ck_assert_int_eq(call_as(BOB, "approval-grants", "revoke", NULL), CHY_OK);
}

START_TEST(a_grant_is_revoked_while_it_is_used)
{
    begin("");
    ask();
    let_in(CHY_C_CERTIFICATES, bob_revokes);
    ck_assert_int_eq(call_as(ALICE, "approval-requests", "approve", NULL), CHY_OK);
    ck_assert(barrier.inside == NULL);
    ck_assert_str_eq(text_of(CHY_C_REQUESTS, people.request, CHY_REQUEST_STATUS), "rejected");
    ck_assert_str_eq(text_of(CHY_C_APPROVAL_REQUESTS, people.approval, CHY_APPROVAL_GRANT),
                     "revoked");
    ck_assert_uint_eq(certificates(), 0);
    ck_assert(!are_due());
    end();
}
END_TEST

START_TEST(a_grant_is_used_while_it_is_revoked)
{
    begin("");
    ask();
    barrier.collection = CHY_C_CERTIFICATES;
    barrier.fails = true;
    ck_assert_int_eq(call_as(ALICE, "approval-requests", "approve", NULL), CHY_OK);
    barrier.fails = false;
    let_in(CHY_C_APPROVAL_REQUESTS, the_job_issues);
    ck_assert_int_eq(call_as(BOB, "approval-grants", "revoke", "used already"), CHY_BAD_INPUT);
    ck_assert(barrier.inside == NULL);
    ck_assert_str_eq(text_of(CHY_C_REQUESTS, people.request, CHY_REQUEST_STATUS), "issued");
    end();
}
END_TEST

static void alice_leaves(void)
{
    struct chy_op *mine = place.op;
    place.op = test_runtime_op(place.test);
    place_set_role(&place, &people.principals[ALICE].id, "viewer");
    test_runtime_op_end(place.op);
    place.op = mine;
}

/** The right is lost after the vote was counted and before it is issued. */
START_TEST(who_may_not_approve_any_more_issues_nothing)
{
    begin("");
    ask();
    let_in(CHY_C_APPROVAL_REQUESTS, alice_leaves);
    ck_assert_int_eq(call_as(ALICE, "approval-requests", "approve", NULL), CHY_OK);
    ck_assert_str_eq(text_of(CHY_C_REQUESTS, people.request, CHY_REQUEST_STATUS), "failed");
    ck_assert_str_eq(text_of(CHY_C_APPROVAL_REQUESTS, people.approval, CHY_APPROVAL_GRANT),
                     "failed");
    ck_assert_uint_eq(certificates(), 0);
    end();
}
END_TEST

TEST_MAIN("enroll/approval", TEST(a_digest_names_each_part),
          TEST(what_is_stored_is_held_to_its_digest), TEST(what_nobody_approves_expires),
          TEST(without_a_limit_it_waits), TEST(what_cannot_be_issued_now_is_issued_later),
          TEST(it_is_not_tried_for_ever), TEST_EACH(of_two_who_decide_one_does, races),
          TEST(of_two_who_issue_one_does), TEST(a_grant_is_revoked_while_it_is_used),
          TEST(a_grant_is_used_while_it_is_revoked),
          TEST(who_may_not_approve_any_more_issues_nothing))
