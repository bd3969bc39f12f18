#include "command/reference.h"

#include "base/buf.h"
#include "base/slice.h"
#include "resource/json.h"
#include "resource/outline.h"

const char chy_reference_style[] =
    ":root{color-scheme:light dark}"
    "body{font:1rem/1.5 system-ui,sans-serif;max-width:60rem;margin:0 auto;padding:1rem}"
    "nav ul{columns:16rem;padding-left:1.2rem}"
    "article{border-top:1px solid #8888;padding:.5rem 0}"
    "code,pre{font-family:ui-monospace,monospace;font-size:.9em;overflow-wrap:anywhere}"
    "pre{overflow-x:auto;padding:.5rem;border:1px solid #8888}"
    "table{border-collapse:collapse;width:100%;margin:.5rem 0}"
    "caption{text-align:left;font-weight:600}"
    "th,td{text-align:left;vertical-align:top;padding:.2rem .6rem .2rem 0;"
    "border-top:1px solid #8884}"
    "summary{cursor:pointer}"
    ".skip{position:absolute;left:-99rem}.skip:focus{position:static}";

#define PAGE_MAX ((size_t)4 << 20)
#define DEPTH_MAX 8
#define NAME_MAX_LEN 256

/* ------------------------------------------------------------------------------------------------
 * Text
 */

static void add_escaped(struct chy_buf *out, struct chy_slice text)
{
    for (uint64_t i = 0; i < text.len; i++) {
        switch (text.ptr[i]) {
        case '<': chy_buf_add_text(out, "&lt;"); break;
        case '>': chy_buf_add_text(out, "&gt;"); break;
        case '&': chy_buf_add_text(out, "&amp;"); break;
        case '"': chy_buf_add_text(out, "&quot;"); break;
        default: chy_buf_add_u8(out, text.ptr[i]);
        }
    }
}

static void add_member(struct chy_buf *out, const json_t *object, const char *name)
{
    add_escaped(out, chy_json_member(object, name));
}

static void add_between(struct chy_buf *out, const char *before, struct chy_slice text,
                        const char *after)
{
    chy_buf_add_text(out, before);
    add_escaped(out, text);
    chy_buf_add_text(out, after);
}

static int add_piece(const char *text, size_t len, void *out)
{
    add_escaped(out, chy_slice_of(text, len));
    return 0;
}

static void add_json(struct chy_buf *out, const json_t *json, size_t flags)
{
    (void)json_dump_callback(json, add_piece, out, flags | JSON_ENCODE_ANY);
}

/* ------------------------------------------------------------------------------------------------
 * Schemas
 */

/** name_of_reference gives "Certificate", or nothing if the schema is no reference. */
static struct chy_slice name_of_reference(const json_t *schema)
{
    struct chy_slice to = chy_json_member(schema, "$ref");
    return chy_slice_skip(to, to.len == 0 ? 0 : sizeof CHY_OUTLINE_REFERENCE - 1);
}

static void add_types(struct chy_buf *out, const json_t *schema)
{
    const json_t *types = json_object_get(schema, "type");
    size_t i;
    json_t *each;
    if (json_is_string(types)) {
        add_escaped(out, chy_json_text(types));
    } else if (types == NULL) {
        chy_buf_add_text(out, json_object_get(schema, "enum") == NULL ? "any" : "string");
    }
    json_array_foreach((json_t *)(uintptr_t)types, i, each)
    {
        chy_buf_add_text(out, i == 0 ? "" : " or ");
        add_escaped(out, chy_json_text(each));
    }
}

