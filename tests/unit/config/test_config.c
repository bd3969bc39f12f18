#include "config/config.h"

#include "base/log.h"
#include "base/slice.h"
#include "base/time.h"
#include "config/sections.h"
#include "test_main.h"
#include "test_op.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEK "kek: 0123456789abcdef\n"

static chy_status load(struct chy_op *op, const char *text, struct chy_config **out_config)
{
    return chy_config_from_text(op, chy_text("c.yaml"), chy_text("/etc/chancery"), chy_text(text),
                                out_config);
}

START_TEST(an_empty_file_needs_only_a_kek)
{
    struct chy_op *op = test_op_new();
    struct chy_config *c = NULL;
    ck_assert_msg(load(op, KEK, &c) == CHY_OK, "%s", test_op_message(op));
    ck_assert_str_eq((const char *)c->data_dir.ptr, "/var/lib/chancery");
    ck_assert_str_eq((const char *)c->kek.ptr, "0123456789abcdef");
    ck_assert(chy_slice_is(c->storage.plugin, "storage-sqlite"));
    ck_assert(chy_slice_is(c->storage.name, "storage-sqlite"));
    ck_assert_uint_eq(c->crypto_count, 1);
    ck_assert(chy_slice_is(c->crypto[0].name, "crypto-wolfssl"));
    ck_assert(chy_slice_is(c->roles.ca, "crypto-wolfssl"));
    ck_assert(chy_slice_is(c->roles.seal, "crypto-wolfssl"));
    ck_assert_uint_eq(c->enrollment_count, 1);
    ck_assert(chy_slice_is(c->enrollment[0].name, "api"));
    ck_assert_uint_eq(c->notifier_count, 0);
    ck_assert_uint_eq(c->outbound.allow.count, 0);
    ck_assert_uint_eq(c->outbound.ca_file.len, 0);
    ck_assert(chy_slice_is(c->api.listen, ":8443"));
    ck_assert(chy_slice_is(c->public_listener.listen, ":8080"));
    ck_assert(chy_slice_is(c->metrics.listen, "127.0.0.1:9464"));
    ck_assert(!c->metrics.enabled);
    ck_assert_int_eq(c->pki.backdate, 60 * CHY_US_PER_SECOND);
    ck_assert_int_eq(c->pki.crl_lifetime, 7 * CHY_US_PER_DAY);
    ck_assert_int_eq(c->pki.shard_size, 10000);
    ck_assert_int_eq(c->workers.threads, 128);
    ck_assert_int_eq(c->workers.drain, 30 * CHY_US_PER_SECOND);
    ck_assert_int_eq(c->log.level, CHY_LOG_INFO);
    ck_assert_int_eq(c->log.format, CHY_LOG_FORMAT_JSON);
    ck_assert_uint_eq(c->access.trusted_proxies.count, 0);
    ck_assert_uint_eq(c->plugins.directory.len, 0);
    test_op_free(op);
}
END_TEST

