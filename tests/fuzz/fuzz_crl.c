/* Target functions: chy_crl_read, chy_crl_next, and the builder that undoes them. */
#include "x509/certificate.h"
#include "x509/crl.h"
#include "x509_fuzz.h"

/** Writes what was read, and reads it again. */
static void rebuild(struct chy_op *op, const struct chy_crl *crl, struct chy_crl *out_again)
{
    struct chy_crl_values values = {
        .signature_algorithm = crl->signature_algorithm,
        .issuer = crl->issuer,
        .this_update = crl->this_update,
        .next_update = crl->next_update > crl->this_update ? crl->next_update : crl->this_update,
        .number = crl->entry_count,
        .authority_key_id = chy_slice_of("id", 2),
        .point_urls = crl->point.urls.items,
        .point_url_count = crl->point.urls.count,
        .freshest_urls = crl->freshest.items,
        .freshest_url_count = crl->freshest.count,
        .is_delta = crl->is_delta,
        .base_number = 1,
    };
    struct chy_crl_writer writer;
    struct chy_crl_entry entry;
    struct chy_slice tbs;
    struct chy_slice der;
    struct chy_der entries = chy_der_of(crl->entries);
    MUST(chy_crl_begin(op, &values, 0, &writer) == CHY_OK);
    while (chy_crl_next(&entries, &entry)) {
        chy_crl_add(&writer, entry.serial, entry.date, entry.reason);
    }
    MUST(chy_der_done(&entries));
    MUST(chy_crl_end(op, &writer, &tbs) == CHY_OK);
    MUST(chy_signed_assemble(op, tbs, crl->signature_algorithm, crl->signature, &der) == CHY_OK);
    MUST(chy_crl_read(op, der, out_again) == CHY_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct chy_op *op = test_op_new();
    struct chy_slice input = chy_slice_of(data, size);
    struct chy_crl crl;
    chy_status status = chy_crl_read(op, input, &crl);
    MUST(status == CHY_OK || status == CHY_BAD_INPUT);
    if (status == CHY_OK) {
        struct chy_crl again;
        MUST(within(crl.tbs, input) && within(crl.entries, crl.tbs));
        rebuild(op, &crl, &again);
        MUST(again.entry_count == crl.entry_count && again.is_delta == crl.is_delta);
        struct chy_der left = chy_der_of(crl.entries);
        struct chy_der right = chy_der_of(again.entries);
        struct chy_crl_entry a;
        struct chy_crl_entry b;
        while (chy_crl_next(&left, &a)) {
            MUST(chy_crl_next(&right, &b));
            MUST(chy_slice_equal(a.serial, b.serial) && a.date == b.date && a.reason == b.reason);
        }
        MUST(chy_der_done(&right));
    }
    test_op_free(op);
    return 0;
}
