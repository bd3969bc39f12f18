#include "alert/filter.h"

#include "base/buf.h"
#include "base/glob.h"
#include "base/slice.h"
#include "plugin/view.h"
#include "resource/collections.h"
#include "resource/json.h"
#include "resource/shape.h"

/* ------------------------------------------------------------------------------------------------
 * The table
 */

/** Every pair that an index answers: profile_name by the profiles' slugs and the certificates of a
 *  profile, the names by the set under which a certificate is found.  include_cas narrows nothing:
 *  without it the few CA certificates among those found are left out. */
static const struct {
    const char *field;
    const char *operator;
    enum chy_alert_field field_number;
    enum chy_alert_operator operator_number;
} table[] = {
    {"profile_name", "equals", CHY_ALERT_FIELD_PROFILE, CHY_ALERT_EQUALS},
    {"profile_name", "matches", CHY_ALERT_FIELD_PROFILE, CHY_ALERT_MATCHES},
    {"profile_name", "starts_with", CHY_ALERT_FIELD_PROFILE, CHY_ALERT_STARTS_WITH},
    {"common_name", "equals", CHY_ALERT_FIELD_COMMON_NAME, CHY_ALERT_EQUALS},
    {"common_name", "matches", CHY_ALERT_FIELD_COMMON_NAME, CHY_ALERT_MATCHES},
    {"common_name", "starts_with", CHY_ALERT_FIELD_COMMON_NAME, CHY_ALERT_STARTS_WITH},
    {"san", "equals", CHY_ALERT_FIELD_SAN, CHY_ALERT_EQUALS},
    {"san", "matches", CHY_ALERT_FIELD_SAN, CHY_ALERT_MATCHES},
    {"san", "starts_with", CHY_ALERT_FIELD_SAN, CHY_ALERT_STARTS_WITH},
    {"include_cas", "equals", CHY_ALERT_FIELD_CAS, CHY_ALERT_EQUALS},
};
#define TABLE_COUNT (sizeof table / sizeof table[0])

static bool find_pair(const json_t *filter, size_t *out_index)
{
    for (size_t i = 0; i < TABLE_COUNT; i++) {
        if (chy_slice_is(chy_json_member(filter, "field"), table[i].field) &&
            chy_slice_is(chy_json_member(filter, "operator"), table[i].operator)) {
            *out_index = i;
            return true;
        }
    }
    return false;
}

/* ------------------------------------------------------------------------------------------------
 * Checked
 */

#define CAN                                                                                   \
    "profile_name, common_name and san can be filtered with equals, matches or starts_with, " \
    "include_cas with equals"

/** The literal beginning of a pattern: what an index finds. */
static struct chy_slice literal(struct chy_slice pattern)
{
    uint64_t at;
    return chy_slice_find(pattern, '*', &at) ? chy_slice_first(pattern, at) : pattern;
}

static bool issue(struct chy_op *op, size_t index, const char *member, const char *code,
                  const char *text)
{
    char path[64];
    (void)snprintf(path, sizeof path, "/filters/%zu/%s", index, member);
    chy_shape_issue(op, code, path, "%s", text);
    return false;
}

static bool check_text(struct chy_op *op, size_t index, size_t pair, struct chy_slice text)
{
    if (text.len == 0) {
        return issue(op, index, "value", "too_small", "expected a text that is not empty");
    }
    if (table[pair].operator_number == CHY_ALERT_MATCHES && literal(text).len == 0) {
        return issue(op, index, "value", "custom",
                     "a pattern that begins with * has no index; begin it with what the name "
                     "begins with: " CAN);
    }
    return true;
}

