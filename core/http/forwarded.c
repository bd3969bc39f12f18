#include "http/forwarded.h"

#include "http/head.h"

#include "base/encode.h"
#include "base/slice.h"

bool chy_http_trust_has(const struct chy_http_trust *trust, const struct chy_http_address *address)
{
    for (uint32_t i = 0; i < trust->network_count; i++) {
        if (chy_http_network_contains(&trust->networks[i], address)) {
            return true;
        }
    }
    return false;
}

bool chy_http_is_forwarding(struct chy_slice name)
{
    static const char *const prefixes[] = {"x-forwarded", "x-ssl-client", "x-client-cert",
                                           "client-cert"};
    for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++) {
        if (chy_slice_starts_with(name, chy_text(prefixes[i]))) {
            return true;
        }
    }
    return chy_slice_is(name, "forwarded") || chy_slice_is(name, "x-real-ip");
}

/** Reads an address as proxies write it: with a port, brackets or quotes around it. */
static bool parse_node(struct chy_slice text, struct chy_http_address *out_address)
{
    text = chy_slice_trim(text);
    if (text.len > 1 && text.ptr[0] == '"' && text.ptr[text.len - 1] == '"') {
        text = chy_slice_of(text.ptr + 1, text.len - 2);
    }
    struct chy_slice inside;
    struct chy_slice after;
    if (text.len != 0 && text.ptr[0] == '[') {
        return chy_slice_cut(chy_slice_skip(text, 1), ']', &inside, &after) &&
               chy_http_address_parse(inside, out_address);
    }
    if (chy_http_address_parse(text, out_address)) {
        return true;
    }
    return chy_slice_cut(text, ':', &inside, &after) && chy_http_address_parse(inside, out_address);
}

/** Cuts the last element off a comma-separated list. */
static bool cut_last(struct chy_slice *list, struct chy_slice *out_element)
{
    if (list->len == 0) {
        return false;
    }
    uint64_t comma;
    if (chy_slice_find_last(*list, ',', &comma)) {
        *out_element = chy_slice_trim(chy_slice_skip(*list, comma + 1));
        *list = chy_slice_first(*list, comma);
    } else {
        *out_element = chy_slice_trim(*list);
        *list = chy_slice_first(*list, 0);
    }
    return true;
}

/** The pair at `index`, which the view has: chy_view_at() could give NULL as well. */
static const struct chy_pair *pair_at(struct chy_view pairs, uint64_t index)
{
    const void *pair = (const uint8_t *)pairs.ptr + index * pairs.stride;
    return pair;
}

/** The value of `name` in an element of Forwarded: `for=192.0.2.1;proto=https`. */
static bool find_parameter(struct chy_slice element, const char *name, struct chy_slice *out_value)
{
    bool more = true;
    while (more) {
        struct chy_slice pair = element;
        struct chy_slice rest = {NULL, 0};
        more = chy_slice_cut(element, ';', &pair, &rest);
        element = rest;
        struct chy_slice key;
        struct chy_slice value;
        if (chy_slice_cut(pair, '=', &key, &value) &&
            chy_slice_is_nocase(chy_slice_trim(key), name)) {
            value = chy_slice_trim(value);
            if (value.len > 1 && value.ptr[0] == '"' && value.ptr[value.len - 1] == '"') {
                value = chy_slice_of(value.ptr + 1, value.len - 2);
            }
            *out_value = value;
            return true;
        }
    }
    return false;
}

static void take_scheme(struct chy_http_origin *origin, struct chy_slice text)
{
    if (origin->scheme.len == 0 && chy_slice_is_nocase(text, "https")) {
        origin->scheme = chy_text("https");
    } else if (origin->scheme.len == 0 && chy_slice_is_nocase(text, "http")) {
        origin->scheme = chy_text("http");
    }
}

static void take_host(struct chy_http_origin *origin, struct chy_slice text)
{
    if (origin->host.len == 0 && chy_http_is_authority(text)) {
        origin->host = text;
    }
}

