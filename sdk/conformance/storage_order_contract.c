/** find: orders, null's place in them, and cursors that see each row once. */
#include "storage_fixture.h"

#include <stdlib.h>

#define MODEL_ROWS 160U
#define ROUNDS 150U

/* --- a model: the same answers, the slow and plain way -----------------------------------------*/

/** What a thing holds, as the test knows it; INT64_MIN stands for null. */
struct model {
    uint64_t id;
    char name[8];
    int64_t size;
    int64_t weight;
    int64_t flag;
    int64_t made;
    bool tagged;
};

static struct model rows[MODEL_ROWS];

/** next_number is a fixed sequence: the same finds in each run. */
static uint32_t next_number(uint32_t below)
{
    static uint64_t state = 88172645463325252U;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state >> 33) % below;
}

static void make_rows(void)
{
    store_made();
    struct batch *b = NULL;
    for (uint64_t i = 0; i < MODEL_ROWS; i++) {
        struct model *m = &rows[i];
        m->id = (i * 7919) % 100003;
        (void)snprintf(m->name, sizeof m->name, "%c%u", "abA"[next_number(3)], next_number(4));
        m->size = next_number(5);
        m->weight = next_number(3) == 0 ? INT64_MIN : (int64_t)next_number(4) - 2;
        m->flag = next_number(2);
        m->made = next_number(40);
        m->tagged = next_number(3) == 0;
        b = i % 80 == 0 ? batch_new(op_new()) : b;
        struct chy_storage_write *write = batch_insert(b, m->id);
        batch_set(b, write, NAME, text_value(m->name));
        batch_set(b, write, SIZE, int_value(m->size));
        if (m->weight != INT64_MIN) {
            batch_set(b, write, WEIGHT, int_value(m->weight));
        }
        batch_set(b, write, FLAG, bool_value(m->flag));
        batch_set(b, write, MADE, time_value(m->made));
        if (m->tagged) {
            batch_set(b, write, TAGS, many_value(b->op, "tag", m->name, NULL));
        }
        if (b->batch.writes.count == 80) {
            EXPECT(b->op, batch_run(b), CHY_OK);
        }
    }
}

static int64_t number_in(const struct model *m, uint32_t field)
{
    return field == SIZE     ? m->size
           : field == WEIGHT ? m->weight
           : field == FLAG   ? m->flag
           : field == MADE   ? m->made
                             : (int64_t)m->id;
}

static const struct chy_storage_find *sorted_by;

static int compare_models(const void *a, const void *b)
{
    const struct model *first = a;
    const struct model *second = b;
    for (uint64_t i = 0; i < sorted_by->order.count; i++) {
        const struct chy_order *order = element_at(sorted_by->order, i);
        int result = 0;
        if (order->field == NAME) {
            result = strcmp(first->name, second->name);
        } else {
            int64_t x = number_in(first, order->field);
            int64_t y = number_in(second, order->field);
            result = (x > y) - (x < y); // INT64_MIN is null, and sorts first
        }
        if (result != 0) {
            return order->descending != 0 ? -result : result;
        }
    }
    return (first->id > second->id) - (first->id < second->id);
}

static bool model_matches(const struct model *m, struct chy_view where)
{
    for (uint64_t i = 0; i < where.count; i++) {
        const struct chy_predicate *p = element_at(where, i);
        int64_t number = number_in(m, p->field);
        bool holds = true;
        switch ((enum chy_predicate_kind)p->kind) {
        case CHY_WHERE_EQ: holds = number == p->low.number; break;
        case CHY_WHERE_RANGE: holds = number >= p->low.number && number < p->high.number; break;
        case CHY_WHERE_PREFIX: holds = m->name[0] == (char)p->low.bytes.ptr[0]; break;
        case CHY_WHERE_NULL: holds = number == INT64_MIN; break;
        case CHY_WHERE_NOT_NULL: holds = number != INT64_MIN; break;
        case CHY_WHERE_HAS: holds = m->tagged; break;
        case CHY_WHERE_IN:
        case CHY_WHERE_HAS_PREFIX: break;
        }
        if (!holds) {
            return false;
        }
    }
    return true;
}

