/** The client's commands.  A new one is a file with a `struct chy_command` and a line in
 *  commands.c; core/command/client.c names those of the root. */
#ifndef CLIENT_COMMANDS_H
#define CLIENT_COMMANDS_H

#include "commandline/command.h"

extern const struct chy_command client_command_ca;
extern const struct chy_command client_command_completion;
extern const struct chy_command client_command_export;
extern const struct chy_command client_command_issue;
extern const struct chy_command client_command_list;
extern const struct chy_command client_command_login;
extern const struct chy_command client_command_logout;
extern const struct chy_command client_command_policy;
extern const struct chy_command client_command_profile;
extern const struct chy_command client_command_project;
extern const struct chy_command client_command_renew;
extern const struct chy_command client_command_request;
extern const struct chy_command client_command_revoke;
extern const struct chy_command client_command_show;
extern const struct chy_command client_command_watch;

extern const struct chy_command client_command_root;

/** In a command's table: the arguments that it takes, and that it takes one operand. */
#define CLIENT_TAKES(table) .arguments = (table), .argument_count = sizeof(table) / sizeof(table)[0]
#define CLIENT_OPERAND(text) .operands = (text), .operand_min = 1, .operand_max = 1

/** client_main is the program. */
int client_main(int argc, char **argv);

#endif
