#include "pkcs8.h"

#include "asn1.h"
#include "weak.h"

/** More than a PKCS#8 file of any of our keys needs. */
#define PKCS8_MAX 8192U

/** What a PrivateKeyInfo says, as views into it. */
struct parts {
    struct chy_slice identifier;
    struct chy_slice private_key; /**< contents of the OCTET STRING */
    struct chy_slice public_bits; /**< of version 2; empty: none */
};

static bool read_parts(struct chy_slice pkcs8, struct parts *out_parts)
{
    struct chy_slice inside;
    struct chy_slice version;
    struct chy_slice attributes;
    struct chy_slice bits;
    struct parts p = {.public_bits = {NULL, 0}};
    if (!chy_asn1_take(&pkcs8, CHY_ASN1_SEQUENCE, &inside) || pkcs8.len != 0 ||
        !chy_asn1_take_unsigned(&inside, &version) || version.len != 1 || version.ptr[0] > 1 ||
        !chy_asn1_take_whole(&inside, &p.identifier) ||
        !chy_asn1_take(&inside, CHY_ASN1_OCTET_STRING, &p.private_key)) {
        return false;
    }
    if (chy_asn1_take(&inside, CHY_ASN1_CONTEXT_0, &attributes)) {
        // They say nothing about the key.
    }
    if (version.ptr[0] == 1 && chy_asn1_take(&inside, CHY_ASN1_IMPLICIT_1, &bits)) {
        if (bits.len == 0 || bits.ptr[0] != 0) {
            return false;
        }
        p.public_bits = chy_slice_of(bits.ptr + 1, bits.len - 1);
    }
    if (inside.len != 0) {
        return false;
    }
    *out_parts = p;
    return true;
}

/* --- private keys inside -----------------------------------------------------------------------*/

/** read_ec takes ECPrivateKey apart (RFC 5915 3).  The curve may be repeated, but not changed. */
static bool read_ec(struct parts *parts, struct chy_slice *out_secret)
{
    struct chy_slice rest = parts->private_key;
    struct chy_slice inside;
    struct chy_slice version;
    struct chy_slice scalar;
    struct chy_slice field;
    struct chy_slice identifier = parts->identifier;
    struct chy_slice curve;
    struct chy_slice oid;
    if (!chy_asn1_take(&rest, CHY_ASN1_SEQUENCE, &inside) || rest.len != 0 ||
        !chy_asn1_take_unsigned(&inside, &version) || version.len != 1 || version.ptr[0] != 1 ||
        !chy_asn1_take(&inside, CHY_ASN1_OCTET_STRING, &scalar) ||
        !chy_asn1_take(&identifier, CHY_ASN1_SEQUENCE, &curve) ||
        !chy_asn1_take_whole(&curve, &oid)) {
        return false;
    }
    if (chy_asn1_take(&inside, CHY_ASN1_CONTEXT_0, &field) && !chy_slice_equal(field, curve)) {
        return false;
    }
    if (chy_asn1_take(&inside, CHY_ASN1_CONTEXT_1, &field)) {
        struct chy_slice bits;
        if (!chy_asn1_take_bits(&field, &bits) || field.len != 0 ||
            (parts->public_bits.len > 0 && !chy_slice_equal(bits, parts->public_bits))) {
            return false;
        }
        parts->public_bits = bits;
    }
    *out_secret = scalar;
    return inside.len == 0;
}

/** read_secret gives the private bytes in the form of `struct chy_material`. */
static bool read_secret(const struct chy_algorithm *algorithm, struct parts *parts,
                        struct chy_slice *out_secret)
{
    struct chy_slice rest = parts->private_key;
    switch (algorithm->kind) {
    case CHY_KIND_RSA: *out_secret = rest; return true;
    case CHY_KIND_EC: return read_ec(parts, out_secret);
    case CHY_KIND_ED25519:
    case CHY_KIND_ED448:
        return chy_asn1_take(&rest, CHY_ASN1_OCTET_STRING, out_secret) && rest.len == 0;
    case CHY_KIND_ML_DSA:
        return chy_asn1_take(&rest, CHY_ASN1_IMPLICIT_0, out_secret) && rest.len == 0;
    case CHY_KIND_AES:
    case CHY_KIND_HMAC: break;
    }
    return false;
}

