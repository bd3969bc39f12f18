/** JSON that is sent. */
#ifndef NOTIFY_JSON_H
#define NOTIFY_JSON_H

#include <chancery/host.h>

#include <jansson.h>

/** json_write writes `json`, which it takes, without white space into the operation's arena; NULL
 *  is out of memory. */
static inline chy_status json_write(struct chy_op *op, json_t *json, struct chy_slice *out_text)
{
    size_t size = json == NULL ? 0 : json_dumpb(json, NULL, 0, JSON_COMPACT);
    char *text = size == 0 ? NULL : (char *)chy_alloc(op, size + 1);
    if (text != NULL) {
        size = json_dumpb(json, text, size, JSON_COMPACT);
    }
    json_decref(json);
    if (text == NULL || size == 0) {
        return chy_fail_memory(op);
    }
    *out_text = chy_slice_of(text, size);
    return CHY_OK;
}

#endif
