#include "resource/policy.h"

#include "base/encode.h"
#include "base/slice.h"
#include "base/time.h"
#include "resource/collections.h"
#include "x509/algorithm.h"
#include "x509/extensions.h"
#include "x509/known.h"
#include "x509/name.h"
#include "x509/san.h"

// A list that is null is one that is not there: infrastructure-as-code clients send both.
#define VALUES                                                                         \
    "{\"type\":[\"array\",\"null\"],\"maxItems\":100,\"uniqueItems\":true,\"items\":{" \
    "\"type\":\"string\",\"minLength\":1,\"maxLength\":255}}"

#define RULES(extra)                                                                            \
    "{\"type\":[\"array\",\"null\"],\"maxItems\":20,\"items\":{\"type\":\"object\","            \
    "\"required\":[\"type\"],\"properties\":{\"type\":{\"type\":\"string\",\"minLength\":1,"    \
    "\"maxLength\":64},\"allowed\":" VALUES ",\"required\":" VALUES ",\"denied\":" VALUES extra \
    "}}}"

#define SANS RULES(",\"wildcards\":{\"type\":\"boolean\"}")

#define USAGES                                                                                    \
    "{\"type\":[\"object\",\"null\"],\"properties\":{\"allowed\":" VALUES ",\"required\":" VALUES \
    ",\"denied\":" VALUES "}}"

#define NAMES                                                                             \
    "{\"type\":[\"array\",\"null\"],\"minItems\":1,\"maxItems\":50,\"uniqueItems\":true," \
    "\"items\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":64}}"

static const struct chy_member members[] = {
    {"id", CHY_POLICY_ID, CHY_MEMBER_DERIVED, NULL},
    {"projectId", CHY_POLICY_PROJECT_ID, CHY_MEMBER_FIXED, CHY_SHAPE_ID},
    {"name", CHY_POLICY_NAME, CHY_MEMBER_REQUIRED,
     "{\"type\":\"string\",\"minLength\":1,\"maxLength\":255,\"x-trim\":true,"
     "\"examples\":[\"tls-server\"]}"},
    {"description", CHY_POLICY_DESCRIPTION, 0, CHY_SHAPE_DESCRIPTION},
    {"subject", CHY_POLICY_SUBJECT, 0, RULES("")},
    {"sans", CHY_POLICY_SANS, 0, SANS},
    {"keyUsages", CHY_POLICY_KEY_USAGES, 0, USAGES},
    {"extendedKeyUsages", CHY_POLICY_EXT_KEY_USAGES, 0, USAGES},
    {"algorithms", CHY_POLICY_ALGORITHMS, 0,
     "{\"type\":[\"object\",\"null\"],\"properties\":{\"signature\":" NAMES
     ",\"keyAlgorithm\":" NAMES "}}"},
    {"validity", CHY_POLICY_VALIDITY, 0,
     "{\"type\":[\"object\",\"null\"],\"properties\":{\"max\":{\"type\":\"string\","
     "\"maxLength\":16,\"pattern\":\"^[0-9]+[dhmy]$\","
     "\"description\":\"a number and h, d, m (30 days) or y, such as 90d\"}}}"},
    {"basicConstraints", CHY_POLICY_BASIC_CONSTRAINTS, 0,
     "{\"type\":[\"object\",\"null\"],\"properties\":{"
     "\"isCA\":{\"type\":\"string\",\"enum\":[\"allowed\",\"required\",\"denied\"]},"
     "\"maxPathLength\":{\"type\":[\"integer\",\"null\"],\"minimum\":-1,\"maximum\":255}}}"},
    {"createdAt", CHY_POLICY_CREATED_AT, CHY_MEMBER_DERIVED, NULL},
    {"updatedAt", CHY_POLICY_UPDATED_AT, CHY_MEMBER_DERIVED, NULL},
};

/* ------------------------------------------------------------------------------------------------
 * What the shapes cannot say
 */

