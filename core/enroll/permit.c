#include "enroll/permit.h"

#include "base/op.h"
#include "enroll/metadata.h"
#include "plugin/view.h"
#include "resource/collections.h"
#include "x509/name.h"

static const struct chy_fact_places whole_row = {
    .profile_id = CHY_CERT_PROFILE_ID,
    .identity_id = CHY_CERT_IDENTITY_ID,
    .application_id = CHY_CERT_APPLICATION_ID,
    .common_name = CHY_CERT_COMMON_NAME,
    .names = CHY_CERT_NAMES,
    .metadata = CHY_CERT_METADATA,
    .decision = CHY_NO_FIELD,
};

/* ------------------------------------------------------------------------------------------------
 * Facts
 */

/** slug_of gives the profile's slug; a profile that is gone has none, and fulfils nothing. */
static chy_status slug_of(struct chy_runtime *runtime, struct chy_op *op, const struct chy_uuid *id,
                          struct chy_slice *out_slug)
{
    struct chy_storage_row row;
    *out_slug = chy_slice_of(NULL, 0);
    if (chy_uuid_is_nil(id)) {
        return CHY_OK;
    }
    chy_status status =
        chy_storage_read(runtime->storage, op, CHY_C_PROFILES, CHY_KEY(chy_value_uuid(id)),
                         CHY_FIELDS(CHY_PROFILE_SLUG), &row);
    if (status == CHY_OK) {
        *out_slug = chy_row_text(&row, 0);
    }
    return status == CHY_NOT_FOUND ? CHY_OK : status;
}

static bool is_common_name(struct chy_slice type)
{
    enum chy_name_type found;
    return chy_name_type_find(type, &found) && found == CHY_NAME_COMMON_NAME;
}

/** names_of gathers every name of a decision, as JSON: each common name, not the first alone, by
 *  which it is found.  A request that never came to a decision names nothing, and fulfils
 *  nothing. */
static chy_status names_of(struct chy_op *op, struct chy_slice decision, struct chy_facts *facts)
{
    json_t *said;
    facts->common_name = chy_slice_of(NULL, 0);
    if (decision.len == 0) {
        return CHY_OK;
    }
    CHY_TRY(chy_json_parse(op, decision, &said));
    const json_t *subject = json_object_get(said, "subject");
    const json_t *others = json_object_get(said, "altNames");
    struct chy_slice *names =
        chy_alloc(op, (json_array_size(subject) + json_array_size(others) + 1) * sizeof *names);
    uint64_t count = 0;
    if (names == NULL) {
        return chy_fail_memory(op);
    }
    for (size_t i = 0; i < json_array_size(subject); i++) {
        if (is_common_name(chy_json_member(json_array_get(subject, i), "type"))) {
            names[count++] = chy_json_member(json_array_get(subject, i), "value");
            facts->common_name = names[0];
        }
    }
    for (size_t i = 0; i < json_array_size(others); i++) {
        names[count++] = chy_json_member(json_array_get(others, i), "value");
    }
    facts->names = chy_view_of(names, count, sizeof *names);
    return CHY_OK;
}

/** facts_of gathers what a row says but the profile's slug, and who asked. */
static chy_status facts_of(struct chy_op *op, const struct chy_storage_row *row,
                           const struct chy_fact_places *places, struct chy_uuid *out_owner,
                           struct chy_facts *out_facts)
{
    struct chy_slice metadata = chy_row_json(row, places->metadata);
    struct chy_facts facts = {
        .common_name = chy_row_text(row, places->common_name),
        .names = {NULL, 0, sizeof(struct chy_slice)},
        .metadata = {NULL, 0, sizeof(struct chy_pair)},
    };
    if (places->decision == CHY_NO_FIELD) {
        facts.names = chy_row_many(row, places->names);
    } else {
        CHY_TRY(names_of(op, chy_row_json(row, places->decision), &facts));
    }
    if (metadata.len != 0) {
        json_t *list;
        CHY_TRY(chy_json_parse(op, metadata, &list));
        CHY_TRY(chy_metadata_read(op, list, &facts.metadata));
    }
    *out_owner = chy_row_uuid(row, places->identity_id);
    *out_facts = facts;
    return CHY_OK;
}

static chy_status all_facts_of(struct chy_runtime *runtime, struct chy_op *op,
                               const struct chy_storage_row *row,
                               const struct chy_fact_places *places, struct chy_uuid *out_owner,
                               struct chy_facts *out_facts)
{
    struct chy_uuid profile_id = chy_row_uuid(row, places->profile_id);
    CHY_TRY(facts_of(op, row, places, out_owner, out_facts));
    return slug_of(runtime, op, &profile_id, &out_facts->profile_slug);
}

