#include "plugin/schema.h"

#include "base/slice.h"

#include <assert.h>
#include <stdbool.h>

#define NAME_MAX_LEN 48U

/** The collection in hand, for messages. */
struct subject {
    struct chy_op *op;
    const char *where;
    const struct chy_collection *collection;
};

static chy_status refuse(const struct subject *s, const char *what, struct chy_slice name)
{
    return chy_fail(s->op, CHY_BAD_INPUT, 0, "%s: collection '%.*s': %s%s%.*s%s", s->where,
                    (int)chy_slice_first(s->collection->name, NAME_MAX_LEN).len,
                    (const char *)s->collection->name.ptr, what, name.len == 0 ? "" : " '",
                    (int)chy_slice_first(name, NAME_MAX_LEN).len, (const char *)name.ptr,
                    name.len == 0 ? "" : "'");
}

static chy_status refuse_plain(const struct subject *s, const char *what)
{
    return refuse(s, what, chy_slice_of(NULL, 0));
}

static bool is_name(struct chy_slice name, bool may_have_instance)
{
    if (name.len == 0 || name.len > NAME_MAX_LEN || name.ptr[0] < 'a' || name.ptr[0] > 'z') {
        return false;
    }
    for (uint64_t i = 0; i < name.len; i++) {
        uint8_t c = name.ptr[i];
        bool is_plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
        if (!is_plain && !(may_have_instance && (c == '.' || c == '-'))) {
            return false;
        }
    }
    return true;
}

static const struct chy_field *field_at(const struct chy_collection *collection, uint64_t number)
{
    return (const struct chy_field *)chy_view_at(collection->fields, number);
}

static chy_status check_field(const struct subject *s, uint64_t number)
{
    const struct chy_field *field = field_at(s->collection, number);
    assert(field != NULL);
    if (!is_name(field->name, false)) {
        return refuse(s, "expected a field name in snake_case, at most 48 bytes, found",
                      field->name);
    }
    if (field->type < CHY_VALUE_TEXT || field->type > CHY_VALUE_JSON) {
        return refuse(s, "unknown type of the field", field->name);
    }
    if ((field->flags & CHY_FIELD_MANY) != 0 &&
        (field->type != CHY_VALUE_TEXT || (field->flags & CHY_FIELD_NULLABLE) != 0)) {
        return refuse(s, "a many-field is of text and not nullable:", field->name);
    }
    for (uint64_t i = 0; i < number; i++) {
        const struct chy_field *earlier = field_at(s->collection, i);
        if (earlier != NULL && chy_slice_equal(earlier->name, field->name)) {
            return refuse(s, "two fields are called", field->name);
        }
    }
    return CHY_OK;
}

/** Checks a list of field numbers: each there, each once, none of them many. */
static chy_status check_numbers(const struct subject *s, struct chy_view numbers, const char *list)
{
    if (numbers.stride < sizeof(uint32_t)) {
        return refuse(s, "a list of fields has no stride:", chy_text(list));
    }
    for (uint64_t i = 0; i < numbers.count; i++) {
        const uint32_t *number = (const uint32_t *)chy_view_at(numbers, i);
        const struct chy_field *field = number == NULL ? NULL : field_at(s->collection, *number);
        if (number == NULL || field == NULL) {
            return refuse(s, "a field number that does not exist stands in", chy_text(list));
        }
        if ((field->flags & CHY_FIELD_MANY) != 0 || field->type == CHY_VALUE_JSON) {
            return refuse(s, "a many-field or json cannot be compared:", field->name);
        }
        for (uint64_t k = 0; k < i; k++) {
            const uint32_t *earlier = (const uint32_t *)chy_view_at(numbers, k);
            if (earlier != NULL && *earlier == *number) {
                return refuse(s, "a list names twice the field", field->name);
            }
        }
    }
    return CHY_OK;
}

static chy_status check_key(const struct subject *s)
{
    struct chy_view key = s->collection->key;
    if (key.count == 0 || key.count > CHY_STORAGE_KEY_FIELDS_MAX) {
        return refuse_plain(s, "expected 1 to 8 fields in the key");
    }
    CHY_TRY(check_numbers(s, key, "the key"));
    for (uint64_t i = 0; i < key.count; i++) {
        const uint32_t *number = (const uint32_t *)chy_view_at(key, i);
        const struct chy_field *field = number == NULL ? NULL : field_at(s->collection, *number);
        if (field != NULL && (field->flags & CHY_FIELD_NULLABLE) != 0) {
            return refuse(s, "a field of the key is nullable:", field->name);
        }
    }
    return CHY_OK;
}

static chy_status check_index(const struct subject *s, uint64_t number)
{
    const struct chy_index *index =
        (const struct chy_index *)chy_view_at(s->collection->indexes, number);
    assert(index != NULL);
    if (!is_name(index->name, false)) {
        return refuse(s, "expected an index name in snake_case, at most 48 bytes, found",
                      index->name);
    }
    if (index->fields.count == 0 || index->fields.count > CHY_STORAGE_KEY_FIELDS_MAX) {
        return refuse(s, "expected 1 to 8 fields in the index", index->name);
    }
    for (uint64_t i = 0; i < number; i++) {
        const struct chy_index *earlier =
            (const struct chy_index *)chy_view_at(s->collection->indexes, i);
        if (earlier != NULL && chy_slice_equal(earlier->name, index->name)) {
            return refuse(s, "two indexes are called", index->name);
        }
    }
    return check_numbers(s, index->fields, "an index");
}

chy_status chy_collection_check(struct chy_op *op, const char *where,
                                const struct chy_collection *collection)
{
    const struct subject s = {op, where, collection};
    if (!is_name(collection->name, true)) {
        return refuse_plain(&s, "expected a name in snake_case, at most 48 bytes");
    }
    if (collection->fields.count == 0 || collection->fields.count > CHY_STORAGE_FIELDS_MAX) {
        return refuse_plain(&s, "expected 1 to 96 fields");
    }
    for (uint64_t i = 0; i < collection->fields.count; i++) {
        CHY_TRY(check_field(&s, i));
    }
    CHY_TRY(check_key(&s));
    for (uint64_t i = 0; i < collection->indexes.count; i++) {
        CHY_TRY(check_index(&s, i));
    }
    if (collection->placement >= collection->fields.count) {
        return refuse_plain(&s, "the placement field does not exist");
    }
    return CHY_OK;
}

chy_status chy_schema_check(struct chy_op *op, const char *where, const struct chy_schema *schema)
{
    for (uint64_t i = 0; i < schema->collections.count; i++) {
        const struct chy_collection *collection = chy_schema_collection(schema, (uint32_t)i);
        assert(collection != NULL);
        CHY_TRY(chy_collection_check(op, where, collection));
        for (uint64_t k = 0; k < i; k++) {
            const struct chy_collection *earlier = chy_schema_collection(schema, (uint32_t)k);
            if (earlier != NULL && chy_slice_equal(earlier->name, collection->name)) {
                const struct subject s = {op, where, collection};
                return refuse_plain(&s, "it is declared twice");
            }
        }
    }
    return CHY_OK;
}
