/** One GeneralName against one base of name constraints (RFC 5280 4.2.1.10). */
#ifndef CHY_X509_NAME_MATCH_H
#define CHY_X509_NAME_MATCH_H

#include "x509/der_read.h"

/** GeneralName's choices (RFC 5280 4.2.1.6), by their tags. */
enum {
    CHY_GENERAL_OTHER = CHY_DER_CONTEXT_SET(0),
    CHY_GENERAL_EMAIL = CHY_DER_CONTEXT(1),
    CHY_GENERAL_DNS = CHY_DER_CONTEXT(2),
    CHY_GENERAL_DIRECTORY = CHY_DER_CONTEXT_SET(4),
    CHY_GENERAL_URI = CHY_DER_CONTEXT(6),
    CHY_GENERAL_IP = CHY_DER_CONTEXT(7)
};

/** A GeneralName: its tag and its contents, for a directory name the whole Name. */
struct chy_general_name {
    uint8_t kind;
    struct chy_slice value;
};

enum chy_name_verdict {
    CHY_NAME_OUTSIDE,
    CHY_NAME_WITHIN,
    CHY_NAME_UNKNOWN
};

/** chy_general_name_judge tells whether `name` lies within `base`, which is of the same kind.
 *  `excluding`: a wildcard counts as within when it could stand for a host that is.  Unknown: a
 *  kind, or a URI without a host name, that nobody can judge. */
enum chy_name_verdict chy_general_name_judge(const struct chy_general_name *name,
                                             const struct chy_general_name *base, bool excluding);

#endif
