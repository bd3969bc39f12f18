/* A whole enrollment method: POST a PKCS#10 request, get the certificate and its chain. */
#include <chancery/enrollment.h>
#include <chancery/plugin.h>

#include <stdlib.h>
#include <string.h>

/* --- names: to make the plugin yours, change these and `name` in CMakeLists.txt -------- */

#define NAME "template"   /* the plugin's: as the file is called, and the configuration */
#define METHOD "template" /* the `enrollmentType` of profiles, and the first part of the route */

/* --- options: what the configuration may say, checked before create() sees it ----------------- */

enum {
    OPTION_OMIT_ROOT
};

static const struct chy_option options[] = {
    {
        .name = CHY_TEXT_INIT("omit_root"),
        .type = CHY_OPTION_BOOL,
        .default_text = CHY_TEXT_INIT("true"),
        .help = CHY_TEXT_INIT("leave the self-signed root out of the chain"),
    },
};

struct template_plugin {
    int omit_root;
};

/* --- the route -------------------------------------------------------------------------------- */

#define CHAIN_TYPE "application/pem-certificate-chain"

static struct chy_slice parameter(const struct chy_http_request *request, const char *name)
{
    for (uint64_t i = 0; i < request->parameters.count; i++) {
        const struct chy_pair *pair = chy_view_at(request->parameters, i);
        if (chy_slice_is(pair->name, name)) {
            return pair->value;
        }
    }
    return chy_slice_of(NULL, 0);
}

/* Puts `first` and `second` together; what is returned lives as long as the operation. */
static chy_status join(struct chy_op *op, struct chy_slice first, struct chy_slice second,
                       struct chy_slice *out_both)
{
    uint8_t *both = chy_alloc(op, first.len + second.len);
    if (both == NULL) {
        return chy_fail_memory(op);
    }
    memcpy(both, first.ptr, (size_t)first.len);
    if (second.len != 0) {
        memcpy(both + first.len, second.ptr, (size_t)second.len);
    }
    *out_both = chy_slice_of(both, first.len + second.len);
    return CHY_OK;
}

static chy_status issue(void *self, struct chy_op *op, const struct chy_route *route,
                        const struct chy_http_request *http, struct chy_http_answer *out_answer)
{
    const struct template_plugin *plugin = self;
    (void)route;
    struct chy_enroll_request request = {
        .struct_size = sizeof request,
        .flags = plugin->omit_root ? CHY_ENROLL_REMOVE_ROOTS : 0,
        .method = CHY_TEXT_INIT(METHOD),
        .profile_id = parameter(http, "profileId"),
        .csr = http->body,
        .path_length = -1,
    };
    struct chy_enroll_answer answer = {.struct_size = sizeof answer};

    /* Policy, signing, storing and the audit are core's; a failure carries its own reason. */
    CHY_TRY(chy_enroll(op, &request, &answer));

    if (answer.state != CHY_ENROLL_ISSUED) {
        chy_log_info(op, "template.waiting", "a request waits");
        out_answer->status = 202;
        out_answer->media_type = chy_text("text/plain");
        out_answer->body = answer.request_id;
        return CHY_OK;
    }
    out_answer->media_type = chy_text(CHAIN_TYPE);
    return join(op, answer.certificate_pem, answer.chain_pem, &out_answer->body);
}

static const struct chy_slice csr_types[] = {
    CHY_TEXT_INIT("application/pkcs10"),
    CHY_TEXT_INIT("application/x-pem-file"),
};

/* The answer is no JSON: /api/openapi.json says what it is instead. */
static const struct chy_slice chain_types[] = {
    CHY_TEXT_INIT(CHAIN_TYPE),
};

static const struct chy_route routes[] = {
    {
        .method = CHY_TEXT_INIT("POST"),
        .pattern = CHY_TEXT_INIT("/" METHOD "/profiles/{profileId}/certificates"),
        .operation = CHY_TEXT_INIT("templateIssueCertificate"),
        .summary = CHY_TEXT_INIT("Issue a certificate for a PKCS#10 request"),
        .auth = CHY_AUTH_BEARER, /* any principal: core's enroll asks for the permission */
        .body_limit = 16384,
        .media_types = CHY_VIEW_INIT(csr_types),
        .handle = issue,
        .answer_types = CHY_VIEW_INIT(chain_types),
    },
};

static const struct chy_enrollment_ops enrollment = {
    .method = CHY_TEXT_INIT(METHOD),
    .method_summary = CHY_TEXT_INIT("A PKCS#10 request in, a certificate out"),
    .routes = CHY_VIEW_INIT(routes),
};

/* --- life cycle ------------------------------------------------------------------------------- */

static chy_status create(const struct chy_host *host, struct chy_instance *instance,
                         struct chy_op *op, const struct chy_options *given, void **out_self)
{
    (void)host;
    (void)instance;
    struct template_plugin *plugin = calloc(1, sizeof *plugin);
    if (plugin == NULL) {
        return chy_fail(op, CHY_NO_MEMORY, 0, "no memory for the plugin");
    }
    plugin->omit_root = chy_option_at(given, OPTION_OMIT_ROOT)->number != 0;
    *out_self = plugin;
    return CHY_OK;
}

static chy_status start(void *self, struct chy_op *op)
{
    (void)self;
    (void)op;
    return CHY_OK;
}

static chy_status drain(void *self, struct chy_op *op)
{
    (void)self;
    (void)op;
    return CHY_OK;
}

static void stop(void *self, struct chy_op *op)
{
    (void)self;
    (void)op;
}

static void destroy(void *self)
{
    free(self);
}

/* --- the descriptor --------------------------------------------------------------------------- */

static const struct chy_interface interfaces[] = {
    {
        .id = CHY_INTERFACE_ENROLLMENT,
        .minor = CHY_ENROLLMENT_MINOR,
        .ops_size = sizeof enrollment,
        .ops = &enrollment,
    },
};

static const struct chy_plugin descriptor = {
    .struct_size = sizeof descriptor,
    .name = CHY_TEXT_INIT(NAME),
    .version = CHY_TEXT_INIT("1.0.0"),
    .licence = CHY_TEXT_INIT("Apache-2.0"),
    .summary = CHY_TEXT_INIT("An enrollment method to start from"),
    .threading = CHY_THREADS_MANY,
    .options = CHY_VIEW_INIT(options),
    .interfaces = CHY_VIEW_INIT(interfaces),
    .create = create,
    .start = start,
    .drain = drain,
    .stop = stop,
    .destroy = destroy,
};

const struct chy_plugin *chancery_plugin_v1(void)
{
    return &descriptor;
}
