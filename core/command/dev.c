#include "access/token.h"
#include "base/file.h"
#include "command/command.h"
#include "command/daemon.h"
#include "command/instance_files.h"
#include "command/locate.h"
#include "command/made.h"
#include "command/seed.h"
#include "resource/json.h"

#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static const struct chy_argument arguments[] = {
    {"port", "N", "port of the API; the public listener gets the next; 0: free ones", "8080",
     false},
    {"data", "DIR", "keep the data there, and the master key in DIR.kek", NULL, false},
    {"storage", "NAME", "sqlite or postgres", "sqlite", false},
    {"conninfo", "TEXT", "connection string of postgres", NULL, false},
    {"ready-file", "FILE", "write what was made there, as JSON, once it serves", NULL, false},
};
enum {
    PORT = 0,
    DATA,
    STORAGE,
    CONNINFO,
    READY_FILE
};

/** One development instance. */
struct dev {
    struct chy_cli *cli;
    const struct chy_given *given;
    struct chy_assembly assembly;
    struct chy_daemon daemon;
    struct chy_config *config;
    const char *directory;
    const char *kek;
    const char *config_file;
    bool is_temporary;
    json_t *seed;
    struct chy_slice token;
};

/* ------------------------------------------------------------------------------------------------
 * The directory
 */

static chy_status make_directory(struct dev *dev)
{
    struct chy_op *op = dev->cli->op;
    const char *given = chy_given_text(dev->given, DATA);
    const char *parent = getenv("TMPDIR");
    struct chy_slice path;
    if (given != NULL) {
        CHY_TRY(chy_directory_make(op, given));
        char *resolved = realpath(given, NULL);
        CHY_TRY(chy_copy(op, chy_text(resolved == NULL ? given : resolved), &path));
        free(resolved);
    } else {
        char made[PATH_MAX];
        (void)snprintf(made, sizeof made, "%s/chancery-dev-XXXXXX",
                       parent == NULL ? "/tmp" : parent);
        if (mkdtemp(made) == NULL) {
            return chy_fail(op, CHY_BROKEN, errno, "cannot make a temporary directory '%s'", made);
        }
        dev->is_temporary = true;
        CHY_TRY(chy_copy(op, chy_text(made), &path));
    }
    struct chy_buf kek;
    chy_buf_init(&kek, op, PATH_MAX);
    chy_buf_add(&kek, path);
    chy_buf_add_text(&kek, ".kek");
    chy_buf_add_u8(&kek, 0);
    dev->directory = (const char *)path.ptr;
    dev->kek = (const char *)kek.ptr;
    return chy_buf_ok(&kek) ? chy_path_join(op, dev->directory, CHY_DEV_CONFIG, &dev->config_file)
                            : chy_buf_fail(&kek, op, "the path");
}

static void remove_directory(const struct dev *dev)
{
    if (dev->is_temporary) {
        chy_tree_remove(dev->directory);
        (void)unlink(dev->kek);
    }
}

/* ------------------------------------------------------------------------------------------------
 * The configuration
 */

/** find_free_port asks the system for one.  It is closed again: URLs that name it must be written
 *  before the server opens it. */
static chy_status find_free_port(struct chy_op *op, unsigned *out_port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool found = fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof address) == 0 &&
                 getsockname(fd, (struct sockaddr *)&address, &len) == 0;
    int code = errno;
    if (fd >= 0) {
        (void)close(fd);
    }
    if (!found) {
        return chy_fail(op, CHY_BROKEN, code, "no free port could be found: %s", strerror(code));
    }
    *out_port = ntohs(address.sin_port);
    return CHY_OK;
}

static chy_status choose_ports(struct dev *dev, unsigned *out_api, unsigned *out_public)
{
    const char *text = chy_given_text(dev->given, PORT);
    char *end;
    errno = 0;
    unsigned long port = strtoul(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || port > 65534) {
        return chy_fail(dev->cli->op, CHY_BAD_INPUT, 0, "--port: expected 0 to 65534, found '%s'",
                        text);
    }
    if (port != 0) {
        *out_api = (unsigned)port;
        *out_public = (unsigned)port + 1;
        return CHY_OK;
    }
    CHY_TRY(find_free_port(dev->cli->op, out_api));
    do {
        CHY_TRY(find_free_port(dev->cli->op, out_public));
    } while (*out_public == *out_api);
    return CHY_OK;
}

