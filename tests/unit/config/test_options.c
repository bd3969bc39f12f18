#include "config/options.h"

#include "base/buf.h"
#include "base/time.h"
#include "plugin/view.h"
#include "test_main.h"
#include "test_op.h"

enum {
    TEXT = 0,
    INT,
    BOOL,
    DURATION,
    SIZE,
    PATH,
    CHOICE,
    LIST,
    NEEDED,
    OPTIONS
};

static const struct chy_slice choices[] = {CHY_TEXT_INIT("small"), CHY_TEXT_INIT("medium"),
                                           CHY_TEXT_INIT("large")};
#define HELP CHY_TEXT_INIT("help")
static const struct chy_option table[] = {
    {CHY_TEXT_INIT("text"), CHY_OPTION_TEXT, 0, 0, 0, CHY_TEXT_INIT("hello"), {NULL, 0, 0}, HELP},
    {CHY_TEXT_INIT("int"), CHY_OPTION_INT, 0, -5, 100, CHY_TEXT_INIT("7"), {NULL, 0, 0}, HELP},
    {CHY_TEXT_INIT("bool"), CHY_OPTION_BOOL, 0, 0, 0, CHY_TEXT_INIT("true"), {NULL, 0, 0}, HELP},
    {CHY_TEXT_INIT("duration"),
     CHY_OPTION_DURATION,
     0,
     CHY_US_PER_SECOND,
     CHY_US_PER_DAY,
     CHY_TEXT_INIT("30s"),
     {NULL, 0, 0},
     HELP},
    {CHY_TEXT_INIT("size"),
     CHY_OPTION_SIZE,
     0,
     0,
     1 << 30,
     CHY_TEXT_INIT("16k"),
     {NULL, 0, 0},
     HELP},
    {CHY_TEXT_INIT("path"), CHY_OPTION_PATH, 0, 0, 0, CHY_TEXT_INIT("data/db"), {NULL, 0, 0}, HELP},
    {CHY_TEXT_INIT("choice"), CHY_OPTION_CHOICE, 0, 0, 0, CHY_TEXT_INIT("medium"),
     CHY_VIEW_INIT(choices), HELP},
    {CHY_TEXT_INIT("list"),
     CHY_OPTION_TEXT_LIST,
     0,
     0,
     3,
     CHY_TEXT_INIT("one, two"),
     {NULL, 0, 0},
     HELP},
    {CHY_TEXT_INIT("needed"),
     CHY_OPTION_TEXT,
     CHY_OPTION_REQUIRED,
     2,
     5,
     {NULL, 0},
     {NULL, 0, 0},
     CHY_TEXT_INIT("what it is for")},
};

static const char *environment(void *context, const char *name)
{
    (void)context;
    if (strcmp(name, "PORT") == 0) {
        return "42";
    }
    return strcmp(name, "USER_NAME") == 0 ? "anna" : NULL;
}

struct fixture {
    struct chy_op *op;
    struct chy_problems problems;
    struct chy_options_source source;
    struct chy_options options;
};

static void open_fixture(struct fixture *f)
{
    memset(f, 0, sizeof *f);
    f->op = test_op_new();
    chy_problems_init(&f->problems, f->op, chy_text("f.yaml"));
    f->source.problems = &f->problems;
    f->source.directory = chy_text("/etc/chancery");
    f->source.environment = environment;
}

static chy_status read_text(struct fixture *f, const char *text)
{
    const struct chy_yaml_node *root = NULL;
    ck_assert_int_eq(chy_yaml_parse(f->op, chy_text("f.yaml"), chy_text(text), &root), CHY_OK);
    ck_assert_int_eq(chy_options_read(f->op, &f->source, (struct chy_view)CHY_VIEW_INIT(table),
                                      root, chy_text("storage.options"), &f->options),
                     CHY_OK);
    return chy_problems_end(&f->problems);
}

static const struct chy_option_value *value(const struct fixture *f, uint64_t index)
{
    return chy_option_at(&f->options, index);
}

