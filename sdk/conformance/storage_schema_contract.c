/** declare, verify_schema, upgrade: what a program may expect of a database that it finds. */
#include "storage_fixture.h"

#define CHANGED_MAX 8U

/** A copy of the fixture's schema that a test may change. */
struct changed {
    struct chy_schema schema;
    struct chy_collection collections[CHANGED_MAX];
    struct chy_field fields[CHY_STORAGE_FIELDS_MAX];
    struct chy_index indexes[16];
};

static void change(struct changed *c)
{
    c->schema = schema;
    memcpy(c->collections, schema.collections.ptr, COLLECTIONS * sizeof c->collections[0]);
    c->schema.collections = (struct chy_view){c->collections, COLLECTIONS, sizeof *c->collections};
    struct chy_collection *things = &c->collections[THINGS];
    memcpy(c->fields, things->fields.ptr, THING_FIELDS * sizeof c->fields[0]);
    memcpy(c->indexes, things->indexes.ptr, things->indexes.count * sizeof c->indexes[0]);
    things->fields.ptr = c->fields;
    things->indexes.ptr = c->indexes;
}

static void add_field(struct changed *c, const char *name, uint32_t type, uint32_t flags)
{
    struct chy_field field = {chy_text(name), type, flags};
    c->fields[c->collections[THINGS].fields.count++] = field;
}

static void add_index(struct changed *c, const char *name, uint32_t flags, const uint32_t *field)
{
    struct chy_index index = {chy_text(name), flags, 0, {field, 1, sizeof *field}};
    c->indexes[c->collections[THINGS].indexes.count++] = index;
}

static struct chy_schema_report report(void)
{
    struct chy_op *op = op_new();
    struct chy_schema_report r = {.struct_size = sizeof r, .state = 99};
    EXPECT(op, ops->verify_schema(self, op, &r), CHY_OK);
    return r;
}

static void expect_state(enum chy_schema_state_value state)
{
    struct chy_schema_report r = report();
    ck_assert_msg(r.state == (uint32_t)state, "the state is %u, not %u: %.*s", r.state,
                  (uint32_t)state, (int)r.detail.len, (const char *)r.detail.ptr);
}

static chy_status upgrade(void)
{
    return ops->upgrade(self, op_new());
}

/** made_then_found: `s` was made with `before` and is now found by a program that declares
 *  `now`. */
static void made_then_found(const struct chy_schema *before, const struct chy_schema *now)
{
    store_open(before);
    ck_assert_int_eq(upgrade(), CHY_OK);
    insert_things(1, 3);
    store_reopen(now);
}

START_TEST(an_untouched_database_is_empty_and_upgrade_makes_it_current)
{
    store_open(&schema);
    expect_state(CHY_SCHEMA_EMPTY);
    expect_state(CHY_SCHEMA_EMPTY); // looking changes nothing
    ck_assert_int_eq(upgrade(), CHY_OK);
    struct chy_schema_report r = report();
    ck_assert_uint_eq(r.state, CHY_SCHEMA_CURRENT);
    ck_assert_uint_eq(r.found_version, schema.version);
    ck_assert_uint_eq(r.found_min_compatible, schema.min_compatible);
    ck_assert_uint_eq(count_things(), 0);
}
END_TEST

START_TEST(upgrade_is_safe_to_run_again)
{
    store_made();
    insert_things(1, 5);
    ck_assert_int_eq(upgrade(), CHY_OK);
    expect_state(CHY_SCHEMA_CURRENT);
    ck_assert_uint_eq(count_things(), 5);
}
END_TEST

START_TEST(an_unmade_database_serves_nothing)
{
    store_open(&schema);
    struct chy_op *op = op_new();
    struct chy_storage_row row = {0};
    ck_assert_int_eq(thing_get(op, 1, (struct chy_view){NULL, 0, sizeof(uint32_t)}, &row),
                     CHY_BROKEN);
    struct batch *b = batch_new(op_new());
    batch_insert(b, 1);
    ck_assert_int_eq(batch_run(b), CHY_BROKEN);
    expect_state(CHY_SCHEMA_EMPTY);
}
END_TEST

