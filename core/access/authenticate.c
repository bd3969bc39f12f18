#include "access/credential.h"
#include "access/identity.h"
#include "access/network.h"
#include "access/token_state.h"
#include "base/op.h"
#include "base/secret.h"
#include "resource/audit.h"
#include "resource/collections.h"
#include "resource/keyring.h"

#include <stdlib.h>

/* ------------------------------------------------------------------------------------------------
 * Loading
 */

chy_status chy_access_token_refuse(struct chy_op *op)
{
    return chy_fail_reason(op, CHY_DENIED, CHY_REASON_TOKEN,
                           "the access token is unknown, expired or revoked; log in again");
}

chy_status chy_access_token_hash(struct chy_runtime *runtime, struct chy_op *op,
                                 struct chy_slice text, struct chy_slice *out_hash)
{
    uint8_t bytes[CHY_CREDENTIAL_LEN];
    if (text.len == 0) {
        return chy_fail_reason(op, CHY_DENIED, CHY_REASON_UNAUTHENTICATED,
                               "this needs an access token: send 'Authorization: Bearer <token>'");
    }
    if (!chy_credential_read(CHY_CREDENTIAL_TOKEN, text, bytes)) {
        return chy_fail_reason(op, CHY_DENIED, CHY_REASON_UNAUTHENTICATED,
                               "the access token is unreadable: it was not made here, or it was "
                               "not copied whole");
    }
    chy_status status = chy_keyring_mac(runtime->keyring, op, CHY_MAC_TOKEN,
                                        chy_slice_of(bytes, sizeof bytes), out_hash);
    chy_secret_wipe(bytes, sizeof bytes);
    return status;
}

static int64_t end_of(const struct chy_storage_row *row, uint32_t index)
{
    return chy_row_is_null(row, index) ? INT64_MAX : chy_row_time(row, index);
}

static void free_token(struct chy_cached *cached)
{
    struct chy_access_token *token = (struct chy_access_token *)cached;
    for (uint32_t i = 0; i < token->principal.membership_count; i++) {
        json_decref((json_t *)(uintptr_t)token->principal.memberships[i].held.permissions);
    }
    free(token->principal.memberships);
    free(token->principal.applications);
    free((void *)(uintptr_t)token->networks.ptr);
    free(token);
}

/** copy_view copies the elements of a view into a block of their own.  NULL: out of memory. */
static void *copy_view(struct chy_view view)
{
    void *copy = calloc((size_t)view.count + 1, (size_t)view.stride);
    if (copy != NULL && view.count != 0) {
        memcpy(copy, view.ptr, (size_t)(view.count * view.stride));
    }
    return copy;
}

/** What the database says of a token, in the arena. */
struct loaded {
    struct chy_storage_row row;
    struct chy_storage_row identity;
    struct chy_view memberships;  /**< of struct chy_membership */
    struct chy_view applications; /**< of struct chy_application_membership */
    struct chy_view networks;
};

static chy_status make_token(struct chy_op *op, struct chy_slice hash, const struct loaded *loaded,
                             struct chy_cached **out_cached)
{
    struct chy_access_token *token = calloc(1, sizeof *token);
    if (token == NULL) {
        return chy_fail_memory(op);
    }
    struct chy_principal *principal = &token->principal;
    chy_cached_init(&principal->cached, free_token);
    principal->kind = chy_slice_is(chy_row_text(&loaded->identity, 0), "user")
                          ? CHY_PRINCIPAL_USER
                          : CHY_PRINCIPAL_MACHINE;
    principal->role = chy_role_find(chy_row_text(&loaded->identity, 1));
    principal->id = chy_row_uuid(&loaded->row, 0);
    principal->memberships = copy_view(loaded->memberships);
    for (uint64_t i = 0; principal->memberships != NULL && i < loaded->memberships.count; i++) {
        (void)json_incref((json_t *)(uintptr_t)principal->memberships[i].held.permissions);
        principal->membership_count++;
    }
    principal->applications = copy_view(loaded->applications);
    principal->application_count = (uint32_t)loaded->applications.count;
    memcpy(token->hash, hash.ptr, sizeof token->hash);
    atomic_init(&token->expires_at, end_of(&loaded->row, 3));
    token->uses_limit = chy_row_int(&loaded->row, 2);
    token->networks = loaded->networks;
    token->networks.ptr = copy_view(loaded->networks);
    if (principal->memberships == NULL || principal->applications == NULL ||
        token->networks.ptr == NULL) {
        free_token(&principal->cached);
        return chy_fail_memory(op);
    }
    *out_cached = &principal->cached;
    return CHY_OK;
}

