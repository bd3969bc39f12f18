/** The schema and the helpers of the storage contract's tests. */
#include "storage_fixture.h"

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

/* --- the schema --------------------------------------------------------------------------------*/

static const struct chy_field thing_fields[THING_FIELDS] = {
    [ID] = {CHY_TEXT_INIT("id"), CHY_VALUE_UUID, 0},
    [NAME] = {CHY_TEXT_INIT("name"), CHY_VALUE_TEXT, 0},
    [CODE] = {CHY_TEXT_INIT("code"), CHY_VALUE_TEXT, CHY_FIELD_NULLABLE},
    [NOTE] = {CHY_TEXT_INIT("note"), CHY_VALUE_TEXT, CHY_FIELD_NULLABLE},
    [SIZE] = {CHY_TEXT_INIT("size"), CHY_VALUE_INT, 0},
    [WEIGHT] = {CHY_TEXT_INIT("weight"), CHY_VALUE_INT, CHY_FIELD_NULLABLE},
    [FLAG] = {CHY_TEXT_INIT("flag"), CHY_VALUE_BOOL, 0},
    [MADE] = {CHY_TEXT_INIT("made"), CHY_VALUE_TIME, 0},
    [ENDED] = {CHY_TEXT_INIT("ended"), CHY_VALUE_TIME, CHY_FIELD_NULLABLE},
    [BODY] = {CHY_TEXT_INIT("body"), CHY_VALUE_BLOB, CHY_FIELD_NULLABLE},
    [DOCUMENT] = {CHY_TEXT_INIT("document"), CHY_VALUE_JSON, CHY_FIELD_NULLABLE},
    [TAGS] = {CHY_TEXT_INIT("tags"), CHY_VALUE_TEXT, CHY_FIELD_MANY},
    [OWNER] = {CHY_TEXT_INIT("owner"), CHY_VALUE_UUID, CHY_FIELD_NULLABLE},
    // SQL's own words, and a second set.
    [LABELS] = {CHY_TEXT_INIT("order"), CHY_VALUE_TEXT, CHY_FIELD_MANY},
};
static const uint32_t thing_key[] = {ID};
static const uint32_t by_code[] = {CODE};
static const uint32_t by_name[] = {NAME};
static const uint32_t by_made[] = {MADE};
static const uint32_t by_flag_name[] = {FLAG, NAME};
static const uint32_t by_weight[] = {WEIGHT, SIZE};
static const uint32_t by_owner_code[] = {OWNER, SIZE};
static const struct chy_index thing_indexes[] = {
    {CHY_TEXT_INIT("by_code"), CHY_INDEX_UNIQUE, 0, CHY_VIEW_INIT(by_code)},
    {CHY_TEXT_INIT("by_name"), 0, 0, CHY_VIEW_INIT(by_name)},
    {CHY_TEXT_INIT("by_made"), 0, 0, CHY_VIEW_INIT(by_made)},
    {CHY_TEXT_INIT("by_flag_name"), 0, 0, CHY_VIEW_INIT(by_flag_name)},
    {CHY_TEXT_INIT("by_weight"), 0, 0, CHY_VIEW_INIT(by_weight)},
    {CHY_TEXT_INIT("by_owner_size"), CHY_INDEX_UNIQUE, 0, CHY_VIEW_INIT(by_owner_code)},
};

static const struct chy_field counter_fields[] = {
    [SCOPE] = {CHY_TEXT_INIT("scope"), CHY_VALUE_TEXT, 0},
    [DAY] = {CHY_TEXT_INIT("day"), CHY_VALUE_INT, 0},
    [COUNT] = {CHY_TEXT_INIT("count"), CHY_VALUE_INT, 0},
    [LABEL] = {CHY_TEXT_INIT("label"), CHY_VALUE_TEXT, CHY_FIELD_NULLABLE},
};
static const uint32_t counter_key[] = {SCOPE, DAY};

static const struct chy_field lease_fields[] = {
    [LEASE] = {CHY_TEXT_INIT("name"), CHY_VALUE_TEXT, 0},
    [HOLDER] = {CHY_TEXT_INIT("holder"), CHY_VALUE_TEXT, CHY_FIELD_NULLABLE},
    [EPOCH] = {CHY_TEXT_INIT("epoch"), CHY_VALUE_INT, 0},
};
static const uint32_t lease_key[] = {LEASE};

