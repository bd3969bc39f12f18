/**
 * What core keeps: its collections and their fields, by number.
 *
 * collections.c declares each with types, key and indexes; the lists below name the fields in the
 * same order, which collections.c checks.  Append only: a number, once released, keeps its meaning
 * (docs/decisions/0006-numbered-fields.md).
 */
#ifndef CHY_RESOURCE_COLLECTIONS_H
#define CHY_RESOURCE_COLLECTIONS_H

#include <chancery/storage.h>

#include <stdbool.h>

/** The version of core's schema, and the oldest programs that can live with it. */
#define CHY_SCHEMA_VERSION 1U
#define CHY_SCHEMA_MIN_COMPATIBLE 1U

enum chy_collection_number {
    CHY_C_EPOCH = 0, /**< one row: grows with each write to a watched collection */
    CHY_C_SETTINGS,  /**< single values: the KEK's check value, the high-water time … */
    CHY_C_PROJECTS,
    CHY_C_AUTHORITIES,            /**< certificate authorities */
    CHY_C_GENERATIONS,            /**< their key generations */
    CHY_C_AUTHORITY_CERTIFICATES, /**< the certificates of a key generation */
    CHY_C_POLICIES,
    CHY_C_PROFILES,
    CHY_C_REQUESTS, /**< certificate requests */
    CHY_C_CERTIFICATES,
    CHY_C_SERIALS,        /**< every serial a key generation ever used */
    CHY_C_REVOCATIONS,    /**< by key generation and serial */
    CHY_C_CRL_SHARDS,     /**< one row for each shard of a key generation */
    CHY_C_BLOCKED_KEYS,   /**< public keys that no certificate is issued for */
    CHY_C_DATA_KEYS,      /**< sealed by the KEK, sealing keys and secrets of a project's month */
    CHY_C_IDENTITIES,     /**< people and machines */
    CHY_C_MEMBERSHIPS,    /**< an identity's role in a project */
    CHY_C_UNIVERSAL_AUTH, /**< how a machine logs in */
    CHY_C_CLIENT_SECRETS,
    CHY_C_ACCESS_TOKENS,
    CHY_C_LOCKOUTS, /**< failed log-ins by client id and network */
    CHY_C_AUDIT_EVENTS,
    CHY_C_DENIALS,    /**< anonymous failures, counted by source and minute */
    CHY_C_STATISTICS, /**< counters that are summed on read */
    CHY_C_LEASES,
    CHY_C_AUDIT_BLOCKS,         /**< the closed seconds of a node's audit, chained */
    CHY_C_OCSP_SIGNERS,         /**< delegated OCSP signers of a key generation */
    CHY_C_APPLICATIONS,         /**< groups of profiles that one team enrolls by */
    CHY_C_APPLICATION_PROFILES, /**< a profile in an application, and how it is enrolled there */
    CHY_C_APPLICATION_MEMBERS,  /**< an identity's role in an application */
    CHY_C_ROLES,                /**< a project's own roles */
    CHY_C_APPROVAL_POLICIES,    /**< who has to approve what is asked for by some profiles */
    CHY_C_APPROVAL_PROFILES,    /**< the approval policy of a profile: one at most */
    CHY_C_APPROVAL_REQUESTS,    /**< what waits for approval, or did, with the votes */
    CHY_C_PASSWORDS,            /**< of people */
    CHY_C_ALERTS,               /**< who wants to be told of what */
    CHY_C_ALERT_CHANNELS,       /**< by which ways, and how far each has got */
    CHY_C_ALERT_STATES,         /**< how far an alert has looked, and how its last try went */
    CHY_C_ALERT_EVENTS,         /**< what happened, not yet looked at for alerts */
    CHY_C_ALERT_DELIVERIES,     /**< what a channel is told, in order */
    CHY_COLLECTION_COUNT
};

enum chy_epoch_field {
    CHY_EPOCH_NAME = 0,
    CHY_EPOCH_VALUE,
    CHY_EPOCH_FIELDS
};

enum chy_setting_field {
    CHY_SETTING_NAME = 0,
    CHY_SETTING_TEXT,
    CHY_SETTING_NUMBER,
    CHY_SETTING_BLOB,
    CHY_SETTING_FIELDS
};

enum chy_project_field {
    CHY_PROJECT_ID = 0,
    CHY_PROJECT_NAME,
    CHY_PROJECT_SLUG,
    CHY_PROJECT_DESCRIPTION,
    CHY_PROJECT_TYPE,
    CHY_PROJECT_CREATED_AT,
    CHY_PROJECT_UPDATED_AT,
    CHY_PROJECT_FIELDS
};

