#include "client/issue.h"

#include "base/slice.h"
#include "base/time.h"
#include "client/commands.h"
#include "client/document.h"
#include "client/objects.h"
#include "client/output.h"
#include "client/san.h"
#include "client/wait.h"

#include <stdio.h>

#define CERTIFICATES "/api/v1/cert-manager/certificates"

static const struct chy_argument arguments[] = {
    CLIENT_ARGUMENTS,
    CLIENT_FILE_ARGUMENTS,
    {"profile", "ID|SLUG", "the profile to ask under", NULL, false},
    {"cn", "NAME", "the common name", NULL, false},
    {"san", "NAME", "an alternative name: www.acme.com, 10.0.0.1, uri:urn:x", NULL, true},
    {"ttl", "DURATION", "how long it is valid: 90d, 12h", NULL, false},
    {"not-after", "DATE", "when it ends, instead of --ttl", NULL, false},
    {"key-algorithm", "NAME", "EC_prime256v1, RSA_2048, Ed25519 …", NULL, false},
    {"signature-algorithm", "NAME", "ECDSA-SHA256, RSA-SHA256 …", NULL, false},
    {"key-usage", "NAME", "digital_signature …", NULL, true},
    {"extended-key-usage", "NAME", "server_auth, client_auth …", NULL, true},
    {"organization", "NAME", "of the subject", NULL, false},
    {"organizational-unit", "NAME", "of the subject", NULL, false},
    {"country", "CODE", "of the subject", NULL, false},
    {"state", "NAME", "of the subject", NULL, false},
    {"locality", "NAME", "of the subject", NULL, false},
    {"metadata", "KEY=VALUE", "kept with the certificate", NULL, true},
    {"csr", "FILE", "ask with this CSR; the key stays yours. '-' is standard input", NULL, false},
    {"no-root", NULL, "leave the root out of the chain", NULL, false},
    {"wait", "DURATION", "how long to wait when it is not issued at once", "5m", false},
    {"application", "ID|NAME", "the application to ask under", NULL, false},
};
enum {
    FILES = CLIENT_COUNT,
    PROFILE = FILES + CLIENT_FILE_ARGUMENT_COUNT,
    CN,
    SAN,
    TTL,
    NOT_AFTER,
    KEY_ALGORITHM,
    SIGNATURE_ALGORITHM,
    KEY_USAGE,
    EXTENDED_KEY_USAGE,
    ORGANIZATION,
    UNIT,
    COUNTRY,
    STATE,
    LOCALITY,
    METADATA,
    CSR,
    NO_ROOT,
    WAIT,
    APPLICATION
};

static const struct {
    size_t argument;
    const char *member;
} texts[] = {
    {CN, "commonName"},
    {TTL, "ttl"},
    {NOT_AFTER, "notAfter"},
    {KEY_ALGORITHM, "keyAlgorithm"},
    {SIGNATURE_ALGORITHM, "signatureAlgorithm"},
    {ORGANIZATION, "organization"},
    {UNIT, "organizationalUnit"},
    {COUNTRY, "country"},
    {STATE, "state"},
    {LOCALITY, "locality"},
};
#define TEXT_COUNT (sizeof texts / sizeof texts[0])

static chy_status add_names(struct chy_cli *cli, const struct chy_given *given, json_t *attributes)
{
    size_t count = chy_given_count(given, SAN);
    json_t *names = json_array();
    if (count == 0) {
        json_decref(names);
        return CHY_OK;
    }
    CHY_TRY(client_json_set(cli, attributes, "altNames", names));
    for (size_t i = 0; i < count; i++) {
        CHY_TRY(client_san_add(cli, names, chy_given_at(given, SAN, i)));
    }
    return CHY_OK;
}

static chy_status add_words(struct chy_cli *cli, const struct chy_given *given, size_t argument,
                            json_t *attributes, const char *member)
{
    size_t count = chy_given_count(given, argument);
    if (count == 0) {
        return CHY_OK;
    }
    json_t *list = json_array();
    CHY_TRY(client_json_set(cli, attributes, member, list));
    for (size_t i = 0; i < count; i++) {
        if (json_array_append_new(list, json_string(chy_given_at(given, argument, i))) != 0) {
            return client_fail(cli, CHY_EXIT_USAGE, "%s: not UTF-8", member);
        }
    }
    return CHY_OK;
}

