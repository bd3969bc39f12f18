#include "x509/extensions.h"

enum {
    TAG_URI = CHY_DER_CONTEXT(6)
};

struct chy_ext_mark chy_ext_open(struct chy_der_writer *w, enum chy_oid oid, bool critical)
{
    struct chy_ext_mark mark;
    mark.extension = chy_der_open(w, CHY_DER_SEQUENCE);
    chy_der_add_element(w, CHY_DER_OID, chy_oid_contents(oid));
    if (critical) {
        chy_der_add_true(w);
    }
    mark.value = chy_der_open(w, CHY_DER_OCTET_STRING);
    return mark;
}

void chy_ext_close(struct chy_der_writer *w, struct chy_ext_mark mark)
{
    chy_der_close(w, mark.value);
    chy_der_close(w, mark.extension);
}

void chy_ext_write_subject_key_id(struct chy_der_writer *w, struct chy_slice id)
{
    struct chy_ext_mark mark = chy_ext_open(w, CHY_OID_SUBJECT_KEY_ID, false);
    chy_der_add_octets(w, id);
    chy_ext_close(w, mark);
}

void chy_ext_write_authority_key_id(struct chy_der_writer *w, struct chy_slice id)
{
    struct chy_ext_mark mark = chy_ext_open(w, CHY_OID_AUTHORITY_KEY_ID, false);
    uint64_t sequence = chy_der_open(w, CHY_DER_SEQUENCE);
    chy_der_add_element(w, CHY_DER_CONTEXT(0), id);
    chy_der_close(w, sequence);
    chy_ext_close(w, mark);
}

void chy_ext_write_basic_constraints(struct chy_der_writer *w,
                                     const struct chy_basic_constraints *constraints)
{
    struct chy_ext_mark mark = chy_ext_open(w, CHY_OID_BASIC_CONSTRAINTS, true);
    uint64_t sequence = chy_der_open(w, CHY_DER_SEQUENCE);
    if (constraints->is_ca) {
        chy_der_add_true(w);
        if (constraints->has_path_length) {
            chy_der_add_u64(w, CHY_DER_INTEGER, constraints->path_length);
        }
    }
    chy_der_close(w, sequence);
    chy_ext_close(w, mark);
}

void chy_ext_write_key_usage(struct chy_der_writer *w, uint32_t mask)
{
    if (mask == 0) {
        return;
    }
    struct chy_ext_mark mark = chy_ext_open(w, CHY_OID_KEY_USAGE, true);
    chy_der_add_named_bits(w, CHY_DER_BIT_STRING, mask);
    chy_ext_close(w, mark);
}

void chy_ext_write_ekus(struct chy_der_writer *w, uint32_t mask)
{
    static const struct {
        uint32_t bit;
        enum chy_oid oid;
    } order[] = {
        {CHY_EKU_SERVER_AUTH, CHY_OID_SERVER_AUTH},
        {CHY_EKU_CLIENT_AUTH, CHY_OID_CLIENT_AUTH},
        {CHY_EKU_CODE_SIGNING, CHY_OID_CODE_SIGNING},
        {CHY_EKU_EMAIL_PROTECTION, CHY_OID_EMAIL_PROTECTION},
        {CHY_EKU_TIME_STAMPING, CHY_OID_TIME_STAMPING},
        {CHY_EKU_OCSP_SIGNING, CHY_OID_OCSP_SIGNING},
        {CHY_EKU_ANY_PURPOSE, CHY_OID_ANY_EXTENDED_KEY_USAGE},
    };
    if (mask == 0) {
        return;
    }
    // RFC 3161 2.3: what stamps times does nothing else, and says so critically.
    bool is_critical = mask == CHY_EKU_TIME_STAMPING;
    struct chy_ext_mark mark = chy_ext_open(w, CHY_OID_EXTENDED_KEY_USAGE, is_critical);
    uint64_t sequence = chy_der_open(w, CHY_DER_SEQUENCE);
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
        if ((mask & order[i].bit) != 0) {
            chy_der_add_element(w, CHY_DER_OID, chy_oid_contents(order[i].oid));
        }
    }
    chy_der_close(w, sequence);
    chy_ext_close(w, mark);
}

void chy_ext_write_sans(struct chy_der_writer *w, const struct chy_sans *sans, bool critical)
{
    if (sans == NULL || sans->count == 0) {
        return;
    }
    struct chy_ext_mark mark = chy_ext_open(w, CHY_OID_SUBJECT_ALT_NAME, critical);
    chy_sans_write(w, sans);
    chy_ext_close(w, mark);
}

/** Writes a DistributionPointName with a fullName of these URIs. */
static void write_point_name(struct chy_der_writer *w, const struct chy_slice *urls, uint64_t count)
{
    uint64_t name = chy_der_open(w, CHY_DER_CONTEXT_SET(0));
    uint64_t full = chy_der_open(w, CHY_DER_CONTEXT_SET(0));
    for (uint64_t i = 0; i < count; i++) {
        chy_der_add_element(w, TAG_URI, urls[i]);
    }
    chy_der_close(w, full);
    chy_der_close(w, name);
}

