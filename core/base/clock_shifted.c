/*
 * The clock of test builds (CHANCERY_TEST_CLOCK): the machine's, moved by what a file says.
 *
 * The environment variable CHANCERY_TEST_CLOCK names the file: three native 64-bit numbers, a
 * sequence and two times in µs.  The first time is added to both clocks, the second to the wall
 * clock alone.  Whoever writes makes the sequence odd before and even after, so that all threads of
 * all processes that map the file move at once.  Releases have none of this.
 */
#include "base/clock.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

struct shift {
    _Atomic int64_t sequence;
    _Atomic int64_t both;
    _Atomic int64_t wall_only;
};

static const struct shift *shift;
static pthread_once_t once = PTHREAD_ONCE_INIT;

/** open_file ends the process rather than let a test run on the real clock. */
static void open_file(void)
{
    const char *path = getenv("CHANCERY_TEST_CLOCK");
    if (path == NULL) {
        return;
    }
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    void *mapped = fd < 0 ? MAP_FAILED : mmap(NULL, sizeof *shift, PROT_READ, MAP_SHARED, fd, 0);
    if (mapped == MAP_FAILED || lseek(fd, 0, SEEK_END) < (off_t)sizeof *shift) {
        (void)fprintf(stderr, "chancery: the test clock '%s' cannot be mapped\n", path);
        _exit(1);
    }
    (void)close(fd);
    shift = mapped;
}

static void read_shift(int64_t *out_both, int64_t *out_wall_only)
{
    int64_t before;
    int64_t after;
    do {
        before = atomic_load(&shift->sequence);
        *out_both = atomic_load(&shift->both);
        *out_wall_only = atomic_load(&shift->wall_only);
        after = atomic_load(&shift->sequence);
    } while (before != after || before % 2 != 0);
}

static int64_t shifted_now(const struct chy_clock *clock)
{
    int64_t both;
    int64_t wall_only;
    (void)clock;
    read_shift(&both, &wall_only);
    return chy_clock_now(chy_clock_real()) + both + wall_only;
}

static int64_t shifted_monotonic(const struct chy_clock *clock)
{
    int64_t both;
    int64_t wall_only;
    (void)clock;
    read_shift(&both, &wall_only);
    return chy_clock_monotonic(chy_clock_real()) + both;
}

const struct chy_clock *chy_clock_system(void)
{
    static const struct chy_clock shifted = {shifted_now, shifted_monotonic};
    (void)pthread_once(&once, open_file);
    return shift == NULL ? chy_clock_real() : &shifted;
}
