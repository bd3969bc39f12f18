#include "ready_pool.h"

#include "key.h"

#include <sched.h>
#include <signal.h>
#include <time.h>

#define STACK_SIZE ((size_t)1024 * 1024)
/** How long filling rests when others are busy, and after a failure. */
#define REST_US 100000
#define FAILURE_REST_US 5000000
/** A rate is measured over at least so long. */
#define SAMPLE_US 50000

static int64_t now_us(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

void chy_ready_init(struct chy_ready *ready, struct chy_provider *provider)
{
    static const uint32_t algorithms[] = {CHY_KEY_RSA_2048, CHY_KEY_RSA_3072, CHY_KEY_RSA_4096};
    memset(ready, 0, sizeof *ready);
    ready->provider = provider;
    for (size_t i = 0; i < CHY_READY_SHELVES; i++) {
        ready->shelves[i].algorithm = algorithms[i];
    }
    (void)pthread_mutex_init(&ready->lock, NULL);
    chy_condition_init(&ready->changed);
}

/* --- shelves -----------------------------------------------------------------------------------*/

static struct chy_key *pop_locked(struct chy_ready_shelf *shelf)
{
    struct chy_key *key = shelf->keys;
    if (key != NULL) {
        shelf->keys = key->next;
        shelf->count--;
        key->next = NULL;
    }
    return key;
}

static struct chy_ready_shelf *shelf_of(struct chy_ready *ready, uint32_t algorithm)
{
    for (size_t i = 0; i < CHY_READY_SHELVES; i++) {
        if (ready->shelves[i].algorithm == algorithm) {
            return &ready->shelves[i];
        }
    }
    return NULL;
}

/** trim_locked takes off a shelf what is above its target, as a list. */
static struct chy_key *trim_locked(struct chy_ready_shelf *shelf, struct chy_key *list)
{
    while (shelf->count > shelf->target) {
        struct chy_key *key = pop_locked(shelf);
        key->next = list;
        list = key;
    }
    return list;
}

static void free_list(struct chy_key *list)
{
    while (list != NULL) {
        struct chy_key *key = list;
        list = key->next;
        chy_key_free(key);
    }
}

void chy_ready_configure(struct chy_ready *ready, const uint32_t targets[CHY_READY_SHELVES],
                         uint64_t pause_rate)
{
    struct chy_key *surplus = NULL;
    (void)pthread_mutex_lock(&ready->lock);
    ready->pause_rate = pause_rate;
    for (size_t i = 0; i < CHY_READY_SHELVES; i++) {
        ready->shelves[i].target = targets[i];
        surplus = trim_locked(&ready->shelves[i], surplus);
    }
    (void)pthread_cond_broadcast(&ready->changed);
    (void)pthread_mutex_unlock(&ready->lock);
    free_list(surplus);
}

void chy_ready_fini(struct chy_ready *ready)
{
    const uint32_t none[CHY_READY_SHELVES] = {0};
    chy_ready_configure(ready, none, 0);
    (void)pthread_cond_destroy(&ready->changed);
    (void)pthread_mutex_destroy(&ready->lock);
}

void chy_ready_offer(struct chy_ready *ready, struct chy_key *key)
{
    chy_key_shed(key);
    (void)pthread_mutex_lock(&ready->lock);
    struct chy_ready_shelf *shelf = shelf_of(ready, key->algorithm->id);
    bool wanted = shelf != NULL && shelf->count < shelf->target;
    if (wanted) {
        key->next = shelf->keys;
        shelf->keys = key;
        shelf->count++;
    }
    (void)pthread_mutex_unlock(&ready->lock);
    if (!wanted) {
        chy_key_free(key);
    }
}

/* --- sharing -----------------------------------------------------------------------------------*/

/** name_of is FNV-1a: two requesters with one name would share one share, and nothing worse. */
static uint64_t name_of(struct chy_slice requester)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (uint64_t i = 0; i < requester.len; i++) {
        hash = (hash ^ requester.ptr[i]) * UINT64_C(0x100000001b3);
    }
    return hash == 0 ? 1 : hash;
}

static bool is_active(const struct chy_ready_asker *asker, int64_t now)
{
    return asker->name != 0 && now - asker->last_us < CHY_READY_WINDOW_US;
}

