#include "enroll/crl_build.h"

#include "base/metrics.h"
#include "base/time.h"
#include "enroll/sign.h"
#include "resource/collections.h"
#include "resource/principal.h"
#include "x509/crl.h"

/** The least time between two builds of one CRL: µs. */
#define BUILD_PAUSE (2 * CHY_US_PER_SECOND)
/** How often it is tried again when another node was faster. */
#define ATTEMPTS 3
/** For how many entries there is room from the start. */
#define EXPECTED_MAX 10000

/* What is read of a shard's row, for one kind: its own state, and when the other was made. */
static const uint32_t fields[][12] = {
    [CHY_CRL_COMPLETE] = {CHY_SHARD_REVISION, CHY_SHARD_CRL_NUMBER, CHY_SHARD_BASE_NUMBER,
                          CHY_SHARD_BASE_REVISION, CHY_SHARD_BASE_AT, CHY_SHARD_CRL_REVISION,
                          CHY_SHARD_CRL, CHY_SHARD_THIS_UPDATE, CHY_SHARD_NEXT_UPDATE,
                          CHY_SHARD_DELTA_REVISION, CHY_SHARD_DELTA_THIS_UPDATE},
    [CHY_CRL_DELTA] = {CHY_SHARD_REVISION, CHY_SHARD_CRL_NUMBER, CHY_SHARD_BASE_NUMBER,
                       CHY_SHARD_BASE_REVISION, CHY_SHARD_BASE_AT, CHY_SHARD_DELTA_REVISION,
                       CHY_SHARD_DELTA, CHY_SHARD_DELTA_THIS_UPDATE, CHY_SHARD_DELTA_NEXT_UPDATE,
                       CHY_SHARD_CRL_REVISION, CHY_SHARD_THIS_UPDATE},
};
enum {
    REVISION,
    NUMBER,
    BASE_NUMBER,
    BASE_REVISION,
    BASE_AT,
    OWN_REVISION,
    OWN_DER,
    OWN_THIS_UPDATE,
    OWN_NEXT_UPDATE,
    OTHER_REVISION,
    OTHER_THIS_UPDATE,
    FIELD_COUNT
};

/** A CRL in the making. */
struct build {
    struct chy_runtime *runtime;
    struct chy_op *op;
    struct chy_uuid generation_id;
    int64_t shard;
    enum chy_crl_kind kind;
    struct chy_storage_row row;
    int64_t until; /**< µs, when it shall end, of the whole key; 0: a shard's, as configured */
    int64_t number;
    int64_t this_update;
    int64_t next_update;
    struct chy_slice der;
};

static chy_status read_shard(struct build *b)
{
    chy_status status = chy_storage_read(
        b->runtime->storage, b->op, CHY_C_CRL_SHARDS,
        CHY_KEY(chy_value_uuid(&b->generation_id), chy_value_int(b->shard)),
        chy_view_of(fields[b->kind], FIELD_COUNT, sizeof fields[b->kind][0]), &b->row);
    return chy_or_not_found(b->op, status, "CRL");
}

static bool is_current(const struct build *b)
{
    const struct chy_storage_row *row = &b->row;
    if (chy_row_is_null(row, OWN_DER)) {
        return false;
    }
    int64_t now = chy_now(b->op);
    int64_t made = chy_row_time(row, OWN_THIS_UPDATE);
    int64_t half = made + (chy_row_time(row, OWN_NEXT_UPDATE) - made) / 2;
    if (chy_row_int(row, OWN_REVISION) != chy_row_int(row, REVISION)) {
        return now - made < BUILD_PAUSE && now >= made; // revoked within the pause: soon
    }
    return now < half && now >= made;
}

/* ------------------------------------------------------------------------------------------------
 * Entries
 */

/** Serials that were written, to find an entry that comes twice. */
struct written {
    const struct chy_slice *serials;
    uint64_t count;
    struct written *next;
};

static bool was_written(const struct written *pages, struct chy_slice serial)
{
    for (; pages != NULL; pages = pages->next) {
        for (uint64_t i = 0; i < pages->count; i++) {
            if (chy_slice_equal(pages->serials[i], serial)) {
                return true;
            }
        }
    }
    return false;
}

