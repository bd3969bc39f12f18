#include "x509/oid.h"

#include <stdio.h>
#include <string.h>

enum {
    OCTETS_MAX = 10
};

struct known_oid {
    const char *name;
    uint8_t len;
    uint8_t octets[OCTETS_MAX];
};

// The dotted form stands beside each entry.
static const struct known_oid known[CHY_OID_COUNT] = {
    [CHY_OID_UNKNOWN] = {"unknown", 0, {0}},
    [CHY_OID_COMMON_NAME] = {"commonName", 3, {0x55, 0x04, 0x03}},                     // 2.5.4.3
    [CHY_OID_SURNAME] = {"surname", 3, {0x55, 0x04, 0x04}},                            // 2.5.4.4
    [CHY_OID_SERIAL_NUMBER] = {"serialNumber", 3, {0x55, 0x04, 0x05}},                 // 2.5.4.5
    [CHY_OID_COUNTRY] = {"countryName", 3, {0x55, 0x04, 0x06}},                        // 2.5.4.6
    [CHY_OID_LOCALITY] = {"localityName", 3, {0x55, 0x04, 0x07}},                      // 2.5.4.7
    [CHY_OID_STATE] = {"stateOrProvinceName", 3, {0x55, 0x04, 0x08}},                  // 2.5.4.8
    [CHY_OID_STREET] = {"streetAddress", 3, {0x55, 0x04, 0x09}},                       // 2.5.4.9
    [CHY_OID_ORGANIZATION] = {"organizationName", 3, {0x55, 0x04, 0x0a}},              // 2.5.4.10
    [CHY_OID_ORGANIZATIONAL_UNIT] = {"organizationalUnitName", 3, {0x55, 0x04, 0x0b}}, // 2.5.4.11
    [CHY_OID_TITLE] = {"title", 3, {0x55, 0x04, 0x0c}},                                // 2.5.4.12
    [CHY_OID_GIVEN_NAME] = {"givenName", 3, {0x55, 0x04, 0x2a}},                       // 2.5.4.42
    [CHY_OID_ORGANIZATION_IDENTIFIER] = {"organizationIdentifier",
                                         3,
                                         {0x55, 0x04, 0x61}}, // 2.5.4.97
    [CHY_OID_DOMAIN_COMPONENT] = {"domainComponent",
                                  10,
                                  {0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 0x01,
                                   0x19}}, // 0.9.2342.19200300.100.1.25
    [CHY_OID_USER_ID] = {"userId",
                         10,
                         {0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 0x01,
                          0x01}}, // 0.9.2342.19200300.100.1.1
    [CHY_OID_EMAIL_ADDRESS] = {"emailAddress",
                               9,
                               {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09,
                                0x01}}, // 1.2.840.113549.1.9.1
    [CHY_OID_SUBJECT_KEY_ID] = {"subjectKeyIdentifier", 3, {0x55, 0x1d, 0x0e}}, // 2.5.29.14
    [CHY_OID_KEY_USAGE] = {"keyUsage", 3, {0x55, 0x1d, 0x0f}},                  // 2.5.29.15
    [CHY_OID_SUBJECT_ALT_NAME] = {"subjectAltName", 3, {0x55, 0x1d, 0x11}},     // 2.5.29.17
    [CHY_OID_ISSUER_ALT_NAME] = {"issuerAltName", 3, {0x55, 0x1d, 0x12}},       // 2.5.29.18
    [CHY_OID_BASIC_CONSTRAINTS] = {"basicConstraints", 3, {0x55, 0x1d, 0x13}},  // 2.5.29.19
    [CHY_OID_CRL_NUMBER] = {"cRLNumber", 3, {0x55, 0x1d, 0x14}},                // 2.5.29.20
    [CHY_OID_CRL_REASON] = {"reasonCode", 3, {0x55, 0x1d, 0x15}},               // 2.5.29.21
    [CHY_OID_DELTA_CRL] = {"deltaCRLIndicator", 3, {0x55, 0x1d, 0x1b}},         // 2.5.29.27
    [CHY_OID_ISSUING_DISTRIBUTION_POINT] = {"issuingDistributionPoint",
                                            3,
                                            {0x55, 0x1d, 0x1c}},             // 2.5.29.28
    [CHY_OID_NAME_CONSTRAINTS] = {"nameConstraints", 3, {0x55, 0x1d, 0x1e}}, // 2.5.29.30
    [CHY_OID_CRL_DISTRIBUTION_POINTS] = {"cRLDistributionPoints",
                                         3,
                                         {0x55, 0x1d, 0x1f}},                        // 2.5.29.31
    [CHY_OID_CERTIFICATE_POLICIES] = {"certificatePolicies", 3, {0x55, 0x1d, 0x20}}, // 2.5.29.32
    [CHY_OID_POLICY_MAPPINGS] = {"policyMappings", 3, {0x55, 0x1d, 0x21}},           // 2.5.29.33
    [CHY_OID_AUTHORITY_KEY_ID] = {"authorityKeyIdentifier", 3, {0x55, 0x1d, 0x23}},  // 2.5.29.35
    [CHY_OID_POLICY_CONSTRAINTS] = {"policyConstraints", 3, {0x55, 0x1d, 0x24}},     // 2.5.29.36
    [CHY_OID_EXTENDED_KEY_USAGE] = {"extKeyUsage", 3, {0x55, 0x1d, 0x25}},           // 2.5.29.37
    [CHY_OID_FRESHEST_CRL] = {"freshestCRL", 3, {0x55, 0x1d, 0x2e}},                 // 2.5.29.46
    [CHY_OID_INHIBIT_ANY_POLICY] = {"inhibitAnyPolicy", 3, {0x55, 0x1d, 0x36}},      // 2.5.29.54
    [CHY_OID_AUTHORITY_INFO_ACCESS] = {"authorityInfoAccess",
                                       8,
                                       {0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x01,
                                        0x01}}, // 1.3.6.1.5.5.7.1.1
    [CHY_OID_OCSP_NO_CHECK] = {"ocspNoCheck",
                               9,
                               {0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x01,
                                0x05}}, // 1.3.6.1.5.5.7.48.1.5
    [CHY_OID_OCSP_NONCE] = {"ocspNonce",
                            9,
                            {0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x01,
                             0x02}}, // 1.3.6.1.5.5.7.48.1.2
    [CHY_OID_OCSP_BASIC] = {"ocspBasic",
                            9,
                            {0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x01,
                             0x01}}, // 1.3.6.1.5.5.7.48.1.1
    [CHY_OID_ANY_EXTENDED_KEY_USAGE] = {"anyExtendedKeyUsage",
                                        4,
                                        {0x55, 0x1d, 0x25, 0x00}}, // 2.5.29.37.0
    [CHY_OID_SERVER_AUTH] = {"serverAuth",
                             8,
                             {0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x01}}, // 1.3.6.1.5.5.7.3.1
    [CHY_OID_CLIENT_AUTH] = {"clientAuth",
                             8,
                             {0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x02}}, // 1.3.6.1.5.5.7.3.2
    [CHY_OID_CODE_SIGNING] =
        {"codeSigning", 8, {0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x03}}, // 1.3.6.1.5.5.7.3.3
    [CHY_OID_EMAIL_PROTECTION] = {"emailProtection",
                                  8,
                                  {0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03,
                                   0x04}}, // 1.3.6.1.5.5.7.3.4
    [CHY_OID_TIME_STAMPING] =
        {"timeStamping", 8, {0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x08}}, // 1.3.6.1.5.5.7.3.8
    [CHY_OID_OCSP_SIGNING] =
        {"OCSPSigning", 8, {0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x09}}, // 1.3.6.1.5.5.7.3.9
    [CHY_OID_ACCESS_OCSP] =
        {"ocsp", 8, {0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x01}}, // 1.3.6.1.5.5.7.48.1
    [CHY_OID_ACCESS_CA_ISSUERS] =
        {"caIssuers", 8, {0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x02}}, // 1.3.6.1.5.5.7.48.2
    [CHY_OID_UPN] = {"userPrincipalName",
                     10,
                     {0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x14, 0x02,
                      0x03}}, // 1.3.6.1.4.1.311.20.2.3
    [CHY_OID_CHALLENGE_PASSWORD] = {"challengePassword",
                                    9,
                                    {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09,
                                     0x07}}, // 1.2.840.113549.1.9.7
    [CHY_OID_UNSTRUCTURED_NAME] = {"unstructuredName",
                                   9,
                                   {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09,
                                    0x02}}, // 1.2.840.113549.1.9.2
    [CHY_OID_EXTENSION_REQUEST] = {"extensionRequest",
                                   9,
                                   {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09,
                                    0x0e}}, // 1.2.840.113549.1.9.14
    [CHY_OID_MICROSOFT_EXTENSION_REQUEST] = {"msExtensionRequest",
                                             10,
                                             {0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x02, 0x01,
                                              0x0e}}, // 1.3.6.1.4.1.311.2.1.14
    [CHY_OID_RSA] = {"rsaEncryption",
                     9,
                     {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01,
                      0x01}}, // 1.2.840.113549.1.1.1
    [CHY_OID_EC] = {"ecPublicKey",
                    7,
                    {0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01}}, // 1.2.840.10045.2.1
    [CHY_OID_P256] = {"prime256v1",
                      8,
                      {0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07}}, // 1.2.840.10045.3.1.7
    [CHY_OID_P384] = {"secp384r1", 5, {0x2b, 0x81, 0x04, 0x00, 0x22}},   // 1.3.132.0.34
    [CHY_OID_P521] = {"secp521r1", 5, {0x2b, 0x81, 0x04, 0x00, 0x23}},   // 1.3.132.0.35
    [CHY_OID_ED25519] = {"Ed25519", 3, {0x2b, 0x65, 0x70}},              // 1.3.101.112
    [CHY_OID_ED448] = {"Ed448", 3, {0x2b, 0x65, 0x71}},                  // 1.3.101.113
    [CHY_OID_ML_DSA_44] = {"ML-DSA-44",
                           9,
                           {0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x03,
                            0x11}}, // 2.16.840.1.101.3.4.3.17
    [CHY_OID_ML_DSA_65] = {"ML-DSA-65",
                           9,
                           {0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x03,
                            0x12}}, // 2.16.840.1.101.3.4.3.18
    [CHY_OID_ML_DSA_87] = {"ML-DSA-87",
                           9,
                           {0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x03,
                            0x13}}, // 2.16.840.1.101.3.4.3.19
    [CHY_OID_MD5_RSA] = {"md5WithRSAEncryption",
                         9,
                         {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01,
                          0x04}}, // 1.2.840.113549.1.1.4
    [CHY_OID_SHA1_RSA] = {"sha1WithRSAEncryption",
                          9,
                          {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01,
                           0x05}}, // 1.2.840.113549.1.1.5
    [CHY_OID_RSA_PSS] = {"rsassaPss",
                         9,
                         {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01,
                          0x0a}}, // 1.2.840.113549.1.1.10
    [CHY_OID_SHA256_RSA] = {"sha256WithRSAEncryption",
                            9,
                            {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01,
                             0x0b}}, // 1.2.840.113549.1.1.11
    [CHY_OID_SHA384_RSA] = {"sha384WithRSAEncryption",
                            9,
                            {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01,
                             0x0c}}, // 1.2.840.113549.1.1.12
    [CHY_OID_SHA512_RSA] = {"sha512WithRSAEncryption",
                            9,
                            {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01,
                             0x0d}}, // 1.2.840.113549.1.1.13
    [CHY_OID_SHA1_ECDSA] = {"ecdsa-with-SHA1",
                            7,
                            {0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x01}}, // 1.2.840.10045.4.1
    [CHY_OID_SHA256_ECDSA] = {"ecdsa-with-SHA256",
                              8,
                              {0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03,
                               0x02}}, // 1.2.840.10045.4.3.2
    [CHY_OID_SHA384_ECDSA] = {"ecdsa-with-SHA384",
                              8,
                              {0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03,
                               0x03}}, // 1.2.840.10045.4.3.3
    [CHY_OID_SHA512_ECDSA] = {"ecdsa-with-SHA512",
                              8,
                              {0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03,
                               0x04}},                            // 1.2.840.10045.4.3.4
    [CHY_OID_SHA1] = {"sha1", 5, {0x2b, 0x0e, 0x03, 0x02, 0x1a}}, // 1.3.14.3.2.26
    [CHY_OID_SHA256] = {"sha256",
                        9,
                        {0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02,
                         0x01}}, // 2.16.840.1.101.3.4.2.1
    [CHY_OID_SHA384] = {"sha384",
                        9,
                        {0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02,
                         0x02}}, // 2.16.840.1.101.3.4.2.2
    [CHY_OID_SHA512] = {"sha512",
                        9,
                        {0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02,
                         0x03}}, // 2.16.840.1.101.3.4.2.3
    [CHY_OID_MGF1] =
        {"mgf1", 9, {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x08}}, // 1.2.840.113549.1.1.8
};

