/**
 * The one writer: a thread that joins what is queued into one durable commit.
 *
 * It gathers only when that pays: after a group of n it waits until n are queued again, at most
 * gather_ms, and no longer than batches keep coming.  A lone caller never waits.
 */
#include "futex.h"
#include "group.h"
#include "tally.h"

#include <errno.h>
#include <time.h>

/** When nothing came for so long while gathering, nothing more is coming. */
#define QUIET_US 150

static void add_us(struct timespec *time, int64_t us)
{
    time->tv_nsec += us % 1000000 * 1000;
    time->tv_sec += us / 1000000 + time->tv_nsec / 1000000000;
    time->tv_nsec %= 1000000000;
}

static int64_t us_between(const struct timespec *from, const struct timespec *to)
{
    return (to->tv_sec - from->tv_sec) * 1000000 + (to->tv_nsec - from->tv_nsec) / 1000;
}

/* --- the queue ---------------------------------------------------------------------------------*/

static void append_locked(struct writer *writer, struct job *job)
{
    job->next = NULL;
    *writer->last = job;
    writer->last = &job->next;
    writer->queued++;
    if (writer->queued >= writer->wanted) {
        pthread_cond_signal(&writer->wake);
    }
}

/** unlink_locked takes the job that `link` points to out of the queue. */
static struct job *unlink_locked(struct writer *writer, struct job **link)
{
    struct job *job = *link;
    *link = job->next;
    if (writer->last == &job->next) {
        writer->last = link;
    }
    writer->queued--;
    return job;
}

/** take_locked takes the first job, and with a joinable one all joinable ones behind it. */
static uint64_t take_locked(struct writer *writer, struct job **out_jobs)
{
    uint64_t count = 0;
    struct job **link = &writer->first;
    bool joins = writer->first->is_joinable;
    while (*link != NULL && count < GROUP_MAX) {
        if (joins && !(*link)->is_joinable) {
            link = &(*link)->next;
            continue;
        }
        struct job *job = unlink_locked(writer, link);
        atomic_store(&job->state, JOB_TAKEN);
        out_jobs[count++] = job;
        if (!joins) {
            break;
        }
    }
    return count;
}

/* --- the thread --------------------------------------------------------------------------------*/

static void gather_locked(struct store *store)
{
    struct writer *writer = &store->writer;
    struct timespec start;
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &start);
    now = start;
    while (writer->queued < writer->expected && !writer->is_stopping &&
           us_between(&start, &now) < store->gather_us) {
        uint64_t before = writer->queued;
        struct timespec until = now;
        add_us(&until, QUIET_US);
        writer->wanted = writer->expected;
        (void)pthread_cond_timedwait(&writer->wake, &writer->lock, &until);
        writer->wanted = 1;
        if (writer->queued == before) {
            return;
        }
        (void)clock_gettime(CLOCK_MONOTONIC, &now);
    }
}

/** finish wakes the jobs' threads: each wakes two more, so that the writer wakes only one. */
static void finish(struct job **jobs, uint64_t count)
{
    atomic_uint *first = &jobs[0]->state;
    for (uint64_t i = 0; i < count; i++) {
        for (uint64_t side = 0; side < 2; side++) {
            uint64_t child = 2 * i + 1 + side;
            jobs[i]->wake[side] = child < count ? &jobs[child]->state : NULL;
        }
    }
    for (uint64_t i = count; i > 0; i--) {
        atomic_store(&jobs[i - 1]->state, JOB_DONE); // the job is its thread's again
    }
    futex_wake(first);
}

