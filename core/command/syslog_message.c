#include "command/syslog_message.h"

#include "base/slice.h"
#include "base/time.h"

#define HOST_MAX 255U // RFC 5424 6
#define LENGTH_ROOM 24U
#define MESSAGE_MAX (1024U * 1024U)

/** add_host writes what has other than printable ASCII, or too much of it, as unknown. */
static void add_host(struct chy_buf *buf, struct chy_slice machine)
{
    bool fits = machine.len != 0 && machine.len <= HOST_MAX;
    for (uint64_t i = 0; i < machine.len && fits; i++) {
        fits = machine.ptr[i] > ' ' && machine.ptr[i] < 0x7f;
    }
    if (fits) {
        chy_buf_add(buf, machine);
    } else {
        chy_buf_add_u8(buf, '-');
    }
}

/**
 * add_ascii writes JSON in ASCII.  As UTF-8 it would have to begin with a byte order mark (RFC 5424
 * 6.4), which readers of JSON do not expect.
 */
static void add_ascii(struct chy_buf *buf, struct chy_slice json)
{
    uint64_t at = 0;
    uint32_t character = 0;
    while (chy_utf8_next(json, &at, &character)) {
        if (character < 0x80) {
            chy_buf_add_u8(buf, (uint8_t)character);
        } else if (character < 0x10000) {
            chy_buf_add_format(buf, "\\u%04x", (unsigned)character);
        } else {
            uint32_t rest = character - 0x10000; // a pair of surrogates (RFC 8259 7)
            chy_buf_add_format(buf, "\\u%04x\\u%04x", (unsigned)(0xd800 + (rest >> 10)),
                               (unsigned)(0xdc00 + (rest & 0x3ff)));
        }
    }
}

chy_status chy_syslog_write(struct chy_op *op, const struct chy_syslog_message *message,
                            struct chy_slice *out_message)
{
    struct chy_buf buf;
    char when[CHY_TIME_TEXT_SIZE];
    chy_time_format(message->time, when);
    chy_buf_init(&buf, op, MESSAGE_MAX);
    chy_buf_add_format(&buf, "<%d>1 %s ", message->priority, when);
    add_host(&buf, message->machine);
    chy_buf_add_format(&buf, " chancery %ld %s ", message->process, message->kind);
    // Only names that IANA has registered need no enterprise number (RFC 5424 7).
    chy_buf_add_text(&buf, "[origin software=\"chancery\" swVersion=\"" CHANCERY_VERSION "\"]");
    chy_buf_add_format(&buf, "[meta sequenceId=\"%u\"] ", (unsigned)message->sequence);
    add_ascii(&buf, message->json);
    if (!chy_buf_ok(&buf)) {
        return chy_buf_fail(&buf, op, "a message for syslog");
    }
    *out_message = chy_buf_slice(&buf);
    return CHY_OK;
}

chy_status chy_syslog_frame(struct chy_op *op, struct chy_slice message,
                            struct chy_slice *out_frame)
{
    struct chy_buf buf;
    chy_buf_init(&buf, op, (size_t)message.len + LENGTH_ROOM);
    chy_buf_add_format(&buf, "%llu ", (unsigned long long)message.len);
    chy_buf_add(&buf, message);
    *out_frame = chy_buf_slice(&buf);
    return chy_buf_ok(&buf) ? CHY_OK : chy_buf_fail(&buf, op, "a frame for syslog");
}
