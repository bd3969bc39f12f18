/**
 * Holds a storage plugin to its contract (chancery/storage.h):
 *
 *     storage_contract <plugin.so> [--option name=value]... [--volatile] [--log LEVEL]
 *
 * Each test gets an empty database: a fresh data directory, and "%n" in an option's value replaced
 * by a fresh word (`--option schema=test_%n`).  --volatile promises that nothing outlives an
 * instance.
 */
#include "storage_fixture.h"

int main(int argc, char **argv)
{
    if (!conf_arguments_parse(&arguments, argc, argv)) {
        conf_say("besides: --volatile, which promises that nothing outlives an instance");
        return 2;
    }
    is_volatile = conf_flag(&arguments, "--volatile");
    plugin = conf_plugin_load(arguments.plugin);
    ops = plugin == NULL ? NULL : conf_plugin_interface(plugin, CHY_INTERFACE_STORAGE);
    if (ops == NULL) {
        conf_say("'%s' is no storage plugin", arguments.plugin);
        return 2;
    }
    Suite *suite = suite_create("storage contract");
    suite_add_tcase(suite, storage_schema_tests());
    suite_add_tcase(suite, storage_value_tests());
    suite_add_tcase(suite, storage_find_tests());
    suite_add_tcase(suite, storage_order_tests());
    suite_add_tcase(suite, storage_write_tests());
    suite_add_tcase(suite, storage_guard_tests());
    suite_add_tcase(suite, storage_life_tests());
    suite_add_tcase(suite, storage_thread_tests());
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    conf_plugin_free(plugin);
    return failed == 0 ? 0 : 1;
}
