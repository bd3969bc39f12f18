/**
 * Values as the server takes and gives them: PostgreSQL's binary formats.
 *
 * Values have been checked before they come here (chancery/support/storage_check.h).
 */
#ifndef PGS_CODEC_H
#define PGS_CODEC_H

#include "model.h"
#include "statement.h"

/** pgs_oid_of is the parameter type of a field's value. */
Oid pgs_oid_of(uint32_t type);
/** pgs_array_oid_of is the parameter type of a list of them. */
Oid pgs_array_oid_of(uint32_t type);

/** pgs_cell_of makes the parameter of a value; text and blobs stay where they are. */
void pgs_cell_of(const struct chy_value *value, struct pgs_cell *out_cell);

/** pgs_cell_array makes one array parameter of `count` cells, none of them null. */
chy_status pgs_cell_array(struct chy_op *op, uint32_t type, const struct pgs_cell *cells,
                          uint64_t count, struct pgs_cell *out_cell);

/** pgs_value_read reads a column of a result into the operation's arena. */
chy_status pgs_value_read(struct chy_op *op, const PGresult *result, int row, int column,
                          uint32_t type, struct chy_value *out_value);
/** pgs_items_read reads a text[] column as a set. */
chy_status pgs_items_read(struct chy_op *op, const PGresult *result, int row, int column,
                          struct chy_value *out_value);

#endif
