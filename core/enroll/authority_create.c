/** Making a CA, and changing what may be changed of it. */
#include "enroll/authority.h"

#include "base/slice.h"
#include "resource/collections.h"
#include "x509/algorithm.h"
#include "x509/known.h"
#include "x509/name.h"

static const json_t *configuration(const struct chy_call *call)
{
    return json_object_get(call->document, "configuration");
}

/* ------------------------------------------------------------------------------------------------
 * The subject
 */

static const struct {
    const char *member;
    enum chy_name_type type;
} parts[] = {
    {"commonName", CHY_NAME_COMMON_NAME}, {"organization", CHY_NAME_ORGANIZATION},
    {"ou", CHY_NAME_ORGANIZATIONAL_UNIT}, {"country", CHY_NAME_COUNTRY},
    {"province", CHY_NAME_STATE},         {"locality", CHY_NAME_LOCALITY},
};

static chy_status make_subject(struct chy_call *call, struct chy_slice *out_der,
                               struct chy_slice *out_parts)
{
    struct chy_name_attribute attributes[CHY_COUNT_OF(parts)];
    struct chy_name name = {.attributes = attributes};
    json_t *kept = chy_json_object(call->op);
    if (kept == NULL) {
        return chy_fail_memory(call->op);
    }
    for (size_t i = 0; i < CHY_COUNT_OF(parts); i++) {
        struct chy_slice given =
            chy_slice_trim(chy_json_member(configuration(call), parts[i].member));
        if (!chy_json_set_text(kept, parts[i].member, given)) {
            return chy_fail_memory(call->op);
        }
        if (given.len != 0) {
            CHY_TRY(
                chy_name_canonical(call->op, parts[i].type, given, &attributes[name.count].value));
            attributes[name.count++].type = parts[i].type;
        }
    }
    if (name.count == 0) {
        return chy_shape_refuse_one(call->op, "custom", "/configuration",
                                    "at least one of commonName, organization, ou, country, "
                                    "province and locality must have a value");
    }
    chy_name_sort(attributes, name.count);
    CHY_TRY(chy_json_write(call->op, kept, out_parts));
    return chy_name_encode(call->op, &name, out_der);
}

/* ------------------------------------------------------------------------------------------------
 * Creating
 */

/** A CA about to be made. */
struct creation {
    struct chy_uuid id;
    struct chy_slice subject;
    struct chy_slice subject_parts;
    uint32_t algorithm;
    bool is_root;
    bool signs_now;               /**< a root with an end: it signs itself at once */
    struct chy_validity validity; /**< not_after 0: no end was asked for */
    int32_t max_path_length;
    struct chy_slice name_constraints;      /**< contents of extnValue, or empty */
    struct chy_slice name_constraints_json; /**< or empty */
    struct chy_authority_key key;
    struct chy_authority_certificate certificate;
};

static chy_status read_constraints(struct chy_call *call, struct creation *c)
{
    const json_t *given = json_object_get(configuration(call), "nameConstraints");
    if (!json_is_object(given)) {
        return CHY_OK;
    }
    CHY_TRY(chy_json_write(call->op, given, &c->name_constraints_json));
    return chy_authority_constraints(call, given, &c->name_constraints);
}

static chy_status read_creation(struct chy_call *call, struct creation *c)
{
    struct chy_slice algorithm = chy_json_member(configuration(call), "keyAlgorithm");
    const json_t *length = json_object_get(configuration(call), "maxPathLength");
    c->algorithm =
        algorithm.len == 0 ? (uint32_t)CHY_KEY_RSA_2048 : chy_key_algorithm_find(algorithm);
    if (c->algorithm == CHY_KEY_NONE) {
        char known[CHY_KNOWN_SIZE];
        return chy_shape_refuse_one(call->op, "invalid_enum_value", "/configuration/keyAlgorithm",
                                    "'%.*s' is not known, expected one of %s", (int)algorithm.len,
                                    (const char *)algorithm.ptr,
                                    chy_known_words(chy_key_algorithm_find, known));
    }
    c->is_root = chy_slice_is(chy_json_member(configuration(call), "type"), "root");
    c->max_path_length = json_is_integer(length) ? (int32_t)json_integer_value(length) : -1;
    if (chy_json_member(configuration(call), "notAfter").len != 0) {
        CHY_TRY(chy_validity_of_ca(call->runtime, call->op, configuration(call), "/configuration",
                                   NULL, &c->validity));
    }
    c->signs_now = c->is_root && c->validity.not_after != 0;
    CHY_TRY(read_constraints(call, c));
    return make_subject(call, &c->subject, &c->subject_parts);
}

