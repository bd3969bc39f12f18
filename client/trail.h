/** Going from page to page of a list that a server may make endless. */
#ifndef CLIENT_TRAIL_H
#define CLIENT_TRAIL_H

#include "client/cli.h"

/** Where one has been: all zero at the start. */
struct client_trail {
    const char *mark;   /**< a cursor that was seen */
    uint64_t steps;     /**< since then */
    uint64_t mark_next; /**< when another one is kept instead */
    uint64_t all;       /**< steps from the start */
};

/** client_trail_go takes a step to `cursor`.  It fails where the server leads in a circle or on
 *  without end. */
CHY_MUST_USE chy_status client_trail_go(struct chy_cli *cli, struct client_trail *trail,
                                        const char *cursor);

#endif
