#include "enroll/chain.h"

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
