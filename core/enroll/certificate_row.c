#include "enroll/certificate_row.h"

#include "base/buf.h"
#include "enroll/decision.h"
#include "enroll/names.h"
#include "enroll/serials.h"
#include "enroll/statistics.h"
#include "resource/collections.h"

/* ------------------------------------------------------------------------------------------------
 * Texts
 */

/** wire_name is the member of answers that shows an attribute. */
static const char *wire_name(enum chy_name_type type)
{
    switch (type) {
    case CHY_NAME_DOMAIN_COMPONENT: return "domainComponents";
    case CHY_NAME_COUNTRY: return "country";
    case CHY_NAME_STATE: return "state";
    case CHY_NAME_LOCALITY: return "locality";
    case CHY_NAME_ORGANIZATION: return "organization";
    case CHY_NAME_ORGANIZATIONAL_UNIT: return "organizationalUnit";
    case CHY_NAME_COMMON_NAME: return "commonName";
    }
    return "";
}

/** subject_json writes the attributes as answers show them; several of a type are comma-joined. */
static chy_status subject_json(struct chy_op *op, const struct chy_name *subject,
                               struct chy_slice *out_json)
{
    struct chy_buf json;
    chy_buf_init(&json, op, CHY_STORAGE_TEXT_MAX);
    chy_buf_add_u8(&json, '{');
    bool first = true;
    for (uint64_t k = 0; k < subject->count;) {
        enum chy_name_type type = subject->attributes[k].type;
        struct chy_buf value;
        chy_buf_init(&value, op, CHY_STORAGE_TEXT_MAX);
        for (bool more = false; k < subject->count && subject->attributes[k].type == type; k++) {
            chy_buf_add_text(&value, more ? "," : "");
            chy_buf_add(&value, subject->attributes[k].value);
            more = true;
        }
        chy_buf_add_text(&json, first ? "\"" : ",\"");
        chy_buf_add_text(&json, wire_name(type));
        chy_buf_add_text(&json, "\":");
        chy_buf_add_json_string(&json, chy_buf_slice(&value));
        first = false;
    }
    chy_buf_add_u8(&json, '}');
    *out_json = chy_buf_slice(&json);
    return chy_buf_ok(&json) ? CHY_OK : chy_buf_fail(&json, op, "the subject");
}

chy_status chy_certificate_texts_make(struct chy_op *op, const struct chy_name *subject,
                                      const struct chy_sans *sans, struct chy_view metadata,
                                      struct chy_certificate_texts *out_texts)
{
    struct chy_certificate_texts texts;
    memset(&texts, 0, sizeof texts);
    if (!chy_name_get(subject, CHY_NAME_COMMON_NAME, &texts.common_name)) {
        texts.common_name = chy_slice_of(NULL, 0);
    }
    CHY_TRY(subject_json(op, subject, &texts.subject));
    CHY_TRY(chy_decision_metadata(op, metadata, &texts.metadata));
    CHY_TRY(chy_names_joined(op, sans, &texts.alt_names));
    CHY_TRY(chy_names_searched(op, subject, sans, &texts.names));
    CHY_TRY(chy_names_pairs(op, metadata, &texts.pairs));
    *out_texts = texts;
    return CHY_OK;
}

/* ------------------------------------------------------------------------------------------------
 * The row
 */

