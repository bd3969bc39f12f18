/** Installing the certificate that another CA made of our CSR. */
#include "enroll/authority.h"

#include "base/slice.h"
#include "enroll/blocked_key.h"
#include "enroll/chain.h"
#include "resource/collections.h"

/** read_path decodes the certificate and what stands above it, and validates the whole. */
static chy_status read_path(struct chy_call *call, struct chy_certificate *path,
                            uint64_t *out_count)
{
    uint64_t count = 0;
    CHY_TRY(chy_chain_read(call->op, chy_json_member(call->document, "certificate"),
                           chy_json_member(call->document, "certificateChain"), path, &count));
    if (count == 1) {
        return chy_fail(call->op, CHY_BAD_INPUT, 0,
                        "the chain is missing: without the certificate of the CA that signed, "
                        "nobody can tell whether it did");
    }
    struct chy_path_check check = {
        .time = chy_now(call->op),
        .verify = chy_chain_verify,
        .context = call->runtime,
        .leaf_is_issuer = true,
    };
    *out_count = count;
    return chy_path_validate(call->op, path, count, &check);
}

/** find_generation lets a key that waits for its certificate take over: a rollover with a parent
 *  elsewhere. */
static chy_status find_generation(struct chy_call *call, const struct chy_certificate *certificate,
                                  struct chy_authority *ca)
{
    struct chy_storage_page page;
    CHY_TRY(chy_authority_generations(
        call, &ca->id, CHY_FIELDS(CHY_GENERATION_ID, CHY_GENERATION_STATUS, CHY_GENERATION_SPKI),
        &page));
    for (uint64_t i = 0; i < page.rows.count; i++) {
        const struct chy_storage_row *row = chy_page_row(&page, i);
        struct chy_uuid id = chy_row_uuid(row, 0);
        if (chy_slice_is(chy_row_text(row, 1), "pending") &&
            chy_slice_equal(chy_row_blob(row, 2), certificate->spki.der)) {
            return chy_authority_load_generation(call, &id, ca);
        }
    }
    return CHY_OK;
}

static chy_status check_import(struct chy_call *call, const struct chy_authority *ca,
                               const struct chy_certificate *certificate)
{
    const char *wrong = NULL;
    if (!chy_slice_equal(certificate->spki.der,
                         chy_row_blob(&ca->generation, CHY_GENERATION_SPKI))) {
        wrong = "its key is not the certificate authority's: it was made for another CSR";
    } else if (!chy_slice_equal(certificate->subject,
                                chy_row_blob(&ca->row, CHY_AUTHORITY_SUBJECT))) {
        wrong = "its subject is not the certificate authority's";
    } else if (!certificate->has_basic_constraints || !certificate->basic_constraints.is_ca) {
        wrong = "it is not a CA certificate (basic constraints CA:TRUE is missing)";
    } else if (!certificate->has_key_usage ||
               (certificate->key_usage & CHY_KU_KEY_CERT_SIGN) == 0) {
        wrong = "it lacks the key usage keyCertSign";
    } else if (certificate->self_issued) {
        wrong = "it is self-signed; an intermediate's comes from another CA";
    }
    return wrong == NULL
               ? CHY_OK
               : chy_fail(call->op, CHY_BAD_INPUT, 0, "the certificate does not fit: %s", wrong);
}

chy_status chy_authority_import(struct chy_call *call)
{
    struct chy_authority ca;
    struct chy_certificate path[CHY_PATH_MAX];
    struct chy_authority_certificate certificate = {.max_path_length = -1};
    struct chy_batch batch;
    char serial[CHY_SERIAL_TEXT_SIZE];
    uint64_t count = 0;
    CHY_TRY(chy_authority_load(call, &ca));
    CHY_TRY(read_path(call, path, &count));
    CHY_TRY(find_generation(call, &path[0], &ca));
    CHY_TRY(check_import(call, &ca, &path[0]));
    CHY_TRY(chy_refuse_compromised_key(call->runtime, call->op,
                                       chy_row_blob(&ca.generation, CHY_GENERATION_SPKI_SHA256)));
    CHY_TRY(chy_chain_join(call->op, path, count, &certificate.chain));
    chy_serial_text(path[0].serial, serial);
    certificate.der = path[0].der;
    certificate.serial = chy_text(serial);
    certificate.validity = chy_validity_cut(path[0].not_before, path[0].not_after);
    if (path[0].basic_constraints.has_path_length) {
        certificate.max_path_length = (int32_t)path[0].basic_constraints.path_length;
    }
    chy_batch_init(&batch, call->op, 0);
    CHY_TRY(chy_authority_adopt(call, &batch, &ca, &certificate, "import-certificate"));
    call->answer = chy_json_object(call->op);
    bool fine =
        call->answer != NULL &&
        chy_json_set_text(call->answer, "message", chy_text("the certificate was imported")) &&
        chy_json_set_uuid(call->answer, "caId", &ca.id);
    return fine ? CHY_OK : chy_fail_memory(call->op);
}
