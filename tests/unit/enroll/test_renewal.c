#include "base/op.h"
#include "base/slice.h"
#include "base/time.h"
#include "enroll/renewal.h"
#include "place.h"
#include "plugin/services.h"
#include "resource/collections.h"
#include "test_main.h"

#include <stdlib.h>

static struct place place;

/** What the renewing that the job calls does here. */
static struct {
    int calls;
    const char *fails; /**< the certificate that cannot be renewed: its id */
    const char *why;   /**< NULL: because its CA is disabled */
    bool cancels;
} fake;

static const struct {
    int64_t wanted;
    int64_t not_before;
    int64_t not_after;
    int64_t now;
    int64_t expected;
} thresholds[] = {
    {30, 0, 120, 0, 30},   {90, 0, 120, 0, 90}, // two minutes, a minute and a half before
    {96, 0, 120, 0, 96},   {97, 0, 120, 0, 96}, // a fifth is left in peace
    {119, 0, 120, 0, 96},  {120, 0, 120, 0, 40},
    {500, 0, 120, 0, 40},  {30, 0, 120, 60, 30}, // the backdated part is no life
    {60, 0, 120, 60, 20},                        // the same
    {60, 50, 120, 10, 56}, {60, 0, 120, 120, 0},
    {60, 0, 120, 200, 0},  {0, 0, 120, 0, 0},
};

START_TEST(a_threshold_leaves_a_life)
{
    ck_assert_int_eq(chy_renewal_threshold(thresholds[_i].wanted, thresholds[_i].not_before,
                                           thresholds[_i].not_after, thresholds[_i].now),
                     thresholds[_i].expected);
}
END_TEST

static struct chy_uuid id_of(const char *text)
{
    struct chy_uuid id;
    ck_assert(chy_uuid_parse(chy_text(text), &id));
    return id;
}

static void set(const char *certificate, uint32_t field, struct chy_value value)
{
    struct chy_batch batch;
    struct chy_uuid id = id_of(certificate);
    chy_batch_init(&batch, place.op, 0);
    struct chy_write *write =
        chy_batch_update(&batch, CHY_C_CERTIFICATES, CHY_KEY(chy_value_uuid(&id)));
    chy_write_set(write, field, value);
    ck_assert_int_eq(chy_batch_commit(&batch, test_runtime_of(place.test)->storage, NULL), CHY_OK);
}

static struct chy_storage_row row_of(const char *certificate)
{
    struct chy_storage_row row;
    struct chy_uuid id = id_of(certificate);
    ck_assert_int_eq(chy_storage_read(test_runtime_of(place.test)->storage, place.op,
                                      CHY_C_CERTIFICATES, CHY_KEY(chy_value_uuid(&id)),
                                      chy_core_fields(CHY_C_CERTIFICATES), &row),
                     CHY_OK);
    return row;
}

static chy_status fake_renew(struct chy_op *op, const struct chy_renew_request *request,
                             struct chy_enroll_answer *out_answer)
{
    char id[CHY_UUID_TEXT_SIZE];
    (void)out_answer;
    ck_assert_uint_eq(request->certificate_id.len, CHY_UUID_TEXT_LEN);
    (void)snprintf(id, sizeof id, "%.*s", CHY_UUID_TEXT_LEN,
                   (const char *)request->certificate_id.ptr);
    fake.calls++;
    if (fake.cancels) {
        chy_operation_cancel(chy_operation_of(op)->parent);
        return chy_fail(op, CHY_TRY_LATER, 0, "the lease is gone");
    }
    if (fake.fails != NULL && strcmp(fake.fails, id) == 0) {
        return chy_fail(op, CHY_BAD_INPUT, 0, "%s",
                        fake.why != NULL ? fake.why : "the CA \"issuing\" is disabled");
    }
    struct chy_uuid successor = {{7}};
    set(id, CHY_CERT_RENEWED_BY_ID, chy_value_uuid(&successor));
    return CHY_OK;
}

