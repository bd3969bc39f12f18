#include "command/forward.h"

#include "base/op.h"
#include "base/slice.h"
#include "base/time.h"
#include "command/forward_sink.h"
#include "resource/audit_chain.h"
#include "resource/collections.h"

#include <stdlib.h>
#include <unistd.h>

#define BLOCKS_AT_ONCE 20U
#define PAGES_AT_ONCE 25
#define ROWS_AT_ONCE 200U

/** After this long a block is taken for its node by any that forwards: µs. */
#define OTHERS_AFTER (60 * CHY_US_PER_SECOND)

/** How long a place that failed is left alone: twice as long each time, up to so long: µs. */
#define FIRST_WAIT CHY_US_PER_SECOND
#define LONGEST_WAIT (8 * CHY_US_PER_SECOND)

#define SINKS 3
#define ALL_BITS 7

struct chy_forward {
    struct chy_forward_sink sinks[SINKS];
    atomic_bool wants_reopen;
};

/* ------------------------------------------------------------------------------------------------
 * What a place was told
 */

static void close_sink(struct chy_forward_sink *sink)
{
    if (sink->fd >= 0) {
        (void)close(sink->fd);
        sink->fd = -1;
    }
}

static void count(struct chy_runtime *runtime, const char *name,
                  const struct chy_forward_sink *sink, int64_t by)
{
    char label[64];
    (void)snprintf(label, sizeof label, "to=\"%s\"", sink->what);
    chy_metrics_count(runtime->services->metrics, chy_text(name), chy_text(label), by);
}

/** note_failure tells it once, and leaves the place alone for a while. */
static void note_failure(struct chy_forward_sink *sink, struct chy_runtime *runtime,
                         struct chy_op *op)
{
    struct chy_error error = {.struct_size = sizeof error};
    if (chy_cancelled(op) != 0) {
        return; // the daemon stops
    }
    op->host->last_error(op, &error);
    count(runtime, "audit_forward_failures_total", sink, 1);
    if (!sink->fails) {
        chy_log_warning(op, "audit.not-forwarded",
                        "%.*s; nothing is lost yet: what waits for the %s is sent when it works",
                        (int)error.message.len, (const char *)error.message.ptr, sink->what);
    }
    sink->fails = true;
    sink->wait = sink->wait == 0 ? FIRST_WAIT : sink->wait * 2;
    sink->wait = sink->wait < LONGEST_WAIT ? sink->wait : LONGEST_WAIT;
    sink->retry_at = chy_monotonic(op) + sink->wait;
}

static void note_success(struct chy_forward_sink *sink, struct chy_op *op)
{
    if (sink->fails) {
        chy_log_info(op, "audit.forwarded", "the audit goes to the %s again", sink->what);
    }
    sink->fails = false;
    sink->wait = 0;
    sink->retry_at = 0;
}

/** note_lost tells of rows that a place will never have, or not whole. */
static void note_lost(struct chy_forward_sink *sink, struct chy_runtime *runtime, struct chy_op *op,
                      const struct chy_audit_block *block)
{
    if (block->dropped && block->count != 0) {
        chy_log_warning(op, "audit.gap",
                        "%lld rows of the node %.*s were dropped by retention before they could be "
                        "written to the %s",
                        (long long)block->count, (int)block->node.len,
                        (const char *)block->node.ptr, sink->what);
        count(runtime, "audit_forward_lost_total", sink, block->count);
    }
}

static void note_shortened(struct chy_forward_sink *sink, struct chy_runtime *runtime,
                           struct chy_op *op)
{
    if (sink->shortened != 0) {
        chy_log_warning(op, "audit.gap",
                        "%llu rows were too long for the %s, which got them without their detail",
                        (unsigned long long)sink->shortened, sink->what);
        count(runtime, "audit_forward_lost_total", sink, (int64_t)sink->shortened);
        sink->shortened = 0;
    }
}

/* ------------------------------------------------------------------------------------------------
 * Blocks
 */

static chy_status send_page(struct chy_forward_sink *sink, struct chy_op *op,
                            const struct chy_storage_page *page)
{
    for (uint64_t i = 0; i < page->rows.count; i++) {
        struct chy_forward_line line;
        CHY_TRY(chy_forward_row(op, chy_page_row(page, i), &line));
        CHY_TRY(sink->way->write(sink, op, &line));
    }
    return CHY_OK;
}

static chy_status send_rows(struct chy_forward_sink *sink, struct chy_runtime *runtime,
                            struct chy_op *op, const struct chy_audit_block *block)
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

