/**
 * Batches in one commit, each succeeding or failing as if alone.
 *
 * First all are run plainly: what is joinable fails by accident only.  If one fails after it has
 * written, all is rolled back and run again with a savepoint around each, so that only the failing
 * ones are undone.  If the commit fails and surely nothing was kept, each is tried alone.
 */
#include "group.h"
#include "tally.h"

static struct connection *writer_of(struct store *store)
{
    return store->writer.connection;
}

/** end runs BEGIN, COMMIT and the like: kept statements, since they run for each group. */
static int end(struct store *store, const char *text)
{
    struct connection *connection = writer_of(store);
    sqlite3_stmt *stmt = statement_find(connection, chy_text(text));
    if (stmt == NULL) {
        return sqlite3_exec(connection->db, text, NULL, NULL, NULL);
    }
    (void)sqlite3_step(stmt);
    return sqlite3_reset(stmt);
}

static void roll_back(struct store *store)
{
    // After some failures SQLite has rolled back by itself.
    if (sqlite3_get_autocommit(writer_of(store)->db) == 0) {
        (void)end(store, "ROLLBACK");
    }
}

/** check_place: a file that was moved away, removed or replaced takes commits that nobody finds
 *  again. */
static chy_status check_place(struct store *store, struct chy_op *op)
{
    int has_moved = 0;
    int code =
        sqlite3_file_control(writer_of(store)->db, "main", SQLITE_FCNTL_HAS_MOVED, &has_moved);
    if (code != SQLITE_OK || has_moved == 0) {
        return CHY_OK; // who cannot tell lets it pass
    }
    store_distrust(store, op, "the file was moved, removed or replaced");
    return chy_fail(op, CHY_BROKEN, 0, "'%s' is not the file that was opened", store->path);
}

chy_status group_begin(struct store *store, struct chy_op *op)
{
    static const char *const texts[] = {"BEGIN IMMEDIATE", "COMMIT",        "ROLLBACK",
                                        "SAVEPOINT batch", "RELEASE batch", "ROLLBACK TO batch"};
    struct connection *connection = writer_of(store);
    CHY_TRY(check_place(store, op));
    connection_trim(connection);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        sqlite3_stmt *stmt = statement_find(connection, chy_text(texts[i]));
        if (stmt == NULL) {
            struct sql sql = {0};
            sql_add(&sql, texts[i]);
            chy_status status = statement_keep(op, connection, chy_text(texts[i]), &sql, &stmt);
            sql_fini(&sql);
            CHY_TRY(status);
        }
    }
    if (end(store, "BEGIN IMMEDIATE") != SQLITE_OK) {
        return fail_sqlite(op, connection, "taking the write lock");
    }
    return CHY_OK;
}

static void copy_failure(struct chy_op *from, struct job *job)
{
    struct chy_error error = {.struct_size = sizeof error};
    from->host->last_error(from, &error);
    job->status = job->op->host->fail_with(job->op, &error);
}

void group_refuse(struct chy_op *op, struct job **jobs, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        copy_failure(op, jobs[i]);
    }
}

/* --- running -----------------------------------------------------------------------------------*/

/** What running a group came to. */
enum run {
    RUN_OK,
    RUN_AGAIN,
    RUN_BROKEN
};

static enum run run_plainly(struct store *store, struct job **jobs, uint64_t count)
{
    // A lone batch has nothing in common with another.
    struct tally *tally = count == 1 ? NULL : store->writer.tally;
    for (uint64_t i = 0; i < count; i++) {
        job_run(store, writer_of(store), tally, jobs[i]);
        if (jobs[i]->has_broken) {
            return RUN_BROKEN;
        }
        if (jobs[i]->status != CHY_OK && jobs[i]->has_written) {
            return RUN_AGAIN;
        }
    }
    if (tally != NULL && !jobs_settle(store, writer_of(store), tally, jobs[count - 1])) {
        jobs[count - 1]->has_broken = true;
        return RUN_BROKEN;
    }
    return RUN_OK;
}

