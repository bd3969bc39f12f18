/**
 * What the host does for a plugin: one append-only table, and inline wrappers that read well.
 *
 * Every operation carries the table (`op->host`).  A slot that is NULL, or that lies past
 * `struct_size`, is a service this host does not offer: the wrappers answer CHY_UNSUPPORTED.
 * The same wrappers serve the core itself, so host and plugins read alike.
 *
 * Threads: any service may be called from any thread, with an operation that this thread holds.
 *
 * Change log of this header
 *   1.0  first version
 *   1.1  outbound, outbound_address
 */
#ifndef CHANCERY_HOST_H
#define CHANCERY_HOST_H

#include <chancery/types.h>

#include <stdarg.h>
#include <stdio.h>

CHY_BEGIN_DECLS

struct chy_instance; /* the host's handle of one plugin instance, given to create() */
struct chy_storage_get;
struct chy_storage_find;
struct chy_storage_batch;
struct chy_storage_row;
struct chy_storage_page;
struct chy_storage_outcome;
struct chy_enroll_request;
struct chy_enroll_answer;
struct chy_renew_request;
struct chy_revoke_request;
struct chy_revoke_answer;
struct chy_chain_answer;
struct chy_caller_claim;

#define CHY_HOST_MINOR 1U

/** CHY_NO_DEADLINE is a deadline that never comes. */
#define CHY_NO_DEADLINE INT64_MAX

enum chy_log_level {
    CHY_LOG_ERROR = 0,   /**< someone must act */
    CHY_LOG_WARNING = 1, /**< we went on; the message says what was ignored or is tried again */
    CHY_LOG_INFO = 2,    /**< a change of state */
    CHY_LOG_DEBUG = 3    /**< off in production */
};

/** What the resource service is asked to do. */
struct chy_resource_call {
    uint32_t struct_size;
    uint32_t reserved;
    struct chy_slice kind; /**< "certificate-profiles", "projects", "certificate-authorities" … */
    struct chy_slice action; /**< "create", "list", "get", "update", "delete", or the kind's own */
    struct chy_slice id;     /**< the object meant: uuid text, or empty */
    struct chy_slice
        document; /**< JSON object: body, or query parameters as strings; may be empty */
};
CHY_ABI_SIZE(struct chy_resource_call, 72);

/** What it answers. */
struct chy_resource_answer {
    uint32_t struct_size;
    uint32_t flags;              /**< CHY_RESOURCE_SECRET */
    struct chy_slice document;   /**< lives in the secret arena when the flag says so */
    struct chy_slice media_type; /**< of the document: "application/json", or what it is else */
    struct chy_slice file_name;  /**< under which people keep it; empty: it is no file */
};
CHY_ABI_SIZE(struct chy_resource_answer, 56);

enum chy_resource_flag {
    CHY_RESOURCE_SECRET = 1U << 0 /**< the document holds a secret: answer with no-store, zeroise */
};

/** What the configuration says of calls to other machines. */
struct chy_outbound {
    uint32_t struct_size;
    uint32_t reserved;
    struct chy_slice ca_file; /**< PEM, the CAs that receivers' certificates come from; a path that
                                   is NUL-terminated past its length; empty: the system's */
};
CHY_ABI_SIZE(struct chy_outbound, 24);

/** Where a plugin is about to connect to. */
struct chy_outbound_address {
    uint32_t struct_size;
    uint32_t port;
    struct chy_slice address; /**< 4 or 16 bytes, network order */
};
CHY_ABI_SIZE(struct chy_outbound_address, 24);

struct chy_host {
    uint32_t struct_size;
    uint32_t minor; /**< CHY_HOST_MINOR of the host */

    /* --- memory --------------------------------------------------------------------------------*/

