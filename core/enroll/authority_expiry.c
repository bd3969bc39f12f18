#include "enroll/authority_expiry.h"

#include "base/metrics.h"
#include "base/time.h"
#include "resource/cache.h"
#include "resource/collections.h"
#include "resource/json.h"

#include <stdlib.h>

#define PROFILES_MAX 1000

/** What is cached of a CA: any write to a profile or a policy ends it. */
struct longest {
    struct chy_cached cached; /**< first member */
    int64_t life;
};

static void free_longest(struct chy_cached *cached)
{
    free(cached);
}

/** life_of reads what one profile may ask for. */
static chy_status life_of(struct chy_runtime *runtime, struct chy_op *op,
                          const struct chy_storage_row *profile, int64_t *out_life)
{
    struct chy_uuid policy_id = chy_row_uuid(profile, 0);
    struct chy_storage_row policy;
    json_t *json;
    *out_life = 0;
    chy_status status =
        chy_storage_read(runtime->storage, op, CHY_C_POLICIES, CHY_KEY(chy_value_uuid(&policy_id)),
                         CHY_FIELDS(CHY_POLICY_VALIDITY), &policy);
    if (status != CHY_OK) {
        return status == CHY_NOT_FOUND ? CHY_OK : status;
    }
    if (!chy_row_is_null(&policy, 0)) {
        CHY_TRY(chy_json_parse(op, chy_row_json(&policy, 0), &json));
        struct chy_slice max = chy_json_member(json, "max");
        if (max.len != 0 && chy_duration_parse_policy(max, out_life)) {
            return CHY_OK;
        }
    }
    if (!chy_row_is_null(profile, 1)) {
        CHY_TRY(chy_json_parse(op, chy_row_json(profile, 1), &json));
        *out_life = json_integer_value(json_object_get(json, "ttlDays")) * CHY_US_PER_DAY;
    }
    return CHY_OK;
}

static chy_status load_longest(struct chy_runtime *runtime, struct chy_op *op, struct chy_slice key,
                               struct chy_cached **out_cached)
{
    struct chy_uuid id;
    struct chy_query query;
    struct chy_storage_page page;
    int64_t longest = 0;
    memcpy(&id, key.ptr, sizeof id);
    chy_query_init(&query, op, CHY_C_PROFILES,
                   CHY_FIELDS(CHY_PROFILE_POLICY_ID, CHY_PROFILE_DEFAULTS), PROFILES_MAX);
    chy_query_eq(&query, CHY_PROFILE_CA_ID, chy_value_uuid(&id));
    CHY_TRY(chy_query_run(&query, runtime->storage, &page));
    for (uint64_t i = 0; i < page.rows.count; i++) {
        int64_t life;
        CHY_TRY(life_of(runtime, op, chy_page_row(&page, i), &life));
        longest = life > longest ? life : longest;
    }
    struct longest *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return chy_fail_memory(op);
    }
    chy_cached_init(&made->cached, free_longest);
    made->life = longest;
    *out_cached = &made->cached;
    return CHY_OK;
}

chy_status chy_authority_longest(struct chy_runtime *runtime, struct chy_op *op,
                                 const struct chy_uuid *authority_id, int64_t *out_longest)
{
    const struct chy_cached *cached;
    CHY_TRY(chy_cache_get(runtime->cache, op, CHY_CACHE_LONGEST,
                          chy_slice_of(authority_id->bytes, sizeof authority_id->bytes),
                          load_longest, &cached));
    *out_longest = ((const struct longest *)cached)->life;
    return CHY_OK;
}

chy_status chy_authority_ends_soon(struct chy_runtime *runtime, struct chy_op *op,
                                   const struct chy_uuid *authority_id, int64_t not_after,
                                   bool *out_soon)
{
    int64_t longest;
    CHY_TRY(chy_authority_longest(runtime, op, authority_id, &longest));
    *out_soon = not_after - chy_now(op) < longest + CHY_EXPIRY_NOTICE;
    return CHY_OK;
}

/* ------------------------------------------------------------------------------------------------
 * Jobs
 */

