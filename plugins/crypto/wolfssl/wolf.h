/**
 * wolfCrypt as this plugin sees it: its headers in the one order that works, what differs between
 * its releases, and the one place where its codes become a status.
 */
#ifndef CHANCERY_WOLFSSL_WOLF_H
#define CHANCERY_WOLFSSL_WOLF_H

// Struct layouts depend on the options: they come first, always.
#include <wolfssl/options.h>

#include <wolfssl/version.h>
#include <wolfssl/wolfcrypt/aes.h>
#include <wolfssl/wolfcrypt/des3.h>
#include <wolfssl/wolfcrypt/ecc.h>
#include <wolfssl/wolfcrypt/ed25519.h>
#include <wolfssl/wolfcrypt/ed448.h>
#include <wolfssl/wolfcrypt/error-crypt.h>
#include <wolfssl/wolfcrypt/hash.h>
#include <wolfssl/wolfcrypt/hmac.h>
#include <wolfssl/wolfcrypt/pwdbased.h>
#include <wolfssl/wolfcrypt/random.h>
#include <wolfssl/wolfcrypt/rsa.h>

#include <chancery/host.h>

#include <stdbool.h>

#define CHY_WOLF_VERSION(major, minor, patch) (((major) << 24) | ((minor) << 12) | (patch))
#define CHY_WOLF_AT_LEAST(major, minor, patch) \
    (LIBWOLFSSL_VERSION_HEX >= CHY_WOLF_VERSION(major, minor, patch))

#if defined(WOLFSSL_HAVE_MLDSA) && CHY_WOLF_AT_LEAST(5, 9, 0)
#define CHY_WOLF_MLDSA 1
#include <wolfssl/wolfcrypt/wc_mldsa.h>
#else
#define CHY_WOLF_MLDSA 0
#endif

/** wolfCrypt's cache of multiples of the curve's generator makes signing time depend on the nonce.
 *  */
#ifdef FP_ECC
#define CHY_WOLF_ECDSA_LEAKS 1
#else
#define CHY_WOLF_ECDSA_LEAKS 0
#endif

/** chy_wolf_fail records a wolfCrypt code that is not the asker's fault; `doing` says at what. */
CHY_MUST_USE chy_status chy_wolf_fail(struct chy_op *op, int code, const char *doing);

/** chy_wolf_refuse says that the asker's key, signature or blob is no good. */
CHY_MUST_USE chy_status chy_wolf_refuse(struct chy_op *op, const char *what);

/** chy_wolf_size checks that wolfCrypt, which counts in 32 bits, can take `len` bytes. */
CHY_MUST_USE chy_status chy_wolf_size(struct chy_op *op, uint64_t len);

/** chy_wolf_bytes gives a pointer that is never NULL, as wolfCrypt wants it for empty inputs. */
const uint8_t *chy_wolf_bytes(struct chy_slice slice);

/**
 * chy_wolf_wipe_stack overwrites what a call that has just returned left below on the stack:
 * wolfCrypt does not wipe all of its copies of a private key.  To be called by the same function.
 */
void chy_wolf_wipe_stack(void);

#endif
