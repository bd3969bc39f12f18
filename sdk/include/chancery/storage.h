/**
 * What a storage backend implements: typed records, bounded reads, guarded atomic writes.
 *
 * Collections are declared, each with typed fields, a key and indexes; an SQL backend makes a table
 * of each.  A collection is named in calls by its index in the declared schema, a field by its
 * index in its collection, so that nothing is looked up by text on a request path.
 *
 * Values
 *   text is valid UTF-8 without NUL, at most 64 KiB, ordered bytewise; blob and json are at most 1
 *   MiB; json is kept byte for byte and is never a predicate.  A nullable field may be null; null
 *   sorts before everything.  A `many` field is a set of texts beside the row, indexed by value.
 *
 * Rows have a revision: 1 when inserted, one more at each change.
 *
 * Rules for every operation, unless it says otherwise:
 *   - Required, and may run on many threads at once.
 *   - A write that returned OK is durable, and seen by every read that starts later, on any node.
 *   - TRY_LATER: nothing was or will be written.  UNCERTAIN: it may have been; the caller reads
 *     again.
 *   - The operation's deadline is kept; the write path applies it until the batch is joined to a
 *     commit.
 *   - CHY_BROKEN: the database contradicts the declared schema, or is damaged.
 *
 * Change log of this header
 *   1.0  first version; before its first release: `freeze`
 */
#ifndef CHANCERY_STORAGE_H
#define CHANCERY_STORAGE_H

#include <chancery/types.h>

CHY_BEGIN_DECLS

#define CHY_STORAGE_MINOR 0U

#define CHY_STORAGE_TEXT_MAX (64U * 1024U)
#define CHY_STORAGE_BLOB_MAX (1024U * 1024U)
#define CHY_STORAGE_BATCH_OPERATIONS 256U
#define CHY_STORAGE_BATCH_BYTES (2U * 1024U * 1024U)
#define CHY_STORAGE_DELETE_RANGE_MAX 1000U
#define CHY_STORAGE_SKIP_MAX 10000U
#define CHY_STORAGE_PAGE_MAX 1000U
#define CHY_STORAGE_IN_MAX 256U
#define CHY_STORAGE_KEY_FIELDS_MAX 8U
#define CHY_STORAGE_FIELDS_MAX 96U

/* ------------------------------------------------------------------------------------------------
 * Schema
 */

enum chy_value_type {
    CHY_VALUE_NULL = 0,
    CHY_VALUE_TEXT = 1,
    CHY_VALUE_INT = 2,
    CHY_VALUE_BOOL = 3, /**< number 0 or 1 */
    CHY_VALUE_TIME = 4, /**< number: µs UTC */
    CHY_VALUE_UUID = 5, /**< bytes: 16, ordered bytewise */
    CHY_VALUE_BLOB = 6,
    CHY_VALUE_JSON = 7,
    CHY_VALUE_MANY = 8 /**< items: the texts of a many-field, in bytewise order when read */
};

enum chy_field_flag {
    CHY_FIELD_NULLABLE = 1U << 0,
    CHY_FIELD_MANY = 1U << 1 /**< type CHY_VALUE_TEXT; never in a key, an index or an order */
};

/** Element of `chy_collection.fields`. */
struct chy_field {
    struct chy_slice name; /**< snake_case, unique in the collection, at most 48 bytes */
    uint32_t type;         /**< TEXT, INT, BOOL, TIME, UUID, BLOB or JSON */
    uint32_t flags;        /**< enum chy_field_flag */
};
CHY_ABI_SIZE(struct chy_field, 24);

enum chy_index_flag {
    CHY_INDEX_UNIQUE = 1U << 0 /**< rows with a null in one of its fields do not collide */
};

/** Element of `chy_collection.indexes`. */
struct chy_index {
    struct chy_slice name; /**< snake_case, unique in the collection, at most 48 bytes */
    uint32_t flags;        /**< enum chy_index_flag */
    uint32_t reserved;
    struct chy_view fields; /**< of uint32_t: field numbers, most significant first */
};
CHY_ABI_SIZE(struct chy_index, 48);

enum chy_collection_flag {
    /** Core caches rows of it: each write bumps the epoch row.  A backend need not care. */
    CHY_COLLECTION_WATCHED = 1U << 0
};

