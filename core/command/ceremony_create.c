/** `chancery ca ceremony create`. */
#include "base/buf.h"
#include "base/encode.h"
#include "base/file.h"
#include "base/slice.h"
#include "base/time.h"
#include "command/ask.h"
#include "command/ceremony.h"
#include "command/daemon.h"
#include "command/instance_files.h"
#include "command/locate.h"
#include "command/made.h"
#include "resource/json.h"
#include "x509/algorithm.h"
#include "x509/name.h"
#include "x509/pem.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#define CONFIG_MAX ((size_t)64 << 10)
#define PROJECT "Root ceremony"

static const struct chy_argument arguments[] = {
    CHY_CEREMONY_ARGUMENTS,
    {"common-name", "TEXT", "of the root's subject", NULL, false},
    {"organization", "TEXT", "likewise", NULL, false},
    {"unit", "TEXT", "likewise: the organizational unit", NULL, false},
    {"country", "CC", "likewise: two letters", NULL, false},
    {"province", "TEXT", "likewise", NULL, false},
    {"locality", "TEXT", "likewise", NULL, false},
    {"key-algorithm", "NAME", "of the root's key", "RSA_4096", false},
    {"not-after", "DATE", "when the root ends, ISO 8601", NULL, false},
    {"path-length", "N", "how many CAs may stand one below another; -1: any number", "-1", false},
    {"public-url", "URL", "http URL under which DIR/publish will be served; it is for good", NULL,
     false},
    {"crl-url", "URL", "another address of the CRL, whole; {shard} stands for its number", NULL,
     true},
};
enum {
    COMMON_NAME = CHY_CEREMONY_COUNT,
    ORGANIZATION,
    UNIT,
    COUNTRY,
    PROVINCE,
    LOCALITY,
    KEY_ALGORITHM,
    ROOT_NOT_AFTER,
    PATH_LENGTH,
    PUBLIC_URL,
    CRL_URL
};

static const struct {
    size_t argument;
    const char *member;
} texts[] = {
    {COMMON_NAME, "commonName"},
    {ORGANIZATION, "organization"},
    {UNIT, "ou"},
    {COUNTRY, "country"},
    {PROVINCE, "province"},
    {LOCALITY, "locality"},
    {KEY_ALGORITHM, "keyAlgorithm"},
    {ROOT_NOT_AFTER, "notAfter"},
};

/** One run of create. */
struct creating {
    struct chy_cli *cli;
    const struct chy_given *given;
    const char *directory;
    const char *config_file;
    struct chy_config *config;
    json_t *wanted; /**< `configuration` of the root */
    struct chy_made made;
    bool may_have_root; /**< from here on nothing is taken back */
};

/* ------------------------------------------------------------------------------------------------
 * What is wanted
 */

static chy_status add_urls(struct creating *cr, json_t *wanted)
{
    struct chy_op *op = cr->cli->op;
    json_t *urls = chy_json_array(op);
    size_t count = chy_given_count(cr->given, CRL_URL);
    if (urls == NULL) {
        return chy_fail_memory(op);
    }
    for (size_t i = 0; i < count; i++) {
        if (json_array_append_new(urls, json_string(chy_given_at(cr->given, CRL_URL, i))) != 0) {
            return chy_fail(op, CHY_BAD_INPUT, 0, "--crl-url is not UTF-8");
        }
    }
    return count == 0 || json_object_set(wanted, "crlDistributionPointUrls", urls) == 0
               ? CHY_OK
               : chy_fail_memory(op);
}

