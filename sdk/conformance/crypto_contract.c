/**
 * Holds a crypto plugin to its contract (chancery/crypto.h):
 *
 *     crypto_contract <plugin.so> [--option name=value]... [--log LEVEL]
 *     crypto_contract <plugin.so> --vectors FOLDER [--option name=value]...
 *
 * The first form checks the promises of the header for every algorithm that the plugin claims.  The
 * second compares it with the known answers of Wycheproof (github.com/C2SP/wycheproof), read from
 * FOLDER; without that folder it says which answers were not asked for, and exits with 77.
 */
#include "crypto_fixture.h"

static int run_promises(void)
{
    Suite *suite = suite_create("crypto contract");
    suite_add_tcase(suite, crypto_key_tests());
    suite_add_tcase(suite, crypto_public_key_tests());
    suite_add_tcase(suite, crypto_signature_tests());
    suite_add_tcase(suite, crypto_seal_tests());
    suite_add_tcase(suite, crypto_primitive_tests());
    suite_add_tcase(suite, crypto_transport_tests());
    suite_add_tcase(suite, crypto_thread_tests());
    suite_add_tcase(suite, crypto_life_tests());
    suite_add_tcase(suite, crypto_ready_tests());
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
    if (!conf_arguments_parse(&crypto_arguments, argc, argv)) {
        conf_say("besides: --vectors DIR, test vectors to compare with");
        return 2;
    }
    crypto_plugin = conf_plugin_load(crypto_arguments.plugin);
    crypto =
        crypto_plugin == NULL ? NULL : conf_plugin_interface(crypto_plugin, CHY_INTERFACE_CRYPTO);
    if (crypto == NULL) {
        conf_say("'%s' is no crypto plugin", crypto_arguments.plugin);
        return 2;
    }
    const char *vectors = conf_value(&crypto_arguments, "--vectors");
    int result = vectors != NULL ? crypto_vectors_run(vectors) : run_promises();
    conf_plugin_free(crypto_plugin);
    return result;
}
