/**
 * Counting certificates (resource/counters.h) in the batch of each change: dashboards and lists
 * read counters and scan nothing.
 */
#ifndef CHY_ENROLL_STATISTICS_H
#define CHY_ENROLL_STATISTICS_H

#include "resource/counters.h"

/** chy_counted_of_row reads what is counted from a row with every field of CHY_C_CERTIFICATES. */
struct chy_counted chy_counted_of_row(const struct chy_storage_row *row);

/**
 * chy_statistics_count counts what `batch` does to one certificate: `before` NULL, it is new;
 * `after` NULL, its row is deleted.  Every batch that inserts or deletes a row of
 * CHY_C_CERTIFICATES, or changes its status, successor or threshold, calls this once for each such
 * row, and guards the row, so that it is counted once.
 */
CHY_MUST_USE chy_status chy_statistics_count(struct chy_runtime *runtime, struct chy_batch *batch,
                                             const struct chy_counted *before,
                                             const struct chy_counted *after);

#endif
