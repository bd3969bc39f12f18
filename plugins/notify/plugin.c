/** The descriptor, its options, and the life of an instance. */
#include "address.h"
#include "notify.h"

#include <curl/curl.h>
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <unistd.h>

#define MS_TO_US(ms) ((int64_t)(ms)*1000)
#define HOST_MAX 253

enum option {
    OPTION_TIMEOUT,
    OPTION_SMTP_HOST,
    OPTION_SMTP_PORT,
    OPTION_SMTP_TLS,
    OPTION_SMTP_USER,
    OPTION_SMTP_PASSWORD,
    OPTION_SMTP_FROM,
    OPTION_SMTP_CA_FILE,
    OPTIONS
};

enum tls_mode {
    TLS_STARTTLS = 0,
    TLS_IMPLICIT = 1,
    TLS_NONE = 2
};

static const struct chy_slice tls_modes[] = {CHY_TEXT_INIT("starttls"), CHY_TEXT_INIT("implicit"),
                                             CHY_TEXT_INIT("none")};
static const long tls_ports[] = {587, 465, 25};

#define OPTION(name, type, flags, minimum, maximum, default_text, help)                          \
    {                                                                                            \
        CHY_TEXT_INIT(name), (type), (flags), (minimum), (maximum), CHY_TEXT_INIT(default_text), \
            {NULL, 0, 0}, CHY_TEXT_INIT(help)                                                    \
    }

static const struct chy_option options_table[OPTIONS] = {
    [OPTION_TIMEOUT] = OPTION("timeout", CHY_OPTION_DURATION, 0, MS_TO_US(100), MS_TO_US(300000),
                              "10s", "the longest that one delivery takes"),
    [OPTION_SMTP_HOST] = OPTION("smtp_host", CHY_OPTION_TEXT, 0, 0, HOST_MAX, "",
                                "name or address of the mail server; without it no mail is sent"),
    [OPTION_SMTP_PORT] = OPTION("smtp_port", CHY_OPTION_INT, 0, 0, 65535, "0",
                                "its port; 0: 587 with starttls, 465 with implicit, 25 with none"),
    [OPTION_SMTP_TLS] = {CHY_TEXT_INIT("smtp_tls"), CHY_OPTION_CHOICE, 0, 0, 0,
                         CHY_TEXT_INIT("starttls"), CHY_VIEW_INIT(tls_modes),
                         CHY_TEXT_INIT("starttls, which is then required; implicit: TLS from the "
                                       "first byte; none: nothing is encrypted")},
    [OPTION_SMTP_USER] = OPTION("smtp_user", CHY_OPTION_TEXT, 0, 0, 256, "",
                                "user name to log in with; without it nobody logs in"),
    [OPTION_SMTP_PASSWORD] =
        OPTION("smtp_password", CHY_OPTION_TEXT, CHY_OPTION_SECRET, 0, 1024, "", "its password"),
    [OPTION_SMTP_FROM] = OPTION("smtp_from", CHY_OPTION_TEXT, 0, 0, ADDRESS_MAX, "",
                                "address that mail comes from; required with smtp_host"),
    [OPTION_SMTP_CA_FILE] =
        OPTION("smtp_ca_file", CHY_OPTION_PATH, 0, 0, 0, "",
               "PEM file with the CAs that the mail server's certificate comes from; the system's "
               "if not given"),
};

/* --- options -----------------------------------------------------------------------------------*/

/** keep copies a text for the life of the instance; an empty one stays NULL. */
static chy_status keep(struct chy_op *op, struct chy_slice text, char **out_text)
{
    if (text.len == 0) {
        return CHY_OK;
    }
    *out_text = strndup((const char *)text.ptr, (size_t)text.len);
    return *out_text == NULL ? chy_fail_memory(op) : CHY_OK;
}

static bool is_host(struct chy_slice host)
{
    for (uint64_t i = 0; i < host.len; i++) {
        uint8_t c = host.ptr[i];
        bool is_fine = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '.' || c == ':' || (c == '-' && i != 0);
        if (!is_fine) {
            return false;
        }
    }
    return host.len != 0;
}

static chy_status check_mail(struct chy_op *op, const struct chy_options *options)
{
    struct chy_slice host = chy_option_at(options, OPTION_SMTP_HOST)->text;
    struct chy_slice user = chy_option_at(options, OPTION_SMTP_USER)->text;
    struct chy_slice password = chy_option_at(options, OPTION_SMTP_PASSWORD)->text;
    bool is_plain = chy_option_at(options, OPTION_SMTP_TLS)->number == TLS_NONE;
    if (!is_host(host)) {
        return chy_fail(op, CHY_BAD_INPUT, 0,
                        "smtp_host: expected a name or an address, without scheme and port");
    }
    if (!address_is_valid(chy_option_at(options, OPTION_SMTP_FROM)->text)) {
        return chy_fail(op, CHY_BAD_INPUT, 0,
                        "smtp_from: expected an address such as pki@example.com, which mail comes "
                        "from");
    }
    if ((user.len == 0) != (password.len == 0)) {
        return chy_fail(op, CHY_BAD_INPUT, 0,
                        "smtp_user and smtp_password are given together or not at all");
    }
    if (user.len != 0 && is_plain) {
        return chy_fail(op, CHY_BAD_INPUT, 0,
                        "smtp_tls is none: smtp_password would be sent for everybody to read");
    }
    return CHY_OK;
}

