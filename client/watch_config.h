/** The configuration of `chancery watch`: which certificates, where they go, what runs then. */
#ifndef CLIENT_WATCH_CONFIG_H
#define CLIENT_WATCH_CONFIG_H

#include "client/files.h"

#define CLIENT_WATCH_ENTRIES_MAX 1000U
#define CLIENT_HOOK_WORDS_MAX 64U

/** One certificate. */
struct client_watch_entry {
    const char *name;        /**< in the log and in the state */
    const char *profile;     /**< slug or id */
    const char *application; /**< name or id; NULL: none */
    json_t *attributes;      /**< as the API has them */
    const char *spec; /**< all three as text: when it changes, another certificate is meant */
    struct client_files files; /**< absolute paths */
    int64_t renew_before;      /**< µs; 0: a third of the certificate's life */
    const char *const *hook;   /**< NULL-terminated; NULL: none */
    int64_t hook_timeout;      /**< µs */
};

struct client_watch_config {
    const char *context; /**< NULL: the usual one */
    const char *project; /**< NULL: that of the context */
    const char *state;   /**< absolute path of the state's file */
    int64_t check_every; /**< µs */
    bool is_once;        /**< one look, as the command line says */
    const struct client_watch_entry *entries;
    size_t entry_count;
};

/** client_watch_config_read reads a file of YAML or JSON.  What it does not know is refused: a
 *  misspelt word would be a certificate that is not renewed. */
CHY_MUST_USE chy_status client_watch_config_read(struct chy_cli *cli, const char *path,
                                                 struct client_watch_config *out_config);

#endif
