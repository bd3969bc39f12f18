/**
 * Writing PKCS#12 files (RFC 7292): a private key, its certificate and the chain above it.
 *
 * Framing only, so nothing here is secret: the caller derives keys, encrypts and computes the MAC
 * between the steps. In order: chy_pkcs12_certificates() gives what is to be encrypted first,
 * chy_pkcs12_safe() takes both ciphertexts, chy_pkcs12_file() takes the MAC over its result.
 */
#ifndef CHY_X509_PKCS12_H
#define CHY_X509_PKCS12_H

#include <chancery/types.h>

#include <stdbool.h>

struct chy_op;

/** CHY_PKCS12_MAX is the most octets of any element here. */
#define CHY_PKCS12_MAX ((uint64_t)2 << 20)

/** CHY_PKCS12_NAME_MAX is the most octets of UTF-8 in a friendly name. */
#define CHY_PKCS12_NAME_MAX 255U

enum chy_pkcs12_scheme {
    CHY_PKCS12_MODERN = 0, /**< PBES2: PBKDF2 with HMAC-SHA-256, AES-256-CBC; MAC with SHA-256 */
    CHY_PKCS12_LEGACY = 1  /**< pbeWithSHAAnd3-KeyTripleDES-CBC; MAC with SHA-1 */
};

/** What goes in, besides the private key. */
struct chy_pkcs12_contents {
    struct chy_slice certificate;   /**< DER */
    struct chy_slice chain;         /**< DER certificates above it, concatenated; may be empty */
    struct chy_slice friendly_name; /**< UTF-8; empty: none */
    struct chy_slice local_key_id;  /**< ties the certificate to its key */
};

/** How one element was encrypted; also salt and iterations of the MAC. */
struct chy_pkcs12_secrecy {
    enum chy_pkcs12_scheme scheme;
    struct chy_slice salt;
    uint64_t iterations;
    struct chy_slice iv; /**< modern; the legacy scheme derives it */
};

/** An encrypted element. */
struct chy_pkcs12_sealed {
    struct chy_pkcs12_secrecy secrecy;
    struct chy_slice ciphertext;
};

/** chy_pkcs12_utf16_size is the room that chy_pkcs12_utf16() wants for `len` octets of UTF-8. */
static inline uint64_t chy_pkcs12_utf16_size(uint64_t len)
{
    return len * 2 + 2;
}

/**
 * chy_pkcs12_utf16 writes UTF-8 as the big-endian UTF-16 of a BMPString, with a final NUL character
 * if `terminated`, as passwords have it (RFC 7292 B.1). Characters beyond the basic plane become
 * surrogates, as every reader takes them. false: not UTF-8, or a NUL inside.
 */
CHY_MUST_USE bool chy_pkcs12_utf16(struct chy_slice text, bool terminated, uint8_t *out,
                                   uint64_t *out_len);

/** chy_pkcs12_certificates gives the SafeContents of the certificates, in the clear. */
CHY_MUST_USE chy_status chy_pkcs12_certificates(struct chy_op *op,
                                                const struct chy_pkcs12_contents *contents,
                                                struct chy_slice *out_der);

/** chy_pkcs12_safe gives the AuthenticatedSafe: encrypted certificates, and the encrypted PKCS#8 of
 *  the private key in a shrouded bag. The MAC is over these octets. */
CHY_MUST_USE chy_status chy_pkcs12_safe(struct chy_op *op,
                                        const struct chy_pkcs12_contents *contents,
                                        const struct chy_pkcs12_sealed *certificates,
                                        const struct chy_pkcs12_sealed *private_key,
                                        struct chy_slice *out_der);

/** chy_pkcs12_file gives the whole file. */
CHY_MUST_USE chy_status chy_pkcs12_file(struct chy_op *op, struct chy_slice safe,
                                        const struct chy_pkcs12_secrecy *mac_secrecy,
                                        struct chy_slice mac, struct chy_slice *out_der);

#endif
