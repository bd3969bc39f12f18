#include "enroll/crl.h"

#include "base/lock.h"
#include "base/time.h"
#include "enroll/crl_build.h"
#include "resource/collections.h"
#include "resource/principal.h"

#include <stdlib.h>

#define BUCKETS 256U
#define SERVED_MAX 4096U

/** Which CRL. */
struct name {
    struct chy_uuid generation_id;
    int64_t shard;
    enum chy_crl_kind kind;
};

/** What this node served last of one. */
struct served {
    struct served *next;
    struct name name;
    int64_t checked_at; /**< monotonic: when storage said that it is current */
    int64_t next_update;
    size_t len;
    uint8_t der[];
};

struct chy_crls {
    struct chy_mutex lock;      /**< guards what was served */
    struct chy_flights flights; /**< one build of a shard at a time on this node */
    struct chy_flights turns;   /**< and one revocation */
    struct served *buckets[BUCKETS];
    uint32_t count;
};

struct chy_crls *chy_crls_new(void)
{
    struct chy_crls *crls = calloc(1, sizeof *crls);
    if (crls != NULL) {
        chy_mutex_init(&crls->lock);
        chy_flights_init(&crls->flights);
        chy_flights_init(&crls->turns);
    }
    return crls;
}

static void forget_all_locked(struct chy_crls *crls)
{
    for (uint32_t i = 0; i < BUCKETS; i++) {
        while (crls->buckets[i] != NULL) {
            struct served *served = crls->buckets[i];
            crls->buckets[i] = served->next;
            free(served);
        }
    }
    crls->count = 0;
}

void chy_crls_free(struct chy_crls *crls)
{
    if (crls == NULL) {
        return;
    }
    forget_all_locked(crls);
    chy_mutex_fini(&crls->lock);
    chy_flights_fini(&crls->flights);
    chy_flights_fini(&crls->turns);
    free(crls);
}

static struct served **find_locked(struct chy_crls *crls, const struct name *name)
{
    uint32_t bucket = name->generation_id.bytes[15] ^ (uint32_t)name->shard;
    struct served **slot = &crls->buckets[bucket % BUCKETS];
    while (*slot != NULL &&
           ((*slot)->name.shard != name->shard || (*slot)->name.kind != name->kind ||
            chy_uuid_compare(&(*slot)->name.generation_id, &name->generation_id) != 0)) {
        slot = &(*slot)->next;
    }
    return slot;
}

/** recall copies what was served, if it was checked within `max_age` µs. */
static chy_status recall(struct chy_runtime *runtime, struct chy_op *op, const struct name *name,
                         int64_t max_age, struct chy_slice *out_der)
{
    struct chy_crls *crls = runtime->crls;
    chy_status status = CHY_NOT_FOUND;
    chy_mutex_lock(&crls->lock);
    const struct served *served = *find_locked(crls, name);
    if (served != NULL && chy_monotonic(op) - served->checked_at <= max_age &&
        chy_now(op) < served->next_update) {
        status = chy_copy(op, chy_slice_of(served->der, served->len), out_der);
    }
    chy_mutex_unlock(&crls->lock);
    return status;
}

/** remember keeps what was read or built by an operation that began at `checked_at`. */
static void remember(struct chy_runtime *runtime, const struct name *name, int64_t checked_at,
                     const struct chy_crl_kept *kept)
{
    struct chy_crls *crls = runtime->crls;
    struct served *made = malloc(sizeof *made + kept->der.len);
    if (made == NULL) {
        return; // it is read from storage next time
    }
    made->name = *name;
    made->checked_at = checked_at;
    made->next_update = kept->next_update;
    made->len = (size_t)kept->der.len;
    memcpy(made->der, kept->der.ptr, made->len);
    chy_mutex_lock(&crls->lock);
    if (crls->count >= SERVED_MAX) {
        forget_all_locked(crls);
    }
    struct served **slot = find_locked(crls, name);
    struct served *old = *slot;
    made->next = old == NULL ? NULL : old->next;
    *slot = made;
    crls->count += old == NULL;
    chy_mutex_unlock(&crls->lock);
    free(old);
}

/* ------------------------------------------------------------------------------------------------
 * Getting
 */

