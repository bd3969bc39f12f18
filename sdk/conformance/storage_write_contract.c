/** write: every kind, and that a batch is all or nothing. */
#include "storage_fixture.h"

static struct batch *fresh(void)
{
    return batch_new(op_new());
}

static void expect_conflict(struct batch *b, uint32_t failed_write, const char *failed_index)
{
    EXPECT(b->op, batch_run(b), CHY_CONFLICT);
    ck_assert_uint_eq(b->outcome.failed_write, failed_write);
    ck_assert_msg(chy_slice_is(b->outcome.failed_index, failed_index), "the index is '%.*s'",
                  (int)b->outcome.failed_index.len, (const char *)b->outcome.failed_index.ptr);
}

START_TEST(insert_makes_revision_one)
{
    struct batch *b = fresh();
    batch_insert(b, 1);
    EXPECT(b->op, batch_run(b), CHY_OK);
    ck_assert_uint_eq(b->outcome.failed_write, CHY_NO_WRITE);
    ck_assert_uint_eq(b->outcome.failed_index.len, 0);
    ck_assert_uint_eq(b->outcome.results.count, 1);
    ck_assert_uint_eq(batch_result(b, 0)->revision, 1);
    ck_assert_int_eq(batch_result(b, 0)->number, 0);
    ck_assert_uint_eq(thing_revision(1), 1);
}
END_TEST

START_TEST(insert_conflicts_with_the_same_key_and_changes_nothing)
{
    insert_things(1, 1);
    struct batch *b = fresh();
    batch_set(b, batch_insert(b, 1), NAME, text_value("other"));
    expect_conflict(b, 0, "");
    struct chy_op *op = op_new();
    ck_assert(chy_slice_is(thing_field(op, 1, NAME).bytes, "thing-000001"));
    ck_assert_uint_eq(thing_revision(1), 1);
}
END_TEST

START_TEST(an_incomplete_row_is_refused)
{
    struct batch *b = fresh();
    batch_insert(b, 1)->fields.count--;
    EXPECT(b->op, batch_run(b), CHY_BAD_INPUT);
    b = fresh();
    batch_insert(b, 1)->fields.count--;
    b->writes[0].kind = CHY_WRITE_UPSERT;
    EXPECT(b->op, batch_run(b), CHY_BAD_INPUT);
    ck_assert_uint_eq(count_things(), 0);
}
END_TEST

START_TEST(update_sets_the_fields_given_and_no_other)
{
    insert_things(1, 1);
    struct batch *b = fresh();
    struct chy_storage_write *write = batch_thing(b, CHY_WRITE_UPDATE, 1);
    batch_set(b, write, NOTE, text_value("new"));
    batch_set(b, write, SIZE, int_value(99));
    EXPECT(b->op, batch_run(b), CHY_OK);
    ck_assert_uint_eq(batch_result(b, 0)->revision, 2);
    struct chy_op *op = op_new();
    ck_assert(chy_slice_is(thing_field(op, 1, NOTE).bytes, "new"));
    ck_assert_int_eq(thing_field(op, 1, SIZE).number, 99);
    ck_assert(chy_slice_is(thing_field(op, 1, NAME).bytes, "thing-000001"));
    b = fresh();
    batch_set(b, batch_thing(b, CHY_WRITE_UPDATE, 1), NOTE, null_value());
    EXPECT(b->op, batch_run(b), CHY_OK);
    ck_assert_uint_eq(thing_field(op, 1, NOTE).type, CHY_VALUE_NULL);
    ck_assert_uint_eq(thing_revision(1), 3);
}
END_TEST

START_TEST(update_conflicts_when_the_row_is_not_there)
{
    struct batch *b = fresh();
    batch_set(b, batch_thing(b, CHY_WRITE_UPDATE, 1), SIZE, int_value(1));
    expect_conflict(b, 0, "");
    ck_assert_uint_eq(count_things(), 0);
}
END_TEST

