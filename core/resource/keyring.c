#include "resource/keyring.h"

#include "base/op.h"
#include "base/secret.h"
#include "base/time.h"
#include "resource/cache.h"
#include "resource/collections.h"
#include "resource/keyring_state.h"

#include <assert.h>
#include <stdlib.h>

#define PERIOD_LEN 7 // "2026-11"
#define DATA_KEY_LEN 32

/** How often a data key is sealed again because the KEK changed in between. */
#define KEK_ROUNDS 3

static const char *const mac_labels[CHY_MAC_COUNT] = {
    "chancery mac audit 1",   "chancery mac client-secret 1",   "chancery mac token 1",
    "chancery mac cursor 1",  "chancery mac audit-retention 1", "chancery mac backup 1",
    "chancery mac password 1"};

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
 * Roots
 */

static chy_status derive_mac_key(struct chy_crypto *crypto, struct chy_op *op,
                                 struct chy_slice root, enum chy_mac_purpose purpose,
                                 struct chy_crypto_key *out_key)
{
    struct chy_key_template hmac_key = {.struct_size = sizeof hmac_key,
                                        .algorithm = CHY_KEY_HMAC_SHA256};
    struct chy_slice derived;
    CHY_TRY(chy_crypto_hmac_raw(crypto, op, root, CHY_DIGEST_SHA256, chy_text(mac_labels[purpose]),
                                &derived));
    chy_status status = chy_crypto_import(crypto, op, &hmac_key, derived, out_key);
    explicit_bzero((uint8_t *)(uintptr_t)derived.ptr, (size_t)derived.len);
    return status;
}

static chy_status derive_mac_keys(struct chy_keyring *keyring, struct chy_op *op,
                                  struct chy_slice root)
{
    for (size_t i = 0; i < CHY_MAC_COUNT; i++) {
        CHY_TRY(derive_mac_key(keyring->runtime->seal_crypto, op, root, (enum chy_mac_purpose)i,
                               &keyring->mac_keys[i]));
    }
    return CHY_OK;
}

chy_status chy_keyring_mac_of_root(struct chy_crypto *crypto, struct chy_op *op,
                                   struct chy_slice root, enum chy_mac_purpose purpose,
                                   struct chy_slice message, struct chy_slice *out_mac)
{
    CHY_AUTO(chy_crypto_key_release) struct chy_crypto_key key = {NULL, NULL};
    CHY_TRY(derive_mac_key(crypto, op, root, purpose, &key));
    return chy_crypto_hmac(&key, op, CHY_DIGEST_SHA256, message, out_mac);
}

