/** Every key of the configuration file: the one source of checking, `config print` and the docs. */
#ifndef CHY_CONFIG_SECTIONS_H
#define CHY_CONFIG_SECTIONS_H

#include "config/config.h"

/** One key: its option, and where its value goes in struct chy_config. */
struct chy_config_key {
    struct chy_option option;
    size_t offset;
};

/** A section of plain keys. */
struct chy_config_section {
    const char *name; /**< "" for the keys at the top */
    const char *help;
    const struct chy_config_key *keys;
    size_t key_count;
};

/** chy_config_sections lists them in the order in which they are printed. */
const struct chy_config_section *chy_config_sections(size_t *out_count);

#endif
