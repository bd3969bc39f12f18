/* Target functions: chy_csr_read, chy_name_parse, chy_sans_read, chy_spki_read. */
#include "x509/certificate.h"
#include "x509/csr.h"
#include "x509_fuzz.h"

static void check_subject(struct chy_op *op, const struct chy_csr *csr)
{
    struct chy_slice der;
    struct chy_name again;
    MUST(chy_name_encode(op, &csr->subject, &der) == CHY_OK);
    MUST(chy_name_well_formed(der));
    MUST(chy_name_parse(op, der, &again) == CHY_OK);
    MUST(again.count == csr->subject.count);
    for (uint64_t i = 0; i < again.count; i++) {
        MUST(again.attributes[i].type == csr->subject.attributes[i].type);
        MUST(chy_slice_equal(again.attributes[i].value, csr->subject.attributes[i].value));
    }
}

static void check_sans(struct chy_op *op, const struct chy_csr *csr)
{
    struct chy_slice der;
    struct chy_sans again;
    struct chy_der_writer w = chy_der_writer_new(op, 1024, 1 << 20);
    if (csr->sans.count == 0) {
        return;
    }
    chy_sans_write(&w, &csr->sans);
    MUST(chy_der_written(&w, &der));
    MUST(chy_sans_read(op, der, &again) == CHY_OK);
    MUST(again.count == csr->sans.count);
    for (uint64_t i = 0; i < again.count; i++) {
        MUST(chy_san_equal(&again.items[i], &csr->sans.items[i]));
        MUST(chy_slice_equal(again.items[i].text, csr->sans.items[i].text));
    }
}

/** A request written from what was read is read as the same. */
static void check_again(struct chy_op *op, const struct chy_csr *csr)
{
    struct chy_extension_values values = {.basic_constraints = csr->basic_constraints,
                                          .key_usage = csr->key_usage,
                                          .ekus = csr->ekus,
                                          .sans = &csr->sans};
    struct chy_slice subject;
    struct chy_slice tbs;
    struct chy_slice der;
    struct chy_csr again;
    MUST(chy_name_encode(op, &csr->subject, &subject) == CHY_OK);
    if (chy_csr_encode(op, subject, csr->spki.der, &values, &tbs) != CHY_OK ||
        chy_signed_assemble(op, tbs, csr->signature_algorithm, csr->signature, &der) != CHY_OK ||
        der.len > CHY_CSR_MAX) {
        return; // it may have grown beyond the limit
    }
    MUST(chy_csr_read(op, der, &again) == CHY_OK);
    MUST(again.key_usage == csr->key_usage && again.ekus == csr->ekus);
    MUST(again.basic_constraints.is_ca == csr->basic_constraints.is_ca);
    MUST(again.basic_constraints.path_length == csr->basic_constraints.path_length);
    MUST(again.sans.count == csr->sans.count && again.ignored_count == 0);
    MUST(chy_slice_equal(again.spki.der, csr->spki.der));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct chy_op *op = test_op_new();
    struct chy_slice input = chy_slice_of(data, size);
    struct chy_csr csr;
    chy_status status = chy_csr_read(op, input, &csr);
    MUST(status == CHY_OK || status == CHY_BAD_INPUT);
    if (status == CHY_OK) {
        MUST(within(csr.tbs, input) && within(csr.signature, csr.der));
        MUST(within(csr.spki.der, csr.tbs) && within(csr.spki.public_key, csr.spki.der));
        for (uint64_t i = 0; i < csr.ignored_count; i++) {
            MUST(within(csr.ignored[i], csr.tbs));
        }
        check_subject(op, &csr);
        check_sans(op, &csr);
        check_again(op, &csr);
    } else {
        MUST(test_op_message(op)[0] != '\0');
    }
    test_op_free(op);
    return 0;
}
