#include "alert/approval.h"

#include "alert/telling.h"
#include "base/slice.h"
#include "base/time.h"
#include "enroll/approval_notice.h"
#include "resource/collections.h"

#define TYPE "com.infisical.pki.approval-request.opened"
/** Members of the project that are looked at for a step that lists nobody. */
#define MEMBERS_MAX 500U
/** The longest piece of what others wrote, in bytes; and of all names. */
#define PIECE 256U
#define NAMES 2048U
#define TEXT_MAX 8192U

/** A step that opened, and what is told of it. */
struct notice {
    struct chy_runtime *runtime;
    struct chy_op *op;
    const struct chy_alert_approval *approval;
    struct chy_approval_wait wait;
    struct chy_alert_message message;
    struct chy_slice data;
    struct chy_batch *batch;
    bool has_mail;
    uint32_t waiting; /**< mails that were put in line */
    uint32_t given_up;
    bool is_cut; /**< there are more than are told */
};

/* ------------------------------------------------------------------------------------------------
 * Words
 */

/** add_clean adds what somebody else wrote: one line stays one line. */
static void add_clean(struct chy_buf *buf, struct chy_slice text, size_t room)
{
    char piece[NAMES];
    size_t len = chy_text_sanitise(text, piece, room < sizeof piece ? room : sizeof piece);
    chy_buf_add(buf, chy_slice_of((const uint8_t *)piece, len));
    chy_buf_add_text(buf, len < text.len ? " …" : "");
}

static chy_status read_name(struct notice *n, const struct chy_uuid *id, struct chy_slice *out_name)
{
    struct chy_storage_row row;
    chy_status status =
        chy_storage_read(n->runtime->storage, n->op, CHY_C_IDENTITIES, CHY_KEY(chy_value_uuid(id)),
                         CHY_FIELDS(CHY_IDENTITY_NAME), &row);
    *out_name = chy_text("somebody who is not there any more");
    if (status == CHY_OK) {
        *out_name = chy_row_text(&row, 0);
    }
    return status == CHY_NOT_FOUND ? CHY_OK : status;
}

/** What is asked for: of a change of the policy all are empty. */
struct wish {
    struct chy_slice profile;
    struct chy_slice common_name;
    struct chy_slice alt_names;
};

static chy_status read_wish(struct notice *n, struct wish *wish)
{
    struct chy_alert_names names = {NULL};
    struct chy_storage_row row;
    struct chy_uuid profile_id = chy_row_uuid(&n->wait.row, CHY_APPROVAL_PROFILE);
    struct chy_uuid id = chy_row_uuid(&n->wait.row, CHY_APPROVAL_REQUEST_ID);
    memset(wish, 0, sizeof *wish);
    if (chy_uuid_is_nil(&id)) {
        return CHY_OK;
    }
    CHY_TRY(chy_alert_name_of(n->runtime, n->op, &names, &profile_id, &wish->profile));
    chy_status status =
        chy_storage_read(n->runtime->storage, n->op, CHY_C_REQUESTS, CHY_KEY(chy_value_uuid(&id)),
                         CHY_FIELDS(CHY_REQUEST_COMMON_NAME, CHY_REQUEST_ALT_NAMES), &row);
    if (status == CHY_OK) {
        wish->common_name = chy_row_text(&row, 0);
        wish->alt_names = chy_row_text(&row, 1);
    }
    return status == CHY_NOT_FOUND ? CHY_OK : status;
}

static chy_status make_title(struct notice *n, const struct wish *wish)
{
    struct chy_buf buf;
    struct chy_slice policy = chy_row_text(&n->wait.row, CHY_APPROVAL_NAME);
    bool is_change = chy_row_is_null(&n->wait.row, CHY_APPROVAL_REQUEST_ID);
    chy_buf_init(&buf, n->op, 4 * PIECE);
    chy_buf_add_text(&buf,
                     is_change ? "Approval wanted: change of the policy " : "Approval wanted: ");
    if (!is_change) {
        add_clean(&buf, wish->common_name.len != 0 ? wish->common_name : wish->alt_names, PIECE);
        chy_buf_add_text(&buf, " by the policy ");
    }
    add_clean(&buf, policy, PIECE);
    n->message.title = chy_buf_slice(&buf);
    return chy_buf_ok(&buf) ? CHY_OK : chy_buf_fail(&buf, n->op, "a notification");
}

