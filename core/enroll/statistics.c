#include "enroll/statistics.h"

#include "base/time.h"
#include "enroll/certificate_row.h"
#include "resource/collections.h"

#include <stdio.h>

/* --- what a certificate is counted as ----------------------------------------------------------*/

struct chy_counted chy_counted_of_row(const struct chy_storage_row *row)
{
    return (struct chy_counted){
        .project_id = chy_row_uuid(row, CHY_CERT_PROJECT_ID),
        .authority_id = chy_row_uuid(row, CHY_CERT_AUTHORITY_ID),
        .profile_id = chy_row_uuid(row, CHY_CERT_PROFILE_ID),
        .method = chy_row_text(row, CHY_CERT_METHOD),
        .key_algorithm = chy_row_text(row, CHY_CERT_KEY_ALGORITHM),
        .ekus = (uint32_t)chy_row_int(row, CHY_CERT_EXT_KEY_USAGES),
        .not_before = chy_row_time(row, CHY_CERT_NOT_BEFORE),
        .not_after = chy_row_time(row, CHY_CERT_NOT_AFTER),
        .imported = chy_slice_is(chy_row_text(row, CHY_CERT_SOURCE), CHY_SOURCE_IMPORTED),
        .revoked = chy_slice_is(chy_row_text(row, CHY_CERT_STATUS), "revoked"),
        .renewed = !chy_row_is_null(row, CHY_CERT_RENEWED_BY_ID),
        .auto_renewed = !chy_row_is_null(row, CHY_CERT_RENEW_BEFORE),
    };
}

/* --- counters ----------------------------------------------------------------------------------*/

/** Nodes that write at once share no row, mostly; how many rows there are does not grow with the
 *  nodes that ever were. */
#define STRIPES 8U

struct counter {
    const struct chy_uuid *project_id; /**< in the arena */
    const char *dimension;
    struct chy_slice value;
    int64_t day;
};

static const char *stripe_of(struct chy_slice node)
{
    static const char *const names[STRIPES] = {"0", "1", "2", "3", "4", "5", "6", "7"};
    uint32_t hash = 2166136261U; // FNV-1a
    for (uint64_t i = 0; i < node.len; i++) {
        hash = (hash ^ node.ptr[i]) * 16777619U;
    }
    return names[(hash ^ (hash >> 16)) % STRIPES];
}

static bool is_same(const struct chy_value *a, const struct chy_value *b)
{
    return a->number == b->number && a->bytes.len == b->bytes.len &&
           (a->bytes.len == 0 || memcmp(a->bytes.ptr, b->bytes.ptr, (size_t)a->bytes.len) == 0);
}

/** find_add finds the write of the same counter: no batch names a row twice. */
static struct chy_write *find_add(struct chy_batch *batch, const struct chy_value *key,
                                  uint64_t count)
{
    for (struct chy_write *w = batch->first; w != NULL; w = w->next) {
        bool same = w->write.kind == CHY_WRITE_ADD && w->write.collection == CHY_C_STATISTICS;
        for (uint64_t i = 0; same && i < count; i++) {
            same = is_same(&((const struct chy_value *)w->write.key.ptr)[i], &key[i]);
        }
        if (same) {
            return w;
        }
    }
    return NULL;
}

static void add(struct chy_runtime *runtime, struct chy_batch *batch, const struct counter *counter,
                int64_t delta)
{
    struct chy_value key[] = {chy_value_uuid(counter->project_id),
                              chy_value_text(chy_text(counter->dimension)),
                              chy_value_text(counter->value), chy_value_int(counter->day),
                              chy_value_text(chy_text(stripe_of(runtime->node)))};
    uint64_t count = sizeof key / sizeof key[0];
    struct chy_write *same = find_add(batch, key, count);
    if (same != NULL) {
        same->write.delta += delta;
        return;
    }
    (void)chy_batch_add(batch, CHY_C_STATISTICS, chy_view_of(key, count, sizeof key[0]),
                        CHY_STATISTIC_COUNT, delta);
}

static int64_t day_of(int64_t time)
{
    int64_t days = time / CHY_US_PER_DAY;
    return time % CHY_US_PER_DAY < 0 ? days - 1 : days;
}

