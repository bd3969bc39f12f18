/** What a schema must be for any backend to carry it. */
#include <chancery/support/storage_check.h>

#define NAME_MAX_BYTES 48U
#define NAMED(slice) (int)(slice).len, (const char *)(slice).ptr

static bool is_name(struct chy_slice name)
{
    for (uint64_t i = 0; i < name.len; i++) {
        uint8_t c = name.ptr[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_')) {
            return false;
        }
    }
    return name.len != 0 && name.len <= NAME_MAX_BYTES;
}

/** is_collection_name also knows "<instance>.<name>"; an instance is named by an operator. */
static bool is_collection_name(struct chy_slice name)
{
    for (uint64_t i = 0; i < name.len; i++) {
        uint8_t c = name.ptr[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '_' || c == '-' || c == '.')) {
            return false;
        }
    }
    return name.len != 0 && name.len <= NAME_MAX_BYTES;
}

static chy_status bad(struct chy_op *op, const struct chy_collection *collection, const char *why)
{
    return chy_fail(op, CHY_BAD_INPUT, 0, "collection '%.*s': %s", NAMED(collection->name), why);
}

static chy_status check_fields(struct chy_op *op, const struct chy_collection *collection)
{
    if (collection->fields.count == 0 || collection->fields.count > CHY_STORAGE_FIELDS_MAX) {
        return bad(op, collection, "no field, or too many");
    }
    for (uint32_t i = 0; i < collection->fields.count; i++) {
        const struct chy_field *field = chy_storage_field(collection, i);
        if (!is_name(field->name)) {
            return bad(op, collection, "a field's name is not snake_case of at most 48 bytes");
        }
        if (field->type < CHY_VALUE_TEXT || field->type > CHY_VALUE_JSON ||
            (chy_storage_is_many(field) && field->type != CHY_VALUE_TEXT)) {
            return bad(op, collection, "a field has a type that no field can have");
        }
        for (uint32_t j = 0; j < i; j++) {
            if (chy_slice_equal(chy_storage_field(collection, j)->name, field->name)) {
                return bad(op, collection, "two fields share a name");
            }
        }
    }
    return CHY_OK;
}

static bool is_indexable(const struct chy_collection *collection, uint32_t number, bool is_key)
{
    const struct chy_field *field = chy_view_at(collection->fields, number);
    return field != NULL && !chy_storage_is_many(field) && field->type != CHY_VALUE_JSON &&
           !(is_key && (field->flags & CHY_FIELD_NULLABLE) != 0);
}

static chy_status check_numbers(struct chy_op *op, const struct chy_collection *collection,
                                struct chy_view numbers, bool is_key)
{
    if (numbers.count == 0 || numbers.count > CHY_STORAGE_KEY_FIELDS_MAX) {
        return bad(op, collection, "a key or index has no field, or too many");
    }
    for (uint64_t i = 0; i < numbers.count; i++) {
        uint32_t number = chy_storage_number_at(numbers, i);
        struct chy_view before = {numbers.ptr, i, numbers.stride};
        if (!is_indexable(collection, number, is_key) || chy_storage_contains(before, number)) {
            return bad(op, collection, "a key or index names a field that it cannot hold");
        }
    }
    return CHY_OK;
}

static chy_status check_indexes(struct chy_op *op, const struct chy_collection *collection)
{
    for (uint64_t i = 0; i < collection->indexes.count; i++) {
        const struct chy_index *index = chy_storage_at(collection->indexes, i);
        if (!is_name(index->name)) {
            return bad(op, collection, "an index's name is not snake_case of at most 48 bytes");
        }
        for (uint64_t j = 0; j < i; j++) {
            const struct chy_index *before = chy_storage_at(collection->indexes, j);
            if (chy_slice_equal(before->name, index->name)) {
                return bad(op, collection, "two indexes share a name");
            }
        }
        CHY_TRY(check_numbers(op, collection, index->fields, false));
    }
    return CHY_OK;
}

chy_status chy_storage_check_schema(struct chy_op *op, const struct chy_schema *schema)
{
    for (uint32_t i = 0; i < schema->collections.count; i++) {
        const struct chy_collection *collection = chy_storage_collection(schema, i);
        if (!is_collection_name(collection->name)) {
            return bad(op, collection, "the name is not fit");
        }
        for (uint32_t j = 0; j < i; j++) {
            if (chy_slice_equal(chy_storage_collection(schema, j)->name, collection->name)) {
                return bad(op, collection, "declared twice");
            }
        }
        CHY_TRY(check_fields(op, collection));
        CHY_TRY(check_numbers(op, collection, collection->key, true));
        CHY_TRY(check_indexes(op, collection));
        if (collection->placement >= collection->fields.count) {
            return bad(op, collection, "the placement names no field");
        }
    }
    return CHY_OK;
}
