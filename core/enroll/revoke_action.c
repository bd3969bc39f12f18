// Revoking as a service of the host, and as an action of certificates.

#include "base/slice.h"
#include "enroll/certificate_find.h"
#include "enroll/revoke_state.h"
#include "x509/crl.h"

chy_status chy_revoke_requested(struct chy_runtime *runtime, struct chy_op *op,
                                const struct chy_revoke_request *request,
                                struct chy_revoke_answer *out_answer)
{
    struct chy_uuid id;
    if (request->certificate_id.len != 0 || request->generation_id.len == 0) {
        struct chy_slice name =
            request->certificate_id.len != 0 ? request->certificate_id : request->serial_number;
        CHY_TRY(chy_certificate_find(runtime, op, name, &id));
        return chy_revoke_certificate(runtime, op, &id, request->reason, out_answer);
    }
    if (!chy_uuid_parse(request->generation_id, &id)) {
        return chy_fail(op, CHY_BAD_INPUT, 0, "the id of a key generation is a UUID");
    }
    struct chy_revoke_wish wish = {
        .generation_id = &id, .serial = request->serial_number, .reason = request->reason};
    return chy_revoke_serial(runtime, op, &wish, out_answer);
}

static chy_status read_reason(struct chy_call *call, uint32_t *out_reason)
{
    struct chy_slice word = chy_json_member(call->document, "revocationReason");
    uint32_t reason;
    if (chy_slice_equal_nocase(word, chy_text("REMOVE_FROM_CRL"))) {
        *out_reason = CHY_CRL_REMOVE_FROM_CRL;
        return CHY_OK;
    }
    if (!chy_crl_reason_find(word, &reason)) {
        return chy_shape_refuse_one(
            call->op, "invalid_enum_value", "/revocationReason",
            "'%.*s' is no reason; expected one of: UNSPECIFIED, KEY_COMPROMISE, CA_COMPROMISE, "
            "AFFILIATION_CHANGED, SUPERSEDED, CESSATION_OF_OPERATION, CERTIFICATE_HOLD, "
            "PRIVILEGE_WITHDRAWN, A_A_COMPROMISE, REMOVE_FROM_CRL",
            (int)word.len, (const char *)word.ptr);
    }
    *out_reason = reason;
    return CHY_OK;
}

chy_status chy_revoke_action(struct chy_call *call)
{
    struct chy_revoke_answer answer;
    struct chy_revocation w = {
        .runtime = call->runtime, .op = call->op, .certificate_id = &call->id};
    CHY_TRY(chy_certificate_find(call->runtime, call->op, call->id_text, &call->id));
    CHY_TRY(read_reason(call, &w.reason));
    chy_status status = chy_revoke_run(&w, &answer);
    call->project_id = w.target.project_id; // where a refusal is recorded
    CHY_TRY(status);
    const char *message =
        w.lifts ? "The hold of the certificate ended" : "The certificate was revoked";
    call->answer = chy_json_object(call->op);
    bool fine =
        call->answer != NULL && chy_json_set_text(call->answer, "message", chy_text(message)) &&
        chy_json_set_text(call->answer, "serialNumber", answer.serial_number) &&
        (answer.revoked_at == 0 ? chy_json_set_null(call->answer, "revokedAt")
                                : chy_json_set_time(call->answer, "revokedAt", answer.revoked_at));
    return fine ? CHY_OK : chy_fail_memory(call->op);
}
