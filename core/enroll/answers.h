/** What certificates and authorities look like in answers (resource/outline.h): held to what is
 *  written by the tests of the description of the API. */
#ifndef CHY_ENROLL_ANSWERS_H
#define CHY_ENROLL_ANSWERS_H

#include "resource/kind.h"

/** Of an authority, whole. */
extern const char chy_authority_outline[];
#define CHY_AUTHORITY_ANSWER_COUNT 10
extern const struct chy_kind_answer chy_authority_answers[CHY_AUTHORITY_ANSWER_COUNT];

/** What certificates have besides their members. */
extern const char chy_certificate_outline[];
#define CHY_CERTIFICATE_ANSWER_COUNT 15
extern const struct chy_kind_answer chy_certificate_answers[CHY_CERTIFICATE_ANSWER_COUNT];

#endif
