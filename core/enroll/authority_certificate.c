#include "enroll/authority.h"

#include "base/time.h"
#include "enroll/chain.h"
#include "enroll/crl.h"
#include "resource/audit.h"
#include "resource/collections.h"
#include "x509/csr.h"
#include "x509/pem.h"

chy_status chy_authority_load(struct chy_call *call, struct chy_authority *out)
{
    static const uint32_t fields[CHY_GENERATION_FIELDS] = {0, 1,  2,  3,  4,  5,  6,  7, 8,
                                                           9, 10, 11, 12, 13, 14, 15, 16};
    CHY_TRY(chy_call_row(call, &call->id, &out->row));
    out->id = call->id;
    out->generation_id = chy_row_uuid(&out->row, CHY_AUTHORITY_GENERATION_ID);
    return chy_storage_read(call->runtime->storage, call->op, CHY_C_GENERATIONS,
                            CHY_KEY(chy_value_uuid(&out->generation_id)),
                            chy_view_of(fields, CHY_GENERATION_FIELDS, sizeof fields[0]),
                            &out->generation);
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
    if (status == CHY_NOT_FOUND) {
        return chy_not_found(call->op, "certificate of the certificate authority");
    }
    CHY_TRY(status);
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

chy_status chy_authority_crls(struct chy_call *call)
{
    struct chy_authority ca;
    struct chy_query query;
    struct chy_storage_page page;
    json_t *list = chy_json_array(call->op);
    if (list == NULL) {
        return chy_fail_memory(call->op);
    }
    CHY_TRY(chy_authority_load(call, &ca));
    chy_query_init(&query, call->op, CHY_C_CRL_SHARDS, CHY_FIELDS(CHY_SHARD_NUMBER, CHY_SHARD_ID),
                   100);
    chy_query_eq(&query, CHY_SHARD_GENERATION_ID, chy_value_uuid(&ca.generation_id));
    CHY_TRY(chy_query_run(&query, call->runtime->storage, &page));
    for (uint64_t i = 0; i < page.rows.count; i++) {
        struct chy_slice der;
        struct chy_slice pem;
        struct chy_uuid id = chy_row_uuid(chy_page_row(&page, i), 1);
        json_t *object = chy_json_object(call->op);
        CHY_TRY(chy_crl_get(call->runtime, call->op, &ca.generation_id,
                            chy_row_int(chy_page_row(&page, i), 0), CHY_CRL_COMPLETE, &der));
        CHY_TRY(chy_pem_encode(call->op, CHY_PEM_CRL, der, 0, &pem));
        if (object == NULL || !chy_json_set_uuid(object, "id", &id) ||
            !chy_json_set_text(object, "crl", pem) || json_array_append(list, object) != 0) {
            return chy_fail_memory(call->op);
        }
    }
    call->answer = list;
    return CHY_OK;
}

chy_status chy_authority_csr(struct chy_call *call)
{
    struct chy_authority ca;
    struct chy_slice der;
    struct chy_slice pem;
    CHY_AUTO(chy_crypto_key_release) struct chy_crypto_key key = {NULL, NULL};
    CHY_TRY(chy_authority_load(call, &ca));
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

/* ------------------------------------------------------------------------------------------------
 * Installing
 */

static chy_status next_version(struct chy_call *call, const struct chy_uuid *authority_id,
                               int64_t *out_version)
{
    struct chy_query query;
    struct chy_storage_page page;
    chy_query_init(&query, call->op, CHY_C_AUTHORITY_CERTIFICATES, CHY_FIELDS(CHY_ACERT_VERSION),
                   1);
    chy_query_eq(&query, CHY_ACERT_AUTHORITY_ID, chy_value_uuid(authority_id));
    chy_query_order(&query, CHY_ACERT_VERSION, true);
    CHY_TRY(chy_query_run(&query, call->runtime->storage, &page));
    *out_version = page.rows.count == 0 ? 1 : chy_row_int(chy_page_row(&page, 0), 0) + 1;
    return CHY_OK;
}

/** install makes a certificate the one in use, and a pending CA active. */
static chy_status install(struct chy_call *call, const struct chy_authority *ca,
                          struct chy_authority_certificate *certificate, const char *verb)
{
    struct chy_batch batch;
    struct chy_uuid current = chy_row_uuid(&ca->generation, CHY_GENERATION_CERTIFICATE_ID);
    int64_t now = chy_now(call->op);
    chy_batch_init(&batch, call->op, 0);
    CHY_TRY(next_version(call, &ca->id, &certificate->version));
    CHY_TRY(chy_authority_install(call, &batch, &ca->id, &ca->generation_id,
                                  chy_uuid_is_nil(&current), certificate));
    struct chy_write *write =
        chy_batch_update(&batch, CHY_C_GENERATIONS, CHY_KEY(chy_value_uuid(&ca->generation_id)));
    chy_write_guard_revision(write, ca->generation.revision);
    chy_write_set(write, CHY_GENERATION_CERTIFICATE_ID, chy_value_uuid(&certificate->id));
    chy_write_set(write, CHY_GENERATION_UPDATED_AT, chy_value_time(now));
    write = chy_batch_update(&batch, CHY_C_AUTHORITIES, CHY_KEY(chy_value_uuid(&ca->id)));
    chy_write_guard_revision(write, ca->row.revision);
    if (chy_slice_is(chy_row_text(&ca->row, CHY_AUTHORITY_STATUS), "pending-certificate")) {
        chy_write_set(write, CHY_AUTHORITY_STATUS, chy_value_text(chy_text("active")));
    }
    if (certificate->parent != NULL) {
        chy_write_set(write, CHY_AUTHORITY_PARENT_ID,
                      chy_value_uuid(&certificate->parent->authority_id));
    }
    chy_write_set(write, CHY_AUTHORITY_UPDATED_AT, chy_value_time(now));
    return chy_call_commit(call, &batch, verb, &ca->id);
}

static chy_status issuer_chain(struct chy_op *op, const struct chy_issuer *issuer,
                               struct chy_slice *out_chain)
{
    struct chy_buf buf;
    chy_buf_init(&buf, op, CHY_CHAIN_MAX);
    for (uint32_t i = 0; i < issuer->path_count; i++) {
        chy_buf_add(&buf, issuer->path[i].der);
    }
    *out_chain = chy_buf_slice(&buf);
    return chy_buf_ok(&buf) ? CHY_OK : chy_buf_fail(&buf, op, "the chain");
}

static chy_status read_dates(struct chy_call *call, const struct chy_issuer *parent,
                             int64_t *out_before, int64_t *out_after)
{
    struct chy_slice before = chy_json_member(call->document, "notBefore");
    int64_t not_before = chy_now(call->op) - call->runtime->pki.backdate;
    int64_t not_after;
    if (before.len != 0 && !chy_time_parse(before, &not_before)) {
        return chy_shape_refuse_one(call->op, "invalid_date", "/notBefore",
                                    "expected an ISO 8601 date");
    }
    if (!chy_time_parse(chy_json_member(call->document, "notAfter"), &not_after)) {
        return chy_shape_refuse_one(call->op, "invalid_date", "/notAfter",
                                    "expected an ISO 8601 date");
    }
    if (parent != NULL && not_before < parent->path[0].not_before) {
        not_before = parent->path[0].not_before;
    }
    if (not_after <= not_before || not_after <= chy_now(call->op)) {
        return chy_fail(call->op, CHY_BAD_INPUT, 0, "notAfter must lie after notBefore and now");
    }
    if (parent != NULL && not_after > parent->path[0].not_after) {
        return chy_fail(call->op, CHY_BAD_INPUT, 0,
                        "the certificate would outlive the certificate authority that signs it");
    }
    *out_before = not_before - not_before % CHY_US_PER_SECOND;
    *out_after = not_after - not_after % CHY_US_PER_SECOND;
    return CHY_OK;
}

static int32_t path_length(const struct chy_call *call, int32_t fallback)
{
    const json_t *json = json_object_get(call->document, "maxPathLength");
    return json_is_integer(json) ? (int32_t)json_integer_value(json) : fallback;
}

/** find_parent finds the CA that signs: it is active and of the same project. */
static chy_status find_parent(struct chy_call *call, const struct chy_uuid *id,
                              const struct chy_issuer **out_parent)
{
    const struct chy_issuer *parent;
    struct chy_storage_row row;
    CHY_TRY(chy_call_reference(call, id, CHY_C_AUTHORITIES, CHY_AUTHORITY_PROJECT_ID, CHY_NO_FIELDS,
                               "parent certificate authority", &row));
    CHY_TRY(chy_issuer_get(call->runtime, call->op, id, &parent));
    if (parent->status != CHY_AUTHORITY_ACTIVE) {
        return chy_fail(call->op, CHY_BAD_INPUT, 0,
                        "the parent certificate authority is not active");
    }
    *out_parent = parent;
    return CHY_OK;
}

static chy_status generate_with(struct chy_call *call, const struct chy_authority *ca,
                                const struct chy_issuer *parent, const struct chy_crypto_key *key)
{
    struct chy_authority_wish wish = {
        .authority_id = ca->id,
        .generation_id = ca->generation_id,
        .subject = chy_row_blob(&ca->row, CHY_AUTHORITY_SUBJECT),
        .spki = chy_row_blob(&ca->generation, CHY_GENERATION_SPKI),
        .key_algorithm = chy_crypto_key_algorithm(key),
        .key = key,
        .parent = parent,
        .max_path_length =
            path_length(call, (int32_t)chy_row_int(&ca->row, CHY_AUTHORITY_MAX_PATH_LENGTH)),
    };
    struct chy_signed made;
    struct chy_authority_certificate certificate = {.parent = parent};
    json_t *object;
    CHY_TRY(read_dates(call, parent, &wish.not_before, &wish.not_after));
    CHY_TRY(chy_authority_sign(call, &wish, &made, &certificate.shard));
    certificate.der = made.der;
    certificate.serial = chy_text(made.serial_text);
    certificate.not_before = wish.not_before;
    certificate.not_after = wish.not_after;
    certificate.max_path_length = wish.max_path_length;
    if (parent != NULL) {
        CHY_TRY(issuer_chain(call->op, parent, &certificate.chain));
    }
    CHY_TRY(install(call, ca, &certificate, "generate-certificate"));
    CHY_TRY(
        certificate_object(call, certificate.der, certificate.chain, certificate.serial, &object));
    call->answer = object;
    return chy_json_set_uuid(object, "certId", &certificate.id) ? CHY_OK
                                                                : chy_fail_memory(call->op);
}

chy_status chy_authority_generate(struct chy_call *call)
{
    struct chy_authority ca;
    const struct chy_issuer *parent = NULL;
    struct chy_uuid parent_id;
    CHY_TRY(chy_authority_load(call, &ca));
    bool is_root = chy_slice_is(chy_row_text(&ca.row, CHY_AUTHORITY_KIND), "root");
    bool has_parent = chy_call_uuid(call, "parentCaId", &parent_id);
    if (is_root == has_parent) {
        return chy_shape_refuse_one(call->op, "custom", "/parentCaId",
                                    is_root ? "a root signs itself: leave parentCaId out"
                                            : "an intermediate needs the CA that signs it; for "
                                              "one outside, take the CSR and import a certificate");
    }
    if (has_parent) {
        CHY_TRY(find_parent(call, &parent_id, &parent));
        if (chy_uuid_compare(&parent_id, &ca.id) == 0) {
            return chy_fail(call->op, CHY_BAD_INPUT, 0, "an intermediate does not sign itself");
        }
    }
    CHY_AUTO(chy_crypto_key_release) struct chy_crypto_key key = {NULL, NULL};
    CHY_TRY(chy_generation_open_key(call->runtime, call->op, &ca.generation, &key));
    return generate_with(call, &ca, parent, &key);
}

/* ------------------------------------------------------------------------------------------------
 * Importing
 */

static chy_status verify_signature(void *context, struct chy_op *op, struct chy_slice spki,
                                   uint32_t algorithm, struct chy_slice message,
                                   struct chy_slice signature)
{
    struct chy_runtime *runtime = context;
    return chy_crypto_verify_spki(runtime->leaf_crypto, op, spki, algorithm, message, signature);
}

/** read_path decodes the certificate and what stands above it, and validates the whole. */
static chy_status read_path(struct chy_call *call, struct chy_certificate *path,
                            uint64_t *out_count)
{
    static const char *const labels[] = {CHY_PEM_CERTIFICATE, NULL};
    struct chy_slice chain_text = chy_json_member(call->document, "certificateChain");
    struct chy_pem_blocks chain = {NULL, 0};
    struct chy_slice der;
    uint64_t count = 0;
    CHY_TRY(chy_pem_decode_one(call->op, chy_json_member(call->document, "certificate"), labels, 0,
                               &der));
    CHY_TRY(chy_certificate_read(call->op, der, &path[count++]));
    if (chain_text.len != 0) {
        CHY_TRY(chy_pem_decode(call->op, chain_text, labels, 0, &chain));
    }
    for (uint64_t i = 0; i < chain.count; i++) {
        if (i == 0 && chy_slice_equal(chain.items[0], der)) {
            continue; // some chains begin with the certificate itself
        }
        if (count >= CHY_PATH_MAX) {
            return chy_fail(call->op, CHY_BAD_INPUT, 0, "the chain is longer than %d certificates",
                            CHY_PATH_MAX);
        }
        CHY_TRY(chy_certificate_read(call->op, chain.items[i], &path[count++]));
    }
    if (count == 1) {
        return chy_fail(call->op, CHY_BAD_INPUT, 0,
                        "the chain is missing: without the certificate of the CA that signed, "
                        "nobody can tell whether it did");
    }
    struct chy_path_check check = {
        .time = chy_now(call->op),
        .verify = verify_signature,
        .context = call->runtime,
        .leaf_is_issuer = true,
    };
    *out_count = count;
    return chy_path_validate(call->op, path, count, &check);
}

static chy_status check_import(struct chy_call *call, const struct chy_authority *ca,
                               const struct chy_certificate *certificate)
{
    const char *wrong = NULL;
    if (!chy_slice_equal(certificate->spki.der,
                         chy_row_blob(&ca->generation, CHY_GENERATION_SPKI))) {
        wrong = "its key is not the certificate authority's: it was made for another CSR";
    } else if (!chy_slice_equal(certificate->subject,
                                chy_row_blob(&ca->row, CHY_AUTHORITY_SUBJECT))) {
        wrong = "its subject is not the certificate authority's";
    } else if (!certificate->has_basic_constraints || !certificate->basic_constraints.is_ca) {
        wrong = "it is not a CA certificate (basic constraints CA:TRUE is missing)";
    } else if (!certificate->has_key_usage ||
               (certificate->key_usage & CHY_KU_KEY_CERT_SIGN) == 0) {
        wrong = "it lacks the key usage keyCertSign";
    } else if (certificate->self_issued) {
        wrong = "it is self-signed; an intermediate's comes from another CA";
    }
    return wrong == NULL
               ? CHY_OK
               : chy_fail(call->op, CHY_BAD_INPUT, 0, "the certificate does not fit: %s", wrong);
}

chy_status chy_authority_import(struct chy_call *call)
{
    struct chy_authority ca;
    struct chy_certificate path[CHY_PATH_MAX];
    struct chy_authority_certificate certificate = {.max_path_length = -1};
    struct chy_buf chain;
    char serial[CHY_SERIAL_TEXT_SIZE];
    uint64_t count = 0;
    CHY_TRY(chy_authority_load(call, &ca));
    CHY_TRY(read_path(call, path, &count));
    CHY_TRY(check_import(call, &ca, &path[0]));
    chy_buf_init(&chain, call->op, CHY_CHAIN_MAX);
    for (uint64_t i = 1; i < count; i++) {
        chy_buf_add(&chain, path[i].der);
    }
    if (!chy_buf_ok(&chain)) {
        return chy_buf_fail(&chain, call->op, "the chain");
    }
    chy_serial_text(path[0].serial, serial);
    certificate.der = path[0].der;
    certificate.chain = chy_buf_slice(&chain);
    certificate.serial = chy_text(serial);
    certificate.not_before = path[0].not_before;
    certificate.not_after = path[0].not_after;
    if (path[0].basic_constraints.has_path_length) {
        certificate.max_path_length = (int32_t)path[0].basic_constraints.path_length;
    }
    CHY_TRY(install(call, &ca, &certificate, "import-certificate"));
    call->answer = chy_json_object(call->op);
    bool fine =
        call->answer != NULL &&
        chy_json_set_text(call->answer, "message", chy_text("the certificate was imported")) &&
        chy_json_set_uuid(call->answer, "caId", &ca.id);
    return fine ? CHY_OK : chy_fail_memory(call->op);
}
