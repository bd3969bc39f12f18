#include "x509/name_constraints.h"

#include "base/slice.h"
#include "x509/der_string.h"
#include "x509/name.h"
#include "x509/oid.h"
#include "x509/san.h"
#include "x509/show.h"

#include <chancery/host.h>

/* GeneralName's choices (RFC 5280 4.2.1.6). */
enum {
    KIND_OTHER = CHY_DER_CONTEXT_SET(0),
    KIND_EMAIL = CHY_DER_CONTEXT(1),
    KIND_DNS = CHY_DER_CONTEXT(2),
    KIND_DIRECTORY = CHY_DER_CONTEXT_SET(4),
    KIND_URI = CHY_DER_CONTEXT(6),
    KIND_IP = CHY_DER_CONTEXT(7)
};

/** CHECKS_MAX bounds names times subtrees, so that a hostile pair of lists stays cheap. */
enum {
    CHECKS_MAX = 1 << 16
};

/** A GeneralName: the tag tells which kind. */
struct general_name {
    uint8_t kind;
    struct chy_slice value;
};

struct checker {
    const struct chy_name_constraints *constraints;
    uint64_t checks;
};

/* ------------------------------------------------------------------------------------------------
 * Reading
 */

/** Takes one GeneralSubtree; minimum and maximum are forbidden (RFC 5280 4.2.1.10). */
static bool take_subtree(struct chy_der *subtrees, struct general_name *out_base)
{
    struct chy_der subtree;
    return chy_der_enter(subtrees, CHY_DER_SEQUENCE, &subtree) &&
           chy_der_any(&subtree, &out_base->kind, &out_base->value) && chy_der_done(&subtree);
}

static bool valid_base(const struct general_name *base)
{
    struct chy_der name = chy_der_of(base->value);
    struct chy_slice whole;
    switch (base->kind) {
    case KIND_EMAIL:
    case KIND_DNS:
    case KIND_URI: return chy_der_string_valid(CHY_DER_IA5_STRING, base->value);
    case KIND_IP: return base->value.len == 8 || base->value.len == 32;
    case KIND_DIRECTORY:
        return chy_der_whole(&name, &whole) && chy_der_done(&name) && chy_name_well_formed(whole);
    default: return true;
    }
}

