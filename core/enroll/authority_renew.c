/** Generating a CA's certificate, renewing it, and rolling its key over. */
#include "enroll/authority.h"

#include "base/slice.h"
#include "enroll/blocked_key.h"
#include "resource/collections.h"
#include "x509/pem.h"

static int32_t path_length(const struct chy_call *call, int32_t fallback)
{
    const json_t *json = json_object_get(call->document, "maxPathLength");
    return json_is_integer(json) ? (int32_t)json_integer_value(json) : fallback;
}

/** kept_constraints reads those that the CA was made or last certified with. */
static chy_status kept_constraints(struct chy_call *call, const struct chy_authority *ca,
                                   struct chy_slice *out_value)
{
    json_t *kept = NULL;
    struct chy_slice text = chy_row_json(&ca->row, CHY_AUTHORITY_NAME_CONSTRAINTS);
    if (text.len != 0) {
        CHY_TRY(chy_json_parse(call->op, text, &kept));
    }
    return chy_authority_constraints(call, kept, out_value);
}

/** open_key opens the key that the CA has, unless it was revoked as compromised. */
static chy_status open_key(struct chy_call *call, const struct chy_authority *ca,
                           struct chy_crypto_key *out_key)
{
    CHY_TRY(chy_refuse_compromised_key(call->runtime, call->op,
                                       chy_row_blob(&ca->generation, CHY_GENERATION_SPKI_SHA256)));
    return chy_generation_open_key(call->runtime, call->op, &ca->generation, out_key);
}

/** make_wish says what a new certificate of the CA shall say, but for its length and names. */
static chy_status make_wish(struct chy_call *call, const struct chy_authority *ca,
                            const struct chy_issuer *parent, struct chy_authority_wish *out_wish)
{
    struct chy_authority_wish wish = {
        .subject = chy_row_blob(&ca->row, CHY_AUTHORITY_SUBJECT),
        .parent = parent,
        .max_path_length = -1,
    };
    CHY_TRY(
        chy_validity_of_ca(call->runtime, call->op, call->document, "", parent, &wish.validity));
    *out_wish = wish;
    return CHY_OK;
}

/* ------------------------------------------------------------------------------------------------
 * Generating
 */

static chy_status generate_with(struct chy_call *call, const struct chy_authority *ca,
                                const struct chy_issuer *parent, const struct chy_crypto_key *key)
{
    const json_t *constraints = json_object_get(call->document, "nameConstraints");
    struct chy_authority_wish wish;
    struct chy_authority_certificate certificate;
    struct chy_slice text = chy_slice_of(NULL, 0);
    struct chy_batch batch;
    CHY_TRY(make_wish(call, ca, parent, &wish));
    wish.key = key;
    wish.spki = chy_row_blob(&ca->generation, CHY_GENERATION_SPKI);
    wish.key_algorithm = chy_crypto_key_algorithm(key);
    wish.max_path_length =
        path_length(call, (int32_t)chy_row_int(&ca->row, CHY_AUTHORITY_MAX_PATH_LENGTH));
    if (json_is_object(constraints)) {
        CHY_TRY(chy_authority_constraints(call, constraints, &wish.name_constraints));
        CHY_TRY(chy_json_write(call->op, constraints, &text));
    } else {
        CHY_TRY(kept_constraints(call, ca, &wish.name_constraints));
    }
    CHY_TRY(chy_authority_certify(call, &wish, &certificate));
    certificate.name_constraints = text;
    chy_batch_init(&batch, call->op, 0);
    CHY_TRY(chy_authority_adopt(call, &batch, ca, &certificate, "generate-certificate"));
    return chy_authority_certificate_object(call, &certificate, &call->answer);
}

chy_status chy_authority_generate(struct chy_call *call)
{
    struct chy_authority ca;
    const struct chy_issuer *parent = NULL;
    struct chy_uuid parent_id;
    CHY_TRY(chy_authority_load(call, &ca));
    bool is_root = chy_slice_is(chy_row_text(&ca.row, CHY_AUTHORITY_KIND), "root");
    bool has_parent = chy_call_uuid(call, "parentCaId", &parent_id);
    if (is_root == has_parent) {
        return chy_shape_refuse_one(call->op, "custom", "/parentCaId",
                                    is_root ? "a root signs itself: leave parentCaId out"
                                            : "an intermediate needs the CA that signs it; for "
                                              "one outside, take the CSR and import a certificate");
    }
    if (has_parent) {
        CHY_TRY(chy_authority_parent(call, &parent_id, &parent));
        if (chy_uuid_compare(&parent_id, &ca.id) == 0) {
            return chy_fail(call->op, CHY_BAD_INPUT, 0, "an intermediate does not sign itself");
        }
    }
    CHY_AUTO(chy_crypto_key_release) struct chy_crypto_key key = {NULL, NULL};
    CHY_TRY(open_key(call, &ca, &key));
    return generate_with(call, &ca, parent, &key);
}

