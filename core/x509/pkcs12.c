#include "x509/pkcs12.h"

#include "base/slice.h"
#include "x509/der_write.h"
#include "x509/oid.h"

#include <chancery/host.h>

enum {
    FIRST_SIZE = 4096,
    AES_256_KEY_LEN = 32
};

#define OID(name, ...) static const uint8_t name[] = {__VA_ARGS__}
OID(oid_data, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x01);      // 1.2.840.113549.1.7.1
OID(oid_encrypted, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x06); // 1.2.840.113549.1.7.6
OID(oid_pbkdf2, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05, 0x0c);    // 1.2.840.113549.1.5.12
OID(oid_pbes2, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05, 0x0d);     // 1.2.840.113549.1.5.13
OID(oid_hmac_sha256, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x02, 0x09);     // 1.2.840.113549.2.9
OID(oid_aes_256_cbc, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01,
    0x2a); // 2.16.840.1.101.3.4.1.42
OID(oid_sha1_3des, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x0c, 0x01,
    0x03); // 1.2.840.113549.1.12.1.3
OID(oid_shrouded_key_bag, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x0c, 0x0a, 0x01,
    0x02); // 1.2.840.113549.1.12.10.1.2
OID(oid_certificate_bag, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x0c, 0x0a, 0x01,
    0x03); // 1.2.840.113549.1.12.10.1.3
OID(oid_x509_certificate, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x16,
    0x01); // 1.2.840.113549.1.9.22.1
OID(oid_friendly_name, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09,
    0x14); // 1.2.840.113549.1.9.20
OID(oid_local_key_id, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09,
    0x15); // 1.2.840.113549.1.9.21

#define ADD_OID(w, name) chy_der_add_element((w), CHY_DER_OID, chy_slice_of((name), sizeof(name)))

static struct chy_der_writer writer_of(struct chy_op *op)
{
    return chy_der_writer_new(op, FIRST_SIZE, CHY_PKCS12_MAX);
}

/* ------------------------------------------------------------------------------------------------
 * Text
 */

static uint8_t *put_unit(uint8_t *at, uint32_t unit)
{
    at[0] = (uint8_t)(unit >> 8);
    at[1] = (uint8_t)(unit & 0xffU);
    return at + 2;
}

bool chy_pkcs12_utf16(struct chy_slice text, bool terminated, uint8_t *out, uint64_t *out_len)
{
    uint8_t *end = out;
    uint64_t at = 0;
    while (at < text.len) {
        uint32_t c;
        if (!chy_utf8_next(text, &at, &c) || c == 0) {
            return false;
        }
        if (c > 0xffffU) {
            end = put_unit(end, 0xd7c0U + (c >> 10)); // 0xd800 + ((c - 0x10000) >> 10)
            c = 0xdc00U | (c & 0x3ffU);
        }
        end = put_unit(end, c);
    }
    if (terminated) {
        end = put_unit(end, 0);
    }
    *out_len = (uint64_t)(end - out);
    return true;
}

/* ------------------------------------------------------------------------------------------------
 * Bags
 */

/** write_friendly_name writes a bag's friendlyName (RFC 2985 5.5.1). */
static void write_friendly_name(struct chy_der_writer *w, struct chy_slice name)
{
    uint8_t utf16[CHY_PKCS12_NAME_MAX * 2 + 2];
    uint64_t len = 0;
    if (name.len > CHY_PKCS12_NAME_MAX || !chy_pkcs12_utf16(name, false, utf16, &len)) {
        w->failed = true;
        return;
    }
    uint64_t attribute = chy_der_open(w, CHY_DER_SEQUENCE);
    ADD_OID(w, oid_friendly_name);
    uint64_t values = chy_der_open(w, CHY_DER_SET);
    chy_der_add_element(w, CHY_DER_BMP_STRING, chy_slice_of(utf16, len));
    chy_der_close(w, values);
    chy_der_close(w, attribute);
}

static void write_local_key_id(struct chy_der_writer *w, struct chy_slice id)
{
    uint64_t attribute = chy_der_open(w, CHY_DER_SEQUENCE);
    ADD_OID(w, oid_local_key_id);
    uint64_t values = chy_der_open(w, CHY_DER_SET);
    chy_der_add_octets(w, id);
    chy_der_close(w, values);
    chy_der_close(w, attribute);
}

/** write_attributes writes the two attributes in the order that DER wants of a SET OF. */
static chy_status write_attributes(struct chy_op *op, struct chy_der_writer *w,
                                   const struct chy_pkcs12_contents *contents)
{
    struct chy_der_writer name_writer = writer_of(op);
    struct chy_der_writer id_writer = writer_of(op);
    struct chy_slice name = {NULL, 0};
    struct chy_slice id;
    if (contents->friendly_name.len != 0) {
        write_friendly_name(&name_writer, contents->friendly_name);
        CHY_TRY(chy_der_finish(op, &name_writer, &name));
    }
    write_local_key_id(&id_writer, contents->local_key_id);
    CHY_TRY(chy_der_finish(op, &id_writer, &id));
    bool id_first = name.len != 0 && chy_slice_compare(id, name) < 0;
    uint64_t set = chy_der_open(w, CHY_DER_SET);
    chy_der_add_raw(w, id_first ? id : name);
    chy_der_add_raw(w, id_first ? name : id);
    chy_der_close(w, set);
    return CHY_OK;
}

