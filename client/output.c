#include "client/output.h"

#include "base/buf.h"
#include "base/slice.h"

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

/** `path?a=b&c=d`, of members that are text or numbers. */
static const char *with_query(struct chy_cli *cli, const char *path, const json_t *query)
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

static chy_status ask_page(struct chy_cli *cli, struct client_session *session,
                           const struct client_list *list, struct client_answer *out_answer)
{
    if (strcmp(list->method, "POST") == 0) {
        return client_call(cli, session, "POST", list->path, list->query, out_answer);
    }
    const char *path = with_query(cli, list->path, list->query);
    return path == NULL ? chy_fail_memory(cli->op)
                        : client_call(cli, session, "GET", path, NULL, out_answer);
}

static chy_status print_page(struct chy_cli *cli, const struct chy_given *given,
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
    return json_array_extend(rows, (json_t *)(uintptr_t)page) == 0 ? CHY_OK
                                                                   : chy_fail_memory(cli->op);
}

chy_status client_list_limit(struct chy_cli *cli, const struct chy_given *given, size_t argument,
                             int64_t *out_limit)
{
    return chy_slice_parse_i64(chy_text(chy_given_text(given, argument)), 1, 100, out_limit)
               ? CHY_OK
               : client_fail(cli, CHY_EXIT_USAGE, "--limit: expected a number from 1 to 100");
}

chy_status client_print_list(struct chy_cli *cli, const struct chy_given *given,
                             struct client_session *session, const struct client_list *list)
{
    json_t *rows = json_array();
    const char *cursor = NULL;
    CHY_TRY(client_own(cli, rows));
    do {
        struct client_answer answer;
        CHY_TRY(ask_page(cli, session, list, &answer));
        CHY_TRY(print_page(cli, given, list, &answer, rows));
        cursor = json_string_value(json_object_get(answer.json, "cursor"));
        if (list->takes_all && cursor != NULL &&
            json_object_set_new(list->query, "cursor", json_string(cursor)) != 0) {
            return chy_fail_memory(cli->op);
        }
    } while (list->takes_all && cursor != NULL);
    if (!chy_given_flag(given, CLIENT_JSON)) {
        CHY_TRY(client_table_write(cli, stdout, list->columns, list->column_count, rows,
                                   client_table_width()));
        if (cursor != NULL) {
            (void)fflush(stdout);
            (void)fprintf(stderr, "There is more: --cursor %s, or --all.\n",
                          client_clean(cli, cursor));
        }
    }
    return CHY_OK;
}
