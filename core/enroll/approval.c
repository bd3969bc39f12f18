#include "enroll/approval.h"

#include "base/slice.h"
#include "base/time.h"
#include "enroll/approval_notice.h"
#include "enroll/renew.h"
#include "resource/audit.h"
#include "resource/collections.h"
#include "resource/principal.h"

#define DIGEST_MAX ((size_t)1 << 20)

/* ------------------------------------------------------------------------------------------------
 * Is it needed?
 */

/** brings_key tells whether a renewal gives the names that somebody asked for to another's key. */
static bool brings_key(const struct chy_issuance *i)
{
    const struct chy_decision *d = i->decision;
    const struct chy_principal *principal = chy_principal_of(i->op);
    return d->has_csr && !d->keeps_key &&
           chy_uuid_compare(&principal->id, &i->renewal->owner_id) != 0 &&
           !chy_slice_equal(d->spki_sha256, chy_row_blob(&i->renewal->old, CHY_CERT_SPKI_SHA256));
}

/** changes tells whether a renewal changes what was there. */
static chy_status changes(struct chy_issuance *i, bool *out_changes)
{
    const struct chy_decision *d = i->decision;
    struct chy_slice now;
    bool alike;
    CHY_TRY(chy_decision_json(i->op, d, &now));
    CHY_TRY(chy_decision_alike(i->op, i->renewal->decision, now, &alike));
    *out_changes = !alike || (!d->keeps_key && d->has_csr != i->renewal->from_csr) || brings_key(i);
    return CHY_OK;
}

chy_status chy_approval_needed(struct chy_issuance *i, bool *out_needed)
{
    const struct chy_approval_rule *rule = &i->profile->approval;
    const struct chy_principal *principal = chy_principal_of(i->op);
    *out_needed = false;
    if (chy_uuid_is_nil(&rule->policy_id) || principal == NULL ||
        principal->kind == CHY_PRINCIPAL_SYSTEM ||
        (principal->kind == CHY_PRINCIPAL_MACHINE && rule->bypass_machines)) {
        return CHY_OK;
    }
    *out_needed = true;
    return i->renewal == NULL ? CHY_OK : changes(i, out_needed);
}

/* ------------------------------------------------------------------------------------------------
 * What was approved
 */

chy_status chy_approval_digest(struct chy_runtime *runtime, struct chy_op *op,
                               struct chy_slice decision, struct chy_slice metadata,
                               struct chy_slice spki, struct chy_slice *out_digest)
{
    struct chy_buf all;
    chy_buf_init(&all, op, DIGEST_MAX);
    chy_buf_add(&all, decision);
    chy_buf_add_u8(&all, '\n'); // no line of JSON holds one
    chy_buf_add(&all, metadata);
    chy_buf_add_u8(&all, '\n');
    chy_buf_add(&all, spki);
    if (!chy_buf_ok(&all)) {
        return chy_buf_fail(&all, op, "what is to be approved");
    }
    return chy_crypto_digest(runtime->leaf_crypto, op, CHY_DIGEST_SHA256, chy_buf_slice(&all),
                             out_digest);
}

chy_status chy_approval_unchanged(struct chy_op *op, struct chy_slice approved,
                                  struct chy_slice now)
{
    static const char *const said[] = {"keySource", "signatureAlgorithm", "caId", "applicationId"};
    json_t *a;
    json_t *b;
    bool same;
    CHY_TRY(chy_decision_alike(op, approved, now, &same));
    CHY_TRY(chy_json_parse(op, approved, &a));
    CHY_TRY(chy_json_parse(op, now, &b));
    for (size_t i = 0; i < CHY_COUNT_OF(said) && same; i++) {
        same = chy_slice_equal(chy_json_member(a, said[i]), chy_json_member(b, said[i]));
    }
    return same ? CHY_OK
                : chy_fail(op, CHY_BAD_INPUT, 0,
                           "what would be issued now is not what was approved: profile or "
                           "certificate authority changed in the meantime; ask again");
}

/* ------------------------------------------------------------------------------------------------
 * Asking
 */

/** check_key: a key that nobody keeps could not be handed over once somebody has approved. */
static chy_status check_key(struct chy_issuance *i)
{
    const struct chy_decision *d = i->decision;
    if (d->has_csr || d->keeps_key || i->profile->key_retention == CHY_KEY_STORED) {
        return CHY_OK;
    }
    return chy_fail(i->op, CHY_BAD_INPUT, 0,
                    "the request has to be approved, and the certificate profile keeps no key to "
                    "be fetched afterwards: send a CSR");
}

