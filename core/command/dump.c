#include "command/dump.h"

#include "base/buf.h"
#include "base/encode.h"
#include "base/file.h"
#include "base/op.h"
#include "base/slice.h"
#include "base/time.h"
#include "command/locate.h"
#include "plugin/view.h"
#include "resource/audit_chain.h"
#include "resource/collections.h"
#include "resource/json.h"
#include "resource/kek.h"

#include <stdio.h>

#define PART_BYTES ((size_t)4 << 20)
#define PART_MAX ((size_t)64 << 20)
#define PART_MEMORY ((size_t)256 << 20)
#define PAGE 32
#define PARTS_MAX 1000000
#define MANIFEST_MAX ((size_t)256 << 20)

/** is_kept: the epoch counts by itself. */
static bool is_kept(uint32_t collection)
{
    return collection != CHY_C_EPOCH;
}

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

static const struct chy_collection *collection_at(const struct chy_assembly *a, uint64_t number)
{
    return (const struct chy_collection *)chy_view_item(a->schema.collections, number);
}

static struct chy_view all_fields(const struct chy_collection *collection)
{
    static const uint32_t numbers[CHY_STORAGE_FIELDS_MAX] = {
        0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16, 17, 18, 19,
        20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39,
        40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59,
        60, 61, 62, 63, 64, 65, 66, 67, 68, 69, 70, 71, 72, 73, 74, 75, 76, 77, 78, 79,
        80, 81, 82, 83, 84, 85, 86, 87, 88, 89, 90, 91, 92, 93, 94, 95};
    return chy_view_of(numbers, collection->fields.count, sizeof numbers[0]);
}

static struct chy_operation *new_operation(struct chy_assembly *a, const char *name)
{
    struct chy_operation_config config = {.host = &a->cli->services.host,
                                          .log = &a->cli->log,
                                          .name = chy_text(name),
                                          .memory_max = PART_MEMORY};
    return chy_operation_new(&config);
}

static void part_name(uint64_t number, char out_name[32])
{
    (void)snprintf(out_name, 32, "rows-%06llu", (unsigned long long)number);
}

static chy_status digest_text(struct chy_assembly *a, struct chy_op *op, struct chy_slice content,
                              char out_text[65])
{
    struct chy_slice digest;
    CHY_TRY(chy_crypto_digest(a->runtime.leaf_crypto, op, CHY_DIGEST_SHA256, content, &digest));
    chy_hex_encode(digest, out_text);
    out_text[64] = '\0';
    return CHY_OK;
}

/* ------------------------------------------------------------------------------------------------
 * Writing
 */

static void add_number(struct chy_buf *buf, uint64_t number, uint32_t octets)
{
    for (uint32_t i = octets; i > 0; i--) {
        chy_buf_add_u8(buf, (uint8_t)(number >> ((i - 1) * 8)));
    }
}

static void add_bytes(struct chy_buf *buf, struct chy_slice bytes)
{
    add_number(buf, bytes.len, 4);
    chy_buf_add(buf, bytes);
}

