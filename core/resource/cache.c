#include "resource/cache.h"

#include "base/lock.h"
#include "resource/collections.h"

#include <assert.h>
#include <stdlib.h>

#define BUCKETS 2048U
#define KEY_MAX 64U

struct entry {
    struct entry *next;
    struct chy_cached *cached;
    int64_t epoch;
    uint32_t kind;
    uint32_t key_len;
    uint8_t key[KEY_MAX];
};

struct chy_cache {
    struct chy_runtime *runtime;
    struct chy_mutex lock; /**< guards all below; never held across a storage call */
    struct entry *buckets[BUCKETS];
    uint32_t count;
    int64_t epoch;              /**< as the last poll found it */
    int64_t polled_at;          /**< when that poll started, monotonic; INT64_MIN: not at all */
    uint64_t forgotten;         /**< how often chy_cache_forget() was called */
    struct chy_mutex poll_lock; /**< one poll at a time; the others wait for its result */
};

void chy_cached_init(struct chy_cached *cached, void (*free)(struct chy_cached *cached))
{
    atomic_init(&cached->references, 1);
    cached->free = free;
}

void chy_cached_unref(struct chy_cached *cached)
{
    if (cached == NULL) {
        return;
    }
    unsigned before = atomic_fetch_sub_explicit(&cached->references, 1, memory_order_acq_rel);
    assert(before > 0);
    if (before == 1) {
        cached->free(cached);
    }
}

static void unref_deferred(void *cached)
{
    chy_cached_unref(cached);
}

struct chy_cache *chy_cache_new(struct chy_runtime *runtime)
{
    struct chy_cache *cache = calloc(1, sizeof *cache);
    if (cache == NULL) {
        return NULL;
    }
    cache->runtime = runtime;
    cache->polled_at = INT64_MIN;
    chy_mutex_init(&cache->lock);
    chy_mutex_init(&cache->poll_lock);
    return cache;
}

/** take_all_locked empties the table; what it returns goes to free_entries() without the lock. */
static struct entry *take_all_locked(struct chy_cache *cache)
{
    struct entry *taken = NULL;
    for (uint32_t i = 0; i < BUCKETS && cache->count > 0; i++) {
        while (cache->buckets[i] != NULL) {
            struct entry *entry = cache->buckets[i];
            cache->buckets[i] = entry->next;
            entry->next = taken;
            taken = entry;
            cache->count--;
        }
    }
    return taken;
}

// The last reference to an issuer releases its key, which is a call into a plugin.
static void free_entries(struct entry *entry)
{
    while (entry != NULL) {
        struct entry *next = entry->next;
        chy_cached_unref(entry->cached);
        free(entry);
        entry = next;
    }
}

void chy_cache_free(struct chy_cache *cache)
{
    if (cache == NULL) {
        return;
    }
    free_entries(take_all_locked(cache));
    chy_mutex_fini(&cache->lock);
    chy_mutex_fini(&cache->poll_lock);
    free(cache);
}

void chy_cache_forget(struct chy_cache *cache)
{
    chy_mutex_lock(&cache->lock);
    cache->polled_at = INT64_MIN;
    cache->forgotten++;
    struct entry *taken = take_all_locked(cache);
    chy_mutex_unlock(&cache->lock);
    free_entries(taken);
}

static uint32_t bucket_of(uint32_t kind, struct chy_slice key)
{
    uint64_t hash = UINT64_C(14695981039346656037) ^ kind; // FNV-1a; keys are ids and digests
    for (uint64_t i = 0; i < key.len; i++) {
        hash = (hash ^ key.ptr[i]) * UINT64_C(1099511628211);
    }
    return (uint32_t)(hash % BUCKETS);
}

static bool is_fresh_locked(const struct chy_cache *cache, struct chy_op *op)
{
    return cache->polled_at != INT64_MIN && chy_monotonic(op) - cache->polled_at < CHY_CACHE_FRESH;
}

static struct entry *find_locked(struct chy_cache *cache, uint32_t kind, struct chy_slice key)
{
    struct entry *entry = cache->buckets[bucket_of(kind, key)];
    while (entry != NULL && !(entry->kind == kind &&
                              chy_slice_equal(chy_slice_of(entry->key, entry->key_len), key))) {
        entry = entry->next;
    }
    return entry != NULL && entry->epoch == cache->epoch ? entry : NULL;
}

