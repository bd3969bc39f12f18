#include "resource/audit_log.h"

#include "base/encode.h"
#include "base/time.h"
#include "resource/collections.h"
#include "resource/listing.h"

#define EXPORT_DEFAULT 1000
#define SEARCH_DEFAULT 20

/* ------------------------------------------------------------------------------------------------
 * A row as JSON
 */

/** The members in the order of CSV's columns. */
static const struct {
    const char *name;
    uint32_t field;
} members[] = {
    {"id", CHY_AUDIT_ID},
    {"time", CHY_AUDIT_TIME},
    {"projectId", CHY_AUDIT_PROJECT_ID},
    {"actorType", CHY_AUDIT_ACTOR_KIND},
    {"actorId", CHY_AUDIT_ACTOR_ID},
    {"action", CHY_AUDIT_ACTION},
    {"targetType", CHY_AUDIT_TARGET_KIND},
    {"targetId", CHY_AUDIT_TARGET_ID},
    {"outcome", CHY_AUDIT_OUTCOME},
    {"detail", CHY_AUDIT_DETAIL},
    {"requestId", CHY_AUDIT_REQUEST_ID},
    {"ipAddress", CHY_AUDIT_PEER},
    {"node", CHY_AUDIT_NODE},
    {"block", CHY_AUDIT_BLOCK},
};

chy_status chy_audit_event_json(struct chy_op *op, const struct chy_storage_row *row,
                                json_t **out_json)
{
    struct chy_slice mac;
    json_t *object = chy_json_object(op);
    if (object == NULL) {
        return chy_fail_memory(op);
    }
    for (size_t i = 0; i < CHY_COUNT_OF(members); i++) {
        json_t *value = chy_value_to_json(op, chy_row_value(row, members[i].field));
        if (value == NULL || json_object_set_new(object, members[i].name, value) != 0) {
            return chy_fail(op, CHY_BROKEN, 0, "the %s of an audit row cannot be read",
                            members[i].name);
        }
    }
    CHY_TRY(chy_hex_text(op, chy_row_blob(row, CHY_AUDIT_MAC), &mac));
    *out_json = object;
    return chy_json_set_text(object, "mac", mac) ? CHY_OK : chy_fail_memory(op);
}

/* ------------------------------------------------------------------------------------------------
 * Which rows
 */

/** Members of the document that a row must equal. */
static const struct {
    const char *name;
    uint32_t field;
    bool is_uuid;
} filters[] = {
    {"actorType", CHY_AUDIT_ACTOR_KIND, false}, {"actorId", CHY_AUDIT_ACTOR_ID, true},
    {"action", CHY_AUDIT_ACTION, false},        {"targetType", CHY_AUDIT_TARGET_KIND, false},
    {"targetId", CHY_AUDIT_TARGET_ID, false},   {"outcome", CHY_AUDIT_OUTCOME, false},
    {"requestId", CHY_AUDIT_REQUEST_ID, false}, {"ipAddress", CHY_AUDIT_PEER, false},
};

/** The rows that a call may see, between two times. */
struct span {
    bool of_project;
    int64_t from;
    int64_t to; /**< rows of this very µs are not meant */
};

static chy_status read_time(struct chy_call *call, const char *name, int64_t *out_time)
{
    struct chy_slice text = chy_json_member(call->document, name);
    if (text.len == 0) {
        return CHY_OK;
    }
    if (!chy_time_parse(text, out_time)) {
        return chy_fail(call->op, CHY_BAD_INPUT, 0,
                        "%s: expected a time such as 2026-01-31T00:00:00Z", name);
    }
    return CHY_OK;
}

/** find_scope finds whose rows are meant: those of a project, or, for who may read the audit of the
 *  whole instance and names none, all. */
