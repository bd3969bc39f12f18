/**
 * RSA keys made ahead, so that a request need not wait for two primes.
 *
 * Threads of the lowest priority fill the shelves while nothing else wants the processors.  A key
 * is given once, and never to a CA.  The keys lie in the vault, as bytes only.
 *
 * Sharing.  Whoever asked within the last ten seconds has a share of the shelf: its target divided
 * by the number of askers.  Nobody gets a key that another's share may still need; what nobody's
 * share needs is for whoever comes.
 */
#ifndef CHANCERY_WOLFSSL_READY_POOL_H
#define CHANCERY_WOLFSSL_READY_POOL_H

#include <chancery/host.h>

#include <pthread.h>
#include <stdbool.h>

#define CHY_READY_SHELVES 3
#define CHY_READY_THREADS_MAX 16
#define CHY_READY_ASKERS 64
#define CHY_READY_WINDOW_US INT64_C(10000000)

struct chy_key;
struct chy_provider;

/** One who asked for ready keys lately. */
struct chy_ready_asker {
    uint64_t name;    /**< hash of the requester; 0: the place is free */
    int64_t first_us; /**< when its window began */
    int64_t last_us;
    uint32_t taken[CHY_READY_SHELVES]; /**< within the window */
};

struct chy_ready_shelf {
    uint32_t algorithm; /**< enum chy_key_algorithm */
    uint32_t target;
    uint32_t count;
    uint32_t making;
    struct chy_key *keys;
};

struct chy_ready {
    struct chy_provider *provider;
    pthread_mutex_t lock; /**< guards what follows */
    pthread_cond_t changed;
    struct chy_ready_shelf shelves[CHY_READY_SHELVES];
    struct chy_ready_asker askers[CHY_READY_ASKERS];
    uint64_t hits;
    uint64_t misses;
    uint64_t pause_rate; /**< operations a second at which filling pauses */
    uint64_t seen_operations;
    int64_t seen_us;
    uint64_t rate;
    bool paused;
    bool stopping;
    uint32_t thread_count; /**< written by start and stop alone */
    pthread_t threads[CHY_READY_THREADS_MAX];
};

void chy_ready_init(struct chy_ready *ready, struct chy_provider *provider);
/** chy_ready_fini frees the keys; the threads have stopped. */
void chy_ready_fini(struct chy_ready *ready);

/** chy_ready_configure sets how many keys of each algorithm to hold, in the order RSA 2048, 3072,
 *  4096; keys above that are wiped. */
void chy_ready_configure(struct chy_ready *ready, const uint32_t targets[CHY_READY_SHELVES],
                         uint64_t pause_rate);

/** chy_ready_start starts up to `threads` of them.  False: not even one could be started. */
CHY_MUST_USE bool chy_ready_start(struct chy_ready *ready, uint32_t threads);
/** chy_ready_pause ends filling for good. */
void chy_ready_pause(struct chy_ready *ready);
/** chy_ready_stop ends the threads; it waits for keys in the making. */
void chy_ready_stop(struct chy_ready *ready);

/** chy_ready_take gives a key, which is the caller's then, or NULL when there is none for this
 *  requester.  `now_us` is the host's monotonic time. */
struct chy_key *chy_ready_take(struct chy_ready *ready, uint32_t algorithm,
                               struct chy_slice requester, int64_t now_us);

/** chy_ready_offer puts a key onto its shelf, or frees it when the shelf is full. */
void chy_ready_offer(struct chy_ready *ready, struct chy_key *key);

struct chy_ready_counts {
    uint64_t keys;
    uint64_t target;
    uint64_t hits;
    uint64_t misses;
};
void chy_ready_count(struct chy_ready *ready, struct chy_ready_counts *out_counts);

#endif