static chy_status add_metadata(struct chy_cli *cli, const struct chy_given *given, json_t *body)
{
    size_t count = chy_given_count(given, METADATA);
    if (count == 0) {
        return CHY_OK;
    }
    json_t *list = json_array();
    CHY_TRY(client_json_set(cli, body, "metadata", list));
    for (size_t i = 0; i < count; i++) {
        const char *pair = chy_given_at(given, METADATA, i);
        const char *equals = strchr(pair, '=');
        size_t len = equals == NULL ? strlen(pair) : (size_t)(equals - pair);
        json_t *one =
            json_pack("{s:s%, s:s}", "key", pair, len, "value", equals == NULL ? "" : equals + 1);
        if (json_array_append_new(list, one) != 0) {
            return client_fail(cli, CHY_EXIT_USAGE, "--metadata: expected KEY=VALUE in UTF-8");
        }
    }
    return CHY_OK;
}

static chy_status add_csr(struct chy_cli *cli, const struct chy_given *given, json_t *body)
{
    struct chy_slice csr;
    const char *path = chy_given_text(given, CSR);
    if (path == NULL) {
        return CHY_OK;
    }
    CHY_TRY(client_input_read(cli, path, CLIENT_CSR_MAX, &csr));
    json_t *text = json_stringn((const char *)csr.ptr, (size_t)csr.len);
    return text != NULL ? client_json_set(cli, body, "csr", text)
                        : client_fail(cli, CLIENT_EXIT_LOCAL, "'%s' is no CSR in PEM", path);
}

static chy_status make_body(struct chy_cli *cli, const struct chy_given *given,
                            struct client_session *session, json_t **out_body)
{
    json_t *body = json_pack("{s:{}}", "attributes");
    CHY_TRY(client_own(cli, body));
    CHY_TRY(client_issue_under(cli, session, chy_given_text(given, APPLICATION),
                               chy_given_text(given, PROFILE), body));
    json_t *attributes = json_object_get(body, "attributes");
    for (size_t i = 0; i < TEXT_COUNT; i++) {
        const char *text = chy_given_text(given, texts[i].argument);
        if (text != NULL) {
            CHY_TRY(client_json_set(cli, attributes, texts[i].member, json_string(text)));
        }
    }
    CHY_TRY(add_names(cli, given, attributes));
    CHY_TRY(add_words(cli, given, KEY_USAGE, attributes, "keyUsages"));
    CHY_TRY(add_words(cli, given, EXTENDED_KEY_USAGE, attributes, "extendedKeyUsages"));
    CHY_TRY(add_metadata(cli, given, body));
    CHY_TRY(add_csr(cli, given, body));
    if (chy_given_flag(given, NO_ROOT)) {
        CHY_TRY(client_json_set(cli, body, "removeRootsFromChain", json_true()));
    }
    *out_body = body;
    return CHY_OK;
}

/* --- the answer ------------------------------------------------------------------------------- */

chy_status client_patience_check(struct chy_cli *cli, const char *text, int64_t *out_patience)
{
    return chy_duration_parse_config(chy_text(text), out_patience)
               ? CHY_OK
               : client_fail(cli, CHY_EXIT_USAGE, "--wait: expected a duration such as 30s or 5m");
}

/** Takes an issue's or a renewal's answer: has it a certificate, or which request is to be waited
 *  for, and what does that wait for? */
static chy_status read_answer(struct chy_cli *cli, const json_t *answer,
                              struct client_bundle *out_bundle, const char **out_request,
                              enum client_state *out_state)
{
    const json_t *certificate = json_object_get(answer, "certificate");
    const char *status = json_string_value(json_object_get(answer, "status"));
    *out_state = CLIENT_STATE_ISSUED;
    // An issue's answer has the certificate's members in a member, a renewal's beside the others.
    if (client_bundle_of(json_is_object(certificate) ? certificate : answer, out_bundle)) {
        return CHY_OK;
    }
    *out_request = json_string_value(json_object_get(answer, "certificateRequestId"));
    *out_state = status == NULL ? CLIENT_STATE_WAITING : client_state_word(status);
    if (*out_state == CLIENT_STATE_ISSUED) { // and the certificate is to be fetched
        *out_state = CLIENT_STATE_WAITING;
    }
    return *out_request != NULL
               ? CHY_OK
               : client_fail(cli, CLIENT_EXIT_UNREACHABLE,
                             "the server's answer has neither a certificate nor a request");
}

