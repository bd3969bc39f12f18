/** TLS of the API listener: versions, client certificates, reload.  openssl(1) makes the
 *  certificates. */
#include "fixture.h"

#include "test_main.h"
#include "test_op.h"

#include <fcntl.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define END "Host: test\r\n\r\n"

static char folder[] = "/tmp/chancery-http-XXXXXX";

/** posix_spawnp() takes arguments that it could change; it does not. */
static bool run(const char *const *arguments)
{
    char *const *unchanged;
    memcpy(&unchanged, &arguments, sizeof unchanged);
    pid_t pid;
    int status = -1;
    posix_spawn_file_actions_t quiet;
    bool ok =
        posix_spawn_file_actions_init(&quiet) == 0 &&
        posix_spawn_file_actions_addopen(&quiet, STDERR_FILENO, "/dev/null", O_WRONLY, 0) == 0 &&
        posix_spawnp(&pid, arguments[0], &quiet, NULL, unchanged, environ) == 0 &&
        waitpid(pid, &status, 0) == pid && status == 0;
    (void)posix_spawn_file_actions_destroy(&quiet);
    return ok;
}

/** Makes NAME.key and a self-signed NAME.pem of the common name `subject`. */
static void make_certificate(const char *name, const char *subject)
{
    char key[96];
    char certificate[96];
    char distinguished[64];
    (void)snprintf(key, sizeof key, "%s/%s.key", folder, name);
    (void)snprintf(certificate, sizeof certificate, "%s/%s.pem", folder, name);
    (void)snprintf(distinguished, sizeof distinguished, "/CN=%s", subject);
    const char *const arguments[] = {"openssl",
                                     "req",
                                     "-x509",
                                     "-newkey",
                                     "ec",
                                     "-pkeyopt",
                                     "ec_paramgen_curve:P-256",
                                     "-nodes",
                                     "-days",
                                     "2",
                                     "-subj",
                                     distinguished,
                                     "-keyout",
                                     key,
                                     "-out",
                                     certificate,
                                     NULL};
    ck_assert(run(arguments));
}

static const char *path_of(const char *name)
{
    static char paths[8][96];
    static unsigned next;
    char *path = paths[next++ % 8];
    (void)snprintf(path, 96, "%s/%s", folder, name);
    return path;
}

static void remove_folder(void)
{
    static const char *const names[] = {"server.key", "server.pem", "client.key",
                                        "client.pem", "other.key",  "other.pem"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        (void)unlink(path_of(names[i]));
    }
    (void)rmdir(folder);
}

/** A TLS client of GnuTLS. */
struct tls_client {
    int fd;
    gnutls_session_t session;
    gnutls_certificate_credentials_t credentials;
    char subject[64]; // of the server's certificate
};

/** Connects; false: the handshake failed. */
static bool tls_connect(struct tls_client *client, uint16_t port, const char *priorities,
                        const char *identity)
{
    memset(client, 0, sizeof *client);
    client->fd = client_connect(port);
    ck_assert_int_eq(gnutls_certificate_allocate_credentials(&client->credentials), 0);
    if (identity != NULL) {
        char key[32];
        char certificate[32];
        (void)snprintf(key, sizeof key, "%s.key", identity);
        (void)snprintf(certificate, sizeof certificate, "%s.pem", identity);
        ck_assert_int_eq(gnutls_certificate_set_x509_key_file(client->credentials,
                                                              path_of(certificate), path_of(key),
                                                              GNUTLS_X509_FMT_PEM),
                         0);
    }
    ck_assert_int_eq(gnutls_init(&client->session, GNUTLS_CLIENT), 0);
    ck_assert_int_eq(gnutls_priority_set_direct(client->session, priorities, NULL), 0);
    ck_assert_int_eq(
        gnutls_credentials_set(client->session, GNUTLS_CRD_CERTIFICATE, client->credentials), 0);
    gnutls_transport_set_int(client->session, client->fd);
    int code = GNUTLS_E_AGAIN;
    while (code < 0 && gnutls_error_is_fatal(code) == 0) {
        code = gnutls_handshake(client->session);
    }
    if (code < 0) {
        return false;
    }
    unsigned int count = 0;
    const gnutls_datum_t *chain = gnutls_certificate_get_peers(client->session, &count);
    gnutls_x509_crt_t certificate;
    size_t len = sizeof client->subject;
    ck_assert_uint_ge(count, 1);
    ck_assert_int_eq(gnutls_x509_crt_init(&certificate), 0);
    ck_assert_int_eq(gnutls_x509_crt_import(certificate, chain, GNUTLS_X509_FMT_DER), 0);
    ck_assert_int_eq(gnutls_x509_crt_get_dn(certificate, client->subject, &len), 0);
    gnutls_x509_crt_deinit(certificate);
    return true;
}

