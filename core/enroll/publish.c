#include "enroll/publish.h"

#include "base/slice.h"
#include "enroll/crl.h"
#include "enroll/publish_ocsp.h"
#include "plugin/view.h"
#include "resource/collections.h"
#include "x509/ocsp.h"

#define CRL_TYPE "application/pkix-crl"   // RFC 2585 4.2
#define CERT_TYPE "application/pkix-cert" // RFC 2585 4.1

static struct chy_slice parameter(const struct chy_http_request *request, const char *name)
{
    for (uint64_t i = 0; i < request->parameters.count; i++) {
        const struct chy_pair *pair = chy_view_item(request->parameters, i);
        if (chy_slice_is(pair->name, name)) {
            return pair->value;
        }
    }
    return chy_slice_of(NULL, 0);
}

static void answer_der(struct chy_http_answer *answer, const char *type, struct chy_slice der)
{
    // Short, so that a cache in between does not hide a revocation for long.
    static const struct chy_pair headers[] = {
        {CHY_TEXT_INIT("cache-control"), CHY_TEXT_INIT("public, max-age=10")}};
    answer->media_type = chy_text(type);
    answer->body = der;
    answer->headers.ptr = headers;
    answer->headers.count = 1;
    answer->headers.stride = sizeof headers[0];
}

/** strip takes `ending` off a file's name; false: it has another one. */
static bool strip(struct chy_slice name, const char *ending, struct chy_slice *out_stem)
{
    if (!chy_slice_ends_with(name, chy_text(ending))) {
        return false;
    }
    *out_stem = chy_slice_first(name, name.len - strlen(ending));
    return true;
}

/** What a CRL's URL names. */
struct crl_name {
    struct chy_uuid generation;
    int64_t shard;
    enum chy_crl_kind kind;
};

static bool read_crl_name(const struct chy_http_request *request, struct crl_name *out_name)
{
    struct chy_slice stem;
    struct chy_slice file = parameter(request, "file");
    bool is_delta = strip(file, "-delta.crl", &stem);
    out_name->kind = is_delta ? CHY_CRL_DELTA : CHY_CRL_COMPLETE;
    return chy_uuid_parse(parameter(request, "generation"), &out_name->generation) &&
           (is_delta || strip(file, ".crl", &stem)) &&
           chy_slice_parse_i64(stem, 1, INT32_MAX, &out_name->shard);
}

static chy_status no_crl(struct chy_op *op)
{
    return chy_fail(op, CHY_NOT_FOUND, 0, "CRL not found");
}

static chy_status serve_crl(void *self, struct chy_op *op, const struct chy_route *route,
                            const struct chy_http_request *request,
                            struct chy_http_answer *out_answer)
{
    struct chy_runtime *runtime = self;
    struct crl_name name;
    struct chy_slice der;
    (void)route;
    if (!read_crl_name(request, &name)) {
        return no_crl(op);
    }
    CHY_TRY(chy_crl_get(runtime, op, &name.generation, name.shard, name.kind, &der));
    answer_der(out_answer, CRL_TYPE, der);
    return CHY_OK;
}

bool chy_publish_quick(void *self, struct chy_op *op, const struct chy_route *route,
                       const struct chy_http_request *request, struct chy_http_answer *out_answer)
{
    struct chy_runtime *runtime = self;
    struct crl_name name;
    struct chy_slice der;
    if (route->handle == chy_publish_ocsp) {
        return chy_publish_ocsp_quick(runtime, op, request, out_answer);
    }
    if (route->handle != serve_crl || !read_crl_name(request, &name) ||
        chy_crl_cached(runtime, op, &name.generation, name.shard, name.kind, &der) != CHY_OK) {
        return false;
    }
    answer_der(out_answer, CRL_TYPE, der);
    return true;
}