/** Element of a schema. */
struct chy_collection {
    struct chy_slice name;  /**< snake_case, or "<instance>.<name>" of a plugin; at most 48 bytes */
    uint32_t flags;         /**< enum chy_collection_flag */
    uint32_t placement;     /**< number of the field by which a distributed engine may place rows */
    struct chy_view fields; /**< of struct chy_field */
    struct chy_view key;    /**< of uint32_t: the fields of the key, in order; none nullable */
    struct chy_view indexes; /**< of struct chy_index */
};
CHY_ABI_SIZE(struct chy_collection, 96);

/** All collections that are there, core's first.  Valid until destroy. */
struct chy_schema {
    uint32_t struct_size;
    uint32_t version;        /**< of core's schema: grows with each step */
    uint32_t min_compatible; /**< the oldest version whose programs can live with this schema */
    uint32_t reserved;
    struct chy_view collections; /**< of struct chy_collection */
};
CHY_ABI_SIZE(struct chy_schema, 40);

enum chy_schema_state_value {
    CHY_SCHEMA_EMPTY = 0,   /**< nothing there: `upgrade` makes it */
    CHY_SCHEMA_CURRENT = 1, /**< serves */
    CHY_SCHEMA_OLDER = 2,   /**< needs `upgrade` */
    CHY_SCHEMA_NEWER = 3,   /**< made by a newer program, and min_compatible allows this one */
    CHY_SCHEMA_TOO_NEW = 4, /**< made by a newer program that this one cannot live with */
    CHY_SCHEMA_DIFFERS = 5  /**< the version is right, tables or indexes are not */
};

struct chy_schema_report {
    uint32_t struct_size;
    uint32_t state; /**< enum chy_schema_state_value */
    uint32_t found_version;
    uint32_t found_min_compatible;
    struct chy_slice detail; /**< for people: what differs */
};
CHY_ABI_SIZE(struct chy_schema_report, 32);

/* ------------------------------------------------------------------------------------------------
 * Values and rows
 */

/** One value.  Only the member that `type` names is read. */
struct chy_value {
    uint32_t type; /**< enum chy_value_type; CHY_VALUE_NULL for null */
    uint32_t reserved;
    int64_t number;
    struct chy_slice bytes;
    struct chy_view items; /**< of struct chy_slice */
};
CHY_ABI_SIZE(struct chy_value, 56);

/** One row as read: value `i` belongs to the i-th field that was asked for. */
struct chy_storage_row {
    struct chy_view values; /**< of struct chy_value */
    uint64_t revision;
};
CHY_ABI_SIZE(struct chy_storage_row, 32);

enum chy_read_flag {
    CHY_READ_STALE_OK = 1U << 0 /**< a replica that lags may answer */
};

struct chy_storage_get {
    uint32_t struct_size;
    uint32_t collection;
    uint32_t flags; /**< enum chy_read_flag */
    uint32_t reserved;
    struct chy_view key;    /**< of struct chy_value, in the key's order */
    struct chy_view fields; /**< of uint32_t; empty: only the revision is wanted */
};
CHY_ABI_SIZE(struct chy_storage_get, 64);

enum chy_predicate_kind {
    CHY_WHERE_EQ = 1,        /**< field = low; null equals nothing */
    CHY_WHERE_IN = 2,        /**< field is one of `values` */
    CHY_WHERE_RANGE = 3,     /**< low <= field < high; a null bound is open; null is outside */
    CHY_WHERE_PREFIX = 4,    /**< text field begins with low */
    CHY_WHERE_NULL = 5,      /**< field is null */
    CHY_WHERE_NOT_NULL = 6,  /**< field is not null */
    CHY_WHERE_HAS = 7,       /**< many-field contains low */
    CHY_WHERE_HAS_PREFIX = 8 /**< many-field contains a text that begins with low */
};

/** One condition; those of a find are ANDed. */
struct chy_predicate {
    uint32_t field;
    uint32_t kind; /**< enum chy_predicate_kind */
    struct chy_value low;
    struct chy_value high;
    struct chy_view values; /**< of struct chy_value, at most CHY_STORAGE_IN_MAX */
};
CHY_ABI_SIZE(struct chy_predicate, 144);

