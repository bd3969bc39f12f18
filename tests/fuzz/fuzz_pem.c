/* Target functions: chy_pem_decode, chy_pem_decode_request, chy_pem_encode. */
#include "x509/pem.h"
#include "x509_fuzz.h"

static const char *const labels[] = {CHY_PEM_CERTIFICATE, CHY_PEM_REQUEST, CHY_PEM_PRIVATE_KEY,
                                     NULL};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct chy_op *op = test_op_new();
    struct chy_slice input = chy_slice_of(data, size);
    struct chy_pem_blocks blocks = {NULL, 0};
    struct chy_slice request;
    chy_status status = chy_pem_decode(op, input, labels, 0, &blocks);
    MUST(status == CHY_OK || status == CHY_BAD_INPUT);
    for (uint64_t i = 0; i < blocks.count; i++) {
        struct chy_slice text;
        struct chy_slice again;
        MUST(blocks.items[i].len > 0);
        MUST(chy_pem_encode(op, CHY_PEM_CERTIFICATE, blocks.items[i], 0, &text) == CHY_OK);
        MUST(chy_pem_decode_one(op, text, labels, 0, &again) == CHY_OK);
        MUST(chy_slice_equal(again, blocks.items[i]));
    }
    status = chy_pem_decode_request(op, input, &request);
    MUST(status == CHY_OK || status == CHY_BAD_INPUT);
    test_op_free(op);
    return 0;
}