/** A CA that has a certificate. */
struct seen {
    struct chy_uuid id;
    struct chy_slice name;
    int64_t not_after;
};

typedef chy_status look_fn(struct chy_runtime *runtime, struct chy_op *op, const struct seen *ca);

static chy_status look_at(struct chy_runtime *runtime, struct chy_op *op,
                          const struct chy_storage_row *row, look_fn *look)
{
    struct seen ca = {.id = chy_row_uuid(row, 0), .name = chy_row_text(row, 1)};
    struct chy_uuid generation_id = chy_row_uuid(row, 2);
    struct chy_storage_row found;
    chy_status status = chy_storage_read(runtime->storage, op, CHY_C_GENERATIONS,
                                         CHY_KEY(chy_value_uuid(&generation_id)),
                                         CHY_FIELDS(CHY_GENERATION_CERTIFICATE_ID), &found);
    if (status == CHY_OK) {
        struct chy_uuid certificate_id = chy_row_uuid(&found, 0);
        status = chy_storage_read(runtime->storage, op, CHY_C_AUTHORITY_CERTIFICATES,
                                  CHY_KEY(chy_value_uuid(&certificate_id)),
                                  CHY_FIELDS(CHY_ACERT_NOT_AFTER), &found);
    }
    if (status != CHY_OK) {
        return status == CHY_NOT_FOUND ? CHY_OK : status; // pending, or deleted just now
    }
    ca.not_after = chy_row_time(&found, 0);
    return look(runtime, op, &ca);
}

static chy_status each(struct chy_runtime *runtime, struct chy_op *op, look_fn *look)
{
    struct chy_query query;
    struct chy_storage_page page;
    chy_query_init(&query, op, CHY_C_AUTHORITIES,
                   CHY_FIELDS(CHY_AUTHORITY_ID, CHY_AUTHORITY_NAME, CHY_AUTHORITY_GENERATION_ID),
                   100);
    do {
        CHY_TRY(chy_query_run(&query, runtime->storage, &page));
        for (uint64_t i = 0; i < page.rows.count && chy_cancelled(op) == 0; i++) {
            CHY_TRY(look_at(runtime, op, chy_page_row(&page, i), look));
        }
        query.find.cursor = page.cursor;
    } while (page.more != 0 && chy_cancelled(op) == 0);
    return CHY_OK;
}

static chy_status measure(struct chy_runtime *runtime, struct chy_op *op, const struct seen *ca)
{
    char id[CHY_UUID_TEXT_SIZE];
    char label[CHY_METRICS_LABEL_MAX];
    (void)runtime;
    chy_uuid_format(&ca->id, id);
    (void)snprintf(label, sizeof label, "ca=\"%.*s\",id=\"%s\"", (int)ca->name.len,
                   (const char *)ca->name.ptr, id);
    chy_metrics_gauge(chy_metrics_process(), chy_text("ca_expiry_seconds"), chy_text(label),
                      (ca->not_after - chy_now(op)) / CHY_US_PER_SECOND);
    return CHY_OK;
}

static chy_status warn(struct chy_runtime *runtime, struct chy_op *op, const struct seen *ca)
{
    char id[CHY_UUID_TEXT_SIZE];
    char end[CHY_TIME_TEXT_SIZE];
    bool soon = false;
    CHY_TRY(chy_authority_ends_soon(runtime, op, &ca->id, ca->not_after, &soon));
    if (soon) {
        chy_uuid_format(&ca->id, id);
        chy_time_format(ca->not_after, end);
        chy_log_warning(op, "ca.expires",
                        "the certificate authority '%.*s' (%s) ends at %s, too soon for what its "
                        "profiles may ask for: renew it, or roll its key over",
                        (int)ca->name.len, (const char *)ca->name.ptr, id, end);
    }
    return CHY_OK;
}

chy_status chy_authority_watch(struct chy_runtime *runtime, struct chy_op *op)
{
    return each(runtime, op, measure);
}

chy_status chy_authority_warn(struct chy_runtime *runtime, struct chy_op *op)
{
    return each(runtime, op, warn);
}