/** Says why nothing happens for a while. */
static void tell_waiting(struct chy_cli *cli, const char *request, enum client_state state,
                         const char *wait)
{
    if (state == CLIENT_STATE_APPROVAL || state == CLIENT_STATE_WAITING) {
        (void)fprintf(
            stderr, "chancery: the request %s %s; waiting for %s\n", client_clean(cli, request),
            state == CLIENT_STATE_APPROVAL ? "waits for approval" : "is not issued yet", wait);
    }
}

/** What the server did otherwise than it was asked: a shorter life, an extension left out. */
static void tell_adjustments(struct chy_cli *cli, const json_t *answer)
{
    size_t index = 0;
    const json_t *note = NULL;
    json_array_foreach(json_object_get(answer, "adjustments"), index, note)
    {
        if (json_is_string(note)) {
            (void)fprintf(stderr, "chancery: note: %s\n",
                          client_clean(cli, json_string_value(note)));
        }
    }
}

chy_status client_finish(struct chy_cli *cli, const struct chy_given *given,
                         struct client_session *session, const struct client_answer *answer,
                         const struct client_files *files, const char *wait)
{
    struct client_bundle bundle = {0};
    const char *request = NULL;
    enum client_state state = CLIENT_STATE_ISSUED;
    int64_t patience = 0;
    bool wants_json = chy_given_flag(given, CLIENT_JSON);
    bool has_files = files->certificate != NULL || files->key != NULL || files->chain != NULL ||
                     files->fullchain != NULL;
    CHY_TRY(client_patience_check(cli, wait, &patience));
    if (wants_json) {
        CHY_TRY(client_print_raw(cli, answer)); // whatever becomes of the files
    }
    CHY_TRY(read_answer(cli, answer->json, &bundle, &request, &state));
    if (request != NULL && wants_json && !has_files) {
        return client_fail_pending(cli, request, state); // a program waits as it likes
    }
    if (request != NULL) {
        if (patience > 0) {
            tell_waiting(cli, request, state, wait);
        }
        CHY_TRY(client_wait(cli, session, request, patience, &bundle));
    }
    CHY_TRY(client_files_write(cli, files, &bundle));
    if (!wants_json) {
        tell_adjustments(cli, answer->json);
    }
    return wants_json ? CHY_OK : client_files_tell(cli, files, &bundle);
}

static chy_status issue(struct chy_cli *cli, const struct chy_given *given)
{
    struct client_session session;
    struct client_files files;
    struct client_answer answer;
    json_t *body = NULL;
    int64_t ignored = 0;
    const char *cn = chy_given_text(given, CN);
    const char *san = chy_given_at(given, SAN, 0);
    const char *name = cn != NULL ? cn : san != NULL ? san : "certificate";
    bool has_key = chy_given_text(given, CSR) == NULL;
    CHY_TRY(client_patience_check(cli, chy_given_text(given, WAIT), &ignored));
    CHY_TRY(client_files_of(cli, given, FILES, chy_given_flag(given, CLIENT_JSON) ? NULL : name,
                            has_key, &files));
    CHY_TRY(client_files_check(cli, &files));
    CHY_TRY(client_session_of(cli, given, &session));
    CHY_TRY(make_body(cli, given, &session, &body));
    CHY_TRY(client_call(cli, &session, "POST", CERTIFICATES, body, &answer));
    return client_finish(cli, given, &session, &answer, &files, chy_given_text(given, WAIT));
}

static int run(struct chy_cli *cli, const struct chy_given *given)
{
    if (chy_given_text(given, PROFILE) == NULL) {
        return chy_cli_say_usage(cli->path, "expected --profile ID|SLUG");
    }
    return client_end(cli, issue(cli, given));
}

const struct chy_command client_command_issue = {
    .name = "issue",
    .summary = "Ask for a certificate, and write key, certificate and chain",
    .details =
        "The server makes the key unless there is a CSR. Without --out the files are called\n"
        "after the common name; nothing that is there is replaced without --force.\n"
        "With --json the answer is printed, with the key in it, and files are written only\n"
        "where one is named. Where somebody has to approve it first, the command waits for\n"
        "--wait and then ends with 5; with --json alone at once.",
    .example = "chancery issue --profile web --cn www.acme.com --san www.acme.com --ttl 30d",
    CLIENT_TAKES(arguments),
    .run = run,
};
