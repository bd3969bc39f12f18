#include "config/expand.h"

#include "base/buf.h"
#include "base/slice.h"

#include <stdlib.h>

#define VARIABLE_MAX 128U
/** What one value may become. */
#define EXPANDED_MAX ((size_t)64 << 10)
#define PATH_LEN_MAX 4096U

const char *chy_source_variable(const struct chy_options_source *source, const char *name)
{
    return source->environment == NULL ? getenv(name) : source->environment(source->context, name);
}

/** The next `${` or `$${` in the text from `from` on. */
static bool find_start(struct chy_slice text, uint64_t from, uint64_t *out_at)
{
    for (uint64_t i = from; i + 1 < text.len; i++) {
        if (text.ptr[i] != '$') {
            continue;
        }
        bool escaped = i + 2 < text.len && text.ptr[i + 1] == '$' && text.ptr[i + 2] == '{';
        if (text.ptr[i + 1] == '{' || escaped) {
            *out_at = i;
            return true;
        }
    }
    return false;
}

bool chy_expand_used(struct chy_slice text)
{
    uint64_t at = 0;
    return find_start(text, 0, &at);
}

static bool is_variable_name(struct chy_slice name)
{
    for (uint64_t i = 0; i < name.len; i++) {
        uint8_t c = name.ptr[i];
        bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        if (!is_letter && (i == 0 || c < '0' || c > '9')) {
            return false;
        }
    }
    return name.len > 0 && name.len < VARIABLE_MAX;
}

/** Remembers a variable that gave a secret, for the caller to scrub. */
static void remember(struct chy_op *op, struct chy_options_source *source, struct chy_slice name)
{
    for (uint32_t i = 0; i < source->secret_variable_count; i++) {
        if (chy_slice_equal(source->secret_variables[i], name)) {
            return;
        }
    }
    struct chy_slice copy = {NULL, 0};
    if (source->secret_variable_count < CHY_SECRET_VARIABLES_MAX &&
        chy_copy(op, name, &copy) == CHY_OK) {
        source->secret_variables[source->secret_variable_count++] = copy;
    }
}

/** Appends the value of `${name}`, whose name starts after the brace, and moves past it. */
static bool add_variable(struct chy_op *op, struct chy_options_source *source,
                         const struct chy_config_place *place, struct chy_slice text, uint64_t *at,
                         struct chy_buf *out)
{
    struct chy_slice rest = chy_slice_skip(text, *at + 2);
    struct chy_slice name = {NULL, 0};
    struct chy_slice after = {NULL, 0};
    char word[VARIABLE_MAX];
    if (!chy_slice_cut(rest, '}', &name, &after) || !is_variable_name(name)) {
        chy_problems_add(source->problems, "invalid_reference", place->line, place->column,
                         place->path,
                         "expected ${NAME} with letters, digits and '_' ('$${' stands for '${')");
        return false;
    }
    (void)snprintf(word, sizeof word, "%.*s", (int)name.len, (const char *)name.ptr);
    const char *value = chy_source_variable(source, word);
    if (value == NULL) {
        chy_problems_add(source->problems, "unset_variable", place->line, place->column,
                         place->path, "the environment variable %s is not set", word);
        return false;
    }
    if (out->secret) {
        remember(op, source, chy_text(word));
    }
    chy_buf_add_text(out, value);
    *at += 2 + name.len + 1;
    return true;
}

bool chy_expand(struct chy_op *op, struct chy_options_source *source,
                const struct chy_config_place *place, struct chy_slice text, bool secret,
                struct chy_slice *out_text)
{
    struct chy_buf out;
    uint64_t at = 0;
    uint64_t next = 0;
    if (secret) {
        chy_buf_init_secret(&out, op, EXPANDED_MAX);
    } else {
        chy_buf_init(&out, op, EXPANDED_MAX);
    }
    while (find_start(text, at, &next)) {
        chy_buf_add(&out, chy_slice_of(text.ptr + at, next - at));
        at = next;
        if (text.ptr[at + 1] == '$') {
            chy_buf_add_text(&out, "${");
            at += 3;
        } else if (!add_variable(op, source, place, text, &at, &out)) {
            return false;
        }
    }
    chy_buf_add(&out, chy_slice_skip(text, at));
    chy_buf_add_u8(&out, 0);
    if (!chy_buf_ok(&out)) {
        chy_problems_add(source->problems, "too_big", place->line, place->column, place->path,
                         "expected a value of at most 64 KiB");
        return false;
    }
    *out_text = chy_slice_of(out.ptr, out.len - 1);
    return true;
}

bool chy_path_from(struct chy_op *op, struct chy_options_source *source,
                   const struct chy_config_place *place, struct chy_slice path,
                   struct chy_slice *out_path)
{
    struct chy_buf out;
    chy_buf_init(&out, op, PATH_LEN_MAX);
    if (path.len != 0 && path.ptr[0] != '/') {
        chy_buf_add(&out, source->directory);
        if (!chy_slice_ends_with(source->directory, chy_text("/"))) {
            chy_buf_add_u8(&out, '/');
        }
    }
    chy_buf_add(&out, path);
    chy_buf_add_u8(&out, 0);
    if (path.len == 0 || !chy_buf_ok(&out)) {
        chy_problems_add(source->problems, "invalid_path", place->line, place->column, place->path,
                         "expected a path of 1 to %u bytes", PATH_LEN_MAX - 1);
        return false;
    }
    *out_path = chy_slice_of(out.ptr, out.len - 1);
    return true;
}
