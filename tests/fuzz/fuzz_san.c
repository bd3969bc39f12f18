/* Target functions: chy_san_make, chy_sans_read, chy_sans_write, chy_name_canonical. */
#include "x509/name.h"
#include "x509/san.h"
#include "x509_fuzz.h"

/** A canonical name stays what it is, as text and as DER. */
static void check_stable(struct chy_op *op, const struct chy_san *san)
{
    struct chy_san again;
    struct chy_sans one = {san, 1};
    struct chy_sans read;
    struct chy_slice der;
    struct chy_der_writer w = chy_der_writer_new(op, 512, 1 << 16);
    MUST(chy_san_make(op, san->type, san->text, &again) == CHY_OK);
    MUST(chy_san_equal(&again, san) && chy_slice_equal(again.text, san->text));
    chy_sans_write(&w, &one);
    MUST(chy_der_written(&w, &der));
    MUST(chy_sans_read(op, der, &read) == CHY_OK && read.count == 1);
    MUST(chy_san_equal(&read.items[0], san));
    // What a certificate would carry: octets of IA5, but for addresses and user principal names.
    for (uint64_t i = 0; san->type != CHY_SAN_UPN && i < san->text.len; i++) {
        MUST(san->text.ptr[i] > 0x20 && san->text.ptr[i] < 0x7f);
    }
}

static void try_text(struct chy_op *op, struct chy_slice text)
{
    for (int type = 0; type < CHY_SAN_TYPE_COUNT; type++) {
        struct chy_san san;
        chy_status status = chy_san_make(op, (enum chy_san_type)type, text, &san);
        MUST(status == CHY_OK || status == CHY_BAD_INPUT);
        if (status == CHY_OK) {
            check_stable(op, &san);
        }
    }
    for (int type = 0; type < CHY_NAME_TYPE_COUNT; type++) {
        struct chy_slice value;
        struct chy_slice again;
        if (chy_name_canonical(op, (enum chy_name_type)type, text, &value) == CHY_OK) {
            MUST(chy_name_canonical(op, (enum chy_name_type)type, value, &again) == CHY_OK);
            MUST(chy_slice_equal(value, again));
        }
    }
}

static void try_der(struct chy_op *op, struct chy_slice der)
{
    struct chy_sans sans;
    struct chy_sans again;
    struct chy_slice written;
    struct chy_der_writer w = chy_der_writer_new(op, 512, 1 << 20);
    chy_status status = chy_sans_read(op, der, &sans);
    MUST(status == CHY_OK || status == CHY_BAD_INPUT);
    if (status != CHY_OK) {
        return;
    }
    chy_sans_write(&w, &sans);
    MUST(chy_der_written(&w, &written));
    MUST(chy_sans_read(op, written, &again) == CHY_OK && again.count == sans.count);
    for (uint64_t i = 0; i < sans.count; i++) {
        MUST(chy_san_equal(&sans.items[i], &again.items[i]));
        check_stable(op, &sans.items[i]);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct chy_op *op = test_op_new();
    struct chy_slice input = chy_slice_of(data, size);
    try_text(op, input);
    try_der(op, input);
    test_op_free(op);
    return 0;
}
