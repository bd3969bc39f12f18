/** `chancery ca ceremony sign` and `revoke`. */
#include "base/file.h"
#include "base/slice.h"
#include "base/time.h"
#include "command/ask.h"
#include "command/ceremony.h"
#include "enroll/authority.h"
#include "enroll/revoke.h"
#include "resource/collections.h"
#include "resource/json.h"
#include "x509/algorithm.h"
#include "x509/crl.h"
#include "x509/name.h"
#include "x509/pem.h"

#include <stdio.h>

#define CSR_TEXT_MAX ((size_t)48 << 10)
#define CONSTRAINTS_MAX ((size_t)64 << 10)

static const struct chy_argument sign_arguments[] = {
    CHY_CEREMONY_ARGUMENTS,
    {"csr", "FILE", "the CSR of the CA below, PEM", NULL, false},
    {"not-after", "DATE", "when its certificate ends, ISO 8601", NULL, false},
    {"path-length", "N", "how many CAs may stand below it; -1: any number", "0", false},
    {"name-constraints", "FILE", "JSON, as nameConstraints of the API", NULL, false},
    {"out", "FILE", "write the certificate there too", NULL, false},
    {"yes", NULL, "sign without asking", NULL, false},
    {"again", NULL, "sign a CSR whose key has a certificate of this root already", NULL, false},
};
enum {
    CSR = CHY_CEREMONY_COUNT,
    NOT_AFTER,
    PATH_LENGTH,
    NAME_CONSTRAINTS,
    OUT,
    YES,
    AGAIN
};

static const struct chy_argument revoke_arguments[] = {
    CHY_CEREMONY_ARGUMENTS,
    {"serial", "HEX", "the serial number, with or without colons", NULL, false},
    {"reason", "REASON", "as the API spells them", "UNSPECIFIED", false},
};
enum {
    SERIAL = CHY_CEREMONY_COUNT,
    REASON
};

/** A CSR about to be signed. */
struct signing {
    struct chy_ceremony *ceremony;
    struct chy_op *op;
    struct chy_slice csr_pem;
    struct chy_intermediate_request request;
    int64_t path_length;
    int64_t not_after;
    struct chy_slice constraints; /**< JSON, or empty */
};

/* ------------------------------------------------------------------------------------------------
 * What is asked for
 */

static chy_status read_signing(struct signing *s)
{
    const struct chy_given *given = s->ceremony->given;
    const char *not_after = chy_given_text(given, NOT_AFTER);
    const char *length = chy_given_text(given, PATH_LENGTH);
    const char *constraints = chy_given_text(given, NAME_CONSTRAINTS);
    if (!chy_slice_parse_i64(chy_text(length), -1, 255, &s->path_length)) {
        return chy_fail(s->op, CHY_BAD_INPUT, 0,
                        "--path-length is a number from 0 to 255, or -1; found '%.40s'", length);
    }
    if (!chy_time_parse(chy_text(not_after), &s->not_after)) {
        return chy_fail(s->op, CHY_BAD_INPUT, 0,
                        "--not-after is a date such as 2036-01-31; found '%.40s'", not_after);
    }
    CHY_TRY(chy_ceremony_input(s->ceremony, chy_given_text(given, CSR), CSR_TEXT_MAX, &s->csr_pem));
    if (constraints != NULL) {
        CHY_TRY(chy_ceremony_input(s->ceremony, constraints, CONSTRAINTS_MAX, &s->constraints));
    }
    CHY_TRY(chy_intermediate_request_read(s->ceremony->runtime, s->op, s->csr_pem, &s->request));
    return chy_intermediate_request_check(s->op, &s->request.csr, &s->ceremony->root->path[0],
                                          s->path_length);
}

/** find_earlier finds a certificate of the same key that is good still: of a step that was
 *  interrupted, or of one that was done. */
