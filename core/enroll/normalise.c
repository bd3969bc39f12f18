#include "enroll/normalise.h"

#include "base/slice.h"
#include "base/time.h"
#include "enroll/blocked_key.h"
#include "enroll/metadata.h"
#include "enroll/sign.h"
#include "enroll/validity.h"
#include "plugin/view.h"
#include "resource/principal.h"
#include "resource/shape.h"
#include "x509/csr.h"
#include "x509/known.h"
#include "x509/pem.h"

/** How far a caller's notBefore may lie from now. */
#define NOT_BEFORE_PAST CHY_US_PER_DAY
#define NOT_BEFORE_FUTURE (30 * CHY_US_PER_DAY)

/** Everything the steps below share. */
struct work {
    struct chy_runtime *runtime;
    struct chy_op *op;
    const struct chy_enroll_request *request;
    const struct chy_enroll_profile *profile;
    const struct chy_profile_defaults *defaults;
    const struct chy_issuer *issuer;
    struct chy_csr csr;
    bool key_usage_asked; /**< by the request or its CSR, not by a default */
    struct chy_cpu *cpu;
    struct chy_decision *decision;
};

/* ------------------------------------------------------------------------------------------------
 * The CSR
 */

/** check_key is the last step that may wait: from here on the permit is kept until all is
 *  signed. */
static chy_status check_key(struct work *w)
{
    CHY_TRY(chy_spki_check_strength(w->op, &w->csr.spki));
    CHY_TRY(chy_spki_sha256(w->runtime, w->op, w->csr.spki.der, &w->decision->spki_sha256));
    CHY_TRY(chy_refuse_blocked_key(w->runtime, w->op, w->decision->spki_sha256));
    CHY_TRY(chy_cpu_hold(w->cpu, w->op));
    return chy_crypto_verify_spki(w->runtime->leaf_crypto, w->op, w->csr.spki.der,
                                  w->csr.signature_algorithm, w->csr.tbs, w->csr.signature);
}

static chy_status read_csr(struct work *w)
{
    struct chy_slice der = w->request->csr;
    if (w->issuer == NULL) {
        return chy_fail(w->op, CHY_BAD_INPUT, 0,
                        "a self-signed profile makes the key itself: do not send a CSR");
    }
    if (der.len != 0 && der.ptr[0] != 0x30) { // not a DER SEQUENCE: PEM, or base64 of DER
        CHY_TRY(chy_pem_decode_request(w->op, der, &der));
    }
    CHY_TRY(chy_csr_read(w->op, der, &w->csr));
    CHY_TRY(check_key(w));
    for (uint64_t i = 0; i < w->csr.ignored_count; i++) {
        char oid[CHY_OID_TEXT_SIZE];
        chy_decision_note(w->op, w->decision, "the CSR's extension %s was ignored",
                          chy_oid_text(w->csr.ignored[i], oid));
    }
    w->decision->spki = w->csr.spki.der;
    return CHY_OK;
}

/* ------------------------------------------------------------------------------------------------
 * Names
 */

/** A subject in the making. */
struct subject {
    struct chy_name_attribute *items;
    uint64_t count;
    bool silenced[CHY_NAME_TYPE_COUNT]; /**< null: not even the default */
};

static bool has_type(const struct subject *subject, enum chy_name_type type)
{
    for (uint64_t i = 0; i < subject->count; i++) {
        if (subject->items[i].type == type) {
            return true;
        }
    }
    return subject->silenced[type];
}

static chy_status add_attribute(struct work *w, struct subject *subject, enum chy_name_type type,
                                struct chy_slice value)
{
    if (subject->count >= CHY_NAME_MAX) {
        return chy_fail(w->op, CHY_BAD_INPUT, 0, "the subject has more than %d attributes",
                        CHY_NAME_MAX);
    }
    CHY_TRY(chy_name_canonical(w->op, type, value, &subject->items[subject->count].value));
    subject->items[subject->count++].type = type;
    return CHY_OK;
}