START_TEST(upsert_inserts_or_sets)
{
    struct batch *b = fresh();
    batch_insert(b, 1)->kind = CHY_WRITE_UPSERT;
    EXPECT(b->op, batch_run(b), CHY_OK);
    ck_assert_uint_eq(batch_result(b, 0)->revision, 1);
    b = fresh();
    batch_set(b, batch_thing(b, CHY_WRITE_UPDATE, 1), NOTE, text_value("kept"));
    EXPECT(b->op, batch_run(b), CHY_OK);
    b = fresh();
    batch_set(b, batch_insert(b, 1), SIZE, int_value(5));
    b->writes[0].kind = CHY_WRITE_UPSERT;
    EXPECT(b->op, batch_run(b), CHY_OK);
    ck_assert_uint_eq(batch_result(b, 0)->revision, 3);
    struct chy_op *op = op_new();
    ck_assert_int_eq(thing_field(op, 1, SIZE).number, 5);
    ck_assert(chy_slice_is(thing_field(op, 1, NOTE).bytes, "kept"));
}
END_TEST

START_TEST(delete_takes_the_row_and_minds_no_absence)
{
    insert_things(1, 2);
    struct batch *b = fresh();
    batch_thing(b, CHY_WRITE_DELETE, 1);
    batch_thing(b, CHY_WRITE_DELETE, 7);
    EXPECT(b->op, batch_run(b), CHY_OK);
    ck_assert_int_eq(batch_result(b, 0)->number, 1);
    ck_assert_int_eq(batch_result(b, 1)->number, 0);
    ck_assert_uint_eq(batch_result(b, 0)->revision, 0);
    ck_assert_uint_eq(thing_revision(1), 0);
    ck_assert_uint_eq(count_things(), 1);
    insert_things(1, 1); // the key is free again, and starts anew
    ck_assert_uint_eq(thing_revision(1), 1);
}
END_TEST

START_TEST(unique_indexes_are_kept_and_named)
{
    struct batch *b = fresh();
    batch_set(b, batch_insert(b, 1), CODE, text_value("one"));
    batch_set(b, batch_insert(b, 2), CODE, text_value("two"));
    EXPECT(b->op, batch_run(b), CHY_OK);
    b = fresh();
    batch_insert(b, 3);
    batch_set(b, batch_insert(b, 4), CODE, text_value("two"));
    expect_conflict(b, 1, "by_code");
    b = fresh();
    batch_set(b, batch_thing(b, CHY_WRITE_UPDATE, 1), CODE, text_value("two"));
    expect_conflict(b, 0, "by_code");
    b = fresh();
    batch_set(b, batch_insert(b, 1), CODE, text_value("two"));
    b->writes[0].kind = CHY_WRITE_UPSERT;
    expect_conflict(b, 0, "by_code");
    b = fresh(); // its own value is no conflict, and case matters
    batch_set(b, batch_thing(b, CHY_WRITE_UPDATE, 1), CODE, text_value("one"));
    batch_set(b, batch_thing(b, CHY_WRITE_UPDATE, 2), CODE, text_value("One"));
    EXPECT(b->op, batch_run(b), CHY_OK);
    ck_assert_uint_eq(count_things(), 2);
}
END_TEST

START_TEST(null_never_collides)
{
    struct batch *b = fresh();
    for (uint64_t n = 1; n <= 3; n++) {
        struct chy_storage_write *write = batch_insert(b, n); // CODE and OWNER are null
        batch_set(b, write, SIZE, int_value(4));
    }
    EXPECT(b->op, batch_run(b), CHY_OK);
    b = fresh();
    batch_set(b, batch_thing(b, CHY_WRITE_UPDATE, 1), OWNER, uuid_value(b->op, 9));
    EXPECT(b->op, batch_run(b), CHY_OK);
    b = fresh();
    batch_set(b, batch_thing(b, CHY_WRITE_UPDATE, 2), OWNER, uuid_value(b->op, 9));
    expect_conflict(b, 0, "by_owner_size");
}
END_TEST

