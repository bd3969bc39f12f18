#include "wolf.h"

/** The most that one call takes in; far above anything that is signed, sealed or hashed here. */
#define INPUT_MAX (UINT64_C(1) << 30)
/** Deeper than wolfCrypt's elliptic curves go; its RSA wipes its own, larger frames. */
#define STACK_USED 16384

chy_status chy_wolf_fail(struct chy_op *op, int code, const char *doing)
{
    if (code == MEMORY_E || code == MP_MEM) {
        return chy_fail(op, CHY_NO_MEMORY, code, "no memory for %s", doing);
    }
    return chy_fail(op, CHY_BROKEN, code, "%s failed: %s", doing, wc_GetErrorString(code));
}

chy_status chy_wolf_refuse(struct chy_op *op, const char *what)
{
    return chy_fail_reason(op, CHY_BAD_INPUT, CHY_REASON_CRYPTO, "%s", what);
}

chy_status chy_wolf_size(struct chy_op *op, uint64_t len)
{
    if (len > INPUT_MAX) {
        return chy_fail_reason(op, CHY_BAD_INPUT, CHY_REASON_TOO_LARGE,
                               "%llu bytes are too many for one call", (unsigned long long)len);
    }
    return CHY_OK;
}

const uint8_t *chy_wolf_bytes(struct chy_slice slice)
{
    return slice.ptr == NULL ? (const uint8_t *)"" : slice.ptr;
}

__attribute__((noinline)) void chy_wolf_wipe_stack(void)
{
    uint8_t used[STACK_USED];
    explicit_bzero(used, sizeof used);
}
