#include "resource/profile.h"

#include "base/slice.h"
#include "resource/application_profile.h"
#include "resource/collections.h"
#include "resource/delete_all.h"
#include "resource/method_config.h"
#include "resource/profile_metrics.h"
#include "x509/algorithm.h"
#include "x509/extensions.h"
#include "x509/known.h"

#define WORDS                                                   \
    "{\"type\":[\"array\",\"null\"],\"maxItems\":20,\"items\":" \
    "{\"type\":\"string\",\"minLength\":1,\"maxLength\":64}}"
#define ATTRIBUTE "{\"type\":[\"string\",\"null\"],\"maxLength\":255}"
#define OBJECT_OR_NULL "{\"type\":[\"object\",\"null\"]}"

#define DEFAULTS                                                                                   \
    "{\"type\":[\"object\",\"null\"],\"properties\":{"                                             \
    "\"ttlDays\":{\"type\":[\"integer\",\"null\"],\"minimum\":1,\"maximum\":36500},"               \
    "\"commonName\":" ATTRIBUTE ",\"organization\":" ATTRIBUTE                                     \
    ",\"organizationalUnit\":" ATTRIBUTE ",\"country\":" ATTRIBUTE ",\"state\":" ATTRIBUTE         \
    ",\"locality\":" ATTRIBUTE ",\"keyAlgorithm\":" ATTRIBUTE ",\"signatureAlgorithm\":" ATTRIBUTE \
    ",\"keyUsages\":" WORDS ",\"extendedKeyUsages\":" WORDS                                        \
    ",\"domainComponents\":{\"type\":[\"array\",\"null\"],"                                        \
    "\"maxItems\":50,\"items\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":63}},"           \
    "\"basicConstraints\":{\"type\":[\"object\",\"null\"],\"properties\":{"                        \
    "\"isCA\":{\"type\":\"boolean\"},"                                                             \
    "\"pathLength\":{\"type\":[\"integer\",\"null\"],\"minimum\":0,\"maximum\":255}}}}}"

static const struct chy_member members[] = {
    {"id", CHY_PROFILE_ID, CHY_MEMBER_DERIVED, NULL},
    {"projectId", CHY_PROFILE_PROJECT_ID, CHY_MEMBER_FIXED, CHY_SHAPE_ID},
    {"caId", CHY_PROFILE_CA_ID, CHY_MEMBER_FIXED, CHY_SHAPE_ID_OR_NULL},
    {"certificatePolicyId", CHY_PROFILE_POLICY_ID, CHY_MEMBER_FIXED | CHY_MEMBER_REQUIRED,
     CHY_SHAPE_ID},
    {"slug", CHY_PROFILE_SLUG, CHY_MEMBER_REQUIRED,
     "{\"type\":\"string\",\"minLength\":1,\"maxLength\":255,\"pattern\":\"^[a-z0-9-]+$\","
     "\"examples\":[\"tls-server\"],\"description\":\"lower-case letters, digits and dashes\"}"},
    {"description", CHY_PROFILE_DESCRIPTION, 0, CHY_SHAPE_DESCRIPTION},
    {"enrollmentType", CHY_PROFILE_ENROLLMENT_TYPE, 0,
     "{\"type\":\"string\",\"minLength\":1,\"maxLength\":48,\"examples\":[\"api\"]}"},
    {"issuerType", CHY_PROFILE_ISSUER_TYPE, CHY_MEMBER_FIXED,
     "{\"type\":\"string\",\"enum\":[\"ca\",\"self-signed\"]}"},
    {"externalConfigs", CHY_PROFILE_EXTERNAL_CONFIGS, 0, OBJECT_OR_NULL},
    {"defaults", CHY_PROFILE_DEFAULTS, 0, DEFAULTS},
    {"keyRetention", CHY_PROFILE_KEY_RETENTION, 0,
     "{\"type\":\"string\",\"enum\":[\"stored\",\"once\",\"none\"]}"},
    {"createdAt", CHY_PROFILE_CREATED_AT, CHY_MEMBER_DERIVED, NULL},
    {"updatedAt", CHY_PROFILE_UPDATED_AT, CHY_MEMBER_DERIVED, NULL},
};

/* ------------------------------------------------------------------------------------------------
 * What the shapes cannot say
 */

