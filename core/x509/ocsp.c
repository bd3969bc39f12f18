#include "x509/ocsp.h"

#include <chancery/host.h>

/* ------------------------------------------------------------------------------------------------
 * Requests (RFC 6960 4.1)
 */

static bool read_hash(struct chy_der *der, enum chy_oid *out_hash)
{
    struct chy_der algorithm;
    struct chy_slice contents;
    if (!chy_der_enter(der, CHY_DER_SEQUENCE, &algorithm) || !chy_der_oid(&algorithm, &contents)) {
        return false;
    }
    if (chy_der_next_is(&algorithm, CHY_DER_NULL) && !chy_der_null(&algorithm)) {
        return false;
    }
    enum chy_oid oid = chy_oid_find(contents);
    bool is_ours = oid == CHY_OID_SHA1 || oid == CHY_OID_SHA256;
    *out_hash = is_ours ? oid : CHY_OID_UNKNOWN;
    return chy_der_done(&algorithm) || !is_ours;
}

static bool read_id(struct chy_slice der, struct chy_ocsp_id *out_id)
{
    struct chy_der whole = chy_der_of(der);
    struct chy_der id;
    out_id->der = der;
    return chy_der_enter(&whole, CHY_DER_SEQUENCE, &id) && read_hash(&id, &out_id->hash) &&
           chy_der_octets(&id, &out_id->name_hash) && chy_der_octets(&id, &out_id->key_hash) &&
           chy_der_magnitude(&id, &out_id->serial) && chy_der_done(&id);
}

/** read_nonce: RFC 9654 2.1. */
static bool read_nonce(struct chy_slice value, struct chy_slice *out_nonce)
{
    struct chy_der der = chy_der_of(value);
    return chy_der_octets(&der, out_nonce) && chy_der_done(&der) && out_nonce->len >= 1 &&
           out_nonce->len <= CHY_OCSP_NONCE_MAX;
}

/** read_extensions reads Extensions; `out_nonce` NULL: those of one certificate, without nonce. */
static chy_status read_extensions(struct chy_op *op, struct chy_der tagged,
                                  struct chy_slice *out_nonce)
{
    struct chy_slice contents;
    struct chy_slice repeated;
    struct chy_extension extension;
    char name[CHY_OID_TEXT_SIZE];
    if (!chy_der_take(&tagged, CHY_DER_SEQUENCE, &contents) || !chy_der_done(&tagged) ||
        !chy_extensions_distinct(contents, &repeated)) {
        return chy_fail(op, CHY_BAD_INPUT, 0,
                        "the extensions of the OCSP request are malformed or repeated");
    }
    struct chy_der extensions = chy_der_of(contents);
    while (chy_extension_next(&extensions, &extension)) {
        bool is_nonce = out_nonce != NULL && extension.oid == CHY_OID_OCSP_NONCE;
        if (is_nonce && !read_nonce(extension.value, out_nonce)) {
            return chy_fail(op, CHY_BAD_INPUT, 0,
                            "the nonce of an OCSP request has from 1 to %d octets",
                            CHY_OCSP_NONCE_MAX);
        }
        if (!is_nonce && extension.critical) {
            return chy_fail(op, CHY_BAD_INPUT, 0,
                            "the OCSP request has the critical extension %s, which is not known",
                            chy_oid_describe(extension.oid_contents, name));
        }
    }
    return CHY_OK;
}

static chy_status malformed(struct chy_op *op, const char *where)
{
    return chy_fail(op, CHY_BAD_INPUT, 0, "the OCSP request is malformed at %s", where);
}

static chy_status read_one(struct chy_op *op, struct chy_der *list, struct chy_ocsp_id *out_id)
{
    struct chy_der request;
    struct chy_der tagged;
    struct chy_slice id;
    bool present;
    if (!chy_der_enter(list, CHY_DER_SEQUENCE, &request) || !chy_der_whole(&request, &id) ||
        !read_id(id, out_id) ||
        !chy_der_optional(&request, CHY_DER_CONTEXT_SET(0), &present, &tagged) ||
        !chy_der_done(&request)) {
        return malformed(op, "a certificate's identifier");
    }
    return present ? read_extensions(op, tagged, NULL) : CHY_OK;
}

