/** Arguments of reads and writes, held against the declared schema. */
#include <chancery/support/storage_check.h>

#include <stdlib.h>

#define NAMED(slice) (int)(slice).len, (const char *)(slice).ptr

/** field_or_null is for a number that the caller gave. */
static const struct chy_field *field_or_null(const struct chy_collection *collection,
                                             uint32_t number)
{
    return chy_view_at(collection->fields, number);
}

static chy_status find_collection(struct chy_op *op, const struct chy_schema *schema,
                                  uint32_t number, const struct chy_collection **out_collection)
{
    const struct chy_collection *collection = chy_view_at(schema->collections, number);
    if (collection == NULL) {
        return chy_fail(op, CHY_BAD_INPUT, 0, "there is no collection %u", number);
    }
    *out_collection = collection;
    return CHY_OK;
}

static chy_status bad_field(struct chy_op *op, const struct chy_collection *collection,
                            uint32_t number, const char *why)
{
    const struct chy_field *field = field_or_null(collection, number);
    if (field == NULL) {
        return chy_fail(op, CHY_BAD_INPUT, 0, "'%.*s' has no field %u", NAMED(collection->name),
                        number);
    }
    return chy_fail(op, CHY_BAD_INPUT, 0, "'%.*s.%.*s' %s", NAMED(collection->name),
                    NAMED(field->name), why);
}

/** bad_value says what is wrong with a value that is not null, or NULL.  It counts its bytes. */
static const char *bad_value(const struct chy_value *value, uint64_t *bytes)
{
    switch ((enum chy_value_type)value->type) {
    case CHY_VALUE_NULL:
    case CHY_VALUE_INT:
    case CHY_VALUE_TIME: return NULL;
    case CHY_VALUE_BOOL:
        return value->number == 0 || value->number == 1 ? NULL : "is a bool that is not 0 or 1";
    case CHY_VALUE_UUID: return value->bytes.len == 16 ? NULL : "is a uuid that has not 16 bytes";
    case CHY_VALUE_BLOB:
        *bytes += value->bytes.len;
        return value->bytes.len <= CHY_STORAGE_BLOB_MAX ? NULL : "is over 1 MiB";
    case CHY_VALUE_TEXT:
    case CHY_VALUE_JSON:
        *bytes += value->bytes.len;
        if (value->bytes.len >
            (value->type == CHY_VALUE_TEXT ? CHY_STORAGE_TEXT_MAX : CHY_STORAGE_BLOB_MAX)) {
            return value->type == CHY_VALUE_TEXT ? "is over 64 KiB" : "is over 1 MiB";
        }
        return chy_storage_text_is_valid(value->bytes) ? NULL : "is not UTF-8 without NUL";
    case CHY_VALUE_MANY:
        for (uint64_t i = 0; i < value->items.count; i++) {
            const struct chy_slice *item = chy_storage_at(value->items, i);
            *bytes += item->len;
            if (item->len > CHY_STORAGE_TEXT_MAX || !chy_storage_text_is_valid(*item)) {
                return "has a text over 64 KiB, or not UTF-8 without NUL";
            }
        }
        return NULL;
    }
    return "has an unknown type";
}

static chy_status check_value(struct chy_op *op, const struct chy_collection *collection,
                              uint32_t number, const struct chy_value *value, bool null_is_fine,
                              uint64_t *bytes)
{
    const struct chy_field *field = field_or_null(collection, number);
    if (field == NULL) {
        return bad_field(op, collection, number, "");
    }
    bool many = chy_storage_is_many(field);
    if (value->type == CHY_VALUE_NULL) {
        return null_is_fine && !many ? CHY_OK : bad_field(op, collection, number, "is null");
    }
    if (value->type != (many ? (uint32_t)CHY_VALUE_MANY : field->type)) {
        return bad_field(op, collection, number, "has a value of another type");
    }
    const char *wrong = bad_value(value, bytes);
    return wrong == NULL ? CHY_OK : bad_field(op, collection, number, wrong);
}

