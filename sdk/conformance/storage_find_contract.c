/** find: predicates, pages, limits. */
#include "storage_fixture.h"

/**
 * Nine things: 1 … 9.  WEIGHT is null for the odd ones and n otherwise; NOTE is null for 1 to 3,
 * and otherwise a word; TAGS of n hold "all", "even" or "odd", and "n<number>".
 */
static void nine_things(void)
{
    static const char *const notes[] = {"apple", "apricot", "banana", "app", "Apple", "b"};
    store_made();
    struct batch *b = batch_new(op_new());
    for (uint64_t n = 1; n <= 9; n++) {
        struct chy_storage_write *write = batch_insert(b, n);
        char *number = conf_must(chy_alloc(b->op, 8));
        (void)snprintf(number, 8, "n%u", (unsigned)n);
        if (n % 2 == 0) {
            batch_set(b, write, WEIGHT, int_value((int64_t)n));
        }
        if (n > 3) {
            batch_set(b, write, NOTE, text_value(notes[n - 4]));
        }
        batch_set(b, write, TAGS,
                  many_value(b->op, "all", n % 2 == 0 ? "even" : "odd", number, NULL));
        batch_set(b, write, OWNER, uuid_value(b->op, 100 + n % 3));
    }
    EXPECT(b->op, batch_run(b), CHY_OK);
}

/** expect_found runs a find and expects the things in `digits`, in that order. */
static void expect_found(const struct chy_storage_find *find, const char *digits)
{
    struct chy_op *op = op_new();
    struct chy_storage_page page = find_run(op, find);
    char got[32] = "";
    for (uint64_t i = 0; i < page.rows.count && i < 30; i++) {
        got[i] = (char)('0' + row_id(&page, i));
    }
    ck_assert_msg(strcmp(got, digits) == 0, "found %s, not %s", got, digits);
}

static void expect_where(const struct chy_predicate *predicates, uint64_t count, const char *digits)
{
    struct chy_storage_find find = find_new();
    find.where = (struct chy_view){predicates, count, sizeof *predicates};
    expect_found(&find, digits);
}

static void expect_one(uint32_t field, enum chy_predicate_kind kind, struct chy_value low,
                       const char *digits)
{
    const struct chy_predicate p = {.field = field, .kind = (uint32_t)kind, .low = low};
    expect_where(&p, 1, digits);
}

static void expect_range(uint32_t field, struct chy_value low, struct chy_value high,
                         const char *digits)
{
    const struct chy_predicate p = {
        .field = field, .kind = CHY_WHERE_RANGE, .low = low, .high = high};
    expect_where(&p, 1, digits);
}

START_TEST(no_predicate_finds_all_in_the_order_of_the_key)
{
    expect_where(NULL, 0, "123456789");
}
END_TEST

START_TEST(eq_finds_what_equals)
{
    struct chy_op *op = op_new();
    expect_one(SIZE, CHY_WHERE_EQ, int_value(4), "4");
    expect_one(SIZE, CHY_WHERE_EQ, int_value(40), "");
    expect_one(NAME, CHY_WHERE_EQ, text_value("thing-000007"), "7");
    expect_one(FLAG, CHY_WHERE_EQ, bool_value(0), "2468");
    expect_one(MADE, CHY_WHERE_EQ, time_value(9000), "9");
    expect_one(OWNER, CHY_WHERE_EQ, uuid_value(op, 101), "147");
    expect_one(NOTE, CHY_WHERE_EQ, text_value("app"), "7");
    expect_one(ID, CHY_WHERE_EQ, uuid_value(op, 3), "3");
}
END_TEST

START_TEST(null_equals_nothing)
{
    expect_one(WEIGHT, CHY_WHERE_EQ, null_value(), "");
    const struct chy_value values[] = {null_value(), int_value(4)};
    const struct chy_predicate p = {.field = WEIGHT, .kind = CHY_WHERE_IN, .values = VIEW(values)};
    expect_where(&p, 1, "4");
}
END_TEST