/** write_config is done once for a directory: the ports stand in certificates. */
static chy_status write_config(struct dev *dev)
{
    struct chy_op *op = dev->cli->op;
    unsigned api;
    unsigned public;
    char api_listen[32];
    char public_listen[32];
    char public_url[48];
    struct chy_slice yaml;
    CHY_TRY(choose_ports(dev, &api, &public));
    (void)snprintf(api_listen, sizeof api_listen, "127.0.0.1:%u", api);
    (void)snprintf(public_listen, sizeof public_listen, "127.0.0.1:%u", public);
    (void)snprintf(public_url, sizeof public_url, "http://127.0.0.1:%u", public);
    struct chy_instance_files files = {
        .data_dir = dev->directory,
        .kek = dev->kek,
        .storage = chy_given_text(dev->given, STORAGE),
        .conninfo = chy_given_text(dev->given, CONNINFO),
        .api_listen = api_listen,
        .public_listen = public_listen,
        .public_url = public_url,
    };
    CHY_TRY(chy_instance_config(op, &files, &yaml));
    chy_status status = chy_kek_create(op, dev->kek);
    if (status != CHY_OK && status != CHY_CONFLICT) {
        return status;
    }
    return chy_file_create(op, dev->config_file, yaml, 0600);
}

/* ------------------------------------------------------------------------------------------------
 * The seed
 */

#define SEED_FILE "seed.json"
#define SEED_MAX ((size_t)64 << 10)

/** fill makes the seed once, and a token each time. */
static chy_status fill(struct chy_assembly *assembly, struct chy_op *op, void *context)
{
    struct dev *dev = context;
    const char *file;
    json_t *made;
    struct chy_slice text;
    struct chy_slice token;
    CHY_TRY(chy_path_join(op, dev->directory, SEED_FILE, &file));
    if (access(file, F_OK) != 0) {
        CHY_TRY(chy_seed(assembly, op, dev->directory, &made));
        CHY_TRY(chy_json_write(op, made, &text));
        CHY_TRY(chy_file_create(op, file, text, 0600));
    }
    CHY_TRY(chy_access_administrator(&assembly->runtime, op, chy_text("dev"), 0, &token));
    uint8_t *kept = chy_secret_alloc(dev->cli->op, token.len + 1);
    if (kept == NULL) {
        return chy_fail_memory(op);
    }
    memcpy(kept, token.ptr, (size_t)token.len);
    dev->token = chy_slice_of(kept, token.len);
    return CHY_OK;
}

static chy_status read_seed(struct dev *dev)
{
    struct chy_op *op = dev->cli->op;
    const char *file;
    struct chy_slice text;
    CHY_TRY(chy_path_join(op, dev->directory, SEED_FILE, &file));
    CHY_TRY(chy_file_read(op, file, SEED_MAX, &text));
    return chy_json_parse(op, text, &dev->seed);
}

static chy_status write_ready_file(struct dev *dev, const char *url, const char *public_url)
{
    const char *file = chy_given_text(dev->given, READY_FILE);
    struct chy_op *op = dev->cli->op;
    struct chy_slice text;
    if (file == NULL) {
        return CHY_OK;
    }
    bool fine = chy_json_set_text(dev->seed, "url", chy_text(url)) &&
                chy_json_set_text(dev->seed, "publicUrl", chy_text(public_url)) &&
                chy_json_set_text(dev->seed, "token", dev->token);
    if (!fine) {
        return chy_fail_memory(op);
    }
    CHY_TRY(chy_json_write_secret(op, dev->seed, &text));
    return chy_file_write(op, file, text, 0600);
}

static const char *seeded(const struct dev *dev, const char *member)
{
    return json_string_value(json_object_get(dev->seed, member));
}

static void tell(const struct dev *dev, const char *url, const char *public_url)
{
    const char *profile = seeded(dev, "profileId");
    (void)printf("Chancery is ready: a development instance on this machine only.\n\n"
                 "  API     %s\n"
                 "  Docs    %s/api/docs\n"
                 "  Public  %s (CRLs and CA certificates)\n"
                 "  Token   %.*s\n"
                 "  Data    %s%s\n"
                 "  Root    %s\n"
                 "  Profile %s (RSA), %s (P-256)\n\n"
                 "Issue a certificate:\n\n"
                 "  curl -sS %s/api/v1/cert-manager/certificates -H 'Authorization: Bearer %.*s' "
                 "-H 'Content-Type: application/json' -d '{\"profileId\":\"%s\",\"attributes\":"
                 "{\"commonName\":\"service.example.com\",\"ttl\":\"90d\",\"altNames\":[{\"type\":"
                 "\"DNS\",\"value\":\"service.example.com\"}]}}'\n\n"
                 "End it with Ctrl-C.\n",
                 url, url, public_url, (int)dev->token.len, (const char *)dev->token.ptr,
                 dev->directory, dev->is_temporary ? " (removed at the end)" : "",
                 seeded(dev, "caCertificateFile"), profile, seeded(dev, "ecProfileId"), url,
                 (int)dev->token.len, (const char *)dev->token.ptr, profile);
    (void)fflush(stdout);
}

