#include "command/ceremony.h"

#include "base/file.h"
#include "base/slice.h"
#include "base/time.h"
#include "command/ask.h"
#include "command/daemon.h"
#include "command/locate.h"
#include "resource/collections.h"
#include "resource/json.h"
#include "x509/crl.h"
#include "x509/name.h"
#include "x509/pem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define FOLDER_MODE 0755 // within the ceremony's own, which is 0700

/* ------------------------------------------------------------------------------------------------
 * What a step is called with
 */

const char *chy_ceremony_check_given(const struct chy_given *given, bool only_looks)
{
    if (chy_given_text(given, CHY_CEREMONY_DIR) == NULL) {
        return "expected --dir DIR, the ceremony's folder";
    }
    if (only_looks) {
        return NULL;
    }
    for (size_t i = 0; i < chy_given_count(given, CHY_CEREMONY_OPERATOR); i++) {
        struct chy_slice name = chy_text(chy_given_at(given, CHY_CEREMONY_OPERATOR, i));
        if (chy_slice_trim(name).len == 0 || name.len > 128 || !chy_text_is_clean(name)) {
            return "--operator is a name of at most 128 octets, without control characters";
        }
    }
    return chy_given_count(given, CHY_CEREMONY_OPERATOR) != 0
               ? NULL
               : "expected --operator NAME, who is present; it stands in the transcript";
}

chy_status chy_ceremony_lock(struct chy_op *op, const char *directory)
{
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        int code = errno;
        return chy_fail(op, code == ENOENT ? CHY_NOT_FOUND : CHY_BROKEN, code,
                        "cannot open the folder '%s': %s", directory, strerror(code));
    }
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        int code = errno;
        (void)close(fd);
        return chy_fail(op, CHY_CONFLICT, code, "another step of the ceremony in '%s' is under way",
                        directory);
    }
    return CHY_OK; // the descriptor, and so the lock, is the process's until it ends
}

/* ------------------------------------------------------------------------------------------------
 * Opening
 */

static chy_status clear_notes(struct chy_ceremony *c)
{
    c->inputs = chy_json_array(c->op);
    c->outputs = chy_json_array(c->op);
    c->details = chy_json_object(c->op);
    return c->inputs != NULL && c->outputs != NULL && c->details != NULL ? CHY_OK
                                                                         : chy_fail_memory(c->op);
}

chy_status chy_ceremony_open(struct chy_ceremony *c)
{
    struct chy_uuid id;
    const char *folder;
    CHY_TRY(clear_notes(c));
    c->runtime = &c->assembly->runtime;
    c->runtime->pki.delta_lifetime = 0; // nobody would be there to serve a delta
    CHY_TRY(chy_ask_find_authority(c->assembly, c->op, CHY_CEREMONY_CA, &id));
    chy_uuid_format(&id, c->root_id);
    CHY_TRY(chy_issuer_get(c->runtime, c->op, &id, &c->root));
    CHY_TRY(chy_path_join(c->op, c->directory, CHY_CEREMONY_TRANSCRIPT, &folder));
    return chy_transcript_read(c->runtime, c->op, folder, c->root, &c->transcript);
}

/** What is run in the assembly. */
struct run {
    struct chy_ceremony ceremony;
    chy_ceremony_step *step;
};

static chy_status open_and_step(struct chy_assembly *assembly, struct chy_op *op, void *context)
{
    struct run *run = context;
    struct chy_ceremony *c = &run->ceremony;
    c->assembly = assembly;
    c->op = op;
    CHY_TRY(chy_ceremony_open(c));
    if (json_array_size(c->transcript.steps) == 0) {
        return chy_fail(op, CHY_CONFLICT, 0,
                        "the step that creates the root in '%s' was interrupted: do it again, with "
                        "the same options",
                        c->directory);
    }
    return run->step(c);
}

static chy_status find_config(struct chy_cli *cli, const char *directory,
                              struct chy_config **out_config)
{
    const char *path;
    CHY_TRY(chy_ceremony_lock(cli->op, directory));
    CHY_TRY(chy_path_join(cli->op, directory, CHY_CEREMONY_CONFIG, &path));
    if (access(path, F_OK) != 0) {
        return chy_fail(cli->op, CHY_NOT_FOUND, errno,
                        "there is no ceremony in '%s': 'chancery ca ceremony create' makes one",
                        directory);
    }
    return chy_config_load(cli->op, path, out_config);
}

