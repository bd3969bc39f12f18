/** Rows and sorted tables. */
#include "mem.h"

#include <stdlib.h>

static uint64_t payload(const struct chy_value *value)
{
    uint64_t size = value->bytes.len;
    for (uint64_t i = 0; i < value->items.count; i++) {
        size += sizeof(struct chy_slice) +
                ((const struct chy_slice *)chy_storage_at(value->items, i))->len;
    }
    return size;
}

static struct chy_slice put_bytes(struct chy_slice bytes, uint8_t **free_bytes)
{
    if (bytes.len == 0) {
        return chy_slice_of(NULL, 0);
    }
    memcpy(*free_bytes, bytes.ptr, (size_t)bytes.len);
    struct chy_slice copy = chy_slice_of(*free_bytes, bytes.len);
    *free_bytes += bytes.len;
    return copy;
}

struct row *row_new(const struct chy_collection *collection, const struct chy_value *values,
                    uint64_t revision)
{
    uint64_t count = collection->fields.count;
    uint64_t items = 0;
    uint64_t size = sizeof(struct row) + count * sizeof(struct chy_value);
    for (uint64_t i = 0; i < count; i++) {
        size += payload(&values[i]);
        items += values[i].items.count;
    }
    struct row *row = calloc(1, (size_t)size);
    if (row == NULL) {
        return NULL;
    }
    row->revision = revision;
    // Behind the values stand the slices of all sets, and behind those all bytes.
    struct chy_slice *free_items = (struct chy_slice *)(void *)(row->values + count);
    uint8_t *free_bytes = (uint8_t *)(free_items + items);
    for (uint64_t i = 0; i < count; i++) {
        row->values[i] = values[i];
        row->values[i].bytes = put_bytes(values[i].bytes, &free_bytes);
        row->values[i].items =
            (struct chy_view){free_items, values[i].items.count, sizeof *free_items};
        for (uint64_t j = 0; j < values[i].items.count; j++) {
            *free_items++ = put_bytes(*(const struct chy_slice *)chy_storage_at(values[i].items, j),
                                      &free_bytes);
        }
    }
    return row;
}

static int compare_key(const struct table *table, const struct row *row, struct chy_view key)
{
    for (uint64_t i = 0; i < key.count; i++) {
        uint32_t field = chy_storage_number_at(table->collection->key, i);
        int order = chy_storage_value_compare(&row->values[field], chy_storage_at(key, i));
        if (order != 0) {
            return order;
        }
    }
    return 0;
}

bool table_place(const struct table *table, struct chy_view key, uint64_t *out_place)
{
    uint64_t low = 0;
    uint64_t high = table->count;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if (compare_key(table, table->rows[middle], key) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    *out_place = low;
    return low < table->count && compare_key(table, table->rows[low], key) == 0;
}

bool table_put(struct table *table, uint64_t place, struct row *row)
{
    if (table->count == table->room) {
        uint64_t room = table->room * 2 + 16;
        struct row **rows = realloc(table->rows, (size_t)room * sizeof(struct row *));
        if (rows == NULL) {
            return false;
        }
        table->rows = rows;
        table->room = room;
    }
    memmove(table->rows + place + 1, table->rows + place,
            (size_t)(table->count - place) * sizeof(struct row *));
    table->rows[place] = row;
    table->count++;
    return true;
}

void table_take_out(struct table *table, uint64_t place)
{
    table->count--;
    memmove(table->rows + place, table->rows + place + 1,
            (size_t)(table->count - place) * sizeof(struct row *));
}

struct chy_view key_of(const struct table *table, const struct row *row, struct chy_value *room)
{
    uint64_t count = table->collection->key.count;
    for (uint64_t i = 0; i < count; i++) {
        room[i] = row->values[chy_storage_number_at(table->collection->key, i)];
    }
    return (struct chy_view){room, count, sizeof *room};
}