    /** Zeroed memory, aligned for any type, until the operation ends.  NULL at its ceiling. */
    void *(*alloc)(struct chy_op *op, uint64_t size);
    /**
     * The same from the secret arena: locked, not in core dumps, zeroised when the operation ends.
     */
    void *(*secret_alloc)(struct chy_op *op, uint64_t size);
    /** Runs fn(arg) when the operation ends, newest first.  Not OK: not registered, still yours. */
    chy_status (*defer)(struct chy_op *op, void (*fn)(void *arg), void *arg);

    /* --- failing -------------------------------------------------------------------------------*/

    /** Records why `op` failed and returns `status`.  Never allocates beyond the operation. */
    chy_status (*fail)(struct chy_op *op, chy_status status, int64_t native_code,
                       struct chy_slice message);
    /** Records a whole error (copied) and returns error->status. */
    chy_status (*fail_with)(struct chy_op *op, const struct chy_error *error);
    /** Adds a wrong field to the error to come: the next fail_with() with
     *  CHY_REASON_VALIDATION and no issues of its own carries all that were added. */
    void (*issue)(struct chy_op *op, const struct chy_issue *issue);
    /** The last failure.  Views live as long as the operation. */
    void (*last_error)(struct chy_op *op, struct chy_error *out_error);

    /* --- time and identity ---------------------------------------------------------------------*/

    int64_t (*now)(struct chy_op *op);       /**< wall clock, µs UTC; tests move it */
    int64_t (*monotonic)(struct chy_op *op); /**< µs, never goes back */
    int64_t (*deadline)(struct chy_op *op);  /**< µs on the monotonic clock, or CHY_NO_DEADLINE */
    int32_t (*cancelled)(struct chy_op *op); /**< not 0: nobody needs the result, stop soon */
    struct chy_slice (*request_id)(struct chy_op *op);

    /* --- operations of a plugin's own threads --------------------------------------------------*/

    /** A new operation for a thread of `instance`, or NULL when out of memory.
     *  `name` stands in its log lines; `deadline` is on the monotonic clock. */
    struct chy_op *(*op_begin)(struct chy_instance *instance, struct chy_slice name,
                               int64_t deadline);
    /** An operation with memory of its own for one page of a long job.  Ends before its parent. */
    struct chy_op *(*op_child)(struct chy_op *op);
    void (*op_end)(struct chy_op *op); /**< NULL is fine */

    /* --- seeing --------------------------------------------------------------------------------*/

    uint32_t (*log_level)(struct chy_op *op); /**< the least urgent level that is written */
    /** `event` is a fixed word ("store.reconnected"); `message` is text for people, no secrets. */
    void (*log)(struct chy_op *op, uint32_t level, struct chy_slice event,
                struct chy_slice message);
    /**
     * Adds to a counter.  `name` is snake_case without prefix; `label` is `key="value"` or empty.
     */
    void (*count)(struct chy_instance *instance, struct chy_slice name, struct chy_slice label,
                  int64_t delta);
    /** Sets a gauge. */
    void (*gauge)(struct chy_instance *instance, struct chy_slice name, struct chy_slice label,
                  int64_t value);

    /* --- storage: the instance's own collections only ------------------------------------------*/

    /** The number by which get, find and write name a collection that this instance declared. */
    chy_status (*collection)(struct chy_instance *instance, struct chy_slice name,
                             uint32_t *out_collection);
    chy_status (*storage_get)(struct chy_op *op, const struct chy_storage_get *get,
                              struct chy_storage_row *out_row);
    chy_status (*storage_find)(struct chy_op *op, const struct chy_storage_find *find,
                               struct chy_storage_page *out_page);
    chy_status (*storage_write)(struct chy_op *op, const struct chy_storage_batch *batch,
                                struct chy_storage_outcome *out_outcome);

    /* --- primitives, of the first provider that has them (crypto.h names the algorithms) -------*/

