/** What the storage contract's tests share: the schema, a store to test, and short words for
 *  calls. */
#ifndef CHANCERY_CONFORMANCE_STORAGE_FIXTURE_H
#define CHANCERY_CONFORMANCE_STORAGE_FIXTURE_H

#include "host.h"

#include <chancery/storage.h>

#include <check.h>

/* --- the program's arguments -------------------------------------------------------------------*/

extern struct conf_arguments arguments;
extern struct conf_plugin *plugin;
extern const struct chy_storage_ops *ops;
extern bool is_volatile; /**< --volatile: nothing outlives an instance, and that is promised */

/* --- the schema --------------------------------------------------------------------------------*/

enum collection {
    THINGS,
    COUNTERS,
    LEASES,
    COLLECTIONS
};

/** Fields of THINGS; the key is ID.  CODE is unique. */
enum thing {
    ID,
    NAME,
    CODE,
    NOTE,
    SIZE,
    WEIGHT,
    FLAG,
    MADE,
    ENDED,
    BODY,
    DOCUMENT,
    TAGS,
    OWNER,
    LABELS,
    THING_FIELDS
};
/** Fields of COUNTERS; the key is (SCOPE, DAY). */
enum counter {
    SCOPE,
    DAY,
    COUNT,
    LABEL
};
/** Fields of LEASES; the key is LEASE. */
enum lease {
    LEASE,
    HOLDER,
    EPOCH
};

extern const struct chy_schema schema;

/* --- the store under test ----------------------------------------------------------------------*/

/** self is what operations are called with. */
extern void *self;
extern struct chy_instance *instance;

/** store_open makes an instance on a fresh, empty database, and declares `s`. */
void store_open(const struct chy_schema *s);
/** store_open_in is store_open on the database in `where`, which stays when the store is closed. */
void store_open_in(const char *where, const struct chy_schema *s);
/** store_reopen ends the instance and makes another on the same database. */
void store_reopen(const struct chy_schema *s);
/** store_close ends it; every operation must have ended. */
void store_close(void);

/** store_made is store_open with `schema`, and upgrade; the usual set-up.  store_close ends it. */
void store_made(void);

/** op_new gives an operation that store_close() ends; for the test's own thread. */
struct chy_op *op_new(void);

/* --- values ------------------------------------------------------------------------------------*/

struct chy_value null_value(void);
struct chy_value text_value(const char *text);
struct chy_value bytes_value(uint32_t type, const void *bytes, uint64_t len);
struct chy_value int_value(int64_t number);
struct chy_value bool_value(int64_t number);
struct chy_value time_value(int64_t number);
/** uuid_value makes a uuid that is ordered by `number`; it lives in `op`. */
struct chy_value uuid_value(struct chy_op *op, uint64_t number);
/** many_value takes texts up to a NULL; it lives in `op`. */
struct chy_value many_value(struct chy_op *op, ...);
/** element_at returns an element of a view that must have it. */
const void *element_at(struct chy_view view, uint64_t index);
/** number_of gives back what uuid_value() was given. */
uint64_t number_of(const struct chy_value *uuid);

/* --- writes ------------------------------------------------------------------------------------*/

/** A batch being built.  All of it lives in `op`. */
struct batch {
    struct chy_op *op;
    struct chy_storage_batch batch;
    struct chy_storage_write writes[CHY_STORAGE_BATCH_OPERATIONS + 1];
    struct chy_storage_outcome outcome;
};

/** batch_new starts an empty one in `op`. */
struct batch *batch_new(struct chy_op *op);
/** batch_thing adds a write of kind `kind` to the thing `number`, with no fields. */
struct chy_storage_write *batch_thing(struct batch *b, enum chy_write_kind kind, uint64_t number);
/** batch_insert adds an insert of the thing `number` with its usual required fields. */
struct chy_storage_write *batch_insert(struct batch *b, uint64_t number);
/** batch_counter adds a write to the counter (scope, day). */
struct chy_storage_write *batch_counter(struct batch *b, enum chy_write_kind kind,
                                        const char *scope, int64_t day);
/** batch_add adds `delta` to the counter (scope, day). */
struct chy_storage_write *batch_add(struct batch *b, const char *scope, int64_t day, int64_t delta);
/** batch_lease adds a write to the lease `name`. */
struct chy_storage_write *batch_lease(struct batch *b, enum chy_write_kind kind, const char *name);
/** batch_set gives `write` a field. */
void batch_set(struct batch *b, struct chy_storage_write *write, uint32_t field,
               struct chy_value value);
/** batch_run writes it. */
chy_status batch_run(struct batch *b);
const struct chy_write_result *batch_result(const struct batch *b, uint64_t write);

/** insert_things writes the things `first` … `last` as batch_insert() makes them. */
void insert_things(uint64_t first, uint64_t last);

/* --- reads -------------------------------------------------------------------------------------*/

/** thing_get reads `fields` (a view of uint32_t) of the thing `number`. */
chy_status thing_get(struct chy_op *op, uint64_t number, struct chy_view fields,
                     struct chy_storage_row *out_row);
/** thing_field reads one field of a thing that must be there. */
struct chy_value thing_field(struct chy_op *op, uint64_t number, uint32_t field);
/** thing_revision returns 0 when it is not there. */
uint64_t thing_revision(uint64_t number);
/** counter_value returns -1 when the counter is not there. */
int64_t counter_value(const char *scope, int64_t day);

/** find_new gives a find over THINGS by key: 100 rows of 1000, field ID. */
struct chy_storage_find find_new(void);
/** find_run runs it and expects OK. */
struct chy_storage_page find_run(struct chy_op *op, const struct chy_storage_find *find);
/** row_id gives the number of the uuid that is the first field of row `i`. */
uint64_t row_id(const struct chy_storage_page *page, uint64_t i);
const struct chy_value *row_value(const struct chy_storage_page *page, uint64_t i, uint64_t field);
/** count_things pages through all of THINGS. */
uint64_t count_things(void);

/* --- words -------------------------------------------------------------------------------------*/

/** EXPECT fails the test, with the operation's message, unless `status` is `expected`. */
#define EXPECT(op, status, expected)                                                         \
    do {                                                                                     \
        chy_status status_ = (status);                                                       \
        ck_assert_msg(status_ == (expected), "%s answered %d, not %d: %s", #status, status_, \
                      (int)(expected), conf_op_message(op));                                 \
    } while (0)

#define VIEW(array) \
    ((struct chy_view){(array), sizeof(array) / sizeof((array)[0]), sizeof *(array)})
#define ONE(object) ((struct chy_view){&(object), 1, sizeof(object)})

/* --- the suites --------------------------------------------------------------------------------*/

TCase *storage_schema_tests(void);
TCase *storage_value_tests(void);
TCase *storage_find_tests(void);
TCase *storage_order_tests(void);
TCase *storage_write_tests(void);
TCase *storage_guard_tests(void);
TCase *storage_thread_tests(void);
TCase *storage_life_tests(void);

#endif
