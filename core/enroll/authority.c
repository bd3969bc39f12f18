#include "enroll/authority.h"

#include "base/slice.h"
#include "base/time.h"
#include "enroll/authority_expiry.h"
#include "resource/collections.h"
#include "x509/algorithm.h"
#include "x509/known.h"
#include "x509/name.h"

/* ------------------------------------------------------------------------------------------------
 * What the shapes say
 */

#define PART "{\"type\":[\"string\",\"null\"],\"maxLength\":128}"
#define DATE "{\"type\":[\"string\",\"null\"],\"maxLength\":64}"
#define URLS                                                                         \
    "{\"type\":[\"array\",\"null\"],\"maxItems\":4,\"uniqueItems\":true,\"items\":{" \
    "\"type\":\"string\",\"maxLength\":1024,\"pattern\":\"^https?://[!-~]+$\","      \
    "\"description\":\"an http or https URL\"}}"
#define NAME                                                                                       \
    "{\"type\":\"string\",\"minLength\":1,\"maxLength\":64,\"pattern\":\"^[a-z0-9]+(-[a-z0-9]+)*$" \
    "\",\"description\":\"lower-case letters and digits, with single dashes between them\"}"
#define PATH_LENGTH "{\"type\":[\"integer\",\"null\"],\"minimum\":-1,\"maximum\":255}"
#define SUBTREES                                                                                   \
    "{\"type\":[\"array\",\"null\"],\"maxItems\":64,\"items\":{\"type\":\"string\",\"minLength\":" \
    "1,"                                                                                           \
    "\"maxLength\":255}}"
#define HALF                                                                                \
    "{\"type\":[\"object\",\"null\"],\"properties\":{\"dns\":" SUBTREES ",\"ip\":" SUBTREES \
    ",\"email\":" SUBTREES ",\"uri\":" SUBTREES "}}"
#define CONSTRAINTS                                                                           \
    "\"nameConstraints\":{\"type\":[\"object\",\"null\"],\"properties\":{\"permitted\":" HALF \
    ",\"excluded\":" HALF "}}"
#define STATUS \
    "\"status\":{\"type\":\"string\",\"enum\":[\"active\",\"disabled\",\"pending-certificate\"]}"
#define ON_EXPIRY "\"onCaExpiry\":{\"type\":\"string\",\"enum\":[\"refuse\",\"clamp\"]}"
#define DIRECT                                                                             \
    "\"enableDirectIssuance\":{\"type\":\"boolean\"},\"disableDirectIssuance\":{\"type\":" \
    "\"boolean\"}"

#define CREATE                                                                               \
    "{\"type\":\"object\",\"required\":[\"name\",\"configuration\"],\"properties\":{"        \
    "\"projectId\":{\"type\":[\"string\",\"null\"],\"format\":\"uuid\"},"                    \
    "\"name\":" NAME "," STATUS "," DIRECT "," ON_EXPIRY                                     \
    ",\"configuration\":{\"type\":\"object\",\"required\":[\"type\"],\"properties\":{"       \
    "\"type\":{\"type\":\"string\",\"enum\":[\"root\",\"intermediate\"]},"                   \
    "\"friendlyName\":{\"type\":[\"string\",\"null\"],\"maxLength\":255},"                   \
    "\"commonName\":" PART ",\"organization\":" PART ",\"ou\":" PART ",\"country\":" PART    \
    ",\"province\":" PART ",\"locality\":" PART ",\"notBefore\":" DATE ",\"notAfter\":" DATE \
    ",\"maxPathLength\":" PATH_LENGTH "," CONSTRAINTS                                        \
    ",\"keyAlgorithm\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":64},"              \
    "\"isOcspEnabled\":{\"type\":\"boolean\"},\"crlDistributionPointUrls\":" URLS "}}}}"

#define UPDATE                                                                                \
    "{\"type\":\"object\",\"properties\":{\"name\":" NAME "," STATUS "," DIRECT "," ON_EXPIRY \
    ",\"configuration\":{\"type\":\"object\",\"properties\":{"                                \
    "\"isOcspEnabled\":{\"type\":\"boolean\"},\"crlDistributionPointUrls\":" URLS "}}}}"

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

