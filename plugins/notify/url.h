/** The URLs that projects' people give us. */
#ifndef NOTIFY_URL_H
#define NOTIFY_URL_H

#include <chancery/host.h>

/** A URL to be called. */
struct url {
    const char *text;
    const char *host; /**< for messages: a name or a number, no more */
};

/**
 * url_read takes a URL as people wrote it: https, a host, no user, no fragment, printable ASCII
 * alone. What is wrong is recorded with the option `name`: BAD_INPUT. The result lives in the
 * operation's secret arena, as a URL may carry what nobody else shall know.
 */
CHY_MUST_USE chy_status url_read(struct chy_op *op, const char *name, struct chy_slice text,
                                 struct url *out_url);

#endif
