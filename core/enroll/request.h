/** Certificate requests: what became of an attempt. */
#ifndef CHY_ENROLL_REQUEST_H
#define CHY_ENROLL_REQUEST_H

#include "resource/kind.h"

/** "certificate-requests": "get". */
extern const struct chy_kind chy_kind_request;

#endif
