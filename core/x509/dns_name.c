#include "x509/san.h"

#include "base/slice.h"
#include "x509/show.h"

#include <chancery/host.h>

#include <idn2.h>

enum {
    HOST_MAX = 253,
    LABEL_MAX = 63
}; // RFC 1035 2.3.4, without the root's dot

static bool is_ascii(struct chy_slice text)
{
    for (uint64_t i = 0; i < text.len; i++) {
        if (text.ptr[i] >= 0x80) {
            return false;
        }
    }
    return true;
}

/** Does a label start with "xn--"?  Such labels must be valid A-labels. */
static bool has_a_label(struct chy_slice lower)
{
    bool at_start = true;
    for (uint64_t i = 0; i + 4 <= lower.len; i++) {
        if (at_start && memcmp(lower.ptr + i, "xn--", 4) == 0) {
            return true;
        }
        at_start = lower.ptr[i] == '.';
    }
    return false;
}

/** IDNA 2008 with the mapping of UTS 46, by libidn2. */
static chy_status to_a_labels(struct chy_op *op, struct chy_slice text, struct chy_slice *out_lower)
{
    const char *utf8;
    uint8_t *result = NULL;
    CHY_TRY(chy_slice_to_cstring(op, text, &utf8));
    int code =
        idn2_lookup_u8((const uint8_t *)utf8, &result, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
    if (code == IDN2_MALLOC) {
        return chy_fail_memory(op);
    }
    if (code != IDN2_OK) {
        return chy_fail(op, CHY_BAD_INPUT, code,
                        "'%.*s' is not an internationalised host name (IDNA 2008): %s",
                        CHY_SHOW(text), idn2_strerror(code));
    }
    chy_status status = chy_slice_lower(op, chy_text((const char *)result), out_lower);
    idn2_free(result);
    return status;
}

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

/** Letters and digits, `-` and `_` inside; `_` also at the ends, as in service names. */
static bool label_is_good(struct chy_slice label)
{
    if (label.len == 0 || label.len > LABEL_MAX || label.ptr[0] == '-' ||
        label.ptr[label.len - 1] == '-') {
        return false;
    }
    for (uint64_t i = 0; i < label.len; i++) {
        uint8_t c = label.ptr[i];
        if (!(c >= 'a' && c <= 'z') && !is_digit(c) && c != '-' && c != '_') {
            return false;
        }
    }
    return true;
}

static bool all_digits(struct chy_slice label)
{
    for (uint64_t i = 0; i < label.len; i++) {
        if (!is_digit(label.ptr[i])) {
            return false;
        }
    }
    return true;
}

static chy_status check_labels(struct chy_op *op, struct chy_slice lower, struct chy_slice shown)
{
    struct chy_slice rest = lower;
    struct chy_slice label;
    bool more = true;
    if (lower.len == 0 || lower.len > HOST_MAX) {
        return chy_fail(op, CHY_BAD_INPUT, 0,
                        "the host name '%.*s' is empty or longer than %d characters",
                        CHY_SHOW(shown), HOST_MAX);
    }
    while (more) {
        struct chy_slice after;
        more = chy_slice_cut(rest, '.', &label, &after);
        if (!more) {
            label = rest;
        }
        rest = after;
        if (!label_is_good(label)) {
            return chy_fail(op, CHY_BAD_INPUT, 0,
                            "the host name '%.*s' has the bad label '%.*s': a label has 1 to %d "
                            "letters, digits, hyphens (not at its ends) and underscores",
                            CHY_SHOW(shown), CHY_SHOW(label), LABEL_MAX);
        }
    }
    if (all_digits(label)) {
        return chy_fail(op, CHY_BAD_INPUT, 0,
                        "'%.*s' is not a host name, as its last label is a number; addresses have "
                        "the type ip_address",
                        CHY_SHOW(shown));
    }
    return CHY_OK;
}

/** Makes the part without a wildcard canonical. */
static chy_status canonical_host(struct chy_op *op, struct chy_slice text, struct chy_slice shown,
                                 struct chy_slice *out_lower)
{
    struct chy_slice lower = text;
    bool ascii = is_ascii(text);
    if (ascii) {
        CHY_TRY(chy_slice_lower(op, text, &lower));
    }
    if (!ascii || has_a_label(lower)) {
        CHY_TRY(to_a_labels(op, lower, &lower));
    }
    if (lower.len > 1 && lower.ptr[lower.len - 1] == '.') {
        lower.len--;
    }
    CHY_TRY(check_labels(op, lower, shown));
    *out_lower = lower;
    return CHY_OK;
}

static chy_status prepend_wildcard(struct chy_op *op, struct chy_slice host,
                                   struct chy_slice *out_text)
{
    if (host.len + 2 > HOST_MAX) {
        return chy_fail(op, CHY_BAD_INPUT, 0, "the host name '*.%.*s' is longer than %d characters",
                        CHY_SHOW(host), HOST_MAX);
    }
    uint8_t *text = chy_alloc(op, host.len + 2);
    if (text == NULL) {
        return chy_fail_memory(op);
    }
    memcpy(text, "*.", 2);
    memcpy(text + 2, host.ptr, host.len);
    *out_text = chy_slice_of(text, host.len + 2);
    return CHY_OK;
}

chy_status chy_san_dns_canonical(struct chy_op *op, struct chy_slice text, bool wildcard,
                                 struct chy_slice *out_text)
{
    uint64_t star;
    struct chy_slice host = text;
    bool starred = false;
    if (text.len == 0 || text.len > CHY_SAN_VALUE_MAX) {
        return chy_fail(op, CHY_BAD_INPUT, 0, "a host name is empty or longer than %d octets",
                        CHY_SAN_VALUE_MAX);
    }
    if (!chy_text_is_clean(text)) {
        return chy_fail(op, CHY_BAD_INPUT, 0,
                        "the host name '%.*s' contains a control or bidirectional character, or is "
                        "not valid UTF-8",
                        CHY_SHOW(text));
    }
    if (chy_slice_find(text, '*', &star)) {
        starred = star == 0 && text.len > 2 && text.ptr[1] == '.';
        if (!starred || !wildcard) {
            return chy_fail(op, CHY_BAD_INPUT, 0,
                            wildcard ? "the host name '%.*s' has a '*' that is not the whole first "
                                       "label"
                                     : "the host name '%.*s' must not be a wildcard",
                            CHY_SHOW(text));
        }
        host = chy_slice_skip(text, 2);
    }
    CHY_TRY(canonical_host(op, host, text, &host));
    if (starred) {
        return prepend_wildcard(op, host, out_text);
    }
    *out_text = host;
    return CHY_OK;
}