static chy_status create(struct chy_call *call)
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

static chy_status on_conflict(struct chy_call *call, struct chy_slice index)
{
    struct chy_slice name = chy_json_member(call->document, "name");
    if (!chy_slice_is(index, "name")) {
        return chy_fail(call->op, CHY_CONFLICT, 0,
                        "the certificate authority was changed by someone else in the meantime");
    }
    return chy_fail(call->op, CHY_BAD_INPUT, 0,
                    "a certificate authority named '%.*s' exists already in the project",
                    (int)name.len, (const char *)name.ptr);
}

/* ------------------------------------------------------------------------------------------------
 * Showing
 */

static chy_status add_parts(struct chy_call *call, const struct chy_storage_row *row,
                            json_t *object)
{
    json_t *kept;
    struct chy_slice dn;
    CHY_TRY(chy_json_parse(call->op, chy_row_json(row, CHY_AUTHORITY_SUBJECT_PARTS), &kept));
    CHY_TRY(chy_name_text(call->op, chy_row_blob(row, CHY_AUTHORITY_SUBJECT), &dn));
    return json_object_update(object, kept) == 0 && chy_json_set_text(object, "dn", dn)
               ? CHY_OK
               : chy_fail_memory(call->op);
}

static bool set_value(struct chy_call *call, json_t *object, const char *name,
                      const struct chy_storage_row *row, uint32_t field)
{
    return json_object_set_new(object, name,
                               chy_value_to_json(call->op, chy_row_value(row, field))) == 0;
}

/** add_certificate tells of the certificate in use, which a pending CA lacks. */
static chy_status add_certificate(struct chy_call *call, const struct chy_storage_row *row,
                                  json_t *object)
{
    struct chy_uuid generation_id = chy_row_uuid(row, CHY_AUTHORITY_GENERATION_ID);
    struct chy_storage_row generation;
    struct chy_storage_row certificate;
    bool fine =
        chy_json_set_null(object, "serialNumber") && chy_json_set_null(object, "activeCaCertId");
    CHY_TRY(chy_storage_read(call->runtime->storage, call->op, CHY_C_GENERATIONS,
                             CHY_KEY(chy_value_uuid(&generation_id)),
                             CHY_FIELDS(CHY_GENERATION_CERTIFICATE_ID), &generation));
    struct chy_uuid id = chy_row_uuid(&generation, 0);
    if (!chy_uuid_is_nil(&id)) {
        CHY_TRY(chy_storage_read(call->runtime->storage, call->op, CHY_C_AUTHORITY_CERTIFICATES,
                                 CHY_KEY(chy_value_uuid(&id)),
                                 CHY_FIELDS(CHY_ACERT_SERIAL, CHY_ACERT_NOT_BEFORE,
                                            CHY_ACERT_NOT_AFTER, CHY_ACERT_MAX_PATH_LENGTH),
                                 &certificate));
        fine = fine && set_value(call, object, "serialNumber", &certificate, 0) &&
               set_value(call, object, "notBefore", &certificate, 1) &&
               set_value(call, object, "notAfter", &certificate, 2) &&
               set_value(call, object, "maxPathLength", &certificate, 3) &&
               chy_json_set_uuid(object, "activeCaCertId", &id);
    }
    return fine ? CHY_OK : chy_fail_memory(call->op);
}

static chy_status configuration_object(struct chy_call *call, const struct chy_storage_row *row,
                                       json_t **out_object)
{
    json_t *object = chy_json_object(call->op);
    bool fine =
        object != NULL && set_value(call, object, "type", row, CHY_AUTHORITY_KIND) &&
        set_value(call, object, "friendlyName", row, CHY_AUTHORITY_FRIENDLY_NAME) &&
        set_value(call, object, "keyAlgorithm", row, CHY_AUTHORITY_KEY_ALGORITHM) &&
        set_value(call, object, "maxPathLength", row, CHY_AUTHORITY_MAX_PATH_LENGTH) &&
        set_value(call, object, "crlDistributionPointUrls", row, CHY_AUTHORITY_CRL_MIRRORS) &&
        chy_json_set_bool(object, "isOcspEnabled", chy_authority_wants_ocsp(row)) &&
        set_value(call, object, "nameConstraints", row, CHY_AUTHORITY_NAME_CONSTRAINTS) &&
        set_value(call, object, "notBefore", row, CHY_AUTHORITY_NOT_BEFORE) &&
        set_value(call, object, "notAfter", row, CHY_AUTHORITY_NOT_AFTER) &&
        set_value(call, object, "parentCaId", row, CHY_AUTHORITY_PARENT_ID);
    if (!fine) {
        return chy_fail_memory(call->op);
    }
    CHY_TRY(add_parts(call, row, object));
    *out_object = object;
    return add_certificate(call, row, object);
}

