/** One instance of the plugin: what all of its operations share. */
#ifndef CHANCERY_WOLFSSL_PROVIDER_H
#define CHANCERY_WOLFSSL_PROVIDER_H

#include "ready_pool.h"
#include "rng.h"
#include "turnstile.h"

#include <stdatomic.h>

struct chy_provider {
    const struct chy_host *host;
    struct chy_instance *instance;
    struct chy_vault vault;
    struct chy_rngs rngs;
    struct chy_turnstile turnstile; /**< RSA keys made while a request waits */
    struct chy_ready ready;         /**< RSA keys made ahead */
    uint32_t objects_per_key;
    uint32_t ready_threads;
    atomic_uint_fast64_t operations; /**< all so far, so that the ready pool sees the load */
    atomic_uint_fast64_t keys_open;
    atomic_uint_fast64_t objects_open;
};

#endif
