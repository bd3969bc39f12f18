/** Mail addresses. */
#ifndef NOTIFY_ADDRESS_H
#define NOTIFY_ADDRESS_H

#include <chancery/types.h>

#include <stdbool.h>

/**
 * address_is_valid accepts the plain form of RFC 5321 4.1.2: a dot-string, '@' and a host name. No
 * quoted strings, no comments, no number as host: nothing that a header or a mail server could read
 * in another way than we do.
 */
CHY_MUST_USE bool address_is_valid(struct chy_slice address);

#endif
