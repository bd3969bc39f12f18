#include "x509/name.h"

#include "base/slice.h"
#include "x509/der_string.h"
#include "x509/oid.h"
#include "x509/word.h"

#include <chancery/host.h>

enum {
    NAMES_SIZE = 6,
    FOREIGN_VALUE_MAX = 1024, // longer ones nobody reads
    NAME_DER_MAX = 64 * 1024
};

static const struct type_entry {
    enum chy_oid oid;
    uint8_t tag;        // under which it is encoded
    uint32_t max_chars; // RFC 5280 appendix A.1; a domain component is a DNS label
    bool repeats;
    const char *names[NAMES_SIZE]; // the policy's word first, NULL last
} types[CHY_NAME_TYPE_COUNT] = {
    [CHY_NAME_DOMAIN_COMPONENT] =
        {CHY_OID_DOMAIN_COMPONENT, CHY_DER_IA5_STRING, 63, true, {"domain_component", "DC"}},
    [CHY_NAME_COUNTRY] =
        {CHY_OID_COUNTRY, CHY_DER_PRINTABLE_STRING, 2, false, {"country", "country_name", "C"}},
    [CHY_NAME_STATE] = {CHY_OID_STATE,
                        CHY_DER_UTF8_STRING,
                        128,
                        false,
                        {"state", "province", "state_or_province", "state_or_province_name", "ST"}},
    [CHY_NAME_LOCALITY] =
        {CHY_OID_LOCALITY, CHY_DER_UTF8_STRING, 128, false, {"locality", "locality_name", "L"}},
    [CHY_NAME_ORGANIZATION] = {CHY_OID_ORGANIZATION,
                               CHY_DER_UTF8_STRING,
                               64,
                               false,
                               {"organization", "organization_name", "O"}},
    [CHY_NAME_ORGANIZATIONAL_UNIT] = {CHY_OID_ORGANIZATIONAL_UNIT,
                                      CHY_DER_UTF8_STRING,
                                      64,
                                      true,
                                      {"organizational_unit", "organizational_unit_name", "OU"}},
    [CHY_NAME_COMMON_NAME] =
        {CHY_OID_COMMON_NAME, CHY_DER_UTF8_STRING, 64, false, {"common_name", "CN"}},
};

const char *chy_name_type_word(enum chy_name_type type)
{
    return types[type].names[0];
}

bool chy_name_type_find(struct chy_slice word, enum chy_name_type *out_type)
{
    for (int i = 0; i < CHY_NAME_TYPE_COUNT; i++) {
        if (chy_word_among(word, types[i].names)) {
            *out_type = (enum chy_name_type)i;
            return true;
        }
    }
    return false;
}

/* ------------------------------------------------------------------------------------------------
 * Canonical values
 */

static uint64_t count_chars(struct chy_slice utf8)
{
    uint64_t chars = 0;
    for (uint64_t i = 0; i < utf8.len; i++) {
        chars += (utf8.ptr[i] & 0xc0) != 0x80;
    }
    return chars;
}

static bool is_letter(uint8_t c)
{
    return chy_ascii_lower(c) >= 'a' && chy_ascii_lower(c) <= 'z';
}

