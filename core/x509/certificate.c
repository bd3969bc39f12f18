#include "x509/certificate.h"

#include "x509/der_string.h"
#include "x509/name.h"
#include "x509/oid.h"

#include <chancery/host.h>

/* Strict reading of certificates (RFC 5280 4.1). */

enum {
    SERIAL_MAX = 20
};

static chy_status malformed(struct chy_op *op, const char *part)
{
    return chy_fail(op, CHY_BAD_INPUT, 0,
                    "the certificate is not valid DER (RFC 5280): %s is malformed", part);
}

/* ------------------------------------------------------------------------------------------------
 * Extensions
 */

static bool general_name_is_sound(uint8_t tag, struct chy_slice contents)
{
    if (tag == CHY_DER_CONTEXT(1) || tag == CHY_DER_CONTEXT(2) || tag == CHY_DER_CONTEXT(6)) {
        return contents.len > 0 && chy_der_string_valid(CHY_DER_IA5_STRING, contents);
    }
    if (tag == CHY_DER_CONTEXT(7)) {
        return contents.len == 4 || contents.len == 16;
    }
    if (tag == CHY_DER_CONTEXT(8)) {
        return chy_der_oid_valid(contents);
    }
    if (tag == CHY_DER_CONTEXT_SET(4)) {
        return chy_name_well_formed(contents);
    }
    return tag == CHY_DER_CONTEXT_SET(0) || tag == CHY_DER_CONTEXT_SET(3) ||
           tag == CHY_DER_CONTEXT_SET(5);
}

static bool san_is_sound(struct chy_slice value)
{
    struct chy_der reader = chy_der_of(value);
    struct chy_der names;
    uint8_t tag;
    struct chy_slice contents;
    if (!chy_der_enter(&reader, CHY_DER_SEQUENCE, &names) || !chy_der_done(&reader) ||
        chy_der_done(&names)) {
        return false;
    }
    while (!chy_der_done(&names)) {
        if (!chy_der_any(&names, &tag, &contents) || !general_name_is_sound(tag, contents)) {
            return false;
        }
    }
    return true;
}

static bool null_is_sound(struct chy_slice value)
{
    struct chy_der reader = chy_der_of(value);
    return chy_der_null(&reader) && chy_der_done(&reader);
}

/** Has no effect on a path as long as nobody demands a certificate policy. */
static bool is_policy(enum chy_oid oid)
{
    return oid == CHY_OID_CERTIFICATE_POLICIES || oid == CHY_OID_POLICY_MAPPINGS ||
           oid == CHY_OID_INHIBIT_ANY_POLICY;
}

/** Takes what we process; anything else is noted if it is critical.  False: malformed. */
static bool take_extension(const struct chy_extension *extension, struct chy_certificate *c)
{
    struct chy_urls freshest;
    struct chy_slice value = extension->value;
    if (extension->oid == CHY_OID_BASIC_CONSTRAINTS) {
        c->has_basic_constraints = true;
        c->basic_constraints_critical = extension->critical;
        return chy_ext_read_basic_constraints(value, &c->basic_constraints);
    }
    if (extension->oid == CHY_OID_KEY_USAGE) {
        c->has_key_usage = true;
        return chy_ext_read_key_usage(value, &c->key_usage);
    }
    if (extension->oid == CHY_OID_EXTENDED_KEY_USAGE) {
        c->has_ekus = true;
        return chy_ext_read_ekus(value, &c->ekus);
    }
    if (extension->oid == CHY_OID_SUBJECT_KEY_ID) {
        return chy_ext_read_subject_key_id(value, &c->subject_key_id);
    }
    if (extension->oid == CHY_OID_AUTHORITY_KEY_ID) {
        return chy_ext_read_authority_key_id(value, &c->authority_key_id);
    }
    if (extension->oid == CHY_OID_SUBJECT_ALT_NAME) {
        c->san_value = value;
        c->sans_critical = extension->critical;
        return san_is_sound(value);
    }
    if (extension->oid == CHY_OID_NAME_CONSTRAINTS) {
        c->has_name_constraints = true;
        c->name_constraints_value = value;
        return chy_name_constraints_read(value, &c->name_constraints);
    }
    if (extension->oid == CHY_OID_CRL_DISTRIBUTION_POINTS) {
        return chy_ext_read_crl_points(value, &c->crl_urls);
    }
    if (extension->oid == CHY_OID_FRESHEST_CRL) {
        return chy_ext_read_crl_points(value, &freshest);
    }
    if (extension->oid == CHY_OID_AUTHORITY_INFO_ACCESS) {
        return chy_ext_read_access(value, &c->access);
    }
    if (extension->oid == CHY_OID_OCSP_NO_CHECK) {
        c->ocsp_no_check = true;
        return null_is_sound(value);
    }
    if (extension->critical && c->unknown_critical.len == 0 && !is_policy(extension->oid)) {
        c->unknown_critical = extension->oid_contents;
    }
    return true;
}

