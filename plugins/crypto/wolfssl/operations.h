/** The plugin's side of crypto.h. */
#ifndef CHANCERY_WOLFSSL_OPERATIONS_H
#define CHANCERY_WOLFSSL_OPERATIONS_H

#include <chancery/crypto.h>
#include <chancery/host.h>

/** chy_crypto_table is what the descriptor offers; `self` is a struct chy_provider. */
extern const struct chy_crypto_ops chy_crypto_table;

#endif
