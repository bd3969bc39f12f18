/**
 * How a value stands in a part of a dump: its type, an octet; then a number of eight octets, or
 * bytes behind their length, or a count and so many of those.  Numbers have their high octet first.
 */
#ifndef CHY_COMMAND_DUMP_VALUE_H
#define CHY_COMMAND_DUMP_VALUE_H

#include "base/buf.h"

#include <chancery/storage.h>

/** chy_dump_add_number appends a number of `octets` octets, chy_dump_add_value a value. */
void chy_dump_add_number(struct chy_buf *buf, uint64_t number, uint32_t octets);
void chy_dump_add_value(struct chy_buf *buf, const struct chy_value *value);

/** chy_dump_take_number and chy_dump_take_value take them from the beginning of `rest`, which the
 *  value borrows.  false: it is malformed, or memory is out. */
bool chy_dump_take_number(struct chy_slice *rest, uint32_t octets, uint64_t *out_number);
bool chy_dump_take_value(struct chy_op *op, struct chy_slice *rest, struct chy_value *out_value);

#endif
