/**
 * Operations: one request or one job, with its memory, deadline, identity and error.
 *
 * Plugins and most of core see `struct chy_op`; this is what stands behind it, and the functions of
 * the service table that need nothing else.
 */
#ifndef CHY_BASE_OP_H
#define CHY_BASE_OP_H

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/secret.h"

#include <chancery/host.h>

#include <stdatomic.h>
#include <stdbool.h>

/** "req-" and 14 letters or digits. */
#define CHY_REQUEST_ID_LEN 18
/** The longest request id and name that an operation keeps; longer ones are cut. */
#define CHY_OPERATION_TEXT_MAX 64
/** How many wrong fields an answer lists; what comes after is dropped. */
#define CHY_ISSUES_MAX 100U
/** What an operation may take unless its maker says otherwise. */
#define CHY_OPERATION_MEMORY_MAX ((size_t)16 << 20)
#define CHY_OPERATION_SECRET_MAX ((size_t)1 << 20)

struct chy_hold;

/** What an operation starts with.  Zero members have the meaning that stands beside them. */
struct chy_operation_config {
    const struct chy_host *host;    /**< required */
    const struct chy_clock *clock;  /**< NULL: the real one */
    struct chy_log *log;            /**< NULL: nothing is logged */
    struct chy_slice name;          /**< stands in log lines: "issue", "job.crl"; copied */
    struct chy_slice request_id;    /**< copied; empty: a fresh one */
    struct chy_slice instance_name; /**< of `instance`; outlives the operation */
    struct chy_instance *instance;  /**< the plugin instance it works for, or NULL */
    void *principal;                /**< who it acts for, or NULL */
    struct chy_hold *hold;          /**< what its writes depend on (plugin/storage.h), or NULL */
    int64_t deadline;               /**< µs on the monotonic clock; 0: CHY_NO_DEADLINE */
    size_t memory_max;              /**< 0: CHY_OPERATION_MEMORY_MAX */
    size_t secret_max;              /**< 0: CHY_OPERATION_SECRET_MAX */
    uint32_t flags;                 /**< enum chy_op_flag */
};

/**
 * What stands behind a struct chy_op.  Members are read by core; they are changed here only, but
 * for `principal`, `hold`, `peer`, `deadline`, `instance` and `instance_name`, which core sets as
 * it learns them.
 */
struct chy_operation {
    struct chy_op op; /**< first member */
    struct chy_arena *arena;
    struct chy_secret_arena *secrets; /**< NULL until the first secret */
    size_t memory_max;
    size_t secret_max;
    const struct chy_clock *clock;
    struct chy_log *log;
    struct chy_operation *parent; /**< of a child */
    struct chy_instance *instance;
    struct chy_slice instance_name;
    void *principal;
    struct chy_hold *hold; /**< children have their parent's */
    struct chy_slice
        peer; /**< the caller's address as text, set by http; empty: nobody's request */
    int64_t deadline;
    int64_t started; /**< µs on the monotonic clock */
    atomic_bool is_cancelled;
    bool owns_itself; /**< made by chy_operation_new(): lives in its own arena */
    uint32_t issue_count;
    uint32_t issue_size;
    struct chy_issue *issues; /**< added, not yet part of an error */
    struct chy_error error;
    bool message_is_stable; /**< error.message lies in the arena and not in `message` */
    uint8_t name_len;
    uint8_t request_id_len;
    char name[CHY_OPERATION_TEXT_MAX];
    char request_id[CHY_OPERATION_TEXT_MAX];
    char message[CHY_MESSAGE_MAX];
};

/** chy_operation_init starts an operation in the caller's storage.  CHY_NO_MEMORY is the one
 *  failure, after which there is nothing to end. */
CHY_MUST_USE chy_status chy_operation_init(struct chy_operation *operation,
                                           const struct chy_operation_config *config);
/** chy_operation_fini runs what was deferred, then frees what was allocated, secrets zeroised.  The
 *  all-zero value is fine. */
void chy_operation_fini(struct chy_operation *operation);
CHY_DEFINE_AUTO_FINI(struct chy_operation, chy_operation_fini);

/** chy_operation_new makes an operation that lives in its own arena.  NULL: out of memory. */
CHY_MUST_USE struct chy_operation *chy_operation_new(const struct chy_operation_config *config);
/** chy_operation_free ends one of chy_operation_new().  NULL is fine. */
void chy_operation_free(struct chy_operation *operation);
CHY_DEFINE_AUTO(struct chy_operation, chy_operation_free);

/** chy_operation_of finds what stands behind `op`. */
static inline struct chy_operation *chy_operation_of(struct chy_op *op)
{
    return (struct chy_operation *)op;
}

/** chy_operation_cancel tells the operation, from any thread, that nobody needs its result. */
void chy_operation_cancel(struct chy_operation *operation);

/** chy_request_id_make writes a fresh request id, without a NUL. */
void chy_request_id_make(char out[CHY_REQUEST_ID_LEN]);

/**
 * chy_op_adopt passes on what became of work in another operation: what `from` says of `status`
 * becomes what `op` says of it.  A record of something else stays where it is.  NULL: nothing.
 */
CHY_MUST_USE chy_status chy_op_adopt(struct chy_op *op, struct chy_operation *from,
                                     chy_status status);
/** chy_op_end_child does that, then ends the child. */
CHY_MUST_USE chy_status chy_op_end_child(struct chy_op *op, struct chy_op *child,
                                         chy_status status);

/** The functions of struct chy_host that need nothing but the operation. */
void *chy_op_host_alloc(struct chy_op *op, uint64_t size);
void *chy_op_host_secret_alloc(struct chy_op *op, uint64_t size);
chy_status chy_op_host_defer(struct chy_op *op, void (*fn)(void *arg), void *arg);
chy_status chy_op_host_fail(struct chy_op *op, chy_status status, int64_t native_code,
                            struct chy_slice message);
chy_status chy_op_host_fail_with(struct chy_op *op, const struct chy_error *error);
void chy_op_host_issue(struct chy_op *op, const struct chy_issue *issue);
void chy_op_host_last_error(struct chy_op *op, struct chy_error *out_error);
int64_t chy_op_host_now(struct chy_op *op);
int64_t chy_op_host_monotonic(struct chy_op *op);
int64_t chy_op_host_deadline(struct chy_op *op);
int32_t chy_op_host_cancelled(struct chy_op *op);
struct chy_slice chy_op_host_request_id(struct chy_op *op);
struct chy_op *chy_op_host_op_child(struct chy_op *op);
void chy_op_host_op_end(struct chy_op *op);
uint32_t chy_op_host_log_level(struct chy_op *op);
void chy_op_host_log(struct chy_op *op, uint32_t level, struct chy_slice event,
                     struct chy_slice message);

/** chy_op_fill_host sets struct_size, minor and the slots above, and leaves the others alone. */
void chy_op_fill_host(struct chy_host *host);

#endif
