#include "enroll/profile.h"

#include "base/op.h"
#include "base/time.h"
#include "enroll/memory.h"
#include "resource/collections.h"
#include "resource/json.h"
#include "resource/principal.h"

#include <stdlib.h>

static void free_profile(struct chy_cached *cached)
{
    struct chy_enroll_profile *profile = (struct chy_enroll_profile *)cached;
    chy_rules_fini(&profile->rules);
    chy_operation_free(profile->memory);
    free(profile);
}

/* ------------------------------------------------------------------------------------------------
 * Defaults
 */

static chy_status read_default_attribute(struct chy_op *memory, const json_t *json,
                                         const char *name, enum chy_name_type type,
                                         struct chy_profile_defaults *defaults)
{
    struct chy_slice value = chy_json_member(json, name);
    return value.len == 0 ? CHY_OK
                          : chy_name_canonical(memory, type, value, &defaults->subject[type]);
}

static chy_status read_default_subject(struct chy_op *memory, const json_t *json,
                                       struct chy_profile_defaults *defaults)
{
    static const struct {
        const char *name;
        enum chy_name_type type;
    } attributes[] = {
        {"commonName", CHY_NAME_COMMON_NAME},
        {"organization", CHY_NAME_ORGANIZATION},
        {"organizationalUnit", CHY_NAME_ORGANIZATIONAL_UNIT},
        {"country", CHY_NAME_COUNTRY},
        {"state", CHY_NAME_STATE},
        {"locality", CHY_NAME_LOCALITY},
    };
    for (size_t i = 0; i < sizeof attributes / sizeof attributes[0]; i++) {
        CHY_TRY(
            read_default_attribute(memory, json, attributes[i].name, attributes[i].type, defaults));
    }
    const json_t *components = json_object_get(json, "domainComponents");
    size_t count = json_array_size(components);
    struct chy_slice *items = chy_alloc(memory, (count + 1) * sizeof *items);
    if (items == NULL) {
        return chy_fail_memory(memory);
    }
    for (size_t i = 0; i < count; i++) {
        CHY_TRY(chy_name_canonical(memory, CHY_NAME_DOMAIN_COMPONENT,
                                   chy_json_text(json_array_get(components, i)), &items[i]));
    }
    defaults->domain_components.items = items;
    defaults->domain_components.count = count;
    return CHY_OK;
}

static void read_default_constraints(const json_t *json, struct chy_profile_defaults *defaults)
{
    const json_t *path_length = json_object_get(json, "pathLength");
    defaults->has_basic_constraints = json_is_object(json);
    defaults->basic_constraints.is_ca = json_is_true(json_object_get(json, "isCA"));
    if (json_is_integer(path_length)) {
        defaults->basic_constraints.has_path_length = true;
        defaults->basic_constraints.path_length = (uint32_t)json_integer_value(path_length);
    }
}

static chy_status read_defaults(struct chy_op *memory, struct chy_slice text,
                                struct chy_profile_defaults *defaults)
{
    json_t *json;
    if (text.len == 0) {
        return CHY_OK;
    }
    CHY_TRY(chy_json_parse(memory, text, &json));
    CHY_TRY(read_default_subject(memory, json, defaults));
    const json_t *key_usages = json_object_get(json, "keyUsages");
    const json_t *ekus = json_object_get(json, "extendedKeyUsages");
    defaults->has_key_usage = json_is_array(key_usages);
    defaults->has_ekus = json_is_array(ekus);
    defaults->key_usage = chy_rules_mask(key_usages, chy_key_usage_find);
    defaults->ekus = chy_rules_mask(ekus, chy_eku_find);
    defaults->ttl =
        chy_duration_of(json_integer_value(json_object_get(json, "ttlDays")), CHY_US_PER_DAY);
    defaults->key_algorithm = chy_key_algorithm_find(chy_json_member(json, "keyAlgorithm"));
    defaults->signature_algorithm =
        chy_signature_algorithm_find(chy_json_member(json, "signatureAlgorithm"));
    read_default_constraints(json_object_get(json, "basicConstraints"), defaults);
    return CHY_OK;
}

/* ------------------------------------------------------------------------------------------------
 * Loading
 */

static chy_status load_rules(struct chy_runtime *runtime, struct chy_op *op,
                             struct chy_enroll_profile *profile)
{
    struct chy_storage_row row;
    CHY_TRY(chy_storage_read(runtime->storage, op, CHY_C_POLICIES,
                             CHY_KEY(chy_value_uuid(&profile->policy_id)),
                             CHY_FIELDS(CHY_POLICY_SUBJECT, CHY_POLICY_SANS, CHY_POLICY_KEY_USAGES,
                                        CHY_POLICY_EXT_KEY_USAGES, CHY_POLICY_ALGORITHMS,
                                        CHY_POLICY_VALIDITY, CHY_POLICY_BASIC_CONSTRAINTS),
                             &row));
    struct chy_policy_text policy = {
        .subject = chy_row_json(&row, 0),
        .sans = chy_row_json(&row, 1),
        .key_usages = chy_row_json(&row, 2),
        .extended_key_usages = chy_row_json(&row, 3),
        .algorithms = chy_row_json(&row, 4),
        .validity = chy_row_json(&row, 5),
        .basic_constraints = chy_row_json(&row, 6),
    };
    profile->policy_revision = row.revision;
    return chy_rules_init(&profile->rules, op, &policy);
}

