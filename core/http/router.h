/**
 * From method and path to a route: a tree by segment.
 *
 * A literal segment wins over a {name} at the same place; where the literal branch has no route
 * for the method, the {name} is tried.  Two routes of one method and the same shape are refused
 * when the second is added.  After the last add the router is only read, from any thread.
 */
#ifndef CHY_HTTP_ROUTER_H
#define CHY_HTTP_ROUTER_H

#include "http/limits.h"
#include "http/path.h"

#include "base/auto.h"

#include <chancery/enrollment.h>
#include <chancery/host.h>

#include <stdbool.h>

struct chy_router;

/** chy_router_new makes an empty router.  NULL: out of memory. */
CHY_MUST_USE struct chy_router *chy_router_new(void);
/** chy_router_free frees it.  NULL is fine. */
void chy_router_free(struct chy_router *router);
CHY_DEFINE_AUTO(struct chy_router, chy_router_free);

/** One way in: what is found when method and path fit. */
struct chy_router_entry {
    struct chy_slice method;  /**< upper case */
    struct chy_slice pattern; /**< "/a/{id}/b" */
    struct chy_slice owner;   /**< who registers it: named when two collide */
    uint32_t listeners;       /**< 1 << enum chy_listener: where it is served */
    const void *target;       /**< what the finder gets */
};

/** chy_router_add registers an entry; its slices are copied, `target` is borrowed.
 *  CHY_BAD_INPUT: the method or the pattern is no good.  CHY_CONFLICT: taken; the message names
 *  both owners. */
CHY_MUST_USE chy_status chy_router_add(struct chy_router *router, struct chy_op *op,
                                       const struct chy_router_entry *entry);

enum chy_router_outcome {
    CHY_ROUTER_FOUND = 0,
    CHY_ROUTER_NO_PATH = 1,  /**< 404 */
    CHY_ROUTER_NO_METHOD = 2 /**< 405; `allow` says what there is */
};

#define CHY_ROUTER_ALLOW_MAX 128U

struct chy_router_match {
    const void *target;
    struct chy_pair
        parameters[CHY_HTTP_PARAMETERS_MAX]; /**< names of the pattern, values of the path */
    uint32_t parameter_count;
    bool head_for_get; /**< HEAD was asked for and GET was found */
    uint32_t allow_len;
    char allow[CHY_ROUTER_ALLOW_MAX]; /**< "GET, HEAD, POST"; only with CHY_ROUTER_NO_METHOD */
};

/** chy_router_find looks `path` up among the entries of `listener`. */
CHY_MUST_USE enum chy_router_outcome chy_router_find(const struct chy_router *router,
                                                     uint32_t listener, struct chy_slice method,
                                                     const struct chy_http_path *path,
                                                     struct chy_router_match *out_match);

#endif
