#include "base/file.h"
#include "base/op.h"
#include "base/slice.h"
#include "command/dump_state.h"
#include "command/dump_value.h"
#include "command/locate.h"
#include "plugin/view.h"
#include "resource/collections.h"
#include "resource/json.h"

#define MANIFEST_MAX ((size_t)256 << 20)

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
        if (chy_slice_equal(chy_dump_collection(a, i)->name, name)) {
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
        uint32_t number = find_field(chy_dump_collection(a, target->collection), field);
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
    const struct chy_collection *collection = chy_dump_collection(r->assembly, target->collection);
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
    if (!chy_dump_take_number(&r->rest, 2, &number) || number >= r->target_count) {
        return chy_fail(r->op, CHY_BAD_INPUT, 0, "a part of the backup is malformed");
    }
    const struct target *target = &r->targets[number];
    struct chy_value *values = chy_alloc(r->op, (target->field_count + 1U) * sizeof *values);
    if (values == NULL) {
        return chy_fail_memory(r->op);
    }
    for (uint32_t i = 0; i < target->field_count; i++) {
        if (!chy_dump_take_value(r->op, &r->rest, &values[i])) {
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
    CHY_TRY(chy_file_read(r->op, path, CHY_DUMP_PART_MAX, &r->rest));
    CHY_TRY(chy_dump_digest(r->assembly, r->op, r->rest, digest));
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
        if (!chy_dump_is_kept((uint32_t)i) || i == CHY_C_LEASES) {
            continue;
        }
        chy_query_init(&query, op, (uint32_t)i, CHY_NO_FIELDS, 1);
        CHY_TRY(chy_query_run(&query, a->runtime.storage, &page));
        if (page.rows.count != 0) {
            struct chy_slice name = chy_dump_collection(a, i)->name;
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
        CHY_AUTO(chy_operation_free)
        struct chy_operation *own = chy_dump_operation(assembly, "restore");
        if (own == NULL) {
            return chy_fail_memory(op);
        }
        struct reading r = {
            .assembly = assembly, .op = &own->op, .targets = targets, .target_count = count};
        CHY_TRY(chy_op_adopt(op, own, read_part(&r, directory, part)));
    }
    return CHY_OK;
}