static chy_status read_extensions(struct chy_op *op, struct chy_der tagged,
                                  struct chy_certificate *c)
{
    struct chy_slice repeated;
    char text[CHY_OID_TEXT_SIZE];
    if (!chy_der_take(&tagged, CHY_DER_SEQUENCE, &c->extensions) || !chy_der_done(&tagged)) {
        return malformed(op, "the list of extensions");
    }
    if (!chy_extensions_distinct(c->extensions, &repeated)) {
        if (repeated.len > 0) {
            return chy_fail(op, CHY_BAD_INPUT, 0,
                            "the certificate has the extension %s more than once",
                            chy_oid_describe(repeated, text));
        }
        return malformed(op, "the list of extensions");
    }
    struct chy_der extensions = chy_der_of(c->extensions);
    struct chy_extension extension;
    while (chy_extension_next(&extensions, &extension)) {
        if (!take_extension(&extension, c)) {
            return chy_fail(op, CHY_BAD_INPUT, 0, "the certificate's extension %s is malformed",
                            chy_oid_describe(extension.oid_contents, text));
        }
    }
    return CHY_OK;
}

/* ------------------------------------------------------------------------------------------------
 * The part that is signed
 */

static chy_status read_version(struct chy_op *op, struct chy_der *body, struct chy_certificate *c)
{
    struct chy_der tagged;
    bool present;
    uint64_t version = 0;
    if (!chy_der_optional(body, CHY_DER_CONTEXT_SET(0), &present, &tagged) ||
        (present && (!chy_der_u64(&tagged, &version) || !chy_der_done(&tagged)))) {
        return malformed(op, "the version");
    }
    // Version 1 is the default, and so absent; version 2 nobody ever used.
    if (present && version != 2) {
        return chy_fail(op, CHY_BAD_INPUT, 0,
                        "the certificate has neither version 1 nor version 3");
    }
    c->version = present ? 3 : 1;
    return CHY_OK;
}

static chy_status read_name(struct chy_op *op, struct chy_der *body, const char *part,
                            struct chy_slice *out_name)
{
    struct chy_slice name;
    if (!chy_der_whole(body, &name) || !chy_name_well_formed(name)) {
        return malformed(op, part);
    }
    *out_name = name;
    return CHY_OK;
}

static chy_status read_validity(struct chy_op *op, struct chy_der *body, struct chy_certificate *c)
{
    struct chy_der validity;
    if (!chy_der_enter(body, CHY_DER_SEQUENCE, &validity) ||
        !chy_der_time(&validity, &c->not_before) || !chy_der_time(&validity, &c->not_after) ||
        !chy_der_done(&validity)) {
        return malformed(op, "the validity");
    }
    return CHY_OK;
}

