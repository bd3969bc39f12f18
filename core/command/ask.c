#include "command/ask.h"

#include "base/buf.h"
#include "plugin/view.h"
#include "resource/collections.h"
#include "resource/json.h"

#define AUTHORITIES_MAX 1000
#define PROBLEMS_MAX ((size_t)16 << 10)

/** retell makes one sentence of what is wrong with which members: a command shows no others. */
static chy_status retell(struct chy_op *op, chy_status status)
{
    struct chy_error error = {.struct_size = sizeof error};
    struct chy_buf text;
    op->host->last_error(op, &error);
    if (error.issues.count == 0) {
        return status;
    }
    chy_buf_init(&text, op, PROBLEMS_MAX);
    for (uint64_t i = 0; i < error.issues.count; i++) {
        const struct chy_issue *issue = chy_view_item(error.issues, i);
        uint64_t skipped = issue->path.len != 0 && issue->path.ptr[0] == '/';
        chy_buf_add_text(&text, i == 0 ? "" : "; ");
        chy_buf_add(&text, chy_slice_of(issue->path.ptr + skipped, issue->path.len - skipped));
        chy_buf_add_text(&text, ": ");
        chy_buf_add(&text, issue->message);
    }
    struct chy_slice told = chy_buf_slice(&text);
    return chy_buf_ok(&text) ? chy_fail(op, status, error.native_code, "%.*s", (int)told.len,
                                        (const char *)told.ptr)
                             : status;
}

static chy_status ask(struct chy_op *op, const char *kind, const char *action, const char *id,
                      const json_t *document, json_t **out_answer)
{
    struct chy_resource_call wanted = {.struct_size = sizeof wanted,
                                       .kind = chy_text(kind),
                                       .action = chy_text(action),
                                       .id = chy_text(id)};
    struct chy_resource_answer answer = {.struct_size = sizeof answer};
    CHY_TRY(chy_json_write_secret(op, document, &wanted.document));
    chy_status status = chy_resource(op, &wanted, &answer);
    if (status != CHY_OK) {
        return retell(op, status);
    }
    return chy_json_parse(op, answer.document, out_answer);
}

chy_status chy_ask_authority(struct chy_op *op, const char *action, const char *id,
                             const json_t *document, json_t **out_answer)
{
    return ask(op, "certificate-authorities", action, id, document, out_answer);
}

chy_status chy_ask_user(struct chy_op *op, const char *action, const char *id,
                        const json_t *document, json_t **out_answer)
{
    return ask(op, "users", action, id, document, out_answer);
}

chy_status chy_ask_find_authority(struct chy_assembly *assembly, struct chy_op *op,
                                  const char *text, struct chy_uuid *out_id)
{
    struct chy_query query;
    struct chy_storage_page page;
    uint64_t found = 0;
    if (chy_uuid_parse(chy_text(text), out_id)) {
        return CHY_OK;
    }
    chy_query_init(&query, op, CHY_C_AUTHORITIES, CHY_FIELDS(CHY_AUTHORITY_ID, CHY_AUTHORITY_NAME),
                   AUTHORITIES_MAX);
    do {
        CHY_TRY(chy_query_run(&query, assembly->runtime.storage, &page));
        for (uint64_t i = 0; i < page.rows.count; i++) {
            if (chy_slice_is(chy_row_text(chy_page_row(&page, i), 1), text)) {
                *out_id = chy_row_uuid(chy_page_row(&page, i), 0);
                found++;
            }
        }
        query.find.cursor = page.cursor;
    } while (page.more != 0);
    if (found == 1) {
        return CHY_OK;
    }
    return found == 0
               ? chy_fail(op, CHY_NOT_FOUND, 0, "there is no certificate authority '%s'", text)
               : chy_fail(op, CHY_BAD_INPUT, 0,
                          "%llu certificate authorities are named '%s': give the id",
                          (unsigned long long)found, text);
}
