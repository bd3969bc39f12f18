#include "command/api_document.h"

#include "base/encode.h"
#include "base/op.h"
#include "base/slice.h"
#include "command/openapi.h"
#include "command/reference.h"
#include "enroll/publish.h"
#include "resource/json.h"

#include <chancery/crypto.h>

#include <malloc.h>
#include <stdlib.h>

#define SHA256_LEN 32
#define ETAG_SIZE (CHY_HEX_LEN(16) + 3)
#define POLICY_SIZE 256

/** A text and what is said with it. */
struct page {
    uint8_t *text; // owned
    uint64_t len;
    const char *media_type;
    char etag[ETAG_SIZE];
    char policy[POLICY_SIZE]; // Content-Security-Policy; empty: none
    struct chy_pair headers[3];
    uint64_t header_count;
};

struct chy_api_document {
    struct page description;
    struct page reference;
};

/* ------------------------------------------------------------------------------------------------
 * Making
 */

static chy_status describe(struct chy_op *op, struct chy_assembly *assembly, json_t **out_document)
{
    struct chy_openapi api;
    CHY_TRY(chy_openapi_begin(&api, op, &assembly->runtime));
    for (size_t i = 0; i < assembly->prepared.count; i++) {
        const struct chy_instance *instance = assembly->instances[i];
        if (assembly->prepared.instances[i].interface == CHY_INTERFACE_ENROLLMENT) {
            CHY_TRY(chy_openapi_add(&api, instance->plugin->enrollment.routes, instance->name));
        }
    }
    CHY_TRY(chy_openapi_add(&api, chy_publish_routes(), chy_text("publish")));
    *out_document = api.document;
    return CHY_OK;
}

static void add_header(struct page *page, const char *name, const char *value)
{
    struct chy_pair *pair = &page->headers[page->header_count++];
    pair->name = chy_text(name);
    pair->value = chy_text(value);
}

/** keep_page copies a text out of the operation and finds its tag. */
static chy_status keep_page(struct chy_op *op, struct chy_slice text, const char *media_type,
                            struct page *page)
{
    struct chy_slice digest;
    char hex[CHY_HEX_LEN(16)];
    CHY_TRY(op->host->digest(op, CHY_DIGEST_SHA256, text, &digest));
    chy_hex_encode(chy_slice_first(digest, 16), hex);
    (void)snprintf(page->etag, sizeof page->etag, "\"%.*s\"", (int)sizeof hex, hex);
    page->text = malloc((size_t)text.len);
    if (page->text == NULL) {
        return chy_fail_memory(op);
    }
    memcpy(page->text, text.ptr, (size_t)text.len);
    page->len = text.len;
    page->media_type = media_type;
    add_header(page, "ETag", page->etag);
    add_header(page, "Cache-Control", "no-cache"); // ask again each time, and get 304
    return CHY_OK;
}

/** set_policy lets a page have the one style sheet that it brings, and nothing else. */
static chy_status set_policy(struct chy_op *op, struct page *page)
{
    struct chy_slice digest;
    char base64[CHY_BASE64_LEN(SHA256_LEN)];
    CHY_TRY(op->host->digest(op, CHY_DIGEST_SHA256, chy_text(chy_reference_style), &digest));
    chy_base64_encode(digest, base64);
    (void)snprintf(page->policy, sizeof page->policy,
                   "default-src 'none'; style-src 'sha256-%.*s'; base-uri 'none'; "
                   "form-action 'none'; frame-ancestors 'none'",
                   (int)sizeof base64, base64);
    add_header(page, "Content-Security-Policy", page->policy);
    return CHY_OK;
}

static chy_status make(struct chy_op *op, struct chy_assembly *assembly,
                       struct chy_api_document *document)
{
    json_t *description;
    struct chy_slice text;
    CHY_TRY(describe(op, assembly, &description));
    CHY_TRY(chy_json_write(op, description, &text));
    CHY_TRY(keep_page(op, text, "application/json", &document->description));
    CHY_TRY(chy_reference_write(op, description, &text));
    CHY_TRY(keep_page(op, text, "text/html; charset=utf-8", &document->reference));
    return set_policy(op, &document->reference);
}

chy_status chy_api_document_new(struct chy_op *op, struct chy_assembly *assembly,
                                struct chy_api_document **out_document)
{
    struct chy_api_document *document = calloc(1, sizeof *document);
    struct chy_op *child = document == NULL ? NULL : op->host->op_child(op); // it needs much room
    if (child == NULL) {
        free(document);
        return chy_fail_memory(op);
    }
    chy_status status = make(child, assembly, document);
    if (status != CHY_OK) {
        chy_api_document_free(document);
        document = NULL;
    }
    status = chy_op_end_child(op, child, status);
    // Some ten megabytes in small pieces came and went, which the allocator would keep for later.
    (void)malloc_trim(0);
    *out_document = document;
    return status;
}

void chy_api_document_free(struct chy_api_document *document)
{
    if (document != NULL) {
        free(document->description.text);
        free(document->reference.text);
        free(document);
    }
}

/* ------------------------------------------------------------------------------------------------
 * Answering
 */

/** has_tag tells whether the caller has the page already (RFC 9110 13.1.2). */
static bool has_tag(const struct chy_http_request *request, const char *etag)
{
    for (uint64_t i = 0; i < request->headers.count; i++) {
        const struct chy_pair *pair = chy_view_at(request->headers, i);
        if (chy_slice_is(pair->name, "if-none-match")) {
            return chy_slice_is(pair->value, "*") ||
                   chy_slice_contains(pair->value, chy_text(etag));
        }
    }
    return false;
}

static bool answer(void *self, struct chy_op *op, const struct chy_route *route,
                   const struct chy_http_request *request, struct chy_http_answer *out_answer)
{
    const struct chy_api_document *document = self;
    bool is_reference = chy_slice_is(route->operation, "getApiReference");
    const struct page *page = is_reference ? &document->reference : &document->description;
    (void)op;
    out_answer->headers = chy_view_of(page->headers, page->header_count, sizeof page->headers[0]);
    if (has_tag(request, page->etag)) {
        out_answer->status = 304;
        return true;
    }
    out_answer->media_type = chy_text(page->media_type);
    out_answer->body = chy_slice_of(page->text, page->len);
    return true;
}

#define PAGE(path, name, text)                                                                  \
    {                                                                                           \
        .method = CHY_TEXT_INIT("GET"), .pattern = CHY_TEXT_INIT(path),                         \
        .operation = CHY_TEXT_INIT(name), .summary = CHY_TEXT_INIT(text), .auth = CHY_AUTH_NONE \
    }

static const struct chy_route routes[] = {
    PAGE("/api/openapi.json", "getApiDescription", "Get the description of the API (OpenAPI 3.1)."),
    PAGE("/api/docs", "getApiReference", "Read the description of the API."),
};

chy_status chy_api_document_mount(struct chy_api_document *document, struct chy_op *op,
                                  struct chy_http_server *server)
{
    struct chy_http_mount mount = {
        .routes = CHY_VIEW_INIT(routes),
        .self = document,
        .owner = chy_text("description"),
        .quick = answer,
    };
    return chy_http_server_add(server, op, &mount);
}