static chy_status announce(struct dev *dev)
{
    char url[48];
    char public_url[48];
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%u",
                   chy_http_server_port(dev->daemon.server, CHY_LISTENER_API));
    (void)snprintf(public_url, sizeof public_url, "http://127.0.0.1:%u",
                   chy_http_server_port(dev->daemon.server, CHY_LISTENER_PUBLIC));
    CHY_TRY(write_ready_file(dev, url, public_url));
    tell(dev, url, public_url);
    return CHY_OK;
}

/* ------------------------------------------------------------------------------------------------
 * Running
 */

/** check_port refuses a port that the directory does not have: its certificates name the first. */
static chy_status check_port(const struct dev *dev)
{
    char listen[32];
    const char *port = chy_given_text(dev->given, PORT);
    (void)snprintf(listen, sizeof listen, "127.0.0.1:%.5s", port);
    if (chy_given_count(dev->given, PORT) == 0 || strcmp(port, "0") == 0 ||
        chy_slice_is(dev->config->api.listen, listen)) {
        return CHY_OK;
    }
    return chy_fail(dev->cli->op, CHY_BAD_INPUT, 0,
                    "--port: expected none or that of '%s', found '%s'; its ports stay as they are "
                    "(API on %.*s), because they stand in certificates: take another --data for "
                    "other ones",
                    dev->directory, port, (int)dev->config->api.listen.len,
                    (const char *)dev->config->api.listen.ptr);
}

static chy_status prepare(struct dev *dev)
{
    struct chy_cli *cli = dev->cli;
    CHY_TRY(make_directory(dev));
    bool is_new = access(dev->config_file, F_OK) != 0;
    if (is_new) {
        CHY_TRY(write_config(dev));
    }
    CHY_TRY(chy_config_load(cli->op, dev->config_file, &dev->config));
    if (!is_new) {
        CHY_TRY(check_port(dev));
    }
    chy_daemon_harden();
    chy_daemon_set_log(cli, dev->config);
    return chy_assembly_start(&dev->assembly, cli, dev->config, CHY_NEED_NEW, true);
}

static chy_status serve(struct dev *dev)
{
    CHY_TRY(chy_assembly_run(&dev->assembly, fill, dev));
    CHY_TRY(read_seed(dev));
    return chy_daemon_start(&dev->daemon, &dev->assembly);
}

static int finish(struct dev *dev, int code)
{
    bool idle = dev->daemon.server == NULL || chy_daemon_stop(&dev->daemon);
    if (idle) {
        chy_assembly_stop(&dev->assembly);
    }
    remove_directory(dev);
    if (!idle) {
        _exit(CHY_EXIT_FAILED); // handlers still run: nothing they use may be taken away
    }
    return code;
}

/** hint_at_ports tells what helps when another process has the port. */
static void hint_at_ports(const struct dev *dev)
{
    struct chy_error error = {.struct_size = sizeof error};
    dev->cli->op->host->last_error(dev->cli->op, &error);
    if (error.native_code == EADDRINUSE) {
        (void)fprintf(stderr, "chancery: end what listens there, or %s\n",
                      dev->is_temporary ? "take another: --port N, or --port 0 for free ones"
                                        : "take another --data with a --port of its own");
    }
}

static int run(struct chy_cli *cli, const struct chy_given *given)
{
    static struct dev dev;
    dev.cli = cli;
    dev.given = given;
    chy_daemon_block_signals();
    if (prepare(&dev) != CHY_OK) {
        remove_directory(&dev);
        return chy_cli_fail(cli);
    }
    if (serve(&dev) != CHY_OK) {
        int code = chy_cli_fail(cli);
        hint_at_ports(&dev);
        chy_assembly_stop(&dev.assembly); // a server that did not start is gone already
        remove_directory(&dev);
        return code;
    }
    if (announce(&dev) != CHY_OK) {
        return finish(&dev, chy_cli_fail(cli));
    }
    chy_daemon_wait(&dev.daemon);
    return finish(&dev, CHY_EXIT_OK);
}

const struct chy_command chy_command_dev = {
    .name = "dev",
    .summary = "Run a throw-away instance on this machine, filled and ready to issue",
    .details =
        "Serves plain HTTP on loopback, with a project, an RSA and a P-256 CA, a policy that\n"
        "allows everything and a profile of each CA, and prints the URL, a token and a curl\n"
        "line. --data keeps it all for the next time; the first ports stay with it, because\n"
        "they stand in certificates.",
    .example = "chancery dev --data ./dev-data",
    .arguments = arguments,
    .argument_count = sizeof arguments / sizeof arguments[0],
    .run = run,
};