START_TEST(a_whole_file_is_read_whole)
{
    struct chy_op *op = test_op_new();
    struct chy_config *c = NULL;
    const char *text =
        "data_dir: data\n" KEK "storage:\n  name: main\n  plugin: storage-postgres\n"
        "  options:\n    conninfo: x\n"
        "crypto:\n  - plugin: crypto-wolfssl\n  - name: hsm\n    plugin: crypto-pkcs11\n"
        "roles:\n  ca: hsm\n"
        "enrollment:\n  - plugin: api\n  - plugin: est\n"
        "notifier:\n  - name: mail\n    plugin: notify\n"
        "outbound:\n  allow: [10.0.0.0/8, '::1']\n  ca_file: cas.pem\n"
        "plugins:\n  directory: plugins\n  trust_owner: true\n  pins:\n    api: "
        "00112233445566778899AABBCCDDEEFF00112233445566778899aabbccddeeff\n"
        "api:\n  listen: 127.0.0.1:0\n  tls_certificate: tls/cert.pem\n  tls_key: /k.pem\n"
        "  body_max: 2m\n  connections: 10\n"
        "public:\n  listen: \"[::1]:8081\"\nmetrics:\n  enabled: true\n"
        "pki:\n  public_url: http://pki.example.com:8080/x\n  backdate: 0s\n"
        "workers:\n  threads: 4\n  queue: 0\n"
        "log:\n  level: debug\n  format: text\n"
        "access:\n  trusted_proxies: [10.0.0.0/8, \"2001:db8::1\"]\n";
    ck_assert_msg(load(op, text, &c) == CHY_OK, "%s", test_op_message(op));
    ck_assert_str_eq((const char *)c->data_dir.ptr, "/etc/chancery/data");
    ck_assert(chy_slice_is(c->storage.name, "main"));
    ck_assert_ptr_nonnull(c->storage.options);
    ck_assert(chy_slice_is(c->storage.path, "storage.options"));
    ck_assert_uint_eq(c->crypto_count, 2);
    ck_assert(chy_slice_is(c->crypto[1].name, "hsm"));
    ck_assert(chy_slice_is(c->crypto[1].path, "crypto[1].options"));
    ck_assert(chy_slice_is(c->roles.ca, "hsm"));
    ck_assert(chy_slice_is(c->roles.leaf, "crypto-wolfssl"));
    ck_assert(chy_slice_is(c->enrollment[1].plugin, "est"));
    ck_assert_uint_eq(c->notifier_count, 1);
    ck_assert(chy_slice_is(c->notifier[0].name, "mail"));
    ck_assert(chy_slice_is(c->notifier[0].plugin, "notify"));
    ck_assert_uint_eq(c->outbound.allow.count, 2);
    ck_assert(chy_slice_ends_with(c->outbound.ca_file, chy_text("/cas.pem")));
    ck_assert_str_eq((const char *)c->plugins.directory.ptr, "/etc/chancery/plugins");
    ck_assert(c->plugins.trust_owner);
    ck_assert_uint_eq(c->plugins.pin_count, 1);
    ck_assert(chy_slice_is(c->plugins.pins[0].sha256,
                           "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"));
    ck_assert_str_eq((const char *)c->api.tls_certificate.ptr, "/etc/chancery/tls/cert.pem");
    ck_assert_str_eq((const char *)c->api.tls_key.ptr, "/k.pem");
    ck_assert_int_eq(c->api.body_max, 2 << 20);
    ck_assert_int_eq(c->api.connections, 10);
    ck_assert(c->metrics.enabled);
    ck_assert(chy_slice_is(c->pki.public_url, "http://pki.example.com:8080/x"));
    ck_assert_int_eq(c->pki.backdate, 0);
    ck_assert_int_eq(c->workers.queue, 0);
    ck_assert_int_eq(c->log.level, CHY_LOG_DEBUG);
    ck_assert_int_eq(c->log.format, CHY_LOG_FORMAT_TEXT);
    ck_assert_uint_eq(c->access.trusted_proxies.count, 2);
    test_op_free(op);
}
END_TEST

