#include "address.h"

#include "notify.h"

#define LOCAL_MAX 64U // RFC 5321 4.5.3.1.1
#define LABEL_MAX 63U // RFC 1035 2.3.4

static bool is_alnum(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/** RFC 5322 3.2.3 */
static bool is_atext(uint8_t c)
{
    return is_alnum(c) || (c != 0 && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL);
}

static bool is_dot_string(struct chy_slice text)
{
    bool after_dot = true;
    for (uint64_t i = 0; i < text.len; i++) {
        bool is_dot = text.ptr[i] == '.';
        if ((is_dot && after_dot) || (!is_dot && !is_atext(text.ptr[i]))) {
            return false;
        }
        after_dot = is_dot;
    }
    return text.len != 0 && text.len <= LOCAL_MAX && !after_dot;
}

static bool is_host_name(struct chy_slice text)
{
    uint64_t label = 0; // octets of the label so far
    for (uint64_t i = 0; i < text.len; i++) {
        uint8_t c = text.ptr[i];
        bool is_last = i + 1 == text.len || text.ptr[i + 1] == '.';
        if (c == '.' ? label == 0 : !(is_alnum(c) || (c == '-' && label != 0 && !is_last))) {
            return false;
        }
        label = c == '.' ? 0 : label + 1;
        if (label > LABEL_MAX) {
            return false;
        }
    }
    return label != 0;
}

bool address_is_valid(struct chy_slice address)
{
    const uint8_t *at = address.len == 0 || address.len > ADDRESS_MAX
                            ? NULL
                            : memchr(address.ptr, '@', (size_t)address.len);
    if (at == NULL) {
        return false;
    }
    uint64_t local = (uint64_t)(at - address.ptr);
    return is_dot_string(chy_slice_of(address.ptr, local)) &&
           is_host_name(chy_slice_of(at + 1, address.len - local - 1));
}