static bool check_value(struct chy_op *op, size_t index, size_t pair, const json_t *value)
{
    bool fine = true;
    struct chy_slice word = chy_json_text(value);
    if (table[pair].field_number == CHY_ALERT_FIELD_CAS) {
        bool is_bool =
            json_is_boolean(value) || chy_slice_is(word, "true") || chy_slice_is(word, "false");
        return is_bool || issue(op, index, "value", "invalid_type", "expected true or false");
    }
    if (json_is_string(value)) {
        return check_text(op, index, pair, word);
    }
    bool several = table[pair].operator_number == CHY_ALERT_MATCHES &&
                   table[pair].field_number == CHY_ALERT_FIELD_PROFILE;
    if (!json_is_array(value) || json_array_size(value) == 0 ||
        (json_array_size(value) > 1 && !several)) {
        return issue(op, index, "value", "invalid_type",
                     "expected one text; profile_name with matches takes several");
    }
    for (size_t i = 0; i < json_array_size(value); i++) {
        fine = check_text(op, index, pair, chy_json_text(json_array_get(value, i))) && fine;
    }
    return fine;
}

chy_status chy_alert_filters_check(struct chy_op *op, const json_t *filters)
{
    bool fine = true;
    for (size_t i = 0; i < json_array_size(filters); i++) {
        const json_t *filter = json_array_get(filters, i);
        size_t pair;
        if (!find_pair(filter, &pair)) {
            fine = issue(op, i, "operator", "invalid_enum_value",
                         "no index finds certificates by this field and operator: " CAN);
        } else {
            fine = check_value(op, i, pair, json_object_get(filter, "value")) && fine;
        }
    }
    return fine ? CHY_OK : chy_shape_refuse(op);
}

/* ------------------------------------------------------------------------------------------------
 * Made ready
 */

static chy_status read_texts(struct chy_op *op, const json_t *value, struct chy_view *out_texts)
{
    size_t count = json_is_array(value) ? json_array_size(value) : 1;
    struct chy_slice *texts = chy_alloc(op, (count + 1) * sizeof *texts);
    if (texts == NULL) {
        return chy_fail_memory(op);
    }
    for (size_t i = 0; i < count; i++) {
        const json_t *one = json_is_array(value) ? json_array_get(value, i) : value;
        CHY_TRY(chy_slice_lower(op, chy_json_text(one), &texts[i]));
    }
    *out_texts = chy_view_of(texts, count, sizeof *texts);
    return CHY_OK;
}

chy_status chy_alert_filters_read(struct chy_op *op, const json_t *json,
                                  struct chy_alert_filters *out_filters)
{
    memset(out_filters, 0, sizeof *out_filters);
    for (size_t i = 0; i < json_array_size(json); i++) {
        const json_t *filter = json_array_get(json, i);
        const json_t *value = json_object_get(filter, "value");
        size_t pair;
        if (!find_pair(filter, &pair) || out_filters->count == CHY_ALERT_FILTERS_MAX) {
            return chy_fail(op, CHY_BROKEN, 0, "the stored filters of an alert are damaged");
        }
        if (table[pair].field_number == CHY_ALERT_FIELD_CAS) {
            out_filters->include_cas =
                json_is_true(value) || chy_slice_is(chy_json_text(value), "true");
            continue;
        }
        struct chy_alert_filter *item = &out_filters->items[out_filters->count++];
        item->field = table[pair].field_number;
        item->how = table[pair].operator_number;
        CHY_TRY(read_texts(op, value, &item->texts));
    }
    return CHY_OK;
}

static bool fits_one(enum chy_alert_operator operator, struct chy_slice wanted,
                     struct chy_slice name)
{
    switch (operator) {
    case CHY_ALERT_EQUALS: return chy_slice_equal_nocase(wanted, name);
    case CHY_ALERT_MATCHES: return chy_glob_match_nocase(wanted, name);
    case CHY_ALERT_STARTS_WITH:
        return chy_slice_equal_nocase(wanted, chy_slice_first(name, wanted.len));
    }
    return false;
}

