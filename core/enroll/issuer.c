#include "enroll/issuer.h"

#include "base/op.h"
#include "enroll/chain.h"
#include "enroll/memory.h"
#include "resource/collections.h"
#include "resource/json.h"
#include "resource/keyring.h"
#include "resource/principal.h"
#include "x509/algorithm.h"
#include "x509/pem.h"

#include <stdlib.h>

#define GENERATION_FIELDS                                                                       \
    CHY_FIELDS(CHY_GENERATION_ID, CHY_GENERATION_AUTHORITY_ID, CHY_GENERATION_PROJECT_ID,       \
               CHY_GENERATION_NUMBER, CHY_GENERATION_STATUS, CHY_GENERATION_KEY_ALGORITHM,      \
               CHY_GENERATION_PROVIDER, CHY_GENERATION_REFERENCE, CHY_GENERATION_SEALED_KEY,    \
               CHY_GENERATION_DATA_KEY_ID, CHY_GENERATION_SPKI, CHY_GENERATION_SPKI_SHA256,     \
               CHY_GENERATION_PUBLIC_URL, CHY_GENERATION_CERTIFICATE_ID,                        \
               CHY_GENERATION_SHARD_SIZE, CHY_GENERATION_CREATED_AT, CHY_GENERATION_UPDATED_AT, \
               CHY_GENERATION_OCSP)

chy_status chy_generation_open_key(struct chy_runtime *runtime, struct chy_op *op,
                                   const struct chy_storage_row *row,
                                   struct chy_crypto_key *out_key)
{
    struct chy_slice provider = chy_row_text(row, CHY_GENERATION_PROVIDER);
    struct chy_slice reference = chy_row_text(row, CHY_GENERATION_REFERENCE);
    if (!chy_slice_equal(provider, chy_crypto_instance(runtime->ca_crypto)->name)) {
        return chy_fail(op, CHY_BROKEN, 0,
                        "a CA key is held by the crypto instance '%.*s', which has not the role "
                        "'ca' in the configuration",
                        (int)provider.len, (const char *)provider.ptr);
    }
    if (reference.len != 0) {
        return chy_crypto_load(runtime->ca_crypto, op, reference, CHY_KEY_CA, out_key);
    }
    struct chy_uuid id = chy_row_uuid(row, CHY_GENERATION_ID);
    struct chy_uuid project_id = chy_row_uuid(row, CHY_GENERATION_PROJECT_ID);
    struct chy_uuid data_key_id = chy_row_uuid(row, CHY_GENERATION_DATA_KEY_ID);
    struct chy_sealed_place place = {
        .purpose = "ca-key",
        .collection = "generations",
        .field = "sealed_key",
        .row_id = &id,
        .project_id = &project_id,
        .spki_sha256 = chy_row_blob(row, CHY_GENERATION_SPKI_SHA256),
    };
    CHY_AUTO(chy_crypto_key_release) struct chy_crypto_key key = {NULL, NULL};
    struct chy_slice spki;
    CHY_TRY(chy_keyring_open_key(runtime->keyring, op, &place, runtime->ca_crypto, &data_key_id,
                                 chy_row_blob(row, CHY_GENERATION_SEALED_KEY), &key));
    CHY_TRY(chy_crypto_public_key(&key, op, &spki));
    if (!chy_slice_equal(spki, chy_row_blob(row, CHY_GENERATION_SPKI))) {
        return chy_fail(op, CHY_BROKEN, 0, "the sealed key of a CA is not the key of its row");
    }
    *out_key = chy_crypto_key_take(&key);
    return CHY_OK;
}

/* ------------------------------------------------------------------------------------------------
 * Loading
 */

static void free_issuer(struct chy_cached *cached)
{
    struct chy_issuer *issuer = (struct chy_issuer *)cached;
    chy_crypto_key_release(&issuer->key);
    chy_crypto_key_release(&issuer->public_key);
    chy_operation_free(issuer->memory);
    free(issuer);
}

static chy_status load_mirrors(struct chy_issuer *issuer, struct chy_slice json_text)
{
    struct chy_op *memory = &issuer->memory->op;
    json_t *list;
    size_t i;
    json_t *url;
    if (json_text.len == 0) {
        return CHY_OK;
    }
    CHY_TRY(chy_json_parse(memory, json_text, &list));
    json_array_foreach(list, i, url)
    {
        if (issuer->mirror_count < CHY_MIRRORS_MAX) {
            issuer->mirrors[issuer->mirror_count++] = chy_json_text(url);
        }
    }
    return CHY_OK;
}

