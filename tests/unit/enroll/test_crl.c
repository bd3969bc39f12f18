#include "enroll/crl.h"

#include "base/file.h"
#include "base/time.h"
#include "enroll/crl_build.h"
#include "enroll/crl_folder.h"
#include "enroll/publish.h"
#include "host.h"
#include "place.h"
#include "plugin/view.h"
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

static struct chy_crl get_kind(int64_t shard, enum chy_crl_kind kind)
{
    struct chy_uuid id = generation();
    struct chy_slice der;
    struct chy_crl crl;
    chy_status status = chy_crl_get(test_runtime_of(place.test), place.op, &id, shard, kind, &der);
    ck_assert_msg(status == CHY_OK, "%s", test_message(place.op));
    ck_assert_int_eq(chy_crl_read(place.op, der, &crl), CHY_OK);
    return crl;
}

static struct chy_crl get_crl(int64_t shard)
{
    return get_kind(shard, CHY_CRL_COMPLETE);
}

static void pass(int64_t time)
{
    chy_clock_manual_advance(test_runtime_clock(place.test), time);
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
    pass(3 * CHY_US_PER_DAY);
    struct chy_crl same = get_crl(1);
    ck_assert_int_eq(same.this_update, first.this_update);
    pass(CHY_US_PER_DAY);
    struct chy_crl next = get_crl(1); // half of its life is over
    ck_assert_int_gt(next.this_update, first.this_update);
    ck_assert(memcmp(next.number.ptr, first.number.ptr, (size_t)first.number.len) > 0);
    place_fini(&place);
}
END_TEST

START_TEST(a_crl_of_the_whole_key)
{
    struct chy_enroll_answer answer;
    struct chy_crl_kept kept;
    struct chy_crl crl;
    place_init(&place, 2, "none");
    struct chy_uuid id = generation();
    struct chy_runtime *runtime = test_runtime_of(place.test);
    struct chy_crl first = get_crl(1);
    int64_t end = chy_now(place.op) + 400 * CHY_US_PER_DAY + 7;
    ck_assert_int_eq(chy_crl_make_whole(runtime, place.op, &id, end, &kept), CHY_OK);
    ck_assert_int_eq(chy_crl_read(place.op, kept.der, &crl), CHY_OK);
    ck_assert(!crl.has_point && first.has_point);
    ck_assert_int_eq(crl.next_update, end - end % CHY_US_PER_SECOND);
    ck_assert(memcmp(crl.number.ptr, first.number.ptr, (size_t)crl.number.len) > 0);
    ck_assert_uint_eq(crl.freshest.count, 1);
    runtime->pki.delta_lifetime = 0; // nobody makes deltas: none is named
    ck_assert_int_eq(chy_crl_make_whole(runtime, place.op, &id, end, &kept), CHY_OK);
    ck_assert_int_eq(chy_crl_read(place.op, kept.der, &crl), CHY_OK);
    ck_assert_uint_eq(crl.freshest.count, 0);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(place_enroll(&place, place.profile, "a", NULL, &answer), CHY_OK);
    }
    ck_assert_int_eq(chy_crl_make_whole(runtime, place.op, &id, end, &kept), CHY_BAD_INPUT);
    place_fini(&place);
}
END_TEST

