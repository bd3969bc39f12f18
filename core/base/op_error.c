// What an operation knows about its failure: the services `fail` to `last_error` of op.h.

#include "base/op.h"

#include "base/slice.h"

/* Our own record of an error that another binary made, which may be older or newer than this. */
static struct chy_error read_error(const struct chy_error *from)
{
    struct chy_error error = {0};
    size_t size = from->struct_size < sizeof error ? from->struct_size : sizeof error;
    memcpy(&error, from, size);
    error.struct_size = (uint32_t)sizeof error;
    return error;
}

/* The longest message that is kept whole: a policy may have many reasons to say no. */
#define LONG_MESSAGE_MAX ((uint64_t)8192)

static bool set_long_message(struct chy_operation *operation, struct chy_slice message)
{
    struct chy_slice kept = chy_slice_first(message, LONG_MESSAGE_MAX);
    char *copy = chy_arena_alloc(operation->arena, kept.len + 1);
    if (copy == NULL) {
        return false;
    }
    operation->error.message = chy_slice_of(copy, chy_text_sanitise(kept, copy, (size_t)kept.len));
    operation->message_is_stable = true;
    return true;
}

static void set_message(struct chy_operation *operation, struct chy_slice message)
{
    if (message.len > sizeof operation->message && set_long_message(operation, message)) {
        return;
    }
    size_t len = chy_text_sanitise(message, operation->message, sizeof operation->message);
    operation->error.message = chy_slice_of(operation->message, len);
    operation->message_is_stable = false;
}

/* CHY_OK is no failure: whoever fails with it has a bug. */
static chy_status checked(chy_status status)
{
    return status == CHY_OK ? (chy_status)CHY_BROKEN : status;
}

chy_status chy_op_host_fail(struct chy_op *op, chy_status status, int64_t native_code,
                            struct chy_slice message)
{
    struct chy_operation *operation = chy_operation_of(op);
    set_message(operation, message);
    operation->error = (struct chy_error){
        .struct_size = sizeof operation->error,
        .status = checked(status),
        .native_code = native_code,
        .message = operation->error.message,
    };
    return operation->error.status;
}

/* --- issues ----------------------------------------------------------------------------------- */

/* The longest text of an issue that is kept. */
#define ISSUE_TEXT_MAX ((uint64_t)1024)

static bool copy_clean(struct chy_operation *operation, struct chy_slice text,
                       struct chy_slice *out_copy)
{
    struct chy_slice kept = chy_slice_first(text, ISSUE_TEXT_MAX);
    char *copy = chy_arena_alloc(operation->arena, kept.len + 1);
    if (copy == NULL) {
        return false;
    }
    *out_copy = chy_slice_of(copy, chy_text_sanitise(kept, copy, (size_t)kept.len));
    return true;
}

static bool copy_issue(struct chy_operation *operation, const struct chy_issue *from,
                       struct chy_issue *out_issue)
{
    return copy_clean(operation, from->code, &out_issue->code) &&
           copy_clean(operation, from->path, &out_issue->path) &&
           copy_clean(operation, from->message, &out_issue->message);
}

static bool make_room(struct chy_operation *operation)
{
    if (operation->issue_count < operation->issue_size) {
        return true;
    }
    uint32_t size = operation->issue_size == 0 ? 8 : operation->issue_size * 4;
    size = size < CHY_ISSUES_MAX ? size : CHY_ISSUES_MAX;
    if (operation->issue_count == size) {
        return false;
    }
    struct chy_issue *issues = chy_arena_alloc(operation->arena, size * sizeof *issues);
    if (issues == NULL) {
        return false;
    }
    if (operation->issue_count > 0) {
        memcpy(issues, operation->issues, operation->issue_count * sizeof *issues);
    }
    operation->issues = issues;
    operation->issue_size = size;
    return true;
}

void chy_op_host_issue(struct chy_op *op, const struct chy_issue *issue)
{
    struct chy_operation *operation = chy_operation_of(op);
    // What finds no room is dropped: the answer still tells of the others.
    if (make_room(operation) &&
        copy_issue(operation, issue, &operation->issues[operation->issue_count])) {
        operation->issue_count++;
    }
}

/* The issues that were added become part of an error, and the next error starts without. */
static struct chy_view take_added_issues(struct chy_operation *operation)
{
    struct chy_view added = {operation->issues, operation->issue_count, sizeof(struct chy_issue)};
    operation->issues = NULL;
    operation->issue_count = 0;
    operation->issue_size = 0;
    return added;
}

static struct chy_view copy_issues(struct chy_operation *operation, struct chy_view from)
{
    struct chy_view copy = {NULL, 0, sizeof(struct chy_issue)};
    if (from.count == 0 || from.stride < sizeof(struct chy_issue)) {
        return copy;
    }
    uint64_t count = from.count < CHY_ISSUES_MAX ? from.count : CHY_ISSUES_MAX;
    struct chy_issue *issues = chy_arena_alloc(operation->arena, count * sizeof *issues);
    copy.ptr = issues;
    while (issues != NULL && copy.count < count &&
           copy_issue(operation, chy_view_at(from, copy.count), &issues[copy.count])) {
        copy.count++;
    }
    return copy;
}

/* --- whole errors ----------------------------------------------------------------------------- */

static struct chy_slice copy_details(struct chy_operation *operation, struct chy_slice details)
{
    // JSON is kept byte for byte; without room the error goes without its details.
    uint8_t *copy = details.len == 0 ? NULL : chy_arena_alloc(operation->arena, details.len);
    if (copy == NULL) {
        return chy_slice_of(NULL, 0);
    }
    memcpy(copy, details.ptr, (size_t)details.len);
    return chy_slice_of(copy, details.len);
}

chy_status chy_op_host_fail_with(struct chy_op *op, const struct chy_error *error)
{
    struct chy_operation *operation = chy_operation_of(op);
    struct chy_error given = read_error(error);
    given.status = checked(given.status);
    bool is_validation = given.reason == CHY_REASON_VALIDATION;
    if (is_validation && given.issues.count == 0) {
        given.issues = take_added_issues(operation);
    } else {
        given.issues = copy_issues(operation, given.issues);
    }
    given.details = copy_details(operation, given.details);
    set_message(operation, given.message);
    given.message = operation->error.message;
    operation->error = given;
    return given.status;
}

void chy_op_host_last_error(struct chy_op *op, struct chy_error *out_error)
{
    struct chy_operation *operation = chy_operation_of(op);
    struct chy_slice *message = &operation->error.message;
    if (!operation->message_is_stable && message->len > 0) {
        // The next failure writes over `message`, but this view has to last.
        uint8_t *copy = chy_arena_alloc(operation->arena, message->len + 1);
        if (copy != NULL) {
            memcpy(copy, message->ptr, (size_t)message->len);
            *message = chy_slice_of(copy, message->len);
            operation->message_is_stable = true;
        }
    }
    *out_error = operation->error;
}

/* --- from one operation to another ------------------------------------------------------------ */

chy_status chy_op_adopt(struct chy_op *op, struct chy_operation *from, chy_status status)
{
    struct chy_error error = {.struct_size = sizeof error};
    if (status == CHY_OK || from == NULL) {
        return status;
    }
    chy_op_host_last_error(&from->op, &error);
    // A failure that was dealt with may still stand in the record: it must not speak for this one.
    return error.status == status ? chy_op_host_fail_with(op, &error) : status;
}

chy_status chy_op_end_child(struct chy_op *op, struct chy_op *child, chy_status status)
{
    status = chy_op_adopt(op, chy_operation_of(child), status);
    chy_op_host_op_end(child);
    return status;
}
