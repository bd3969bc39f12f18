/** What the elliptic curves of this plugin do besides signing. */
#ifndef CHANCERY_WOLFSSL_ECC_H
#define CHANCERY_WOLFSSL_ECC_H

#include "algorithm.h"

/** chy_ecc_agree computes the x coordinate of private times public (SEC 1 3.3.1) into `out`, which
 *  has algorithm->size bytes.  Returns 0 or a wolfCrypt code. */
CHY_MUST_USE int chy_ecc_agree(void *private_object, void *public_object, struct chy_rng *rng,
                               struct chy_buffer out);

/** chy_ecc_thread_starts sees to it that wolfCrypt's cache of this thread is freed when it ends;
 *  releases without that cache need nothing. */
void chy_ecc_thread_starts(void);

#endif