/** enter writes what a revocation, or a hold that ends, leaves in storage, on shard 1. */
static void enter(const char *serial, uint32_t reason, bool lifted, int64_t not_after)
{
    struct chy_uuid id = generation();
    struct chy_runtime *runtime = test_runtime_of(place.test);
    struct chy_value shard[] = {chy_value_uuid(&id), chy_value_int(1)};
    struct chy_storage_row row;
    struct chy_batch batch;
    ck_assert_int_eq(chy_storage_read(runtime->storage, place.op, CHY_C_CRL_SHARDS,
                                      chy_view_of(shard, 2, sizeof shard[0]),
                                      CHY_FIELDS(CHY_SHARD_REVISION), &row),
                     CHY_OK);
    chy_batch_init(&batch, place.op, 0);
    struct chy_value key[] = {chy_value_uuid(&id), chy_value_text(chy_text(serial))};
    struct chy_write *write =
        chy_batch_upsert(&batch, CHY_C_REVOCATIONS, chy_view_of(key, 2, sizeof key[0]));
    chy_write_set(write, CHY_REVOCATION_SHARD, chy_value_int(1));
    chy_write_set(write, CHY_REVOCATION_REVISION, chy_value_int(chy_row_int(&row, 0) + 1));
    chy_write_set(write, CHY_REVOCATION_REASON, chy_value_int(reason));
    chy_write_set(write, CHY_REVOCATION_REVOKED_AT, chy_value_time(chy_now(place.op)));
    chy_write_set(write, CHY_REVOCATION_NOT_AFTER, chy_value_time(not_after));
    chy_write_set(write, CHY_REVOCATION_LIFTED, chy_value_bool(lifted));
    write = chy_batch_add(&batch, CHY_C_CRL_SHARDS, chy_view_of(shard, 2, sizeof shard[0]),
                          CHY_SHARD_REVISION, 1);
    chy_write_guard_present(write);
    ck_assert_int_eq(chy_batch_commit(&batch, runtime->storage, NULL), CHY_OK);
}

static void revoke(const char *serial, uint32_t reason)
{
    enter(serial, reason, false, chy_now(place.op) + CHY_US_PER_DAY);
}

#define SERIAL(digit) "7f00000000000000000000000000000" digit

/** assert_entry wants the one entry of a CRL to be of a serial's last digit and a reason. */
static void assert_entry(const struct chy_crl *crl, uint8_t digit, uint32_t reason)
{
    struct chy_der entries = chy_der_of(crl->entries);
    struct chy_crl_entry entry;
    ck_assert_uint_eq(crl->entry_count, 1);
    ck_assert(chy_crl_next(&entries, &entry));
    ck_assert_uint_eq(entry.serial.len, 16);
    ck_assert_uint_eq(entry.serial.ptr[15], digit);
    ck_assert_uint_eq(entry.reason, reason);
}

START_TEST(a_revocation_is_on_the_next_crl)
{
    place_init(&place, 100, "none");
    (void)get_crl(1);
    revoke(SERIAL("1"), CHY_CRL_KEY_COMPROMISE);
    ck_assert_uint_eq(get_crl(1).entry_count, 0); // not more often than each few seconds
    pass(3 * CHY_US_PER_SECOND);
    struct chy_crl crl = get_crl(1);
    assert_entry(&crl, 1, CHY_CRL_KEY_COMPROMISE);
    place_fini(&place);
}
END_TEST

START_TEST(a_complete_crl_names_its_delta)
{
    place_init(&place, 100, "none");
    struct chy_crl crl = get_crl(1);
    char text[CHY_UUID_TEXT_SIZE];
    char url[256];
    struct chy_uuid id = generation();
    chy_uuid_format(&id, text);
    (void)snprintf(url, sizeof url, "http://pki.example.com/crl/%s/1-delta.crl", text);
    ck_assert_uint_eq(crl.freshest.count, 1);
    ck_assert(chy_slice_is(crl.freshest.items[0], url));
    struct chy_crl delta = get_kind(1, CHY_CRL_DELTA);
    ck_assert(delta.is_delta);
    ck_assert_uint_eq(delta.freshest.count, 0);
    ck_assert(chy_slice_equal(delta.base_number, crl.number));
    // Made at one time, of one state: one number (RFC 5280 5.2.3).
    ck_assert(chy_slice_equal(delta.number, crl.number));
    ck_assert_int_eq(delta.next_update - delta.this_update, CHY_US_PER_DAY);
    ck_assert_uint_eq(delta.point.urls.count, crl.point.urls.count);
    ck_assert(chy_slice_equal(delta.point.urls.items[0], crl.point.urls.items[0]));
    place_fini(&place);
}
END_TEST