// By length, then by octets: the order in which chy_oid_find() searches.
static const uint8_t in_order[] = {
    CHY_OID_ED25519,
    CHY_OID_ED448,
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
    CHY_OID_ANY_EXTENDED_KEY_USAGE,
    CHY_OID_SHA1,
    CHY_OID_P384,
    CHY_OID_P521,
    CHY_OID_EC,
    CHY_OID_SHA1_ECDSA,
    CHY_OID_P256,
    CHY_OID_SHA256_ECDSA,
    CHY_OID_SHA384_ECDSA,
    CHY_OID_SHA512_ECDSA,
    CHY_OID_AUTHORITY_INFO_ACCESS,
    CHY_OID_SERVER_AUTH,
    CHY_OID_CLIENT_AUTH,
    CHY_OID_CODE_SIGNING,
    CHY_OID_EMAIL_PROTECTION,
    CHY_OID_TIME_STAMPING,
    CHY_OID_OCSP_SIGNING,
    CHY_OID_ACCESS_OCSP,
    CHY_OID_ACCESS_CA_ISSUERS,
    CHY_OID_RSA,
    CHY_OID_MD5_RSA,
    CHY_OID_SHA1_RSA,
    CHY_OID_MGF1,
    CHY_OID_RSA_PSS,
    CHY_OID_SHA256_RSA,
    CHY_OID_SHA384_RSA,
    CHY_OID_SHA512_RSA,
    CHY_OID_EMAIL_ADDRESS,
    CHY_OID_UNSTRUCTURED_NAME,
    CHY_OID_CHALLENGE_PASSWORD,
    CHY_OID_EXTENSION_REQUEST,
    CHY_OID_OCSP_BASIC,
    CHY_OID_OCSP_NONCE,
    CHY_OID_OCSP_NO_CHECK,
    CHY_OID_SHA256,
    CHY_OID_SHA384,
    CHY_OID_SHA512,
    CHY_OID_ML_DSA_44,
    CHY_OID_ML_DSA_65,
    CHY_OID_ML_DSA_87,
    CHY_OID_USER_ID,
    CHY_OID_DOMAIN_COMPONENT,
    CHY_OID_MICROSOFT_EXTENSION_REQUEST,
    CHY_OID_UPN,
};

