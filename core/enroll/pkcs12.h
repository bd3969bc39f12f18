/** A certificate with its private key and chain as a PKCS#12 file, under a password. */
#ifndef CHY_ENROLL_PKCS12_H
#define CHY_ENROLL_PKCS12_H

#include "resource/runtime.h"
#include "x509/pkcs12.h"

/** What a file is made of. */
struct chy_pkcs12_wanted {
    struct chy_pkcs12_contents contents;
    struct chy_slice pkcs8;    /**< of the private key; in a secret arena */
    struct chy_slice password; /**< UTF-8 */
    enum chy_pkcs12_scheme scheme;
};

/**
 * chy_pkcs12_seal makes the file. BAD_INPUT: password or name is not text; UNSUPPORTED: no crypto
 * instance here has what the scheme needs.
 */
CHY_MUST_USE chy_status chy_pkcs12_seal(struct chy_runtime *runtime, struct chy_op *op,
                                        const struct chy_pkcs12_wanted *wanted,
                                        struct chy_slice *out_file);

#endif
