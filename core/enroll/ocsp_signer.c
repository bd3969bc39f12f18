#include "enroll/ocsp_signer.h"

#include "base/lock.h"
#include "base/op.h"
#include "base/time.h"
#include "enroll/flight.h"
#include "enroll/memory.h"
#include "enroll/serials.h"
#include "enroll/sign.h"
#include "resource/audit.h"
#include "resource/collections.h"
#include "resource/keyring.h"
#include "x509/algorithm.h"
#include "x509/name.h"

#include <stdlib.h>

/** How long a signer is good for: µs. */
#define LIFE (7 * CHY_US_PER_DAY)
/** After a renewal that failed the next is tried so much later: µs. */
#define RETRY CHY_US_PER_MINUTE
#define BUCKETS 256U
#define SIGNERS_MAX 1024U
#define DELETE_MAX 100U

struct chy_ocsp_signers {
    struct chy_mutex lock; /**< guards the table */
    struct chy_flights flights;
    struct chy_ocsp_signer *buckets[BUCKETS];
    uint32_t count;
};

struct chy_ocsp_signers *chy_ocsp_signers_new(void)
{
    struct chy_ocsp_signers *signers = calloc(1, sizeof *signers);
    if (signers != NULL) {
        chy_mutex_init(&signers->lock);
        chy_flights_init(&signers->flights);
    }
    return signers;
}

static void unref(void *arg)
{
    struct chy_ocsp_signer *signer = arg;
    if (atomic_fetch_sub(&signer->references, 1) == 1) {
        chy_crypto_key_release(&signer->key);
        chy_crypto_key_release(&signer->public_key);
        chy_operation_free(signer->memory);
        free(signer);
    }
}

static void forget_all_locked(struct chy_ocsp_signers *signers)
{
    for (uint32_t i = 0; i < BUCKETS; i++) {
        while (signers->buckets[i] != NULL) {
            struct chy_ocsp_signer *signer = signers->buckets[i];
            signers->buckets[i] = signer->next;
            unref(signer);
        }
    }
    signers->count = 0;
}

void chy_ocsp_signers_free(struct chy_ocsp_signers *signers)
{
    if (signers != NULL) {
        forget_all_locked(signers);
        chy_flights_fini(&signers->flights);
        chy_mutex_fini(&signers->lock);
        free(signers);
    }
}

static struct chy_ocsp_signer **find_locked(struct chy_ocsp_signers *signers,
                                            const struct chy_uuid *id)
{
    struct chy_ocsp_signer **slot = &signers->buckets[id->bytes[15] % BUCKETS];
    while (*slot != NULL && chy_uuid_compare(&(*slot)->generation_id, id) != 0) {
        slot = &(*slot)->next;
    }
    return slot;
}

/** find gives a reference to an opened signer, or NULL. */
static struct chy_ocsp_signer *find(struct chy_ocsp_signers *signers, const struct chy_uuid *id,
                                    int64_t *out_renew_at)
{
    chy_mutex_lock(&signers->lock);
    struct chy_ocsp_signer *signer = *find_locked(signers, id);
    if (signer != NULL) {
        atomic_fetch_add(&signer->references, 1);
        *out_renew_at = signer->renew_at;
    }
    chy_mutex_unlock(&signers->lock);
    return signer;
}

/** put takes one reference over, in place of the generation's former signer. */
static void put(struct chy_ocsp_signers *signers, struct chy_ocsp_signer *signer)
{
    chy_mutex_lock(&signers->lock);
    if (signers->count >= SIGNERS_MAX) {
        forget_all_locked(signers);
    }
    struct chy_ocsp_signer **slot = find_locked(signers, &signer->generation_id);
    struct chy_ocsp_signer *old = *slot;
    signer->next = old == NULL ? NULL : old->next;
    *slot = signer;
    signers->count += old == NULL;
    chy_mutex_unlock(&signers->lock);
    if (old != NULL) {
        unref(old);
    }
}

static void put_off(struct chy_ocsp_signers *signers, struct chy_op *op,
                    struct chy_ocsp_signer *signer)
{
    chy_mutex_lock(&signers->lock);
    signer->renew_at = chy_now(op) + RETRY;
    chy_mutex_unlock(&signers->lock);
}

/* ------------------------------------------------------------------------------------------------
 * Opening
 */

enum {
    ID,
    DER,
    SPKI_SHA256,
    SEALED_KEY,
    DATA_KEY_ID,
    NOT_BEFORE,
    NOT_AFTER
};

