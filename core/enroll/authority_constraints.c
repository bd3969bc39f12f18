/** The name constraints of a CA: from JSON to the extension. */
#include "enroll/authority.h"
#include "x509/name_constraints.h"

/** Of one half and kind; shapes hold lists to it. */
#define SUBTREES_MAX CHY_CONSTRAINTS_PER_KIND
#define KINDS 4U

static const struct {
    const char *member;
    enum chy_san_type type;
} kinds[KINDS] = {
    {"dns", CHY_SAN_DNS}, {"ip", CHY_SAN_IP}, {"email", CHY_SAN_EMAIL}, {"uri", CHY_SAN_URI}};

struct half {
    struct chy_name_subtree subtrees[KINDS * SUBTREES_MAX];
    uint64_t count;
};

/** refuse_unknown: a misspelt member would leave a CA without its constraint. */
static chy_status refuse_unknown(struct chy_call *call, const json_t *object, const char *place,
                                 const char *const *known, size_t known_count)
{
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)object, name, value)
    {
        bool found = false;
        for (size_t i = 0; i < known_count; i++) {
            found = found || strcmp(name, known[i]) == 0;
        }
        if (!found) {
            return chy_shape_refuse_one(call->op, "unrecognized_keys", place,
                                        "'%.40s' is not known here", name);
        }
    }
    return CHY_OK;
}

static chy_status read_half(struct chy_call *call, const json_t *object, const char *place,
                            struct half *half)
{
    static const char *const names[KINDS] = {"dns", "ip", "email", "uri"};
    CHY_TRY(refuse_unknown(call, object, place, names, KINDS));
    for (size_t kind = 0; kind < KINDS; kind++) {
        const json_t *list = json_object_get(object, kinds[kind].member);
        for (size_t i = 0; i < json_array_size(list) && i < SUBTREES_MAX; i++) {
            CHY_TRY(chy_name_subtree_make(call->op, kinds[kind].type,
                                          chy_json_text(json_array_get(list, i)),
                                          &half->subtrees[half->count]));
            half->count++;
        }
    }
    return CHY_OK;
}

chy_status chy_authority_constraints(struct chy_call *call, const json_t *json,
                                     struct chy_slice *out_value)
{
    static const char *const names[] = {"permitted", "excluded"};
    struct half *halves = chy_alloc(call->op, 2 * sizeof *halves);
    *out_value = chy_slice_of(NULL, 0);
    if (halves == NULL) {
        return chy_fail_memory(call->op);
    }
    if (!json_is_object(json)) {
        return CHY_OK;
    }
    memset(halves, 0, 2 * sizeof *halves);
    CHY_TRY(refuse_unknown(call, json, "/nameConstraints", names, CHY_COUNT_OF(names)));
    CHY_TRY(read_half(call, json_object_get(json, "permitted"), "/nameConstraints/permitted",
                      &halves[0]));
    CHY_TRY(read_half(call, json_object_get(json, "excluded"), "/nameConstraints/excluded",
                      &halves[1]));
    if (halves[0].count + halves[1].count == 0) {
        return CHY_OK; // an extension with nothing in it is malformed
    }
    return chy_name_constraints_encode(call->op, halves[0].subtrees, halves[0].count,
                                       halves[1].subtrees, halves[1].count, out_value);
}
