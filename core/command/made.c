#include "command/made.h"

#include "command/instance_files.h"

#include <assert.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#define OPEN_DIRECTORIES 16

static int remove_entry(const char *path, const struct stat *info, int type, struct FTW *walk)
{
    (void)info;
    (void)type;
    (void)walk;
    return remove(path);
}

void chy_tree_remove(const char *path)
{
    (void)nftw(path, remove_entry, OPEN_DIRECTORIES, FTW_DEPTH | FTW_PHYS);
}

static void note(struct chy_made *made, const char *path, size_t levels)
{
    assert(made->count < CHY_MADE_MAX);
    made->things[made->count].path = path;
    made->things[made->count].levels = levels;
    made->count++;
}

void chy_made_file(struct chy_made *made, const char *path)
{
    note(made, path, 0);
}

/** shorten cuts the last part off a path.  false: there is only one. */
static bool shorten(char *path)
{
    char *slash = strrchr(path, '/');
    while (slash != NULL && slash[1] == '\0' && slash != path) {
        *slash = '\0'; // one at the end separates nothing
        slash = strrchr(path, '/');
    }
    if (slash == NULL || slash == path) {
        return false;
    }
    *slash = '\0';
    return true;
}

static size_t missing_levels(const char *path)
{
    char part[PATH_MAX];
    size_t levels = 0;
    (void)snprintf(part, sizeof part, "%s", path);
    while (access(part, F_OK) != 0) {
        levels++;
        if (!shorten(part)) {
            break;
        }
    }
    return levels;
}

chy_status chy_made_folder(struct chy_made *made, struct chy_op *op, const char *path)
{
    size_t levels = missing_levels(path);
    CHY_TRY(chy_directory_make(op, path));
    if (levels > 0) {
        note(made, path, levels);
    }
    return CHY_OK;
}

static void remove_folders(const char *path, size_t levels)
{
    char part[PATH_MAX];
    (void)snprintf(part, sizeof part, "%s", path);
    chy_tree_remove(part);
    for (size_t i = 1; i < levels && shorten(part); i++) {
        (void)rmdir(part);
    }
}

void chy_made_undo(struct chy_made *made)
{
    while (made->count > 0) {
        made->count--;
        if (made->things[made->count].levels == 0) {
            (void)unlink(made->things[made->count].path);
        } else {
            remove_folders(made->things[made->count].path, made->things[made->count].levels);
        }
    }
}