static bool check_words(struct chy_call *call, const json_t *defaults, const char *name,
                        uint32_t (*find)(struct chy_slice word))
{
    size_t i;
    json_t *word;
    bool fine = true;
    json_array_foreach(json_object_get(defaults, name), i, word)
    {
        if (find(chy_json_text(word)) == 0) {
            char path[64];
            char known[CHY_KNOWN_SIZE];
            (void)snprintf(path, sizeof path, "/defaults/%s/%zu", name, i);
            chy_shape_issue(call->op, "invalid_enum_value", path,
                            "'%s' is not known, expected one of %s", json_string_value(word),
                            chy_known_words(find, known));
            fine = false;
        }
    }
    return fine;
}

static bool check_algorithm(struct chy_call *call, const json_t *defaults, const char *name,
                            uint32_t (*find)(struct chy_slice word))
{
    struct chy_slice word = chy_json_member(defaults, name);
    if (word.len == 0 || find(word) != 0) {
        return true;
    }
    char path[64];
    char known[CHY_KNOWN_SIZE];
    (void)snprintf(path, sizeof path, "/defaults/%s", name);
    chy_shape_issue(call->op, "invalid_enum_value", path, "'%.*s' is not known, expected one of %s",
                    (int)word.len, (const char *)word.ptr, chy_known_words(find, known));
    return false;
}

static bool check_defaults(struct chy_call *call)
{
    const json_t *defaults = json_object_get(call->document, "defaults");
    bool fine = check_words(call, defaults, "keyUsages", chy_key_usage_find);
    fine = check_words(call, defaults, "extendedKeyUsages", chy_eku_find) && fine;
    fine = check_algorithm(call, defaults, "keyAlgorithm", chy_key_algorithm_find) && fine;
    return check_algorithm(call, defaults, "signatureAlgorithm", chy_signature_algorithm_find) &&
           fine;
}

static void issue_unknown_method(struct chy_call *call)
{
    char known[256] = "";
    size_t len = 0;
    for (uint32_t i = 0; i < call->runtime->method_count && len < sizeof known; i++) {
        const struct chy_slice *name = &call->runtime->methods[i].name;
        int more = snprintf(known + len, sizeof known - len, "%s%.*s", i == 0 ? "" : ", ",
                            (int)name->len, (const char *)name->ptr);
        len += more > 0 ? (size_t)more : 0;
    }
    chy_shape_issue(call->op, "invalid_enum_value", "/enrollmentType",
                    "no enrollment method of this name is loaded; expected one of: %s", known);
}

/** check_other_configs refuses a config member of a method that is not the profile's. */
static bool check_other_configs(struct chy_call *call, const struct chy_method *method)
{
    static const char *const known[] = {"apiConfig", "estConfig", "acmeConfig", "scepConfig"};
    char own[CHY_METHOD_NAME_MAX + 16];
    chy_method_member(method, false, own);
    bool fine = true;
    for (size_t i = 0; i < CHY_COUNT_OF(known); i++) {
        const json_t *config = json_object_get(call->document, known[i]);
        if (strcmp(known[i], own) != 0 && config != NULL && !json_is_null(config)) {
            char path[64];
            (void)snprintf(path, sizeof path, "/%s", known[i]);
            chy_shape_issue(call->op, "custom", path,
                            "belongs to another enrollmentType than the profile's");
            fine = false;
        }
    }
    return fine;
}

static bool check_issuer(struct chy_call *call, const struct chy_method *method)
{
    bool self_signed = chy_slice_is(chy_json_member(call->document, "issuerType"), "self-signed");
    bool has_ca = chy_json_member(call->document, "caId").len != 0;
    if (!self_signed && !has_ca) {
        chy_shape_issue(call->op, "custom", "/caId", "required when issuerType is ca");
        return false;
    }
    if (self_signed && has_ca) {
        chy_shape_issue(call->op, "custom", "/caId",
                        "not permitted when issuerType is self-signed");
        return false;
    }
    if (self_signed && !chy_slice_is(method->name, "api")) {
        chy_shape_issue(call->op, "custom", "/enrollmentType",
                        "self-signed profiles enroll by the API only");
        return false;
    }
    return true;
}

