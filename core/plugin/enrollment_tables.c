#include "plugin/descriptor.h"

#include "base/slice.h"

/** Sizes that elements had in 1.0. */
#define ROUTE_SIZE_1_0 184U
#define JOB_SIZE_1_0 32U
#define COLLECTION_SIZE_1_0 96U
#define FIELD_SIZE_1_0 24U
#define INDEX_SIZE_1_0 48U
/** More than any plugin has use for. */
#define ROUTES_MAX 1000U
#define JOBS_MAX 64U
#define COLLECTIONS_MAX 64U
#define INDEXES_MAX 32U
#define WORD_MAX 64U
#define TEXT_MAX 1024U

static chy_status check_route(const struct chy_candidate *candidate, const struct chy_route *route)
{
    CHY_TRY(chy_descriptor_text(candidate, "the method of a route", route->method, WORD_MAX, true));
    CHY_TRY(
        chy_descriptor_text(candidate, "the pattern of a route", route->pattern, TEXT_MAX, true));
    CHY_TRY(chy_descriptor_text(candidate, "the operation of a route", route->operation, WORD_MAX,
                                true));
    CHY_TRY(
        chy_descriptor_text(candidate, "the summary of a route", route->summary, TEXT_MAX, false));
    CHY_TRY(
        chy_descriptor_text(candidate, "the subject of a route", route->subject, WORD_MAX, false));
    CHY_TRY(
        chy_descriptor_text(candidate, "the action of a route", route->action, WORD_MAX, false));
    if (route->auth > CHY_AUTH_METHOD) {
        return chy_refuse(
            candidate, CHY_UNSUPPORTED, "route %.*s %.*s: expected an auth mode up to %d, found %u",
            (int)route->method.len, (const char *)route->method.ptr, (int)route->pattern.len,
            (const char *)route->pattern.ptr, CHY_AUTH_METHOD, route->auth);
    }
    if (route->handle == NULL) {
        return chy_refuse(candidate, CHY_BAD_INPUT,
                          "route %.*s %.*s: expected a handler, found none", (int)route->method.len,
                          (const char *)route->method.ptr, (int)route->pattern.len,
                          (const char *)route->pattern.ptr);
    }
    return CHY_OK;
}

static chy_status copy_routes(const struct chy_candidate *candidate, struct chy_arena *arena,
                              struct chy_view *routes)
{
    const struct chy_array_rule rule = {"routes", ROUTE_SIZE_1_0, sizeof(struct chy_route),
                                        ROUTES_MAX};
    CHY_TRY(chy_descriptor_array(candidate, arena, &rule, routes));
    for (uint64_t i = 0; i < routes->count; i++) {
        const struct chy_route *route = chy_view_item(*routes, i);
        CHY_TRY(check_route(candidate, route));
        for (uint64_t k = 0; k < i; k++) {
            const struct chy_route *earlier = chy_view_item(*routes, k);
            if (chy_slice_equal(earlier->operation, route->operation)) {
                return chy_refuse(candidate, CHY_BAD_INPUT,
                                  "expected each operation once, found '%.*s' on two routes",
                                  (int)route->operation.len, (const char *)route->operation.ptr);
            }
        }
    }
    return CHY_OK;
}

static chy_status copy_jobs(const struct chy_candidate *candidate, struct chy_arena *arena,
                            struct chy_view *jobs)
{
    const struct chy_array_rule rule = {"jobs", JOB_SIZE_1_0, sizeof(struct chy_job), JOBS_MAX};
    CHY_TRY(chy_descriptor_array(candidate, arena, &rule, jobs));
    for (uint64_t i = 0; i < jobs->count; i++) {
        const struct chy_job *job = chy_view_item(*jobs, i);
        CHY_TRY(chy_descriptor_text(candidate, "the name of a job", job->name, WORD_MAX, true));
        if (job->run == NULL || job->period <= 0) {
            return chy_refuse(candidate, CHY_BAD_INPUT,
                              "job '%.*s': expected a function and a period above 0, found %s",
                              (int)job->name.len, (const char *)job->name.ptr,
                              job->run == NULL ? "no function" : "another period");
        }
    }
    return CHY_OK;
}

// Whether names, key and indexes make sense is checked with the whole schema (schema.h).
static chy_status copy_collections(const struct chy_candidate *candidate, struct chy_arena *arena,
                                   struct chy_view *collections)
{
    const struct chy_array_rule rule = {"collections", COLLECTION_SIZE_1_0,
                                        sizeof(struct chy_collection), COLLECTIONS_MAX};
    const struct chy_array_rule field_rule = {"fields", FIELD_SIZE_1_0, sizeof(struct chy_field),
                                              CHY_STORAGE_FIELDS_MAX};
    const struct chy_array_rule index_rule = {"indexes", INDEX_SIZE_1_0, sizeof(struct chy_index),
                                              INDEXES_MAX};
    CHY_TRY(chy_descriptor_array(candidate, arena, &rule, collections));
    for (uint64_t i = 0; i < collections->count; i++) {
        // The array is a fresh copy of ours, handed out as const only because views are.
        struct chy_collection *collection =
            (struct chy_collection *)(uintptr_t)chy_view_item(*collections, i);
        CHY_TRY(chy_descriptor_array(candidate, arena, &field_rule, &collection->fields));
        CHY_TRY(chy_descriptor_array(candidate, arena, &index_rule, &collection->indexes));
    }
    return CHY_OK;
}

chy_status chy_enrollment_tables(const struct chy_candidate *candidate, struct chy_arena *arena,
                                 struct chy_enrollment_ops *ops)
{
    CHY_TRY(chy_descriptor_text(candidate, "a method", ops->method, WORD_MAX, false));
    CHY_TRY(
        chy_descriptor_text(candidate, "a method's summary", ops->method_summary, TEXT_MAX, false));
    CHY_TRY(chy_descriptor_options(candidate, arena, "profile option", &ops->profile_options));
    CHY_TRY(copy_routes(candidate, arena, &ops->routes));
    CHY_TRY(copy_collections(candidate, arena, &ops->collections));
    return copy_jobs(candidate, arena, &ops->jobs);
}
