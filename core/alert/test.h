/** Trying channels out: a notification that says it is a test, sent at once and never again. */
#ifndef CHY_ALERT_TEST_H
#define CHY_ALERT_TEST_H

#include "resource/kind.h"

/** How many tests there are of each project lately: in this process. */
struct chy_alert_tests;
struct chy_alert_tests *chy_alert_tests_new(void);
void chy_alert_tests_free(struct chy_alert_tests *tests);

/** chy_alert_test sends one to a channel of an alert, or to each of them; chy_alert_test_webhook to
 *  a URL that no alert has.  TRY_LATER: the project tried more than ten channels a minute, or all
 *  projects too many at once. */
CHY_MUST_USE chy_status chy_alert_test(struct chy_call *call);
CHY_MUST_USE chy_status chy_alert_test_webhook(struct chy_call *call);

#define CHY_ALERT_TEST_SHAPE \
    "{\"type\":\"object\",\"properties\":{\"channelId\":" CHY_SHAPE_ID_OR_NULL "}}"
#define CHY_ALERT_TEST_WEBHOOK_SHAPE                                                          \
    "{\"type\":\"object\",\"required\":[\"url\"],\"properties\":{\"projectId\":" CHY_SHAPE_ID \
    ",\"url\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":2048},\"signingSecret\":"    \
    "{\"type\":[\"string\",\"null\"],\"maxLength\":256}}}"
#define CHY_ALERT_TEST_OUTLINE                                                \
    "{'success': 'bool', 'error?': 'text', 'channels': [{'channelId': 'id', " \
    "'channelType': 'text', 'success': 'bool', 'error?': 'text'}]}"

#endif
