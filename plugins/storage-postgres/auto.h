/**
 * Clean-up at the end of a scope, for the objects of libpq and for plain memory.
 */
#ifndef PGS_AUTO_H
#define PGS_AUTO_H

#include <libpq-fe.h>
#include <stdlib.h>

/** PGS_AUTO marks a variable that `fn`_at_scope_end cleans up when its scope ends. */
#define PGS_AUTO(fn) __attribute__((cleanup(fn##_at_scope_end)))

/** Guards a `PGresult *`. */
static inline void pgs_clear_at_scope_end(PGresult **slot)
{
    PQclear(*slot);
}

/** Guards a `PQconninfoOption *`. */
static inline void pgs_conninfo_at_scope_end(PQconninfoOption **slot)
{
    PQconninfoFree(*slot);
}

#endif