static void tls_close(struct tls_client *client)
{
    gnutls_deinit(client->session);
    gnutls_certificate_free_credentials(client->credentials);
    (void)close(client->fd);
}

/** Asks, and reads up to the answer's body in one record or a few. */
static const char *tls_ask(struct tls_client *client, const char *request)
{
    static char answer[4096];
    size_t len = 0;
    ck_assert_int_eq(gnutls_record_send(client->session, request, strlen(request)),
                     (ssize_t)strlen(request));
    memset(answer, 0, sizeof answer);
    while (strstr(answer, "\r\n\r\n") == NULL || strstr(answer, "\r\n\r\n")[4] == '\0') {
        ssize_t got = gnutls_record_recv(client->session, answer + len, sizeof answer - 1 - len);
        if (got == GNUTLS_E_AGAIN || got == GNUTLS_E_INTERRUPTED) {
            continue;
        }
        ck_assert_msg(got > 0, "%s", got == 0 ? "closed" : gnutls_strerror((int)got));
        len += (size_t)got;
    }
    return answer;
}

static void start(struct fixture *f, const struct chy_http_tls_config *tls)
{
    make_certificate("server", "first");
    fixture_init(f);
    f->listeners[0].tls = tls;
    f->listeners[0].listen = chy_text("0.0.0.0:0");
    fixture_start(f);
}

START_TEST(answers_over_tls)
{
    struct fixture f;
    struct tls_client client;
    struct chy_http_tls_config tls = {path_of("server.pem"), path_of("server.key"), NULL};
    start(&f, &tls);
    ck_assert(tls_connect(&client, f.port, "NORMAL", NULL));
    ck_assert_str_eq(client.subject, "CN=first");
    ck_assert_int_eq(gnutls_protocol_get_version(client.session), GNUTLS_TLS1_3);
    for (int i = 0; i < 5; i++) {
        const char *answer = tls_ask(&client, "GET /describe/x HTTP/1.1\r\n" END);
        ck_assert(strncmp(answer, "HTTP/1.1 200", 12) == 0);
        ck_assert_ptr_nonnull(strstr(answer, "base=https://test\n"));
        answer = tls_ask(&client, "POST /echo HTTP/1.1\r\nContent-Length: 2\r\n" END "{}");
        ck_assert_ptr_nonnull(strstr(answer, "\r\n\r\n{}"));
    }
    tls_close(&client);
    fixture_stop(&f);
}
END_TEST

static const struct {
    const char *priorities;
    bool ok;
} handshakes[] = {
    {"NORMAL:-VERS-ALL:+VERS-TLS1.3", true},
    {"NORMAL:-VERS-ALL:+VERS-TLS1.2", true},
    {"NORMAL:-VERS-ALL:+VERS-TLS1.1:+VERS-TLS1.0:%COMPAT", false},
    {"NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+RSA", false},
    {"NORMAL:-VERS-ALL:+VERS-TLS1.2:-CIPHER-ALL:+AES-128-CBC", false},
};

START_TEST(takes_modern_tls_only)
{
    struct fixture f;
    struct tls_client client;
    struct chy_http_tls_config tls = {path_of("server.pem"), path_of("server.key"), NULL};
    start(&f, &tls);
    ck_assert_msg(tls_connect(&client, f.port, handshakes[_i].priorities, NULL) ==
                      handshakes[_i].ok,
                  "%s", handshakes[_i].priorities);
    tls_close(&client);
    fixture_stop(&f);
}
END_TEST

START_TEST(plain_http_gets_nothing)
{
    struct fixture f;
    struct chy_http_tls_config tls = {path_of("server.pem"), path_of("server.key"), NULL};
    start(&f, &tls);
    int fd = client_connect(f.port);
    client_say(fd, "GET /hello HTTP/1.1\r\n" END);
    ck_assert(client_is_closed(fd, 2000) || atomic_load(&f.state.ran) == 0);
    (void)close(fd);
    fixture_stop(&f);
}
END_TEST

START_TEST(a_handshake_that_stalls_is_cut_off)
{
    struct fixture f;
    struct chy_http_tls_config tls = {path_of("server.pem"), path_of("server.key"), NULL};
    make_certificate("server", "first");
    fixture_init(&f);
    f.listeners[0].tls = &tls;
    f.config.limits.header_deadline = 300000;
    fixture_start(&f);
    int fd = client_connect(f.port);
    ck_assert(client_send(fd, "\x16\x03\x01\x02", 4));
    ck_assert(client_is_closed(fd, 3000));
    (void)close(fd);
    fixture_stop(&f);
}
END_TEST