/** add_kind says what a value is: "array of string", a link to an object. */
static void add_kind(struct chy_buf *out, const json_t *schema, int depth)
{
    struct chy_slice name = name_of_reference(schema);
    const json_t *items = json_object_get(schema, "items");
    const json_t *any = json_object_get(schema, "anyOf");
    if (name.len != 0) {
        add_between(out, "<a href=\"#schema-", name, "\">");
        add_between(out, "", name, "</a>");
        return;
    }
    if (any != NULL) {
        add_kind(out, json_array_get(any, 0), depth);
        chy_buf_add_text(out, " or null");
        return;
    }
    add_types(out, schema);
    if (items != NULL && depth < DEPTH_MAX) {
        chy_buf_add_text(out, " of ");
        add_kind(out, items, depth + 1);
    }
}

static void add_rules(struct chy_buf *out, const json_t *schema)
{
    static const char *const rules[] = {"format",    "enum",     "const",    "minLength",
                                        "maxLength", "pattern",  "minimum",  "exclusiveMinimum",
                                        "maximum",   "minItems", "maxItems", "default"};
    const char *separator = "";
    struct chy_slice words = chy_json_member(schema, "description");
    add_escaped(out, words);
    separator = words.len == 0 ? "" : "; ";
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        const json_t *value = json_object_get(schema, rules[i]);
        if (value != NULL) {
            chy_buf_add_text(out, separator);
            add_between(out, "", chy_text(rules[i]), " <code>");
            add_json(out, value, JSON_COMPACT);
            chy_buf_add_text(out, "</code>");
            separator = "; ";
        }
    }
}

static bool is_required(const json_t *schema, const char *name)
{
    size_t i;
    json_t *each;
    json_array_foreach(json_object_get(schema, "required"), i, each)
    {
        if (chy_slice_is(chy_json_text(each), name)) {
            return true;
        }
    }
    return false;
}

static void add_row(struct chy_buf *out, const char *name, const json_t *schema, bool required)
{
    add_between(out, "<tr><th scope=\"row\"><code>", chy_text(name), "</code></th><td>");
    add_kind(out, schema, 0);
    chy_buf_add_text(out, required ? ", required</td><td>" : "</td><td>");
    add_rules(out, schema);
    chy_buf_add_text(out, "</td></tr>\n");
}

/** inside finds what has members of its own: an object, or what a list is made of. */
static const json_t *inside(const json_t *schema)
{
    const json_t *any = json_object_get(schema, "anyOf");
    const json_t *items = json_object_get(schema, "items");
    return any != NULL ? inside(json_array_get(any, 0)) : items != NULL ? inside(items) : schema;
}

/** add_members adds a row for each member, and for those inside it: "attributes.ttl". */
static void add_members(struct chy_buf *out, const json_t *schema, const char *prefix, int depth)
{
    const char *name;
    json_t *child;
    json_object_foreach(json_object_get(schema, "properties"), name, child)
    {
        char path[NAME_MAX_LEN];
        (void)snprintf(path, sizeof path, "%s%s", prefix, name);
        add_row(out, path, child, is_required(schema, name));
        if (depth < DEPTH_MAX) {
            (void)snprintf(path, sizeof path, "%s%s%s", prefix, name,
                           json_object_get(child, "items") != NULL ? "[]." : ".");
            add_members(out, inside(child), path, depth + 1);
        }
    }
}

static void add_schema(struct chy_buf *out, const char *caption, const json_t *schema)
{
    const json_t *object = inside(schema);
    chy_buf_add_text(out, "<p>");
    add_between(out, "", chy_text(caption), ": ");
    add_kind(out, schema, 0);
    chy_buf_add_text(out, "</p>\n");
    if (json_object_size(json_object_get(object, "properties")) == 0) {
        return;
    }
    add_between(out, "<table><caption>", chy_text(caption),
                "</caption><thead><tr><th scope=\"col\">Member</th><th scope=\"col\">Type</th>"
                "<th scope=\"col\">Rules</th></tr></thead><tbody>\n");
    add_members(out, object, "", 0);
    chy_buf_add_text(out, "</tbody></table>\n");
}

/* ------------------------------------------------------------------------------------------------
 * Operations
 */

