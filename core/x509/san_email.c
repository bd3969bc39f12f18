#include "x509/san_internal.h"

#include "base/slice.h"
#include "x509/san.h"
#include "x509/show.h"

#include <chancery/host.h>

enum {
    LOCAL_PART_MAX = 64,
    ADDRESS_MAX = 254
}; // RFC 5321 4.5.3.1, and its erratum 1690

static bool is_atext(uint8_t c)
{
    uint8_t lower = chy_ascii_lower(c);
    return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') ||
           (c != 0 && memchr("!#$%&'*+-/=?^_`{|}~", c, 19) != NULL);
}

/** RFC 5321 4.1.2: a Dot-string.  Quoted local parts are refused. */
static bool is_dot_string(struct chy_slice local)
{
    if (local.len == 0 || local.len > LOCAL_PART_MAX || local.ptr[0] == '.' ||
        local.ptr[local.len - 1] == '.') {
        return false;
    }
    for (uint64_t i = 0; i < local.len; i++) {
        bool dot = local.ptr[i] == '.';
        if ((!dot && !is_atext(local.ptr[i])) || (dot && local.ptr[i - 1] == '.')) {
            return false;
        }
    }
    return true;
}

static chy_status join(struct chy_op *op, struct chy_slice local, struct chy_slice domain,
                       struct chy_slice *out_text)
{
    uint8_t *text = chy_alloc(op, local.len + 1 + domain.len);
    if (text == NULL) {
        return chy_fail_memory(op);
    }
    memcpy(text, local.ptr, local.len);
    text[local.len] = '@';
    memcpy(text + local.len + 1, domain.ptr, domain.len);
    *out_text = chy_slice_of(text, local.len + 1 + domain.len);
    return CHY_OK;
}

chy_status chy_san_email_canonical(struct chy_op *op, struct chy_slice text,
                                   struct chy_slice *out_text)
{
    uint64_t at;
    if (!chy_slice_find_last(text, '@', &at)) {
        return chy_fail(op, CHY_BAD_INPUT, 0, "'%.*s' is not an e-mail address: it has no '@'",
                        CHY_SHOW(text));
    }
    struct chy_slice local = chy_slice_first(text, at);
    struct chy_slice domain = chy_slice_skip(text, at + 1);
    if (!is_dot_string(local)) {
        return chy_fail(op, CHY_BAD_INPUT, 0,
                        "the e-mail address '%.*s' has a bad local part: at most %d ASCII letters, "
                        "digits and !#$%%&'*+-/=?^_`{|}~, with single dots inside",
                        CHY_SHOW(text), LOCAL_PART_MAX);
    }
    CHY_TRY(chy_san_dns_canonical(op, domain, false, &domain));
    if (local.len + 1 + domain.len > ADDRESS_MAX) {
        return chy_fail(op, CHY_BAD_INPUT, 0,
                        "the e-mail address '%.*s' is longer than %d characters", CHY_SHOW(text),
                        ADDRESS_MAX);
    }
    return join(op, local, domain, out_text);
}

chy_status chy_san_upn_canonical(struct chy_op *op, struct chy_slice text,
                                 struct chy_slice *out_text)
{
    uint64_t at;
    if (!chy_text_is_clean(text)) {
        return chy_fail(op, CHY_BAD_INPUT, 0,
                        "the user principal name contains a control or bidirectional character, or "
                        "is not valid UTF-8");
    }
    if (!chy_slice_find_last(text, '@', &at) || at == 0 || at + 1 == text.len) {
        return chy_fail(op, CHY_BAD_INPUT, 0,
                        "'%.*s' is not a user principal name: it must read user@domain",
                        CHY_SHOW(text));
    }
    struct chy_slice domain;
    CHY_TRY(chy_slice_lower(op, chy_slice_skip(text, at + 1), &domain));
    return join(op, chy_slice_first(text, at), domain, out_text);
}
