#include "enroll/authority.h"

#include "enroll/chain.h"
#include "enroll/crl.h"
#include "resource/collections.h"
#include "x509/crl.h"
#include "x509/pem.h"

chy_status chy_authority_load_generation(struct chy_call *call,
                                         const struct chy_uuid *generation_id,
                                         struct chy_authority *ca)
{
    ca->generation_id = *generation_id;
    return chy_storage_read(call->runtime->storage, call->op, CHY_C_GENERATIONS,
                            CHY_KEY(chy_value_uuid(generation_id)),
                            chy_core_fields(CHY_C_GENERATIONS), &ca->generation);
}

chy_status chy_authority_load(struct chy_call *call, struct chy_authority *out)
{
    CHY_TRY(chy_call_row(call, &call->id, &out->row));
    out->id = call->id;
    struct chy_uuid active = chy_row_uuid(&out->row, CHY_AUTHORITY_GENERATION_ID);
    return chy_authority_load_generation(call, &active, out);
}

chy_status chy_authority_generations(struct chy_call *call, const struct chy_uuid *authority_id,
                                     struct chy_view fields, struct chy_storage_page *out_page)
{
    struct chy_query query;
    chy_query_init(&query, call->op, CHY_C_GENERATIONS, fields, CHY_GENERATIONS_MAX);
    chy_query_eq(&query, CHY_GENERATION_AUTHORITY_ID, chy_value_uuid(authority_id));
    return chy_query_run(&query, call->runtime->storage, out_page);
}

chy_status chy_authority_refuse_revoked(struct chy_call *call, const struct chy_storage_row *row)
{
    struct chy_storage *storage = call->runtime->storage;
    struct chy_uuid generation_id = chy_row_uuid(row, CHY_AUTHORITY_GENERATION_ID);
    struct chy_storage_row found;
    CHY_TRY(chy_storage_read(storage, call->op, CHY_C_GENERATIONS,
                             CHY_KEY(chy_value_uuid(&generation_id)),
                             CHY_FIELDS(CHY_GENERATION_CERTIFICATE_ID), &found));
    struct chy_uuid certificate_id = chy_row_uuid(&found, 0);
    CHY_TRY(chy_storage_read(storage, call->op, CHY_C_AUTHORITY_CERTIFICATES,
                             CHY_KEY(chy_value_uuid(&certificate_id)),
                             CHY_FIELDS(CHY_ACERT_PARENT_GENERATION_ID, CHY_ACERT_SERIAL), &found));
    struct chy_uuid signer = chy_row_uuid(&found, 0);
    struct chy_slice serial = chy_row_text(&found, 1);
    chy_status status =
        chy_storage_read(storage, call->op, CHY_C_REVOCATIONS,
                         CHY_KEY(chy_value_uuid(&signer), chy_value_text(serial)),
                         CHY_FIELDS(CHY_REVOCATION_REASON, CHY_REVOCATION_LIFTED), &found);
    if (status == CHY_NOT_FOUND || (status == CHY_OK && chy_row_bool(&found, 1))) {
        return CHY_OK;
    }
    CHY_TRY(status);
    return chy_fail(call->op, CHY_BAD_INPUT, 0,
                    chy_row_int(&found, 0) == CHY_CRL_CERTIFICATE_HOLD
                        ? "the certificate authority's certificate %.*s is on hold: end the hold, "
                          "then enable it"
                        : "the certificate authority's certificate %.*s is revoked: renew it, or "
                          "give it a new key, then enable it",
                    (int)serial.len, (const char *)serial.ptr);
}

/* ------------------------------------------------------------------------------------------------
 * Showing certificates
 */

static chy_status certificate_object(struct chy_call *call, struct chy_slice der,
                                     struct chy_slice chain, struct chy_slice serial,
                                     json_t **out_object)
{
    struct chy_slice pem;
    struct chy_slice chain_pem;
    json_t *object = chy_json_object(call->op);
    CHY_TRY(chy_pem_encode(call->op, CHY_PEM_CERTIFICATE, der, 0, &pem));
    CHY_TRY(chy_chain_pem(call->op, chy_slice_of(NULL, 0), chain, &chain_pem));
    bool fine = object != NULL && chy_json_set_text(object, "certificate", pem) &&
                chy_json_set_text(object, "certificateChain", chain_pem) &&
                chy_json_set_text(object, "serialNumber", serial);
    *out_object = object;
    return fine ? CHY_OK : chy_fail_memory(call->op);
}

