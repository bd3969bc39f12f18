#include "base/buf.h"

#include "base/arena.h"
#include "base/secret.h"
#include "base/slice.h"

#include <assert.h>
#include <stdlib.h>

#define FIRST_CAP ((size_t)256)

void chy_buf_init(struct chy_buf *buf, struct chy_op *op, size_t max)
{
    *buf = (struct chy_buf){.max = max, .op = op};
}

void chy_buf_init_secret(struct chy_buf *buf, struct chy_op *op, size_t max)
{
    assert(op != NULL); // a secret has no place on the heap
    *buf = (struct chy_buf){.max = max, .op = op, .secret = true};
}

void chy_buf_fini(struct chy_buf *buf)
{
    if (buf->secret) {
        chy_secret_wipe(buf->ptr, buf->len);
    } else if (buf->op == NULL) {
        free(buf->ptr);
    }
    *buf = (struct chy_buf){0};
}

static bool grow_on_heap(struct chy_buf *buf, size_t cap)
{
    uint8_t *block = chy_test_alloc_fails() ? NULL : realloc(buf->ptr, cap);
    if (block == NULL) {
        return false;
    }
    buf->ptr = block;
    buf->cap = cap;
    return true;
}

static bool grow_in_arena(struct chy_buf *buf, size_t cap)
{
    uint8_t *block = buf->secret ? chy_secret_alloc(buf->op, cap) : chy_alloc(buf->op, cap);
    if (block == NULL) {
        return false;
    }
    if (buf->len != 0) {
        memcpy(block, buf->ptr, buf->len);
    }
    if (buf->secret) {
        chy_secret_wipe(buf->ptr, buf->len);
    }
    buf->ptr = block;
    buf->cap = cap;
    return true;
}

/* Moves the bytes to a block of `cap`. */
static bool grow(struct chy_buf *buf, size_t cap)
{
    return buf->op == NULL ? grow_on_heap(buf, cap) : grow_in_arena(buf, cap);
}

void chy_buf_reserve(struct chy_buf *buf, size_t more)
{
    if (buf->failed || more <= buf->cap - buf->len) {
        return;
    }
    if (more > buf->max - buf->len) {
        buf->failed = true;
        return;
    }
    size_t needed = buf->len + more;
    size_t cap = buf->cap < buf->max / 2 ? buf->cap * 2 : buf->max;
    if (cap < FIRST_CAP) {
        cap = FIRST_CAP < buf->max ? FIRST_CAP : buf->max;
    }
    if (cap < needed) {
        cap = needed;
    }
    // Near the operation's ceiling what is needed may fit where the double does not.
    if (!grow(buf, cap) && (cap == needed || !grow(buf, needed))) {
        buf->failed = true;
    }
}

void chy_buf_add_growing(struct chy_buf *buf, struct chy_slice bytes)
{
    if (bytes.len > buf->max) {
        buf->failed = true;
        return;
    }
    chy_buf_reserve(buf, (size_t)bytes.len);
    if (!buf->failed && bytes.len != 0) {
        memcpy(buf->ptr + buf->len, bytes.ptr, (size_t)bytes.len);
        buf->len += (size_t)bytes.len;
    }
}

/* --- numbers and formats ---------------------------------------------------------------------- */

void chy_buf_add_u64(struct chy_buf *buf, uint64_t number)
{
    char digits[20];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number != 0);
    chy_buf_add(buf, chy_slice_of(digits + at, sizeof digits - at));
}

void chy_buf_add_i64(struct chy_buf *buf, int64_t number)
{
    if (number < 0) {
        chy_buf_add_u8(buf, '-');
        chy_buf_add_u64(buf, 0 - (uint64_t)number);
        return;
    }
    chy_buf_add_u64(buf, (uint64_t)number);
}

/* The way for texts that are too long for the stack: room is made first, for the NUL as well. */
static void add_long_format(struct chy_buf *buf, size_t len, const char *format, va_list arguments)
    CHY_PRINTF(3, 0);
static void add_long_format(struct chy_buf *buf, size_t len, const char *format, va_list arguments)
{
    struct chy_buf room = {.max = len + 1, .op = buf->op, .secret = buf->secret};
    chy_buf_reserve(&room, len + 1);
    if (room.failed) {
        buf->failed = true;
        return;
    }
    (void)vsnprintf((char *)room.ptr, len + 1, format, arguments);
    room.len = len + 1; // what chy_buf_fini() has to wipe
    chy_buf_add(buf, chy_slice_of(room.ptr, len));
    chy_buf_fini(&room);
}

void chy_buf_add_format(struct chy_buf *buf, const char *format, ...)
{
    if (buf->failed) {
        return;
    }
    char text[CHY_MESSAGE_MAX];
    va_list arguments;
    va_start(arguments, format);
    int len = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (len < 0 || (size_t)len > buf->max - buf->len) {
        buf->failed = true;
    } else if ((size_t)len < sizeof text) {
        chy_buf_add(buf, chy_slice_of(text, (size_t)len));
    } else {
        va_start(arguments, format);
        add_long_format(buf, (size_t)len, format, arguments);
        va_end(arguments);
    }
    if (buf->secret) {
        chy_secret_wipe(text, sizeof text);
    }
}

/* --- JSON ------------------------------------------------------------------------------------- */

static void add_escaped(struct chy_buf *buf, uint8_t byte)
{
    switch (byte) {
    case '"': chy_buf_add_text(buf, "\\\""); return;
    case '\\': chy_buf_add_text(buf, "\\\\"); return;
    case '\b': chy_buf_add_text(buf, "\\b"); return;
    case '\f': chy_buf_add_text(buf, "\\f"); return;
    case '\n': chy_buf_add_text(buf, "\\n"); return;
    case '\r': chy_buf_add_text(buf, "\\r"); return;
    case '\t': chy_buf_add_text(buf, "\\t"); return;
    default: break;
    }
    static const char digits[] = "0123456789abcdef";
    const char text[] = {'\\', 'u', '0', '0', digits[byte >> 4], digits[byte & 15]};
    chy_buf_add(buf, chy_slice_of(text, sizeof text));
}

static bool stands_for_itself(uint8_t byte)
{
    return byte >= 0x20 && byte < 0x7f && byte != '"' && byte != '\\';
}

void chy_buf_add_json_string(struct chy_buf *buf, struct chy_slice text)
{
    chy_buf_add_u8(buf, '"');
    uint64_t at = 0;
    while (at < text.len) {
        uint64_t start = at;
        while (at < text.len && stands_for_itself(text.ptr[at])) {
            at++;
        }
        chy_buf_add(buf, chy_slice_of(text.ptr + start, at - start));
        if (at == text.len) {
            break;
        }
        start = at;
        uint32_t character;
        if (!chy_utf8_next(text, &at, &character)) {
            chy_buf_add_text(buf, "\xef\xbf\xbd");
            at++;
        } else if (character < 0x80) {
            add_escaped(buf, (uint8_t)character);
        } else {
            chy_buf_add(buf, chy_slice_of(text.ptr + start, at - start));
        }
    }
    chy_buf_add_u8(buf, '"');
}

chy_status chy_buf_fail(const struct chy_buf *buf, struct chy_op *op, const char *what)
{
    return chy_fail(op, CHY_NO_MEMORY, 0,
                    "%s does not fit into %zu bytes, or the operation's memory is used up", what,
                    buf->max);
}
