#include "plugin/storage_state.h"

#include "base/slice.h"
#include "plugin/schema.h"
#include "plugin/view.h"

/** What is checked: the call, the collection it names, and what its values take. */
struct subject {
    const struct chy_storage *storage;
    struct chy_op *op;
    const char *call;
    const struct chy_collection *collection;
    uint64_t bytes;
};

/** A call that does not fit the schema is a bug of the caller. */
static chy_status fail_shape(const struct subject *s, const char *what, uint64_t number)
{
    return chy_fail(s->op, CHY_BROKEN, 0, "%s: %s of %.*s: %s (%llu)", s->storage->what, s->call,
                    s->collection == NULL ? 0 : (int)s->collection->name.len,
                    s->collection == NULL ? "" : (const char *)s->collection->name.ptr, what,
                    (unsigned long long)number);
}

static chy_status find_collection(struct subject *s, uint32_t number)
{
    s->collection = chy_schema_collection(s->storage->schema, number);
    return s->collection == NULL ? fail_shape(s, "no such collection", number) : CHY_OK;
}

static const struct chy_field *field_at(const struct subject *s, uint32_t number)
{
    return (const struct chy_field *)chy_view_at(s->collection->fields, number);
}

static chy_status fail_value(const struct subject *s, const struct chy_field *field,
                             const char *what)
{
    return chy_fail(s->op, CHY_BAD_INPUT, 0, "%s: %.*s.%.*s: %s", s->storage->what,
                    (int)s->collection->name.len, (const char *)s->collection->name.ptr,
                    (int)field->name.len, (const char *)field->name.ptr, what);
}

static chy_status check_text(const struct subject *s, const struct chy_field *field,
                             struct chy_slice text)
{
    if (text.len > CHY_STORAGE_TEXT_MAX) {
        return fail_value(s, field, "the text is longer than 64 KiB");
    }
    if (text.len != 0 && memchr(text.ptr, 0, (size_t)text.len) != NULL) {
        return fail_value(s, field, "the text has a NUL in it");
    }
    if (!chy_utf8_is_valid(text)) {
        return fail_value(s, field, "the text is not valid UTF-8");
    }
    return CHY_OK;
}

static chy_status check_many(struct subject *s, const struct chy_field *field,
                             const struct chy_value *value)
{
    if (value->type != CHY_VALUE_MANY ||
        (value->items.count != 0 && value->items.stride < sizeof(struct chy_slice))) {
        return fail_shape(s, "a many-field was given another value, of type", value->type);
    }
    for (uint64_t i = 0; i < value->items.count; i++) {
        const struct chy_slice *text = chy_view_item(value->items, i);
        CHY_TRY(check_text(s, field, *text));
        s->bytes += text->len;
    }
    return CHY_OK;
}

/** Checks one value of a field; `what` may be compared only if it is no many-field. */
static chy_status check_value(struct subject *s, uint32_t number, const struct chy_value *value,
                              bool may_be_null)
{
    const struct chy_field *field = field_at(s, number);
    if (field == NULL) {
        return fail_shape(s, "no such field", number);
    }
    if ((field->flags & CHY_FIELD_MANY) != 0) {
        return check_many(s, field, value);
    }
    if (value->type == CHY_VALUE_NULL) {
        return may_be_null ? CHY_OK : fail_shape(s, "null given for the field", number);
    }
    if (value->type != field->type) {
        return fail_shape(s, "a value of another type was given for the field", number);
    }
    s->bytes += value->bytes.len;
    switch ((enum chy_value_type)value->type) {
    case CHY_VALUE_TEXT: return check_text(s, field, value->bytes);
    case CHY_VALUE_BLOB:
    case CHY_VALUE_JSON:
        return value->bytes.len > CHY_STORAGE_BLOB_MAX
                   ? fail_value(s, field, "the value is longer than 1 MiB")
                   : CHY_OK;
    case CHY_VALUE_UUID:
        return value->bytes.len != 16 ? fail_shape(s, "a uuid has another length", value->bytes.len)
                                      : CHY_OK;
    case CHY_VALUE_BOOL:
        return value->number != 0 && value->number != 1
                   ? fail_shape(s, "a bool is neither 0 nor 1, in field", number)
                   : CHY_OK;
    case CHY_VALUE_INT:
    case CHY_VALUE_TIME: return CHY_OK;
    case CHY_VALUE_NULL:
    case CHY_VALUE_MANY: break;
    }
    return fail_shape(s, "unknown type of the field", number);
}

