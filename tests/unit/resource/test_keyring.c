#include "resource/keyring.h"

#include "base/time.h"
#include "resource/collections.h"
#include "test_main.h"
#include "test_runtime.h"

static const struct chy_uuid row_id = {{1, 1}};
static const struct chy_uuid other_row = {{1, 2}};
static const struct chy_uuid project = {{2, 1}};
static const struct chy_uuid other_project = {{2, 2}};
static const uint8_t spki_hash[32] = {5};
static const uint8_t other_hash[32] = {6};

static struct chy_sealed_place usual_place(void)
{
    return (struct chy_sealed_place){
        .purpose = "leaf-key",
        .collection = "certificates",
        .field = "sealed_key",
        .row_id = &row_id,
        .project_id = &project,
        .spki_sha256 = {spki_hash, sizeof spki_hash},
        .exportable = true,
    };
}

/** One thing of a place that is another. */
static const struct moved_case {
    const char *what;
    const char *purpose;
    const char *collection;
    const char *field;
    const struct chy_uuid *row_id;
    const struct chy_uuid *project_id;
    const uint8_t *hash;
    bool not_exportable;
} moved_cases[] = {
    {"nothing", NULL, NULL, NULL, NULL, NULL, NULL, false},
    {"purpose", "ca-key", NULL, NULL, NULL, NULL, NULL, false},
    {"collection", NULL, "generations", NULL, NULL, NULL, NULL, false},
    {"field", NULL, NULL, "der", NULL, NULL, NULL, false},
    {"row", NULL, NULL, NULL, &other_row, NULL, NULL, false},
    {"project", NULL, NULL, NULL, NULL, &other_project, NULL, false},
    {"public key", NULL, NULL, NULL, NULL, NULL, other_hash, false},
    {"exportability", NULL, NULL, NULL, NULL, NULL, NULL, true},
};

static struct chy_sealed_place moved_place(const struct moved_case *c)
{
    struct chy_sealed_place place = usual_place();
    place.purpose = c->purpose == NULL ? place.purpose : c->purpose;
    place.collection = c->collection == NULL ? place.collection : c->collection;
    place.field = c->field == NULL ? place.field : c->field;
    place.row_id = c->row_id == NULL ? place.row_id : c->row_id;
    place.project_id = c->project_id == NULL ? place.project_id : c->project_id;
    place.spki_sha256.ptr = c->hash == NULL ? place.spki_sha256.ptr : c->hash;
    place.exportable = !c->not_exportable;
    return place;
}

START_TEST(a_secret_opens_in_its_own_place_only)
{
    const struct moved_case *c = &moved_cases[_i];
    struct chy_sealed_place place = usual_place();
    struct chy_sealed_place moved = moved_place(c);
    struct chy_slice sealed;
    struct chy_slice opened = {NULL, 0};
    struct chy_uuid data_key;
    struct test_runtime *test = test_runtime_new(NULL, 0);
    struct chy_keyring *keyring = test_runtime_of(test)->keyring;
    struct chy_op *op = test_runtime_op(test);
    ck_assert_int_eq(
        chy_keyring_seal(keyring, op, &place, chy_text("open sesame"), &sealed, &data_key), CHY_OK);
    ck_assert_ptr_null(memmem(sealed.ptr, (size_t)sealed.len, "sesame", 6));
    chy_status status = chy_keyring_open_secret(keyring, op, &moved, &data_key, sealed, &opened);
    if (_i == 0) {
        ck_assert_int_eq(status, CHY_OK);
        ck_assert(chy_slice_is(opened, "open sesame"));
    } else {
        ck_assert_msg(status == CHY_BAD_INPUT, "another %s: %d", c->what, status);
        ck_assert_uint_eq(test_reason(op), CHY_REASON_CRYPTO);
        ck_assert_ptr_null(opened.ptr);
    }
    test_runtime_op_end(op);
    test_runtime_free(test);
}
END_TEST

