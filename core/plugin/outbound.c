#include "plugin/outbound.h"

#include "base/ip_address.h"

#include <errno.h>
#include <ifaddrs.h>
#include <netinet/in.h>

/** A network whose addresses are refused, and what they are. */
struct reserved {
    struct chy_network network;
    const char *kind;
    bool is_metadata;
};

#define METADATA "that of a metadata service"

// The IANA registries of special-purpose addresses (RFC 6890), the clouds' metadata services, and
// what else never is a receiver's.  The first that fits says the word.
static const struct reserved ipv4[] = {
    {{{169, 254, 169, 254}, 4, 32}, METADATA, true},
    {{{169, 254, 170, 2}, 4, 32}, METADATA, true},
    {{{169, 254, 170, 23}, 4, 32}, METADATA, true},
    {{{168, 63, 129, 16}, 4, 32}, METADATA, true},
    {{{100, 100, 100, 200}, 4, 32}, METADATA, true},
    {{{192, 0, 0, 192}, 4, 32}, METADATA, true},
    {{{0}, 4, 8}, "unspecified", false},
    {{{127}, 4, 8}, "loopback", false},
    {{{10}, 4, 8}, "private", false},
    {{{172, 16}, 4, 12}, "private", false},
    {{{192, 168}, 4, 16}, "private", false},
    {{{100, 64}, 4, 10}, "private (shared by a provider's customers)", false},
    {{{169, 254}, 4, 16}, "link-local", false},
    {{{192, 0, 2}, 4, 24}, "for documentation", false},
    {{{198, 51, 100}, 4, 24}, "for documentation", false},
    {{{203, 0, 113}, 4, 24}, "for documentation", false},
    {{{198, 18}, 4, 15}, "for benchmarks", false},
    {{{192, 0, 0}, 4, 24}, "reserved", false},
    {{{192, 88, 99}, 4, 24}, "reserved", false},
    {{{224}, 4, 4}, "multicast", false},
    {{{255, 255, 255, 255}, 4, 32}, "broadcast", false},
    {{{240}, 4, 4}, "reserved", false},
};

static const struct reserved ipv6[] = {
    {{{0xfd, 0, 0x0e, 0xc2, [15] = 0x54, [14] = 0x02}, 16, 128}, METADATA, true},
    {{{0xfd, 0, 0x0e, 0xc2, [15] = 0x23}, 16, 128}, METADATA, true},
    {{{0xfd, 0x20, 0, 0xce, [15] = 0x54, [14] = 0x02}, 16, 128}, METADATA, true},
    {{{0}, 16, 128}, "unspecified", false},
    {{{[15] = 1}, 16, 128}, "loopback", false},
    {{{0xfc}, 16, 7}, "private", false},
    {{{0xfe, 0x80}, 16, 10}, "link-local", false},
    {{{0xfe, 0xc0}, 16, 10}, "private", false},
    {{{0xff}, 16, 8}, "multicast", false},
    {{{0x20, 0x01, 0x0d, 0xb8}, 16, 32}, "for documentation", false},
    {{{0x3f, 0xff}, 16, 20}, "for documentation", false},
    {{{0x20, 0x01}, 16, 23}, "reserved", false}, // Teredo, ORCHID, benchmarks, anycast
};

/** What is given out as global unicast (RFC 4291 2.4): IPv6 outside of it is no receiver's. */
static const struct chy_network global_unicast = {{0x20}, 16, 3};

/** A form in which an IPv4 address stands inside an IPv6 one. */
static const struct {
    struct chy_network network;
    uint32_t at; /**< the first of its four octets */
} embeddings[] = {
    {{{0, 0x64, 0xff, 0x9b}, 16, 96}, 12}, // NAT64, RFC 6052
    {{{0x20, 0x02}, 16, 16}, 2},           // 6to4, RFC 3056
};

/** ISATAP (RFC 5214): the interface identifier says so, whatever the network is. */
static const uint8_t isatap_local[4] = {0, 0, 0x5e, 0xfe};
static const uint8_t isatap_global[4] = {2, 0, 0x5e, 0xfe};

static bool embedded_ipv4(const struct chy_network *address, struct chy_network *out_ipv4)
{
    if (address->octet_count != 16) {
        return false;
    }
    for (size_t i = 0; i < sizeof embeddings / sizeof embeddings[0]; i++) {
        if (chy_network_contains(&embeddings[i].network, address)) {
            return chy_network_of_octets(chy_slice_of(address->octets + embeddings[i].at, 4),
                                         out_ipv4);
        }
    }
    if (memcmp(address->octets + 8, isatap_local, 4) == 0 ||
        memcmp(address->octets + 8, isatap_global, 4) == 0) {
        return chy_network_of_octets(chy_slice_of(address->octets + 12, 4), out_ipv4);
    }
    return false;
}

