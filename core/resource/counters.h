/**
 * Counters of certificates and how they are read: dashboards, lists and trends sum rows of
 * CHY_C_STATISTICS, of which there are as many as days, profiles, algorithms and CAs make, however
 * many certificates there are.  enroll/statistics.h keeps them.
 *
 * Three families, each a dimension of CHY_C_STATISTICS:
 *   what happened     "issued", "imported", "renewed", "revoked", by the day on which it did
 *   what there is     "stored", by CA, key algorithm and enrollment method
 *   what will end     "ends", by the day of notAfter, profile, standing and validity: expired is
 *                     what is counted at a day that has passed, so that nothing needs to be done
 *                     at its end
 */
#ifndef CHY_RESOURCE_COUNTERS_H
#define CHY_RESOURCE_COUNTERS_H

#include "resource/kind.h"

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

/** What of a certificate is counted.  Texts are borrowed. */
struct chy_counted {
    struct chy_uuid project_id;
    struct chy_uuid authority_id; /**< nil: no CA here signed it */
    struct chy_uuid profile_id;   /**< nil: of none */
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

enum chy_standing chy_counted_standing(const struct chy_counted *counted);
enum chy_validity_class chy_counted_validity(const struct chy_counted *counted);

/** Some certificates that are alike in all that is counted at their end. */
struct chy_alike {
    struct chy_uuid profile_id; /**< nil: of none */
    int standing;               /**< enum chy_standing */
    int validity;               /**< enum chy_validity_class */
    int64_t day;                /**< since 1970 */
    bool ended;
};

#define CHY_ALIKE_TEXT_SIZE (CHY_UUID_TEXT_SIZE + 8)

/** chy_alike_text writes what a counter of CHY_COUNT_ENDS calls them: all but their day. */
void chy_alike_text(const struct chy_counted *counted, char out_text[CHY_ALIKE_TEXT_SIZE]);

/** chy_counters_of starts a query for the counters of a dimension in the call's project; rows have
 *  value, day and count. */
void chy_counters_of(struct chy_call *call, const char *dimension, struct chy_query *out_query);

/** A row of them, as long as it is handed on. */
struct chy_counter_row {
    struct chy_slice value;
    int64_t day;
    int64_t count;
};

/** chy_counters_each hands on every row of a query. */
CHY_MUST_USE chy_status chy_counters_each(struct chy_call *call, struct chy_query *query,
                                          chy_status (*see)(void *context,
                                                            const struct chy_counter_row *row),
                                          void *context);

/**
 * chy_counters_ends hands on the certificates of the call's project, in groups, with how many more
 * there are of each: a group may come several times, and `more` be negative.  Counters know days,
 * and a certificate may live for an hour: those that ended today are looked at, 10,000 at most, and
 * beyond those one counts as active until its day is over.
 */
CHY_MUST_USE chy_status chy_counters_ends(
    struct chy_call *call,
    chy_status (*see)(void *context, const struct chy_alike *alike, int64_t more), void *context);

#endif
