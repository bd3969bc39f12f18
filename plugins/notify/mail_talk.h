/**
 * What a mail server said to what, which libcurl does not tell: it is listened to by the debug
 * callback. Only codes are kept.
 */
#ifndef NOTIFY_MAIL_TALK_H
#define NOTIFY_MAIL_TALK_H

#include "notify.h"

#include <curl/curl.h>

/** Where in the conversation the latest reply came (RFC 5321 4.3.2). */
enum mail_phase {
    MAIL_GREETING = 0, /**< before the mail: greeting, EHLO, STARTTLS, AUTH */
    MAIL_FROM,
    MAIL_RECIPIENT,
    MAIL_DATA,
    MAIL_END /**< after the message's last line */
};

struct mail_talk {
    enum mail_phase phase;
    unsigned code; /**< of the latest reply before QUIT; 0: none in this phase */
    unsigned accepted;
    unsigned refused_for_good; /**< recipients: 5xx */
    unsigned refused_for_now;  /**< recipients: 4xx */
    unsigned refusal;          /**< a code of a refused recipient */
    bool is_over;              /**< QUIT was said: what is answered now is about nothing */
};

/** mail_talk_listen is a curl_debug_callback; `context` is a struct mail_talk. */
int mail_talk_listen(CURL *handle, curl_infotype kind, char *data, size_t size, void *context);

#endif
