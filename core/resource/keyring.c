#include "resource/keyring.h"

#include "base/encode.h"
#include "base/secret.h"
#include "base/time.h"
#include "resource/cache.h"
#include "resource/collections.h"

#include <assert.h>
#include <stdlib.h>

#define KEK_ID_LEN 16
#define PERIOD_LEN 7 // "2026-11"
#define DATA_KEY_LEN 32
#define SETTING_KEK "kek"
#define CHECK_TEXT "chancery kek check 1"

struct chy_keyring {
    struct chy_runtime *runtime;
    struct chy_crypto_key kek;
    struct chy_crypto_key mac_keys[CHY_MAC_COUNT];
    char kek_id[KEK_ID_LEN + 1];
};

static const char *const mac_labels[CHY_MAC_COUNT] = {
    "chancery mac audit 1", "chancery mac client-secret 1", "chancery mac token 1"};

struct data_key {
    struct chy_cached cached; /**< first member */
    struct chy_uuid id;
    struct chy_crypto_key key;
};

/** What the cache finds a data key by.  All bytes count, so it is made by memset and fields. */
struct data_key_name {
    struct chy_crypto *crypto; /**< the provider that the key is imported into */
    struct chy_uuid id;        /**< the data key's, or the project's */
    char period[8];            /**< of a month's key */
};

/* ------------------------------------------------------------------------------------------------
 * The master key
 */

static chy_status derive_mac_keys(struct chy_keyring *keyring, struct chy_op *op,
                                  struct chy_slice kek)
{
    struct chy_crypto *crypto = keyring->runtime->seal_crypto;
    struct chy_key_template hmac_key = {.struct_size = sizeof hmac_key,
                                        .algorithm = CHY_KEY_HMAC_SHA256};
    for (size_t i = 0; i < CHY_MAC_COUNT; i++) {
        struct chy_slice derived;
        CHY_TRY(chy_crypto_hmac_raw(crypto, op, kek, CHY_DIGEST_SHA256, chy_text(mac_labels[i]),
                                    &derived));
        chy_status status =
            chy_crypto_import(crypto, op, &hmac_key, derived, &keyring->mac_keys[i]);
        explicit_bzero((uint8_t *)(uintptr_t)derived.ptr, (size_t)derived.len);
        CHY_TRY(status);
    }
    return CHY_OK;
}

static chy_status import_kek(struct chy_keyring *keyring, struct chy_op *op, struct chy_slice kek)
{
    struct chy_crypto *crypto = keyring->runtime->seal_crypto;
    struct chy_key_template aes_key = {.struct_size = sizeof aes_key, .algorithm = CHY_KEY_AES_256};
    struct chy_slice id;
    CHY_TRY(chy_crypto_hmac_raw(crypto, op, kek, CHY_DIGEST_SHA256, chy_text("chancery kek id 1"),
                                &id));
    chy_hex_encode(chy_slice_of(id.ptr, KEK_ID_LEN / 2), keyring->kek_id);
    CHY_TRY(chy_crypto_import(crypto, op, &aes_key, kek, &keyring->kek));
    return derive_mac_keys(keyring, op, kek);
}

static struct chy_seal_context check_context(void)
{
    return chy_seal_context_of("kek-check", chy_text(SETTING_KEK));
}

static chy_status establish_check(struct chy_keyring *keyring, struct chy_op *op)
{
    struct chy_seal_context context = check_context();
    struct chy_slice sealed;
    CHY_TRY(chy_crypto_seal(&keyring->kek, op, &context, chy_text(CHECK_TEXT), &sealed));
    struct chy_batch batch;
    chy_batch_init(&batch, op, 0);
    struct chy_write *write =
        chy_batch_insert(&batch, CHY_C_SETTINGS, CHY_KEY(chy_value_text(chy_text(SETTING_KEK))));
    chy_write_set(write, CHY_SETTING_TEXT, chy_value_text(chy_keyring_kek_id(keyring)));
    chy_write_set(write, CHY_SETTING_BLOB, chy_value_blob(sealed));
    return chy_batch_commit(&batch, keyring->runtime->storage, NULL);
}

