#include "pool.h"

#include "store.h"

#include <stdio.h>
#include <time.h>

#define FIRST_PAUSE_US 50000
#define LONGEST_PAUSE_US 2000000
// A caller waits for the end of a pause that is nearly over.
#define SHORT_WAIT_US 100000

void pgs_sessions_init(struct pgs_sessions *sessions)
{
    memset(sessions, 0, sizeof *sessions);
    (void)pthread_mutex_init(&sessions->lock, NULL);
}

void pgs_sessions_fini(struct pgs_sessions *sessions)
{
    (void)pthread_mutex_destroy(&sessions->lock);
}

void pgs_sessions_distrust(struct pgs_sessions *sessions)
{
    (void)pthread_mutex_lock(&sessions->lock);
    sessions->generation++;
    (void)pthread_mutex_unlock(&sessions->lock);
}

/** An attempt to connect, as the sessions stood when it began. */
struct attempt {
    uint64_t generation;
    uint64_t failed;
    int64_t quiet_us; // how long it has to wait for its turn; 0: now
};

/** May we try to connect?  If not, the failure is the last one again. */
static struct attempt begin_attempt(struct pgs_sessions *sessions, struct pgs_failure *out_failure)
{
    (void)pthread_mutex_lock(&sessions->lock);
    int64_t now = pgs_now();
    struct attempt attempt = {sessions->generation, sessions->failed, 0};
    if (now < sessions->quiet_until) {
        attempt.quiet_us = sessions->quiet_until - now;
        *out_failure = sessions->last;
    } else if (sessions->pause_us != 0) {
        // One of the callers tries; the others hear of the last failure until it knows better.
        sessions->quiet_until = now + sessions->pause_us;
    }
    (void)pthread_mutex_unlock(&sessions->lock);
    return attempt;
}

static void note_connected(struct pgs_sessions *sessions)
{
    (void)pthread_mutex_lock(&sessions->lock);
    sessions->pause_us = 0;
    sessions->quiet_until = 0;
    sessions->opened++;
    (void)pthread_mutex_unlock(&sessions->lock);
}

static void note_failed(struct pgs_sessions *sessions, const struct attempt *attempt,
                        const struct pgs_failure *failure)
{
    (void)pthread_mutex_lock(&sessions->lock);
    // Of those who tried at the same time the first one counts.
    if (sessions->failed == attempt->failed) {
        int64_t pause_us = sessions->pause_us == 0 ? FIRST_PAUSE_US : sessions->pause_us * 2;
        sessions->pause_us = pause_us < LONGEST_PAUSE_US ? pause_us : LONGEST_PAUSE_US;
        sessions->quiet_until = pgs_now() + sessions->pause_us;
        sessions->last = *failure;
        sessions->failed++;
    }
    (void)pthread_mutex_unlock(&sessions->lock);
}

/** Waits out a pause that is nearly over.  False: there is a while to go. */
static bool wait_turn(struct pgs_sessions *sessions, int64_t until, struct attempt *out_attempt,
                      struct pgs_failure *out_failure)
{
    for (int tries = 0;; tries++) {
        *out_attempt = begin_attempt(sessions, out_failure);
        if (out_attempt->quiet_us == 0) {
            return true;
        }
        if (tries == 3 || out_attempt->quiet_us > SHORT_WAIT_US ||
            (until != PGS_NEVER && until - pgs_now() < out_attempt->quiet_us)) {
            return false;
        }
        struct timespec pause = {0, (out_attempt->quiet_us + 1000) * 1000};
        (void)nanosleep(&pause, NULL);
    }
}

enum pgs_end pgs_open(struct pgs_store *store, int64_t until,
                      struct pgs_connection **out_connection, struct pgs_failure *out_failure)
{
    struct attempt attempt;
    if (!wait_turn(&store->sessions, until, &attempt, out_failure)) {
        return out_failure->end;
    }
    int64_t limit = pgs_now() + store->settings.connect_timeout_us;
    bool hurried = until < limit;
    struct pgs_connection *connection = NULL;
    enum pgs_end end =
        pgs_connection_open(&store->settings, hurried ? until : limit, &connection, out_failure);
    if (end == PGS_DONE) {
        connection->generation = attempt.generation;
        note_connected(&store->sessions);
        *out_connection = connection;
        return PGS_DONE;
    }
    if (end == PGS_LATE && hurried) {
        return PGS_LATE; // the caller had no time, which says nothing about the server
    }
    char said[sizeof out_failure->message];
    (void)snprintf(said, sizeof said, "%s",
                   end == PGS_LATE ? "no answer within connect_timeout" : out_failure->message);
    (void)snprintf(out_failure->message, sizeof out_failure->message,
                   "cannot connect to PostgreSQL: %.250s", said);
    out_failure->end = PGS_LOST;
    out_failure->sqlstate[0] = '\0';
    note_failed(&store->sessions, &attempt, out_failure);
    return PGS_LOST;
}

