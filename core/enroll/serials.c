#include "enroll/serials.h"

#include "plugin/view.h"
#include "resource/collections.h"
#include "x509/certificate.h"

/** key_of makes the key that the write of an entry names; writes copy it. */
static struct chy_view key_of(const struct chy_serial_entry *entry, struct chy_value out_key[3])
{
    out_key[0] = chy_value_text(entry->number);
    out_key[1] = chy_value_uuid(entry->project_id);
    out_key[2] = chy_value_uuid(entry->signer);
    return chy_view_of(out_key, 3, sizeof out_key[0]);
}

void chy_serial_enter(struct chy_batch *batch, const struct chy_serial_entry *entry)
{
    struct chy_value key[3];
    struct chy_write *write = chy_batch_insert(batch, CHY_C_SERIALS, key_of(entry, key));
    chy_write_set(write, CHY_SERIAL_CERTIFICATE_ID, chy_value_uuid(entry->certificate_id));
    chy_write_set(write, CHY_SERIAL_NOT_AFTER, chy_value_time(entry->not_after));
    if (entry->shard != 0) {
        chy_write_set(write, CHY_SERIAL_SHARD, chy_value_int(entry->shard));
    }
}

void chy_serial_leave(struct chy_batch *batch, const struct chy_serial_entry *entry)
{
    struct chy_value key[3];
    (void)chy_batch_delete(batch, CHY_C_SERIALS, key_of(entry, key));
}

static chy_status canonical(struct chy_op *op, struct chy_slice text, struct chy_slice *out_number)
{
    uint8_t octets[20];
    uint64_t len;
    char number[CHY_SERIAL_TEXT_SIZE];
    *out_number = chy_slice_of(NULL, 0);
    if (!chy_serial_parse(text, octets, &len)) {
        return CHY_OK;
    }
    chy_serial_text(chy_slice_of(octets, len), number);
    return chy_copy(op, chy_text(number), out_number);
}

static chy_status read_entries(struct chy_op *op, const struct chy_storage_page *page,
                               struct chy_slice number, struct chy_view *out_entries)
{
    struct chy_serial_entry *entries = chy_alloc(op, (page->rows.count + 1) * sizeof *entries);
    struct chy_uuid *ids = chy_alloc(op, (page->rows.count + 1) * 3 * sizeof *ids);
    if (entries == NULL || ids == NULL) {
        return chy_fail_memory(op);
    }
    for (uint64_t i = 0; i < page->rows.count; i++) {
        const struct chy_storage_row *row = chy_page_row(page, i);
        struct chy_uuid *own = &ids[3 * i];
        for (uint32_t k = 0; k < 3; k++) {
            own[k] = chy_row_uuid(row, k);
        }
        entries[i] = (struct chy_serial_entry){
            .number = number,
            .project_id = &own[0],
            .signer = &own[1],
            .certificate_id = &own[2],
            .not_after = chy_row_time(row, 3),
            .shard = chy_row_is_null(row, 4) ? 0 : chy_row_int(row, 4),
        };
    }
    *out_entries = chy_view_of(entries, page->rows.count, sizeof entries[0]);
    return CHY_OK;
}

chy_status chy_serial_find(struct chy_runtime *runtime, struct chy_op *op,
                           const struct chy_uuid *project_id, struct chy_slice text,
                           struct chy_view *out_entries)
{
    struct chy_slice number;
    struct chy_query query;
    struct chy_storage_page page;
    *out_entries = chy_view_of(NULL, 0, sizeof(struct chy_serial_entry));
    CHY_TRY(canonical(op, text, &number));
    if (number.len == 0) {
        return CHY_OK;
    }
    chy_query_init(&query, op, CHY_C_SERIALS,
                   CHY_FIELDS(CHY_SERIAL_PROJECT_ID, CHY_SERIAL_GENERATION_ID,
                              CHY_SERIAL_CERTIFICATE_ID, CHY_SERIAL_NOT_AFTER, CHY_SERIAL_SHARD),
                   CHY_SERIAL_SAME_MAX);
    chy_query_eq(&query, CHY_SERIAL_NUMBER, chy_value_text(number));
    if (project_id != NULL) {
        chy_query_eq(&query, CHY_SERIAL_PROJECT_ID, chy_value_uuid(project_id));
    }
    CHY_TRY(chy_query_run(&query, runtime->storage, &page));
    return read_entries(op, &page, number, out_entries);
}

chy_status chy_serial_named(struct chy_runtime *runtime, struct chy_op *op,
                            const struct chy_uuid *project_id, struct chy_slice words,
                            uint32_t field, struct chy_uuid out_ids[CHY_SERIAL_SAME_MAX],
                            uint64_t *out_count)
{
    struct chy_view entries;
    *out_count = chy_uuid_parse(words, &out_ids[0]) ? 1 : 0;
    if (*out_count != 0) {
        return CHY_OK;
    }
    CHY_TRY(chy_serial_find(runtime, op, project_id, words, &entries));
    for (uint64_t i = 0; i < entries.count; i++) {
        const struct chy_serial_entry *entry =
            (const struct chy_serial_entry *)chy_view_item(entries, i);
        struct chy_storage_row row;
        chy_status status = chy_storage_read(runtime->storage, op, CHY_C_CERTIFICATES,
                                             CHY_KEY(chy_value_uuid(entry->certificate_id)),
                                             CHY_FIELDS(field), &row);
        if (status == CHY_OK && !chy_row_is_null(&row, 0)) {
            out_ids[(*out_count)++] = chy_row_uuid(&row, 0);
        } else if (status != CHY_OK && status != CHY_NOT_FOUND) { // deleted: numbers stay
            return status;
        }
    }
    return CHY_OK;
}
