#include "x509/pem.h"

#include "base/encode.h"
#include "base/slice.h"

#include <chancery/host.h>

#include <string.h>

enum {
    LINE_OCTETS = 48,
    LINE_CHARS = 64
};

static const char begin_mark[] = "-----BEGIN ";
static const char end_mark[] = "-----END ";
static const char dashes[] = "-----";

/* ------------------------------------------------------------------------------------------------
 * Reading
 */

static bool is_space(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void skip_space(struct chy_slice *rest)
{
    while (rest->len > 0 && is_space(rest->ptr[0])) {
        rest->ptr++;
        rest->len--;
    }
}

static bool skip_text(struct chy_slice *rest, struct chy_slice text)
{
    if (!chy_slice_starts_with(*rest, text)) {
        return false;
    }
    *rest = chy_slice_skip(*rest, text.len);
    return true;
}

static void *alloc(struct chy_op *op, uint32_t flags, uint64_t size)
{
    return (flags & CHY_PEM_SECRET) != 0 ? chy_secret_alloc(op, size) : chy_alloc(op, size);
}

/** Decodes base64 with white space in it. */
static chy_status decode_base64(struct chy_op *op, struct chy_slice body, uint32_t flags,
                                struct chy_slice *out_der)
{
    char *packed = alloc(op, flags, body.len + 1);
    if (packed == NULL) {
        return chy_fail_memory(op);
    }
    uint64_t len = 0;
    for (uint64_t i = 0; i < body.len; i++) {
        if (!is_space(body.ptr[i])) {
            packed[len++] = (char)body.ptr[i];
        }
    }
    struct chy_buffer der = {alloc(op, flags, len / 4 * 3 + 1), len / 4 * 3 + 1};
    size_t der_len;
    if (der.ptr == NULL) {
        return chy_fail_memory(op);
    }
    if (len == 0 || !chy_base64_decode(chy_slice_of(packed, len), der, &der_len)) {
        return chy_fail(op, CHY_BAD_INPUT, 0, "the text between the PEM marks is not valid base64");
    }
    *out_der = chy_slice_of(der.ptr, der_len);
    return CHY_OK;
}

/** Finds which of `labels` stands in the mark at the front, and steps over the mark. */
static bool take_mark(struct chy_slice *rest, const char *mark, const char *label)
{
    struct chy_slice ahead = *rest;
    if (!skip_text(&ahead, chy_text(mark)) || !skip_text(&ahead, chy_text(label)) ||
        !skip_text(&ahead, chy_text(dashes)) || (ahead.len > 0 && !is_space(ahead.ptr[0]))) {
        return false;
    }
    *rest = ahead;
    return true;
}

static chy_status fail_label(struct chy_op *op, const char *const *labels)
{
    return chy_fail(op, CHY_BAD_INPUT, 0,
                    "the text is not PEM: '-----BEGIN %s-----' is expected, with nothing but white "
                    "space around the block",
                    labels[0]);
}

/** Takes one block; the text starts with its first mark. */
static chy_status take_block(struct chy_op *op, struct chy_slice *rest, const char *const *labels,
                             uint32_t flags, struct chy_slice *out_der)
{
    struct chy_slice ahead = *rest;
    const char *const *label = labels;
    while (*label != NULL && !take_mark(&ahead, begin_mark, *label)) {
        label++;
    }
    if (*label == NULL) {
        return fail_label(op, labels);
    }
    uint64_t len;
    if (!chy_slice_find(ahead, '-', &len)) {
        return chy_fail(op, CHY_BAD_INPUT, 0, "the PEM block has no '-----END %s-----'", *label);
    }
    struct chy_slice body = chy_slice_first(ahead, len);
    ahead = chy_slice_skip(ahead, len);
    if (!take_mark(&ahead, end_mark, *label)) {
        return chy_fail(op, CHY_BAD_INPUT, 0, "the PEM block does not end in '-----END %s-----'",
                        *label);
    }
    CHY_TRY(decode_base64(op, body, flags, out_der));
    *rest = ahead;
    return CHY_OK;
}

chy_status chy_pem_decode(struct chy_op *op, struct chy_slice text, const char *const *labels,
                          uint32_t flags, struct chy_pem_blocks *out_blocks)
{
    struct chy_slice found[CHY_PEM_BLOCKS_MAX];
    struct chy_slice rest = text;
    uint64_t count = 0;
    skip_space(&rest);
    if (rest.len == 0) {
        return chy_fail(op, CHY_BAD_INPUT, 0,
                        "the PEM text is empty: '-----BEGIN %s-----' is expected", labels[0]);
    }
    while (rest.len > 0) {
        if (count == CHY_PEM_BLOCKS_MAX) {
            return chy_fail(op, CHY_BAD_INPUT, 0, "the PEM text has more than %d blocks",
                            CHY_PEM_BLOCKS_MAX);
        }
        CHY_TRY(take_block(op, &rest, labels, flags, &found[count]));
        count++;
        skip_space(&rest);
    }
    struct chy_slice *items = chy_alloc(op, count * sizeof *items);
    if (items == NULL) {
        return chy_fail_memory(op);
    }
    memcpy(items, found, count * sizeof *items);
    *out_blocks = (struct chy_pem_blocks){items, count};
    return CHY_OK;
}

chy_status chy_pem_decode_one(struct chy_op *op, struct chy_slice text, const char *const *labels,
                              uint32_t flags, struct chy_slice *out_der)
{
    struct chy_pem_blocks blocks = {NULL, 0};
    CHY_TRY(chy_pem_decode(op, text, labels, flags, &blocks));
    if (blocks.count != 1) {
        return chy_fail(op, CHY_BAD_INPUT, 0, "the PEM text has %llu blocks instead of one",
                        (unsigned long long)blocks.count);
    }
    *out_der = blocks.items[0];
    return CHY_OK;
}

chy_status chy_pem_decode_request(struct chy_op *op, struct chy_slice text,
                                  struct chy_slice *out_der)
{
    static const char *const labels[] = {CHY_PEM_REQUEST, CHY_PEM_NEW_REQUEST, NULL};
    struct chy_slice trimmed = chy_slice_trim(text);
    if (trimmed.len == 0 || trimmed.ptr[0] == '-') {
        return chy_pem_decode_one(op, text, labels, 0, out_der);
    }
    chy_status status = decode_base64(op, trimmed, 0, out_der);
    return status == CHY_BAD_INPUT ? fail_label(op, labels) : status;
}

/* ------------------------------------------------------------------------------------------------
 * Writing
 */

uint64_t chy_pem_size(const char *label, uint64_t der_len)
{
    uint64_t base64_len = CHY_BASE64_LEN(der_len);
    uint64_t lines = (base64_len + LINE_CHARS - 1) / LINE_CHARS;
    uint64_t marks = sizeof begin_mark + sizeof end_mark - 2 + 2 * (sizeof dashes - 1) + 2;
    return marks + 2 * strlen(label) + base64_len + lines;
}

static uint8_t *put(uint8_t *out, const char *text)
{
    size_t len = strlen(text);
    memcpy(out, text, len);
    return out + len;
}

static uint8_t *put_mark(uint8_t *out, const char *mark, const char *label)
{
    out = put(out, mark);
    out = put(out, label);
    out = put(out, dashes);
    *out = '\n';
    return out + 1;
}

uint8_t *chy_pem_write(const char *label, struct chy_slice der, uint8_t *out)
{
    out = put_mark(out, begin_mark, label);
    while (der.len > 0) {
        struct chy_slice line = chy_slice_first(der, LINE_OCTETS);
        chy_base64_encode(line, (char *)out);
        out += CHY_BASE64_LEN(line.len);
        *out++ = '\n';
        der = chy_slice_skip(der, line.len);
    }
    return put_mark(out, end_mark, label);
}

chy_status chy_pem_encode(struct chy_op *op, const char *label, struct chy_slice der,
                          uint32_t flags, struct chy_slice *out_text)
{
    uint64_t size = chy_pem_size(label, der.len);
    uint8_t *text = alloc(op, flags, size);
    if (text == NULL) {
        return chy_fail_memory(op);
    }
    (void)chy_pem_write(label, der, text);
    *out_text = chy_slice_of(text, size);
    return CHY_OK;
}
