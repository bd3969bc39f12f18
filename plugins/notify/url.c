#include "url.h"

#include "notify.h"

#include <curl/curl.h>

static bool is_clean(struct chy_slice text)
{
    for (uint64_t i = 0; i < text.len; i++) {
        if (text.ptr[i] <= 0x20 || text.ptr[i] >= 0x7f || text.ptr[i] == '\\') {
            return false;
        }
    }
    return text.len != 0;
}

/** has_part tells whether the URL has a part, which need not be known to anybody. */
static bool has_part(CURLU *url, CURLUPart part)
{
    char *value = NULL;
    bool has = curl_url_get(url, part, &value, 0) == CURLUE_OK && value != NULL;
    curl_free(value);
    return has;
}

static chy_status copy_host(struct chy_op *op, const char *name, CURLU *parsed, struct url *url)
{
    char *host = NULL;
    struct chy_slice copy = {NULL, 0};
    if (curl_url_get(parsed, CURLUPART_HOST, &host, 0) != CURLUE_OK || host == NULL ||
        host[0] == '\0') {
        curl_free(host);
        return channel_unfit(op, name, "expected a URL with a host");
    }
    chy_status status = chy_copy(op, chy_text(host), &copy);
    curl_free(host);
    url->host = (const char *)copy.ptr;
    return status;
}

static chy_status check_parts(struct chy_op *op, const char *name, CURLU *parsed)
{
    char *scheme = NULL;
    bool is_https = curl_url_get(parsed, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
                    scheme != NULL && strcmp(scheme, "https") == 0;
    curl_free(scheme);
    if (!is_https) {
        return channel_unfit(op, name, "expected a URL that begins with https://");
    }
    if (has_part(parsed, CURLUPART_USER) || has_part(parsed, CURLUPART_PASSWORD)) {
        return channel_unfit(op, name, "expected a URL without a user name and password");
    }
    if (has_part(parsed, CURLUPART_FRAGMENT)) {
        return channel_unfit(op, name, "expected a URL without a fragment (#)");
    }
    return CHY_OK;
}

static chy_status read_parsed(struct chy_op *op, const char *name, CURLU *parsed, struct url *url)
{
    if (curl_url_set(parsed, CURLUPART_URL, url->text, CURLU_NON_SUPPORT_SCHEME) != CURLUE_OK) {
        return channel_unfit(op, name, "expected a URL such as https://hooks.example.com/pki");
    }
    CHY_TRY(check_parts(op, name, parsed));
    return copy_host(op, name, parsed, url);
}

chy_status url_read(struct chy_op *op, const char *name, struct chy_slice text, struct url *out_url)
{
    struct url url = {NULL, NULL};
    if (text.len > URL_MAX || !is_clean(text)) {
        return channel_unfit(op, name, "expected a URL of 1 to %d printable ASCII characters",
                             URL_MAX);
    }
    // libcurl would take the path's first part for a host.
    if (text.len > 8 && text.ptr[8] == '/') {
        return channel_unfit(op, name, "expected a URL with a host");
    }
    char *copy = chy_secret_alloc(op, text.len + 1);
    CURLU *parsed = curl_url();
    if (copy == NULL || parsed == NULL) {
        curl_url_cleanup(parsed);
        return chy_fail_memory(op);
    }
    memcpy(copy, text.ptr, (size_t)text.len);
    url.text = copy;
    chy_status status = read_parsed(op, name, parsed, &url);
    curl_url_cleanup(parsed);
    CHY_TRY(status);
    *out_url = url;
    return CHY_OK;
}
