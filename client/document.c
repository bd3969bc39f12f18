#include "client/document.h"

#include "base/file.h"
#include "base/slice.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

chy_status client_json_parse(struct chy_cli *cli, const char *name, struct chy_slice text,
                             json_t **out_json)
{
    json_error_t error;
    json_t *json = json_loadb((const char *)text.ptr, text.ptr == NULL ? 0 : (size_t)text.len,
                              JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
    if (json == NULL) {
        return client_fail(cli, CLIENT_EXIT_LOCAL, "%s:%d:%d: not JSON: %s", name, error.line,
                           error.column, error.text);
    }
    CHY_TRY(client_own(cli, json));
    *out_json = json;
    return CHY_OK;
}

chy_status client_json_text(struct chy_cli *cli, const json_t *json, const char **out_text)
{
    size_t size = json_dumpb(json, NULL, 0, JSON_COMPACT | JSON_ENCODE_ANY);
    char *text = chy_secret_alloc(cli->op, (uint64_t)size + 1);
    if (size == 0 || text == NULL) {
        return chy_fail_memory(cli->op);
    }
    (void)json_dumpb(json, text, size, JSON_COMPACT | JSON_ENCODE_ANY);
    *out_text = text;
    return CHY_OK;
}

chy_status client_json_set(struct chy_cli *cli, json_t *object, const char *member, json_t *value)
{
    return json_object_set_new(object, member, value) == 0
               ? CHY_OK
               : client_fail(cli, CHY_EXIT_USAGE, "%s: out of memory, or not UTF-8", member);
}

static json_t *scalar(const struct chy_yaml_node *node)
{
    int64_t number = 0;
    const char *text = (const char *)node->text.ptr;
    if (!node->quoted && chy_slice_parse_i64(node->text, INT64_MIN, INT64_MAX, &number)) {
        return json_integer(number);
    }
    if (!node->quoted && chy_slice_is(node->text, "true")) {
        return json_true();
    }
    if (!node->quoted && chy_slice_is(node->text, "false")) {
        return json_false();
    }
    return json_stringn(text == NULL ? "" : text, (size_t)node->text.len);
}

static json_t *tree(const struct chy_yaml_node *node)
{
    json_t *json = NULL;
    bool fine = true;
    switch (node->kind) {
    case CHY_YAML_NULL: return json_null();
    case CHY_YAML_SCALAR: return scalar(node);
    case CHY_YAML_LIST:
        json = json_array();
        for (uint32_t i = 0; json != NULL && fine && i < node->count; i++) {
            fine = json_array_append_new(json, tree(node->items[i])) == 0;
        }
        break;
    case CHY_YAML_MAP:
        json = json_object();
        for (uint32_t i = 0; json != NULL && fine && i < node->count; i++) {
            // Keys are NUL-terminated, as all text of the reader is, and hold no NUL.
            fine = json_object_set_new(json, (const char *)node->pairs[i].key.ptr,
                                       tree(node->pairs[i].value)) == 0;
        }
        break;
    }
    if (!fine) {
        json_decref(json);
        return NULL;
    }
    return json;
}

chy_status client_yaml_json(struct chy_cli *cli, const struct chy_yaml_node *node,
                            json_t **out_json)
{
    json_t *json = tree(node);
    CHY_TRY(client_own(cli, json));
    *out_json = json;
    return CHY_OK;
}

/** Reads to the end of what may be a pipe. */
static chy_status read_stream(struct chy_cli *cli, int fd, const char *name, size_t max,
                              struct chy_slice *out_text)
{
    size_t len = 0;
    uint8_t *text = chy_secret_alloc(cli->op, (uint64_t)max + 1);
    if (text == NULL) {
        return chy_fail_memory(cli->op);
    }
    while (len <= max) {
        ssize_t count = read(fd, text + len, max + 1 - len);
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count < 0) {
            return client_fail(cli, CLIENT_EXIT_LOCAL, "cannot read %s: %s", name, strerror(errno));
        }
        if (count == 0) {
            text[len] = 0;
            *out_text = chy_slice_of(text, len);
            return CHY_OK;
        }
        len += (size_t)count;
    }
    return client_fail(cli, CLIENT_EXIT_LOCAL, "%s is longer than %zu bytes", name, max);
}

chy_status client_input_read(struct chy_cli *cli, const char *path, size_t max,
                             struct chy_slice *out_text)
{
    struct stat stat_of_file;
    if (strcmp(path, "-") == 0) {
        return read_stream(cli, STDIN_FILENO, "standard input", max, out_text);
    }
    if (stat(path, &stat_of_file) != 0 || !S_ISFIFO(stat_of_file.st_mode)) {
        return chy_file_read_secret(cli->op, path, max, out_text);
    }
    // What a shell puts there for `<(command)`.
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return client_fail(cli, CLIENT_EXIT_LOCAL, "cannot read '%s': %s", path, strerror(errno));
    }
    chy_status status = read_stream(cli, fd, path, max, out_text);
    (void)close(fd);
    return status;
}

chy_status client_document_read(struct chy_cli *cli, const char *path, json_t **out_json)
{
    struct chy_slice text = {NULL, 0};
    const struct chy_yaml_node *root = NULL;
    const char *name = strcmp(path, "-") == 0 ? "standard input" : path;
    CHY_TRY(client_input_read(cli, path, CLIENT_DOCUMENT_MAX, &text));
    struct chy_slice trimmed = chy_slice_trim(text);
    if (trimmed.len > 0 && trimmed.ptr[0] == '{') {
        CHY_TRY(client_json_parse(cli, name, text, out_json));
    } else {
        CHY_TRY(chy_yaml_parse(cli->op, chy_text(name), text, &root));
        CHY_TRY(client_yaml_json(cli, root, out_json));
    }
    return json_is_object(*out_json)
               ? CHY_OK
               : client_fail(cli, CLIENT_EXIT_LOCAL, "%s: expected members and their values", name);
}