chy_status chy_crl_cached(struct chy_runtime *runtime, struct chy_op *op,
                          const struct chy_uuid *generation_id, int64_t shard,
                          enum chy_crl_kind kind, struct chy_slice *out_der)
{
    struct name name = {*generation_id, shard, kind};
    return recall(runtime, op, &name, CHY_US_PER_SECOND, out_der);
}

/** find_shard: who asks for what there is not must not wait, nor keep others waiting. */
static chy_status find_shard(struct chy_runtime *runtime, struct chy_op *op,
                             const struct name *name)
{
    struct chy_storage_row row;
    chy_status status =
        chy_storage_read(runtime->storage, op, CHY_C_CRL_SHARDS,
                         CHY_KEY(chy_value_uuid(&name->generation_id), chy_value_int(name->shard)),
                         CHY_NO_FIELDS, &row);
    return chy_or_not_found(op, status, "CRL");
}

/** lead brings the CRL up to date, for itself and for who waits. */
static chy_status lead(struct chy_runtime *runtime, struct chy_op *op, const struct name *name,
                       struct chy_slice *out_der)
{
    struct chy_crl_kept kept;
    int64_t began = chy_monotonic(op);
    CHY_TRY(chy_crl_bring(runtime, op, &name->generation_id, name->shard, name->kind, &kept));
    remember(runtime, name, began, &kept);
    *out_der = kept.der;
    return CHY_OK;
}

static chy_status get_singly(struct chy_runtime *runtime, struct chy_op *op,
                             const struct name *name, struct chy_slice *out_der)
{
    struct chy_flights *flights = &runtime->crls->flights;
    struct chy_flight flight;
    // Both kinds of a shard in one flight: they write to one row.
    for (;;) {
        switch (chy_flight_begin(flights, &flight, &name->generation_id, name->shard,
                                 chy_deadline(op))) {
        case CHY_FLIGHT_WAITED: break;
        case CHY_FLIGHT_TIMEOUT:
            return chy_fail_reason(op, CHY_TRY_LATER, CHY_REASON_TIMEOUT,
                                   "the CRL was not built in time");
        case CHY_FLIGHT_LEADS: {
            chy_status status = lead(runtime, op, name, out_der);
            chy_flight_end(flights, &flight);
            return status;
        }
        }
        if (recall(runtime, op, name, CHY_US_PER_SECOND, out_der) == CHY_OK) {
            return CHY_OK;
        }
    }
}

/** excuse serves the last CRL on where none can be built, as long as it may: what memory has, or,
 *  behind a start, what storage has. */
static chy_status excuse(struct chy_runtime *runtime, struct chy_op *op, const struct name *name,
                         struct chy_slice *out_der)
{
    struct chy_error why = {.struct_size = sizeof why};
    struct chy_crl_kept kept;
    int64_t began = chy_monotonic(op);
    op->host->last_error(op, &why);
    if (recall(runtime, op, name, INT64_MAX, out_der) != CHY_OK) {
        CHY_TRY(chy_crl_stored(runtime, op, &name->generation_id, name->shard, name->kind, &kept));
        remember(runtime, name, began, &kept);
        *out_der = kept.der;
    }
    chy_log_warning(op, "crl.stale",
                    "the CRL could not be built, so the last one is served on: %.*s",
                    (int)why.message.len, (const char *)why.message.ptr);
    return CHY_OK;
}

chy_status chy_crl_get(struct chy_runtime *runtime, struct chy_op *op,
                       const struct chy_uuid *generation_id, int64_t shard, enum chy_crl_kind kind,
                       struct chy_slice *out_der)
{
    struct name name = {*generation_id, shard, kind};
    if (recall(runtime, op, &name, CHY_US_PER_SECOND, out_der) == CHY_OK) {
        return CHY_OK;
    }
    chy_status status = find_shard(runtime, op, &name);
    if (status == CHY_OK) {
        status = get_singly(runtime, op, &name, out_der);
    }
    bool is_there = status != CHY_OK && status != CHY_NOT_FOUND;
    return is_there && excuse(runtime, op, &name, out_der) == CHY_OK ? CHY_OK : status;
}

/* ------------------------------------------------------------------------------------------------
 * Revoking
 */

