#include "base/network.h"

#include "base/ip_address.h"
#include "base/slice.h"

static const uint8_t mapped_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

void chy_network_widen(struct chy_network *network, uint32_t bits)
{
    network->bits = bits;
    for (uint32_t i = 0; i < network->octet_count; i++) {
        uint32_t kept = bits > i * 8 ? bits - i * 8 : 0;
        if (kept < 8) {
            network->octets[i] = (uint8_t)(network->octets[i] & (0xFF00U >> kept));
        }
    }
}

bool chy_network_of_octets(struct chy_slice octets, struct chy_network *out_network)
{
    if (octets.len != 4 && octets.len != 16) {
        return false;
    }
    if (octets.len == 16 && memcmp(octets.ptr, mapped_prefix, sizeof mapped_prefix) == 0) {
        octets = chy_slice_skip(octets, sizeof mapped_prefix); // RFC 4291 2.5.5.2
    }
    memset(out_network, 0, sizeof *out_network);
    memcpy(out_network->octets, octets.ptr, (size_t)octets.len);
    out_network->octet_count = (uint32_t)octets.len;
    out_network->bits = out_network->octet_count * 8;
    return true;
}

chy_status chy_network_of_host(struct chy_op *op, struct chy_slice text,
                               struct chy_network *out_network)
{
    struct chy_slice octets = {NULL, 0};
    CHY_TRY(chy_ip_parse(op, text, &octets));
    return chy_network_of_octets(octets, out_network)
               ? CHY_OK
               : chy_fail(op, CHY_BROKEN, 0, "an address of %llu octets",
                          (unsigned long long)octets.len);
}

chy_status chy_network_parse(struct chy_op *op, struct chy_slice text,
                             struct chy_network *out_network)
{
    struct chy_slice trimmed = chy_slice_trim(text);
    struct chy_slice address = trimmed;
    struct chy_slice prefix = {NULL, 0};
    struct chy_network network;
    bool has_prefix = chy_slice_cut(trimmed, '/', &address, &prefix);
    CHY_TRY(chy_network_of_host(op, has_prefix ? address : trimmed, &network));
    if (has_prefix) {
        // What is written as an IPv4-mapped address counts its bits as an IPv6 one.
        uint64_t colon;
        bool mapped = network.octet_count == 4 && chy_slice_find(address, ':', &colon);
        uint64_t most = mapped ? 128 : network.bits;
        uint64_t bits = 0;
        if (!chy_slice_parse_u64(prefix, most, &bits) || (mapped && bits < 96)) {
            return chy_fail(op, CHY_BAD_INPUT, 0,
                            "'%.*s' is not a network: the length of the "
                            "prefix is a number up to %llu",
                            (int)trimmed.len, (const char *)trimmed.ptr, (unsigned long long)most);
        }
        chy_network_widen(&network, (uint32_t)(mapped ? bits - 96 : bits));
    }
    *out_network = network;
    return CHY_OK;
}

bool chy_network_contains(const struct chy_network *outer, const struct chy_network *inner)
{
    if (outer->octet_count != inner->octet_count || inner->bits < outer->bits) {
        return false;
    }
    struct chy_network cut = *inner;
    chy_network_widen(&cut, outer->bits);
    return memcmp(cut.octets, outer->octets, outer->octet_count) == 0;
}
