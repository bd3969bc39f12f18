#include "enroll/certificate_find.h"

#include "base/encode.h"
#include "enroll/serials.h"
#include "plugin/view.h"
#include "resource/collections.h"
#include "resource/principal.h"
#include "resource/shape.h"
#include "x509/certificate.h"

/** is_of_caller tells whether an id is of a certificate, not deleted, that exists for the
 *  caller. */
static chy_status is_of_caller(struct chy_runtime *runtime, struct chy_op *op,
                               const struct chy_uuid *id, bool *out_is)
{
    struct chy_storage_row row;
    chy_status status =
        chy_storage_read(runtime->storage, op, CHY_C_CERTIFICATES, CHY_KEY(chy_value_uuid(id)),
                         CHY_FIELDS(CHY_CERT_PROJECT_ID), &row);
    if (status == CHY_NOT_FOUND) {
        status =
            chy_storage_read(runtime->storage, op, CHY_C_AUTHORITY_CERTIFICATES,
                             CHY_KEY(chy_value_uuid(id)), CHY_FIELDS(CHY_ACERT_PROJECT_ID), &row);
    }
    *out_is = false;
    if (status == CHY_OK) {
        struct chy_uuid project_id = chy_row_uuid(&row, 0);
        *out_is = chy_principal_is_member(chy_principal_of(op), &project_id);
    }
    return status == CHY_NOT_FOUND ? CHY_OK : status;
}

/** count_in counts the certificates of a number in a project; NULL: in all that there are. */
static chy_status count_in(struct chy_runtime *runtime, struct chy_op *op,
                           const struct chy_uuid *project_id, struct chy_slice text,
                           struct chy_uuid *out_id, uint32_t *count)
{
    struct chy_view entries;
    CHY_TRY(chy_serial_find(runtime, op, project_id, text, &entries));
    for (uint64_t i = 0; i < entries.count; i++) {
        const struct chy_serial_entry *entry = chy_view_at(entries, i);
        bool is;
        CHY_TRY(is_of_caller(runtime, op, entry->certificate_id, &is));
        if (is) {
            *out_id = *entry->certificate_id;
            (*count)++;
        }
    }
    return CHY_OK;
}

static chy_status find_by_serial(struct chy_runtime *runtime, struct chy_op *op,
                                 struct chy_slice text, struct chy_uuid *out_id)
{
    const struct chy_principal *principal = chy_principal_of(op);
    uint32_t count = 0;
    if (principal != NULL && principal->role == CHY_ROLE_ADMIN) { // of each project
        CHY_TRY(count_in(runtime, op, NULL, text, out_id, &count));
    } else if (principal != NULL) {
        for (uint32_t i = 0; i < principal->membership_count && count < 2; i++) {
            CHY_TRY(
                count_in(runtime, op, &principal->memberships[i].project_id, text, out_id, &count));
        }
    }
    if (count > 1) {
        return chy_fail(op, CHY_BAD_INPUT, 0,
                        "several certificates have this serial number: name one by its id");
    }
    return count == 1 ? CHY_OK : chy_not_found(op, "certificate");
}

#define SHA1_DIGITS 40
#define SHA256_DIGITS 64

chy_status chy_certificate_find(struct chy_runtime *runtime, struct chy_op *op,
                                struct chy_slice text, struct chy_uuid *out_id)
{
    uint8_t octets[SHA256_DIGITS / 2];
    struct chy_buffer room = {octets, sizeof octets};
    uint64_t serial_len;
    size_t len;
    if (chy_uuid_parse(text, out_id)) {
        return CHY_OK;
    }
    bool is_digest =
        (text.len == SHA1_DIGITS || text.len == SHA256_DIGITS) && chy_hex_decode(text, room, &len);
    bool is_serial = chy_serial_parse(text, octets, &serial_len);
    chy_status status = is_serial ? find_by_serial(runtime, op, text, out_id) : CHY_NOT_FOUND;
    if (is_digest && status == CHY_NOT_FOUND) {
        return chy_fail(op, CHY_BAD_INPUT, 0,
                        "certificates are not found by thumbprint here: give the certificate's "
                        "id or its serial number");
    }
    if (!is_serial) {
        return chy_shape_refuse_one(op, "invalid_string", "/id",
                                    "a certificate is named by its id, a UUID, or by its serial "
                                    "number");
    }
    return status;
}
