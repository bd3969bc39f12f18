#include "resource/audit_key.h"

#include "resource/collections.h"
#include "resource/keyring.h"

/* `settings`: "audit-key" has the sealed key (blob), the data key's id (text) and the key's
 * algorithm (number); "audit-key-public" the SPKI that it is bound to. */
#define SETTING_KEY "audit-key"
#define SETTING_PUBLIC "audit-key-public"

static const struct chy_uuid nobody = {{0}}; // a setting has a name, no id

static struct chy_sealed_place place_of(struct chy_slice spki_sha256)
{
    struct chy_sealed_place place = {
        .purpose = "audit-key",
        .collection = "settings",
        .field = SETTING_KEY,
        .row_id = &nobody,
        .spki_sha256 = spki_sha256,
    };
    return place;
}

static uint32_t signature_of(uint32_t key_algorithm)
{
    return key_algorithm == CHY_KEY_ED25519 ? CHY_SIG_ED25519 : CHY_SIG_ECDSA_SHA256;
}

static chy_status digest_of(struct chy_runtime *runtime, struct chy_op *op,
                            const struct chy_crypto_key *key, struct chy_slice *out_spki,
                            struct chy_slice *out_digest)
{
    CHY_TRY(chy_crypto_public_key(key, op, out_spki));
    return chy_crypto_digest(runtime->leaf_crypto, op, CHY_DIGEST_SHA256, *out_spki, out_digest);
}

static chy_status make_key(struct chy_runtime *runtime, struct chy_op *op)
{
    bool has_ed25519 = chy_crypto_can_make_key(runtime->leaf_crypto, CHY_KEY_ED25519) &&
                       chy_crypto_can_sign(runtime->leaf_crypto, CHY_SIG_ED25519);
    struct chy_key_template wanted = {.struct_size = sizeof wanted,
                                      .algorithm = has_ed25519 ? CHY_KEY_ED25519 : CHY_KEY_EC_P256};
    CHY_AUTO(chy_crypto_key_release) struct chy_crypto_key key = {NULL, NULL};
    struct chy_slice spki;
    struct chy_slice digest;
    struct chy_slice sealed;
    struct chy_slice id_text;
    struct chy_uuid data_key_id;
    CHY_TRY(chy_crypto_generate(runtime->leaf_crypto, op, &wanted, &key));
    CHY_TRY(digest_of(runtime, op, &key, &spki, &digest));
    struct chy_sealed_place place = place_of(digest);
    CHY_TRY(chy_keyring_seal_key(runtime->keyring, op, &place, &key, &sealed, &data_key_id));
    CHY_TRY(chy_uuid_text(op, &data_key_id, &id_text));
    struct chy_batch batch;
    chy_batch_init(&batch, op, 0);
    struct chy_write *write =
        chy_batch_insert(&batch, CHY_C_SETTINGS, CHY_KEY(chy_value_text(chy_text(SETTING_KEY))));
    chy_write_set(write, CHY_SETTING_TEXT, chy_value_text(id_text));
    chy_write_set(write, CHY_SETTING_NUMBER, chy_value_int(wanted.algorithm));
    chy_write_set(write, CHY_SETTING_BLOB, chy_value_blob(sealed));
    write =
        chy_batch_insert(&batch, CHY_C_SETTINGS, CHY_KEY(chy_value_text(chy_text(SETTING_PUBLIC))));
    chy_write_set(write, CHY_SETTING_BLOB, chy_value_blob(spki));
    chy_status status = chy_batch_commit(&batch, runtime->storage, NULL);
    return status == CHY_CONFLICT ? CHY_OK : status; // another node made it first
}

static chy_status open_key(struct chy_runtime *runtime, struct chy_op *op,
                           struct chy_audit_key *out_key)
{
    struct chy_storage_row row;
    struct chy_storage_row public_row;
    struct chy_slice digest;
    struct chy_uuid data_key_id;
    CHY_TRY(chy_storage_read(
        runtime->storage, op, CHY_C_SETTINGS, CHY_KEY(chy_value_text(chy_text(SETTING_KEY))),
        CHY_FIELDS(CHY_SETTING_TEXT, CHY_SETTING_NUMBER, CHY_SETTING_BLOB), &row));
    CHY_TRY(chy_storage_read(runtime->storage, op, CHY_C_SETTINGS,
                             CHY_KEY(chy_value_text(chy_text(SETTING_PUBLIC))),
                             CHY_FIELDS(CHY_SETTING_BLOB), &public_row));
    if (!chy_uuid_parse(chy_row_text(&row, 0), &data_key_id)) {
        return chy_fail(op, CHY_BROKEN, 0, "the key of the audit names no data key");
    }
    CHY_TRY(chy_crypto_digest(runtime->leaf_crypto, op, CHY_DIGEST_SHA256,
                              chy_row_blob(&public_row, 0), &digest));
    struct chy_sealed_place place = place_of(digest);
    CHY_TRY(chy_keyring_open_key(runtime->keyring, op, &place, runtime->leaf_crypto, &data_key_id,
                                 chy_row_blob(&row, 2), &out_key->key));
    out_key->signature_algorithm = signature_of(chy_crypto_key_algorithm(&out_key->key));
    struct chy_slice spki;
    CHY_TRY(
        chy_crypto_public_key(&out_key->key, op, &spki)); // of the sealed key: it cannot be changed
    return chy_crypto_load_public(runtime->leaf_crypto, op, spki, &out_key->public_key);
}

chy_status chy_audit_key_open(struct chy_runtime *runtime, struct chy_op *op, bool make,
                              struct chy_audit_key *out_key)
{
    memset(out_key, 0, sizeof *out_key);
    chy_status status = open_key(runtime, op, out_key);
    if (status == CHY_NOT_FOUND && make) {
        CHY_TRY(make_key(runtime, op));
        status = open_key(runtime, op, out_key);
    }
    if (status != CHY_OK) {
        chy_audit_key_close(out_key);
    }
    return status;
}

void chy_audit_key_close(struct chy_audit_key *key)
{
    chy_crypto_key_release(&key->key);
    chy_crypto_key_release(&key->public_key);
}

chy_status chy_audit_key_sign(const struct chy_audit_key *key, struct chy_op *op,
                              struct chy_slice head, struct chy_slice *out_signature)
{
    return chy_crypto_sign(&key->key, op, key->signature_algorithm, head, out_signature);
}

chy_status chy_audit_key_check(const struct chy_audit_key *key, struct chy_op *op,
                               struct chy_slice head, struct chy_slice signature)
{
    return chy_crypto_verify(&key->public_key, op, key->signature_algorithm, head, signature);
}
