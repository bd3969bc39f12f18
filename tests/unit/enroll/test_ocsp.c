#include "enroll/ocsp.h"

#include "base/time.h"
#include "enroll/ocsp_answers.h"
#include "place.h"
#include "resource/collections.h"
#include "test_main.h"
#include "x509/certificate.h"
#include "x509/ocsp.h"

static struct place place;

static struct chy_runtime *runtime(void)
{
    return test_runtime_of(place.test);
}

static const struct chy_issuer *issuer(void)
{
    struct chy_uuid authority;
    const struct chy_issuer *found;
    ck_assert(chy_uuid_parse(chy_text(place.authority), &authority));
    ck_assert_int_eq(chy_issuer_get(runtime(), place.op, &authority, &found), CHY_OK);
    return found;
}

static struct chy_uuid generation(void)
{
    return issuer()->generation_id;
}

static void pass(int64_t time)
{
    chy_clock_manual_advance(test_runtime_clock(place.test), time);
    place_next(&place);
}

static const uint8_t other[16] = {0x7f, 1};

/** What is asked for: a serial of the place's issuing CA, or of nobody's. */
struct wish {
    struct chy_slice serial;
    bool foreign;
    bool with_nonce;
    bool with_extension; /**< one that changes nothing */
    bool twice;
};

static void add_id(struct chy_der_writer *w, const struct wish *wish)
{
    struct chy_slice name;
    struct chy_slice key;
    struct chy_crypto *crypto = runtime()->leaf_crypto;
    struct chy_slice subject = wish->foreign ? chy_text("nobody") : issuer()->path[0].subject;
    ck_assert_int_eq(chy_crypto_digest(crypto, place.op, CHY_DIGEST_SHA1, subject, &name), CHY_OK);
    ck_assert_int_eq(chy_crypto_digest(crypto, place.op, CHY_DIGEST_SHA1,
                                       issuer()->path[0].spki.public_key, &key),
                     CHY_OK);
    uint64_t one = chy_der_open(w, CHY_DER_SEQUENCE);
    uint64_t id = chy_der_open(w, CHY_DER_SEQUENCE);
    uint64_t algorithm = chy_der_open(w, CHY_DER_SEQUENCE);
    chy_der_add_element(w, CHY_DER_OID, chy_oid_contents(CHY_OID_SHA1));
    chy_der_close(w, algorithm);
    chy_der_add_octets(w, name);
    chy_der_add_octets(w, key);
    chy_der_add_magnitude(w, wish->serial);
    chy_der_close(w, id);
    chy_der_close(w, one);
}

static void add_extension(struct chy_der_writer *w, enum chy_oid oid, const char *value)
{
    uint64_t tagged = chy_der_open(w, CHY_DER_CONTEXT_SET(2));
    uint64_t extensions = chy_der_open(w, CHY_DER_SEQUENCE);
    struct chy_ext_mark mark = chy_ext_open(w, oid, false);
    chy_der_add_octets(w, chy_text(value));
    chy_ext_close(w, mark);
    chy_der_close(w, extensions);
    chy_der_close(w, tagged);
}

static struct chy_slice make_request(const struct wish *wish)
{
    struct chy_der_writer w = chy_der_writer_new(place.op, 512, 4096);
    struct chy_slice der;
    uint64_t whole = chy_der_open(&w, CHY_DER_SEQUENCE);
    uint64_t tbs = chy_der_open(&w, CHY_DER_SEQUENCE);
    uint64_t list = chy_der_open(&w, CHY_DER_SEQUENCE);
    for (int i = 0; i < (wish->twice ? 2 : 1); i++) {
        add_id(&w, wish);
    }
    chy_der_close(&w, list);
    if (wish->with_nonce || wish->with_extension) {
        add_extension(&w, wish->with_nonce ? CHY_OID_OCSP_NONCE : CHY_OID_SUBJECT_KEY_ID,
                      "a nonce");
    }
    chy_der_close(&w, tbs);
    chy_der_close(&w, whole);
    ck_assert(chy_der_written(&w, &der));
    return der;
}

