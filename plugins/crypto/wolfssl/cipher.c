/** CBC with PKCS#7 padding, for PKCS#8 and PKCS#12 files (RFC 8018 B.2). */
#include "primitives.h"

struct shape {
    uint32_t algorithm;
    uint32_t key_len;
    uint32_t block;
};

static const struct shape shapes[] = {
    {CHY_CIPHER_AES_256_CBC, 32, 16},
    {CHY_CIPHER_AES_128_CBC, 16, 16},
#ifndef NO_DES3
    {CHY_CIPHER_DES_EDE3_CBC, 24, 8},
#endif
};

static const struct shape *shape_of(uint32_t algorithm)
{
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        if (shapes[i].algorithm == algorithm) {
            return &shapes[i];
        }
    }
    return NULL;
}

static int run_aes(const struct chy_cipher_call *call, const uint8_t *in, uint8_t *out, word32 len)
{
    Aes aes;
    int code = wc_AesInit(&aes, NULL, INVALID_DEVID);
    if (code != 0) {
        return code;
    }
    code = wc_AesSetKey(&aes, call->key.ptr, (word32)call->key.len, call->iv.ptr,
                        call->decrypt ? AES_DECRYPTION : AES_ENCRYPTION);
    if (code == 0) {
        code = call->decrypt ? wc_AesCbcDecrypt(&aes, out, in, len)
                             : wc_AesCbcEncrypt(&aes, out, in, len);
    }
    wc_AesFree(&aes);
    explicit_bzero(&aes, sizeof aes);
    return code;
}

#ifndef NO_DES3
static int run_des3(const struct chy_cipher_call *call, const uint8_t *in, uint8_t *out, word32 len)
{
    Des3 des;
    int code = wc_Des3Init(&des, NULL, INVALID_DEVID);
    if (code != 0) {
        return code;
    }
    code = wc_Des3_SetKey(&des, call->key.ptr, call->iv.ptr,
                          call->decrypt ? DES_DECRYPTION : DES_ENCRYPTION);
    if (code == 0) {
        code = call->decrypt ? wc_Des3_CbcDecrypt(&des, out, in, len)
                             : wc_Des3_CbcEncrypt(&des, out, in, len);
    }
    wc_Des3Free(&des);
    explicit_bzero(&des, sizeof des);
    return code;
}
#endif

static int run(const struct chy_cipher_call *call, const uint8_t *in, uint8_t *out, word32 len)
{
#ifndef NO_DES3
    if (call->algorithm == CHY_CIPHER_DES_EDE3_CBC) {
        return run_des3(call, in, out, len);
    }
#endif
    return run_aes(call, in, out, len);
}

/** padding_of returns the length of a good padding, 0 of a bad one, without telling by its time
 *  where it is bad. */
static uint32_t padding_of(const uint8_t *last_block, uint32_t block)
{
    uint32_t count = last_block[block - 1];
    uint32_t bad = (uint32_t)(count == 0) | (uint32_t)(count > block);
    for (uint32_t i = 0; i < block; i++) {
        uint32_t inside = (uint32_t)(block - i <= count);
        bad |= inside & (uint32_t)(last_block[i] != count);
    }
    return bad != 0 ? 0 : count;
}

static chy_status encrypt(struct chy_op *op, const struct chy_cipher_call *call, uint32_t block,
                          struct chy_slice *out_output)
{
    uint32_t padding = block - (uint32_t)(call->input.len % block);
    uint64_t len = call->input.len + padding;
    uint8_t *padded = chy_secret_alloc(op, len);
    uint8_t *out = chy_alloc(op, len);
    if (padded == NULL || out == NULL) {
        return chy_fail_memory(op);
    }
    memcpy(padded, chy_wolf_bytes(call->input), call->input.len);
    memset(padded + call->input.len, (int)padding, padding);
    int code = run(call, padded, out, (word32)len);
    explicit_bzero(padded, len);
    if (code != 0) {
        return chy_wolf_fail(op, code, "encrypting");
    }
    *out_output = chy_slice_of(out, len);
    return CHY_OK;
}

static chy_status decrypt(struct chy_op *op, const struct chy_cipher_call *call, uint32_t block,
                          struct chy_slice *out_output)
{
    uint64_t len = call->input.len;
    if (len == 0 || len % block != 0) {
        return chy_wolf_refuse(op, "the ciphertext is not whole blocks");
    }
    uint8_t *out = chy_secret_alloc(op, len);
    if (out == NULL) {
        return chy_fail_memory(op);
    }
    int code = run(call, call->input.ptr, out, (word32)len);
    if (code != 0) {
        return chy_wolf_fail(op, code, "decrypting");
    }
    uint32_t padding = padding_of(out + len - block, block);
    if (padding == 0) {
        explicit_bzero(out, len);
        return chy_wolf_refuse(op, "the ciphertext does not decrypt with this key");
    }
    *out_output = chy_slice_of(out, len - padding);
    return CHY_OK;
}

chy_status chy_cipher(struct chy_op *op, const struct chy_cipher_call *call,
                      struct chy_slice *out_output)
{
    const struct shape *shape = shape_of(call->algorithm);
    if (shape == NULL) {
        return chy_fail(op, CHY_UNSUPPORTED, 0, "cipher %u is not offered here", call->algorithm);
    }
    if (call->key.len != shape->key_len || call->iv.len != shape->block) {
        return chy_fail(op, CHY_BAD_INPUT, 0, "key or initial vector of a cipher has a wrong size");
    }
    CHY_TRY(chy_wolf_size(op, call->input.len));
    return call->decrypt != 0 ? decrypt(op, call, shape->block, out_output)
                              : encrypt(op, call, shape->block, out_output);
}
