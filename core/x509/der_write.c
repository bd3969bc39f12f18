#include "x509/der_write.h"

#include "base/time.h"

#include <chancery/host.h>

#include <string.h>

struct chy_der_writer chy_der_writer_over(struct chy_buffer buffer)
{
    return (struct chy_der_writer){.ptr = buffer.ptr, .size = buffer.len, .max = buffer.len};
}

struct chy_der_writer chy_der_writer_new(struct chy_op *op, uint64_t size, uint64_t max)
{
    struct chy_der_writer w = {.size = size < max ? size : max, .max = max, .op = op};
    w.ptr = chy_alloc(op, w.size);
    if (w.ptr == NULL) {
        w.size = 0;
        w.failed = true;
    }
    return w;
}

bool chy_der_written(const struct chy_der_writer *w, struct chy_slice *out_der)
{
    if (w->failed) {
        return false;
    }
    *out_der = chy_slice_of(w->ptr, w->len);
    return true;
}

chy_status chy_der_finish(struct chy_op *op, const struct chy_der_writer *w,
                          struct chy_slice *out_der)
{
    if (!chy_der_written(w, out_der)) {
        return chy_fail(op, CHY_NO_MEMORY, 0,
                        "no memory for DER of more than %llu octets, or beyond the limit of %llu",
                        (unsigned long long)w->len, (unsigned long long)w->max);
    }
    return CHY_OK;
}

/** Makes room for `more` octets; the writer fails for good when it cannot. */
static bool grow(struct chy_der_writer *w, uint64_t more)
{
    if (w->failed || w->op == NULL || more > w->max - w->len) {
        w->failed = true;
        return false;
    }
    uint64_t need = w->len + more;
    uint64_t size = w->size > w->max / 2 ? w->max : w->size * 2;
    if (size < need) {
        size = need;
    }
    uint8_t *ptr = chy_alloc(w->op, size);
    if (ptr == NULL) {
        w->failed = true;
        return false;
    }
    if (w->len > 0) {
        memcpy(ptr, w->ptr, w->len);
    }
    w->ptr = ptr;
    w->size = size;
    return true;
}

static bool have_room(struct chy_der_writer *w, uint64_t more)
{
    return (!w->failed && more <= w->size - w->len) || grow(w, more);
}

static void add_octet(struct chy_der_writer *w, uint8_t octet)
{
    if (have_room(w, 1)) {
        w->ptr[w->len++] = octet;
    }
}

void chy_der_add_raw(struct chy_der_writer *w, struct chy_slice bytes)
{
    if (bytes.len > 0 && have_room(w, bytes.len)) {
        memcpy(w->ptr + w->len, bytes.ptr, bytes.len);
        w->len += bytes.len;
    }
}

static uint32_t length_octets(uint64_t len)
{
    uint32_t octets = 0;
    if (len >= 0x80) {
        for (uint64_t rest = len; rest != 0; rest >>= 8) {
            octets++;
        }
    }
    return octets;
}

static void put_length(uint8_t *at, uint64_t len, uint32_t octets)
{
    if (octets == 0) {
        at[0] = (uint8_t)len;
        return;
    }
    at[0] = (uint8_t)(0x80 | octets);
    for (uint32_t i = 0; i < octets; i++) {
        at[1 + i] = (uint8_t)(len >> (8 * (octets - 1 - i)));
    }
}

uint64_t chy_der_open(struct chy_der_writer *w, uint8_t tag)
{
    if (!have_room(w, 2)) {
        return 0;
    }
    w->ptr[w->len] = tag;
    w->len += 2;
    return w->len;
}

void chy_der_close(struct chy_der_writer *w, uint64_t mark)
{
    if (w->failed) {
        return;
    }
    // Most elements are short: only the others pay for moving their contents.
    uint64_t len = w->len - mark;
    uint32_t octets = length_octets(len);
    if (octets > 0) {
        if (!have_room(w, octets)) {
            return;
        }
        memmove(w->ptr + mark + octets, w->ptr + mark, len);
        w->len += octets;
    }
    put_length(w->ptr + mark - 1, len, octets);
}

uint64_t chy_der_open_bits(struct chy_der_writer *w)
{
    uint64_t mark = chy_der_open(w, CHY_DER_BIT_STRING);
    add_octet(w, 0);
    return mark;
}

