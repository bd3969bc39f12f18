#include "api.h"

#include <strings.h>

/** Members of `attributes` and the attribute types they mean.  Two real clients write `ou` and
 *  `province`. */
static const struct {
    const char *member;
    const char *type;
} subject_members[] = {
    {"commonName", "common_name"},
    {"organization", "organization"},
    {"organizationalUnit", "organizational_unit"},
    {"ou", "organizational_unit"},
    {"country", "country"},
    {"state", "state"},
    {"province", "state"},
    {"locality", "locality"},
};
#define SUBJECT_MEMBERS (sizeof subject_members / sizeof subject_members[0])

static struct chy_view view_of(const void *ptr, uint64_t count, uint64_t stride)
{
    struct chy_view view = {ptr, count, stride};
    return view;
}

static chy_status read_subject(struct chy_op *op, const json_t *attributes,
                               struct chy_enroll_request *request)
{
    const json_t *components = json_object_get(attributes, "domainComponents");
    size_t room = SUBJECT_MEMBERS + json_array_size(components) + 1;
    struct chy_subject_attribute *items = chy_alloc(op, room * sizeof *items);
    uint64_t count = 0;
    if (items == NULL) {
        return chy_fail_memory(op);
    }
    for (size_t i = 0; i < SUBJECT_MEMBERS; i++) {
        const json_t *value = json_object_get(attributes, subject_members[i].member);
        if (value != NULL) {
            items[count].type = chy_text(subject_members[i].type);
            items[count].value = api_text(value);
            items[count++].present = json_is_string(value) ? 1 : 0;
        }
    }
    if (json_is_null(components)) {
        items[count++].type = chy_text("domain_component"); // present 0: not the default either
    }
    for (size_t i = 0; i < json_array_size(components); i++) {
        items[count].type = chy_text("domain_component");
        items[count].value = api_text(json_array_get(components, i));
        items[count++].present = 1;
    }
    request->subject = view_of(items, count, sizeof *items);
    return CHY_OK;
}

static chy_status read_words(struct chy_op *op, const json_t *list, uint32_t flag,
                             struct chy_enroll_request *request, struct chy_view *out_words)
{
    size_t count = json_array_size(list);
    struct chy_slice *words = chy_alloc(op, (count + 1) * sizeof *words);
    if (words == NULL) {
        return chy_fail_memory(op);
    }
    for (size_t i = 0; i < count; i++) {
        words[i] = api_text(json_array_get(list, i));
    }
    if (json_is_array(list)) {
        request->flags |= flag;
    }
    *out_words = view_of(words, count, sizeof *words);
    return CHY_OK;
}

static chy_status read_alt_names(struct chy_op *op, const json_t *list,
                                 struct chy_enroll_request *request)
{
    size_t count = json_array_size(list);
    struct chy_alt_name *names = chy_alloc(op, (count + 1) * sizeof *names);
    if (names == NULL) {
        return chy_fail_memory(op);
    }
    for (size_t i = 0; i < count; i++) {
        names[i].type = api_text(json_object_get(json_array_get(list, i), "type"));
        names[i].value = api_text(json_object_get(json_array_get(list, i), "value"));
    }
    if (json_is_array(list)) {
        request->flags |= CHY_ENROLL_ALT_NAMES;
    }
    request->alt_names = view_of(names, count, sizeof *names);
    return CHY_OK;
}

static chy_status read_metadata(struct chy_op *op, const json_t *list,
                                struct chy_enroll_request *request)
{
    size_t count = json_array_size(list);
    struct chy_pair *pairs = chy_alloc(op, (count + 1) * sizeof *pairs);
    if (pairs == NULL) {
        return chy_fail_memory(op);
    }
    for (size_t i = 0; i < count; i++) {
        pairs[i].name = api_text(json_object_get(json_array_get(list, i), "key"));
        pairs[i].value = api_text(json_object_get(json_array_get(list, i), "value"));
    }
    request->metadata = view_of(pairs, count, sizeof *pairs);
    return CHY_OK;
}

