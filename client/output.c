#include "client/output.h"

#include "base/buf.h"
#include "base/slice.h"
#include "client/document.h"
#include "client/trail.h"

#include <stdio.h>

#define QUERY_MAX ((size_t)1 << 16)

chy_status client_print_raw(struct chy_cli *cli, const struct client_answer *answer)
{
    size_t len = (size_t)answer->body.len;
    bool fine = len == 0 || fwrite(answer->body.ptr, 1, len, stdout) == len;
    return fine && fputc('\n', stdout) != EOF
               ? CHY_OK
               : client_fail(cli, CLIENT_EXIT_LOCAL, "cannot write to standard output");
}

chy_status client_print_object(struct chy_cli *cli, const struct chy_given *given,
                               const struct client_answer *answer, const char *member)
{
    if (chy_given_flag(given, CLIENT_JSON)) {
        return client_print_raw(cli, answer);
    }
    return client_pairs_write(
        cli, stdout, member == NULL ? answer->json : json_object_get(answer->json, member));
}

const char *client_with_query(struct chy_cli *cli, const char *path, const json_t *query)
{
    struct chy_buf buf;
    const char *name = NULL;
    json_t *value = NULL;
    char separator = '?';
    chy_buf_init(&buf, cli->op, QUERY_MAX);
    chy_buf_add_text(&buf, path);
    json_object_foreach((json_t *)(uintptr_t)query, name, value)
    {
        const char *text =
            json_is_integer(value) ? client_cell(cli, value) : json_string_value(value);
        chy_buf_add_u8(&buf, (uint8_t)separator);
        chy_buf_add_text(&buf, client_path(cli, name, "", "="));
        chy_buf_add_text(&buf, client_path(cli, "", text == NULL ? "" : text, ""));
        separator = '&';
    }
    chy_buf_add_u8(&buf, 0);
    return chy_buf_ok(&buf) ? (const char *)buf.ptr : NULL;
}

/** The rows that a table may have: each stays in memory until the widths of all are known. */
#define ROWS_MAX 100000U

/** Takes a page's rows over into `rows`, or prints it as it came. */
static chy_status take_page(struct chy_cli *cli, const struct chy_given *given,
                            const struct client_list *list, const struct client_answer *answer,
                            json_t *rows)
{
    const json_t *page =
        list->member == NULL ? answer->json : json_object_get(answer->json, list->member);
    if (!json_is_array(page)) {
        return client_fail(cli, CLIENT_EXIT_UNREACHABLE, "the server's answer has no list");
    }
    if (chy_given_flag(given, CLIENT_JSON)) {
        return client_print_raw(cli, answer);
    }
    if (json_array_size(rows) + json_array_size(page) > ROWS_MAX) {
        return client_fail(cli, CLIENT_EXIT_LOCAL,
                           "there are more than %u lines, too many for a table: --json writes "
                           "page after page",
                           ROWS_MAX);
    }
    return json_array_extend(rows, (json_t *)(uintptr_t)page) == 0 ? CHY_OK
                                                                   : chy_fail_memory(cli->op);
}

/** Asks for a page and takes its rows. */
static chy_status ask_page(struct chy_cli *cli, const struct chy_given *given,
                           const struct client_list *list, const char *path, json_t *query,
                           json_t *rows, json_t **out_answer)
{
    struct client_session session;
    struct client_answer answer;
    CHY_TRY(client_session_of(cli, given, &session));
    if (strcmp(list->method, "POST") == 0) {
        CHY_TRY(client_call(cli, &session, "POST", path, query, &answer));
    } else {
        const char *with = client_with_query(cli, path, query);
        if (with == NULL) {
            return chy_fail_memory(cli->op);
        }
        CHY_TRY(client_call(cli, &session, "GET", with, NULL, &answer));
    }
    CHY_TRY(take_page(cli, given, list, &answer, rows));
    *out_answer = answer.json;
    return CHY_OK;
}

/** A page has memory of its own, so that a list may be longer than all of it.  `out_cursor` is NULL
 *  behind the last page. */
static chy_status do_page(struct chy_cli *cli, const struct chy_given *given,
                          const struct client_list *list, const char *path, json_t *query,
                          json_t *rows, const char **out_cursor)
{
    CHY_AUTO(client_fini) struct chy_cli page;
    json_t *answer = NULL;
    if (!client_init(&page, cli->path)) {
        return chy_fail_memory(cli->op);
    }
    if (ask_page(&page, given, list, path, query, rows, &answer) != CHY_OK) {
        return client_fail_like(cli, &page);
    }
    const char *cursor = json_string_value(json_object_get(answer, "cursor"));
    *out_cursor = cursor == NULL ? NULL : client_text(cli, "%s", cursor);
    return cursor != NULL && *out_cursor == NULL ? chy_fail_memory(cli->op) : CHY_OK;
}

static chy_status print_pages(struct chy_cli *cli, const struct chy_given *given,
                              const struct client_list *list, const char *path, json_t *query)
{
    json_t *rows = json_array();
    const char *cursor = NULL;
    struct client_trail trail = {0};
    bool takes_all = list->has_pages && chy_given_flag(given, list->page + CLIENT_PAGE_ALL);
    CHY_TRY(client_own(cli, rows));
    do {
        CHY_TRY(do_page(cli, given, list, path, query, rows, &cursor));
        if (takes_all && cursor != NULL) {
            CHY_TRY(client_trail_go(cli, &trail, cursor));
            CHY_TRY(client_json_set(cli, query, "cursor", json_string(cursor)));
        }
    } while (takes_all && cursor != NULL);
    if (chy_given_flag(given, CLIENT_JSON)) {
        return CHY_OK;
    }
    CHY_TRY(client_table_write(cli, stdout, list->columns, list->column_count, rows,
                               client_table_width()));
    if (cursor != NULL) {
        (void)fflush(stdout);
        (void)fprintf(stderr, "There is more: --cursor %s, or --all.\n", client_clean(cli, cursor));
    }
    return CHY_OK;
}

/** What all lists with pages are asked with. */
static chy_status add_page(struct chy_cli *cli, const struct chy_given *given,
                           const struct client_list *list, json_t *query)
{
    int64_t limit = 0;
    const char *cursor = chy_given_text(given, list->page + CLIENT_PAGE_CURSOR);
    const char *text = chy_given_text(given, list->page + CLIENT_PAGE_LIMIT);
    if (!chy_slice_parse_i64(chy_text(text), 1, 100, &limit)) {
        return client_fail(cli, CHY_EXIT_USAGE, "--limit: expected a number from 1 to 100");
    }
    CHY_TRY(client_json_set(cli, query, "limit", json_integer(limit)));
    return cursor == NULL ? CHY_OK : client_json_set(cli, query, "cursor", json_string(cursor));
}

chy_status client_print_list(struct chy_cli *cli, const struct chy_given *given,
                             const struct client_list *list)
{
    struct client_session session;
    const char *project = NULL;
    const char *path = list->path;
    json_t *query = json_object();
    CHY_TRY(client_own(cli, query));
    if (list->has_pages) {
        CHY_TRY(add_page(cli, given, list, query)); // before anything is asked of a server
    }
    CHY_TRY(client_session_of(cli, given, &session));
    CHY_TRY(client_project_id(cli, &session, &project));
    if (list->path_after != NULL) {
        path = client_path(cli, list->path, project, list->path_after);
    } else {
        CHY_TRY(client_json_set(cli, query, "projectId", json_string(project)));
    }
    if (list->narrow != NULL) {
        CHY_TRY(list->narrow(cli, given, &session, query));
    }
    return print_pages(cli, given, list, path, query);
}
