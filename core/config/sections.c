#include "config/sections.h"

#include "base/time.h"

#define NO_DEFAULT \
    {              \
        NULL, 0    \
    }
#define NO_CHOICES \
    {              \
        NULL, 0, 0 \
    }
/** The least that OWASP's cheat sheet on password storage has for Argon2id: 19 MiB, two passes. */
#define PASSWORD_MEMORY_MIN (INT64_C(19) * 1024 * 1024)
#define PASSWORD_PASSES_MIN 2

#define AT(member) offsetof(struct chy_config, member)

#define KEY(name, type, flags, minimum, maximum, default_text, member, help) \
    {                                                                        \
        {CHY_TEXT_INIT(name),                                                \
         (type),                                                             \
         (flags),                                                            \
         (minimum),                                                          \
         (maximum),                                                          \
         CHY_TEXT_INIT(default_text),                                        \
         NO_CHOICES,                                                         \
         CHY_TEXT_INIT(help)},                                               \
            AT(member)                                                       \
    }
#define CHOICE(name, flags, choices, default_text, member, help)                                 \
    {                                                                                            \
        {CHY_TEXT_INIT(name),    CHY_OPTION_CHOICE,  (flags), 0, 0, CHY_TEXT_INIT(default_text), \
         CHY_VIEW_INIT(choices), CHY_TEXT_INIT(help)},                                           \
            AT(member)                                                                           \
    }

static const struct chy_slice log_levels[] = {CHY_TEXT_INIT("error"), CHY_TEXT_INIT("warning"),
                                              CHY_TEXT_INIT("info"), CHY_TEXT_INIT("debug")};
static const struct chy_slice log_formats[] = {CHY_TEXT_INIT("json"), CHY_TEXT_INIT("text")};

/** By enum chy_http_forwarding. */
static const struct chy_slice forwarding_headers[] = {CHY_TEXT_INIT("x-forwarded-for"),
                                                      CHY_TEXT_INIT("forwarded")};

static const struct chy_config_key top_keys[] = {
    KEY("data_dir", CHY_OPTION_PATH, 0, 0, 0, "/var/lib/chancery", data_dir,
        "where plugin instances keep their files"),
    KEY("kek", CHY_OPTION_TEXT, CHY_OPTION_REQUIRED | CHY_OPTION_SECRET, 1, 4096, "", kek,
        "the key that seals all others: file:PATH, credential:NAME, or the text itself"),
};

static const struct chy_config_key role_keys[] = {
    KEY("ca", CHY_OPTION_TEXT, 0, 0, 0, "", roles.ca,
        "crypto instance that keeps CA keys; the first one if not given"),
    KEY("leaf", CHY_OPTION_TEXT, 0, 0, 0, "", roles.leaf,
        "crypto instance that makes keys for certificates; the first one if not given"),
    KEY("seal", CHY_OPTION_TEXT, 0, 0, 0, "", roles.seal,
        "crypto instance that holds the kek; the first one if not given"),
};

static const struct chy_config_key plugin_keys[] = {
    KEY("directory", CHY_OPTION_PATH, 0, 0, 0, "", plugins.directory,
        "where plugins are loaded from; lib/chancery/plugins beside the program if not given"),
    KEY("trust_owner", CHY_OPTION_BOOL, 0, 0, 0, "false", plugins.trust_owner,
        "also load plugins owned by the user who runs the daemon, not only root's"),
};

static const struct chy_config_key api_keys[] = {
    KEY("listen", CHY_OPTION_TEXT, 0, 1, 300, ":8443", api.listen,
        "address:port of the API; without an address, all of them"),
    KEY("tls_certificate", CHY_OPTION_PATH, CHY_OPTION_RELOADABLE, 0, 0, "", api.tls_certificate,
        "PEM file with the server's certificate and its chain; without it plain HTTP, on loopback "
        "only"),
    KEY("tls_key", CHY_OPTION_PATH, CHY_OPTION_RELOADABLE, 0, 0, "", api.tls_key,
        "PEM file with its private key"),
    KEY("tls_client_ca", CHY_OPTION_PATH, 0, 0, 0, "", api.tls_client_ca,
        "PEM file with the CAs whose client certificates are accepted; without it none are asked "
        "for"),
    KEY("body_max", CHY_OPTION_SIZE, 0, 1024, 64 * 1024 * 1024, "1m", api.body_max,
        "the largest request body that any route may take"),
    KEY("header_max", CHY_OPTION_SIZE, 0, 1024, 64 * 1024, "16k", api.header_max,
        "request line and headers together"),
    KEY("connections", CHY_OPTION_INT, 0, 1, 1000000, "4096", api.connections,
        "connections of one listener"),
    KEY("connections_per_address", CHY_OPTION_INT, 0, 1, 1000000, "256",
        api.connections_per_address, "connections of one client address"),
    KEY("header_timeout", CHY_OPTION_DURATION, 0, CHY_US_PER_SECOND, CHY_US_PER_HOUR, "10s",
        api.header_timeout, "from connecting to the end of the headers"),
    KEY("body_timeout", CHY_OPTION_DURATION, 0, CHY_US_PER_SECOND, CHY_US_PER_HOUR, "30s",
        api.body_timeout, "from the end of the headers to the end of the body"),
    KEY("idle_timeout", CHY_OPTION_DURATION, 0, CHY_US_PER_SECOND, CHY_US_PER_DAY, "60s",
        api.idle_timeout, "between requests of a connection that is kept alive"),
    KEY("request_timeout", CHY_OPTION_DURATION, 0, CHY_US_PER_SECOND, CHY_US_PER_HOUR, "30s",
        api.request_timeout, "what a request may take to be served"),
};

