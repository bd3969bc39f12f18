#include "x509/path.h"

#include "x509_data.h"

enum {
    DAY_S = 86400
};

struct path {
    struct chy_certificate items[CHY_PATH_MAX];
    uint64_t count;
};

static struct path path_of(struct chy_op *op, const char *const *files)
{
    struct path path = {.count = 0};
    for (; files[path.count] != NULL; path.count++) {
        ck_assert_int_eq(
            chy_certificate_read(op, x509_pem(op, files[path.count]), &path.items[path.count]),
            CHY_OK);
    }
    return path;
}

static const char *const good[] = {"cert-leaf", "cert-constrained", "cert-root", NULL};

/** What a test looks for: dates within the files' own. */
static struct chy_path_check check_of(const struct path *path)
{
    return (struct chy_path_check){.time = path->items[0].not_before + DAY_S * INT64_C(1000000)};
}

START_TEST(a_good_path_is_accepted)
{
    struct chy_op *op = test_op_new();
    struct path path = path_of(op, good);
    struct chy_path_check check = check_of(&path);
    ck_assert_msg(chy_path_validate(op, path.items, path.count, &check) == CHY_OK, "%s",
                  test_op_message(op));
    ck_assert_int_eq(chy_path_validate(op, path.items + 2, 1, &check), CHY_OK);
    test_op_free(op);
}
END_TEST

struct file_case {
    const char *files[5];
    const char *message;
};

static const struct file_case file_cases[] = {
    {{"cert-leaf-outside", "cert-constrained", "cert-root"}, "other.test"},
    {{"cert-leaf-excluded", "cert-constrained", "cert-root"}, "a.secret.example"},
    {{"cert-leaf-strange", "cert-open", "cert-root"}, "1.2.3.4.5"},
    {{"cert-leaf", "cert-open", "cert-root"}, "subject"},
    {{"cert-leaf", "cert-constrained", "cert-open"}, "subject"},
    {{"cert-leaf", "cert-root"}, "subject"},
};

START_TEST(bad_paths_are_refused)
{
    const struct file_case *c = &file_cases[_i];
    struct chy_op *op = test_op_new();
    struct path path = path_of(op, c->files);
    struct chy_path_check check = check_of(&path);
    ck_assert_msg(chy_path_validate(op, path.items, path.count, &check) == CHY_BAD_INPUT, "%s",
                  c->message);
    x509_assert_says(op, c->message, c->files[0]);
    test_op_free(op);
}
END_TEST

/* One thing at a time is changed in the good path. */

static void leaf_expired(struct path *p)
{
    p->items[0].not_after = p->items[0].not_before;
}
static void ca_expired(struct path *p)
{
    p->items[1].not_after = p->items[0].not_before;
}
static void root_too_young(struct path *p)
{
    p->items[2].not_before = p->items[0].not_after;
}
static void no_ca(struct path *p)
{
    p->items[1].basic_constraints.is_ca = false;
}
static void no_constraints(struct path *p)
{
    p->items[1].has_basic_constraints = false;
}
static void no_cert_sign(struct path *p)
{
    p->items[1].key_usage = CHY_KU_CRL_SIGN;
}
static void no_key_usage(struct path *p)
{
    p->items[1].has_key_usage = false;
}
static void other_key_id(struct path *p)
{
    p->items[0].authority_key_id.ptr++;
}
static void no_key_id(struct path *p)
{
    p->items[0].authority_key_id.len = 0;
}
static void unknown_critical(struct path *p)
{
    p->items[2].unknown_critical = p->items[2].serial;
}

static void short_root(struct path *p)
{
    p->items[2].basic_constraints.has_path_length = true;
    p->items[2].basic_constraints.path_length = 0;
}

static void long_enough_root(struct path *p)
{
    p->items[2].basic_constraints.has_path_length = true;
    p->items[2].basic_constraints.path_length = 1;
}

static void short_root_and_rollover(struct path *p)
{
    short_root(p);
    p->items[1].self_issued = true; // does not count (RFC 5280 6.1.4 (l))
}

struct change_case {
    const char *name;
    void (*change)(struct path *p);
    const char *message; // NULL: still fine
};

