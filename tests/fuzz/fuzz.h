/** What a fuzz target defines, and what libFuzzer or the replay driver calls. */
#ifndef CHY_TESTS_FUZZ_H
#define CHY_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>

/**
 * LLVMFuzzerTestOneInput runs the code under test once over `size` bytes at `data`, which end at
 * the end of their heap block.  It is deterministic, keeps no state between calls and returns 0.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