/** count_whole counts a certificate as what it is: `delta` 1 or -1. */
static chy_status count_whole(struct chy_runtime *runtime, struct chy_batch *batch,
                              const struct chy_counted *counted, int64_t delta)
{
    char text[256];
    char authority[CHY_UUID_TEXT_SIZE] = "";
    struct counter stored = {.project_id = &counted->project_id, .dimension = CHY_COUNT_STORED};
    if (!chy_uuid_is_nil(&counted->authority_id)) {
        chy_uuid_format(&counted->authority_id, authority);
    }
    // The CA first: it has a fixed form, and a method's name may hold anything.
    (void)snprintf(text, sizeof text, "%s/%.*s/%.*s", authority, (int)counted->key_algorithm.len,
                   (const char *)counted->key_algorithm.ptr, (int)counted->method.len,
                   (const char *)counted->method.ptr);
    CHY_TRY(chy_copy(batch->op, chy_text(text), &stored.value));
    add(runtime, batch, &stored, delta);
    return CHY_OK;
}

static chy_status count_end(struct chy_runtime *runtime, struct chy_batch *batch,
                            const struct chy_counted *counted, int64_t delta)
{
    char text[CHY_ALIKE_TEXT_SIZE];
    struct counter ends = {.project_id = &counted->project_id,
                           .dimension = CHY_COUNT_ENDS,
                           .day = day_of(counted->not_after)};
    chy_alike_text(counted, text);
    CHY_TRY(chy_copy(batch->op, chy_text(text), &ends.value));
    add(runtime, batch, &ends, delta);
    return CHY_OK;
}

static void count_event(struct chy_runtime *runtime, struct chy_batch *batch,
                        const struct chy_uuid *project_id, const char *event)
{
    struct counter counter = {.project_id = project_id,
                              .dimension = event,
                              .value = chy_text(""),
                              .day = day_of(chy_now(batch->op))};
    add(runtime, batch, &counter, 1);
}

/** keep makes the counted outlive its caller's frame: writes borrow the project's id. */
static chy_status keep(struct chy_op *op, const struct chy_counted *counted,
                       const struct chy_counted **out_kept)
{
    struct chy_counted *kept = NULL;
    if (counted != NULL) {
        kept = chy_alloc(op, sizeof *kept);
        if (kept == NULL) {
            return chy_fail_memory(op);
        }
        *kept = *counted;
    }
    *out_kept = kept;
    return CHY_OK;
}

static chy_status count_change(struct chy_runtime *runtime, struct chy_batch *batch,
                               const struct chy_counted *before, const struct chy_counted *after)
{
    bool moved = chy_counted_standing(before) != chy_counted_standing(after);
    if (moved) {
        CHY_TRY(count_end(runtime, batch, before, -1));
        CHY_TRY(count_end(runtime, batch, after, 1));
    }
    if (after->revoked && !before->revoked) {
        count_event(runtime, batch, &after->project_id, CHY_COUNT_REVOKED);
    }
    if (after->renewed && !before->renewed) {
        count_event(runtime, batch, &after->project_id, CHY_COUNT_RENEWED);
    }
    return CHY_OK;
}

chy_status chy_statistics_count(struct chy_runtime *runtime, struct chy_batch *batch,
                                const struct chy_counted *before, const struct chy_counted *after)
{
    const struct chy_counted *old;
    const struct chy_counted *new;
    CHY_TRY(keep(batch->op, before, &old));
    CHY_TRY(keep(batch->op, after, &new));
    if (old != NULL && new != NULL) {
        return count_change(runtime, batch, old, new);
    }
    if (old != NULL) {
        CHY_TRY(count_whole(runtime, batch, old, -1));
        return count_end(runtime, batch, old, -1);
    }
    if (new != NULL) {
        count_event(runtime, batch, &new->project_id,
                    new->imported ? CHY_COUNT_IMPORTED : CHY_COUNT_ISSUED);
        CHY_TRY(count_whole(runtime, batch, new, 1));
        return count_end(runtime, batch, new, 1);
    }
    return CHY_OK;
}