static chy_status sign_root(struct chy_call *call, struct chy_batch *batch, struct creation *c)
{
    struct chy_authority_wish wish = {
        .subject = c->subject,
        .spki = c->key.spki,
        .key_algorithm = c->algorithm,
        .key = &c->key.key,
        .validity = c->validity,
        .max_path_length = c->max_path_length,
        .name_constraints = c->name_constraints,
    };
    CHY_TRY(chy_authority_certify(call, &wish, &c->certificate));
    c->certificate.version = 1;
    CHY_TRY(
        chy_authority_install(call, batch, &c->id, &c->key.generation_id, true, &c->certificate));
    chy_write_set(c->key.row, CHY_GENERATION_CERTIFICATE_ID, chy_value_uuid(&c->certificate.id));
    return CHY_OK;
}

static bool wants_direct(const struct chy_call *call, bool fallback)
{
    const json_t *enable = json_object_get(call->document, "enableDirectIssuance");
    const json_t *disable = json_object_get(call->document, "disableDirectIssuance");
    return json_is_boolean(enable)    ? json_is_true(enable)
           : json_is_boolean(disable) ? !json_is_true(disable)
                                      : fallback;
}

static struct chy_value text_member(const json_t *object, const char *name, const char *fallback)
{
    struct chy_slice text = chy_json_member(object, name);
    return text.len == 0 && fallback != NULL ? chy_value_text(chy_text(fallback))
                                             : chy_value_text_or_null(text);
}

static chy_status set_mirrors(struct chy_call *call, struct chy_write *write)
{
    const json_t *urls = json_object_get(configuration(call), "crlDistributionPointUrls");
    struct chy_slice text;
    if (urls == NULL) {
        return CHY_OK;
    }
    if (json_is_null(urls)) {
        chy_write_set(write, CHY_AUTHORITY_CRL_MIRRORS, chy_value_null());
        return CHY_OK;
    }
    CHY_TRY(chy_json_write(call->op, urls, &text));
    chy_write_set(write, CHY_AUTHORITY_CRL_MIRRORS, chy_value_json(text));
    return CHY_OK;
}

bool chy_authority_wants_ocsp(const struct chy_storage_row *row)
{
    return chy_row_is_null(row, CHY_AUTHORITY_OCSP) || chy_row_bool(row, CHY_AUTHORITY_OCSP);
}

/** set_ocsp keeps what is asked for; nothing said: as it is, and at first yes. */
static void set_ocsp(struct chy_call *call, struct chy_write *write)
{
    const json_t *wanted = json_object_get(configuration(call), "isOcspEnabled");
    if (json_is_boolean(wanted)) {
        chy_write_set(write, CHY_AUTHORITY_OCSP, chy_value_bool(json_is_true(wanted)));
    }
}

static chy_status insert_authority(struct chy_call *call, struct chy_batch *batch,
                                   const struct creation *c)
{
    const char *status = !c->signs_now ? "pending-certificate" : "active";
    bool disabled = chy_slice_is(chy_json_member(call->document, "status"), "disabled");
    int64_t now = chy_now(call->op);
    struct chy_write *write =
        chy_batch_insert(batch, CHY_C_AUTHORITIES, CHY_KEY(chy_value_uuid(&c->id)));
    chy_write_set(write, CHY_AUTHORITY_PROJECT_ID, chy_value_uuid(&call->project_id));
    chy_write_set(write, CHY_AUTHORITY_NAME, text_member(call->document, "name", NULL));
    chy_write_set(write, CHY_AUTHORITY_KIND,
                  chy_value_text(chy_text(c->is_root ? "root" : "intermediate")));
    chy_write_set(write, CHY_AUTHORITY_STATUS,
                  chy_value_text(chy_text(c->signs_now && disabled ? "disabled" : status)));
    chy_write_set(write, CHY_AUTHORITY_DIRECT, chy_value_bool(wants_direct(call, true)));
    chy_write_set(write, CHY_AUTHORITY_FRIENDLY_NAME,
                  text_member(configuration(call), "friendlyName", NULL));
    chy_write_set(write, CHY_AUTHORITY_SUBJECT, chy_value_blob(c->subject));
    chy_write_set(write, CHY_AUTHORITY_SUBJECT_PARTS, chy_value_json(c->subject_parts));
    chy_write_set(write, CHY_AUTHORITY_KEY_ALGORITHM,
                  chy_value_text(chy_text(chy_key_algorithm_name(c->algorithm))));
    chy_write_set(write, CHY_AUTHORITY_MAX_PATH_LENGTH, chy_value_int(c->max_path_length));
    chy_write_set(write, CHY_AUTHORITY_ON_EXPIRY,
                  text_member(call->document, "onCaExpiry", "refuse"));
    chy_write_set(write, CHY_AUTHORITY_GENERATION_ID, chy_value_uuid(&c->key.generation_id));
    if (c->validity.not_after != 0) {
        chy_write_set(write, CHY_AUTHORITY_NOT_BEFORE, chy_value_time(c->validity.not_before));
        chy_write_set(write, CHY_AUTHORITY_NOT_AFTER, chy_value_time(c->validity.not_after));
    }
    if (c->name_constraints_json.len != 0) {
        chy_write_set(write, CHY_AUTHORITY_NAME_CONSTRAINTS,
                      chy_value_json(c->name_constraints_json));
    }
    chy_write_set(write, CHY_AUTHORITY_CREATED_AT, chy_value_time(now));
    chy_write_set(write, CHY_AUTHORITY_UPDATED_AT, chy_value_time(now));
    set_ocsp(call, write);
    return set_mirrors(call, write);
}

