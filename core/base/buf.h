/**
 * An append-only builder with a ceiling and a sticky failure: many adds, one check.
 *
 *     struct chy_buf b;
 *     chy_buf_init(&b, op, CHY_MAX_ANSWER);
 *     chy_buf_add_text(&b, "{\"id\":");
 *     chy_buf_add_json_string(&b, id);
 *     chy_buf_add_u8(&b, '}');
 *     if (!chy_buf_ok(&b)) { return chy_buf_fail(&b, op, "the answer"); }
 *
 * The all-zero value is a heap buffer with a ceiling of zero, which accepts nothing.
 */
#ifndef CHY_BASE_BUF_H
#define CHY_BASE_BUF_H

#include "base/auto.h"

#include <chancery/host.h>

#include <stdbool.h>

struct chy_buf {
    uint8_t *ptr;
    size_t len;
    size_t cap;
    size_t max;        /**< `len` never passes it */
    bool failed;       /**< an add did not fit or found no memory; nothing is added from then on */
    bool secret;       /**< the bytes live in the secret arena of `op` */
    struct chy_op *op; /**< whose arena holds the bytes; NULL: the heap, and chy_buf_fini() frees */
};

/** chy_buf_init starts an empty buffer in the arena of `op`, or on the heap if `op` is NULL. */
void chy_buf_init(struct chy_buf *buf, struct chy_op *op, size_t max);

/** chy_buf_init_secret starts one in the secret arena; blocks left behind by growing are wiped. */
void chy_buf_init_secret(struct chy_buf *buf, struct chy_op *op, size_t max);

/** chy_buf_fini frees a heap buffer and wipes a secret one.  The all-zero value is fine. */
void chy_buf_fini(struct chy_buf *buf);
CHY_DEFINE_AUTO_FINI(struct chy_buf, chy_buf_fini);

/** chy_buf_reserve makes room for `more` bytes, so that adding them will not move the others. */
void chy_buf_reserve(struct chy_buf *buf, size_t more);

/** chy_buf_add_growing is chy_buf_add() when there is no room yet. */
void chy_buf_add_growing(struct chy_buf *buf, struct chy_slice bytes);

/** chy_buf_add appends bytes, which must not lie in the buffer itself. */
static inline void chy_buf_add(struct chy_buf *buf, struct chy_slice bytes)
{
    if (buf->failed || bytes.len > buf->cap - buf->len) {
        chy_buf_add_growing(buf, bytes);
        return;
    }
    if (bytes.len != 0) {
        memcpy(buf->ptr + buf->len, bytes.ptr, (size_t)bytes.len);
        buf->len += (size_t)bytes.len;
    }
}

/** chy_buf_add_text appends a NUL-terminated string without its NUL. */
static inline void chy_buf_add_text(struct chy_buf *buf, const char *text)
{
    chy_buf_add(buf, chy_text(text));
}

/** chy_buf_add_u8 appends one byte. */
static inline void chy_buf_add_u8(struct chy_buf *buf, uint8_t byte)
{
    chy_buf_add(buf, chy_slice_of(&byte, 1));
}

/** chy_buf_add_format appends what printf would write. */
void chy_buf_add_format(struct chy_buf *buf, const char *format, ...) CHY_PRINTF(2, 3);

/** chy_buf_add_i64 appends a decimal number. */
void chy_buf_add_i64(struct chy_buf *buf, int64_t number);
/** chy_buf_add_u64 appends a decimal number. */
void chy_buf_add_u64(struct chy_buf *buf, uint64_t number);

/**
 * chy_buf_add_json_string appends `text` as a JSON string with its quotes.  What is not UTF-8
 * becomes U+FFFD; control characters are escaped.
 */
void chy_buf_add_json_string(struct chy_buf *buf, struct chy_slice text);

/** chy_buf_ok tells whether everything that was added is there. */
CHY_MUST_USE static inline bool chy_buf_ok(const struct chy_buf *buf)
{
    return !buf->failed;
}

/** chy_buf_fail records on `op` that `what` did not fit or found no memory: CHY_NO_MEMORY. */
chy_status chy_buf_fail(const struct chy_buf *buf, struct chy_op *op, const char *what);

/** chy_buf_slice borrows what was added, until the next add. */
static inline struct chy_slice chy_buf_slice(const struct chy_buf *buf)
{
    return chy_slice_of(buf->ptr, buf->len);
}

#endif
