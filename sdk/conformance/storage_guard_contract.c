/** write: guards, and who is told what failed. */
#include "storage_fixture.h"

static struct batch *fresh(void)
{
    return batch_new(op_new());
}

static void expect_conflict(struct batch *b, uint32_t failed_write)
{
    EXPECT(b->op, batch_run(b), CHY_CONFLICT);
    ck_assert_uint_eq(b->outcome.failed_write, failed_write);
    ck_assert_uint_eq(b->outcome.failed_index.len, 0);
}

/** What the row of a case is like. */
enum row_state {
    ROW_ABSENT,
    ROW_PRESENT
};

/** expect_guard puts one guard on one kind of write. */
static void expect_guard(enum chy_write_kind kind, enum row_state row, enum chy_guard_kind guard,
                         chy_status expected)
{
    static uint64_t number = 100;
    number++;
    if (row == ROW_PRESENT) {
        insert_things(number, number);
    }
    struct batch *b = fresh();
    struct chy_storage_write *write = batch_insert(b, number);
    write->kind = (uint32_t)kind;
    write->guard = (uint32_t)guard;
    if (kind == CHY_WRITE_ADD) {
        write->add_field = WEIGHT;
    }
    if (kind == CHY_WRITE_DELETE || kind == CHY_WRITE_CHECK) {
        write->fields.count = 0;
    }
    chy_status status = batch_run(b);
    ck_assert_msg(status == expected, "kind %d, row %d, guard %d: %d, not %d", (int)kind, (int)row,
                  (int)guard, status, expected);
    if (expected == CHY_CONFLICT) {
        ck_assert_uint_eq(b->outcome.failed_write, 0);
        ck_assert_uint_eq(thing_revision(number), row == ROW_PRESENT ? 1 : 0);
    }
}

START_TEST(absent_and_present_guard_every_kind)
{
    expect_guard(CHY_WRITE_INSERT, ROW_ABSENT, CHY_GUARD_ABSENT, CHY_OK);
    expect_guard(CHY_WRITE_INSERT, ROW_PRESENT, CHY_GUARD_ABSENT, CHY_CONFLICT);
    expect_guard(CHY_WRITE_UPSERT, ROW_ABSENT, CHY_GUARD_ABSENT, CHY_OK);
    expect_guard(CHY_WRITE_UPSERT, ROW_PRESENT, CHY_GUARD_ABSENT, CHY_CONFLICT);
    expect_guard(CHY_WRITE_UPSERT, ROW_ABSENT, CHY_GUARD_PRESENT, CHY_CONFLICT);
    expect_guard(CHY_WRITE_UPSERT, ROW_PRESENT, CHY_GUARD_PRESENT, CHY_OK);
    expect_guard(CHY_WRITE_UPDATE, ROW_PRESENT, CHY_GUARD_PRESENT, CHY_OK);
    expect_guard(CHY_WRITE_UPDATE, ROW_ABSENT, CHY_GUARD_PRESENT, CHY_CONFLICT);
    expect_guard(CHY_WRITE_DELETE, ROW_PRESENT, CHY_GUARD_PRESENT, CHY_OK);
    expect_guard(CHY_WRITE_DELETE, ROW_ABSENT, CHY_GUARD_PRESENT, CHY_CONFLICT);
    expect_guard(CHY_WRITE_ADD, ROW_PRESENT, CHY_GUARD_PRESENT, CHY_OK);
    expect_guard(CHY_WRITE_ADD, ROW_ABSENT, CHY_GUARD_PRESENT, CHY_CONFLICT);
    expect_guard(CHY_WRITE_ADD, ROW_ABSENT, CHY_GUARD_ABSENT, CHY_OK);
    expect_guard(CHY_WRITE_ADD, ROW_PRESENT, CHY_GUARD_ABSENT, CHY_CONFLICT);
    expect_guard(CHY_WRITE_CHECK, ROW_PRESENT, CHY_GUARD_PRESENT, CHY_OK);
    expect_guard(CHY_WRITE_CHECK, ROW_ABSENT, CHY_GUARD_PRESENT, CHY_CONFLICT);
    expect_guard(CHY_WRITE_CHECK, ROW_ABSENT, CHY_GUARD_ABSENT, CHY_OK);
    expect_guard(CHY_WRITE_CHECK, ROW_PRESENT, CHY_GUARD_ABSENT, CHY_CONFLICT);
}
END_TEST

