/** kill -9 while batches are written: what was answered is there, and nothing is there by half. */
#include "main.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS 6
#define THREADS 8
#define NUMBERS_MAX 200000

static char *place;
static int answers[2]; /**< a pipe: the numbers of the batches that were answered */
static uint64_t first_number;

static void *write_on(void *arg)
{
    uint64_t thread = *(const uint64_t *)arg;
    for (uint64_t i = 0;; i++) {
        uint64_t number = first_number + i * THREADS + thread;
        struct chy_op *op = conf_op_new(instance);
        // A number written to a pipe arrives whole, and survives its writer.
        if (insert_one(op, number) != CHY_OK ||
            write(answers[1], &number, sizeof number) != (ssize_t)sizeof number) {
            _exit(3);
        }
        conf_op_free(op);
    }
    return NULL;
}

/** be_killed opens the store, starts writing and never returns. */
static void be_killed(void)
{
    static uint64_t numbers[THREADS];
    store_open_in(place, &schema);
    struct chy_op *op = conf_op_new(instance);
    if (ops->upgrade(self, op) != CHY_OK) {
        _exit(4);
    }
    for (uint64_t i = 0; i < THREADS; i++) {
        pthread_t thread;
        numbers[i] = i;
        if (pthread_create(&thread, NULL, write_on, &numbers[i]) != 0) {
            _exit(5);
        }
    }
    for (;;) {
        (void)pause();
    }
}

/** kill_after lets a child write for `ms` and kills it. */
static void kill_after(long ms)
{
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        be_killed();
    }
    uint64_t number = 0;
    // The first answer: now it is writing.
    ck_assert_int_eq(read(answers[0], &number, sizeof number), sizeof number);
    ck_assert_int_eq(write(answers[1], &number, sizeof number), sizeof number);
    const struct timespec time = {ms / 1000, ms % 1000 * 1000000};
    (void)nanosleep(&time, NULL);
    ck_assert_int_eq(kill(child, SIGKILL), 0);
    int status = 0;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_msg(WIFSIGNALED(status), "the writer ended by itself: %d", status);
}

static uint64_t read_answers(uint64_t *numbers)
{
    // The end of the answers: a number that no batch has.
    const uint64_t end = UINT64_MAX;
    uint64_t count = 0;
    ck_assert_int_eq(write(answers[1], &end, sizeof end), sizeof end);
    for (;;) {
        uint64_t number = 0;
        ck_assert_int_eq(read(answers[0], &number, sizeof number), sizeof number);
        if (number == end) {
            return count;
        }
        ck_assert_uint_lt(count, NUMBERS_MAX);
        numbers[count++] = number;
    }
}

START_TEST(what_was_answered_survives_and_nothing_is_there_by_half)
{
    static uint64_t numbers[NUMBERS_MAX];
    place = conf_temp_dir_new();
    // So large that the writers do not wait for the reader of the answers.
    ck_assert_int_eq(pipe(answers), 0);
    for (int round = 0; round < ROUNDS; round++) {
        first_number = (uint64_t)(round + 1) * 1000000;
        kill_after(20 + 35 * round);
        uint64_t count = read_answers(numbers);
        ck_assert_uint_gt(count, 0);
        store_open_in(place, &schema);
        for (uint64_t i = 0; i < count; i++) {
            ck_assert_msg(thing_revision(numbers[i]) == 1, "round %d: %llu was answered and lost",
                          round, (unsigned long long)numbers[i]);
        }
        ck_assert_int_eq(counter_value("inserted", 1), (int64_t)count_things());
        struct chy_op *op = op_new();
        EXPECT(op, ops->check(self, op), CHY_OK);
        store_close();
    }
    conf_temp_dir_remove(place);
}
END_TEST

int main(int argc, char **argv)
{
    TCase *tests = tcase_create("death");
    tcase_set_timeout(tests, 240);
    tcase_add_test(tests, what_was_answered_survives_and_nothing_is_there_by_half);
    return run_tests(argc, argv, tests);
}
