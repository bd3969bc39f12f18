/** The clock, as an object: the real one, and one that tests set. */
#ifndef CHY_BASE_CLOCK_H
#define CHY_BASE_CLOCK_H

#include <stdatomic.h>
#include <stdint.h>

/** A struct chy_clock may be asked from any thread. */
struct chy_clock {
    int64_t (*now)(const struct chy_clock *clock);       /**< µs since 1970, UTC */
    int64_t (*monotonic)(const struct chy_clock *clock); /**< µs, never goes back */
};

static inline int64_t chy_clock_now(const struct chy_clock *clock)
{
    return clock->now(clock);
}

static inline int64_t chy_clock_monotonic(const struct chy_clock *clock)
{
    return clock->monotonic(clock);
}

/** chy_clock_real is the machine's clock. */
const struct chy_clock *chy_clock_real(void);

/** chy_clock_system is the clock by which the program lives: the machine's, but in test builds a
 *  file can move it (docs/decisions).  Waiting takes chy_clock_real(). */
const struct chy_clock *chy_clock_system(void);

/** A clock that stands still until it is moved. */
struct chy_clock_manual {
    struct chy_clock clock; /**< first member */
    _Atomic int64_t now;
    _Atomic int64_t monotonic;
};

/** chy_clock_manual_init sets the wall clock to `now` and the monotonic one to a second. */
void chy_clock_manual_init(struct chy_clock_manual *manual, int64_t now);
/** chy_clock_manual_set moves the wall clock only, back as well as ahead. */
void chy_clock_manual_set(struct chy_clock_manual *manual, int64_t now);
/** chy_clock_manual_advance moves both ahead. */
void chy_clock_manual_advance(struct chy_clock_manual *manual, int64_t duration);

#endif