static chy_status check_references(struct chy_call *call)
{
    struct chy_uuid id;
    struct chy_storage_row row;
    if (chy_call_uuid(call, "certificatePolicyId", &id)) {
        CHY_TRY(chy_call_reference(call, &id, CHY_C_POLICIES, CHY_POLICY_PROJECT_ID, CHY_NO_FIELDS,
                                   "certificate policy", &row));
    }
    if (chy_call_uuid(call, "caId", &id)) {
        CHY_TRY(chy_call_reference(call, &id, CHY_C_AUTHORITIES, CHY_AUTHORITY_PROJECT_ID,
                                   CHY_NO_FIELDS, "certificate authority", &row));
    }
    const json_t *external = json_object_get(call->document, "externalConfigs");
    if (json_is_object(external) && json_object_size(external) != 0) {
        return chy_fail_reason(call->op, CHY_DENIED, CHY_REASON_BOUNDARY,
                               "externalConfigs need an external certificate authority");
    }
    return CHY_OK;
}

/* ------------------------------------------------------------------------------------------------
 * Creating
 */

static chy_status set_config(struct chy_call *call, struct chy_write *write,
                             const struct chy_method *method, const json_t *base)
{
    char path[CHY_METHOD_NAME_MAX + 17] = "/";
    const char *member = path + 1;
    json_t *config;
    struct chy_slice text;
    chy_method_member(method, false, path + 1);
    CHY_TRY(chy_method_config_check(call->op, method, path, json_object_get(call->document, member),
                                    base, &config));
    CHY_TRY(chy_json_write(call->op, config, &text));
    chy_write_set(write, CHY_PROFILE_CONFIG, chy_value_json(text));
    return CHY_OK;
}

static const char *const default_method = "api";

static chy_status check_create(struct chy_call *call, const struct chy_method **out_method)
{
    struct chy_slice type = chy_json_member(call->document, "enrollmentType");
    const struct chy_method *method =
        chy_runtime_method(call->runtime, type.len == 0 ? chy_text(default_method) : type);
    if (method == NULL) {
        issue_unknown_method(call);
        return chy_shape_refuse(call->op);
    }
    bool fine = check_defaults(call);
    fine = check_other_configs(call, method) && fine;
    fine = check_issuer(call, method) && fine;
    char member[CHY_METHOD_NAME_MAX + 16];
    chy_method_member(method, false, member);
    if (type.len != 0 && !json_is_object(json_object_get(call->document, member))) {
        char path[CHY_METHOD_NAME_MAX + 17];
        (void)snprintf(path, sizeof path, "/%s", member);
        chy_shape_issue(call->op, "invalid_type", path,
                        "required: expected object with enrollmentType %.*s", (int)type.len,
                        (const char *)type.ptr);
        fine = false;
    }
    *out_method = method;
    return fine ? CHY_OK : chy_shape_refuse(call->op);
}

static chy_status before_create(struct chy_call *call, struct chy_batch *batch,
                                struct chy_write *write)
{
    (void)batch;
    const struct chy_method *method = NULL;
    CHY_TRY(check_create(call, &method));
    CHY_TRY(check_references(call));
    CHY_TRY(set_config(call, write, method, NULL));
    struct chy_uuid *config_id = chy_alloc(call->op, sizeof *config_id);
    if (config_id == NULL) {
        return chy_fail_memory(call->op);
    }
    CHY_TRY(chy_runtime_new_uuid(call->runtime, call->op, config_id));
    chy_write_set(write, CHY_PROFILE_CONFIG_ID, chy_value_uuid(config_id));
    chy_write_set(write, CHY_PROFILE_METHOD, chy_value_text(method->name));
    if (chy_json_member(call->document, "enrollmentType").len == 0) {
        chy_write_set(write, CHY_PROFILE_ENROLLMENT_TYPE, chy_value_text(method->name));
    }
    if (chy_json_member(call->document, "issuerType").len == 0) {
        chy_write_set(write, CHY_PROFILE_ISSUER_TYPE, chy_value_text(chy_text("ca")));
    }
    if (chy_json_member(call->document, "keyRetention").len == 0) {
        chy_write_set(write, CHY_PROFILE_KEY_RETENTION, chy_value_text(chy_text("stored")));
    }
    return CHY_OK;
}

/** check_slug: conditions of roles name profiles by their slugs, so another slug hands out what is
 *  of the profile; nobody hands out what they lack. */