/** add_warnings tells of a CA that will soon be too short-lived for its profiles. */
static chy_status add_warnings(struct chy_call *call, const struct chy_storage_row *row,
                               const json_t *settings, json_t *object)
{
    struct chy_uuid id = chy_row_uuid(row, CHY_AUTHORITY_ID);
    struct chy_uuid active;
    int64_t not_after;
    bool soon = false;
    json_t *list = chy_json_array(call->op);
    if (list == NULL || json_object_set(object, "warnings", list) != 0) {
        return chy_fail_memory(call->op);
    }
    bool has_certificate = chy_uuid_parse(chy_json_member(settings, "activeCaCertId"), &active);
    if (!has_certificate || !chy_time_parse(chy_json_member(settings, "notAfter"), &not_after)) {
        return CHY_OK;
    }
    CHY_TRY(chy_authority_ends_soon(call->runtime, call->op, &id, not_after, &soon));
    if (!soon) {
        return CHY_OK;
    }
    json_t *warning = chy_json_object(call->op);
    bool fine =
        warning != NULL && chy_json_set_text(warning, "code", chy_text("ca-expires-soon")) &&
        chy_json_set_text(warning, "message",
                          chy_text("the CA ends too soon for what its profiles may ask "
                                   "for: renew it, or roll its key over")) &&
        chy_json_set_time(warning, "notAfter", not_after) && json_array_append(list, warning) == 0;
    return fine ? CHY_OK : chy_fail_memory(call->op);
}

chy_status chy_authority_object(struct chy_call *call, const struct chy_storage_row *row,
                                json_t **out_object)
{
    json_t *settings;
    json_t *object = chy_json_object(call->op);
    CHY_TRY(configuration_object(call, row, &settings));
    bool fine = object != NULL && set_value(call, object, "id", row, CHY_AUTHORITY_ID) &&
                set_value(call, object, "projectId", row, CHY_AUTHORITY_PROJECT_ID) &&
                set_value(call, object, "name", row, CHY_AUTHORITY_NAME) &&
                set_value(call, object, "status", row, CHY_AUTHORITY_STATUS) &&
                chy_json_set_text(object, "type", chy_text("internal")) &&
                set_value(call, object, "enableDirectIssuance", row, CHY_AUTHORITY_DIRECT) &&
                set_value(call, object, "onCaExpiry", row, CHY_AUTHORITY_ON_EXPIRY) &&
                set_value(call, object, "createdAt", row, CHY_AUTHORITY_CREATED_AT) &&
                set_value(call, object, "updatedAt", row, CHY_AUTHORITY_UPDATED_AT) &&
                json_object_set(object, "configuration", settings) == 0;
    if (!fine) {
        return chy_fail_memory(call->op);
    }
    CHY_TRY(add_warnings(call, row, settings, object));
    *out_object = object;
    return CHY_OK;
}

static chy_status get(struct chy_call *call)
{
    struct chy_storage_row row;
    CHY_TRY(chy_call_row(call, &call->id, &row));
    return chy_authority_object(call, &row, &call->answer);
}

#define LIST_MAX 1000

