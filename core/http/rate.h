/**
 * How often who may ask: the generic cell rate algorithm (GCRA, ITU-T I.371 annex A), one time a
 * caller.  A caller may use a minute's worth at once and gets it back evenly.
 *
 * Callers live in a table of fixed size.  When its place for a caller is full, the one there that
 * is nearest to its full allowance is forgotten, so whoever is limited stays limited.  The counts
 * are this process's own: of several nodes each allows as much.
 *
 * Threads: all.
 */
#ifndef CHY_HTTP_RATE_H
#define CHY_HTTP_RATE_H

#include "base/auto.h"

#include <chancery/types.h>

#include <stdbool.h>
#include <stdint.h>

/** What is counted apart. */
enum chy_http_rate_kind {
    CHY_HTTP_RATE_ADDRESS = 1, /**< bytes of a struct chy_http_address */
    CHY_HTTP_RATE_IDENTITY = 2 /**< bytes of a struct chy_uuid */
};

/** Whose allowance.  Without padding: it is hashed and compared whole. */
struct chy_http_rate_key {
    uint8_t bytes[16];
};

/** What is left of an allowance. */
struct chy_http_allowance {
    uint32_t limit;         /**< requests a minute; 0: not limited, the rest means nothing */
    uint32_t remaining;     /**< requests that would be allowed now */
    uint32_t reset_s;       /**< seconds until it is whole again, rounded up */
    uint32_t retry_after_s; /**< not 0: refused, one more is allowed after so many seconds */
};

struct chy_http_rates;

/** chy_http_rates_new makes the table.  NULL: out of memory. */
struct chy_http_rates *chy_http_rates_new(void);
/** chy_http_rates_free frees it.  NULL is fine. */
void chy_http_rates_free(struct chy_http_rates *rates);
CHY_DEFINE_AUTO(struct chy_http_rates, chy_http_rates_free);

/** chy_http_rates_take takes one request at `now` (monotonic µs) from an allowance of `limit` a
 *  minute, unless it is used up. */
void chy_http_rates_take(struct chy_http_rates *rates, enum chy_http_rate_kind kind,
                         const struct chy_http_rate_key *key, uint32_t limit, int64_t now,
                         struct chy_http_allowance *out_allowance);

/** chy_http_rates_charge takes `count` more requests after the fact, down to an empty allowance. */
void chy_http_rates_charge(struct chy_http_rates *rates, enum chy_http_rate_kind kind,
                           const struct chy_http_rate_key *key, uint32_t limit, uint32_t count,
                           int64_t now);

#endif
