/**
 * Configuration read on request paths: profiles, policies, issuers, principals.
 *
 * An entry may be used only while an epoch poll that started within the last second succeeded and
 * the epoch is the one under which the entry was loaded.  So a change made on any node is seen by
 * every other within a second, and by the node that made it at once (chy_cache_forget).
 */
#ifndef CHY_RESOURCE_CACHE_H
#define CHY_RESOURCE_CACHE_H

#include "resource/runtime.h"

#include <stdatomic.h>

/** How old a poll may be: µs. */
#define CHY_CACHE_FRESH INT64_C(1000000)

/** How many entries are kept; at the limit the cache starts anew. */
#define CHY_CACHE_ENTRIES_MAX 8192U

/** What is cached: the first member of a cached object.  Immutable once it is in the cache. */
struct chy_cached {
    atomic_uint references;
    void (*free)(struct chy_cached *cached);
};

/** Kinds of entry: they share one table, and their keys are apart. */
enum chy_cache_kind {
    CHY_CACHE_PRINCIPAL = 1,
    CHY_CACHE_PROFILE = 2,
    CHY_CACHE_ISSUER = 3,
    CHY_CACHE_DATA_KEY = 4,  /**< by id */
    CHY_CACHE_MONTH_KEY = 5, /**< the data key that a project seals with now */
    CHY_CACHE_LONGEST = 6,   /**< the longest life that the profiles of a CA allow */
    CHY_CACHE_ALERTS = 7     /**< which events a project has alerts of */
};

/** A chy_cache_load_fn reads what `key` means and makes an object with one reference. */
typedef chy_status chy_cache_load_fn(struct chy_runtime *runtime, struct chy_op *op,
                                     struct chy_slice key, struct chy_cached **out_cached);

struct chy_cache;

/** NULL: out of memory. */
CHY_MUST_USE struct chy_cache *chy_cache_new(struct chy_runtime *runtime);
void chy_cache_free(struct chy_cache *cache);

/**
 * chy_cache_get finds or loads the object of `key`, at most 64 bytes.  It lives at least as long as
 * the operation.  A failure to load is returned and not remembered.
 */
CHY_MUST_USE chy_status chy_cache_get(struct chy_cache *cache, struct chy_op *op,
                                      enum chy_cache_kind kind, struct chy_slice key,
                                      chy_cache_load_fn *load,
                                      const struct chy_cached **out_cached);

/** chy_cache_forget makes the next get poll, and drops everything that was loaded. */
void chy_cache_forget(struct chy_cache *cache);

/** chy_cached_init gives a new object its one reference. */
void chy_cached_init(struct chy_cached *cached, void (*free)(struct chy_cached *cached));
/** chy_cached_unref lets one go.  NULL is fine. */
void chy_cached_unref(struct chy_cached *cached);

#endif
