#include "access/password.h"
#include "base/file.h"
#include "base/slice.h"
#include "base/terminal.h"
#include "command/ask.h"
#include "command/command.h"
#include "command/locate.h"
#include "resource/json.h"

#include <stdio.h>
#include <unistd.h>

/** A password and the end of its line. */
#define PASSWORD_ROOM (CHY_PASSWORD_BYTES_MAX + 2U)
#define NOTHING chy_slice_of(NULL, 0)

#define PASSWORD_FILE_ARGUMENT                                                                \
    {                                                                                         \
        "password-file", "FILE", "holds the password, '-' is standard input; else asked for", \
            NULL, false                                                                       \
    }

static const struct chy_argument create_arguments[] = {
    CHY_LOCATE_ARGUMENTS,
    PASSWORD_FILE_ARGUMENT,
    {"name", "NAME", "what people call them; the username if not given", NULL, false},
    {"email", "ADDRESS", "where they get mail", NULL, false},
    {"role", "ROLE", "in the whole instance: admin, operator, auditor …", "no-access", false},
    {"no-password", NULL, "an administrator sets the password later", NULL, false},
};
enum {
    PASSWORD_FILE = CHY_LOCATE_COUNT,
    NAME,
    EMAIL,
    ROLE,
    NO_PASSWORD
};

static const struct chy_argument password_arguments[] = {
    CHY_LOCATE_ARGUMENTS,
    PASSWORD_FILE_ARGUMENT,
};

static const struct chy_argument list_arguments[] = {CHY_LOCATE_ARGUMENTS};

/** What a command is told, and the password, which is asked for before anything is opened. */
struct user_run {
    const struct chy_given *given;
    struct chy_slice password;
};

/* ------------------------------------------------------------------------------------------------
 * Passwords
 */

static chy_status read_input(struct chy_op *op, struct chy_slice *out_text)
{
    uint8_t *text = chy_secret_alloc(op, PASSWORD_ROOM + 1);
    size_t len = 0;
    if (text == NULL) {
        return chy_fail_memory(op);
    }
    for (;;) {
        ssize_t count = read(STDIN_FILENO, text + len, PASSWORD_ROOM + 1 - len);
        if (count < 0) {
            return chy_fail(op, CHY_BROKEN, 0, "cannot read standard input");
        }
        if (count == 0) {
            *out_text = chy_slice_of(text, len);
            return CHY_OK;
        }
        len += (size_t)count;
        if (len > PASSWORD_ROOM) {
            return chy_fail(op, CHY_BAD_INPUT, 0, "a password has at most %u bytes",
                            CHY_PASSWORD_BYTES_MAX);
        }
    }
}

static chy_status ask_twice(struct chy_op *op, struct chy_slice *out_password)
{
    struct chy_slice again;
    chy_status status = chy_terminal_ask_secret(op, "Password", PASSWORD_ROOM, out_password);
    if (status == CHY_UNSUPPORTED) {
        return chy_fail(op, status, 0,
                        "there is no terminal to ask for the password: give --password-file FILE, "
                        "or '-' for standard input");
    }
    CHY_TRY(status);
    CHY_TRY(chy_terminal_ask_secret(op, "Again", PASSWORD_ROOM, &again));
    return chy_slice_equal(*out_password, again)
               ? CHY_OK
               : chy_fail(op, CHY_BAD_INPUT, 0, "the two passwords differ; nothing was changed");
}

/** take_password: never as a word of the command line, which everybody on the machine can see. */
static chy_status take_password(struct chy_op *op, const char *file, struct chy_slice *out_password)
{
    if (file == NULL) {
        return ask_twice(op, out_password);
    }
    CHY_TRY(strcmp(file, "-") == 0 ? read_input(op, out_password)
                                   : chy_file_read_secret(op, file, PASSWORD_ROOM, out_password));
    while (out_password->len > 0 && (out_password->ptr[out_password->len - 1] == '\n' ||
                                     out_password->ptr[out_password->len - 1] == '\r')) {
        out_password->len--;
    }
    return CHY_OK;
}

/* ------------------------------------------------------------------------------------------------
 * The work
 */

/** set adds a member that was given; NULL: it was not. */
static bool set(json_t *document, const char *member, const char *text)
{
    return text == NULL || chy_json_set_text(document, member, chy_text(text));
}

static chy_status create(struct chy_assembly *assembly, struct chy_op *op, void *context)
{
    const struct user_run *run = context;
    const char *username = run->given->operands[0];
    json_t *document = chy_json_object(op);
    json_t *answer;
    (void)assembly;
    bool fine = document != NULL && set(document, "username", username) &&
                set(document, "name", chy_given_text(run->given, NAME)) &&
                set(document, "email", chy_given_text(run->given, EMAIL)) &&
                set(document, "role", chy_given_text(run->given, ROLE)) &&
                (chy_given_flag(run->given, NO_PASSWORD) ||
                 chy_json_set_text(document, "password", run->password));
    if (!fine) {
        return chy_fail_memory(op);
    }
    CHY_TRY(chy_ask_user(op, "create", "", document, &answer));
    const json_t *user = json_object_get(answer, "user");
    (void)printf("made the user '%s', %s in the whole instance: %s\n",
                 json_string_value(json_object_get(user, "username")),
                 json_string_value(json_object_get(user, "role")),
                 json_string_value(json_object_get(user, "id")));
    return CHY_OK;
}

