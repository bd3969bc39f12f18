#include "base/file.h"
#include "base/time.h"
#include "command/backup_mac.h"
#include "command/command.h"
#include "command/dump.h"
#include "command/instance_files.h"
#include "command/locate.h"
#include "enroll/restore_crl.h"
#include "resource/collections.h"
#include "resource/json.h"

#include <stdio.h>
#include <unistd.h>

static const struct chy_argument arguments[] = {
    CHY_LOCATE_ARGUMENTS,
    {"to", "DIR", "a new folder for the backup", NULL, false},
};
#define TO CHY_LOCATE_COUNT

/** One shard that the manifest tells of. */
struct shard {
    struct chy_uuid generation_id;
    int64_t number;
    json_t *entry;
};

/** add_complete notes the number of the complete CRL that was published last; 0: there is none. */
static chy_status add_complete(struct chy_assembly *a, struct chy_op *op, void *context)
{
    struct shard *shard = context;
    struct chy_storage_row row;
    struct chy_crl crl;
    struct chy_crl_place place = {.number = 0};
    CHY_TRY(chy_storage_read(
        a->runtime.storage, op, CHY_C_CRL_SHARDS,
        CHY_KEY(chy_value_uuid(&shard->generation_id), chy_value_int(shard->number)),
        CHY_FIELDS(CHY_SHARD_CRL), &row));
    if (!chy_row_is_null(&row, 0)) {
        CHY_TRY(chy_restore_crl_read(op, chy_row_blob(&row, 0), &crl, &place));
    }
    return chy_json_set_int(shard->entry, "completeNumber", place.number) ? CHY_OK
                                                                          : chy_fail_memory(op);
}

/** add_crls notes which CRLs there are, and their numbers: what `restore` wants to see. */
static chy_status add_crls(struct chy_assembly *a, struct chy_op *op, json_t *manifest)
{
    struct chy_query query;
    struct chy_storage_page page;
    json_t *crls = chy_json_array(op);
    if (crls == NULL || json_object_set(manifest, "crls", crls) != 0) {
        return chy_fail_memory(op);
    }
    chy_query_init(&query, op, CHY_C_CRL_SHARDS,
                   CHY_FIELDS(CHY_SHARD_GENERATION_ID, CHY_SHARD_NUMBER, CHY_SHARD_CRL_NUMBER),
                   CHY_STORAGE_PAGE_MAX);
    do {
        CHY_TRY(chy_query_run(&query, a->runtime.storage, &page));
        for (uint64_t i = 0; i < page.rows.count; i++) {
            const struct chy_storage_row *row = chy_page_row(&page, i);
            struct shard shard = {chy_row_uuid(row, 0), chy_row_int(row, 1), chy_json_object(op)};
            if (shard.entry == NULL ||
                !chy_json_set_uuid(shard.entry, "generationId", &shard.generation_id) ||
                !chy_json_set_int(shard.entry, "shard", shard.number) ||
                !chy_json_set_int(shard.entry, "number", chy_row_int(row, 2)) ||
                json_array_append(crls, shard.entry) != 0) {
                return chy_fail_memory(op);
            }
            CHY_TRY(chy_assembly_part(a, op, CHY_DUMP_CRL_MEMORY, add_complete, &shard));
        }
        query.find.cursor = page.cursor;
    } while (page.more != 0);
    return CHY_OK;
}

static chy_status describe(struct chy_assembly *a, struct chy_op *op, json_t *manifest)
{
    struct chy_uuid id;
    CHY_TRY(chy_runtime_new_uuid(&a->runtime, op, &id));
    bool fine = chy_json_set_int(manifest, "format", CHY_DUMP_FORMAT) &&
                chy_json_set_uuid(manifest, "backupId", &id) &&
                chy_json_set_text(manifest, "madeBy", chy_text("chancery " CHANCERY_VERSION)) &&
                chy_json_set_time(manifest, "madeAt", chy_now(op)) &&
                chy_json_set_int(manifest, "schemaVersion", a->schema.version);
    if (!fine) {
        return chy_fail_memory(op);
    }
    CHY_TRY(chy_backup_mac_describe(a, op, manifest));
    return add_crls(a, op, manifest);
}

static chy_status write_manifest(struct chy_assembly *a, struct chy_op *op, const char *directory,
                                 const json_t *manifest)
{
    struct chy_slice text;
    const char *path;
    CHY_TRY(chy_json_write(op, manifest, &text));
    CHY_TRY(chy_backup_mac_write(a, op, directory, text));
    CHY_TRY(chy_path_join(op, directory, CHY_DUMP_MANIFEST, &path));
    return chy_file_create(op, path, text, 0600);
}

static chy_status back_up(struct chy_assembly *a, struct chy_op *op, void *context)
{
    const char *directory = context;
    json_t *manifest = chy_json_object(op);
    if (manifest == NULL) {
        return chy_fail_memory(op);
    }
    CHY_TRY(chy_storage_freeze(a->runtime.storage, op, true));
    chy_status status = describe(a, op, manifest);
    if (status == CHY_OK) {
        status = chy_dump_write(a, op, directory, manifest);
    }
    chy_status thawed = chy_storage_freeze(a->runtime.storage, op, false);
    CHY_TRY(status);
    CHY_TRY(thawed);
    CHY_TRY(write_manifest(a, op, directory, manifest));
    (void)printf("%s: needs the master key (KEK) %s, which is not in it\n", directory,
                 json_string_value(json_object_get(manifest, "kekId")));
    return CHY_OK;
}

static int run(struct chy_cli *cli, const struct chy_given *given)
{
    static struct chy_assembly assembly;
    struct chy_config *config = NULL;
    const char *directory = chy_given_text(given, TO);
    bool of_dev = chy_given_text(given, CHY_LOCATE_DATA) != NULL;
    if (directory == NULL) {
        return chy_cli_say_usage(cli->path, "expected --to DIR");
    }
    chy_log_set_level(&cli->log, CHY_LOG_WARNING);
    if (access(directory, F_OK) == 0) {
        (void)chy_fail(cli->op, CHY_CONFLICT, 0,
                       "'%s' exists already: a backup goes into a new folder", directory);
        return chy_cli_fail(cli);
    }
    if (chy_locate(cli, given, &config) != CHY_OK ||
        chy_assembly_start(&assembly, cli, config, CHY_NEED_RUNTIME, of_dev) != CHY_OK) {
        return chy_cli_fail(cli);
    }
    chy_status status = chy_directory_make(cli->op, directory);
    if (status == CHY_OK) {
        status = chy_assembly_run(&assembly, back_up, (void *)(uintptr_t)directory);
    }
    int code = status == CHY_OK ? CHY_EXIT_OK : chy_cli_fail(cli);
    chy_assembly_stop(&assembly);
    return code;
}

const struct chy_command chy_command_backup = {
    .name = "backup",
    .summary = "Write a copy of the database into a folder, also while a daemon runs",
    .details = "The copy is of one moment, of any storage, and can be restored into another one.\n"
               "It does not have the master key (KEK), but says which one it needs. A folder\n"
               "without " CHY_DUMP_MANIFEST " is of a backup that was interrupted.",
    .example = "chancery backup --config /etc/chancery/chancery.yaml --to ./backup-2027-01-31",
    .arguments = arguments,
    .argument_count = sizeof arguments / sizeof arguments[0],
    .run = run,
};
