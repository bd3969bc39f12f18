#include "config/options.h"

#include "plugin/view.h"
#include "test_main.h"
#include "test_op.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct chy_option table[] = {
    {CHY_TEXT_INIT("password"),
     CHY_OPTION_TEXT,
     CHY_OPTION_SECRET,
     0,
     0,
     {NULL, 0},
     {NULL, 0, 0},
     CHY_TEXT_INIT("help")},
};

/** A folder with secrets, which is the credentials directory too. */
struct fixture {
    struct chy_op *op;
    char directory[64];
    struct chy_problems problems;
    struct chy_options_source source;
    struct chy_options options;
};

static const char *environment(void *context, const char *name)
{
    const struct fixture *f = context;
    if (strcmp(name, "CREDENTIALS_DIRECTORY") == 0) {
        return f->directory;
    }
    if (strcmp(name, "FROM_FILE") == 0) {
        return "file:/etc/passwd";
    }
    return strcmp(name, "PASSWORD") == 0 ? "from the environment" : NULL;
}

static void open_fixture(struct fixture *f)
{
    memset(f, 0, sizeof *f);
    f->op = test_op_new();
    (void)snprintf(f->directory, sizeof f->directory, "/tmp/chancery-secret-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(f->directory));
    chy_problems_init(&f->problems, f->op, chy_text("f.yaml"));
    f->source.problems = &f->problems;
    f->source.directory = chy_text(f->directory);
    f->source.environment = environment;
    f->source.context = f;
}

static void close_fixture(struct fixture *f)
{
    char path[128];
    (void)snprintf(path, sizeof path, "%s/s", f->directory);
    (void)unlink(path);
    (void)rmdir(path);
    ck_assert_int_eq(rmdir(f->directory), 0);
    test_op_free(f->op);
}

static void put(const struct fixture *f, const char *content, size_t len, mode_t mode)
{
    char path[128];
    (void)snprintf(path, sizeof path, "%s/s", f->directory);
    (void)unlink(path);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, content, len), (ssize_t)len);
    ck_assert_int_eq(fchmod(fd, mode), 0);
    (void)close(fd);
}

/** Reads the secret; NULL: it was refused. */
static const char *read_secret(struct fixture *f, const char *written)
{
    const char *const pairs[] = {written};
    ck_assert_int_eq(chy_options_from_pairs(f->op, &f->source,
                                            (struct chy_view)CHY_VIEW_INIT(table), pairs, 1,
                                            &f->options),
                     CHY_OK);
    chy_status status = chy_problems_end(&f->problems);
    f->problems.first = NULL;
    return status == CHY_OK ? (const char *)chy_option_at(&f->options, 0)->text.ptr : NULL;
}

static void expect_refused(struct fixture *f, const char *written, const char *words)
{
    ck_assert_ptr_null(read_secret(f, written));
    ck_assert_msg(strstr(test_op_message(f->op), words) != NULL, "expected '%s' in: %s", words,
                  test_op_message(f->op));
}

START_TEST(a_file_gives_its_content_without_the_last_line_end)
{
    struct fixture f;
    open_fixture(&f);
    put(&f, "secret\n", 7, 0600);
    ck_assert_str_eq(read_secret(&f, "password=file:s"), "secret");
    put(&f, "two\nlines\r\n", 11, 0400);
    ck_assert_str_eq(read_secret(&f, "password=file:s"), "two\nlines");
    put(&f, "none", 4, 0600);
    ck_assert_str_eq(read_secret(&f, "password=file:s"), "none");
    close_fixture(&f);
}
END_TEST

START_TEST(a_file_that_others_may_read_is_refused)
{
    struct fixture f;
    char path[128];
    open_fixture(&f);
    (void)snprintf(path, sizeof path, "%s/s", f.directory);
    put(&f, "secret\n", 7, 0644);
    expect_refused(&f, "password=file:s",
                   "expected a file that only its owner may read (chmod 600), found mode 0644");
    put(&f, "secret\n", 7, 0620);
    expect_refused(&f, "password=file:s", "found mode 0620");
    put(&f, "secret\n", 7, 0640);
    if (geteuid() == 0) {
        // root:group 0640 is how packages hand a secret to a service.
        ck_assert_str_eq(read_secret(&f, "password=file:s"), "secret");
        ck_assert_int_eq(chown(path, 65534, 65534), 0);
        expect_refused(&f, "password=file:s", "found the user id 65534");
    } else {
        expect_refused(&f, "password=file:s", "found mode 0640");
    }
    close_fixture(&f);
}
END_TEST

