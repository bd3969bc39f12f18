#include "enroll/certificate_import.h"

#include "base/slice.h"
#include "enroll/certificate_assign.h"
#include "enroll/certificate_row.h"
#include "enroll/chain.h"
#include "enroll/metadata.h"
#include "enroll/sign.h"
#include "resource/collections.h"
#include "resource/keyring.h"
#include "x509/algorithm.h"
#include "x509/der_write.h"
#include "x509/pem.h"

#define PEM_TEXT "\"type\":\"string\",\"minLength\":1,\"maxLength\":"

const char chy_certificate_import_shape[] =
    "{\"type\":\"object\",\"required\":[\"certificatePem\"],\"properties\":{"
    "\"projectId\":" CHY_SHAPE_ID_OR_NULL ",\"profileId\":" CHY_SHAPE_ID_OR_NULL
    ",\"applicationId\":" CHY_SHAPE_ID_OR_NULL
    ",\"projectSlug\":{\"type\":[\"string\",\"null\"],\"maxLength\":36},"
    "\"certificatePem\":{" PEM_TEXT "131072},"
    "\"privateKeyPem\":{\"type\":[\"string\",\"null\"],\"maxLength\":32768},"
    "\"chainPem\":{\"type\":[\"string\",\"null\"],\"maxLength\":524288},"
    "\"friendlyName\":{\"type\":[\"string\",\"null\"],\"maxLength\":255},"
    "\"metadata\":" CHY_METADATA_SHAPE "}}";

/** An import under way. */
struct import {
    struct chy_call *call;
    struct chy_certificate path[CHY_PATH_MAX];
    uint64_t count;
    struct chy_certificate_row row;
    struct chy_certificate_texts texts;
    char serial[CHY_SERIAL_TEXT_SIZE];
};

/* ------------------------------------------------------------------------------------------------
 * The certificate
 */

static chy_status check_path(struct import *i)
{
    struct chy_call *call = i->call;
    struct chy_path_check check = {
        .time = chy_now(call->op),
        .verify = chy_chain_verify,
        .context = call->runtime,
        .ignore_dates = true, // one that ended is still worth keeping
    };
    CHY_TRY(chy_chain_read(call->op, chy_json_member(call->document, "certificatePem"),
                           chy_json_member(call->document, "chainPem"), i->path, &i->count));
    if (i->count == 1) {
        return CHY_OK; // nothing that could be wrong together
    }
    return chy_path_validate(call->op, i->path, i->count, &check);
}

static chy_status read_names(struct import *i)
{
    struct chy_op *op = i->call->op;
    struct chy_name subject;
    struct chy_sans sans = {NULL, 0};
    struct chy_view metadata;
    CHY_TRY(chy_name_known(op, i->path[0].subject, &subject));
    if (i->path[0].san_value.len != 0) {
        CHY_TRY(chy_sans_read(op, i->path[0].san_value, &sans));
    }
    CHY_TRY(chy_metadata_read(op, json_object_get(i->call->document, "metadata"), &metadata));
    CHY_TRY(chy_certificate_texts_make(op, &subject, &sans, metadata, &i->texts));
    i->row.texts = &i->texts;
    return CHY_OK;
}

static chy_status read_content(struct import *i)
{
    const struct chy_certificate *certificate = &i->path[0];
    struct chy_certificate_row *row = &i->row;
    struct chy_op *op = i->call->op;
    chy_serial_text(certificate->serial, i->serial);
    row->der = certificate->der;
    row->serial = chy_text(i->serial);
    row->not_before = certificate->not_before;
    row->not_after = certificate->not_after;
    row->key_algorithm = chy_key_algorithm_name(certificate->spki.algorithm);
    row->signature_algorithm = chy_signature_algorithm_name(certificate->signature_algorithm);
    row->key_usage = certificate->key_usage;
    row->ekus = certificate->ekus.mask;
    row->basic_constraints = certificate->basic_constraints;
    if (row->key_algorithm == NULL || row->signature_algorithm == NULL) {
        return chy_fail(op, CHY_BAD_INPUT, 0,
                        "the certificate's key (%u bits) or signature algorithm is none that is "
                        "handled here",
                        certificate->spki.bits);
    }
    CHY_TRY(chy_spki_sha256(i->call->runtime, op, certificate->spki.der, &row->spki_sha256));
    CHY_TRY(chy_chain_join(op, i->path, i->count, &row->chain));
    return read_names(i);
}