START_TEST(a_newer_program_adds_fields_collections_and_indexes)
{
    static const uint32_t index_field[] = {NOTE};
    static const struct chy_field extra_fields[] = {
        {CHY_TEXT_INIT("word"), CHY_VALUE_TEXT, 0},
        {CHY_TEXT_INIT("meanings"), CHY_VALUE_TEXT, CHY_FIELD_MANY},
    };
    static const uint32_t extra_key[] = {0};
    static struct changed c; // valid until destroy, which comes after the test
    change(&c);
    c.schema.version = 8;
    add_field(&c, "added_text", CHY_VALUE_TEXT, CHY_FIELD_NULLABLE);
    add_field(&c, "added_set", CHY_VALUE_TEXT, CHY_FIELD_MANY);
    add_index(&c, "by_note", 0, index_field);
    c.collections[c.schema.collections.count++] =
        (struct chy_collection){.name = chy_text("words"),
                                .fields = VIEW(extra_fields),
                                .key = VIEW(extra_key),
                                .indexes = {NULL, 0, sizeof(struct chy_index)}};
    made_then_found(&schema, &c.schema);
    if (is_volatile) {
        expect_state(CHY_SCHEMA_EMPTY);
        return;
    }
    expect_state(CHY_SCHEMA_OLDER);
    ck_assert_uint_eq(report().found_version, 7);
    ck_assert_int_eq(upgrade(), CHY_OK);
    expect_state(CHY_SCHEMA_CURRENT);
    struct chy_op *op = op_new();
    ck_assert_uint_eq(count_things(), 3);
    ck_assert_uint_eq(thing_field(op, 2, THING_FIELDS).type, CHY_VALUE_NULL);
    ck_assert_uint_eq(thing_field(op, 2, THING_FIELDS + 1).type, CHY_VALUE_MANY);
    ck_assert_uint_eq(thing_field(op, 2, THING_FIELDS + 1).items.count, 0);
    struct batch *b = batch_new(op_new());
    struct chy_storage_write *write = batch_insert(b, 4);
    batch_set(b, write, THING_FIELDS, text_value("here"));
    batch_set(b, write, THING_FIELDS + 1, many_value(b->op, "x", "y", NULL));
    EXPECT(b->op, batch_run(b), CHY_OK);
    ck_assert(chy_slice_is(thing_field(op, 4, THING_FIELDS).bytes, "here"));
    ck_assert_uint_eq(thing_field(op, 4, THING_FIELDS + 1).items.count, 2);
}
END_TEST

START_TEST(an_older_program_lives_with_a_newer_schema_that_allows_it)
{
    static struct changed c; // valid until destroy, which comes after the test
    change(&c);
    c.schema.version = 8;
    c.schema.min_compatible = 7;
    add_field(&c, "added", CHY_VALUE_INT, CHY_FIELD_NULLABLE);
    made_then_found(&c.schema, &schema);
    if (is_volatile) {
        expect_state(CHY_SCHEMA_EMPTY);
        return;
    }
    expect_state(CHY_SCHEMA_NEWER);
    insert_things(4, 5);
    ck_assert_uint_eq(count_things(), 5);
    (void)upgrade();
    ck_assert_uint_eq(report().found_version, 8);
}
END_TEST

START_TEST(an_older_program_keeps_off_a_schema_that_is_too_new)
{
    static struct changed c; // valid until destroy, which comes after the test
    change(&c);
    c.schema.version = 9;
    c.schema.min_compatible = 8;
    made_then_found(&c.schema, &schema);
    if (is_volatile) {
        expect_state(CHY_SCHEMA_EMPTY);
        return;
    }
    expect_state(CHY_SCHEMA_TOO_NEW);
    ck_assert_int_ne(upgrade(), CHY_OK);
    expect_state(CHY_SCHEMA_TOO_NEW);
}
END_TEST

START_TEST(what_is_missing_at_the_right_version_differs_and_upgrade_adds_it)
{
    static const uint32_t index_field[] = {NOTE};
    static struct changed c; // valid until destroy, which comes after the test
    change(&c);
    if (_i == 0) {
        add_field(&c, "added", CHY_VALUE_INT, CHY_FIELD_NULLABLE);
    } else if (_i == 1) {
        add_field(&c, "added", CHY_VALUE_TEXT, CHY_FIELD_MANY);
    } else if (_i == 2) {
        add_index(&c, "by_note", CHY_INDEX_UNIQUE, index_field);
    } else {
        // A plugin was added to the configuration: its collection is not there yet.
        c.collections[COLLECTIONS] = c.collections[LEASES];
        c.collections[COLLECTIONS].name = chy_text("other.leases");
        c.schema.collections.count++;
    }
    made_then_found(&schema, &c.schema);
    if (is_volatile) {
        expect_state(CHY_SCHEMA_EMPTY);
        return;
    }
    expect_state(CHY_SCHEMA_DIFFERS);
    ck_assert_int_eq(upgrade(), CHY_OK);
    expect_state(CHY_SCHEMA_CURRENT);
    ck_assert_uint_eq(count_things(), 3);
}
END_TEST

