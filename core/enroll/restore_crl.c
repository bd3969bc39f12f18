#include "enroll/restore_crl.h"

#include "base/op.h"
#include "base/slice.h"
#include "enroll/revoke.h"
#include "enroll/shard.h"
#include "resource/collections.h"

/** take_place reads ".../crl/<generation>/<shard>.crl" or "...-delta.crl" from its end. */
static bool take_place(struct chy_slice url, struct chy_crl_place *out_place)
{
    struct chy_crl_place place = {.is_delta = false};
    struct chy_slice name;
    uint64_t at;
    if (!chy_slice_ends_with(url, chy_text(".crl"))) {
        return false;
    }
    url = chy_slice_first(url, url.len - strlen(".crl"));
    if (chy_slice_ends_with(url, chy_text("-delta"))) {
        place.is_delta = true;
        url = chy_slice_first(url, url.len - strlen("-delta"));
    }
    if (!chy_slice_find_last(url, '/', &at)) {
        return false;
    }
    name = chy_slice_skip(url, at + 1);
    url = chy_slice_first(url, at);
    if (!chy_slice_parse_i64(name, 1, INT32_MAX, &place.shard) ||
        !chy_slice_find_last(url, '/', &at) ||
        !chy_uuid_parse(chy_slice_skip(url, at + 1), &place.generation_id) ||
        !chy_slice_ends_with(chy_slice_first(url, at), chy_text("/crl"))) {
        return false;
    }
    *out_place = place;
    return true;
}

static int64_t number_of(const struct chy_crl *crl)
{
    int64_t number = 0;
    for (uint64_t i = 0; i < crl->number.len; i++) {
        number = number << 8 | crl->number.ptr[i];
    }
    return number;
}

chy_status chy_restore_crl_read(struct chy_op *op, struct chy_slice der, struct chy_crl *out_crl,
                                struct chy_crl_place *out_place)
{
    struct chy_crl crl;
    CHY_TRY(chy_crl_read(op, der, &crl));
    if (!crl.has_number || crl.number.len > 7) {
        return chy_fail(op, CHY_BAD_INPUT, 0, "the CRL has no number that Chancery gives");
    }
    for (uint64_t i = 0; i < crl.point.urls.count; i++) {
        if (take_place(crl.point.urls.items[i], out_place)) {
            out_place->is_delta = crl.is_delta;
            out_place->number = number_of(&crl);
            *out_crl = crl;
            return CHY_OK;
        }
    }
    return chy_fail(op, CHY_BAD_INPUT, 0,
                    "the CRL does not say in its distribution point which of ours it is");
}

chy_status chy_restore_crl_is_ours(struct chy_runtime *runtime, struct chy_op *op,
                                   const struct chy_crl_place *place, bool *out_ours)
{
    struct chy_storage_row row;
    chy_status status =
        chy_storage_read(runtime->storage, op, CHY_C_GENERATIONS,
                         CHY_KEY(chy_value_uuid(&place->generation_id)), CHY_NO_FIELDS, &row);
    *out_ours = status == CHY_OK;
    return status == CHY_NOT_FOUND ? CHY_OK : status;
}

static chy_status check_signer(struct chy_runtime *runtime, struct chy_op *op,
                               const struct chy_crl *crl, const struct chy_crl_place *place)
{
    const struct chy_issuer *issuer;
    CHY_TRY(chy_issuer_of_generation(runtime, op, &place->generation_id, &issuer));
    if (!chy_slice_equal(crl->issuer, issuer->path[0].subject)) {
        return chy_fail(op, CHY_BAD_INPUT, 0,
                        "the CRL names another issuer than the CA whose address it has");
    }
    return chy_crypto_verify_spki(runtime->leaf_crypto, op, issuer->path[0].spki.der,
                                  crl->signature_algorithm, crl->tbs, crl->signature);
}

/** raise_number opens a shard that the database does not know, and brings its number up. */
static chy_status raise_number(struct chy_runtime *runtime, struct chy_op *op,
                               const struct chy_crl_place *place)
{
    struct chy_value key[] = {chy_value_uuid(&place->generation_id), chy_value_int(place->shard)};
    struct chy_view key_view = chy_view_of(key, 2, sizeof key[0]);
    struct chy_storage_row row;
    struct chy_batch batch;
    chy_status status = chy_storage_read(runtime->storage, op, CHY_C_CRL_SHARDS, key_view,
                                         CHY_FIELDS(CHY_SHARD_CRL_NUMBER), &row);
    if (status == CHY_NOT_FOUND) {
        chy_batch_init(&batch, op, 0);
        CHY_TRY(chy_shard_open(runtime, &batch, &place->generation_id, place->shard));
        CHY_TRY(chy_batch_commit(&batch, runtime->storage, NULL));
        return raise_number(runtime, op, place);
    }
    CHY_TRY(status);
    if (chy_row_int(&row, 0) >= place->number) {
        return CHY_OK;
    }
    chy_batch_init(&batch, op, 0);
    struct chy_write *write = chy_batch_update(&batch, CHY_C_CRL_SHARDS, key_view);
    chy_write_guard_revision(write, row.revision);
    chy_write_set(write, CHY_SHARD_CRL_NUMBER, chy_value_int(place->number));
    return chy_batch_commit(&batch, runtime->storage, NULL);
}

