/**
 * Proving the audit whole: every block's chain, signature and rows, and what was written elsewhere.
 *
 * Streams: memory does not grow with what is stored.  It may run while nodes write; rows of a
 * second that a living node has not closed yet are counted as open.
 */
#ifndef CHY_RESOURCE_AUDIT_VERIFY_H
#define CHY_RESOURCE_AUDIT_VERIFY_H

#include "resource/runtime.h"

struct chy_audit_report {
    uint64_t nodes;
    uint64_t blocks;
    uint64_t dropped;  /**< blocks of them whose rows retention removed */
    uint64_t rows;     /**< looked at, open ones too */
    uint64_t open;     /**< rows of living nodes that are in no block yet */
    uint64_t compared; /**< lines of a file that named a head or a row */
    uint64_t problems;
};

/** Who is told. */
struct chy_audit_verifier {
    /** One problem, a sentence for people. */
    void (*problem)(void *context, const char *sentence);
    /** Now and then; may be NULL. */
    void (*progress)(void *context, const struct chy_audit_report *report);
    void *context;
    struct chy_audit_report report;
};

/** chy_audit_verify looks at all that is stored.  OK: it could look; whether all is whole stands in
 *  the report. */
CHY_MUST_USE chy_status chy_audit_verify(struct chy_runtime *runtime, struct chy_op *op,
                                         struct chy_audit_verifier *verifier);

/**
 * chy_audit_verify_line looks whether what a line tells is stored: a head (`"head":"…"` or
 * `head=…`, as the log, the file and syslog have it) or a row with its MAC.  Other lines say
 * nothing.  `number` is the line's, for people.
 */
CHY_MUST_USE chy_status chy_audit_verify_line(struct chy_runtime *runtime, struct chy_op *op,
                                              struct chy_audit_verifier *verifier,
                                              struct chy_slice line, uint64_t number);

#endif
