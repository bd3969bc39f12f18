#include "enroll/sign.h"

#include "base/encode.h"
#include "enroll/clock_guard.h"
#include "x509/name.h"
#include "x509/tbs_lint.h"

chy_status chy_cpu_enter(struct chy_runtime *runtime, struct chy_op *op)
{
    switch (chy_permits_acquire(runtime->cpu, chy_deadline(op))) {
    case CHY_PERMIT_GIVEN: return CHY_OK;
    case CHY_PERMIT_TIMEOUT:
        return chy_fail_reason(op, CHY_TRY_LATER, CHY_REASON_TIMEOUT,
                               "the request waited too long for a processor");
    case CHY_PERMIT_FULL: break;
    }
    return chy_fail_reason(op, CHY_TRY_LATER, CHY_REASON_OVERLOAD,
                           "too many requests wait for a processor");
}

void chy_cpu_leave(struct chy_runtime *runtime)
{
    chy_permits_release(runtime->cpu);
}

chy_status chy_cpu_hold(struct chy_cpu *cpu, struct chy_op *op)
{
    if (!cpu->is_held) {
        CHY_TRY(chy_cpu_enter(cpu->runtime, op));
        cpu->is_held = true;
    }
    return CHY_OK;
}

void chy_cpu_drop(struct chy_cpu *cpu)
{
    if (cpu->is_held) {
        cpu->is_held = false;
        chy_cpu_leave(cpu->runtime);
    }
}

chy_status chy_spki_sha256(struct chy_runtime *runtime, struct chy_op *op, struct chy_slice spki,
                           struct chy_slice *out_digest)
{
    return chy_crypto_digest(runtime->leaf_crypto, op, CHY_DIGEST_SHA256, spki, out_digest);
}

static chy_status key_id(struct chy_runtime *runtime, struct chy_op *op, struct chy_slice spki_der,
                         struct chy_slice *out_id)
{
    struct chy_spki spki;
    struct chy_slice digest;
    CHY_TRY(chy_spki_parse(op, spki_der, &spki));
    CHY_TRY(
        chy_crypto_digest(runtime->leaf_crypto, op, CHY_DIGEST_SHA256, spki.public_key, &digest));
    *out_id = chy_key_id(digest);
    return CHY_OK;
}

static chy_status make_serial(struct chy_runtime *runtime, struct chy_op *op,
                              struct chy_signed *made)
{
    uint8_t *octets = chy_alloc(op, (uint64_t)CHY_SERIAL_SIZE * 2);
    if (octets == NULL) {
        return chy_fail_memory(op);
    }
    struct chy_buffer random = {octets, CHY_SERIAL_SIZE};
    CHY_TRY(chy_crypto_random(runtime->ca_crypto, op, random));
    chy_serial_make(octets, octets + CHY_SERIAL_SIZE);
    made->serial = chy_slice_of(octets + CHY_SERIAL_SIZE, CHY_SERIAL_SIZE);
    chy_serial_text(made->serial, made->serial_text);
    return CHY_OK;
}

/** Room for the URLs that a certificate's extensions point to. */
struct urls {
    struct chy_slice crl[CHY_MIRRORS_MAX + 1];
    struct chy_slice aia;
    struct chy_slice ocsp;
};

static chy_status fill_urls(struct chy_op *op, const struct chy_signing *signing, struct urls *urls,
                            struct chy_extension_values *values)
{
    if (signing->issuer == NULL) {
        return CHY_OK; // self-signed: nobody else to ask
    }
    if (signing->shard > 0) {
        CHY_TRY(chy_issuer_crl_urls(op, signing->issuer, signing->shard, urls->crl,
                                    &values->crl_url_count));
        values->crl_urls = urls->crl;
    }
    CHY_TRY(chy_issuer_aia_url(op, signing->issuer, &urls->aia));
    values->ca_issuer_urls = &urls->aia;
    values->ca_issuer_url_count = 1;
    // Leaves alone: whoever checks a CA or the responder itself would go round in circles.
    if (signing->issuer->names_ocsp && !signing->basic_constraints.is_ca &&
        !signing->ocsp_no_check) {
        CHY_TRY(chy_issuer_ocsp_url(op, signing->issuer, &urls->ocsp));
        values->ocsp_urls = &urls->ocsp;
        values->ocsp_url_count = 1;
    }
    return CHY_OK;
}

static chy_status encode(struct chy_runtime *runtime, struct chy_op *op,
                         const struct chy_signing *signing, struct chy_signed *made,
                         struct chy_slice *out_tbs)
{
    struct urls urls;
    struct chy_tbs tbs = {
        .serial = made->serial,
        .issuer = signing->issuer == NULL ? signing->subject : signing->issuer->path[0].subject,
        .subject = signing->subject,
        .spki = signing->spki,
        .not_before = signing->not_before,
        .not_after = signing->not_after,
        .signature_algorithm = made->signature_algorithm,
        .extensions = {.basic_constraints = signing->basic_constraints,
                       .key_usage = signing->key_usage,
                       .ekus = signing->ekus,
                       .sans = signing->sans,
                       .sans_critical = chy_name_is_empty(signing->subject),
                       .ocsp_no_check = signing->ocsp_no_check,
                       .name_constraints = signing->name_constraints},
    };
    CHY_TRY(key_id(runtime, op, signing->spki, &tbs.extensions.subject_key_id));
    // The AKI repeats what the issuer's certificate says of itself, as it says it.
    tbs.extensions.authority_key_id = signing->issuer == NULL
                                          ? tbs.extensions.subject_key_id
                                          : signing->issuer->path[0].subject_key_id;
    if (tbs.extensions.authority_key_id.len == 0) {
        CHY_TRY(key_id(runtime, op, signing->issuer->path[0].spki.der,
                       &tbs.extensions.authority_key_id));
    }
    CHY_TRY(fill_urls(op, signing, &urls, &tbs.extensions));
    return chy_tbs_encode(op, &tbs, out_tbs);
}

