/** What the crypto contract's tests share: a provider to test, and short words for its calls. */
#ifndef CHANCERY_CONFORMANCE_CRYPTO_FIXTURE_H
#define CHANCERY_CONFORMANCE_CRYPTO_FIXTURE_H

#include "host.h"

#include <chancery/crypto.h>

#include <check.h>

/* --- the provider under test -------------------------------------------------------------------*/

extern struct conf_arguments crypto_arguments;
extern struct conf_plugin *crypto_plugin;
extern const struct chy_crypto_ops *crypto;
extern void *self; /**< what operations are called with */
extern struct chy_instance *crypto_instance;
extern struct chy_op *op; /**< the test's own operation */

/** crypto_up and crypto_down are the set-up and tear-down of each test. */
void crypto_up(void);
void crypto_down(void);
/** crypto_tcase makes a test case with them. */
TCase *crypto_tcase(const char *name);

bool has_key(uint32_t algorithm);
bool has_signature(uint32_t algorithm);
bool has_kdf(uint32_t algorithm);
bool has_cipher(uint32_t algorithm);
bool has_feature(uint32_t feature);

/** Each key algorithm with each signature algorithm that goes with it. */
struct pair {
    uint32_t key;
    uint32_t signature;
};
extern const struct pair pairs[];
extern const size_t pair_count;

/** Key algorithms that sign, in the order of their numbers. */
extern const uint32_t signing_keys[];
extern const size_t signing_key_count;

/* --- calls that must work ----------------------------------------------------------------------*/

struct chy_key *key_made(uint32_t algorithm, uint32_t flags);
/** key_usual is key_made(), but RSA 2048 is the known key, which takes no time to find. */
struct chy_key *key_usual(uint32_t algorithm, uint32_t flags);
struct chy_key *key_taken(uint32_t algorithm, uint32_t flags, struct chy_slice material);
struct chy_key *key_public(struct chy_slice spki);
struct chy_slice spki_of(struct chy_key *key);
struct chy_slice signature_of(struct chy_key *key, uint32_t algorithm, struct chy_slice message);
struct chy_slice sealed_with(struct chy_key *key, struct chy_seal_context context,
                             struct chy_slice secret);
struct chy_seal_context context_of(const char *purpose, const char *aad);
/** release gives a key back. */
void release(struct chy_key *key);

/* --- what must be said -------------------------------------------------------------------------*/

/** must checks a status, and shows the provider's message when it is another. */
#define must(expected, call)                                                          \
    do {                                                                              \
        chy_status must_status_ = (call);                                             \
        ck_assert_msg(must_status_ == (expected), "%s: status %d, not %d: %s", #call, \
                      must_status_, (expected), conf_op_message(op));                 \
    } while (0)

/** must_refuse is must() for BAD_INPUT with CHY_REASON_CRYPTO. */
#define must_refuse(call)                                                                    \
    do {                                                                                     \
        must(CHY_BAD_INPUT, call);                                                           \
        ck_assert_msg(conf_op_error(op).reason == CHY_REASON_CRYPTO, "%s: reason %u", #call, \
                      conf_op_error(op).reason);                                             \
    } while (0)

/* --- bytes -------------------------------------------------------------------------------------*/

/** bytes_of decodes hexadecimal digits into the operation. */
struct chy_slice bytes_of(const char *hex);
/** changed is a copy with one bit flipped. */
struct chy_slice changed(struct chy_slice bytes, uint64_t at);
/** longer is a copy with a zero byte after it. */
struct chy_slice longer(struct chy_slice bytes);
struct chy_slice shorter(struct chy_slice bytes);
void must_equal(struct chy_slice found, struct chy_slice expected);

/* --- known values ------------------------------------------------------------------------------*/

struct refused_key {
    const char *name;
    uint32_t algorithm; /**< what it pretends to be; CHY_KEY_NONE: nothing that a provider has */
    chy_status status;
    const char *spki; /**< hexadecimal digits */
};
extern const struct refused_key refused_keys[];
extern const size_t refused_key_count;

#define KNOWN_MESSAGE "0123456789abcdef0123456789abcdef"
extern const char known_rsa_pkcs8[];
extern const char known_v15[];
extern const char known_oaep_sha256[];
extern const char known_oaep_sha1[];

/* --- the tests ---------------------------------------------------------------------------------*/

TCase *crypto_key_tests(void);
TCase *crypto_public_key_tests(void);
TCase *crypto_signature_tests(void);
TCase *crypto_seal_tests(void);
TCase *crypto_primitive_tests(void);
TCase *crypto_transport_tests(void);
TCase *crypto_thread_tests(void);
TCase *crypto_life_tests(void);
TCase *crypto_ready_tests(void);

/** crypto_vectors_run holds the provider to Wycheproof's answers, and returns an exit code; 77: the
 *  folder is not there. */
int crypto_vectors_run(const char *directory);

#endif
