#include "enroll/shard.h"

#include "base/lock.h"
#include "resource/collections.h"

#include <stdlib.h>

/** Places that a node reserves at once, at most, and as a part of a shard. */
#define RESERVE_MAX 256
#define RESERVE_PART 16
#define BUCKETS 256U

/** What this node has reserved of one key generation. */
struct reservation {
    struct reservation *next;
    struct chy_uuid generation_id;
    int64_t shard;
    int64_t places;
    int64_t low;       /**< with so few places left the next are reserved */
    bool is_reserving; /**< a thread is at it; the others go on, or wait for what it brings */
};

struct chy_shards {
    struct chy_mutex lock; /**< guards the reservations */
    struct chy_cond changed;
    struct reservation *buckets[BUCKETS];
};

struct chy_shards *chy_shards_new(void)
{
    struct chy_shards *shards = calloc(1, sizeof *shards);
    if (shards != NULL) {
        chy_mutex_init(&shards->lock);
        chy_cond_init(&shards->changed);
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
    chy_cond_fini(&shards->changed);
    chy_mutex_fini(&shards->lock);
    free(shards);
}

/** find_locked finds or makes the reservation of a generation; they are few and stay.  NULL: out of
 *  memory. */
static struct reservation *find_locked(struct chy_shards *shards, const struct chy_uuid *id)
{
    struct reservation **bucket = &shards->buckets[id->bytes[15] % BUCKETS];
    for (struct reservation *r = *bucket; r != NULL; r = r->next) {
        if (chy_uuid_compare(&r->generation_id, id) == 0) {
            return r;
        }
    }
    struct reservation *made = calloc(1, sizeof *made);
    if (made != NULL) {
        made->generation_id = *id;
        made->next = *bucket;
        *bucket = made;
    }
    return made;
}

/** What a thread that asked for a place has to do. */
enum turn {
    TURN_PLACED,  /**< nothing: it has one */
    TURN_RESERVE, /**< reserve more, for itself and others */
    TURN_TIMEOUT  /**< give up: who reserves takes too long */
};

/** take_locked takes a place, or says who gets some: with none left all but one thread wait. */
static enum turn take_locked(struct chy_shards *shards, struct reservation *reservation,
                             struct chy_cpu *cpu, int64_t deadline, int64_t *out_shard)
{
    bool in_time = true;
    while (reservation->places == 0 && reservation->is_reserving && in_time) {
        chy_cpu_drop(cpu);
        in_time = chy_cond_wait_until(&shards->changed, &shards->lock, deadline);
    }
    // Early enough for the others to go on with what is left while one of them reserves.
    if (reservation->places <= reservation->low && !reservation->is_reserving) {
        reservation->is_reserving = true;
        return TURN_RESERVE;
    }
    if (reservation->places == 0) {
        return TURN_TIMEOUT;
    }
    reservation->places--;
    *out_shard = reservation->shard;
    return TURN_PLACED;
}

/**
 * keep_locked takes in new places, of which the first goes to who reserved them; none: it failed.
 */
static void keep_locked(struct chy_shards *shards, struct reservation *reservation, int64_t shard,
                        int64_t places)
{
    reservation->is_reserving = false;
    if (places > 0) {
        // What is left of a shard that is full is lost, which costs nothing.
        reservation->places = shard == reservation->shard ? reservation->places : 0;
        reservation->shard = shard;
        reservation->places += places - 1;
        reservation->low = places / 4;
    }
    chy_cond_broadcast(&shards->changed);
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
    struct chy_write *write = chy_batch_insert(
        batch, CHY_C_CRL_SHARDS, CHY_KEY(chy_value_uuid(generation_id), chy_value_int(number)));
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
    // It fails once in a shard's life, and else goes along with the certificates' own writes.
    chy_batch_init(&batch, op, CHY_BATCH_JOINABLE);
    struct chy_value key[] = {chy_value_uuid(&issuer->generation_id), chy_value_int(shard)};
    struct chy_view key_view = chy_view_of(key, 2, sizeof key[0]);
    struct chy_write *add =
        chy_batch_add(&batch, CHY_C_CRL_SHARDS, key_view, CHY_SHARD_TAKEN, places);
    chy_write_maximum(add, issuer->shard_size);
    chy_write_guard_present(add);
    return chy_batch_commit(&batch, runtime->storage, NULL);
}

#define ATTEMPTS 8

/** reserve_next reserves in the last shard, or opens the next when that is full. */
static chy_status reserve_next(struct chy_runtime *runtime, struct chy_op *op,
                               const struct chy_issuer *issuer, int64_t places, int64_t *out_shard)
{
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
        int64_t shard;
        CHY_TRY(last_shard(runtime, op, &issuer->generation_id, &shard));
        chy_status status = shard == 0 ? CHY_CONFLICT : reserve(runtime, op, issuer, shard, places);
        if (status == CHY_OK) {
            *out_shard = shard;
        }
        if (status != CHY_CONFLICT) {
            return status;
        }
        CHY_TRY(open_shard(runtime, op, &issuer->generation_id, shard + 1));
    }
    return chy_fail(op, CHY_TRY_LATER, 0, "no place on a CRL could be reserved");
}

static int64_t block_of(const struct chy_issuer *issuer)
{
    int64_t places = issuer->shard_size / RESERVE_PART;
    if (places < 1) {
        return 1;
    }
    return places < RESERVE_MAX ? places : RESERVE_MAX;
}

chy_status chy_shard_take(struct chy_runtime *runtime, struct chy_op *op,
                          const struct chy_issuer *issuer, struct chy_cpu *cpu, int64_t *out_shard)
{
    struct chy_shards *shards = runtime->shards;
    chy_mutex_lock(&shards->lock);
    struct reservation *reservation = find_locked(shards, &issuer->generation_id);
    enum turn turn = reservation == NULL
                         ? TURN_TIMEOUT
                         : take_locked(shards, reservation, cpu, chy_deadline(op), out_shard);
    chy_mutex_unlock(&shards->lock);
    if (reservation == NULL) {
        return chy_fail_memory(op);
    }
    if (turn == TURN_PLACED) {
        return CHY_OK;
    }
    if (turn == TURN_TIMEOUT) {
        return chy_fail_reason(op, CHY_TRY_LATER, CHY_REASON_TIMEOUT,
                               "no place on a CRL was reserved in time");
    }
    chy_cpu_drop(cpu);
    int64_t places = block_of(issuer);
    int64_t shard = 0;
    chy_status status = reserve_next(runtime, op, issuer, places, &shard);
    chy_mutex_lock(&shards->lock);
    keep_locked(shards, reservation, shard, status == CHY_OK ? places : 0);
    chy_mutex_unlock(&shards->lock);
    CHY_TRY(status);
    *out_shard = shard;
    return CHY_OK;
}
