/**
 * One call to another machine, by libcurl: what all of them have in common.
 *
 * Each has a handle of its own, so that nothing (connection, name, session, cookie) is shared
 * between projects. Proxies, redirects, and whatever the environment says are off.
 */
#ifndef NOTIFY_TRANSFER_H
#define NOTIFY_TRANSFER_H

#include "notify.h"

#include <curl/curl.h>

/** What is read of an answer before it is dropped. */
#define ANSWER_MAX 4096U
#define ANSWER_HEADERS_MAX 65536U

struct transfer {
    struct chy_op *op;
    CURL *handle;
    struct curl_slist *list; /**< headers, or recipients */
    const char *host;        /**< for messages */
    bool is_exempt;          /**< the configuration file named the host: any address will do */
    bool is_refused;         /**< an address was one that may not be called */
    bool is_tried;           /**< another was not */
    chy_status refusal_status;
    char refusal[256];
    size_t header_bytes;
    size_t body_bytes;
};

/** transfer_open makes a handle and sets what holds for every call: deadline, TLS, no proxy.  The
 *  transfer is to be closed whatever the result is. */
CHY_MUST_USE chy_status transfer_open(struct transfer *transfer, const struct notify *notify,
                                      struct chy_op *op, const char *host);

/** transfer_add appends to the list. */
CHY_MUST_USE chy_status transfer_add(struct transfer *transfer, const char *text);

/**
 * transfer_post posts `body` as `media_type` to a receiver that a project named, and says what
 * became of it. The header lines of the list go along.
 */
CHY_MUST_USE chy_status transfer_post(struct transfer *transfer, const char *url,
                                      const char *media_type, struct chy_slice body,
                                      struct chy_delivery *out_delivery);

/** transfer_fail tells people about a call that had no answer: TRY_LATER, or DENIED if every
 *  address was refused. */
chy_status transfer_fail(struct transfer *transfer, CURLcode code);

void transfer_close(struct transfer *transfer);

/** transfer_fail_handle is what to return when libcurl does not take an option. */
chy_status transfer_fail_handle(struct transfer *transfer, CURLcode code);

/** SET leaves the enclosing function, which has a `transfer`, when libcurl does not take it. */
#define SET(option, value)                                                  \
    do {                                                                    \
        CURLcode code_ = curl_easy_setopt(transfer->handle, option, value); \
        if (code_ != CURLE_OK) {                                            \
            return transfer_fail_handle(transfer, code_);                   \
        }                                                                   \
    } while (0)

#endif
