#include "commandline/arguments.h"

#include "config/problems.h"

#include <assert.h>
#include <stdio.h>

/** The words while they are read. */
struct reading {
    struct chy_given *given;
    char *problem;
    int argc;
    char *const *argv;
    int at;
};

static bool refuse(const struct reading *r, const char *before, const char *word, const char *after)
{
    (void)snprintf(r->problem, CHY_ARGUMENT_WORDS_MAX, "%s%.100s%s", before, word, after);
    return false;
}

static bool refuse_unknown(const struct reading *r, struct chy_slice name)
{
    struct chy_slice names[CHY_ARGUMENTS_MAX + 1];
    size_t count = 0;
    for (size_t i = 0; i < r->given->argument_count; i++) {
        names[count++] = chy_text(r->given->arguments[i].name);
    }
    names[count++] = chy_text("help");
    struct chy_slice near = chy_nearest_name(name, names, count);
    (void)snprintf(r->problem, CHY_ARGUMENT_WORDS_MAX, "unknown option '--%.*s'%s%.*s%s",
                   name.len > 60 ? 60 : (int)name.len, (const char *)name.ptr,
                   near.len == 0 ? "" : "; did you mean '--", (int)near.len, (const char *)near.ptr,
                   near.len == 0 ? "" : "'?");
    return false;
}

static bool find(const struct chy_given *given, struct chy_slice name, size_t *out_index)
{
    for (size_t i = 0; i < given->argument_count; i++) {
        if (chy_slice_is(name, given->arguments[i].name)) {
            *out_index = i;
            return true;
        }
    }
    return false;
}

static bool add_value(const struct reading *r, size_t index, const char *value)
{
    struct chy_given *given = r->given;
    const struct chy_argument *argument = &given->arguments[index];
    if (!argument->is_repeatable && chy_given_count(given, index) != 0) {
        return refuse(r, "option '--", argument->name, "' is given twice");
    }
    if (given->word_count == CHY_ARGUMENT_WORDS_MAX) {
        return refuse(r, "too many values of '--", argument->name, "'");
    }
    given->owners[given->word_count] = (uint8_t)index;
    given->words[given->word_count++] = value;
    return true;
}

/** Reads `--name`, `--name=VALUE` or `--name VALUE`, which takes a word more. */
static bool read_option(struct reading *r, const char *word)
{
    const char *equals = strchr(word, '=');
    size_t len = equals == NULL ? strlen(word) : (size_t)(equals - word);
    struct chy_slice name = chy_slice_of(word, len);
    size_t index = 0;
    if (chy_slice_is(name, "help")) {
        r->given->wants_help = true;
        return true;
    }
    if (!find(r->given, name, &index)) {
        return refuse_unknown(r, name);
    }
    const struct chy_argument *argument = &r->given->arguments[index];
    if (argument->value == NULL) {
        if (equals != NULL) {
            return refuse(r, "option '--", argument->name, "' takes no value");
        }
        r->given->flags[index] = true;
        return true;
    }
    if (equals != NULL) {
        return add_value(r, index, equals + 1);
    }
    if (r->at == r->argc) {
        (void)snprintf(r->problem, CHY_ARGUMENT_WORDS_MAX, "option '--%s' needs a value: --%s %s",
                       argument->name, argument->name, argument->value);
        return false;
    }
    return add_value(r, index, r->argv[r->at++]);
}

static bool add_operand(const struct reading *r, const char *word)
{
    if (r->given->operand_count == CHY_ARGUMENT_WORDS_MAX) {
        return refuse(r, "too many words from '", word, "' on");
    }
    r->given->operands[r->given->operand_count++] = word;
    return true;
}

bool chy_arguments_parse(const struct chy_argument *arguments, size_t argument_count, int argc,
                         char *const *argv, int first, struct chy_given *out_given,
                         char out_problem[CHY_ARGUMENT_WORDS_MAX])
{
    bool only_operands = false;
    struct reading r = {out_given, out_problem, argc, argv, first};
    assert(argument_count <= CHY_ARGUMENTS_MAX);
    memset(out_given, 0, sizeof *out_given);
    out_given->arguments = arguments;
    out_given->argument_count = argument_count;
    while (r.at < argc) {
        const char *word = argv[r.at++];
        bool ok = true;
        if (only_operands || word[0] != '-' || word[1] == '\0') {
            ok = add_operand(&r, word);
        } else if (strcmp(word, "--") == 0) {
            only_operands = true;
        } else if (strcmp(word, "-h") == 0) {
            out_given->wants_help = true;
        } else if (word[1] == '-') {
            ok = read_option(&r, word + 2);
        } else {
            ok = refuse(&r, "unknown option '", word, "'; options begin with two dashes");
        }
        if (!ok) {
            return false;
        }
    }
    return true;
}

size_t chy_given_count(const struct chy_given *given, size_t index)
{
    size_t count = 0;
    for (size_t i = 0; i < given->word_count; i++) {
        count += given->owners[i] == index ? 1 : 0;
    }
    return count;
}

const char *chy_given_at(const struct chy_given *given, size_t index, size_t number)
{
    for (size_t i = 0; i < given->word_count; i++) {
        if (given->owners[i] == index && number-- == 0) {
            return given->words[i];
        }
    }
    return NULL;
}

const char *chy_given_text(const struct chy_given *given, size_t index)
{
    const char *word = chy_given_at(given, index, 0);
    return word == NULL ? given->arguments[index].default_text : word;
}
