// What is meant: a certificate's row, a CA's own certificate, or a number without a row.

#include "base/slice.h"
#include "enroll/permit.h"
#include "enroll/revoke_state.h"
#include "enroll/serials.h"
#include "plugin/view.h"
#include "resource/collections.h"
#include "x509/certificate.h"
#include "x509/crl.h"

static chy_status refuse_unanswered(struct chy_op *op, bool imported)
{
    return chy_fail(op, CHY_BAD_INPUT, 0, "%s",
                    imported ? "the certificate was imported: only the CA that signed it can "
                               "revoke it"
                             : "the certificate is self-signed: no CRL could show that it is "
                               "revoked; delete it and make those who trust it trust it no more");
}

static chy_status target_of_row(struct chy_revocation *w)
{
    struct chy_revoke_target *t = &w->target;
    const struct chy_storage_row *row = &t->row;
    t->has_row = true;
    t->project_id = chy_row_uuid(row, CHY_CERT_PROJECT_ID);
    // Who is suspected must not be able to lift the hold that an administrator put.
    CHY_TRY(w->reason == CHY_CRL_REMOVE_FROM_CRL
                ? chy_require(w->op, &t->project_id, CHY_SUBJECT_CERTIFICATES, CHY_ACTION_REVOKE,
                              "certificate")
                : chy_permit_require(w->runtime, w->op, row, CHY_ACTION_REVOKE));
    t->generation_id = chy_row_uuid(row, CHY_CERT_GENERATION_ID);
    t->authority_id = chy_row_uuid(row, CHY_CERT_AUTHORITY_ID);
    t->serial = chy_row_text(row, CHY_CERT_SERIAL);
    t->shard = chy_row_int(row, CHY_CERT_SHARD);
    t->not_after = chy_row_time(row, CHY_CERT_NOT_AFTER);
    t->spki_sha256 = chy_row_blob(row, CHY_CERT_SPKI_SHA256);
    bool imported = !chy_slice_is(chy_row_text(row, CHY_CERT_SOURCE), "issued");
    return imported || chy_uuid_is_nil(&t->generation_id) ? refuse_unanswered(w->op, imported)
                                                          : CHY_OK;
}

/** look_at_authority finds out what hangs on a CA's own certificate: its key, and its issuing. */
static chy_status look_at_authority(struct chy_revocation *w, const struct chy_uuid *generation_id)
{
    struct chy_revoke_target *t = &w->target;
    struct chy_storage_row generation = {.revision = 0};
    struct chy_storage_row authority;
    CHY_TRY(chy_storage_read(
        w->runtime->storage, w->op, CHY_C_GENERATIONS, CHY_KEY(chy_value_uuid(generation_id)),
        CHY_FIELDS(CHY_GENERATION_SPKI_SHA256, CHY_GENERATION_CERTIFICATE_ID), &generation));
    CHY_TRY(chy_storage_read(
        w->runtime->storage, w->op, CHY_C_AUTHORITIES, CHY_KEY(chy_value_uuid(&t->authority_id)),
        CHY_FIELDS(CHY_AUTHORITY_GENERATION_ID, CHY_AUTHORITY_STATUS), &authority));
    struct chy_uuid used = chy_row_uuid(&generation, 1);
    struct chy_uuid active = chy_row_uuid(&authority, 0);
    t->spki_sha256 = chy_row_blob(&generation, 0);
    t->of_active_key = chy_uuid_compare(&active, generation_id) == 0;
    t->stops_authority = t->of_active_key && chy_uuid_compare(&used, &t->certificate_id) == 0 &&
                         chy_slice_is(chy_row_text(&authority, 1), "active");
    t->authority_revision = authority.revision;
    return CHY_OK;
}

static chy_status target_of_authority(struct chy_revocation *w)
{
    struct chy_revoke_target *t = &w->target;
    struct chy_storage_row row;
    chy_status status = chy_storage_read(w->runtime->storage, w->op, CHY_C_AUTHORITY_CERTIFICATES,
                                         CHY_KEY(chy_value_uuid(&t->certificate_id)),
                                         chy_core_fields(CHY_C_AUTHORITY_CERTIFICATES), &row);
    CHY_TRY(chy_or_not_found(w->op, status, "certificate"));
    t->project_id = chy_row_uuid(&row, CHY_ACERT_PROJECT_ID);
    CHY_TRY(chy_require(w->op, &t->project_id, CHY_SUBJECT_AUTHORITIES, CHY_ACTION_REVOKE,
                        "certificate"));
    struct chy_uuid own = chy_row_uuid(&row, CHY_ACERT_GENERATION_ID);
    t->generation_id = chy_row_uuid(&row, CHY_ACERT_PARENT_GENERATION_ID);
    t->authority_id = chy_row_uuid(&row, CHY_ACERT_AUTHORITY_ID);
    t->serial = chy_row_text(&row, CHY_ACERT_SERIAL);
    t->shard = chy_row_int(&row, CHY_ACERT_SHARD);
    t->not_after = chy_row_time(&row, CHY_ACERT_NOT_AFTER);
    if (chy_uuid_is_nil(&t->generation_id)) {
        return refuse_unanswered(w->op, chy_row_blob(&row, CHY_ACERT_CHAIN).len != 0);
    }
    return look_at_authority(w, &own);
}

