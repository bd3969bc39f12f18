#include "group.h"

#include "commit.h"
#include "store.h"

#include <stdlib.h>
#include <time.h>

#define GROUP_MAX 64U
#define GROUP_BYTES (2U * 1024U * 1024U)
// Nobody else is coming when nobody came for so long.
#define QUIET_US 200
// Beside a group in flight another one pays when so many wait, or when that one takes so long: a
// small one would cost nearly as much and wait for the same counters.
#define BESIDE_COUNT 16U
#define BESIDE_US 20000

/** What a waiting batch has been told. */
enum word {
    WORD_NONE,
    WORD_LEAD, // you lead the next group
    WORD_DONE  // read the outcome
};

/** One batch in the queue, on the stack of the call that brought it. */
struct pgs_work {
    struct pgs_work *next;
    const struct pgs_batch *batch;
    bool queued;          // guarded by the queue's lock
    pthread_mutex_t lock; // guards `word`
    pthread_cond_t told;
    enum word word;
    enum pgs_joined outcome; // written before WORD_DONE
    struct pgs_failure failure;
};

static void init_monotonic(pthread_cond_t *condition)
{
    pthread_condattr_t attributes;
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_cond_init(condition, &attributes);
    (void)pthread_condattr_destroy(&attributes);
}

void pgs_queue_init(struct pgs_queue *queue)
{
    memset(queue, 0, sizeof *queue);
    (void)pthread_mutex_init(&queue->lock, NULL);
    init_monotonic(&queue->arrived);
}

void pgs_queue_fini(struct pgs_queue *queue)
{
    (void)pthread_cond_destroy(&queue->arrived);
    (void)pthread_mutex_destroy(&queue->lock);
}

static struct timespec at_time(int64_t us)
{
    struct timespec at = {us / 1000000, us % 1000000 * 1000};
    return at;
}

static void tell(struct pgs_work *work, enum word word)
{
    (void)pthread_mutex_lock(&work->lock);
    work->word = word;
    (void)pthread_cond_signal(&work->told);
    // The work is gone as soon as its owner has the lock.
    (void)pthread_mutex_unlock(&work->lock);
}

static void append_locked(struct pgs_queue *queue, struct pgs_work *work)
{
    if (queue->last == NULL) {
        queue->first = work;
    } else {
        queue->last->next = work;
    }
    queue->last = work;
    queue->count++;
    queue->bytes += work->batch->bytes;
    work->queued = true;
    if (queue->gathering) {
        (void)pthread_cond_signal(&queue->arrived);
    }
}

static struct pgs_work *take_first_locked(struct pgs_queue *queue)
{
    struct pgs_work *work = queue->first;
    queue->first = work->next;
    if (queue->first == NULL) {
        queue->last = NULL;
    }
    queue->count--;
    queue->bytes -= work->batch->bytes;
    work->next = NULL;
    work->queued = false;
    return work;
}

static void leave_locked(struct pgs_queue *queue, struct pgs_work *work)
{
    struct pgs_work *before = NULL;
    struct pgs_work *at = queue->first;
    while (at != work) {
        before = at;
        at = at->next;
    }
    if (before == NULL) {
        (void)take_first_locked(queue);
        return;
    }
    before->next = work->next;
    if (queue->last == work) {
        queue->last = before;
    }
    queue->count--;
    queue->bytes -= work->batch->bytes;
    work->queued = false;
}

/** Waits for as many batches as there usually are, unless nobody comes any more. */
static void gather_locked(struct pgs_store *store, struct pgs_queue *queue)
{
    uint32_t wanted = queue->usual / 16;
    wanted = wanted < GROUP_MAX ? wanted : GROUP_MAX;
    int64_t end = pgs_now() + store->settings.gather_us;
    queue->gathering = true;
    while (queue->count < wanted && queue->bytes < GROUP_BYTES) {
        int64_t quiet = pgs_now() + QUIET_US;
        struct timespec at = at_time(quiet < end ? quiet : end);
        uint32_t before = queue->count;
        (void)pthread_cond_timedwait(&queue->arrived, &queue->lock, &at);
        if (queue->count == before || pgs_now() >= end) {
            break;
        }
    }
    queue->gathering = false;
}

/** A group, taken from the queue. */
struct group {
    struct pgs_work *works[GROUP_MAX];
    uint32_t count;
    uint32_t write_count;
};