static bool is_label_char(uint8_t c)
{
    return is_letter(c) || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

static chy_status check_country(struct chy_op *op, struct chy_slice value)
{
    if (value.len != 2 || !is_letter(value.ptr[0]) || !is_letter(value.ptr[1])) {
        return chy_fail(op, CHY_BAD_INPUT, 0,
                        "country must be two letters (ISO 3166-1), such as \"DE\"");
    }
    return CHY_OK;
}

static chy_status canonical_label(struct chy_op *op, struct chy_slice value,
                                  struct chy_slice *out_value)
{
    for (uint64_t i = 0; i < value.len; i++) {
        if (!is_label_char(value.ptr[i])) {
            return chy_fail(op, CHY_BAD_INPUT, 0,
                            "domain_component must be one label of a host name: letters, digits, "
                            "hyphens");
        }
    }
    return chy_slice_lower(op, value, out_value);
}

chy_status chy_name_canonical(struct chy_op *op, enum chy_name_type type, struct chy_slice value,
                              struct chy_slice *out_value)
{
    const struct type_entry *entry = &types[type];
    if (!chy_text_is_clean(value)) {
        return chy_fail(op, CHY_BAD_INPUT, 0,
                        "%s contains a control or bidirectional character, or is not valid UTF-8",
                        entry->names[0]);
    }
    value = chy_slice_trim(value); // spaces around a value do not tell names apart (RFC 4518 2.6.1)
    if (value.len == 0) {
        return chy_fail(op, CHY_BAD_INPUT, 0, "%s is empty", entry->names[0]);
    }
    if (type == CHY_NAME_COUNTRY) {
        CHY_TRY(check_country(op, value));
    }
    uint64_t chars = count_chars(value);
    if (chars > entry->max_chars) {
        return chy_fail(op, CHY_BAD_INPUT, 0, "%s has %llu characters: at most %u are allowed",
                        entry->names[0], (unsigned long long)chars, entry->max_chars);
    }
    if (type == CHY_NAME_DOMAIN_COMPONENT) {
        return canonical_label(op, value, out_value);
    }
    *out_value = value;
    return CHY_OK;
}

chy_status chy_name_check(struct chy_op *op, const struct chy_name *name)
{
    uint32_t seen = 0;
    if (name->count > CHY_NAME_MAX) {
        return chy_fail(op, CHY_BAD_INPUT, 0,
                        "the subject has %llu attributes: at most %d are allowed",
                        (unsigned long long)name->count, CHY_NAME_MAX);
    }
    for (uint64_t i = 0; i < name->count; i++) {
        const struct type_entry *entry = &types[name->attributes[i].type];
        uint32_t bit = 1U << (uint32_t)name->attributes[i].type;
        if ((seen & bit) != 0 && !entry->repeats) {
            return chy_fail(op, CHY_BAD_INPUT, 0, "the subject has more than one %s",
                            entry->names[0]);
        }
        seen |= bit;
    }
    return CHY_OK;
}

void chy_name_sort(struct chy_name_attribute *attributes, uint64_t count)
{
    // Insertion keeps equal types in their order; there are at most CHY_NAME_MAX.
    for (uint64_t i = 1; i < count; i++) {
        struct chy_name_attribute moving = attributes[i];
        uint64_t at = i;
        while (at > 0 && attributes[at - 1].type > moving.type) {
            attributes[at] = attributes[at - 1];
            at--;
        }
        attributes[at] = moving;
    }
}

bool chy_name_get(const struct chy_name *name, enum chy_name_type type, struct chy_slice *out_value)
{
    for (uint64_t i = 0; i < name->count; i++) {
        if (name->attributes[i].type == type) {
            *out_value = name->attributes[i].value;
            return true;
        }
    }
    return false;
}

/* ------------------------------------------------------------------------------------------------
 * DER
 */

void chy_name_write(struct chy_der_writer *w, const struct chy_name *name)
{
    uint64_t sequence = chy_der_open(w, CHY_DER_SEQUENCE);
    for (uint64_t i = 0; i < name->count; i++) {
        const struct type_entry *entry = &types[name->attributes[i].type];
        uint64_t set = chy_der_open(w, CHY_DER_SET);
        uint64_t pair = chy_der_open(w, CHY_DER_SEQUENCE);
        chy_der_add_element(w, CHY_DER_OID, chy_oid_contents(entry->oid));
        chy_der_add_element(w, entry->tag, name->attributes[i].value);
        chy_der_close(w, pair);
        chy_der_close(w, set);
    }
    chy_der_close(w, sequence);
}

chy_status chy_name_encode(struct chy_op *op, const struct chy_name *name,
                           struct chy_slice *out_der)
{
    uint64_t size = 8;
    for (uint64_t i = 0; i < name->count; i++) {
        size += name->attributes[i].value.len + 32;
    }
    struct chy_der_writer w = chy_der_writer_new(op, size, NAME_DER_MAX);
    chy_name_write(&w, name);
    return chy_der_finish(op, &w, out_der);
}

static bool find_type(struct chy_slice oid_contents, enum chy_name_type *out_type)
{
    enum chy_oid oid = chy_oid_find(oid_contents);
    for (int i = 0; oid != CHY_OID_UNKNOWN && i < CHY_NAME_TYPE_COUNT; i++) {
        if (types[i].oid == oid) {
            *out_type = (enum chy_name_type)i;
            return true;
        }
    }
    return false;
}

static chy_status parse_attribute(struct chy_op *op, struct chy_der *pair,
                                  struct chy_name_attribute *out_attribute)
{
    struct chy_slice oid;
    struct chy_slice contents;
    struct chy_slice text;
    struct chy_name_attribute attribute;
    uint8_t tag;
    char oid_text[CHY_OID_TEXT_SIZE];
    if (!chy_der_oid(pair, &oid) || !chy_der_any(pair, &tag, &contents) || !chy_der_done(pair)) {
        return chy_fail(op, CHY_BAD_INPUT, 0, "the subject is malformed");
    }
    if (!find_type(oid, &attribute.type)) {
        enum chy_oid known = chy_oid_find(oid);
        return chy_fail(op, CHY_BAD_INPUT, 0,
                        "the subject has an attribute type that is not supported: %s%s%s",
                        chy_oid_text(oid, oid_text), known == CHY_OID_UNKNOWN ? "" : " ",
                        known == CHY_OID_UNKNOWN ? "" : chy_oid_name(known));
    }
    const char *word = chy_name_type_word(attribute.type);
    if (tag != CHY_DER_PRINTABLE_STRING && tag != CHY_DER_UTF8_STRING &&
        tag != CHY_DER_IA5_STRING && tag != CHY_DER_BMP_STRING) {
        return chy_fail(op, CHY_BAD_INPUT, 0,
                        "%s in the subject has the string type %u: PrintableString, UTF8String, "
                        "IA5String and BMPString are allowed",
                        word, tag);
    }
    if (!chy_der_string_valid(tag, contents)) {
        return chy_fail(
            op, CHY_BAD_INPUT, 0,
            "%s in the subject contains a NUL or another character that its string type "
            "does not have",
            word);
    }
    CHY_TRY(chy_der_string_text(op, tag, contents, &text));
    CHY_TRY(chy_name_canonical(op, attribute.type, text, &attribute.value));
    *out_attribute = attribute;
    return CHY_OK;
}

chy_status chy_name_parse(struct chy_op *op, struct chy_slice der, struct chy_name *out_name)
{
    struct chy_der reader = chy_der_of(der);
    struct chy_der rdns;
    struct chy_der rdn;
    struct chy_der pair;
    struct chy_name_attribute *attributes;
    uint64_t count = 0;
    if (!chy_der_enter(&reader, CHY_DER_SEQUENCE, &rdns) || !chy_der_done(&reader)) {
        return chy_fail(op, CHY_BAD_INPUT, 0, "the subject is malformed");
    }
    // The shortest RDN takes 11 octets, so this is room for all that may come.
    uint64_t room = rdns.rest.len / 11 + 1;
    room = room < CHY_NAME_MAX ? room : CHY_NAME_MAX;
    attributes = chy_alloc(op, room * sizeof *attributes);
    if (attributes == NULL) {
        return chy_fail_memory(op);
    }
    while (!chy_der_done(&rdns)) {
        if (!chy_der_enter(&rdns, CHY_DER_SET, &rdn) ||
            !chy_der_enter(&rdn, CHY_DER_SEQUENCE, &pair)) {
            return chy_fail(op, CHY_BAD_INPUT, 0, "the subject is malformed");
        }
        if (!chy_der_done(&rdn)) {
            return chy_fail(op, CHY_BAD_INPUT, 0,
                            "the subject has a multi-valued relative name, which is not supported");
        }
        if (count == room) {
            return chy_fail(op, CHY_BAD_INPUT, 0, "the subject has more than %d attributes",
                            CHY_NAME_MAX);
        }
        CHY_TRY(parse_attribute(op, &pair, &attributes[count]));
        count++;
    }
    struct chy_name name = {attributes, count};
    CHY_TRY(chy_name_check(op, &name));
    *out_name = name;
    return CHY_OK;
}

/* ------------------------------------------------------------------------------------------------
 * Names of others
 */

/** take_known takes one pair of a foreign name; it is left out when it is nothing we can show. */
static chy_status take_known(struct chy_op *op, struct chy_der *rdn,
                             struct chy_name_attribute *items, uint64_t *count)
{
    struct chy_der pair;
    struct chy_slice oid;
    struct chy_slice contents;
    struct chy_name_attribute attribute;
    uint8_t tag;
    if (!chy_der_enter(rdn, CHY_DER_SEQUENCE, &pair) || !chy_der_oid(&pair, &oid) ||
        !chy_der_any(&pair, &tag, &contents)) {
        return chy_fail(op, CHY_BAD_INPUT, 0, "the name is malformed");
    }
    if (*count == CHY_NAME_MAX || !find_type(oid, &attribute.type) ||
        !chy_der_string_valid(tag, contents)) {
        return CHY_OK;
    }
    CHY_TRY(chy_der_string_text(op, tag, contents, &attribute.value));
    if (attribute.value.len <= FOREIGN_VALUE_MAX && chy_text_is_clean(attribute.value)) {
        items[(*count)++] = attribute;
    }
    return CHY_OK;
}

chy_status chy_name_known(struct chy_op *op, struct chy_slice der, struct chy_name *out_name)
{
    struct chy_der rdns = chy_der_of(der);
    struct chy_der rdn;
    struct chy_name_attribute *items = chy_alloc(op, sizeof *items * CHY_NAME_MAX);
    uint64_t count = 0;
    if (items == NULL) {
        return chy_fail_memory(op);
    }
    if (!chy_name_well_formed(der) || !chy_der_enter(&rdns, CHY_DER_SEQUENCE, &rdns)) {
        return chy_fail(op, CHY_BAD_INPUT, 0, "the name is malformed");
    }
    while (chy_der_enter(&rdns, CHY_DER_SET, &rdn)) {
        while (!chy_der_done(&rdn)) {
            CHY_TRY(take_known(op, &rdn, items, &count));
        }
    }
    chy_name_sort(items, count);
    out_name->attributes = items;
    out_name->count = count;
    return CHY_OK;
}