static const struct chy_config_key limit_keys[] = {
    KEY("requests_per_address", CHY_OPTION_INT, 0, 0, 1000000000, "60000",
        limits.requests_per_address, "API requests a minute from one address; 0: no limit"),
    KEY("requests_per_identity", CHY_OPTION_INT, 0, 0, 1000000000, "60000",
        limits.requests_per_identity, "API requests a minute by one identity; 0: no limit"),
};

static const struct chy_config_key public_keys[] = {
    KEY("listen", CHY_OPTION_TEXT, 0, 1, 300, ":8080", public_listener.listen,
        "address:port of the plain HTTP listener for CRLs and CA certificates"),
};

static const struct chy_config_key metrics_keys[] = {
    KEY("enabled", CHY_OPTION_BOOL, 0, 0, 0, "false", metrics.enabled, "serve metrics at all"),
    KEY("listen", CHY_OPTION_TEXT, 0, 1, 300, "127.0.0.1:9464", metrics.listen,
        "address:port of the metrics listener"),
};

static const struct chy_config_key pki_keys[] = {
    KEY("public_url", CHY_OPTION_TEXT, 0, 0, 1024, "", pki.public_url,
        "http URL of the public listener as relying parties see it: stands in certificates for "
        "good"),
    KEY("backdate", CHY_OPTION_DURATION, CHY_OPTION_RELOADABLE, 0, CHY_US_PER_DAY, "60s",
        pki.backdate, "how long before now a certificate begins"),
    KEY("crl_lifetime", CHY_OPTION_DURATION, CHY_OPTION_RELOADABLE, CHY_US_PER_HOUR,
        366 * CHY_US_PER_DAY, "7d", pki.crl_lifetime, "how long a CRL is good for"),
    KEY("delta_lifetime", CHY_OPTION_DURATION, CHY_OPTION_RELOADABLE, 10 * CHY_US_PER_MINUTE,
        366 * CHY_US_PER_DAY, "1d", pki.delta_lifetime,
        "how long a delta CRL is good for, at most as long as a CRL"),
    KEY("crl_dir", CHY_OPTION_PATH, 0, 0, 0, "", pki.crl_dir,
        "folder into which CRLs and CA certificates are written, for a web server; empty: none"),
    KEY("ocsp_lifetime", CHY_OPTION_DURATION, CHY_OPTION_RELOADABLE, CHY_US_PER_MINUTE,
        7 * CHY_US_PER_DAY, "1h", pki.ocsp_lifetime, "how long an OCSP answer is good for"),
    KEY("ocsp_signing_rate", CHY_OPTION_INT, CHY_OPTION_RELOADABLE, 1, 1000000, "2000",
        pki.ocsp_signing_rate,
        "OCSP answers that are signed in a second, at most: who asks beyond it is to try later"),
    KEY("shard_size", CHY_OPTION_INT, 0, 1, 20000, "10000", pki.shard_size,
        "certificates that share one CRL; holds for CA keys made from now on"),
    KEY("clock_back_tolerance", CHY_OPTION_DURATION, CHY_OPTION_RELOADABLE, CHY_US_PER_SECOND,
        CHY_US_PER_DAY, "60s", pki.clock_back_tolerance,
        "signing stops when the clock is further behind the latest time seen"),
    KEY("clock_ahead_tolerance", CHY_OPTION_DURATION, CHY_OPTION_RELOADABLE, CHY_US_PER_MINUTE,
        30 * CHY_US_PER_DAY, "1h", pki.clock_ahead_tolerance,
        "cleaning up pauses for a day when the clock jumps further ahead"),
};

static const struct chy_config_key worker_keys[] = {
    KEY("threads", CHY_OPTION_INT, 0, 1, 1024, "128", workers.threads,
        "requests that are served at once; threads are started on demand"),
    KEY("queue", CHY_OPTION_INT, 0, 0, 100000, "1024", workers.queue,
        "requests that wait for a thread; more are answered 503"),
    KEY("drain", CHY_OPTION_DURATION, 0, 0, CHY_US_PER_HOUR, "30s", workers.drain,
        "what requests in hand are given when the daemon stops"),
    KEY("request_memory", CHY_OPTION_SIZE, 0, 1024 * 1024, 1024 * 1024 * 1024, "32m",
        workers.request_memory, "what one request may allocate"),
};