START_TEST(reload_takes_a_new_certificate)
{
    struct fixture f;
    struct tls_client before;
    struct tls_client after;
    struct chy_http_tls_config tls = {path_of("server.pem"), path_of("server.key"), NULL};
    start(&f, &tls);
    ck_assert(tls_connect(&before, f.port, "NORMAL", NULL));
    make_certificate("server", "second");
    ck_assert_int_eq(chy_http_server_reload(f.server, f.op), CHY_OK);
    ck_assert(tls_connect(&after, f.port, "NORMAL", NULL));
    ck_assert_str_eq(after.subject, "CN=second");
    ck_assert_ptr_nonnull(strstr(tls_ask(&before, "GET /hello HTTP/1.1\r\n" END), "hello"));
    ck_assert_ptr_nonnull(strstr(tls_ask(&after, "GET /hello HTTP/1.1\r\n" END), "hello"));
    tls_close(&before);
    tls_close(&after);
    fixture_stop(&f);
}
END_TEST

START_TEST(a_bad_reload_changes_nothing)
{
    struct fixture f;
    struct tls_client client;
    struct chy_http_tls_config tls = {path_of("server.pem"), path_of("server.key"), NULL};
    start(&f, &tls);
    make_certificate("other", "other");
    ck_assert_int_eq(rename(path_of("other.key"), path_of("server.key")), 0);
    ck_assert_int_eq(chy_http_server_reload(f.server, f.op), CHY_BAD_INPUT);
    ck_assert_ptr_nonnull(strstr(test_op_message(f.op), "does not belong"));
    ck_assert_int_eq(truncate(path_of("server.pem"), 10), 0);
    ck_assert_int_eq(chy_http_server_reload(f.server, f.op), CHY_BAD_INPUT);
    ck_assert_ptr_nonnull(strstr(test_op_message(f.op), "server.pem"));
    ck_assert_int_eq(unlink(path_of("server.pem")), 0);
    ck_assert_int_eq(chy_http_server_reload(f.server, f.op), CHY_NOT_FOUND);
    ck_assert(tls_connect(&client, f.port, "NORMAL", NULL));
    ck_assert_str_eq(client.subject, "CN=first");
    tls_close(&client);
    fixture_stop(&f);
}
END_TEST

/** "client" is trusted, "other" is not; NULL: no certificate. */
static const struct {
    const char *identity;
    bool ok;
} callers[] = {{"client", true}, {"other", false}, {NULL, false}};

START_TEST(client_certificates_are_verified)
{
    struct fixture f;
    struct tls_client client;
    make_certificate("client", "caller");
    make_certificate("other", "caller");
    struct chy_http_tls_config tls = {path_of("server.pem"), path_of("server.key"),
                                      path_of("client.pem")};
    start(&f, &tls);
    // Without the issuers' names the client would keep what it thinks unfit to itself.
    ck_assert(tls_connect(&client, f.port, "NORMAL", callers[_i].identity));
    const char *answer = tls_ask(&client, "GET /mtls HTTP/1.1\r\n" END);
    ck_assert_msg(strncmp(answer, callers[_i].ok ? "HTTP/1.1 200" : "HTTP/1.1 401", 12) == 0, "%s",
                  answer);
    ck_assert(!callers[_i].ok || strstr(answer, "certificate=yes\n") != NULL);
    // Routes of other kinds stay open.
    answer = tls_ask(&client, "GET /describe/x HTTP/1.1\r\n" END);
    ck_assert(strncmp(answer, "HTTP/1.1 200", 12) == 0);
    ck_assert_ptr_nonnull(
        strstr(answer, callers[_i].ok ? "certificate=yes\n" : "certificate=no\n"));
    tls_close(&client);
    fixture_stop(&f);
}
END_TEST

int main(void)
{
    const struct test_entry entries[] = {
        TEST(answers_over_tls),
        TEST_EACH(takes_modern_tls_only, handshakes),
        TEST(plain_http_gets_nothing),
        TEST(a_handshake_that_stalls_is_cut_off),
        TEST_EACH(client_certificates_are_verified, callers),
        TEST(reload_takes_a_new_certificate),
        TEST(a_bad_reload_changes_nothing),
    };
    if (mkdtemp(folder) == NULL) {
        return EXIT_FAILURE;
    }
    int result = test_run("http_server_tls", entries, sizeof entries / sizeof entries[0]);
    remove_folder();
    return result;
}
