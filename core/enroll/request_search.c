#include "enroll/request_search.h"

#include "base/slice.h"
#include "enroll/approval.h"
#include "enroll/certificate.h"
#include "enroll/certificate_assign.h"
#include "enroll/permit.h"
#include "enroll/serials.h"
#include "plugin/view.h"
#include "resource/collections.h"
#include "resource/listing.h"

#define LIST_LIMIT 20

static const uint32_t fields[] = {CHY_REQUEST_ID,
                                  CHY_REQUEST_STATUS,
                                  CHY_REQUEST_COMMON_NAME,
                                  CHY_REQUEST_ALT_NAMES,
                                  CHY_REQUEST_PROFILE_ID,
                                  CHY_REQUEST_AUTHORITY_ID,
                                  CHY_REQUEST_APPLICATION_ID,
                                  CHY_REQUEST_CERTIFICATE_ID,
                                  CHY_REQUEST_ERROR,
                                  CHY_REQUEST_CREATED_AT,
                                  CHY_REQUEST_UPDATED_AT,
                                  CHY_REQUEST_APPROVAL_ID};
enum {
    ID = 0,
    STATUS,
    COMMON_NAME,
    ALT_NAMES,
    PROFILE,
    AUTHORITY,
    APPLICATION,
    CERTIFICATE,
    ERROR,
    CREATED,
    UPDATED,
    APPROVAL
};

/** What is looked at of rows that are sifted or sorted here. */
static const uint32_t looked_at[] = {CHY_REQUEST_ID,          CHY_REQUEST_COMMON_NAME,
                                     CHY_REQUEST_ALT_NAMES,   CHY_REQUEST_STATUS,
                                     CHY_REQUEST_UPDATED_AT,  CHY_REQUEST_PROFILE_ID,
                                     CHY_REQUEST_IDENTITY_ID, CHY_REQUEST_APPLICATION_ID,
                                     CHY_REQUEST_METADATA,    CHY_REQUEST_DECISION};
enum {
    LOOKED_ID = 0,
    LOOKED_COMMON_NAME,
    LOOKED_ALT_NAMES,
    LOOKED_STATUS,
    LOOKED_UPDATED,
    LOOKED_ALWAYS, // so many are looked at for everybody; what follows, for permissions
    LOOKED_PROFILE = LOOKED_ALWAYS,
    LOOKED_IDENTITY,
    LOOKED_APPLICATION,
    LOOKED_METADATA,
    LOOKED_DECISION
};

static const struct chy_fact_places places = {.profile_id = LOOKED_PROFILE,
                                              .identity_id = LOOKED_IDENTITY,
                                              .application_id = LOOKED_APPLICATION,
                                              .common_name = LOOKED_COMMON_NAME,
                                              .metadata = LOOKED_METADATA,
                                              .decision = LOOKED_DECISION};

struct sifting {
    struct chy_slice prefix;
    uint32_t by;
    struct chy_permit_list permitted;
};

#define VIEW(array) chy_view_of(array, CHY_COUNT_OF(array), sizeof(array)[0])

/* --- what matches ------------------------------------------------------------------------------*/

static bool begins(struct chy_slice text, struct chy_slice prefix)
{
    return text.len >= prefix.len &&
           chy_slice_equal_nocase(chy_slice_first(text, prefix.len), prefix);
}

/** has_prefix finds a prefix of the common name or of one of the alternative names. */
static bool has_prefix(const struct sifting *sifting, const struct chy_storage_row *row)
{
    struct chy_slice rest = chy_row_text(row, LOOKED_ALT_NAMES);
    struct chy_slice name;
    if (begins(chy_row_text(row, LOOKED_COMMON_NAME), sifting->prefix)) {
        return true;
    }
    while (chy_slice_cut(rest, ',', &name, &rest)) {
        if (begins(name, sifting->prefix)) {
            return true;
        }
    }
    return begins(rest, sifting->prefix);
}

static bool keep(const void *context, const struct chy_storage_row *row)
{
    struct sifting *sifting = (struct sifting *)(uintptr_t)context;
    return (sifting->prefix.len == 0 || has_prefix(sifting, row)) &&
           chy_permit_list_keeps(&sifting->permitted, row);
}

