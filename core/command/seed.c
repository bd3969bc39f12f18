#include "command/seed.h"

#include "base/file.h"
#include "base/time.h"
#include "command/locate.h"
#include "resource/json.h"

/** CA lives: the root's 20 years, the issuing CA's one day less. Certificates may ask for 10,
 *  so that nobody is warned on the first day. */
#define ROOT_DAYS 7300
#define CA_DAYS (ROOT_DAYS - 1)

#define ANY "\"allowed\":[\"*\"]"

static const char policy_rules[] =
    "\"subject\":[{\"type\":\"common_name\"," ANY "},{\"type\":\"organization\"," ANY "},"
    "{\"type\":\"organizational_unit\"," ANY "},{\"type\":\"country\"," ANY "},"
    "{\"type\":\"state\"," ANY "},{\"type\":\"locality\"," ANY "},"
    "{\"type\":\"domain_component\"," ANY "}],"
    "\"sans\":[{\"type\":\"dns_name\"," ANY "},{\"type\":\"ip_address\"," ANY "},"
    "{\"type\":\"email\"," ANY "},{\"type\":\"uri\"," ANY "},{\"type\":\"upn\"," ANY "}],"
    "\"keyUsages\":{\"allowed\":[\"digital_signature\",\"key_encipherment\","
    "\"non_repudiation\",\"data_encipherment\",\"key_agreement\",\"key_cert_sign\",\"crl_sign\","
    "\"encipher_only\",\"decipher_only\"]},"
    "\"extendedKeyUsages\":{\"allowed\":[\"client_auth\",\"server_auth\",\"code_signing\","
    "\"email_protection\",\"ocsp_signing\",\"time_stamping\",\"any_purpose\"]},"
    "\"algorithms\":{\"signature\":[\"RSA-SHA256\",\"RSA-SHA384\",\"RSA-SHA512\","
    "\"ECDSA-SHA256\",\"ECDSA-SHA384\",\"ECDSA-SHA512\",\"Ed25519\",\"Ed448\",\"ML-DSA-44\","
    "\"ML-DSA-65\",\"ML-DSA-87\"],"
    "\"keyAlgorithm\":[\"RSA_2048\",\"RSA_3072\",\"RSA_4096\",\"EC_prime256v1\","
    "\"EC_secp384r1\",\"EC_secp521r1\",\"Ed25519\",\"Ed448\",\"ML-DSA-44\",\"ML-DSA-65\","
    "\"ML-DSA-87\"]},"
    "\"validity\":{\"max\":\"10y\"},"
    "\"basicConstraints\":{\"isCA\":\"allowed\",\"maxPathLength\":-1}";

/** call asks the resource service as its own master; `format` makes the document. */
static chy_status call(struct chy_op *op, const char *kind, const char *action, const char *id,
                       json_t **out_answer, const char *format, ...) CHY_PRINTF(6, 7);
static chy_status call(struct chy_op *op, const char *kind, const char *action, const char *id,
                       json_t **out_answer, const char *format, ...)
{
    char document[4096];
    va_list arguments;
    va_start(arguments, format);
    int len = vsnprintf(document, sizeof document, format, arguments);
    va_end(arguments);
    if (len < 0 || (size_t)len >= sizeof document) {
        return chy_fail(op, CHY_BROKEN, 0, "a document of the seed is too long");
    }
    struct chy_resource_call wanted = {.struct_size = sizeof wanted,
                                       .kind = chy_text(kind),
                                       .action = chy_text(action),
                                       .id = chy_text(id),
                                       .document = chy_slice_of(document, (uint64_t)len)};
    struct chy_resource_answer answer = {.struct_size = sizeof answer};
    CHY_TRY(chy_resource(op, &wanted, &answer));
    return chy_json_parse(op, answer.document, out_answer);
}

static const char *id_of(const json_t *object)
{
    const char *id = json_string_value(json_object_get(object, "id"));
    return id == NULL ? "" : id;
}

/** A root and the CA below it that issues. */
struct pair {
    const char *root_id;
    const char *ca_id;
    const char *root_file;
};

static chy_status write_root(struct chy_op *op, const char *root_id, const char *path)
{
    json_t *answer;
    CHY_TRY(call(op, "certificate-authorities", "certificate", root_id, &answer, "{}"));
    return chy_file_write(op, path, chy_json_member(answer, "certificate"), 0644);
}