static chy_status answer_object(struct chy_call *call, const struct chy_uuid *id)
{
    struct chy_storage_row row;
    CHY_TRY(chy_storage_read(call->runtime->storage, call->op, CHY_C_AUTHORITIES,
                             CHY_KEY(chy_value_uuid(id)), chy_call_fields(call), &row));
    return chy_authority_object(call, &row, &call->answer);
}

static chy_status create_with(struct chy_call *call, struct creation *c)
{
    struct chy_batch batch;
    chy_batch_init(&batch, call->op, 0);
    CHY_TRY(chy_runtime_new_uuid(call->runtime, call->op, &c->id));
    CHY_TRY(read_creation(call, c));
    c->key.without_ocsp = json_is_false(json_object_get(configuration(call), "isOcspEnabled"));
    CHY_TRY(chy_authority_make_key(call, &batch, &c->id, c->algorithm, 1, "active", &c->key));
    if (c->signs_now) {
        CHY_TRY(sign_root(call, &batch, c));
    }
    CHY_TRY(insert_authority(call, &batch, c));
    CHY_TRY(chy_call_commit(call, &batch, "create", &c->id));
    return answer_object(call, &c->id);
}

chy_status chy_authority_create(struct chy_call *call)
{
    CHY_TRY(chy_call_project(call));
    struct creation *c = chy_alloc(call->op, sizeof *c); // the batch borrows from it
    if (c == NULL) {
        return chy_fail_memory(call->op);
    }
    chy_status status = create_with(call, c);
    chy_crypto_key_release(&c->key.key);
    return status;
}

/* ------------------------------------------------------------------------------------------------
 * Changing
 */

static chy_status check_status(struct chy_call *call, const struct chy_storage_row *row,
                               struct chy_slice wanted)
{
    struct chy_slice now = chy_row_text(row, CHY_AUTHORITY_STATUS);
    bool pending = chy_slice_is(now, "pending-certificate");
    bool to_pending = chy_slice_is(wanted, "pending-certificate");
    if (wanted.len == 0 || pending == to_pending) {
        bool enables = chy_slice_is(now, "disabled") && chy_slice_is(wanted, "active");
        return enables ? chy_authority_refuse_revoked(call, row) : CHY_OK;
    }
    return chy_fail(call->op, CHY_BAD_INPUT, 0,
                    pending ? "the certificate authority has no certificate yet: generate or "
                              "import one, then it is active"
                            : "the certificate authority has its certificate already");
}

chy_status chy_authority_update(struct chy_call *call)
{
    struct chy_storage_row row;
    struct chy_batch batch;
    CHY_TRY(chy_call_row(call, &call->id, &row));
    struct chy_slice name = chy_json_member(call->document, "name");
    struct chy_slice status = chy_json_member(call->document, "status");
    struct chy_slice on_expiry = chy_json_member(call->document, "onCaExpiry");
    CHY_TRY(check_status(call, &row, status));
    chy_batch_init(&batch, call->op, 0);
    struct chy_write *write =
        chy_batch_update(&batch, CHY_C_AUTHORITIES, CHY_KEY(chy_value_uuid(&call->id)));
    chy_write_guard_revision(write, row.revision);
    if (name.len != 0) {
        chy_write_set(write, CHY_AUTHORITY_NAME, chy_value_text(name));
    }
    if (status.len != 0) {
        chy_write_set(write, CHY_AUTHORITY_STATUS, chy_value_text(status));
    }
    if (on_expiry.len != 0) {
        chy_write_set(write, CHY_AUTHORITY_ON_EXPIRY, chy_value_text(on_expiry));
    }
    chy_write_set(write, CHY_AUTHORITY_DIRECT,
                  chy_value_bool(wants_direct(call, chy_row_bool(&row, CHY_AUTHORITY_DIRECT))));
    CHY_TRY(set_mirrors(call, write));
    set_ocsp(call, write);
    chy_write_set(write, CHY_AUTHORITY_UPDATED_AT, chy_value_time(chy_now(call->op)));
    CHY_TRY(chy_call_commit(call, &batch, "update", &call->id));
    return answer_object(call, &call->id);
}