/** open_bag starts a SafeBag up to its value, which follows; close both marks, innermost first. */
static uint64_t open_bag(struct chy_der_writer *w, struct chy_slice type, uint64_t *out_value)
{
    uint64_t bag = chy_der_open(w, CHY_DER_SEQUENCE);
    chy_der_add_element(w, CHY_DER_OID, type);
    *out_value = chy_der_open(w, CHY_DER_CONTEXT_SET(0));
    return bag;
}

static uint64_t write_certificate(struct chy_der_writer *w, struct chy_slice der)
{
    uint64_t value;
    uint64_t bag =
        open_bag(w, chy_slice_of(oid_certificate_bag, sizeof oid_certificate_bag), &value);
    uint64_t sequence = chy_der_open(w, CHY_DER_SEQUENCE);
    ADD_OID(w, oid_x509_certificate);
    uint64_t tagged = chy_der_open(w, CHY_DER_CONTEXT_SET(0));
    chy_der_add_octets(w, der);
    chy_der_close(w, tagged);
    chy_der_close(w, sequence);
    chy_der_close(w, value);
    return bag;
}

chy_status chy_pkcs12_certificates(struct chy_op *op, const struct chy_pkcs12_contents *contents,
                                   struct chy_slice *out_der)
{
    struct chy_der_writer w = writer_of(op);
    struct chy_der chain = chy_der_of(contents->chain);
    uint64_t all = chy_der_open(&w, CHY_DER_SEQUENCE);
    uint64_t bag = write_certificate(&w, contents->certificate);
    CHY_TRY(write_attributes(op, &w, contents));
    chy_der_close(&w, bag);
    while (!chy_der_done(&chain)) {
        struct chy_slice der;
        if (!chy_der_whole(&chain, &der)) {
            return chy_fail(op, CHY_BROKEN, 0, "a chain of certificates is damaged");
        }
        bag = write_certificate(&w, der);
        chy_der_close(&w, bag);
    }
    chy_der_close(&w, all);
    return chy_der_finish(op, &w, out_der);
}

/* ------------------------------------------------------------------------------------------------
 * What is encrypted
 */

static void write_salt(struct chy_der_writer *w, const struct chy_pkcs12_secrecy *secrecy)
{
    chy_der_add_octets(w, secrecy->salt);
    chy_der_add_u64(w, CHY_DER_INTEGER, secrecy->iterations);
}

/** write_pbkdf2 writes the key derivation of PBES2 (RFC 8018 A.2). */
static void write_pbkdf2(struct chy_der_writer *w, const struct chy_pkcs12_secrecy *secrecy)
{
    uint64_t function = chy_der_open(w, CHY_DER_SEQUENCE);
    ADD_OID(w, oid_pbkdf2);
    uint64_t parameters = chy_der_open(w, CHY_DER_SEQUENCE);
    write_salt(w, secrecy);
    chy_der_add_u64(w, CHY_DER_INTEGER, AES_256_KEY_LEN);
    uint64_t prf = chy_der_open(w, CHY_DER_SEQUENCE);
    ADD_OID(w, oid_hmac_sha256);
    chy_der_add_element(w, CHY_DER_NULL, chy_slice_of(NULL, 0));
    chy_der_close(w, prf);
    chy_der_close(w, parameters);
    chy_der_close(w, function);
}

/** write_pbes2 writes the parameters of PBES2 (RFC 8018 A.4). */
static void write_pbes2(struct chy_der_writer *w, const struct chy_pkcs12_secrecy *secrecy)
{
    uint64_t parameters = chy_der_open(w, CHY_DER_SEQUENCE);
    write_pbkdf2(w, secrecy);
    uint64_t cipher = chy_der_open(w, CHY_DER_SEQUENCE);
    ADD_OID(w, oid_aes_256_cbc);
    chy_der_add_octets(w, secrecy->iv);
    chy_der_close(w, cipher);
    chy_der_close(w, parameters);
}

/** write_algorithm writes the AlgorithmIdentifier of an encryption. */
static void write_algorithm(struct chy_der_writer *w, const struct chy_pkcs12_secrecy *secrecy)
{
    uint64_t algorithm = chy_der_open(w, CHY_DER_SEQUENCE);
    if (secrecy->scheme == CHY_PKCS12_MODERN) {
        ADD_OID(w, oid_pbes2);
        write_pbes2(w, secrecy);
    } else {
        ADD_OID(w, oid_sha1_3des);
        uint64_t parameters = chy_der_open(w, CHY_DER_SEQUENCE);
        write_salt(w, secrecy);
        chy_der_close(w, parameters);
    }
    chy_der_close(w, algorithm);
}

