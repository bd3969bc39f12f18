/** Finding certificates: the actions by which a project's certificates are searched and listed. */
#ifndef CHY_ENROLL_CERTIFICATE_SEARCH_H
#define CHY_ENROLL_CERTIFICATE_SEARCH_H

#include "enroll/filters.h"

#define CHY_CERTIFICATE_SORTS                                                             \
    "{\"type\":[\"string\",\"null\"],\"enum\":[\"notAfter\",\"notBefore\",\"createdAt\"," \
    "\"commonName\",\"keyAlgorithm\",\"status\",null]}"

/** CHY_CERTIFICATE_SEARCH is the shape of what chy_certificate_search() reads. */
#define CHY_CERTIFICATE_SEARCH                                                                     \
    "{\"type\":\"object\",\"properties\":{"                                                        \
    "\"projectId\":" CHY_SHAPE_ID "," CHY_PAGE_MEMBERS ",\"search\":" CHY_FILTER_TEXT              \
    ",\"friendlyName\":" CHY_FILTER_TEXT ",\"commonName\":" CHY_FILTER_TEXT                        \
    ",\"status\":" CHY_FILTER_WORDS ",\"profileIds\":" CHY_FILTER_IDS ",\"caIds\":" CHY_FILTER_IDS \
    ",\"fromDate\":" CHY_FILTER_TIME ",\"toDate\":" CHY_FILTER_TIME                                \
    ",\"notAfterFrom\":" CHY_FILTER_TIME ",\"notAfterTo\":" CHY_FILTER_TIME                        \
    ",\"notBeforeFrom\":" CHY_FILTER_TIME ",\"notBeforeTo\":" CHY_FILTER_TIME                      \
    ",\"metadata\":" CHY_FILTER_PAIRS ",\"extendedKeyUsage\":" CHY_FILTER_TEXT                     \
    ",\"keyAlgorithm\":" CHY_FILTER_WORDS ",\"signatureAlgorithm\":" CHY_FILTER_WORDS              \
    ",\"keySizes\":{\"type\":[\"array\",\"null\"],\"maxItems\":32,"                                \
    "\"items\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":65536}}"                            \
    ",\"enrollmentTypes\":" CHY_FILTER_WORDS ",\"source\":" CHY_FILTER_WORDS                       \
    ",\"applicationId\":" CHY_SHAPE_ID_OR_NULL ",\"forPkiSync\":{\"type\":[\"boolean\",\"null\"]}" \
    ",\"sortBy\":" CHY_CERTIFICATE_SORTS ",\"sortOrder\":" CHY_FILTER_ORDER "}}"

chy_status chy_certificate_search(struct chy_call *call);

/** CHY_CERTIFICATES_OF_PROFILE is the shape of what chy_certificate_list_profile() reads. */
#define CHY_CERTIFICATES_OF_PROFILE                                                   \
    "{\"type\":\"object\",\"required\":[\"profileId\"],\"properties\":{"              \
    "\"profileId\":" CHY_SHAPE_ID "," CHY_PAGE_MEMBERS ",\"search\":" CHY_FILTER_TEXT \
    ",\"status\":{\"type\":\"string\","                                               \
    "\"x-fold\":true,\"enum\":[\"active\","                                           \
    "\"expired\",\"revoked\"]}}}"

/** chy_certificate_list_profile lists the certificates of the profile that the member "profileId"
 *  names, those that end last first. */
chy_status chy_certificate_list_profile(struct chy_call *call);

/** chy_certificate_profile reads the member "profileId" and finds the profile's project.
 *  NOT_FOUND: there is none in a project of the caller's; DENIED: it may not read certificates. */
CHY_MUST_USE chy_status chy_certificate_profile(struct chy_call *call, struct chy_uuid *out_id);

/** chy_certificate_search_slug searches the project that the member "slug" names. */
chy_status chy_certificate_search_slug(struct chy_call *call);

#endif
