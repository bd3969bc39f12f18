/**
 * The master keys (KEK): which one seals now, and how one takes the place of another.
 *
 * `settings` names the KEK in use by its id, with a check value that only it opens.  While one KEK
 * is replaced, `settings` also has the new one sealed by the old and the old one sealed by the new:
 * until chy_kek_rotation_finish() whoever has either can open everything, so that a process which
 * was started with the old KEK goes on, also while it runs (chy_keks_refresh).
 */
#ifndef CHY_RESOURCE_KEK_H
#define CHY_RESOURCE_KEK_H

#include "resource/runtime.h"

#define CHY_KEK_LEN 32
#define CHY_KEK_ID_LEN 16
#define CHY_MAC_ROOT_LEN 32

/** The name in `settings` of the KEK in use. */
#define CHY_SETTING_KEK "kek"
/** The name in `settings` of the KEK in use sealed by the one before, while one replaces the other.
 *  Whoever has the one before opens it, so no copy of the database may have this row. */
#define CHY_SETTING_KEK_FORWARD "kek-forward"

/** A KEK by name: 16 hexadecimal digits that tell nothing of it, NUL-terminated. */
struct chy_kek_id {
    char text[CHY_KEK_ID_LEN + 1];
};

struct chy_keks;

/** chy_kek_name tells the id of a KEK.  BAD_INPUT: it has another length. */
CHY_MUST_USE chy_status chy_kek_name(struct chy_crypto *crypto, struct chy_op *op,
                                     struct chy_slice kek, struct chy_kek_id *out_id);

/**
 * chy_keks_open imports the KEK.  `establish` writes its check value and a fresh MAC root when the
 * database has none; otherwise a database without one, or with another KEK's, is CHY_DENIED with
 * both ids.  `out_mac_root` lies in the secret arena of the operation.
 */
CHY_MUST_USE chy_status chy_keks_open(struct chy_runtime *runtime, struct chy_op *op,
                                      struct chy_slice kek, bool establish,
                                      struct chy_slice *out_mac_root, struct chy_keks **out_keks);
void chy_keks_close(struct chy_keks *keks);

/** chy_keks_sealed_mac_root reads the MAC root as the database has it: sealed by the KEK `out_id`,
 *  the one in use. */
CHY_MUST_USE chy_status chy_keks_sealed_mac_root(struct chy_keks *keks, struct chy_op *op,
                                                 struct chy_slice *out_id,
                                                 struct chy_slice *out_sealed);
/** chy_kek_open_mac_root opens such a MAC root by its KEK's bytes, without a database.  `out_root`
 *  lies in the secret arena.  BAD_INPUT: it was sealed by another KEK, or changed. */
CHY_MUST_USE chy_status chy_kek_open_mac_root(struct chy_crypto *crypto, struct chy_op *op,
                                              struct chy_slice kek, struct chy_slice sealed,
                                              struct chy_slice *out_root);

/** chy_keks_current is the KEK that seals now, as far as this process knows.  Any thread. */
struct chy_kek_id chy_keks_current(struct chy_keks *keks);
/** chy_keks_configured is the KEK that this process was given. */
struct chy_kek_id chy_keks_configured(const struct chy_keks *keks);
/** chy_keks_is_rotating tells whether another KEK is still accepted beside the one in use. */
CHY_MUST_USE bool chy_keks_is_rotating(struct chy_keks *keks);

/**
 * chy_keks_refresh looks whether another KEK has taken the place of the known one, and learns it.
 * DENIED: it has, and the known one no longer opens it.  Any thread.
 */
CHY_MUST_USE chy_status chy_keks_refresh(struct chy_keks *keks, struct chy_op *op);

/** chy_kek_seal seals by the KEK in use and tells which that was.  Any thread. */
CHY_MUST_USE chy_status chy_kek_seal(struct chy_keks *keks, struct chy_op *op,
                                     const struct chy_seal_context *context,
                                     struct chy_slice secret, struct chy_kek_id *out_id,
                                     struct chy_slice *out_sealed);
/** chy_kek_open opens what the KEK `id` sealed; one that is not known is looked for (refresh). */
CHY_MUST_USE chy_status chy_kek_open(struct chy_keks *keks, struct chy_op *op,
                                     const struct chy_seal_context *context, struct chy_slice id,
                                     struct chy_slice sealed, struct chy_slice *out_secret);

/**
 * chy_kek_guard makes a batch fail (CHY_CONFLICT) if `id` is no longer the KEK in use when it is
 * written: nothing may be sealed by one that is being retired.
 */
struct chy_write *chy_kek_guard(struct chy_batch *batch, const struct chy_kek_id *id);

/**
 * chy_kek_rotation_begin puts `kek` into use; `old_kek`, the bytes of the one before, stays
 * accepted.  Atomic.  The same `kek` again is fine: what was begun goes on.  BAD_INPUT: another
 * rotation is not finished yet.
 */
CHY_MUST_USE chy_status chy_kek_rotation_begin(struct chy_keks *keks, struct chy_op *op,
                                               struct chy_slice old_kek, struct chy_slice kek);
/** chy_kek_rotation_begin_alone is chy_kek_rotation_begin() when no other process runs: the new KEK
 *  is not left in the database, sealed by the one before, from which running ones learn it. */
CHY_MUST_USE chy_status chy_kek_rotation_begin_alone(struct chy_keks *keks, struct chy_op *op,
                                                     struct chy_slice old_kek,
                                                     struct chy_slice kek);
/** chy_kek_rotation_finish ends accepting the KEK before.  All that it sealed must be sealed by
 *  the one in use (chy_keyring_rewrap). */
CHY_MUST_USE chy_status chy_kek_rotation_finish(struct chy_keks *keks, struct chy_op *op);

#endif
