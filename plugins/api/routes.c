#include "api.h"

#include "answers.h"
#include "flat.h"
#include "issue_schema.h"

/**
 * Every route of the REST API.  Most are one line: what the resource service is asked.  The table
 * is made of macros so that each line says only what differs.
 */

#define V1 "/api/v1"
#define CM V1 "/cert-manager"
#define PKI V1 "/pki"

/** Bodies of management requests; enrolling takes a CSR of any algorithm. */
#define SMALL (64U * 1024U)
#define LARGE (96U * 1024U)
#define CHAIN (768U * 1024U)

/** `resource` and `answer_types` are told when the plugin is loaded (api_route_table). */
#define UNTOLD     \
    NULL,          \
    {              \
        NULL, 0, 0 \
    }
#define ROUTE(method, path, name, text, auth, flags, subject, action, limit, media, schema, run, \
              context)                                                                           \
    {                                                                                            \
        CHY_TEXT_INIT(method), CHY_TEXT_INIT(path), CHY_TEXT_INIT(name), CHY_TEXT_INIT(text),    \
            auth, flags, CHY_TEXT_INIT(subject), CHY_TEXT_INIT(action), limit, media, schema,    \
            {NULL, 0}, run, context, UNTOLD                                                      \
    }
/** A route whose answer is not the resource service's. */
#define ANSWERED(method, path, name, text, auth, flags, subject, action, limit, media, schema, \
                 answer, run)                                                                  \
    {                                                                                          \
        CHY_TEXT_INIT(method), CHY_TEXT_INIT(path), CHY_TEXT_INIT(name), CHY_TEXT_INIT(text),  \
            auth, flags, CHY_TEXT_INIT(subject), CHY_TEXT_INIT(action), limit, media, schema,  \
            CHY_TEXT_INIT(answer), run, NULL, UNTOLD                                           \
    }

#define JSON_ONLY  \
    {              \
        NULL, 0, 0 \
    }
#define NO_SCHEMA \
    {             \
        NULL, 0   \
    }
#define RESOURCE(...) (&(const struct api_resource){__VA_ARGS__})

/** A request without a body, one with a body, one with an optional body. */
#define READ(path, name, text, subject, action, ...)                                             \
    ROUTE("GET", path, name, text, CHY_AUTH_BEARER, 0, subject, action, 0, JSON_ONLY, NO_SCHEMA, \
          api_serve_resource, RESOURCE(__VA_ARGS__))
#define SECRET_READ(path, name, text, subject, action, ...)                               \
    ROUTE("GET", path, name, text, CHY_AUTH_BEARER, CHY_ROUTE_SECRET, subject, action, 0, \
          JSON_ONLY, NO_SCHEMA, api_serve_resource, RESOURCE(__VA_ARGS__))
#define SEND(method, path, name, text, subject, action, limit, ...)                        \
    ROUTE(method, path, name, text, CHY_AUTH_BEARER, 0, subject, action, limit, JSON_ONLY, \
          NO_SCHEMA, api_serve_resource, RESOURCE(__VA_ARGS__))
#define SECRET_SEND(path, name, text, subject, action, limit, ...)                             \
    ROUTE("POST", path, name, text, CHY_AUTH_BEARER, CHY_ROUTE_SECRET, subject, action, limit, \
          JSON_ONLY, NO_SCHEMA, api_serve_resource, RESOURCE(__VA_ARGS__))
#define REMOVE(path, name, text, subject, ...)                                                  \
    ROUTE("DELETE", path, name, text, CHY_AUTH_BEARER, CHY_ROUTE_EMPTY_BODY, subject, "delete", \
          SMALL, JSON_ONLY, NO_SCHEMA, api_serve_resource, RESOURCE(__VA_ARGS__))

/** A part of an object goes: that changes the object. */
#define REMOVE_PART(path, name, text, subject, ...)                                           \
    ROUTE("DELETE", path, name, text, CHY_AUTH_BEARER, CHY_ROUTE_EMPTY_BODY, subject, "edit", \
          SMALL, JSON_ONLY, NO_SCHEMA, api_serve_resource, RESOURCE(__VA_ARGS__))

/** A request whose body may be missing. */
#define SEND_MAYBE(path, name, text, subject, action, ...)                                         \
    ROUTE("POST", path, name, text, CHY_AUTH_BEARER, CHY_ROUTE_EMPTY_BODY, subject, action, SMALL, \
          JSON_ONLY, NO_SCHEMA, api_serve_resource, RESOURCE(__VA_ARGS__))

/** A vote: its comment may be missing. */
#define VOTE(word, name, text, action_asked)                                              \
    SEND_MAYBE(CERT_APPROVALS "/requests/{id}/" word, name, text, REQUESTS, action_asked, \
               .kind = APPROVAL_REQUESTS, .action = word, .id = "id")

/** The routes of an object that has only the ordinary actions. */
#define ORDINARY(base, Name, Names, what, whats, subject)                                        \
    SEND("POST", base, "create" Name, "Create a " what ".", subject, "create", SMALL,            \
         .kind = subject, .action = "create"),                                                   \
        READ(base, "list" Names, "List " whats ".", subject, "read", .kind = subject,            \
             .action = "list", .from_query = true),                                              \
        READ(base "/{id}", "get" Name, "Get a " what ".", subject, "read", .kind = subject,      \
             .action = "get", .id = "id"),                                                       \
        SEND("PATCH", base "/{id}", "update" Name, "Change a " what ".", subject, "edit", SMALL, \
             .kind = subject, .action = "update", .id = "id"),                                   \
        REMOVE(base "/{id}", "delete" Name, "Delete a " what ".", subject, .kind = subject,      \
               .action = "delete", .id = "id")

