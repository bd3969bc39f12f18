#include "enroll/crl.h"

#include "base/lock.h"
#include "base/time.h"
#include "enroll/sign.h"
#include "resource/collections.h"
#include "x509/crl.h"

#include <stdlib.h>

/** The least time between two builds of one shard: µs. */
#define BUILD_PAUSE (2 * CHY_US_PER_SECOND)
#define BUCKETS 256U
#define SERVED_MAX 4096U

/** What this node served last of one shard. */
struct served {
    struct served *next;
    struct chy_uuid generation_id;
    int64_t shard;
    int64_t checked_at; /**< monotonic: when storage said that it is current */
    int64_t next_update;
    size_t len;
    uint8_t der[];
};

struct chy_crls {
    struct chy_mutex lock;       /**< guards what was served */
    struct chy_mutex build_lock; /**< one build at a time on this node */
    struct served *buckets[BUCKETS];
    uint32_t count;
};

struct chy_crls *chy_crls_new(void)
{
    struct chy_crls *crls = calloc(1, sizeof *crls);
    if (crls != NULL) {
        chy_mutex_init(&crls->lock);
        chy_mutex_init(&crls->build_lock);
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
    chy_mutex_fini(&crls->build_lock);
    free(crls);
}

static uint32_t bucket_of(const struct chy_uuid *id, int64_t shard)
{
    return (id->bytes[15] ^ (uint32_t)shard) % BUCKETS;
}

static struct served **find_locked(struct chy_crls *crls, const struct chy_uuid *id, int64_t shard)
{
    struct served **slot = &crls->buckets[bucket_of(id, shard)];
    while (*slot != NULL &&
           ((*slot)->shard != shard || chy_uuid_compare(&(*slot)->generation_id, id) != 0)) {
        slot = &(*slot)->next;
    }
    return slot;
}

/** recall copies what was served, if it was checked within `max_age` µs. */
static chy_status recall(struct chy_runtime *runtime, struct chy_op *op, const struct chy_uuid *id,
                         int64_t shard, int64_t max_age, struct chy_slice *out_der)
{
    struct chy_crls *crls = runtime->crls;
    chy_status status = CHY_NOT_FOUND;
    chy_mutex_lock(&crls->lock);
    const struct served *served = *find_locked(crls, id, shard);
    if (served != NULL && chy_monotonic(op) - served->checked_at <= max_age &&
        chy_now(op) < served->next_update) {
        status = chy_copy(op, chy_slice_of(served->der, served->len), out_der);
    }
    chy_mutex_unlock(&crls->lock);
    return status;
}

static void remember(struct chy_runtime *runtime, struct chy_op *op, const struct chy_uuid *id,
                     int64_t shard, struct chy_slice der, int64_t next_update)
{
    struct chy_crls *crls = runtime->crls;
    struct served *made = malloc(sizeof *made + der.len);
    if (made == NULL) {
        return; // it is built from storage next time
    }
    made->generation_id = *id;
    made->shard = shard;
    made->checked_at = chy_monotonic(op);
    made->next_update = next_update;
    made->len = (size_t)der.len;
    memcpy(made->der, der.ptr, (size_t)der.len);
    chy_mutex_lock(&crls->lock);
    if (crls->count >= SERVED_MAX) {
        forget_all_locked(crls);
    }
    struct served **slot = find_locked(crls, id, shard);
    struct served *old = *slot;
    made->next = old == NULL ? NULL : old->next;
    *slot = made;
    crls->count += old == NULL;
    chy_mutex_unlock(&crls->lock);
    free(old);
}

/* ------------------------------------------------------------------------------------------------
 * Building
 */

#define SHARD_FIELDS                                                                            \
    CHY_FIELDS(CHY_SHARD_REVISION, CHY_SHARD_CRL_NUMBER, CHY_SHARD_CRL_REVISION, CHY_SHARD_CRL, \
               CHY_SHARD_THIS_UPDATE, CHY_SHARD_NEXT_UPDATE)
enum {
    REVISION,
    NUMBER,
    CRL_REVISION,
    CRL,
    THIS_UPDATE,
    NEXT_UPDATE
};

static chy_status read_shard(struct chy_runtime *runtime, struct chy_op *op,
                             const struct chy_uuid *id, int64_t shard,
                             struct chy_storage_row *out_row)
{
    chy_status status =
        chy_storage_read(runtime->storage, op, CHY_C_CRL_SHARDS,
                         CHY_KEY(chy_value_uuid(id), chy_value_int(shard)), SHARD_FIELDS, out_row);
    return status == CHY_NOT_FOUND ? chy_fail(op, CHY_NOT_FOUND, 0, "CRL not found") : status;
}

static bool is_current(struct chy_op *op, const struct chy_storage_row *row)
{
    if (chy_row_is_null(row, CRL)) {
        return false;
    }
    int64_t now = chy_now(op);
    int64_t made = chy_row_time(row, THIS_UPDATE);
    int64_t half = made + (chy_row_time(row, NEXT_UPDATE) - made) / 2;
    if (chy_row_int(row, CRL_REVISION) != chy_row_int(row, REVISION)) {
        return now - made < BUILD_PAUSE && now >= made; // revoked within the pause: soon
    }
    return now < half && now >= made;
}

static chy_status add_entries(struct chy_runtime *runtime, struct chy_op *op,
                              const struct chy_uuid *id, int64_t shard,
                              struct chy_crl_writer *writer)
{
    struct chy_query query;
    struct chy_storage_page page;
    chy_query_init(&query, op, CHY_C_REVOCATIONS,
                   CHY_FIELDS(CHY_REVOCATION_SERIAL, CHY_REVOCATION_REASON,
                              CHY_REVOCATION_REVOKED_AT, CHY_REVOCATION_LIFTED),
                   CHY_STORAGE_PAGE_MAX);
    chy_query_eq(&query, CHY_REVOCATION_GENERATION_ID, chy_value_uuid(id));
    chy_query_eq(&query, CHY_REVOCATION_SHARD, chy_value_int(shard));
    chy_query_order(&query, CHY_REVOCATION_REVISION, false);
    do {
        CHY_TRY(chy_query_run(&query, runtime->storage, &page));
        for (uint64_t i = 0; i < page.rows.count; i++) {
            const struct chy_storage_row *row = chy_page_row(&page, i);
            uint8_t octets[20];
            uint64_t len;
            if (!chy_serial_parse(chy_row_text(row, 0), octets, &len)) {
                return chy_fail(op, CHY_BROKEN, 0, "a revocation has a malformed serial number");
            }
            if (!chy_row_bool(row, 3)) {
                chy_crl_add(writer, chy_slice_of(octets, len), chy_row_time(row, 2),
                            (uint32_t)chy_row_int(row, 1));
            }
        }
        query.find.cursor = page.cursor;
    } while (page.more != 0);
    return CHY_OK;
}

/** What a build makes. */
struct built {
    struct chy_slice der;
    int64_t number;
    int64_t this_update;
    int64_t next_update;
};

static chy_status build(struct chy_runtime *runtime, struct chy_op *op,
                        const struct chy_issuer *issuer, int64_t shard,
                        const struct chy_storage_row *row, struct built *out_built)
{
    int64_t now = chy_now(op) / CHY_US_PER_SECOND;
    int64_t last = chy_row_int(row, NUMBER);
    struct built built = {.number = last + 1 > now ? last + 1 : now,
                          .this_update = now * CHY_US_PER_SECOND,
                          .next_update = now * CHY_US_PER_SECOND + runtime->pki.crl_lifetime};
    struct chy_slice urls[CHY_MIRRORS_MAX + 1];
    struct chy_crl_values values = {
        .signature_algorithm = chy_signature_default(issuer->key_algorithm),
        .issuer = issuer->path[0].subject,
        .this_update = built.this_update,
        .next_update = built.next_update,
        .number = (uint64_t)built.number,
        .authority_key_id = issuer->path[0].subject_key_id,
        .point_urls = urls,
    };
    struct chy_crl_writer writer;
    struct chy_slice tbs;
    CHY_TRY(chy_issuer_crl_urls(op, issuer, shard, urls, &values.point_url_count));
    CHY_TRY(chy_crl_begin(op, &values, (uint64_t)chy_row_int(row, REVISION), &writer));
    CHY_TRY(add_entries(runtime, op, &issuer->generation_id, shard, &writer));
    CHY_TRY(chy_crl_end(op, &writer, &tbs));
    CHY_TRY(chy_sign_blob(runtime, op, &issuer->key, &issuer->public_key,
                          values.signature_algorithm, tbs, &built.der));
    *out_built = built;
    return CHY_OK;
}

static chy_status store(struct chy_runtime *runtime, struct chy_op *op, const struct chy_uuid *id,
                        int64_t shard, const struct chy_storage_row *row, const struct built *built)
{
    struct chy_batch batch;
    chy_batch_init(&batch, op, 0);
    struct chy_write *write = chy_batch_update(&batch, CHY_C_CRL_SHARDS,
                                               CHY_KEY(chy_value_uuid(id), chy_value_int(shard)));
    // Not the row's revision: places are taken in it all the time.  The number never goes back.
    chy_write_guard_equals(write, CHY_SHARD_CRL_NUMBER, chy_value_int(chy_row_int(row, NUMBER)));
    chy_write_set(write, CHY_SHARD_CRL_NUMBER, chy_value_int(built->number));
    chy_write_set(write, CHY_SHARD_CRL_REVISION, chy_value_int(chy_row_int(row, REVISION)));
    chy_write_set(write, CHY_SHARD_CRL, chy_value_blob(built->der));
    chy_write_set(write, CHY_SHARD_THIS_UPDATE, chy_value_time(built->this_update));
    chy_write_set(write, CHY_SHARD_NEXT_UPDATE, chy_value_time(built->next_update));
    return chy_batch_commit(&batch, runtime->storage, NULL);
}

static chy_status build_and_store(struct chy_runtime *runtime, struct chy_op *op,
                                  const struct chy_uuid *id, int64_t shard,
                                  struct chy_slice *out_der)
{
    const struct chy_issuer *issuer;
    struct chy_storage_row row;
    struct built built;
    CHY_TRY(read_shard(runtime, op, id, shard, &row));
    if (!is_current(op, &row)) {
        CHY_TRY(chy_issuer_of_generation(runtime, op, id, &issuer));
        CHY_TRY(build(runtime, op, issuer, shard, &row, &built));
        chy_status status = store(runtime, op, id, shard, &row, &built);
        if (status == CHY_OK) {
            remember(runtime, op, id, shard, built.der, built.next_update);
            *out_der = built.der;
            return CHY_OK;
        }
        if (status != CHY_CONFLICT) {
            return status;
        }
        CHY_TRY(read_shard(runtime, op, id, shard, &row)); // another node was first: its CRL
    }
    remember(runtime, op, id, shard, chy_row_blob(&row, CRL), chy_row_time(&row, NEXT_UPDATE));
    return chy_copy(op, chy_row_blob(&row, CRL), out_der);
}

chy_status chy_crl_cached(struct chy_runtime *runtime, struct chy_op *op,
                          const struct chy_uuid *generation_id, int64_t shard,
                          struct chy_slice *out_der)
{
    return recall(runtime, op, generation_id, shard, CHY_US_PER_SECOND, out_der);
}

/** find_shard: who asks for what there is not must not wait, nor keep others waiting. */
static chy_status find_shard(struct chy_runtime *runtime, struct chy_op *op,
                             const struct chy_uuid *id, int64_t shard)
{
    struct chy_storage_row row;
    chy_status status =
        chy_storage_read(runtime->storage, op, CHY_C_CRL_SHARDS,
                         CHY_KEY(chy_value_uuid(id), chy_value_int(shard)), CHY_NO_FIELDS, &row);
    return status == CHY_NOT_FOUND ? chy_fail(op, CHY_NOT_FOUND, 0, "CRL not found") : status;
}

static chy_status get_singly(struct chy_runtime *runtime, struct chy_op *op,
                             const struct chy_uuid *id, int64_t shard, struct chy_slice *out_der)
{
    chy_mutex_lock(&runtime->crls->build_lock);
    chy_status status = chy_crl_cached(runtime, op, id, shard, out_der);
    if (status != CHY_OK) {
        status = build_and_store(runtime, op, id, shard, out_der);
    }
    chy_mutex_unlock(&runtime->crls->build_lock);
    return status;
}

chy_status chy_crl_get(struct chy_runtime *runtime, struct chy_op *op,
                       const struct chy_uuid *generation_id, int64_t shard,
                       struct chy_slice *out_der)
{
    if (chy_crl_cached(runtime, op, generation_id, shard, out_der) == CHY_OK) {
        return CHY_OK;
    }
    chy_status status = find_shard(runtime, op, generation_id, shard);
    if (status == CHY_OK) {
        status = get_singly(runtime, op, generation_id, shard, out_der);
    }
    bool is_away = status == CHY_TRY_LATER || status == CHY_UNCERTAIN || status == CHY_BROKEN;
    if (is_away && recall(runtime, op, generation_id, shard, INT64_MAX, out_der) == CHY_OK) {
        chy_log_warning(op, "crl.stale", "storage is away: the last CRL is served on");
        return CHY_OK;
    }
    return status;
}

chy_status chy_crl_refresh(struct chy_runtime *runtime, struct chy_op *op, uint64_t *out_built)
{
    struct chy_query query;
    struct chy_storage_page page;
    *out_built = 0;
    chy_query_init(&query, op, CHY_C_CRL_SHARDS,
                   CHY_FIELDS(CHY_SHARD_REVISION, CHY_SHARD_CRL_NUMBER, CHY_SHARD_CRL_REVISION,
                              CHY_SHARD_GENERATION_ID, CHY_SHARD_THIS_UPDATE, CHY_SHARD_NEXT_UPDATE,
                              CHY_SHARD_NUMBER),
                   CHY_STORAGE_PAGE_MAX);
    do {
        CHY_TRY(chy_query_run(&query, runtime->storage, &page));
        for (uint64_t i = 0; i < page.rows.count && chy_cancelled(op) == 0; i++) {
            const struct chy_storage_row *row = chy_page_row(&page, i);
            struct chy_uuid id = chy_row_uuid(row, 3);
            struct chy_slice der;
            int64_t made = chy_row_time(row, 4);
            bool due = made == 0 || chy_row_int(row, 0) != chy_row_int(row, 2) ||
                       chy_now(op) >= made + (chy_row_time(row, 5) - made) / 2;
            struct chy_op *page_op = due ? op->host->op_child(op) : NULL;
            if (page_op != NULL) {
                if (chy_crl_get(runtime, page_op, &id, chy_row_int(row, 6), &der) == CHY_OK) {
                    (*out_built)++;
                }
                op->host->op_end(page_op);
            }
        }
        query.find.cursor = page.cursor;
    } while (page.more != 0 && chy_cancelled(op) == 0);
    return CHY_OK;
}