static chy_status load_authority(struct chy_runtime *runtime, struct chy_op *op,
                                 struct chy_issuer *issuer)
{
    struct chy_op *memory = &issuer->memory->op;
    struct chy_storage_row row;
    CHY_TRY(chy_storage_read(
        runtime->storage, op, CHY_C_AUTHORITIES, CHY_KEY(chy_value_uuid(&issuer->authority_id)),
        CHY_FIELDS(CHY_AUTHORITY_NAME, CHY_AUTHORITY_STATUS, CHY_AUTHORITY_CRL_MIRRORS,
                   CHY_AUTHORITY_ON_EXPIRY, CHY_AUTHORITY_DIRECT),
        &row));
    CHY_TRY(chy_copy(memory, chy_row_text(&row, 0), &issuer->name));
    issuer->status = chy_slice_is(chy_row_text(&row, 1), "active")     ? CHY_AUTHORITY_ACTIVE
                     : chy_slice_is(chy_row_text(&row, 1), "disabled") ? CHY_AUTHORITY_DISABLED
                                                                       : CHY_AUTHORITY_PENDING;
    issuer->clamps = chy_slice_is(chy_row_text(&row, 3), "clamp");
    issuer->direct = chy_row_bool(&row, 4);
    return load_mirrors(issuer, chy_row_json(&row, 2));
}

static chy_status load_path(struct chy_issuer *issuer, struct chy_slice der, struct chy_slice chain)
{
    struct chy_op *memory = &issuer->memory->op;
    struct chy_slice rest;
    CHY_TRY(chy_copy(memory, der, &der));
    CHY_TRY(chy_certificate_read(memory, der, &issuer->path[issuer->path_count++]));
    CHY_TRY(chy_copy(memory, chain, &rest));
    while (rest.len != 0) {
        struct chy_slice element;
        if (issuer->path_count >= CHY_PATH_MAX) {
            return chy_fail(memory, CHY_BROKEN, 0, "the stored chain of a CA is too long");
        }
        CHY_TRY(chy_chain_take(memory, &rest, &element));
        CHY_TRY(chy_certificate_read(memory, element, &issuer->path[issuer->path_count++]));
    }
    return CHY_OK;
}

static chy_status make_pems(struct chy_issuer *issuer)
{
    struct chy_op *memory = &issuer->memory->op;
    struct chy_buf chain;
    struct chy_buf rootless;
    chy_buf_init(&chain, memory, (CHY_CHAIN_MAX * 2));
    chy_buf_init(&rootless, memory, (CHY_CHAIN_MAX * 2));
    for (uint32_t i = 0; i < issuer->path_count; i++) {
        CHY_TRY(chy_chain_add_pem(memory, &chain, issuer->path[i].der));
        if (!issuer->path[i].self_issued) {
            CHY_TRY(chy_chain_add_pem(memory, &rootless, issuer->path[i].der));
        }
    }
    if (!chy_buf_ok(&chain) || !chy_buf_ok(&rootless)) {
        return chy_buf_fail(&chain, memory, "the chain");
    }
    issuer->chain_pem = chy_buf_slice(&chain);
    issuer->chain_pem_rootless = chy_buf_slice(&rootless);
    return chy_pem_encode(memory, CHY_PEM_CERTIFICATE, issuer->path[0].der, 0, &issuer->pem);
}

static chy_status load_certificate(struct chy_runtime *runtime, struct chy_op *op,
                                   struct chy_issuer *issuer)
{
    struct chy_storage_row row;
    CHY_TRY(chy_storage_read(
        runtime->storage, op, CHY_C_AUTHORITY_CERTIFICATES,
        CHY_KEY(chy_value_uuid(&issuer->certificate_id)),
        CHY_FIELDS(CHY_ACERT_DER, CHY_ACERT_CHAIN, CHY_ACERT_PARENT_GENERATION_ID), &row));
    struct chy_uuid parent = chy_row_uuid(&row, 2);
    struct chy_slice chain;
    CHY_TRY(chy_chain_current(runtime, op, &parent, chy_row_blob(&row, 1), &chain));
    CHY_TRY(load_path(issuer, chy_row_blob(&row, 0), chain));
    return make_pems(issuer);
}

