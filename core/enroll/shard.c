#include "enroll/shard.h"

#include "base/lock.h"
#include "resource/collections.h"

#include <stdlib.h>

/** Places that a node reserves at once. */
#define RESERVE 64
#define BUCKETS 256U

/** What this node has reserved of one key generation. */
struct reservation {
    struct reservation *next;
    struct chy_uuid generation_id;
    int64_t shard;
    int64_t places;
};

struct chy_shards {
    struct chy_mutex lock; /**< guards the reservations */
    struct reservation *buckets[BUCKETS];
};

struct chy_shards *chy_shards_new(void)
{
    struct chy_shards *shards = calloc(1, sizeof *shards);
    if (shards != NULL) {
        chy_mutex_init(&shards->lock);
    }
    return shards;
}

void chy_shards_free(struct chy_shards *shards)
{
    if (shards == NULL) {
        return;
    }
    for (uint32_t i = 0; i < BUCKETS; i++) {
        while (shards->buckets[i] != NULL) {
            struct reservation *reservation = shards->buckets[i];
            shards->buckets[i] = reservation->next;
            free(reservation);
        }
    }
    chy_mutex_fini(&shards->lock);
    free(shards);
}

static struct reservation *find_locked(struct chy_shards *shards, const struct chy_uuid *id)
{
    struct reservation *reservation = shards->buckets[id->bytes[15] % BUCKETS];
    while (reservation != NULL && chy_uuid_compare(&reservation->generation_id, id) != 0) {
        reservation = reservation->next;
    }
    return reservation;
}

static bool take_reserved(struct chy_shards *shards, const struct chy_uuid *id,
                          int64_t *out_shard)
{
    chy_mutex_lock(&shards->lock);
    struct reservation *reservation = find_locked(shards, id);
    bool taken = reservation != NULL && reservation->places > 0;
    if (taken) {
        reservation->places--;
        *out_shard = reservation->shard;
    }
    chy_mutex_unlock(&shards->lock);
    return taken;
}

// Two threads may both have reserved: the older block's places are lost, which costs nothing.
static chy_status keep_reserved(struct chy_shards *shards, struct chy_op *op,
                                const struct chy_uuid *id, int64_t shard, int64_t places)
{
    struct reservation *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return chy_fail_memory(op);
    }
    chy_mutex_lock(&shards->lock);
    struct reservation *reservation = find_locked(shards, id);
    if (reservation == NULL) {
        reservation = made;
        made = NULL;
        reservation->generation_id = *id;
        uint32_t bucket = id->bytes[15] % BUCKETS;
        reservation->next = shards->buckets[bucket];
        shards->buckets[bucket] = reservation;
    }
    reservation->shard = shard;
    reservation->places = places;
    chy_mutex_unlock(&shards->lock);
    free(made);
    return CHY_OK;
}

static chy_status last_shard(struct chy_runtime *runtime, struct chy_op *op,
                             const struct chy_uuid *generation_id, int64_t *out_number)
{
    struct chy_query query;
    struct chy_storage_page page;
    chy_query_init(&query, op, CHY_C_CRL_SHARDS, CHY_FIELDS(CHY_SHARD_NUMBER), 1);
    chy_query_eq(&query, CHY_SHARD_GENERATION_ID, chy_value_uuid(generation_id));
    chy_query_order(&query, CHY_SHARD_NUMBER, true);
    CHY_TRY(chy_query_run(&query, runtime->storage, &page));
    *out_number = page.rows.count == 0 ? 0 : chy_row_int(chy_page_row(&page, 0), 0);
    return CHY_OK;
}

chy_status chy_shard_open(struct chy_runtime *runtime, struct chy_batch *batch,
                          const struct chy_uuid *generation_id, int64_t number)
{
    struct chy_uuid *id = chy_alloc(batch->op, sizeof *id); // the batch borrows it
    if (id == NULL) {
        return chy_fail_memory(batch->op);
    }
    CHY_TRY(chy_runtime_new_uuid(runtime, batch->op, id));
    struct chy_write *write =
        chy_batch_insert(batch, CHY_C_CRL_SHARDS,
                         CHY_KEY(chy_value_uuid(generation_id), chy_value_int(number)));
    chy_write_set(write, CHY_SHARD_TAKEN, chy_value_int(0));
    chy_write_set(write, CHY_SHARD_REVISION, chy_value_int(0));
    chy_write_set(write, CHY_SHARD_CRL_NUMBER, chy_value_int(0));
    chy_write_set(write, CHY_SHARD_CRL_REVISION, chy_value_int(0));
    chy_write_set(write, CHY_SHARD_ID, chy_value_uuid(id));
    return CHY_OK;
}

static chy_status open_shard(struct chy_runtime *runtime, struct chy_op *op,
                             const struct chy_uuid *generation_id, int64_t number)
{
    struct chy_batch batch;
    chy_batch_init(&batch, op, 0);
    CHY_TRY(chy_shard_open(runtime, &batch, generation_id, number));
    chy_status status = chy_batch_commit(&batch, runtime->storage, NULL);
    return status == CHY_CONFLICT ? CHY_OK : status; // another node opened it
}

/** reserve takes places of a shard; CONFLICT: it has too few left. */
static chy_status reserve(struct chy_runtime *runtime, struct chy_op *op,
                          const struct chy_issuer *issuer, int64_t shard, int64_t places)
{
    struct chy_batch batch;
    chy_batch_init(&batch, op, 0);
    struct chy_value key[] = {chy_value_uuid(&issuer->generation_id), chy_value_int(shard)};
    struct chy_view key_view = chy_view_of(key, 2, sizeof key[0]);
    struct chy_write *add =
        chy_batch_add(&batch, CHY_C_CRL_SHARDS, key_view, CHY_SHARD_TAKEN, places);
    chy_write_maximum(add, issuer->shard_size);
    chy_write_guard_present(add);
    return chy_batch_commit(&batch, runtime->storage, NULL);
}

#define ATTEMPTS 8

chy_status chy_shard_take(struct chy_runtime *runtime, struct chy_op *op,
                          const struct chy_issuer *issuer, int64_t *out_shard)
{
    int64_t places = issuer->shard_size < RESERVE ? issuer->shard_size : RESERVE;
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
        int64_t shard;
        if (take_reserved(runtime->shards, &issuer->generation_id, out_shard)) {
            return CHY_OK;
        }
        CHY_TRY(last_shard(runtime, op, &issuer->generation_id, &shard));
        chy_status status =
            shard == 0 ? CHY_CONFLICT : reserve(runtime, op, issuer, shard, places);
        if (status == CHY_OK) {
            CHY_TRY(keep_reserved(runtime->shards, op, &issuer->generation_id, shard, places));
        } else if (status == CHY_CONFLICT) {
            CHY_TRY(open_shard(runtime, op, &issuer->generation_id, shard + 1));
        } else {
            return status;
        }
    }
    return chy_fail(op, CHY_TRY_LATER, 0, "no place on a CRL could be reserved");
}