static const struct change_case change_cases[] = {
    {"leaf expired", leaf_expired, "certificate 1 of the path ('CN=leaf.example"},
    {"CA expired", ca_expired, "expired at"},
    {"root too young", root_too_young, "valid only from"},
    {"no CA", no_ca, "not a CA certificate"},
    {"no basic constraints", no_constraints, "not a CA certificate"},
    {"may not sign", no_cert_sign, "may not sign certificates"},
    {"no key usage", no_key_usage, NULL},
    {"other key identifier", other_key_id, "key identifiers"},
    {"no key identifier", no_key_id, NULL},
    {"unknown critical", unknown_critical, "certificate 3"},
    {"path length 0", short_root, "path length"},
    {"path length 1", long_enough_root, NULL},
    {"path length 0 over a rollover", short_root_and_rollover, NULL},
};

START_TEST(each_rule_holds)
{
    const struct change_case *c = &change_cases[_i];
    struct chy_op *op = test_op_new();
    struct path path = path_of(op, good);
    struct chy_path_check check = check_of(&path);
    c->change(&path);
    chy_status status = chy_path_validate(op, path.items, path.count, &check);
    ck_assert_msg(status == (c->message == NULL ? CHY_OK : CHY_BAD_INPUT), "%s: %s", c->name,
                  test_op_message(op));
    if (c->message != NULL) {
        x509_assert_says(op, c->message, c->name);
    }
    test_op_free(op);
}
END_TEST

START_TEST(a_ca_below_path_length_zero_is_refused)
{
    struct chy_op *op = test_op_new();
    static const char *const files[] = {"cert-sub-ca", "cert-constrained", "cert-root", NULL};
    struct path path = path_of(op, files);
    struct chy_path_check check = check_of(&path);
    // As the end of the path it is just a certificate; with one below, it is a CA too many.
    ck_assert_int_eq(chy_path_validate(op, path.items, 3, &check), CHY_OK);
    struct path longer = {.count = 4};
    longer.items[0] = path.items[0];
    longer.items[0].issuer = path.items[0].subject;
    longer.items[0].authority_key_id.len = 0;
    memcpy(&longer.items[1], path.items, 3 * sizeof path.items[0]);
    ck_assert_int_eq(chy_path_validate(op, longer.items, 4, &check), CHY_BAD_INPUT);
    x509_assert_says(op, "path length", "sub-ca");
    test_op_free(op);
}
END_TEST

START_TEST(the_last_second_is_valid)
{
    struct chy_op *op = test_op_new();
    struct path path = path_of(op, good);
    struct chy_path_check check = check_of(&path);
    int64_t end = path.items[2].not_after;
    for (uint64_t i = 0; i < 2; i++) {
        path.items[i].not_after = end + INT64_C(1000000000);
    }
    check.time = end + 999999;
    ck_assert_int_eq(chy_path_validate(op, path.items, 3, &check), CHY_OK);
    check.time = end + 1000000;
    ck_assert_int_eq(chy_path_validate(op, path.items, 3, &check), CHY_BAD_INPUT);
    check.ignore_dates = true;
    ck_assert_int_eq(chy_path_validate(op, path.items, 3, &check), CHY_OK);
    test_op_free(op);
}
END_TEST

/* Signatures: who is asked, about what, in which order. */

struct asked {
    struct chy_slice spki[4];
    struct chy_slice message[4];
    uint64_t count;
    uint64_t refuse_at;
};

static chy_status note(void *context, struct chy_op *op, struct chy_slice spki, uint32_t algorithm,
                       struct chy_slice message, struct chy_slice signature)
{
    struct asked *asked = context;
    ck_assert_uint_eq(algorithm, CHY_SIG_ECDSA_SHA256);
    ck_assert_uint_gt(signature.len, 60);
    asked->spki[asked->count] = spki;
    asked->message[asked->count] = message;
    asked->count++;
    if (asked->count == asked->refuse_at) {
        return chy_fail_reason(op, CHY_BAD_INPUT, CHY_REASON_CRYPTO, "it does not hold");
    }
    return CHY_OK;
}

START_TEST(each_signature_is_checked_with_its_issuers_key)
{
    struct chy_op *op = test_op_new();
    struct path path = path_of(op, good);
    struct chy_path_check check = check_of(&path);
    struct asked asked = {.count = 0};
    check.verify = note;
    check.context = &asked;
    ck_assert_int_eq(chy_path_validate(op, path.items, 3, &check), CHY_OK);
    ck_assert_uint_eq(asked.count, 3);
    for (uint64_t i = 0; i < 3; i++) {
        ck_assert(chy_slice_equal(asked.message[i], path.items[i].tbs));
        ck_assert(chy_slice_equal(asked.spki[i], path.items[i < 2 ? i + 1 : 2].spki.der));
    }
    asked.count = 0;
    check.skip_leaf_signature = true;
    ck_assert_int_eq(chy_path_validate(op, path.items, 3, &check), CHY_OK);
    ck_assert_uint_eq(asked.count, 2);
    test_op_free(op);
}
END_TEST

