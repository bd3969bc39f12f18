#include "resource/audit_verify.h"

#include "base/encode.h"
#include "base/op.h"
#include "base/slice.h"
#include "base/time.h"
#include "resource/audit.h"
#include "resource/audit_block.h"
#include "resource/audit_chain.h"
#include "resource/audit_key.h"
#include "resource/audit_retention.h"
#include "resource/collections.h"

#include <stdarg.h>

#define BLOCKS_AT_ONCE 200U
#define ROWS_AT_ONCE 200U
#define PROGRESS_EVERY 500U
#define SENTENCE_MAX 512U

/** One verification. */
struct walk {
    struct chy_runtime *runtime;
    struct chy_audit_verifier *verifier;
    struct chy_audit_key key;
    bool has_key;
    int64_t dropped_before; /**< blocks closed before it may have lost their rows */
    /* of the node at hand */
    struct chy_slice node;
    int64_t last_number;
    uint8_t last_head[CHY_AUDIT_DIGEST_LEN];
    bool has_last;
};

static void say(struct chy_audit_verifier *verifier, const char *format, ...) CHY_PRINTF(2, 3);
static void say(struct chy_audit_verifier *verifier, const char *format, ...)
{
    char sentence[SENTENCE_MAX];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(sentence, sizeof sentence, format, arguments);
    va_end(arguments);
    verifier->report.problems++;
    verifier->problem(verifier->context, sentence);
}

/** block_problem says something of the block `number` of the node at hand, and when that was. */
static void block_problem(struct walk *w, int64_t number, const char *format, ...) CHY_PRINTF(3, 4);
static void block_problem(struct walk *w, int64_t number, const char *format, ...)
{
    char what[SENTENCE_MAX / 2];
    char when[CHY_TIME_TEXT_SIZE] = "";
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    if (number > 0 && number < INT64_MAX / CHY_US_PER_SECOND / 2) {
        chy_time_format(number * CHY_US_PER_SECOND, when);
    }
    say(w->verifier, "node %.*s, block %lld (%s): %s", (int)w->node.len, (const char *)w->node.ptr,
        (long long)number, when, what);
}

/* ------------------------------------------------------------------------------------------------
 * Rows
 */

/** What the rows of a block came to. */
struct found {
    int64_t count;
    int64_t last; /**< the block of the last row that was read */
    struct chy_audit_root root;
};

static chy_status check_row(struct walk *w, struct chy_op *op, const struct chy_storage_row *row)
{
    bool holds;
    CHY_TRY(chy_audit_row_holds(w->runtime, op, row, &holds));
    w->verifier->report.rows++;
    if (!holds) {
        char id_text[CHY_UUID_TEXT_SIZE];
        struct chy_uuid id = chy_row_uuid(row, CHY_AUDIT_ID);
        chy_uuid_format(&id, id_text);
        block_problem(w, chy_row_int(row, CHY_AUDIT_BLOCK),
                      "the row %s was changed: its MAC does not hold", id_text);
    }
    return CHY_OK;
}

/** take_row sorts a row: of the block, or before it, where no block is. */
static chy_status take_row(struct walk *w, struct chy_op *op, const struct chy_storage_row *row,
                           int64_t number, struct found *found)
{
    CHY_TRY(check_row(w, op, row));
    found->last = chy_row_int(row, CHY_AUDIT_BLOCK);
    if (found->last != number) {
        block_problem(w, found->last,
                      "a row is in no block: it was put there, or its block was "
                      "removed");
        return CHY_OK;
    }
    found->count++;
    return chy_audit_root_add(&found->root, w->runtime, op, chy_row_blob(row, CHY_AUDIT_MAC));
}

/** page_of_rows runs one page in an operation of its own. */
static chy_status page_of_rows(struct walk *w, struct chy_op *op, struct chy_query *query,
                               int64_t number, struct found *found, bool *out_more)
{
    struct chy_storage_page page;
    CHY_TRY(chy_query_run(query, w->runtime->storage, &page));
    for (uint64_t i = 0; i < page.rows.count; i++) {
        CHY_TRY(take_row(w, op, chy_page_row(&page, i), number, found));
    }
    query->find.cursor = page.cursor;
    *out_more = page.more != 0;
    return CHY_OK;
}

