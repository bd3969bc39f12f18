#include "x509/certificate.h"

#include "base/time.h"

#include <chancery/host.h>

/* Building: what will be signed, and the signed whole. */

enum {
    ASSEMBLED_MAX = 65 * 1024 * 1024,
    FRAME_SIZE = 128
};

static const int64_t year_1950 = INT64_C(-631152000000000);

static uint64_t names_size(const struct chy_sans *sans)
{
    uint64_t size = 0;
    for (uint64_t i = 0; sans != NULL && i < sans->count; i++) {
        size += sans->items[i].octets.len + 24;
    }
    return size;
}

static void write_validity(struct chy_der_writer *w, const struct chy_tbs *tbs)
{
    uint64_t validity = chy_der_open(w, CHY_DER_SEQUENCE);
    chy_der_add_time(w, tbs->not_before);
    chy_der_add_time(w, tbs->not_after);
    chy_der_close(w, validity);
}

static void write_tbs(struct chy_der_writer *w, const struct chy_tbs *tbs)
{
    static const uint8_t version_3[] = {0xa0, 0x03, 0x02, 0x01, 0x02};
    uint64_t whole = chy_der_open(w, CHY_DER_SEQUENCE);
    chy_der_add_raw(w, chy_slice_of(version_3, sizeof version_3));
    chy_der_add_magnitude(w, tbs->serial);
    chy_signature_algorithm_write(w, tbs->signature_algorithm);
    chy_der_add_raw(w, tbs->issuer);
    write_validity(w, tbs);
    chy_der_add_raw(w, tbs->subject);
    chy_der_add_raw(w, tbs->spki);
    uint64_t tagged = chy_der_open(w, CHY_DER_CONTEXT_SET(3));
    uint64_t extensions = chy_der_open(w, CHY_DER_SEQUENCE);
    chy_extensions_write(w, &tbs->extensions);
    chy_der_close(w, extensions);
    chy_der_close(w, tagged);
    chy_der_close(w, whole);
}

chy_status chy_tbs_encode(struct chy_op *op, const struct chy_tbs *tbs, struct chy_slice *out_der)
{
    if (chy_signature_algorithm_name(tbs->signature_algorithm) == NULL) {
        return chy_fail(op, CHY_BROKEN, 0, "a certificate cannot be signed with the algorithm %u",
                        tbs->signature_algorithm);
    }
    if (tbs->not_before < year_1950 || tbs->not_after > CHY_TIME_MAX) {
        return chy_fail(
            op, CHY_BAD_INPUT, 0,
            "the validity lies outside the years 1950 to 9999, which X.509 can express");
    }
    uint64_t size =
        768 + tbs->issuer.len + tbs->subject.len + tbs->spki.len + names_size(tbs->extensions.sans);
    struct chy_der_writer w = chy_der_writer_new(op, size, CHY_CERTIFICATE_MAX);
    write_tbs(&w, tbs);
    return chy_der_finish(op, &w, out_der);
}

chy_status chy_signed_assemble(struct chy_op *op, struct chy_slice tbs,
                               uint32_t signature_algorithm, struct chy_slice signature,
                               struct chy_slice *out_der)
{
    if (chy_signature_algorithm_name(signature_algorithm) == NULL) {
        return chy_fail(op, CHY_BROKEN, 0, "unknown signature algorithm %u", signature_algorithm);
    }
    struct chy_der_writer w =
        chy_der_writer_new(op, FRAME_SIZE + tbs.len + signature.len, ASSEMBLED_MAX);
    uint64_t whole = chy_der_open(&w, CHY_DER_SEQUENCE);
    chy_der_add_raw(&w, tbs);
    chy_signature_algorithm_write(&w, signature_algorithm);
    chy_der_add_bits(&w, signature);
    chy_der_close(&w, whole);
    return chy_der_finish(op, &w, out_der);
}
