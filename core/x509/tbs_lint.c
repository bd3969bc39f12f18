#include "x509/tbs_lint.h"

#include "base/buf.h"
#include "x509/name.h"

#include <chancery/host.h>

enum {
    FINDINGS_MAX = 4096
};

static void find(struct chy_buf *findings, const char *text)
{
    if (findings->len > 0) {
        chy_buf_add_text(findings, "; ");
    }
    chy_buf_add_text(findings, text);
}

static void look_at_frame(const struct chy_certificate *c, struct chy_buf *findings)
{
    if (c->version != 3) {
        find(findings, "the version is not 3");
    }
    if (c->serial.len != CHY_SERIAL_SIZE || c->serial.ptr[0] < 0x10 || c->serial.ptr[0] > 0x7f) {
        find(findings, "the serial does not have 16 octets with a first digit from 1 to 7");
    }
    if (c->not_before > c->not_after) {
        find(findings, "it ends before it begins");
    }
    if (chy_name_is_empty(c->issuer)) {
        find(findings, "the issuer is empty");
    }
}

static void look_at_key_usage(const struct chy_certificate *c, struct chy_buf *findings)
{
    const uint32_t only = CHY_KU_ENCIPHER_ONLY | CHY_KU_DECIPHER_ONLY;
    if (!c->has_key_usage) {
        find(findings, "the key usage is missing");
    }
    if ((c->key_usage & ~chy_key_usage_for_key(c->spki.algorithm)) != 0) {
        find(findings, "the key usage does not fit the key");
    }
    if ((c->key_usage & only) != 0 && (c->key_usage & CHY_KU_KEY_AGREEMENT) == 0) {
        find(findings, "encipher_only or decipher_only without key_agreement");
    }
}

static void look_at_ca_bits(const struct chy_certificate *c, struct chy_buf *findings)
{
    if (!c->has_basic_constraints || !c->basic_constraints_critical) {
        find(findings, "critical basic constraints are missing");
    }
    if (c->basic_constraints.is_ca != ((c->key_usage & CHY_KU_KEY_CERT_SIGN) != 0)) {
        find(findings, "CA and key_cert_sign do not stand together");
    }
    if (c->has_name_constraints && !c->basic_constraints.is_ca) {
        find(findings, "name constraints in a certificate that is no CA's");
    }
}

static void look_at_identity(const struct chy_certificate *c, struct chy_buf *findings)
{
    // A rollover certificate has one name twice, but another issuer key.
    bool self_signed = c->self_issued && (c->authority_key_id.len == 0 ||
                                          chy_slice_equal(c->authority_key_id, c->subject_key_id));
    if (c->subject_key_id.len == 0) {
        find(findings, "the subject key identifier is missing");
    }
    if (c->authority_key_id.len == 0 && !self_signed) {
        find(findings, "the authority key identifier is missing");
    }
    if (self_signed &&
        (c->crl_urls.count > 0 || c->access.ca_issuers.count > 0 || c->access.ocsp.count > 0)) {
        find(findings, "a self-signed certificate with a CRL or access location");
    }
    if (self_signed && c->basic_constraints.is_ca && c->has_ekus) {
        find(findings, "a root with extended key usages");
    }
    if (c->ekus.unknown.len > 0) {
        find(findings, "an extended key usage that we do not know");
    }
    if (c->unknown_critical.len > 0) {
        find(findings, "a critical extension that we do not know");
    }
}

/** The names must be what reading and writing them again gives. */
static bool sans_are_canonical(struct chy_op *op, struct chy_slice san_value)
{
    struct chy_sans sans;
    struct chy_slice again;
    if (chy_sans_read(op, san_value, &sans) != CHY_OK) {
        return false;
    }
    struct chy_der_writer w = chy_der_writer_new(op, san_value.len + 16, CHY_CERTIFICATE_MAX);
    chy_sans_write(&w, &sans);
    return chy_der_written(&w, &again) && chy_slice_equal(again, san_value);
}

static void look_at_names(struct chy_op *op, const struct chy_certificate *c,
                          struct chy_buf *findings)
{
    bool empty = chy_name_is_empty(c->subject);
    if (empty && c->san_value.len == 0) {
        find(findings, "neither a subject nor alternative names");
    }
    if (empty && c->basic_constraints.is_ca) {
        find(findings, "a CA without a subject");
    }
    if (c->san_value.len > 0 && c->sans_critical != empty) {
        find(findings, "alternative names are critical exactly when the subject is empty");
    }
    if (c->san_value.len > 0 && !sans_are_canonical(op, c->san_value)) {
        find(findings, "alternative names that are not canonical");
    }
}

chy_status chy_tbs_lint(struct chy_op *op, struct chy_slice tbs)
{
    struct chy_certificate c;
    struct chy_buf findings;
    struct chy_error error = {.struct_size = sizeof error};
    chy_buf_init(&findings, op, FINDINGS_MAX);
    chy_status status = chy_tbs_read(op, tbs, &c);
    if (status == CHY_OK) {
        look_at_frame(&c, &findings);
        look_at_key_usage(&c, &findings);
        look_at_ca_bits(&c, &findings);
        look_at_identity(&c, &findings);
        look_at_names(op, &c, &findings);
        status = chy_spki_check_strength(op, &c.spki);
    }
    if (status == CHY_NO_MEMORY) {
        return status;
    }
    if (status != CHY_OK) {
        op->host->last_error(op, &error);
        chy_buf_add_text(&findings, findings.len > 0 ? "; " : "");
        chy_buf_add(&findings, error.message);
    }
    if (!chy_buf_ok(&findings)) {
        return chy_buf_fail(&findings, op, "the findings of the lint");
    }
    if (findings.len > 0) {
        return chy_fail(op, CHY_BROKEN, 0, "a certificate must not be signed like this: %.*s",
                        (int)findings.len, (const char *)findings.ptr);
    }
    return CHY_OK;
}
