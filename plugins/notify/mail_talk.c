#include "mail_talk.h"

static bool begins(const char *data, size_t size, const char *word)
{
    size_t len = strlen(word);
    return size >= len && memcmp(data, word, len) == 0;
}

static void hear_command(struct mail_talk *talk, const char *data, size_t size)
{
    if (begins(data, size, "QUIT\r")) {
        talk->is_over = true;
        return;
    }
    if (begins(data, size, "MAIL FROM:")) {
        talk->phase = MAIL_FROM;
    } else if (begins(data, size, "RCPT TO:")) {
        talk->phase = MAIL_RECIPIENT;
    } else if (begins(data, size, "DATA\r")) {
        talk->phase = MAIL_DATA;
    } else {
        return;
    }
    talk->code = 0;
}

/** The last line of a reply is "250 text" or "250"; those before it have a hyphen. */
static unsigned code_of(const char *data, size_t size)
{
    unsigned code = 0;
    if (size < 3 || (size > 3 && data[3] == '-')) {
        return 0;
    }
    for (size_t i = 0; i < 3; i++) {
        if (data[i] < '0' || data[i] > '9') {
            return 0;
        }
        code = code * 10 + (unsigned)(data[i] - '0');
    }
    return code;
}

static void hear_recipient(struct mail_talk *talk, unsigned code)
{
    if (code < 400) {
        talk->accepted++;
        return;
    }
    talk->refused_for_good += code >= 500 ? 1 : 0;
    talk->refused_for_now += code < 500 ? 1 : 0;
    talk->refusal = code;
}

static void hear_reply(struct mail_talk *talk, const char *data, size_t size)
{
    unsigned code = code_of(data, size);
    if (code == 0 || talk->is_over) {
        return;
    }
    if (talk->phase == MAIL_DATA && talk->code >= 300 && talk->code < 400) {
        talk->phase = MAIL_END; // the message went in between
    }
    talk->code = code;
    if (talk->phase == MAIL_RECIPIENT) {
        hear_recipient(talk, code);
    }
}

int mail_talk_listen(CURL *handle, curl_infotype kind, char *data, size_t size, void *context)
{
    (void)handle;
    // Commands come one at a time, replies a line at a time.  The rest (the message, bytes of TLS,
    // libcurl's own remarks) is not looked at.
    if (kind == CURLINFO_HEADER_OUT) {
        hear_command(context, data, size);
    } else if (kind == CURLINFO_HEADER_IN) {
        hear_reply(context, data, size);
    }
    return 0;
}