/** read_rows reads what stands after the block before and up to `number`. */
static chy_status read_rows(struct walk *w, struct chy_op *op, int64_t number, struct found *found)
{
    struct chy_query query;
    bool more = true;
    memset(found, 0, sizeof *found);
    chy_audit_root_init(&found->root);
    chy_query_init(&query, op, CHY_C_AUDIT_EVENTS, chy_core_fields(CHY_C_AUDIT_EVENTS),
                   ROWS_AT_ONCE);
    chy_query_eq(&query, CHY_AUDIT_NODE, chy_value_text(w->node));
    chy_query_range(&query, CHY_AUDIT_BLOCK, chy_value_int(w->last_number + 1),
                    chy_value_int(number + 1));
    chy_query_order(&query, CHY_AUDIT_BLOCK, false);
    while (more) {
        CHY_TRY(page_of_rows(w, op, &query, number, found, &more));
    }
    return CHY_OK;
}

/* ------------------------------------------------------------------------------------------------
 * Blocks
 */

static chy_status head_is_there(struct walk *w, struct chy_op *op, struct chy_slice head,
                                bool *out_there)
{
    struct chy_query query;
    struct chy_storage_page page;
    chy_query_init(&query, op, CHY_C_AUDIT_BLOCKS, CHY_NO_FIELDS, 1);
    chy_query_eq(&query, CHY_BLOCK_HEAD, chy_value_blob(head));
    CHY_TRY(chy_query_run(&query, w->runtime->storage, &page));
    *out_there = page.rows.count != 0;
    return CHY_OK;
}

static chy_status check_links(struct walk *w, struct chy_op *op,
                              const struct chy_audit_block *block)
{
    bool there = true;
    if (w->has_last) {
        if (!chy_slice_equal(block->previous, chy_slice_of(w->last_head, sizeof w->last_head))) {
            block_problem(w, block->number,
                          "it does not follow the block before it: at least one "
                          "block between %lld and this one is missing or changed",
                          (long long)w->last_number);
        }
    } else if (block->previous.len != 0) {
        CHY_TRY(head_is_there(w, op, block->previous, &there));
    }
    if (!there) {
        block_problem(w, block->number,
                      "the block that it follows is missing, with all before it "
                      "of its node");
    }
    if (block->witness.len == 0) {
        return CHY_OK;
    }
    CHY_TRY(head_is_there(w, op, block->witness, &there));
    if (!there) {
        block_problem(w, block->number,
                      "a block of another node that was there when it was closed is missing");
    }
    return CHY_OK;
}

static chy_status check_seal(struct walk *w, struct chy_op *op, const struct chy_audit_block *block)
{
    struct chy_slice head;
    CHY_TRY(chy_audit_block_head(w->runtime, op, block, &head));
    if (!chy_slice_equal(head, block->head)) {
        block_problem(w, block->number, "its record was changed: the head does not fit it");
    }
    if (!w->has_key) {
        block_problem(w, block->number, "the key that signed it is missing");
        return CHY_OK;
    }
    chy_status status = chy_audit_key_check(&w->key, op, block->head, block->signature);
    if (status == CHY_BAD_INPUT) {
        block_problem(w, block->number, "its signature is wrong");
        return CHY_OK;
    }
    return status;
}

/** was_dropped looks again: retention may have removed the rows since the block was read. */
static chy_status was_dropped(struct walk *w, struct chy_op *op,
                              const struct chy_audit_block *block, bool *out_dropped)
{
    struct chy_storage_row row;
    CHY_TRY(chy_storage_read(w->runtime->storage, op, CHY_C_AUDIT_BLOCKS,
                             CHY_KEY(chy_value_text(block->node), chy_value_int(block->number)),
                             CHY_FIELDS(CHY_BLOCK_DROPPED), &row));
    *out_dropped = chy_row_bool(&row, 0);
    return CHY_OK;
}

