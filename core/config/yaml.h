/**
 * YAML text to a tree of nodes that know their place. Strict: one document, at most 1 MiB, 32
 * levels, no duplicate keys, no anchors, aliases or tags, valid UTF-8.
 */
#ifndef CHY_CONFIG_YAML_H
#define CHY_CONFIG_YAML_H

#include <chancery/host.h>

#include <stdbool.h>

#define CHY_YAML_SIZE_MAX ((size_t)1 << 20)
#define CHY_YAML_DEPTH_MAX 32U

enum chy_yaml_kind {
    CHY_YAML_NULL = 0, /**< nothing, `~` or `null`, unquoted */
    CHY_YAML_SCALAR = 1,
    CHY_YAML_LIST = 2,
    CHY_YAML_MAP = 3
};

struct chy_yaml_pair;

/** One node.  Everything lives in the operation's arena. */
struct chy_yaml_node {
    enum chy_yaml_kind kind;
    uint32_t line;         /**< from 1 */
    uint32_t column;       /**< from 1 */
    bool quoted;           /**< a scalar in quotes, or a block: never a number or a bool */
    uint32_t count;        /**< of `items` or `pairs` */
    struct chy_slice text; /**< of a scalar; NUL-terminated past its length */
    const struct chy_yaml_node **items; /**< of a list */
    const struct chy_yaml_pair *pairs;  /**< of a map, in the order of the text */
};

struct chy_yaml_pair {
    struct chy_slice key;
    uint32_t line; /**< of the key */
    uint32_t column;
    const struct chy_yaml_node *value;
};

/** chy_yaml_parse reads one document.  CHY_BAD_INPUT says `name:line:column: what is wrong`.  An
 *  empty document is a node of CHY_YAML_NULL. */
CHY_MUST_USE chy_status chy_yaml_parse(struct chy_op *op, struct chy_slice name,
                                       struct chy_slice text,
                                       const struct chy_yaml_node **out_root);

/** chy_yaml_find finds the value under a key of a map, or NULL; NULL too for another node. */
const struct chy_yaml_node *chy_yaml_find(const struct chy_yaml_node *map, struct chy_slice key);

/** chy_yaml_kind_name is what a node is called in messages: "a list". */
const char *chy_yaml_kind_name(enum chy_yaml_kind kind);

#endif