static chy_status read_row(struct chy_revocation *w, const struct chy_uuid *id)
{
    w->target.certificate_id = *id;
    return chy_storage_read(w->runtime->storage, w->op, CHY_C_CERTIFICATES,
                            CHY_KEY(chy_value_uuid(id)), chy_core_fields(CHY_C_CERTIFICATES),
                            &w->target.row);
}

chy_status chy_revoke_target_of_id(struct chy_revocation *w, const struct chy_uuid *id)
{
    chy_status status = read_row(w, id);
    if (status == CHY_NOT_FOUND) {
        return target_of_authority(w);
    }
    CHY_TRY(status);
    return target_of_row(w);
}

static chy_status read_generation(struct chy_revocation *w, struct chy_storage_row *out_row)
{
    struct chy_storage_row row;
    chy_status status = chy_storage_read(
        w->runtime->storage, w->op, CHY_C_GENERATIONS,
        CHY_KEY(chy_value_uuid(w->wish->generation_id)),
        CHY_FIELDS(CHY_GENERATION_PROJECT_ID, CHY_GENERATION_CERTIFICATE_ID), &row);
    CHY_TRY(chy_or_not_found(w->op, status, "key generation"));
    w->target.project_id = chy_row_uuid(&row, 0);
    CHY_TRY(chy_require(w->op, &w->target.project_id, CHY_SUBJECT_AUTHORITIES, CHY_ACTION_REVOKE,
                        "key generation"));
    *out_row = row;
    return CHY_OK;
}

/** end_of_authority: no certificate of a CA outlives the CA's own. */
static chy_status end_of_authority(struct chy_revocation *w,
                                   const struct chy_storage_row *generation, int64_t *out_end)
{
    struct chy_uuid id = chy_row_uuid(generation, 1);
    struct chy_storage_row row;
    CHY_TRY(chy_storage_read(w->runtime->storage, w->op, CHY_C_AUTHORITY_CERTIFICATES,
                             CHY_KEY(chy_value_uuid(&id)), CHY_FIELDS(CHY_ACERT_NOT_AFTER), &row));
    *out_end = chy_row_time(&row, 0);
    return CHY_OK;
}

/** target_without_row is of a number of which only the register knows, or nobody. */
static chy_status target_without_row(struct chy_revocation *w, const struct chy_serial_entry *entry,
                                     const struct chy_storage_row *generation)
{
    struct chy_revoke_target *t = &w->target;
    t->certificate_id = (struct chy_uuid){{0}};
    t->generation_id = *w->wish->generation_id;
    t->shard = entry != NULL && entry->shard != 0 ? entry->shard : w->wish->shard;
    t->not_after = entry != NULL ? entry->not_after : w->wish->not_after;
    if (t->shard <= 0) {
        return chy_fail(w->op, CHY_BAD_INPUT, 0,
                        "no certificate of this serial number is known, so its CRL is not known "
                        "either: name the shard, which is the number at the end of the "
                        "certificate's CRL distribution point");
    }
    return t->not_after != 0 ? CHY_OK : end_of_authority(w, generation, &t->not_after);
}

chy_status chy_revoke_target_of_serial(struct chy_revocation *w)
{
    struct chy_storage_row generation = {.revision = 0};
    struct chy_view entries;
    const struct chy_serial_entry *found = NULL;
    uint8_t octets[20];
    uint64_t len;
    char number[CHY_SERIAL_TEXT_SIZE];
    CHY_TRY(read_generation(w, &generation));
    if (!chy_serial_parse(w->wish->serial, octets, &len)) {
        return chy_fail(w->op, CHY_BAD_INPUT, 0,
                        "a serial number is written as at most 40 hexadecimal digits");
    }
    chy_serial_text(chy_slice_of(octets, len), number);
    CHY_TRY(chy_copy(w->op, chy_text(number), &w->target.serial));
    CHY_TRY(chy_serial_find(w->runtime, w->op, &w->target.project_id, w->wish->serial, &entries));
    for (uint64_t i = 0; i < entries.count; i++) {
        const struct chy_serial_entry *entry = chy_view_at(entries, i);
        found = chy_uuid_compare(entry->signer, w->wish->generation_id) == 0 ? entry : found;
    }
    if (found != NULL) {
        struct chy_slice serial = w->target.serial;
        chy_status status = chy_revoke_target_of_id(w, found->certificate_id);
        if (status != CHY_NOT_FOUND) {
            return status;
        }
        w->target.serial = serial; // deleted since: the register remembers
    }
    return target_without_row(w, found, &generation);
}
