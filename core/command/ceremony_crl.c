/** `chancery ca ceremony crl` and `verify`. */
#include "base/file.h"
#include "base/slice.h"
#include "base/time.h"
#include "command/ceremony.h"
#include "command/locate.h"
#include "enroll/crl_build.h"
#include "resource/collections.h"
#include "resource/json.h"
#include "x509/crl.h"

#include <stdio.h>

#define LIFETIME_MIN CHY_US_PER_HOUR
#define PATH_SIZE 128

static const struct chy_argument crl_arguments[] = {
    CHY_CEREMONY_ARGUMENTS,
    {"lifetime", "DURATION", "how long the CRL is good for, such as 180d or 1y", "1y", false},
    {"next-update", "DATE", "when it ends, ISO 8601, instead of --lifetime", NULL, false},
};
enum {
    LIFETIME = CHY_CEREMONY_COUNT,
    NEXT_UPDATE
};

static const struct chy_argument verify_arguments[] = {CHY_CEREMONY_ARGUMENTS};

/* ------------------------------------------------------------------------------------------------
 * Publishing
 */

/** read_end finds out how long the CRL is good for: never longer than the root. */
static chy_status read_end(struct chy_ceremony *c, int64_t *out_end)
{
    const char *date = chy_given_text(c->given, NEXT_UPDATE);
    const char *text = chy_given_text(c->given, LIFETIME);
    int64_t now = chy_now(c->op);
    int64_t last = c->root->path[0].not_after;
    int64_t life;
    bool is_default = date == NULL && chy_given_count(c->given, LIFETIME) == 0;
    char latest[CHY_TIME_TEXT_SIZE];
    if (date != NULL && chy_given_count(c->given, LIFETIME) != 0) {
        return chy_fail(c->op, CHY_BAD_INPUT, 0, "give --lifetime or --next-update, not both");
    }
    if (date != NULL && !chy_time_parse(chy_text(date), out_end)) {
        return chy_fail(c->op, CHY_BAD_INPUT, 0,
                        "--next-update is a date such as 2027-01-31; found '%.40s'", date);
    }
    if (date == NULL) {
        if (!chy_duration_parse_request(chy_text(text), &life)) {
            return chy_fail(c->op, CHY_BAD_INPUT, 0,
                            "--lifetime is a number with a unit, such as 180d or 1y; found '%.40s'",
                            text);
        }
        *out_end = is_default && now + life > last ? last : now + life;
    }
    if (*out_end < now + LIFETIME_MIN || *out_end > last) {
        chy_time_format(last, latest);
        return chy_fail(c->op, CHY_BAD_INPUT, 0,
                        "a CRL is good for an hour at least, and not beyond the root's end, %s",
                        latest);
    }
    return CHY_OK;
}

static chy_status publish_certificate(struct chy_ceremony *c)
{
    char path[PATH_SIZE];
    char generation[CHY_UUID_TEXT_SIZE];
    chy_uuid_format(&c->root->generation_id, generation);
    (void)snprintf(path, sizeof path, "publish/aia/%s.cer", generation);
    return chy_ceremony_output(c, path, c->root->path[0].der);
}

static int64_t number_of(const struct chy_crl *crl)
{
    uint64_t number = 0;
    for (uint64_t i = 0; i < crl->number.len && crl->number.len <= 8; i++) {
        number = number << 8 | crl->number.ptr[i];
    }
    return (int64_t)number;
}

static chy_status publish_crl(struct chy_ceremony *c, int64_t end)
{
    char path[PATH_SIZE];
    char generation[CHY_UUID_TEXT_SIZE];
    char until[CHY_TIME_TEXT_SIZE];
    struct chy_crl_kept kept;
    struct chy_crl crl;
    CHY_TRY(chy_crl_make_whole(c->runtime, c->op, &c->root->generation_id, end, &kept));
    CHY_TRY(chy_crl_read(c->op, kept.der, &crl));
    chy_uuid_format(&c->root->generation_id, generation);
    (void)snprintf(path, sizeof path, "publish/crl/%s/1.crl", generation);
    CHY_TRY(chy_ceremony_output(c, path, kept.der));
    bool fine = chy_json_set_int(c->details, "number", number_of(&crl)) &&
                chy_json_set_time(c->details, "thisUpdate", crl.this_update) &&
                chy_json_set_time(c->details, "nextUpdate", crl.next_update) &&
                chy_json_set_int(c->details, "entries", (int64_t)crl.entry_count);
    chy_time_format(crl.next_update, until);
    (void)printf("CRL %lld: good until %s, %llu revoked\n  %s/%s\n", (long long)number_of(&crl),
                 until, (unsigned long long)crl.entry_count, c->directory, path);
    return fine ? CHY_OK : chy_fail_memory(c->op);
}

