#include "x509/name_constraints.h"

#include "base/ip_address.h"
#include "x509/der_string.h"
#include "x509/name.h"
#include "x509/name_match.h"
#include "x509/oid.h"
#include "x509/san.h"
#include "x509/show.h"

#include <chancery/host.h>

/** CHECKS_MAX bounds names times subtrees, so that a hostile pair of lists stays cheap. */
enum {
    CHECKS_MAX = 1 << 16
};

struct checker {
    const struct chy_name_constraints *constraints;
    uint64_t checks;
};

/* ------------------------------------------------------------------------------------------------
 * Reading
 */

/** Takes one GeneralSubtree; minimum and maximum are forbidden (RFC 5280 4.2.1.10). */
static bool take_subtree(struct chy_der *subtrees, struct chy_general_name *out_base)
{
    struct chy_der subtree;
    return chy_der_enter(subtrees, CHY_DER_SEQUENCE, &subtree) &&
           chy_der_any(&subtree, &out_base->kind, &out_base->value) && chy_der_done(&subtree);
}

static bool valid_base(const struct chy_general_name *base)
{
    struct chy_der name = chy_der_of(base->value);
    struct chy_slice whole;
    switch (base->kind) {
    case CHY_GENERAL_EMAIL:
    case CHY_GENERAL_DNS:
    case CHY_GENERAL_URI: return chy_der_string_valid(CHY_DER_IA5_STRING, base->value);
    case CHY_GENERAL_IP: return base->value.len == 8 || base->value.len == 32;
    case CHY_GENERAL_DIRECTORY:
        return chy_der_whole(&name, &whole) && chy_der_done(&name) && chy_name_well_formed(whole);
    default: return true;
    }
}

static bool valid_subtrees(struct chy_der subtrees)
{
    struct chy_general_name base;
    if (chy_der_done(&subtrees)) {
        return false;
    }
    while (!chy_der_done(&subtrees)) {
        if (!take_subtree(&subtrees, &base) || !valid_base(&base)) {
            return false;
        }
    }
    return true;
}

bool chy_name_constraints_read(struct chy_slice value, struct chy_name_constraints *out)
{
    struct chy_der reader = chy_der_of(value);
    struct chy_der inner;
    struct chy_der permitted = {0};
    struct chy_der excluded = {0};
    bool has_permitted;
    bool has_excluded;
    if (!chy_der_enter(&reader, CHY_DER_SEQUENCE, &inner) || !chy_der_done(&reader) ||
        chy_der_done(&inner) ||
        !chy_der_optional(&inner, CHY_DER_CONTEXT_SET(0), &has_permitted, &permitted) ||
        !chy_der_optional(&inner, CHY_DER_CONTEXT_SET(1), &has_excluded, &excluded) ||
        !chy_der_done(&inner) || (has_permitted && !valid_subtrees(permitted)) ||
        (has_excluded && !valid_subtrees(excluded))) {
        return false;
    }
    *out = (struct chy_name_constraints){permitted.rest, excluded.rest};
    return true;
}

/* ------------------------------------------------------------------------------------------------
 * A certificate's names against all bases
 */

static chy_status refuse(struct chy_op *op, const struct chy_general_name *name, const char *why)
{
    struct chy_slice shown = name->value;
    if (name->kind == CHY_GENERAL_DIRECTORY) {
        CHY_TRY(chy_name_text(op, name->value, &shown));
    } else if (name->kind == CHY_GENERAL_OTHER) {
        shown = chy_text("otherName");
    } else if (name->kind == CHY_GENERAL_IP) {
        CHY_TRY(chy_ip_text(op, name->value, &shown));
    }
    return chy_fail(op, CHY_BAD_INPUT, 0,
                    "the name constraints of the issuer do not allow '%.*s': %s", CHY_SHOW(shown),
                    why);
}

