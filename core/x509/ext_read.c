#include "x509/extensions.h"

#include "x509/der_string.h"

enum {
    TAG_URI = CHY_DER_CONTEXT(6),
    ID_MAX = 64,
    CRL_NUMBER_MAX = 20
};

bool chy_extension_next(struct chy_der *extensions, struct chy_extension *out)
{
    struct chy_der ahead = *extensions;
    struct chy_der inner;
    struct chy_extension extension;
    if (!chy_der_enter(&ahead, CHY_DER_SEQUENCE, &inner) ||
        !chy_der_oid(&inner, &extension.oid_contents) ||
        !chy_der_boolean_default(&inner, &extension.critical) ||
        !chy_der_octets(&inner, &extension.value) || !chy_der_done(&inner)) {
        return false;
    }
    extension.oid = chy_oid_find(extension.oid_contents);
    *extensions = ahead;
    *out = extension;
    return true;
}

bool chy_extensions_distinct(struct chy_slice contents, struct chy_slice *out_repeated)
{
    struct chy_slice seen[CHY_EXTENSIONS_MAX];
    struct chy_der extensions = chy_der_of(contents);
    struct chy_extension extension;
    uint64_t count = 0;
    *out_repeated = chy_slice_of(NULL, 0);
    while (!chy_der_done(&extensions)) {
        if (count == CHY_EXTENSIONS_MAX || !chy_extension_next(&extensions, &extension)) {
            return false;
        }
        for (uint64_t i = 0; i < count; i++) {
            if (chy_slice_equal(seen[i], extension.oid_contents)) {
                *out_repeated = extension.oid_contents;
                return false;
            }
        }
        seen[count++] = extension.oid_contents;
    }
    return count > 0;
}

bool chy_ext_read_key_usage(struct chy_slice value, uint32_t *out_mask)
{
    struct chy_der reader = chy_der_of(value);
    uint32_t mask;
    // RFC 5280 4.2.1.3: nine bits have a name, and at least one is set.
    if (!chy_der_named_bits(&reader, CHY_DER_BIT_STRING, &mask) || !chy_der_done(&reader) ||
        mask == 0 || mask >> CHY_KU_COUNT != 0) {
        return false;
    }
    *out_mask = mask;
    return true;
}

static const struct {
    enum chy_oid oid;
    uint32_t bit;
} ekus_known[] = {
    {CHY_OID_CLIENT_AUTH, CHY_EKU_CLIENT_AUTH},
    {CHY_OID_SERVER_AUTH, CHY_EKU_SERVER_AUTH},
    {CHY_OID_CODE_SIGNING, CHY_EKU_CODE_SIGNING},
    {CHY_OID_EMAIL_PROTECTION, CHY_EKU_EMAIL_PROTECTION},
    {CHY_OID_OCSP_SIGNING, CHY_EKU_OCSP_SIGNING},
    {CHY_OID_TIME_STAMPING, CHY_EKU_TIME_STAMPING},
    {CHY_OID_ANY_EXTENDED_KEY_USAGE, CHY_EKU_ANY_PURPOSE},
};

static uint32_t eku_bit(struct chy_slice oid_contents)
{
    enum chy_oid oid = chy_oid_find(oid_contents);
    for (size_t i = 0; oid != CHY_OID_UNKNOWN && i < sizeof ekus_known / sizeof ekus_known[0];
         i++) {
        if (ekus_known[i].oid == oid) {
            return ekus_known[i].bit;
        }
    }
    return 0;
}

bool chy_ext_read_ekus(struct chy_slice value, struct chy_ekus *out_ekus)
{
    struct chy_der reader = chy_der_of(value);
    struct chy_der list;
    struct chy_ekus ekus = {0};
    struct chy_slice oid;
    if (!chy_der_enter(&reader, CHY_DER_SEQUENCE, &list) || !chy_der_done(&reader) ||
        chy_der_done(&list)) {
        return false;
    }
    while (!chy_der_done(&list)) {
        if (!chy_der_oid(&list, &oid)) {
            return false;
        }
        uint32_t bit = eku_bit(oid);
        if (bit == 0 && ekus.unknown.len == 0) {
            ekus.unknown = oid;
        }
        ekus.mask |= bit;
    }
    *out_ekus = ekus;
    return true;
}

