#include "base/lock.h"

#include "base/clock.h"
#include "base/time.h"

#include "test_main.h"

#include <signal.h>

static struct chy_mutex mutex = CHY_MUTEX_INIT;
static struct chy_cond cond;
static int number;
static bool is_held_elsewhere;

static void *increment(void *arg)
{
    (void)arg;
    for (int i = 0; i < 5000; i++) {
        chy_mutex_lock(&mutex);
        number++;
        chy_mutex_unlock(&mutex);
    }
    return NULL;
}

START_TEST(one_thread_at_a_time)
{
    pthread_t threads[4];
    for (int i = 0; i < 4; i++) {
        ck_assert_int_eq(pthread_create(&threads[i], NULL, increment, NULL), 0);
    }
    for (int i = 0; i < 4; i++) {
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
    }
    ck_assert_int_eq(number, 20000);
}
END_TEST

static void *ask(void *arg)
{
    (void)arg;
    is_held_elsewhere = chy_mutex_is_held(&mutex);
    return NULL;
}

START_TEST(a_mutex_knows_its_holder)
{
    ck_assert(!chy_mutex_is_held(&mutex));
    chy_mutex_lock(&mutex);
    ck_assert(chy_mutex_is_held(&mutex));
    chy_mutex_assert_held(&mutex);
    is_held_elsewhere = true;
    pthread_t thread;
    ck_assert_int_eq(pthread_create(&thread, NULL, ask, NULL), 0);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert(!is_held_elsewhere);
    chy_mutex_unlock(&mutex);
    ck_assert(!chy_mutex_is_held(&mutex));
}
END_TEST

START_TEST(unlocking_what_is_not_held_stops_the_process)
{
    chy_mutex_unlock(&mutex);
}
END_TEST

static void *set_number(void *arg)
{
    (void)arg;
    chy_mutex_lock(&mutex);
    number = 7;
    chy_cond_signal(&cond);
    chy_mutex_unlock(&mutex);
    return NULL;
}

START_TEST(waiting_ends_with_a_signal)
{
    chy_cond_init(&cond);
    pthread_t thread;
    ck_assert_int_eq(pthread_create(&thread, NULL, set_number, NULL), 0);
    chy_mutex_lock(&mutex);
    while (number != 7) {
        if (_i == 0) {
            chy_cond_wait(&cond, &mutex);
        } else {
            int64_t far = chy_clock_monotonic(chy_clock_real()) + 50 * CHY_US_PER_SECOND;
            ck_assert(chy_cond_wait_until(&cond, &mutex, _i == 1 ? far : INT64_MAX));
        }
        ck_assert(chy_mutex_is_held(&mutex));
    }
    chy_mutex_unlock(&mutex);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    chy_cond_fini(&cond);
}
END_TEST

START_TEST(waiting_ends_with_the_deadline)
{
    struct chy_mutex own;
    chy_mutex_init(&own);
    chy_cond_init(&cond);
    chy_mutex_lock(&own);
    int64_t start = chy_clock_monotonic(chy_clock_real());
    while (chy_cond_wait_until(&cond, &own, start + 20 * CHY_US_PER_MS)) {
    }
    ck_assert_int_ge(chy_clock_monotonic(chy_clock_real()) - start, 20 * CHY_US_PER_MS);
    ck_assert(chy_mutex_is_held(&own));
    ck_assert(!chy_cond_wait_until(&cond, &own, -5));
    chy_mutex_unlock(&own);
    chy_cond_fini(&cond);
    chy_mutex_fini(&own);
}
END_TEST

/* TEST_MAIN has no word for a test that is to end by a signal. */
int main(void)
{
    Suite *suite = suite_create("lock");
    TCase *tests = tcase_create("lock");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, one_thread_at_a_time);
    tcase_add_test(tests, a_mutex_knows_its_holder);
    tcase_add_loop_test(tests, waiting_ends_with_a_signal, 0, 3);
    tcase_add_test(tests, waiting_ends_with_the_deadline);
    tcase_add_test_raise_signal(tests, unlocking_what_is_not_held_stops_the_process, SIGABRT);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
