#include "mail_message.h"

#include <time.h>

#define US_PER_SECOND INT64_C(1000000)
/** RFC 2045 6.8: 76 characters a line, which are 57 octets. */
#define LINE_OCTETS 57U
/** An encoded word has 75 characters (RFC 2047 2) with "=?utf-8?B?" and "?=": 45 octets are 60. */
#define WORD_OCTETS 45U
/** The first has the header's name before it. */
#define FIRST_WORD_OCTETS 36U
/** A title that is ASCII, and no longer than this, stands as it is. */
#define PLAIN_TITLE_MAX 60U
#define TITLE_MAX 1024U
/** What is neither text nor title: a line of each kind, and one for each recipient. */
#define HEADERS_MAX (4096U + RECIPIENTS_MAX * (ADDRESS_MAX + 4U))

/** A buffer that was made large enough. */
struct text {
    char *ptr;
    size_t len;
    size_t size;
};

static void add(struct text *t, const void *bytes, size_t len)
{
    if (len <= t->size - t->len) {
        memcpy(t->ptr + t->len, bytes, len);
        t->len += len;
    }
}

static void add_words(struct text *t, const char *words)
{
    add(t, words, strlen(words));
}

static void add_slice(struct text *t, struct chy_slice slice)
{
    if (slice.len != 0) {
        add(t, slice.ptr, (size_t)slice.len);
    }
}

static void add_base64(struct text *t, const uint8_t *octets, size_t len)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < len; i += 3) {
        uint32_t three = (uint32_t)octets[i] << 16;
        three |= i + 1 < len ? (uint32_t)octets[i + 1] << 8 : 0;
        three |= i + 2 < len ? octets[i + 2] : 0;
        const char four[4] = {digits[three >> 18], digits[three >> 12 & 63],
                              i + 1 < len ? digits[three >> 6 & 63] : '=',
                              i + 2 < len ? digits[three & 63] : '='};
        add(t, four, sizeof four);
    }
}

/* --- headers -----------------------------------------------------------------------------------*/

static chy_status check_title(struct chy_op *op, struct chy_slice title)
{
    for (uint64_t i = 0; i < title.len; i++) {
        if (title.ptr[i] < 0x20 || title.ptr[i] == 0x7f) {
            return chy_fail(op, CHY_BAD_INPUT, 0,
                            "the title of a mail has a control character: it would be a header of "
                            "its own");
        }
    }
    return title.len <= TITLE_MAX
               ? CHY_OK
               : chy_fail(op, CHY_BAD_INPUT, 0, "the title of a mail has more than %u octets",
                          TITLE_MAX);
}

static bool is_plain(struct chy_slice title)
{
    for (uint64_t i = 0; i < title.len; i++) {
        if (title.ptr[i] >= 0x7f || (title.ptr[i] == '=' && i + 1 < title.len &&
                                     title.ptr[i + 1] == '?')) { // would be read as an encoded word
            return false;
        }
    }
    return title.len <= PLAIN_TITLE_MAX;
}

/** Words of whole characters: each is decoded by itself (RFC 2047 5). */
static void add_title(struct text *t, struct chy_slice title)
{
    add_words(t, "Subject: ");
    if (is_plain(title)) {
        add_slice(t, title);
    }
    for (uint64_t at = 0; at < title.len && !is_plain(title);) {
        uint64_t most = at == 0 ? FIRST_WORD_OCTETS : WORD_OCTETS;
        uint64_t end = title.len - at > most ? at + most : title.len;
        while (end < title.len && end > at + 1 && (title.ptr[end] & 0xc0) == 0x80) {
            end--;
        }
        add_words(t, at == 0 ? "=?utf-8?B?" : "\r\n =?utf-8?B?");
        add_base64(t, title.ptr + at, (size_t)(end - at));
        add_words(t, "?=");
        at = end;
    }
    add_words(t, "\r\n");
}

