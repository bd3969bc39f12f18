#include "resource/kek.h"

#include "base/encode.h"
#include "base/lock.h"
#include "base/secret.h"
#include "resource/audit.h"
#include "resource/collections.h"

#include <stdlib.h>

#define CHECK_TEXT "chancery kek check 1"
#define ID_LABEL "chancery kek id 1"
#define KNOWN_MAX 8U // KEKs that one process lives through

#define SETTING_MAC_ROOT "mac-root"
#define SETTING_FORWARD CHY_SETTING_KEK_FORWARD // text: the one before; blob: opened by that one
#define SETTING_BACK "kek-back" // likewise; the one before, opened by the one in use

/** One KEK that this process holds.  It is given back when the process ends. */
struct known {
    struct chy_kek_id id;
    struct chy_crypto_key key;
};

struct chy_keks {
    struct chy_runtime *runtime;
    struct chy_mutex lock; /**< guards what follows; an entry, once made, stays as it is */
    struct known known[KNOWN_MAX];
    uint32_t count;
    uint32_t current;
    bool is_rotating;
};

/** One row of `settings`. */
struct setting {
    bool is_there;
    uint64_t revision;
    struct chy_slice text;
    struct chy_slice blob;
};

static chy_status read_setting(struct chy_keks *keks, struct chy_op *op, const char *name,
                               struct setting *out_setting)
{
    struct chy_storage_row row;
    memset(out_setting, 0, sizeof *out_setting);
    chy_status status = chy_storage_read(keks->runtime->storage, op, CHY_C_SETTINGS,
                                         CHY_KEY(chy_value_text(chy_text(name))),
                                         CHY_FIELDS(CHY_SETTING_TEXT, CHY_SETTING_BLOB), &row);
    if (status == CHY_NOT_FOUND) {
        return CHY_OK;
    }
    CHY_TRY(status);
    out_setting->is_there = true;
    out_setting->revision = row.revision;
    out_setting->text = chy_row_text(&row, 0);
    out_setting->blob = chy_row_blob(&row, 1);
    return CHY_OK;
}

static void put_setting(struct chy_batch *batch, const char *name, struct chy_slice text,
                        struct chy_slice blob)
{
    struct chy_write *write =
        chy_batch_upsert(batch, CHY_C_SETTINGS, CHY_KEY(chy_value_text(chy_text(name))));
    chy_write_set(write, CHY_SETTING_TEXT, chy_value_text(text));
    chy_write_set(write, CHY_SETTING_BLOB, chy_value_blob(blob));
}

static struct chy_slice id_text(const struct chy_kek_id *id)
{
    return chy_slice_of(id->text, CHY_KEK_ID_LEN);
}

/* What each value is bound to: its own purpose, and the id of the KEK that it is sealed for. */

static struct chy_seal_context check_context(void)
{
    return chy_seal_context_of("kek-check", chy_text(CHY_SETTING_KEK));
}

static struct chy_seal_context root_context(void)
{
    return chy_seal_context_of("mac-root", chy_text(SETTING_MAC_ROOT));
}

static struct chy_seal_context forward_context(struct chy_slice old_id)
{
    return chy_seal_context_of(SETTING_FORWARD, old_id);
}

static struct chy_seal_context back_context(struct chy_slice old_id)
{
    return chy_seal_context_of(SETTING_BACK, old_id);
}

/* ------------------------------------------------------------------------------------------------
 * The known ones
 */

chy_status chy_kek_name(struct chy_crypto *crypto, struct chy_op *op, struct chy_slice kek,
                        struct chy_kek_id *out_id)
{
    struct chy_slice digest;
    if (kek.len != CHY_KEK_LEN) {
        return chy_fail(op, CHY_BAD_INPUT, 0, "the master key (KEK) has %llu bytes, not %d",
                        (unsigned long long)kek.len, CHY_KEK_LEN);
    }
    CHY_TRY(chy_crypto_hmac_raw(crypto, op, kek, CHY_DIGEST_SHA256, chy_text(ID_LABEL), &digest));
    chy_hex_encode(chy_slice_of(digest.ptr, CHY_KEK_ID_LEN / 2), out_id->text);
    out_id->text[CHY_KEK_ID_LEN] = '\0';
    return CHY_OK;
}