/** or_refused makes of a row that is missing a token that is unknown. */
static chy_status or_refused(struct chy_op *op, chy_status status)
{
    return status == CHY_NOT_FOUND ? chy_access_token_refuse(op) : status;
}

static chy_status check_secret(struct chy_runtime *runtime, struct chy_op *op,
                               const struct chy_uuid *secret_id)
{
    struct chy_storage_row row;
    CHY_TRY(or_refused(op, chy_storage_read(runtime->storage, op, CHY_C_CLIENT_SECRETS,
                                            CHY_KEY(chy_value_uuid(secret_id)),
                                            CHY_FIELDS(CHY_SECRET_REVOKED), &row)));
    return chy_row_bool(&row, 0) ? chy_access_token_refuse(op) : CHY_OK;
}

static chy_status load_token(struct chy_runtime *runtime, struct chy_op *op, struct chy_slice hash,
                             struct chy_cached **out_cached)
{
    struct loaded loaded = {.networks = {NULL, 0, sizeof(struct chy_network)}};
    CHY_TRY(or_refused(op, chy_storage_read(runtime->storage, op, CHY_C_ACCESS_TOKENS,
                                            CHY_KEY(chy_value_blob(hash)),
                                            CHY_FIELDS(CHY_TOKEN_IDENTITY_ID, CHY_TOKEN_SECRET_ID,
                                                       CHY_TOKEN_USES_LIMIT, CHY_TOKEN_EXPIRES_AT,
                                                       CHY_TOKEN_TRUSTED_IPS),
                                            &loaded.row)));
    struct chy_uuid identity_id = chy_row_uuid(&loaded.row, 0);
    struct chy_uuid secret_id = chy_row_uuid(&loaded.row, 1);
    struct chy_slice trusted_ips = chy_row_json(&loaded.row, 4);
    CHY_TRY(or_refused(op, chy_storage_read(runtime->storage, op, CHY_C_IDENTITIES,
                                            CHY_KEY(chy_value_uuid(&identity_id)),
                                            CHY_FIELDS(CHY_IDENTITY_KIND, CHY_IDENTITY_ROLE,
                                                       CHY_IDENTITY_DISABLED),
                                            &loaded.identity)));
    if (chy_row_bool(&loaded.identity, 2)) {
        return chy_access_token_refuse(op);
    }
    if (!chy_uuid_is_nil(&secret_id)) {
        CHY_TRY(check_secret(runtime, op, &secret_id));
    }
    if (trusted_ips.len != 0) {
        CHY_TRY(chy_networks_parse(op, trusted_ips, &loaded.networks));
    }
    CHY_TRY(chy_identity_memberships(runtime, op, &identity_id, &loaded.memberships));
    CHY_TRY(chy_identity_applications(runtime, op, &identity_id, &loaded.applications));
    return make_token(op, hash, &loaded, out_cached);
}

/* ------------------------------------------------------------------------------------------------
 * Using
 */

/** check_end: renewing leaves other nodes' caches alone, so an end is believed only when the
 *  database says the same. */
static chy_status check_end(struct chy_runtime *runtime, struct chy_op *op,
                            struct chy_access_token *token)
{
    if (chy_now(op) < atomic_load_explicit(&token->expires_at, memory_order_relaxed)) {
        return CHY_OK;
    }
    struct chy_storage_row row;
    struct chy_slice hash = chy_slice_of(token->hash, sizeof token->hash);
    CHY_TRY(or_refused(op, chy_storage_read(runtime->storage, op, CHY_C_ACCESS_TOKENS,
                                            CHY_KEY(chy_value_blob(hash)),
                                            CHY_FIELDS(CHY_TOKEN_EXPIRES_AT), &row)));
    int64_t end = end_of(&row, 0);
    if (chy_now(op) >= end) {
        return chy_access_token_refuse(op);
    }
    atomic_store_explicit(&token->expires_at, end, memory_order_relaxed);
    return CHY_OK;
}

