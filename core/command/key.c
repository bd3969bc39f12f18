#include "base/file.h"
#include "base/slice.h"
#include "command/assembly.h"
#include "command/command.h"
#include "command/instance_files.h"
#include "command/locate.h"
#include "enroll/certificate_view.h"
#include "enroll/issuer.h"
#include "resource/collections.h"
#include "resource/keyring.h"

#include <stdio.h>
#include <unistd.h>

#define KEK_FILE_MAX 4096U
#define SAMPLE "100"

static const struct chy_argument locate_arguments[] = {CHY_LOCATE_ARGUMENTS};

static const struct chy_argument check_arguments[] = {
    CHY_LOCATE_ARGUMENTS,
    {"sample", "N", "open the N newest sealed keys of each sort, at most 1000", SAMPLE, false},
};
#define SAMPLE_ARGUMENT CHY_LOCATE_COUNT

static const struct chy_argument rotate_arguments[] = {
    CHY_LOCATE_ARGUMENTS,
    {"new-kek", "FILE", "the new master key; made, mode 0600, when it is not there", NULL, false},
    {"finish", NULL, "end the rotation: from then on only the new master key opens anything", NULL,
     false},
    {"offline", NULL, "no daemon runs: do not leave the new key, sealed by the old one, for them",
     NULL, false},
};
enum {
    NEW_KEK = CHY_LOCATE_COUNT,
    FINISH,
    OFFLINE
};

/** What a work function is told. */
struct key_run {
    const struct chy_given *given;
};

static struct chy_keyring *keyring_of(const struct chy_assembly *assembly)
{
    return assembly->runtime.keyring;
}

static void print_counts(const struct chy_data_key_counts *counts)
{
    (void)printf("data keys: %llu\n", (unsigned long long)counts->total);
    for (size_t i = 0; i < counts->kek_count; i++) {
        (void)printf("  sealed by %s: %llu\n", counts->keks[i].id.text,
                     (unsigned long long)counts->keks[i].count);
    }
}

/** left tells how many data keys the KEK in use has not sealed. */
static uint64_t left(struct chy_keyring *keyring, const struct chy_data_key_counts *counts)
{
    struct chy_kek_id now = chy_keks_current(chy_keyring_keks(keyring));
    uint64_t count = counts->total;
    for (size_t i = 0; i < counts->kek_count; i++) {
        count -= strcmp(counts->keks[i].id.text, now.text) == 0 ? counts->keks[i].count : 0;
    }
    return count;
}

static void print_keks(struct chy_keyring *keyring)
{
    struct chy_keks *keks = chy_keyring_keks(keyring);
    struct chy_kek_id now = chy_keks_current(keks);
    struct chy_kek_id configured = chy_keks_configured(keks);
    (void)printf("master key in use: %s\nconfigured: %s%s\n", now.text, configured.text,
                 strcmp(now.text, configured.text) == 0 ? "" : ", which is being retired");
}

/* ------------------------------------------------------------------------------------------------
 * status and check
 */

static chy_status status(struct chy_assembly *assembly, struct chy_op *op, void *context)
{
    struct chy_data_key_counts counts;
    (void)context;
    CHY_TRY(chy_keyring_count(keyring_of(assembly), op, false, &counts));
    print_keks(keyring_of(assembly));
    print_counts(&counts);
    if (chy_keks_is_rotating(chy_keyring_keks(keyring_of(assembly)))) {
        (void)printf("rotation: under way, %llu data keys left\n",
                     (unsigned long long)left(keyring_of(assembly), &counts));
    }
    return CHY_OK;
}

/** Keys of one sort that are sealed in rows. */
struct sealed_sort {
    const char *what;
    uint32_t collection;
    uint32_t field;
    chy_status (*open)(struct chy_runtime *runtime, struct chy_op *op,
                       const struct chy_storage_row *row, struct chy_crypto_key *out_key);
};

static const struct sealed_sort sorts[] = {
    {"keys of certificate authorities", CHY_C_GENERATIONS, CHY_GENERATION_SEALED_KEY,
     chy_generation_open_key},
    {"keys of certificates", CHY_C_CERTIFICATES, CHY_CERT_SEALED_KEY, chy_certificate_open_key},
};

