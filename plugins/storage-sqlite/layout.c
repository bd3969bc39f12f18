/**
 * How collections lie in the database.
 *
 *   "things"          "$row" INTEGER PRIMARY KEY, "$revision", then a column per field; STRICT
 *   "things::key"     UNIQUE index on the key
 *   "things:by_name"  an index; the key's fields stand behind its own: it carries whole orders
 *   "things/tags"     of a many-field: (value, row), to look up by value; the row keeps the set
 *
 * Fields that cannot be null are not NOT NULL: a later version may let them be, without a rebuild.
 */
#include "store.h"

#include <errno.h>
#include <stdlib.h>

static char *quoted(struct chy_slice first, const char *between, struct chy_slice second)
{
    struct sql sql = {0};
    sql_add_name(&sql, first, between, second);
    if (sql.has_failed) {
        sql_fini(&sql);
        return NULL;
    }
    return sql.ptr;
}

static void add_field(struct path *path, uint32_t field)
{
    for (uint64_t i = 0; i < path->count; i++) {
        if (path->fields[i] == field) {
            return;
        }
    }
    path->fields[path->count++] = field;
}

static bool make_path(const struct chy_collection *collection, const struct chy_index *index,
                      struct path *path)
{
    path->index = index;
    for (uint64_t i = 0; index != NULL && i < index->fields.count; i++) {
        add_field(path, chy_storage_number_at(index->fields, i));
    }
    // A unique index cannot take the key along: it would be unique in another way.
    if (index == NULL || (index->flags & CHY_INDEX_UNIQUE) == 0) {
        for (uint64_t i = 0; i < collection->key.count; i++) {
            add_field(path, chy_storage_number_at(collection->key, i));
        }
    }
    path->name = index == NULL ? quoted(collection->name, "::", chy_text("key"))
                               : quoted(collection->name, ":", index->name);
    return path->name != NULL;
}

static bool make_table(const struct chy_collection *collection, struct table *table)
{
    uint64_t fields = collection->fields.count;
    table->collection = collection;
    table->name = quoted(collection->name, "", chy_text(""));
    table->columns = calloc(fields + 1, sizeof(char *));
    table->children = calloc(fields + 1, sizeof(char *));
    table->paths = calloc(collection->indexes.count + 1, sizeof *table->paths);
    if (table->name == NULL || table->columns == NULL || table->children == NULL ||
        table->paths == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < fields; i++) {
        const struct chy_field *field = chy_storage_field(collection, i);
        bool many = chy_storage_is_many(field);
        table->columns[i] = quoted(field->name, "", chy_text(""));
        table->children[i] = many ? quoted(collection->name, "/", field->name) : NULL;
        table->has_many = table->has_many || many;
        if (table->columns[i] == NULL || (many && table->children[i] == NULL)) {
            return false;
        }
    }
    table->path_count = collection->indexes.count + 1;
    for (uint64_t i = 0; i < table->path_count; i++) {
        const struct chy_index *index = i == 0 ? NULL : chy_storage_at(collection->indexes, i - 1);
        if (!make_path(collection, index, &table->paths[i])) {
            return false;
        }
    }
    return true;
}

chy_status layout_make(struct store *store, struct chy_op *op)
{
    uint64_t count = store->schema->collections.count;
    store->tables = calloc(count + 1, sizeof *store->tables);
    if (store->tables == NULL) {
        return chy_fail(op, CHY_TRY_LATER, ENOMEM, "no memory for the schema");
    }
    store->table_count = count;
    for (uint32_t i = 0; i < count; i++) {
        if (!make_table(chy_storage_collection(store->schema, i), &store->tables[i])) {
            return chy_fail(op, CHY_TRY_LATER, ENOMEM, "no memory for the schema");
        }
    }
    return CHY_OK;
}

static void free_table(struct table *table)
{
    uint64_t fields = table->collection == NULL ? 0 : table->collection->fields.count;
    for (uint64_t i = 0; i < fields; i++) {
        free(table->columns == NULL ? NULL : table->columns[i]);
        free(table->children == NULL ? NULL : table->children[i]);
    }
    for (uint64_t i = 0; i < table->path_count; i++) {
        free(table->paths[i].name);
    }
    free(table->columns);
    free(table->children);
    free(table->paths);
    free(table->name);
}

void layout_free(struct store *store)
{
    for (uint64_t i = 0; i < store->table_count; i++) {
        free_table(&store->tables[i]);
    }
    free(store->tables);
    store->tables = NULL;
    store->table_count = 0;
}