/** read_rsa_public reads the beginning of an RSAPrivateKey: version, modulus, exponent. */
static bool read_rsa_public(struct chy_slice secret, struct chy_rsa_public *out_key)
{
    struct chy_slice inside;
    struct chy_slice version;
    return chy_asn1_take(&secret, CHY_ASN1_SEQUENCE, &inside) && secret.len == 0 &&
           chy_asn1_take_unsigned(&inside, &version) && version.len == 1 && version.ptr[0] == 0 &&
           chy_asn1_take_unsigned(&inside, &out_key->modulus) &&
           chy_asn1_take_unsigned(&inside, &out_key->exponent);
}

static chy_status choose_rsa(struct chy_op *op, struct chy_slice secret,
                             const struct chy_algorithm **out_algorithm)
{
    struct chy_rsa_public key;
    if (!read_rsa_public(secret, &key)) {
        return chy_wolf_refuse(op, "the RSA private key is malformed");
    }
    const char *weakness = chy_rsa_weakness(&key);
    if (weakness != NULL) {
        return chy_wolf_refuse(op, weakness);
    }
    const struct chy_algorithm *algorithm = chy_algorithm_of_rsa(chy_rsa_bits(&key));
    if (algorithm == NULL) {
        return chy_fail(op, CHY_UNSUPPORTED, 0,
                        "an RSA key of %u bits is neither 2048, 3072 nor 4096", chy_rsa_bits(&key));
    }
    *out_algorithm = algorithm;
    return CHY_OK;
}

/** find_secret tells what key it is and where its private bytes are. */
static chy_status find_secret(struct chy_op *op, const struct chy_algorithm *wanted,
                              struct parts *parts, const struct chy_algorithm **out_algorithm,
                              struct chy_slice *out_secret)
{
    const struct chy_algorithm *algorithm = chy_algorithm_of(parts->identifier);
    if (algorithm == NULL) {
        return chy_identifier_malformed(parts->identifier)
                   ? chy_wolf_refuse(op, "the private key's algorithm identifier is malformed")
                   : chy_fail(op, CHY_UNSUPPORTED, 0, "private keys of this kind are not offered");
    }
    if (!read_secret(algorithm, parts, out_secret)) {
        return chy_wolf_refuse(op, algorithm->kind == CHY_KIND_ML_DSA
                                       ? "the ML-DSA private key is not in its seed form"
                                       : "the private key is malformed");
    }
    if (algorithm->kind == CHY_KIND_RSA) {
        CHY_TRY(choose_rsa(op, *out_secret, &algorithm));
    }
    if (wanted != NULL && wanted != algorithm) {
        return chy_fail_reason(op, CHY_BAD_INPUT, CHY_REASON_CRYPTO,
                               "the private key is for %s, not for %s", algorithm->name,
                               wanted->name);
    }
    *out_algorithm = algorithm;
    return CHY_OK;
}

chy_status chy_pkcs8_import(struct chy_provider *provider, struct chy_op *op,
                            const struct chy_algorithm *wanted, uint32_t flags,
                            struct chy_slice pkcs8, struct chy_key **out_key)
{
    struct parts parts;
    struct chy_slice secret = {NULL, 0};
    const struct chy_algorithm *algorithm = NULL;
    if (!read_parts(pkcs8, &parts)) {
        return chy_wolf_refuse(op, "the private key is not PKCS#8 PrivateKeyInfo");
    }
    CHY_TRY(find_secret(op, wanted, &parts, &algorithm, &secret));
    struct chy_key *key;
    int code = chy_key_import(provider, algorithm, flags, secret, false, &key);
    if (code == MEMORY_E || code == RNG_FAILURE_E) {
        return chy_wolf_fail(op, code, "taking in a private key");
    }
    if (code != 0) {
        return chy_wolf_refuse(op, "the private key does not hang together");
    }
    if (parts.public_bits.len > 0 && !chy_slice_equal(parts.public_bits, key->public_bits)) {
        chy_key_free(key);
        return chy_wolf_refuse(op, "the private key carries the public key of another");
    }
    *out_key = key;
    return CHY_OK;
}

