/**
 * What relying parties fetch: CRLs, OCSP answers and CA certificates, without authentication.
 *
 *   /crl/<key generation>/<shard>.crl, /ocsp/<key generation> and /aia/<key generation>.cer
 * are the URLs that stand in certificates, served on the public listener and on the API's.  The API
 * listener serves the contract's routes for the same things as well.
 */
#ifndef CHY_ENROLL_PUBLISH_H
#define CHY_ENROLL_PUBLISH_H

#include "resource/runtime.h"

#include <chancery/enrollment.h>

/** chy_publish_routes is a view of struct chy_route; their `self` is the struct chy_runtime. */
struct chy_view chy_publish_routes(void);

/** chy_publish_quick answers a CRL or OCSP request from memory, on an event thread; false: ask a
 *  worker. */
bool chy_publish_quick(void *self, struct chy_op *op, const struct chy_route *route,
                       const struct chy_http_request *request, struct chy_http_answer *out_answer);

#endif