static chy_status read_wanted(struct creating *cr)
{
    struct chy_op *op = cr->cli->op;
    const char *text = chy_given_text(cr->given, PATH_LENGTH);
    struct chy_slice url = chy_text(chy_given_text(cr->given, PUBLIC_URL));
    int64_t length;
    json_t *wanted = chy_json_object(op);
    if (!chy_slice_parse_i64(chy_text(text), -1, 255, &length)) {
        return chy_fail(op, CHY_BAD_INPUT, 0,
                        "--path-length is a number from 0 to 255, or -1; found '%.40s'", text);
    }
    if (!chy_slice_starts_with(url, chy_text("http://"))) {
        return chy_fail(op, CHY_BAD_INPUT, 0,
                        "--public-url begins with http://: who fetches a CRL to check a "
                        "certificate must not need one");
    }
    bool fine = wanted != NULL && chy_json_set_text(wanted, "type", chy_text("root")) &&
                chy_json_set_int(wanted, "maxPathLength", length) &&
                chy_json_set_bool(wanted, "isOcspEnabled", false);
    for (size_t i = 0; fine && i < sizeof texts / sizeof texts[0]; i++) {
        const char *given = chy_given_text(cr->given, texts[i].argument);
        if (given != NULL && !chy_text_is_clean(chy_text(given))) {
            return chy_fail(op, CHY_BAD_INPUT, 0, "--%s is not text without control characters",
                            cr->given->arguments[texts[i].argument].name);
        }
        fine = given == NULL || chy_json_set_text(wanted, texts[i].member, chy_text(given));
    }
    if (!fine) {
        return chy_fail_memory(op);
    }
    cr->wanted = wanted;
    return add_urls(cr, wanted);
}

/* ------------------------------------------------------------------------------------------------
 * The folder
 */

/** make_config writes the configuration, and what the root shall be, so that a step which is done
 *  again is found to be the same. */
static chy_status make_config(struct creating *cr, struct chy_slice *out_yaml)
{
    struct chy_op *op = cr->cli->op;
    struct chy_slice yaml;
    struct chy_slice wanted;
    struct chy_buf buf;
    struct chy_instance_files files = {
        .data_dir = "data",
        .kek = "kek",
        .storage = "sqlite",
        .public_url = chy_given_text(cr->given, PUBLIC_URL),
        .trust_owner = geteuid() != 0,
    };
    CHY_TRY(chy_instance_config(op, &files, &yaml));
    CHY_TRY(chy_json_write_sorted(op, cr->wanted, &wanted));
    chy_buf_init(&buf, op, CONFIG_MAX);
    chy_buf_add_text(&buf,
                     "# A root ceremony of Chancery. Its key is in data, sealed with kek.\n# ");
    chy_buf_add(&buf, wanted);
    chy_buf_add_u8(&buf, '\n');
    chy_buf_add(&buf, yaml);
    *out_yaml = chy_buf_slice(&buf);
    return chy_buf_ok(&buf) ? CHY_OK : chy_buf_fail(&buf, op, "the configuration");
}

static chy_status make_files(struct creating *cr, struct chy_slice yaml)
{
    struct chy_op *op = cr->cli->op;
    const char *data;
    const char *kek;
    CHY_TRY(chy_path_join(op, cr->directory, "data", &data));
    CHY_TRY(chy_path_join(op, cr->directory, "kek", &kek));
    CHY_TRY(chy_made_folder(&cr->made, op, data));
    chy_status status = chy_kek_create(op, kek);
    if (status == CHY_OK) {
        chy_made_file(&cr->made, kek);
    } else if (status != CHY_CONFLICT) { // one of an interrupted step is as good
        return status;
    }
    CHY_TRY(chy_file_create(op, cr->config_file, yaml, 0600));
    chy_made_file(&cr->made, cr->config_file);
    return CHY_OK;
}

static chy_status make_folder(struct creating *cr)
{
    struct chy_op *op = cr->cli->op;
    struct chy_slice yaml;
    struct chy_slice found;
    CHY_TRY(chy_path_join(op, cr->directory, CHY_CEREMONY_CONFIG, &cr->config_file));
    CHY_TRY(make_config(cr, &yaml));
    CHY_TRY(chy_made_folder(&cr->made, op, cr->directory));
    CHY_TRY(chy_ceremony_lock(op, cr->directory));
    if (access(cr->config_file, F_OK) != 0) {
        return make_files(cr, yaml);
    }
    cr->may_have_root = true;
    CHY_TRY(chy_file_read(op, cr->config_file, CONFIG_MAX, &found));
    return chy_slice_equal(found, yaml)
               ? CHY_OK
               : chy_fail(op, CHY_CONFLICT, 0,
                          "'%s' has a ceremony with other options: one folder, one root. To go on "
                          "with a create that was interrupted, repeat it as it was",
                          cr->directory);
}

