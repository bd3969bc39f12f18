/** The server's certificate and key, exchangeable while it runs; and the caller's certificate. */
#ifndef CHY_HTTP_TLS_H
#define CHY_HTTP_TLS_H

#include "base/auto.h"

#include <chancery/host.h>

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>

#include <stdbool.h>

/** TLS 1.2 with forward secrecy and authenticated ciphers, and TLS 1.3; the server's order
 *  counts. */
#define CHY_TLS_PRIORITIES                                                        \
    "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-KX-ALL:+ECDHE-ECDSA:+ECDHE-RSA:" \
    "-CIPHER-ALL:+AES-128-GCM:+AES-256-GCM:+CHACHA20-POLY1305:-MAC-ALL:+AEAD:%SERVER_PRECEDENCE"

/** A certificate chain with its key that handshakes read; may be used from any thread. */
struct chy_tls;

/** chy_tls_new reads PEM files: the chain, leaf first, and its key, which must match. */
CHY_MUST_USE chy_status chy_tls_new(struct chy_op *op, const char *certificate_file,
                                    const char *key_file, struct chy_tls **out_tls);
/** chy_tls_free frees it, when no handshake can run any more.  NULL is fine. */
void chy_tls_free(struct chy_tls *tls);
CHY_DEFINE_AUTO(struct chy_tls, chy_tls_free);

/** chy_tls_reload reads the files again.  Not OK: the old ones stay.  What was in use until now
 *  is kept for handshakes under way. */
CHY_MUST_USE chy_status chy_tls_reload(struct chy_tls *tls, struct chy_op *op);

/** What a handshake gets; borrowed. */
struct chy_tls_identity {
    gnutls_pcert_st *chain;
    unsigned int chain_len;
    gnutls_privkey_t key;
};

/** chy_tls_identity gives the identity of now. */
struct chy_tls_identity chy_tls_identity(struct chy_tls *tls);

/** chy_tls_peer gives the DER of the caller's certificate if there is one and it was verified
 *  against the client CAs; it lives as long as the session. */
CHY_MUST_USE bool chy_tls_peer(gnutls_session_t session, struct chy_slice *out_der);

#endif