static chy_status serve_aia(void *self, struct chy_op *op, const struct chy_route *route,
                            const struct chy_http_request *request,
                            struct chy_http_answer *out_answer)
{
    struct chy_runtime *runtime = self;
    struct chy_uuid generation;
    struct chy_slice stem;
    const struct chy_issuer *issuer;
    (void)route;
    if (!strip(parameter(request, "file"), ".cer", &stem) || !chy_uuid_parse(stem, &generation)) {
        return chy_fail(op, CHY_NOT_FOUND, 0, "CA certificate not found");
    }
    chy_status status = chy_issuer_of_generation(runtime, op, &generation, &issuer);
    if (status == CHY_BAD_INPUT) { // it waits for its certificate
        return chy_fail(op, CHY_NOT_FOUND, 0, "CA certificate not found");
    }
    CHY_TRY(status);
    answer_der(out_answer, CERT_TYPE, issuer->path[0].der);
    return CHY_OK;
}

/** serve_crl_by_id serves the contract's route, which names a CRL by an id of its own. */
static chy_status serve_crl_by_id(void *self, struct chy_op *op, const struct chy_route *route,
                                  const struct chy_http_request *request,
                                  struct chy_http_answer *out_answer)
{
    struct chy_runtime *runtime = self;
    struct chy_uuid id;
    struct chy_query query;
    struct chy_storage_page page;
    struct chy_slice der;
    (void)route;
    if (!chy_uuid_parse(parameter(request, "crlId"), &id)) {
        return no_crl(op);
    }
    chy_query_init(&query, op, CHY_C_CRL_SHARDS,
                   CHY_FIELDS(CHY_SHARD_GENERATION_ID, CHY_SHARD_NUMBER), 1);
    chy_query_eq(&query, CHY_SHARD_ID, chy_value_uuid(&id));
    CHY_TRY(chy_query_run(&query, runtime->storage, &page));
    if (page.rows.count == 0) {
        return no_crl(op);
    }
    struct chy_uuid generation = chy_row_uuid(chy_page_row(&page, 0), 0);
    CHY_TRY(chy_crl_get(runtime, op, &generation, chy_row_int(chy_page_row(&page, 0), 1),
                        CHY_CRL_COMPLETE, &der));
    answer_der(out_answer, CRL_TYPE, der);
    return CHY_OK;
}

static chy_status serve_ca_certificate(void *self, struct chy_op *op, const struct chy_route *route,
                                       const struct chy_http_request *request,
                                       struct chy_http_answer *out_answer)
{
    struct chy_runtime *runtime = self;
    struct chy_uuid authority;
    struct chy_uuid id;
    struct chy_storage_row row;
    (void)route;
    if (!chy_uuid_parse(parameter(request, "caId"), &authority) ||
        !chy_uuid_parse(parameter(request, "caCertId"), &id)) {
        return chy_fail(op, CHY_NOT_FOUND, 0, "CA certificate not found");
    }
    chy_status status = chy_storage_read(runtime->storage, op, CHY_C_AUTHORITY_CERTIFICATES,
                                         CHY_KEY(chy_value_uuid(&id)),
                                         CHY_FIELDS(CHY_ACERT_AUTHORITY_ID, CHY_ACERT_DER), &row);
    struct chy_uuid owner = status == CHY_OK ? chy_row_uuid(&row, 0) : (struct chy_uuid){{0}};
    if (status == CHY_NOT_FOUND ||
        (status == CHY_OK && chy_uuid_compare(&owner, &authority) != 0)) {
        return chy_fail(op, CHY_NOT_FOUND, 0, "CA certificate not found");
    }
    CHY_TRY(status);
    answer_der(out_answer, CERT_TYPE, chy_row_blob(&row, 1));
    return CHY_OK;
}

static const struct chy_slice crl_type[] = {CHY_TEXT_INIT(CRL_TYPE)};
static const struct chy_slice certificate_type[] = {CHY_TEXT_INIT(CERT_TYPE)};
static const struct chy_slice ocsp_answer_type[] = {CHY_TEXT_INIT("application/ocsp-response")};

#define PUBLIC_GET_OF(type, path, name, text, flag, run)                                         \
    {                                                                                            \
        .method = CHY_TEXT_INIT("GET"), .pattern = CHY_TEXT_INIT(path),                          \
        .operation = CHY_TEXT_INIT(name), .summary = CHY_TEXT_INIT(text), .auth = CHY_AUTH_NONE, \
        .flags = flag, .handle = run, .answer_types = CHY_VIEW_INIT(type)                        \
    }