static void read_basic_constraints(const json_t *json, struct chy_enroll_request *request)
{
    const json_t *path_length = json_object_get(json, "pathLength");
    request->path_length = -1;
    if (!json_is_object(json)) {
        return;
    }
    request->flags |= CHY_ENROLL_BASIC_CONSTRAINTS;
    request->is_ca = json_is_true(json_object_get(json, "isCA")) ? 1 : 0;
    if (json_is_integer(path_length)) {
        request->path_length = (int32_t)json_integer_value(path_length);
    }
}

static bool is_true(const json_t *json)
{
    return json_is_true(json) ||
           (json_is_string(json) && strcasecmp(json_string_value(json), "true") == 0);
}

static chy_status read_request(struct chy_op *op, const json_t *body,
                               struct chy_enroll_request *request)
{
    const json_t *attributes = json_object_get(body, "attributes");
    request->method = chy_text("api");
    request->profile_id = api_text(json_object_get(body, "profileId"));
    request->authority_id = api_text(json_object_get(body, "caId"));
    request->application_id = api_text(json_object_get(body, "applicationId"));
    request->csr = api_text(json_object_get(body, "csr"));
    request->key_algorithm = api_text(json_object_get(attributes, "keyAlgorithm"));
    request->signature_algorithm = api_text(json_object_get(attributes, "signatureAlgorithm"));
    request->ttl = api_text(json_object_get(attributes, "ttl"));
    request->not_before = api_text(json_object_get(attributes, "notBefore"));
    request->not_after = api_text(json_object_get(attributes, "notAfter"));
    read_basic_constraints(json_object_get(attributes, "basicConstraints"), request);
    // The certificate agent writes the switch inside `attributes`.
    if (is_true(json_object_get(body, "removeRootsFromChain")) ||
        is_true(json_object_get(attributes, "removeRootsFromChain"))) {
        request->flags |= CHY_ENROLL_REMOVE_ROOTS;
    }
    CHY_TRY(read_subject(op, attributes, request));
    CHY_TRY(read_words(op, json_object_get(attributes, "keyUsages"), CHY_ENROLL_KEY_USAGES, request,
                       &request->key_usages));
    CHY_TRY(read_words(op, json_object_get(attributes, "extendedKeyUsages"),
                       CHY_ENROLL_EXT_KEY_USAGES, request, &request->extended_key_usages));
    CHY_TRY(read_alt_names(op, json_object_get(attributes, "altNames"), request));
    return read_metadata(op, json_object_get(body, "metadata"), request);
}

/* ------------------------------------------------------------------------------------------------
 * The answer, written straight into one block: PEM needs no more escaping than its line ends
 */

struct writer {
    char *at;
};

static void put(struct writer *w, const char *text)
{
    size_t len = strlen(text);
    memcpy(w->at, text, len);
    w->at += len;
}

static void put_string(struct writer *w, struct chy_slice text)
{
    static const char digits[] = "0123456789abcdef";
    *w->at++ = '"';
    for (uint64_t i = 0; i < text.len; i++) {
        uint8_t c = text.ptr[i];
        if (c == '\n') {
            put(w, "\\n");
        } else if (c == '"' || c == '\\') {
            *w->at++ = '\\';
            *w->at++ = (char)c;
        } else if (c < 0x20) {
            put(w, "\\u00");
            *w->at++ = digits[c >> 4];
            *w->at++ = digits[c & 15];
        } else {
            *w->at++ = (char)c;
        }
    }
    *w->at++ = '"';
}

static void put_member(struct writer *w, const char *name, struct chy_slice text)
{
    put(w, "\"");
    put(w, name);
    put(w, "\":");
    put_string(w, text);
    put(w, ",");
}

/** room_for bounds what put_string() writes: six characters for each, and the quotes. */
static uint64_t room_for(struct chy_slice text)
{
    return text.len * 6 + 2;
}

