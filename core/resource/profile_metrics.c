#include "resource/profile_metrics.h"

#include "base/time.h"
#include "resource/counters.h"

#define EXPIRING_DAYS 30

/** What is counted of a profile. */
struct counts {
    struct chy_uuid id;
    int64_t total;
    int64_t active;
    int64_t expired;
    int64_t expiring;
    int64_t revoked;
};

struct metrics {
    struct counts *profiles;
    size_t count;
    size_t last;        /**< who was counted last: counters come profile by profile */
    int64_t expires_by; /**< the last day that is soon */
};

static struct counts *counts_of(struct metrics *m, const struct chy_uuid *id)
{
    for (size_t i = 0; i < m->count; i++) {
        size_t at = (m->last + i) % m->count;
        if (chy_uuid_compare(&m->profiles[at].id, id) == 0) {
            m->last = at;
            return &m->profiles[at];
        }
    }
    return NULL;
}

static chy_status see(void *context, const struct chy_alike *alike, int64_t more)
{
    struct metrics *m = (struct metrics *)context;
    struct counts *counts = counts_of(m, &alike->profile_id);
    if (counts == NULL) { // of another page
        return CHY_OK;
    }
    counts->total += more;
    if (alike->standing == CHY_STANDING_REVOKED) {
        counts->revoked += more;
    } else if (alike->ended) {
        counts->expired += more;
    } else {
        counts->active += more;
        counts->expiring += alike->day <= m->expires_by ? more : 0;
    }
    return CHY_OK;
}

static chy_status show(struct chy_call *call, const struct counts *counts, json_t *profile)
{
    json_t *metrics = chy_json_object(call->op);
    bool fine = metrics != NULL && chy_json_set_uuid(metrics, "profileId", &counts->id) &&
                chy_json_set_int(metrics, "totalCertificates", counts->total) &&
                chy_json_set_int(metrics, "activeCertificates", counts->active) &&
                chy_json_set_int(metrics, "expiredCertificates", counts->expired) &&
                chy_json_set_int(metrics, "expiringCertificates", counts->expiring) &&
                chy_json_set_int(metrics, "revokedCertificates", counts->revoked) &&
                json_object_set(profile, "metrics", metrics) == 0;
    return fine ? CHY_OK : chy_fail_memory(call->op);
}

chy_status chy_profile_metrics(struct chy_call *call)
{
    json_t *list = json_object_get(call->answer, call->kind->plural);
    const json_t *days = json_object_get(call->document, "expiringDays");
    struct metrics m = {.count = json_array_size(list)};
    if (!json_is_true(json_object_get(call->document, "includeMetrics")) || m.count == 0) {
        return CHY_OK;
    }
    // Counted are certificates, and all of them.
    CHY_TRY(chy_require(call->op, &call->project_id, CHY_SUBJECT_CERTIFICATES, CHY_ACTION_READ,
                        "project"));
    m.expires_by = chy_now(call->op) / CHY_US_PER_DAY +
                   (days == NULL ? EXPIRING_DAYS : json_integer_value(days));
    m.profiles = chy_alloc(call->op, m.count * sizeof *m.profiles);
    if (m.profiles == NULL) {
        return chy_fail_memory(call->op);
    }
    memset(m.profiles, 0, m.count * sizeof *m.profiles);
    for (size_t i = 0; i < m.count; i++) {
        if (!chy_uuid_parse(chy_json_member(json_array_get(list, i), "id"), &m.profiles[i].id)) {
            return chy_fail(call->op, CHY_BROKEN, 0, "a profile was listed without its id");
        }
    }
    CHY_TRY(chy_counters_ends(call, see, &m));
    for (size_t i = 0; i < m.count; i++) {
        CHY_TRY(show(call, &m.profiles[i], json_array_get(list, i)));
    }
    return CHY_OK;
}
