#include "command/dump_state.h"

#include "base/encode.h"
#include "base/op.h"
#include "plugin/view.h"
#include "resource/collections.h"

#define PART_MEMORY ((size_t)256 << 20)

bool chy_dump_is_kept(uint32_t collection)
{
    return collection != CHY_C_EPOCH;
}

const struct chy_collection *chy_dump_collection(const struct chy_assembly *a, uint64_t number)
{
    return (const struct chy_collection *)chy_view_item(a->schema.collections, number);
}

struct chy_operation *chy_dump_operation(struct chy_assembly *a, const char *name)
{
    struct chy_operation_config config = {.host = &a->cli->services.host,
                                          .log = &a->cli->log,
                                          .name = chy_text(name),
                                          .memory_max = PART_MEMORY};
    return chy_operation_new(&config);
}

chy_status chy_dump_digest(struct chy_assembly *a, struct chy_op *op, struct chy_slice content,
                           char out_text[65])
{
    struct chy_slice digest;
    CHY_TRY(chy_crypto_digest(a->runtime.leaf_crypto, op, CHY_DIGEST_SHA256, content, &digest));
    chy_hex_encode(digest, out_text);
    out_text[64] = '\0';
    return CHY_OK;
}