START_TEST(a_unique_value_can_move_within_the_order_of_a_batch)
{
    struct batch *b = fresh();
    batch_set(b, batch_insert(b, 5), CODE, text_value("x"));
    EXPECT(b->op, batch_run(b), CHY_OK);
    b = fresh(); // 5 lets go of it before 6 takes it, whatever the batch's own order
    batch_set(b, batch_insert(b, 6), CODE, text_value("x"));
    batch_thing(b, CHY_WRITE_DELETE, 5);
    EXPECT(b->op, batch_run(b), CHY_OK);
    struct chy_op *op = op_new();
    ck_assert(chy_slice_is(thing_field(op, 6, CODE).bytes, "x"));
    ck_assert_int_eq(batch_result(b, 1)->number, 1);
}
END_TEST

START_TEST(a_batch_is_all_or_nothing)
{
    insert_things(5, 6);
    struct batch *b = fresh();
    batch_insert(b, 1);
    batch_set(b, batch_thing(b, CHY_WRITE_UPDATE, 5), SIZE, int_value(50));
    batch_thing(b, CHY_WRITE_DELETE, 6);
    batch_set(b, batch_lease(b, CHY_WRITE_UPSERT, "job"), EPOCH, int_value(1));
    batch_add(b, "s", 1, 5);
    batch_set(b, batch_thing(b, CHY_WRITE_INSERT, 2), TAGS, many_value(b->op, "t", NULL));
    batch_set(b, batch_lease(b, CHY_WRITE_UPDATE, "not there"), EPOCH, int_value(1));
    b->writes[5] = *batch_insert(b, 2);
    b->batch.writes.count--;
    expect_conflict(b, 6, "");
    ck_assert_uint_eq(count_things(), 2);
    ck_assert_uint_eq(thing_revision(5), 1);
    ck_assert_uint_eq(thing_revision(6), 1);
    ck_assert_int_eq(counter_value("s", 1), -1);
}
END_TEST

START_TEST(results_stand_in_the_order_of_the_batch)
{
    insert_things(5, 5);
    struct batch *b = fresh();
    batch_add(b, "z", 1, 7);
    batch_set(b, batch_lease(b, CHY_WRITE_UPSERT, "job"), EPOCH, int_value(1));
    batch_set(b, batch_thing(b, CHY_WRITE_UPDATE, 5), SIZE, int_value(50));
    batch_insert(b, 1);
    batch_add(b, "a", 1, 9);
    EXPECT(b->op, batch_run(b), CHY_OK);
    ck_assert_uint_eq(b->outcome.results.count, 5);
    ck_assert_int_eq(batch_result(b, 0)->number, 7);
    ck_assert_uint_eq(batch_result(b, 1)->revision, 1);
    ck_assert_uint_eq(batch_result(b, 2)->revision, 2);
    ck_assert_uint_eq(batch_result(b, 3)->revision, 1);
    ck_assert_int_eq(batch_result(b, 4)->number, 9);
}
END_TEST

START_TEST(add_counts_and_makes_the_row)
{
    struct batch *b = fresh();
    batch_set(b, batch_add(b, "s", 1, 5), LABEL, text_value("first"));
    EXPECT(b->op, batch_run(b), CHY_OK);
    ck_assert_int_eq(batch_result(b, 0)->number, 5);
    ck_assert_uint_eq(batch_result(b, 0)->revision, 1);
    b = fresh();
    batch_set(b, batch_add(b, "s", 1, -7), LABEL, text_value("second"));
    EXPECT(b->op, batch_run(b), CHY_OK);
    ck_assert_int_eq(batch_result(b, 0)->number, -2);
    ck_assert_uint_eq(batch_result(b, 0)->revision, 2);
    ck_assert_int_eq(counter_value("s", 1), -2);
    // The other fields are for a row that the add makes.
    static const uint32_t fields[] = {LABEL};
    struct chy_op *op = op_new();
    struct chy_value key[] = {text_value("s"), int_value(1)};
    const struct chy_storage_get get = {.struct_size = sizeof get,
                                        .collection = COUNTERS,
                                        .key = VIEW(key),
                                        .fields = VIEW(fields)};
    struct chy_storage_row row = {0};
    EXPECT(op, ops->get(self, op, &get, &row), CHY_OK);
    ck_assert(chy_slice_is(((const struct chy_value *)element_at(row.values, 0))->bytes, "first"));
}
END_TEST