static int compare(const void *context, const struct chy_storage_row *a,
                   const struct chy_storage_row *b)
{
    const struct sifting *sifting = (const struct sifting *)context;
    if (sifting->by == LOOKED_UPDATED) {
        int64_t first = chy_row_time(a, LOOKED_UPDATED);
        int64_t second = chy_row_time(b, LOOKED_UPDATED);
        return first < second ? -1 : first > second;
    }
    return chy_slice_compare(chy_row_text(a, sifting->by), chy_row_text(b, sifting->by));
}

static void sort(const struct chy_call *call, struct sifting *sifting, struct chy_listing *listing)
{
    static const struct {
        const char *name;
        uint32_t by;
    } sorts[] = {{"updatedAt", LOOKED_UPDATED},
                 {"commonName", LOOKED_COMMON_NAME},
                 {"status", LOOKED_STATUS}};
    struct chy_slice by = chy_json_member(call->document, "sortBy");
    listing->descending =
        !chy_slice_equal_nocase(chy_json_member(call->document, "sortOrder"), chy_text("asc"));
    for (size_t i = 0; i < CHY_COUNT_OF(sorts); i++) {
        if (chy_slice_is(by, sorts[i].name)) {
            sifting->by = sorts[i].by;
            listing->compare = compare;
            listing->sort_name = sorts[i].name;
        }
    }
    chy_query_order(&listing->query, CHY_REQUEST_CREATED_AT, listing->descending);
}

static chy_status narrow(struct chy_call *call, struct chy_query *query)
{
    chy_query_eq(query, CHY_REQUEST_PROJECT_ID, chy_value_uuid(&call->project_id));
    CHY_TRY(chy_call_narrow_applications(call, query, CHY_REQUEST_APPLICATION_ID));
    CHY_TRY(chy_filter_in(call, query, CHY_REQUEST_STATUS, "status", CHY_FILTER_LOWER));
    CHY_TRY(chy_filter_in(call, query, CHY_REQUEST_PROFILE_ID, "profileIds", CHY_FILTER_UUID));
    CHY_TRY(chy_filter_application(call, query, CHY_REQUEST_APPLICATION_ID));
    CHY_TRY(chy_filter_between(call, query, CHY_REQUEST_CREATED_AT, "fromDate", "toDate"));
    return chy_filter_metadata(call, query, CHY_REQUEST_PAIRS);
}

/* --- the search --------------------------------------------------------------------------------*/

static chy_status run(struct chy_listing *listing, struct sifting *sifting,
                      struct chy_list_page *page)
{
    struct chy_call *call = listing->call;
    struct chy_uuid ids[CHY_SERIAL_SAME_MAX];
    uint64_t count = 0;
    sifting->prefix = chy_json_member(call->document, "search");
    if (sifting->prefix.len != 0) {
        CHY_TRY(chy_serial_named(call->runtime, call->op, &call->project_id, sifting->prefix,
                                 CHY_CERT_REQUEST_ID, ids, &count));
    }
    if (count != 0) {
        sifting->prefix = chy_slice_of(NULL, 0);
        return chy_listing_run_keys(listing, CHY_REQUEST_ID, ids, count, page);
    }
    if (sifting->prefix.len != 0) {
        listing->keep = keep;
    }
    return chy_listing_run(listing, page);
}

/* --- as JSON -----------------------------------------------------------------------------------*/

