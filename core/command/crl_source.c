#include "command/crl_source.h"

#include "base/slice.h"
#include "command/locate.h"
#include "resource/json.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

#define DEPTH_MAX 4
#define FILES_MAX 100000U
#define URL_MAX 2048U
#define CRL_MAX_TEXT "67108864" // CHY_CRL_MAX
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

/** What a server said. */
enum answer {
    FETCHED,
    NOT_THERE, /**< 404, and nothing but 404 */
    REFUSED
};

/** One fetching. */
struct fetch {
    struct chy_op *op;
    const char *base;
    size_t base_len; /**< without what slashes it ends in */
    const char *directory;
};

static void read_all(int from, char *text, size_t size)
{
    size_t len = 0;
    ssize_t got = 1;
    while (got > 0 && len < size - 1) {
        got = read(from, text + len, size - 1 - len);
        len += got > 0 ? (size_t)got : 0;
        got = got < 0 && errno == EINTR ? 1 : got;
    }
    text[len] = '\0';
}

static int wait_for(pid_t child)
{
    int code;
    while (waitpid(child, &code, 0) < 0) {
        if (errno != EINTR) {
            return -1;
        }
    }
    return WIFEXITED(code) ? WEXITSTATUS(code) : -1;
}

/** spawn_curl starts curl with a pipe for what it writes; its own settings file is not read. */
static bool spawn_curl(const char *url, const char *path, const int pipe_ends[2], pid_t *out_child)
{
    // What passes is tried again: 408, 429, 5xx and timeouts, as long as Retry-After says.
    const char *words[] = {"curl",
                           "--disable",
                           "--silent",
                           "--fail",
                           "--retry",
                           "4",
                           "--max-time",
                           "60",
                           "--proto",
                           "=http,https",
                           "--write-out",
                           "%{http_code}",
                           "--max-filesize",
                           CRL_MAX_TEXT,
                           "--output",
                           path,
                           "--",
                           url,
                           NULL};
    posix_spawn_file_actions_t actions;
    if (posix_spawn_file_actions_init(&actions) != 0) {
        return false;
    }
    bool fine = posix_spawn_file_actions_adddup2(&actions, pipe_ends[1], STDOUT_FILENO) == 0 &&
                posix_spawnp(out_child, "curl", &actions, NULL, (char *const *)(uintptr_t)words,
                             environ) == 0;
    (void)posix_spawn_file_actions_destroy(&actions);
    return fine;
}

/** run_curl gives curl's exit code, −1 if it could not be run, and the last HTTP status or 000. */
static int run_curl(const char *url, const char *path, char out_status[8])
{
    int ends[2];
    pid_t child;
    out_status[0] = '\0';
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return -1;
    }
    bool runs = spawn_curl(url, path, ends, &child);
    (void)close(ends[1]);
    if (runs) {
        read_all(ends[0], out_status, 8);
    }
    (void)close(ends[0]);
    return runs ? wait_for(child) : -1;
}

static chy_status fetch_one(const struct fetch *fetch, const char *generation, json_int_t shard,
                            const char *tail, enum answer *out_answer)
{
    char url[URL_MAX];
    char name[128];
    char status[8];
    const char *path;
    (void)snprintf(name, sizeof name, "%s-%lld%s", generation, (long long)shard, tail);
    CHY_TRY(chy_path_join(fetch->op, fetch->directory, name, &path));
    int wrote = snprintf(url, sizeof url, "%.*s/crl/%s/%lld%s", (int)fetch->base_len, fetch->base,
                         generation, (long long)shard, tail);
    if (wrote < 0 || (size_t)wrote >= sizeof url) {
        return chy_fail(fetch->op, CHY_BAD_INPUT, 0, "the URL is too long");
    }
    int code = run_curl(url, path, status);
    if (code == -1 || code == 127) {
        return chy_fail(fetch->op, CHY_BAD_INPUT, 0,
                        "curl could not be run: install it, or fetch the CRLs and give the folder");
    }
    *out_answer = REFUSED;
    if (code == 0 && strcmp(status, "200") == 0) {
        *out_answer = FETCHED;
        return CHY_OK;
    }
    (void)unlink(path);
    if (strcmp(status, "404") == 0) {
        *out_answer = NOT_THERE;
        return CHY_OK;
    }
    return chy_fail(fetch->op, CHY_BAD_INPUT, code,
                    "fetching '%s' failed (HTTP %s, curl %d), so it cannot be told whether there "
                    "is a CRL: try again, or fetch the CRLs and give the folder",
                    url, status, code);
}

/** fetch_shard fetches the complete CRL of a shard and, where there is one, its delta. */
static chy_status fetch_shard(const struct fetch *fetch, const char *generation, json_int_t shard,
                              enum answer *out_answer)
{
    enum answer of_delta;
    CHY_TRY(fetch_one(fetch, generation, shard, ".crl", out_answer));
    return *out_answer == FETCHED ? fetch_one(fetch, generation, shard, "-delta.crl", &of_delta)
                                  : CHY_OK;
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

/** fetch_key fetches the CRLs of a shard, and behind the last that the backup knows those of the
 *  shards that were opened after it. */
static chy_status fetch_key(const struct fetch *fetch, const json_t *crls, const json_t *entry)
{
    const char *generation = json_string_value(json_object_get(entry, "generationId"));
    json_int_t shard = json_integer_value(json_object_get(entry, "shard"));
    enum answer answer;
    struct chy_uuid id;
    // It names files: nothing but an id may stand there.
    if (generation == NULL || !chy_uuid_parse(chy_text(generation), &id) || shard < 1 ||
        shard > SHARD_MAX) {
        return chy_fail(fetch->op, CHY_BAD_INPUT, 0, "the manifest of the backup is malformed");
    }
    CHY_TRY(fetch_shard(fetch, generation, shard, &answer));
    for (uint32_t more = 0; answer == FETCHED && is_last(crls, generation, shard); more++) {
        if (more == MORE_MAX) {
            return chy_fail(fetch->op, CHY_BAD_INPUT, 0,
                            "'%.*s' has more than %u CRLs of the key %s that the backup does not "
                            "know: fetch them, and give the folder",
                            (int)fetch->base_len, fetch->base, MORE_MAX, generation);
        }
        CHY_TRY(fetch_shard(fetch, generation, ++shard, &answer));
    }
    return CHY_OK;
}

chy_status chy_crl_source_fetch(struct chy_op *op, const char *url, const json_t *manifest,
                                const char *directory)
{
    const json_t *crls = json_object_get(manifest, "crls");
    struct fetch fetch = {.op = op, .base = url, .base_len = strlen(url), .directory = directory};
    size_t i;
    json_t *entry;
    while (fetch.base_len > 0 && url[fetch.base_len - 1] == '/') {
        fetch.base_len--;
    }
    json_array_foreach((json_t *)(uintptr_t)crls, i, entry)
    {
        CHY_TRY(fetch_key(&fetch, crls, entry));
    }
    return CHY_OK;
}
