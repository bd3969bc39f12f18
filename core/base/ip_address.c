#include "base/ip_address.h"

#include "base/slice.h"

#include <arpa/inet.h>

/** What of a wrong text is shown. */
#define SHOWN_MAX 64U

static const uint8_t mapped_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

chy_status chy_ip_text(struct chy_op *op, struct chy_slice octets, struct chy_slice *out_text)
{
    char text[INET6_ADDRSTRLEN];
    if (octets.len != 4 && octets.len != 16) {
        return chy_fail(op, CHY_BAD_INPUT, 0, "an IP address has 4 or 16 octets, not %llu",
                        (unsigned long long)octets.len);
    }
    // It cannot fail: the family and the size are right.
    if (inet_ntop(octets.len == 4 ? AF_INET : AF_INET6, octets.ptr, text, sizeof text) == NULL) {
        return chy_fail(op, CHY_BROKEN, 0, "cannot write an IP address as text");
    }
    return chy_copy(op, chy_text(text), out_text);
}

chy_status chy_ip_parse(struct chy_op *op, struct chy_slice text, struct chy_slice *out_octets)
{
    char address[INET6_ADDRSTRLEN + 1];
    uint8_t octets[16];
    uint64_t len = 0;
    if (text.len > 0 && text.len < sizeof address && memchr(text.ptr, 0, text.len) == NULL) {
        memcpy(address, text.ptr, text.len);
        address[text.len] = '\0';
        if (inet_pton(AF_INET, address, octets) == 1) {
            len = 4;
        } else if (inet_pton(AF_INET6, address, octets) == 1) {
            len = 16;
        }
    }
    if (len == 0) {
        return chy_fail(op, CHY_BAD_INPUT, 0, "'%.*s' is not an IPv4 or IPv6 address",
                        (int)chy_slice_first(text, SHOWN_MAX).len,
                        text.len == 0 ? "" : (const char *)text.ptr);
    }
    struct chy_slice found = chy_slice_of(octets, len);
    if (len == 16 && memcmp(octets, mapped_prefix, sizeof mapped_prefix) == 0) {
        found = chy_slice_of(octets + 12, 4); // RFC 4291 2.5.5.2: it is that IPv4 host
    }
    return chy_copy(op, found, out_octets);
}
