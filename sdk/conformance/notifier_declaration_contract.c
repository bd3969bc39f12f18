/** What is declared, and what becomes of options that are not what they should be. */
#include "notifier_contract.h"

#include <stdio.h>
#include <stdlib.h>

/** Element `index`, which is there. */
static const void *item(struct chy_view view, uint64_t index)
{
    return (const uint8_t *)view.ptr + index * view.stride;
}

START_TEST(each_type_is_declared_in_full)
{
    ck_assert(notifier->deliver != NULL);
    ck_assert_uint_gt(notifier->channel_types.count, 0);
    for (uint64_t i = 0; i < notifier->channel_types.count; i++) {
        const struct chy_channel_type *type = item(notifier->channel_types, i);
        ck_assert_uint_gt(type->name.len, 0);
        ck_assert_uint_gt(type->summary.len, 0);
        for (uint64_t k = 0; k < type->name.len; k++) {
            uint8_t c = type->name.ptr[k];
            ck_assert((c >= 'a' && c <= 'z') ||
                      (k > 0 && ((c >= '0' && c <= '9') || c == '-' || c == '_')));
        }
        for (uint64_t k = 0; k < i; k++) {
            const struct chy_channel_type *earlier = item(notifier->channel_types, k);
            ck_assert(!chy_slice_equal(type->name, earlier->name));
        }
    }
}
END_TEST

START_TEST(each_type_has_an_example)
{
    for (uint64_t i = 0; i < notifier->channel_types.count; i++) {
        const struct chy_channel_type *type = item(notifier->channel_types, i);
        bool found = false;
        for (size_t k = 0; k < example_count; k++) {
            found = found || examples[k].type == type;
        }
        ck_assert_msg(found, "no --channel %.*s", (int)type->name.len,
                      (const char *)type->name.ptr);
    }
}
END_TEST

START_TEST(each_option_is_bounded)
{
    const struct chy_view options = examples[_i].type->options;
    for (uint64_t i = 0; i < options.count; i++) {
        const struct chy_option *option = item(options, i);
        bool has_length = option->type == CHY_OPTION_TEXT || option->type == CHY_OPTION_TEXT_LIST;
        ck_assert_uint_gt(option->help.len, 0);
        ck_assert_msg(!has_length || option->maximum > 0, "'%.*s' has no maximum: projects fill it",
                      (int)option->name.len, (const char *)option->name.ptr);
        ck_assert_msg(option->type != CHY_OPTION_PATH, "'%.*s' is a path of this machine",
                      (int)option->name.len, (const char *)option->name.ptr);
        ck_assert_msg((option->flags & CHY_OPTION_SECRET) == 0 || option->default_text.len == 0,
                      "a secret with a default");
    }
}
END_TEST

/* --- options of hostile people -----------------------------------------------------------------*/

static chy_status ask(struct world *world, struct chy_op *op)
{
    return notifier->check == NULL
               ? CHY_OK
               : notifier->check(conf_instance_self(world->instance), op, world->channel.type->name,
                                 world->channel.values);
}

START_TEST(an_example_is_fine_and_a_check_connects_nowhere)
{
    struct world world;
    uint64_t before = conf_outbound_asked();
    world_open(&world, &examples[_i], true);
    struct chy_op *op = conf_op_new(world.instance);
    chy_status status = ask(&world, op);
    ck_assert_msg(status == CHY_OK, "status %d: %s", status, conf_op_message(op));
    ck_assert_uint_eq(conf_outbound_asked(), before);
    conf_op_free(op);
    world_close(&world);
}
END_TEST

