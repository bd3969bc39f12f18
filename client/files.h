/**
 * The files of a certificate: key 0600, everything else 0644, each whole or not at all, the key
 * first, so that no certificate is there without its key.
 */
#ifndef CLIENT_FILES_H
#define CLIENT_FILES_H

#include "client/cli.h"

/** What a server gave.  PEM; NULL: not there. */
struct client_bundle {
    const char *certificate;
    const char *chain;
    const char *key;
    const char *serial;
    const char *id;
};

/** Where it goes.  NULL: nowhere. */
struct client_files {
    const char *key;
    const char *certificate;
    const char *chain;
    const char *fullchain; /**< the certificate, then the chain */
    bool force;            /**< what is there is replaced */
};

/** The arguments for it, in this order. */
#define CLIENT_FILE_ARGUMENTS                                                               \
    {"out", "PREFIX", "write PREFIX.key, PREFIX.crt and PREFIX.chain.crt", NULL, false},    \
        {"key-file", "FILE", "write the key there", NULL, false},                           \
        {"cert-file", "FILE", "write the certificate there", NULL, false},                  \
        {"chain-file", "FILE", "write the chain there, the issuing CA first", NULL, false}, \
        {"fullchain-file", "FILE", "write certificate and chain there", NULL, false},       \
    {                                                                                       \
        "force", NULL, "replace files that are there", NULL, false                          \
    }
#define CLIENT_FILE_ARGUMENT_COUNT 6

/** client_files_of reads them; the first is argument `first`.  Without any, `fallback` is the
 *  prefix; NULL: nothing is written then. */
CHY_MUST_USE chy_status client_files_of(struct chy_cli *cli, const struct chy_given *given,
                                        size_t first, const char *fallback, bool has_key,
                                        struct client_files *out_files);

/** client_files_check refuses, before anything is asked of a server, what is there already. */
CHY_MUST_USE chy_status client_files_check(struct chy_cli *cli, const struct client_files *files);

/** client_files_write writes them.  A file that cannot be written names the certificate, which the
 *  server has. */
CHY_MUST_USE chy_status client_files_write(struct chy_cli *cli, const struct client_files *files,
                                           const struct client_bundle *bundle);

/** client_files_sweep removes what a program that was killed while it wrote `path` left beside it:
 *  it may be a part of a key.  Nobody else may be writing `path`; NULL is fine. */
void client_files_sweep(const char *path);

/** client_bundle_of reads the members that answers have in common.  false: no certificate. */
CHY_MUST_USE bool client_bundle_of(const json_t *json, struct client_bundle *out_bundle);

/** client_files_tell prints what is where. */
CHY_MUST_USE chy_status client_files_tell(struct chy_cli *cli, const struct client_files *files,
                                          const struct client_bundle *bundle);

#endif
