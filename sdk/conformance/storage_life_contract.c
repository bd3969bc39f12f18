/** Deadlines, memory, operating, and what outlives an instance. */
#include "storage_fixture.h"

#include <stdlib.h>
#include <sys/stat.h>

START_TEST(a_passed_deadline_says_try_later_and_writes_nothing)
{
    static const uint32_t fields[] = {NAME};
    insert_things(1, 1);
    struct chy_op *op = conf_op_new_until(instance, conf_clock_monotonic() - 1);
    struct batch *b = batch_new(op);
    b->batch.flags = _i == 0 ? 0 : CHY_BATCH_JOINABLE;
    batch_insert(b, 2);
    EXPECT(op, batch_run(b), CHY_TRY_LATER);
    ck_assert_uint_eq(conf_op_error(op).reason, CHY_REASON_TIMEOUT);
    struct chy_storage_row row = {0};
    EXPECT(op, thing_get(op, 1, VIEW(fields), &row), CHY_TRY_LATER);
    struct chy_storage_find find = find_new();
    struct chy_storage_page page = {.struct_size = sizeof page};
    EXPECT(op, ops->find(self, op, &find, &page), CHY_TRY_LATER);
    conf_op_free(op);
    ck_assert_uint_eq(count_things(), 1);
}
END_TEST

START_TEST(a_deadline_that_is_far_changes_nothing)
{
    struct chy_op *op = conf_op_new_until(instance, conf_clock_monotonic() + 3600000000);
    struct batch *b = batch_new(op);
    batch_insert(b, 2);
    EXPECT(op, batch_run(b), CHY_OK);
    conf_op_free(op);
    ck_assert_uint_eq(thing_revision(2), 1);
}
END_TEST

START_TEST(an_operation_without_memory_fails_cleanly)
{
    static const uint32_t fields[] = {NAME, BODY};
    struct batch *b = batch_new(op_new());
    const void *big = conf_must(chy_alloc(b->op, 50000));
    batch_set(b, batch_insert(b, 1), BODY, bytes_value(CHY_VALUE_BLOB, big, 50000));
    EXPECT(b->op, batch_run(b), CHY_OK);
    // Each ceiling lets the operation come a little further.
    for (uint64_t limit = 0; limit < 3000; limit += 40) {
        struct chy_op *op = conf_op_new(instance);
        b = batch_new(op);
        batch_insert(b, 1000 + limit);
        conf_op_limit(op, limit);
        chy_status status = batch_run(b);
        ck_assert_msg(status == CHY_OK || status == CHY_NO_MEMORY, "write: %d", status);
        ck_assert_uint_eq(thing_revision(1000 + limit), status == CHY_OK ? 1 : 0);
        conf_op_free(op);
        op = conf_op_new(instance);
        struct chy_storage_row row = {0};
        struct chy_value key = uuid_value(op, 1);
        const struct chy_storage_get get = {.struct_size = sizeof get,
                                            .collection = THINGS,
                                            .key = ONE(key),
                                            .fields = VIEW(fields)};
        conf_op_limit(op, limit);
        EXPECT(op, ops->get(self, op, &get, &row), CHY_NO_MEMORY);
        conf_op_free(op);
        op = conf_op_new(instance);
        struct chy_storage_find find = find_new();
        struct chy_storage_page page = {.struct_size = sizeof page};
        find.limit = 1;
        find.fields = VIEW(fields);
        conf_op_limit(op, limit);
        EXPECT(op, ops->find(self, op, &find, &page), CHY_NO_MEMORY);
        conf_op_free(op);
    }
    struct chy_op *op = op_new();
    ck_assert_uint_eq(thing_field(op, 1, BODY).bytes.len, 50000);
}
END_TEST

START_TEST(health_and_check_are_well)
{
    insert_things(1, 20);
    struct chy_op *op = op_new();
    EXPECT(op, ops->health(self, op), CHY_OK);
    EXPECT(op, ops->check(self, op), CHY_OK);
}
END_TEST

START_TEST(statistics_count_what_was_done)
{
    struct chy_op *op = op_new();
    struct chy_storage_statistics before = {.struct_size = sizeof before};
    struct chy_storage_statistics after = {.struct_size = sizeof after};
    EXPECT(op, ops->statistics(self, op, &before), CHY_OK);
    for (uint64_t n = 1; n <= 5; n++) {
        insert_things(n, n);
    }
    EXPECT(op, ops->statistics(self, op, &after), CHY_OK);
    ck_assert_uint_eq(after.batches - before.batches, 5);
    ck_assert_uint_ge(after.commits - before.commits, 1);
    ck_assert_uint_le(after.commits - before.commits, 5);
    ck_assert_uint_gt(after.detail.len, 1);
    ck_assert_uint_eq(after.detail.ptr[0], '{');
    ck_assert_uint_eq(after.detail.ptr[after.detail.len - 1], '}');
}
END_TEST