enum chy_authority_field {
    CHY_AUTHORITY_ID = 0,
    CHY_AUTHORITY_PROJECT_ID,
    CHY_AUTHORITY_NAME,
    CHY_AUTHORITY_KIND,   /**< "root" or "intermediate" */
    CHY_AUTHORITY_STATUS, /**< "active", "disabled", "pending-certificate" */
    CHY_AUTHORITY_DIRECT, /**< enableDirectIssuance */
    CHY_AUTHORITY_FRIENDLY_NAME,
    CHY_AUTHORITY_SUBJECT,         /**< Name DER */
    CHY_AUTHORITY_SUBJECT_PARTS,   /**< json: the parts as given */
    CHY_AUTHORITY_KEY_ALGORITHM,   /**< wire name */
    CHY_AUTHORITY_MAX_PATH_LENGTH, /**< −1: no limit */
    CHY_AUTHORITY_CRL_MIRRORS,     /**< json: array of URLs */
    CHY_AUTHORITY_ON_EXPIRY,       /**< "refuse" or "clamp" */
    CHY_AUTHORITY_GENERATION_ID,   /**< the active one */
    CHY_AUTHORITY_PARENT_ID,
    CHY_AUTHORITY_NOT_BEFORE, /**< asked for, of a root */
    CHY_AUTHORITY_NOT_AFTER,
    CHY_AUTHORITY_CREATED_AT,
    CHY_AUTHORITY_UPDATED_AT,
    CHY_AUTHORITY_NAME_CONSTRAINTS, /**< json, as the wire has them */
    CHY_AUTHORITY_OCSP,             /**< its next key generation names a responder; null: yes */
    CHY_AUTHORITY_FIELDS
};

enum chy_generation_field {
    CHY_GENERATION_ID = 0,
    CHY_GENERATION_AUTHORITY_ID,
    CHY_GENERATION_PROJECT_ID,
    CHY_GENERATION_NUMBER, /**< 1, 2 … within the CA */
    CHY_GENERATION_STATUS, /**< "pending", "active", "retired" */
    CHY_GENERATION_KEY_ALGORITHM,
    CHY_GENERATION_PROVIDER,   /**< the crypto instance that has the key */
    CHY_GENERATION_REFERENCE,  /**< in a token */
    CHY_GENERATION_SEALED_KEY, /**< of a software key */
    CHY_GENERATION_DATA_KEY_ID,
    CHY_GENERATION_SPKI,
    CHY_GENERATION_SPKI_SHA256,
    CHY_GENERATION_PUBLIC_URL,     /**< pki.public_url when it was made: its URLs start with it */
    CHY_GENERATION_CERTIFICATE_ID, /**< the CA certificate in use */
    CHY_GENERATION_SHARD_SIZE,     /**< certificates a shard takes */
    CHY_GENERATION_CREATED_AT,
    CHY_GENERATION_UPDATED_AT,
    CHY_GENERATION_OCSP, /**< its certificates name a responder; null: they do not */
    CHY_GENERATION_FIELDS
};

enum chy_authority_certificate_field {
    CHY_ACERT_ID = 0,
    CHY_ACERT_AUTHORITY_ID,
    CHY_ACERT_GENERATION_ID,
    CHY_ACERT_PROJECT_ID,
    CHY_ACERT_PARENT_ID, /**< the CA that signed it, when it is ours */
    CHY_ACERT_PARENT_GENERATION_ID,
    CHY_ACERT_VERSION, /**< 1, 2 … within the CA */
    CHY_ACERT_SERIAL,
    CHY_ACERT_DER,
    CHY_ACERT_CHAIN, /**< DER certificates above it, concatenated; empty for a root */
    CHY_ACERT_NOT_BEFORE,
    CHY_ACERT_NOT_AFTER,
    CHY_ACERT_MAX_PATH_LENGTH, /**< −1: none in the certificate */
    CHY_ACERT_SHARD,           /**< in the parent generation's CRLs */
    CHY_ACERT_CREATED_AT,
    CHY_ACERT_FIELDS
};

enum chy_policy_field {
    CHY_POLICY_ID = 0,
    CHY_POLICY_PROJECT_ID,
    CHY_POLICY_NAME,
    CHY_POLICY_DESCRIPTION,
    CHY_POLICY_SUBJECT, /**< json, each as the wire has it */
    CHY_POLICY_SANS,
    CHY_POLICY_KEY_USAGES,
    CHY_POLICY_EXT_KEY_USAGES,
    CHY_POLICY_ALGORITHMS,
    CHY_POLICY_VALIDITY,
    CHY_POLICY_BASIC_CONSTRAINTS,
    CHY_POLICY_CREATED_AT,
    CHY_POLICY_UPDATED_AT,
    CHY_POLICY_FIELDS
};

