#include "x509/word.h"

#include "base/slice.h"

static bool is_separator(uint8_t c)
{
    return c == '_' || c == '-';
}

bool chy_word_is(struct chy_slice text, const char *word)
{
    struct chy_slice want = chy_text(word);
    uint64_t t = 0;
    uint64_t w = 0;
    if (text.len == 0 || is_separator(text.ptr[0]) || is_separator(text.ptr[text.len - 1])) {
        return false;
    }
    while (t < text.len && w < want.len) {
        if (is_separator(text.ptr[t])) {
            t++;
        } else if (is_separator(want.ptr[w])) {
            w++;
        } else if (chy_ascii_lower(text.ptr[t]) != chy_ascii_lower(want.ptr[w])) {
            return false;
        } else {
            t++;
            w++;
        }
    }
    return t == text.len && w == want.len;
}

bool chy_word_among(struct chy_slice text, const char *const *words)
{
    for (; *words != NULL; words++) {
        if (chy_word_is(text, *words)) {
            return true;
        }
    }
    return false;
}
