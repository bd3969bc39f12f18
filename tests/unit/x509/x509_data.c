#include "x509_data.h"

#include "base/encode.h"
#include "x509/pem.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

struct chy_slice x509_pem(struct chy_op *op, const char *name)
{
    static const char *const labels[] = {CHY_PEM_CERTIFICATE, CHY_PEM_REQUEST, CHY_PEM_CRL, NULL};
    char path[512];
    char text[64 * 1024];
    struct chy_slice der = {0};
    (void)snprintf(path, sizeof path, "%s/%s.pem", TEST_DATA, name);
    FILE *file = fopen(path, "rb");
    ck_assert_msg(file != NULL, "cannot open %s", path);
    size_t len = fread(text, 1, sizeof text, file);
    (void)fclose(file);
    ck_assert_msg(chy_pem_decode_one(op, chy_slice_of(text, len), labels, 0, &der) == CHY_OK,
                  "%s: %s", path, test_op_message(op));
    return der;
}

struct chy_slice x509_hex(struct chy_op *op, const char *digits)
{
    size_t len = strlen(digits);
    char *packed = chy_alloc(op, len + 1);
    uint64_t count = 0;
    for (size_t i = 0; i < len; i++) {
        if (digits[i] != ' ') {
            packed[count++] = digits[i];
        }
    }
    // A block of exactly the right size lets the address sanitizer see an overread.
    struct chy_buffer out = {chy_alloc(op, count / 2), count / 2};
    size_t out_len = 0;
    ck_assert_msg(count == 0 || chy_hex_decode(chy_slice_of(packed, count), out, &out_len),
                  "not hexadecimal: %s", digits);
    return chy_slice_of(out.ptr, out_len);
}

void x509_assert_octets(struct chy_op *op, struct chy_slice got, const char *digits,
                        const char *name)
{
    struct chy_slice text = {0};
    ck_assert_int_eq(chy_hex_text(op, got, &text), CHY_OK);
    ck_assert_msg(chy_slice_equal(got, x509_hex(op, digits)), "%s: got %.*s, want %s", name,
                  (int)text.len, (const char *)text.ptr, digits);
}

void x509_assert_says(struct chy_op *op, const char *part, const char *name)
{
    ck_assert_msg(strstr(test_op_message(op), part) != NULL, "%s: '%s' does not say '%s'", name,
                  test_op_message(op), part);
}

uint32_t x509_reason(struct chy_op *op)
{
    struct chy_error error = {.struct_size = sizeof error};
    op->host->last_error(op, &error);
    return error.reason;
}
