/** IP addresses as text and as octets. */
#ifndef CHY_BASE_IP_ADDRESS_H
#define CHY_BASE_IP_ADDRESS_H

#include <chancery/host.h>

/** chy_ip_text writes 4 or 16 octets as text, into the arena of `op`. */
CHY_MUST_USE chy_status chy_ip_text(struct chy_op *op, struct chy_slice octets,
                                    struct chy_slice *out_text);

/** chy_ip_parse reads an address; `out_octets` lives in the operation.  An IPv4-mapped IPv6 address
 *  is the IPv4 one. */
CHY_MUST_USE chy_status chy_ip_parse(struct chy_op *op, struct chy_slice text,
                                     struct chy_slice *out_octets);

#endif
