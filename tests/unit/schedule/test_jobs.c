#include "schedule/jobs.h"

#include "base/time.h"
#include "config/options.h"
#include "resource/collections.h"
#include "test_main.h"
#include "test_runtime.h"

#include <check.h>
#include <stdlib.h>
#include <unistd.h>

/** An instance of the probe that declares jobs, on two nodes over one storage. */
static struct {
    struct test_runtime *first;
    struct test_runtime *second;
    struct chy_registry *registry;
    struct chy_instance *instance;
    struct chy_schedule *one;
    struct chy_schedule *other;
    char directory[64];
    char trace[80];
} world;

#define MUST(expression, op) \
    ck_assert_msg((expression) == CHY_OK, "%s: %s", #expression, test_message(op))

static void load(struct chy_op *op)
{
    struct chy_registry_config config = {
        .host = op->host,
        .plugin_directory = PROBES,
        .trust_owner = true,
        .data_directory = world.directory,
    };
    const struct chy_loaded_plugin *plugin = NULL;
    char pair[96];
    const char *const pairs[] = {pair};
    struct chy_problems problems;
    struct chy_options_source source = {.problems = &problems};
    struct chy_options options = {0};
    (void)snprintf(pair, sizeof pair, "trace=%s", world.trace);
    world.registry = chy_registry_new(&config);
    ck_assert_ptr_nonnull(world.registry);
    MUST(chy_registry_load(world.registry, op, chy_text("probe-jobs"), &plugin), op);
    chy_problems_init(&problems, op, chy_text("test"));
    MUST(chy_options_from_pairs(op, &source, plugin->descriptor.options, pairs, 1, &options), op);
    MUST(chy_problems_end(&problems), op);
    options.instance_name = chy_text("mine");
    MUST(chy_registry_add(world.registry, op, plugin, &options, &world.instance), op);
    MUST(chy_registry_start(world.registry, op), op);
}

static struct chy_schedule *make(struct test_runtime *node, struct chy_op *op)
{
    struct chy_schedule *schedule = NULL;
    struct chy_schedule_config config = {
        .runtime = test_runtime_of(node),
        .host = op->host,
        .log = chy_operation_of(op)->log,
        .clock = &test_runtime_clock(world.first)->clock,
        .clock_ahead_tolerance = CHY_US_PER_HOUR,
    };
    MUST(chy_jobs_new(op, &config, &schedule), op);
    MUST(chy_jobs_add_instance(schedule, op, world.instance), op);
    return schedule;
}

static void setup(void)
{
    (void)snprintf(world.directory, sizeof world.directory, "/tmp/chancery-jobs-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(world.directory));
    (void)snprintf(world.trace, sizeof world.trace, "%s/trace", world.directory);
    world.first = test_runtime_new(NULL, 0);
    world.second = test_runtime_beside(world.first);
    struct chy_op *op = test_runtime_op(world.first);
    load(op);
    world.one = make(world.first, op);
    world.other = make(world.second, op);
    test_runtime_op_end(op);
}

static void teardown(void)
{
    struct chy_op *op = test_runtime_op(world.first);
    chy_schedule_free(world.other);
    chy_schedule_free(world.one);
    chy_registry_stop(world.registry, op);
    chy_registry_free(world.registry);
    test_runtime_op_end(op);
    test_runtime_free(world.second);
    test_runtime_free(world.first);
    char mine[80];
    (void)snprintf(mine, sizeof mine, "%s/mine", world.directory);
    (void)unlink(world.trace);
    (void)rmdir(mine);
    (void)rmdir(world.directory);
}

/** count_lines counts the lines of the trace that say `what`. */
static int count_lines(const char *what)
{
    char line[128];
    int count = 0;
    FILE *file = fopen(world.trace, "r");
    ck_assert_ptr_nonnull(file);
    while (fgets(line, sizeof line, file) != NULL) {
        count += strncmp(line, what, strlen(what)) == 0 ? 1 : 0;
    }
    (void)fclose(file);
    return count;
}

static void step_both(int64_t passes)
{
    chy_clock_manual_advance(test_runtime_clock(world.first), passes);
    (void)chy_schedule_step(world.one, CHY_LANE_PLUGINS);
    (void)chy_schedule_step(world.other, CHY_LANE_PLUGINS);
}

START_TEST(jobs_of_plugins_run_on_one_node)
{
    setup();
    step_both(CHY_US_PER_SECOND);
    ck_assert_int_eq(count_lines("job mine"), 1);
    step_both(CHY_US_PER_MINUTE / 2);
    ck_assert_int_eq(count_lines("job mine"), 1);
    step_both(CHY_US_PER_MINUTE / 2);
    ck_assert_int_eq(count_lines("job mine"), 2);
    ck_assert_uint_eq(test_count(world.first, CHY_C_LEASES, CHY_LEASE_NAME, "mine.work"), 1);
    teardown();
}
END_TEST

/** Thousands of certificates that are due keep no CRL waiting. */
START_TEST(renewals_have_a_lane_of_their_own)
{
    setup();
    chy_clock_manual_advance(test_runtime_clock(world.first), CHY_US_PER_SECOND);
    ck_assert_int_lt(chy_schedule_step(world.one, CHY_LANE_RENEWAL), INT64_MAX);
    ck_assert_uint_eq(test_count(world.first, CHY_C_LEASES, CHY_LEASE_NAME, "job.crl"), 0);
    teardown();
}
END_TEST

/** What fails on one node is tried by the next, and keeps no other job from running. */
START_TEST(a_failing_job_of_a_plugin_stops_nothing)
{
    setup();
    step_both(CHY_US_PER_SECOND);
    ck_assert_int_eq(count_lines("complaint mine"), 2);
    ck_assert_int_eq(count_lines("job mine"), 1);
    step_both(CHY_US_PER_MINUTE);
    ck_assert_int_eq(count_lines("complaint mine"), 2);
    ck_assert_int_eq(count_lines("job mine"), 2);
    teardown();
}
END_TEST

TEST_MAIN("schedule/jobs", TEST(jobs_of_plugins_run_on_one_node),
          TEST(renewals_have_a_lane_of_their_own), TEST(a_failing_job_of_a_plugin_stops_nothing))
