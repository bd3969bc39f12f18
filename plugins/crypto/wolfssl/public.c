/** Public keys of strangers: SubjectPublicKeyInfo (RFC 5280 4.1, RFC 3279, RFC 5480, RFC 8410). */
#include "asn1.h"
#include "pkcs8.h"
#include "weak.h"

/** choose_rsa checks an RSA key and finds the algorithm of its size. */
static chy_status choose_rsa(struct chy_op *op, struct chy_slice bits,
                             const struct chy_algorithm **out_algorithm)
{
    struct chy_rsa_public key;
    if (!chy_rsa_public_read(bits, &key)) {
        return chy_wolf_refuse(op, "the RSA public key is malformed");
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

chy_status chy_spki_load(struct chy_provider *provider, struct chy_op *op, struct chy_slice spki,
                         struct chy_key **out_key)
{
    struct chy_slice rest = spki;
    struct chy_slice inside;
    struct chy_slice identifier;
    struct chy_slice bits;
    if (!chy_asn1_take(&rest, CHY_ASN1_SEQUENCE, &inside) || rest.len != 0 ||
        !chy_asn1_take_whole(&inside, &identifier) || !chy_asn1_take_bits(&inside, &bits) ||
        inside.len != 0) {
        return chy_wolf_refuse(op, "the public key is malformed");
    }
    const struct chy_algorithm *algorithm = chy_algorithm_of(identifier);
    if (algorithm == NULL) {
        return chy_identifier_malformed(identifier)
                   ? chy_wolf_refuse(op, "the public key's algorithm identifier is malformed")
                   : chy_fail(op, CHY_UNSUPPORTED, 0, "public keys of this kind are not offered");
    }
    if (algorithm->kind == CHY_KIND_RSA) {
        CHY_TRY(choose_rsa(op, bits, &algorithm));
    }
    int code = chy_key_import_public(provider, algorithm, bits, out_key);
    if (code == MEMORY_E) {
        return chy_wolf_fail(op, code, "a public key");
    }
    return code == 0 ? CHY_OK
                     : chy_wolf_refuse(op, "the public key is not a valid one of its kind");
}
