/** Reading the counters of statistics.h: dashboards, trends and the totals of lists. */
#ifndef CHY_ENROLL_STATISTICS_READ_H
#define CHY_ENROLL_STATISTICS_READ_H

#include "resource/kind.h"

/** chy_statistics_stored counts the certificates of the call's project, or of one profile in it. */
CHY_MUST_USE chy_status chy_statistics_stored(struct chy_call *call,
                                              const struct chy_uuid *profile_id,
                                              uint64_t *out_count);

/** CHY_DASHBOARD_SHAPE is the shape of what chy_statistics_dashboard() reads. */
#define CHY_DASHBOARD_SHAPE                 \
    "{\"type\":\"object\",\"properties\":{" \
    "\"projectId\":" CHY_SHAPE_ID "}}"

/** chy_statistics_dashboard answers the state of the certificates of a project. */
chy_status chy_statistics_dashboard(struct chy_call *call);

/** CHY_TREND_SHAPE is the shape of what chy_statistics_trend() reads. */
#define CHY_TREND_SHAPE                     \
    "{\"type\":\"object\",\"properties\":{" \
    "\"projectId\":" CHY_SHAPE_ID ","       \
    "\"range\":{\"type\":\"string\",\"enum\":[\"7d\",\"30d\",\"6m\"]}}}"

/** chy_statistics_trend answers what happened, by day or month. */
chy_status chy_statistics_trend(struct chy_call *call);

#endif
