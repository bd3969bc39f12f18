#include "weak.h"

#include "asn1.h"

#define BITS_MIN 2048U
#define BITS_MAX 4096U
#define EXPONENT_MIN 65537U
/** Longer exponents serve nobody, and wolfCrypt's fast code does not take them. */
#define EXPONENT_BYTES_MAX 8U
#define FERMAT_ROUNDS 100

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/** All odd primes below 752, the bound of the CA/Browser Forum's Baseline Requirements 6.1.6. */
static const uint16_t primes[] = {
    3,   5,   7,   11,  13,  17,  19,  23,  29,  31,  37,  41,  43,  47,  53,  59,  61,  67,  71,
    73,  79,  83,  89,  97,  101, 103, 107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167,
    173, 179, 181, 191, 193, 197, 199, 211, 223, 227, 229, 233, 239, 241, 251, 257, 263, 269, 271,
    277, 281, 283, 293, 307, 311, 313, 317, 331, 337, 347, 349, 353, 359, 367, 373, 379, 383, 389,
    397, 401, 409, 419, 421, 431, 433, 439, 443, 449, 457, 461, 463, 467, 479, 487, 491, 499, 503,
    509, 521, 523, 541, 547, 557, 563, 569, 571, 577, 587, 593, 599, 601, 607, 613, 617, 619, 631,
    641, 643, 647, 653, 659, 661, 673, 677, 683, 691, 701, 709, 719, 727, 733, 739, 743, 751,
};
/** ROCA keys follow from 65537 modulo each prime up to this one. */
#define ROCA_PRIME_MAX 167U

bool chy_rsa_public_read(struct chy_slice der, struct chy_rsa_public *out_key)
{
    struct chy_slice inside;
    struct chy_rsa_public key;
    if (!chy_asn1_take(&der, CHY_ASN1_SEQUENCE, &inside) || der.len != 0 ||
        !chy_asn1_take_unsigned(&inside, &key.modulus) ||
        !chy_asn1_take_unsigned(&inside, &key.exponent) || inside.len != 0) {
        return false;
    }
    *out_key = key;
    return true;
}

uint32_t chy_rsa_bits(const struct chy_rsa_public *key)
{
    uint64_t len = key->modulus.len;
    if (len == 0 || len > UINT32_MAX / 8) {
        return 0;
    }
    uint32_t bits = (uint32_t)len * 8;
    for (uint8_t first = key->modulus.ptr[0]; first < 0x80 && bits > 0; bits--) {
        if (first == 0) {
            return 0; // a magnitude without leading zeros starts with another byte
        }
        first = (uint8_t)(first << 1);
    }
    return bits;
}

static uint64_t small_value(struct chy_slice magnitude)
{
    uint64_t value = 0;
    for (uint64_t i = 0; i < magnitude.len; i++) {
        value = value << 8 | magnitude.ptr[i];
    }
    return value;
}

const char *chy_rsa_weakness(const struct chy_rsa_public *key)
{
    uint32_t bits = chy_rsa_bits(key);
    if (bits < BITS_MIN) {
        return "the RSA key is shorter than 2048 bits";
    }
    if (bits > BITS_MAX) {
        return "the RSA key is longer than 4096 bits";
    }
    if ((key->modulus.ptr[key->modulus.len - 1] & 1) == 0) {
        return "the RSA modulus is even";
    }
    if (key->exponent.len > EXPONENT_BYTES_MAX) {
        return "the RSA exponent is longer than 64 bits";
    }
    uint64_t exponent = small_value(key->exponent);
    if (exponent < EXPONENT_MIN) {
        return "the RSA exponent is smaller than 65537";
    }
    if ((exponent & 1) == 0) {
        return "the RSA exponent is even";
    }
    if (chy_modulus_is_roca(key->modulus)) {
        return "the RSA key has the ROCA weakness (CVE-2017-15361)";
    }
    if (chy_modulus_has_small_factor(key->modulus)) {
        return "the RSA modulus has a small factor";
    }
    if (chy_modulus_has_close_primes(key->modulus)) {
        return "the RSA modulus has prime factors too close to each other";
    }
    return NULL;
}

/* --- residues ----------------------------------------------------------------------------------*/

/** remainder_of is `modulus` mod `divisor`, which is below 2^32. */
static uint32_t remainder_of(struct chy_slice modulus, uint64_t divisor)
{
    uint64_t rest = 0;
    uint64_t i = 0;
    for (; i < modulus.len % 4; i++) {
        rest = (rest << 8 | modulus.ptr[i]) % divisor;
    }
    for (; i < modulus.len; i += 4) {
        uint64_t word = (uint64_t)modulus.ptr[i] << 24 | (uint64_t)modulus.ptr[i + 1] << 16 |
                        (uint64_t)modulus.ptr[i + 2] << 8 | modulus.ptr[i + 3];
        rest = (rest << 32 | word) % divisor;
    }
    return (uint32_t)rest;
}

/** next_batch multiplies primes from `first` on while the product stays below 2^32. */
static size_t next_batch(size_t first, uint64_t *out_product)
{
    uint64_t product = 1;
    size_t next = first;
    while (next < COUNT(primes) && product * primes[next] <= UINT32_MAX) {
        product *= primes[next];
        next++;
    }
    *out_product = product;
    return next;
}

static bool is_power_of_65537(uint32_t residue, uint32_t prime)
{
    uint32_t generator = 65537U % prime;
    uint32_t power = 1;
    do {
        if (power == residue) {
            return true;
        }
        power = power * generator % prime;
    } while (power != 1);
    return false;
}

