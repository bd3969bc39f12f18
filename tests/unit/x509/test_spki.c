#include "x509/csr.h"
#include "x509/spki.h"

#include "x509_data.h"

/* Structure and weakness of whole keys are in the table of test_csr.c, with a file for each; here
 * stands what no file shows. */

static struct chy_spki read_key(struct chy_op *op, const char *file)
{
    struct chy_csr csr;
    ck_assert_msg(chy_csr_read(op, x509_pem(op, file), &csr) == CHY_OK, "%s: %s", file,
                  test_op_message(op));
    return csr.spki;
}

struct key_case {
    const char *file;
    uint32_t algorithm;
    uint32_t bits;
    uint64_t public_key_len;
};

static const struct key_case key_cases[] = {
    {"csr-rsa2048", CHY_KEY_RSA_2048, 2048, 270},  {"csr-rsa3072", CHY_KEY_RSA_3072, 3072, 398},
    {"csr-rsa4096", CHY_KEY_RSA_4096, 4096, 526},  {"csr-p256", CHY_KEY_EC_P256, 256, 65},
    {"csr-p384", CHY_KEY_EC_P384, 384, 97},        {"csr-p521", CHY_KEY_EC_P521, 521, 133},
    {"csr-ed25519", CHY_KEY_ED25519, 0, 32},       {"csr-ed448", CHY_KEY_ED448, 0, 57},
    {"csr-ml-dsa-44", CHY_KEY_ML_DSA_44, 0, 1312}, {"csr-ml-dsa-65", CHY_KEY_ML_DSA_65, 0, 1952},
    {"csr-ml-dsa-87", CHY_KEY_ML_DSA_87, 0, 2592},
};

START_TEST(knows_kind_and_size)
{
    const struct key_case *c = &key_cases[_i];
    struct chy_op *op = test_op_new();
    struct chy_spki spki = read_key(op, c->file);
    ck_assert_uint_eq(spki.algorithm, c->algorithm);
    ck_assert_uint_eq(spki.bits, c->bits);
    ck_assert_uint_eq(spki.public_key.len, c->public_key_len);
    ck_assert_int_eq((int)spki.family, (int)chy_key_algorithm_family(c->algorithm));
    bool is_rsa = spki.family == CHY_FAMILY_RSA;
    ck_assert_uint_eq(spki.modulus.len, is_rsa ? spki.bits / 8 : 0);
    if (is_rsa) {
        x509_assert_octets(op, spki.exponent, "010001", c->file);
    }
    test_op_free(op);
}
END_TEST

START_TEST(a_whole_slice_has_nothing_after_the_key)
{
    struct chy_op *op = test_op_new();
    struct chy_spki spki = read_key(op, "csr-p256");
    struct chy_spki again;
    uint8_t *longer = chy_alloc(op, spki.der.len + 1);
    memcpy(longer, spki.der.ptr, spki.der.len);
    ck_assert_int_eq(chy_spki_parse(op, chy_slice_of(longer, spki.der.len), &again), CHY_OK);
    ck_assert_int_eq(chy_spki_parse(op, chy_slice_of(longer, spki.der.len + 1), &again),
                     CHY_BAD_INPUT);
    x509_assert_says(op, "bytes after", "trailing");
    ck_assert_uint_eq(x509_reason(op), CHY_REASON_CRYPTO);
    test_op_free(op);
}
END_TEST

START_TEST(every_cut_is_refused)
{
    struct chy_op *op = test_op_new();
    struct chy_spki spki = read_key(op, "csr-rsa2048");
    struct chy_spki again;
    for (uint64_t len = 0; len < spki.der.len; len++) {
        ck_assert_int_eq(chy_spki_parse(op, chy_slice_of(spki.der.ptr, len), &again),
                         CHY_BAD_INPUT);
    }
    test_op_free(op);
}
END_TEST

/** Every odd prime below 752 is looked for: a modulus with that factor alone is refused. */
START_TEST(every_small_factor_is_found)
{
    struct chy_op *op = test_op_new();
    struct chy_spki fine = read_key(op, "csr-rsa2048");
    for (uint32_t factor = 3; factor < 752; factor += 2) {
        uint8_t octets[256];
        struct chy_spki spki = fine;
        memcpy(octets, fine.modulus.ptr, sizeof octets);
        // Lower the modulus to a multiple of the factor, keeping it odd.
        for (int tries = 0; tries < 2; tries++) {
            uint32_t remainder = 0;
            for (size_t i = 0; i < sizeof octets; i++) {
                remainder = (remainder << 8 | octets[i]) % factor;
            }
            uint32_t less = tries == 0 || remainder != 0 ? remainder : 0;
            less = less % 2 == 0 ? less : less + factor;
            for (size_t i = sizeof octets; i > 0 && less != 0; i--) {
                uint32_t part = less & 0xff;
                less >>= 8;
                less += octets[i - 1] < part;
                octets[i - 1] = (uint8_t)(octets[i - 1] - part);
            }
        }
        spki.modulus = chy_slice_of(octets, sizeof octets);
        ck_assert_int_eq(chy_spki_check_strength(op, &spki), CHY_BAD_INPUT);
        x509_assert_says(op, "small factor", "multiple");
    }
    ck_assert_int_eq(chy_spki_check_strength(op, &fine), CHY_OK);
    test_op_free(op);
}
END_TEST

