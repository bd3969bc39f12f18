#include "enroll/validity.h"

#include "base/time.h"
#include "resource/json.h"
#include "resource/shape.h"

#define PATH_SIZE 64

chy_status chy_validity_date(struct chy_op *op, struct chy_slice text, const char *path,
                             int64_t *out_time)
{
    return chy_time_parse(text, out_time)
               ? CHY_OK
               : chy_shape_refuse_one(op, "invalid_date", path,
                                      "expected an ISO 8601 date, such as 2027-01-31T12:00:00Z");
}

chy_status chy_validity_check(struct chy_op *op, int64_t not_before, int64_t not_after)
{
    return not_after > not_before && not_after > chy_now(op)
               ? CHY_OK
               : chy_fail(op, CHY_BAD_INPUT, 0, "notAfter must lie after notBefore and now");
}

struct chy_validity chy_validity_cut(int64_t not_before, int64_t not_after)
{
    struct chy_validity validity = {not_before - not_before % CHY_US_PER_SECOND,
                                    not_after - not_after % CHY_US_PER_SECOND};
    return validity;
}

chy_status chy_validity_of_ca(struct chy_runtime *runtime, struct chy_op *op, const json_t *object,
                              const char *place, const struct chy_issuer *parent,
                              struct chy_validity *out_validity)
{
    struct chy_slice before = chy_json_member(object, "notBefore");
    int64_t not_before = chy_now(op) - runtime->pki.backdate;
    int64_t not_after;
    char path[PATH_SIZE];
    char end[CHY_TIME_TEXT_SIZE];
    if (before.len != 0) {
        (void)snprintf(path, sizeof path, "%s/notBefore", place);
        CHY_TRY(chy_validity_date(op, before, path, &not_before));
    }
    (void)snprintf(path, sizeof path, "%s/notAfter", place);
    CHY_TRY(chy_validity_date(op, chy_json_member(object, "notAfter"), path, &not_after));
    if (parent != NULL && not_before < parent->path[0].not_before) {
        not_before = parent->path[0].not_before;
    }
    CHY_TRY(chy_validity_check(op, not_before, not_after));
    if (parent != NULL && not_after > parent->path[0].not_after) {
        chy_time_format(parent->path[0].not_after, end);
        return chy_fail(op, CHY_BAD_INPUT, 0,
                        "the certificate would outlive the certificate authority that signs it, "
                        "which ends at %s",
                        end);
    }
    *out_validity = chy_validity_cut(not_before, not_after);
    return CHY_OK;
}