static void add_wish(struct chy_buf *buf, const struct wish *wish)
{
    if (wish->common_name.len != 0) {
        chy_buf_add_text(buf, "Common name: ");
        add_clean(buf, wish->common_name, PIECE);
        chy_buf_add_u8(buf, '\n');
    }
    if (wish->alt_names.len != 0) {
        chy_buf_add_text(buf, "Other names: ");
        add_clean(buf, wish->alt_names, NAMES);
        chy_buf_add_u8(buf, '\n');
    }
    chy_buf_add_text(buf, "Profile:     ");
    add_clean(buf, wish->profile, PIECE);
    chy_buf_add_u8(buf, '\n');
}

static void add_step(struct notice *n, struct chy_buf *buf)
{
    char text[64];
    struct chy_slice name =
        chy_json_member(json_array_get(n->wait.steps, (size_t)n->wait.step), "name");
    chy_buf_add_text(buf, "Policy:      ");
    add_clean(buf, chy_row_text(&n->wait.row, CHY_APPROVAL_NAME), PIECE);
    (void)snprintf(text, sizeof text, ", step %lld of %zu", (long long)n->wait.step + 1,
                   json_array_size(n->wait.steps));
    chy_buf_add_text(buf, text);
    if (name.len != 0) {
        chy_buf_add_text(buf, " (");
        add_clean(buf, name, PIECE);
        chy_buf_add_text(buf, ")");
    }
    chy_buf_add_u8(buf, '\n');
}

static void add_wait(struct notice *n, struct chy_buf *buf)
{
    char time[CHY_TIME_TEXT_SIZE];
    chy_buf_add_text(buf, "Waits:       ");
    if (chy_row_is_null(&n->wait.row, CHY_APPROVAL_EXPIRES_AT)) {
        chy_buf_add_text(buf, "until it is decided\n");
        return;
    }
    chy_time_format(chy_row_time(&n->wait.row, CHY_APPROVAL_EXPIRES_AT), time);
    chy_buf_add_text(buf, "until ");
    chy_buf_add_text(buf, time);
    chy_buf_add_u8(buf, '\n');
}

static void add_ways(struct chy_buf *buf, const char *id, bool is_change)
{
    chy_buf_add_text(buf, "\nLook at what you agree to, and then approve or reject it:\n\n");
    if (!is_change) {
        chy_buf_add_text(buf, "  chancery request show --approval ");
        chy_buf_add_text(buf, id);
        chy_buf_add_u8(buf, '\n');
    }
    chy_buf_add_text(buf, "  chancery request approve ");
    chy_buf_add_text(buf, id);
    chy_buf_add_text(buf, "\n  chancery request reject ");
    chy_buf_add_text(buf, id);
    chy_buf_add_u8(buf, '\n');
}

static chy_status make_text(struct notice *n, const struct wish *wish, const char *id)
{
    struct chy_buf buf;
    struct chy_slice requester;
    struct chy_uuid requester_id = chy_row_uuid(&n->wait.row, CHY_APPROVAL_REQUESTER_ID);
    bool is_change = chy_row_is_null(&n->wait.row, CHY_APPROVAL_REQUEST_ID);
    CHY_TRY(read_name(n, &requester_id, &requester));
    chy_buf_init(&buf, n->op, TEXT_MAX);
    add_clean(&buf, requester, PIECE);
    chy_buf_add_text(&buf, is_change ? " asked for a change of an approval policy, which waits for "
                                       "your approval.\n\n"
                                     : " asked for a certificate, which waits for your "
                                       "approval.\n\n");
    if (!is_change) {
        add_wish(&buf, wish);
    }
    add_step(n, &buf);
    add_wait(n, &buf);
    add_ways(&buf, id, is_change);
    n->message.text = chy_buf_slice(&buf);
    return chy_buf_ok(&buf) ? CHY_OK : chy_buf_fail(&buf, n->op, "a notification");
}

static chy_status make_data(struct notice *n, const char *id)
{
    json_t *data = chy_json_object(n->op);
    json_t *approval = json_object();
    struct chy_uuid policy_id = chy_row_uuid(&n->wait.row, CHY_APPROVAL_POLICY);
    bool fine = data != NULL && json_object_set_new(data, "approvalRequest", approval) == 0 &&
                chy_json_set_text(approval, "id", chy_text(id)) &&
                chy_json_set_uuid(approval, "policyId", &policy_id) &&
                chy_json_set_int(approval, "step", n->wait.step);
    return fine ? chy_json_write(n->op, data, &n->data) : chy_fail_memory(n->op);
}