static chy_status check_address(struct chy_op *op, const struct chy_access_token *token,
                                struct chy_slice peer)
{
    if (token->networks.count == 0 || chy_networks_have(op, token->networks, peer)) {
        return CHY_OK;
    }
    return chy_fail_reason(op, CHY_DENIED, CHY_REASON_BOUNDARY,
                           "the access token may not be used from the address %.*s", (int)peer.len,
                           peer.len == 0 ? "" : (const char *)peer.ptr);
}

chy_status chy_access_token_find(struct chy_runtime *runtime, struct chy_op *op,
                                 struct chy_slice text, struct chy_slice peer,
                                 struct chy_access_token **out_token)
{
    struct chy_slice hash;
    const struct chy_cached *cached;
    CHY_TRY(chy_access_token_hash(runtime, op, text, &hash));
    CHY_TRY(chy_cache_get(runtime->cache, op, CHY_CACHE_PRINCIPAL, hash, load_token, &cached));
    // Its end may be moved; all else of it stays as it is.
    struct chy_access_token *token = (struct chy_access_token *)(uintptr_t)cached;
    CHY_TRY(check_end(runtime, op, token));
    CHY_TRY(check_address(op, token, peer));
    *out_token = token;
    return CHY_OK;
}

static chy_status count_use(struct chy_runtime *runtime, struct chy_op *op,
                            const struct chy_access_token *token)
{
    if (token->uses_limit == 0) {
        return CHY_OK;
    }
    struct chy_batch batch;
    chy_batch_init(&batch, op, 0);
    struct chy_write *write = chy_batch_add(
        &batch, CHY_C_ACCESS_TOKENS,
        CHY_KEY(chy_value_blob(chy_slice_of(token->hash, sizeof token->hash))), CHY_TOKEN_USES, 1);
    chy_write_guard_present(write);
    chy_write_maximum(write, token->uses_limit);
    chy_status status = chy_batch_commit(&batch, runtime->storage, NULL);
    if (status == CHY_CONFLICT) {
        return chy_fail_reason(op, CHY_DENIED, CHY_REASON_TOKEN,
                               "the access token has been used as often as it may be");
    }
    return status;
}

static chy_status authenticate(struct chy_runtime *runtime, struct chy_op *op,
                               struct chy_slice text, struct chy_slice peer)
{
    struct chy_access_token *token;
    CHY_TRY(chy_access_token_find(runtime, op, text, peer, &token));
    CHY_TRY(count_use(runtime, op, token));
    chy_operation_of(op)->principal = &token->principal;
    return CHY_OK;
}

chy_status chy_access_authenticate(struct chy_runtime *runtime, struct chy_op *op,
                                   struct chy_slice token, struct chy_slice peer)
{
    chy_status status = authenticate(runtime, op, token, peer);
    if (status == CHY_DENIED && token.len != 0) { // a try without any credential is no try
        chy_audit_refusal(runtime, op, "access-token.use", "access-tokens", chy_slice_of(NULL, 0),
                          NULL);
    }
    return status;
}

chy_status chy_access_act_as(struct chy_op *op, enum chy_principal_kind kind,
                             const struct chy_uuid *id)
{
    struct chy_principal *principal = chy_alloc(op, sizeof *principal);
    if (principal == NULL) {
        return chy_fail_memory(op);
    }
    principal->kind = kind;
    principal->id = *id;
    principal->role = CHY_ROLE_NO_ACCESS;
    chy_operation_of(op)->principal = principal;
    return CHY_OK;
}

void chy_access_as_system(struct chy_op *op)
{
    static struct chy_principal system_principal = {.kind = CHY_PRINCIPAL_SYSTEM,
                                                    .role = CHY_ROLE_ADMIN};
    chy_operation_of(op)->principal = &system_principal;
}