/** One sort step.  The key breaks ties, ascending, so every order is total. */
struct chy_order {
    uint32_t field;
    uint32_t descending; /**< 0 or 1 */
};
CHY_ABI_SIZE(struct chy_order, 8);

/**
 * A find examines at most `scan_limit` rows in the order asked for, and says where it stopped.
 * `cursor` is what an earlier page of the same find gave; with one, `skip` is zero.  An empty order
 * is the key's.  A backend uses the index that fits; core asks only for what an index carries.
 */
struct chy_storage_find {
    uint32_t struct_size;
    uint32_t collection;
    uint32_t flags; /**< enum chy_read_flag */
    uint32_t reserved;
    struct chy_view where; /**< of struct chy_predicate */
    struct chy_view order; /**< of struct chy_order */
    struct chy_slice cursor;
    uint64_t skip;          /**< rows to leave out, at most CHY_STORAGE_SKIP_MAX */
    uint64_t limit;         /**< 1 … CHY_STORAGE_PAGE_MAX */
    uint64_t scan_limit;    /**< at least `limit` */
    struct chy_view fields; /**< of uint32_t */
};
CHY_ABI_SIZE(struct chy_storage_find, 128);

struct chy_storage_page {
    uint32_t struct_size;
    uint32_t more; /**< 1: rows may follow; `cursor` reads on, also when scan_limit ended it */
    struct chy_view rows;    /**< of struct chy_storage_row */
    struct chy_slice cursor; /**< opaque; empty when nothing follows */
    uint64_t scanned;
};
CHY_ABI_SIZE(struct chy_storage_page, 56);

/* ------------------------------------------------------------------------------------------------
 * Writes
 */

enum chy_write_kind {
    CHY_WRITE_INSERT = 1, /**< CONFLICT if the key, or a unique index, is taken */
    CHY_WRITE_UPSERT = 2, /**< inserts, or sets the fields given; CONFLICT on a unique index */
    CHY_WRITE_UPDATE = 3, /**< sets the fields given; CONFLICT if the row is not there */
    CHY_WRITE_DELETE = 4, /**< no row is fine, unless a guard says otherwise */
    /** Adds `delta` to the int field `field`; makes the row with zero first (`fields` set its other
     *  fields then).  CONFLICT if the sum passes `maximum` (when `has_maximum`). */
    CHY_WRITE_ADD = 5,
    CHY_WRITE_CHECK = 6,       /**< only the guard: validates and locks the row, writes nothing */
    CHY_WRITE_DELETE_RANGE = 7 /**< deletes at most `limit` rows that `where` matches */
};

enum chy_guard_kind {
    CHY_GUARD_NONE = 0,
    CHY_GUARD_ABSENT = 1,
    CHY_GUARD_PRESENT = 2,
    CHY_GUARD_REVISION = 3, /**< the row is there with `guard_revision` */
    CHY_GUARD_EQUALS =
        4 /**< the row is there and `guard_field` equals `guard_value`; null = null */
};

/** One field's new value: element of `chy_storage_write.fields`. */
struct chy_assignment {
    uint32_t field;
    uint32_t reserved;
    struct chy_value value;
};
CHY_ABI_SIZE(struct chy_assignment, 64);

/**
 * One operation: element of `chy_storage_batch.writes`.  The fields that its kind does not name are
 * zero.  An insert gives every field that is not nullable; what it does not give is null or empty.
 * So do an upsert and an add, unless their guard wants the row to be there.
 */
struct chy_storage_write {
    uint32_t kind; /**< enum chy_write_kind */
    uint32_t collection;
    struct chy_view key;    /**< of struct chy_value */
    struct chy_view fields; /**< of struct chy_assignment; key fields are taken from `key` */
    uint32_t guard;         /**< enum chy_guard_kind */
    uint32_t guard_field;
    uint64_t guard_revision;
    struct chy_value guard_value;
    uint32_t add_field;
    uint32_t has_maximum;
    int64_t delta;
    int64_t maximum;
    struct chy_view where; /**< of struct chy_predicate, for DELETE_RANGE */
    uint64_t limit;
};
CHY_ABI_SIZE(struct chy_storage_write, 184);

enum chy_batch_flag {
    /** Fails by accident only (fresh keys): may share a commit with other such batches. */
    CHY_BATCH_JOINABLE = 1U << 0
};