/** random_where fills up to three predicates. */
static uint64_t random_where(struct chy_predicate *where)
{
    uint64_t count = next_number(4);
    for (uint64_t i = 0; i < count; i++) {
        switch (next_number(7)) {
        case 0:
            where[i] = (struct chy_predicate){
                .field = FLAG, .kind = CHY_WHERE_EQ, .low = bool_value(next_number(2))};
            break;
        case 1:
            where[i] = (struct chy_predicate){
                .field = WEIGHT, .kind = CHY_WHERE_EQ, .low = int_value(next_number(4))};
            break;
        case 2:
            where[i] = (struct chy_predicate){.field = MADE,
                                              .kind = CHY_WHERE_RANGE,
                                              .low = time_value(next_number(20)),
                                              .high = time_value(15 + next_number(25))};
            break;
        case 3:
            where[i] = (struct chy_predicate){
                .field = NAME, .kind = CHY_WHERE_PREFIX, .low = text_value("a")};
            break;
        case 4: where[i] = (struct chy_predicate){.field = WEIGHT, .kind = CHY_WHERE_NULL}; break;
        case 5:
            where[i] = (struct chy_predicate){.field = WEIGHT, .kind = CHY_WHERE_NOT_NULL};
            break;
        default:
            where[i] = (struct chy_predicate){
                .field = TAGS, .kind = CHY_WHERE_HAS, .low = text_value("tag")};
            break;
        }
    }
    return count;
}

static uint64_t random_order(struct chy_order *order)
{
    static const uint32_t fields[] = {NAME, SIZE, WEIGHT, FLAG, MADE, ID};
    uint64_t count = next_number(4);
    for (uint64_t i = 0; i < count; i++) {
        order[i] = (struct chy_order){fields[next_number(6)], next_number(2)};
    }
    return count;
}

/** expect_all_pages pages through `find` and expects the model's rows, in the model's order. */
static void expect_all_pages(struct chy_storage_find *find, unsigned round)
{
    struct chy_op *op = conf_op_new(instance);
    uint64_t at = 0;
    for (bool more = true; more;) {
        struct chy_storage_page page = find_run(op, find);
        ck_assert_uint_le(page.scanned, find->scan_limit);
        for (uint64_t i = 0; i < page.rows.count; i++) {
            while (at < MODEL_ROWS && !model_matches(&rows[at], find->where)) {
                at++;
            }
            ck_assert_msg(at < MODEL_ROWS, "round %u: a row too many", round);
            ck_assert_msg(row_id(&page, i) == rows[at].id, "round %u: row %llu, not %llu", round,
                          (unsigned long long)row_id(&page, i), (unsigned long long)rows[at].id);
            at++;
        }
        find->cursor = page.cursor;
        more = page.more != 0;
    }
    for (; at < MODEL_ROWS; at++) {
        ck_assert_msg(!model_matches(&rows[at], find->where), "round %u: row %llu is missing",
                      round, (unsigned long long)rows[at].id);
    }
    conf_op_free(op);
}

START_TEST(any_filter_in_any_order_pages_as_the_model_says)
{
    make_rows();
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct chy_predicate where[3];
        struct chy_order order[3];
        struct chy_storage_find find = find_new();
        find.where = (struct chy_view){where, random_where(where), sizeof where[0]};
        find.order = (struct chy_view){order, random_order(order), sizeof order[0]};
        find.limit = 1 + next_number(30);
        find.scan_limit = find.limit + next_number(60);
        sorted_by = &find;
        qsort(rows, MODEL_ROWS, sizeof rows[0], compare_models);
        expect_all_pages(&find, round);
    }
}
END_TEST

/* --- single promises ---------------------------------------------------------------------------*/

/** expect_order gives five things the weights null, 2, null, -1, 2, and expects `digits`. */
static void expect_order(const struct chy_order *order, uint64_t count, const char *digits)
{
    struct chy_storage_find find = find_new();
    struct chy_op *op = op_new();
    find.order = (struct chy_view){order, count, sizeof *order};
    for (uint64_t limit = 1; limit <= 6; limit++) {
        char got[16] = "";
        size_t length = 0;
        find.limit = limit;
        find.cursor = chy_slice_of(NULL, 0);
        for (bool more = true; more;) {
            struct chy_storage_page page = find_run(op, &find);
            for (uint64_t i = 0; i < page.rows.count && length < sizeof got - 1; i++) {
                got[length++] = (char)('0' + row_id(&page, i));
            }
            find.cursor = page.cursor;
            more = page.more != 0;
        }
        ck_assert_msg(strcmp(got, digits) == 0, "pages of %llu: %s, not %s",
                      (unsigned long long)limit, got, digits);
    }
}

static void five_weights(void)
{
    store_made();
    struct batch *b = batch_new(op_new());
    for (uint64_t n = 1; n <= 5; n++) {
        struct chy_storage_write *write = batch_insert(b, n);
        if (n != 1 && n != 3) {
            batch_set(b, write, WEIGHT, int_value(n == 4 ? -1 : 2));
        }
        batch_set(b, write, NAME, text_value(n < 3 ? "B" : n < 5 ? "a" : "\xc3\xa9"));
    }
    EXPECT(b->op, batch_run(b), CHY_OK);
}

