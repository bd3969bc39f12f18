#include "x509/path.h"

#include "base/time.h"
#include "x509/name.h"
#include "x509/show.h"

#include <chancery/host.h>

/** Fails with the place and the subject of path[index], then `why`. */
static chy_status refuse(struct chy_op *op, const struct chy_certificate *path, uint64_t index,
                         const char *why)
{
    struct chy_slice subject;
    CHY_TRY(chy_name_text(op, path[index].subject, &subject));
    return chy_fail(op, CHY_BAD_INPUT, 0, "certificate %llu of the path ('%.*s') %s",
                    (unsigned long long)index + 1, CHY_SHOW(subject), why);
}

static chy_status check_dates(struct chy_op *op, const struct chy_certificate *path, uint64_t index,
                              int64_t time)
{
    const struct chy_certificate *c = &path[index];
    char why[64];
    char instant[CHY_TIME_TEXT_SIZE];
    if (time < c->not_before) {
        chy_time_format(c->not_before, instant);
        (void)snprintf(why, sizeof why, "is valid only from %s", instant);
        return refuse(op, path, index, why);
    }
    // The last second belongs to the validity (RFC 5280 4.1.2.5).
    if (time >= c->not_after + CHY_US_PER_SECOND) {
        chy_time_format(c->not_after, instant);
        (void)snprintf(why, sizeof why, "expired at %s", instant);
        return refuse(op, path, index, why);
    }
    return CHY_OK;
}

static chy_status check_extensions(struct chy_op *op, const struct chy_certificate *path,
                                   uint64_t index)
{
    char oid[CHY_OID_TEXT_SIZE];
    char why[CHY_OID_TEXT_SIZE + 64];
    if (path[index].unknown_critical.len == 0) {
        return CHY_OK;
    }
    (void)snprintf(why, sizeof why, "has the critical extension %s, which is not supported",
                   chy_oid_describe(path[index].unknown_critical, oid));
    return refuse(op, path, index, why);
}

/** RFC 5280 6.1.4 (k) to (n): what the issuer of another certificate must be. */
static chy_status check_issuer(struct chy_op *op, const struct chy_certificate *path,
                               uint64_t index, uint64_t intermediates_below)
{
    const struct chy_certificate *c = &path[index];
    if (!c->has_basic_constraints || !c->basic_constraints.is_ca) {
        return refuse(op, path, index, "is not a CA certificate (basic constraints)");
    }
    if (c->has_key_usage && (c->key_usage & CHY_KU_KEY_CERT_SIGN) == 0) {
        return refuse(op, path, index, "may not sign certificates (key usage)");
    }
    if (c->basic_constraints.has_path_length &&
        c->basic_constraints.path_length < intermediates_below) {
        return refuse(op, path, index, "does not allow that many CAs below it (path length)");
    }
    return CHY_OK;
}

static chy_status check_link(struct chy_op *op, const struct chy_certificate *path, uint64_t index)
{
    const struct chy_certificate *c = &path[index];
    const struct chy_certificate *issuer = &path[index + 1];
    if (!chy_slice_equal(c->issuer, issuer->subject)) {
        return refuse(op, path, index,
                      "was not issued by the next one: its issuer is not that one's subject");
    }
    if (c->authority_key_id.len > 0 && issuer->subject_key_id.len > 0 &&
        !chy_slice_equal(c->authority_key_id, issuer->subject_key_id)) {
        return refuse(op, path, index, "was not issued by the next one (key identifiers)");
    }
    return CHY_OK;
}

static chy_status check_signature(struct chy_op *op, const struct chy_certificate *path,
                                  uint64_t count, uint64_t index,
                                  const struct chy_path_check *check)
{
    const struct chy_certificate *c = &path[index];
    bool is_root = index + 1 == count;
    if (check->verify == NULL || (index == 0 && check->skip_leaf_signature) ||
        (is_root && !c->self_issued)) {
        return CHY_OK;
    }
    const struct chy_certificate *issuer = is_root ? c : &path[index + 1];
    return check->verify(check->context, op, issuer->spki.der, c->signature_algorithm, c->tbs,
                         c->signature);
}

/** Holds every certificate below path[index] to its name constraints. */
static chy_status check_names(struct chy_op *op, const struct chy_certificate *path, uint64_t index)
{
    const struct chy_certificate *ca = &path[index];
    if (!ca->has_name_constraints) {
        return CHY_OK;
    }
    for (uint64_t below = 0; below < index; below++) {
        const struct chy_certificate *c = &path[below];
        // RFC 5280 6.1.3 (b): a rollover certificate inside the path is exempt.
        if (c->self_issued && below > 0) {
            continue;
        }
        CHY_TRY(chy_name_constraints_allow(op, &ca->name_constraints, c->subject, c->san_value));
    }
    return CHY_OK;
}

chy_status chy_path_validate(struct chy_op *op, const struct chy_certificate *path, uint64_t count,
                             const struct chy_path_check *check)
{
    // Below the one at hand, not self-issued.
    uint64_t intermediates = check->leaf_is_issuer ? 1 : 0;
    if (count == 0 || count > CHY_PATH_MAX) {
        return chy_fail(op, CHY_BAD_INPUT, 0,
                        "a path has %llu certificates: from 1 to %d are allowed",
                        (unsigned long long)count, CHY_PATH_MAX);
    }
    for (uint64_t i = 0; i < count; i++) {
        if (!check->ignore_dates) {
            CHY_TRY(check_dates(op, path, i, check->time));
        }
        CHY_TRY(check_extensions(op, path, i));
        if (i > 0) {
            CHY_TRY(check_issuer(op, path, i, intermediates));
            intermediates += path[i].self_issued ? 0 : 1;
        }
        if (i + 1 < count) {
            CHY_TRY(check_link(op, path, i));
        }
        CHY_TRY(check_names(op, path, i));
        CHY_TRY(check_signature(op, path, count, i, check));
    }
    return CHY_OK;
}
