#include "client/commands.h"

#include "base/sanitize.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>

int main(int argc, char **argv)
{
    const struct rlimit none = {0, 0};
    // Keys and tokens are in memory.
    (void)setrlimit(RLIMIT_CORE, &none);
#if !CHY_ASAN
    (void)prctl(PR_SET_DUMPABLE, 0); // the leak checker must be able to trace the process
#endif
    // A reader that went away, or a file that may not grow, is an error where it is met.
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGXFSZ, SIG_IGN);
    return client_main(argc, argv);
}