static const struct chy_collection collections[COLLECTIONS] = {
    [THINGS] = {CHY_TEXT_INIT("things"), 0, OWNER, CHY_VIEW_INIT(thing_fields),
                CHY_VIEW_INIT(thing_key), CHY_VIEW_INIT(thing_indexes)},
    [COUNTERS] = {CHY_TEXT_INIT("my-plugin.counters"),
                  0,
                  SCOPE,
                  CHY_VIEW_INIT(counter_fields),
                  CHY_VIEW_INIT(counter_key),
                  {NULL, 0, sizeof(struct chy_index)}},
    [LEASES] = {CHY_TEXT_INIT("leases"),
                CHY_COLLECTION_WATCHED,
                LEASE,
                CHY_VIEW_INIT(lease_fields),
                CHY_VIEW_INIT(lease_key),
                {NULL, 0, sizeof(struct chy_index)}},
};
const struct chy_schema schema = {
    .struct_size = sizeof schema,
    .version = 7,
    .min_compatible = 6,
    .collections = CHY_VIEW_INIT(collections),
};

/* --- the store under test ----------------------------------------------------------------------*/

struct conf_arguments arguments;
struct conf_plugin *plugin;
const struct chy_storage_ops *ops;
bool is_volatile;
void *self;
struct chy_instance *instance;

#define OPERATIONS_MAX 4096
static struct chy_op *operations[OPERATIONS_MAX];
static size_t operation_count;
static char *directory;   /**< made for the test, and removed with it */
static const char *place; /**< where the instance keeps its files */
static char tag[64];

struct chy_op *op_new(void)
{
    ck_assert_msg(operation_count < OPERATIONS_MAX, "the test holds too many operations");
    operations[operation_count] = conf_op_new(instance);
    return operations[operation_count++];
}

static void end_operations(void)
{
    while (operation_count > 0) {
        conf_op_free(operations[--operation_count]);
    }
}

static void up(const struct chy_schema *s)
{
    instance = conf_instance_new(plugin, &arguments, tag, place);
    ck_assert_ptr_nonnull(instance);
    ck_assert_int_eq(conf_instance_up(instance), CHY_OK);
    self = conf_instance_self(instance);
    struct chy_op *op = op_new();
    EXPECT(op, ops->declare(self, op, s), CHY_OK);
}

static void down(void)
{
    end_operations();
    conf_instance_down(instance);
    ck_assert_msg(conf_live_operations(instance) == 0, "the plugin did not end its operations");
    conf_instance_free(instance);
    instance = NULL;
    self = NULL;
}

void store_open(const struct chy_schema *s)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    // A word of its own for each test, so that external databases do not see each other.
    (void)snprintf(tag, sizeof tag, "t%lld_%ld_%d", (long long)now.tv_sec, now.tv_nsec,
                   (int)getpid());
    directory = conf_temp_dir_new();
    place = directory;
    up(s);
}

void store_open_in(const char *where, const struct chy_schema *s)
{
    (void)snprintf(tag, sizeof tag, "placed");
    place = where;
    up(s);
}

void store_reopen(const struct chy_schema *s)
{
    down();
    up(s);
}

void store_close(void)
{
    if (instance != NULL) {
        down();
    }
    conf_temp_dir_remove(directory);
    directory = NULL;
}

void store_made(void)
{
    store_open(&schema);
    struct chy_op *op = op_new();
    EXPECT(op, ops->upgrade(self, op), CHY_OK);
}

/* --- values ------------------------------------------------------------------------------------*/

struct chy_value null_value(void)
{
    return (struct chy_value){.type = CHY_VALUE_NULL};
}

struct chy_value bytes_value(uint32_t type, const void *bytes, uint64_t len)
{
    return (struct chy_value){.type = type, .bytes = chy_slice_of(bytes, len)};
}

struct chy_value text_value(const char *text)
{
    return bytes_value(CHY_VALUE_TEXT, text, strlen(text));
}

struct chy_value int_value(int64_t number)
{
    return (struct chy_value){.type = CHY_VALUE_INT, .number = number};
}

struct chy_value bool_value(int64_t number)
{
    return (struct chy_value){.type = CHY_VALUE_BOOL, .number = number};
}

struct chy_value time_value(int64_t number)
{
    return (struct chy_value){.type = CHY_VALUE_TIME, .number = number};
}

struct chy_value uuid_value(struct chy_op *op, uint64_t number)
{
    uint8_t *bytes = conf_must(chy_alloc(op, 16));
    bytes[0] = 0x01;
    for (unsigned i = 0; i < 8; i++) {
        bytes[15 - i] = (uint8_t)(number >> (8 * i));
    }
    return bytes_value(CHY_VALUE_UUID, bytes, 16);
}

