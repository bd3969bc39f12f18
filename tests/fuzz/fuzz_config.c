/* For chy_yaml_parse(), chy_options_read(), chy_config_from_text() and chy_config_print(). */
#include "fuzz.h"

#include "base/slice.h"
#include "config/print.h"
#include "test_op.h"

#include <assert.h>

static const struct chy_slice choices[] = {CHY_TEXT_INIT("small"), CHY_TEXT_INIT("large")};

#define OPTION(name, type, minimum, maximum, default_text)                                         \
    {                                                                                              \
        CHY_TEXT_INIT(name), type, 0, minimum, maximum, CHY_TEXT_INIT(default_text), {NULL, 0, 0}, \
            CHY_TEXT_INIT("help")                                                                  \
    }

static const struct chy_option table[] = {
    OPTION("text", CHY_OPTION_TEXT, 0, 9, "t"),
    OPTION("int", CHY_OPTION_INT, -5, 5, "1"),
    OPTION("bool", CHY_OPTION_BOOL, 0, 0, "true"),
    OPTION("duration", CHY_OPTION_DURATION, 0, 3600000000, "1s"),
    OPTION("size", CHY_OPTION_SIZE, 0, 1 << 20, "1k"),
    OPTION("path", CHY_OPTION_PATH, 0, 0, "p"),
    OPTION("list", CHY_OPTION_TEXT_LIST, 0, 4, "a, b"),
    {CHY_TEXT_INIT("choice"), CHY_OPTION_CHOICE, 0, 0, 0, CHY_TEXT_INIT("small"),
     CHY_VIEW_INIT(choices), CHY_TEXT_INIT("help")},
};

static const char *environment(void *context, const char *name)
{
    (void)context;
    return strcmp(name, "NAME") == 0 ? "value" : NULL;
}

/** What an option gives lies within its range. */
static void check_value(const struct chy_option *option, const struct chy_option_value *value)
{
    bool has_range = option->minimum != 0 || option->maximum != 0;
    if (option->type == CHY_OPTION_TEXT) {
        assert((int64_t)value->text.len <= option->maximum);
    } else if (option->type == CHY_OPTION_TEXT_LIST) {
        assert((int64_t)value->list.count <= option->maximum);
    } else if (option->type == CHY_OPTION_CHOICE) {
        assert(value->number >= 0 && value->number < 2);
    } else if (option->type == CHY_OPTION_PATH) {
        assert(value->text.len == 0 || value->text.ptr[0] == '/');
    } else if (has_range) {
        assert(value->number >= option->minimum && value->number <= option->maximum);
    }
}

static void read_options(struct chy_op *op, const struct chy_yaml_node *root)
{
    struct chy_problems problems;
    struct chy_options_source source;
    struct chy_options options;
    const struct chy_view view = CHY_VIEW_INIT(table);
    memset(&source, 0, sizeof source);
    chy_problems_init(&problems, op, chy_text("fuzz"));
    source.problems = &problems;
    source.directory = chy_text("/etc");
    source.environment = environment;
    if (chy_options_read(op, &source, view, root, chy_text("o"), &options) != CHY_OK ||
        chy_problems_end(&problems) != CHY_OK) {
        return;
    }
    for (uint64_t i = 0; i < view.count; i++) {
        check_value(&table[i], chy_option_at(&options, i));
    }
}

static struct chy_slice print(struct chy_op *op, struct chy_config *config)
{
    struct chy_buf out;
    chy_buf_init(&out, op, (size_t)8 << 20);
    chy_status status = chy_config_print(op, config, NULL, NULL, &out);
    assert(status == CHY_OK);
    return chy_buf_slice(&out);
}

static struct chy_config *read_again(struct chy_op *op, struct chy_slice text)
{
    struct chy_config *config = NULL;
    chy_status status =
        chy_config_from_text(op, chy_text("again"), chy_text("/etc"), text, &config);
    assert(status == CHY_OK);
    return config;
}

/** What is printed reads as what was printed. */
static void read_config(struct chy_op *op, struct chy_slice text)
{
    struct chy_config *config = NULL;
    // Files and the environment are not the fuzzer's to read.
    if (chy_slice_contains(text, chy_text("file:")) || chy_slice_contains(text, chy_text("{")) ||
        chy_slice_contains(text, chy_text("credential:")) ||
        chy_slice_contains(text, chy_text("\\"))) {
        return;
    }
    if (chy_config_from_text(op, chy_text("fuzz"), chy_text("/etc"), text, &config) != CHY_OK) {
        return;
    }
    // The first print marks defaults; read again, every value is written.
    struct chy_slice second = print(op, read_again(op, print(op, config)));
    struct chy_slice third = print(op, read_again(op, second));
    assert(chy_slice_equal(second, third));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct chy_op *op = test_op_new();
    const struct chy_yaml_node *root = NULL;
    struct chy_slice text = chy_slice_of(data, size);
    if (chy_yaml_parse(op, chy_text("fuzz"), text, &root) == CHY_OK) {
        read_options(op, root);
        read_config(op, text);
    }
    test_op_free(op);
    return 0;
}