START_TEST(defaults_stand_where_nothing_is_written)
{
    struct fixture f;
    open_fixture(&f);
    ck_assert_int_eq(read_text(&f, "needed: abc\n"), CHY_OK);
    ck_assert_uint_eq(f.options.values.count, OPTIONS);
    ck_assert_str_eq((const char *)value(&f, TEXT)->text.ptr, "hello");
    ck_assert_uint_eq(value(&f, TEXT)->given, 0);
    ck_assert_int_eq(value(&f, INT)->number, 7);
    ck_assert_int_eq(value(&f, BOOL)->number, 1);
    ck_assert_int_eq(value(&f, DURATION)->number, 30 * CHY_US_PER_SECOND);
    ck_assert_int_eq(value(&f, SIZE)->number, 16384);
    ck_assert_str_eq((const char *)value(&f, PATH)->text.ptr, "/etc/chancery/data/db");
    ck_assert_int_eq(value(&f, CHOICE)->number, 1);
    ck_assert(chy_slice_is(value(&f, CHOICE)->text, "medium"));
    ck_assert_uint_eq(value(&f, LIST)->list.count, 2);
    const struct chy_slice *two = chy_view_item(value(&f, LIST)->list, 1);
    ck_assert(chy_slice_is(*two, "two"));
    ck_assert_uint_eq(value(&f, NEEDED)->given, 1);
    test_op_free(f.op);
}
END_TEST

START_TEST(what_is_written_is_read_by_type)
{
    struct fixture f;
    open_fixture(&f);
    ck_assert_int_eq(read_text(&f, "text: 12\nint: -5\nbool: false\nduration: 12h\nsize: 2m\n"
                                   "path: /var/x\nchoice: large\nlist: [a]\nneeded: ab\n"),
                     CHY_OK);
    ck_assert(chy_slice_is(value(&f, TEXT)->text, "12"));
    ck_assert_int_eq(value(&f, INT)->number, -5);
    ck_assert_int_eq(value(&f, BOOL)->number, 0);
    ck_assert_int_eq(value(&f, DURATION)->number, 12 * CHY_US_PER_HOUR);
    ck_assert_int_eq(value(&f, SIZE)->number, 2 << 20);
    ck_assert(chy_slice_is(value(&f, PATH)->text, "/var/x"));
    ck_assert_int_eq(value(&f, CHOICE)->number, 2);
    ck_assert_uint_eq(value(&f, LIST)->list.count, 1);
    for (uint64_t i = 0; i < OPTIONS; i++) {
        ck_assert_uint_eq(value(&f, i)->given, 1);
    }
    test_op_free(f.op);
}
END_TEST