START_TEST(a_field_of_another_type_differs_and_is_never_converted)
{
    static struct changed c; // valid until destroy, which comes after the test
    change(&c);
    c.schema.version += (uint32_t)_i; // also when the version grows
    c.fields[WEIGHT].type = CHY_VALUE_TEXT;
    made_then_found(&schema, &c.schema);
    if (is_volatile) {
        expect_state(CHY_SCHEMA_EMPTY);
        return;
    }
    if (_i == 0) {
        expect_state(CHY_SCHEMA_DIFFERS);
    } else {
        ck_assert_uint_ne(report().state, CHY_SCHEMA_CURRENT);
    }
    ck_assert_int_ne(upgrade(), CHY_OK);
    store_reopen(&schema);
    expect_state(CHY_SCHEMA_CURRENT);
    ck_assert_uint_eq(count_things(), 3);
}
END_TEST

START_TEST(the_order_of_declarations_does_not_matter)
{
    static struct changed c; // valid until destroy, which comes after the test
    change(&c);
    struct chy_collection first = c.collections[0];
    c.collections[0] = c.collections[2];
    c.collections[2] = first;
    made_then_found(&schema, &c.schema);
    expect_state(is_volatile ? CHY_SCHEMA_EMPTY : CHY_SCHEMA_CURRENT);
}
END_TEST

START_TEST(a_schema_that_nothing_could_carry_is_refused)
{
    static const uint32_t set_field[] = {TAGS};
    static const uint32_t no_field[] = {THING_FIELDS + 7};
    static const uint32_t nullable_field[] = {NOTE};
    static struct changed c; // valid until destroy, which comes after the test
    change(&c);
    switch (_i) {
    case 0: c.fields[NOTE].name = chy_text("two words"); break;
    case 1: c.fields[NOTE].name = chy_text("name"); break;
    case 2: c.fields[NOTE].type = 99; break;
    case 3: c.fields[SIZE].flags = CHY_FIELD_MANY; break;
    case 4: add_index(&c, "by_tags", 0, set_field); break;
    case 5: add_index(&c, "by_nothing", 0, no_field); break;
    case 6: add_index(&c, "by_name", 0, nullable_field); break;
    case 7: c.collections[THINGS].key = VIEW(nullable_field); break;
    default: c.collections[THINGS].name = chy_text("leases"); break;
    }
    char *directory = conf_temp_dir_new();
    instance = conf_instance_new(plugin, &arguments, "refused", directory);
    ck_assert_ptr_nonnull(instance);
    ck_assert_int_eq(conf_instance_up(instance), CHY_OK);
    self = conf_instance_self(instance);
    struct chy_op *op = conf_op_new(instance);
    EXPECT(op, ops->declare(self, op, &c.schema), CHY_BAD_INPUT);
    conf_op_free(op);
    conf_instance_down(instance);
    conf_instance_free(instance);
    instance = NULL;
    conf_temp_dir_remove(directory);
}
END_TEST

TCase *storage_schema_tests(void)
{
    TCase *tests = tcase_create("schema");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, NULL, store_close);
    tcase_add_test(tests, an_untouched_database_is_empty_and_upgrade_makes_it_current);
    tcase_add_test(tests, upgrade_is_safe_to_run_again);
    tcase_add_test(tests, an_unmade_database_serves_nothing);
    tcase_add_test(tests, a_newer_program_adds_fields_collections_and_indexes);
    tcase_add_test(tests, an_older_program_lives_with_a_newer_schema_that_allows_it);
    tcase_add_test(tests, an_older_program_keeps_off_a_schema_that_is_too_new);
    tcase_add_loop_test(tests, what_is_missing_at_the_right_version_differs_and_upgrade_adds_it, 0,
                        4);
    tcase_add_loop_test(tests, a_field_of_another_type_differs_and_is_never_converted, 0, 2);
    tcase_add_test(tests, the_order_of_declarations_does_not_matter);
    tcase_add_loop_test(tests, a_schema_that_nothing_could_carry_is_refused, 0, 9);
    return tests;
}
