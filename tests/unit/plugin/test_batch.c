#include "plugin/batch.h"

#include "base/arena.h"
#include "fakes.h"
#include "plugin/view.h"
#include "test_main.h"
#include "test_op.h"

struct fixture {
    struct chy_op *op;
    struct fake_storage fake;
    struct chy_loaded_plugin plugin;
    struct chy_instance instance;
    struct chy_storage *storage;
};

static const struct chy_uuid an_id = {{1, 2, 3}};

static void open_fixture(struct fixture *f)
{
    memset(f, 0, sizeof *f);
    f->op = test_op_new();
    f->fake.fails_with_reason = true;
    fake_storage_ops(&f->plugin.storage);
    fake_instance(&f->instance, &f->plugin, test_op_host(f->op), "main", CHY_INTERFACE_STORAGE,
                  &f->fake);
    const struct chy_storage_config config = {
        .instance = &f->instance,
        .schema = &fake_schema,
        .epoch = {CHY_NO_COLLECTION, 0, {NULL, 0}},
    };
    ck_assert_int_eq(chy_storage_open(f->op, &config, &f->storage), CHY_OK);
    f->fake.calls = 0;
}

static void close_fixture(struct fixture *f)
{
    chy_storage_close(f->storage);
    test_op_free(f->op);
}

static const struct chy_storage_write *sent(const struct fixture *f, uint64_t index)
{
    return chy_view_item(f->fake.batch.writes, index);
}

START_TEST(a_batch_is_sent_as_it_was_built)
{
    struct fixture f;
    struct chy_batch batch;
    struct chy_storage_outcome outcome;
    open_fixture(&f);
    chy_batch_init(&batch, f.op, CHY_BATCH_JOINABLE);
    struct chy_write *insert = chy_batch_insert(&batch, ROWS, CHY_KEY(chy_value_uuid(&an_id)));
    struct chy_write *update = chy_batch_update(&batch, PLAIN, CHY_KEY(chy_value_int(1)));
    struct chy_write *add = chy_batch_add(&batch, PLAIN, CHY_KEY(chy_value_int(2)), PLAIN_TOTAL, 5);
    chy_write_set(insert, ROW_NAME, chy_value_text(chy_text("a")));
    chy_write_set(insert, ROW_COUNT, chy_value_int(3));
    chy_write_guard_revision(update, 12);
    chy_write_set(update, PLAIN_TOTAL, chy_value_int(4));
    chy_write_maximum(add, 100);
    (void)chy_batch_delete(&batch, PLAIN, CHY_KEY(chy_value_int(3)));
    chy_write_guard_equals(chy_batch_check(&batch, PLAIN, CHY_KEY(chy_value_int(4))), PLAIN_TOTAL,
                           chy_value_int(9));
    chy_write_guard_absent(chy_batch_upsert(&batch, PLAIN, CHY_KEY(chy_value_int(5))));
    chy_write_guard_present(chy_batch_update(&batch, PLAIN, CHY_KEY(chy_value_int(6))));
    ck_assert_int_eq(chy_batch_commit(&batch, f.storage, &outcome), CHY_OK);

    ck_assert_uint_eq(f.fake.batch.flags, CHY_BATCH_JOINABLE);
    ck_assert_uint_eq(f.fake.batch.writes.count, 7);
    ck_assert_uint_eq(sent(&f, 0)->kind, CHY_WRITE_INSERT);
    ck_assert_uint_eq(sent(&f, 0)->fields.count, 2);
    const struct chy_assignment *name = chy_view_item(sent(&f, 0)->fields, 0);
    ck_assert_uint_eq(name->field, ROW_NAME);
    ck_assert(chy_slice_is(name->value.bytes, "a"));
    ck_assert_uint_eq(sent(&f, 1)->guard, CHY_GUARD_REVISION);
    ck_assert_uint_eq(sent(&f, 1)->guard_revision, 12);
    ck_assert_int_eq(sent(&f, 2)->delta, 5);
    ck_assert_uint_eq(sent(&f, 2)->has_maximum, 1);
    ck_assert_int_eq(sent(&f, 2)->maximum, 100);
    ck_assert_uint_eq(sent(&f, 3)->kind, CHY_WRITE_DELETE);
    ck_assert_uint_eq(sent(&f, 4)->guard, CHY_GUARD_EQUALS);
    ck_assert_int_eq(sent(&f, 4)->guard_value.number, 9);
    ck_assert_uint_eq(sent(&f, 5)->guard, CHY_GUARD_ABSENT);
    ck_assert_uint_eq(sent(&f, 6)->guard, CHY_GUARD_PRESENT);
    ck_assert_uint_eq(outcome.results.count, 7);
    close_fixture(&f);
}
END_TEST

START_TEST(a_write_takes_more_fields_than_its_first_list)
{
    struct fixture f;
    struct chy_batch batch;
    open_fixture(&f);
    chy_batch_init(&batch, f.op, 0);
    struct chy_write *write = chy_batch_update(&batch, ROWS, CHY_KEY(chy_value_uuid(&an_id)));
    for (uint32_t i = 0; i < 20; i++) {
        chy_write_set(write, i + 1, chy_value_int(i));
    }
    // The builder does not know the schema; the storage does.
    ck_assert_int_eq(chy_batch_commit(&batch, f.storage, NULL), CHY_BROKEN);
    ck_assert_uint_eq(write->assignment_count, 20);
    ck_assert_int_eq(write->assignments[19].value.number, 19);
    close_fixture(&f);
}
END_TEST

