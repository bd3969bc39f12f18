/**
 * An offline root in a folder: what the commands of `chancery ca ceremony` share.
 *
 * A ceremony is an instance of its own, with database and master key in its folder and without a
 * listener, so that a root signs, is audited and publishes by the same code as any other CA. What a
 * step makes is durable before it is told; the entry in the transcript comes last, and a step
 * without one is finished by doing it again.
 */
#ifndef CHY_COMMAND_CEREMONY_H
#define CHY_COMMAND_CEREMONY_H

#include "command/assembly.h"
#include "command/command.h"
#include "command/transcript.h"
#include "enroll/issuer.h"

#include <jansson.h>

extern const struct chy_command chy_command_ceremony;
extern const struct chy_command chy_command_ceremony_create;
extern const struct chy_command chy_command_ceremony_sign;
extern const struct chy_command chy_command_ceremony_revoke;
extern const struct chy_command chy_command_ceremony_crl;
extern const struct chy_command chy_command_ceremony_verify;

/** The arguments that every step has first, in this order. */
#define CHY_CEREMONY_ARGUMENTS                                                         \
    {"dir", "DIR", "the ceremony's folder", NULL, false},                              \
    {                                                                                  \
        "operator", "NAME", "who is present, and stands in the transcript", NULL, true \
    }
enum {
    CHY_CEREMONY_DIR = 0,
    CHY_CEREMONY_OPERATOR = 1,
    CHY_CEREMONY_COUNT = 2
};

/* What a ceremony's folder has. */
#define CHY_CEREMONY_CONFIG "ceremony.yaml"
#define CHY_CEREMONY_ROOT "root.pem"
#define CHY_CEREMONY_TRANSCRIPT "transcript"

/** The name of the one CA that a ceremony has. */
#define CHY_CEREMONY_CA "root"

/** A step under way. */
struct chy_ceremony {
    struct chy_assembly *assembly;
    struct chy_runtime *runtime;
    struct chy_op *op;
    const struct chy_given *given;
    const char *directory;
    const struct chy_issuer *root;
    char root_id[CHY_UUID_TEXT_SIZE];
    struct chy_transcript transcript;
    /* what the step says in the transcript */
    json_t *inputs;
    json_t *outputs;
    json_t *details;
};

typedef chy_status chy_ceremony_step(struct chy_ceremony *ceremony);

/** chy_ceremony_lock keeps other processes out of the folder until this one ends. */
CHY_MUST_USE chy_status chy_ceremony_lock(struct chy_op *op, const char *directory);

/** chy_ceremony_check_given: every step names its folder and, unless it only looks, who does it.
 *  Otherwise it gives what is missing; NULL: nothing. */
const char *chy_ceremony_check_given(const struct chy_given *given, bool only_looks);

/** chy_ceremony_open finds the root and reads the transcript. */
CHY_MUST_USE chy_status chy_ceremony_open(struct chy_ceremony *ceremony);

/** chy_ceremony_run is a whole step on a folder that has a ceremony; it gives the exit code. */
int chy_ceremony_run(struct chy_cli *cli, const struct chy_given *given, bool only_looks,
                     chy_ceremony_step *step);

/** chy_ceremony_input reads a file of at most `max` octets that an operator named, and notes its
 *  digest as an input. */
CHY_MUST_USE chy_status chy_ceremony_input(struct chy_ceremony *ceremony, const char *path,
                                           size_t max, struct chy_slice *out_content);

/** chy_ceremony_output writes `content` to `path`, as the folder has it, with mode 0644, making the
 *  folders above it, and notes its digest as an output. */
CHY_MUST_USE chy_status chy_ceremony_output(struct chy_ceremony *ceremony, const char *path,
                                            struct chy_slice content);

/** chy_ceremony_record puts the step into the transcript, with the inputs, outputs and details that
 *  were noted, and begins the notes of another. */
CHY_MUST_USE chy_status chy_ceremony_record(struct chy_ceremony *ceremony, const char *step);

/** chy_ceremony_recorded tells whether a step of that name stands in the transcript whose details
 *  have `serial` and, unless NULL, `reason`. */
CHY_MUST_USE bool chy_ceremony_recorded(const struct chy_ceremony *ceremony, const char *step,
                                        struct chy_slice serial, const char *reason);

/** chy_ceremony_finish_sign writes the certificate that was signed, DER, and records the step. */
CHY_MUST_USE chy_status chy_ceremony_finish_sign(struct chy_ceremony *ceremony,
                                                 struct chy_slice der);

/** chy_ceremony_finish_revoke records a revocation. */
CHY_MUST_USE chy_status chy_ceremony_finish_revoke(struct chy_ceremony *ceremony,
                                                   struct chy_slice serial, uint32_t reason,
                                                   int64_t revoked_at);

/** chy_ceremony_catch_up records what was signed and revoked by steps that were interrupted before
 *  the transcript had them; but not the certificates of the key `but_spki_sha256`. */
CHY_MUST_USE chy_status chy_ceremony_catch_up(struct chy_ceremony *ceremony,
                                              struct chy_slice but_spki_sha256);

/** chy_ceremony_certificates lists what the root signed, rows with enum chy_ceremony_field. */
CHY_MUST_USE chy_status chy_ceremony_certificates(struct chy_ceremony *ceremony,
                                                  struct chy_storage_page *out_page);
#define CHY_CEREMONY_CERTIFICATES_MAX 500
enum chy_ceremony_field {
    CHY_CEREMONY_SERIAL = 0,
    CHY_CEREMONY_DER,
    CHY_CEREMONY_SPKI_SHA256,
    CHY_CEREMONY_NOT_AFTER,
    CHY_CEREMONY_PATH_LENGTH,
    CHY_CEREMONY_STATUS
};

/** chy_ceremony_revocations lists what the root revoked, rows with enum chy_ceremony_revoked. */
CHY_MUST_USE chy_status chy_ceremony_revocations(struct chy_ceremony *ceremony,
                                                 struct chy_storage_page *out_page);
enum chy_ceremony_revoked {
    CHY_CEREMONY_REVOKED_SERIAL = 0,
    CHY_CEREMONY_REVOKED_REASON,
    CHY_CEREMONY_REVOKED_AT
};

#endif
