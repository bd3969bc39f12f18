/** What became of an alert's deliveries, for people. */
#ifndef CHY_ALERT_LOG_H
#define CHY_ALERT_LOG_H

#include "resource/kind.h"

/** chy_alert_deliveries answers them, newest first. */
CHY_MUST_USE chy_status chy_alert_deliveries(struct chy_call *call);

#define CHY_ALERT_DELIVERIES_SHAPE                                                   \
    "{\"type\":\"object\",\"properties\":{\"status\":{\"type\":\"string\",\"enum\":" \
    "[\"pending\",\"delivered\",\"failed\"]}," CHY_PAGE_MEMBERS "}}"
#define CHY_ALERT_DELIVERIES_OUTLINE                                                             \
    "{'deliveries': [{'id': 'id', 'channelId': 'id', 'channelType': 'text', 'sequence': 'int', " \
    "'type': 'text', 'status': '=pending|delivered|failed', 'attempts': 'int', "                 \
    "'nextAttemptAt': 'time?', 'lastError': 'text?', 'responseCode': 'int?', 'certificates': "   \
    "'int', 'createdAt': 'time', 'updatedAt': 'time'}], 'total': 'int', 'totalCount': 'int', "   \
    "'cursor?': 'text'}"

#endif
