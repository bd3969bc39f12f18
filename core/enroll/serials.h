/**
 * The register of serial numbers: one entry for every certificate that a key here ever signed, and
 * for those that were imported.
 *
 * It keeps serials unique by key (RFC 5280 4.1.2.2), finds a certificate by the number that people
 * paste, and tells when the last certificate of a key ends.
 */
#ifndef CHY_ENROLL_SERIALS_H
#define CHY_ENROLL_SERIALS_H

#include "resource/runtime.h"

#include "base/uuid.h"

/** One entry; what it points at is borrowed. */
struct chy_serial_entry {
    struct chy_slice number; /**< as chy_serial_text() writes it */
    const struct chy_uuid *project_id;
    const struct chy_uuid *signer; /**< the key generation; of what no CA here signed, its own */
    const struct chy_uuid *certificate_id;
    int64_t shard; /**< where the signer's CRLs show it; 0: nowhere */
    int64_t not_after;
};

/** chy_serial_enter puts the insertion of an entry into `batch`. */
void chy_serial_enter(struct chy_batch *batch, const struct chy_serial_entry *entry);

/** chy_serial_leave puts the removal of an entry into `batch`: of what was imported, whose number
 *  no key here may use twice. */
void chy_serial_leave(struct chy_batch *batch, const struct chy_serial_entry *entry);

/** CHY_SERIAL_SAME_MAX is how many certificates of one number chy_serial_find() gives at most. */
#define CHY_SERIAL_SAME_MAX 16

/**
 * chy_serial_find gives the entries of the number in `text`, in any spelling chy_serial_parse()
 * takes: a view of struct chy_serial_entry, empty when there is none.  Those of one project, or
 * with NULL of any: then the caller looks whose the certificate is.  Not a serial number: empty
 * too.
 */
CHY_MUST_USE chy_status chy_serial_find(struct chy_runtime *runtime, struct chy_op *op,
                                        const struct chy_uuid *project_id, struct chy_slice text,
                                        struct chy_view *out_entries);

/**
 * chy_serial_named tells what the words of a search name, if they are an id or a serial number: an
 * id names itself, a number the certificates of the project that have it, of which `field` is
 * given, CHY_CERT_ID or CHY_CERT_REQUEST_ID.  None: the words are no such name.
 */
CHY_MUST_USE chy_status chy_serial_named(struct chy_runtime *runtime, struct chy_op *op,
                                         const struct chy_uuid *project_id, struct chy_slice words,
                                         uint32_t field,
                                         struct chy_uuid out_ids[CHY_SERIAL_SAME_MAX],
                                         uint64_t *out_count);

#endif
