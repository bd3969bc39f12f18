#include "commandline/arguments.h"

#include "test_main.h"

enum {
    CONFIG = 0,
    OPTION,
    FORCE,
    ARGUMENTS
};

static const struct chy_argument arguments[ARGUMENTS] = {
    {"config", "FILE", "help", "default.yaml", false},
    {"option", "NAME=VALUE", "help", NULL, true},
    {"force", NULL, "help", NULL, false},
};

#define WORDS_MAX 8

static bool parse(const char *const *words, struct chy_given *given, char *problem)
{
    char *argv[WORDS_MAX + 1] = {NULL};
    int argc = 0;
    while (argc < WORDS_MAX && words[argc] != NULL) {
        argv[argc] = (char *)(uintptr_t)words[argc];
        argc++;
    }
    problem[0] = '\0';
    return chy_arguments_parse(arguments, ARGUMENTS, argc, argv, 0, given, problem);
}

START_TEST(values_flags_and_operands_mix)
{
    static const char *const words[] = {
        "one", "--config", "c.yaml", "--option=a=b", "--option", "c", "--force", "two", NULL};
    struct chy_given given;
    char problem[CHY_ARGUMENT_WORDS_MAX];
    ck_assert_msg(parse(words, &given, problem), "%s", problem);
    ck_assert_str_eq(chy_given_text(&given, CONFIG), "c.yaml");
    ck_assert_uint_eq(chy_given_count(&given, OPTION), 2);
    ck_assert_str_eq(chy_given_at(&given, OPTION, 0), "a=b");
    ck_assert_str_eq(chy_given_at(&given, OPTION, 1), "c");
    ck_assert_ptr_null(chy_given_at(&given, OPTION, 2));
    ck_assert(chy_given_flag(&given, FORCE));
    ck_assert_uint_eq(given.operand_count, 2);
    ck_assert_str_eq(given.operands[0], "one");
    ck_assert_str_eq(given.operands[1], "two");
    ck_assert(!given.wants_help);
}
END_TEST

START_TEST(what_is_not_given_is_its_default_or_nothing)
{
    static const char *const words[] = {NULL};
    struct chy_given given;
    char problem[CHY_ARGUMENT_WORDS_MAX];
    ck_assert(parse(words, &given, problem));
    ck_assert_str_eq(chy_given_text(&given, CONFIG), "default.yaml");
    ck_assert_ptr_null(chy_given_text(&given, OPTION));
    ck_assert_uint_eq(chy_given_count(&given, CONFIG), 0);
    ck_assert(!chy_given_flag(&given, FORCE));
}
END_TEST

START_TEST(two_dashes_end_the_options)
{
    static const char *const words[] = {"--", "--force", "-", "-h", NULL};
    struct chy_given given;
    char problem[CHY_ARGUMENT_WORDS_MAX];
    ck_assert(parse(words, &given, problem));
    ck_assert(!chy_given_flag(&given, FORCE));
    ck_assert(!given.wants_help);
    ck_assert_uint_eq(given.operand_count, 3);
}
END_TEST

START_TEST(an_empty_value_is_a_value)
{
    static const char *const words[] = {"--config", "", "--option=", "-", NULL};
    struct chy_given given;
    char problem[CHY_ARGUMENT_WORDS_MAX];
    ck_assert(parse(words, &given, problem));
    ck_assert_str_eq(chy_given_text(&given, CONFIG), "");
    ck_assert_str_eq(chy_given_text(&given, OPTION), "");
    ck_assert_str_eq(given.operands[0], "-");
}
END_TEST

static const struct {
    const char *words[3];
    const char *problem;
} refused[] = {
    {{"--confg", "x", NULL}, "unknown option '--confg'; did you mean '--config'?"},
    {{"--conf=x", NULL, NULL}, "unknown option '--conf'; did you mean '--config'?"},
    {{"--nothing", NULL, NULL}, "unknown option '--nothing'"},
    {{"--config", NULL, NULL}, "option '--config' needs a value: --config FILE"},
    {{"--force=yes", NULL, NULL}, "option '--force' takes no value"},
    {{"--config=a", "--config=b", NULL}, "option '--config' is given twice"},
    {{"-f", NULL, NULL}, "unknown option '-f'; options begin with two dashes"},
};

START_TEST(refuses_with_what_was_meant)
{
    struct chy_given given;
    char problem[CHY_ARGUMENT_WORDS_MAX];
    ck_assert(!parse(refused[_i].words, &given, problem));
    ck_assert_str_eq(problem, refused[_i].problem);
}
END_TEST

START_TEST(help_is_noticed_anywhere)
{
    static const char *const words[] = {"one", "--help", NULL};
    static const char *const brief[] = {"-h", NULL};
    struct chy_given given;
    char problem[CHY_ARGUMENT_WORDS_MAX];
    ck_assert(parse(words, &given, problem));
    ck_assert(given.wants_help);
    ck_assert(parse(brief, &given, problem));
    ck_assert(given.wants_help);
}
END_TEST

TEST_MAIN("command_arguments", TEST(values_flags_and_operands_mix),
          TEST(what_is_not_given_is_its_default_or_nothing), TEST(two_dashes_end_the_options),
          TEST(an_empty_value_is_a_value), TEST_EACH(refuses_with_what_was_meant, refused),
          TEST(help_is_noticed_anywhere))
