/**
 * Clean-up at the end of a scope.
 *
 *     CHY_DEFINE_AUTO(struct thing, thing_free);      // once, beside the type
 *
 *     CHY_AUTO(thing_free) struct thing *t = NULL;    // freed however the scope is left …
 *     *out_thing = CHY_TAKE(t);                       // … unless it was taken
 */
#ifndef CHY_BASE_AUTO_H
#define CHY_BASE_AUTO_H

#include <stddef.h>

/** CHY_DEFINE_AUTO lets CHY_AUTO(free_fn) guard a `type *`.  free_fn(NULL) must be fine. */
#define CHY_DEFINE_AUTO(type, free_fn)                     \
    static inline void free_fn##_at_scope_end(type **slot) \
    {                                                      \
        free_fn(*slot);                                    \
    }                                                      \
    static inline void free_fn##_at_scope_end(type **slot)

/** CHY_DEFINE_AUTO_FINI lets CHY_AUTO(fini_fn) guard a `type` held by value, zero-initialised. */
#define CHY_DEFINE_AUTO_FINI(type, fini_fn)                 \
    static inline void fini_fn##_at_scope_end(type *object) \
    {                                                       \
        fini_fn(object);                                    \
    }                                                       \
    static inline void fini_fn##_at_scope_end(type *object)

/** CHY_AUTO marks a variable that `fn` cleans up when its scope ends. */
#define CHY_AUTO(fn) __attribute__((cleanup(fn##_at_scope_end)))

/** CHY_TAKE hands out the pointer in `variable` and leaves NULL, so that nothing is cleaned up. */
#define CHY_TAKE(variable)                        \
    (__extension__({                              \
        __typeof__(variable) taken_ = (variable); \
        (variable) = NULL;                        \
        taken_;                                   \
    }))

#endif
