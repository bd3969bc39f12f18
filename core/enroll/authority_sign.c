/** Making the certificate of a CA, and making it the one in use. */
#include "enroll/authority.h"

#include "enroll/chain.h"
#include "enroll/serials.h"
#include "enroll/shard.h"
#include "resource/collections.h"

chy_status chy_authority_sign(struct chy_call *call, const struct chy_authority_wish *wish,
                              struct chy_signed *out_signed, int64_t *out_shard)
{
    struct chy_signing signing = {
        .issuer = wish->parent,
        .self_key = wish->key,
        .subject = wish->subject,
        .spki = wish->spki,
        .key_algorithm = wish->key_algorithm,
        .not_before = wish->validity.not_before,
        .not_after = wish->validity.not_after,
        .key_usage = CHY_KU_DIGITAL_SIGNATURE | CHY_KU_KEY_CERT_SIGN | CHY_KU_CRL_SIGN,
        .basic_constraints = {.is_ca = true,
                              .has_path_length = wish->max_path_length >= 0,
                              .path_length =
                                  wish->max_path_length >= 0 ? (uint32_t)wish->max_path_length : 0},
        .name_constraints = wish->name_constraints,
    };
    if (wish->parent != NULL) {
        if (chy_slice_equal(wish->subject, wish->parent->path[0].subject)) {
            return chy_fail(call->op, CHY_BAD_INPUT, 0,
                            "the subject is that of the certificate authority which signs: two "
                            "authorities of one name cannot be told apart");
        }
        struct chy_cpu cpu = {.runtime = call->runtime};
        CHY_TRY(chy_shard_take(call->runtime, call->op, wish->parent, &cpu, &signing.shard));
    }
    CHY_TRY(chy_sign_certificate(call->runtime, call->op, &signing, out_signed));
    *out_shard = signing.shard;
    return CHY_OK;
}

