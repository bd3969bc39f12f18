/** The words that a finder knows, for messages that say what was expected. */
#ifndef CHY_X509_KNOWN_H
#define CHY_X509_KNOWN_H

#include <chancery/types.h>

/** Room for the longest list: the signature algorithms. */
#define CHY_KNOWN_SIZE 256U

/** chy_key_algorithm_find() and its like: 0 for a word that is not known. */
typedef uint32_t chy_find_word_fn(struct chy_slice word);

/** chy_known_words writes "RSA_2048, RSA_3072, …" for chy_key_algorithm_find(), and likewise for
 *  chy_signature_algorithm_find(), chy_key_usage_find() and chy_eku_find(); returns `out`. */
const char *chy_known_words(chy_find_word_fn *find, char out[CHY_KNOWN_SIZE]);

#endif