static chy_status check_slug(struct chy_call *call, struct chy_slice before)
{
    struct chy_slice after = chy_json_member(call->document, "slug");
    struct chy_held_role held = chy_principal_role(chy_principal_of(call->op), &call->project_id);
    struct chy_query query;
    struct chy_storage_page page;
    if (after.len == 0 || chy_slice_equal(after, before)) {
        return CHY_OK;
    }
    chy_query_init(&query, call->op, CHY_C_ROLES, CHY_FIELDS(CHY_ROLE_FIELD_PERMISSIONS),
                   CHY_STORAGE_PAGE_MAX);
    chy_query_eq(&query, CHY_ROLE_FIELD_PROJECT_ID, chy_value_uuid(&call->project_id));
    do {
        CHY_TRY(chy_query_run(&query, call->runtime->storage, &page));
        for (uint64_t i = 0; i < page.rows.count; i++) {
            json_t *permissions;
            CHY_TRY(
                chy_json_parse(call->op, chy_row_json(chy_page_row(&page, i), 0), &permissions));
            if (!chy_role_covers_slug(&held, permissions, before, after)) {
                return chy_fail_reason(call->op, CHY_DENIED, CHY_REASON_BOUNDARY,
                                       "a role of the project has permissions for profiles with "
                                       "that slug which you do not have for this one: nobody can "
                                       "hand out what they lack");
            }
        }
        query.find.cursor = page.cursor;
    } while (page.more != 0);
    return CHY_OK;
}

static chy_status before_update(struct chy_call *call, const struct chy_storage_row *row,
                                struct chy_batch *batch, struct chy_write *write)
{
    (void)batch;
    CHY_TRY(check_slug(call, chy_row_text(row, CHY_PROFILE_SLUG)));
    struct chy_slice type = chy_json_member(call->document, "enrollmentType");
    struct chy_slice stored = chy_row_text(row, CHY_PROFILE_METHOD);
    const struct chy_method *method =
        chy_runtime_method(call->runtime, type.len == 0 ? stored : type);
    if (method == NULL) {
        issue_unknown_method(call);
        return chy_shape_refuse(call->op);
    }
    bool fine = check_defaults(call);
    fine = check_other_configs(call, method) && fine;
    if (!fine) {
        return chy_shape_refuse(call->op);
    }
    json_t *base = NULL;
    if (chy_slice_equal(method->name, stored)) {
        CHY_TRY(chy_json_parse(call->op, chy_row_json(row, CHY_PROFILE_CONFIG), &base));
    }
    chy_write_set(write, CHY_PROFILE_METHOD, chy_value_text(method->name));
    return set_config(call, write, method, base);
}

static chy_status on_conflict(struct chy_call *call, struct chy_slice index)
{
    (void)index;
    struct chy_slice slug = chy_json_member(call->document, "slug");
    return chy_fail_reason(call->op, CHY_DENIED, CHY_REASON_BOUNDARY,
                           "a certificate profile with the slug '%.*s' exists already in the "
                           "project; choose another slug",
                           (int)slug.len, (const char *)slug.ptr);
}

/* ------------------------------------------------------------------------------------------------
 * Showing
 */

static chy_status decorate_method(struct chy_call *call, const struct chy_storage_row *row,
                                  json_t *object)
{
    static const char *const ids[] = {"apiConfigId", "estConfigId", "acmeConfigId", "scepConfigId"};
    for (size_t i = 0; i < CHY_COUNT_OF(ids); i++) {
        if (!chy_json_set_null(object, ids[i])) {
            return chy_fail_memory(call->op);
        }
    }
    struct chy_method method = {.name = chy_row_text(row, CHY_PROFILE_METHOD)};
    struct chy_uuid id = chy_row_uuid(row, CHY_PROFILE_CONFIG_ID);
    char member[CHY_METHOD_NAME_MAX + 16];
    json_t *config;
    CHY_TRY(chy_json_parse(call->op, chy_row_json(row, CHY_PROFILE_CONFIG), &config));
    chy_method_member(&method, true, member);
    bool fine = chy_json_set_uuid(object, member, &id) && chy_json_set_uuid(config, "id", &id);
    chy_method_member(&method, false, member);
    return fine && json_object_set(object, member, config) == 0 ? CHY_OK
                                                                : chy_fail_memory(call->op);
}

