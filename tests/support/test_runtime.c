#include "test_runtime.h"

#include "base/op.h"
#include "config/options.h"
#include "plugin/registry.h"
#include "resource/collections.h"
#include "resource/keyring.h"

#include <check.h>
#include <stdlib.h>
#include <unistd.h>

/** A registry with one instance in it. */
struct loaded {
    struct chy_registry *registry;
    struct chy_instance *instance;
};

/** What all nodes over one storage share. */
struct shared {
    struct chy_clock_manual clock;
    struct chy_log log;
    struct chy_services services;
    struct chy_schema schema;
    struct loaded storage_plugin;
    struct loaded crypto_plugin;
    struct chy_storage *storage;
    struct chy_crypto *crypto;
    char directory[64];
};

struct test_runtime {
    struct shared *shared;
    bool owns_shared;
    struct chy_runtime runtime;
};

#define MUST(expression, op) \
    ck_assert_msg((expression) == CHY_OK, "%s: %s", #expression, test_message(op))

/* ------------------------------------------------------------------------------------------------
 * Operations
 */

static struct chy_op *new_op(struct shared *shared)
{
    struct chy_operation_config config = {
        .host = chy_services_table(&shared->services),
        .clock = &shared->clock.clock,
        .log = &shared->log,
        .name = chy_text("test"),
    };
    struct chy_operation *operation = chy_operation_new(&config);
    ck_assert_ptr_nonnull(operation);
    operation->peer = chy_text(TEST_RUNTIME_PEER);
    return &operation->op;
}

struct chy_op *test_runtime_op(struct test_runtime *test)
{
    return new_op(test->shared);
}

struct chy_op *test_runtime_op_as(struct test_runtime *test, const struct chy_principal *principal)
{
    struct chy_op *op = new_op(test->shared);
    chy_operation_of(op)->principal = (void *)(uintptr_t)principal;
    return op;
}

void test_runtime_op_end(struct chy_op *op)
{
    chy_operation_free(op == NULL ? NULL : chy_operation_of(op));
}

const struct chy_principal *test_runtime_admin(void)
{
    static const struct chy_principal admin = {
        .kind = CHY_PRINCIPAL_USER, .id = {{1}}, .role = CHY_ROLE_ADMIN};
    return &admin;
}

/* ------------------------------------------------------------------------------------------------
 * Putting it together
 */

static void load(struct shared *shared, struct chy_op *op, const char *directory, const char *name,
                 const char *const *pairs, size_t pair_count, struct loaded *out_loaded)
{
    struct chy_registry_config config = {
        .host = chy_services_table(&shared->services),
        .plugin_directory = directory,
        .trust_owner = true,
        .data_directory = shared->directory,
    };
    const struct chy_loaded_plugin *plugin = NULL;
    struct chy_problems problems;
    struct chy_options_source source = {.problems = &problems};
    struct chy_options options = {0};
    out_loaded->registry = chy_registry_new(&config);
    ck_assert_ptr_nonnull(out_loaded->registry);
    MUST(chy_registry_load(out_loaded->registry, op, chy_text(name), &plugin), op);
    chy_problems_init(&problems, op, chy_text("test"));
    MUST(chy_options_from_pairs(op, &source, plugin->descriptor.options, pairs, pair_count,
                                &options),
         op);
    MUST(chy_problems_end(&problems), op);
    options.instance_name = chy_text(name);
    MUST(chy_registry_add(out_loaded->registry, op, plugin, &options, &out_loaded->instance), op);
    MUST(chy_registry_start(out_loaded->registry, op), op);
}

static void unload(struct loaded *loaded, struct chy_op *op)
{
    MUST(chy_registry_drain(loaded->registry, op), op);
    chy_registry_stop(loaded->registry, op);
    chy_registry_free(loaded->registry);
}

static void open_storage(struct shared *shared, struct chy_op *op)
{
    load(shared, op, TEST_STORAGE_DIRECTORY, "storage-mem", NULL, 0, &shared->storage_plugin);
    shared->schema = (struct chy_schema){.struct_size = sizeof shared->schema,
                                         .version = CHY_SCHEMA_VERSION,
                                         .min_compatible = CHY_SCHEMA_MIN_COMPATIBLE,
                                         .collections = chy_core_collections()};
    struct chy_storage_config config = {
        .instance = shared->storage_plugin.instance,
        .schema = &shared->schema,
        .epoch = {CHY_C_EPOCH, CHY_EPOCH_VALUE, chy_text("epoch")},
    };
    MUST(chy_storage_open(op, &config, &shared->storage), op);
    MUST(chy_storage_upgrade(shared->storage, op), op);
}

static void open_crypto(struct shared *shared, struct chy_op *op)
{
    static const char *const no_ready_keys[] = {"ready_rsa_2048=0"};
    load(shared, op, TEST_CRYPTO_DIRECTORY, "crypto-wolfssl", no_ready_keys, 1,
         &shared->crypto_plugin);
    struct chy_crypto_config config = {.instance = shared->crypto_plugin.instance};
    MUST(chy_crypto_open(op, &config, &shared->crypto), op);
    chy_services_add_crypto(&shared->services, shared->crypto);
}

static struct shared *open_shared(void)
{
    struct shared *shared = calloc(1, sizeof *shared);
    ck_assert_ptr_nonnull(shared);
    (void)snprintf(shared->directory, sizeof shared->directory, "/tmp/chancery-runtime-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(shared->directory));
    chy_clock_manual_init(&shared->clock, TEST_RUNTIME_NOW);
    chy_log_init(&shared->log, -1, CHY_LOG_FORMAT_JSON, CHY_LOG_ERROR, &shared->clock.clock);
    chy_services_init(&shared->services, &shared->clock.clock, &shared->log, NULL);
    struct chy_op *op = new_op(shared);
    open_storage(shared, op);
    open_crypto(shared, op);
    shared->services.storage = shared->storage;
    test_runtime_op_end(op);
    return shared;
}

static void close_shared(struct shared *shared)
{
    char folder[128];
    struct chy_op *op = new_op(shared);
    chy_storage_close(shared->storage);
    chy_crypto_close(shared->crypto);
    unload(&shared->storage_plugin, op);
    unload(&shared->crypto_plugin, op);
    test_runtime_op_end(op);
    (void)snprintf(folder, sizeof folder, "%s/storage-mem", shared->directory);
    (void)rmdir(folder);
    (void)snprintf(folder, sizeof folder, "%s/crypto-wolfssl", shared->directory);
    (void)rmdir(folder);
    (void)rmdir(shared->directory);
    free(shared);
}

static const struct chy_option api_options[] = {
    {.name = CHY_TEXT_INIT("auto_renew"),
     .type = CHY_OPTION_BOOL,
     .default_text = CHY_TEXT_INIT("false")},
    {.name = CHY_TEXT_INIT("renew_before_days"),
     .type = CHY_OPTION_INT,
     .minimum = 1,
     .maximum = 30},
};

struct chy_slice test_runtime_kek(void)
{
    static const uint8_t kek[CHY_KEK_LEN] = {7, 1, 2, 3, 4, 5, 6};
    return chy_slice_of(kek, sizeof kek);
}

static struct test_runtime *new_node(struct shared *shared, bool owns_shared, const char *node)
{
    struct test_runtime *test = calloc(1, sizeof *test);
    ck_assert_ptr_nonnull(test);
    test->shared = shared;
    test->owns_shared = owns_shared;
    test->runtime = (struct chy_runtime){
        .services = &shared->services,
        .storage = shared->storage,
        .ca_crypto = shared->crypto,
        .leaf_crypto = shared->crypto,
        .seal_crypto = shared->crypto,
        .cpu = chy_permits_new(2, 64),
        .passwords = chy_permits_new(2, 8),
        .access = {.session_ttl = INT64_C(3600000000),
                   .session_max_ttl = INT64_C(86400000000),
                   .password_cost = {.memory = 128, .passes = 1, .lanes = 2}},
        .node = chy_text(node),
        .machine = chy_text(node),
        .pki = {.public_url = chy_text("http://pki.example.com"),
                .backdate = INT64_C(60000000),
                .crl_lifetime = INT64_C(604800000000),
                .delta_lifetime = INT64_C(86400000000),
                .ocsp_lifetime = INT64_C(3600000000),
                .ocsp_signing_rate = 100,
                .shard_size = 10000,
                .clock_back_tolerance = INT64_C(60000000)},
        .methods = {{.name = chy_text("api"), .options = CHY_VIEW_INIT(api_options)}},
        .method_count = 1,
    };
    test->runtime.cache = chy_cache_new(&test->runtime);
    ck_assert_ptr_nonnull(test->runtime.cache);
    struct chy_op *op = new_op(shared);
    MUST(chy_keyring_open(&test->runtime, op, test_runtime_kek(), owns_shared,
                          &test->runtime.keyring),
         op);
    test_runtime_op_end(op);
    return test;
}

struct test_runtime *test_runtime_new(const struct chy_kind *const *kinds, size_t count)
{
    chy_json_setup();
    struct test_runtime *test = new_node(open_shared(), true, "node-1");
    struct chy_op *op = new_op(test->shared);
    MUST(chy_kinds_new(op, kinds, count, &test->runtime.kinds), op);
    test_runtime_op_end(op);
    return test;
}

struct test_runtime *test_runtime_beside(struct test_runtime *first)
{
    struct test_runtime *test = new_node(first->shared, false, "node-2");
    test->runtime.kinds = first->runtime.kinds;
    return test;
}

void test_runtime_free(struct test_runtime *test)
{
    chy_cache_free(test->runtime.cache);
    chy_keyring_close(test->runtime.keyring);
    chy_permits_free(test->runtime.cpu);
    chy_permits_free(test->runtime.passwords);
    if (test->owns_shared) {
        chy_kinds_free(test->runtime.kinds);
        close_shared(test->shared);
    }
    free(test);
}

struct chy_runtime *test_runtime_of(struct test_runtime *test)
{
    return &test->runtime;
}

struct chy_clock_manual *test_runtime_clock(struct test_runtime *test)
{
    return &test->shared->clock;
}

/* ------------------------------------------------------------------------------------------------
 * Calling and looking
 */

chy_status test_call(struct test_runtime *test, struct chy_op *op, const char *kind,
                     const char *action, const char *id, const char *document, json_t **out_answer)
{
    struct chy_resource_call call = {.struct_size = sizeof call,
                                     .kind = chy_text(kind),
                                     .action = chy_text(action),
                                     .id = chy_text(id),
                                     .document = chy_text(document)};
    struct chy_resource_answer answer = {.struct_size = sizeof answer};
    json_t *parsed = NULL;
    chy_status status = chy_kinds_call(&test->runtime, op, &call, &answer);
    if (status == CHY_OK) {
        MUST(chy_json_parse(op, answer.document, &parsed), op);
    }
    if (out_answer != NULL) {
        *out_answer = parsed;
    }
    return status;
}

uint32_t test_reason(struct chy_op *op)
{
    struct chy_error error = {.struct_size = sizeof error};
    op->host->last_error(op, &error);
    return error.reason;
}

const char *test_message(struct chy_op *op)
{
    struct chy_error error = {.struct_size = sizeof error};
    struct chy_slice copy;
    op->host->last_error(op, &error);
    return chy_copy(op, error.message, &copy) == CHY_OK ? (const char *)copy.ptr : "no memory";
}

bool test_has_issue(struct chy_op *op, const char *path)
{
    struct chy_error error = {.struct_size = sizeof error};
    op->host->last_error(op, &error);
    for (uint64_t i = 0; i < error.issues.count; i++) {
        const struct chy_issue *issue = chy_view_at(error.issues, i);
        if (chy_slice_is(issue->path, path)) {
            return true;
        }
    }
    return false;
}

static const json_t *at(const json_t *object, const char *path)
{
    const json_t *found = object;
    const char *rest = path;
    while (*rest != '\0') {
        char name[64];
        size_t len = strcspn(rest, ".");
        ck_assert_uint_lt(len, sizeof name);
        memcpy(name, rest, len);
        name[len] = '\0';
        found = json_object_get(found, name);
        rest += rest[len] == '.' ? len + 1 : len;
    }
    ck_assert_msg(found != NULL, "the answer has no '%s'", path);
    return found;
}

const char *test_text(const json_t *object, const char *path)
{
    const json_t *found = at(object, path);
    ck_assert_msg(json_is_string(found), "'%s' is no text", path);
    return json_string_value(found);
}

int64_t test_number(const json_t *object, const char *path)
{
    const json_t *found = at(object, path);
    ck_assert_msg(json_is_integer(found), "'%s' is no number", path);
    return json_integer_value(found);
}

uint64_t test_count(struct test_runtime *test, uint32_t collection, uint32_t field,
                    const char *value)
{
    struct chy_query query;
    struct chy_storage_page page;
    struct chy_op *op = test_runtime_op(test);
    chy_query_init(&query, op, collection, CHY_NO_FIELDS, CHY_STORAGE_PAGE_MAX);
    if (value != NULL) {
        chy_query_eq(&query, field, chy_value_text(chy_text(value)));
    }
    MUST(chy_query_run(&query, test->runtime.storage, &page), op);
    ck_assert_uint_eq(page.more, 0);
    uint64_t count = page.rows.count;
    test_runtime_op_end(op);
    return count;
}