static struct chy_ocsp_answer ask_at(struct chy_runtime *node, struct chy_op *op,
                                     const struct wish *wish)
{
    struct chy_ocsp_answer answer;
    struct chy_uuid id = generation();
    chy_status status = chy_ocsp_answer(node, op, &id, make_request(wish), &answer);
    ck_assert_msg(status == CHY_OK, "%s", test_message(op));
    return answer;
}

static struct chy_ocsp_answer ask(struct chy_slice serial)
{
    struct wish wish = {.serial = serial};
    return ask_at(runtime(), place.op, &wish);
}

static bool is_failure(struct chy_ocsp_answer answer, enum chy_ocsp_failure failure)
{
    return chy_slice_equal(answer.der, chy_ocsp_failed(failure));
}

/** What a response says of its one certificate: the status' tag, and the reason. */
struct seen {
    uint8_t tag;
    uint64_t reason;
    struct chy_slice certificate;
};

static void enter(struct chy_der *der, uint8_t tag)
{
    ck_assert(chy_der_enter(der, tag, der));
}

static struct seen look(struct chy_ocsp_answer answer)
{
    struct seen seen = {.reason = 99};
    struct chy_der der = chy_der_of(answer.der);
    struct chy_slice contents;
    uint64_t status;
    enter(&der, CHY_DER_SEQUENCE);
    ck_assert(chy_der_u64_tagged(&der, CHY_DER_ENUMERATED, &status));
    ck_assert_uint_eq(status, 0);
    enter(&der, CHY_DER_CONTEXT_SET(0));
    enter(&der, CHY_DER_SEQUENCE);
    ck_assert(chy_der_oid(&der, &contents) && chy_der_octets(&der, &contents));
    der = chy_der_of(contents);
    enter(&der, CHY_DER_SEQUENCE);
    struct chy_der data;
    ck_assert(chy_der_enter(&der, CHY_DER_SEQUENCE, &data));
    ck_assert(chy_der_take(&data, CHY_DER_CONTEXT_SET(2), &contents));
    ck_assert(chy_der_take(&data, CHY_DER_GENERALIZED_TIME, &contents));
    enter(&data, CHY_DER_SEQUENCE);
    enter(&data, CHY_DER_SEQUENCE);
    ck_assert(chy_der_whole(&data, &contents) && chy_der_any(&data, &seen.tag, &contents));
    struct chy_der info = chy_der_of(contents);
    if (chy_der_take(&info, CHY_DER_GENERALIZED_TIME, &contents) &&
        chy_der_enter(&info, CHY_DER_CONTEXT_SET(0), &info)) {
        ck_assert(chy_der_u64_tagged(&info, CHY_DER_ENUMERATED, &seen.reason));
    }
    ck_assert(chy_der_take(&der, CHY_DER_SEQUENCE, &contents)); // algorithm
    ck_assert(chy_der_bits(&der, &contents));
    enter(&der, CHY_DER_CONTEXT_SET(0));
    enter(&der, CHY_DER_SEQUENCE);
    ck_assert(chy_der_whole(&der, &seen.certificate));
    return seen;
}

#define GOOD CHY_DER_CONTEXT(0)
#define REVOKED CHY_DER_CONTEXT_SET(1)
#define UNKNOWN CHY_DER_CONTEXT(2)

static uint8_t issued_octets[20];

/** issue makes a certificate and gives its serial, which lives on. */
static struct chy_slice issue(void)
{
    struct chy_enroll_answer answer;
    uint64_t len;
    ck_assert_int_eq(place_enroll(&place, place.profile, "a", NULL, &answer), CHY_OK);
    ck_assert(chy_serial_parse(answer.serial_number, issued_octets, &len));
    return chy_slice_of(issued_octets, len);
}