enum chy_profile_field {
    CHY_PROFILE_ID = 0,
    CHY_PROFILE_PROJECT_ID,
    CHY_PROFILE_CA_ID,
    CHY_PROFILE_POLICY_ID,
    CHY_PROFILE_SLUG,
    CHY_PROFILE_DESCRIPTION,
    CHY_PROFILE_ENROLLMENT_TYPE,  /**< as its creator spelled it */
    CHY_PROFILE_METHOD,           /**< canonical: the enrollment method's own name */
    CHY_PROFILE_ISSUER_TYPE,      /**< "ca" or "self-signed" */
    CHY_PROFILE_CONFIG_ID,        /**< apiConfigId, estConfigId … of the method */
    CHY_PROFILE_CONFIG,           /**< json: the method's options, secrets sealed */
    CHY_PROFILE_DEFAULTS,         /**< json */
    CHY_PROFILE_EXTERNAL_CONFIGS, /**< json */
    CHY_PROFILE_KEY_RETENTION,    /**< "stored", "once" or "none" */
    CHY_PROFILE_CREATED_AT,
    CHY_PROFILE_UPDATED_AT,
    CHY_PROFILE_FIELDS
};

enum chy_request_field {
    CHY_REQUEST_ID = 0,
    CHY_REQUEST_PROJECT_ID,
    CHY_REQUEST_PROFILE_ID,
    CHY_REQUEST_AUTHORITY_ID,
    CHY_REQUEST_APPLICATION_ID,
    CHY_REQUEST_IDENTITY_ID, /**< who asked */
    CHY_REQUEST_METHOD,
    CHY_REQUEST_STATUS, /**< "pending", "issued", "failed" … */
    CHY_REQUEST_COMMON_NAME,
    CHY_REQUEST_ALT_NAMES, /**< comma-joined, as lists show it */
    CHY_REQUEST_DECISION,  /**< json: the normalised decision, from which alone it is issued */
    CHY_REQUEST_DECISION_SHA256,
    CHY_REQUEST_SPKI,     /**< of the CSR, which itself may hold a challenge password */
    CHY_REQUEST_METADATA, /**< json */
    CHY_REQUEST_CERTIFICATE_ID,
    CHY_REQUEST_SERIAL,
    CHY_REQUEST_ERROR,
    CHY_REQUEST_NOTES, /**< json: what was ignored, dropped or clamped, for people */
    CHY_REQUEST_CREATED_AT,
    CHY_REQUEST_UPDATED_AT,
    CHY_REQUEST_RENEWED_FROM_ID, /**< the certificate that it renews, or null */
    CHY_REQUEST_PAIRS,           /**< many: its metadata for search, see enroll/names.h */
    CHY_REQUEST_APPROVAL_ID,     /**< of what somebody had to approve, or null */
    CHY_REQUEST_FIELDS
};

enum chy_certificate_field {
    CHY_CERT_ID = 0,
    CHY_CERT_PROJECT_ID,
    CHY_CERT_AUTHORITY_ID, /**< null when self-signed */
    CHY_CERT_GENERATION_ID,
    CHY_CERT_AUTHORITY_CERTIFICATE_ID,
    CHY_CERT_PROFILE_ID,
    CHY_CERT_REQUEST_ID,
    CHY_CERT_APPLICATION_ID,
    CHY_CERT_IDENTITY_ID, /**< who asked */
    CHY_CERT_METHOD,
    CHY_CERT_SOURCE, /**< "issued", "imported" */
    CHY_CERT_STATUS, /**< "active" or "revoked"; expired is a matter of the clock */
    CHY_CERT_SERIAL,
    CHY_CERT_SHARD,
    CHY_CERT_COMMON_NAME,
    CHY_CERT_ALT_NAMES, /**< comma-joined, in the certificate's order */
    CHY_CERT_SUBJECT,   /**< json: the other subject attributes */
    CHY_CERT_FRIENDLY_NAME,
    CHY_CERT_NOT_BEFORE,
    CHY_CERT_NOT_AFTER,
    CHY_CERT_KEY_ALGORITHM,
    CHY_CERT_SIGNATURE_ALGORITHM,
    CHY_CERT_KEY_USAGES,     /**< int: enum chy_key_usage bits */
    CHY_CERT_EXT_KEY_USAGES, /**< int: enum chy_extended_key_usage bits */
    CHY_CERT_IS_CA,
    CHY_CERT_PATH_LENGTH,
    CHY_CERT_DER,
    CHY_CERT_SPKI_SHA256,
    CHY_CERT_FINGERPRINT_SHA256,
    CHY_CERT_FINGERPRINT_SHA1,
    CHY_CERT_SEALED_KEY,
    CHY_CERT_DATA_KEY_ID,
    CHY_CERT_KEY_RETENTION,
    CHY_CERT_RENEW_BEFORE, /**< int, µs before the end; null: no automatic renewal */
    CHY_CERT_RENEW_AT,     /**< when it is due */
    CHY_CERT_RENEWED_FROM_ID,
    CHY_CERT_RENEWED_BY_ID,
    CHY_CERT_RENEWAL_ERROR,
    CHY_CERT_REVOKED_AT,
    CHY_CERT_REVOCATION_REASON,
    CHY_CERT_METADATA, /**< json */
    CHY_CERT_CREATED_AT,
    CHY_CERT_UPDATED_AT,
    CHY_CERT_NAMES,             /**< many: common and alternative names, lower case, for search */
    CHY_CERT_CHAIN,             /**< of an imported one: DER certificates above it, concatenated */
    CHY_CERT_RENEWAL_ROOT_ID,   /**< the first of its line of renewals; null: it is that itself */
    CHY_CERT_LATEST_RENEWAL_ID, /**< of a line's first: the newest of the line */
    CHY_CERT_RENEWAL_ATTEMPTS,  /**< of automatic renewal that failed */
    CHY_CERT_PAIRS,             /**< many: its metadata for search, see enroll/names.h */
    /** int, µs before the end as it was chosen for this certificate, 0: not to be renewed; null: as
     *  application or profile say.  Successors have the same. */
    CHY_CERT_RENEWAL_CHOICE,
    CHY_CERT_FIELDS
};

