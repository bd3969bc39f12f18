/** The files of a new instance: its master key and its configuration. */
#ifndef CHY_COMMAND_INSTANCE_FILES_H
#define CHY_COMMAND_INSTANCE_FILES_H

#include <chancery/host.h>

#include <stdbool.h>

/** chy_kek_create makes a master key file, mode 0600.  CONFLICT: there is one, which stays. */
CHY_MUST_USE chy_status chy_kek_create(struct chy_op *op, const char *path);

/** chy_kek_read turns the configured text into the key's 32 bytes, in the secret arena. */
CHY_MUST_USE chy_status chy_kek_read(struct chy_op *op, struct chy_slice text,
                                     struct chy_slice *out_kek);

/** What a configuration is written from. */
struct chy_instance_files {
    const char *data_dir;
    const char *kek;        /**< path */
    const char *storage;    /**< "sqlite" or "postgres" */
    const char *conninfo;   /**< of postgres */
    const char *api_listen; /**< NULL: there are no listeners */
    const char *public_listen;
    const char *public_url;      /**< NULL: left for the operator to set */
    const char *tls_certificate; /**< NULL: none */
    const char *tls_key;
    bool trust_owner; /**< plugins may belong to the user who runs the daemon */
    bool for_people;  /**< with comments, and logging as a daemon does */
};

/**
 * chy_instance_config writes the YAML of a configuration into the arena.  BAD_INPUT: the storage is
 * unknown, or postgres has no connection string.
 */
CHY_MUST_USE chy_status chy_instance_config(struct chy_op *op,
                                            const struct chy_instance_files *files,
                                            struct chy_slice *out_yaml);

/** chy_directory_make makes a directory, and those above it, with mode 0700; one that is there is
 *  fine. */
CHY_MUST_USE chy_status chy_directory_make(struct chy_op *op, const char *path);

#endif
