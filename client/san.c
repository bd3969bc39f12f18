#include "client/san.h"

#include "base/slice.h"

#include <arpa/inet.h>

static const struct {
    const char *prefix;
    const char *type;
} types[] = {
    {"dns:", "dns_name"}, {"ip:", "ip_address"}, {"email:", "email"},
    {"uri:", "uri"},      {"upn:", "upn"},
};

static bool is_address(const char *text)
{
    struct in6_addr ignored;
    return inet_pton(AF_INET, text, &ignored) == 1 || inet_pton(AF_INET6, text, &ignored) == 1;
}

chy_status client_san_add(struct chy_cli *cli, json_t *list, const char *text)
{
    const char *type = "dns_name";
    const char *value = text;
    bool is_said = false;
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        size_t len = strlen(types[i].prefix);
        struct chy_slice start = chy_slice_first(chy_text(text), len);
        if (chy_slice_is_nocase(start, types[i].prefix) && !is_said) {
            type = types[i].type;
            value = text + len;
            is_said = true;
        }
    }
    if (!is_said && is_address(text)) {
        type = "ip_address";
    } else if (!is_said && strstr(text, "://") != NULL) {
        type = "uri";
    } else if (!is_said && strchr(text, '@') != NULL) {
        type = "email";
    }
    if (*value == '\0') {
        return client_fail(cli, CHY_EXIT_USAGE,
                           "'%.100s' is no name: expected something like "
                           "www.acme.com or ip:10.0.0.1",
                           text);
    }
    json_t *name = json_pack("{s:s, s:s}", "type", type, "value", value);
    if (name == NULL) {
        return client_fail(cli, CHY_EXIT_USAGE, "'%.100s' is not UTF-8", client_clean(cli, text));
    }
    return json_array_append_new(list, name) == 0 ? CHY_OK : chy_fail_memory(cli->op);
}
