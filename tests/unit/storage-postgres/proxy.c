#include "proxy.h"

#include <check.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LINKS_MAX 64
#define HALF_BYTES 100

/** One connection through the proxy. */
struct link {
    pthread_t thread;
    int client;
    int server;
    uint8_t *answers; // what came from the server and was not passed on
    size_t answer_len;
};

static struct {
    int listener;
    uint16_t port;
    uint16_t server_port;
    pthread_t thread;
    struct link links[LINKS_MAX];
    int link_count;
    atomic_int mode;
    atomic_int then;
    atomic_int breaks;
    atomic_int epoch; // grows when all connections are to break
    atomic_bool stopping;
} proxy;

static struct sockaddr_in loopback(uint16_t port)
{
    struct sockaddr_in address;
    memset(&address, 0, sizeof address);
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

static bool send_all(int fd, const uint8_t *bytes, size_t len)
{
    while (len > 0) {
        ssize_t sent = send(fd, bytes, len, MSG_NOSIGNAL);
        if (sent <= 0) {
            return false;
        }
        bytes += sent;
        len -= (size_t)sent;
    }
    return true;
}

/** The break happened: what comes after it is in force. */
static bool broke(void)
{
    atomic_fetch_add(&proxy.breaks, 1);
    atomic_store(&proxy.mode, atomic_load(&proxy.then));
    return false;
}

/** Client to server.  False: the connection ends. */
static bool pass_request(struct link *link, const uint8_t *bytes, size_t len)
{
    switch ((enum proxy_mode)atomic_load(&proxy.mode)) {
    case PROXY_HOLE: return true;
    case PROXY_CUT_REQUEST: return broke();
    case PROXY_CUT_HALF:
        (void)send_all(link->server, bytes, len < HALF_BYTES ? len : HALF_BYTES);
        return broke();
    case PROXY_PASS:
    case PROXY_CUT_COMMIT:
    case PROXY_CUT_ANSWERS:
    case PROXY_REFUSE: return send_all(link->server, bytes, len);
    }
    return false;
}

static size_t frame_length(const uint8_t *frame)
{
    return 1 + ((size_t)frame[1] << 24 | (size_t)frame[2] << 16 | (size_t)frame[3] << 8 | frame[4]);
}

/** Server to client, message by message.  False: the connection ends. */
static bool pass_answers(struct link *link, const uint8_t *bytes, size_t len)
{
    enum proxy_mode mode = (enum proxy_mode)atomic_load(&proxy.mode);
    if (mode == PROXY_HOLE) {
        return true;
    }
    link->answers = realloc(link->answers, link->answer_len + len);
    memcpy(link->answers + link->answer_len, bytes, len);
    link->answer_len += len;
    size_t at = 0;
    while (link->answer_len - at >= 5 &&
           frame_length(link->answers + at) <= link->answer_len - at) {
        const uint8_t *frame = link->answers + at;
        size_t frame_len = frame_length(frame);
        bool commit = frame[0] == 'C' && frame_len == 12 && memcmp(frame + 5, "COMMIT", 7) == 0;
        if (commit && (mode == PROXY_CUT_COMMIT || mode == PROXY_CUT_ANSWERS)) {
            return broke();
        }
        if (mode != PROXY_CUT_ANSWERS && !send_all(link->client, frame, frame_len)) {
            return false;
        }
        at += frame_len;
    }
    memmove(link->answers, link->answers + at, link->answer_len - at);
    link->answer_len -= at;
    return true;
}

static void *run_link(void *arg)
{
    struct link *link = arg;
    static const size_t size = 65536;
    uint8_t *bytes = malloc(size);
    int epoch = atomic_load(&proxy.epoch);
    struct pollfd fds[] = {{link->client, POLLIN, 0}, {link->server, POLLIN, 0}};
    bool open = true;
    while (open && !atomic_load(&proxy.stopping) && epoch == atomic_load(&proxy.epoch)) {
        if (poll(fds, 2, 10) <= 0) {
            continue;
        }
        for (int side = 0; side < 2 && open; side++) {
            if (fds[side].revents == 0) {
                continue;
            }
            ssize_t len = recv(fds[side].fd, bytes, size, 0);
            open = len > 0 && (side == 0 ? pass_request(link, bytes, (size_t)len)
                                         : pass_answers(link, bytes, (size_t)len));
        }
    }
    (void)close(link->client);
    (void)close(link->server);
    free(link->answers);
    free(bytes);
    return NULL;
}

static void accept_one(void)
{
    int client = accept(proxy.listener, NULL, NULL);
    if (client < 0) {
        return;
    }
    struct sockaddr_in address = loopback(proxy.server_port);
    int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (atomic_load(&proxy.mode) == PROXY_REFUSE || proxy.link_count == LINKS_MAX ||
        connect(server, (struct sockaddr *)&address, sizeof address) != 0) {
        (void)close(server);
        (void)close(client);
        return;
    }
    // Small messages one by one would wait for each other's acknowledgement.
    int yes = 1;
    (void)setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    (void)setsockopt(server, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    struct link *link = &proxy.links[proxy.link_count++];
    memset(link, 0, sizeof *link);
    link->client = client;
    link->server = server;
    (void)pthread_create(&link->thread, NULL, run_link, link);
}

static void *run_proxy(void *arg)
{
    (void)arg;
    while (!atomic_load(&proxy.stopping)) {
        struct pollfd fd = {proxy.listener, POLLIN, 0};
        if (poll(&fd, 1, 10) > 0) {
            accept_one();
        }
    }
    return NULL;
}

void proxy_start(uint16_t server_port)
{
    struct sockaddr_in address = loopback(0);
    socklen_t len = sizeof address;
    memset(&proxy, 0, sizeof proxy);
    proxy.server_port = server_port;
    proxy.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(proxy.listener, (struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(listen(proxy.listener, 64), 0);
    ck_assert_int_eq(getsockname(proxy.listener, (struct sockaddr *)&address, &len), 0);
    proxy.port = ntohs(address.sin_port);
    ck_assert_int_eq(pthread_create(&proxy.thread, NULL, run_proxy, NULL), 0);
}

void proxy_stop(void)
{
    atomic_store(&proxy.stopping, true);
    (void)pthread_join(proxy.thread, NULL);
    for (int i = 0; i < proxy.link_count; i++) {
        (void)pthread_join(proxy.links[i].thread, NULL);
    }
    (void)close(proxy.listener);
}

uint16_t proxy_port(void)
{
    return proxy.port;
}

void proxy_next(enum proxy_mode now, enum proxy_mode then)
{
    atomic_store(&proxy.then, then);
    atomic_store(&proxy.mode, now);
}

void proxy_break(void)
{
    atomic_fetch_add(&proxy.epoch, 1);
}

int proxy_breaks(void)
{
    return atomic_load(&proxy.breaks);
}
