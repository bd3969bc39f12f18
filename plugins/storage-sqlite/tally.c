#include "tally.h"

#include <stdlib.h>

#define COUNTERS_MAX 128U
#define CHECKS_MAX 16U
#define SLOTS 512U /* more than twice the counters: probing ends soon */
#define KEY_MAX 200U
#define FIELDS_MAX 4U

/** The bytes by which a row or a check is known again. */
struct name {
    uint64_t hash;
    uint32_t collection;
    uint32_t len; /**< 0: too long to be kept */
    uint8_t bytes[KEY_MAX];
};

/** A row with counters, as it will be after the group. */
struct counter {
    struct name name;
    int64_t row;
    uint64_t revision; /**< that it will have */
    uint32_t field_count;
    uint32_t fields[FIELDS_MAX];
    int64_t values[FIELDS_MAX];
    bool is_changed;
};

struct check {
    struct name name;
    uint64_t revision;
    uint64_t writes; /**< those to the collection when it was made */
    bool holds;
};

struct tally {
    uint64_t *writes; /**< one per collection: writes that the group has done to it */
    uint64_t counter_count;
    uint64_t check_count;
    uint16_t slots[SLOTS]; /**< number of a counter + 1, by hash */
    struct counter counters[COUNTERS_MAX];
    struct check checks[CHECKS_MAX];
};

/* --- names -------------------------------------------------------------------------------------*/

static void name_bytes(struct name *name, const void *bytes, uint64_t len)
{
    if (name->len == 0 || name->len + len > KEY_MAX) {
        name->len = 0;
        return;
    }
    if (len != 0) {
        memcpy(name->bytes + name->len, bytes, (size_t)len);
    }
    name->len += (uint32_t)len;
}

static void name_value(struct name *name, const struct chy_value *value)
{
    uint64_t len = value->bytes.len;
    name_bytes(name, &value->type, sizeof value->type);
    if (value->type == CHY_VALUE_INT || value->type == CHY_VALUE_BOOL ||
        value->type == CHY_VALUE_TIME) {
        name_bytes(name, &value->number, sizeof value->number);
    } else if (value->type != CHY_VALUE_NULL) {
        name_bytes(name, &len, sizeof len);
        name_bytes(name, value->bytes.ptr, len);
    }
}

static void name_start(struct name *name, const struct chy_storage_write *write)
{
    name->collection = write->collection;
    name->len = 1;
    name->bytes[0] = (uint8_t)write->kind;
    for (uint64_t i = 0; i < write->key.count; i++) {
        name_value(name, chy_storage_at(write->key, i));
    }
}

static void name_end(struct name *name)
{
    uint64_t h = 0xcbf29ce484222325U ^ name->collection;
    for (uint32_t i = 0; i < name->len; i++) {
        h = (h ^ name->bytes[i]) * 0x100000001b3U;
    }
    name->hash = h;
}

static bool is_same(const struct name *a, const struct name *b)
{
    return a->hash == b->hash && a->collection == b->collection && a->len == b->len &&
           memcmp(a->bytes, b->bytes, a->len) == 0;
}

/* --- life --------------------------------------------------------------------------------------*/

struct tally *tally_new(const struct store *store)
{
    struct tally *tally = calloc(1, sizeof *tally);
    if (tally != NULL) {
        tally->writes = calloc(store->table_count + 1, sizeof *tally->writes);
    }
    if (tally != NULL && tally->writes == NULL) {
        free(tally);
        return NULL;
    }
    return tally;
}

void tally_free(struct tally *tally)
{
    if (tally != NULL) {
        free(tally->writes);
        free(tally);
    }
}

static void forget_counters(struct tally *tally)
{
    if (tally->counter_count != 0) {
        memset(tally->slots, 0, sizeof tally->slots);
        tally->counter_count = 0;
    }
}

void tally_clear(struct tally *tally)
{
    forget_counters(tally);
    tally->check_count = 0;
}

/* --- counters ----------------------------------------------------------------------------------*/

/** find_counter gives the counter of that name, or the empty slot where it would be. */
static struct counter *find_counter(struct tally *tally, const struct name *name,
                                    uint16_t **out_slot)
{
    for (uint64_t at = name->hash % SLOTS;; at = (at + 1) % SLOTS) {
        uint16_t number = tally->slots[at];
        *out_slot = &tally->slots[at];
        if (number == 0) {
            return NULL;
        }
        if (is_same(&tally->counters[number - 1].name, name)) {
            return &tally->counters[number - 1];
        }
    }
}

static int64_t *find_value(struct counter *counter, uint32_t field)
{
    for (uint32_t i = 0; i < counter->field_count; i++) {
        if (counter->fields[i] == field) {
            return &counter->values[i];
        }
    }
    return NULL;
}

/** add_value adds within the tally: nothing is written yet. */
static chy_status add_value(struct work *work, struct counter *counter, int64_t *value)
{
    const struct chy_storage_write *write = work->write;
    int64_t sum = 0;
    if (__builtin_add_overflow(*value, write->delta, &sum) ||
        (write->has_maximum != 0 && sum > write->maximum)) {
        return chy_fail(work->job->op, CHY_CONFLICT, 0, "the sum in %s passes its maximum",
                        work->table->name);
    }
    *value = sum;
    counter->revision++;
    counter->is_changed = true;
    work->job->has_written = true; // it has to be undone when the batch fails
    work->result->number = sum;
    work->result->revision = counter->revision;
    return CHY_OK;
}

