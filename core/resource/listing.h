/**
 * Pages of lists and searches, all of them alike.
 *
 * A caller pages by offset, up to 10,000, or by the cursor that each page gives when more follow.
 * Inside, it is a walk along an index from where the last page ended.  What a page examines is
 * bounded, whatever is stored: a page that the bound ended has the rows found so far and a cursor.
 *
 *     struct chy_listing listing;
 *     struct chy_list_page page;
 *     CHY_TRY(chy_listing_init(&listing, call, CHY_C_REQUESTS, fields, 20));
 *     chy_query_eq(&listing.query, CHY_REQUEST_PROJECT_ID, project);
 *     chy_query_order(&listing.query, CHY_REQUEST_CREATED_AT, true);
 *     CHY_TRY(chy_listing_run(&listing, &page));
 */
#ifndef CHY_RESOURCE_LISTING_H
#define CHY_RESOURCE_LISTING_H

#include "resource/kind.h"

/** CHY_LIST_COUNT_MAX is how far rows are counted, and the largest offset. */
#define CHY_LIST_COUNT_MAX 10000U

struct chy_listing {
    struct chy_call *call;
    struct chy_query query; /**< the caller adds conditions and an order that an index gives */
    struct chy_view fields;
    uint64_t offset;
    uint64_t limit;
    struct chy_slice cursor; /**< where the storage goes on; empty: at the start */
    uint64_t to_skip;        /**< rows between there and the page */

    /** What no condition can say: which of the rows count, by `keep_fields` of them, the id first.
     *  May be NULL. */
    bool (*keep)(const void *context, const struct chy_storage_row *row);
    const void *keep_context;
    struct chy_view keep_fields;
    uint64_t examine; /**< how many rows a page looks at: less where `keep` costs reads */

    /** An order that no index gives: rows are compared by `keep_fields`, when those that match are
     *  few; else the caller is told to narrow.  `sort_name` names it for people.  May be NULL.  Of
     *  those fields only the first `order_fields` are there: single values. */
    int (*compare)(const void *context, const struct chy_storage_row *a,
                   const struct chy_storage_row *b);
    const char *sort_name;
    uint64_t order_fields;
    bool descending;

    bool spread; /**< rows of the page have a place for every field: null, where it is not read */

    bool has_total; /**< somebody knows how many there are: `total` */
    uint64_t total;
};

struct chy_list_page {
    const struct chy_storage_row **rows;
    uint64_t count;
    uint64_t total;          /**< totalCount, as rest-api says */
    struct chy_slice cursor; /**< text; empty: nothing follows */
};

/**
 * chy_listing_init reads offset, limit and cursor of the call's document; its project must be
 * known.  BAD_INPUT: an offset beyond CHY_LIST_COUNT_MAX, or a cursor that is not of this list,
 * project and conditions.  `fields` is of uint32_t and outlives the listing.
 */
CHY_MUST_USE chy_status chy_listing_init(struct chy_listing *listing, struct chy_call *call,
                                         uint32_t collection, struct chy_view fields,
                                         uint64_t default_limit);

CHY_MUST_USE chy_status chy_listing_run(struct chy_listing *listing,
                                        struct chy_list_page *out_page);

/** chy_listing_run_keys is chy_listing_run() over a few rows named by their ids: those that fulfil
 *  the conditions.  It needs `keep_fields`. */
CHY_MUST_USE chy_status chy_listing_run_keys(struct chy_listing *listing, uint32_t id_field,
                                             const struct chy_uuid *ids, uint64_t count,
                                             struct chy_list_page *out_page);

/** chy_listing_answer leaves {plural: list, totalCount, cursor?} as the call's answer. */
CHY_MUST_USE chy_status chy_listing_answer(struct chy_call *call, const char *plural, json_t *list,
                                           const struct chy_list_page *page);
/** chy_listing_repeat_total says an answer's totalCount as `total` too, which readers of alerts
 *  expect. */
CHY_MUST_USE chy_status chy_listing_repeat_total(struct chy_call *call);

#endif
