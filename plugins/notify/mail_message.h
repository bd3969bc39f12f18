/** Mail as text: RFC 5322 with MIME. */
#ifndef NOTIFY_MAIL_MESSAGE_H
#define NOTIFY_MAIL_MESSAGE_H

#include "notify.h"

/**
 * mail_message writes a whole mail. The text goes as base64, so that no line of it is too long, is
 * changed on the way, or begins with what means something there. BAD_INPUT: the title has a control
 * character, or the time is none.
 */
CHY_MUST_USE chy_status mail_message(struct chy_op *op, const struct chy_notification *notification,
                                     const char *from, struct chy_view recipients,
                                     struct chy_slice *out_message);

#endif
