/**
 * Revoking, and ending a hold.
 *
 * A revocation is an entry of its own by (key generation, serial number), which CRLs and OCSP show;
 * the certificate's row says the same.  All of it, the shard's next revision and the audit row are
 * one batch.  What it costs does not depend on how many were revoked before.
 *
 * What may follow what (pki-rules 2): nothing or a hold that ended → any reason; a hold → a reason,
 * or CHY_CRL_REMOVE_FROM_CRL, which ends it; any reason → key compromise.  A reason that takes the
 * place of a hold, or of another reason, keeps the date.  A key that was compromised is certified
 * no more.
 */
#ifndef CHY_ENROLL_REVOKE_H
#define CHY_ENROLL_REVOKE_H

#include "resource/kind.h"

#include <chancery/enrollment.h>

/**
 * chy_revoke_certificate revokes a certificate that was issued here, or a CA's own that another CA
 * here signed.  `reason` is of RFC 5280 5.3.1.  NOT_FOUND: there is none in a project of the
 * caller's; DENIED: it may not revoke this one; BAD_INPUT: no CA here answers for it, or it may not
 * go from its state to that reason.
 */
CHY_MUST_USE chy_status chy_revoke_certificate(struct chy_runtime *runtime, struct chy_op *op,
                                               const struct chy_uuid *certificate_id,
                                               uint32_t reason,
                                               struct chy_revoke_answer *out_answer);

/** What is revoked by its serial number alone. */
struct chy_revoke_wish {
    const struct chy_uuid *generation_id; /**< the key that signed it */
    struct chy_slice serial;              /**< in any spelling that chy_serial_parse() takes */
    uint32_t reason;
    int64_t revoked_at; /**< µs; 0: now */
    int64_t shard;      /**< of a number that the register does not have; 0: not known */
    int64_t not_after;  /**< likewise; 0: when the CA's certificate ends */
};

/**
 * chy_revoke_serial revokes whatever a key signed under a number, also when no row of it is left,
 * or never was (a backup that is older than the certificate).  A row that is there is kept in step.
 * The caller needs the permission to revoke CA certificates in the CA's project.  NOT_FOUND: no
 * such key generation or shard; BAD_INPUT: not a serial number, or nothing says which shard.
 */
CHY_MUST_USE chy_status chy_revoke_serial(struct chy_runtime *runtime, struct chy_op *op,
                                          const struct chy_revoke_wish *wish,
                                          struct chy_revoke_answer *out_answer);

/** chy_revoke_requested serves host->revoke. */
CHY_MUST_USE chy_status chy_revoke_requested(struct chy_runtime *runtime, struct chy_op *op,
                                             const struct chy_revoke_request *request,
                                             struct chy_revoke_answer *out_answer);

/** CHY_REVOKE_SHAPE and chy_revoke_action are the action "revoke" of certificates. */
#define CHY_REVOKE_SHAPE                                                           \
    "{\"type\":\"object\",\"required\":[\"revocationReason\"],\"properties\":"     \
    "{\"revocationReason\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":64," \
    "\"examples\":[\"SUPERSEDED\"]}}}"
chy_status chy_revoke_action(struct chy_call *call);

#endif
