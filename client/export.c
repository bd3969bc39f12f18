#include "base/file.h"
#include "client/commands.h"
#include "client/files.h"
#include "client/output.h"
#include "client/secret.h"

#include <stdio.h>
#include <unistd.h>

#define CERTIFICATES "/api/v1/cert-manager/certificates/"
#define PASSWORD_VARIABLE "CHANCERY_PKCS12_PASSWORD"

static const struct chy_argument arguments[] = {
    CLIENT_ARGUMENTS,
    CLIENT_FILE_ARGUMENTS,
    {"pkcs12", "FILE", "all of it as one PKCS#12 file, instead of PEM", NULL, false},
    {"alias", "NAME", "of the entry in it", "certificate", false},
    {"password-file", "FILE", "holds its password, '-' is standard input; else asked for", NULL,
     false},
    {"legacy", NULL, "3DES and SHA-1, for readers that know nothing else", NULL, false},
    {"no-key", NULL, "without the private key (PEM only)", NULL, false},
};
enum {
    FILES = CLIENT_COUNT,
    PKCS12 = FILES + CLIENT_FILE_ARGUMENT_COUNT,
    ALIAS,
    PASSWORD,
    LEGACY,
    NO_KEY
};
#define FORCE (FILES + CLIENT_FILE_ARGUMENT_COUNT - 1)

static chy_status export_pem(struct chy_cli *cli, const struct chy_given *given)
{
    struct client_session session;
    struct client_answer answer;
    struct client_files files;
    struct client_bundle bundle;
    bool has_key = !chy_given_flag(given, NO_KEY);
    CHY_TRY(client_files_of(cli, given, FILES, NULL, has_key, &files));
    CHY_TRY(client_files_check(cli, &files));
    CHY_TRY(client_session_of(cli, given, &session));
    CHY_TRY(client_call(
        cli, &session, "GET",
        client_path(cli, CERTIFICATES, given->operands[0], has_key ? "/bundle" : "/certificate"),
        NULL, &answer));
    if (!client_bundle_of(answer.json, &bundle)) {
        return client_fail(cli, CLIENT_EXIT_UNREACHABLE, "the server's answer has no certificate");
    }
    bundle.id = given->operands[0];
    if (has_key && bundle.key == NULL) {
        return client_fail(cli, CLIENT_EXIT_REFUSED,
                           "the server gives no key: it was never there, or you may not see it; "
                           "--no-key writes the rest");
    }
    CHY_TRY(client_files_write(cli, &files, &bundle));
    return chy_given_flag(given, CLIENT_JSON) ? client_print_raw(cli, &answer)
                                              : client_files_tell(cli, &files, &bundle);
}

static chy_status export_pkcs12(struct chy_cli *cli, const struct chy_given *given)
{
    struct client_session session;
    struct client_answer answer;
    const char *password = NULL;
    const char *path = chy_given_text(given, PKCS12);
    bool force = chy_given_flag(given, FORCE);
    const struct client_files files = {.key = path, .force = force};
    CHY_TRY(client_files_check(cli, &files));
    CHY_TRY(client_session_of(cli, given, &session));
    CHY_TRY(client_secret_take(cli, "password for the file", chy_given_text(given, PASSWORD),
                               PASSWORD_VARIABLE, &password));
    json_t *body =
        json_pack("{s:s, s:s, s:b}", "password", password, "alias", chy_given_text(given, ALIAS),
                  "legacy", chy_given_flag(given, LEGACY) ? 1 : 0);
    CHY_TRY(client_own(cli, body));
    CHY_TRY(client_fetch(cli, &session, "POST",
                         client_path(cli, CERTIFICATES, given->operands[0], "/pkcs12"), body,
                         &answer));
    // A PFX is a SEQUENCE (RFC 7292 4): a page that somebody in between put there is not.
    if (answer.body.len < 2 || answer.body.ptr[0] != 0x30) {
        return client_fail(cli, CLIENT_EXIT_UNREACHABLE, "the server's answer is no PKCS#12 file");
    }
    CHY_TRY(force ? chy_file_write(cli->op, path, answer.body, 0600)
                  : chy_file_create(cli->op, path, answer.body, 0600));
    (void)printf("Written: %s\n", client_clean(cli, path));
    return CHY_OK;
}

static int run(struct chy_cli *cli, const struct chy_given *given)
{
    bool has_files = false;
    for (size_t i = FILES; i < FORCE; i++) {
        has_files = has_files || chy_given_text(given, i) != NULL;
    }
    bool is_pkcs12 = chy_given_text(given, PKCS12) != NULL;
    if (is_pkcs12 == (has_files || chy_given_flag(given, CLIENT_JSON))) {
        return chy_cli_say_usage(cli->path, "expected --pkcs12 FILE, or --out PREFIX and its like");
    }
    return client_end(cli, is_pkcs12 ? export_pkcs12(cli, given) : export_pem(cli, given));
}

const struct chy_command client_command_export = {
    .name = "export",
    .summary = "Fetch certificate, chain and key again",
    .example = "chancery export 0199c0de-0000-7000-8000-000000000000 --pkcs12 www.p12",
    CLIENT_TAKES(arguments),
    CLIENT_OPERAND("ID"),
    .run = run,
};