#define SHOWN                                                                             \
    CHY_FIELDS(CHY_ACERT_ID, CHY_ACERT_AUTHORITY_ID, CHY_ACERT_VERSION, CHY_ACERT_SERIAL, \
               CHY_ACERT_DER, CHY_ACERT_CHAIN, CHY_ACERT_NOT_BEFORE, CHY_ACERT_NOT_AFTER, \
               CHY_ACERT_MAX_PATH_LENGTH, CHY_ACERT_PARENT_ID)
enum {
    ID,
    AUTHORITY,
    VERSION,
    SERIAL,
    DER,
    CHAIN,
    BEFORE,
    AFTER,
    LENGTH,
    PARENT
};

chy_status chy_authority_certificate_object(struct chy_call *call,
                                            const struct chy_authority_certificate *certificate,
                                            json_t **out_object)
{
    CHY_TRY(certificate_object(call, certificate->der, certificate->chain, certificate->serial,
                               out_object));
    return chy_json_set_uuid(*out_object, "certId", &certificate->id) ? CHY_OK
                                                                      : chy_fail_memory(call->op);
}

static chy_status row_object(struct chy_call *call, const struct chy_storage_row *row,
                             json_t **out_object)
{
    struct chy_uuid id = chy_row_uuid(row, ID);
    struct chy_uuid parent = chy_row_uuid(row, PARENT);
    CHY_TRY(certificate_object(call, chy_row_blob(row, DER), chy_row_blob(row, CHAIN),
                               chy_row_text(row, SERIAL), out_object));
    bool fine = chy_json_set_uuid(*out_object, "certId", &id) &&
                chy_json_set_int(*out_object, "version", chy_row_int(row, VERSION)) &&
                chy_json_set_time(*out_object, "notBefore", chy_row_time(row, BEFORE)) &&
                chy_json_set_time(*out_object, "notAfter", chy_row_time(row, AFTER)) &&
                chy_json_set_int(*out_object, "maxPathLength", chy_row_int(row, LENGTH)) &&
                (chy_uuid_is_nil(&parent) ? chy_json_set_null(*out_object, "parentCaId")
                                          : chy_json_set_uuid(*out_object, "parentCaId", &parent));
    return fine ? CHY_OK : chy_fail_memory(call->op);
}

chy_status chy_authority_certificate_get(struct chy_call *call)
{
    struct chy_authority ca;
    struct chy_storage_row row;
    struct chy_uuid id;
    CHY_TRY(chy_authority_load(call, &ca));
    if (!chy_call_uuid(call, "certificateId", &id)) {
        id = chy_row_uuid(&ca.generation, CHY_GENERATION_CERTIFICATE_ID);
    }
    chy_status status =
        chy_storage_read(call->runtime->storage, call->op, CHY_C_AUTHORITY_CERTIFICATES,
                         CHY_KEY(chy_value_uuid(&id)), SHOWN, &row);
    CHY_TRY(chy_or_not_found(call->op, status, "certificate of the certificate authority"));
    struct chy_uuid owner = chy_row_uuid(&row, AUTHORITY);
    if (chy_uuid_compare(&owner, &ca.id) != 0) {
        return chy_not_found(call->op, "certificate of the certificate authority");
    }
    return row_object(call, &row, &call->answer);
}

chy_status chy_authority_certificates(struct chy_call *call)
{
    struct chy_authority ca;
    struct chy_query query;
    struct chy_storage_page page;
    json_t *list = chy_json_array(call->op);
    if (list == NULL) {
        return chy_fail_memory(call->op);
    }
    CHY_TRY(chy_authority_load(call, &ca));
    chy_query_init(&query, call->op, CHY_C_AUTHORITY_CERTIFICATES, SHOWN, 100);
    chy_query_eq(&query, CHY_ACERT_AUTHORITY_ID, chy_value_uuid(&ca.id));
    chy_query_order(&query, CHY_ACERT_VERSION, true);
    CHY_TRY(chy_query_run(&query, call->runtime->storage, &page));
    for (uint64_t i = 0; i < page.rows.count; i++) {
        json_t *object;
        CHY_TRY(row_object(call, chy_page_row(&page, i), &object));
        if (json_array_append(list, object) != 0) {
            return chy_fail_memory(call->op);
        }
    }
    call->answer = list;
    return CHY_OK;
}

