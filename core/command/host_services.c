#include "command/host_services.h"

#include "enroll/crl.h"
#include "enroll/ocsp.h"
#include "enroll/pipeline.h"
#include "enroll/profile.h"
#include "enroll/renew.h"
#include "enroll/revoke.h"
#include "plugin/services.h"
#include "resource/kind.h"

#include <chancery/enrollment.h>

static struct chy_runtime *runtime_of(struct chy_op *op)
{
    return chy_services_of(op->host)->runtime;
}

static chy_status serve_enroll(struct chy_op *op, const struct chy_enroll_request *request,
                               struct chy_enroll_answer *out_answer)
{
    return chy_pipeline_enroll(runtime_of(op), op, request, out_answer);
}

static chy_status serve_request_status(struct chy_op *op, struct chy_slice id,
                                       struct chy_enroll_answer *out_answer)
{
    return chy_pipeline_status(runtime_of(op), op, id, out_answer);
}

static chy_status serve_renew(struct chy_op *op, const struct chy_renew_request *request,
                              struct chy_enroll_answer *out_answer)
{
    return chy_renew_certificate(runtime_of(op), op, request, out_answer);
}

static chy_status serve_revoke(struct chy_op *op, const struct chy_revoke_request *request,
                               struct chy_revoke_answer *out_answer)
{
    return chy_revoke_requested(runtime_of(op), op, request, out_answer);
}

static chy_status serve_resource(struct chy_op *op, const struct chy_resource_call *call,
                                 struct chy_resource_answer *out_answer)
{
    return chy_kinds_call(runtime_of(op), op, call, out_answer);
}

static chy_status serve_chain(struct chy_op *op, struct chy_slice profile_id,
                              struct chy_chain_answer *out_answer)
{
    struct chy_uuid id;
    const struct chy_enroll_profile *profile;
    const struct chy_issuer *issuer;
    if (!chy_uuid_parse(profile_id, &id)) {
        return chy_fail(op, CHY_BAD_INPUT, 0, "the id of a certificate profile is a UUID");
    }
    CHY_TRY(chy_enroll_profile_get(runtime_of(op), op, &id, &profile));
    if (chy_uuid_is_nil(&profile->authority_id)) {
        return chy_fail(op, CHY_BAD_INPUT, 0, "a self-signed profile has no chain");
    }
    CHY_TRY(chy_issuer_get(runtime_of(op), op, &profile->authority_id, &issuer));
    struct chy_slice *items = chy_alloc(op, sizeof *items * issuer->path_count);
    if (items == NULL) {
        return chy_fail_memory(op);
    }
    for (uint32_t i = 0; i < issuer->path_count; i++) {
        items[i] = issuer->path[i].der;
    }
    out_answer->certificates = chy_view_of(items, issuer->path_count, sizeof items[0]);
    out_answer->pem = issuer->chain_pem;
    return CHY_OK;
}

static chy_status serve_crl(struct chy_op *op, struct chy_slice generation_id, uint32_t shard,
                            uint32_t delta, struct chy_slice *out_der)
{
    struct chy_uuid id;
    if (!chy_uuid_parse(generation_id, &id)) {
        return chy_fail(op, CHY_NOT_FOUND, 0, "CRL not found");
    }
    enum chy_crl_kind kind = delta != 0 ? CHY_CRL_DELTA : CHY_CRL_COMPLETE;
    return chy_crl_get(runtime_of(op), op, &id, shard, kind, out_der);
}

static chy_status serve_ocsp(struct chy_op *op, struct chy_slice generation_id,
                             struct chy_slice request, struct chy_slice *out_response)
{
    struct chy_uuid id;
    struct chy_ocsp_answer answer;
    if (!chy_uuid_parse(generation_id, &id)) {
        return chy_fail(op, CHY_NOT_FOUND, 0, "key generation not found");
    }
    CHY_TRY(chy_ocsp_answer(runtime_of(op), op, &id, request, &answer));
    *out_response = answer.der;
    return CHY_OK;
}

void chy_host_services_fill(struct chy_host *host)
{
    host->enroll = serve_enroll;
    host->request_status = serve_request_status;
    host->renew = serve_renew;
    host->revoke = serve_revoke;
    host->resource = serve_resource;
    host->chain = serve_chain;
    host->crl = serve_crl;
    host->ocsp = serve_ocsp;
}
