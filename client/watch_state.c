#include "client/watch_state.h"

#include "base/file.h"
#include "client/document.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define STATE_MAX ((size_t)8 << 20)

static chy_status take_lock(struct chy_cli *cli, const char *path, int *out_lock)
{
    const char *name = client_text(cli, "%s.lock", path);
    if (name == NULL) {
        return chy_fail_memory(cli->op);
    }
    int lock = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (lock < 0) {
        return client_fail(cli, CLIENT_EXIT_LOCAL, "cannot open '%s': %s", name, strerror(errno));
    }
    if (flock(lock, LOCK_EX | LOCK_NB) != 0) {
        (void)close(lock);
        return client_fail(cli, CLIENT_EXIT_LOCAL,
                           "another 'chancery watch' works with '%s' already", path);
    }
    *out_lock = lock;
    return CHY_OK;
}

static chy_status read_state(struct chy_cli *cli, struct client_state_file *state)
{
    struct chy_slice text;
    json_t *json = NULL;
    if (access(state->path, F_OK) != 0 && errno == ENOENT) {
        state->root = json_object();
        return state->root == NULL ? chy_fail_memory(cli->op) : CHY_OK;
    }
    CHY_TRY(chy_file_read(cli->op, state->path, STATE_MAX, &text));
    CHY_TRY(client_json_parse(cli, state->path, text, &json));
    if (!json_is_object(json)) {
        return client_fail(cli, CLIENT_EXIT_LOCAL, "'%s' is no state of 'chancery watch'",
                           state->path);
    }
    state->root = json_incref(json);
    return CHY_OK;
}

chy_status client_state_open(struct chy_cli *cli, const char *path,
                             struct client_state_file *out_state)
{
    struct client_state_file state = {.path = path, .lock = -1};
    CHY_TRY(take_lock(cli, path, &state.lock));
    chy_status status = read_state(cli, &state);
    if (status != CHY_OK) {
        client_state_close(&state);
        return status;
    }
    *out_state = state;
    return CHY_OK;
}

void client_state_close(struct client_state_file *state)
{
    json_decref(state->root);
    if (state->path != NULL && state->lock >= 0) {
        (void)close(state->lock);
    }
}

json_t *client_state_of(struct client_state_file *state, const char *name)
{
    json_t *entry = json_object_get(state->root, name);
    if (json_is_object(entry)) {
        return entry;
    }
    entry = json_object();
    return json_object_set_new(state->root, name, entry) == 0 ? entry : NULL;
}

chy_status client_state_set(struct chy_cli *cli, json_t *entry, const char *member,
                            const char *text)
{
    if (text == NULL) {
        (void)json_object_del(entry, member);
        return CHY_OK;
    }
    return json_object_set_new(entry, member, json_string(text)) == 0 ? CHY_OK
                                                                      : chy_fail_memory(cli->op);
}

chy_status client_state_save(struct chy_cli *cli, const struct client_state_file *state)
{
    const char *text = NULL;
    CHY_TRY(client_json_text(cli, state->root, &text));
    return chy_file_write(cli->op, state->path, chy_text(text), 0600);
}

const char *client_state_text(const json_t *entry, const char *member)
{
    return json_string_value(json_object_get(entry, member));
}
