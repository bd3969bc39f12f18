/**
 * What an enrollment method implements: routes, a method that profiles can name, jobs.
 *
 * A method is how a certificate is asked for: the REST API, EST, ACME, SCEP, CMP, a web page.  Core
 * has never heard of it.  The plugin declares
 *   - its method: the `enrollmentType` that profiles carry, and the options a profile has for it;
 *   - routes: from the declaration come 404, 405, 413, 415, 422, authentication, permission,
 *     metrics and the API description, before and without the handler;
 *   - collections of its own, and jobs that core runs on one node at a time.
 *
 * A handler is plain synchronous code: read the request, fill a typed request, call the host, write
 * the answer.  It may block; core runs it on a worker.  When it returns anything but CHY_OK, core
 * answers with the error record, in the API's envelope or, if the plugin has `render_error`, in the
 * protocol's.
 *
 * Operations may run on many threads at once.  All views of a request live as long as the
 * operation.
 *
 * Change log of this header
 *   1.0  first version
 *   1.1  struct chy_route: resource, answer_types
 */
#ifndef CHANCERY_ENROLLMENT_H
#define CHANCERY_ENROLLMENT_H

#include <chancery/plugin.h>
#include <chancery/storage.h>
#include <chancery/types.h>

CHY_BEGIN_DECLS

#define CHY_ENROLLMENT_MINOR 1U

/** A name with a value: header, parameter, metadata pair. */
struct chy_pair {
    struct chy_slice name;
    struct chy_slice value;
};
CHY_ABI_SIZE(struct chy_pair, 32);

/* ------------------------------------------------------------------------------------------------
 * HTTP
 */

enum chy_listener {
    CHY_LISTENER_API = 0,   /**< TLS (plain on loopback) */
    CHY_LISTENER_PUBLIC = 1 /**< plain HTTP, for what relying parties fetch */
};

/** Reads pieces of a streaming route's body.  `*out_len` 0 and OK: the end. */
struct chy_body_reader {
    uint32_t struct_size;
    uint32_t reserved;
    void *state;
    chy_status (*read)(void *state, struct chy_op *op, struct chy_buffer into, uint64_t *out_len);
};
CHY_ABI_SIZE(struct chy_body_reader, 24);

struct chy_http_request {
    uint32_t struct_size;
    uint32_t listener;           /**< enum chy_listener */
    struct chy_slice method;     /**< upper case */
    struct chy_slice path;       /**< decoded, without query */
    struct chy_slice query_text; /**< as sent */
    struct chy_view parameters;  /**< of struct chy_pair: the {names} of the route's pattern */
    struct chy_view query;       /**< of struct chy_pair, decoded, in order */
    struct chy_view headers;     /**< of struct chy_pair; names lower-case */
    struct chy_slice media_type; /**< of the body, lower-case, without parameters */
    struct chy_slice body;       /**< whole; empty on a streaming route */
    struct chy_slice peer;       /**< the caller's address as text, trusted proxies resolved */
    struct chy_slice peer_certificate; /**< DER, of mutual TLS that was verified; or empty */
    struct chy_slice base_url;         /**< scheme://host[:port] under which the caller sees us */
    const struct chy_body_reader *stream; /**< on a streaming route, until the handler returns */
};
CHY_ABI_SIZE(struct chy_http_request, 216);

enum chy_http_answer_flag {
    CHY_HTTP_SECRET = 1U << 0 /**< no-store; the body is zeroised after sending */
};

/** What a handler fills.  It starts as 200, no body, no headers. */
struct chy_http_answer {
    uint32_t struct_size;
    uint32_t status; /**< HTTP status */
    uint32_t flags;  /**< enum chy_http_answer_flag */
    uint32_t reserved;
    struct chy_slice media_type;
    struct chy_slice body;   /**< in the operation's arena, or static */
    struct chy_view headers; /**< of struct chy_pair, besides what core sets */
};
CHY_ABI_SIZE(struct chy_http_answer, 72);

struct chy_route;

typedef chy_status chy_route_fn(void *self, struct chy_op *op, const struct chy_route *route,
                                const struct chy_http_request *request,
                                struct chy_http_answer *out_answer);

