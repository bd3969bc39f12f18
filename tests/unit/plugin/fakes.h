/** Instances whose plugins are tables in the test: they note what they are asked and answer as
 *  told. */
#ifndef FAKES_H
#define FAKES_H

#include "plugin/crypto.h"
#include "plugin/registry.h"
#include "plugin/storage.h"

/** The collections that the tests have. */
enum {
    ROWS = 0,
    EPOCH,
    PLAIN,
    COLLECTIONS
};
enum {
    ROW_ID = 0,
    ROW_NAME,
    ROW_COUNT,
    ROW_NOTE,
    ROW_TAGS,
    ROW_BODY,
    ROW_DATA,
    ROW_SEEN,
    ROW_FIELDS
};
enum {
    EPOCH_NAME = 0,
    EPOCH_VALUE
};
enum {
    PLAIN_KEY = 0,
    PLAIN_TOTAL
};

extern const struct chy_schema fake_schema;

/** What a fake storage was asked, and what it answers. */
struct fake_storage {
    chy_status status; /**< of every call */
    bool fails_with_reason;
    uint32_t calls;
    struct chy_storage_batch batch; /**< of the last write; lives in its operation */
    struct chy_storage_row row;
    struct chy_storage_page page;
    struct chy_storage_outcome outcome;
    bool answers_outcome;                     /**< else as many results as there were writes */
    const struct chy_instance *seen_instance; /**< of the operation during the call */
};

/** fake_instance makes an instance of a made-up plugin.  `interface` is the table's. */
void fake_instance(struct chy_instance *instance, struct chy_loaded_plugin *plugin,
                   struct chy_host *host, const char *name, enum chy_interface_id id, void *self);

/** fake_storage_ops fills every slot but `backup`. */
void fake_storage_ops(struct chy_storage_ops *ops);

/** What a fake crypto provider was asked, and what it answers. */
struct fake_crypto {
    chy_status status;
    bool answers_nothing; /**< OK, but no bytes and no key */
    uint32_t calls;
    uint32_t released;
    uint32_t digests[2];
    uint32_t digest_count;
    char last_call[32];
    char last_purpose[32];
    char last_aad[64];
};

/** fake_crypto_ops fills the required slots. */
void fake_crypto_ops(struct chy_crypto_ops *ops);

#endif
