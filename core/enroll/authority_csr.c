#include "enroll/authority.h"

#include "x509/csr.h"

chy_status chy_csr_make(struct chy_runtime *runtime, struct chy_op *op,
                        const struct chy_crypto_key *key, struct chy_slice subject,
                        struct chy_slice spki, uint32_t key_algorithm, struct chy_slice *out_der)
{
    struct chy_extension_values wanted = {
        .basic_constraints = {.is_ca = true},
        .key_usage = CHY_KU_DIGITAL_SIGNATURE | CHY_KU_KEY_CERT_SIGN | CHY_KU_CRL_SIGN,
    };
    CHY_AUTO(chy_crypto_key_release) struct chy_crypto_key public_key = {NULL, NULL};
    struct chy_slice info;
    CHY_TRY(chy_csr_encode(op, subject, spki, &wanted, &info));
    CHY_TRY(chy_crypto_load_public(key->crypto, op, spki, &public_key));
    return chy_sign_blob(runtime, op, key, &public_key, chy_signature_default(key_algorithm), info,
                         out_der);
}
