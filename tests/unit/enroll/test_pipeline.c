#include "enroll/pipeline.h"

#include "base/time.h"
#include "enroll/authority.h"
#include "place.h"
#include "resource/collections.h"
#include "test_main.h"
#include "x509/certificate.h"

static struct place place;

static void must_enroll(const char *name, struct chy_enroll_answer *answer)
{
    chy_status status = place_enroll(&place, place.profile, name, NULL, answer);
    ck_assert_msg(status == CHY_OK, "%s", test_message(place.op));
}

START_TEST(an_issued_certificate_is_durable_and_whole)
{
    struct chy_enroll_answer answer;
    struct chy_certificate certificate;
    place_init(&place, 10000, "stored");
    must_enroll("a.example", &answer);
    ck_assert_uint_eq(answer.state, CHY_ENROLL_ISSUED);
    ck_assert_uint_gt(answer.private_key_pem.len, 0);
    ck_assert_int_eq(chy_certificate_read(place.op, answer.certificate, &certificate), CHY_OK);
    ck_assert_uint_eq(certificate.serial.len, CHY_SERIAL_SIZE);
    ck_assert_uint_eq(certificate.key_usage, CHY_KU_DIGITAL_SIGNATURE);
    ck_assert_uint_eq(certificate.crl_urls.count, 1);
    ck_assert(!certificate.basic_constraints.is_ca);
    ck_assert_int_eq(certificate.not_before, TEST_RUNTIME_NOW - 60 * CHY_US_PER_SECOND);
    ck_assert_int_eq(certificate.not_after, TEST_RUNTIME_NOW + 90 * CHY_US_PER_DAY);
    char id[CHY_UUID_TEXT_SIZE];
    (void)snprintf(id, sizeof id, "%.*s", (int)answer.certificate_id.len,
                   (const char *)answer.certificate_id.ptr);
    const json_t *shown = place_call(&place, "certificates", "get", id, NULL);
    ck_assert_str_eq(test_text(shown, "certificate.commonName"), "a.example");
    ck_assert_str_eq(test_text(shown, "certificate.status"), "active");
    ck_assert_int_eq(test_number(shown, "certificate.renewBeforeDays"), 7);
    (void)snprintf(id, sizeof id, "%.*s", (int)answer.request_id.len,
                   (const char *)answer.request_id.ptr);
    const json_t *request = place_call(&place, "certificate-requests", "get", id, NULL);
    ck_assert_str_eq(test_text(request, "status"), "issued");
    ck_assert_uint_gt(strlen(test_text(request, "privateKey")), 100);
    place_fini(&place);
}
END_TEST

START_TEST(a_refusal_leaves_a_failed_request_and_no_certificate)
{
    struct chy_enroll_answer answer;
    place_init(&place, 10000, "stored");
    ck_assert_int_eq(place_enroll(&place, place.profile, "x", "8y", &answer), CHY_BAD_INPUT);
    ck_assert_ptr_nonnull(strstr(test_message(place.op), "outlive"));
    ck_assert_uint_eq(test_count(place.test, CHY_C_REQUESTS, CHY_REQUEST_STATUS, "failed"), 1);
    ck_assert_uint_eq(test_count(place.test, CHY_C_CERTIFICATES, CHY_CERT_STATUS, NULL), 0);
    place_fini(&place);
}
END_TEST

START_TEST(nobody_gets_the_name_of_their_authority)
{
    struct chy_enroll_answer answer;
    place_init(&place, 10000, "stored");
    ck_assert_int_eq(place_enroll(&place, place.profile, "Issuing", NULL, &answer), CHY_BAD_INPUT);
    ck_assert_ptr_nonnull(strstr(test_message(place.op), "that of the certificate authority"));
    must_enroll("issuing", &answer);
    place_fini(&place);
}
END_TEST

START_TEST(a_clock_that_went_back_stops_signing)
{
    struct chy_enroll_answer answer;
    place_init(&place, 10000, "stored");
    must_enroll("a", &answer);
    struct chy_clock_manual *clock = test_runtime_clock(place.test);
    chy_clock_manual_set(clock, TEST_RUNTIME_NOW - 59 * CHY_US_PER_SECOND);
    must_enroll("b", &answer);
    chy_clock_manual_set(clock, TEST_RUNTIME_NOW - 61 * CHY_US_PER_SECOND);
    ck_assert_int_eq(place_enroll(&place, place.profile, "c", NULL, &answer), CHY_TRY_LATER);
    // A node that starts anew knows it from storage.
    place_disarm(place.test);
    place_arm(place.test);
    ck_assert_int_eq(place_enroll(&place, place.profile, "c", NULL, &answer), CHY_TRY_LATER);
    chy_clock_manual_set(clock, TEST_RUNTIME_NOW + CHY_US_PER_SECOND);
    must_enroll("c", &answer);
    place_fini(&place);
}
END_TEST

START_TEST(a_slower_node_does_not_move_the_time_back)
{
    struct chy_enroll_answer answer;
    struct chy_storage_row row;
    place_init(&place, 10000, "stored");
    must_enroll("a", &answer);
    struct chy_runtime *runtime = test_runtime_of(place.test);
    struct chy_view key = CHY_KEY(chy_value_text(chy_text("high-water-time")));
    struct chy_batch batch;
    chy_batch_init(&batch, place.op, 0);
    int64_t ahead = TEST_RUNTIME_NOW + CHY_US_PER_HOUR; // another node's
    chy_write_set(chy_batch_upsert(&batch, CHY_C_SETTINGS, key), CHY_SETTING_NUMBER,
                  chy_value_int(ahead));
    ck_assert_int_eq(chy_batch_commit(&batch, runtime->storage, NULL), CHY_OK);
    chy_clock_manual_set(test_runtime_clock(place.test), TEST_RUNTIME_NOW + 5 * CHY_US_PER_MINUTE);
    must_enroll("b", &answer);
    ck_assert_int_eq(chy_storage_read(runtime->storage, place.op, CHY_C_SETTINGS, key,
                                      CHY_FIELDS(CHY_SETTING_NUMBER), &row),
                     CHY_OK);
    ck_assert_int_eq(chy_row_int(&row, 0), ahead);
    place_fini(&place);
}
END_TEST