void pgs_pool_init(struct pgs_pool *pool, uint32_t size)
{
    memset(pool, 0, sizeof *pool);
    pool->size = size;
    (void)pthread_mutex_init(&pool->lock, NULL);
    pthread_condattr_t attributes;
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&pool->freed, &attributes);
    (void)pthread_condattr_destroy(&attributes);
}

void pgs_pool_close_idle(struct pgs_pool *pool)
{
    (void)pthread_mutex_lock(&pool->lock);
    struct pgs_connection *connection = pool->idle;
    pool->idle = NULL;
    pool->open -= pool->idle_count;
    pool->idle_count = 0;
    (void)pthread_mutex_unlock(&pool->lock);
    while (connection != NULL) {
        struct pgs_connection *next = connection->next;
        pgs_connection_close(connection);
        connection = next;
    }
}

void pgs_pool_fini(struct pgs_pool *pool)
{
    pgs_pool_close_idle(pool);
    (void)pthread_cond_destroy(&pool->freed);
    (void)pthread_mutex_destroy(&pool->lock);
}

static uint64_t trusted_generation(struct pgs_sessions *sessions)
{
    (void)pthread_mutex_lock(&sessions->lock);
    uint64_t generation = sessions->generation;
    (void)pthread_mutex_unlock(&sessions->lock);
    return generation;
}

enum claim {
    CLAIM_IDLE, // an idle connection
    CLAIM_OPEN, // leave to open one
    CLAIM_NONE  // the time is over
};

/** Waits for an idle connection, or for leave to open one. */
static enum claim claim_locked(struct pgs_pool *pool, int64_t until,
                               struct pgs_connection **out_idle)
{
    struct timespec at = {until / 1000000, until % 1000000 * 1000};
    while (pool->idle == NULL && pool->open >= pool->size) {
        pool->waiting++;
        int failed = pthread_cond_timedwait(&pool->freed, &pool->lock, &at);
        pool->waiting--;
        if (failed != 0 && pool->idle == NULL && pool->open >= pool->size) {
            return CLAIM_NONE;
        }
    }
    if (pool->idle == NULL) {
        pool->open++;
        return CLAIM_OPEN;
    }
    *out_idle = pool->idle;
    pool->idle = pool->idle->next;
    pool->idle_count--;
    return CLAIM_IDLE;
}

static void drop(struct pgs_pool *pool, struct pgs_connection *connection)
{
    pgs_connection_close(connection);
    (void)pthread_mutex_lock(&pool->lock);
    pool->open--;
    (void)pthread_cond_signal(&pool->freed);
    (void)pthread_mutex_unlock(&pool->lock);
}

enum pgs_end pgs_pool_take(struct pgs_store *store, struct pgs_pool *pool, int64_t until,
                           struct pgs_connection **out_connection, struct pgs_failure *out_failure)
{
    memset(out_failure, 0, sizeof *out_failure);
    int64_t patience = pgs_now() + store->settings.statement_timeout_us;
    for (;;) {
        struct pgs_connection *idle = NULL;
        (void)pthread_mutex_lock(&pool->lock);
        enum claim claim = claim_locked(pool, until < patience ? until : patience, &idle);
        (void)pthread_mutex_unlock(&pool->lock);
        if (claim == CLAIM_NONE) {
            pgs_failure_say(out_failure, "all connections to PostgreSQL are busy");
            out_failure->end = PGS_LATE;
            return PGS_LATE;
        }
        if (claim == CLAIM_OPEN) {
            enum pgs_end end = pgs_open(store, until, out_connection, out_failure);
            if (end != PGS_DONE) {
                drop(pool, NULL);
            }
            return end;
        }
        if (idle->generation == trusted_generation(&store->sessions)) {
            if (pgs_connection_is_alive(idle)) {
                *out_connection = idle;
                return PGS_DONE;
            }
            pgs_sessions_distrust(&store->sessions);
        }
        drop(pool, idle);
    }
}

void pgs_pool_give(struct pgs_store *store, struct pgs_pool *pool,
                   struct pgs_connection *connection)
{
    if (connection == NULL) {
        return;
    }
    if (connection->broken || connection->generation != trusted_generation(&store->sessions)) {
        drop(pool, connection);
        return;
    }
    (void)pthread_mutex_lock(&pool->lock);
    connection->next = pool->idle;
    pool->idle = connection;
    pool->idle_count++;
    (void)pthread_cond_signal(&pool->freed);
    (void)pthread_mutex_unlock(&pool->lock);
}
