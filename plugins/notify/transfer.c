#include "transfer.h"

#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>

#define US_PER_MS 1000
#define US_PER_SECOND INT64_C(1000000)
/** Beyond this a receiver's wish to be left alone is no wish; and no number overflows. */
#define RETRY_AFTER_MAX_S 86400

chy_status transfer_fail_handle(struct transfer *transfer, CURLcode code)
{
    return code == CURLE_OUT_OF_MEMORY
               ? chy_fail_memory(transfer->op)
               : chy_fail(transfer->op, CHY_BROKEN, code, "libcurl refuses an option: %s",
                          curl_easy_strerror(code));
}

/* --- where to ----------------------------------------------------------------------------------*/

/** may_connect asks the host about the very address that the socket is for. */
static chy_status may_connect(struct transfer *transfer, const struct curl_sockaddr *where)
{
    struct sockaddr_in ipv4;
    struct sockaddr_in6 ipv6;
    struct chy_outbound_address wanted = {.struct_size = sizeof wanted};
    if (where->family == AF_INET && where->addrlen >= sizeof ipv4) {
        memcpy(&ipv4, &where->addr, sizeof ipv4);
        wanted.address = chy_slice_of(&ipv4.sin_addr, sizeof ipv4.sin_addr);
        wanted.port = ntohs(ipv4.sin_port);
        return chy_outbound_check(transfer->op, &wanted);
    }
    if (where->family == AF_INET6 && where->addrlen >= sizeof ipv6) {
        memcpy(&ipv6, &where->addr, sizeof ipv6);
        wanted.address = chy_slice_of(&ipv6.sin6_addr, sizeof ipv6.sin6_addr);
        wanted.port = ntohs(ipv6.sin6_port);
        return chy_outbound_check(transfer->op, &wanted);
    }
    return chy_fail(transfer->op, CHY_DENIED, where->family, "its address is no IP address");
}

/** A name has several addresses, and each is asked about; libcurl goes on to the next. */
static void note_refusal(struct transfer *transfer, chy_status status)
{
    struct chy_error error;
    memset(&error, 0, sizeof error);
    error.struct_size = (uint32_t)sizeof error;
    transfer->op->host->last_error(transfer->op, &error);
    transfer->is_refused = true;
    transfer->refusal_status = status;
    (void)snprintf(transfer->refusal, sizeof transfer->refusal, "%.*s", (int)error.message.len,
                   error.message.len == 0 ? "" : (const char *)error.message.ptr);
}

static curl_socket_t open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *where)
{
    struct transfer *transfer = context;
    (void)purpose;
    chy_status status = transfer->is_exempt ? CHY_OK : may_connect(transfer, where);
    if (status != CHY_OK) {
        note_refusal(transfer, status);
        return CURL_SOCKET_BAD;
    }
    transfer->is_tried = true;
    return socket(where->family, where->socktype | SOCK_CLOEXEC, where->protocol);
}

/* --- meanwhile ---------------------------------------------------------------------------------*/

/** Asked by libcurl at least once a second, also while it waits. */
static int look_up(void *context, curl_off_t down, curl_off_t down_now, curl_off_t up,
                   curl_off_t up_now)
{
    struct transfer *transfer = context;
    (void)down;
    (void)down_now;
    (void)up;
    (void)up_now;
    return chy_cancelled(transfer->op) != 0 ? 1 : 0;
}

static size_t drop_body(char *data, size_t size, size_t count, void *context)
{
    struct transfer *transfer = context;
    (void)data;
    transfer->body_bytes += size * count;
    return transfer->body_bytes > ANSWER_MAX ? 0 : size * count; // 0: enough of it
}

static size_t drop_header(char *data, size_t size, size_t count, void *context)
{
    struct transfer *transfer = context;
    (void)data;
    transfer->header_bytes += size * count;
    return transfer->header_bytes > ANSWER_HEADERS_MAX ? 0 : size * count;
}

/* --- a call ------------------------------------------------------------------------------------*/

