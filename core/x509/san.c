#include "x509/san.h"

#include "base/ip_address.h"
#include "base/slice.h"
#include "x509/der_string.h"
#include "x509/oid.h"
#include "x509/san_internal.h"
#include "x509/show.h"
#include "x509/word.h"

#include <chancery/host.h>

enum {
    NAMES_SIZE = 6
};

/* GeneralName's choices (RFC 5280 4.2.1.6). */
enum {
    TAG_OTHER_NAME = CHY_DER_CONTEXT_SET(0),
    TAG_RFC822_NAME = CHY_DER_CONTEXT(1),
    TAG_DNS_NAME = CHY_DER_CONTEXT(2),
    TAG_URI = CHY_DER_CONTEXT(6),
    TAG_IP_ADDRESS = CHY_DER_CONTEXT(7)
};

static const struct type_entry {
    uint8_t tag;
    const char *names[NAMES_SIZE]; // the wire word first, NULL last
} types[CHY_SAN_TYPE_COUNT] = {
    [CHY_SAN_DNS] = {TAG_DNS_NAME, {"dns_name", "dns"}},
    [CHY_SAN_IP] = {TAG_IP_ADDRESS, {"ip_address", "ip"}},
    [CHY_SAN_EMAIL] = {TAG_RFC822_NAME, {"email", "email_address", "rfc822_name", "rfc822"}},
    [CHY_SAN_URI] = {TAG_URI, {"uri", "url", "uniform_resource_identifier"}},
    [CHY_SAN_UPN] = {TAG_OTHER_NAME, {"upn", "user_principal_name"}},
};

const char *chy_san_type_word(enum chy_san_type type)
{
    return types[type].names[0];
}

bool chy_san_type_find(struct chy_slice word, enum chy_san_type *out_type)
{
    for (int i = 0; i < CHY_SAN_TYPE_COUNT; i++) {
        if (chy_word_among(word, types[i].names)) {
            *out_type = (enum chy_san_type)i;
            return true;
        }
    }
    return false;
}

static chy_status make_ip(struct chy_op *op, struct chy_slice text, struct chy_san *out_san)
{
    struct chy_san san = {.type = CHY_SAN_IP};
    CHY_TRY(chy_ip_parse(op, text, &san.octets));
    CHY_TRY(chy_ip_text(op, san.octets, &san.text));
    *out_san = san;
    return CHY_OK;
}

static chy_status canonical_text(struct chy_op *op, enum chy_san_type type, struct chy_slice text,
                                 struct chy_slice *out_text)
{
    switch (type) {
    case CHY_SAN_DNS: return chy_san_dns_canonical(op, text, true, out_text);
    case CHY_SAN_EMAIL: return chy_san_email_canonical(op, text, out_text);
    case CHY_SAN_URI: return chy_san_uri_canonical(op, text, out_text);
    case CHY_SAN_UPN: return chy_san_upn_canonical(op, text, out_text);
    case CHY_SAN_IP: break;
    }
    return chy_fail(op, CHY_BROKEN, 0, "unknown type %d of alternative name", (int)type);
}

chy_status chy_san_make(struct chy_op *op, enum chy_san_type type, struct chy_slice text,
                        struct chy_san *out_san)
{
    struct chy_san san = {.type = type};
    if (text.len == 0 || text.len > CHY_SAN_VALUE_MAX) {
        return chy_fail(op, CHY_BAD_INPUT, 0,
                        "an alternative name is empty or longer than %d octets", CHY_SAN_VALUE_MAX);
    }
    if (type == CHY_SAN_IP) {
        return make_ip(op, text, out_san);
    }
    CHY_TRY(canonical_text(op, type, text, &san.text));
    san.octets = san.text;
    *out_san = san;
    return CHY_OK;
}

bool chy_san_is_wildcard(const struct chy_san *san)
{
    return san->type == CHY_SAN_DNS && san->text.len > 0 && san->text.ptr[0] == '*';
}

bool chy_san_equal(const struct chy_san *a, const struct chy_san *b)
{
    return a->type == b->type && chy_slice_equal(a->octets, b->octets);
}

static bool is_among(const struct chy_san *san, const struct chy_san *sans, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        if (chy_san_equal(san, &sans[i])) {
            return true;
        }
    }
    return false;
}

uint64_t chy_san_unique(struct chy_san *sans, uint64_t count)
{
    uint64_t kept = 0;
    for (uint64_t i = 0; i < count; i++) {
        if (!is_among(&sans[i], sans, kept)) {
            sans[kept++] = sans[i];
        }
    }
    return kept;
}

/* ------------------------------------------------------------------------------------------------
 * DER
 */

static void write_upn(struct chy_der_writer *w, struct chy_slice text)
{
    uint64_t other = chy_der_open(w, TAG_OTHER_NAME);
    chy_der_add_element(w, CHY_DER_OID, chy_oid_contents(CHY_OID_UPN));
    uint64_t value = chy_der_open(w, CHY_DER_CONTEXT_SET(0));
    chy_der_add_element(w, CHY_DER_UTF8_STRING, text);
    chy_der_close(w, value);
    chy_der_close(w, other);
}

