/** What the tests of core/x509 read: files of tests/data/x509, and DER written as hexadecimal. */
#ifndef X509_DATA_H
#define X509_DATA_H

#include "test_main.h"
#include "test_op.h"

#include <chancery/types.h>

#include <stdbool.h>

/** x509_pem reads the DER of tests/data/x509/<name>.pem; stops the test when it cannot. */
struct chy_slice x509_pem(struct chy_op *op, const char *name);

/** x509_hex makes octets of hexadecimal digits; spaces may stand in between. */
struct chy_slice x509_hex(struct chy_op *op, const char *digits);

/** x509_assert_octets checks that `got` is what `digits` say. */
void x509_assert_octets(struct chy_op *op, struct chy_slice got, const char *digits,
                        const char *name);

/** x509_assert_says checks that the last error of `op` contains `part`. */
void x509_assert_says(struct chy_op *op, const char *part, const char *name);

/** x509_reason is the reason of the last error. */
uint32_t x509_reason(struct chy_op *op);

/** x509_assert_text checks that `got` reads `want`. */
#define x509_assert_text(got, want)                                                  \
    ck_assert_msg(chy_slice_is((got), (want)), "'%.*s' is not '%s'", (int)(got).len, \
                  (const char *)(got).ptr, (want))

#endif