/* ------------------------------------------------------------------------------------------------
 * The root
 */

static chy_status make_project(struct chy_op *op, struct chy_slice *out_id)
{
    struct chy_resource_call wanted = {.struct_size = sizeof wanted,
                                       .kind = chy_text("projects"),
                                       .action = chy_text("create"),
                                       .document = chy_text("{\"projectName\":\"" PROJECT "\"}")};
    struct chy_resource_answer answer = {.struct_size = sizeof answer};
    json_t *object;
    CHY_TRY(chy_resource(op, &wanted, &answer));
    CHY_TRY(chy_json_parse(op, answer.document, &object));
    return chy_copy(op, chy_json_member(json_object_get(object, "project"), "id"), out_id);
}

static chy_status make_root(struct creating *cr, struct chy_op *op)
{
    json_t *document = chy_json_object(op);
    json_t *answer;
    struct chy_slice project;
    CHY_TRY(make_project(op, &project));
    bool fine = document != NULL && chy_json_set_text(document, "projectId", project) &&
                chy_json_set_text(document, "name", chy_text(CHY_CEREMONY_CA)) &&
                json_object_set(document, "configuration", cr->wanted) == 0;
    if (!fine) {
        return chy_fail_memory(op);
    }
    chy_status status = chy_ask_authority(op, "create", "", document, &answer);
    cr->may_have_root = cr->may_have_root || status == CHY_OK || status == CHY_UNCERTAIN;
    return status;
}

/** fingerprint is written as people read it aloud and compare it. */
static chy_status fingerprint(struct chy_ceremony *c, struct chy_slice digits,
                              struct chy_slice *out_text)
{
    struct chy_buf buf;
    chy_buf_init(&buf, c->op, 256);
    for (uint64_t i = 0; i + 1 < digits.len; i += 2) {
        chy_buf_add_text(&buf, i == 0 ? "" : ":");
        chy_buf_add(&buf, chy_slice_of(digits.ptr + i, 2));
    }
    *out_text = chy_buf_slice(&buf);
    return chy_buf_ok(&buf) ? CHY_OK : chy_buf_fail(&buf, c->op, "the fingerprint");
}

static chy_status tell(struct chy_ceremony *c)
{
    const struct chy_certificate *root = &c->root->path[0];
    struct chy_slice subject;
    struct chy_slice digest;
    struct chy_slice text;
    char end[CHY_TIME_TEXT_SIZE];
    CHY_TRY(chy_name_text(c->op, root->subject, &subject));
    CHY_TRY(chy_transcript_digest(c->runtime, c->op, root->der, &digest));
    CHY_TRY(fingerprint(c, digest, &text));
    chy_time_format(root->not_after, end);
    (void)printf("root: %.*s\n  key      %s\n  ends     %s\n  SHA-256  %.*s\n  %s/%s\n\nNext:\n"
                 "  - chancery ca ceremony sign --dir %s --operator NAME --csr FILE --not-after "
                 "DATE\n  - chancery ca ceremony crl --dir %s --operator NAME\n",
                 (int)subject.len, (const char *)subject.ptr,
                 chy_key_algorithm_name(c->root->key_algorithm), end, (int)text.len,
                 (const char *)text.ptr, c->directory, CHY_CEREMONY_ROOT, c->directory,
                 c->directory);
    return CHY_OK;
}