static bool fits(const struct chy_alert_filter *filter, struct chy_slice name)
{
    for (uint64_t i = 0; i < filter->texts.count; i++) {
        const struct chy_slice *wanted = chy_view_item(filter->texts, i);
        if (fits_one(filter->how, *wanted, name)) {
            return true;
        }
    }
    return false;
}

/** What the profiles of one filter are gathered into. */
struct gathering {
    struct chy_uuid *ids;
    struct chy_value *values;
    uint64_t count;
};

static bool is_gathered(const struct gathering *g, const struct chy_uuid *id)
{
    for (uint64_t i = 0; i < g->count; i++) {
        if (chy_uuid_compare(&g->ids[i], id) == 0) {
            return true;
        }
    }
    return false;
}

static chy_status too_many(struct chy_op *op)
{
    return chy_fail(op, CHY_BAD_INPUT, 0,
                    "a filter of profile names means more than %u certificate profiles: narrow it",
                    (unsigned)CHY_ALERT_PROFILES_MAX);
}

/** gather reads the project's profiles whose slug begins as `text` does, by their index. */
static chy_status gather(struct chy_runtime *runtime, struct chy_op *op,
                         const struct chy_uuid *project_id, const struct chy_alert_filter *filter,
                         struct chy_slice text, struct gathering *g)
{
    struct chy_query query;
    struct chy_storage_page page;
    struct chy_slice prefix = filter->how == CHY_ALERT_MATCHES ? literal(text) : text;
    chy_query_init(&query, op, CHY_C_PROFILES, CHY_FIELDS(CHY_PROFILE_ID, CHY_PROFILE_SLUG),
                   CHY_STORAGE_PAGE_MAX);
    chy_query_eq(&query, CHY_PROFILE_PROJECT_ID, chy_value_uuid(project_id));
    chy_query_prefix(&query, CHY_PROFILE_SLUG, prefix);
    chy_query_order(&query, CHY_PROFILE_SLUG, false);
    CHY_TRY(chy_query_run(&query, runtime->storage, &page));
    for (uint64_t i = 0; i < page.rows.count; i++) {
        const struct chy_storage_row *row = chy_page_row(&page, i);
        struct chy_uuid id = chy_row_uuid(row, 0);
        if (!fits_one(filter->how, text, chy_row_text(row, 1)) || is_gathered(g, &id)) {
            continue;
        }
        if (g->count == CHY_ALERT_PROFILES_MAX) {
            return too_many(op);
        }
        g->ids[g->count] = id;
        g->values[g->count] = chy_value_uuid(&g->ids[g->count]);
        g->count++;
    }
    return page.more != 0 ? too_many(op) : CHY_OK;
}

static chy_status resolve(struct chy_runtime *runtime, struct chy_op *op,
                          const struct chy_uuid *project_id, struct chy_alert_filter *filter)
{
    struct gathering g = {.ids = chy_alloc(op, CHY_ALERT_PROFILES_MAX * sizeof *g.ids),
                          .values = chy_alloc(op, CHY_ALERT_PROFILES_MAX * sizeof *g.values)};
    if (g.ids == NULL || g.values == NULL) {
        return chy_fail_memory(op);
    }
    for (uint64_t i = 0; i < filter->texts.count; i++) {
        const struct chy_slice *text = chy_view_item(filter->texts, i);
        CHY_TRY(gather(runtime, op, project_id, filter, *text, &g));
    }
    filter->profile_ids = chy_view_of(g.values, g.count, sizeof *g.values);
    return CHY_OK;
}

chy_status chy_alert_filters_resolve(struct chy_runtime *runtime, struct chy_op *op,
                                     const struct chy_uuid *project_id,
                                     struct chy_alert_filters *filters)
{
    for (uint32_t i = 0; i < filters->count; i++) {
        if (filters->items[i].field == CHY_ALERT_FIELD_PROFILE) {
            CHY_TRY(resolve(runtime, op, project_id, &filters->items[i]));
        }
    }
    return CHY_OK;
}

/* ------------------------------------------------------------------------------------------------
 * Used
 */

