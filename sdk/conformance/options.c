/** The command line, and options checked against a plugin's table. */
#include "internal.h"

#include <stdlib.h>

static const char *const log_names[] = {"error", "warning", "info", "debug"};

bool conf_arguments_parse(struct conf_arguments *arguments, int argc, char **argv)
{
    *arguments = (struct conf_arguments){0};
    for (int i = 1; i < argc; i++) {
        bool has_next = i + 1 < argc;
        if (strcmp(argv[i], "--option") == 0 && has_next &&
            arguments->option_count < CONF_OPTIONS_MAX) {
            arguments->options[arguments->option_count++] = argv[++i];
        } else if (strcmp(argv[i], "--log") == 0 && has_next) {
            i++;
            for (uint32_t level = 0; level < 4; level++) {
                if (strcmp(argv[i], log_names[level]) == 0) {
                    conf_log_level((enum chy_log_level)level);
                }
            }
        } else if (arguments->plugin == NULL && argv[i][0] != '-') {
            arguments->plugin = argv[i];
        } else if (arguments->rest_count < CONF_REST_MAX) {
            arguments->rest[arguments->rest_count++] = argv[i];
        } else {
            conf_say("too many arguments, or no value after '%s'", argv[i]);
            return false;
        }
    }
    if (arguments->plugin == NULL) {
        conf_say("usage: %s <plugin.so> [--option name=value]... [--log LEVEL]", argv[0]);
        return false;
    }
    return true;
}

bool conf_flag(const struct conf_arguments *arguments, const char *name)
{
    for (size_t i = 0; i < arguments->rest_count; i++) {
        if (strcmp(arguments->rest[i], name) == 0) {
            return true;
        }
    }
    return false;
}

const char *conf_value(const struct conf_arguments *arguments, const char *name)
{
    for (size_t i = 0; i + 1 < arguments->rest_count; i++) {
        if (strcmp(arguments->rest[i], name) == 0) {
            return arguments->rest[i + 1];
        }
    }
    return NULL;
}

/** digits reads a non-negative decimal number and returns what follows it, or NULL. */
static const char *digits(const char *text, int64_t *out_number)
{
    int64_t number = 0;
    const char *p = text;
    for (; *p >= '0' && *p <= '9'; p++) {
        if (number > (INT64_MAX - 9) / 10) {
            return NULL;
        }
        number = number * 10 + (*p - '0');
    }
    *out_number = number;
    return p == text ? NULL : p;
}

int64_t conf_number(const char *text, int64_t fallback)
{
    int64_t number = 0;
    const char *end = text == NULL ? NULL : digits(text, &number);
    return end != NULL && *end == '\0' ? number : fallback;
}

struct unit {
    const char *name;
    int64_t factor;
};

static bool with_unit(const char *text, const struct unit *units, int64_t *out_number)
{
    int64_t number = 0;
    const char *end = digits(text, &number);
    for (; end != NULL && units->name != NULL; units++) {
        if (strcmp(end, units->name) == 0 && number <= INT64_MAX / units->factor) {
            *out_number = number * units->factor;
            return true;
        }
    }
    return false;
}

static bool parse_bool(const char *text, int64_t *out_number)
{
    bool yes = strcmp(text, "true") == 0 || strcmp(text, "yes") == 0 || strcmp(text, "on") == 0;
    bool no = strcmp(text, "false") == 0 || strcmp(text, "no") == 0 || strcmp(text, "off") == 0;
    *out_number = yes;
    return yes || no;
}

static bool parse_choice(const struct chy_option *option, const char *text, int64_t *out_number)
{
    for (uint64_t i = 0; i < option->choices.count; i++) {
        const struct chy_slice *choice = chy_view_at(option->choices, i);
        if (chy_slice_is(*choice, text)) {
            *out_number = (int64_t)i;
            return true;
        }
    }
    return false;
}

static bool parse_number(const struct chy_option *option, const char *text, int64_t *out_number)
{
    static const struct unit durations[] = {{"ms", 1000},         {"s", 1000000},
                                            {"m", 60000000},      {"h", 3600000000},
                                            {"d", 86400000000LL}, {NULL, 0}};
    static const struct unit sizes[] = {
        {"", 1}, {"k", 1024}, {"m", 1024 * 1024}, {"g", 1024 * 1024 * 1024}, {NULL, 0}};
    static const struct unit plain[] = {{"", 1}, {NULL, 0}};
    bool negative = option->type == CHY_OPTION_INT && text[0] == '-';
    bool ok = with_unit(text + negative,
                        option->type == CHY_OPTION_DURATION ? durations
                        : option->type == CHY_OPTION_SIZE   ? sizes
                                                            : plain,
                        out_number);
    *out_number = negative ? -*out_number : *out_number;
    return ok;
}