/** set_owner_role changes what it may in the whole instance; NULL: it is gone. */
static void set_owner_role(const char *role)
{
    struct chy_batch batch;
    struct chy_view key = CHY_KEY(chy_value_uuid(&test_runtime_admin()->id));
    chy_batch_init(&batch, place.op, 0);
    if (role == NULL) {
        (void)chy_batch_delete(&batch, CHY_C_IDENTITIES, key);
    } else {
        chy_write_set(chy_batch_update(&batch, CHY_C_IDENTITIES, key), CHY_IDENTITY_ROLE,
                      chy_value_text(chy_text(role)));
    }
    ck_assert_int_eq(chy_batch_commit(&batch, test_runtime_of(place.test)->storage, NULL), CHY_OK);
}

static void begin(void)
{
    memset(&fake, 0, sizeof fake);
    place_init(&place, 100, "stored");
    place_add_identity(&place, &test_runtime_admin()->id, "admin");
    chy_services_of(place.op->host)->host.renew = fake_renew;
}

static void pass(int64_t duration)
{
    chy_clock_manual_advance(test_runtime_clock(place.test), duration);
}

/** issue keeps the id of a new certificate of 90 days, which is due seven before its end. */
static void issue(char out_id[CHY_UUID_TEXT_SIZE])
{
    struct chy_enroll_answer answer;
    ck_assert_int_eq(place_enroll(&place, place.profile, "a", NULL, &answer), CHY_OK);
    (void)snprintf(out_id, CHY_UUID_TEXT_SIZE, "%.*s", (int)answer.certificate_id.len,
                   (const char *)answer.certificate_id.ptr);
}

static struct chy_renewal_counts run(void)
{
    struct chy_renewal_counts counts;
    place_next(&place);
    chy_status status = chy_renewal_run(test_runtime_of(place.test), place.op, &counts);
    ck_assert_msg(status == CHY_OK, "%s", test_message(place.op));
    return counts;
}

static bool is_due(void)
{
    bool due;
    place_next(&place);
    ck_assert_int_eq(chy_renewal_is_due(test_runtime_of(place.test), place.op, &due), CHY_OK);
    return due;
}

START_TEST(what_is_due_is_renewed_once)
{
    char id[CHY_UUID_TEXT_SIZE];
    begin();
    issue(id);
    pass(82 * CHY_US_PER_DAY);
    ck_assert(!is_due());
    ck_assert_uint_eq(run().renewed, 0);
    pass(CHY_US_PER_DAY);
    ck_assert(is_due());
    ck_assert_uint_eq(run().renewed, 1);
    ck_assert(!is_due());
    ck_assert_uint_eq(run().renewed, 0);
    ck_assert_int_eq(fake.calls, 1);
    struct chy_storage_row row = row_of(id);
    ck_assert(chy_row_is_null(&row, CHY_CERT_RENEW_AT));
    ck_assert_uint_eq(
        test_count(place.test, CHY_C_AUDIT_EVENTS, CHY_AUDIT_ACTION, "certificate.automated-renew"),
        1);
    place_fini(&place);
}
END_TEST

START_TEST(one_failure_stops_no_other)
{
    char ids[5][CHY_UUID_TEXT_SIZE];
    begin();
    for (size_t i = 0; i < CHY_COUNT_OF(ids); i++) {
        issue(ids[i]);
    }
    fake.fails = ids[1];
    pass(84 * CHY_US_PER_DAY);
    struct chy_renewal_counts counts = run();
    ck_assert_uint_eq(counts.renewed, 4);
    ck_assert_uint_eq(counts.failed, 1);
    struct chy_storage_row row = row_of(ids[1]);
    ck_assert(
        chy_slice_is(chy_row_text(&row, CHY_CERT_RENEWAL_ERROR), "the CA \"issuing\" is disabled"));
    ck_assert_uint_eq(test_count(place.test, CHY_C_AUDIT_EVENTS, CHY_AUDIT_OUTCOME, "failed"), 1);
    // Once it works, nothing of the failure stays.
    fake.fails = NULL;
    pass(CHY_US_PER_MINUTE);
    ck_assert_uint_eq(run().renewed, 1);
    row = row_of(ids[1]);
    ck_assert(chy_row_is_null(&row, CHY_CERT_RENEWAL_ERROR));
    ck_assert(chy_row_is_null(&row, CHY_CERT_RENEWAL_ATTEMPTS));
    place_fini(&place);
}
END_TEST

