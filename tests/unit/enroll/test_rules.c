#include "enroll/rules.h"

#include "resource/json.h"
#include "test_main.h"
#include "test_op.h"

/** What a certificate is to say: only what the rules look at. */
struct wish {
    const char *subject[4]; /**< "common_name=x" */
    const char *sans[4];    /**< "dns_name=x" */
    uint32_t key_usage;
    uint32_t ekus;
    uint32_t key;
    uint32_t signature;
    bool key_asked;
    bool signature_asked;
    bool has_csr;
    bool is_ca;
    int path_length; /**< 0: none; else one more than it */
    int64_t days;
};

struct rule_case {
    const char *name;
    struct chy_policy_text policy;
    struct wish wish;
    const char *reason; /**< part of the message; NULL: passes */
};

#define J(text) CHY_TEXT_INIT(text)
#define CN_RULE(rest) .subject = J("[{\"type\":\"common_name\"," rest "}]")
#define DNS_RULE(rest) .sans = J("[{\"type\":\"dns_name\"," rest "}]")

static const struct rule_case cases[] = {
    {"nothing is fine", {.subject = {0}}, {.days = 1}, NULL},
    {"a subject needs a rule",
     {.subject = {0}},
     {.subject = {"common_name=x"}},
     "no rule for common_name"},
    {"exact values",
     {CN_RULE("\"allowed\":[\"a.example\"]")},
     {.subject = {"common_name=a.example"}},
     NULL},
    {"subjects mind the case",
     {CN_RULE("\"allowed\":[\"A.example\"]")},
     {.subject = {"common_name=a.example"}},
     "not allowed"},
    {"a star crosses dots",
     {CN_RULE("\"allowed\":[\"*.example\"]")},
     {.subject = {"common_name=a.b.example"}},
     NULL},
    {"patterns are anchored",
     {CN_RULE("\"allowed\":[\"*.example\"]")},
     {.subject = {"common_name=a.example.evil"}},
     "not allowed"},
    {"denied wins",
     {CN_RULE("\"allowed\":[\"*\"],\"denied\":[\"root\"]")},
     {.subject = {"common_name=root"}},
     "is denied"},
    {"required must be there",
     {CN_RULE("\"required\":[\"*.example\"]")},
     {.days = 1},
     "common_name is required"},
    {"required must match",
     {CN_RULE("\"required\":[\"*.example\"]")},
     {.subject = {"common_name=x"}},
     "does not match a required"},
    {"required allows",
     {CN_RULE("\"required\":[\"r\"],\"allowed\":[\"a\"]")},
     {.subject = {"common_name=r"}},
     NULL},
    {"every attribute is checked",
     {.subject = J("[{\"type\":\"organizational_unit\",\"allowed\":[\"A\"]}]")},
     {.subject = {"organizational_unit=A", "organizational_unit=B"}},
     "'B' is not allowed"},
    {"a second value does not pass beside a required one",
     {.subject = J("[{\"type\":\"organizational_unit\",\"required\":[\"Ops\"]}]")},
     {.subject = {"organizational_unit=Admins", "organizational_unit=Ops"}},
     "does not match a required"},
    {"two values may both be required ones",
     {.subject = J("[{\"type\":\"organizational_unit\",\"required\":[\"Ops\",\"Dev\"]}]")},
     {.subject = {"organizational_unit=Dev", "organizational_unit=Ops"}},
     NULL},
    {"a second value may be an allowed one",
     {.subject =
          J("[{\"type\":\"organizational_unit\",\"required\":[\"Ops\"],\"allowed\":[\"D*\"]}]")},
     {.subject = {"organizational_unit=Dev", "organizational_unit=Ops"}},
     NULL},
    {"locality is not forgotten",
     {CN_RULE("\"allowed\":[\"*\"]")},
     {.subject = {"common_name=x", "locality=Y"}},
     "no rule for locality"},

    {"a name needs a rule",
     {.sans = {0}},
     {.sans = {"dns_name=a.example"}},
     "no rule for dns_name"},
    {"a name of another type too",
     {DNS_RULE("\"allowed\":[\"*\"]")},
     {.sans = {"ip_address=10.0.0.1"}},
     "no rule for ip_address"},
    {"names ignore the case",
     {DNS_RULE("\"allowed\":[\"*.ACME.com\"]")},
     {.sans = {"dns_name=a.acme.com"}},
     NULL},
    {"every name is checked",
     {DNS_RULE("\"allowed\":[\"*.acme.com\"]")},
     {.sans = {"dns_name=a.acme.com", "dns_name=evil.com"}},
     "'evil.com' is not allowed"},
    {"each required pattern needs a name",
     {DNS_RULE("\"required\":[\"a.*\",\"b.*\"]")},
     {.sans = {"dns_name=a.x"}},
     "matches 'b.*' is required"},
    {"wildcards need consent",
     {DNS_RULE("\"allowed\":[\"*\"],\"wildcards\":false")},
     {.sans = {"dns_name=*.acme.com"}},
     "wildcard"},
    {"wildcards pass by default",
     {DNS_RULE("\"allowed\":[\"*\"]")},
     {.sans = {"dns_name=*.acme.com"}},
     NULL},
    {"e-mail domains ignore the case",
     {.sans = J("[{\"type\":\"email\",\"allowed\":[\"*@ACME.com\"]}]")},
     {.sans = {"email=Bob@acme.com"}},
     NULL},
    {"e-mail names do not",
     {.sans = J("[{\"type\":\"email\",\"allowed\":[\"bob@acme.com\"]}]")},
     {.sans = {"email=Bob@acme.com"}},
     "not allowed"},
    {"URI hosts ignore the case",
     {.sans = J("[{\"type\":\"uri\",\"allowed\":[\"https://HOST.example/A*\"]}]")},
     {.sans = {"uri=https://host.example/Abc"}},
     NULL},
    {"patterns of names are made canonical",
     {DNS_RULE("\"allowed\":[\"*\"],\"denied\":[\"*.bücher.example\"]")},
     {.sans = {"dns_name=a.BÜCHER.example"}},
     "is denied"},
    {"so are addresses",
     {.sans = J("[{\"type\":\"ip_address\",\"allowed\":[\"*\"],\"denied\":[\"2001:0DB8:0::1\",\"::"
                "ffff:10.0.0.1\"]}]")},
     {.sans = {"ip_address=2001:db8::1"}},
     "is denied"},
    {"and mapped ones",
     {.sans =
          J("[{\"type\":\"ip_address\",\"allowed\":[\"*\"],\"denied\":[\"::ffff:10.0.0.1\"]}]")},
     {.sans = {"ip_address=10.0.0.1"}},
     "is denied"},
    {"a star in a canonical pattern stays one",
     {DNS_RULE("\"allowed\":[\"*.bücher.example\"]")},
     {.sans = {"dns_name=a.b.xn--bcher-kva.example"}},
     NULL},

    {"usages need a rule",
     {.key_usages = {0}},
     {.key_usage = CHY_KU_DIGITAL_SIGNATURE},
     "'digital_signature' is not allowed"},
    {"a rule that only denies allows nothing",
     {.key_usages = J("{\"denied\":[\"crl_sign\"]}")},
     {.key_usage = CHY_KU_DIGITAL_SIGNATURE},
     "not allowed"},
    {"required usages must be asked for",
     {.key_usages = J("{\"required\":[\"digital_signature\"]}")},
     {.days = 1},
     "'digital_signature' is required"},
    {"required usages are allowed",
     {.key_usages = J("{\"required\":[\"digital_signature\"]}")},
     {.key_usage = CHY_KU_DIGITAL_SIGNATURE},
     NULL},
    {"a denied usage is not had by asking for none",
     {.key_usages = J("{\"allowed\":[\"key_agreement\"],\"denied\":[\"digital_signature\"]}")},
     {.days = 1},
     "'digital_signature' is denied"},
    {"nor a CA's",
     {.key_usages = J("{\"denied\":[\"crl_sign\"]}"),
      .basic_constraints = J("{\"isCA\":\"allowed\"}")},
     {.is_ca = true},
     "'crl_sign' is denied"},
    {"no rule leaves the usage that is always there", {.key_usages = {0}}, {.days = 1}, NULL},
    {"old spellings",
     {.extended_key_usages = J("{\"allowed\":[\"serverAuth\"]}")},
     {.ekus = CHY_EKU_SERVER_AUTH},
     NULL},

    {"an algorithm that is named needs a list",
     {.algorithms = {0}},
     {.key = CHY_KEY_EC_P256, .key_asked = true},
     "key algorithm 'EC_prime256v1' is not allowed"},
    {"a chosen one does not", {.algorithms = {0}}, {.key = CHY_KEY_EC_P256}, NULL},
    {"policy spellings",
     {.algorithms = J("{\"keyAlgorithm\":[\"ECDSA-P256\"],\"signature\":[\"SHA256-ECDSA\"]}")},
     {.key = CHY_KEY_EC_P256,
      .key_asked = true,
      .signature = CHY_SIG_ECDSA_SHA256,
      .signature_asked = true},
     NULL},
    {"a CSR's key is judged by a list",
     {.algorithms = J("{\"keyAlgorithm\":[\"RSA-2048\"]}")},
     {.key = CHY_KEY_EC_P256, .has_csr = true},
     "is not allowed"},
    {"and without one it is free",
     {.algorithms = {0}},
     {.key = CHY_KEY_EC_P256, .has_csr = true},
     NULL},
    {"a list of unknown names lets nothing pass",
     {.algorithms = J("{\"keyAlgorithm\":[\"SLH-DSA-SHA2-128f\"]}")},
     {.key = CHY_KEY_RSA_2048},
     "is not allowed"},

    {"a validity within the maximum", {.validity = J("{\"max\":\"1y\"}")}, {.days = 365}, NULL},
    {"and beyond", {.validity = J("{\"max\":\"1y\"}")}, {.days = 366}, "longer than the maximum"},
    {"months are 30 days",
     {.validity = J("{\"max\":\"2m\"}")},
     {.days = 61},
     "longer than the maximum"},

    {"CA certificates are out by default",
     {.basic_constraints = {0}},
     {.is_ca = true},
     "CA certificates are not allowed"},
    {"unless allowed", {.basic_constraints = J("{\"isCA\":\"allowed\"}")}, {.is_ca = true}, NULL},
    {"or required",
     {.basic_constraints = J("{\"isCA\":\"required\"}")},
     {.days = 1},
     "a CA certificate is required"},
    {"a finite path length must be given",
     {.basic_constraints = J("{\"isCA\":\"allowed\",\"maxPathLength\":1}")},
     {.is_ca = true},
     "a path length is required"},
    {"and kept",
     {.basic_constraints = J("{\"isCA\":\"allowed\",\"maxPathLength\":1}")},
     {.is_ca = true, .path_length = 3},
     "more than the maximum"},
    {"minus one is no limit",
     {.basic_constraints = J("{\"isCA\":\"allowed\",\"maxPathLength\":-1}")},
     {.is_ca = true},
     NULL},

    {"all reasons at once",
     {.subject = {0}},
     {.subject = {"common_name=x"}, .sans = {"dns_name=y"}, .key_usage = CHY_KU_CRL_SIGN},
     "common_name 'x' is not allowed: the policy has no rule for common_name, dns_name 'y' is not "
     "allowed: the policy has no rule for dns_name, key usage 'crl_sign' is not allowed"},
};

