#include "command/assembly.h"

#include "access/application_member.h"
#include "access/identity.h"
#include "access/password.h"
#include "access/role.h"
#include "access/token.h"
#include "access/universal_auth.h"
#include "access/user.h"
#include "alert/alert.h"
#include "alert/test.h"
#include "base/op.h"
#include "base/slice.h"
#include "base/time.h"
#include "command/dump.h"
#include "command/host_services.h"
#include "command/instance_files.h"
#include "command/locate.h"
#include "command/stage.h"
#include "enroll/approval_grant.h"
#include "enroll/approval_policy.h"
#include "enroll/approval_request.h"
#include "enroll/authority.h"
#include "enroll/certificate.h"
#include "enroll/certificate_serial.h"
#include "enroll/clock_guard.h"
#include "enroll/crl.h"
#include "enroll/ocsp.h"
#include "enroll/request.h"
#include "enroll/shard.h"
#include "resource/application.h"
#include "resource/audit_chain.h"
#include "resource/audit_log.h"
#include "resource/cache.h"
#include "resource/collections.h"
#include "resource/json.h"
#include "resource/keyring.h"
#include "resource/kind.h"
#include "resource/policy.h"
#include "resource/profile.h"
#include "resource/project.h"

#include <errno.h>
#include <sys/random.h>
#include <unistd.h>

/** How many may wait for a processor before the answer is 503. */
#define CPU_WAITERS 512U

/** Passwords that are hashed at once, 64 MiB each, and how many may wait for that. */
#define PASSWORDS_AT_ONCE 2U
#define PASSWORD_WAITERS 32U

static const struct chy_kind *const kinds[] = {
    &chy_kind_project,
    &chy_kind_policy,
    &chy_kind_profile,
    &chy_kind_authority,
    &chy_kind_certificate,
    &chy_kind_request,
    &chy_kind_identity,
    &chy_kind_identity_membership,
    &chy_kind_universal_auth,
    &chy_kind_client_secret,
    &chy_kind_access_token,
    &chy_kind_certificate_by_serial,
    &chy_kind_audit_log,
    &chy_kind_application,
    &chy_kind_application_member,
    &chy_kind_role,
    &chy_kind_approval_policy,
    &chy_kind_approval_request,
    &chy_kind_user,
    &chy_kind_approval_grant,
    &chy_kind_alert,
};

/* ------------------------------------------------------------------------------------------------
 * Plugins
 */

/** read_outbound puts the rules of outbound calls in place, before any instance could ask. */
static chy_status read_outbound(struct chy_assembly *a, struct chy_op *op)
{
    struct chy_outbound_rules *rules = &a->cli->services.outbound;
    struct chy_view allow = a->config->outbound.allow;
    struct chy_network *allowed = chy_alloc(op, (allow.count + 1) * sizeof *allowed);
    if (allowed == NULL) {
        return chy_fail_memory(op);
    }
    for (uint64_t i = 0; i < allow.count; i++) {
        const struct chy_slice *text = chy_view_at(allow, i);
        CHY_TRY(chy_network_parse(op, *text, &allowed[i]));
    }
    rules->allowed = allowed;
    rules->allowed_count = allow.count;
    rules->ca_file = a->config->outbound.ca_file;
    return CHY_OK;
}

static chy_status plugins_up(void *assembly, struct chy_op *op)
{
    struct chy_assembly *a = assembly;
    chy_host_services_fill(chy_services_table(&a->cli->services));
    CHY_TRY(read_outbound(a, op));
    CHY_TRY(chy_prepare_registry(op, a->config, op->host, a->trust_owner, &a->registry));
    chy_status status = chy_prepare(op, a->config, a->registry, &a->prepared);
    if (status != CHY_OK) {
        chy_registry_free(a->registry);
        a->registry = NULL;
    }
    return status;
}

static void plugins_down(void *assembly, struct chy_op *op)
{
    struct chy_assembly *a = assembly;
    (void)op;
    chy_registry_free(a->registry);
    a->registry = NULL;
}

static void add_method(struct chy_runtime *runtime, const struct chy_loaded_plugin *plugin)
{
    if (plugin->enrollment.method.len != 0 && runtime->method_count < CHY_METHODS_MAX) {
        runtime->methods[runtime->method_count].name = plugin->enrollment.method;
        runtime->methods[runtime->method_count].options = plugin->enrollment.profile_options;
        runtime->method_count++;
    }
}

