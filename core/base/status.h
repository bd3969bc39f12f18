/** The words for statuses and reasons, as they stand in logs and audit rows. */
#ifndef CHY_BASE_STATUS_H
#define CHY_BASE_STATUS_H

#include <chancery/types.h>

/** chy_status_name is the word for a status: "not_found".  An unknown one reads as "broken". */
const char *chy_status_name(chy_status status);
/** chy_reason_name is the word for a reason, "validation"; "none" for an unknown one. */
const char *chy_reason_name(uint32_t reason);

#endif
