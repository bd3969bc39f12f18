/**
 * Predicates, keys and places in an order, as SQL over a table that is called `t` in the text.
 */
#ifndef PGS_WHERE_H
#define PGS_WHERE_H

#include "codec.h"

/** pgs_where_one adds one predicate, in parentheses where it needs them. */
chy_status pgs_where_one(struct pgs_query *query, const struct pgs_table *table,
                         const struct chy_predicate *predicate);
/** pgs_where_all adds all predicates, joined by AND; "true" when there is none. */
chy_status pgs_where_all(struct pgs_query *query, const struct pgs_table *table,
                         struct chy_view where);
/** pgs_where_key adds `t.k1 = $1 AND t.k2 = $2`. */
void pgs_where_key(struct pgs_query *query, const struct pgs_table *table,
                   const struct pgs_cell *key);

/** pgs_where_child adds the conditions of HAS and HAS_PREFIX on the child table `c`. */
chy_status pgs_where_child(struct pgs_query *query, const struct chy_predicate *predicate);

/**
 * pgs_key_columns adds the key's columns, each behind `alias` ("t." or ""), separated by commas.
 */
void pgs_key_columns(struct pgs_query *query, const struct pgs_table *table, const char *alias);

/** pgs_order_by adds " ORDER BY …" in the terms' order; nothing for no terms. */
void pgs_order_by(struct pgs_query *query, const struct pgs_table *table, const char *alias,
                  const struct chy_order *terms, uint64_t count);

/** One of the disjoint parts of "comes after this place": `depth` leading terms equal the place's,
 *  and the next one lies behind it, or is null behind it. */
struct pgs_branch {
    uint32_t depth;
    bool null;
};

/** pgs_branches lists the parts, in the order in which their rows come; at most 2 for each term. */
uint32_t pgs_branches(const struct pgs_table *table, const struct chy_order *terms, uint64_t count,
                      const struct chy_value *place, struct pgs_branch *out_branches);
/** pgs_where_branch adds the conditions of one part. */
chy_status pgs_where_branch(struct pgs_query *query, const struct pgs_table *table,
                            const struct chy_order *terms, const struct chy_value *place,
                            struct pgs_branch branch);

#endif