static chy_status import_kek(struct chy_crypto *crypto, struct chy_op *op, struct chy_slice kek,
                             struct known *out_known)
{
    struct chy_key_template aes_key = {.struct_size = sizeof aes_key, .algorithm = CHY_KEY_AES_256};
    CHY_TRY(chy_kek_name(crypto, op, kek, &out_known->id));
    return chy_crypto_import(crypto, op, &aes_key, kek, &out_known->key);
}

/** find_locked returns where a KEK is; KNOWN_MAX: it is not known. */
static uint32_t find_locked(struct chy_keks *keks, struct chy_slice id)
{
    chy_mutex_assert_held(&keks->lock);
    for (uint32_t i = 0; i < keks->count; i++) {
        if (chy_slice_equal(id_text(&keks->known[i].id), id)) {
            return i;
        }
    }
    return KNOWN_MAX;
}

static bool find(struct chy_keks *keks, struct chy_slice id, struct known *out_known)
{
    chy_mutex_lock(&keks->lock);
    uint32_t at = find_locked(keks, id);
    if (at != KNOWN_MAX) {
        *out_known = keks->known[at];
    }
    chy_mutex_unlock(&keks->lock);
    return at != KNOWN_MAX;
}

static struct known current(struct chy_keks *keks)
{
    chy_mutex_lock(&keks->lock);
    struct known known = keks->known[keks->current];
    chy_mutex_unlock(&keks->lock);
    return known;
}

/** keep takes the key over, unless another thread was first; false: there are too many. */
static bool keep(struct chy_keks *keks, struct known *known, bool make_current)
{
    chy_mutex_lock(&keks->lock);
    uint32_t at = find_locked(keks, id_text(&known->id));
    if (at == KNOWN_MAX && keks->count < KNOWN_MAX) {
        at = keks->count++;
        keks->known[at] = *known;
        known->key = (struct chy_crypto_key){NULL, NULL};
    }
    if (at != KNOWN_MAX && make_current) {
        keks->current = at;
    }
    chy_mutex_unlock(&keks->lock);
    chy_crypto_key_release(&known->key);
    return at != KNOWN_MAX;
}

static chy_status keep_kek(struct chy_keks *keks, struct chy_op *op, struct chy_slice kek,
                           bool make_current)
{
    struct known known = {.key = {NULL, NULL}};
    CHY_TRY(import_kek(keks->runtime->seal_crypto, op, kek, &known));
    return keep(keks, &known, make_current)
               ? CHY_OK
               : chy_fail(op, CHY_DENIED, 0,
                          "the master key was rotated %u times while this process ran: restart it",
                          KNOWN_MAX);
}

struct chy_kek_id chy_keks_current(struct chy_keks *keks)
{
    return current(keks).id;
}

struct chy_kek_id chy_keks_configured(const struct chy_keks *keks)
{
    return keks->known[0].id;
}

bool chy_keks_is_rotating(struct chy_keks *keks)
{
    chy_mutex_lock(&keks->lock);
    bool is_rotating = keks->is_rotating;
    chy_mutex_unlock(&keks->lock);
    return is_rotating;
}

/* ------------------------------------------------------------------------------------------------
 * What `settings` say
 */

static chy_status fail_wrong(struct chy_keks *keks, struct chy_op *op, struct chy_slice id)
{
    return chy_fail(op, CHY_DENIED, 0,
                    "wrong master key (KEK): the database is sealed by %.*s, the configured one is "
                    "%s; configure the KEK that belongs to this database",
                    (int)id.len, (const char *)id.ptr, keks->known[0].id.text);
}

