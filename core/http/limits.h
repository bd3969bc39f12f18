/** Every limit of the HTTP server in one place, each with its reason. */
#ifndef CHY_HTTP_LIMITS_H
#define CHY_HTTP_LIMITS_H

#include <stdint.h>

/** What a route takes when its author has no better number: the largest CSR of a post-quantum key
 *  is 16 KiB, and metadata, names and JSON around it fit three times over. */
#define CHY_HTTP_BODY_DEFAULT ((uint64_t)64 << 10)

/** A path has this many segments at most; the deepest of the API has eight. */
#define CHY_HTTP_SEGMENTS_MAX 32U
/** A pattern has this many {names} at most. */
#define CHY_HTTP_PARAMETERS_MAX 8U
/** A query has this many pairs at most; the widest search of the API has two dozen. */
#define CHY_HTTP_QUERY_MAX 64U
/** The most header lines that a configuration can allow: they are looked at on the stack. */
#define CHY_HTTP_HEADERS_CEILING 128U

/**
 * What configuration may change.  Times are µs, sizes bytes.  A member that is 0 when the server
 * is made gets its default, so a caller sets only what it wants otherwise.
 */
struct chy_http_limits {
    /** The ceiling of every route's own limit: JSON of that size is parsed in memory. */
    uint64_t body_max;
    /** A body that is refused is still read up to here, so that the client, busy sending, gets to
     *  see the answer; what is larger loses the connection. */
    uint64_t body_drain_max;
    /** An answer's ceiling: the largest is a CRL shard of 10,000 entries, about 400 KiB. */
    uint64_t answer_max;
    /** What a request may allocate: several times its body and its answer. */
    uint64_t memory_max;
    /** Request line and header lines together; browsers' cookies and proxies' headers fit. */
    uint32_t header_size_max;
    /** Header lines; each costs a comparison per name looked for. */
    uint32_t header_count_max;
    /** The request target; the longest is an OCSP request in base64 (RFC 6960 A.1: 255 bytes). */
    uint32_t uri_max;
    /** What libmicrohttpd keeps for a connection: its own limit must lie above the two before, so
     *  that we answer and not it; an idle connection costs this much. */
    uint32_t connection_memory;
    /** Connections of one listener; more wait in the backlog. */
    uint32_t connections_max;
    /** Connections of one address (IPv6: /64), so that one client cannot take them all; more are
     *  closed at once.  Trusted proxies are exempt. */
    uint32_t connections_per_address;
    /** Requests a minute of one address (IPv6: /64) and of one identity, on the API
     *  listener; 0 is no limit here, not a default. */
    uint32_t address_rate;
    uint32_t identity_rate;
    /** Connections that wait to be accepted. */
    uint32_t backlog;
    /** Requests that run at once: workers block on storage, so there are many. */
    uint32_t worker_threads;
    /** Requests that wait for a worker: at 10,000 a second a tenth of a second of waiting. */
    uint32_t worker_queue;
    /** What a refusal by overload says in Retry-After. */
    uint32_t retry_after_s;
    /** From connecting (TLS included) or from the first line to the end of the header block. */
    int64_t header_deadline;
    /** From the end of the header block to the end of the body. */
    int64_t body_deadline;
    /** Between requests on a connection kept alive. */
    int64_t idle;
    /** From the answer's first byte to its last: 1 MiB to a client of 70 kbit/s. */
    int64_t send_deadline;
    /** What a request's operation gets from the moment it is whole. */
    int64_t request_deadline;
};

/** chy_http_limits_fill gives every member that is 0 its default. */
void chy_http_limits_fill(struct chy_http_limits *limits);

/** chy_http_limits_problem says what does not fit together, or NULL. */
const char *chy_http_limits_problem(const struct chy_http_limits *limits);

#endif