START_TEST(in_finds_what_equals_one_of_several)
{
    const struct chy_value numbers[] = {int_value(8), int_value(2), int_value(2), int_value(77)};
    struct chy_predicate p = {.field = SIZE, .kind = CHY_WHERE_IN, .values = VIEW(numbers)};
    expect_where(&p, 1, "28");
    p.field = WEIGHT;
    expect_where(&p, 1, "28");
    p.values.count = 0;
    expect_where(&p, 1, "");
    struct chy_value many[CHY_STORAGE_IN_MAX + 1];
    for (int64_t i = 0; i <= (int64_t)CHY_STORAGE_IN_MAX; i++) {
        many[i] = int_value(i + 5);
    }
    p.values = (struct chy_view){many, CHY_STORAGE_IN_MAX, sizeof many[0]};
    p.field = SIZE;
    expect_where(&p, 1, "56789");
    p.values.count++;
    struct chy_storage_find find = find_new();
    find.where = ONE(p);
    struct chy_storage_page page = {.struct_size = sizeof page};
    struct chy_op *op = op_new();
    EXPECT(op, ops->find(self, op, &find, &page), CHY_BAD_INPUT);
}
END_TEST

START_TEST(range_takes_the_low_end_and_leaves_the_high)
{
    expect_range(SIZE, int_value(3), int_value(6), "345");
    expect_range(SIZE, int_value(6), int_value(3), "");
    expect_range(SIZE, null_value(), int_value(3), "12");
    expect_range(SIZE, int_value(8), null_value(), "89");
    expect_range(MADE, time_value(2000), time_value(4000), "23");
    expect_range(NAME, text_value("thing-000008"), null_value(), "89");
    expect_range(SIZE, int_value(INT64_MIN), int_value(INT64_MAX), "123456789");
}
END_TEST

START_TEST(null_is_outside_every_range)
{
    expect_range(WEIGHT, null_value(), null_value(), "2468");
    expect_range(WEIGHT, null_value(), int_value(5), "24");
    expect_range(NOTE, null_value(), text_value("zzz"), "456789");
}
END_TEST

START_TEST(prefix_is_bytewise)
{
    expect_one(NOTE, CHY_WHERE_PREFIX, text_value("app"), "47");
    expect_one(NOTE, CHY_WHERE_PREFIX, text_value("ap"), "457");
    expect_one(NOTE, CHY_WHERE_PREFIX, text_value("A"), "8");
    expect_one(NOTE, CHY_WHERE_PREFIX, text_value(""), "456789");
    expect_one(NOTE, CHY_WHERE_PREFIX, text_value("%"), "");
    expect_one(NOTE, CHY_WHERE_PREFIX, text_value("_pp"), "");
    expect_one(NAME, CHY_WHERE_PREFIX, text_value("thing-00000"), "123456789");
}
END_TEST

START_TEST(prefix_works_past_the_last_ascii_character)
{
    static const char *const names[] = {"\x7f", "\x7f\x7f", "\xc2\x80", "\xf4\x8f\xbf\xbf",
                                        "\xf4\x8f\xbf\xbfz"};
    struct batch *b = batch_new(op_new());
    for (uint64_t n = 1; n <= 5; n++) {
        batch_set(b, batch_thing(b, CHY_WRITE_UPDATE, n), NAME, text_value(names[n - 1]));
    }
    EXPECT(b->op, batch_run(b), CHY_OK);
    expect_one(NAME, CHY_WHERE_PREFIX, text_value("\x7f"), "12");
    expect_one(NAME, CHY_WHERE_PREFIX, text_value("\xf4\x8f\xbf\xbf"), "45");
}
END_TEST

START_TEST(null_and_not_null)
{
    expect_one(WEIGHT, CHY_WHERE_NULL, null_value(), "13579");
    expect_one(WEIGHT, CHY_WHERE_NOT_NULL, null_value(), "2468");
    expect_one(SIZE, CHY_WHERE_NULL, null_value(), "");
    expect_one(BODY, CHY_WHERE_NULL, null_value(), "123456789");
}
END_TEST