/** read_newest: NOT_FOUND: none. */
static chy_status read_newest(struct chy_runtime *runtime, struct chy_op *op,
                              const struct chy_uuid *generation_id, struct chy_storage_row *out_row)
{
    struct chy_query query;
    struct chy_storage_page page;
    chy_query_init(&query, op, CHY_C_OCSP_SIGNERS,
                   CHY_FIELDS(CHY_OCSP_SIGNER_ID, CHY_OCSP_SIGNER_DER, CHY_OCSP_SIGNER_SPKI_SHA256,
                              CHY_OCSP_SIGNER_SEALED_KEY, CHY_OCSP_SIGNER_DATA_KEY_ID,
                              CHY_OCSP_SIGNER_NOT_BEFORE, CHY_OCSP_SIGNER_NOT_AFTER),
                   1);
    chy_query_eq(&query, CHY_OCSP_SIGNER_GENERATION_ID, chy_value_uuid(generation_id));
    chy_query_order(&query, CHY_OCSP_SIGNER_NOT_AFTER, true);
    CHY_TRY(chy_query_run(&query, runtime->storage, &page));
    if (page.rows.count == 0) {
        return CHY_NOT_FOUND;
    }
    *out_row = *chy_page_row(&page, 0);
    return CHY_OK;
}

/** renewal_of tells when a signer makes room for the next: at half of its life, or at its end when
 *  that is the CA's, which no other would outlive. */
static int64_t renewal_of(const struct chy_issuer *issuer, const struct chy_storage_row *row)
{
    int64_t from = chy_row_time(row, NOT_BEFORE);
    int64_t to = chy_row_time(row, NOT_AFTER);
    return to >= issuer->path[0].not_after ? to : from + (to - from) / 2;
}

static struct chy_sealed_place place_of(const struct chy_uuid *id, const struct chy_issuer *issuer,
                                        struct chy_slice spki_sha256)
{
    struct chy_sealed_place place = {
        .purpose = "ocsp-key",
        .collection = "ocsp_signers",
        .field = "sealed_key",
        .row_id = id,
        .project_id = &issuer->project_id,
        .spki_sha256 = spki_sha256,
    };
    return place;
}

static chy_status fill_hashes(struct chy_runtime *runtime, const struct chy_issuer *issuer,
                              const struct chy_certificate *own, struct chy_ocsp_signer *signer)
{
    static const uint32_t digests[CHY_OCSP_DIGESTS] = {CHY_DIGEST_SHA1, CHY_DIGEST_SHA256};
    struct chy_op *memory = &signer->memory->op;
    for (uint32_t i = 0; i < CHY_OCSP_DIGESTS; i++) {
        CHY_TRY(chy_crypto_digest(runtime->leaf_crypto, memory, digests[i], issuer->path[0].subject,
                                  &signer->issuer_names[i]));
        CHY_TRY(chy_crypto_digest(runtime->leaf_crypto, memory, digests[i],
                                  issuer->path[0].spki.public_key, &signer->issuer_keys[i]));
    }
    return chy_crypto_digest(runtime->leaf_crypto, memory, CHY_DIGEST_SHA1, own->spki.public_key,
                             &signer->key_hash);
}

static chy_status fill(struct chy_runtime *runtime, const struct chy_issuer *issuer,
                       const struct chy_storage_row *row, struct chy_ocsp_signer *signer)
{
    struct chy_op *memory = &signer->memory->op;
    struct chy_certificate own;
    struct chy_uuid id = chy_row_uuid(row, ID);
    struct chy_uuid data_key_id = chy_row_uuid(row, DATA_KEY_ID);
    struct chy_sealed_place place = place_of(&id, issuer, chy_row_blob(row, SPKI_SHA256));
    signer->generation_id = issuer->generation_id;
    signer->project_id = issuer->project_id;
    signer->not_after = chy_row_time(row, NOT_AFTER);
    signer->renew_at = renewal_of(issuer, row);
    CHY_TRY(chy_copy(memory, chy_row_blob(row, DER), &signer->der));
    CHY_TRY(chy_certificate_read(memory, signer->der, &own));
    signer->signature_algorithm = chy_signature_default(own.spki.algorithm);
    CHY_TRY(fill_hashes(runtime, issuer, &own, signer));
    CHY_TRY(chy_keyring_open_key(runtime->keyring, memory, &place, runtime->leaf_crypto,
                                 &data_key_id, chy_row_blob(row, SEALED_KEY), &signer->key));
    return chy_crypto_load_public(runtime->leaf_crypto, memory, own.spki.der, &signer->public_key);
}

