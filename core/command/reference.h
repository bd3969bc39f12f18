/** The reference of the API: the description as a page that people read, in one piece and without
 *  scripts. */
#ifndef CHY_COMMAND_REFERENCE_H
#define CHY_COMMAND_REFERENCE_H

#include <chancery/host.h>

#include <jansson.h>

/** The page's style sheet, as it stands in the page: what a security policy lets pass. */
extern const char chy_reference_style[];

/** chy_reference_write writes the page of an OpenAPI document. */
CHY_MUST_USE chy_status chy_reference_write(struct chy_op *op, const json_t *document,
                                            struct chy_slice *out_html);

#endif