static chy_status publish(struct chy_ceremony *c)
{
    int64_t end = 0;
    CHY_TRY(read_end(c, &end));
    CHY_TRY(chy_ceremony_catch_up(c, chy_slice_of(NULL, 0)));
    CHY_TRY(publish_certificate(c));
    CHY_TRY(publish_crl(c, end));
    CHY_TRY(chy_ceremony_record(c, "crl"));
    (void)printf("Copy %s/publish to the web server of %.*s\n", c->directory,
                 (int)c->root->public_url.len, (const char *)c->root->public_url.ptr);
    return CHY_OK;
}

/* ------------------------------------------------------------------------------------------------
 * Verifying
 */

/** is_last tells whether no later step wrote the same file anew, as a CRL's. */
static bool is_last(const json_t *steps, size_t at, struct chy_slice path)
{
    for (size_t i = at + 1; i < json_array_size(steps); i++) {
        const json_t *outputs = json_object_get(json_array_get(steps, i), "outputs");
        for (size_t k = 0; k < json_array_size(outputs); k++) {
            if (chy_slice_equal(chy_json_member(json_array_get(outputs, k), "file"), path)) {
                return false;
            }
        }
    }
    return true;
}

static chy_status verify_output(struct chy_ceremony *c, const json_t *output)
{
    struct chy_slice path = chy_json_member(output, "file");
    struct chy_slice content;
    struct chy_slice digest;
    const char *full;
    struct chy_slice copy;
    CHY_TRY(chy_copy(c->op, path, &copy));
    CHY_TRY(chy_path_join(c->op, c->directory, (const char *)copy.ptr, &full));
    CHY_TRY(chy_file_read(c->op, full, CHY_CRL_MAX, &content));
    CHY_TRY(chy_transcript_digest(c->runtime, c->op, content, &digest));
    return chy_slice_equal(digest, chy_json_member(output, "sha256"))
               ? CHY_OK
               : chy_fail(c->op, CHY_BAD_INPUT, 0,
                          "'%s' is not what the transcript says: it was changed since", full);
}

static void print_step(const json_t *step)
{
    const json_t *operators = json_object_get(step, "operators");
    const json_t *details = json_object_get(step, "details");
    struct chy_slice serial = chy_json_member(details, "serialNumber");
    struct chy_slice time = chy_json_member(step, "time");
    struct chy_slice name = chy_json_member(step, "step");
    (void)printf("%4lld  %.*s  %-7.*s %.*s%s",
                 (long long)json_integer_value(json_object_get(step, "number")), (int)time.len,
                 (const char *)time.ptr, (int)name.len, (const char *)name.ptr, (int)serial.len,
                 (const char *)serial.ptr, serial.len == 0 ? "" : "  ");
    for (size_t i = 0; i < json_array_size(operators); i++) {
        (void)printf("%s%s", i == 0 ? "" : ", ", json_string_value(json_array_get(operators, i)));
    }
    (void)printf("\n");
}

static chy_status refuse_unrecorded(struct chy_ceremony *c, const char *what, struct chy_slice name)
{
    return chy_fail(c->op, CHY_BAD_INPUT, 0,
                    "the root %s %.*s, which is not in the transcript's %zu steps: a step was "
                    "interrupted (do it again), or taken away",
                    what, (int)name.len, (const char *)name.ptr,
                    json_array_size(c->transcript.steps));
}

static chy_status verify_signed(struct chy_ceremony *c)
{
    struct chy_storage_page page;
    CHY_TRY(chy_ceremony_certificates(c, &page));
    for (uint64_t i = 0; i < page.rows.count; i++) {
        struct chy_slice serial = chy_row_text(chy_page_row(&page, i), CHY_CEREMONY_SERIAL);
        if (!chy_ceremony_recorded(c, "sign", serial, NULL)) {
            return refuse_unrecorded(c, "signed", serial);
        }
    }
    return CHY_OK;
}