static const struct reserved *find(const struct reserved *table, size_t count,
                                   const struct chy_network *address)
{
    for (size_t i = 0; i < count; i++) {
        if (chy_network_contains(&table[i].network, address)) {
            return &table[i];
        }
    }
    return NULL;
}

const char *chy_outbound_kind(const struct chy_network *address, bool *out_is_metadata)
{
    bool is_ipv4 = address->octet_count == 4;
    const struct reserved *found = is_ipv4 ? find(ipv4, sizeof ipv4 / sizeof ipv4[0], address)
                                           : find(ipv6, sizeof ipv6 / sizeof ipv6[0], address);
    *out_is_metadata = found != NULL && found->is_metadata;
    if (found != NULL) {
        return found->kind;
    }
    struct chy_network inside;
    bool is_embedded = embedded_ipv4(address, &inside);
    if (is_embedded) {
        const char *kind = chy_outbound_kind(&inside, out_is_metadata);
        if (kind != NULL) {
            return kind;
        }
    }
    bool is_nat64 = is_embedded && chy_network_contains(&embeddings[0].network, address);
    if (is_ipv4 || is_nat64 || chy_network_contains(&global_unicast, address)) {
        return NULL;
    }
    return "reserved";
}

/** is_listed: a metadata service is named by itself, and never by a network that it happens to be
 *  in. */
static bool is_listed(const struct chy_outbound_rules *rules, const struct chy_network *address,
                      bool is_metadata)
{
    for (uint64_t i = 0; i < rules->allowed_count; i++) {
        const struct chy_network *allowed = &rules->allowed[i];
        if (chy_network_contains(allowed, address) &&
            (!is_metadata || allowed->bits == address->bits)) {
            return true;
        }
    }
    struct chy_network inside;
    return embedded_ipv4(address, &inside) && is_listed(rules, &inside, is_metadata);
}

static bool network_of(const struct sockaddr *from, struct chy_network *out_network)
{
    if (from == NULL) {
        return false;
    }
    if (from->sa_family == AF_INET) {
        struct sockaddr_in ipv4_address;
        memcpy(&ipv4_address, from, sizeof ipv4_address);
        return chy_network_of_octets(chy_slice_of(&ipv4_address.sin_addr, 4), out_network);
    }
    if (from->sa_family == AF_INET6) {
        struct sockaddr_in6 ipv6_address;
        memcpy(&ipv6_address, from, sizeof ipv6_address);
        return chy_network_of_octets(chy_slice_of(&ipv6_address.sin6_addr, 16), out_network);
    }
    return false;
}

/** is_own finds the addresses of this machine, as they are or inside of an IPv6 one: behind one of
 *  them is what listens here. */
static chy_status is_own(struct chy_op *op, const struct chy_network *address, bool *out_is_own)
{
    struct ifaddrs *all = NULL;
    struct chy_network inside;
    bool is_embedded = embedded_ipv4(address, &inside);
    bool found = false;
    if (getifaddrs(&all) != 0) {
        return chy_fail(op, CHY_TRY_LATER, errno,
                        "the addresses of this machine could not be listed");
    }
    for (const struct ifaddrs *one = all; one != NULL && !found; one = one->ifa_next) {
        struct chy_network own;
        found = network_of(one->ifa_addr, &own) &&
                (chy_network_contains(&own, address) ||
                 (is_embedded && chy_network_contains(&own, &inside)));
    }
    freeifaddrs(all);
    *out_is_own = found;
    return CHY_OK;
}

static chy_status refuse(struct chy_op *op, const struct chy_network *address, uint32_t port,
                         const char *kind)
{
    struct chy_slice text = {NULL, 0};
    CHY_TRY(chy_ip_text(op, chy_slice_of(address->octets, address->octet_count), &text));
    // The log is the operator's.  The message goes to the project, which has no business knowing
    // what our resolver says of inner names.
    chy_log_info(op, "outbound.refused", "%.*s port %u is not called: the address is %s",
                 (int)text.len, (const char *)text.ptr, port, kind);
    return chy_fail(op, CHY_DENIED, 0,
                    "its address is %s, and no network in the configuration's outbound.allow",
                    kind);
}

chy_status chy_outbound_decide(const struct chy_outbound_rules *rules, struct chy_op *op,
                               const struct chy_outbound_address *wanted)
{
    struct chy_network address;
    bool is_metadata = false;
    bool own = false;
    if (!chy_network_of_octets(wanted->address, &address)) {
        return chy_fail(op, CHY_BAD_INPUT, 0, "an IP address has 4 or 16 octets, not %llu",
                        (unsigned long long)wanted->address.len);
    }
    const char *kind = chy_outbound_kind(&address, &is_metadata);
    if (is_listed(rules, &address, is_metadata)) {
        return CHY_OK;
    }
    if (kind == NULL) {
        CHY_TRY(is_own(op, &address, &own));
        kind = own ? "this machine's own" : NULL;
    }
    return kind == NULL ? CHY_OK : refuse(op, &address, wanted->port, kind);
}