chy_status chy_keyring_open(struct chy_runtime *runtime, struct chy_op *op, struct chy_slice kek,
                            bool establish, struct chy_keyring **out_keyring)
{
    struct chy_slice mac_root;
    struct chy_keyring *keyring = calloc(1, sizeof *keyring);
    if (keyring == NULL) {
        return chy_fail_memory(op);
    }
    keyring->runtime = runtime;
    chy_status status = chy_keks_open(runtime, op, kek, establish, &mac_root, &keyring->keks);
    if (status == CHY_OK) {
        status = derive_mac_keys(keyring, op, mac_root);
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
    chy_keks_close(keyring->keks);
    for (size_t i = 0; i < CHY_MAC_COUNT; i++) {
        chy_crypto_key_release(&keyring->mac_keys[i]);
    }
    free(keyring);
}

struct chy_keks *chy_keyring_keks(struct chy_keyring *keyring)
{
    return keyring->keks;
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

struct chy_view chy_data_key_fields(void)
{
    static const uint32_t fields[] = {CHY_DATA_KEY_ID, CHY_DATA_KEY_PROJECT_ID, CHY_DATA_KEY_SEALED,
                                      CHY_DATA_KEY_KEK_ID};
    struct chy_view view = CHY_VIEW_INIT(fields);
    return view;
}

chy_status chy_data_key_open(struct chy_keyring *keyring, struct chy_op *op,
                             const struct chy_storage_row *row, struct chy_slice *out_bytes)
{
    struct chy_uuid id = chy_row_uuid(row, CHY_DATA_KEY_COLUMN_ID);
    struct chy_uuid project_id = chy_row_uuid(row, CHY_DATA_KEY_COLUMN_PROJECT_ID);
    struct chy_slice aad;
    CHY_TRY(data_key_aad(op, &id, &project_id, &aad));
    struct chy_seal_context context = chy_seal_context_of("data-key", aad);
    return chy_kek_open(keyring->keks, op, &context, chy_row_text(row, CHY_DATA_KEY_COLUMN_KEK_ID),
                        chy_row_blob(row, CHY_DATA_KEY_COLUMN_SEALED), out_bytes);
}

chy_status chy_data_key_seal(struct chy_keyring *keyring, struct chy_op *op,
                             const struct chy_uuid *id, const struct chy_uuid *project_id,
                             struct chy_slice bytes, struct chy_kek_id *out_kek,
                             struct chy_slice *out_sealed)
{
    struct chy_slice aad;
    CHY_TRY(data_key_aad(op, id, project_id, &aad));
    struct chy_seal_context context = chy_seal_context_of("data-key", aad);
    return chy_kek_seal(keyring->keks, op, &context, bytes, out_kek, out_sealed);
}

static chy_status open_data_key(struct chy_runtime *runtime, struct chy_op *op,
                                const struct chy_storage_row *row, struct chy_crypto *crypto,
                                struct chy_cached **out_cached)
{
    struct chy_slice bytes;
    CHY_TRY(chy_data_key_open(runtime->keyring, op, row, &bytes));
    struct chy_key_template aes_key = {.struct_size = sizeof aes_key, .algorithm = CHY_KEY_AES_256};
    CHY_AUTO(chy_crypto_key_release) struct chy_crypto_key key = {NULL, NULL};
    CHY_TRY(chy_crypto_import(crypto, op, &aes_key, bytes, &key));
    struct data_key *data_key = calloc(1, sizeof *data_key);
    if (data_key == NULL) {
        return chy_fail_memory(op);
    }
    chy_cached_init(&data_key->cached, free_data_key);
    data_key->id = chy_row_uuid(row, 0);
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
                         chy_data_key_fields(), &row);
    if (status == CHY_NOT_FOUND) {
        return chy_fail(op, CHY_BROKEN, 0, "a sealed value names a data key that is not there");
    }
    CHY_TRY(status);
    return open_data_key(runtime, op, &row, name.crypto, out_cached);
}

/** A data key in the making. */
struct made_key {
    const struct chy_uuid *project_id;
    struct chy_slice period;
    struct chy_uuid id;
    struct chy_slice bytes;
};

/** insert_data_key sets `out_again` when the KEK that sealed it is no longer the one in use. */
static chy_status insert_data_key(struct chy_runtime *runtime, struct chy_op *op,
                                  const struct made_key *made, bool *out_again)
{
    struct chy_slice sealed;
    struct chy_kek_id kek;
    CHY_TRY(chy_data_key_seal(runtime->keyring, op, &made->id, made->project_id, made->bytes, &kek,
                              &sealed));
    struct chy_batch batch;
    chy_batch_init(&batch, op, 0);
    struct chy_write *guard = chy_kek_guard(&batch, &kek);
    struct chy_write *write =
        chy_batch_insert(&batch, CHY_C_DATA_KEYS, CHY_KEY(chy_value_uuid(&made->id)));
    chy_write_set(write, CHY_DATA_KEY_PROJECT_ID, chy_value_uuid(made->project_id));
    chy_write_set(write, CHY_DATA_KEY_PERIOD, chy_value_text(made->period));
    chy_write_set(write, CHY_DATA_KEY_KEK_ID, chy_value_text(chy_text(kek.text)));
    chy_write_set(write, CHY_DATA_KEY_SEALED, chy_value_blob(sealed));
    chy_write_set(write, CHY_DATA_KEY_CREATED_AT, chy_value_time(chy_now(op)));
    struct chy_storage_outcome outcome = {.struct_size = sizeof outcome};
    chy_status status = chy_batch_commit(&batch, runtime->storage, &outcome);
    *out_again = status == CHY_CONFLICT && chy_write_failed(guard, &outcome);
    return status == CHY_CONFLICT ? CHY_OK : status; // another thread or node made it first
}

static chy_status make_data_key(struct chy_runtime *runtime, struct chy_op *op,
                                const struct chy_uuid *project_id, struct chy_slice period)
{
    struct made_key made = {.project_id = project_id, .period = period};
    struct chy_buffer bytes = {chy_secret_alloc(op, DATA_KEY_LEN), DATA_KEY_LEN};
    bool again = true;
    if (bytes.ptr == NULL) {
        return chy_fail_memory(op);
    }
    CHY_TRY(chy_crypto_random(runtime->seal_crypto, op, bytes));
    CHY_TRY(chy_runtime_new_uuid(runtime, op, &made.id));
    made.bytes = chy_slice_of(bytes.ptr, bytes.len);
    for (int round = 0; again && round < KEK_ROUNDS; round++) {
        CHY_TRY(insert_data_key(runtime, op, &made, &again));
        if (again) {
            CHY_TRY(chy_keks_refresh(runtime->keyring->keks, op));
        }
    }
    return again ? chy_fail(op, CHY_TRY_LATER, 0, "the master key is being changed; try again")
                 : CHY_OK;
}

static chy_status find_month_key(struct chy_runtime *runtime, struct chy_op *op,
                                 const struct data_key_name *name, struct chy_storage_page *page)
{
    struct chy_query query;
    chy_query_init(&query, op, CHY_C_DATA_KEYS, chy_data_key_fields(), 1);
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

/** project_of is the nil UUID for what belongs to the instance. */
static const struct chy_uuid *project_of(const struct chy_sealed_place *place)
{
    static const struct chy_uuid instance = {{0}};
    return place->project_id == NULL ? &instance : place->project_id;
}

static chy_status place_context(struct chy_op *op, const struct chy_sealed_place *place,
                                struct chy_seal_context *out_context)
{
    struct chy_buf buf;
    chy_buf_init(&buf, op, 512);
    add_part(&buf, chy_text(place->collection));
    add_part(&buf, chy_slice_of(place->row_id->bytes, sizeof place->row_id->bytes));
    add_part(&buf, chy_text(place->field));
    const struct chy_uuid *project_id = project_of(place);
    add_part(&buf, chy_slice_of(project_id->bytes, sizeof project_id->bytes));
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
    CHY_TRY(month_key(keyring->runtime, op, project_of(place), key->crypto, &data_key));
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
    CHY_TRY(month_key(keyring->runtime, op, project_of(place), keyring->runtime->leaf_crypto,
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

chy_status chy_keyring_instance_key(struct chy_keyring *keyring, struct chy_op *op,
                                    const struct chy_uuid *id, struct chy_uuid *out_id,
                                    struct chy_crypto_key *out_key)
{
    static const struct chy_uuid instance = {{0}};
    struct chy_crypto *crypto = keyring->runtime->leaf_crypto;
    const struct data_key *data_key;
    CHY_TRY(id == NULL ? month_key(keyring->runtime, op, &instance, crypto, &data_key)
                       : key_by_id(keyring->runtime, op, id, crypto, &data_key));
    *out_id = data_key->id;
    *out_key = data_key->key;
    return CHY_OK;
}
