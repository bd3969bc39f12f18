/**
 * Telling those who approve that a step waits for them, where the policy says `notifyApprovers`.
 *
 * What opens a step leaves an event in its own batch (alert_event.h), from which alerts make mails.
 * Whom a step waits for is asked when a mail is made, and again when it is sent: who lost the right
 * meanwhile is told nothing.
 */
#ifndef CHY_ENROLL_APPROVAL_NOTICE_H
#define CHY_ENROLL_APPROVAL_NOTICE_H

#include "resource/kind.h"

/** The channel type by which it is told, and the option that takes the addresses. */
#define CHY_APPROVAL_CHANNEL "email"
#define CHY_APPROVAL_RECIPIENTS "recipients"

/** What a policy whose steps want it is answered with where no mail goes out. */
#define CHY_APPROVAL_NO_MAIL                                                                       \
    "notifyApprovers: nobody is told, as no notifier of this server sends mail: see smtp_host of " \
    "the plugin notify in the configuration"

/** chy_approval_notice_add puts an event into `batch` if the step `number` of `steps` wants its
 *  approvers to be told.  The batch borrows both ids. */
CHY_MUST_USE chy_status chy_approval_notice_add(struct chy_runtime *runtime,
                                                struct chy_batch *batch,
                                                const struct chy_uuid *project_id,
                                                const struct chy_uuid *approval_id,
                                                const json_t *steps, int64_t number);

/** chy_approval_notice_wanted tells whether any of a policy's steps wants it. */
bool chy_approval_notice_wanted(const json_t *steps);

/** chy_approval_mail_works tells whether a loaded notifier would send a mail. */
bool chy_approval_mail_works(struct chy_runtime *runtime, struct chy_op *op);

/** chy_approval_notice_show adds the member `notifications` to an approval request: whom it was
 *  told, newest first; none if nobody was. */
CHY_MUST_USE chy_status chy_approval_notice_show(struct chy_call *call, json_t *object);

#define CHY_APPROVAL_NOTICES_OUTLINE                                                            \
    "[{'identityId': 'id', 'step': 'int', 'status': '=pending|delivered|failed', 'attempts': "  \
    "'int', 'nextAttemptAt': 'time?', 'lastError': 'text?', 'createdAt': 'time', 'updatedAt': " \
    "'time'}]"

/** An approval request, and what its votes come to today. */
struct chy_approval_wait {
    struct chy_runtime *runtime;
    struct chy_op *op;
    struct chy_storage_row row; /**< with every field */
    const json_t *steps;
    json_t *votes;
    const bool *lapsed;
    struct chy_uuid owner_id; /**< who asked for what is to be issued, and what it is … */
    struct chy_facts facts;   /**< … for conditions of permissions */
    int64_t step;             /**< the one under way, from 0; -1: it waits for nobody any more */
};

/** chy_approval_wait_read reads one.  NOT_FOUND: there is none. */
CHY_MUST_USE chy_status chy_approval_wait_read(struct chy_runtime *runtime, struct chy_op *op,
                                               const struct chy_uuid *id,
                                               struct chy_approval_wait *out_wait);

/** chy_approval_waits_for tells whether the step under way waits for an identity: it could vote
 *  there today, and has not. */
CHY_MUST_USE chy_status chy_approval_waits_for(const struct chy_approval_wait *wait,
                                               const struct chy_uuid *identity_id, bool *out_waits);

#endif
