#include "enroll/crl_folder.h"

#include "base/file.h"
#include "base/slice.h"
#include "base/time.h"
#include "enroll/crl.h"
#include "resource/collections.h"
#include "x509/crl.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#define FOLDER_MODE 0755 // whoever serves the files is somebody else
#define FILE_MODE 0644
#define PATH_SIZE 4096

/** One shard on its way into the folder. */
struct shard {
    struct chy_runtime *runtime;
    struct chy_op *op; /**< whose memory goes with the shard */
    struct chy_uuid generation_id;
    char generation[CHY_UUID_TEXT_SIZE];
    int64_t number;
    int64_t made[2]; /**< when each kind was made, as storage has it; 0: it is not there */
    bool is_behind[2];
};

static chy_status make_path(const struct shard *s, char out[PATH_SIZE], const char *format, ...)
    CHY_PRINTF(3, 4);
static chy_status make_path(const struct shard *s, char out[PATH_SIZE], const char *format, ...)
{
    struct chy_slice folder = s->runtime->pki.crl_dir;
    char tail[128];
    va_list arguments;
    va_start(arguments, format);
    int tail_len = vsnprintf(tail, sizeof tail, format, arguments);
    va_end(arguments);
    int len = snprintf(out, PATH_SIZE, "%.*s%s", (int)folder.len, (const char *)folder.ptr, tail);
    if (tail_len < 0 || (size_t)tail_len >= sizeof tail || len < 0 || len >= PATH_SIZE) {
        return chy_fail(s->op, CHY_BAD_INPUT, 0, "the path of pki.crl_dir is too long");
    }
    return CHY_OK;
}

static chy_status make_folder(const struct shard *s, const char *path)
{
    if (mkdir(path, FOLDER_MODE) == 0 || errno == EEXIST) {
        return CHY_OK;
    }
    int code = errno;
    return chy_fail(s->op, CHY_BROKEN, code, "the folder %s of pki.crl_dir could not be made",
                    path);
}

/** is_of tells whether a file was written of the CRL that was made at a time, which we give it: a
 *  file that somebody else put there, or touched, has another. */
static bool is_of(const char *path, int64_t made)
{
    struct stat found;
    return stat(path, &found) == 0 && found.st_mtim.tv_sec == made / CHY_US_PER_SECOND &&
           found.st_mtim.tv_nsec == 0;
}

static void mark(const char *path, int64_t made)
{
    struct timespec time = {.tv_sec = made / CHY_US_PER_SECOND};
    struct timespec times[] = {time, time};
    // Where that fails it is written again the next time.
    (void)utimensat(AT_FDCWD, path, times, 0);
}

static chy_status write_crl(const struct shard *s, enum chy_crl_kind kind, uint64_t *written)
{
    char path[PATH_SIZE];
    struct chy_slice der;
    struct chy_crl crl;
    CHY_TRY(make_path(s, path, "/crl/%s/%lld%s", s->generation, (long long)s->number,
                      kind == CHY_CRL_DELTA ? "-delta.crl" : ".crl"));
    if (s->made[kind] != 0 && !s->is_behind[kind] && is_of(path, s->made[kind])) {
        return CHY_OK;
    }
    CHY_TRY(chy_crl_get(s->runtime, s->op, &s->generation_id, s->number, kind, &der));
    CHY_TRY(chy_crl_read(s->op, der, &crl)); // it may have been built just now
    CHY_TRY(chy_file_write(s->op, path, der, FILE_MODE));
    mark(path, crl.this_update);
    (*written)++;
    return CHY_OK;
}

/** write_certificate writes the CA's certificate, beside the first shard. */
static chy_status write_certificate(const struct shard *s, uint64_t *written)
{
    char path[PATH_SIZE];
    struct chy_slice found;
    const struct chy_issuer *issuer;
    CHY_TRY(chy_issuer_of_generation(s->runtime, s->op, &s->generation_id, &issuer));
    CHY_TRY(make_path(s, path, "/aia/%s.cer", s->generation));
    if (chy_file_read(s->op, path, CHY_CERTIFICATE_MAX, &found) == CHY_OK &&
        chy_slice_equal(found, issuer->path[0].der)) {
        return CHY_OK;
    }
    CHY_TRY(chy_file_write(s->op, path, issuer->path[0].der, FILE_MODE));
    (*written)++;
    return CHY_OK;
}