static chy_status decorate_authority(struct chy_call *call, const struct chy_storage_row *row,
                                     json_t *object)
{
    struct chy_uuid id = chy_row_uuid(row, CHY_PROFILE_CA_ID);
    if (chy_uuid_is_nil(&id)) {
        return CHY_OK;
    }
    struct chy_storage_row ca;
    CHY_TRY(chy_storage_read(call->runtime->storage, call->op, CHY_C_AUTHORITIES,
                             CHY_KEY(chy_value_uuid(&id)),
                             CHY_FIELDS(CHY_AUTHORITY_NAME, CHY_AUTHORITY_STATUS), &ca));
    json_t *shown = chy_json_object(call->op);
    bool fine = shown != NULL && chy_json_set_uuid(shown, "id", &id) &&
                chy_json_set_uuid(shown, "projectId", &call->project_id) &&
                chy_json_set_text(shown, "name", chy_row_text(&ca, 0)) &&
                chy_json_set_text(shown, "status", chy_row_text(&ca, 1)) &&
                chy_json_set_bool(shown, "isExternal", false) &&
                json_object_set(object, "certificateAuthority", shown) == 0;
    return fine ? CHY_OK : chy_fail_memory(call->op);
}

static chy_status decorate_policy(struct chy_call *call, const struct chy_storage_row *row,
                                  json_t *object)
{
    struct chy_uuid id = chy_row_uuid(row, CHY_PROFILE_POLICY_ID);
    struct chy_storage_row policy;
    CHY_TRY(chy_storage_read(call->runtime->storage, call->op, CHY_C_POLICIES,
                             CHY_KEY(chy_value_uuid(&id)),
                             CHY_FIELDS(CHY_POLICY_NAME, CHY_POLICY_DESCRIPTION), &policy));
    json_t *shown = chy_json_object(call->op);
    bool fine = shown != NULL && chy_json_set_uuid(shown, "id", &id) &&
                chy_json_set_uuid(shown, "projectId", &call->project_id) &&
                chy_json_set_text(shown, "name", chy_row_text(&policy, 0)) &&
                json_object_set_new(shown, "description",
                                    chy_value_to_json(call->op, chy_row_value(&policy, 1))) == 0 &&
                json_object_set(object, "certificatePolicy", shown) == 0;
    return fine ? CHY_OK : chy_fail_memory(call->op);
}

static chy_status decorate(struct chy_call *call, const struct chy_storage_row *row, json_t *object)
{
    CHY_TRY(decorate_method(call, row, object));
    CHY_TRY(decorate_authority(call, row, object));
    return strcmp(call->action->name, "get") == 0 ? decorate_policy(call, row, object) : CHY_OK;
}

static chy_status by_slug(struct chy_call *call)
{
    struct chy_storage_row row;
    CHY_TRY(chy_call_project_partly(call));
    CHY_TRY(chy_call_row_by(call, CHY_PROFILE_SLUG, "slug", &row));
    struct chy_uuid id = chy_row_uuid(&row, CHY_PROFILE_ID);
    CHY_TRY(chy_application_require_profile(call, &id));
    return chy_call_answer_row(call, &row);
}

#define SLUG_QUERY                                                      \
    "{\"type\":\"object\",\"required\":[\"slug\"],\"properties\":{"     \
    "\"slug\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":255}," \
    "\"projectId\":" CHY_SHAPE_ID "}}"

/** describe adds the configuration of each enrollment method. */
static chy_status describe(const struct chy_runtime *runtime, struct chy_op *op, bool is_answer,
                           json_t *schema)
{
    json_t *properties = json_object_get(schema, "properties");
    for (uint32_t i = 0; i < runtime->method_count; i++) {
        char member[CHY_METHOD_NAME_MAX + 16];
        json_t *config;
        chy_method_member(&runtime->methods[i], false, member);
        CHY_TRY(chy_method_config_schema(op, &runtime->methods[i], is_answer, &config));
        bool fine = json_object_set(properties, member, config) == 0;
        chy_method_member(&runtime->methods[i], true, member);
        fine =
            fine && (!is_answer || json_object_set_new(properties, member,
                                                       json_pack("{s:[s,s],s:s}", "type", "string",
                                                                 "null", "format", "uuid")) == 0);
        if (!fine) {
            return chy_fail_memory(op);
        }
    }
    return CHY_OK;
}

