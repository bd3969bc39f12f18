/*
 * A whole notifier in one file: it says a line to somebody who listens on a TCP port, and takes
 * "ok" for an answer.  Rename it, and make of the conversation what your receivers speak.
 *
 * What it shows: channel options come from people who are not to be trusted, so the host is asked
 * about the very address that the socket gets; no wait is longer than the deadline, or than a
 * fraction of a second without looking whether anybody still needs the result; and a message says
 * whom it is about and what happened, but not what the receiver said.
 */
#include <chancery/notifier.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define NAME "notifier"
#define ADDRESS_MAX 64
#define SLICE_MS 200

enum {
    ADDRESS = 0,
    PORT
};

static const struct chy_option line_options[] = {
    {CHY_TEXT_INIT("address"),
     CHY_OPTION_TEXT,
     CHY_OPTION_REQUIRED,
     1,
     ADDRESS_MAX - 1,
     {NULL, 0},
     {NULL, 0, 0},
     CHY_TEXT_INIT("IPv4 address of who listens")},
    {CHY_TEXT_INIT("port"),
     CHY_OPTION_INT,
     CHY_OPTION_REQUIRED,
     1,
     65535,
     {NULL, 0},
     {NULL, 0, 0},
     CHY_TEXT_INIT("the TCP port there")},
};

static const struct chy_channel_type types[] = {
    {CHY_TEXT_INIT("line"), CHY_TEXT_INIT("a line of text, by TCP"), CHY_VIEW_INIT(line_options)},
};

/* --- a channel's options ---------------------------------------------------------------------- */

/* They were held to the table; what they mean is for us to look at. */
static chy_status read_channel(struct chy_op *op, struct chy_view values, struct sockaddr_in *out)
{
    char text[ADDRESS_MAX];
    const struct chy_option_value *host = chy_view_at(values, ADDRESS);
    const struct chy_option_value *port = chy_view_at(values, PORT);
    memset(out, 0, sizeof *out);
    out->sin_family = AF_INET;
    if (host != NULL && port != NULL && host->text.len != 0 && host->text.len < sizeof text) {
        memcpy(text, host->text.ptr, (size_t)host->text.len);
        text[host->text.len] = '\0';
        out->sin_port = htons((uint16_t)port->number);
        if (strlen(text) == host->text.len && inet_pton(AF_INET, text, &out->sin_addr) == 1) {
            return CHY_OK;
        }
    }
    struct chy_issue issue = {chy_text("invalid_string"), chy_text("/address"),
                              chy_text("expected an IPv4 address")};
    op->host->issue(op, &issue);
    return chy_fail_reason(op, CHY_BAD_INPUT, CHY_REASON_VALIDATION,
                           "address: expected an IPv4 address");
}

static chy_status check(void *self, struct chy_op *op, struct chy_slice channel_type,
                        struct chy_view values)
{
    struct sockaddr_in to;
    (void)self;
    (void)channel_type; /* there is one */
    return read_channel(op, values, &to);
}

/* Does anybody still need it?  `out_ms` is how long to wait before asking again. */
static chy_status still_wanted(struct chy_op *op, int *out_ms)
{
    int64_t left_ms = SLICE_MS;
    if (chy_cancelled(op) != 0) {
        return chy_fail(op, CHY_TRY_LATER, 0, "the call was cancelled");
    }
    if (chy_deadline(op) != CHY_NO_DEADLINE) {
        left_ms = (chy_deadline(op) - chy_monotonic(op)) / 1000;
    }
    if (left_ms <= 0) {
        return chy_fail_reason(op, CHY_TRY_LATER, CHY_REASON_TIMEOUT,
                               "there was no answer in time");
    }
    *out_ms = (int)(left_ms < SLICE_MS ? left_ms : SLICE_MS);
    return CHY_OK;
}

static chy_status wait_for(struct chy_op *op, int fd, short events)
{
    struct pollfd waiting = {fd, events, 0};
    int wait_ms = 0;
    do {
        CHY_TRY(still_wanted(op, &wait_ms));
    } while (poll(&waiting, 1, wait_ms) <= 0);
    return CHY_OK;
}

/* --- a delivery ------------------------------------------------------------------------------- */