static chy_status read_list(struct chy_op *op, struct chy_der list,
                            struct chy_ocsp_request *request)
{
    while (!chy_der_done(&list)) {
        if (request->count == CHY_OCSP_IDS_MAX) {
            return chy_fail(op, CHY_BAD_INPUT, 0,
                            "the OCSP request asks about more than %d certificates",
                            CHY_OCSP_IDS_MAX);
        }
        CHY_TRY(read_one(op, &list, &request->ids[request->count]));
        request->count++;
    }
    return request->count > 0 ? CHY_OK : malformed(op, "its empty list");
}

/** skip_signature looks at the form of what may follow: anybody may ask, signed or not. */
static bool skip_signature(struct chy_der *request)
{
    struct chy_der tagged;
    struct chy_der signature;
    struct chy_der part;
    struct chy_slice bits;
    bool present;
    if (!chy_der_optional(request, CHY_DER_CONTEXT_SET(0), &present, &tagged)) {
        return false;
    }
    return !present ||
           (chy_der_enter(&tagged, CHY_DER_SEQUENCE, &signature) && chy_der_done(&tagged) &&
            chy_der_enter(&signature, CHY_DER_SEQUENCE, &part) && chy_der_bits(&signature, &bits) &&
            chy_der_optional(&signature, CHY_DER_CONTEXT_SET(0), &present, &part) &&
            chy_der_done(&signature));
}

/** skip_frame takes what stands before the list: the version, which is 1, and who asks. */
static bool skip_frame(struct chy_der *tbs)
{
    struct chy_der tagged;
    bool present;
    // DER never writes the default version, and there is no other.
    return chy_der_optional(tbs, CHY_DER_CONTEXT_SET(1), &present, &tagged);
}

chy_status chy_ocsp_read(struct chy_op *op, struct chy_slice der,
                         struct chy_ocsp_request *out_request)
{
    struct chy_ocsp_request request = {.count = 0};
    struct chy_der input = chy_der_of(der);
    struct chy_der whole;
    struct chy_der tbs;
    struct chy_der list;
    struct chy_der tagged;
    bool present;
    if (der.len > CHY_OCSP_REQUEST_MAX) {
        return malformed(op, "its length");
    }
    if (!chy_der_enter(&input, CHY_DER_SEQUENCE, &whole) || !chy_der_done(&input) ||
        !chy_der_enter(&whole, CHY_DER_SEQUENCE, &tbs) || !skip_signature(&whole) ||
        !chy_der_done(&whole)) {
        return malformed(op, "its frame");
    }
    if (!skip_frame(&tbs) || !chy_der_enter(&tbs, CHY_DER_SEQUENCE, &list) ||
        !chy_der_optional(&tbs, CHY_DER_CONTEXT_SET(2), &present, &tagged) || !chy_der_done(&tbs)) {
        return malformed(op, "its list");
    }
    CHY_TRY(read_list(op, list, &request));
    if (present) {
        CHY_TRY(read_extensions(op, tagged, &request.nonce));
    }
    *out_request = request;
    return CHY_OK;
}

/* ------------------------------------------------------------------------------------------------
 * Responses (RFC 6960 4.2)
 */

enum {
    FRAME_SIZE = 512,
    SINGLE_SIZE = 256,
    RESPONSE_MAX = 256 * 1024
};

static void write_status(struct chy_der_writer *w, const struct chy_ocsp_single *single)
{
    if (single->status != CHY_OCSP_REVOKED) {
        uint8_t number = single->status == CHY_OCSP_GOOD ? 0 : 2;
        chy_der_add_element(w, CHY_DER_CONTEXT(number), chy_slice_of(NULL, 0));
        return;
    }
    uint64_t info = chy_der_open(w, CHY_DER_CONTEXT_SET(1));
    chy_der_add_generalized_time(w, single->revoked_at);
    if (single->reason != CHY_CRL_UNSPECIFIED) {
        uint64_t tagged = chy_der_open(w, CHY_DER_CONTEXT_SET(0));
        chy_der_add_u64(w, CHY_DER_ENUMERATED, single->reason);
        chy_der_close(w, tagged);
    }
    chy_der_close(w, info);
}

static void write_single(struct chy_der_writer *w, const struct chy_ocsp_values *values,
                         const struct chy_ocsp_single *single)
{
    uint64_t mark = chy_der_open(w, CHY_DER_SEQUENCE);
    chy_der_add_raw(w, single->id);
    write_status(w, single);
    chy_der_add_generalized_time(w, values->this_update);
    uint64_t tagged = chy_der_open(w, CHY_DER_CONTEXT_SET(0));
    chy_der_add_generalized_time(w, values->next_update);
    chy_der_close(w, tagged);
    chy_der_close(w, mark);
}