static bool is_nullable(const struct subject *s, uint32_t number)
{
    const struct chy_field *field = field_at(s, number);
    return field != NULL && (field->flags & CHY_FIELD_NULLABLE) != 0;
}

static chy_status check_key(struct subject *s, struct chy_view key)
{
    if (key.count != s->collection->key.count || key.stride < sizeof(struct chy_value)) {
        return fail_shape(s, "the key has another number of values", key.count);
    }
    for (uint64_t i = 0; i < key.count; i++) {
        const uint32_t *number = chy_view_item(s->collection->key, i);
        const struct chy_value *value = chy_view_item(key, i);
        CHY_TRY(check_value(s, *number, value, false));
    }
    return CHY_OK;
}

static chy_status check_fields(const struct subject *s, struct chy_view fields)
{
    if (fields.count > s->collection->fields.count ||
        (fields.count != 0 && fields.stride < sizeof(uint32_t))) {
        return fail_shape(s, "more fields than there are", fields.count);
    }
    for (uint64_t i = 0; i < fields.count; i++) {
        const uint32_t *number = chy_view_item(fields, i);
        if (field_at(s, *number) == NULL) {
            return fail_shape(s, "no such field", *number);
        }
    }
    return CHY_OK;
}

chy_status chy_storage_check_get(const struct chy_storage *storage, struct chy_op *op,
                                 const struct chy_storage_get *get)
{
    struct subject s = {storage, op, "get", NULL, 0};
    CHY_TRY(find_collection(&s, get->collection));
    CHY_TRY(check_key(&s, get->key));
    return check_fields(&s, get->fields);
}

static chy_status check_in(struct subject *s, const struct chy_predicate *predicate)
{
    if (predicate->values.count > CHY_STORAGE_IN_MAX ||
        (predicate->values.count != 0 && predicate->values.stride < sizeof(struct chy_value))) {
        return fail_shape(s, "a list of values is longer than 256", predicate->values.count);
    }
    for (uint64_t i = 0; i < predicate->values.count; i++) {
        CHY_TRY(check_value(s, predicate->field, chy_view_item(predicate->values, i), false));
    }
    return CHY_OK;
}

static chy_status check_prefix(struct subject *s, const struct chy_predicate *predicate,
                               const struct chy_field *field, bool many)
{
    bool is_many = (field->flags & CHY_FIELD_MANY) != 0;
    if (field->type != CHY_VALUE_TEXT || is_many != many || predicate->low.type != CHY_VALUE_TEXT) {
        return fail_shape(s, "this condition does not fit the field", predicate->field);
    }
    s->bytes += predicate->low.bytes.len;
    return check_text(s, field, predicate->low.bytes);
}

static chy_status check_predicate(struct subject *s, const struct chy_predicate *predicate)
{
    const struct chy_field *field = field_at(s, predicate->field);
    if (field == NULL) {
        return fail_shape(s, "no such field", predicate->field);
    }
    bool is_many = (field->flags & CHY_FIELD_MANY) != 0;
    if (predicate->kind == CHY_WHERE_HAS || predicate->kind == CHY_WHERE_HAS_PREFIX) {
        return check_prefix(s, predicate, field, true);
    }
    if (is_many || field->type == CHY_VALUE_JSON) {
        return fail_shape(s, "this condition does not fit the field", predicate->field);
    }
    switch ((enum chy_predicate_kind)predicate->kind) {
    case CHY_WHERE_EQ: return check_value(s, predicate->field, &predicate->low, true);
    case CHY_WHERE_IN: return check_in(s, predicate);
    case CHY_WHERE_RANGE:
        CHY_TRY(check_value(s, predicate->field, &predicate->low, true));
        return check_value(s, predicate->field, &predicate->high, true);
    case CHY_WHERE_PREFIX: return check_prefix(s, predicate, field, false);
    case CHY_WHERE_NULL:
    case CHY_WHERE_NOT_NULL: return CHY_OK;
    case CHY_WHERE_HAS:
    case CHY_WHERE_HAS_PREFIX: break;
    }
    return fail_shape(s, "unknown kind of condition", predicate->kind);
}

