/** Elements of views that are known to have them. */
#ifndef CHY_PLUGIN_VIEW_H
#define CHY_PLUGIN_VIEW_H

#include <chancery/types.h>

#include <assert.h>

/** chy_view_item is element `index` of `view`, which has it. */
static inline const void *chy_view_item(struct chy_view view, uint64_t index)
{
    assert(index < view.count && view.ptr != NULL);
    return (const uint8_t *)view.ptr + index * view.stride;
}

#endif
