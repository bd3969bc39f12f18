#include "enroll/authority.h"

#include "enroll/blocked_key.h"
#include "enroll/serials.h"
#include "enroll/shard.h"
#include "resource/collections.h"
#include "resource/keyring.h"

static chy_status check_provider(struct chy_call *call, uint32_t algorithm)
{
    const struct chy_crypto *crypto = call->runtime->ca_crypto;
    if (!chy_crypto_can_make_key(crypto, algorithm)) {
        return chy_fail(call->op, CHY_BAD_INPUT, 0,
                        "the crypto provider for CA keys makes no %s keys",
                        chy_key_algorithm_name(algorithm));
    }
    bool is_ecdsa = chy_key_algorithm_family(algorithm) == CHY_FAMILY_EC;
    if (is_ecdsa && chy_crypto_has(crypto, CHY_CRYPTO_ECDSA_LEAKS)) {
        return chy_fail(call->op, CHY_BAD_INPUT, 0,
                        "the packaged crypto library takes a time for ECDSA signatures that "
                        "depends on the nonce: choose an RSA or Ed25519 CA, or build Chancery with "
                        "its own wolfSSL");
    }
    return CHY_OK;
}

static chy_status keep_key(struct chy_call *call, struct chy_authority_key *made)
{
    if (chy_crypto_has(call->runtime->ca_crypto, CHY_CRYPTO_PERSISTENT)) {
        return chy_crypto_reference(&made->key, call->op, &made->reference);
    }
    struct chy_sealed_place place = {
        .purpose = "ca-key",
        .collection = "generations",
        .field = "sealed_key",
        .row_id = &made->generation_id,
        .project_id = &call->project_id,
        .spki_sha256 = made->spki_sha256,
    };
    return chy_keyring_seal_key(call->runtime->keyring, call->op, &place, &made->key, &made->sealed,
                                &made->data_key_id);
}

/** insert_generation borrows `made` until the batch is committed. */
static void insert_generation(struct chy_call *call, struct chy_batch *batch,
                              const struct chy_uuid *authority_id, int64_t number,
                              const struct chy_authority_key *made)
{
    int64_t now = chy_now(call->op);
    struct chy_write *write =
        chy_batch_insert(batch, CHY_C_GENERATIONS, CHY_KEY(chy_value_uuid(&made->generation_id)));
    chy_write_set(write, CHY_GENERATION_AUTHORITY_ID, chy_value_uuid(authority_id));
    chy_write_set(write, CHY_GENERATION_PROJECT_ID, chy_value_uuid(&call->project_id));
    chy_write_set(write, CHY_GENERATION_NUMBER, chy_value_int(number));
    chy_write_set(write, CHY_GENERATION_STATUS, chy_value_text(chy_text("active")));
    chy_write_set(write, CHY_GENERATION_KEY_ALGORITHM,
                  chy_value_text(chy_text(chy_key_algorithm_name(made->algorithm))));
    chy_write_set(write, CHY_GENERATION_PROVIDER,
                  chy_value_text(chy_crypto_instance(call->runtime->ca_crypto)->name));
    chy_write_set(write, CHY_GENERATION_REFERENCE, chy_value_text_or_null(made->reference));
    chy_write_set(write, CHY_GENERATION_SEALED_KEY, chy_value_blob_or_null(made->sealed));
    chy_write_set(write, CHY_GENERATION_DATA_KEY_ID, chy_value_uuid_or_null(&made->data_key_id));
    chy_write_set(write, CHY_GENERATION_SPKI, chy_value_blob(made->spki));
    chy_write_set(write, CHY_GENERATION_SPKI_SHA256, chy_value_blob(made->spki_sha256));
    chy_write_set(write, CHY_GENERATION_PUBLIC_URL, chy_value_text(call->runtime->pki.public_url));
    chy_write_set(write, CHY_GENERATION_SHARD_SIZE, chy_value_int(call->runtime->pki.shard_size));
    chy_write_set(write, CHY_GENERATION_CREATED_AT, chy_value_time(now));
    chy_write_set(write, CHY_GENERATION_UPDATED_AT, chy_value_time(now));

    chy_blocked_key_enter(batch, made->spki_sha256, CHY_BLOCKED_AUTHORITY);
}

chy_status chy_authority_make_key(struct chy_call *call, struct chy_batch *batch,
                                  const struct chy_uuid *authority_id, uint32_t algorithm,
                                  int64_t number, struct chy_authority_key *out_key)
{
    struct chy_key_template wanted = {.struct_size = sizeof wanted,
                                      .algorithm = algorithm,
                                      .flags = CHY_KEY_CA,
                                      .label = chy_text("chancery-ca")};
    if (chy_crypto_has(call->runtime->ca_crypto, CHY_CRYPTO_PERSISTENT)) {
        wanted.flags |= CHY_KEY_PERSISTENT;
    }
    CHY_TRY(check_provider(call, algorithm));
    CHY_TRY(chy_runtime_new_uuid(call->runtime, call->op, &out_key->generation_id));
    CHY_TRY(chy_crypto_generate(call->runtime->ca_crypto, call->op, &wanted, &out_key->key));
    CHY_TRY(chy_crypto_public_key(&out_key->key, call->op, &out_key->spki));
    CHY_TRY(chy_spki_sha256(call->runtime, call->op, out_key->spki, &out_key->spki_sha256));
    CHY_TRY(keep_key(call, out_key));
    out_key->algorithm = algorithm;
    insert_generation(call, batch, authority_id, number, out_key);
    return CHY_OK;
}

chy_status chy_authority_sign(struct chy_call *call, const struct chy_authority_wish *wish,
                              struct chy_signed *out_signed, int64_t *out_shard)
{
    struct chy_signing signing = {
        .issuer = wish->parent,
        .self_key = wish->key,
        .subject = wish->subject,
        .spki = wish->spki,
        .key_algorithm = wish->key_algorithm,
        .not_before = wish->not_before,
        .not_after = wish->not_after,
        .key_usage = CHY_KU_DIGITAL_SIGNATURE | CHY_KU_KEY_CERT_SIGN | CHY_KU_CRL_SIGN,
        .basic_constraints = {.is_ca = true,
                              .has_path_length = wish->max_path_length >= 0,
                              .path_length =
                                  wish->max_path_length >= 0 ? (uint32_t)wish->max_path_length : 0},
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
    chy_write_set(write, CHY_ACERT_NOT_BEFORE, chy_value_time(certificate->not_before));
    chy_write_set(write, CHY_ACERT_NOT_AFTER, chy_value_time(certificate->not_after));
    chy_write_set(write, CHY_ACERT_MAX_PATH_LENGTH, chy_value_int(certificate->max_path_length));
    chy_write_set(write, CHY_ACERT_SHARD, chy_value_int(certificate->shard));
    chy_write_set(write, CHY_ACERT_CREATED_AT, chy_value_time(chy_now(call->op)));
    // What is signed elsewhere has its serial there.
    bool is_root = certificate->chain.len == 0;
    if (parent != NULL || is_root) {
        struct chy_serial_entry entry = {
            .number = certificate->serial,
            .signer = parent != NULL ? &parent->generation_id : generation_id,
            .certificate_id = &certificate->id,
            .shard = certificate->shard,
            .not_after = certificate->not_after,
        };
        chy_serial_enter(batch, &entry);
    }
    return first ? chy_shard_open(call->runtime, batch, generation_id, 1) : CHY_OK;
}
