/** A provider as create() makes it, without threads. */
#ifndef PROVIDER_FIXTURE_H
#define PROVIDER_FIXTURE_H

#include "key.h"
#include "test_op.h"

struct provider_options {
    uint32_t ready_2048;
    uint32_t generate_waiting;
    uint32_t objects_per_key;
};

/** provider_new makes one that works for `op`. */
struct chy_provider *provider_new(struct chy_op *op, struct provider_options options);
void provider_free(struct chy_provider *provider);

/** key_of makes a key. */
struct chy_key *key_of(struct chy_provider *provider, uint32_t algorithm);

#endif