enum chy_auth_mode {
    CHY_AUTH_NONE = 0,   /**< anyone, said on purpose */
    CHY_AUTH_BEARER = 1, /**< an access token; core resolves the principal before the handler */
    CHY_AUTH_MTLS = 2,   /**< a verified client certificate */
    CHY_AUTH_METHOD = 3  /**< the plugin proves the caller and says so by host->authenticate */
};

enum chy_route_flag {
    CHY_ROUTE_PUBLIC = 1U << 0,    /**< also on the public listener */
    CHY_ROUTE_STREAMING = 1U << 1, /**< the handler reads the body itself */
    CHY_ROUTE_DEPRECATED = 1U << 2,
    CHY_ROUTE_EMPTY_BODY = 1U << 3, /**< a body may be absent although there is a schema */
    CHY_ROUTE_SECRET = 1U << 4      /**< request or answer holds a secret: buffers are zeroised */
};

enum chy_route_resource_flag {
    CHY_ROUTE_FROM_QUERY = 1U << 0 /**< the document is made of the query's parameters */
};

/**
 * What a route asks the host's resource service for, and with what.  The host describes such a
 * route by the tables that the service goes by.
 */
struct chy_route_resource {
    uint32_t struct_size;
    uint32_t flags; /**< enum chy_route_resource_flag */
    struct chy_slice kind;
    struct chy_slice action;
    struct chy_slice id;     /**< the path parameter that names the object; empty: none does */
    struct chy_view members; /**< of struct chy_pair: a path parameter, and the member of the
                                    document that it becomes */
};
CHY_ABI_SIZE(struct chy_route_resource, 80);

/**
 * One route: element of `chy_enrollment_ops.routes`.
 *
 * `pattern` is a path with {name} segments: "/api/v1/cert-manager/certificates/{id}".  A literal
 * segment wins over a {name} at the same place.
 *
 * `request_schema` and `answer_schema` are JSON Schema (2020-12, the part that docs/plugin-guide.md
 * lists).  A JSON body is checked against it before the handler runs: what does not fit is answered
 * 422 with each issue.  Keys that the schema does not know are left alone.
 */
struct chy_route {
    struct chy_slice method;
    struct chy_slice pattern;
    struct chy_slice operation;      /**< identifier, unique in the plugin: "issueCertificate" */
    struct chy_slice summary;        /**< one line */
    uint32_t auth;                   /**< enum chy_auth_mode */
    uint32_t flags;                  /**< enum chy_route_flag */
    struct chy_slice subject;        /**< permission: "certificates" …; empty: any principal */
    struct chy_slice action;         /**< permission: "read", "create", "issue" … */
    uint64_t body_limit;             /**< bytes; 0: no body is taken */
    struct chy_view media_types;     /**< of struct chy_slice: what the body may be; empty: JSON */
    struct chy_slice request_schema; /**< may be empty */
    struct chy_slice answer_schema;  /**< may be empty */
    chy_route_fn *handle;
    const void *context; /**< the plugin's own, for handlers that serve many routes */
    /** For the description: what it asks the resource service for, or NULL. */
    const struct chy_route_resource *resource;
    struct chy_view answer_types; /**< of struct chy_slice: what an answer is that is no JSON */
};
CHY_ABI_SIZE(struct chy_route, 216);

/* ------------------------------------------------------------------------------------------------
 * Enrolling
 */

/**
 * One attribute of a subject.  `present` 0 means: no value, and the profile's default not either.
 */
struct chy_subject_attribute {
    struct chy_slice type; /**< "common_name", "organization", "organizational_unit", "country",
                                 "state", "locality", "domain_component" */
    struct chy_slice value;
    uint32_t present;
    uint32_t reserved;
};
CHY_ABI_SIZE(struct chy_subject_attribute, 40);

/** One subject alternative name. */
struct chy_alt_name {
    struct chy_slice type; /**< "dns_name", "ip_address", "email", "uri", "upn", or an alias */
    struct chy_slice value;
};
CHY_ABI_SIZE(struct chy_alt_name, 32);