static const struct {
    const char *text;
    const char *message;
} refused[] = {
    {"", "c.yaml: kek: it is required: the key that seals all others: file:PATH, credential:NAME, "
         "or the text itself"},
    {KEK "storrage:\n  plugin: x\n", "c.yaml:2:1: storrage: unknown key; did you mean 'storage'?"},
    {KEK "api:\n  lisen: x\n", "c.yaml:3:3: api.lisen: unknown key; did you mean 'listen'?"},
    {KEK "api:\n  listen: 8443\n", "c.yaml:3:11: api.listen: expected address:port "
                                   "(127.0.0.1:8080, [::1]:8443, localhost:0) or :port"},
    {KEK "api:\n  listen: example.com:1\n", "c.yaml:3:11: api.listen: expected address:port "
                                            "(127.0.0.1:8080, [::1]:8443, localhost:0) or :port"},
    {KEK "api:\n  listen: 127.0.0.1:65536\n",
     "c.yaml:3:11: api.listen: expected address:port (127.0.0.1:8080, [::1]:8443, localhost:0) or "
     ":port"},
    {KEK "api: 1\n", "c.yaml:2:6: api: expected a map of options, found a single value"},
    {KEK "api:\n  tls_key: k.pem\n",
     "c.yaml:3:3: api.tls_certificate: tls_certificate and tls_key are "
     "given together or not at all"},
    {KEK "api:\n  tls_client_ca: k.pem\n",
     "c.yaml:3:18: api.tls_client_ca: client certificates need tls_certificate and tls_key"},
    {KEK "storage: [x]\n",
     "c.yaml:2:10: storage: expected a map with plugin and options, found a list"},
    {KEK "storage:\n  name: x\n",
     "c.yaml:3:3: storage.plugin: it is required: name of the plugin's file without .so"},
    {KEK "storage:\n  plugin: Storage\n",
     "c.yaml:3:3: storage: expected a name of a lower-case letter, then letters, digits, '-' and "
     "'_', at most 40, found 'Storage'"},
    {KEK "storage:\n  plugin: x\n  option: {}\n",
     "c.yaml:4:3: storage.option: unknown key; did you mean 'options'?"},
    {KEK "crypto: {}\n", "c.yaml:2:9: crypto: expected a list of 1 to 16 instances (- plugin: …), "
                         "found a map"},
    {KEK "crypto: []\n", "c.yaml:2:9: crypto: expected a list of 1 to 16 instances (- plugin: …), "
                         "found a list"},
    {KEK "notifier: notify\n", "c.yaml:2:11: notifier: expected a list of 0 to 16 instances (- "
                               "plugin: …), found a single value"},
    {KEK "notifier:\n  - plugin: api\n",
     "c.yaml:3:13: notifier[0].options: two instances are called 'api': give one a name"},
    {KEK "outbound:\n  allow: [10.0.0.0/33]\n",
     "c.yaml:3:10: outbound.allow: expected addresses and networks (10.0.0.1, 10.0.0.0/8, "
     "2001:db8::/32)"},
    {KEK "crypto:\n  - plugin: a\n  - plugin: a\n",
     "c.yaml:4:13: crypto[1].options: two instances are called 'a': give one a name"},
    {KEK "crypto:\n  - plugin: api\n",
     "c.yaml: enrollment[0].options: two instances are called 'api': give one a name"},
    {KEK "roles:\n  ca: crypto-wolfsl\n",
     "c.yaml:3:7: roles.ca: expected the name of a crypto instance, found 'crypto-wolfsl'; did you "
     "mean 'crypto-wolfssl'?"},
    {KEK "plugins:\n  pins:\n    api: 0011\n",
     "c.yaml:4:5: plugins.pins: expected the name of a plugin and 64 hexadecimal digits "
     "(sha256sum)"},
    {KEK "plugins:\n  pins: []\n", "c.yaml:3:9: plugins.pins: expected a map from plugins to "
                                   "SHA-256 of at most 64, found a list"},
    {KEK "pki:\n  public_url: https://x\n",
     "c.yaml:3:15: pki.public_url: expected a plain http:// URL: whoever checks a certificate "
     "cannot check another one first"},
    {KEK "audit:\n  syslog_server: logs:514\n",
     "c.yaml:3:18: audit.syslog_server: expected udp://host:port or tcp://host:port"},
    {KEK "audit:\n  syslog_server: tcp://logs\n",
     "c.yaml:3:18: audit.syslog_server: expected udp://host:port or tcp://host:port"},
    {KEK "audit:\n  syslog_server: \"udp://a b:514\"\n",
     "c.yaml:3:18: audit.syslog_server: expected udp://host:port or tcp://host:port"},
    {KEK "audit:\n  syslog_server: udp://logs:0\n",
     "c.yaml:3:18: audit.syslog_server: expected udp://host:port or tcp://host:port"},
    {KEK "pki:\n  public_url: http://x/\n",
     "c.yaml:3:15: pki.public_url: expected a URL without an empty part and without a slash at its "
     "end"},
    {KEK "pki:\n  public_url: http://x?y\n",
     "c.yaml:3:15: pki.public_url: expected a URL of host and path only, in ASCII"},
    {KEK "pki:\n  public_url: http://\n",
     "c.yaml:3:15: pki.public_url: expected a host after http://"},
    {KEK "pki:\n  crl_lifetime: 7\n",
     "c.yaml:3:17: pki.crl_lifetime: expected a duration (250ms, 30s, 5m, 12h, 7d) from 1h to "
     "366d, found '7'"},
    {KEK "access:\n  trusted_proxies: [10.0.0.0/33]\n",
     "c.yaml:3:20: access.trusted_proxies: expected addresses and networks (10.0.0.1, 10.0.0.0/8, "
     "2001:db8::/32)"},
    {KEK "log:\n  level: warn\n",
     "c.yaml:3:10: log.level: expected one of 'error', 'warning', 'info', 'debug', found 'warn'; "
     "did you mean 'warning'?"},
    {"- a\n", "c.yaml:1:1: expected a map of sections, found a list"},
    {"kek: a\nkek: b\n", "c.yaml:2:1: the key 'kek' stands here twice, first in line 1"},
};

