#include "enroll/rules.h"

#include "base/buf.h"
#include "base/glob.h"
#include "base/op.h"
#include "base/time.h"
#include "enroll/memory.h"
#include "resource/json.h"

/* ------------------------------------------------------------------------------------------------
 * Reading a policy
 */

static chy_status parse_member(struct chy_op *op, struct chy_slice text, json_t **out_json)
{
    *out_json = NULL;
    return text.len == 0 ? CHY_OK : chy_json_parse(op, text, out_json);
}

static chy_status read_patterns(struct chy_op *op, const json_t *list,
                                struct chy_patterns *out_patterns)
{
    size_t count = json_array_size(list);
    struct chy_slice *items = chy_alloc(op, (count + 1) * sizeof *items);
    if (items == NULL) {
        return chy_fail_memory(op);
    }
    for (size_t i = 0; i < count; i++) {
        items[i] = chy_json_text(json_array_get(list, i));
    }
    out_patterns->items = items;
    out_patterns->count = count;
    return CHY_OK;
}

static chy_status read_value_rule(struct chy_op *op, const json_t *json,
                                  struct chy_value_rule *rule)
{
    const json_t *wildcards = json_object_get(json, "wildcards");
    rule->is_there = true;
    rule->wildcards = wildcards == NULL || !json_is_false(wildcards);
    CHY_TRY(read_patterns(op, json_object_get(json, "allowed"), &rule->allowed));
    CHY_TRY(read_patterns(op, json_object_get(json, "required"), &rule->required));
    return read_patterns(op, json_object_get(json, "denied"), &rule->denied);
}

/** split_host finds the part of a name that compares without regard to case. */
static bool split_host(enum chy_san_type type, struct chy_slice value, uint64_t *out_start,
                       uint64_t *out_end)
{
    uint64_t start = 0;
    uint64_t end = value.len;
    if (type == CHY_SAN_EMAIL) {
        while (end > start && value.ptr[end - 1] != '@') {
            end--;
        }
        *out_start = end;
        *out_end = value.len;
        return end != start;
    }
    for (; start + 2 < value.len; start++) { // scheme://host
        if (memcmp(value.ptr + start, "://", 3) == 0) {
            *out_start = 0; // the scheme ignores case too
            for (end = start + 3; end < value.len && value.ptr[end] != '/'; end++) {
            }
            *out_end = end;
            return true;
        }
    }
    return false;
}

static struct chy_slice in_canonical_form(struct chy_op *op, enum chy_san_type type,
                                          struct chy_slice text)
{
    uint64_t start = 0;
    uint64_t end = text.len;
    struct chy_slice copy;
    struct chy_san san;
    bool all = type == CHY_SAN_DNS || type == CHY_SAN_IP;
    // What is a name itself is written as names are: a U-label or an IPv6 address in another
    // spelling would match nothing, which in a list of denied ones lets everything pass.
    if (chy_san_make(op, type, text, &san) == CHY_OK) {
        return san.text;
    }
    if ((!all && !split_host(type, text, &start, &end)) || chy_copy(op, text, &copy) != CHY_OK) {
        return text;
    }
    uint8_t *bytes = (uint8_t *)(uintptr_t)copy.ptr;
    for (uint64_t i = start; i < end; i++) {
        bytes[i] = bytes[i] >= 'A' && bytes[i] <= 'Z' ? (uint8_t)(bytes[i] | 0x20U) : bytes[i];
    }
    return copy;
}

/** canonical_patterns brings patterns into the form in which canonical names are. */
static chy_status canonical_patterns(struct chy_op *op, enum chy_san_type type,
                                     const struct chy_patterns *patterns,
                                     struct chy_patterns *out_patterns)
{
    struct chy_slice *items = chy_alloc(op, (patterns->count + 1) * sizeof *items);
    if (items == NULL) {
        return chy_fail_memory(op);
    }
    for (uint64_t i = 0; i < patterns->count; i++) {
        items[i] = in_canonical_form(op, type, patterns->items[i]);
    }
    out_patterns->items = items;
    out_patterns->count = patterns->count;
    return CHY_OK;
}

static chy_status canonical_rule(struct chy_op *op, enum chy_san_type type,
                                 const struct chy_value_rule *rule, struct chy_value_rule *out_rule)
{
    *out_rule = *rule;
    CHY_TRY(canonical_patterns(op, type, &rule->allowed, &out_rule->allowed));
    CHY_TRY(canonical_patterns(op, type, &rule->required, &out_rule->required));
    return canonical_patterns(op, type, &rule->denied, &out_rule->denied);
}

