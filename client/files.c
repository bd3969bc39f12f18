#include "client/files.h"

#include "base/file.h"
#include "base/slice.h"
#include "client/table.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

enum {
    OUT,
    KEY,
    CERTIFICATE,
    CHAIN,
    FULLCHAIN,
    FORCE
};

#define KEY_MODE 0600
#define PUBLIC_MODE 0644

/** A name that is a path of its own would write elsewhere; `*` is a shell's. */
static const char *as_prefix(struct chy_cli *cli, const char *name)
{
    char *prefix = (char *)(uintptr_t)client_clean(cli, name);
    for (char *at = prefix; *at != '\0'; at++) {
        if (strchr("/*? ", *at) != NULL) {
            *at = '_';
        }
    }
    if (*prefix == '.' || *prefix == '-') {
        *prefix = '_';
    }
    return prefix;
}

static chy_status by_prefix(struct chy_cli *cli, const char *prefix, bool has_key,
                            struct client_files *files)
{
    files->key = has_key ? client_text(cli, "%s.key", prefix) : NULL;
    files->certificate = client_text(cli, "%s.crt", prefix);
    files->chain = client_text(cli, "%s.chain.crt", prefix);
    return (has_key && files->key == NULL) || files->certificate == NULL || files->chain == NULL
               ? chy_fail_memory(cli->op)
               : CHY_OK;
}

chy_status client_files_of(struct chy_cli *cli, const struct chy_given *given, size_t first,
                           const char *fallback, bool has_key, struct client_files *out_files)
{
    const char *prefix = chy_given_text(given, first + OUT);
    struct client_files files = {.force = chy_given_flag(given, first + FORCE)};
    bool has_any = false;
    for (size_t i = KEY; i <= FULLCHAIN; i++) {
        has_any = has_any || chy_given_text(given, first + i) != NULL;
    }
    if (prefix != NULL) {
        CHY_TRY(by_prefix(cli, prefix, has_key, &files));
    } else if (!has_any && fallback != NULL) {
        CHY_TRY(by_prefix(cli, as_prefix(cli, fallback), has_key, &files));
    }
    const char **places[] = {&files.key, &files.certificate, &files.chain, &files.fullchain};
    for (size_t i = KEY; i <= FULLCHAIN; i++) {
        const char *path = chy_given_text(given, first + i);
        *places[i - KEY] = path != NULL ? path : *places[i - KEY];
    }
    if (!has_key && files.key != NULL) {
        return client_fail(cli, CHY_EXIT_USAGE, "--key-file: the key stays where its CSR was made");
    }
    if (has_key && files.key == NULL && has_any) {
        return client_fail(cli, CHY_EXIT_USAGE,
                           "nothing says where the key goes: give --key-file or --out as well");
    }
    *out_files = files;
    return CHY_OK;
}

static chy_status check_one(struct chy_cli *cli, const char *path, bool force)
{
    if (path == NULL || force || access(path, F_OK) != 0) {
        return CHY_OK;
    }
    return client_fail(cli, CLIENT_EXIT_LOCAL, "'%s' is there already: --force replaces it", path);
}

chy_status client_files_check(struct chy_cli *cli, const struct client_files *files)
{
    CHY_TRY(check_one(cli, files->key, files->force));
    CHY_TRY(check_one(cli, files->certificate, files->force));
    CHY_TRY(check_one(cli, files->chain, files->force));
    return check_one(cli, files->fullchain, files->force);
}

static chy_status write_one(struct chy_cli *cli, const struct client_files *files,
                            const struct client_bundle *bundle, const char *path, const char *text,
                            mode_t mode)
{
    if (path == NULL) {
        return CHY_OK;
    }
    struct chy_slice content = chy_text(text == NULL ? "" : text);
    chy_status status = files->force ? chy_file_write(cli->op, path, content, mode)
                                     : chy_file_create(cli->op, path, content, mode);
    if (status == CHY_OK) {
        return CHY_OK;
    }
    const char *why = client_failure_text(cli);
    return client_fail(cli, CLIENT_EXIT_LOCAL,
                       "%s; the certificate is there: 'chancery export %s' fetches it", why,
                       bundle->id == NULL ? "ID" : bundle->id);
}

