#include "x509/csr.h"

#include "x509/oid.h"

#include <chancery/host.h>

static chy_status malformed(struct chy_op *op, const char *part)
{
    return chy_fail(op, CHY_BAD_INPUT, 0,
                    "the certificate request is not valid DER (RFC 2986): %s is malformed", part);
}

/* ------------------------------------------------------------------------------------------------
 * Extensions
 */

static chy_status read_ekus(struct chy_op *op, struct chy_slice value, struct chy_csr *csr)
{
    struct chy_ekus ekus;
    char text[CHY_OID_TEXT_SIZE];
    if (!chy_ext_read_ekus(value, &ekus)) {
        return malformed(op, "the extended key usage");
    }
    if (ekus.unknown.len > 0) {
        return chy_fail(op, CHY_BAD_INPUT, 0,
                        "the certificate request has an extended key usage that is not supported: "
                        "%s",
                        chy_oid_text(ekus.unknown, text));
    }
    csr->has_ekus = true;
    csr->ekus = ekus.mask;
    return CHY_OK;
}

/** Notes an extension that we do not read; a critical one is refused. */
static chy_status ignore(struct chy_op *op, const struct chy_extension *extension,
                         struct chy_slice *ignored, struct chy_csr *csr)
{
    char text[CHY_OID_TEXT_SIZE];
    if (extension->critical) {
        return chy_fail(
            op, CHY_BAD_INPUT, 0,
            "the certificate request has a critical extension that is not supported: %s",
            chy_oid_describe(extension->oid_contents, text));
    }
    ignored[csr->ignored_count++] = extension->oid_contents;
    csr->ignored = ignored;
    return CHY_OK;
}

static chy_status read_extension(struct chy_op *op, const struct chy_extension *extension,
                                 struct chy_slice *ignored, struct chy_csr *csr)
{
    if (extension->oid == CHY_OID_SUBJECT_ALT_NAME) {
        return chy_sans_read(op, extension->value, &csr->sans);
    }
    if (extension->oid == CHY_OID_EXTENDED_KEY_USAGE) {
        return read_ekus(op, extension->value, csr);
    }
    if (extension->oid == CHY_OID_KEY_USAGE) {
        if (!chy_ext_read_key_usage(extension->value, &csr->key_usage)) {
            return malformed(op, "the key usage");
        }
        csr->has_key_usage = true;
        return CHY_OK;
    }
    if (extension->oid == CHY_OID_BASIC_CONSTRAINTS) {
        if (!chy_ext_read_basic_constraints(extension->value, &csr->basic_constraints)) {
            return malformed(op, "the basic constraints extension");
        }
        csr->has_basic_constraints = true;
        return CHY_OK;
    }
    return ignore(op, extension, ignored, csr);
}

static chy_status read_extensions(struct chy_op *op, struct chy_slice contents, struct chy_csr *csr)
{
    struct chy_slice repeated;
    char text[CHY_OID_TEXT_SIZE];
    if (!chy_extensions_distinct(contents, &repeated)) {
        if (repeated.len > 0) {
            return chy_fail(op, CHY_BAD_INPUT, 0,
                            "the certificate request has the extension %s more than once",
                            chy_oid_describe(repeated, text));
        }
        return malformed(op, "the list of extensions");
    }
    struct chy_slice *ignored = chy_alloc(op, CHY_CSR_IGNORED_MAX * sizeof *ignored);
    if (ignored == NULL) {
        return chy_fail_memory(op);
    }
    struct chy_der extensions = chy_der_of(contents);
    struct chy_extension extension;
    while (chy_extension_next(&extensions, &extension)) {
        CHY_TRY(read_extension(op, &extension, ignored, csr));
    }
    return CHY_OK;
}

/* ------------------------------------------------------------------------------------------------
 * Attributes
 */

/** Reads the values of an extensionRequest (RFC 2985 5.4.2): exactly one Extensions. */
static chy_status read_extension_request(struct chy_op *op, struct chy_der values,
                                         struct chy_csr *csr)
{
    struct chy_slice contents;
    if (!chy_der_take(&values, CHY_DER_SEQUENCE, &contents)) {
        return malformed(op, "the extension request");
    }
    if (!chy_der_done(&values)) {
        return chy_fail(
            op, CHY_BAD_INPUT, 0,
            "the certificate request has an extension request with more than one value");
    }
    return read_extensions(op, contents, csr);
}

static chy_status read_attributes(struct chy_op *op, struct chy_der attributes, struct chy_csr *csr)
{
    struct chy_der attribute;
    struct chy_der values;
    struct chy_slice type;
    bool seen = false;
    while (!chy_der_done(&attributes)) {
        if (!chy_der_enter(&attributes, CHY_DER_SEQUENCE, &attribute) ||
            !chy_der_oid(&attribute, &type) || !chy_der_enter(&attribute, CHY_DER_SET, &values) ||
            !chy_der_done(&attribute) || chy_der_done(&values)) {
            return malformed(op, "an attribute");
        }
        enum chy_oid oid = chy_oid_find(type);
        // Others, a challengePassword among them, are neither read nor kept.
        if (oid != CHY_OID_EXTENSION_REQUEST && oid != CHY_OID_MICROSOFT_EXTENSION_REQUEST) {
            continue;
        }
        if (seen) {
            return chy_fail(op, CHY_BAD_INPUT, 0,
                            "the certificate request has more than one extension request");
        }
        seen = true;
        CHY_TRY(read_extension_request(op, values, csr));
    }
    return CHY_OK;
}

