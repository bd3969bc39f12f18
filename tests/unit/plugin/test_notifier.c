#include "plugin/notifier.h"

#include "base/op.h"
#include "base/time.h"
#include "fakes.h"
#include "plugin/services.h"
#include "test_main.h"

/** A notifier that answers as told. */
struct fake_notifier {
    chy_status status;
    bool fails_with_reason;
    struct chy_delivery delivery;
    uint32_t calls;
    const struct chy_instance *seen_instance;
};

struct fixture {
    struct chy_services services;
    struct chy_metrics *metrics;
    struct chy_operation operation;
    struct chy_op *op;
    struct fake_notifier fake;
    struct chy_loaded_plugin plugin;
    struct chy_instance instance;
    struct chy_notifier *notifier;
};

static const struct chy_option options[] = {
    {.name = CHY_TEXT_INIT("url"), .type = CHY_OPTION_TEXT, .help = CHY_TEXT_INIT("where to")},
};
static const struct chy_channel_type types[] = {
    {CHY_TEXT_INIT("drum"), CHY_TEXT_INIT("Drums"), CHY_VIEW_INIT(options)},
    {CHY_TEXT_INIT("smoke"), CHY_TEXT_INIT("Smoke"), {NULL, 0, 0}},
};
static const struct chy_option_value one_value[1];
static const struct chy_view one = CHY_VIEW_INIT(one_value);
static const struct chy_view none = {NULL, 0, 0};

static chy_status answer(struct fake_notifier *fake, struct chy_op *op)
{
    fake->calls++;
    fake->seen_instance = chy_operation_of(op)->instance;
    return fake->status != CHY_OK && fake->fails_with_reason
               ? chy_fail(op, fake->status, 0, "the fake says no")
               : fake->status;
}

static chy_status check(void *self, struct chy_op *op, struct chy_slice channel_type,
                        struct chy_view values)
{
    (void)channel_type;
    (void)values;
    return answer(self, op);
}

static chy_status deliver(void *self, struct chy_op *op,
                          const struct chy_notification *notification,
                          struct chy_delivery *out_delivery)
{
    struct fake_notifier *fake = self;
    (void)notification;
    out_delivery->response_code = fake->delivery.response_code;
    out_delivery->retry_after = fake->delivery.retry_after;
    return answer(fake, op);
}

static void open_fixture(struct fixture *f)
{
    memset(f, 0, sizeof *f);
    f->metrics = chy_metrics_new();
    chy_services_init(&f->services, NULL, NULL, f->metrics);
    const struct chy_operation_config config = {.host = &f->services.host};
    ck_assert_int_eq(chy_operation_init(&f->operation, &config), CHY_OK);
    f->op = &f->operation.op;
    f->fake.fails_with_reason = true;
    f->plugin.notifier.channel_types = (struct chy_view)CHY_VIEW_INIT(types);
    f->plugin.notifier.check = check;
    f->plugin.notifier.deliver = deliver;
    fake_instance(&f->instance, &f->plugin, &f->services.host, "post", CHY_INTERFACE_NOTIFIER,
                  &f->fake);
    const struct chy_notifier_config wanted = {.instance = &f->instance, .metrics = f->metrics};
    ck_assert_int_eq(chy_notifier_open(f->op, &wanted, &f->notifier), CHY_OK);
    chy_services_add_notifier(&f->services, f->notifier);
}

static void close_fixture(struct fixture *f)
{
    chy_notifier_close(f->notifier);
    chy_operation_fini(&f->operation);
    chy_metrics_free(f->metrics);
}

static const char *message(struct fixture *f)
{
    struct chy_error error = {.struct_size = sizeof error};
    f->op->host->last_error(f->op, &error);
    return error.message.len == 0 ? "" : (const char *)error.message.ptr;
}

static chy_status tell(struct fixture *f, const char *channel, struct chy_view values,
                       struct chy_delivery *out_delivery)
{
    const struct chy_notification notification = {.struct_size = sizeof notification,
                                                  .attempt = 1,
                                                  .channel_type = chy_text(channel),
                                                  .values = values};
    return chy_notifier_deliver(f->notifier, f->op, &notification, out_delivery);
}

START_TEST(channels_are_found_by_their_names)
{
    struct fixture f;
    open_fixture(&f);
    ck_assert_uint_eq(chy_notifier_types(f.notifier).count, 2);
    ck_assert_ptr_eq(chy_notifier_type(f.notifier, chy_text("smoke")), &types[1]);
    ck_assert_ptr_null(chy_notifier_type(f.notifier, chy_text("pigeon")));
    ck_assert_ptr_eq(chy_services_with_channel(&f.services, chy_text("drum")), f.notifier);
    ck_assert_ptr_null(chy_services_with_channel(&f.services, chy_text("pigeon")));
    close_fixture(&f);
}
END_TEST

