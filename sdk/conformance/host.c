/** The services: memory, failing, time, operations, log, randomness. */
#include "internal.h"

#include <chancery/crypto.h>

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

#define MEMORY_LIMIT (1024U * 1024U * 1024U)
#define ISSUES_MAX 100U

/** One object of an operation, in front of the caller's bytes. */
struct block {
    struct block *next;
    uint64_t size;
    uint64_t secret;
    uint64_t reserved; // keeps the bytes behind aligned for any type
};

struct deferred {
    struct deferred *next;
    void (*fn)(void *arg);
    void *arg;
};

struct conf_op {
    struct chy_op op; // first: a struct chy_op * is a struct conf_op *
    struct chy_instance *instance;
    struct block *blocks;
    struct deferred *deferred;
    uint64_t used;
    uint64_t limit;
    int64_t deadline;
    atomic_int cancelled;
    char name[64];
    struct chy_error error;
    char message[CHY_MESSAGE_MAX];
    struct chy_issue *issues;
    uint64_t issue_count;
};

static atomic_llong clock_offset;
static atomic_uint log_least = CHY_LOG_WARNING;

static struct conf_op *of(struct chy_op *op)
{
    return (struct conf_op *)(void *)op;
}

void *conf_must(void *p)
{
    if (p == NULL) {
        conf_say("out of memory");
        abort();
    }
    return p;
}

/* --- memory ------------------------------------------------------------------------------------*/

static void *take(struct conf_op *c, uint64_t size, uint64_t secret)
{
    if (size > c->limit || c->used > c->limit - size) {
        return NULL;
    }
    struct block *b = calloc(1, sizeof *b + (size_t)size);
    if (b == NULL) {
        return NULL;
    }
    b->next = c->blocks;
    b->size = size;
    b->secret = secret;
    c->blocks = b;
    c->used += size;
    return b + 1;
}

static void *host_alloc(struct chy_op *op, uint64_t size)
{
    return take(of(op), size, 0);
}

static void *host_secret_alloc(struct chy_op *op, uint64_t size)
{
    return take(of(op), size, 1);
}

static chy_status host_defer(struct chy_op *op, void (*fn)(void *arg), void *arg)
{
    struct deferred *d = take(of(op), sizeof *d, 0);
    if (d == NULL) {
        return chy_fail_memory(op);
    }
    d->next = of(op)->deferred;
    d->fn = fn;
    d->arg = arg;
    of(op)->deferred = d;
    return CHY_OK;
}

/* --- failing -----------------------------------------------------------------------------------*/

static struct chy_slice keep_message(struct conf_op *c, struct chy_slice message)
{
    size_t len = message.len < sizeof c->message ? (size_t)message.len : sizeof c->message - 1;
    if (len != 0) {
        memmove(c->message, message.ptr, len);
    }
    c->message[len] = '\0';
    return chy_slice_of(c->message, len);
}

static chy_status host_fail(struct chy_op *op, chy_status status, int64_t native_code,
                            struct chy_slice message)
{
    struct conf_op *c = of(op);
    c->error = (struct chy_error){.struct_size = sizeof c->error,
                                  .status = status,
                                  .native_code = native_code,
                                  .message = keep_message(c, message)};
    return status;
}

static struct chy_slice keep(struct conf_op *c, struct chy_slice slice)
{
    uint8_t *copy = slice.len == 0 ? NULL : take(c, slice.len, 0);
    if (copy == NULL) {
        return chy_slice_of(NULL, 0);
    }
    memcpy(copy, slice.ptr, (size_t)slice.len);
    return chy_slice_of(copy, slice.len);
}

static void host_issue(struct chy_op *op, const struct chy_issue *issue)
{
    struct conf_op *c = of(op);
    if (c->issues == NULL) {
        c->issues = take(c, ISSUES_MAX * sizeof *c->issues, 0);
    }
    if (c->issues != NULL && c->issue_count < ISSUES_MAX) {
        c->issues[c->issue_count++] =
            (struct chy_issue){keep(c, issue->code), keep(c, issue->path), keep(c, issue->message)};
    }
}