static void take_locked(struct pgs_queue *queue, struct group *group)
{
    uint64_t bytes = 0;
    while (queue->first != NULL && group->count < GROUP_MAX &&
           (group->count == 0 || bytes + queue->first->batch->bytes <= GROUP_BYTES)) {
        struct pgs_work *work = take_first_locked(queue);
        bytes += work->batch->bytes;
        group->write_count += work->batch->count;
        group->works[group->count++] = work;
    }
    queue->usual = queue->usual - queue->usual / 4 + group->count * 4;
}

/** Hands the lead to the first one waiting, if there may be one more group and it is worth it. */
static struct pgs_work *next_leader_locked(const struct pgs_store *store, struct pgs_queue *queue,
                                           bool impatient)
{
    if (queue->first == NULL || queue->gathering || queue->leaders >= store->settings.committers) {
        return NULL;
    }
    if (queue->leaders != 0 && queue->count < BESIDE_COUNT && !impatient) {
        return NULL;
    }
    queue->leaders++;
    queue->gathering = true; // until it is awake and gathers: nobody else is to lead meanwhile
    return queue->first;
}

static int compare_writes(const void *a, const void *b)
{
    const struct pgs_write *x = *(const struct pgs_write *const *)a;
    const struct pgs_write *y = *(const struct pgs_write *const *)b;
    int order = pgs_write_compare(x, y);
    // Writes to one row keep the order of their batches.
    return order != 0 ? order : (x->turn > y->turn) - (x->turn < y->turn);
}

static chy_status group_steps(const struct group *group, struct pgs_steps *steps)
{
    struct pgs_write **writes =
        chy_alloc(steps->op, (group->write_count + UINT64_C(1)) * sizeof(struct pgs_write *));
    if (writes == NULL) {
        return chy_fail_memory(steps->op);
    }
    uint32_t count = 0;
    for (uint32_t i = 0; i < group->count; i++) {
        const struct pgs_batch *batch = group->works[i]->batch;
        for (uint32_t w = 0; w < batch->count; w++) {
            batch->writes[w].turn = count;
            writes[count++] = &batch->writes[w];
        }
    }
    if (group->count > 1) {
        qsort(writes, count, sizeof(struct pgs_write *), compare_writes);
    }
    return pgs_steps_add(steps, writes, count);
}

static enum pgs_joined commit_group(struct pgs_store *store, struct chy_op *op,
                                    const struct group *group, struct pgs_failure *failure)
{
    struct pgs_steps steps = {.op = op, .statements = &store->statements, .merge = true};
    if (group_steps(group, &steps) != CHY_OK) {
        return PGS_RUN_ALONE;
    }
    struct pgs_commit commit = {op, store, &store->committing, &steps, PGS_NEVER};
    enum pgs_end end = pgs_commit_run(&commit, failure);
    if (end == PGS_DONE) {
        pgs_steps_results(&steps);
        pgs_steps_clear(&steps);
        return PGS_JOINED;
    }
    return end == PGS_REFUSED ? PGS_RUN_ALONE : PGS_JOIN_FAILED;
}

static void run_group(struct pgs_store *store, struct group *group)
{
    struct pgs_failure failure;
    memset(&failure, 0, sizeof failure);
    enum pgs_joined outcome = PGS_RUN_ALONE;
    struct chy_op *op = store->host->op_begin(store->instance, chy_text("storage-postgres.commit"),
                                              CHY_NO_DEADLINE);
    if (op != NULL) {
        outcome = commit_group(store, op, group, &failure);
        store->host->op_end(op);
    }
    if (outcome == PGS_JOINED) {
        atomic_fetch_add(&store->batches, group->count);
        atomic_fetch_add(&store->joined, group->count > 1 ? group->count : 0);
    }
    for (uint32_t i = 0; i < group->count; i++) {
        group->works[i]->outcome = outcome;
        group->works[i]->failure = failure;
    }
}

