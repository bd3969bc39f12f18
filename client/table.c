#include "client/table.h"

#include "base/buf.h"
#include "base/slice.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define GAP 2U
#define NARROW 6U /**< no column is cut to less */
#define READABLE \
    11U /**< a date, or enough of a name: a column that gets less makes way for a key */
#define TEXT_MAX ((size_t)1 << 16)
#define DEPTH_MAX 6U

size_t client_table_width(void)
{
    struct winsize size;
    if (isatty(STDOUT_FILENO) == 0) {
        return 0;
    }
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) {
        return 80;
    }
    return size.ws_col;
}

/** Characters, not bytes; `text` is UTF-8. */
static size_t width_of(const char *text)
{
    size_t width = 0;
    for (; *text != '\0'; text++) {
        width += ((unsigned char)*text & 0xc0U) != 0x80U ? 1 : 0;
    }
    return width;
}

/** How many bytes the first `width` characters take. */
static size_t bytes_of(const char *text, size_t width)
{
    size_t len = 0;
    while (text[len] != '\0') {
        bool begins = ((unsigned char)text[len] & 0xc0U) != 0x80U;
        if (begins && width == 0) {
            break;
        }
        width -= begins ? 1 : 0;
        len++;
    }
    return len;
}

static const json_t *member_of(const json_t *object, const char *path)
{
    struct chy_slice rest = chy_text(path);
    while (rest.len > 0 && object != NULL) {
        struct chy_slice step = rest;
        char name[64];
        if (!chy_slice_cut(rest, '.', &step, &rest)) {
            rest = (struct chy_slice){NULL, 0};
        }
        (void)snprintf(name, sizeof name, "%.*s", (int)step.len, (const char *)step.ptr);
        object = json_object_get(object, name);
    }
    return object;
}

/** `2026-11-22T09:30:00.000Z` reads better as `2026-11-22 09:30`. */
static bool is_time(const char *text, size_t len)
{
    return len == 24 && text[10] == 'T' && text[23] == 'Z' && text[4] == '-' && text[13] == ':';
}

const char *client_cell(struct chy_cli *cli, const json_t *value)
{
    const char *text = json_string_value(value);
    struct chy_buf buf;
    size_t index = 0;
    const json_t *item = NULL;
    if (text != NULL) {
        if (is_time(text, json_string_length(value))) {
            text = client_text(cli, "%.10s %.5s", text, text + 11);
        }
        return text == NULL || *text == '\0' ? "-" : client_clean(cli, text);
    }
    if (json_is_integer(value)) {
        text = client_text(cli, "%lld", (long long)json_integer_value(value));
    } else if (json_is_boolean(value)) {
        text = json_is_true(value) ? "yes" : "no";
    } else if (json_is_array(value) && json_array_size(value) > 0) {
        chy_buf_init(&buf, cli->op, TEXT_MAX);
        json_array_foreach(value, index, item)
        {
            chy_buf_add_text(&buf, index == 0 ? "" : ", ");
            chy_buf_add_text(&buf, json_is_object(item) ? "…" : client_cell(cli, item));
        }
        chy_buf_add_u8(&buf, 0);
        text = chy_buf_ok(&buf) ? (const char *)buf.ptr : "…";
    }
    return text == NULL ? "-" : text;
}

/** The columns that are shown, and how wide. */
struct layout {
    const struct client_column *columns;
    size_t widths[CLIENT_COLUMNS_MAX]; /**< of all columns */
    size_t shown[CLIENT_COLUMNS_MAX];  /**< which of them are */
    size_t count;                      /**< how many are shown */
};

/** The widest that is shown and more than `least` wide; `count` if there is none. */
static size_t widest(const struct layout *layout, bool keys_too, size_t least)
{
    size_t found = layout->count;
    for (size_t i = 0; i < layout->count; i++) {
        size_t column = layout->shown[i];
        if (layout->widths[column] > least && (keys_too || !layout->columns[column].is_key)) {
            least = layout->widths[column];
            found = i;
        }
    }
    return found;
}

/** How wide it all is, if what is no key takes `most` characters. */
static size_t whole_width(const struct layout *layout, size_t most)
{
    size_t all = (layout->count - 1) * GAP;
    for (size_t i = 0; i < layout->count; i++) {
        size_t width = layout->widths[layout->shown[i]];
        bool is_cut = width > most && !layout->columns[layout->shown[i]].is_key;
        all += is_cut ? most : width;
    }
    return all;
}