static void revoke(struct chy_slice serial, uint32_t reason, bool lifted)
{
    char text[CHY_SERIAL_TEXT_SIZE];
    struct chy_uuid id = generation();
    struct chy_batch batch;
    chy_serial_text(serial, text);
    struct chy_value key[] = {chy_value_uuid(&id), chy_value_text(chy_text(text))};
    chy_batch_init(&batch, place.op, 0);
    struct chy_write *write =
        chy_batch_upsert(&batch, CHY_C_REVOCATIONS, chy_view_of(key, 2, sizeof key[0]));
    chy_write_set(write, CHY_REVOCATION_SHARD, chy_value_int(1));
    chy_write_set(write, CHY_REVOCATION_REVISION, chy_value_int(1));
    chy_write_set(write, CHY_REVOCATION_REASON, chy_value_int(reason));
    chy_write_set(write, CHY_REVOCATION_REVOKED_AT, chy_value_time(chy_now(place.op)));
    chy_write_set(write, CHY_REVOCATION_NOT_AFTER, chy_value_time(chy_now(place.op)));
    chy_write_set(write, CHY_REVOCATION_LIFTED, chy_value_bool(lifted));
    ck_assert_int_eq(chy_batch_commit(&batch, runtime()->storage, NULL), CHY_OK);
}

START_TEST(tells_the_status)
{
    place_init(&place, 100, "none");
    struct chy_slice serial = issue();
    ck_assert_uint_eq(look(ask(serial)).tag, GOOD);
    ck_assert_uint_eq(look(ask(chy_slice_of(other, sizeof other))).tag, UNKNOWN);
    revoke(serial, CHY_CRL_CERTIFICATE_HOLD, false);
    pass(2 * CHY_US_PER_SECOND);
    struct seen seen = look(ask(serial));
    ck_assert_uint_eq(seen.tag, REVOKED);
    ck_assert_uint_eq(seen.reason, CHY_CRL_CERTIFICATE_HOLD);
    revoke(serial, CHY_CRL_CERTIFICATE_HOLD, true);
    pass(2 * CHY_US_PER_SECOND);
    ck_assert_uint_eq(look(ask(serial)).tag, GOOD);
    revoke(serial, CHY_CRL_UNSPECIFIED, false);
    pass(2 * CHY_US_PER_SECOND);
    seen = look(ask(serial));
    ck_assert_uint_eq(seen.tag, REVOKED);
    ck_assert_uint_eq(seen.reason, 99); // not written
    place_fini(&place);
}
END_TEST

START_TEST(refuses_what_it_cannot_answer)
{
    place_init(&place, 100, "none");
    struct wish foreign = {.serial = issue(), .foreign = true};
    struct chy_uuid id = generation();
    struct chy_uuid nobody = {{9}};
    struct chy_ocsp_answer answer;
    ck_assert(is_failure(ask_at(runtime(), place.op, &foreign), CHY_OCSP_UNAUTHORIZED));
    ck_assert_int_eq(chy_ocsp_answer(runtime(), place.op, &nobody, make_request(&foreign), &answer),
                     CHY_OK);
    ck_assert(is_failure(answer, CHY_OCSP_UNAUTHORIZED));
    ck_assert_int_eq(chy_ocsp_answer(runtime(), place.op, &id, chy_text("x"), &answer), CHY_OK);
    ck_assert(is_failure(answer, CHY_OCSP_MALFORMED_REQUEST));
    ck_assert(!answer.is_shareable);
    place_fini(&place);
}
END_TEST

