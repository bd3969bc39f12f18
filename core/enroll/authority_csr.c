#include "enroll/authority.h"

#include "x509/der_write.h"
#include "x509/oid.h"

#define CSR_SIZE 1024
#define CSR_TBS_MAX (64 * 1024)

/** write_extensions asks for what a CA certificate needs. */
static void write_extensions(struct chy_der_writer *w)
{
    struct chy_basic_constraints is_ca = {.is_ca = true};
    uint64_t attribute = chy_der_open(w, CHY_DER_SEQUENCE);
    chy_der_add_element(w, CHY_DER_OID, chy_oid_contents(CHY_OID_EXTENSION_REQUEST));
    uint64_t values = chy_der_open(w, CHY_DER_SET);
    uint64_t extensions = chy_der_open(w, CHY_DER_SEQUENCE);
    chy_ext_write_basic_constraints(w, &is_ca);
    chy_ext_write_key_usage(w, CHY_KU_DIGITAL_SIGNATURE | CHY_KU_KEY_CERT_SIGN | CHY_KU_CRL_SIGN);
    chy_der_close(w, extensions);
    chy_der_close(w, values);
    chy_der_close(w, attribute);
}

chy_status chy_csr_make(struct chy_runtime *runtime, struct chy_op *op,
                        const struct chy_crypto_key *key, struct chy_slice subject,
                        struct chy_slice spki, uint32_t key_algorithm, struct chy_slice *out_der)
{
    struct chy_der_writer w = chy_der_writer_new(op, CSR_SIZE, CSR_TBS_MAX);
    uint64_t info = chy_der_open(&w, CHY_DER_SEQUENCE);
    chy_der_add_u64(&w, CHY_DER_INTEGER, 0);
    chy_der_add_raw(&w, subject);
    chy_der_add_raw(&w, spki);
    uint64_t attributes = chy_der_open(&w, CHY_DER_CONTEXT_SET(0));
    write_extensions(&w);
    chy_der_close(&w, attributes);
    chy_der_close(&w, info);
    struct chy_slice tbs;
    CHY_TRY(chy_der_finish(op, &w, &tbs));
    CHY_AUTO(chy_crypto_key_release) struct chy_crypto_key public_key = {NULL, NULL};
    CHY_TRY(chy_crypto_load_public(key->crypto, op, spki, &public_key));
    return chy_sign_blob(runtime, op, key, &public_key, chy_signature_default(key_algorithm), tbs,
                         out_der);
}