/** Steps back over one hop.  false: the chain ends here, with or without an address. */
static bool step_back(const struct chy_http_trust *trust, struct chy_slice node,
                      struct chy_http_origin *origin)
{
    struct chy_http_address address;
    if (!parse_node(node, &address)) {
        return false; // "unknown", or hidden on purpose: who stands behind cannot be told
    }
    origin->address = address;
    return chy_http_trust_has(trust, &address);
}

static struct chy_slice last_of(struct chy_view headers, const char *name)
{
    for (uint64_t i = headers.count; i > 0; i--) {
        const struct chy_pair *pair = pair_at(headers, i - 1);
        if (chy_slice_is(pair->name, name)) {
            struct chy_slice list = pair->value;
            struct chy_slice element = {NULL, 0};
            (void)cut_last(&list, &element);
            return element;
        }
    }
    return chy_slice_of(NULL, 0);
}

/** Walks the chain in `name` from its end, over all lines of that name. */
static void read_chain(const struct chy_http_trust *trust, struct chy_view headers,
                       const char *name, struct chy_http_origin *origin)
{
    bool is_rfc7239 = strcmp(name, "forwarded") == 0;
    bool more = true;
    for (uint64_t i = headers.count; i > 0; i--) {
        const struct chy_pair *pair = pair_at(headers, i - 1);
        if (!chy_slice_is(pair->name, name)) {
            continue;
        }
        struct chy_slice list = pair->value;
        struct chy_slice element;
        while (more && cut_last(&list, &element)) {
            struct chy_slice node = element;
            struct chy_slice value;
            if (is_rfc7239 && find_parameter(element, "proto", &value)) {
                take_scheme(origin, value);
            }
            if (is_rfc7239 && find_parameter(element, "host", &value)) {
                take_host(origin, value);
            }
            more = (!is_rfc7239 || find_parameter(element, "for", &node)) &&
                   step_back(trust, node, origin);
        }
    }
}

/** RFC 9440 2.1: the DER, in base64, between colons. */
static chy_status read_certificate(struct chy_op *op, struct chy_view headers,
                                   struct chy_slice *out_der)
{
    const struct chy_pair *found = NULL;
    for (uint64_t i = 0; i < headers.count; i++) {
        const struct chy_pair *pair = pair_at(headers, i);
        if (!chy_slice_is(pair->name, "client-cert")) {
            continue;
        }
        if (found != NULL) {
            return chy_fail(op, CHY_BAD_INPUT, 0, "there is more than one Client-Cert");
        }
        found = pair;
    }
    if (found == NULL) {
        return CHY_OK;
    }
    struct chy_slice text = chy_slice_trim(found->value);
    if (text.len < 3 || text.ptr[0] != ':' || text.ptr[text.len - 1] != ':') {
        return chy_fail(op, CHY_BAD_INPUT, 0, "the Client-Cert is not base64 between colons");
    }
    struct chy_buffer into = {chy_alloc(op, text.len), text.len};
    size_t len;
    if (into.ptr == NULL) {
        return chy_fail_memory(op);
    }
    if (!chy_base64_decode(chy_slice_of(text.ptr + 1, text.len - 2), into, &len)) {
        return chy_fail(op, CHY_BAD_INPUT, 0, "the Client-Cert is not base64 between colons");
    }
    *out_der = chy_slice_of(into.ptr, len);
    return CHY_OK;
}

chy_status chy_http_forwarded_read(struct chy_op *op, const struct chy_http_trust *trust,
                                   const struct chy_http_address *peer, struct chy_view headers,
                                   struct chy_http_origin *out_origin)
{
    struct chy_http_origin origin = {*peer, {NULL, 0}, {NULL, 0}, {NULL, 0}};
    CHY_TRY(read_certificate(op, headers, &origin.certificate));
    switch (trust->forwarding) {
    case CHY_HTTP_X_FORWARDED:
        read_chain(trust, headers, "x-forwarded-for", &origin);
        take_scheme(&origin, last_of(headers, "x-forwarded-proto"));
        take_host(&origin, last_of(headers, "x-forwarded-host"));
        break;
    case CHY_HTTP_FORWARDED: read_chain(trust, headers, "forwarded", &origin); break;
    }
    *out_origin = origin;
    return CHY_OK;
}