START_TEST(add_stops_at_its_maximum)
{
    struct batch *b = fresh();
    struct chy_storage_write *write = batch_add(b, "s", 1, 10);
    write->has_maximum = 1;
    write->maximum = 10;
    EXPECT(b->op, batch_run(b), CHY_OK);
    b = fresh();
    batch_insert(b, 1);
    write = batch_add(b, "s", 1, 1);
    write->has_maximum = 1;
    write->maximum = 10;
    expect_conflict(b, 1, "");
    ck_assert_int_eq(counter_value("s", 1), 10);
    ck_assert_uint_eq(count_things(), 0);
    b = fresh();
    write = batch_add(b, "new", 1, 11);
    write->has_maximum = 1;
    write->maximum = 10;
    expect_conflict(b, 0, "");
    ck_assert_int_eq(counter_value("new", 1), -1);
    b = fresh();
    write = batch_add(b, "s", 1, -1);
    write->has_maximum = 1;
    write->maximum = 10;
    EXPECT(b->op, batch_run(b), CHY_OK);
    ck_assert_int_eq(counter_value("s", 1), 9);
}
END_TEST

START_TEST(add_never_wraps)
{
    struct batch *b = fresh();
    batch_add(b, "s", 1, INT64_MAX);
    EXPECT(b->op, batch_run(b), CHY_OK);
    b = fresh();
    batch_add(b, "s", 1, 1);
    expect_conflict(b, 0, "");
    ck_assert_int_eq(counter_value("s", 1), INT64_MAX);
}
END_TEST

START_TEST(add_treats_null_as_zero)
{
    insert_things(1, 1);
    struct batch *b = fresh();
    struct chy_storage_write *write = batch_thing(b, CHY_WRITE_ADD, 1);
    *write = *batch_insert(b, 1);
    b->batch.writes.count--;
    write->kind = CHY_WRITE_ADD;
    write->add_field = WEIGHT;
    write->delta = 3;
    EXPECT(b->op, batch_run(b), CHY_OK);
    ck_assert_int_eq(batch_result(b, 0)->number, 3);
    struct chy_op *op = op_new();
    ck_assert_int_eq(thing_field(op, 1, WEIGHT).number, 3);
}
END_TEST

START_TEST(delete_range_deletes_what_matches_up_to_its_limit)
{
    insert_things(1, 50);
    const struct chy_predicate low = {
        .field = SIZE, .kind = CHY_WHERE_RANGE, .low = int_value(1), .high = int_value(31)};
    struct chy_storage_write range = {
        .kind = CHY_WRITE_DELETE_RANGE, .collection = THINGS, .where = ONE(low), .limit = 20};
    for (int64_t round = 0; round < 3; round++) {
        struct batch *b = fresh();
        b->writes[b->batch.writes.count++] = range;
        EXPECT(b->op, batch_run(b), CHY_OK);
        ck_assert_int_eq(batch_result(b, 0)->number, round == 0 ? 20 : round == 1 ? 10 : 0);
    }
    ck_assert_uint_eq(count_things(), 20);
    ck_assert_uint_eq(thing_revision(31), 1);
    range.limit = 0;
    struct batch *b = fresh();
    b->writes[b->batch.writes.count++] = range;
    EXPECT(b->op, batch_run(b), CHY_BAD_INPUT);
    b->writes[0].limit = CHY_STORAGE_DELETE_RANGE_MAX + 1;
    EXPECT(b->op, batch_run(b), CHY_BAD_INPUT);
}
END_TEST