static chy_status read_subject(struct chy_op *op, const json_t *list, struct chy_rules *rules)
{
    size_t i;
    json_t *json;
    json_array_foreach((json_t *)(uintptr_t)list, i, json)
    {
        enum chy_name_type type;
        if (!chy_name_type_find(chy_json_member(json, "type"), &type)) {
            return chy_fail(op, CHY_BROKEN, 0, "a stored policy has an unknown subject type");
        }
        CHY_TRY(read_value_rule(op, json, &rules->subject[type]));
    }
    return CHY_OK;
}

static chy_status read_names(struct chy_op *op, const json_t *list, struct chy_rules *rules)
{
    size_t i;
    json_t *json;
    json_array_foreach((json_t *)(uintptr_t)list, i, json)
    {
        enum chy_san_type type;
        if (!chy_san_type_find(chy_json_member(json, "type"), &type)) {
            return chy_fail(op, CHY_BROKEN, 0, "a stored policy has an unknown name type");
        }
        struct chy_value_rule as_written = {.is_there = true};
        CHY_TRY(read_value_rule(op, json, &as_written));
        CHY_TRY(canonical_rule(op, type, &as_written, &rules->names[type]));
    }
    return CHY_OK;
}

uint32_t chy_rules_mask(const json_t *list, uint32_t (*find)(struct chy_slice word))
{
    uint32_t mask = 0;
    size_t i;
    json_t *word;
    json_array_foreach((json_t *)(uintptr_t)list, i, word)
    {
        mask |= find(chy_json_text(word));
    }
    return mask;
}

static void read_usages(const json_t *json, uint32_t (*find)(struct chy_slice word),
                        struct chy_usage_rule *rule)
{
    rule->is_there = json_is_object(json);
    rule->allowed = chy_rules_mask(json_object_get(json, "allowed"), find);
    rule->required = chy_rules_mask(json_object_get(json, "required"), find);
    rule->denied = chy_rules_mask(json_object_get(json, "denied"), find);
}

static void read_algorithms(const json_t *list, uint32_t (*find)(struct chy_slice word),
                            struct chy_algorithm_rule *rule)
{
    size_t i;
    json_t *word;
    rule->is_there = json_array_size(list) != 0;
    json_array_foreach((json_t *)(uintptr_t)list, i, word)
    {
        uint32_t id = find(chy_json_text(word));
        if (id != 0 && rule->count < CHY_ALGORITHMS_MAX) { // a name nobody has matches nothing
            rule->ids[rule->count++] = id;
        }
    }
}

static void read_basic_constraints(const json_t *json, struct chy_rules *rules)
{
    const json_t *max = json_object_get(json, "maxPathLength");
    struct chy_slice state = chy_json_member(json, "isCA");
    rules->max_path_length = json_is_integer(max) ? (int32_t)json_integer_value(max) : -1;
    rules->ca = chy_slice_is(state, "required")  ? CHY_CA_REQUIRED
                : chy_slice_is(state, "allowed") ? CHY_CA_ALLOWED
                                                 : CHY_CA_DENIED;
}

static chy_status read_validity(struct chy_op *op, const json_t *json, struct chy_rules *rules)
{
    struct chy_slice max = chy_json_member(json, "max");
    if (max.len != 0 && !chy_duration_parse_policy(max, &rules->max_validity)) {
        return chy_fail(op, CHY_BROKEN, 0, "a stored policy has a malformed validity");
    }
    return CHY_OK;
}

static chy_status read_policy(struct chy_rules *rules, struct chy_op *memory,
                              const struct chy_policy_text *policy)
{
    json_t *json;
    CHY_TRY(parse_member(memory, policy->subject, &json));
    CHY_TRY(read_subject(memory, json, rules));
    CHY_TRY(parse_member(memory, policy->sans, &json));
    CHY_TRY(read_names(memory, json, rules));
    CHY_TRY(parse_member(memory, policy->key_usages, &json));
    read_usages(json, chy_key_usage_find, &rules->key_usage);
    CHY_TRY(parse_member(memory, policy->extended_key_usages, &json));
    read_usages(json, chy_eku_find, &rules->ekus);
    CHY_TRY(parse_member(memory, policy->algorithms, &json));
    read_algorithms(json_object_get(json, "signature"), chy_signature_algorithm_find,
                    &rules->signatures);
    read_algorithms(json_object_get(json, "keyAlgorithm"), chy_key_algorithm_find, &rules->keys);
    CHY_TRY(parse_member(memory, policy->basic_constraints, &json));
    read_basic_constraints(json, rules);
    CHY_TRY(parse_member(memory, policy->validity, &json));
    return read_validity(memory, json, rules);
}

chy_status chy_rules_init(struct chy_rules *rules, struct chy_op *op,
                          const struct chy_policy_text *policy)
{
    memset(rules, 0, sizeof *rules);
    rules->memory = chy_memory_new(op);
    if (rules->memory == NULL) {
        return chy_fail_memory(op);
    }
    return chy_op_adopt(op, rules->memory, read_policy(rules, &rules->memory->op, policy));
}

