#include "client/watch_turn.h"

#include "base/time.h"
#include "client/hook.h"
#include "client/http.h"
#include "client/objects.h"
#include "client/wait.h"

#include <unistd.h>

#define CERTIFICATES "/api/v1/cert-manager/certificates"

// Members of the state.
#define SPEC "spec"
#define ID "certificateId"
#define SERIAL "serialNumber"
#define NOT_BEFORE "notBefore"
#define NOT_AFTER "notAfter"
#define REQUEST "requestId"
#define REQUEST_SPEC "requestSpec"
#define INSTALLED "installed"
#define HOOK "hook"

struct turn {
    struct chy_cli *cli;
    struct client_session session;
    const struct client_watch_entry *entry;
    struct client_state_file *file;
    json_t *state;
};

static const char *get(const struct turn *t, const char *member)
{
    return client_state_text(t->state, member);
}

static bool is(const struct turn *t, const char *member, const char *text)
{
    const char *found = get(t, member);
    return found != NULL && strcmp(found, text) == 0;
}

static chy_status set(struct turn *t, const char *member, const char *text)
{
    return client_state_set(t->cli, t->state, member, text);
}

static chy_status save(struct turn *t)
{
    return client_state_save(t->cli, t->file);
}

static bool is_text(const json_t *certificate, const char *member, const char *text)
{
    const char *found = json_string_value(json_object_get(certificate, member));
    return found != NULL && strcmp(found, text) == 0;
}

static void say(struct turn *t, const char *event, const char *what, const char *id)
{
    chy_log_say(&t->cli->log, CHY_LOG_INFO, event, "%s: %s %s",
                client_clean(t->cli, t->entry->name), what,
                id == NULL ? "" : client_clean(t->cli, id));
}

/* --- files ------------------------------------------------------------------------------------ */

static bool is_missing(const char *path)
{
    return path != NULL && access(path, F_OK) != 0;
}

static bool lacks_files(const struct turn *t)
{
    const struct client_files *files = &t->entry->files;
    return is_missing(files->key) || is_missing(files->certificate) || is_missing(files->chain) ||
           is_missing(files->fullchain);
}

static chy_status write_files(struct turn *t, const struct client_bundle *bundle)
{
    CHY_TRY(client_files_write(t->cli, &t->entry->files, bundle));
    CHY_TRY(set(t, INSTALLED, "yes"));
    CHY_TRY(save(t));
    say(t, "watch.written", "wrote the files of certificate", get(t, ID));
    return CHY_OK;
}

/** Remembers whose files are to be written before it writes the first: what stops in between is
 *  taken up again. */
static chy_status install(struct turn *t, const struct client_bundle *bundle)
{
    CHY_TRY(set(t, SPEC, t->entry->spec));
    CHY_TRY(set(t, ID, bundle->id));
    CHY_TRY(set(t, SERIAL, bundle->serial));
    CHY_TRY(set(t, NOT_BEFORE, NULL));
    CHY_TRY(set(t, NOT_AFTER, NULL));
    CHY_TRY(set(t, INSTALLED, "no"));
    CHY_TRY(set(t, HOOK, t->entry->hook == NULL ? NULL : CLIENT_HOOK_DUE));
    CHY_TRY(save(t));
    return write_files(t, bundle);
}

/** Installs what was asked for: no request is under way any more. */
static chy_status keep(struct turn *t, const struct client_bundle *bundle)
{
    CHY_TRY(set(t, REQUEST, NULL));
    CHY_TRY(set(t, REQUEST_SPEC, NULL));
    return install(t, bundle);
}

static chy_status fetch_bundle(struct turn *t, const char *id, struct client_bundle *out_bundle)
{
    struct client_answer answer;
    CHY_TRY(client_call(t->cli, &t->session, "GET",
                        client_path(t->cli, CERTIFICATES "/", id, "/bundle"), NULL, &answer));
    if (!client_bundle_of(answer.json, out_bundle)) {
        return client_fail(t->cli, CLIENT_EXIT_UNREACHABLE,
                           "the server's answer has no certificate");
    }
    out_bundle->id = client_text(t->cli, "%s", id); // which may be the state's, that changes
    return out_bundle->id == NULL ? chy_fail_memory(t->cli->op) : CHY_OK;
}

/* --- asking ----------------------------------------------------------------------------------- */