static chy_status find_earlier(const struct signing *s, const struct chy_storage_page *page,
                               const struct chy_storage_row **out_row)
{
    *out_row = NULL;
    for (uint64_t i = 0; i < page->rows.count; i++) {
        const struct chy_storage_row *row = chy_page_row(page, i);
        if (chy_slice_equal(chy_row_blob(row, CHY_CEREMONY_SPKI_SHA256), s->request.spki_sha256) &&
            chy_slice_is(chy_row_text(row, CHY_CEREMONY_STATUS), "active") &&
            chy_row_time(row, CHY_CEREMONY_NOT_AFTER) > chy_now(s->op)) {
            *out_row = row; // the newest
        }
    }
    if (*out_row == NULL) {
        return CHY_OK;
    }
    int64_t length = chy_row_is_null(*out_row, CHY_CEREMONY_PATH_LENGTH)
                         ? -1
                         : chy_row_int(*out_row, CHY_CEREMONY_PATH_LENGTH);
    bool same = length == s->path_length &&
                chy_row_time(*out_row, CHY_CEREMONY_NOT_AFTER) / CHY_US_PER_SECOND ==
                    s->not_after / CHY_US_PER_SECOND;
    struct chy_slice serial = chy_row_text(*out_row, CHY_CEREMONY_SERIAL);
    return same ? CHY_OK
                : chy_fail(s->op, CHY_CONFLICT, 0,
                           "the key of this CSR has a certificate of the root already, %.*s, with "
                           "another end or path length: --again signs another one",
                           (int)serial.len, (const char *)serial.ptr);
}

/* ------------------------------------------------------------------------------------------------
 * Asking
 */

static chy_status show(const struct signing *s)
{
    const struct chy_csr *csr = &s->request.csr;
    struct chy_slice name;
    struct chy_slice subject;
    struct chy_slice root;
    struct chy_slice csr_digest;
    struct chy_slice key_digest;
    char end[CHY_TIME_TEXT_SIZE];
    char length[40] = "any number of CAs below it";
    struct chy_runtime *runtime = s->ceremony->runtime;
    CHY_TRY(chy_name_encode(s->op, &csr->subject, &name));
    CHY_TRY(chy_name_text(s->op, name, &subject));
    CHY_TRY(chy_name_text(s->op, s->ceremony->root->path[0].subject, &root));
    CHY_TRY(chy_transcript_digest(runtime, s->op, s->csr_pem, &csr_digest));
    CHY_TRY(chy_transcript_digest(runtime, s->op, csr->spki.der, &key_digest));
    chy_time_format(s->not_after, end);
    if (s->path_length >= 0) {
        (void)snprintf(length, sizeof length, "path length %lld", (long long)s->path_length);
    }
    (void)printf("CSR            %s\n  SHA-256      %.*s\n  subject      %.*s\n  key          %s\n"
                 "  key SHA-256  %.*s\n  possession   shown by its signature (%s)\n"
                 "Certificate    CA:TRUE, %s%s\n  ends         %s\n  signed by    %.*s\n",
                 chy_given_text(s->ceremony->given, CSR), (int)csr_digest.len,
                 (const char *)csr_digest.ptr, (int)subject.len, (const char *)subject.ptr,
                 chy_key_algorithm_name(csr->spki.algorithm), (int)key_digest.len,
                 (const char *)key_digest.ptr,
                 chy_signature_algorithm_name(csr->signature_algorithm), length,
                 s->constraints.len != 0 ? ", with name constraints" : "", end, (int)root.len,
                 (const char *)root.ptr);
    return CHY_OK;
}

static chy_status ask(const struct signing *s)
{
    char line[16];
    if (chy_given_flag(s->ceremony->given, YES)) {
        return CHY_OK;
    }
    (void)printf("Compare this with what the CA's operator says. Type 'yes' to sign: ");
    (void)fflush(stdout);
    bool agreed = fgets(line, sizeof line, stdin) != NULL &&
                  chy_slice_is(chy_slice_trim(chy_text(line)), "yes");
    (void)printf("\n");
    return agreed ? CHY_OK : chy_fail(s->op, CHY_DENIED, 0, "nothing was signed");
}

/* ------------------------------------------------------------------------------------------------
 * Signing
 */

static chy_status ask_for(const struct signing *s, struct chy_slice *out_der)
{
    json_t *document = chy_json_object(s->op);
    json_t *answer;
    json_t *constraints = NULL;
    struct chy_slice pem;
    static const char *const labels[] = {CHY_PEM_CERTIFICATE, NULL};
    if (s->constraints.len != 0) {
        CHY_TRY(chy_json_parse(s->op, s->constraints, &constraints));
    }
    bool fine =
        document != NULL && chy_json_set_text(document, "csr", s->csr_pem) &&
        chy_json_set_time(document, "notAfter", s->not_after) &&
        chy_json_set_int(document, "maxPathLength", s->path_length) &&
        (constraints == NULL || json_object_set(document, "nameConstraints", constraints) == 0);
    if (!fine) {
        return chy_fail_memory(s->op);
    }
    CHY_TRY(chy_ask_authority(s->op, "sign-intermediate", s->ceremony->root_id, document, &answer));
    CHY_TRY(chy_copy(s->op, chy_json_member(answer, "certificate"), &pem));
    return chy_pem_decode_one(s->op, pem, labels, 0, out_der);
}