bool chy_ext_read_basic_constraints(struct chy_slice value, struct chy_basic_constraints *out)
{
    struct chy_der reader = chy_der_of(value);
    struct chy_der inner;
    struct chy_basic_constraints found = {0};
    uint64_t path_length = 0;
    if (!chy_der_enter(&reader, CHY_DER_SEQUENCE, &inner) || !chy_der_done(&reader) ||
        !chy_der_boolean_default(&inner, &found.is_ca)) {
        return false;
    }
    if (!chy_der_done(&inner)) {
        // RFC 5280 4.2.1.9: a path length is for a CA.
        if (!found.is_ca || !chy_der_u64(&inner, &path_length) || path_length > UINT32_MAX) {
            return false;
        }
        found.has_path_length = true;
        found.path_length = (uint32_t)path_length;
    }
    if (!chy_der_done(&inner)) {
        return false;
    }
    *out = found;
    return true;
}

bool chy_ext_read_subject_key_id(struct chy_slice value, struct chy_slice *out_id)
{
    struct chy_der reader = chy_der_of(value);
    struct chy_slice id;
    if (!chy_der_octets(&reader, &id) || !chy_der_done(&reader) || id.len == 0 || id.len > ID_MAX) {
        return false;
    }
    *out_id = id;
    return true;
}

bool chy_ext_read_authority_key_id(struct chy_slice value, struct chy_slice *out_id)
{
    struct chy_der reader = chy_der_of(value);
    struct chy_der inner;
    struct chy_slice id = {0};
    struct chy_slice skipped;
    if (!chy_der_enter(&reader, CHY_DER_SEQUENCE, &inner) || !chy_der_done(&reader) ||
        (chy_der_next_is(&inner, CHY_DER_CONTEXT(0)) &&
         (!chy_der_take(&inner, CHY_DER_CONTEXT(0), &id) || id.len == 0 || id.len > ID_MAX)) ||
        (chy_der_next_is(&inner, CHY_DER_CONTEXT_SET(1)) &&
         !chy_der_take(&inner, CHY_DER_CONTEXT_SET(1), &skipped)) ||
        (chy_der_next_is(&inner, CHY_DER_CONTEXT(2)) &&
         !chy_der_take(&inner, CHY_DER_CONTEXT(2), &skipped)) ||
        !chy_der_done(&inner)) {
        return false;
    }
    *out_id = id;
    return true;
}

/* ------------------------------------------------------------------------------------------------
 * Places
 */

static bool add_url(struct chy_urls *urls, struct chy_slice url)
{
    if (!chy_der_string_valid(CHY_DER_IA5_STRING, url)) {
        return false;
    }
    if (urls->count < CHY_URLS_MAX) {
        urls->items[urls->count++] = url;
    }
    return true;
}

/** Collects the URIs of GeneralNames, whose contents these are; other names are passed over. */
static bool collect_uris(struct chy_der names, struct chy_urls *urls)
{
    uint8_t tag;
    struct chy_slice contents;
    if (chy_der_done(&names)) {
        return false;
    }
    while (!chy_der_done(&names)) {
        if (!chy_der_any(&names, &tag, &contents) || (tag == TAG_URI && !add_url(urls, contents))) {
            return false;
        }
    }
    return true;
}

/** Reads the contents of a DistributionPointName: fullName, or a name relative to the issuer. */
static bool collect_point_name(struct chy_der name, struct chy_urls *urls)
{
    struct chy_der full;
    struct chy_slice relative;
    if (chy_der_enter(&name, CHY_DER_CONTEXT_SET(0), &full)) {
        return chy_der_done(&name) && collect_uris(full, urls);
    }
    return chy_der_take(&name, CHY_DER_CONTEXT_SET(1), &relative) && chy_der_done(&name);
}

