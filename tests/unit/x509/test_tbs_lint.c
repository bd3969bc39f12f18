#include "x509/tbs_lint.h"

#include "x509/name.h"
#include "x509_data.h"

/** A TBS as the pipeline makes it, and what it points at. */
struct draft {
    struct chy_op *op;
    struct chy_tbs tbs;
    struct chy_san names[2];
    struct chy_sans sans;
    struct chy_slice url;
};

static struct chy_slice name_of(struct chy_op *op, const char *common_name)
{
    struct chy_name_attribute attribute = {CHY_NAME_COMMON_NAME, chy_text(common_name)};
    struct chy_name name = {&attribute, 1};
    struct chy_slice der = {0};
    ck_assert_int_eq(chy_name_encode(op, &name, &der), CHY_OK);
    return der;
}

static void draft_leaf(struct draft *d, struct chy_op *op)
{
    struct chy_certificate c;
    ck_assert_int_eq(chy_certificate_read(op, x509_pem(op, "cert-leaf"), &c), CHY_OK);
    *d = (struct draft){.op = op, .url = chy_text("http://pki.example/1.crl")};
    ck_assert_int_eq(chy_san_make(op, CHY_SAN_DNS, chy_text("a.example"), &d->names[0]), CHY_OK);
    d->sans = (struct chy_sans){d->names, 1};
    d->tbs = (struct chy_tbs){
        .serial = c.serial,
        .issuer = name_of(op, "CA"),
        .subject = name_of(op, "a.example"),
        .spki = c.spki.der,
        .not_before = TEST_NOW,
        .not_after = TEST_NOW + INT64_C(86400000000),
        .signature_algorithm = CHY_SIG_RSA_SHA256,
        .extensions = {.subject_key_id = c.subject_key_id,
                       .authority_key_id = c.authority_key_id,
                       .key_usage = CHY_KU_DIGITAL_SIGNATURE,
                       .ekus = CHY_EKU_SERVER_AUTH,
                       .sans = &d->sans,
                       .crl_urls = &d->url,
                       .crl_url_count = 1,
                       .ca_issuer_urls = &d->url,
                       .ca_issuer_url_count = 1},
    };
}

static void draft_root(struct draft *d, struct chy_op *op)
{
    draft_leaf(d, op);
    d->tbs.subject = d->tbs.issuer;
    d->tbs.extensions = (struct chy_extension_values){
        .subject_key_id = d->tbs.extensions.subject_key_id,
        .basic_constraints = {.is_ca = true},
        .key_usage = CHY_KU_KEY_CERT_SIGN | CHY_KU_CRL_SIGN,
    };
}

static void nothing(struct draft *d)
{
    (void)d;
}
static void short_serial(struct draft *d)
{
    d->tbs.serial.len = 15;
}
static void high_serial(struct draft *d)
{
    d->tbs.serial = x509_hex(d->op, "8f000000000000000000000000000000");
}
static void low_serial(struct draft *d)
{
    d->tbs.serial = x509_hex(d->op, "0f000000000000000000000000000000");
}
static void backwards(struct draft *d)
{
    d->tbs.not_after = d->tbs.not_before - 1000000;
}
static void no_issuer(struct draft *d)
{
    d->tbs.issuer = x509_hex(d->op, "3000");
}
static void no_ski(struct draft *d)
{
    d->tbs.extensions.subject_key_id.len = 0;
}
static void no_aki(struct draft *d)
{
    d->tbs.extensions.authority_key_id.len = 0;
}
static void no_usage(struct draft *d)
{
    d->tbs.extensions.key_usage = 0;
}
static void encipherment(struct draft *d)
{
    d->tbs.extensions.key_usage |= CHY_KU_KEY_ENCIPHERMENT;
}
static void agreement(struct draft *d)
{
    d->tbs.extensions.key_usage |= CHY_KU_KEY_AGREEMENT;
}
static void encipher_only(struct draft *d)
{
    d->tbs.extensions.key_usage |= CHY_KU_ENCIPHER_ONLY;
}
static void signs_certificates(struct draft *d)
{
    d->tbs.extensions.key_usage |= CHY_KU_KEY_CERT_SIGN;
}
static void is_ca(struct draft *d)
{
    d->tbs.extensions.basic_constraints.is_ca = true;
}
static void critical_names(struct draft *d)
{
    d->tbs.extensions.sans_critical = true;
}
static void no_names(struct draft *d)
{
    d->tbs.extensions.sans = NULL;
}
static void upper_case(struct draft *d)
{
    d->names[0].octets = chy_text("A.example");
}

