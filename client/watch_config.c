#include "client/watch_config.h"

#include "base/slice.h"
#include "base/time.h"
#include "client/document.h"
#include "client/san.h"
#include "config/problems.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#define CHECK_EVERY (60 * CHY_US_PER_SECOND)
#define CHECK_EVERY_MIN (1 * CHY_US_PER_SECOND)
#define HOOK_TIMEOUT (30 * CHY_US_PER_SECOND)
/** At least as many as the longest list below has. */
#define WORDS_MAX 16U
#define HOOK_TIMEOUT_MAX (60 * CHY_US_PER_MINUTE)

static const char *const top_words[] = {"context",     "project",      "state",
                                        "check_every", "certificates", NULL};
static const char *const entry_words[] = {
    "name",         "profile",       "common_name", "names",        "ttl",
    "files",        "key_algorithm", "attributes",  "renew_before", "hook",
    "hook_timeout", "application",   NULL};
static const char *const file_words[] = {"key", "certificate", "chain", "fullchain", NULL};

/** Where in the document something stands: "certificates[2].files". */
struct place {
    struct chy_cli *cli;
    const char *file;
    char path[160];
};

static chy_status refuse(const struct place *place, const char *word, const char *expected)
{
    return client_fail(place->cli, CHY_EXIT_USAGE, "%s: %s%s%.60s: %s", place->file, place->path,
                       place->path[0] == '\0' ? "" : ".", word, expected);
}

/** refuse_word says what was meant perhaps, or else what there is. */
static chy_status refuse_word(const struct place *place, const char *word, const char *const *words,
                              size_t count)
{
    char expected[256] = "nobody knows this word; did you mean '";
    struct chy_slice known[WORDS_MAX];
    for (size_t i = 0; i < count; i++) {
        known[i] = chy_text(words[i]);
    }
    struct chy_slice near = chy_nearest_name(chy_text(word), known, count);
    if (near.len != 0) {
        size_t len = strlen(expected);
        (void)snprintf(expected + len, sizeof expected - len, "%.*s'?", (int)near.len,
                       (const char *)near.ptr);
        return refuse(place, word, expected);
    }
    (void)snprintf(expected, sizeof expected, "nobody knows this word; there are:");
    for (size_t i = 0; i < count; i++) {
        size_t len = strlen(expected);
        (void)snprintf(expected + len, sizeof expected - len, "%s %s", i == 0 ? "" : ",", words[i]);
    }
    return refuse(place, word, expected);
}

static chy_status check_words(const struct place *place, const json_t *map,
                              const char *const *words)
{
    const char *name = NULL;
    json_t *ignored = NULL;
    json_object_foreach((json_t *)(uintptr_t)map, name, ignored)
    {
        size_t i = 0;
        while (words[i] != NULL && strcmp(words[i], name) != 0) {
            i++;
        }
        if (words[i] == NULL) {
            return refuse_word(place, client_clean(place->cli, name), words, i);
        }
    }
    return CHY_OK;
}

static chy_status read_text(const struct place *place, const json_t *map, const char *word,
                            bool is_required, const char **out_text)
{
    const json_t *value = json_object_get(map, word);
    const char *text = json_string_value(value);
    *out_text = text;
    if ((value != NULL && text == NULL) || (text != NULL && *text == '\0')) {
        return refuse(place, word, "expected text");
    }
    return value == NULL && is_required ? refuse(place, word, "is missing") : CHY_OK;
}

static chy_status read_path(const struct place *place, const json_t *map, const char *word,
                            const char **out_path)
{
    CHY_TRY(read_text(place, map, word, false, out_path));
    return *out_path == NULL || **out_path == '/'
               ? CHY_OK
               : refuse(place, word, "expected an absolute path, which begins with '/'");
}

static chy_status read_duration(const struct place *place, const json_t *map, const char *word,
                                int64_t *duration)
{
    const char *text = NULL;
    CHY_TRY(read_text(place, map, word, false, &text));
    if (text != NULL && (!chy_duration_parse_config(chy_text(text), duration) || *duration == 0)) {
        return refuse(place, word, "expected a duration such as 30s, 5m, 12h or 10d");
    }
    return CHY_OK;
}

/* --- one certificate -------------------------------------------------------------------------- */

