/**
 * The configuration of a daemon: one YAML file, checked whole before anything else happens.
 *
 * Every key is declared once, in the tables of sections.h; checking, `config print` and the
 * documentation come from them. A loaded configuration lives as long as the operation that loaded
 * it.
 */
#ifndef CHY_CONFIG_CONFIG_H
#define CHY_CONFIG_CONFIG_H

#include "config/options.h"
#include "config/yaml.h"

#include <chancery/plugin.h>

#include <stdbool.h>

#define CHY_CONFIG_INSTANCES_MAX 16U

/** One configured plugin instance.  Its options are checked when its plugin is loaded
 *  (chy_config_instance_options()). */
struct chy_config_instance {
    struct chy_slice name;
    struct chy_slice plugin;             /**< name of the .so without its ending */
    const struct chy_yaml_node *options; /**< NULL: none given */
    struct chy_slice path;               /**< of the options: "crypto[0].options" */
    uint32_t line;                       /**< of its plugin; 0: not written, a default */
    uint32_t column;
};

struct chy_config_pin {
    struct chy_slice plugin;
    struct chy_slice sha256; /**< 64 lower-case hexadecimal digits */
};

/** Texts are NUL-terminated past their length; paths are absolute.  Durations are µs, sizes bytes.
 *  CHOICEs are the index in their option's choices. */
struct chy_config {
    struct chy_slice file;      /**< as given */
    struct chy_slice directory; /**< of the file: where relative paths start */
    const struct chy_yaml_node *root;
    struct chy_options_source source;
    struct chy_problems problems;

    struct chy_slice data_dir;
    struct chy_slice kek; /**< secret: the content of the file, or the credential */

    struct chy_config_instance storage;
    struct chy_config_instance crypto[CHY_CONFIG_INSTANCES_MAX];
    uint32_t crypto_count;
    struct chy_config_instance enrollment[CHY_CONFIG_INSTANCES_MAX];
    uint32_t enrollment_count;
    struct chy_config_instance notifier[CHY_CONFIG_INSTANCES_MAX]; /**< may be none */
    uint32_t notifier_count;

    struct {
        struct chy_slice ca; /**< name of a crypto instance, like the next two */
        struct chy_slice leaf;
        struct chy_slice seal;
    } roles;

    struct {
        struct chy_slice directory; /**< empty: beside the program */
        bool trust_owner;
        const struct chy_config_pin *pins;
        uint64_t pin_count;
    } plugins;

    struct {
        struct chy_slice listen;
        struct chy_slice tls_certificate; /**< empty: plain HTTP, loopback only; like tls_key */
        struct chy_slice tls_key;
        struct chy_slice tls_client_ca; /**< empty: client certificates are not asked for */
        int64_t body_max;
        int64_t header_max;
        int64_t connections;
        int64_t connections_per_address;
        int64_t header_timeout;
        int64_t body_timeout;
        int64_t idle_timeout;
        int64_t request_timeout; /**< deadline of an operation */
    } api;

    struct {
        int64_t requests_per_address; /**< a minute; 0: no limit, like the next */
        int64_t requests_per_identity;
    } limits;

    struct {
        struct chy_slice listen;
    } public_listener; /**< section "public" */

    struct {
        bool enabled;
        struct chy_slice listen;
    } metrics;

    struct {
        struct chy_slice
            public_url; /**< "http://pki.example.com", no final slash; empty: not given */
        int64_t backdate;
        int64_t crl_lifetime;
        int64_t delta_lifetime;
        struct chy_slice crl_dir; /**< empty: none */
        int64_t ocsp_lifetime;
        int64_t ocsp_signing_rate;
        int64_t shard_size;
        int64_t clock_back_tolerance;  /**< below the high-water time: signing stops beyond it */
        int64_t clock_ahead_tolerance; /**< a larger jump ahead pauses destructive jobs */
    } pki;

    struct {
        int64_t threads;
        int64_t queue;
        int64_t drain;
        int64_t request_memory; /**< what one request may take */
    } workers;

    struct {
        int64_t level;  /**< enum chy_log_level */
        int64_t format; /**< enum chy_log_format */
    } log;

    struct {
        struct chy_slice file;          /**< empty: none */
        struct chy_slice syslog;        /**< a local socket; empty: none */
        int64_t retention;              /**< 0: for ever */
        struct chy_slice syslog_server; /**< "udp://host:port", "tcp://host:port"; empty: none */
        int64_t syslog_max;             /**< bytes of one message to it */
    } audit;

    struct {
        struct chy_view trusted_proxies; /**< of struct chy_slice: addresses or networks */
        int64_t session_ttl;             /**< of a person's token */
        int64_t session_max_ttl;         /**< renewing goes no further */
        int64_t password_memory;         /**< Argon2id: bytes */
        int64_t password_passes;
        int64_t password_lanes;
        int64_t forwarding_header; /**< enum chy_http_forwarding */
    } access;

    struct {
        struct chy_view allow;    /**< of struct chy_slice: addresses or networks */
        struct chy_slice ca_file; /**< empty: the system's CAs */
    } outbound;

    struct {
        int64_t give_up_after; /**< of a delivery that fails again and again */
    } alerts;
};

/** chy_config_load reads and checks a file.  The error lists every problem (problems.h). */
CHY_MUST_USE chy_status chy_config_load(struct chy_op *op, const char *path,
                                        struct chy_config **out_config);
/** chy_config_from_text does the same for text; `name` stands for the file in messages, and
 *  relative paths start at `directory`, an absolute path. */
CHY_MUST_USE chy_status chy_config_from_text(struct chy_op *op, struct chy_slice name,
                                             struct chy_slice directory, struct chy_slice text,
                                             struct chy_config **out_config);

/** chy_config_instance_options checks an instance's options against its plugin's table, a view of
 *  struct chy_option.  The error lists every problem.  The result has the instance's name. */
CHY_MUST_USE chy_status chy_config_instance_options(struct chy_op *op, struct chy_config *config,
                                                    const struct chy_config_instance *instance,
                                                    struct chy_view table,
                                                    struct chy_options *out_options);

/** chy_config_require_serve checks what only `serve` needs: pki.public_url, and TLS for an API
 *  listener that is not on loopback. */
CHY_MUST_USE chy_status chy_config_require_serve(struct chy_op *op, struct chy_config *config);

/** chy_config_check_files tells of files that are named and not there, and of a CA file that has no
 *  certificate.  One that this user may not read is left to whom it is for. */
CHY_MUST_USE chy_status chy_config_check_files(struct chy_op *op, struct chy_config *config);

/** chy_config_listen_is_loopback tells whether "address:port" stays on this machine. */
CHY_MUST_USE bool chy_config_listen_is_loopback(struct chy_slice listen);

/** chy_config_scrub_environment wipes and removes the variables that gave secrets. */
void chy_config_scrub_environment(struct chy_config *config);

#endif
