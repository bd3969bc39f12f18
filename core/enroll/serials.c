#include "enroll/serials.h"

#include "resource/collections.h"
#include "x509/certificate.h"

void chy_serial_enter(struct chy_batch *batch, const struct chy_serial_entry *entry)
{
    struct chy_value key[] = {chy_value_text(entry->number), chy_value_uuid(entry->signer)};
    struct chy_write *write =
        chy_batch_insert(batch, CHY_C_SERIALS, chy_view_of(key, 2, sizeof key[0]));
    chy_write_set(write, CHY_SERIAL_CERTIFICATE_ID, chy_value_uuid(entry->certificate_id));
    chy_write_set(write, CHY_SERIAL_NOT_AFTER, chy_value_time(entry->not_after));
    if (entry->shard != 0) {
        chy_write_set(write, CHY_SERIAL_SHARD, chy_value_int(entry->shard));
    }
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

chy_status chy_serial_find(struct chy_runtime *runtime, struct chy_op *op, struct chy_slice text,
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
                   CHY_FIELDS(CHY_SERIAL_GENERATION_ID, CHY_SERIAL_CERTIFICATE_ID,
                              CHY_SERIAL_NOT_AFTER, CHY_SERIAL_SHARD),
                   CHY_SERIAL_SAME_MAX);
    chy_query_eq(&query, CHY_SERIAL_NUMBER, chy_value_text(number));
    CHY_TRY(chy_query_run(&query, runtime->storage, &page));
    struct chy_serial_entry *entries = chy_alloc(op, (page.rows.count + 1) * sizeof *entries);
    struct chy_uuid *ids = chy_alloc(op, (page.rows.count + 1) * 2 * sizeof *ids);
    if (entries == NULL || ids == NULL) {
        return chy_fail_memory(op);
    }
    for (uint64_t i = 0; i < page.rows.count; i++) {
        const struct chy_storage_row *row = chy_page_row(&page, i);
        ids[2 * i] = chy_row_uuid(row, 0);
        ids[2 * i + 1] = chy_row_uuid(row, 1);
        entries[i] = (struct chy_serial_entry){
            .number = number,
            .signer = &ids[2 * i],
            .certificate_id = &ids[2 * i + 1],
            .shard = chy_row_is_null(row, 3) ? 0 : chy_row_int(row, 3),
            .not_after = chy_row_time(row, 2),
        };
    }
    *out_entries = chy_view_of(entries, page.rows.count, sizeof entries[0]);
    return CHY_OK;
}

chy_status chy_serial_last_end(struct chy_runtime *runtime, struct chy_op *op,
                               const struct chy_uuid *signer, int64_t *out_end)
{
    struct chy_query query;
    struct chy_storage_page page;
    chy_query_init(&query, op, CHY_C_SERIALS, CHY_FIELDS(CHY_SERIAL_NOT_AFTER), 1);
    chy_query_eq(&query, CHY_SERIAL_GENERATION_ID, chy_value_uuid(signer));
    chy_query_order(&query, CHY_SERIAL_NOT_AFTER, true);
    CHY_TRY(chy_query_run(&query, runtime->storage, &page));
    *out_end = page.rows.count == 0 ? INT64_MIN : chy_row_time(chy_page_row(&page, 0), 0);
    return CHY_OK;
}
