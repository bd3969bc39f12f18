/**
 * What a certificate is going to say: a request after it was normalised and before it is issued.
 *
 * Names are canonical, defaults are filled in, algorithms and dates are chosen.  The policy is
 * evaluated on this form, this form is stored with the request, and from this form alone the
 * certificate is built.
 */
#ifndef CHY_ENROLL_DECISION_H
#define CHY_ENROLL_DECISION_H

#include "base/uuid.h"
#include "x509/algorithm.h"
#include "x509/extensions.h"
#include "x509/name.h"
#include "x509/san.h"

#include <chancery/enrollment.h>

/** Where a value came from: what the caller wrote binds, a default may be dropped. */
enum chy_origin {
    CHY_FROM_REQUEST = 0,
    CHY_FROM_DEFAULT,
    CHY_FROM_NOWHERE
};

#define CHY_NOTES_MAX 16

struct chy_decision {
    struct chy_uuid project_id;
    struct chy_uuid profile_id;
    struct chy_uuid policy_id;
    struct chy_uuid authority_id; /**< nil: self-signed */
    struct chy_uuid application_id;
    uint64_t profile_revision;
    uint64_t policy_revision;
    struct chy_uuid generation_id;
    struct chy_slice method;

    struct chy_name subject;
    struct chy_sans sans;
    uint32_t key_usage;
    uint32_t ekus;
    struct chy_basic_constraints basic_constraints;

    struct chy_slice spki_sha256; /**< of the CSR's key, which is not a blocked one */
    struct chy_slice spki;        /**< of the CSR, or kept; empty: the key is made here */
    uint32_t key_algorithm;       /**< enum chy_key_algorithm */
    uint32_t signature_algorithm;
    bool key_algorithm_asked; /**< named by the caller or a default: the policy judges it */
    bool signature_algorithm_asked;
    bool has_csr;
    bool keeps_key; /**< `spki` is that of the certificate which is renewed */
    bool renews;    /**< defaults fill nothing in */

    bool not_before_asked; /**< as a date, not by how long it shall live */
    bool not_after_asked;
    int64_t not_before; /**< µs UTC */
    int64_t not_after;
    int64_t validity; /**< what counts against a maximum: without the backdating */

    struct chy_view metadata;              /**< of struct chy_pair */
    struct chy_slice notes[CHY_NOTES_MAX]; /**< for people: ignored, dropped, clamped */
    uint32_t note_count;
};

/** chy_decision_note adds a note; what comes after CHY_NOTES_MAX is dropped. */
void chy_decision_note(struct chy_op *op, struct chy_decision *decision, const char *format, ...)
    CHY_PRINTF(3, 4);

/**
 * chy_decision_key_usage is what the certificate says: digitalSignature when nobody said anything,
 * and what a CA does for a CA.
 */
uint32_t chy_decision_key_usage(const struct chy_decision *decision);

/**
 * chy_decision_json writes the decision as it is stored: one line of JSON, the same text for the
 * same decision.
 */
CHY_MUST_USE chy_status chy_decision_json(struct chy_op *op, const struct chy_decision *decision,
                                          struct chy_slice *out_json);

/**
 * chy_decision_read makes of a stored decision the request that asks for the same again.  Its views
 * live as long as the operation.
 */
CHY_MUST_USE chy_status chy_decision_read(struct chy_op *op, struct chy_slice text,
                                          struct chy_enroll_request *out_request);

/**
 * chy_decision_again is chy_decision_read of a decision that is still to be issued: dates that were
 * asked for stay, a time to live begins now.
 */
CHY_MUST_USE chy_status chy_decision_again(struct chy_op *op, struct chy_slice text,
                                           struct chy_enroll_request *out_request);

/** chy_decision_alike tells whether two stored decisions make certificates that say the same, but
 *  for the key and when they begin. */
CHY_MUST_USE chy_status chy_decision_alike(struct chy_op *op, struct chy_slice one,
                                           struct chy_slice other, bool *out_alike);

/** chy_decision_metadata writes the metadata as the wire has it, or leaves the empty slice. */
CHY_MUST_USE chy_status chy_decision_metadata(struct chy_op *op, struct chy_view metadata,
                                              struct chy_slice *out_json);

/** chy_decision_notes writes the notes as a JSON array, or leaves the empty slice. */
CHY_MUST_USE chy_status chy_decision_notes(struct chy_op *op, const struct chy_decision *decision,
                                           struct chy_slice *out_json);

#endif
