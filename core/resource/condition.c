#include "resource/condition.h"

#include "base/glob.h"
#include "base/slice.h"
#include "plugin/view.h"
#include "resource/json.h"
#include "resource/shape.h"

#include <chancery/enrollment.h>

#include <stdio.h>

#define TEXTS_MAX 100U
#define KEYS_MAX 64U
#define PATH_MAX_LEN 256

/* ------------------------------------------------------------------------------------------------
 * Holding
 */

static bool is_among(const json_t *texts, struct chy_slice value)
{
    size_t index;
    const json_t *text;
    json_array_foreach(texts, index, text)
    {
        if (chy_slice_equal_nocase(chy_json_text(text), value)) {
            return true;
        }
    }
    return false;
}

/**
 * is_of_kind: a pattern speaks of DNS names unless it has an '@', ':' or '/' of its own, or is "*"
 * alone: "*.acme.com" means neither "https://evil.example/x.acme.com" nor "root@x.acme.com".
 */
static bool is_of_kind(struct chy_slice pattern, struct chy_slice name)
{
    static const char marks[] = "@:/";
    uint64_t at;
    bool is_any = true;
    for (uint64_t i = 0; i < pattern.len; i++) {
        is_any = is_any && pattern.ptr[i] == '*';
    }
    for (size_t i = 0; i < sizeof marks - 1 && !is_any; i++) {
        if (chy_slice_find(name, (uint8_t)marks[i], &at) &&
            !chy_slice_find(pattern, (uint8_t)marks[i], &at)) {
            return false;
        }
    }
    return true;
}

/** name_fits_kind: do the patterns among what a condition wants speak of names such as this? */
static bool name_fits_kind(const json_t *wanted, struct chy_slice name)
{
    const json_t *pattern = json_object_get(wanted, "$glob");
    return pattern == NULL || is_of_kind(chy_json_text(pattern), name);
}

/** fits: does a value fulfil what a condition wants of it?  What is not understood is not. */
static bool fits(const json_t *wanted, struct chy_slice value)
{
    const char *operator;
    const json_t *operand;
    if (value.len == 0) {
        return false;
    }
    if (json_is_string(wanted)) {
        return chy_slice_equal_nocase(chy_json_text(wanted), value);
    }
    bool all = json_object_size(wanted) != 0;
    json_object_foreach((json_t *)(uintptr_t)wanted, operator, operand)
    {
        bool one =
            strcmp(operator, "$eq") == 0     ? chy_slice_equal_nocase(chy_json_text(operand), value)
            : strcmp(operator, "$in") == 0   ? is_among(operand, value)
            : strcmp(operator, "$glob") == 0 ? chy_glob_match_nocase(chy_json_text(operand), value)
                                             : false;
        all = all && one;
    }
    return all;
}

bool chy_conditions_want_slug(const json_t *conditions, struct chy_slice slug)
{
    const json_t *wanted = json_object_get(conditions, "profileSlug");
    return wanted != NULL && fits(wanted, slug);
}

static bool all_names_fit(const json_t *wanted, const struct chy_facts *facts)
{
    for (uint64_t i = 0; i < facts->names.count; i++) {
        const struct chy_slice *name = (const struct chy_slice *)chy_view_item(facts->names, i);
        if (!fits(wanted, *name) || !name_fits_kind(wanted, *name)) {
            return false;
        }
    }
    return true;
}

static bool names_hold(const json_t *common, const json_t *san, const struct chy_facts *facts)
{
    if (common != NULL &&
        (!fits(common, facts->common_name) || !name_fits_kind(common, facts->common_name))) {
        return false;
    }
    if (san != NULL) {
        return facts->names.count != 0 && all_names_fit(san, facts);
    }
    // Whoever may only have certain common names must not get round it by alternative ones.
    return common == NULL || all_names_fit(common, facts);
}

static bool pair_holds(const char *key, const json_t *wanted, const struct chy_facts *facts)
{
    bool found = false;
    for (uint64_t i = 0; i < facts->metadata.count; i++) {
        const struct chy_pair *pair = (const struct chy_pair *)chy_view_item(facts->metadata, i);
        if (chy_slice_is(pair->name, key)) {
            found = true;
            if (!fits(wanted, pair->value)) {
                return false;
            }
        }
    }
    return found;
}

