/** The CRLs that were published last, as `restore` gets them: files in a folder, or fetched. */
#ifndef CHY_COMMAND_CRL_SOURCE_H
#define CHY_COMMAND_CRL_SOURCE_H

#include "command/cli.h"

#include <jansson.h>

/** One file. */
struct chy_crl_file {
    struct chy_crl_file *next;
    const char *path;
};

/** chy_crl_source_list finds every *.crl in a folder and the folders below it. */
CHY_MUST_USE chy_status chy_crl_source_list(struct chy_op *op, const char *directory,
                                            struct chy_crl_file **out_files);

/**
 * chy_crl_source_fetch runs curl for each CRL that the manifest names and its delta, and for the
 * shards that were opened after it, below `url`, the instance's pki.public_url or a copy of what it
 * publishes.  Core has no transfer library of its own.  Only a 404 says that a CRL is not there;
 * BAD_INPUT: there is no curl, or a server said anything else, also after some tries.
 */
CHY_MUST_USE chy_status chy_crl_source_fetch(struct chy_op *op, const char *url,
                                             const json_t *manifest, const char *directory);

#endif
