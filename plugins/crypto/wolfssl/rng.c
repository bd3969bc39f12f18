#include "rng.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

/** The most that wolfCrypt gives in one call. */
#define BLOCK_MAX 65536U
#define FRESH_LEN 32U
/** A private scalar of P-521 and a SHA-512 digest. */
#define HEDGE_MAX (FRESH_LEN + 66U + 64U)

static size_t page_size(void)
{
    long size = sysconf(_SC_PAGESIZE);
    return size > 0 ? (size_t)size : 4096;
}

bool chy_rngs_init(struct chy_rngs *rngs, struct chy_vault *vault)
{
    memset(rngs, 0, sizeof *rngs);
    void *page =
        mmap(NULL, page_size(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED) {
        return false;
    }
    (void)madvise(page, page_size(), MADV_WIPEONFORK);
    rngs->alive = page;
    *rngs->alive = 1;
    rngs->vault = vault;
    (void)pthread_mutex_init(&rngs->lock, NULL);
    return true;
}

void chy_rngs_fini(struct chy_rngs *rngs)
{
    if (rngs->alive == NULL) {
        return;
    }
    while (rngs->idle != NULL) {
        struct chy_rng *rng = rngs->idle;
        rngs->idle = rng->next;
        (void)wc_FreeRng(&rng->rng);
        chy_vault_give(rngs->vault, rng, sizeof *rng);
    }
    (void)munmap(rngs->alive, page_size());
    rngs->alive = NULL;
    (void)pthread_mutex_destroy(&rngs->lock);
}

static struct chy_rng *pop_locked(struct chy_rngs *rngs, uint64_t *out_generation)
{
    if (*rngs->alive == 0) {
        *rngs->alive = 1;
        rngs->generation++;
    }
    struct chy_rng *rng = rngs->idle;
    if (rng != NULL) {
        rngs->idle = rng->next;
    }
    *out_generation = rngs->generation;
    return rng;
}

int chy_rngs_take(struct chy_rngs *rngs, struct chy_rng **out_rng)
{
    uint64_t generation;
    (void)pthread_mutex_lock(&rngs->lock);
    struct chy_rng *rng = pop_locked(rngs, &generation);
    (void)pthread_mutex_unlock(&rngs->lock);
    if (rng != NULL && rng->generation == generation) {
        *out_rng = rng;
        return 0;
    }
    if (rng != NULL) {
        (void)wc_FreeRng(&rng->rng);
    } else {
        rng = chy_vault_take(rngs->vault, sizeof *rng);
        if (rng == NULL) {
            return MEMORY_E;
        }
    }
    int code = wc_InitRng(&rng->rng);
    if (code != 0) {
        chy_vault_give(rngs->vault, rng, sizeof *rng);
        return code;
    }
    rng->generation = generation;
    *out_rng = rng;
    return 0;
}

void chy_rngs_give(struct chy_rngs *rngs, struct chy_rng *rng)
{
    if (rng == NULL) {
        return;
    }
    if (rng->rng.status != 1) { // DRBG_OK, which no header of wolfCrypt names
        (void)wc_FreeRng(&rng->rng);
        chy_vault_give(rngs->vault, rng, sizeof *rng);
        return;
    }
    (void)pthread_mutex_lock(&rngs->lock);
    rng->next = rngs->idle;
    rngs->idle = rng;
    (void)pthread_mutex_unlock(&rngs->lock);
}

int chy_rng_fill(struct chy_rng *rng, struct chy_buffer out)
{
    while (out.len > 0) {
        word32 part = out.len > BLOCK_MAX ? BLOCK_MAX : (word32)out.len;
        int code = wc_RNG_GenerateBlock(&rng->rng, out.ptr, part);
        if (code != 0) {
            return code;
        }
        out.ptr += part;
        out.len -= part;
    }
    return 0;
}

static bool kernel_random(uint8_t *out, size_t len)
{
    ssize_t got;
    do {
        got = getrandom(out, len, 0);
    } while (got < 0 && errno == EINTR);
    return got == (ssize_t)len; // up to 256 bytes come whole
}

static int mix(struct chy_rng *rng, uint8_t *input, word32 len)
{
#if CHY_WOLF_AT_LEAST(5, 9, 0)
    return wc_RNG_DRBG_Reseed(&rng->rng, input, len);
#else
    // Older releases do not export reseeding: start anew, from the kernel and from `input`.
    (void)wc_FreeRng(&rng->rng);
    return wc_InitRngNonce(&rng->rng, input, len);
#endif
}

int chy_rng_hedge(struct chy_rng *rng, struct chy_slice secret, struct chy_slice digest)
{
    uint8_t input[HEDGE_MAX];
    if (FRESH_LEN + secret.len + digest.len > sizeof input) {
        return BUFFER_E;
    }
    if (!kernel_random(input, FRESH_LEN)) {
        return RNG_FAILURE_E;
    }
    memcpy(input + FRESH_LEN, secret.ptr, secret.len);
    memcpy(input + FRESH_LEN + secret.len, digest.ptr, digest.len);
    int code = mix(rng, input, (word32)(FRESH_LEN + secret.len + digest.len));
    explicit_bzero(input, sizeof input);
    return code;
}