static uint64_t answer_room(const struct chy_enroll_answer *answer)
{
    uint64_t room = 1024 + room_for(answer->message) + room_for(answer->certificate_pem) +
                    room_for(answer->issuer_pem) + room_for(answer->chain_pem) +
                    room_for(answer->private_key_pem);
    for (uint64_t i = 0; i < answer->adjustments.count; i++) {
        room += room_for(*(const struct chy_slice *)chy_view_at(answer->adjustments, i)) + 1;
    }
    return room;
}

static const char *state_word(uint32_t state)
{
    switch ((enum chy_enroll_state)state) {
    case CHY_ENROLL_ISSUED: return "issued";
    case CHY_ENROLL_PENDING: return "pending";
    case CHY_ENROLL_PENDING_APPROVAL: return "pending_approval";
    case CHY_ENROLL_REJECTED:
    case CHY_ENROLL_CANCELLED:
    case CHY_ENROLL_FAILED: return "failed"; // all that clients know how to end on
    }
    return "failed";
}

static void put_members(struct writer *w, const struct chy_enroll_answer *answer)
{
    put_member(w, "certificate", answer->certificate_pem);
    put_member(w, "issuingCaCertificate", answer->issuer_pem);
    put_member(w, "certificateChain", answer->chain_pem);
    if (answer->private_key_pem.len != 0) {
        put_member(w, "privateKey", answer->private_key_pem);
    }
    put_member(w, "serialNumber", answer->serial_number);
    put_member(w, "certificateId", answer->certificate_id);
}

static void put_certificate(struct writer *w, const struct chy_enroll_answer *answer, bool flat)
{
    if (flat) {
        put_members(w, answer);
    } else if (answer->state != CHY_ENROLL_ISSUED) {
        put(w, "\"certificate\":null,");
    } else {
        put(w, "\"certificate\":{");
        put_members(w, answer);
        w->at[-1] = '}'; // over the last comma
        put(w, ",");
    }
}

static void put_adjustments(struct writer *w, struct chy_view adjustments)
{
    if (adjustments.count == 0) {
        return;
    }
    put(w, "\"adjustments\":[");
    for (uint64_t i = 0; i < adjustments.count; i++) {
        put_string(w, *(const struct chy_slice *)chy_view_at(adjustments, i));
        put(w, ",");
    }
    w->at[-1] = ']';
    put(w, ",");
}

/** write_answer writes what became of a request; a flat answer has no member `certificate` around
 *  the certificate, as renewals and older routes have it. */
static chy_status write_answer(struct chy_op *op, const struct chy_enroll_answer *answer, bool flat,
                               struct chy_http_answer *out_answer)
{
    bool secret = answer->private_key_pem.len != 0;
    uint64_t room = answer_room(answer);
    char *text = secret ? chy_secret_alloc(op, room) : chy_alloc(op, room);
    struct writer w = {text};
    if (text == NULL) {
        return chy_fail_memory(op);
    }
    put(&w, "{");
    put_certificate(&w, answer, flat);
    put_adjustments(&w, answer->adjustments);
    if (answer->message.len != 0) {
        put_member(&w, "message", answer->message);
    }
    put_member(&w, "status", chy_text(state_word(answer->state)));
    put_member(&w, "certificateRequestId", answer->request_id);
    w.at[-1] = '}';
    out_answer->media_type = chy_text("application/json");
    out_answer->body = chy_slice_of(text, (uint64_t)(w.at - text));
    out_answer->flags |= secret ? (uint32_t)CHY_HTTP_SECRET : 0U;
    return CHY_OK;
}

chy_status api_enroll(struct chy_op *op, const json_t *body, bool flat,
                      struct chy_http_answer *out_answer)
{
    struct chy_enroll_request wanted = {.struct_size = sizeof wanted};
    struct chy_enroll_answer answer = {.struct_size = sizeof answer};
    CHY_TRY(read_request(op, body, &wanted));
    CHY_TRY(chy_enroll(op, &wanted, &answer));
    return write_answer(op, &answer, flat, out_answer);
}

