#include "base/glob.h"

#include "base/slice.h"

/* How bytes are compared: as they are, or without the case of ASCII letters. */
struct view {
    const uint8_t *ptr;
    uint64_t len;
    bool nocase;
};

static uint8_t byte_at(const struct view *view, uint64_t index)
{
    return view->nocase ? chy_ascii_lower(view->ptr[index]) : view->ptr[index];
}

static struct view part(const struct view *whole, uint64_t start, uint64_t len)
{
    struct view view = {len == 0 ? NULL : whole->ptr + start, len, whole->nocase};
    return view;
}

static bool equal_at(const struct view *text, uint64_t at, const struct view *word)
{
    for (uint64_t i = 0; i < word->len; i++) {
        if (byte_at(text, at + i) != byte_at(word, i)) {
            return false;
        }
    }
    return true;
}

/* --- searching: the two-way algorithm (Crochemore and Perrin, 1991) --------------------------- */

/* Where the greatest suffix of `word` starts, by the order of bytes or by its reverse, and the
 * period of that suffix. */
static uint64_t greatest_suffix(const struct view *word, bool reverse, uint64_t *out_period)
{
    uint64_t start = 0;     // of the best suffix so far
    uint64_t candidate = 1; // of the suffix that it is compared with
    uint64_t matched = 0;
    uint64_t period = 1;
    while (candidate + matched < word->len) {
        uint8_t a = byte_at(word, candidate + matched);
        uint8_t b = byte_at(word, start + matched);
        if (a == b) {
            matched++;
            if (matched == period) {
                candidate += period;
                matched = 0;
            }
        } else if ((a < b) != reverse) {
            candidate += matched + 1;
            matched = 0;
            period = candidate - start;
        } else {
            start = candidate;
            candidate = start + 1;
            matched = 0;
            period = 1;
        }
    }
    *out_period = period;
    return start;
}

/* Finds the first place of `word`, which is not empty, in time linear in the text. */
static bool find(const struct view *text, const struct view *word, uint64_t *out_index)
{
    uint64_t period;
    uint64_t reverse_period;
    uint64_t cut = greatest_suffix(word, false, &period);
    uint64_t reverse_cut = greatest_suffix(word, true, &reverse_period);
    if (reverse_cut > cut) {
        cut = reverse_cut;
        period = reverse_period;
    }
    struct view left = part(word, 0, cut);
    bool is_periodic = cut + period <= word->len && equal_at(word, period, &left);
    if (!is_periodic) {
        period = (cut > word->len - cut ? cut : word->len - cut) + 1;
    }
    uint64_t known = 0; // how much of the word's beginning is known to match here
    uint64_t at = 0;
    while (at + word->len <= text->len) {
        uint64_t right = cut > known ? cut : known;
        while (right < word->len && byte_at(word, right) == byte_at(text, at + right)) {
            right++;
        }
        if (right < word->len) {
            at += right - cut + 1;
            known = 0;
            continue;
        }
        uint64_t rest = cut;
        while (rest > known && byte_at(word, rest - 1) == byte_at(text, at + rest - 1)) {
            rest--;
        }
        if (rest <= known) {
            *out_index = at;
            return true;
        }
        at += period;
        known = is_periodic ? word->len - period : 0;
    }
    return false;
}

/* --- matching --------------------------------------------------------------------------------- */

static uint64_t next_star(const struct view *pattern, uint64_t from)
{
    while (from < pattern->len && pattern->ptr[from] != '*') {
        from++;
    }
    return from;
}

/* Matches what stands between the first and the last star: each word at its first place. */
static bool match_middle(const struct view *pattern, struct view text)
{
    uint64_t at = 0;
    while (at < pattern->len) {
        uint64_t end = next_star(pattern, at);
        if (end > at) {
            struct view word = part(pattern, at, end - at);
            uint64_t index;
            if (!find(&text, &word, &index)) {
                return false;
            }
            index += word.len;
            text = part(&text, index, text.len - index);
        }
        at = end + 1;
    }
    return true;
}

static bool match(struct chy_slice pattern_text, struct chy_slice text_text, bool nocase)
{
    struct view pattern = {pattern_text.ptr, pattern_text.len, nocase};
    struct view text = {text_text.ptr, text_text.len, nocase};
    uint64_t first = next_star(&pattern, 0);
    if (first == pattern.len) {
        return pattern.len == text.len && equal_at(&text, 0, &pattern);
    }
    uint64_t last = pattern.len - 1;
    while (pattern.ptr[last] != '*') {
        last--;
    }
    struct view head = part(&pattern, 0, first);
    struct view tail = part(&pattern, last + 1, pattern.len - last - 1);
    if (text.len < head.len || text.len - head.len < tail.len) {
        return false;
    }
    if (!equal_at(&text, 0, &head) || !equal_at(&text, text.len - tail.len, &tail)) {
        return false;
    }
    struct view middle = part(&pattern, first, last - first);
    return match_middle(&middle, part(&text, head.len, text.len - head.len - tail.len));
}

bool chy_glob_match(struct chy_slice pattern, struct chy_slice text)
{
    return match(pattern, text, false);
}

bool chy_glob_match_nocase(struct chy_slice pattern, struct chy_slice text)
{
    return match(pattern, text, true);
}