static chy_status add_crls(struct chy_call *call, const struct chy_uuid *generation_id,
                           json_t *list)
{
    struct chy_query query;
    struct chy_storage_page page;
    chy_query_init(&query, call->op, CHY_C_CRL_SHARDS, CHY_FIELDS(CHY_SHARD_NUMBER, CHY_SHARD_ID),
                   100);
    chy_query_eq(&query, CHY_SHARD_GENERATION_ID, chy_value_uuid(generation_id));
    CHY_TRY(chy_query_run(&query, call->runtime->storage, &page));
    for (uint64_t i = 0; i < page.rows.count; i++) {
        struct chy_slice der;
        struct chy_slice pem;
        struct chy_uuid id = chy_row_uuid(chy_page_row(&page, i), 1);
        json_t *object = chy_json_object(call->op);
        CHY_TRY(chy_crl_get(call->runtime, call->op, generation_id,
                            chy_row_int(chy_page_row(&page, i), 0), CHY_CRL_COMPLETE, &der));
        CHY_TRY(chy_pem_encode(call->op, CHY_PEM_CRL, der, 0, &pem));
        if (object == NULL || !chy_json_set_uuid(object, "id", &id) ||
            !chy_json_set_text(object, "crl", pem) || json_array_append(list, object) != 0) {
            return chy_fail_memory(call->op);
        }
    }
    return CHY_OK;
}

/** chy_authority_crls answers those of each key that the CA ever had: all go on being published. */
chy_status chy_authority_crls(struct chy_call *call)
{
    struct chy_authority ca;
    struct chy_storage_page page;
    json_t *list = chy_json_array(call->op);
    if (list == NULL) {
        return chy_fail_memory(call->op);
    }
    CHY_TRY(chy_authority_load(call, &ca));
    CHY_TRY(add_crls(call, &ca.generation_id, list));
    CHY_TRY(chy_authority_generations(call, &ca.id, CHY_FIELDS(CHY_GENERATION_ID), &page));
    for (uint64_t i = 0; i < page.rows.count; i++) {
        struct chy_uuid id = chy_row_uuid(chy_page_row(&page, i), 0);
        if (chy_uuid_compare(&id, &ca.generation_id) != 0) {
            CHY_TRY(add_crls(call, &id, list));
        }
    }
    call->answer = list;
    return CHY_OK;
}

/** use_pending takes the key that waits for its certificate, if there is one. */
static chy_status use_pending(struct chy_call *call, struct chy_authority *ca)
{
    struct chy_storage_page page;
    CHY_TRY(chy_authority_generations(call, &ca->id,
                                      CHY_FIELDS(CHY_GENERATION_ID, CHY_GENERATION_STATUS), &page));
    for (uint64_t i = 0; i < page.rows.count; i++) {
        if (chy_slice_is(chy_row_text(chy_page_row(&page, i), 1), "pending")) {
            struct chy_uuid id = chy_row_uuid(chy_page_row(&page, i), 0);
            return chy_authority_load_generation(call, &id, ca);
        }
    }
    return CHY_OK;
}

chy_status chy_authority_csr(struct chy_call *call)
{
    struct chy_authority ca;
    struct chy_slice der;
    struct chy_slice pem;
    CHY_AUTO(chy_crypto_key_release) struct chy_crypto_key key = {NULL, NULL};
    CHY_TRY(chy_authority_load(call, &ca));
    CHY_TRY(use_pending(call, &ca));
    CHY_TRY(chy_generation_open_key(call->runtime, call->op, &ca.generation, &key));
    CHY_TRY(chy_csr_make(
        call->runtime, call->op, &key, chy_row_blob(&ca.row, CHY_AUTHORITY_SUBJECT),
        chy_row_blob(&ca.generation, CHY_GENERATION_SPKI), chy_crypto_key_algorithm(&key), &der));
    CHY_TRY(chy_pem_encode(call->op, CHY_PEM_REQUEST, der, 0, &pem));
    call->answer = chy_json_object(call->op);
    return call->answer != NULL && chy_json_set_text(call->answer, "csr", pem)
               ? CHY_OK
               : chy_fail_memory(call->op);
}