static chy_status load_approval(struct chy_runtime *runtime, struct chy_op *op,
                                struct chy_enroll_profile *profile)
{
    struct chy_storage_row row;
    chy_status status = chy_storage_read(runtime->storage, op, CHY_C_APPROVAL_PROFILES,
                                         CHY_KEY(chy_value_uuid(&profile->id)),
                                         CHY_FIELDS(CHY_APPROVAL_PROFILE_POLICY_ID), &row);
    if (status != CHY_OK) {
        return status == CHY_NOT_FOUND ? CHY_OK : status;
    }
    profile->approval.policy_id = chy_row_uuid(&row, 0);
    CHY_TRY(chy_storage_read(runtime->storage, op, CHY_C_APPROVAL_POLICIES,
                             CHY_KEY(chy_value_uuid(&profile->approval.policy_id)),
                             CHY_FIELDS(CHY_APPROVAL_POLICY_BYPASS), &row));
    profile->approval.bypass_machines = chy_row_bool(&row, 0);
    return CHY_OK;
}

chy_status chy_auto_renewal_read(struct chy_op *op, struct chy_slice config,
                                 struct chy_auto_renewal *out_renewal)
{
    json_t *json;
    int64_t finer;
    CHY_TRY(chy_json_parse(op, config, &json));
    out_renewal->enabled = json_is_true(json_object_get(json, "autoRenew"));
    out_renewal->before = chy_duration_of(
        json_integer_value(json_object_get(json, "renewBeforeDays")), CHY_US_PER_DAY);
    if (chy_duration_parse_request(chy_json_member(json, "renewBefore"), &finer)) {
        out_renewal->before = finer;
    }
    return CHY_OK;
}

static enum chy_key_retention retention_of(struct chy_slice word)
{
    return chy_slice_is(word, "once")   ? CHY_KEY_ONCE
           : chy_slice_is(word, "none") ? CHY_KEY_NOT_KEPT
                                        : CHY_KEY_STORED;
}

static chy_status fill_profile(struct chy_runtime *runtime, struct chy_op *op,
                               const struct chy_storage_row *row,
                               struct chy_enroll_profile *profile)
{
    struct chy_op *memory = &profile->memory->op;
    profile->project_id = chy_row_uuid(row, 0);
    profile->policy_id = chy_row_uuid(row, 1);
    profile->authority_id = chy_row_uuid(row, 2);
    profile->revision = row->revision;
    profile->key_retention = retention_of(chy_row_text(row, 5));
    CHY_TRY(chy_copy(memory, chy_row_text(row, 3), &profile->slug));
    CHY_TRY(chy_copy(memory, chy_row_text(row, 4), &profile->method));
    CHY_TRY(chy_auto_renewal_read(memory, chy_row_json(row, 6), &profile->auto_renewal));
    CHY_TRY(read_defaults(memory, chy_row_json(row, 7), &profile->defaults));
    CHY_TRY(load_approval(runtime, op, profile));
    return load_rules(runtime, op, profile);
}

static chy_status load_profile(struct chy_runtime *runtime, struct chy_op *op, struct chy_slice key,
                               struct chy_cached **out_cached)
{
    struct chy_storage_row row;
    struct chy_uuid id;
    memcpy(id.bytes, key.ptr, sizeof id.bytes);
    chy_status status = chy_storage_read(
        runtime->storage, op, CHY_C_PROFILES, CHY_KEY(chy_value_uuid(&id)),
        CHY_FIELDS(CHY_PROFILE_PROJECT_ID, CHY_PROFILE_POLICY_ID, CHY_PROFILE_CA_ID,
                   CHY_PROFILE_SLUG, CHY_PROFILE_METHOD, CHY_PROFILE_KEY_RETENTION,
                   CHY_PROFILE_CONFIG, CHY_PROFILE_DEFAULTS),
        &row);
    CHY_TRY(chy_or_not_found(op, status, "certificate profile"));
    struct chy_enroll_profile *profile = calloc(1, sizeof *profile);
    if (profile == NULL) {
        return chy_fail_memory(op);
    }
    chy_cached_init(&profile->cached, free_profile);
    profile->id = id;
    profile->memory = chy_memory_new(op);
    status =
        profile->memory == NULL ? chy_fail_memory(op) : fill_profile(runtime, op, &row, profile);
    if (status != CHY_OK) {
        status = chy_op_adopt(op, profile->memory, status);
        chy_cached_unref(&profile->cached);
        return status;
    }
    *out_cached = &profile->cached;
    return CHY_OK;
}

chy_status chy_enroll_profile_get(struct chy_runtime *runtime, struct chy_op *op,
                                  const struct chy_uuid *id,
                                  const struct chy_enroll_profile **out_profile)
{
    const struct chy_cached *cached;
    CHY_TRY(chy_cache_get(runtime->cache, op, CHY_CACHE_PROFILE,
                          chy_slice_of(id->bytes, sizeof id->bytes), load_profile, &cached));
    const struct chy_enroll_profile *profile = (const struct chy_enroll_profile *)cached;
    if (!chy_principal_is_member(chy_principal_of(op), &profile->project_id)) {
        return chy_not_found(op, "certificate profile");
    }
    *out_profile = profile;
    return CHY_OK;
}
