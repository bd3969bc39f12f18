/** The REST API enrollment method: what its files share. */
#ifndef CHANCERY_API_H
#define CHANCERY_API_H

#include <chancery/enrollment.h>
#include <chancery/host.h>

#include <jansson.h>
#include <stdbool.h>

/** Reads a JSON document that the caller lets go with json_decref(). */
chy_status api_read(struct chy_op *op, struct chy_slice text, json_t **out_json);
/** Reads a JSON document that lives as long as the operation. */
chy_status api_parse(struct chy_op *op, struct chy_slice text, json_t **out_json);
/** Lets go of a document when the operation ends. */
chy_status api_own(struct chy_op *op, json_t *json);
/** Borrows the text of a string; anything else gives the empty slice. */
struct chy_slice api_text(const json_t *json);
/** Writes a document into the arena, or the secret arena. */
chy_status api_write(struct chy_op *op, const json_t *json, bool secret,
                     struct chy_slice *out_text);

/** One parameter of the path or query by its name; the empty slice if there is none. */
struct chy_slice api_parameter(struct chy_view pairs, const char *name);

/** How a route is served by the host's resource service: the route's context. */
struct api_resource {
    const char *kind;
    const char *action;
    const char *id;      /**< the path parameter that names the object, or NULL */
    const char *into[2]; /**< path parameters that become members of the document … */
    const char *as[2];   /**< … under these names */
    bool from_query;     /**< the document is made of the query's parameters */
};

/** chy_route_fn of all routes with a struct api_resource. */
chy_status api_serve_resource(void *self, struct chy_op *op, const struct chy_route *route,
                              const struct chy_http_request *request,
                              struct chy_http_answer *out_answer);
/** POST /api/v1/auth/universal-auth/login, JSON or form. */
chy_status api_login(void *self, struct chy_op *op, const struct chy_route *route,
                     const struct chy_http_request *request, struct chy_http_answer *out_answer);
/** POST /api/v1/cert-manager/certificates. */
chy_status api_issue(void *self, struct chy_op *op, const struct chy_route *route,
                     const struct chy_http_request *request, struct chy_http_answer *out_answer);
/** Enrolls by a body of that route; a flat answer has no member `certificate` around it. */
chy_status api_enroll(struct chy_op *op, const json_t *body, bool flat,
                      struct chy_http_answer *out_answer);
/** POST /api/v1/cert-manager/certificates/{id}/renew. */
chy_status api_renew(void *self, struct chy_op *op, const struct chy_route *route,
                     const struct chy_http_request *request, struct chy_http_answer *out_answer);
/** GET /api/status. */
chy_status api_status(void *self, struct chy_op *op, const struct chy_route *route,
                      const struct chy_http_request *request, struct chy_http_answer *out_answer);

/** The route table, of struct chy_route; made when the plugin is loaded. */
struct chy_view api_route_table(void);

#endif