START_TEST(a_delta_tells_what_changed_since_its_base)
{
    place_init(&place, 100, "none");
    revoke(SERIAL("1"), CHY_CRL_SUPERSEDED);
    revoke(SERIAL("2"), CHY_CRL_CERTIFICATE_HOLD);
    struct chy_crl base = get_crl(1);
    ck_assert_uint_eq(base.entry_count, 2);
    pass(CHY_US_PER_MINUTE);
    ck_assert_uint_eq(get_kind(1, CHY_CRL_DELTA).entry_count, 0);
    enter(SERIAL("2"), CHY_CRL_CERTIFICATE_HOLD, true, chy_now(place.op) + CHY_US_PER_DAY);
    pass(CHY_US_PER_MINUTE);
    struct chy_crl delta = get_kind(1, CHY_CRL_DELTA);
    assert_entry(&delta, 2, CHY_CRL_REMOVE_FROM_CRL);
    ck_assert(chy_slice_equal(delta.base_number, base.number));
    ck_assert(memcmp(delta.number.ptr, base.number.ptr, (size_t)base.number.len) > 0);
    // The complete CRL moves on; the base stays, for who has it.
    struct chy_crl next = get_crl(1);
    assert_entry(&next, 1, CHY_CRL_SUPERSEDED);
    ck_assert(memcmp(next.number.ptr, base.number.ptr, (size_t)base.number.len) > 0);
    revoke(SERIAL("3"), CHY_CRL_KEY_COMPROMISE);
    pass(CHY_US_PER_MINUTE);
    delta = get_kind(1, CHY_CRL_DELTA);
    ck_assert_uint_eq(delta.entry_count, 2);
    ck_assert(chy_slice_equal(delta.base_number, base.number));
    place_fini(&place);
}
END_TEST

START_TEST(a_base_gets_old)
{
    place_init(&place, 100, "none");
    struct chy_crl base = get_crl(1);
    revoke(SERIAL("1"), CHY_CRL_SUPERSEDED);
    pass(4 * CHY_US_PER_DAY);
    struct chy_crl next = get_crl(1);
    pass(CHY_US_PER_MINUTE);
    struct chy_crl delta = get_kind(1, CHY_CRL_DELTA);
    ck_assert(!chy_slice_equal(delta.base_number, base.number));
    ck_assert(chy_slice_equal(delta.base_number, next.number));
    ck_assert_uint_eq(delta.entry_count, 0);
    place_fini(&place);
}
END_TEST

START_TEST(a_delta_alone_makes_its_base)
{
    place_init(&place, 100, "none");
    revoke(SERIAL("1"), CHY_CRL_SUPERSEDED);
    struct chy_crl delta = get_kind(1, CHY_CRL_DELTA);
    ck_assert_uint_eq(delta.entry_count, 0);
    struct chy_crl base = get_crl(1);
    assert_entry(&base, 1, CHY_CRL_SUPERSEDED);
    ck_assert(chy_slice_equal(delta.base_number, base.number));
    place_fini(&place);
}
END_TEST

static uint64_t refresh(void)
{
    uint64_t built;
    ck_assert_int_eq(chy_crl_refresh(test_runtime_of(place.test), place.op, &built), CHY_OK);
    return built;
}

START_TEST(the_job_builds_what_is_due)
{
    place_init(&place, 100, "none");
    ck_assert_uint_eq(refresh(), 2); // the root's and the issuing CA's
    ck_assert_uint_eq(refresh(), 0);
    (void)get_kind(1, CHY_CRL_DELTA);
    revoke(SERIAL("1"), CHY_CRL_SUPERSEDED);
    pass(CHY_US_PER_MINUTE);
    ck_assert_uint_eq(refresh(), 2); // one shard's complete CRL and its delta
    pass(CHY_US_PER_DAY);
    ck_assert_uint_eq(refresh(), 1); // the delta's life is shorter
    place_fini(&place);
}
END_TEST

static uint64_t clean(void)
{
    uint64_t dropped;
    ck_assert_int_eq(chy_crl_clean(test_runtime_of(place.test), place.op, &dropped), CHY_OK);
    return dropped;
}