static chy_status make_pair(struct chy_op *op, const char *project, const char *name,
                            const char *title, const char *algorithm, const char *file,
                            struct pair *out_pair)
{
    char root_end[CHY_TIME_TEXT_SIZE];
    char ca_end[CHY_TIME_TEXT_SIZE];
    json_t *root;
    json_t *ca;
    json_t *certificate;
    chy_time_format(chy_now(op) + ROOT_DAYS * CHY_US_PER_DAY, root_end);
    chy_time_format(chy_now(op) + CA_DAYS * CHY_US_PER_DAY, ca_end);
    CHY_TRY(call(op, "certificate-authorities", "create", "", &root,
                 "{\"projectId\":\"%s\",\"name\":\"%s-root\",\"configuration\":{\"type\":\"root\","
                 "\"commonName\":\"Chancery %s Root\",\"keyAlgorithm\":\"%s\","
                 "\"notAfter\":\"%s\"}}",
                 project, name, title, algorithm, root_end));
    CHY_TRY(call(op, "certificate-authorities", "create", "", &ca,
                 "{\"projectId\":\"%s\",\"name\":\"%s-issuing\",\"configuration\":{"
                 "\"type\":\"intermediate\",\"commonName\":\"Chancery %s Issuing CA\","
                 "\"keyAlgorithm\":\"%s\"}}",
                 project, name, title, algorithm));
    CHY_TRY(call(op, "certificate-authorities", "generate-certificate", id_of(ca), &certificate,
                 "{\"parentCaId\":\"%s\",\"notAfter\":\"%s\",\"maxPathLength\":-1}", id_of(root),
                 ca_end));
    CHY_TRY(write_root(op, id_of(root), file));
    out_pair->root_id = id_of(root);
    out_pair->ca_id = id_of(ca);
    out_pair->root_file = file;
    return CHY_OK;
}

static chy_status make_profile(struct chy_op *op, const char *project, const char *slug,
                               const char *ca, const char *policy, json_t **out_profile)
{
    json_t *answer;
    CHY_TRY(call(op, "certificate-profiles", "create", "", &answer,
                 "{\"projectId\":\"%s\",\"caId\":\"%s\",\"certificatePolicyId\":\"%s\","
                 "\"slug\":\"%s\",\"enrollmentType\":\"api\","
                 "\"apiConfig\":{\"autoRenew\":true,\"renewBeforeDays\":7}}",
                 project, ca, policy, slug));
    *out_profile = json_object_get(answer, "certificateProfile");
    return CHY_OK;
}

chy_status chy_seed(struct chy_assembly *assembly, struct chy_op *op, const char *directory,
                    json_t **out_seed)
{
    struct pair rsa;
    struct pair ec;
    json_t *answer;
    json_t *rsa_profile;
    json_t *ec_profile;
    const char *rsa_file;
    const char *ec_file;
    (void)assembly;
    CHY_TRY(chy_path_join(op, directory, "root.pem", &rsa_file));
    CHY_TRY(chy_path_join(op, directory, "ec-root.pem", &ec_file));
    CHY_TRY(call(op, "projects", "create", "", &answer,
                 "{\"projectName\":\"Development\",\"slug\":\"development\"}"));
    const char *project = id_of(json_object_get(answer, "project"));
    CHY_TRY(make_pair(op, project, "dev-rsa", "Development", "RSA_2048", rsa_file, &rsa));
    CHY_TRY(make_pair(op, project, "dev-ec", "Development EC", "EC_prime256v1", ec_file, &ec));
    CHY_TRY(call(op, "certificate-policies", "create", "", &answer,
                 "{\"projectId\":\"%s\",\"name\":\"development\",%s}", project, policy_rules));
    const char *policy = id_of(json_object_get(answer, "certificatePolicy"));
    CHY_TRY(make_profile(op, project, "dev-rsa", rsa.ca_id, policy, &rsa_profile));
    CHY_TRY(make_profile(op, project, "dev-ec", ec.ca_id, policy, &ec_profile));
    json_t *seed = json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s}", "projectId", project,
                             "rootCaId", rsa.root_id, "caId", rsa.ca_id, "policyId", policy,
                             "profileId", id_of(rsa_profile), "caCertificateFile", rsa.root_file,
                             "ecRootCaId", ec.root_id, "ecCaId", ec.ca_id, "ecProfileId",
                             id_of(ec_profile), "ecCaCertificateFile", ec.root_file);
    if (seed == NULL) {
        return chy_fail_memory(op);
    }
    chy_status status = chy_json_own(op, seed);
    json_decref(seed);
    *out_seed = seed;
    return status;
}