static void make_key(struct test_runtime *test, struct chy_op *op, uint32_t flags,
                     struct chy_crypto_key *out_key)
{
    struct chy_key_template wanted = {
        .struct_size = sizeof wanted, .algorithm = CHY_KEY_EC_P256, .flags = flags};
    ck_assert_int_eq(chy_crypto_generate(test_runtime_of(test)->leaf_crypto, op, &wanted, out_key),
                     CHY_OK);
}

START_TEST(a_key_opens_in_its_own_place_only)
{
    const struct moved_case *c = &moved_cases[_i];
    struct chy_sealed_place place = usual_place();
    struct chy_sealed_place moved = moved_place(c);
    struct chy_slice sealed;
    struct chy_uuid data_key;
    struct test_runtime *test = test_runtime_new(NULL, 0);
    struct chy_runtime *runtime = test_runtime_of(test);
    struct chy_op *op = test_runtime_op(test);
    struct chy_crypto_key key = {NULL, NULL};
    struct chy_crypto_key opened = {NULL, NULL};
    make_key(test, op, CHY_KEY_EXPORTABLE, &key);
    ck_assert_int_eq(chy_keyring_seal_key(runtime->keyring, op, &place, &key, &sealed, &data_key),
                     CHY_OK);
    chy_status status = chy_keyring_open_key(runtime->keyring, op, &moved, runtime->leaf_crypto,
                                             &data_key, sealed, &opened);
    if (_i == 0) {
        struct chy_slice before;
        struct chy_slice after;
        ck_assert_int_eq(status, CHY_OK);
        ck_assert_int_eq(chy_crypto_public_key(&key, op, &before), CHY_OK);
        ck_assert_int_eq(chy_crypto_public_key(&opened, op, &after), CHY_OK);
        ck_assert(chy_slice_equal(before, after));
    } else {
        ck_assert_msg(status == CHY_BAD_INPUT, "another %s: %d", c->what, status);
        ck_assert_ptr_null(opened.key);
    }
    chy_crypto_key_release(&key);
    chy_crypto_key_release(&opened);
    test_runtime_op_end(op);
    test_runtime_free(test);
}
END_TEST

START_TEST(blobs_swapped_between_rows_are_refused)
{
    struct chy_sealed_place first = usual_place();
    struct chy_sealed_place second = usual_place();
    struct chy_slice sealed[2];
    struct chy_slice opened;
    struct chy_uuid data_keys[2];
    second.row_id = &other_row;
    struct test_runtime *test = test_runtime_new(NULL, 0);
    struct chy_keyring *keyring = test_runtime_of(test)->keyring;
    struct chy_op *op = test_runtime_op(test);
    ck_assert_int_eq(
        chy_keyring_seal(keyring, op, &first, chy_text("one"), &sealed[0], &data_keys[0]), CHY_OK);
    ck_assert_int_eq(
        chy_keyring_seal(keyring, op, &second, chy_text("two"), &sealed[1], &data_keys[1]), CHY_OK);
    ck_assert_int_eq(chy_uuid_compare(&data_keys[0], &data_keys[1]), 0);
    ck_assert_int_eq(
        chy_keyring_open_secret(keyring, op, &first, &data_keys[0], sealed[1], &opened),
        CHY_BAD_INPUT);
    ck_assert_int_eq(
        chy_keyring_open_secret(keyring, op, &second, &data_keys[1], sealed[0], &opened),
        CHY_BAD_INPUT);
    ck_assert_int_eq(
        chy_keyring_open_secret(keyring, op, &first, &data_keys[0], sealed[0], &opened), CHY_OK);
    test_runtime_op_end(op);
    test_runtime_free(test);
}
END_TEST

