/** Projects: what tenants have, and all other objects belong to. */
#ifndef CHY_RESOURCE_PROJECT_H
#define CHY_RESOURCE_PROJECT_H

#include "resource/kind.h"

/** "projects": the ordinary actions, "by-slug" and "activate". */
extern const struct chy_kind chy_kind_project;

#endif
