#include "command/paths.h"

#include "base/slice.h"

#include <errno.h>
#include <limits.h>
#include <unistd.h>

chy_status chy_path_of_program(struct chy_op *op, struct chy_slice *out_path)
{
    char path[PATH_MAX];
    ssize_t len = readlink("/proc/self/exe", path, sizeof path);
    if (len <= 0 || (size_t)len == sizeof path) {
        return chy_fail(op, CHY_BROKEN, errno, "cannot tell where this program lies: %s",
                        strerror(errno));
    }
    return chy_copy(op, chy_slice_of(path, (uint64_t)len), out_path);
}

chy_status chy_path_of_plugins(struct chy_op *op, struct chy_slice *out_path)
{
    char path[PATH_MAX + sizeof "/" CHY_PLUGIN_SUBDIR];
    struct chy_slice folder = {NULL, 0};
    uint64_t slash = 0;
    CHY_TRY(chy_path_of_program(op, &folder));
    // Twice: from the program to bin, and from bin to what has lib as well.
    for (int i = 0; i < 2; i++) {
        if (!chy_slice_find_last(folder, '/', &slash)) {
            return chy_fail(op, CHY_BROKEN, 0, "this program lies in no folder");
        }
        folder = chy_slice_first(folder, slash);
    }
    (void)snprintf(path, sizeof path, "%.*s/" CHY_PLUGIN_SUBDIR, (int)folder.len,
                   (const char *)folder.ptr);
    return chy_copy(op, chy_text(path), out_path);
}
