#include "config/config.h"

#include "base/file.h"
#include "base/secret.h"
#include "base/slice.h"
#include "base/time.h"
#include "config/instances.h"
#include "config/listen.h"
#include "config/sections.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#define TOP_NAMES_MAX 32U
/** A bundle of the world's CAs has a quarter of it. */
#define CA_FILE_MAX ((size_t)1 << 20)
#define PEM_END "-----END CERTIFICATE-----"

/** Keys of the root that are no options: sections, and the lists of instances. */
static size_t top_names(struct chy_slice names[TOP_NAMES_MAX])
{
    size_t section_count = 0;
    size_t count = 0;
    const struct chy_config_section *sections = chy_config_sections(&section_count);
    for (size_t i = 0; i < section_count; i++) {
        if (sections[i].name[0] != '\0') {
            names[count++] = chy_text(sections[i].name);
        }
    }
    names[count++] = chy_text("storage");
    names[count++] = chy_text("crypto");
    names[count++] = chy_text("enrollment");
    names[count++] = chy_text("notifier");
    assert(count <= TOP_NAMES_MAX);
    return count;
}

/** Puts the value of one key where struct chy_config wants it. */
static void bind(struct chy_config *config, const struct chy_config_key *key,
                 const struct chy_option_value *value)
{
    void *member = (uint8_t *)config + key->offset;
    bool yes = value->number != 0;
    switch ((enum chy_option_type)key->option.type) {
    case CHY_OPTION_TEXT:
    case CHY_OPTION_PATH: memcpy(member, &value->text, sizeof value->text); return;
    case CHY_OPTION_INT:
    case CHY_OPTION_DURATION:
    case CHY_OPTION_SIZE:
    case CHY_OPTION_CHOICE: memcpy(member, &value->number, sizeof value->number); return;
    case CHY_OPTION_BOOL: memcpy(member, &yes, sizeof yes); return;
    case CHY_OPTION_TEXT_LIST: memcpy(member, &value->list, sizeof value->list); return;
    }
}

static chy_status read_section(struct chy_op *op, struct chy_config *config,
                               const struct chy_config_section *section)
{
    struct chy_slice others[TOP_NAMES_MAX];
    size_t other_count = 0;
    struct chy_options options;
    const struct chy_yaml_node *map = config->root;
    if (section->name[0] == '\0') {
        other_count = top_names(others);
    } else {
        map = chy_yaml_find(config->root, chy_text(section->name));
        if (strcmp(section->name, "plugins") == 0) {
            others[other_count++] = chy_text("pins");
        }
    }
    // A key begins with its option, so the keys are a view of options too.
    const struct chy_view table = {section->keys, section->key_count, sizeof *section->keys};
    CHY_TRY(chy_options_read_beside(op, &config->source, table, others, other_count, map,
                                    chy_text(section->name), &options));
    for (size_t i = 0; i < section->key_count; i++) {
        bind(config, &section->keys[i], chy_option_at(&options, i));
    }
    return CHY_OK;
}

/* --- what no table can say ------------------------------------------------------------------- */

/** Records a problem with `section.key`, at its place if it is written, else at its section's. */
static void add_problem(struct chy_config *config, const char *section, const char *key,
                        const char *code, const char *what)
{
    char path[64];
    const struct chy_yaml_node *map = chy_yaml_find(config->root, chy_text(section));
    const struct chy_yaml_node *node = chy_yaml_find(map, chy_text(key));
    node = node == NULL ? map : node;
    (void)snprintf(path, sizeof path, "%s.%s", section, key);
    chy_problems_add(&config->problems, code, node == NULL ? 0 : node->line,
                     node == NULL ? 0 : node->column, chy_text(path), "%s", what);
}

static void check_listen(struct chy_config *config, const char *section, struct chy_slice listen)
{
    if (listen.len != 0 && !chy_listen_is_valid(listen)) {
        add_problem(config, section, "listen", "invalid_value",
                    "expected address:port (127.0.0.1:8080, [::1]:8443, localhost:0) or :port");
    }
}