enum chy_serial_field {
    CHY_SERIAL_NUMBER = 0,    /**< hexadecimal, lower case */
    CHY_SERIAL_GENERATION_ID, /**< the key that signed; of what no CA here signed, one of its own */
    CHY_SERIAL_CERTIFICATE_ID,
    CHY_SERIAL_NOT_AFTER,
    CHY_SERIAL_SHARD, /**< where it stands once revoked; null: nowhere */
    CHY_SERIAL_PROJECT_ID,
    CHY_SERIAL_FIELDS
};

enum chy_revocation_field {
    CHY_REVOCATION_GENERATION_ID = 0,
    CHY_REVOCATION_SERIAL,
    CHY_REVOCATION_SHARD,
    CHY_REVOCATION_REVISION, /**< of the shard, when the entry took this form */
    CHY_REVOCATION_REASON,
    CHY_REVOCATION_REVOKED_AT,
    CHY_REVOCATION_NOT_AFTER,
    CHY_REVOCATION_LIFTED, /**< a hold that ended: in the next delta as removeFromCRL */
    CHY_REVOCATION_CERTIFICATE_ID,
    CHY_REVOCATION_FIELDS
};

enum chy_crl_shard_field {
    CHY_SHARD_GENERATION_ID = 0,
    CHY_SHARD_NUMBER,
    CHY_SHARD_TAKEN,        /**< places given to certificates */
    CHY_SHARD_REVISION,     /**< grows with each revocation in it */
    CHY_SHARD_CRL_NUMBER,   /**< of the CRL below */
    CHY_SHARD_CRL_REVISION, /**< the state that it shows */
    CHY_SHARD_CRL,          /**< DER; null until the first is built */
    CHY_SHARD_THIS_UPDATE,
    CHY_SHARD_NEXT_UPDATE,
    CHY_SHARD_ID,          /**< by which the API names its CRL */
    CHY_SHARD_BASE_NUMBER, /**< of the complete CRL that deltas build on; CRL_NUMBER is the last */
    CHY_SHARD_DELTA,       /**< DER of the delta on that base; null: none was built */
    CHY_SHARD_DELTA_REVISION,
    CHY_SHARD_DELTA_THIS_UPDATE,
    CHY_SHARD_DELTA_NEXT_UPDATE,
    CHY_SHARD_BASE_REVISION, /**< the state that the base shows */
    CHY_SHARD_BASE_AT,       /**< when the base was made */
    CHY_SHARD_FIELDS
};

enum chy_blocked_key_field {
    CHY_BLOCKED_SPKI_SHA256 = 0,
    CHY_BLOCKED_REASON, /**< "authority": a CA's own; "intermediate": of one that we
                                     signed; "compromised": revoked for it */
    CHY_BLOCKED_CREATED_AT,
    CHY_BLOCKED_FIELDS
};

enum chy_data_key_field {
    CHY_DATA_KEY_ID = 0,
    CHY_DATA_KEY_PROJECT_ID,
    CHY_DATA_KEY_PERIOD, /**< "2026-11" */
    CHY_DATA_KEY_KEK_ID,
    CHY_DATA_KEY_SEALED,
    CHY_DATA_KEY_CREATED_AT,
    CHY_DATA_KEY_FIELDS
};

enum chy_identity_field {
    CHY_IDENTITY_ID = 0,
    CHY_IDENTITY_KIND, /**< "machine" or "user" */
    CHY_IDENTITY_NAME,
    CHY_IDENTITY_ROLE, /**< in the whole instance */
    CHY_IDENTITY_CREATED_AT,
    CHY_IDENTITY_UPDATED_AT,
    CHY_IDENTITY_USERNAME, /**< of a person, lower case; null: they cannot log in by a password */
    CHY_IDENTITY_EMAIL,
    CHY_IDENTITY_DISABLED, /**< null: false */
    CHY_IDENTITY_FIELDS
};