START_TEST(an_answer_is_given_again)
{
    place_init(&place, 100, "none");
    struct wish wish = {.serial = issue()};
    struct chy_uuid id = generation();
    struct chy_ocsp_answer cached;
    struct chy_ocsp_answer first = ask(wish.serial);
    struct chy_slice kept;
    ck_assert_int_eq(chy_ocsp_cached(runtime(), place.op, &id, make_request(&wish), &cached),
                     CHY_OK);
    ck_assert(chy_slice_equal(cached.der, first.der));
    // What is asked with a nonce is signed each time, and kept for nobody.
    struct wish nonced = {.serial = wish.serial, .with_nonce = true};
    ck_assert(!ask_at(runtime(), place.op, &nonced).is_shareable);
    ck_assert_int_eq(chy_ocsp_cached(runtime(), place.op, &id, make_request(&nonced), &cached),
                     CHY_NOT_FOUND);
    // Storage has to say now and then that it still holds; then it needs no new signature.
    uint8_t copy[4096];
    memcpy(copy, first.der.ptr, (size_t)first.der.len);
    kept = chy_slice_of(copy, first.der.len);
    pass(2 * CHY_US_PER_SECOND);
    ck_assert_int_eq(chy_ocsp_cached(runtime(), place.op, &id, make_request(&wish), &cached),
                     CHY_NOT_FOUND);
    ck_assert(chy_slice_equal(ask(wish.serial).der, kept));
    ck_assert_int_eq(chy_ocsp_cached(runtime(), place.op, &id, make_request(&wish), &cached),
                     CHY_OK);
    // A revocation is seen within a second.
    revoke(wish.serial, CHY_CRL_KEY_COMPROMISE, false);
    ck_assert(chy_slice_equal(ask(wish.serial).der, kept));
    pass(2 * CHY_US_PER_SECOND);
    ck_assert_uint_eq(look(ask(wish.serial)).tag, REVOKED);
    // Half of its life over, it is signed again.
    struct chy_ocsp_answer late = ask(wish.serial);
    int64_t before = late.this_update;
    pass(31 * CHY_US_PER_MINUTE);
    late = ask(wish.serial);
    ck_assert_int_gt(late.this_update, before);
    ck_assert_int_eq(late.next_update - late.this_update, CHY_US_PER_HOUR);
    place_fini(&place);
}
END_TEST

/** Whoever makes a hundred requests of one question gets one answer a hundred times. */
START_TEST(variants_of_a_question_have_one_answer)
{
    place_init(&place, 100, "none");
    struct wish plain = {.serial = issue()};
    struct wish variant = {.serial = plain.serial, .with_extension = true};
    struct wish twice = {.serial = plain.serial, .twice = true};
    struct chy_uuid id = generation();
    struct chy_ocsp_answer cached;
    ck_assert(!chy_slice_equal(make_request(&plain), make_request(&variant)));
    ck_assert_int_eq(chy_ocsp_cached(runtime(), place.op, &id, make_request(&variant), &cached),
                     CHY_NOT_FOUND);
    struct chy_ocsp_answer first = ask_at(runtime(), place.op, &plain);
    ck_assert_int_eq(chy_ocsp_cached(runtime(), place.op, &id, make_request(&variant), &cached),
                     CHY_OK);
    ck_assert(chy_slice_equal(cached.der, first.der));
    ck_assert(chy_slice_equal(ask_at(runtime(), place.op, &variant).der, first.der));
    // Questions about several are too many to keep.
    ck_assert(ask_at(runtime(), place.op, &twice).is_shareable);
    ck_assert_int_eq(chy_ocsp_cached(runtime(), place.op, &id, make_request(&twice), &cached),
                     CHY_NOT_FOUND);
    place_fini(&place);
}
END_TEST