START_TEST(delete_range_by_a_set_takes_the_sets_along)
{
    static const char *const own[] = {"n1", "n2", "n3", "n4", "n5", "n6"};
    struct batch *b = fresh();
    for (uint64_t n = 1; n <= 6; n++) {
        batch_set(b, batch_insert(b, n), TAGS,
                  many_value(b->op, n % 2 == 0 ? "even" : "odd", "all", own[n - 1], NULL));
    }
    EXPECT(b->op, batch_run(b), CHY_OK);
    const struct chy_predicate odd = {
        .field = TAGS, .kind = CHY_WHERE_HAS, .low = text_value("odd")};
    b = fresh();
    b->writes[b->batch.writes.count++] = (struct chy_storage_write){
        .kind = CHY_WRITE_DELETE_RANGE, .collection = THINGS, .where = ONE(odd), .limit = 100};
    EXPECT(b->op, batch_run(b), CHY_OK);
    ck_assert_int_eq(batch_result(b, 0)->number, 3);
    struct chy_op *op = op_new();
    const struct chy_predicate all = {
        .field = TAGS, .kind = CHY_WHERE_HAS, .low = text_value("all")};
    struct chy_storage_find find = find_new();
    find.where = ONE(all);
    ck_assert_uint_eq(find_run(op, &find).rows.count, 3);
    EXPECT(op, ops->check(self, op), CHY_OK);
}
END_TEST

START_TEST(delete_range_is_undone_with_its_batch)
{
    insert_things(1, 5);
    struct batch *b = fresh();
    b->writes[b->batch.writes.count++] = (struct chy_storage_write){
        .kind = CHY_WRITE_DELETE_RANGE, .collection = THINGS, .limit = 100};
    batch_set(b, batch_lease(b, CHY_WRITE_UPDATE, "not there"), EPOCH, int_value(1));
    expect_conflict(b, 1, "");
    ck_assert_uint_eq(count_things(), 5);
}
END_TEST

START_TEST(no_batch_names_a_row_twice)
{
    static const enum chy_write_kind kinds[] = {CHY_WRITE_DELETE, CHY_WRITE_UPDATE, CHY_WRITE_CHECK,
                                                CHY_WRITE_INSERT};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        struct batch *b = fresh();
        batch_insert(b, 1);
        batch_insert(b, 2);
        batch_insert(b, 1)->kind = (uint32_t)kinds[i];
        if (kinds[i] != CHY_WRITE_INSERT) {
            b->writes[2].fields.count = 0;
        }
        EXPECT(b->op, batch_run(b), CHY_BAD_INPUT);
    }
    struct batch *b = fresh();
    batch_add(b, "s", 1, 1);
    batch_add(b, "s", 2, 1);
    batch_add(b, "s", 1, 1);
    EXPECT(b->op, batch_run(b), CHY_BAD_INPUT);
    b = fresh();
    batch_counter(b, CHY_WRITE_DELETE, "s", 1);
    batch_add(b, "s", 1, 1);
    EXPECT(b->op, batch_run(b), CHY_BAD_INPUT);
    b = fresh(); // but for a CHECK beside an ADD
    batch_add(b, "s", 1, 1);
    batch_counter(b, CHY_WRITE_CHECK, "s", 1)->guard = CHY_GUARD_ABSENT;
    EXPECT(b->op, batch_run(b), CHY_OK);
    ck_assert_int_eq(counter_value("s", 1), 1);
    ck_assert_uint_eq(count_things(), 0);
}
END_TEST

