#include "plugin/refusal.h"

chy_status chy_refuse(const struct chy_candidate *candidate, chy_status status, const char *format,
                      ...)
{
    char text[CHY_MESSAGE_MAX];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return chy_fail(candidate->op, status, 0, "plugin '%s': %s", candidate->path, text);
}
