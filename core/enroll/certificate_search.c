#include "enroll/certificate_search.h"

#include "base/slice.h"
#include "enroll/certificate.h"
#include "enroll/permit.h"
#include "enroll/serials.h"
#include "enroll/statistics_read.h"
#include "plugin/view.h"
#include "resource/collections.h"
#include "resource/listing.h"
#include "x509/algorithm.h"
#include "x509/extensions.h"

#include <chancery/crypto.h>

#define LIST_LIMIT 25

/** The fields of a row of a list: none of the large ones, and no sealed key. */
static const uint32_t fields[] = {
    CHY_CERT_ID,
    CHY_CERT_PROJECT_ID,
    CHY_CERT_AUTHORITY_ID,
    CHY_CERT_AUTHORITY_CERTIFICATE_ID,
    CHY_CERT_PROFILE_ID,
    CHY_CERT_REQUEST_ID,
    CHY_CERT_APPLICATION_ID,
    CHY_CERT_IDENTITY_ID,
    CHY_CERT_METHOD,
    CHY_CERT_SOURCE,
    CHY_CERT_STATUS,
    CHY_CERT_SERIAL,
    CHY_CERT_COMMON_NAME,
    CHY_CERT_ALT_NAMES,
    CHY_CERT_SUBJECT,
    CHY_CERT_FRIENDLY_NAME,
    CHY_CERT_NOT_BEFORE,
    CHY_CERT_NOT_AFTER,
    CHY_CERT_KEY_ALGORITHM,
    CHY_CERT_SIGNATURE_ALGORITHM,
    CHY_CERT_KEY_USAGES,
    CHY_CERT_EXT_KEY_USAGES,
    CHY_CERT_IS_CA,
    CHY_CERT_PATH_LENGTH,
    CHY_CERT_FINGERPRINT_SHA256,
    CHY_CERT_FINGERPRINT_SHA1,
    CHY_CERT_DATA_KEY_ID,
    CHY_CERT_KEY_RETENTION,
    CHY_CERT_RENEW_BEFORE,
    CHY_CERT_RENEW_AT,
    CHY_CERT_RENEWED_FROM_ID,
    CHY_CERT_RENEWED_BY_ID,
    CHY_CERT_RENEWAL_ERROR,
    CHY_CERT_REVOKED_AT,
    CHY_CERT_REVOCATION_REASON,
    CHY_CERT_METADATA,
    CHY_CERT_CREATED_AT,
    CHY_CERT_UPDATED_AT,
    CHY_CERT_RENEWAL_ROOT_ID,
    CHY_CERT_LATEST_RENEWAL_ID,
    CHY_CERT_RENEWAL_ATTEMPTS,
};

/** What is looked at of rows that are sifted or sorted here. */
static const uint32_t looked_at[] = {
    CHY_CERT_ID,         CHY_CERT_STATUS,      CHY_CERT_NOT_AFTER,
    CHY_CERT_NOT_BEFORE, CHY_CERT_COMMON_NAME, CHY_CERT_KEY_ALGORITHM,
    CHY_CERT_PROFILE_ID, CHY_CERT_IDENTITY_ID, CHY_CERT_APPLICATION_ID,
    CHY_CERT_NAMES,      CHY_CERT_METADATA};
enum looked {
    LOOKED_ID = 0,
    LOOKED_STATUS,
    LOOKED_NOT_AFTER,
    LOOKED_NOT_BEFORE,
    LOOKED_COMMON_NAME,
    LOOKED_KEY_ALGORITHM,
    LOOKED_ALWAYS, /**< so many are looked at for everybody; what follows, for permissions */
    LOOKED_PROFILE = LOOKED_ALWAYS,
    LOOKED_IDENTITY,
    LOOKED_APPLICATION,
    LOOKED_NAMES,
    LOOKED_METADATA
};