/** validate holds the certificate to be signed, and all above it, to RFC 5280 6.1. */
static chy_status validate(struct chy_op *op, const struct chy_signing *signing,
                           struct chy_slice tbs)
{
    struct chy_certificate path[CHY_PATH_MAX + 1];
    uint32_t count = 0;
    CHY_TRY(chy_tbs_read(op, tbs, &path[count++]));
    if (signing->issuer == NULL) {
        return CHY_OK; // its own root: the lint has said all there is to say
    }
    for (uint32_t i = 0; i < signing->issuer->path_count && count < CHY_PATH_MAX; i++) {
        path[count++] = signing->issuer->path[i];
    }
    struct chy_path_check check = {
        .time = chy_now(op) < signing->not_before ? signing->not_before : chy_now(op),
        .skip_leaf_signature = true,
        .leaf_is_issuer = signing->basic_constraints.is_ca,
    };
    return chy_path_validate(op, path, count, &check);
}

static chy_status sign_locked(struct chy_op *op, const struct chy_crypto_key *key,
                              const struct chy_crypto_key *public_key, uint32_t algorithm,
                              struct chy_slice tbs, struct chy_slice *out_signature)
{
    CHY_TRY(chy_crypto_sign(key, op, algorithm, tbs, out_signature));
    // A fault in one RSA-CRT signature gives the key away: none leaves unchecked.
    if (chy_crypto_verify(public_key, op, algorithm, tbs, *out_signature) != CHY_OK) {
        return chy_fail(op, CHY_BROKEN, 0,
                        "a signature that was just made does not hold; nothing was issued");
    }
    return CHY_OK;
}

/** A key and what it makes of a TBS. */
struct signer {
    const struct chy_crypto_key *key;
    const struct chy_crypto_key *public_key;
    uint32_t algorithm;
};

static chy_status sign_bytes(struct chy_cpu *cpu, struct chy_op *op, const struct signer *signer,
                             struct chy_slice bytes, struct chy_slice *out_signature)
{
    CHY_TRY(chy_clock_guard(cpu->runtime, op));
    CHY_TRY(chy_cpu_hold(cpu, op));
    chy_status status =
        sign_locked(op, signer->key, signer->public_key, signer->algorithm, bytes, out_signature);
    chy_cpu_drop(cpu);
    return status;
}

static chy_status sign_tbs(struct chy_cpu *cpu, struct chy_op *op, const struct signer *signer,
                           struct chy_slice tbs, struct chy_slice *out_der)
{
    struct chy_slice signature;
    CHY_TRY(sign_bytes(cpu, op, signer, tbs, &signature));
    return chy_signed_assemble(op, tbs, signer->algorithm, signature, out_der);
}

chy_status chy_sign_bare(struct chy_runtime *runtime, struct chy_op *op,
                         const struct chy_crypto_key *key, const struct chy_crypto_key *public_key,
                         uint32_t algorithm, struct chy_slice message,
                         struct chy_slice *out_signature)
{
    struct chy_cpu cpu = {.runtime = runtime};
    struct signer signer = {key, public_key, algorithm};
    return sign_bytes(&cpu, op, &signer, message, out_signature);
}

chy_status chy_sign_blob(struct chy_runtime *runtime, struct chy_op *op,
                         const struct chy_crypto_key *key, const struct chy_crypto_key *public_key,
                         uint32_t algorithm, struct chy_slice tbs, struct chy_slice *out_der)
{
    struct chy_cpu cpu = {.runtime = runtime};
    struct signer signer = {key, public_key, algorithm};
    return sign_tbs(&cpu, op, &signer, tbs, out_der);
}

chy_status chy_sign_certificate(struct chy_runtime *runtime, struct chy_op *op,
                                const struct chy_signing *signing, struct chy_signed *out_signed)
{
    uint32_t signer =
        signing->issuer == NULL ? signing->key_algorithm : signing->issuer->key_algorithm;
    struct chy_signed made = {.signature_algorithm = signing->signature_algorithm};
    struct chy_cpu own = {.runtime = runtime};
    struct chy_cpu *cpu = signing->cpu == NULL ? &own : signing->cpu;
    struct chy_slice tbs;
    if (made.signature_algorithm == CHY_SIG_NONE) {
        made.signature_algorithm = chy_signature_default(signer);
    }
    CHY_TRY(make_serial(runtime, op, &made));
    CHY_TRY(encode(runtime, op, signing, &made, &tbs));
    CHY_TRY(chy_tbs_lint(op, tbs));
    CHY_TRY(validate(op, signing, tbs));
    if (signing->issuer != NULL) {
        struct signer authority = {&signing->issuer->key, &signing->issuer->public_key,
                                   made.signature_algorithm};
        CHY_TRY(sign_tbs(cpu, op, &authority, tbs, &made.der));
    } else {
        CHY_AUTO(chy_crypto_key_release) struct chy_crypto_key public_key = {NULL, NULL};
        CHY_TRY(chy_crypto_load_public(signing->self_key->crypto, op, signing->spki, &public_key));
        struct signer self = {signing->self_key, &public_key, made.signature_algorithm};
        CHY_TRY(sign_tbs(cpu, op, &self, tbs, &made.der));
    }
    *out_signed = made;
    return CHY_OK;
}