/** Two were asked at once: the first saw a certificate that was good, and signs slowly. */
START_TEST(a_slow_answer_does_not_undo_a_newer)
{
    place_init(&place, 100, "none");
    struct chy_ocsp_answers *answers = chy_ocsp_answers_new();
    struct chy_uuid id = {{1}};
    struct chy_ocsp_kept good = {
        .der = chy_text("good"), .statuses = chy_text("1"), .checked_at = 1};
    struct chy_ocsp_kept revoked = {
        .der = chy_text("revoked"), .statuses = chy_text("2"), .checked_at = 2};
    struct chy_ocsp_kept found;
    ck_assert_ptr_nonnull(answers);
    chy_ocsp_answers_keep(answers, &id, chy_text("certid"), &revoked);
    chy_ocsp_answers_keep(answers, &id, chy_text("certid"), &good);
    ck_assert_int_eq(chy_ocsp_answers_find(answers, place.op, &id, chy_text("certid"), &found),
                     CHY_OK);
    ck_assert(chy_slice_is(found.der, "revoked"));
    ck_assert_int_eq(found.checked_at, 2);
    good.checked_at = 3;
    chy_ocsp_answers_keep(answers, &id, chy_text("certid"), &good);
    ck_assert_int_eq(chy_ocsp_answers_find(answers, place.op, &id, chy_text("certid"), &found),
                     CHY_OK);
    ck_assert(chy_slice_is(found.der, "good"));
    chy_ocsp_answers_free(answers);
    place_fini(&place);
}
END_TEST

/** The entry of what has ended goes once a CRL showed it: then nobody may be told it is good. */
START_TEST(what_has_ended_is_not_good)
{
    place_init(&place, 100, "none");
    struct chy_slice serial = issue();
    ck_assert_uint_eq(look(ask(serial)).tag, GOOD);
    pass(101 * CHY_US_PER_DAY);
    ck_assert_uint_eq(look(ask(serial)).tag, UNKNOWN);
    revoke(serial, CHY_CRL_SUPERSEDED, false);
    ck_assert_uint_eq(look(ask(serial)).tag, REVOKED);
    place_fini(&place);
}
END_TEST

START_TEST(unknown_is_kept_for_nobody)
{
    place_init(&place, 100, "none");
    struct wish wish = {.serial = chy_slice_of(other, sizeof other)};
    struct chy_uuid id = generation();
    struct chy_ocsp_answer answer;
    ck_assert_uint_eq(look(ask(wish.serial)).tag, UNKNOWN);
    ck_assert_int_eq(chy_ocsp_cached(runtime(), place.op, &id, make_request(&wish), &answer),
                     CHY_NOT_FOUND);
    place_fini(&place);
}
END_TEST

START_TEST(signing_has_a_rate)
{
    place_init(&place, 100, "none");
    runtime()->pki.ocsp_signing_rate = 3;
    struct chy_slice serial = issue();
    ck_assert_uint_eq(look(ask(serial)).tag, GOOD);
    for (int i = 0; i < 2; i++) {
        ck_assert_uint_eq(look(ask(chy_slice_of(other, sizeof other))).tag, UNKNOWN);
    }
    ck_assert(is_failure(ask(chy_slice_of(other, sizeof other)), CHY_OCSP_TRY_LATER));
    ck_assert_uint_eq(look(ask(serial)).tag, GOOD); // from memory
    pass(CHY_US_PER_SECOND / 2);
    ck_assert_uint_eq(look(ask(chy_slice_of(other, sizeof other))).tag, UNKNOWN);
    ck_assert(is_failure(ask(chy_slice_of(other, sizeof other)), CHY_OCSP_TRY_LATER));
    place_fini(&place);
}
END_TEST

static uint64_t signers(void)
{
    return test_count(place.test, CHY_C_OCSP_SIGNERS, 0, NULL);
}