static chy_status verify_revoked(struct chy_ceremony *c)
{
    struct chy_storage_page page;
    CHY_TRY(chy_ceremony_revocations(c, &page));
    for (uint64_t i = 0; i < page.rows.count; i++) {
        const struct chy_storage_row *row = chy_page_row(&page, i);
        struct chy_slice serial = chy_row_text(row, CHY_CEREMONY_REVOKED_SERIAL);
        uint32_t reason = (uint32_t)chy_row_int(row, CHY_CEREMONY_REVOKED_REASON);
        if (!chy_ceremony_recorded(c, "revoke", serial, chy_crl_reason_word(reason))) {
            return refuse_unrecorded(c, "revoked", serial);
        }
    }
    return CHY_OK;
}

/** has_crl tells whether a step made the CRL of that number. */
static bool has_crl(const struct chy_ceremony *c, int64_t number)
{
    for (size_t i = 0; i < json_array_size(c->transcript.steps); i++) {
        const json_t *step = json_array_get(c->transcript.steps, i);
        const json_t *told = json_object_get(json_object_get(step, "details"), "number");
        if (chy_slice_is(chy_json_member(step, "step"), "crl") && json_is_integer(told) &&
            json_integer_value(told) == number) {
            return true;
        }
    }
    return false;
}

static chy_status verify_crl(struct chy_ceremony *c)
{
    struct chy_storage_row row;
    char number[24];
    chy_status status =
        chy_storage_read(c->runtime->storage, c->op, CHY_C_CRL_SHARDS,
                         CHY_KEY(chy_value_uuid(&c->root->generation_id), chy_value_int(1)),
                         CHY_FIELDS(CHY_SHARD_CRL_NUMBER), &row);
    if (status != CHY_OK) {
        return status == CHY_NOT_FOUND ? CHY_OK : status;
    }
    if (chy_row_int(&row, 0) == 0 || has_crl(c, chy_row_int(&row, 0))) { // 0: none was made
        return CHY_OK;
    }
    (void)snprintf(number, sizeof number, "%lld", (long long)chy_row_int(&row, 0));
    return refuse_unrecorded(c, "made the CRL", chy_text(number));
}

/** verify_database: a step whose entry was cut off the end is in the database still. */
static chy_status verify_database(struct chy_ceremony *c)
{
    CHY_TRY(verify_signed(c));
    CHY_TRY(verify_revoked(c));
    return verify_crl(c);
}

static chy_status verify(struct chy_ceremony *c)
{
    const json_t *steps = c->transcript.steps;
    for (size_t i = 0; i < json_array_size(steps); i++) {
        const json_t *step = json_array_get(steps, i);
        const json_t *outputs = json_object_get(step, "outputs");
        print_step(step);
        for (size_t k = 0; k < json_array_size(outputs); k++) {
            const json_t *output = json_array_get(outputs, k);
            if (is_last(steps, i, chy_json_member(output, "file"))) {
                CHY_TRY(verify_output(c, output));
            }
        }
    }
    CHY_TRY(verify_database(c));
    (void)printf("whole: %zu steps, each signed by the root, and every file as it was written\n",
                 json_array_size(steps));
    return CHY_OK;
}

/* ------------------------------------------------------------------------------------------------
 * The commands
 */

static int run_crl(struct chy_cli *cli, const struct chy_given *given)
{
    return chy_ceremony_run(cli, given, false, publish);
}

static int run_verify(struct chy_cli *cli, const struct chy_given *given)
{
    return chy_ceremony_run(cli, given, true, verify);
}

const struct chy_command chy_command_ceremony_crl = {
    .name = "crl",
    .summary = "Make the root's CRL anew, for long, and put it beside the root for a web server",
    .details =
        "DIR/publish has the CRL and the root under the paths of the URLs that stand in the\n"
        "certificates. Make the next one before this one ends, and after each revocation.",
    .example = "chancery ca ceremony crl --dir ./root --operator \"Ada\" --lifetime 180d",
    .arguments = crl_arguments,
    .argument_count = sizeof crl_arguments / sizeof crl_arguments[0],
    .run = run_crl,
};
const struct chy_command chy_command_ceremony_verify = {
    .name = "verify",
    .summary = "Show the transcript, and prove that it, and every file, is as it was written",
    .details =
        "Without this program: 'openssl dgst -sha256 -verify' with the root's public key and\n"
        "each NNNN.sig, and 'sha256sum' over the step before.",
    .example = "chancery ca ceremony verify --dir ./root",
    .arguments = verify_arguments,
    .argument_count = sizeof verify_arguments / sizeof verify_arguments[0],
    .run = run_verify,
};