/** open_row makes a signer with one reference of a row. */
static chy_status open_row(struct chy_runtime *runtime, struct chy_op *op,
                           const struct chy_issuer *issuer, const struct chy_storage_row *row,
                           struct chy_ocsp_signer **out_signer)
{
    struct chy_ocsp_signer *signer = calloc(1, sizeof *signer);
    if (signer == NULL) {
        return chy_fail_memory(op);
    }
    atomic_init(&signer->references, 1);
    signer->memory = chy_memory_new(op);
    chy_status status =
        signer->memory == NULL ? chy_fail_memory(op) : fill(runtime, issuer, row, signer);
    if (status != CHY_OK) {
        status = chy_op_adopt(op, signer->memory, status);
        unref(signer);
        return status;
    }
    *out_signer = signer;
    return CHY_OK;
}

/* ------------------------------------------------------------------------------------------------
 * Making
 */

/** A signer about to be made. */
struct making {
    struct chy_uuid id;
    struct chy_crypto_key key;
    uint32_t algorithm;
    int64_t not_before;
    int64_t not_after;
    struct chy_slice spki;
    struct chy_slice spki_sha256;
    struct chy_slice sealed;
    struct chy_uuid data_key_id;
    struct chy_signed made;
};

/**
 * derive_id: each signer's id follows from the one before it, so that of two nodes which make one
 * at a time the second finds the place taken.
 */
static chy_status derive_id(struct chy_runtime *runtime, struct chy_op *op,
                            const struct chy_uuid *generation_id, const struct chy_uuid *previous,
                            struct chy_uuid *out_id)
{
    struct chy_uuid both[] = {*generation_id, *previous};
    struct chy_slice digest;
    CHY_TRY(chy_crypto_digest(runtime->leaf_crypto, op, CHY_DIGEST_SHA256,
                              chy_slice_of(both, sizeof both), &digest));
    memcpy(out_id->bytes, digest.ptr, sizeof out_id->bytes);
    out_id->bytes[6] = (uint8_t)((out_id->bytes[6] & 0x0fU) | 0x80U); // RFC 9562 5.8
    out_id->bytes[8] = (uint8_t)((out_id->bytes[8] & 0x3fU) | 0x80U);
    return CHY_OK;
}

/** choose_algorithm takes one that whoever verifies the CA's signatures has, or P-256. */
static uint32_t choose_algorithm(struct chy_runtime *runtime, uint32_t key_algorithm)
{
    enum chy_key_family family = chy_key_algorithm_family(key_algorithm);
    uint32_t wanted = family == CHY_FAMILY_EC ? key_algorithm : (uint32_t)CHY_KEY_EC_P256;
    bool leaks = chy_crypto_has(runtime->leaf_crypto, CHY_CRYPTO_ECDSA_LEAKS);
    return family == CHY_FAMILY_RSA || leaks ? (uint32_t)CHY_KEY_RSA_2048 : wanted;
}

#define NAME_MAX 64U // of a common name (RFC 5280 A.1)

static chy_status make_subject(struct chy_op *op, const struct chy_issuer *issuer,
                               struct chy_slice *out_der)
{
    char text[NAME_MAX + 1];
    (void)snprintf(text, sizeof text, "OCSP signer %.*s", (int)issuer->name.len,
                   (const char *)issuer->name.ptr);
    struct chy_name_attribute attribute = {.type = CHY_NAME_COMMON_NAME, .value = chy_text(text)};
    struct chy_name name = {.attributes = &attribute, .count = 1};
    return chy_name_encode(op, &name, out_der);
}

static chy_status make_key(struct chy_runtime *runtime, struct chy_op *op,
                           const struct chy_issuer *issuer, struct making *m)
{
    struct chy_key_template wanted = {.struct_size = sizeof wanted,
                                      .algorithm = m->algorithm,
                                      .flags = CHY_KEY_CA, // is never handed out
                                      .label = chy_text("chancery-ocsp")};
    CHY_TRY(chy_crypto_generate(runtime->leaf_crypto, op, &wanted, &m->key));
    CHY_TRY(chy_crypto_public_key(&m->key, op, &m->spki));
    CHY_TRY(chy_spki_sha256(runtime, op, m->spki, &m->spki_sha256));
    struct chy_sealed_place place = place_of(&m->id, issuer, m->spki_sha256);
    return chy_keyring_seal_key(runtime->keyring, op, &place, &m->key, &m->sealed, &m->data_key_id);
}