    chy_status (*random)(struct chy_op *op, struct chy_buffer out);
    chy_status (*digest)(struct chy_op *op, uint32_t algorithm, struct chy_slice message,
                         struct chy_slice *out_digest);
    chy_status (*hmac)(struct chy_op *op, uint32_t algorithm, struct chy_slice key,
                       struct chy_slice message, struct chy_slice *out_mac);
    /** OK: the signature holds.  BAD_INPUT: it does not, or the key is unfit (crypto.h). */
    chy_status (*verify)(struct chy_op *op, struct chy_slice spki, uint32_t algorithm,
                         struct chy_slice message, struct chy_slice signature);
    /** Seals a secret of the instance; `aad` names the row and field it belongs to. */
    chy_status (*seal)(struct chy_op *op, struct chy_slice aad, struct chy_slice secret,
                       struct chy_slice *out_sealed);
    /** Opens what seal() made with the same `aad`.  The result lives in the secret arena. */
    chy_status (*open)(struct chy_op *op, struct chy_slice aad, struct chy_slice sealed,
                       struct chy_slice *out_secret);

    /* --- enrollment: typed, for the hot path (enrollment.h) ------------------------------------*/

    /** Tells core who the caller is, proved by the plugin's own means (CHY_AUTH_METHOD routes).
     *  Core resolves the principal, and the operation acts for it from then on. */
    chy_status (*authenticate)(struct chy_op *op, const struct chy_caller_claim *claim);
    chy_status (*enroll)(struct chy_op *op, const struct chy_enroll_request *request,
                         struct chy_enroll_answer *out_answer);
    /** What became of the request `id` (uuid text). */
    chy_status (*request_status)(struct chy_op *op, struct chy_slice id,
                                 struct chy_enroll_answer *out_answer);
    chy_status (*renew)(struct chy_op *op, const struct chy_renew_request *request,
                        struct chy_enroll_answer *out_answer);
    chy_status (*revoke)(struct chy_op *op, const struct chy_revoke_request *request,
                         struct chy_revoke_answer *out_answer);
    /** The CA certificates of a profile's issuer (uuid text), issuing CA first. */
    chy_status (*chain)(struct chy_op *op, struct chy_slice profile_id,
                        struct chy_chain_answer *out_answer);
    /**
     * The current CRL, DER, of a key generation (uuid text) and shard; `delta` not 0: the delta.
     */
    chy_status (*crl)(struct chy_op *op, struct chy_slice generation_id, uint32_t shard,
                      uint32_t delta, struct chy_slice *out_der);
    /** Answers a DER OCSPRequest for a key generation (RFC 6960) with a DER OCSPResponse. */
    chy_status (*ocsp)(struct chy_op *op, struct chy_slice generation_id, struct chy_slice request,
                       struct chy_slice *out_response);

    /* --- management ----------------------------------------------------------------------------*/

    chy_status (*resource)(struct chy_op *op, const struct chy_resource_call *call,
                           struct chy_resource_answer *out_answer);

    /* --- calling other machines ----------------------------------------------------------------*/

    /** What the configuration says of that (section `outbound`). */
    chy_status (*outbound)(struct chy_op *op, struct chy_outbound *out_outbound);
    /**
     * May this address be connected to, for somebody who is not to be trusted?  Ask with the
     * address that the socket is going to get, not with one that a name had a moment ago.  DENIED,
     * with a message for people: it is this machine's own, private, link-local, multicast, reserved
     * or a metadata service's, and `outbound.allow` lists no network that has it.
     */
    chy_status (*outbound_address)(struct chy_op *op, const struct chy_outbound_address *address);
};
CHY_ABI_SIZE(struct chy_host, 328);
CHY_ABI_OFFSET(struct chy_host, storage_get, 168);

/** CHY_HOST_HAS: does the host of `op` offer `service`? */
#define CHY_HOST_HAS(op, service) \
    (CHY_HAS((op)->host, struct chy_host, service) && (op)->host->service != NULL)

/** CHY_TRY leaves the enclosing function with the same status if `expression` failed. */
#define CHY_TRY(expression)                    \
    do {                                       \
        chy_status chy_status_ = (expression); \
        if (chy_status_ != CHY_OK) {           \
            return chy_status_;                \
        }                                      \
    } while (0)

