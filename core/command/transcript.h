/**
 * The transcript of a ceremony: one signed file for each step, never changed once it is there.
 *
 * `0001.json`, `0002.json` and so on tell time, operators, what was done, and the SHA-256 of what
 * went in and came out. Each names the SHA-256 of the one before it, and `0001.sig` is the bare
 * signature of the root's key over the bytes of `0001.json`, as `openssl dgst -verify` takes it.
 * A JSON document begins with `{`, so no such signature can pass for one over a certificate or CRL,
 * which begin with a SEQUENCE.
 */
#ifndef CHY_COMMAND_TRANSCRIPT_H
#define CHY_COMMAND_TRANSCRIPT_H

#include "enroll/issuer.h"

#include <jansson.h>

/** CHY_TRANSCRIPT_STEPS_MAX is how many steps one ceremony may have. */
#define CHY_TRANSCRIPT_STEPS_MAX 999

struct chy_transcript {
    const char *folder;
    json_t *steps;         /**< what the files say, in order */
    struct chy_slice last; /**< SHA-256 of the last one, hexadecimal; empty: there is none */
};

/**
 * chy_transcript_read reads every step in `folder`, which need not be there, and checks signatures
 * and chain.  BAD_INPUT names the step that does not hold.
 */
CHY_MUST_USE chy_status chy_transcript_read(struct chy_runtime *runtime, struct chy_op *op,
                                            const char *folder, const struct chy_issuer *root,
                                            struct chy_transcript *out_transcript);

/** chy_transcript_add numbers, chains and signs `step` and writes it: the folder is there. */
CHY_MUST_USE chy_status chy_transcript_add(struct chy_runtime *runtime, struct chy_op *op,
                                           struct chy_transcript *transcript,
                                           const struct chy_issuer *root, json_t *step);

/** chy_transcript_digest gives the SHA-256 of `content`, hexadecimal. */
CHY_MUST_USE chy_status chy_transcript_digest(struct chy_runtime *runtime, struct chy_op *op,
                                              struct chy_slice content, struct chy_slice *out_text);

#endif
