/**
 * What every storage plugin needs and none should write twice: arguments held against the declared
 * schema, the order of values, the sequence of a batch, cursors.
 *
 * A static library for plugins; nothing of it crosses between host and plugin.  The checks answer
 * BAD_INPUT with a message that names the field, and touch nothing else.
 */
#ifndef CHANCERY_SUPPORT_STORAGE_CHECK_H
#define CHANCERY_SUPPORT_STORAGE_CHECK_H

#include <chancery/host.h>
#include <chancery/storage.h>

#include <stdbool.h>

CHY_BEGIN_DECLS

/** The most order terms that a find may have, and with the key's behind them. */
#define CHY_STORAGE_ORDER_MAX 8U
#define CHY_STORAGE_TERMS_MAX (CHY_STORAGE_ORDER_MAX + CHY_STORAGE_KEY_FIELDS_MAX)

/* --- schema ------------------------------------------------------------------------------------*/

/** chy_storage_at returns element `index` of a view that is sure to have it. */
static inline const void *chy_storage_at(struct chy_view view, uint64_t index)
{
    return (const uint8_t *)view.ptr + index * view.stride;
}

/** chy_storage_collection returns collection `number`, which `schema` is sure to have. */
static inline const struct chy_collection *chy_storage_collection(const struct chy_schema *schema,
                                                                  uint32_t number)
{
    return (const struct chy_collection *)chy_storage_at(schema->collections, number);
}

/** chy_storage_field returns field `number`, which `collection` is sure to have. */
static inline const struct chy_field *chy_storage_field(const struct chy_collection *collection,
                                                        uint32_t number)
{
    return (const struct chy_field *)chy_storage_at(collection->fields, number);
}

/** chy_storage_is_many tells whether a field holds a set of texts. */
static inline bool chy_storage_is_many(const struct chy_field *field)
{
    return (field->flags & CHY_FIELD_MANY) != 0;
}

/** chy_storage_number_at returns element `index` of a view of uint32_t; UINT32_MAX past its end. */
static inline uint32_t chy_storage_number_at(struct chy_view view, uint64_t index)
{
    const uint32_t *number = (const uint32_t *)chy_view_at(view, index);
    return number == NULL ? UINT32_MAX : *number;
}

/** chy_storage_contains tells whether a view of uint32_t holds `number`. */
bool chy_storage_contains(struct chy_view numbers, uint32_t number);

/** chy_storage_check_schema checks what declare() was given: names, types, keys, indexes. */
CHY_MUST_USE chy_status chy_storage_check_schema(struct chy_op *op,
                                                 const struct chy_schema *schema);

/* --- values ------------------------------------------------------------------------------------*/

/** chy_storage_text_is_valid tells whether `text` is UTF-8 without NUL. */
bool chy_storage_text_is_valid(struct chy_slice text);

/** chy_storage_bytes_compare orders bytewise, a prefix first. */
int chy_storage_bytes_compare(struct chy_slice a, struct chy_slice b);

/** chy_storage_value_compare orders two values of one field: null first, numbers, then bytes. */
int chy_storage_value_compare(const struct chy_value *a, const struct chy_value *b);

/** chy_storage_items_sorted gives the set of a many-value: bytewise order, each text once. */
CHY_MUST_USE chy_status chy_storage_items_sorted(struct chy_op *op, const struct chy_value *value,
                                                 struct chy_slice **out_items, uint64_t *out_count);

/* --- calls -------------------------------------------------------------------------------------*/

CHY_MUST_USE chy_status chy_storage_check_get(struct chy_op *op, const struct chy_schema *schema,
                                              const struct chy_storage_get *get);
CHY_MUST_USE chy_status chy_storage_check_find(struct chy_op *op, const struct chy_schema *schema,
                                               const struct chy_storage_find *find);

/** chy_storage_check_batch also gives the order in which the writes take effect: by (collection,
 *  key), ADDs last.  `out_sequence` has one number per write. */
CHY_MUST_USE chy_status chy_storage_check_batch(struct chy_op *op, const struct chy_schema *schema,
                                                const struct chy_storage_batch *batch,
                                                uint32_t **out_sequence);

/** chy_storage_check_deadline answers TRY_LATER when nobody waits for the operation any more. */
CHY_MUST_USE chy_status chy_storage_check_deadline(struct chy_op *op);

/* --- order and cursors -------------------------------------------------------------------------*/

/** chy_storage_terms gives the whole order of a find: what was asked, then the key, ascending.
 *  `terms` has room for CHY_STORAGE_TERMS_MAX; the result is their count. */
uint64_t chy_storage_terms(const struct chy_collection *collection, struct chy_view order,
                           struct chy_order *terms);

/** chy_storage_cursor_write makes a cursor from the terms' values in the last row examined. */
CHY_MUST_USE chy_status chy_storage_cursor_write(struct chy_op *op,
                                                 const struct chy_collection *collection,
                                                 const struct chy_order *terms, uint64_t count,
                                                 const struct chy_value *values,
                                                 struct chy_slice *out_cursor);

/** chy_storage_cursor_read gives them back; they point into `cursor`.  BAD_INPUT when it belongs to
 *  another find, or to none. */
CHY_MUST_USE chy_status chy_storage_cursor_read(struct chy_op *op,
                                                const struct chy_collection *collection,
                                                const struct chy_order *terms, uint64_t count,
                                                struct chy_slice cursor,
                                                struct chy_value *out_values);

CHY_END_DECLS

#endif
