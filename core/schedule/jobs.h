/** Which jobs there are: core's own, and those that enrollment plugins declare. */
#ifndef CHY_SCHEDULE_JOBS_H
#define CHY_SCHEDULE_JOBS_H

#include "plugin/registry.h"
#include "schedule/schedule.h"

/** chy_jobs_new makes a schedule with core's jobs, which is not started. */
CHY_MUST_USE chy_status chy_jobs_new(struct chy_op *op, const struct chy_schedule_config *config,
                                     struct chy_schedule **out_schedule);

/** chy_jobs_add_instance adds the jobs of an enrollment instance as "<instance>.<job>".  They act
 *  for Chancery itself, as nobody asked for what they do. */
CHY_MUST_USE chy_status chy_jobs_add_instance(struct chy_schedule *schedule, struct chy_op *op,
                                              struct chy_instance *instance);

#endif
