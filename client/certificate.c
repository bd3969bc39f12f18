// Certificates that are there: finding, showing, renewing, revoking.

#include "base/slice.h"
#include "base/time.h"
#include "client/commands.h"
#include "client/document.h"
#include "client/issue.h"
#include "client/objects.h"
#include "client/output.h"

#include <stdio.h>

#define CERTIFICATES "/api/v1/cert-manager/certificates/"

/* --- list ------------------------------------------------------------------------------------- */

static const struct chy_argument list_arguments[] = {
    CLIENT_ARGUMENTS,
    {"search", "TEXT", "an id, a serial number, or the beginning of a name", NULL, false},
    {"status", "WORD", "active, expired or revoked", NULL, true},
    {"profile", "ID|SLUG", "only those of this profile", NULL, false},
    {"expires-within", "DURATION", "only active ones that end so soon, the first first", NULL,
     false},
    CLIENT_PAGE_ARGUMENTS("25"),
};
enum {
    SEARCH = CLIENT_COUNT,
    STATUS,
    PROFILE,
    WITHIN,
    PAGE
};

static const struct client_column columns[] = {
    {"COMMON NAME", "commonName", false},
    {"STATUS", "status", false},
    {"EXPIRES", "notAfter", false},
    {"PROFILE", "profileName", false},
    {"ID", "id", true},
    {"SERIAL NUMBER", "serialNumber", false},
};

static chy_status add_statuses(struct chy_cli *cli, const struct chy_given *given, json_t *query)
{
    size_t count = chy_given_count(given, STATUS);
    json_t *list = count == 0 ? NULL : json_array();
    if (count == 0) {
        return CHY_OK;
    }
    CHY_TRY(client_json_set(cli, query, "status", list));
    for (size_t i = 0; i < count; i++) {
        if (json_array_append_new(list, json_string(chy_given_at(given, STATUS, i))) != 0) {
            return chy_fail_memory(cli->op);
        }
    }
    return CHY_OK;
}

static chy_status add_end(struct chy_cli *cli, const struct chy_given *given, json_t *query)
{
    const char *within = chy_given_text(given, WITHIN);
    int64_t duration = 0;
    char now[CHY_TIME_TEXT_SIZE];
    char end[CHY_TIME_TEXT_SIZE];
    if (within == NULL) {
        return CHY_OK;
    }
    if (!chy_duration_parse_config(chy_text(within), &duration)) {
        return client_fail(cli, CHY_EXIT_USAGE, "--expires-within: expected something like 14d");
    }
    chy_time_format(chy_now(cli->op), now);
    chy_time_format(chy_now(cli->op) + duration, end);
    CHY_TRY(client_json_set(cli, query, "notAfterFrom", json_string(now)));
    CHY_TRY(client_json_set(cli, query, "notAfterTo", json_string(end)));
    CHY_TRY(client_json_set(cli, query, "sortBy", json_string("notAfter")));
    CHY_TRY(client_json_set(cli, query, "sortOrder", json_string("asc")));
    return chy_given_count(given, STATUS) != 0
               ? CHY_OK
               : client_json_set(cli, query, "status", json_string("active"));
}

static chy_status narrow(struct chy_cli *cli, const struct chy_given *given,
                         struct client_session *session, json_t *query)
{
    const char *profile = chy_given_text(given, PROFILE);
    const char *search = chy_given_text(given, SEARCH);
    CHY_TRY(add_statuses(cli, given, query));
    CHY_TRY(add_end(cli, given, query));
    if (search != NULL) {
        CHY_TRY(client_json_set(cli, query, "search", json_string(search)));
    }
    if (profile != NULL) {
        CHY_TRY(client_profile_id(cli, session, profile, &profile));
        CHY_TRY(client_json_set(cli, query, "profileIds", json_pack("[s]", profile)));
    }
    return CHY_OK;
}

static const struct client_list certificates = {
    .method = "POST",
    .path = "/api/v1/projects/",
    .path_after = "/certificates/search",
    .has_pages = true,
    .page = PAGE,
    .member = "certificates",
    .columns = columns,
    .column_count = sizeof columns / sizeof columns[0],
    .narrow = narrow,
};

static int run_list(struct chy_cli *cli, const struct chy_given *given)
{
    return client_end(cli, client_print_list(cli, given, &certificates));
}

const struct chy_command client_command_list = {
    .name = "list",
    .summary = "Find certificates",
    .example = "chancery list --expires-within 14d",
    CLIENT_TAKES(list_arguments),
    .run = run_list,
};

/* --- show ------------------------------------------------------------------------------------- */

static const struct chy_argument show_arguments[] = {
    CLIENT_ARGUMENTS,
    {"pem", NULL, "print certificate and chain in PEM", NULL, false},
};
#define PEM CLIENT_COUNT

static chy_status show(struct chy_cli *cli, const struct chy_given *given)
{
    struct client_session session;
    struct client_answer answer;
    struct client_bundle bundle;
    bool wants_pem = chy_given_flag(given, PEM);
    CHY_TRY(client_session_of(cli, given, &session));
    CHY_TRY(client_call(
        cli, &session, "GET",
        client_path(cli, CERTIFICATES, given->operands[0], wants_pem ? "/certificate" : ""), NULL,
        &answer));
    if (!wants_pem || chy_given_flag(given, CLIENT_JSON)) {
        return client_print_object(cli, given, &answer, "certificate");
    }
    if (!client_bundle_of(answer.json, &bundle)) {
        return client_fail(cli, CLIENT_EXIT_UNREACHABLE, "the server's answer has no certificate");
    }
    (void)printf("%s%s", bundle.certificate, bundle.chain == NULL ? "" : bundle.chain);
    return CHY_OK;
}

