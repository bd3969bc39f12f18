#include "enroll/certificate_serial.h"

#include "enroll/certificate.h"
#include "enroll/certificate_edit.h"
#include "enroll/certificate_find.h"
#include "enroll/revoke.h"
#include "resource/collections.h"

/** by_serial finds the certificate and does what the same action does by id. */
static chy_status by_serial(struct chy_call *call)
{
    const struct chy_kind *kind = &chy_kind_certificate;
    CHY_TRY(chy_certificate_find(call->runtime, call->op, call->id_text, &call->id));
    for (size_t i = 0; i < kind->action_count; i++) {
        if (strcmp(kind->actions[i].name, call->action->name) == 0) {
            call->kind = kind;
            call->action = &kind->actions[i];
            CHY_TRY(chy_uuid_text(call->op, &call->id, &call->id_text));
            return kind->actions[i].run(call);
        }
    }
    return chy_fail(call->op, CHY_BROKEN, 0, "certificates have no action '%s'",
                    call->action->name);
}

static const struct chy_action actions[] = {
    {"get", CHY_ACTION_READ, 0, NULL, by_serial},
    {"certificate", CHY_ACTION_READ, 0, NULL, by_serial},
    {"bundle", CHY_ACTION_READ, 0, NULL, by_serial},
    {"private-key", CHY_ACTION_READ_PRIVATE_KEY, 0, NULL, by_serial},
    {"pkcs12", CHY_ACTION_READ_PRIVATE_KEY, 0, chy_certificate_pkcs12_shape, by_serial},
    {"revoke", NULL, 0, CHY_REVOKE_SHAPE, by_serial},
    {"delete", CHY_ACTION_DELETE, 0, NULL, by_serial},
};

const struct chy_kind chy_kind_certificate_by_serial = {
    .name = "certificates-by-serial",
    .what = "certificate",
    .subject = CHY_SUBJECT_CERTIFICATES,
    .audit = "certificate",
    .collection = CHY_C_CERTIFICATES,
    .id_field = CHY_CERT_ID,
    .project_field = CHY_CERT_PROJECT_ID,
    .search_field = CHY_NO_FIELD,
    .created_field = CHY_CERT_CREATED_AT,
    .updated_field = CHY_CERT_UPDATED_AT,
    .actions = actions,
    .action_count = CHY_COUNT_OF(actions),
    .like = &chy_kind_certificate,
};