/** opens tells whether the key of a row opens and is the row's; it says so when it does not. */
static bool opens(struct chy_assembly *assembly, struct chy_op *op, const struct sealed_sort *sort,
                  const struct chy_storage_row *row)
{
    char id_text[CHY_UUID_TEXT_SIZE];
    struct chy_op *child = op->host->op_child(op);
    struct chy_crypto_key key = {NULL, NULL};
    if (child == NULL) {
        return false;
    }
    bool is_open = sort->open(&assembly->runtime, child, row, &key) == CHY_OK;
    if (!is_open) {
        struct chy_uuid id = chy_row_uuid(row, 0);
        struct chy_error error = {.struct_size = sizeof error};
        chy_uuid_format(&id, id_text);
        op->host->last_error(child, &error);
        (void)printf("%s: %s does not open: %.*s\n", sort->what, id_text, (int)error.message.len,
                     (const char *)error.message.ptr);
    }
    chy_crypto_key_release(&key);
    op->host->op_end(child);
    return is_open;
}

static chy_status check_sort(struct chy_assembly *assembly, struct chy_op *op,
                             const struct sealed_sort *sort, uint64_t sample, uint64_t *bad)
{
    struct chy_query query;
    struct chy_storage_page page;
    uint64_t closed = 0;
    chy_query_init(&query, op, sort->collection, chy_core_fields(sort->collection), sample);
    chy_query_not_null(&query, sort->field);
    chy_query_order(&query, 0, true); // the id: newest first
    CHY_TRY(chy_query_run(&query, assembly->runtime.storage, &page));
    for (uint64_t i = 0; i < page.rows.count; i++) {
        closed += opens(assembly, op, sort, chy_page_row(&page, i)) ? 0U : 1U;
    }
    (void)printf("%s: %llu of %llu looked at open\n", sort->what,
                 (unsigned long long)(page.rows.count - closed),
                 (unsigned long long)page.rows.count);
    *bad += closed;
    return CHY_OK;
}

static chy_status check(struct chy_assembly *assembly, struct chy_op *op, void *context)
{
    const struct key_run *run = context;
    struct chy_data_key_counts counts;
    uint64_t sample;
    if (!chy_slice_parse_u64(chy_text(chy_given_text(run->given, SAMPLE_ARGUMENT)),
                             CHY_STORAGE_PAGE_MAX, &sample) ||
        sample == 0) {
        return chy_fail(op, CHY_BAD_INPUT, 0, "--sample is a number from 1 to %u",
                        CHY_STORAGE_PAGE_MAX);
    }
    CHY_TRY(chy_keyring_count(keyring_of(assembly), op, true, &counts));
    uint64_t bad = counts.closed;
    print_keks(keyring_of(assembly));
    print_counts(&counts);
    (void)printf("  that open: %llu\n", (unsigned long long)(counts.total - counts.closed));
    for (size_t i = 0; i < sizeof sorts / sizeof sorts[0]; i++) {
        CHY_TRY(check_sort(assembly, op, &sorts[i], sample, &bad));
    }
    return bad == 0 ? CHY_OK
                    : chy_fail(op, CHY_BROKEN, 0, "%llu sealed keys do not open",
                               (unsigned long long)bad);
}

/* ------------------------------------------------------------------------------------------------
 * rotate
 */

static chy_status read_kek_file(struct chy_op *op, const char *path, struct chy_slice *out_kek)
{
    struct chy_slice text;
    if (access(path, F_OK) != 0) {
        CHY_TRY(chy_kek_create(op, path));
        (void)printf("made the new master key '%s': back it up\n", path);
    }
    CHY_TRY(chy_file_read_secret(op, path, KEK_FILE_MAX, &text));
    return chy_kek_read(op, text, out_kek);
}

static chy_status rotate(struct chy_assembly *assembly, struct chy_op *op, const char *path,
                         bool is_alone)
{
    struct chy_keyring *keyring = keyring_of(assembly);
    struct chy_slice old_kek;
    struct chy_slice new_kek;
    uint64_t done;
    CHY_TRY(chy_kek_read(op, assembly->config->kek, &old_kek));
    CHY_TRY(read_kek_file(op, path, &new_kek));
    CHY_TRY((is_alone ? chy_kek_rotation_begin_alone
                      : chy_kek_rotation_begin)(chy_keyring_keks(keyring), op, old_kek, new_kek));
    CHY_TRY(chy_keyring_rewrap(keyring, op, UINT64_MAX, &done));
    struct chy_kek_id now = chy_keks_current(chy_keyring_keks(keyring));
    (void)printf("sealed %llu data keys again; the database is sealed by the master key %s now\n"
                 "%sWhat is left to do:\n"
                 "  1. configure '%s' as the kek of each node, and restart its daemon\n"
                 "  2. run 'chancery key rotate --finish': from then on the old one opens nothing\n"
                 "  3. make a backup: older ones need the old master key, so keep it with them\n",
                 (unsigned long long)done, now.text,
                 is_alone ? "" : "The one before still works.  ", path);
    return CHY_OK;
}