/** write_entry writes one revocation: what a lifted hold leaves stands in deltas only. */
static chy_status write_entry(const struct build *b, const struct chy_storage_row *row,
                              struct chy_crl_writer *writer)
{
    uint8_t octets[20];
    uint64_t len;
    if (!chy_serial_parse(chy_row_text(row, 0), octets, &len)) {
        return chy_fail(b->op, CHY_BROKEN, 0, "a revocation has a malformed serial number");
    }
    bool lifted = chy_row_bool(row, 3);
    uint32_t reason = lifted ? CHY_CRL_REMOVE_FROM_CRL : (uint32_t)chy_row_int(row, 1);
    if (!lifted || b->kind == CHY_CRL_DELTA) {
        chy_crl_add(writer, chy_slice_of(octets, len), chy_row_time(row, 2), reason);
    }
    return CHY_OK;
}

/** write_page writes the entries of one page, and notes them in front of `*pages`. */
static chy_status write_page(const struct build *b, const struct chy_storage_page *page,
                             struct written **pages, struct chy_crl_writer *writer)
{
    struct written *noted = chy_alloc(b->op, sizeof *noted);
    struct chy_slice *serials = chy_alloc(b->op, (page->rows.count + 1) * sizeof *serials);
    if (noted == NULL || serials == NULL) {
        return chy_fail_memory(b->op);
    }
    *noted = (struct written){.serials = serials, .next = *pages};
    *pages = noted;
    for (uint64_t i = 0; i < page->rows.count; i++) {
        const struct chy_storage_row *row = chy_page_row(page, i);
        // The scan is no snapshot: who changes while it goes on may come again, further behind.
        bool is_late = chy_row_int(row, 4) > chy_row_int(&b->row, REVISION);
        if (is_late && was_written(*pages, chy_row_text(row, 0))) {
            continue; // as it was; the revision moved, so the next CRL tells the rest
        }
        CHY_TRY(write_entry(b, row, writer));
        serials[noted->count++] = chy_row_text(row, 0);
    }
    return CHY_OK;
}

static chy_status write_entries(const struct build *b, struct chy_crl_writer *writer)
{
    struct chy_query query;
    struct chy_storage_page page;
    struct written *pages = NULL;
    chy_query_init(&query, b->op, CHY_C_REVOCATIONS,
                   CHY_FIELDS(CHY_REVOCATION_SERIAL, CHY_REVOCATION_REASON,
                              CHY_REVOCATION_REVOKED_AT, CHY_REVOCATION_LIFTED,
                              CHY_REVOCATION_REVISION),
                   CHY_STORAGE_PAGE_MAX);
    chy_query_eq(&query, CHY_REVOCATION_GENERATION_ID, chy_value_uuid(&b->generation_id));
    chy_query_eq(&query, CHY_REVOCATION_SHARD, chy_value_int(b->shard));
    if (b->kind == CHY_CRL_DELTA) {
        int64_t after = chy_row_int(&b->row, BASE_REVISION) + 1;
        chy_query_range(&query, CHY_REVOCATION_REVISION, chy_value_int(after), chy_value_null());
    }
    chy_query_order(&query, CHY_REVOCATION_REVISION, false);
    do {
        CHY_TRY(chy_query_run(&query, b->runtime->storage, &page));
        CHY_TRY(write_page(b, &page, &pages, writer));
        query.find.cursor = page.cursor;
    } while (page.more != 0);
    return CHY_OK;
}

/* ------------------------------------------------------------------------------------------------
 * Making and keeping
 */

/** choose_number: RFC 5280 5.2.3 wants one number for both kinds if they are made at one time. */
static void choose_number(struct build *b)
{
    int64_t now = chy_now(b->op) / CHY_US_PER_SECOND;
    int64_t last = chy_row_int(&b->row, NUMBER);
    b->this_update = now * CHY_US_PER_SECOND;
    bool beside_other = chy_row_time(&b->row, OTHER_THIS_UPDATE) == b->this_update &&
                        chy_row_time(&b->row, OWN_THIS_UPDATE) < b->this_update &&
                        chy_row_int(&b->row, OTHER_REVISION) == chy_row_int(&b->row, REVISION);
    int64_t next = last + 1 > now ? last + 1 : now;
    b->number = beside_other ? last : next;
    int64_t life = b->runtime->pki.crl_lifetime;
    if (b->kind == CHY_CRL_DELTA && b->runtime->pki.delta_lifetime < life) {
        life = b->runtime->pki.delta_lifetime;
    }
    b->next_update = b->until != 0 ? b->until : b->this_update + life;
}

