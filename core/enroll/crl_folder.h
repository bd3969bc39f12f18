/** CRLs and CA certificates as files, for any web server: under the paths of their URLs. */
#ifndef CHY_ENROLL_CRL_FOLDER_H
#define CHY_ENROLL_CRL_FOLDER_H

#include "enroll/issuer.h"

/**
 * chy_crl_folder_write brings the folder `pki.crl_dir` up to date: crl/<key generation>/<shard>.crl
 * and -delta.crl, aia/<key generation>.cer.  A reader sees the old file or the new, never a part.
 * What cannot be written is logged, and the rest goes on.  A job's work; `*out_written` counts.
 */
CHY_MUST_USE chy_status chy_crl_folder_write(struct chy_runtime *runtime, struct chy_op *op,
                                             uint64_t *out_written);

#endif
