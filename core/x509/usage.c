#include "x509/extensions.h"

#include "x509/algorithm.h"
#include "x509/word.h"

/* The words of key usages and extended key usages. */

static const char *const key_usage_words[CHY_KU_COUNT] = {
    "digital_signature", "non_repudiation", "key_encipherment",
    "data_encipherment", "key_agreement",   "key_cert_sign",
    "crl_sign",          "encipher_only",   "decipher_only",
};

static const char *const eku_words[CHY_EKU_COUNT] = {
    "client_auth",  "server_auth",   "code_signing", "email_protection",
    "ocsp_signing", "time_stamping", "any_purpose",
};

static const char *word_of(const char *const *words, uint32_t count, uint32_t bit)
{
    for (uint32_t i = 0; i < count; i++) {
        if (bit == 1U << i) {
            return words[i];
        }
    }
    return NULL;
}

static uint32_t bit_of(const char *const *words, uint32_t count, struct chy_slice word)
{
    for (uint32_t i = 0; i < count; i++) {
        if (chy_word_is(word, words[i])) {
            return 1U << i;
        }
    }
    return 0;
}

const char *chy_key_usage_word(uint32_t bit)
{
    return word_of(key_usage_words, CHY_KU_COUNT, bit);
}

uint32_t chy_key_usage_find(struct chy_slice word)
{
    if (chy_word_is(word, "content_commitment")) { // the newer name in X.509
        return CHY_KU_NON_REPUDIATION;
    }
    return bit_of(key_usage_words, CHY_KU_COUNT, word);
}

const char *chy_eku_word(uint32_t bit)
{
    return word_of(eku_words, CHY_EKU_COUNT, bit);
}

uint32_t chy_eku_find(struct chy_slice word)
{
    if (chy_word_is(word, "any_extended_key_usage")) {
        return CHY_EKU_ANY_PURPOSE;
    }
    return bit_of(eku_words, CHY_EKU_COUNT, word);
}

uint32_t chy_key_usage_for_key(uint32_t key_algorithm)
{
    const uint32_t signing =
        CHY_KU_DIGITAL_SIGNATURE | CHY_KU_NON_REPUDIATION | CHY_KU_KEY_CERT_SIGN | CHY_KU_CRL_SIGN;
    switch (chy_key_algorithm_family(key_algorithm)) {
    case CHY_FAMILY_RSA: // RFC 3279 2.3.1
        return signing | CHY_KU_KEY_ENCIPHERMENT | CHY_KU_DATA_ENCIPHERMENT;
    case CHY_FAMILY_EC: // RFC 5480 3
        return signing | CHY_KU_KEY_AGREEMENT | CHY_KU_ENCIPHER_ONLY | CHY_KU_DECIPHER_ONLY;
    case CHY_FAMILY_EDWARDS: // RFC 8410 5
    case CHY_FAMILY_ML_DSA:  // RFC 9881 5
        return signing;
    case CHY_FAMILY_NONE: break;
    }
    return 0;
}