/** set_certificate shows what became of the certificate since. */
static chy_status set_certificate(struct chy_call *call, const struct chy_storage_row *row,
                                  json_t *object)
{
    struct chy_uuid id = chy_row_uuid(row, CERTIFICATE);
    struct chy_storage_row found;
    chy_status status = CHY_NOT_FOUND;
    if (!chy_uuid_is_nil(&id)) {
        status = chy_storage_read(
            call->runtime->storage, call->op, CHY_C_CERTIFICATES, CHY_KEY(chy_value_uuid(&id)),
            CHY_FIELDS(CHY_CERT_SERIAL, CHY_CERT_STATUS, CHY_CERT_NOT_AFTER), &found);
    }
    if (status == CHY_NOT_FOUND) {
        return chy_json_set_null(object, "certificate") ? CHY_OK : chy_fail_memory(call->op);
    }
    CHY_TRY(status);
    const char *word =
        chy_certificate_status(chy_row_text(&found, 1), chy_row_time(&found, 2), chy_now(call->op));
    json_t *certificate = chy_json_object(call->op);
    bool fine = certificate != NULL && chy_json_set_uuid(certificate, "id", &id) &&
                chy_json_set_text(certificate, "serialNumber", chy_row_text(&found, 0)) &&
                chy_json_set_text(certificate, "status", chy_text(word)) &&
                json_object_set(object, "certificate", certificate) == 0;
    return fine ? CHY_OK : chy_fail_memory(call->op);
}

static chy_status request_json(struct chy_call *call, const struct chy_storage_row *row,
                               json_t **out_object)
{
    static const struct {
        const char *name;
        uint32_t at;
    } shown[] = {{"id", ID},
                 {"status", STATUS},
                 {"commonName", COMMON_NAME},
                 {"altNames", ALT_NAMES},
                 {"profileId", PROFILE},
                 {"caId", AUTHORITY},
                 {"certificateId", CERTIFICATE},
                 {"errorMessage", ERROR},
                 {"createdAt", CREATED},
                 {"updatedAt", UPDATED},
                 {"approvalRequestId", APPROVAL}};
    struct chy_uuid profile_id = chy_row_uuid(row, PROFILE);
    struct chy_slice profile;
    json_t *object = chy_json_object(call->op);
    bool fine = object != NULL;
    for (size_t i = 0; fine && i < CHY_COUNT_OF(shown); i++) {
        fine =
            json_object_set_new(object, shown[i].name,
                                chy_value_to_json(call->op, chy_row_value(row, shown[i].at))) == 0;
    }
    CHY_TRY(chy_call_name(call, CHY_C_PROFILES, CHY_PROFILE_SLUG, &profile_id, &profile));
    bool waits = chy_slice_is(chy_row_text(row, STATUS), "pending_approval");
    fine = fine &&
           (waits ? chy_json_set_text(object, "pendingMessage", chy_text(CHY_APPROVAL_WAITS))
                  : chy_json_set_null(object, "pendingMessage")) &&
           (profile.len == 0 ? chy_json_set_null(object, "profileName")
                             : chy_json_set_text(object, "profileName", profile));
    if (!fine) {
        return chy_fail_memory(call->op);
    }
    struct chy_uuid application_id = chy_row_uuid(row, APPLICATION);
    CHY_TRY(chy_certificate_set_application(call, object, &application_id));
    *out_object = object;
    return set_certificate(call, row, object);
}

chy_status chy_request_search(struct chy_call *call)
{
    struct chy_listing listing;
    struct chy_list_page page;
    struct sifting sifting = {.by = 0};
    CHY_TRY(chy_permit_list_start(call, &places, &sifting.permitted));
    CHY_TRY(chy_listing_init(&listing, call, CHY_C_REQUESTS, VIEW(fields), LIST_LIMIT));
    listing.keep_fields = VIEW(looked_at);
    listing.order_fields = LOOKED_ALWAYS;
    if (sifting.permitted.call == NULL) {
        listing.keep_fields.count = LOOKED_ALWAYS;
    } else {
        listing.keep = keep;
    }
    listing.keep_context = &sifting;
    CHY_TRY(narrow(call, &listing.query));
    sort(call, &sifting, &listing);
    CHY_TRY(run(&listing, &sifting, &page));
    CHY_TRY(sifting.permitted.status);
    json_t *list = chy_json_array(call->op);
    for (uint64_t i = 0; i < page.count; i++) {
        json_t *object;
        CHY_TRY(request_json(call, page.rows[i], &object));
        if (json_array_append(list, object) != 0) {
            return chy_fail_memory(call->op);
        }
    }
    return chy_listing_answer(call, call->kind->plural, list, &page);
}
