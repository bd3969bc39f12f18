/**
 * Who called, when proxies stand between: X-Forwarded-For, -Proto, -Host or Forwarded (RFC 7239),
 * and Client-Cert (RFC 9440) count only from trusted networks.
 *
 * A proxy adds to the one header that it knows and hands on the other as the caller wrote it, so
 * only one of the two is read.
 */
#ifndef CHY_HTTP_FORWARDED_H
#define CHY_HTTP_FORWARDED_H

#include "http/address.h"

#include <chancery/enrollment.h>
#include <chancery/host.h>

#include <stdbool.h>

/** Which header trusted proxies write: the words of access.forwarding_header, in this order. */
enum chy_http_forwarding {
    CHY_HTTP_X_FORWARDED = 0, /**< X-Forwarded-For, -Proto and -Host */
    CHY_HTTP_FORWARDED = 1    /**< Forwarded */
};

struct chy_http_trust {
    const struct chy_http_network *networks;
    uint32_t network_count;
    enum chy_http_forwarding forwarding;
};

/** chy_http_trust_has tells whether `address` is a trusted proxy's. */
CHY_MUST_USE bool chy_http_trust_has(const struct chy_http_trust *trust,
                                     const struct chy_http_address *address);

/** chy_http_is_forwarding tells whether only a trusted proxy may send the header `name`, which is
 *  in lower case. */
CHY_MUST_USE bool chy_http_is_forwarding(struct chy_slice name);

/** What a trusted proxy says about the caller. */
struct chy_http_origin {
    struct chy_http_address address; /**< the last one in the chain that is no trusted proxy */
    struct chy_slice scheme;         /**< "http", "https", or empty: not said */
    struct chy_slice host;           /**< an authority, or empty: not said */
    struct chy_slice certificate;    /**< DER, or empty */
};

/** chy_http_forwarded_read reads the headers (names in lower case) of a request that a trusted
 *  proxy at `peer` sent.  CHY_BAD_INPUT: a certificate that cannot be read. */
CHY_MUST_USE chy_status chy_http_forwarded_read(struct chy_op *op,
                                                const struct chy_http_trust *trust,
                                                const struct chy_http_address *peer,
                                                struct chy_view headers,
                                                struct chy_http_origin *out_origin);

#endif