static chy_status check_where(struct subject *s, struct chy_view where)
{
    if (where.count != 0 && where.stride < sizeof(struct chy_predicate)) {
        return fail_shape(s, "the conditions have no stride", where.stride);
    }
    for (uint64_t i = 0; i < where.count; i++) {
        CHY_TRY(check_predicate(s, chy_view_item(where, i)));
    }
    return CHY_OK;
}

static chy_status check_order(const struct subject *s, struct chy_view order)
{
    if (order.count != 0 && order.stride < sizeof(struct chy_order)) {
        return fail_shape(s, "the order has no stride", order.stride);
    }
    for (uint64_t i = 0; i < order.count; i++) {
        const struct chy_order *step = chy_view_item(order, i);
        const struct chy_field *field = field_at(s, step->field);
        if (field == NULL || (field->flags & CHY_FIELD_MANY) != 0 ||
            field->type == CHY_VALUE_JSON) {
            return fail_shape(s, "no order by the field", step->field);
        }
    }
    return CHY_OK;
}

chy_status chy_storage_check_find(const struct chy_storage *storage, struct chy_op *op,
                                  const struct chy_storage_find *find)
{
    struct subject s = {storage, op, "find", NULL, 0};
    CHY_TRY(find_collection(&s, find->collection));
    if (find->limit == 0 || find->limit > CHY_STORAGE_PAGE_MAX || find->scan_limit < find->limit) {
        return fail_shape(&s, "expected 1 to 1000 rows, and to examine no fewer", find->limit);
    }
    if (find->skip > CHY_STORAGE_SKIP_MAX) {
        return chy_fail(op, CHY_BAD_INPUT, 0, "expected to skip at most %u rows, found %llu",
                        CHY_STORAGE_SKIP_MAX, (unsigned long long)find->skip);
    }
    if (find->skip != 0 && find->cursor.len != 0) {
        return fail_shape(&s, "a cursor and rows to skip exclude one another", find->skip);
    }
    CHY_TRY(check_where(&s, find->where));
    CHY_TRY(check_order(&s, find->order));
    return check_fields(&s, find->fields);
}

/* --- batches --------------------------------------------------------------------------------- */

static bool is_key_field(const struct subject *s, uint32_t number)
{
    for (uint64_t i = 0; i < s->collection->key.count; i++) {
        const uint32_t *key_field = chy_view_item(s->collection->key, i);
        if (*key_field == number) {
            return true;
        }
    }
    return false;
}

static chy_status check_assignments(struct subject *s, const struct chy_storage_write *write,
                                    bool *out_given)
{
    if (write->fields.count != 0 && write->fields.stride < sizeof(struct chy_assignment)) {
        return fail_shape(s, "the assignments have no stride", write->fields.stride);
    }
    for (uint64_t i = 0; i < write->fields.count; i++) {
        const struct chy_assignment *assignment = chy_view_item(write->fields, i);
        uint32_t number = assignment->field;
        CHY_TRY(check_value(s, number, &assignment->value, is_nullable(s, number)));
        if (is_key_field(s, number)) {
            return fail_shape(s, "a field of the key is assigned", number);
        }
        if (out_given[number]) {
            return fail_shape(s, "a field is assigned twice", number);
        }
        out_given[number] = true;
    }
    return CHY_OK;
}

static chy_status check_whole_row(const struct subject *s, const bool *given)
{
    for (uint32_t i = 0; i < s->collection->fields.count; i++) {
        const struct chy_field *field = field_at(s, i);
        bool may_lack = field == NULL ||
                        (field->flags & (CHY_FIELD_NULLABLE | CHY_FIELD_MANY)) != 0 ||
                        is_key_field(s, i);
        if (!given[i] && !may_lack) {
            return fail_shape(s, "an inserted row lacks the field", i);
        }
    }
    return CHY_OK;
}

static chy_status check_guard(struct subject *s, const struct chy_storage_write *write)
{
    if (write->guard > CHY_GUARD_EQUALS) {
        return fail_shape(s, "unknown guard", write->guard);
    }
    if (write->guard != CHY_GUARD_EQUALS) {
        return CHY_OK;
    }
    const struct chy_field *field = field_at(s, write->guard_field);
    if (field == NULL || (field->flags & CHY_FIELD_MANY) != 0 || field->type == CHY_VALUE_JSON) {
        return fail_shape(s, "no guard by the field", write->guard_field);
    }
    return check_value(s, write->guard_field, &write->guard_value, true);
}

