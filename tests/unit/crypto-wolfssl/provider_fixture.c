#include "provider_fixture.h"

#include "test_main.h"

#include <chancery/plugin.h>

/** number_for gives an option's number: the test's, or the default of the plugin's own table. */
static int64_t number_for(const struct chy_option *option, const struct provider_options *options)
{
    if (chy_slice_is(option->name, "ready_rsa_2048")) {
        return options->ready_2048;
    }
    if (chy_slice_is(option->name, "generate_waiting")) {
        return options->generate_waiting;
    }
    if (chy_slice_is(option->name, "objects_per_key") && options->objects_per_key > 0) {
        return options->objects_per_key;
    }
    int64_t number = 0;
    for (uint64_t i = 0; i < option->default_text.len; i++) {
        number = number * 10 + (option->default_text.ptr[i] - '0');
    }
    return number;
}

struct chy_provider *provider_new(struct chy_op *op, struct provider_options options)
{
    struct chy_option_value values[16] = {0};
    const struct chy_plugin *plugin = chancery_plugin_v1();
    ck_assert_uint_le(plugin->options.count, sizeof values / sizeof values[0]);
    for (uint64_t i = 0; i < plugin->options.count; i++) {
        values[i].number = number_for(chy_view_at(plugin->options, i), &options);
    }
    struct chy_options given = {
        .struct_size = sizeof given,
        .instance_name = chy_text("crypto"),
        .data_directory = chy_text("/nonexistent"),
        .values = {values, plugin->options.count, sizeof values[0]},
    };
    void *self = NULL;
    ck_assert_int_eq(plugin->create(op->host, NULL, op, &given, &self), CHY_OK);
    return self;
}

void provider_free(struct chy_provider *provider)
{
    chancery_plugin_v1()->destroy(provider);
}

struct chy_key *key_of(struct chy_provider *provider, uint32_t algorithm)
{
    struct chy_rng *rng;
    struct chy_key *key = NULL;
    ck_assert_int_eq(chy_rngs_take(&provider->rngs, &rng), 0);
    ck_assert_int_eq(chy_key_generate(provider, chy_algorithm_find(algorithm), rng, 0, &key), 0);
    chy_rngs_give(&provider->rngs, rng);
    return key;
}