/** A long reason is cut between characters: storage takes no half of one. */
START_TEST(a_long_reason_stops_no_other)
{
    char ids[2][CHY_UUID_TEXT_SIZE];
    static char why[3000];
    begin();
    for (size_t lead = 0; lead < 3; lead++) { // wherever the cut falls
        memset(why, 'x', lead);
        for (size_t i = lead; i + 3 < sizeof why; i += 3) {
            memcpy(why + i, "\xe2\x82\xac", 3);
        }
        issue(ids[0]);
        issue(ids[1]);
        fake.fails = ids[0];
        fake.why = why;
        pass(84 * CHY_US_PER_DAY);
        struct chy_renewal_counts counts = run();
        ck_assert_uint_eq(counts.renewed, 1);
        ck_assert_uint_eq(counts.failed, 1);
        struct chy_storage_row row = row_of(ids[0]);
        ck_assert_uint_gt(chy_row_text(&row, CHY_CERT_RENEWAL_ERROR).len, 500);
        set(ids[0], CHY_CERT_RENEW_AT, chy_value_null());
    }
    place_fini(&place);
}
END_TEST

/** A CA that is broken for days makes few attempts, and the last not long before the end. */
START_TEST(failures_become_rarer)
{
    char id[CHY_UUID_TEXT_SIZE];
    begin();
    issue(id);
    fake.fails = id;
    pass(83 * CHY_US_PER_DAY);
    int64_t last = 0;
    for (int minute = 0; minute < 7 * 24 * 60; minute++) {
        int before = fake.calls;
        if (is_due()) {
            (void)run();
        }
        last = fake.calls != before ? chy_now(place.op) : last;
        pass(CHY_US_PER_MINUTE);
    }
    struct chy_storage_row row = row_of(id);
    ck_assert_int_ge(fake.calls, 12);
    ck_assert_int_le(fake.calls, 40);
    ck_assert_int_lt(chy_row_time(&row, CHY_CERT_NOT_AFTER) - last, CHY_US_PER_HOUR);
    pass(CHY_US_PER_HOUR);
    ck_assert_uint_eq(run().retired, 1);
    ck_assert(!is_due());
    place_fini(&place);
}
END_TEST

START_TEST(what_is_over_is_left_alone)
{
    char revoked[CHY_UUID_TEXT_SIZE];
    char renewed[CHY_UUID_TEXT_SIZE];
    char keyless[CHY_UUID_TEXT_SIZE];
    struct chy_uuid other = {{9}};
    begin();
    issue(revoked);
    issue(renewed);
    issue(keyless);
    set(revoked, CHY_CERT_STATUS, chy_value_text(chy_text("revoked")));
    set(renewed, CHY_CERT_RENEWED_BY_ID, chy_value_uuid(&other));
    set(keyless, CHY_CERT_DATA_KEY_ID, chy_value_null());
    pass(84 * CHY_US_PER_DAY);
    ck_assert_uint_eq(run().retired, 3);
    ck_assert_int_eq(fake.calls, 0);
    ck_assert(!is_due());
    place_fini(&place);
}
END_TEST

