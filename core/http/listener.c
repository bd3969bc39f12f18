#include "http/inside.h"

#include "base/file.h"
#include "base/slice.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

/** A file of CA certificates is read whole. */
#define CA_FILE_MAX ((size_t)1 << 20)

bool chy_http_library_is_lenient(void)
{
    struct chy_slice version = chy_text(MHD_get_version());
    struct chy_slice old = chy_text("0.9.");
    uint64_t patch;
    return chy_slice_starts_with(version, old) &&
           chy_slice_parse_u64(chy_slice_first(chy_slice_skip(version, old.len), 2), 99, &patch) &&
           patch < 77; // 0.9.77 is strict by itself, and parses in another way
}

static struct chy_http_connection *connection_of(struct MHD_Connection *mhd)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info == NULL ? NULL : info->socket_context;
}

static enum MHD_Result on_accept(void *context, const struct sockaddr *from, socklen_t len)
{
    struct chy_http_listener *listener = context;
    (void)len;
    struct chy_http_address address = chy_http_address_of(from);
    if (chy_http_connections_admit(listener->server->connections, &address)) {
        return MHD_YES;
    }
    chy_http_refused(listener->server, "reason=\"address\"");
    return MHD_NO;
}

static void on_connection(void *context, struct MHD_Connection *mhd, void **socket_context,
                          enum MHD_ConnectionNotificationCode code)
{
    struct chy_http_listener *listener = context;
    if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
        chy_http_connection_remove(*socket_context);
        *socket_context = NULL;
        return;
    }
    const union MHD_ConnectionInfo *from =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    const union MHD_ConnectionInfo *fd =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
    if (from == NULL || fd == NULL) {
        return;
    }
    struct chy_http_address address = chy_http_address_of(from->client_addr);
    *socket_context =
        chy_http_connection_add(listener->server->connections, fd->connect_fd, &address, listener);
}

static void *on_request_line(void *context, const char *target, struct MHD_Connection *mhd)
{
    struct chy_http_connection *connection = connection_of(mhd);
    if (connection == NULL || target == NULL) {
        return NULL;
    }
    return chy_http_exchange_new(context, connection, mhd, target);
}

static enum MHD_Result on_request(void *context, struct MHD_Connection *mhd, const char *url,
                                  const char *method, const char *version, const char *data,
                                  size_t *data_len, void **request_context)
{
    struct chy_http_exchange *x = *request_context;
    (void)context;
    (void)mhd;
    (void)url;
    return x == NULL ? MHD_NO : chy_http_exchange_proceed(x, method, version, data, data_len);
}

static void on_completed(void *context, struct MHD_Connection *mhd, void **request_context,
                         enum MHD_RequestTerminationCode code)
{
    (void)context;
    (void)mhd;
    (void)code;
    if (*request_context != NULL) {
        chy_http_exchange_completed(*request_context);
        *request_context = NULL;
    }
}

/** Leaves percent sequences alone: we decode the target as it was sent. */
static size_t on_unescape(void *context, struct MHD_Connection *mhd, char *text)
{
    (void)context;
    (void)mhd;
    return strlen(text);
}

__attribute__((format(printf, 2, 0))) static void on_log(void *context, const char *format,
                                                         va_list arguments)
{
    struct chy_http_listener *listener = context;
    struct chy_log *log = listener->server->config.log;
    char text[CHY_MESSAGE_MAX];
    // What it reports are the faults of callers, one line each: nothing for a production log.
    if (log == NULL || !chy_log_is_on(log, CHY_LOG_DEBUG)) {
        return;
    }
    (void)vsnprintf(text, sizeof text, format, arguments);
    size_t len = strlen(text);
    while (len > 0 && text[len - 1] == '\n') {
        text[--len] = '\0';
    }
    chy_log_say(log, CHY_LOG_DEBUG, "http.library", "%s", text);
}

/** Called in the TLS handshake: the certificate of now, which a reload may have changed. */
static int on_handshake(gnutls_session_t session, const struct gnutls_cert_retr_st *info,
                        gnutls_pcert_st **out_chain, unsigned int *out_chain_len,
                        gnutls_ocsp_data_st **out_ocsp, unsigned int *out_ocsp_len,
                        gnutls_privkey_t *out_key, unsigned int *out_flags)
{
    (void)info;
    struct MHD_Connection *mhd = gnutls_session_get_ptr(session);
    struct chy_http_connection *connection = mhd == NULL ? NULL : connection_of(mhd);
    if (connection == NULL) {
        return -1;
    }
    const struct chy_http_listener *listener = connection->owner;
    struct chy_tls_identity identity = chy_tls_identity(listener->tls);
    *out_ocsp = NULL;
    *out_ocsp_len = 0;
    *out_chain = identity.chain;
    *out_chain_len = identity.chain_len;
    *out_key = identity.key;
    *out_flags = 0; // all of it is ours to free
    return 0;
}

static char *copy_path(const char *path)
{
    return path == NULL ? NULL : strdup(path);
}

static chy_status init_tls(struct chy_http_listener *listener, struct chy_op *op,
                           const struct chy_http_tls_config *config)
{
    struct chy_slice pem;
    if (config->certificate_file == NULL || config->key_file == NULL) {
        return chy_fail(op, CHY_BAD_INPUT, 0, "TLS needs a certificate file and a key file");
    }
    CHY_TRY(chy_tls_new(op, config->certificate_file, config->key_file, &listener->tls));
    if (config->client_ca_file == NULL) {
        return CHY_OK;
    }
    CHY_TRY(chy_file_read(op, config->client_ca_file, CA_FILE_MAX, &pem));
    listener->client_ca = copy_path((const char *)pem.ptr);
    return listener->client_ca == NULL ? chy_fail_memory(op) : CHY_OK;
}

