/* Target functions: chy_certificate_read, chy_tbs_read, chy_tbs_lint, chy_path_validate,
 * chy_name_text, chy_name_constraints_allow. */
#include "x509/certificate.h"
#include "x509/name.h"
#include "x509/path.h"
#include "x509/tbs_lint.h"
#include "x509_fuzz.h"

/** Assembling the parts again gives the same octets, but for an RSA algorithm without NULL. */
static void check_again(struct chy_op *op, const struct chy_certificate *c)
{
    struct chy_slice der;
    struct chy_certificate alone;
    MUST(chy_signed_assemble(op, c->tbs, c->signature_algorithm, c->signature, &der) == CHY_OK);
    MUST(der.len != c->der.len || chy_slice_equal(der, c->der));
    MUST(chy_tbs_read(op, c->tbs, &alone) == CHY_OK);
    MUST(alone.not_before == c->not_before && alone.not_after == c->not_after);
    MUST(chy_slice_equal(alone.san_value, c->san_value));
}

/** The extensions that we write from what was read are read as the same. */
static void check_extensions(struct chy_op *op, const struct chy_certificate *c)
{
    struct chy_sans sans = {NULL, 0};
    struct chy_slice tbs_der;
    struct chy_certificate again;
    if (c->san_value.len > 0 && chy_sans_read(op, c->san_value, &sans) != CHY_OK) {
        return;
    }
    struct chy_tbs tbs = {
        .serial = c->serial,
        .issuer = c->issuer,
        .subject = c->subject,
        .spki = c->spki.der,
        .not_before = c->not_before,
        .not_after = c->not_after,
        .signature_algorithm = c->signature_algorithm,
        .extensions = {.subject_key_id = c->subject_key_id,
                       .authority_key_id = c->authority_key_id,
                       .basic_constraints = c->basic_constraints,
                       .key_usage = c->key_usage,
                       .ekus = c->ekus.mask,
                       .sans = &sans,
                       .sans_critical = c->sans_critical,
                       .crl_urls = c->crl_urls.items,
                       .crl_url_count = c->crl_urls.count,
                       .ca_issuer_urls = c->access.ca_issuers.items,
                       .ca_issuer_url_count = c->access.ca_issuers.count,
                       .ocsp_urls = c->access.ocsp.items,
                       .ocsp_url_count = c->access.ocsp.count,
                       .ocsp_no_check = c->ocsp_no_check,
                       .name_constraints = c->name_constraints_value},
    };
    if (chy_tbs_encode(op, &tbs, &tbs_der) != CHY_OK) {
        return; // beyond the longest certificate
    }
    MUST(chy_tbs_read(op, tbs_der, &again) == CHY_OK);
    MUST(chy_slice_equal(again.serial, c->serial) && chy_slice_equal(again.issuer, c->issuer));
    MUST(again.key_usage == c->key_usage && again.ekus.mask == c->ekus.mask);
    MUST(again.basic_constraints.is_ca == c->basic_constraints.is_ca);
    MUST(again.crl_urls.count == c->crl_urls.count);
    MUST(again.access.ocsp.count == c->access.ocsp.count);
    MUST(again.self_issued == c->self_issued && again.ocsp_no_check == c->ocsp_no_check);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct chy_op *op = test_op_new();
    struct chy_slice input = chy_slice_of(data, size);
    struct chy_certificate c;
    chy_status status = chy_certificate_read(op, input, &c);
    MUST(status == CHY_OK || status == CHY_BAD_INPUT);
    if (status == CHY_OK) {
        struct chy_slice text;
        struct chy_path_check check = {.ignore_dates = true};
        MUST(within(c.tbs, input) && within(c.subject, c.tbs) && within(c.issuer, c.tbs));
        MUST(within(c.extensions, c.tbs) && within(c.signature, input));
        MUST(chy_name_text(op, c.subject, &text) == CHY_OK);
        check_again(op, &c);
        check_extensions(op, &c);
        status = chy_tbs_lint(op, c.tbs);
        MUST(status == CHY_OK || status == CHY_BROKEN);
        struct chy_certificate path[2] = {c, c};
        status = chy_path_validate(op, path, 2, &check);
        MUST(status == CHY_OK || status == CHY_BAD_INPUT);
    }
    test_op_free(op);
    return 0;
}