static chy_status check_kek(struct chy_keyring *keyring, struct chy_op *op, bool establish)
{
    struct chy_storage_row row;
    chy_status status = chy_storage_read(keyring->runtime->storage, op, CHY_C_SETTINGS,
                                         CHY_KEY(chy_value_text(chy_text(SETTING_KEK))),
                                         CHY_FIELDS(CHY_SETTING_TEXT, CHY_SETTING_BLOB), &row);
    if (status == CHY_NOT_FOUND) {
        return establish
                   ? establish_check(keyring, op)
                   : chy_fail(op, CHY_DENIED, 0,
                              "the database has no master key (KEK) yet; for a new instance run "
                              "'chancery init --config' with this configuration");
    }
    CHY_TRY(status);
    struct chy_slice id = chy_row_text(&row, 0);
    struct chy_seal_context context = check_context();
    struct chy_slice opened;
    if (!chy_slice_equal(id, chy_keyring_kek_id(keyring)) ||
        chy_crypto_open_sealed(&keyring->kek, op, &context, chy_row_blob(&row, 1), &opened) !=
            CHY_OK) {
        return chy_fail(op, CHY_DENIED, 0,
                        "wrong master key (KEK): the database was made with %.*s, the configured "
                        "one is %s; configure the KEK that belongs to this database",
                        (int)id.len, (const char *)id.ptr, keyring->kek_id);
    }
    return CHY_OK;
}

chy_status chy_keyring_open(struct chy_runtime *runtime, struct chy_op *op, struct chy_slice kek,
                            bool establish, struct chy_keyring **out_keyring)
{
    if (kek.len != CHY_KEK_LEN) {
        return chy_fail(op, CHY_BAD_INPUT, 0, "the master key (KEK) has %llu bytes, not %d",
                        (unsigned long long)kek.len, CHY_KEK_LEN);
    }
    struct chy_keyring *keyring = calloc(1, sizeof *keyring);
    if (keyring == NULL) {
        return chy_fail_memory(op);
    }
    keyring->runtime = runtime;
    chy_status status = import_kek(keyring, op, kek);
    if (status == CHY_OK) {
        status = check_kek(keyring, op, establish);
    }
    if (status != CHY_OK) {
        chy_keyring_close(keyring);
        return status;
    }
    *out_keyring = keyring;
    return CHY_OK;
}

void chy_keyring_close(struct chy_keyring *keyring)
{
    if (keyring == NULL) {
        return;
    }
    chy_crypto_key_release(&keyring->kek);
    for (size_t i = 0; i < CHY_MAC_COUNT; i++) {
        chy_crypto_key_release(&keyring->mac_keys[i]);
    }
    free(keyring);
}

struct chy_slice chy_keyring_kek_id(const struct chy_keyring *keyring)
{
    return chy_slice_of(keyring->kek_id, KEK_ID_LEN);
}

chy_status chy_keyring_mac(struct chy_keyring *keyring, struct chy_op *op,
                           enum chy_mac_purpose purpose, struct chy_slice message,
                           struct chy_slice *out_mac)
{
    assert(purpose < CHY_MAC_COUNT);
    return chy_crypto_hmac(&keyring->mac_keys[purpose], op, CHY_DIGEST_SHA256, message, out_mac);
}

/* ------------------------------------------------------------------------------------------------
 * Data keys
 */

static void free_data_key(struct chy_cached *cached)
{
    struct data_key *data_key = (struct data_key *)cached;
    chy_crypto_key_release(&data_key->key);
    free(data_key);
}