enum chy_enroll_flag {
    CHY_ENROLL_REMOVE_ROOTS = 1U << 0,      /**< leave self-signed certificates out of the chain */
    CHY_ENROLL_KEY_USAGES = 1U << 1,        /**< key_usages is given, even if empty */
    CHY_ENROLL_EXT_KEY_USAGES = 1U << 2,    /**< extended_key_usages is given, even if empty */
    CHY_ENROLL_BASIC_CONSTRAINTS = 1U << 3, /**< is_ca and path_length are given */
    CHY_ENROLL_NO_WAIT = 1U << 4,           /**< answer CHY_ENROLL_PENDING rather than wait long */
    CHY_ENROLL_ALT_NAMES = 1U << 5,         /**< alt_names is given, even if empty */
    /* Of a renewal, which keeps what is not given: */
    CHY_ENROLL_KEY_ALGORITHM = 1U << 6,       /**< key_algorithm is given, even if empty */
    CHY_ENROLL_SIGNATURE_ALGORITHM = 1U << 7, /**< signature_algorithm is given, even if empty */
    CHY_ENROLL_METADATA = 1U << 8             /**< metadata is given, even if empty */
};

/** What is asked for.  With a `csr`, subject, names, usages and key are the CSR's. */
struct chy_enroll_request {
    uint32_t struct_size;
    uint32_t flags;                      /**< enum chy_enroll_flag */
    struct chy_slice method;             /**< the enrolling method: "api" */
    struct chy_slice profile_id;         /**< uuid text */
    struct chy_slice application_id;     /**< uuid text, or empty */
    struct chy_slice csr;                /**< PKCS#10, PEM or DER; or empty */
    struct chy_view subject;             /**< of struct chy_subject_attribute */
    struct chy_view alt_names;           /**< of struct chy_alt_name */
    struct chy_view key_usages;          /**< of struct chy_slice: "digital_signature" … */
    struct chy_view extended_key_usages; /**< of struct chy_slice: "server_auth" … */
    struct chy_slice key_algorithm; /**< "RSA_2048" …; empty: the policy's first, or default */
    struct chy_slice signature_algorithm; /**< "RSA-SHA256" …; empty: one that fits the CA */
    struct chy_slice ttl;                 /**< "1y", "90d", "12h", "7776000s"; or empty */
    struct chy_slice not_before;          /**< date, or empty; not together with ttl */
    struct chy_slice not_after;
    struct chy_view metadata; /**< of struct chy_pair */
    uint32_t is_ca;
    int32_t path_length;           /**< −1: not given */
    struct chy_slice authority_id; /**< uuid text: instead of profile_id, the CA's only profile */
};
CHY_ABI_SIZE(struct chy_enroll_request, 296);

enum chy_enroll_state {
    CHY_ENROLL_ISSUED = 1,
    CHY_ENROLL_PENDING = 2,
    CHY_ENROLL_FAILED = 3,
    CHY_ENROLL_PENDING_APPROVAL = 4,
    CHY_ENROLL_REJECTED = 5,
    CHY_ENROLL_CANCELLED = 6
};

/** What became of it.  The certificate members are empty until CHY_ENROLL_ISSUED. */
struct chy_enroll_answer {
    uint32_t struct_size;
    uint32_t state;                  /**< enum chy_enroll_state */
    struct chy_slice request_id;     /**< uuid text */
    struct chy_slice certificate_id; /**< uuid text */
    struct chy_slice serial_number;  /**< lower-case hexadecimal */
    struct chy_slice certificate;    /**< DER */
    struct chy_view chain;           /**< of struct chy_slice, DER: issuing CA and up */
    struct chy_slice certificate_pem;
    struct chy_slice issuer_pem; /**< empty for a self-signed certificate */
    struct chy_slice chain_pem;
    struct chy_slice
        private_key_pem;      /**< PKCS#8, secret; only of a key made here, for who may see it */
    struct chy_slice message; /**< for people: why it failed or what it waits for */
    int64_t not_before;       /**< µs UTC */
    int64_t not_after;
    struct chy_view
        adjustments; /**< of struct chy_slice: what was clamped or dropped, for people */
};
CHY_ABI_SIZE(struct chy_enroll_answer, 216);

enum chy_renewal_key {
    CHY_RENEW_KEY_DEFAULT = 0, /**< of the CSR, if given; else new if it was made here, else kept */
    CHY_RENEW_KEY_NEW = 1,     /**< made here */
    CHY_RENEW_KEY_REUSE = 2,   /**< the old certificate's */
    CHY_RENEW_KEY_CSR = 3
};