/** What the server did otherwise than it was asked. */
static void say_adjustments(struct turn *t, const json_t *answer)
{
    size_t index = 0;
    const json_t *note = NULL;
    json_array_foreach(json_object_get(answer, "adjustments"), index, note)
    {
        if (json_is_string(note)) {
            chy_log_say(&t->cli->log, CHY_LOG_WARNING, "watch.note", "%s: %s",
                        client_clean(t->cli, t->entry->name),
                        client_clean(t->cli, json_string_value(note)));
        }
    }
}

/** Keeps what an answer brought, or the request that is to be looked at again. */
static chy_status take(struct turn *t, const json_t *answer)
{
    struct client_bundle bundle;
    const json_t *certificate = json_object_get(answer, "certificate");
    say_adjustments(t, answer);
    if (client_bundle_of(json_is_object(certificate) ? certificate : answer, &bundle) &&
        bundle.id != NULL) {
        return keep(t, &bundle);
    }
    const char *request = json_string_value(json_object_get(answer, "certificateRequestId"));
    if (request == NULL) {
        return client_fail(t->cli, CLIENT_EXIT_UNREACHABLE,
                           "the server's answer has neither a certificate nor a request");
    }
    CHY_TRY(set(t, REQUEST, request));
    CHY_TRY(set(t, REQUEST_SPEC, t->entry->spec));
    bool is_asked = is_text(answer, "status", "pending_approval");
    say(t, "watch.waiting",
        is_asked ? "waits for somebody to approve request" : "waits for request", request);
    return save(t);
}

static chy_status issue(struct turn *t)
{
    struct client_answer answer;
    json_t *body = json_pack("{s:O}", "attributes", t->entry->attributes);
    CHY_TRY(client_own(t->cli, body));
    CHY_TRY(
        client_issue_under(t->cli, &t->session, t->entry->application, t->entry->profile, body));
    CHY_TRY(save(t)); // a state that cannot be written would issue again and again
    CHY_TRY(client_call(t->cli, &t->session, "POST", CERTIFICATES, body, &answer));
    return take(t, answer.json);
}

/** A request under way: is its certificate there? */
static chy_status look(struct turn *t)
{
    struct client_bundle bundle;
    enum client_state state = CLIENT_STATE_WAITING;
    if (!is(t, REQUEST_SPEC, t->entry->spec)) {
        CHY_TRY(set(t, REQUEST, NULL)); // something else is wanted by now
        return save(t);
    }
    chy_status status = client_request_look(t->cli, &t->session, get(t, REQUEST), &state, &bundle);
    // Who rejected it is not asked again until the configuration says something else.
    if (state == CLIENT_STATE_OVER) {
        CHY_TRY(set(t, REQUEST, NULL));
        CHY_TRY(save(t));
    }
    CHY_TRY(status);
    return state == CLIENT_STATE_ISSUED ? keep(t, &bundle) : CHY_OK;
}

/* --- renewing --------------------------------------------------------------------------------- */

/** Somebody renewed it already: the server itself, or we, and were stopped before we knew. */
static chy_status follow(struct turn *t, const char *successor)
{
    struct client_bundle bundle;
    CHY_TRY(fetch_bundle(t, successor, &bundle));
    return bundle.key == NULL ? issue(t) : keep(t, &bundle);
}

static chy_status renew(struct turn *t)
{
    struct client_answer answer;
    json_t *body = json_object();
    CHY_TRY(client_own(t->cli, body));
    chy_status status =
        client_call(t->cli, &t->session, "GET",
                    client_path(t->cli, CERTIFICATES "/", get(t, ID), ""), NULL, &answer);
    if (status != CHY_OK && t->cli->refusal.status == 404) {
        return issue(t);
    }
    CHY_TRY(status);
    const json_t *certificate = json_object_get(answer.json, "certificate");
    const char *next = json_string_value(json_object_get(certificate, "renewedByCertificateId"));
    const char *last =
        json_string_value(json_object_get(certificate, "latestRenewalCertificateId"));
    if (next != NULL) {
        return follow(t, last != NULL ? last : next);
    }
    if (!is_text(certificate, "status", "active")) {
        return issue(t); // expired or revoked: it is not renewed any more
    }
    CHY_TRY(save(t));
    CHY_TRY(client_call(t->cli, &t->session, "POST",
                        client_path(t->cli, CERTIFICATES "/", get(t, ID), "/renew"), body,
                        &answer));
    return take(t, answer.json);
}