/** narrow_name: a name that fits is in the set under which the certificate is found. */
static void narrow_name(const struct chy_alert_filter *filter, struct chy_query *query)
{
    const struct chy_slice *text = chy_view_item(filter->texts, 0);
    uint64_t at;
    bool whole = filter->how == CHY_ALERT_EQUALS ||
                 (filter->how == CHY_ALERT_MATCHES && !chy_slice_find(*text, '*', &at));
    if (whole) {
        chy_query_has(query, CHY_CERT_NAMES, *text);
    } else {
        chy_query_has_prefix(query, CHY_CERT_NAMES,
                             filter->how == CHY_ALERT_MATCHES ? literal(*text) : *text);
    }
}

void chy_alert_filters_narrow(const struct chy_alert_filters *filters, struct chy_query *query)
{
    for (uint32_t i = 0; i < filters->count; i++) {
        const struct chy_alert_filter *filter = &filters->items[i];
        if (filter->field != CHY_ALERT_FIELD_PROFILE) {
            narrow_name(filter, query);
        } else if (filter->profile_ids.count != 0) {
            chy_query_in(query, CHY_CERT_PROFILE_ID, filter->profile_ids);
        } else { // no profile has such a name, and no certificate this status
            chy_query_eq(query, CHY_CERT_STATUS, chy_value_text(chy_text("")));
        }
    }
}

static bool keeps_profile(const struct chy_alert_filter *filter, const struct chy_uuid *profile_id)
{
    for (uint64_t i = 0; i < filter->profile_ids.count; i++) {
        const struct chy_value *value = chy_view_item(filter->profile_ids, i);
        if (chy_slice_equal(value->bytes,
                            chy_slice_of(profile_id->bytes, sizeof profile_id->bytes))) {
            return true;
        }
    }
    return false;
}

/** is_joined tells whether a name stands among comma-joined ones, which may hold commas. */
static bool is_joined(struct chy_slice joined, struct chy_slice name)
{
    for (uint64_t at = 0; at + name.len <= joined.len; at++) {
        bool begins = at == 0 || joined.ptr[at - 1] == ',';
        bool ends = at + name.len == joined.len || joined.ptr[at + name.len] == ',';
        if (begins && ends &&
            chy_slice_equal_nocase(chy_slice_of(joined.ptr + at, name.len), name)) {
            return true;
        }
    }
    return false;
}

/** keeps_san: the set has the common name too, which counts only where it is also a SAN.  Names
 *  that are too many to be joined are taken as they are. */
static bool keeps_san(const struct chy_alert_filter *filter, const struct chy_alert_facts *facts)
{
    for (uint64_t i = 0; i < facts->names.count; i++) {
        const struct chy_slice *name = chy_view_item(facts->names, i);
        bool only_common = chy_slice_equal_nocase(*name, facts->common_name) &&
                           (facts->alt_names.len != 0 || facts->names.count == 1) &&
                           !is_joined(facts->alt_names, *name);
        if (!only_common && fits(filter, *name)) {
            return true;
        }
    }
    return false;
}

bool chy_alert_filters_keep(const struct chy_alert_filters *filters,
                            const struct chy_alert_facts *facts)
{
    bool keeps = filters->include_cas || !facts->is_ca;
    for (uint32_t i = 0; i < filters->count && keeps; i++) {
        const struct chy_alert_filter *filter = &filters->items[i];
        switch (filter->field) {
        case CHY_ALERT_FIELD_PROFILE: keeps = keeps_profile(filter, &facts->profile_id); break;
        case CHY_ALERT_FIELD_COMMON_NAME:
            keeps = facts->common_name.len != 0 && fits(filter, facts->common_name);
            break;
        case CHY_ALERT_FIELD_SAN: keeps = keeps_san(filter, facts); break;
        case CHY_ALERT_FIELD_CAS: break;
        }
    }
    return keeps;
}
