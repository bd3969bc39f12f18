#include "enroll/authority.h"

#include "enroll/blocked_key.h"
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
                              const char *status, struct chy_authority_key *made)
{
    int64_t now = chy_now(call->op);
    struct chy_write *write =
        chy_batch_insert(batch, CHY_C_GENERATIONS, CHY_KEY(chy_value_uuid(&made->generation_id)));
    chy_write_set(write, CHY_GENERATION_AUTHORITY_ID, chy_value_uuid(authority_id));
    chy_write_set(write, CHY_GENERATION_PROJECT_ID, chy_value_uuid(&call->project_id));
    chy_write_set(write, CHY_GENERATION_NUMBER, chy_value_int(number));
    chy_write_set(write, CHY_GENERATION_STATUS, chy_value_text(chy_text(status)));
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
    chy_write_set(write, CHY_GENERATION_OCSP, chy_value_bool(!made->without_ocsp));
    chy_write_set(write, CHY_GENERATION_CREATED_AT, chy_value_time(now));
    chy_write_set(write, CHY_GENERATION_UPDATED_AT, chy_value_time(now));
    made->row = write;

    chy_blocked_key_enter(batch, made->spki_sha256, CHY_BLOCKED_AUTHORITY);
}

chy_status chy_authority_make_key(struct chy_call *call, struct chy_batch *batch,
                                  const struct chy_uuid *authority_id, uint32_t algorithm,
                                  int64_t number, const char *status,
                                  struct chy_authority_key *out_key)
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
    insert_generation(call, batch, authority_id, number, status, out_key);
    return CHY_OK;
}
