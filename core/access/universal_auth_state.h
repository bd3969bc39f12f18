/** What the files of universal auth share. */
#ifndef CHY_ACCESS_UNIVERSAL_AUTH_STATE_H
#define CHY_ACCESS_UNIVERSAL_AUTH_STATE_H

#include "access/universal_auth.h"

/** chy_client_secret_mac makes what is kept of a client secret.  It binds the secret to the client
 *  id,
 *   so that no secret outlives the universal auth that it was made for. */
CHY_MUST_USE chy_status chy_client_secret_mac(struct chy_runtime *runtime, struct chy_op *op,
                                              struct chy_slice client_id,
                                              struct chy_slice client_secret,
                                              struct chy_slice *out_mac);

/** chy_universal_auth_login is the action "login". */
chy_status chy_universal_auth_login(struct chy_call *call);

#endif