static chy_status check(struct chy_keks *keks, struct chy_op *op, const struct setting *kek)
{
    struct chy_seal_context context = check_context();
    struct chy_slice opened;
    struct known known;
    if (!find(keks, kek->text, &known) ||
        chy_crypto_open_sealed(&known.key, op, &context, kek->blob, &opened) != CHY_OK) {
        return fail_wrong(keks, op, kek->text);
    }
    return CHY_OK;
}

/** learn_successor opens the KEK in use by the one that it replaces; false: none of ours. */
static chy_status learn_successor(struct chy_keks *keks, struct chy_op *op,
                                  const struct setting *forward, bool *out_learned)
{
    struct known before;
    struct chy_slice kek;
    *out_learned = forward->is_there && find(keks, forward->text, &before);
    if (!*out_learned) {
        return CHY_OK;
    }
    struct chy_seal_context context = forward_context(forward->text);
    CHY_TRY(chy_crypto_open_sealed(&before.key, op, &context, forward->blob, &kek));
    return keep_kek(keks, op, kek, true);
}

/** learn_before opens the KEK that the one in use replaces: rows may still be sealed by it. */
static chy_status learn_before(struct chy_keks *keks, struct chy_op *op, const struct setting *back)
{
    struct known now = current(keks);
    struct known before;
    struct chy_slice kek;
    if (find(keks, back->text, &before)) {
        return CHY_OK;
    }
    struct chy_seal_context context = back_context(back->text);
    CHY_TRY(chy_crypto_open_sealed(&now.key, op, &context, back->blob, &kek));
    return keep_kek(keks, op, kek, false);
}

/** follow brings what this process knows to what `settings` say. */
static chy_status follow(struct chy_keks *keks, struct chy_op *op, const struct setting *kek)
{
    struct setting forward;
    struct setting back;
    struct known now;
    CHY_TRY(read_setting(keks, op, SETTING_FORWARD, &forward));
    CHY_TRY(read_setting(keks, op, SETTING_BACK, &back));
    if (!find(keks, kek->text, &now)) {
        bool learned;
        CHY_TRY(learn_successor(keks, op, &forward, &learned));
        if (!learned) {
            return fail_wrong(keks, op, kek->text);
        }
    }
    CHY_TRY(check(keks, op, kek));
    chy_mutex_lock(&keks->lock);
    uint32_t at = find_locked(keks, kek->text);
    keks->current = at == KNOWN_MAX ? keks->current : at;
    keks->is_rotating = back.is_there;
    chy_mutex_unlock(&keks->lock);
    if (at != 0) {
        chy_log_warning(op, "kek.rotated",
                        "the database is sealed by the master key %.*s, this process was started "
                        "with %s: configure the new one before the rotation is finished",
                        (int)kek->text.len, (const char *)kek->text.ptr, keks->known[0].id.text);
    }
    return back.is_there ? learn_before(keks, op, &back) : CHY_OK;
}

static chy_status establish_settings(struct chy_keks *keks, struct chy_op *op)
{
    struct chy_seal_context context = check_context();
    struct chy_seal_context of_root = root_context();
    struct chy_slice check_value;
    struct chy_slice sealed_root;
    struct chy_buffer root = {chy_secret_alloc(op, CHY_MAC_ROOT_LEN), CHY_MAC_ROOT_LEN};
    if (root.ptr == NULL) {
        return chy_fail_memory(op);
    }
    const struct known *kek = &keks->known[0];
    CHY_TRY(chy_crypto_random(keks->runtime->seal_crypto, op, root));
    CHY_TRY(chy_crypto_seal(&kek->key, op, &context, chy_text(CHECK_TEXT), &check_value));
    CHY_TRY(
        chy_crypto_seal(&kek->key, op, &of_root, chy_slice_of(root.ptr, root.len), &sealed_root));
    struct chy_batch batch;
    chy_batch_init(&batch, op, 0);
    struct chy_write *write = chy_batch_insert(&batch, CHY_C_SETTINGS,
                                               CHY_KEY(chy_value_text(chy_text(CHY_SETTING_KEK))));
    chy_write_set(write, CHY_SETTING_TEXT, chy_value_text(id_text(&kek->id)));
    chy_write_set(write, CHY_SETTING_BLOB, chy_value_blob(check_value));
    put_setting(&batch, SETTING_MAC_ROOT, id_text(&kek->id), sealed_root);
    return chy_batch_commit(&batch, keks->runtime->storage, NULL);
}

