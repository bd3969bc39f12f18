#include "key.h"

#include "provider_fixture.h"
#include "seal.h"
#include "test_main.h"

#include "base/op.h"

#include <unistd.h>

START_TEST(a_key_that_is_in_use_by_all_its_objects_is_waited_for)
{
    struct chy_object *object;
    struct chy_object *other;
    struct chy_op *op = test_op_new();
    struct chy_provider *provider =
        provider_new(op, (struct provider_options){.objects_per_key = 1});
    struct chy_key *key = key_of(provider, CHY_KEY_EC_P256);
    ck_assert_int_eq(chy_key_checkout(key, op, &object), CHY_OK);
    ((struct chy_operation *)(void *)op)->deadline = chy_monotonic(op);
    ck_assert_int_eq(chy_key_checkout(key, op, &other), CHY_TRY_LATER);
    chy_key_checkin(key, object);
    ck_assert_int_eq(chy_key_checkout(key, op, &other), CHY_OK);
    ck_assert_ptr_eq(other, object);
    chy_key_checkin(key, other);
    ck_assert_uint_eq(key->objects, 1);
    chy_key_free(key);
    provider_free(provider);
    test_op_free(op);
}
END_TEST

START_TEST(callers_never_share_an_object)
{
    enum {
        AT_ONCE = 5
    };
    struct chy_object *objects[AT_ONCE];
    struct chy_op *op = test_op_new();
    struct chy_provider *provider = provider_new(op, (struct provider_options){0});
    struct chy_key *key = key_of(provider, CHY_KEY_EC_P256);
    for (size_t i = 0; i < AT_ONCE; i++) {
        ck_assert_int_eq(chy_key_checkout(key, op, &objects[i]), CHY_OK);
        for (size_t j = 0; j < i; j++) {
            ck_assert_ptr_ne(objects[i], objects[j]);
        }
    }
    ck_assert_uint_eq(atomic_load(&provider->objects_open), AT_ONCE);
    for (size_t i = 0; i < AT_ONCE; i++) {
        chy_key_checkin(key, objects[i]);
    }
    chy_key_free(key);
    ck_assert_uint_eq(atomic_load(&provider->objects_open), 0);
    ck_assert_uint_eq(atomic_load(&provider->keys_open), 0);
    provider_free(provider);
    test_op_free(op);
}
END_TEST

struct borrower {
    struct chy_key *key;
    struct chy_object *object;
};

static void *give_back_later(void *argument)
{
    struct borrower *borrower = argument;
    (void)usleep(30000);
    chy_key_checkin(borrower->key, borrower->object);
    return NULL;
}

START_TEST(release_waits_for_calls_on_the_key)
{
    pthread_t thread;
    struct chy_op *op = test_op_new();
    struct chy_provider *provider = provider_new(op, (struct provider_options){0});
    struct borrower borrower = {.key = key_of(provider, CHY_KEY_EC_P256)};
    ck_assert_int_eq(chy_key_checkout(borrower.key, op, &borrower.object), CHY_OK);
    ck_assert_int_eq(pthread_create(&thread, NULL, give_back_later, &borrower), 0);
    chy_key_free(borrower.key); // a memory checker would see it, had it not waited
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    provider_free(provider);
    test_op_free(op);
}
END_TEST

START_TEST(a_sealing_key_draws_no_more_nonces_than_is_safe)
{
    struct chy_slice sealed;
    struct chy_slice back;
    struct chy_op *op = test_op_new();
    struct chy_provider *provider = provider_new(op, (struct provider_options){0});
    struct chy_key *key = key_of(provider, CHY_KEY_AES_256);
    struct chy_seal_context context = {.struct_size = sizeof context,
                                       .purpose = chy_text("secret")};
    atomic_store(&key->seals, CHY_SEALS_MAX - 1);
    ck_assert_int_eq(chy_seal(key, op, &context, chy_text("last"), &sealed), CHY_OK);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(chy_seal(key, op, &context, chy_text("beyond"), &back), CHY_TRY_LATER);
    }
    // What was sealed is not lost.
    ck_assert_int_eq(chy_unseal(key, op, &context, sealed, &back), CHY_OK);
    ck_assert(chy_slice_is(back, "last"));
    chy_key_free(key);
    provider_free(provider);
    test_op_free(op);
}
END_TEST

/** And what does not fit is refused, rather than cut. */
START_TEST(a_hedged_generator_goes_on_differently)
{
    struct chy_op *op = test_op_new();
    struct chy_provider *provider = provider_new(op, (struct provider_options){0});
    struct chy_rng *rng;
    uint8_t one[32];
    uint8_t other[32];
    uint8_t secret[32] = {1};
    uint8_t long_secret[132] = {1};
    struct chy_slice digest = chy_slice_of(secret, sizeof secret);
    ck_assert_int_eq(chy_rngs_take(&provider->rngs, &rng), 0);
    ck_assert_int_eq(chy_rng_hedge(rng, chy_slice_of(secret, sizeof secret), digest), 0);
    ck_assert_int_eq(chy_rng_fill(rng, (struct chy_buffer){one, sizeof one}), 0);
    ck_assert_int_eq(chy_rng_hedge(rng, chy_slice_of(secret, sizeof secret), digest), 0);
    ck_assert_int_eq(chy_rng_fill(rng, (struct chy_buffer){other, sizeof other}), 0);
    ck_assert_mem_ne(one, other, sizeof one);
    ck_assert_int_ne(chy_rng_hedge(rng, chy_slice_of(long_secret, sizeof long_secret), digest), 0);
    chy_rngs_give(&provider->rngs, rng);
    provider_free(provider);
    test_op_free(op);
}
END_TEST

TEST_MAIN("wolfssl key", TEST(a_key_that_is_in_use_by_all_its_objects_is_waited_for),
          TEST(callers_never_share_an_object), TEST(release_waits_for_calls_on_the_key),
          TEST(a_sealing_key_draws_no_more_nonces_than_is_safe),
          TEST(a_hedged_generator_goes_on_differently))
