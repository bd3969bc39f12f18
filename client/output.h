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

/** One page of a list, and how to ask for the next. */
struct client_list {
    const char *method; /**< "GET": the members of `query` in the path; "POST": as the body */
    const char *path;
    json_t *query;
    const char *member; /**< of the answer, with the rows; NULL: the answer is the list */
    const struct client_column *columns;
    size_t column_count;
    bool takes_all;
};

/** client_list_limit reads the argument that says how many rows a page has. */
CHY_MUST_USE chy_status client_list_limit(struct chy_cli *cli, const struct chy_given *given,
                                          size_t argument, int64_t *out_limit);

/** client_print_list writes a list; where more follows, standard error says how to go on. */
CHY_MUST_USE chy_status client_print_list(struct chy_cli *cli, const struct chy_given *given,
                                          struct client_session *session,
                                          const struct client_list *list);

#endif