static chy_status check_rows(struct walk *w, struct chy_op *op, const struct chy_audit_block *block,
                             struct found *found)
{
    struct chy_slice root;
    bool dropped = block->dropped;
    if (!dropped && found->count != block->count) {
        CHY_TRY(was_dropped(w, op, block, &dropped));
    }
    if (dropped) {
        CHY_TRY(chy_audit_dropped_before(w->runtime, op, &w->dropped_before));
        w->verifier->report.dropped++;
        if (block->closed_at >= w->dropped_before) {
            block_problem(w, block->number,
                          "its %lld rows are missing: it is marked as dropped, but retention had "
                          "not come to it",
                          (long long)block->count);
        }
        return CHY_OK;
    }
    if (found->count < block->count) {
        block_problem(w, block->number, "%lld of its %lld rows are missing",
                      (long long)(block->count - found->count), (long long)block->count);
        return CHY_OK;
    }
    if (found->count > block->count) {
        block_problem(w, block->number, "it has %lld rows more than when it was closed",
                      (long long)(found->count - block->count));
        return CHY_OK;
    }
    CHY_TRY(chy_audit_root_end(&found->root, w->runtime, op, &root));
    if (!chy_slice_equal(root, block->root)) {
        block_problem(w, block->number, "its rows are not those that it was closed with");
    }
    return CHY_OK;
}

static chy_status check_block(struct walk *w, struct chy_op *op,
                              const struct chy_audit_block *block)
{
    struct found *found = chy_alloc(op, sizeof *found);
    if (found == NULL) {
        return chy_fail_memory(op);
    }
    CHY_TRY(read_rows(w, op, block->number, found));
    CHY_TRY(check_rows(w, op, block, found));
    CHY_TRY(check_seal(w, op, block));
    return check_links(w, op, block);
}

/** in_child runs a step in an operation of its own, whose memory goes with it. */
typedef chy_status step_fn(struct walk *w, struct chy_op *op, void *argument);
static chy_status in_child(struct walk *w, struct chy_op *op, step_fn *step, void *argument)
{
    struct chy_op *child = op->host->op_child(op);
    if (child == NULL) {
        return chy_fail_memory(op);
    }
    return chy_op_end_child(op, child, step(w, child, argument));
}

static chy_status block_step(struct walk *w, struct chy_op *op, void *argument)
{
    const struct chy_audit_block *block = argument;
    struct chy_audit_report *report = &w->verifier->report;
    CHY_TRY(check_block(w, op, block));
    w->last_number = block->number;
    w->has_last = block->head.len == sizeof w->last_head;
    if (w->has_last) {
        memcpy(w->last_head, block->head.ptr, sizeof w->last_head);
    }
    report->blocks++;
    if (report->blocks % PROGRESS_EVERY == 0 && w->verifier->progress != NULL) {
        w->verifier->progress(w->verifier->context, report);
    }
    return CHY_OK;
}

/** blocks_step does one page of the node's blocks after the last one; `argument`: are there
 *  more? */
static chy_status blocks_step(struct walk *w, struct chy_op *op, void *argument)
{
    bool *more = argument;
    struct chy_query query;
    struct chy_storage_page page;
    chy_query_init(&query, op, CHY_C_AUDIT_BLOCKS, chy_audit_block_fields(), BLOCKS_AT_ONCE);
    chy_query_eq(&query, CHY_BLOCK_NODE, chy_value_text(w->node));
    chy_query_range(&query, CHY_BLOCK_NUMBER, chy_value_int(w->last_number + 1), chy_value_null());
    CHY_TRY(chy_query_run(&query, w->runtime->storage, &page));
    for (uint64_t i = 0; i < page.rows.count; i++) {
        struct chy_audit_block block;
        chy_audit_block_read(chy_page_row(&page, i), &block);
        CHY_TRY(in_child(w, op, block_step, &block));
    }
    *more = page.rows.count != 0 && page.more != 0;
    return CHY_OK;
}

/* ------------------------------------------------------------------------------------------------
 * Nodes
 */

