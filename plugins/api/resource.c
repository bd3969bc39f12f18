#include "api.h"

static bool set_text(json_t *object, struct chy_slice name, struct chy_slice value)
{
    char key[64];
    if (name.len >= sizeof key || memchr(name.ptr, 0, (size_t)name.len) != NULL) {
        return true; // no member has such a name
    }
    memcpy(key, name.ptr, (size_t)name.len);
    key[name.len] = '\0';
    return json_object_set_new(
               object, key,
               json_stringn(value.len == 0 ? "" : (const char *)value.ptr, (size_t)value.len)) == 0;
}

static chy_status query_document(struct chy_op *op, const struct chy_http_request *request,
                                 json_t **out_document)
{
    json_t *document = json_object();
    CHY_TRY(api_own(op, document));
    for (uint64_t i = 0; i < request->query.count; i++) {
        const struct chy_pair *pair = (const struct chy_pair *)chy_view_at(request->query, i);
        // An empty parameter reads like one that is not there.
        if (pair->value.len != 0 && !set_text(document, pair->name, pair->value)) {
            return chy_fail(op, CHY_BAD_INPUT, 0, "a query parameter is not valid UTF-8");
        }
    }
    *out_document = document;
    return CHY_OK;
}

/** merge_parameters makes members of path parameters; the path wins over the body. */
static chy_status merge_parameters(struct chy_op *op, const struct api_resource *resource,
                                   const struct chy_http_request *request, json_t *document)
{
    for (size_t i = 0; i < 2 && resource->into[i] != NULL; i++) {
        struct chy_slice value = api_parameter(request->parameters, resource->into[i]);
        if (!set_text(document, chy_text(resource->as[i]), value)) {
            return chy_fail(op, CHY_BAD_INPUT, 0, "the path is not valid UTF-8");
        }
    }
    return CHY_OK;
}

static chy_status make_document(struct chy_op *op, const struct api_resource *resource,
                                const struct chy_route *route,
                                const struct chy_http_request *request,
                                struct chy_slice *out_document)
{
    json_t *document;
    bool secret = (route->flags & CHY_ROUTE_SECRET) != 0;
    if (!resource->from_query && resource->into[0] == NULL) {
        *out_document = request->body; // the resource service reads it; no need to do so twice
        return CHY_OK;
    }
    if (resource->from_query || request->body.len == 0) {
        CHY_TRY(query_document(op, request, &document));
    } else {
        CHY_TRY(api_parse(op, request->body, &document));
    }
    if (!json_is_object(document)) {
        *out_document = request->body; // not an object: the service says so
        return CHY_OK;
    }
    CHY_TRY(merge_parameters(op, resource, request, document));
    return api_write(op, document, secret, out_document);
}

static bool is_plain(uint8_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '.' ||
           c == '-' || c == '_';
}

/** add_file_name lets whoever fetches the answer keep it as a file (RFC 6266). */
static chy_status add_file_name(struct chy_op *op, struct chy_slice name,
                                struct chy_http_answer *answer)
{
    static const char before[] = "attachment; filename=\"";
    struct chy_pair *header = chy_alloc(op, sizeof *header);
    char *value = chy_alloc(op, sizeof before + name.len + 1);
    if (header == NULL || value == NULL) {
        return chy_fail_memory(op);
    }
    uint64_t len = sizeof before - 1;
    memcpy(value, before, (size_t)len);
    for (uint64_t i = 0; i < name.len; i++) { // nothing that ends the quotes, the line or a folder
        value[len++] = is_plain(name.ptr[i]) ? (char)name.ptr[i] : '_';
    }
    value[len++] = '"';
    header->name = chy_text("Content-Disposition");
    header->value = chy_slice_of(value, len);
    answer->headers.ptr = header;
    answer->headers.count = 1;
    answer->headers.stride = sizeof *header;
    return CHY_OK;
}