static chy_status poll_epoch(struct chy_cache *cache, struct chy_op *op)
{
    int64_t started = chy_monotonic(op);
    chy_mutex_lock(&cache->lock);
    uint64_t forgotten = cache->forgotten;
    chy_mutex_unlock(&cache->lock);

    struct chy_storage_row row;
    int64_t epoch = 0;
    chy_status status = chy_storage_read(cache->runtime->storage, op, CHY_C_EPOCH,
                                         CHY_KEY(chy_value_text(chy_text("epoch"))),
                                         CHY_FIELDS(CHY_EPOCH_VALUE), &row);
    if (status == CHY_OK) {
        epoch = chy_row_int(&row, 0);
    } else if (status != CHY_NOT_FOUND) { // no row: nothing was ever changed
        return status;
    }
    struct entry *taken = NULL;
    chy_mutex_lock(&cache->lock);
    if (epoch != cache->epoch) {
        taken = take_all_locked(cache);
        cache->epoch = epoch;
    }
    // A write of this node came in between: what was polled may be older than it.
    if (forgotten == cache->forgotten) {
        cache->polled_at = started;
    }
    chy_mutex_unlock(&cache->lock);
    free_entries(taken);
    return CHY_OK;
}

static chy_status refresh(struct chy_cache *cache, struct chy_op *op)
{
    chy_mutex_lock(&cache->lock);
    bool fresh = is_fresh_locked(cache, op);
    chy_mutex_unlock(&cache->lock);
    if (fresh) {
        return CHY_OK;
    }
    chy_mutex_lock(&cache->poll_lock);
    chy_mutex_lock(&cache->lock);
    fresh = is_fresh_locked(cache, op); // another thread polled while we waited
    chy_mutex_unlock(&cache->lock);
    chy_status status = fresh ? CHY_OK : poll_epoch(cache, op);
    chy_mutex_unlock(&cache->poll_lock);
    return status;
}

static chy_status hold(struct chy_op *op, struct chy_cached *cached,
                       const struct chy_cached **out_cached)
{
    chy_status status = chy_defer(op, unref_deferred, cached);
    if (status != CHY_OK) {
        chy_cached_unref(cached);
        return status;
    }
    *out_cached = cached;
    return CHY_OK;
}

/** remember_locked returns entries that had to go, for free_entries(). */
static struct entry *remember_locked(struct chy_cache *cache, uint32_t kind, struct chy_slice key,
                                     int64_t epoch, struct chy_cached *cached)
{
    struct entry *entry = calloc(1, sizeof *entry);
    if (entry == NULL) {
        return NULL; // the object is used this once
    }
    struct entry *taken = cache->count >= CHY_CACHE_ENTRIES_MAX ? take_all_locked(cache) : NULL;
    entry->kind = kind;
    entry->key_len = (uint32_t)key.len;
    memcpy(entry->key, key.ptr, (size_t)key.len);
    entry->epoch = epoch;
    entry->cached = cached;
    (void)atomic_fetch_add_explicit(&cached->references, 1, memory_order_relaxed);
    uint32_t bucket = bucket_of(kind, key);
    entry->next = cache->buckets[bucket];
    cache->buckets[bucket] = entry;
    cache->count++;
    return taken;
}

chy_status chy_cache_get(struct chy_cache *cache, struct chy_op *op, enum chy_cache_kind kind,
                         struct chy_slice key, chy_cache_load_fn *load,
                         const struct chy_cached **out_cached)
{
    assert(key.len != 0 && key.len <= KEY_MAX);
    CHY_TRY(refresh(cache, op));
    chy_mutex_lock(&cache->lock);
    int64_t epoch = cache->epoch;
    uint64_t forgotten = cache->forgotten;
    struct entry *entry = find_locked(cache, kind, key);
    struct chy_cached *cached = entry == NULL ? NULL : entry->cached;
    if (cached != NULL) {
        (void)atomic_fetch_add_explicit(&cached->references, 1, memory_order_relaxed);
    }
    chy_mutex_unlock(&cache->lock);
    if (cached != NULL) {
        return hold(op, cached, out_cached);
    }
    CHY_TRY(load(cache->runtime, op, key, &cached));
    struct entry *taken = NULL;
    chy_mutex_lock(&cache->lock);
    if (epoch == cache->epoch && forgotten == cache->forgotten &&
        find_locked(cache, kind, key) == NULL) {
        taken = remember_locked(cache, kind, key, epoch, cached);
    }
    chy_mutex_unlock(&cache->lock);
    free_entries(taken);
    return hold(op, cached, out_cached);
}
