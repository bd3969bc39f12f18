#include "enroll/decision.h"

#include "base/buf.h"
#include "base/time.h"
#include "plugin/view.h"

#define DECISION_MAX ((size_t)512 << 10)

void chy_decision_note(struct chy_op *op, struct chy_decision *decision, const char *format, ...)
{
    char text[CHY_MESSAGE_MAX];
    va_list arguments;
    if (decision->note_count >= CHY_NOTES_MAX) {
        return;
    }
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    struct chy_slice note;
    if (chy_copy(op, chy_text(text), &note) == CHY_OK) {
        decision->notes[decision->note_count++] = note;
    }
}

uint32_t chy_decision_key_usage(const struct chy_decision *decision)
{
    if (decision->key_usage != 0) {
        return decision->key_usage;
    }
    return decision->basic_constraints.is_ca ? CHY_KU_KEY_CERT_SIGN | CHY_KU_CRL_SIGN
                                             : CHY_KU_DIGITAL_SIGNATURE;
}

static void add_key(struct chy_buf *buf, const char *key)
{
    chy_buf_add_text(buf, buf->len > 0 && buf->ptr[buf->len - 1] == '{' ? "\"" : ",\"");
    chy_buf_add_text(buf, key);
    chy_buf_add_text(buf, "\":");
}

static void add_text(struct chy_buf *buf, const char *key, struct chy_slice text)
{
    add_key(buf, key);
    chy_buf_add_json_string(buf, text);
}

static void add_number(struct chy_buf *buf, const char *key, int64_t number)
{
    add_key(buf, key);
    chy_buf_add_i64(buf, number);
}

static void add_uuid(struct chy_buf *buf, const char *key, const struct chy_uuid *uuid)
{
    char text[CHY_UUID_TEXT_SIZE];
    if (!chy_uuid_is_nil(uuid)) {
        chy_uuid_format(uuid, text);
        add_text(buf, key, chy_slice_of(text, CHY_UUID_TEXT_LEN));
    }
}

static void add_time(struct chy_buf *buf, const char *key, int64_t time)
{
    char text[CHY_TIME_TEXT_SIZE];
    chy_time_format(time, text);
    add_text(buf, key, chy_slice_of(text, CHY_TIME_TEXT_LEN));
}

static void add_typed(struct chy_buf *buf, bool first, const char *type, struct chy_slice value)
{
    chy_buf_add_text(buf, first ? "{" : ",{");
    add_text(buf, "type", chy_text(type));
    add_text(buf, "value", value);
    chy_buf_add_u8(buf, '}');
}

static void add_names(struct chy_buf *buf, const struct chy_decision *d)
{
    add_key(buf, "subject");
    chy_buf_add_u8(buf, '[');
    for (uint64_t i = 0; i < d->subject.count; i++) {
        add_typed(buf, i == 0, chy_name_type_word(d->subject.attributes[i].type),
                  d->subject.attributes[i].value);
    }
    chy_buf_add_u8(buf, ']');
    add_key(buf, "altNames");
    chy_buf_add_u8(buf, '[');
    for (uint64_t i = 0; i < d->sans.count; i++) {
        add_typed(buf, i == 0, chy_san_type_word(d->sans.items[i].type), d->sans.items[i].text);
    }
    chy_buf_add_u8(buf, ']');
}

static void add_words(struct chy_buf *buf, const char *key, uint32_t mask,
                      const char *(*word)(uint32_t bit))
{
    bool first = true;
    add_key(buf, key);
    chy_buf_add_u8(buf, '[');
    for (uint32_t bit = 1; bit != 0; bit <<= 1) {
        if ((mask & bit) != 0) {
            chy_buf_add_text(buf, first ? "" : ",");
            chy_buf_add_json_string(buf, chy_text(word(bit)));
            first = false;
        }
    }
    chy_buf_add_u8(buf, ']');
}

static void add_basic_constraints(struct chy_buf *buf, const struct chy_basic_constraints *bc)
{
    add_key(buf, "basicConstraints");
    chy_buf_add_text(buf, bc->is_ca ? "{\"isCA\":true" : "{\"isCA\":false");
    if (bc->has_path_length) {
        add_number(buf, "pathLength", bc->path_length);
    }
    chy_buf_add_u8(buf, '}');
}

