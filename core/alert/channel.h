/**
 * The channels of an alert: the ways by which it tells, each of a type that a loaded notifier has.
 *
 * A channel's options are checked by the notifier's table; its secrets are sealed, bound to the
 * channel's row, and never shown: `hasSigningSecret` stands in their place.
 */
#ifndef CHY_ALERT_CHANNEL_H
#define CHY_ALERT_CHANNEL_H

#include "resource/kind.h"

#include <chancery/notifier.h>

#define CHY_ALERT_CHANNELS_MAX 10U

/** JSON Schema of the member `channels`. */
#define CHY_ALERT_CHANNELS_SHAPE                                                             \
    "{\"type\":\"array\",\"minItems\":1,\"maxItems\":10,\"items\":{\"type\":\"object\","     \
    "\"required\":[\"channelType\",\"config\"],\"properties\":{\"id\":" CHY_SHAPE_ID_OR_NULL \
    ",\"channelType\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":64},\"config\":"    \
    "{\"type\":\"object\"},\"enabled\":{\"type\":\"boolean\"}}}}"

/** Outline of a channel as it is shown. */
#define CHY_ALERT_CHANNEL_OUTLINE                                              \
    "{'id': 'id', 'channelType': 'text', 'config': 'any', 'enabled': 'bool', " \
    "'createdAt': 'time', 'updatedAt': 'time'}"

/** The rows of an alert's channels, whole, in their order. */
struct chy_alert_channels {
    const struct chy_storage_row *rows[CHY_ALERT_CHANNELS_MAX];
    uint32_t count;
};

CHY_MUST_USE chy_status chy_alert_channels_read(struct chy_runtime *runtime, struct chy_op *op,
                                                const struct chy_uuid *alert_id,
                                                struct chy_alert_channels *out_channels);

/**
 * chy_alert_channels_write puts what the document's member `channels` wants into `batch`: of those
 * that there are (`now`, NULL: none) it changes, adds and deletes.  A channel without an id is the
 * first of its type with the same options, if there is one.  What is left out of the options of one
 * that there is stays, but a secret only if no other option changes.  BAD_INPUT, at its path: an
 * unknown type, unfit options, such a secret; NOT_FOUND: an id that is none of theirs.
 */
CHY_MUST_USE chy_status chy_alert_channels_write(struct chy_call *call, struct chy_batch *batch,
                                                 const struct chy_uuid *alert_id,
                                                 const struct chy_alert_channels *now);

/** chy_alert_channels_show makes the member `channels` of an answer. */
CHY_MUST_USE chy_status chy_alert_channels_show(struct chy_call *call,
                                                const struct chy_alert_channels *channels,
                                                json_t *object);

/** A channel's options as its notifier is given them. */
struct chy_alert_ready {
    struct chy_notifier *notifier;
    struct chy_slice type;
    struct chy_view values; /**< of struct chy_option_value */
};

/** chy_alert_channel_ready opens a channel's row.  BAD_INPUT: no loaded notifier has its type. */
CHY_MUST_USE chy_status chy_alert_channel_ready(struct chy_runtime *runtime, struct chy_op *op,
                                                const struct chy_storage_row *row,
                                                struct chy_alert_ready *out_ready);

/** chy_alert_channel_try makes options ready that no channel has, from a document's member
 *  `config`; what is wrong is said at `path`. */
CHY_MUST_USE chy_status chy_alert_channel_try(struct chy_runtime *runtime, struct chy_op *op,
                                              struct chy_slice type, const char *path,
                                              const json_t *config,
                                              struct chy_alert_ready *out_ready);

#endif
