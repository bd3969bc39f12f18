/** From a status to HTTP: the one place where failures become answers. */
#ifndef CHY_HTTP_ENVELOPE_H
#define CHY_HTTP_ENVELOPE_H

#include <chancery/enrollment.h>
#include <chancery/host.h>

/** chy_http_status_of gives the HTTP status for a status and a reason. */
uint32_t chy_http_status_of(chy_status status, uint32_t reason);

/** chy_http_error_name gives the envelope's `error` word: "NotFound". */
const char *chy_http_error_name(uint32_t http_status, uint32_t reason);

/** chy_http_error_names lists the words that an envelope of a status may have, at most `max`, and
 *  returns how many there are. */
size_t chy_http_error_names(uint32_t http_status, const char **out_names, size_t max);

/** Room for an envelope when the operation has no memory left for one; it lives as long as the
 *  answer. */
struct chy_http_spare {
    char text[256];
};

/**
 * chy_http_envelope writes `{"reqId","statusCode","message","error","details"?}` for `error` into
 * the arena of `op`, together with the headers that belong to it (WWW-Authenticate, Retry-After).
 * What a client may not see (status BROKEN, UNCERTAIN, NO_MEMORY) is replaced by general words.
 * It never fails: without memory a fixed text with the id is answered, out of `spare`.
 */
void chy_http_envelope(struct chy_op *op, const struct chy_error *error,
                       struct chy_http_spare *spare, struct chy_http_answer *out_answer);

/** chy_http_envelope_plain is chy_http_envelope() for a refusal that has no error record: a
 *  protocol error with the HTTP status `http_status`. */
void chy_http_envelope_plain(struct chy_op *op, uint32_t http_status, const char *message,
                             struct chy_http_spare *spare, struct chy_http_answer *out_answer);

#endif
