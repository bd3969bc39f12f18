#include "enroll/pipeline.h"

#include "base/slice.h"
#include "enroll/application.h"
#include "enroll/approval.h"
#include "enroll/clock_guard.h"
#include "enroll/direct.h"
#include "enroll/issue.h"
#include "enroll/normalise.h"
#include "enroll/permit.h"
#include "enroll/renew.h"
#include "resource/collections.h"
#include "resource/principal.h"
#include "resource/shape.h"
#include "x509/pem.h"

/* ------------------------------------------------------------------------------------------------
 * Deciding
 */

static chy_status find_profile(struct chy_issuance *i, const struct chy_enroll_request *request)
{
    struct chy_uuid id;
    if (request->profile_id.len == 0 && request->authority_id.len != 0) {
        CHY_TRY(chy_direct_profile(i->runtime, i->op, request->authority_id, request->method, &id));
    } else if (!chy_uuid_parse(request->profile_id, &id)) {
        return chy_shape_refuse_one(i->op, "invalid_string", "/profileId",
                                    "the id of a certificate profile is a UUID");
    }
    CHY_TRY(chy_enroll_profile_get(i->runtime, i->op, &id, &i->profile));
    i->auto_renewal = i->profile->auto_renewal;
    i->decision->project_id = i->profile->project_id;
    i->decision->profile_id = i->profile->id;
    i->decision->profile_revision = i->profile->revision;
    i->decision->policy_id = i->profile->policy_id;
    i->decision->policy_revision = i->profile->policy_revision;
    i->decision->authority_id = i->profile->authority_id;
    i->decision->method = i->profile->method;
    return CHY_OK;
}

static chy_status find_issuer(struct chy_issuance *i)
{
    if (chy_uuid_is_nil(&i->profile->authority_id)) {
        return CHY_OK;
    }
    CHY_TRY(chy_issuer_get(i->runtime, i->op, &i->profile->authority_id, &i->issuer));
    i->decision->generation_id = i->issuer->generation_id;
    if (i->issuer->status != CHY_AUTHORITY_ACTIVE) {
        return chy_fail(
            i->op, CHY_BAD_INPUT, 0, "the certificate authority '%.*s' is %s and issues nothing",
            (int)i->issuer->name.len, (const char *)i->issuer->name.ptr,
            i->issuer->status == CHY_AUTHORITY_DISABLED ? "disabled" : "pending a certificate");
    }
    return CHY_OK;
}

static chy_status check_method(struct chy_issuance *i, const struct chy_enroll_request *request)
{
    if (chy_slice_equal_nocase(request->method, i->profile->method)) {
        return CHY_OK;
    }
    return chy_fail_reason(i->op, CHY_DENIED, CHY_REASON_BOUNDARY,
                           "the certificate profile enrolls by '%.*s', not by '%.*s'",
                           (int)i->profile->method.len, (const char *)i->profile->method.ptr,
                           (int)request->method.len, (const char *)request->method.ptr);
}

/**
 * find_application: what a certificate is counted under is of the profile's project, and enrolls by
 * the profile.  A renewal goes on by the profile alone when either is so no more.
 */
static chy_status find_application(struct chy_issuance *i, struct chy_slice text)
{
    struct chy_enroll_application application;
    struct chy_uuid id;
    if (!chy_uuid_parse(text, &id)) {
        return chy_shape_refuse_one(i->op, "invalid_string", "/applicationId",
                                    "the id of an application is a UUID");
    }
    CHY_TRY(chy_enroll_application_get(i->runtime, i->op, &i->profile->project_id, &id,
                                       &i->profile->id, &application));
    if (!application.is_there) {
        return i->renewal == NULL ? chy_not_found(i->op, "application") : CHY_OK;
    }
    if (!application.enrolls && i->renewal == NULL) {
        return chy_fail(i->op, CHY_BAD_INPUT, 0,
                        "the application does not enroll by this certificate profile: add the "
                        "profile to the application, or name another");
    }
    i->decision->application_id = id;
    if (application.has_own) {
        i->auto_renewal = application.auto_renewal;
    }
    return CHY_OK;
}

/** permit asks once more, now that names and application are known: a permission may have
 *  conditions on them, a role be one in the application. */
static chy_status permit(struct chy_issuance *i)
{
    const char *action = i->renewal == NULL ? CHY_ACTION_ISSUE : CHY_ACTION_RENEW;
    return chy_permit_decision(i->op, i->profile->slug, i->decision, &i->owner_id, action);
}