static void twice(struct draft *d)
{
    d->names[1] = d->names[0];
    d->sans.count = 2;
}

static void no_subject(struct draft *d)
{
    d->tbs.subject = x509_hex(d->op, "3000");
    d->tbs.extensions.sans_critical = true;
}

static void no_subject_not_critical(struct draft *d)
{
    d->tbs.subject = x509_hex(d->op, "3000");
}

static void nobody(struct draft *d)
{
    d->tbs.subject = x509_hex(d->op, "3000");
    d->tbs.extensions.sans = NULL;
}

static void constrains(struct draft *d)
{
    d->tbs.extensions.name_constraints = x509_hex(d->op, "3007a0053003820161");
}

static void self_signed(struct draft *d)
{
    d->tbs.issuer = d->tbs.subject;
    d->tbs.extensions.authority_key_id = d->tbs.extensions.subject_key_id;
}

static void self_signed_without_places(struct draft *d)
{
    self_signed(d);
    d->tbs.extensions.crl_url_count = 0;
    d->tbs.extensions.ca_issuer_url_count = 0;
}

static void weak_key(struct draft *d)
{
    struct chy_slice csr = x509_pem(d->op, "refused-rsa-exponent-3");
    struct chy_der request = chy_der_of(csr);
    struct chy_der info;
    struct chy_slice skipped;
    ck_assert(chy_der_enter(&request, CHY_DER_SEQUENCE, &request) &&
              chy_der_enter(&request, CHY_DER_SEQUENCE, &info) && chy_der_whole(&info, &skipped) &&
              chy_der_whole(&info, &skipped) && chy_der_whole(&info, &d->tbs.spki));
}

static void broken_key(struct draft *d)
{
    d->tbs.spki.len--;
}
static void only_issuer_url(struct draft *d)
{
    self_signed(d);
    d->tbs.extensions.crl_url_count = 0;
}

static void only_ocsp_url(struct draft *d)
{
    self_signed_without_places(d);
    d->tbs.extensions.ocsp_urls = &d->url;
    d->tbs.extensions.ocsp_url_count = 1;
}

static void root_with_eku(struct draft *d)
{
    d->tbs.extensions.ekus = CHY_EKU_SERVER_AUTH;
}

static void root_with_crl(struct draft *d)
{
    d->tbs.extensions.crl_urls = &d->url;
    d->tbs.extensions.crl_url_count = 1;
}

static void rollover(struct draft *d)
{
    root_with_crl(d); // the new key, certified by the old one under the same name
    d->tbs.extensions.authority_key_id = x509_hex(d->op, "0102");
}

static void nameless_ca(struct draft *d)
{
    d->tbs.subject = x509_hex(d->op, "3000");
    d->tbs.extensions.authority_key_id = d->tbs.extensions.subject_key_id;
}

struct lint_case {
    const char *name;
    void (*make)(struct draft *d, struct chy_op *op);
    void (*change)(struct draft *d);
    const char *finding; // NULL: none
};