#define PROFILES "certificate-profiles"
#define POLICIES "certificate-policies"
#define AUTHORITIES "certificate-authorities"
#define CERTIFICATES "certificates"
#define REQUESTS "certificate-requests"
#define APPLICATIONS "applications"
#define APPLICATION_MEMBERS "application-members"
#define PROJECTS "projects"
#define ROLES "roles"
#define IDENTITIES "identities"
#define UNIVERSAL_AUTH "universal-auth"
#define CLIENT_SECRETS "client-secrets"
#define MEMBERSHIPS "identity-memberships"
#define USERS "users"
#define AUDIT_LOGS "audit-logs"

#define APPROVALS "approval-policies"
#define ALERTS "pki-alerts"
#define ALERT_KIND "alerts"
#define APPROVAL_REQUESTS "approval-requests"
#define GRANTS "approval-grants"

#define BY_SERIAL "certificates-by-serial"
#define SERIAL PKI "/certificates/{serialNumber}"

/** An older route that enrolls. */
#define FLAT(path, name, text)                                                                   \
    ANSWERED("POST", path, name, text, CHY_AUTH_BEARER, CHY_ROUTE_SECRET | CHY_ROUTE_DEPRECATED, \
             CERTIFICATES, "issue", LARGE, JSON_ONLY, CHY_TEXT_INIT(API_FLAT_SCHEMA),            \
             API_FLAT_ANSWER, api_issue_flat)

/** The routes of certificate profiles, which clients know under two paths. */
#define PROFILE_ROUTES(base, Legacy)                                                              \
    ORDINARY(base, Legacy "CertificateProfile", Legacy "CertificateProfiles",                     \
             "certificate profile", "certificate profiles", PROFILES),                            \
        READ(base "/slug/{slug}", "get" Legacy "CertificateProfileBySlug",                        \
             "Get a certificate profile by its slug.", PROFILES, "read", .kind = PROFILES,        \
             .action = "by-slug", .into = {"slug"}, .as = {"slug"}, .from_query = true),          \
        READ(base "/{id}/certificates", "list" Legacy "CertificatesOfProfile",                    \
             "List the certificates of a profile.", CERTIFICATES, "read", .kind = CERTIFICATES,   \
             .action = "list-of-profile", .into = {"id"}, .as = {"profileId"},                    \
             .from_query = true),                                                                 \
        SECRET_READ(base "/{id}/certificates/latest-active-bundle",                               \
                    "get" Legacy "LatestActiveBundle",                                            \
                    "Get the profile's valid certificate that ends last, with chain and private " \
                    "key.",                                                                       \
                    CERTIFICATES, "read", .kind = CERTIFICATES, .action = "latest-active-bundle", \
                    .into = {"id"}, .as = {"profileId"})

#define APPLICATION_PROFILE CM "/applications/{id}/profiles/{profileId}"
#define CA CM "/ca/internal"
#define CERT_APPROVALS V1 "/approval-policies/cert-request"
#define CM_ALERTS CM "/alerts"
#define UA V1 "/auth/universal-auth"
#define UA_IDENTITY UA "/identities/{identityId}"
#define PROJECT_ROLES V1 "/projects/{projectId}/roles"
#define PROJECT_IDENTITIES V1 "/projects/{projectId}/identities"

static const struct chy_slice login_types[] = {
    CHY_TEXT_INIT("application/json"),
    CHY_TEXT_INIT("application/x-www-form-urlencoded"),
};

