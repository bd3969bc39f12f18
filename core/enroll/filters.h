/**
 * What the searches of certificates and requests have in common: members of the document that
 * become conditions of a query.  A member that is absent, null or an empty list narrows nothing.
 */
#ifndef CHY_ENROLL_FILTERS_H
#define CHY_ENROLL_FILTERS_H

#include "resource/kind.h"

/** How words of the wire become what is stored. */
enum chy_filter_form {
    CHY_FILTER_LOWER = 0, /**< stored in lower case */
    CHY_FILTER_UUID,
    CHY_FILTER_KEY_ALGORITHM, /**< any spelling */
    CHY_FILTER_SIGNATURE_ALGORITHM
};

/** chy_filter_in wants the field to be one of the words of a member: a string or a list. */
CHY_MUST_USE chy_status chy_filter_in(struct chy_call *call, struct chy_query *query,
                                      uint32_t field, const char *member,
                                      enum chy_filter_form form);

/** chy_filter_application wants the field to be the member "applicationId".  An application that
 *  was deleted has nothing any more, and a foreign one never had. */
CHY_MUST_USE chy_status chy_filter_application(struct chy_call *call, struct chy_query *query,
                                               uint32_t field);

/** chy_filter_between wants a time from one member to another, both included. */
CHY_MUST_USE chy_status chy_filter_between(struct chy_call *call, struct chy_query *query,
                                           uint32_t field, const char *from, const char *to);

/** chy_filter_metadata wants every pair of the member "metadata"; one without a value, any. */
CHY_MUST_USE chy_status chy_filter_metadata(struct chy_call *call, struct chy_query *query,
                                            uint32_t field);

/** JSON Schema of the members that these read. */
#define CHY_FILTER_WORDS                                                             \
    "{\"type\":[\"string\",\"array\",\"null\"],\"maxLength\":1024,\"maxItems\":100," \
    "\"items\":{\"type\":\"string\",\"maxLength\":255}}"
#define CHY_FILTER_IDS                                 \
    "{\"type\":[\"array\",\"null\"],\"maxItems\":100," \
    "\"items\":" CHY_SHAPE_ID "}"
#define CHY_FILTER_TIME "{\"type\":[\"string\",\"null\"],\"maxLength\":64}"
#define CHY_FILTER_TEXT "{\"type\":[\"string\",\"null\"],\"maxLength\":255,\"x-trim\":true}"
#define CHY_FILTER_PAIRS                                                             \
    "{\"type\":[\"array\",\"null\"],\"maxItems\":64,\"items\":{\"type\":\"object\"," \
    "\"required\":[\"key\"],\"properties\":{"                                        \
    "\"key\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":255},"               \
    "\"value\":{\"type\":[\"string\",\"null\"],\"maxLength\":1020}}}}"
#define CHY_FILTER_ORDER \
    "{\"type\":[\"string\",\"null\"],\"x-fold\":true,\"enum\":[\"asc\",\"desc\",null]}"

#endif
