/** Disks that are full, that lose syncs, that cannot be read. */
#include "fault_vfs.h"
#include "main.h"

static void faulty_store(void)
{
    fault_vfs_register();
    store_made();
    insert_things(1, 3);
}

/** forgive ends the instance and starts another: what was unsafe is known again. */
static void forgive(void)
{
    store_reopen(&schema);
}

START_TEST(a_full_disk_says_try_later_and_nothing_is_written)
{
    struct chy_op *op = op_new();
    atomic_store(_i == 0 ? &faults.log_write_full : &faults.log_write_error, true);
    EXPECT(op, insert_one(op, 10), CHY_TRY_LATER);
    ck_assert_uint_eq(thing_revision(10), 0);
    ck_assert_uint_eq(thing_revision(3), 1); // reading goes on
    EXPECT(op, ops->health(self, op), CHY_OK);
    atomic_store(&faults.log_write_full, false);
    atomic_store(&faults.log_write_error, false);
    EXPECT(op, insert_one(op, 10), CHY_OK);
    ck_assert_uint_eq(thing_revision(10), 1);
    forgive();
    ck_assert_uint_eq(count_things(), 4);
    op = op_new();
    EXPECT(op, ops->check(self, op), CHY_OK);
}
END_TEST

START_TEST(a_database_at_its_largest_says_try_later)
{
    store_close();
    add_option("max_size=400k");
    store_made();
    struct chy_op *op = op_new();
    const void *big = conf_must(chy_alloc(op, 50000));
    chy_status status = CHY_OK;
    uint64_t number = 0;
    while (status == CHY_OK && number < 100) {
        struct batch *b = batch_new(op);
        batch_set(b, batch_insert(b, ++number), BODY, bytes_value(CHY_VALUE_BLOB, big, 50000));
        batch_insert(b, 1000 + number);
        status = batch_run(b);
    }
    EXPECT(op, status, CHY_TRY_LATER);
    ck_assert_uint_gt(number, 2);
    ck_assert_uint_eq(count_things(), 2 * (number - 1)); // all or nothing, here too
    struct batch *b = batch_new(op);
    batch_thing(b, CHY_WRITE_DELETE, 1);
    EXPECT(op, batch_run(b), CHY_OK); // room is made
    EXPECT(op, ops->check(self, op), CHY_OK);
}
END_TEST

START_TEST(a_lost_sync_in_a_commit_is_uncertain_and_ends_trust)
{
    struct chy_op *op = op_new();
    atomic_store(&faults.log_sync, true);
    EXPECT(op, insert_one(op, 10), CHY_UNCERTAIN);
    atomic_store(&faults.log_sync, false);
    // A sync that succeeds now proves nothing: the kernel may have dropped the pages.
    EXPECT(op, insert_one(op, 11), CHY_BROKEN);
    struct chy_storage_row row = {0};
    EXPECT(op, thing_get(op, 1, (struct chy_view){NULL, 0, sizeof(uint32_t)}, &row), CHY_BROKEN);
    EXPECT(op, ops->health(self, op), CHY_BROKEN);
    forgive();
    op = op_new();
    EXPECT(op, ops->health(self, op), CHY_OK);
    uint64_t count = count_things();
    ck_assert_uint_ge(count, 3);
    ck_assert_uint_eq(thing_revision(11), 0);
    ck_assert_uint_eq(count, 3 + thing_revision(10)); // it happened or it did not, wholly
    int64_t inserted = counter_value("inserted", 1);
    ck_assert_int_eq(inserted > 0 ? inserted : 0, (int64_t)thing_revision(10));
    EXPECT(op, insert_one(op, 12), CHY_OK);
    EXPECT(op, ops->check(self, op), CHY_OK);
}
END_TEST

START_TEST(a_lost_sync_in_a_checkpoint_ends_trust)
{
    store_close();
    add_option("checkpoint_size=64k");
    store_made();
    atomic_store(&faults.database_sync, true);
    chy_status status = CHY_OK;
    for (uint64_t n = 1; n < 2000 && status == CHY_OK; n++) {
        struct chy_op *op = conf_op_new(instance);
        status = insert_one(op, n);
        conf_op_free(op);
    }
    ck_assert_int_eq(status, CHY_BROKEN);
    atomic_store(&faults.database_sync, false);
    forgive();
    // Nothing that was answered is lost: the log has it.
    ck_assert_int_eq(counter_value("inserted", 1), (int64_t)count_things());
    struct chy_op *op = op_new();
    EXPECT(op, ops->check(self, op), CHY_OK);
}
END_TEST

START_TEST(a_disk_that_cannot_be_read_is_broken)
{
    store_close();
    add_option("reader_cache_size=64k");
    store_made();
    insert_things(1, 3000);
    forgive(); // the log is folded into the database, and nothing is in a cache
    atomic_store(&faults.database_read, true);
    struct chy_op *op = op_new();
    struct chy_storage_find find = find_new();
    struct chy_storage_page page = {.struct_size = sizeof page};
    EXPECT(op, ops->find(self, op, &find, &page), CHY_BROKEN);
    atomic_store(&faults.database_read, false);
    EXPECT(op, ops->find(self, op, &find, &page), CHY_OK);
    ck_assert_uint_eq(page.rows.count, 100);
}
END_TEST

START_TEST(each_commit_is_synced)
{
    long long before = atomic_load(&faults.log_syncs);
    struct chy_op *op = op_new();
    for (uint64_t n = 10; n < 20; n++) {
        EXPECT(op, insert_one(op, n), CHY_OK);
    }
    ck_assert_int_ge(atomic_load(&faults.log_syncs) - before, 10);
}
END_TEST

int main(int argc, char **argv)
{
    TCase *tests = tcase_create("faults");
    tcase_set_timeout(tests, 120);
    tcase_add_checked_fixture(tests, faulty_store, store_close);
    tcase_add_loop_test(tests, a_full_disk_says_try_later_and_nothing_is_written, 0, 2);
    tcase_add_test(tests, a_database_at_its_largest_says_try_later);
    tcase_add_test(tests, a_lost_sync_in_a_commit_is_uncertain_and_ends_trust);
    tcase_add_test(tests, a_lost_sync_in_a_checkpoint_ends_trust);
    tcase_add_test(tests, a_disk_that_cannot_be_read_is_broken);
    tcase_add_test(tests, each_commit_is_synced);
    return run_tests(argc, argv, tests);
}