/** The unique identifiers of version 2 are passed over, the extensions read. */
static chy_status read_rest(struct chy_op *op, struct chy_der *body, struct chy_certificate *c)
{
    struct chy_slice skipped;
    struct chy_der tagged;
    bool present;
    for (uint8_t n = 1; n <= 2; n++) {
        if (chy_der_next_is(body, CHY_DER_CONTEXT(n)) &&
            (c->version == 1 || !chy_der_take(body, CHY_DER_CONTEXT(n), &skipped))) {
            return malformed(op, "a unique identifier");
        }
    }
    if (!chy_der_optional(body, CHY_DER_CONTEXT_SET(3), &present, &tagged) || !chy_der_done(body) ||
        (present && c->version != 3)) {
        return malformed(op, "its end");
    }
    return present ? read_extensions(op, tagged, c) : CHY_OK;
}

static chy_status read_tbs(struct chy_op *op, struct chy_slice der, struct chy_certificate *c,
                           struct chy_slice *out_algorithm)
{
    struct chy_der reader = chy_der_of(der);
    struct chy_der body;
    if (!chy_der_enter(&reader, CHY_DER_SEQUENCE, &body) || !chy_der_done(&reader)) {
        return malformed(op, "its body");
    }
    CHY_TRY(read_version(op, &body, c));
    if (!chy_der_magnitude(&body, &c->serial) || c->serial.len > SERIAL_MAX) {
        return malformed(op, "the serial number");
    }
    struct chy_der algorithm = body;
    CHY_TRY(chy_signature_algorithm_read(op, &body, &c->signature_algorithm));
    if (!chy_der_whole(&algorithm, out_algorithm)) {
        return malformed(op, "the signature algorithm");
    }
    CHY_TRY(read_name(op, &body, "the issuer", &c->issuer));
    CHY_TRY(read_validity(op, &body, c));
    CHY_TRY(read_name(op, &body, "the subject", &c->subject));
    CHY_TRY(chy_spki_read(op, &body, &c->spki));
    CHY_TRY(read_rest(op, &body, c));
    c->tbs = der;
    c->self_issued = chy_slice_equal(c->issuer, c->subject);
    return CHY_OK;
}

chy_status chy_tbs_read(struct chy_op *op, struct chy_slice der,
                        struct chy_certificate *out_certificate)
{
    struct chy_certificate c = {.version = 0};
    struct chy_slice algorithm;
    CHY_TRY(read_tbs(op, der, &c, &algorithm));
    *out_certificate = c;
    return CHY_OK;
}

chy_status chy_certificate_read(struct chy_op *op, struct chy_slice der,
                                struct chy_certificate *out_certificate)
{
    struct chy_der reader = chy_der_of(der);
    struct chy_der whole;
    struct chy_slice tbs;
    struct chy_slice inner_algorithm = {0};
    struct chy_slice outer_algorithm;
    struct chy_certificate c = {.der = der};
    if (der.len > CHY_CERTIFICATE_MAX) {
        return chy_fail(op, CHY_BAD_INPUT, 0,
                        "the certificate has %llu octets: at most %d are allowed",
                        (unsigned long long)der.len, CHY_CERTIFICATE_MAX);
    }
    if (!chy_der_enter(&reader, CHY_DER_SEQUENCE, &whole)) {
        return malformed(op, "its frame");
    }
    if (!chy_der_done(&reader)) {
        return chy_fail(op, CHY_BAD_INPUT, 0, "there are bytes after the certificate");
    }
    if (!chy_der_next_is(&whole, CHY_DER_SEQUENCE) || !chy_der_whole(&whole, &tbs)) {
        return malformed(op, "its body");
    }
    if (!chy_der_whole(&whole, &outer_algorithm) || !chy_der_bits(&whole, &c.signature) ||
        !chy_der_done(&whole)) {
        return malformed(op, "the signature");
    }
    CHY_TRY(read_tbs(op, tbs, &c, &inner_algorithm));
    if (!chy_slice_equal(inner_algorithm, outer_algorithm)) {
        return chy_fail(op, CHY_BAD_INPUT, 0,
                        "the certificate names two different signature algorithms");
    }
    *out_certificate = c;
    return CHY_OK;
}