enum chy_membership_field {
    CHY_MEMBERSHIP_IDENTITY_ID = 0,
    CHY_MEMBERSHIP_PROJECT_ID,
    CHY_MEMBERSHIP_ROLE,
    CHY_MEMBERSHIP_CREATED_AT,
    CHY_MEMBERSHIP_ROLE_ID, /**< of one of the project's own, null: built in */
    CHY_MEMBERSHIP_FIELDS
};

enum chy_universal_auth_field {
    CHY_UA_IDENTITY_ID = 0,
    CHY_UA_CLIENT_ID,
    CHY_UA_TOKEN_TTL, /**< seconds, as the wire has them */
    CHY_UA_TOKEN_MAX_TTL,
    CHY_UA_TOKEN_USES_LIMIT,
    CHY_UA_TOKEN_PERIOD,
    CHY_UA_SECRET_TRUSTED_IPS, /**< json: [{ipAddress}] */
    CHY_UA_TOKEN_TRUSTED_IPS,
    CHY_UA_LOCKOUT_ENABLED,
    CHY_UA_LOCKOUT_THRESHOLD,
    CHY_UA_LOCKOUT_DURATION,
    CHY_UA_LOCKOUT_RESET,
    CHY_UA_CREATED_AT,
    CHY_UA_UPDATED_AT,
    CHY_UA_FIELDS
};

enum chy_client_secret_field {
    CHY_SECRET_ID = 0,
    CHY_SECRET_IDENTITY_ID,
    CHY_SECRET_MAC,
    CHY_SECRET_PREFIX,
    CHY_SECRET_DESCRIPTION,
    CHY_SECRET_USES,
    CHY_SECRET_USES_LIMIT,
    CHY_SECRET_TTL,
    CHY_SECRET_REVOKED,
    CHY_SECRET_CREATED_AT,
    CHY_SECRET_UPDATED_AT,
    CHY_SECRET_FIELDS
};

enum chy_access_token_field {
    CHY_TOKEN_HASH = 0,
    CHY_TOKEN_IDENTITY_ID,
    CHY_TOKEN_SECRET_ID, /**< the client secret that it came from, or null */
    CHY_TOKEN_NAME,      /**< of an administrator's token, or null */
    CHY_TOKEN_USES,
    CHY_TOKEN_USES_LIMIT,     /**< 0: none */
    CHY_TOKEN_TTL,            /**< µs; 0: none */
    CHY_TOKEN_EXPIRES_AT,     /**< null: never */
    CHY_TOKEN_MAX_EXPIRES_AT, /**< renewing goes no further; null: no end */
    CHY_TOKEN_TRUSTED_IPS,    /**< json */
    CHY_TOKEN_CREATED_AT,
    CHY_TOKEN_FIELDS
};

enum chy_lockout_field {
    CHY_LOCKOUT_CLIENT_ID = 0,
    CHY_LOCKOUT_NETWORK,
    CHY_LOCKOUT_FAILURES,
    CHY_LOCKOUT_LAST_AT,
    CHY_LOCKOUT_UNTIL,
    CHY_LOCKOUT_FIELDS
};

enum chy_audit_field {
    CHY_AUDIT_ID = 0,
    CHY_AUDIT_NODE,
    CHY_AUDIT_BLOCK,
    CHY_AUDIT_TIME,
    CHY_AUDIT_PROJECT_ID,
    CHY_AUDIT_ACTOR_KIND, /**< "machine", "user", "system", "anonymous" */
    CHY_AUDIT_ACTOR_ID,
    CHY_AUDIT_ACTION, /**< "certificate.issue" … */
    CHY_AUDIT_TARGET_KIND,
    CHY_AUDIT_TARGET_ID,
    CHY_AUDIT_OUTCOME, /**< "ok", "denied", "failed" */
    CHY_AUDIT_DETAIL,  /**< json */
    CHY_AUDIT_REQUEST_ID,
    CHY_AUDIT_PEER,
    CHY_AUDIT_MAC,
    CHY_AUDIT_FIELDS
};

enum chy_denial_field {
    CHY_DENIAL_SOURCE = 0,
    CHY_DENIAL_MINUTE,
    CHY_DENIAL_NODE,
    CHY_DENIAL_COUNT,
    CHY_DENIAL_FIELDS
};