static const char *const hostile[] = {
    "",
    " ",
    "\r\n",
    "x\r\nBcc: hush@example.com",
    "hush\r\n\r\nGET / HTTP/1.1\r\n",
    "hush\x01\x7f\x1b[2J",
    "\xff\xfe hush",
    "\xc0\x80",
    "%s%n%s%n hush",
    "../../../../etc/passwd",
    "file:///etc/passwd",
    "gopher://127.0.0.1:25/_hush",
    "http://127.0.0.1/hush",
    "https://",
    "https://@",
    "https://user:hush@127.0.0.1/",
    "https://127.0.0.1:99999/hush",
    "https://127.0.0.1/hush HTTP/1.1\r\nX: y",
    "https://[::1/hush",
    "https://[fe80::1%25lo]/hush",
    "javascript:hush",
    "@",
    "@@",
    "a@b@c",
    "<a@b>",
    "|/bin/sh@hush",
    "-oProxyCommand=hush@example.com",
};
#define HOSTILE_COUNT (sizeof hostile / sizeof hostile[0])

/** Puts a text in the place of option `index`'s value, as somebody wrote it. */
static void put(struct world *world, uint64_t index, struct chy_slice *text)
{
    struct chy_option_value *value =
        (struct chy_option_value *)(uintptr_t)item(world->channel.values, index);
    value->given = 1;
    value->text = *text;
    value->list = (struct chy_view){text, 1, sizeof *text};
}

/** Neither the check nor the delivery may break, and nobody is there to deliver to. */
static void try_text(struct world *world, uint64_t index, struct chy_slice text)
{
    struct chy_op *op = conf_op_new_until(world->instance, conf_clock_monotonic() + 2000000);
    put(world, index, &text);
    chy_status status = ask(world, op);
    if (status != CHY_OK) {
        ck_assert_int_eq(status, CHY_BAD_INPUT);
        check_failure(op, status);
    }
    struct chy_notification notification = conf_notification(&world->channel);
    chy_status delivered = world_deliver(world, op, &notification);
    ck_assert_msg(delivered != CHY_OK, "delivered to nobody with '%.*s'", (int)text.len,
                  (const char *)text.ptr);
    check_failure(op, delivered);
    conf_op_free(op);
}

START_TEST(hostile_options_break_nothing)
{
    const struct chy_view options = examples[_i].type->options;
    char *longest = conf_must(malloc(1 << 20));
    memset(longest, 'a', 1 << 20);
    conf_outbound_allow(false); // whatever a text may mean, nothing is called
    for (uint64_t i = 0; i < options.count; i++) {
        const struct chy_option *option = item(options, i);
        if (option->type != CHY_OPTION_TEXT && option->type != CHY_OPTION_TEXT_LIST) {
            continue;
        }
        struct world world;
        world_open(&world, &examples[_i], false);
        for (size_t k = 0; k < HOSTILE_COUNT; k++) {
            try_text(&world, i, chy_text(hostile[k]));
        }
        try_text(&world, i, chy_slice_of("a\0b", 3));
        try_text(&world, i, chy_slice_of(longest, 1 << 20));
        try_text(&world, i, chy_slice_of(NULL, 0));
        world_close(&world);
    }
    free(longest);
}
END_TEST

START_TEST(absent_values_break_nothing)
{
    struct world world;
    world_open(&world, &examples[_i], false);
    struct chy_op *op = conf_op_new_until(world.instance, conf_clock_monotonic() + 2000000);
    struct chy_option_value nothing[64];
    memset(nothing, 0, sizeof nothing);
    ck_assert_uint_le(world.channel.values.count, 64);
    struct chy_notification notification = conf_notification(&world.channel);
    notification.values.ptr = nothing;
    chy_status status = world_deliver(&world, op, &notification);
    ck_assert_int_ne(status, CHY_OK);
    check_failure(op, status);
    conf_op_free(op);
    world_close(&world);
}
END_TEST

TCase *notifier_declaration_tests(void)
{
    TCase *tests = tcase_create("declarations");
    int count = (int)example_count;
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, each_type_is_declared_in_full);
    tcase_add_test(tests, each_type_has_an_example);
    tcase_add_loop_test(tests, each_option_is_bounded, 0, count);
    tcase_add_loop_test(tests, an_example_is_fine_and_a_check_connects_nowhere, 0, count);
    tcase_add_loop_test(tests, hostile_options_break_nothing, 0, count);
    tcase_add_loop_test(tests, absent_values_break_nothing, 0, count);
    return tests;
}