static void write_points(struct chy_der_writer *w, enum chy_oid oid, const struct chy_slice *urls,
                         uint64_t count)
{
    if (count == 0) {
        return;
    }
    struct chy_ext_mark mark = chy_ext_open(w, oid, false);
    uint64_t points = chy_der_open(w, CHY_DER_SEQUENCE);
    uint64_t point = chy_der_open(w, CHY_DER_SEQUENCE);
    write_point_name(w, urls, count);
    chy_der_close(w, point);
    chy_der_close(w, points);
    chy_ext_close(w, mark);
}

void chy_ext_write_crl_points(struct chy_der_writer *w, const struct chy_slice *urls,
                              uint64_t count)
{
    write_points(w, CHY_OID_CRL_DISTRIBUTION_POINTS, urls, count);
}

void chy_ext_write_freshest_crl(struct chy_der_writer *w, const struct chy_slice *urls,
                                uint64_t count)
{
    write_points(w, CHY_OID_FRESHEST_CRL, urls, count);
}

static void write_descriptions(struct chy_der_writer *w, enum chy_oid method,
                               const struct chy_slice *urls, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        uint64_t description = chy_der_open(w, CHY_DER_SEQUENCE);
        chy_der_add_element(w, CHY_DER_OID, chy_oid_contents(method));
        chy_der_add_element(w, TAG_URI, urls[i]);
        chy_der_close(w, description);
    }
}

void chy_ext_write_access(struct chy_der_writer *w, const struct chy_slice *ca_issuers,
                          uint64_t ca_issuers_count, const struct chy_slice *ocsp,
                          uint64_t ocsp_count)
{
    if (ca_issuers_count == 0 && ocsp_count == 0) {
        return;
    }
    struct chy_ext_mark mark = chy_ext_open(w, CHY_OID_AUTHORITY_INFO_ACCESS, false);
    uint64_t list = chy_der_open(w, CHY_DER_SEQUENCE);
    write_descriptions(w, CHY_OID_ACCESS_OCSP, ocsp, ocsp_count);
    write_descriptions(w, CHY_OID_ACCESS_CA_ISSUERS, ca_issuers, ca_issuers_count);
    chy_der_close(w, list);
    chy_ext_close(w, mark);
}

void chy_ext_write_ocsp_no_check(struct chy_der_writer *w)
{
    struct chy_ext_mark mark = chy_ext_open(w, CHY_OID_OCSP_NO_CHECK, false);
    chy_der_add_element(w, CHY_DER_NULL, chy_slice_of(NULL, 0));
    chy_ext_close(w, mark);
}

void chy_ext_write_crl_number(struct chy_der_writer *w, uint64_t number)
{
    struct chy_ext_mark mark = chy_ext_open(w, CHY_OID_CRL_NUMBER, false);
    chy_der_add_u64(w, CHY_DER_INTEGER, number);
    chy_ext_close(w, mark);
}

void chy_ext_write_delta_base(struct chy_der_writer *w, uint64_t base_number)
{
    struct chy_ext_mark mark = chy_ext_open(w, CHY_OID_DELTA_CRL, true);
    chy_der_add_u64(w, CHY_DER_INTEGER, base_number);
    chy_ext_close(w, mark);
}

void chy_ext_write_issuing_point(struct chy_der_writer *w, const struct chy_slice *urls,
                                 uint64_t count)
{
    if (count == 0) {
        return;
    }
    struct chy_ext_mark mark = chy_ext_open(w, CHY_OID_ISSUING_DISTRIBUTION_POINT, true);
    uint64_t sequence = chy_der_open(w, CHY_DER_SEQUENCE);
    write_point_name(w, urls, count);
    chy_der_close(w, sequence);
    chy_ext_close(w, mark);
}

struct chy_slice chy_key_id(struct chy_slice sha256_of_public_key)
{
    struct chy_slice id = sha256_of_public_key;
    if (id.len > CHY_KEY_ID_SIZE) {
        id.len = CHY_KEY_ID_SIZE;
    }
    return id;
}

void chy_extensions_write(struct chy_der_writer *w, const struct chy_extension_values *values)
{
    if (values->subject_key_id.len > 0) {
        chy_ext_write_subject_key_id(w, values->subject_key_id);
    }
    if (values->authority_key_id.len > 0) {
        chy_ext_write_authority_key_id(w, values->authority_key_id);
    }
    chy_ext_write_basic_constraints(w, &values->basic_constraints);
    chy_ext_write_key_usage(w, values->key_usage);
    chy_ext_write_ekus(w, values->ekus);
    if (values->name_constraints.len > 0) {
        struct chy_ext_mark mark = chy_ext_open(w, CHY_OID_NAME_CONSTRAINTS, true);
        chy_der_add_raw(w, values->name_constraints);
        chy_ext_close(w, mark);
    }
    chy_ext_write_sans(w, values->sans, values->sans_critical);
    chy_ext_write_crl_points(w, values->crl_urls, values->crl_url_count);
    chy_ext_write_access(w, values->ca_issuer_urls, values->ca_issuer_url_count, values->ocsp_urls,
                         values->ocsp_url_count);
    if (values->ocsp_no_check) {
        chy_ext_write_ocsp_no_check(w);
    }
}