static chy_status open_settings(struct chy_keks *keks, struct chy_op *op, bool establish)
{
    struct setting kek;
    CHY_TRY(read_setting(keks, op, CHY_SETTING_KEK, &kek));
    if (kek.is_there) {
        return follow(keks, op, &kek);
    }
    return establish ? establish_settings(keks, op)
                     : chy_fail(op, CHY_DENIED, 0,
                                "the database has no master key (KEK) yet; for a new instance run "
                                "'chancery init --config' with this configuration");
}

chy_status chy_keks_sealed_mac_root(struct chy_keks *keks, struct chy_op *op,
                                    struct chy_slice *out_id, struct chy_slice *out_sealed)
{
    struct setting root;
    CHY_TRY(read_setting(keks, op, SETTING_MAC_ROOT, &root));
    if (!root.is_there) {
        return chy_fail(op, CHY_BROKEN, 0,
                        "the database has a master key (KEK) but no root of its MAC keys ('%s' in "
                        "settings)",
                        SETTING_MAC_ROOT);
    }
    *out_id = root.text;
    *out_sealed = root.blob;
    return CHY_OK;
}

static chy_status check_root(struct chy_op *op, struct chy_slice root)
{
    return root.len == CHY_MAC_ROOT_LEN
               ? CHY_OK
               : chy_fail(op, CHY_BROKEN, 0, "the root of the MAC keys has not %d bytes",
                          CHY_MAC_ROOT_LEN);
}

chy_status chy_kek_open_mac_root(struct chy_crypto *crypto, struct chy_op *op, struct chy_slice kek,
                                 struct chy_slice sealed, struct chy_slice *out_root)
{
    struct known known = {.key = {NULL, NULL}};
    struct chy_seal_context context = root_context();
    CHY_TRY(import_kek(crypto, op, kek, &known));
    chy_status status = chy_crypto_open_sealed(&known.key, op, &context, sealed, out_root);
    chy_crypto_key_release(&known.key);
    CHY_TRY(status);
    return check_root(op, *out_root);
}

static chy_status open_mac_root(struct chy_keks *keks, struct chy_op *op,
                                struct chy_slice *out_root)
{
    struct chy_slice id;
    struct chy_slice sealed;
    struct chy_seal_context context = root_context();
    CHY_TRY(chy_keks_sealed_mac_root(keks, op, &id, &sealed));
    CHY_TRY(chy_kek_open(keks, op, &context, id, sealed, out_root));
    return check_root(op, *out_root);
}

chy_status chy_keks_open(struct chy_runtime *runtime, struct chy_op *op, struct chy_slice kek,
                         bool establish, struct chy_slice *out_mac_root, struct chy_keks **out_keks)
{
    struct chy_keks *keks = calloc(1, sizeof *keks);
    if (keks == NULL) {
        return chy_fail_memory(op);
    }
    keks->runtime = runtime;
    chy_mutex_init(&keks->lock);
    chy_status status = keep_kek(keks, op, kek, true);
    if (status == CHY_OK) {
        status = open_settings(keks, op, establish);
    }
    if (status == CHY_OK) {
        status = open_mac_root(keks, op, out_mac_root);
    }
    if (status != CHY_OK) {
        chy_keks_close(keks);
        return status;
    }
    *out_keks = keks;
    return CHY_OK;
}

void chy_keks_close(struct chy_keks *keks)
{
    if (keks == NULL) {
        return;
    }
    for (uint32_t i = 0; i < keks->count; i++) {
        chy_crypto_key_release(&keks->known[i].key);
    }
    chy_mutex_fini(&keks->lock);
    free(keks);
}

