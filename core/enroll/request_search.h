/** Finding certificate requests. */
#ifndef CHY_ENROLL_REQUEST_SEARCH_H
#define CHY_ENROLL_REQUEST_SEARCH_H

#include "enroll/filters.h"

#define CHY_REQUEST_SORTS                                                                   \
    "{\"type\":[\"string\",\"null\"],\"enum\":[\"createdAt\",\"updatedAt\",\"commonName\"," \
    "\"status\",null]}"

/** CHY_REQUEST_SEARCH is the shape of what chy_request_search() reads. */
#define CHY_REQUEST_SEARCH                                                                    \
    "{\"type\":\"object\",\"properties\":{"                                                   \
    "\"projectId\":" CHY_SHAPE_ID_OR_NULL "," CHY_PAGE_MEMBERS ",\"search\":" CHY_FILTER_TEXT \
    ",\"status\":" CHY_FILTER_WORDS ",\"profileIds\":" CHY_FILTER_IDS                         \
    ",\"applicationId\":" CHY_SHAPE_ID_OR_NULL ",\"fromDate\":" CHY_FILTER_TIME               \
    ",\"toDate\":" CHY_FILTER_TIME ",\"metadata\":" CHY_FILTER_PAIRS                          \
    ",\"sortBy\":" CHY_REQUEST_SORTS ",\"sortOrder\":" CHY_FILTER_ORDER "}}"

chy_status chy_request_search(struct chy_call *call);

#endif