static chy_status write_shard(const struct shard *s, uint64_t *written)
{
    char path[PATH_SIZE];
    static const char *const folders[] = {"", "/crl", "/aia"};
    for (size_t i = 0; i < sizeof folders / sizeof folders[0] && s->number == 1; i++) {
        CHY_TRY(make_path(s, path, "%s", folders[i]));
        CHY_TRY(make_folder(s, path));
    }
    CHY_TRY(make_path(s, path, "/crl/%s", s->generation));
    CHY_TRY(make_folder(s, path));
    CHY_TRY(write_crl(s, CHY_CRL_COMPLETE, written));
    CHY_TRY(write_crl(s, CHY_CRL_DELTA, written));
    return s->number == 1 ? write_certificate(s, written) : CHY_OK;
}

enum {
    GENERATION_ID,
    NUMBER,
    REVISION,
    CRL_REVISION,
    THIS_UPDATE,
    NEXT_UPDATE,
    DELTA_REVISION,
    DELTA_THIS_UPDATE,
    DELTA_NEXT_UPDATE
};

/** look notes when a kind was made, and whether it has to be made again. */
static void look(const struct chy_storage_row *row, int64_t now, uint32_t first,
                 enum chy_crl_kind kind, struct shard *s)
{
    int64_t made = chy_row_time(row, first + 1);
    s->made[kind] = made;
    s->is_behind[kind] = chy_row_int(row, first) != chy_row_int(row, REVISION) ||
                         now >= made + (chy_row_time(row, first + 2) - made) / 2;
}

static void write_row(struct chy_runtime *runtime, struct chy_op *op,
                      const struct chy_storage_row *row, uint64_t *written)
{
    struct chy_error error = {.struct_size = sizeof error};
    struct shard s = {.runtime = runtime,
                      .op = op->host->op_child(op),
                      .generation_id = chy_row_uuid(row, GENERATION_ID),
                      .number = chy_row_int(row, NUMBER)};
    if (s.op == NULL) {
        return; // no memory now: the next time
    }
    chy_uuid_format(&s.generation_id, s.generation);
    look(row, chy_now(op), CRL_REVISION, CHY_CRL_COMPLETE, &s);
    look(row, chy_now(op), DELTA_REVISION, CHY_CRL_DELTA, &s);
    if (write_shard(&s, written) != CHY_OK) {
        s.op->host->last_error(s.op, &error);
        chy_log_warning(s.op, "crl.not-written", "shard %lld of the key %s: %.*s",
                        (long long)s.number, s.generation, (int)error.message.len,
                        (const char *)error.message.ptr);
    }
    op->host->op_end(s.op);
}

chy_status chy_crl_folder_write(struct chy_runtime *runtime, struct chy_op *op,
                                uint64_t *out_written)
{
    struct chy_query query;
    struct chy_storage_page page;
    *out_written = 0;
    if (runtime->pki.crl_dir.len == 0) {
        return CHY_OK;
    }
    chy_query_init(&query, op, CHY_C_CRL_SHARDS,
                   CHY_FIELDS(CHY_SHARD_GENERATION_ID, CHY_SHARD_NUMBER, CHY_SHARD_REVISION,
                              CHY_SHARD_CRL_REVISION, CHY_SHARD_THIS_UPDATE, CHY_SHARD_NEXT_UPDATE,
                              CHY_SHARD_DELTA_REVISION, CHY_SHARD_DELTA_THIS_UPDATE,
                              CHY_SHARD_DELTA_NEXT_UPDATE),
                   CHY_STORAGE_PAGE_MAX);
    do {
        CHY_TRY(chy_query_run(&query, runtime->storage, &page));
        for (uint64_t i = 0; i < page.rows.count && chy_cancelled(op) == 0; i++) {
            write_row(runtime, op, chy_page_row(&page, i), out_written);
        }
        query.find.cursor = page.cursor;
    } while (page.more != 0 && chy_cancelled(op) == 0);
    return CHY_OK;
}