static chy_status find_scope(struct chy_call *call, bool *out_of_project)
{
    const struct chy_principal *principal = chy_principal_of(call->op);
    bool sees_all = principal != NULL &&
                    chy_principal_allows(principal, CHY_SUBJECT_AUDIT_LOGS, CHY_ACTION_READ);
    if (!sees_all) {
        *out_of_project = true;
        return chy_call_project(call);
    }
    *out_of_project = chy_call_uuid(call, "projectId", &call->project_id);
    if (!*out_of_project) {
        return CHY_OK;
    }
    struct chy_storage_row row;
    chy_status status =
        chy_storage_read(call->runtime->storage, call->op, CHY_C_PROJECTS,
                         CHY_KEY(chy_value_uuid(&call->project_id)), CHY_NO_FIELDS, &row);
    return chy_or_not_found(call->op, status, "project");
}

static chy_status read_span(struct chy_call *call, struct span *span)
{
    span->from = 0;
    span->to = INT64_MAX;
    CHY_TRY(find_scope(call, &span->of_project));
    CHY_TRY(read_time(call, "from", &span->from));
    return read_time(call, "to", &span->to);
}

/** first_id makes the smallest id that a row of the time `time` can have. */
static chy_status first_id(struct chy_op *op, int64_t time, struct chy_uuid **out_id)
{
    struct chy_uuid *id = chy_alloc(op, sizeof *id);
    if (id == NULL) {
        return chy_fail_memory(op);
    }
    uint64_t ms = time <= 0 ? 0 : (uint64_t)(time / CHY_US_PER_MS);
    for (size_t i = 0; i < 6; i++) { // RFC 9562 5.7
        id->bytes[i] = (uint8_t)(ms >> (40 - 8 * i));
    }
    *out_id = id;
    return CHY_OK;
}

/** narrow_to sets scope and times.  Of one project an index has the rows by time; of all they come
 *  by id, which begins with the time. */
static chy_status narrow_to(struct chy_call *call, struct chy_query *query, const struct span *span)
{
    struct chy_uuid *low;
    struct chy_uuid *high;
    if (span->of_project) {
        chy_query_eq(query, CHY_AUDIT_PROJECT_ID, chy_value_uuid(&call->project_id));
    } else {
        bool has_end = span->to < INT64_MAX - CHY_US_PER_DAY;
        CHY_TRY(first_id(call->op, span->from, &low));
        CHY_TRY(first_id(call->op, has_end ? span->to + CHY_US_PER_MS : 0, &high));
        chy_query_range(query, CHY_AUDIT_ID, chy_value_uuid(low),
                        has_end ? chy_value_uuid(high) : chy_value_null());
    }
    chy_query_range(query, CHY_AUDIT_TIME, chy_value_time(span->from), chy_value_time(span->to));
    return CHY_OK;
}

static chy_status add_filters(struct chy_call *call, struct chy_query *query)
{
    for (size_t i = 0; i < CHY_COUNT_OF(filters); i++) {
        struct chy_slice text = chy_json_member(call->document, filters[i].name);
        if (text.len == 0) {
            continue;
        }
        if (!filters[i].is_uuid) {
            chy_query_eq(query, filters[i].field, chy_value_text(text));
            continue;
        }
        struct chy_uuid *id = chy_alloc(call->op, sizeof *id);
        if (id == NULL) {
            return chy_fail_memory(call->op);
        }
        if (chy_call_uuid(call, filters[i].name, id)) {
            chy_query_eq(query, filters[i].field, chy_value_uuid(id));
        }
    }
    return CHY_OK;
}

/* ------------------------------------------------------------------------------------------------
 * Search
 */