static const struct chy_config_key log_keys[] = {
    CHOICE("level", CHY_OPTION_RELOADABLE, log_levels, "info", log.level,
           "the least urgent level that is written"),
    CHOICE("format", CHY_OPTION_RELOADABLE, log_formats, "json", log.format,
           "one line of JSON, or text for people"),
};

static const struct chy_config_key access_keys[] = {
    KEY("trusted_proxies", CHY_OPTION_TEXT_LIST, 0, 0, 256, "", access.trusted_proxies,
        "addresses and networks whose forwarding headers count"),
    CHOICE("forwarding_header", 0, forwarding_headers, "x-forwarded-for", access.forwarding_header,
           "which header the proxies write; the other one is whatever a caller wrote"),
    KEY("session_ttl", CHY_OPTION_DURATION, 0, CHY_US_PER_MINUTE, 365 * CHY_US_PER_DAY, "12h",
        access.session_ttl, "how long a person stays logged in without renewing the token"),
    KEY("session_max_ttl", CHY_OPTION_DURATION, 0, CHY_US_PER_MINUTE, 365 * CHY_US_PER_DAY, "7d",
        access.session_max_ttl, "… and with renewing it, before the password is asked for again"),
    KEY("password_memory", CHY_OPTION_SIZE, 0, PASSWORD_MEMORY_MIN, 1024 * 1024 * 1024, "64m",
        access.password_memory, "memory that hashing a password takes; two are hashed at once"),
    KEY("password_passes", CHY_OPTION_INT, 0, PASSWORD_PASSES_MIN, 64, "3", access.password_passes,
        "how often it goes over that memory"),
    KEY("password_lanes", CHY_OPTION_INT, 0, 1, 16, "4", access.password_lanes,
        "in how many parts, which a cracker may compute at once"),
};

static const struct chy_config_key audit_keys[] = {
    KEY("file", CHY_OPTION_PATH, 0, 0, 0, "", audit.file,
        "the audit is also written there, as lines of JSON; SIGHUP opens it anew"),
    KEY("syslog", CHY_OPTION_PATH, 0, 0, 0, "", audit.syslog,
        "the audit also goes to this local syslog socket: /dev/log"),
    KEY("syslog_server", CHY_OPTION_TEXT, 0, 0, 300, "", audit.syslog_server,
        "the audit also goes to this syslog server, as RFC 5424: udp://host:port, tcp://host:port"),
    KEY("syslog_max", CHY_OPTION_SIZE, 0, 2048, 64 * 1024 - 1024, "8k", audit.syslog_max,
        "bytes of one message to syslog_server; rows that have more go without their detail"),
    KEY("retention", CHY_OPTION_DURATION, 0, 0, 36500 * CHY_US_PER_DAY, "0s", audit.retention,
        "how long rows of the audit are kept, at least 1d; 0s: for ever"),
};

static const struct chy_config_key outbound_keys[] = {
    KEY("allow", CHY_OPTION_TEXT_LIST, 0, 0, 256, "", outbound.allow,
        "networks that alerts may be sent to although they are private or this machine's own"),
    KEY("ca_file", CHY_OPTION_PATH, 0, 0, 0, "", outbound.ca_file,
        "PEM file with the CAs that receivers' certificates come from; the system's if not given"),
};

static const struct chy_config_key alert_keys[] = {
    KEY("give_up_after", CHY_OPTION_DURATION, 0, CHY_US_PER_MINUTE, 90 * CHY_US_PER_DAY, "7d",
        alerts.give_up_after, "how long a notification is tried that its receiver does not take"),
};

#define SECTION(name, keys, help)                          \
    {                                                      \
        name, help, keys, sizeof(keys) / sizeof((keys)[0]) \
    }

static const struct chy_config_section sections[] = {
    SECTION("", top_keys, "the daemon"),
    SECTION("roles", role_keys, "which crypto instance does what"),
    SECTION("plugins", plugin_keys,
            "where plugins come from; pins: SHA-256 of their files by name"),
    SECTION("api", api_keys, "the API listener"),
    SECTION("limits", limit_keys, "how often who may ask"),
    SECTION("public", public_keys, "the listener for relying parties"),
    SECTION("metrics", metrics_keys, "the metrics listener"),
    SECTION("pki", pki_keys, "what certificates and CRLs carry"),
    SECTION("workers", worker_keys, "the worker threads"),
    SECTION("log", log_keys, "the log, on standard error"),
    SECTION("access", access_keys, "tokens and log-ins"),
    SECTION("audit", audit_keys, "where else the audit goes, and how long it is kept"),
    SECTION("outbound", outbound_keys, "calls to machines that a project names"),
    SECTION("alerts", alert_keys, "what people are told"),
};

const struct chy_config_section *chy_config_sections(size_t *out_count)
{
    *out_count = sizeof sections / sizeof sections[0];
    return sections;
}
