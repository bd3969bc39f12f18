/**
 * What the batches of one group share: counters that all of them add to, and checks that all of
 * them make.  Each would cost two statements per batch; here a counter is read and written once
 * per group, and a check is made once.
 *
 * A tally is only for a group that is run plainly: when a batch fails after it has written, the
 * transaction and the tally are dropped together.
 */
#ifndef STORAGE_SQLITE_TALLY_H
#define STORAGE_SQLITE_TALLY_H

#include "work.h"

struct tally;

/** tally_new makes one for a store's collections; NULL when out of memory. */
struct tally *tally_new(const struct store *store);
void tally_free(struct tally *tally);

/** tally_clear forgets everything: the transaction has ended. */
void tally_clear(struct tally *tally);

/** tally_add does an ADD without guard.  `out_taken` false: it must be done as usual. */
CHY_MUST_USE chy_status tally_add(struct tally *tally, struct work *work, bool *out_taken);

/** tally_check answers a CHECK like one that was made before; false when there was none. */
bool tally_check(const struct tally *tally, struct work *work, bool *out_holds);
/** tally_checked remembers a CHECK that was made. */
void tally_checked(struct tally *tally, const struct work *work, bool holds);

/** tally_look makes way for a look at a collection: its counters are written. */
CHY_MUST_USE chy_status tally_look(struct tally *tally, struct work *work);
/** tally_touch makes way for a write to it: its checks are forgotten, too. */
CHY_MUST_USE chy_status tally_touch(struct tally *tally, struct work *work);

/** tally_write writes all counters, before the commit; `work` lends what a write needs. */
CHY_MUST_USE chy_status tally_write(struct tally *tally, struct work *work);

#endif
