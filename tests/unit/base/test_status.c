#include "base/status.h"

#include "test_main.h"

#include <string.h>

START_TEST(every_status_has_a_word_of_its_own)
{
    for (chy_status a = CHY_OK; a <= CHY_BROKEN; a++) {
        ck_assert_ptr_nonnull(chy_status_name(a));
        for (chy_status b = CHY_OK; b < a; b++) {
            ck_assert_str_ne(chy_status_name(a), chy_status_name(b));
        }
    }
    ck_assert_str_eq(chy_status_name(CHY_TRY_LATER), "try_later");
    ck_assert_str_eq(chy_status_name(CHY_BROKEN + 1), "broken");
    ck_assert_str_eq(chy_status_name(-1), "broken");
}
END_TEST

START_TEST(every_reason_has_a_word_of_its_own)
{
    for (uint32_t a = CHY_REASON_NONE; a <= CHY_REASON_HEADERS_TOO_LARGE; a++) {
        ck_assert_ptr_nonnull(chy_reason_name(a));
        for (uint32_t b = CHY_REASON_NONE; b < a; b++) {
            ck_assert_str_ne(chy_reason_name(a), chy_reason_name(b));
        }
    }
    ck_assert_str_eq(chy_reason_name(CHY_REASON_VALIDATION), "validation");
    ck_assert_str_eq(chy_reason_name(CHY_REASON_HEADERS_TOO_LARGE + 1), "none");
}
END_TEST

TEST_MAIN("status", TEST(every_status_has_a_word_of_its_own),
          TEST(every_reason_has_a_word_of_its_own))