/** tail_step looks at the rows behind the last block. */
static chy_status tail_step(struct walk *w, struct chy_op *op, void *argument)
{
    struct chy_query query;
    uint64_t count = 0;
    bool more = true;
    bool alive;
    (void)argument;
    CHY_TRY(chy_audit_lives(w->runtime, op, w->node,
                            &alive)); // before: it may close them and end meanwhile
    chy_query_init(&query, op, CHY_C_AUDIT_EVENTS, chy_core_fields(CHY_C_AUDIT_EVENTS),
                   ROWS_AT_ONCE);
    chy_query_eq(&query, CHY_AUDIT_NODE, chy_value_text(w->node));
    chy_query_range(&query, CHY_AUDIT_BLOCK, chy_value_int(w->last_number + 1), chy_value_null());
    chy_query_order(&query, CHY_AUDIT_BLOCK, false);
    while (more) {
        struct chy_storage_page page;
        CHY_TRY(chy_query_run(&query, w->runtime->storage, &page));
        for (uint64_t i = 0; i < page.rows.count; i++) {
            CHY_TRY(check_row(w, op, chy_page_row(&page, i)));
        }
        count += page.rows.count;
        query.find.cursor = page.cursor;
        more = page.more != 0;
    }
    if (alive) {
        w->verifier->report.open += count;
    } else if (count != 0) {
        say(w->verifier,
            "node %.*s: %llu rows after its last block (%lld) are in no block, and no process "
            "could "
            "still close one: blocks were removed, or rows put there",
            (int)w->node.len, (const char *)w->node.ptr, (unsigned long long)count,
            (long long)w->last_number);
    }
    return CHY_OK;
}

static chy_status verify_node(struct walk *w, struct chy_op *op)
{
    bool more = true;
    w->last_number = INT64_MIN / 2;
    w->has_last = false;
    w->verifier->report.nodes++;
    while (more) {
        CHY_TRY(in_child(w, op, blocks_step, &more));
    }
    return in_child(w, op, tail_step, NULL);
}

/** next_node finds the first node of a collection that comes after `after`; empty: none. */
static chy_status next_node(struct walk *w, struct chy_op *op, uint32_t collection, uint32_t field,
                            struct chy_slice after, struct chy_slice *out_node)
{
    struct chy_query query;
    struct chy_storage_page page;
    struct chy_buf low;
    *out_node = chy_slice_of(NULL, 0);
    chy_buf_init(&low, op, CHY_STORAGE_TEXT_MAX);
    chy_buf_add(&low, after);
    chy_buf_add_u8(&low, 1); // nothing that begins with `after` comes before it
    if (!chy_buf_ok(&low)) {
        return chy_buf_fail(&low, op, "the name of a node");
    }
    chy_query_init(&query, op, collection, CHY_FIELDS(field), 1);
    if (after.len != 0) {
        chy_query_range(&query, field, chy_value_text(chy_buf_slice(&low)), chy_value_null());
    }
    chy_query_order(&query, field, false);
    CHY_TRY(chy_query_run(&query, w->runtime->storage, &page));
    if (page.rows.count != 0) {
        *out_node = chy_row_text(chy_page_row(&page, 0), 0);
    }
    return CHY_OK;
}

static chy_status walk_nodes(struct walk *w, struct chy_op *op)
{
    struct chy_slice after = {NULL, 0};
    while (true) {
        struct chy_slice of_blocks;
        struct chy_slice of_rows;
        CHY_TRY(next_node(w, op, CHY_C_AUDIT_BLOCKS, CHY_BLOCK_NODE, after, &of_blocks));
        CHY_TRY(next_node(w, op, CHY_C_AUDIT_EVENTS, CHY_AUDIT_NODE, after, &of_rows));
        if (of_blocks.len == 0 && of_rows.len == 0) {
            return CHY_OK;
        }
        bool takes_rows =
            of_blocks.len == 0 || (of_rows.len != 0 && chy_slice_compare(of_rows, of_blocks) < 0);
        after = takes_rows ? of_rows : of_blocks;
        w->node = after;
        CHY_TRY(verify_node(w, op));
    }
}

chy_status chy_audit_verify(struct chy_runtime *runtime, struct chy_op *op,
                            struct chy_audit_verifier *verifier)
{
    struct walk w = {.runtime = runtime, .verifier = verifier};
    chy_status status = chy_audit_key_open(runtime, op, false, &w.key);
    if (status != CHY_OK && status != CHY_NOT_FOUND) {
        say(verifier, "the key that signs the blocks does not open");
    }
    w.has_key = status == CHY_OK;
    status = walk_nodes(&w, op);
    chy_audit_key_close(&w.key);
    return status;
}