static void add_parameters(struct chy_buf *out, const json_t *parameters)
{
    size_t i;
    json_t *parameter;
    if (json_array_size(parameters) == 0) {
        return;
    }
    chy_buf_add_text(out, "<table><caption>Parameters</caption><thead><tr><th scope=\"col\">Name"
                          "</th><th scope=\"col\">Where</th><th scope=\"col\">Type</th>"
                          "<th scope=\"col\">Rules</th></tr></thead><tbody>\n");
    json_array_foreach((json_t *)(uintptr_t)parameters, i, parameter)
    {
        const json_t *schema = json_object_get(parameter, "schema");
        struct chy_slice words = chy_json_member(parameter, "description");
        add_between(out, "<tr><th scope=\"row\"><code>", chy_json_member(parameter, "name"),
                    "</code></th><td>");
        add_member(out, parameter, "in");
        chy_buf_add_text(out, "</td><td>");
        add_kind(out, schema, 0);
        chy_buf_add_text(out, json_is_true(json_object_get(parameter, "required"))
                                  ? ", required</td><td>"
                                  : "</td><td>");
        add_between(out, "", words, words.len == 0 ? "" : " ");
        add_rules(out, schema);
        chy_buf_add_text(out, "</td></tr>\n");
    }
    chy_buf_add_text(out, "</tbody></table>\n");
}

static void add_content(struct chy_buf *out, const char *caption, const json_t *content)
{
    const char *type;
    json_t *media;
    bool first = true;
    json_object_foreach((json_t *)(uintptr_t)content, type, media)
    {
        const json_t *schema = json_object_get(media, "schema");
        const json_t *example = json_object_get(media, "example");
        add_between(out, "<p><code>", chy_text(type), "</code></p>\n");
        if (schema != NULL && first) { // all have the same
            add_schema(out, caption, schema);
        }
        if (example != NULL) {
            chy_buf_add_text(out, "<pre><code>");
            add_json(out, example, JSON_INDENT(2));
            chy_buf_add_text(out, "</code></pre>\n");
        }
        first = false;
    }
}

static void add_statuses(struct chy_buf *out, const json_t *responses)
{
    const char *status;
    json_t *response;
    const char *separator = "<p>Failures: ";
    json_object_foreach((json_t *)(uintptr_t)responses, status, response)
    {
        if (json_object_get(response, "$ref") != NULL) {
            chy_buf_add_text(out, separator);
            add_between(out, "<a href=\"#schema-Error", chy_text(status), "\">");
            add_between(out, "", chy_text(status), "</a>");
            separator = ", ";
        }
    }
    chy_buf_add_text(out, "</p>\n");
}

static void add_operation(struct chy_buf *out, const char *path, const char *method,
                          const json_t *operation)
{
    struct chy_slice id = chy_json_member(operation, "operationId");
    const json_t *success = json_object_get(json_object_get(operation, "responses"), "200");
    const json_t *body = json_object_get(operation, "requestBody");
    add_between(out, "<article id=\"", id, "\"><h3>");
    add_member(out, operation, "summary");
    chy_buf_add_text(out, "</h3>\n<p><code>");
    for (const char *c = method; *c != '\0'; c++) {
        chy_buf_add_u8(out, (uint8_t)(*c - 'a' + 'A'));
    }
    add_between(out, " ", chy_text(path), "</code>");
    chy_buf_add_text(out, json_is_true(json_object_get(operation, "deprecated"))
                              ? " — for older clients</p>\n<p>"
                              : "</p>\n<p>");
    add_member(out, operation, "description");
    chy_buf_add_text(out, json_array_size(json_object_get(operation, "security")) == 0
                              ? " No token is needed.</p>\n"
                              : "</p>\n");
    add_between(out, "<details><summary>Details of ", id, "</summary>\n");
    add_parameters(out, json_object_get(operation, "parameters"));
    add_content(out, "Body", json_object_get(body, "content"));
    add_content(out, "Answer", json_object_get(success, "content"));
    add_statuses(out, json_object_get(operation, "responses"));
    chy_buf_add_text(out, "</details></article>\n");
}