START_TEST(an_entry_leaves_after_one_crl_past_its_end)
{
    place_init(&place, 100, "none");
    enter(SERIAL("1"), CHY_CRL_SUPERSEDED, false, chy_now(place.op) + CHY_US_PER_HOUR);
    (void)get_crl(1);
    ck_assert_uint_eq(clean(), 0);
    pass(2 * CHY_US_PER_HOUR);
    ck_assert_uint_eq(clean(), 0); // no CRL past its end has shown it yet
    revoke(SERIAL("2"), CHY_CRL_SUPERSEDED);
    ck_assert_uint_eq(get_crl(1).entry_count, 2);
    ck_assert_uint_eq(clean(), 1);
    ck_assert_uint_eq(clean(), 0);
    revoke(SERIAL("3"), CHY_CRL_SUPERSEDED);
    pass(CHY_US_PER_MINUTE);
    struct chy_crl crl = get_crl(1);
    ck_assert_uint_eq(crl.entry_count, 2);
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
    ck_assert_int_eq(chy_crl_get(test_runtime_of(other), op, &id, 1, CHY_CRL_COMPLETE, &der),
                     CHY_OK);
    ck_assert(chy_slice_equal(der, first.der));
    test_runtime_op_end(op);
    place_disarm(other);
    test_runtime_free(other);
    place_fini(&place);
}
END_TEST

/** lose_key makes the issuing CA's key one that nobody can open. */
static void lose_key(void)
{
    struct chy_uuid id = generation();
    struct chy_batch batch;
    chy_batch_init(&batch, place.op, 0);
    struct chy_write *write =
        chy_batch_update(&batch, CHY_C_GENERATIONS, CHY_KEY(chy_value_uuid(&id)));
    chy_write_set(write, CHY_GENERATION_SEALED_KEY, chy_value_blob(chy_text("nothing")));
    ck_assert_int_eq(chy_batch_commit(&batch, test_runtime_of(place.test)->storage, NULL), CHY_OK);
}

/** A node that starts has none in memory; what is stored is better than none. */
START_TEST(a_stored_crl_is_served_where_none_can_be_built)
{
    place_init(&place, 100, "none");
    struct chy_crl first = get_crl(1);
    struct chy_uuid id = generation();
    struct test_runtime *other = test_runtime_beside(place.test);
    struct chy_slice der;
    lose_key();
    place_arm(other);
    pass(5 * CHY_US_PER_DAY); // it is due
    struct chy_op *op = test_runtime_op_as(other, test_runtime_admin());
    ck_assert_int_eq(chy_crl_get(test_runtime_of(other), op, &id, 1, CHY_CRL_COMPLETE, &der),
                     CHY_OK);
    ck_assert(chy_slice_equal(der, first.der));
    test_runtime_op_end(op);
    pass(3 * CHY_US_PER_DAY); // it has ended
    op = test_runtime_op_as(other, test_runtime_admin());
    ck_assert_int_ne(chy_crl_get(test_runtime_of(other), op, &id, 1, CHY_CRL_COMPLETE, &der),
                     CHY_OK);
    ck_assert_str_eq(test_message(op), "this is not a sealed blob");
    test_runtime_op_end(op);
    place_disarm(other);
    test_runtime_free(other);
    place_fini(&place);
}
END_TEST

static uint64_t write_folder(void)
{
    uint64_t written;
    ck_assert_int_eq(chy_crl_folder_write(test_runtime_of(place.test), place.op, &written), CHY_OK);
    return written;
}