/* ------------------------------------------------------------------------------------------------
 * Renewing
 */

/** What is renewed. */
struct renewal {
    struct chy_authority ca;
    struct chy_storage_row certificate; /**< in use: path length, parent */
    const struct chy_issuer *parent;    /**< NULL: a root, or of a CA elsewhere */
    bool is_root;
    struct chy_authority_key made;
};

static chy_status load_renewal(struct chy_call *call, struct renewal *r)
{
    CHY_TRY(chy_authority_load(call, &r->ca));
    struct chy_uuid id = chy_row_uuid(&r->ca.generation, CHY_GENERATION_CERTIFICATE_ID);
    if (chy_uuid_is_nil(&id)) {
        return chy_fail(call->op, CHY_BAD_INPUT, 0,
                        "the certificate authority has no certificate yet: generate or import one");
    }
    CHY_TRY(chy_storage_read(call->runtime->storage, call->op, CHY_C_AUTHORITY_CERTIFICATES,
                             CHY_KEY(chy_value_uuid(&id)),
                             CHY_FIELDS(CHY_ACERT_MAX_PATH_LENGTH, CHY_ACERT_PARENT_ID),
                             &r->certificate));
    struct chy_uuid parent_id = chy_row_uuid(&r->certificate, 1);
    r->is_root = chy_slice_is(chy_row_text(&r->ca.row, CHY_AUTHORITY_KIND), "root");
    return chy_uuid_is_nil(&parent_id) ? CHY_OK
                                       : chy_authority_parent(call, &parent_id, &r->parent);
}

static chy_status renewal_wish(struct chy_call *call, const struct renewal *r,
                               struct chy_authority_wish *out_wish)
{
    CHY_TRY(make_wish(call, &r->ca, r->parent, out_wish));
    out_wish->max_path_length = (int32_t)chy_row_int(&r->certificate, 0);
    return kept_constraints(call, &r->ca, &out_wish->name_constraints);
}

/** renew_existing makes another certificate of the same key. */
static chy_status renew_existing(struct chy_call *call, struct renewal *r)
{
    struct chy_authority_wish wish;
    struct chy_authority_certificate certificate;
    struct chy_batch batch;
    if (r->parent == NULL && !r->is_root) {
        return chy_fail(call->op, CHY_BAD_INPUT, 0,
                        "the certificate authority was signed by one that is not here: have its "
                        "CSR signed there again, and import the certificate");
    }
    CHY_AUTO(chy_crypto_key_release) struct chy_crypto_key key = {NULL, NULL};
    CHY_TRY(renewal_wish(call, r, &wish));
    CHY_TRY(open_key(call, &r->ca, &key));
    wish.key = &key;
    wish.spki = chy_row_blob(&r->ca.generation, CHY_GENERATION_SPKI);
    wish.key_algorithm = chy_crypto_key_algorithm(&key);
    CHY_TRY(chy_authority_certify(call, &wish, &certificate));
    chy_batch_init(&batch, call->op, 0);
    CHY_TRY(chy_authority_adopt(call, &batch, &r->ca, &certificate, "renew"));
    return chy_authority_certificate_object(call, &certificate, &call->answer);
}

/** next_number counts the CA's keys, and refuses a second one that waits for its certificate. */
static chy_status next_number(struct chy_call *call, const struct renewal *r, int64_t *out_number)
{
    struct chy_storage_page page;
    int64_t last = 0;
    CHY_TRY(chy_authority_generations(
        call, &r->ca.id, CHY_FIELDS(CHY_GENERATION_NUMBER, CHY_GENERATION_STATUS), &page));
    if (page.rows.count >= CHY_GENERATIONS_MAX) {
        return chy_fail(call->op, CHY_BAD_INPUT, 0,
                        "the certificate authority has had %d keys: make a new one in its place",
                        CHY_GENERATIONS_MAX);
    }
    for (uint64_t i = 0; i < page.rows.count; i++) {
        int64_t number = chy_row_int(chy_page_row(&page, i), 0);
        last = number > last ? number : last;
        if (chy_slice_is(chy_row_text(chy_page_row(&page, i), 1), "pending")) {
            return chy_fail(call->op, CHY_BAD_INPUT, 0,
                            "a new key waits for its certificate already: have its CSR signed "
                            "(GET …/{id}/csr has it), and import the certificate");
        }
    }
    *out_number = last + 1;
    return CHY_OK;
}

