#include "access/credential.h"
#include "access/lockout.h"
#include "access/network.h"
#include "access/token_state.h"
#include "access/universal_auth_state.h"
#include "base/op.h"
#include "base/secret.h"
#include "base/slice.h"
#include "base/time.h"
#include "resource/audit.h"
#include "resource/collections.h"
#include "resource/keyring.h"

/** What a token whose period never ends says of its longest life: the longest that can be set. */
#define LONGEST_LIFE 315360000

static const uint32_t auth_fields[] = {
    CHY_UA_IDENTITY_ID,       CHY_UA_TOKEN_TTL,       CHY_UA_TOKEN_MAX_TTL,
    CHY_UA_TOKEN_USES_LIMIT,  CHY_UA_TOKEN_PERIOD,    CHY_UA_SECRET_TRUSTED_IPS,
    CHY_UA_TOKEN_TRUSTED_IPS, CHY_UA_LOCKOUT_ENABLED, CHY_UA_LOCKOUT_THRESHOLD,
    CHY_UA_LOCKOUT_DURATION,  CHY_UA_LOCKOUT_RESET,
};

static const uint32_t secret_fields[] = {
    CHY_SECRET_ID,         CHY_SECRET_IDENTITY_ID, CHY_SECRET_MAC,     CHY_SECRET_USES,
    CHY_SECRET_USES_LIMIT, CHY_SECRET_TTL,         CHY_SECRET_REVOKED, CHY_SECRET_CREATED_AT,
};

/** One log-in under way. */
struct login {
    struct chy_call *call;
    struct chy_slice client_id;
    struct chy_slice peer;
    bool has_auth;
    bool has_secret;
    struct chy_uuid identity_id;
    struct chy_uuid secret_id;
    struct chy_uuid secret_identity_id;
    struct chy_slice secret_mac;
    struct chy_storage_row auth;   /**< auth_fields, with has_auth */
    struct chy_storage_row secret; /**< secret_fields, with has_secret */
    struct chy_lockout_rule rule;
    struct chy_lockout lockout;
};

chy_status chy_client_secret_mac(struct chy_runtime *runtime, struct chy_op *op,
                                 struct chy_slice client_id, struct chy_slice client_secret,
                                 struct chy_slice *out_mac)
{
    struct chy_buf message;
    chy_buf_init_secret(&message, op, CHY_STORAGE_TEXT_MAX);
    chy_buf_add_u64(&message, client_id.len);
    chy_buf_add_u8(&message, ':');
    chy_buf_add(&message, client_id);
    chy_buf_add(&message, client_secret);
    if (!chy_buf_ok(&message)) {
        return chy_buf_fail(&message, op, "the client secret");
    }
    return chy_keyring_mac(runtime->keyring, op, CHY_MAC_CLIENT_SECRET, chy_buf_slice(&message),
                           out_mac);
}

/* ------------------------------------------------------------------------------------------------
 * Finding: the same reads and the same arithmetic, whatever is there
 */

static chy_status find_one(struct login *login, uint32_t collection, struct chy_view fields,
                           uint32_t field, struct chy_value value, struct chy_storage_row *out_row,
                           bool *out_found)
{
    struct chy_query query;
    struct chy_storage_page page;
    chy_query_init(&query, login->call->op, collection, fields, 1);
    chy_query_eq(&query, field, value);
    CHY_TRY(chy_query_run(&query, login->call->runtime->storage, &page));
    *out_found = page.rows.count != 0;
    if (*out_found) {
        *out_row = *chy_page_row(&page, 0);
    }
    return CHY_OK;
}

static void read_auth(struct login *login)
{
    const struct chy_storage_row *row = &login->auth;
    login->identity_id = chy_row_uuid(row, 0);
    login->rule.enabled = chy_row_bool(row, 7);
    login->rule.threshold = chy_row_int(row, 8);
    login->rule.duration = chy_duration_of(chy_row_int(row, 9), CHY_US_PER_SECOND);
    login->rule.reset = chy_duration_of(chy_row_int(row, 10), CHY_US_PER_SECOND);
}

