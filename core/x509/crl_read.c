#include "x509/crl.h"

#include "x509/name.h"

#include <chancery/host.h>

/* Strict reading of CRLs (RFC 5280 5.1), for imports, restores and tests. */

enum {
    SERIAL_MAX = 20
};

static chy_status malformed(struct chy_op *op, const char *part)
{
    return chy_fail(op, CHY_BAD_INPUT, 0, "the CRL is not valid DER (RFC 5280): %s is malformed",
                    part);
}

static bool read_reason(struct chy_slice value, uint32_t *out_reason)
{
    struct chy_der reader = chy_der_of(value);
    uint64_t reason;
    if (!chy_der_u64_tagged(&reader, CHY_DER_ENUMERATED, &reason) || !chy_der_done(&reader) ||
        reason > UINT32_MAX || chy_crl_reason_word((uint32_t)reason) == NULL) {
        return false;
    }
    *out_reason = (uint32_t)reason;
    return true;
}

/** Reads crlEntryExtensions.  A certificateIssuer, always critical, belongs to indirect CRLs, which
 *  are refused with it. */
static bool read_entry_extensions(struct chy_slice contents, struct chy_crl_entry *entry)
{
    struct chy_slice repeated;
    struct chy_der extensions = chy_der_of(contents);
    struct chy_extension extension;
    if (!chy_extensions_distinct(contents, &repeated)) {
        return false;
    }
    while (chy_extension_next(&extensions, &extension)) {
        if (extension.oid == CHY_OID_CRL_REASON) {
            if (!read_reason(extension.value, &entry->reason)) {
                return false;
            }
        } else if (extension.critical) {
            return false;
        }
    }
    return true;
}

bool chy_crl_next(struct chy_der *entries, struct chy_crl_entry *out_entry)
{
    struct chy_der ahead = *entries;
    struct chy_der inner;
    struct chy_slice extensions;
    struct chy_crl_entry entry = {.reason = CHY_CRL_UNSPECIFIED};
    if (!chy_der_enter(&ahead, CHY_DER_SEQUENCE, &inner) ||
        !chy_der_magnitude(&inner, &entry.serial) || entry.serial.len > SERIAL_MAX ||
        !chy_der_time(&inner, &entry.date)) {
        return false;
    }
    if (!chy_der_done(&inner) &&
        (!chy_der_take(&inner, CHY_DER_SEQUENCE, &extensions) || !chy_der_done(&inner) ||
         !read_entry_extensions(extensions, &entry))) {
        return false;
    }
    *entries = ahead;
    *out_entry = entry;
    return true;
}

static bool take_extension(const struct chy_extension *extension, struct chy_crl *crl,
                           bool *out_known)
{
    struct chy_slice value = extension->value;
    *out_known = true;
    if (extension->oid == CHY_OID_AUTHORITY_KEY_ID) {
        return chy_ext_read_authority_key_id(value, &crl->authority_key_id);
    }
    if (extension->oid == CHY_OID_CRL_NUMBER) {
        crl->has_number = true;
        return chy_ext_read_crl_number(value, &crl->number);
    }
    if (extension->oid == CHY_OID_DELTA_CRL) {
        crl->is_delta = true;
        return chy_ext_read_crl_number(value, &crl->base_number);
    }
    if (extension->oid == CHY_OID_ISSUING_DISTRIBUTION_POINT) {
        crl->has_point = true;
        return chy_ext_read_issuing_point(value, &crl->point);
    }
    if (extension->oid == CHY_OID_FRESHEST_CRL) {
        return chy_ext_read_crl_points(value, &crl->freshest);
    }
    *out_known = false;
    return true;
}

static chy_status read_extensions(struct chy_op *op, struct chy_der tagged, struct chy_crl *crl)
{
    struct chy_slice contents;
    struct chy_slice repeated;
    struct chy_extension extension;
    bool known;
    char text[CHY_OID_TEXT_SIZE];
    if (!chy_der_take(&tagged, CHY_DER_SEQUENCE, &contents) || !chy_der_done(&tagged)) {
        return malformed(op, "the list of extensions");
    }
    if (!chy_extensions_distinct(contents, &repeated)) {
        if (repeated.len > 0) {
            return chy_fail(op, CHY_BAD_INPUT, 0, "the CRL has the extension %s more than once",
                            chy_oid_describe(repeated, text));
        }
        return malformed(op, "the list of extensions");
    }
    struct chy_der extensions = chy_der_of(contents);
    while (chy_extension_next(&extensions, &extension)) {
        if (!take_extension(&extension, crl, &known)) {
            return chy_fail(op, CHY_BAD_INPUT, 0, "the CRL's extension %s is malformed",
                            chy_oid_describe(extension.oid_contents, text));
        }
        if (!known && extension.critical) {
            return chy_fail(op, CHY_BAD_INPUT, 0,
                            "the CRL has the critical extension %s, which is not supported",
                            chy_oid_describe(extension.oid_contents, text));
        }
    }
    return CHY_OK;
}