/** A hold may end: then it is renewed. */
START_TEST(a_hold_is_waited_for)
{
    char id[CHY_UUID_TEXT_SIZE];
    begin();
    issue(id);
    set(id, CHY_CERT_STATUS, chy_value_text(chy_text("revoked")));
    set(id, CHY_CERT_REVOCATION_REASON, chy_value_int(6));
    pass(84 * CHY_US_PER_DAY);
    ck_assert_uint_eq(run().renewed, 0);
    ck_assert(!is_due());
    set(id, CHY_CERT_STATUS, chy_value_text(chy_text("active")));
    set(id, CHY_CERT_REVOCATION_REASON, chy_value_null());
    pass(CHY_US_PER_HOUR);
    ck_assert_uint_eq(run().renewed, 1);
    place_fini(&place);
}
END_TEST

/** A successor could not end later: it would be due at once, and so on. */
START_TEST(what_ends_with_its_authority_waits_for_that)
{
    char id[CHY_UUID_TEXT_SIZE];
    int64_t end;
    begin();
    issue(id);
    ck_assert(chy_time_parse(chy_text("2030-01-01"), &end));
    set(id, CHY_CERT_NOT_AFTER, chy_value_time(end));
    pass(84 * CHY_US_PER_DAY);
    ck_assert_uint_eq(run().failed, 1);
    ck_assert_int_eq(fake.calls, 0);
    struct chy_storage_row row = row_of(id);
    struct chy_slice error = chy_row_text(&row, CHY_CERT_RENEWAL_ERROR);
    ck_assert(chy_slice_starts_with(error, chy_text("the certificate already ends with")));
    place_fini(&place);
}
END_TEST

/** Who asked for it has to be able to renew it still, by its role in the instance or project. */
START_TEST(an_owner_without_rights_stops_it)
{
    static const struct {
        const char *role;
        const char *membership;
        bool renews;
    } owners[] = {{"no-access", NULL, false},
                  {"no-access", "auditor", false},
                  {"no-access", "no-access", false},
                  {"no-access", "issuer", true},
                  {"no-access", "admin", true},
                  {NULL, "issuer", false},
                  {"admin", NULL, true}};
    for (size_t i = 0; i < CHY_COUNT_OF(owners); i++) {
        char id[CHY_UUID_TEXT_SIZE];
        begin();
        issue(id);
        set_owner_role(owners[i].role);
        if (owners[i].membership != NULL) {
            place_set_role(&place, &test_runtime_admin()->id, owners[i].membership);
        }
        pass(84 * CHY_US_PER_DAY);
        struct chy_renewal_counts counts = run();
        ck_assert_msg(counts.renewed == (owners[i].renews ? 1 : 0), "%zu", i);
        ck_assert_uint_eq(counts.failed, owners[i].renews ? 0 : 1);
        struct chy_storage_row row = row_of(id);
        struct chy_slice error = chy_row_text(&row, CHY_CERT_RENEWAL_ERROR);
        ck_assert(owners[i].renews || chy_slice_starts_with(error, chy_text("the identity 01")));
        place_fini(&place);
    }
}
END_TEST

/** The certificate is another node's now: nothing is noted, nothing more is tried. */
START_TEST(who_lost_the_lease_notes_nothing)
{
    char ids[2][CHY_UUID_TEXT_SIZE];
    begin();
    issue(ids[0]);
    issue(ids[1]);
    fake.cancels = true;
    pass(84 * CHY_US_PER_DAY);
    (void)run();
    ck_assert_int_eq(fake.calls, 1);
    struct chy_storage_row row = row_of(ids[0]);
    ck_assert(chy_row_is_null(&row, CHY_CERT_RENEWAL_ERROR));
    ck_assert(is_due());
    place_fini(&place);
}
END_TEST

TEST_MAIN("enroll/renewal", TEST_EACH(a_threshold_leaves_a_life, thresholds),
          TEST(what_is_due_is_renewed_once), TEST(one_failure_stops_no_other),
          TEST(a_long_reason_stops_no_other), TEST(failures_become_rarer),
          TEST(what_is_over_is_left_alone), TEST(a_hold_is_waited_for),
          TEST(what_ends_with_its_authority_waits_for_that), TEST(an_owner_without_rights_stops_it),
          TEST(who_lost_the_lease_notes_nothing))
