#include "config/problems.h"

#include "test_main.h"

static const struct chy_slice names[] = {
    CHY_TEXT_INIT("listen"),
    CHY_TEXT_INIT("tls_certificate"),
    CHY_TEXT_INIT("tls_key"),
    CHY_TEXT_INIT("tls_client_ca"),
    CHY_TEXT_INIT("body_max"),
    CHY_TEXT_INIT("connections"),
    CHY_TEXT_INIT("connections_per_address"),
};

static const struct {
    const char *text;
    const char *near; /**< "": none */
} cases[] = {
    {"lisetn", "listen"},  // swapped
    {"listn", "listen"},   // dropped
    {"listenn", "listen"}, // added
    {"Listen", "listen"},  // other case
    {"tls_keys", "tls_key"},
    {"tls-key", "tls_key"},
    {"connection", "connections"},
    {"tls_cert", "tls_certificate"}, // a beginning
    {"bodymax", "body_max"},
    {"port", ""},
    {"x", ""},
    {"", ""},
    {"a_name_that_is_much_longer_than_any_name_that_there_could_be_here", ""},
};

START_TEST(finds_the_name_that_was_meant)
{
    struct chy_slice near =
        chy_nearest_name(chy_text(cases[_i].text), names, sizeof names / sizeof names[0]);
    ck_assert_msg(chy_slice_is(near, cases[_i].near), "%s: '%.*s'", cases[_i].text, (int)near.len,
                  near.len == 0 ? "" : (const char *)near.ptr);
}
END_TEST

TEST_MAIN("config_nearest", TEST_EACH(finds_the_name_that_was_meant, cases))
