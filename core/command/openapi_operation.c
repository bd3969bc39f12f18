#include "command/openapi_operation.h"

#include "base/slice.h"
#include "http/envelope.h"
#include "resource/outline.h"

/** An id for examples: one that nothing has. */
#define SOME_ID "01939b2e-5f3a-7c41-9d0e-6a1f2b3c4d5e"

#define JSON "application/json"

/* ------------------------------------------------------------------------------------------------
 * Schemas as clients read them
 */

/** publish takes our own keywords out of a schema, which say what no JSON Schema can. */
static bool publish(json_t *schema)
{
    bool fine = true;
    const char *name;
    json_t *child;
    if (json_is_true(json_object_get(schema, "x-fold"))) {
        fine = chy_json_set_text(schema, "description", chy_text("In upper or lower case."));
    }
    (void)json_object_del(schema, "x-fold");
    (void)json_object_del(schema, "x-trim");
    json_object_foreach(json_object_get(schema, "properties"), name, child)
    {
        fine = publish(child) && fine;
    }
    child = json_object_get(schema, "items");
    return (child == NULL || publish(child)) && fine;
}

static bool is_of(const json_t *types, const char *type)
{
    size_t i;
    json_t *each;
    bool found = chy_slice_is(chy_json_text(types), type);
    json_array_foreach((json_t *)(uintptr_t)types, i, each)
    {
        found = found || chy_slice_is(chy_json_text(each), type);
    }
    return found;
}

static void take_null(json_t *list)
{
    for (size_t i = json_array_size(list); i > 0; i--) {
        bool is_null = json_is_null(json_array_get(list, i - 1)) ||
                       chy_slice_is(chy_json_text(json_array_get(list, i - 1)), "null");
        (void)(is_null ? json_array_remove(list, i - 1) : 0);
    }
}

/** query_schema makes of a member's schema that of a query's text; false: none can say it. */
static bool query_schema(json_t *schema)
{
    static const char *const simple[] = {"string", "integer", "number", "boolean"};
    json_t *types = json_object_get(schema, "type");
    take_null(json_object_get(schema, "enum"));
    if (types == NULL) {
        return true;
    }
    for (size_t i = 0; i < CHY_COUNT_OF(simple); i++) {
        if (is_of(types, simple[i])) {
            (void)json_object_del(schema, "items");
            (void)json_object_del(schema, "maxItems");
            return json_object_set_new(schema, "type", json_string(simple[i])) == 0;
        }
    }
    const json_t *items = json_object_get(schema, "items");
    return is_of(types, "array") && !is_of(json_object_get(items, "type"), "object") &&
           json_object_set_new(schema, "type", json_string("array")) == 0;
}

/* ------------------------------------------------------------------------------------------------
 * Examples
 */

static json_t *example_of(const json_t *schema);

static bool is_required(const json_t *schema, const char *name)
{
    return is_of(json_object_get(schema, "required"), name);
}

/** example_object has what is required, and what has an example. */
static json_t *example_object(const json_t *schema)
{
    json_t *object = json_object();
    const char *name;
    json_t *child;
    json_object_foreach(json_object_get(schema, "properties"), name, child)
    {
        bool has_one = json_object_get(child, "examples") != NULL;
        if (has_one || is_required(schema, name)) {
            (void)json_object_set_new(object, name, example_of(child));
        }
    }
    return object;
}

static json_t *example_of(const json_t *schema)
{
    json_t *given = json_array_get(json_object_get(schema, "examples"), 0);
    json_t *choice = json_array_get(json_object_get(schema, "enum"), 0);
    const json_t *types = json_object_get(schema, "type");
    if (given != NULL || choice != NULL) {
        return json_incref(given != NULL ? given : choice);
    }
    if (chy_slice_is(chy_json_member(schema, "format"), "uuid")) {
        return json_string(SOME_ID);
    }
    if (is_of(types, "object")) {
        return example_object(schema);
    }
    if (is_of(types, "array")) {
        return json_pack("[o]", example_of(json_object_get(schema, "items")));
    }
    if (is_of(types, "integer")) {
        return json_integer(json_integer_value(json_object_get(schema, "minimum")));
    }
    return is_of(types, "boolean") ? json_true() : json_string("text");
}

