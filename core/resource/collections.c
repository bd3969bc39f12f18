#include "resource/collections.h"

#include "plugin/values.h"

#define T CHY_VALUE_TEXT
#define I CHY_VALUE_INT
#define B CHY_VALUE_BOOL
#define W CHY_VALUE_TIME
#define U CHY_VALUE_UUID
#define X CHY_VALUE_BLOB
#define J CHY_VALUE_JSON

/* F: always there; N: nullable; M: a set of texts. */
#define F(name, type)                \
    {                                \
        CHY_TEXT_INIT(name), type, 0 \
    }
#define N(name, type)                                 \
    {                                                 \
        CHY_TEXT_INIT(name), type, CHY_FIELD_NULLABLE \
    }
#define M(name)                                             \
    {                                                       \
        CHY_TEXT_INIT(name), CHY_VALUE_TEXT, CHY_FIELD_MANY \
    }

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define CHECKED(array, count) \
    CHY_STATIC_ASSERT(COUNT_OF(array) == (count), #array " and its enum differ")

#define NUMBERS(name, ...) static const uint32_t name[] = {__VA_ARGS__}
#define INDEX(name, numbers)                              \
    {                                                     \
        CHY_TEXT_INIT(name), 0, 0, CHY_VIEW_INIT(numbers) \
    }
#define UNIQUE(name, numbers)                                            \
    {                                                                    \
        CHY_TEXT_INIT(name), CHY_INDEX_UNIQUE, 0, CHY_VIEW_INIT(numbers) \
    }

NUMBERS(first, 0);
NUMBERS(first_two, 0, 1);
NUMBERS(first_three, 0, 1, 2);
NUMBERS(first_five, 0, 1, 2, 3, 4);

static const struct chy_field epoch_fields[] = {F("name", T), F("value", I)};
CHECKED(epoch_fields, CHY_EPOCH_FIELDS);

static const struct chy_field setting_fields[] = {F("name", T), N("text", T), N("number", I),
                                                  N("blob", X)};
CHECKED(setting_fields, CHY_SETTING_FIELDS);

static const struct chy_field project_fields[] = {
    F("id", U),   F("name", T),       F("slug", T),       N("description", T),
    F("type", T), F("created_at", W), F("updated_at", W),
};
CHECKED(project_fields, CHY_PROJECT_FIELDS);
NUMBERS(project_slug, CHY_PROJECT_SLUG);
NUMBERS(project_created, CHY_PROJECT_CREATED_AT);
static const struct chy_index project_indexes[] = {UNIQUE("slug", project_slug),
                                                   INDEX("created", project_created)};

static const struct chy_field authority_fields[] = {
    F("id", U),
    F("project_id", U),
    F("name", T),
    F("kind", T),
    F("status", T),
    F("direct", B),
    N("friendly_name", T),
    F("subject", X),
    F("subject_parts", J),
    F("key_algorithm", T),
    F("max_path_length", I),
    N("crl_mirrors", J),
    F("on_expiry", T),
    N("generation_id", U),
    N("parent_id", U),
    N("not_before", W),
    N("not_after", W),
    F("created_at", W),
    F("updated_at", W),
    N("name_constraints", J),
    N("ocsp", B),
};
CHECKED(authority_fields, CHY_AUTHORITY_FIELDS);
NUMBERS(authority_name, CHY_AUTHORITY_PROJECT_ID, CHY_AUTHORITY_NAME);
NUMBERS(authority_created, CHY_AUTHORITY_PROJECT_ID, CHY_AUTHORITY_CREATED_AT);
static const struct chy_index authority_indexes[] = {UNIQUE("name", authority_name),
                                                     INDEX("created", authority_created)};

static const struct chy_field generation_fields[] = {
    F("id", U),         F("authority_id", U),   F("project_id", U), F("number", I),
    F("status", T),     F("key_algorithm", T),  F("provider", T),   N("reference", T),
    N("sealed_key", X), N("data_key_id", U),    F("spki", X),       F("spki_sha256", X),
    F("public_url", T), N("certificate_id", U), F("shard_size", I), F("created_at", W),
    F("updated_at", W), N("ocsp", B),
};
CHECKED(generation_fields, CHY_GENERATION_FIELDS);
NUMBERS(generation_number, CHY_GENERATION_AUTHORITY_ID, CHY_GENERATION_NUMBER);
NUMBERS(generation_spki, CHY_GENERATION_SPKI_SHA256);
static const struct chy_index generation_indexes[] = {UNIQUE("number", generation_number),
                                                      UNIQUE("spki", generation_spki)};

static const struct chy_field authority_certificate_fields[] = {
    F("id", U),
    F("authority_id", U),
    F("generation_id", U),
    F("project_id", U),
    N("parent_id", U),
    N("parent_generation_id", U),
    F("version", I),
    F("serial", T),
    F("der", X),
    F("chain", X),
    F("not_before", W),
    F("not_after", W),
    F("max_path_length", I),
    F("shard", I),
    F("created_at", W),
};
CHECKED(authority_certificate_fields, CHY_ACERT_FIELDS);
NUMBERS(acert_version, CHY_ACERT_AUTHORITY_ID, CHY_ACERT_VERSION);
static const struct chy_index acert_indexes[] = {UNIQUE("version", acert_version)};

static const struct chy_field policy_fields[] = {
    F("id", U),
    F("project_id", U),
    F("name", T),
    N("description", T),
    N("subject", J),
    N("sans", J),
    N("key_usages", J),
    N("extended_key_usages", J),
    N("algorithms", J),
    N("validity", J),
    N("basic_constraints", J),
    F("created_at", W),
    F("updated_at", W),
};
CHECKED(policy_fields, CHY_POLICY_FIELDS);
NUMBERS(policy_name, CHY_POLICY_PROJECT_ID, CHY_POLICY_NAME);
NUMBERS(policy_created, CHY_POLICY_PROJECT_ID, CHY_POLICY_CREATED_AT);
static const struct chy_index policy_indexes[] = {UNIQUE("name", policy_name),
                                                  INDEX("created", policy_created)};

static const struct chy_field profile_fields[] = {
    F("id", U),
    F("project_id", U),
    N("ca_id", U),
    F("policy_id", U),
    F("slug", T),
    N("description", T),
    F("enrollment_type", T),
    F("method", T),
    F("issuer_type", T),
    F("config_id", U),
    F("config", J),
    N("defaults", J),
    N("external_configs", J),
    F("key_retention", T),
    F("created_at", W),
    F("updated_at", W),
};
CHECKED(profile_fields, CHY_PROFILE_FIELDS);
NUMBERS(profile_slug, CHY_PROFILE_PROJECT_ID, CHY_PROFILE_SLUG);
NUMBERS(profile_created, CHY_PROFILE_PROJECT_ID, CHY_PROFILE_CREATED_AT);
NUMBERS(profile_policy, CHY_PROFILE_POLICY_ID);
NUMBERS(profile_ca, CHY_PROFILE_CA_ID);
static const struct chy_index profile_indexes[] = {
    UNIQUE("slug", profile_slug), INDEX("created", profile_created),
    INDEX("policy", profile_policy), INDEX("ca", profile_ca)};

static const struct chy_field request_fields[] = {
    F("id", U),           F("project_id", U),     F("profile_id", U),
    N("authority_id", U), N("application_id", U), N("identity_id", U),
    F("method", T),       F("status", T),         N("common_name", T),
    N("alt_names", T),    N("decision", J),       N("decision_sha256", X),
    N("spki", X),         N("metadata", J),       N("certificate_id", U),
    N("serial", T),       N("error", T),          N("notes", J),
    F("created_at", W),   F("updated_at", W),     N("renewed_from_id", U),
    M("pairs"),           N("approval_id", U),
};
CHECKED(request_fields, CHY_REQUEST_FIELDS);
NUMBERS(request_created, CHY_REQUEST_PROJECT_ID, CHY_REQUEST_CREATED_AT);
static const struct chy_index request_indexes[] = {INDEX("created", request_created)};

static const struct chy_field certificate_fields[] = {
    F("id", U),
    F("project_id", U),
    N("authority_id", U),
    N("generation_id", U),
    N("authority_certificate_id", U),
    N("profile_id", U),
    N("request_id", U),
    N("application_id", U),
    N("identity_id", U),
    F("method", T),
    F("source", T),
    F("status", T),
    F("serial", T),
    N("shard", I),
    N("common_name", T),
    N("alt_names", T),
    N("subject", J),
    N("friendly_name", T),
    F("not_before", W),
    F("not_after", W),
    F("key_algorithm", T),
    F("signature_algorithm", T),
    F("key_usages", I),
    F("extended_key_usages", I),
    F("is_ca", B),
    N("path_length", I),
    F("der", X),
    F("spki_sha256", X),
    F("fingerprint_sha256", X),
    F("fingerprint_sha1", X),
    N("sealed_key", X),
    N("data_key_id", U),
    F("key_retention", T),
    N("renew_before", I),
    N("renew_at", W),
    N("renewed_from_id", U),
    N("renewed_by_id", U),
    N("renewal_error", T),
    N("revoked_at", W),
    N("revocation_reason", I),
    N("metadata", J),
    F("created_at", W),
    F("updated_at", W),
    M("names"),
    N("chain", X),
    N("renewal_root_id", U),
    N("latest_renewal_id", U),
    N("renewal_attempts", I),
    M("pairs"),
    N("renewal_choice", I),
};
CHECKED(certificate_fields, CHY_CERT_FIELDS);
NUMBERS(cert_created, CHY_CERT_PROJECT_ID, CHY_CERT_CREATED_AT);
NUMBERS(cert_ends, CHY_CERT_PROJECT_ID, CHY_CERT_NOT_AFTER);
NUMBERS(cert_profile, CHY_CERT_PROFILE_ID, CHY_CERT_NOT_AFTER);
NUMBERS(cert_renewal, CHY_CERT_RENEW_AT);
NUMBERS(cert_spki, CHY_CERT_SPKI_SHA256);
static const struct chy_index certificate_indexes[] = {
    INDEX("created", cert_created), INDEX("ends", cert_ends), INDEX("profile", cert_profile),
    INDEX("renewal", cert_renewal), INDEX("spki", cert_spki)};

static const struct chy_field serial_fields[] = {F("number", T),         F("generation_id", U),
                                                 F("certificate_id", U), F("not_after", W),
                                                 N("shard", I),          F("project_id", U)};
CHECKED(serial_fields, CHY_SERIAL_FIELDS);
// A key is of one project, so that numbers stay unique by key; whoever looks for a number in a
// project meets nobody else's.
NUMBERS(serial_key, CHY_SERIAL_NUMBER, CHY_SERIAL_PROJECT_ID, CHY_SERIAL_GENERATION_ID);
NUMBERS(serial_ends, CHY_SERIAL_GENERATION_ID, CHY_SERIAL_NOT_AFTER);
static const struct chy_index serial_indexes[] = {INDEX("ends", serial_ends)};

static const struct chy_field revocation_fields[] = {
    F("generation_id", U), F("serial", T), F("shard", I),
    F("revision", I),      F("reason", I), F("revoked_at", W),
    F("not_after", W),     F("lifted", B), N("certificate_id", U),
};
CHECKED(revocation_fields, CHY_REVOCATION_FIELDS);
NUMBERS(revocation_shard, CHY_REVOCATION_GENERATION_ID, CHY_REVOCATION_SHARD,
        CHY_REVOCATION_REVISION);
NUMBERS(revocation_ends, CHY_REVOCATION_NOT_AFTER);
static const struct chy_index revocation_indexes[] = {INDEX("shard", revocation_shard),
                                                      INDEX("ends", revocation_ends)};

static const struct chy_field crl_shard_fields[] = {
    F("generation_id", U),
    F("number", I),
    F("taken", I),
    F("revision", I),
    F("crl_number", I),
    F("crl_revision", I),
    N("crl", X),
    N("this_update", W),
    N("next_update", W),
    F("id", U),
    N("base_number", I),
    N("delta", X),
    N("delta_revision", I),
    N("delta_this_update", W),
    N("delta_next_update", W),
    N("base_revision", I),
    N("base_at", W),
};
CHECKED(crl_shard_fields, CHY_SHARD_FIELDS);
NUMBERS(crl_shard_id, CHY_SHARD_ID);
static const struct chy_index crl_shard_indexes[] = {UNIQUE("id", crl_shard_id)};

static const struct chy_field blocked_key_fields[] = {F("spki_sha256", X), F("reason", T),
                                                      F("created_at", W)};
CHECKED(blocked_key_fields, CHY_BLOCKED_FIELDS);

static const struct chy_field data_key_fields[] = {
    F("id", U),     F("project_id", U), F("period", T),
    F("kek_id", T), F("sealed", X),     F("created_at", W),
};
CHECKED(data_key_fields, CHY_DATA_KEY_FIELDS);
NUMBERS(data_key_period, CHY_DATA_KEY_PROJECT_ID, CHY_DATA_KEY_PERIOD);
static const struct chy_index data_key_indexes[] = {UNIQUE("period", data_key_period)};

static const struct chy_field identity_fields[] = {
    F("id", U),         F("kind", T),     F("name", T),  F("role", T),     F("created_at", W),
    F("updated_at", W), N("username", T), N("email", T), N("disabled", B),
};
CHECKED(identity_fields, CHY_IDENTITY_FIELDS);
NUMBERS(identity_created, CHY_IDENTITY_CREATED_AT);
NUMBERS(identity_username, CHY_IDENTITY_USERNAME);
NUMBERS(identity_kind, CHY_IDENTITY_KIND, CHY_IDENTITY_CREATED_AT);
static const struct chy_index identity_indexes[] = {INDEX("created", identity_created),
                                                    UNIQUE("username", identity_username),
                                                    INDEX("kind", identity_kind)};

static const struct chy_field membership_fields[] = {
    F("identity_id", U), F("project_id", U), F("role", T), F("created_at", W), N("role_id", U)};
CHECKED(membership_fields, CHY_MEMBERSHIP_FIELDS);
NUMBERS(membership_project, CHY_MEMBERSHIP_PROJECT_ID, CHY_MEMBERSHIP_CREATED_AT);
NUMBERS(membership_role, CHY_MEMBERSHIP_ROLE_ID);
static const struct chy_index membership_indexes[] = {INDEX("project", membership_project),
                                                      INDEX("role", membership_role)};

static const struct chy_field universal_auth_fields[] = {
    F("identity_id", U),        F("client_id", T),         F("token_ttl", I),
    F("token_max_ttl", I),      F("token_uses_limit", I),  F("token_period", I),
    F("secret_trusted_ips", J), F("token_trusted_ips", J), F("lockout_enabled", B),
    F("lockout_threshold", I),  F("lockout_duration", I),  F("lockout_reset", I),
    F("created_at", W),         F("updated_at", W),
};
CHECKED(universal_auth_fields, CHY_UA_FIELDS);
NUMBERS(universal_auth_client, CHY_UA_CLIENT_ID);
static const struct chy_index universal_auth_indexes[] = {UNIQUE("client", universal_auth_client)};

static const struct chy_field client_secret_fields[] = {
    F("id", U),          F("identity_id", U), F("mac", X),        F("prefix", T),
    F("description", T), F("uses", I),        F("uses_limit", I), F("ttl", I),
    F("revoked", B),     F("created_at", W),  F("updated_at", W),
};
CHECKED(client_secret_fields, CHY_SECRET_FIELDS);
NUMBERS(client_secret_mac, CHY_SECRET_MAC);
NUMBERS(client_secret_identity, CHY_SECRET_IDENTITY_ID, CHY_SECRET_CREATED_AT);
static const struct chy_index client_secret_indexes[] = {UNIQUE("mac", client_secret_mac),
                                                         INDEX("identity", client_secret_identity)};

static const struct chy_field access_token_fields[] = {
    F("hash", X),           F("identity_id", U), N("secret_id", U),  N("name", T),
    F("uses", I),           F("uses_limit", I),  F("ttl", I),        N("expires_at", W),
    N("max_expires_at", W), N("trusted_ips", J), F("created_at", W),
};
CHECKED(access_token_fields, CHY_TOKEN_FIELDS);
NUMBERS(access_token_identity, CHY_TOKEN_IDENTITY_ID);
NUMBERS(access_token_secret, CHY_TOKEN_SECRET_ID);
NUMBERS(access_token_expiry, CHY_TOKEN_EXPIRES_AT);
static const struct chy_index access_token_indexes[] = {INDEX("identity", access_token_identity),
                                                        INDEX("secret", access_token_secret),
                                                        INDEX("expiry", access_token_expiry)};

static const struct chy_field lockout_fields[] = {F("client_id", T), F("network", T),
                                                  F("failures", I), F("last_at", W), N("until", W)};
CHECKED(lockout_fields, CHY_LOCKOUT_FIELDS);
NUMBERS(lockout_last, CHY_LOCKOUT_LAST_AT);
static const struct chy_index lockout_indexes[] = {INDEX("last", lockout_last)};

static const struct chy_field audit_fields[] = {
    F("id", U),          F("node", T),       F("block", I),    F("time", W),
    N("project_id", U),  F("actor_kind", T), N("actor_id", U), F("action", T),
    F("target_kind", T), N("target_id", T),  F("outcome", T),  N("detail", J),
    F("request_id", T),  N("peer", T),       F("mac", X),
};
CHECKED(audit_fields, CHY_AUDIT_FIELDS);
NUMBERS(audit_block, CHY_AUDIT_NODE, CHY_AUDIT_BLOCK);
NUMBERS(audit_time, CHY_AUDIT_PROJECT_ID, CHY_AUDIT_TIME);
static const struct chy_index audit_indexes[] = {INDEX("block", audit_block),
                                                 INDEX("time", audit_time)};

static const struct chy_field denial_fields[] = {F("source", T), F("minute", I), F("node", T),
                                                 F("count", I)};
CHECKED(denial_fields, CHY_DENIAL_FIELDS);
NUMBERS(denial_minute, CHY_DENIAL_MINUTE);
static const struct chy_index denial_indexes[] = {INDEX("minute", denial_minute)};

static const struct chy_field statistic_fields[] = {
    F("project_id", U), F("dimension", T), F("value", T), F("day", I), F("node", T), F("count", I)};
CHECKED(statistic_fields, CHY_STATISTIC_FIELDS);

static const struct chy_field lease_fields[] = {F("name", T), F("holder", T), F("epoch", I),
                                                F("beat", I), N("ran_at", W)};
CHECKED(lease_fields, CHY_LEASE_FIELDS);

static const struct chy_field audit_block_fields[] = {
    F("node", T),     F("number", I),  F("count", I),     F("root", X),
    N("previous", X), F("head", X),    F("signature", X), F("closed_at", W),
    F("dropped", B),  N("witness", X), F("forwarded", I),
};
CHECKED(audit_block_fields, CHY_BLOCK_FIELDS);
NUMBERS(audit_block_closed, CHY_BLOCK_CLOSED_AT);
NUMBERS(audit_block_head, CHY_BLOCK_HEAD);
NUMBERS(audit_block_waiting, CHY_BLOCK_FORWARDED, CHY_BLOCK_CLOSED_AT);
// Written once a second at most, so that indexes cost no issuance anything.
static const struct chy_index audit_block_indexes[] = {INDEX("closed", audit_block_closed),
                                                       INDEX("head", audit_block_head),
                                                       INDEX("waiting", audit_block_waiting)};

static const struct chy_field ocsp_signer_fields[] = {
    F("id", U),         F("generation_id", U), F("project_id", U),
    F("der", X),        F("key_algorithm", T), F("spki_sha256", X),
    F("sealed_key", X), F("data_key_id", U),   F("not_before", W),
    F("not_after", W),  F("created_at", W),
};
CHECKED(ocsp_signer_fields, CHY_OCSP_SIGNER_FIELDS);
NUMBERS(ocsp_signer_ends, CHY_OCSP_SIGNER_GENERATION_ID, CHY_OCSP_SIGNER_NOT_AFTER);
static const struct chy_index ocsp_signer_indexes[] = {INDEX("ends", ocsp_signer_ends)};

static const struct chy_field application_fields[] = {
    F("id", U),          F("project_id", U), F("name", T),
    N("description", T), F("created_at", W), F("updated_at", W),
};
CHECKED(application_fields, CHY_APPLICATION_FIELDS);
NUMBERS(application_name, CHY_APPLICATION_PROJECT_ID, CHY_APPLICATION_NAME);
NUMBERS(application_created, CHY_APPLICATION_PROJECT_ID, CHY_APPLICATION_CREATED_AT);
static const struct chy_index application_indexes[] = {UNIQUE("name", application_name),
                                                       INDEX("created", application_created)};

static const struct chy_field application_profile_fields[] = {
    F("application_id", U), F("profile_id", U), F("project_id", U), N("api_config_id", U),
    N("api_config", J),     F("created_at", W), F("updated_at", W),
};
CHECKED(application_profile_fields, CHY_APP_PROFILE_FIELDS);
NUMBERS(application_profile_profile, CHY_APP_PROFILE_PROFILE_ID);
static const struct chy_index application_profile_indexes[] = {
    INDEX("profile", application_profile_profile)};

static const struct chy_field application_member_fields[] = {
    F("application_id", U), F("identity_id", U), F("project_id", U),
    F("role", T),           F("created_at", W),  F("updated_at", W),
};
CHECKED(application_member_fields, CHY_APP_MEMBER_FIELDS);
NUMBERS(application_member_identity, CHY_APP_MEMBER_IDENTITY_ID);
static const struct chy_index application_member_indexes[] = {
    INDEX("identity", application_member_identity)};

static const struct chy_field role_fields[] = {
    F("id", U),          F("project_id", U),  F("slug", T),       F("name", T),
    N("description", T), F("permissions", J), F("created_at", W), F("updated_at", W)};
CHECKED(role_fields, CHY_ROLE_FIELDS);
NUMBERS(role_slug, CHY_ROLE_FIELD_PROJECT_ID, CHY_ROLE_FIELD_SLUG);
NUMBERS(role_created, CHY_ROLE_FIELD_PROJECT_ID, CHY_ROLE_FIELD_CREATED_AT);
static const struct chy_index role_indexes[] = {UNIQUE("slug", role_slug),
                                                INDEX("created", role_created)};

static const struct chy_field approval_policy_fields[] = {
    F("id", U),         F("project_id", U), F("name", T),          N("max_ttl", T),
    F("steps", J),      F("bypass", B),     F("self_approval", B), F("conditions", J),
    F("created_at", W), F("updated_at", W), F("enforcement", T)};
CHECKED(approval_policy_fields, CHY_APPROVAL_POLICY_FIELDS);
NUMBERS(approval_policy_created, CHY_APPROVAL_POLICY_PROJECT_ID, CHY_APPROVAL_POLICY_CREATED_AT);
static const struct chy_index approval_policy_indexes[] = {
    INDEX("created", approval_policy_created)};

static const struct chy_field approval_profile_fields[] = {F("profile_id", U), F("project_id", U),
                                                           F("policy_id", U)};
CHECKED(approval_profile_fields, CHY_APPROVAL_PROFILE_FIELDS);
NUMBERS(approval_profile_policy, CHY_APPROVAL_PROFILE_POLICY_ID);
static const struct chy_index approval_profile_indexes[] = {
    INDEX("policy", approval_profile_policy)};

static const struct chy_field approval_fields[] = {F("id", U),
                                                   F("project_id", U),
                                                   F("policy_id", U),
                                                   F("kind", T),
                                                   F("name", T),
                                                   N("request_id", U),
                                                   N("profile_id", U),
                                                   N("requester_id", U),
                                                   F("status", T),
                                                   F("step", I),
                                                   F("steps", J),
                                                   F("self_approval", B),
                                                   F("digest", X),
                                                   F("votes", J),
                                                   N("change", J),
                                                   N("expires_at", W),
                                                   N("due_at", W),
                                                   F("attempts", I),
                                                   F("created_at", W),
                                                   F("updated_at", W),
                                                   F("enforcement", T),
                                                   N("bypass_reason", T),
                                                   N("grant_status", T),
                                                   N("granted_at", W),
                                                   N("grant_ended_at", W),
                                                   N("revoked_by", U),
                                                   N("revocation_reason", T)};
CHECKED(approval_fields, CHY_APPROVAL_FIELDS);
NUMBERS(approval_created, CHY_APPROVAL_PROJECT_ID, CHY_APPROVAL_CREATED_AT);
NUMBERS(approval_due, CHY_APPROVAL_DUE_AT);
static const struct chy_index approval_indexes[] = {INDEX("created", approval_created),
                                                    INDEX("due", approval_due)};

static const struct chy_field password_fields[] = {F("identity_id", U), F("phc", T),
                                                   F("changed_at", W)};
CHECKED(password_fields, CHY_PASSWORD_FIELDS);

static const struct chy_field alert_fields[] = {
    F("id", U),         F("project_id", U),   F("name", T),    N("description", T),
    F("event_type", T), N("alert_before", T), F("filters", J), F("enabled", B),
    F("created_at", W), F("updated_at", W)};
CHECKED(alert_fields, CHY_ALERT_FIELDS);
NUMBERS(alert_name, CHY_ALERT_PROJECT_ID, CHY_ALERT_NAME);
NUMBERS(alert_created, CHY_ALERT_PROJECT_ID, CHY_ALERT_CREATED_AT);
static const struct chy_index alert_indexes[] = {UNIQUE("name", alert_name),
                                                 INDEX("created", alert_created)};

static const struct chy_field alert_channel_fields[] = {
    F("id", U),           F("alert_id", U),      F("project_id", U), F("position", I),
    F("channel_type", T), F("config", J),        N("sealed", X),     N("data_key_id", U),
    F("enabled", B),      F("issued", I),        F("done", I),       F("attempts", I),
    N("next_at", W),      N("waiting_since", W), F("created_at", W), F("updated_at", W)};
CHECKED(alert_channel_fields, CHY_CHANNEL_FIELDS);
NUMBERS(alert_channel_alert, CHY_CHANNEL_ALERT_ID, CHY_CHANNEL_POSITION);
NUMBERS(alert_channel_next, CHY_CHANNEL_NEXT_AT);
static const struct chy_index alert_channel_indexes[] = {INDEX("alert", alert_channel_alert),
                                                         INDEX("next", alert_channel_next)};

static const struct chy_field alert_state_fields[] = {
    F("alert_id", U), F("project_id", U), N("last_at", W), N("last_status", T), N("last_error", T),
    N("due_at", W),   N("watermark", W),  N("seen", W),    N("horizon", W),     N("until", W),
    N("phase", I),    N("cursor", X),     N("told", X)};
CHECKED(alert_state_fields, CHY_ALERT_STATE_FIELDS);
NUMBERS(alert_state_due, CHY_ALERT_STATE_DUE_AT);
static const struct chy_index alert_state_indexes[] = {INDEX("due", alert_state_due)};

// Only its key: an event costs an issuance one row, and is read in the order of its ids.
static const struct chy_field alert_event_fields[] = {F("id", U),         F("project_id", U),
                                                      F("type", T),       F("certificate_id", U),
                                                      F("created_at", W), N("step", I)};
CHECKED(alert_event_fields, CHY_EVENT_FIELDS);

static const struct chy_field alert_delivery_fields[] = {
    F("channel_id", U),    F("sequence", I),     F("id", U),
    F("project_id", U),    F("alert_id", U),     F("channel_type", T),
    F("type", T),          F("source", T),       F("subject", T),
    F("time", W),          F("data", J),         F("title", T),
    F("text", T),          F("certificates", I), F("status", T),
    F("attempts", I),      N("next_at", W),      N("last_error", T),
    N("response_code", I), F("expires_at", W),   F("created_at", W),
    F("updated_at", W),    N("identity_id", U),  N("step", I)};
CHECKED(alert_delivery_fields, CHY_DELIVERY_FIELDS);
NUMBERS(alert_delivery_alert, CHY_DELIVERY_ALERT_ID, CHY_DELIVERY_CREATED_AT);
NUMBERS(alert_delivery_expires, CHY_DELIVERY_EXPIRES_AT);
static const struct chy_index alert_delivery_indexes[] = {INDEX("alert", alert_delivery_alert),
                                                          INDEX("expires", alert_delivery_expires)};

#define NO_INDEXES \
    {              \
        NULL, 0, 0 \
    }
#define COLLECTION(name, flags, placement, fields, key, indexes)                                  \
    {                                                                                             \
        CHY_TEXT_INIT(name), flags, placement, CHY_VIEW_INIT(fields), CHY_VIEW_INIT(key), indexes \
    }
#define INDEXED(indexes) CHY_VIEW_INIT(indexes)
#define WATCHED CHY_COLLECTION_WATCHED

static const struct chy_collection collections[] = {
    COLLECTION("epoch", 0, 0, epoch_fields, first, NO_INDEXES),
    COLLECTION("settings", 0, 0, setting_fields, first, NO_INDEXES),
    COLLECTION("projects", WATCHED, 0, project_fields, first, INDEXED(project_indexes)),
    COLLECTION("authorities", WATCHED, CHY_AUTHORITY_PROJECT_ID, authority_fields, first,
               INDEXED(authority_indexes)),
    COLLECTION("generations", WATCHED, CHY_GENERATION_PROJECT_ID, generation_fields, first,
               INDEXED(generation_indexes)),
    COLLECTION("authority_certificates", WATCHED, CHY_ACERT_PROJECT_ID,
               authority_certificate_fields, first, INDEXED(acert_indexes)),
    COLLECTION("policies", WATCHED, CHY_POLICY_PROJECT_ID, policy_fields, first,
               INDEXED(policy_indexes)),
    COLLECTION("profiles", WATCHED, CHY_PROFILE_PROJECT_ID, profile_fields, first,
               INDEXED(profile_indexes)),
    COLLECTION("requests", 0, CHY_REQUEST_PROJECT_ID, request_fields, first,
               INDEXED(request_indexes)),
    COLLECTION("certificates", 0, CHY_CERT_PROJECT_ID, certificate_fields, first,
               INDEXED(certificate_indexes)),
    COLLECTION("serials", 0, CHY_SERIAL_GENERATION_ID, serial_fields, serial_key,
               INDEXED(serial_indexes)),
    COLLECTION("revocations", 0, 0, revocation_fields, first_two, INDEXED(revocation_indexes)),
    COLLECTION("crl_shards", 0, 0, crl_shard_fields, first_two, INDEXED(crl_shard_indexes)),
    COLLECTION("blocked_keys", 0, 0, blocked_key_fields, first, NO_INDEXES),
    COLLECTION("data_keys", 0, CHY_DATA_KEY_PROJECT_ID, data_key_fields, first,
               INDEXED(data_key_indexes)),
    COLLECTION("identities", WATCHED, 0, identity_fields, first, INDEXED(identity_indexes)),
    COLLECTION("memberships", WATCHED, 0, membership_fields, first_two,
               INDEXED(membership_indexes)),
    COLLECTION("universal_auth", WATCHED, 0, universal_auth_fields, first,
               INDEXED(universal_auth_indexes)),
    COLLECTION("client_secrets", 0, CHY_SECRET_IDENTITY_ID, client_secret_fields, first,
               INDEXED(client_secret_indexes)),
    COLLECTION("access_tokens", 0, 0, access_token_fields, first, INDEXED(access_token_indexes)),
    COLLECTION("lockouts", 0, 0, lockout_fields, first_two, INDEXED(lockout_indexes)),
    COLLECTION("audit_events", 0, CHY_AUDIT_NODE, audit_fields, first, INDEXED(audit_indexes)),
    COLLECTION("denials", 0, 0, denial_fields, first_three, INDEXED(denial_indexes)),
    COLLECTION("statistics", 0, 0, statistic_fields, first_five, NO_INDEXES),
    COLLECTION("leases", 0, 0, lease_fields, first, NO_INDEXES),
    COLLECTION("audit_blocks", 0, CHY_BLOCK_NODE, audit_block_fields, first_two,
               INDEXED(audit_block_indexes)),
    COLLECTION("ocsp_signers", 0, CHY_OCSP_SIGNER_GENERATION_ID, ocsp_signer_fields, first,
               INDEXED(ocsp_signer_indexes)),
    COLLECTION("applications", WATCHED, CHY_APPLICATION_PROJECT_ID, application_fields, first,
               INDEXED(application_indexes)),
    COLLECTION("application_profiles", WATCHED, CHY_APP_PROFILE_PROJECT_ID,
               application_profile_fields, first_two, INDEXED(application_profile_indexes)),
    COLLECTION("application_members", WATCHED, CHY_APP_MEMBER_PROJECT_ID, application_member_fields,
               first_two, INDEXED(application_member_indexes)),
    COLLECTION("roles", WATCHED, CHY_ROLE_FIELD_PROJECT_ID, role_fields, first,
               INDEXED(role_indexes)),
    COLLECTION("approval_policies", WATCHED, CHY_APPROVAL_POLICY_PROJECT_ID, approval_policy_fields,
               first, INDEXED(approval_policy_indexes)),
    COLLECTION("approval_profiles", WATCHED, CHY_APPROVAL_PROFILE_PROJECT_ID,
               approval_profile_fields, first, INDEXED(approval_profile_indexes)),
    COLLECTION("approval_requests", 0, CHY_APPROVAL_PROJECT_ID, approval_fields, first,
               INDEXED(approval_indexes)),
    COLLECTION("passwords", 0, 0, password_fields, first, NO_INDEXES),
    COLLECTION("alerts", WATCHED, CHY_ALERT_PROJECT_ID, alert_fields, first,
               INDEXED(alert_indexes)),
    COLLECTION("alert_channels", 0, CHY_CHANNEL_PROJECT_ID, alert_channel_fields, first,
               INDEXED(alert_channel_indexes)),
    COLLECTION("alert_states", 0, CHY_ALERT_STATE_PROJECT_ID, alert_state_fields, first,
               INDEXED(alert_state_indexes)),
    COLLECTION("alert_events", 0, CHY_EVENT_PROJECT_ID, alert_event_fields, first, NO_INDEXES),
    COLLECTION("alert_deliveries", 0, CHY_DELIVERY_PROJECT_ID, alert_delivery_fields, first_two,
               INDEXED(alert_delivery_indexes)),
};
CHECKED(collections, CHY_COLLECTION_COUNT);

struct chy_view chy_core_collections(void)
{
    struct chy_view view = CHY_VIEW_INIT(collections);
    return view;
}

struct chy_view chy_all_fields(const struct chy_collection *collection)
{
    static const uint32_t numbers[CHY_STORAGE_FIELDS_MAX] = {
        0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16, 17, 18, 19,
        20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39,
        40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59,
        60, 61, 62, 63, 64, 65, 66, 67, 68, 69, 70, 71, 72, 73, 74, 75, 76, 77, 78, 79,
        80, 81, 82, 83, 84, 85, 86, 87, 88, 89, 90, 91, 92, 93, 94, 95};
    return chy_view_of(numbers, collection->fields.count, sizeof numbers[0]);
}

struct chy_view chy_core_fields(uint32_t collection)
{
    return chy_all_fields(&collections[collection]);
}
