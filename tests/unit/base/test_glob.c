#include "base/glob.h"

#include "test_main.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static const struct {
    const char *pattern;
    const char *text;
    bool fits;
    bool fits_nocase;
} cases[] = {
    {"", "", true, true},
    {"", "a", false, false},
    {"*", "", true, true},
    {"*", "anything.at.all", true, true},
    {"**", "", true, true},
    {"a", "a", true, true},
    {"a", "A", false, true},
    {"a", "ab", false, false},
    {"a", "ba", false, false},
    {"*.acme.com", "web.acme.com", true, true},
    {"*.acme.com", "a.b.acme.com", true, true},
    {"*.acme.com", "acme.com", false, false},
    {"*.acme.com", "Web.ACME.com", false, true},
    {"*.acme.com", "web.acme.com.evil", false, false},
    {"web-*", "web-", true, true},
    {"web-*", "web", false, false},
    {"a*a", "a", false, false},
    {"a*a", "aa", true, true},
    {"ab*ba", "aba", false, false},
    {"a*b*c", "aXbXc", true, true},
    {"a*b*c", "aXcXb", false, false},
    {"a*b*c", "abc", true, true},
    {"*a*", "xax", true, true},
    {"*a*", "xxx", false, false},
    {"*ab*ab*", "xabx", false, false},
    {"*ab*ab*", "abab", true, true},
    {"***a***", "bab", true, true},
    {"a?c", "abc", false, false},
    {"[a]", "a", false, false},
    {"\\*", "*", false, false},
    {"*\xc3\x84*", "x\xc3\xa4x", false, false},
};

START_TEST(matches)
{
    struct chy_slice pattern = chy_text(cases[_i].pattern);
    struct chy_slice text = chy_text(cases[_i].text);
    ck_assert_msg(chy_glob_match(pattern, text) == cases[_i].fits, "'%s' '%s'", cases[_i].pattern,
                  cases[_i].text);
    ck_assert_msg(chy_glob_match_nocase(pattern, text) == cases[_i].fits_nocase, "'%s' '%s'",
                  cases[_i].pattern, cases[_i].text);
}
END_TEST

/* The definition, word for word. */
static bool fits_by_definition(const char *pattern, const char *text)
{
    if (*pattern == '\0') {
        return *text == '\0';
    }
    if (*pattern == '*') {
        return fits_by_definition(pattern + 1, text) ||
               (*text != '\0' && fits_by_definition(pattern, text + 1));
    }
    return *pattern == *text && fits_by_definition(pattern + 1, text + 1);
}

static uint32_t next_random(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(*state >> 33);
}

static void fill(uint64_t *state, const char *alphabet, uint32_t letters, uint32_t max, char *out)
{
    uint32_t len = next_random(state) % (max + 1);
    for (uint32_t i = 0; i < len; i++) {
        out[i] = alphabet[next_random(state) % letters];
    }
    out[len] = '\0';
}

START_TEST(agrees_with_the_definition)
{
    uint64_t state = 20260115;
    int fits = 0;
    for (int i = 0; i < 60000; i++) {
        char pattern[16];
        char text[24];
        fill(&state, "ab*", 3, 12, pattern);
        fill(&state, "ab", 2, 20, text);
        bool expected = fits_by_definition(pattern, text);
        if (chy_glob_match(chy_text(pattern), chy_text(text)) != expected ||
            chy_glob_match_nocase(chy_text(pattern), chy_text(text)) != expected) {
            ck_abort_msg("'%s' '%s'", pattern, text);
        }
        fits += expected;
    }
    ck_assert_int_gt(fits, 5000);
    ck_assert_int_lt(fits, 55000);
}
END_TEST

/* One long word between stars, to try the search itself: periods, repeats, near misses. */
START_TEST(searching_agrees_with_the_definition)
{
    uint64_t state = 7;
    for (int i = 0; i < 60000; i++) {
        char word[16];
        char pattern[20];
        char text[80];
        fill(&state, "ab", 2, 10, word);
        (void)snprintf(pattern, sizeof pattern, "*%s*", word);
        fill(&state, "ab", 2, 60, text);
        bool expected = strstr(text, word) != NULL;
        if (chy_glob_match(chy_text(pattern), chy_text(text)) != expected) {
            ck_abort_msg("'%s' '%s'", pattern, text);
        }
    }
}
END_TEST

START_TEST(hostile_patterns_take_linear_time)
{
    enum {
        PATTERN_LEN = 200000,
        TEXT_LEN = 400000
    };
    char *pattern = malloc(PATTERN_LEN);
    char *text = malloc(TEXT_LEN);
    memset(text, 'a', TEXT_LEN);
    struct timespec start;
    struct timespec end;
    ck_assert_int_eq(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &start), 0);
    // A word that matches almost everywhere, seen from both sides; and stars at every other place.
    for (int kind = 0; kind < 3; kind++) {
        memset(pattern, 'a', PATTERN_LEN);
        pattern[0] = '*';
        pattern[PATTERN_LEN - 1] = '*';
        if (kind == 2) {
            for (int i = 0; i < PATTERN_LEN; i += 2) {
                pattern[i] = '*';
            }
        }
        pattern[kind == 0 ? 1 : PATTERN_LEN - 3] = 'b';
        ck_assert(
            !chy_glob_match(chy_slice_of(pattern, PATTERN_LEN), chy_slice_of(text, TEXT_LEN)));
        ck_assert(!chy_glob_match_nocase(chy_slice_of(pattern, PATTERN_LEN),
                                         chy_slice_of(text, TEXT_LEN)));
    }
    ck_assert_int_eq(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &end), 0);
    // Quadratic time would be minutes; the bound leaves room for sanitizers.
    ck_assert_int_lt(end.tv_sec - start.tv_sec, 5);
    free(pattern);
    free(text);
}
END_TEST

TEST_MAIN("glob", TEST_EACH(matches, cases), TEST(agrees_with_the_definition),
          TEST(searching_agrees_with_the_definition), TEST(hostile_patterns_take_linear_time))