START_TEST(a_delivery_is_told_whatever_the_status_is)
{
    struct fixture f;
    struct chy_delivery delivery;
    open_fixture(&f);
    f.fake.delivery.response_code = 503;
    f.fake.delivery.retry_after = 7 * CHY_US_PER_SECOND;
    f.fake.status = CHY_TRY_LATER;
    ck_assert_int_eq(tell(&f, "drum", one, &delivery), CHY_TRY_LATER);
    ck_assert_uint_eq(delivery.struct_size, sizeof delivery);
    ck_assert_uint_eq(delivery.response_code, 503);
    ck_assert_int_eq(delivery.retry_after, 7 * CHY_US_PER_SECOND);
    ck_assert_ptr_eq(f.fake.seen_instance, &f.instance);
    f.fake.status = CHY_OK;
    ck_assert_int_eq(tell(&f, "smoke", none, &delivery), CHY_OK);
    close_fixture(&f);
}
END_TEST

START_TEST(an_odd_delivery_is_put_right)
{
    struct fixture f;
    struct chy_delivery delivery;
    open_fixture(&f);
    f.fake.delivery.response_code = 70000;
    f.fake.delivery.retry_after = -1;
    ck_assert_int_eq(tell(&f, "drum", one, &delivery), CHY_OK);
    ck_assert_uint_eq(delivery.response_code, 0);
    ck_assert_int_eq(delivery.retry_after, 0);
    f.fake.delivery.retry_after = INT64_MAX;
    ck_assert_int_eq(tell(&f, "drum", one, &delivery), CHY_OK);
    ck_assert_int_eq(delivery.retry_after, CHY_US_PER_DAY);
    close_fixture(&f);
}
END_TEST

static const struct {
    chy_status answered;
    chy_status meant;
} meanings[] = {
    {CHY_OK, CHY_OK},
    {CHY_DENIED, CHY_DENIED},
    {CHY_BAD_INPUT, CHY_BAD_INPUT},
    {CHY_TRY_LATER, CHY_TRY_LATER},
    {CHY_NO_MEMORY, CHY_NO_MEMORY},
    {CHY_BROKEN, CHY_BROKEN},
    {CHY_NOT_FOUND, CHY_BROKEN},
    {CHY_CONFLICT, CHY_BROKEN},
    {CHY_UNSUPPORTED, CHY_BROKEN},
    {CHY_UNCERTAIN, CHY_BROKEN},
    {42, CHY_BROKEN},
};

START_TEST(what_the_interface_has_no_word_for_is_broken)
{
    struct fixture f;
    struct chy_delivery delivery;
    open_fixture(&f);
    f.fake.status = meanings[_i].answered;
    ck_assert_int_eq(tell(&f, "drum", one, &delivery), meanings[_i].meant);
    ck_assert_int_eq(chy_notifier_check(f.notifier, f.op, chy_text("drum"), one),
                     meanings[_i].meant);
    close_fixture(&f);
}
END_TEST

START_TEST(a_failure_without_a_word_gets_one)
{
    struct fixture f;
    struct chy_delivery delivery;
    open_fixture(&f);
    f.fake.fails_with_reason = false;
    f.fake.status = CHY_TRY_LATER;
    ck_assert_int_eq(tell(&f, "drum", one, &delivery), CHY_TRY_LATER);
    ck_assert_msg(strstr(message(&f), "'post' answered deliver") != NULL, "%s", message(&f));
    close_fixture(&f);
}
END_TEST

START_TEST(receivers_that_are_away_do_not_close_the_gate)
{
    struct fixture f;
    struct chy_delivery delivery;
    open_fixture(&f);
    f.fake.status = CHY_TRY_LATER;
    for (int i = 0; i < 50; i++) {
        ck_assert_int_eq(tell(&f, "drum", one, &delivery), CHY_TRY_LATER);
    }
    ck_assert_uint_eq(f.fake.calls, 50);
    close_fixture(&f);
}
END_TEST

START_TEST(an_unknown_channel_is_not_asked_for)
{
    struct fixture f;
    struct chy_delivery delivery;
    open_fixture(&f);
    ck_assert_int_eq(tell(&f, "pigeon", one, &delivery), CHY_UNSUPPORTED);
    ck_assert_int_eq(chy_notifier_check(f.notifier, f.op, chy_text("pigeon"), one),
                     CHY_UNSUPPORTED);
    ck_assert_uint_eq(f.fake.calls, 0);
    close_fixture(&f);
}
END_TEST

START_TEST(without_a_check_every_channel_is_fine)
{
    struct fixture f;
    open_fixture(&f);
    f.plugin.notifier.check = NULL;
    f.fake.status = CHY_BAD_INPUT;
    ck_assert_int_eq(chy_notifier_check(f.notifier, f.op, chy_text("drum"), one), CHY_OK);
    ck_assert_uint_eq(f.fake.calls, 0);
    close_fixture(&f);
}
END_TEST

TEST_MAIN("plugin_notifier", TEST(channels_are_found_by_their_names),
          TEST(a_delivery_is_told_whatever_the_status_is), TEST(an_odd_delivery_is_put_right),
          TEST_EACH(what_the_interface_has_no_word_for_is_broken, meanings),
          TEST(a_failure_without_a_word_gets_one),
          TEST(receivers_that_are_away_do_not_close_the_gate),
          TEST(an_unknown_channel_is_not_asked_for), TEST(without_a_check_every_channel_is_fine))