/* ------------------------------------------------------------------------------------------------
 * Wrappers
 */

static inline void *chy_alloc(struct chy_op *op, uint64_t size)
{
    return op->host->alloc(op, size);
}

static inline void *chy_secret_alloc(struct chy_op *op, uint64_t size)
{
    return op->host->secret_alloc(op, size);
}

static inline chy_status chy_defer(struct chy_op *op, void (*fn)(void *arg), void *arg)
{
    return op->host->defer(op, fn, arg);
}

/** The longest message that chy_fail() and chy_log() format; longer ones are cut. */
#define CHY_MESSAGE_MAX 512

/** chy_fail records why `op` failed and returns `status`, so that a failing branch is one line. */
static inline chy_status chy_fail(struct chy_op *op, chy_status status, int64_t native_code,
                                  const char *format, ...) CHY_PRINTF(4, 5);
static inline chy_status chy_fail(struct chy_op *op, chy_status status, int64_t native_code,
                                  const char *format, ...)
{
    char text[CHY_MESSAGE_MAX];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    status = status == CHY_OK ? (chy_status)CHY_BROKEN : status; // CHY_OK is no failure
    (void)op->host->fail(op, status, native_code, chy_text(text));
    return status;
}

/** chy_fail_reason is chy_fail with a reason instead of a foreign code. */
static inline chy_status chy_fail_reason(struct chy_op *op, chy_status status,
                                         enum chy_reason reason, const char *format, ...)
    CHY_PRINTF(4, 5);
static inline chy_status chy_fail_reason(struct chy_op *op, chy_status status,
                                         enum chy_reason reason, const char *format, ...)
{
    char text[CHY_MESSAGE_MAX];
    struct chy_error error;
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    status = status == CHY_OK ? (chy_status)CHY_BROKEN : status; // CHY_OK is no failure
    memset(&error, 0, sizeof error);
    error.struct_size = (uint32_t)sizeof error;
    error.status = status;
    error.reason = (uint32_t)reason;
    error.message = chy_text(text);
    (void)op->host->fail_with(op, &error);
    return status;
}

/** chy_fail_memory is what to return when chy_alloc() gave NULL. */
static inline chy_status chy_fail_memory(struct chy_op *op)
{
    (void)op->host->fail(op, CHY_NO_MEMORY, 0,
                         chy_text("the memory limit of the operation was reached"));
    return CHY_NO_MEMORY;
}

static inline int64_t chy_now(struct chy_op *op)
{
    return op->host->now(op);
}

static inline int64_t chy_monotonic(struct chy_op *op)
{
    return op->host->monotonic(op);
}

static inline int64_t chy_deadline(struct chy_op *op)
{
    return op->host->deadline(op);
}

static inline int32_t chy_cancelled(struct chy_op *op)
{
    return op->host->cancelled(op);
}

/** chy_log writes one line; the formatter is not called when the level is off. */
static inline void chy_log(struct chy_op *op, enum chy_log_level level, const char *event,
                           const char *format, ...) CHY_PRINTF(4, 5);
static inline void chy_log(struct chy_op *op, enum chy_log_level level, const char *event,
                           const char *format, ...)
{
    char text[CHY_MESSAGE_MAX];
    va_list arguments;
    if ((uint32_t)level > op->host->log_level(op)) {
        return;
    }
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    op->host->log(op, (uint32_t)level, chy_text(event), chy_text(text));
}

#define chy_log_error(op, event, ...) chy_log((op), CHY_LOG_ERROR, (event), __VA_ARGS__)
#define chy_log_warning(op, event, ...) chy_log((op), CHY_LOG_WARNING, (event), __VA_ARGS__)
#define chy_log_info(op, event, ...) chy_log((op), CHY_LOG_INFO, (event), __VA_ARGS__)
#define chy_log_debug(op, event, ...) chy_log((op), CHY_LOG_DEBUG, (event), __VA_ARGS__)