static chy_status decide(struct chy_issuance *i, const struct chy_enroll_request *request)
{
    if (i->renewal == NULL) { // renewing is a permission of its own, which was asked for
        CHY_TRY(chy_require_some(i->op, &i->profile->project_id, CHY_SUBJECT_CERTIFICATES,
                                 CHY_ACTION_ISSUE, "certificate profile"));
    }
    CHY_TRY(check_method(i, request));
    if (request->application_id.len != 0) {
        CHY_TRY(find_application(i, request->application_id));
    }
    CHY_TRY(find_issuer(i));
    CHY_TRY(chy_clock_guard(i->runtime, i->op)); // what it may write comes before the permit
    CHY_TRY(chy_normalise(i->runtime, i->op, request, i->profile, i->issuer, &i->cpu, i->decision));
    CHY_TRY(permit(i));
    CHY_TRY(chy_rules_evaluate(i->op, &i->profile->rules, i->decision));
    if (i->decision->subject.count == 0 && i->decision->sans.count == 0) {
        return chy_fail(i->op, CHY_BAD_INPUT, 0,
                        "the certificate would name nobody: give a subject or an alternative "
                        "name");
    }
    return CHY_OK;
}

/* ------------------------------------------------------------------------------------------------
 * Answering
 */

static chy_status chain_view(struct chy_issuance *i, bool remove_roots, struct chy_view *out_chain)
{
    struct chy_slice *items = chy_alloc(i->op, sizeof *items * CHY_PATH_MAX);
    uint64_t count = 0;
    if (items == NULL) {
        return chy_fail_memory(i->op);
    }
    for (uint32_t k = 0; k < i->issuer->path_count; k++) {
        if (!remove_roots || !i->issuer->path[k].self_issued) {
            items[count++] = i->issuer->path[k].der;
        }
    }
    *out_chain = chy_view_of(items, count, sizeof items[0]);
    return CHY_OK;
}

static chy_status answer_chain(struct chy_issuance *i, bool remove_roots,
                               struct chy_enroll_answer *answer)
{
    if (i->issuer == NULL) { // its own chain
        answer->chain_pem = answer->certificate_pem;
        answer->chain = chy_view_of(&i->made.der, 1, sizeof i->made.der);
        return CHY_OK;
    }
    answer->issuer_pem = i->issuer->pem;
    answer->chain_pem = remove_roots ? i->issuer->chain_pem_rootless : i->issuer->chain_pem;
    return chain_view(i, remove_roots, &answer->chain);
}

static chy_status answer_notes(struct chy_issuance *i, struct chy_enroll_answer *answer)
{
    struct chy_slice *notes = chy_alloc(i->op, sizeof *notes * CHY_NOTES_MAX);
    if (notes == NULL) {
        return chy_fail_memory(i->op);
    }
    memcpy(notes, i->decision->notes, sizeof *notes * CHY_NOTES_MAX);
    answer->adjustments = chy_view_of(notes, i->decision->note_count, sizeof notes[0]);
    return CHY_OK;
}

static chy_status answer_issued(struct chy_issuance *i, const struct chy_enroll_request *request,
                                struct chy_enroll_answer *answer)
{
    answer->state = CHY_ENROLL_ISSUED;
    answer->certificate = i->made.der;
    answer->not_before = i->decision->not_before;
    answer->not_after = i->decision->not_after;
    CHY_TRY(chy_uuid_text(i->op, &i->request_id, &answer->request_id));
    CHY_TRY(chy_uuid_text(i->op, &i->certificate_id, &answer->certificate_id));
    CHY_TRY(chy_copy(i->op, chy_text(i->made.serial_text), &answer->serial_number));
    CHY_TRY(chy_pem_encode(i->op, CHY_PEM_CERTIFICATE, i->made.der, 0, &answer->certificate_pem));
    if (i->shows_key && i->private_key.len != 0) {
        CHY_TRY(chy_pem_encode(i->op, CHY_PEM_PRIVATE_KEY, i->private_key, CHY_PEM_SECRET,
                               &answer->private_key_pem));
    }
    CHY_TRY(answer_notes(i, answer));
    return answer_chain(i, (request->flags & CHY_ENROLL_REMOVE_ROOTS) != 0, answer);
}

/**
 * decide_reveal: does the answer show the key?  A key that stays is that of the old certificate
 * too: whoever may not read it there must not by names and metadata that they gave the new one.
 */
static chy_status decide_reveal(struct chy_issuance *i)
{
    CHY_TRY(chy_permit_decision_may(i->op, i->profile->slug, i->decision, &i->owner_id,
                                    CHY_ACTION_READ_PRIVATE_KEY, &i->shows_key));
    return i->shows_key && i->decision->keeps_key && i->key.crypto != NULL
               ? chy_permit_require(i->runtime, i->op, &i->renewal->old,
                                    CHY_ACTION_READ_PRIVATE_KEY)
               : CHY_OK;
}