START_TEST(has_looks_into_sets)
{
    expect_one(TAGS, CHY_WHERE_HAS, text_value("odd"), "13579");
    expect_one(TAGS, CHY_WHERE_HAS, text_value("all"), "123456789");
    expect_one(TAGS, CHY_WHERE_HAS, text_value("n4"), "4");
    expect_one(TAGS, CHY_WHERE_HAS, text_value("n"), "");
    expect_one(LABELS, CHY_WHERE_HAS, text_value("odd"), "");
    expect_one(TAGS, CHY_WHERE_HAS_PREFIX, text_value("n"), "123456789");
    expect_one(TAGS, CHY_WHERE_HAS_PREFIX, text_value("ev"), "2468");
    expect_one(TAGS, CHY_WHERE_HAS_PREFIX, text_value(""), "123456789");
    expect_one(TAGS, CHY_WHERE_HAS_PREFIX, text_value("x"), "");
}
END_TEST

START_TEST(has_forgets_what_a_set_has_lost)
{
    struct batch *b = batch_new(op_new());
    batch_set(b, batch_thing(b, CHY_WRITE_UPDATE, 3), TAGS, many_value(b->op, "all", NULL));
    batch_thing(b, CHY_WRITE_DELETE, 5);
    EXPECT(b->op, batch_run(b), CHY_OK);
    expect_one(TAGS, CHY_WHERE_HAS, text_value("odd"), "179");
    expect_one(TAGS, CHY_WHERE_HAS, text_value("all"), "12346789");
}
END_TEST

START_TEST(predicates_are_anded)
{
    const struct chy_predicate where[] = {
        {.field = FLAG, .kind = CHY_WHERE_EQ, .low = bool_value(0)},
        {.field = SIZE, .kind = CHY_WHERE_RANGE, .low = int_value(3), .high = int_value(9)},
        {.field = TAGS, .kind = CHY_WHERE_HAS, .low = text_value("even")},
        {.field = NOTE, .kind = CHY_WHERE_PREFIX, .low = text_value("a")},
        {.field = SIZE, .kind = CHY_WHERE_RANGE, .low = int_value(0), .high = int_value(5)},
    };
    expect_where(where, 2, "468");
    expect_where(where, 3, "468");
    expect_where(where, 4, "4");
    expect_where(where, 5, "4");
    const struct chy_predicate never[] = {
        {.field = FLAG, .kind = CHY_WHERE_EQ, .low = bool_value(0)},
        {.field = FLAG, .kind = CHY_WHERE_EQ, .low = bool_value(1)},
    };
    expect_where(never, 2, "");
}
END_TEST

START_TEST(what_cannot_be_asked_is_refused)
{
    const struct chy_order by_set = {TAGS, 0};
    const struct chy_order by_json = {DOCUMENT, 0};
    const struct chy_predicate bad[] = {
        {.field = DOCUMENT, .kind = CHY_WHERE_EQ, .low = bytes_value(CHY_VALUE_JSON, "{}", 2)},
        {.field = TAGS, .kind = CHY_WHERE_EQ, .low = text_value("all")},
        {.field = NOTE, .kind = CHY_WHERE_HAS, .low = text_value("all")},
        {.field = SIZE, .kind = CHY_WHERE_PREFIX, .low = text_value("1")},
        {.field = SIZE, .kind = CHY_WHERE_EQ, .low = text_value("1")},
        {.field = NOTE, .kind = CHY_WHERE_PREFIX, .low = null_value()},
        {.field = THING_FIELDS, .kind = CHY_WHERE_NULL},
        {.field = NOTE, .kind = 99},
        {.field = NOTE, .kind = 0},
        {.field = NOTE, .kind = CHY_WHERE_EQ, .low = bytes_value(CHY_VALUE_TEXT, "\xff", 1)},
    };
    struct chy_storage_page page = {.struct_size = sizeof page, .scanned = 55};
    struct chy_op *op = op_new();
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct chy_storage_find find = find_new();
        find.where = ONE(bad[i]);
        EXPECT(op, ops->find(self, op, &find, &page), CHY_BAD_INPUT);
    }
    for (int i = 0; i < 7; i++) {
        struct chy_storage_find find = find_new();
        switch (i) {
        case 0: find.limit = 0; break;
        case 1: find.limit = CHY_STORAGE_PAGE_MAX + 1; break;
        case 2: find.scan_limit = find.limit - 1; break;
        case 3: find.skip = CHY_STORAGE_SKIP_MAX + 1; break;
        case 4: find.order = ONE(by_set); break;
        case 5: find.order = ONE(by_json); break;
        default: find.collection = COLLECTIONS; break;
        }
        EXPECT(op, ops->find(self, op, &find, &page), CHY_BAD_INPUT);
    }
    ck_assert_uint_eq(page.scanned, 55);
}
END_TEST

