/**
 * An append-only DER writer with nested elements and a sticky failure: add everything, check once.
 *
 * chy_der_open() starts an element, chy_der_close() puts its length in.  The storage is the
 * caller's buffer, or the operation's arena, where it grows up to a ceiling.  After a failure every
 * call is a no-op and chy_der_written() is false.
 */
#ifndef CHY_X509_DER_WRITE_H
#define CHY_X509_DER_WRITE_H

#include "x509/der_read.h"

struct chy_op;

struct chy_der_writer {
    uint8_t *ptr;
    uint64_t len;
    uint64_t size;     /**< what is at ptr */
    uint64_t max;      /**< what may ever be */
    struct chy_op *op; /**< NULL: the buffer is the caller's and does not grow */
    bool failed;
};

/** chy_der_writer_over writes into `buffer` and never beyond it. */
struct chy_der_writer chy_der_writer_over(struct chy_buffer buffer);

/** chy_der_writer_new writes into the arena of `op`: `size` octets at first, never beyond `max`. */
struct chy_der_writer chy_der_writer_new(struct chy_op *op, uint64_t size, uint64_t max);

/** chy_der_written yields what was written; false after any failure. */
CHY_MUST_USE bool chy_der_written(const struct chy_der_writer *w, struct chy_slice *out_der);

/** chy_der_finish is chy_der_written with the status and message that a failure deserves. */
CHY_MUST_USE chy_status chy_der_finish(struct chy_op *op, const struct chy_der_writer *w,
                                       struct chy_slice *out_der);

/** chy_der_open starts an element; close it with what this returned, innermost first. */
CHY_MUST_USE uint64_t chy_der_open(struct chy_der_writer *w, uint8_t tag);
void chy_der_close(struct chy_der_writer *w, uint64_t mark);

/** chy_der_open_bits starts a BIT STRING of whole octets; chy_der_close() ends it. */
CHY_MUST_USE uint64_t chy_der_open_bits(struct chy_der_writer *w);

/** chy_der_add_raw appends bytes as they are: elements made elsewhere, or contents. */
void chy_der_add_raw(struct chy_der_writer *w, struct chy_slice bytes);

/** chy_der_add_element appends one whole element. */
void chy_der_add_element(struct chy_der_writer *w, uint8_t tag, struct chy_slice contents);

/** chy_der_add_magnitude appends a non-negative INTEGER of big-endian octets. */
void chy_der_add_magnitude(struct chy_der_writer *w, struct chy_slice magnitude);

/** chy_der_add_u64 appends a non-negative integer under `tag` (CHY_DER_INTEGER, ENUMERATED …). */
void chy_der_add_u64(struct chy_der_writer *w, uint8_t tag, uint64_t value);

/** chy_der_add_true appends BOOLEAN TRUE; FALSE is a default and never written. */
void chy_der_add_true(struct chy_der_writer *w);

/** chy_der_add_octets appends an OCTET STRING. */
void chy_der_add_octets(struct chy_der_writer *w, struct chy_slice octets);

/** chy_der_add_bits appends a BIT STRING of whole octets. */
void chy_der_add_bits(struct chy_der_writer *w, struct chy_slice octets);

/** chy_der_add_named_bits appends a BIT STRING of named bits under `tag`, minimal as DER wants. */
void chy_der_add_named_bits(struct chy_der_writer *w, uint8_t tag, uint32_t mask);

/** chy_der_add_time appends a time, cut to the second: UTCTime from 1950 through 2049,
 *  GeneralizedTime after (RFC 5280 4.1.2.5).  Years before 1950 or beyond 9999 fail. */
void chy_der_add_time(struct chy_der_writer *w, int64_t time);

/** chy_der_add_generalized_time appends a GeneralizedTime whatever the year. */
void chy_der_add_generalized_time(struct chy_der_writer *w, int64_t time);

#endif
