#include "client/http.h"

#include "base/buf.h"
#include "base/slice.h"
#include "client/document.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <stdlib.h>

/** The largest answer: a page of a hundred certificates is far below it. */
#define ANSWER_MAX ((size_t)8 << 20)
#define CONNECT_PATIENCE_S 15L
#define PATIENCE_S 90
#define PATIENCE_MAX_S 3600
#define PATIENCE_VARIABLE "CHANCERY_TIMEOUT"

static void free_handle(CURL *handle)
{
    if (handle != NULL) {
        curl_easy_cleanup(handle);
    }
}

static inline void free_handle_at_scope_end(CURL **slot)
{
    free_handle(*slot);
}

static inline void free_url_at_scope_end(CURLU **slot)
{
    curl_url_cleanup(*slot);
}

static inline void free_headers_at_scope_end(struct curl_slist **slot)
{
    curl_slist_free_all(*slot);
}

/* --- addresses -------------------------------------------------------------------------------- */

static bool is_loopback(const char *host)
{
    struct in_addr four;
    struct in6_addr six;
    char inside[INET6_ADDRSTRLEN + 1];
    size_t len = strlen(host);
    if (inet_pton(AF_INET, host, &four) == 1) {
        return (ntohl(four.s_addr) >> 24) == 127;
    }
    if (len > 2 && len - 2 < sizeof inside && host[0] == '[') {
        memcpy(inside, host + 1, len - 2);
        inside[len - 2] = '\0';
        return inet_pton(AF_INET6, inside, &six) == 1 && IN6_IS_ADDR_LOOPBACK(&six);
    }
    return chy_slice_is_nocase(chy_text(host), "localhost"); // which libcurl never looks up
}

/** Copies a part of a URL; an absent one is empty. */
static chy_status url_part(struct chy_cli *cli, CURLU *url, CURLUPart part, const char **out_text)
{
    char *text = NULL;
    if (curl_url_get(url, part, &text, 0) != CURLUE_OK || text == NULL) {
        *out_text = "";
        return CHY_OK;
    }
    *out_text = client_text(cli, "%s", text);
    curl_free(text);
    return *out_text == NULL ? chy_fail_memory(cli->op) : CHY_OK;
}

chy_status client_url_check(struct chy_cli *cli, const char *url, bool insecure_http,
                            const char **out_url)
{
    CHY_AUTO(free_url) CURLU *parsed = curl_url();
    const char *scheme = NULL;
    const char *host = NULL;
    const char *parts[3] = {NULL};
    if (parsed == NULL) {
        return chy_fail_memory(cli->op);
    }
    if (curl_url_set(parsed, CURLUPART_URL, url, 0) != CURLUE_OK) {
        return client_fail(cli, CHY_EXIT_USAGE,
                           "'%.200s' is no address: expected https://HOST, as a browser has it",
                           url);
    }
    CHY_TRY(url_part(cli, parsed, CURLUPART_SCHEME, &scheme));
    CHY_TRY(url_part(cli, parsed, CURLUPART_HOST, &host));
    CHY_TRY(url_part(cli, parsed, CURLUPART_USER, &parts[0]));
    CHY_TRY(url_part(cli, parsed, CURLUPART_QUERY, &parts[1]));
    CHY_TRY(url_part(cli, parsed, CURLUPART_FRAGMENT, &parts[2]));
    bool is_plain = strcmp(scheme, "http") == 0;
    if (!is_plain && strcmp(scheme, "https") != 0) {
        return client_fail(cli, CHY_EXIT_USAGE, "a server is spoken to by https, not by '%.20s'",
                           scheme);
    }
    if (parts[0][0] != '\0' || parts[1][0] != '\0' || parts[2][0] != '\0') {
        return client_fail(cli, CHY_EXIT_USAGE,
                           "the server's address has a user, a query or a fragment in it");
    }
    if (is_plain && !insecure_http && !is_loopback(host)) {
        return client_fail(
            cli, CHY_EXIT_USAGE,
            "plain http would show tokens and keys to everybody on the way to '%.100s':"
            " use https, or --insecure-http if you must",
            host);
    }
    size_t len = strlen(url);
    while (len > 0 && url[len - 1] == '/') {
        len--;
    }
    *out_url = client_text(cli, "%.*s", (int)len, url);
    return *out_url == NULL ? chy_fail_memory(cli->op) : CHY_OK;
}