static void add_header(struct chy_der_writer *w, uint8_t tag, uint64_t len)
{
    uint32_t octets = length_octets(len);
    if (have_room(w, 2 + (uint64_t)octets)) {
        w->ptr[w->len] = tag;
        put_length(w->ptr + w->len + 1, len, octets);
        w->len += 2 + (uint64_t)octets;
    }
}

void chy_der_add_element(struct chy_der_writer *w, uint8_t tag, struct chy_slice contents)
{
    add_header(w, tag, contents.len);
    chy_der_add_raw(w, contents);
}

static void add_magnitude(struct chy_der_writer *w, uint8_t tag, struct chy_slice magnitude)
{
    while (magnitude.len > 0 && magnitude.ptr[0] == 0) {
        magnitude.ptr++;
        magnitude.len--;
    }
    bool zero_first = magnitude.len == 0 || (magnitude.ptr[0] & 0x80) != 0;
    add_header(w, tag, magnitude.len + (zero_first ? 1 : 0));
    if (zero_first) {
        add_octet(w, 0);
    }
    chy_der_add_raw(w, magnitude);
}

void chy_der_add_magnitude(struct chy_der_writer *w, struct chy_slice magnitude)
{
    add_magnitude(w, CHY_DER_INTEGER, magnitude);
}

void chy_der_add_u64(struct chy_der_writer *w, uint8_t tag, uint64_t value)
{
    uint8_t octets[8];
    for (uint32_t i = 0; i < 8; i++) {
        octets[i] = (uint8_t)(value >> (56 - 8 * i));
    }
    add_magnitude(w, tag, chy_slice_of(octets, sizeof octets));
}

void chy_der_add_true(struct chy_der_writer *w)
{
    static const uint8_t element[] = {CHY_DER_BOOLEAN, 1, 0xff};
    chy_der_add_raw(w, chy_slice_of(element, sizeof element));
}

void chy_der_add_octets(struct chy_der_writer *w, struct chy_slice octets)
{
    chy_der_add_element(w, CHY_DER_OCTET_STRING, octets);
}

void chy_der_add_bits(struct chy_der_writer *w, struct chy_slice octets)
{
    add_header(w, CHY_DER_BIT_STRING, octets.len + 1);
    add_octet(w, 0);
    chy_der_add_raw(w, octets);
}

void chy_der_add_named_bits(struct chy_der_writer *w, uint8_t tag, uint32_t mask)
{
    uint8_t contents[5] = {0};
    uint64_t len = 1;
    for (uint32_t bit = 0; bit < 32; bit++) {
        if ((mask >> bit & 1U) != 0) {
            contents[1 + bit / 8] = (uint8_t)(contents[1 + bit / 8] | 0x80U >> bit % 8);
            contents[0] = (uint8_t)(7 - bit % 8);
            len = 2 + bit / 8;
        }
    }
    chy_der_add_element(w, tag, chy_slice_of(contents, len));
}

static void put_two_digits(uint8_t *at, int32_t number)
{
    at[0] = (uint8_t)('0' + number / 10);
    at[1] = (uint8_t)('0' + number % 10);
}

static void add_time(struct chy_der_writer *w, int64_t time, bool generalized)
{
    struct chy_civil civil;
    uint8_t text[14];
    if (time < CHY_TIME_MIN || time > CHY_TIME_MAX) {
        w->failed = true; // no such date in X.509
        return;
    }
    chy_time_to_civil(time, &civil);
    if (civil.year < 1950 && !generalized) {
        w->failed = true;
        return;
    }
    bool long_year = generalized || civil.year >= 2050;
    put_two_digits(text, civil.year / 100);
    put_two_digits(text + 2, civil.year % 100);
    put_two_digits(text + 4, civil.month);
    put_two_digits(text + 6, civil.day);
    put_two_digits(text + 8, civil.hour);
    put_two_digits(text + 10, civil.minute);
    put_two_digits(text + 12, civil.second);
    // The offset is always Z.
    uint64_t skip = long_year ? 0 : 2;
    add_header(w, long_year ? CHY_DER_GENERALIZED_TIME : CHY_DER_UTC_TIME, 15 - skip);
    chy_der_add_raw(w, chy_slice_of(text + skip, 14 - skip));
    add_octet(w, 'Z');
}

void chy_der_add_time(struct chy_der_writer *w, int64_t time)
{
    add_time(w, time, false);
}

void chy_der_add_generalized_time(struct chy_der_writer *w, int64_t time)
{
    add_time(w, time, true);
}