static chy_status data_key_aad(struct chy_op *op, const struct chy_uuid *id,
                               const struct chy_uuid *project_id, struct chy_slice *out_aad)
{
    struct chy_buf buf;
    chy_buf_init(&buf, op, 64);
    chy_buf_add(&buf, chy_slice_of(id->bytes, sizeof id->bytes));
    chy_buf_add(&buf, chy_slice_of(project_id->bytes, sizeof project_id->bytes));
    *out_aad = chy_buf_slice(&buf);
    return chy_buf_ok(&buf) ? CHY_OK : chy_buf_fail(&buf, op, "the data key's binding");
}

static struct chy_view data_key_fields(void)
{
    static const uint32_t fields[] = {CHY_DATA_KEY_ID, CHY_DATA_KEY_PROJECT_ID,
                                      CHY_DATA_KEY_SEALED};
    struct chy_view view = CHY_VIEW_INIT(fields);
    return view;
}

static chy_status open_data_key(struct chy_runtime *runtime, struct chy_op *op,
                                const struct chy_storage_row *row, struct chy_crypto *crypto,
                                struct chy_cached **out_cached)
{
    struct chy_uuid id = chy_row_uuid(row, 0);
    struct chy_uuid project_id = chy_row_uuid(row, 1);
    struct chy_slice aad;
    struct chy_slice bytes;
    CHY_TRY(data_key_aad(op, &id, &project_id, &aad));
    struct chy_seal_context context = chy_seal_context_of("data-key", aad);
    CHY_TRY(
        chy_crypto_open_sealed(&runtime->keyring->kek, op, &context, chy_row_blob(row, 2), &bytes));
    struct chy_key_template aes_key = {.struct_size = sizeof aes_key, .algorithm = CHY_KEY_AES_256};
    CHY_AUTO(chy_crypto_key_release) struct chy_crypto_key key = {NULL, NULL};
    CHY_TRY(chy_crypto_import(crypto, op, &aes_key, bytes, &key));
    struct data_key *data_key = calloc(1, sizeof *data_key);
    if (data_key == NULL) {
        return chy_fail_memory(op);
    }
    chy_cached_init(&data_key->cached, free_data_key);
    data_key->id = id;
    data_key->key = chy_crypto_key_take(&key);
    *out_cached = &data_key->cached;
    return CHY_OK;
}

static chy_status load_data_key(struct chy_runtime *runtime, struct chy_op *op,
                                struct chy_slice key, struct chy_cached **out_cached)
{
    struct data_key_name name;
    assert(key.len == sizeof name);
    memcpy(&name, key.ptr, sizeof name);
    struct chy_storage_row row;
    chy_status status =
        chy_storage_read(runtime->storage, op, CHY_C_DATA_KEYS, CHY_KEY(chy_value_uuid(&name.id)),
                         data_key_fields(), &row);
    if (status == CHY_NOT_FOUND) {
        return chy_fail(op, CHY_BROKEN, 0, "a sealed value names a data key that is not there");
    }
    CHY_TRY(status);
    return open_data_key(runtime, op, &row, name.crypto, out_cached);
}

static chy_status make_data_key(struct chy_runtime *runtime, struct chy_op *op,
                                const struct chy_uuid *project_id, struct chy_slice period)
{
    struct chy_buffer bytes = {chy_secret_alloc(op, DATA_KEY_LEN), DATA_KEY_LEN};
    if (bytes.ptr == NULL) {
        return chy_fail_memory(op);
    }
    struct chy_uuid id;
    struct chy_slice aad;
    struct chy_slice sealed;
    CHY_TRY(chy_crypto_random(runtime->seal_crypto, op, bytes));
    CHY_TRY(chy_runtime_new_uuid(runtime, op, &id));
    CHY_TRY(data_key_aad(op, &id, project_id, &aad));
    struct chy_seal_context context = chy_seal_context_of("data-key", aad);
    CHY_TRY(chy_crypto_seal(&runtime->keyring->kek, op, &context,
                            chy_slice_of(bytes.ptr, bytes.len), &sealed));
    struct chy_batch batch;
    chy_batch_init(&batch, op, 0);
    struct chy_write *write =
        chy_batch_insert(&batch, CHY_C_DATA_KEYS, CHY_KEY(chy_value_uuid(&id)));
    chy_write_set(write, CHY_DATA_KEY_PROJECT_ID, chy_value_uuid(project_id));
    chy_write_set(write, CHY_DATA_KEY_PERIOD, chy_value_text(period));
    chy_write_set(write, CHY_DATA_KEY_KEK_ID, chy_value_text(chy_keyring_kek_id(runtime->keyring)));
    chy_write_set(write, CHY_DATA_KEY_SEALED, chy_value_blob(sealed));
    chy_write_set(write, CHY_DATA_KEY_CREATED_AT, chy_value_time(chy_now(op)));
    chy_status status = chy_batch_commit(&batch, runtime->storage, NULL);
    return status == CHY_CONFLICT ? CHY_OK : status; // another thread or node made it first
}

