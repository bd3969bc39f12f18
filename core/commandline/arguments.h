/**
 * The words after a command's name: `--name VALUE`, `--name=VALUE`, `--flag`, and operands in
 * between. Names are whole: an abbreviation would change its meaning with the next release.
 */
#ifndef CHY_COMMANDLINE_ARGUMENTS_H
#define CHY_COMMANDLINE_ARGUMENTS_H

#include <chancery/types.h>

#include <stdbool.h>

#define CHY_ARGUMENTS_MAX 32U
#define CHY_ARGUMENT_WORDS_MAX 256U

/** One `--name`. */
struct chy_argument {
    const char *name;  /**< without the dashes */
    const char *value; /**< what its value is called in the help: "FILE"; NULL: it is a flag */
    const char *help;  /**< one line, no full stop */
    const char *default_text; /**< NULL: none */
    bool is_repeatable;       /**< may be given several times */
};

/** What was given. */
struct chy_given {
    const struct chy_argument *arguments;
    size_t argument_count;
    const char *words[CHY_ARGUMENT_WORDS_MAX]; /**< values, in order */
    uint8_t owners[CHY_ARGUMENT_WORDS_MAX];    /**< whose value the word is */
    size_t word_count;
    bool flags[CHY_ARGUMENTS_MAX];
    const char *operands[CHY_ARGUMENT_WORDS_MAX];
    size_t operand_count;
    bool wants_help; /**< --help or -h stood somewhere */
};

/** chy_arguments_parse reads the words of argv from `first` on.  false: `out_problem` says what is
 *  wrong. */
CHY_MUST_USE bool chy_arguments_parse(const struct chy_argument *arguments, size_t argument_count,
                                      int argc, char *const *argv, int first,
                                      struct chy_given *out_given,
                                      char out_problem[CHY_ARGUMENT_WORDS_MAX]);

/** chy_given_text is the value of argument `index`, its default, or NULL. */
const char *chy_given_text(const struct chy_given *given, size_t index);
/** chy_given_count and chy_given_at walk the values of one that is repeatable. */
size_t chy_given_count(const struct chy_given *given, size_t index);
const char *chy_given_at(const struct chy_given *given, size_t index, size_t number);
/** chy_given_flag tells whether flag `index` stood there. */
static inline bool chy_given_flag(const struct chy_given *given, size_t index)
{
    return given->flags[index];
}

#endif