static chy_status check_key(struct chy_op *op, const struct chy_collection *collection,
                            struct chy_view key, uint64_t *bytes)
{
    if (key.count != collection->key.count) {
        return chy_fail(op, CHY_BAD_INPUT, 0, "the key of '%.*s' has %llu fields, not %llu",
                        NAMED(collection->name), (unsigned long long)collection->key.count,
                        (unsigned long long)key.count);
    }
    for (uint64_t i = 0; i < key.count; i++) {
        CHY_TRY(check_value(op, collection, chy_storage_number_at(collection->key, i),
                            chy_storage_at(key, i), false, bytes));
    }
    return CHY_OK;
}

static chy_status check_fields(struct chy_op *op, const struct chy_collection *collection,
                               struct chy_view fields)
{
    for (uint64_t i = 0; i < fields.count; i++) {
        uint32_t number = chy_storage_number_at(fields, i);
        if (field_or_null(collection, number) == NULL) {
            return bad_field(op, collection, number, "");
        }
    }
    return CHY_OK;
}

/* --- reads -------------------------------------------------------------------------------------*/

static chy_status check_text(struct chy_op *op, const struct chy_collection *collection,
                             const struct chy_predicate *predicate, bool many)
{
    const struct chy_field *field = chy_storage_field(collection, predicate->field);
    uint64_t bytes = 0;
    if (field->type != CHY_VALUE_TEXT || chy_storage_is_many(field) != many) {
        return bad_field(op, collection, predicate->field, "is not of the predicate's kind");
    }
    if (predicate->low.type != CHY_VALUE_TEXT || bad_value(&predicate->low, &bytes) != NULL) {
        return bad_field(op, collection, predicate->field, "is compared with what is no text");
    }
    return CHY_OK;
}

static chy_status check_predicate(struct chy_op *op, const struct chy_collection *collection,
                                  const struct chy_predicate *predicate)
{
    const struct chy_field *field = field_or_null(collection, predicate->field);
    uint64_t bytes = 0;
    if (field == NULL) {
        return bad_field(op, collection, predicate->field, "");
    }
    bool compared = predicate->kind <= CHY_WHERE_RANGE;
    if (compared && (field->type == CHY_VALUE_JSON || chy_storage_is_many(field))) {
        return bad_field(op, collection, predicate->field, "cannot be compared");
    }
    switch ((enum chy_predicate_kind)predicate->kind) {
    case CHY_WHERE_EQ:
        return check_value(op, collection, predicate->field, &predicate->low, true, &bytes);
    case CHY_WHERE_RANGE:
        CHY_TRY(check_value(op, collection, predicate->field, &predicate->low, true, &bytes));
        return check_value(op, collection, predicate->field, &predicate->high, true, &bytes);
    case CHY_WHERE_IN:
        if (predicate->values.count > CHY_STORAGE_IN_MAX) {
            return bad_field(op, collection, predicate->field, "is compared with too many values");
        }
        for (uint64_t i = 0; i < predicate->values.count; i++) {
            CHY_TRY(check_value(op, collection, predicate->field,
                                chy_storage_at(predicate->values, i), true, &bytes));
        }
        return CHY_OK;
    case CHY_WHERE_PREFIX: return check_text(op, collection, predicate, false);
    case CHY_WHERE_HAS:
    case CHY_WHERE_HAS_PREFIX: return check_text(op, collection, predicate, true);
    case CHY_WHERE_NULL:
    case CHY_WHERE_NOT_NULL:
        return chy_storage_is_many(field)
                   ? bad_field(op, collection, predicate->field, "is a set and never null")
                   : CHY_OK;
    }
    return bad_field(op, collection, predicate->field, "has an unknown predicate");
}