static void write_nonce(struct chy_der_writer *w, struct chy_slice nonce)
{
    uint64_t tagged = chy_der_open(w, CHY_DER_CONTEXT_SET(1));
    uint64_t extensions = chy_der_open(w, CHY_DER_SEQUENCE);
    struct chy_ext_mark mark = chy_ext_open(w, CHY_OID_OCSP_NONCE, false);
    chy_der_add_octets(w, nonce);
    chy_ext_close(w, mark);
    chy_der_close(w, extensions);
    chy_der_close(w, tagged);
}

chy_status chy_ocsp_encode(struct chy_op *op, const struct chy_ocsp_values *values,
                           struct chy_slice *out_data)
{
    struct chy_der_writer w =
        chy_der_writer_new(op, FRAME_SIZE + values->single_count * SINGLE_SIZE, RESPONSE_MAX);
    uint64_t data = chy_der_open(&w, CHY_DER_SEQUENCE);
    uint64_t by_key = chy_der_open(&w, CHY_DER_CONTEXT_SET(2));
    chy_der_add_octets(&w, values->responder_key_hash);
    chy_der_close(&w, by_key);
    chy_der_add_generalized_time(&w, values->produced_at);
    uint64_t list = chy_der_open(&w, CHY_DER_SEQUENCE);
    for (uint64_t i = 0; i < values->single_count; i++) {
        write_single(&w, values, &values->singles[i]);
    }
    chy_der_close(&w, list);
    if (values->nonce.len > 0) {
        write_nonce(&w, values->nonce);
    }
    chy_der_close(&w, data);
    return chy_der_finish(op, &w, out_data);
}

chy_status chy_ocsp_assemble(struct chy_op *op, struct chy_slice data, uint32_t signature_algorithm,
                             struct chy_slice signature, struct chy_slice certificate,
                             struct chy_slice *out_der)
{
    struct chy_der_writer w = chy_der_writer_new(
        op, FRAME_SIZE + data.len + signature.len + certificate.len, RESPONSE_MAX);
    uint64_t response = chy_der_open(&w, CHY_DER_SEQUENCE);
    chy_der_add_u64(&w, CHY_DER_ENUMERATED, 0); // successful
    uint64_t tagged = chy_der_open(&w, CHY_DER_CONTEXT_SET(0));
    uint64_t bytes = chy_der_open(&w, CHY_DER_SEQUENCE);
    chy_der_add_element(&w, CHY_DER_OID, chy_oid_contents(CHY_OID_OCSP_BASIC));
    uint64_t octets = chy_der_open(&w, CHY_DER_OCTET_STRING);
    uint64_t basic = chy_der_open(&w, CHY_DER_SEQUENCE);
    chy_der_add_raw(&w, data);
    chy_signature_algorithm_write(&w, signature_algorithm);
    chy_der_add_bits(&w, signature);
    uint64_t certificates = chy_der_open(&w, CHY_DER_CONTEXT_SET(0));
    uint64_t list = chy_der_open(&w, CHY_DER_SEQUENCE);
    chy_der_add_raw(&w, certificate);
    chy_der_close(&w, list);
    chy_der_close(&w, certificates);
    chy_der_close(&w, basic);
    chy_der_close(&w, octets);
    chy_der_close(&w, bytes);
    chy_der_close(&w, tagged);
    chy_der_close(&w, response);
    return chy_der_finish(op, &w, out_der);
}

struct chy_slice chy_ocsp_failed(enum chy_ocsp_failure failure)
{
    static const uint8_t malformed_request[] = {0x30, 0x03, 0x0a, 0x01, 1};
    static const uint8_t internal_error[] = {0x30, 0x03, 0x0a, 0x01, 2};
    static const uint8_t try_later[] = {0x30, 0x03, 0x0a, 0x01, 3};
    static const uint8_t unauthorized[] = {0x30, 0x03, 0x0a, 0x01, 6};
    const uint8_t *octets = internal_error;
    switch (failure) {
    case CHY_OCSP_MALFORMED_REQUEST: octets = malformed_request; break;
    case CHY_OCSP_INTERNAL_ERROR: break;
    case CHY_OCSP_TRY_LATER: octets = try_later; break;
    case CHY_OCSP_UNAUTHORIZED: octets = unauthorized; break;
    }
    return chy_slice_of(octets, sizeof internal_error);
}
