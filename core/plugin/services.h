/**
 * The service table that plugins are given, before `command` fills it.
 *
 * chy_services_init() fills what needs base only: memory, failing, time, operations, log, metrics.
 * The storage slots work once `storage` is set, and give an instance its own collections only; the
 * primitives come from the first provider in `crypto` that has them. Which other machines may be
 * called is decided by `outbound`. What is left NULL (enroll, renew, revoke, resource …) belongs to
 * enroll, resource and access: `command` puts their functions into `host` at start-up, before any
 * instance is created.
 */
#ifndef CHY_PLUGIN_SERVICES_H
#define CHY_PLUGIN_SERVICES_H

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/uuid.h"
#include "plugin/crypto.h"
#include "plugin/notifier.h"
#include "plugin/outbound.h"
#include "plugin/storage.h"

#include <chancery/host.h>

#define CHY_SERVICES_CRYPTO_MAX 16U
#define CHY_SERVICES_NOTIFIERS_MAX 16U

struct chy_runtime;

/**
 * A chy_sealing_key_fn finds the key that seals plugins' secrets: `id` NULL: the one of now.  The
 * key is borrowed and lives as long as the operation.
 */
typedef chy_status chy_sealing_key_fn(struct chy_op *op, const struct chy_uuid *id,
                                      struct chy_uuid *out_id, struct chy_crypto_key *out_key);

/** The table and what stands behind it.  Members are set while one thread runs. */
struct chy_services {
    struct chy_host host; /**< first member: what instances and operations are given */
    const struct chy_clock *clock;
    struct chy_log *log;
    struct chy_metrics *metrics;
    struct chy_storage *storage; /**< NULL: the storage slots answer CHY_UNSUPPORTED */
    struct chy_crypto *crypto[CHY_SERVICES_CRYPTO_MAX];
    uint32_t crypto_count;
    struct chy_runtime *runtime;     /**< of resource, which this module does not look into */
    chy_sealing_key_fn *sealing_key; /**< of seal and open; NULL: CHY_UNSUPPORTED */
    struct chy_notifier *notifiers[CHY_SERVICES_NOTIFIERS_MAX];
    uint32_t notifier_count;
    struct chy_outbound_rules outbound;
};

/** chy_services_init fills the table.  NULL: the real clock, no log, the metrics of the process. */
void chy_services_init(struct chy_services *services, const struct chy_clock *clock,
                       struct chy_log *log, struct chy_metrics *metrics);

/** chy_services_table is the table, to be filled further. */
static inline struct chy_host *chy_services_table(struct chy_services *services)
{
    return &services->host;
}

/** chy_services_of finds what stands behind the table of an operation. */
static inline struct chy_services *chy_services_of(const struct chy_host *host)
{
    // The table is handed out as const, but the object it is part of never is.
    return (struct chy_services *)(uintptr_t)host;
}

/** chy_services_add_crypto appends a provider; the first that has a primitive serves it. */
void chy_services_add_crypto(struct chy_services *services, struct chy_crypto *crypto);

/** chy_services_add_notifier appends a notifier; the first that has a channel type serves it. */
void chy_services_add_notifier(struct chy_services *services, struct chy_notifier *notifier);

/** chy_services_with_channel finds the notifier that serves a channel type.  NULL: none. */
struct chy_notifier *chy_services_with_channel(const struct chy_services *services,
                                               struct chy_slice channel_type);

/** The providers that serve a primitive, or NULL: for core's own use. */
struct chy_crypto *chy_services_with_digest(const struct chy_services *services,
                                            uint32_t algorithm);
struct chy_crypto *chy_services_with_signature(const struct chy_services *services,
                                               uint32_t algorithm);
struct chy_crypto *chy_services_with_kdf(const struct chy_services *services, uint32_t algorithm);
struct chy_crypto *chy_services_with_cipher(const struct chy_services *services,
                                            uint32_t algorithm);

#endif
