/** What commands print: the server's JSON as it is, or text for people. */
#ifndef CLIENT_OUTPUT_H
#define CLIENT_OUTPUT_H

#include "client/http.h"
#include "client/table.h"

/** client_print_raw writes an answer as the server sent it, and a newline. */
CHY_MUST_USE chy_status client_print_raw(struct chy_cli *cli, const struct client_answer *answer);

/** client_print_object writes an answer's `member` (NULL: all of it) for people, or all of it as it
 *  is with --json. */
CHY_MUST_USE chy_status client_print_object(struct chy_cli *cli, const struct chy_given *given,
                                            const struct client_answer *answer, const char *member);

/** client_with_query is `path?a=b&c=d`, of members that are text or numbers; NULL: no memory. */
const char *client_with_query(struct chy_cli *cli, const char *path, const json_t *query);

/** The arguments of a list that has pages: the last of a command's. */
#define CLIENT_PAGE_ARGUMENTS(limit)                             \
    {"limit", "N", "how many at once, up to 100", limit, false}, \
        {"cursor", "TEXT", "go on from there", NULL, false},     \
    {                                                            \
        "all", NULL, "page after page, to the end", NULL, false  \
    }
enum {
    CLIENT_PAGE_LIMIT = 0,
    CLIENT_PAGE_CURSOR = 1,
    CLIENT_PAGE_ALL = 2
};

/** A list that a command prints: how it is asked for, and what is shown of it. */
struct client_list {
    const char *method; /**< "GET": what narrows it stands in the path; "POST": in the body */
    const char *path;
    const char *path_after; /**< NULL, or what follows the project's id in the path */
    bool has_pages;
    size_t page;        /**< where the CLIENT_PAGE_ARGUMENTS begin, if it has pages */
    const char *member; /**< of the answer, with the rows; NULL: the answer is the list */
    const struct client_column *columns;
    size_t column_count;
    /** Adds what the command line narrows the list by.  NULL: nothing does. */
    chy_status (*narrow)(struct chy_cli *cli, const struct chy_given *given,
                         struct client_session *session, json_t *query);
};

/** client_print_list writes a list of the session's project; where more follows, standard error
 *  says how to go on. */
CHY_MUST_USE chy_status client_print_list(struct chy_cli *cli, const struct chy_given *given,
                                          const struct client_list *list);

#endif