static const struct chy_fact_places places = {.profile_id = LOOKED_PROFILE,
                                              .identity_id = LOOKED_IDENTITY,
                                              .application_id = LOOKED_APPLICATION,
                                              .common_name = LOOKED_COMMON_NAME,
                                              .names = LOOKED_NAMES,
                                              .metadata = LOOKED_METADATA,
                                              .decision = CHY_NO_FIELD};

#define VIEW(array) chy_view_of(array, CHY_COUNT_OF(array), sizeof(array)[0])

/* --- status ------------------------------------------------------------------------------------*/

enum status_bit {
    ACTIVE = 1U << 0,
    EXPIRED = 1U << 1,
    REVOKED = 1U << 2,
    EVERY = ACTIVE | EXPIRED | REVOKED
};

/** What keeping and sorting need. */
struct sifting {
    uint32_t statuses; /**< enum status_bit */
    int64_t now;
    uint32_t by; /**< enum looked */
    struct chy_permit_list *permitted;
};

static uint32_t status_bit(struct chy_slice word)
{
    return chy_slice_equal_nocase(word, chy_text("active"))    ? ACTIVE
           : chy_slice_equal_nocase(word, chy_text("expired")) ? EXPIRED
           : chy_slice_equal_nocase(word, chy_text("revoked")) ? REVOKED
                                                               : 0;
}

static chy_status read_statuses(struct chy_call *call, uint32_t *out_statuses)
{
    const json_t *json = json_object_get(call->document, "status");
    size_t count = json_is_array(json) ? json_array_size(json) : json_is_string(json) ? 1 : 0;
    uint32_t statuses = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t bit =
            status_bit(chy_json_text(json_is_array(json) ? json_array_get(json, i) : json));
        if (bit == 0) {
            return chy_shape_refuse_one(call->op, "invalid_enum_value", "/status",
                                        "expected active, expired or revoked");
        }
        statuses |= bit;
    }
    *out_statuses = statuses == 0 ? EVERY : statuses;
    return CHY_OK;
}

static bool has_status(const struct sifting *sifting, struct chy_slice stored, int64_t not_after)
{
    const char *word = chy_certificate_status(stored, not_after, sifting->now);
    return (status_bit(chy_text(word)) & sifting->statuses) != 0;
}

static bool keep(const void *context, const struct chy_storage_row *row)
{
    const struct sifting *sifting = (const struct sifting *)context;
    return has_status(sifting, chy_row_text(row, LOOKED_STATUS),
                      chy_row_time(row, LOOKED_NOT_AFTER)) &&
           chy_permit_list_keeps(sifting->permitted, row);
}

/** look says what is looked at of rows, and whether permissions leave some out. */
static void look(struct chy_listing *listing, const struct sifting *sifting)
{
    listing->keep_fields = VIEW(looked_at);
    listing->order_fields = LOOKED_ALWAYS;
    listing->keep_context = sifting;
    if (sifting->permitted->call == NULL) {
        listing->keep_fields.count = LOOKED_ALWAYS;
    } else {
        listing->keep = keep;
    }
}

/** narrow_status makes conditions of the statuses; where those cannot say it, rows are sifted. */
static void narrow_status(const struct sifting *sifting, struct chy_listing *listing)
{
    struct chy_query *query = &listing->query;
    struct chy_value now = chy_value_time(sifting->now);
    bool revoked = (sifting->statuses & REVOKED) != 0;
    if (sifting->statuses == EVERY) {
        return;
    }
    if (sifting->statuses == 0) { // asked for what cannot be: nothing has no status
        chy_query_eq(query, CHY_CERT_STATUS, chy_value_text(chy_text("")));
        return;
    }
    if (sifting->statuses == REVOKED || !revoked) {
        chy_query_eq(query, CHY_CERT_STATUS,
                     chy_value_text(chy_text(revoked ? "revoked" : "active")));
    } else {
        listing->keep = keep;
    }
    if (sifting->statuses == ACTIVE) {
        chy_query_range(query, CHY_CERT_NOT_AFTER, now, chy_value_null());
    } else if (sifting->statuses == EXPIRED) {
        chy_query_range(query, CHY_CERT_NOT_AFTER, chy_value_null(), now);
    }
}