bool chy_ext_read_crl_points(struct chy_slice value, struct chy_urls *out_urls)
{
    struct chy_der reader = chy_der_of(value);
    struct chy_der points;
    struct chy_der point;
    struct chy_der part;
    struct chy_slice skipped;
    struct chy_urls urls = {.count = 0};
    bool present;
    uint32_t reasons;
    if (!chy_der_enter(&reader, CHY_DER_SEQUENCE, &points) || !chy_der_done(&reader) ||
        chy_der_done(&points)) {
        return false;
    }
    while (!chy_der_done(&points)) {
        if (!chy_der_enter(&points, CHY_DER_SEQUENCE, &point) ||
            !chy_der_optional(&point, CHY_DER_CONTEXT_SET(0), &present, &part) ||
            (present && !collect_point_name(part, &urls)) ||
            (chy_der_next_is(&point, CHY_DER_CONTEXT(1)) &&
             !chy_der_named_bits(&point, CHY_DER_CONTEXT(1), &reasons)) ||
            (chy_der_next_is(&point, CHY_DER_CONTEXT_SET(2)) &&
             !chy_der_take(&point, CHY_DER_CONTEXT_SET(2), &skipped)) ||
            !chy_der_done(&point)) {
            return false;
        }
    }
    *out_urls = urls;
    return true;
}

bool chy_ext_read_access(struct chy_slice value, struct chy_access *out_access)
{
    struct chy_der reader = chy_der_of(value);
    struct chy_der list;
    struct chy_der description;
    struct chy_slice method;
    struct chy_slice location;
    struct chy_access access = {.ca_issuers = {.count = 0}};
    uint8_t tag;
    if (!chy_der_enter(&reader, CHY_DER_SEQUENCE, &list) || !chy_der_done(&reader) ||
        chy_der_done(&list)) {
        return false;
    }
    while (!chy_der_done(&list)) {
        if (!chy_der_enter(&list, CHY_DER_SEQUENCE, &description) ||
            !chy_der_oid(&description, &method) || !chy_der_any(&description, &tag, &location) ||
            !chy_der_done(&description)) {
            return false;
        }
        enum chy_oid oid = chy_oid_find(method);
        if (tag == TAG_URI &&
            ((oid == CHY_OID_ACCESS_OCSP && !add_url(&access.ocsp, location)) ||
             (oid == CHY_OID_ACCESS_CA_ISSUERS && !add_url(&access.ca_issuers, location)))) {
            return false;
        }
    }
    *out_access = access;
    return true;
}

bool chy_ext_read_crl_number(struct chy_slice value, struct chy_slice *out_magnitude)
{
    struct chy_der reader = chy_der_of(value);
    struct chy_slice magnitude;
    if (!chy_der_magnitude(&reader, &magnitude) || !chy_der_done(&reader) ||
        magnitude.len > CRL_NUMBER_MAX) {
        return false;
    }
    *out_magnitude = magnitude;
    return true;
}

/** Takes an IMPLICIT BOOLEAN DEFAULT FALSE. */
static bool take_flag(struct chy_der *der, uint8_t tag, bool *out_flag)
{
    struct chy_slice contents;
    if (!chy_der_next_is(der, tag)) {
        *out_flag = false;
        return true;
    }
    if (!chy_der_take(der, tag, &contents) || contents.len != 1 || contents.ptr[0] != 0xff) {
        return false;
    }
    *out_flag = true;
    return true;
}

bool chy_ext_read_issuing_point(struct chy_slice value, struct chy_issuing_point *out_point)
{
    struct chy_der reader = chy_der_of(value);
    struct chy_der inner;
    struct chy_der name;
    struct chy_issuing_point point = {.indirect = false};
    bool present;
    bool attributes;
    uint32_t reasons;
    if (!chy_der_enter(&reader, CHY_DER_SEQUENCE, &inner) || !chy_der_done(&reader) ||
        chy_der_done(&inner) || // RFC 5280 5.2.5: never empty
        !chy_der_optional(&inner, CHY_DER_CONTEXT_SET(0), &present, &name) ||
        (present && !collect_point_name(name, &point.urls)) ||
        !take_flag(&inner, CHY_DER_CONTEXT(1), &point.only_user_certs) ||
        !take_flag(&inner, CHY_DER_CONTEXT(2), &point.only_ca_certs) ||
        (chy_der_next_is(&inner, CHY_DER_CONTEXT(3)) &&
         !chy_der_named_bits(&inner, CHY_DER_CONTEXT(3), &reasons)) ||
        !take_flag(&inner, CHY_DER_CONTEXT(4), &point.indirect) ||
        !take_flag(&inner, CHY_DER_CONTEXT(5), &attributes) || !chy_der_done(&inner)) {
        return false;
    }
    *out_point = point;
    return true;
}
