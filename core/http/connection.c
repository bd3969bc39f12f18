#include "http/connection.h"

#include "http/unconst.h"

#include "base/clock.h"
#include "base/lock.h"

#include <chancery/host.h>

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>

/** A bucket for every sixteen addresses that may be connected at once by default. */
enum {
    BUCKETS = 256
};

/** How many connections an address has; IPv6 by /64. */
struct count {
    struct count *next;
    struct chy_http_address address;
    uint32_t connections;
};

struct chy_http_connections {
    struct chy_http_connections_config config;
    pthread_t sweeper;
    struct chy_mutex lock; // guards everything below
    struct chy_cond wake;
    bool stopping;
    struct chy_http_connection *head;
    uint32_t total;
    struct count *counts[BUCKETS];
};

static int64_t now_us(void)
{
    return chy_clock_monotonic(chy_clock_real());
}

const char *chy_http_wait_name(uint32_t wait)
{
    static const char *const names[] = {"header", "body", "handler", "send", "idle"};
    return wait < sizeof names / sizeof names[0] ? names[wait] : "unknown";
}

/** Shuts down what is late: the event thread then sees the end of the connection and closes it.
 *  */
static void sweep_locked(struct chy_http_connections *all, int64_t now)
{
    chy_mutex_assert_held(&all->lock);
    for (struct chy_http_connection *c = all->head; c != NULL; c = c->next) {
        int64_t deadline = atomic_load_explicit(&c->deadline, memory_order_relaxed);
        if (now < deadline) {
            continue;
        }
        // The event thread may move the deadline meanwhile; then it is not late after all.
        if (atomic_compare_exchange_strong(&c->deadline, &deadline, CHY_NO_DEADLINE)) {
            all->config.late(all->config.context, atomic_load(&c->wait));
            (void)shutdown(c->fd, SHUT_RDWR);
        }
    }
}

/** A tenth of the shortest deadline, so that none is late by more; between 10 ms and a second. */
static int64_t sweep_period(const struct chy_http_limits *limits)
{
    int64_t shortest = limits->header_deadline;
    const int64_t others[] = {limits->body_deadline, limits->idle, limits->send_deadline};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        shortest = others[i] < shortest ? others[i] : shortest;
    }
    int64_t period = shortest / 10;
    period = period < 10000 ? 10000 : period;
    return period > 1000000 ? 1000000 : period;
}

static void *sweep(void *arg)
{
    struct chy_http_connections *all = arg;
    int64_t period = sweep_period(all->config.limits);
    chy_mutex_lock(&all->lock);
    while (!all->stopping) {
        if (!chy_cond_wait_until(&all->wake, &all->lock, now_us() + period)) {
            sweep_locked(all, now_us());
        }
    }
    chy_mutex_unlock(&all->lock);
    return NULL;
}

static bool start_sweeper(struct chy_http_connections *all)
{
    sigset_t every;
    sigset_t before;
    (void)sigfillset(&every);
    (void)pthread_sigmask(SIG_SETMASK, &every, &before);
    bool ok = pthread_create(&all->sweeper, NULL, sweep, all) == 0;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (ok) {
        (void)pthread_setname_np(all->sweeper, "http-deadlines");
    }
    return ok;
}

struct chy_http_connections *chy_http_connections_new(
    const struct chy_http_connections_config *config)
{
    struct chy_http_connections *all = calloc(1, sizeof *all);
    if (all == NULL) {
        return NULL;
    }
    all->config = *config;
    chy_mutex_init(&all->lock);
    chy_cond_init(&all->wake);
    if (!start_sweeper(all)) {
        chy_cond_fini(&all->wake);
        chy_mutex_fini(&all->lock);
        free(all);
        return NULL;
    }
    return all;
}

void chy_http_connections_free(struct chy_http_connections *all)
{
    if (all == NULL) {
        return;
    }
    chy_mutex_lock(&all->lock);
    all->stopping = true;
    chy_cond_broadcast(&all->wake);
    chy_mutex_unlock(&all->lock);
    (void)pthread_join(all->sweeper, NULL);
    for (size_t i = 0; i < BUCKETS; i++) {
        while (all->counts[i] != NULL) {
            struct count *next = all->counts[i]->next;
            free(all->counts[i]);
            all->counts[i] = next;
        }
    }
    chy_cond_fini(&all->wake);
    chy_mutex_fini(&all->lock);
    free(all);
}