/* --- conditions --------------------------------------------------------------------------------*/

/** narrow_eku wants a bit among those of a mask: one of all masks that have it. */
static chy_status narrow_eku(struct chy_call *call, struct chy_query *query)
{
    struct chy_slice word = chy_json_member(call->document, "extendedKeyUsage");
    uint32_t bit = word.len == 0 ? 0 : chy_eku_find(word);
    uint64_t count = 0;
    if (word.len == 0) {
        return CHY_OK;
    }
    if (bit == 0) {
        return chy_shape_refuse_one(call->op, "invalid_enum_value", "/extendedKeyUsage",
                                    "expected an extended key usage such as server_auth");
    }
    struct chy_value *masks = chy_alloc(call->op, (1U << (CHY_EKU_COUNT - 1)) * sizeof *masks);
    if (masks == NULL) {
        return chy_fail_memory(call->op);
    }
    for (uint32_t mask = 0; mask < 1U << CHY_EKU_COUNT; mask++) {
        if ((mask & bit) != 0) {
            masks[count++] = chy_value_int(mask);
        }
    }
    chy_query_in(query, CHY_CERT_EXT_KEY_USAGES, chy_view_of(masks, count, sizeof *masks));
    return CHY_OK;
}

static const struct {
    const char *name;
    int64_t size;
} key_sizes[] = {
    {"RSA_2048", 2048},    {"RSA_3072", 3072},    {"RSA_4096", 4096}, {"EC_prime256v1", 256},
    {"EC_secp384r1", 384}, {"EC_secp521r1", 521}, {"Ed25519", 256},   {"Ed448", 456},
    {"ML-DSA-44", 44},     {"ML-DSA-65", 65},     {"ML-DSA-87", 87},
};

static bool lists_size(const json_t *sizes, int64_t size)
{
    for (size_t i = 0; i < json_array_size(sizes); i++) {
        if (json_integer_value(json_array_get(sizes, i)) == size) {
            return true;
        }
    }
    return false;
}

static chy_status narrow_key_size(struct chy_call *call, struct chy_query *query)
{
    const json_t *sizes = json_object_get(call->document, "keySizes");
    struct chy_value *names = chy_alloc(call->op, CHY_COUNT_OF(key_sizes) * sizeof *names);
    uint64_t count = 0;
    if (json_array_size(sizes) == 0) {
        return CHY_OK;
    }
    if (names == NULL) {
        return chy_fail_memory(call->op);
    }
    for (size_t i = 0; i < CHY_COUNT_OF(key_sizes); i++) {
        if (lists_size(sizes, key_sizes[i].size)) {
            names[count++] = chy_value_text(chy_text(key_sizes[i].name));
        }
    }
    if (count == 0) { // no key has such a size, and nothing is called ""
        names[count++] = chy_value_text(chy_text(""));
    }
    chy_query_in(query, CHY_CERT_KEY_ALGORITHM, chy_view_of(names, count, sizeof *names));
    return CHY_OK;
}

static chy_status narrow_names(struct chy_call *call, struct chy_query *query)
{
    struct chy_slice common_name = chy_json_member(call->document, "commonName");
    struct chy_slice friendly_name = chy_json_member(call->document, "friendlyName");
    struct chy_slice lower;
    if (common_name.len != 0) {
        CHY_TRY(chy_slice_lower(call->op, common_name, &lower));
        chy_query_has_prefix(query, CHY_CERT_NAMES, lower); // this one is indexed
        chy_query_prefix(query, CHY_CERT_COMMON_NAME, common_name);
    }
    if (friendly_name.len != 0) {
        chy_query_prefix(query, CHY_CERT_FRIENDLY_NAME, friendly_name);
    }
    return CHY_OK;
}