static chy_status audit_asked(struct chy_runtime *runtime, struct chy_batch *batch,
                              const struct chy_approval_wish *wish,
                              const struct chy_uuid *project_id)
{
    struct chy_buf detail;
    char text[CHY_UUID_TEXT_SIZE];
    struct chy_audit_event event = {.action = "approval-request.create",
                                    .target_kind = "approval-requests",
                                    .outcome = CHY_AUDIT_OK,
                                    .project_id = project_id};
    chy_buf_init(&detail, batch->op, 4096);
    chy_buf_add_text(&detail, "{\"policy\":");
    chy_buf_add_json_string(&detail, chy_row_text(wish->policy, CHY_APPROVAL_POLICY_NAME));
    if (wish->request_id != NULL) {
        chy_uuid_format(wish->request_id, text);
        chy_buf_add_text(&detail, ",\"certificateRequest\":");
        chy_buf_add_json_string(&detail, chy_text(text));
    }
    chy_buf_add_u8(&detail, '}');
    if (!chy_buf_ok(&detail)) {
        return chy_buf_fail(&detail, batch->op, "the audit row");
    }
    event.detail = chy_buf_slice(&detail);
    CHY_TRY(chy_uuid_text(batch->op, wish->id, &event.target));
    return chy_audit_add(runtime, batch, &event);
}

static void set_times(struct chy_write *write, const struct chy_storage_row *policy, int64_t now)
{
    struct chy_slice ttl = chy_row_text(policy, CHY_APPROVAL_POLICY_MAX_TTL);
    int64_t wait;
    if (chy_duration_parse_request(ttl, &wait)) {
        chy_write_set(write, CHY_APPROVAL_EXPIRES_AT, chy_value_time(now + wait));
        chy_write_set(write, CHY_APPROVAL_DUE_AT, chy_value_time(now + wait));
    }
    chy_write_set(write, CHY_APPROVAL_CREATED_AT, chy_value_time(now));
    chy_write_set(write, CHY_APPROVAL_UPDATED_AT, chy_value_time(now));
}

chy_status chy_approval_enter(struct chy_runtime *runtime, struct chy_batch *batch,
                              const struct chy_approval_wish *wish)
{
    const struct chy_storage_row *policy = wish->policy;
    // Of the batch's, which borrows them.
    struct chy_uuid *ids = chy_alloc(batch->op, 2 * sizeof *ids);
    const struct chy_principal *principal = chy_principal_of(batch->op);
    json_t *steps;
    if (ids == NULL) {
        return chy_fail_memory(batch->op);
    }
    ids[0] = chy_row_uuid(policy, CHY_APPROVAL_POLICY_ID);
    ids[1] = chy_row_uuid(policy, CHY_APPROVAL_POLICY_PROJECT_ID);
    chy_write_guard_revision(
        chy_batch_check(batch, CHY_C_APPROVAL_POLICIES, CHY_KEY(chy_value_uuid(&ids[0]))),
        policy->revision);
    struct chy_write *write =
        chy_batch_insert(batch, CHY_C_APPROVAL_REQUESTS, CHY_KEY(chy_value_uuid(wish->id)));
    const char *kind = wish->request_id == NULL ? "policy-change" : "cert-request";
    chy_write_set(write, CHY_APPROVAL_PROJECT_ID, chy_value_uuid(&ids[1]));
    chy_write_set(write, CHY_APPROVAL_POLICY, chy_value_uuid(&ids[0]));
    chy_write_set(write, CHY_APPROVAL_KIND, chy_value_text(chy_text(kind)));
    chy_write_set(write, CHY_APPROVAL_NAME,
                  chy_value_text(chy_row_text(policy, CHY_APPROVAL_POLICY_NAME)));
    chy_write_set(write, CHY_APPROVAL_REQUEST_ID, chy_value_uuid_or_null(wish->request_id));
    chy_write_set(write, CHY_APPROVAL_PROFILE, chy_value_uuid_or_null(wish->profile_id));
    chy_write_set(write, CHY_APPROVAL_REQUESTER_ID,
                  chy_value_uuid_or_null(principal == NULL ? NULL : &principal->id));
    chy_write_set(write, CHY_APPROVAL_STATUS, chy_value_text(chy_text("open")));
    chy_write_set(write, CHY_APPROVAL_STEP, chy_value_int(0));
    chy_write_set(write, CHY_APPROVAL_STEPS,
                  chy_value_json(chy_row_json(policy, CHY_APPROVAL_POLICY_STEPS)));
    chy_write_set(write, CHY_APPROVAL_SELF,
                  chy_value_bool(chy_row_bool(policy, CHY_APPROVAL_POLICY_SELF)));
    chy_write_set(write, CHY_APPROVAL_ENFORCEMENT,
                  chy_value_text(chy_row_text(policy, CHY_APPROVAL_POLICY_ENFORCEMENT)));
    chy_write_set(write, CHY_APPROVAL_DIGEST, chy_value_blob(wish->digest));
    chy_write_set(write, CHY_APPROVAL_VOTES, chy_value_json(chy_text("[]")));
    chy_write_set(write, CHY_APPROVAL_CHANGE, chy_value_json_or_null(wish->change));
    chy_write_set(write, CHY_APPROVAL_ATTEMPTS, chy_value_int(0));
    set_times(write, policy, chy_now(batch->op));
    CHY_TRY(chy_json_parse(batch->op, chy_row_json(policy, CHY_APPROVAL_POLICY_STEPS), &steps));
    CHY_TRY(chy_approval_notice_add(runtime, batch, &ids[1], wish->id, steps, 0));
    return audit_asked(runtime, batch, wish, &ids[1]);
}