/** asker_locked finds the requester's place, or takes the one that was not used for longest. */
static struct chy_ready_asker *asker_locked(struct chy_ready *ready, uint64_t name, int64_t now)
{
    struct chy_ready_asker *place = &ready->askers[0];
    for (size_t i = 0; i < CHY_READY_ASKERS; i++) {
        struct chy_ready_asker *asker = &ready->askers[i];
        if (asker->name == name) {
            place = asker;
            break;
        }
        if (asker->name == 0 || (place->name != 0 && asker->last_us < place->last_us)) {
            place = asker;
        }
    }
    if (place->name != name || now - place->first_us >= CHY_READY_WINDOW_US) {
        *place = (struct chy_ready_asker){.name = name, .first_us = now};
    }
    place->last_us = now;
    return place;
}

/** reserved_locked counts the keys on a shelf that others than `self` may still need. */
static uint32_t reserved_locked(const struct chy_ready *ready, size_t shelf,
                                const struct chy_ready_asker *self, int64_t now)
{
    uint32_t active = 0;
    for (size_t i = 0; i < CHY_READY_ASKERS; i++) {
        active += is_active(&ready->askers[i], now) ? 1U : 0U;
    }
    uint32_t share = ready->shelves[shelf].target / (active == 0 ? 1 : active);
    uint32_t reserved = 0;
    for (size_t i = 0; i < CHY_READY_ASKERS; i++) {
        const struct chy_ready_asker *asker = &ready->askers[i];
        if (asker != self && is_active(asker, now) && asker->taken[shelf] < share) {
            reserved += share - asker->taken[shelf];
        }
    }
    // One's own share is one's own, whatever the others may still need.
    return self->taken[shelf] < share ? 0 : reserved;
}

static struct chy_key *take_locked(struct chy_ready *ready, struct chy_ready_shelf *shelf,
                                   uint64_t name, int64_t now)
{
    size_t number = (size_t)(shelf - ready->shelves);
    struct chy_ready_asker *asker = asker_locked(ready, name, now);
    if (shelf->count <= reserved_locked(ready, number, asker, now)) {
        return NULL;
    }
    asker->taken[number]++;
    return pop_locked(shelf);
}

struct chy_key *chy_ready_take(struct chy_ready *ready, uint32_t algorithm,
                               struct chy_slice requester, int64_t now)
{
    struct chy_ready_shelf *shelf = shelf_of(ready, algorithm);
    if (shelf == NULL) {
        return NULL;
    }
    (void)pthread_mutex_lock(&ready->lock);
    struct chy_key *key = take_locked(ready, shelf, name_of(requester), now);
    if (key != NULL) {
        ready->hits++;
        (void)pthread_cond_signal(&ready->changed);
    } else {
        ready->misses++;
    }
    (void)pthread_mutex_unlock(&ready->lock);
    return key;
}

void chy_ready_count(struct chy_ready *ready, struct chy_ready_counts *out_counts)
{
    struct chy_ready_counts counts = {0};
    (void)pthread_mutex_lock(&ready->lock);
    for (size_t i = 0; i < CHY_READY_SHELVES; i++) {
        counts.keys += ready->shelves[i].count;
        counts.target += ready->shelves[i].target;
    }
    counts.hits = ready->hits;
    counts.misses = ready->misses;
    (void)pthread_mutex_unlock(&ready->lock);
    *out_counts = counts;
}

/* --- filling -----------------------------------------------------------------------------------*/

/** neediest_locked is the shelf that is emptiest for its target, or NULL when all are full. */
static struct chy_ready_shelf *neediest_locked(struct chy_ready *ready)
{
    struct chy_ready_shelf *neediest = NULL;
    for (size_t i = 0; i < CHY_READY_SHELVES; i++) {
        struct chy_ready_shelf *shelf = &ready->shelves[i];
        uint64_t coming = shelf->count + shelf->making;
        if (coming < shelf->target &&
            (neediest == NULL ||
             coming * neediest->target <
                 (uint64_t)(neediest->count + neediest->making) * shelf->target)) {
            neediest = shelf;
        }
    }
    return neediest;
}