static void check_networks(struct chy_config *config, const char *section, const char *key,
                           struct chy_view networks)
{
    for (uint64_t i = 0; i < networks.count; i++) {
        const struct chy_slice *network = chy_view_at(networks, i);
        if (network != NULL && !chy_network_is_valid(*network)) {
            add_problem(config, section, key, "invalid_value",
                        "expected addresses and networks (10.0.0.1, 10.0.0.0/8, 2001:db8::/32)");
        }
    }
}

static void check_together(struct chy_config *config)
{
    check_listen(config, "api", config->api.listen);
    check_listen(config, "public", config->public_listener.listen);
    check_listen(config, "metrics", config->metrics.listen);
    check_networks(config, "access", "trusted_proxies", config->access.trusted_proxies);
    check_networks(config, "outbound", "allow", config->outbound.allow);
    if ((config->api.tls_certificate.len == 0) != (config->api.tls_key.len == 0)) {
        add_problem(config, "api", config->api.tls_key.len == 0 ? "tls_key" : "tls_certificate",
                    "required", "tls_certificate and tls_key are given together or not at all");
    }
    if (config->api.tls_client_ca.len != 0 && config->api.tls_certificate.len == 0) {
        add_problem(config, "api", "tls_client_ca", "invalid_value",
                    "client certificates need tls_certificate and tls_key");
    }
    if (config->audit.retention != 0 && config->audit.retention < CHY_US_PER_DAY) {
        add_problem(config, "audit", "retention", "too_small", "expected 0s, or at least 1d");
    }
    struct chy_syslog_server server;
    if (config->audit.syslog_server.len != 0 &&
        !chy_syslog_server_read(config->audit.syslog_server, &server)) {
        add_problem(config, "audit", "syslog_server", "invalid_value",
                    "expected udp://host:port or tcp://host:port");
    }
    const char *problem =
        config->pki.public_url.len == 0 ? NULL : chy_public_url_problem(config->pki.public_url);
    if (problem != NULL) {
        add_problem(config, "pki", "public_url", "invalid_value", problem);
    }
}

static chy_status fill(struct chy_op *op, struct chy_config *config)
{
    size_t section_count = 0;
    const struct chy_config_section *sections = chy_config_sections(&section_count);
    if (config->root->kind != CHY_YAML_MAP && config->root->kind != CHY_YAML_NULL) {
        chy_problems_add(&config->problems, "invalid_type", config->root->line,
                         config->root->column, chy_slice_of(NULL, 0),
                         "expected a map of sections, found %s",
                         chy_yaml_kind_name(config->root->kind));
        return chy_problems_end(&config->problems);
    }
    for (size_t i = 0; i < section_count; i++) {
        CHY_TRY(read_section(op, config, &sections[i]));
    }
    CHY_TRY(chy_instances_read(op, config));
    check_together(config);
    return chy_problems_end(&config->problems);
}

chy_status chy_config_from_text(struct chy_op *op, struct chy_slice name,
                                struct chy_slice directory, struct chy_slice text,
                                struct chy_config **out_config)
{
    struct chy_config *config = chy_alloc(op, sizeof *config);
    if (config == NULL) {
        return chy_fail_memory(op);
    }
    CHY_TRY(chy_copy(op, name, &config->file));
    CHY_TRY(chy_copy(op, directory, &config->directory));
    chy_problems_init(&config->problems, op, config->file);
    config->source.problems = &config->problems;
    config->source.directory = config->directory;
    CHY_TRY(chy_yaml_parse(op, config->file, text, &config->root));
    CHY_TRY(fill(op, config));
    *out_config = config;
    return CHY_OK;
}

/** The directory of a file, absolute; links are left as they are. */
static chy_status directory_of(struct chy_op *op, const char *path, struct chy_slice *out_directory)
{
    char cwd[PATH_MAX];
    char text[2 * PATH_MAX];
    uint64_t slash = 0;
    struct chy_slice parent = chy_text(".");
    if (chy_slice_find_last(chy_text(path), '/', &slash)) {
        parent = chy_slice_of(path, slash == 0 ? 1 : slash);
    }
    if (parent.ptr[0] == '/') {
        return chy_copy(op, parent, out_directory);
    }
    if (getcwd(cwd, sizeof cwd) == NULL) {
        return chy_fail(op, CHY_BROKEN, errno, "cannot tell the working directory: %s",
                        strerror(errno));
    }
    (void)snprintf(text, sizeof text, "%s%s%.*s", cwd, strcmp(cwd, "/") == 0 ? "" : "/",
                   (int)chy_slice_first(parent, PATH_MAX).len, (const char *)parent.ptr);
    return chy_copy(op, chy_slice_is(parent, ".") ? chy_text(cwd) : chy_text(text), out_directory);
}

