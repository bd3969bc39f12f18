#include "enroll/chain.h"

#include "resource/collections.h"
#include "x509/der_read.h"
#include "x509/pem.h"

chy_status chy_chain_take(struct chy_op *op, struct chy_slice *chain, struct chy_slice *out_der)
{
    struct chy_der cursor = chy_der_of(*chain);
    if (!chy_der_whole(&cursor, out_der)) {
        return chy_fail(op, CHY_BROKEN, 0, "the stored chain of a CA is damaged");
    }
    *chain = cursor.rest;
    return CHY_OK;
}

chy_status chy_chain_add_pem(struct chy_op *op, struct chy_buf *pem, struct chy_slice der)
{
    struct chy_slice text;
    CHY_TRY(chy_pem_encode(op, CHY_PEM_CERTIFICATE, der, 0, &text));
    chy_buf_add(pem, text);
    return CHY_OK;
}

chy_status chy_chain_pem(struct chy_op *op, struct chy_slice first, struct chy_slice chain,
                         struct chy_slice *out_pem)
{
    struct chy_buf pem;
    chy_buf_init(&pem, op, CHY_CHAIN_MAX * 2);
    if (first.len != 0) {
        CHY_TRY(chy_chain_add_pem(op, &pem, first));
    }
    while (chain.len != 0) {
        struct chy_slice der;
        CHY_TRY(chy_chain_take(op, &chain, &der));
        CHY_TRY(chy_chain_add_pem(op, &pem, der));
    }
    *out_pem = chy_buf_slice(&pem);
    return chy_buf_ok(&pem) ? CHY_OK : chy_buf_fail(&pem, op, "the chain");
}

/** above finds the certificate in use of a key generation.  NOT_FOUND: it is no more, or has
 *  none. */
static chy_status above(struct chy_runtime *runtime, struct chy_op *op, const struct chy_uuid *id,
                        struct chy_storage_row *out_row)
{
    struct chy_storage_row generation;
    CHY_TRY(chy_storage_read(runtime->storage, op, CHY_C_GENERATIONS, CHY_KEY(chy_value_uuid(id)),
                             CHY_FIELDS(CHY_GENERATION_CERTIFICATE_ID), &generation));
    struct chy_uuid certificate_id = chy_row_uuid(&generation, 0);
    return chy_storage_read(
        runtime->storage, op, CHY_C_AUTHORITY_CERTIFICATES,
        CHY_KEY(chy_value_uuid(&certificate_id)),
        CHY_FIELDS(CHY_ACERT_DER, CHY_ACERT_CHAIN, CHY_ACERT_PARENT_GENERATION_ID), out_row);
}

chy_status chy_chain_current(struct chy_runtime *runtime, struct chy_op *op,
                             const struct chy_uuid *generation_id, struct chy_slice stored,
                             struct chy_slice *out_chain)
{
    struct chy_uuid id = *generation_id;
    struct chy_buf chain;
    chy_buf_init(&chain, op, CHY_CHAIN_MAX);
    for (uint32_t depth = 0; !chy_uuid_is_nil(&id) && depth < CHY_PATH_MAX; depth++) {
        struct chy_storage_row row;
        chy_status status = above(runtime, op, &id, &row);
        if (status == CHY_NOT_FOUND) {
            break; // the CA above was deleted: what was stored is all there is
        }
        CHY_TRY(status);
        chy_buf_add(&chain, chy_row_blob(&row, 0));
        stored = chy_row_blob(&row, 1);
        id = chy_row_uuid(&row, 2);
    }
    chy_buf_add(&chain, stored);
    *out_chain = chy_buf_slice(&chain);
    return chy_buf_ok(&chain) ? CHY_OK : chy_buf_fail(&chain, op, "the chain");
}

/* ------------------------------------------------------------------------------------------------
 * Chains from outside
 */

static const char *const labels[] = {CHY_PEM_CERTIFICATE, NULL};

chy_status chy_chain_read(struct chy_op *op, struct chy_slice certificate_pem,
                          struct chy_slice chain_pem, struct chy_certificate *path,
                          uint64_t *out_count)
{
    struct chy_pem_blocks chain = {NULL, 0};
    struct chy_slice der;
    uint64_t count = 0;
    CHY_TRY(chy_pem_decode_one(op, certificate_pem, labels, 0, &der));
    CHY_TRY(chy_certificate_read(op, der, &path[count++]));
    if (chain_pem.len != 0) {
        CHY_TRY(chy_pem_decode(op, chain_pem, labels, 0, &chain));
    }
    for (uint64_t i = 0; i < chain.count; i++) {
        if (i == 0 && chy_slice_equal(chain.items[0], der)) {
            continue; // some chains begin with the certificate itself
        }
        if (count >= CHY_PATH_MAX) {
            return chy_fail(op, CHY_BAD_INPUT, 0, "the chain is longer than %d certificates",
                            CHY_PATH_MAX);
        }
        CHY_TRY(chy_certificate_read(op, chain.items[i], &path[count++]));
    }
    *out_count = count;
    return CHY_OK;
}

chy_status chy_chain_verify(void *context, struct chy_op *op, struct chy_slice spki,
                            uint32_t algorithm, struct chy_slice message,
                            struct chy_slice signature)
{
    struct chy_runtime *runtime = context;
    return chy_crypto_verify_spki(runtime->leaf_crypto, op, spki, algorithm, message, signature);
}

chy_status chy_chain_join(struct chy_op *op, const struct chy_certificate *path, uint64_t count,
                          struct chy_slice *out_chain)
{
    struct chy_buf chain;
    chy_buf_init(&chain, op, CHY_CHAIN_MAX);
    for (uint64_t i = 1; i < count; i++) {
        chy_buf_add(&chain, path[i].der);
    }
    *out_chain = chy_buf_slice(&chain);
    return chy_buf_ok(&chain) ? CHY_OK : chy_buf_fail(&chain, op, "the chain");
}