/**
 * One atomic batch: all of it or nothing.  Writes take effect in (collection, key) order, ADDs
 * last; so no batch names the same row twice, but for a CHECK beside an ADD.
 * A backend may join batches into one durable commit, each succeeding or failing as if alone.
 */
struct chy_storage_batch {
    uint32_t struct_size;
    uint32_t flags; /**< enum chy_batch_flag */
    struct chy_view
        writes; /**< of struct chy_storage_write, at most CHY_STORAGE_BATCH_OPERATIONS */
};
CHY_ABI_SIZE(struct chy_storage_batch, 32);

/** What became of one write: element of `chy_storage_outcome.results`, in the batch's order. */
struct chy_write_result {
    int64_t number;    /**< ADD: the new value; DELETE, DELETE_RANGE: rows deleted; else 0 */
    uint64_t revision; /**< the row's revision now; 0 when it is gone */
};
CHY_ABI_SIZE(struct chy_write_result, 16);

#define CHY_NO_WRITE UINT32_MAX

/** Filled on OK and on CONFLICT. */
struct chy_storage_outcome {
    uint32_t struct_size;
    uint32_t failed_write;         /**< CONFLICT: the write whose guard, key or limit said no */
    struct chy_slice failed_index; /**< CONFLICT on a unique index: its name; else empty */
    struct chy_view results;       /**< OK: of struct chy_write_result */
};
CHY_ABI_SIZE(struct chy_storage_outcome, 48);

/* ------------------------------------------------------------------------------------------------
 * Operating
 */

struct chy_storage_statistics {
    uint32_t struct_size;
    uint32_t reserved;
    uint64_t commits;        /**< durable commits since start */
    uint64_t batches;        /**< batches in them */
    uint64_t rows_estimate;  /**< all collections together; may be an estimate */
    uint64_t bytes;          /**< on disk */
    struct chy_slice detail; /**< JSON object with what the backend knows besides */
};
CHY_ABI_SIZE(struct chy_storage_statistics, 56);

struct chy_storage_ops {
    /** Called once after start, before anything else.  Checks that it can carry the schema, opens
     *  what is there, changes nothing. */
    chy_status (*declare)(void *self, struct chy_op *op, const struct chy_schema *schema);
    /** How what is stored compares with the declared schema. */
    chy_status (*verify_schema)(void *self, struct chy_op *op,
                                struct chy_schema_report *out_report);
    /**
     * Brings what is stored to the declared schema by additive steps; safe to run again, and beside
     * running programs of the previous version.  Indexes are built without blocking writers.
     */
    chy_status (*upgrade)(void *self, struct chy_op *op);

    /** NOT_FOUND: no such row. */
    chy_status (*get)(void *self, struct chy_op *op, const struct chy_storage_get *get,
                      struct chy_storage_row *out_row);
    chy_status (*find)(void *self, struct chy_op *op, const struct chy_storage_find *find,
                       struct chy_storage_page *out_page);
    /** CONFLICT: a guard, key, unique index or limit said no; nothing was written. */
    chy_status (*write)(void *self, struct chy_op *op, const struct chy_storage_batch *batch,
                        struct chy_storage_outcome *out_outcome);

    /** OK: reads and writes work.  TRY_LATER: the database is away. */
    chy_status (*health)(void *self, struct chy_op *op);
    /** The database's own consistency check.  BROKEN: damaged; the message says where. */
    chy_status (*check)(void *self, struct chy_op *op);
    /** Optional.  Writes a consistent copy to `path`, a file that must not exist, while serving. */
    chy_status (*backup)(void *self, struct chy_op *op, struct chy_slice path);
    chy_status (*statistics)(void *self, struct chy_op *op,
                             struct chy_storage_statistics *out_statistics);
    /**
     * Optional.  With `on` 1 every read of this instance sees the database as of this moment, until
     * `on` 0; what is written meanwhile, by this instance too, goes on and is not seen.  For a
     * process that reads everything once, a backup: one thread reads.
     */
    chy_status (*freeze)(void *self, struct chy_op *op, uint32_t on);
};
CHY_ABI_SIZE(struct chy_storage_ops, 88);

CHY_END_DECLS

#endif
