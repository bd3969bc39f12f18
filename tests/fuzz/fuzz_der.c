/* Target functions: all of x509/der_read.h, and those of x509/der_write.h that undo them. */
#include "x509/der_read.h"
#include "x509/der_write.h"
#include "x509/oid.h"
#include "x509_fuzz.h"

/** Whatever was read as a value is written as the very same octets. */
static void rewrite(struct chy_der_writer *w, struct chy_slice element)
{
    struct chy_der reader = chy_der_of(element);
    struct chy_slice octets;
    uint64_t number;
    uint32_t mask;
    int64_t time;
    bool flag;
    struct chy_slice written;
    char text[CHY_OID_TEXT_SIZE];
    w->len = 0;
    if (chy_der_u64(&reader, &number)) {
        chy_der_add_u64(w, CHY_DER_INTEGER, number);
    } else if (chy_der_magnitude(&reader, &octets)) {
        chy_der_add_magnitude(w, octets);
    } else if (chy_der_named_bits(&reader, CHY_DER_BIT_STRING, &mask)) {
        chy_der_add_named_bits(w, CHY_DER_BIT_STRING, mask);
    } else if (chy_der_bits(&reader, &octets)) {
        chy_der_add_bits(w, octets);
    } else if (chy_der_octets(&reader, &octets)) {
        chy_der_add_octets(w, octets);
    } else if (chy_der_time(&reader, &time)) {
        chy_der_add_time(w, time);
    } else if (chy_der_oid(&reader, &octets)) {
        MUST(chy_oid_describe(octets, text) == text);
        chy_der_add_element(w, CHY_DER_OID, octets);
    } else if (chy_der_boolean(&reader, &flag) && flag) {
        chy_der_add_true(w);
    } else {
        return;
    }
    MUST(chy_der_done(&reader));
    MUST(chy_der_written(w, &written) && chy_slice_equal(written, element));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct chy_slice input = chy_slice_of(data, size);
    struct chy_der reader = chy_der_of(input);
    uint8_t *storage = malloc(size + 16);
    MUST(storage != NULL);
    struct chy_der_writer w = chy_der_writer_over((struct chy_buffer){storage, size + 16});
    while (!chy_der_done(&reader)) {
        struct chy_der before = reader;
        struct chy_der again = reader;
        struct chy_slice contents;
        struct chy_slice element;
        struct chy_slice written;
        uint8_t tag;
        bool any = chy_der_any(&reader, &tag, &contents);
        MUST(any == chy_der_whole(&again, &element));
        if (!any) {
            MUST(reader.rest.ptr == before.rest.ptr && reader.rest.len == before.rest.len);
            break;
        }
        // Every octet is accounted for, and nothing lies outside.
        MUST(again.rest.ptr == reader.rest.ptr && again.rest.len == reader.rest.len);
        MUST(element.ptr == before.rest.ptr && element.len + reader.rest.len == before.rest.len);
        MUST(within(contents, element));
        w.len = 0;
        chy_der_add_element(&w, tag, contents);
        MUST(chy_der_written(&w, &written) && chy_slice_equal(written, element));
        w.len = 0;
        uint64_t mark = chy_der_open(&w, tag);
        chy_der_add_raw(&w, contents);
        chy_der_close(&w, mark);
        MUST(chy_der_written(&w, &written) && chy_slice_equal(written, element));
        rewrite(&w, element);
        if ((tag & 0x20) != 0) {
            reader = chy_der_of(contents); // goes down, never back: no stack to exhaust
        }
    }
    free(storage);
    return 0;
}