/** patience_ms is what is left: of the operation, and of what the configuration gives. */
static chy_status patience_ms(const struct notify *notify, struct chy_op *op, long *out_ms)
{
    int64_t left = notify->timeout;
    int64_t deadline = chy_deadline(op);
    if (deadline != CHY_NO_DEADLINE && deadline - chy_monotonic(op) < left) {
        left = deadline - chy_monotonic(op);
    }
    if (left < US_PER_MS) {
        return chy_fail_reason(op, CHY_TRY_LATER, CHY_REASON_TIMEOUT,
                               "there was no time left for the delivery");
    }
    *out_ms = (long)(left / US_PER_MS);
    return CHY_OK;
}

static chy_status set_callbacks(struct transfer *transfer)
{
    SET(CURLOPT_OPENSOCKETFUNCTION, open_socket);
    SET(CURLOPT_OPENSOCKETDATA, transfer);
    SET(CURLOPT_XFERINFOFUNCTION, look_up);
    SET(CURLOPT_XFERINFODATA, transfer);
    SET(CURLOPT_NOPROGRESS, 0L);
    SET(CURLOPT_WRITEFUNCTION, drop_body);
    SET(CURLOPT_WRITEDATA, transfer);
    SET(CURLOPT_HEADERFUNCTION, drop_header);
    SET(CURLOPT_HEADERDATA, transfer);
    return CHY_OK;
}

static chy_status set_manners(struct transfer *transfer, long patience)
{
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_TIMEOUT_MS, patience);
    SET(CURLOPT_CONNECTTIMEOUT_MS, patience);
    // A resolver that hangs is not waited for: its thread ends by itself.
    SET(CURLOPT_QUICK_EXIT, 1L);
    SET(CURLOPT_PROXY, ""); // whatever the environment says
    SET(CURLOPT_NOPROXY, "*");
    SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    SET(CURLOPT_FOLLOWLOCATION, 0L);
    SET(CURLOPT_FRESH_CONNECT, 1L);
    SET(CURLOPT_FORBID_REUSE, 1L);
    SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    SET(CURLOPT_SSL_VERIFYPEER, 1L);
    SET(CURLOPT_SSL_VERIFYHOST, 2L);
    return CHY_OK;
}

static CURLcode global_result;

static void set_up_curl(void)
{
    global_result = curl_global_init(CURL_GLOBAL_DEFAULT);
}

/** set_up is for the process, and never undone, as others may use it too.  It takes memory, so it
 *  waits for the first call: who tells nobody anything does not pay for it. */
static chy_status set_up(struct chy_op *op)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, set_up_curl);
    return global_result == CURLE_OK
               ? CHY_OK
               : chy_fail(op, CHY_BROKEN, global_result, "libcurl does not start: %s",
                          curl_easy_strerror(global_result));
}

chy_status transfer_open(struct transfer *transfer, const struct notify *notify, struct chy_op *op,
                         const char *host)
{
    long patience = 0;
    memset(transfer, 0, sizeof *transfer);
    transfer->op = op;
    transfer->host = host;
    if (chy_cancelled(op) != 0) {
        return chy_fail(op, CHY_TRY_LATER, 0, "%s was not called: the delivery was cancelled",
                        host);
    }
    CHY_TRY(patience_ms(notify, op, &patience));
    CHY_TRY(set_up(op));
    transfer->handle = curl_easy_init();
    if (transfer->handle == NULL) {
        return chy_fail_memory(op);
    }
    CHY_TRY(set_manners(transfer, patience));
    return set_callbacks(transfer);
}

chy_status transfer_add(struct transfer *transfer, const char *text)
{
    struct curl_slist *longer = curl_slist_append(transfer->list, text);
    if (longer == NULL) {
        return chy_fail_memory(transfer->op);
    }
    transfer->list = longer;
    return CHY_OK;
}

void transfer_close(struct transfer *transfer)
{
    if (transfer->handle != NULL) {
        curl_easy_cleanup(transfer->handle);
        transfer->handle = NULL;
    }
    curl_slist_free_all(transfer->list);
    transfer->list = NULL;
}

/* --- what became of it -------------------------------------------------------------------------*/