/** Leads one group, which `own` is the first of. */
static void lead(struct pgs_store *store, struct pgs_work *own)
{
    struct pgs_queue *queue = &store->queue;
    struct group group;
    memset(&group, 0, sizeof group);
    (void)pthread_mutex_lock(&queue->lock);
    gather_locked(store, queue);
    take_locked(queue, &group);
    struct pgs_work *next = next_leader_locked(store, queue, true); // of what was left over
    (void)pthread_mutex_unlock(&queue->lock);
    if (next != NULL) {
        tell(next, WORD_LEAD);
    }
    run_group(store, &group);
    (void)pthread_mutex_lock(&queue->lock);
    queue->leaders--;
    next = next_leader_locked(store, queue, false);
    (void)pthread_mutex_unlock(&queue->lock);
    if (next != NULL) {
        tell(next, WORD_LEAD);
    }
    for (uint32_t i = 0; i < group.count; i++) {
        if (group.works[i] != own) {
            tell(group.works[i], WORD_DONE);
        }
    }
}

/** Waits for a word.  WORD_NONE: the time is over. */
static enum word listen(struct pgs_work *work, int64_t until)
{
    struct timespec at = at_time(until == PGS_NEVER ? 0 : until);
    int failed = 0;
    (void)pthread_mutex_lock(&work->lock);
    while (work->word == WORD_NONE && failed == 0) {
        failed = until == PGS_NEVER ? pthread_cond_wait(&work->told, &work->lock)
                                    : pthread_cond_timedwait(&work->told, &work->lock, &at);
    }
    enum word word = work->word;
    (void)pthread_mutex_unlock(&work->lock);
    return word;
}

/** True: it left the queue.  False: a group has it, or it is to lead one. */
static bool leave(struct pgs_store *store, struct pgs_work *work)
{
    struct pgs_queue *queue = &store->queue;
    struct pgs_work *next = NULL;
    (void)pthread_mutex_lock(&queue->lock);
    // The first one may have been made leader just now; it cannot leave any more.
    bool leading = queue->gathering && queue->first == work;
    bool leaves = work->queued && !leading;
    if (leaves) {
        leave_locked(queue, work);
        next = next_leader_locked(store, queue, true); // whom this one may have watched for
    }
    (void)pthread_mutex_unlock(&queue->lock);
    if (next != NULL) {
        tell(next, WORD_LEAD);
    }
    return leaves;
}

/** The group in flight takes long: whoever is first in the queue does not wait for it any more. */
static void press(struct pgs_store *store)
{
    struct pgs_queue *queue = &store->queue;
    (void)pthread_mutex_lock(&queue->lock);
    struct pgs_work *next = next_leader_locked(store, queue, true);
    (void)pthread_mutex_unlock(&queue->lock);
    if (next != NULL) {
        tell(next, WORD_LEAD);
    }
}

/** Waits for a word; the first one in the queue also watches the group in flight. */
static enum word wait_turn(struct pgs_store *store, struct pgs_work *work, bool watches,
                           int64_t until)
{
    int64_t soon = pgs_now() + BESIDE_US;
    if (watches && soon < until) {
        enum word word = listen(work, soon);
        if (word != WORD_NONE) {
            return word;
        }
        press(store);
    }
    enum word word = listen(work, until);
    if (word == WORD_NONE && !leave(store, work)) {
        word = listen(work, PGS_NEVER);
    }
    return word;
}

static enum pgs_joined submit(struct pgs_store *store, struct pgs_work *work, int64_t until)
{
    struct pgs_queue *queue = &store->queue;
    (void)pthread_mutex_lock(&queue->lock);
    append_locked(queue, work);
    bool watches = queue->count == 1;
    struct pgs_work *leader = next_leader_locked(store, queue, false);
    (void)pthread_mutex_unlock(&queue->lock);
    if (leader == work) {
        lead(store, work);
        return work->outcome;
    }
    if (leader != NULL) {
        tell(leader, WORD_LEAD);
    }
    enum word word = wait_turn(store, work, watches, until);
    if (word == WORD_NONE) {
        return PGS_LEFT;
    }
    if (word == WORD_LEAD) {
        lead(store, work);
    }
    return work->outcome;
}

enum pgs_joined pgs_group_write(struct pgs_store *store, struct chy_op *op,
                                const struct pgs_batch *batch, struct pgs_failure *out_failure)
{
    struct pgs_work work;
    memset(&work, 0, sizeof work);
    work.batch = batch;
    (void)pthread_mutex_init(&work.lock, NULL);
    init_monotonic(&work.told);
    enum pgs_joined joined = submit(store, &work, pgs_until(op));
    (void)pthread_cond_destroy(&work.told);
    (void)pthread_mutex_destroy(&work.lock);
    *out_failure = work.failure;
    return joined;
}
