/** Giving a certificate that is no application's to one. */
#ifndef CHY_ENROLL_CERTIFICATE_ASSIGN_H
#define CHY_ENROLL_CERTIFICATE_ASSIGN_H

#include "resource/kind.h"

extern const char chy_certificate_assign_shape[];

/**
 * chy_certificate_assign is the action "assign" of certificates.  BAD_INPUT: the certificate is an
 * application's already, or the application does not enroll by its profile.
 */
chy_status chy_certificate_assign(struct chy_call *call);

/**
 * chy_certificate_check_application asks whether a certificate of a profile (nil: of none) may be
 * an application's.  NOT_FOUND: the call's project has no such application; BAD_INPUT: it does not
 * enroll by the profile.
 */
CHY_MUST_USE chy_status chy_certificate_check_application(struct chy_call *call,
                                                          const struct chy_uuid *id,
                                                          const struct chy_uuid *profile_id);

/** chy_certificate_set_application shows the application with the name that people know it by; both
 *  are null when it was deleted since. */
CHY_MUST_USE chy_status chy_certificate_set_application(struct chy_call *call, json_t *object,
                                                        const struct chy_uuid *id);

#endif