static const struct {
    const char *text;
    const char *message;
    const char *pointer;
} refused[] = {
    {"needed: ab\nlits: [a]\n",
     "f.yaml:2:1: storage.options.lits: unknown key; did you mean "
     "'list'?",
     "/storage/options/lits"},
    {"needed: ab\nsomething: 1\n", "f.yaml:2:1: storage.options.something: unknown key",
     "/storage/options/something"},
    {"needed: ab\nint: many\n",
     "f.yaml:2:6: storage.options.int: expected a whole number from -5 "
     "to 100, found 'many'",
     "/storage/options/int"},
    {"needed: ab\nint: 101\n",
     "f.yaml:2:6: storage.options.int: expected a whole number from -5 "
     "to 100, found '101'",
     "/storage/options/int"},
    {"needed: ab\nint: 1.5\n",
     "f.yaml:2:6: storage.options.int: expected a whole number from -5 "
     "to 100, found '1.5'",
     "/storage/options/int"},
    {"needed: ab\nint: \"7\"\n",
     "f.yaml:2:6: storage.options.int: expected a whole number without "
     "quotes, found a text",
     "/storage/options/int"},
    {"needed: ab\nint: [7]\n",
     "f.yaml:2:6: storage.options.int: expected a whole number, found a "
     "list",
     "/storage/options/int"},
    {"needed: ab\nint:\n",
     "f.yaml:2:5: storage.options.int: expected a whole number, found "
     "nothing",
     "/storage/options/int"},
    {"needed: ab\nbool: yes\n",
     "f.yaml:2:7: storage.options.bool: expected true or false, found "
     "'yes'",
     "/storage/options/bool"},
    {"needed: ab\nduration: 30\n",
     "f.yaml:2:11: storage.options.duration: expected a duration "
     "(250ms, 30s, 5m, 12h, 7d) from 1s to 1d, found '30'",
     "/storage/options/duration"},
    {"needed: ab\nduration: 2d\n",
     "f.yaml:2:11: storage.options.duration: expected a duration "
     "(250ms, 30s, 5m, 12h, 7d) from 1s to 1d, found '2d'",
     "/storage/options/duration"},
    {"needed: ab\nsize: 2g\n",
     "f.yaml:2:7: storage.options.size: expected a size (64, 16k, 2m, "
     "1g) from 0 to 1g, found '2g'",
     "/storage/options/size"},
    {"needed: ab\nsize: 9999999999g\n",
     "f.yaml:2:7: storage.options.size: expected a size (64, "
     "16k, 2m, 1g) from 0 to 1g, found '9999999999g'",
     "/storage/options/size"},
    {"needed: ab\nsize: k\n",
     "f.yaml:2:7: storage.options.size: expected a size (64, 16k, 2m, 1g) "
     "from 0 to 1g, found 'k'",
     "/storage/options/size"},
    {"needed: ab\nchoice: larg\n",
     "f.yaml:2:9: storage.options.choice: expected one of 'small', "
     "'medium', 'large', found 'larg'; did you mean 'large'?",
     "/storage/options/choice"},
    {"needed: ab\nlist: a\n",
     "f.yaml:2:7: storage.options.list: expected a list of texts, found a "
     "single value",
     "/storage/options/list"},
    {"needed: ab\nlist: [a, b, c, d]\n",
     "f.yaml:2:7: storage.options.list: expected a list of 0 "
     "to 3 texts, found 4",
     "/storage/options/list"},
    {"needed: ab\nlist: [a, [b]]\n",
     "f.yaml:2:11: storage.options.list: expected a text in the "
     "list, found a list",
     "/storage/options/list"},
    {"text: x\n", "f.yaml:1:1: storage.options.needed: it is required: what it is for",
     "/storage/options/needed"},
    {"needed: a\n",
     "f.yaml:1:9: storage.options.needed: expected a text of 2 to 5 bytes, found 1 "
     "bytes",
     "/storage/options/needed"},
    {"- a\n", "f.yaml:1:1: storage.options: expected a map of options, found a list",
     "/storage/options"},
    {"needed: ab\ntext: ${ABSENT}\n",
     "f.yaml:2:7: storage.options.text: the environment variable "
     "ABSENT is not set",
     "/storage/options/text"},
    {"needed: ab\ntext: a${PORT\n",
     "f.yaml:2:7: storage.options.text: expected ${NAME} with "
     "letters, digits and '_' ('$${' stands for '${')",
     "/storage/options/text"},
    {"needed: ab\ntext: ${1X}\n",
     "f.yaml:2:7: storage.options.text: expected ${NAME} with "
     "letters, digits and '_' ('$${' stands for '${')",
     "/storage/options/text"},
};

START_TEST(refuses_with_place_path_and_expectation)
{
    struct fixture f;
    struct chy_error error;
    open_fixture(&f);
    ck_assert_int_eq(read_text(&f, refused[_i].text), CHY_BAD_INPUT);
    ck_assert_str_eq(test_op_message(f.op), refused[_i].message);
    memset(&error, 0, sizeof error);
    error.struct_size = sizeof error;
    f.op->host->last_error(f.op, &error);
    ck_assert_uint_eq(error.reason, CHY_REASON_VALIDATION);
    ck_assert_uint_eq(error.issues.count, 1);
    const struct chy_issue *issue = chy_view_item(error.issues, 0);
    ck_assert_msg(chy_slice_is(issue->path, refused[_i].pointer), "%.*s", (int)issue->path.len,
                  (const char *)issue->path.ptr);
    test_op_free(f.op);
}
END_TEST

START_TEST(all_problems_are_told_at_once)
{
    struct fixture f;
    struct chy_error error;
    open_fixture(&f);
    ck_assert_int_eq(read_text(&f, "int: x\nbool: y\nwhat: z\n"), CHY_BAD_INPUT);
    memset(&error, 0, sizeof error);
    error.struct_size = sizeof error;
    f.op->host->last_error(f.op, &error);
    ck_assert_uint_eq(error.issues.count, 4);
    test_op_free(f.op);
}
END_TEST

static const struct {
    const char *text;
    const char *expected;
} expanded[] = {
    {"text: ${USER_NAME}\n", "anna"},
    {"text: \"${USER_NAME}\"\n", "anna"},
    {"text: a${USER_NAME}-${PORT}b\n", "aanna-42b"},
    {"text: $${USER_NAME}\n", "${USER_NAME}"},
    {"text: a$b$\n", "a$b$"},
    {"text: $$\n", "$$"},
    {"text: cost $5\n", "cost $5"},
};