static bool metadata_holds(const json_t *wanted, const struct chy_facts *facts)
{
    const char *key;
    const json_t *value;
    json_object_foreach((json_t *)(uintptr_t)wanted, key, value)
    {
        if (!pair_holds(key, value, facts)) {
            return false;
        }
    }
    return true;
}

bool chy_conditions_are_none(const json_t *conditions)
{
    return json_object_size(conditions) == 0;
}

bool chy_conditions_hold(const json_t *conditions, const struct chy_facts *facts)
{
    if (chy_conditions_are_none(conditions)) {
        return true;
    }
    if (facts == NULL) {
        return false;
    }
    const json_t *slug = json_object_get(conditions, "profileSlug");
    const json_t *metadata = json_object_get(conditions, "metadata");
    return (slug == NULL || fits(slug, facts->profile_slug)) &&
           names_hold(json_object_get(conditions, "commonName"), json_object_get(conditions, "san"),
                      facts) &&
           (metadata == NULL || metadata_holds(metadata, facts));
}

/* ------------------------------------------------------------------------------------------------
 * Checking
 */

static bool refuse(struct chy_op *op, const char *path, const char *member, const char *text)
{
    char where[PATH_MAX_LEN];
    (void)snprintf(where, sizeof where, "%s/%s", path, member);
    chy_shape_issue(op, "custom", where, "%s", text);
    return false;
}

static bool is_text(const json_t *json)
{
    size_t len = json_string_length(json);
    return json_is_string(json) && len != 0 && len <= 255;
}

static bool is_texts(const json_t *json)
{
    size_t index;
    const json_t *text;
    bool all = json_array_size(json) != 0 && json_array_size(json) <= TEXTS_MAX;
    json_array_foreach(json, index, text)
    {
        all = all && is_text(text);
    }
    return all;
}

static bool is_operator(const char *operator, const json_t * operand)
{
    return strcmp(operator, "$in") == 0
               ? is_texts(operand)
               : (strcmp(operator, "$eq") == 0 || strcmp(operator, "$glob") == 0) &&
                     is_text(operand);
}

static bool check_wanted(struct chy_op *op, const json_t *wanted, const char *path,
                         const char *member)
{
    const char *operator;
    const json_t *operand;
    bool fine = is_text(wanted) || json_object_size(wanted) != 0;
    json_object_foreach((json_t *)(uintptr_t)wanted, operator, operand)
    {
        fine = fine && is_operator(operator, operand);
    }
    return fine || refuse(op, path, member,
                          "expected a text, or an object of {\"$eq\": text}, {\"$in\": [texts]} "
                          "and {\"$glob\": pattern}");
}

static bool check_metadata(struct chy_op *op, const json_t *metadata, const char *path)
{
    char where[PATH_MAX_LEN];
    const char *key;
    const json_t *wanted;
    bool fine = json_object_size(metadata) != 0 && json_object_size(metadata) <= KEYS_MAX;
    if (!fine) {
        return refuse(op, path, "metadata", "expected an object of 1 to 64 keys");
    }
    (void)snprintf(where, sizeof where, "%s/metadata", path);
    json_object_foreach((json_t *)(uintptr_t)metadata, key, wanted)
    {
        fine = check_wanted(op, wanted, where, key) && fine;
    }
    return fine;
}

bool chy_conditions_check(struct chy_op *op, const json_t *conditions, const char *path)
{
    const char *key;
    const json_t *wanted;
    bool fine = true;
    json_object_foreach((json_t *)(uintptr_t)conditions, key, wanted)
    {
        bool is_name = strcmp(key, "profileSlug") == 0 || strcmp(key, "commonName") == 0 ||
                       strcmp(key, "san") == 0;
        bool one = is_name                        ? check_wanted(op, wanted, path, key)
                   : strcmp(key, "metadata") == 0 ? check_metadata(op, wanted, path)
                                                  : refuse(op, path, key,
                                                           "there is no such condition; there are "
                                                           "profileSlug, commonName, san and "
                                                           "metadata");
        fine = fine && one;
    }
    return fine;
}
