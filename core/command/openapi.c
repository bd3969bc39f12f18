#include "command/openapi.h"

#include "base/slice.h"
#include "command/openapi_operation.h"

#define ABOUT                                                                                      \
    "Certificates, and what it takes to issue and manage them. Answers are JSON; a request that "  \
    "succeeds answers 200. A request that fails answers an envelope {reqId, statusCode, message, " \
    "error}, in which `message` is a text, or with status 422 a list of everything that is "       \
    "wrong. "                                                                                      \
    "Members that a request has and no schema names are left alone. A request that is not well "   \
    "formed HTTP is answered 400, 408, 417 or 431 by every operation, and a method that a "        \
    "path does not have 405."

/* ------------------------------------------------------------------------------------------------
 * The document around the operations
 */

chy_status chy_openapi_begin(struct chy_openapi *api, struct chy_op *op,
                             const struct chy_runtime *runtime)
{
    json_t *errors = json_object();
    memset(api, 0, sizeof *api);
    api->op = op;
    api->runtime = runtime;
    api->paths = json_object();
    api->schemas = json_object();
    api->tags = json_array();
    json_t *document = json_pack(
        "{s:s,s:{s:s,s:s,s:s,s:{s:s,s:s}},s:[{s:s}],s:o,s:o,s:{s:o,s:o,s:{s:{s:s,s:s,s:s},"
        "s:{s:s,s:s}}}}",
        "openapi", "3.1.0", "info", "title", "Chancery", "version", CHANCERY_VERSION, "description",
        ABOUT, "license", "name", "Apache-2.0", "identifier", "Apache-2.0", "servers", "url", "/",
        "tags", api->tags, "paths", api->paths, "components", "schemas", api->schemas, "responses",
        errors, "securitySchemes", "bearer", "type", "http", "scheme", "bearer", "description",
        "An access token of log-in.", "mutualTls", "type", "mutualTLS", "description",
        "A client certificate.");
    if (document == NULL) {
        return chy_fail_memory(op);
    }
    chy_status status = chy_json_own(op, document);
    json_decref(document);
    CHY_TRY(status);
    api->document = document;
    return chy_openapi_add_errors(op, api->schemas, errors);
}

/* ------------------------------------------------------------------------------------------------
 * One route
 */

/** keep_object describes the objects that a call is about, unless another route did. */
static chy_status keep_object(struct chy_openapi *api, const struct chy_described *call)
{
    const char *name = (const char *)call->name.ptr;
    size_t len = (size_t)call->name.len;
    json_t *object;
    if (!call->has_object || json_object_getn(api->schemas, name, len) != NULL) {
        return CHY_OK;
    }
    CHY_TRY(chy_kind_describe_object(api->runtime, api->op, call, &object));
    return json_object_setn(api->schemas, name, len, object) == 0 ? CHY_OK
                                                                  : chy_fail_memory(api->op);
}

/** read_call finds out what the route does. */
static chy_status read_call(struct chy_openapi *api, struct chy_openapi_route *r)
{
    const struct chy_route *route = r->route;
    const struct chy_route_resource *resource = route->resource;
    if (resource != NULL) {
        CHY_TRY(
            chy_kind_describe(api->runtime, api->op, resource->kind, resource->action, &r->call));
        r->has_call = true;
        r->from_query = (resource->flags & CHY_ROUTE_FROM_QUERY) != 0;
        r->request = r->call.request;
        r->answer = r->call.answer;
        CHY_TRY(keep_object(api, &r->call));
    }
    if (route->request_schema.len != 0) {
        CHY_TRY(chy_json_parse(api->op, route->request_schema, &r->request));
    }
    if (route->answer_schema.len != 0) {
        CHY_TRY(chy_json_parse(api->op, route->answer_schema, &r->answer));
    }
    return CHY_OK;
}

static struct chy_slice tag_of(const struct chy_openapi_route *r, struct chy_slice owner)
{
    if (r->route->subject.len != 0) {
        return r->route->subject;
    }
    return r->has_call ? chy_text(r->call.kind->subject) : owner;
}

static chy_status add_tag(struct chy_openapi *api, struct chy_slice tag)
{
    size_t i;
    json_t *known;
    json_array_foreach(api->tags, i, known)
    {
        if (chy_slice_equal(chy_json_member(known, "name"), tag)) {
            return CHY_OK;
        }
    }
    json_t *entry =
        json_pack("{s:o}", "name", json_stringn((const char *)tag.ptr, (size_t)tag.len));
    return json_array_append_new(api->tags, entry) == 0 ? CHY_OK : chy_fail_memory(api->op);
}

