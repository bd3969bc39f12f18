#include "command/forward.h"

#include "base/encode.h"
#include "base/slice.h"
#include "base/time.h"
#include "resource/audit_chain.h"
#include "resource/audit_log.h"
#include "resource/collections.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define BLOCKS_AT_ONCE 20U
#define PAGES_AT_ONCE 25
#define ROWS_AT_ONCE 200U
#define LINE_MAX_LEN (128U * 1024U)

/** After this long a block is taken for its node by any that forwards: µs. */
#define OTHERS_AFTER (60 * CHY_US_PER_SECOND)

/** authpriv.notice (RFC 5424 6.2.1). */
#define SYSLOG_PRIORITY "<85>"

struct chy_forward;

/** A place that lines go to. */
struct sink {
    const char *what; /**< "file", for people and metrics */
    const char *path; /**< NULL: not configured */
    int fd;           /**< below 0: not open */
    chy_status (*open)(struct sink *sink, struct chy_op *op);
    chy_status (*write)(struct sink *sink, struct chy_op *op, struct chy_slice line);
    chy_status (*flush)(struct sink *sink, struct chy_op *op);
    int64_t bit; /**< of CHY_BLOCK_FORWARDED */
};

#define SINKS 2
#define ALL_BITS 3

struct chy_forward {
    struct sink sinks[SINKS];
    atomic_bool wants_reopen;
};

/* ------------------------------------------------------------------------------------------------
 * The file
 */

static chy_status open_file(struct sink *sink, struct chy_op *op)
{
    sink->fd = open(sink->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600);
    return sink->fd >= 0 ? CHY_OK
                         : chy_fail(op, CHY_TRY_LATER, errno, "cannot open audit.file '%s': %s",
                                    sink->path, strerror(errno));
}

static chy_status write_file(struct sink *sink, struct chy_op *op, struct chy_slice line)
{
    uint64_t done = 0;
    while (done < line.len) {
        ssize_t count = write(sink->fd, line.ptr + done, (size_t)(line.len - done));
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count <= 0) {
            return chy_fail(op, CHY_TRY_LATER, errno, "cannot write audit.file '%s': %s",
                            sink->path, strerror(errno));
        }
        done += (uint64_t)count;
    }
    return CHY_OK;
}

static chy_status flush_file(struct sink *sink, struct chy_op *op)
{
    if (fdatasync(sink->fd) == 0 || errno == EINVAL ||
        errno == EROFS) { // a pipe has nothing to sync
        return CHY_OK;
    }
    return chy_fail(op, CHY_TRY_LATER, errno, "cannot make audit.file '%s' durable: %s", sink->path,
                    strerror(errno));
}

/* ------------------------------------------------------------------------------------------------
 * Syslog: the local socket, one datagram a line
 */

static chy_status open_syslog(struct sink *sink, struct chy_op *op)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(sink->path) >= sizeof address.sun_path) {
        return chy_fail(op, CHY_BAD_INPUT, 0, "the path of audit.syslog is too long");
    }
    memcpy(address.sun_path, sink->path, strlen(sink->path) + 1);
    struct timeval patience = {.tv_sec = 1}; // what syslog is given to take a line
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) != 0 ||
        connect(fd, (const struct sockaddr *)&address, sizeof address) != 0) {
        int code = errno;
        if (fd >= 0) {
            (void)close(fd);
        }
        return chy_fail(op, CHY_TRY_LATER, code, "cannot reach audit.syslog '%s': %s", sink->path,
                        strerror(code));
    }
    sink->fd = fd;
    return CHY_OK;
}

