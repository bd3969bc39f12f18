#include "model.h"

#include <stdlib.h>

#define IDENTIFIER_MAX_BYTES 63U // of PostgreSQL's

const char *pgs_type_name(uint32_t type)
{
    switch (type) {
    case CHY_VALUE_TEXT:
    case CHY_VALUE_JSON: return "text COLLATE \"C\"";
    case CHY_VALUE_INT:
    case CHY_VALUE_TIME: return "bigint";
    case CHY_VALUE_BOOL: return "boolean";
    case CHY_VALUE_UUID: return "uuid";
    case CHY_VALUE_BLOB: return "bytea";
    default: return NULL;
    }
}

const struct pgs_table *pgs_table_at(const struct pgs_model *model, uint32_t number)
{
    return model != NULL && number < model->table_count ? &model->tables[number] : NULL;
}

const struct pgs_field *pgs_field_at(const struct pgs_table *table, uint32_t number)
{
    return number < table->field_count ? &table->fields[number] : NULL;
}

const struct pgs_index *pgs_index_of(const struct pgs_table *table, const char *relation)
{
    for (uint32_t i = 0; i < table->index_count; i++) {
        if (chy_slice_is(table->indexes[i].relation, relation)) {
            return &table->indexes[i];
        }
    }
    return NULL;
}

/** What the builders below share. */
struct layout {
    struct chy_op *op;
    struct pgs_model *model;
};

static uint64_t hash_bytes(const char *ptr, size_t len)
{
    uint64_t hash = UINT64_C(14695981039346656037); // FNV-1a
    for (size_t i = 0; i < len; i++) {
        hash = (hash ^ (unsigned char)ptr[i]) * UINT64_C(1099511628211);
    }
    return hash;
}

/** keep moves finished text into the model's memory. */
static chy_status keep(struct layout *l, const struct pgs_text *text, const char **out_kept)
{
    char *copy = text->failed ? NULL : pgs_heap_copy(&l->model->heap, text->ptr, text->len);
    if (copy == NULL) {
        return chy_fail_memory(l->op);
    }
    *out_kept = copy;
    return CHY_OK;
}

static chy_status keep_slice(struct layout *l, struct chy_slice bytes, struct chy_slice *out_kept)
{
    char *copy = pgs_heap_copy(&l->model->heap, bytes.ptr, bytes.len);
    if (copy == NULL) {
        return chy_fail_memory(l->op);
    }
    *out_kept = chy_slice_of(copy, bytes.len);
    return CHY_OK;
}

static chy_status keep_quoted(struct layout *l, struct chy_slice name, bool with_schema,
                              const char **out_quoted)
{
    struct pgs_text text;
    pgs_text_init(&text, l->op);
    if (with_schema) {
        pgs_text_add_name(&text, l->model->schema);
        pgs_text_add(&text, ".");
    }
    pgs_text_add_name(&text, name);
    return keep(l, &text, out_quoted);
}

/** relation_name makes "<collection><middle><last>", within what PostgreSQL keeps of a name. */
static chy_status relation_name(struct layout *l, struct chy_slice collection, const char *middle,
                                struct chy_slice last, struct chy_slice *out_name)
{
    struct pgs_text text;
    pgs_text_init(&text, l->op);
    pgs_text_add_bytes(&text, (const char *)collection.ptr, collection.len);
    pgs_text_add(&text, middle);
    pgs_text_add_bytes(&text, (const char *)last.ptr, last.len);
    if (!text.failed && text.len > IDENTIFIER_MAX_BYTES) {
        uint64_t hash = hash_bytes(text.ptr, text.len);
        text.len = IDENTIFIER_MAX_BYTES - 17;
        pgs_text_add(&text, "$");
        for (int shift = 60; shift >= 0; shift -= 4) {
            pgs_text_add_bytes(&text, &"0123456789abcdef"[(hash >> shift) & 15], 1);
        }
    }
    const char *kept = NULL;
    CHY_TRY(keep(l, &text, &kept));
    *out_name = chy_slice_of(kept, text.len);
    return CHY_OK;
}

static void *make(struct layout *l, uint64_t count, size_t size)
{
    return pgs_heap_alloc(&l->model->heap, (size_t)(count == 0 ? 1 : count) * size);
}

static chy_status lay_field(struct layout *l, struct pgs_table *table,
                            const struct chy_field *declared, struct pgs_field *field)
{
    field->type = declared->type;
    field->nullable = (declared->flags & CHY_FIELD_NULLABLE) != 0;
    field->many = (declared->flags & CHY_FIELD_MANY) != 0;
    CHY_TRY(keep_slice(l, declared->name, &field->name));
    CHY_TRY(keep_quoted(l, field->name, false, &field->quoted));
    if (!field->many) {
        table->column_count++;
        return CHY_OK;
    }
    table->many_count++;
    field->child_inserts = make(l, 1, sizeof *field->child_inserts);
    if (field->child_inserts == NULL) {
        return chy_fail_memory(l->op);
    }
    CHY_TRY(relation_name(l, table->name, "$m$", field->name, &field->child_name));
    CHY_TRY(relation_name(l, table->name, "$v$", field->name, &field->child_index));
    return keep_quoted(l, field->child_name, true, &field->child);
}

