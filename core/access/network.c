#include "access/network.h"

#include "base/ip_address.h"
#include "resource/json.h"

#define IPV4_LOCKOUT_BITS 24U
#define IPV6_LOCKOUT_BITS 56U

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
    if (chy_network_of_host(op, peer, &address) != CHY_OK) {
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
    if (chy_network_of_host(op, peer, &network) != CHY_OK) {
        *out_text = chy_text("unknown");
        return CHY_OK;
    }
    chy_network_widen(&network, network.octet_count == 4 ? IPV4_LOCKOUT_BITS : IPV6_LOCKOUT_BITS);
    struct chy_slice address;
    CHY_TRY(chy_ip_text(op, chy_slice_of(network.octets, network.octet_count), &address));
    struct chy_buf buf;
    chy_buf_init(&buf, op, 64);
    chy_buf_add(&buf, address);
    chy_buf_add_u8(&buf, '/');
    chy_buf_add_u64(&buf, network.bits);
    *out_text = chy_buf_slice(&buf);
    return chy_buf_ok(&buf) ? CHY_OK : chy_buf_fail(&buf, op, "the name of a network");
}
