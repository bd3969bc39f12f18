/**
 * Counters of certificates, kept in the batch of each change: dashboards and lists read them and
 * scan nothing.
 *
 * Three families, each a dimension of CHY_C_STATISTICS:
 *   what happened     "issued", "imported", "renewed", "revoked", by the day on which it did
 *   what there is     "stored", by enrollment method, key algorithm and CA
 *   what will end     "ends", by the day of notAfter, status and validity: expired is what is
 *                     counted at a day that has passed, so that nothing needs to be done at its end
 */
#ifndef CHY_ENROLL_STATISTICS_H
#define CHY_ENROLL_STATISTICS_H

#include "resource/runtime.h"

#define CHY_COUNT_ISSUED "issued"
#define CHY_COUNT_IMPORTED "imported"
#define CHY_COUNT_RENEWED "renewed"
#define CHY_COUNT_REVOKED "revoked"
#define CHY_COUNT_STORED "stored"
#define CHY_COUNT_ENDS "ends"

/** What a certificate is counted as, while it has not ended. */
enum chy_standing {
    CHY_STANDING_ACTIVE = 0, /**< and nobody will renew it but its owner */
    CHY_STANDING_AUTO,       /**< active, and renewed automatically */
    CHY_STANDING_RENEWED,    /**< active, and a newer one is there */
    CHY_STANDING_REVOKED,
    CHY_STANDING_COUNT
};

/** How long a certificate for TLS servers lives; others are CHY_VALIDITY_OTHER. */
enum chy_validity_class {
    CHY_VALIDITY_OTHER = 0,
    CHY_VALIDITY_47,  /**< at most 47 days */
    CHY_VALIDITY_99,  /**< at most 99 */
    CHY_VALIDITY_199, /**< at most 199 */
    CHY_VALIDITY_LONG,
    CHY_VALIDITY_COUNT
};

/** What of a certificate is counted.  Texts are borrowed until the batch is committed. */
struct chy_counted {
    struct chy_uuid project_id;
    struct chy_uuid authority_id; /**< nil: no CA here signed it */
    struct chy_slice method;
    struct chy_slice key_algorithm; /**< wire name */
    uint32_t ekus;
    int64_t not_before;
    int64_t not_after;
    bool imported;
    bool revoked;
    bool renewed;      /**< it has a successor */
    bool auto_renewed; /**< it has a threshold */
};

/** chy_counted_of_row reads it from a row with every field of CHY_C_CERTIFICATES. */
struct chy_counted chy_counted_of_row(const struct chy_storage_row *row);

enum chy_standing chy_counted_standing(const struct chy_counted *counted);
enum chy_validity_class chy_counted_validity(const struct chy_counted *counted);

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
