/** What the fuzz targets of core/x509 share. */
#ifndef CHY_TESTS_X509_FUZZ_H
#define CHY_TESTS_X509_FUZZ_H

#include "fuzz.h"
#include "test_op.h"

#include <chancery/types.h>

#include <stdio.h>
#include <stdlib.h>

/** MUST stops the run when a property does not hold. */
#define MUST(property)                                                                          \
    do {                                                                                        \
        if (!(property)) {                                                                      \
            (void)fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #property); \
            abort();                                                                            \
        }                                                                                       \
    } while (0)

/** within tells whether `part` lies inside `whole`, as every view of a parser must. */
static inline int within(struct chy_slice part, struct chy_slice whole)
{
    return part.len == 0 || (part.ptr >= whole.ptr && part.ptr + part.len <= whole.ptr + whole.len);
}

#endif
