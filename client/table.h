/** Tables for people: columns as wide as they need, cut to the terminal if there is one.  What
 *  people copy from a table, an id, is no good in part: it is whole, columns on the right make way.
 */
#ifndef CLIENT_TABLE_H
#define CLIENT_TABLE_H

#include "client/cli.h"

#define CLIENT_COLUMNS_MAX 8U

/** One column: its heading, and the member of each row that stands in it. */
struct client_column {
    const char *title;
    const char *member; /**< "a.b" is a member of a member */
    bool is_key;        /**< what commands are given: cut last, others are left out for it */
};

/** client_table_write writes a line for each object of an array below the headings.  `width` is
 *  that of the terminal; 0: nothing is cut. */
CHY_MUST_USE chy_status client_table_write(struct chy_cli *cli, FILE *out,
                                           const struct client_column *columns, size_t count,
                                           const json_t *rows, size_t width);

/** client_table_width is the width of the terminal behind standard output, 0 if that is none. */
size_t client_table_width(void);

/** client_pairs_write writes an object's members, one a line, and theirs below them.  Certificates
 *  and keys in PEM stay out. */
CHY_MUST_USE chy_status client_pairs_write(struct chy_cli *cli, FILE *out, const json_t *object);

/** client_cell is what stands in a table for a value: clean text, "-" for nothing. */
const char *client_cell(struct chy_cli *cli, const json_t *value);

#endif