START_TEST(refuses_with_place_and_expectation)
{
    struct chy_op *op = test_op_new();
    struct chy_config *c = NULL;
    ck_assert_int_eq(load(op, refused[_i].text, &c), CHY_BAD_INPUT);
    ck_assert_str_eq(test_op_message(op), refused[_i].message);
    ck_assert_ptr_null(c);
    test_op_free(op);
}
END_TEST

START_TEST(serve_needs_a_public_url_and_tls)
{
    static const struct {
        const char *text;
        const char *message; /**< NULL: fine */
    } cases[] = {
        {KEK, "c.yaml: pki.public_url: serve needs it"},
        {KEK "pki:\n  public_url: http://x\n", "c.yaml: api.tls_certificate: the API needs TLS"},
        {KEK "pki:\n  public_url: http://x\napi:\n  listen: 127.8.9.1:1\n", NULL},
        {KEK "pki:\n  public_url: http://x\napi:\n  listen: \"[::1]:1\"\n", NULL},
        {KEK "pki:\n  public_url: http://x\napi:\n  listen: localhost:1\n", NULL},
        {KEK "pki:\n  public_url: http://x\napi:\n  listen: 128.0.0.1:1\n",
         "c.yaml:5:3: api.tls_certificate: the API needs TLS"},
        {KEK "pki:\n  public_url: http://x\napi:\n  tls_certificate: c\n  tls_key: k\n", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct chy_op *op = test_op_new();
        struct chy_config *c = NULL;
        ck_assert_int_eq(load(op, cases[i].text, &c), CHY_OK);
        chy_status status = chy_config_require_serve(op, c);
        if (cases[i].message == NULL) {
            ck_assert_msg(status == CHY_OK, "case %zu: %s", i, test_op_message(op));
        } else {
            ck_assert_int_eq(status, CHY_BAD_INPUT);
            ck_assert_msg(
                strncmp(test_op_message(op), cases[i].message, strlen(cases[i].message)) == 0,
                "case %zu: %s", i, test_op_message(op));
        }
        test_op_free(op);
    }
}
END_TEST

START_TEST(paths_start_at_the_files_directory)
{
    struct chy_op *op = test_op_new();
    struct chy_config *c = NULL;
    char directory[64] = "/tmp/chancery-config-XXXXXX";
    char path[128];
    char expected[128];
    ck_assert_ptr_nonnull(mkdtemp(directory));
    (void)snprintf(path, sizeof path, "%s/kek", directory);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    ck_assert_int_eq(write(fd, "00ff\n", 5), 5);
    (void)close(fd);
    (void)snprintf(path, sizeof path, "%s/c.yaml", directory);
    fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    ck_assert_int_eq(write(fd, "kek: file:kek\ndata_dir: d\n", 26), 26);
    (void)close(fd);
    ck_assert_msg(chy_config_load(op, path, &c) == CHY_OK, "%s", test_op_message(op));
    (void)snprintf(expected, sizeof expected, "%s/d", directory);
    ck_assert_str_eq((const char *)c->data_dir.ptr, expected);
    ck_assert_str_eq((const char *)c->kek.ptr, "00ff");
    // Relative to the working directory, from there and from inside.
    ck_assert_int_eq(chdir("/tmp"), 0);
    ck_assert_int_eq(chy_config_load(op, path + strlen("/tmp/"), &c), CHY_OK);
    ck_assert_str_eq((const char *)c->data_dir.ptr, expected);
    ck_assert_int_eq(chdir(directory), 0);
    ck_assert_int_eq(chy_config_load(op, "c.yaml", &c), CHY_OK);
    ck_assert_str_eq((const char *)c->data_dir.ptr, expected);
    ck_assert_int_eq(chy_config_load(op, "./c.yaml", &c), CHY_OK);
    ck_assert_int_eq(chy_config_load(op, "absent.yaml", &c), CHY_NOT_FOUND);
    ck_assert_int_eq(unlink("c.yaml"), 0);
    ck_assert_int_eq(unlink("kek"), 0);
    ck_assert_int_eq(rmdir(directory), 0);
    test_op_free(op);
}
END_TEST

START_TEST(an_instances_options_are_checked_by_its_plugins_table)
{
    static const struct chy_option table[] = {{CHY_TEXT_INIT("readers"),
                                               CHY_OPTION_INT,
                                               0,
                                               1,
                                               64,
                                               CHY_TEXT_INIT("4"),
                                               {NULL, 0, 0},
                                               CHY_TEXT_INIT("help")}};
    const struct chy_view view = CHY_VIEW_INIT(table);
    struct chy_op *op = test_op_new();
    struct chy_config *c = NULL;
    struct chy_options options;
    ck_assert_int_eq(load(op, KEK "storage:\n  plugin: s\n  options:\n    readers: 9\n", &c),
                     CHY_OK);
    ck_assert_int_eq(chy_config_instance_options(op, c, &c->storage, view, &options), CHY_OK);
    ck_assert_int_eq(chy_option_at(&options, 0)->number, 9);
    ck_assert(chy_slice_is(options.instance_name, "s"));
    ck_assert_int_eq(load(op, KEK "storage:\n  plugin: s\n  options:\n    raeders: 9\n", &c),
                     CHY_OK);
    ck_assert_int_eq(chy_config_instance_options(op, c, &c->storage, view, &options),
                     CHY_BAD_INPUT);
    ck_assert_str_eq(test_op_message(op), "c.yaml:5:5: storage.options.raeders: unknown key; did "
                                          "you mean 'readers'?");
    test_op_free(op);
}
END_TEST

START_TEST(variables_with_secrets_are_scrubbed)
{
    struct chy_op *op = test_op_new();
    struct chy_config *c = NULL;
    ck_assert_int_eq(setenv("CHANCERY_TEST_KEK", "topsecret", 1), 0);
    ck_assert_int_eq(load(op, "kek: ${CHANCERY_TEST_KEK}\n", &c), CHY_OK);
    const char *value = getenv("CHANCERY_TEST_KEK");
    ck_assert_ptr_nonnull(value);
    chy_config_scrub_environment(c);
    ck_assert_int_eq(value[0], 0);
    ck_assert_int_eq(value[8], 0);
    ck_assert_ptr_null(getenv("CHANCERY_TEST_KEK"));
    ck_assert_str_eq((const char *)c->kek.ptr, "topsecret");
    test_op_free(op);
}
END_TEST

START_TEST(every_key_has_help_and_a_default_that_fits)
{
    size_t count = 0;
    const struct chy_config_section *sections = chy_config_sections(&count);
    for (size_t i = 0; i < count; i++) {
        ck_assert_uint_gt(sections[i].key_count, 0);
        for (size_t k = 0; k < sections[i].key_count; k++) {
            const struct chy_option *option = &sections[i].keys[k].option;
            struct chy_option_value value;
            char expected[CHY_MESSAGE_MAX] = "";
            ck_assert_uint_gt(option->help.len, 10);
            if (option->default_text.len != 0) {
                ck_assert_msg(chy_option_parse(option, option->default_text, &value, expected),
                              "%s.%s: %s", sections[i].name, (const char *)option->name.ptr,
                              expected);
            }
        }
    }
}
END_TEST

TEST_MAIN("config_config", TEST(an_empty_file_needs_only_a_kek), TEST(a_whole_file_is_read_whole),
          TEST_EACH(refuses_with_place_and_expectation, refused),
          TEST(serve_needs_a_public_url_and_tls), TEST(paths_start_at_the_files_directory),
          TEST(an_instances_options_are_checked_by_its_plugins_table),
          TEST(variables_with_secrets_are_scrubbed),
          TEST(every_key_has_help_and_a_default_that_fits))
