#include "enroll/ocsp_answers.h"

#include "base/lock.h"

#include <stdlib.h>

#define BUCKETS 2048U
/** What the young, and the old, take at most: bytes. */
#define HALF_MAX ((size_t)4 << 20)

struct answer {
    struct answer *next;
    struct chy_uuid generation_id;
    uint64_t hash;
    int64_t this_update;
    int64_t next_update;
    int64_t checked_at;
    size_t id_len;
    size_t statuses_len;
    size_t der_len;
    uint8_t bytes[]; /**< CertID, statuses, der */
};

/** Two tables: whoever is asked for in the old one moves to the young; when that is full, the old
 *  goes and the young gets old. */
struct table {
    struct answer *buckets[BUCKETS];
    size_t bytes;
};

struct chy_ocsp_answers {
    struct chy_mutex lock;
    struct table *young;
    struct table *old;
    struct table tables[2];
};

struct chy_ocsp_answers *chy_ocsp_answers_new(void)
{
    struct chy_ocsp_answers *answers = calloc(1, sizeof *answers);
    if (answers != NULL) {
        chy_mutex_init(&answers->lock);
        answers->young = &answers->tables[0];
        answers->old = &answers->tables[1];
    }
    return answers;
}

static void clear(struct table *table)
{
    for (uint32_t i = 0; i < BUCKETS; i++) {
        while (table->buckets[i] != NULL) {
            struct answer *answer = table->buckets[i];
            table->buckets[i] = answer->next;
            free(answer);
        }
    }
    table->bytes = 0;
}

void chy_ocsp_answers_free(struct chy_ocsp_answers *answers)
{
    if (answers != NULL) {
        clear(&answers->tables[0]);
        clear(&answers->tables[1]);
        chy_mutex_fini(&answers->lock);
        free(answers);
    }
}

/** FNV-1a.  Chains that a stranger makes long are as short as the memory: some thousands. */
static uint64_t hash_of(const struct chy_uuid *generation_id, struct chy_slice id)
{
    uint64_t hash = UINT64_C(14695981039346656037);
    for (size_t i = 0; i < sizeof generation_id->bytes; i++) {
        hash = (hash ^ generation_id->bytes[i]) * UINT64_C(1099511628211);
    }
    for (uint64_t i = 0; i < id.len; i++) {
        hash = (hash ^ id.ptr[i]) * UINT64_C(1099511628211);
    }
    return hash;
}

static size_t size_of(const struct answer *answer)
{
    return sizeof *answer + answer->id_len + answer->statuses_len + answer->der_len;
}

static struct answer **slot_in(struct table *table, const struct chy_uuid *generation_id,
                               struct chy_slice id, uint64_t hash)
{
    struct answer **slot = &table->buckets[hash % BUCKETS];
    while (*slot != NULL && ((*slot)->hash != hash ||
                             !chy_slice_equal(chy_slice_of((*slot)->bytes, (*slot)->id_len), id) ||
                             chy_uuid_compare(&(*slot)->generation_id, generation_id) != 0)) {
        slot = &(*slot)->next;
    }
    return slot;
}

static struct answer *take_out(struct table *table, struct answer **slot)
{
    struct answer *answer = *slot;
    if (answer != NULL) {
        *slot = answer->next;
        table->bytes -= size_of(answer);
    }
    return answer;
}

static void put_in_locked(struct chy_ocsp_answers *answers, struct answer *answer)
{
    chy_mutex_assert_held(&answers->lock);
    if (answers->young->bytes + size_of(answer) > HALF_MAX) {
        struct table *old = answers->old;
        clear(old);
        answers->old = answers->young;
        answers->young = old;
    }
    struct answer **bucket = &answers->young->buckets[answer->hash % BUCKETS];
    answer->next = *bucket;
    *bucket = answer;
    answers->young->bytes += size_of(answer);
}

static struct answer *find_locked(struct chy_ocsp_answers *answers,
                                  const struct chy_uuid *generation_id, struct chy_slice id,
                                  uint64_t hash)
{
    struct answer *answer = *slot_in(answers->young, generation_id, id, hash);
    if (answer == NULL) {
        answer = take_out(answers->old, slot_in(answers->old, generation_id, id, hash));
        if (answer != NULL) {
            put_in_locked(answers, answer);
        }
    }
    return answer;
}

chy_status chy_ocsp_answers_find(struct chy_ocsp_answers *answers, struct chy_op *op,
                                 const struct chy_uuid *generation_id, struct chy_slice id,
                                 struct chy_ocsp_kept *out_kept)
{
    chy_status status = CHY_NOT_FOUND;
    uint64_t hash = hash_of(generation_id, id);
    chy_mutex_lock(&answers->lock);
    const struct answer *answer = find_locked(answers, generation_id, id, hash);
    if (answer != NULL) {
        struct chy_slice rest =
            chy_slice_of(answer->bytes + answer->id_len, answer->statuses_len + answer->der_len);
        status = chy_copy(op, rest, &rest);
        *out_kept = (struct chy_ocsp_kept){
            .statuses = chy_slice_of(rest.ptr, answer->statuses_len),
            .der = chy_slice_of(rest.ptr + answer->statuses_len, answer->der_len),
            .this_update = answer->this_update,
            .next_update = answer->next_update,
            .checked_at = answer->checked_at,
        };
    }
    chy_mutex_unlock(&answers->lock);
    return status;
}

void chy_ocsp_answers_keep(struct chy_ocsp_answers *answers, const struct chy_uuid *generation_id,
                           struct chy_slice id, const struct chy_ocsp_kept *kept)
{
    struct answer *made =
        malloc(sizeof *made + (size_t)(id.len + kept->statuses.len + kept->der.len));
    if (made == NULL) {
        return; // it is made again next time
    }
    made->generation_id = *generation_id;
    made->hash = hash_of(generation_id, id);
    made->this_update = kept->this_update;
    made->next_update = kept->next_update;
    made->checked_at = kept->checked_at;
    made->id_len = (size_t)id.len;
    made->statuses_len = (size_t)kept->statuses.len;
    made->der_len = (size_t)kept->der.len;
    memcpy(made->bytes, id.ptr, made->id_len);
    memcpy(made->bytes + made->id_len, kept->statuses.ptr, made->statuses_len);
    memcpy(made->bytes + made->id_len + made->statuses_len, kept->der.ptr, made->der_len);
    chy_mutex_lock(&answers->lock);
    struct answer *spare = find_locked(answers, generation_id, id, made->hash);
    if (spare != NULL && spare->checked_at > made->checked_at) {
        spare = made;
    } else {
        (void)take_out(answers->young, slot_in(answers->young, generation_id, id, made->hash));
        put_in_locked(answers, made);
    }
    chy_mutex_unlock(&answers->lock);
    free(spare);
}

void chy_ocsp_answers_touch(struct chy_ocsp_answers *answers, const struct chy_uuid *generation_id,
                            struct chy_slice id, const struct chy_ocsp_kept *kept,
                            int64_t checked_at)
{
    uint64_t hash = hash_of(generation_id, id);
    chy_mutex_lock(&answers->lock);
    struct answer *answer = find_locked(answers, generation_id, id, hash);
    if (answer != NULL && answer->this_update == kept->this_update &&
        answer->checked_at < checked_at) {
        struct chy_slice statuses =
            chy_slice_of(answer->bytes + answer->id_len, answer->statuses_len);
        // Another thread may have put a newer one in its place.
        answer->checked_at =
            chy_slice_equal(statuses, kept->statuses) ? checked_at : answer->checked_at;
    }
    chy_mutex_unlock(&answers->lock);
}