/* ------------------------------------------------------------------------------------------------
 * What was written elsewhere
 */

/** digits_after finds `marker` and decodes the 64 hexadecimal digits behind it. */
static bool digits_after(struct chy_slice line, const char *marker,
                         uint8_t out[CHY_AUDIT_DIGEST_LEN])
{
    size_t marker_len = strlen(marker);
    struct chy_buffer buffer = {out, CHY_AUDIT_DIGEST_LEN};
    size_t len = 0;
    uint64_t wanted = marker_len + 2 * CHY_AUDIT_DIGEST_LEN;
    for (uint64_t i = 0; i + wanted <= line.len; i++) {
        if (memcmp(line.ptr + i, marker, marker_len) == 0 &&
            chy_hex_decode(chy_slice_of(line.ptr + i + marker_len, 2 * CHY_AUDIT_DIGEST_LEN),
                           buffer, &len)) {
            return len == CHY_AUDIT_DIGEST_LEN;
        }
    }
    return false;
}

/** uuid_after finds `marker` and reads the UUID behind it. */
static bool uuid_after(struct chy_slice line, const char *marker, struct chy_uuid *out_uuid)
{
    size_t marker_len = strlen(marker);
    for (uint64_t i = 0; i + marker_len + CHY_UUID_TEXT_LEN <= line.len; i++) {
        if (memcmp(line.ptr + i, marker, marker_len) == 0) {
            return chy_uuid_parse(chy_slice_of(line.ptr + i + marker_len, CHY_UUID_TEXT_LEN),
                                  out_uuid);
        }
    }
    return false;
}

static chy_status compare_row(struct chy_runtime *runtime, struct chy_op *op,
                              struct chy_audit_verifier *verifier, const struct chy_uuid *id,
                              struct chy_slice mac, uint64_t number)
{
    struct chy_storage_row row;
    char id_text[CHY_UUID_TEXT_SIZE];
    int64_t dropped_before;
    chy_uuid_format(id, id_text);
    CHY_TRY(chy_audit_dropped_before(runtime, op, &dropped_before));
    chy_status status =
        chy_storage_read(runtime->storage, op, CHY_C_AUDIT_EVENTS, CHY_KEY(chy_value_uuid(id)),
                         CHY_FIELDS(CHY_AUDIT_MAC), &row);
    if (status == CHY_NOT_FOUND) {
        // The id begins with its time; a row is dropped with its block, seconds later at most.
        if (chy_uuid_time_ms(id) * CHY_US_PER_MS >= dropped_before) {
            say(verifier, "line %llu: the row %s is missing", (unsigned long long)number, id_text);
        }
        return CHY_OK;
    }
    CHY_TRY(status);
    if (!chy_slice_equal(chy_row_blob(&row, 0), mac)) {
        say(verifier, "line %llu: the row %s is not the one that was written there",
            (unsigned long long)number, id_text);
    }
    return CHY_OK;
}

chy_status chy_audit_verify_line(struct chy_runtime *runtime, struct chy_op *op,
                                 struct chy_audit_verifier *verifier, struct chy_slice line,
                                 uint64_t number)
{
    uint8_t digest[CHY_AUDIT_DIGEST_LEN];
    struct chy_uuid id;
    struct walk w = {.runtime = runtime, .verifier = verifier};
    bool there;
    if (digits_after(line, "\"head\":\"", digest) || digits_after(line, "head=", digest)) {
        struct chy_slice head = chy_slice_of(digest, sizeof digest);
        struct chy_slice text;
        verifier->report.compared++;
        CHY_TRY(head_is_there(&w, op, head, &there));
        CHY_TRY(chy_hex_text(op, head, &text));
        if (!there) {
            say(verifier, "line %llu: the block with the head %.*s is missing",
                (unsigned long long)number, (int)text.len, (const char *)text.ptr);
        }
        return CHY_OK;
    }
    if (digits_after(line, "\"mac\":\"", digest) && uuid_after(line, "\"id\":\"", &id)) {
        verifier->report.compared++;
        return compare_row(runtime, op, verifier, &id, chy_slice_of(digest, sizeof digest), number);
    }
    return CHY_OK;
}
