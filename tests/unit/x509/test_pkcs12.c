#include "x509/pkcs12.h"

#include "x509/der_read.h"
#include "x509_data.h"

static void assert_utf16(const char *text, bool terminated, const char *expected)
{
    uint8_t out[64];
    uint64_t len = 0;
    struct chy_op *op = test_op_new();
    ck_assert(chy_pkcs12_utf16(chy_text(text), terminated, out, &len));
    x509_assert_octets(op, chy_slice_of(out, len), expected, text);
    ck_assert_uint_le(len, chy_pkcs12_utf16_size(strlen(text)));
    test_op_free(op);
}

START_TEST(text_becomes_utf16)
{
    assert_utf16("", true, "0000");
    assert_utf16("aZ", false, "0061005a");
    assert_utf16("\xc3\xa9\xe2\x82\xac", true, "00e920ac0000");
    assert_utf16("\xf0\x9f\x94\x91", false, "d83ddd11"); // U+1F511
    assert_utf16("\xf4\x8f\xbf\xbf", false, "dbffdfff"); // U+10FFFF
}
END_TEST

START_TEST(what_is_no_text_is_refused)
{
    uint8_t out[16];
    uint64_t len = 0;
    ck_assert(!chy_pkcs12_utf16(chy_text("\xff"), false, out, &len));
    ck_assert(!chy_pkcs12_utf16(chy_slice_of("a\0b", 3), false, out, &len));
}
END_TEST

static struct chy_pkcs12_contents contents_of(struct chy_op *op, const char *name)
{
    static const uint8_t key_id[20] = {1, 2, 3};
    return (struct chy_pkcs12_contents){
        .certificate = x509_pem(op, "cert-leaf"),
        .chain = x509_pem(op, "cert-root"),
        .friendly_name = chy_text(name),
        .local_key_id = chy_slice_of(key_id, sizeof key_id),
    };
}

/** attributes_of enters a bag's attributes, past its type and value. */
static struct chy_der attributes_of(struct chy_der *bags)
{
    struct chy_der bag;
    struct chy_der attributes;
    struct chy_slice ignored;
    ck_assert(chy_der_enter(bags, CHY_DER_SEQUENCE, &bag));
    ck_assert(chy_der_oid(&bag, &ignored));
    ck_assert(chy_der_take(&bag, CHY_DER_CONTEXT_SET(0), &ignored));
    ck_assert(chy_der_enter(&bag, CHY_DER_SET, &attributes));
    ck_assert(chy_der_done(&bag));
    return attributes;
}

static void assert_in_order(struct chy_op *op, const char *name)
{
    struct chy_pkcs12_contents contents = contents_of(op, name);
    struct chy_slice safe;
    struct chy_slice first;
    struct chy_slice second;
    struct chy_der bags;
    ck_assert_int_eq(chy_pkcs12_certificates(op, &contents, &safe), CHY_OK);
    bags = chy_der_of(safe);
    ck_assert(chy_der_enter(&bags, CHY_DER_SEQUENCE, &bags));
    struct chy_der attributes = attributes_of(&bags);
    ck_assert(chy_der_whole(&attributes, &first));
    ck_assert(chy_der_whole(&attributes, &second));
    ck_assert(chy_der_done(&attributes));
    uint64_t shorter = first.len < second.len ? first.len : second.len;
    ck_assert_int_lt(memcmp(first.ptr, second.ptr, shorter), 0);
    ck_assert(chy_der_next_is(&bags, CHY_DER_SEQUENCE)); // the chain's bag
}

START_TEST(attributes_stand_in_der_order)
{
    struct chy_op *op = test_op_new();
    assert_in_order(op, "a");
    assert_in_order(op, "a name that is longer than the identifier of the key");
    test_op_free(op);
}
END_TEST

START_TEST(a_name_may_be_absent_but_not_too_long)
{
    struct chy_op *op = test_op_new();
    struct chy_pkcs12_contents contents = contents_of(op, "");
    struct chy_slice safe;
    char name[CHY_PKCS12_NAME_MAX + 2];
    ck_assert_int_eq(chy_pkcs12_certificates(op, &contents, &safe), CHY_OK);
    memset(name, 'n', sizeof name);
    contents.friendly_name = chy_slice_of(name, CHY_PKCS12_NAME_MAX);
    ck_assert_int_eq(chy_pkcs12_certificates(op, &contents, &safe), CHY_OK);
    contents.friendly_name.len++;
    ck_assert_int_ne(chy_pkcs12_certificates(op, &contents, &safe), CHY_OK);
    test_op_free(op);
}
END_TEST

START_TEST(a_damaged_chain_is_noticed)
{
    struct chy_op *op = test_op_new();
    struct chy_pkcs12_contents contents = contents_of(op, "");
    struct chy_slice safe;
    contents.chain.len--;
    ck_assert_int_eq(chy_pkcs12_certificates(op, &contents, &safe), CHY_BROKEN);
    test_op_free(op);
}
END_TEST

TEST_MAIN("x509_pkcs12", TEST(text_becomes_utf16), TEST(what_is_no_text_is_refused),
          TEST(attributes_stand_in_der_order), TEST(a_name_may_be_absent_but_not_too_long),
          TEST(a_damaged_chain_is_noticed))
