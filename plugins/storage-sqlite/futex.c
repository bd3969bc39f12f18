#include "futex.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

void futex_sleep(atomic_uint *word, unsigned value, int64_t us)
{
    const struct timespec timeout = {us / 1000000, us % 1000000 * 1000};
    (void)syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, us < 0 ? NULL : &timeout, NULL, 0);
}

void futex_wake(atomic_uint *word)
{
    (void)syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}
