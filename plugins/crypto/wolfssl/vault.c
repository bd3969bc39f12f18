#include "vault.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define CHUNK_SIZE ((size_t)128 * 1024)
#define ALIGNMENT 64U

// A memory checker sees an overrun or a late use only in blocks of its own allocator.
#if defined(__SANITIZE_ADDRESS__)
#define ONE_ALLOCATION_EACH 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ONE_ALLOCATION_EACH 1
#endif
#endif
#ifndef ONE_ALLOCATION_EACH
#define ONE_ALLOCATION_EACH 0
#endif

struct chy_vault_chunk {
    struct chy_vault_chunk *next;
};

struct chy_vault_block {
    struct chy_vault_block *next;
};

/** Sizes that wolfCrypt's key objects and our handles need; each a multiple of ALIGNMENT. */
static const size_t class_sizes[CHY_VAULT_CLASSES] = {
    256, 512, 1024, 2560, 4608, 9216, CHY_VAULT_BLOCK_MAX,
};

static size_t class_of(size_t size)
{
    size_t class = 0;
    while (class < CHY_VAULT_CLASSES && class_sizes[class] < size) {
        class ++;
    }
    return class;
}

void chy_vault_init(struct chy_vault *vault)
{
    memset(vault, 0, sizeof *vault);
    (void)pthread_mutex_init(&vault->lock, NULL);
}

void chy_vault_fini(struct chy_vault *vault)
{
    while (vault->chunks != NULL) {
        struct chy_vault_chunk *chunk = vault->chunks;
        vault->chunks = chunk->next;
        explicit_bzero(chunk, CHUNK_SIZE);
        (void)munmap(chunk, CHUNK_SIZE);
    }
    (void)pthread_mutex_destroy(&vault->lock);
}

static bool grow_locked(struct chy_vault *vault)
{
    void *mapped =
        mmap(NULL, CHUNK_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapped == MAP_FAILED) {
        return false;
    }
    // Neither is a reason to refuse service: a small limit on locked memory is common.
    if (mlock(mapped, CHUNK_SIZE) != 0) {
        vault->unlocked = true;
    }
    (void)madvise(mapped, CHUNK_SIZE, MADV_DONTDUMP);
    struct chy_vault_chunk *chunk = mapped;
    chunk->next = vault->chunks;
    vault->chunks = chunk;
    vault->fresh = (unsigned char *)mapped + ALIGNMENT;
    vault->fresh_len = CHUNK_SIZE - ALIGNMENT;
    return true;
}

static void *take_locked(struct chy_vault *vault, size_t class)
{
    struct chy_vault_block *block = vault->idle[class];
    if (block != NULL) {
        vault->idle[class] = block->next;
        block->next = NULL; // the rest of it was zeroed when it came back
        return block;
    }
    size_t size = class_sizes[class];
    if (vault->fresh_len < size && !grow_locked(vault)) {
        return NULL;
    }
    unsigned char *fresh = vault->fresh;
    vault->fresh += size;
    vault->fresh_len -= size;
    return fresh;
}

void *chy_vault_take(struct chy_vault *vault, size_t size)
{
    size_t class = class_of(size);
    if (class == CHY_VAULT_CLASSES) {
        return NULL;
    }
    if (ONE_ALLOCATION_EACH) {
        size_t rounded = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
        void *block = aligned_alloc(ALIGNMENT, rounded);
        if (block != NULL) {
            memset(block, 0, rounded);
        }
        return block;
    }
    (void)pthread_mutex_lock(&vault->lock);
    void *block = take_locked(vault, class);
    (void)pthread_mutex_unlock(&vault->lock);
    return block;
}

void chy_vault_give(struct chy_vault *vault, void *block, size_t size)
{
    if (block == NULL) {
        return;
    }
    explicit_bzero(block, size);
    if (ONE_ALLOCATION_EACH) {
        free(block);
        return;
    }
    struct chy_vault_block *idle = block;
    size_t class = class_of(size);
    (void)pthread_mutex_lock(&vault->lock);
    idle->next = vault->idle[class];
    vault->idle[class] = idle;
    (void)pthread_mutex_unlock(&vault->lock);
}

bool chy_vault_locked(struct chy_vault *vault)
{
    (void)pthread_mutex_lock(&vault->lock);
    bool locked = !vault->unlocked;
    (void)pthread_mutex_unlock(&vault->lock);
    return locked;
}