/** chy_copy puts a copy of `slice`, NUL-terminated past its length, into the operation's arena. */
static inline chy_status chy_copy(struct chy_op *op, struct chy_slice slice,
                                  struct chy_slice *out_copy)
{
    uint8_t *copy = (uint8_t *)chy_alloc(op, slice.len + 1);
    if (copy == NULL) {
        return chy_fail_memory(op);
    }
    if (slice.len != 0) {
        memcpy(copy, slice.ptr, (size_t)slice.len);
    }
    *out_copy = chy_slice_of(copy, slice.len);
    return CHY_OK;
}

static inline chy_status chy_missing_service(struct chy_op *op, const char *service)
{
    return chy_fail(op, CHY_UNSUPPORTED, 0, "this host does not offer the service '%s'", service);
}

static inline chy_status chy_random(struct chy_op *op, struct chy_buffer out)
{
    return CHY_HOST_HAS(op, random) ? op->host->random(op, out) : chy_missing_service(op, "random");
}

static inline chy_status chy_resource(struct chy_op *op, const struct chy_resource_call *call,
                                      struct chy_resource_answer *out_answer)
{
    return CHY_HOST_HAS(op, resource) ? op->host->resource(op, call, out_answer)
                                      : chy_missing_service(op, "resource");
}

static inline chy_status chy_enroll(struct chy_op *op, const struct chy_enroll_request *request,
                                    struct chy_enroll_answer *out_answer)
{
    return CHY_HOST_HAS(op, enroll) ? op->host->enroll(op, request, out_answer)
                                    : chy_missing_service(op, "enroll");
}

static inline chy_status chy_request_status(struct chy_op *op, struct chy_slice id,
                                            struct chy_enroll_answer *out_answer)
{
    return CHY_HOST_HAS(op, request_status) ? op->host->request_status(op, id, out_answer)
                                            : chy_missing_service(op, "request_status");
}

static inline chy_status chy_renew(struct chy_op *op, const struct chy_renew_request *request,
                                   struct chy_enroll_answer *out_answer)
{
    return CHY_HOST_HAS(op, renew) ? op->host->renew(op, request, out_answer)
                                   : chy_missing_service(op, "renew");
}

static inline chy_status chy_revoke(struct chy_op *op, const struct chy_revoke_request *request,
                                    struct chy_revoke_answer *out_answer)
{
    return CHY_HOST_HAS(op, revoke) ? op->host->revoke(op, request, out_answer)
                                    : chy_missing_service(op, "revoke");
}

static inline chy_status chy_chain(struct chy_op *op, struct chy_slice profile_id,
                                   struct chy_chain_answer *out_answer)
{
    return CHY_HOST_HAS(op, chain) ? op->host->chain(op, profile_id, out_answer)
                                   : chy_missing_service(op, "chain");
}

static inline chy_status chy_crl(struct chy_op *op, struct chy_slice generation_id, uint32_t shard,
                                 uint32_t delta, struct chy_slice *out_der)
{
    return CHY_HOST_HAS(op, crl) ? op->host->crl(op, generation_id, shard, delta, out_der)
                                 : chy_missing_service(op, "crl");
}

static inline chy_status chy_ocsp(struct chy_op *op, struct chy_slice generation_id,
                                  struct chy_slice request, struct chy_slice *out_response)
{
    return CHY_HOST_HAS(op, ocsp) ? op->host->ocsp(op, generation_id, request, out_response)
                                  : chy_missing_service(op, "ocsp");
}

static inline chy_status chy_outbound_get(struct chy_op *op, struct chy_outbound *out_outbound)
{
    return CHY_HOST_HAS(op, outbound) ? op->host->outbound(op, out_outbound)
                                      : chy_missing_service(op, "outbound");
}

static inline chy_status chy_outbound_check(struct chy_op *op,
                                            const struct chy_outbound_address *address)
{
    return CHY_HOST_HAS(op, outbound_address) ? op->host->outbound_address(op, address)
                                              : chy_missing_service(op, "outbound_address");
}

CHY_END_DECLS

#endif