chy_status chy_permit_row_facts(struct chy_call *call, const struct chy_storage_row *row,
                                struct chy_uuid *out_owner, struct chy_facts *out_facts)
{
    return all_facts_of(call->runtime, call->op, row, &whole_row, out_owner, out_facts);
}

chy_status chy_permit_stored_facts(struct chy_runtime *runtime, struct chy_op *op,
                                   const struct chy_uuid *id, struct chy_facts *out_facts)
{
    static const struct chy_fact_places places = {0, 1, 2, 3, 4, 5, CHY_NO_FIELD};
    struct chy_storage_row row;
    struct chy_uuid owner;
    CHY_TRY(chy_storage_read(runtime->storage, op, CHY_C_CERTIFICATES, CHY_KEY(chy_value_uuid(id)),
                             CHY_FIELDS(CHY_CERT_PROFILE_ID, CHY_CERT_IDENTITY_ID,
                                        CHY_CERT_APPLICATION_ID, CHY_CERT_COMMON_NAME,
                                        CHY_CERT_NAMES, CHY_CERT_METADATA),
                             &row));
    return all_facts_of(runtime, op, &row, &places, &owner, out_facts);
}

chy_status chy_permit_request_facts(struct chy_runtime *runtime, struct chy_op *op,
                                    const struct chy_uuid *id, struct chy_uuid *out_owner,
                                    struct chy_facts *out_facts)
{
    static const struct chy_fact_places places = {0, 1, 2, 3, CHY_NO_FIELD, 4, 5};
    struct chy_storage_row row;
    CHY_TRY(chy_storage_read(runtime->storage, op, CHY_C_REQUESTS, CHY_KEY(chy_value_uuid(id)),
                             CHY_FIELDS(CHY_REQUEST_PROFILE_ID, CHY_REQUEST_IDENTITY_ID,
                                        CHY_REQUEST_APPLICATION_ID, CHY_REQUEST_COMMON_NAME,
                                        CHY_REQUEST_METADATA, CHY_REQUEST_DECISION),
                             &row));
    return all_facts_of(runtime, op, &row, &places, out_owner, out_facts);
}

/* ------------------------------------------------------------------------------------------------
 * What is stored
 */

struct chy_place chy_certificate_place(const struct chy_storage_row *row)
{
    struct chy_place place = {
        .project_id = chy_row_uuid(row, CHY_CERT_PROJECT_ID),
        .application_id = chy_row_uuid(row, CHY_CERT_APPLICATION_ID),
        .owner_id = chy_row_uuid(row, CHY_CERT_IDENTITY_ID),
    };
    return place;
}

chy_status chy_permit_may(struct chy_runtime *runtime, struct chy_op *op,
                          const struct chy_storage_row *row, const char *action, bool *out_may)
{
    struct chy_place place = chy_certificate_place(row);
    struct chy_facts facts;
    *out_may = chy_may_at(op, &place, CHY_SUBJECT_CERTIFICATES, action);
    if (*out_may || !chy_may_some(op, &place.project_id, CHY_SUBJECT_CERTIFICATES, action)) {
        return CHY_OK;
    }
    CHY_TRY(all_facts_of(runtime, op, row, &whole_row, &place.owner_id, &facts));
    place.facts = &facts;
    *out_may = chy_may_at(op, &place, CHY_SUBJECT_CERTIFICATES, action);
    return CHY_OK;
}

/** refuse says no for want of a permission that some other place may have. */
static chy_status refuse(struct chy_op *op, const struct chy_uuid *project_id, const char *action)
{
    const struct chy_place nothing = {.project_id = *project_id};
    return chy_require_at(op, &nothing, CHY_SUBJECT_CERTIFICATES, action, "certificate");
}

chy_status chy_permit_require(struct chy_runtime *runtime, struct chy_op *op,
                              const struct chy_storage_row *row, const char *action)
{
    struct chy_uuid project_id = chy_row_uuid(row, CHY_CERT_PROJECT_ID);
    bool may;
    CHY_TRY(chy_permit_may(runtime, op, row, action, &may));
    return may ? CHY_OK : refuse(op, &project_id, action);
}