START_TEST(a_new_instance_finds_everything)
{
    struct batch *b = batch_new(op_new());
    struct chy_storage_write *write = batch_insert(b, 1);
    batch_set(b, write, TAGS, many_value(b->op, "b", "a", NULL));
    batch_set(b, write, BODY, bytes_value(CHY_VALUE_BLOB, "\0\1\2", 3));
    batch_add(b, "s", 1, 7);
    EXPECT(b->op, batch_run(b), CHY_OK);
    insert_things(2, 30);
    store_reopen(&schema);
    struct chy_op *op = op_new();
    struct chy_schema_report report = {.struct_size = sizeof report};
    EXPECT(op, ops->verify_schema(self, op, &report), CHY_OK);
    if (is_volatile) {
        ck_assert_uint_eq(report.state, CHY_SCHEMA_EMPTY);
        EXPECT(op, ops->upgrade(self, op), CHY_OK);
        ck_assert_uint_eq(count_things(), 0);
        return;
    }
    ck_assert_uint_eq(report.state, CHY_SCHEMA_CURRENT);
    ck_assert_uint_eq(count_things(), 30);
    ck_assert_int_eq(counter_value("s", 1), 7);
    ck_assert_uint_eq(thing_field(op, 1, TAGS).items.count, 2);
    ck_assert_uint_eq(thing_field(op, 1, BODY).bytes.len, 3);
    insert_things(31, 31);
    ck_assert_uint_eq(count_things(), 31);
}
END_TEST

START_TEST(a_cursor_outlives_the_instance)
{
    insert_things(1, 9);
    struct chy_storage_find find = find_new();
    find.limit = 4;
    uint8_t kept[256];
    struct chy_storage_page page = find_run(op_new(), &find);
    uint64_t len = page.cursor.len;
    ck_assert_uint_le(len, sizeof kept);
    memcpy(kept, page.cursor.ptr, (size_t)len);
    if (is_volatile) {
        return; // there is nothing to read on
    }
    store_reopen(&schema);
    find.cursor = chy_slice_of(kept, len);
    page = find_run(op_new(), &find);
    ck_assert_uint_eq(row_id(&page, 0), 5);
}
END_TEST

START_TEST(a_drained_instance_refuses_what_is_new)
{
    const struct chy_plugin *descriptor = conf_plugin_descriptor(plugin);
    if (descriptor->drain == NULL) {
        return; // it has nothing in hand that could be finished
    }
    insert_things(1, 1);
    struct chy_op *op = op_new();
    EXPECT(op, descriptor->drain(self, op), CHY_OK);
    struct batch *b = batch_new(op);
    batch_insert(b, 2);
    EXPECT(op, batch_run(b), CHY_TRY_LATER);
}
END_TEST

START_TEST(a_backup_is_a_copy_of_its_own)
{
    if (ops->backup == NULL) {
        return;
    }
    insert_things(1, 50);
    char *directory = conf_temp_dir_new();
    char *path = NULL;
    ck_assert_int_gt(asprintf(&path, "%s/copy", directory), 0);
    struct chy_op *op = op_new();
    EXPECT(op, ops->backup(self, op, chy_text(path)), CHY_OK);
    struct stat status;
    ck_assert_int_eq(stat(path, &status), 0);
    ck_assert_uint_eq(status.st_mode & 0777, 0600);
    ck_assert_int_gt((int)status.st_size, 0);
    chy_status again = ops->backup(self, op, chy_text(path));
    ck_assert_int_ne(again, CHY_OK); // the file must not exist
    insert_things(51, 51);
    free(path);
    conf_temp_dir_remove(directory);
}
END_TEST

START_TEST(a_frozen_instance_reads_one_moment)
{
    if (ops->freeze == NULL) {
        return;
    }
    insert_things(1, 20);
    struct chy_op *op = op_new();
    EXPECT(op, ops->freeze(self, op, 1), CHY_OK);
    ck_assert_uint_eq(count_things(), 20);
    insert_things(21, 30);
    ck_assert_uint_eq(count_things(), 20);
    EXPECT(op, ops->freeze(self, op, 0), CHY_OK);
    ck_assert_uint_eq(count_things(), 30);
    EXPECT(op, ops->freeze(self, op, 0), CHY_OK); // once more changes nothing
}
END_TEST

TCase *storage_life_tests(void)
{
    TCase *tests = tcase_create("life");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, store_made, store_close);
    tcase_add_loop_test(tests, a_passed_deadline_says_try_later_and_writes_nothing, 0, 2);
    tcase_add_test(tests, a_deadline_that_is_far_changes_nothing);
    tcase_add_test(tests, an_operation_without_memory_fails_cleanly);
    tcase_add_test(tests, health_and_check_are_well);
    tcase_add_test(tests, statistics_count_what_was_done);
    tcase_add_test(tests, a_new_instance_finds_everything);
    tcase_add_test(tests, a_cursor_outlives_the_instance);
    tcase_add_test(tests, a_drained_instance_refuses_what_is_new);
    tcase_add_test(tests, a_backup_is_a_copy_of_its_own);
    tcase_add_test(tests, a_frozen_instance_reads_one_moment);
    return tests;
}