/** write_encrypted writes a ContentInfo of encrypted data (RFC 5652 8). */
static void write_encrypted(struct chy_der_writer *w, const struct chy_pkcs12_sealed *sealed)
{
    uint64_t info = chy_der_open(w, CHY_DER_SEQUENCE);
    ADD_OID(w, oid_encrypted);
    uint64_t tagged = chy_der_open(w, CHY_DER_CONTEXT_SET(0));
    uint64_t data = chy_der_open(w, CHY_DER_SEQUENCE);
    chy_der_add_u64(w, CHY_DER_INTEGER, 0); // version
    uint64_t content = chy_der_open(w, CHY_DER_SEQUENCE);
    ADD_OID(w, oid_data);
    write_algorithm(w, &sealed->secrecy);
    chy_der_add_element(w, CHY_DER_CONTEXT(0), sealed->ciphertext);
    chy_der_close(w, content);
    chy_der_close(w, data);
    chy_der_close(w, tagged);
    chy_der_close(w, info);
}

/** open_data starts a ContentInfo of plain data up to its octets; close `marks` backwards. */
static void open_data(struct chy_der_writer *w, uint64_t marks[3])
{
    marks[0] = chy_der_open(w, CHY_DER_SEQUENCE);
    ADD_OID(w, oid_data);
    marks[1] = chy_der_open(w, CHY_DER_CONTEXT_SET(0));
    marks[2] = chy_der_open(w, CHY_DER_OCTET_STRING);
}

static void close_data(struct chy_der_writer *w, const uint64_t marks[3])
{
    chy_der_close(w, marks[2]);
    chy_der_close(w, marks[1]);
    chy_der_close(w, marks[0]);
}

static chy_status write_key(struct chy_op *op, struct chy_der_writer *w,
                            const struct chy_pkcs12_contents *contents,
                            const struct chy_pkcs12_sealed *private_key)
{
    uint64_t value;
    uint64_t bags = chy_der_open(w, CHY_DER_SEQUENCE);
    uint64_t bag =
        open_bag(w, chy_slice_of(oid_shrouded_key_bag, sizeof oid_shrouded_key_bag), &value);
    uint64_t info = chy_der_open(w, CHY_DER_SEQUENCE); // EncryptedPrivateKeyInfo (RFC 5208 6)
    write_algorithm(w, &private_key->secrecy);
    chy_der_add_octets(w, private_key->ciphertext);
    chy_der_close(w, info);
    chy_der_close(w, value);
    CHY_TRY(write_attributes(op, w, contents));
    chy_der_close(w, bag);
    chy_der_close(w, bags);
    return CHY_OK;
}

chy_status chy_pkcs12_safe(struct chy_op *op, const struct chy_pkcs12_contents *contents,
                           const struct chy_pkcs12_sealed *certificates,
                           const struct chy_pkcs12_sealed *private_key, struct chy_slice *out_der)
{
    struct chy_der_writer w = writer_of(op);
    uint64_t marks[3];
    uint64_t safe = chy_der_open(&w, CHY_DER_SEQUENCE);
    write_encrypted(&w, certificates);
    open_data(&w, marks);
    CHY_TRY(write_key(op, &w, contents, private_key));
    close_data(&w, marks);
    chy_der_close(&w, safe);
    return chy_der_finish(op, &w, out_der);
}

chy_status chy_pkcs12_file(struct chy_op *op, struct chy_slice safe,
                           const struct chy_pkcs12_secrecy *mac_secrecy, struct chy_slice mac,
                           struct chy_slice *out_der)
{
    struct chy_der_writer w = writer_of(op);
    uint64_t marks[3];
    bool modern = mac_secrecy->scheme == CHY_PKCS12_MODERN;
    uint64_t file = chy_der_open(&w, CHY_DER_SEQUENCE);
    chy_der_add_u64(&w, CHY_DER_INTEGER, 3); // version
    open_data(&w, marks);
    chy_der_add_raw(&w, safe);
    close_data(&w, marks);
    uint64_t mac_data = chy_der_open(&w, CHY_DER_SEQUENCE);
    uint64_t digest_info = chy_der_open(&w, CHY_DER_SEQUENCE);
    uint64_t algorithm = chy_der_open(&w, CHY_DER_SEQUENCE);
    chy_der_add_element(&w, CHY_DER_OID, chy_oid_contents(modern ? CHY_OID_SHA256 : CHY_OID_SHA1));
    chy_der_add_element(&w, CHY_DER_NULL, chy_slice_of(NULL, 0));
    chy_der_close(&w, algorithm);
    chy_der_add_octets(&w, mac);
    chy_der_close(&w, digest_info);
    write_salt(&w, mac_secrecy);
    chy_der_close(&w, mac_data);
    chy_der_close(&w, file);
    return chy_der_finish(op, &w, out_der);
}
