/**
 * Conditions of permissions: {"profileSlug": …, "commonName": …, "san": …, "metadata": {key: …}}.
 *
 * Each value is a text, or {"$eq": text}, {"$in": [texts]}, {"$glob": pattern}; with several of
 * these all must hold.  All conditions of a permission must hold.  What is absent fulfils nothing:
 *
 *   profileSlug  the profile's slug matches
 *   san          there is a name, and every one matches, alternative and common
 *   commonName   there is one and it matches; where `san` says nothing, so does every other name
 *   metadata     each key is there, and every value of it matches
 *
 * Names are compared without case.
 */
#ifndef CHY_RESOURCE_CONDITION_H
#define CHY_RESOURCE_CONDITION_H

#include "resource/permission.h"

/** chy_conditions_hold: NULL or an empty object hold always; otherwise `facts` must be known. */
CHY_MUST_USE bool chy_conditions_hold(const json_t *conditions, const struct chy_facts *facts);

/** chy_conditions_want_slug tells whether there is a condition on the profile's slug, and this one
 *  fulfils it. */
CHY_MUST_USE bool chy_conditions_want_slug(const json_t *conditions, struct chy_slice slug);

/** chy_conditions_are_none tells whether there is nothing to hold. */
CHY_MUST_USE bool chy_conditions_are_none(const json_t *conditions);

/** chy_conditions_check records an issue below `path` (a JSON Pointer) for each thing that is no
 *  condition.  true: nothing is wrong. */
CHY_MUST_USE bool chy_conditions_check(struct chy_op *op, const json_t *conditions,
                                       const char *path);

#endif
