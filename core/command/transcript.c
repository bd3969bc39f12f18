#include "command/transcript.h"

#include "base/encode.h"
#include "base/file.h"
#include "base/slice.h"
#include "command/locate.h"
#include "enroll/sign.h"
#include "resource/json.h"
#include "x509/algorithm.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>

#define FORMAT "chancery-ceremony-1"
#define STEP_MAX ((size_t)1 << 20)
#define SIGNATURE_MAX ((size_t)8 << 10) // of ML-DSA-87: 4627 octets
#define NAME_SIZE 24

chy_status chy_transcript_digest(struct chy_runtime *runtime, struct chy_op *op,
                                 struct chy_slice content, struct chy_slice *out_text)
{
    struct chy_slice digest;
    CHY_TRY(chy_crypto_digest(runtime->leaf_crypto, op, CHY_DIGEST_SHA256, content, &digest));
    return chy_hex_text(op, digest, out_text);
}

/** step_path is the path of the file of a step: ending ".json" or ".sig". */
static chy_status step_path(struct chy_op *op, const char *folder, size_t number,
                            const char *ending, const char **out_path)
{
    char name[NAME_SIZE];
    (void)snprintf(name, sizeof name, "%04zu%s", number, ending);
    return chy_path_join(op, folder, name, out_path);
}

static chy_status refuse(struct chy_op *op, const char *path, const char *why)
{
    return chy_fail(op, CHY_BAD_INPUT, 0, "the transcript does not hold: '%s' %s", path, why);
}

/* ------------------------------------------------------------------------------------------------
 * Reading
 */

static chy_status check_signature(struct chy_op *op, const char *folder, size_t number,
                                  const struct chy_issuer *root, struct chy_slice text)
{
    const char *path;
    struct chy_slice signature;
    CHY_TRY(step_path(op, folder, number, ".sig", &path));
    chy_status status = chy_file_read(op, path, SIGNATURE_MAX, &signature);
    if (status == CHY_NOT_FOUND) {
        return refuse(op, path, "is missing");
    }
    CHY_TRY(status);
    status = chy_crypto_verify(&root->public_key, op, chy_signature_default(root->key_algorithm),
                               text, signature);
    return status == CHY_BAD_INPUT || status == CHY_DENIED
               ? refuse(op, path, "is no signature of the root's key over the step beside it")
               : status;
}

static chy_status take_step(struct chy_runtime *runtime, struct chy_op *op,
                            struct chy_transcript *t, const struct chy_issuer *root,
                            const char *path, struct chy_slice text)
{
    size_t number = json_array_size(t->steps) + 1;
    json_t *step;
    if (chy_json_parse(op, text, &step) != CHY_OK || !json_is_object(step)) {
        return refuse(op, path, "is no JSON document");
    }
    CHY_TRY(check_signature(op, t->folder, number, root, text));
    const json_t *told = json_object_get(step, "number");
    if (!json_is_integer(told) || json_integer_value(told) != (json_int_t)number ||
        !chy_slice_is(chy_json_member(step, "format"), FORMAT)) {
        return refuse(op, path, "is another step than its name says");
    }
    if (!chy_slice_equal(chy_json_member(step, "previousSha256"), t->last)) {
        return refuse(op, path, "does not follow the step before it");
    }
    CHY_TRY(chy_transcript_digest(runtime, op, text, &t->last));
    return json_array_append(t->steps, step) == 0 ? CHY_OK : chy_fail_memory(op);
}

/** count_steps: a step that was taken out in the middle leaves those behind it. */
static chy_status count_steps(struct chy_op *op, const char *folder, size_t *out_count)
{
    size_t count = 0;
    DIR *listing = opendir(folder);
    if (listing == NULL) {
        int code = errno;
        *out_count = 0;
        return code == ENOENT
                   ? CHY_OK
                   : chy_fail(op, CHY_BROKEN, code, "cannot read the folder '%s'", folder);
    }
    for (const struct dirent *entry = readdir(listing); entry != NULL; entry = readdir(listing)) {
        const char *ending = strrchr(entry->d_name, '.');
        count += entry->d_name[0] != '.' && ending != NULL && strcmp(ending, ".json") == 0;
    }
    (void)closedir(listing);
    *out_count = count;
    return CHY_OK;
}