static chy_status end_line(struct chy_cli *cli, const char *text, const char **out_text)
{
    size_t len = text == NULL ? 0 : strlen(text);
    *out_text = text;
    if (len > 0 && text[len - 1] != '\n') {
        *out_text = client_text(cli, "%s\n", text);
    }
    return len > 0 && *out_text == NULL ? chy_fail_memory(cli->op) : CHY_OK;
}

chy_status client_files_write(struct chy_cli *cli, const struct client_files *files,
                              const struct client_bundle *bundle)
{
    const char *certificate = NULL;
    const char *chain = NULL;
    if (files->key != NULL && bundle->key == NULL) {
        return client_fail(cli, CLIENT_EXIT_REFUSED,
                           "the server did not give the key of certificate %s",
                           bundle->id == NULL ? "" : bundle->id);
    }
    CHY_TRY(end_line(cli, bundle->certificate, &certificate));
    CHY_TRY(end_line(cli, bundle->chain, &chain));
    const char *both = client_text(cli, "%s%s", certificate, chain == NULL ? "" : chain);
    if (both == NULL) {
        return chy_fail_memory(cli->op);
    }
    CHY_TRY(write_one(cli, files, bundle, files->key, bundle->key, KEY_MODE));
    CHY_TRY(write_one(cli, files, bundle, files->chain, chain, PUBLIC_MODE));
    CHY_TRY(write_one(cli, files, bundle, files->fullchain, both, PUBLIC_MODE));
    return write_one(cli, files, bundle, files->certificate, certificate, PUBLIC_MODE);
}

void client_files_sweep(const char *path)
{
    const char *slash = path == NULL ? NULL : strrchr(path, '/');
    if (slash == NULL) {
        return;
    }
    char folder[PATH_MAX];
    char start[NAME_MAX + 1];
    int folder_len = snprintf(folder, sizeof folder, "%.*s", (int)(slash - path) + 1, path);
    int start_len = snprintf(start, sizeof start, "%s.tmp-", slash + 1);
    if (folder_len >= (int)sizeof folder || start_len >= (int)sizeof start) {
        return;
    }
    DIR *directory = opendir(folder);
    if (directory == NULL) {
        return;
    }
    for (const struct dirent *one = readdir(directory); one != NULL; one = readdir(directory)) {
        if (strncmp(one->d_name, start, (size_t)start_len) == 0) {
            (void)unlinkat(dirfd(directory), one->d_name, 0);
        }
    }
    (void)closedir(directory);
}

/** PEM is printable ASCII in lines: nothing else goes into a file, or to a terminal. */
static bool is_pem(const char *text, const char *label)
{
    for (const char *at = text; at != NULL && *at != '\0'; at++) {
        if ((*at < ' ' || *at > '~') && *at != '\n' && *at != '\r') {
            return false;
        }
    }
    return text != NULL && chy_slice_starts_with(chy_text(text), chy_text("-----BEGIN ")) &&
           strstr(text, label) != NULL;
}

bool client_bundle_of(const json_t *json, struct client_bundle *out_bundle)
{
    struct client_bundle bundle = {
        .certificate = json_string_value(json_object_get(json, "certificate")),
        .chain = json_string_value(json_object_get(json, "certificateChain")),
        .key = json_string_value(json_object_get(json, "privateKey")),
        .serial = json_string_value(json_object_get(json, "serialNumber")),
        .id = json_string_value(json_object_get(json, "certificateId")),
    };
    if (!is_pem(bundle.certificate, "CERTIFICATE-----")) {
        return false;
    }
    bundle.chain = is_pem(bundle.chain, "CERTIFICATE-----") ? bundle.chain : NULL;
    bundle.key = is_pem(bundle.key, "PRIVATE KEY-----") ? bundle.key : NULL;
    *out_bundle = bundle;
    return true;
}

chy_status client_files_tell(struct chy_cli *cli, const struct client_files *files,
                             const struct client_bundle *bundle)
{
    json_t *json =
        json_pack("{s:s*, s:s*, s:s*, s:s*, s:s*, s:s*}", "id", bundle->id, "serialNumber",
                  bundle->serial, "key", files->key, "certificate", files->certificate, "chain",
                  files->chain, "fullchain", files->fullchain);
    CHY_TRY(client_own(cli, json));
    return client_pairs_write(cli, stdout, json);
}