void chy_rules_fini(struct chy_rules *rules)
{
    chy_operation_free(rules->memory);
    rules->memory = NULL;
}

/* ------------------------------------------------------------------------------------------------
 * Evaluating
 */

#define REASONS_MAX 8192

/** All that is wrong, comma-joined. */
struct reasons {
    struct chy_buf text;
    uint32_t count;
};

static void add_reason(struct reasons *reasons, const char *format, ...) CHY_PRINTF(2, 3);
static void add_reason(struct reasons *reasons, const char *format, ...)
{
    char text[CHY_MESSAGE_MAX];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    chy_buf_add_text(&reasons->text, reasons->count == 0 ? "" : ", ");
    chy_buf_add_text(&reasons->text, text);
    reasons->count++;
}

typedef bool matches_fn(struct chy_slice pattern, struct chy_slice value);

static bool matches_any(const struct chy_patterns *patterns, struct chy_slice value,
                        matches_fn *matches)
{
    for (uint64_t i = 0; i < patterns->count; i++) {
        if (matches(patterns->items[i], value)) {
            return true;
        }
    }
    return false;
}

#define SHOWN(value) (int)((value).len > 100 ? 100 : (value).len), (const char *)(value).ptr

static void check_against(struct reasons *reasons, const struct chy_value_rule *rule,
                          const char *type, struct chy_slice value, matches_fn *matches)
{
    if (matches_any(&rule->denied, value, matches)) {
        add_reason(reasons, "%s '%.*s' is denied", type, SHOWN(value));
    } else if (rule->allowed.count != 0 && !matches_any(&rule->allowed, value, matches) &&
               !matches_any(&rule->required, value, matches)) {
        add_reason(reasons, "%s '%.*s' is not allowed", type, SHOWN(value));
    }
}

static void check_subject_type(struct reasons *reasons, const struct chy_rules *rules,
                               const struct chy_name *subject, enum chy_name_type type)
{
    const struct chy_value_rule *rule = &rules->subject[type];
    const char *word = chy_name_type_word(type);
    bool met = false;
    bool present = false;
    bool stray = false;
    for (uint64_t i = 0; i < subject->count; i++) {
        struct chy_slice value = subject->attributes[i].value;
        if (subject->attributes[i].type != type) {
            continue;
        }
        present = true;
        if (!rule->is_there) {
            add_reason(reasons, "%s '%.*s' is not allowed: the policy has no rule for %s", word,
                       SHOWN(value), word);
            continue;
        }
        bool meets = matches_any(&rule->required, value, chy_glob_match);
        met = met || meets;
        stray = stray || (rule->allowed.count == 0 && !meets); // a second unit beside the right one
        check_against(reasons, rule, word, value, chy_glob_match);
    }
    if (rule->required.count != 0 && (!met || stray)) {
        add_reason(reasons, present ? "%s does not match a required pattern" : "%s is required",
                   word);
    }
}

static void check_required_names(struct reasons *reasons, const struct chy_value_rule *rule,
                                 const struct chy_sans *sans, enum chy_san_type type)
{
    for (uint64_t i = 0; i < rule->required.count; i++) {
        bool met = false;
        for (uint64_t k = 0; k < sans->count && !met; k++) {
            met = sans->items[k].type == type &&
                  chy_glob_match(rule->required.items[i], sans->items[k].text);
        }
        if (!met) {
            add_reason(reasons, "a %s that matches '%.*s' is required", chy_san_type_word(type),
                       SHOWN(rule->required.items[i]));
        }
    }
}

static void check_names_of_type(struct reasons *reasons, const struct chy_rules *rules,
                                const struct chy_sans *sans, enum chy_san_type type)
{
    const char *word = chy_san_type_word(type);
    const struct chy_value_rule *rule = &rules->names[type];
    for (uint64_t i = 0; i < sans->count; i++) {
        const struct chy_san *san = &sans->items[i];
        if (san->type != type) {
            continue;
        }
        if (!rule->is_there) {
            add_reason(reasons, "%s '%.*s' is not allowed: the policy has no rule for %s", word,
                       SHOWN(san->text), word);
        } else if (!rule->wildcards && chy_san_is_wildcard(san)) {
            add_reason(reasons, "%s '%.*s' is a wildcard, which is not allowed", word,
                       SHOWN(san->text));
        } else {
            check_against(reasons, rule, word, san->text, chy_glob_match);
        }
    }
    check_required_names(reasons, rule, sans, type);
}

