#include "enroll/ocsp_rate.h"

#define NS_PER_SECOND INT64_C(1000000000)
#define NS_PER_US INT64_C(1000)

/** What is free goes up to a second's worth; behind it is what only shares are taken from. */
#define FREE NS_PER_SECOND
#define RESERVE (NS_PER_SECOND / 2)

void chy_ocsp_rate_init(struct chy_ocsp_rate *rate)
{
    chy_mutex_init(&rate->lock);
}

void chy_ocsp_rate_fini(struct chy_ocsp_rate *rate)
{
    chy_mutex_fini(&rate->lock);
}

/** find_locked finds a project's share, and counts who wanted something within the last second. */
static struct chy_ocsp_share *find_locked(struct chy_ocsp_rate *rate, const struct chy_uuid *id,
                                          int64_t now, int64_t *out_asking)
{
    struct chy_ocsp_share *own = NULL;
    struct chy_ocsp_share *oldest = &rate->shares[0];
    int64_t asking = 0;
    for (uint32_t i = 0; i < CHY_OCSP_SHARES; i++) {
        struct chy_ocsp_share *share = &rate->shares[i];
        asking += share->asked_at != 0 && now - share->asked_at < NS_PER_SECOND;
        oldest = share->asked_at < oldest->asked_at ? share : oldest;
        own = chy_uuid_compare(&share->project_id, id) == 0 ? share : own;
    }
    if (own == NULL) {
        own = oldest;
        *own = (struct chy_ocsp_share){.project_id = *id};
    }
    *out_asking = asking;
    return own;
}

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static bool take_locked(struct chy_ocsp_rate *rate, const struct chy_uuid *project_id, int64_t now,
                        int64_t step)
{
    int64_t asking;
    chy_mutex_assert_held(&rate->lock);
    struct chy_ocsp_share *share = find_locked(rate, project_id, now, &asking);
    share->asked_at = now;
    // One more than who asks: all shares together are less than what comes back, and so the
    // reserve never stays empty.
    int64_t share_step = step * (asking + 1);
    int64_t next = later(rate->next_at, now) + step;
    int64_t share_next = later(share->next_at, now) + share_step;
    int64_t share_end = now + later(RESERVE, share_step);
    bool is_free = next <= now + FREE;
    bool may = is_free || (next <= now + FREE + RESERVE && share_next <= share_end);
    if (may) {
        rate->next_at = next;
        // Taking what is free counts too, but is no debt that lasts.
        share->next_at = share_next < share_end ? share_next : share_end;
    }
    return may;
}

bool chy_ocsp_rate_take(struct chy_ocsp_rate *rate, const struct chy_uuid *project_id, int64_t now,
                        int64_t per_second)
{
    chy_mutex_lock(&rate->lock);
    bool may = take_locked(rate, project_id, now * NS_PER_US, NS_PER_SECOND / per_second);
    chy_mutex_unlock(&rate->lock);
    return may;
}
