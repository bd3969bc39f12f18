#include "enroll/answers.h"

const char chy_authority_outline[] =
    "{'id': 'id', 'projectId': 'id', 'name': 'text', "
    "'status': '=active|disabled|pending-certificate', 'type': '=internal', "
    "'enableDirectIssuance': 'bool', 'onCaExpiry': '=refuse|clamp', 'createdAt': 'time', "
    "'updatedAt': 'time', 'configuration': {'type': '=root|intermediate', "
    "'friendlyName': 'text?', 'keyAlgorithm': 'text', 'maxPathLength': 'int?', "
    "'crlDistributionPointUrls': [['text'], null], 'isOcspEnabled': 'bool', "
    "'nameConstraints': 'any', 'notBefore': 'time?', 'notAfter': 'time?', 'parentCaId': 'id?', "
    "'commonName': 'text', 'organization': 'text', 'ou': 'text', 'country': 'text', "
    "'province': 'text', 'locality': 'text', 'dn': 'text', 'serialNumber': 'text?', "
    "'activeCaCertId': 'id?'}, "
    "'warnings': [{'code': 'text', 'message': 'text', 'notAfter': 'time'}]}";

#define CA_CERTIFICATE                                                             \
    "{'certificate': 'text', 'certificateChain': 'text', 'serialNumber': 'text', " \
    "'certId': 'id', 'version': 'int', 'notBefore': 'time', 'notAfter': 'time', "  \
    "'maxPathLength': 'int', 'parentCaId': 'id?'}"

const struct chy_kind_answer chy_authority_answers[CHY_AUTHORITY_ANSWER_COUNT] = {
    {"list", "['#CertificateAuthority']", NULL},
    {"list-all", "{'certificateAuthorities': ['#CertificateAuthority']}", NULL},
    {"csr", "{'csr': 'text'}", NULL},
    {"generate-certificate",
     "{'certificate': 'text', 'certificateChain': 'text', 'serialNumber': 'text', 'certId': 'id'}",
     NULL},
    {"certificate", CA_CERTIFICATE, NULL},
    {"certificates", "[" CA_CERTIFICATE "]", NULL},
    {"sign-intermediate",
     "{'certificate': 'text', 'certificateChain': 'text', 'issuingCaCertificate': 'text', "
     "'serialNumber': 'text', 'certificateId': 'id'}",
     NULL},
    {"import-certificate", "{'message': 'text', 'caId': 'id'}", NULL},
    {"crls", "[{'id': 'id', 'crl': 'text'}]", NULL},
    // The certificate or, of a new key that a CA elsewhere has to sign, the CSR.
    {"renew",
     "{'certificate?': 'text', 'certificateChain?': 'text', 'serialNumber?': 'text', "
     "'certId?': 'id', 'csr?': 'text', 'generationId?': 'id'}",
     NULL},
};

const char chy_certificate_outline[] =
    "{'fingerprints': {'sha256': 'text', 'sha1': 'text'}, 'status': '=active|expired|revoked', "
    "'keyUsages': ['text'], 'extendedKeyUsages': ['text'], 'altNames': 'text', "
    "'fingerprintSha256': 'text', 'fingerprintSha1': 'text', 'subjectOrganization': 'text?', "
    "'subjectOrganizationalUnit': 'text?', 'subjectCountry': 'text?', 'subjectState': 'text?', "
    "'subjectLocality': 'text?', 'subjectDomainComponents': 'text?', "
    "'basicConstraints': {'isCA': 'bool', 'pathLength?': 'int'}, 'renewBeforeDays': 'int?', "
    "'renewBefore': 'text?', 'hasPrivateKey': 'bool', 'caType': '=internal?', "
    "'latestRenewalCertificateId': 'id?', 'certificateTemplateId': 'id?', "
    "'pkiSubscriberId': 'id?', 'metadata': [{'key': 'text', 'value?': 'text?'}], "
    "'caName': 'text?', 'profileName': 'text?', 'applicationId': 'id?', "
    "'applicationName': 'text?'}";

#define FOUND "{'certificates': ['#Certificate'], 'totalCount': 'int', 'cursor?': 'text'}"
#define COUNTED "[{'label': 'text', 'count': 'int'}]"
#define BUCKETS "[{'bucket': 'text', 'count': 'int'}]"

const struct chy_kind_answer chy_certificate_answers[CHY_CERTIFICATE_ANSWER_COUNT] = {
    {"certificate", "{'certificate': 'text', 'certificateChain': 'text?', 'serialNumber': 'text'}",
     NULL},
    {"bundle",
     "{'certificate': 'text', 'certificateChain': 'text?', 'privateKey': 'text?', "
     "'serialNumber': 'text'}",
     NULL},
    {"private-key", "'text'", NULL},
    {"revoke", "{'message': 'text', 'serialNumber': 'text', 'revokedAt': 'time?'}", NULL},
    {"update", "{'metadata': [{'key': 'text', 'value?': 'text?'}]}", NULL},
    {"pkcs12", NULL, "application/octet-stream"},
    {"import",
     "{'certificateId': 'id', 'certificate': 'text', 'certificateChain?': 'text', "
     "'privateKey?': 'text', 'serialNumber': 'text'}",
     NULL},
    {"search", FOUND, NULL},
    {"list-by-slug", FOUND, NULL},
    {"dashboard-stats",
     "{'totals': {'total': 'int', 'active': 'int', 'expiringSoon': 'int', 'expired': 'int', "
     "'revoked': 'int'}, 'expiringSoonNoAutoRenewal': 'int', 'expiredNotRenewed': 'int', "
     "'distributions': {'byEnrollmentMethod': " COUNTED ", 'byAlgorithm': " COUNTED
     ", 'byCA': [{'id': 'id', 'label': 'text', 'count': 'int'}], 'byStatus': " COUNTED
     "}, 'expirationBuckets': " BUCKETS ", 'validityBuckets': " BUCKETS "}",
     NULL},
    {"activity-trend",
     "{'periods': [{'period': 'text', 'issued': 'int', 'expired': 'int', 'revoked': 'int', "
     "'renewed': 'int'}]}",
     NULL},
    {"list-of-profile",
     "{'certificates': [{'id': 'id', 'serialNumber': 'text', 'cn': 'text?', 'status': "
     "'=active|expired|revoked', 'notBefore': 'time', 'notAfter': 'time', 'revokedAt': 'time?', "
     "'createdAt': 'time'}], 'totalCount': 'int', 'cursor?': 'text'}",
     NULL},
    {"latest-active-bundle",
     "{'certificate': 'text?', 'certificateChain': 'text?', 'privateKey': 'text?', "
     "'serialNumber': 'text?'}",
     NULL},
    {"assign", "{'certificate': '#Certificate'}", NULL},
    {"config", "{'message': 'text', 'renewBeforeDays?': 'int', 'renewBefore?': 'text'}", NULL},
};