chy_status chy_keks_refresh(struct chy_keks *keks, struct chy_op *op)
{
    struct setting kek;
    struct known now = current(keks);
    CHY_TRY(read_setting(keks, op, CHY_SETTING_KEK, &kek));
    if (kek.is_there && chy_slice_equal(kek.text, id_text(&now.id))) {
        return CHY_OK;
    }
    return kek.is_there ? follow(keks, op, &kek)
                        : chy_fail(op, CHY_BROKEN, 0, "the database has lost its master key's row");
}

/* ------------------------------------------------------------------------------------------------
 * Sealing
 */

chy_status chy_kek_seal(struct chy_keks *keks, struct chy_op *op,
                        const struct chy_seal_context *context, struct chy_slice secret,
                        struct chy_kek_id *out_id, struct chy_slice *out_sealed)
{
    struct known now = current(keks);
    CHY_TRY(chy_crypto_seal(&now.key, op, context, secret, out_sealed));
    *out_id = now.id;
    return CHY_OK;
}

chy_status chy_kek_open(struct chy_keks *keks, struct chy_op *op,
                        const struct chy_seal_context *context, struct chy_slice id,
                        struct chy_slice sealed, struct chy_slice *out_secret)
{
    struct known known;
    if (!find(keks, id, &known)) {
        CHY_TRY(chy_keks_refresh(keks, op));
    }
    if (!find(keks, id, &known)) {
        return chy_fail(op, CHY_BROKEN, 0,
                        "a key is sealed by the master key %.*s, which is neither the configured "
                        "one nor the one before it",
                        (int)id.len, (const char *)id.ptr);
    }
    return chy_crypto_open_sealed(&known.key, op, context, sealed, out_secret);
}

struct chy_write *chy_kek_guard(struct chy_batch *batch, const struct chy_kek_id *id)
{
    struct chy_write *write =
        chy_batch_check(batch, CHY_C_SETTINGS, CHY_KEY(chy_value_text(chy_text(CHY_SETTING_KEK))));
    chy_write_guard_equals(write, CHY_SETTING_TEXT, chy_value_text(id_text(id)));
    return write;
}

/* ------------------------------------------------------------------------------------------------
 * Rotation
 */

/** What the database is told when one KEK takes the place of another. */
struct handover {
    struct known old;
    struct known now;
    struct chy_slice old_kek; /**< bytes */
    struct chy_slice new_kek;
    bool is_alone; /**< nobody has to learn the new one from the database */
};

static chy_status audit(struct chy_keks *keks, struct chy_batch *batch, const char *action,
                        const struct chy_kek_id *id)
{
    struct chy_audit_event event = {.action = action,
                                    .target_kind = "master-keys",
                                    .target = id_text(id),
                                    .outcome = CHY_AUDIT_OK};
    return chy_audit_add(keks->runtime, batch, &event);
}

static chy_status write_handover(struct chy_keks *keks, struct chy_op *op,
                                 const struct handover *handover)
{
    struct chy_seal_context of_check = check_context();
    struct chy_seal_context of_root = root_context();
    struct chy_seal_context of_forward = forward_context(id_text(&handover->old.id));
    struct chy_seal_context of_back = back_context(id_text(&handover->old.id));
    struct chy_slice check_value;
    struct chy_slice root = {NULL, 0};
    struct chy_slice sealed_root;
    struct chy_slice forward;
    struct chy_slice back;
    CHY_TRY(open_mac_root(keks, op, &root));
    CHY_TRY(chy_crypto_seal(&handover->now.key, op, &of_check, chy_text(CHECK_TEXT), &check_value));
    CHY_TRY(chy_crypto_seal(&handover->now.key, op, &of_root, root, &sealed_root));
    CHY_TRY(chy_crypto_seal(&handover->old.key, op, &of_forward, handover->new_kek, &forward));
    CHY_TRY(chy_crypto_seal(&handover->now.key, op, &of_back, handover->old_kek, &back));
    struct chy_batch batch;
    chy_batch_init(&batch, op, 0);
    struct chy_write *write = chy_batch_update(&batch, CHY_C_SETTINGS,
                                               CHY_KEY(chy_value_text(chy_text(CHY_SETTING_KEK))));
    chy_write_guard_equals(write, CHY_SETTING_TEXT, chy_value_text(id_text(&handover->old.id)));
    chy_write_set(write, CHY_SETTING_TEXT, chy_value_text(id_text(&handover->now.id)));
    chy_write_set(write, CHY_SETTING_BLOB, chy_value_blob(check_value));
    put_setting(&batch, SETTING_MAC_ROOT, id_text(&handover->now.id), sealed_root);
    if (!handover->is_alone) {
        put_setting(&batch, SETTING_FORWARD, id_text(&handover->old.id), forward);
    }
    put_setting(&batch, SETTING_BACK, id_text(&handover->old.id), back);
    CHY_TRY(audit(keks, &batch, "master-key.rotate", &handover->now.id));
    return chy_batch_commit(&batch, keks->runtime->storage, NULL);
}

