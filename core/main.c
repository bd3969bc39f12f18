#include "command/command.h"

int main(int argc, char **argv)
{
    return chy_command_main(argc, argv);
}