START_TEST(a_signature_that_does_not_hold_ends_it)
{
    struct chy_op *op = test_op_new();
    struct path path = path_of(op, good);
    struct chy_path_check check = check_of(&path);
    for (uint64_t i = 1; i <= 3; i++) {
        struct asked asked = {.refuse_at = i};
        check.verify = note;
        check.context = &asked;
        ck_assert_int_eq(chy_path_validate(op, path.items, 3, &check), CHY_BAD_INPUT);
        ck_assert_uint_eq(x509_reason(op), CHY_REASON_CRYPTO);
        ck_assert_uint_eq(asked.count, i);
    }
    test_op_free(op);
}
END_TEST

START_TEST(a_trusted_intermediate_ends_the_path)
{
    struct chy_op *op = test_op_new();
    struct path path = path_of(op, good);
    struct chy_path_check check = check_of(&path);
    struct asked asked = {.count = 0};
    check.verify = note;
    check.context = &asked;
    // Its own signature was made by a key that is not in the path.
    ck_assert_int_eq(chy_path_validate(op, path.items, 2, &check), CHY_OK);
    ck_assert_uint_eq(asked.count, 1);
    test_op_free(op);
}
END_TEST

/** RFC 5280 6.1.3 (b) and (c): only a self-issued certificate inside the path is exempt. */
START_TEST(name_constraints_spare_rollovers_only)
{
    struct chy_op *op = test_op_new();
    static const char *const files[] = {"cert-leaf", "cert-open", "cert-constrained", NULL};
    struct path path = path_of(op, files);
    struct chy_path_check check = check_of(&path);
    struct chy_certificate outside;
    ck_assert_int_eq(chy_certificate_read(op, x509_pem(op, "cert-leaf-outside"), &outside), CHY_OK);
    path.items[0].issuer = path.items[1].subject;
    path.items[0].authority_key_id.len = 0;
    path.items[1].issuer = path.items[2].subject;
    path.items[1].authority_key_id.len = 0;
    path.items[2].basic_constraints.has_path_length = false;
    ck_assert_msg(chy_path_validate(op, path.items, 3, &check) == CHY_OK, "%s",
                  test_op_message(op));
    path.items[1].san_value = outside.san_value;
    ck_assert_int_eq(chy_path_validate(op, path.items, 3, &check), CHY_BAD_INPUT);
    x509_assert_says(op, "other.test", "inside");
    path.items[1].self_issued = true;
    ck_assert_int_eq(chy_path_validate(op, path.items, 3, &check), CHY_OK);
    path.items[0].san_value = outside.san_value;
    path.items[0].self_issued = true;
    ck_assert_int_eq(chy_path_validate(op, path.items, 3, &check), CHY_BAD_INPUT);
    x509_assert_says(op, "other.test", "end");
    test_op_free(op);
}
END_TEST

START_TEST(a_path_has_a_length)
{
    struct chy_op *op = test_op_new();
    struct path path = path_of(op, good);
    struct chy_path_check check = check_of(&path);
    ck_assert_int_eq(chy_path_validate(op, path.items, 0, &check), CHY_BAD_INPUT);
    ck_assert_int_eq(chy_path_validate(op, path.items, CHY_PATH_MAX + 1, &check), CHY_BAD_INPUT);
    test_op_free(op);
}
END_TEST

TEST_MAIN("x509_path", TEST(a_good_path_is_accepted), TEST_EACH(bad_paths_are_refused, file_cases),
          TEST_EACH(each_rule_holds, change_cases), TEST(a_ca_below_path_length_zero_is_refused),
          TEST(the_last_second_is_valid), TEST(each_signature_is_checked_with_its_issuers_key),
          TEST(a_signature_that_does_not_hold_ends_it), TEST(a_trusted_intermediate_ends_the_path),
          TEST(name_constraints_spare_rollovers_only), TEST(a_path_has_a_length))