/** refuse_repeated: a certificate is in a project once. Its key's index finds the few there are. */
static chy_status refuse_repeated(struct import *i)
{
    struct chy_call *call = i->call;
    struct chy_query query;
    struct chy_storage_page page;
    struct chy_slice fingerprint;
    CHY_TRY(chy_crypto_digest(call->runtime->leaf_crypto, call->op, CHY_DIGEST_SHA256, i->row.der,
                              &fingerprint));
    chy_query_init(&query, call->op, CHY_C_CERTIFICATES, CHY_FIELDS(CHY_CERT_ID), 1);
    chy_query_eq(&query, CHY_CERT_SPKI_SHA256, chy_value_blob(i->row.spki_sha256));
    chy_query_eq(&query, CHY_CERT_FINGERPRINT_SHA256, chy_value_blob(fingerprint));
    chy_query_eq(&query, CHY_CERT_PROJECT_ID, chy_value_uuid(&call->project_id));
    CHY_TRY(chy_query_run(&query, call->runtime->storage, &page));
    if (page.rows.count == 0) {
        return CHY_OK;
    }
    char id[CHY_UUID_TEXT_SIZE];
    struct chy_uuid known = chy_row_uuid(chy_page_row(&page, 0), 0);
    chy_uuid_format(&known, id);
    return chy_fail(call->op, CHY_BAD_INPUT, 0,
                    "this certificate is in the project already: it is %s", id);
}

/* ------------------------------------------------------------------------------------------------
 * The key
 */

/**
 * wrap_key puts an older form of a key, as "RSA PRIVATE KEY" and "EC PRIVATE KEY" have it, into
 * PKCS#8: the algorithm is that of the certificate's public key.
 */
static chy_status wrap_key(struct import *i, struct chy_slice inner, struct chy_slice *out_pkcs8)
{
    struct chy_der spki = chy_der_of(i->path[0].spki.der);
    struct chy_slice algorithm;
    uint64_t size = inner.len + 256;
    struct chy_buffer room = {chy_secret_alloc(i->call->op, size), size};
    if (room.ptr == NULL) {
        return chy_fail_memory(i->call->op);
    }
    if (!chy_der_enter(&spki, CHY_DER_SEQUENCE, &spki) || !chy_der_whole(&spki, &algorithm)) {
        return chy_fail(i->call->op, CHY_BROKEN, 0, "a public key was read but is malformed");
    }
    struct chy_der_writer w = chy_der_writer_over(room);
    uint64_t info = chy_der_open(&w, CHY_DER_SEQUENCE);
    chy_der_add_u64(&w, CHY_DER_INTEGER, 0);
    chy_der_add_raw(&w, algorithm);
    chy_der_add_octets(&w, inner);
    chy_der_close(&w, info);
    return chy_der_finish(i->call->op, &w, out_pkcs8);
}

static chy_status read_key(struct import *i, struct chy_slice pem, struct chy_slice *out_pkcs8)
{
    static const char *const pkcs8[] = {CHY_PEM_PRIVATE_KEY, NULL};
    static const char *const rsa[] = {"RSA PRIVATE KEY", NULL};
    static const char *const ec[] = {"EC PRIVATE KEY", NULL};
    struct chy_slice der;
    bool is_rsa = chy_slice_contains(pem, chy_text("BEGIN RSA PRIVATE KEY"));
    if (!is_rsa && !chy_slice_contains(pem, chy_text("BEGIN EC PRIVATE KEY"))) {
        return chy_pem_decode_one(i->call->op, pem, pkcs8, CHY_PEM_SECRET, out_pkcs8);
    }
    CHY_TRY(chy_pem_decode_one(i->call->op, pem, is_rsa ? rsa : ec, CHY_PEM_SECRET, &der));
    return wrap_key(i, der, out_pkcs8);
}

static chy_status seal_key(struct import *i, const struct chy_crypto_key *key)
{
    struct chy_call *call = i->call;
    struct chy_slice spki;
    CHY_TRY(chy_crypto_public_key(key, call->op, &spki));
    if (!chy_slice_equal(spki, i->path[0].spki.der)) {
        return chy_fail(call->op, CHY_BAD_INPUT, 0,
                        "privateKeyPem does not belong to the certificate: its public key is "
                        "another");
    }
    struct chy_sealed_place place =
        chy_certificate_key_place(&i->row.id, &i->row.project_id, i->row.spki_sha256);
    i->row.key_retention = CHY_KEY_STORED;
    return chy_keyring_seal_key(call->runtime->keyring, call->op, &place, key, &i->row.sealed_key,
                                &i->row.data_key_id);
}