/* ------------------------------------------------------------------------------------------------
 * The page
 */

typedef void operation_fn(struct chy_buf *out, const char *path, const char *method,
                          const json_t *operation);

static void each_operation(struct chy_buf *out, const json_t *document, struct chy_slice tag,
                           operation_fn *add)
{
    const char *path;
    json_t *item;
    json_object_foreach(json_object_get(document, "paths"), path, item)
    {
        const char *method;
        json_t *operation;
        json_object_foreach(item, method, operation)
        {
            const json_t *first = json_array_get(json_object_get(operation, "tags"), 0);
            if (chy_slice_equal(chy_json_text(first), tag)) {
                add(out, path, method, operation);
            }
        }
    }
}

static void add_link(struct chy_buf *out, const char *path, const char *method,
                     const json_t *operation)
{
    (void)path;
    (void)method;
    add_between(out, "<li><a href=\"#", chy_json_member(operation, "operationId"), "\">");
    add_member(out, operation, "operationId");
    chy_buf_add_text(out, "</a></li>\n");
}

static void add_tags(struct chy_buf *out, const json_t *document, const char *heading,
                     const char *before, const char *after, operation_fn *add)
{
    size_t i;
    json_t *tag;
    json_array_foreach(json_object_get(document, "tags"), i, tag)
    {
        struct chy_slice name = chy_json_member(tag, "name");
        add_between(out, heading, name, before);
        each_operation(out, document, name, add);
        chy_buf_add_text(out, after);
    }
}

static void add_objects(struct chy_buf *out, const json_t *document)
{
    const char *name;
    json_t *schema;
    chy_buf_add_text(out, "<section><h2>Objects</h2>\n");
    json_object_foreach(json_object_get(json_object_get(document, "components"), "schemas"), name,
                        schema)
    {
        add_between(out, "<article id=\"schema-", chy_text(name), "\"><h3>");
        add_between(out, "", chy_text(name), "</h3>\n");
        add_schema(out, "Members", schema);
        chy_buf_add_text(out, "</article>\n");
    }
    chy_buf_add_text(out, "</section>\n");
}

chy_status chy_reference_write(struct chy_op *op, const json_t *document,
                               struct chy_slice *out_html)
{
    struct chy_buf out;
    const json_t *info = json_object_get(document, "info");
    chy_buf_init(&out, op, PAGE_MAX);
    chy_buf_add_text(&out, "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                           "<meta name=\"viewport\" content=\"width=device-width\">\n<title>");
    add_member(&out, info, "title");
    chy_buf_add_text(&out, " API</title>\n<style>");
    chy_buf_add_text(&out, chy_reference_style);
    chy_buf_add_text(&out, "</style>\n</head>\n<body>\n"
                           "<a class=\"skip\" href=\"#operations\">To the operations</a>\n"
                           "<header><h1>");
    add_member(&out, info, "title");
    add_between(&out, " API ", chy_json_member(info, "version"), "</h1>\n<p>");
    add_member(&out, info, "description");
    chy_buf_add_text(&out, "</p>\n<p>The same for programs: "
                           "<a href=\"openapi.json\">openapi.json</a></p></header>\n"
                           "<nav aria-label=\"Operations\">\n");
    add_tags(&out, document, "<h2>", "</h2>\n<ul>\n", "</ul>\n", add_link);
    chy_buf_add_text(&out, "</nav>\n<main id=\"operations\">\n");
    add_tags(&out, document, "<section><h2>", "</h2>\n", "</section>\n", add_operation);
    add_objects(&out, document);
    chy_buf_add_text(&out, "</main>\n</body>\n</html>\n");
    *out_html = chy_buf_slice(&out);
    return chy_buf_ok(&out) ? CHY_OK : chy_buf_fail(&out, op, "the reference");
}
