#include "plugin/batch.h"

#define SCAN_FACTOR 10U
#define SCAN_MIN 1000U
#define FIRST_PREDICATES 4U

void chy_query_init(struct chy_query *query, struct chy_op *op, uint32_t collection,
                    struct chy_view fields, uint64_t limit)
{
    memset(query, 0, sizeof *query);
    query->op = op;
    query->find.struct_size = (uint32_t)sizeof query->find;
    query->find.collection = collection;
    query->find.fields = fields;
    query->find.limit = limit;
    query->find.scan_limit = limit * SCAN_FACTOR < SCAN_MIN ? SCAN_MIN : limit * SCAN_FACTOR;
}

static bool grow(struct chy_query *query)
{
    uint32_t size = query->predicate_size == 0 ? FIRST_PREDICATES : query->predicate_size * 2;
    struct chy_predicate *grown = chy_alloc(query->op, size * sizeof *grown);
    if (grown == NULL) {
        return false;
    }
    if (query->predicate_count != 0) {
        memcpy(grown, query->predicates, query->predicate_count * sizeof *grown);
    }
    query->predicates = grown;
    query->predicate_size = size;
    return true;
}

static void add(struct chy_query *query, const struct chy_predicate *predicate)
{
    if (query->predicate_count == query->predicate_size && !grow(query)) {
        query->failed = true;
    }
    if (!query->failed) {
        query->predicates[query->predicate_count++] = *predicate;
    }
}

static void add_low(struct chy_query *query, uint32_t field, enum chy_predicate_kind kind,
                    struct chy_value low)
{
    struct chy_predicate predicate;
    memset(&predicate, 0, sizeof predicate);
    predicate.field = field;
    predicate.kind = (uint32_t)kind;
    predicate.low = low;
    add(query, &predicate);
}

void chy_query_eq(struct chy_query *query, uint32_t field, struct chy_value value)
{
    add_low(query, field, CHY_WHERE_EQ, value);
}

void chy_query_in(struct chy_query *query, uint32_t field, struct chy_view values)
{
    struct chy_predicate predicate;
    memset(&predicate, 0, sizeof predicate);
    predicate.field = field;
    predicate.kind = CHY_WHERE_IN;
    predicate.values = values;
    add(query, &predicate);
}

void chy_query_range(struct chy_query *query, uint32_t field, struct chy_value low,
                     struct chy_value high)
{
    struct chy_predicate predicate;
    memset(&predicate, 0, sizeof predicate);
    predicate.field = field;
    predicate.kind = CHY_WHERE_RANGE;
    predicate.low = low;
    predicate.high = high;
    add(query, &predicate);
}

void chy_query_prefix(struct chy_query *query, uint32_t field, struct chy_slice prefix)
{
    add_low(query, field, CHY_WHERE_PREFIX, chy_value_text(prefix));
}

void chy_query_null(struct chy_query *query, uint32_t field)
{
    add_low(query, field, CHY_WHERE_NULL, chy_value_null());
}

void chy_query_not_null(struct chy_query *query, uint32_t field)
{
    add_low(query, field, CHY_WHERE_NOT_NULL, chy_value_null());
}

void chy_query_has(struct chy_query *query, uint32_t field, struct chy_slice text)
{
    add_low(query, field, CHY_WHERE_HAS, chy_value_text(text));
}

void chy_query_has_prefix(struct chy_query *query, uint32_t field, struct chy_slice prefix)
{
    add_low(query, field, CHY_WHERE_HAS_PREFIX, chy_value_text(prefix));
}

void chy_query_order(struct chy_query *query, uint32_t field, bool descending)
{
    assert(query->order_count < CHY_STORAGE_KEY_FIELDS_MAX);
    query->orders[query->order_count].field = field;
    query->orders[query->order_count].descending = descending ? 1 : 0;
    query->order_count++;
}

chy_status chy_query_run(struct chy_query *query, struct chy_storage *storage,
                         struct chy_storage_page *out_page)
{
    if (query->failed) {
        return chy_fail_memory(query->op);
    }
    query->find.where =
        chy_view_of(query->predicates, query->predicate_count, sizeof *query->predicates);
    query->find.order = chy_view_of(query->orders, query->order_count, sizeof query->orders[0]);
    return chy_storage_find(storage, query->op, &query->find, out_page);
}