static chy_status send_block(struct chy_forward_sink *sink, struct chy_runtime *runtime,
                             struct chy_op *op, const struct chy_audit_block *block)
{
    struct chy_forward_line line;
    if (sink->fd < 0) {
        CHY_TRY(sink->way->open(sink, op));
    }
    CHY_TRY(send_rows(sink, runtime, op, block));
    CHY_TRY(chy_forward_block(op, block, &line));
    return sink->way->write(sink, op, &line);
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

/** What one page of waiting blocks has for us. */
struct turn {
    struct chy_audit_block blocks[BLOCKS_AT_ONCE];
    uint64_t count;
};

static chy_status read_turn(struct chy_runtime *runtime, struct chy_op *op, int64_t state,
                            struct turn *turn, bool *out_more)
{
    struct chy_query query;
    struct chy_storage_page page;
    turn->count = 0;
    chy_query_init(&query, op, CHY_C_AUDIT_BLOCKS, chy_audit_block_fields(), BLOCKS_AT_ONCE);
    chy_query_eq(&query, CHY_BLOCK_FORWARDED, chy_value_int(state));
    chy_query_order(&query, CHY_BLOCK_CLOSED_AT, false);
    CHY_TRY(chy_query_run(&query, runtime->storage, &page));
    for (uint64_t i = 0; i < page.rows.count; i++) {
        bool ours;
        struct chy_audit_block *block = &turn->blocks[turn->count];
        chy_audit_block_read(chy_page_row(&page, i), block);
        CHY_TRY(is_ours(runtime, op, block, &ours));
        turn->count += ours ? 1 : 0;
    }
    *out_more = page.more != 0 && turn->count != 0;
    return CHY_OK;
}

static chy_status send_turn(struct chy_forward_sink *sink, struct chy_runtime *runtime,
                            struct chy_op *op, const struct turn *turn)
{
    sink->shortened = 0;
    for (uint64_t i = 0; i < turn->count; i++) {
        CHY_TRY(send_block(sink, runtime, op, &turn->blocks[i]));
    }
    return turn->count == 0 ? CHY_OK : sink->way->flush(sink, op);
}

/** send_waiting does one page of what waits for a sink with that state, the oldest first. */
static chy_status send_waiting(struct chy_forward_sink *sink, struct chy_runtime *runtime,
                               struct chy_op *op, int64_t state, bool *out_more)
{
    struct turn *turn = chy_alloc(op, sizeof *turn);
    if (turn == NULL) {
        return chy_fail_memory(op);
    }
    CHY_TRY(read_turn(runtime, op, state, turn, out_more));
    chy_status status = send_turn(sink, runtime, op, turn);
    if (status != CHY_OK) {
        close_sink(sink);
        note_failure(sink, runtime, op);
        return status;
    }
    if (turn->count != 0) {
        note_success(sink, op);
    }
    note_shortened(sink, runtime, op);
    for (uint64_t i = 0; i < turn->count; i++) {
        CHY_TRY(mark(runtime, op, &turn->blocks[i], state, sink->bit));
        note_lost(sink, runtime, op, &turn->blocks[i]);
        count(runtime, "audit_forwarded_blocks_total", sink, 1);
    }
    return CHY_OK;
}

/** send_page_of runs a page in an operation whose memory goes. */
static chy_status send_page_of(struct chy_forward_sink *sink, struct chy_runtime *runtime,
                               struct chy_op *op, int64_t state, bool *out_more)
{
    struct chy_op *child = op->host->op_child(op);
    if (child == NULL) {
        return chy_fail_memory(op);
    }
    return chy_op_end_child(op, child, send_waiting(sink, runtime, child, state, out_more));
}

/** run_sink sends what waits for one sink: first what others have already, which is older. */
static chy_status run_sink(struct chy_forward_sink *sink, struct chy_runtime *runtime,
                           struct chy_op *op)
{
    for (int64_t state = ALL_BITS; state >= 0; state--) {
        bool more = (state & sink->bit) == 0;
        for (int i = 0; more && i < PAGES_AT_ONCE && chy_cancelled(op) == 0; i++) {
            CHY_TRY(send_page_of(sink, runtime, op, state, &more));
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
        struct chy_forward_sink *sink = &forward->sinks[i];
        if (reopens) {
            close_sink(sink);
            sink->retry_at = 0;
        }
        if (sink->where.len == 0 || chy_monotonic(op) < sink->retry_at) {
            continue;
        }
        chy_status status = run_sink(sink, runtime, op);
        if (status != CHY_OK && !sink->fails) {
            failed = status; // the database; what places refuse is told of already
        }
    }
    return failed;
}

void chy_forward_reopen(struct chy_forward *forward)
{
    if (forward != NULL) {
        atomic_store(&forward->wants_reopen, true);
    }
}

chy_status chy_forward_new(struct chy_op *op, const struct chy_config *config,
                           struct chy_slice machine, struct chy_forward **out_forward)
{
    const struct chy_forward_sink sinks[SINKS] = {
        {.what = "file", .where = config->audit.file, .way = &chy_forward_to_file, .bit = 1},
        {.what = "syslog", .where = config->audit.syslog, .way = &chy_forward_to_socket, .bit = 2},
        {.what = "syslog_server",
         .where = config->audit.syslog_server,
         .way = &chy_forward_to_server,
         .message_max = (size_t)config->audit.syslog_max,
         .bit = 4},
    };
    *out_forward = NULL;
    bool any = false;
    for (size_t i = 0; i < SINKS; i++) {
        any = any || sinks[i].where.len != 0;
    }
    if (!any) {
        return CHY_OK;
    }
    struct chy_forward *forward = calloc(1, sizeof *forward);
    if (forward == NULL) {
        return chy_fail_memory(op);
    }
    for (size_t i = 0; i < SINKS; i++) {
        forward->sinks[i] = sinks[i];
        forward->sinks[i].machine = machine;
        forward->sinks[i].fd = -1;
    }
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
