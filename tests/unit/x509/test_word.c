#include "x509/word.h"

#include "x509_data.h"

struct word_case {
    const char *text;
    const char *word;
    bool same;
};

static const struct word_case word_cases[] = {
    {"digital_signature", "digital_signature", true},
    {"digitalSignature", "digital_signature", true},
    {"DIGITAL-SIGNATURE", "digital_signature", true},
    {"cRLSign", "crl_sign", true},
    {"RSA-2048", "RSA_2048", true},
    {"RSA_20480", "RSA_2048", false},
    {"RSA_204", "RSA_2048", false},
    {"", "x", false},
    {"", "", false},
    {"_x", "x", false},
    {"x_", "x", false},
    {"x y", "xy", false},
};

START_TEST(compares_spellings)
{
    const struct word_case *c = &word_cases[_i];
    ck_assert_msg(chy_word_is(chy_text(c->text), c->word) == c->same, "%s", c->text);
}
END_TEST

START_TEST(looks_through_a_list)
{
    static const char *const words[] = {"one", "two_three", NULL};
    ck_assert(chy_word_among(chy_text("twoThree"), words));
    ck_assert(!chy_word_among(chy_text("four"), words));
}
END_TEST

TEST_MAIN("x509_word", TEST_EACH(compares_spellings, word_cases), TEST(looks_through_a_list))
