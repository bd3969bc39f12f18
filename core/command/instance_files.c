#include "command/instance_files.h"

#include "base/buf.h"
#include "base/encode.h"
#include "base/file.h"
#include "base/slice.h"
#include "command/paths.h"
#include "resource/keyring.h"

#include <errno.h>
#include <limits.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define NOTIFIER_PLUGIN "notify"

chy_status chy_kek_create(struct chy_op *op, const char *path)
{
    uint8_t *kek = chy_secret_alloc(op, CHY_KEK_LEN);
    char *text = chy_secret_alloc(op, CHY_HEX_LEN(CHY_KEK_LEN) + 1);
    if (kek == NULL || text == NULL) {
        return chy_fail_memory(op);
    }
    if (getrandom(kek, CHY_KEK_LEN, 0) != CHY_KEK_LEN) {
        return chy_fail(op, CHY_BROKEN, errno, "the system gave no random bytes");
    }
    chy_hex_encode(chy_slice_of(kek, CHY_KEK_LEN), text);
    text[CHY_HEX_LEN(CHY_KEK_LEN)] = '\n';
    return chy_file_create(op, path, chy_slice_of(text, CHY_HEX_LEN(CHY_KEK_LEN) + 1), 0600);
}

chy_status chy_kek_read(struct chy_op *op, struct chy_slice text, struct chy_slice *out_kek)
{
    struct chy_slice digits = chy_slice_trim(text);
    struct chy_buffer kek = {chy_secret_alloc(op, CHY_KEK_LEN), CHY_KEK_LEN};
    size_t len = 0;
    if (kek.ptr == NULL) {
        return chy_fail_memory(op);
    }
    if (!chy_hex_decode(digits, kek, &len) || len != CHY_KEK_LEN) {
        return chy_fail(op, CHY_BAD_INPUT, 0,
                        "the master key (KEK) must be %d hexadecimal digits, as 'chancery init' "
                        "writes them",
                        CHY_KEK_LEN * 2);
    }
    *out_kek = chy_slice_of(kek.ptr, kek.len);
    return CHY_OK;
}

/** quote writes a YAML double-quoted scalar (YAML 1.2: a superset of JSON's strings). */
static void quote(struct chy_buf *buf, const char *key, const char *value)
{
    chy_buf_add_text(buf, key);
    chy_buf_add_text(buf, ": ");
    chy_buf_add_json_string(buf, chy_text(value));
    chy_buf_add_u8(buf, '\n');
}

static chy_status add_storage(struct chy_op *op, const struct chy_instance_files *files,
                              struct chy_buf *buf)
{
    chy_buf_add_text(buf, "storage:\n");
    if (strcmp(files->storage, "sqlite") == 0) {
        chy_buf_add_text(buf, "  plugin: storage-sqlite\n");
        return CHY_OK;
    }
    if (strcmp(files->storage, "postgres") != 0) {
        return chy_fail(op, CHY_BAD_INPUT, 0, "unknown storage '%s': expected sqlite or postgres",
                        files->storage);
    }
    if (files->conninfo == NULL) {
        return chy_fail(op, CHY_BAD_INPUT, 0,
                        "the storage postgres needs --conninfo \"host=… dbname=… user=…\"");
    }
    chy_buf_add_text(buf, "  plugin: storage-postgres\n  options:\n");
    quote(buf, "    conninfo", files->conninfo);
    return CHY_OK;
}

static void comment(struct chy_buf *buf, const struct chy_instance_files *files, const char *text)
{
    if (files->for_people) {
        chy_buf_add_text(buf, text);
    }
}

static void add_listeners(const struct chy_instance_files *files, struct chy_buf *buf)
{
    if (files->api_listen == NULL) {
        return;
    }
    chy_buf_add_text(buf, "api:\n");
    quote(buf, "  listen", files->api_listen);
    if (files->tls_certificate != NULL) {
        quote(buf, "  tls_certificate", files->tls_certificate);
        quote(buf, "  tls_key", files->tls_key);
    } else {
        comment(buf, files,
                "  # The API speaks TLS; without these two lines only on loopback, in plain HTTP.\n"
                "  # Relative paths start here, beside this file.\n"
                "  # tls_certificate: tls.crt\n"
                "  # tls_key: tls.key\n");
    }
    chy_buf_add_text(buf, "public:\n");
    quote(buf, "  listen", files->public_listen);
}