static chy_status narrow(struct chy_call *call, struct chy_query *query)
{
    chy_query_eq(query, CHY_CERT_PROJECT_ID, chy_value_uuid(&call->project_id));
    CHY_TRY(chy_call_narrow_applications(call, query, CHY_CERT_APPLICATION_ID));
    CHY_TRY(narrow_names(call, query));
    CHY_TRY(narrow_eku(call, query));
    CHY_TRY(narrow_key_size(call, query));
    CHY_TRY(chy_filter_application(call, query, CHY_CERT_APPLICATION_ID));
    CHY_TRY(chy_filter_in(call, query, CHY_CERT_PROFILE_ID, "profileIds", CHY_FILTER_UUID));
    CHY_TRY(chy_filter_in(call, query, CHY_CERT_AUTHORITY_ID, "caIds", CHY_FILTER_UUID));
    CHY_TRY(chy_filter_in(call, query, CHY_CERT_METHOD, "enrollmentTypes", CHY_FILTER_LOWER));
    CHY_TRY(chy_filter_in(call, query, CHY_CERT_SOURCE, "source", CHY_FILTER_LOWER));
    CHY_TRY(chy_filter_in(call, query, CHY_CERT_KEY_ALGORITHM, "keyAlgorithm",
                          CHY_FILTER_KEY_ALGORITHM));
    CHY_TRY(chy_filter_in(call, query, CHY_CERT_SIGNATURE_ALGORITHM, "signatureAlgorithm",
                          CHY_FILTER_SIGNATURE_ALGORITHM));
    CHY_TRY(chy_filter_between(call, query, CHY_CERT_CREATED_AT, "fromDate", "toDate"));
    CHY_TRY(chy_filter_between(call, query, CHY_CERT_NOT_AFTER, "notAfterFrom", "notAfterTo"));
    CHY_TRY(chy_filter_between(call, query, CHY_CERT_NOT_BEFORE, "notBeforeFrom", "notBeforeTo"));
    return chy_filter_metadata(call, query, CHY_CERT_PAIRS);
}

/** narrow_sync: what is handed on to other systems is usable, and has its key here. */
static void narrow_sync(struct chy_call *call, struct sifting *sifting, struct chy_query *query)
{
    if (json_is_true(json_object_get(call->document, "forPkiSync"))) {
        sifting->statuses &= ACTIVE;
        chy_query_not_null(query, CHY_CERT_DATA_KEY_ID);
    }
}

/* --- order -------------------------------------------------------------------------------------*/

static int compare(const void *context, const struct chy_storage_row *a,
                   const struct chy_storage_row *b)
{
    const struct sifting *sifting = (const struct sifting *)context;
    if (sifting->by == LOOKED_NOT_BEFORE) {
        int64_t first = chy_row_time(a, LOOKED_NOT_BEFORE);
        int64_t second = chy_row_time(b, LOOKED_NOT_BEFORE);
        return first < second ? -1 : first > second;
    }
    if (sifting->by == LOOKED_STATUS) {
        const char *first = chy_certificate_status(chy_row_text(a, LOOKED_STATUS),
                                                   chy_row_time(a, LOOKED_NOT_AFTER), sifting->now);
        const char *second = chy_certificate_status(
            chy_row_text(b, LOOKED_STATUS), chy_row_time(b, LOOKED_NOT_AFTER), sifting->now);
        return strcmp(first, second);
    }
    return chy_slice_compare(chy_row_text(a, sifting->by), chy_row_text(b, sifting->by));
}

