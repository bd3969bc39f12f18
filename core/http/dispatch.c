#include "http/inside.h"

static void start_answer(struct chy_http_exchange *x)
{
    memset(&x->answer, 0, sizeof x->answer);
    x->answer.struct_size = (uint32_t)sizeof x->answer;
    x->answer.status = 200;
}

/** Gives the operation its time, and the answer its beginning. */
static void prepare(struct chy_http_exchange *x)
{
    struct chy_operation *operation = &x->operation;
    operation->deadline =
        chy_clock_monotonic(operation->clock) + x->server->config.limits.request_deadline;
    x->request.body = chy_buf_slice(&x->body);
    start_answer(x);
}

/** Enters the list of what workers have.  false: the server is closing. */
static bool enter_locked(struct chy_http_server *server, struct chy_http_exchange *x)
{
    chy_mutex_assert_held(&server->lock);
    if (server->closing) {
        return false;
    }
    x->at_worker = true;
    x->previous = NULL;
    x->next = server->working_head;
    if (x->next != NULL) {
        x->next->previous = x;
    }
    server->working_head = x;
    server->working++;
    return true;
}

static void leave_locked(struct chy_http_server *server, struct chy_http_exchange *x)
{
    chy_mutex_assert_held(&server->lock);
    if (!x->at_worker) {
        return;
    }
    x->at_worker = false;
    if (x->previous != NULL) {
        x->previous->next = x->next;
    } else {
        server->working_head = x->next;
    }
    if (x->next != NULL) {
        x->next->previous = x->previous;
    }
    server->working--;
}

static bool enter(struct chy_http_exchange *x)
{
    chy_mutex_lock(&x->server->lock);
    bool ok = enter_locked(x->server, x);
    chy_mutex_unlock(&x->server->lock);
    return ok;
}

static void leave(struct chy_http_exchange *x)
{
    chy_mutex_lock(&x->server->lock);
    leave_locked(x->server, x);
    chy_mutex_unlock(&x->server->lock);
}

/** Leaves the list in order to resume the connection.  true: resume it, then say so. */
static bool leave_to_resume(struct chy_http_exchange *x)
{
    chy_mutex_lock(&x->server->lock);
    leave_locked(x->server, x);
    bool wanted = !x->is_abandoned;
    x->server->resuming += wanted ? 1 : 0;
    chy_mutex_unlock(&x->server->lock);
    return wanted;
}

static void resumed(struct chy_http_server *server)
{
    chy_mutex_lock(&server->lock);
    server->resuming--;
    if (server->closing) {
        chy_cond_broadcast(&server->quieter);
    }
    chy_mutex_unlock(&server->lock);
}

static void work(void *arg)
{
    struct chy_http_exchange *x = arg;
    chy_http_perform(x);
    // From here on the exchange may be gone as soon as the event thread has it back.
    struct MHD_Connection *mhd = x->mhd;
    struct chy_http_server *server = x->server;
    bool wanted = leave_to_resume(x);
    chy_http_exchange_unref(x);
    if (wanted) {
        MHD_resume_connection(mhd);
        resumed(server);
    }
}

static void work_on_stream(void *arg)
{
    struct chy_http_exchange *x = arg;
    chy_http_perform(x);
    leave(x);
    chy_http_stream_finished(x);
    chy_http_exchange_unref(x);
}

/** Hands over to a worker; the refusal of a full pool is made at once. */
static bool submit(struct chy_http_exchange *x, chy_pool_fn *fn)
{
    atomic_fetch_add(&x->refs, 1);
    bool entered = enter(x);
    if (entered && chy_pool_submit(x->server->pool, fn, x)) {
        return true;
    }
    if (entered) {
        leave(x);
    }
    atomic_fetch_sub(&x->refs, 1);
    struct chy_error error = {
        .struct_size = (uint32_t)sizeof error,
        .status = CHY_TRY_LATER,
        .reason = CHY_REASON_OVERLOAD,
        .retry_after_s = x->server->config.limits.retry_after_s,
        .message =
            chy_text(entered ? "all workers and the queue are taken" : "the server is stopping"),
    };
    chy_http_refused(x->server, entered ? "reason=\"overload\"" : "reason=\"stopping\"");
    struct chy_op *op = &x->operation.op;
    chy_http_answer_finish(x, op->host->fail_with(op, &error));
    return false;
}

static bool try_quick(struct chy_http_exchange *x)
{
    const struct chy_http_mount *mount = &x->slot->owner->mount;
    const struct chy_route *route = &x->slot->route;
    if (mount->quick == NULL || route->auth != CHY_AUTH_NONE) {
        return false;
    }
    if (mount->quick(mount->self, &x->operation.op, route, &x->request, &x->answer)) {
        return true;
    }
    start_answer(x); // whatever it had begun to fill
    return false;
}

enum MHD_Result chy_http_dispatch(struct chy_http_exchange *x)
{
    prepare(x);
    if (try_quick(x)) {
        chy_http_answer_finish(x, CHY_OK);
        return chy_http_answer_send(x);
    }
    struct MHD_Connection *mhd = x->mhd;
    x->phase = CHY_HTTP_AT_WORKER;
    chy_http_connection_expect(x->connection, CHY_HTTP_WAIT_HANDLER);
    // Suspended first: the worker may be done before the next line.
    MHD_suspend_connection(mhd);
    if (!submit(x, work)) {
        MHD_resume_connection(mhd);
    }
    return MHD_YES;
}

bool chy_http_dispatch_returned(struct chy_http_exchange *x)
{
    // Written before the connection was resumed, so it can be read without the lock.
    if (!x->is_abandoned) {
        return false;
    }
    struct chy_http_server *server = x->server;
    chy_mutex_lock(&server->lock);
    server->abandoned--;
    chy_cond_broadcast(&server->quieter);
    chy_mutex_unlock(&server->lock);
    return true;
}

enum MHD_Result chy_http_dispatch_stream(struct chy_http_exchange *x)
{
    prepare(x);
    x->stream = chy_http_stream_new(x);
    if (x->stream == NULL) {
        return MHD_NO;
    }
    x->phase = CHY_HTTP_STREAM;
    chy_http_connection_expect(x->connection, CHY_HTTP_WAIT_BODY);
    if (submit(x, work_on_stream)) {
        return MHD_YES;
    }
    // The answer is made; what comes in is dropped until the body's end.
    chy_http_stream_finished(x);
    return MHD_YES;
}

static void abandon_locked(struct chy_http_server *server, struct chy_http_exchange *x)
{
    leave_locked(server, x);
    x->is_abandoned = true;
    chy_operation_cancel(&x->operation);
    if (x->stream != NULL) {
        chy_http_stream_cut(x, false);
        return;
    }
    server->abandoned++;
    MHD_resume_connection(x->mhd);
}

void chy_http_dispatch_abandon_all(struct chy_http_server *server)
{
    chy_mutex_lock(&server->lock);
    server->closing = true;
    while (server->working_head != NULL) {
        abandon_locked(server, server->working_head);
    }
    chy_mutex_unlock(&server->lock);
}