struct chy_slice chy_oid_contents(enum chy_oid oid)
{
    const struct known_oid *entry = &known[oid < CHY_OID_COUNT ? oid : CHY_OID_UNKNOWN];
    return chy_slice_of(entry->octets, entry->len);
}

static int compare(struct chy_slice contents, const struct known_oid *entry)
{
    if (contents.len != entry->len) {
        return contents.len < entry->len ? -1 : 1;
    }
    return memcmp(contents.ptr, entry->octets, entry->len);
}

enum chy_oid chy_oid_find(struct chy_slice contents)
{
    if (contents.len == 0 || contents.len > OCTETS_MAX) {
        return CHY_OID_UNKNOWN;
    }
    size_t low = 0;
    size_t high = sizeof in_order / sizeof in_order[0];
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = compare(contents, &known[in_order[middle]]);
        if (order == 0) {
            return (enum chy_oid)in_order[middle];
        }
        if (order < 0) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return CHY_OID_UNKNOWN;
}

const char *chy_oid_name(enum chy_oid oid)
{
    return known[oid < CHY_OID_COUNT ? oid : CHY_OID_UNKNOWN].name;
}

/** Appends one arc at `*at`; false when it does not fit before the end. */
static bool put_arc(char *text, size_t *at, uint64_t arc, bool first)
{
    size_t room = CHY_OID_TEXT_SIZE - 4 - *at; // keeps "..." possible
    int written = snprintf(text + *at, room, first ? "%llu" : ".%llu", (unsigned long long)arc);
    if (written < 0 || (size_t)written >= room) {
        return false;
    }
    *at += (size_t)written;
    return true;
}