static void check_usages(struct reasons *reasons, const struct chy_usage_rule *rule, uint32_t mask,
                         const char *what, const char *(*word)(uint32_t bit))
{
    for (uint32_t bit = 1; bit != 0; bit <<= 1) {
        bool asked = (mask & bit) != 0;
        if (!asked && (rule->required & bit) != 0) {
            add_reason(reasons, "%s '%s' is required", what, word(bit));
        } else if (asked && (rule->denied & bit) != 0) {
            add_reason(reasons, "%s '%s' is denied", what, word(bit));
        } else if (asked && ((rule->allowed | rule->required) & bit) == 0) {
            add_reason(reasons, "%s '%s' is not allowed", what, word(bit));
        }
    }
}

/** check_implied_usages: a certificate without key usages gets some, which may be denied. */
static void check_implied_usages(struct reasons *reasons, const struct chy_usage_rule *rule,
                                 const struct chy_decision *d)
{
    uint32_t implied = d->key_usage == 0 ? chy_decision_key_usage(d) : 0;
    for (uint32_t bit = 1; bit != 0; bit <<= 1) {
        if ((implied & rule->denied & bit) != 0) {
            add_reason(reasons,
                       "key usage '%s' is denied, and a certificate that asks for none "
                       "has it",
                       chy_key_usage_word(bit));
        }
    }
}

static bool is_listed(const struct chy_algorithm_rule *rule, uint32_t id)
{
    for (uint32_t i = 0; i < rule->count; i++) {
        if (rule->ids[i] == id) {
            return true;
        }
    }
    return false;
}

static void check_algorithms(struct reasons *reasons, const struct chy_rules *rules,
                             const struct chy_decision *d)
{
    const char *key = chy_key_algorithm_name(d->key_algorithm);
    const char *signature = chy_signature_algorithm_name(d->signature_algorithm);
    // A CSR brings its key; a policy that lists no key algorithms does not speak of it.
    bool judged = rules->keys.is_there || (d->key_algorithm_asked && !d->has_csr);
    if (judged && !is_listed(&rules->keys, d->key_algorithm)) {
        add_reason(reasons, "key algorithm '%s' is not allowed", key);
    }
    if ((rules->signatures.is_there || d->signature_algorithm_asked) &&
        !is_listed(&rules->signatures, d->signature_algorithm)) {
        add_reason(reasons, "signature algorithm '%s' is not allowed", signature);
    }
}

static void check_validity(struct reasons *reasons, const struct chy_rules *rules,
                           const struct chy_decision *d)
{
    char max[CHY_DURATION_TEXT_SIZE];
    if (rules->max_validity != 0 && d->validity > rules->max_validity) {
        chy_duration_format(rules->max_validity, max);
        add_reason(reasons, "the validity is longer than the maximum of %s", max);
    }
}

static void check_basic_constraints(struct reasons *reasons, const struct chy_rules *rules,
                                    const struct chy_basic_constraints *bc)
{
    if (bc->is_ca && rules->ca == CHY_CA_DENIED) {
        add_reason(reasons, "CA certificates are not allowed");
        return;
    }
    if (!bc->is_ca && rules->ca == CHY_CA_REQUIRED) {
        add_reason(reasons, "a CA certificate is required");
    }
    if (bc->is_ca && rules->max_path_length >= 0) {
        if (!bc->has_path_length) {
            add_reason(reasons, "a path length is required, at most %d", rules->max_path_length);
        } else if (bc->path_length > (uint32_t)rules->max_path_length) {
            add_reason(reasons, "the path length %u is more than the maximum of %d",
                       bc->path_length, rules->max_path_length);
        }
    }
}

chy_status chy_rules_evaluate(struct chy_op *op, const struct chy_rules *rules,
                              const struct chy_decision *decision)
{
    struct reasons reasons = {.count = 0};
    chy_buf_init(&reasons.text, op, REASONS_MAX);
    for (int type = 0; type < CHY_NAME_TYPE_COUNT; type++) {
        check_subject_type(&reasons, rules, &decision->subject, (enum chy_name_type)type);
    }
    for (int type = 0; type < CHY_SAN_TYPE_COUNT; type++) {
        check_names_of_type(&reasons, rules, &decision->sans, (enum chy_san_type)type);
    }
    check_usages(&reasons, &rules->key_usage, decision->key_usage, "key usage", chy_key_usage_word);
    check_implied_usages(&reasons, &rules->key_usage, decision);
    check_usages(&reasons, &rules->ekus, decision->ekus, "extended key usage", chy_eku_word);
    check_algorithms(&reasons, rules, decision);
    check_validity(&reasons, rules, decision);
    check_basic_constraints(&reasons, rules, &decision->basic_constraints);
    if (reasons.count == 0) {
        return CHY_OK;
    }
    struct chy_buf message;
    chy_buf_init(&message, op, REASONS_MAX + 128);
    chy_buf_add_text(&message, "certificate request validation failed: ");
    chy_buf_add(&message, chy_slice_of(reasons.text.ptr, reasons.text.len));
    return op->host->fail(op, CHY_BAD_INPUT, 0, chy_buf_slice(&message));
}
