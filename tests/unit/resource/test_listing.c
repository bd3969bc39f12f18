#include "resource/listing.h"

#include "resource/collections.h"
#include "test_main.h"
#include "test_runtime.h"

#include <stdio.h>

/** Denials are small rows: their sources are what is listed here, by the key's order. */
static chy_status list_sources(struct chy_call *call)
{
    struct chy_listing listing;
    struct chy_list_page page;
    struct chy_slice node = chy_json_member(call->document, "node");
    json_t *list = chy_json_array(call->op);
    static const uint32_t fields[] = {CHY_DENIAL_SOURCE};
    CHY_TRY(chy_listing_init(&listing, call, CHY_C_DENIALS,
                             chy_view_of(fields, 1, sizeof fields[0]), 20));
    if (node.len != 0) {
        chy_query_eq(&listing.query, CHY_DENIAL_NODE, chy_value_text(node));
    }
    listing.has_total = json_object_get(call->document, "counted") != NULL;
    listing.total = 123456;
    CHY_TRY(chy_listing_run(&listing, &page));
    for (uint64_t i = 0; i < page.count; i++) {
        struct chy_slice source = chy_row_text(page.rows[i], 0);
        (void)json_array_append_new(list,
                                    json_stringn((const char *)source.ptr, (size_t)source.len));
    }
    return chy_listing_answer(call, "sources", list, &page);
}

#define SHAPE "{\"type\":\"object\",\"properties\":{" CHY_PAGE_MEMBERS "}}"

static const struct chy_action actions[] = {{"list", NULL, 0, SHAPE, list_sources},
                                            {"other", NULL, 0, SHAPE, list_sources}};
static const struct chy_kind kind_denial = {.name = "denials",
                                            .what = "denial",
                                            .subject = CHY_SUBJECT_PROJECTS,
                                            .audit = "denial",
                                            .collection = CHY_C_DENIALS,
                                            .project_field = CHY_NO_FIELD,
                                            .search_field = CHY_NO_FIELD,
                                            .actions = actions,
                                            .action_count = CHY_COUNT_OF(actions)};
static const struct chy_kind *const kinds[] = {&kind_denial};

static struct test_runtime *test;
static struct chy_op *op;

/** fill makes `count` rows of a node whose sources are numbers from `first` on. */
static void fill(unsigned first, unsigned count, const char *node)
{
    struct chy_op *own = test_runtime_op_as(test, test_runtime_admin());
    for (unsigned done = 0; done < count;) {
        struct chy_batch batch;
        chy_batch_init(&batch, own, 0);
        for (unsigned i = 0; i < 250 && done < count; i++, done++) {
            char text[16];
            struct chy_slice source;
            (void)snprintf(text, sizeof text, "%06u", first + done);
            ck_assert_int_eq(chy_copy(own, chy_text(text), &source), CHY_OK);
            struct chy_write *write = chy_batch_insert(
                &batch, CHY_C_DENIALS,
                CHY_KEY(chy_value_text(source), chy_value_int(1), chy_value_text(chy_text(node))));
            chy_write_set(write, CHY_DENIAL_COUNT, chy_value_int(1));
        }
        ck_assert_int_eq(chy_batch_commit(&batch, test_runtime_of(test)->storage, NULL), CHY_OK);
        test_runtime_op_end(own);
        own = test_runtime_op_as(test, test_runtime_admin());
    }
    test_runtime_op_end(own);
}

static void open_with(unsigned count)
{
    test = test_runtime_new(kinds, CHY_COUNT_OF(kinds));
    fill(0, count, "a");
    op = test_runtime_op_as(test, test_runtime_admin());
}

static void close_all(void)
{
    test_runtime_op_end(op);
    test_runtime_free(test);
}

static json_t *page_of(const char *document)
{
    json_t *answer;
    test_runtime_op_end(op);
    op = test_runtime_op_as(test, test_runtime_admin());
    chy_status status = test_call(test, op, "denials", "list", NULL, document, &answer);
    ck_assert_msg(status == CHY_OK, "%s", test_message(op));
    return answer;
}

static size_t rows_of(const json_t *page)
{
    return json_array_size(json_object_get(page, "sources"));
}

static const char *row_of(const json_t *page, size_t i)
{
    return json_string_value(json_array_get(json_object_get(page, "sources"), i));
}

/** with_cursor makes a document that reads on after `page`. */
static const char *with_cursor(const json_t *page, const char *more)
{
    static char text[4096];
    const char *cursor = json_string_value(json_object_get(page, "cursor"));
    ck_assert_ptr_nonnull(cursor);
    (void)snprintf(text, sizeof text, "{\"cursor\":\"%s\"%s}", cursor, more);
    return text;
}

START_TEST(a_small_list_is_counted_exactly)
{
    open_with(50);
    json_t *page = page_of("{\"offset\":30,\"limit\":15}");
    ck_assert_uint_eq(rows_of(page), 15);
    ck_assert_str_eq(row_of(page, 0), "000030");
    ck_assert_int_eq(test_number(page, "totalCount"), 50);
    page = page_of("{\"offset\":45,\"limit\":15}");
    ck_assert_uint_eq(rows_of(page), 5);
    ck_assert_int_eq(test_number(page, "totalCount"), 50);
    ck_assert_ptr_null(json_object_get(page, "cursor"));
    page = page_of("{\"offset\":60}");
    ck_assert_uint_eq(rows_of(page), 0);
    ck_assert_int_eq(test_number(page, "totalCount"), 50);
    close_all();
}
END_TEST