START_TEST(a_disabled_authority_issues_nothing_at_once)
{
    struct chy_enroll_answer answer;
    place_init(&place, 10000, "stored");
    must_enroll("a", &answer);
    (void)place_call(&place, "certificate-authorities", "update", place.authority,
                     "{\"status\":\"disabled\"}");
    ck_assert_int_eq(place_enroll(&place, place.profile, "b", NULL, &answer), CHY_BAD_INPUT);
    ck_assert_ptr_nonnull(strstr(test_message(place.op), "disabled"));
    place_fini(&place);
}
END_TEST

START_TEST(an_end_beyond_the_authority_is_clamped_where_it_is_to_be)
{
    struct chy_enroll_answer answer;
    place_init(&place, 10000, "stored");
    (void)place_call(&place, "certificate-authorities", "update", place.authority,
                     "{\"onCaExpiry\":\"clamp\"}");
    ck_assert_int_eq(place_enroll(&place, place.profile, "a", "8y", &answer), CHY_OK);
    ck_assert_uint_eq(answer.adjustments.count, 1);
    int64_t end;
    ck_assert(chy_time_parse(chy_text("2030-01-01"), &end));
    ck_assert_int_eq(answer.not_after, end);
    place_fini(&place);
}
END_TEST

START_TEST(a_self_signed_certificate_is_its_own_chain)
{
    struct chy_enroll_answer answer;
    struct chy_certificate certificate;
    place_init(&place, 10000, "stored");
    ck_assert_int_eq(place_enroll(&place, place.self_signed, "self", NULL, &answer), CHY_OK);
    ck_assert_int_eq(chy_certificate_read(place.op, answer.certificate, &certificate), CHY_OK);
    ck_assert(certificate.self_issued);
    ck_assert_uint_eq(certificate.crl_urls.count, 0);
    ck_assert_uint_eq(certificate.access.ca_issuers.count, 0);
    ck_assert_uint_eq(answer.issuer_pem.len, 0);
    ck_assert(chy_slice_equal(answer.chain_pem, answer.certificate_pem));
    place_fini(&place);
}
END_TEST

static const struct {
    const char *retention;
    bool keeps;
} retentions[] = {{"stored", true}, {"once", false}, {"none", false}};

START_TEST(a_key_is_kept_as_the_profile_says)
{
    struct chy_enroll_answer answer;
    json_t *shown;
    char id[CHY_UUID_TEXT_SIZE];
    place_init(&place, 10000, retentions[_i].retention);
    must_enroll("a", &answer);
    ck_assert_uint_gt(answer.private_key_pem.len, 0);
    (void)snprintf(id, sizeof id, "%.*s", (int)answer.certificate_id.len,
                   (const char *)answer.certificate_id.ptr);
    chy_status status =
        test_call(place.test, place.op, "certificates", "private-key", id, NULL, &shown);
    ck_assert_int_eq(status, retentions[_i].keeps ? CHY_OK : CHY_NOT_FOUND);
    place_fini(&place);
}
END_TEST

START_TEST(a_key_of_an_authority_is_no_leafs)
{
    struct chy_enroll_answer answer;
    place_init(&place, 10000, "stored");
    const json_t *csr = place_call(&place, "certificate-authorities", "csr", place.authority, NULL);
    struct chy_enroll_request request = {
        .struct_size = sizeof request,
        .method = chy_text("api"),
        .profile_id = chy_text(place.profile),
        .csr = chy_text(test_text(csr, "csr")),
        .ttl = chy_text("1d"),
        .path_length = -1,
    };
    // What is refused first is that it asks for a CA certificate; without that, the key.
    chy_status status =
        chy_pipeline_enroll(test_runtime_of(place.test), place.op, &request, &answer);
    ck_assert_int_eq(status, CHY_BAD_INPUT);
    place_fini(&place);
}
END_TEST

START_TEST(another_method_than_the_profiles_is_refused)
{
    struct chy_enroll_answer answer;
    place_init(&place, 10000, "stored");
    struct chy_enroll_request request = {.struct_size = sizeof request,
                                         .method = chy_text("est"),
                                         .profile_id = chy_text(place.profile),
                                         .ttl = chy_text("1d"),
                                         .path_length = -1};
    ck_assert_int_eq(chy_pipeline_enroll(test_runtime_of(place.test), place.op, &request, &answer),
                     CHY_DENIED);
    ck_assert_uint_eq(test_reason(place.op), CHY_REASON_BOUNDARY);
    place_fini(&place);
}
END_TEST

TEST_MAIN("enroll/pipeline", TEST(an_issued_certificate_is_durable_and_whole),
          TEST(a_refusal_leaves_a_failed_request_and_no_certificate),
          TEST(nobody_gets_the_name_of_their_authority), TEST(a_clock_that_went_back_stops_signing),
          TEST(a_slower_node_does_not_move_the_time_back),
          TEST(a_disabled_authority_issues_nothing_at_once),
          TEST(an_end_beyond_the_authority_is_clamped_where_it_is_to_be),
          TEST(a_self_signed_certificate_is_its_own_chain),
          TEST_EACH(a_key_is_kept_as_the_profile_says, retentions),
          TEST(a_key_of_an_authority_is_no_leafs),
          TEST(another_method_than_the_profiles_is_refused))