#define PUBLIC_GET(path, name, text, flag, run) PUBLIC_GET_OF(crl_type, path, name, text, flag, run)

static const struct chy_slice ocsp_types[] = {CHY_TEXT_INIT("application/ocsp-request")};

#define OCSP_POST(path, name, flag, run)                                                       \
    {                                                                                          \
        .method = CHY_TEXT_INIT("POST"), .pattern = CHY_TEXT_INIT(path),                       \
        .operation = CHY_TEXT_INIT(name), .summary = CHY_TEXT_INIT("Ask the OCSP responder."), \
        .auth = CHY_AUTH_NONE, .flags = flag, .body_limit = CHY_OCSP_REQUEST_MAX,              \
        .media_types = CHY_VIEW_INIT(ocsp_types), .handle = run,                               \
        .answer_types = CHY_VIEW_INIT(ocsp_answer_type)                                        \
    }
#define OCSP_GET(path, name, flag, run) \
    PUBLIC_GET_OF(ocsp_answer_type, path, name, "Ask the OCSP responder, in base64.", flag, run)

static const struct chy_route routes[] = {
    PUBLIC_GET("/crl/{generation}/{file}", "fetchCrl", "Fetch a CRL (DER).", CHY_ROUTE_PUBLIC,
               serve_crl),
    PUBLIC_GET_OF(certificate_type, "/aia/{file}", "fetchCaCertificate",
                  "Fetch a CA certificate (DER).", CHY_ROUTE_PUBLIC, serve_aia),
    OCSP_POST("/ocsp/{generation}", "postOcsp", CHY_ROUTE_PUBLIC, chy_publish_ocsp),
    OCSP_GET("/ocsp/{generation}/{request}", "getOcsp", CHY_ROUTE_PUBLIC, chy_publish_ocsp),
    // Base64 has slashes, which some clients send as they are (RFC 5019 5).
    OCSP_GET("/ocsp/{generation}/{a}/{b}", "getOcsp2", CHY_ROUTE_PUBLIC, chy_publish_ocsp),
    OCSP_GET("/ocsp/{generation}/{a}/{b}/{c}", "getOcsp3", CHY_ROUTE_PUBLIC, chy_publish_ocsp),
    OCSP_GET("/ocsp/{generation}/{a}/{b}/{c}/{d}", "getOcsp4", CHY_ROUTE_PUBLIC, chy_publish_ocsp),
    OCSP_GET("/ocsp/{generation}/{a}/{b}/{c}/{d}/{e}", "getOcsp5", CHY_ROUTE_PUBLIC,
             chy_publish_ocsp),
    OCSP_GET("/ocsp/{generation}/{a}/{b}/{c}/{d}/{e}/{f}", "getOcsp6", CHY_ROUTE_PUBLIC,
             chy_publish_ocsp),
    OCSP_POST("/api/v1/cert-manager/ocsp/{caId}", "postOcspOfCa", 0, chy_publish_ocsp_of_ca),
    OCSP_GET("/api/v1/cert-manager/ocsp/{caId}/{request}", "getOcspOfCa", 0,
             chy_publish_ocsp_of_ca),
    PUBLIC_GET("/api/v1/cert-manager/crl/{crlId}", "fetchCrlById", "Fetch a CRL (DER).",
               CHY_ROUTE_PUBLIC, serve_crl_by_id),
    PUBLIC_GET("/api/v1/cert-manager/crl/{crlId}/der", "fetchCrlDerById", "Fetch a CRL (DER).",
               CHY_ROUTE_PUBLIC, serve_crl_by_id),
    PUBLIC_GET("/api/v1/pki/crl/{crlId}", "fetchLegacyCrlById", "Fetch a CRL (DER).",
               CHY_ROUTE_PUBLIC, serve_crl_by_id),
    PUBLIC_GET_OF(certificate_type,
                  "/api/v1/cert-manager/ca/internal/{caId}/certificates/{caCertId}/der",
                  "fetchCaCertificateById", "Fetch a CA certificate (DER).", CHY_ROUTE_PUBLIC,
                  serve_ca_certificate),
};

struct chy_view chy_publish_routes(void)
{
    struct chy_view view = CHY_VIEW_INIT(routes);
    return view;
}