static chy_status add_requested(struct work *w, struct subject *subject)
{
    for (uint64_t i = 0; i < w->request->subject.count; i++) {
        const struct chy_subject_attribute *attribute =
            (const struct chy_subject_attribute *)chy_view_item(w->request->subject, i);
        enum chy_name_type type;
        if (!chy_name_type_find(attribute->type, &type)) {
            return chy_fail(w->op, CHY_BAD_INPUT, 0, "'%.*s' is not a subject attribute",
                            (int)attribute->type.len, (const char *)attribute->type.ptr);
        }
        if (attribute->present == 0 || attribute->value.len == 0) {
            subject->silenced[type] = attribute->present == 0;
        } else {
            CHY_TRY(add_attribute(w, subject, type, attribute->value));
        }
    }
    return CHY_OK;
}

static chy_status add_defaults(struct work *w, struct subject *subject)
{
    const struct chy_profile_defaults *defaults = w->defaults;
    for (int type = 0; type < CHY_NAME_TYPE_COUNT; type++) {
        if (defaults->subject[type].len != 0 && !has_type(subject, (enum chy_name_type)type)) {
            CHY_TRY(add_attribute(w, subject, (enum chy_name_type)type, defaults->subject[type]));
        }
    }
    if (!has_type(subject, CHY_NAME_DOMAIN_COMPONENT)) {
        for (uint64_t i = 0; i < defaults->domain_components.count; i++) {
            CHY_TRY(add_attribute(w, subject, CHY_NAME_DOMAIN_COMPONENT,
                                  defaults->domain_components.items[i]));
        }
    }
    return CHY_OK;
}

static chy_status normalise_subject(struct work *w)
{
    struct subject subject = {.items = chy_alloc(w->op, sizeof *subject.items * CHY_NAME_MAX)};
    if (subject.items == NULL) {
        return chy_fail_memory(w->op);
    }
    if (w->decision->has_csr) {
        for (uint64_t i = 0; i < w->csr.subject.count; i++) {
            CHY_TRY(add_attribute(w, &subject, w->csr.subject.attributes[i].type,
                                  w->csr.subject.attributes[i].value));
        }
    } else {
        CHY_TRY(add_requested(w, &subject));
    }
    CHY_TRY(add_defaults(w, &subject));
    chy_name_sort(subject.items, subject.count);
    w->decision->subject.attributes = subject.items;
    w->decision->subject.count = subject.count;
    return chy_name_check(w->op, &w->decision->subject);
}

static chy_status normalise_names(struct work *w)
{
    if (w->decision->has_csr) {
        w->decision->sans = w->csr.sans;
        return CHY_OK;
    }
    uint64_t count = w->request->alt_names.count;
    if (count > CHY_SAN_MAX) {
        return chy_fail(w->op, CHY_BAD_INPUT, 0, "more than %d alternative names", CHY_SAN_MAX);
    }
    struct chy_san *sans = chy_alloc(w->op, (count + 1) * sizeof *sans);
    if (sans == NULL) {
        return chy_fail_memory(w->op);
    }
    for (uint64_t i = 0; i < count; i++) {
        const struct chy_alt_name *name =
            (const struct chy_alt_name *)chy_view_item(w->request->alt_names, i);
        enum chy_san_type type;
        if (!chy_san_type_find(name->type, &type)) {
            char path[64];
            (void)snprintf(path, sizeof path, "/attributes/altNames/%llu/type",
                           (unsigned long long)i);
            return chy_shape_refuse_one(w->op, "invalid_enum_value", path,
                                        "'%.*s' is not a type of alternative name; expected one "
                                        "of: dns_name, ip_address, email, uri, upn",
                                        (int)name->type.len, (const char *)name->type.ptr);
        }
        CHY_TRY(chy_san_make(w->op, type, name->value, &sans[i]));
    }
    w->decision->sans.items = sans;
    w->decision->sans.count = chy_san_unique(sans, count);
    return CHY_OK;
}

/* ------------------------------------------------------------------------------------------------
 * Usages and constraints
 */

