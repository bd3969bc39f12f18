/** What the body of POST /api/v1/cert-manager/certificates looks like (JSON Schema 2020-12). */
#ifndef CHANCERY_API_ISSUE_SCHEMA_H
#define CHANCERY_API_ISSUE_SCHEMA_H

#define API_TEXT_OR_NULL "{\"type\":[\"string\",\"null\"],\"maxLength\":255}"
#define API_WORDS                                                         \
    "{\"type\":[\"array\",\"null\"],\"maxItems\":20,\"items\":{\"type\":" \
    "\"string\",\"minLength\":1,\"maxLength\":64}}"
#define API_SIGNATURE                                                   \
    "{\"type\":[\"string\",\"null\"],\"maxLength\":64,\"description\":" \
    "\"such as ECDSA-SHA256: one that fits the CA's key\"}"
#define API_KEY                                                         \
    "{\"type\":[\"string\",\"null\"],\"maxLength\":64,\"description\":" \
    "\"of the key made here, such as EC_prime256v1 or RSA_2048\"}"
#define API_TTL                                                         \
    "{\"type\":[\"string\",\"null\"],\"maxLength\":32,\"description\":" \
    "\"how long it is good: 90d, 12h, 1y; not together with dates\"}"
#define API_DATE                                                        \
    "{\"type\":[\"string\",\"null\"],\"maxLength\":64,\"description\":" \
    "\"ISO 8601, such as 2027-01-31T00:00:00Z\"}"
#define API_CSR                                                                            \
    "{\"type\":[\"string\",\"null\"],\"minLength\":1,\"maxLength\":49152,\"description\":" \
    "\"a PKCS#10 request, PEM: its key is certified, and none is made here\"}"

/** What issuing and renewing both take, to the end of the schema. */
#define API_ISSUE_MEMBERS                                                                    \
    "\"csr\":" API_CSR ","                                                                   \
    "\"removeRootsFromChain\":{\"type\":[\"boolean\",\"string\",\"null\"]},"                 \
    "\"attributes\":{\"type\":[\"object\",\"null\"],\"properties\":{"                        \
    "\"commonName\":" API_TEXT_OR_NULL ",\"organization\":" API_TEXT_OR_NULL                 \
    ",\"organizationalUnit\":" API_TEXT_OR_NULL ",\"ou\":" API_TEXT_OR_NULL                  \
    ",\"country\":" API_TEXT_OR_NULL ",\"state\":" API_TEXT_OR_NULL                          \
    ",\"province\":" API_TEXT_OR_NULL ",\"locality\":" API_TEXT_OR_NULL                      \
    ",\"domainComponents\":{\"type\":[\"array\",\"null\"],\"maxItems\":50,\"items\":"        \
    "{\"type\":\"string\",\"minLength\":1,\"maxLength\":63}},"                               \
    "\"keyUsages\":" API_WORDS ",\"extendedKeyUsages\":" API_WORDS                           \
    ",\"altNames\":{\"type\":[\"array\",\"null\"],\"maxItems\":100,\"items\":{"              \
    "\"type\":\"object\",\"required\":[\"type\",\"value\"],\"properties\":{"                 \
    "\"type\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":32},"                       \
    "\"value\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":255}}}},"                  \
    "\"signatureAlgorithm\":" API_SIGNATURE ",\"keyAlgorithm\":" API_KEY ",\"ttl\":" API_TTL \
    ",\"notBefore\":" API_DATE ",\"notAfter\":" API_DATE                                     \
    ",\"removeRootsFromChain\":{\"type\":[\"boolean\",\"string\",\"null\"]},"                \
    "\"basicConstraints\":{\"type\":[\"object\",\"null\"],\"properties\":{"                  \
    "\"isCA\":{\"type\":\"boolean\"},"                                                       \
    "\"pathLength\":{\"type\":[\"integer\",\"null\"],\"minimum\":0,\"maximum\":255}}}}},"    \
    "\"metadata\":{\"type\":[\"array\",\"null\"],\"maxItems\":64,\"items\":{"                \
    "\"type\":\"object\",\"required\":[\"key\"],\"properties\":{"                            \
    "\"key\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":255},"                       \
    "\"value\":{\"type\":[\"string\",\"null\"],\"maxLength\":1020}}}}}}"

/** What a reader is shown. */
#define API_ISSUE_EXAMPLE                                                     \
    "\"examples\":[{\"profileId\":\"01939b2e-5f3a-7c41-9d0e-6a1f2b3c4d5e\","  \
    "\"attributes\":{\"commonName\":\"service.example.com\",\"ttl\":\"90d\"," \
    "\"altNames\":[{\"type\":\"dns_name\",\"value\":\"service.example.com\"}]}}]"

#define API_ISSUE_SCHEMA                                                                       \
    "{\"type\":\"object\"," API_ISSUE_EXAMPLE ",\"required\":[\"profileId\"],\"properties\":{" \
    "\"profileId\":{\"type\":\"string\",\"format\":\"uuid\"},"                                 \
    "\"applicationId\":{\"type\":[\"string\",\"null\"],\"format\":\"uuid\"}," API_ISSUE_MEMBERS

/** The body of POST …/{id}/renew, which may be missing or null. */
#define API_RENEW_SCHEMA                               \
    "{\"type\":[\"object\",\"null\"],\"properties\":{" \
    "\"renewalKeySource\":{\"enum\":[\"new\",\"reuse\",\"csr\",null]}," API_ISSUE_MEMBERS

#endif