static void run_group(struct store *store, struct job **jobs)
{
    struct writer *writer = &store->writer;
    // The lock is taken before the jobs are: until then their deadlines apply.
    struct chy_op *op = store->host->op_begin(store->instance, chy_text("write"), CHY_NO_DEADLINE);
    chy_status begun = op == NULL ? CHY_NO_MEMORY : group_begin(store, op);
    pthread_mutex_lock(&writer->lock);
    uint64_t count = writer->first == NULL ? 0 : take_locked(writer, jobs);
    pthread_mutex_unlock(&writer->lock);
    if (count == 0) {
        if (begun == CHY_OK) {
            (void)sqlite3_exec(writer->connection->db, "ROLLBACK", NULL, NULL, NULL);
        }
    } else if (op == NULL) {
        for (uint64_t i = 0; i < count; i++) {
            jobs[i]->status = chy_fail(jobs[i]->op, CHY_TRY_LATER, ENOMEM, "no memory to write");
        }
    } else if (begun != CHY_OK) {
        group_refuse(op, jobs, count);
    } else {
        group_run(store, op, jobs, count);
    }
    store->host->op_end(op);
    if (count != 0) {
        bool joins = jobs[0]->is_joinable;
        uint64_t fading = writer->expected - writer->expected / 8;
        writer->expected = !joins || count < fading ? fading : count;
        finish(jobs, count);
    }
    if (atomic_load(&writer->wal_pages) >= atomic_load(&writer->fold_at)) {
        checkpointer_want(&store->checkpointer);
    }
}

static void *writer_thread(void *arg)
{
    struct store *store = arg;
    struct writer *writer = &store->writer;
    static _Thread_local struct job *jobs[GROUP_MAX];
    (void)pthread_setname_np(pthread_self(), "sqlite-write");
    pthread_mutex_lock(&writer->lock);
    for (;;) {
        if (writer->first == NULL || writer->pause_wanted) {
            writer->is_working = false;
            pthread_cond_broadcast(&writer->idle);
            if (writer->is_stopping && writer->first == NULL) {
                break;
            }
            pthread_cond_wait(&writer->wake, &writer->lock);
            continue;
        }
        writer->is_working = true;
        gather_locked(store);
        pthread_mutex_unlock(&writer->lock);
        run_group(store, jobs);
        pthread_mutex_lock(&writer->lock);
    }
    pthread_mutex_unlock(&writer->lock);
    return NULL;
}

/* --- callers -----------------------------------------------------------------------------------*/

/** leave takes a job that is still queued out again. */
static bool leave(struct writer *writer, struct job *job)
{
    pthread_mutex_lock(&writer->lock);
    bool queued = atomic_load(&job->state) == JOB_QUEUED;
    for (struct job **link = &writer->first; queued && *link != NULL; link = &(*link)->next) {
        if (*link == job) {
            (void)unlink_locked(writer, link);
            break;
        }
    }
    pthread_mutex_unlock(&writer->lock);
    return queued;
}

/** wait_done waits for the outcome; a passed deadline ends it only while the job is queued. */
static chy_status wait_done(struct writer *writer, struct job *job)
{
    bool minds_deadline = chy_deadline(job->op) != CHY_NO_DEADLINE;
    for (;;) {
        unsigned state = atomic_load(&job->state);
        if (state == JOB_DONE) {
            break;
        }
        int64_t us = -1;
        if (minds_deadline) {
            us = chy_deadline(job->op) - chy_monotonic(job->op);
            if (us <= 0 && leave(writer, job)) {
                return chy_storage_check_deadline(job->op);
            }
            minds_deadline = us > 0;
            us = us <= 0 ? -1 : us;
        }
        futex_sleep(&job->state, state, us);
    }
    for (size_t side = 0; side < 2; side++) {
        if (job->wake[side] != NULL) {
            futex_wake(job->wake[side]);
        }
    }
    return job->status;
}

static chy_status submit(struct store *store, struct job *job)
{
    struct writer *writer = &store->writer;
    pthread_mutex_lock(&writer->lock);
    bool draining = writer->is_draining;
    if (!draining) {
        append_locked(writer, job);
    }
    pthread_mutex_unlock(&writer->lock);
    if (draining) {
        return chy_fail(job->op, CHY_TRY_LATER, 0, "the storage is being stopped");
    }
    return wait_done(writer, job);
}