static chy_status read_words(struct work *w, struct chy_view words, const char *member,
                             uint32_t (*find)(struct chy_slice word), uint32_t *out_mask)
{
    uint32_t mask = 0;
    for (uint64_t i = 0; i < words.count; i++) {
        const struct chy_slice *word = (const struct chy_slice *)chy_view_item(words, i);
        uint32_t bit = find(*word);
        if (bit == 0) {
            char path[80];
            char known[CHY_KNOWN_SIZE];
            (void)snprintf(path, sizeof path, "/attributes/%s/%llu", member, (unsigned long long)i);
            return chy_shape_refuse_one(w->op, "invalid_enum_value", path,
                                        "'%.*s' is not known, expected one of %s", (int)word->len,
                                        (const char *)word->ptr, chy_known_words(find, known));
        }
        mask |= bit;
    }
    *out_mask = mask;
    return CHY_OK;
}

static chy_status normalise_usages(struct work *w)
{
    const struct chy_profile_defaults *defaults = w->defaults;
    struct chy_decision *d = w->decision;
    bool ekus_asked = false;
    if (d->has_csr) {
        w->key_usage_asked = w->csr.has_key_usage;
        ekus_asked = w->csr.has_ekus;
        d->key_usage = w->csr.key_usage;
        d->ekus = w->csr.ekus;
    } else {
        w->key_usage_asked = (w->request->flags & CHY_ENROLL_KEY_USAGES) != 0;
        ekus_asked = (w->request->flags & CHY_ENROLL_EXT_KEY_USAGES) != 0;
        CHY_TRY(
            read_words(w, w->request->key_usages, "keyUsages", chy_key_usage_find, &d->key_usage));
        CHY_TRY(read_words(w, w->request->extended_key_usages, "extendedKeyUsages", chy_eku_find,
                           &d->ekus));
    }
    if (!w->key_usage_asked && defaults->has_key_usage) {
        d->key_usage = defaults->key_usage;
    }
    if (!ekus_asked && defaults->has_ekus) {
        d->ekus = defaults->ekus;
    }
    return CHY_OK;
}

static chy_status normalise_constraints(struct work *w)
{
    struct chy_decision *d = w->decision;
    if ((w->request->flags & CHY_ENROLL_BASIC_CONSTRAINTS) != 0) {
        d->basic_constraints.is_ca = w->request->is_ca != 0;
        d->basic_constraints.has_path_length = w->request->path_length >= 0;
        d->basic_constraints.path_length =
            w->request->path_length >= 0 ? (uint32_t)w->request->path_length : 0;
    } else if (d->has_csr && w->csr.has_basic_constraints) {
        d->basic_constraints = w->csr.basic_constraints;
    } else if (w->defaults->has_basic_constraints) {
        d->basic_constraints = w->defaults->basic_constraints;
    }
    if ((d->key_usage & CHY_KU_KEY_CERT_SIGN) != 0) {
        d->basic_constraints.is_ca = true; // who may sign certificates is a CA, whatever it says
    }
    if (!d->basic_constraints.is_ca && d->basic_constraints.has_path_length) {
        return chy_fail(w->op, CHY_BAD_INPUT, 0,
                        "a path length is for CA certificates: set isCA, or leave it out");
    }
    if (d->basic_constraints.is_ca && d->key_usage != 0 &&
        (d->key_usage & CHY_KU_KEY_CERT_SIGN) == 0) {
        return chy_fail(w->op, CHY_BAD_INPUT, 0,
                        "a CA certificate needs the key usage key_cert_sign");
    }
    return CHY_OK;
}

/** fit_key_usage drops what a default gave and the key cannot do; what was asked for must fit. */
static chy_status fit_key_usage(struct work *w)
{
    struct chy_decision *d = w->decision;
    uint32_t unfit = d->key_usage & ~chy_key_usage_for_key(d->key_algorithm);
    if (unfit == 0) {
        return CHY_OK;
    }
    uint32_t bit = unfit & (~unfit + 1U); // the lowest
    if (w->key_usage_asked) {
        return chy_fail(w->op, CHY_BAD_INPUT, 0, "the key usage %s does not fit a %s key",
                        chy_key_usage_word(bit), chy_key_algorithm_name(d->key_algorithm));
    }
    d->key_usage &= ~unfit;
    chy_decision_note(w->op, d, "the default key usage %s was dropped: it does not fit a %s key",
                      chy_key_usage_word(bit), chy_key_algorithm_name(d->key_algorithm));
    return CHY_OK;
}