static chy_status make_message(struct notice *n)
{
    struct wish wish;
    char id[CHY_UUID_TEXT_SIZE];
    char project[CHY_UUID_TEXT_SIZE];
    struct chy_uuid project_id = chy_row_uuid(&n->wait.row, CHY_APPROVAL_PROJECT_ID);
    struct chy_buf source;
    chy_uuid_format(&n->approval->approval_id, id);
    chy_uuid_format(&project_id, project);
    chy_buf_init(&source, n->op, PIECE);
    chy_buf_add_text(&source, "/projects/");
    chy_buf_add_text(&source, project);
    chy_buf_add_text(&source, "/approval-requests/");
    chy_buf_add_text(&source, id);
    if (!chy_buf_ok(&source)) {
        return chy_buf_fail(&source, n->op, "a notification");
    }
    n->message.source = chy_buf_slice(&source);
    n->message.type = chy_text(TYPE);
    n->message.subject = chy_text("approval-request-opened");
    CHY_TRY(read_wish(n, &wish));
    CHY_TRY(make_title(n, &wish));
    CHY_TRY(make_text(n, &wish, id));
    return make_data(n, id);
}

/* ------------------------------------------------------------------------------------------------
 * One person
 */

/** What the writes for one person borrow. */
struct person {
    struct chy_uuid id;
    struct chy_alert_line line;
};

static void insert_channel(struct chy_batch *batch, const struct person *person)
{
    int64_t now = chy_now(batch->op);
    struct chy_write *write = chy_batch_insert(batch, CHY_C_ALERT_CHANNELS,
                                               CHY_KEY(chy_value_uuid(&person->line.channel_id)));
    chy_write_set(write, CHY_CHANNEL_ALERT_ID, chy_value_uuid(&person->id));
    chy_write_set(write, CHY_CHANNEL_PROJECT_ID, chy_value_uuid(&person->line.project_id));
    chy_write_set(write, CHY_CHANNEL_POSITION, chy_value_int(CHY_CHANNEL_OF_PERSON));
    chy_write_set(write, CHY_CHANNEL_TYPE, chy_value_text(person->line.channel_type));
    chy_write_set(write, CHY_CHANNEL_CONFIG, chy_value_json(chy_text("{}")));
    chy_write_set(write, CHY_CHANNEL_ENABLED, chy_value_bool(true));
    chy_write_set(write, CHY_CHANNEL_ISSUED, chy_value_int(person->line.sequence));
    chy_write_set(write, CHY_CHANNEL_DONE, chy_value_int(person->line.sequence - 1));
    chy_write_set(write, CHY_CHANNEL_ATTEMPTS, chy_value_int(0));
    chy_write_set(write, CHY_CHANNEL_NEXT_AT, chy_value_time(now));
    chy_write_set(write, CHY_CHANNEL_WAITING_SINCE, chy_value_time(now));
    chy_write_set(write, CHY_CHANNEL_CREATED_AT, chy_value_time(now));
    chy_write_set(write, CHY_CHANNEL_UPDATED_AT, chy_value_time(now));
}

static chy_status put_in_line(struct notice *n, const struct chy_uuid *id, const char *error)
{
    struct person *person = chy_alloc(n->op, sizeof *person); // the batch borrows it
    if (person == NULL) {
        return chy_fail_memory(n->op);
    }
    memset(person, 0, sizeof *person);
    person->id = *id;
    person->line.alert_id = n->approval->approval_id;
    person->line.project_id = chy_row_uuid(&n->wait.row, CHY_APPROVAL_PROJECT_ID);
    person->line.sequence = 1;
    person->line.channel_type = chy_text(CHY_APPROVAL_CHANNEL);
    person->line.data = n->data;
    person->line.error = chy_text(error);
    person->line.time = n->approval->time;
    CHY_TRY(chy_runtime_new_uuid(n->runtime, n->op, &person->line.channel_id));
    CHY_TRY(chy_runtime_new_uuid(n->runtime, n->op, &person->line.id));
    struct chy_write *write = chy_alert_line_insert(n->batch, &n->message, &person->line);
    chy_write_set(write, CHY_DELIVERY_IDENTITY_ID, chy_value_uuid(&person->id));
    chy_write_set(write, CHY_DELIVERY_STEP, chy_value_int(n->approval->step));
    if (error[0] == '\0') {
        insert_channel(n->batch, person);
        n->waiting++;
    } else {
        n->given_up++;
    }
    return CHY_OK;
}

