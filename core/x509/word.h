/** Words of the wire that people spell in more than one way. */
#ifndef CHY_X509_WORD_H
#define CHY_X509_WORD_H

#include <chancery/types.h>

#include <stdbool.h>

/** chy_word_is tells whether `text` spells `word`, ignoring the case of ASCII letters and any `_`
 *  and `-` in between: "digital_signature" is also "digitalSignature" and "DIGITAL-SIGNATURE".
 *  The empty text spells nothing. */
CHY_MUST_USE bool chy_word_is(struct chy_slice text, const char *word);

/** chy_word_among tells whether `text` spells one of a NULL-terminated list. */
CHY_MUST_USE bool chy_word_among(struct chy_slice text, const char *const *words);

#endif
