/**
 * Nobody brings a certificate into their own reach by what they write to it.
 */
#ifndef CHY_ENROLL_GAIN_H
#define CHY_ENROLL_GAIN_H

#include "resource/principal.h"

/** chy_gain_refuse refuses a change that moves a certificate from one place to another, or changes
 *  what is known of it, if the caller could do more with it afterwards than before. */
CHY_MUST_USE chy_status chy_gain_refuse(struct chy_op *op, const struct chy_place *before,
                                        const struct chy_place *after);

#endif
