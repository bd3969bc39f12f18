/** Many threads, little memory, and instances that come and go. */
#include "notifier_contract.h"

#include <pthread.h>

#define THREADS 8U
#define DELIVERIES 10U

struct worker {
    pthread_t thread;
    struct world *world;
    unsigned later;
};

static void *deliver_many(void *context)
{
    struct worker *worker = context;
    struct chy_notification notification = conf_notification(&worker->world->channel);
    for (unsigned i = 0; i < DELIVERIES; i++) {
        struct chy_delivery delivery = {.struct_size = sizeof delivery};
        struct chy_op *op =
            conf_op_new_until(worker->world->instance, conf_clock_monotonic() + 20000000);
        chy_status status = notifier->deliver(conf_instance_self(worker->world->instance), op,
                                              &notification, &delivery);
        worker->later += status == CHY_TRY_LATER && conf_op_error(op).message.len != 0 ? 1 : 0;
        conf_op_free(op);
    }
    return NULL;
}

START_TEST(many_threads_deliver_at_once)
{
    struct world world;
    struct worker workers[THREADS];
    const struct chy_plugin *descriptor = conf_plugin_descriptor(notifier_plugin);
    // One that takes one call at a time is never called by two threads.
    unsigned threads = descriptor->threading == CHY_THREADS_ONE ? 1 : THREADS;
    conf_outbound_allow(true);
    world_open(&world, &examples[_i], false);
    for (unsigned i = 0; i < threads; i++) {
        workers[i] = (struct worker){.world = &world};
        ck_assert_int_eq(pthread_create(&workers[i].thread, NULL, deliver_many, &workers[i]), 0);
    }
    for (unsigned i = 0; i < threads; i++) {
        ck_assert_int_eq(pthread_join(workers[i].thread, NULL), 0);
        ck_assert_uint_eq(workers[i].later, DELIVERIES);
    }
    world_close(&world);
}
END_TEST

START_TEST(little_memory_is_told)
{
    struct world world;
    bool had_enough = false;
    conf_outbound_allow(true);
    world_open(&world, &examples[_i], false);
    for (uint64_t bytes = 0; bytes <= 16384; bytes += bytes < 1024 ? 64 : 1024) {
        struct chy_op *op = conf_op_new_until(world.instance, conf_clock_monotonic() + 20000000);
        struct chy_notification notification = conf_notification(&world.channel);
        conf_op_limit(op, bytes);
        chy_status status = world_deliver(&world, op, &notification);
        check_failure(op, status);
        ck_assert(status == CHY_NO_MEMORY || status == CHY_TRY_LATER);
        had_enough = had_enough || status == CHY_TRY_LATER;
        conf_op_free(op);
    }
    ck_assert_msg(had_enough, "16 KiB are not enough for a small notification");
    world_close(&world);
}
END_TEST

START_TEST(instances_live_side_by_side)
{
    struct world one;
    struct world two;
    conf_outbound_allow(true);
    for (int i = 0; i < 3; i++) {
        world_open(&one, &examples[_i], false);
        world_open(&two, &examples[_i], false);
        struct chy_op *op = conf_op_new_until(two.instance, conf_clock_monotonic() + 20000000);
        struct chy_notification notification = conf_notification(&two.channel);
        world_close(&one);
        ck_assert_int_eq(world_deliver(&two, op, &notification), CHY_TRY_LATER);
        conf_op_free(op);
        world_close(&two);
    }
}
END_TEST

TCase *notifier_load_tests(void)
{
    TCase *tests = tcase_create("load");
    int count = (int)example_count;
    tcase_set_timeout(tests, 120);
    tcase_add_loop_test(tests, many_threads_deliver_at_once, 0, count);
    tcase_add_loop_test(tests, little_memory_is_told, 0, count);
    tcase_add_loop_test(tests, instances_live_side_by_side, 0, count);
    return tests;
}
