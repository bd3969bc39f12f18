#include "config/problems.h"

#include "base/slice.h"

#define POINTER_MAX 512U
#define WHAT_MAX 600U
/** How much of a file's name and of a key path a message shows. */
#define FILE_MAX 200U
#define PATH_SHOWN_MAX 200U

struct chy_problem {
    struct chy_problem *next;
    uint32_t line; /**< 0: it has no place */
    uint32_t column;
    struct chy_issue issue;
};

void chy_problems_init(struct chy_problems *problems, struct chy_op *op, struct chy_slice file)
{
    memset(problems, 0, sizeof *problems);
    problems->op = op;
    problems->file = file;
}

/** "crypto[1].options.path" as a JSON Pointer (RFC 6901): "/crypto/1/options/path". */
static struct chy_slice pointer_of(struct chy_slice path, char out[POINTER_MAX])
{
    size_t len = 0;
    if (path.len != 0) {
        out[len++] = '/';
    }
    for (uint64_t i = 0; i < path.len && len + 2 < POINTER_MAX; i++) {
        char c = (char)path.ptr[i];
        if (c == ']') {
            continue;
        }
        if (c == '~') {
            out[len++] = '~';
            c = '0';
        } else if (c == '/') {
            out[len++] = '~';
            c = '1';
        }
        out[len++] = c == '.' || c == '[' ? '/' : c;
    }
    return chy_slice_of(out, len);
}

static bool is_before(const struct chy_problem *one, const struct chy_problem *other)
{
    // A place of 0 stands behind all others.
    uint32_t line = one->line - 1;
    uint32_t other_line = other->line - 1;
    return line < other_line || (line == other_line && one->column < other->column);
}

/** keep copies an issue to where the file has it; among equals behind those that are there. */
static void keep(struct chy_problems *problems, uint32_t line, uint32_t column,
                 const struct chy_issue *issue)
{
    struct chy_problem *problem = chy_alloc(problems->op, sizeof *problem);
    if (problem == NULL || chy_copy(problems->op, issue->code, &problem->issue.code) != CHY_OK ||
        chy_copy(problems->op, issue->path, &problem->issue.path) != CHY_OK ||
        chy_copy(problems->op, issue->message, &problem->issue.message) != CHY_OK) {
        problems->no_memory = true;
        return;
    }
    problem->line = line;
    problem->column = column;
    struct chy_problem **at = &problems->first;
    while (*at != NULL && !is_before(problem, *at)) {
        at = &(*at)->next;
    }
    problem->next = *at;
    *at = problem;
}

void chy_problems_add(struct chy_problems *problems, const char *code, uint32_t line,
                      uint32_t column, struct chy_slice path, const char *format, ...)
{
    char what[WHAT_MAX];
    char text[2 * CHY_MESSAGE_MAX];
    char place[32] = "";
    char pointer[POINTER_MAX];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    if (line != 0) {
        (void)snprintf(place, sizeof place, "%u:%u:", line, column);
    }
    (void)snprintf(
        text, sizeof text, "%.*s:%s %.*s%s%s", (int)chy_slice_first(problems->file, FILE_MAX).len,
        (const char *)problems->file.ptr, place, (int)chy_slice_first(path, PATH_SHOWN_MAX).len,
        (const char *)path.ptr, path.len == 0 ? "" : ": ", what);
    keep(problems, line, column,
         &(struct chy_issue){chy_text(code), pointer_of(path, pointer), chy_text(text)});
}

chy_status chy_problems_end(struct chy_problems *problems)
{
    if (problems->no_memory) {
        return chy_fail_memory(problems->op);
    }
    if (problems->first == NULL) {
        return CHY_OK;
    }
    for (const struct chy_problem *one = problems->first; one != NULL; one = one->next) {
        problems->op->host->issue(problems->op, &one->issue);
    }
    struct chy_slice message = problems->first->issue.message;
    return chy_fail_reason(problems->op, CHY_BAD_INPUT, CHY_REASON_VALIDATION, "%.*s",
                           (int)message.len, (const char *)message.ptr);
}