bool chy_modulus_is_roca(struct chy_slice modulus)
{
    // Almost every good modulus leaves in the first batch.
    for (size_t i = 0; i < COUNT(primes) && primes[i] <= ROCA_PRIME_MAX;) {
        uint64_t product;
        size_t end = next_batch(i, &product);
        uint32_t rest = remainder_of(modulus, product);
        for (; i < end && primes[i] <= ROCA_PRIME_MAX; i++) {
            if (!is_power_of_65537(rest % primes[i], primes[i])) {
                return false;
            }
        }
    }
    return true;
}

bool chy_modulus_has_small_factor(struct chy_slice modulus)
{
    for (size_t i = 0; i < COUNT(primes);) {
        uint64_t product;
        size_t end = next_batch(i, &product);
        uint32_t rest = remainder_of(modulus, product);
        for (; i < end; i++) {
            if (rest % primes[i] == 0) {
                return true;
            }
        }
    }
    return false;
}

/* --- Fermat ------------------------------------------------------------------------------------*/

/**
 * square_root computes the least integer whose square is not below `n`, by Newton's method from
 * above: the first value that does not fall any more is the floor.  Returns 0 or a wolfCrypt code.
 */
static int square_root(mp_int *n, mp_int *out_root)
{
    mp_int next;
    mp_int quotient;
    int code = mp_init_multi(&next, &quotient, NULL, NULL, NULL, NULL);
    if (code == 0) {
        code = mp_2expt(out_root, (mp_count_bits(n) + 1) / 2);
    }
    while (code == 0) {
        code = mp_div(n, out_root, &quotient, NULL);
        if (code == 0) {
            code = mp_add(out_root, &quotient, &next);
        }
        if (code == 0) {
            code = mp_div_2d(&next, 1, &next, NULL);
        }
        if (code != 0 || mp_cmp(&next, out_root) != MP_LT) {
            break;
        }
        code = mp_copy(&next, out_root);
    }
    if (code == 0) {
        code = mp_sqr(out_root, &quotient);
    }
    if (code == 0 && mp_cmp(&quotient, n) == MP_LT) {
        code = mp_add_d(out_root, 1, out_root);
    }
    return code;
}

/** is_square_modulo tells whether `rest` is a square modulo `divisor`. */
static bool is_square_modulo(uint32_t rest, uint32_t divisor)
{
    for (uint32_t root = 0; root <= divisor / 2; root++) {
        if (root * root % divisor == rest) {
            return true;
        }
    }
    return false;
}

#define FILTER 45045U /* 63 * 65 * 11 */

/** may_be_square looks at `n` modulo 64, 63, 65 and 11, which 99 of 100 that are no square fail.
 *  The first costs nothing. */
static int may_be_square(mp_int *n, bool *out_maybe)
{
    static const uint64_t squares_64 = UINT64_C(0x0202021202030213);
    mp_digit rest;
    *out_maybe = false;
    if ((squares_64 >> (n->dp[0] & 63) & 1) == 0) {
        return 0;
    }
    int code = mp_mod_d(n, FILTER, &rest);
    if (code == 0) {
        uint32_t small = (uint32_t)rest;
        *out_maybe = is_square_modulo(small % 63, 63) && is_square_modulo(small % 65, 65) &&
                     is_square_modulo(small % 11, 11);
    }
    return code;
}

/** is_square checks for good what passed the cheap test.  `n` is not zero. */
static int is_square(mp_int *n, bool *out_square)
{
    mp_int root;
    mp_int square;
    int code = mp_init_multi(&root, &square, NULL, NULL, NULL, NULL);
    if (code == 0) {
        code = square_root(n, &root);
    }
    if (code == 0) {
        code = mp_sqr(&root, &square);
    }
    if (code == 0) {
        *out_square = mp_cmp(&square, n) == MP_EQ;
    }
    return code;
}

/** gap_is_square tells whether a*a - n is a square: then a - b and a + b are the factors. */
static int gap_is_square(mp_int *gap, bool *out_found)
{
    bool maybe = false;
    if (mp_iszero(gap)) {
        *out_found = true; // n is a square itself
        return 0;
    }
    int code = may_be_square(gap, &maybe);
    return code == 0 && maybe ? is_square(gap, out_found) : code;
}

/** search tries a hundred values of a from the root of `n` on.  Returns 0 or a wolfCrypt code. */
static int search(mp_int *n, bool *out_found)
{
    mp_int gap;
    mp_int step;
    int code = mp_init_multi(&gap, &step, NULL, NULL, NULL, NULL);
    if (code == 0) {
        code = square_root(n, &step);
    }
    if (code == 0) {
        code = mp_sqr(&step, &gap);
    }
    if (code == 0) {
        code = mp_sub(&gap, n, &gap);
    }
    // From a to a + 1 the gap grows by 2a + 1, and that step by 2.
    if (code == 0) {
        code = mp_add(&step, &step, &step);
    }
    if (code == 0) {
        code = mp_add_d(&step, 1, &step);
    }
    for (int i = 0; code == 0 && i < FERMAT_ROUNDS; i++) {
        code = gap_is_square(&gap, out_found);
        if (code == 0 && *out_found) {
            break;
        }
        if (code == 0) {
            code = mp_add(&gap, &step, &gap);
        }
        if (code == 0) {
            code = mp_add_d(&step, 2, &step);
        }
    }
    return code;
}

bool chy_modulus_has_close_primes(struct chy_slice modulus)
{
    mp_int n;
    bool found = false;
    // A modulus that wolfCrypt cannot count with is of no use either.
    return mp_init(&n) != 0 || mp_read_unsigned_bin(&n, modulus.ptr, (word32)modulus.len) != 0 ||
           search(&n, &found) != 0 || found;
}