/** check_sense refuses what no certificate may look like (RFC 5280 4.1.2.6, 4.2.1.3). */
static chy_status check_sense(struct work *w)
{
    const struct chy_decision *d = w->decision;
    const uint32_t only = CHY_KU_ENCIPHER_ONLY | CHY_KU_DECIPHER_ONLY;
    const char *wrong = NULL;
    if ((d->key_usage & only) != 0 && (d->key_usage & CHY_KU_KEY_AGREEMENT) == 0) {
        wrong = "the key usages encipher_only and decipher_only need key_agreement beside them";
    } else if (d->subject.count == 0 && d->basic_constraints.is_ca) {
        wrong = "a CA certificate needs a subject";
    } else if (d->subject.count == 0 && w->issuer == NULL) {
        wrong = "a self-signed certificate needs a subject, which is its issuer too";
    } else if (w->issuer == NULL && d->basic_constraints.is_ca && d->ekus != 0) {
        wrong = "a self-signed CA certificate has no extended key usages";
    }
    return wrong == NULL ? CHY_OK : chy_fail(w->op, CHY_BAD_INPUT, 0, "%s", wrong);
}

/** authorise_authority asks for the permission that makes CAs: no enrollment right includes it. */
static chy_status authorise_authority(struct work *w)
{
    const struct chy_decision *d = w->decision;
    bool makes_authority = d->basic_constraints.is_ca ||
                           (d->key_usage & (CHY_KU_KEY_CERT_SIGN | CHY_KU_CRL_SIGN)) != 0 ||
                           (d->ekus & (CHY_EKU_OCSP_SIGNING | CHY_EKU_ANY_PURPOSE)) != 0;
    const struct chy_principal *principal = chy_principal_of(w->op);
    if (makes_authority && d->renews && principal != NULL &&
        principal->kind == CHY_PRINCIPAL_SYSTEM) {
        return chy_fail(w->op, CHY_BAD_INPUT, 0,
                        "a certificate with the powers of an authority is not renewed "
                        "automatically: somebody with the permission to make authorities has to");
    }
    return makes_authority ? chy_require(w->op, &d->project_id, CHY_SUBJECT_AUTHORITIES,
                                         CHY_ACTION_SIGN_INTERMEDIATE, "certificate profile")
                           : CHY_OK;
}

/* ------------------------------------------------------------------------------------------------
 * Algorithms
 */

static chy_status named_algorithm(struct work *w, struct chy_slice name, const char *member,
                                  uint32_t (*find)(struct chy_slice word), uint32_t *out_id)
{
    char path[64];
    uint32_t id = find(name);
    if (id == 0) {
        (void)snprintf(path, sizeof path, "/attributes/%s", member);
        if (name.len >= 7 && chy_slice_starts_with(name, chy_text("SLH-DSA"))) {
            return chy_fail(w->op, CHY_BAD_INPUT, 0,
                            "no loaded crypto provider has the algorithm %.*s", (int)name.len,
                            (const char *)name.ptr);
        }
        char known[CHY_KNOWN_SIZE];
        return chy_shape_refuse_one(w->op, "invalid_enum_value", path,
                                    "'%.*s' is not known, expected one of %s", (int)name.len,
                                    (const char *)name.ptr, chy_known_words(find, known));
    }
    *out_id = id;
    return CHY_OK;
}

static chy_status choose_key_algorithm(struct work *w)
{
    struct chy_decision *d = w->decision;
    const struct chy_algorithm_rule *listed = &w->profile->rules.keys;
    if (d->has_csr) {
        d->key_algorithm = w->csr.spki.algorithm;
        return CHY_OK;
    }
    if (d->keeps_key) {
        return CHY_OK;
    }
    if (w->request->key_algorithm.len != 0) {
        // What an old certificate has is judged by a list of the policy, if there is one.
        d->key_algorithm_asked = !d->renews || (w->request->flags & CHY_ENROLL_KEY_ALGORITHM) != 0;
        CHY_TRY(named_algorithm(w, w->request->key_algorithm, "keyAlgorithm",
                                chy_key_algorithm_find, &d->key_algorithm));
    } else if (w->defaults->key_algorithm != CHY_KEY_NONE) {
        d->key_algorithm_asked = true;
        d->key_algorithm = w->defaults->key_algorithm;
    } else {
        d->key_algorithm = listed->count != 0 ? listed->ids[0] : (uint32_t)CHY_KEY_RSA_2048;
    }
    if (!chy_crypto_can_make_key(w->runtime->leaf_crypto, d->key_algorithm)) {
        return chy_fail(w->op, CHY_BAD_INPUT, 0, "no loaded crypto provider makes %s keys",
                        chy_key_algorithm_name(d->key_algorithm));
    }
    return CHY_OK;
}