/** lacks tells whether an entry of the CRL says more than the database does. */
static chy_status lacks(struct chy_runtime *runtime, struct chy_op *op,
                        const struct chy_crl_place *place, const struct chy_crl_entry *entry,
                        const char *serial, bool *out_lacks)
{
    struct chy_storage_row row;
    chy_status status = chy_storage_read(
        runtime->storage, op, CHY_C_REVOCATIONS,
        CHY_KEY(chy_value_uuid(&place->generation_id), chy_value_text(chy_text(serial))),
        CHY_FIELDS(CHY_REVOCATION_REASON, CHY_REVOCATION_LIFTED), &row);
    if (status == CHY_NOT_FOUND) {
        *out_lacks = true;
        return CHY_OK;
    }
    CHY_TRY(status);
    uint32_t reason = (uint32_t)chy_row_int(&row, 0);
    bool is_lifted = chy_row_bool(&row, 1);
    *out_lacks = is_lifted || (reason == CHY_CRL_CERTIFICATE_HOLD && entry->reason != reason) ||
                 (entry->reason == CHY_CRL_KEY_COMPROMISE && reason != entry->reason);
    return CHY_OK;
}

static chy_status add_entry(struct chy_runtime *runtime, struct chy_op *op,
                            const struct chy_crl_place *place, const struct chy_crl_entry *entry,
                            uint64_t *added)
{
    char serial[CHY_SERIAL_TEXT_SIZE];
    struct chy_revoke_answer answer = {.struct_size = sizeof answer};
    bool is_lacking = false;
    chy_serial_text(entry->serial, serial);
    struct chy_revoke_wish wish = {.generation_id = &place->generation_id,
                                   .serial = chy_text(serial),
                                   .reason = entry->reason,
                                   .revoked_at = entry->date,
                                   .shard = place->shard};
    if (entry->reason == CHY_CRL_REMOVE_FROM_CRL) {
        return CHY_OK; // a delta's: what ended is in no complete CRL
    }
    CHY_TRY(lacks(runtime, op, place, entry, serial, &is_lacking));
    if (!is_lacking) {
        return CHY_OK;
    }
    CHY_TRY(chy_revoke_serial(runtime, op, &wish, &answer));
    ++*added;
    return CHY_OK;
}

chy_status chy_restore_crl(struct chy_runtime *runtime, struct chy_op *op,
                           const struct chy_crl *crl, const struct chy_crl_place *place,
                           uint64_t *out_added)
{
    struct chy_der entries = chy_der_of(crl->entries);
    struct chy_crl_entry entry;
    uint64_t added = 0;
    CHY_TRY(check_signer(runtime, op, crl, place));
    CHY_TRY(raise_number(runtime, op, place));
    while (chy_crl_next(&entries, &entry)) {
        struct chy_op *child = op->host->op_child(op);
        if (child == NULL) {
            return chy_fail_memory(op);
        }
        chy_status status = add_entry(runtime, child, place, &entry, &added);
        CHY_TRY(chy_op_end_child(op, child, status));
    }
    *out_added = added;
    return CHY_OK;
}

/** forget drops the kept CRLs of one shard; what they said is in the revocations. */
static void forget(struct chy_batch *batch, const struct chy_uuid *id, int64_t shard)
{
    static const uint32_t dropped[] = {CHY_SHARD_CRL,
                                       CHY_SHARD_THIS_UPDATE,
                                       CHY_SHARD_NEXT_UPDATE,
                                       CHY_SHARD_BASE_NUMBER,
                                       CHY_SHARD_DELTA,
                                       CHY_SHARD_DELTA_REVISION,
                                       CHY_SHARD_DELTA_THIS_UPDATE,
                                       CHY_SHARD_DELTA_NEXT_UPDATE,
                                       CHY_SHARD_BASE_REVISION,
                                       CHY_SHARD_BASE_AT};
    struct chy_write *write = chy_batch_update(batch, CHY_C_CRL_SHARDS,
                                               CHY_KEY(chy_value_uuid(id), chy_value_int(shard)));
    for (size_t i = 0; i < CHY_COUNT_OF(dropped); i++) {
        chy_write_set(write, dropped[i], chy_value_null());
    }
}

chy_status chy_restore_forget_crls(struct chy_runtime *runtime, struct chy_op *op)
{
    struct chy_query query;
    struct chy_storage_page page;
    chy_query_init(&query, op, CHY_C_CRL_SHARDS,
                   CHY_FIELDS(CHY_SHARD_GENERATION_ID, CHY_SHARD_NUMBER), 100);
    do {
        struct chy_batch batch;
        struct chy_uuid ids[100];
        CHY_TRY(chy_query_run(&query, runtime->storage, &page));
        chy_batch_init(&batch, op, 0);
        for (uint64_t i = 0; i < page.rows.count; i++) {
            ids[i] = chy_row_uuid(chy_page_row(&page, i), 0);
            forget(&batch, &ids[i], chy_row_int(chy_page_row(&page, i), 1));
        }
        if (batch.count != 0) {
            CHY_TRY(chy_batch_commit(&batch, runtime->storage, NULL));
        }
        query.find.cursor = page.cursor;
    } while (page.more != 0);
    return CHY_OK;
}
