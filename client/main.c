#include "client/commands.h"

#include <signal.h>
#include <sys/resource.h>

int main(int argc, char **argv)
{
    const struct rlimit none = {0, 0};
    // Keys and tokens are in memory.
    (void)setrlimit(RLIMIT_CORE, &none);
    // A reader that went away, or a file that may not grow, is an error where it is met.
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGXFSZ, SIG_IGN);
    return client_main(argc, argv);
}