const char *client_path(struct chy_cli *cli, const char *before, const char *id, const char *after)
{
    struct chy_buf buf;
    chy_buf_init(&buf, cli->op, (size_t)1 << 16);
    chy_buf_add_text(&buf, before);
    for (const char *at = id; *at != '\0'; at++) {
        // RFC 3986 2.3: what needs no escaping. A lone dot would be a step in a path.
        static const char plain[] =
            "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
        if (strchr(plain, *at) != NULL) {
            chy_buf_add_u8(&buf, (uint8_t)*at);
        } else {
            chy_buf_add_format(&buf, "%%%02X", (unsigned)(uint8_t)*at);
        }
    }
    chy_buf_add_text(&buf, after);
    chy_buf_add_u8(&buf, 0);
    return chy_buf_ok(&buf) ? (const char *)buf.ptr : before;
}

/* --- one exchange ----------------------------------------------------------------------------- */

static size_t take(char *bytes, size_t size, size_t count, void *context)
{
    struct chy_buf *buf = context;
    chy_buf_add(buf, chy_slice_of(bytes, (uint64_t)size * count));
    return chy_buf_ok(buf) ? size * count : 0;
}

/** Asked by libcurl about once a second. */
static int look_up(void *context, curl_off_t down, curl_off_t down_now, curl_off_t up,
                   curl_off_t up_now)
{
    const struct chy_cli *cli = context;
    (void)down;
    (void)down_now;
    (void)up;
    (void)up_now;
    return cli->should_stop != NULL && cli->should_stop() ? 1 : 0;
}

static bool set_sinks(struct chy_cli *cli, CURL *handle, struct chy_buf *buf, char *problem)
{
    return curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, take) == CURLE_OK &&
           curl_easy_setopt(handle, CURLOPT_WRITEDATA, buf) == CURLE_OK &&
           curl_easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, look_up) == CURLE_OK &&
           curl_easy_setopt(handle, CURLOPT_XFERINFODATA, cli) == CURLE_OK &&
           curl_easy_setopt(handle, CURLOPT_NOPROGRESS, 0L) == CURLE_OK &&
           curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, problem) == CURLE_OK;
}

static bool add_header(struct curl_slist **headers, const char *line)
{
    struct curl_slist *more = line == NULL ? NULL : curl_slist_append(*headers, line);
    *headers = more == NULL ? *headers : more;
    return more != NULL;
}

static bool set_tls(CURL *handle, const struct client_session *session)
{
    // Nothing turns the checks of certificate and name off.
    return curl_easy_setopt(handle, CURLOPT_SSL_VERIFYPEER, 1L) == CURLE_OK &&
           curl_easy_setopt(handle, CURLOPT_SSL_VERIFYHOST, 2L) == CURLE_OK &&
           curl_easy_setopt(handle, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) ==
               CURLE_OK &&
           (session->ca_file == NULL ||
            (curl_easy_setopt(handle, CURLOPT_CAINFO, session->ca_file) == CURLE_OK &&
             curl_easy_setopt(handle, CURLOPT_CAPATH, NULL) == CURLE_OK));
}

/** How long a whole exchange may take, in seconds. */
static long patience(void)
{
    const char *said = getenv(PATIENCE_VARIABLE);
    int64_t seconds = 0;
    bool is_number =
        said != NULL && chy_slice_parse_i64(chy_text(said), 1, PATIENCE_MAX_S, &seconds);
    return is_number ? (long)seconds : PATIENCE_S;
}

