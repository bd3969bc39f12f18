"""Ends a program with SIGKILL just before a step on its files: the first, the second, and so on."""
import pathlib
import subprocess

SOURCE = r"""
#include <dlfcn.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static void *next(const char *name)
{
    static int count;
    if (++count == atoi(getenv("KILLED_AT"))) {
        kill(getpid(), SIGKILL);
    }
    return dlsym(RTLD_NEXT, name);
}

int fchmod(int fd, mode_t mode) { return ((int (*)(int, mode_t))next("fchmod"))(fd, mode); }
int fsync(int fd) { return ((int (*)(int))next("fsync"))(fd); }
int unlink(const char *a) { return ((int (*)(const char *))next("unlink"))(a); }
int link(const char *a, const char *b)
{
    return ((int (*)(const char *, const char *))next("link"))(a, b);
}
int rename(const char *a, const char *b)
{
    return ((int (*)(const char *, const char *))next("rename"))(a, b);
}
"""


class Killer:
    def __init__(self, folder):
        self.library = pathlib.Path(folder) / "killer.so"
        subprocess.run(["cc", "-shared", "-fPIC", "-D_GNU_SOURCE", "-x", "c", "-", "-o", self.library],
                       input=SOURCE, text=True, check=True)

    def environment(self, client, step):
        """What a client's command is given beside its own: it is killed before this step."""
        options = client.env.get("ASAN_OPTIONS", "")
        return {"LD_PRELOAD": str(self.library), "KILLED_AT": str(step),
                # The sanitizer's own library is not the first one any more.
                "ASAN_OPTIONS": f"{options}:verify_asan_link_order=0".lstrip(":")}