static chy_status check_where(struct chy_op *op, const struct chy_collection *collection,
                              struct chy_view where)
{
    if (where.count > CHY_STORAGE_FIELDS_MAX) {
        return chy_fail(op, CHY_BAD_INPUT, 0, "too many predicates");
    }
    for (uint64_t i = 0; i < where.count; i++) {
        CHY_TRY(check_predicate(op, collection, chy_storage_at(where, i)));
    }
    return CHY_OK;
}

chy_status chy_storage_check_get(struct chy_op *op, const struct chy_schema *schema,
                                 const struct chy_storage_get *get)
{
    const struct chy_collection *collection = NULL;
    uint64_t bytes = 0;
    CHY_TRY(find_collection(op, schema, get->collection, &collection));
    CHY_TRY(check_key(op, collection, get->key, &bytes));
    return check_fields(op, collection, get->fields);
}

chy_status chy_storage_check_find(struct chy_op *op, const struct chy_schema *schema,
                                  const struct chy_storage_find *find)
{
    const struct chy_collection *collection = NULL;
    CHY_TRY(find_collection(op, schema, find->collection, &collection));
    if (find->limit == 0 || find->limit > CHY_STORAGE_PAGE_MAX || find->scan_limit < find->limit ||
        find->skip > CHY_STORAGE_SKIP_MAX || (find->cursor.len != 0 && find->skip != 0)) {
        return chy_fail(op, CHY_BAD_INPUT, 0, "limit, scan_limit or skip is out of range");
    }
    if (find->order.count > CHY_STORAGE_ORDER_MAX) {
        return chy_fail(op, CHY_BAD_INPUT, 0, "too many sort steps");
    }
    for (uint64_t i = 0; i < find->order.count; i++) {
        const struct chy_order *order = chy_storage_at(find->order, i);
        const struct chy_field *field = field_or_null(collection, order->field);
        if (field == NULL || field->type == CHY_VALUE_JSON || chy_storage_is_many(field)) {
            return bad_field(op, collection, order->field, "has no order");
        }
    }
    CHY_TRY(check_where(op, collection, find->where));
    return check_fields(op, collection, find->fields);
}

chy_status chy_storage_check_deadline(struct chy_op *op)
{
    if (chy_deadline(op) != CHY_NO_DEADLINE && chy_monotonic(op) >= chy_deadline(op)) {
        return chy_fail_reason(op, CHY_TRY_LATER, CHY_REASON_TIMEOUT, "the deadline has passed");
    }
    if (chy_cancelled(op) != 0) {
        return chy_fail(op, CHY_TRY_LATER, 0, "nobody waits for the result any more");
    }
    return CHY_OK;
}

/* --- writes ------------------------------------------------------------------------------------*/

/** check_complete: a write that may make a row gives every field that cannot be null. */
static chy_status check_complete(struct chy_op *op, const struct chy_collection *collection,
                                 const struct chy_storage_write *write)
{
    uint8_t given[CHY_STORAGE_FIELDS_MAX] = {0};
    bool wants_row = write->guard != CHY_GUARD_NONE && write->guard != CHY_GUARD_ABSENT;
    if (write->kind != CHY_WRITE_INSERT && wants_row) {
        return CHY_OK; // the guard wants the row to be there: none is made
    }
    for (uint64_t i = 0; i < write->fields.count; i++) {
        given[((const struct chy_assignment *)chy_storage_at(write->fields, i))->field] = 1;
    }
    if (write->kind == CHY_WRITE_ADD) {
        given[write->add_field] = 1;
    }
    for (uint32_t n = 0; n < collection->fields.count; n++) {
        const struct chy_field *field = chy_storage_field(collection, n);
        if (given[n] == 0 && (field->flags & (CHY_FIELD_NULLABLE | CHY_FIELD_MANY)) == 0 &&
            !chy_storage_contains(collection->key, n)) {
            return bad_field(op, collection, n, "is not given and cannot be null");
        }
    }
    return CHY_OK;
}