START_TEST(pages_hold_at_most_the_limit_and_read_on)
{
    struct chy_op *op = op_new();
    struct chy_storage_find find = find_new();
    find.limit = 4;
    struct chy_storage_page page = find_run(op, &find);
    ck_assert_uint_eq(page.rows.count, 4);
    ck_assert_uint_eq(page.more, 1);
    ck_assert_uint_eq(row_id(&page, 3), 4);
    find.cursor = page.cursor;
    page = find_run(op, &find);
    ck_assert_uint_eq(page.rows.count, 4);
    ck_assert_uint_eq(row_id(&page, 0), 5);
    find.cursor = page.cursor;
    page = find_run(op, &find);
    ck_assert_uint_eq(page.rows.count, 1);
    ck_assert_uint_eq(page.more, 0);
}
END_TEST

START_TEST(a_cursor_may_be_used_again)
{
    struct chy_op *op = op_new();
    struct chy_storage_find find = find_new();
    find.limit = 4;
    find.cursor = find_run(op, &find).cursor;
    for (int i = 0; i < 3; i++) {
        struct chy_storage_page page = find_run(op, &find);
        ck_assert_uint_eq(row_id(&page, 0), 5);
    }
}
END_TEST

START_TEST(skip_leaves_rows_out)
{
    struct chy_storage_find find = find_new();
    const struct chy_predicate odd = {.field = FLAG, .kind = CHY_WHERE_EQ, .low = bool_value(1)};
    find.skip = 7;
    expect_found(&find, "89");
    find.skip = 9;
    expect_found(&find, "");
    find.where = ONE(odd);
    find.skip = 2;
    find.limit = 2;
    expect_found(&find, "57");
    find.skip = CHY_STORAGE_SKIP_MAX;
    expect_found(&find, "");
}
END_TEST

START_TEST(a_cursor_and_skip_exclude_each_other)
{
    struct chy_op *op = op_new();
    struct chy_storage_find find = find_new();
    find.limit = 2;
    struct chy_storage_page page = find_run(op, &find);
    find.cursor = page.cursor;
    find.skip = 1;
    EXPECT(op, ops->find(self, op, &find, &page), CHY_BAD_INPUT);
}
END_TEST

START_TEST(a_cursor_that_no_page_gave_is_refused)
{
    struct chy_op *op = op_new();
    struct chy_storage_find find = find_new();
    find.limit = 2;
    struct chy_storage_page page = find_run(op, &find);
    struct chy_slice good = page.cursor;
    uint8_t *bad = conf_must(chy_alloc(op, good.len + 1));
    for (uint64_t len = 1; len < good.len; len++) {
        memcpy(bad, good.ptr, (size_t)len);
        find.cursor = chy_slice_of(bad, len);
        EXPECT(op, ops->find(self, op, &find, &page), CHY_BAD_INPUT);
    }
    memcpy(bad, good.ptr, (size_t)good.len);
    find.cursor = chy_slice_of(bad, good.len + 1);
    EXPECT(op, ops->find(self, op, &find, &page), CHY_BAD_INPUT);
    find.cursor = chy_text("nonsense");
    EXPECT(op, ops->find(self, op, &find, &page), CHY_BAD_INPUT);
    // One from another order, and one from another collection.
    const struct chy_order by_name = {NAME, 0};
    find.cursor = good;
    find.order = ONE(by_name);
    EXPECT(op, ops->find(self, op, &find, &page), CHY_BAD_INPUT);
    find = find_new();
    find.cursor = good;
    find.collection = LEASES;
    find.fields.count = 0;
    EXPECT(op, ops->find(self, op, &find, &page), CHY_BAD_INPUT);
}
END_TEST