static chy_status read_files(struct place *place, const json_t *map, struct client_files *files)
{
    const json_t *paths = json_object_get(map, "files");
    if (!json_is_object(paths)) {
        return refuse(place, "files", "expected key, certificate, chain or fullchain");
    }
    size_t len = strlen(place->path);
    (void)snprintf(place->path + len, sizeof place->path - len, ".files");
    CHY_TRY(check_words(place, paths, file_words));
    CHY_TRY(read_path(place, paths, "key", &files->key));
    CHY_TRY(read_path(place, paths, "certificate", &files->certificate));
    CHY_TRY(read_path(place, paths, "chain", &files->chain));
    CHY_TRY(read_path(place, paths, "fullchain", &files->fullchain));
    files->force = true; // its own files, again and again
    if (files->key == NULL || (files->certificate == NULL && files->fullchain == NULL)) {
        return refuse(place, "key", "expected a key, and certificate or fullchain");
    }
    place->path[len] = '\0';
    return CHY_OK;
}

static chy_status read_hook(const struct place *place, const json_t *map,
                            struct client_watch_entry *entry)
{
    const json_t *hook = json_object_get(map, "hook");
    size_t count = json_array_size(hook);
    if (hook == NULL) {
        return CHY_OK;
    }
    const char *first = json_string_value(json_array_get(hook, 0));
    if (count == 0 || count > CLIENT_HOOK_WORDS_MAX || first == NULL || *first != '/') {
        return refuse(place, "hook",
                      "expected a list: an absolute path and its arguments. No shell reads it; who "
                      "wants one writes [/bin/sh, -c, …]");
    }
    const char **words = chy_alloc(place->cli->op, (count + 1) * sizeof *words);
    if (words == NULL) {
        return chy_fail_memory(place->cli->op);
    }
    for (size_t i = 0; i < count; i++) {
        words[i] = json_string_value(json_array_get(hook, i));
        if (words[i] == NULL) {
            return refuse(place, "hook", "expected text in every place: put numbers in quotes");
        }
    }
    entry->hook = words;
    return CHY_OK;
}

static chy_status set_text(const struct place *place, json_t *attributes, const char *member,
                           const char *text)
{
    if (text == NULL) {
        return CHY_OK;
    }
    return json_object_set_new(attributes, member, json_string(text)) == 0
               ? CHY_OK
               : chy_fail_memory(place->cli->op);
}

static chy_status read_names(const struct place *place, const json_t *map, json_t *attributes)
{
    const json_t *names = json_object_get(map, "names");
    size_t index = 0;
    const json_t *name = NULL;
    if (names == NULL) {
        return CHY_OK;
    }
    json_t *list = json_array();
    if (json_object_set_new(attributes, "altNames", list) != 0) {
        return chy_fail_memory(place->cli->op);
    }
    if (!json_is_array(names)) {
        return refuse(place, "names", "expected a list of names");
    }
    json_array_foreach(names, index, name)
    {
        if (!json_is_string(name)) {
            return refuse(place, "names", "expected a list of names");
        }
        CHY_TRY(client_san_add(place->cli, list, json_string_value(name)));
    }
    return CHY_OK;
}

static chy_status read_attributes(const struct place *place, const json_t *map,
                                  struct client_watch_entry *entry)
{
    const char *texts[3] = {NULL};
    const json_t *given = json_object_get(map, "attributes");
    if (given != NULL && !json_is_object(given)) {
        return refuse(place, "attributes",
                      "expected members and their values, as the API has them");
    }
    json_t *attributes = given == NULL ? json_object() : json_deep_copy(given);
    CHY_TRY(client_own(place->cli, attributes));
    CHY_TRY(read_text(place, map, "common_name", false, &texts[0]));
    CHY_TRY(read_text(place, map, "ttl", false, &texts[1]));
    CHY_TRY(read_text(place, map, "key_algorithm", false, &texts[2]));
    CHY_TRY(set_text(place, attributes, "commonName", texts[0]));
    CHY_TRY(set_text(place, attributes, "ttl", texts[1]));
    CHY_TRY(set_text(place, attributes, "keyAlgorithm", texts[2]));
    CHY_TRY(read_names(place, map, attributes));
    json_t *spec = json_pack("{s:s, s:s*, s:O}", "profile", entry->profile, "application",
                             entry->application, "attributes", attributes);
    CHY_TRY(client_own(place->cli, spec));
    entry->attributes = attributes;
    return client_json_text(place->cli, spec, &entry->spec);
}

