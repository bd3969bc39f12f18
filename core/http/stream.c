#include "http/inside.h"

#include <stdlib.h>

/** What waits between the connection and the handler; the connection pauses when it is full. */
enum {
    STREAM_ROOM = 64 << 10
};

struct chy_http_stream {
    struct chy_http_exchange *x;
    struct chy_mutex lock; // guards everything below
    struct chy_cond changed;
    bool suspended; // the connection is
    bool ended;     // the body is whole
    bool too_large;
    bool done;      // the answer is ready
    bool cut;       // nobody waits for an answer any more
    bool gone;      // the connection is
    uint64_t taken; // bytes of the body so far
    size_t start;
    size_t len;
    uint8_t bytes[STREAM_ROOM];
};

static void resume_locked(struct chy_http_stream *stream)
{
    if (stream->suspended && !stream->gone) {
        stream->suspended = false;
        MHD_resume_connection(stream->x->mhd);
    }
}

static void suspend_locked(struct chy_http_stream *stream)
{
    stream->suspended = true;
    MHD_suspend_connection(stream->x->mhd);
}

static chy_status read_locked(struct chy_http_stream *stream, struct chy_op *op,
                              struct chy_buffer into, uint64_t *out_len)
{
    while (stream->len == 0 && !stream->ended && !stream->too_large && !stream->cut) {
        if (!chy_cond_wait_until(&stream->changed, &stream->lock, chy_deadline(op))) {
            return chy_fail_reason(op, CHY_TRY_LATER, CHY_REASON_TIMEOUT,
                                   "the body did not arrive in time");
        }
    }
    if (stream->cut) {
        return chy_fail(op, CHY_TRY_LATER, 0, "the caller is gone");
    }
    if (stream->too_large) {
        return chy_fail_reason(op, CHY_BAD_INPUT, CHY_REASON_TOO_LARGE,
                               "the body is larger than %llu bytes",
                               (unsigned long long)stream->x->body_limit);
    }
    size_t len = stream->len < into.len ? stream->len : (size_t)into.len;
    if (len != 0) {
        memcpy(into.ptr, stream->bytes + stream->start, len);
    }
    stream->start += len;
    stream->len -= len;
    if (stream->len == 0) {
        stream->start = 0;
        if (!stream->ended) {
            resume_locked(stream);
        }
    }
    *out_len = len;
    return CHY_OK;
}

static chy_status read_body(void *state, struct chy_op *op, struct chy_buffer into,
                            uint64_t *out_len)
{
    struct chy_http_stream *stream = state;
    chy_mutex_lock(&stream->lock);
    chy_status status = read_locked(stream, op, into, out_len);
    chy_mutex_unlock(&stream->lock);
    return status;
}

struct chy_http_stream *chy_http_stream_new(struct chy_http_exchange *x)
{
    struct chy_http_stream *stream = calloc(1, sizeof *stream);
    if (stream == NULL) {
        return NULL;
    }
    stream->x = x;
    chy_mutex_init(&stream->lock);
    chy_cond_init(&stream->changed);
    x->reader.struct_size = (uint32_t)sizeof x->reader;
    x->reader.state = stream;
    x->reader.read = read_body;
    x->request.stream = &x->reader;
    return stream;
}

void chy_http_stream_free(struct chy_http_stream *stream)
{
    if (stream == NULL) {
        return;
    }
    if ((stream->x->slot->route.flags & CHY_ROUTE_SECRET) != 0) {
        chy_secret_wipe(stream->bytes, sizeof stream->bytes);
    }
    chy_cond_fini(&stream->changed);
    chy_mutex_fini(&stream->lock);
    free(stream);
}

/** Drops what nobody will read, up to the limit of what is worth reading.  false: close. */
static bool drop_locked(struct chy_http_stream *stream, size_t *data_len)
{
    stream->taken += *data_len;
    *data_len = 0;
    return !stream->cut &&
           stream->taken <= stream->x->body_limit + stream->x->server->config.limits.body_drain_max;
}

static bool feed_locked(struct chy_http_stream *stream, const char *data, size_t *data_len)
{
    if (stream->done || stream->cut || stream->too_large) {
        return drop_locked(stream, data_len);
    }
    if (*data_len > stream->x->body_limit - stream->taken) {
        stream->too_large = true;
        chy_cond_signal(&stream->changed);
        return drop_locked(stream, data_len);
    }
    // The reader empties it before it starts again at the front.
    size_t end = stream->start + stream->len;
    size_t room = sizeof stream->bytes - end;
    size_t len = *data_len < room ? *data_len : room;
    memcpy(stream->bytes + end, data, len);
    stream->len += len;
    stream->taken += len;
    *data_len -= len;
    chy_cond_signal(&stream->changed);
    if (*data_len != 0) {
        suspend_locked(stream);
    }
    return true;
}

enum MHD_Result chy_http_stream_feed(struct chy_http_exchange *x, const char *data,
                                     size_t *data_len)
{
    struct chy_http_stream *stream = x->stream;
    chy_mutex_lock(&stream->lock);
    bool alive = feed_locked(stream, data, data_len);
    chy_mutex_unlock(&stream->lock);
    return alive ? MHD_YES : MHD_NO;
}

enum MHD_Result chy_http_stream_ended(struct chy_http_exchange *x)
{
    struct chy_http_stream *stream = x->stream;
    chy_mutex_lock(&stream->lock);
    stream->ended = true;
    bool done = stream->done;
    bool cut = stream->cut;
    if (!done && !cut) {
        chy_cond_signal(&stream->changed);
        chy_http_connection_expect(x->connection, CHY_HTTP_WAIT_HANDLER);
        suspend_locked(stream);
    }
    chy_mutex_unlock(&stream->lock);
    if (cut) {
        return chy_http_answer_abandoned(x);
    }
    return done ? chy_http_answer_send(x) : MHD_YES;
}

void chy_http_stream_finished(struct chy_http_exchange *x)
{
    struct chy_http_stream *stream = x->stream;
    chy_mutex_lock(&stream->lock);
    stream->done = true;
    if (!stream->cut) {
        resume_locked(stream);
    }
    chy_mutex_unlock(&stream->lock);
}

void chy_http_stream_cut(struct chy_http_exchange *x, bool gone)
{
    struct chy_http_stream *stream = x->stream;
    chy_mutex_lock(&stream->lock);
    stream->cut = true;
    resume_locked(stream);
    stream->gone = stream->gone || gone;
    chy_cond_broadcast(&stream->changed);
    chy_mutex_unlock(&stream->lock);
}