START_TEST(batches_have_a_ceiling)
{
    struct batch *b = fresh();
    for (uint64_t n = 0; n < CHY_STORAGE_BATCH_OPERATIONS; n++) {
        batch_insert(b, n);
    }
    EXPECT(b->op, batch_run(b), CHY_OK);
    ck_assert_uint_eq(count_things(), CHY_STORAGE_BATCH_OPERATIONS);
    b = fresh();
    for (uint64_t n = 1000; n <= 1000 + CHY_STORAGE_BATCH_OPERATIONS; n++) {
        batch_insert(b, n);
    }
    EXPECT(b->op, batch_run(b), CHY_BAD_INPUT);
    b = fresh();
    const void *big = conf_must(chy_alloc(b->op, CHY_STORAGE_BLOB_MAX));
    for (uint64_t n = 2000; n < 2002; n++) {
        batch_set(b, batch_insert(b, n), BODY,
                  bytes_value(CHY_VALUE_BLOB, big, CHY_STORAGE_BLOB_MAX - 64));
    }
    EXPECT(b->op, batch_run(b), CHY_OK);
    b = fresh();
    for (uint64_t n = 3000; n < 3003; n++) {
        batch_set(b, batch_insert(b, n), BODY,
                  bytes_value(CHY_VALUE_BLOB, big, CHY_STORAGE_BLOB_MAX - 64));
    }
    EXPECT(b->op, batch_run(b), CHY_BAD_INPUT);
    ck_assert_uint_eq(count_things(), CHY_STORAGE_BATCH_OPERATIONS + 2);
}
END_TEST

START_TEST(an_empty_batch_is_fine)
{
    struct batch *b = fresh();
    EXPECT(b->op, batch_run(b), CHY_OK);
    ck_assert_uint_eq(b->outcome.results.count, 0);
}
END_TEST

START_TEST(what_is_no_write_is_refused)
{
    for (int i = 0; i < 7; i++) {
        struct batch *b = fresh();
        struct chy_storage_write *write = batch_insert(b, 1);
        switch (i) {
        case 0: write->kind = 0; break;
        case 1: write->kind = 99; break;
        case 2: write->collection = COLLECTIONS; break;
        case 3: write->key.count = 0; break;
        case 4: write->guard = 99; break;
        case 5:
            write->kind = CHY_WRITE_ADD;
            write->add_field = NAME;
            break;
        default:
            write->guard = CHY_GUARD_EQUALS;
            write->guard_field = TAGS;
            break;
        }
        EXPECT(b->op, batch_run(b), CHY_BAD_INPUT);
    }
    ck_assert_uint_eq(count_things(), 0);
}
END_TEST

TCase *storage_write_tests(void)
{
    TCase *tests = tcase_create("write");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, store_made, store_close);
    tcase_add_test(tests, insert_makes_revision_one);
    tcase_add_test(tests, insert_conflicts_with_the_same_key_and_changes_nothing);
    tcase_add_test(tests, an_incomplete_row_is_refused);
    tcase_add_test(tests, update_sets_the_fields_given_and_no_other);
    tcase_add_test(tests, update_conflicts_when_the_row_is_not_there);
    tcase_add_test(tests, upsert_inserts_or_sets);
    tcase_add_test(tests, delete_takes_the_row_and_minds_no_absence);
    tcase_add_test(tests, unique_indexes_are_kept_and_named);
    tcase_add_test(tests, null_never_collides);
    tcase_add_test(tests, a_unique_value_can_move_within_the_order_of_a_batch);
    tcase_add_test(tests, a_batch_is_all_or_nothing);
    tcase_add_test(tests, results_stand_in_the_order_of_the_batch);
    tcase_add_test(tests, add_counts_and_makes_the_row);
    tcase_add_test(tests, add_stops_at_its_maximum);
    tcase_add_test(tests, add_never_wraps);
    tcase_add_test(tests, add_treats_null_as_zero);
    tcase_add_test(tests, delete_range_deletes_what_matches_up_to_its_limit);
    tcase_add_test(tests, delete_range_by_a_set_takes_the_sets_along);
    tcase_add_test(tests, delete_range_is_undone_with_its_batch);
    tcase_add_test(tests, no_batch_names_a_row_twice);
    tcase_add_test(tests, batches_have_a_ceiling);
    tcase_add_test(tests, an_empty_batch_is_fine);
    tcase_add_test(tests, what_is_no_write_is_refused);
    return tests;
}