chy_status chy_transcript_read(struct chy_runtime *runtime, struct chy_op *op, const char *folder,
                               const struct chy_issuer *root, struct chy_transcript *out_transcript)
{
    struct chy_transcript t = {.folder = folder, .steps = chy_json_array(op)};
    size_t there = 0;
    if (t.steps == NULL) {
        return chy_fail_memory(op);
    }
    CHY_TRY(count_steps(op, folder, &there));
    if (there > CHY_TRANSCRIPT_STEPS_MAX) {
        return refuse(op, folder, "has more steps than a ceremony may have");
    }
    for (size_t number = 1; number <= there; number++) {
        const char *path;
        struct chy_slice text;
        CHY_TRY(step_path(op, folder, number, ".json", &path));
        chy_status status = chy_file_read(op, path, STEP_MAX, &text);
        if (status == CHY_NOT_FOUND) {
            return refuse(op, path, "is missing, and there are steps behind it");
        }
        CHY_TRY(status);
        CHY_TRY(take_step(runtime, op, &t, root, path, text));
    }
    *out_transcript = t;
    return CHY_OK;
}

/* ------------------------------------------------------------------------------------------------
 * Adding
 */

/** number_step puts before everything else what makes the step one of this transcript. */
static chy_status number_step(struct chy_runtime *runtime, struct chy_op *op,
                              const struct chy_transcript *t, const struct chy_issuer *root,
                              const json_t *step, json_t **out_step)
{
    json_t *whole = chy_json_object(op);
    struct chy_slice ceremony;
    uint32_t algorithm = chy_signature_default(root->key_algorithm);
    CHY_TRY(chy_transcript_digest(runtime, op, root->path[0].der, &ceremony));
    bool fine = whole != NULL && chy_json_set_text(whole, "format", chy_text(FORMAT)) &&
                chy_json_set_int(whole, "number", (int64_t)json_array_size(t->steps) + 1) &&
                chy_json_set_time(whole, "time", chy_now(op)) &&
                chy_json_set_text(whole, "rootSha256", ceremony) &&
                chy_json_set_text(whole, "signatureAlgorithm",
                                  chy_text(chy_signature_algorithm_name(algorithm))) &&
                json_object_update(whole, (json_t *)(uintptr_t)step) == 0 &&
                (t->last.len == 0 ? chy_json_set_null(whole, "previousSha256")
                                  : chy_json_set_text(whole, "previousSha256", t->last));
    *out_step = whole;
    return fine ? CHY_OK : chy_fail_memory(op);
}

chy_status chy_transcript_add(struct chy_runtime *runtime, struct chy_op *op,
                              struct chy_transcript *transcript, const struct chy_issuer *root,
                              json_t *step)
{
    size_t number = json_array_size(transcript->steps) + 1;
    const char *path;
    json_t *whole;
    struct chy_slice text;
    struct chy_slice signature;
    if (number > CHY_TRANSCRIPT_STEPS_MAX) {
        return chy_fail(op, CHY_BAD_INPUT, 0, "the ceremony has had %d steps, and takes no more",
                        CHY_TRANSCRIPT_STEPS_MAX);
    }
    CHY_TRY(number_step(runtime, op, transcript, root, step, &whole));
    CHY_TRY(chy_json_write_lines(op, whole, &text));
    CHY_TRY(chy_sign_bare(runtime, op, &root->key, &root->public_key,
                          chy_signature_default(root->key_algorithm), text, &signature));
    // The signature first: a step that is there is signed.
    CHY_TRY(step_path(op, transcript->folder, number, ".sig", &path));
    CHY_TRY(chy_file_write(op, path, signature, 0644));
    CHY_TRY(step_path(op, transcript->folder, number, ".json", &path));
    CHY_TRY(chy_file_create(op, path, text, 0644));
    CHY_TRY(chy_transcript_digest(runtime, op, text, &transcript->last));
    return json_array_append(transcript->steps, whole) == 0 ? CHY_OK : chy_fail_memory(op);
}