static chy_status check_assignments(struct chy_op *op, const struct chy_collection *collection,
                                    const struct chy_storage_write *write, uint64_t *bytes)
{
    uint8_t given[CHY_STORAGE_FIELDS_MAX] = {0};
    for (uint64_t i = 0; i < write->fields.count; i++) {
        const struct chy_assignment *a = chy_storage_at(write->fields, i);
        const struct chy_field *field = field_or_null(collection, a->field);
        if (field == NULL || given[a->field] != 0 ||
            chy_storage_contains(collection->key, a->field)) {
            return bad_field(op, collection, a->field, "is given twice, or is part of the key");
        }
        given[a->field] = 1;
        CHY_TRY(check_value(op, collection, a->field, &a->value,
                            (field->flags & CHY_FIELD_NULLABLE) != 0, bytes));
    }
    return CHY_OK;
}

static chy_status check_guard(struct chy_op *op, const struct chy_collection *collection,
                              const struct chy_storage_write *write, uint64_t *bytes)
{
    if (write->guard > CHY_GUARD_EQUALS) {
        return chy_fail(op, CHY_BAD_INPUT, 0, "unknown guard %u", write->guard);
    }
    if (write->guard != CHY_GUARD_EQUALS) {
        return CHY_OK;
    }
    const struct chy_field *field = field_or_null(collection, write->guard_field);
    if (field != NULL && chy_storage_is_many(field)) {
        return bad_field(op, collection, write->guard_field, "is a set and guards nothing");
    }
    return check_value(op, collection, write->guard_field, &write->guard_value, true, bytes);
}

static chy_status check_add(struct chy_op *op, const struct chy_collection *collection,
                            const struct chy_storage_write *write)
{
    const struct chy_field *field = field_or_null(collection, write->add_field);
    if (field == NULL || field->type != CHY_VALUE_INT ||
        chy_storage_contains(collection->key, write->add_field)) {
        return bad_field(op, collection, write->add_field, "is no int outside the key");
    }
    for (uint64_t i = 0; i < write->fields.count; i++) {
        if (((const struct chy_assignment *)chy_storage_at(write->fields, i))->field ==
            write->add_field) {
            return bad_field(op, collection, write->add_field, "is added to and set");
        }
    }
    return check_complete(op, collection, write);
}

static chy_status check_write(struct chy_op *op, const struct chy_schema *schema,
                              const struct chy_storage_write *write, uint64_t *bytes)
{
    const struct chy_collection *collection = NULL;
    CHY_TRY(find_collection(op, schema, write->collection, &collection));
    if (write->kind == CHY_WRITE_DELETE_RANGE) {
        if (write->limit == 0 || write->limit > CHY_STORAGE_DELETE_RANGE_MAX ||
            write->guard != CHY_GUARD_NONE || write->key.count != 0) {
            return chy_fail(op, CHY_BAD_INPUT, 0,
                            "a delete_range has a limit of 1 to %u, and "
                            "neither key nor guard",
                            CHY_STORAGE_DELETE_RANGE_MAX);
        }
        return check_where(op, collection, write->where);
    }
    CHY_TRY(check_key(op, collection, write->key, bytes));
    CHY_TRY(check_guard(op, collection, write, bytes));
    switch ((enum chy_write_kind)write->kind) {
    case CHY_WRITE_INSERT:
    case CHY_WRITE_UPSERT:
        CHY_TRY(check_assignments(op, collection, write, bytes));
        return check_complete(op, collection, write);
    case CHY_WRITE_UPDATE: return check_assignments(op, collection, write, bytes);
    case CHY_WRITE_ADD:
        CHY_TRY(check_assignments(op, collection, write, bytes));
        return check_add(op, collection, write);
    case CHY_WRITE_DELETE:
    case CHY_WRITE_CHECK:
    case CHY_WRITE_DELETE_RANGE: return CHY_OK;
    }
    return chy_fail(op, CHY_BAD_INPUT, 0, "unknown write %u", write->kind);
}

static const struct chy_storage_write *write_at(struct chy_view writes, uint32_t number)
{
    return chy_storage_at(writes, number);
}

