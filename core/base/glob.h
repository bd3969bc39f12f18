/** Patterns in which `*` stands for any characters, or none. */
#ifndef CHY_BASE_GLOB_H
#define CHY_BASE_GLOB_H

#include <chancery/types.h>

#include <stdbool.h>

/** chy_glob_match tells whether the pattern fits the whole text, in time linear in their
 *  lengths. */
CHY_MUST_USE bool chy_glob_match(struct chy_slice pattern, struct chy_slice text);
/** chy_glob_match_nocase does the same, ignoring the case of ASCII letters. */
CHY_MUST_USE bool chy_glob_match_nocase(struct chy_slice pattern, struct chy_slice text);

#endif
