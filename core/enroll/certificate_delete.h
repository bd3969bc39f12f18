/** Deleting a certificate's record: its line of renewals closes around it. */
#ifndef CHY_ENROLL_CERTIFICATE_DELETE_H
#define CHY_ENROLL_CERTIFICATE_DELETE_H

#include "resource/kind.h"

/**
 * chy_certificate_before_delete is the kind's hook.  What was renewed by the deleted one is linked
 * to its successor, or renewable again.  Serial number, revocation and request stay; the number
 * of an imported one, which no key here may use twice, goes.
 */
chy_status chy_certificate_before_delete(struct chy_call *call, const struct chy_storage_row *row,
                                         struct chy_batch *batch);

#endif
