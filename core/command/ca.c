#include "base/buf.h"
#include "base/slice.h"
#include "base/time.h"
#include "command/ask.h"
#include "command/ceremony.h"
#include "command/command.h"
#include "command/locate.h"
#include "enroll/authority.h"
#include "enroll/revoke.h"
#include "enroll/serials.h"
#include "plugin/view.h"
#include "resource/collections.h"
#include "resource/json.h"
#include "x509/crl.h"

#include <stdio.h>

static const struct chy_argument revoke_arguments[] = {
    CHY_LOCATE_ARGUMENTS,
    {"issuer", "ID|NAME", "the CA that issued it", NULL, false},
    {"serial", "HEX", "its serial number, with or without colons", NULL, false},
    {"reason", "REASON", "as the API spells them", "UNSPECIFIED", false},
    {"shard", "N", "of a number that is not known here: the CRL that its certificate names", NULL,
     false},
    {"generation", "N|ID", "likewise, when the CA has had several keys: the one that signed it",
     NULL, false},
};
enum {
    ISSUER = CHY_LOCATE_COUNT,
    SERIAL,
    REASON,
    SHARD,
    GENERATION
};

static const struct chy_argument rollover_arguments[] = {
    CHY_LOCATE_ARGUMENTS,
    {"ca", "ID|NAME", "the CA that gets a new key", NULL, false},
    {"not-after", "DATE", "when its new certificate ends, ISO 8601", NULL, false},
    {"key-algorithm", "NAME", "of the new key; the old one's unless given", NULL, false},
};
enum {
    CA = CHY_LOCATE_COUNT,
    NOT_AFTER,
    KEY_ALGORITHM
};

/* ------------------------------------------------------------------------------------------------
 * Revoking
 */

/** Which of a CA's keys is meant. */
struct key_choice {
    struct chy_storage_page generations; /**< of the CA, by enum generation_field */
    const char *wanted;                  /**< as it was given; NULL: not */
    struct chy_uuid found;
    bool is_found;
};
enum generation_field {
    GENERATION_ID,
    GENERATION_NUMBER,
    GENERATION_CERTIFICATE,
    GENERATION_PROJECT
};

static chy_status list_generations(struct chy_assembly *a, struct chy_op *op,
                                   const struct chy_uuid *authority,
                                   struct chy_storage_page *out_page)
{
    struct chy_query query;
    chy_query_init(&query, op, CHY_C_GENERATIONS,
                   CHY_FIELDS(CHY_GENERATION_ID, CHY_GENERATION_NUMBER,
                              CHY_GENERATION_CERTIFICATE_ID, CHY_GENERATION_PROJECT_ID),
                   CHY_GENERATIONS_MAX);
    chy_query_eq(&query, CHY_GENERATION_AUTHORITY_ID, chy_value_uuid(authority));
    CHY_TRY(chy_query_run(&query, a->runtime.storage, out_page));
    return out_page->rows.count != 0
               ? CHY_OK
               : chy_fail(op, CHY_NOT_FOUND, 0, "there is no such certificate authority");
}

/** has_signed: a key that waits for its first certificate has signed none. */
static bool has_signed(const struct chy_storage_row *row)
{
    struct chy_uuid certificate = chy_row_uuid(row, GENERATION_CERTIFICATE);
    return !chy_uuid_is_nil(&certificate);
}

/** find_registered looks which of the keys used the number. */
static chy_status find_registered(struct chy_assembly *a, struct chy_op *op, const char *serial,
                                  struct key_choice *choice)
{
    struct chy_view entries;
    struct chy_uuid project =
        chy_row_uuid(chy_page_row(&choice->generations, 0), GENERATION_PROJECT);
    CHY_TRY(chy_serial_find(&a->runtime, op, &project, chy_text(serial), &entries));
    for (uint64_t i = 0; i < entries.count; i++) {
        const struct chy_serial_entry *entry = chy_view_item(entries, i);
        for (uint64_t k = 0; k < choice->generations.rows.count; k++) {
            struct chy_uuid id = chy_row_uuid(chy_page_row(&choice->generations, k), GENERATION_ID);
            if (chy_uuid_compare(entry->signer, &id) == 0) {
                choice->found = id;
                choice->is_found = true;
            }
        }
    }
    return CHY_OK;
}

/** find_wanted finds the key by its number, or by the id that stands in URLs. */
static chy_status find_wanted(struct chy_op *op, const struct key_choice *choice,
                              struct chy_uuid *out_id)
{
    struct chy_uuid id;
    int64_t number = 0;
    bool by_id = chy_uuid_parse(chy_text(choice->wanted), &id);
    if (!by_id && !chy_slice_parse_i64(chy_text(choice->wanted), 1, INT32_MAX, &number)) {
        return chy_fail(op, CHY_BAD_INPUT, 0,
                        "--generation is a number from 1 on, or the id in the certificate's CRL "
                        "address; found '%.60s'",
                        choice->wanted);
    }
    for (uint64_t i = 0; i < choice->generations.rows.count; i++) {
        const struct chy_storage_row *row = chy_page_row(&choice->generations, i);
        struct chy_uuid its = chy_row_uuid(row, GENERATION_ID);
        if (by_id ? chy_uuid_compare(&its, &id) == 0
                  : chy_row_int(row, GENERATION_NUMBER) == number) {
            *out_id = its;
            return CHY_OK;
        }
    }
    return chy_fail(op, CHY_NOT_FOUND, 0, "the certificate authority has no key generation %s",
                    choice->wanted);
}

