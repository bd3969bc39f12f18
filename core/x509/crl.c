#include "x509/crl.h"

#include "base/time.h"
#include "x509/word.h"

#include <chancery/host.h>

/* Building a TBSCertList (RFC 5280 5.1.2), and the words of its reasons. */

enum {
    ENTRY_SIZE = 48,
    FRAME_SIZE = 1024
};

static const int64_t year_1950 = INT64_C(-631152000000000);

static const struct {
    uint32_t reason;
    const char *word; // spelled without separators it is the RFC's name
} reasons[] = {
    {CHY_CRL_UNSPECIFIED, "UNSPECIFIED"},
    {CHY_CRL_KEY_COMPROMISE, "KEY_COMPROMISE"},
    {CHY_CRL_CA_COMPROMISE, "CA_COMPROMISE"},
    {CHY_CRL_AFFILIATION_CHANGED, "AFFILIATION_CHANGED"},
    {CHY_CRL_SUPERSEDED, "SUPERSEDED"},
    {CHY_CRL_CESSATION_OF_OPERATION, "CESSATION_OF_OPERATION"},
    {CHY_CRL_CERTIFICATE_HOLD, "CERTIFICATE_HOLD"},
    {CHY_CRL_REMOVE_FROM_CRL, "REMOVE_FROM_CRL"},
    {CHY_CRL_PRIVILEGE_WITHDRAWN, "PRIVILEGE_WITHDRAWN"},
    {CHY_CRL_AA_COMPROMISE, "A_A_COMPROMISE"},
};

const char *chy_crl_reason_word(uint32_t reason)
{
    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++) {
        if (reasons[i].reason == reason) {
            return reasons[i].word;
        }
    }
    return NULL;
}

bool chy_crl_reason_find(struct chy_slice word, uint32_t *out_reason)
{
    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++) {
        if (reasons[i].reason != CHY_CRL_REMOVE_FROM_CRL && chy_word_is(word, reasons[i].word)) {
            *out_reason = reasons[i].reason;
            return true;
        }
    }
    return false;
}

chy_status chy_crl_begin(struct chy_op *op, const struct chy_crl_values *values, uint64_t expected,
                         struct chy_crl_writer *out_writer)
{
    if (chy_signature_algorithm_name(values->signature_algorithm) == NULL) {
        return chy_fail(op, CHY_BROKEN, 0, "a CRL cannot be signed with the algorithm %u",
                        values->signature_algorithm);
    }
    if (values->this_update < year_1950 || values->next_update > CHY_TIME_MAX ||
        values->next_update < values->this_update) {
        return chy_fail(op, CHY_BROKEN, 0, "the dates of a CRL are out of order or out of range");
    }
    if (expected > CHY_CRL_MAX / ENTRY_SIZE) {
        expected = CHY_CRL_MAX / ENTRY_SIZE;
    }
    struct chy_crl_writer writer = {.values = *values};
    struct chy_der_writer *w = &writer.der;
    *w = chy_der_writer_new(op, FRAME_SIZE + values->issuer.len + expected * ENTRY_SIZE,
                            CHY_CRL_MAX);
    writer.tbs_mark = chy_der_open(w, CHY_DER_SEQUENCE);
    chy_der_add_u64(w, CHY_DER_INTEGER, 1); // version 2
    chy_signature_algorithm_write(w, values->signature_algorithm);
    chy_der_add_raw(w, values->issuer);
    chy_der_add_time(w, values->this_update);
    chy_der_add_time(w, values->next_update);
    *out_writer = writer;
    return CHY_OK;
}

void chy_crl_add(struct chy_crl_writer *writer, struct chy_slice serial, int64_t date,
                 uint32_t reason)
{
    // crlEntryExtensions with a reasonCode; the last octet is the reason.
    static const uint8_t reason_extension[] = {0x30, 0x0c, 0x30, 0x0a, 0x06, 0x03, 0x55,
                                               0x1d, 0x15, 0x04, 0x03, 0x0a, 0x01};
    struct chy_der_writer *w = &writer->der;
    if (writer->entry_count == 0) {
        writer->entries_mark = chy_der_open(w, CHY_DER_SEQUENCE);
    }
    writer->entry_count++;
    uint64_t entry = chy_der_open(w, CHY_DER_SEQUENCE);
    chy_der_add_magnitude(w, serial);
    chy_der_add_time(w, date);
    if (reason != CHY_CRL_UNSPECIFIED) {
        uint8_t octet = (uint8_t)reason;
        chy_der_add_raw(w, chy_slice_of(reason_extension, sizeof reason_extension));
        chy_der_add_raw(w, chy_slice_of(&octet, 1));
    }
    chy_der_close(w, entry);
    if (chy_crl_reason_word(reason) == NULL) {
        w->failed = true;
    }
}

static void write_extensions(struct chy_der_writer *w, const struct chy_crl_values *values)
{
    uint64_t tagged = chy_der_open(w, CHY_DER_CONTEXT_SET(0));
    uint64_t extensions = chy_der_open(w, CHY_DER_SEQUENCE);
    chy_ext_write_authority_key_id(w, values->authority_key_id);
    chy_ext_write_crl_number(w, values->number);
    if (values->is_delta) {
        chy_ext_write_delta_base(w, values->base_number);
    }
    chy_ext_write_issuing_point(w, values->point_urls, values->point_url_count);
    // RFC 5280 5.2.6: never in a delta.
    if (!values->is_delta) {
        chy_ext_write_freshest_crl(w, values->freshest_urls, values->freshest_url_count);
    }
    chy_der_close(w, extensions);
    chy_der_close(w, tagged);
}

chy_status chy_crl_end(struct chy_op *op, struct chy_crl_writer *writer, struct chy_slice *out_tbs)
{
    struct chy_der_writer *w = &writer->der;
    if (writer->entry_count > 0) {
        chy_der_close(w, writer->entries_mark); // RFC 5280 5.1.2.6: absent when nothing is revoked
    }
    write_extensions(w, &writer->values);
    chy_der_close(w, writer->tbs_mark);
    return chy_der_finish(op, w, out_tbs);
}