static bool has_list(const json_t *rule)
{
    return json_array_size(json_object_get(rule, "allowed")) != 0 ||
           json_array_size(json_object_get(rule, "required")) != 0 ||
           json_array_size(json_object_get(rule, "denied")) != 0;
}

static bool same_type(bool is_san, struct chy_slice a, struct chy_slice b)
{
    enum chy_san_type san_a;
    enum chy_san_type san_b;
    enum chy_name_type name_a;
    enum chy_name_type name_b;
    if (is_san) {
        return chy_san_type_find(a, &san_a) && chy_san_type_find(b, &san_b) && san_a == san_b;
    }
    return chy_name_type_find(a, &name_a) && chy_name_type_find(b, &name_b) && name_a == name_b;
}

static bool type_is_known(bool is_san, struct chy_slice type)
{
    enum chy_san_type san;
    enum chy_name_type name;
    return is_san ? chy_san_type_find(type, &san) : chy_name_type_find(type, &name);
}

static bool is_ascii(struct chy_slice text)
{
    for (uint64_t i = 0; i < text.len; i++) {
        if (text.ptr[i] >= 0x80) {
            return false;
        }
    }
    return true;
}

/**
 * check_patterns: a name in a certificate is ASCII but for UPNs, so a pattern that is not and
 * cannot be made so matches nothing.  In a list of denied ones that would let everything pass.
 */
static bool check_patterns(struct chy_call *call, const json_t *rule, const char *rule_path)
{
    static const char *const lists[] = {"allowed", "required", "denied"};
    enum chy_san_type type;
    bool fine = true;
    if (!chy_san_type_find(chy_json_member(rule, "type"), &type) || type == CHY_SAN_UPN) {
        return true;
    }
    for (size_t list = 0; list < CHY_COUNT_OF(lists); list++) {
        size_t i;
        json_t *pattern;
        json_array_foreach(json_object_get(rule, lists[list]), i, pattern)
        {
            struct chy_san san;
            char path[96];
            if (!is_ascii(chy_json_text(pattern)) &&
                chy_san_make(call->op, type, chy_json_text(pattern), &san) != CHY_OK) {
                (void)snprintf(path, sizeof path, "%s/%s/%zu", rule_path, lists[list], i);
                chy_shape_issue(call->op, "invalid_string", path,
                                "names are compared in ASCII: write labels beside a * as "
                                "A-labels (xn--...)");
                fine = false;
            }
        }
    }
    return fine;
}

static bool check_rules(struct chy_call *call, const char *member, bool is_san)
{
    const json_t *rules = json_object_get(call->document, member);
    size_t i;
    json_t *rule;
    bool fine = true;
    json_array_foreach((json_t *)(uintptr_t)rules, i, rule)
    {
        char path[64];
        struct chy_slice type = chy_json_member(rule, "type");
        (void)snprintf(path, sizeof path, "/%s/%zu", member, i);
        if (!type_is_known(is_san, type)) {
            chy_shape_issue(call->op, "invalid_enum_value", path, "'%.*s' is not a type of %s",
                            (int)type.len, (const char *)type.ptr,
                            is_san ? "subject alternative name" : "subject attribute");
            fine = false;
        } else if (!has_list(rule)) {
            chy_shape_issue(call->op, "custom", path,
                            "one of allowed, required and denied must have a value");
            fine = false;
        }
        fine = (!is_san || check_patterns(call, rule, path)) && fine;
        for (size_t k = 0; k < i; k++) {
            if (same_type(is_san, type, chy_json_member(json_array_get(rules, k), "type"))) {
                chy_shape_issue(call->op, "not_unique", path, "this type has a rule already");
                fine = false;
            }
        }
    }
    return fine;
}

static bool contains(const json_t *list, const json_t *value)
{
    size_t i;
    json_t *entry;
    json_array_foreach((json_t *)(uintptr_t)list, i, entry)
    {
        if (json_equal(entry, (json_t *)(uintptr_t)value)) {
            return true;
        }
    }
    return false;
}