/* ------------------------------------------------------------------------------------------------
 * The whole
 */

/** RFC 2986 4.1: CertificationRequestInfo. */
static chy_status read_info(struct chy_op *op, struct chy_csr *csr)
{
    struct chy_der reader = chy_der_of(csr->tbs);
    struct chy_der info;
    struct chy_der attributes;
    struct chy_slice subject;
    uint64_t version;
    if (!chy_der_enter(&reader, CHY_DER_SEQUENCE, &info) || !chy_der_u64(&info, &version)) {
        return malformed(op, "its body");
    }
    if (version != 0) {
        return chy_fail(op, CHY_BAD_INPUT, 0,
                        "the certificate request has version %llu instead of 0",
                        (unsigned long long)version);
    }
    if (!chy_der_next_is(&info, CHY_DER_SEQUENCE) || !chy_der_whole(&info, &subject)) {
        return malformed(op, "the subject");
    }
    CHY_TRY(chy_name_parse(op, subject, &csr->subject));
    CHY_TRY(chy_spki_read(op, &info, &csr->spki));
    CHY_TRY(chy_spki_check_strength(op, &csr->spki));
    if (!chy_der_enter(&info, CHY_DER_CONTEXT_SET(0), &attributes) || !chy_der_done(&info)) {
        return malformed(op, "the list of attributes");
    }
    return read_attributes(op, attributes, csr);
}

static chy_status read_signature(struct chy_op *op, struct chy_der *request, struct chy_csr *csr)
{
    CHY_TRY(chy_signature_algorithm_read(op, request, &csr->signature_algorithm));
    if (!chy_der_bits(request, &csr->signature) || !chy_der_done(request)) {
        return malformed(op, "the signature");
    }
    return CHY_OK;
}

chy_status chy_csr_read(struct chy_op *op, struct chy_slice der, struct chy_csr *out_csr)
{
    struct chy_der reader = chy_der_of(der);
    struct chy_der request;
    struct chy_csr csr = {.der = der};
    if (der.len == 0) {
        return chy_fail(op, CHY_BAD_INPUT, 0, "the certificate request is empty");
    }
    if (der.len > CHY_CSR_MAX) {
        return chy_fail(op, CHY_BAD_INPUT, 0,
                        "the certificate request has %llu octets: at most %d are allowed",
                        (unsigned long long)der.len, CHY_CSR_MAX);
    }
    if (!chy_der_enter(&reader, CHY_DER_SEQUENCE, &request)) {
        return malformed(op, "its frame");
    }
    if (!chy_der_done(&reader)) {
        return chy_fail(op, CHY_BAD_INPUT, 0, "there are bytes after the certificate request");
    }
    if (!chy_der_next_is(&request, CHY_DER_SEQUENCE) || !chy_der_whole(&request, &csr.tbs)) {
        return malformed(op, "its body");
    }
    CHY_TRY(read_signature(op, &request, &csr));
    CHY_TRY(read_info(op, &csr));
    if (!chy_signature_fits_key(csr.signature_algorithm, csr.spki.algorithm)) {
        return chy_fail_reason(
            op, CHY_BAD_INPUT, CHY_REASON_CRYPTO,
            "the certificate request has a key of the kind %s and a signature of "
            "the kind %s, which do not fit",
            chy_key_algorithm_name(csr.spki.algorithm),
            chy_signature_algorithm_name(csr.signature_algorithm));
    }
    *out_csr = csr;
    return CHY_OK;
}

chy_status chy_csr_encode(struct chy_op *op, struct chy_slice subject, struct chy_slice spki,
                          const struct chy_extension_values *extensions, struct chy_slice *out_tbs)
{
    struct chy_der_writer w = chy_der_writer_new(op, 256 + subject.len + spki.len, CHY_CSR_MAX);
    uint64_t info = chy_der_open(&w, CHY_DER_SEQUENCE);
    chy_der_add_u64(&w, CHY_DER_INTEGER, 0);
    chy_der_add_raw(&w, subject);
    chy_der_add_raw(&w, spki);
    uint64_t attributes = chy_der_open(&w, CHY_DER_CONTEXT_SET(0));
    if (extensions != NULL) {
        uint64_t attribute = chy_der_open(&w, CHY_DER_SEQUENCE);
        chy_der_add_element(&w, CHY_DER_OID, chy_oid_contents(CHY_OID_EXTENSION_REQUEST));
        uint64_t values = chy_der_open(&w, CHY_DER_SET);
        uint64_t list = chy_der_open(&w, CHY_DER_SEQUENCE);
        chy_extensions_write(&w, extensions);
        chy_der_close(&w, list);
        chy_der_close(&w, values);
        chy_der_close(&w, attribute);
    }
    chy_der_close(&w, attributes);
    chy_der_close(&w, info);
    return chy_der_finish(op, &w, out_tbs);
}
