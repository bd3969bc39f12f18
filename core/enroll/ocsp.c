#include "enroll/ocsp.h"

#include "base/metrics.h"
#include "base/time.h"
#include "enroll/ocsp_answers.h"
#include "enroll/ocsp_rate.h"
#include "enroll/ocsp_signer.h"
#include "enroll/sign.h"
#include "resource/collections.h"
#include "x509/ocsp.h"

#include <stdlib.h>

/** How long an answer may be given without asking storage: µs. */
#define FRESH CHY_US_PER_SECOND

struct chy_ocsp {
    struct chy_ocsp_signers *signers;
    struct chy_ocsp_answers *answers;
    struct chy_ocsp_rate rate;
};

struct chy_ocsp *chy_ocsp_new(void)
{
    struct chy_ocsp *ocsp = calloc(1, sizeof *ocsp);
    if (ocsp == NULL) {
        return NULL;
    }
    chy_ocsp_rate_init(&ocsp->rate);
    ocsp->signers = chy_ocsp_signers_new();
    ocsp->answers = chy_ocsp_answers_new();
    if (ocsp->signers == NULL || ocsp->answers == NULL) {
        chy_ocsp_free(ocsp);
        return NULL;
    }
    return ocsp;
}

void chy_ocsp_free(struct chy_ocsp *ocsp)
{
    if (ocsp != NULL) {
        chy_ocsp_signers_free(ocsp->signers);
        chy_ocsp_answers_free(ocsp->answers);
        chy_ocsp_rate_fini(&ocsp->rate);
        free(ocsp);
    }
}

static void count(const char *name, const char *label)
{
    chy_metrics_count(chy_metrics_process(), chy_text(name), chy_text(label), 1);
}

struct chy_ocsp_answer chy_ocsp_refuse(uint32_t failure)
{
    static const struct {
        uint32_t failure;
        const char *label;
    } labels[] = {
        {CHY_OCSP_MALFORMED_REQUEST, "outcome=\"malformed_request\""},
        {CHY_OCSP_INTERNAL_ERROR, "outcome=\"internal_error\""},
        {CHY_OCSP_TRY_LATER, "outcome=\"try_later\""},
        {CHY_OCSP_UNAUTHORIZED, "outcome=\"unauthorized\""},
    };
    for (size_t i = 0; i < sizeof labels / sizeof labels[0]; i++) {
        if (labels[i].failure == failure) {
            count("ocsp_answers", labels[i].label);
        }
    }
    struct chy_ocsp_answer answer = {.der = chy_ocsp_failed((enum chy_ocsp_failure)failure)};
    return answer;
}

/* ------------------------------------------------------------------------------------------------
 * Statuses
 */

/** One question on its way to its answer. */
struct question {
    struct chy_runtime *runtime;
    struct chy_op *op;
    const struct chy_uuid *generation_id;
    struct chy_ocsp_request request;
    struct chy_slice cached_by; /**< the CertID it is kept under; empty: it is not */
    const struct chy_issuer *issuer;
    const struct chy_ocsp_signer *signer;
    struct chy_ocsp_single singles[CHY_OCSP_IDS_MAX];
    struct chy_slice statuses; /**< what the singles say, as bytes */
    bool has_kept;
    struct chy_ocsp_kept kept; /**< what was answered before */
};

/** is_ours tells whether an identifier names the key generation's CA. */
static bool is_ours(const struct chy_ocsp_signer *signer, const struct chy_ocsp_id *id)
{
    if (id->hash == CHY_OID_UNKNOWN) {
        return false;
    }
    uint32_t by = id->hash == CHY_OID_SHA1 ? CHY_OCSP_BY_SHA1 : CHY_OCSP_BY_SHA256;
    return chy_slice_equal(id->name_hash, signer->issuer_names[by]) &&
           chy_slice_equal(id->key_hash, signer->issuer_keys[by]);
}