chy_status transfer_fail(struct transfer *transfer, CURLcode code)
{
    struct chy_op *op = transfer->op;
    if (transfer->is_refused && !transfer->is_tried) {
        return chy_fail(op, transfer->refusal_status, 0, "%s is not called: %s", transfer->host,
                        transfer->refusal);
    }
    if (code == CURLE_OUT_OF_MEMORY) {
        return chy_fail_memory(op);
    }
    if (code == CURLE_ABORTED_BY_CALLBACK) {
        return chy_fail(op, CHY_TRY_LATER, code, "the call to %s was cancelled", transfer->host);
    }
    if (code == CURLE_OPERATION_TIMEDOUT) {
        return chy_fail_reason(op, CHY_TRY_LATER, CHY_REASON_TIMEOUT, "%s did not answer in time",
                               transfer->host);
    }
    // Its own words, which say what kind of trouble it is; those of the call say more than a
    // project shall know: paths, and numbers of inner machines.
    return chy_fail(op, CHY_TRY_LATER, code, "%s could not be called: %s", transfer->host,
                    curl_easy_strerror(code));
}

/** is_final: the receiver will say the same to the same words. */
static bool is_final(long code)
{
    switch (code) {
    case 400: // bad request
    case 410: // gone
    case 413: // content too large
    case 414: // URI too long
    case 415: // media type
    case 422: // unprocessable
        return true;
    default: return false;
    }
}

static chy_status judge(struct transfer *transfer, CURLcode code, struct chy_delivery *out_delivery)
{
    long answer = 0;
    curl_off_t wait_s = 0;
    (void)curl_easy_getinfo(transfer->handle, CURLINFO_RESPONSE_CODE, &answer);
    (void)curl_easy_getinfo(transfer->handle, CURLINFO_RETRY_AFTER, &wait_s);
    // An answer counts even if the rest of it was too long or too slow.
    if (answer < 200 || answer > 999) {
        return transfer_fail(transfer, code);
    }
    out_delivery->response_code = (uint32_t)answer;
    if (answer < 300) {
        return CHY_OK;
    }
    if (is_final(answer)) {
        return chy_fail(transfer->op, CHY_BAD_INPUT, answer, "%s refused it with status %ld",
                        transfer->host, answer);
    }
    if (wait_s > 0) {
        out_delivery->retry_after =
            (wait_s > RETRY_AFTER_MAX_S ? RETRY_AFTER_MAX_S : (int64_t)wait_s) * US_PER_SECOND;
    }
    return chy_fail(transfer->op, CHY_TRY_LATER, answer, "%s answered with status %ld%s",
                    transfer->host, answer, answer < 400 ? "; redirects are not followed" : "");
}

static chy_status set_post(struct transfer *transfer, const char *url, struct chy_slice body)
{
    struct chy_outbound settings;
    memset(&settings, 0, sizeof settings);
    settings.struct_size = (uint32_t)sizeof settings;
    CHY_TRY(chy_outbound_get(transfer->op, &settings));
    if (settings.ca_file.len != 0) {
        SET(CURLOPT_CAINFO, (const char *)settings.ca_file.ptr);
        SET(CURLOPT_CAPATH, (char *)NULL);
    }
    SET(CURLOPT_PROTOCOLS_STR, "https");
    SET(CURLOPT_REDIR_PROTOCOLS_STR, "https");
    SET(CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
    SET(CURLOPT_USERAGENT, "chancery-notify/" CHANCERY_VERSION);
    SET(CURLOPT_URL, url);
    SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.len);
    SET(CURLOPT_POSTFIELDS, (const char *)body.ptr);
    SET(CURLOPT_HTTPHEADER, transfer->list);
    return CHY_OK;
}

chy_status transfer_post(struct transfer *transfer, const char *url, const char *media_type,
                         struct chy_slice body, struct chy_delivery *out_delivery)
{
    char line[128];
    (void)snprintf(line, sizeof line, "Content-Type: %s", media_type);
    CHY_TRY(transfer_add(transfer, line));
    CHY_TRY(transfer_add(transfer, "Accept: */*"));
    CHY_TRY(transfer_add(transfer, "Expect:")); // the body goes at once
    CHY_TRY(set_post(transfer, url, body));
    return judge(transfer, curl_easy_perform(transfer->handle), out_delivery);
}