int chy_ceremony_run(struct chy_cli *cli, const struct chy_given *given, bool only_looks,
                     chy_ceremony_step *step)
{
    static struct chy_assembly assembly;
    struct run run = {.step = step};
    struct chy_config *config = NULL;
    const char *missing = chy_ceremony_check_given(given, only_looks);
    if (missing != NULL) {
        return chy_cli_say_usage(cli->path, missing);
    }
    run.ceremony.given = given;
    run.ceremony.directory = chy_given_text(given, CHY_CEREMONY_DIR);
    chy_log_set_level(&cli->log, CHY_LOG_WARNING);
    chy_daemon_harden();
    if (find_config(cli, run.ceremony.directory, &config) != CHY_OK ||
        chy_assembly_start(&assembly, cli, config, CHY_NEED_RUNTIME, false) != CHY_OK) {
        return chy_cli_fail(cli);
    }
    chy_status status = chy_assembly_run(&assembly, open_and_step, &run);
    int code = status == CHY_OK ? CHY_EXIT_OK : chy_cli_fail(cli);
    chy_assembly_stop(&assembly);
    return code;
}

/* ------------------------------------------------------------------------------------------------
 * Notes
 */

static chy_status note_file(struct chy_ceremony *c, json_t *list, const char *path,
                            struct chy_slice content)
{
    struct chy_slice digest;
    json_t *file = chy_json_object(c->op);
    CHY_TRY(chy_transcript_digest(c->runtime, c->op, content, &digest));
    bool fine = file != NULL && chy_json_set_text(file, "file", chy_text(path)) &&
                chy_json_set_text(file, "sha256", digest) && json_array_append(list, file) == 0;
    return fine ? CHY_OK : chy_fail_memory(c->op);
}

chy_status chy_ceremony_input(struct chy_ceremony *c, const char *path, size_t max,
                              struct chy_slice *out_content)
{
    CHY_TRY(chy_file_read(c->op, path, max, out_content));
    return note_file(c, c->inputs, path, *out_content);
}

