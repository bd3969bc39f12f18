#include "enroll/certificate_edit.h"

#include "base/slice.h"
#include "enroll/certificate_view.h"
#include "enroll/decision.h"
#include "enroll/gain.h"
#include "enroll/metadata.h"
#include "enroll/names.h"
#include "enroll/permit.h"
#include "enroll/pkcs12.h"
#include "resource/collections.h"

/* ------------------------------------------------------------------------------------------------
 * Metadata
 */

const char chy_certificate_update_shape[] =
    "{\"type\":\"object\",\"properties\":{\"metadata\":" CHY_METADATA_SHAPE "}}";

/** refuse_gain: by metadata that they write themselves nobody comes by a permission. */
static chy_status refuse_gain(struct chy_call *call, const struct chy_storage_row *row,
                              struct chy_view metadata)
{
    struct chy_facts facts;
    struct chy_place before = chy_certificate_place(row);
    struct chy_place after = before;
    CHY_TRY(chy_permit_row_facts(call, row, &before.owner_id, &facts));
    struct chy_facts changed = facts;
    changed.metadata = metadata;
    before.facts = &facts;
    after.facts = &changed;
    return chy_gain_refuse(call->op, &before, &after);
}

static chy_status replace_metadata(struct chy_call *call, const struct chy_storage_row *row,
                                   const json_t *list)
{
    struct chy_view metadata;
    struct chy_view pairs;
    struct chy_slice text = {NULL, 0};
    struct chy_batch batch;
    CHY_TRY(chy_metadata_read(call->op, list, &metadata));
    CHY_TRY(refuse_gain(call, row, metadata));
    CHY_TRY(chy_decision_metadata(call->op, metadata, &text));
    CHY_TRY(chy_names_pairs(call->op, metadata, &pairs));
    chy_batch_init(&batch, call->op, 0);
    struct chy_write *write =
        chy_batch_update(&batch, CHY_C_CERTIFICATES, CHY_KEY(chy_value_uuid(&call->id)));
    chy_write_guard_revision(write, row->revision);
    chy_write_set(write, CHY_CERT_METADATA, chy_value_json_or_null(text));
    chy_write_set(write, CHY_CERT_PAIRS, chy_value_many(pairs));
    chy_write_set(write, CHY_CERT_UPDATED_AT, chy_value_time(chy_now(call->op)));
    return chy_call_commit(call, &batch, "update", &call->id);
}

chy_status chy_certificate_update(struct chy_call *call)
{
    struct chy_storage_row row;
    json_t *object;
    const json_t *list = json_object_get(call->document, "metadata");
    CHY_TRY(chy_call_row(call, &call->id, &row));
    if (json_is_array(list)) {
        CHY_TRY(replace_metadata(call, &row, list));
        CHY_TRY(chy_call_row(call, &call->id, &row));
    }
    CHY_TRY(chy_call_object(call, &row, &object));
    json_t *answer = chy_json_object(call->op);
    call->answer = answer;
    return answer != NULL &&
                   json_object_set(answer, "metadata", json_object_get(object, "metadata")) == 0
               ? CHY_OK
               : chy_fail_memory(call->op);
}

/* ------------------------------------------------------------------------------------------------
 * PKCS#12
 */

const char chy_certificate_pkcs12_shape[] =
    "{\"type\":\"object\",\"required\":[\"password\",\"alias\"],\"properties\":{"
    "\"password\":{\"type\":\"string\",\"minLength\":6,\"maxLength\":1024,"
    "\"examples\":[\"a long password\"]},"
    "\"alias\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":255,"
    "\"examples\":[\"service\"]},"
    "\"legacy\":{\"type\":\"boolean\"}}}";

static chy_status read_wish(struct chy_call *call, const struct chy_certificate_view *view,
                            struct chy_pkcs12_wanted *wanted)
{
    struct chy_slice alias = chy_json_member(call->document, "alias");
    if (alias.len > CHY_PKCS12_NAME_MAX || !chy_text_is_clean(alias)) {
        return chy_shape_refuse_one(call->op, "invalid_string", "/alias",
                                    "a text of at most %u bytes without control characters is "
                                    "expected",
                                    CHY_PKCS12_NAME_MAX);
    }
    wanted->contents.certificate = chy_row_blob(&view->row, CHY_CERT_DER);
    wanted->contents.chain = view->chain;
    wanted->contents.friendly_name = alias;
    // What other programs take: SHA-1 of the certificate. It only has to be the same on both sides.
    wanted->contents.local_key_id = chy_row_blob(&view->row, CHY_CERT_FINGERPRINT_SHA1);
    wanted->password = chy_json_member(call->document, "password");
    wanted->scheme = json_is_true(json_object_get(call->document, "legacy")) ? CHY_PKCS12_LEGACY
                                                                             : CHY_PKCS12_MODERN;
    return CHY_OK;
}

chy_status chy_certificate_pkcs12(struct chy_call *call)
{
    struct chy_certificate_view view;
    struct chy_pkcs12_wanted wanted;
    struct chy_slice file;
    struct chy_slice serial;
    struct chy_buf name;
    memset(&wanted, 0, sizeof wanted);
    CHY_TRY(chy_certificate_view_load(call->runtime, call->op, &call->id, &view));
    call->project_id = view.project_id;
    CHY_TRY(read_wish(call, &view, &wanted));
    CHY_TRY(chy_certificate_view_pkcs8(call->runtime, call->op, &view, "pkcs12", &wanted.pkcs8));
    CHY_TRY(chy_pkcs12_seal(call->runtime, call->op, &wanted, &file));
    uint8_t *body = chy_secret_alloc(call->op, file.len);
    if (body == NULL) {
        return chy_fail_memory(call->op);
    }
    memcpy(body, file.ptr, file.len);
    serial = chy_row_text(&view.row, CHY_CERT_SERIAL);
    chy_buf_init(&name, call->op, 256);
    chy_buf_add_text(&name, "certificate-");
    chy_buf_add(&name, serial);
    chy_buf_add_text(&name, ".p12");
    call->secret = chy_slice_of(body, file.len);
    call->media_type = "application/octet-stream";
    call->file_name = chy_buf_slice(&name);
    return chy_buf_ok(&name) ? CHY_OK : chy_buf_fail(&name, call->op, "the file's name");
}
