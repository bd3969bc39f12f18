/** Lists of which a caller may see only what fulfils the conditions of a permission. */
#ifndef CHY_RESOURCE_KIND_VISIBLE_H
#define CHY_RESOURCE_KIND_VISIBLE_H

#include "resource/listing.h"

/** One such list. */
struct chy_visible {
    struct chy_call *call;
    chy_status status; /**< of the first row that could not be decided */
};

/**
 * chy_visible_only lets a listing, before it runs, have only what the caller may see: all of it, or
 * what the kind's facts of each row fulfil.  `visible` outlives the listing, which fails by its
 * status.  DENIED: by no role in the project anything, whatever one in an application gives.
 */
CHY_MUST_USE chy_status chy_visible_only(struct chy_call *call, struct chy_visible *visible,
                                         struct chy_listing *listing);

#endif