chy_status chy_authority_parent(struct chy_call *call, const struct chy_uuid *id,
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

chy_status chy_authority_certify(struct chy_call *call, const struct chy_authority_wish *wish,
                                 struct chy_authority_certificate *out_certificate)
{
    struct chy_authority_certificate certificate = {
        .parent = wish->parent,
        .validity = wish->validity,
        .max_path_length = wish->max_path_length,
    };
    struct chy_signed made;
    struct chy_slice serial;
    CHY_TRY(chy_authority_sign(call, wish, &made, &certificate.shard));
    CHY_TRY(chy_copy(call->op, chy_text(made.serial_text), &serial));
    certificate.der = made.der;
    certificate.serial = serial;
    if (wish->parent != NULL) {
        CHY_TRY(issuer_chain(call->op, wish->parent, &certificate.chain));
    }
    *out_certificate = certificate;
    return CHY_OK;
}

/* ------------------------------------------------------------------------------------------------
 * Installing
 */

chy_status chy_authority_install(struct chy_call *call, struct chy_batch *batch,
                                 const struct chy_uuid *authority_id,
                                 const struct chy_uuid *generation_id, bool first,
                                 struct chy_authority_certificate *certificate)
{
    const struct chy_issuer *parent = certificate->parent;
    CHY_TRY(chy_runtime_new_uuid(call->runtime, call->op, &certificate->id));
    struct chy_write *write = chy_batch_insert(batch, CHY_C_AUTHORITY_CERTIFICATES,
                                               CHY_KEY(chy_value_uuid(&certificate->id)));
    chy_write_set(write, CHY_ACERT_AUTHORITY_ID, chy_value_uuid(authority_id));
    chy_write_set(write, CHY_ACERT_GENERATION_ID, chy_value_uuid(generation_id));
    chy_write_set(write, CHY_ACERT_PROJECT_ID, chy_value_uuid(&call->project_id));
    if (parent != NULL) {
        chy_write_set(write, CHY_ACERT_PARENT_ID, chy_value_uuid(&parent->authority_id));
        chy_write_set(write, CHY_ACERT_PARENT_GENERATION_ID,
                      chy_value_uuid(&parent->generation_id));
    }
    chy_write_set(write, CHY_ACERT_VERSION, chy_value_int(certificate->version));
    chy_write_set(write, CHY_ACERT_SERIAL, chy_value_text(certificate->serial));
    chy_write_set(write, CHY_ACERT_DER, chy_value_blob(certificate->der));
    chy_write_set(write, CHY_ACERT_CHAIN, chy_value_blob(certificate->chain));
    chy_write_set(write, CHY_ACERT_NOT_BEFORE, chy_value_time(certificate->validity.not_before));
    chy_write_set(write, CHY_ACERT_NOT_AFTER, chy_value_time(certificate->validity.not_after));
    chy_write_set(write, CHY_ACERT_MAX_PATH_LENGTH, chy_value_int(certificate->max_path_length));
    chy_write_set(write, CHY_ACERT_SHARD, chy_value_int(certificate->shard));
    chy_write_set(write, CHY_ACERT_CREATED_AT, chy_value_time(chy_now(call->op)));
    // What is signed elsewhere has its serial there.
    bool is_root = certificate->chain.len == 0;
    if (parent != NULL || is_root) {
        struct chy_serial_entry entry = {
            .number = certificate->serial,
            .project_id = &call->project_id,
            .signer = parent != NULL ? &parent->generation_id : generation_id,
            .certificate_id = &certificate->id,
            .shard = certificate->shard,
            .not_after = certificate->validity.not_after,
        };
        chy_serial_enter(batch, &entry);
    }
    return first ? chy_shard_open(call->runtime, batch, generation_id, 1) : CHY_OK;
}

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

/** retire ends the signing of certificates by a key; its CRLs and answers go on. */
static void retire(struct chy_call *call, struct chy_batch *batch, const struct chy_uuid *id)
{
    struct chy_write *write =
        chy_batch_update(batch, CHY_C_GENERATIONS, CHY_KEY(chy_value_uuid(id)));
    chy_write_guard_equals(write, CHY_GENERATION_STATUS, chy_value_text(chy_text("active")));
    chy_write_set(write, CHY_GENERATION_STATUS, chy_value_text(chy_text("retired")));
    chy_write_set(write, CHY_GENERATION_UPDATED_AT, chy_value_time(chy_now(call->op)));
}

static void set_authority(struct chy_call *call, struct chy_batch *batch,
                          const struct chy_authority *ca,
                          const struct chy_authority_certificate *certificate)
{
    struct chy_write *write =
        chy_batch_update(batch, CHY_C_AUTHORITIES, CHY_KEY(chy_value_uuid(&ca->id)));
    chy_write_guard_revision(write, ca->row.revision);
    if (chy_slice_is(chy_row_text(&ca->row, CHY_AUTHORITY_STATUS), "pending-certificate")) {
        chy_write_set(write, CHY_AUTHORITY_STATUS, chy_value_text(chy_text("active")));
    }
    if (certificate->parent != NULL) {
        chy_write_set(write, CHY_AUTHORITY_PARENT_ID,
                      chy_value_uuid(&certificate->parent->authority_id));
    }
    if (certificate->name_constraints.len != 0) {
        chy_write_set(write, CHY_AUTHORITY_NAME_CONSTRAINTS,
                      chy_value_json(certificate->name_constraints));
    }
    chy_write_set(write, CHY_AUTHORITY_GENERATION_ID, chy_value_uuid(&ca->generation_id));
    chy_write_set(write, CHY_AUTHORITY_UPDATED_AT, chy_value_time(chy_now(call->op)));
}

chy_status chy_authority_adopt(struct chy_call *call, struct chy_batch *batch,
                               const struct chy_authority *ca,
                               struct chy_authority_certificate *certificate, const char *verb)
{
    struct chy_write *write = certificate->generation_row;
    bool is_new = write != NULL;
    bool is_first = true;
    struct chy_uuid active = chy_row_uuid(&ca->row, CHY_AUTHORITY_GENERATION_ID);
    bool switches = chy_uuid_compare(&active, &ca->generation_id) != 0;
    if (!is_new) {
        struct chy_uuid current = chy_row_uuid(&ca->generation, CHY_GENERATION_CERTIFICATE_ID);
        is_first = chy_uuid_is_nil(&current);
    }
    CHY_TRY(next_version(call, &ca->id, &certificate->version));
    CHY_TRY(chy_authority_install(call, batch, &ca->id, &ca->generation_id, is_first, certificate));
    if (!is_new) {
        write =
            chy_batch_update(batch, CHY_C_GENERATIONS, CHY_KEY(chy_value_uuid(&ca->generation_id)));
        chy_write_guard_revision(write, ca->generation.revision);
        chy_write_set(write, CHY_GENERATION_STATUS, chy_value_text(chy_text("active")));
        chy_write_set(write, CHY_GENERATION_UPDATED_AT, chy_value_time(chy_now(call->op)));
    }
    chy_write_set(write, CHY_GENERATION_CERTIFICATE_ID, chy_value_uuid(&certificate->id));
    if (switches) {
        retire(call, batch, &active);
    }
    set_authority(call, batch, ca, certificate);
    return chy_call_commit(call, batch, verb, &ca->id);
}
