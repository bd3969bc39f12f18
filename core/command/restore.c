#include "base/file.h"
#include "base/slice.h"
#include "command/backup_mac.h"
#include "command/command.h"
#include "command/crl_source.h"
#include "command/dump.h"
#include "command/locate.h"
#include "enroll/restore_crl.h"
#include "resource/audit.h"
#include "resource/audit_chain.h"
#include "resource/collections.h"
#include "resource/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const struct chy_argument arguments[] = {
    CHY_LOCATE_ARGUMENTS,
    {"from", "DIR", "the folder of the backup", NULL, false},
    {"crls", "DIR|URL",
     "the CRLs published last: a folder of .crl files, or the http URL they are at", NULL, false},
    {"accept-lost-revocations", NULL,
     "do without CRLs: what was revoked after the backup is valid again", NULL, false},
};
enum {
    FROM = CHY_LOCATE_COUNT,
    CRLS,
    ACCEPT
};

/** What is restored, and from what. */
struct restoring {
    const char *directory;
    json_t *manifest;
    struct chy_slice manifest_text;
    bool accepts_loss;
    const char *crl_directory; /**< NULL: none */
    const char *fetched;       /**< a folder of ours, to be removed; NULL: none */
    struct chy_crl_file *files;
    uint64_t crls;
    uint64_t added;
    uint64_t strange; /**< of keys that the backup does not have */
};

/* ------------------------------------------------------------------------------------------------
 * Before anything is written
 */

static bool is_place(const json_t *entry, const struct chy_crl_place *place)
{
    struct chy_uuid id;
    return chy_uuid_parse(chy_json_member(entry, "generationId"), &id) &&
           chy_uuid_compare(&id, &place->generation_id) == 0 &&
           json_integer_value(json_object_get(entry, "shard")) == place->shard;
}

/** One CRL, in an operation of its own: there may be many, and each may be large. */
struct looking {
    struct restoring *restoring;
    const char *path;
};

/** tick_off notes the number of a complete CRL that the manifest names. */
static chy_status tick_off(struct chy_assembly *a, struct chy_op *op, void *context)
{
    const struct looking *l = context;
    struct chy_slice der;
    struct chy_crl crl;
    struct chy_crl_place place;
    size_t i;
    json_t *entry;
    (void)a;
    CHY_TRY(chy_file_read(op, l->path, CHY_CRL_MAX, &der));
    if (chy_restore_crl_read(op, der, &crl, &place) != CHY_OK) {
        struct chy_error error = {.struct_size = sizeof error};
        op->host->last_error(op, &error);
        return chy_fail(op, CHY_BAD_INPUT, 0, "'%s' is not a CRL that was published here: %.*s",
                        l->path, (int)error.message.len, (const char *)error.message.ptr);
    }
    json_array_foreach(json_object_get(l->restoring->manifest, "crls"), i, entry)
    {
        if (!place.is_delta && is_place(entry, &place) &&
            json_integer_value(json_object_get(entry, "found")) <= place.number &&
            json_object_set_new(entry, "found", json_integer(place.number)) != 0) {
            return chy_fail_memory(op);
        }
    }
    return CHY_OK;
}

/** check_entry: a CRL that is missing may have had anything in it, and one that is older than the
 *  backup's own tells nothing of what came after. */
static chy_status check_entry(struct chy_op *op, const struct restoring *r, const json_t *entry)
{
    const char *generation = json_string_value(json_object_get(entry, "generationId"));
    long long shard = json_integer_value(json_object_get(entry, "shard"));
    long long known = json_integer_value(json_object_get(entry, "completeNumber"));
    const json_t *found = json_object_get(entry, "found");
    if (generation == NULL) {
        return chy_fail(op, CHY_BAD_INPUT, 0, "the manifest of the backup is malformed");
    }
    if (found != NULL && json_integer_value(found) >= known) {
        return CHY_OK;
    }
    if (found == NULL && !r->accepts_loss) {
        return chy_fail(op, CHY_BAD_INPUT, 0,
                        "the CRL %s/%lld.crl is missing: what was revoked on it after the backup "
                        "would be valid again; find it, or say --accept-lost-revocations",
                        generation, shard);
    }
    if (found != NULL && !r->accepts_loss) {
        return chy_fail(op, CHY_BAD_INPUT, 0,
                        "the CRL %s/%lld.crl is number %lld, the backup itself is of a time after "
                        "number %lld: find the CRL that was published last, or say "
                        "--accept-lost-revocations",
                        generation, shard, (long long)json_integer_value(found), known);
    }
    if (found != NULL) {
        chy_log_warning(op, "restore.old-crl",
                        "the CRL %s/%lld.crl is older than the backup: what was revoked after the "
                        "backup is valid again",
                        generation, shard);
    }
    return CHY_OK;
}