static chy_status find_month_key(struct chy_runtime *runtime, struct chy_op *op,
                                 const struct data_key_name *name, struct chy_storage_page *page)
{
    struct chy_query query;
    chy_query_init(&query, op, CHY_C_DATA_KEYS, data_key_fields(), 1);
    chy_query_eq(&query, CHY_DATA_KEY_PROJECT_ID, chy_value_uuid(&name->id));
    chy_query_eq(&query, CHY_DATA_KEY_PERIOD,
                 chy_value_text(chy_slice_of(name->period, PERIOD_LEN)));
    return chy_query_run(&query, runtime->storage, page);
}

static chy_status load_month_key(struct chy_runtime *runtime, struct chy_op *op,
                                 struct chy_slice key, struct chy_cached **out_cached)
{
    struct data_key_name name;
    assert(key.len == sizeof name);
    memcpy(&name, key.ptr, sizeof name);
    struct chy_storage_page page;
    CHY_TRY(find_month_key(runtime, op, &name, &page));
    if (page.rows.count == 0) {
        CHY_TRY(make_data_key(runtime, op, &name.id, chy_slice_of(name.period, PERIOD_LEN)));
        CHY_TRY(find_month_key(runtime, op, &name, &page));
    }
    if (page.rows.count == 0) {
        return chy_fail(op, CHY_BROKEN, 0, "a data key that was just written is not there");
    }
    return open_data_key(runtime, op, chy_page_row(&page, 0), name.crypto, out_cached);
}

static chy_status month_key(struct chy_runtime *runtime, struct chy_op *op,
                            const struct chy_uuid *project_id, struct chy_crypto *crypto,
                            const struct data_key **out_key)
{
    struct chy_civil civil;
    chy_time_to_civil(chy_now(op), &civil);
    struct data_key_name name;
    memset(&name, 0, sizeof name);
    name.crypto = crypto;
    name.id = *project_id;
    (void)snprintf(name.period, sizeof name.period, "%04u-%02u", (unsigned)civil.year % 10000U,
                   (unsigned)civil.month % 100U);
    const struct chy_cached *cached;
    CHY_TRY(chy_cache_get(runtime->cache, op, CHY_CACHE_MONTH_KEY, chy_slice_of(&name, sizeof name),
                          load_month_key, &cached));
    *out_key = (const struct data_key *)cached;
    return CHY_OK;
}

static chy_status key_by_id(struct chy_runtime *runtime, struct chy_op *op,
                            const struct chy_uuid *id, struct chy_crypto *crypto,
                            const struct data_key **out_key)
{
    struct data_key_name name;
    memset(&name, 0, sizeof name);
    name.crypto = crypto;
    name.id = *id;
    const struct chy_cached *cached;
    CHY_TRY(chy_cache_get(runtime->cache, op, CHY_CACHE_DATA_KEY, chy_slice_of(&name, sizeof name),
                          load_data_key, &cached));
    *out_key = (const struct data_key *)cached;
    return CHY_OK;
}

/* ------------------------------------------------------------------------------------------------
 * Sealing
 */

