/* For chy_json_parse(), chy_shape_new(), chy_shape_check() and chy_shape_coerce(). */
#include "fuzz.h"

#include "resource/json.h"
#include "resource/shape.h"
#include "test_op.h"

#include <assert.h>

/** A body like those of the API: every keyword of the schema language in it. */
static const char schema[] =
    "{\"type\":\"object\",\"required\":[\"id\"],\"properties\":{"
    "\"id\":{\"type\":\"string\",\"format\":\"uuid\"},"
    "\"name\":{\"type\":[\"string\",\"null\"],\"minLength\":1,\"maxLength\":8,"
    "\"pattern\":\"^[a-z]+$\",\"x-trim\":true},"
    "\"kind\":{\"type\":\"string\",\"enum\":[\"one\",\"Two\"],\"x-fold\":true},"
    "\"count\":{\"type\":\"integer\",\"minimum\":-1,\"maximum\":9},"
    "\"size\":{\"type\":\"number\",\"exclusiveMinimum\":0},"
    "\"on\":{\"type\":\"boolean\"},"
    "\"list\":{\"type\":\"array\",\"minItems\":1,\"maxItems\":3,\"uniqueItems\":true,"
    "\"items\":{\"type\":\"object\",\"properties\":{\"v\":{\"type\":\"string\"}}}}}}";

/** What the parser took, it must be able to write and take again, and find the same. */
static void check_round_trip(struct chy_op *op, const json_t *document)
{
    struct chy_slice text;
    json_t *again;
    assert(chy_json_write(op, document, &text) == CHY_OK);
    assert(chy_json_parse(op, text, &again) == CHY_OK);
    assert(json_equal(document, again));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct chy_op *op = test_op_new();
    struct chy_shape *shape = NULL;
    struct chy_shape *own = NULL;
    json_t *document;
    chy_json_setup();
    assert(chy_shape_new(op, chy_text(schema), "fuzz", &shape) == CHY_OK);
    if (chy_json_parse(op, chy_slice_of(data, size), &document) == CHY_OK) {
        check_round_trip(op, document);
        if (chy_shape_check(op, shape, document) == CHY_OK) {
            assert(json_is_object(document));
            assert(chy_json_member(document, "id").len == 36);
            assert(json_array_size(json_object_get(document, "list")) <= 3);
        }
        if (json_is_object(document)) {
            chy_shape_coerce(shape, document);
        }
        // The input may be a schema itself.
        if (chy_shape_from_json(op, document, "input", &own) == CHY_OK) {
            chy_status status = chy_shape_check(op, own, document);
            assert(status == CHY_OK || status == CHY_BAD_INPUT);
        }
        chy_shape_free(own);
    }
    chy_shape_free(shape);
    test_op_free(op);
    return 0;
}