chy_status api_serve_resource(void *self, struct chy_op *op, const struct chy_route *route,
                              const struct chy_http_request *request,
                              struct chy_http_answer *out_answer)
{
    (void)self;
    const struct api_resource *resource = (const struct api_resource *)route->context;
    struct chy_resource_call call = {.struct_size = sizeof call,
                                     .kind = chy_text(resource->kind),
                                     .action = chy_text(resource->action)};
    struct chy_resource_answer answer = {.struct_size = sizeof answer};
    if (resource->id != NULL) {
        call.id = api_parameter(request->parameters, resource->id);
    }
    CHY_TRY(make_document(op, resource, route, request, &call.document));
    CHY_TRY(chy_resource(op, &call, &answer));
    out_answer->media_type =
        answer.media_type.len != 0 ? answer.media_type : chy_text("application/json");
    out_answer->body = answer.document;
    if (answer.file_name.len != 0) {
        CHY_TRY(add_file_name(op, answer.file_name, out_answer));
    }
    if ((answer.flags & CHY_RESOURCE_SECRET) != 0) {
        out_answer->flags |= CHY_HTTP_SECRET;
    }
    return CHY_OK;
}

/* ------------------------------------------------------------------------------------------------
 * Log-in: older clients send a form
 */

static int hex_digit(uint8_t c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/** decode_form decodes application/x-www-form-urlencoded text into `out`, which has room for it. */
static chy_status decode_form(struct chy_op *op, struct chy_slice text, uint8_t *out,
                              struct chy_slice *out_text)
{
    uint64_t len = 0;
    for (uint64_t i = 0; i < text.len; i++) {
        uint8_t c = text.ptr[i];
        if (c == '%') {
            int high = i + 2 < text.len ? hex_digit(text.ptr[i + 1]) : -1;
            int low = i + 2 < text.len ? hex_digit(text.ptr[i + 2]) : -1;
            if (high < 0 || low < 0) {
                return chy_fail(op, CHY_BAD_INPUT, 0, "the form is not well encoded");
            }
            c = (uint8_t)(high * 16 + low);
            i += 2;
        } else if (c == '+') {
            c = ' ';
        }
        out[len++] = c;
    }
    *out_text = chy_slice_of(out, len);
    return CHY_OK;
}

static struct chy_slice take_until(struct chy_slice *rest, uint8_t separator)
{
    const uint8_t *end = rest->len == 0 ? NULL : memchr(rest->ptr, separator, (size_t)rest->len);
    uint64_t len = end == NULL ? rest->len : (uint64_t)(end - rest->ptr);
    struct chy_slice taken = chy_slice_of(rest->ptr, len);
    uint64_t skip = end == NULL ? len : len + 1;
    *rest = chy_slice_of(rest->ptr + skip, rest->len - skip);
    return taken;
}

static chy_status form_document(struct chy_op *op, struct chy_slice form,
                                struct chy_slice *out_document)
{
    json_t *document = json_object();
    uint8_t *room = chy_secret_alloc(op, form.len + 1);
    CHY_TRY(api_own(op, document));
    if (room == NULL) {
        return chy_fail_memory(op);
    }
    while (form.len != 0) {
        struct chy_slice pair = take_until(&form, '&');
        struct chy_slice raw_name = take_until(&pair, '=');
        struct chy_slice name;
        struct chy_slice value;
        CHY_TRY(decode_form(op, raw_name, room, &name));
        room += name.len;
        CHY_TRY(decode_form(op, pair, room, &value));
        room += value.len;
        if (!set_text(document, name, value)) {
            return chy_fail(op, CHY_BAD_INPUT, 0, "the form is not valid UTF-8");
        }
    }
    return api_write(op, document, true, out_document);
}

chy_status api_login(void *self, struct chy_op *op, const struct chy_route *route,
                     const struct chy_http_request *request, struct chy_http_answer *out_answer)
{
    struct chy_http_request as_json = *request;
    if (chy_slice_is(request->media_type, "application/x-www-form-urlencoded")) {
        CHY_TRY(form_document(op, request->body, &as_json.body));
    }
    return api_serve_resource(self, op, route, &as_json, out_answer);
}

chy_status api_status(void *self, struct chy_op *op, const struct chy_route *route,
                      const struct chy_http_request *request, struct chy_http_answer *out_answer)
{
    (void)self;
    (void)route;
    (void)request;
    json_t *document =
        json_pack("{s:I,s:s,s:b,s:b,s:b}", "date", (json_int_t)(chy_now(op) / 1000), "message",
                  "Ok", "emailConfigured", 0, "inviteOnlySignup", 1, "redisConfigured", 0);
    CHY_TRY(api_own(op, document));
    out_answer->media_type = chy_text("application/json");
    return api_write(op, document, false, &out_answer->body);
}
