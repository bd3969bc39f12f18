#include "http/tls.h"

#include "http/unconst.h"

#include "base/file.h"
#include "base/lock.h"

#include <gnutls/x509.h>

#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

/** A chain is leaf, intermediates, perhaps a root; a file of 64 KiB holds them many times over.
 *  */
enum {
    CHAIN_MAX = 16,
    FILE_MAX = 64 << 10
};

/** What the files held at one time. */
struct generation {
    struct generation *older; // kept until the end: a handshake may still read it
    gnutls_pcert_st chain[CHAIN_MAX];
    unsigned int chain_len;
    gnutls_privkey_t key;
};

struct chy_tls {
    _Atomic(struct generation *) current;
    struct chy_mutex reload_lock; // one reload at a time
    char *certificate_file;
    char *key_file;
};

static void generation_free(struct generation *generation)
{
    if (generation == NULL) {
        return;
    }
    for (unsigned int i = 0; i < generation->chain_len; i++) {
        gnutls_pcert_deinit(&generation->chain[i]);
    }
    if (generation->key != NULL) {
        gnutls_privkey_deinit(generation->key);
    }
    free(generation);
}

static chy_status fail_gnutls(struct chy_op *op, int code, const char *doing, const char *path)
{
    chy_status status = code == GNUTLS_E_MEMORY_ERROR ? CHY_NO_MEMORY : CHY_BAD_INPUT;
    return chy_fail(op, status, code, "cannot %s '%s': %s", doing, path, gnutls_strerror(code));
}

static chy_status read_chain(struct chy_op *op, const char *path, struct generation *generation)
{
    struct chy_slice pem;
    CHY_TRY(chy_file_read(op, path, FILE_MAX, &pem));
    gnutls_datum_t datum = {chy_http_unconst(pem.ptr), (unsigned int)pem.len};
    unsigned int count = CHAIN_MAX;
    int code = gnutls_pcert_list_import_x509_raw(generation->chain, &count, &datum,
                                                 GNUTLS_X509_FMT_PEM, 0);
    if (code < 0) {
        return fail_gnutls(op, code, "read the certificates in", path);
    }
    generation->chain_len = count;
    return CHY_OK;
}

static chy_status read_key(struct chy_op *op, const char *path, struct generation *generation)
{
    struct chy_slice pem;
    CHY_TRY(chy_file_read_secret(op, path, FILE_MAX, &pem));
    gnutls_datum_t datum = {chy_http_unconst(pem.ptr), (unsigned int)pem.len};
    int code = gnutls_privkey_init(&generation->key);
    if (code == 0) {
        code =
            gnutls_privkey_import_x509_raw(generation->key, &datum, GNUTLS_X509_FMT_PEM, NULL, 0);
    }
    return code < 0 ? fail_gnutls(op, code, "read the key in", path) : CHY_OK;
}

/** Compares the public halves. */
static chy_status check_match(struct chy_op *op, const struct chy_tls *tls,
                              const struct generation *generation)
{
    unsigned char of_key[64];
    unsigned char of_certificate[64];
    size_t key_len = sizeof of_key;
    size_t certificate_len = sizeof of_certificate;
    gnutls_pubkey_t public_key;
    int code = gnutls_pubkey_init(&public_key);
    if (code < 0) {
        return fail_gnutls(op, code, "use the key in", tls->key_file);
    }
    code = gnutls_pubkey_import_privkey(public_key, generation->key, 0, 0);
    if (code == 0) {
        code = gnutls_pubkey_get_key_id(public_key, GNUTLS_KEYID_USE_SHA256, of_key, &key_len);
    }
    gnutls_pubkey_deinit(public_key);
    if (code == 0) {
        code = gnutls_pubkey_get_key_id(generation->chain[0].pubkey, GNUTLS_KEYID_USE_SHA256,
                                        of_certificate, &certificate_len);
    }
    if (code < 0) {
        return fail_gnutls(op, code, "use the key in", tls->key_file);
    }
    if (key_len != certificate_len || memcmp(of_key, of_certificate, key_len) != 0) {
        return chy_fail(op, CHY_BAD_INPUT, 0,
                        "the key in '%s' does not belong to the first certificate in '%s'",
                        tls->key_file, tls->certificate_file);
    }
    return CHY_OK;
}

static chy_status read_files(const struct chy_tls *tls, struct chy_op *op,
                             struct generation *generation)
{
    CHY_TRY(read_chain(op, tls->certificate_file, generation));
    CHY_TRY(read_key(op, tls->key_file, generation));
    return check_match(op, tls, generation);
}

static chy_status reload_locked(struct chy_tls *tls, struct chy_op *op)
{
    chy_mutex_assert_held(&tls->reload_lock);
    struct generation *fresh = calloc(1, sizeof *fresh);
    if (fresh == NULL) {
        return chy_fail_memory(op);
    }
    chy_status status = read_files(tls, op, fresh);
    if (status != CHY_OK) {
        generation_free(fresh);
        return status;
    }
    fresh->older = atomic_load(&tls->current);
    atomic_store(&tls->current, fresh);
    return CHY_OK;
}

chy_status chy_tls_reload(struct chy_tls *tls, struct chy_op *op)
{
    chy_mutex_lock(&tls->reload_lock);
    chy_status status = reload_locked(tls, op);
    chy_mutex_unlock(&tls->reload_lock);
    return status;
}

chy_status chy_tls_new(struct chy_op *op, const char *certificate_file, const char *key_file,
                       struct chy_tls **out_tls)
{
    CHY_AUTO(chy_tls_free) struct chy_tls *tls = calloc(1, sizeof *tls);
    if (tls == NULL) {
        return chy_fail_memory(op);
    }
    chy_mutex_init(&tls->reload_lock);
    tls->certificate_file = strdup(certificate_file);
    tls->key_file = strdup(key_file);
    if (tls->certificate_file == NULL || tls->key_file == NULL) {
        return chy_fail_memory(op);
    }
    CHY_TRY(chy_tls_reload(tls, op));
    *out_tls = CHY_TAKE(tls);
    return CHY_OK;
}

void chy_tls_free(struct chy_tls *tls)
{
    if (tls == NULL) {
        return;
    }
    struct generation *generation = atomic_load(&tls->current);
    while (generation != NULL) {
        struct generation *older = generation->older;
        generation_free(generation);
        generation = older;
    }
    chy_mutex_fini(&tls->reload_lock);
    free(tls->certificate_file);
    free(tls->key_file);
    free(tls);
}

struct chy_tls_identity chy_tls_identity(struct chy_tls *tls)
{
    struct generation *current = atomic_load(&tls->current);
    struct chy_tls_identity identity = {current->chain, current->chain_len, current->key};
    return identity;
}

bool chy_tls_peer(gnutls_session_t session, struct chy_slice *out_der)
{
    unsigned int problems = 0;
    unsigned int count = 0;
    gnutls_typed_vdata_st wanted = {GNUTLS_DT_KEY_PURPOSE_OID,
                                    chy_http_unconst(GNUTLS_KP_TLS_WWW_CLIENT), 0};
    // libmicrohttpd only asks for a certificate: any, and none, reach this point.
    if (gnutls_certificate_verify_peers(session, &wanted, 1, &problems) != 0 || problems != 0) {
        return false;
    }
    const gnutls_datum_t *chain = gnutls_certificate_get_peers(session, &count);
    if (chain == NULL || count == 0) {
        return false;
    }
    *out_der = chy_slice_of(chain[0].data, chain[0].size);
    return true;
}