static chy_status list(struct chy_call *call)
{
    struct chy_query query;
    struct chy_storage_page page;
    CHY_TRY(chy_call_project(call));
    json_t *objects = chy_json_array(call->op);
    if (objects == NULL) {
        return chy_fail_memory(call->op);
    }
    chy_query_init(&query, call->op, CHY_C_AUTHORITIES, chy_call_fields(call), LIST_MAX);
    chy_query_eq(&query, CHY_AUTHORITY_PROJECT_ID, chy_value_uuid(&call->project_id));
    chy_query_order(&query, CHY_AUTHORITY_CREATED_AT, true);
    CHY_TRY(chy_query_run(&query, call->runtime->storage, &page));
    for (uint64_t i = 0; i < page.rows.count; i++) {
        json_t *object;
        CHY_TRY(chy_authority_object(call, chy_page_row(&page, i), &object));
        if (json_array_append(objects, object) != 0) {
            return chy_fail_memory(call->op);
        }
    }
    call->answer = objects;
    return CHY_OK;
}

/** list_wrapped answers the same list under a name: the route that shows every type of CA. */
static chy_status list_wrapped(struct chy_call *call)
{
    CHY_TRY(list(call));
    json_t *wrapper = chy_json_object(call->op);
    if (wrapper == NULL || json_object_set(wrapper, "certificateAuthorities", call->answer) != 0) {
        return chy_fail_memory(call->op);
    }
    call->answer = wrapper;
    return CHY_OK;
}

/* ------------------------------------------------------------------------------------------------
 * Changing and deleting
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

static chy_status update(struct chy_call *call)
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

/** is_own tells whether an entry of the register is a certificate of the CA itself, as a root's,
 *  or of its OCSP responder. */
static chy_status is_own(struct chy_call *call, const struct chy_uuid *id, bool *out_own)
{
    struct chy_storage_row row;
    chy_status status =
        chy_storage_read(call->runtime->storage, call->op, CHY_C_AUTHORITY_CERTIFICATES,
                         CHY_KEY(chy_value_uuid(id)), CHY_FIELDS(CHY_ACERT_AUTHORITY_ID), &row);
    *out_own = false;
    if (status == CHY_OK) {
        struct chy_uuid authority = chy_row_uuid(&row, 0);
        *out_own = chy_uuid_compare(&authority, &call->id) == 0;
    } else if (status == CHY_NOT_FOUND) {
        status = chy_storage_read(call->runtime->storage, call->op, CHY_C_OCSP_SIGNERS,
                                  CHY_KEY(chy_value_uuid(id)), CHY_NO_FIELDS, &row);
        *out_own = status == CHY_OK;
    }
    return status == CHY_NOT_FOUND ? CHY_OK : status;
}

#define OWN_MAX 100 // unexpired certificates of a root's one key

/** refuse_living_of: a key whose certificates still live keeps publishing for them. */
static chy_status refuse_living_of(struct chy_call *call, const struct chy_uuid *generation_id)
{
    struct chy_query query;
    struct chy_storage_page page;
    bool own = true;
    chy_query_init(&query, call->op, CHY_C_SERIALS, CHY_FIELDS(CHY_SERIAL_CERTIFICATE_ID), OWN_MAX);
    chy_query_eq(&query, CHY_SERIAL_GENERATION_ID, chy_value_uuid(generation_id));
    chy_query_range(&query, CHY_SERIAL_NOT_AFTER, chy_value_time(chy_now(call->op)),
                    chy_value_null());
    chy_query_order(&query, CHY_SERIAL_NOT_AFTER, true);
    CHY_TRY(chy_query_run(&query, call->runtime->storage, &page));
    for (uint64_t i = 0; i < page.rows.count && own; i++) {
        struct chy_uuid id = chy_row_uuid(chy_page_row(&page, i), 0);
        CHY_TRY(is_own(call, &id, &own));
    }
    return own && page.more == 0
               ? CHY_OK
               : chy_fail(call->op, CHY_BAD_INPUT, 0,
                          "the certificate authority has certificates that have not expired: "
                          "disable it instead, it goes on publishing for them");
}

/** refuse_living asks each key that the CA ever had. */
static chy_status refuse_living(struct chy_call *call)
{
    struct chy_query query;
    struct chy_storage_page page;
    chy_query_init(&query, call->op, CHY_C_GENERATIONS, CHY_FIELDS(CHY_GENERATION_ID),
                   CHY_STORAGE_PAGE_MAX);
    chy_query_eq(&query, CHY_GENERATION_AUTHORITY_ID, chy_value_uuid(&call->id));
    do {
        CHY_TRY(chy_query_run(&query, call->runtime->storage, &page));
        for (uint64_t i = 0; i < page.rows.count; i++) {
            struct chy_uuid id = chy_row_uuid(chy_page_row(&page, i), 0);
            CHY_TRY(refuse_living_of(call, &id));
        }
        query.find.cursor = page.cursor;
    } while (page.more != 0);
    return CHY_OK;
}

