/**
 * The connections: how many an address has, and when each has to be done with what it is doing.
 *
 * libmicrohttpd's own timer starts again with every byte, so a slow client could stay for ever.
 * Here each connection has one absolute deadline at a time, and a thread that shuts down those
 * that passed theirs.
 */
#ifndef CHY_HTTP_CONNECTION_H
#define CHY_HTTP_CONNECTION_H

#include "http/address.h"
#include "http/forwarded.h"
#include "http/limits.h"

#include "base/auto.h"

#include <chancery/types.h>

#include <stdbool.h>

/** What a connection has to be done with by its deadline. */
enum chy_http_wait {
    CHY_HTTP_WAIT_HEADER = 0,
    CHY_HTTP_WAIT_BODY = 1,
    CHY_HTTP_WAIT_HANDLER = 2, // no deadline: the operation has its own
    CHY_HTTP_WAIT_SEND = 3,
    CHY_HTTP_WAIT_IDLE = 4
};

/** chy_http_wait_name is the word for metrics: "header". */
const char *chy_http_wait_name(uint32_t wait);

struct chy_http_connections;

struct chy_http_connection {
    struct chy_http_connection *previous;
    struct chy_http_connection *next;
    struct chy_http_connections *all;
    const void *owner; // what chy_http_connection_add() was given
    int fd;
    struct chy_http_address address;
    bool is_trusted; // a proxy's
    bool peer_checked;
    struct chy_slice peer_certificate; // owned; empty: none
    _Atomic uint32_t wait;
    _Atomic int64_t deadline; // µs, real monotonic
};

/** What happens to a connection that is late. */
typedef void chy_http_late_fn(void *context, uint32_t wait);

struct chy_http_connections_config {
    const struct chy_http_limits *limits; // outlives the connections
    const struct chy_http_trust *trust;   // likewise
    chy_http_late_fn *late;               // called on the sweeping thread
    void *context;
};

/** chy_http_connections_new starts the sweeping thread.  NULL: no memory or no thread. */
CHY_MUST_USE struct chy_http_connections *chy_http_connections_new(
    const struct chy_http_connections_config *config);
/** chy_http_connections_free ends it; no connection may be left.  NULL is fine. */
void chy_http_connections_free(struct chy_http_connections *all);
CHY_DEFINE_AUTO(struct chy_http_connections, chy_http_connections_free);

/** chy_http_connections_admit tells whether `address` may have one more. */
CHY_MUST_USE bool chy_http_connections_admit(struct chy_http_connections *all,
                                             const struct chy_http_address *address);
/** chy_http_connections_count tells how many there are. */
uint32_t chy_http_connections_count(struct chy_http_connections *all);

/** chy_http_connection_add enters a new connection; it waits for its header.  NULL: no memory. */
CHY_MUST_USE struct chy_http_connection *chy_http_connection_add(
    struct chy_http_connections *all, int fd, const struct chy_http_address *address,
    const void *owner);
/** chy_http_connection_remove takes it out, before its descriptor is closed.  NULL is fine. */
void chy_http_connection_remove(struct chy_http_connection *connection);
/** chy_http_connection_expect sets what it has to be done with, and by when. */
void chy_http_connection_expect(struct chy_http_connection *connection, enum chy_http_wait wait);

#endif