START_TEST(a_revision_guards_against_what_changed_meanwhile)
{
    insert_things(1, 1);
    for (uint64_t round = 0; round < 2; round++) {
        struct batch *b = fresh();
        struct chy_storage_write *write = batch_thing(b, CHY_WRITE_UPDATE, 1);
        batch_set(b, write, SIZE, int_value((int64_t)round));
        write->guard = CHY_GUARD_REVISION;
        write->guard_revision = 1;
        if (round == 0) {
            EXPECT(b->op, batch_run(b), CHY_OK);
        } else {
            expect_conflict(b, 0);
        }
    }
    ck_assert_uint_eq(thing_revision(1), 2);
    struct batch *b = fresh();
    struct chy_storage_write *write = batch_thing(b, CHY_WRITE_DELETE, 1);
    write->guard = CHY_GUARD_REVISION;
    write->guard_revision = 1;
    expect_conflict(b, 0);
    write->guard_revision = 2;
    EXPECT(b->op, batch_run(b), CHY_OK);
    write->guard_revision = 0; // a row that is not there has no revision
    expect_conflict(b, 0);
}
END_TEST

START_TEST(a_field_guards_by_its_value)
{
    insert_things(1, 1);
    const struct {
        uint32_t field;
        struct chy_value value;
        chy_status expected;
    } cases[] = {
        {SIZE, int_value(1), CHY_OK},
        {SIZE, int_value(2), CHY_CONFLICT},
        {SIZE, null_value(), CHY_CONFLICT},
        {NAME, text_value("thing-000001"), CHY_OK},
        {NAME, text_value("Thing-000001"), CHY_CONFLICT},
        {NOTE, null_value(), CHY_OK}, // null equals null here
        {NOTE, text_value(""), CHY_CONFLICT},
        {FLAG, bool_value(1), CHY_OK},
        {MADE, time_value(1001), CHY_CONFLICT},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (int kind = 0; kind < 2; kind++) {
            struct batch *b = fresh();
            struct chy_storage_write *write =
                batch_thing(b, kind == 0 ? CHY_WRITE_CHECK : CHY_WRITE_UPDATE, 1);
            write->guard = CHY_GUARD_EQUALS;
            write->guard_field = cases[i].field;
            write->guard_value = cases[i].value;
            chy_status status = batch_run(b);
            ck_assert_msg(status == cases[i].expected, "case %zu: %d", i, status);
        }
    }
    struct batch *b = fresh();
    struct chy_storage_write *write = batch_thing(b, CHY_WRITE_CHECK, 2);
    write->guard = CHY_GUARD_EQUALS;
    write->guard_field = NOTE;
    write->guard_value = null_value();
    expect_conflict(b, 0); // the row is not there
}
END_TEST

START_TEST(a_write_to_a_row_that_its_guard_wants_needs_no_other_fields)
{
    const enum chy_write_kind kinds[] = {CHY_WRITE_ADD, CHY_WRITE_UPSERT};
    insert_things(1, 1);
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        for (uint64_t number = 1; number <= 2; number++) { // the second is not there
            struct batch *b = fresh();
            struct chy_storage_write *write = batch_thing(b, kinds[i], number);
            write->guard = CHY_GUARD_EQUALS;
            write->guard_field = FLAG;
            write->guard_value = bool_value(1);
            if (kinds[i] == CHY_WRITE_ADD) {
                write->add_field = WEIGHT;
                write->delta = 1;
            } else {
                batch_set(b, write, NOTE, text_value("set"));
            }
            chy_status expected = number == 1 ? CHY_OK : CHY_CONFLICT;
            EXPECT(b->op, batch_run(b), expected);
        }
    }
    ck_assert_uint_eq(thing_revision(1), 3);
    ck_assert_uint_eq(thing_revision(2), 0);
}
END_TEST

