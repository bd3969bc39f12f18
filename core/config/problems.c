#include "config/problems.h"

#include "base/slice.h"

#define POINTER_MAX 512U
#define WHAT_MAX 400U
/** How much of a file's name and of a key path a message shows. */
#define FILE_MAX 200U
#define PATH_SHOWN_MAX 200U

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
    struct chy_issue issue = {chy_text(code), pointer_of(path, pointer), chy_text(text)};
    problems->op->host->issue(problems->op, &issue);
    if (problems->count == 0) {
        size_t len = strnlen(text, sizeof problems->first - 1);
        memcpy(problems->first, text, len);
        problems->first[len] = '\0';
    }
    problems->count++;
}

chy_status chy_problems_end(struct chy_problems *problems)
{
    if (problems->count == 0) {
        return CHY_OK;
    }
    return chy_fail_reason(problems->op, CHY_BAD_INPUT, CHY_REASON_VALIDATION, "%s",
                           problems->first);
}
