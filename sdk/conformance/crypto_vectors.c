/** Compares a provider with the known answers of Wycheproof. */
#include "crypto_fixture.h"

#include <jansson.h>
#include <limits.h>
#include <stdio.h>

/** What automatic tests take for "not run". */
#define NOT_RUN 77

struct set;

/** One question, and what became of all of a file's. */
struct question {
    const struct set *set;
    const json_t *group;
    const json_t *test;
    struct chy_key *key; /**< the group's public key; NULL: refused, or the set has none */
};

struct set {
    const char *file;
    uint32_t key;       /**< what the provider must claim for the file to be asked */
    uint32_t signature; /**< signature, digest or derivation algorithm */
    bool (*answer)(const struct question *question);
};

/**
 * Where an answer differs from the vectors' on purpose, or with our knowledge.  "Acceptable"
 * answers are refused, all of them, which is no deviation: there is one, a DigestInfo without
 * NULL, which RFC 8017 A.2.4 lets a verifier accept and nobody write.
 */
static const struct deviation {
    const char *plugin; /**< who may deviate; NULL: everybody, as the contract asks for it */
    const char *file;
    int test; /**< Wycheproof's tcId */
    const char *reason;
} deviations[] = {
    {NULL, "rsa_signature_2048_sha256_test.json", 258, "exponent 3 is unfit (crypto.h)"},
    {NULL, "rsa_signature_2048_sha256_test.json", 259, "exponent 3 is unfit (crypto.h)"},
    // FIPS 204, algorithm 40: wolfCrypt 5.9.2 takes r0 = 0 for positive.  It refuses what is valid,
    // never the reverse; and no signer gets there: a hint at r0 = 0 would need a step of gamma2,
    // and algorithm 7 makes a new signature of such ones.
    {"crypto-wolfssl", "mldsa_44_verify_test.json", 147, "UseHint(1, r) with r0 = 0"},
    {"crypto-wolfssl", "mldsa_65_verify_test.json", 161, "UseHint(1, r) with r0 = 0"},
    {"crypto-wolfssl", "mldsa_87_verify_test.json", 174, "UseHint(1, r) with r0 = 0"},
};

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text == NULL ? "" : text;
}

static struct chy_slice hex_of(const json_t *object, const char *name)
{
    return bytes_of(text_of(object, name));
}

/* --- answers -----------------------------------------------------------------------------------*/

static bool verifies(const struct question *question)
{
    if (question->key == NULL) {
        return false;
    }
    chy_status status =
        crypto->verify(self, op, question->key, question->set->signature,
                       hex_of(question->test, "msg"), hex_of(question->test, "sig"));
    ck_assert_msg(status == CHY_OK || status == CHY_BAD_INPUT, "status %d: %s", status,
                  conf_op_message(op));
    return status == CHY_OK;
}

static bool macs(const struct question *question)
{
    struct chy_slice mac;
    struct chy_slice tag = hex_of(question->test, "tag");
    must(CHY_OK, crypto->hmac(self, op, NULL, hex_of(question->test, "key"),
                              question->set->signature, hex_of(question->test, "msg"), &mac));
    // The shorter tags are the beginning of the whole one (RFC 2104 5).
    return tag.len <= mac.len && chy_slice_equal(chy_slice_of(mac.ptr, tag.len), tag);
}

/** derives runs a derivation and compares; a length that is refused is a wrong one. */
static bool derives(const struct chy_kdf_call *call, uint64_t len, struct chy_slice expected)
{
    uint8_t *out = chy_secret_alloc(op, len);
    chy_status status = crypto->kdf(self, op, call, (struct chy_buffer){out, len});
    ck_assert_msg(status == CHY_OK || status == CHY_BAD_INPUT, "status %d: %s", status,
                  conf_op_message(op));
    return status == CHY_OK && chy_slice_equal(chy_slice_of(out, len), expected);
}