static chy_status fill_issuer(struct chy_runtime *runtime, struct chy_op *op,
                              const struct chy_storage_row *row, struct chy_issuer *issuer)
{
    struct chy_op *memory = &issuer->memory->op;
    issuer->generation_id = chy_row_uuid(row, CHY_GENERATION_ID);
    issuer->authority_id = chy_row_uuid(row, CHY_GENERATION_AUTHORITY_ID);
    issuer->project_id = chy_row_uuid(row, CHY_GENERATION_PROJECT_ID);
    issuer->certificate_id = chy_row_uuid(row, CHY_GENERATION_CERTIFICATE_ID);
    issuer->names_ocsp = chy_row_bool(row, CHY_GENERATION_OCSP);
    issuer->shard_size = chy_row_int(row, CHY_GENERATION_SHARD_SIZE);
    issuer->key_algorithm = chy_key_algorithm_find(chy_row_text(row, CHY_GENERATION_KEY_ALGORITHM));
    CHY_TRY(chy_copy(memory, chy_row_text(row, CHY_GENERATION_PUBLIC_URL), &issuer->public_url));
    CHY_TRY(load_authority(runtime, op, issuer));
    if (chy_uuid_is_nil(&issuer->certificate_id)) {
        return chy_fail(op, CHY_BAD_INPUT, 0,
                        "the certificate authority '%.*s' has no certificate yet: generate or "
                        "import one",
                        (int)issuer->name.len, (const char *)issuer->name.ptr);
    }
    CHY_TRY(load_certificate(runtime, op, issuer));
    CHY_TRY(chy_generation_open_key(runtime, op, row, &issuer->key));
    return chy_crypto_load_public(runtime->ca_crypto, op, issuer->path[0].spki.der,
                                  &issuer->public_key);
}

static chy_status load_generation(struct chy_runtime *runtime, struct chy_op *op,
                                  const struct chy_uuid *generation_id,
                                  struct chy_cached **out_cached)
{
    struct chy_storage_row row;
    chy_status status =
        chy_storage_read(runtime->storage, op, CHY_C_GENERATIONS,
                         CHY_KEY(chy_value_uuid(generation_id)), GENERATION_FIELDS, &row);
    CHY_TRY(chy_or_not_found(op, status, "key generation"));
    struct chy_issuer *issuer = calloc(1, sizeof *issuer);
    if (issuer == NULL) {
        return chy_fail_memory(op);
    }
    chy_cached_init(&issuer->cached, free_issuer);
    issuer->memory = chy_memory_new(op);
    status = issuer->memory == NULL ? chy_fail_memory(op) : fill_issuer(runtime, op, &row, issuer);
    if (status != CHY_OK) {
        status = chy_op_adopt(op, issuer->memory, status);
        chy_cached_unref(&issuer->cached);
        return status;
    }
    *out_cached = &issuer->cached;
    return CHY_OK;
}

/** The key of a cached issuer: an authority's id, or a generation's behind a mark. */
struct issuer_key {
    uint8_t of_generation;
    struct chy_uuid id;
};

static chy_status load_issuer(struct chy_runtime *runtime, struct chy_op *op, struct chy_slice key,
                              struct chy_cached **out_cached)
{
    struct issuer_key wanted;
    memcpy(&wanted, key.ptr, sizeof wanted);
    if (wanted.of_generation != 0) {
        return load_generation(runtime, op, &wanted.id, out_cached);
    }
    struct chy_storage_row row;
    chy_status status = chy_storage_read(
        runtime->storage, op, CHY_C_AUTHORITIES, CHY_KEY(chy_value_uuid(&wanted.id)),
        CHY_FIELDS(CHY_AUTHORITY_GENERATION_ID, CHY_AUTHORITY_NAME), &row);
    CHY_TRY(chy_or_not_found(op, status, "certificate authority"));
    struct chy_uuid generation_id = chy_row_uuid(&row, 0);
    if (chy_uuid_is_nil(&generation_id)) {
        struct chy_slice name = chy_row_text(&row, 1);
        return chy_fail(op, CHY_BAD_INPUT, 0, "the certificate authority '%.*s' has no key yet",
                        (int)name.len, (const char *)name.ptr);
    }
    return load_generation(runtime, op, &generation_id, out_cached);
}

static chy_status get_issuer(struct chy_runtime *runtime, struct chy_op *op, bool of_generation,
                             const struct chy_uuid *id, const struct chy_issuer **out_issuer)
{
    struct issuer_key key = {.of_generation = of_generation ? 1 : 0, .id = *id};
    const struct chy_cached *cached;
    CHY_TRY(chy_cache_get(runtime->cache, op, CHY_CACHE_ISSUER, chy_slice_of(&key, sizeof key),
                          load_issuer, &cached));
    *out_issuer = (const struct chy_issuer *)cached;
    return CHY_OK;
}