static chy_status certify(struct chy_runtime *runtime, struct chy_op *op,
                          const struct chy_issuer *issuer, struct making *m)
{
    int64_t now = chy_now(op) - chy_now(op) % CHY_US_PER_SECOND;
    m->not_before = now - runtime->pki.backdate;
    m->not_after = now + LIFE;
    if (m->not_before < issuer->path[0].not_before) {
        m->not_before = issuer->path[0].not_before;
    }
    if (m->not_after > issuer->path[0].not_after) {
        m->not_after = issuer->path[0].not_after;
    }
    struct chy_signing signing = {
        .issuer = issuer,
        .spki = m->spki,
        .key_algorithm = m->algorithm,
        .not_before = m->not_before,
        .not_after = m->not_after,
        .key_usage = CHY_KU_DIGITAL_SIGNATURE,
        .ekus = CHY_EKU_OCSP_SIGNING,
        .ocsp_no_check = true,
    };
    CHY_TRY(make_subject(op, issuer, &signing.subject));
    return chy_sign_certificate(runtime, op, &signing, &m->made);
}

static void insert_row(struct chy_op *op, struct chy_batch *batch, const struct chy_issuer *issuer,
                       const struct making *m)
{
    struct chy_write *write =
        chy_batch_insert(batch, CHY_C_OCSP_SIGNERS, CHY_KEY(chy_value_uuid(&m->id)));
    chy_write_set(write, CHY_OCSP_SIGNER_GENERATION_ID, chy_value_uuid(&issuer->generation_id));
    chy_write_set(write, CHY_OCSP_SIGNER_PROJECT_ID, chy_value_uuid(&issuer->project_id));
    chy_write_set(write, CHY_OCSP_SIGNER_DER, chy_value_blob(m->made.der));
    chy_write_set(write, CHY_OCSP_SIGNER_KEY_ALGORITHM,
                  chy_value_text(chy_text(chy_key_algorithm_name(m->algorithm))));
    chy_write_set(write, CHY_OCSP_SIGNER_SPKI_SHA256, chy_value_blob(m->spki_sha256));
    chy_write_set(write, CHY_OCSP_SIGNER_SEALED_KEY, chy_value_blob(m->sealed));
    chy_write_set(write, CHY_OCSP_SIGNER_DATA_KEY_ID, chy_value_uuid(&m->data_key_id));
    chy_write_set(write, CHY_OCSP_SIGNER_NOT_BEFORE, chy_value_time(m->not_before));
    chy_write_set(write, CHY_OCSP_SIGNER_NOT_AFTER, chy_value_time(m->not_after));
    chy_write_set(write, CHY_OCSP_SIGNER_CREATED_AT, chy_value_time(chy_now(op)));
    struct chy_serial_entry entry = {
        .number = chy_text(m->made.serial_text),
        .project_id = &issuer->project_id,
        .signer = &issuer->generation_id,
        .certificate_id = &m->id,
        .not_after = m->not_after,
    };
    chy_serial_enter(batch, &entry);
}

/** delete_ended lets the keys go whose certificates ended. */
static void delete_ended(struct chy_op *op, struct chy_batch *batch,
                         const struct chy_issuer *issuer)
{
    struct chy_query query;
    chy_query_init(&query, op, CHY_C_OCSP_SIGNERS, CHY_NO_FIELDS, DELETE_MAX);
    chy_query_eq(&query, CHY_OCSP_SIGNER_GENERATION_ID, chy_value_uuid(&issuer->generation_id));
    chy_query_range(&query, CHY_OCSP_SIGNER_NOT_AFTER, chy_value_null(),
                    chy_value_time(chy_now(op)));
    (void)chy_batch_delete_range(batch, &query, DELETE_MAX);
}

/** keep: CONFLICT: another node was first. */
static chy_status keep(struct chy_runtime *runtime, struct chy_op *op,
                       const struct chy_issuer *issuer, const struct making *m)
{
    struct chy_batch batch;
    char id[CHY_UUID_TEXT_SIZE];
    chy_uuid_format(&m->id, id);
    struct chy_audit_event event = {
        .action = "ocsp-signer.create",
        .target_kind = "ocsp-signers",
        .target = chy_text(id),
        .outcome = CHY_AUDIT_OK,
        .project_id = &issuer->project_id,
    };
    chy_batch_init(&batch, op, 0);
    insert_row(op, &batch, issuer, m);
    delete_ended(op, &batch, issuer);
    CHY_TRY(chy_audit_add(runtime, &batch, &event));
    return chy_runtime_commit(runtime, &batch, NULL);
}

