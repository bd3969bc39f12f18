/**
 * What a running instance of Chancery is made of, as resource, access and enroll see it.
 *
 * `command` puts it together at start-up; from then on it is read by any thread.
 */
#ifndef CHY_RESOURCE_RUNTIME_H
#define CHY_RESOURCE_RUNTIME_H

#include "base/permits.h"
#include "plugin/batch.h"
#include "plugin/crypto.h"
#include "plugin/services.h"
#include "plugin/storage.h"

struct chy_alert_tests;
struct chy_audit;
struct chy_cache;
struct chy_clock_guard;
struct chy_crls;
struct chy_keyring;
struct chy_kinds;
struct chy_ocsp;
struct chy_shards;

/** The `pki` section of the configuration. */
struct chy_pki_settings {
    struct chy_slice public_url;  /**< "http://pki.example.com", without a slash at its end */
    int64_t backdate;             /**< µs that notBefore lies in the past */
    int64_t crl_lifetime;         /**< µs */
    int64_t delta_lifetime;       /**< µs; 0: CRLs name no delta */
    struct chy_slice crl_dir;     /**< where CRLs are written as files; empty: nowhere */
    int64_t ocsp_lifetime;        /**< µs that an OCSP answer is good for */
    int64_t ocsp_signing_rate;    /**< OCSP answers signed a second, at most */
    int64_t shard_size;           /**< certificates a CRL shard takes */
    int64_t clock_back_tolerance; /**< µs that the clock may fall behind what it showed */
};

/** What hashing a new password costs: of Argon2id. */
struct chy_password_cost {
    uint32_t memory; /**< KiB */
    uint32_t passes;
    uint32_t lanes;
};

/** The `access` section: how long people stay logged in, in µs; and what their passwords cost. */
struct chy_access_settings {
    int64_t session_ttl;
    int64_t session_max_ttl; /**< renewing goes no further */
    struct chy_password_cost password_cost;
};

/** The `alerts` section. */
struct chy_alert_settings {
    int64_t give_up_after; /**< µs after which a delivery that fails again and again is given up */
};

/** What an enrollment plugin said of its method, as profiles see it. */
struct chy_method {
    struct chy_slice name;   /**< "api" */
    struct chy_view options; /**< of struct chy_option: what a profile may set */
};

#define CHY_METHODS_MAX 16U

struct chy_runtime {
    struct chy_services *services;
    struct chy_storage *storage;
    struct chy_crypto *ca_crypto;   /**< role `ca`: makes and holds CA keys */
    struct chy_crypto *leaf_crypto; /**< role `leaf`: keys made for requesters; also verifies */
    struct chy_crypto *seal_crypto; /**< role `seal`: holds the KEK */
    struct chy_keyring *keyring;
    struct chy_cache *cache;
    struct chy_audit *audit; /**< resource/audit_chain.h; NULL: no blocks are closed */
    struct chy_kinds *kinds;
    struct chy_clock_guard *clock_guard; /**< enroll: a clock that went back does not sign */
    struct chy_shards *shards;           /**< enroll: places on CRLs that this node reserved */
    struct chy_crls *crls;               /**< enroll: CRLs that this node served */
    struct chy_ocsp *ocsp;               /**< enroll: the OCSP responder */
    struct chy_alert_tests *alert_tests; /**< alert: how many tests of channels there were */
    struct chy_permits *cpu;       /**< taken for signing and verifying, never held across I/O */
    struct chy_permits *passwords; /**< taken for hashing a password, which needs much memory */
    struct chy_slice node;         /**< this process among all that ever shared the database */
    int64_t audit_keep;            /**< µs that rows of the audit are kept; 0: for ever */
    struct chy_slice machine;      /**< its machine's name: what is only counted goes by it */
    struct chy_pki_settings pki;
    struct chy_access_settings access;
    struct chy_alert_settings alerts;
    struct chy_method methods[CHY_METHODS_MAX];
    uint32_t method_count;
};

/** chy_runtime_new_uuid makes a time-ordered id (RFC 9562 5.7). */
CHY_MUST_USE chy_status chy_runtime_new_uuid(struct chy_runtime *runtime, struct chy_op *op,
                                             struct chy_uuid *out_uuid);

/** chy_runtime_commit is chy_batch_commit, after which this node sees what it wrote: a batch that
 *  touches a watched collection empties the cache. */
CHY_MUST_USE chy_status chy_runtime_commit(struct chy_runtime *runtime, struct chy_batch *batch,
                                           struct chy_storage_outcome *out_outcome);

/**
 * chy_runtime_bump lets a batch end what is cached although it touches no watched collection:
 * tokens, which come and go too often to be watched.
 */
void chy_runtime_bump(struct chy_batch *batch);

/** chy_runtime_method finds an enrollment method by name, in any case; NULL: none. */
const struct chy_method *chy_runtime_method(const struct chy_runtime *runtime,
                                            struct chy_slice name);

#endif