static struct chy_slice after_equals(const char *text, struct chy_slice *out_word)
{
    const char *equals = strchr(text, '=');
    *out_word = chy_slice_of(text, (uint64_t)(equals - text));
    return chy_text(equals + 1);
}

static void make_decision(struct chy_op *op, const struct wish *wish, struct chy_decision *d)
{
    static struct chy_name_attribute attributes[4];
    static struct chy_san sans[4];
    struct chy_slice word;
    memset(d, 0, sizeof *d);
    for (size_t i = 0; i < 4 && wish->subject[i] != NULL; i++) {
        attributes[i].value = after_equals(wish->subject[i], &word);
        ck_assert(chy_name_type_find(word, &attributes[i].type));
        d->subject.count++;
    }
    for (size_t i = 0; i < 4 && wish->sans[i] != NULL; i++) {
        enum chy_san_type type;
        struct chy_slice value = after_equals(wish->sans[i], &word);
        ck_assert(chy_san_type_find(word, &type));
        ck_assert_int_eq(chy_san_make(op, type, value, &sans[i]), CHY_OK);
        d->sans.count++;
    }
    d->subject.attributes = attributes;
    d->sans.items = sans;
    d->key_usage = wish->key_usage;
    d->ekus = wish->ekus;
    d->key_algorithm = wish->key == 0 ? (uint32_t)CHY_KEY_RSA_2048 : wish->key;
    d->signature_algorithm = wish->signature == 0 ? (uint32_t)CHY_SIG_RSA_SHA256 : wish->signature;
    d->key_algorithm_asked = wish->key_asked;
    d->signature_algorithm_asked = wish->signature_asked;
    d->has_csr = wish->has_csr;
    d->basic_constraints.is_ca = wish->is_ca;
    d->basic_constraints.has_path_length = wish->path_length != 0;
    d->basic_constraints.path_length =
        wish->path_length == 0 ? 0U : (uint32_t)wish->path_length - 1;
    d->validity = wish->days * INT64_C(86400000000);
}

