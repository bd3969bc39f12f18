/* Target functions: chy_ocsp_read, and the writer that answers what was read. */
#include "x509/ocsp.h"
#include "x509_fuzz.h"

static void answer(struct chy_op *op, const struct chy_ocsp_request *request)
{
    struct chy_ocsp_single singles[CHY_OCSP_IDS_MAX];
    struct chy_slice data;
    struct chy_slice der;
    for (uint64_t i = 0; i < request->count; i++) {
        singles[i] = (struct chy_ocsp_single){.id = request->ids[i].der,
                                              .status = (enum chy_ocsp_status)(i % 3),
                                              .reason = (uint32_t)(i % 2),
                                              .revoked_at = TEST_NOW};
    }
    struct chy_ocsp_values values = {
        .responder_key_hash = chy_slice_of("12345678901234567890", 20),
        .produced_at = TEST_NOW,
        .this_update = TEST_NOW,
        .next_update = TEST_NOW,
        .singles = singles,
        .single_count = request->count,
        .nonce = request->nonce,
    };
    MUST(chy_ocsp_encode(op, &values, &data) == CHY_OK);
    MUST(chy_ocsp_assemble(op, data, CHY_SIG_ED25519, chy_slice_of("s", 1), chy_slice_of("", 0),
                           &der) == CHY_OK);
    struct chy_der whole = chy_der_of(der);
    struct chy_slice element;
    MUST(chy_der_whole(&whole, &element) && chy_der_done(&whole));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct chy_op *op = test_op_new();
    struct chy_slice input = chy_slice_of(data, size);
    struct chy_ocsp_request request;
    chy_status status = chy_ocsp_read(op, input, &request);
    MUST(status == CHY_OK || status == CHY_BAD_INPUT);
    if (status == CHY_OK) {
        MUST(request.count >= 1 && request.count <= CHY_OCSP_IDS_MAX);
        MUST(request.nonce.len <= CHY_OCSP_NONCE_MAX && within(request.nonce, input));
        for (uint64_t i = 0; i < request.count; i++) {
            const struct chy_ocsp_id *id = &request.ids[i];
            MUST(within(id->der, input) && within(id->name_hash, id->der));
            MUST(within(id->key_hash, id->der) && within(id->serial, id->der));
        }
        answer(op, &request);
    }
    test_op_free(op);
    return 0;
}
