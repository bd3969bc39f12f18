/** The database's files: who may read them, when they appear, how large the log gets. */
#include "main.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char *place;
static char *database;

static void new_place(void)
{
    place = conf_temp_dir_new();
    ck_assert_int_gt(asprintf(&database, "%s/chancery.db", place), 0);
}

static void old_place(void)
{
    store_close();
    free(database);
    conf_temp_dir_remove(place);
}

static void made(void)
{
    store_open_in(place, &schema);
    struct chy_op *op = op_new();
    EXPECT(op, ops->upgrade(self, op), CHY_OK);
}

static mode_t mode_of(const char *suffix)
{
    char *path = NULL;
    struct stat status;
    ck_assert_int_gt(asprintf(&path, "%s%s", database, suffix), 0);
    ck_assert_msg(stat(path, &status) == 0, "there is no %s", path);
    free(path);
    return status.st_mode & 0777;
}

START_TEST(nobody_else_may_read_the_files)
{
    (void)umask(0);
    made();
    insert_things(1, 3);
    ck_assert_uint_eq(mode_of(""), 0600);
    ck_assert_uint_eq(mode_of("-wal"), 0600);
    ck_assert_uint_eq(mode_of("-shm"), 0600);
}
END_TEST

START_TEST(a_mode_that_is_too_wide_is_narrowed)
{
    made();
    store_close();
    ck_assert_int_eq(chmod(database, 0644), 0);
    store_open_in(place, &schema);
    insert_things(1, 3);
    ck_assert_uint_eq(mode_of(""), 0600);
    ck_assert_uint_eq(mode_of("-wal"), 0600);
}
END_TEST

START_TEST(looking_makes_no_file)
{
    store_open_in(place, &schema);
    struct chy_op *op = op_new();
    struct chy_schema_report report = {.struct_size = sizeof report};
    EXPECT(op, ops->verify_schema(self, op, &report), CHY_OK);
    ck_assert_uint_eq(report.state, CHY_SCHEMA_EMPTY);
    EXPECT(op, ops->health(self, op), CHY_BROKEN);
    ck_assert_int_ne(access(database, F_OK), 0);
}
END_TEST

START_TEST(the_log_is_folded_in_when_the_last_one_leaves)
{
    made();
    insert_things(1, 50);
    store_close();
    char *log = NULL;
    ck_assert_int_gt(asprintf(&log, "%s-wal", database), 0);
    ck_assert_int_ne(access(log, F_OK), 0);
    free(log);
}
END_TEST

START_TEST(the_database_of_another_program_is_left_alone)
{
    sqlite3 *db = NULL;
    ck_assert_int_eq(sqlite3_open(database, &db), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(db, "CREATE TABLE songs (title)", NULL, NULL, NULL), SQLITE_OK);
    ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
    store_open_in(place, &schema);
    struct chy_op *op = op_new();
    struct chy_schema_report report = {.struct_size = sizeof report};
    EXPECT(op, ops->verify_schema(self, op, &report), CHY_OK);
    ck_assert_uint_eq(report.state, CHY_SCHEMA_DIFFERS);
    EXPECT(op, ops->upgrade(self, op), CHY_BROKEN);
    store_close();
    ck_assert_int_eq(sqlite3_open(database, &db), SQLITE_OK);
    ck_assert_int_ne(sqlite3_exec(db, "SELECT * FROM things", NULL, NULL, NULL), SQLITE_OK);
    ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
}
END_TEST

START_TEST(a_file_that_is_no_database_is_broken)
{
    FILE *file = fopen(database, "w");
    ck_assert_ptr_nonnull(file);
    for (int i = 0; i < 1000; i++) {
        (void)fputs("this is no database\n", file);
    }
    ck_assert_int_eq(fclose(file), 0);
    instance = conf_instance_new(plugin, &arguments, "x", place);
    ck_assert_int_eq(conf_instance_up(instance), CHY_OK);
    struct chy_op *op = conf_op_new(instance);
    EXPECT(op, ops->declare(conf_instance_self(instance), op, &schema), CHY_BROKEN);
    conf_op_free(op);
    conf_instance_down(instance);
    conf_instance_free(instance);
    instance = NULL;
}
END_TEST

START_TEST(check_finds_damage)
{
    made();
    insert_things(1, 2000);
    store_close();
    FILE *file = fopen(database, "r+");
    ck_assert_ptr_nonnull(file);
    char junk[3000];
    memset(junk, 0x5a, sizeof junk);
    ck_assert_int_eq(fseek(file, 20 * 4096 + 500, SEEK_SET), 0);
    ck_assert_uint_eq(fwrite(junk, sizeof junk, 1, file), 1);
    ck_assert_int_eq(fclose(file), 0);
    store_open_in(place, &schema);
    struct chy_op *op = op_new();
    EXPECT(op, ops->check(self, op), CHY_BROKEN);
}
END_TEST