static chy_status begin(struct chy_keks *keks, struct chy_op *op, struct chy_slice old_kek,
                        struct chy_slice kek, bool is_alone)
{
    struct handover handover = {.old_kek = old_kek, .new_kek = kek, .is_alone = is_alone};
    struct chy_kek_id id;
    CHY_TRY(chy_kek_name(keks->runtime->seal_crypto, op, kek, &id));
    CHY_TRY(chy_keks_refresh(keks, op));
    handover.old = current(keks);
    if (chy_slice_equal(id_text(&id), id_text(&handover.old.id))) {
        return chy_keks_is_rotating(keks)
                   ? CHY_OK
                   : chy_fail(op, CHY_BAD_INPUT, 0,
                              "the database is sealed by this master key (%s) already", id.text);
    }
    if (chy_keks_is_rotating(keks)) {
        return chy_fail(op, CHY_BAD_INPUT, 0,
                        "the rotation to the master key %s is not finished: go on with that one, "
                        "or finish it first",
                        handover.old.id.text);
    }
    CHY_TRY(chy_kek_name(keks->runtime->seal_crypto, op, old_kek, &id));
    if (!chy_slice_equal(id_text(&id), id_text(&handover.old.id))) {
        return fail_wrong(keks, op, id_text(&handover.old.id));
    }
    CHY_TRY(import_kek(keks->runtime->seal_crypto, op, kek, &handover.now));
    chy_status status = write_handover(keks, op, &handover);
    chy_crypto_key_release(&handover.now.key);
    CHY_TRY(status);
    CHY_TRY(keep_kek(keks, op, kek, false));
    return chy_keks_refresh(keks, op);
}

chy_status chy_kek_rotation_begin(struct chy_keks *keks, struct chy_op *op,
                                  struct chy_slice old_kek, struct chy_slice kek)
{
    return begin(keks, op, old_kek, kek, false);
}

chy_status chy_kek_rotation_begin_alone(struct chy_keks *keks, struct chy_op *op,
                                        struct chy_slice old_kek, struct chy_slice kek)
{
    return begin(keks, op, old_kek, kek, true);
}

chy_status chy_kek_rotation_finish(struct chy_keks *keks, struct chy_op *op)
{
    struct known now = current(keks);
    struct chy_batch batch;
    chy_batch_init(&batch, op, 0);
    (void)chy_kek_guard(&batch, &now.id);
    (void)chy_batch_delete(&batch, CHY_C_SETTINGS,
                           CHY_KEY(chy_value_text(chy_text(SETTING_FORWARD))));
    (void)chy_batch_delete(&batch, CHY_C_SETTINGS, CHY_KEY(chy_value_text(chy_text(SETTING_BACK))));
    CHY_TRY(audit(keks, &batch, "master-key.finish-rotation", &now.id));
    CHY_TRY(chy_batch_commit(&batch, keks->runtime->storage, NULL));
    chy_mutex_lock(&keks->lock);
    keks->is_rotating = false;
    chy_mutex_unlock(&keks->lock);
    return CHY_OK;
}
