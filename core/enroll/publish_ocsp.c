#include "enroll/publish_ocsp.h"

#include "base/encode.h"
#include "base/slice.h"
#include "base/time.h"
#include "enroll/ocsp.h"
#include "plugin/view.h"
#include "x509/ocsp.h"

#define MEDIA_TYPE "application/ocsp-response"
/** How long a cache may give an answer on without asking: a revocation is not to stay hidden. */
#define CACHE_MAX (5 * CHY_US_PER_MINUTE)
#define DATE_SIZE 40

static struct chy_slice first_parameter(const struct chy_http_request *request)
{
    if (request->parameters.count == 0) {
        return chy_slice_of(NULL, 0);
    }
    const struct chy_pair *pair = chy_view_item(request->parameters, 0);
    return pair->value;
}

/** join_path puts the segments behind the first together: base64 has slashes, and not every client
 *  encodes them. */
static bool join_path(struct chy_op *op, const struct chy_http_request *request,
                      struct chy_slice *out_text)
{
    struct chy_buf text;
    chy_buf_init(&text, op, CHY_BASE64_LEN(CHY_OCSP_REQUEST_MAX) + 4);
    for (uint64_t i = 1; i < request->parameters.count; i++) {
        const struct chy_pair *pair = chy_view_item(request->parameters, i);
        chy_buf_add_text(&text, i > 1 ? "/" : "");
        chy_buf_add(&text, pair->value);
    }
    *out_text = chy_buf_slice(&text);
    return chy_buf_ok(&text);
}

/** read_body finds the request, DER: the body of a POST, base64 in the path of a GET. */
static bool read_body(struct chy_op *op, const struct chy_http_request *request,
                      struct chy_slice *out_der)
{
    struct chy_slice text;
    size_t len;
    if (request->parameters.count == 1) {
        *out_der = request->body;
        return true;
    }
    if (!join_path(op, request, &text)) {
        return false;
    }
    uint8_t *octets = chy_alloc(op, text.len + 1);
    struct chy_buffer room = {octets, text.len};
    if (octets == NULL || !chy_base64_decode(text, room, &len)) {
        return false;
    }
    *out_der = chy_slice_of(octets, len);
    return true;
}

/** write_date writes an IMF-fixdate (RFC 9110 5.6.7). */
static void write_date(int64_t time, char out[DATE_SIZE])
{
    static const char *const days[] = {"Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"};
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    struct chy_civil civil;
    int64_t day = time < 0 ? 0 : time / CHY_US_PER_DAY; // 1970 began on a Thursday
    chy_time_to_civil(time < 0 ? 0 : time, &civil);
    (void)snprintf(out, DATE_SIZE, "%s, %02d %s %04d %02d:%02d:%02d GMT", days[day % 7], civil.day,
                   months[civil.month - 1], civil.year, civil.hour, civil.minute, civil.second);
}

/** What a cache is told; of RFC 5019 6.2. */
struct cache_headers {
    struct chy_pair pairs[4];
    char control[80];
    char modified[DATE_SIZE];
    char expires[DATE_SIZE];
    char tag[CHY_HEX_LEN(16) + 3];
};

/** write_tag makes an entity tag: a hash that tells one response from the next is enough. */
static void write_tag(const struct chy_ocsp_answer *answer, char *out)
{
    uint64_t hash = UINT64_C(14695981039346656037);
    for (uint64_t i = 0; i < answer->der.len; i++) {
        hash = (hash ^ answer->der.ptr[i]) * UINT64_C(1099511628211);
    }
    (void)snprintf(out, CHY_HEX_LEN(16) + 3, "\"%016llx%016llx\"", (unsigned long long)hash,
                   (unsigned long long)answer->this_update);
}