START_TEST(each_project_and_month_has_a_data_key_of_its_own)
{
    struct chy_sealed_place place = usual_place();
    struct chy_slice old;
    struct chy_slice sealed;
    struct chy_slice opened;
    struct chy_uuid first;
    struct chy_uuid other;
    struct test_runtime *test = test_runtime_new(NULL, 0);
    struct test_runtime *beside = test_runtime_beside(test);
    struct chy_keyring *keyring = test_runtime_of(test)->keyring;
    struct chy_op *op = test_runtime_op(test);
    ck_assert_int_eq(chy_keyring_seal(keyring, op, &place, chy_text("a"), &old, &first), CHY_OK);
    ck_assert_int_eq(chy_keyring_seal(test_runtime_of(beside)->keyring, op, &place, chy_text("a"),
                                      &sealed, &other),
                     CHY_OK);
    ck_assert_int_eq(chy_uuid_compare(&first, &other), 0);
    ck_assert(!chy_slice_equal(old, sealed));
    place.project_id = &other_project;
    ck_assert_int_eq(chy_keyring_seal(keyring, op, &place, chy_text("a"), &sealed, &other), CHY_OK);
    ck_assert_int_ne(chy_uuid_compare(&first, &other), 0);
    chy_clock_manual_advance(test_runtime_clock(test), 31 * CHY_US_PER_DAY);
    place.project_id = &project;
    ck_assert_int_eq(chy_keyring_seal(keyring, op, &place, chy_text("b"), &sealed, &other), CHY_OK);
    ck_assert_int_ne(chy_uuid_compare(&first, &other), 0);
    ck_assert_int_eq(chy_keyring_open_secret(keyring, op, &place, &first, old, &opened), CHY_OK);
    ck_assert(chy_slice_is(opened, "a"));
    ck_assert_int_eq(chy_keyring_open_secret(keyring, op, &place, &other, old, &opened),
                     CHY_BAD_INPUT);
    test_runtime_op_end(op);
    test_runtime_free(beside);
    test_runtime_free(test);
}
END_TEST

START_TEST(the_wrong_master_key_is_refused_by_its_id)
{
    uint8_t wrong[CHY_KEK_LEN] = {9};
    struct chy_keyring *keyring = NULL;
    struct test_runtime *test = test_runtime_new(NULL, 0);
    struct chy_runtime *runtime = test_runtime_of(test);
    struct chy_op *op = test_runtime_op(test);
    char right_id[32] = "";
    struct chy_kek_id id = chy_keks_current(chy_keyring_keks(runtime->keyring));
    ck_assert_uint_eq(strlen(id.text), 16);
    memcpy(right_id, id.text, sizeof id.text);
    for (int establish = 0; establish < 2; establish++) { // init replaces none either
        ck_assert_int_eq(chy_keyring_open(runtime, op, chy_slice_of(wrong, sizeof wrong),
                                          establish != 0, &keyring),
                         CHY_DENIED);
        ck_assert_ptr_nonnull(strstr(test_message(op), right_id));
    }
    ck_assert_int_eq(chy_keyring_open(runtime, op, chy_slice_of(wrong, 31), false, &keyring),
                     CHY_BAD_INPUT);
    ck_assert_ptr_null(keyring);
    ck_assert_int_eq(chy_keyring_open(runtime, op, test_runtime_kek(), false, &keyring), CHY_OK);
    chy_keyring_close(keyring);
    test_runtime_op_end(op);
    test_runtime_free(test);
}
END_TEST

START_TEST(a_database_without_a_master_key_is_told_so)
{
    struct chy_keyring *keyring = NULL;
    struct test_runtime *test = test_runtime_new(NULL, 0);
    struct chy_runtime *runtime = test_runtime_of(test);
    struct chy_op *op = test_runtime_op(test);
    struct chy_batch batch;
    chy_batch_init(&batch, op, 0);
    (void)chy_batch_delete(&batch, CHY_C_SETTINGS, CHY_KEY(chy_value_text(chy_text("kek"))));
    ck_assert_int_eq(chy_batch_commit(&batch, runtime->storage, NULL), CHY_OK);
    ck_assert_int_eq(chy_keyring_open(runtime, op, test_runtime_kek(), false, &keyring),
                     CHY_DENIED);
    ck_assert_ptr_null(keyring);
    test_runtime_op_end(op);
    test_runtime_free(test);
}
END_TEST

