/** Receivers that are away, forbidden, silent or mad; deadlines, and calls that nobody wants. */
#include "notifier_contract.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

#define MS 1000
/** What a delivery may take past its deadline, under a sanitizer on a busy machine. */
#define GRACE (4000 * MS)

/** deliver_until tells the channel with a deadline, and how long it took. */
static chy_status deliver_until(struct world *world, int64_t patience, struct chy_op **out_op,
                                int64_t *out_took)
{
    int64_t start = conf_clock_monotonic();
    struct chy_op *op = conf_op_new_until(world->instance, start + patience);
    struct chy_notification notification = conf_notification(&world->channel);
    chy_status status = world_deliver(world, op, &notification);
    *out_took = conf_clock_monotonic() - start;
    *out_op = op;
    return status;
}

static bool somebody_called(const struct world *world, int wait_ms)
{
    struct pollfd waiting = {world->fd, POLLIN, 0};
    return poll(&waiting, 1, wait_ms) > 0;
}

START_TEST(a_receiver_that_is_away_is_tried_later)
{
    struct world world;
    struct chy_op *op = NULL;
    int64_t took = 0;
    conf_outbound_allow(true);
    world_open(&world, &examples[_i], false);
    chy_status status = deliver_until(&world, 20000 * MS, &op, &took);
    ck_assert_msg(status == CHY_TRY_LATER, "status %d: %s", status, conf_op_message(op));
    check_failure(op, status);
    conf_op_free(op);
    world_close(&world);
}
END_TEST

START_TEST(a_refused_address_is_not_called)
{
    struct world world;
    struct chy_op *op = NULL;
    int64_t took = 0;
    if (examples[_i].is_exempt) {
        return; // its receiver is the configuration's
    }
    conf_outbound_allow(false);
    world_open(&world, &examples[_i], true);
    uint64_t before = conf_outbound_asked();
    chy_status status = deliver_until(&world, 5000 * MS, &op, &took);
    ck_assert_msg(status == CHY_DENIED, "status %d: %s", status, conf_op_message(op));
    check_failure(op, status);
    ck_assert_uint_gt(conf_outbound_asked(), before);
    ck_assert(!somebody_called(&world, 100));
    conf_op_free(op);
    world_close(&world);
}
END_TEST

START_TEST(an_allowed_address_is_asked_about_and_called)
{
    struct world world;
    struct chy_op *op = NULL;
    int64_t took = 0;
    conf_outbound_allow(true);
    world_open(&world, &examples[_i], true);
    uint64_t before = conf_outbound_asked();
    chy_status status = deliver_until(&world, 500 * MS, &op, &took);
    ck_assert_int_eq(status, CHY_TRY_LATER);
    ck_assert(somebody_called(&world, 1000));
    ck_assert(examples[_i].is_exempt || conf_outbound_asked() > before);
    conf_op_free(op);
    world_close(&world);
}
END_TEST

START_TEST(a_silent_receiver_ends_with_the_deadline)
{
    struct world world;
    struct chy_op *op = NULL;
    int64_t took = 0;
    conf_outbound_allow(true);
    world_open(&world, &examples[_i], true);
    chy_status status = deliver_until(&world, 500 * MS, &op, &took);
    ck_assert_int_eq(status, CHY_TRY_LATER);
    check_failure(op, status);
    ck_assert_msg(took < 500 * MS + GRACE, "it took %lld ms", (long long)took / MS);
    conf_op_free(op);
    world_close(&world);
}
END_TEST

START_TEST(what_is_late_is_not_begun)
{
    struct world world;
    struct chy_op *op = NULL;
    int64_t took = 0;
    conf_outbound_allow(true);
    world_open(&world, &examples[_i], true);
    ck_assert_int_eq(deliver_until(&world, -1, &op, &took), CHY_TRY_LATER);
    check_failure(op, CHY_TRY_LATER);
    ck_assert(!somebody_called(&world, 100));
    conf_op_free(op);
    world_close(&world);
}
END_TEST

START_TEST(what_is_cancelled_is_not_begun)
{
    struct world world;
    conf_outbound_allow(true);
    world_open(&world, &examples[_i], true);
    struct chy_op *op = conf_op_new_until(world.instance, conf_clock_monotonic() + 30000 * MS);
    struct chy_notification notification = conf_notification(&world.channel);
    conf_op_cancel(op);
    ck_assert_int_eq(world_deliver(&world, op, &notification), CHY_TRY_LATER);
    check_failure(op, CHY_TRY_LATER);
    ck_assert(!somebody_called(&world, 100));
    conf_op_free(op);
    world_close(&world);
}
END_TEST

