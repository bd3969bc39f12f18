/** How many certificates of each profile there are, and in what state. */
#ifndef CHY_RESOURCE_PROFILE_METRICS_H
#define CHY_RESOURCE_PROFILE_METRICS_H

#include "resource/kind.h"

/** CHY_PROFILE_METRICS_MEMBERS are the members of a list's document that ask for metrics. */
#define CHY_PROFILE_METRICS_MEMBERS               \
    ",\"includeMetrics\":{\"type\":\"boolean\"}," \
    "\"expiringDays\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":3650}"

/** chy_profile_metrics adds the member "metrics" to the profiles of a list that was answered, if
 *  the document asks for it.  It sums counters, whatever is stored. */
CHY_MUST_USE chy_status chy_profile_metrics(struct chy_call *call);

#endif
