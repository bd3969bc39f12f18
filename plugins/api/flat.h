/** The older ways to ask for a certificate, whose bodies and answers are flat. */
#ifndef CHANCERY_API_FLAT_H
#define CHANCERY_API_FLAT_H

#include "api.h"

#define API_FLAT_ID "{\"type\":[\"string\",\"null\"],\"format\":\"uuid\"}"

/** Only what names the profile or CA; the rest is what `attributes` holds, checked with it. */
#define API_FLAT_SCHEMA                                                                \
    "{\"type\":\"object\",\"examples\":[{\"profileId\":"                               \
    "\"01939b2e-5f3a-7c41-9d0e-6a1f2b3c4d5e\",\"commonName\":\"service.example.com\"," \
    "\"ttl\":\"90d\"}],\"properties\":{\"profileId\":" API_FLAT_ID                     \
    ",\"certificateTemplateId\":" API_FLAT_ID ",\"caId\":" API_FLAT_ID                 \
    ",\"csr\":{\"type\":[\"string\",\"null\"],\"minLength\":1,\"maxLength\":49152},"   \
    "\"commonName\":{\"type\":[\"string\",\"null\"],\"maxLength\":255},"               \
    "\"ttl\":{\"type\":[\"string\",\"null\"],\"maxLength\":32},"                       \
    "\"altNames\":{\"type\":[\"array\",\"string\",\"null\"],\"maxItems\":100},"        \
    "\"subjectAlternativeNames\":{\"type\":[\"array\",\"null\"],\"maxItems\":100},"    \
    "\"keyUsages\":{\"type\":[\"array\",\"null\"],\"maxItems\":20},"                   \
    "\"extendedKeyUsages\":{\"type\":[\"array\",\"null\"],\"maxItems\":20}}}"

/** chy_route_fn of issue-certificate, sign-certificate and order-certificate. */
chy_status api_issue_flat(void *self, struct chy_op *op, const struct chy_route *route,
                          const struct chy_http_request *request,
                          struct chy_http_answer *out_answer);

#endif