static chy_status read_algorithm(struct chy_call *call, const struct renewal *r,
                                 uint32_t *out_algorithm)
{
    struct chy_slice given = chy_json_member(call->document, "keyAlgorithm");
    struct chy_slice kept = chy_row_text(&r->ca.generation, CHY_GENERATION_KEY_ALGORITHM);
    *out_algorithm = chy_key_algorithm_find(given.len != 0 ? given : kept);
    return *out_algorithm != CHY_KEY_NONE
               ? CHY_OK
               : chy_shape_refuse_one(call->op, "invalid_enum_value", "/keyAlgorithm",
                                      "'%.*s' is not known", (int)given.len,
                                      (const char *)given.ptr);
}

/** answer_csr: a parent elsewhere has to sign the new key before it can take over. */
static chy_status answer_csr(struct chy_call *call, struct renewal *r, struct chy_batch *batch)
{
    struct chy_slice der;
    struct chy_slice pem;
    CHY_TRY(chy_csr_make(call->runtime, call->op, &r->made.key,
                         chy_row_blob(&r->ca.row, CHY_AUTHORITY_SUBJECT), r->made.spki,
                         r->made.algorithm, &der));
    CHY_TRY(chy_pem_encode(call->op, CHY_PEM_REQUEST, der, 0, &pem));
    struct chy_write *write =
        chy_batch_check(batch, CHY_C_AUTHORITIES, CHY_KEY(chy_value_uuid(&r->ca.id)));
    chy_write_guard_revision(write, r->ca.row.revision);
    CHY_TRY(chy_call_commit(call, batch, "new-key", &r->ca.id));
    call->answer = chy_json_object(call->op);
    bool fine = call->answer != NULL && chy_json_set_text(call->answer, "csr", pem) &&
                chy_json_set_uuid(call->answer, "generationId", &r->made.generation_id);
    return fine ? CHY_OK : chy_fail_memory(call->op);
}

/** roll_over makes a key beside the old one, which goes on publishing. */
static chy_status roll_over(struct chy_call *call, struct renewal *r)
{
    struct chy_authority next = {.row = r->ca.row, .id = r->ca.id};
    struct chy_authority_wish wish;
    struct chy_authority_certificate certificate;
    struct chy_batch batch;
    uint32_t algorithm;
    int64_t number = 0;
    bool is_elsewhere = r->parent == NULL && !r->is_root;
    CHY_TRY(read_algorithm(call, r, &algorithm));
    CHY_TRY(next_number(call, r, &number));
    if (!is_elsewhere) {
        CHY_TRY(renewal_wish(call, r, &wish));
    }
    chy_batch_init(&batch, call->op, 0);
    r->made.without_ocsp = !chy_authority_wants_ocsp(&r->ca.row);
    CHY_TRY(chy_authority_make_key(call, &batch, &r->ca.id, algorithm, number,
                                   is_elsewhere ? "pending" : "active", &r->made));
    if (is_elsewhere) {
        return answer_csr(call, r, &batch);
    }
    next.generation_id = r->made.generation_id;
    wish.key = &r->made.key;
    wish.spki = r->made.spki;
    wish.key_algorithm = algorithm;
    CHY_TRY(chy_authority_certify(call, &wish, &certificate));
    certificate.generation_row = r->made.row;
    CHY_TRY(chy_authority_adopt(call, &batch, &next, &certificate, "new-key"));
    CHY_TRY(chy_authority_certificate_object(call, &certificate, &call->answer));
    return chy_json_set_uuid(call->answer, "generationId", &r->made.generation_id)
               ? CHY_OK
               : chy_fail_memory(call->op);
}

chy_status chy_authority_renew(struct chy_call *call)
{
    struct renewal *r = chy_alloc(call->op, sizeof *r); // the batch borrows from it
    if (r == NULL) {
        return chy_fail_memory(call->op);
    }
    memset(r, 0, sizeof *r);
    CHY_TRY(load_renewal(call, r));
    if (chy_slice_is(chy_json_member(call->document, "type"), "existing")) {
        return renew_existing(call, r);
    }
    chy_status status = roll_over(call, r);
    chy_crypto_key_release(&r->made.key);
    return status;
}