static chy_status refuse_used(struct chy_call *call)
{
    struct chy_query query;
    struct chy_storage_page page;
    chy_query_init(&query, call->op, CHY_C_PROFILES, CHY_FIELDS(CHY_PROFILE_SLUG), 1);
    chy_query_eq(&query, CHY_PROFILE_CA_ID, chy_value_uuid(&call->id));
    CHY_TRY(chy_query_run(&query, call->runtime->storage, &page));
    if (page.rows.count == 0) {
        return CHY_OK;
    }
    struct chy_slice slug = chy_row_text(chy_page_row(&page, 0), 0);
    return chy_fail(call->op, CHY_BAD_INPUT, 0,
                    "the certificate authority is used by the certificate profile '%.*s'",
                    (int)slug.len, (const char *)slug.ptr);
}

/** delete_shards leaves those that a batch has no room for. */
static void delete_shards(struct chy_batch *batch, struct chy_query *query,
                          const struct chy_uuid *generation_id)
{
    chy_query_init(query, batch->op, CHY_C_CRL_SHARDS, CHY_NO_FIELDS, CHY_STORAGE_PAGE_MAX);
    chy_query_eq(query, CHY_SHARD_GENERATION_ID, chy_value_uuid(generation_id));
    (void)chy_batch_delete_range(batch, query, CHY_STORAGE_DELETE_RANGE_MAX);
}

static void delete_signers(struct chy_batch *batch, struct chy_query *query,
                           const struct chy_uuid *generation_id)
{
    chy_query_init(query, batch->op, CHY_C_OCSP_SIGNERS, CHY_NO_FIELDS, CHY_STORAGE_PAGE_MAX);
    chy_query_eq(query, CHY_OCSP_SIGNER_GENERATION_ID, chy_value_uuid(generation_id));
    (void)chy_batch_delete_range(batch, query, CHY_STORAGE_DELETE_RANGE_MAX);
}

/** delete_generations: the keys go with their CA, what they publish with the keys; certificates,
 *  serials, revocations and the blocks on the keys stay. */
static chy_status delete_generations(struct chy_call *call, struct chy_batch *batch)
{
    struct chy_storage_page page;
    CHY_TRY(chy_authority_generations(call, &call->id, CHY_FIELDS(CHY_GENERATION_ID), &page));
    struct chy_query *queries = chy_alloc(call->op, page.rows.count * 2 * sizeof *queries);
    struct chy_uuid *ids = chy_alloc(call->op, page.rows.count * sizeof *ids);
    if (queries == NULL || ids == NULL) {
        return chy_fail_memory(call->op);
    }
    for (uint64_t i = 0; i < page.rows.count; i++) {
        ids[i] = chy_row_uuid(chy_page_row(&page, i), 0);
        (void)chy_batch_delete(batch, CHY_C_GENERATIONS, CHY_KEY(chy_value_uuid(&ids[i])));
        delete_shards(batch, &queries[2 * i], &ids[i]);
        delete_signers(batch, &queries[2 * i + 1], &ids[i]);
    }
    return CHY_OK;
}

static chy_status delete_authority(struct chy_call *call)
{
    struct chy_authority ca;
    struct chy_batch batch;
    json_t *object;
    CHY_TRY(chy_authority_load(call, &ca));
    CHY_TRY(refuse_used(call));
    CHY_TRY(refuse_living(call));
    CHY_TRY(chy_authority_object(call, &ca.row, &object));
    chy_batch_init(&batch, call->op, 0);
    struct chy_write *write =
        chy_batch_delete(&batch, CHY_C_AUTHORITIES, CHY_KEY(chy_value_uuid(&call->id)));
    chy_write_guard_revision(write, ca.row.revision);
    CHY_TRY(delete_generations(call, &batch));
    CHY_TRY(chy_call_commit(call, &batch, "delete", &call->id));
    call->answer = object;
    return CHY_OK;
}

