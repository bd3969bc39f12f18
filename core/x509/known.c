#include "x509/known.h"

#include "x509/algorithm.h"
#include "x509/extensions.h"

#include <stdbool.h>
#include <stdio.h>

/** How many values of a kind there may be. */
#define VALUES_MAX 32U

static const struct {
    chy_find_word_fn *find;
    const char *(*word)(uint32_t value);
    bool is_mask; /**< values are bits */
} kinds[] = {
    {chy_key_algorithm_find, chy_key_algorithm_name, false},
    {chy_signature_algorithm_find, chy_signature_algorithm_name, false},
    {chy_key_usage_find, chy_key_usage_word, true},
    {chy_eku_find, chy_eku_word, true},
};

const char *chy_known_words(chy_find_word_fn *find, char out[CHY_KNOWN_SIZE])
{
    size_t len = 0;
    out[0] = '\0';
    for (size_t kind = 0; kind < sizeof kinds / sizeof kinds[0]; kind++) {
        for (uint32_t i = 0; kinds[kind].find == find && i < VALUES_MAX; i++) {
            const char *word = kinds[kind].word(kinds[kind].is_mask ? UINT32_C(1) << i : i);
            if (word != NULL && len < CHY_KNOWN_SIZE) {
                len += (size_t)snprintf(out + len, CHY_KNOWN_SIZE - len, "%s%s",
                                        len == 0 ? "" : ", ", word);
            }
        }
    }
    return out;
}