/** check_crls wants a complete CRL of each shard. */
static chy_status check_crls(struct chy_assembly *a, struct chy_op *op, struct restoring *r)
{
    const json_t *crls = json_object_get(r->manifest, "crls");
    size_t i;
    json_t *entry;
    for (const struct chy_crl_file *file = r->files; file != NULL; file = file->next) {
        struct looking looking = {r, file->path};
        CHY_TRY(chy_assembly_part(a, op, CHY_DUMP_CRL_MEMORY, tick_off, &looking));
    }
    if (json_array_size(crls) == 0 && !r->accepts_loss) {
        return chy_fail(op, CHY_BAD_INPUT, 0,
                        "the backup knows no CRL: it was made before the first CA, and no CRL can "
                        "show that it is the newest; say --accept-lost-revocations if it is");
    }
    json_array_foreach((json_t *)(uintptr_t)crls, i, entry)
    {
        CHY_TRY(check_entry(op, r, entry));
    }
    return CHY_OK;
}

static chy_status load(struct chy_assembly *a, struct chy_op *op, void *context)
{
    struct restoring *r = context;
    CHY_TRY(chy_backup_mac_check(a, op, r->directory, r->manifest, r->manifest_text));
    CHY_TRY(check_crls(a, op, r));
    return chy_dump_read(a, op, r->directory, r->manifest);
}

/* ------------------------------------------------------------------------------------------------
 * With the keys of the instance
 */

static chy_status merge(struct chy_assembly *a, struct chy_op *op, void *context)
{
    const struct looking *l = context;
    struct restoring *r = l->restoring;
    struct chy_slice der;
    struct chy_crl crl;
    struct chy_crl_place place;
    uint64_t added = 0;
    bool is_ours = false;
    CHY_TRY(chy_file_read(op, l->path, CHY_CRL_MAX, &der));
    CHY_TRY(chy_restore_crl_read(op, der, &crl, &place));
    CHY_TRY(chy_restore_crl_is_ours(&a->runtime, op, &place, &is_ours));
    if (!is_ours) {
        chy_log_warning(op, "restore.strange-crl",
                        "'%s' is of a CA key that the backup does not have: it was made later",
                        l->path);
        r->strange++;
        return CHY_OK;
    }
    chy_status status = chy_restore_crl(&a->runtime, op, &crl, &place, &added);
    if (status != CHY_OK) {
        struct chy_error error = {.struct_size = sizeof error};
        op->host->last_error(op, &error);
        return chy_fail(op, status, 0, "'%s': %.*s", l->path, (int)error.message.len,
                        (const char *)error.message.ptr);
    }
    r->crls++;
    r->added += added;
    return CHY_OK;
}

static chy_status end(struct chy_assembly *a, struct chy_op *op, const struct restoring *r)
{
    struct chy_batch batch;
    struct chy_buf detail;
    struct chy_audit_event event = {
        .action = "instance.restore", .target_kind = "instance", .outcome = CHY_AUDIT_OK};
    chy_buf_init(&detail, op, 512);
    chy_buf_add_text(&detail, "{\"backupId\":");
    chy_buf_add_json_string(&detail, chy_json_member(r->manifest, "backupId"));
    chy_buf_add_text(&detail, ",\"crls\":");
    chy_buf_add_u64(&detail, r->crls);
    chy_buf_add_text(&detail, ",\"revocationsAdded\":");
    chy_buf_add_u64(&detail, r->added);
    chy_buf_add_text(&detail, r->accepts_loss ? ",\"acceptedLoss\":true}" : "}");
    if (!chy_buf_ok(&detail)) {
        return chy_buf_fail(&detail, op, "the audit row");
    }
    event.detail = chy_buf_slice(&detail);
    chy_batch_init(&batch, op, 0);
    (void)chy_batch_delete(&batch, CHY_C_SETTINGS,
                           CHY_KEY(chy_value_text(chy_text(CHY_SETTING_RESTORE))));
    CHY_TRY(chy_audit_add(&a->runtime, &batch, &event));
    return chy_runtime_commit(&a->runtime, &batch, NULL);
}

