/** Promises about many threads at once, with one key. */
#include "crypto_fixture.h"

#include <pthread.h>
#include <stdlib.h>

#define THREADS 8

/** One thread's work, with an operation of its own. */
struct worker {
    pthread_t thread;
    struct chy_op *op;
    struct chy_key *key;
    uint32_t algorithm;
    size_t times;
    struct chy_slice *results; /**< `times` of them; they live in `op` */
    size_t failures;
};

static void run_workers(struct worker *workers, void *(*work)(void *))
{
    for (size_t i = 0; i < THREADS; i++) {
        workers[i].op = conf_op_new(crypto_instance);
        workers[i].results = calloc(workers[i].times, sizeof *workers[i].results);
        ck_assert_ptr_nonnull(workers[i].results);
    }
    for (size_t i = 0; i < THREADS; i++) {
        ck_assert_int_eq(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        ck_assert_int_eq(pthread_join(workers[i].thread, NULL), 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        ck_assert_msg(workers[i].failures == 0, "%zu of %zu failed: %s", workers[i].failures,
                      workers[i].times, conf_op_message(workers[i].op));
    }
}

static void end_workers(struct worker *workers)
{
    for (size_t i = 0; i < THREADS; i++) {
        free(workers[i].results);
        conf_op_free(workers[i].op);
    }
}

static void prepare(struct worker *workers, struct chy_key *key, uint32_t algorithm, size_t times)
{
    memset(workers, 0, THREADS * sizeof *workers);
    for (size_t i = 0; i < THREADS; i++) {
        workers[i].key = key;
        workers[i].algorithm = algorithm;
        workers[i].times = times;
    }
}

static int by_bytes(const void *a, const void *b)
{
    const struct chy_slice *x = a;
    const struct chy_slice *y = b;
    if (x->len != y->len) {
        return x->len < y->len ? -1 : 1;
    }
    return memcmp(x->ptr, y->ptr, x->len);
}

/** must_differ checks that no two of all workers' results, cut by `part`, are the same. */
static void must_differ(const struct worker *workers,
                        struct chy_slice (*part)(struct chy_slice result))
{
    size_t times = workers[0].times;
    struct chy_slice *all = calloc(THREADS * times, sizeof *all);
    ck_assert_ptr_nonnull(all);
    for (size_t i = 0; i < THREADS * times; i++) {
        all[i] = part(workers[i / times].results[i % times]);
    }
    qsort(all, THREADS * times, sizeof *all, by_bytes);
    size_t repeated = 0;
    for (size_t i = 1; i < THREADS * times; i++) {
        repeated += by_bytes(&all[i - 1], &all[i]) == 0 ? 1U : 0U;
    }
    free(all);
    ck_assert_msg(repeated == 0, "%zu of %zu repeat another", repeated, THREADS * times);
}

/* --- signing -----------------------------------------------------------------------------------*/

static void *sign_many(void *argument)
{
    struct worker *worker = argument;
    for (size_t i = 0; i < worker->times; i++) {
        if (crypto->sign(self, worker->op, worker->key, worker->algorithm, chy_text("the same"),
                         &worker->results[i]) != CHY_OK) {
            worker->failures++;
        }
    }
    return NULL;
}

/** sign_at_once signs with one key on all threads, and checks every signature. */
static void sign_at_once(struct worker *workers, uint32_t key_algorithm, uint32_t algorithm,
                         size_t times)
{
    struct chy_key *key = key_usual(key_algorithm, 0);
    struct chy_key *public = key_public(spki_of(key));
    prepare(workers, key, algorithm, times);
    run_workers(workers, sign_many);
    for (size_t i = 0; i < THREADS; i++) {
        for (size_t n = 0; n < times; n++) {
            must(CHY_OK, crypto->verify(self, op, public, algorithm, chy_text("the same"),
                                        workers[i].results[n]));
        }
    }
    release(public);
    release(key);
}

static struct chy_slice first_number(struct chy_slice signature)
{
    uint64_t at = signature.ptr[1] < 0x80 ? 2 : 3;
    return chy_slice_of(signature.ptr + at + 2, signature.ptr[at + 1]);
}

START_TEST(one_rsa_key_signs_right_on_all_threads)
{
    struct worker workers[THREADS];
    sign_at_once(workers, CHY_KEY_RSA_2048, CHY_SIG_RSA_SHA256, 25);
    end_workers(workers);
}
END_TEST

START_TEST(one_ec_key_signs_right_on_all_threads_and_repeats_no_nonce)
{
    struct worker workers[THREADS];
    sign_at_once(workers, CHY_KEY_EC_P256, CHY_SIG_ECDSA_SHA256, 250);
    must_differ(workers, first_number);
    end_workers(workers);
}
END_TEST

START_TEST(every_kind_of_key_signs_right_on_all_threads)
{
    for (size_t i = 0; i < pair_count; i++) {
        struct worker workers[THREADS];
        if (pairs[i].key == CHY_KEY_RSA_3072 || pairs[i].key == CHY_KEY_RSA_4096 ||
            !has_key(pairs[i].key) || !has_signature(pairs[i].signature)) {
            continue;
        }
        sign_at_once(workers, pairs[i].key, pairs[i].signature, 4);
        end_workers(workers);
    }
}
END_TEST

/* --- verifying and sealing ---------------------------------------------------------------------*/

static void *verify_many(void *argument)
{
    struct worker *worker = argument;
    struct chy_slice message = chy_text("message");
    for (size_t i = 0; i < worker->times; i++) {
        struct chy_slice signature;
        struct chy_slice wrong = chy_text("another");
        if (crypto->sign(self, worker->op, worker->key, worker->algorithm, message, &signature) !=
                CHY_OK ||
            crypto->verify(self, worker->op, worker->key, worker->algorithm, message, signature) !=
                CHY_OK ||
            crypto->verify(self, worker->op, worker->key, worker->algorithm, wrong, signature) !=
                CHY_BAD_INPUT) {
            worker->failures++;
        }
    }
    return NULL;
}

START_TEST(one_key_verifies_right_on_all_threads)
{
    struct worker workers[THREADS];
    struct chy_key *ec = key_made(CHY_KEY_EC_P256, 0);
    prepare(workers, ec, CHY_SIG_ECDSA_SHA256, 50);
    run_workers(workers, verify_many);
    end_workers(workers);
    release(ec);
    struct chy_key *rsa = key_usual(CHY_KEY_RSA_2048, 0);
    prepare(workers, rsa, CHY_SIG_RSA_PSS_SHA256, 10);
    run_workers(workers, verify_many);
    end_workers(workers);
    release(rsa);
}
END_TEST

static void *seal_many(void *argument)
{
    struct worker *worker = argument;
    struct chy_seal_context context = context_of("secret", "row");
    struct chy_slice secret = chy_text("secret");
    for (size_t i = 0; i < worker->times; i++) {
        struct chy_slice back;
        if (crypto->seal(self, worker->op, worker->key, &context, secret, &worker->results[i]) !=
                CHY_OK ||
            crypto->open(self, worker->op, worker->key, &context, worker->results[i], &back) !=
                CHY_OK ||
            !chy_slice_equal(back, secret)) {
            worker->failures++;
        }
    }
    return NULL;
}

/** start_of is where a nonce would stand: sixteen bytes repeat only if it does. */
static struct chy_slice start_of(struct chy_slice blob)
{
    return chy_slice_of(blob.ptr, blob.len < 16 ? blob.len : 16);
}

START_TEST(one_key_seals_on_all_threads_and_repeats_nothing)
{
    struct worker workers[THREADS];
    struct chy_key *key = key_made(CHY_KEY_AES_256, 0);
    prepare(workers, key, 0, 500);
    run_workers(workers, seal_many);
    must_differ(workers, start_of);
    end_workers(workers);
    release(key);
}
END_TEST

/* --- randomness --------------------------------------------------------------------------------*/

static void *draw_many(void *argument)
{
    struct worker *worker = argument;
    for (size_t i = 0; i < worker->times; i++) {
        uint8_t *bytes = chy_alloc(worker->op, 16);
        if (bytes == NULL ||
            crypto->random(self, worker->op, (struct chy_buffer){bytes, 16}) != CHY_OK) {
            worker->failures++;
        }
        worker->results[i] = chy_slice_of(bytes, 16);
    }
    return NULL;
}

static struct chy_slice whole(struct chy_slice result)
{
    return result;
}

START_TEST(a_hundred_thousand_random_numbers_differ)
{
    struct worker workers[THREADS];
    prepare(workers, NULL, 0, 100000 / THREADS);
    run_workers(workers, draw_many);
    must_differ(workers, whole);
    end_workers(workers);
}
END_TEST

/* --- handles -----------------------------------------------------------------------------------*/

static void *live_many_lives(void *argument)
{
    struct worker *worker = argument;
    struct chy_slice message = chy_text("message");
    for (size_t i = 0; i < worker->times; i++) {
        struct chy_key_template template = {.struct_size = sizeof template,
                                            .algorithm = CHY_KEY_EC_P256};
        struct chy_key *key = NULL;
        struct chy_key *public = NULL;
        struct chy_slice spki;
        struct chy_slice signature;
        if (crypto->generate(self, worker->op, &template, &key) != CHY_OK ||
            crypto->public_key(self, worker->op, key, &spki) != CHY_OK ||
            crypto->load_public(self, worker->op, spki, &public) != CHY_OK ||
            crypto->sign(self, worker->op, key, CHY_SIG_ECDSA_SHA256, message, &signature) !=
                CHY_OK ||
            crypto->verify(self, worker->op, public, CHY_SIG_ECDSA_SHA256, message, signature) !=
                CHY_OK) {
            worker->failures++;
        }
        crypto->release(self, public);
        crypto->release(self, key);
    }
    return NULL;
}

START_TEST(keys_come_and_go_on_all_threads)
{
    struct worker workers[THREADS];
    prepare(workers, NULL, 0, 40);
    run_workers(workers, live_many_lives);
    end_workers(workers);
}
END_TEST

TCase *crypto_thread_tests(void)
{
    TCase *tcase = crypto_tcase("threads");
    tcase_add_test(tcase, one_rsa_key_signs_right_on_all_threads);
    tcase_add_test(tcase, one_ec_key_signs_right_on_all_threads_and_repeats_no_nonce);
    tcase_add_test(tcase, every_kind_of_key_signs_right_on_all_threads);
    tcase_add_test(tcase, one_key_verifies_right_on_all_threads);
    tcase_add_test(tcase, one_key_seals_on_all_threads_and_repeats_nothing);
    tcase_add_test(tcase, a_hundred_thousand_random_numbers_differ);
    tcase_add_test(tcase, keys_come_and_go_on_all_threads);
    return tcase;
}