/** The link that points to the address's count, or to where it would hang. */
static struct count **find_count_locked(struct chy_http_connections *all,
                                        const struct chy_http_address *counted)
{
    chy_mutex_assert_held(&all->lock);
    uint32_t hash = 2166136261U; // FNV-1a
    for (size_t i = 0; i < sizeof counted->bytes; i++) {
        hash = (hash ^ counted->bytes[i]) * 16777619U;
    }
    struct count **link = &all->counts[hash % BUCKETS];
    while (*link != NULL &&
           memcmp((*link)->address.bytes, counted->bytes, sizeof counted->bytes) != 0) {
        link = &(*link)->next;
    }
    return link;
}

bool chy_http_connections_admit(struct chy_http_connections *all,
                                const struct chy_http_address *address)
{
    if (chy_http_trust_has(all->config.trust, address)) {
        return true;
    }
    struct chy_http_address counted = chy_http_address_counted_as(address);
    chy_mutex_lock(&all->lock);
    const struct count *count = *find_count_locked(all, &counted);
    bool ok = count == NULL || count->connections < all->config.limits->connections_per_address;
    chy_mutex_unlock(&all->lock);
    return ok;
}

uint32_t chy_http_connections_count(struct chy_http_connections *all)
{
    chy_mutex_lock(&all->lock);
    uint32_t total = all->total;
    chy_mutex_unlock(&all->lock);
    return total;
}

static bool enter_locked(struct chy_http_connections *all, struct chy_http_connection *connection)
{
    struct chy_http_address counted = chy_http_address_counted_as(&connection->address);
    struct count **link = find_count_locked(all, &counted);
    if (*link == NULL) {
        *link = calloc(1, sizeof **link);
        if (*link == NULL) {
            return false;
        }
        (*link)->address = counted;
    }
    (*link)->connections++;
    connection->next = all->head;
    if (all->head != NULL) {
        all->head->previous = connection;
    }
    all->head = connection;
    all->total++;
    return true;
}

struct chy_http_connection *chy_http_connection_add(struct chy_http_connections *all, int fd,
                                                    const struct chy_http_address *address,
                                                    const void *owner)
{
    struct chy_http_connection *connection = calloc(1, sizeof *connection);
    if (connection == NULL) {
        return NULL;
    }
    connection->all = all;
    connection->fd = fd;
    connection->owner = owner;
    connection->address = *address;
    connection->is_trusted = chy_http_trust_has(all->config.trust, address);
    chy_http_connection_expect(connection, CHY_HTTP_WAIT_HEADER);
    chy_mutex_lock(&all->lock);
    bool ok = enter_locked(all, connection);
    chy_mutex_unlock(&all->lock);
    if (!ok) {
        free(connection);
        return NULL;
    }
    return connection;
}

static void leave_locked(struct chy_http_connections *all, struct chy_http_connection *connection)
{
    struct chy_http_address counted = chy_http_address_counted_as(&connection->address);
    struct count **link = find_count_locked(all, &counted);
    if (*link != NULL && --(*link)->connections == 0) {
        struct count *empty = *link;
        *link = empty->next;
        free(empty);
    }
    if (connection->previous != NULL) {
        connection->previous->next = connection->next;
    } else {
        all->head = connection->next;
    }
    if (connection->next != NULL) {
        connection->next->previous = connection->previous;
    }
    all->total--;
}

void chy_http_connection_remove(struct chy_http_connection *connection)
{
    if (connection == NULL) {
        return;
    }
    struct chy_http_connections *all = connection->all;
    chy_mutex_lock(&all->lock);
    leave_locked(all, connection);
    chy_mutex_unlock(&all->lock);
    free(chy_http_unconst(connection->peer_certificate.ptr));
    free(connection);
}

void chy_http_connection_expect(struct chy_http_connection *connection, enum chy_http_wait wait)
{
    const struct chy_http_limits *limits = connection->all->config.limits;
    int64_t deadline = CHY_NO_DEADLINE;
    switch (wait) {
    case CHY_HTTP_WAIT_HEADER: deadline = now_us() + limits->header_deadline; break;
    case CHY_HTTP_WAIT_BODY: deadline = now_us() + limits->body_deadline; break;
    case CHY_HTTP_WAIT_HANDLER: break;
    case CHY_HTTP_WAIT_SEND: deadline = now_us() + limits->send_deadline; break;
    // A slow first line of the next request counts into it, so that it cannot be drawn out.
    case CHY_HTTP_WAIT_IDLE: deadline = now_us() + limits->idle; break;
    }
    atomic_store_explicit(&connection->wait, wait, memory_order_relaxed);
    atomic_store_explicit(&connection->deadline, deadline, memory_order_relaxed);
}