START_TEST(purposes_have_macs_of_their_own)
{
    struct chy_slice macs[CHY_MAC_COUNT];
    struct chy_slice again;
    struct test_runtime *test = test_runtime_new(NULL, 0);
    struct chy_keyring *keyring = test_runtime_of(test)->keyring;
    struct chy_op *op = test_runtime_op(test);
    for (int i = 0; i < CHY_MAC_COUNT; i++) {
        ck_assert_int_eq(
            chy_keyring_mac(keyring, op, (enum chy_mac_purpose)i, chy_text("m"), &macs[i]), CHY_OK);
        ck_assert_uint_eq(macs[i].len, 32);
        for (int k = 0; k < i; k++) {
            ck_assert(!chy_slice_equal(macs[i], macs[k]));
        }
    }
    ck_assert_int_eq(chy_keyring_mac(keyring, op, CHY_MAC_TOKEN, chy_text("m"), &again), CHY_OK);
    ck_assert(chy_slice_equal(again, macs[CHY_MAC_TOKEN]));
    test_runtime_op_end(op);
    test_runtime_free(test);
}
END_TEST

START_TEST(a_mac_root_that_was_carried_away_gives_the_same_macs)
{
    struct chy_slice id;
    struct chy_slice sealed;
    struct chy_slice root;
    struct chy_slice here;
    struct chy_slice there;
    static const uint8_t other[CHY_KEK_LEN] = {1};
    struct test_runtime *test = test_runtime_new(NULL, 0);
    struct chy_runtime *runtime = test_runtime_of(test);
    struct chy_crypto *crypto = runtime->seal_crypto;
    struct chy_op *op = test_runtime_op(test);
    struct chy_keks *keks = chy_keyring_keks(runtime->keyring);
    ck_assert_int_eq(chy_keks_sealed_mac_root(keks, op, &id, &sealed), CHY_OK);
    ck_assert(chy_slice_is(id, chy_keks_current(keks).text));
    ck_assert_int_eq(chy_kek_open_mac_root(crypto, op, test_runtime_kek(), sealed, &root), CHY_OK);
    ck_assert_int_eq(
        chy_keyring_mac_of_root(crypto, op, root, CHY_MAC_BACKUP, chy_text("m"), &there), CHY_OK);
    ck_assert_int_eq(chy_keyring_mac(runtime->keyring, op, CHY_MAC_BACKUP, chy_text("m"), &here),
                     CHY_OK);
    ck_assert(chy_slice_equal(here, there));
    ck_assert_int_eq(
        chy_kek_open_mac_root(crypto, op, chy_slice_of(other, sizeof other), sealed, &root),
        CHY_BAD_INPUT);
    test_runtime_op_end(op);
    test_runtime_free(test);
}
END_TEST

/* ------------------------------------------------------------------------------------------------
 * Another master key
 */

#define PROJECTS 40 // more data keys than one batch seals again

static struct chy_slice new_kek(void)
{
    static const uint8_t kek[CHY_KEK_LEN] = {4, 2};
    return chy_slice_of(kek, sizeof kek);
}

/** What is sealed and MACed before the rotation, and must open and hold after it. */
struct made {
    struct chy_uuid projects[PROJECTS];
    struct chy_slice sealed[PROJECTS];
    struct chy_uuid data_keys[PROJECTS];
    struct chy_slice mac;
};

static struct chy_sealed_place place_in(const struct chy_uuid *owner)
{
    struct chy_sealed_place place = usual_place();
    place.project_id = owner;
    return place;
}

static void make_all(struct chy_keyring *keyring, struct chy_op *op, struct made *made)
{
    for (int i = 0; i < PROJECTS; i++) {
        made->projects[i] = (struct chy_uuid){{9, (uint8_t)i}};
        struct chy_sealed_place place = place_in(&made->projects[i]);
        ck_assert_int_eq(chy_keyring_seal(keyring, op, &place, chy_text("kept"), &made->sealed[i],
                                          &made->data_keys[i]),
                         CHY_OK);
    }
    ck_assert_int_eq(chy_keyring_mac(keyring, op, CHY_MAC_AUDIT, chy_text("m"), &made->mac),
                     CHY_OK);
}

