#include "command/locate.h"

#include "base/buf.h"

#include <limits.h>
#include <unistd.h>

chy_status chy_path_join(struct chy_op *op, const char *directory, const char *name,
                         const char **out_path)
{
    struct chy_buf buf;
    size_t len = strlen(directory);
    chy_buf_init(&buf, op, PATH_MAX);
    chy_buf_add_text(&buf, directory);
    chy_buf_add_text(&buf, len > 0 && directory[len - 1] == '/' ? "" : "/");
    chy_buf_add_text(&buf, name);
    chy_buf_add_u8(&buf, 0);
    *out_path = (const char *)buf.ptr;
    return chy_buf_ok(&buf) ? CHY_OK : chy_fail(op, CHY_BAD_INPUT, 0, "the path is too long");
}

chy_status chy_locate(struct chy_cli *cli, const struct chy_given *given,
                      struct chy_config **out_config)
{
    const char *file = chy_given_text(given, CHY_LOCATE_CONFIG);
    const char *data = chy_given_text(given, CHY_LOCATE_DATA);
    if (file != NULL && data != NULL) {
        return chy_fail(cli->op, CHY_BAD_INPUT, 0, "give --config or --data, not both");
    }
    if (data != NULL) {
        CHY_TRY(chy_path_join(cli->op, data, CHY_DEV_CONFIG, &file));
    }
    if (file == NULL && access(CHY_DEFAULT_CONFIG, F_OK) != 0) {
        return chy_fail(cli->op, CHY_BAD_INPUT, 0,
                        "there is no " CHY_DEFAULT_CONFIG ": say --config FILE, or --data DIR for "
                        "what 'chancery dev --data' made");
    }
    return chy_config_load(cli->op, file == NULL ? CHY_DEFAULT_CONFIG : file, out_config);
}