/** Walks the bases of the name's kind.  `out_any` tells whether there was one. */
static chy_status walk(struct chy_op *op, struct checker *checker, bool excluding,
                       const struct chy_general_name *name, bool *out_any, bool *out_within)
{
    struct chy_der reader =
        chy_der_of(excluding ? checker->constraints->excluded : checker->constraints->permitted);
    struct chy_general_name base;
    bool any = false;
    bool within = false;
    while (!within && take_subtree(&reader, &base)) {
        checker->checks++;
        if (checker->checks > CHECKS_MAX) {
            return chy_fail(op, CHY_BAD_INPUT, 0,
                            "there are too many names to check against name constraints");
        }
        if (base.kind != name->kind) {
            continue;
        }
        any = true;
        enum chy_name_verdict verdict = chy_general_name_judge(name, &base, excluding);
        if (verdict == CHY_NAME_UNKNOWN) {
            return refuse(op, name,
                          "names of this kind are constrained and this one cannot be judged");
        }
        within = verdict == CHY_NAME_WITHIN;
    }
    *out_any = any;
    *out_within = within;
    return CHY_OK;
}

static chy_status check_name(struct chy_op *op, struct checker *checker,
                             const struct chy_general_name *name)
{
    bool any = false;
    bool within = false;
    CHY_TRY(walk(op, checker, true, name, &any, &within));
    if (within) {
        return refuse(op, name, "it is excluded");
    }
    CHY_TRY(walk(op, checker, false, name, &any, &within));
    if (any && !within) {
        return refuse(op, name, "it is not among the permitted names");
    }
    return CHY_OK;
}

/** Checks each emailAddress of the subject (RFC 5280 4.2.1.10, for certificates without a SAN). */
static chy_status check_subject_emails(struct chy_op *op, struct checker *checker,
                                       struct chy_slice subject)
{
    struct chy_der reader = chy_der_of(subject);
    struct chy_der rdns;
    struct chy_der rdn;
    struct chy_der pair;
    struct chy_slice oid;
    struct chy_general_name name;
    if (!chy_der_enter(&reader, CHY_DER_SEQUENCE, &rdns)) {
        return CHY_OK;
    }
    while (chy_der_enter(&rdns, CHY_DER_SET, &rdn)) {
        while (chy_der_enter(&rdn, CHY_DER_SEQUENCE, &pair)) {
            if (chy_der_oid(&pair, &oid) && chy_oid_find(oid) == CHY_OID_EMAIL_ADDRESS &&
                chy_der_any(&pair, &name.kind, &name.value)) {
                name.kind = CHY_GENERAL_EMAIL;
                CHY_TRY(check_name(op, checker, &name));
            }
        }
    }
    return CHY_OK;
}

static chy_status check_sans(struct chy_op *op, struct checker *checker, struct chy_slice san_value)
{
    struct chy_der reader = chy_der_of(san_value);
    struct chy_der names;
    struct chy_general_name name;
    if (!chy_der_enter(&reader, CHY_DER_SEQUENCE, &names) || !chy_der_done(&reader)) {
        return chy_fail(op, CHY_BAD_INPUT, 0, "the subject alternative names are malformed");
    }
    while (!chy_der_done(&names)) {
        if (!chy_der_any(&names, &name.kind, &name.value)) {
            return chy_fail(op, CHY_BAD_INPUT, 0, "the subject alternative names are malformed");
        }
        CHY_TRY(check_name(op, checker, &name));
    }
    return CHY_OK;
}

chy_status chy_name_constraints_allow(struct chy_op *op,
                                      const struct chy_name_constraints *constraints,
                                      struct chy_slice subject, struct chy_slice san_value)
{
    struct checker checker = {constraints, 0};
    if (!chy_name_is_empty(subject)) {
        struct chy_general_name directory = {CHY_GENERAL_DIRECTORY, subject};
        CHY_TRY(check_name(op, &checker, &directory));
    }
    if (san_value.len == 0) {
        return check_subject_emails(op, &checker, subject);
    }
    return check_sans(op, &checker, san_value);
}