chy_status chy_decision_json(struct chy_op *op, const struct chy_decision *decision,
                             struct chy_slice *out_json)
{
    struct chy_buf buf;
    chy_buf_init(&buf, op, DECISION_MAX);
    chy_buf_reserve(&buf, 1024);
    chy_buf_add_u8(&buf, '{');
    add_uuid(&buf, "projectId", &decision->project_id);
    add_uuid(&buf, "profileId", &decision->profile_id);
    add_number(&buf, "profileRevision", (int64_t)decision->profile_revision);
    add_uuid(&buf, "policyId", &decision->policy_id);
    add_number(&buf, "policyRevision", (int64_t)decision->policy_revision);
    add_uuid(&buf, "caId", &decision->authority_id);
    add_uuid(&buf, "generationId", &decision->generation_id);
    add_uuid(&buf, "applicationId", &decision->application_id);
    add_text(&buf, "method", decision->method);
    add_names(&buf, decision);
    add_words(&buf, "keyUsages", decision->key_usage, chy_key_usage_word);
    add_words(&buf, "extendedKeyUsages", decision->ekus, chy_eku_word);
    add_basic_constraints(&buf, &decision->basic_constraints);
    add_text(&buf, "keySource",
             chy_text(decision->has_csr     ? "csr"
                      : decision->keeps_key ? "reuse"
                                            : "server"));
    add_text(&buf, "keyAlgorithm", chy_text(chy_key_algorithm_name(decision->key_algorithm)));
    add_text(&buf, "signatureAlgorithm",
             chy_text(chy_signature_algorithm_name(decision->signature_algorithm)));
    add_time(&buf, "notBefore", decision->not_before);
    add_time(&buf, "notAfter", decision->not_after);
    add_number(&buf, "validity", decision->validity / CHY_US_PER_SECOND);
    if (decision->not_before_asked) {
        add_key(&buf, "notBeforeAsked");
        chy_buf_add_text(&buf, "true");
    }
    if (decision->not_after_asked) {
        add_key(&buf, "notAfterAsked");
        chy_buf_add_text(&buf, "true");
    }
    chy_buf_add_u8(&buf, '}');
    *out_json = chy_buf_slice(&buf);
    return chy_buf_ok(&buf) ? CHY_OK : chy_buf_fail(&buf, op, "the decision");
}

chy_status chy_decision_metadata(struct chy_op *op, struct chy_view metadata,
                                 struct chy_slice *out_json)
{
    if (metadata.count == 0) {
        *out_json = chy_slice_of(NULL, 0);
        return CHY_OK;
    }
    struct chy_buf buf;
    chy_buf_init(&buf, op, DECISION_MAX);
    chy_buf_add_u8(&buf, '[');
    for (uint64_t i = 0; i < metadata.count; i++) {
        const struct chy_pair *pair = (const struct chy_pair *)chy_view_item(metadata, i);
        chy_buf_add_text(&buf, i == 0 ? "{" : ",{");
        add_text(&buf, "key", pair->name);
        add_text(&buf, "value", pair->value);
        chy_buf_add_u8(&buf, '}');
    }
    chy_buf_add_u8(&buf, ']');
    *out_json = chy_buf_slice(&buf);
    return chy_buf_ok(&buf) ? CHY_OK : chy_buf_fail(&buf, op, "the metadata");
}

chy_status chy_decision_notes(struct chy_op *op, const struct chy_decision *decision,
                              struct chy_slice *out_json)
{
    if (decision->note_count == 0) {
        *out_json = chy_slice_of(NULL, 0);
        return CHY_OK;
    }
    struct chy_buf buf;
    chy_buf_init(&buf, op, DECISION_MAX);
    for (uint32_t i = 0; i < decision->note_count; i++) {
        chy_buf_add_u8(&buf, i == 0 ? '[' : ',');
        chy_buf_add_json_string(&buf, decision->notes[i]);
    }
    chy_buf_add_u8(&buf, ']');
    *out_json = chy_buf_slice(&buf);
    return chy_buf_ok(&buf) ? CHY_OK : chy_buf_fail(&buf, op, "the notes");
}
