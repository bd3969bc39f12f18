/** Sleeping on a number and waking who sleeps there: Linux's futex, private to the process. */
#ifndef STORAGE_SQLITE_FUTEX_H
#define STORAGE_SQLITE_FUTEX_H

#include <stdatomic.h>
#include <stdint.h>

/** futex_sleep returns when woken, when `*word` is not `value`, or after `us` (< 0: no limit). */
void futex_sleep(atomic_uint *word, unsigned value, int64_t us);

/** futex_wake wakes one who sleeps on `word`; it only uses the address. */
void futex_wake(atomic_uint *word);

#endif