static const struct lint_case lint_cases[] = {
    {"leaf", draft_leaf, nothing, NULL},
    {"root", draft_root, nothing, NULL},
    {"leaf with key agreement", draft_leaf, agreement, NULL},
    {"leaf without SAN", draft_leaf, no_names, NULL},
    {"leaf without subject", draft_leaf, no_subject, NULL},
    {"self-signed leaf", draft_leaf, self_signed_without_places, NULL},
    {"rollover", draft_root, rollover, NULL},
    {"short serial", draft_leaf, short_serial, "serial"},
    {"high serial", draft_leaf, high_serial, "serial"},
    {"low serial", draft_leaf, low_serial, "serial"},
    {"backwards", draft_leaf, backwards, "ends before it begins"},
    {"no issuer", draft_leaf, no_issuer, "issuer is empty"},
    {"no SKI", draft_leaf, no_ski, "subject key identifier"},
    {"no AKI", draft_leaf, no_aki, "authority key identifier"},
    {"no key usage", draft_leaf, no_usage, "key usage is missing"},
    {"encipherment with EC", draft_leaf, encipherment, "does not fit the key"},
    {"encipher_only alone", draft_leaf, encipher_only, "without key_agreement"},
    {"certificates signed by a leaf", draft_leaf, signs_certificates, "do not stand together"},
    {"CA that signs none", draft_leaf, is_ca, "do not stand together"},
    {"needless criticality", draft_leaf, critical_names, "critical exactly when"},
    {"missing criticality", draft_leaf, no_subject_not_critical, "critical exactly when"},
    {"nobody", draft_leaf, nobody, "neither a subject nor"},
    {"upper case", draft_leaf, upper_case, "not canonical"},
    {"a name twice", draft_leaf, twice, "not canonical"},
    {"leaf with name constraints", draft_leaf, constrains, "name constraints"},
    {"self-signed with places", draft_leaf, self_signed, "CRL or access location"},
    {"self-signed with a place of the CA", draft_leaf, only_issuer_url, "access location"},
    {"self-signed with an OCSP place", draft_leaf, only_ocsp_url, "access location"},
    {"weak key", draft_leaf, weak_key, "smaller than 65537"},
    {"broken key", draft_leaf, broken_key, "malformed"},
    {"root with EKU", draft_root, root_with_eku, "root with extended key usages"},
    {"root with CRL", draft_root, root_with_crl, "CRL or access location"},
    {"nameless CA", draft_root, nameless_ca, "CA without a subject"},
};

START_TEST(finds)
{
    const struct lint_case *c = &lint_cases[_i];
    struct chy_op *op = test_op_new();
    struct draft draft;
    struct chy_slice der = {0};
    c->make(&draft, op);
    c->change(&draft);
    ck_assert_int_eq(chy_tbs_encode(op, &draft.tbs, &der), CHY_OK);
    chy_status status = chy_tbs_lint(op, der);
    ck_assert_msg(status == (c->finding == NULL ? CHY_OK : CHY_BROKEN), "%s: %s", c->name,
                  test_op_message(op));
    if (c->finding != NULL) {
        x509_assert_says(op, c->finding, c->name);
    }
    test_op_free(op);
}
END_TEST

/** What the pipeline cannot even write is found as well. */
START_TEST(finds_what_others_wrote)
{
    struct chy_op *op = test_op_new();
    struct chy_slice tbs =
        x509_hex(op, "3081df a003020102 0210 10000000000000000000000000000001 300506032b6570"
                     "300c310a300806035504030c0161 301e170d3236303130313030303030305a"
                     "170d3237303130313030303030305a 300c310a300806035504030c0162"
                     "302a300506032b6570032100"
                     "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
                     "a357 3055"
                     "300c 0603551d0e 0405 0403 010203"
                     "300e 0603551d23 0407 3005 8003 010204"
                     "300e 0603551d0f 0101ff 0404 03020780"
                     "3009 0603551d13 0402 3000"
                     "300d 0603551d25 0406 3004 06022a03"
                     "300b 06022a04 0101ff 0402 0500");
    ck_assert_int_eq(chy_tbs_lint(op, tbs), CHY_BROKEN);
    x509_assert_says(op, "critical basic constraints", "others");
    x509_assert_says(op, "extended key usage that we do not know", "others");
    x509_assert_says(op, "critical extension that we do not know", "others");
    test_op_free(op);
}
END_TEST

START_TEST(tells_everything_at_once)
{
    struct chy_op *op = test_op_new();
    struct draft draft;
    struct chy_slice der = {0};
    draft_leaf(&draft, op);
    no_ski(&draft);
    backwards(&draft);
    weak_key(&draft);
    ck_assert_int_eq(chy_tbs_encode(op, &draft.tbs, &der), CHY_OK);
    ck_assert_int_eq(chy_tbs_lint(op, der), CHY_BROKEN);
    x509_assert_says(op, "ends before it begins", "all");
    x509_assert_says(op, "subject key identifier", "all");
    x509_assert_says(op, "smaller than 65537", "all");
    test_op_free(op);
}
END_TEST

TEST_MAIN("x509_tbs_lint", TEST_EACH(finds, lint_cases), TEST(tells_everything_at_once),
          TEST(finds_what_others_wrote))
