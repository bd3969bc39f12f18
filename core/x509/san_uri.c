#include "x509/san_internal.h"

#include "base/buf.h"
#include "base/ip_address.h"
#include "base/slice.h"
#include "x509/san.h"
#include "x509/show.h"

#include <chancery/host.h>

/* RFC 3986.  RFC 5280 4.2.1.6 wants an absolute URI with a scheme and something after it. */

/** A URI that is taken apart; `has_authority` tells "//" from its absence. */
struct uri {
    struct chy_slice scheme;
    struct chy_slice userinfo; // with its '@', or empty
    struct chy_slice host;
    struct chy_slice port; // with its ':', or empty
    struct chy_slice rest; // path, query, fragment
    bool has_authority;
};

static bool is_alpha(uint8_t c)
{
    return chy_ascii_lower(c) >= 'a' && chy_ascii_lower(c) <= 'z';
}

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static bool is_hex(uint8_t c)
{
    return is_digit(c) || (chy_ascii_lower(c) >= 'a' && chy_ascii_lower(c) <= 'f');
}

/** Section 2: reserved and unreserved characters, and %XX. */
static bool only_uri_chars(struct chy_slice text)
{
    for (uint64_t i = 0; i < text.len; i++) {
        uint8_t c = text.ptr[i];
        if (c == '%') {
            if (text.len - i < 3 || !is_hex(text.ptr[i + 1]) || !is_hex(text.ptr[i + 2])) {
                return false;
            }
        } else if (!is_alpha(c) && !is_digit(c) &&
                   (c == 0 || memchr("-._~:/?#[]@!$&'()*+,;=", c, 22) == NULL)) {
            return false;
        }
    }
    return true;
}

static bool is_scheme(struct chy_slice text)
{
    if (text.len == 0 || !is_alpha(text.ptr[0])) {
        return false;
    }
    for (uint64_t i = 0; i < text.len; i++) {
        uint8_t c = text.ptr[i];
        if (!is_alpha(c) && !is_digit(c) && c != '+' && c != '-' && c != '.') {
            return false;
        }
    }
    return true;
}

/** Where the authority ends: at the first '/', '?' or '#'. */
static uint64_t authority_len(struct chy_slice text)
{
    uint64_t len = 0;
    while (len < text.len && text.ptr[len] != '/' && text.ptr[len] != '?' && text.ptr[len] != '#') {
        len++;
    }
    return len;
}

static bool only_digits(struct chy_slice text)
{
    for (uint64_t i = 0; i < text.len; i++) {
        if (!is_digit(text.ptr[i])) {
            return false;
        }
    }
    return true;
}

/** Section 3.2: [ userinfo "@" ] host [ ":" port ] */
static bool split_authority(struct chy_slice authority, struct uri *uri)
{
    uint64_t at;
    uint64_t colon;
    if (chy_slice_find_last(authority, '@', &at)) {
        uri->userinfo = chy_slice_first(authority, at + 1);
        authority = chy_slice_skip(authority, at + 1);
    }
    uint64_t bracket = 0;
    bool literal = authority.len > 0 && authority.ptr[0] == '[';
    if (literal && !chy_slice_find(authority, ']', &bracket)) {
        return false;
    }
    struct chy_slice tail = chy_slice_skip(authority, bracket);
    uri->host = authority;
    if (chy_slice_find(tail, ':', &colon)) {
        uri->host = chy_slice_first(authority, bracket + colon);
        uri->port = chy_slice_skip(authority, bracket + colon);
    }
    bool literal_ends = !literal || uri->host.len == bracket + 1;
    return literal_ends && only_digits(chy_slice_skip(uri->port, 1));
}

static bool split(struct chy_slice text, struct uri *out)
{
    struct uri uri = {0};
    uint64_t colon;
    if (!chy_slice_find(text, ':', &colon)) {
        return false;
    }
    uri.scheme = chy_slice_first(text, colon);
    uri.rest = chy_slice_skip(text, colon + 1);
    if (!is_scheme(uri.scheme) || uri.rest.len == 0) {
        return false;
    }
    if (chy_slice_starts_with(uri.rest, chy_text("//"))) {
        struct chy_slice after = chy_slice_skip(uri.rest, 2);
        uint64_t len = authority_len(after);
        uri.has_authority = true;
        uri.rest = chy_slice_skip(after, len);
        if (!split_authority(chy_slice_first(after, len), &uri)) {
            return false;
        }
        if (uri.host.len == 0 &&
            (uri.userinfo.len != 0 || uri.port.len != 0 || uri.rest.len == 0)) {
            return false;
        }
    }
    *out = uri;
    return only_uri_chars(uri.userinfo) && only_uri_chars(uri.rest);
}

/** Section 3.2.2: an IP literal, an IPv4 address or a registered name, a host name here. */
static chy_status canonical_host(struct chy_op *op, struct chy_slice host,
                                 struct chy_slice *out_host)
{
    struct chy_slice octets;
    struct chy_slice text;
    struct chy_buf buf;
    if (host.len == 0) {
        *out_host = host;
        return CHY_OK;
    }
    if (host.ptr[0] == '[') {
        CHY_TRY(chy_ip_parse(op, chy_slice_of(host.ptr + 1, host.len - 2), &octets));
        CHY_TRY(chy_ip_text(op, octets, &text));
        if (octets.len == 4) {
            *out_host = text; // an IPv4-mapped literal is that IPv4 host
            return CHY_OK;
        }
        chy_buf_init(&buf, op, 64);
        chy_buf_add_u8(&buf, '[');
        chy_buf_add(&buf, text);
        chy_buf_add_u8(&buf, ']');
        *out_host = chy_buf_slice(&buf);
        return chy_buf_ok(&buf) ? CHY_OK : chy_buf_fail(&buf, op, "the host of a URI");
    }
    if (is_digit(host.ptr[host.len - 1]) && chy_ip_parse(op, host, &octets) == CHY_OK) {
        *out_host = host;
        return CHY_OK;
    }
    return chy_san_dns_canonical(op, host, false, out_host);
}

chy_status chy_san_uri_canonical(struct chy_op *op, struct chy_slice text,
                                 struct chy_slice *out_text)
{
    struct uri uri;
    struct chy_buf buf;
    if (text.len > CHY_SAN_VALUE_MAX || !split(text, &uri)) {
        return chy_fail(op, CHY_BAD_INPUT, 0,
                        "'%.*s' is not an absolute URI of at most %d ASCII characters (RFC 3986)",
                        CHY_SHOW(text), CHY_SAN_VALUE_MAX);
    }
    CHY_TRY(chy_slice_lower(op, uri.scheme, &uri.scheme));
    CHY_TRY(canonical_host(op, uri.host, &uri.host));
    chy_buf_init(&buf, op, CHY_SAN_VALUE_MAX);
    chy_buf_add(&buf, uri.scheme);
    chy_buf_add_text(&buf, uri.has_authority ? "://" : ":");
    chy_buf_add(&buf, uri.userinfo);
    chy_buf_add(&buf, uri.host);
    chy_buf_add(&buf, uri.port);
    chy_buf_add(&buf, uri.rest);
    if (!chy_buf_ok(&buf)) {
        return chy_fail(op, CHY_BAD_INPUT, 0, "the URI '%.*s' is longer than %d characters",
                        CHY_SHOW(text), CHY_SAN_VALUE_MAX);
    }
    *out_text = chy_buf_slice(&buf);
    return CHY_OK;
}