/** busy_locked tells whether requests keep the processors busy. */
static bool busy_locked(struct chy_ready *ready)
{
    int64_t now = now_us();
    int64_t passed = now - ready->seen_us;
    if (passed >= SAMPLE_US) {
        uint64_t operations =
            atomic_load_explicit(&ready->provider->operations, memory_order_relaxed);
        ready->rate = (operations - ready->seen_operations) * 1000000 / (uint64_t)passed;
        ready->seen_operations = operations;
        ready->seen_us = now;
    }
    return ready->rate > ready->pause_rate;
}

/** next_locked waits for something to make; NULL: the thread is to end. */
static struct chy_ready_shelf *next_locked(struct chy_ready *ready)
{
    while (!ready->stopping) {
        struct chy_ready_shelf *shelf = ready->paused ? NULL : neediest_locked(ready);
        if (shelf == NULL) {
            (void)pthread_cond_wait(&ready->changed, &ready->lock);
        } else if (busy_locked(ready)) {
            chy_wait_for(&ready->changed, &ready->lock, REST_US);
        } else {
            return shelf;
        }
    }
    return NULL;
}

static void report(struct chy_provider *provider, int code)
{
    struct chy_op *op =
        provider->host->op_begin(provider->instance, chy_text("ready-pool"), CHY_NO_DEADLINE);
    if (op != NULL) {
        chy_log_warning(op, "crypto.ready_pool", "a key could not be made ahead, retrying: %s (%d)",
                        wc_GetErrorString(code), code);
        provider->host->op_end(op);
    }
}

/** make_one_locked makes a key for a shelf.  The lock is let go meanwhile. */
static void make_one_locked(struct chy_ready *ready, struct chy_ready_shelf *shelf)
{
    struct chy_provider *provider = ready->provider;
    struct chy_rng *rng;
    struct chy_key *key;
    shelf->making++;
    (void)pthread_mutex_unlock(&ready->lock);
    int code = chy_rngs_take(&provider->rngs, &rng);
    if (code == 0) {
        code = chy_key_generate(provider, chy_algorithm_find(shelf->algorithm), rng, 0, &key);
        chy_rngs_give(&provider->rngs, rng);
    }
    if (code == 0) {
        chy_ready_offer(ready, key);
    } else {
        report(provider, code);
    }
    (void)pthread_mutex_lock(&ready->lock);
    shelf->making--;
    if (code != 0 && !ready->stopping) {
        chy_wait_for(&ready->changed, &ready->lock, FAILURE_REST_US);
    }
}

static void *fill(void *argument)
{
    struct chy_ready *ready = argument;
    struct sched_param none = {.sched_priority = 0};
    // Not being allowed to step back is no reason not to work.
    (void)pthread_setschedparam(pthread_self(), SCHED_IDLE, &none);
    (void)pthread_mutex_lock(&ready->lock);
    for (struct chy_ready_shelf *shelf = next_locked(ready); shelf != NULL;
         shelf = next_locked(ready)) {
        make_one_locked(ready, shelf);
    }
    (void)pthread_mutex_unlock(&ready->lock);
    return NULL;
}

bool chy_ready_start(struct chy_ready *ready, uint32_t threads)
{
    sigset_t all;
    sigset_t before;
    pthread_attr_t attributes;
    if (pthread_attr_init(&attributes) != 0) {
        return false;
    }
    (void)pthread_attr_setstacksize(&attributes, STACK_SIZE);
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before); // signals belong to the host's threads
    while (ready->thread_count < threads && ready->thread_count < CHY_READY_THREADS_MAX &&
           pthread_create(&ready->threads[ready->thread_count], &attributes, fill, ready) == 0) {
        ready->thread_count++;
    }
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    (void)pthread_attr_destroy(&attributes);
    return ready->thread_count > 0;
}

void chy_ready_pause(struct chy_ready *ready)
{
    (void)pthread_mutex_lock(&ready->lock);
    ready->paused = true;
    (void)pthread_mutex_unlock(&ready->lock);
}

void chy_ready_stop(struct chy_ready *ready)
{
    (void)pthread_mutex_lock(&ready->lock);
    ready->stopping = true;
    (void)pthread_cond_broadcast(&ready->changed);
    (void)pthread_mutex_unlock(&ready->lock);
    while (ready->thread_count > 0) {
        ready->thread_count--;
        (void)pthread_join(ready->threads[ready->thread_count], NULL);
    }
}
