#include "access/token.h"
#include "base/file.h"
#include "base/time.h"
#include "command/assembly.h"
#include "command/command.h"
#include "command/instance_files.h"
#include "command/locate.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
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
};
enum {
    DIR = 0,
    STORAGE,
    CONNINFO,
    PUBLIC_URL,
    TOKEN_FILE
};

/** absolute_directory makes the directory and gives its absolute path. */
static chy_status absolute_directory(struct chy_op *op, const char *path, const char **out_path)
{
    struct chy_slice copy;
    CHY_TRY(chy_directory_make(op, path));
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

static chy_status write_files(struct chy_cli *cli, const struct chy_given *given,
                              const char **out_config)
{
    const char *dir = NULL;
    const char *data = DEFAULT_DATA;
    const char *kek;
    struct chy_slice yaml;
    CHY_TRY(absolute_directory(cli->op, chy_given_text(given, DIR), &dir));
    CHY_TRY(chy_path_join(cli->op, dir, "chancery.yaml", out_config));
    CHY_TRY(chy_path_join(cli->op, dir, "kek", &kek));
    if (strcmp(dir, DEFAULT_DIRECTORY) != 0) {
        CHY_TRY(chy_path_join(cli->op, dir, "data", &data));
    }
    if (access(*out_config, F_OK) == 0) {
        return chy_fail(cli->op, CHY_CONFLICT, 0,
                        "'%s' exists already: this is an instance, and init makes new ones only",
                        *out_config);
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
    CHY_TRY(chy_instance_config(cli->op, &files, &yaml));
    CHY_TRY(chy_directory_make(cli->op, data));
    chy_status status = chy_kek_create(cli->op, kek);
    if (status == CHY_CONFLICT) {
        chy_log_warning(cli->op, "init.kek-kept", "'%s' exists already and is used as it is", kek);
    } else {
        CHY_TRY(status);
    }
    return chy_file_create(cli->op, *out_config, yaml, 0600);
}

/** What make_administrator() is told. */
struct handover {
    const char *token_file; /**< NULL: standard output */
    const char *config;
};

static chy_status make_administrator(struct chy_assembly *assembly, struct chy_op *op,
                                     void *context)
{
    const struct handover *handover = context;
    struct chy_slice token;
    CHY_TRY(chy_access_administrator(&assembly->runtime, op, chy_text("init"), 0, &token));
    if (handover->token_file != NULL) {
        CHY_TRY(chy_file_create(op, handover->token_file, token, 0600));
        (void)printf("Configuration: %s\nAdministrator token: in %s\n", handover->config,
                     handover->token_file);
        return CHY_OK;
    }
    (void)printf("Configuration: %s\n"
                 "Administrator token (shown this once): %.*s\n",
                 handover->config, (int)token.len, (const char *)token.ptr);
    return CHY_OK;
}

static chy_status initialise(struct chy_cli *cli, const struct chy_given *given,
                             struct chy_assembly *assembly)
{
    struct handover handover = {.token_file = chy_given_text(given, TOKEN_FILE)};
    struct chy_config *config;
    CHY_TRY(write_files(cli, given, &handover.config));
    CHY_TRY(chy_config_load(cli->op, handover.config, &config));
    CHY_TRY(chy_assembly_start(assembly, cli, config, CHY_NEED_NEW, false));
    return chy_assembly_run(assembly, make_administrator, &handover);
}

static int run(struct chy_cli *cli, const struct chy_given *given)
{
    static struct chy_assembly assembly;
    int code = CHY_EXIT_OK;
    chy_log_set_level(&cli->log, CHY_LOG_WARNING);
    if (initialise(cli, given, &assembly) != CHY_OK) {
        code = chy_cli_fail(cli);
    }
    if (assembly.cli != NULL && assembly.registry != NULL) {
        chy_assembly_stop(&assembly);
    }
    return code;
}

const struct chy_command chy_command_init = {
    .name = "init",
    .summary = "Make a new instance: configuration, master key, database, administrator",
    .details =
        "Writes DIR/chancery.yaml and DIR/kek (never replacing one), makes the database and\n"
        "prints the administrator's token once. Data go to /var/lib/chancery, or to\n"
        "DIR/data when DIR is not the default.",
    .example = "chancery init --dir ./pki --public-url http://pki.example.com",
    .arguments = arguments,
    .argument_count = sizeof arguments / sizeof arguments[0],
    .run = run,
};