enum chy_statistic_field {
    CHY_STATISTIC_PROJECT_ID = 0,
    CHY_STATISTIC_DIMENSION, /**< "issued", "revoked" … */
    CHY_STATISTIC_VALUE,     /**< of the dimension: a profile's id, "" */
    CHY_STATISTIC_DAY,       /**< days since 1970-01-01 */
    CHY_STATISTIC_NODE,
    CHY_STATISTIC_COUNT,
    CHY_STATISTIC_FIELDS
};

enum chy_lease_field {
    CHY_LEASE_NAME = 0,
    CHY_LEASE_HOLDER, /**< a process; empty: nobody */
    CHY_LEASE_EPOCH,  /**< grows each time that it is taken */
    CHY_LEASE_BEAT,   /**< grows while it is held */
    CHY_LEASE_RAN_AT, /**< when the last run that went well began; null: none did yet */
    CHY_LEASE_FIELDS
};

enum chy_audit_block_field {
    CHY_BLOCK_NODE = 0,
    CHY_BLOCK_NUMBER,   /**< the second of its rows, since 1970; those without rows have none */
    CHY_BLOCK_COUNT,    /**< rows in it */
    CHY_BLOCK_ROOT,     /**< digest over the rows' MACs in the order of their ids */
    CHY_BLOCK_PREVIOUS, /**< head of the node's block before; of its first: of the newest
                                 of any node; null: there was none */
    CHY_BLOCK_HEAD,     /**< digest over all of the above, closed_at and witness */
    CHY_BLOCK_SIGNATURE,
    CHY_BLOCK_CLOSED_AT,
    CHY_BLOCK_DROPPED,   /**< retention removed its rows */
    CHY_BLOCK_WITNESS,   /**< the newest head of another node when it was closed; null: none */
    CHY_BLOCK_FORWARDED, /**< int: a bit for each place that took it (command/forward.c) */
    CHY_BLOCK_FIELDS
};

enum chy_ocsp_signer_field {
    CHY_OCSP_SIGNER_ID = 0,
    CHY_OCSP_SIGNER_GENERATION_ID,
    CHY_OCSP_SIGNER_PROJECT_ID,
    CHY_OCSP_SIGNER_DER,
    CHY_OCSP_SIGNER_KEY_ALGORITHM,
    CHY_OCSP_SIGNER_SPKI_SHA256,
    CHY_OCSP_SIGNER_SEALED_KEY,
    CHY_OCSP_SIGNER_DATA_KEY_ID,
    CHY_OCSP_SIGNER_NOT_BEFORE,
    CHY_OCSP_SIGNER_NOT_AFTER,
    CHY_OCSP_SIGNER_CREATED_AT,
    CHY_OCSP_SIGNER_FIELDS
};

enum chy_application_field {
    CHY_APPLICATION_ID = 0,
    CHY_APPLICATION_PROJECT_ID,
    CHY_APPLICATION_NAME,
    CHY_APPLICATION_DESCRIPTION,
    CHY_APPLICATION_CREATED_AT,
    CHY_APPLICATION_UPDATED_AT,
    CHY_APPLICATION_FIELDS
};

enum chy_application_profile_field {
    CHY_APP_PROFILE_APPLICATION_ID = 0,
    CHY_APP_PROFILE_PROFILE_ID,
    CHY_APP_PROFILE_PROJECT_ID,
    CHY_APP_PROFILE_API_CONFIG_ID, /**< null: enrolled as the profile says */
    CHY_APP_PROFILE_API_CONFIG,    /**< json, goes before the profile's own */
    CHY_APP_PROFILE_CREATED_AT,
    CHY_APP_PROFILE_UPDATED_AT,
    CHY_APP_PROFILE_FIELDS
};

enum chy_application_member_field {
    CHY_APP_MEMBER_APPLICATION_ID = 0,
    CHY_APP_MEMBER_IDENTITY_ID,
    CHY_APP_MEMBER_PROJECT_ID,
    CHY_APP_MEMBER_ROLE, /**< "admin", "operator", "auditor" */
    CHY_APP_MEMBER_CREATED_AT,
    CHY_APP_MEMBER_UPDATED_AT,
    CHY_APP_MEMBER_FIELDS
};

enum chy_role_field {
    CHY_ROLE_FIELD_ID = 0,
    CHY_ROLE_FIELD_PROJECT_ID,
    CHY_ROLE_FIELD_SLUG, /**< as memberships name it; never changed */
    CHY_ROLE_FIELD_NAME,
    CHY_ROLE_FIELD_DESCRIPTION,
    CHY_ROLE_FIELD_PERMISSIONS, /**< json: resource/permission.h */
    CHY_ROLE_FIELD_CREATED_AT,
    CHY_ROLE_FIELD_UPDATED_AT,
    CHY_ROLE_FIELDS
};

