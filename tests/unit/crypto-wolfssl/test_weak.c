#include "weak.h"

#include "asn1.h"
#include "test_main.h"

/** A modulus of two random primes, and no more is known of it. */
static const char good_modulus[] =
    "bd80790eb74405c06fcf82e1d606d7a64c66a966f071d3070abe0857faeb738614738ae457ac683964c778bb"
    "c95e41af5cd9bfa202c095d3c0986068b203858f871d460874aee825ff0705bf8402d78c96297ade0d6337cf"
    "88c64b2e836575f01cc1092f3460f06c4cdd8d365aae47e45d18c05fed29384588353a179499354e6dfaf445"
    "abb448a8bdc2ef33a56da882b3de706982d3b6a3552d33c46bc6034ee3f5768ebad1eceda0abe4098f83aa61"
    "8108f8833aca85212cc617a5f16dcc72481f6dacffe3d813a0a91283f2c1739cb23444be7db9fc439deee104"
    "0d5f8e40417081e43a014189b947c31938d3324522bc897b6bf24216a8c7abca10eca699";

static uint8_t modulus_bytes[512];

static struct chy_slice modulus(const char *hex)
{
    static const char digits[] = "0123456789abcdef";
    size_t len = strlen(hex) / 2;
    for (size_t i = 0; i < len; i++) {
        modulus_bytes[i] = (uint8_t)((strchr(digits, hex[2 * i]) - digits) << 4 |
                                     (strchr(digits, hex[2 * i + 1]) - digits));
    }
    return chy_slice_of(modulus_bytes, len);
}

START_TEST(a_good_modulus_is_taken)
{
    static const uint8_t exponent[] = {1, 0, 1};
    struct chy_rsa_public key = {modulus(good_modulus), {exponent, sizeof exponent}};
    ck_assert_uint_eq(chy_rsa_bits(&key), 2048);
    ck_assert_ptr_null(chy_rsa_weakness(&key));
}
END_TEST