static chy_status choose_signature_algorithm(struct work *w)
{
    struct chy_decision *d = w->decision;
    const struct chy_algorithm_rule *listed = &w->profile->rules.signatures;
    uint32_t signer = w->issuer == NULL ? d->key_algorithm : w->issuer->key_algorithm;
    bool copied = d->renews && (w->request->flags & CHY_ENROLL_SIGNATURE_ALGORITHM) == 0;
    uint32_t old = copied ? chy_signature_algorithm_find(w->request->signature_algorithm) : 0;
    if (copied && chy_signature_fits_key(old, signer)) { // else the authority has another key now
        d->signature_algorithm = old;
        return CHY_OK;
    }
    if (w->request->signature_algorithm.len != 0 && !copied) {
        d->signature_algorithm_asked = true;
        CHY_TRY(named_algorithm(w, w->request->signature_algorithm, "signatureAlgorithm",
                                chy_signature_algorithm_find, &d->signature_algorithm));
    } else if (w->defaults->signature_algorithm != CHY_SIG_NONE) {
        d->signature_algorithm_asked = true;
        d->signature_algorithm = w->defaults->signature_algorithm;
    } else {
        d->signature_algorithm = listed->is_there ? CHY_SIG_NONE : chy_signature_default(signer);
        for (uint32_t i = 0; i < listed->count && d->signature_algorithm == CHY_SIG_NONE; i++) {
            if (chy_signature_fits_key(listed->ids[i], signer)) {
                d->signature_algorithm = listed->ids[i];
            }
        }
        if (d->signature_algorithm == CHY_SIG_NONE) {
            return chy_fail(w->op, CHY_BAD_INPUT, 0,
                            "the policy lists no signature algorithm that fits the %s key which "
                            "signs",
                            chy_key_algorithm_name(signer));
        }
    }
    if (!chy_signature_fits_key(d->signature_algorithm, signer)) {
        return chy_fail(w->op, CHY_BAD_INPUT, 0,
                        "the signature algorithm %s does not fit the %s key which signs",
                        chy_signature_algorithm_name(d->signature_algorithm),
                        chy_key_algorithm_name(signer));
    }
    return CHY_OK;
}

/* ------------------------------------------------------------------------------------------------
 * Validity
 */

static chy_status requested_ttl(struct work *w, int64_t *out_ttl)
{
    if (w->request->ttl.len == 0) {
        *out_ttl = w->defaults->ttl;
        return *out_ttl != 0 ? CHY_OK
                             : chy_fail(w->op, CHY_BAD_INPUT, 0,
                                        "how long the certificate shall live is not said: give "
                                        "ttl or notAfter, or a ttlDays in the profile's defaults");
    }
    if (!chy_duration_parse_request(w->request->ttl, out_ttl)) {
        return chy_shape_refuse_one(w->op, "custom", "/attributes/ttl",
                                    "expected a number and ms, s, m, h, d, w or y, such as 90d; "
                                    "more than nothing and at most 100 years");
    }
    return CHY_OK;
}