static enum run run_carefully(struct store *store, struct job **jobs, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        if (end(store, "SAVEPOINT batch") != SQLITE_OK) {
            return RUN_BROKEN;
        }
        job_run(store, writer_of(store), NULL, jobs[i]);
        if (jobs[i]->has_broken) {
            return RUN_BROKEN;
        }
        if (jobs[i]->status != CHY_OK && end(store, "ROLLBACK TO batch") != SQLITE_OK) {
            return RUN_BROKEN;
        }
        if (end(store, "RELEASE batch") != SQLITE_OK) {
            return RUN_BROKEN;
        }
    }
    return RUN_OK;
}

/** commit_failure says what a failed COMMIT means, and what may be believed after it. */
static chy_status commit_failure(struct store *store, struct chy_op *op)
{
    int code = sqlite3_extended_errcode(writer_of(store)->db);
    chy_status status = fail_sqlite(op, writer_of(store), "committing");
    if ((code & 0xff) == SQLITE_IOERR && code != SQLITE_IOERR_WRITE) {
        // The log may hold the commit though its sync failed; a later sync that succeeds proves
        // nothing, for the kernel may have dropped the pages.
        store_distrust(store, op, "a sync failed in a commit");
        return chy_fail(op, CHY_UNCERTAIN, code,
                        "the disk failed during the commit: it may or may not have happened");
    }
    return status;
}

static void run_alone(struct store *store, struct chy_op *op, struct job *job);

/** void_group ends a group that was not committed: singly, or with the failure of `op`. */
static void void_group(struct store *store, struct chy_op *op, chy_status status, struct job **jobs,
                       uint64_t count)
{
    roll_back(store);
    if (count == 1 || status == CHY_UNCERTAIN || status == CHY_BROKEN) {
        group_refuse(op, jobs, count);
        return;
    }
    for (uint64_t i = 0; i < count; i++) {
        run_alone(store, op, jobs[i]);
    }
}

static void count_commit(struct store *store, struct job **jobs, uint64_t count)
{
    uint64_t done = 0;
    for (uint64_t i = 0; i < count; i++) {
        done += jobs[i]->status == CHY_OK;
    }
    atomic_fetch_add(&store->writer.commits, 1);
    atomic_fetch_add(&store->writer.batches, done);
    if (count > atomic_load(&store->writer.largest_group)) {
        atomic_store(&store->writer.largest_group, count);
    }
}

/** broken_status finds the failure that made the transaction void, and moves it into `op`. */
static chy_status broken_status(struct chy_op *op, struct job **jobs, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        if (jobs[i]->has_broken) {
            struct chy_error error = {.struct_size = sizeof error};
            jobs[i]->op->host->last_error(jobs[i]->op, &error);
            return op->host->fail_with(op, &error);
        }
    }
    return chy_fail(op, CHY_TRY_LATER, 0, "a savepoint failed");
}

void group_run(struct store *store, struct chy_op *op, struct job **jobs, uint64_t count)
{
    enum run run = run_plainly(store, jobs, count);
    tally_clear(store->writer.tally);
    if (run == RUN_AGAIN && count > 1) {
        atomic_fetch_add(&store->writer.reruns, 1);
        roll_back(store);
        chy_status begun = group_begin(store, op);
        if (begun != CHY_OK) {
            group_refuse(op, jobs, count);
            return;
        }
        run = run_carefully(store, jobs, count);
    }
    if (run == RUN_BROKEN) {
        chy_status status = broken_status(op, jobs, count);
        void_group(store, op, status, jobs, count);
        return;
    }
    if (run == RUN_AGAIN) {
        roll_back(store); // the only one failed: it has its outcome
        return;
    }
    if (end(store, "COMMIT") != SQLITE_OK) {
        chy_status status = commit_failure(store, op);
        void_group(store, op, status, jobs, count);
        return;
    }
    count_commit(store, jobs, count);
}

static void run_alone(struct store *store, struct chy_op *op, struct job *job)
{
    if (group_begin(store, op) != CHY_OK) {
        group_refuse(op, &job, 1);
        return;
    }
    group_run(store, op, &job, 1);
}