static const struct chy_route api_routes[] = {
    ANSWERED("GET", "/api/status", "getStatus", "Tell that the service runs.", CHY_AUTH_NONE, 0, "",
             "", 0, JSON_ONLY, NO_SCHEMA, API_STATUS_ANSWER, api_status),

    /* --- projects ------------------------------------------------------------------------------*/
    ORDINARY(V1 "/projects", "Project", "Projects", "project", "projects", PROJECTS),
    READ(V1 "/projects/slug/{slug}", "getProjectBySlug", "Get a project by its slug.", PROJECTS,
         "read", .kind = PROJECTS, .action = "by-slug", .into = {"slug"}, .as = {"slug"}),
    SEND("POST", CM "/instance/active-project", "setActiveProject",
         "Choose the project that requests without a projectId mean.", PROJECTS, "edit", SMALL,
         .kind = PROJECTS, .action = "activate"),

    /* --- policies and profiles -----------------------------------------------------------------*/
    ORDINARY(CM "/certificate-policies", "CertificatePolicy", "CertificatePolicies",
             "certificate policy", "certificate policies", POLICIES),
    PROFILE_ROUTES(CM "/certificate-profiles", ""),
    PROFILE_ROUTES(PKI "/certificate-profiles", "Legacy"),

    /* --- applications --------------------------------------------------------------------------*/
    ORDINARY(CM "/applications", "Application", "Applications", "application", "applications",
             APPLICATIONS),
    READ(CM "/applications/by-name/{name}", "getApplicationByName",
         "Get an application by its name.", APPLICATIONS, "read", .kind = APPLICATIONS,
         .action = "by-name", .into = {"name"}, .as = {"name"}, .from_query = true),
    READ(CM "/applications/{id}/profiles", "listApplicationProfiles",
         "List the profiles of an application.", APPLICATIONS, "read", .kind = APPLICATIONS,
         .action = "profiles", .id = "id"),
    SEND("POST", CM "/applications/{id}/profiles", "addApplicationProfiles",
         "Let an application enroll by more profiles.", APPLICATIONS, "edit", SMALL,
         .kind = APPLICATIONS, .action = "add-profiles", .id = "id"),
    REMOVE_PART(APPLICATION_PROFILE, "removeApplicationProfile",
                "Let an application enroll by a profile no more.", APPLICATIONS,
                .kind = APPLICATIONS, .action = "remove-profile", .id = "id", .into = {"profileId"},
                .as = {"profileId"}),
    READ(APPLICATION_PROFILE "/enrollment", "getApplicationEnrollment",
         "Get how an application enrolls by a profile.", APPLICATIONS, "read", .kind = APPLICATIONS,
         .action = "enrollment", .id = "id", .into = {"profileId"}, .as = {"profileId"}),
    SEND("PUT", APPLICATION_PROFILE "/enrollment/{method}", "setApplicationEnrollment",
         "Set how an application enrolls by a profile, instead of as the profile says.",
         APPLICATIONS, "edit", SMALL, .kind = APPLICATIONS, .action = "set-enrollment", .id = "id",
         .into = {"profileId", "method"}, .as = {"profileId", "method"}),
    REMOVE_PART(APPLICATION_PROFILE "/enrollment/{method}", "clearApplicationEnrollment",
                "Let an application enroll as the profile says.", APPLICATIONS,
                .kind = APPLICATIONS, .action = "clear-enrollment", .id = "id",
                .into = {"profileId", "method"}, .as = {"profileId", "method"}),

    READ(CM "/applications/{id}/identities", "listApplicationIdentities",
         "List the identities that have a role in an application.", APPLICATIONS, "read",
         .kind = APPLICATION_MEMBERS, .action = "list", .id = "id"),
    SEND("POST", CM "/applications/{id}/identities", "createApplicationIdentity",
         "Give an identity a role in an application.", APPLICATIONS, "edit", SMALL,
         .kind = APPLICATION_MEMBERS, .action = "create", .id = "id"),
    SEND("POST", CM "/applications/{id}/identities/{identityId}", "addApplicationIdentity",
         "Give an identity a role in an application.", APPLICATIONS, "edit", SMALL,
         .kind = APPLICATION_MEMBERS, .action = "create", .id = "id", .into = {"identityId"},
         .as = {"identityId"}),
    SEND("PATCH", CM "/applications/{id}/identities/{identityId}", "updateApplicationIdentity",
         "Change an identity's role in an application.", APPLICATIONS, "edit", SMALL,
         .kind = APPLICATION_MEMBERS, .action = "update", .id = "id", .into = {"identityId"},
         .as = {"identityId"}),
    REMOVE_PART(CM "/applications/{id}/identities/{identityId}", "removeApplicationIdentity",
                "Take an identity out of an application.", APPLICATIONS,
                .kind = APPLICATION_MEMBERS, .action = "delete", .id = "id", .into = {"identityId"},
                .as = {"identityId"}),
    READ(CM "/applications/{id}/users", "listApplicationUsers",
         "List the people of an application apart from its identities: none.", APPLICATIONS, "read",
         .kind = APPLICATION_MEMBERS, .action = "list-others", .id = "id"),
    SEND("POST", CM "/applications/{id}/users", "addApplicationUsers",
         "Refused: people have their roles as identities.", APPLICATIONS, "edit", SMALL,
         .kind = APPLICATION_MEMBERS, .action = "refuse-user", .id = "id"),
    SEND("PATCH", CM "/applications/{id}/users/{userId}", "updateApplicationUser",
         "Refused: people have their roles as identities.", APPLICATIONS, "edit", SMALL,
         .kind = APPLICATION_MEMBERS, .action = "refuse-user", .id = "id", .into = {"userId"},
         .as = {"otherId"}),
    REMOVE_PART(CM "/applications/{id}/users/{userId}", "removeApplicationUser",
                "Refused: people have their roles as identities.", APPLICATIONS,
                .kind = APPLICATION_MEMBERS, .action = "refuse-user", .id = "id",
                .into = {"userId"}, .as = {"otherId"}),
    READ(CM "/applications/{id}/groups", "listApplicationGroups",
         "List the groups of an application: none.", APPLICATIONS, "read",
         .kind = APPLICATION_MEMBERS, .action = "list-others", .id = "id"),
    SEND("POST", CM "/applications/{id}/groups/{groupId}", "addApplicationGroup",
         "Refused: there are no groups here.", APPLICATIONS, "edit", SMALL,
         .kind = APPLICATION_MEMBERS, .action = "refuse-group", .id = "id", .into = {"groupId"},
         .as = {"otherId"}),
    SEND("PATCH", CM "/applications/{id}/groups/{groupId}", "updateApplicationGroup",
         "Refused: there are no groups here.", APPLICATIONS, "edit", SMALL,
         .kind = APPLICATION_MEMBERS, .action = "refuse-group", .id = "id", .into = {"groupId"},
         .as = {"otherId"}),
    REMOVE_PART(CM "/applications/{id}/groups/{groupId}", "removeApplicationGroup",
                "Refused: there are no groups here.", APPLICATIONS, .kind = APPLICATION_MEMBERS,
                .action = "refuse-group", .id = "id", .into = {"groupId"}, .as = {"otherId"}),

    /* --- certificate authorities ---------------------------------------------------------------*/
    READ(CM "/ca", "listCertificateAuthorities", "List certificate authorities of every type.",
         AUTHORITIES, "read", .kind = AUTHORITIES, .action = "list-all", .from_query = true),
    ORDINARY(CA, "InternalCertificateAuthority", "InternalCertificateAuthorities",
             "certificate authority", "certificate authorities", AUTHORITIES),
    READ(CA "/{id}/csr", "getCertificateAuthorityCsr",
         "Get a certification request for the CA's key, for another CA to sign.", AUTHORITIES,
         "read", .kind = AUTHORITIES, .action = "csr", .id = "id"),
    SEND("POST", CA "/{id}/certificate", "generateCertificateAuthorityCertificate",
         "Make the CA's certificate: signed by itself (root) or by a parent.", AUTHORITIES,
         "create", SMALL, .kind = AUTHORITIES, .action = "generate-certificate", .id = "id"),
    READ(CA "/{id}/certificate", "getCertificateAuthorityCertificate",
         "Get the CA's certificate in use.", AUTHORITIES, "read", .kind = AUTHORITIES,
         .action = "certificate", .id = "id"),
    READ(CA "/{id}/certificate/{certificateId}", "getCertificateAuthorityCertificateById",
         "Get one of the CA's certificates.", AUTHORITIES, "read", .kind = AUTHORITIES,
         .action = "certificate", .id = "id", .into = {"certificateId"}, .as = {"certificateId"}),
    READ(CA "/{id}/ca-certificates", "listCertificateAuthorityCertificates",
         "List the CA's certificates.", AUTHORITIES, "read", .kind = AUTHORITIES,
         .action = "certificates", .id = "id"),
    SEND("POST", CA "/{id}/sign-intermediate", "signIntermediate",
         "Sign somebody else's intermediate CA.", AUTHORITIES, "sign-intermediate", LARGE,
         .kind = AUTHORITIES, .action = "sign-intermediate", .id = "id"),
    SEND("POST", CA "/{id}/import-certificate", "importCertificateAuthorityCertificate",
         "Install a certificate that another CA made of the CSR.", AUTHORITIES, "create", CHAIN,
         .kind = AUTHORITIES, .action = "import-certificate", .id = "id"),
    SEND("POST", CA "/{id}/renew", "renewCertificateAuthority",
         "Make the CA a new certificate: of the same key, or of a new one beside it.", AUTHORITIES,
         "create", SMALL, .kind = AUTHORITIES, .action = "renew", .id = "id"),
    READ(CA "/{id}/crls", "listCrls", "Get the CA's CRLs.", AUTHORITIES, "read",
         .kind = AUTHORITIES, .action = "crls", .id = "id"),

    /* --- certificates --------------------------------------------------------------------------*/
    ANSWERED("POST", CM "/certificates", "issueCertificate",
             "Issue a certificate from attributes or a CSR.", CHY_AUTH_BEARER, CHY_ROUTE_SECRET,
             CERTIFICATES, "issue", LARGE, JSON_ONLY, CHY_TEXT_INIT(API_ISSUE_SCHEMA),
             API_ISSUE_ANSWER, api_issue),
    FLAT(CM "/certificates/issue-certificate", "issueCertificateFlat",
         "Issue a certificate, as older clients ask."),
    FLAT(CM "/certificates/sign-certificate", "signCertificateFlat",
         "Sign a CSR, as older clients ask."),
    FLAT(CM "/certificates/order-certificate", "orderCertificateFlat",
         "Order a certificate, as older clients ask."),
    FLAT(PKI "/certificates/issue-certificate", "issueCertificateLegacy",
         "Issue a certificate, as still older clients ask."),
    FLAT(PKI "/certificates/sign-certificate", "signCertificateLegacy",
         "Sign a CSR, as still older clients ask."),
    READ(SERIAL, "getCertificateBySerial", "Get a certificate's record by serial number.",
         CERTIFICATES, "read", .kind = BY_SERIAL, .action = "get", .id = "serialNumber"),
    READ(SERIAL "/certificate", "getCertificateBodyBySerial",
         "Get a certificate and its chain by serial number.", CERTIFICATES, "read",
         .kind = BY_SERIAL, .action = "certificate", .id = "serialNumber"),
    SECRET_READ(SERIAL "/bundle", "getCertificateBundleBySerial",
                "Get a certificate, its chain and its private key by serial number.", CERTIFICATES,
                "read", .kind = BY_SERIAL, .action = "bundle", .id = "serialNumber"),
    SECRET_READ(SERIAL "/private-key", "getCertificatePrivateKeyBySerial",
                "Get a private key by serial number.", CERTIFICATES, "read", .kind = BY_SERIAL,
                .action = "private-key", .id = "serialNumber"),
    SECRET_SEND(SERIAL "/pkcs12", "getCertificatePkcs12BySerial",
                "Get a PKCS#12 file by serial number.", CERTIFICATES, "read", SMALL,
                .kind = BY_SERIAL, .action = "pkcs12", .id = "serialNumber"),
    SEND("POST", SERIAL "/revoke", "revokeCertificateBySerial",
         "Revoke a certificate by serial number.", CERTIFICATES, "revoke", SMALL, .kind = BY_SERIAL,
         .action = "revoke", .id = "serialNumber"),
    REMOVE(SERIAL, "deleteCertificateBySerial", "Delete a certificate's record by serial number.",
           CERTIFICATES, .kind = BY_SERIAL, .action = "delete", .id = "serialNumber"),
    READ(CM "/certificates/{id}", "getCertificate", "Get a certificate's record.", CERTIFICATES,
         "read", .kind = CERTIFICATES, .action = "get", .id = "id"),
    READ(CM "/certificates/{id}/certificate", "getCertificateBody",
         "Get a certificate and its chain, PEM.", CERTIFICATES, "read", .kind = CERTIFICATES,
         .action = "certificate", .id = "id"),
    READ(CM "/certificates/{id}/body", "getCertificateBodyLegacy",
         "Get a certificate and its chain, PEM.", CERTIFICATES, "read", .kind = CERTIFICATES,
         .action = "certificate", .id = "id"),
    SEND("PATCH", CM "/certificates/{id}/config", "updateCertificateConfig",
         "Choose when a certificate is renewed automatically, if at all.", CERTIFICATES, "edit",
         SMALL, .kind = CERTIFICATES, .action = "config", .id = "id"),
    SECRET_READ(CM "/certificates/{id}/bundle", "getCertificateBundle",
                "Get a certificate, its chain and its private key, PEM.", CERTIFICATES, "read",
                .kind = CERTIFICATES, .action = "bundle", .id = "id"),
    SECRET_READ(CM "/certificates/{id}/private-key", "getCertificatePrivateKey",
                "Get a certificate's private key, PEM.", CERTIFICATES, "read", .kind = CERTIFICATES,
                .action = "private-key", .id = "id"),
    ANSWERED("POST", CM "/certificates/{id}/renew", "renewCertificate",
             "Issue a successor of a certificate.", CHY_AUTH_BEARER,
             CHY_ROUTE_SECRET | CHY_ROUTE_EMPTY_BODY, CERTIFICATES, "renew", LARGE, JSON_ONLY,
             CHY_TEXT_INIT(API_RENEW_SCHEMA), API_FLAT_ANSWER, api_renew),
    REMOVE(CM "/certificates/{id}", "deleteCertificate", "Delete a certificate's record.",
           CERTIFICATES, .kind = CERTIFICATES, .action = "delete", .id = "id"),
    SEND("POST", CM "/certificates/{id}/revoke", "revokeCertificate",
         "Revoke a certificate, or end its hold.", CERTIFICATES, "revoke", SMALL,
         .kind = CERTIFICATES, .action = "revoke", .id = "id"),
    SECRET_SEND(CM "/certificates/{id}/pkcs12", "getCertificatePkcs12",
                "Get a certificate, its chain and its private key as a PKCS#12 file.", CERTIFICATES,
                "read", SMALL, .kind = CERTIFICATES, .action = "pkcs12", .id = "id"),
    SEND("PATCH", CM "/certificates/{id}", "updateCertificate", "Replace a certificate's metadata.",
         CERTIFICATES, "edit", LARGE, .kind = CERTIFICATES, .action = "update", .id = "id"),
    SEND("POST", CM "/certificates/{id}/application", "assignCertificate",
         "Give a certificate that is no application's to one.", CERTIFICATES, "edit", SMALL,
         .kind = CERTIFICATES, .action = "assign", .id = "id"),
    SECRET_SEND(CM "/certificates/import-certificate", "importCertificate",
                "Keep a certificate that was made elsewhere.", CERTIFICATES, "create", CHAIN,
                .kind = CERTIFICATES, .action = "import"),
    SECRET_READ(CM "/certificates/certificate-requests/{id}", "getCertificateRequest",
                "Get a certificate request, with its certificate once it is issued.", REQUESTS,
                "read", .kind = REQUESTS, .action = "get", .id = "id", .from_query = true),
    READ(CM "/certificates/certificate-requests", "listCertificateRequests",
         "List certificate requests.", REQUESTS, "read", .kind = REQUESTS, .action = "list",
         .from_query = true),
    SEND_MAYBE(CM "/certificates/certificate-requests/{id}/cancel", "cancelCertificateRequest",
               "Cancel a certificate request that waits for approval.", REQUESTS, "read",
               .kind = REQUESTS, .action = "cancel", .id = "id"),
    SEND("POST", CM "/certificates/certificate-requests/search", "searchCertificateRequests",
         "Search certificate requests.", REQUESTS, "read", SMALL, .kind = REQUESTS,
         .action = "search"),
    SEND("POST", V1 "/projects/{projectId}/certificates/search", "searchCertificates",
         "Search a project's certificates.", CERTIFICATES, "read", SMALL, .kind = CERTIFICATES,
         .action = "search", .into = {"projectId"}, .as = {"projectId"}),
    READ(V1 "/projects/{projectId}/certificates", "listCertificates",
         "List a project's certificates.", CERTIFICATES, "read", .kind = CERTIFICATES,
         .action = "list", .into = {"projectId"}, .as = {"projectId"}, .from_query = true),
    READ("/api/v2/workspace/{slug}/certificates", "listWorkspaceCertificates",
         "List the certificates of a project by its slug.", CERTIFICATES, "read",
         .kind = CERTIFICATES, .action = "list-by-slug", .into = {"slug"}, .as = {"slug"},
         .from_query = true),
    READ(V1 "/projects/{projectId}/certificates/dashboard-stats", "getCertificateDashboard",
         "Count a project's certificates by what they are and when they end.", CERTIFICATES, "read",
         .kind = CERTIFICATES, .action = "dashboard-stats", .into = {"projectId"},
         .as = {"projectId"}, .from_query = true),
    READ(V1 "/projects/{projectId}/certificates/activity-trend", "getCertificateTrend",
         "Count what was issued, renewed, revoked and expired, by day or month.", CERTIFICATES,
         "read", .kind = CERTIFICATES, .action = "activity-trend", .into = {"projectId"},
         .as = {"projectId"}, .from_query = true),

    /* --- identities ----------------------------------------------------------------------------*/
    ORDINARY(V1 "/identities", "Identity", "Identities", "machine identity", "machine identities",
             IDENTITIES),
    SEND("POST", PROJECT_IDENTITIES, "createProjectIdentity",
         "Create a machine identity in a project.", IDENTITIES, "create", SMALL, .kind = IDENTITIES,
         .action = "create-in-project", .into = {"projectId"}, .as = {"projectId"}),
    READ(PROJECT_IDENTITIES, "listProjectIdentities", "List the identities of a project.",
         IDENTITIES, "read", .kind = MEMBERSHIPS, .action = "list", .into = {"projectId"},
         .as = {"projectId"}, .from_query = true),
    SEND("POST", PROJECT_IDENTITIES "/{identityId}", "addProjectIdentity",
         "Make an identity a member of a project.", IDENTITIES, "create", SMALL,
         .kind = MEMBERSHIPS, .action = "create", .id = "identityId", .into = {"projectId"},
         .as = {"projectId"}),
    READ(PROJECT_IDENTITIES "/{identityId}", "getProjectIdentity",
         "Get an identity's role in a project.", IDENTITIES, "read", .kind = MEMBERSHIPS,
         .action = "get", .id = "identityId", .into = {"projectId"}, .as = {"projectId"}),
    SEND("PATCH", PROJECT_IDENTITIES "/{identityId}", "updateProjectIdentity",
         "Change an identity's role in a project.", IDENTITIES, "edit", SMALL, .kind = MEMBERSHIPS,
         .action = "update", .id = "identityId", .into = {"projectId"}, .as = {"projectId"}),
    REMOVE(PROJECT_IDENTITIES "/{identityId}", "removeProjectIdentity",
           "Take an identity out of a project.", IDENTITIES, .kind = MEMBERSHIPS,
           .action = "delete", .id = "identityId", .into = {"projectId"}, .as = {"projectId"}),

    /* --- roles ---------------------------------------------------------------------------------*/
    SEND("POST", PROJECT_ROLES, "createRole", "Define a role of a project's own.", ROLES, "create",
         SMALL, .kind = ROLES, .action = "create", .into = {"projectId"}, .as = {"projectId"}),
    READ(PROJECT_ROLES, "listRoles", "List a project's own roles.", ROLES, "read", .kind = ROLES,
         .action = "list", .into = {"projectId"}, .as = {"projectId"}, .from_query = true),
    READ(PROJECT_ROLES "/slug/{slug}", "getRoleBySlug", "Get a role by its slug.", ROLES, "read",
         .kind = ROLES, .action = "by-slug", .into = {"projectId", "slug"},
         .as = {"projectId", "slug"}),
    READ(PROJECT_ROLES "/{roleId}", "getRole", "Get a role.", ROLES, "read", .kind = ROLES,
         .action = "get", .id = "roleId", .into = {"projectId"}, .as = {"projectId"}),
    SEND("PATCH", PROJECT_ROLES "/{roleId}", "updateRole", "Change a role's name or permissions.",
         ROLES, "edit", SMALL, .kind = ROLES, .action = "update", .id = "roleId",
         .into = {"projectId"}, .as = {"projectId"}),
    REMOVE(PROJECT_ROLES "/{roleId}", "deleteRole", "Delete a role that nobody has any more.",
           ROLES, .kind = ROLES, .action = "delete", .id = "roleId", .into = {"projectId"},
           .as = {"projectId"}),

    /* --- approvals -----------------------------------------------------------------------------*/
    SEND("POST", CERT_APPROVALS, "createApprovalPolicy",
         "Say who has to approve what is asked for by some profiles.", APPROVALS, "create", SMALL,
         .kind = APPROVALS, .action = "create"),
    READ(CERT_APPROVALS, "listApprovalPolicies", "List approval policies.", APPROVALS, "read",
         .kind = APPROVALS, .action = "list", .from_query = true),
    SEND("POST", CERT_APPROVALS "/check-policy-match", "checkApprovalPolicyMatch",
         "Tell whether what is asked for by a profile has to be approved.", APPROVALS, "read",
         SMALL, .kind = APPROVALS, .action = "check-match"),
    READ(CERT_APPROVALS "/requests", "listApprovalRequests",
         "List what waits for approval, or did.", REQUESTS, "read", .kind = APPROVAL_REQUESTS,
         .action = "list", .from_query = true),
    READ(CERT_APPROVALS "/requests/{id}", "getApprovalRequest",
         "Get an approval request, with what it is about.", REQUESTS, "read",
         .kind = APPROVAL_REQUESTS, .action = "get", .id = "id"),
    VOTE("approve", "approveRequest", "Approve a request; with the last approval it is issued.",
         "approve"),
    VOTE("reject", "rejectRequest", "Reject a request.", "approve"),
    VOTE("cancel", "cancelRequest", "Cancel a request that waits for approval.", "read"),
    READ(CERT_APPROVALS "/grants", "listApprovalGrants", "List what approvals gave.", REQUESTS,
         "read", .kind = GRANTS, .action = "list", .from_query = true),
    READ(CERT_APPROVALS "/grants/{id}", "getApprovalGrant", "Get what an approval gave.", REQUESTS,
         "read", .kind = GRANTS, .action = "get", .id = "id"),
    SEND_MAYBE(CERT_APPROVALS "/grants/{id}/revoke", "revokeApprovalGrant",
               "Withdraw an approval before it was issued.", REQUESTS, "approve", .kind = GRANTS,
               .action = "revoke", .id = "id"),
    READ(CERT_APPROVALS "/{policyId}", "getApprovalPolicy", "Get an approval policy.", APPROVALS,
         "read", .kind = APPROVALS, .action = "get", .id = "policyId"),
    SEND("PATCH", CERT_APPROVALS "/{policyId}", "updateApprovalPolicy",
         "Change an approval policy; loosening it has to be approved.", APPROVALS, "edit", SMALL,
         .kind = APPROVALS, .action = "update", .id = "policyId"),
    REMOVE(CERT_APPROVALS "/{policyId}", "deleteApprovalPolicy",
           "Delete an approval policy, which has to be approved.", APPROVALS, .kind = APPROVALS,
           .action = "delete", .id = "policyId"),

    /* --- alerts --------------------------------------------------------------------------------*/
    SEND("POST", CM_ALERTS, "createAlert", "Say who is to be told of certificates, and by what.",
         ALERTS, "create", SMALL, .kind = ALERT_KIND, .action = "create"),
    READ(CM_ALERTS, "listAlerts", "List alerts.", ALERTS, "read", .kind = ALERT_KIND,
         .action = "list", .from_query = true),
    SEND("POST", CM_ALERTS "/preview/certificates", "previewAlert",
         "List the certificates that an alert with such filters would speak of.", ALERTS, "read",
         SMALL, .kind = ALERT_KIND, .action = "preview"),
    SEND("POST", CM_ALERTS "/test-webhook", "testWebhook", "Send a test to a URL.", ALERTS, "edit",
         SMALL, .kind = ALERT_KIND, .action = "test-webhook"),
    READ(CM_ALERTS "/{alertId}", "getAlert", "Get an alert.", ALERTS, "read", .kind = ALERT_KIND,
         .action = "get", .id = "alertId"),
    SEND("PATCH", CM_ALERTS "/{alertId}", "updateAlert", "Change an alert.", ALERTS, "edit", SMALL,
         .kind = ALERT_KIND, .action = "update", .id = "alertId"),
    REMOVE(CM_ALERTS "/{alertId}", "deleteAlert",
           "Delete an alert, and what waits to be delivered.", ALERTS, .kind = ALERT_KIND,
           .action = "delete", .id = "alertId"),
    READ(CM_ALERTS "/{alertId}/certificates", "listAlertCertificates",
         "List the certificates that an alert speaks of.", ALERTS, "read", .kind = ALERT_KIND,
         .action = "certificates", .id = "alertId", .from_query = true),
    READ(CM_ALERTS "/{alertId}/deliveries", "listAlertDeliveries",
         "List what an alert told, or is going to.", ALERTS, "read", .kind = ALERT_KIND,
         .action = "deliveries", .id = "alertId", .from_query = true),
    SEND_MAYBE(CM_ALERTS "/{alertId}/test", "testAlert", "Send a test to an alert's channels.",
               ALERTS, "edit", .kind = ALERT_KIND, .action = "test", .id = "alertId"),

    /* --- universal auth ------------------------------------------------------------------------*/
    ROUTE("POST", UA "/login", "logInUniversalAuth", "Log in with client id and client secret.",
          CHY_AUTH_NONE, CHY_ROUTE_SECRET, "", "", SMALL, CHY_VIEW_INIT(login_types), NO_SCHEMA,
          api_login, RESOURCE(.kind = UNIVERSAL_AUTH, .action = "login")),
    SEND("POST", UA_IDENTITY, "attachUniversalAuth", "Let an identity log in.", IDENTITIES, "edit",
         SMALL, .kind = UNIVERSAL_AUTH, .action = "create", .id = "identityId"),
    READ(UA_IDENTITY, "getUniversalAuth", "Get how an identity logs in.", IDENTITIES, "read",
         .kind = UNIVERSAL_AUTH, .action = "get", .id = "identityId"),
    SEND("PATCH", UA_IDENTITY, "updateUniversalAuth", "Change how an identity logs in.", IDENTITIES,
         "edit", SMALL, .kind = UNIVERSAL_AUTH, .action = "update", .id = "identityId"),
    REMOVE(UA_IDENTITY, "detachUniversalAuth", "Let an identity log in no more.", IDENTITIES,
           .kind = UNIVERSAL_AUTH, .action = "delete", .id = "identityId"),
    ROUTE("POST", UA_IDENTITY "/client-secrets", "createClientSecret",
          "Make a client secret; it is shown this once.", CHY_AUTH_BEARER,
          CHY_ROUTE_SECRET | CHY_ROUTE_EMPTY_BODY, IDENTITIES, "edit", SMALL, JSON_ONLY, NO_SCHEMA,
          api_serve_resource,
          RESOURCE(.kind = CLIENT_SECRETS, .action = "create", .id = "identityId")),
    READ(UA_IDENTITY "/client-secrets", "listClientSecrets", "List an identity's client secrets.",
         IDENTITIES, "read", .kind = CLIENT_SECRETS, .action = "list", .id = "identityId"),
    READ(UA_IDENTITY "/client-secrets/{id}", "getClientSecret",
         "Get what is known of a client secret.", IDENTITIES, "read", .kind = CLIENT_SECRETS,
         .action = "get", .id = "id", .into = {"identityId"}, .as = {"identityId"}),
    SEND_MAYBE(UA_IDENTITY "/client-secrets/{id}/revoke", "revokeClientSecret",
               "End a client secret.", IDENTITIES, "edit", .kind = CLIENT_SECRETS,
               .action = "revoke", .id = "id", .into = {"identityId"}, .as = {"identityId"}),

    /* --- people --------------------------------------------------------------------------------*/
    ROUTE("POST", V1 "/auth/login", "logIn", "Log in with username and password.", CHY_AUTH_NONE,
          CHY_ROUTE_SECRET, "", "", SMALL, JSON_ONLY, NO_SCHEMA, api_serve_resource,
          RESOURCE(.kind = USERS, .action = "login")),
    ROUTE("POST", V1 "/auth/password", "changePassword",
          "Change one's own password, which ends all of one's tokens.", CHY_AUTH_NONE,
          CHY_ROUTE_SECRET, "", "", SMALL, JSON_ONLY, NO_SCHEMA, api_serve_resource,
          RESOURCE(.kind = USERS, .action = "change-password")),
    SECRET_SEND(V1 "/users", "createUser", "Create a user.", IDENTITIES, "create", SMALL,
                .kind = USERS, .action = "create"),
    READ(V1 "/users", "listUsers", "List users.", IDENTITIES, "read", .kind = USERS,
         .action = "list", .from_query = true),
    READ(V1 "/users/{id}", "getUser", "Get a user.", IDENTITIES, "read", .kind = USERS,
         .action = "get", .id = "id"),
    SEND("PATCH", V1 "/users/{id}", "updateUser",
         "Change a user; disabling one ends all of the user's tokens.", IDENTITIES, "edit", SMALL,
         .kind = USERS, .action = "update", .id = "id"),
    REMOVE(V1 "/users/{id}", "deleteUser", "Delete a user.", IDENTITIES, .kind = USERS,
           .action = "delete", .id = "id"),
    SECRET_SEND(V1 "/users/{id}/password", "setPassword",
                "Set a user's password, which ends all of the user's tokens.", IDENTITIES, "edit",
                SMALL, .kind = USERS, .action = "set-password", .id = "id"),

    /* --- tokens, the audit ---------------------------------------------------------------------*/
    ROUTE("POST", V1 "/auth/token/renew", "renewAccessToken", "Make an access token live longer.",
          CHY_AUTH_NONE, CHY_ROUTE_SECRET, "", "", SMALL, JSON_ONLY, NO_SCHEMA, api_serve_resource,
          RESOURCE(.kind = "access-tokens", .action = "renew")),
    ROUTE("POST", V1 "/auth/token/revoke", "revokeAccessToken", "End an access token.",
          CHY_AUTH_NONE, CHY_ROUTE_SECRET, "", "", SMALL, JSON_ONLY, NO_SCHEMA, api_serve_resource,
          RESOURCE(.kind = "access-tokens", .action = "revoke")),
    READ(V1 "/audit-logs", "listAuditLogs", "List what was done, the newest first.", AUDIT_LOGS,
         "read", .kind = AUDIT_LOGS, .action = "list", .from_query = true),
    SEND("POST", V1 "/audit-logs/search", "searchAuditLogs", "Search what was done.", AUDIT_LOGS,
         "read", SMALL, .kind = AUDIT_LOGS, .action = "search"),
    READ(V1 "/audit-logs/export", "exportAuditLogs",
         "Get what was done as lines of JSON or CSV, the oldest first.", AUDIT_LOGS, "read",
         .kind = AUDIT_LOGS, .action = "export", .from_query = true),
    READ(V1 "/audit-logs/{id}", "getAuditLog", "Get one row of the audit.", AUDIT_LOGS, "read",
         .kind = AUDIT_LOGS, .action = "get", .id = "id"),
};