chy_status chy_permit_request(struct chy_runtime *runtime, struct chy_op *op,
                              const struct chy_uuid *project_id, const struct chy_storage_row *row,
                              const struct chy_fact_places *places)
{
    struct chy_place place = {.project_id = *project_id,
                              .application_id = chy_row_uuid(row, places->application_id),
                              .owner_id = chy_row_uuid(row, places->identity_id)};
    struct chy_facts facts;
    if (chy_may_at(op, &place, CHY_SUBJECT_REQUESTS, CHY_ACTION_READ)) {
        return CHY_OK;
    }
    CHY_TRY(chy_require_some(op, project_id, CHY_SUBJECT_REQUESTS, CHY_ACTION_READ,
                             "certificate request"));
    CHY_TRY(all_facts_of(runtime, op, row, places, &place.owner_id, &facts));
    place.facts = &facts;
    return chy_require_at(op, &place, CHY_SUBJECT_REQUESTS, CHY_ACTION_READ, "certificate request");
}

void chy_permit_list_init(struct chy_permit_list *list, struct chy_call *call,
                          const struct chy_fact_places *places)
{
    struct chy_held_role held = chy_principal_role(chy_principal_of(call->op), &call->project_id);
    memset(list, 0, sizeof *list);
    // Who sees applications only has the query narrowed instead.
    if (!chy_may(call->op, &call->project_id, call->kind->subject, CHY_ACTION_READ) &&
        chy_role_has(&held, call->kind->subject, CHY_ACTION_READ)) {
        list->call = call;
        list->places = places;
    }
}

chy_status chy_permit_list_start(struct chy_call *call, const struct chy_fact_places *places,
                                 struct chy_permit_list *out_list)
{
    CHY_TRY(chy_call_project_partly(call));
    chy_permit_list_init(out_list, call, places);
    return CHY_OK;
}

/** look_at decides about a row in an operation of its own: there may be thousands to look at. */
static chy_status look_at(const struct chy_permit_list *list, struct chy_op *op,
                          const struct chy_storage_row *row, struct chy_slice profile_slug,
                          bool *out_keeps)
{
    const struct chy_call *call = list->call;
    struct chy_place place = {.project_id = call->project_id,
                              .application_id = chy_row_uuid(row, list->places->application_id)};
    struct chy_facts facts;
    CHY_TRY(facts_of(op, row, list->places, &place.owner_id, &facts));
    facts.profile_slug = profile_slug;
    place.facts = &facts;
    *out_keeps = chy_may_at(call->op, &place, call->kind->subject, CHY_ACTION_READ);
    return CHY_OK;
}

static chy_status decide_row(struct chy_permit_list *list, const struct chy_storage_row *row,
                             bool *out_keeps)
{
    struct chy_call *call = list->call;
    struct chy_uuid profile_id = chy_row_uuid(row, list->places->profile_id);
    struct chy_slice slug;
    // One that is gone has none.
    CHY_TRY(chy_call_name(call, CHY_C_PROFILES, CHY_PROFILE_SLUG, &profile_id, &slug));
    struct chy_op *child = call->op->host->op_child(call->op);
    if (child == NULL) {
        return chy_fail_memory(call->op);
    }
    return chy_op_end_child(call->op, child, look_at(list, child, row, slug, out_keeps));
}

bool chy_permit_list_keeps(struct chy_permit_list *list, const struct chy_storage_row *row)
{
    bool keeps = list->call == NULL;
    if (!keeps && list->status == CHY_OK) {
        list->status = decide_row(list, row, &keeps);
    }
    return keeps && list->status == CHY_OK;
}

/* ------------------------------------------------------------------------------------------------
 * What is going to be issued
 */

chy_status chy_permit_decision_may(struct chy_op *op, struct chy_slice profile_slug,
                                   const struct chy_decision *decision,
                                   const struct chy_uuid *owner_id, const char *action,
                                   bool *out_may)
{
    struct chy_place place = {decision->project_id, decision->application_id, *owner_id, NULL};
    struct chy_facts facts = {.profile_slug = profile_slug, .metadata = decision->metadata};
    struct chy_slice said;
    *out_may = chy_may_at(op, &place, CHY_SUBJECT_CERTIFICATES, action);
    if (*out_may || !chy_may_some(op, &place.project_id, CHY_SUBJECT_CERTIFICATES, action)) {
        return CHY_OK;
    }
    CHY_TRY(chy_decision_json(op, decision, &said));
    CHY_TRY(names_of(op, said, &facts));
    place.facts = &facts;
    *out_may = chy_may_at(op, &place, CHY_SUBJECT_CERTIFICATES, action);
    return CHY_OK;
}

chy_status chy_permit_decision(struct chy_op *op, struct chy_slice profile_slug,
                               const struct chy_decision *decision, const struct chy_uuid *owner_id,
                               const char *action)
{
    bool may;
    CHY_TRY(chy_permit_decision_may(op, profile_slug, decision, owner_id, action, &may));
    return may ? CHY_OK : refuse(op, &decision->project_id, action);
}