/** refuse_choice: CRLs belong to a key, so that a guess would revoke what nobody asks for. */
static chy_status refuse_choice(struct chy_op *op, const struct key_choice *choice)
{
    struct chy_buf numbers;
    chy_buf_init(&numbers, op, 4096);
    for (uint64_t i = 0; i < choice->generations.rows.count; i++) {
        const struct chy_storage_row *row = chy_page_row(&choice->generations, i);
        struct chy_uuid id = chy_row_uuid(row, GENERATION_ID);
        char text[CHY_UUID_TEXT_SIZE];
        if (has_signed(row)) {
            chy_uuid_format(&id, text);
            chy_buf_add_text(&numbers, numbers.len == 0 ? "" : ", ");
            chy_buf_add_i64(&numbers, chy_row_int(row, GENERATION_NUMBER));
            chy_buf_add_text(&numbers, " (");
            chy_buf_add_text(&numbers, text);
            chy_buf_add_text(&numbers, ")");
        }
    }
    struct chy_slice list = chy_buf_slice(&numbers);
    return chy_fail(op, CHY_BAD_INPUT, 0,
                    "no certificate of this serial number is known, and the certificate authority "
                    "has had several keys: say --generation, the number or the id of the one "
                    "whose id stands in the certificate's CRL address: %.*s",
                    (int)list.len, (const char *)list.ptr);
}

static chy_status find_only(struct chy_op *op, struct key_choice *choice)
{
    uint64_t count = 0;
    for (uint64_t i = 0; i < choice->generations.rows.count; i++) {
        const struct chy_storage_row *row = chy_page_row(&choice->generations, i);
        if (has_signed(row)) {
            choice->found = chy_row_uuid(row, GENERATION_ID);
            count++;
        }
    }
    if (count == 0) {
        return chy_fail(op, CHY_BAD_INPUT, 0,
                        "the certificate authority has no certificate, and has signed none");
    }
    return count == 1 ? CHY_OK : refuse_choice(op, choice);
}

/** find_key finds which of the CA's keys used the number; unknown: the one that was named, or the
 *  only one. */
static chy_status find_key(struct chy_assembly *a, struct chy_op *op,
                           const struct chy_uuid *authority, const struct chy_given *given,
                           struct chy_uuid *out_generation)
{
    struct key_choice choice = {.wanted = chy_given_text(given, GENERATION)};
    CHY_TRY(list_generations(a, op, authority, &choice.generations));
    CHY_TRY(find_registered(a, op, chy_given_text(given, SERIAL), &choice));
    if (choice.wanted != NULL) {
        CHY_TRY(find_wanted(op, &choice, out_generation));
        return !choice.is_found || chy_uuid_compare(&choice.found, out_generation) == 0
                   ? CHY_OK
                   : chy_fail(op, CHY_BAD_INPUT, 0,
                              "the certificate of this serial number was signed by another key of "
                              "the certificate authority: leave --generation out");
    }
    if (!choice.is_found) {
        CHY_TRY(find_only(op, &choice));
    }
    *out_generation = choice.found;
    return CHY_OK;
}

static chy_status revoke(struct chy_assembly *a, struct chy_op *op, void *context)
{
    const struct chy_given *given = context;
    const char *serial = chy_given_text(given, SERIAL);
    const char *reason = chy_given_text(given, REASON);
    const char *shard = chy_given_text(given, SHARD);
    struct chy_uuid authority;
    struct chy_uuid generation;
    struct chy_revoke_wish wish = {.generation_id = &generation, .serial = chy_text(serial)};
    struct chy_revoke_answer answer = {.struct_size = sizeof answer};
    char when[CHY_TIME_TEXT_SIZE];
    if (!chy_crl_reason_find(chy_text(reason), &wish.reason)) {
        return chy_fail(op, CHY_BAD_INPUT, 0, "'%.40s' is not a reason, such as KEY_COMPROMISE",
                        reason);
    }
    if (shard != NULL && !chy_slice_parse_i64(chy_text(shard), 1, INT32_MAX, &wish.shard)) {
        return chy_fail(op, CHY_BAD_INPUT, 0, "--shard is a number from 1 on");
    }
    CHY_TRY(chy_ask_find_authority(a, op, chy_given_text(given, ISSUER), &authority));
    CHY_TRY(find_key(a, op, &authority, given, &generation));
    CHY_TRY(chy_revoke_serial(&a->runtime, op, &wish, &answer));
    chy_time_format(answer.revoked_at, when);
    (void)printf("%s is revoked: %s, %s\n", serial, reason, when);
    return CHY_OK;
}