static bool is_due(const struct turn *t)
{
    int64_t start = 0;
    int64_t end = 0;
    const char *not_before = get(t, NOT_BEFORE);
    const char *not_after = get(t, NOT_AFTER);
    if (not_before == NULL || not_after == NULL || !chy_time_parse(chy_text(not_before), &start) ||
        !chy_time_parse(chy_text(not_after), &end) || start >= end) {
        return false;
    }
    // Where a certificate ends with its CA, its successor does too: it would be due at once.
    int64_t before = t->entry->renew_before;
    if (before == 0 || before > (end - start) / 5 * 4) {
        before = (end - start) / 3;
    }
    return chy_now(t->cli->op) >= end - before;
}

/* --- the turn --------------------------------------------------------------------------------- */

static chy_status learn_dates(struct turn *t)
{
    struct client_answer answer;
    CHY_TRY(client_call(t->cli, &t->session, "GET",
                        client_path(t->cli, CERTIFICATES "/", get(t, ID), ""), NULL, &answer));
    const json_t *certificate = json_object_get(answer.json, "certificate");
    CHY_TRY(set(t, NOT_BEFORE, json_string_value(json_object_get(certificate, NOT_BEFORE))));
    CHY_TRY(set(t, NOT_AFTER, json_string_value(json_object_get(certificate, NOT_AFTER))));
    if (get(t, NOT_AFTER) == NULL) {
        return client_fail(t->cli, CLIENT_EXIT_UNREACHABLE,
                           "the server does not tell when the certificate ends");
    }
    return save(t);
}

/** What a turn that was stopped left undone, or somebody deleted. */
static chy_status repair_files(struct turn *t, bool waits)
{
    struct client_bundle bundle;
    CHY_TRY(fetch_bundle(t, get(t, ID), &bundle));
    if (bundle.key == NULL) {
        return waits ? CHY_OK : issue(t);
    }
    return waits ? install(t, &bundle) : keep(t, &bundle);
}

static chy_status run_hook(struct turn *t)
{
    CHY_TRY(set(t, HOOK, CLIENT_HOOK_STARTED));
    CHY_TRY(save(t));
    chy_status outcome = client_hook_run(t->cli, t->entry);
    if (outcome == CHY_OK) {
        say(t, "watch.hook", "ran the hook for certificate", get(t, ID));
    } else {
        // It is not run again: what half ran may do harm when it runs twice.
        chy_log_say(&t->cli->log, CHY_LOG_ERROR, "watch.hook-failed", "%s: %s",
                    client_clean(t->cli, t->entry->name), client_failure_text(t->cli));
    }
    CHY_TRY(set(t, HOOK, outcome == CHY_OK ? CLIENT_HOOK_DONE : CLIENT_HOOK_FAILED));
    return save(t);
}

static chy_status certify(struct turn *t)
{
    if (get(t, REQUEST) != NULL) {
        CHY_TRY(look(t));
    }
    bool waits = get(t, REQUEST) != NULL; // somebody may have to approve it: the old one serves on
    bool has_one = get(t, ID) != NULL && is(t, SPEC, t->entry->spec);
    if (!waits && !has_one) {
        return issue(t);
    }
    if (!waits && is_due(t)) {
        return renew(t);
    }
    return has_one && (!is(t, INSTALLED, "yes") || lacks_files(t)) ? repair_files(t, waits)
                                                                   : CHY_OK;
}

chy_status client_watch_turn(struct chy_cli *cli, const struct client_watch_config *config,
                             const struct client_watch_entry *entry, struct client_state_file *file)
{
    struct turn t = {.cli = cli, .entry = entry, .file = file};
    t.state = client_state_of(file, entry->name);
    if (t.state == NULL) {
        return chy_fail_memory(cli->op);
    }
    CHY_TRY(client_session_open(cli, config->context, &t.session));
    if (config->project != NULL) {
        t.session.project = config->project;
    }
    chy_status status = certify(&t);
    // Files that are there have their hook, whatever became of anything else.
    if (is(&t, INSTALLED, "yes") &&
        (is(&t, HOOK, CLIENT_HOOK_DUE) || is(&t, HOOK, CLIENT_HOOK_STARTED)) &&
        entry->hook != NULL) {
        const char *why = status == CHY_OK ? NULL : client_failure_text(cli);
        int failure = cli->failure;
        CHY_TRY(run_hook(&t));
        if (why != NULL) {
            return client_fail(cli, failure, "%s", why);
        }
    }
    CHY_TRY(status);
    return get(&t, ID) != NULL && get(&t, NOT_AFTER) == NULL ? learn_dates(&t) : CHY_OK;
}