START_TEST(a_conflict_is_found_by_its_write)
{
    struct fixture f;
    struct chy_batch batch;
    struct chy_storage_outcome outcome;
    open_fixture(&f);
    chy_batch_init(&batch, f.op, 0);
    struct chy_write *first = chy_batch_delete(&batch, PLAIN, CHY_KEY(chy_value_int(1)));
    struct chy_write *second = chy_batch_delete(&batch, PLAIN, CHY_KEY(chy_value_int(2)));
    f.fake.answers_outcome = true;
    f.fake.status = CHY_CONFLICT;
    f.fake.outcome.failed_write = 1;
    ck_assert_int_eq(chy_batch_commit(&batch, f.storage, &outcome), CHY_CONFLICT);
    ck_assert(!chy_write_failed(first, &outcome));
    ck_assert(chy_write_failed(second, &outcome));
    close_fixture(&f);
}
END_TEST

START_TEST(a_query_is_sent_as_it_was_built)
{
    struct fixture f;
    struct chy_query query;
    struct chy_storage_page page;
    open_fixture(&f);
    chy_query_init(&query, f.op, ROWS, CHY_FIELDS(ROW_NAME), 50);
    const struct chy_value counts[] = {chy_value_int(1), chy_value_int(2)};
    chy_query_eq(&query, ROW_NAME, chy_value_text(chy_text("a")));
    chy_query_in(&query, ROW_COUNT, chy_view_of(counts, 2, sizeof counts[0]));
    chy_query_range(&query, ROW_COUNT, chy_value_int(1), chy_value_null());
    chy_query_prefix(&query, ROW_NAME, chy_text("a"));
    chy_query_null(&query, ROW_NOTE);
    chy_query_not_null(&query, ROW_NOTE);
    chy_query_has(&query, ROW_TAGS, chy_text("t"));
    chy_query_has_prefix(&query, ROW_TAGS, chy_text("t"));
    chy_query_order(&query, ROW_COUNT, true);
    ck_assert_int_eq(chy_query_run(&query, f.storage, &page), CHY_OK);
    ck_assert_uint_eq(query.find.where.count, 8);
    for (uint32_t i = 0; i < 8; i++) {
        const struct chy_predicate *predicate = chy_view_item(query.find.where, i);
        ck_assert_uint_eq(predicate->kind, i + 1);
    }
    ck_assert_uint_eq(query.find.order.count, 1);
    ck_assert_uint_eq(query.find.limit, 50);
    ck_assert_uint_eq(query.find.scan_limit, 1000);
    close_fixture(&f);
}
END_TEST

START_TEST(delete_range_takes_a_querys_conditions)
{
    struct fixture f;
    struct chy_query query;
    struct chy_batch batch;
    open_fixture(&f);
    chy_query_init(&query, f.op, PLAIN, CHY_NO_FIELDS, 1);
    chy_query_range(&query, PLAIN_TOTAL, chy_value_null(), chy_value_int(10));
    chy_batch_init(&batch, f.op, 0);
    (void)chy_batch_delete_range(&batch, &query, 100);
    ck_assert_int_eq(chy_batch_commit(&batch, f.storage, NULL), CHY_OK);
    ck_assert_uint_eq(sent(&f, 0)->kind, CHY_WRITE_DELETE_RANGE);
    ck_assert_uint_eq(sent(&f, 0)->collection, PLAIN);
    ck_assert_uint_eq(sent(&f, 0)->where.count, 1);
    ck_assert_uint_eq(sent(&f, 0)->limit, 100);
    close_fixture(&f);
}
END_TEST

/** Builds and commits a batch with everything that allocates. */
static chy_status build(struct fixture *f)
{
    struct chy_batch batch;
    struct chy_query query;
    chy_query_init(&query, f->op, PLAIN, CHY_NO_FIELDS, 1);
    for (int i = 0; i < 6; i++) {
        chy_query_eq(&query, PLAIN_TOTAL, chy_value_int(i));
    }
    chy_batch_init(&batch, f->op, 0);
    (void)chy_batch_delete_range(&batch, &query, 100);
    struct chy_write *write = chy_batch_insert(&batch, ROWS, CHY_KEY(chy_value_uuid(&an_id)));
    chy_write_set(write, ROW_NAME, chy_value_text(chy_text("a")));
    chy_write_set(write, ROW_COUNT, chy_value_int(3));
    chy_write_guard_absent(write);
    (void)chy_batch_delete(&batch, PLAIN, CHY_KEY(chy_value_int(3)));
    return chy_batch_commit(&batch, f->storage, NULL);
}

START_TEST(a_batch_short_of_memory_is_not_written)
{
    struct fixture f;
    open_fixture(&f);
    long n = 1;
    for (bool fired = true; fired; n++) {
        f.fake.calls = 0;
        chy_test_fail_alloc_at(n);
        chy_status status = build(&f);
        fired = chy_test_fail_alloc_fired();
        chy_test_fail_alloc_at(0);
        // The fake answers with results that it allocates last, which may fail too.
        ck_assert(status == CHY_OK || status == CHY_NO_MEMORY || f.fake.calls == 1);
        ck_assert(!fired || status == CHY_OK || f.fake.calls == 0 || n > 7);
    }
    ck_assert_int_gt(n, 7);
    close_fixture(&f);
}
END_TEST

TEST_MAIN("plugin_batch", TEST(a_batch_is_sent_as_it_was_built),
          TEST(a_write_takes_more_fields_than_its_first_list),
          TEST(a_conflict_is_found_by_its_write), TEST(a_query_is_sent_as_it_was_built),
          TEST(delete_range_takes_a_querys_conditions),
          TEST(a_batch_short_of_memory_is_not_written))