static chy_status record(struct chy_ceremony *c)
{
    const struct chy_certificate *root = &c->root->path[0];
    struct chy_slice subject;
    struct chy_slice key;
    char serial[CHY_SERIAL_TEXT_SIZE];
    char generation[CHY_UUID_TEXT_SIZE];
    CHY_TRY(chy_name_text(c->op, root->subject, &subject));
    CHY_TRY(chy_transcript_digest(c->runtime, c->op, root->spki.der, &key));
    chy_serial_text(root->serial, serial);
    chy_uuid_format(&c->root->generation_id, generation);
    CHY_TRY(chy_ceremony_output(c, CHY_CEREMONY_ROOT, c->root->pem));
    bool fine = chy_json_set_text(c->details, "subject", subject) &&
                chy_json_set_text(c->details, "serialNumber", chy_text(serial)) &&
                chy_json_set_text(c->details, "keyAlgorithm",
                                  chy_text(chy_key_algorithm_name(c->root->key_algorithm))) &&
                chy_json_set_text(c->details, "keySha256", key) &&
                chy_json_set_text(c->details, "generationId", chy_text(generation)) &&
                chy_json_set_time(c->details, "notBefore", root->not_before) &&
                chy_json_set_time(c->details, "notAfter", root->not_after) &&
                chy_json_set_text(c->details, "publicUrl", c->root->public_url);
    if (!fine) {
        return chy_fail_memory(c->op);
    }
    return chy_ceremony_record(c, "create");
}

static chy_status create(struct chy_assembly *assembly, struct chy_op *op, void *context)
{
    struct creating *cr = context;
    struct chy_ceremony c = {
        .assembly = assembly, .op = op, .given = cr->given, .directory = cr->directory};
    struct chy_uuid id;
    chy_status status = chy_ask_find_authority(assembly, op, CHY_CEREMONY_CA, &id);
    if (status == CHY_NOT_FOUND) {
        status = make_root(cr, op);
    }
    CHY_TRY(status);
    CHY_TRY(chy_ceremony_open(&c));
    if (json_array_size(c.transcript.steps) != 0) {
        return chy_fail(op, CHY_CONFLICT, 0, "'%s' has its root already: one folder, one root",
                        cr->directory);
    }
    CHY_TRY(record(&c));
    return tell(&c);
}

/* ------------------------------------------------------------------------------------------------
 * The command
 */

static chy_status make_ceremony(struct creating *cr, struct chy_assembly *assembly)
{
    struct chy_cli *cli = cr->cli;
    CHY_TRY(read_wanted(cr));
    CHY_TRY(make_folder(cr));
    CHY_TRY(chy_config_load(cli->op, cr->config_file, &cr->config));
    CHY_TRY(chy_assembly_start(assembly, cli, cr->config, CHY_NEED_NEW, false));
    chy_status status = chy_assembly_run(assembly, create, cr);
    chy_assembly_stop(assembly);
    return status;
}

static int run(struct chy_cli *cli, const struct chy_given *given)
{
    static struct chy_assembly assembly;
    struct creating cr = {.cli = cli, .given = given};
    const char *missing = chy_ceremony_check_given(given, false);
    if (missing == NULL && chy_given_text(given, PUBLIC_URL) == NULL) {
        missing = "expected --public-url URL, under which CRL and root will be found";
    }
    if (missing == NULL && chy_given_text(given, ROOT_NOT_AFTER) == NULL) {
        missing = "expected --not-after DATE, when the root ends";
    }
    if (missing != NULL) {
        return chy_cli_say_usage(cli->path, missing);
    }
    cr.directory = chy_given_text(given, CHY_CEREMONY_DIR);
    chy_log_set_level(&cli->log, CHY_LOG_WARNING);
    chy_daemon_harden();
    chy_json_setup();
    if (make_ceremony(&cr, &assembly) == CHY_OK) {
        return CHY_EXIT_OK;
    }
    int code = chy_cli_fail(cli);
    if (!cr.may_have_root) {
        chy_made_undo(&cr.made);
    }
    return code;
}

const struct chy_command chy_command_ceremony_create = {
    .name = "create",
    .summary = "Make a folder with a new root in it, which needs no daemon",
    .details =
        "DIR gets the database with the sealed key (data), the master key (kek), the root's\n"
        "certificate (root.pem) and the transcript. CRL and root will have to be found at\n"
        "URL/crl/KEY/1.crl and URL/aia/KEY.cer: these addresses stand in what the root signs.\n"
        "When it fails it leaves nothing behind; interrupted, it is repeated as it was.",
    .example = "chancery ca ceremony create --dir ./root --operator \"Ada\" --common-name "
               "\"Acme Root\" --public-url http://pki.example.com --not-after 2046-01-01",
    .arguments = arguments,
    .argument_count = sizeof arguments / sizeof arguments[0],
    .run = run,
};
