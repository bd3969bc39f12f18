#include "base/buf.h"
#include "base/ip_address.h"
#include "base/slice.h"
#include "x509/certificate.h"
#include "x509/name_constraints.h"
#include "x509/name_match.h"
#include "x509/show.h"

#include <chancery/host.h>

static chy_status refuse(struct chy_op *op, struct chy_slice text, const char *expected)
{
    return chy_fail(op, CHY_BAD_INPUT, 0, "the name constraint '%.*s' is malformed: expected %s",
                    CHY_SHOW(text), expected);
}

/** make_host makes a host name canonical, or with a leading dot all names below it. */
static chy_status make_host(struct chy_op *op, struct chy_slice text, struct chy_slice *out_host)
{
    struct chy_slice host;
    struct chy_buf buf;
    bool below = chy_slice_starts_with(text, chy_text("."));
    CHY_TRY(chy_san_dns_canonical(op, below ? chy_slice_skip(text, 1) : text, false, &host));
    if (!below) {
        *out_host = host;
        return CHY_OK;
    }
    chy_buf_init(&buf, op, CHY_SAN_VALUE_MAX);
    chy_buf_add_u8(&buf, '.');
    chy_buf_add(&buf, host);
    *out_host = chy_buf_slice(&buf);
    return chy_buf_ok(&buf) ? CHY_OK : chy_buf_fail(&buf, op, "a name constraint");
}

static chy_status make_dns(struct chy_op *op, struct chy_slice text, struct chy_slice *out_value)
{
    if (chy_slice_starts_with(text, chy_text(".")) || chy_slice_starts_with(text, chy_text("*"))) {
        return refuse(op, text, "a host name alone, such as example.com: it covers all below it");
    }
    return chy_san_dns_canonical(op, text, false, out_value);
}

static chy_status make_email(struct chy_op *op, struct chy_slice text, struct chy_slice *out_value)
{
    struct chy_san san;
    uint64_t at;
    if (!chy_slice_find_last(text, '@', &at)) {
        return make_host(op, text, out_value);
    }
    CHY_TRY(chy_san_make(op, CHY_SAN_EMAIL, text, &san));
    *out_value = san.octets;
    return CHY_OK;
}

/** make_mask writes `bits` ones into `mask`, of `len` octets. */
static void make_mask(uint8_t *mask, uint64_t len, int64_t bits)
{
    for (uint64_t i = 0; i < len; i++) {
        int64_t left = bits - (int64_t)i * 8;
        uint32_t ones = left >= 8 ? 8 : left <= 0 ? 0 : (uint32_t)left;
        mask[i] = (uint8_t)((0xff00U >> ones) & 0xffU);
    }
}

static chy_status make_ip(struct chy_op *op, struct chy_slice text, struct chy_slice *out_value)
{
    static const char *const expected =
        "a network such as 10.0.0.0/8 or 2001:db8::/32, with no bit set behind its prefix";
    struct chy_slice address = text;
    struct chy_slice prefix = chy_slice_of(NULL, 0);
    struct chy_slice octets;
    int64_t bits;
    bool has_prefix = chy_slice_cut(text, '/', &address, &prefix);
    CHY_TRY(chy_ip_parse(op, address, &octets));
    bits = (int64_t)octets.len * 8;
    if (has_prefix && !chy_slice_parse_i64(prefix, 0, (int64_t)octets.len * 8, &bits)) {
        return refuse(op, text, expected);
    }
    uint8_t *value = chy_alloc(op, octets.len * 2);
    if (value == NULL) {
        return chy_fail_memory(op);
    }
    memcpy(value, octets.ptr, (size_t)octets.len);
    make_mask(value + octets.len, octets.len, bits);
    for (uint64_t i = 0; i < octets.len; i++) {
        if ((value[i] & (uint8_t)~value[octets.len + i]) != 0) {
            return refuse(op, text, expected);
        }
    }
    *out_value = chy_slice_of(value, octets.len * 2);
    return CHY_OK;
}

chy_status chy_name_subtree_make(struct chy_op *op, enum chy_san_type type, struct chy_slice text,
                                 struct chy_name_subtree *out_subtree)
{
    struct chy_name_subtree made = {0};
    switch (type) {
    case CHY_SAN_DNS:
        made.tag = CHY_GENERAL_DNS;
        CHY_TRY(make_dns(op, text, &made.value));
        break;
    case CHY_SAN_IP:
        made.tag = CHY_GENERAL_IP;
        CHY_TRY(make_ip(op, text, &made.value));
        break;
    case CHY_SAN_EMAIL:
        made.tag = CHY_GENERAL_EMAIL;
        CHY_TRY(make_email(op, text, &made.value));
        break;
    case CHY_SAN_URI:
        made.tag = CHY_GENERAL_URI;
        CHY_TRY(make_host(op, text, &made.value));
        break;
    case CHY_SAN_UPN: return refuse(op, text, "a host name, address, e-mail address or URI host");
    }
    *out_subtree = made;
    return CHY_OK;
}

static void write_half(struct chy_der_writer *w, uint8_t tag,
                       const struct chy_name_subtree *subtrees, uint64_t count)
{
    if (count == 0) {
        return;
    }
    uint64_t half = chy_der_open(w, tag);
    for (uint64_t i = 0; i < count; i++) {
        // minimum is DEFAULT 0, maximum absent (RFC 5280 4.2.1.10).
        uint64_t subtree = chy_der_open(w, CHY_DER_SEQUENCE);
        chy_der_add_element(w, subtrees[i].tag, subtrees[i].value);
        chy_der_close(w, subtree);
    }
    chy_der_close(w, half);
}

chy_status chy_name_constraints_encode(struct chy_op *op, const struct chy_name_subtree *permitted,
                                       uint64_t permitted_count,
                                       const struct chy_name_subtree *excluded,
                                       uint64_t excluded_count, struct chy_slice *out_value)
{
    struct chy_der_writer w = chy_der_writer_new(op, 256, CHY_CERTIFICATE_MAX / 2);
    uint64_t sequence = chy_der_open(&w, CHY_DER_SEQUENCE);
    write_half(&w, CHY_DER_CONTEXT_SET(0), permitted, permitted_count);
    write_half(&w, CHY_DER_CONTEXT_SET(1), excluded, excluded_count);
    chy_der_close(&w, sequence);
    return chy_der_finish(op, &w, out_value);
}
