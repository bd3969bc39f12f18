#include "x509/name.h"

#include "base/buf.h"
#include "base/encode.h"
#include "x509/der_string.h"
#include "x509/oid.h"

#include <chancery/host.h>

/* Names as they come: any attribute type, any string type, multi-valued RDNs. */

enum {
    RDNS_MAX = 256,
    TEXT_MAX = 64 * 1024
};

struct pair {
    struct chy_slice oid;
    struct chy_slice contents;
    struct chy_slice element; // the value with its header
    uint8_t tag;
};

static bool take_pair(struct chy_der *rdn, struct pair *out)
{
    struct chy_der inner;
    struct pair pair;
    if (!chy_der_enter(rdn, CHY_DER_SEQUENCE, &inner) || !chy_der_oid(&inner, &pair.oid)) {
        return false;
    }
    struct chy_der value = inner;
    if (!chy_der_whole(&inner, &pair.element) || !chy_der_done(&inner) ||
        !chy_der_any(&value, &pair.tag, &pair.contents)) {
        return false;
    }
    *out = pair;
    return true;
}

static bool is_string_tag(uint8_t tag)
{
    return tag == CHY_DER_UTF8_STRING || tag == CHY_DER_PRINTABLE_STRING ||
           tag == CHY_DER_IA5_STRING || tag == CHY_DER_TELETEX_STRING ||
           tag == CHY_DER_BMP_STRING || tag == CHY_DER_UNIVERSAL_STRING;
}

static bool rdn_well_formed(struct chy_der rdn)
{
    struct pair pair;
    if (chy_der_done(&rdn)) {
        return false;
    }
    while (!chy_der_done(&rdn)) {
        if (!take_pair(&rdn, &pair) ||
            (is_string_tag(pair.tag) && !chy_der_string_valid(pair.tag, pair.contents))) {
            return false;
        }
    }
    return true;
}

bool chy_name_well_formed(struct chy_slice der)
{
    struct chy_der reader = chy_der_of(der);
    struct chy_der rdns;
    struct chy_der rdn;
    if (!chy_der_enter(&reader, CHY_DER_SEQUENCE, &rdns) || !chy_der_done(&reader)) {
        return false;
    }
    for (uint64_t count = 0; !chy_der_done(&rdns); count++) {
        if (count == RDNS_MAX || !chy_der_enter(&rdns, CHY_DER_SET, &rdn) ||
            !rdn_well_formed(rdn)) {
            return false;
        }
    }
    return true;
}

bool chy_name_is_empty(struct chy_slice der)
{
    return der.len == 2 && der.ptr[0] == CHY_DER_SEQUENCE && der.ptr[1] == 0;
}

/** RFC 4514 3, the short names; anything else is a dotted number. */
static const char *short_name(enum chy_oid oid)
{
    static const struct {
        enum chy_oid oid;
        const char *name;
    } names[] = {
        {CHY_OID_COMMON_NAME, "CN"},
        {CHY_OID_LOCALITY, "L"},
        {CHY_OID_STATE, "ST"},
        {CHY_OID_ORGANIZATION, "O"},
        {CHY_OID_ORGANIZATIONAL_UNIT, "OU"},
        {CHY_OID_COUNTRY, "C"},
        {CHY_OID_STREET, "STREET"},
        {CHY_OID_DOMAIN_COMPONENT, "DC"},
        {CHY_OID_USER_ID, "UID"},
        // Not in the RFC, but what people know them by.
        {CHY_OID_EMAIL_ADDRESS, "emailAddress"},
        {CHY_OID_SERIAL_NUMBER, "serialNumber"},
        {CHY_OID_ORGANIZATION_IDENTIFIER, "organizationIdentifier"},
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (names[i].oid == oid) {
            return names[i].name;
        }
    }
    return NULL;
}

/** RFC 4514 2.4: escapes what has a meaning, and what a reader could not see. */
static void add_escaped(struct chy_buf *buf, struct chy_slice text)
{
    for (uint64_t i = 0; i < text.len; i++) {
        uint8_t c = text.ptr[i];
        bool edge_space = c == ' ' && (i == 0 || i + 1 == text.len);
        if (c < 0x20 || c == 0x7f) {
            chy_buf_add_format(buf, "\\%02X", c);
        } else if (edge_space || (c == '#' && i == 0) || memchr("\"+,;<>\\", c, 7) != NULL) {
            chy_buf_add_u8(buf, '\\');
            chy_buf_add_u8(buf, c);
        } else {
            chy_buf_add_u8(buf, c);
        }
    }
}

static chy_status add_pair(struct chy_op *op, struct chy_buf *buf, const struct pair *pair)
{
    char dotted[CHY_OID_TEXT_SIZE];
    const char *name = short_name(chy_oid_find(pair->oid));
    chy_buf_add_text(buf, name != NULL ? name : chy_oid_text(pair->oid, dotted));
    chy_buf_add_u8(buf, '=');
    if (name == NULL || !is_string_tag(pair->tag)) {
        chy_buf_add_u8(buf, '#');
        chy_hex_add(buf, pair->element);
        return CHY_OK;
    }
    struct chy_slice text;
    CHY_TRY(chy_der_string_text(op, pair->tag, pair->contents, &text));
    add_escaped(buf, text);
    return CHY_OK;
}

static chy_status add_rdn(struct chy_op *op, struct chy_buf *buf, struct chy_slice contents)
{
    struct chy_der rdn = chy_der_of(contents);
    struct pair pair;
    bool first = true;
    while (!chy_der_done(&rdn)) {
        if (!take_pair(&rdn, &pair)) {
            return chy_fail(op, CHY_BAD_INPUT, 0, "the name is malformed");
        }
        if (!first) {
            chy_buf_add_u8(buf, '+');
        }
        first = false;
        CHY_TRY(add_pair(op, buf, &pair));
    }
    return CHY_OK;
}

chy_status chy_name_text(struct chy_op *op, struct chy_slice der, struct chy_slice *out_text)
{
    struct chy_slice found[RDNS_MAX];
    uint64_t count = 0;
    struct chy_der reader = chy_der_of(der);
    struct chy_der rdns;
    struct chy_buf buf;
    if (!chy_name_well_formed(der) || !chy_der_enter(&reader, CHY_DER_SEQUENCE, &rdns)) {
        return chy_fail(op, CHY_BAD_INPUT, 0, "the name is malformed");
    }
    while (count < RDNS_MAX && chy_der_take(&rdns, CHY_DER_SET, &found[count])) {
        count++;
    }
    chy_buf_init(&buf, op, TEXT_MAX);
    for (uint64_t i = count; i > 0; i--) {
        if (i < count) {
            chy_buf_add_u8(&buf, ',');
        }
        CHY_TRY(add_rdn(op, &buf, found[i - 1]));
    }
    if (!chy_buf_ok(&buf)) {
        return chy_buf_fail(&buf, op, "the text of a name");
    }
    *out_text = chy_buf_slice(&buf);
    return CHY_OK;
}