#define COUNT (sizeof api_routes / sizeof api_routes[0])

/* ------------------------------------------------------------------------------------------------
 * As the host sees them
 */

/** A route's context in the host's words. */
struct told {
    struct chy_route_resource resource;
    struct chy_pair members[2];
};

static struct chy_route shown[COUNT];
static struct told told[COUNT];

static const struct chy_route_resource *tell(const struct api_resource *from, struct told *to)
{
    to->resource.struct_size = (uint32_t)sizeof to->resource;
    to->resource.flags = from->from_query ? (uint32_t)CHY_ROUTE_FROM_QUERY : 0U;
    to->resource.kind = chy_text(from->kind);
    to->resource.action = chy_text(from->action);
    to->resource.id = from->id == NULL ? chy_slice_of(NULL, 0) : chy_text(from->id);
    uint64_t count = 0;
    for (; count < 2 && from->into[count] != NULL; count++) {
        to->members[count].name = chy_text(from->into[count]);
        to->members[count].value = chy_text(from->as[count]);
    }
    to->resource.members.ptr = to->members;
    to->resource.members.count = count;
    to->resource.members.stride = sizeof to->members[0];
    return &to->resource;
}

struct chy_view api_route_table(void)
{
    struct chy_view view = {shown, COUNT, sizeof shown[0]};
    for (size_t i = 0; i < COUNT; i++) {
        shown[i] = api_routes[i];
        if (api_routes[i].context != NULL) {
            shown[i].resource = tell((const struct api_resource *)api_routes[i].context, &told[i]);
        }
    }
    return view;
}