/** Whoever restores a folder puts old CRLs into it, later than the new ones were made. */
START_TEST(a_file_that_others_wrote_is_written_again)
{
    place_init(&place, 100, "none");
    char *folder = conf_temp_dir_new();
    char path[256];
    char text[CHY_UUID_TEXT_SIZE];
    struct chy_uuid id = generation();
    struct chy_slice found;
    test_runtime_of(place.test)->pki.crl_dir = chy_text(folder);
    chy_uuid_format(&id, text);
    (void)snprintf(path, sizeof path, "%s/crl/%s/1.crl", folder, text);
    ck_assert_uint_eq(write_folder(), 6); // two CAs: CRL, delta, certificate
    ck_assert_uint_eq(write_folder(), 0);
    struct chy_crl first = get_crl(1);
    pass(4 * CHY_US_PER_DAY);
    ck_assert_uint_eq(write_folder(), 4);
    ck_assert_uint_eq(write_folder(), 0);
    ck_assert_int_eq(chy_file_write(place.op, path, first.der, 0644), CHY_OK); // newer than all
    ck_assert_uint_eq(write_folder(), 1);
    ck_assert_int_eq(chy_file_read(place.op, path, CHY_CRL_MAX, &found), CHY_OK);
    ck_assert(chy_slice_equal(found, get_crl(1).der));
    conf_temp_dir_remove(folder);
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
    ck_assert_int_eq(chy_crl_get(runtime, place.op, &id, 2, CHY_CRL_DELTA, &der), CHY_NOT_FOUND);
    ck_assert_int_eq(chy_crl_get(runtime, place.op, &nobody, 1, CHY_CRL_COMPLETE, &der),
                     CHY_NOT_FOUND);
    place_fini(&place);
}
END_TEST

START_TEST(a_ca_that_waits_has_no_certificate_to_fetch)
{
    place_init(&place, 100, "none");
    struct chy_runtime *runtime = test_runtime_of(place.test);
    char document[256];
    struct chy_uuid id;
    struct chy_storage_row row;
    (void)snprintf(document, sizeof document,
                   "{\"projectId\":\"%s\",\"name\":\"pending\",\"configuration\":{\"type\":"
                   "\"intermediate\",\"commonName\":\"P\",\"keyAlgorithm\":\"Ed25519\"}}",
                   place.project);
    json_t *made = place_call(&place, "certificate-authorities", "create", NULL, document);
    ck_assert(chy_uuid_parse(chy_text(test_text(made, "id")), &id));
    ck_assert_int_eq(chy_storage_read(runtime->storage, place.op, CHY_C_AUTHORITIES,
                                      CHY_KEY(chy_value_uuid(&id)),
                                      CHY_FIELDS(CHY_AUTHORITY_GENERATION_ID), &row),
                     CHY_OK);
    struct chy_uuid generation_id = chy_row_uuid(&row, 0);
    char text[CHY_UUID_TEXT_SIZE];
    char file[CHY_UUID_TEXT_SIZE + 4];
    chy_uuid_format(&generation_id, text);
    (void)snprintf(file, sizeof file, "%s.cer", text);
    struct chy_pair parameter = {chy_text("file"), chy_text(file)};
    struct chy_http_request request = {.parameters = chy_view_of(&parameter, 1, sizeof parameter)};
    struct chy_http_answer answer;
    struct chy_view routes = chy_publish_routes();
    bool found = false;
    for (uint64_t i = 0; i < routes.count; i++) {
        const struct chy_route *route = chy_view_item(routes, i);
        if (chy_slice_is(route->operation, "fetchCaCertificate")) {
            found = true;
            ck_assert_int_eq(route->handle(runtime, place.op, route, &request, &answer),
                             CHY_NOT_FOUND);
        }
    }
    ck_assert(found);
    place_fini(&place);
}
END_TEST

TEST_MAIN("enroll/crl", TEST(shards_fill_one_after_another), TEST(a_crl_of_the_whole_key),
          TEST(an_empty_crl_is_signed_timely_and_kept), TEST(a_revocation_is_on_the_next_crl),
          TEST(a_complete_crl_names_its_delta), TEST(a_delta_tells_what_changed_since_its_base),
          TEST(a_base_gets_old), TEST(a_delta_alone_makes_its_base),
          TEST(the_job_builds_what_is_due), TEST(an_entry_leaves_after_one_crl_past_its_end),
          TEST(nodes_agree_on_one_crl), TEST(a_stored_crl_is_served_where_none_can_be_built),
          TEST(a_file_that_others_wrote_is_written_again), TEST(what_is_not_there_is_not_found),
          TEST(a_ca_that_waits_has_no_certificate_to_fetch))
