/** Documents: JSON in memory, and files of JSON or YAML that become request bodies. */
#ifndef CLIENT_DOCUMENT_H
#define CLIENT_DOCUMENT_H

#include "client/cli.h"
#include "config/yaml.h"

/** CLIENT_DOCUMENT_MAX is the largest document that is read from a file. */
#define CLIENT_DOCUMENT_MAX ((size_t)1 << 20)

/** client_json_parse reads JSON that lives as long as the operation.  `name` stands in messages. */
CHY_MUST_USE chy_status client_json_parse(struct chy_cli *cli, const char *name,
                                          struct chy_slice text, json_t **out_json);

/** client_json_text writes JSON, compact, into the operation's memory. */
CHY_MUST_USE chy_status client_json_text(struct chy_cli *cli, const json_t *json,
                                         const char **out_text);

/** client_yaml_json makes JSON of YAML: unquoted numbers, true, false and null are no text. */
CHY_MUST_USE chy_status client_yaml_json(struct chy_cli *cli, const struct chy_yaml_node *node,
                                         json_t **out_json);

/** client_input_read reads a file, or standard input for "-". */
CHY_MUST_USE chy_status client_input_read(struct chy_cli *cli, const char *path, size_t max,
                                          struct chy_slice *out_text);

/** client_document_read reads an object from a file of JSON or YAML, or from standard input. */
CHY_MUST_USE chy_status client_document_read(struct chy_cli *cli, const char *path,
                                             json_t **out_json);

/** client_json_set takes `value`, and sets it as a member.  What is not UTF-8 fails: jansson makes
 *  no string of it. */
CHY_MUST_USE chy_status client_json_set(struct chy_cli *cli, json_t *object, const char *member,
                                        json_t *value);

#endif