/** keep_counter takes in what the database says of a counter that is there. */
static int64_t *keep_counter(struct tally *tally, struct work *work, const struct name *name,
                             struct counter *counter, uint16_t *slot)
{
    if (counter == NULL) {
        counter = &tally->counters[tally->counter_count++];
        *slot = (uint16_t)tally->counter_count;
        counter->name = *name;
        counter->row = work->row;
        counter->revision = work->revision;
        counter->field_count = 0;
        counter->is_changed = false;
    }
    uint32_t i = counter->field_count++;
    counter->fields[i] = work->write->add_field;
    counter->values[i] = work->values[0].number; // null's number is 0
    return &counter->values[i];
}

/** is_in_unique: a late update could collide, and nobody would know for whom. */
static bool is_in_unique(const struct table *table, uint32_t field)
{
    for (uint64_t i = 1; i < table->path_count; i++) {
        const struct chy_index *index = table->paths[i].index;
        if ((index->flags & CHY_INDEX_UNIQUE) != 0 && chy_storage_contains(index->fields, field)) {
            return true;
        }
    }
    return false;
}

chy_status tally_add(struct tally *tally, struct work *work, bool *out_taken)
{
    struct name name;
    uint16_t *slot = NULL;
    *out_taken = false;
    name_start(&name, work->write);
    name_end(&name);
    if (work->write->guard != CHY_GUARD_NONE || name.len == 0) {
        return tally_touch(tally, work);
    }
    struct counter *counter = find_counter(tally, &name, &slot);
    int64_t *value = counter == NULL ? NULL : find_value(counter, work->write->add_field);
    if (value == NULL) {
        if (counter == NULL ? tally->counter_count == COUNTERS_MAX
                            : counter->field_count == FIELDS_MAX) {
            return tally_touch(tally, work);
        }
        CHY_TRY(work_look_up(work));
        if (!work->is_there || is_in_unique(work->table, work->write->add_field)) {
            return tally_touch(tally, work); // it makes the row; the next one finds it
        }
        value = keep_counter(tally, work, &name, counter, slot);
        counter = &tally->counters[*slot - 1];
    }
    *out_taken = true;
    tally->writes[work->write->collection]++;
    return add_value(work, counter, value);
}

static chy_status write_counter(struct work *work, struct counter *counter)
{
    struct chy_value sums[FIELDS_MAX];
    const struct chy_value *values[FIELDS_MAX];
    struct chy_write_result ignored = {0};
    struct chy_storage_write write = {.kind = CHY_WRITE_ADD,
                                      .collection = counter->name.collection};
    struct work own;
    own.store = work->store;
    own.connection = work->connection;
    own.job = work->job;
    own.write = &write;
    own.table = &work->store->tables[write.collection];
    own.result = &ignored;
    own.row = counter->row;
    own.revision = counter->revision - 1; // work_set() writes one more
    own.extra_count = 0;
    for (uint32_t i = 0; i < counter->field_count; i++) {
        sums[i] = (struct chy_value){.type = CHY_VALUE_INT, .number = counter->values[i]};
        values[i] = &sums[i];
    }
    counter->is_changed = false;
    return work_set(&own, counter->fields, values, counter->field_count);
}

chy_status tally_write(struct tally *tally, struct work *work)
{
    for (uint64_t i = 0; i < tally->counter_count; i++) {
        if (tally->counters[i].is_changed) {
            CHY_TRY(write_counter(work, &tally->counters[i]));
        }
    }
    forget_counters(tally);
    return CHY_OK;
}

chy_status tally_look(struct tally *tally, struct work *work)
{
    for (uint64_t i = 0; i < tally->counter_count; i++) {
        if (tally->counters[i].name.collection == work->write->collection) {
            return tally_write(tally, work); // rare: no need to spare the others
        }
    }
    return CHY_OK;
}

chy_status tally_touch(struct tally *tally, struct work *work)
{
    tally->writes[work->write->collection]++;
    return tally_look(tally, work);
}

/* --- checks ------------------------------------------------------------------------------------*/

static void name_check(struct name *name, const struct chy_storage_write *write)
{
    name_start(name, write);
    name_bytes(name, &write->guard, sizeof write->guard);
    name_bytes(name, &write->guard_revision, sizeof write->guard_revision);
    if (write->guard == CHY_GUARD_EQUALS) {
        name_bytes(name, &write->guard_field, sizeof write->guard_field);
        name_value(name, &write->guard_value);
    }
    name_end(name);
}

bool tally_check(const struct tally *tally, struct work *work, bool *out_holds)
{
    struct name name;
    name_check(&name, work->write);
    for (uint64_t i = 0; name.len != 0 && i < tally->check_count; i++) {
        const struct check *check = &tally->checks[i];
        if (check->writes == tally->writes[name.collection] && is_same(&check->name, &name)) {
            work->result->revision = check->revision;
            *out_holds = check->holds;
            return true;
        }
    }
    return false;
}

void tally_checked(struct tally *tally, const struct work *work, bool holds)
{
    struct name name;
    name_check(&name, work->write);
    if (name.len == 0) {
        return;
    }
    uint64_t at = tally->check_count < CHECKS_MAX ? tally->check_count++ : name.hash % CHECKS_MAX;
    tally->checks[at] = (struct check){name, work->revision, tally->writes[name.collection], holds};
}
