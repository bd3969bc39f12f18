/** Applications: groups of certificate profiles that one team enrolls by. */
#ifndef CHY_RESOURCE_APPLICATION_H
#define CHY_RESOURCE_APPLICATION_H

#include "resource/kind.h"

/**
 * "applications": the ordinary actions, "by-name", and of their profiles "profiles",
 * "add-profiles", "remove-profile", "enrollment", "set-enrollment", "clear-enrollment".
 */
extern const struct chy_kind chy_kind_application;

#endif
