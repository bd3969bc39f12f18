#include "access/network.h"

#include "base/slice.h"
#include "resource/json.h"
#include "x509/san.h"

#define IPV4_LOCKOUT_BITS 24U
#define IPV6_LOCKOUT_BITS 56U

/** keep_bits zeroes what follows the first `bits` bits. */
static void keep_bits(struct chy_network *network, uint32_t bits)
{
    network->bits = bits;
    for (uint32_t i = 0; i < network->octet_count; i++) {
        uint32_t kept = bits > i * 8 ? bits - i * 8 : 0;
        if (kept < 8) {
            network->octets[i] = (uint8_t)(network->octets[i] & (0xFF00U >> kept));
        }
    }
}

static chy_status parse_address(struct chy_op *op, struct chy_slice text,
                                struct chy_network *out_network)
{
    struct chy_slice octets;
    CHY_TRY(chy_san_ip_parse(op, text, &octets));
    memset(out_network, 0, sizeof *out_network);
    memcpy(out_network->octets, octets.ptr, (size_t)octets.len);
    out_network->octet_count = (uint32_t)octets.len;
    out_network->bits = out_network->octet_count * 8;
    return CHY_OK;
}

chy_status chy_network_parse(struct chy_op *op, struct chy_slice text,
                             struct chy_network *out_network)
{
    struct chy_slice trimmed = chy_slice_trim(text);
    struct chy_slice address = trimmed;
    struct chy_slice prefix = {NULL, 0};
    struct chy_network network;
    bool has_prefix = chy_slice_cut(trimmed, '/', &address, &prefix);
    CHY_TRY(parse_address(op, has_prefix ? address : trimmed, &network));
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
        keep_bits(&network, (uint32_t)(mapped ? bits - 96 : bits));
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
    keep_bits(&cut, outer->bits);
    return memcmp(cut.octets, outer->octets, outer->octet_count) == 0;
}

chy_status chy_networks_parse(struct chy_op *op, struct chy_slice json,
                              struct chy_view *out_networks)
{
    json_t *list;
    CHY_TRY(chy_json_parse(op, json, &list));
    size_t count = json_array_size(list);
    struct chy_network *networks = chy_alloc(op, (count + 1) * sizeof *networks);
    if (networks == NULL) {
        return chy_fail_memory(op);
    }
    for (size_t i = 0; i < count; i++) {
        CHY_TRY(chy_network_parse(op, chy_json_member(json_array_get(list, i), "ipAddress"),
                                  &networks[i]));
    }
    out_networks->ptr = networks;
    out_networks->count = count;
    out_networks->stride = sizeof *networks;
    return CHY_OK;
}

bool chy_networks_have(struct chy_op *op, struct chy_view networks, struct chy_slice peer)
{
    struct chy_network address;
    if (parse_address(op, peer, &address) != CHY_OK) {
        return false;
    }
    for (uint64_t i = 0; i < networks.count; i++) {
        if (chy_network_contains((const struct chy_network *)chy_view_at(networks, i), &address)) {
            return true;
        }
    }
    return false;
}

chy_status chy_network_of_source(struct chy_op *op, struct chy_slice peer,
                                 struct chy_slice *out_text)
{
    struct chy_network network;
    if (parse_address(op, peer, &network) != CHY_OK) {
        *out_text = chy_text("unknown");
        return CHY_OK;
    }
    keep_bits(&network, network.octet_count == 4 ? IPV4_LOCKOUT_BITS : IPV6_LOCKOUT_BITS);
    struct chy_slice address;
    CHY_TRY(chy_san_ip_text(op, chy_slice_of(network.octets, network.octet_count), &address));
    struct chy_buf buf;
    chy_buf_init(&buf, op, 64);
    chy_buf_add(&buf, address);
    chy_buf_add_u8(&buf, '/');
    chy_buf_add_u64(&buf, network.bits);
    *out_text = chy_buf_slice(&buf);
    return chy_buf_ok(&buf) ? CHY_OK : chy_buf_fail(&buf, op, "the name of a network");
}
