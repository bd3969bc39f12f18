#include "http/rate.h"

#include "base/lock.h"
#include "base/time.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum {
    SETS = 8192, // a power of two; with 8 callers of 32 bytes each: 2 MiB, touched as used
    WAYS = 8,
    STRIPES = 64
};

/** A caller.  `full_at`: when the whole allowance is back (the theoretical arrival time). */
struct caller {
    struct chy_http_rate_key key;
    int64_t full_at;
    uint32_t kind; // 0: nobody
    uint32_t unused;
};

struct chy_http_rates {
    struct chy_mutex locks[STRIPES]; // each guards the sets of its number modulo STRIPES
    uint64_t salt[2];                // so that nobody can choose a set to fill
    struct caller callers[SETS][WAYS];
};

struct chy_http_rates *chy_http_rates_new(void)
{
    struct chy_http_rates *rates = calloc(1, sizeof *rates);
    if (rates == NULL) {
        return NULL;
    }
    if (getrandom(rates->salt, sizeof rates->salt, 0) != (ssize_t)sizeof rates->salt) {
        free(rates);
        return NULL;
    }
    for (size_t i = 0; i < STRIPES; i++) {
        chy_mutex_init(&rates->locks[i]);
    }
    return rates;
}

void chy_http_rates_free(struct chy_http_rates *rates)
{
    if (rates == NULL) {
        return;
    }
    for (size_t i = 0; i < STRIPES; i++) {
        chy_mutex_fini(&rates->locks[i]);
    }
    free(rates);
}

static uint64_t mix(uint64_t word)
{
    word ^= word >> 32;
    word *= 0xd6e8feb86659fd93U; // odd: the step can be undone, so nothing is lost
    word ^= word >> 32;
    return word;
}

static uint32_t set_of(const struct chy_http_rates *rates, enum chy_http_rate_kind kind,
                       const struct chy_http_rate_key *key)
{
    uint64_t words[2];
    memcpy(words, key->bytes, sizeof words);
    uint64_t hash = mix(words[0] ^ rates->salt[0]);
    hash = mix((hash + words[1] + (uint64_t)kind) ^ rates->salt[1]);
    return (uint32_t)(mix(hash) & (SETS - 1));
}

/** The caller's place in its set; a new one takes the place of who has most of its allowance. */
static struct caller *find_locked(struct caller *set, enum chy_http_rate_kind kind,
                                  const struct chy_http_rate_key *key)
{
    struct caller *earliest = &set[0];
    for (size_t i = 0; i < WAYS; i++) {
        if (set[i].kind == (uint32_t)kind && memcmp(&set[i].key, key, sizeof *key) == 0) {
            return &set[i];
        }
        earliest = set[i].full_at < earliest->full_at ? &set[i] : earliest;
    }
    earliest->key = *key;
    earliest->kind = (uint32_t)kind;
    earliest->full_at = 0;
    return earliest;
}

static uint32_t seconds_up(int64_t duration)
{
    return (uint32_t)((duration + CHY_US_PER_SECOND - 1) / CHY_US_PER_SECOND);
}

/** What a request costs in time.  A minute has more microseconds than a limit has requests. */
static int64_t interval_of(uint32_t limit)
{
    int64_t interval = CHY_US_PER_MINUTE / (int64_t)limit;
    return interval == 0 ? 1 : interval;
}

static void take_locked(struct caller *caller, uint32_t limit, int64_t now,
                        struct chy_http_allowance *out_allowance)
{
    int64_t interval = interval_of(limit);
    int64_t whole = interval * (int64_t)limit;
    int64_t used = caller->full_at > now ? caller->full_at - now : 0;
    if (used + interval > whole) {
        out_allowance->retry_after_s = seconds_up(used + interval - whole);
    } else {
        used += interval;
        caller->full_at = now + used;
    }
    out_allowance->remaining = used < whole ? (uint32_t)((whole - used) / interval) : 0;
    out_allowance->reset_s = seconds_up(used);
}

void chy_http_rates_take(struct chy_http_rates *rates, enum chy_http_rate_kind kind,
                         const struct chy_http_rate_key *key, uint32_t limit, int64_t now,
                         struct chy_http_allowance *out_allowance)
{
    memset(out_allowance, 0, sizeof *out_allowance);
    out_allowance->limit = limit;
    if (limit == 0) {
        return;
    }
    uint32_t set = set_of(rates, kind, key);
    struct chy_mutex *lock = &rates->locks[set % STRIPES];
    chy_mutex_lock(lock);
    take_locked(find_locked(rates->callers[set], kind, key), limit, now, out_allowance);
    chy_mutex_unlock(lock);
}

static void charge_locked(struct caller *caller, uint32_t limit, uint32_t count, int64_t now)
{
    int64_t interval = interval_of(limit);
    int64_t whole = interval * (int64_t)limit;
    int64_t used = caller->full_at > now ? caller->full_at - now : 0;
    used += interval * (int64_t)count;
    caller->full_at = now + (used < whole ? used : whole);
}

void chy_http_rates_charge(struct chy_http_rates *rates, enum chy_http_rate_kind kind,
                           const struct chy_http_rate_key *key, uint32_t limit, uint32_t count,
                           int64_t now)
{
    if (limit == 0) {
        return;
    }
    uint32_t set = set_of(rates, kind, key);
    struct chy_mutex *lock = &rates->locks[set % STRIPES];
    chy_mutex_lock(lock);
    charge_locked(find_locked(rates->callers[set], kind, key), limit, count, now);
    chy_mutex_unlock(lock);
}
