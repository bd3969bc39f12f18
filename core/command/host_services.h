/** The services of struct chy_host that belong to resource and enroll. */
#ifndef CHY_COMMAND_HOST_SERVICES_H
#define CHY_COMMAND_HOST_SERVICES_H

#include <chancery/host.h>

/** chy_host_services_fill puts them into the table, before any instance is created. */
void chy_host_services_fill(struct chy_host *host);

#endif