static json_t *security_of(const struct chy_route *route)
{
    switch ((enum chy_auth_mode)route->auth) {
    case CHY_AUTH_BEARER: return json_pack("[{s:[]}]", "bearer");
    case CHY_AUTH_MTLS: return json_pack("[{s:[]}]", "mutualTls");
    case CHY_AUTH_NONE:
    case CHY_AUTH_METHOD: return json_array(); // by the method's own means, which it describes
    }
    return NULL;
}

static bool add_words(const struct chy_openapi_route *r, json_t *operation)
{
    const struct chy_route *route = r->route;
    bool fine = chy_json_set_text(operation, "summary", route->summary);
    if (route->subject.len == 0) {
        return fine;
    }
    return fine &&
           json_object_set_new(
               operation, "description",
               json_sprintf("Needs the permission `%.*s` on `%.*s`, in the project that is meant.",
                            (int)route->action.len, (const char *)route->action.ptr,
                            (int)route->subject.len, (const char *)route->subject.ptr)) == 0 &&
           json_object_set_new(operation, "x-permission",
                               json_pack("{s:s%,s:s%}", "subject", (const char *)route->subject.ptr,
                                         (size_t)route->subject.len, "action",
                                         (const char *)route->action.ptr,
                                         (size_t)route->action.len)) == 0;
}

/** add_frame adds what every operation has. */
static chy_status add_frame(struct chy_openapi *api, const struct chy_openapi_route *r,
                            struct chy_slice owner, json_t *operation)
{
    struct chy_slice tag = tag_of(r, owner);
    CHY_TRY(add_tag(api, tag));
    bool fine =
        chy_json_set_text(operation, "operationId", r->route->operation) &&
        add_words(r, operation) &&
        json_object_set_new(operation, "tags",
                            json_pack("[s%]", (const char *)tag.ptr, (size_t)tag.len)) == 0 &&
        json_object_set_new(operation, "security", security_of(r->route)) == 0;
    if (fine && (r->route->flags & CHY_ROUTE_DEPRECATED) != 0) {
        fine = chy_json_set_bool(operation, "deprecated", true);
    }
    return fine ? CHY_OK : chy_fail_memory(api->op);
}

static json_t *path_item(struct chy_openapi *api, struct chy_slice pattern)
{
    json_t *item = json_object_getn(api->paths, (const char *)pattern.ptr, (size_t)pattern.len);
    if (item == NULL) {
        item = json_object();
        if (json_object_setn_new(api->paths, (const char *)pattern.ptr, (size_t)pattern.len,
                                 item) != 0) {
            return NULL;
        }
    }
    return item;
}

static chy_status add_route(struct chy_openapi *api, const struct chy_route *route,
                            struct chy_slice owner)
{
    struct chy_openapi_route r = {.op = api->op, .route = route};
    json_t *operation = chy_json_object(api->op);
    json_t *parameters = json_array();
    json_t *item = path_item(api, route->pattern);
    char method[16];
    CHY_TRY(read_call(api, &r));
    CHY_TRY(add_frame(api, &r, owner, operation));
    if (json_object_set_new(operation, "parameters", parameters) != 0 || item == NULL) {
        return chy_fail_memory(api->op);
    }
    CHY_TRY(chy_openapi_parameters(&r, parameters));
    CHY_TRY(chy_openapi_body(&r, operation));
    json_t *responses = chy_json_object(api->op);
    CHY_TRY(chy_openapi_responses(&r, responses));
    if (json_object_set(operation, "responses", responses) != 0) {
        return chy_fail_memory(api->op);
    }
    size_t len = route->method.len < sizeof method ? (size_t)route->method.len : sizeof method - 1;
    for (size_t i = 0; i < len; i++) {
        method[i] = (char)chy_ascii_lower(route->method.ptr[i]);
    }
    method[len] = '\0';
    return json_object_set(item, method, operation) == 0 ? CHY_OK : chy_fail_memory(api->op);
}

chy_status chy_openapi_add(struct chy_openapi *api, struct chy_view routes, struct chy_slice owner)
{
    for (uint64_t i = 0; i < routes.count; i++) {
        struct chy_route route;
        memset(&route, 0, sizeof route); // an older plugin's are shorter
        memcpy(&route, chy_view_at(routes, i),
               routes.stride < sizeof route ? (size_t)routes.stride : sizeof route);
        CHY_TRY(add_route(api, &route, owner));
    }
    return CHY_OK;
}