static chy_status find_rows(struct login *login, struct chy_slice mac)
{
    struct chy_view of_auth = CHY_VIEW_INIT(auth_fields);
    struct chy_view of_secret = CHY_VIEW_INIT(secret_fields);
    CHY_TRY(find_one(login, CHY_C_UNIVERSAL_AUTH, of_auth, CHY_UA_CLIENT_ID,
                     chy_value_text(login->client_id), &login->auth, &login->has_auth));
    CHY_TRY(find_one(login, CHY_C_CLIENT_SECRETS, of_secret, CHY_SECRET_MAC, chy_value_blob(mac),
                     &login->secret, &login->has_secret));
    if (login->has_auth) {
        read_auth(login);
    }
    if (login->has_secret) {
        login->secret_id = chy_row_uuid(&login->secret, 0);
        login->secret_identity_id = chy_row_uuid(&login->secret, 1);
        login->secret_mac = chy_row_blob(&login->secret, 2);
    }
    return chy_lockout_read(login->call->runtime, login->call->op, login->client_id, login->peer,
                            &login->lockout);
}

static bool is_right(const struct login *login, struct chy_slice mac)
{
    static const uint8_t no_mac[32];
    struct chy_slice kept =
        login->has_secret ? login->secret_mac : chy_slice_of(no_mac, sizeof no_mac);
    bool same = chy_secret_equal(kept, mac);
    return same && login->has_auth && login->has_secret &&
           chy_uuid_compare(&login->identity_id, &login->secret_identity_id) == 0;
}

/* ------------------------------------------------------------------------------------------------
 * Saying no
 */

static chy_status refuse(struct login *login, const char *message)
{
    return chy_fail_reason(login->call->op, CHY_DENIED, CHY_REASON_UNAUTHENTICATED, "%s", message);
}

/** count_failure writes no row for a client id that there is not: a stranger could make any number.
 *  Those, and the others too, are counted by source (chy_audit_refusal). */
static chy_status count_failure(struct login *login)
{
    if (!login->has_auth || !login->rule.enabled) {
        return CHY_OK;
    }
    struct chy_audit_event event = {
        .action = "universal-auth.login",
        .target_kind = "identities",
        .outcome = CHY_AUDIT_FAILED,
        .detail = chy_text("{\"reason\":\"wrong client secret\"}"),
    };
    CHY_TRY(chy_uuid_text(login->call->op, &login->identity_id, &event.target));
    return chy_lockout_count(login->call->runtime, login->call->op, &login->lockout, login->peer,
                             &login->rule, &event);
}

static chy_status check_secret_use(struct login *login)
{
    const struct chy_storage_row *row = &login->secret;
    int64_t ttl = chy_duration_of(chy_row_int(row, 5), CHY_US_PER_SECOND);
    if (chy_row_bool(row, 6)) {
        return refuse(login, "the client secret is revoked");
    }
    if (ttl != 0 && chy_now(login->call->op) >= chy_row_time(row, 7) + ttl) {
        return refuse(login, "the client secret has expired");
    }
    struct chy_view networks;
    CHY_TRY(chy_networks_parse(login->call->op, chy_row_json(&login->auth, 5), &networks));
    if (!chy_networks_have(login->call->op, networks, login->peer)) {
        return chy_fail_reason(login->call->op, CHY_DENIED, CHY_REASON_BOUNDARY,
                               "the client secret may not be used from the address %.*s",
                               (int)login->peer.len,
                               login->peer.len == 0 ? "" : (const char *)login->peer.ptr);
    }
    return CHY_OK;
}

/* ------------------------------------------------------------------------------------------------
 * Saying yes
 */

/** What the settings make of a token's life, in seconds. */
struct life {
    int64_t ttl;
    int64_t max_ttl;
    int64_t expires_in;
    int64_t shown_max;
};

static struct life life_of(const struct login *login)
{
    int64_t ttl = chy_row_int(&login->auth, 1);
    int64_t max_ttl = chy_row_int(&login->auth, 2);
    int64_t period = chy_row_int(&login->auth, 4);
    if (period != 0) {
        return (struct life){period, 0, period, LONGEST_LIFE};
    }
    return (struct life){ttl, max_ttl, ttl == 0 ? max_ttl : ttl, max_ttl};
}