const void *element_at(struct chy_view view, uint64_t index)
{
    ck_assert_msg(index < view.count, "element %llu of %llu", (unsigned long long)index,
                  (unsigned long long)view.count);
    return (const uint8_t *)view.ptr + index * view.stride;
}

uint64_t number_of(const struct chy_value *uuid)
{
    uint64_t number = 0;
    ck_assert_uint_eq(uuid->type, CHY_VALUE_UUID);
    ck_assert_uint_eq(uuid->bytes.len, 16);
    for (unsigned i = 8; i < 16; i++) {
        number = number << 8 | uuid->bytes.ptr[i];
    }
    return number;
}

struct chy_value many_value(struct chy_op *op, ...)
{
    struct chy_slice *items = conf_must(chy_alloc(op, 16 * sizeof *items));
    uint64_t count = 0;
    va_list texts;
    va_start(texts, op);
    for (const char *text = va_arg(texts, const char *); text != NULL;
         text = va_arg(texts, const char *)) {
        ck_assert_uint_lt(count, 16);
        items[count++] = chy_text(text);
    }
    va_end(texts);
    return (struct chy_value){.type = CHY_VALUE_MANY, .items = {items, count, sizeof *items}};
}

/* --- writes ------------------------------------------------------------------------------------*/

struct batch *batch_new(struct chy_op *op)
{
    struct batch *b = conf_must(chy_alloc(op, sizeof *b));
    b->op = op;
    b->batch.struct_size = sizeof b->batch;
    b->batch.writes = (struct chy_view){b->writes, 0, sizeof b->writes[0]};
    b->outcome.struct_size = sizeof b->outcome;
    return b;
}

static struct chy_storage_write *next(struct batch *b, enum chy_write_kind kind,
                                      uint32_t collection, uint64_t key_fields)
{
    struct chy_storage_write *write = &b->writes[b->batch.writes.count++];
    struct chy_value *key = conf_must(chy_alloc(b->op, key_fields * sizeof *key));
    struct chy_assignment *fields =
        conf_must(chy_alloc(b->op, (THING_FIELDS + 2) * sizeof *fields));
    write->kind = (uint32_t)kind;
    write->collection = collection;
    write->key = (struct chy_view){key, key_fields, sizeof *key};
    write->fields = (struct chy_view){fields, 0, sizeof *fields};
    return write;
}

static void set_key(struct chy_storage_write *write, uint64_t at, struct chy_value value)
{
    // The array is ours: next() allocated it.
    ((struct chy_value *)(uintptr_t)write->key.ptr)[at] = value;
}

void batch_set(struct batch *b, struct chy_storage_write *write, uint32_t field,
               struct chy_value value)
{
    struct chy_assignment *fields = (struct chy_assignment *)(uintptr_t)write->fields.ptr;
    (void)b;
    for (uint64_t i = 0; i < write->fields.count; i++) {
        if (fields[i].field == field) {
            fields[i].value = value;
            return;
        }
    }
    fields[write->fields.count++] = (struct chy_assignment){.field = field, .value = value};
}

struct chy_storage_write *batch_thing(struct batch *b, enum chy_write_kind kind, uint64_t number)
{
    struct chy_storage_write *write = next(b, kind, THINGS, 1);
    set_key(write, 0, uuid_value(b->op, number));
    return write;
}

struct chy_storage_write *batch_insert(struct batch *b, uint64_t number)
{
    struct chy_storage_write *write = batch_thing(b, CHY_WRITE_INSERT, number);
    char *name = conf_must(chy_alloc(b->op, 32));
    (void)snprintf(name, 32, "thing-%06llu", (unsigned long long)number);
    batch_set(b, write, NAME, text_value(name));
    batch_set(b, write, SIZE, int_value((int64_t)number));
    batch_set(b, write, FLAG, bool_value((int64_t)(number % 2)));
    batch_set(b, write, MADE, time_value((int64_t)number * 1000));
    return write;
}

struct chy_storage_write *batch_counter(struct batch *b, enum chy_write_kind kind,
                                        const char *scope, int64_t day)
{
    struct chy_storage_write *write = next(b, kind, COUNTERS, 2);
    set_key(write, 0, text_value(scope));
    set_key(write, 1, int_value(day));
    return write;
}

struct chy_storage_write *batch_add(struct batch *b, const char *scope, int64_t day, int64_t delta)
{
    struct chy_storage_write *write = batch_counter(b, CHY_WRITE_ADD, scope, day);
    write->add_field = COUNT;
    write->delta = delta;
    return write;
}

