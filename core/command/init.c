#include "access/token.h"
#include "base/file.h"
#include "base/time.h"
#include "command/assembly.h"
#include "command/command.h"
#include "command/instance_files.h"
#include "command/locate.h"
#include "command/made.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DEFAULT_DIRECTORY "/etc/chancery"
#define DEFAULT_DATA "/var/lib/chancery"

static const struct chy_argument arguments[] = {
    {"dir", "DIR", "where chancery.yaml and kek go", DEFAULT_DIRECTORY, false},
    {"storage", "NAME", "sqlite or postgres", "sqlite", false},
    {"conninfo", "TEXT", "connection string of postgres", NULL, false},
    {"public-url", "URL", "http URL under which everybody reaches the public listener", NULL,
     false},
    {"token-file", "FILE", "write the administrator token there, mode 0600, not to the output",
     NULL, false},
    {"config", "FILE", "make the instance of this configuration instead of writing one", NULL,
     false},
};
enum {
    DIR = 0,
    STORAGE,
    CONNINFO,
    PUBLIC_URL,
    TOKEN_FILE,
    CONFIG
};

/** One run of init. */
struct init {
    struct chy_cli *cli;
    const struct chy_given *given;
    struct chy_assembly *assembly;
    struct chy_config *config;
    struct chy_made made;
    const char *config_file;
    const char *token_file; /**< NULL: standard output */
};

/* ------------------------------------------------------------------------------------------------
 * The files
 */

/** absolute_directory makes the directory and gives its absolute path. */
static chy_status absolute_directory(struct init *init, const char *path, const char **out_path)
{
    struct chy_op *op = init->cli->op;
    struct chy_slice copy;
    CHY_TRY(chy_made_folder(&init->made, op, path));
    char *resolved = realpath(path, NULL);
    if (resolved == NULL) {
        return chy_fail(op, CHY_BROKEN, errno, "cannot find the directory '%s'", path);
    }
    chy_status status = chy_copy(op, chy_text(resolved), &copy);
    free(resolved);
    CHY_TRY(status);
    *out_path = (const char *)copy.ptr;
    return CHY_OK;
}

static chy_status make_kek(struct init *init, const char *kek)
{
    struct chy_op *op = init->cli->op;
    if (access(kek, F_OK) == 0) {
        chy_log_warning(op, "init.kek-kept", "'%s' exists already and is used as it is", kek);
        return CHY_OK;
    }
    CHY_TRY(chy_kek_create(op, kek));
    chy_made_file(&init->made, kek);
    return CHY_OK;
}

static chy_status write_files(struct init *init)
{
    struct chy_op *op = init->cli->op;
    const struct chy_given *given = init->given;
    const char *dir = NULL;
    const char *data = DEFAULT_DATA;
    const char *kek;
    struct chy_slice yaml;
    CHY_TRY(absolute_directory(init, chy_given_text(given, DIR), &dir));
    CHY_TRY(chy_path_join(op, dir, "chancery.yaml", &init->config_file));
    CHY_TRY(chy_path_join(op, dir, "kek", &kek));
    if (strcmp(dir, DEFAULT_DIRECTORY) != 0) {
        CHY_TRY(chy_path_join(op, dir, "data", &data));
    }
    if (access(init->config_file, F_OK) == 0) {
        return chy_fail(op, CHY_CONFLICT, 0,
                        "'%s' exists already; to make the instance that it describes, run "
                        "'chancery init --config %s'",
                        init->config_file, init->config_file);
    }
    struct chy_instance_files files = {
        .data_dir = data,
        .kek = kek,
        .storage = chy_given_text(given, STORAGE),
        .conninfo = chy_given_text(given, CONNINFO),
        .api_listen = ":8443",
        .public_listen = ":8080",
        .public_url = chy_given_text(given, PUBLIC_URL),
        .trust_owner = geteuid() != 0,
        .for_people = true,
    };
    CHY_TRY(chy_instance_config(op, &files, &yaml));
    CHY_TRY(chy_made_folder(&init->made, op, data));
    CHY_TRY(make_kek(init, kek));
    CHY_TRY(chy_file_create(op, init->config_file, yaml, 0600));
    chy_made_file(&init->made, init->config_file);
    return CHY_OK;
}

/** take_config makes the configuration, or takes the one that is given. */
static chy_status take_config(struct init *init)
{
    init->config_file = chy_given_text(init->given, CONFIG);
    if (init->config_file == NULL) {
        CHY_TRY(write_files(init));
    } else if (chy_given_count(init->given, DIR) + chy_given_count(init->given, STORAGE) +
                   chy_given_count(init->given, CONNINFO) +
                   chy_given_count(init->given, PUBLIC_URL) !=
               0) {
        return chy_fail(init->cli->op, CHY_BAD_INPUT, 0,
                        "with --config everything but --token-file stands in the configuration");
    }
    return chy_config_load(init->cli->op, init->config_file, &init->config);
}