static const struct chy_action actions[] = {
    {"create", CHY_ACTION_CREATE, 0, CREATE, create},
    {"get", CHY_ACTION_READ, CHY_ACTION_NEEDS_ID, NULL, get},
    {"list", CHY_ACTION_READ, CHY_ACTION_QUERY, CHY_LIST_SHAPE, list},
    {"list-all", CHY_ACTION_READ, CHY_ACTION_QUERY, CHY_LIST_SHAPE, list_wrapped},
    {"update", CHY_ACTION_EDIT, CHY_ACTION_NEEDS_ID, UPDATE, update},
    {"delete", CHY_ACTION_DELETE, CHY_ACTION_NEEDS_ID, NULL, delete_authority},
    {"csr", CHY_ACTION_READ, CHY_ACTION_NEEDS_ID, NULL, chy_authority_csr},
    {"generate-certificate", CHY_ACTION_CREATE, CHY_ACTION_NEEDS_ID,
     "{\"type\":\"object\",\"required\":[\"notAfter\"],\"properties\":{\"notBefore\":" DATE
     ",\"notAfter\":{\"type\":\"string\",\"maxLength\":64},\"maxPathLength\":" PATH_LENGTH
     "," CONSTRAINTS ",\"parentCaId\":{\"type\":[\"string\",\"null\"],\"format\":\"uuid\"}}}",
     chy_authority_generate},
    {"certificate", CHY_ACTION_READ, CHY_ACTION_NEEDS_ID,
     "{\"type\":\"object\",\"properties\":{"
     "\"certificateId\":{\"type\":\"string\",\"format\":\"uuid\"}}}",
     chy_authority_certificate_get},
    {"certificates", CHY_ACTION_READ, CHY_ACTION_NEEDS_ID, NULL, chy_authority_certificates},
    {"sign-intermediate", CHY_ACTION_SIGN_INTERMEDIATE, CHY_ACTION_NEEDS_ID,
     "{\"type\":\"object\",\"required\":[\"csr\",\"notAfter\"],\"properties\":{"
     "\"csr\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":49152},\"notBefore\":" DATE
     ",\"notAfter\":{\"type\":\"string\",\"maxLength\":64},\"maxPathLength\":" PATH_LENGTH
     "," CONSTRAINTS "}}",
     chy_authority_sign_intermediate},
    {"import-certificate", CHY_ACTION_CREATE, CHY_ACTION_NEEDS_ID,
     "{\"type\":\"object\",\"required\":[\"certificate\",\"certificateChain\"],\"properties\":{"
     "\"certificate\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":65536},"
     "\"certificateChain\":{\"type\":\"string\",\"maxLength\":524288}}}",
     chy_authority_import},
    {"crls", CHY_ACTION_READ, CHY_ACTION_NEEDS_ID, NULL, chy_authority_crls},
    {"renew", CHY_ACTION_CREATE, CHY_ACTION_NEEDS_ID,
     "{\"type\":\"object\",\"required\":[\"type\",\"notAfter\"],\"properties\":{"
     "\"type\":{\"type\":\"string\",\"enum\":[\"existing\",\"new-key\"]},\"notBefore\":" DATE
     ",\"notAfter\":{\"type\":\"string\",\"maxLength\":64},"
     "\"keyAlgorithm\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":64}}}",
     chy_authority_renew},
};

const struct chy_kind chy_kind_authority = {
    .name = "certificate-authorities",
    .what = "certificate authority",
    .subject = CHY_SUBJECT_AUTHORITIES,
    .audit = "certificate-authority",
    .collection = CHY_C_AUTHORITIES,
    .id_field = CHY_AUTHORITY_ID,
    .project_field = CHY_AUTHORITY_PROJECT_ID,
    .search_field = CHY_AUTHORITY_NAME,
    .created_field = CHY_AUTHORITY_CREATED_AT,
    .updated_field = CHY_AUTHORITY_UPDATED_AT,
    .actions = actions,
    .action_count = CHY_COUNT_OF(actions),
    .hooks = {.on_conflict = on_conflict},
};