chy_status api_issue(void *self, struct chy_op *op, const struct chy_route *route,
                     const struct chy_http_request *request, struct chy_http_answer *out_answer)
{
    (void)self;
    (void)route;
    json_t *body;
    CHY_TRY(api_read(op, request->body, &body));
    chy_status status = api_enroll(op, body, false, out_answer);
    // Freed by the thread that made it: what changes threads costs the allocator's locks.
    json_decref(body);
    return status;
}

/* ------------------------------------------------------------------------------------------------
 * Renewing
 */

/** given tells of a member whether it is there: null, too, takes the old certificate's place. */
static uint32_t given(const json_t *object, const char *member, uint32_t flag)
{
    return json_object_get(object, member) == NULL ? 0 : flag;
}

static uint32_t key_source_of(const json_t *word)
{
    struct chy_slice text = api_text(word);
    return chy_slice_is(text, "new")     ? CHY_RENEW_KEY_NEW
           : chy_slice_is(text, "reuse") ? CHY_RENEW_KEY_REUSE
           : chy_slice_is(text, "csr")   ? CHY_RENEW_KEY_CSR
                                         : CHY_RENEW_KEY_DEFAULT;
}

static chy_status read_renewal(struct chy_op *op, const json_t *body, struct chy_slice id,
                               struct chy_renew_request *wanted)
{
    struct chy_enroll_request like = {.struct_size = sizeof like};
    const json_t *attributes = json_object_get(body, "attributes");
    CHY_TRY(read_request(op, body, &like));
    *wanted = (struct chy_renew_request){
        .struct_size = sizeof *wanted,
        .flags = like.flags | given(attributes, "altNames", CHY_ENROLL_ALT_NAMES) |
                 given(attributes, "keyUsages", CHY_ENROLL_KEY_USAGES) |
                 given(attributes, "extendedKeyUsages", CHY_ENROLL_EXT_KEY_USAGES) |
                 given(attributes, "basicConstraints", CHY_ENROLL_BASIC_CONSTRAINTS) |
                 given(attributes, "keyAlgorithm", CHY_ENROLL_KEY_ALGORITHM) |
                 given(attributes, "signatureAlgorithm", CHY_ENROLL_SIGNATURE_ALGORITHM) |
                 given(body, "metadata", CHY_ENROLL_METADATA),
        .method = chy_text("api"),
        .certificate_id = id,
        .key_source = key_source_of(json_object_get(body, "renewalKeySource")),
        .csr = like.csr,
        .ttl = like.ttl,
        .not_before = like.not_before,
        .not_after = like.not_after,
        .subject = like.subject,
        .alt_names = like.alt_names,
        .key_usages = like.key_usages,
        .extended_key_usages = like.extended_key_usages,
        .key_algorithm = like.key_algorithm,
        .signature_algorithm = like.signature_algorithm,
        .metadata = like.metadata,
        .is_ca = like.is_ca,
        .path_length = like.path_length,
    };
    return CHY_OK;
}

static chy_status renew(struct chy_op *op, const json_t *body, struct chy_slice id,
                        struct chy_http_answer *out_answer)
{
    struct chy_renew_request wanted;
    struct chy_enroll_answer answer = {.struct_size = sizeof answer};
    CHY_TRY(read_renewal(op, body, id, &wanted));
    CHY_TRY(chy_renew(op, &wanted, &answer));
    return write_answer(op, &answer, true, out_answer);
}

chy_status api_renew(void *self, struct chy_op *op, const struct chy_route *route,
                     const struct chy_http_request *request, struct chy_http_answer *out_answer)
{
    (void)self;
    (void)route;
    json_t *body = NULL;
    if (request->body.len != 0) {
        CHY_TRY(api_read(op, request->body, &body));
    }
    chy_status status = renew(op, body, api_parameter(request->parameters, "id"), out_answer);
    json_decref(body);
    return status;
}
