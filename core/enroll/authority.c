#include "enroll/authority.h"

#include "base/slice.h"
#include "enroll/answers.h"
#include "resource/collections.h"

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
    "\",\"description\":\"lower-case letters and digits, with single dashes between them\","       \
    "\"examples\":[\"issuing-ca\"]}"
#define END \
    "\"notAfter\":{\"type\":\"string\",\"maxLength\":64,\"examples\":[\"2036-01-01T00:00:00Z\"]}"
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

#define CREATE                                                                                  \
    "{\"type\":\"object\",\"required\":[\"name\",\"configuration\"],\"properties\":{"           \
    "\"projectId\":" CHY_SHAPE_ID_OR_NULL ","                                                   \
    "\"name\":" NAME "," STATUS "," DIRECT "," ON_EXPIRY                                        \
    ",\"configuration\":{\"type\":\"object\",\"required\":[\"type\"],\"properties\":{"          \
    "\"type\":{\"type\":\"string\",\"enum\":[\"root\",\"intermediate\"]},"                      \
    "\"friendlyName\":{\"type\":[\"string\",\"null\"],\"maxLength\":255},"                      \
    "\"commonName\":{\"type\":[\"string\",\"null\"],\"maxLength\":128,\"examples\":[\"Example " \
    "CA\"]},"                                                                                   \
    "\"organization\":" PART ",\"ou\":" PART ",\"country\":" PART ",\"province\":" PART         \
    ",\"locality\":" PART ",\"notBefore\":" DATE ",\"notAfter\":" DATE                          \
    ",\"maxPathLength\":" PATH_LENGTH "," CONSTRAINTS                                           \
    ",\"keyAlgorithm\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":64},"                 \
    "\"isOcspEnabled\":{\"type\":\"boolean\"},\"crlDistributionPointUrls\":" URLS "}}}}"

#define UPDATE                                                                                \
    "{\"type\":\"object\",\"properties\":{\"name\":" NAME "," STATUS "," DIRECT "," ON_EXPIRY \
    ",\"configuration\":{\"type\":\"object\",\"properties\":{"                                \
    "\"isOcspEnabled\":{\"type\":\"boolean\"},\"crlDistributionPointUrls\":" URLS "}}}}"

/* ------------------------------------------------------------------------------------------------
 * Getting
 */

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
 * The kind
 */

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

static const struct chy_action actions[] = {
    {"create", CHY_ACTION_CREATE, 0, CREATE, chy_authority_create},
    {"get", CHY_ACTION_READ, CHY_ACTION_NEEDS_ID, NULL, get},
    {"list", CHY_ACTION_READ, CHY_ACTION_QUERY, CHY_LIST_SHAPE, list},
    {"list-all", CHY_ACTION_READ, CHY_ACTION_QUERY, CHY_LIST_SHAPE, list_wrapped},
    {"update", CHY_ACTION_EDIT, CHY_ACTION_NEEDS_ID, UPDATE, chy_authority_update},
    {"delete", CHY_ACTION_DELETE, CHY_ACTION_NEEDS_ID, NULL, chy_authority_delete},
    {"csr", CHY_ACTION_READ, CHY_ACTION_NEEDS_ID, NULL, chy_authority_csr},
    {"generate-certificate", CHY_ACTION_CREATE, CHY_ACTION_NEEDS_ID,
     "{\"type\":\"object\",\"required\":[\"notAfter\"],\"properties\":{\"notBefore\":" DATE "," END
     ",\"maxPathLength\":" PATH_LENGTH "," CONSTRAINTS ",\"parentCaId\":" CHY_SHAPE_ID_OR_NULL "}}",
     chy_authority_generate},
    {"certificate", CHY_ACTION_READ, CHY_ACTION_NEEDS_ID,
     "{\"type\":\"object\",\"properties\":{"
     "\"certificateId\":" CHY_SHAPE_ID "}}",
     chy_authority_certificate_get},
    {"certificates", CHY_ACTION_READ, CHY_ACTION_NEEDS_ID, NULL, chy_authority_certificates},
    {"sign-intermediate", CHY_ACTION_SIGN_INTERMEDIATE, CHY_ACTION_NEEDS_ID,
     "{\"type\":\"object\",\"required\":[\"csr\",\"notAfter\"],\"properties\":{"
     "\"csr\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":49152},\"notBefore\":" DATE "," END
     ",\"maxPathLength\":" PATH_LENGTH "," CONSTRAINTS "}}",
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
     "," END ","
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
    .decoration = chy_authority_outline,
    .answers = chy_authority_answers,
    .answer_count = CHY_AUTHORITY_ANSWER_COUNT,
    .hooks = {.on_conflict = on_conflict},
};