static chy_status requested_dates(struct work *w, int64_t now, int64_t *out_begin, int64_t *out_end)
{
    const struct chy_enroll_request *r = w->request;
    int64_t ttl;
    if (r->ttl.len != 0 && (r->not_before.len != 0 || r->not_after.len != 0)) {
        return chy_fail(w->op, CHY_BAD_INPUT, 0,
                        "ttl and notBefore or notAfter exclude one another");
    }
    *out_begin = now;
    if (r->not_before.len != 0) {
        CHY_TRY(chy_validity_date(w->op, r->not_before, "/attributes/notBefore", out_begin));
        if (*out_begin < now - NOT_BEFORE_PAST || *out_begin > now + NOT_BEFORE_FUTURE) {
            return chy_fail(w->op, CHY_BAD_INPUT, 0,
                            "notBefore must lie between 24 hours ago and 30 days ahead");
        }
    }
    if (r->not_after.len != 0) {
        CHY_TRY(chy_validity_date(w->op, r->not_after, "/attributes/notAfter", out_end));
    } else {
        CHY_TRY(requested_ttl(w, &ttl));
        *out_end = *out_begin + ttl;
    }
    return chy_validity_check(w->op, *out_begin, *out_end);
}

static chy_status clamp_to_issuer(struct work *w, int64_t *begin, int64_t *end)
{
    const struct chy_certificate *ca = &w->issuer->path[0];
    char text[CHY_TIME_TEXT_SIZE];
    if (*begin < ca->not_before) {
        *begin = ca->not_before;
        if (*end <= *begin) {
            chy_time_format(ca->not_before, text);
            return chy_fail(w->op, CHY_BAD_INPUT, 0,
                            "the certificate would end before its certificate authority begins, "
                            "at %s",
                            text);
        }
    }
    if (*end <= ca->not_after) {
        return CHY_OK;
    }
    chy_time_format(ca->not_after, text);
    if (!w->issuer->clamps) {
        return chy_fail(w->op, CHY_BAD_INPUT, 0,
                        "the certificate would outlive its certificate authority, which ends at "
                        "%s: ask for a shorter life",
                        text);
    }
    *end = ca->not_after;
    chy_decision_note(w->op, w->decision,
                      "notAfter was brought to the end of the certificate authority, %s", text);
    return CHY_OK;
}

static chy_status normalise_validity(struct work *w)
{
    int64_t now = chy_now(w->op);
    int64_t begin;
    int64_t end;
    CHY_TRY(requested_dates(w, now, &begin, &end));
    w->decision->validity = end - begin;
    w->decision->not_before_asked = w->request->not_before.len != 0;
    w->decision->not_after_asked = w->request->not_after.len != 0;
    if (w->request->not_before.len == 0) {
        begin -= w->runtime->pki.backdate; // clocks differ
    }
    if (w->issuer != NULL) {
        CHY_TRY(clamp_to_issuer(w, &begin, &end));
    }
    struct chy_validity validity = chy_validity_cut(begin, end);
    w->decision->not_before = validity.not_before;
    w->decision->not_after = validity.not_after;
    return CHY_OK;
}

/* ------------------------------------------------------------------------------------------------
 * All of it
 */

chy_status chy_normalise(struct chy_runtime *runtime, struct chy_op *op,
                         const struct chy_enroll_request *request,
                         const struct chy_enroll_profile *profile, const struct chy_issuer *issuer,
                         struct chy_cpu *cpu, struct chy_decision *out_decision)
{
    static const struct chy_profile_defaults none;
    struct work w = {.runtime = runtime,
                     .defaults = out_decision->renews ? &none : &profile->defaults,
                     .op = op,
                     .request = request,
                     .profile = profile,
                     .issuer = issuer,
                     .cpu = cpu,
                     .decision = out_decision};
    out_decision->has_csr = request->csr.len != 0;
    if (out_decision->has_csr) {
        CHY_TRY(read_csr(&w));
    }
    CHY_TRY(normalise_subject(&w));
    CHY_TRY(normalise_names(&w));
    CHY_TRY(normalise_usages(&w));
    CHY_TRY(normalise_constraints(&w));
    CHY_TRY(choose_key_algorithm(&w));
    CHY_TRY(fit_key_usage(&w));
    CHY_TRY(check_sense(&w));
    CHY_TRY(choose_signature_algorithm(&w));
    CHY_TRY(authorise_authority(&w));
    CHY_TRY(normalise_validity(&w));
    CHY_TRY(chy_metadata_check(op, request->metadata));
    out_decision->metadata = request->metadata;
    return CHY_OK;
}
