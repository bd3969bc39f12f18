/** What the plugin's own handlers answer (JSON Schema 2020-12): beside what they write, and held to
 *  it by the tests of the description of the API. */
#ifndef CHANCERY_API_ANSWERS_H
#define CHANCERY_API_ANSWERS_H

#define API_ANSWER_TEXT "{\"type\":\"string\"}"
#define API_ANSWER_ID "{\"type\":\"string\",\"format\":\"uuid\"}"
#define API_ANSWER_TEXTS "{\"type\":\"array\",\"items\":" API_ANSWER_TEXT "}"

/** A certificate that was issued. */
#define API_ANSWER_CERTIFICATE_NAMES                                                  \
    "\"certificate\",\"issuingCaCertificate\",\"certificateChain\",\"serialNumber\"," \
    "\"certificateId\""
#define API_ANSWER_CERTIFICATE                                                      \
    "\"certificate\":" API_ANSWER_TEXT ",\"issuingCaCertificate\":" API_ANSWER_TEXT \
    ",\"certificateChain\":" API_ANSWER_TEXT ",\"privateKey\":" API_ANSWER_TEXT     \
    ",\"serialNumber\":" API_ANSWER_TEXT ",\"certificateId\":" API_ANSWER_TEXT

/** What became of the request. */
#define API_ANSWER_STATE                                                            \
    "\"adjustments\":" API_ANSWER_TEXTS ",\"message\":" API_ANSWER_TEXT             \
    ",\"status\":{\"type\":\"string\",\"enum\":[\"issued\",\"pending\",\"failed\"," \
    "\"pending_approval\"]},\"certificateRequestId\":" API_ANSWER_ID

#define API_ISSUE_ANSWER                                                               \
    "{\"type\":\"object\",\"required\":[\"certificate\",\"status\","                   \
    "\"certificateRequestId\"],\"properties\":{\"certificate\":{\"type\":[\"object\"," \
    "\"null\"],\"required\":[" API_ANSWER_CERTIFICATE_NAMES                            \
    "],\"properties\":{" API_ANSWER_CERTIFICATE "}}," API_ANSWER_STATE "}}"

/** Of a renewal too. */
#define API_FLAT_ANSWER                                                               \
    "{\"type\":\"object\",\"required\":[" API_ANSWER_CERTIFICATE_NAMES ",\"status\"," \
    "\"certificateRequestId\"],\"properties\":{" API_ANSWER_CERTIFICATE "," API_ANSWER_STATE "}}"

#define API_STATUS_ANSWER                                                                      \
    "{\"type\":\"object\",\"required\":[\"date\",\"message\"],\"properties\":{"                \
    "\"date\":{\"type\":\"integer\"},\"message\":" API_ANSWER_TEXT                             \
    ",\"emailConfigured\":{\"type\":\"boolean\"},\"inviteOnlySignup\":{\"type\":\"boolean\"}," \
    "\"redisConfigured\":{\"type\":\"boolean\"}}}"

#endif
