#include "access/credential.h"

#include "base/encode.h"
#include "base/secret.h"

#define CHECKSUM_LEN 4
#define WHOLE_LEN (CHY_CREDENTIAL_LEN + CHECKSUM_LEN)

/** checksum is CRC-32 (ISO 3309): against typing errors, not against people. */
static uint32_t checksum(const uint8_t *bytes, size_t len)
{
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < len; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++) {
            crc = (crc >> 1) ^ ((crc & 1U) != 0 ? UINT32_C(0xEDB88320) : 0);
        }
    }
    return ~crc;
}

static void add_checksum(uint8_t whole[WHOLE_LEN])
{
    uint32_t crc = checksum(whole, CHY_CREDENTIAL_LEN);
    for (size_t i = 0; i < CHECKSUM_LEN; i++) {
        whole[CHY_CREDENTIAL_LEN + i] = (uint8_t)(crc >> (24 - 8 * i));
    }
}

chy_status chy_credential_new(struct chy_runtime *runtime, struct chy_op *op, const char *prefix,
                              struct chy_slice *out_text)
{
    size_t prefix_len = strlen(prefix);
    size_t text_len = prefix_len + CHY_BASE64URL_LEN(WHOLE_LEN);
    uint8_t *whole = chy_secret_alloc(op, WHOLE_LEN);
    char *text = chy_secret_alloc(op, text_len + 1);
    if (whole == NULL || text == NULL) {
        return chy_fail_memory(op);
    }
    struct chy_buffer random = {whole, CHY_CREDENTIAL_LEN};
    CHY_TRY(chy_crypto_random(runtime->seal_crypto, op, random));
    add_checksum(whole);
    memcpy(text, prefix, prefix_len);
    chy_base64url_encode(chy_slice_of(whole, WHOLE_LEN), text + prefix_len);
    *out_text = chy_slice_of(text, text_len);
    return CHY_OK;
}

static bool read_whole(const char *prefix, struct chy_slice text, uint8_t whole[WHOLE_LEN])
{
    size_t prefix_len = strlen(prefix);
    if (text.len != prefix_len + CHY_BASE64URL_LEN(WHOLE_LEN) ||
        memcmp(text.ptr, prefix, prefix_len) != 0) {
        return false;
    }
    struct chy_buffer buffer = {whole, WHOLE_LEN};
    struct chy_slice digits = chy_slice_of(text.ptr + prefix_len, text.len - prefix_len);
    size_t len = 0;
    if (!chy_base64url_decode(digits, buffer, &len) || len != WHOLE_LEN) {
        return false;
    }
    uint8_t expected[WHOLE_LEN];
    memcpy(expected, whole, CHY_CREDENTIAL_LEN);
    add_checksum(expected);
    bool right = memcmp(expected, whole, WHOLE_LEN) == 0;
    chy_secret_wipe(expected, sizeof expected);
    return right;
}

bool chy_credential_read(const char *prefix, struct chy_slice text,
                         uint8_t out_bytes[CHY_CREDENTIAL_LEN])
{
    uint8_t whole[WHOLE_LEN];
    bool right = read_whole(prefix, text, whole);
    if (right) {
        memcpy(out_bytes, whole, CHY_CREDENTIAL_LEN);
    }
    chy_secret_wipe(whole, sizeof whole);
    return right;
}