static void sort(const struct chy_call *call, struct sifting *sifting, struct chy_listing *listing)
{
    static const struct {
        const char *name;
        uint32_t by;
    } sorts[] = {{"notBefore", LOOKED_NOT_BEFORE},
                 {"commonName", LOOKED_COMMON_NAME},
                 {"keyAlgorithm", LOOKED_KEY_ALGORITHM},
                 {"status", LOOKED_STATUS}};
    struct chy_slice by = chy_json_member(call->document, "sortBy");
    struct chy_slice order = chy_json_member(call->document, "sortOrder");
    listing->descending = !chy_slice_equal_nocase(order, chy_text("asc"));
    for (size_t i = 0; i < CHY_COUNT_OF(sorts); i++) {
        if (chy_slice_is(by, sorts[i].name)) {
            sifting->by = sorts[i].by;
            listing->compare = compare;
            listing->sort_name = sorts[i].name;
        }
    }
    chy_query_order(&listing->query,
                    chy_slice_is(by, "notAfter") ? CHY_CERT_NOT_AFTER : CHY_CERT_CREATED_AT,
                    listing->descending);
}

/* --- the search --------------------------------------------------------------------------------*/

/** run reads the page.  `profile_id` is of what all are counted, NULL: the project. */
static chy_status run(struct chy_listing *listing, const struct chy_uuid *profile_id,
                      struct chy_list_page *page)
{
    struct chy_call *call = listing->call;
    struct chy_slice search = chy_json_member(call->document, "search");
    struct chy_uuid ids[CHY_SERIAL_SAME_MAX];
    uint64_t count = 0;
    if (search.len != 0) {
        CHY_TRY(chy_serial_named(call->runtime, call->op, &call->project_id, search, CHY_CERT_ID,
                                 ids, &count));
    }
    if (count != 0) {
        return chy_listing_run_keys(listing, CHY_CERT_ID, ids, count, page);
    }
    if (search.len != 0) {
        struct chy_slice lower;
        CHY_TRY(chy_slice_lower(call->op, search, &lower));
        chy_query_has_prefix(&listing->query, CHY_CERT_NAMES, lower);
    } else if (listing->query.predicate_count == 1 && listing->keep == NULL) { // all of them
        listing->has_total = true;
        CHY_TRY(chy_statistics_stored(call, profile_id, &listing->total));
    }
    return chy_listing_run(listing, page);
}

static chy_status answer(struct chy_call *call, const struct chy_list_page *page,
                         chy_status (*show)(struct chy_call *call,
                                            const struct chy_storage_row *row, json_t **out_object))
{
    json_t *list = chy_json_array(call->op);
    for (uint64_t i = 0; i < page->count; i++) {
        json_t *object;
        CHY_TRY(show(call, page->rows[i], &object));
        if (json_array_append(list, object) != 0) {
            return chy_fail_memory(call->op);
        }
    }
    return chy_listing_answer(call, call->kind->plural, list, page);
}

static chy_status search(struct chy_call *call, struct chy_permit_list *permitted)
{
    struct chy_listing listing;
    struct chy_list_page page;
    struct sifting sifting = {.now = chy_now(call->op), .permitted = permitted};
    CHY_TRY(read_statuses(call, &sifting.statuses));
    CHY_TRY(chy_listing_init(&listing, call, CHY_C_CERTIFICATES, VIEW(fields), LIST_LIMIT));
    listing.spread = true;
    look(&listing, &sifting);
    CHY_TRY(narrow(call, &listing.query));
    narrow_sync(call, &sifting, &listing.query);
    narrow_status(&sifting, &listing);
    sort(call, &sifting, &listing);
    CHY_TRY(run(&listing, NULL, &page));
    CHY_TRY(permitted->status);
    return answer(call, &page, chy_call_object);
}

chy_status chy_certificate_search(struct chy_call *call)
{
    struct chy_permit_list permitted;
    CHY_TRY(chy_permit_list_start(call, &places, &permitted));
    return search(call, &permitted);
}

