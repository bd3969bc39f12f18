/** Opens a plugin file and decides whether it may be loaded. */
#ifndef CHY_PLUGIN_TRUST_H
#define CHY_PLUGIN_TRUST_H

#include "plugin/loader.h"
#include "plugin/refusal.h"

/**
 * chy_trust_open opens `<directory>/<name>.so` once and checks what it got: a regular file that
 * lies in the directory, of an owner to be trusted, that nobody else may write, in a directory that
 * not everyone may write. It sets fd, size and path of the candidate; the descriptor is the
 * caller's.
 */
CHY_MUST_USE chy_status chy_trust_open(struct chy_candidate *candidate,
                                       const struct chy_loader_config *config);

/** chy_trust_hash writes the SHA-256 of the file and, if there is a pin, compares it. */
CHY_MUST_USE chy_status chy_trust_hash(const struct chy_candidate *candidate, struct chy_slice pin,
                                       char out_hash[CHY_PLUGIN_HASH_SIZE]);

#endif
