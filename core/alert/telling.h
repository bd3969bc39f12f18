/**
 * What an alert tells of some certificates: made once, and put in line for each of its channels.
 *
 * A delivery is frozen when it is made, so that every attempt says the same.  Its number in the
 * channel's line grows by one each time; the line is bounded, and what is oldest in it is given up
 * when it grows beyond.
 */
#ifndef CHY_ALERT_TELLING_H
#define CHY_ALERT_TELLING_H

#include "alert/certificate.h"
#include "alert/channel.h"
#include "base/buf.h"

/** Certificates of one delivery, at most. */
#define CHY_ALERT_TOLD_MAX 100U
/** Deliveries that wait for one channel, at most. */
#define CHY_ALERT_WAITING_MAX 1000
/** How long a delivery that is through, or given up, can be looked at. */
#define CHY_ALERT_KEPT (7 * CHY_US_PER_DAY)

/** The first part of what CloudEvents call `type`; the event's type follows. */
#define CHY_ALERT_TYPE_PREFIX "com.infisical.pki.certificate."

struct chy_alert_telling {
    struct chy_runtime *runtime;
    struct chy_op *op;
    const struct chy_storage_row *alert; /**< whole */
    json_t *certificates;
    struct chy_buf lines;
    uint32_t count;
    uint64_t bytes;
    int64_t time;        /**< when what is told happened */
    uint32_t overflowed; /**< deliveries that were given up for want of room */
};

/** chy_alert_telling_begin starts one of the alert of `row`, which has every field. */
CHY_MUST_USE chy_status chy_alert_telling_begin(struct chy_alert_telling *telling,
                                                struct chy_runtime *runtime, struct chy_op *op,
                                                const struct chy_storage_row *row, int64_t time);

/** chy_alert_telling_add adds a certificate, of the columns of chy_alert_columns(). */
CHY_MUST_USE chy_status chy_alert_telling_add(struct chy_alert_telling *telling,
                                              const struct chy_storage_row *row,
                                              struct chy_slice profile_name);

/** chy_alert_telling_is_full tells whether no more fits. */
CHY_MUST_USE bool chy_alert_telling_is_full(const struct chy_alert_telling *telling);

/** chy_alert_telling_write puts a delivery for each enabled channel into `batch`, if there is
 *  anything to tell; the batch fails with CONFLICT when a channel changed meanwhile. */
CHY_MUST_USE chy_status chy_alert_telling_write(struct chy_alert_telling *telling,
                                                struct chy_batch *batch,
                                                const struct chy_alert_channels *channels);

/** chy_alert_telling_drop takes out of a delivery that is over what it said: nobody reads that
 *  again, and it is most of the row. */
void chy_alert_telling_drop(struct chy_write *write);

/** What a notifier is given, but for the channel. */
struct chy_alert_message {
    struct chy_slice type;
    struct chy_slice source;
    struct chy_slice subject;
    struct chy_slice title;
    struct chy_slice text;
    json_t *data;
};

/** chy_alert_message_make words what is told; `type` instead of the alert's: "test". */
CHY_MUST_USE chy_status chy_alert_message_make(struct chy_alert_telling *telling, const char *type,
                                               struct chy_alert_message *out_message);

/** One delivery: what a channel is given, and where in its line.  The writes borrow it. */
struct chy_alert_line {
    struct chy_uuid channel_id;
    struct chy_uuid alert_id;
    struct chy_uuid project_id;
    struct chy_uuid id;
    int64_t sequence;
    struct chy_slice channel_type;
    struct chy_slice data;  /**< JSON */
    struct chy_slice error; /**< why it is given up from the start; empty: it waits */
    int64_t time;           /**< when what is told happened */
    int64_t certificates;   /**< of how many it speaks */
};

/** chy_alert_line_insert puts one into `batch`. */
struct chy_write *chy_alert_line_insert(struct chy_batch *batch,
                                        const struct chy_alert_message *message,
                                        const struct chy_alert_line *line);

/** Profile names that were looked up already. */
struct chy_alert_names {
    struct chy_alert_name *first;
};

/** chy_alert_name_of reads by what name a profile is known; empty: it is gone, or nil. */
CHY_MUST_USE chy_status chy_alert_name_of(struct chy_runtime *runtime, struct chy_op *op,
                                          struct chy_alert_names *names,
                                          const struct chy_uuid *profile_id,
                                          struct chy_slice *out_name);

#endif