chy_status store_write(void *self, struct chy_op *op, const struct chy_storage_batch *batch,
                       struct chy_storage_outcome *out_outcome)
{
    struct store *store = self;
    struct job job;
    uint32_t *sequence = NULL;
    CHY_TRY(chy_storage_check_deadline(op));
    CHY_TRY(chy_storage_check_batch(op, store->schema, batch, &sequence));
    CHY_TRY(store_ready(store, op));
    CHY_TRY(job_init(&job, op, batch, sequence));
    chy_status status = job.count == 0 ? CHY_OK : submit(store, &job);
    if (status == CHY_OK) {
        out_outcome->failed_write = CHY_NO_WRITE;
        out_outcome->failed_index = chy_slice_of(NULL, 0);
        out_outcome->results = (struct chy_view){job.results, job.count, sizeof *job.results};
    } else if (status == CHY_CONFLICT) {
        out_outcome->failed_write = job.failed_write;
        out_outcome->failed_index =
            job.failed_index == NULL ? chy_slice_of(NULL, 0) : job.failed_index->name;
        out_outcome->results = (struct chy_view){0};
    }
    return status;
}

/* --- life --------------------------------------------------------------------------------------*/

/** count_pages hears from SQLite after each commit how many pages the log has. */
static int count_pages(void *arg, sqlite3 *db, const char *name, int pages)
{
    struct writer *writer = arg;
    (void)db;
    (void)name;
    atomic_store(&writer->wal_pages, pages);
    return SQLITE_OK;
}

chy_status writer_start(struct store *store, struct chy_op *op)
{
    const struct connection_settings settings = {store->path, store->busy_timeout_us,
                                                 store->cache_bytes};
    struct writer *writer = &store->writer;
    CHY_TRY(connection_open(op, &settings, CONNECTION_WRITER, &writer->connection));
    writer->tally = tally_new(store);
    if (writer->tally == NULL) {
        return chy_fail(op, CHY_TRY_LATER, ENOMEM, "no memory for the writer");
    }
    (void)sqlite3_wal_hook(writer->connection->db, count_pages, writer);
    CHY_TRY(query_number(op, writer->connection, "PRAGMA page_size", 4096, &store->page_bytes));
    if (store->max_bytes != 0) {
        char text[64];
        (void)snprintf(text, sizeof text, "PRAGMA max_page_count=%lld",
                       (long long)(store->max_bytes / store->page_bytes));
        CHY_TRY(run_sql(op, writer->connection, text));
    }
    writer->first = NULL;
    writer->last = &writer->first;
    writer->wanted = 1;
    writer->expected = 1;
    atomic_store(&writer->fold_at, store->checkpoint_bytes / store->page_bytes);
    writer->is_stopping = false;
    int code = pthread_create(&writer->thread, NULL, writer_thread, store);
    if (code != 0) {
        return chy_fail(op, CHY_TRY_LATER, code, "cannot start the writer thread");
    }
    writer->has_thread = true;
    return CHY_OK;
}

void writer_drain(struct store *store)
{
    struct writer *writer = &store->writer;
    pthread_mutex_lock(&writer->lock);
    writer->is_draining = true;
    while (writer->has_thread && (writer->first != NULL || writer->is_working)) {
        pthread_cond_wait(&writer->idle, &writer->lock);
    }
    pthread_mutex_unlock(&writer->lock);
}

void writer_stop(struct store *store)
{
    struct writer *writer = &store->writer;
    if (writer->has_thread) {
        pthread_mutex_lock(&writer->lock);
        writer->is_stopping = true;
        pthread_cond_signal(&writer->wake);
        pthread_mutex_unlock(&writer->lock);
        (void)pthread_join(writer->thread, NULL);
        writer->has_thread = false;
    }
    connection_close(writer->connection);
    writer->connection = NULL;
    tally_free(writer->tally);
    writer->tally = NULL;
}

void writer_pause(struct writer *writer)
{
    pthread_mutex_lock(&writer->lock);
    writer->pause_wanted = true;
    while (writer->is_working) {
        pthread_cond_wait(&writer->idle, &writer->lock);
    }
    pthread_mutex_unlock(&writer->lock);
}

void writer_resume(struct writer *writer)
{
    pthread_mutex_lock(&writer->lock);
    writer->pause_wanted = false;
    pthread_cond_signal(&writer->wake);
    pthread_mutex_unlock(&writer->lock);
}