START_TEST(a_signer_is_renewed_and_shared)
{
    place_init(&place, 100, "none");
    struct chy_slice serial = issue();
    struct chy_certificate first;
    struct chy_certificate second;
    ck_assert_int_eq(chy_certificate_read(place.op, look(ask(serial)).certificate, &first), CHY_OK);
    ck_assert(first.ocsp_no_check);
    ck_assert_uint_eq(first.ekus.mask, CHY_EKU_OCSP_SIGNING);
    ck_assert_uint_eq(first.key_usage, CHY_KU_DIGITAL_SIGNATURE);
    ck_assert_uint_eq(first.crl_urls.count, 0);
    ck_assert_uint_eq(first.access.ocsp.count, 0);
    ck_assert_uint_eq(signers(), 1);
    // Another node opens what is there.
    struct test_runtime *node = test_runtime_beside(place.test);
    place_arm(node);
    struct chy_op *op = test_runtime_op_as(node, test_runtime_admin());
    struct wish wish = {.serial = serial};
    struct chy_slice theirs = look(ask_at(test_runtime_of(node), op, &wish)).certificate;
    ck_assert(chy_slice_equal(theirs, first.der));
    ck_assert_uint_eq(signers(), 1);
    test_runtime_op_end(op);
    // Half of its life over, whoever asks first makes another: once for both nodes.
    pass(4 * CHY_US_PER_DAY);
    (void)ask(serial);
    ck_assert_uint_eq(signers(), 2);
    pass(CHY_US_PER_HOUR);
    ck_assert_int_eq(chy_certificate_read(place.op, look(ask(serial)).certificate, &second),
                     CHY_OK);
    ck_assert_int_gt(second.not_after, chy_now(place.op) + 6 * CHY_US_PER_DAY);
    op = test_runtime_op_as(node, test_runtime_admin());
    (void)ask_at(test_runtime_of(node), op, &wish);
    theirs = look(ask_at(test_runtime_of(node), op, &wish)).certificate;
    ck_assert_uint_eq(signers(), 2);
    test_runtime_op_end(op);
    place_disarm(node);
    test_runtime_free(node);
    // What has ended goes with the next.
    pass(4 * CHY_US_PER_DAY);
    (void)ask(serial);
    ck_assert_uint_eq(signers(), 2);
    place_fini(&place);
}
END_TEST

/** Nothing would be won by another that ends with its CA as well. */
START_TEST(a_signer_that_ends_with_its_ca_is_the_last)
{
    place_init(&place, 100, "none");
    struct chy_slice serial = issue();
    uint8_t kept[20];
    memcpy(kept, serial.ptr, (size_t)serial.len);
    serial = chy_slice_of(kept, serial.len);
    int64_t left = 3 * CHY_US_PER_DAY;
    pass(issuer()->path[0].not_after - left - chy_now(place.op));
    (void)ask(serial);
    ck_assert_uint_eq(signers(), 1);
    for (int i = 0; i < 5; i++) {
        pass(left / 6);
        (void)ask(serial);
        ck_assert_uint_eq(signers(), 1);
    }
    place_fini(&place);
}
END_TEST

START_TEST(leaves_name_the_responder)
{
    place_init(&place, 100, "none");
    struct chy_enroll_answer answer;
    struct chy_certificate leaf;
    char url[128];
    char text[CHY_UUID_TEXT_SIZE];
    struct chy_uuid id = generation();
    ck_assert_int_eq(place_enroll(&place, place.profile, "a", NULL, &answer), CHY_OK);
    ck_assert_int_eq(chy_certificate_read(place.op, answer.certificate, &leaf), CHY_OK);
    chy_uuid_format(&id, text);
    (void)snprintf(url, sizeof url, "http://pki.example.com/ocsp/%s", text);
    ck_assert_uint_eq(leaf.access.ocsp.count, 1);
    ck_assert(chy_slice_is(leaf.access.ocsp.items[0], url));
    ck_assert_uint_eq(issuer()->path[0].access.ocsp.count, 0);
    place_fini(&place);
}
END_TEST

TEST_MAIN("enroll/ocsp", TEST(tells_the_status), TEST(refuses_what_it_cannot_answer),
          TEST(an_answer_is_given_again), TEST(variants_of_a_question_have_one_answer),
          TEST(a_slow_answer_does_not_undo_a_newer), TEST(what_has_ended_is_not_good),
          TEST(unknown_is_kept_for_nobody), TEST(signing_has_a_rate),
          TEST(a_signer_is_renewed_and_shared), TEST(a_signer_that_ends_with_its_ca_is_the_last),
          TEST(leaves_name_the_responder))
