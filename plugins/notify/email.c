/** Mail, by the server that the configuration file names: no rule of outbound calls holds there. */
#include "address.h"
#include "mail_message.h"
#include "mail_talk.h"
#include "transfer.h"

/** A message on its way into libcurl. */
struct upload {
    struct chy_slice rest;
};

static chy_status check(const struct notify *notify, struct chy_op *op, struct chy_view values)
{
    struct chy_view recipients = channel_value(values, EMAIL_RECIPIENTS).list;
    if (notify->mail.url == NULL) {
        return channel_unfit(op, "recipients",
                             "no mail is sent here: the configuration names no mail server "
                             "(smtp_host)");
    }
    if (recipients.count == 0 || recipients.count > RECIPIENTS_MAX) {
        return channel_unfit(op, "recipients", "expected 1 to %d mail addresses, found %llu",
                             RECIPIENTS_MAX, (unsigned long long)recipients.count);
    }
    for (uint64_t i = 0; i < recipients.count; i++) {
        const struct chy_slice *address = chy_view_at(recipients, i);
        if (!address_is_valid(*address)) {
            return channel_unfit(op, "recipients",
                                 "expected mail addresses such as pki@example.com, in ASCII and "
                                 "without quotes; number %llu is none",
                                 (unsigned long long)i + 1);
        }
    }
    return CHY_OK;
}

static size_t read_message(char *out, size_t size, size_t count, void *context)
{
    struct upload *upload = context;
    size_t room = size * count;
    size_t len = upload->rest.len < room ? (size_t)upload->rest.len : room;
    if (len != 0) {
        memcpy(out, upload->rest.ptr, len);
        upload->rest = chy_slice_of(upload->rest.ptr + len, upload->rest.len - len);
    }
    return len;
}

static chy_status add_recipients(struct transfer *transfer, struct chy_view recipients)
{
    for (uint64_t i = 0; i < recipients.count; i++) {
        char address[ADDRESS_MAX + 3];
        const struct chy_slice *recipient = chy_view_at(recipients, i);
        (void)snprintf(address, sizeof address, "<%.*s>", (int)recipient->len,
                       (const char *)recipient->ptr);
        CHY_TRY(transfer_add(transfer, address));
    }
    return CHY_OK;
}

static chy_status set_server(struct transfer *transfer, const struct mail_server *mail)
{
    SET(CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    SET(CURLOPT_URL, mail->url);
    // Required: a server, or whoever stands before it, does not talk us out of TLS.
    SET(CURLOPT_USE_SSL, (long)(mail->is_plain ? CURLUSESSL_NONE : CURLUSESSL_ALL));
    if (mail->ca_file != NULL) {
        SET(CURLOPT_CAINFO, mail->ca_file);
        SET(CURLOPT_CAPATH, (char *)NULL);
    }
    if (mail->user != NULL) {
        SET(CURLOPT_USERNAME, mail->user);
        SET(CURLOPT_PASSWORD, mail->password);
    }
    return CHY_OK;
}

static chy_status set_message(struct transfer *transfer, const struct mail_server *mail,
                              struct upload *upload, struct mail_talk *talk)
{
    char from[ADDRESS_MAX + 3];
    (void)snprintf(from, sizeof from, "<%s>", mail->from);
    SET(CURLOPT_MAIL_FROM, from);
    SET(CURLOPT_MAIL_RCPT, transfer->list);
    SET(CURLOPT_MAIL_RCPT_ALLLOWFAILS, 1L); // one that is gone keeps no other from it
    SET(CURLOPT_UPLOAD, 1L);
    SET(CURLOPT_READFUNCTION, read_message);
    SET(CURLOPT_READDATA, upload);
    SET(CURLOPT_DEBUGFUNCTION, mail_talk_listen);
    SET(CURLOPT_DEBUGDATA, talk);
    SET(CURLOPT_VERBOSE, 1L);
    return CHY_OK;
}

/** The server has it: who of several gets it not is said in the log, which is the operator's. */
static chy_status accepted(struct transfer *transfer, const struct mail_talk *talk)
{
    unsigned refused = talk->refused_for_good + talk->refused_for_now;
    if (refused != 0) {
        chy_log_warning(transfer->op, "mail.refused",
                        "%s took a mail for %u of %u recipients, and refused the others (%u)",
                        transfer->host, talk->accepted, talk->accepted + refused, talk->refusal);
    }
    return CHY_OK;
}

static chy_status judge(struct transfer *transfer, const struct mail_talk *talk, CURLcode code,
                        struct chy_delivery *out_delivery)
{
    struct chy_op *op = transfer->op;
    if (talk->code == 0 || code == CURLE_ABORTED_BY_CALLBACK || code == CURLE_OPERATION_TIMEDOUT) {
        out_delivery->response_code = talk->code;
        return transfer_fail(transfer, code);
    }
    if (code == CURLE_OK) {
        out_delivery->response_code = talk->code;
        return accepted(transfer, talk);
    }
    bool refused_all = talk->phase == MAIL_RECIPIENT && talk->accepted == 0;
    if (refused_all && talk->refusal != 0) {
        out_delivery->response_code = talk->refusal;
        return chy_fail(op, talk->refused_for_now == 0 ? CHY_BAD_INPUT : CHY_TRY_LATER,
                        talk->refusal, "%s refused every recipient (%u)", transfer->host,
                        talk->refusal);
    }
    out_delivery->response_code = talk->code;
    // 552: too large.  Else the sender, the log-in or the server is at fault, and not this mail.
    bool is_final = (talk->phase == MAIL_END && talk->code >= 500) || talk->code == 552;
    if (is_final || talk->code >= 400) {
        return chy_fail(op, is_final ? CHY_BAD_INPUT : CHY_TRY_LATER, talk->code,
                        "%s refused it with reply %u", transfer->host, talk->code);
    }
    return transfer_fail(transfer, code);
}

static chy_status send_message(struct transfer *transfer, const struct mail_server *mail,
                               const struct chy_notification *notification,
                               struct chy_delivery *out_delivery)
{
    struct mail_talk talk = {MAIL_GREETING, 0, 0, 0, 0, 0, false};
    struct upload upload = {{NULL, 0}};
    struct chy_view recipients = channel_value(notification->values, EMAIL_RECIPIENTS).list;
    transfer->is_exempt = true;
    CHY_TRY(mail_message(transfer->op, notification, mail->from, recipients, &upload.rest));
    CHY_TRY(add_recipients(transfer, recipients));
    CHY_TRY(set_server(transfer, mail));
    CHY_TRY(set_message(transfer, mail, &upload, &talk));
    return judge(transfer, &talk, curl_easy_perform(transfer->handle), out_delivery);
}

static chy_status deliver(const struct notify *notify, struct chy_op *op,
                          const struct chy_notification *notification,
                          struct chy_delivery *out_delivery)
{
    struct transfer transfer;
    chy_status status = transfer_open(&transfer, notify, op, notify->mail.host);
    if (status == CHY_OK) {
        status = send_message(&transfer, &notify->mail, notification, out_delivery);
    }
    transfer_close(&transfer);
    return status;
}

const struct channel channel_email = {check, deliver};