static chy_status search(struct chy_call *call)
{
    struct span span;
    struct chy_listing listing;
    struct chy_list_page page;
    json_t *list = chy_json_array(call->op);
    if (list == NULL) {
        return chy_fail_memory(call->op);
    }
    CHY_TRY(read_span(call, &span));
    CHY_TRY(chy_listing_init(&listing, call, CHY_C_AUDIT_EVENTS,
                             chy_core_fields(CHY_C_AUDIT_EVENTS), SEARCH_DEFAULT));
    CHY_TRY(narrow_to(call, &listing.query, &span));
    CHY_TRY(add_filters(call, &listing.query));
    chy_query_order(&listing.query, span.of_project ? CHY_AUDIT_TIME : CHY_AUDIT_ID, true);
    CHY_TRY(chy_listing_run(&listing, &page));
    for (uint64_t i = 0; i < page.count; i++) {
        json_t *object;
        CHY_TRY(chy_audit_event_json(call->op, page.rows[i], &object));
        if (json_array_append(list, object) != 0) {
            return chy_fail_memory(call->op);
        }
    }
    return chy_listing_answer(call, "auditLogs", list, &page);
}

/** get finds one row.  Of another project, or of the instance, it is not there for a project's
 *  auditor. */
static chy_status get(struct chy_call *call)
{
    const struct chy_principal *principal = chy_principal_of(call->op);
    struct chy_storage_row row;
    json_t *object;
    chy_status status = chy_storage_read(call->runtime->storage, call->op, CHY_C_AUDIT_EVENTS,
                                         CHY_KEY(chy_value_uuid(&call->id)),
                                         chy_core_fields(CHY_C_AUDIT_EVENTS), &row);
    CHY_TRY(chy_or_not_found(call->op, status, call->kind->what));
    bool sees_all = principal != NULL &&
                    chy_principal_allows(principal, CHY_SUBJECT_AUDIT_LOGS, CHY_ACTION_READ);
    if (!sees_all && chy_row_is_null(&row, CHY_AUDIT_PROJECT_ID)) {
        return chy_not_found(call->op, call->kind->what);
    }
    if (!sees_all) {
        call->project_id = chy_row_uuid(&row, CHY_AUDIT_PROJECT_ID);
        CHY_TRY(chy_require(call->op, &call->project_id, CHY_SUBJECT_AUDIT_LOGS, CHY_ACTION_READ,
                            call->kind->what));
    }
    CHY_TRY(chy_audit_event_json(call->op, &row, &object));
    return chy_call_answer(call, object);
}

/* ------------------------------------------------------------------------------------------------
 * Export
 */

/** The row that an export goes on after. */
struct after {
    bool is_given;
    struct chy_uuid id;
    int64_t time;
};

/** find_after lets the export begin where the row `after` stands: of a project by its time. */
static chy_status find_after(struct chy_call *call, struct span *span, struct after *after)
{
    struct chy_storage_row row;
    memset(after, 0, sizeof *after);
    after->is_given = chy_call_uuid(call, "after", &after->id);
    if (!after->is_given) {
        return CHY_OK;
    }
    chy_status status = chy_storage_read(call->runtime->storage, call->op, CHY_C_AUDIT_EVENTS,
                                         CHY_KEY(chy_value_uuid(&after->id)),
                                         CHY_FIELDS(CHY_AUDIT_TIME, CHY_AUDIT_PROJECT_ID), &row);
    struct chy_uuid project = {{0}};
    if (status == CHY_OK) {
        project = chy_row_uuid(&row, 1);
    }
    bool is_ours = status == CHY_OK &&
                   (!span->of_project || chy_uuid_compare(&project, &call->project_id) == 0);
    if (status == CHY_NOT_FOUND || (status == CHY_OK && !is_ours)) {
        return chy_fail(call->op, CHY_BAD_INPUT, 0,
                        "after: there is no such row here any more; go on with 'from'");
    }
    CHY_TRY(status);
    after->time = chy_row_time(&row, 0);
    span->from = after->time > span->from ? after->time : span->from;
    return CHY_OK;
}

/** is_before tells whether a row stands before `after`, or is it: of the same µs by its id. */
static bool is_before(const struct after *after, const struct span *span,
                      const struct chy_storage_row *row)
{
    struct chy_uuid id = chy_row_uuid(row, CHY_AUDIT_ID);
    bool is_later = span->of_project && chy_row_time(row, CHY_AUDIT_TIME) != after->time;
    return after->is_given && !is_later && chy_uuid_compare(&id, &after->id) <= 0;
}

