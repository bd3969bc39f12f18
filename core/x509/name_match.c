#include "x509/name_match.h"

#include "base/slice.h"

static bool ends_with_nocase(struct chy_slice text, struct chy_slice suffix)
{
    return text.len >= suffix.len &&
           chy_slice_equal_nocase(chy_slice_skip(text, text.len - suffix.len), suffix);
}

/** The base and everything that adds labels on its left; a leading dot is tolerated. */
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

enum chy_name_verdict chy_general_name_judge(const struct chy_general_name *name,
                                             const struct chy_general_name *base, bool excluding)
{
    struct chy_slice host;
    bool within;
    switch (name->kind) {
    case CHY_GENERAL_DNS:
        within = dns_within(name->value, base->value) ||
                 (excluding && wildcard_meets(name->value, base->value));
        break;
    case CHY_GENERAL_EMAIL: within = email_within(name->value, base->value); break;
    case CHY_GENERAL_IP: within = ip_within(name->value, base->value); break;
    case CHY_GENERAL_DIRECTORY: within = directory_within(name->value, base->value); break;
    case CHY_GENERAL_URI:
        // RFC 5280 4.2.1.10: a URI without a host name is refused once URIs are constrained.
        if (!uri_host(name->value, &host)) {
            return CHY_NAME_UNKNOWN;
        }
        within = host_within(host, base->value);
        break;
    default: return CHY_NAME_UNKNOWN;
    }
    return within ? CHY_NAME_WITHIN : CHY_NAME_OUTSIDE;
}
