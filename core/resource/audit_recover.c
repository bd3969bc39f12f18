#include "base/slice.h"
#include "resource/audit_state.h"
#include "resource/collections.h"

/** next_open finds the first block after `after` in which a node has rows; 0: none. */
static chy_status next_open(struct chy_runtime *runtime, struct chy_op *op, struct chy_slice node,
                            int64_t after, int64_t *out_number)
{
    struct chy_query query;
    struct chy_storage_page page;
    chy_query_init(&query, op, CHY_C_AUDIT_EVENTS, CHY_FIELDS(CHY_AUDIT_BLOCK), 1);
    chy_query_eq(&query, CHY_AUDIT_NODE, chy_value_text(node));
    chy_query_range(&query, CHY_AUDIT_BLOCK, chy_value_int(after + 1), chy_value_null());
    chy_query_order(&query, CHY_AUDIT_BLOCK, false);
    CHY_TRY(chy_query_run(&query, runtime->storage, &page));
    *out_number = page.rows.count == 0 ? 0 : chy_row_int(chy_page_row(&page, 0), 0);
    return CHY_OK;
}

static chy_status recover_node(struct chy_runtime *runtime, struct chy_op *op,
                               struct chy_slice node)
{
    int64_t last;
    int64_t number = 0;
    struct chy_slice head;
    CHY_TRY(chy_audit_block_last(runtime, op, node, &last, &head));
    CHY_TRY(next_open(runtime, op, node, last, &number));
    while (number != 0) {
        struct chy_slice closed;
        CHY_TRY(chy_audit_block_close(runtime, op, node, number, head, &closed));
        head = closed.len == 0 ? head : closed;
        CHY_TRY(next_open(runtime, op, node, number, &number));
    }
    chy_log_warning(op, "audit.recovered",
                    "the node %.*s ended without closing its audit: it is closed now",
                    (int)node.len, (const char *)node.ptr);
    return chy_audit_lease_drop(runtime, op, node);
}

/** is_silent notes a lease and tells whether it has stood still for too long. */
static bool is_silent(struct chy_audit *audit, struct chy_slice node, int64_t beat,
                      int64_t monotonic)
{
    struct chy_audit_watched *watched = NULL;
    for (size_t i = 0; i < audit->watched_count && watched == NULL; i++) {
        watched = chy_slice_is(node, audit->watched[i].node) ? &audit->watched[i] : NULL;
    }
    if (watched == NULL) {
        if (audit->watched_count == CHY_AUDIT_SILENT_MAX || node.len >= CHY_AUDIT_NODE_SIZE) {
            audit->watched_count = 0; // start anew
            return false;
        }
        watched = &audit->watched[audit->watched_count++];
        memset(watched, 0, sizeof *watched);
        memcpy(watched->node, node.ptr, (size_t)node.len);
        watched->since = monotonic;
        watched->beat = beat;
    }
    if (watched->beat != beat) {
        watched->beat = beat;
        watched->since = monotonic;
    }
    return monotonic - watched->since >= CHY_AUDIT_SILENCE;
}

/** recover_page looks at the first leases; with `at_once` it waits for none to be silent. */
static chy_status recover_page(struct chy_runtime *runtime, struct chy_op *op, bool at_once,
                               bool *out_more)
{
    struct chy_query query;
    struct chy_storage_page page;
    chy_query_init(&query, op, CHY_C_LEASES, CHY_FIELDS(CHY_LEASE_HOLDER, CHY_LEASE_BEAT),
                   CHY_AUDIT_SILENT_MAX);
    chy_query_prefix(&query, CHY_LEASE_NAME, chy_text(CHY_AUDIT_LEASE_PREFIX));
    CHY_TRY(chy_query_run(&query, runtime->storage, &page));
    for (uint64_t i = 0; i < page.rows.count; i++) {
        const struct chy_storage_row *row = chy_page_row(&page, i);
        struct chy_slice node = chy_row_text(row, 0);
        if (chy_slice_equal(node, runtime->node) ||
            (!at_once &&
             !is_silent(runtime->audit, node, chy_row_int(row, 1), chy_monotonic(op)))) {
            continue;
        }
        chy_status status = recover_node(runtime, op, node);
        if (status != CHY_OK && (at_once || status != CHY_CONFLICT)) { // another was quicker
            return status;
        }
    }
    *out_more = page.more != 0;
    return CHY_OK;
}

chy_status chy_audit_recover(struct chy_runtime *runtime, struct chy_op *op)
{
    bool more;
    return recover_page(runtime, op, false, &more);
}

chy_status chy_audit_recover_all(struct chy_runtime *runtime, struct chy_op *op)
{
    bool more = true;
    while (more) { // those of a page have lost their leases
        CHY_TRY(recover_page(runtime, op, true, &more));
    }
    return CHY_OK;
}