chy_status chy_config_load(struct chy_op *op, const char *path, struct chy_config **out_config)
{
    struct chy_slice text = {NULL, 0};
    struct chy_slice directory = {NULL, 0};
    CHY_TRY(chy_file_read(op, path, CHY_YAML_SIZE_MAX, &text));
    CHY_TRY(directory_of(op, path, &directory));
    return chy_config_from_text(op, chy_text(path), directory, text, out_config);
}

chy_status chy_config_instance_options(struct chy_op *op, struct chy_config *config,
                                       const struct chy_config_instance *instance,
                                       struct chy_view table, struct chy_options *out_options)
{
    struct chy_options options;
    chy_problems_init(&config->problems, op, config->file);
    CHY_TRY(
        chy_options_read(op, &config->source, table, instance->options, instance->path, &options));
    CHY_TRY(chy_problems_end(&config->problems));
    options.instance_name = instance->name;
    *out_options = options;
    return CHY_OK;
}

chy_status chy_config_require_serve(struct chy_op *op, struct chy_config *config)
{
    chy_problems_init(&config->problems, op, config->file);
    if (config->pki.public_url.len == 0) {
        add_problem(config, "pki", "public_url", "required",
                    "serve needs it: the http URL under which relying parties reach the public "
                    "listener, which stands in certificates for good");
    }
    if (config->api.tls_certificate.len == 0 &&
        !chy_config_listen_is_loopback(config->api.listen)) {
        add_problem(
            config, "api", "tls_certificate", "required",
            "the API needs TLS (tls_certificate and tls_key) unless it listens on loopback");
    }
    return chy_problems_end(&config->problems);
}

/** is_there: false, with the problem noted, if nobody could read the file. */
static bool is_there(struct chy_config *config, const char *section, const char *key,
                     struct chy_slice file)
{
    char what[CHY_MESSAGE_MAX];
    if (file.len == 0 || access((const char *)file.ptr, R_OK) == 0) {
        return file.len != 0;
    }
    if (errno != EACCES) {
        (void)snprintf(what, sizeof what, "'%s' cannot be read: %s", (const char *)file.ptr,
                       strerror(errno));
        add_problem(config, section, key, "invalid_value", what);
    }
    return false;
}

chy_status chy_config_check_files(struct chy_op *op, struct chy_config *config)
{
    struct chy_slice pem = {NULL, 0};
    chy_problems_init(&config->problems, op, config->file);
    (void)is_there(config, "api", "tls_certificate", config->api.tls_certificate);
    (void)is_there(config, "api", "tls_key", config->api.tls_key);
    (void)is_there(config, "api", "tls_client_ca", config->api.tls_client_ca);
    if (is_there(config, "outbound", "ca_file", config->outbound.ca_file)) {
        CHY_TRY(chy_file_read(op, (const char *)config->outbound.ca_file.ptr, CA_FILE_MAX, &pem));
        if (!chy_slice_contains(pem, chy_text(PEM_END))) {
            add_problem(config, "outbound", "ca_file", "invalid_value",
                        "expected certificates in PEM, found none");
        }
    }
    return chy_problems_end(&config->problems);
}

void chy_config_scrub_environment(struct chy_config *config)
{
    for (uint32_t i = 0; i < config->source.secret_variable_count; i++) {
        const char *name = (const char *)config->source.secret_variables[i].ptr;
        char *value = getenv(name);
        if (value != NULL) {
            // unsetenv() forgets the text and leaves it where it stands.
            chy_secret_wipe(value, strlen(value));
            (void)unsetenv(name);
        }
    }
    config->source.secret_variable_count = 0;
}
