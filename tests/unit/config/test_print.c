#include "config/print.h"

#include "test_main.h"
#include "test_op.h"

static const struct chy_option storage_table[] = {
    {CHY_TEXT_INIT("readers"),
     CHY_OPTION_INT,
     0,
     1,
     64,
     CHY_TEXT_INIT("4"),
     {NULL, 0, 0},
     CHY_TEXT_INIT("help")},
    {CHY_TEXT_INIT("conninfo"),
     CHY_OPTION_TEXT,
     CHY_OPTION_SECRET,
     0,
     0,
     {NULL, 0},
     {NULL, 0, 0},
     CHY_TEXT_INIT("help")},
    {CHY_TEXT_INIT("token"),
     CHY_OPTION_TEXT,
     CHY_OPTION_SECRET,
     0,
     0,
     {NULL, 0},
     {NULL, 0, 0},
     CHY_TEXT_INIT("help")},
};

static struct chy_view table_of(void *context, struct chy_slice plugin)
{
    (void)context;
    const struct chy_view table = CHY_VIEW_INIT(storage_table);
    const struct chy_view nothing = {NULL, 0, 0};
    return chy_slice_is(plugin, "known") ? table : nothing;
}

static const char *print(struct chy_op *op, const char *text, struct chy_config **out_config)
{
    struct chy_buf *out = chy_alloc(op, sizeof *out);
    ck_assert_ptr_nonnull(out);
    chy_buf_init(out, op, 1 << 20);
    ck_assert_msg(chy_config_from_text(op, chy_text("c.yaml"), chy_text("/etc/chancery"),
                                       chy_text(text), out_config) == CHY_OK,
                  "%s", test_op_message(op));
    ck_assert_int_eq(chy_config_print(op, *out_config, table_of, NULL, out), CHY_OK);
    chy_buf_add_u8(out, 0);
    ck_assert(chy_buf_ok(out));
    return (const char *)out->ptr;
}

static const char whole[] = "kek: topsecret\n"
                            "storage:\n"
                            "  plugin: known\n"
                            "  options:\n"
                            "    readers: 8\n"
                            "    conninfo: topsecret\n"
                            "enrollment:\n"
                            "  - plugin: unknown\n"
                            "    options:\n"
                            "      password: topsecret\n"
                            "plugins:\n"
                            "  pins:\n"
                            "    api: "
                            "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\n"
                            "pki:\n"
                            "  backdate: 5m\n"
                            "access:\n"
                            "  trusted_proxies: [10.0.0.0/8]\n";

static const char *const lines[] = {
    "data_dir: /var/lib/chancery              # default\n",
    "kek: \"********\"                          # secret\n",
    "storage:\n  name: known\n  plugin: known\n  options:\n    readers: 8\n",
    "    conninfo: \"********\"                 # secret\n",
    "    # token:                             # not set\n",
    "crypto:\n  - name: crypto-wolfssl                 # default\n    plugin: crypto-wolfssl\n",
    "notifier: []\n",
    "outbound:\n  allow: []                              # default\n",
    "      password: \"********\"               # its plugin is not loaded\n",
    "  pins:\n    api: 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\n",
    "pki:\n  # public_url:                          # not set\n  backdate: 5m\n",
    "  crl_lifetime: 7d                       # default\n",
    "  trusted_proxies: [10.0.0.0/8]\n",
    "  body_max: 1m                           # default\n",
    "  listen: \":8443\"                        # default\n",
    "  ca: crypto-wolfssl                     # default\n",
};

START_TEST(shows_values_defaults_and_no_secrets)
{
    struct chy_op *op = test_op_new();
    struct chy_config *c = NULL;
    const char *text = print(op, whole, &c);
    ck_assert_msg(strstr(text, lines[_i]) != NULL, "expected\n%s\nin\n%s", lines[_i], text);
    ck_assert_ptr_null(strstr(text, "topsecret"));
    test_op_free(op);
}
END_TEST

START_TEST(what_is_printed_can_be_read_again)
{
    struct chy_op *op = test_op_new();
    struct chy_config *c = NULL;
    const char *text = print(op, whole, &c);
    struct chy_config *again = NULL;
    const char *second = print(op, text, &again);
    ck_assert_int_eq(again->pki.backdate, c->pki.backdate);
    ck_assert_int_eq(again->api.body_max, c->api.body_max);
    ck_assert_uint_eq(again->access.trusted_proxies.count, 1);
    ck_assert(chy_slice_equal(again->api.listen, c->api.listen));
    ck_assert_ptr_nonnull(strstr(second, "backdate: 5m"));
    test_op_free(op);
}
END_TEST

TEST_MAIN("config_print", TEST_EACH(shows_values_defaults_and_no_secrets, lines),
          TEST(what_is_printed_can_be_read_again))