/** add_cell writes a CSV cell (RFC 4180).  One that a spreadsheet would take for a formula gets an
 *  apostrophe before it. */
static void add_cell(struct chy_buf *buf, struct chy_slice text)
{
    bool is_formula = text.len != 0 && memchr("=+-@\t\r\n", text.ptr[0], 7) != NULL;
    chy_buf_add_u8(buf, '"');
    chy_buf_add_text(buf, is_formula ? "'" : "");
    for (uint64_t i = 0; i < text.len; i++) {
        chy_buf_add_text(buf, text.ptr[i] == '"' ? "\"" : "");
        chy_buf_add_u8(buf, text.ptr[i]);
    }
    chy_buf_add_u8(buf, '"');
}

static chy_status add_csv(struct chy_op *op, struct chy_buf *buf, json_t *object)
{
    for (size_t i = 0; i < CHY_COUNT_OF(members); i++) {
        json_t *value = json_object_get(object, members[i].name);
        struct chy_slice text = chy_json_text(value);
        if (!json_is_string(value) && !json_is_null(value)) {
            CHY_TRY(chy_json_write(op, value, &text));
        }
        chy_buf_add_text(buf, i == 0 ? "" : ",");
        add_cell(buf, text);
    }
    chy_buf_add_text(buf, "\r\n");
    return CHY_OK;
}

static void add_header(struct chy_buf *buf)
{
    for (size_t i = 0; i < CHY_COUNT_OF(members); i++) {
        chy_buf_add_text(buf, i == 0 ? "" : ",");
        chy_buf_add_text(buf, members[i].name);
    }
    chy_buf_add_text(buf, "\r\n");
}

static chy_status add_row(struct chy_op *op, struct chy_buf *buf, const struct chy_storage_row *row,
                          bool is_csv)
{
    json_t *object;
    struct chy_slice line;
    CHY_TRY(chy_audit_event_json(op, row, &object));
    if (is_csv) {
        return add_csv(op, buf, object);
    }
    CHY_TRY(chy_json_write(op, object, &line));
    chy_buf_add(buf, line);
    chy_buf_add_u8(buf, '\n');
    return CHY_OK;
}

/** add_rows writes up to `limit` rows in the order in which they were written. */
static chy_status add_rows(struct chy_call *call, const struct span *span,
                           const struct after *after, bool is_csv, struct chy_buf *buf)
{
    const json_t *given = json_object_get(call->document, "limit");
    uint64_t left = json_is_integer(given) ? (uint64_t)json_integer_value(given) : EXPORT_DEFAULT;
    struct chy_query query;
    bool more = true;
    chy_query_init(&query, call->op, CHY_C_AUDIT_EVENTS, chy_core_fields(CHY_C_AUDIT_EVENTS), 200);
    CHY_TRY(narrow_to(call, &query, span));
    chy_query_order(&query, span->of_project ? CHY_AUDIT_TIME : CHY_AUDIT_ID, false);
    while (more && left != 0) {
        struct chy_storage_page page;
        CHY_TRY(chy_query_run(&query, call->runtime->storage, &page));
        for (uint64_t i = 0; i < page.rows.count && left != 0; i++) {
            const struct chy_storage_row *row = chy_page_row(&page, i);
            if (!is_before(after, span, row)) {
                CHY_TRY(add_row(call->op, buf, row, is_csv));
                left--;
            }
        }
        query.find.cursor = page.cursor;
        more = page.more != 0;
    }
    return CHY_OK;
}