static chy_status connect_to(struct chy_op *op, int fd, const struct sockaddr_in *to)
{
    int problem = 0;
    socklen_t len = sizeof problem;
    struct chy_outbound_address address;
    memset(&address, 0, sizeof address);
    address.struct_size = (uint32_t)sizeof address;
    address.port = ntohs(to->sin_port);
    address.address = chy_slice_of(&to->sin_addr, sizeof to->sin_addr);
    CHY_TRY(chy_outbound_check(op, &address));
    if (connect(fd, (const struct sockaddr *)to, sizeof *to) != 0 && errno != EINPROGRESS) {
        return chy_fail(op, CHY_TRY_LATER, errno, "nobody could be called");
    }
    CHY_TRY(wait_for(op, fd, POLLOUT));
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &problem, &len) != 0 || problem != 0) {
        return chy_fail(op, CHY_TRY_LATER, problem, "nobody takes calls there");
    }
    return CHY_OK;
}

static chy_status say(struct chy_op *op, int fd, struct chy_slice title)
{
    char answer[4] = {0};
    char *line = chy_alloc(op, title.len + 1);
    if (line == NULL) {
        return chy_fail_memory(op);
    }
    if (title.len != 0) {
        memcpy(line, title.ptr, (size_t)title.len);
    }
    line[title.len] = '\n';
    /* A short line goes in one piece, or the connection is no good. */
    if (send(fd, line, (size_t)title.len + 1, MSG_NOSIGNAL) != (ssize_t)(title.len + 1)) {
        return chy_fail(op, CHY_TRY_LATER, errno, "the line could not be sent");
    }
    CHY_TRY(wait_for(op, fd, POLLIN));
    if (recv(fd, answer, sizeof answer - 1, 0) != 3 || strcmp(answer, "ok\n") != 0) {
        return chy_fail(op, CHY_TRY_LATER, 0, "the answer was not 'ok'");
    }
    return CHY_OK;
}

static chy_status deliver(void *self, struct chy_op *op,
                          const struct chy_notification *notification,
                          struct chy_delivery *out_delivery)
{
    struct sockaddr_in to;
    int wait_ms = 0;
    (void)self;
    (void)out_delivery; /* no code, and no wish to be left alone */
    CHY_TRY(read_channel(op, notification->values, &to));
    CHY_TRY(still_wanted(op, &wait_ms));
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return chy_fail(op, CHY_TRY_LATER, errno, "there is no socket to be had");
    }
    chy_status status = connect_to(op, fd, &to);
    if (status == CHY_OK) {
        status = say(op, fd, notification->title);
    }
    (void)close(fd);
    return status;
}

/* --- the life of an instance, which has nothing to keep --------------------------------------- */

static chy_status create(const struct chy_host *host, struct chy_instance *instance,
                         struct chy_op *op, const struct chy_options *options, void **out_self)
{
    static int nothing;
    (void)host;
    (void)instance;
    (void)op;
    (void)options;
    *out_self = &nothing;
    return CHY_OK;
}

static chy_status start(void *self, struct chy_op *op)
{
    (void)self;
    (void)op;
    return CHY_OK;
}

static void stop(void *self, struct chy_op *op)
{
    (void)self;
    (void)op;
}

static void destroy(void *self)
{
    (void)self;
}

/* --- the descriptor --------------------------------------------------------------------------- */

static const struct chy_notifier_ops notifier = {
    .channel_types = CHY_VIEW_INIT(types),
    .check = check,
    .deliver = deliver,
};

static const struct chy_interface interfaces[] = {
    {
        .id = CHY_INTERFACE_NOTIFIER,
        .minor = CHY_NOTIFIER_MINOR,
        .ops_size = sizeof notifier,
        .ops = &notifier,
    },
};

static const struct chy_plugin descriptor = {
    .struct_size = sizeof descriptor,
    .needs_host_minor = 1, /* outbound_address */
    .name = CHY_TEXT_INIT(NAME),
    .version = CHY_TEXT_INIT("1.0.0"),
    .licence = CHY_TEXT_INIT("Apache-2.0"),
    .summary = CHY_TEXT_INIT("A notifier to start from"),
    .threading = CHY_THREADS_MANY,
    .interfaces = CHY_VIEW_INIT(interfaces),
    .create = create,
    .start = start,
    .drain = start,
    .stop = stop,
    .destroy = destroy,
};

const struct chy_plugin *chancery_plugin_v1(void)
{
    return &descriptor;
}