/** is_full: somebody for whom so many wait would not read one more. */
static chy_status is_full(struct notice *n, const struct chy_uuid *id, bool *out_full)
{
    struct chy_query query;
    struct chy_storage_page page;
    chy_query_init(&query, n->op, CHY_C_ALERT_CHANNELS, CHY_NO_FIELDS,
                   CHY_ALERT_APPROVER_WAITING_MAX);
    chy_query_eq(&query, CHY_CHANNEL_ALERT_ID, chy_value_uuid(id));
    CHY_TRY(chy_query_run(&query, n->runtime->storage, &page));
    *out_full = page.rows.count >= CHY_ALERT_APPROVER_WAITING_MAX;
    return CHY_OK;
}

/** consider tells an identity, if it is a person for whom the step waits. */
static chy_status consider(struct notice *n, const struct chy_uuid *id)
{
    struct chy_storage_row row;
    bool waits;
    bool full;
    chy_status status =
        chy_storage_read(n->runtime->storage, n->op, CHY_C_IDENTITIES, CHY_KEY(chy_value_uuid(id)),
                         CHY_FIELDS(CHY_IDENTITY_KIND, CHY_IDENTITY_EMAIL), &row);
    if (status != CHY_OK) {
        return status == CHY_NOT_FOUND ? CHY_OK : status;
    }
    if (!chy_slice_is(chy_row_text(&row, 0), "user")) {
        return CHY_OK;
    }
    CHY_TRY(chy_approval_waits_for(&n->wait, id, &waits));
    if (!waits) {
        return CHY_OK;
    }
    if (n->waiting + n->given_up >= CHY_ALERT_APPROVERS_MAX) {
        n->is_cut = true;
        return CHY_OK;
    }
    if (chy_row_text(&row, 1).len == 0) {
        return put_in_line(n, id, "not sent: the person has no e-mail address");
    }
    if (!n->has_mail) {
        return put_in_line(n, id, "not sent: no notifier of this server sends mail");
    }
    CHY_TRY(is_full(n, id, &full));
    return put_in_line(n, id, full ? "not sent: 100 others wait for this person" : "");
}

/* ------------------------------------------------------------------------------------------------
 * All of them
 */

static chy_status consider_listed(struct notice *n, const json_t *approvers)
{
    for (size_t i = 0; i < json_array_size(approvers) && !n->is_cut; i++) {
        struct chy_uuid id;
        if (chy_uuid_parse(chy_json_member(json_array_get(approvers, i), "id"), &id)) {
            CHY_TRY(consider(n, &id));
        }
    }
    return CHY_OK;
}

/** consider_members: a step that lists nobody is for all who may approve. */
static chy_status consider_members(struct notice *n)
{
    struct chy_query query;
    struct chy_storage_page page;
    struct chy_uuid project_id = chy_row_uuid(&n->wait.row, CHY_APPROVAL_PROJECT_ID);
    chy_query_init(&query, n->op, CHY_C_MEMBERSHIPS, CHY_FIELDS(CHY_MEMBERSHIP_IDENTITY_ID),
                   MEMBERS_MAX);
    chy_query_eq(&query, CHY_MEMBERSHIP_PROJECT_ID, chy_value_uuid(&project_id));
    chy_query_order(&query, CHY_MEMBERSHIP_CREATED_AT, false);
    CHY_TRY(chy_query_run(&query, n->runtime->storage, &page));
    for (uint64_t i = 0; i < page.rows.count && !n->is_cut; i++) {
        struct chy_uuid id = chy_row_uuid(chy_page_row(&page, i), 0);
        CHY_TRY(consider(n, &id));
    }
    n->is_cut = n->is_cut || page.more != 0;
    return CHY_OK;
}

static chy_status consider_all(struct notice *n)
{
    const json_t *step = json_array_get(n->wait.steps, (size_t)n->wait.step);
    const json_t *approvers = json_object_get(step, "approvers");
    n->has_mail = chy_approval_mail_works(n->runtime, n->op);
    CHY_TRY(make_message(n));
    return json_array_size(approvers) != 0 ? consider_listed(n, approvers) : consider_members(n);
}