/* ------------------------------------------------------------------------------------------------
 * A new key
 */

static chy_status roll_over(struct chy_assembly *a, struct chy_op *op, void *context)
{
    const struct chy_given *given = context;
    const char *algorithm = chy_given_text(given, KEY_ALGORITHM);
    struct chy_uuid id;
    char id_text[CHY_UUID_TEXT_SIZE];
    json_t *document = chy_json_object(op);
    json_t *answer;
    CHY_TRY(chy_ask_find_authority(a, op, chy_given_text(given, CA), &id));
    chy_uuid_format(&id, id_text);
    bool fine =
        document != NULL && chy_json_set_text(document, "type", chy_text("new-key")) &&
        chy_json_set_text(document, "notAfter", chy_text(chy_given_text(given, NOT_AFTER))) &&
        (algorithm == NULL || chy_json_set_text(document, "keyAlgorithm", chy_text(algorithm)));
    if (!fine) {
        return chy_fail_memory(op);
    }
    CHY_TRY(chy_ask_authority(op, "renew", id_text, document, &answer));
    const char *csr = json_string_value(json_object_get(answer, "csr"));
    const char *certificate = json_string_value(json_object_get(answer, "certificate"));
    if (csr != NULL) {
        (void)fprintf(stderr, "The CA's parent is not here: have this CSR signed, and import the "
                              "certificate; until then the old key signs.\n");
    }
    (void)printf("%s", csr != NULL ? csr : certificate);
    return CHY_OK;
}

/* ------------------------------------------------------------------------------------------------
 * The commands
 */

static int run_with(struct chy_cli *cli, const struct chy_given *given, chy_assembly_work *work)
{
    static struct chy_assembly assembly;
    struct chy_config *config = NULL;
    bool of_dev = chy_given_text(given, CHY_LOCATE_DATA) != NULL;
    chy_log_set_level(&cli->log, CHY_LOG_WARNING);
    if (chy_locate(cli, given, &config) != CHY_OK ||
        chy_assembly_start(&assembly, cli, config, CHY_NEED_RUNTIME, of_dev) != CHY_OK) {
        return chy_cli_fail(cli);
    }
    chy_status status = chy_assembly_run(&assembly, work, (void *)(uintptr_t)given);
    int code = status == CHY_OK ? CHY_EXIT_OK : chy_cli_fail(cli);
    chy_assembly_stop(&assembly);
    return code;
}

static int run_revoke(struct chy_cli *cli, const struct chy_given *given)
{
    if (chy_given_text(given, ISSUER) == NULL || chy_given_text(given, SERIAL) == NULL) {
        return chy_cli_say_usage(cli->path, "expected --issuer ID|NAME and --serial HEX");
    }
    return run_with(cli, given, revoke);
}

static int run_rollover(struct chy_cli *cli, const struct chy_given *given)
{
    if (chy_given_text(given, CA) == NULL || chy_given_text(given, NOT_AFTER) == NULL) {
        return chy_cli_say_usage(cli->path, "expected --ca ID|NAME and --not-after DATE");
    }
    return run_with(cli, given, roll_over);
}

static const struct chy_command revoke_command = {
    .name = "revoke",
    .summary = "Revoke by issuer and serial number, also what there is no row of",
    .details = "For a number that this instance does not know (a certificate issued after the\n"
               "backup that was restored) say --shard, the number in its CRL's address, and,\n"
               "when the CA has had several keys, --generation, the id in that address.",
    .example = "chancery ca revoke --issuer acme-issuing --serial 5f…0a --reason KEY_COMPROMISE",
    .arguments = revoke_arguments,
    .argument_count = sizeof revoke_arguments / sizeof revoke_arguments[0],
    .run = run_revoke,
};
static const struct chy_command rollover_command = {
    .name = "rollover",
    .summary = "Give a CA a new key, beside the old one, and switch to it",
    .details =
        "One step: what is issued from then on is signed by the new key. The old one goes on\n"
        "publishing its CRLs. Prints the new certificate, or, when the CA's parent is not\n"
        "here, the CSR to be signed there.",
    .example = "chancery ca rollover --ca acme-issuing --not-after 2035-01-01",
    .arguments = rollover_arguments,
    .argument_count = sizeof rollover_arguments / sizeof rollover_arguments[0],
    .run = run_rollover,
};

static const struct chy_command *const commands[] = {
    &revoke_command,
    &rollover_command,
    &chy_command_ceremony,
    &chy_client_ca_commands[0],
    &chy_client_ca_commands[1],
    &chy_client_ca_commands[2],
    &chy_client_ca_commands[3],
};

const struct chy_command chy_command_ca = {
    .name = "ca",
    .summary = "Certificate authorities: here, in this instance, or over REST",
    .example = "chancery ca rollover --ca acme-issuing --not-after 2035-01-01",
    .commands = commands,
    .command_count = sizeof commands / sizeof commands[0],
};