/** settle finds out what became of a write that nobody knows of, by our own id. */
static chy_status settle(struct chy_issuance *i)
{
    struct chy_storage_row row;
    chy_status status =
        chy_storage_read(i->runtime->storage, i->op, CHY_C_REQUESTS,
                         CHY_KEY(chy_value_uuid(&i->request_id)), CHY_NO_FIELDS, &row);
    return status == CHY_OK ? CHY_OK
                            : chy_fail(i->op, CHY_UNCERTAIN, 0,
                                       "it is not known whether the request was kept; look for it "
                                       "before asking again");
}

static chy_status changed_meanwhile(struct chy_op *op)
{
    return chy_fail(op, CHY_TRY_LATER, 0,
                    "the approval policy was changed in this moment; ask again");
}

chy_status chy_approval_ask(struct chy_issuance *i)
{
    struct chy_batch batch;
    struct chy_storage_row policy;
    struct chy_slice metadata;
    struct chy_uuid *id = chy_alloc(i->op, sizeof *id);
    struct chy_approval_wish wish = {
        .id = id, .policy = &policy, .request_id = &i->request_id, .profile_id = &i->profile->id};
    if (id == NULL) {
        return chy_fail_memory(i->op);
    }
    CHY_TRY(check_key(i));
    CHY_TRY(chy_runtime_new_uuid(i->runtime, i->op, id));
    chy_status status = chy_storage_read(i->runtime->storage, i->op, CHY_C_APPROVAL_POLICIES,
                                         CHY_KEY(chy_value_uuid(&i->profile->approval.policy_id)),
                                         chy_core_fields(CHY_C_APPROVAL_POLICIES), &policy);
    if (status == CHY_NOT_FOUND) {
        return changed_meanwhile(i->op);
    }
    CHY_TRY(status);
    chy_batch_init(&batch, i->op, CHY_BATCH_JOINABLE);
    CHY_TRY(chy_decision_json(i->op, i->decision, &i->decision_json));
    CHY_TRY(chy_issue_hold(i, &batch, id, &metadata));
    CHY_TRY(chy_approval_digest(i->runtime, i->op, i->decision_json, metadata, i->decision->spki,
                                &wish.digest));
    CHY_TRY(chy_approval_enter(i->runtime, &batch, &wish));
    status = chy_runtime_commit(i->runtime, &batch, NULL);
    if (status == CHY_CONFLICT) {
        return changed_meanwhile(i->op);
    }
    return status == CHY_UNCERTAIN ? settle(i) : status;
}

/* ------------------------------------------------------------------------------------------------
 * Listing
 */

chy_status chy_approval_list(struct chy_call *call)
{
    json_t *id = json_object_get(call->document, "id"); // of the scope, which is a project
    if (id != NULL && json_object_get(call->document, "projectId") == NULL &&
        json_object_set(call->document, "projectId", id) != 0) {
        return chy_fail_memory(call->op);
    }
    (void)json_object_del(call->document, "id");
    return chy_kind_list(call);
}