static bool expands(const struct question *question)
{
    struct chy_kdf_call call = {
        .struct_size = sizeof call,
        .algorithm = CHY_KDF_HKDF,
        .digest = CHY_DIGEST_SHA256,
        .secret = hex_of(question->test, "ikm"),
        .salt = hex_of(question->test, "salt"),
        .info = hex_of(question->test, "info"),
    };
    return derives(&call, (uint64_t)json_integer_value(json_object_get(question->test, "size")),
                   hex_of(question->test, "okm"));
}

static bool stretches(const struct question *question)
{
    struct chy_kdf_call call = {
        .struct_size = sizeof call,
        .algorithm = CHY_KDF_PBKDF2,
        .digest = CHY_DIGEST_SHA256,
        .cost = (uint64_t)json_integer_value(json_object_get(question->test, "iterationCount")),
        .secret = hex_of(question->test, "password"),
        .salt = hex_of(question->test, "salt"),
    };
    return derives(&call, (uint64_t)json_integer_value(json_object_get(question->test, "dkLen")),
                   hex_of(question->test, "dk"));
}

static const struct set sets[] = {
    {"ecdsa_secp256r1_sha256_test.json", CHY_KEY_EC_P256, CHY_SIG_ECDSA_SHA256, verifies},
    {"ecdsa_secp384r1_sha384_test.json", CHY_KEY_EC_P384, CHY_SIG_ECDSA_SHA384, verifies},
    {"ecdsa_secp521r1_sha512_test.json", CHY_KEY_EC_P521, CHY_SIG_ECDSA_SHA512, verifies},
    {"ed25519_test.json", CHY_KEY_ED25519, CHY_SIG_ED25519, verifies},
    {"ed448_test.json", CHY_KEY_ED448, CHY_SIG_ED448, verifies},
    {"rsa_signature_2048_sha256_test.json", CHY_KEY_RSA_2048, CHY_SIG_RSA_SHA256, verifies},
    {"rsa_signature_3072_sha384_test.json", CHY_KEY_RSA_3072, CHY_SIG_RSA_SHA384, verifies},
    {"rsa_signature_4096_sha512_test.json", CHY_KEY_RSA_4096, CHY_SIG_RSA_SHA512, verifies},
    {"rsa_pss_2048_sha256_mgf1_32_test.json", CHY_KEY_RSA_2048, CHY_SIG_RSA_PSS_SHA256, verifies},
    {"mldsa_44_verify_test.json", CHY_KEY_ML_DSA_44, CHY_SIG_ML_DSA_44, verifies},
    {"mldsa_65_verify_test.json", CHY_KEY_ML_DSA_65, CHY_SIG_ML_DSA_65, verifies},
    {"mldsa_87_verify_test.json", CHY_KEY_ML_DSA_87, CHY_SIG_ML_DSA_87, verifies},
    {"hmac_sha256_test.json", CHY_KEY_NONE, CHY_DIGEST_SHA256, macs},
    {"hkdf_sha256_test.json", CHY_KEY_NONE, CHY_KDF_HKDF, expands},
    {"pbkdf2_hmacsha256_test.json", CHY_KEY_NONE, CHY_KDF_PBKDF2, stretches},
};
#define SET_COUNT (sizeof sets / sizeof sets[0])

static bool is_claimed(const struct set *set)
{
    if (set->answer == verifies) {
        return has_key(set->key) && has_signature(set->signature);
    }
    return set->answer == macs || has_kdf(set->signature);
}

/* --- asking ------------------------------------------------------------------------------------*/

struct tally {
    unsigned asked;
    unsigned deviated;
    unsigned wrong;
};

static const struct deviation *deviation_of(const char *file, int test)
{
    struct chy_slice name = conf_plugin_descriptor(crypto_plugin)->name;
    for (size_t i = 0; i < sizeof deviations / sizeof deviations[0]; i++) {
        const struct deviation *deviation = &deviations[i];
        if (deviation->test == test && strcmp(deviation->file, file) == 0 &&
            (deviation->plugin == NULL || chy_slice_is(name, deviation->plugin))) {
            return deviation;
        }
    }
    return NULL;
}

