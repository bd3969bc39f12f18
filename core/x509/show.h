/** CHY_SHOW: the start of a slice as the two arguments of "%.*s" in a message. */
#ifndef CHY_X509_SHOW_H
#define CHY_X509_SHOW_H

#include <chancery/types.h>

/** CHY_SHOW_MAX is how much of what someone sent stands in a message to them. */
#define CHY_SHOW_MAX 100U

#define CHY_SHOW(slice)                                                  \
    ((slice).len > CHY_SHOW_MAX ? (int)CHY_SHOW_MAX : (int)(slice).len), \
        ((slice).len == 0 ? "" : (const char *)(slice).ptr)

#endif