/* ------------------------------------------------------------------------------------------------
 * Parameters
 */

static const struct chy_pair *member_of(const struct chy_route_resource *resource,
                                        struct chy_slice parameter)
{
    for (uint64_t i = 0; resource != NULL && i < resource->members.count; i++) {
        const struct chy_pair *pair = chy_view_at(resource->members, i);
        if (chy_slice_equal(pair->name, parameter)) {
            return pair;
        }
    }
    return NULL;
}

/** take_member takes a member that the path gives out of the request's schema. */
static json_t *take_member(struct chy_openapi_route *r, struct chy_slice member)
{
    json_t *properties = json_object_get(r->request, "properties");
    json_t *required = json_object_get(r->request, "required");
    const char *name = (const char *)member.ptr;
    json_t *schema = json_incref(json_object_getn(properties, name, (size_t)member.len));
    (void)json_object_deln(properties, name, (size_t)member.len);
    for (size_t i = json_array_size(required); i > 0; i--) {
        if (chy_slice_equal(chy_json_text(json_array_get(required, i - 1)), member)) {
            (void)json_array_remove(required, i - 1);
        }
    }
    return schema;
}

static json_t *path_schema(struct chy_openapi_route *r, struct chy_slice name)
{
    const struct chy_route_resource *resource = r->route->resource;
    const struct chy_pair *member = member_of(resource, name);
    if (member != NULL) {
        json_t *schema = take_member(r, member->value);
        if (schema != NULL) {
            (void)publish(schema);
            return query_schema(schema) ? schema : (json_decref(schema), NULL);
        }
    }
    bool is_id = r->has_call && chy_slice_equal(resource->id, name) &&
                 (r->call.action->flags & CHY_ACTION_NEEDS_ID) != 0;
    return is_id ? json_pack("{s:s,s:s}", "type", "string", "format", "uuid")
                 : json_pack("{s:s,s:i}", "type", "string", "minLength", 1);
}

static json_t *path_parameter(struct chy_openapi_route *r, struct chy_slice name)
{
    const char *text = (const char *)name.ptr;
    json_t *schema = path_schema(r, name);
    json_t *parameter = json_pack("{s:s%,s:s,s:b,s:o}", "name", text, (size_t)name.len, "in",
                                  "path", "required", 1, "schema", schema);
    bool is_id = r->has_call && chy_slice_equal(r->route->resource->id, name);
    if (parameter != NULL && is_id && chy_slice_is(name, "id")) {
        (void)json_object_set_new(parameter, "description",
                                  json_sprintf("The id of the %s.", r->call.kind->what));
    }
    return parameter;
}

static json_t *query_parameter(const char *name, json_t *schema, bool required)
{
    bool is_list = is_of(json_object_get(schema, "type"), "array");
    json_t *parameter = json_pack("{s:s,s:s,s:b,s:O}", "name", name, "in", "query", "required",
                                  required, "schema", schema);
    json_t *words = json_object_get(schema, "description");
    if (words != NULL) {
        (void)json_object_set(parameter, "description", words);
        (void)json_object_del(schema, "description");
    }
    if (!required) { // "?limit=" reads like a query without it
        (void)json_object_set_new(parameter, "allowEmptyValue", json_true());
    }
    if (is_list) { // written with commas
        (void)json_object_set_new(parameter, "style", json_string("form"));
        (void)json_object_set_new(parameter, "explode", json_false());
    }
    return parameter;
}

static chy_status add_query(struct chy_openapi_route *r, json_t *parameters)
{
    const char *name;
    json_t *schema;
    json_object_foreach(json_object_get(r->request, "properties"), name, schema)
    {
        bool fine = publish(schema);
        if (fine && query_schema(schema)) {
            fine =
                json_array_append_new(
                    parameters, query_parameter(name, schema, is_required(r->request, name))) == 0;
        }
        if (!fine) {
            return chy_fail_memory(r->op);
        }
    }
    r->request = NULL;
    return CHY_OK;
}