static bool check_usage_list(struct chy_call *call, const char *member, const char *list,
                             const json_t *usages, uint32_t (*find)(struct chy_slice word))
{
    const json_t *words = json_object_get(usages, list);
    const json_t *denied = json_object_get(usages, "denied");
    bool is_denied = strcmp(list, "denied") == 0;
    size_t i;
    json_t *word;
    bool fine = true;
    json_array_foreach((json_t *)(uintptr_t)words, i, word)
    {
        char path[64];
        char known[CHY_KNOWN_SIZE];
        (void)snprintf(path, sizeof path, "/%s/%s/%zu", member, list, i);
        if (find(chy_json_text(word)) == 0) {
            chy_shape_issue(call->op, "invalid_enum_value", path,
                            "'%s' is not known, expected one of %s", json_string_value(word),
                            chy_known_words(find, known));
            fine = false;
        }
        if (!is_denied && contains(denied, word)) {
            chy_shape_issue(call->op, "custom", path, "'%s' is denied as well",
                            json_string_value(word));
            fine = false;
        }
    }
    return fine;
}

static bool check_usages(struct chy_call *call, const char *member,
                         uint32_t (*find)(struct chy_slice word))
{
    static const char *const lists[] = {"allowed", "required", "denied"};
    const json_t *usages = json_object_get(call->document, member);
    if (!json_is_object(usages)) {
        return true;
    }
    bool fine = has_list(usages);
    if (!fine) {
        char path[64];
        (void)snprintf(path, sizeof path, "/%s", member);
        chy_shape_issue(call->op, "custom", path,
                        "one of allowed, required and denied must have a value");
    }
    for (size_t i = 0; i < CHY_COUNT_OF(lists); i++) {
        fine = check_usage_list(call, member, lists[i], usages, find) && fine;
    }
    return fine;
}

static bool check_validity(struct chy_call *call)
{
    struct chy_slice max = chy_json_member(json_object_get(call->document, "validity"), "max");
    int64_t duration;
    if (max.len == 0 || (chy_duration_parse_policy(max, &duration) && duration > 0)) {
        return true;
    }
    chy_shape_issue(call->op, "custom", "/validity/max",
                    "expected a positive number and d, h, m (months) or y");
    return false;
}

static chy_status check_document(struct chy_call *call)
{
    bool fine = check_rules(call, "subject", false);
    fine = check_rules(call, "sans", true) && fine;
    fine = check_usages(call, "keyUsages", chy_key_usage_find) && fine;
    fine = check_usages(call, "extendedKeyUsages", chy_eku_find) && fine;
    fine = check_validity(call) && fine;
    return fine ? CHY_OK : chy_shape_refuse(call->op);
}

/* ------------------------------------------------------------------------------------------------
 * Names
 */

static chy_status name_is_taken(struct chy_call *call, struct chy_slice name, bool *out_taken)
{
    struct chy_query query;
    struct chy_storage_page page;
    chy_query_init(&query, call->op, CHY_C_POLICIES, CHY_NO_FIELDS, 1);
    chy_query_eq(&query, CHY_POLICY_PROJECT_ID, chy_value_uuid(&call->project_id));
    chy_query_eq(&query, CHY_POLICY_NAME, chy_value_text(name));
    CHY_TRY(chy_query_run(&query, call->runtime->storage, &page));
    *out_taken = page.rows.count != 0;
    return CHY_OK;
}

/** suffix_name gives a taken name a random tail: the contract has no conflict here. */
static chy_status suffix_name(struct chy_call *call, struct chy_slice name)
{
    uint8_t random[4];
    struct chy_buffer buffer = {random, sizeof random};
    char tail[CHY_HEX_LEN(sizeof random)];
    char suffixed[256];
    CHY_TRY(chy_crypto_random(call->runtime->leaf_crypto, call->op, buffer));
    chy_hex_encode(chy_slice_of(random, sizeof random), tail);
    int room = (int)(sizeof suffixed - sizeof tail - 2);
    (void)snprintf(suffixed, sizeof suffixed, "%.*s-%.*s",
                   name.len > (uint64_t)room ? room : (int)name.len, (const char *)name.ptr,
                   (int)sizeof tail, tail);
    return chy_json_set_text(call->document, "name", chy_text(suffixed))
               ? CHY_OK
               : chy_fail_memory(call->op);
}