/** compare_rows orders writes by the row that they name; a delete_range stands before all rows. */
static int compare_rows(const struct chy_storage_write *a, const struct chy_storage_write *b)
{
    if (a->collection != b->collection) {
        return a->collection < b->collection ? -1 : 1;
    }
    for (uint64_t i = 0; i < a->key.count && i < b->key.count; i++) {
        int order = chy_storage_value_compare(chy_storage_at(a->key, i), chy_storage_at(b->key, i));
        if (order != 0) {
            return order;
        }
    }
    return (a->key.count > b->key.count) - (a->key.count < b->key.count);
}

static int compare_writes(const void *a, const void *b, void *context)
{
    const struct chy_view *writes = context;
    const struct chy_storage_write *first = write_at(*writes, *(const uint32_t *)a);
    const struct chy_storage_write *second = write_at(*writes, *(const uint32_t *)b);
    int adds = (first->kind == CHY_WRITE_ADD) - (second->kind == CHY_WRITE_ADD);
    if (adds != 0) {
        return adds;
    }
    int order = compare_rows(first, second);
    // Only delete_ranges are equal in a batch that is right; they keep the batch's order.
    return order != 0 ? order : (*(const uint32_t *)a < *(const uint32_t *)b ? -1 : 1);
}

static bool is_same_row(const struct chy_storage_write *a, const struct chy_storage_write *b)
{
    return a->key.count != 0 && compare_rows(a, b) == 0;
}

/** check_rows_once walks the two sorted halves, the ADDs and the others, side by side. */
static chy_status check_rows_once(struct chy_op *op, struct chy_view writes,
                                  const uint32_t *sequence)
{
    uint64_t adds = 0;
    while (adds < writes.count && write_at(writes, sequence[adds])->kind != CHY_WRITE_ADD) {
        adds++;
    }
    uint64_t other = 0;
    for (uint64_t i = 0; i < writes.count; i++) {
        const struct chy_storage_write *write = write_at(writes, sequence[i]);
        bool twice = i != 0 && i != adds && is_same_row(write_at(writes, sequence[i - 1]), write);
        if (i >= adds) {
            while (other < adds && compare_rows(write_at(writes, sequence[other]), write) < 0) {
                other++;
            }
            twice = twice ||
                    (other < adds && write_at(writes, sequence[other])->kind != CHY_WRITE_CHECK &&
                     is_same_row(write_at(writes, sequence[other]), write));
        }
        if (twice) {
            return chy_fail(op, CHY_BAD_INPUT, 0, "write %u names a row for the second time",
                            sequence[i]);
        }
    }
    return CHY_OK;
}

chy_status chy_storage_check_batch(struct chy_op *op, const struct chy_schema *schema,
                                   const struct chy_storage_batch *batch, uint32_t **out_sequence)
{
    if (batch->writes.count > CHY_STORAGE_BATCH_OPERATIONS) {
        return chy_fail(op, CHY_BAD_INPUT, 0, "a batch has at most %u writes",
                        CHY_STORAGE_BATCH_OPERATIONS);
    }
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < batch->writes.count; i++) {
        CHY_TRY(check_write(op, schema, write_at(batch->writes, i), &bytes));
    }
    if (bytes > CHY_STORAGE_BATCH_BYTES) {
        return chy_fail(op, CHY_BAD_INPUT, 0, "a batch has at most 2 MiB");
    }
    uint32_t *sequence = chy_alloc(op, (batch->writes.count + 1) * sizeof *sequence);
    if (sequence == NULL) {
        return chy_fail_memory(op);
    }
    for (uint32_t i = 0; i < batch->writes.count; i++) {
        sequence[i] = i;
    }
    struct chy_view writes = batch->writes;
    qsort_r(sequence, (size_t)writes.count, sizeof *sequence, compare_writes, &writes);
    CHY_TRY(check_rows_once(op, batch->writes, sequence));
    *out_sequence = sequence;
    return CHY_OK;
}