START_TEST(check_finds_a_set_that_its_texts_contradict)
{
    made();
    struct batch *b = batch_new(op_new());
    batch_set(b, batch_insert(b, 1), TAGS, many_value(b->op, "a", "b", NULL));
    EXPECT(b->op, batch_run(b), CHY_OK);
    store_close();
    sqlite3 *db = NULL;
    ck_assert_int_eq(sqlite3_open(database, &db), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(db,
                                  _i == 0   ? "DELETE FROM \"things/tags\" WHERE value='a'"
                                  : _i == 1 ? "UPDATE \"things/tags\" SET value='c' WHERE value='a'"
                                            : "INSERT INTO \"things/tags\" VALUES ('z', 4711)",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
    store_open_in(place, &schema);
    struct chy_op *op = op_new();
    EXPECT(op, ops->check(self, op), CHY_BROKEN);
}
END_TEST

START_TEST(a_file_that_was_moved_or_replaced_is_not_written_to)
{
    made();
    insert_things(1, 3);
    char *other = NULL;
    ck_assert_int_gt(asprintf(&other, "%s.other", database), 0);
    if (_i == 0) { // away
        ck_assert_int_eq(rename(database, other), 0);
    } else { // another in its place, as when a backup is put back under a running daemon
        FILE *file = fopen(other, "w");
        ck_assert_ptr_nonnull(file);
        ck_assert_int_eq(fclose(file), 0);
        ck_assert_int_eq(rename(other, database), 0);
    }
    free(other);
    struct chy_op *op = op_new();
    EXPECT(op, insert_one(op, 10), CHY_BROKEN);
    EXPECT(op, ops->health(self, op), CHY_BROKEN);
}
END_TEST

static uint64_t log_bytes(void)
{
    char *log = NULL;
    struct stat status;
    ck_assert_int_gt(asprintf(&log, "%s-wal", database), 0);
    ck_assert_int_eq(stat(log, &status), 0);
    free(log);
    return (uint64_t)status.st_size;
}

START_TEST(the_log_does_not_grow_without_bound)
{
    add_option("checkpoint_size=64k");
    made();
    for (uint64_t n = 1; n <= 1200; n++) {
        struct chy_op *op = conf_op_new(instance);
        EXPECT(op, insert_one(op, n), CHY_OK);
        conf_op_free(op);
    }
    // Some 30 MB of pages went through it.
    ck_assert_uint_lt(log_bytes(), 8 * 1024 * 1024);
    ck_assert_uint_eq(count_things(), 1200);
}
END_TEST

START_TEST(a_backup_serves_as_a_database)
{
    made();
    insert_things(1, 500);
    struct chy_op *op = op_new();
    char *other = conf_temp_dir_new();
    char *copy = NULL;
    ck_assert_int_gt(asprintf(&copy, "%s/chancery.db", other), 0);
    EXPECT(op, ops->backup(self, op, chy_text(copy)), CHY_OK);
    insert_things(501, 510);
    store_close();
    store_open_in(other, &schema);
    struct chy_schema_report report = {.struct_size = sizeof report};
    op = op_new();
    EXPECT(op, ops->verify_schema(self, op, &report), CHY_OK);
    ck_assert_uint_eq(report.state, CHY_SCHEMA_CURRENT);
    ck_assert_uint_eq(count_things(), 500);
    EXPECT(op, ops->check(self, op), CHY_OK);
    insert_things(501, 501);
    store_close();
    free(copy);
    conf_temp_dir_remove(other);
}
END_TEST

int main(int argc, char **argv)
{
    TCase *tests = tcase_create("files");
    tcase_set_timeout(tests, 120);
    tcase_add_checked_fixture(tests, new_place, old_place);
    tcase_add_test(tests, nobody_else_may_read_the_files);
    tcase_add_test(tests, a_mode_that_is_too_wide_is_narrowed);
    tcase_add_test(tests, looking_makes_no_file);
    tcase_add_test(tests, the_log_is_folded_in_when_the_last_one_leaves);
    tcase_add_test(tests, the_database_of_another_program_is_left_alone);
    tcase_add_test(tests, a_file_that_is_no_database_is_broken);
    tcase_add_test(tests, check_finds_damage);
    tcase_add_loop_test(tests, check_finds_a_set_that_its_texts_contradict, 0, 3);
    tcase_add_loop_test(tests, a_file_that_was_moved_or_replaced_is_not_written_to, 0, 2);
    tcase_add_test(tests, the_log_does_not_grow_without_bound);
    tcase_add_test(tests, a_backup_serves_as_a_database);
    return run_tests(argc, argv, tests);
}
