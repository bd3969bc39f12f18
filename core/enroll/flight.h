/**
 * Work that one thread does while others who want the same wait for it.
 *
 *     switch (chy_flight_begin(flights, &id, number, chy_deadline(op))) { … }
 *
 * Whoever leads does the work, puts its result where the others look, and ends the flight.
 */
#ifndef CHY_ENROLL_FLIGHT_H
#define CHY_ENROLL_FLIGHT_H

#include "base/lock.h"
#include "base/uuid.h"

struct chy_flight;

/** Zero is none under way, once chy_flights_init() was called. */
struct chy_flights {
    struct chy_mutex lock;
    struct chy_cond ended;
    struct chy_flight *first;
};

/** One piece of work, on the stack of its leader. */
struct chy_flight {
    struct chy_flight *next;
    struct chy_uuid id;
    int64_t number;
};

void chy_flights_init(struct chy_flights *flights);
void chy_flights_fini(struct chy_flights *flights);

enum chy_flight_turn {
    CHY_FLIGHT_LEADS = 0, /**< the caller does the work, then calls chy_flight_end() */
    CHY_FLIGHT_WAITED,    /**< another did it: look whether its result is there */
    CHY_FLIGHT_TIMEOUT    /**< the deadline, µs on the real monotonic clock, passed meanwhile */
};

/** chy_flight_begin leads the work on (id, number), or waits until who leads it ends. */
CHY_MUST_USE enum chy_flight_turn chy_flight_begin(struct chy_flights *flights,
                                                   struct chy_flight *flight,
                                                   const struct chy_uuid *id, int64_t number,
                                                   int64_t deadline);
/** chy_flight_try leads the work unless another does; it never waits. */
CHY_MUST_USE bool chy_flight_try(struct chy_flights *flights, struct chy_flight *flight,
                                 const struct chy_uuid *id, int64_t number);
void chy_flight_end(struct chy_flights *flights, struct chy_flight *flight);

#endif