static int run_show(struct chy_cli *cli, const struct chy_given *given)
{
    return client_end(cli, show(cli, given));
}

const struct chy_command client_command_show = {
    .name = "show",
    .summary = "Show what is known of a certificate",
    .example = "chancery show 0199c0de-0000-7000-8000-000000000000",
    CLIENT_TAKES(show_arguments),
    CLIENT_OPERAND("ID"),
    .run = run_show,
};

/* --- renew ------------------------------------------------------------------------------------ */

static const struct chy_argument renew_arguments[] = {
    CLIENT_ARGUMENTS,
    CLIENT_FILE_ARGUMENTS,
    {"key-source", "WORD", "new, reuse, or csr, which --csr means anyhow", NULL, false},
    {"csr", "FILE", "a CSR for the successor; '-' is standard input", NULL, false},
    {"ttl", "DURATION", "another life than the old one's", NULL, false},
    {"wait", "DURATION", "how long to wait when it is not issued at once", "5m", false},
};
enum {
    RENEW_FILES = CLIENT_COUNT,
    KEY_SOURCE = RENEW_FILES + CLIENT_FILE_ARGUMENT_COUNT,
    CSR,
    TTL,
    WAIT
};

static chy_status renewal_body(struct chy_cli *cli, const struct chy_given *given,
                               json_t **out_body)
{
    struct chy_slice csr = {NULL, 0};
    const char *file = chy_given_text(given, CSR);
    const char *ttl = chy_given_text(given, TTL);
    json_t *body = json_pack("{s:s*}", "renewalKeySource", chy_given_text(given, KEY_SOURCE));
    CHY_TRY(client_own(cli, body));
    if (file != NULL) {
        CHY_TRY(client_input_read(cli, file, CLIENT_CSR_MAX, &csr));
        CHY_TRY(client_json_set(cli, body, "csr",
                                json_stringn((const char *)csr.ptr, (size_t)csr.len)));
    }
    if (ttl != NULL) {
        CHY_TRY(client_json_set(cli, body, "attributes", json_pack("{s:s}", "ttl", ttl)));
    }
    *out_body = body;
    return CHY_OK;
}

static chy_status renew(struct chy_cli *cli, const struct chy_given *given)
{
    struct client_session session;
    struct client_answer answer;
    struct client_files files;
    json_t *body = NULL;
    int64_t ignored = 0;
    const char *source = chy_given_text(given, KEY_SOURCE);
    bool has_key =
        chy_given_text(given, CSR) == NULL && (source == NULL || strcmp(source, "new") == 0);
    CHY_TRY(client_patience_check(cli, chy_given_text(given, WAIT), &ignored));
    CHY_TRY(client_files_of(cli, given, RENEW_FILES, NULL, has_key, &files));
    CHY_TRY(client_files_check(cli, &files));
    CHY_TRY(client_session_of(cli, given, &session));
    CHY_TRY(renewal_body(cli, given, &body));
    CHY_TRY(client_call(cli, &session, "POST",
                        client_path(cli, CERTIFICATES, given->operands[0], "/renew"), body,
                        &answer));
    return client_finish(cli, given, &session, &answer, &files, chy_given_text(given, WAIT));
}

static int run_renew(struct chy_cli *cli, const struct chy_given *given)
{
    return client_end(cli, renew(cli, given));
}

const struct chy_command client_command_renew = {
    .name = "renew",
    .summary = "Issue a certificate's successor",
    .details = "The old certificate stays valid. Files are written where they are named.",
    .example = "chancery renew 0199c0de-0000-7000-8000-000000000000 --out www --force",
    CLIENT_TAKES(renew_arguments),
    CLIENT_OPERAND("ID"),
    .run = run_renew,
};

/* --- revoke ----------------------------------------------------------------------------------- */

static const struct chy_argument revoke_arguments[] = {
    CLIENT_ARGUMENTS,
    {"reason", "REASON", "KEY_COMPROMISE, SUPERSEDED …; REMOVE_FROM_CRL ends a hold", "UNSPECIFIED",
     false},
};
#define REASON CLIENT_COUNT

static chy_status revoke(struct chy_cli *cli, const struct chy_given *given)
{
    struct client_session session;
    struct client_answer answer;
    json_t *body = json_pack("{s:s}", "revocationReason", chy_given_text(given, REASON));
    CHY_TRY(client_own(cli, body));
    CHY_TRY(client_session_of(cli, given, &session));
    CHY_TRY(client_call(cli, &session, "POST",
                        client_path(cli, CERTIFICATES, given->operands[0], "/revoke"), body,
                        &answer));
    return client_print_object(cli, given, &answer, NULL);
}

static int run_revoke(struct chy_cli *cli, const struct chy_given *given)
{
    return client_end(cli, revoke(cli, given));
}

const struct chy_command client_command_revoke = {
    .name = "revoke",
    .summary = "Revoke a certificate, or end a hold",
    .example = "chancery revoke 0199c0de-0000-7000-8000-000000000000 --reason SUPERSEDED",
    CLIENT_TAKES(revoke_arguments),
    CLIENT_OPERAND("ID"),
    .run = run_revoke,
};