static chy_status finish(const struct signing *s, struct chy_slice der)
{
    const char *out = chy_given_text(s->ceremony->given, OUT);
    struct chy_slice pem;
    if (out != NULL) { // first: with its entry in the transcript the step is done
        CHY_TRY(chy_pem_encode(s->op, CHY_PEM_CERTIFICATE, der, 0, &pem));
        CHY_TRY(chy_file_write(s->op, out, pem, 0644));
    }
    return chy_ceremony_finish_sign(s->ceremony, der);
}

/** finish_earlier ends a step again that was interrupted, or tells where its outcome is. */
static chy_status finish_earlier(const struct signing *s, const struct chy_storage_row *row)
{
    struct chy_slice serial = chy_row_text(row, CHY_CEREMONY_SERIAL);
    if (!chy_ceremony_recorded(s->ceremony, "sign", serial, NULL)) {
        if (!chy_json_set_bool(s->ceremony->details, "resumed", true)) {
            return chy_fail_memory(s->op);
        }
        return finish(s, chy_row_blob(row, CHY_CEREMONY_DER));
    }
    return chy_fail(s->op, CHY_CONFLICT, 0,
                    "the key of this CSR has its certificate already: %s/issued/%.*s.pem; --again "
                    "signs another one",
                    s->ceremony->directory, (int)serial.len, (const char *)serial.ptr);
}

static chy_status sign(struct chy_ceremony *c)
{
    struct signing s = {.ceremony = c, .op = c->op};
    struct chy_storage_page page;
    const struct chy_storage_row *earlier = NULL;
    struct chy_slice der;
    json_t *inputs;
    CHY_TRY(read_signing(&s));
    inputs = c->inputs;
    c->inputs = chy_json_array(c->op);
    if (c->inputs == NULL) {
        return chy_fail_memory(c->op);
    }
    bool again = chy_given_flag(c->given, AGAIN);
    CHY_TRY(chy_ceremony_catch_up(c, again ? chy_slice_of(NULL, 0) : s.request.spki_sha256));
    c->inputs = inputs;
    CHY_TRY(chy_ceremony_certificates(c, &page));
    if (!again) {
        CHY_TRY(find_earlier(&s, &page, &earlier));
    }
    if (earlier != NULL) {
        return finish_earlier(&s, earlier);
    }
    CHY_TRY(show(&s));
    CHY_TRY(ask(&s));
    CHY_TRY(ask_for(&s, &der));
    return finish(&s, der);
}

/* ------------------------------------------------------------------------------------------------
 * Revoking
 */

/** find_revoked finds the entry of a step that was interrupted before the transcript had it. */
static chy_status find_revoked(struct chy_ceremony *c, struct chy_slice serial, uint32_t reason,
                               bool *out_found)
{
    struct chy_storage_row row;
    chy_status status =
        chy_storage_read(c->runtime->storage, c->op, CHY_C_REVOCATIONS,
                         CHY_KEY(chy_value_uuid(&c->root->generation_id), chy_value_text(serial)),
                         CHY_FIELDS(CHY_REVOCATION_REASON, CHY_REVOCATION_REVOKED_AT), &row);
    *out_found = status == CHY_OK && (uint32_t)chy_row_int(&row, 0) == reason &&
                 !chy_ceremony_recorded(c, "revoke", serial, chy_crl_reason_word(reason));
    return status == CHY_NOT_FOUND ? CHY_OK : status;
}