chy_status chy_certificate_search_slug(struct chy_call *call)
{
    // The path names the project, whatever else the query says.
    (void)json_object_del(call->document, "projectId");
    return json_object_set(call->document, "projectSlug",
                           json_object_get(call->document, "slug")) == 0
               ? chy_certificate_search(call)
               : chy_fail_memory(call->op);
}

/* --- of one profile ----------------------------------------------------------------------------*/

static chy_status show_short(struct chy_call *call, const struct chy_storage_row *row,
                             json_t **out_object)
{
    static const struct {
        const char *name;
        uint32_t field;
    } shown[] = {{"id", CHY_CERT_ID},
                 {"serialNumber", CHY_CERT_SERIAL},
                 {"cn", CHY_CERT_COMMON_NAME},
                 {"notBefore", CHY_CERT_NOT_BEFORE},
                 {"notAfter", CHY_CERT_NOT_AFTER},
                 {"revokedAt", CHY_CERT_REVOKED_AT},
                 {"createdAt", CHY_CERT_CREATED_AT}};
    const char *status =
        chy_certificate_status(chy_row_text(row, CHY_CERT_STATUS),
                               chy_row_time(row, CHY_CERT_NOT_AFTER), chy_now(call->op));
    json_t *object = chy_json_object(call->op);
    bool fine = object != NULL && chy_json_set_text(object, "status", chy_text(status));
    for (size_t i = 0; fine && i < CHY_COUNT_OF(shown); i++) {
        json_t *value = chy_value_to_json(call->op, chy_row_value(row, shown[i].field));
        fine = json_object_set_new(object, shown[i].name, value) == 0;
    }
    *out_object = object;
    return fine ? CHY_OK : chy_fail_memory(call->op);
}

chy_status chy_certificate_profile(struct chy_call *call, struct chy_uuid *out_id)
{
    struct chy_storage_row row;
    if (!chy_call_uuid(call, "profileId", out_id)) { // the route and the shape made it one
        return chy_not_found(call->op, "certificate profile");
    }
    chy_status status =
        chy_storage_read(call->runtime->storage, call->op, CHY_C_PROFILES,
                         CHY_KEY(chy_value_uuid(out_id)), CHY_FIELDS(CHY_PROFILE_PROJECT_ID), &row);
    CHY_TRY(chy_or_not_found(call->op, status, "certificate profile"));
    call->project_id = chy_row_uuid(&row, 0);
    // A role in an application is not enough: the profile's certificates are of others too.
    struct chy_held_role held = chy_principal_role(chy_principal_of(call->op), &call->project_id);
    return chy_role_has(&held, call->kind->subject, CHY_ACTION_READ)
               ? CHY_OK
               : chy_require(call->op, &call->project_id, call->kind->subject, CHY_ACTION_READ,
                             "certificate profile");
}

chy_status chy_certificate_list_profile(struct chy_call *call)
{
    struct chy_listing listing;
    struct chy_list_page page;
    struct chy_uuid profile_id;
    struct chy_permit_list permitted;
    struct sifting sifting = {.now = chy_now(call->op), .permitted = &permitted};
    CHY_TRY(chy_certificate_profile(call, &profile_id));
    chy_permit_list_init(&permitted, call, &places);
    CHY_TRY(read_statuses(call, &sifting.statuses));
    CHY_TRY(chy_listing_init(&listing, call, CHY_C_CERTIFICATES, VIEW(fields), LIST_LIMIT));
    listing.spread = true;
    look(&listing, &sifting);
    // A profile is of one project: no condition for that, so that the profile's index is walked.
    chy_query_eq(&listing.query, CHY_CERT_PROFILE_ID, chy_value_uuid(&profile_id));
    chy_query_order(&listing.query, CHY_CERT_NOT_AFTER, true);
    narrow_status(&sifting, &listing);
    CHY_TRY(run(&listing, &profile_id, &page));
    CHY_TRY(permitted.status);
    return answer(call, &page, show_short);
}