static bool names_us(const struct question *q)
{
    bool found = false;
    for (uint64_t i = 0; i < q->request.count; i++) {
        found = found || is_ours(q->signer, &q->request.ids[i]);
    }
    return found;
}

static chy_status read_revocation(const struct question *q, struct chy_slice number,
                                  struct chy_ocsp_single *single)
{
    struct chy_storage_row row;
    chy_status status = chy_storage_read(
        q->runtime->storage, q->op, CHY_C_REVOCATIONS,
        CHY_KEY(chy_value_uuid(q->generation_id), chy_value_text(number)),
        CHY_FIELDS(CHY_REVOCATION_REASON, CHY_REVOCATION_REVOKED_AT, CHY_REVOCATION_LIFTED), &row);
    if (status == CHY_OK && !chy_row_bool(&row, 2)) {
        single->status = CHY_OCSP_REVOKED;
        single->reason = (uint32_t)chy_row_int(&row, 0);
        single->revoked_at = chy_row_time(&row, 1);
    }
    return status == CHY_NOT_FOUND ? CHY_OK : status;
}

/** status_in_register: what has ended may have been revoked, and the entry gone after a CRL showed
 *  it: without an archive cutoff (RFC 6960 4.4.4) nobody may be told that it is good. */
static enum chy_ocsp_status status_in_register(const struct question *q,
                                               const struct chy_storage_row *row)
{
    bool has_ended = !chy_row_is_null(row, 0) && chy_row_time(row, 0) < chy_now(q->op);
    return has_ended ? CHY_OCSP_UNKNOWN : CHY_OCSP_GOOD;
}

/** read_status: what was never signed by the key is unknown, unless it was revoked all the same. */
static chy_status read_status(const struct question *q, const struct chy_ocsp_id *id,
                              struct chy_ocsp_single *single)
{
    char number[CHY_SERIAL_TEXT_SIZE];
    struct chy_storage_row row;
    *single = (struct chy_ocsp_single){.id = id->der, .status = CHY_OCSP_UNKNOWN};
    if (!is_ours(q->signer, id) || id->serial.len == 0 || id->serial.len > 20) {
        return CHY_OK;
    }
    chy_serial_text(id->serial, number);
    struct chy_slice text = chy_text(number);
    chy_status status =
        chy_storage_read(q->runtime->storage, q->op, CHY_C_SERIALS,
                         CHY_KEY(chy_value_text(text), chy_value_uuid(&q->signer->project_id),
                                 chy_value_uuid(q->generation_id)),
                         CHY_FIELDS(CHY_SERIAL_NOT_AFTER), &row);
    if (status != CHY_NOT_FOUND) {
        CHY_TRY(status);
        single->status = status_in_register(q, &row);
    }
    return read_revocation(q, text, single);
}

/** What is compared to see whether an answer still holds. */
struct said {
    int64_t status;
    int64_t reason;
    int64_t revoked_at;
};

static chy_status read_statuses(struct question *q)
{
    struct said *said = chy_alloc(q->op, q->request.count * sizeof *said);
    if (said == NULL) {
        return chy_fail_memory(q->op);
    }
    for (uint64_t i = 0; i < q->request.count; i++) {
        struct chy_ocsp_single *single = &q->singles[i];
        CHY_TRY(read_status(q, &q->request.ids[i], single));
        said[i] =
            (struct said){(int64_t)single->status, (int64_t)single->reason, single->revoked_at};
    }
    q->statuses = chy_slice_of(said, q->request.count * sizeof *said);
    return CHY_OK;
}

/* ------------------------------------------------------------------------------------------------
 * Answering
 */

static struct chy_ocsp_answer give_again(const struct chy_ocsp_kept *kept)
{
    struct chy_ocsp_answer answer = {.der = kept->der,
                                     .is_shareable = true,
                                     .this_update = kept->this_update,
                                     .next_update = kept->next_update};
    count("ocsp_cache_hits", "");
    return answer;
}

/** cached_by tells under what an answer is kept: the one CertID that is asked for.  Whatever else
 *  stands in the request changes nothing of the answer, so variants must not push others out; but
 *  a nonce is for one caller. */