static chy_status take_key(struct import *i)
{
    struct chy_call *call = i->call;
    struct chy_slice pem = chy_json_member(call->document, "privateKeyPem");
    struct chy_key_template wanted = {.struct_size = sizeof wanted, .flags = CHY_KEY_EXPORTABLE};
    struct chy_slice pkcs8;
    i->row.key_retention = CHY_KEY_NOT_KEPT;
    if (pem.len == 0) {
        return CHY_OK;
    }
    CHY_TRY(read_key(i, pem, &pkcs8));
    CHY_AUTO(chy_crypto_key_release) struct chy_crypto_key key = {NULL, NULL};
    CHY_TRY(chy_crypto_import(call->runtime->leaf_crypto, call->op, &wanted, pkcs8, &key));
    return seal_key(i, &key);
}

/* ------------------------------------------------------------------------------------------------
 * All of it
 */

static chy_status take_references(struct import *i)
{
    struct chy_call *call = i->call;
    struct chy_storage_row found;
    if (chy_call_uuid(call, "profileId", &i->row.profile_id)) {
        CHY_TRY(chy_call_reference(call, &i->row.profile_id, CHY_C_PROFILES, CHY_PROFILE_PROJECT_ID,
                                   CHY_NO_FIELDS, "certificate profile", &found));
    }
    if (chy_call_uuid(call, "applicationId", &i->row.application_id)) {
        CHY_TRY(
            chy_certificate_check_application(call, &i->row.application_id, &i->row.profile_id));
    }
    return CHY_OK;
}

static chy_status answer(struct import *i)
{
    struct chy_call *call = i->call;
    struct chy_slice key = chy_json_member(call->document, "privateKeyPem");
    struct chy_slice pem;
    struct chy_slice chain;
    json_t *object = chy_json_object(call->op);
    CHY_TRY(chy_pem_encode(call->op, CHY_PEM_CERTIFICATE, i->row.der, 0, &pem));
    CHY_TRY(chy_chain_pem(call->op, chy_slice_of(NULL, 0), i->row.chain, &chain));
    bool fine = object != NULL && chy_json_set_uuid(object, "certificateId", &i->row.id) &&
                chy_json_set_text(object, "certificate", pem) &&
                (chain.len == 0 || chy_json_set_text(object, "certificateChain", chain)) &&
                (key.len == 0 || chy_json_set_text(object, "privateKey", key)) &&
                chy_json_set_text(object, "serialNumber", i->row.serial);
    return fine ? chy_json_write_secret(call->op, object, &call->secret)
                : chy_fail_memory(call->op);
}

static chy_status import(struct import *i)
{
    struct chy_call *call = i->call;
    struct chy_batch batch;
    CHY_TRY(chy_call_project(call));
    CHY_TRY(chy_runtime_new_uuid(call->runtime, call->op, &i->row.id));
    i->row.project_id = call->project_id;
    i->row.identity_id = chy_principal_of(call->op)->id;
    i->row.method = chy_text("import");
    i->row.source = CHY_SOURCE_IMPORTED;
    i->row.friendly_name = chy_json_member(call->document, "friendlyName");
    CHY_TRY(take_references(i));
    CHY_TRY(check_path(i));
    CHY_TRY(read_content(i));
    CHY_TRY(refuse_repeated(i));
    CHY_TRY(take_key(i));
    call->id = i->row.id;
    chy_batch_init(&batch, call->op, 0);
    CHY_TRY(chy_certificate_row_insert(call->runtime, &batch, &i->row));
    chy_status status = chy_call_commit(call, &batch, "import", &call->id);
    if (status == CHY_CONFLICT) { // somebody imported it at the same time
        CHY_TRY(refuse_repeated(i));
    }
    CHY_TRY(status);
    return answer(i);
}

chy_status chy_certificate_import(struct chy_call *call)
{
    struct import *i = chy_alloc(call->op, sizeof *i); // a path is too much for the stack
    if (i == NULL) {
        return chy_fail_memory(call->op);
    }
    i->call = call;
    return import(i);
}