/* --- writing -----------------------------------------------------------------------------------*/

/** put_ec writes ECPrivateKey as OpenSSL does: with the public key, without the curve. */
static void put_ec(struct chy_asn1_out *out, const struct chy_key *key)
{
    static const uint8_t version[] = {CHY_ASN1_INTEGER, 1, 1};
    uint64_t mark = chy_asn1_mark(out);
    chy_asn1_put(out, key->public_bits);
    chy_asn1_put_byte(out, 0);
    chy_asn1_put_header(out, CHY_ASN1_BIT_STRING, mark);
    chy_asn1_put_header(out, CHY_ASN1_CONTEXT_1, mark);
    uint64_t inner = chy_asn1_mark(out);
    chy_asn1_put(out, key->secret);
    chy_asn1_put_header(out, CHY_ASN1_OCTET_STRING, inner);
    chy_asn1_put(out, chy_slice_of(version, sizeof version));
    chy_asn1_put_header(out, CHY_ASN1_SEQUENCE, mark);
}

static void put_private_key(struct chy_asn1_out *out, const struct chy_key *key)
{
    switch (key->algorithm->kind) {
    case CHY_KIND_EC: put_ec(out, key); return;
    case CHY_KIND_RSA: chy_asn1_put(out, key->secret); return;
    case CHY_KIND_ED25519:
    case CHY_KIND_ED448:
        chy_asn1_put(out, key->secret);
        chy_asn1_put_header(out, CHY_ASN1_OCTET_STRING, 0);
        return;
    case CHY_KIND_ML_DSA:
        chy_asn1_put(out, key->secret);
        chy_asn1_put_header(out, CHY_ASN1_IMPLICIT_0, 0);
        return;
    case CHY_KIND_AES:
    case CHY_KIND_HMAC: out->full = true; return;
    }
}

chy_status chy_pkcs8_export(struct chy_key *key, struct chy_op *op, struct chy_slice *out_pkcs8)
{
    static const uint8_t version[] = {CHY_ASN1_INTEGER, 1, 0};
    if ((key->flags & CHY_KEY_EXPORTABLE) == 0 || (key->flags & CHY_KEY_CA) != 0) {
        return chy_fail(op, CHY_DENIED, 0, "this key was not made to be exported");
    }
    if (key->algorithm->identifier.len == 0) {
        return chy_fail(op, CHY_UNSUPPORTED, 0, "%s keys have no PKCS#8 form",
                        key->algorithm->name);
    }
    uint8_t *buffer = chy_secret_alloc(op, PKCS8_MAX);
    if (buffer == NULL) {
        return chy_fail_memory(op);
    }
    struct chy_asn1_out out;
    chy_asn1_out_init(&out, buffer, PKCS8_MAX);
    put_private_key(&out, key);
    chy_asn1_put_header(&out, CHY_ASN1_OCTET_STRING, 0);
    chy_asn1_put(&out, key->algorithm->identifier);
    chy_asn1_put(&out, chy_slice_of(version, sizeof version));
    chy_asn1_put_header(&out, CHY_ASN1_SEQUENCE, 0);
    if (out.full) {
        return chy_fail(op, CHY_BROKEN, 0, "a private key outgrew its buffer");
    }
    *out_pkcs8 = chy_asn1_out_slice(&out);
    return CHY_OK;
}