static struct chy_slice cached_by(const struct chy_ocsp_request *request)
{
    bool is_kept = request->count == 1 && request->nonce.len == 0;
    return is_kept ? request->ids[0].der : chy_slice_of(NULL, 0);
}

/** is_fresh tells whether an answer may be given without asking storage. */
static bool is_fresh(struct chy_op *op, const struct chy_ocsp_kept *kept)
{
    return chy_monotonic(op) - kept->checked_at <= FRESH && chy_now(op) < kept->next_update;
}

chy_status chy_ocsp_cached(struct chy_runtime *runtime, struct chy_op *op,
                           const struct chy_uuid *generation_id, struct chy_slice der,
                           struct chy_ocsp_answer *out_answer)
{
    struct chy_ocsp_request request;
    struct chy_ocsp_kept kept;
    if (chy_ocsp_read(op, der, &request) != CHY_OK || cached_by(&request).len == 0) {
        return CHY_NOT_FOUND; // the worker says what is wrong
    }
    CHY_TRY(chy_ocsp_answers_find(runtime->ocsp->answers, op, generation_id, cached_by(&request),
                                  &kept));
    if (!is_fresh(op, &kept)) {
        return CHY_NOT_FOUND;
    }
    *out_answer = give_again(&kept);
    return CHY_OK;
}

static void count_statuses(const struct question *q)
{
    static const char *const labels[] = {
        [CHY_OCSP_GOOD] = "outcome=\"good\"",
        [CHY_OCSP_REVOKED] = "outcome=\"revoked\"",
        [CHY_OCSP_UNKNOWN] = "outcome=\"unknown\"",
    };
    for (uint64_t i = 0; i < q->request.count; i++) {
        count("ocsp_answers", labels[q->singles[i].status]);
    }
}

static chy_status sign(struct question *q, struct chy_ocsp_kept *out_made)
{
    int64_t now = chy_now(q->op) - chy_now(q->op) % CHY_US_PER_SECOND;
    int64_t end = now + q->runtime->pki.ocsp_lifetime;
    struct chy_slice data;
    struct chy_slice signature;
    struct chy_ocsp_values values = {
        .responder_key_hash = q->signer->key_hash,
        .produced_at = now,
        .this_update = now,
        .next_update = end < q->signer->not_after ? end : q->signer->not_after,
        .singles = q->singles,
        .single_count = q->request.count,
        .nonce = q->request.nonce,
    };
    CHY_TRY(chy_ocsp_encode(q->op, &values, &data));
    CHY_TRY(chy_sign_bare(q->runtime, q->op, &q->signer->key, &q->signer->public_key,
                          q->signer->signature_algorithm, data, &signature));
    out_made->this_update = now;
    out_made->next_update = values.next_update;
    out_made->statuses = q->statuses;
    count_statuses(q);
    return chy_ocsp_assemble(q->op, data, q->signer->signature_algorithm, signature, q->signer->der,
                             &out_made->der);
}

/** holds tells whether what was answered before says what holds now. */
static bool holds(const struct question *q)
{
    return q->has_kept && chy_now(q->op) < q->kept.next_update &&
           chy_slice_equal(q->kept.statuses, q->statuses);
}

static bool is_young(const struct question *q)
{
    return chy_now(q->op) < q->kept.this_update + (q->kept.next_update - q->kept.this_update) / 2;
}

