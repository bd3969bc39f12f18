/** What a command made, so that it can be taken back when the command fails. */
#ifndef CHY_COMMAND_MADE_H
#define CHY_COMMAND_MADE_H

#include <chancery/host.h>

#include <stddef.h>

#define CHY_MADE_MAX 8

struct chy_made {
    struct {
        const char *path;
        size_t levels; /**< of a folder: how many of its path were not there before; else 0 */
    } things[CHY_MADE_MAX];
    size_t count;
};

/** chy_made_file notes a file.  `path` must outlive `made`, as in chy_made_folder(). */
void chy_made_file(struct chy_made *made, const char *path);

/** chy_made_folder makes a folder, and those above it, with mode 0700, and notes those that were
 *  not there. */
CHY_MUST_USE chy_status chy_made_folder(struct chy_made *made, struct chy_op *op, const char *path);

/** chy_made_undo removes what was noted, the last first; folders with all that is in them. */
void chy_made_undo(struct chy_made *made);

/** chy_tree_remove removes a folder with all that is in it, and does not follow links. */
void chy_tree_remove(const char *path);

#endif
