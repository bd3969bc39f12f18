#include "command/crl_source.h"

#include "base/slice.h"
#include "command/locate.h"
#include "resource/json.h"

#include <dirent.h>
#include <errno.h>
#include <spawn.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

#define DEPTH_MAX 4
#define FILES_MAX 100000U
#define URL_MAX 2048U
#define SHARD_MAX 1000000000
#define MORE_MAX 1000U // shards of a key that were opened after the backup

struct walk {
    struct chy_op *op;
    struct chy_crl_file *files;
    uint32_t count;
};

static chy_status add_file(struct walk *walk, const char *path)
{
    struct chy_crl_file *file = chy_alloc(walk->op, sizeof *file);
    if (file == NULL) {
        return chy_fail_memory(walk->op);
    }
    if (walk->count++ >= FILES_MAX) {
        return chy_fail(walk->op, CHY_BAD_INPUT, 0, "there are more than %u CRLs", FILES_MAX);
    }
    file->path = path;
    file->next = walk->files;
    walk->files = file;
    return CHY_OK;
}

static chy_status walk_folder(struct walk *walk, const char *directory, int depth);

static chy_status visit(struct walk *walk, const char *directory, const char *name, int depth)
{
    struct stat info;
    const char *path;
    if (name[0] == '.') {
        return CHY_OK;
    }
    CHY_TRY(chy_path_join(walk->op, directory, name, &path));
    if (stat(path, &info) != 0) {
        return CHY_OK; // it went away in the meantime
    }
    if (S_ISDIR(info.st_mode)) {
        return depth < DEPTH_MAX ? walk_folder(walk, path, depth + 1) : CHY_OK;
    }
    bool is_crl = S_ISREG(info.st_mode) && chy_slice_ends_with(chy_text(name), chy_text(".crl"));
    return is_crl ? add_file(walk, path) : CHY_OK;
}

static chy_status walk_folder(struct walk *walk, const char *directory, int depth)
{
    DIR *folder = opendir(directory);
    chy_status status = CHY_OK;
    if (folder == NULL) {
        return chy_fail(walk->op, CHY_BAD_INPUT, errno, "cannot read the folder '%s': %s",
                        directory, strerror(errno));
    }
    for (const struct dirent *entry = readdir(folder); entry != NULL && status == CHY_OK;
         entry = readdir(folder)) {
        status = visit(walk, directory, entry->d_name, depth);
    }
    (void)closedir(folder);
    return status;
}

chy_status chy_crl_source_list(struct chy_op *op, const char *directory,
                               struct chy_crl_file **out_files)
{
    struct walk walk = {.op = op};
    CHY_TRY(walk_folder(&walk, directory, 0));
    *out_files = walk.files;
    return CHY_OK;
}

/* ------------------------------------------------------------------------------------------------
 * Fetching
 */

/** run_curl: 0 it fetched, 22 the server said no (404), anything else is curl's own code; −1: it
 *  could not be run. */
static int run_curl(const char *url, const char *path)
{
    const char *words[] = {
        "curl",           "--silent", "--fail",   "--proto", "=http,https", "--max-time", "60",
        "--max-filesize", "67108864", "--output", path,      "--",          url,          NULL};
    pid_t child;
    int code;
    if (posix_spawnp(&child, "curl", NULL, NULL, (char *const *)(uintptr_t)words, environ) != 0) {
        return -1;
    }
    while (waitpid(child, &code, 0) < 0) {
        if (errno != EINTR) {
            return -1;
        }
    }
    return WIFEXITED(code) ? WEXITSTATUS(code) : -1;
}

static chy_status fetch_one(struct chy_op *op, const char *base, const char *generation,
                            json_int_t shard, const char *directory, int *out_code)
{
    char url[URL_MAX];
    char name[128];
    const char *path;
    size_t len = strlen(base);
    while (len > 0 && base[len - 1] == '/') {
        len--;
    }
    (void)snprintf(name, sizeof name, "%s-%lld.crl", generation, (long long)shard);
    CHY_TRY(chy_path_join(op, directory, name, &path));
    int wrote = snprintf(url, sizeof url, "%.*s/crl/%s/%lld.crl", (int)len, base, generation,
                         (long long)shard);
    if (wrote < 0 || (size_t)wrote >= sizeof url) {
        return chy_fail(op, CHY_BAD_INPUT, 0, "the URL is too long");
    }
    *out_code = run_curl(url, path);
    if (*out_code == -1 || *out_code == 127) {
        return chy_fail(op, CHY_BAD_INPUT, 0,
                        "curl could not be run: install it, or fetch the CRLs and give the folder");
    }
    return *out_code == 0 || *out_code == 22
               ? CHY_OK
               : chy_fail(op, CHY_BAD_INPUT, *out_code, "fetching '%s' failed: curl says %d", url,
                          *out_code);
}

/** is_last tells whether no entry of the manifest is a later shard of the same key. */
static bool is_last(const json_t *crls, const char *generation, json_int_t shard)
{
    size_t i;
    json_t *entry;
    json_array_foreach((json_t *)(uintptr_t)crls, i, entry)
    {
        const char *other = json_string_value(json_object_get(entry, "generationId"));
        if (other != NULL && strcmp(other, generation) == 0 &&
            json_integer_value(json_object_get(entry, "shard")) > shard) {
            return false;
        }
    }
    return true;
}

chy_status chy_crl_source_fetch(struct chy_op *op, const char *url, const json_t *manifest,
                                const char *directory)
{
    const json_t *crls = json_object_get(manifest, "crls");
    size_t i;
    json_t *entry;
    json_array_foreach((json_t *)(uintptr_t)crls, i, entry)
    {
        const char *generation = json_string_value(json_object_get(entry, "generationId"));
        json_int_t shard = json_integer_value(json_object_get(entry, "shard"));
        int code = 0;
        struct chy_uuid id;
        // It names files: nothing but an id may stand there.
        if (generation == NULL || !chy_uuid_parse(chy_text(generation), &id) || shard < 1 ||
            shard > SHARD_MAX) {
            return chy_fail(op, CHY_BAD_INPUT, 0, "the manifest of the backup is malformed");
        }
        CHY_TRY(fetch_one(op, url, generation, shard, directory, &code));
        // Shards that were opened after the backup come behind the last that it knows.
        for (uint32_t more = 0; code == 0 && is_last(crls, generation, shard); more++) {
            if (more == MORE_MAX) {
                return chy_fail(op, CHY_BAD_INPUT, 0,
                                "'%s' has more than %u CRLs of the key %s that the backup does not "
                                "know: fetch them, and give the folder",
                                url, MORE_MAX, generation);
            }
            CHY_TRY(fetch_one(op, url, generation, ++shard, directory, &code));
        }
    }
    return CHY_OK;
}