/** RFC 5322 3.6.4: what the id has besides, which it has not, becomes a hyphen. */
static void add_message_id(struct text *t, struct chy_slice id, const char *from)
{
    const char *domain = strchr(from, '@');
    add_words(t, "Message-ID: <");
    for (uint64_t i = 0; i < id.len && i < 128; i++) {
        uint8_t c = id.ptr[i];
        bool is_fine = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        char octet = (char)(is_fine ? c : '-');
        add(t, &octet, 1);
    }
    add_words(t, domain == NULL ? "@localhost" : domain);
    add_words(t, ">\r\n");
}

/** RFC 5322 3.3, in English whatever the locale is. */
static chy_status add_date(struct text *t, struct chy_op *op)
{
    static const char days[][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char months[][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    struct tm parts;
    char line[64];
    time_t seconds = (time_t)(chy_now(op) / US_PER_SECOND);
    if (gmtime_r(&seconds, &parts) == NULL || parts.tm_wday < 0 || parts.tm_wday > 6 ||
        parts.tm_mon < 0 || parts.tm_mon > 11) {
        return chy_fail(op, CHY_BROKEN, 0, "the clock shows no time");
    }
    (void)snprintf(line, sizeof line, "Date: %s, %02d %s %04d %02d:%02d:%02d +0000\r\n",
                   days[parts.tm_wday], parts.tm_mday, months[parts.tm_mon], parts.tm_year + 1900,
                   parts.tm_hour, parts.tm_min, parts.tm_sec);
    add_words(t, line);
    return CHY_OK;
}

static void add_recipients(struct text *t, struct chy_view recipients)
{
    add_words(t, "To: ");
    for (uint64_t i = 0; i < recipients.count; i++) {
        const struct chy_slice *recipient = chy_view_at(recipients, i);
        add_words(t, i == 0 ? "" : ",\r\n ");
        add_slice(t, *recipient);
    }
    add_words(t, "\r\n");
}

/* --- the whole ---------------------------------------------------------------------------------*/

/** The text with CRLF at the end of its lines, as mail has it (RFC 5322 2.3). */
static chy_status with_crlf(struct chy_op *op, struct chy_slice text, struct chy_slice *out_text)
{
    size_t len = 0;
    uint8_t *copy = chy_alloc(op, 2 * text.len + 1);
    if (copy == NULL) {
        return chy_fail_memory(op);
    }
    for (uint64_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '\n' && (i == 0 || text.ptr[i - 1] != '\r')) {
            copy[len++] = '\r';
        }
        copy[len++] = text.ptr[i];
    }
    *out_text = chy_slice_of(copy, len);
    return CHY_OK;
}

static void add_body(struct text *t, struct chy_slice body)
{
    for (uint64_t at = 0; at < body.len; at += LINE_OCTETS) {
        uint64_t left = body.len - at;
        add_base64(t, body.ptr + at, (size_t)(left < LINE_OCTETS ? left : LINE_OCTETS));
        add_words(t, "\r\n");
    }
}

chy_status mail_message(struct chy_op *op, const struct chy_notification *notification,
                        const char *from, struct chy_view recipients, struct chy_slice *out_message)
{
    struct chy_slice body = {NULL, 0};
    CHY_TRY(check_title(op, notification->title));
    CHY_TRY(with_crlf(op, notification->text, &body));
    struct text t = {NULL, 0,
                     HEADERS_MAX + 2 * (size_t)notification->title.len +
                         (size_t)(body.len / LINE_OCTETS + 1) * 80};
    t.ptr = chy_alloc(op, t.size);
    if (t.ptr == NULL) {
        return chy_fail_memory(op);
    }
    CHY_TRY(add_date(&t, op));
    add_words(&t, "From: ");
    add_words(&t, from);
    add_words(&t, "\r\n");
    add_recipients(&t, recipients);
    add_message_id(&t, notification->id, from);
    add_title(&t, notification->title);
    add_words(&t, "Auto-Submitted: auto-generated\r\n" // RFC 3834: no holiday answers, please
                  "MIME-Version: 1.0\r\n"
                  "Content-Type: text/plain; charset=utf-8\r\n"
                  "Content-Transfer-Encoding: base64\r\n\r\n");
    add_body(&t, body);
    *out_message = chy_slice_of(t.ptr, t.len);
    return CHY_OK;
}
