#include "base/clock.h"

#include "base/time.h"

#include <assert.h>
#include <time.h>

static int64_t read_clock(clockid_t id)
{
    struct timespec time;
    int error = clock_gettime(id, &time);
    assert(error == 0);
    return (int64_t)time.tv_sec * CHY_US_PER_SECOND + time.tv_nsec / 1000;
}

static int64_t real_now(const struct chy_clock *clock)
{
    (void)clock;
    return read_clock(CLOCK_REALTIME);
}

static int64_t real_monotonic(const struct chy_clock *clock)
{
    (void)clock;
    return read_clock(CLOCK_MONOTONIC);
}

const struct chy_clock *chy_clock_real(void)
{
    static const struct chy_clock real = {real_now, real_monotonic};
    return &real;
}

static int64_t manual_now(const struct chy_clock *clock)
{
    return atomic_load(&((const struct chy_clock_manual *)clock)->now);
}

static int64_t manual_monotonic(const struct chy_clock *clock)
{
    return atomic_load(&((const struct chy_clock_manual *)clock)->monotonic);
}

void chy_clock_manual_init(struct chy_clock_manual *manual, int64_t now)
{
    manual->clock = (struct chy_clock){manual_now, manual_monotonic};
    atomic_init(&manual->now, now);
    atomic_init(&manual->monotonic, CHY_US_PER_SECOND);
}

void chy_clock_manual_set(struct chy_clock_manual *manual, int64_t now)
{
    atomic_store(&manual->now, now);
}

void chy_clock_manual_advance(struct chy_clock_manual *manual, int64_t duration)
{
    assert(duration >= 0);
    (void)atomic_fetch_add(&manual->now, duration);
    (void)atomic_fetch_add(&manual->monotonic, duration);
}
