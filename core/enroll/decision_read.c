/** Asking again for what a stored decision says. */
#include "enroll/decision.h"

#include "base/time.h"
#include "plugin/values.h"
#include "resource/json.h"

static chy_status read_subject(struct chy_op *op, const json_t *list,
                               struct chy_enroll_request *request)
{
    size_t count = json_array_size(list);
    struct chy_subject_attribute *items = chy_alloc(op, (count + 1) * sizeof *items);
    if (items == NULL) {
        return chy_fail_memory(op);
    }
    for (size_t i = 0; i < count; i++) {
        items[i].type = chy_json_member(json_array_get(list, i), "type");
        items[i].value = chy_json_member(json_array_get(list, i), "value");
        items[i].present = 1;
    }
    request->subject = chy_view_of(items, count, sizeof *items);
    return CHY_OK;
}

static chy_status read_names(struct chy_op *op, const json_t *list,
                             struct chy_enroll_request *request)
{
    size_t count = json_array_size(list);
    struct chy_alt_name *items = chy_alloc(op, (count + 1) * sizeof *items);
    if (items == NULL) {
        return chy_fail_memory(op);
    }
    for (size_t i = 0; i < count; i++) {
        items[i].type = chy_json_member(json_array_get(list, i), "type");
        items[i].value = chy_json_member(json_array_get(list, i), "value");
    }
    request->alt_names = chy_view_of(items, count, sizeof *items);
    return CHY_OK;
}

static chy_status read_words(struct chy_op *op, const json_t *list, struct chy_view *out_words)
{
    size_t count = json_array_size(list);
    struct chy_slice *words = chy_alloc(op, (count + 1) * sizeof *words);
    if (words == NULL) {
        return chy_fail_memory(op);
    }
    for (size_t i = 0; i < count; i++) {
        words[i] = chy_json_text(json_array_get(list, i));
    }
    *out_words = chy_view_of(words, count, sizeof *words);
    return CHY_OK;
}

/** read_life gives the time it was asked for, or what it lived if that was not kept. */
static chy_status read_life(struct chy_op *op, const json_t *json,
                            struct chy_enroll_request *request)
{
    char text[32];
    int64_t begin;
    int64_t end;
    int64_t seconds = json_integer_value(json_object_get(json, "validity"));
    if (seconds <= 0 && chy_time_parse(chy_json_member(json, "notBefore"), &begin) &&
        chy_time_parse(chy_json_member(json, "notAfter"), &end)) {
        seconds = (end - begin) / CHY_US_PER_SECOND;
    }
    if (seconds <= 0) {
        return chy_fail(op, CHY_BROKEN, 0, "a stored decision does not say how long");
    }
    (void)snprintf(text, sizeof text, "%llds", (long long)seconds);
    return chy_copy(op, chy_text(text), &request->ttl);
}

chy_status chy_decision_read(struct chy_op *op, struct chy_slice text,
                             struct chy_enroll_request *out_request)
{
    struct chy_enroll_request request = {.struct_size = sizeof request, .path_length = -1};
    json_t *json;
    CHY_TRY(chy_json_parse(op, text, &json));
    CHY_TRY(read_subject(op, json_object_get(json, "subject"), &request));
    CHY_TRY(read_names(op, json_object_get(json, "altNames"), &request));
    CHY_TRY(read_words(op, json_object_get(json, "keyUsages"), &request.key_usages));
    CHY_TRY(
        read_words(op, json_object_get(json, "extendedKeyUsages"), &request.extended_key_usages));
    CHY_TRY(read_life(op, json, &request));
    const json_t *constraints = json_object_get(json, "basicConstraints");
    const json_t *length = json_object_get(constraints, "pathLength");
    request.is_ca = json_is_true(json_object_get(constraints, "isCA")) ? 1 : 0;
    request.path_length = json_is_integer(length) ? (int32_t)json_integer_value(length) : -1;
    request.key_algorithm = chy_json_member(json, "keyAlgorithm");
    request.signature_algorithm = chy_json_member(json, "signatureAlgorithm");
    request.method = chy_json_member(json, "method");
    request.profile_id = chy_json_member(json, "profileId");
    request.application_id = chy_json_member(json, "applicationId");
    request.flags = CHY_ENROLL_KEY_USAGES | CHY_ENROLL_EXT_KEY_USAGES | CHY_ENROLL_ALT_NAMES |
                    CHY_ENROLL_BASIC_CONSTRAINTS;
    *out_request = request;
    return CHY_OK;
}

chy_status chy_decision_again(struct chy_op *op, struct chy_slice text,
                              struct chy_enroll_request *out_request)
{
    struct chy_enroll_request request;
    json_t *json;
    CHY_TRY(chy_decision_read(op, text, &request));
    CHY_TRY(chy_json_parse(op, text, &json));
    bool begins = json_is_true(json_object_get(json, "notBeforeAsked"));
    if (begins) {
        request.not_before = chy_json_member(json, "notBefore");
    }
    if (begins || json_is_true(json_object_get(json, "notAfterAsked"))) {
        request.not_after = chy_json_member(json, "notAfter");
        request.ttl = chy_slice_of(NULL, 0);
    }
    *out_request = request;
    return CHY_OK;
}

chy_status chy_decision_alike(struct chy_op *op, struct chy_slice one, struct chy_slice other,
                              bool *out_alike)
{
    static const char *const said[] = {"subject",           "altNames",         "keyUsages",
                                       "extendedKeyUsages", "basicConstraints", "keyAlgorithm"};
    json_t *a;
    json_t *b;
    bool alike = true;
    CHY_TRY(chy_json_parse(op, one, &a));
    CHY_TRY(chy_json_parse(op, other, &b));
    for (size_t i = 0; i < sizeof said / sizeof said[0] && alike; i++) {
        alike = json_equal(json_object_get(a, said[i]), json_object_get(b, said[i])) != 0;
    }
    bool by_date = json_is_true(json_object_get(a, "notAfterAsked")) &&
                   json_is_true(json_object_get(b, "notAfterAsked"));
    const char *life = by_date ? "notAfter" : "validity";
    *out_alike = alike && json_equal(json_object_get(a, life), json_object_get(b, life)) != 0;
    return CHY_OK;
}
