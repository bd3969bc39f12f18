/** What `chancery dev` fills a new instance with, so that the first request works. */
#ifndef CHY_COMMAND_SEED_H
#define CHY_COMMAND_SEED_H

#include "command/assembly.h"

#include <jansson.h>

/** chy_seed makes a project, an RSA and a P-256 pair of CAs, a policy and two profiles, and writes
 *  the roots' certificates into `directory`.  `out_seed` is an object with projectId, rootCaId,
 *  caId, policyId, profileId, caCertificateFile, ecRootCaId, ecCaId, ecProfileId,
 *  ecCaCertificateFile. */
CHY_MUST_USE chy_status chy_seed(struct chy_assembly *assembly, struct chy_op *op,
                                 const char *directory, json_t **out_seed);

#endif