static void set_origin(struct chy_write *write, const struct chy_certificate_row *row)
{
    chy_write_set(write, CHY_CERT_PROJECT_ID, chy_value_uuid(&row->project_id));
    chy_write_set(write, CHY_CERT_PROFILE_ID, chy_value_uuid_or_null(&row->profile_id));
    chy_write_set(write, CHY_CERT_REQUEST_ID, chy_value_uuid_or_null(&row->request_id));
    chy_write_set(write, CHY_CERT_APPLICATION_ID, chy_value_uuid_or_null(&row->application_id));
    chy_write_set(write, CHY_CERT_IDENTITY_ID, chy_value_uuid_or_null(&row->identity_id));
    chy_write_set(write, CHY_CERT_METHOD, chy_value_text(row->method));
    chy_write_set(write, CHY_CERT_SOURCE, chy_value_text(chy_text(row->source)));
    chy_write_set(write, CHY_CERT_STATUS, chy_value_text(chy_text("active")));
    if (row->issuer != NULL) {
        chy_write_set(write, CHY_CERT_AUTHORITY_ID, chy_value_uuid(&row->issuer->authority_id));
        chy_write_set(write, CHY_CERT_GENERATION_ID, chy_value_uuid(&row->issuer->generation_id));
        chy_write_set(write, CHY_CERT_AUTHORITY_CERTIFICATE_ID,
                      chy_value_uuid(&row->issuer->certificate_id));
        chy_write_set(write, CHY_CERT_SHARD, chy_value_int(row->shard));
    }
}

static void set_texts(struct chy_write *write, const struct chy_certificate_row *row)
{
    const struct chy_certificate_texts *texts = row->texts;
    chy_write_set(write, CHY_CERT_COMMON_NAME, chy_value_text_or_null(texts->common_name));
    chy_write_set(write, CHY_CERT_ALT_NAMES, chy_value_text_or_null(texts->alt_names));
    chy_write_set(write, CHY_CERT_NAMES, chy_value_many(texts->names));
    chy_write_set(write, CHY_CERT_SUBJECT, chy_value_json_or_null(texts->subject));
    chy_write_set(write, CHY_CERT_METADATA, chy_value_json_or_null(texts->metadata));
    chy_write_set(write, CHY_CERT_PAIRS, chy_value_many(texts->pairs));
    chy_write_set(write, CHY_CERT_FRIENDLY_NAME, chy_value_text_or_null(row->friendly_name));
}

static chy_status set_content(struct chy_runtime *runtime, struct chy_op *op,
                              struct chy_write *write, const struct chy_certificate_row *row,
                              struct chy_slice sha256)
{
    struct chy_slice sha1;
    CHY_TRY(chy_crypto_digest(runtime->leaf_crypto, op, CHY_DIGEST_SHA1, row->der, &sha1));
    chy_write_set(write, CHY_CERT_SERIAL, chy_value_text(row->serial));
    chy_write_set(write, CHY_CERT_NOT_BEFORE, chy_value_time(row->not_before));
    chy_write_set(write, CHY_CERT_NOT_AFTER, chy_value_time(row->not_after));
    chy_write_set(write, CHY_CERT_SIGNATURE_ALGORITHM,
                  chy_value_text(chy_text(row->signature_algorithm)));
    chy_write_set(write, CHY_CERT_KEY_USAGES, chy_value_int(row->key_usage));
    chy_write_set(write, CHY_CERT_EXT_KEY_USAGES, chy_value_int(row->ekus));
    chy_write_set(write, CHY_CERT_IS_CA, chy_value_bool(row->basic_constraints.is_ca));
    if (row->basic_constraints.has_path_length) {
        chy_write_set(write, CHY_CERT_PATH_LENGTH,
                      chy_value_int(row->basic_constraints.path_length));
    }
    chy_write_set(write, CHY_CERT_DER, chy_value_blob(row->der));
    chy_write_set(write, CHY_CERT_CHAIN, chy_value_blob_or_null(row->chain));
    chy_write_set(write, CHY_CERT_FINGERPRINT_SHA256, chy_value_blob(sha256));
    chy_write_set(write, CHY_CERT_FINGERPRINT_SHA1, chy_value_blob(sha1));
    return CHY_OK;
}

static const char *retention_word(enum chy_key_retention retention)
{
    switch (retention) {
    case CHY_KEY_STORED: return "stored";
    case CHY_KEY_ONCE: return "once";
    case CHY_KEY_NOT_KEPT: return "none";
    }
    return "none";
}