chy_status chy_openapi_parameters(struct chy_openapi_route *r, json_t *parameters)
{
    struct chy_slice rest = r->route->pattern;
    struct chy_slice before;
    struct chy_slice name;
    while (chy_slice_cut(rest, '{', &before, &rest) && chy_slice_cut(rest, '}', &name, &rest)) {
        if (json_array_append_new(parameters, path_parameter(r, name)) != 0) {
            return chy_fail_memory(r->op);
        }
    }
    return r->from_query ? add_query(r, parameters) : CHY_OK;
}

/* ------------------------------------------------------------------------------------------------
 * The body
 */

static bool add_body_of(const struct chy_openapi_route *r, json_t *content, struct chy_slice type)
{
    bool is_json = chy_slice_is(type, JSON);
    json_t *media = r->request == NULL ? json_object() : json_pack("{s:O}", "schema", r->request);
    bool fine =
        media != NULL && (!is_json || r->request == NULL ||
                          json_object_set_new(media, "example", example_of(r->request)) == 0);
    return json_object_setn_new(content, (const char *)type.ptr, (size_t)type.len, media) == 0 &&
           fine;
}

chy_status chy_openapi_body(const struct chy_openapi_route *r, json_t *operation)
{
    const struct chy_route *route = r->route;
    json_t *content = chy_json_object(r->op);
    bool fine = content != NULL && (r->request == NULL || publish(r->request));
    if (route->body_limit == 0 || (r->request == NULL && route->media_types.count == 0)) {
        return CHY_OK;
    }
    for (uint64_t i = 0; i < route->media_types.count; i++) {
        fine = fine && add_body_of(r, content,
                                   *(const struct chy_slice *)chy_view_at(route->media_types, i));
    }
    fine = fine && (route->media_types.count != 0 || add_body_of(r, content, chy_text(JSON)));
    // What nobody checks may be missing: the handler says what it makes of that.
    bool required = r->has_call ? json_array_size(json_object_get(r->request, "required")) != 0
                                : r->request != NULL && (route->flags & CHY_ROUTE_EMPTY_BODY) == 0;
    fine = fine && json_object_set_new(
                       operation, "requestBody",
                       json_pack("{s:b,s:O}", "required", required, "content", content)) == 0;
    return fine ? CHY_OK : chy_fail_memory(r->op);
}

/* ------------------------------------------------------------------------------------------------
 * Answers
 */

static const struct {
    uint32_t status;
    const char *words;
} failures[] = {
    {400, "The request is malformed, or a rule or the state of things forbids it."},
    {401, "There is no access token, or nobody can log in with this."},
    {403, "The token has ended, or the permission is missing."},
    {404, "What is meant does not exist, or not in a project of the caller's."},
    {413, "The body is too large."},
    {414, "The path and query are too long."},
    {415, "The body is not of a media type that is taken."},
    {422, "The request does not have the described form: `message` lists everything."},
    {429, "The caller asks too often; Retry-After says when to ask again."},
    {500, "Something went wrong, and it is ours."},
    {503, "The service has no room or no storage now; Retry-After says when to ask again."},
    {504, "The answer took too long."},
};

/** may_answer tells which failures an operation can have. */
static bool may_answer(const struct chy_openapi_route *r, uint32_t status)
{
    const struct chy_route *route = r->route;
    bool asks_core = r->has_call || route->request_schema.len != 0;
    switch (status) {
    case 401:
    case 403: return route->auth != CHY_AUTH_NONE || asks_core;
    case 404: return asks_core || chy_slice_contains(route->pattern, chy_text("{"));
    case 413:
    case 415: return route->body_limit != 0;
    case 414: return r->from_query || chy_slice_contains(route->pattern, chy_text("{"));
    case 422: return asks_core;
    default: return true;
    }
}

static json_t *binary_media(void)
{
    return json_pack("{s:{s:s,s:s}}", "schema", "type", "string", "format", "binary");
}