/** Leaves out columns on the right, for a key that could not be whole beside them. */
static void leave_out(struct layout *layout, size_t width)
{
    bool has_key = false;
    for (size_t i = 0; i < layout->count; i++) {
        has_key = has_key || layout->columns[i].is_key;
    }
    size_t last = layout->count;
    while (has_key && last > 1 && whole_width(layout, READABLE) > width) {
        last--;
        if (!layout->columns[layout->shown[last]].is_key) {
            layout->count--;
            memmove(&layout->shown[last], &layout->shown[last + 1],
                    (layout->count - last) * sizeof layout->shown[0]);
        }
    }
}

/** Cuts the widest columns until the table fits. */
static void fit(struct layout *layout, size_t width)
{
    while (whole_width(layout, SIZE_MAX) > width) {
        size_t at = widest(layout, false, NARROW);
        at = at < layout->count ? at : widest(layout, true, NARROW);
        if (at == layout->count) {
            return;
        }
        layout->widths[layout->shown[at]]--;
    }
}

static void write_line(FILE *out, const struct layout *layout, const char *const *cells)
{
    for (size_t i = 0; i < layout->count; i++) {
        const char *cell = cells[layout->shown[i]];
        size_t most = layout->widths[layout->shown[i]];
        size_t width = width_of(cell);
        if (width > most) {
            (void)fprintf(out, "%.*s…", (int)bytes_of(cell, most - 1), cell);
            width = most;
        } else {
            (void)fputs(cell, out);
        }
        if (i + 1 < layout->count) {
            (void)fprintf(out, "%*s", (int)(most - width + GAP), "");
        }
    }
    (void)fputc('\n', out);
}

chy_status client_table_write(struct chy_cli *cli, FILE *out, const struct client_column *columns,
                              size_t count, const json_t *rows, size_t width)
{
    struct layout layout = {.columns = columns, .count = count};
    const char *titles[CLIENT_COLUMNS_MAX];
    size_t row_count = json_array_size(rows);
    const char **cells = chy_alloc(cli->op, (row_count * count + 1) * sizeof *cells);
    if (cells == NULL) {
        return chy_fail_memory(cli->op);
    }
    for (size_t i = 0; i < count; i++) {
        titles[i] = columns[i].title;
        layout.shown[i] = i;
        layout.widths[i] = width_of(titles[i]);
        for (size_t row = 0; row < row_count; row++) {
            const char *cell =
                client_cell(cli, member_of(json_array_get(rows, row), columns[i].member));
            size_t cell_width = width_of(cell);
            cells[row * count + i] = cell;
            layout.widths[i] = cell_width > layout.widths[i] ? cell_width : layout.widths[i];
        }
    }
    if (width != 0) {
        leave_out(&layout, width);
        fit(&layout, width);
    }
    write_line(out, &layout, titles);
    for (size_t row = 0; row < row_count; row++) {
        write_line(out, &layout, cells + row * count);
    }
    return CHY_OK;
}

static void write_pairs(struct chy_cli *cli, FILE *out, const json_t *object, unsigned depth)
{
    const char *name = NULL;
    json_t *value = NULL;
    json_object_foreach((json_t *)(uintptr_t)object, name, value)
    {
        const char *text = json_string_value(value);
        if (json_is_null(value) || (text != NULL && strstr(text, "-----BEGIN ") != NULL)) {
            continue;
        }
        const char *key = client_clean(cli, name);
        if (json_is_object(value) && depth < DEPTH_MAX) {
            (void)fprintf(out, "%*s%s:\n", (int)depth * 2, "", key);
            write_pairs(cli, out, value, depth + 1);
        } else if (json_is_array(value) && json_is_object(json_array_get(value, 0)) &&
                   depth < DEPTH_MAX) {
            size_t index = 0;
            const json_t *item = NULL;
            json_array_foreach(value, index, item)
            {
                (void)fprintf(out, "%*s%s %zu:\n", (int)depth * 2, "", key, index + 1);
                write_pairs(cli, out, item, depth + 1);
            }
        } else {
            (void)fprintf(out, "%*s%-*s %s\n", (int)depth * 2, "", 28 - (int)depth * 2, key,
                          client_cell(cli, value));
        }
    }
}

chy_status client_pairs_write(struct chy_cli *cli, FILE *out, const json_t *object)
{
    if (!json_is_object(object)) {
        return client_fail(cli, CLIENT_EXIT_UNREACHABLE,
                           "the server's answer has not what was asked for");
    }
    write_pairs(cli, out, object, 0);
    return CHY_OK;
}