static chy_status export_rows(struct chy_call *call)
{
    struct span span;
    struct after after;
    struct chy_buf buf;
    bool is_csv = chy_slice_is(chy_json_member(call->document, "format"), "csv");
    CHY_TRY(read_span(call, &span));
    CHY_TRY(find_after(call, &span, &after));
    chy_buf_init(&buf, call->op, CHY_JSON_MAX);
    if (is_csv) {
        add_header(&buf);
    }
    CHY_TRY(add_rows(call, &span, &after, is_csv, &buf));
    if (!chy_buf_ok(&buf)) {
        return chy_buf_fail(&buf, call->op, "the export; ask for fewer rows (limit)");
    }
    call->body = chy_buf_slice(&buf);
    call->media_type = is_csv ? "text/csv; charset=utf-8" : "application/x-ndjson";
    call->file_name = chy_text(is_csv ? "audit.csv" : "audit.ndjson");
    return CHY_OK;
}

/* ------------------------------------------------------------------------------------------------
 * The kind
 */

#define TEXT_SHAPE "{\"type\":\"string\",\"maxLength\":255}"
#define SPAN_MEMBERS "\"projectId\":" CHY_SHAPE_ID ",\"from\":" TEXT_SHAPE ",\"to\":" TEXT_SHAPE ","

#define SEARCH_SHAPE                                                                    \
    "{\"type\":\"object\",\"properties\":{" SPAN_MEMBERS CHY_PAGE_MEMBERS               \
    ",\"actorType\":{\"enum\":[\"machine\",\"user\",\"system\",\"anonymous\"]},"        \
    "\"actorId\":" CHY_SHAPE_ID ",\"action\":" TEXT_SHAPE ",\"targetType\":" TEXT_SHAPE \
    ",\"targetId\":" TEXT_SHAPE                                                         \
    ",\"outcome\":{\"enum\":[\"ok\",\"denied\",\"failed\"]},\"requestId\":" TEXT_SHAPE  \
    ",\"ipAddress\":" TEXT_SHAPE "}}"

#define EXPORT_SHAPE                                                               \
    "{\"type\":\"object\",\"properties\":{" SPAN_MEMBERS "\"after\":" CHY_SHAPE_ID \
    ",\"limit\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":1000},"            \
    "\"format\":{\"enum\":[\"ndjson\",\"csv\"]}}}"

static const struct chy_action actions[] = {
    {"list", CHY_ACTION_READ, CHY_ACTION_QUERY, SEARCH_SHAPE, search},
    {"search", CHY_ACTION_READ, 0, SEARCH_SHAPE, search},
    {"get", CHY_ACTION_READ, CHY_ACTION_NEEDS_ID, NULL, get},
    {"export", CHY_ACTION_READ, CHY_ACTION_QUERY, EXPORT_SHAPE, export_rows},
};

#define ROW                                                                                    \
    "{'id': 'id', 'time': 'time', 'projectId': 'id?', 'actorType': 'text', 'actorId': 'id?', " \
    "'action': 'text', 'targetType': 'text?', 'targetId': 'text?', 'outcome': 'text', "        \
    "'detail': 'any', 'requestId': 'text?', 'ipAddress': 'text?', 'node': 'text?', "           \
    "'block': 'int', 'mac': 'text'}"

static const struct chy_kind_answer answers[] = {
    {"search", "{'auditLogs': ['#AuditLog'], 'totalCount': 'int', 'cursor?': 'text'}", NULL},
    {"export", NULL, "application/x-ndjson,text/csv"},
};

const struct chy_kind chy_kind_audit_log = {
    .name = CHY_SUBJECT_AUDIT_LOGS,
    .singular = "auditLog",
    .plural = "auditLogs",
    .what = "audit row",
    .subject = CHY_SUBJECT_AUDIT_LOGS,
    .audit = "audit-log",
    .collection = CHY_C_AUDIT_EVENTS,
    .id_field = CHY_AUDIT_ID,
    .project_field = CHY_AUDIT_PROJECT_ID,
    .search_field = CHY_NO_FIELD,
    .created_field = CHY_AUDIT_TIME,
    .updated_field = CHY_NO_FIELD,
    .actions = actions,
    .action_count = CHY_COUNT_OF(actions),
    .decoration = ROW,
    .answers = answers,
    .answer_count = CHY_COUNT_OF(answers),
};