enum chy_approval_policy_field {
    CHY_APPROVAL_POLICY_ID = 0,
    CHY_APPROVAL_POLICY_PROJECT_ID,
    CHY_APPROVAL_POLICY_NAME,
    CHY_APPROVAL_POLICY_MAX_TTL,    /**< how long a request may wait, as it was written */
    CHY_APPROVAL_POLICY_STEPS,      /**< json: enroll/approval_policy.h */
    CHY_APPROVAL_POLICY_BYPASS,     /**< machines need no approval */
    CHY_APPROVAL_POLICY_SELF,       /**< who asks may approve */
    CHY_APPROVAL_POLICY_CONDITIONS, /**< json: [{profileIds}] */
    CHY_APPROVAL_POLICY_CREATED_AT,
    CHY_APPROVAL_POLICY_UPDATED_AT,
    CHY_APPROVAL_POLICY_ENFORCEMENT, /**< "hard"; "soft": in an emergency one alone may approve */
    CHY_APPROVAL_POLICY_FIELDS
};

enum chy_approval_profile_field {
    CHY_APPROVAL_PROFILE_ID = 0, /**< of a certificate profile */
    CHY_APPROVAL_PROFILE_PROJECT_ID,
    CHY_APPROVAL_PROFILE_POLICY_ID,
    CHY_APPROVAL_PROFILE_FIELDS
};

enum chy_approval_field {
    CHY_APPROVAL_ID = 0,
    CHY_APPROVAL_PROJECT_ID,
    CHY_APPROVAL_POLICY,       /**< the id of the policy that it matched */
    CHY_APPROVAL_KIND,         /**< "cert-request", "policy-change" */
    CHY_APPROVAL_NAME,         /**< of the policy, then */
    CHY_APPROVAL_REQUEST_ID,   /**< of the certificate request; null: a change of the policy */
    CHY_APPROVAL_PROFILE,      /**< the id of the certificate profile */
    CHY_APPROVAL_REQUESTER_ID, /**< who asked */
    CHY_APPROVAL_STATUS,       /**< "open", "approved", "rejected", "cancelled", "expired" */
    CHY_APPROVAL_STEP,         /**< the one under way, from 0 */
    CHY_APPROVAL_STEPS,        /**< json: the policy's, then */
    CHY_APPROVAL_SELF,         /**< the policy's, then */
    CHY_APPROVAL_DIGEST,       /**< of what is approved: enroll/approval.h */
    CHY_APPROVAL_VOTES,        /**< json */
    CHY_APPROVAL_CHANGE,       /**< json: of the policy, in place of a certificate request */
    CHY_APPROVAL_EXPIRES_AT,
    CHY_APPROVAL_DUE_AT,   /**< when the job looks at it: it expires, or was not issued yet */
    CHY_APPROVAL_ATTEMPTS, /**< at issuing, that came to nothing */
    CHY_APPROVAL_CREATED_AT,
    CHY_APPROVAL_UPDATED_AT,
    CHY_APPROVAL_ENFORCEMENT,       /**< the policy's, then */
    CHY_APPROVAL_BYPASS_REASON,     /**< why one alone approved it, past the steps; else null */
    CHY_APPROVAL_GRANT,             /**< "active", "used", "revoked", "failed"; null: none */
    CHY_APPROVAL_GRANTED_AT,        /**< approved at, or null */
    CHY_APPROVAL_GRANT_ENDED_AT,    /**< when the certificate was issued, or is not going to be */
    CHY_APPROVAL_REVOKED_BY,        /**< the identity, or null */
    CHY_APPROVAL_REVOCATION_REASON, /**< or null */
    CHY_APPROVAL_FIELDS
};

enum chy_password_field {
    CHY_PASSWORD_IDENTITY_ID = 0,
    CHY_PASSWORD_PHC, /**< access/password.h */
    CHY_PASSWORD_CHANGED_AT,
    CHY_PASSWORD_FIELDS
};

enum chy_alert_row_field {
    CHY_ALERT_ID = 0,
    CHY_ALERT_PROJECT_ID,
    CHY_ALERT_NAME,
    CHY_ALERT_DESCRIPTION,
    CHY_ALERT_EVENT_TYPE,
    CHY_ALERT_BEFORE, /**< as it was written; null but for expiration */
    CHY_ALERT_FILTERS,
    CHY_ALERT_ENABLED,
    CHY_ALERT_CREATED_AT,
    CHY_ALERT_UPDATED_AT,
    CHY_ALERT_FIELDS
};

/** Position of a channel that is none of an alert's: it tells one person, whose id stands in place
 *  of the alert's, of one thing, and goes when that is over. */
#define CHY_CHANNEL_OF_PERSON (-1)