/** notifies: who restores rows, or looks into storage only, tells nobody anything. */
static bool notifies(const struct chy_assembly *a)
{
    return a->need != CHY_NEED_STORAGE && a->need != CHY_NEED_RESTORE;
}

static chy_status instances_up(void *assembly, struct chy_op *op)
{
    struct chy_assembly *a = assembly;
    for (size_t i = 0; i < a->prepared.count; i++) {
        const struct chy_prepared_instance *wanted = &a->prepared.instances[i];
        // Who only looks into storage needs no keys; declared collections are part of the schema.
        if (wanted->interface == CHY_INTERFACE_CRYPTO && a->need == CHY_NEED_STORAGE) {
            continue;
        }
        if (wanted->interface == CHY_INTERFACE_NOTIFIER && !notifies(a)) {
            continue;
        }
        CHY_TRY(
            chy_registry_add(a->registry, op, wanted->plugin, &wanted->options, &a->instances[i]));
        add_method(&a->runtime, wanted->plugin);
    }
    return chy_registry_start(a->registry, op);
}

static void instances_down(void *assembly, struct chy_op *op)
{
    struct chy_assembly *a = assembly;
    if (chy_registry_drain(a->registry, op) != CHY_OK) {
        chy_log_warning(op, "plugin.drain", "a plugin did not drain; it is stopped all the same");
    }
    chy_registry_stop(a->registry, op);
}

/* ------------------------------------------------------------------------------------------------
 * Storage
 */

static chy_status storage_up(void *assembly, struct chy_op *op)
{
    struct chy_assembly *a = assembly;
    struct chy_schema core = {.struct_size = sizeof core,
                              .version = CHY_SCHEMA_VERSION,
                              .min_compatible = CHY_SCHEMA_MIN_COMPATIBLE,
                              .collections = chy_core_collections()};
    CHY_TRY(chy_registry_schema(a->registry, op, &core, &a->schema));
    struct chy_storage_config wanted = {
        .instance = a->instances[0], // storage comes first
        .schema = &a->schema,
        .epoch = {CHY_C_EPOCH, CHY_EPOCH_VALUE, chy_text("epoch")},
    };
    CHY_TRY(chy_storage_open(op, &wanted, &a->runtime.storage));
    a->cli->services.storage = a->runtime.storage;
    return CHY_OK;
}

static void storage_down(void *assembly, struct chy_op *op)
{
    struct chy_assembly *a = assembly;
    (void)op;
    a->cli->services.storage = NULL;
    chy_storage_close(a->runtime.storage);
    a->runtime.storage = NULL;
}

static chy_status fail_schema(struct chy_op *op, const struct chy_schema_report *report)
{
    const char *advice = "run 'chancery storage upgrade'";
    const char *what = "is not the one that this program declares";
    switch ((enum chy_schema_state_value)report->state) {
    case CHY_SCHEMA_CURRENT:
    case CHY_SCHEMA_NEWER: return CHY_OK;
    case CHY_SCHEMA_EMPTY:
        what = "is empty";
        advice = "for a new instance run 'chancery init --config' with this configuration";
        break;
    case CHY_SCHEMA_OLDER: what = "is of an older version"; break;
    case CHY_SCHEMA_TOO_NEW:
        what = "was made by a newer version that this one cannot live with";
        advice = "run a newer Chancery";
        break;
    case CHY_SCHEMA_DIFFERS: break;
    }
    return chy_fail(op, CHY_DENIED, 0, "the database %s: %.*s; %s", what, (int)report->detail.len,
                    (const char *)report->detail.ptr, advice);
}

static chy_status schema_up(void *assembly, struct chy_op *op)
{
    struct chy_assembly *a = assembly;
    struct chy_schema_report report = {.struct_size = sizeof report};
    if (a->need == CHY_NEED_STORAGE) {
        return CHY_OK;
    }
    CHY_TRY(chy_storage_verify_schema(a->runtime.storage, op, &report));
    bool upgradable = report.state == CHY_SCHEMA_EMPTY || report.state == CHY_SCHEMA_OLDER;
    bool makes = a->need == CHY_NEED_NEW ||
                 (a->need == CHY_NEED_RESTORE && report.state == CHY_SCHEMA_EMPTY);
    if (makes && upgradable) {
        return chy_storage_upgrade(a->runtime.storage, op);
    }
    return fail_schema(op, &report);
}

/* ------------------------------------------------------------------------------------------------
 * Keys
 */