START_TEST(a_policy_is_held)
{
    const struct rule_case *c = &cases[_i];
    struct chy_op *op = test_op_new();
    struct chy_rules rules;
    struct chy_decision decision;
    chy_json_setup();
    ck_assert_msg(chy_rules_init(&rules, op, &c->policy) == CHY_OK, "%s", c->name);
    make_decision(op, &c->wish, &decision);
    chy_status status = chy_rules_evaluate(op, &rules, &decision);
    if (c->reason == NULL) {
        ck_assert_msg(status == CHY_OK, "%s: %s", c->name, test_op_message(op));
    } else {
        ck_assert_msg(status == CHY_BAD_INPUT, "%s: passed", c->name);
        ck_assert_msg(strstr(test_op_message(op), c->reason) != NULL, "%s: %s", c->name,
                      test_op_message(op));
        ck_assert_msg(strncmp(test_op_message(op), "certificate request validation failed: ", 39) ==
                          0,
                      "%s: %s", c->name, test_op_message(op));
    }
    chy_rules_fini(&rules);
    test_op_free(op);
}
END_TEST

START_TEST(a_damaged_policy_is_not_taken_for_an_open_one)
{
    struct chy_op *op = test_op_new();
    struct chy_rules rules;
    struct chy_policy_text policy = {.subject = J("[{\"type\":\"nonsense\",\"allowed\":[\"*\"]}]")};
    chy_json_setup();
    ck_assert_int_eq(chy_rules_init(&rules, op, &policy), CHY_BROKEN);
    chy_rules_fini(&rules);
    policy.subject = chy_text("[{");
    ck_assert_int_ne(chy_rules_init(&rules, op, &policy), CHY_OK);
    chy_rules_fini(&rules);
    test_op_free(op);
}
END_TEST

TEST_MAIN("enroll/rules", TEST_EACH(a_policy_is_held, cases),
          TEST(a_damaged_policy_is_not_taken_for_an_open_one))
