/**
 * Permissions that reach only some certificates: the facts that conditions are held against, read
 * only for those whose permission has conditions.
 */
#ifndef CHY_ENROLL_PERMIT_H
#define CHY_ENROLL_PERMIT_H

#include "enroll/decision.h"
#include "resource/kind.h"

/** chy_certificate_place tells where a certificate is, of a row that has every field. */
struct chy_place chy_certificate_place(const struct chy_storage_row *row);

/** Where in a row of certificates or requests the facts stand. */
struct chy_fact_places {
    uint32_t profile_id;
    uint32_t identity_id;
    uint32_t application_id;
    uint32_t common_name;
    uint32_t names;
    uint32_t metadata;
    uint32_t decision; /**< of a request, which has no `names`; CHY_NO_FIELD: of certificates */
};

/** chy_permit_row_facts is the `facts` of the kinds whose rows are certificates, all fields. */
CHY_MUST_USE chy_status chy_permit_row_facts(struct chy_call *call,
                                             const struct chy_storage_row *row,
                                             struct chy_uuid *out_owner,
                                             struct chy_facts *out_facts);

/** A list of which the caller may see some rows.  All zero: every row. */
struct chy_permit_list {
    struct chy_call *call; /**< NULL: the caller may see all of them */
    const struct chy_fact_places *places;
    chy_status status; /**< of the first row that could not be decided */
};

/** chy_permit_list_start finds the call's project and asks whether the caller may read all of its
 *  rows, or some: then `out_list` says which.  DENIED: none. */
CHY_MUST_USE chy_status chy_permit_list_start(struct chy_call *call,
                                              const struct chy_fact_places *places,
                                              struct chy_permit_list *out_list);

/** chy_permit_list_init does that where the project is known, and asked for. */
void chy_permit_list_init(struct chy_permit_list *list, struct chy_call *call,
                          const struct chy_fact_places *places);

/** chy_permit_list_keeps decides about a row; what cannot be decided is left out, and fails the
 *  list by its `status`. */
CHY_MUST_USE bool chy_permit_list_keeps(struct chy_permit_list *list,
                                        const struct chy_storage_row *row);

/** chy_permit_stored_facts reads what conditions are held against of the certificate `id`. */
CHY_MUST_USE chy_status chy_permit_stored_facts(struct chy_runtime *runtime, struct chy_op *op,
                                                const struct chy_uuid *id,
                                                struct chy_facts *out_facts);

/** chy_permit_request_facts reads what they are held against of the certificate request `id`. */
CHY_MUST_USE chy_status chy_permit_request_facts(struct chy_runtime *runtime, struct chy_op *op,
                                                 const struct chy_uuid *id,
                                                 struct chy_uuid *out_owner,
                                                 struct chy_facts *out_facts);

/** chy_permit_may tells whether the caller may do `action` to the certificate of a whole row. */
CHY_MUST_USE chy_status chy_permit_may(struct chy_runtime *runtime, struct chy_op *op,
                                       const struct chy_storage_row *row, const char *action,
                                       bool *out_may);

/** chy_permit_require is that as a status. */
CHY_MUST_USE chy_status chy_permit_require(struct chy_runtime *runtime, struct chy_op *op,
                                           const struct chy_storage_row *row, const char *action);

/** chy_permit_request asks for reading a request, of whose row `places` tell. */
CHY_MUST_USE chy_status chy_permit_request(struct chy_runtime *runtime, struct chy_op *op,
                                           const struct chy_uuid *project_id,
                                           const struct chy_storage_row *row,
                                           const struct chy_fact_places *places);

/** chy_permit_decision_may tells whether the caller may do `action` to what is going to be issued
 *  for `owner_id`. */
CHY_MUST_USE chy_status chy_permit_decision_may(struct chy_op *op, struct chy_slice profile_slug,
                                                const struct chy_decision *decision,
                                                const struct chy_uuid *owner_id, const char *action,
                                                bool *out_may);

/** chy_permit_decision is that as a status. */
CHY_MUST_USE chy_status chy_permit_decision(struct chy_op *op, struct chy_slice profile_slug,
                                            const struct chy_decision *decision,
                                            const struct chy_uuid *owner_id, const char *action);

#endif