/** Fermat's method must find what a hundred rounds find, and stop there. */
static const struct {
    const char *name;
    const char *modulus;
    bool found;
} closes[] = {
    {"found in round 1, 2048 bits",
     "944d6bf1dcd0fe7af782fdde81d231d9bb51011981425ddc77cbee709539477d8eb3d9081f17c1c03bfb53b8"
     "9271a82bd4d6bbdd173a9cfce0c73faa910117f89ba71fcb682c6052355fefc4ec826d4f6682f768a801cf90"
     "65f36eec4247f7b1f138bb9000d3e55e1bbafc3efcad83d77c1e1bef80e7d39398e1e452793c505acbe01136"
     "adb020e96458a440102d9206213f423350d9fafced4e302bc4d5b620e13725286bca383b41bdd251734ce022"
     "ad415c895d50fbe420abcc9e12c34fd91e361d60f88c8459e17ba1cb11ed5f54b4dab595701c9bf574128851"
     "3f3e098f1a75881cf7ae625909fcb4d322437de29f87d09f807221046fb493f6fd52bb71",
     true},
    {"found in round 4, 2048 bits",
     "c3976ad71b65bd561747ff03ad1b2623bb830e0cbd009b4f971c69b81b33a66edbea7ca95066758f1da13478"
     "411d1911e49796283b848d894f3cbf7163da51ff233a06d0958dd7c82c81f268754c54cca08bb8c35cd9f589"
     "2acbbea43ededc4d3606493bc8ea84be2026c9476bad7fb50c7b4855b7742d984cfcb35637cc72f5ff774224"
     "190ad63e9f6aa1fb73b3312fba588e0d75b8512c8b95f5a0e2ca07d7ea36f57236e36d300d8d8d3790f2dd1d"
     "9f32c9b6b3834636769c52470d74adef3d2ac284f3d1a151fd43df11e57745a14d8c68a8eef87cceb5e2f643"
     "e72bfb6bcad20d6f492ea9942ca42d767cc07ac4d10b52284853ebdbfabb433ffca09649",
     true},
    {"found in round 51, 3072 bits",
     "ef2634ac444efdced61226578cc6468552db42f2a5cf28fdf05d20321f7cdc16157625518c4edaf385e8fcd3"
     "38762bba1b2a3f311b833b0afc721aeffdde4ea7f6586b0c8f526053034276974352b2a5fce42314d3e9d5be"
     "5ab7c6b8f7538eb602caedea7f3c0c082089484f4c0d358d28b7da472fb708b9854b0946b145a67b177c6e73"
     "e3a3be18200db4604f157486242ff31d0286306e3422334bbedf698e987303c3c48bd74f79d5d86472d4f54d"
     "15a9c804205c2556178d8af94908602d97a16167b74cfba3b6344695d666967e01f252c98ac5158b1fa68ed1"
     "16bf0eebb7ff8518c4e6ce344d7e4dc7225cbb9b59bae1a11af46ca7937986c53b22e5d8c4f2362b221cdec2"
     "89cabf0bc8680eec3a1119d9578b345996e15f5e23f1a5c693a9f47681d58e97a410cf2ba10c489c6f285948"
     "2b2a12d8d33e2c7b2179e51599d5cfe297da5e129416ffe431f9671e1b1bf7bf259cbb4d435da01f999e1dfb"
     "a413b4a63586cc69c2fb56a2efe5fa8855136d9d620437f913216fe269e802f7",
     true},
    {"found in round 99, 4096 bits",
     "cbda7fa03b02165e34fd18ff63d14e11362befa9028ed2d71bca1e6ada3641cf50ef3221e5f95596ca335c8f"
     "1e838cf2de7d10e997074bc1e8e63f6171af88bce36e464ccf28f9cab6a8112ce4acf0b147e44a2ad45bd345"
     "5fae9853e43d3360ae1fe03f4599440e9bfe22a6ba4b7f8b42ce285019ed31e48337700cf85ed82362edb93f"
     "b725d32fb1264bd2fcb595b39d0ac34e76a81560426f1c6cceb65b1d7bcabe16ccf12073a720b79a305a15bc"
     "15264c9b9d10776ab3dc58ade88caa2bb41b0d0865e7696503478a77244c93fbc93b94b2d81c7c11815cab36"
     "8f1faa008e01e3817d4b39a24439afd9df6bffa1e43bb2f7824db534b7a1dd88ec22f2a8b819d816431446da"
     "f3f4c2270f603f235892b8f61b6c68519b7f4a1fa4218cd3ec838afeaeff170e107c28a2485719ef6e7eeb3d"
     "5c263cd805f4ac542d3317354e5ba80318a6285bb947ef36b871d55e0dcff2b9287a587cac5476aa9e8725c3"
     "18ab0ea76c5882260cf2ab2ead6337f7afc13cdd25560493014ded3faf91f46966b16cc4f49f61c0cc3c2d4f"
     "d49485116b13bbd923608379fb8a90ca6bb331fddf52130194f06ec255fb0eda887374cfea85b0f06a1cdb90"
     "96d9140fca2c13b09fb9b651b001a4869d49e6b1f6cda3cd644622e3787333e8ff700ebeef5447d7d45c572e"
     "2b423c953189d3e89265ebdb5cfdec08f9421a70f34bd7b2996b81bb",
     true},
    {"found in round 100, 2048 bits",
     "ce20d7817609c924989d45ca869079de57049f52cd7fd92cc16e1282f7558e521d6ffffa9b26bcbd17c67ca7"
     "90d3f29aeec915687c9f2c9a51f0d32ef9ece7a309bd533a789bbcafcdb36133b127c0f28f7cf45758c967cc"
     "7f11aeec1352af57ffc9aacb58825c8a03e4baf5b9319a26137ce029e828a6d6ab7841aafb582b0e49bfd07e"
     "ffabc3b2e9c3c3f16669fe5c02cde0acc5d302e88af17d7d114fe08c2150d4cb42a7c1905a28defc45899d53"
     "a7a5301e63aabff3c716179c5d6f1a88d77fc230704b9d37a852e32f85dfceecc96a608bd61c68c487179c0b"
     "283efacf7b7fa0914c46efe07d50d853d65eeb7aecdb4125abef7a3cef261f670e7585b7",
     true},
    {"found in round 101, 2048 bits",
     "e73bc0837b9641b5859a65fcf7462446bec6f0315f4f7d52b83f3395f27b64eae3cf37e7cf960550ab0321e8"
     "2af63ccf2b01891ae29ba1512132502a4608c27342ceb3f5202b6c36c4bad4f4a69eb062f350ca802032e932"
     "a62771d8a52d78e75053e10c5819d7d65d31e53658e0e1472e40364b5a8109c01baef9c96b3c6eab633a4267"
     "b21bfe61b8876e67c3d9abfbb867116b9b11c7cfd49e66bab4cdc5b05add660f36ca6c7a9f166712594b75ec"
     "5bf02b29bb780a528f30f4bc3a5152b490fa7c179ca0698f7fbb9cc3715bee9f0dbb96ead2fb0a42cd212402"
     "ecd4a22464981f4d1fa437d699ca0d67039f551c8bb0e7261dbbff00bbddd4e565496c2f",
     false},
    {"found in round 109, 4096 bits",
     "ceb270a2b4e6d098f329691783691eb2c0c3f3bd04e7393730e59687c2b59f934b6ae55751442ae66ceb5fd0"
     "85b65b4d67d1e21ce850a94ef52c58b8cc20844e7ea6c983e116bb6ef1cbdddb078e53133e6a646b35de1bc9"
     "6e6c2e71c0e426f534b1b4ebbd034daafaf9dc7fcc7a129c3e64a81675a3443127794d755bdad060e739dfbb"
     "200ce52cc731f074f81b057b5e5d21f2f3bfbb195b5cb16b1d025ca07babb65a56a91e55080d69d68ea2cf34"
     "cdbb5c792510a83cce38aa3bb961310ae7dbdd3f39762fbb59abd09c430c4da86b3d63cc5d41b91b42d44b21"
     "d9389912d59f676c03813c5cb8b4f35f5411eca2c4214eaa5cf89dd734ed2dad84d2954aa36cf3f020f26b2c"
     "c9883a038c8bc278fff6d50299b52659e79a7d7f41bd446eda2de6ab0cf69389c2539330db94f9a48f63a7e3"
     "b4de3648f3b303a7284a4d26e210bf499473bd3202e07c707a85ccd1ddb37ded45b1ccff02f15a11e083dd7b"
     "2b2e91591950b9eb2fd355ca9f02bb71d54ae449021e548f1e6df322d3c261affefe3ad422309fc5635e3bc2"
     "709d54c8fc8bdb14114daa9791d63279d4f873a69959c28f362c2cef5c9b4776dfd0b7db6a438644dc271f15"
     "a34c6c77f42ae214d0e85ddb857c32750a4806f04fa849153ff904cff6f2a987f76f576f2eab768b13dc55cb"
     "f4434cd7e75b905a6a19bc21df052bb3f93e332225ffeeb0d9fa14e7",
     false},
    {"a square",
     "9abe3d465b10eb1de33f663a0ef1bc22f012747bd699d6e90b68a73c68942e8f04dd97443e405d6313bee20e"
     "430caa13b599b7f7ec40ace271ea0ef7a4189b7c77afe9326eaa019635cd192906d305a088d7eef3d8354235"
     "6ab8239a4b0cbed96791ebc2c2ae2057b7dffded6c3700e9b4eb88d9b0951285c7245239a3fb2b6a420bebb5"
     "633c92b8b85ce27e7b2b391e805d4b457c115a9a80de63f5b2fc964db7f4784c38b95ac81d9da8175ec09e99"
     "7b1ae9647c1118abde22c7a01c3bf10dc1d8916a4b405f6fc7f25942547d44bf4d89fe7a8d804f1031248c2b"
     "1f543be0929eca9b151443ff2452c45c6a8cf776d9868684efe3570f90486c8e7a895ed1",
     true},
    {"primes far apart",
     "bd80790eb74405c06fcf82e1d606d7a64c66a966f071d3070abe0857faeb738614738ae457ac683964c778bb"
     "c95e41af5cd9bfa202c095d3c0986068b203858f871d460874aee825ff0705bf8402d78c96297ade0d6337cf"
     "88c64b2e836575f01cc1092f3460f06c4cdd8d365aae47e45d18c05fed29384588353a179499354e6dfaf445"
     "abb448a8bdc2ef33a56da882b3de706982d3b6a3552d33c46bc6034ee3f5768ebad1eceda0abe4098f83aa61"
     "8108f8833aca85212cc617a5f16dcc72481f6dacffe3d813a0a91283f2c1739cb23444be7db9fc439deee104"
     "0d5f8e40417081e43a014189b947c31938d3324522bc897b6bf24216a8c7abca10eca699",
     false},
};