static void set_key(struct chy_write *write, const struct chy_certificate_row *row)
{
    chy_write_set(write, CHY_CERT_KEY_ALGORITHM, chy_value_text(chy_text(row->key_algorithm)));
    chy_write_set(write, CHY_CERT_SPKI_SHA256, chy_value_blob(row->spki_sha256));
    chy_write_set(write, CHY_CERT_SEALED_KEY, chy_value_blob_or_null(row->sealed_key));
    chy_write_set(write, CHY_CERT_DATA_KEY_ID, chy_value_uuid_or_null(&row->data_key_id));
    chy_write_set(write, CHY_CERT_KEY_RETENTION,
                  chy_value_text(chy_text(retention_word(row->key_retention))));
}

static void set_renewal(struct chy_write *write, const struct chy_certificate_row *row)
{
    if (row->renew_before > 0) {
        chy_write_set(write, CHY_CERT_RENEW_BEFORE, chy_value_int(row->renew_before));
        chy_write_set(write, CHY_CERT_RENEW_AT, chy_value_time(row->not_after - row->renew_before));
    }
    if (row->has_choice) {
        chy_write_set(write, CHY_CERT_RENEWAL_CHOICE, chy_value_int(row->renewal_choice));
    }
    chy_write_set(write, CHY_CERT_RENEWED_FROM_ID, chy_value_uuid_or_null(&row->renewed_from_id));
    chy_write_set(write, CHY_CERT_RENEWAL_ROOT_ID, chy_value_uuid_or_null(&row->renewal_root_id));
}

static chy_status count(struct chy_runtime *runtime, struct chy_batch *batch,
                        const struct chy_certificate_row *row)
{
    struct chy_counted counted = {
        .project_id = row->project_id,
        .profile_id = row->profile_id,
        .method = row->method,
        .key_algorithm = chy_text(row->key_algorithm),
        .ekus = row->ekus,
        .not_before = row->not_before,
        .not_after = row->not_after,
        .imported = strcmp(row->source, CHY_SOURCE_IMPORTED) == 0,
        .auto_renewed = row->renew_before > 0,
    };
    if (row->issuer != NULL) {
        counted.authority_id = row->issuer->authority_id;
    }
    return chy_statistics_count(runtime, batch, NULL, &counted);
}

/** enter_serial: what no CA here signed is entered under an id of its own, and what was imported
 *  under one that only the same certificate has. */
static chy_status enter_serial(struct chy_batch *batch, const struct chy_certificate_row *row,
                               struct chy_slice sha256)
{
    struct chy_uuid *imported = chy_alloc(batch->op, sizeof *imported); // the batch borrows it
    if (imported == NULL) {
        return chy_fail_memory(batch->op);
    }
    *imported = chy_certificate_import_id(sha256);
    bool is_imported = strcmp(row->source, CHY_SOURCE_IMPORTED) == 0;
    struct chy_serial_entry entry = {
        .number = row->serial,
        .project_id = &row->project_id,
        .signer = row->issuer != NULL ? &row->issuer->generation_id
                  : is_imported       ? imported
                                      : &row->id,
        .certificate_id = &row->id,
        .shard = row->issuer == NULL ? 0 : row->shard,
        .not_after = row->not_after,
    };
    chy_serial_enter(batch, &entry);
    return CHY_OK;
}

chy_status chy_certificate_row_insert(struct chy_runtime *runtime, struct chy_batch *batch,
                                      const struct chy_certificate_row *row)
{
    int64_t now = chy_now(batch->op);
    struct chy_slice sha256;
    struct chy_write *write =
        chy_batch_insert(batch, CHY_C_CERTIFICATES, CHY_KEY(chy_value_uuid(&row->id)));
    CHY_TRY(
        chy_crypto_digest(runtime->leaf_crypto, batch->op, CHY_DIGEST_SHA256, row->der, &sha256));
    set_origin(write, row);
    set_texts(write, row);
    CHY_TRY(set_content(runtime, batch->op, write, row, sha256));
    set_key(write, row);
    set_renewal(write, row);
    chy_write_set(write, CHY_CERT_CREATED_AT, chy_value_time(now));
    chy_write_set(write, CHY_CERT_UPDATED_AT, chy_value_time(now));

    CHY_TRY(enter_serial(batch, row, sha256));
    return count(runtime, batch, row);
}
