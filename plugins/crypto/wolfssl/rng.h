/**
 * Random generators, checked out for one call.
 *
 * A wolfCrypt generator that two threads share repeats its output, and so would one that was copied
 * by fork(): each is used by one call at a time, and starts anew in a child process.
 */
#ifndef CHANCERY_WOLFSSL_RNG_H
#define CHANCERY_WOLFSSL_RNG_H

#include "vault.h"
#include "wolf.h"

struct chy_rng {
    struct chy_rng *next;
    uint64_t generation; /**< of the process it was seeded in */
    WC_RNG rng;
};

struct chy_rngs {
    struct chy_vault *vault;
    pthread_mutex_t lock; /**< guards everything below */
    struct chy_rng *idle;
    uint64_t generation;
    uint8_t *alive; /**< a page that the kernel zeroes in a child; 1 otherwise */
};

/** chy_rngs_init prepares an empty pool.  False: no memory. */
CHY_MUST_USE bool chy_rngs_init(struct chy_rngs *rngs, struct chy_vault *vault);
/** chy_rngs_fini frees all generators; none may be out. */
void chy_rngs_fini(struct chy_rngs *rngs);

/** chy_rngs_take checks a generator out.  Returns 0 or a wolfCrypt code. */
CHY_MUST_USE int chy_rngs_take(struct chy_rngs *rngs, struct chy_rng **out_rng);
/** chy_rngs_give takes it back; one that says it failed is not kept.  NULL is fine. */
void chy_rngs_give(struct chy_rngs *rngs, struct chy_rng *rng);

/** chy_rng_fill writes random bytes.  Returns 0 or a wolfCrypt code. */
CHY_MUST_USE int chy_rng_fill(struct chy_rng *rng, struct chy_buffer out);

/**
 * chy_rng_hedge mixes kernel randomness, a private key and what it is about to sign into `rng`.
 * The nonce of the signature is then good if any one of kernel, generator and key is: a repeated
 * state with another message never repeats a nonce.  Returns 0 or a wolfCrypt code.
 */
CHY_MUST_USE int chy_rng_hedge(struct chy_rng *rng, struct chy_slice secret,
                               struct chy_slice digest);

#endif
