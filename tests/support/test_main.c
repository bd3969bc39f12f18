#include "test_main.h"

#include <stdlib.h>

/* Long enough for a sanitized build on a busy machine; Check's own default is four seconds. */
#define TIMEOUT_SECONDS 60

int test_run(const char *name, const struct test_entry *entries, size_t count)
{
    Suite *suite = suite_create(name);
    TCase *tests = tcase_create(name);
    tcase_set_timeout(tests, TIMEOUT_SECONDS);
    for (size_t i = 0; i < count; i++) {
        tcase_add_loop_test(tests, entries[i].test, 0, (int)entries[i].count);
    }
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