static void *cancel_soon(void *op)
{
    (void)usleep(200 * MS);
    conf_op_cancel(op);
    return NULL;
}

START_TEST(what_is_cancelled_ends_soon)
{
    struct world world;
    pthread_t canceller;
    conf_outbound_allow(true);
    world_open(&world, &examples[_i], true);
    int64_t start = conf_clock_monotonic();
    struct chy_op *op = conf_op_new_until(world.instance, start + 60000 * MS);
    struct chy_notification notification = conf_notification(&world.channel);
    ck_assert_int_eq(pthread_create(&canceller, NULL, cancel_soon, op), 0);
    chy_status status = world_deliver(&world, op, &notification);
    ck_assert_int_eq(pthread_join(canceller, NULL), 0);
    ck_assert_int_eq(status, CHY_TRY_LATER);
    check_failure(op, status);
    ck_assert_int_lt(conf_clock_monotonic() - start, 200 * MS + GRACE);
    conf_op_free(op);
    world_close(&world);
}
END_TEST

/* --- mad receivers -----------------------------------------------------------------------------*/

/** Says the same bytes to each caller, without end. */
struct madman {
    pthread_t thread;
    int fd;
    const char *words;
    size_t len;
    atomic_bool ends;
};

static void rave(const struct madman *madman, int caller)
{
    struct timeval patience = {0, 100 * MS};
    (void)setsockopt(caller, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    for (int i = 0; i < 20000 && !atomic_load(&madman->ends); i++) {
        if (send(caller, madman->words, madman->len, MSG_NOSIGNAL) <= 0) {
            return;
        }
    }
}

static void *be_mad(void *context)
{
    struct madman *madman = context;
    while (!atomic_load(&madman->ends)) {
        struct pollfd waiting = {madman->fd, POLLIN, 0};
        int caller = poll(&waiting, 1, 50) > 0 ? accept(madman->fd, NULL, NULL) : -1;
        if (caller >= 0) {
            rave(madman, caller);
            (void)close(caller);
        }
    }
    return NULL;
}

static const struct {
    const char *words;
    size_t len;
} ravings[] = {
    {"\0", 1},
    {"\x16\x03\x01\xff\xff", 5},
    {"220-welcome\r\n", 13},
    {"220 mail ESMTP\r\n", 16},
    {"250 ok\r\n", 8},
    {"500 hush\r\n", 10},
    {"HTTP/1.1 200 OK\r\nX: y\r\n", 23},
    {"hush", 4},
    {"\n", 1},
};
#define RAVING_COUNT (sizeof ravings / sizeof ravings[0])

START_TEST(a_mad_receiver_breaks_nothing)
{
    conf_outbound_allow(true);
    for (size_t i = 0; i < RAVING_COUNT; i++) {
        struct world world;
        struct chy_op *op = NULL;
        int64_t took = 0;
        world_open(&world, &examples[_i], true);
        struct madman madman = {.fd = world.fd, .words = ravings[i].words, .len = ravings[i].len};
        ck_assert_int_eq(pthread_create(&madman.thread, NULL, be_mad, &madman), 0);
        chy_status status = deliver_until(&world, 300 * MS, &op, &took);
        atomic_store(&madman.ends, true);
        ck_assert_int_eq(pthread_join(madman.thread, NULL), 0);
        ck_assert_int_ne(status, CHY_OK);
        check_failure(op, status);
        ck_assert_int_lt(took, 300 * MS + GRACE);
        conf_op_free(op);
        world_close(&world);
    }
}
END_TEST

TCase *notifier_delivery_tests(void)
{
    TCase *tests = tcase_create("deliveries");
    int count = (int)example_count;
    tcase_set_timeout(tests, 120);
    tcase_add_loop_test(tests, a_receiver_that_is_away_is_tried_later, 0, count);
    tcase_add_loop_test(tests, a_refused_address_is_not_called, 0, count);
    tcase_add_loop_test(tests, an_allowed_address_is_asked_about_and_called, 0, count);
    tcase_add_loop_test(tests, a_silent_receiver_ends_with_the_deadline, 0, count);
    tcase_add_loop_test(tests, what_is_late_is_not_begun, 0, count);
    tcase_add_loop_test(tests, what_is_cancelled_is_not_begun, 0, count);
    tcase_add_loop_test(tests, what_is_cancelled_ends_soon, 0, count);
    tcase_add_loop_test(tests, a_mad_receiver_breaks_nothing, 0, count);
    return tests;
}