START_TEST(scan_limit_ends_a_page_even_without_a_row)
{
    static const uint32_t id_field[] = {ID};
    store_close();
    store_made();
    insert_things(1, 300);
    // SIZE has no index of its own: the rows are examined one by one.
    const struct chy_predicate last = {.field = SIZE, .kind = CHY_WHERE_EQ, .low = int_value(290)};
    struct chy_op *op = op_new();
    struct chy_storage_find find = find_new();
    find.fields = VIEW(id_field);
    find.where = ONE(last);
    find.limit = 10;
    find.scan_limit = 50;
    uint64_t found = 0;
    uint64_t pages = 0;
    for (bool more = true; more; pages++) {
        struct chy_storage_page page = find_run(op, &find);
        ck_assert_uint_le(page.scanned, 50);
        ck_assert_uint_le(pages, 10);
        found += page.rows.count;
        if (pages == 0) {
            ck_assert_uint_eq(page.rows.count, 0);
            ck_assert_uint_eq(page.more, 1);
        }
        find.cursor = page.cursor;
        more = page.more != 0;
    }
    ck_assert_uint_eq(found, 1);
    ck_assert_uint_ge(pages, 6);
}
END_TEST

START_TEST(rows_carry_revision_and_fields)
{
    static const uint32_t fields[] = {ID, WEIGHT, TAGS, NOTE};
    struct batch *b = batch_new(op_new());
    batch_set(b, batch_thing(b, CHY_WRITE_UPDATE, 2), WEIGHT, int_value(22));
    EXPECT(b->op, batch_run(b), CHY_OK);
    struct chy_op *op = op_new();
    struct chy_storage_find find = find_new();
    find.fields = VIEW(fields);
    struct chy_storage_page page = find_run(op, &find);
    ck_assert_uint_eq(((const struct chy_storage_row *)element_at(page.rows, 0))->revision, 1);
    ck_assert_uint_eq(((const struct chy_storage_row *)element_at(page.rows, 1))->revision, 2);
    ck_assert_uint_eq(row_value(&page, 0, 1)->type, CHY_VALUE_NULL);
    ck_assert_int_eq(row_value(&page, 1, 1)->number, 22);
    ck_assert_uint_eq(row_value(&page, 1, 2)->items.count, 3);
    ck_assert(chy_slice_is(row_value(&page, 3, 3)->bytes, "apple"));
    find.fields.count = 0;
    page = find_run(op, &find);
    ck_assert_uint_eq(page.rows.count, 9);
    ck_assert_uint_eq(((const struct chy_storage_row *)element_at(page.rows, 1))->revision, 2);
}
END_TEST

START_TEST(stale_ok_changes_nothing_here)
{
    struct chy_storage_find find = find_new();
    find.flags = CHY_READ_STALE_OK;
    struct chy_op *op = op_new();
    struct chy_storage_page page = {.struct_size = sizeof page};
    EXPECT(op, ops->find(self, op, &find, &page), CHY_OK);
}
END_TEST

TCase *storage_find_tests(void)
{
    TCase *tests = tcase_create("find");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, nine_things, store_close);
    tcase_add_test(tests, no_predicate_finds_all_in_the_order_of_the_key);
    tcase_add_test(tests, eq_finds_what_equals);
    tcase_add_test(tests, null_equals_nothing);
    tcase_add_test(tests, in_finds_what_equals_one_of_several);
    tcase_add_test(tests, range_takes_the_low_end_and_leaves_the_high);
    tcase_add_test(tests, null_is_outside_every_range);
    tcase_add_test(tests, prefix_is_bytewise);
    tcase_add_test(tests, prefix_works_past_the_last_ascii_character);
    tcase_add_test(tests, null_and_not_null);
    tcase_add_test(tests, has_looks_into_sets);
    tcase_add_test(tests, has_forgets_what_a_set_has_lost);
    tcase_add_test(tests, predicates_are_anded);
    tcase_add_test(tests, what_cannot_be_asked_is_refused);
    tcase_add_test(tests, pages_hold_at_most_the_limit_and_read_on);
    tcase_add_test(tests, a_cursor_may_be_used_again);
    tcase_add_test(tests, skip_leaves_rows_out);
    tcase_add_test(tests, a_cursor_and_skip_exclude_each_other);
    tcase_add_test(tests, a_cursor_that_no_page_gave_is_refused);
    tcase_add_test(tests, scan_limit_ends_a_page_even_without_a_row);
    tcase_add_test(tests, rows_carry_revision_and_fields);
    tcase_add_test(tests, stale_ok_changes_nothing_here);
    return tests;
}