static struct chy_crypto *provider(const struct chy_assembly *a, struct chy_slice name)
{
    for (size_t i = 0; i < a->prepared.count; i++) {
        if (a->cryptos[i] != NULL && chy_slice_equal(a->prepared.instances[i].config->name, name)) {
            return a->cryptos[i];
        }
    }
    return NULL;
}

static void close_cryptos(struct chy_assembly *a)
{
    a->cli->services.crypto_count = 0;
    for (size_t i = 0; i < a->prepared.count; i++) {
        chy_crypto_close(a->cryptos[i]);
        a->cryptos[i] = NULL;
    }
}

static chy_status open_cryptos(struct chy_assembly *a, struct chy_op *op)
{
    for (size_t i = 0; i < a->prepared.count; i++) {
        if (a->prepared.instances[i].interface == CHY_INTERFACE_CRYPTO) {
            struct chy_crypto_config wanted = {.instance = a->instances[i]};
            CHY_TRY(chy_crypto_open(op, &wanted, &a->cryptos[i]));
            chy_services_add_crypto(&a->cli->services, a->cryptos[i]);
        }
    }
    a->runtime.ca_crypto = provider(a, a->config->roles.ca);
    a->runtime.leaf_crypto = provider(a, a->config->roles.leaf);
    a->runtime.seal_crypto = provider(a, a->config->roles.seal);
    if (a->runtime.ca_crypto == NULL || a->runtime.leaf_crypto == NULL ||
        a->runtime.seal_crypto == NULL) {
        return chy_fail(op, CHY_BAD_INPUT, 0,
                        "each of the roles ca, leaf and seal needs a crypto instance");
    }
    return CHY_OK;
}

static chy_status crypto_up(void *assembly, struct chy_op *op)
{
    struct chy_assembly *a = assembly;
    if (a->need == CHY_NEED_STORAGE) {
        return CHY_OK;
    }
    chy_status status = open_cryptos(a, op);
    if (status != CHY_OK) {
        close_cryptos(a);
    }
    return status;
}

static void crypto_down(void *assembly, struct chy_op *op)
{
    (void)op;
    close_cryptos(assembly);
}

/* ------------------------------------------------------------------------------------------------
 * Notifiers
 */

static void close_notifiers(struct chy_assembly *a)
{
    struct chy_services *services = &a->cli->services;
    while (services->notifier_count > 0) {
        chy_notifier_close(services->notifiers[--services->notifier_count]);
    }
}

static chy_status open_notifiers(struct chy_assembly *a, struct chy_op *op)
{
    for (size_t i = 0; i < a->prepared.count; i++) {
        struct chy_notifier *notifier = NULL;
        if (a->prepared.instances[i].interface == CHY_INTERFACE_NOTIFIER) {
            struct chy_notifier_config wanted = {.instance = a->instances[i]};
            CHY_TRY(chy_notifier_open(op, &wanted, &notifier));
            chy_services_add_notifier(&a->cli->services, notifier);
        }
    }
    return CHY_OK;
}

static chy_status notifiers_up(void *assembly, struct chy_op *op)
{
    struct chy_assembly *a = assembly;
    chy_status status = notifies(a) ? open_notifiers(a, op) : CHY_OK;
    if (status != CHY_OK) {
        close_notifiers(a);
    }
    return status;
}

static void notifiers_down(void *assembly, struct chy_op *op)
{
    (void)op;
    close_notifiers(assembly);
}

/* ------------------------------------------------------------------------------------------------
 * The runtime
 */

/** name_node names this process among all that ever share the database: the machine, and random
 *  digits, for a restarted process, and one beside another, is another node. */
static chy_status name_node(struct chy_assembly *a, struct chy_op *op)
{
    uint32_t random;
    if (getrandom(&random, sizeof random, 0) != sizeof random) {
        return chy_fail(op, CHY_BROKEN, errno, "the system gave no random bytes");
    }
    if (gethostname(a->machine, sizeof a->machine - 1) != 0 || a->machine[0] == '\0' ||
        !chy_text_is_clean(chy_text(a->machine))) {
        (void)snprintf(a->machine, sizeof a->machine, "node");
    }
    (void)snprintf(a->node, sizeof a->node, "%s-%08x", a->machine, random);
    a->runtime.machine = chy_text(a->machine);
    a->runtime.node = chy_text(a->node);
    return CHY_OK;
}

static uint32_t core_count(void)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    return cores > 0 && cores < 1024 ? (uint32_t)cores : 1;
}