static chy_status answer_signed(struct question *q, int64_t asked_at,
                                struct chy_ocsp_answer *out_answer)
{
    struct chy_ocsp_kept made = {.checked_at = asked_at};
    struct chy_ocsp_answers *answers = q->runtime->ocsp->answers;
    bool is_fine = holds(q);
    if (is_fine && is_young(q)) {
        chy_ocsp_answers_touch(answers, q->generation_id, q->cached_by, &q->kept, asked_at);
        *out_answer = give_again(&q->kept);
        return CHY_OK;
    }
    if (!chy_ocsp_rate_take(&q->runtime->ocsp->rate, &q->issuer->project_id, chy_monotonic(q->op),
                            q->runtime->pki.ocsp_signing_rate)) {
        *out_answer = is_fine ? give_again(&q->kept) : chy_ocsp_refuse(CHY_OCSP_TRY_LATER);
        return CHY_OK;
    }
    CHY_TRY(sign(q, &made));
    *out_answer = (struct chy_ocsp_answer){.der = made.der,
                                           .is_shareable = q->request.nonce.len == 0,
                                           .this_update = made.this_update,
                                           .next_update = made.next_update};
    if (q->cached_by.len != 0 && q->singles[0].status != CHY_OCSP_UNKNOWN) {
        chy_ocsp_answers_keep(answers, q->generation_id, q->cached_by, &made);
    }
    return CHY_OK;
}

static chy_status answer_question(struct question *q, struct chy_ocsp_answer *out_answer)
{
    chy_status status = chy_issuer_of_generation(q->runtime, q->op, q->generation_id, &q->issuer);
    if (status == CHY_NOT_FOUND || status == CHY_BAD_INPUT) {
        *out_answer = chy_ocsp_refuse(CHY_OCSP_UNAUTHORIZED); // no such key, or no certificate yet
        return CHY_OK;
    }
    CHY_TRY(status);
    CHY_TRY(
        chy_ocsp_signer_get(q->runtime, q->op, q->runtime->ocsp->signers, q->issuer, &q->signer));
    if (!names_us(q)) {
        *out_answer = chy_ocsp_refuse(CHY_OCSP_UNAUTHORIZED);
        return CHY_OK;
    }
    int64_t asked_at = chy_monotonic(q->op);
    CHY_TRY(read_statuses(q));
    return answer_signed(q, asked_at, out_answer);
}

/** excuse: storage or key is away.  What was answered before goes on as long as it may. */
static struct chy_ocsp_answer excuse(struct question *q, chy_status status)
{
    struct chy_error error = {.struct_size = sizeof error};
    if (q->has_kept && chy_now(q->op) < q->kept.next_update) {
        return give_again(&q->kept);
    }
    if (status == CHY_TRY_LATER || status == CHY_UNCERTAIN) {
        return chy_ocsp_refuse(CHY_OCSP_TRY_LATER);
    }
    q->op->host->last_error(q->op, &error);
    chy_log_error(q->op, "ocsp.failed", "an OCSP request could not be answered: %.*s",
                  (int)error.message.len, (const char *)error.message.ptr);
    return chy_ocsp_refuse(CHY_OCSP_INTERNAL_ERROR);
}

chy_status chy_ocsp_answer(struct chy_runtime *runtime, struct chy_op *op,
                           const struct chy_uuid *generation_id, struct chy_slice request,
                           struct chy_ocsp_answer *out_answer)
{
    struct question *q = chy_alloc(op, sizeof *q);
    if (q == NULL) {
        return chy_fail_memory(op);
    }
    *q = (struct question){.runtime = runtime, .op = op, .generation_id = generation_id};
    chy_status status = chy_ocsp_read(op, request, &q->request);
    if (status == CHY_BAD_INPUT) {
        *out_answer = chy_ocsp_refuse(CHY_OCSP_MALFORMED_REQUEST);
        return CHY_OK;
    }
    CHY_TRY(status);
    q->cached_by = cached_by(&q->request);
    q->has_kept =
        q->cached_by.len != 0 && chy_ocsp_answers_find(runtime->ocsp->answers, op, generation_id,
                                                       q->cached_by, &q->kept) == CHY_OK;
    if (q->has_kept && is_fresh(op, &q->kept)) {
        *out_answer = give_again(&q->kept);
        return CHY_OK;
    }
    status = answer_question(q, out_answer);
    if (status != CHY_OK) {
        *out_answer = excuse(q, status);
    }
    return CHY_OK;
}