static bool set_manners(CURL *handle, const char *url)
{
    // A proxy would read what goes over plain HTTP.
    bool is_plain = strncmp(url, "http:", 5) == 0;
    return curl_easy_setopt(handle, CURLOPT_URL, url) == CURLE_OK &&
           curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
           curl_easy_setopt(handle, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
           curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
           curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT, CONNECT_PATIENCE_S) == CURLE_OK &&
           curl_easy_setopt(handle, CURLOPT_TIMEOUT, patience()) == CURLE_OK &&
           curl_easy_setopt(handle, CURLOPT_USERAGENT, "chancery-client/" CHANCERY_VERSION) ==
               CURLE_OK &&
           (!is_plain || curl_easy_setopt(handle, CURLOPT_PROXY, "") == CURLE_OK);
}

static bool set_body(CURL *handle, const char *method, const char *text)
{
    bool fine = curl_easy_setopt(handle, CURLOPT_CUSTOMREQUEST, method) == CURLE_OK;
    if (text != NULL) {
        fine = fine && curl_easy_setopt(handle, CURLOPT_POSTFIELDS, text) == CURLE_OK &&
               curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)strlen(text)) ==
                   CURLE_OK;
    }
    return fine;
}

static bool add_headers(struct chy_cli *cli, const struct client_session *session, const char *text,
                        struct curl_slist **headers)
{
    bool fine = add_header(headers, "Accept: application/json") && add_header(headers, "Expect:");
    if (text != NULL) {
        fine = fine && add_header(headers, "Content-Type: application/json");
    }
    if (session->token != NULL) {
        fine = fine &&
               add_header(headers, client_text(cli, "Authorization: Bearer %s", session->token));
    }
    return fine;
}

chy_status client_http_send(struct chy_cli *cli, const struct client_session *session,
                            const char *method, const char *path, const json_t *body,
                            struct client_answer *out_answer)
{
    CHY_AUTO(free_handle) CURL *handle = curl_easy_init();
    CHY_AUTO(free_headers) struct curl_slist *headers = NULL;
    char problem[CURL_ERROR_SIZE] = "";
    const char *text = NULL;
    struct chy_buf buf;
    long status = 0;
    const char *url = client_text(cli, "%s%s", session->url, path);
    if (body != NULL) {
        CHY_TRY(client_json_text(cli, body, &text));
    }
    chy_buf_init_secret(&buf, cli->op, ANSWER_MAX);
    if (handle == NULL || url == NULL || !set_manners(handle, url) || !set_tls(handle, session) ||
        !set_body(handle, method, text) || !add_headers(cli, session, text, &headers) ||
        curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers) != CURLE_OK ||
        !set_sinks(cli, handle, &buf, problem)) {
        return client_fail(cli, CLIENT_EXIT_LOCAL, "cannot prepare a request to '%s'",
                           session->url);
    }
    CURLcode code = curl_easy_perform(handle);
    if (code == CURLE_WRITE_ERROR) {
        return client_fail(cli, CLIENT_EXIT_UNREACHABLE,
                           "the answer of '%s' is longer than %zu bytes: is it a Chancery?",
                           session->url, ANSWER_MAX);
    }
    if (code != CURLE_OK) {
        return client_fail(cli, CLIENT_EXIT_UNREACHABLE, "no answer from '%s': %s%s", session->url,
                           problem[0] == '\0' ? curl_easy_strerror(code) : problem,
                           code == CURLE_PEER_FAILED_VERIFICATION
                               ? "; 'chancery login --ca-file' says which CAs to trust instead"
                               : "");
    }
    (void)curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
    chy_buf_add_u8(&buf, 0);
    if (!chy_buf_ok(&buf)) {
        return chy_buf_fail(&buf, cli->op, "the answer");
    }
    out_answer->status = status;
    out_answer->body = chy_slice_of(buf.ptr, buf.len - 1);
    out_answer->json = NULL;
    return CHY_OK;
}