START_TEST(check_writes_nothing_and_tells_the_revision)
{
    insert_things(1, 1);
    struct batch *b = fresh();
    batch_thing(b, CHY_WRITE_CHECK, 1)->guard = CHY_GUARD_PRESENT;
    batch_thing(b, CHY_WRITE_CHECK, 2)->guard = CHY_GUARD_ABSENT;
    EXPECT(b->op, batch_run(b), CHY_OK);
    ck_assert_uint_eq(batch_result(b, 0)->revision, 1);
    ck_assert_uint_eq(batch_result(b, 1)->revision, 0);
    ck_assert_uint_eq(thing_revision(1), 1);
    ck_assert_uint_eq(count_things(), 1);
}
END_TEST

START_TEST(a_failing_check_fails_the_batch)
{
    struct batch *b = fresh();
    struct chy_storage_write *write = batch_lease(b, CHY_WRITE_UPSERT, "job");
    batch_set(b, write, EPOCH, int_value(4));
    EXPECT(b->op, batch_run(b), CHY_OK);
    b = fresh();
    batch_insert(b, 1);
    write = batch_lease(b, CHY_WRITE_CHECK, "job");
    write->guard = CHY_GUARD_EQUALS;
    write->guard_field = EPOCH;
    write->guard_value = int_value(3);
    batch_add(b, "s", 1, 1);
    expect_conflict(b, 1);
    ck_assert_uint_eq(count_things(), 0);
    ck_assert_int_eq(counter_value("s", 1), -1);
}
END_TEST

START_TEST(the_first_failure_in_the_order_of_effect_is_told)
{
    insert_things(3, 3);
    struct batch *b = fresh();
    batch_add(b, "s", 1, 1)->guard = CHY_GUARD_PRESENT;          // fails, but last of all
    batch_thing(b, CHY_WRITE_UPDATE, 9)->guard = CHY_GUARD_NONE; // fails after 3
    batch_insert(b, 3);                                          // fails first
    expect_conflict(b, 2);
}
END_TEST

START_TEST(a_refused_batch_leaves_the_outcome_alone)
{
    struct batch *b = fresh();
    batch_set(b, batch_insert(b, 1), NOTE, int_value(1));
    b->outcome.failed_write = 4711;
    EXPECT(b->op, batch_run(b), CHY_BAD_INPUT);
    ck_assert_uint_eq(b->outcome.failed_write, 4711);
    ck_assert_ptr_null(b->outcome.results.ptr);
}
END_TEST

START_TEST(joinable_batches_fail_as_if_alone)
{
    insert_things(1, 1);
    struct batch *b = fresh();
    b->batch.flags = CHY_BATCH_JOINABLE;
    batch_insert(b, 2);
    batch_insert(b, 1);
    expect_conflict(b, 1);
    ck_assert_uint_eq(count_things(), 1);
    b = fresh();
    b->batch.flags = CHY_BATCH_JOINABLE;
    batch_insert(b, 2);
    EXPECT(b->op, batch_run(b), CHY_OK);
}
END_TEST

TCase *storage_guard_tests(void)
{
    TCase *tests = tcase_create("guards");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, store_made, store_close);
    tcase_add_test(tests, absent_and_present_guard_every_kind);
    tcase_add_test(tests, a_revision_guards_against_what_changed_meanwhile);
    tcase_add_test(tests, a_field_guards_by_its_value);
    tcase_add_test(tests, a_write_to_a_row_that_its_guard_wants_needs_no_other_fields);
    tcase_add_test(tests, check_writes_nothing_and_tells_the_revision);
    tcase_add_test(tests, a_failing_check_fails_the_batch);
    tcase_add_test(tests, the_first_failure_in_the_order_of_effect_is_told);
    tcase_add_test(tests, a_refused_batch_leaves_the_outcome_alone);
    tcase_add_test(tests, joinable_batches_fail_as_if_alone);
    return tests;
}