/** success_content tells of the media types of a success: none, if its table does not say. */
static json_t *success_content(const struct chy_openapi_route *r)
{
    json_t *content = json_object();
    struct chy_slice rest = chy_text(r->call.media_types == NULL ? "" : r->call.media_types);
    struct chy_slice type;
    if (r->answer != NULL) {
        (void)json_object_set_new(content, JSON, json_pack("{s:O}", "schema", r->answer));
    }
    for (uint64_t i = 0; i < r->route->answer_types.count; i++) {
        type = *(const struct chy_slice *)chy_view_at(r->route->answer_types, i);
        (void)json_object_setn_new(content, (const char *)type.ptr, (size_t)type.len,
                                   binary_media());
    }
    while (rest.len != 0) {
        if (!chy_slice_cut(rest, ',', &type, &rest)) {
            type = rest;
            rest = chy_slice_of(NULL, 0);
        }
        (void)json_object_setn_new(content, (const char *)type.ptr, (size_t)type.len,
                                   binary_media());
    }
    return content;
}

chy_status chy_openapi_responses(const struct chy_openapi_route *r, json_t *responses)
{
    json_t *content = success_content(r);
    json_t *success = json_pack("{s:s}", "description", "Done.");
    bool fine = json_object_set_new(responses, "200", success) == 0;
    if (json_object_size(content) != 0) {
        fine = fine && json_object_set(success, "content", content) == 0;
    }
    json_decref(content);
    for (size_t i = 0; i < CHY_COUNT_OF(failures); i++) {
        char status[8];
        (void)snprintf(status, sizeof status, "%u", failures[i].status);
        if (may_answer(r, failures[i].status)) {
            fine = fine && json_object_set_new(
                               responses, status,
                               json_pack("{s:o}", "$ref",
                                         json_sprintf("#/components/responses/%s", status))) == 0;
        }
    }
    return fine ? CHY_OK : chy_fail_memory(r->op);
}

#define ERROR_NAMES_MAX 8

static json_t *envelope_schema(uint32_t status, json_t *message)
{
    const char *names[ERROR_NAMES_MAX];
    size_t count = chy_http_error_names(status, names, ERROR_NAMES_MAX);
    json_t *words = json_array();
    for (size_t i = 0; i < count; i++) {
        (void)json_array_append_new(words, json_string(names[i]));
    }
    return json_pack("{s:s,s:[s,s,s,s],s:{s:{s:s},s:{s:i},s:o,s:{s:s,s:o},s:{}}}", "type", "object",
                     "required", "reqId", "statusCode", "message", "error", "properties", "reqId",
                     "type", "string", "statusCode", "const", (int)status, "message", message,
                     "error", "type", "string", "enum", words, "details");
}

static json_t *issues_schema(void)
{
    return json_pack("{s:s,s:i,s:{s:s,s:[s,s,s],s:{s:{s:s},s:{s:s,s:{s:[s,s]}},s:{s:s}}}}", "type",
                     "array", "minItems", 1, "items", "type", "object", "required", "code", "path",
                     "message", "properties", "code", "type", "string", "path", "type", "array",
                     "items", "type", "string", "integer", "message", "type", "string");
}

chy_status chy_openapi_add_errors(struct chy_op *op, json_t *schemas, json_t *responses)
{
    for (size_t i = 0; i < CHY_COUNT_OF(failures); i++) {
        uint32_t status = failures[i].status;
        char name[24];
        char key[8];
        (void)snprintf(name, sizeof name, "Error%u", status);
        (void)snprintf(key, sizeof key, "%u", status);
        json_t *message = status == 422 ? issues_schema() : json_pack("{s:s}", "type", "string");
        json_t *response =
            json_pack("{s:s,s:{s:{s:{s:o}}}}", "description", failures[i].words, "content", JSON,
                      "schema", "$ref", json_sprintf(CHY_OUTLINE_REFERENCE "%s", name));
        if (json_object_set_new(schemas, name, envelope_schema(status, message)) != 0 ||
            json_object_set_new(responses, key, response) != 0) {
            return chy_fail_memory(op);
        }
    }
    return CHY_OK;
}
