/** Checks declared collections, and looks into them. */
#ifndef CHY_PLUGIN_SCHEMA_H
#define CHY_PLUGIN_SCHEMA_H

#include <chancery/host.h>
#include <chancery/storage.h>

/** chy_collection_check: names, field types, key, indexes and placement make sense.  `where` names
 *  the declaring instance in messages.  CHY_BAD_INPUT: they do not. */
CHY_MUST_USE chy_status chy_collection_check(struct chy_op *op, const char *where,
                                             const struct chy_collection *collection);

/** chy_schema_check checks every collection of a schema, and that no two share a name. */
CHY_MUST_USE chy_status chy_schema_check(struct chy_op *op, const char *where,
                                         const struct chy_schema *schema);

/** chy_schema_collection returns collection `number`, or NULL. */
static inline const struct chy_collection *chy_schema_collection(const struct chy_schema *schema,
                                                                 uint32_t number)
{
    return (const struct chy_collection *)chy_view_at(schema->collections, number);
}

#endif
