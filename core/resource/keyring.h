/**
 * The keys that seal keys.
 *
 * One master key (KEK), which never lies in the database, seals data keys: one for each project and
 * month.  A data key seals private keys and secrets of its project.  Each blob is bound to its row:
 * collection, row id, field, project, the key's SPKI hash and its flags; moved elsewhere it does
 * not open.  Rotating the KEK wraps the data keys again and touches nothing else.
 */
#ifndef CHY_RESOURCE_KEYRING_H
#define CHY_RESOURCE_KEYRING_H

#include "base/uuid.h"
#include "resource/runtime.h"

#define CHY_KEK_LEN 32

struct chy_keyring;

/**
 * chy_keyring_open imports the KEK.  `establish` writes its check value when the database has none;
 * otherwise a database without one, or with another KEK's, is CHY_DENIED with both ids.
 */
CHY_MUST_USE chy_status chy_keyring_open(struct chy_runtime *runtime, struct chy_op *op,
                                         struct chy_slice kek, bool establish,
                                         struct chy_keyring **out_keyring);
void chy_keyring_close(struct chy_keyring *keyring);

/** chy_keyring_kek_id names the KEK without telling anything of it: 16 hexadecimal digits. */
struct chy_slice chy_keyring_kek_id(const struct chy_keyring *keyring);

/**
 * chy_keyring_mac is HMAC-SHA-256 under a key derived of the KEK for one purpose: audit rows,
 * client secrets, tokens.  32 bytes.
 */
enum chy_mac_purpose {
    CHY_MAC_AUDIT = 0,
    CHY_MAC_CLIENT_SECRET,
    CHY_MAC_TOKEN,
    CHY_MAC_COUNT
};
CHY_MUST_USE chy_status chy_keyring_mac(struct chy_keyring *keyring, struct chy_op *op,
                                        enum chy_mac_purpose purpose, struct chy_slice message,
                                        struct chy_slice *out_mac);

/** What a sealed blob belongs to. */
struct chy_sealed_place {
    const char *purpose; /**< "ca-key", "leaf-key", "secret" */
    const char *collection;
    const char *field;
    const struct chy_uuid *row_id;
    const struct chy_uuid *project_id;
    struct chy_slice spki_sha256; /**< of a key; else empty */
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

#endif
