/** What the keyring's files share. */
#ifndef CHY_RESOURCE_KEYRING_STATE_H
#define CHY_RESOURCE_KEYRING_STATE_H

#include "resource/kek.h"
#include "resource/keyring.h"

struct chy_keyring {
    struct chy_runtime *runtime;
    struct chy_keks *keks;
    struct chy_crypto_key mac_keys[CHY_MAC_COUNT];
};

/** What is read of a data key, and where it is in the row. */
enum chy_data_key_column {
    CHY_DATA_KEY_COLUMN_ID = 0,
    CHY_DATA_KEY_COLUMN_PROJECT_ID,
    CHY_DATA_KEY_COLUMN_SEALED,
    CHY_DATA_KEY_COLUMN_KEK_ID
};

/** chy_data_key_fields is a view of their field numbers. */
struct chy_view chy_data_key_fields(void);

/** chy_data_key_open opens the data key of such a row, into the secret arena. */
CHY_MUST_USE chy_status chy_data_key_open(struct chy_keyring *keyring, struct chy_op *op,
                                          const struct chy_storage_row *row,
                                          struct chy_slice *out_bytes);
/** chy_data_key_seal seals one by the KEK in use, and says which that is. */
CHY_MUST_USE chy_status chy_data_key_seal(struct chy_keyring *keyring, struct chy_op *op,
                                          const struct chy_uuid *id,
                                          const struct chy_uuid *project_id, struct chy_slice bytes,
                                          struct chy_kek_id *out_kek, struct chy_slice *out_sealed);

#endif