static chy_status make(struct build *b, const struct chy_issuer *issuer)
{
    struct chy_slice urls[CHY_MIRRORS_MAX + 1];
    struct chy_slice delta_url;
    struct chy_crl_writer writer;
    struct chy_slice tbs;
    struct chy_crl_values values = {
        .signature_algorithm = chy_signature_default(issuer->key_algorithm),
        .issuer = issuer->path[0].subject,
        .this_update = b->this_update,
        .next_update = b->next_update,
        .number = (uint64_t)b->number,
        .authority_key_id = issuer->path[0].subject_key_id,
        .point_urls = urls,
        .freshest_urls = &delta_url,
        .freshest_url_count = b->runtime->pki.delta_lifetime > 0 ? 1 : 0,
        .is_delta = b->kind == CHY_CRL_DELTA,
        .base_number = (uint64_t)chy_row_int(&b->row, BASE_NUMBER),
    };
    int64_t shown = values.is_delta ? chy_row_int(&b->row, BASE_REVISION) : 0;
    int64_t changes = chy_row_int(&b->row, REVISION) - shown;
    uint64_t expected = changes < 0 || changes > EXPECTED_MAX ? EXPECTED_MAX : (uint64_t)changes;
    if (b->until == 0) {
        CHY_TRY(chy_issuer_crl_urls(b->op, issuer, b->shard, urls, &values.point_url_count));
    }
    CHY_TRY(chy_issuer_delta_url(b->op, issuer, b->shard, &delta_url));
    CHY_TRY(chy_crl_begin(b->op, &values, expected, &writer));
    CHY_TRY(write_entries(b, &writer));
    CHY_TRY(chy_crl_end(b->op, &writer, &tbs));
    return chy_sign_blob(b->runtime, b->op, &issuer->key, &issuer->public_key,
                         values.signature_algorithm, tbs, &b->der);
}

/** needs_base: deltas build on a complete CRL of the last days, so that they stay short. */
static bool needs_base(const struct build *b)
{
    return chy_row_is_null(&b->row, BASE_NUMBER) || chy_row_is_null(&b->row, BASE_REVISION) ||
           b->this_update - chy_row_time(&b->row, BASE_AT) >= b->runtime->pki.crl_lifetime / 2;
}

static chy_status keep(struct build *b)
{
    struct chy_batch batch;
    bool is_delta = b->kind == CHY_CRL_DELTA;
    chy_batch_init(&batch, b->op, 0);
    struct chy_write *write =
        chy_batch_update(&batch, CHY_C_CRL_SHARDS,
                         CHY_KEY(chy_value_uuid(&b->generation_id), chy_value_int(b->shard)));
    struct chy_value shown = chy_value_int(chy_row_int(&b->row, REVISION));
    // Not the row's revision: places are taken in it all the time.  The number never goes back.
    chy_write_guard_equals(write, CHY_SHARD_CRL_NUMBER,
                           chy_value_int(chy_row_int(&b->row, NUMBER)));
    chy_write_set(write, CHY_SHARD_CRL_NUMBER, chy_value_int(b->number));
    chy_write_set(write, is_delta ? CHY_SHARD_DELTA_REVISION : CHY_SHARD_CRL_REVISION, shown);
    chy_write_set(write, is_delta ? CHY_SHARD_DELTA : CHY_SHARD_CRL, chy_value_blob(b->der));
    chy_write_set(write, is_delta ? CHY_SHARD_DELTA_THIS_UPDATE : CHY_SHARD_THIS_UPDATE,
                  chy_value_time(b->this_update));
    chy_write_set(write, is_delta ? CHY_SHARD_DELTA_NEXT_UPDATE : CHY_SHARD_NEXT_UPDATE,
                  chy_value_time(b->next_update));
    if (!is_delta && needs_base(b)) {
        chy_write_set(write, CHY_SHARD_BASE_NUMBER, chy_value_int(b->number));
        chy_write_set(write, CHY_SHARD_BASE_REVISION, shown);
        chy_write_set(write, CHY_SHARD_BASE_AT, chy_value_time(b->this_update));
    }
    return chy_batch_commit(&batch, b->runtime->storage, NULL);
}

static chy_status build_and_keep(struct build *b)
{
    const struct chy_issuer *issuer;
    struct chy_slice label =
        chy_text(b->kind == CHY_CRL_DELTA ? "kind=\"delta\"" : "kind=\"complete\"");
    CHY_TRY(chy_issuer_of_generation(b->runtime, b->op, &b->generation_id, &issuer));
    choose_number(b);
    CHY_TRY(make(b, issuer));
    CHY_TRY(keep(b));
    chy_metrics_count(chy_metrics_process(), chy_text("crl_builds"), label, 1);
    return CHY_OK;
}

