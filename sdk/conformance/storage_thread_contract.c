/** Many threads: joined batches fail singly, counters are exact, what was written is seen. */
#include "storage_fixture.h"

#include <pthread.h>
#include <stdatomic.h>

#define THREADS 16U
#define BATCHES 40U

struct worker {
    pthread_t thread;
    uint64_t number;
    uint64_t ok;
    uint64_t conflicts;
    uint64_t wrong; /**< answers that no thread may get; checked after the join */
    chy_status wrong_status;
};

static struct worker workers[THREADS];

static void run(void *(*work)(void *worker))
{
    for (uint64_t i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){.number = i};
        ck_assert_int_eq(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
    }
    for (uint64_t i = 0; i < THREADS; i++) {
        ck_assert_int_eq(pthread_join(workers[i].thread, NULL), 0);
    }
    for (uint64_t i = 0; i < THREADS; i++) {
        ck_assert_msg(workers[i].wrong == 0, "thread %llu: %llu wrong answers, status %d",
                      (unsigned long long)i, (unsigned long long)workers[i].wrong,
                      workers[i].wrong_status);
    }
}

static uint64_t sum_ok(void)
{
    uint64_t sum = 0;
    for (uint64_t i = 0; i < THREADS; i++) {
        sum += workers[i].ok;
    }
    return sum;
}

/** run_batch runs, counts and ends one batch's operation. */
static chy_status run_batch(struct worker *w, struct batch *b)
{
    chy_status status = batch_run(b);
    if (status == CHY_OK) {
        w->ok++;
    } else if (status == CHY_CONFLICT) {
        w->conflicts++;
    } else {
        w->wrong++;
        w->wrong_status = status;
    }
    return status;
}

/** insert_mixed: each fourth key is one that all threads want; the rest are the thread's own. */
static void *insert_mixed(void *arg)
{
    struct worker *w = arg;
    for (uint64_t i = 0; i < BATCHES; i++) {
        struct chy_op *op = conf_op_new(instance);
        struct batch *b = batch_new(op);
        b->batch.flags = CHY_BATCH_JOINABLE;
        bool wanted = i % 4 == 0;
        uint64_t key = wanted ? i : 1000 + w->number * BATCHES + i;
        batch_insert(b, 100000 + w->number * BATCHES + i); // a companion that shares its fate
        batch_set(b, batch_insert(b, key), TAGS, many_value(op, "t", NULL));
        batch_add(b, "inserted", 1, 1);
        chy_status status = run_batch(w, b);
        if ((!wanted && status != CHY_OK) ||
            (status == CHY_CONFLICT && b->outcome.failed_write != 1)) {
            w->wrong++;
            w->wrong_status = status;
        }
        conf_op_free(op);
    }
    return NULL;
}

START_TEST(joined_batches_succeed_or_fail_as_if_alone)
{
    run(insert_mixed);
    uint64_t wanted = BATCHES / 4;
    uint64_t fresh = THREADS * (BATCHES - wanted);
    ck_assert_uint_eq(sum_ok(), wanted + fresh);
    ck_assert_uint_eq(count_things(), 2 * (wanted + fresh));
    ck_assert_int_eq(counter_value("inserted", 1), (int64_t)(wanted + fresh));
    struct chy_op *op = op_new();
    EXPECT(op, ops->check(self, op), CHY_OK);
}
END_TEST

/** race: one guarded row that all want, in batches that are not joinable. */
static void *race(void *arg)
{
    struct worker *w = arg;
    for (uint64_t i = 0; i < BATCHES; i++) {
        struct chy_op *op = conf_op_new(instance);
        uint64_t revision = thing_revision(1);
        struct batch *b = batch_new(op);
        struct chy_storage_write *write = batch_thing(b, CHY_WRITE_UPDATE, 1);
        batch_set(b, write, WEIGHT, int_value((int64_t)(w->number * 1000 + i)));
        write->guard = CHY_GUARD_REVISION;
        write->guard_revision = revision;
        batch_insert(b, 1000 + w->number * BATCHES + i);
        (void)run_batch(w, b);
        conf_op_free(op);
    }
    return NULL;
}

START_TEST(of_those_who_saw_the_same_revision_one_wins)
{
    insert_things(1, 1);
    run(race);
    ck_assert_uint_ge(sum_ok(), BATCHES);
    ck_assert_uint_eq(thing_revision(1), 1 + sum_ok());
    ck_assert_uint_eq(count_things(), 1 + sum_ok());
}
END_TEST

static void *count_up(void *arg)
{
    struct worker *w = arg;
    for (uint64_t i = 0; i < BATCHES; i++) {
        struct chy_op *op = conf_op_new(instance);
        struct batch *b = batch_new(op);
        b->batch.flags = i % 2 == 0 ? CHY_BATCH_JOINABLE : 0;
        batch_add(b, "b", 1, 2);
        batch_add(b, "a", (int64_t)(i % 5), 1);
        struct chy_storage_write *limited = batch_add(b, "limited", 1, 1);
        limited->has_maximum = 1;
        limited->maximum = 100;
        (void)run_batch(w, b);
        conf_op_free(op);
    }
    return NULL;
}

START_TEST(counters_are_exact)
{
    run(count_up);
    ck_assert_uint_eq(sum_ok(), 100);
    ck_assert_int_eq(counter_value("limited", 1), 100);
    ck_assert_int_eq(counter_value("b", 1), 200);
    int64_t sum = 0;
    for (int64_t day = 0; day < 5; day++) {
        int64_t value = counter_value("a", day);
        sum += value > 0 ? value : 0;
    }
    ck_assert_int_eq(sum, 100);
}
END_TEST

