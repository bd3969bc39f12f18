/** Addresses as the configuration writes them: checked here, opened by core/http. */
#ifndef CHY_CONFIG_LISTEN_H
#define CHY_CONFIG_LISTEN_H

#include <chancery/types.h>

#include <stdbool.h>

/** chy_listen_is_valid checks "address:port", ":port", "[v6]:port", "localhost:port". */
CHY_MUST_USE bool chy_listen_is_valid(struct chy_slice listen);

/** chy_network_is_valid checks an address or a network: "10.0.0.0/8". */
CHY_MUST_USE bool chy_network_is_valid(struct chy_slice network);

/** A syslog server: a name or an address, and a port as text. */
struct chy_syslog_server {
    bool is_tcp;
    struct chy_slice host;
    struct chy_slice port;
};

/** chy_syslog_server_read takes "udp://host:port", "tcp://[v6]:port" apart; false: it is none. */
CHY_MUST_USE bool chy_syslog_server_read(struct chy_slice text,
                                         struct chy_syslog_server *out_server);

/** chy_public_url_problem says what is wrong with a URL that is to stand in certificates, or
 *  NULL. */
const char *chy_public_url_problem(struct chy_slice url);

#endif