START_TEST(null_sorts_first_and_the_key_breaks_ties_ascending)
{
    const struct chy_order weight_up[] = {{WEIGHT, 0}};
    const struct chy_order weight_down[] = {{WEIGHT, 1}};
    const struct chy_order flag_weight[] = {{FLAG, 1}, {WEIGHT, 0}};
    const struct chy_order weight_then_key_down[] = {{WEIGHT, 1}, {ID, 1}};
    const struct chy_order key_down[] = {{ID, 1}};
    const struct chy_order name_up[] = {{NAME, 0}};
    const struct chy_order name_down[] = {{NAME, 1}};
    five_weights();
    expect_order(weight_up, 1, "13425");
    expect_order(weight_down, 1, "25413");
    expect_order(flag_weight, 2, "13542");
    expect_order(weight_then_key_down, 2, "52431");
    expect_order(key_down, 1, "54321");
    expect_order(name_up, 1, "12345");
    expect_order(name_down, 1, "53412");
}
END_TEST

START_TEST(rows_that_arrive_meanwhile_are_never_seen_twice)
{
    store_made();
    insert_things(100, 160);
    bool seen[400] = {false};
    const struct chy_order newest[] = {{MADE, (uint32_t)_i}};
    struct chy_storage_find find = find_new();
    find.order = VIEW(newest);
    find.limit = 7;
    uint64_t old_rows = 0;
    uint64_t arriving = 0;
    for (bool more = true; more;) {
        struct chy_op *op = op_new();
        struct chy_storage_page page = find_run(op, &find);
        for (uint64_t i = 0; i < page.rows.count; i++) {
            uint64_t id = row_id(&page, i);
            ck_assert_uint_lt(id, 400);
            ck_assert_msg(!seen[id], "row %llu came twice", (unsigned long long)id);
            seen[id] = true;
            old_rows += id >= 100 && id <= 160;
        }
        find.cursor = page.cursor;
        more = page.more != 0;
        if (arriving < 20) {
            insert_things(50 + arriving, 50 + arriving);
            insert_things(200 + arriving, 200 + arriving);
            arriving++;
        }
    }
    ck_assert_uint_eq(old_rows, 61);
}
END_TEST

START_TEST(a_cursor_survives_the_deletion_of_its_row)
{
    store_made();
    insert_things(1, 9);
    struct chy_op *op = op_new();
    struct chy_storage_find find = find_new();
    find.limit = 4;
    find.cursor = find_run(op, &find).cursor;
    struct batch *b = batch_new(op);
    batch_thing(b, CHY_WRITE_DELETE, 4);
    batch_thing(b, CHY_WRITE_DELETE, 5);
    EXPECT(op, batch_run(b), CHY_OK);
    struct chy_storage_page page = find_run(op, &find);
    ck_assert_uint_eq(row_id(&page, 0), 6);
}
END_TEST

START_TEST(compound_keys_order_field_by_field)
{
    static const uint32_t fields[] = {SCOPE, DAY};
    static const struct {
        const char *scope;
        int64_t day;
    } sorted[] = {{"", 5}, {"a", -3}, {"a", 2}, {"a", 10}, {"ab", 1}, {"b", 0}};
    store_made();
    struct batch *b = batch_new(op_new());
    for (int i = 5; i >= 0; i--) {
        batch_add(b, sorted[i].scope, sorted[i].day, 1);
    }
    EXPECT(b->op, batch_run(b), CHY_OK);
    struct chy_op *op = op_new();
    struct chy_storage_find find = {.struct_size = sizeof find,
                                    .collection = COUNTERS,
                                    .limit = 1,
                                    .scan_limit = 10,
                                    .fields = VIEW(fields)};
    for (int i = 0; i < 6; i++) {
        struct chy_storage_page page = find_run(op, &find);
        ck_assert_uint_eq(page.rows.count, 1);
        ck_assert_msg(chy_slice_is(row_value(&page, 0, 0)->bytes, sorted[i].scope), "row %d", i);
        ck_assert_int_eq(row_value(&page, 0, 1)->number, sorted[i].day);
        find.cursor = page.cursor;
    }
}
END_TEST

TCase *storage_order_tests(void)
{
    TCase *tests = tcase_create("order");
    tcase_set_timeout(tests, 120);
    tcase_add_checked_fixture(tests, NULL, store_close);
    tcase_add_test(tests, null_sorts_first_and_the_key_breaks_ties_ascending);
    tcase_add_loop_test(tests, rows_that_arrive_meanwhile_are_never_seen_twice, 0, 2);
    tcase_add_test(tests, a_cursor_survives_the_deletion_of_its_row);
    tcase_add_test(tests, compound_keys_order_field_by_field);
    tcase_add_test(tests, any_filter_in_any_order_pages_as_the_model_says);
    return tests;
}
