/**
 * The keys that seal keys, and the keys of MACs.
 *
 * One master key (KEK, resource/kek.h), which never lies in the database, seals data keys: one for
 * each project and month, and one a month for what belongs to the instance itself.  A data key
 * seals private keys and secrets.  Each blob is bound to its row: collection, row id, field,
 * project, the key's SPKI hash and its flags; moved elsewhere it does not open.
 *
 * The KEK also seals one random root, made with the database, from which all MAC keys are derived.
 * Rotating the KEK seals root and data keys again and changes neither: what was sealed still opens,
 * and each MAC made before still holds.
 */
#ifndef CHY_RESOURCE_KEYRING_H
#define CHY_RESOURCE_KEYRING_H

#include "base/uuid.h"
#include "resource/kek.h"
#include "resource/runtime.h"

struct chy_keyring;

/** chy_keyring_open opens the KEK (chy_keks_open) and derives the MAC keys. */
CHY_MUST_USE chy_status chy_keyring_open(struct chy_runtime *runtime, struct chy_op *op,
                                         struct chy_slice kek, bool establish,
                                         struct chy_keyring **out_keyring);
void chy_keyring_close(struct chy_keyring *keyring);

/** chy_keyring_keks are the master keys. */
struct chy_keks *chy_keyring_keks(struct chy_keyring *keyring);

/**
 * chy_keyring_mac is HMAC-SHA-256 under a key derived of the MAC root for one purpose: audit rows,
 * client secrets, tokens, backups, passwords.  32 bytes.
 */
enum chy_mac_purpose {
    CHY_MAC_AUDIT = 0,
    CHY_MAC_CLIENT_SECRET,
    CHY_MAC_TOKEN,
    CHY_MAC_CURSOR,
    CHY_MAC_AUDIT_RETENTION,
    CHY_MAC_BACKUP,
    CHY_MAC_PASSWORD,
    CHY_MAC_COUNT
};
CHY_MUST_USE chy_status chy_keyring_mac(struct chy_keyring *keyring, struct chy_op *op,
                                        enum chy_mac_purpose purpose, struct chy_slice message,
                                        struct chy_slice *out_mac);
/** chy_keyring_mac_of_root is chy_keyring_mac() without a database: for a MAC root that was opened
 *  by chy_kek_open_mac_root(). */
CHY_MUST_USE chy_status chy_keyring_mac_of_root(struct chy_crypto *crypto, struct chy_op *op,
                                                struct chy_slice root, enum chy_mac_purpose purpose,
                                                struct chy_slice message,
                                                struct chy_slice *out_mac);

/** What a sealed blob belongs to. */
struct chy_sealed_place {
    const char *purpose; /**< "ca-key", "leaf-key", "secret" */
    const char *collection;
    const char *field;
    const struct chy_uuid *row_id;
    const struct chy_uuid *project_id; /**< NULL: it belongs to the instance */
    struct chy_slice spki_sha256;      /**< of a key; else empty */
    bool exportable;
};

/** The seal calls use the project's data key of this month and tell which it was. */
CHY_MUST_USE chy_status chy_keyring_seal_key(struct chy_keyring *keyring, struct chy_op *op,
                                             const struct chy_sealed_place *place,
                                             const struct chy_crypto_key *key,
                                             struct chy_slice *out_sealed,
                                             struct chy_uuid *out_data_key_id);
/** BAD_INPUT, CHY_REASON_CRYPTO: the blob is changed or of another row. */
CHY_MUST_USE chy_status chy_keyring_open_key(struct chy_keyring *keyring, struct chy_op *op,
                                             const struct chy_sealed_place *place,
                                             struct chy_crypto *crypto,
                                             const struct chy_uuid *data_key_id,
                                             struct chy_slice sealed,
                                             struct chy_crypto_key *out_key);
CHY_MUST_USE chy_status chy_keyring_seal(struct chy_keyring *keyring, struct chy_op *op,
                                         const struct chy_sealed_place *place,
                                         struct chy_slice secret, struct chy_slice *out_sealed,
                                         struct chy_uuid *out_data_key_id);
CHY_MUST_USE chy_status chy_keyring_open_secret(struct chy_keyring *keyring, struct chy_op *op,
                                                const struct chy_sealed_place *place,
                                                const struct chy_uuid *data_key_id,
                                                struct chy_slice sealed,
                                                struct chy_slice *out_secret);

/**
 * chy_keyring_instance_key finds the data key of what belongs to the instance: `id` NULL: this
 * month's.  `out_key` is borrowed and lives as long as the operation.
 */
CHY_MUST_USE chy_status chy_keyring_instance_key(struct chy_keyring *keyring, struct chy_op *op,
                                                 const struct chy_uuid *id, struct chy_uuid *out_id,
                                                 struct chy_crypto_key *out_key);

/* --- for operators ---------------------------------------------------------------------------- */

#define CHY_DATA_KEY_KEKS_MAX 8U

/** The data keys by the KEK that sealed them. */
struct chy_data_key_counts {
    struct {
        struct chy_kek_id id;
        uint64_t count;
    } keks[CHY_DATA_KEY_KEKS_MAX];
    size_t kek_count;
    uint64_t total;
    uint64_t closed; /**< that did not open, when each was to be opened */
    bool open_each;
};

/** chy_keyring_count counts all data keys; `open_each`: and opens each. */
CHY_MUST_USE chy_status chy_keyring_count(struct chy_keyring *keyring, struct chy_op *op,
                                          bool open_each, struct chy_data_key_counts *out_counts);

/**
 * chy_keyring_rewrap seals by the KEK in use what another one sealed, in at most `batches` batches;
 * each is atomic, and what is done stays done.  `out_done` 0 with enough batches: nothing is left.
 */
CHY_MUST_USE chy_status chy_keyring_rewrap(struct chy_keyring *keyring, struct chy_op *op,
                                           uint64_t batches, uint64_t *out_done);

#endif
