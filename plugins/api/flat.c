#include "flat.h"

#include <arpa/inet.h>

/** Members that stand in `attributes` today. */
static const char *const inner[] = {
    "commonName",   "organization", "organizationalUnit", "country",
    "state",        "locality",     "keyUsages",          "extendedKeyUsages",
    "ttl",          "notBefore",    "notAfter",           "signatureAlgorithm",
    "keyAlgorithm", "ou",           "province",           "basicConstraints",
};

static const char *const outer[] = {"profileId", "csr", "removeRootsFromChain", "metadata",
                                    "applicationId"};

static bool take(const json_t *flat, const char *name, json_t *into)
{
    json_t *value = json_object_get(flat, name);
    return value == NULL || json_object_set(into, name, value) == 0;
}

/** kind_of tells what a name without a type is. */
static const char *kind_of(const char *name)
{
    uint8_t octets[16];
    if (inet_pton(AF_INET, name, octets) == 1 || inet_pton(AF_INET6, name, octets) == 1) {
        return "ip_address";
    }
    return strstr(name, "://") != NULL ? "uri" : strchr(name, '@') != NULL ? "email" : "dns_name";
}

static bool add_name(json_t *list, const char *text, size_t len)
{
    while (len > 0 && *text == ' ') {
        text++;
        len--;
    }
    while (len > 0 && text[len - 1] == ' ') {
        len--;
    }
    json_t *value = json_stringn(text, len);
    json_t *name = value == NULL ? NULL
                                 : json_pack("{s:s,s:o}", "type", kind_of(json_string_value(value)),
                                             "value", value);
    return len == 0 ? (json_decref(name), true) : json_array_append_new(list, name) == 0;
}

/** split_names makes typed names of a list with commas. */
static json_t *split_names(const json_t *text)
{
    json_t *list = json_array();
    const char *at = json_string_value(text);
    while (list != NULL) {
        const char *end = strchr(at, ',');
        size_t len = end == NULL ? strlen(at) : (size_t)(end - at);
        if (!add_name(list, at, len)) {
            json_decref(list);
            return NULL;
        }
        if (end == NULL) {
            break;
        }
        at = end + 1;
    }
    return list;
}

static bool take_names(const json_t *flat, json_t *attributes)
{
    json_t *names = json_object_get(flat, "altNames");
    if (names == NULL) {
        names = json_object_get(flat, "subjectAlternativeNames");
    }
    if (names == NULL) {
        return true;
    }
    return json_object_set_new(attributes, "altNames",
                               json_is_string(names) ? split_names(names) : json_incref(names)) ==
           0;
}

/** nest makes the body of today's route of an older one's. */
static json_t *nest(const json_t *flat)
{
    json_t *body = json_object();
    json_t *attributes = json_object();
    bool fine = json_object_set_new(body, "attributes", attributes) == 0;
    for (size_t i = 0; i < sizeof inner / sizeof inner[0]; i++) {
        fine = fine && take(flat, inner[i], attributes);
    }
    for (size_t i = 0; i < sizeof outer / sizeof outer[0]; i++) {
        fine = fine && take(flat, outer[i], body);
    }
    json_t *template_id = json_object_get(flat, "certificateTemplateId");
    if (json_is_string(template_id) && !json_is_string(json_object_get(body, "profileId"))) {
        fine = fine && json_object_set(body, "profileId", template_id) == 0;
    }
    if (!json_is_string(json_object_get(body, "profileId"))) {
        fine = fine && take(flat, "caId", body);
    }
    if (!fine || !take_names(flat, attributes)) {
        json_decref(body);
        return NULL;
    }
    return body;
}

chy_status api_issue_flat(void *self, struct chy_op *op, const struct chy_route *route,
                          const struct chy_http_request *request,
                          struct chy_http_answer *out_answer)
{
    (void)self;
    (void)route;
    json_t *flat;
    CHY_TRY(api_parse(op, request->body, &flat));
    json_t *body = nest(flat);
    CHY_TRY(api_own(op, body));
    return api_enroll(op, body, true, out_answer);
}