chy_status chy_crl_turn_begin(struct chy_runtime *runtime, struct chy_op *op,
                              const struct chy_uuid *generation_id, int64_t shard,
                              struct chy_flight *turn)
{
    enum chy_flight_turn got = CHY_FLIGHT_WAITED;
    while (got == CHY_FLIGHT_WAITED) {
        got = chy_flight_begin(&runtime->crls->turns, turn, generation_id, shard, chy_deadline(op));
    }
    return got == CHY_FLIGHT_LEADS
               ? CHY_OK
               : chy_fail_reason(op, CHY_TRY_LATER, CHY_REASON_TIMEOUT,
                                 "too many revocations on one CRL at once; ask again");
}

void chy_crl_turn_end(struct chy_runtime *runtime, struct chy_flight *turn)
{
    chy_flight_end(&runtime->crls->turns, turn);
}

/* ------------------------------------------------------------------------------------------------
 * Jobs
 */

enum {
    REVISION,
    GENERATION_ID,
    NUMBER,
    CRL_REVISION,
    THIS_UPDATE,
    NEXT_UPDATE,
    DELTA_REVISION,
    DELTA_THIS_UPDATE,
    DELTA_NEXT_UPDATE
};

/** is_due tells whether a CRL is behind or half of its life over.  A delta that nobody fetched is
 *  not there, and need not be. */
static bool is_due(struct chy_op *op, const struct chy_storage_row *row, enum chy_crl_kind kind)
{
    uint32_t first = kind == CHY_CRL_DELTA ? DELTA_REVISION : CRL_REVISION;
    int64_t made = chy_row_time(row, first + 1);
    int64_t half = made + (chy_row_time(row, first + 2) - made) / 2;
    if (made == 0) {
        return kind == CHY_CRL_COMPLETE;
    }
    return chy_row_int(row, REVISION) != chy_row_int(row, first) || chy_now(op) >= half;
}

static void refresh_one(struct chy_runtime *runtime, struct chy_op *op,
                        const struct chy_storage_row *row, enum chy_crl_kind kind, uint64_t *built)
{
    struct chy_op *child = is_due(op, row, kind) ? op->host->op_child(op) : NULL;
    struct chy_uuid id = chy_row_uuid(row, GENERATION_ID);
    struct chy_error error = {.struct_size = sizeof error};
    struct chy_slice der;
    char text[CHY_UUID_TEXT_SIZE];
    if (child == NULL) {
        return;
    }
    if (chy_crl_get(runtime, child, &id, chy_row_int(row, NUMBER), kind, &der) == CHY_OK) {
        (*built)++;
    } else {
        child->host->last_error(child, &error);
        chy_uuid_format(&id, text);
        chy_log_warning(child, "crl.failed", "the %s CRL of shard %lld of the key %s: %.*s",
                        kind == CHY_CRL_DELTA ? "delta" : "complete",
                        (long long)chy_row_int(row, NUMBER), text, (int)error.message.len,
                        (const char *)error.message.ptr);
    }
    op->host->op_end(child);
}

chy_status chy_crl_refresh(struct chy_runtime *runtime, struct chy_op *op, uint64_t *out_built)
{
    struct chy_query query;
    struct chy_storage_page page;
    *out_built = 0;
    chy_query_init(&query, op, CHY_C_CRL_SHARDS,
                   CHY_FIELDS(CHY_SHARD_REVISION, CHY_SHARD_GENERATION_ID, CHY_SHARD_NUMBER,
                              CHY_SHARD_CRL_REVISION, CHY_SHARD_THIS_UPDATE, CHY_SHARD_NEXT_UPDATE,
                              CHY_SHARD_DELTA_REVISION, CHY_SHARD_DELTA_THIS_UPDATE,
                              CHY_SHARD_DELTA_NEXT_UPDATE),
                   CHY_STORAGE_PAGE_MAX);
    do {
        CHY_TRY(chy_query_run(&query, runtime->storage, &page));
        for (uint64_t i = 0; i < page.rows.count && chy_cancelled(op) == 0; i++) {
            refresh_one(runtime, op, chy_page_row(&page, i), CHY_CRL_COMPLETE, out_built);
            refresh_one(runtime, op, chy_page_row(&page, i), CHY_CRL_DELTA, out_built);
        }
        query.find.cursor = page.cursor;
    } while (page.more != 0 && chy_cancelled(op) == 0);
    return CHY_OK;
}
