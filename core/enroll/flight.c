#include "enroll/flight.h"

#include <assert.h>

void chy_flights_init(struct chy_flights *flights)
{
    flights->first = NULL;
    chy_mutex_init(&flights->lock);
    chy_cond_init(&flights->ended);
}

void chy_flights_fini(struct chy_flights *flights)
{
    assert(flights->first == NULL);
    chy_cond_fini(&flights->ended);
    chy_mutex_fini(&flights->lock);
}

static bool is_under_way_locked(const struct chy_flights *flights, const struct chy_uuid *id,
                                int64_t number)
{
    const struct chy_flight *flight = flights->first;
    while (flight != NULL && (flight->number != number || chy_uuid_compare(&flight->id, id) != 0)) {
        flight = flight->next;
    }
    return flight != NULL;
}

static void lead_locked(struct chy_flights *flights, struct chy_flight *flight,
                        const struct chy_uuid *id, int64_t number)
{
    flight->id = *id;
    flight->number = number;
    flight->next = flights->first;
    flights->first = flight;
}

enum chy_flight_turn chy_flight_begin(struct chy_flights *flights, struct chy_flight *flight,
                                      const struct chy_uuid *id, int64_t number, int64_t deadline)
{
    bool waited = false;
    bool in_time = true;
    chy_mutex_lock(&flights->lock);
    while (in_time && is_under_way_locked(flights, id, number)) {
        waited = true;
        in_time = chy_cond_wait_until(&flights->ended, &flights->lock, deadline);
    }
    if (!waited) {
        lead_locked(flights, flight, id, number);
    }
    chy_mutex_unlock(&flights->lock);
    if (!waited) {
        return CHY_FLIGHT_LEADS;
    }
    return in_time ? CHY_FLIGHT_WAITED : CHY_FLIGHT_TIMEOUT;
}

bool chy_flight_try(struct chy_flights *flights, struct chy_flight *flight,
                    const struct chy_uuid *id, int64_t number)
{
    chy_mutex_lock(&flights->lock);
    bool leads = !is_under_way_locked(flights, id, number);
    if (leads) {
        lead_locked(flights, flight, id, number);
    }
    chy_mutex_unlock(&flights->lock);
    return leads;
}

void chy_flight_end(struct chy_flights *flights, struct chy_flight *flight)
{
    chy_mutex_lock(&flights->lock);
    struct chy_flight **slot = &flights->first;
    while (*slot != flight) {
        assert(*slot != NULL);
        slot = &(*slot)->next;
    }
    *slot = flight->next;
    chy_cond_broadcast(&flights->ended);
    chy_mutex_unlock(&flights->lock);
}