void chy_sans_write(struct chy_der_writer *w, const struct chy_sans *sans)
{
    uint64_t sequence = chy_der_open(w, CHY_DER_SEQUENCE);
    for (uint64_t i = 0; i < sans->count; i++) {
        const struct chy_san *san = &sans->items[i];
        if (san->type == CHY_SAN_UPN) {
            write_upn(w, san->octets);
        } else {
            chy_der_add_element(w, types[san->type].tag, san->octets);
        }
    }
    chy_der_close(w, sequence);
}

static chy_status read_upn(struct chy_op *op, struct chy_slice contents, struct chy_san *out_san)
{
    struct chy_der other = chy_der_of(contents);
    struct chy_der value;
    struct chy_slice oid;
    struct chy_slice text;
    char dotted[CHY_OID_TEXT_SIZE];
    if (!chy_der_oid(&other, &oid) || !chy_der_enter(&other, CHY_DER_CONTEXT_SET(0), &value) ||
        !chy_der_done(&other)) {
        return chy_fail(op, CHY_BAD_INPUT, 0,
                        "an otherName among the alternative names is malformed");
    }
    if (chy_oid_find(oid) != CHY_OID_UPN) {
        return chy_fail(op, CHY_BAD_INPUT, 0,
                        "an otherName of the type %s among the alternative names is not supported",
                        chy_oid_text(oid, dotted));
    }
    if (!chy_der_take(&value, CHY_DER_UTF8_STRING, &text) || !chy_der_done(&value)) {
        return chy_fail(op, CHY_BAD_INPUT, 0, "a user principal name is not a UTF8String");
    }
    return chy_san_make(op, CHY_SAN_UPN, text, out_san);
}

static chy_status read_ia5(struct chy_op *op, enum chy_san_type type, struct chy_slice contents,
                           struct chy_san *out_san)
{
    if (!chy_der_string_valid(CHY_DER_IA5_STRING, contents)) {
        return chy_fail(op, CHY_BAD_INPUT, 0,
                        "an alternative name of the type %s contains a NUL or a character outside "
                        "ASCII",
                        chy_san_type_word(type));
    }
    return chy_san_make(op, type, contents, out_san);
}

static chy_status read_one(struct chy_op *op, uint8_t tag, struct chy_slice contents,
                           struct chy_san *out_san)
{
    struct chy_slice text;
    switch (tag) {
    case TAG_DNS_NAME: return read_ia5(op, CHY_SAN_DNS, contents, out_san);
    case TAG_RFC822_NAME: return read_ia5(op, CHY_SAN_EMAIL, contents, out_san);
    case TAG_URI: return read_ia5(op, CHY_SAN_URI, contents, out_san);
    case TAG_OTHER_NAME: return read_upn(op, contents, out_san);
    case TAG_IP_ADDRESS:
        CHY_TRY(chy_ip_text(op, contents, &text));
        return make_ip(op, text, out_san);
    default:
        return chy_fail(op, CHY_BAD_INPUT, 0,
                        "an alternative name has a type that is not supported (GeneralName choice "
                        "%u)",
                        tag & 0x1fU);
    }
}

/** Counts the elements, so that the list can be made in one piece. */
static bool count_elements(struct chy_der sequence, uint64_t *out_count)
{
    uint64_t count = 0;
    struct chy_slice element;
    while (!chy_der_done(&sequence)) {
        if (!chy_der_whole(&sequence, &element)) {
            return false;
        }
        count++;
    }
    *out_count = count;
    return true;
}

chy_status chy_sans_read(struct chy_op *op, struct chy_slice der, struct chy_sans *out_sans)
{
    struct chy_der reader = chy_der_of(der);
    struct chy_der names;
    uint64_t count;
    if (!chy_der_enter(&reader, CHY_DER_SEQUENCE, &names) || !chy_der_done(&reader) ||
        !count_elements(names, &count)) {
        return chy_fail(op, CHY_BAD_INPUT, 0, "the subject alternative names are malformed");
    }
    if (count == 0 || count > CHY_SAN_MAX) {
        return chy_fail(op, CHY_BAD_INPUT, 0,
                        "there are %llu subject alternative names: from 1 to %d are allowed",
                        (unsigned long long)count, CHY_SAN_MAX);
    }
    struct chy_san *items = chy_alloc(op, count * sizeof *items);
    if (items == NULL) {
        return chy_fail_memory(op);
    }
    for (uint64_t i = 0; i < count; i++) {
        uint8_t tag;
        struct chy_slice contents;
        if (!chy_der_any(&names, &tag, &contents)) {
            return chy_fail(op, CHY_BAD_INPUT, 0, "the subject alternative names are malformed");
        }
        CHY_TRY(read_one(op, tag, contents, &items[i]));
    }
    *out_sans = (struct chy_sans){items, chy_san_unique(items, count)};
    return CHY_OK;
}