static bool valid_subtrees(struct chy_der subtrees)
{
    struct general_name base;
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
 * Matching one name against one base
 */

static bool ends_with_nocase(struct chy_slice text, struct chy_slice suffix)
{
    return text.len >= suffix.len &&
           chy_slice_equal_nocase(chy_slice_skip(text, text.len - suffix.len), suffix);
}

/** The base and everything that adds labels on its left; a leading dot is tolerated as others do. */
static bool dns_within(struct chy_slice host, struct chy_slice base)
{
    if (base.len > 0 && base.ptr[0] == '.') {
        return ends_with_nocase(host, base);
    }
    if (base.len == 0) {
        return true;
    }
    return ends_with_nocase(host, base) &&
           (host.len == base.len || host.ptr[host.len - base.len - 1] == '.');
}

/** Could a wildcard stand for a host within the base?  It covers one label, so only a base that is
 *  one label longer than its fixed part. */
static bool wildcard_meets(struct chy_slice host, struct chy_slice base)
{
    struct chy_slice label;
    struct chy_slice parent;
    return chy_slice_starts_with(host, chy_text("*.")) &&
           chy_slice_cut(base, '.', &label, &parent) && label.len > 0 &&
           chy_slice_equal_nocase(chy_slice_skip(host, 2), parent);
}

/** A host itself, or with a leading dot everything below it, but not itself. */
static bool host_within(struct chy_slice host, struct chy_slice base)
{
    if (base.len > 0 && base.ptr[0] == '.') {
        return ends_with_nocase(host, base) && host.len > base.len;
    }
    return chy_slice_equal_nocase(host, base);
}

static bool email_within(struct chy_slice address, struct chy_slice base)
{
    uint64_t at;
    uint64_t base_at;
    if (!chy_slice_find_last(address, '@', &at)) {
        return false;
    }
    struct chy_slice host = chy_slice_skip(address, at + 1);
    if (!chy_slice_find_last(base, '@', &base_at)) {
        return host_within(host, base);
    }
    // A whole mailbox: the local part counts with its case, the host without.
    return chy_slice_equal(chy_slice_first(address, at), chy_slice_first(base, base_at)) &&
           chy_slice_equal_nocase(host, chy_slice_skip(base, base_at + 1));
}

/** Finds the host of a URI; false when it has none, or an address, which no base can cover. */
static bool uri_host(struct chy_slice uri, struct chy_slice *out_host)
{
    struct chy_slice scheme;
    struct chy_slice rest;
    uint64_t at;
    if (!chy_slice_cut(uri, ':', &scheme, &rest) || !chy_slice_starts_with(rest, chy_text("//"))) {
        return false;
    }
    rest = chy_slice_skip(rest, 2);
    uint64_t len = 0;
    while (len < rest.len && rest.ptr[len] != '/' && rest.ptr[len] != '?' && rest.ptr[len] != '#') {
        len++;
    }
    struct chy_slice host = chy_slice_first(rest, len);
    if (chy_slice_find_last(host, '@', &at)) {
        host = chy_slice_skip(host, at + 1);
    }
    if (host.len > 0 && host.ptr[0] == '[') {
        return false;
    }
    if (chy_slice_find(host, ':', &at)) {
        host = chy_slice_first(host, at);
    }
    if (host.len == 0 || (host.ptr[host.len - 1] >= '0' && host.ptr[host.len - 1] <= '9')) {
        return false; // an IPv4 address, as no host name ends in a number
    }
    *out_host = host;
    return true;
}

static bool ip_within(struct chy_slice address, struct chy_slice base)
{
    if (base.len != 2 * address.len) {
        return false;
    }
    for (uint64_t i = 0; i < address.len; i++) {
        uint8_t mask = base.ptr[address.len + i];
        if (((address.ptr[i] ^ base.ptr[i]) & mask) != 0) {
            return false;
        }
    }
    return true;
}

/** Compares two attributes: octets, or text without regard to ASCII case and the string type. */
static bool same_attribute(struct chy_slice a, struct chy_slice b)
{
    struct chy_der left = chy_der_of(a);
    struct chy_der right = chy_der_of(b);
    struct chy_slice left_oid;
    struct chy_slice right_oid;
    struct chy_slice left_value;
    struct chy_slice right_value;
    uint8_t left_tag;
    uint8_t right_tag;
    if (chy_slice_equal(a, b)) {
        return true;
    }
    if (!chy_der_oid(&left, &left_oid) || !chy_der_oid(&right, &right_oid) ||
        !chy_slice_equal(left_oid, right_oid) || !chy_der_any(&left, &left_tag, &left_value) ||
        !chy_der_any(&right, &right_tag, &right_value)) {
        return false;
    }
    bool left_plain = left_tag == CHY_DER_UTF8_STRING || left_tag == CHY_DER_PRINTABLE_STRING ||
                      left_tag == CHY_DER_IA5_STRING;
    bool right_plain = right_tag == CHY_DER_UTF8_STRING || right_tag == CHY_DER_PRINTABLE_STRING ||
                       right_tag == CHY_DER_IA5_STRING;
    return left_plain && right_plain && chy_slice_equal_nocase(left_value, right_value);
}

/** Multi-valued RDNs are compared in the order of their DER. */
static bool same_rdn(struct chy_der a, struct chy_der b)
{
    struct chy_slice left;
    struct chy_slice right;
    while (!chy_der_done(&a) && !chy_der_done(&b)) {
        if (!chy_der_take(&a, CHY_DER_SEQUENCE, &left) ||
            !chy_der_take(&b, CHY_DER_SEQUENCE, &right) || !same_attribute(left, right)) {
            return false;
        }
    }
    return chy_der_done(&a) && chy_der_done(&b);
}

/** Is `base` (a Name) the beginning of `name` (a Name)? */
static bool directory_within(struct chy_slice name, struct chy_slice base)
{
    struct chy_der name_reader = chy_der_of(name);
    struct chy_der base_reader = chy_der_of(base);
    struct chy_der names;
    struct chy_der bases;
    struct chy_der left;
    struct chy_der right;
    if (!chy_der_enter(&name_reader, CHY_DER_SEQUENCE, &names) ||
        !chy_der_enter(&base_reader, CHY_DER_SEQUENCE, &bases)) {
        return false;
    }
    while (!chy_der_done(&bases)) {
        if (!chy_der_enter(&bases, CHY_DER_SET, &right) ||
            !chy_der_enter(&names, CHY_DER_SET, &left) || !same_rdn(left, right)) {
            return false;
        }
    }
    return true;
}

enum verdict {
    OUTSIDE,
    WITHIN,
    UNKNOWN
};

static enum verdict judge(const struct general_name *name, const struct general_name *base,
                          bool excluding)
{
    struct chy_slice host;
    bool within;
    switch (name->kind) {
    case KIND_DNS:
        within = dns_within(name->value, base->value) ||
                 (excluding && wildcard_meets(name->value, base->value));
        break;
    case KIND_EMAIL: within = email_within(name->value, base->value); break;
    case KIND_IP: within = ip_within(name->value, base->value); break;
    case KIND_DIRECTORY: within = directory_within(name->value, base->value); break;
    case KIND_URI:
        // RFC 5280 4.2.1.10: a URI without a host name is refused once URIs are constrained.
        if (!uri_host(name->value, &host)) {
            return UNKNOWN;
        }
        within = host_within(host, base->value);
        break;
    default: return UNKNOWN;
    }
    return within ? WITHIN : OUTSIDE;
}

/* ------------------------------------------------------------------------------------------------
 * A certificate's names against all bases
 */

static chy_status refuse(struct chy_op *op, const struct general_name *name, const char *why)
{
    struct chy_slice shown = name->value;
    if (name->kind == KIND_DIRECTORY) {
        CHY_TRY(chy_name_text(op, name->value, &shown));
    } else if (name->kind == KIND_OTHER) {
        shown = chy_text("otherName");
    } else if (name->kind == KIND_IP) {
        CHY_TRY(chy_san_ip_text(op, name->value, &shown));
    }
    return chy_fail(op, CHY_BAD_INPUT, 0,
                    "the name constraints of the issuer do not allow '%.*s': %s", CHY_SHOW(shown),
                    why);
}

/** Walks the bases of the name's kind.  `out_any` tells whether there was one. */
static chy_status walk(struct chy_op *op, struct checker *checker, bool excluding,
                       const struct general_name *name, bool *out_any, bool *out_within)
{
    struct chy_der reader =
        chy_der_of(excluding ? checker->constraints->excluded : checker->constraints->permitted);
    struct general_name base;
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
        enum verdict verdict = judge(name, &base, excluding);
        if (verdict == UNKNOWN) {
            return refuse(op, name,
                          "names of this kind are constrained and this one cannot be judged");
        }
        within = verdict == WITHIN;
    }
    *out_any = any;
    *out_within = within;
    return CHY_OK;
}

static chy_status check_name(struct chy_op *op, struct checker *checker,
                             const struct general_name *name)
{
    bool any;
    bool within;
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
    struct general_name name;
    if (!chy_der_enter(&reader, CHY_DER_SEQUENCE, &rdns)) {
        return CHY_OK;
    }
    while (chy_der_enter(&rdns, CHY_DER_SET, &rdn)) {
        while (chy_der_enter(&rdn, CHY_DER_SEQUENCE, &pair)) {
            if (chy_der_oid(&pair, &oid) && chy_oid_find(oid) == CHY_OID_EMAIL_ADDRESS &&
                chy_der_any(&pair, &name.kind, &name.value)) {
                name.kind = KIND_EMAIL;
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
    struct general_name name;
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
        struct general_name directory = {KIND_DIRECTORY, subject};
        CHY_TRY(check_name(op, &checker, &directory));
    }
    if (san_value.len == 0) {
        return check_subject_emails(op, &checker, subject);
    }
    return check_sans(op, &checker, san_value);
}
