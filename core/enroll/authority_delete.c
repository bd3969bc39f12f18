/** Deleting a CA: refused while it is used, or while what it signed lives. */
#include "enroll/authority.h"

#include "resource/collections.h"

/** is_own tells whether an entry of the register is a certificate of the CA itself, as a root's,
 *  or of its OCSP responder. */
static chy_status is_own(struct chy_call *call, const struct chy_uuid *id, bool *out_own)
{
    struct chy_storage_row row;
    chy_status status =
        chy_storage_read(call->runtime->storage, call->op, CHY_C_AUTHORITY_CERTIFICATES,
                         CHY_KEY(chy_value_uuid(id)), CHY_FIELDS(CHY_ACERT_AUTHORITY_ID), &row);
    *out_own = false;
    if (status == CHY_OK) {
        struct chy_uuid authority = chy_row_uuid(&row, 0);
        *out_own = chy_uuid_compare(&authority, &call->id) == 0;
    } else if (status == CHY_NOT_FOUND) {
        status = chy_storage_read(call->runtime->storage, call->op, CHY_C_OCSP_SIGNERS,
                                  CHY_KEY(chy_value_uuid(id)), CHY_NO_FIELDS, &row);
        *out_own = status == CHY_OK;
    }
    return status == CHY_NOT_FOUND ? CHY_OK : status;
}

#define OWN_MAX 100 // unexpired certificates of a root's one key

/** refuse_living_of: a key whose certificates still live keeps publishing for them. */
static chy_status refuse_living_of(struct chy_call *call, const struct chy_uuid *generation_id)
{
    struct chy_query query;
    struct chy_storage_page page;
    bool own = true;
    chy_query_init(&query, call->op, CHY_C_SERIALS, CHY_FIELDS(CHY_SERIAL_CERTIFICATE_ID), OWN_MAX);
    chy_query_eq(&query, CHY_SERIAL_GENERATION_ID, chy_value_uuid(generation_id));
    chy_query_range(&query, CHY_SERIAL_NOT_AFTER, chy_value_time(chy_now(call->op)),
                    chy_value_null());
    chy_query_order(&query, CHY_SERIAL_NOT_AFTER, true);
    CHY_TRY(chy_query_run(&query, call->runtime->storage, &page));
    for (uint64_t i = 0; i < page.rows.count && own; i++) {
        struct chy_uuid id = chy_row_uuid(chy_page_row(&page, i), 0);
        CHY_TRY(is_own(call, &id, &own));
    }
    return own && page.more == 0
               ? CHY_OK
               : chy_fail(call->op, CHY_BAD_INPUT, 0,
                          "the certificate authority has certificates that have not expired: "
                          "disable it instead, it goes on publishing for them");
}

/** refuse_living asks each key that the CA ever had. */
static chy_status refuse_living(struct chy_call *call)
{
    struct chy_query query;
    struct chy_storage_page page;
    chy_query_init(&query, call->op, CHY_C_GENERATIONS, CHY_FIELDS(CHY_GENERATION_ID),
                   CHY_STORAGE_PAGE_MAX);
    chy_query_eq(&query, CHY_GENERATION_AUTHORITY_ID, chy_value_uuid(&call->id));
    do {
        CHY_TRY(chy_query_run(&query, call->runtime->storage, &page));
        for (uint64_t i = 0; i < page.rows.count; i++) {
            struct chy_uuid id = chy_row_uuid(chy_page_row(&page, i), 0);
            CHY_TRY(refuse_living_of(call, &id));
        }
        query.find.cursor = page.cursor;
    } while (page.more != 0);
    return CHY_OK;
}

static chy_status refuse_used(struct chy_call *call)
{
    struct chy_query query;
    struct chy_storage_page page;
    chy_query_init(&query, call->op, CHY_C_PROFILES, CHY_FIELDS(CHY_PROFILE_SLUG), 1);
    chy_query_eq(&query, CHY_PROFILE_CA_ID, chy_value_uuid(&call->id));
    CHY_TRY(chy_query_run(&query, call->runtime->storage, &page));
    if (page.rows.count == 0) {
        return CHY_OK;
    }
    struct chy_slice slug = chy_row_text(chy_page_row(&page, 0), 0);
    return chy_fail(call->op, CHY_BAD_INPUT, 0,
                    "the certificate authority is used by the certificate profile '%.*s'",
                    (int)slug.len, (const char *)slug.ptr);
}

/** delete_shards leaves those that a batch has no room for. */
static void delete_shards(struct chy_batch *batch, struct chy_query *query,
                          const struct chy_uuid *generation_id)
{
    chy_query_init(query, batch->op, CHY_C_CRL_SHARDS, CHY_NO_FIELDS, CHY_STORAGE_PAGE_MAX);
    chy_query_eq(query, CHY_SHARD_GENERATION_ID, chy_value_uuid(generation_id));
    (void)chy_batch_delete_range(batch, query, CHY_STORAGE_DELETE_RANGE_MAX);
}

static void delete_signers(struct chy_batch *batch, struct chy_query *query,
                           const struct chy_uuid *generation_id)
{
    chy_query_init(query, batch->op, CHY_C_OCSP_SIGNERS, CHY_NO_FIELDS, CHY_STORAGE_PAGE_MAX);
    chy_query_eq(query, CHY_OCSP_SIGNER_GENERATION_ID, chy_value_uuid(generation_id));
    (void)chy_batch_delete_range(batch, query, CHY_STORAGE_DELETE_RANGE_MAX);
}

/** delete_generations: the keys go with their CA, what they publish with the keys; certificates,
 *  serials, revocations and the blocks on the keys stay. */
static chy_status delete_generations(struct chy_call *call, struct chy_batch *batch)
{
    struct chy_storage_page page;
    CHY_TRY(chy_authority_generations(call, &call->id, CHY_FIELDS(CHY_GENERATION_ID), &page));
    struct chy_query *queries = chy_alloc(call->op, page.rows.count * 2 * sizeof *queries);
    struct chy_uuid *ids = chy_alloc(call->op, page.rows.count * sizeof *ids);
    if (queries == NULL || ids == NULL) {
        return chy_fail_memory(call->op);
    }
    for (uint64_t i = 0; i < page.rows.count; i++) {
        ids[i] = chy_row_uuid(chy_page_row(&page, i), 0);
        (void)chy_batch_delete(batch, CHY_C_GENERATIONS, CHY_KEY(chy_value_uuid(&ids[i])));
        delete_shards(batch, &queries[2 * i], &ids[i]);
        delete_signers(batch, &queries[2 * i + 1], &ids[i]);
    }
    return CHY_OK;
}

chy_status chy_authority_delete(struct chy_call *call)
{
    struct chy_authority ca;
    struct chy_batch batch;
    json_t *object;
    CHY_TRY(chy_authority_load(call, &ca));
    CHY_TRY(refuse_used(call));
    CHY_TRY(refuse_living(call));
    CHY_TRY(chy_authority_object(call, &ca.row, &object));
    chy_batch_init(&batch, call->op, 0);
    struct chy_write *write =
        chy_batch_delete(&batch, CHY_C_AUTHORITIES, CHY_KEY(chy_value_uuid(&call->id)));
    chy_write_guard_revision(write, ca.row.revision);
    CHY_TRY(delete_generations(call, &batch));
    CHY_TRY(chy_call_commit(call, &batch, "delete", &call->id));
    call->answer = object;
    return CHY_OK;
}