/** make_folders makes those between the ceremony's and the file, for whoever may see that one. */
static chy_status make_folders(struct chy_ceremony *c, const char *path)
{
    for (const char *slash = strchr(path, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        struct chy_slice part;
        const char *folder;
        CHY_TRY(chy_copy(c->op, chy_slice_of(path, (uint64_t)(slash - path)), &part));
        CHY_TRY(chy_path_join(c->op, c->directory, (const char *)part.ptr, &folder));
        if (mkdir(folder, FOLDER_MODE) != 0 && errno != EEXIST) {
            int code = errno;
            return chy_fail(c->op, CHY_BROKEN, code, "cannot make the folder '%s': %s", folder,
                            strerror(code));
        }
    }
    return CHY_OK;
}

chy_status chy_ceremony_output(struct chy_ceremony *c, const char *path, struct chy_slice content)
{
    const char *full;
    CHY_TRY(chy_path_join(c->op, c->directory, path, &full));
    CHY_TRY(make_folders(c, path));
    CHY_TRY(chy_file_write(c->op, full, content, 0644));
    return note_file(c, c->outputs, path, content);
}

static chy_status add_operators(const struct chy_ceremony *c, json_t *step)
{
    json_t *operators = chy_json_array(c->op);
    if (operators == NULL) {
        return chy_fail_memory(c->op);
    }
    for (size_t i = 0; i < chy_given_count(c->given, CHY_CEREMONY_OPERATOR); i++) {
        const char *name = chy_given_at(c->given, CHY_CEREMONY_OPERATOR, i);
        if (json_array_append_new(operators, json_string(name)) != 0) {
            return chy_fail(c->op, CHY_BAD_INPUT, 0, "the name of an operator is not UTF-8");
        }
    }
    return json_object_set(step, "operators", operators) == 0 ? CHY_OK : chy_fail_memory(c->op);
}

chy_status chy_ceremony_record(struct chy_ceremony *c, const char *name)
{
    json_t *step = chy_json_object(c->op);
    if (step == NULL) {
        return chy_fail_memory(c->op);
    }
    CHY_TRY(make_folders(c, CHY_CEREMONY_TRANSCRIPT "/"));
    CHY_TRY(add_operators(c, step));
    bool fine = chy_json_set_text(step, "step", chy_text(name)) &&
                chy_json_set_text(step, "program", chy_text("chancery " CHANCERY_VERSION)) &&
                json_object_set(step, "inputs", c->inputs) == 0 &&
                json_object_set(step, "outputs", c->outputs) == 0 &&
                json_object_set(step, "details", c->details) == 0;
    if (!fine) {
        return chy_fail_memory(c->op);
    }
    CHY_TRY(chy_transcript_add(c->runtime, c->op, &c->transcript, c->root, step));
    return clear_notes(c);
}

bool chy_ceremony_recorded(const struct chy_ceremony *c, const char *name, struct chy_slice serial,
                           const char *reason)
{
    for (size_t i = 0; i < json_array_size(c->transcript.steps); i++) {
        const json_t *step = json_array_get(c->transcript.steps, i);
        const json_t *details = json_object_get(step, "details");
        if (chy_slice_is(chy_json_member(step, "step"), name) &&
            chy_slice_equal(chy_json_member(details, "serialNumber"), serial) &&
            (reason == NULL || chy_slice_is(chy_json_member(details, "reason"), reason))) {
            return true;
        }
    }
    return false;
}

/* ------------------------------------------------------------------------------------------------
 * The ends of steps
 */

chy_status chy_ceremony_finish_sign(struct chy_ceremony *c, struct chy_slice der)
{
    struct chy_certificate certificate;
    struct chy_slice subject;
    struct chy_slice pem;
    char serial[CHY_SERIAL_TEXT_SIZE];
    char path[sizeof "issued/.pem" + CHY_SERIAL_TEXT_SIZE];
    CHY_TRY(chy_certificate_read(c->op, der, &certificate));
    CHY_TRY(chy_name_text(c->op, certificate.subject, &subject));
    CHY_TRY(chy_pem_encode(c->op, CHY_PEM_CERTIFICATE, der, 0, &pem));
    chy_serial_text(certificate.serial, serial);
    (void)snprintf(path, sizeof path, "issued/%s.pem", serial);
    CHY_TRY(chy_ceremony_output(c, path, pem));
    bool fine =
        chy_json_set_text(c->details, "serialNumber", chy_text(serial)) &&
        chy_json_set_text(c->details, "subject", subject) &&
        chy_json_set_time(c->details, "notBefore", certificate.not_before) &&
        chy_json_set_time(c->details, "notAfter", certificate.not_after) &&
        (certificate.basic_constraints.has_path_length
             ? chy_json_set_int(c->details, "pathLength", certificate.basic_constraints.path_length)
             : chy_json_set_null(c->details, "pathLength"));
    if (!fine) {
        return chy_fail_memory(c->op);
    }
    CHY_TRY(chy_ceremony_record(c, "sign"));
    (void)printf("signed: %.*s\n  serial number %s\n  %s/%s\n", (int)subject.len,
                 (const char *)subject.ptr, serial, c->directory, path);
    return CHY_OK;
}

chy_status chy_ceremony_finish_revoke(struct chy_ceremony *c, struct chy_slice serial,
                                      uint32_t reason, int64_t revoked_at)
{
    const char *word = chy_crl_reason_word(reason);
    bool fine =
        chy_json_set_text(c->details, "serialNumber", serial) &&
        chy_json_set_text(c->details, "reason", chy_text(word == NULL ? "UNSPECIFIED" : word)) &&
        chy_json_set_time(c->details, "revokedAt", revoked_at);
    if (!fine) {
        return chy_fail_memory(c->op);
    }
    CHY_TRY(chy_ceremony_record(c, "revoke"));
    (void)printf("revoked: %.*s\nNobody knows of it until a CRL is published: 'chancery ca "
                 "ceremony crl'\n",
                 (int)serial.len, (const char *)serial.ptr);
    return CHY_OK;
}

/* ------------------------------------------------------------------------------------------------
 * Catching up
 */

chy_status chy_ceremony_certificates(struct chy_ceremony *c, struct chy_storage_page *out_page)
{
    struct chy_query query;
    chy_query_init(&query, c->op, CHY_C_CERTIFICATES,
                   CHY_FIELDS(CHY_CERT_SERIAL, CHY_CERT_DER, CHY_CERT_SPKI_SHA256,
                              CHY_CERT_NOT_AFTER, CHY_CERT_PATH_LENGTH, CHY_CERT_STATUS),
                   CHY_CEREMONY_CERTIFICATES_MAX);
    chy_query_eq(&query, CHY_CERT_PROJECT_ID, chy_value_uuid(&c->root->project_id));
    chy_query_order(&query, CHY_CERT_CREATED_AT, false);
    CHY_TRY(chy_query_run(&query, c->runtime->storage, out_page));
    return out_page->more == 0 ? CHY_OK
                               : chy_fail(c->op, CHY_BAD_INPUT, 0,
                                          "a ceremony's root signs at most %d certificates",
                                          CHY_CEREMONY_CERTIFICATES_MAX);
}

static chy_status begin_resumed(struct chy_ceremony *c, const char *what, struct chy_slice serial)
{
    (void)fprintf(stderr,
                  "The step before was interrupted: the %s of %.*s is put into the transcript "
                  "now.\n",
                  what, (int)serial.len, (const char *)serial.ptr);
    return chy_json_set_bool(c->details, "resumed", true) ? CHY_OK : chy_fail_memory(c->op);
}

static chy_status catch_up_signed(struct chy_ceremony *c, struct chy_slice but_spki_sha256)
{
    struct chy_storage_page page;
    CHY_TRY(chy_ceremony_certificates(c, &page));
    for (uint64_t i = 0; i < page.rows.count; i++) {
        const struct chy_storage_row *row = chy_page_row(&page, i);
        struct chy_slice serial = chy_row_text(row, CHY_CEREMONY_SERIAL);
        bool is_meant =
            chy_slice_equal(chy_row_blob(row, CHY_CEREMONY_SPKI_SHA256), but_spki_sha256);
        if (!is_meant && !chy_ceremony_recorded(c, "sign", serial, NULL)) {
            CHY_TRY(begin_resumed(c, "signing", serial));
            CHY_TRY(chy_ceremony_finish_sign(c, chy_row_blob(row, CHY_CEREMONY_DER)));
        }
    }
    return CHY_OK;
}

chy_status chy_ceremony_revocations(struct chy_ceremony *c, struct chy_storage_page *out_page)
{
    struct chy_query query;
    chy_query_init(
        &query, c->op, CHY_C_REVOCATIONS,
        CHY_FIELDS(CHY_REVOCATION_SERIAL, CHY_REVOCATION_REASON, CHY_REVOCATION_REVOKED_AT),
        CHY_STORAGE_PAGE_MAX);
    chy_query_eq(&query, CHY_REVOCATION_GENERATION_ID, chy_value_uuid(&c->root->generation_id));
    return chy_query_run(&query, c->runtime->storage, out_page);
}

static chy_status catch_up_revoked(struct chy_ceremony *c)
{
    struct chy_storage_page page;
    CHY_TRY(chy_ceremony_revocations(c, &page));
    for (uint64_t i = 0; i < page.rows.count; i++) {
        const struct chy_storage_row *row = chy_page_row(&page, i);
        struct chy_slice serial = chy_row_text(row, CHY_CEREMONY_REVOKED_SERIAL);
        uint32_t reason = (uint32_t)chy_row_int(row, CHY_CEREMONY_REVOKED_REASON);
        if (!chy_ceremony_recorded(c, "revoke", serial, chy_crl_reason_word(reason))) {
            CHY_TRY(begin_resumed(c, "revoking", serial));
            CHY_TRY(chy_ceremony_finish_revoke(c, serial, reason,
                                               chy_row_time(row, CHY_CEREMONY_REVOKED_AT)));
        }
    }
    return CHY_OK;
}

chy_status chy_ceremony_catch_up(struct chy_ceremony *c, struct chy_slice but_spki_sha256)
{
    CHY_TRY(catch_up_signed(c, but_spki_sha256));
    return catch_up_revoked(c);
}

/* ------------------------------------------------------------------------------------------------
 * The group
 */

static const struct chy_command *const commands[] = {
    &chy_command_ceremony_create, &chy_command_ceremony_sign,   &chy_command_ceremony_revoke,
    &chy_command_ceremony_crl,    &chy_command_ceremony_verify,
};

const struct chy_command chy_command_ceremony = {
    .name = "ceremony",
    .summary = "Keep a root offline: create it, sign CSRs, publish CRLs, with a signed transcript",
    .details =
        "A ceremony is a folder with a database, a master key (KEK) and no daemon. Keep the\n"
        "folder on a medium of its own, and whoever has it out of reach: it has the key.",
    .example = "chancery ca ceremony create --dir ./root --operator \"Ada\" --common-name "
               "\"Acme Root\" --public-url http://pki.example.com --not-after 2046-01-01",
    .commands = commands,
    .command_count = sizeof commands / sizeof commands[0],
};
