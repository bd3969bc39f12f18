/** The OCSP responder over HTTP: RFC 6960 appendix A, and what RFC 5019 says of caches. */
#ifndef CHY_ENROLL_PUBLISH_OCSP_H
#define CHY_ENROLL_PUBLISH_OCSP_H

#include "resource/runtime.h"

#include <chancery/enrollment.h>

/** chy_publish_ocsp serves GET and POST on a key generation's URL, chy_publish_ocsp_of_ca on that
 *  of a CA, which stands for its active key.  `self` is the struct chy_runtime. */
chy_route_fn chy_publish_ocsp;
chy_route_fn chy_publish_ocsp_of_ca;

/** chy_publish_ocsp_quick answers what is in memory, on an event thread; false: ask a worker. */
bool chy_publish_ocsp_quick(struct chy_runtime *runtime, struct chy_op *op,
                            const struct chy_http_request *request,
                            struct chy_http_answer *out_answer);

#endif