chy_status chy_http_listener_init(struct chy_http_listener *listener, struct chy_op *op,
                                  struct chy_http_server *server,
                                  const struct chy_http_listener_config *config)
{
    listener->server = server;
    listener->fd = -1;
    listener->kind = config->kind;
    listener->threads = config->threads;
    if (config->kind >= CHY_HTTP_LISTENERS) {
        return chy_fail(op, CHY_BAD_INPUT, 0, "there is no listener of kind %u", config->kind);
    }
    if (listener->threads == 0) {
        long cores = config->kind == CHY_LISTENER_API ? sysconf(_SC_NPROCESSORS_ONLN) : 1;
        listener->threads = cores < 1 ? 1 : (uint32_t)cores;
    }
    CHY_TRY(chy_http_bind_parse(op, config->listen, &listener->bind));
    if (config->tls != NULL) {
        return init_tls(listener, op, config->tls);
    }
    if (config->kind == CHY_LISTENER_API && !listener->bind.loopback) {
        return chy_fail(op, CHY_BAD_INPUT, 0,
                        "the API does not listen on '%.*s' without TLS: tokens and keys would "
                        "travel in clear; give it a certificate and key, or a loopback address",
                        (int)config->listen.len, (const char *)config->listen.ptr);
    }
    return CHY_OK;
}

/** Options that only some listeners have. */
static void add_options(struct chy_http_listener *listener, struct MHD_OptionItem *options)
{
    size_t count = 0;
    gnutls_certificate_retrieve_function3 *handshake = on_handshake; // options lose the type
    if (listener->threads > 1) {
        options[count].option = MHD_OPTION_THREAD_POOL_SIZE;
        options[count++].value = (intptr_t)listener->threads;
    }
    if (listener->tls != NULL) {
        options[count].option = MHD_OPTION_HTTPS_PRIORITIES;
        options[count++].ptr_value = chy_http_unconst(CHY_TLS_PRIORITIES);
        options[count].option = MHD_OPTION_HTTPS_CERT_CALLBACK2;
        memcpy(&options[count++].ptr_value, &handshake, sizeof handshake);
    }
    if (listener->client_ca != NULL) {
        options[count].option = MHD_OPTION_HTTPS_MEM_TRUST;
        options[count++].ptr_value = listener->client_ca;
    }
    options[count].option = MHD_OPTION_END;
}

chy_status chy_http_listener_open(struct chy_http_listener *listener, struct chy_op *op)
{
    const struct chy_http_limits *limits = &listener->server->config.limits;
    struct MHD_OptionItem more[8];
    memset(more, 0, sizeof more);
    CHY_TRY(
        chy_http_bind_open(op, &listener->bind, limits->backlog, &listener->fd, &listener->port));
    add_options(listener, more);
    unsigned int flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_TURBO | MHD_USE_ITC |
                         MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG;
    flags |= listener->tls != NULL ? (unsigned int)MHD_USE_TLS : 0U;
    // Strictness of old versions takes answers away from us and leaves the holes: head.c closes
    // them.
    int strict = listener->server->account_bytes ? 0 : 1;
    // clang-format off
    listener->daemon = MHD_start_daemon(
        flags, 0, on_accept, listener, on_request, listener,
        MHD_OPTION_EXTERNAL_LOGGER, on_log, listener,
        MHD_OPTION_LISTEN_SOCKET, listener->fd,
        MHD_OPTION_STRICT_FOR_CLIENT, strict,
        MHD_OPTION_CONNECTION_LIMIT, limits->connections_max,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)limits->connection_memory,
        MHD_OPTION_NOTIFY_CONNECTION, on_connection, listener,
        MHD_OPTION_NOTIFY_COMPLETED, on_completed, listener,
        MHD_OPTION_URI_LOG_CALLBACK, on_request_line, listener,
        MHD_OPTION_UNESCAPE_CALLBACK, on_unescape, listener,
        MHD_OPTION_ARRAY, more, MHD_OPTION_END);
    // clang-format on
    if (listener->daemon == NULL) {
        (void)close(listener->fd);
        listener->fd = -1;
        return chy_fail(op, CHY_BROKEN, 0, "libmicrohttpd did not start on port %u",
                        listener->port);
    }
    return CHY_OK;
}

void chy_http_listener_quiesce(struct chy_http_listener *listener)
{
    if (listener->daemon == NULL) {
        return;
    }
    // Not MHD_quiesce_daemon(): it takes the socket out of the event thread's set, and so does that
    // thread when it happens to wake; whoever comes second aborts the process.  Something on which
    // nothing ever happens takes the socket's place instead, and callers are refused from here on.
    int nothing = eventfd(0, EFD_CLOEXEC);
    if (nothing >= 0) {
        (void)dup3(nothing, listener->fd, O_CLOEXEC);
        (void)close(nothing);
    }
}

void chy_http_listener_close(struct chy_http_listener *listener)
{
    if (listener->daemon != NULL) {
        MHD_stop_daemon(listener->daemon); // which closes the descriptor
        listener->daemon = NULL;
        listener->fd = -1;
    }
}

void chy_http_listener_fini(struct chy_http_listener *listener)
{
    chy_tls_free(listener->tls);
    free(listener->client_ca);
}