static chy_status add_audit(struct login *login, struct chy_batch *batch)
{
    struct chy_audit_event event = {
        .action = "universal-auth.login", .target_kind = "identities", .outcome = CHY_AUDIT_OK};
    struct chy_slice secret_id;
    struct chy_buf detail;
    CHY_TRY(chy_access_act_as(login->call->op, CHY_PRINCIPAL_MACHINE, &login->identity_id));
    CHY_TRY(chy_uuid_text(login->call->op, &login->identity_id, &event.target));
    CHY_TRY(chy_uuid_text(login->call->op, &login->secret_id, &secret_id));
    chy_buf_init(&detail, login->call->op, 256);
    chy_buf_add_text(&detail, "{\"clientSecretId\":");
    chy_buf_add_json_string(&detail, secret_id);
    chy_buf_add_u8(&detail, '}');
    if (!chy_buf_ok(&detail)) {
        return chy_buf_fail(&detail, login->call->op, "the audit row");
    }
    event.detail = chy_buf_slice(&detail);
    return chy_audit_add(login->call->runtime, batch, &event);
}

static struct chy_write *count_use(struct login *login, struct chy_batch *batch)
{
    int64_t limit = chy_row_int(&login->secret, 4);
    struct chy_write *write =
        chy_batch_add(batch, CHY_C_CLIENT_SECRETS, CHY_KEY(chy_value_uuid(&login->secret_id)),
                      CHY_SECRET_USES, 1);
    chy_write_guard_equals(write, CHY_SECRET_REVOKED, chy_value_bool(false));
    if (limit != 0) {
        chy_write_maximum(write, limit);
    }
    return write;
}

static chy_status grant_token(struct login *login, const struct life *life,
                              struct chy_slice *out_token)
{
    struct chy_runtime *runtime = login->call->runtime;
    struct chy_batch batch;
    struct chy_storage_outcome outcome = {.struct_size = sizeof outcome};
    struct chy_token_grant grant = {
        .identity_id = &login->identity_id,
        .secret_id = &login->secret_id,
        .ttl = chy_duration_of(life->ttl, CHY_US_PER_SECOND),
        .max_ttl = chy_duration_of(life->max_ttl, CHY_US_PER_SECOND),
        .uses_limit = chy_row_int(&login->auth, 3),
        .trusted_ips = chy_row_json(&login->auth, 6),
    };
    chy_batch_init(&batch, login->call->op, 0);
    CHY_TRY(chy_access_issue_token(runtime, &batch, &grant, out_token));
    const struct chy_write *use = count_use(login, &batch);
    chy_lockout_forget(&batch, &login->lockout);
    CHY_TRY(add_audit(login, &batch));
    chy_status status = chy_batch_commit(&batch, runtime->storage, &outcome);
    if (status == CHY_CONFLICT && chy_write_failed(use, &outcome)) {
        return refuse(login, "the client secret is revoked, or has been used as often as it may "
                             "be");
    }
    return status;
}

chy_status chy_universal_auth_login(struct chy_call *call)
{
    struct login login = {
        .call = call,
        .client_id = chy_slice_trim(chy_json_member(call->document, "clientId")),
        .peer = chy_operation_of(call->op)->peer,
    };
    struct chy_slice client_secret =
        chy_slice_trim(chy_json_member(call->document, "clientSecret"));
    struct chy_slice mac;
    struct chy_slice token;
    CHY_TRY(chy_client_secret_mac(call->runtime, call->op, login.client_id, client_secret, &mac));
    CHY_TRY(find_rows(&login, mac));
    bool right = is_right(&login, mac);
    // Without universal auth there is no rule, and so no lock.
    CHY_TRY(chy_lockout_check(call->op, &login.lockout, &login.rule, "client id"));
    if (!right) {
        CHY_TRY(count_failure(&login));
        return refuse(&login, "the client id or the client secret is wrong");
    }
    CHY_TRY(check_secret_use(&login));
    struct life life = life_of(&login);
    CHY_TRY(grant_token(&login, &life, &token));
    return chy_access_token_answer(call, token, life.expires_in, life.shown_max);
}