static chy_status finish(struct chy_assembly *a, struct chy_op *op, void *context)
{
    struct restoring *r = context;
    CHY_TRY(chy_restore_forget_crls(&a->runtime, op));
    for (const struct chy_crl_file *file = r->files; file != NULL; file = file->next) {
        struct looking looking = {r, file->path};
        CHY_TRY(chy_assembly_part(a, op, CHY_DUMP_CRL_MEMORY, merge, &looking));
    }
    CHY_TRY(chy_audit_recover_all(&a->runtime, op)); // the backup was taken beside a daemon
    CHY_TRY(end(a, op, r));
    (void)printf("restored from %s: %llu CRLs read, %llu revocations added, %llu CRLs of unknown "
                 "keys\n",
                 r->directory, (unsigned long long)r->crls, (unsigned long long)r->added,
                 (unsigned long long)r->strange);
    return CHY_OK;
}

/* ------------------------------------------------------------------------------------------------
 * The command
 */

static bool is_url(const char *text)
{
    return chy_slice_starts_with(chy_text(text), chy_text("http://")) ||
           chy_slice_starts_with(chy_text(text), chy_text("https://"));
}

static chy_status find_crls(struct chy_cli *cli, const char *crls, struct restoring *r)
{
    char folder[] = "/tmp/chancery-crls-XXXXXX";
    struct chy_slice copy;
    if (crls == NULL) {
        return CHY_OK;
    }
    r->crl_directory = crls;
    if (is_url(crls)) {
        if (mkdtemp(folder) == NULL) {
            return chy_fail(cli->op, CHY_BROKEN, 0, "no folder for the CRLs could be made");
        }
        CHY_TRY(chy_copy(cli->op, chy_slice_of(folder, sizeof folder), &copy));
        r->fetched = r->crl_directory = (const char *)copy.ptr;
        CHY_TRY(chy_crl_source_fetch(cli->op, crls, r->manifest, r->fetched));
    }
    return chy_crl_source_list(cli->op, r->crl_directory, &r->files);
}

static void remove_fetched(const struct restoring *r)
{
    for (const struct chy_crl_file *file = r->files; r->fetched != NULL && file != NULL;
         file = file->next) {
        (void)unlink(file->path);
    }
    if (r->fetched != NULL) {
        (void)rmdir(r->fetched);
    }
}

static chy_status step(struct chy_cli *cli, struct chy_config *config, enum chy_assembly_need need,
                       bool of_dev, chy_assembly_work *work, struct restoring *r)
{
    static struct chy_assembly assembly;
    CHY_TRY(chy_assembly_start(&assembly, cli, config, need, of_dev));
    chy_status status = chy_assembly_run(&assembly, work, r);
    chy_assembly_stop(&assembly);
    return status;
}

static chy_status restore(struct chy_cli *cli, const struct chy_given *given, struct restoring *r)
{
    struct chy_config *config = NULL;
    bool of_dev = chy_given_text(given, CHY_LOCATE_DATA) != NULL;
    CHY_TRY(chy_locate(cli, given, &config));
    CHY_TRY(chy_dump_manifest(cli->op, r->directory, &r->manifest, &r->manifest_text));
    CHY_TRY(find_crls(cli, chy_given_text(given, CRLS), r));
    CHY_TRY(step(cli, config, CHY_NEED_RESTORE, of_dev, load, r));
    return step(cli, config, CHY_NEED_FINISH, of_dev, finish, r);
}

static int run(struct chy_cli *cli, const struct chy_given *given)
{
    struct restoring r = {.directory = chy_given_text(given, FROM),
                          .accepts_loss = chy_given_flag(given, ACCEPT)};
    if (r.directory == NULL) {
        return chy_cli_say_usage(cli->path, "expected --from DIR");
    }
    if (chy_given_text(given, CRLS) == NULL && !r.accepts_loss) {
        return chy_cli_say_usage(cli->path, "expected --crls DIR|URL, the CRLs published last, or "
                                            "--accept-lost-revocations");
    }
    chy_log_set_level(&cli->log, CHY_LOG_WARNING);
    chy_json_setup();
    int code = restore(cli, given, &r) == CHY_OK ? CHY_EXIT_OK : chy_cli_fail(cli);
    remove_fetched(&r);
    return code;
}

const struct chy_command chy_command_restore = {
    .name = "restore",
    .summary = "Put a backup into an empty database",
    .details =
        "The configuration must have the master key (KEK) that the backup names, and a database\n"
        "without rows. What was revoked after the backup comes from the CRLs published last:\n"
        "a folder of .crl files, or a URL below which curl finds crl/<key>/<shard>.crl. No CRL\n"
        "number goes back. Interrupted, it can be run again; nothing serves until it is done.",
    .example = "chancery restore --config /etc/chancery/chancery.yaml --from ./backup-2027-01-31 "
               "--crls ./crls",
    .arguments = arguments,
    .argument_count = sizeof arguments / sizeof arguments[0],
    .run = run,
};
