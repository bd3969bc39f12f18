/** For libraries that do not say const of what they only read, and for wiping what we own. */
#ifndef CHY_HTTP_UNCONST_H
#define CHY_HTTP_UNCONST_H

#include <string.h>

/** chy_http_unconst gives the same address without const. */
static inline void *chy_http_unconst(const void *ptr)
{
    void *plain;
    memcpy(&plain, &ptr, sizeof plain);
    return plain;
}

#endif