static chy_status read_revoke(struct chy_ceremony *c, struct chy_revoke_wish *wish,
                              struct chy_slice *out_serial)
{
    const char *reason = chy_given_text(c->given, REASON);
    uint8_t octets[20];
    uint64_t len;
    char serial[CHY_SERIAL_TEXT_SIZE];
    wish->generation_id = &c->root->generation_id;
    wish->serial = chy_text(chy_given_text(c->given, SERIAL));
    if (!chy_crl_reason_find(chy_text(reason), &wish->reason)) {
        return chy_fail(c->op, CHY_BAD_INPUT, 0, "'%.40s' is not a reason, such as KEY_COMPROMISE",
                        reason);
    }
    if (wish->reason == CHY_CRL_CERTIFICATE_HOLD) {
        return chy_fail(c->op, CHY_BAD_INPUT, 0,
                        "a CA below an offline root is revoked, not put on hold: its CRLs live too "
                        "long for that");
    }
    if (!chy_serial_parse(wish->serial, octets, &len)) {
        return chy_fail(c->op, CHY_BAD_INPUT, 0,
                        "a serial number is written as at most 40 hexadecimal digits");
    }
    chy_serial_text(chy_slice_of(octets, len), serial);
    return chy_copy(c->op, chy_text(serial), out_serial);
}

/** refuse_unknown: a root that signed every certificate in one folder knows them all. */
static chy_status refuse_unknown(struct chy_ceremony *c, struct chy_slice serial)
{
    struct chy_storage_page page;
    CHY_TRY(chy_ceremony_certificates(c, &page));
    for (uint64_t i = 0; i < page.rows.count; i++) {
        if (chy_slice_equal(chy_row_text(chy_page_row(&page, i), CHY_CEREMONY_SERIAL), serial)) {
            return CHY_OK;
        }
    }
    return chy_fail(c->op, CHY_NOT_FOUND, 0, "the root signed no certificate of the number %.*s",
                    (int)serial.len, (const char *)serial.ptr);
}

static chy_status revoke(struct chy_ceremony *c)
{
    struct chy_revoke_wish wish = {.generation_id = NULL};
    struct chy_revoke_answer answer = {.struct_size = sizeof answer};
    struct chy_slice serial = {NULL, 0};
    bool was_interrupted = false;
    CHY_TRY(read_revoke(c, &wish, &serial));
    CHY_TRY(refuse_unknown(c, serial));
    CHY_TRY(find_revoked(c, serial, wish.reason, &was_interrupted));
    CHY_TRY(chy_ceremony_catch_up(c, chy_slice_of(NULL, 0)));
    if (was_interrupted) {
        return CHY_OK; // it is in the transcript now
    }
    CHY_TRY(chy_revoke_serial(c->runtime, c->op, &wish, &answer));
    return chy_ceremony_finish_revoke(c, answer.serial_number, wish.reason, answer.revoked_at);
}

/* ------------------------------------------------------------------------------------------------
 * The commands
 */

static int run_sign(struct chy_cli *cli, const struct chy_given *given)
{
    if (chy_given_text(given, CSR) == NULL || chy_given_text(given, NOT_AFTER) == NULL) {
        return chy_cli_say_usage(cli->path, "expected --csr FILE and --not-after DATE");
    }
    return chy_ceremony_run(cli, given, false, sign);
}

static int run_revoke(struct chy_cli *cli, const struct chy_given *given)
{
    if (chy_given_text(given, SERIAL) == NULL) {
        return chy_cli_say_usage(cli->path, "expected --serial HEX");
    }
    return chy_ceremony_run(cli, given, false, revoke);
}

const struct chy_command chy_command_ceremony_sign = {
    .name = "sign",
    .summary = "Sign the CSR of a CA below the root, after showing it",
    .details =
        "Checks the possession of the key, its strength, validity and path length, shows what\n"
        "it is about to sign, and asks. The certificate goes to DIR/issued/SERIAL.pem. Import\n"
        "it, with DIR/root.pem as its chain, where the CSR came from. Interrupted, it is done\n"
        "again with the same options, and signs nothing twice.",
    .example = "chancery ca ceremony sign --dir ./root --operator \"Ada\" --csr issuing.csr "
               "--not-after 2036-01-01",
    .arguments = sign_arguments,
    .argument_count = sizeof sign_arguments / sizeof sign_arguments[0],
    .run = run_sign,
};
const struct chy_command chy_command_ceremony_revoke = {
    .name = "revoke",
    .summary = "Revoke what the root signed; its next CRL shows it",
    .example = "chancery ca ceremony revoke --dir ./root --operator \"Ada\" --serial 5f…0a "
               "--reason KEY_COMPROMISE",
    .arguments = revoke_arguments,
    .argument_count = sizeof revoke_arguments / sizeof revoke_arguments[0],
    .run = run_revoke,
};