/** is_refusal tells what is worth a row: the asker was told no, and asking again will not help. */
static bool is_refusal(chy_status status)
{
    return status == CHY_BAD_INPUT || status == CHY_DENIED || status == CHY_UNSUPPORTED;
}

static chy_status answer_waiting(struct chy_issuance *i, struct chy_enroll_answer *answer)
{
    answer->state = CHY_ENROLL_PENDING_APPROVAL;
    answer->message = chy_text(CHY_APPROVAL_WAITS);
    CHY_TRY(chy_uuid_text(i->op, &i->request_id, &answer->request_id));
    return answer_notes(i, answer);
}

/** issue issues what was decided, unless somebody has to approve it. */
static chy_status issue(struct chy_issuance *i, bool *out_waits)
{
    CHY_TRY(decide_reveal(i));
    CHY_TRY(chy_approval_needed(i, out_waits));
    if (!*out_waits) {
        return chy_issue(i);
    }
    chy_cpu_drop(&i->cpu);
    return chy_approval_ask(i);
}

static chy_status enroll(struct chy_issuance *i, const struct chy_enroll_request *request,
                         struct chy_enroll_answer *answer)
{
    CHY_TRY(find_profile(i, request));
    CHY_TRY(chy_runtime_new_uuid(i->runtime, i->op, &i->request_id));
    CHY_TRY(chy_runtime_new_uuid(i->runtime, i->op, &i->certificate_id));
    bool waits = false;
    chy_status status = decide(i, request);
    status = status == CHY_OK ? issue(i, &waits) : status;
    chy_cpu_drop(&i->cpu);
    if (is_refusal(status)) {
        chy_issue_failed(i);
    }
    CHY_TRY(status);
    return waits ? answer_waiting(i, answer) : answer_issued(i, request, answer);
}

static chy_status resume(struct chy_issuance *i, const struct chy_enroll_request *request,
                         struct chy_slice decision, bool has_csr)
{
    struct chy_slice now;
    i->decision->renews = true; // what was approved is whole: defaults fill nothing in
    CHY_TRY(find_profile(i, request));
    CHY_TRY(chy_runtime_new_uuid(i->runtime, i->op, &i->certificate_id));
    CHY_TRY(decide(i, request));
    i->decision->has_csr = has_csr;
    i->decision->keeps_key = i->decision->keeps_key && !has_csr;
    CHY_TRY(chy_decision_json(i->op, i->decision, &now));
    CHY_TRY(chy_approval_unchanged(i->op, decision, now));
    CHY_TRY(decide_reveal(i));
    i->shows_key = false; // nobody is there to see it
    return chy_issue(i);
}

chy_status chy_pipeline_resume(struct chy_issuance *issuance,
                               const struct chy_enroll_request *request, struct chy_slice decision,
                               bool has_csr)
{
    chy_status status = resume(issuance, request, decision, has_csr);
    chy_cpu_drop(&issuance->cpu);
    chy_crypto_key_release(&issuance->key);
    return status;
}

chy_status chy_pipeline_begin(struct chy_runtime *runtime, struct chy_op *op,
                              struct chy_issuance **out_issuance)
{
    const struct chy_principal *principal = chy_principal_of(op);
    struct chy_issuance *issuance = chy_alloc(op, sizeof *issuance);
    struct chy_decision *decision = chy_alloc(op, sizeof *decision);
    if (issuance == NULL || decision == NULL) {
        return chy_fail_memory(op);
    }
    issuance->runtime = runtime;
    issuance->cpu.runtime = runtime;
    issuance->op = op;
    issuance->decision = decision;
    if (principal != NULL) {
        issuance->owner_id = principal->id;
    }
    *out_issuance = issuance;
    return CHY_OK;
}

chy_status chy_pipeline_run(struct chy_issuance *issuance, const struct chy_enroll_request *request,
                            struct chy_enroll_answer *out_answer)
{
    struct chy_enroll_answer answer = {.struct_size = sizeof answer};
    chy_status status = enroll(issuance, request, &answer);
    chy_crypto_key_release(&issuance->key);
    if (status == CHY_OK) {
        *out_answer = answer;
    }
    return status;
}

chy_status chy_pipeline_enroll(struct chy_runtime *runtime, struct chy_op *op,
                               const struct chy_enroll_request *request,
                               struct chy_enroll_answer *out_answer)
{
    struct chy_issuance *issuance = NULL;
    CHY_TRY(chy_pipeline_begin(runtime, op, &issuance));
    return chy_pipeline_run(issuance, request, out_answer);
}