static chy_status create(struct chy_call *call)
{
    bool taken;
    CHY_TRY(chy_call_project(call));
    CHY_TRY(check_document(call));
    CHY_TRY(name_is_taken(call, chy_json_member(call->document, "name"), &taken));
    if (taken) {
        CHY_TRY(suffix_name(call, chy_json_member(call->document, "name")));
    }
    return chy_kind_create(call);
}

static chy_status update(struct chy_call *call)
{
    CHY_TRY(check_document(call));
    return chy_kind_update(call);
}

static chy_status on_conflict(struct chy_call *call, struct chy_slice index)
{
    (void)index;
    return chy_fail(call->op, CHY_BAD_INPUT, 0,
                    "a certificate policy with this name exists already in the project");
}

/* ------------------------------------------------------------------------------------------------
 * Deleting
 */

static chy_status before_delete(struct chy_call *call, const struct chy_storage_row *row,
                                struct chy_batch *batch)
{
    (void)row;
    (void)batch;
    struct chy_query query;
    struct chy_storage_page page;
    chy_query_init(&query, call->op, CHY_C_PROFILES, CHY_FIELDS(CHY_PROFILE_SLUG), 10);
    chy_query_eq(&query, CHY_PROFILE_POLICY_ID, chy_value_uuid(&call->id));
    CHY_TRY(chy_query_run(&query, call->runtime->storage, &page));
    if (page.rows.count == 0) {
        return CHY_OK;
    }
    struct chy_buf slugs;
    chy_buf_init(&slugs, call->op, 4096);
    for (uint64_t i = 0; i < page.rows.count; i++) {
        chy_buf_add_text(&slugs, i == 0 ? "" : ", ");
        chy_buf_add(&slugs, chy_row_text(chy_page_row(&page, i), 0));
    }
    return chy_fail_reason(call->op, CHY_DENIED, CHY_REASON_BOUNDARY,
                           "the certificate policy is used by the certificate profiles %.*s%s; "
                           "delete or change them first",
                           (int)slugs.len, (const char *)slugs.ptr, page.more ? " and more" : "");
}

static const struct chy_action actions[] = {
    {"create", CHY_ACTION_CREATE, 0, NULL, create},
    {"get", CHY_ACTION_READ, CHY_ACTION_NEEDS_ID, NULL, chy_kind_get},
    {"list", CHY_ACTION_READ, CHY_ACTION_QUERY, CHY_LIST_SHAPE, chy_kind_list},
    {"update", CHY_ACTION_EDIT, CHY_ACTION_NEEDS_ID, NULL, update},
    {"delete", CHY_ACTION_DELETE, CHY_ACTION_NEEDS_ID, NULL, chy_kind_delete},
};

const struct chy_kind chy_kind_policy = {
    .name = "certificate-policies",
    .singular = "certificatePolicy",
    .plural = "certificatePolicies",
    .what = "certificate policy",
    .subject = CHY_SUBJECT_POLICIES,
    .audit = "certificate-policy",
    .collection = CHY_C_POLICIES,
    .id_field = CHY_POLICY_ID,
    .project_field = CHY_POLICY_PROJECT_ID,
    .search_field = CHY_POLICY_NAME,
    .created_field = CHY_POLICY_CREATED_AT,
    .updated_field = CHY_POLICY_UPDATED_AT,
    .members = members,
    .member_count = CHY_COUNT_OF(members),
    .actions = actions,
    .action_count = CHY_COUNT_OF(actions),
    .hooks = {.before_delete = before_delete, .on_conflict = on_conflict},
};