/** reserve_token_file shows now, not at the end, whether the token can be written. */
static chy_status reserve_token_file(struct init *init)
{
    init->token_file = chy_given_text(init->given, TOKEN_FILE);
    if (init->token_file != NULL) {
        CHY_TRY(chy_file_create(init->cli->op, init->token_file, chy_text(""), 0600));
        chy_made_file(&init->made, init->token_file);
    }
    return CHY_OK;
}

/* ------------------------------------------------------------------------------------------------
 * The administrator
 */

static void tell_next(const struct init *init)
{
    const struct chy_config *config = init->config;
    (void)printf("\nNext:\n");
    if (config->pki.public_url.len == 0) {
        (void)printf("  - set pki.public_url in the configuration: the http URL under which "
                     "everybody reaches the public listener\n");
    }
    if (config->api.tls_certificate.len == 0 &&
        !chy_config_listen_is_loopback(config->api.listen)) {
        (void)printf("  - set api.tls_certificate and api.tls_key in it, or an address of "
                     "loopback as api.listen\n");
    }
    (void)printf("  - chancery config check --config %s\n  - chancery serve --config %s\n",
                 init->config_file, init->config_file);
}

static chy_status make_administrator(struct chy_assembly *assembly, struct chy_op *op,
                                     void *context)
{
    struct init *init = context;
    struct chy_slice token;
    CHY_TRY(chy_access_administrator(&assembly->runtime, op, chy_text("init"), 0, &token));
    if (init->token_file != NULL) {
        CHY_TRY(chy_file_write(op, init->token_file, token, 0600));
        (void)printf("Configuration: %s\nAdministrator token: in %s\n", init->config_file,
                     init->token_file);
    } else {
        (void)printf("Configuration: %s\n"
                     "Administrator token (shown this once): %.*s\n",
                     init->config_file, (int)token.len, (const char *)token.ptr);
    }
    tell_next(init);
    return CHY_OK;
}

static chy_status initialise(struct init *init)
{
    CHY_TRY(take_config(init));
    CHY_TRY(reserve_token_file(init));
    CHY_TRY(chy_assembly_start(init->assembly, init->cli, init->config, CHY_NEED_NEW, false));
    return chy_assembly_run(init->assembly, make_administrator, init);
}

/**
 * give_up takes back what this run made, so that it can be repeated.  Not once the database holds
 * the check value of the master key, or may hold it: that key is the database's only one.
 */
static void give_up(struct init *init, chy_status status)
{
    if (status == CHY_UNCERTAIN || init->assembly->runtime.keyring != NULL) {
        if (init->token_file != NULL) {
            (void)unlink(init->token_file); // reserved, and without a token
        }
        (void)fprintf(stderr,
                      "chancery: the database is made; run 'chancery init --config %s' for the "
                      "administrator's token\n",
                      init->config_file);
        return;
    }
    chy_made_undo(&init->made);
}

static int run(struct chy_cli *cli, const struct chy_given *given)
{
    static struct chy_assembly assembly;
    struct init init = {.cli = cli, .given = given, .assembly = &assembly};
    int code = CHY_EXIT_OK;
    chy_log_set_level(&cli->log, CHY_LOG_WARNING);
    chy_status status = initialise(&init);
    if (status != CHY_OK) {
        code = chy_cli_fail(cli);
    }
    if (assembly.cli != NULL && assembly.registry != NULL) {
        chy_assembly_stop(&assembly);
    }
    if (status != CHY_OK) {
        give_up(&init, status);
    }
    return code;
}

const struct chy_command chy_command_init = {
    .name = "init",
    .summary = "Make a new instance: configuration, master key, database, administrator",
    .details =
        "Writes DIR/chancery.yaml and DIR/kek (never replacing one), makes the database and\n"
        "prints the administrator's token once. Data go to /var/lib/chancery, or to\n"
        "DIR/data when DIR is not the default. When it fails it leaves nothing behind.\n"
        "With --config it takes a configuration as it is, and the master key that it\n"
        "names; on an instance that exists it makes a new administrator's token.",
    .example = "chancery init --dir ./pki --public-url http://pki.example.com",
    .arguments = arguments,
    .argument_count = sizeof arguments / sizeof arguments[0],
    .run = run,
};
