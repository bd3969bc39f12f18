#include "client/wait.h"

#include "base/slice.h"
#include "base/time.h"
#include "client/http.h"

#include <stdio.h>
#include <time.h>

#define FIRST_PAUSE_S 1
#define LONGEST_PAUSE_S 15

enum client_state client_state_word(const char *status)
{
    static const struct {
        const char *word;
        enum client_state state;
    } words[] = {
        {"issued", CLIENT_STATE_ISSUED},      {"failed", CLIENT_STATE_OVER},
        {"expired", CLIENT_STATE_OVER},       {"rejected", CLIENT_STATE_REJECTED},
        {"cancelled", CLIENT_STATE_REJECTED}, {"pending_approval", CLIENT_STATE_APPROVAL},
    };
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strcmp(status, words[i].word) == 0) {
            return words[i].state;
        }
    }
    return CLIENT_STATE_WAITING; // pending, and what later servers wait for
}

chy_status client_request_look(struct chy_cli *cli, struct client_session *session,
                               const char *request_id, enum client_state *out_state,
                               struct client_bundle *out_bundle)
{
    struct client_answer answer;
    const char *path = client_path(cli, CLIENT_REQUESTS, request_id, "?statuses=full");
    CHY_TRY(client_call(cli, session, "GET", path, NULL, &answer));
    const char *status = json_string_value(json_object_get(answer.json, "status"));
    const char *reason = json_string_value(json_object_get(answer.json, "errorMessage"));
    *out_state = CLIENT_STATE_WAITING;
    if (status == NULL) {
        return client_fail(cli, CLIENT_EXIT_UNREACHABLE, "the server's answer has no status");
    }
    *out_state = client_state_word(status);
    if (*out_state == CLIENT_STATE_OVER || *out_state == CLIENT_STATE_REJECTED) {
        return client_fail(cli, CLIENT_EXIT_REFUSED, "the request %s is %s: %s",
                           client_clean(cli, request_id), status,
                           reason == NULL ? "no reason is told" : client_clean(cli, reason));
    }
    if (*out_state == CLIENT_STATE_ISSUED && !client_bundle_of(answer.json, out_bundle)) {
        *out_state = CLIENT_STATE_WAITING;
        return client_fail(cli, CLIENT_EXIT_UNREACHABLE,
                           "the server says 'issued' and gives no certificate");
    }
    return CHY_OK;
}

chy_status client_fail_pending(struct chy_cli *cli, const char *request_id, enum client_state state)
{
    return client_fail(cli, CLIENT_EXIT_PENDING,
                       "the certificate is not there yet%s: 'chancery request show %s' tells what "
                       "became of it, and the certificateId that 'chancery export' takes",
                       state == CLIENT_STATE_APPROVAL ? ", the request waits for approval" : "",
                       client_clean(cli, request_id));
}

chy_status client_wait(struct chy_cli *cli, struct client_session *session, const char *request_id,
                       int64_t patience, struct client_bundle *out_bundle)
{
    enum client_state state = CLIENT_STATE_WAITING;
    int64_t end = chy_clock_monotonic(chy_clock_real()) + patience;
    struct timespec pause = {.tv_sec = FIRST_PAUSE_S};
    for (;;) {
        CHY_TRY(client_request_look(cli, session, request_id, &state, out_bundle));
        if (state == CLIENT_STATE_ISSUED) {
            return CHY_OK;
        }
        int64_t left = end - chy_clock_monotonic(chy_clock_real());
        if (left <= 0) {
            return client_fail_pending(cli, request_id, state);
        }
        if (left < pause.tv_sec * CHY_US_PER_SECOND) {
            pause.tv_sec = (time_t)(left / CHY_US_PER_SECOND) + 1;
        }
        (void)nanosleep(&pause, NULL);
        pause.tv_sec = pause.tv_sec * 2 > LONGEST_PAUSE_S ? LONGEST_PAUSE_S : pause.tv_sec * 2;
    }
}