static chy_status send_syslog(struct sink *sink, struct chy_op *op, struct chy_slice line)
{
    struct chy_buf buf;
    chy_buf_init(&buf, op, LINE_MAX_LEN + 64);
    chy_buf_add_format(&buf, SYSLOG_PRIORITY "chancery[%ld]: ", (long)getpid());
    chy_buf_add(&buf, chy_slice_of(line.ptr, line.len - 1)); // without the newline
    if (!chy_buf_ok(&buf)) {
        return chy_buf_fail(&buf, op, "a line for syslog");
    }
    struct chy_slice datagram = chy_buf_slice(&buf);
    ssize_t count = send(sink->fd, datagram.ptr, (size_t)datagram.len, MSG_NOSIGNAL);
    if (count < 0 && errno == EMSGSIZE) {
        chy_log_warning(op, "audit.gap", "syslog takes no line of %llu bytes: one is left out",
                        (unsigned long long)datagram.len);
        return CHY_OK;
    }
    return count >= 0 ? CHY_OK
                      : chy_fail(op, CHY_TRY_LATER, errno, "cannot send to audit.syslog '%s': %s",
                                 sink->path, strerror(errno));
}

static chy_status flush_syslog(struct sink *sink, struct chy_op *op)
{
    (void)sink;
    (void)op;
    return CHY_OK;
}

/* ------------------------------------------------------------------------------------------------
 * Lines
 */

static void add_hex(struct chy_buf *buf, const char *name, struct chy_slice bytes)
{
    chy_buf_add_format(buf, ",\"%s\":", name);
    if (bytes.len == 0) {
        chy_buf_add_text(buf, "null");
        return;
    }
    chy_buf_add_u8(buf, '"');
    chy_hex_add(buf, bytes);
    chy_buf_add_u8(buf, '"');
}

static chy_status block_line(struct chy_op *op, const struct chy_audit_block *block,
                             struct chy_slice *out_line)
{
    struct chy_buf buf;
    char when[CHY_TIME_TEXT_SIZE];
    chy_time_format(block->closed_at, when);
    chy_buf_init(&buf, op, LINE_MAX_LEN);
    chy_buf_add_text(&buf, "{\"type\":\"block\",\"node\":");
    chy_buf_add_json_string(&buf, block->node);
    chy_buf_add_format(&buf, ",\"block\":%lld,\"rows\":%lld,\"closedAt\":\"%s\",\"dropped\":%s",
                       (long long)block->number, (long long)block->count, when,
                       block->dropped ? "true" : "false");
    add_hex(&buf, "root", block->root);
    add_hex(&buf, "previous", block->previous);
    add_hex(&buf, "witness", block->witness);
    add_hex(&buf, "head", block->head);
    add_hex(&buf, "signature", block->signature);
    chy_buf_add_text(&buf, "}\n");
    *out_line = chy_buf_slice(&buf);
    return chy_buf_ok(&buf) ? CHY_OK : chy_buf_fail(&buf, op, "the line of an audit block");
}

static chy_status row_line(struct chy_op *op, const struct chy_storage_row *row,
                           struct chy_slice *out_line)
{
    struct chy_buf buf;
    struct chy_slice text;
    json_t *object;
    CHY_TRY(chy_audit_event_json(op, row, &object));
    CHY_TRY(chy_json_write(op, object, &text));
    chy_buf_init(&buf, op, LINE_MAX_LEN);
    chy_buf_add(&buf, text);
    chy_buf_add_u8(&buf, '\n');
    *out_line = chy_buf_slice(&buf);
    return chy_buf_ok(&buf) ? CHY_OK : chy_buf_fail(&buf, op, "the line of an audit row");
}

/* ------------------------------------------------------------------------------------------------
 * Blocks
 */

/** send_page writes a page of a block's rows; its memory goes with `op`. */
static chy_status send_page(struct sink *sink, struct chy_op *op,
                            const struct chy_storage_page *page)
{
    for (uint64_t i = 0; i < page->rows.count; i++) {
        struct chy_slice line;
        CHY_TRY(row_line(op, chy_page_row(page, i), &line));
        CHY_TRY(sink->write(sink, op, line));
    }
    return CHY_OK;
}

static chy_status send_rows(struct sink *sink, struct chy_runtime *runtime, struct chy_op *op,
                            const struct chy_audit_block *block)
{
    struct chy_query query;
    bool more = true;
    chy_query_init(&query, op, CHY_C_AUDIT_EVENTS, chy_core_fields(CHY_C_AUDIT_EVENTS),
                   ROWS_AT_ONCE);
    chy_query_eq(&query, CHY_AUDIT_NODE, chy_value_text(block->node));
    chy_query_eq(&query, CHY_AUDIT_BLOCK, chy_value_int(block->number));
    while (more) {
        struct chy_storage_page page;
        CHY_TRY(chy_query_run(&query, runtime->storage, &page));
        CHY_TRY(send_page(sink, op, &page));
        query.find.cursor = page.cursor;
        more = page.more != 0;
    }
    return CHY_OK;
}

