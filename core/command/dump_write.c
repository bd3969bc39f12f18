#include "base/file.h"
#include "base/op.h"
#include "base/slice.h"
#include "command/dump_state.h"
#include "command/dump_value.h"
#include "command/locate.h"
#include "plugin/view.h"
#include "resource/audit_chain.h"
#include "resource/collections.h"
#include "resource/json.h"
#include "resource/kek.h"

#include <stdio.h>

#define PART_BYTES ((size_t)4 << 20)
#define PAGE 32

/** is_left_out: the next KEK, sealed by the one before, is for running processes alone: whoever has
 *  an old KEK and an old backup must not come by it.  Leases of jobs are of processes that are no
 *  more; those of the audit tell whose rows are in no block yet. */
static bool is_left_out(uint64_t collection, const struct chy_storage_row *row)
{
    if (collection == CHY_C_LEASES) {
        return !chy_slice_starts_with(chy_row_text(row, CHY_LEASE_NAME),
                                      chy_text(CHY_AUDIT_LEASE_PREFIX));
    }
    return collection == CHY_C_SETTINGS &&
           chy_slice_is(chy_row_text(row, CHY_SETTING_NAME), CHY_SETTING_KEK_FORWARD);
}

static void part_name(uint64_t number, char out_name[32])
{
    (void)snprintf(out_name, 32, "rows-%06llu", (unsigned long long)number);
}

/** Where the writing stands. */
struct writing {
    struct chy_assembly *assembly;
    const char *directory;
    json_t *parts;
    uint64_t part;
    uint64_t collection;
    struct chy_slice cursor; /**< in the next page; empty: its first */
    uint64_t rows;
};

static chy_status add_page(struct writing *w, struct chy_op *op, struct chy_buf *buf)
{
    const struct chy_collection *collection = chy_dump_collection(w->assembly, w->collection);
    struct chy_query query;
    struct chy_storage_page page;
    chy_query_init(&query, op, (uint32_t)w->collection, chy_all_fields(collection), PAGE);
    query.find.cursor = w->cursor;
    CHY_TRY(chy_query_run(&query, w->assembly->runtime.storage, &page));
    for (uint64_t i = 0; i < page.rows.count; i++) {
        const struct chy_storage_row *row = chy_page_row(&page, i);
        if (is_left_out(w->collection, row)) {
            continue;
        }
        w->rows++;
        chy_dump_add_number(buf, w->collection, 2);
        for (uint64_t field = 0; field < row->values.count; field++) {
            chy_dump_add_value(buf, chy_row_value(row, (uint32_t)field));
        }
    }
    w->cursor = page.cursor;
    if (page.more == 0) {
        w->cursor = chy_slice_of(NULL, 0);
        w->collection++;
    }
    return chy_buf_ok(buf) ? CHY_OK : chy_buf_fail(buf, op, "a part of the backup");
}

static chy_status write_part(struct writing *w, struct chy_op *op)
{
    struct chy_buf buf;
    char name[32];
    char digest[65];
    const char *path;
    uint64_t before = w->rows;
    chy_buf_init(&buf, op, CHY_DUMP_PART_MAX);
    while (buf.len < PART_BYTES && w->collection < w->assembly->schema.collections.count) {
        if (chy_dump_is_kept((uint32_t)w->collection)) {
            CHY_TRY(add_page(w, op, &buf));
        } else {
            w->collection++;
        }
    }
    part_name(w->part++, name);
    CHY_TRY(chy_path_join(op, w->directory, name, &path));
    CHY_TRY(chy_dump_digest(w->assembly, op, chy_buf_slice(&buf), digest));
    CHY_TRY(chy_file_create(op, path, chy_buf_slice(&buf), 0600));
    json_t *entry =
        json_pack("{s:s, s:I, s:I, s:s}", "file", name, "rows", (json_int_t)(w->rows - before),
                  "bytes", (json_int_t)buf.len, "sha256", digest);
    return entry != NULL && json_array_append_new(w->parts, entry) == 0 ? CHY_OK
                                                                        : chy_fail_memory(op);
}

static chy_status write_parts(struct writing *w, struct chy_op *op)
{
    while (w->collection < w->assembly->schema.collections.count) {
        CHY_AUTO(chy_operation_free)
        struct chy_operation *part = chy_dump_operation(w->assembly, "backup");
        if (part == NULL) {
            return chy_fail_memory(op);
        }
        CHY_TRY(chy_op_adopt(op, part, write_part(w, &part->op)));
        CHY_TRY(chy_copy(op, w->cursor, &w->cursor)); // it lay in the part's memory
    }
    return CHY_OK;
}

static chy_status name_fields(struct chy_assembly *a, struct chy_op *op, json_t *manifest)
{
    json_t *collections = json_array();
    for (uint64_t i = 0; i < a->schema.collections.count; i++) {
        const struct chy_collection *collection = chy_dump_collection(a, i);
        json_t *fields = json_array();
        for (uint64_t f = 0; f < collection->fields.count; f++) {
            const struct chy_field *field = chy_view_item(collection->fields, f);
            (void)json_array_append_new(
                fields, json_stringn((const char *)field->name.ptr, (size_t)field->name.len));
        }
        json_t *entry = json_object();
        if (json_object_set_new(entry, "name",
                                json_stringn((const char *)collection->name.ptr,
                                             (size_t)collection->name.len)) != 0 ||
            json_object_set_new(entry, "fields", fields) != 0 ||
            json_array_append_new(collections, entry) != 0) {
            json_decref(collections);
            return chy_fail_memory(op);
        }
    }
    return json_object_set_new(manifest, "collections", collections) == 0 ? CHY_OK
                                                                          : chy_fail_memory(op);
}

chy_status chy_dump_write(struct chy_assembly *assembly, struct chy_op *op, const char *directory,
                          json_t *manifest)
{
    struct writing w = {.assembly = assembly, .directory = directory, .parts = chy_json_array(op)};
    if (w.parts == NULL || json_object_set(manifest, "parts", w.parts) != 0) {
        return chy_fail_memory(op);
    }
    CHY_TRY(name_fields(assembly, op, manifest));
    return write_parts(&w, op);
}
