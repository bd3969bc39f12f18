#include "enroll/names.h"

#include "base/buf.h"
#include "base/slice.h"
#include "plugin/values.h"
#include "plugin/view.h"

#include <chancery/enrollment.h>
#include <chancery/storage.h>

chy_status chy_names_joined(struct chy_op *op, const struct chy_sans *sans,
                            struct chy_slice *out_joined)
{
    struct chy_buf joined;
    chy_buf_init(&joined, op, CHY_STORAGE_TEXT_MAX * 2);
    for (uint64_t i = 0; i < sans->count; i++) {
        chy_buf_add_text(&joined, i == 0 ? "" : ",");
        chy_buf_add(&joined, sans->items[i].text);
    }
    if (!chy_buf_ok(&joined)) {
        return chy_buf_fail(&joined, op, "the alternative names");
    }
    *out_joined = chy_slice_of(joined.ptr, joined.len < CHY_STORAGE_TEXT_MAX ? joined.len : 0);
    return CHY_OK;
}

/** The set as it is gathered. */
struct gathered {
    struct chy_slice *names;
    uint64_t count;
};

static void gather(struct gathered *set, struct chy_slice name)
{
    for (uint64_t i = 0; i < set->count; i++) {
        if (chy_slice_equal(set->names[i], name)) { // an e-mail and a UPN may read alike
            return;
        }
    }
    set->names[set->count++] = name;
}

static chy_status gather_lower(struct chy_op *op, struct gathered *set, struct chy_slice name)
{
    struct chy_slice lower;
    CHY_TRY(chy_slice_lower(op, name, &lower));
    gather(set, lower);
    return CHY_OK;
}

chy_status chy_names_searched(struct chy_op *op, const struct chy_name *subject,
                              const struct chy_sans *sans, struct chy_view *out_names)
{
    struct gathered set = {
        .names = chy_alloc(op, (subject->count + sans->count + 1) * sizeof *set.names)};
    if (set.names == NULL) {
        return chy_fail_memory(op);
    }
    for (uint64_t i = 0; i < subject->count; i++) {
        if (subject->attributes[i].type == CHY_NAME_COMMON_NAME) {
            CHY_TRY(gather_lower(op, &set, subject->attributes[i].value));
        }
    }
    for (uint64_t i = 0; i < sans->count; i++) {
        CHY_TRY(gather_lower(op, &set, sans->items[i].text));
    }
    *out_names = chy_view_of(set.names, set.count, sizeof set.names[0]);
    return CHY_OK;
}

chy_status chy_names_pairs(struct chy_op *op, struct chy_view metadata, struct chy_view *out_pairs)
{
    struct gathered set = {.names = chy_alloc(op, (metadata.count + 1) * sizeof *set.names)};
    if (set.names == NULL) {
        return chy_fail_memory(op);
    }
    for (uint64_t i = 0; i < metadata.count; i++) {
        const struct chy_pair *pair = (const struct chy_pair *)chy_view_item(metadata, i);
        struct chy_buf buf;
        chy_buf_init(&buf, op, CHY_STORAGE_TEXT_MAX);
        chy_buf_add(&buf, pair->name);
        chy_buf_add_u8(&buf, CHY_PAIR_SEPARATOR);
        chy_buf_add(&buf, pair->value);
        if (!chy_buf_ok(&buf)) {
            return chy_buf_fail(&buf, op, "the metadata");
        }
        gather(&set, chy_buf_slice(&buf));
    }
    *out_pairs = chy_view_of(set.names, set.count, sizeof set.names[0]);
    return CHY_OK;
}
