/**
 * The main function of a Check program.
 *
 *     TEST_MAIN("slice", TEST(trims), TEST_EACH(parses, parse_cases))
 *
 * TEST_EACH runs a test once per element of an array, TEST_TIMES so many times; the test finds the
 * index in `_i`.
 */
#ifndef TEST_MAIN_H
#define TEST_MAIN_H

#include <check.h>
#include <stddef.h>

// Check's macro of this name would swallow calls of the service `fail`.
#undef fail

struct test_entry {
    const TTest *test;
    size_t count;
};

#define TEST(fn) \
    {            \
        fn, 1    \
    }
#define TEST_TIMES(fn, times) \
    {                         \
        fn, times             \
    }
#define TEST_EACH(fn, array)                   \
    {                                          \
        fn, sizeof(array) / sizeof((array)[0]) \
    }

#define TEST_MAIN(name, ...)                                                \
    int main(void)                                                          \
    {                                                                       \
        const struct test_entry entries[] = {__VA_ARGS__};                  \
        return test_run(name, entries, sizeof entries / sizeof entries[0]); \
    }

/** test_run runs the tests, each in a process of its own, and gives what main() returns. */
int test_run(const char *name, const struct test_entry *entries, size_t count);

#endif