enum chy_alert_channel_field {
    CHY_CHANNEL_ID = 0,
    CHY_CHANNEL_ALERT_ID,
    CHY_CHANNEL_PROJECT_ID,
    CHY_CHANNEL_POSITION, /**< among the alert's; CHY_CHANNEL_OF_PERSON */
    CHY_CHANNEL_TYPE,
    CHY_CHANNEL_CONFIG, /**< json: the type's options, without secrets */
    CHY_CHANNEL_SEALED, /**< a JSON object of the secrets */
    CHY_CHANNEL_DATA_KEY_ID,
    CHY_CHANNEL_ENABLED,
    CHY_CHANNEL_ISSUED,   /**< the last sequence number that was given to a delivery */
    CHY_CHANNEL_DONE,     /**< the last one that was delivered or given up: what is between waits */
    CHY_CHANNEL_ATTEMPTS, /**< of the next one, in vain */
    CHY_CHANNEL_NEXT_AT,  /**< when it is tried; null: nothing waits */
    CHY_CHANNEL_WAITING_SINCE,
    CHY_CHANNEL_CREATED_AT,
    CHY_CHANNEL_UPDATED_AT,
    CHY_CHANNEL_FIELDS
};

enum chy_alert_state_field {
    CHY_ALERT_STATE_ALERT_ID = 0,
    CHY_ALERT_STATE_PROJECT_ID,
    CHY_ALERT_STATE_LAST_AT,
    CHY_ALERT_STATE_LAST_STATUS, /**< "success", "failed" */
    CHY_ALERT_STATE_LAST_ERROR,
    CHY_ALERT_STATE_DUE_AT,    /**< of expiration: when certificates are looked at again */
    CHY_ALERT_STATE_WATERMARK, /**< those that end before it were looked at … */
    CHY_ALERT_STATE_SEEN,      /**< … if they were made before this */
    CHY_ALERT_STATE_HORIZON,   /**< of the run under way: its watermark; null: none is */
    CHY_ALERT_STATE_UNTIL,     /**< … and what SEEN will be */
    CHY_ALERT_STATE_PHASE,     /**< … and which of its two walks, alert/expiry.c */
    CHY_ALERT_STATE_CURSOR,    /**< … and how far that is; null: at its start */
    CHY_ALERT_STATE_TOLD,      /**< ids of events that it has told of and that may still be there */
    CHY_ALERT_STATE_FIELDS
};

enum chy_alert_event_field {
    CHY_EVENT_ID = 0, /**< ordered by time */
    CHY_EVENT_PROJECT_ID,
    CHY_EVENT_TYPE,           /**< "issuance", "renewal", "revocation"; "approval" */
    CHY_EVENT_CERTIFICATE_ID, /**< of "approval": of the approval request */
    CHY_EVENT_CREATED_AT,
    CHY_EVENT_STEP, /**< of "approval": the one that opened, from 0; else null */
    CHY_EVENT_FIELDS
};

enum chy_alert_delivery_field {
    CHY_DELIVERY_CHANNEL_ID = 0,
    CHY_DELIVERY_SEQUENCE, /**< 1, 2 … of the channel: nothing is delivered before the one before */
    CHY_DELIVERY_ID,
    CHY_DELIVERY_PROJECT_ID,
    CHY_DELIVERY_ALERT_ID, /**< or of the approval request */
    CHY_DELIVERY_CHANNEL_TYPE,
    CHY_DELIVERY_TYPE, /**< what receivers get, as it was then: struct chy_notification */
    CHY_DELIVERY_SOURCE,
    CHY_DELIVERY_SUBJECT,
    CHY_DELIVERY_TIME,
    CHY_DELIVERY_DATA,
    CHY_DELIVERY_TITLE,
    CHY_DELIVERY_TEXT,
    CHY_DELIVERY_CERTIFICATES, /**< how many it speaks of */
    CHY_DELIVERY_STATUS,       /**< "pending", "delivered", "failed": given up */
    CHY_DELIVERY_ATTEMPTS,
    CHY_DELIVERY_NEXT_AT, /**< of the first that waits and was tried; the channel's counts */
    CHY_DELIVERY_LAST_ERROR,
    CHY_DELIVERY_RESPONSE_CODE,
    CHY_DELIVERY_EXPIRES_AT, /**< when the row goes */
    CHY_DELIVERY_CREATED_AT,
    CHY_DELIVERY_UPDATED_AT,
    CHY_DELIVERY_IDENTITY_ID, /**< whom it tells of an approval request; null: it is an alert's */
    CHY_DELIVERY_STEP,        /**< … of which step of it */
    CHY_DELIVERY_FIELDS
};

/** chy_core_collections returns the declarations, CHY_COLLECTION_COUNT of them in the order of the
 *  numbers. */
struct chy_view chy_core_collections(void);

/** chy_core_fields returns a view of all field numbers of a collection of core's. */
struct chy_view chy_core_fields(uint32_t collection);
/** chy_all_fields returns the same of any declaration. */
struct chy_view chy_all_fields(const struct chy_collection *collection);

#endif
