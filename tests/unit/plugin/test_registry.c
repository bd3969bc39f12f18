#include "plugin/registry.h"

#include "base/op.h"
#include "plugin/schema.h"
#include "plugin/view.h"
#include "test_main.h"
#include "test_op.h"

#include <ftw.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    OPTIONS = 3,
    OPTION_TRACE = 0,
    OPTION_LEVEL,
    OPTION_TOKEN
};

/** A registry with a data directory and a trace file of its own. */
struct fixture {
    struct chy_op *op;
    struct chy_registry *registry;
    char directory[64];
    char trace[128];
    struct chy_option_value values[OPTIONS];
};

static void open_fixture(struct fixture *f)
{
    memset(f, 0, sizeof *f);
    f->op = test_op_new();
    (void)snprintf(f->directory, sizeof f->directory, "/tmp/chancery-registry-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(f->directory));
    (void)snprintf(f->trace, sizeof f->trace, "%s/trace", f->directory);
    const struct chy_registry_config config = {
        .host = test_op_host(f->op),
        .plugin_directory = PROBES,
        .trust_owner = true,
        .data_directory = f->directory,
    };
    f->registry = chy_registry_new(&config);
    ck_assert_ptr_nonnull(f->registry);
    f->values[OPTION_TRACE].text = chy_text(f->trace);
    f->values[OPTION_LEVEL].number = 5;
}

static int remove_entry(const char *path, const struct stat *info, int type, struct FTW *place)
{
    (void)info;
    (void)type;
    (void)place;
    return remove(path);
}

static void close_fixture(struct fixture *f)
{
    chy_registry_free(f->registry);
    test_op_free(f->op);
    ck_assert_int_eq(nftw(f->directory, remove_entry, 8, FTW_DEPTH | FTW_PHYS), 0);
}

static struct chy_options options_of(const struct fixture *f, const char *name)
{
    struct chy_options options;
    memset(&options, 0, sizeof options);
    options.struct_size = sizeof options;
    options.instance_name = chy_text(name);
    options.values = (struct chy_view){f->values, OPTIONS, sizeof f->values[0]};
    return options;
}

static chy_status add(struct fixture *f, const char *plugin_name, const char *name,
                      struct chy_instance **out_instance)
{
    const struct chy_loaded_plugin *plugin = NULL;
    struct chy_options options = options_of(f, name);
    ck_assert_int_eq(chy_registry_load(f->registry, f->op, chy_text(plugin_name), &plugin), CHY_OK);
    return chy_registry_add(f->registry, f->op, plugin, &options, out_instance);
}

static void expect_trace(const struct fixture *f, const char *expected)
{
    char text[1024] = "";
    FILE *file = fopen(f->trace, "r");
    ck_assert_ptr_nonnull(file);
    size_t len = fread(text, 1, sizeof text - 1, file);
    text[len] = '\0';
    (void)fclose(file);
    ck_assert_str_eq(text, expected);
}

START_TEST(instances_go_down_in_the_reverse_of_their_order)
{
    struct fixture f;
    struct chy_instance *one = NULL;
    struct chy_instance *two = NULL;
    open_fixture(&f);
    ck_assert_int_eq(add(&f, "probe-good", "one", &one), CHY_OK);
    ck_assert_int_eq(add(&f, "probe-good", "two", &two), CHY_OK);
    ck_assert_ptr_eq(one->plugin, two->plugin);
    ck_assert_int_eq(chy_registry_start(f.registry, f.op), CHY_OK);
    ck_assert_int_eq(chy_registry_start(f.registry, f.op), CHY_OK);
    ck_assert_int_eq(chy_registry_drain(f.registry, f.op), CHY_OK);
    chy_registry_stop(f.registry, f.op);
    chy_registry_stop(f.registry, f.op);
    chy_registry_free(f.registry);
    f.registry = NULL;
    expect_trace(&f, "create one\ncreate two\nstart one\nstart two\ndrain two\ndrain one\n"
                     "stop two\nstop one\ndestroy two\ndestroy one\n");
    close_fixture(&f);
}
END_TEST

START_TEST(an_instance_has_a_folder_for_itself_alone)
{
    struct fixture f;
    struct chy_instance *one = NULL;
    struct stat info;
    char expected[128];
    open_fixture(&f);
    ck_assert_int_eq(add(&f, "probe-good", "one", &one), CHY_OK);
    (void)snprintf(expected, sizeof expected, "%s/one", f.directory);
    ck_assert_str_eq((const char *)one->data_directory.ptr, expected);
    ck_assert_int_eq(stat(expected, &info), 0);
    ck_assert_uint_eq(info.st_mode & 07777U, 0700);
    close_fixture(&f);
}
END_TEST

START_TEST(instances_are_found_by_name_and_interface)
{
    struct fixture f;
    struct chy_instance *one = NULL;
    struct chy_instance *again = NULL;
    open_fixture(&f);
    ck_assert_int_eq(add(&f, "probe-good", "one", &one), CHY_OK);
    ck_assert_ptr_eq(chy_registry_find(f.registry, chy_text("one")), one);
    ck_assert_ptr_null(chy_registry_find(f.registry, chy_text("two")));
    ck_assert_ptr_eq(chy_registry_find_with(f.registry, CHY_INTERFACE_ENROLLMENT, chy_text("one")),
                     one);
    ck_assert_ptr_null(chy_registry_find_with(f.registry, CHY_INTERFACE_STORAGE, chy_text("one")));
    ck_assert_uint_eq(chy_registry_count(f.registry), 1);
    ck_assert_ptr_eq(chy_registry_at(f.registry, 0), one);
    ck_assert_ptr_null(chy_registry_at(f.registry, 1));
    ck_assert_int_eq(add(&f, "probe-good", "one", &again), CHY_CONFLICT);
    ck_assert_int_eq(add(&f, "probe-good", "One", &again), CHY_BAD_INPUT);
    ck_assert_int_eq(add(&f, "probe-good", "../one", &again), CHY_BAD_INPUT);
    ck_assert_ptr_null(again);
    close_fixture(&f);
}
END_TEST

START_TEST(a_failing_create_leaves_nothing)
{
    struct fixture f;
    struct chy_instance *one = NULL;
    open_fixture(&f);
    ck_assert_int_eq(add(&f, "probe-create-fails", "one", &one), CHY_BAD_INPUT);
    ck_assert_str_eq(test_op_message(f.op), "the probe refuses its options");
    ck_assert_int_eq(add(&f, "probe-create-odd", "two", &one), CHY_BROKEN);
    ck_assert_str_eq(test_op_message(f.op),
                     "instance 'two' answered create with the unknown status 42");
    ck_assert_ptr_null(one);
    ck_assert_uint_eq(chy_registry_count(f.registry), 0);
    expect_trace(&f, "create one\ncreate two\n");
    close_fixture(&f);
}
END_TEST

START_TEST(a_failing_start_stops_those_before_it)
{
    struct fixture f;
    struct chy_instance *instance = NULL;
    open_fixture(&f);
    ck_assert_int_eq(add(&f, "probe-good", "early", &instance), CHY_OK);
    ck_assert_int_eq(chy_registry_start(f.registry, f.op), CHY_OK);
    ck_assert_int_eq(add(&f, "probe-good", "one", &instance), CHY_OK);
    ck_assert_int_eq(add(&f, "probe-start-fails", "two", &instance), CHY_OK);
    ck_assert_int_eq(add(&f, "probe-good", "three", &instance), CHY_OK);
    ck_assert_int_eq(chy_registry_start(f.registry, f.op), CHY_TRY_LATER);
    ck_assert_str_eq(test_op_message(f.op), "the probe does not start");
    expect_trace(&f, "create early\nstart early\ncreate one\ncreate two\ncreate three\n"
                     "start one\nstart two\nstop two\nstop one\n");
    chy_registry_stop(f.registry, f.op);
    close_fixture(&f);
}
END_TEST

START_TEST(reload_takes_only_what_may_change)
{
    struct fixture f;
    struct chy_instance *one = NULL;
    struct chy_option_value wanted_values[OPTIONS];
    open_fixture(&f);
    ck_assert_int_eq(add(&f, "probe-good", "one", &one), CHY_OK);
    struct chy_options current = options_of(&f, "one");
    struct chy_options wanted = current;
    memcpy(wanted_values, f.values, sizeof wanted_values);
    wanted.values.ptr = wanted_values;
    ck_assert_int_eq(chy_instance_reload(one, f.op, &current, &wanted), CHY_OK);
    expect_trace(&f, "create one\n");
    wanted_values[OPTION_LEVEL].number = 6;
    ck_assert_int_eq(chy_instance_reload(one, f.op, &current, &wanted), CHY_OK);
    expect_trace(&f, "create one\nreload one\n");
    wanted_values[OPTION_TOKEN].text = chy_text("new");
    ck_assert_int_eq(chy_instance_reload(one, f.op, &current, &wanted), CHY_CONFLICT);
    ck_assert_str_eq(test_op_message(f.op),
                     "instance 'one': the option 'token' changes with a restart only");
    expect_trace(&f, "create one\nreload one\n");
    close_fixture(&f);
}
END_TEST

START_TEST(reload_of_a_plugin_that_cannot_is_refused)
{
    struct fixture f;
    struct chy_instance *one = NULL;
    struct chy_option_value wanted_values[OPTIONS];
    open_fixture(&f);
    ck_assert_int_eq(add(&f, "probe-older", "one", &one), CHY_OK);
    struct chy_options current = options_of(&f, "one");
    struct chy_options wanted = current;
    memcpy(wanted_values, f.values, sizeof wanted_values);
    wanted_values[OPTION_LEVEL].number = 6;
    wanted.values.ptr = wanted_values;
    ck_assert_int_eq(chy_instance_reload(one, f.op, &current, &wanted), CHY_UNSUPPORTED);
    close_fixture(&f);
}
END_TEST

/* --- one call at a time ----------------------------------------------------------------------- */

struct crowd {
    struct chy_instance *instance;
    int inside; /**< not atomic: the lock is what protects it */
    int most;
    int calls;
};

static void *crowd_in(void *arg)
{
    struct crowd *crowd = arg;
    for (int i = 0; i < 500; i++) {
        chy_instance_enter(crowd->instance);
        chy_instance_enter(
            crowd->instance); // as a plugin does that its own host call comes back to
        crowd->inside++;
        crowd->most = crowd->inside > crowd->most ? crowd->inside : crowd->most;
        crowd->calls++;
        crowd->inside--;
        chy_instance_leave(crowd->instance);
        chy_instance_leave(crowd->instance);
    }
    return NULL;
}

START_TEST(a_one_threaded_instance_lets_one_call_in_at_a_time)
{
    struct fixture f;
    struct crowd crowd = {NULL, 0, 0, 0};
    pthread_t threads[4];
    open_fixture(&f);
    ck_assert_int_eq(add(&f, "probe-one", "one", &crowd.instance), CHY_OK);
    for (size_t i = 0; i < 4; i++) {
        ck_assert_int_eq(pthread_create(&threads[i], NULL, crowd_in, &crowd), 0);
    }
    for (size_t i = 0; i < 4; i++) {
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
    }
    ck_assert_int_eq(crowd.most, 1);
    ck_assert_int_eq(crowd.calls, 2000);
    close_fixture(&f);
}
END_TEST

/* --- the schema ------------------------------------------------------------------------------- */

static const struct chy_collection *collection_at(const struct chy_schema *schema, uint32_t number)
{
    return chy_view_item(schema->collections, number);
}

START_TEST(the_schema_is_cores_and_then_the_instances)
{
    static const struct chy_field fields[] = {{CHY_TEXT_INIT("id"), CHY_VALUE_TEXT, 0}};
    static const uint32_t key[] = {0};
    static const struct chy_collection own[] = {
        {.name = CHY_TEXT_INIT("epoch"),
         .fields = CHY_VIEW_INIT(fields),
         .key = CHY_VIEW_INIT(key)},
    };
    const struct chy_schema core = {sizeof core, 3, 2, 0, CHY_VIEW_INIT(own)};
    struct chy_schema whole;
    struct fixture f;
    struct chy_instance *one = NULL;
    struct chy_instance *two = NULL;
    open_fixture(&f);
    ck_assert_int_eq(add(&f, "probe-good", "one", &one), CHY_OK);
    ck_assert_int_eq(add(&f, "probe-good", "two-b", &two), CHY_OK);
    ck_assert_int_eq(chy_registry_schema(f.registry, f.op, &core, &whole), CHY_OK);
    ck_assert_uint_eq(whole.version, 3);
    ck_assert_uint_eq(whole.min_compatible, 2);
    static const char *const names[] = {"epoch", "one.notes", "one.marks", "two-b.notes",
                                        "two-b.marks"};
    ck_assert_uint_eq(whole.collections.count, 5);
    for (uint32_t i = 0; i < 5; i++) {
        ck_assert(chy_slice_is(collection_at(&whole, i)->name, names[i]));
    }
    ck_assert_uint_eq(two->collection_count, 2);
    ck_assert(chy_slice_is(two->collections[1].name, "marks"));
    ck_assert_uint_eq(two->collections[1].number, 4);
    close_fixture(&f);
}
END_TEST

START_TEST(a_collections_whole_name_has_its_limit)
{
    const struct chy_schema core = {sizeof core, 1, 1, 0, {NULL, 0, sizeof(struct chy_collection)}};
    struct chy_schema whole;
    struct fixture f;
    struct chy_instance *one = NULL;
    const char *name = "an-instance-with-a-name-of-forty-letters";
    open_fixture(&f);
    ck_assert_int_eq(add(&f, "probe-good", name, &one), CHY_OK);
    ck_assert_int_eq(chy_registry_schema(f.registry, f.op, &core, &whole), CHY_OK);
    ck_assert_uint_eq(collection_at(&whole, 0)->name.len, 46);
    close_fixture(&f);
}
END_TEST

TEST_MAIN("plugin_registry", TEST(instances_go_down_in_the_reverse_of_their_order),
          TEST(an_instance_has_a_folder_for_itself_alone),
          TEST(instances_are_found_by_name_and_interface), TEST(a_failing_create_leaves_nothing),
          TEST(a_failing_start_stops_those_before_it), TEST(reload_takes_only_what_may_change),
          TEST(reload_of_a_plugin_that_cannot_is_refused),
          TEST(a_one_threaded_instance_lets_one_call_in_at_a_time),
          TEST(the_schema_is_cores_and_then_the_instances),
          TEST(a_collections_whole_name_has_its_limit))
