/** Certificate policies: what a certificate may say. */
#ifndef CHY_RESOURCE_POLICY_H
#define CHY_RESOURCE_POLICY_H

#include "resource/kind.h"

extern const struct chy_kind chy_kind_policy;

#endif
