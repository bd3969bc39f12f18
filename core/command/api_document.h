/**
 * What describes the API: `/api/openapi.json`, and the same for people, `/api/docs`.
 *
 * Made once, before the listeners open, and answered from memory.  Nobody needs a token for it: it
 * says what the program can do, not what is in it.
 */
#ifndef CHY_COMMAND_API_DOCUMENT_H
#define CHY_COMMAND_API_DOCUMENT_H

#include "command/assembly.h"
#include "http/server.h"

struct chy_api_document;

/** chy_api_document_new describes the routes of all enrollment plugins of `assembly`, and what is
 *  published. */
CHY_MUST_USE chy_status chy_api_document_new(struct chy_op *op, struct chy_assembly *assembly,
                                             struct chy_api_document **out_document);
/** chy_api_document_mount lets a server answer with it; it must outlive the server. */
CHY_MUST_USE chy_status chy_api_document_mount(struct chy_api_document *document, struct chy_op *op,
                                               struct chy_http_server *server);
/** chy_api_document_free: NULL is fine. */
void chy_api_document_free(struct chy_api_document *document);

#endif
