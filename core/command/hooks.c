#include "command/hooks.h"

#include "access/token.h"
#include "base/metrics.h"
#include "resource/audit.h"
#include "resource/json.h"
#include "resource/principal.h"
#include "resource/shape.h"

static chy_status authenticate(void *context, struct chy_op *op, const struct chy_route *route,
                               struct chy_slice token, const struct chy_http_request *request)
{
    struct chy_assembly *a = context;
    chy_status status = chy_access_authenticate(&a->runtime, op, token, request->peer);
    if (status == CHY_DENIED) {
        chy_audit_refusal(&a->runtime, op, "authenticate", "routes", route->operation, NULL);
    }
    return status;
}

static bool caller(void *context, struct chy_op *op, uint8_t out_id[16])
{
    const struct chy_principal *principal = chy_principal_of(op);
    (void)context;
    if (principal == NULL) {
        return false;
    }
    memcpy(out_id, principal->id.bytes, sizeof principal->id.bytes);
    return true;
}

/**
 * The first gate: who has the permission nowhere is told so before a body is looked at.  Whether
 * the role in the right project has it is for the service to ask.
 */
static chy_status authorise(void *context, struct chy_op *op, struct chy_slice subject,
                            struct chy_slice action)
{
    struct chy_assembly *a = context;
    const struct chy_principal *principal = chy_principal_of(op);
    struct chy_slice subject_text;
    struct chy_slice action_text;
    CHY_TRY(chy_copy(op, subject, &subject_text));
    CHY_TRY(chy_copy(op, action, &action_text));
    const char *subject_word = (const char *)subject_text.ptr;
    const char *action_word = (const char *)action_text.ptr;
    if (chy_may_anywhere(op, subject_word, action_word)) {
        return CHY_OK;
    }
    chy_status status = chy_require(op, NULL, subject_word, action_word, "route");
    if (status != CHY_OK) {
        // Which project was meant stands in a body that nobody read: whoever has one, meant that.
        bool has_one = principal != NULL && principal->membership_count == 1;
        chy_audit_refusal(&a->runtime, op, "authorise", subject_word, action,
                          has_one ? &principal->memberships[0].project_id : NULL);
    }
    return status;
}

static void free_shape(void *shape)
{
    chy_shape_free(shape);
}

static chy_status prepare_schema(void *context, struct chy_op *op, struct chy_slice schema,
                                 void **out_schema)
{
    struct chy_assembly *a = context;
    struct chy_shape *shape;
    CHY_TRY(chy_shape_new(op, schema, "a route", &shape));
    // The program's own operation ends after the server is gone.
    chy_status status = chy_defer(a->cli->op, free_shape, shape);
    if (status != CHY_OK) {
        chy_shape_free(shape);
        return status;
    }
    *out_schema = shape;
    return CHY_OK;
}

static chy_status check_body(void *context, struct chy_op *op, const struct chy_route *route,
                             const void *schema, struct chy_slice body)
{
    json_t *document;
    (void)context;
    (void)route;
    CHY_TRY(chy_json_read(op, body, &document));
    chy_status status = chy_shape_check(op, schema, document);
    json_decref(document);
    return status;
}

static chy_status ready(void *context, struct chy_op *op)
{
    struct chy_assembly *a = context;
    CHY_TRY(chy_storage_health(a->runtime.storage, op));
    CHY_TRY(chy_storage_takes_writes(a->runtime.storage, op));
    for (size_t i = 0; i < a->prepared.count; i++) {
        if (a->cryptos[i] != NULL) {
            CHY_TRY(chy_crypto_health(a->cryptos[i], op));
        }
    }
    return CHY_OK;
}

static void gather(void *context)
{
    struct chy_assembly *a = context;
    struct chy_permits_stats stats;
    chy_permits_stats(a->runtime.cpu, &stats);
    struct chy_metrics *metrics = chy_metrics_process();
    chy_metrics_gauge(metrics, chy_text("cpu_permits_taken"), chy_slice_of(NULL, 0), stats.taken);
    chy_metrics_gauge(metrics, chy_text("cpu_permits_waiting"), chy_slice_of(NULL, 0),
                      stats.waiting);
}

struct chy_http_hooks chy_hooks_of(struct chy_assembly *assembly)
{
    struct chy_http_hooks hooks = {
        .context = assembly,
        .authenticate = authenticate,
        .caller = caller,
        .authorise = authorise,
        .prepare_schema = prepare_schema,
        .check_body = check_body,
        .ready = ready,
        .gather = gather,
    };
    return hooks;
}