START_TEST(what_is_no_secret_is_refused)
{
    struct fixture f;
    char path[128];
    open_fixture(&f);
    (void)snprintf(path, sizeof path, "%s/s", f.directory);
    expect_refused(&f, "password=file:s", "cannot open it, found No such file");
    expect_refused(&f, "password=file:", "expected a path");
    put(&f, "", 0, 0600);
    expect_refused(&f, "password=file:s", "expected a secret, found an empty file");
    put(&f, "\n", 1, 0600);
    expect_refused(&f, "password=file:s", "expected a secret, found an empty file");
    put(&f, "a\0b", 3, 0600);
    expect_refused(&f, "password=file:s", "expected text, found binary content");
    put(&f, "\xff\xfe", 2, 0600);
    expect_refused(&f, "password=file:s", "expected text, found binary content");
    ck_assert_int_eq(truncate(path, 65537), 0);
    expect_refused(&f, "password=file:s", "expected a file of at most 64 KiB");
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    expect_refused(&f, "password=file:s", "expected a regular file");
    close_fixture(&f);
}
END_TEST

START_TEST(a_credential_is_read_from_its_directory)
{
    struct fixture f;
    open_fixture(&f);
    put(&f, "secret\n", 7, 0444); // the service manager sees to who reaches it
    ck_assert_str_eq(read_secret(&f, "password=credential:s"), "secret");
    expect_refused(&f, "password=credential:../s", "expected the name of a credential");
    expect_refused(&f, "password=credential:a/b", "expected the name of a credential");
    expect_refused(&f, "password=credential:", "expected the name of a credential");
    expect_refused(&f, "password=credential:other", "cannot open it");
    close_fixture(&f);
}
END_TEST

START_TEST(a_variable_that_gave_a_secret_is_remembered)
{
    struct fixture f;
    open_fixture(&f);
    ck_assert_str_eq(read_secret(&f, "password=${PASSWORD}"), "from the environment");
    ck_assert_str_eq(read_secret(&f, "password=a${PASSWORD}b"), "afrom the environmentb");
    ck_assert_uint_eq(f.source.secret_variable_count, 1);
    ck_assert(chy_slice_is(f.source.secret_variables[0], "PASSWORD"));
    close_fixture(&f);
}
END_TEST

START_TEST(the_environment_cannot_name_a_file)
{
    struct fixture f;
    open_fixture(&f);
    ck_assert_str_eq(read_secret(&f, "password=${FROM_FILE}"), "file:/etc/passwd");
    ck_assert_str_eq(read_secret(&f, "password=x file:s"), "x file:s");
    close_fixture(&f);
}
END_TEST

START_TEST(messages_never_show_the_secret)
{
    static const struct chy_option limited[] = {
        {CHY_TEXT_INIT("password"),
         CHY_OPTION_TEXT,
         CHY_OPTION_SECRET,
         30,
         40,
         {NULL, 0},
         {NULL, 0, 0},
         CHY_TEXT_INIT("help")},
        {CHY_TEXT_INIT("pin"),
         CHY_OPTION_INT,
         CHY_OPTION_SECRET,
         1,
         9,
         {NULL, 0},
         {NULL, 0, 0},
         CHY_TEXT_INIT("help")},
    };
    static const char *const pairs[] = {"password=hunter2", "pin=hunter3"};
    struct fixture f;
    struct chy_error error;
    open_fixture(&f);
    ck_assert_int_eq(chy_options_from_pairs(f.op, &f.source,
                                            (struct chy_view)CHY_VIEW_INIT(limited), pairs, 2,
                                            &f.options),
                     CHY_OK);
    ck_assert_int_eq(chy_problems_end(&f.problems), CHY_BAD_INPUT);
    memset(&error, 0, sizeof error);
    error.struct_size = sizeof error;
    f.op->host->last_error(f.op, &error);
    ck_assert_uint_eq(error.issues.count, 2);
    for (uint64_t i = 0; i < 2; i++) {
        const struct chy_issue *issue = chy_view_item(error.issues, i);
        ck_assert_ptr_null(memmem(issue->message.ptr, (size_t)issue->message.len, "hunter", 6));
    }
    close_fixture(&f);
}
END_TEST

TEST_MAIN("config_secret", TEST(a_file_gives_its_content_without_the_last_line_end),
          TEST(a_file_that_others_may_read_is_refused), TEST(what_is_no_secret_is_refused),
          TEST(a_credential_is_read_from_its_directory),
          TEST(a_variable_that_gave_a_secret_is_remembered),
          TEST(the_environment_cannot_name_a_file), TEST(messages_never_show_the_secret))