static void add_public_url(const struct chy_instance_files *files, struct chy_buf *buf)
{
    if (files->public_url != NULL) {
        chy_buf_add_text(buf, "pki:\n");
        quote(buf, "  public_url", files->public_url);
    } else {
        comment(buf, files,
                "# 'chancery serve' needs this: the http URL of the public listener as everybody\n"
                "# sees it. It stands in certificates for good, so choose a name that stays.\n"
                "# pki:\n"
                "#   public_url: http://pki.example.com\n");
    }
}

/** add_notifier: a package without that plugin makes instances without alerts. */
static chy_status add_notifier(struct chy_op *op, const struct chy_instance_files *files,
                               struct chy_buf *buf)
{
    char file[PATH_MAX];
    struct chy_slice plugins = {NULL, 0};
    CHY_TRY(chy_path_of_plugins(op, &plugins));
    (void)snprintf(file, sizeof file, "%.*s/" NOTIFIER_PLUGIN ".so", (int)plugins.len,
                   (const char *)plugins.ptr);
    if (access(file, F_OK) == 0) {
        comment(buf, files,
                "# Alerts leave by it. Mail needs options: smtp_host and smtp_from at least.\n");
        chy_buf_add_text(buf, "notifier:\n"
                              "  - name: " NOTIFIER_PLUGIN "\n"
                              "    plugin: " NOTIFIER_PLUGIN "\n");
    }
    return CHY_OK;
}

chy_status chy_instance_config(struct chy_op *op, const struct chy_instance_files *files,
                               struct chy_slice *out_yaml)
{
    char kek[PATH_MAX + 8];
    struct chy_buf buf;
    (void)snprintf(kek, sizeof kek, "file:%s", files->kek);
    chy_buf_init(&buf, op, (size_t)64 << 10);
    comment(&buf, files,
            "# Configuration of Chancery. 'chancery config print' shows every key and its value;\n"
            "# docs/operating.md explains them.\n");
    quote(&buf, "data_dir", files->data_dir);
    comment(&buf, files,
            "# The master key seals every other key. Keep a copy apart from the database:\n"
            "# without it nothing that was sealed can be opened again.\n");
    quote(&buf, "kek", kek);
    CHY_TRY(add_storage(op, files, &buf));
    chy_buf_add_text(&buf, "crypto:\n"
                           "  - name: wolfssl\n"
                           "    plugin: crypto-wolfssl\n");
    if (files->api_listen == NULL) { // nobody asks for keys
        chy_buf_add_text(&buf, "    options:\n      ready_rsa_2048: 0\n");
    }
    if (files->api_listen != NULL) {
        CHY_TRY(add_notifier(op, files, &buf));
    }
    chy_buf_add_text(&buf, "enrollment:\n"
                           "  - name: api\n"
                           "    plugin: api\n");
    if (files->trust_owner) {
        comment(&buf, files, "# This user's own plugins are loaded, not only root's.\n");
        chy_buf_add_text(&buf, "plugins:\n  trust_owner: true\n");
    }
    add_listeners(files, &buf);
    add_public_url(files, &buf);
    if (!files->for_people) {
        chy_buf_add_text(&buf, "log:\n  format: text\n  level: warning\n");
    }
    *out_yaml = chy_buf_slice(&buf);
    return chy_buf_ok(&buf) ? CHY_OK : chy_buf_fail(&buf, op, "the configuration");
}

chy_status chy_directory_make(struct chy_op *op, const char *path)
{
    char part[PATH_MAX];
    size_t len = strlen(path);
    if (len == 0 || len >= sizeof part) {
        return chy_fail(op, CHY_BAD_INPUT, 0, "'%.80s' is not a usable path", path);
    }
    memcpy(part, path, len + 1);
    for (size_t i = 1; i <= len; i++) {
        if (part[i] != '/' && part[i] != '\0') {
            continue;
        }
        part[i] = '\0';
        if (mkdir(part, 0700) != 0 && errno != EEXIST) {
            return chy_fail(op, CHY_BROKEN, errno, "cannot make the directory '%s': %s", part,
                            strerror(errno));
        }
        part[i] = i == len ? '\0' : '/';
    }
    return CHY_OK;
}
