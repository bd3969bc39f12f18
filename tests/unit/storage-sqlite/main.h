/** The frame of SQLite's own tests: `test <storage-sqlite.so>`. */
#ifndef TEST_STORAGE_SQLITE_MAIN_H
#define TEST_STORAGE_SQLITE_MAIN_H

#include "storage_fixture.h"

/** run_tests loads the plugin, runs what `tests` holds and returns main()'s result. */
static inline int run_tests(int argc, char **argv, TCase *tests)
{
    if (!conf_arguments_parse(&arguments, argc, argv)) {
        return 2;
    }
    plugin = conf_plugin_load(arguments.plugin);
    ops = plugin == NULL ? NULL : conf_plugin_interface(plugin, CHY_INTERFACE_STORAGE);
    if (ops == NULL) {
        return 2;
    }
    Suite *suite = suite_create("storage-sqlite");
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    conf_plugin_free(plugin);
    return failed == 0 ? 0 : 1;
}

/** add_option gives the next instance one more option. */
static inline void add_option(const char *option)
{
    arguments.options[arguments.option_count++] = option;
}

/** insert_one inserts the thing `number` and adds to a counter, in one joinable batch. */
static inline chy_status insert_one(struct chy_op *op, uint64_t number)
{
    struct batch *b = batch_new(op);
    b->batch.flags = CHY_BATCH_JOINABLE;
    batch_insert(b, number);
    batch_add(b, "inserted", 1, 1);
    return batch_run(b);
}

#endif