static chy_status find_user(struct chy_op *op, const char *username, const char **out_id)
{
    json_t *document = chy_json_object(op);
    json_t *answer;
    if (document == NULL || !set(document, "username", username)) {
        return chy_fail_memory(op);
    }
    CHY_TRY(chy_ask_user(op, "list", "", document, &answer));
    const json_t *user = json_array_get(json_object_get(answer, "users"), 0);
    if (user == NULL) {
        return chy_fail(op, CHY_NOT_FOUND, 0, "there is no user '%s'", username);
    }
    *out_id = json_string_value(json_object_get(user, "id"));
    return CHY_OK;
}

static chy_status set_password(struct chy_assembly *assembly, struct chy_op *op, void *context)
{
    const struct user_run *run = context;
    const char *username = run->given->operands[0];
    const char *id = NULL;
    json_t *document = chy_json_object(op);
    json_t *answer;
    (void)assembly;
    if (document == NULL || !chy_json_set_text(document, "password", run->password)) {
        return chy_fail_memory(op);
    }
    CHY_TRY(find_user(op, username, &id));
    CHY_TRY(chy_ask_user(op, "set-password", id, document, &answer));
    (void)printf("set the password of '%s'; their tokens have ended\n", username);
    return CHY_OK;
}

#define SHOWN_MAX 256

/** show makes text of a member fit for a terminal, in `out`. */
static const char *show(const json_t *user, const char *member, char out[SHOWN_MAX])
{
    struct chy_slice text = chy_json_member(user, member);
    out[chy_text_sanitise(text, out, SHOWN_MAX - 1)] = '\0';
    return text.len == 0 ? "-" : out;
}

static void print_user(const json_t *user)
{
    char username[SHOWN_MAX];
    char name[SHOWN_MAX];
    char email[SHOWN_MAX];
    bool is_disabled = json_is_true(json_object_get(user, "disabled"));
    (void)printf("%s  %-20s  %-10s  %-24s  %s%s\n", json_string_value(json_object_get(user, "id")),
                 show(user, "username", username), json_string_value(json_object_get(user, "role")),
                 show(user, "name", name), show(user, "email", email),
                 is_disabled ? "  (disabled)" : "");
}

static chy_status list(struct chy_assembly *assembly, struct chy_op *op, void *context)
{
    json_t *document = chy_json_object(op);
    json_t *answer;
    (void)assembly;
    (void)context;
    if (document == NULL || !chy_json_set_text(document, "limit", chy_text("100"))) {
        return chy_fail_memory(op);
    }
    for (;;) {
        size_t i;
        const json_t *user;
        CHY_TRY(chy_ask_user(op, "list", "", document, &answer));
        json_array_foreach(json_object_get(answer, "users"), i, user)
        {
            print_user(user);
        }
        struct chy_slice cursor = chy_json_member(answer, "cursor");
        if (cursor.len == 0) {
            return CHY_OK;
        }
        if (!chy_json_set_text(document, "cursor", cursor)) {
            return chy_fail_memory(op);
        }
    }
}

/* ------------------------------------------------------------------------------------------------
 * The commands
 */

static int run_create(struct chy_cli *cli, const struct chy_given *given)
{
    struct user_run run = {given, NOTHING};
    const char *file = chy_given_text(given, PASSWORD_FILE);
    bool has_password = !chy_given_flag(given, NO_PASSWORD);
    if (!has_password && file != NULL) {
        return chy_cli_say_usage(cli->path, "--no-password and --password-file exclude each other");
    }
    if (has_password && take_password(cli->op, file, &run.password) != CHY_OK) {
        return chy_cli_fail(cli);
    }
    return chy_assembly_command(cli, given, create, &run);
}

static int run_password(struct chy_cli *cli, const struct chy_given *given)
{
    struct user_run run = {given, NOTHING};
    if (take_password(cli->op, chy_given_text(given, PASSWORD_FILE), &run.password) != CHY_OK) {
        return chy_cli_fail(cli);
    }
    return chy_assembly_command(cli, given, set_password, &run);
}

static int run_list(struct chy_cli *cli, const struct chy_given *given)
{
    return chy_assembly_command(cli, given, list, NULL);
}

static const struct chy_command create_command = {
    .name = "create",
    .summary = "Make a person who may log in with a password",
    .details = "The first administrator with a password is made so. The password is asked for at\n"
               "the terminal, or read from a file; it has at least 12 characters.",
    .example = "chancery user create alice --role admin --password-file /run/alice.password",
    .arguments = create_arguments,
    .argument_count = sizeof create_arguments / sizeof create_arguments[0],
    .operands = "USERNAME",
    .operand_min = 1,
    .operand_max = 1,
    .run = run_create,
};
static const struct chy_command password_command = {
    .name = "password",
    .summary = "Set a person's password, which ends all of their tokens",
    .example = "chancery user password alice --password-file /run/alice.password",
    .arguments = password_arguments,
    .argument_count = sizeof password_arguments / sizeof password_arguments[0],
    .operands = "USERNAME",
    .operand_min = 1,
    .operand_max = 1,
    .run = run_password,
};
static const struct chy_command list_command = {
    .name = "list",
    .summary = "List people: id, username, role in the instance, name, e-mail address",
    .example = "chancery user list --config /etc/chancery/chancery.yaml",
    .arguments = list_arguments,
    .argument_count = sizeof list_arguments / sizeof list_arguments[0],
    .run = run_list,
};

static const struct chy_command *const commands[] = {&create_command, &password_command,
                                                     &list_command};

const struct chy_command chy_command_user = {
    .name = "user",
    .summary = "People who log in: make one, set a password, also while a daemon runs",
    .example = "chancery user list --config /etc/chancery/chancery.yaml",
    .commands = commands,
    .command_count = sizeof commands / sizeof commands[0],
};