static void close_runtime(struct chy_runtime *runtime)
{
    chy_cache_free(runtime->cache); // first: its issuers hold keys
    chy_clock_guard_free(runtime->clock_guard);
    chy_audit_free(runtime->audit);
    chy_keyring_close(runtime->keyring);
    chy_kinds_free(runtime->kinds);
    chy_crls_free(runtime->crls);
    chy_ocsp_free(runtime->ocsp);
    chy_alert_tests_free(runtime->alert_tests);
    chy_shards_free(runtime->shards);
    chy_permits_free(runtime->cpu);
    chy_permits_free(runtime->passwords);
}

static chy_status open_runtime(struct chy_assembly *a, struct chy_op *op)
{
    struct chy_runtime *runtime = &a->runtime;
    runtime->cpu = chy_permits_new(core_count(), CPU_WAITERS);
    runtime->passwords = chy_permits_new(PASSWORDS_AT_ONCE, PASSWORD_WAITERS);
    runtime->cache = chy_cache_new(runtime);
    runtime->shards = chy_shards_new();
    runtime->crls = chy_crls_new();
    runtime->ocsp = chy_ocsp_new();
    runtime->alert_tests = chy_alert_tests_new();
    runtime->audit = chy_audit_new();
    if (runtime->cpu == NULL || runtime->passwords == NULL || runtime->cache == NULL ||
        runtime->audit == NULL || runtime->shards == NULL || runtime->crls == NULL ||
        runtime->ocsp == NULL || runtime->alert_tests == NULL) {
        return chy_fail_memory(op);
    }
    CHY_TRY(chy_kinds_new(op, kinds, sizeof kinds / sizeof kinds[0], &runtime->kinds));
    struct chy_slice kek;
    CHY_TRY(chy_kek_read(op, a->config->kek, &kek));
    CHY_TRY(chy_keyring_open(runtime, op, kek, a->need == CHY_NEED_NEW, &runtime->keyring));
    explicit_bzero((uint8_t *)(uintptr_t)kek.ptr, (size_t)kek.len); // the provider has it now
    return chy_clock_guard_new(runtime, op, &runtime->clock_guard);
}

/** sealing_key serves host->seal and host->open (chy_sealing_key_fn). */
static chy_status sealing_key(struct chy_op *op, const struct chy_uuid *id, struct chy_uuid *out_id,
                              struct chy_crypto_key *out_key)
{
    return chy_keyring_instance_key(chy_services_of(op->host)->runtime->keyring, op, id, out_id,
                                    out_key);
}

/** check_whole: nothing serves from a database that has a part of a backup. */
static chy_status check_whole(struct chy_assembly *a, struct chy_op *op)
{
    struct chy_storage_row row;
    if (a->need == CHY_NEED_FINISH) {
        return CHY_OK;
    }
    chy_status status = chy_storage_read(a->runtime.storage, op, CHY_C_SETTINGS,
                                         CHY_KEY(chy_value_text(chy_text(CHY_SETTING_RESTORE))),
                                         CHY_NO_FIELDS, &row);
    if (status == CHY_OK) {
        return chy_fail(op, CHY_DENIED, 0,
                        "a backup was not restored to its end: run 'chancery restore' again");
    }
    return status == CHY_NOT_FOUND ? CHY_OK : status;
}

static chy_status runtime_up(void *assembly, struct chy_op *op)
{
    struct chy_assembly *a = assembly;
    struct chy_runtime *runtime = &a->runtime;
    if (a->need == CHY_NEED_STORAGE) {
        return CHY_OK;
    }
    CHY_TRY(name_node(a, op));
    runtime->services = &a->cli->services;
    runtime->audit_keep = a->config->audit.retention;
    runtime->pki.public_url = a->config->pki.public_url;
    runtime->pki.backdate = a->config->pki.backdate;
    runtime->pki.crl_lifetime = a->config->pki.crl_lifetime;
    runtime->pki.delta_lifetime = a->config->pki.delta_lifetime;
    runtime->pki.crl_dir = a->config->pki.crl_dir;
    runtime->pki.ocsp_lifetime = a->config->pki.ocsp_lifetime;
    runtime->pki.ocsp_signing_rate = a->config->pki.ocsp_signing_rate;
    runtime->pki.shard_size = a->config->pki.shard_size;
    runtime->pki.clock_back_tolerance = a->config->pki.clock_back_tolerance;
    runtime->access.session_ttl = a->config->access.session_ttl;
    runtime->access.session_max_ttl = a->config->access.session_max_ttl;
    runtime->access.password_cost =
        (struct chy_password_cost){.memory = (uint32_t)(a->config->access.password_memory / 1024),
                                   .passes = (uint32_t)a->config->access.password_passes,
                                   .lanes = (uint32_t)a->config->access.password_lanes};
    runtime->alerts.give_up_after = a->config->alerts.give_up_after;
    if (a->need == CHY_NEED_RESTORE) {
        return CHY_OK; // the keys come with the rows
    }
    CHY_TRY(check_whole(a, op));
    chy_status status = open_runtime(a, op);
    if (status != CHY_OK) {
        close_runtime(runtime);
        return status;
    }
    a->cli->services.runtime = runtime;
    a->cli->services.sealing_key = sealing_key;
    chy_access_as_system(op);
    return CHY_OK;
}