START_TEST(close_primes_are_found_within_a_hundred_rounds)
{
    ck_assert_msg(chy_modulus_has_close_primes(modulus(closes[_i].modulus)) == closes[_i].found,
                  "%s", closes[_i].name);
}
END_TEST

START_TEST(every_small_factor_is_found)
{
    // The product of a prime and a power of two plus one is nothing but that prime's multiple.
    static const uint16_t primes[] = {3, 5, 7, 11, 167, 173, 389, 733, 739, 743, 751};
    for (size_t i = 0; i < sizeof primes / sizeof primes[0]; i++) {
        uint8_t number[256] = {0};
        number[0] = (uint8_t)(primes[i] >> 8);
        number[1] = (uint8_t)primes[i];
        ck_assert_msg(chy_modulus_has_small_factor(chy_slice_of(number, sizeof number)), "%u",
                      primes[i]);
    }
    ck_assert(!chy_modulus_has_small_factor(modulus(good_modulus)));
}
END_TEST

START_TEST(lengths_are_counted_in_bits)
{
    static const uint8_t numbers[][3] = {{0x80, 0, 0}, {0x7f, 0, 0}, {0x01, 0, 0}};
    static const uint32_t bits[] = {24, 23, 17};
    for (size_t i = 0; i < 3; i++) {
        struct chy_rsa_public key = {.modulus = {numbers[i], 3}};
        ck_assert_uint_eq(chy_rsa_bits(&key), bits[i]);
    }
    struct chy_rsa_public none = {.modulus = {NULL, 0}};
    ck_assert_uint_eq(chy_rsa_bits(&none), 0);
}
END_TEST

TEST_MAIN("wolfssl weak", TEST(a_good_modulus_is_taken),
          TEST_EACH(close_primes_are_found_within_a_hundred_rounds, closes),
          TEST(every_small_factor_is_found), TEST(lengths_are_counted_in_bits))