chy_status chy_issuer_get(struct chy_runtime *runtime, struct chy_op *op,
                          const struct chy_uuid *authority_id, const struct chy_issuer **out_issuer)
{
    return get_issuer(runtime, op, false, authority_id, out_issuer);
}

chy_status chy_issuer_of_generation(struct chy_runtime *runtime, struct chy_op *op,
                                    const struct chy_uuid *generation_id,
                                    const struct chy_issuer **out_issuer)
{
    return get_issuer(runtime, op, true, generation_id, out_issuer);
}

/* ------------------------------------------------------------------------------------------------
 * URLs
 */

#define SHARD_MARK "{shard}"

/**
 * mirror_url puts the shard's number into a mirror's URL.  One without a place for it stands for
 * the first shard only.
 */
static chy_status mirror_url(struct chy_op *op, struct chy_slice mirror, int64_t shard,
                             struct chy_slice *out_url)
{
    const uint8_t *mark = memmem(mirror.ptr, (size_t)mirror.len, SHARD_MARK, sizeof SHARD_MARK - 1);
    struct chy_buf buf;
    if (mark == NULL) {
        *out_url = shard == 1 ? mirror : chy_slice_of(NULL, 0);
        return CHY_OK;
    }
    uint64_t before = (uint64_t)(mark - mirror.ptr);
    chy_buf_init(&buf, op, 4096);
    chy_buf_add(&buf, chy_slice_of(mirror.ptr, before));
    chy_buf_add_i64(&buf, shard);
    chy_buf_add(&buf, chy_slice_of(mark + sizeof SHARD_MARK - 1,
                                   mirror.len - before - (sizeof SHARD_MARK - 1)));
    *out_url = chy_buf_slice(&buf);
    return chy_buf_ok(&buf) ? CHY_OK : chy_buf_fail(&buf, op, "the mirror's URL");
}

#define TAIL_SIZE 40

static chy_status own_url(struct chy_op *op, const struct chy_issuer *issuer, const char *folder,
                          const char *tail, struct chy_slice *out_url)
{
    char id[CHY_UUID_TEXT_SIZE];
    struct chy_buf buf;
    chy_uuid_format(&issuer->generation_id, id);
    chy_buf_init(&buf, op, 4096);
    chy_buf_add(&buf, issuer->public_url);
    chy_buf_add_text(&buf, folder);
    chy_buf_add_text(&buf, id);
    chy_buf_add_text(&buf, tail);
    *out_url = chy_buf_slice(&buf);
    return chy_buf_ok(&buf) ? CHY_OK : chy_buf_fail(&buf, op, "a URL");
}

static chy_status shard_url(struct chy_op *op, const struct chy_issuer *issuer, int64_t shard,
                            const char *ending, struct chy_slice *out_url)
{
    char tail[TAIL_SIZE];
    (void)snprintf(tail, sizeof tail, "/%lld%s", (long long)shard, ending);
    return own_url(op, issuer, "/crl/", tail, out_url);
}

chy_status chy_issuer_crl_urls(struct chy_op *op, const struct chy_issuer *issuer, int64_t shard,
                               struct chy_slice *urls, uint64_t *out_count)
{
    uint64_t count = 0;
    CHY_TRY(shard_url(op, issuer, shard, ".crl", &urls[count++]));
    for (uint32_t i = 0; i < issuer->mirror_count; i++) {
        CHY_TRY(mirror_url(op, issuer->mirrors[i], shard, &urls[count]));
        count += urls[count].len != 0;
    }
    *out_count = count;
    return CHY_OK;
}

chy_status chy_issuer_delta_url(struct chy_op *op, const struct chy_issuer *issuer, int64_t shard,
                                struct chy_slice *out_url)
{
    return shard_url(op, issuer, shard, "-delta.crl", out_url);
}

chy_status chy_issuer_ocsp_url(struct chy_op *op, const struct chy_issuer *issuer,
                               struct chy_slice *out_url)
{
    return own_url(op, issuer, "/ocsp/", "", out_url);
}

chy_status chy_issuer_aia_url(struct chy_op *op, const struct chy_issuer *issuer,
                              struct chy_slice *out_url)
{
    return own_url(op, issuer, "/aia/", ".cer", out_url);
}
