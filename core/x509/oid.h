/** The object identifiers that Chancery knows, and a name for those it does not. */
#ifndef CHY_X509_OID_H
#define CHY_X509_OID_H

#include <chancery/types.h>

#include <stdbool.h>

enum chy_oid {
    CHY_OID_UNKNOWN = 0,

    /* attribute types of names */
    CHY_OID_COMMON_NAME,
    CHY_OID_SURNAME,
    CHY_OID_SERIAL_NUMBER,
    CHY_OID_COUNTRY,
    CHY_OID_LOCALITY,
    CHY_OID_STATE,
    CHY_OID_STREET,
    CHY_OID_ORGANIZATION,
    CHY_OID_ORGANIZATIONAL_UNIT,
    CHY_OID_TITLE,
    CHY_OID_GIVEN_NAME,
    CHY_OID_ORGANIZATION_IDENTIFIER,
    CHY_OID_DOMAIN_COMPONENT,
    CHY_OID_USER_ID,
    CHY_OID_EMAIL_ADDRESS,

    /* extensions */
    CHY_OID_SUBJECT_KEY_ID,
    CHY_OID_KEY_USAGE,
    CHY_OID_SUBJECT_ALT_NAME,
    CHY_OID_ISSUER_ALT_NAME,
    CHY_OID_BASIC_CONSTRAINTS,
    CHY_OID_CRL_NUMBER,
    CHY_OID_CRL_REASON,
    CHY_OID_DELTA_CRL,
    CHY_OID_ISSUING_DISTRIBUTION_POINT,
    CHY_OID_NAME_CONSTRAINTS,
    CHY_OID_CRL_DISTRIBUTION_POINTS,
    CHY_OID_CERTIFICATE_POLICIES,
    CHY_OID_POLICY_MAPPINGS,
    CHY_OID_AUTHORITY_KEY_ID,
    CHY_OID_POLICY_CONSTRAINTS,
    CHY_OID_EXTENDED_KEY_USAGE,
    CHY_OID_FRESHEST_CRL,
    CHY_OID_INHIBIT_ANY_POLICY,
    CHY_OID_AUTHORITY_INFO_ACCESS,
    CHY_OID_OCSP_NO_CHECK,
    CHY_OID_OCSP_NONCE,

    /* extended key usages */
    CHY_OID_ANY_EXTENDED_KEY_USAGE,
    CHY_OID_SERVER_AUTH,
    CHY_OID_CLIENT_AUTH,
    CHY_OID_CODE_SIGNING,
    CHY_OID_EMAIL_PROTECTION,
    CHY_OID_TIME_STAMPING,
    CHY_OID_OCSP_SIGNING,

    /* access methods, other names, PKCS#9 attributes */
    CHY_OID_ACCESS_OCSP,
    CHY_OID_OCSP_BASIC,
    CHY_OID_ACCESS_CA_ISSUERS,
    CHY_OID_UPN,
    CHY_OID_CHALLENGE_PASSWORD,
    CHY_OID_UNSTRUCTURED_NAME,
    CHY_OID_EXTENSION_REQUEST,
    CHY_OID_MICROSOFT_EXTENSION_REQUEST,

    /* keys and curves */
    CHY_OID_RSA,
    CHY_OID_EC,
    CHY_OID_P256,
    CHY_OID_P384,
    CHY_OID_P521,
    CHY_OID_ED25519,
    CHY_OID_ED448,
    CHY_OID_ML_DSA_44,
    CHY_OID_ML_DSA_65,
    CHY_OID_ML_DSA_87,

    /* signatures (Ed25519, Ed448 and ML-DSA: the key's) */
    CHY_OID_MD5_RSA,
    CHY_OID_SHA1_RSA,
    CHY_OID_RSA_PSS,
    CHY_OID_SHA256_RSA,
    CHY_OID_SHA384_RSA,
    CHY_OID_SHA512_RSA,
    CHY_OID_SHA1_ECDSA,
    CHY_OID_SHA256_ECDSA,
    CHY_OID_SHA384_ECDSA,
    CHY_OID_SHA512_ECDSA,

    /* hashes, as PSS parameters name them */
    CHY_OID_SHA1,
    CHY_OID_SHA256,
    CHY_OID_SHA384,
    CHY_OID_SHA512,
    CHY_OID_MGF1,

    CHY_OID_COUNT
};

/** chy_oid_contents returns the content octets of `oid`; empty for CHY_OID_UNKNOWN. */
struct chy_slice chy_oid_contents(enum chy_oid oid);

/** chy_oid_find returns the identifier whose content octets these are, or CHY_OID_UNKNOWN. */
enum chy_oid chy_oid_find(struct chy_slice contents);

/** chy_oid_name returns a short name for people ("basicConstraints"). */
const char *chy_oid_name(enum chy_oid oid);

/** CHY_OID_TEXT_SIZE is room for the dotted form; longer ones are cut and end in "...". */
#define CHY_OID_TEXT_SIZE 128

/** chy_oid_text writes the dotted form of any content octets; returns `out_text`. */
const char *chy_oid_text(struct chy_slice contents, char out_text[CHY_OID_TEXT_SIZE]);

/** chy_oid_describe writes the short name if known, the dotted form if not; returns `out_text`. */
const char *chy_oid_describe(struct chy_slice contents, char out_text[CHY_OID_TEXT_SIZE]);

#endif
