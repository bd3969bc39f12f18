// What makes a shell ask `chancery complete` what may come next: the tables of the commands answer.

#include "client/cli.h"
#include "client/commands.h"

#include <stdio.h>

static const char bash_script[] = "# bash: eval \"$(chancery completion bash)\", in .bashrc\n"
                                  "_chancery() {\n"
                                  "    local IFS=$'\\n'\n"
                                  "    mapfile -t COMPREPLY < <(chancery complete "
                                  "\"${COMP_WORDS[@]:1:COMP_CWORD}\" 2>/dev/null |\n"
                                  "        cut -f1)\n"
                                  "}\n"
                                  "complete -o bashdefault -o default -F _chancery chancery\n";

static const char zsh_script[] =
    "#compdef chancery\n"
    "# zsh: eval \"$(chancery completion zsh)\", in .zshrc, after compinit\n"
    "_chancery() {\n"
    "    local -a found\n"
    "    found=(\"${(@f)$(chancery complete \"${(@)words[2,CURRENT]}\" 2>/dev/null |\n"
    "        sed 's/:/\\\\:/g; s/\\t/:/')}\")\n"
    "    if [[ -n ${found[1]} ]]; then\n"
    "        _describe chancery found\n"
    "    else\n"
    "        _files\n"
    "    fi\n"
    "}\n"
    "compdef _chancery chancery\n";

static const char fish_script[] =
    "# fish: chancery completion fish | source, in config.fish\n"
    "complete -c chancery -a '(chancery complete (commandline -opc)[2..] (commandline -ct) "
    "2>/dev/null)'\n";

static const struct {
    const char *shell;
    const char *script;
} scripts[] = {{"bash", bash_script}, {"zsh", zsh_script}, {"fish", fish_script}};

static int run(struct chy_cli *cli, const struct chy_given *given)
{
    for (size_t i = 0; i < sizeof scripts / sizeof scripts[0]; i++) {
        if (strcmp(given->operands[0], scripts[i].shell) == 0) {
            (void)fputs(scripts[i].script, stdout);
            return client_end(cli, CHY_OK);
        }
    }
    return chy_cli_say_usage(cli->path, "expected bash, zsh or fish");
}

const struct chy_command client_command_completion = {
    .name = "completion",
    .summary = "Print what makes a shell complete these commands",
    .details =
        "For bash: eval \"$(chancery completion bash)\" in .bashrc. For zsh the same in .zshrc.\n"
        "For fish: chancery completion fish | source.",
    .example = "chancery completion bash",
    CLIENT_OPERAND("bash|zsh|fish"),
    .run = run,
};