static chy_status check_add(struct subject *s, const struct chy_storage_write *write)
{
    const struct chy_field *field = field_at(s, write->add_field);
    if (field == NULL || field->type != CHY_VALUE_INT || is_key_field(s, write->add_field)) {
        return fail_shape(s, "an add needs an int field, not", write->add_field);
    }
    return CHY_OK;
}

static chy_status check_write(struct subject *s, const struct chy_storage_write *write)
{
    bool given[CHY_STORAGE_FIELDS_MAX] = {false};
    CHY_TRY(find_collection(s, write->collection));
    if (write->kind == CHY_WRITE_DELETE_RANGE) {
        if (write->limit == 0 || write->limit > CHY_STORAGE_DELETE_RANGE_MAX) {
            return fail_shape(s, "expected to delete 1 to 1000 rows, found", write->limit);
        }
        return check_where(s, write->where);
    }
    CHY_TRY(check_key(s, write->key));
    CHY_TRY(check_guard(s, write));
    CHY_TRY(check_assignments(s, write, given));
    switch ((enum chy_write_kind)write->kind) {
    case CHY_WRITE_INSERT: return check_whole_row(s, given);
    case CHY_WRITE_ADD: return check_add(s, write);
    case CHY_WRITE_CHECK:
    case CHY_WRITE_DELETE:
        return write->fields.count == 0 ? CHY_OK
                                        : fail_shape(s, "this write assigns nothing", write->kind);
    case CHY_WRITE_UPSERT:
    case CHY_WRITE_UPDATE: return CHY_OK;
    case CHY_WRITE_DELETE_RANGE: break;
    }
    return fail_shape(s, "unknown kind of write", write->kind);
}

static bool same_row(const struct chy_storage_write *a, const struct chy_storage_write *b)
{
    for (uint64_t i = 0; i < a->key.count; i++) {
        const struct chy_value *left = chy_view_item(a->key, i);
        const struct chy_value *right = chy_view_item(b->key, i);
        if (left->number != right->number || !chy_slice_equal(left->bytes, right->bytes)) {
            return false;
        }
    }
    return true;
}

/** No batch names a row twice, but for a check beside an add. */
static bool may_both_be(const struct chy_storage_write *a, const struct chy_storage_write *b)
{
    bool is_range = a->kind == CHY_WRITE_DELETE_RANGE || b->kind == CHY_WRITE_DELETE_RANGE;
    bool is_pair = (a->kind == CHY_WRITE_CHECK && b->kind == CHY_WRITE_ADD) ||
                   (a->kind == CHY_WRITE_ADD && b->kind == CHY_WRITE_CHECK);
    return a->collection != b->collection || is_range || is_pair || !same_row(a, b);
}

chy_status chy_storage_check_batch(const struct chy_storage *storage, struct chy_op *op,
                                   const struct chy_storage_batch *batch, bool *out_touches_watched)
{
    struct subject s = {storage, op, "write", NULL, 0};
    bool touches_watched = false;
    if (batch->writes.count == 0 || batch->writes.stride < sizeof(struct chy_storage_write)) {
        return fail_shape(&s, "an empty batch", batch->writes.count);
    }
    if (batch->writes.count > CHY_STORAGE_BATCH_OPERATIONS) {
        return chy_fail(op, CHY_BAD_INPUT, 0, "expected at most %u writes in a batch, found %llu",
                        CHY_STORAGE_BATCH_OPERATIONS, (unsigned long long)batch->writes.count);
    }
    for (uint64_t i = 0; i < batch->writes.count; i++) {
        const struct chy_storage_write *write = chy_view_item(batch->writes, i);
        CHY_TRY(check_write(&s, write));
        for (uint64_t k = 0; k < i; k++) {
            if (!may_both_be(chy_view_item(batch->writes, k), write)) {
                return fail_shape(&s, "a batch names one row twice, in write", i);
            }
        }
        touches_watched = touches_watched || (write->kind != CHY_WRITE_CHECK &&
                                              (s.collection->flags & CHY_COLLECTION_WATCHED) != 0);
    }
    if (s.bytes > CHY_STORAGE_BATCH_BYTES) {
        return chy_fail(op, CHY_BAD_INPUT, 0, "expected at most %u bytes in a batch, found %llu",
                        CHY_STORAGE_BATCH_BYTES, (unsigned long long)s.bytes);
    }
    *out_touches_watched = touches_watched;
    return CHY_OK;
}