static void answer_response(struct chy_op *op, const struct chy_http_request *request,
                            const struct chy_ocsp_answer *answer, struct chy_http_answer *out)
{
    static const struct chy_pair no_store[] = {
        {CHY_TEXT_INIT("cache-control"), CHY_TEXT_INIT("no-store")}};
    out->media_type = chy_text(MEDIA_TYPE);
    out->body = answer->der;
    out->headers = chy_view_of(no_store, 1, sizeof no_store[0]);
    struct cache_headers *headers = NULL;
    if (answer->is_shareable && request->parameters.count > 1) {
        headers = chy_alloc(op, sizeof *headers);
    }
    if (headers == NULL) {
        return;
    }
    int64_t left = answer->next_update - chy_now(op);
    int64_t age = left < CACHE_MAX ? left : CACHE_MAX;
    (void)snprintf(headers->control, sizeof headers->control,
                   "max-age=%lld, public, no-transform, must-revalidate",
                   (long long)(age < 0 ? 0 : age / CHY_US_PER_SECOND));
    write_date(answer->this_update, headers->modified);
    write_date(answer->next_update, headers->expires);
    write_tag(answer, headers->tag);
    headers->pairs[0] = (struct chy_pair){chy_text("cache-control"), chy_text(headers->control)};
    headers->pairs[1] = (struct chy_pair){chy_text("last-modified"), chy_text(headers->modified)};
    headers->pairs[2] = (struct chy_pair){chy_text("expires"), chy_text(headers->expires)};
    headers->pairs[3] = (struct chy_pair){chy_text("etag"), chy_text(headers->tag)};
    out->headers = chy_view_of(headers->pairs, 4, sizeof headers->pairs[0]);
}

static chy_status serve(struct chy_runtime *runtime, struct chy_op *op,
                        const struct chy_uuid *generation_id,
                        const struct chy_http_request *request, struct chy_http_answer *out_answer)
{
    struct chy_ocsp_answer answer;
    struct chy_slice der;
    if (!read_body(op, request, &der)) {
        answer = chy_ocsp_refuse(CHY_OCSP_MALFORMED_REQUEST);
    } else {
        CHY_TRY(chy_ocsp_answer(runtime, op, generation_id, der, &answer));
    }
    answer_response(op, request, &answer, out_answer);
    return CHY_OK;
}

static void answer_unauthorized(struct chy_op *op, const struct chy_http_request *request,
                                struct chy_http_answer *out_answer)
{
    struct chy_ocsp_answer answer = chy_ocsp_refuse(CHY_OCSP_UNAUTHORIZED);
    answer_response(op, request, &answer, out_answer);
}

chy_status chy_publish_ocsp(void *self, struct chy_op *op, const struct chy_route *route,
                            const struct chy_http_request *request,
                            struct chy_http_answer *out_answer)
{
    struct chy_uuid generation_id;
    (void)route;
    if (!chy_uuid_parse(first_parameter(request), &generation_id)) {
        answer_unauthorized(op, request, out_answer);
        return CHY_OK;
    }
    return serve(self, op, &generation_id, request, out_answer);
}

chy_status chy_publish_ocsp_of_ca(void *self, struct chy_op *op, const struct chy_route *route,
                                  const struct chy_http_request *request,
                                  struct chy_http_answer *out_answer)
{
    struct chy_runtime *runtime = self;
    struct chy_uuid authority_id;
    const struct chy_issuer *issuer;
    (void)route;
    chy_status status = CHY_NOT_FOUND;
    if (chy_uuid_parse(first_parameter(request), &authority_id)) {
        status = chy_issuer_get(runtime, op, &authority_id, &issuer);
    }
    if (status == CHY_NOT_FOUND || status == CHY_BAD_INPUT) {
        answer_unauthorized(op, request, out_answer);
        return CHY_OK;
    }
    CHY_TRY(status);
    return serve(runtime, op, &issuer->generation_id, request, out_answer);
}

bool chy_publish_ocsp_quick(struct chy_runtime *runtime, struct chy_op *op,
                            const struct chy_http_request *request,
                            struct chy_http_answer *out_answer)
{
    struct chy_uuid generation_id;
    struct chy_ocsp_answer answer;
    struct chy_slice der;
    if (!chy_uuid_parse(first_parameter(request), &generation_id) ||
        !read_body(op, request, &der) ||
        chy_ocsp_cached(runtime, op, &generation_id, der, &answer) != CHY_OK) {
        return false;
    }
    answer_response(op, request, &answer, out_answer);
    return true;
}
