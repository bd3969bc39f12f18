#include "config/problems.h"

#include "base/slice.h"

#define NAME_MAX_LEN 48U

static uint32_t least(uint32_t a, uint32_t b, uint32_t c)
{
    uint32_t m = a < b ? a : b;
    return m < c ? m : c;
}

/** How many letters must be changed, dropped, added or swapped with their neighbour. */
static uint32_t distance(struct chy_slice a, struct chy_slice b)
{
    uint32_t rows[3][NAME_MAX_LEN + 1];
    uint32_t *before = rows[0];
    uint32_t *last = rows[1];
    uint32_t *row = rows[2];
    for (uint32_t k = 0; k <= b.len; k++) {
        before[k] = 0;
        last[k] = k;
    }
    for (uint32_t i = 1; i <= a.len; i++) {
        row[0] = i;
        for (uint32_t k = 1; k <= b.len; k++) {
            bool same = chy_ascii_lower(a.ptr[i - 1]) == chy_ascii_lower(b.ptr[k - 1]);
            row[k] = least(last[k] + 1, row[k - 1] + 1, last[k - 1] + (same ? 0 : 1));
            if (i > 1 && k > 1 && a.ptr[i - 1] == b.ptr[k - 2] && a.ptr[i - 2] == b.ptr[k - 1] &&
                before[k - 2] + 1 < row[k]) {
                row[k] = before[k - 2] + 1;
            }
        }
        uint32_t *spare = before;
        before = last;
        last = row;
        row = spare;
    }
    return last[b.len];
}

/** tls_cert for tls_certificate: a beginning of at least three letters. */
static bool is_beginning(struct chy_slice text, struct chy_slice name)
{
    return text.len >= 3 && text.len < name.len && chy_slice_starts_with(name, text);
}

struct chy_slice chy_nearest_name(struct chy_slice text, const struct chy_slice *names,
                                  size_t count)
{
    struct chy_slice best = {NULL, 0};
    uint32_t best_distance = UINT32_MAX;
    if (text.len == 0 || text.len > NAME_MAX_LEN) {
        return best;
    }
    for (size_t i = 0; i < count; i++) {
        if (names[i].len == 0 || names[i].len > NAME_MAX_LEN) {
            continue;
        }
        uint32_t d = distance(text, names[i]);
        uint64_t longer = text.len > names[i].len ? text.len : names[i].len;
        bool is_near = d * 3 <= longer || (d == 1 && longer > 1);
        if (is_near && d < best_distance) {
            best = names[i];
            best_distance = d;
        }
    }
    for (size_t i = 0; i < count && best.len == 0; i++) {
        if (is_beginning(text, names[i])) {
            best = names[i];
        }
    }
    return best;
}