/** bring_base makes sure that a delta has what it builds on. */
static chy_status bring_base(struct build *b)
{
    if (b->kind != CHY_CRL_DELTA || !chy_row_is_null(&b->row, BASE_REVISION)) {
        return CHY_OK;
    }
    struct build complete = *b;
    complete.kind = CHY_CRL_COMPLETE;
    CHY_TRY(read_shard(&complete));
    chy_status status = build_and_keep(&complete);
    return status == CHY_OK || status == CHY_CONFLICT ? read_shard(b) : status;
}

static struct chy_crl_kept kept_in_row(const struct build *b)
{
    return (struct chy_crl_kept){chy_row_blob(&b->row, OWN_DER),
                                 chy_row_time(&b->row, OWN_NEXT_UPDATE)};
}

chy_status chy_crl_stored(struct chy_runtime *runtime, struct chy_op *op,
                          const struct chy_uuid *generation_id, int64_t shard,
                          enum chy_crl_kind kind, struct chy_crl_kept *out_kept)
{
    struct build b = {.runtime = runtime,
                      .op = op,
                      .generation_id = *generation_id,
                      .shard = shard,
                      .kind = kind};
    CHY_TRY(read_shard(&b));
    if (chy_row_is_null(&b.row, OWN_DER) || chy_now(op) >= chy_row_time(&b.row, OWN_NEXT_UPDATE)) {
        return CHY_NOT_FOUND;
    }
    *out_kept = kept_in_row(&b);
    return CHY_OK;
}

chy_status chy_crl_bring(struct chy_runtime *runtime, struct chy_op *op,
                         const struct chy_uuid *generation_id, int64_t shard,
                         enum chy_crl_kind kind, struct chy_crl_kept *out_kept)
{
    struct build b = {.runtime = runtime,
                      .op = op,
                      .generation_id = *generation_id,
                      .shard = shard,
                      .kind = kind};
    CHY_TRY(read_shard(&b));
    for (int attempt = 0; attempt < ATTEMPTS && !is_current(&b); attempt++) {
        CHY_TRY(bring_base(&b));
        chy_status status = build_and_keep(&b);
        if (status == CHY_OK) {
            *out_kept = (struct chy_crl_kept){b.der, b.next_update};
            return CHY_OK;
        }
        if (status != CHY_CONFLICT) {
            return status;
        }
        CHY_TRY(read_shard(&b)); // another node was first: its CRL
    }
    if (chy_row_is_null(&b.row, OWN_DER)) {
        return chy_fail(op, CHY_TRY_LATER, 0, "other nodes build the CRL; it is there soon");
    }
    *out_kept = kept_in_row(&b);
    return CHY_OK;
}

/** refuse_shards: without a distribution point one shard's CRL could pass for another's. */
static chy_status refuse_shards(const struct build *b)
{
    struct chy_storage_row row;
    chy_status status =
        chy_storage_read(b->runtime->storage, b->op, CHY_C_CRL_SHARDS,
                         CHY_KEY(chy_value_uuid(&b->generation_id), chy_value_int(b->shard + 1)),
                         CHY_NO_FIELDS, &row);
    return status == CHY_OK ? chy_fail(b->op, CHY_BAD_INPUT, 0,
                                       "the key has signed so much that it has several CRLs")
                            : (status == CHY_NOT_FOUND ? CHY_OK : status);
}

chy_status chy_crl_make_whole(struct chy_runtime *runtime, struct chy_op *op,
                              const struct chy_uuid *generation_id, int64_t next_update,
                              struct chy_crl_kept *out_kept)
{
    struct build b = {.runtime = runtime,
                      .op = op,
                      .generation_id = *generation_id,
                      .shard = 1,
                      .kind = CHY_CRL_COMPLETE,
                      .until = next_update - next_update % CHY_US_PER_SECOND};
    chy_status status = CHY_CONFLICT;
    CHY_TRY(refuse_shards(&b));
    for (int attempt = 0; attempt < ATTEMPTS && status == CHY_CONFLICT; attempt++) {
        CHY_TRY(read_shard(&b));
        status = build_and_keep(&b);
    }
    if (status == CHY_CONFLICT) {
        return chy_fail(op, CHY_TRY_LATER, 0, "other nodes build the CRL; ask again");
    }
    CHY_TRY(status);
    *out_kept = (struct chy_crl_kept){b.der, b.next_update};
    return CHY_OK;
}