static chy_status lay_key(struct layout *l, struct pgs_table *table, struct chy_view key)
{
    uint32_t *fields = make(l, key.count, sizeof *fields);
    if (fields == NULL) {
        return chy_fail_memory(l->op);
    }
    for (uint32_t i = 0; i < key.count; i++) {
        fields[i] = chy_storage_number_at(key, i);
        table->fields[fields[i]].in_key = true;
    }
    table->key = fields;
    table->key_count = (uint32_t)key.count;
    return relation_name(l, table->name, "$k", chy_slice_of(NULL, 0), &table->key_relation);
}

static bool contains(const uint32_t *fields, uint32_t count, uint32_t field)
{
    for (uint32_t i = 0; i < count; i++) {
        if (fields[i] == field) {
            return true;
        }
    }
    return false;
}

static chy_status lay_index(struct layout *l, const struct pgs_table *table,
                            const struct chy_index *declared, struct pgs_index *index)
{
    CHY_TRY(keep_slice(l, declared->name, &index->name));
    CHY_TRY(relation_name(l, table->name, "$i$", index->name, &index->relation));
    index->unique = (declared->flags & CHY_INDEX_UNIQUE) != 0;
    uint32_t *fields = make(l, declared->fields.count + table->key_count, sizeof *fields);
    if (fields == NULL) {
        return chy_fail_memory(l->op);
    }
    for (uint32_t i = 0; i < declared->fields.count; i++) {
        fields[i] = chy_storage_number_at(declared->fields, i);
    }
    uint32_t count = (uint32_t)declared->fields.count;
    index->declared = count;
    for (uint32_t i = 0; !index->unique && i < table->key_count; i++) {
        if (!contains(fields, count, table->key[i])) {
            fields[count++] = table->key[i];
        }
    }
    index->count = count;
    index->fields = fields;
    return CHY_OK;
}

static chy_status lay_table(struct layout *l, const struct chy_collection *declared,
                            struct pgs_table *table)
{
    CHY_TRY(keep_slice(l, declared->name, &table->name));
    CHY_TRY(keep_quoted(l, table->name, true, &table->quoted));
    table->fields = make(l, declared->fields.count, sizeof *table->fields);
    table->indexes = make(l, declared->indexes.count, sizeof *table->indexes);
    table->inserts = make(l, 1, sizeof *table->inserts);
    if (table->fields == NULL || table->indexes == NULL || table->inserts == NULL) {
        return chy_fail_memory(l->op);
    }
    for (uint32_t i = 0; i < declared->fields.count; i++) {
        CHY_TRY(lay_field(l, table, pgs_at(declared->fields, i), &table->fields[i]));
        table->field_count++;
    }
    CHY_TRY(lay_key(l, table, declared->key));
    for (uint32_t i = 0; i < declared->indexes.count; i++) {
        CHY_TRY(lay_index(l, table, pgs_at(declared->indexes, i), &table->indexes[i]));
        table->index_count++;
    }
    return CHY_OK;
}

static chy_status lay_model(struct layout *l, struct chy_slice schema_name,
                            const struct chy_schema *schema)
{
    struct pgs_model *model = l->model;
    model->declared = schema;
    model->version = schema->version;
    model->min_compatible = schema->min_compatible;
    CHY_TRY(keep_slice(l, schema_name, &model->schema));
    CHY_TRY(keep_quoted(l, model->schema, false, &model->schema_quoted));
    CHY_TRY(keep_quoted(l, chy_text("chancery$meta"), true, &model->meta));
    CHY_TRY(keep_quoted(l, chy_text("chancery$commits"), true, &model->commits));
    model->tables = make(l, schema->collections.count, sizeof *model->tables);
    if (model->tables == NULL) {
        return chy_fail_memory(l->op);
    }
    for (uint32_t i = 0; i < schema->collections.count; i++) {
        struct pgs_table *table = &model->tables[i];
        table->number = i;
        table->declared = chy_storage_collection(schema, i);
        CHY_TRY(lay_table(l, pgs_at(schema->collections, i), table));
        model->table_count++;
    }
    return CHY_OK;
}

chy_status pgs_model_new(struct chy_op *op, struct chy_slice schema_name,
                         const struct chy_schema *schema, struct pgs_model **out_model)
{
    CHY_TRY(chy_storage_check_schema(op, schema));
    struct pgs_model *model = calloc(1, sizeof *model);
    if (model == NULL) {
        return chy_fail_memory(op);
    }
    struct layout l = {op, model};
    chy_status status = lay_model(&l, schema_name, schema);
    if (status != CHY_OK) {
        pgs_model_free(model);
        return status;
    }
    *out_model = model;
    return CHY_OK;
}

void pgs_model_free(struct pgs_model *model)
{
    if (model != NULL) {
        pgs_heap_free(&model->heap);
        free(model);
    }
}