static chy_status make(struct chy_runtime *runtime, struct chy_op *op,
                       const struct chy_issuer *issuer, const struct chy_uuid *previous)
{
    struct making m = {.algorithm = choose_algorithm(runtime, issuer->key_algorithm)};
    chy_status status = derive_id(runtime, op, &issuer->generation_id, previous, &m.id);
    status = status == CHY_OK ? make_key(runtime, op, issuer, &m) : status;
    status = status == CHY_OK ? certify(runtime, op, issuer, &m) : status;
    status = status == CHY_OK ? keep(runtime, op, issuer, &m) : status;
    chy_crypto_key_release(&m.key);
    if (status == CHY_OK) {
        chy_log_info(op, "ocsp.signer",
                     "an OCSP signer of the certificate authority '%.*s' was made",
                     (int)issuer->name.len, (const char *)issuer->name.ptr);
    }
    return status;
}

/** obtain opens the newest signer that is not past half of its life, or makes one. */
static chy_status obtain(struct chy_runtime *runtime, struct chy_op *op,
                         struct chy_ocsp_signers *signers, const struct chy_issuer *issuer)
{
    struct chy_storage_row row;
    struct chy_uuid previous = {{0}};
    struct chy_ocsp_signer *signer = NULL;
    chy_status status = read_newest(runtime, op, &issuer->generation_id, &row);
    if (status == CHY_OK) {
        previous = chy_row_uuid(&row, ID);
    }
    if (status == CHY_NOT_FOUND || (status == CHY_OK && chy_now(op) >= renewal_of(issuer, &row))) {
        status = make(runtime, op, issuer, &previous);
        if (status != CHY_OK && status != CHY_CONFLICT) {
            return status;
        }
        status = read_newest(runtime, op, &issuer->generation_id, &row);
    }
    if (status == CHY_NOT_FOUND) {
        return chy_fail(op, CHY_TRY_LATER, 0, "the OCSP signer was deleted meanwhile");
    }
    CHY_TRY(status);
    CHY_TRY(open_row(runtime, op, issuer, &row, &signer));
    put(signers, signer);
    return CHY_OK;
}

/* ------------------------------------------------------------------------------------------------
 * Getting
 */

/** renew makes the next signer, unless another thread does; it failing only costs time. */
static void renew(struct chy_runtime *runtime, struct chy_op *op, struct chy_ocsp_signers *signers,
                  const struct chy_issuer *issuer, struct chy_ocsp_signer *old)
{
    struct chy_flight flight;
    struct chy_error error = {.struct_size = sizeof error};
    if (!chy_flight_try(&signers->flights, &flight, &issuer->generation_id, 0)) {
        return;
    }
    if (obtain(runtime, op, signers, issuer) != CHY_OK) {
        put_off(signers, op, old);
        op->host->last_error(op, &error);
        chy_log_warning(op, "ocsp.signer-not-renewed", "the old OCSP signer goes on: %.*s",
                        (int)error.message.len, (const char *)error.message.ptr);
    }
    chy_flight_end(&signers->flights, &flight);
}

/** bring obtains a signer, or waits for who does. */
static chy_status bring(struct chy_runtime *runtime, struct chy_op *op,
                        struct chy_ocsp_signers *signers, const struct chy_issuer *issuer)
{
    struct chy_flight flight;
    switch (
        chy_flight_begin(&signers->flights, &flight, &issuer->generation_id, 0, chy_deadline(op))) {
    case CHY_FLIGHT_WAITED: return CHY_OK;
    case CHY_FLIGHT_TIMEOUT:
        return chy_fail_reason(op, CHY_TRY_LATER, CHY_REASON_TIMEOUT,
                               "no OCSP signer was made in time");
    case CHY_FLIGHT_LEADS: break;
    }
    chy_status status = obtain(runtime, op, signers, issuer);
    chy_flight_end(&signers->flights, &flight);
    return status;
}

#define ATTEMPTS 3

chy_status chy_ocsp_signer_get(struct chy_runtime *runtime, struct chy_op *op,
                               struct chy_ocsp_signers *signers, const struct chy_issuer *issuer,
                               const struct chy_ocsp_signer **out_signer)
{
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
        int64_t renew_at = 0;
        struct chy_ocsp_signer *signer = find(signers, &issuer->generation_id, &renew_at);
        chy_status status = signer == NULL ? CHY_OK : chy_defer(op, unref, signer);
        if (status != CHY_OK) {
            unref(signer);
            return status;
        }
        if (signer != NULL && chy_now(op) < signer->not_after) {
            if (chy_now(op) >= renew_at) {
                renew(runtime, op, signers, issuer, signer);
            }
            *out_signer = signer;
            return CHY_OK;
        }
        CHY_TRY(bring(runtime, op, signers, issuer));
    }
    return chy_fail(op, CHY_TRY_LATER, 0, "there is no OCSP signer yet");
}