static void say(const struct notice *n)
{
    char id[CHY_UUID_TEXT_SIZE];
    chy_uuid_format(&n->approval->approval_id, id);
    if (n->given_up != 0) {
        chy_metrics_count(chy_metrics_process(), chy_text("alert_deliveries"),
                          chy_text("result=\"given_up\",channel=\"" CHY_APPROVAL_CHANNEL "\""),
                          n->given_up);
        chy_log_warning(n->op, "approval.not-told",
                        "approval request %s, step %lld: %u of %u who may approve are not told: %s",
                        id, (long long)n->approval->step + 1, n->given_up, n->given_up + n->waiting,
                        n->has_mail ? "its notifications say why"
                                    : "no notifier of this server sends mail");
    }
    if (n->is_cut) {
        chy_log_warning(n->op, "approval.many",
                        "approval request %s, step %lld: more may approve than the %u who are told",
                        id, (long long)n->approval->step + 1, n->waiting + n->given_up);
    }
}

chy_status chy_alert_approval_tell(struct chy_runtime *runtime, struct chy_op *op,
                                   const struct chy_alert_approval *approval)
{
    struct chy_batch batch;
    struct notice n = {.runtime = runtime, .op = op, .approval = approval, .batch = &batch};
    chy_status status = chy_approval_wait_read(runtime, op, &approval->approval_id, &n.wait);
    bool is_there = status == CHY_OK;
    if (status != CHY_NOT_FOUND) {
        CHY_TRY(status);
    }
    chy_batch_init(&batch, op, 0);
    chy_write_guard_present(
        chy_batch_delete(&batch, CHY_C_ALERT_EVENTS, CHY_KEY(chy_value_uuid(&approval->event_id))));
    if (is_there && n.wait.step == approval->step) {
        CHY_TRY(consider_all(&n));
    }
    status = chy_batch_commit(&batch, runtime->storage, NULL);
    if (status == CHY_CONFLICT) {
        return CHY_OK; // another node has done it
    }
    CHY_TRY(status);
    say(&n);
    return CHY_OK;
}

/* ------------------------------------------------------------------------------------------------
 * Sending
 */

static chy_status too_late(struct chy_op *op)
{
    return chy_fail(op, CHY_DENIED, 0, "the request does not wait for this person any more");
}

chy_status chy_alert_approval_ready(struct chy_runtime *runtime, struct chy_op *op,
                                    const struct chy_storage_row *row,
                                    struct chy_alert_ready *out_ready)
{
    struct chy_approval_wait wait;
    struct chy_storage_row person;
    bool waits;
    struct chy_uuid approval_id = chy_row_uuid(row, CHY_DELIVERY_ALERT_ID);
    struct chy_uuid id = chy_row_uuid(row, CHY_DELIVERY_IDENTITY_ID);
    json_t *config = chy_json_object(op);
    chy_status status = chy_approval_wait_read(runtime, op, &approval_id, &wait);
    if (status == CHY_NOT_FOUND) {
        return too_late(op);
    }
    CHY_TRY(status);
    CHY_TRY(chy_approval_waits_for(&wait, &id, &waits));
    if (!waits || wait.step != chy_row_int(row, CHY_DELIVERY_STEP)) {
        return too_late(op);
    }
    CHY_TRY(chy_storage_read(runtime->storage, op, CHY_C_IDENTITIES, CHY_KEY(chy_value_uuid(&id)),
                             CHY_FIELDS(CHY_IDENTITY_EMAIL), &person));
    struct chy_slice address = chy_row_text(&person, 0);
    if (address.len == 0) {
        return chy_fail(op, CHY_DENIED, 0, "the person has no e-mail address");
    }
    if (config == NULL || json_object_set_new(config, CHY_APPROVAL_RECIPIENTS,
                                              json_pack("[s%]", (const char *)address.ptr,
                                                        (size_t)address.len)) != 0) {
        return chy_fail_memory(op);
    }
    status =
        chy_alert_channel_try(runtime, op, chy_text(CHY_APPROVAL_CHANNEL), "", config, out_ready);
    if (status != CHY_BAD_INPUT) {
        return status;
    }
    return chy_approval_mail_works(runtime, op)
               ? chy_fail(op, CHY_DENIED, 0, "the notifier takes no mail for the person's address")
               : chy_fail(op, CHY_TRY_LATER, 0, "no notifier of this server sends mail");
}