static void all_is_kept(struct chy_runtime *runtime, struct chy_op *op, const struct made *made)
{
    struct chy_slice mac;
    chy_cache_forget(runtime->cache);
    for (int i = 0; i < PROJECTS; i++) {
        struct chy_slice opened = {NULL, 0};
        struct chy_sealed_place place = place_in(&made->projects[i]);
        ck_assert_int_eq(chy_keyring_open_secret(runtime->keyring, op, &place, &made->data_keys[i],
                                                 made->sealed[i], &opened),
                         CHY_OK);
        ck_assert(chy_slice_is(opened, "kept"));
    }
    ck_assert_int_eq(chy_keyring_mac(runtime->keyring, op, CHY_MAC_AUDIT, chy_text("m"), &mac),
                     CHY_OK);
    ck_assert(chy_slice_equal(mac, made->mac));
}

/** with_kek looks at everything through a process that is started with `kek`. */
static void with_kek(struct test_runtime *test, struct chy_slice kek, const struct made *made)
{
    struct chy_runtime *runtime = test_runtime_of(test);
    struct chy_keyring *own = runtime->keyring;
    struct chy_op *op = test_runtime_op(test);
    ck_assert_int_eq(chy_keyring_open(runtime, op, kek, false, &runtime->keyring), CHY_OK);
    all_is_kept(runtime, op, made);
    test_runtime_op_end(op);
    chy_cache_forget(runtime->cache);
    chy_keyring_close(runtime->keyring);
    runtime->keyring = own;
}

START_TEST(a_rotation_may_end_anywhere_and_go_on)
{
    struct made made;
    uint64_t done;
    struct chy_data_key_counts counts;
    struct test_runtime *test = test_runtime_new(NULL, 0);
    struct test_runtime *beside = test_runtime_beside(test); // runs through all of it
    struct chy_keyring *keyring = test_runtime_of(test)->keyring;
    struct chy_op *op = test_runtime_op(test);
    make_all(keyring, op, &made);
    struct chy_keks *keks = chy_keyring_keks(keyring);
    ck_assert_int_eq(chy_kek_rotation_begin(keks, op, test_runtime_kek(), new_kek()), CHY_OK);
    for (uint64_t batches = 0; batches < 4; batches++) { // each time one batch more, as after kills
        ck_assert_int_eq(chy_keyring_rewrap(keyring, op, batches, &done), CHY_OK);
        with_kek(test, test_runtime_kek(), &made);
        with_kek(test, new_kek(), &made);
        all_is_kept(test_runtime_of(beside), op, &made);
        ck_assert_int_eq(chy_kek_rotation_begin(keks, op, test_runtime_kek(), new_kek()), CHY_OK);
    }
    ck_assert_int_eq(chy_keyring_rewrap(keyring, op, UINT64_MAX, &done), CHY_OK);
    ck_assert_uint_eq(done, 0);
    ck_assert_int_eq(chy_keyring_count(keyring, op, true, &counts), CHY_OK);
    ck_assert_uint_eq(counts.total, PROJECTS);
    ck_assert_uint_eq(counts.closed, 0);
    ck_assert_uint_eq(counts.kek_count, 1);
    test_runtime_op_end(op);
    test_runtime_free(beside);
    test_runtime_free(test);
}
END_TEST

START_TEST(after_the_end_only_the_new_master_key_opens)
{
    struct made made;
    uint64_t done;
    struct test_runtime *test = test_runtime_new(NULL, 0);
    struct chy_runtime *runtime = test_runtime_of(test);
    struct chy_keks *keks = chy_keyring_keks(runtime->keyring);
    struct chy_keyring *refused = NULL;
    struct chy_op *op = test_runtime_op(test);
    make_all(runtime->keyring, op, &made);
    ck_assert_int_eq(chy_kek_rotation_begin(keks, op, test_runtime_kek(), new_kek()), CHY_OK);
    ck_assert_int_eq(chy_kek_rotation_begin(keks, op, new_kek(),
                                            chy_text("01234567890123456789"
                                                     "012345678901")),
                     CHY_BAD_INPUT); // one at a time
    ck_assert_int_eq(chy_keyring_rewrap(runtime->keyring, op, UINT64_MAX, &done), CHY_OK);
    ck_assert_uint_eq(done, PROJECTS);
    ck_assert_int_eq(chy_kek_rotation_finish(keks, op), CHY_OK);
    ck_assert_int_eq(chy_keyring_open(runtime, op, test_runtime_kek(), false, &refused),
                     CHY_DENIED);
    ck_assert_ptr_nonnull(strstr(test_message(op), chy_keks_current(keks).text));
    with_kek(test, new_kek(), &made);
    ck_assert_int_eq(chy_kek_rotation_begin(keks, op, new_kek(), new_kek()), CHY_BAD_INPUT);
    test_runtime_op_end(op);
    test_runtime_free(test);
}
END_TEST