/** Multiplies the big-endian number at `octets` by a small factor. */
static void multiply(uint8_t *octets, size_t len, uint32_t factor)
{
    uint32_t carry = 0;
    for (size_t i = len; i > 0; i--) {
        carry += octets[i - 1] * factor;
        octets[i - 1] = (uint8_t)carry;
        carry >>= 8;
    }
}

static void add(uint8_t *octets, const uint8_t *more, size_t len)
{
    uint32_t carry = 0;
    for (size_t i = len; i > 0; i--) {
        carry += (uint32_t)octets[i - 1] + more[i - 1];
        octets[i - 1] = (uint8_t)carry;
        carry >>= 8;
    }
}

static bool is_prime(uint32_t number)
{
    for (uint32_t divisor = 2; divisor * divisor <= number; divisor++) {
        if (number % divisor == 0) {
            return false;
        }
    }
    return number > 1;
}

/** A modulus with the fingerprint modulo all primes but the last that count is not refused: no
 *  prime of the test may be left out, or good keys would be refused by chance. */
START_TEST(the_roca_fingerprint_needs_every_prime)
{
    struct chy_op *op = test_op_new();
    struct chy_spki spki = read_key(op, "csr-rsa2048");
    struct chy_der request = chy_der_of(x509_pem(op, "refused-rsa-roca"));
    struct chy_slice skipped = {0};
    uint8_t modulus[256];
    uint8_t step[256] = {[255] = 2};
    int refused = 0;
    int fine = 0;
    ck_assert(chy_der_enter(&request, CHY_DER_SEQUENCE, &request) &&
              chy_der_enter(&request, CHY_DER_SEQUENCE, &request) &&
              chy_der_whole(&request, &skipped) && chy_der_whole(&request, &skipped));
    ck_assert_int_eq(chy_spki_read(op, &request, &spki), CHY_OK);
    memcpy(modulus, spki.modulus.ptr, sizeof modulus);
    // The step is 0 modulo every prime below 157, so only the residue modulo 157 changes.
    for (uint32_t prime = 3; prime < 157; prime += 2) {
        if (is_prime(prime)) {
            multiply(step, sizeof step, prime);
        }
    }
    for (int i = 0; i < 157; i++) {
        add(modulus, step, sizeof modulus);
        spki.modulus = chy_slice_of(modulus, sizeof modulus);
        if (chy_spki_check_strength(op, &spki) == CHY_OK) {
            fine++;
        } else if (strstr(test_op_message(op), "ROCA") != NULL) {
            refused++;
        }
    }
    ck_assert_int_gt(refused, 30); // 65537 has the order 78 modulo 157
    ck_assert_int_gt(fine, 30);
    test_op_free(op);
}
END_TEST

struct exponent_case {
    const char *octets;
    const char *message; // NULL: fine
};

static const struct exponent_case exponent_cases[] = {
    {"010001", NULL},
    {"010003", NULL},
    {"ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff", NULL},
    {"01ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff", "more than 256 bits"},
    {"ffff", "smaller than 65537"},
    {"03", "smaller than 65537"},
    {"010000", "even"},
    {"", "even"},
};

START_TEST(exponents_are_odd_and_in_range)
{
    const struct exponent_case *c = &exponent_cases[_i];
    struct chy_op *op = test_op_new();
    struct chy_spki spki = read_key(op, "csr-rsa2048");
    spki.exponent = x509_hex(op, c->octets);
    chy_status status = chy_spki_check_strength(op, &spki);
    ck_assert_msg(status == (c->message == NULL ? CHY_OK : CHY_BAD_INPUT), "%s", c->octets);
    if (c->message != NULL) {
        x509_assert_says(op, c->message, c->octets);
    }
    test_op_free(op);
}
END_TEST

TEST_MAIN("x509_spki", TEST_EACH(knows_kind_and_size, key_cases),
          TEST(a_whole_slice_has_nothing_after_the_key), TEST(every_cut_is_refused),
          TEST(every_small_factor_is_found), TEST(the_roca_fingerprint_needs_every_prime),
          TEST_EACH(exponents_are_odd_and_in_range, exponent_cases))
