/**
 * Where private keys lie: memory that is locked, left out of core dumps, and zeroised when given
 * back.
 *
 * Blocks are recycled by size, so that a key that lives for one request costs no system call.  Safe
 * to use from many threads at once.
 */
#ifndef CHANCERY_WOLFSSL_VAULT_H
#define CHANCERY_WOLFSSL_VAULT_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

/** The largest block there is. */
#define CHY_VAULT_BLOCK_MAX 16384U
#define CHY_VAULT_CLASSES 7

struct chy_vault_chunk;
struct chy_vault_block;

struct chy_vault {
    pthread_mutex_t lock; /**< guards everything below */
    struct chy_vault_chunk *chunks;
    unsigned char *fresh; /**< what the newest chunk still has */
    size_t fresh_len;
    struct chy_vault_block *idle[CHY_VAULT_CLASSES];
    bool unlocked; /**< some memory could not be locked */
};

void chy_vault_init(struct chy_vault *vault);
/** chy_vault_fini wipes and unmaps everything; no block may be in use. */
void chy_vault_fini(struct chy_vault *vault);

/** chy_vault_take gives `size` zero bytes, aligned to 64, or NULL: no memory, or too large. */
void *chy_vault_take(struct chy_vault *vault, size_t size);
/** chy_vault_give wipes a block and keeps it for the next; `size` as it was taken.  NULL is fine.
 *  */
void chy_vault_give(struct chy_vault *vault, void *block, size_t size);

/** chy_vault_locked tells whether all memory so far is locked. */
bool chy_vault_locked(struct chy_vault *vault);

#endif
