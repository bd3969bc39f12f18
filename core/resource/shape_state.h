/** What reading a schema and checking by it share: the schema made ready. */
#ifndef CHY_RESOURCE_SHAPE_STATE_H
#define CHY_RESOURCE_SHAPE_STATE_H

#include "resource/shape.h"

#include <regex.h>
#include <stdbool.h>

enum chy_shape_type {
    CHY_SHAPE_TYPE_NULL = 1U << 0,
    CHY_SHAPE_TYPE_BOOLEAN = 1U << 1,
    CHY_SHAPE_TYPE_INTEGER = 1U << 2,
    CHY_SHAPE_TYPE_NUMBER = 1U << 3,
    CHY_SHAPE_TYPE_STRING = 1U << 4,
    CHY_SHAPE_TYPE_ARRAY = 1U << 5,
    CHY_SHAPE_TYPE_OBJECT = 1U << 6
};

/** The types by name, the widest last. */
struct chy_shape_type_name {
    const char *name;
    uint32_t bit;
};
#define CHY_SHAPE_TYPE_COUNT 7
extern const struct chy_shape_type_name chy_shape_type_names[CHY_SHAPE_TYPE_COUNT];

struct chy_shape_property {
    char *name;
    struct chy_shape *schema;
    bool required;
};

struct chy_shape {
    uint32_t types; /**< 0: any */
    bool fold;
    bool trim;
    bool uuid;
    bool unique_items;
    bool has_pattern;
    bool has_minimum;
    bool has_maximum;
    bool has_exclusive_minimum;
    double minimum;
    double maximum;
    double exclusive_minimum;
    uint64_t min_length;
    uint64_t max_length;
    uint64_t min_items;
    uint64_t max_items;
    regex_t pattern;
    char *pattern_text; /**< or, with has_words, what it means to people */
    bool has_words;
    json_t *choices;
    struct chy_shape *items;
    struct chy_shape_property *properties;
    size_t property_count;
};

#endif