START_TEST(variables_are_filled_in)
{
    struct fixture f;
    open_fixture(&f);
    struct chy_buf text;
    chy_buf_init(&text, f.op, 1024);
    chy_buf_add_text(&text, expanded[_i].text);
    chy_buf_add_text(&text, "needed: ab\nint: ${PORT}\n");
    chy_buf_add_u8(&text, 0);
    ck_assert(chy_buf_ok(&text));
    ck_assert_msg(read_text(&f, (const char *)text.ptr) == CHY_OK, "%s", test_op_message(f.op));
    ck_assert_str_eq((const char *)value(&f, TEXT)->text.ptr, expanded[_i].expected);
    ck_assert_int_eq(value(&f, INT)->number, 42);
    ck_assert_uint_eq(f.source.secret_variable_count, 0);
    test_op_free(f.op);
}
END_TEST

START_TEST(a_quoted_variable_may_be_a_number)
{
    struct fixture f;
    open_fixture(&f);
    ck_assert_int_eq(read_text(&f, "needed: ab\nint: \"${PORT}\"\n"), CHY_OK);
    ck_assert_int_eq(value(&f, INT)->number, 42);
    test_op_free(f.op);
}
END_TEST

START_TEST(words_of_a_command_line_are_read_alike)
{
    static const char *const pairs[] = {"needed=ab", "int=9", "list=a", "list=b", "text=x=y"};
    static const char *const wrong[] = {"needed=ab", "int", "needed=cd", "nit=1"};
    struct fixture f;
    struct chy_error error;
    open_fixture(&f);
    const struct chy_view view = CHY_VIEW_INIT(table);
    ck_assert_int_eq(chy_options_from_pairs(f.op, &f.source, view, pairs,
                                            sizeof pairs / sizeof pairs[0], &f.options),
                     CHY_OK);
    ck_assert_int_eq(chy_problems_end(&f.problems), CHY_OK);
    ck_assert_int_eq(value(&f, INT)->number, 9);
    ck_assert_uint_eq(value(&f, LIST)->list.count, 2);
    ck_assert(chy_slice_is(value(&f, TEXT)->text, "x=y"));
    ck_assert_int_eq(chy_options_from_pairs(f.op, &f.source, view, wrong,
                                            sizeof wrong / sizeof wrong[0], &f.options),
                     CHY_OK);
    ck_assert_int_eq(chy_problems_end(&f.problems), CHY_BAD_INPUT);
    ck_assert_str_eq(test_op_message(f.op), "f.yaml: expected name=value, found 'int'");
    memset(&error, 0, sizeof error);
    error.struct_size = sizeof error;
    f.op->host->last_error(f.op, &error);
    ck_assert_uint_eq(error.issues.count, 3);
    test_op_free(f.op);
}
END_TEST

START_TEST(a_wrong_default_is_the_plugins_fault)
{
    static const struct chy_option odd[] = {
        {CHY_TEXT_INIT("n"), CHY_OPTION_INT, 0, 1, 5, CHY_TEXT_INIT("9"), {NULL, 0, 0}, HELP}};
    struct fixture f;
    open_fixture(&f);
    ck_assert_int_eq(chy_options_read(f.op, &f.source, (struct chy_view)CHY_VIEW_INIT(odd), NULL,
                                      chy_text("o"), &f.options),
                     CHY_OK);
    ck_assert_int_eq(chy_problems_end(&f.problems), CHY_BAD_INPUT);
    ck_assert_str_eq(test_op_message(f.op), "f.yaml: o.n: the plugin's own default is wrong: "
                                            "expected a whole number from 1 to 5, found '9'");
    test_op_free(f.op);
}
END_TEST

TEST_MAIN("config_options", TEST(defaults_stand_where_nothing_is_written),
          TEST(what_is_written_is_read_by_type),
          TEST_EACH(refuses_with_place_path_and_expectation, refused),
          TEST(all_problems_are_told_at_once), TEST_EACH(variables_are_filled_in, expanded),
          TEST(a_quoted_variable_may_be_a_number), TEST(words_of_a_command_line_are_read_alike),
          TEST(a_wrong_default_is_the_plugins_fault))