static void add_part(struct chy_buf *buf, struct chy_slice part)
{
    uint8_t length[4] = {(uint8_t)(part.len >> 24), (uint8_t)(part.len >> 16),
                         (uint8_t)(part.len >> 8), (uint8_t)part.len};
    chy_buf_add(buf, chy_slice_of(length, sizeof length));
    chy_buf_add(buf, part);
}

static chy_status place_context(struct chy_op *op, const struct chy_sealed_place *place,
                                struct chy_seal_context *out_context)
{
    struct chy_buf buf;
    chy_buf_init(&buf, op, 512);
    add_part(&buf, chy_text(place->collection));
    add_part(&buf, chy_slice_of(place->row_id->bytes, sizeof place->row_id->bytes));
    add_part(&buf, chy_text(place->field));
    add_part(&buf, chy_slice_of(place->project_id->bytes, sizeof place->project_id->bytes));
    add_part(&buf, chy_text(place->purpose));
    add_part(&buf, place->spki_sha256);
    chy_buf_add_u8(&buf, place->exportable ? 1 : 0);
    if (!chy_buf_ok(&buf)) {
        return chy_buf_fail(&buf, op, "the sealed value's binding");
    }
    *out_context = chy_seal_context_of(place->purpose, chy_buf_slice(&buf));
    return CHY_OK;
}

chy_status chy_keyring_seal_key(struct chy_keyring *keyring, struct chy_op *op,
                                const struct chy_sealed_place *place,
                                const struct chy_crypto_key *key, struct chy_slice *out_sealed,
                                struct chy_uuid *out_data_key_id)
{
    struct chy_seal_context context;
    const struct data_key *data_key;
    CHY_TRY(place_context(op, place, &context));
    CHY_TRY(month_key(keyring->runtime, op, place->project_id, key->crypto, &data_key));
    CHY_TRY(chy_crypto_seal_key(&data_key->key, op, &context, key, out_sealed));
    *out_data_key_id = data_key->id;
    return CHY_OK;
}

chy_status chy_keyring_open_key(struct chy_keyring *keyring, struct chy_op *op,
                                const struct chy_sealed_place *place, struct chy_crypto *crypto,
                                const struct chy_uuid *data_key_id, struct chy_slice sealed,
                                struct chy_crypto_key *out_key)
{
    struct chy_seal_context context;
    const struct data_key *data_key;
    CHY_TRY(place_context(op, place, &context));
    CHY_TRY(key_by_id(keyring->runtime, op, data_key_id, crypto, &data_key));
    return chy_crypto_open_key(&data_key->key, op, &context, sealed, out_key);
}

chy_status chy_keyring_seal(struct chy_keyring *keyring, struct chy_op *op,
                            const struct chy_sealed_place *place, struct chy_slice secret,
                            struct chy_slice *out_sealed, struct chy_uuid *out_data_key_id)
{
    struct chy_seal_context context;
    const struct data_key *data_key;
    CHY_TRY(place_context(op, place, &context));
    CHY_TRY(month_key(keyring->runtime, op, place->project_id, keyring->runtime->leaf_crypto,
                      &data_key));
    CHY_TRY(chy_crypto_seal(&data_key->key, op, &context, secret, out_sealed));
    *out_data_key_id = data_key->id;
    return CHY_OK;
}

chy_status chy_keyring_open_secret(struct chy_keyring *keyring, struct chy_op *op,
                                   const struct chy_sealed_place *place,
                                   const struct chy_uuid *data_key_id, struct chy_slice sealed,
                                   struct chy_slice *out_secret)
{
    struct chy_seal_context context;
    const struct data_key *data_key;
    CHY_TRY(place_context(op, place, &context));
    CHY_TRY(key_by_id(keyring->runtime, op, data_key_id, keyring->runtime->leaf_crypto, &data_key));
    return chy_crypto_open_sealed(&data_key->key, op, &context, sealed, out_secret);
}