struct chy_storage_write *batch_lease(struct batch *b, enum chy_write_kind kind, const char *name)
{
    struct chy_storage_write *write = next(b, kind, LEASES, 1);
    set_key(write, 0, text_value(name));
    return write;
}

chy_status batch_run(struct batch *b)
{
    return ops->write(self, b->op, &b->batch, &b->outcome);
}

const struct chy_write_result *batch_result(const struct batch *b, uint64_t write)
{
    const struct chy_write_result *result = element_at(b->outcome.results, write);
    return result;
}

void insert_things(uint64_t first, uint64_t last)
{
    struct batch *b = NULL;
    for (uint64_t n = first; n <= last; n++) {
        if (b == NULL) {
            b = batch_new(op_new());
        }
        batch_insert(b, n);
        if (b->batch.writes.count == 200 || n == last) {
            EXPECT(b->op, batch_run(b), CHY_OK);
            b = NULL;
        }
    }
}

/* --- reads -------------------------------------------------------------------------------------*/

chy_status thing_get(struct chy_op *op, uint64_t number, struct chy_view fields,
                     struct chy_storage_row *out_row)
{
    struct chy_value key = uuid_value(op, number);
    const struct chy_storage_get get = {
        .struct_size = sizeof get, .collection = THINGS, .key = ONE(key), .fields = fields};
    return ops->get(self, op, &get, out_row);
}

struct chy_value thing_field(struct chy_op *op, uint64_t number, uint32_t field)
{
    struct chy_storage_row row = {0};
    EXPECT(op, thing_get(op, number, ONE(field), &row), CHY_OK);
    ck_assert_uint_eq(row.values.count, 1);
    return *(const struct chy_value *)element_at(row.values, 0);
}

uint64_t thing_revision(uint64_t number)
{
    struct chy_op *op = conf_op_new(instance);
    struct chy_storage_row row = {0};
    chy_status status = thing_get(op, number, (struct chy_view){NULL, 0, sizeof(uint32_t)}, &row);
    ck_assert_msg(status == CHY_OK || status == CHY_NOT_FOUND, "%s", conf_op_message(op));
    conf_op_free(op);
    return status == CHY_OK ? row.revision : 0;
}

int64_t counter_value(const char *scope, int64_t day)
{
    static const uint32_t fields[] = {COUNT};
    struct chy_op *op = conf_op_new(instance);
    struct chy_value key[] = {text_value(scope), int_value(day)};
    const struct chy_storage_get get = {.struct_size = sizeof get,
                                        .collection = COUNTERS,
                                        .key = VIEW(key),
                                        .fields = VIEW(fields)};
    struct chy_storage_row row = {0};
    chy_status status = ops->get(self, op, &get, &row);
    ck_assert_msg(status == CHY_OK || status == CHY_NOT_FOUND, "%s", conf_op_message(op));
    int64_t count = -1;
    if (status == CHY_OK) {
        count = ((const struct chy_value *)element_at(row.values, 0))->number;
    }
    conf_op_free(op);
    return count;
}

struct chy_storage_find find_new(void)
{
    static const uint32_t id_field[] = {ID};
    return (struct chy_storage_find){.struct_size = sizeof(struct chy_storage_find),
                                     .collection = THINGS,
                                     .limit = 100,
                                     .scan_limit = 1000,
                                     .fields = VIEW(id_field)};
}

struct chy_storage_page find_run(struct chy_op *op, const struct chy_storage_find *find)
{
    struct chy_storage_page page = {.struct_size = sizeof page};
    EXPECT(op, ops->find(self, op, find, &page), CHY_OK);
    ck_assert_uint_le(page.rows.count, find->limit);
    ck_assert_msg((page.more != 0) == (page.cursor.len != 0), "cursor and more disagree");
    return page;
}

const struct chy_value *row_value(const struct chy_storage_page *page, uint64_t i, uint64_t field)
{
    const struct chy_storage_row *row = element_at(page->rows, i);
    const struct chy_value *value = element_at(row->values, field);
    return value;
}

uint64_t row_id(const struct chy_storage_page *page, uint64_t i)
{
    return number_of(row_value(page, i, 0));
}

uint64_t count_things(void)
{
    struct chy_op *op = conf_op_new(instance);
    struct chy_storage_find find = find_new();
    find.limit = 1000;
    uint64_t count = 0;
    for (bool more = true; more;) {
        struct chy_storage_page page = find_run(op, &find);
        count += page.rows.count;
        find.cursor = page.cursor;
        more = page.more != 0;
    }
    conf_op_free(op);
    return count;
}
