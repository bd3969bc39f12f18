/** The requests that the load generator sends: made beforehand, so that sending costs little. */
#ifndef CHANCERY_BENCH_REQUESTS_H
#define CHANCERY_BENCH_REQUESTS_H

#include "host.h"

/** What all requests of a run have in common. */
struct bench_target {
    const char *method;
    const char *path;
    const char *token;   /**< NULL: none */
    const char *profile; /**< NULL: the body is `body`; else a CSR of its own for each request */
    const char *body;    /**< NULL: none */
};

/** Whole HTTP requests, one behind the other. */
struct bench_requests {
    uint8_t *bytes;
    uint64_t *offsets; /**< made + 1 of them */
    uint64_t made;     /**< how many there are; then it begins again */
    uint64_t count;    /**< how many are sent */
};

/**
 * bench_requests_make makes `count` requests.  With a profile each has a fresh P-256 key, a name
 * and an alternative name of its own, for which the crypto plugin of `arguments` is loaded.  false:
 * it has said why.
 */
CHY_MUST_USE bool bench_requests_make(const struct bench_target *target,
                                      const struct conf_arguments *arguments, uint64_t count,
                                      struct bench_requests *out_requests);
/**
 * bench_requests_read makes the requests that a file lists, one on a line: a method, a path and,
 * for those that have one, a body of JSON, parted by spaces.  `count` is how many are sent, in
 * turn; 0: each once.  false: it has said why.
 */
CHY_MUST_USE bool bench_requests_read(const struct bench_target *target, const char *file,
                                      uint64_t count, struct bench_requests *out_requests);
void bench_requests_free(struct bench_requests *requests);

/** bench_requests_at gives one request's bytes. */
struct chy_slice bench_requests_at(const struct bench_requests *requests, uint64_t number);

#endif
