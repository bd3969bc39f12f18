#include "base/op.h"
#include "base/slice.h"
#include "command/assembly.h"
#include "command/command.h"
#include "command/locate.h"
#include "resource/audit_key.h"
#include "resource/audit_verify.h"
#include "x509/pem.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define EXIT_NOT_WHOLE 3
#define SHOWN_MAX 100U

static const struct chy_argument locate_arguments[] = {CHY_LOCATE_ARGUMENTS};

static const struct chy_argument verify_arguments[] = {
    CHY_LOCATE_ARGUMENTS,
    {"against", "FILE",
     "also look for each head and row that FILE tells of: a log, what "
     "audit.file or syslog got",
     NULL, true},
};
#define AGAINST CHY_LOCATE_COUNT

/** One run of verify. */
struct verify {
    const struct chy_given *given;
    struct chy_audit_verifier verifier;
};

static void show_problem(void *context, const char *sentence)
{
    const struct chy_audit_report *report = &((const struct verify *)context)->verifier.report;
    if (report->problems <= SHOWN_MAX) {
        (void)printf("%s\n", sentence);
    } else if (report->problems == SHOWN_MAX + 1) {
        (void)printf("… and more, which are only counted\n");
    }
}

static void show_progress(void *context, const struct chy_audit_report *report)
{
    (void)context;
    if (isatty(STDERR_FILENO) != 0) {
        (void)fprintf(stderr, "\r%llu blocks, %llu rows", (unsigned long long)report->blocks,
                      (unsigned long long)report->rows);
    }
}

/** compare_lines reads a file line by line, each in an operation of its own. */
static chy_status compare_lines(struct chy_assembly *assembly, struct chy_op *op,
                                struct verify *verify, FILE *file)
{
    char *line = NULL;
    size_t size = 0;
    uint64_t number = 0;
    ssize_t len;
    chy_status status = CHY_OK;
    while (status == CHY_OK && (len = getline(&line, &size, file)) >= 0) {
        struct chy_op *child = op->host->op_child(op);
        if (child == NULL) {
            status = chy_fail_memory(op);
            break;
        }
        status = chy_audit_verify_line(&assembly->runtime, child, &verify->verifier,
                                       chy_slice_of(line, (uint64_t)len), ++number);
        status = chy_op_end_child(op, child, status);
    }
    free(line);
    return status;
}

static chy_status compare_file(struct chy_assembly *assembly, struct chy_op *op,
                               struct verify *verify, const char *path)
{
    uint64_t before = verify->verifier.report.compared;
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return chy_fail(op, CHY_NOT_FOUND, errno, "cannot read '%s': %s", path, strerror(errno));
    }
    chy_status status = compare_lines(assembly, op, verify, file);
    (void)fclose(file);
    CHY_TRY(status);
    if (verify->verifier.report.compared == before) {
        return chy_fail(op, CHY_BAD_INPUT, 0,
                        "'%s' tells of no head and no row of an audit: is it the right file?",
                        path);
    }
    return CHY_OK;
}

static chy_status verify_all(struct chy_assembly *assembly, struct chy_op *op, void *context)
{
    struct verify *verify = context;
    const struct chy_audit_report *report = &verify->verifier.report;
    verify->verifier.problem = show_problem;
    verify->verifier.progress = show_progress;
    verify->verifier.context = verify;
    CHY_TRY(chy_audit_verify(&assembly->runtime, op, &verify->verifier));
    for (size_t i = 0; i < chy_given_count(verify->given, AGAINST); i++) {
        CHY_TRY(compare_file(assembly, op, verify, chy_given_at(verify->given, AGAINST, i)));
    }
    if (isatty(STDERR_FILENO) != 0) {
        (void)fputs("\r", stderr);
    }
    (void)printf("%llu processes, %llu blocks, %llu rows; %llu blocks have lost their rows to "
                 "retention, %llu rows are of seconds that a running process has yet to close\n",
                 (unsigned long long)report->nodes, (unsigned long long)report->blocks,
                 (unsigned long long)report->rows, (unsigned long long)report->dropped,
                 (unsigned long long)report->open);
    if (chy_given_count(verify->given, AGAINST) != 0) {
        (void)printf("%llu lines of other places compared\n", (unsigned long long)report->compared);
    }
    if (report->problems == 0) {
        (void)printf("the audit is whole\n");
    } else {
        (void)printf("THE AUDIT IS NOT WHOLE: %llu problems\n",
                     (unsigned long long)report->problems);
    }
    return CHY_OK;
}

static int run_verify(struct chy_cli *cli, const struct chy_given *given)
{
    struct verify verify = {.given = given};
    int code = chy_assembly_command(cli, given, verify_all, &verify);
    return code == CHY_EXIT_OK && verify.verifier.report.problems != 0 ? EXIT_NOT_WHOLE : code;
}

static chy_status show_key(struct chy_assembly *assembly, struct chy_op *op, void *context)
{
    struct chy_audit_key key;
    struct chy_slice spki = {NULL, 0};
    struct chy_slice pem;
    (void)context;
    CHY_TRY(chy_audit_key_open(&assembly->runtime, op, true, &key));
    chy_status status = chy_crypto_public_key(&key.key, op, &spki);
    chy_audit_key_close(&key);
    CHY_TRY(status);
    CHY_TRY(chy_pem_encode(op, "PUBLIC KEY", spki, 0, &pem));
    (void)printf("%.*s", (int)pem.len, (const char *)pem.ptr);
    return CHY_OK;
}

static int run_key(struct chy_cli *cli, const struct chy_given *given)
{
    return chy_assembly_command(cli, given, show_key, NULL);
}

static const struct chy_command verify_command = {
    .name = "verify",
    .summary = "Prove the audit whole: no row changed, missing, added or cut off",
    .details =
        "Says each problem on a line. Exits with 0 if all is whole, 3 if it is not, 1 if it could\n"
        "not look. What was cut off at the very end shows only --against what was written\n"
        "elsewhere. Runs beside daemons.",
    .example = "chancery audit verify --against /var/log/chancery/audit.jsonl",
    .arguments = verify_arguments,
    .argument_count = sizeof verify_arguments / sizeof verify_arguments[0],
    .run = run_verify,
};
static const struct chy_command key_command = {
    .name = "key",
    .summary = "Show the public key that the audit's blocks are signed with",
    .example = "chancery audit key > audit-key.pem",
    .arguments = locate_arguments,
    .argument_count = sizeof locate_arguments / sizeof locate_arguments[0],
    .run = run_key,
};

static const struct chy_command *const commands[] = {&verify_command, &key_command};

const struct chy_command chy_command_audit = {
    .name = "audit",
    .summary = "Prove the audit whole, also while a daemon runs",
    .example = "chancery audit verify --config /etc/chancery/chancery.yaml",
    .commands = commands,
    .command_count = sizeof commands / sizeof commands[0],
};
