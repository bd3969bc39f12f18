/**
 * A TCP proxy in front of the server that breaks connections at chosen moments.
 */
#ifndef TEST_POSTGRES_PROXY_H
#define TEST_POSTGRES_PROXY_H

#include <stdint.h>

enum proxy_mode {
    PROXY_PASS,        /**< everything goes through */
    PROXY_CUT_COMMIT,  /**< answers go through up to that of COMMIT, which breaks the connection */
    PROXY_CUT_ANSWERS, /**< no answer goes through; that of COMMIT breaks the connection */
    PROXY_CUT_REQUEST, /**< what the client sends next is lost, and breaks the connection */
    PROXY_CUT_HALF,    /**< a part of what the client sends next arrives; then it breaks */
    PROXY_HOLE,        /**< nothing goes through, nothing breaks */
    PROXY_REFUSE       /**< connections break at once */
};

/** proxy_start listens on a free port of 127.0.0.1, in front of `server_port`. */
void proxy_start(uint16_t server_port);
void proxy_stop(void);
uint16_t proxy_port(void);

/** proxy_next sets what happens from now on, and what after the next break. */
void proxy_next(enum proxy_mode now, enum proxy_mode then);
/** proxy_break breaks every connection now. */
void proxy_break(void);
/** proxy_breaks counts the connections that it broke. */
int proxy_breaks(void);

#endif