START_TEST(a_running_process_seals_by_the_new_master_key)
{
    struct chy_slice sealed;
    struct chy_uuid data_key;
    struct chy_uuid owner = {{77}};
    struct chy_sealed_place place = place_in(&owner);
    struct test_runtime *test = test_runtime_new(NULL, 0);
    struct test_runtime *beside = test_runtime_beside(test);
    struct chy_keyring *running = test_runtime_of(beside)->keyring;
    struct chy_op *op = test_runtime_op(test);
    ck_assert_int_eq(chy_kek_rotation_begin(chy_keyring_keks(test_runtime_of(test)->keyring), op,
                                            test_runtime_kek(), new_kek()),
                     CHY_OK);
    ck_assert_int_eq(chy_keyring_seal(running, op, &place, chy_text("s"), &sealed, &data_key),
                     CHY_OK);
    struct chy_kek_id now = chy_keks_current(chy_keyring_keks(running));
    ck_assert_uint_eq(test_count(test, CHY_C_DATA_KEYS, CHY_DATA_KEY_KEK_ID, now.text), 1);
    ck_assert_str_ne(now.text, chy_keks_configured(chy_keyring_keks(running)).text);
    test_runtime_op_end(op);
    test_runtime_free(beside);
    test_runtime_free(test);
}
END_TEST

START_TEST(what_belongs_to_the_instance_is_sealed_too)
{
    struct chy_slice sealed;
    struct chy_slice opened = {NULL, 0};
    struct chy_uuid data_key;
    struct chy_uuid again;
    struct chy_crypto_key key;
    struct chy_sealed_place place = usual_place();
    struct test_runtime *test = test_runtime_new(NULL, 0);
    struct chy_keyring *keyring = test_runtime_of(test)->keyring;
    struct chy_op *op = test_runtime_op(test);
    place.project_id = NULL;
    ck_assert_int_eq(chy_keyring_seal(keyring, op, &place, chy_text("s"), &sealed, &data_key),
                     CHY_OK);
    ck_assert_int_eq(chy_keyring_open_secret(keyring, op, &place, &data_key, sealed, &opened),
                     CHY_OK);
    ck_assert_int_eq(chy_keyring_instance_key(keyring, op, NULL, &again, &key), CHY_OK);
    ck_assert_int_eq(chy_uuid_compare(&again, &data_key), 0);
    test_runtime_op_end(op);
    test_runtime_free(test);
}
END_TEST

TEST_MAIN("resource keyring", TEST_EACH(a_secret_opens_in_its_own_place_only, moved_cases),
          TEST_EACH(a_key_opens_in_its_own_place_only, moved_cases),
          TEST(blobs_swapped_between_rows_are_refused),
          TEST(each_project_and_month_has_a_data_key_of_its_own),
          TEST(the_wrong_master_key_is_refused_by_its_id),
          TEST(a_database_without_a_master_key_is_told_so), TEST(purposes_have_macs_of_their_own),
          TEST(a_mac_root_that_was_carried_away_gives_the_same_macs),
          TEST(a_rotation_may_end_anywhere_and_go_on),
          TEST(after_the_end_only_the_new_master_key_opens),
          TEST(a_running_process_seals_by_the_new_master_key),
          TEST(what_belongs_to_the_instance_is_sealed_too))
