/** Subject alternative names as people write them. */
#ifndef CLIENT_SAN_H
#define CLIENT_SAN_H

#include "client/cli.h"

/** client_san_add adds `www.acme.com`, `10.0.0.1`, `me@acme.com`, `https://acme.com/x`, or one of a
 *  type that is said, `uri:urn:x`, to a list as the API has them. */
CHY_MUST_USE chy_status client_san_add(struct chy_cli *cli, json_t *list, const char *text);

#endif