#define LIST_QUERY                                                                   \
    CHY_LIST_SHAPE_WITH(",\"caId\":" CHY_SHAPE_ID ",\"applicationId\":" CHY_SHAPE_ID \
                        ",\"certificatePolicyId\":" CHY_SHAPE_ID CHY_PROFILE_METRICS_MEMBERS)

static chy_status list(struct chy_call *call)
{
    CHY_TRY(chy_kind_list(call));
    return chy_profile_metrics(call);
}

static const struct chy_list_filter filters[] = {
    {"caId", CHY_PROFILE_CA_ID, false},
    {"certificatePolicyId", CHY_PROFILE_POLICY_ID, false},
    {"enrollmentType", CHY_PROFILE_METHOD, true},
    {"issuerType", CHY_PROFILE_ISSUER_TYPE, true},
};

static chy_status before_delete(struct chy_call *call, const struct chy_storage_row *row,
                                struct chy_batch *batch)
{
    (void)row;
    chy_delete_in(batch, CHY_C_APPLICATION_PROFILES, CHY_APP_PROFILE_PROFILE_ID, &call->id);
    chy_delete_in(batch, CHY_C_APPROVAL_PROFILES, CHY_APPROVAL_PROFILE_ID, &call->id);
    return CHY_OK;
}

static chy_status delete_profile(struct chy_call *call)
{
    CHY_TRY(chy_kind_delete(call));
    return chy_delete_all(call->runtime, call->op, CHY_C_APPLICATION_PROFILES,
                          CHY_APP_PROFILE_PROFILE_ID, &call->id);
}

static const struct chy_action actions[] = {
    {"create", CHY_ACTION_CREATE, 0, NULL, chy_kind_create},
    {"get", CHY_ACTION_READ, CHY_ACTION_NEEDS_ID, NULL, chy_kind_get},
    {"list", CHY_ACTION_READ, CHY_ACTION_QUERY, LIST_QUERY, list},
    {"update", CHY_ACTION_EDIT, CHY_ACTION_NEEDS_ID, NULL, chy_kind_update},
    {"delete", CHY_ACTION_DELETE, CHY_ACTION_NEEDS_ID, NULL, delete_profile},
    {"by-slug", CHY_ACTION_READ, CHY_ACTION_QUERY, SLUG_QUERY, by_slug},
};

/** What decorate() adds, but for the configuration of the method, which describe() does. */
#define DECORATION                                                                                \
    "{'apiConfigId': 'id?', 'estConfigId': 'id?', 'acmeConfigId': 'id?', 'scepConfigId': 'id?', " \
    "'certificateAuthority?': {'id': 'id', 'projectId': 'id', 'name': 'text', "                   \
    "'status': 'text', 'isExternal': 'bool'}, 'certificatePolicy?': {'id': 'id', "                \
    "'projectId': 'id', 'name': 'text', 'description': 'text?'}, 'metrics?': {'profileId': "      \
    "'id', 'totalCertificates': 'int', 'activeCertificates': 'int', 'expiredCertificates': "      \
    "'int', 'expiringCertificates': 'int', 'revokedCertificates': 'int'}}"

static const struct chy_kind_answer answers[] = {
    {"by-slug", "{'certificateProfile': '#CertificateProfile'}", NULL},
};

const struct chy_kind chy_kind_profile = {
    .name = "certificate-profiles",
    .singular = "certificateProfile",
    .plural = "certificateProfiles",
    .what = "certificate profile",
    .subject = CHY_SUBJECT_PROFILES,
    .audit = "certificate-profile",
    .collection = CHY_C_PROFILES,
    .id_field = CHY_PROFILE_ID,
    .project_field = CHY_PROFILE_PROJECT_ID,
    .search_field = CHY_PROFILE_SLUG,
    .created_field = CHY_PROFILE_CREATED_AT,
    .updated_field = CHY_PROFILE_UPDATED_AT,
    .members = members,
    .member_count = CHY_COUNT_OF(members),
    .actions = actions,
    .action_count = CHY_COUNT_OF(actions),
    .decoration = DECORATION,
    .answers = answers,
    .answer_count = CHY_COUNT_OF(answers),
    .filters = filters,
    .filter_count = CHY_COUNT_OF(filters),
    .hooks = {.before_create = before_create,
              .before_update = before_update,
              .before_delete = before_delete,
              .narrow = chy_application_narrow_profiles,
              .on_conflict = on_conflict,
              .decorate = decorate,
              .describe = describe},
};