static void add_value(struct chy_buf *buf, const struct chy_value *value)
{
    chy_buf_add_u8(buf, (uint8_t)value->type);
    switch ((enum chy_value_type)value->type) {
    case CHY_VALUE_NULL: break;
    case CHY_VALUE_INT:
    case CHY_VALUE_BOOL:
    case CHY_VALUE_TIME: add_number(buf, (uint64_t)value->number, 8); break;
    case CHY_VALUE_TEXT:
    case CHY_VALUE_UUID:
    case CHY_VALUE_BLOB:
    case CHY_VALUE_JSON: add_bytes(buf, value->bytes); break;
    case CHY_VALUE_MANY:
        add_number(buf, value->items.count, 4);
        for (uint64_t i = 0; i < value->items.count; i++) {
            add_bytes(buf, *(const struct chy_slice *)chy_view_item(value->items, i));
        }
        break;
    }
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
    const struct chy_collection *collection = collection_at(w->assembly, w->collection);
    struct chy_query query;
    struct chy_storage_page page;
    chy_query_init(&query, op, (uint32_t)w->collection, all_fields(collection), PAGE);
    query.find.cursor = w->cursor;
    CHY_TRY(chy_query_run(&query, w->assembly->runtime.storage, &page));
    for (uint64_t i = 0; i < page.rows.count; i++) {
        const struct chy_storage_row *row = chy_page_row(&page, i);
        if (is_left_out(w->collection, row)) {
            continue;
        }
        w->rows++;
        add_number(buf, w->collection, 2);
        for (uint64_t field = 0; field < row->values.count; field++) {
            add_value(buf, chy_row_value(row, (uint32_t)field));
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
    chy_buf_init(&buf, op, PART_MAX);
    while (buf.len < PART_BYTES && w->collection < w->assembly->schema.collections.count) {
        if (is_kept((uint32_t)w->collection)) {
            CHY_TRY(add_page(w, op, &buf));
        } else {
            w->collection++;
        }
    }
    part_name(w->part++, name);
    CHY_TRY(chy_path_join(op, w->directory, name, &path));
    CHY_TRY(digest_text(w->assembly, op, chy_buf_slice(&buf), digest));
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
        struct chy_operation *part = new_operation(w->assembly, "backup");
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
        const struct chy_collection *collection = collection_at(a, i);
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

/* ------------------------------------------------------------------------------------------------
 * Reading
 */

chy_status chy_dump_manifest(struct chy_op *op, const char *directory, json_t **out_manifest,
                             struct chy_slice *out_text)
{
    const char *path;
    struct chy_slice text;
    CHY_TRY(chy_path_join(op, directory, CHY_DUMP_MANIFEST, &path));
    chy_status status = chy_file_read(op, path, MANIFEST_MAX, &text);
    if (status == CHY_NOT_FOUND) {
        return chy_fail(op, CHY_BAD_INPUT, 0,
                        "'%s' is no backup, or one that was not finished: it has no %s", directory,
                        CHY_DUMP_MANIFEST);
    }
    CHY_TRY(status);
    CHY_TRY(chy_json_parse(op, text, out_manifest));
    if (json_integer_value(json_object_get(*out_manifest, "format")) != CHY_DUMP_FORMAT ||
        !json_is_array(json_object_get(*out_manifest, "parts")) ||
        !json_is_array(json_object_get(*out_manifest, "collections")) ||
        !json_is_array(json_object_get(*out_manifest, "crls")) ||
        !json_is_string(json_object_get(*out_manifest, "backupId"))) {
        return chy_fail(op, CHY_BAD_INPUT, 0, "'%s' is not a manifest that this program can read",
                        path);
    }
    *out_text = text;
    return CHY_OK;
}

#define NOWHERE UINT32_MAX

/** One collection of the dump, and where it goes. */
struct target {
    uint32_t collection;
    uint32_t field_count;
    uint32_t fields[CHY_STORAGE_FIELDS_MAX];
};

/** A part being read. */
struct reading {
    struct chy_assembly *assembly;
    struct chy_op *op;
    struct target *targets;
    size_t target_count;
    struct chy_slice rest;
    struct chy_batch batch;
    uint64_t batch_bytes;
};

static uint32_t find_field(const struct chy_collection *collection, struct chy_slice name)
{
    for (uint64_t i = 0; i < collection->fields.count; i++) {
        const struct chy_field *field = chy_view_item(collection->fields, i);
        if (chy_slice_equal(field->name, name)) {
            return (uint32_t)i;
        }
    }
    return NOWHERE;
}

static chy_status fill_target(struct chy_assembly *a, struct chy_op *op, const json_t *described,
                              struct target *target)
{
    struct chy_slice name = chy_json_member(described, "name");
    const json_t *fields = json_object_get(described, "fields");
    target->collection = NOWHERE;
    for (uint64_t i = 0; i < a->schema.collections.count; i++) {
        if (chy_slice_equal(collection_at(a, i)->name, name)) {
            target->collection = (uint32_t)i;
        }
    }
    if (target->collection == NOWHERE) {
        return chy_fail(op, CHY_DENIED, 0,
                        "the backup has a collection '%.*s', which this instance does not know: it "
                        "was made by a newer Chancery, or with other plugins",
                        (int)name.len, (const char *)name.ptr);
    }
    target->field_count = (uint32_t)json_array_size(fields);
    for (uint32_t i = 0; i < target->field_count && i < CHY_STORAGE_FIELDS_MAX; i++) {
        struct chy_slice field = chy_json_text(json_array_get(fields, i));
        uint32_t number = find_field(collection_at(a, target->collection), field);
        if (number == NOWHERE) {
            return chy_fail(op, CHY_DENIED, 0,
                            "the backup has '%.*s.%.*s', which this instance does not know: it was "
                            "made by a newer Chancery, or with other plugins",
                            (int)name.len, (const char *)name.ptr, (int)field.len,
                            (const char *)field.ptr);
        }
        target->fields[i] = number;
    }
    return target->field_count <= CHY_STORAGE_FIELDS_MAX
               ? CHY_OK
               : chy_fail(op, CHY_BAD_INPUT, 0, "the manifest has a collection of too many fields");
}

static chy_status make_targets(struct chy_assembly *a, struct chy_op *op, const json_t *manifest,
                               struct target **out_targets, size_t *out_count)
{
    const json_t *collections = json_object_get(manifest, "collections");
    size_t count = json_array_size(collections);
    struct target *targets = chy_alloc(op, (count + 1) * sizeof *targets);
    if (targets == NULL) {
        return chy_fail_memory(op);
    }
    for (size_t i = 0; i < count; i++) {
        CHY_TRY(fill_target(a, op, json_array_get(collections, i), &targets[i]));
    }
    *out_targets = targets;
    *out_count = count;
    return CHY_OK;
}

static bool take_number(struct chy_slice *rest, uint32_t octets, uint64_t *out_number)
{
    uint64_t number = 0;
    if (rest->len < octets) {
        return false;
    }
    for (uint32_t i = 0; i < octets; i++) {
        number = number << 8 | rest->ptr[i];
    }
    *rest = chy_slice_of(rest->ptr + octets, rest->len - octets);
    *out_number = number;
    return true;
}

static bool take_bytes(struct chy_slice *rest, struct chy_slice *out_bytes)
{
    uint64_t len;
    if (!take_number(rest, 4, &len) || len > rest->len) {
        return false;
    }
    *out_bytes = chy_slice_of(rest->ptr, len);
    *rest = chy_slice_of(rest->ptr + len, rest->len - len);
    return true;
}

static bool take_items(struct reading *r, struct chy_value *value)
{
    uint64_t count;
    if (!take_number(&r->rest, 4, &count) || count > r->rest.len / 4) {
        return false;
    }
    struct chy_slice *items = chy_alloc(r->op, (count + 1) * sizeof *items);
    for (uint64_t i = 0; i < count; i++) {
        if (items == NULL || !take_bytes(&r->rest, &items[i])) {
            return false;
        }
    }
    value->items = chy_view_of(items, count, sizeof *items);
    return items != NULL;
}

static bool take_value(struct reading *r, struct chy_value *out_value)
{
    uint64_t type;
    uint64_t number = 0;
    bool fine = take_number(&r->rest, 1, &type) && type <= CHY_VALUE_MANY;
    memset(out_value, 0, sizeof *out_value);
    if (!fine) {
        return false;
    }
    out_value->type = (uint32_t)type;
    switch ((enum chy_value_type)type) {
    case CHY_VALUE_NULL: return true;
    case CHY_VALUE_INT:
    case CHY_VALUE_BOOL:
    case CHY_VALUE_TIME:
        fine = take_number(&r->rest, 8, &number);
        out_value->number = (int64_t)number;
        return fine;
    case CHY_VALUE_TEXT:
    case CHY_VALUE_UUID:
    case CHY_VALUE_BLOB:
    case CHY_VALUE_JSON: return take_bytes(&r->rest, &out_value->bytes);
    case CHY_VALUE_MANY: return take_items(r, out_value);
    }
    return false;
}

static chy_status flush(struct reading *r)
{
    if (r->batch.count != 0) {
        CHY_TRY(chy_batch_commit(&r->batch, r->assembly->runtime.storage, NULL));
    }
    chy_batch_init(&r->batch, r->op, 0);
    r->batch_bytes = 0;
    return CHY_OK;
}

/** is_key tells whether a field is of the key, and where in it. */
static bool is_key(const struct chy_collection *collection, uint32_t field, uint64_t *out_place)
{
    for (uint64_t i = 0; i < collection->key.count; i++) {
        if (*(const uint32_t *)chy_view_item(collection->key, i) == field) {
            *out_place = i;
            return true;
        }
    }
    return false;
}

static chy_status put_row(struct reading *r, const struct target *target, struct chy_value *values)
{
    const struct chy_collection *collection = collection_at(r->assembly, target->collection);
    struct chy_value key[CHY_STORAGE_KEY_FIELDS_MAX] = {{0}};
    uint64_t place;
    for (uint32_t i = 0; i < target->field_count; i++) {
        if (is_key(collection, target->fields[i], &place)) {
            key[place] = values[i];
        }
    }
    // Again after an interruption: the same rows, the same values.
    struct chy_write *write = chy_batch_upsert(
        &r->batch, target->collection, chy_view_of(key, collection->key.count, sizeof key[0]));
    for (uint32_t i = 0; i < target->field_count; i++) {
        if (!is_key(collection, target->fields[i], &place)) {
            chy_write_set(write, target->fields[i], values[i]);
        }
    }
    return CHY_OK;
}

static chy_status read_row(struct reading *r)
{
    uint64_t number;
    const uint8_t *start = r->rest.ptr;
    if (!take_number(&r->rest, 2, &number) || number >= r->target_count) {
        return chy_fail(r->op, CHY_BAD_INPUT, 0, "a part of the backup is malformed");
    }
    const struct target *target = &r->targets[number];
    struct chy_value *values = chy_alloc(r->op, (target->field_count + 1U) * sizeof *values);
    if (values == NULL) {
        return chy_fail_memory(r->op);
    }
    for (uint32_t i = 0; i < target->field_count; i++) {
        if (!take_value(r, &values[i])) {
            return chy_fail(r->op, CHY_BAD_INPUT, 0, "a part of the backup is malformed");
        }
    }
    uint64_t len = (uint64_t)(r->rest.ptr - start);
    if (r->batch.count >= CHY_STORAGE_BATCH_OPERATIONS - 2U ||
        r->batch_bytes + len > CHY_STORAGE_BATCH_BYTES / 2) {
        CHY_TRY(flush(r));
    }
    r->batch_bytes += len;
    return put_row(r, target, values);
}

static chy_status read_part(struct reading *r, const char *directory, const json_t *part)
{
    char digest[65];
    const char *path;
    const char *name = json_string_value(json_object_get(part, "file"));
    if (name == NULL || strchr(name, '/') != NULL) {
        return chy_fail(r->op, CHY_BAD_INPUT, 0, "the manifest of the backup is malformed");
    }
    CHY_TRY(chy_path_join(r->op, directory, name, &path));
    CHY_TRY(chy_file_read(r->op, path, PART_MAX, &r->rest));
    CHY_TRY(digest_text(r->assembly, r->op, r->rest, digest));
    if (!chy_slice_is(chy_json_member(part, "sha256"), digest)) {
        return chy_fail(r->op, CHY_BAD_INPUT, 0,
                        "'%s' is not what the backup's manifest says: it was changed or is damaged",
                        path);
    }
    chy_batch_init(&r->batch, r->op, 0);
    while (r->rest.len != 0) {
        CHY_TRY(read_row(r));
    }
    return flush(r);
}

/** is_empty tells of the first collection that has a row. */
static chy_status check_empty(struct chy_assembly *a, struct chy_op *op)
{
    for (uint64_t i = 0; i < a->schema.collections.count; i++) {
        struct chy_query query;
        struct chy_storage_page page;
        if (!is_kept((uint32_t)i) || i == CHY_C_LEASES) {
            continue;
        }
        chy_query_init(&query, op, (uint32_t)i, CHY_NO_FIELDS, 1);
        CHY_TRY(chy_query_run(&query, a->runtime.storage, &page));
        if (page.rows.count != 0) {
            struct chy_slice name = collection_at(a, i)->name;
            return chy_fail(op, CHY_CONFLICT, 0,
                            "the database is not empty (%.*s): a backup is restored into a new one",
                            (int)name.len, (const char *)name.ptr);
        }
    }
    return CHY_OK;
}

/** begin marks the database, so that nothing serves from a half of it. */
static chy_status begin(struct chy_assembly *a, struct chy_op *op, struct chy_slice id)
{
    struct chy_storage_row row;
    struct chy_batch batch;
    chy_status status = chy_storage_read(a->runtime.storage, op, CHY_C_SETTINGS,
                                         CHY_KEY(chy_value_text(chy_text(CHY_SETTING_RESTORE))),
                                         CHY_FIELDS(CHY_SETTING_TEXT), &row);
    if (status == CHY_OK) {
        return chy_slice_equal(chy_row_text(&row, 0), id)
                   ? CHY_OK
                   : chy_fail(op, CHY_CONFLICT, 0,
                              "the restoring of another backup was begun in this database and not "
                              "finished: go on with that one, or take a new database");
    }
    if (status != CHY_NOT_FOUND) {
        return status;
    }
    CHY_TRY(check_empty(a, op));
    chy_batch_init(&batch, op, 0);
    struct chy_write *write = chy_batch_insert(
        &batch, CHY_C_SETTINGS, CHY_KEY(chy_value_text(chy_text(CHY_SETTING_RESTORE))));
    chy_write_set(write, CHY_SETTING_TEXT, chy_value_text(id));
    return chy_batch_commit(&batch, a->runtime.storage, NULL);
}

chy_status chy_dump_read(struct chy_assembly *assembly, struct chy_op *op, const char *directory,
                         const json_t *manifest)
{
    const json_t *parts = json_object_get(manifest, "parts");
    struct target *targets;
    size_t count;
    size_t i;
    json_t *part;
    CHY_TRY(make_targets(assembly, op, manifest, &targets, &count));
    CHY_TRY(begin(assembly, op, chy_json_member(manifest, "backupId")));
    json_array_foreach((json_t *)(uintptr_t)parts, i, part)
    {
        CHY_AUTO(chy_operation_free) struct chy_operation *own = new_operation(assembly, "restore");
        if (own == NULL) {
            return chy_fail_memory(op);
        }
        struct reading r = {
            .assembly = assembly, .op = &own->op, .targets = targets, .target_count = count};
        CHY_TRY(chy_op_adopt(op, own, read_part(&r, directory, part)));
    }
    return CHY_OK;
}