static chy_status send_to(struct sink *sink, struct chy_runtime *runtime, struct chy_op *op,
                          const struct chy_audit_block *block)
{
    struct chy_slice line;
    if (sink->fd < 0) {
        CHY_TRY(sink->open(sink, op));
    }
    CHY_TRY(send_rows(sink, runtime, op, block));
    CHY_TRY(block_line(op, block, &line));
    CHY_TRY(sink->write(sink, op, line));
    return sink->flush(sink, op);
}

static void close_sink(struct sink *sink)
{
    if (sink->fd >= 0) {
        (void)close(sink->fd);
        sink->fd = -1;
    }
}

static void count(struct chy_runtime *runtime, const char *name, const struct sink *sink)
{
    char label[64];
    (void)snprintf(label, sizeof label, "to=\"%s\"", sink->what);
    chy_metrics_count(runtime->services->metrics, chy_text(name), chy_text(label), 1);
}

/** mark notes that a sink took a block, which had `state` before. */
static chy_status mark(struct chy_runtime *runtime, struct chy_op *op,
                       const struct chy_audit_block *block, int64_t state, int64_t bit)
{
    struct chy_batch batch;
    chy_batch_init(&batch, op, 0);
    struct chy_write *write =
        chy_batch_update(&batch, CHY_C_AUDIT_BLOCKS,
                         CHY_KEY(chy_value_text(block->node), chy_value_int(block->number)));
    chy_write_guard_equals(write, CHY_BLOCK_FORWARDED, chy_value_int(state));
    chy_write_set(write, CHY_BLOCK_FORWARDED, chy_value_int(state | bit));
    chy_status status = chy_batch_commit(&batch, runtime->storage, NULL);
    return status == CHY_CONFLICT ? CHY_OK : status; // another process took it as well
}

static chy_status send_block(struct sink *sink, struct chy_runtime *runtime, struct chy_op *op,
                             const struct chy_audit_block *block, int64_t state)
{
    if (block->dropped) {
        chy_log_warning(op, "audit.gap",
                        "%lld rows of the node %.*s were dropped by retention before they could be "
                        "written to the %s",
                        (long long)block->count, (int)block->node.len,
                        (const char *)block->node.ptr, sink->what);
    }
    chy_status status = send_to(sink, runtime, op, block);
    count(runtime,
          status == CHY_OK ? "audit_forwarded_blocks_total" : "audit_forward_failures_total", sink);
    if (status != CHY_OK) {
        close_sink(sink);
        return status;
    }
    return mark(runtime, op, block, state, sink->bit);
}

/**
 * is_ours tells whether it is for this process to forward a block: its own, that of a process of
 * this machine that has ended, or one that nobody took for long.
 */
static chy_status is_ours(struct chy_runtime *runtime, struct chy_op *op,
                          const struct chy_audit_block *block, bool *out_ours)
{
    bool lives = true;
    struct chy_slice machine = runtime->machine;
    bool of_machine = chy_slice_starts_with(block->node, machine) &&
                      block->node.len > machine.len && block->node.ptr[machine.len] == '-';
    *out_ours = chy_slice_equal(block->node, runtime->node) ||
                chy_now(op) - block->closed_at > OTHERS_AFTER;
    if (of_machine && !*out_ours) {
        CHY_TRY(chy_audit_lives(runtime, op, block->node, &lives));
        *out_ours = !lives;
    }
    return CHY_OK;
}

