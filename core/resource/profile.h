/** Certificate profiles: by which CA, under which policy, and how certificates are asked for. */
#ifndef CHY_RESOURCE_PROFILE_H
#define CHY_RESOURCE_PROFILE_H

#include "resource/kind.h"

extern const struct chy_kind chy_kind_profile;

#endif