/** Takes an arc from the front; false when it is cut off or beyond 63 bits. */
static bool take_arc(struct chy_slice *rest, uint64_t *out_arc)
{
    uint64_t arc = 0;
    for (uint64_t i = 0; i < rest->len; i++) {
        if (arc >> 56 != 0) {
            return false;
        }
        arc = arc << 7 | (rest->ptr[i] & 0x7fU);
        if ((rest->ptr[i] & 0x80) == 0) {
            *rest = chy_slice_of(rest->ptr + i + 1, rest->len - i - 1);
            *out_arc = arc;
            return true;
        }
    }
    return false;
}

const char *chy_oid_text(struct chy_slice contents, char out_text[CHY_OID_TEXT_SIZE])
{
    size_t at = 0;
    uint64_t arc = 0;
    bool first = true;
    bool whole = contents.len > 0;
    while (whole && contents.len > 0) {
        whole = take_arc(&contents, &arc);
        if (whole && first) {
            // X.690 8.19.4: the first octets hold two arcs.
            uint64_t root = arc < 80 ? arc / 40 : 2;
            whole = put_arc(out_text, &at, root, true);
            arc -= 40 * root;
            first = false;
        }
        whole = whole && put_arc(out_text, &at, arc, false);
    }
    if (!whole) {
        memcpy(out_text + at, "...", 3);
        at += 3;
    }
    out_text[at] = '\0';
    return out_text;
}

const char *chy_oid_describe(struct chy_slice contents, char out_text[CHY_OID_TEXT_SIZE])
{
    enum chy_oid oid = chy_oid_find(contents);
    if (oid == CHY_OID_UNKNOWN) {
        return chy_oid_text(contents, out_text);
    }
    (void)snprintf(out_text, CHY_OID_TEXT_SIZE, "%s", known[oid].name);
    return out_text;
}