/** send_waiting does one page of what waits for a sink with that state, the oldest first. */
static chy_status send_waiting(struct sink *sink, struct chy_runtime *runtime, struct chy_op *op,
                               int64_t state, bool *out_more)
{
    struct chy_query query;
    struct chy_storage_page page;
    uint64_t sent = 0;
    chy_query_init(&query, op, CHY_C_AUDIT_BLOCKS, chy_audit_block_fields(), BLOCKS_AT_ONCE);
    chy_query_eq(&query, CHY_BLOCK_FORWARDED, chy_value_int(state));
    chy_query_order(&query, CHY_BLOCK_CLOSED_AT, false);
    CHY_TRY(chy_query_run(&query, runtime->storage, &page));
    for (uint64_t i = 0; i < page.rows.count; i++) {
        struct chy_audit_block block;
        bool ours;
        chy_audit_block_read(chy_page_row(&page, i), &block);
        CHY_TRY(is_ours(runtime, op, &block, &ours));
        if (ours) {
            CHY_TRY(send_block(sink, runtime, op, &block, state));
            sent++;
        }
    }
    *out_more = page.more != 0 && sent != 0;
    return CHY_OK;
}

/** send_page_of runs a page in an operation whose memory goes. */
static chy_status send_page_of(struct sink *sink, struct chy_runtime *runtime, struct chy_op *op,
                               int64_t state, bool *out_more)
{
    struct chy_op *child = op->host->op_child(op);
    if (child == NULL) {
        return chy_fail_memory(op);
    }
    chy_status status = send_waiting(sink, runtime, child, state, out_more);
    if (status != CHY_OK) {
        struct chy_error error = {.struct_size = sizeof error};
        op->host->last_error(child, &error);
        (void)op->host->fail_with(op, &error);
    }
    op->host->op_end(child);
    return status;
}

/** run_sink sends what waits for one sink: first what the other has already, which is older. */
static chy_status run_sink(struct sink *sink, struct chy_runtime *runtime, struct chy_op *op)
{
    const int64_t states[] = {ALL_BITS & ~sink->bit, 0};
    for (size_t k = 0; k < sizeof states / sizeof states[0]; k++) {
        bool more = true;
        for (int i = 0; more && i < PAGES_AT_ONCE && chy_cancelled(op) == 0; i++) {
            CHY_TRY(send_page_of(sink, runtime, op, states[k], &more));
        }
    }
    return CHY_OK;
}

chy_status chy_forward_run(struct chy_forward *forward, struct chy_runtime *runtime,
                           struct chy_op *op)
{
    chy_status failed = CHY_OK;
    bool reopens = atomic_exchange(&forward->wants_reopen, false);
    for (size_t i = 0; i < SINKS; i++) {
        struct sink *sink = &forward->sinks[i];
        if (reopens) {
            close_sink(sink);
        }
        chy_status status = sink->path == NULL ? CHY_OK : run_sink(sink, runtime, op);
        failed = status == CHY_OK ? failed : status; // neither waits for the other
    }
    return failed;
}

void chy_forward_reopen(struct chy_forward *forward)
{
    if (forward != NULL) {
        atomic_store(&forward->wants_reopen, true);
    }
}

static const char *path_or_null(struct chy_slice path)
{
    return path.len == 0 ? NULL : (const char *)path.ptr;
}

chy_status chy_forward_new(struct chy_op *op, const struct chy_config *config,
                           struct chy_forward **out_forward)
{
    *out_forward = NULL;
    if (config->audit.file.len == 0 && config->audit.syslog.len == 0) {
        return CHY_OK;
    }
    struct chy_forward *forward = calloc(1, sizeof *forward);
    if (forward == NULL) {
        return chy_fail_memory(op);
    }
    forward->sinks[0] = (struct sink){.what = "file",
                                      .path = path_or_null(config->audit.file),
                                      .fd = -1,
                                      .bit = 1,
                                      .open = open_file,
                                      .write = write_file,
                                      .flush = flush_file};
    forward->sinks[1] = (struct sink){.what = "syslog",
                                      .path = path_or_null(config->audit.syslog),
                                      .fd = -1,
                                      .bit = 2,
                                      .open = open_syslog,
                                      .write = send_syslog,
                                      .flush = flush_syslog};
    *out_forward = forward;
    return CHY_OK;
}

void chy_forward_free(struct chy_forward *forward)
{
    if (forward == NULL) {
        return;
    }
    for (size_t i = 0; i < SINKS; i++) {
        close_sink(&forward->sinks[i]);
    }
    free(forward);
}