static char *own(struct chy_instance *instance, char *block)
{
    size_t bytes = (instance->owned_count + 1) * sizeof *instance->owned;
    instance->owned = conf_must(realloc(instance->owned, bytes));
    instance->owned[instance->owned_count++] = conf_must(block);
    return block;
}

static bool in_range(const struct chy_option *option, int64_t number)
{
    return (option->minimum == 0 && option->maximum == 0) ||
           (number >= option->minimum && number <= option->maximum);
}

static void append(struct chy_instance *instance, struct chy_option_value *value, char *text)
{
    struct chy_slice *list = conf_must(calloc(value->list.count + 1, sizeof *list));
    if (value->list.count != 0) {
        memcpy(list, value->list.ptr, (size_t)value->list.count * sizeof *list);
    }
    list[value->list.count] = chy_text(text);
    value->list =
        (struct chy_view){own(instance, (char *)list), value->list.count + 1, sizeof *list};
}

static bool set(struct chy_instance *instance, const struct chy_option *option,
                struct chy_option_value *value, const char *written, bool given)
{
    char *text = own(instance, strdup(written));
    int64_t number = 0;
    bool ok = true;
    if (option->type == CHY_OPTION_PATH && text[0] != '/' && text[0] != '\0') {
        char *path = NULL;
        if (asprintf(&path, "%s/%s", instance->data_directory, text) < 0) {
            path = NULL;
        }
        text = own(instance, path);
    } else if (option->type == CHY_OPTION_BOOL) {
        ok = parse_bool(text, &number);
    } else if (option->type == CHY_OPTION_CHOICE) {
        ok = parse_choice(option, text, &number);
    } else if (option->type == CHY_OPTION_INT || option->type == CHY_OPTION_DURATION ||
               option->type == CHY_OPTION_SIZE) {
        ok = parse_number(option, text, &number) && in_range(option, number);
    } else if (option->type == CHY_OPTION_TEXT_LIST) {
        append(instance, value, text);
    }
    if (!ok) {
        conf_say("option '%.*s' cannot be '%s'", (int)option->name.len,
                 (const char *)option->name.ptr, written);
        return false;
    }
    value->given = given;
    value->number = number;
    value->text = chy_text(text);
    return true;
}

/** with_tag replaces "%n" in `text` by the instance's name. */
static char *with_tag(struct chy_instance *instance, const char *text)
{
    const char *mark = strstr(text, "%n");
    char *result = NULL;
    int length = mark == NULL ? asprintf(&result, "%s", text)
                              : asprintf(&result, "%.*s%s%s", (int)(mark - text), text,
                                         instance->name, mark + 2);
    return own(instance, length < 0 ? NULL : result);
}

static bool set_written(struct chy_instance *instance, const char *pair)
{
    const struct chy_view table = instance->descriptor->options;
    const char *equals = strchr(pair, '=');
    size_t len = equals == NULL ? 0 : (size_t)(equals - pair);
    for (uint64_t i = 0; equals != NULL && i < table.count; i++) {
        const struct chy_option *option = chy_view_at(table, i);
        if (chy_slice_equal(option->name, chy_slice_of(pair, len))) {
            return set(instance, option, &instance->values[i], with_tag(instance, equals + 1),
                       true);
        }
    }
    conf_say("'%s' is not name=value with an option of the plugin", pair);
    return false;
}

static bool set_default(struct chy_instance *instance, const struct chy_option *option,
                        struct chy_option_value *value)
{
    if (value->given != 0) {
        return true;
    }
    if (option->default_text.len != 0) {
        char *text = own(instance, strndup((const char *)option->default_text.ptr,
                                           (size_t)option->default_text.len));
        return set(instance, option, value, text, false);
    }
    if ((option->flags & CHY_OPTION_REQUIRED) != 0) {
        conf_say("option '%.*s' is required", (int)option->name.len,
                 (const char *)option->name.ptr);
        return false;
    }
    return true;
}

bool conf_options_parse(struct chy_instance *instance, const struct conf_arguments *arguments)
{
    const struct chy_view table = instance->descriptor->options;
    for (size_t i = 0; i < arguments->option_count; i++) {
        if (!set_written(instance, arguments->options[i])) {
            return false;
        }
    }
    for (uint64_t i = 0; i < table.count; i++) {
        if (!set_default(instance, chy_view_at(table, i), &instance->values[i])) {
            return false;
        }
    }
    return true;
}