static chy_status host_fail_with(struct chy_op *op, const struct chy_error *error)
{
    struct conf_op *c = of(op);
    struct chy_error copy = {0};
    size_t size = error->struct_size < sizeof copy ? error->struct_size : sizeof copy;
    memcpy(&copy, error, size);
    copy.struct_size = sizeof copy;
    copy.message = keep_message(c, copy.message);
    copy.details = keep(c, copy.details);
    for (uint64_t i = 0; i < copy.issues.count; i++) {
        host_issue(op, chy_view_at(copy.issues, i));
    }
    copy.issues = (struct chy_view){0};
    if (copy.reason == CHY_REASON_VALIDATION) {
        copy.issues = (struct chy_view){c->issues, c->issue_count, sizeof *c->issues};
        c->issues = NULL;
        c->issue_count = 0;
    }
    c->error = copy;
    return copy.status;
}

static void host_last_error(struct chy_op *op, struct chy_error *out_error)
{
    struct chy_error error = of(op)->error;
    uint32_t size = out_error->struct_size;
    memcpy(out_error, &error, size < sizeof error ? size : sizeof error);
    out_error->struct_size = size;
}

/* --- time and identity -------------------------------------------------------------------------*/

static int64_t read_clock(clockid_t id)
{
    struct timespec t;
    (void)clock_gettime(id, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000 + atomic_load(&clock_offset);
}

static int64_t host_now(struct chy_op *op)
{
    (void)op;
    return read_clock(CLOCK_REALTIME);
}

static int64_t host_monotonic(struct chy_op *op)
{
    (void)op;
    return read_clock(CLOCK_MONOTONIC);
}

static int64_t host_deadline(struct chy_op *op)
{
    return of(op)->deadline;
}

static int32_t host_cancelled(struct chy_op *op)
{
    return atomic_load(&of(op)->cancelled);
}

static struct chy_slice host_request_id(struct chy_op *op)
{
    return chy_text(of(op)->name);
}

/* --- operations --------------------------------------------------------------------------------*/

static struct chy_op *host_op_begin(struct chy_instance *instance, struct chy_slice name,
                                    int64_t deadline)
{
    struct conf_op *c = calloc(1, sizeof *c);
    if (c == NULL) {
        return NULL;
    }
    c->op = (struct chy_op){.struct_size = sizeof c->op, .host = &conf_host_table};
    c->instance = instance;
    c->limit = MEMORY_LIMIT;
    c->deadline = deadline;
    c->error.struct_size = sizeof c->error;
    size_t len = name.len < sizeof c->name ? (size_t)name.len : sizeof c->name - 1;
    if (len != 0) {
        memcpy(c->name, name.ptr, len);
    }
    atomic_fetch_add(&instance->live_operations, 1);
    return &c->op;
}

static struct chy_op *host_op_child(struct chy_op *op)
{
    return host_op_begin(of(op)->instance, chy_text(of(op)->name), of(op)->deadline);
}

static void host_op_end(struct chy_op *op)
{
    if (op == NULL) {
        return;
    }
    struct conf_op *c = of(op);
    for (struct deferred *d = c->deferred; d != NULL; d = d->next) {
        d->fn(d->arg);
    }
    while (c->blocks != NULL) {
        struct block *b = c->blocks;
        c->blocks = b->next;
        if (b->secret != 0) {
            explicit_bzero(b + 1, (size_t)b->size);
        }
        free(b);
    }
    atomic_fetch_sub(&c->instance->live_operations, 1);
    free(c);
}

/* --- seeing ------------------------------------------------------------------------------------*/

void conf_say(const char *format, ...)
{
    char text[2048];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    (void)fprintf(stderr, "conformance: %s\n", text);
}

static uint32_t host_log_level(struct chy_op *op)
{
    (void)op;
    return atomic_load(&log_least);
}

static void host_log(struct chy_op *op, uint32_t level, struct chy_slice event,
                     struct chy_slice message)
{
    static const char *const names[] = {"error", "warning", "info", "debug"};
    if (level <= atomic_load(&log_least)) {
        (void)fprintf(stderr, "%s %s %.*s: %.*s\n", names[level < 4 ? level : 0], of(op)->name,
                      (int)event.len, (const char *)event.ptr, (int)message.len,
                      (const char *)message.ptr);
    }
}

static void host_count(struct chy_instance *instance, struct chy_slice name, struct chy_slice label,
                       int64_t delta)
{
    (void)instance;
    (void)name;
    (void)label;
    (void)delta;
}

static chy_status host_random(struct chy_op *op, struct chy_buffer out)
{
    for (uint64_t done = 0; done < out.len;) {
        ssize_t got = getrandom(out.ptr + done, (size_t)(out.len - done), 0);
        if (got < 0 && errno != EINTR) {
            return chy_fail(op, CHY_BROKEN, errno, "the kernel gave no randomness");
        }
        done += got > 0 ? (uint64_t)got : 0;
    }
    return CHY_OK;
}

/* --- calling other machines --------------------------------------------------------------------*/

static atomic_bool outbound_allowed;
static atomic_ullong outbound_asked;
static const char *_Atomic outbound_ca_file;

void conf_outbound_allow(bool allow)
{
    atomic_store(&outbound_allowed, allow);
}

uint64_t conf_outbound_asked(void)
{
    return atomic_load(&outbound_asked);
}

void conf_outbound_ca_file(const char *path)
{
    atomic_store(&outbound_ca_file, path);
}

static chy_status host_outbound(struct chy_op *op, struct chy_outbound *out_outbound)
{
    (void)op;
    out_outbound->ca_file = chy_text(atomic_load(&outbound_ca_file));
    return CHY_OK;
}

static chy_status host_outbound_address(struct chy_op *op,
                                        const struct chy_outbound_address *address)
{
    atomic_fetch_add(&outbound_asked, 1);
    if (address->struct_size < sizeof *address ||
        (address->address.len != 4 && address->address.len != 16) || address->port == 0 ||
        address->port > UINT16_MAX) {
        return chy_fail(op, CHY_BROKEN, 0, "the plugin asks about what is no address");
    }
    return atomic_load(&outbound_allowed)
               ? CHY_OK
               : chy_fail(op, CHY_DENIED, 0, "the test allows no address");
}

/* --- signing what is sent ----------------------------------------------------------------------*/

static void (*_Atomic hmac_sha256)(struct chy_slice key, struct chy_slice message, uint8_t *mac);

void conf_hmac_sha256(void (*compute)(struct chy_slice key, struct chy_slice message, uint8_t *mac))
{
    atomic_store(&hmac_sha256, compute);
}

static chy_status host_hmac(struct chy_op *op, uint32_t algorithm, struct chy_slice key,
                            struct chy_slice message, struct chy_slice *out_mac)
{
    uint8_t mac[32];
    struct chy_slice copy = {NULL, 0};
    if (algorithm != CHY_DIGEST_SHA256 || atomic_load(&hmac_sha256) == NULL) {
        return chy_fail(op, CHY_UNSUPPORTED, algorithm, "this host has no such HMAC");
    }
    atomic_load (&hmac_sha256)(key, message, mac);
    CHY_TRY(chy_copy(op, chy_slice_of(mac, sizeof mac), &copy));
    *out_mac = copy;
    return CHY_OK;
}

const struct chy_host conf_host_table = {
    .struct_size = sizeof(struct chy_host),
    .minor = CHY_HOST_MINOR,
    .alloc = host_alloc,
    .secret_alloc = host_secret_alloc,
    .defer = host_defer,
    .fail = host_fail,
    .fail_with = host_fail_with,
    .issue = host_issue,
    .last_error = host_last_error,
    .now = host_now,
    .monotonic = host_monotonic,
    .deadline = host_deadline,
    .cancelled = host_cancelled,
    .request_id = host_request_id,
    .op_begin = host_op_begin,
    .op_child = host_op_child,
    .op_end = host_op_end,
    .log_level = host_log_level,
    .log = host_log,
    .count = host_count,
    .gauge = host_count,
    .random = host_random,
    .hmac = host_hmac,
    .outbound = host_outbound,
    .outbound_address = host_outbound_address,
};

/* --- what tests hold ---------------------------------------------------------------------------*/

struct chy_op *conf_op_new_until(struct chy_instance *instance, int64_t deadline)
{
    return conf_must(host_op_begin(instance, chy_text("test"), deadline));
}

struct chy_op *conf_op_new(struct chy_instance *instance)
{
    return conf_op_new_until(instance, CHY_NO_DEADLINE);
}

void conf_op_free(struct chy_op *op)
{
    host_op_end(op);
}

void conf_op_limit(struct chy_op *op, uint64_t bytes)
{
    of(op)->limit = of(op)->used + bytes;
}

void conf_op_cancel(struct chy_op *op)
{
    atomic_store(&of(op)->cancelled, 1);
}

struct chy_error conf_op_error(struct chy_op *op)
{
    return of(op)->error;
}

const char *conf_op_message(struct chy_op *op)
{
    return of(op)->message;
}

void conf_clock_advance(int64_t us)
{
    atomic_fetch_add(&clock_offset, us);
}

int64_t conf_clock_monotonic(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

void conf_log_level(enum chy_log_level level)
{
    atomic_store(&log_least, (unsigned)level);
}
