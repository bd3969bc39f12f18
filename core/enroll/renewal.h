/**
 * Automatic renewal: when a certificate is due, who may have it, and what comes of an attempt.
 *
 * Whether a certificate renews itself is decided when it is issued, by its profile, and may be
 * changed for each.  Only where the key is kept here can a successor be had by whoever uses it.
 */
#ifndef CHY_ENROLL_RENEWAL_H
#define CHY_ENROLL_RENEWAL_H

#include "resource/kind.h"

/**
 * chy_renewal_threshold is how long before its end a certificate renews itself when `wanted` was
 * asked for.  It would be due at once, and so would its successor, and so on: so one that is not
 * shorter than what is left of its life becomes a third of that, and no other takes more than four
 * fifths.  0: it has no life left.
 */
int64_t chy_renewal_threshold(int64_t wanted, int64_t not_before, int64_t not_after, int64_t now);

/** What a run of chy_renewal_run() did. */
struct chy_renewal_counts {
    uint64_t renewed;
    uint64_t failed;
    uint64_t retired; /**< due, but not to be renewed any more: revoked, ended, renewed by hand */
};

/** chy_renewal_is_due tells whether any certificate is due.  Reads one row. */
CHY_MUST_USE chy_status chy_renewal_is_due(struct chy_runtime *runtime, struct chy_op *op,
                                           bool *out_is_due);

/**
 * chy_renewal_run renews every certificate that is due: a job's work, under a lease.  Each is
 * renewed in an operation of its own; one that fails, also because who asked for it may renew it no
 * more, notes why, is tried again later, ever more
 * rarely, and stops no other.
 */
CHY_MUST_USE chy_status chy_renewal_run(struct chy_runtime *runtime, struct chy_op *op,
                                        struct chy_renewal_counts *out_counts);

/** CHY_RENEWAL_CONFIG_SHAPE is what chy_renewal_configure() understands. */
#define CHY_RENEWAL_CONFIG_SHAPE                                               \
    "{\"type\":\"object\",\"properties\":{"                                    \
    "\"renewBeforeDays\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":30}," \
    "\"renewBefore\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":32},"  \
    "\"enableAutoRenewal\":{\"type\":\"boolean\"}}}"

/** chy_renewal_configure is the action "config" of certificates: the threshold of one of them, or
 *  none. */
CHY_MUST_USE chy_status chy_renewal_configure(struct chy_call *call);

#endif