static chy_status read_entry(struct place *place, const json_t *map,
                             struct client_watch_entry *entry)
{
    if (!json_is_object(map)) {
        return refuse(place, "", "expected name, profile, files and more");
    }
    CHY_TRY(check_words(place, map, entry_words));
    CHY_TRY(read_text(place, map, "name", true, &entry->name));
    CHY_TRY(read_text(place, map, "profile", true, &entry->profile));
    CHY_TRY(read_text(place, map, "application", false, &entry->application));
    CHY_TRY(read_files(place, map, &entry->files));
    CHY_TRY(read_attributes(place, map, entry));
    CHY_TRY(read_duration(place, map, "renew_before", &entry->renew_before));
    CHY_TRY(read_hook(place, map, entry));
    entry->hook_timeout = HOOK_TIMEOUT;
    CHY_TRY(read_duration(place, map, "hook_timeout", &entry->hook_timeout));
    return entry->hook_timeout <= HOOK_TIMEOUT_MAX ? CHY_OK
                                                   : refuse(place, "hook_timeout", "at most 60m");
}

/* --- all of it -------------------------------------------------------------------------------- */

/** Two entries with one name would share a state, with one file they would undo one another. */
static chy_status check_alone(const struct place *place, const struct client_watch_entry *entries,
                              size_t count)
{
    const struct client_watch_entry *last = &entries[count];
    for (size_t i = 0; i < count; i++) {
        const struct client_watch_entry *one = &entries[i];
        if (strcmp(one->name, last->name) == 0) {
            return refuse(place, "name", "another one has this name");
        }
        if (strcmp(one->files.key, last->files.key) == 0) {
            return refuse(place, "files.key", "another one writes this file");
        }
    }
    return CHY_OK;
}

static chy_status read_entries(struct place *place, const json_t *document,
                               struct client_watch_config *config)
{
    const json_t *list = json_object_get(document, "certificates");
    size_t count = json_array_size(list);
    if (count == 0 || count > CLIENT_WATCH_ENTRIES_MAX) {
        return refuse(place, "certificates", "expected a list of 1 to 1000 certificates");
    }
    struct client_watch_entry *entries = chy_alloc(place->cli->op, count * sizeof *entries);
    if (entries == NULL) {
        return chy_fail_memory(place->cli->op);
    }
    for (size_t i = 0; i < count; i++) {
        (void)snprintf(place->path, sizeof place->path, "certificates[%zu]", i);
        CHY_TRY(read_entry(place, json_array_get(list, i), &entries[i]));
        CHY_TRY(check_alone(place, entries, i));
    }
    config->entries = entries;
    config->entry_count = count;
    return CHY_OK;
}

chy_status client_watch_config_read(struct chy_cli *cli, const char *path,
                                    struct client_watch_config *out_config)
{
    struct place place = {.cli = cli, .file = path};
    struct client_watch_config config = {.check_every = CHECK_EVERY};
    char whole[PATH_MAX];
    json_t *document = NULL;
    CHY_TRY(client_document_read(cli, path, &document));
    CHY_TRY(check_words(&place, document, top_words));
    CHY_TRY(read_text(&place, document, "context", false, &config.context));
    CHY_TRY(read_text(&place, document, "project", false, &config.project));
    CHY_TRY(read_path(&place, document, "state", &config.state));
    CHY_TRY(read_duration(&place, document, "check_every", &config.check_every));
    if (config.check_every < CHECK_EVERY_MIN) {
        return refuse(&place, "check_every", "a second at least");
    }
    CHY_TRY(read_entries(&place, document, &config));
    if (config.state == NULL) {
        if (realpath(path, whole) == NULL) {
            return client_fail(cli, CHY_EXIT_USAGE, "%s: state: is missing", path);
        }
        config.state = client_text(cli, "%s.state", whole);
    }
    *out_config = config;
    return config.state == NULL ? chy_fail_memory(cli->op) : CHY_OK;
}