/** expected_of is what the vectors say of a signature over the message with an empty context; with
 *  another context the signature is one of another message. */
static bool expected_of(const json_t *test)
{
    return strcmp(text_of(test, "result"), "valid") == 0 && text_of(test, "ctx")[0] == '\0';
}

static void ask(const struct question *question, struct tally *tally)
{
    int number = (int)json_integer_value(json_object_get(question->test, "tcId"));
    bool expected = expected_of(question->test);
    bool ours = question->set->answer(question);
    tally->asked++;
    if (ours == expected) {
        return;
    }
    const struct deviation *deviation = deviation_of(question->set->file, number);
    if (deviation != NULL) {
        tally->deviated++;
    } else {
        tally->wrong++;
    }
    conf_say("%s: test %d (%s): we say %s, the vectors '%s'%s%s", question->set->file, number,
             text_of(question->test, "comment"), ours ? "yes" : "no",
             text_of(question->test, "result"), deviation != NULL ? "; known: " : "",
             deviation != NULL ? deviation->reason : "");
}

static void ask_group(const struct set *set, const json_t *group, struct tally *tally)
{
    size_t i;
    json_t *test;
    struct chy_key *key = NULL;
    if (set->answer == verifies) {
        chy_status status = crypto->load_public(self, op, hex_of(group, "publicKeyDer"), &key);
        ck_assert_msg(status == CHY_OK || status == CHY_BAD_INPUT, "status %d: %s", status,
                      conf_op_message(op));
    }
    json_array_foreach(json_object_get(group, "tests"), i, test)
    {
        struct question question = {.set = set, .group = group, .test = test, .key = key};
        ask(&question, tally);
    }
    crypto->release(self, key);
}

static const char *vectors_directory;

static json_t *load(const struct set *set)
{
    char path[PATH_MAX];
    (void)snprintf(path, sizeof path, "%s/wycheproof/%s", vectors_directory, set->file);
    json_error_t error;
    json_t *document = json_load_file(path, 0, &error);
    if (document == NULL) {
        conf_say("'%s': %s", path, error.text);
    }
    return document;
}

START_TEST(known_answers)
{
    size_t i;
    json_t *group;
    const struct set *set = &sets[_i];
    struct tally tally = {0, 0, 0};
    if (!is_claimed(set)) {
        conf_say("%s: not run, the provider does not claim it", set->file);
        return;
    }
    json_t *document = load(set);
    ck_assert_ptr_nonnull(document);
    json_array_foreach(json_object_get(document, "testGroups"), i, group)
    {
        ask_group(set, group, &tally);
    }
    unsigned said = (unsigned)json_integer_value(json_object_get(document, "numberOfTests"));
    json_decref(document);
    conf_say("%s: %u asked, %u deviations, %u wrong", set->file, tally.asked, tally.deviated,
             tally.wrong);
    ck_assert_uint_eq(tally.asked, said);
    ck_assert_uint_eq(tally.wrong, 0);
}
END_TEST

int crypto_vectors_run(const char *directory)
{
    vectors_directory = directory;
    json_t *first = load(&sets[0]);
    if (first == NULL) {
        for (size_t i = 0; i < SET_COUNT; i++) {
            conf_say("not run: %s", sets[i].file);
        }
        return NOT_RUN;
    }
    json_decref(first);
    // AES-GCM's file is not asked: sealing draws its own nonce and binds its own header.
    conf_say("not run: aes_gcm_test.json, as no operation lets the caller choose the nonce");
    Suite *suite = suite_create("crypto vectors");
    TCase *tcase = crypto_tcase("wycheproof");
    tcase_add_loop_test(tcase, known_answers, 0, (int)SET_COUNT);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