#define EPOCHS 30

static atomic_llong epoch;
static int64_t at_its_end[EPOCHS]; /**< what the counter of an epoch was when the epoch ended */

/** end_epoch moves the lease on, and reads the counter of the old epoch in the same batch. */
static void end_epoch(struct worker *w, int64_t e)
{
    struct chy_op *op = conf_op_new(instance);
    struct batch *b = batch_new(op);
    b->batch.flags = CHY_BATCH_JOINABLE;
    struct chy_storage_write *write = batch_lease(b, CHY_WRITE_UPDATE, "job");
    batch_set(b, write, EPOCH, int_value(e + 1));
    write->guard = CHY_GUARD_EQUALS;
    write->guard_field = EPOCH;
    write->guard_value = int_value(e);
    batch_add(b, "checked", e, 0);
    if (run_batch(w, b) == CHY_OK) {
        at_its_end[e] = batch_result(b, 1)->number;
    } else {
        w->wrong++; // nobody else moves it
    }
    atomic_store(&epoch, e + 1);
    conf_op_free(op);
}

static void *check_or_end(void *arg)
{
    struct worker *w = arg;
    for (int64_t e = atomic_load(&epoch); e < EPOCHS; e = atomic_load(&epoch)) {
        if (w->number == 0) {
            end_epoch(w, e);
            continue;
        }
        struct chy_op *op = conf_op_new(instance);
        struct batch *b = batch_new(op);
        b->batch.flags = CHY_BATCH_JOINABLE;
        struct chy_storage_write *write = batch_lease(b, CHY_WRITE_CHECK, "job");
        write->guard = CHY_GUARD_EQUALS;
        write->guard_field = EPOCH;
        write->guard_value = int_value(e);
        batch_add(b, "checked", e, 1);
        (void)run_batch(w, b);
        conf_op_free(op);
    }
    return NULL;
}

START_TEST(a_check_never_passes_behind_the_change_that_it_guards_against)
{
    struct batch *b = batch_new(op_new());
    batch_set(b, batch_lease(b, CHY_WRITE_INSERT, "job"), EPOCH, int_value(0));
    EXPECT(b->op, batch_run(b), CHY_OK);
    atomic_store(&epoch, 0);
    run(check_or_end);
    for (int64_t e = 0; e < EPOCHS; e++) {
        ck_assert_msg(counter_value("checked", e) == at_its_end[e],
                      "epoch %lld: %lld at its end, %lld later", (long long)e,
                      (long long)at_its_end[e], (long long)counter_value("checked", e));
    }
}
END_TEST

/** newest is the last thing that a writer was told is written. */
static atomic_ullong newest;

static void *write_or_read(void *arg)
{
    struct worker *w = arg;
    for (uint64_t i = 0; i < BATCHES; i++) {
        if (w->number % 2 == 0) {
            uint64_t number = 1 + w->number * BATCHES + i;
            struct chy_op *op = conf_op_new(instance);
            struct batch *b = batch_new(op);
            b->batch.flags = CHY_BATCH_JOINABLE;
            batch_insert(b, number);
            (void)run_batch(w, b);
            conf_op_free(op);
            atomic_store(&newest, number);
            w->wrong += thing_revision(number) != 1;
        } else {
            uint64_t number = atomic_load(&newest);
            w->wrong += number != 0 && thing_revision(number) != 1;
        }
    }
    return NULL;
}

START_TEST(what_was_written_is_seen_by_every_later_read)
{
    atomic_store(&newest, 0);
    run(write_or_read);
    ck_assert_uint_eq(count_things(), THREADS / 2 * BATCHES);
}
END_TEST

static void *find_meanwhile(void *arg)
{
    struct worker *w = arg;
    for (uint64_t i = 0; i < BATCHES; i++) {
        struct chy_op *op = conf_op_new(instance);
        if (w->number < 4) {
            // Both or none, always.
            struct batch *b = batch_new(op);
            uint64_t number = 1000 + w->number * BATCHES + i;
            batch_set(b, batch_insert(b, number), TAGS, many_value(op, "pair", NULL));
            batch_set(b, batch_insert(b, 50000 + number), TAGS, many_value(op, "pair", NULL));
            (void)run_batch(w, b);
        } else {
            const struct chy_predicate pair = {
                .field = TAGS, .kind = CHY_WHERE_HAS, .low = text_value("pair")};
            struct chy_storage_find find = find_new();
            struct chy_storage_page page = {.struct_size = sizeof page};
            find.where = ONE(pair);
            find.limit = 1000;
            chy_status status = ops->find(self, op, &find, &page);
            w->wrong += status != CHY_OK || page.rows.count % 2 != 0;
        }
        conf_op_free(op);
    }
    return NULL;
}

START_TEST(a_page_shows_one_moment)
{
    run(find_meanwhile);
    ck_assert_uint_eq(count_things(), 4 * BATCHES * 2);
}
END_TEST

TCase *storage_thread_tests(void)
{
    TCase *tests = tcase_create("threads");
    tcase_set_timeout(tests, 240);
    tcase_add_checked_fixture(tests, store_made, store_close);
    tcase_add_test(tests, joined_batches_succeed_or_fail_as_if_alone);
    tcase_add_test(tests, of_those_who_saw_the_same_revision_one_wins);
    tcase_add_test(tests, counters_are_exact);
    tcase_add_test(tests, a_check_never_passes_behind_the_change_that_it_guards_against);
    tcase_add_test(tests, what_was_written_is_seen_by_every_later_read);
    tcase_add_test(tests, a_page_shows_one_moment);
    return tests;
}
