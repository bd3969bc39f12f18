#include "enroll/crl.h"

#include "base/time.h"
#include "place.h"
#include "resource/collections.h"
#include "test_main.h"
#include "x509/certificate.h"
#include "x509/crl.h"

static struct place place;

/** url_of_shard gives the shard that stands in a certificate's distribution point. */
static int64_t shard_of(const struct chy_enroll_answer *answer)
{
    struct chy_certificate certificate;
    char url[256];
    ck_assert_int_eq(chy_certificate_read(place.op, answer->certificate, &certificate), CHY_OK);
    (void)snprintf(url, sizeof url, "%.*s", (int)certificate.crl_urls.items[0].len,
                   (const char *)certificate.crl_urls.items[0].ptr);
    const char *name = strrchr(url, '/') + 1;
    ck_assert_str_eq(strchr(name, '.'), ".crl");
    return name[0] - '0';
}

static struct chy_uuid generation(void)
{
    struct chy_uuid authority;
    const struct chy_issuer *issuer;
    ck_assert(chy_uuid_parse(chy_text(place.authority), &authority));
    ck_assert_int_eq(chy_issuer_get(test_runtime_of(place.test), place.op, &authority, &issuer),
                     CHY_OK);
    return issuer->generation_id;
}

static struct chy_crl get_crl(int64_t shard)
{
    struct chy_uuid id = generation();
    struct chy_slice der;
    struct chy_crl crl;
    chy_status status = chy_crl_get(test_runtime_of(place.test), place.op, &id, shard, &der);
    ck_assert_msg(status == CHY_OK, "%s", test_message(place.op));
    ck_assert_int_eq(chy_crl_read(place.op, der, &crl), CHY_OK);
    return crl;
}

START_TEST(shards_fill_one_after_another)
{
    struct chy_enroll_answer answer;
    place_init(&place, 3, "none");
    for (int i = 0; i < 7; i++) {
        ck_assert_int_eq(place_enroll(&place, place.profile, "a", NULL, &answer), CHY_OK);
        ck_assert_int_eq(shard_of(&answer), 1 + i / 3);
    }
    ck_assert_uint_eq(get_crl(3).entry_count, 0);
    place_fini(&place);
}
END_TEST

START_TEST(an_empty_crl_is_signed_timely_and_kept)
{
    place_init(&place, 100, "none");
    struct chy_crl first = get_crl(1);
    ck_assert_uint_eq(first.entry_count, 0);
    ck_assert(first.has_point && first.has_number && first.has_next_update);
    ck_assert_int_eq(first.next_update - first.this_update, 7 * CHY_US_PER_DAY);
    chy_clock_manual_advance(test_runtime_clock(place.test), 3 * CHY_US_PER_DAY);
    struct chy_crl same = get_crl(1);
    ck_assert_int_eq(same.this_update, first.this_update);
    chy_clock_manual_advance(test_runtime_clock(place.test), CHY_US_PER_DAY);
    struct chy_crl next = get_crl(1); // half of its life is over
    ck_assert_int_gt(next.this_update, first.this_update);
    ck_assert(memcmp(next.number.ptr, first.number.ptr, (size_t)first.number.len) > 0);
    place_fini(&place);
}
END_TEST

static void revoke(const char *serial, int64_t revision, uint32_t reason)
{
    struct chy_uuid id = generation();
    struct chy_runtime *runtime = test_runtime_of(place.test);
    struct chy_batch batch;
    chy_batch_init(&batch, place.op, 0);
    struct chy_value key[] = {chy_value_uuid(&id), chy_value_text(chy_text(serial))};
    struct chy_write *write =
        chy_batch_insert(&batch, CHY_C_REVOCATIONS, chy_view_of(key, 2, sizeof key[0]));
    chy_write_set(write, CHY_REVOCATION_SHARD, chy_value_int(1));
    chy_write_set(write, CHY_REVOCATION_REVISION, chy_value_int(revision));
    chy_write_set(write, CHY_REVOCATION_REASON, chy_value_int(reason));
    chy_write_set(write, CHY_REVOCATION_REVOKED_AT, chy_value_time(chy_now(place.op)));
    chy_write_set(write, CHY_REVOCATION_NOT_AFTER, chy_value_time(chy_now(place.op)));
    chy_write_set(write, CHY_REVOCATION_LIFTED, chy_value_bool(false));
    struct chy_value shard[] = {chy_value_uuid(&id), chy_value_int(1)};
    write = chy_batch_add(&batch, CHY_C_CRL_SHARDS, chy_view_of(shard, 2, sizeof shard[0]),
                          CHY_SHARD_REVISION, 1);
    chy_write_guard_present(write);
    ck_assert_int_eq(chy_batch_commit(&batch, runtime->storage, NULL), CHY_OK);
}

START_TEST(a_revocation_is_on_the_next_crl)
{
    place_init(&place, 100, "none");
    (void)get_crl(1);
    revoke("7f000000000000000000000000000001", 1, CHY_CRL_KEY_COMPROMISE);
    chy_clock_manual_advance(test_runtime_clock(place.test), 3 * CHY_US_PER_SECOND);
    struct chy_crl crl = get_crl(1);
    struct chy_der entries = chy_der_of(crl.entries);
    struct chy_crl_entry entry;
    ck_assert_uint_eq(crl.entry_count, 1);
    ck_assert(chy_crl_next(&entries, &entry));
    ck_assert_uint_eq(entry.serial.len, 16);
    ck_assert_uint_eq(entry.reason, CHY_CRL_KEY_COMPROMISE);
    place_fini(&place);
}
END_TEST

START_TEST(nodes_agree_on_one_crl)
{
    place_init(&place, 100, "none");
    struct test_runtime *other = test_runtime_beside(place.test);
    place_arm(other);
    struct chy_crl first = get_crl(1);
    struct chy_uuid id = generation();
    struct chy_op *op = test_runtime_op_as(other, test_runtime_admin());
    struct chy_slice der;
    ck_assert_int_eq(chy_crl_get(test_runtime_of(other), op, &id, 1, &der), CHY_OK);
    ck_assert(chy_slice_equal(der, first.der));
    test_runtime_op_end(op);
    place_disarm(other);
    test_runtime_free(other);
    place_fini(&place);
}
END_TEST

START_TEST(what_is_not_there_is_not_found)
{
    place_init(&place, 100, "none");
    struct chy_uuid id = generation();
    struct chy_uuid nobody = {{9}};
    struct chy_slice der;
    struct chy_runtime *runtime = test_runtime_of(place.test);
    ck_assert_int_eq(chy_crl_get(runtime, place.op, &id, 2, &der), CHY_NOT_FOUND);
    ck_assert_int_eq(chy_crl_get(runtime, place.op, &nobody, 1, &der), CHY_NOT_FOUND);
    place_fini(&place);
}
END_TEST

TEST_MAIN("enroll/crl", TEST(shards_fill_one_after_another),
          TEST(an_empty_crl_is_signed_timely_and_kept), TEST(a_revocation_is_on_the_next_crl),
          TEST(nodes_agree_on_one_crl), TEST(what_is_not_there_is_not_found))
