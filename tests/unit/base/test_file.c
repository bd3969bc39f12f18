#include "base/file.h"

#include "base/arena.h"

#include "test_main.h"
#include "test_op.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/chancery-file-XXXXXX";
static char path[64];
static struct chy_op *op;

static void setup(void)
{
    ck_assert_ptr_nonnull(mkdtemp(folder));
    (void)snprintf(path, sizeof path, "%s/file", folder);
    op = test_op_new();
}

static int count_entries(void)
{
    DIR *dir = opendir(folder);
    ck_assert_ptr_nonnull(dir);
    int count = 0;
    while (readdir(dir) != NULL) {
        count++;
    }
    (void)closedir(dir);
    return count - 2; // . and ..
}

static void teardown(void)
{
    (void)unlink(path);
    ck_assert_int_eq(count_entries(), 0); // no temporary file stays behind
    ck_assert_int_eq(rmdir(folder), 0);
    test_op_free(op);
}

static void put(const char *text)
{
    ck_assert_int_eq(chy_file_write(op, path, chy_text(text), 0600), CHY_OK);
}

START_TEST(reads_what_was_written)
{
    setup();
    struct chy_slice content = {NULL, 0};
    put("hello");
    ck_assert_int_eq(chy_file_read(op, path, 100, &content), CHY_OK);
    ck_assert(chy_slice_is(content, "hello"));
    ck_assert_uint_eq(content.ptr[5], 0);
    ck_assert_int_eq(chy_file_read_secret(op, path, 100, &content), CHY_OK);
    ck_assert(chy_slice_is(content, "hello"));
    put("other");
    ck_assert_int_eq(chy_file_read(op, path, 5, &content), CHY_OK);
    ck_assert(chy_slice_is(content, "other"));
    put("");
    ck_assert_int_eq(chy_file_read(op, path, 5, &content), CHY_OK);
    ck_assert_uint_eq(content.len, 0);
    teardown();
}
END_TEST

START_TEST(ceilings_hold)
{
    setup();
    struct chy_slice content = chy_text("untouched");
    put("123456");
    ck_assert_int_eq(chy_file_read(op, path, 5, &content), CHY_BAD_INPUT);
    ck_assert_ptr_nonnull(strstr(test_op_message(op), "is larger than 5 bytes"));
    ck_assert_ptr_nonnull(strstr(test_op_message(op), path));
    // Files of /proc have no size that one could look at first.
    ck_assert_int_eq(chy_file_read(op, "/proc/self/status", 10, &content), CHY_BAD_INPUT);
    ck_assert(chy_slice_is(content, "untouched"));
    ck_assert_int_eq(chy_file_read(op, "/proc/self/status", 100000, &content), CHY_OK);
    ck_assert_uint_gt(content.len, 100);
    chy_test_fail_alloc_at(1);
    ck_assert_int_eq(chy_file_read(op, path, 100, &content), CHY_NO_MEMORY);
    teardown();
}
END_TEST

START_TEST(what_is_no_file_is_refused)
{
    setup();
    struct chy_slice content = {NULL, 0};
    ck_assert_int_eq(chy_file_read(op, path, 10, &content), CHY_NOT_FOUND);
    struct chy_error error;
    op->host->last_error(op, &error);
    ck_assert_int_eq(error.native_code, ENOENT);
    ck_assert_ptr_nonnull(strstr(test_op_message(op), "cannot open '"));
    ck_assert_int_eq(chy_file_read(op, folder, 10, &content), CHY_BAD_INPUT);
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    ck_assert_int_eq(chy_file_read(op, path, 10, &content), CHY_BAD_INPUT);
    teardown();
}
END_TEST

START_TEST(the_mode_is_exact_and_the_file_is_new)
{
    setup();
    put("old");
    struct stat before;
    ck_assert_int_eq(stat(path, &before), 0);
    ck_assert_uint_eq(before.st_mode & 07777, 0600);
    int held = open(path, O_RDONLY | O_CLOEXEC);
    (void)umask(0077);
    ck_assert_int_eq(chy_file_write(op, path, chy_text("new"), 0644), CHY_OK);
    struct stat after;
    ck_assert_int_eq(stat(path, &after), 0);
    ck_assert_uint_eq(after.st_mode & 07777, 0644);
    // Who had it open still reads the old one, whole.
    char text[8] = "";
    ck_assert_int_eq(read(held, text, sizeof text), 3);
    ck_assert_str_eq(text, "old");
    (void)close(held);
    teardown();
}
END_TEST

START_TEST(creating_never_replaces)
{
    setup();
    ck_assert_int_eq(chy_file_create(op, path, chy_text("first"), 0600), CHY_OK);
    ck_assert_int_eq(chy_file_create(op, path, chy_text("second"), 0600), CHY_CONFLICT);
    struct chy_slice content;
    ck_assert_int_eq(chy_file_read(op, path, 100, &content), CHY_OK);
    ck_assert(chy_slice_is(content, "first"));
    struct stat status;
    ck_assert_int_eq(stat(path, &status), 0);
    ck_assert_uint_eq(status.st_nlink, 1);
    teardown();
}
END_TEST

START_TEST(a_failed_write_leaves_the_old_file)
{
    setup();
    char missing[96];
    (void)snprintf(missing, sizeof missing, "%s/no/file", folder);
    ck_assert_int_eq(chy_file_write(op, missing, chy_text("x"), 0600), CHY_NOT_FOUND);
    // A folder stands where the file should be: the rename fails after the content was written.
    (void)snprintf(missing, sizeof missing, "%s/folder", folder);
    ck_assert_int_eq(mkdir(missing, 0700), 0);
    ck_assert_int_eq(chy_file_write(op, missing, chy_text("x"), 0600), CHY_BROKEN);
    ck_assert_int_eq(count_entries(), 1);
    ck_assert_int_eq(rmdir(missing), 0);
    for (long n = 1; n <= 2; n++) {
        chy_test_fail_alloc_at(n);
        ck_assert_int_eq(chy_file_write(op, path, chy_text("x"), 0600), CHY_NO_MEMORY);
        ck_assert_int_eq(count_entries(), 0);
    }
    chy_test_fail_alloc_at(0);
    teardown();
}
END_TEST

START_TEST(relative_paths_work)
{
    setup();
    ck_assert_int_eq(chdir(folder), 0);
    ck_assert_int_eq(chy_file_write(op, "file", chy_text("here"), 0600), CHY_OK);
    struct chy_slice content;
    ck_assert_int_eq(chy_file_read(op, path, 100, &content), CHY_OK);
    ck_assert(chy_slice_is(content, "here"));
    teardown();
}
END_TEST

TEST_MAIN("file", TEST(reads_what_was_written), TEST(ceilings_hold),
          TEST(what_is_no_file_is_refused), TEST(the_mode_is_exact_and_the_file_is_new),
          TEST(creating_never_replaces), TEST(a_failed_write_leaves_the_old_file),
          TEST(relative_paths_work))