/**
 * What shall be renewed.  What is not given stays as it is in the old certificate; profile defaults
 * fill nothing in.  An attribute with `present` 0 leaves the type out, a list whose flag is set
 * takes the old one's place, even if empty.  With a `csr` names and usages are the CSR's.
 */
struct chy_renew_request {
    uint32_t struct_size;
    uint32_t flags; /**< enum chy_enroll_flag */
    struct chy_slice method;
    struct chy_slice certificate_id; /**< uuid text */
    uint32_t key_source;             /**< enum chy_renewal_key */
    uint32_t reserved;
    struct chy_slice csr;
    struct chy_slice ttl; /**< empty, as the dates are: as long as the old one lived */
    struct chy_slice not_before;
    struct chy_slice not_after;
    struct chy_view subject;             /**< of struct chy_subject_attribute */
    struct chy_view alt_names;           /**< of struct chy_alt_name */
    struct chy_view key_usages;          /**< of struct chy_slice */
    struct chy_view extended_key_usages; /**< of struct chy_slice */
    struct chy_slice key_algorithm;      /**< not with a key that stays */
    struct chy_slice signature_algorithm;
    struct chy_view metadata; /**< of struct chy_pair */
    uint32_t is_ca;
    int32_t path_length; /**< −1: not given */
};
CHY_ABI_SIZE(struct chy_renew_request, 272);

struct chy_revoke_request {
    uint32_t struct_size;
    uint32_t reason; /**< CRLReason, RFC 5280 5.3.1; 8 (removeFromCRL) ends a hold */
    struct chy_slice method;
    struct chy_slice certificate_id; /**< uuid text, or empty when the serial number names it */
    struct chy_slice generation_id;  /**< of the key that signed it; empty: the number alone does */
    struct chy_slice serial_number;
};
CHY_ABI_SIZE(struct chy_revoke_request, 72);

struct chy_revoke_answer {
    uint32_t struct_size;
    uint32_t reserved;
    struct chy_slice serial_number;
    int64_t revoked_at; /**< µs UTC; 0: a hold ended */
};
CHY_ABI_SIZE(struct chy_revoke_answer, 32);

struct chy_chain_answer {
    uint32_t struct_size;
    uint32_t reserved;
    struct chy_view certificates; /**< of struct chy_slice, DER, issuing CA first */
    struct chy_slice pem;         /**< the same, one after another */
};
CHY_ABI_SIZE(struct chy_chain_answer, 48);

/** Who the caller is, proved by the plugin (CHY_AUTH_METHOD). */
struct chy_caller_claim {
    uint32_t struct_size;
    uint32_t reserved;
    struct chy_slice method;
    struct chy_slice profile_id; /**< uuid text: the caller acts within this profile */
    struct chy_slice
        credential_id;         /**< stable name of the account, key or passphrase that proved it */
    struct chy_slice evidence; /**< for the audit row: what was checked; no secret */
};
CHY_ABI_SIZE(struct chy_caller_claim, 72);

/* ------------------------------------------------------------------------------------------------
 * The method
 */

/** A job that core runs on one node at a time, under a lease. */
struct chy_job {
    struct chy_slice name;
    int64_t period; /**< µs between runs */
    chy_status (*run)(void *self, struct chy_op *op);
};
CHY_ABI_SIZE(struct chy_job, 32);

struct chy_enrollment_ops {
    struct chy_slice method;         /**< the enrollmentType: "api"; empty: none (a web page) */
    struct chy_slice method_summary; /**< one line */
    /** What a profile may set for the method, of struct chy_option; core validates and keeps it as
     *  the profile's `<method>Config`, with camelCase names, sealed where secret. */
    struct chy_view profile_options;
    struct chy_view routes;      /**< of struct chy_route */
    struct chy_view collections; /**< of struct chy_collection; core prefixes the instance */
    struct chy_view jobs;        /**< of struct chy_job */
    /**
     * Optional.  Turns an error into the protocol's own answer.  `out_answer->status` holds the
     * HTTP status that core would send.
     */
    chy_status (*render_error)(void *self, struct chy_op *op, const struct chy_route *route,
                               const struct chy_error *error, struct chy_http_answer *out_answer);
};
CHY_ABI_SIZE(struct chy_enrollment_ops, 136);

CHY_END_DECLS

#endif