static void runtime_down(void *assembly, struct chy_op *op)
{
    struct chy_assembly *a = assembly;
    if (a->cli->services.runtime != NULL) {
        if (chy_audit_finish(&a->runtime, op) != CHY_OK) {
            chy_log_warning(op, "audit.not-closed",
                            "the last blocks of the audit could not be closed: another process of "
                            "this instance does it, %lld s after it starts",
                            (long long)(CHY_AUDIT_SILENCE / CHY_US_PER_SECOND));
        }
        a->cli->services.sealing_key = NULL;
        a->cli->services.runtime = NULL;
        close_runtime(&a->runtime);
    }
}

/* ------------------------------------------------------------------------------------------------
 * The stages
 */

static const struct chy_stage stages[] = {
    {"plugins", plugins_up, plugins_down}, {"instances", instances_up, instances_down},
    {"storage", storage_up, storage_down}, {"schema", schema_up, NULL},
    {"crypto", crypto_up, crypto_down},    {"notifiers", notifiers_up, notifiers_down},
    {"runtime", runtime_up, runtime_down},
};
#define STAGE_COUNT (sizeof stages / sizeof stages[0])

chy_status chy_assembly_start(struct chy_assembly *assembly, struct chy_cli *cli,
                              struct chy_config *config, enum chy_assembly_need need,
                              bool trust_owner)
{
    memset(assembly, 0, sizeof *assembly);
    assembly->cli = cli;
    assembly->config = config;
    assembly->need = need;
    assembly->trust_owner = trust_owner;
    chy_json_setup();
    return chy_stages_up(stages, STAGE_COUNT, assembly, cli->op);
}

void chy_assembly_stop(struct chy_assembly *assembly)
{
    chy_stages_down(stages, STAGE_COUNT, assembly, assembly->cli->op);
}

chy_status chy_assembly_part(struct chy_assembly *assembly, struct chy_op *op, size_t memory_max,
                             chy_assembly_work *work, void *context)
{
    struct chy_cli *cli = assembly->cli;
    struct chy_operation_config config = {.host = &cli->services.host,
                                          .clock = cli->services.clock,
                                          .log = &cli->log,
                                          .name = chy_text(cli->path),
                                          .memory_max = memory_max};
    CHY_AUTO(chy_operation_free) struct chy_operation *operation = chy_operation_new(&config);
    if (operation == NULL) {
        return chy_fail_memory(op);
    }
    chy_access_as_system(&operation->op);
    return chy_op_adopt(op, operation, work(assembly, &operation->op, context));
}

chy_status chy_assembly_run(struct chy_assembly *assembly, chy_assembly_work *work, void *context)
{
    return chy_assembly_part(assembly, assembly->cli->op, 0, work, context);
}

int chy_assembly_command(struct chy_cli *cli, const struct chy_given *given,
                         chy_assembly_work *work, void *context)
{
    static struct chy_assembly assembly;
    struct chy_config *config = NULL;
    bool of_dev = chy_given_text(given, CHY_LOCATE_DATA) != NULL;
    chy_log_set_level(&cli->log, CHY_LOG_WARNING);
    if (chy_locate(cli, given, &config) != CHY_OK ||
        chy_assembly_start(&assembly, cli, config, CHY_NEED_RUNTIME, of_dev) != CHY_OK) {
        return chy_cli_fail(cli);
    }
    int code = chy_assembly_run(&assembly, work, context) == CHY_OK ? 0 : chy_cli_fail(cli);
    chy_assembly_stop(&assembly);
    return code;
}