START_TEST(a_cursor_reads_on_to_the_end)
{
    unsigned seen = 0;
    open_with(50);
    json_t *page = page_of("{\"limit\":20}");
    while (true) {
        for (size_t i = 0; i < rows_of(page); i++, seen++) {
            char expected[16];
            (void)snprintf(expected, sizeof expected, "%06u", seen);
            ck_assert_str_eq(row_of(page, i), expected);
        }
        ck_assert_int_eq(test_number(page, "totalCount"), 50);
        if (json_object_get(page, "cursor") == NULL) {
            break;
        }
        page = page_of(with_cursor(page, ",\"limit\":15"));
    }
    ck_assert_uint_eq(seen, 50);
    close_all();
}
END_TEST

START_TEST(a_cursor_belongs_to_its_list_and_conditions)
{
    open_with(50);
    char document[4096];
    json_t *page = page_of("{\"limit\":20,\"node\":\"a\"}");
    (void)snprintf(document, sizeof document, "%s", with_cursor(page, ",\"node\":\"a\""));
    ck_assert_uint_eq(rows_of(page_of(document)), 20);
    page = page_of("{\"limit\":20,\"node\":\"a\"}");
    const char *wrong[] = {with_cursor(page, ""), "{\"cursor\":\"AAAA\"}", "{\"cursor\":\"!\"}"};
    for (size_t i = 0; i < CHY_COUNT_OF(wrong); i++) {
        ck_assert_int_eq(test_call(test, op, "denials", "list", NULL, wrong[i], NULL),
                         CHY_BAD_INPUT);
    }
    ck_assert_int_eq(test_call(test, op, "denials", "other", NULL, document, NULL), CHY_BAD_INPUT);
    char *middle = strstr(document, "\":\"") + 10;
    *middle = *middle == 'A' ? 'B' : 'A';
    ck_assert_int_eq(test_call(test, op, "denials", "list", NULL, document, NULL), CHY_BAD_INPUT);
    ck_assert_int_eq(test_reason(op), 0);
    page = page_of("{\"limit\":20}");
    ck_assert_int_eq(
        test_call(test, op, "denials", "list", NULL, with_cursor(page, ",\"offset\":1"), NULL),
        CHY_BAD_INPUT);
    close_all();
}
END_TEST

START_TEST(beyond_ten_thousand_only_a_cursor_goes)
{
    open_with(10150);
    json_t *page = page_of("{\"limit\":100}");
    ck_assert_int_eq(test_number(page, "totalCount"), 10000);
    page = page_of("{\"offset\":9950,\"limit\":100}");
    ck_assert_str_eq(row_of(page, 0), "009950");
    ck_assert_int_eq(test_number(page, "totalCount"), 10051);
    page = page_of("{\"offset\":10000,\"limit\":100}");
    ck_assert_int_eq(test_number(page, "totalCount"), 10101);
    page = page_of(with_cursor(page, ",\"limit\":100"));
    ck_assert_str_eq(row_of(page, 0), "010100");
    ck_assert_uint_eq(rows_of(page), 50);
    ck_assert_int_eq(test_number(page, "totalCount"), 10150);
    ck_assert_int_eq(test_call(test, op, "denials", "list", NULL, "{\"offset\":10001}", NULL),
                     CHY_BAD_INPUT);
    ck_assert_ptr_nonnull(strstr(test_message(op), "cursor"));
    ck_assert_int_eq(test_number(page_of("{\"counted\":1}"), "totalCount"), 123456);
    close_all();
}
END_TEST

START_TEST(what_is_examined_is_bounded)
{
    open_with(10150);
    fill(20000, 3, "rare");
    json_t *page = page_of("{\"node\":\"rare\",\"limit\":2}");
    ck_assert_uint_eq(rows_of(page), 0);
    ck_assert_int_eq(test_number(page, "totalCount"), 1);
    page = page_of(with_cursor(page, ",\"node\":\"rare\",\"limit\":2"));
    ck_assert_uint_eq(rows_of(page), 2);
    ck_assert_int_eq(test_number(page, "totalCount"), 3);
    page = page_of(with_cursor(page, ",\"node\":\"rare\",\"limit\":2"));
    ck_assert_str_eq(row_of(page, 0), "020002");
    ck_assert_int_eq(test_number(page, "totalCount"), 3);
    close_all();
}
END_TEST

START_TEST(an_offset_that_examining_does_not_reach_is_read_on)
{
    open_with(10150);
    fill(20000, 3, "rare");
    json_t *page = page_of("{\"node\":\"rare\",\"limit\":2,\"offset\":1}");
    ck_assert_uint_eq(rows_of(page), 0);
    ck_assert_int_eq(test_number(page, "totalCount"), 1);
    page = page_of(with_cursor(page, ",\"node\":\"rare\",\"limit\":2"));
    ck_assert_uint_eq(rows_of(page), 2);
    ck_assert_str_eq(row_of(page, 0), "020001");
    ck_assert_int_eq(test_number(page, "totalCount"), 3);
    close_all();
}
END_TEST

TEST_MAIN("resource listing", TEST(a_small_list_is_counted_exactly),
          TEST(a_cursor_reads_on_to_the_end), TEST(a_cursor_belongs_to_its_list_and_conditions),
          TEST(beyond_ten_thousand_only_a_cursor_goes), TEST(what_is_examined_is_bounded),
          TEST(an_offset_that_examining_does_not_reach_is_read_on))
