/**
 * Key handles.
 *
 * Behind a handle stands a pool of wolfCrypt's key objects.  A call checks one out and gives it
 * back: two threads never share one, because wolfCrypt then makes wrong RSA signatures and says
 * that they are right.  What a handle says of itself never changes, and is read without a lock.
 */
#ifndef CHANCERY_WOLFSSL_KEY_H
#define CHANCERY_WOLFSSL_KEY_H

#include "algorithm.h"
#include "provider.h"

/** One of wolfCrypt's objects, checked out of its key. */
struct chy_object {
    struct chy_object *next;
    _Alignas(64) uint8_t body[];
};

struct chy_key {
    struct chy_provider *provider;
    const struct chy_algorithm *algorithm;
    uint32_t flags; /**< enum chy_key_flag */
    uint32_t block_size;
    struct chy_slice secret;      /**< empty: a public key */
    uint8_t *secret_block;        /**< where it lies; NULL: a public key */
    struct chy_slice spki;        /**< empty: a symmetric key */
    struct chy_slice public_bits; /**< within `spki` */
    atomic_uint_fast64_t seals;   /**< how many nonces were drawn for this key */
    struct chy_key *next;         /**< in the ready pool */

    pthread_mutex_t lock; /**< guards what follows */
    pthread_cond_t changed;
    struct chy_object *idle;
    uint32_t objects; /**< idle and out */
    uint32_t busy;    /**< out */
    uint32_t waiting;
};

/** chy_key_flags_check refuses flags that contradict each other or that nobody knows. */
CHY_MUST_USE chy_status chy_key_flags_check(struct chy_op *op, uint32_t flags);

/** chy_key_generate makes a new key, at once, on this thread.  Returns 0 or a wolfCrypt code. */
CHY_MUST_USE int chy_key_generate(struct chy_provider *provider,
                                  const struct chy_algorithm *algorithm, struct chy_rng *rng,
                                  uint32_t flags, struct chy_key **out_key);

/** chy_key_import makes a key of private bytes in the form of `struct chy_material`.  `trusted`
 *  ones came out of this plugin.  Returns 0 or a wolfCrypt code. */
CHY_MUST_USE int chy_key_import(struct chy_provider *provider,
                                const struct chy_algorithm *algorithm, uint32_t flags,
                                struct chy_slice secret, bool trusted, struct chy_key **out_key);

/** chy_key_import_public makes a public key of SPKI that is known to be well-formed. */
CHY_MUST_USE int chy_key_import_public(struct chy_provider *provider,
                                       const struct chy_algorithm *algorithm,
                                       struct chy_slice public_bits, struct chy_key **out_key);

/** chy_key_free waits for calls on the key and wipes it.  NULL is fine. */
void chy_key_free(struct chy_key *key);

/** chy_key_shed wipes the idle objects: the key takes less memory until it is used again. */
void chy_key_shed(struct chy_key *key);

/** chy_key_checkout gives an object for one call; when all are out it waits, as long as the
 *  operation may. */
CHY_MUST_USE chy_status chy_key_checkout(struct chy_key *key, struct chy_op *op,
                                         struct chy_object **out_object);
void chy_key_checkin(struct chy_key *key, struct chy_object *object);

CHY_MUST_USE chy_status chy_key_sign(struct chy_key *key, struct chy_op *op, uint32_t scheme,
                                     struct chy_slice message, struct chy_slice *out_signature);
CHY_MUST_USE chy_status chy_key_verify(struct chy_key *key, struct chy_op *op, uint32_t scheme,
                                       struct chy_slice message, struct chy_slice signature);

#endif