static chy_status finish(struct chy_assembly *assembly, struct chy_op *op)
{
    struct chy_keks *keks = chy_keyring_keks(keyring_of(assembly));
    struct chy_kek_id now = chy_keks_current(keks);
    struct chy_kek_id configured = chy_keks_configured(keks);
    struct chy_data_key_counts counts;
    uint64_t done;
    if (!chy_keks_is_rotating(keks)) {
        (void)printf("nothing to do: no rotation is under way\n");
        return CHY_OK;
    }
    if (strcmp(now.text, configured.text) != 0) {
        return chy_fail(op, CHY_DENIED, 0,
                        "the configured master key is still the old one (%s): configure the new "
                        "one (%s) first",
                        configured.text, now.text);
    }
    CHY_TRY(chy_keyring_rewrap(keyring_of(assembly), op, UINT64_MAX, &done));
    CHY_TRY(chy_keyring_count(keyring_of(assembly), op, true, &counts));
    if (left(keyring_of(assembly), &counts) != 0 || counts.closed != 0) {
        return chy_fail(op, CHY_BROKEN, 0,
                        "%llu data keys are not sealed by the new master key, %llu do not open; "
                        "the old one stays in use",
                        (unsigned long long)left(keyring_of(assembly), &counts),
                        (unsigned long long)counts.closed);
    }
    CHY_TRY(chy_kek_rotation_finish(keks, op));
    (void)printf("done: all %llu data keys are sealed by the master key %s, and the one before "
                 "opens nothing of this database any more\n",
                 (unsigned long long)counts.total, now.text);
    return CHY_OK;
}

static chy_status rotate_or_finish(struct chy_assembly *assembly, struct chy_op *op, void *context)
{
    const struct key_run *run = context;
    const char *path = chy_given_text(run->given, NEW_KEK);
    bool wants_finish = chy_given_flag(run->given, FINISH);
    bool is_alone = chy_given_flag(run->given, OFFLINE);
    if ((path != NULL) == wants_finish || (is_alone && wants_finish)) {
        return chy_fail(op, CHY_BAD_INPUT, 0, "give --new-kek FILE, or --finish");
    }
    return wants_finish ? finish(assembly, op) : rotate(assembly, op, path, is_alone);
}

/* ------------------------------------------------------------------------------------------------
 * The commands
 */

static int run_status(struct chy_cli *cli, const struct chy_given *given)
{
    return chy_assembly_command(cli, given, status, NULL);
}

static int run_check(struct chy_cli *cli, const struct chy_given *given)
{
    struct key_run run = {given};
    return chy_assembly_command(cli, given, check, &run);
}

static int run_rotate(struct chy_cli *cli, const struct chy_given *given)
{
    struct key_run run = {given};
    return chy_assembly_command(cli, given, rotate_or_finish, &run);
}

static const struct chy_command status_command = {
    .name = "status",
    .summary = "Tell which master key (KEK) the database needs, and what it seals",
    .example = "chancery key status --config /etc/chancery/chancery.yaml",
    .arguments = locate_arguments,
    .argument_count = sizeof locate_arguments / sizeof locate_arguments[0],
    .run = run_status,
};
static const struct chy_command check_command = {
    .name = "check",
    .summary = "Open every data key, and the newest keys that they seal",
    .example = "chancery key check --config /etc/chancery/chancery.yaml",
    .arguments = check_arguments,
    .argument_count = sizeof check_arguments / sizeof check_arguments[0],
    .run = run_check,
};
static const struct chy_command rotate_command = {
    .name = "rotate",
    .summary = "Put another master key (KEK) in the place of the one in use",
    .details =
        "Daemons go on meanwhile, with either key. What was interrupted goes on when it is run\n"
        "again with the same file. The old key works until --finish, which wants the new one to\n"
        "be configured. Issued certificates, tokens and client secrets stay as they are.\n"
        "With --offline, after stopping every daemon, whoever has the old key and a copy of the\n"
        "database from between does not come by the new one.",
    .example = "chancery key rotate --new-kek /etc/chancery/kek.new",
    .arguments = rotate_arguments,
    .argument_count = sizeof rotate_arguments / sizeof rotate_arguments[0],
    .run = run_rotate,
};

static const struct chy_command *const commands[] = {&status_command, &check_command,
                                                     &rotate_command};

const struct chy_command chy_command_key = {
    .name = "key",
    .summary = "Look at, check or change the master key (KEK), also while a daemon runs",
    .example = "chancery key status --config /etc/chancery/chancery.yaml",
    .commands = commands,
    .command_count = sizeof commands / sizeof commands[0],
};