static chy_status read_entries(struct chy_op *op, struct chy_der *body, struct chy_crl *crl)
{
    struct chy_crl_entry entry;
    if (!chy_der_next_is(body, CHY_DER_SEQUENCE)) {
        return CHY_OK;
    }
    if (!chy_der_take(body, CHY_DER_SEQUENCE, &crl->entries) || crl->entries.len == 0) {
        return malformed(op, "the list of entries");
    }
    struct chy_der entries = chy_der_of(crl->entries);
    while (!chy_der_done(&entries)) {
        if (!chy_crl_next(&entries, &entry)) {
            return malformed(op, "an entry");
        }
        crl->entry_count++;
    }
    return CHY_OK;
}

static chy_status read_body(struct chy_op *op, struct chy_crl *crl, struct chy_slice *out_algorithm)
{
    struct chy_der reader = chy_der_of(crl->tbs);
    struct chy_der body;
    struct chy_der tagged;
    bool present;
    uint64_t version;
    if (!chy_der_enter(&reader, CHY_DER_SEQUENCE, &body) || !chy_der_u64(&body, &version) ||
        version != 1) {
        return malformed(op, "the version (2 is needed)");
    }
    struct chy_der algorithm = body;
    CHY_TRY(chy_signature_algorithm_read(op, &body, &crl->signature_algorithm));
    if (!chy_der_whole(&algorithm, out_algorithm)) {
        return malformed(op, "the signature algorithm");
    }
    if (!chy_der_whole(&body, &crl->issuer) || !chy_name_well_formed(crl->issuer)) {
        return malformed(op, "the issuer");
    }
    if (!chy_der_time(&body, &crl->this_update)) {
        return malformed(op, "the date");
    }
    if (chy_der_next_is(&body, CHY_DER_UTC_TIME) ||
        chy_der_next_is(&body, CHY_DER_GENERALIZED_TIME)) {
        if (!chy_der_time(&body, &crl->next_update)) {
            return malformed(op, "the date of the next update");
        }
        crl->has_next_update = true;
    }
    CHY_TRY(read_entries(op, &body, crl));
    if (!chy_der_optional(&body, CHY_DER_CONTEXT_SET(0), &present, &tagged) ||
        !chy_der_done(&body)) {
        return malformed(op, "its end");
    }
    return present ? read_extensions(op, tagged, crl) : CHY_OK;
}

chy_status chy_crl_read(struct chy_op *op, struct chy_slice der, struct chy_crl *out_crl)
{
    struct chy_der reader = chy_der_of(der);
    struct chy_der whole;
    struct chy_slice inner_algorithm = {0};
    struct chy_slice outer_algorithm;
    struct chy_crl crl = {.der = der};
    if (der.len > CHY_CRL_MAX) {
        return chy_fail(op, CHY_BAD_INPUT, 0, "the CRL has more than %d octets", CHY_CRL_MAX);
    }
    if (!chy_der_enter(&reader, CHY_DER_SEQUENCE, &whole)) {
        return malformed(op, "its frame");
    }
    if (!chy_der_done(&reader)) {
        return chy_fail(op, CHY_BAD_INPUT, 0, "there are bytes after the CRL");
    }
    if (!chy_der_next_is(&whole, CHY_DER_SEQUENCE) || !chy_der_whole(&whole, &crl.tbs) ||
        !chy_der_whole(&whole, &outer_algorithm) || !chy_der_bits(&whole, &crl.signature) ||
        !chy_der_done(&whole)) {
        return malformed(op, "its frame");
    }
    CHY_TRY(read_body(op, &crl, &inner_algorithm));
    if (!chy_slice_equal(inner_algorithm, outer_algorithm)) {
        return chy_fail(op, CHY_BAD_INPUT, 0, "the CRL names two different signature algorithms");
    }
    *out_crl = crl;
    return CHY_OK;
}