static chy_status make_url(struct chy_op *op, struct mail_server *mail, int64_t port,
                           enum tls_mode tls)
{
    char url[HOST_MAX + 32];
    bool is_ipv6 = strchr(mail->host, ':') != NULL;
    (void)snprintf(url, sizeof url, "%s://%s%s%s:%ld", tls == TLS_IMPLICIT ? "smtps" : "smtp",
                   is_ipv6 ? "[" : "", mail->host, is_ipv6 ? "]" : "",
                   port == 0 ? tls_ports[tls] : (long)port);
    return keep(op, chy_text(url), &mail->url);
}

static chy_status check_file(struct chy_op *op, const char *option, const char *file)
{
    return file == NULL || access(file, R_OK) == 0
               ? CHY_OK
               : chy_fail(op, CHY_BAD_INPUT, errno, "%s: '%s' cannot be read: %s", option, file,
                          strerror(errno));
}

static chy_status read_mail(struct notify *notify, struct chy_op *op,
                            const struct chy_options *options)
{
    struct mail_server *mail = &notify->mail;
    enum tls_mode tls = (enum tls_mode)chy_option_at(options, OPTION_SMTP_TLS)->number;
    CHY_TRY(check_mail(op, options));
    CHY_TRY(keep(op, chy_option_at(options, OPTION_SMTP_HOST)->text, &mail->host));
    CHY_TRY(keep(op, chy_option_at(options, OPTION_SMTP_USER)->text, &mail->user));
    CHY_TRY(keep(op, chy_option_at(options, OPTION_SMTP_PASSWORD)->text, &mail->password));
    CHY_TRY(keep(op, chy_option_at(options, OPTION_SMTP_FROM)->text, &mail->from));
    CHY_TRY(keep(op, chy_option_at(options, OPTION_SMTP_CA_FILE)->text, &mail->ca_file));
    mail->is_plain = tls == TLS_NONE;
    return make_url(op, mail, chy_option_at(options, OPTION_SMTP_PORT)->number, tls);
}

/* --- life --------------------------------------------------------------------------------------*/

static void destroy(void *self)
{
    struct notify *notify = self;
    if (notify == NULL) {
        return;
    }
    if (notify->mail.password != NULL) {
        explicit_bzero(notify->mail.password, strlen(notify->mail.password));
    }
    free(notify->mail.url);
    free(notify->mail.host);
    free(notify->mail.user);
    free(notify->mail.password);
    free(notify->mail.from);
    free(notify->mail.ca_file);
    free(notify);
}

static chy_status create(const struct chy_host *host, struct chy_instance *instance,
                         struct chy_op *op, const struct chy_options *options, void **out_self)
{
    (void)host;
    (void)instance;
    struct notify *notify = calloc(1, sizeof *notify);
    if (notify == NULL) {
        return chy_fail_memory(op);
    }
    notify->timeout = chy_option_at(options, OPTION_TIMEOUT)->number;
    chy_status status = chy_option_at(options, OPTION_SMTP_HOST)->text.len == 0
                            ? CHY_OK
                            : read_mail(notify, op, options);
    if (status != CHY_OK) {
        destroy(notify);
        return status;
    }
    *out_self = notify;
    return CHY_OK;
}

/** supports tells whether the libcurl that is here speaks what we need. */
static bool supports(const char *protocol)
{
    const curl_version_info_data *info = curl_version_info(CURLVERSION_NOW);
    for (const char *const *one = info->protocols; *one != NULL; one++) {
        if (strcmp(*one, protocol) == 0) {
            return true;
        }
    }
    return false;
}

static chy_status start(void *self, struct chy_op *op)
{
    const struct notify *notify = self;
    struct chy_outbound settings;
    memset(&settings, 0, sizeof settings);
    settings.struct_size = (uint32_t)sizeof settings;
    CHY_TRY(chy_outbound_get(op, &settings));
    if (!supports("https") || !supports("smtp") || !supports("smtps")) {
        return chy_fail(op, CHY_UNSUPPORTED, 0, "this libcurl (%s) lacks https or smtp",
                        curl_version());
    }
    CHY_TRY(check_file(op, "outbound.ca_file",
                       settings.ca_file.len == 0 ? NULL : (const char *)settings.ca_file.ptr));
    return check_file(op, "smtp_ca_file", notify->mail.ca_file);
}

static chy_status drain(void *self, struct chy_op *op)
{
    (void)self;
    (void)op;
    return CHY_OK; // nothing is kept here; calls end by their deadlines
}

static void stop(void *self, struct chy_op *op)
{
    (void)self;
    (void)op;
}

/* --- the descriptor ----------------------------------------------------------------------------*/

static const struct chy_interface interfaces[] = {
    {CHY_INTERFACE_NOTIFIER, CHY_NOTIFIER_MINOR, 0, sizeof notify_ops, &notify_ops},
};

static const struct chy_plugin plugin = {
    .struct_size = sizeof plugin,
    .needs_host_minor = 1, // outbound, outbound_address
    .name = CHY_TEXT_INIT("notify"),
    .version = CHY_TEXT_INIT("0.1.0"),
    .licence = CHY_TEXT_INIT("Apache-2.0"),
    .summary = CHY_TEXT_INIT("alerts by webhook, Slack and mail"),
    .built_with = CHY_TEXT_INIT("libcurl " LIBCURL_VERSION ", jansson " JANSSON_VERSION),
    .threading = CHY_THREADS_MANY,
    .options = CHY_VIEW_INIT(options_table),
    .interfaces = CHY_VIEW_INIT(interfaces),
    .create = create,
    .start = start,
    .drain = drain,
    .stop = stop,
    .destroy = destroy,
};

const struct chy_plugin *chancery_plugin_v1(void)
{
    return &plugin;
}
