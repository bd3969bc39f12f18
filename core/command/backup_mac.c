#include "command/backup_mac.h"

#include "base/encode.h"
#include "base/file.h"
#include "base/secret.h"
#include "base/slice.h"
#include "command/instance_files.h"
#include "command/locate.h"
#include "resource/json.h"
#include "resource/kek.h"
#include "resource/keyring.h"

#define MAC_FILE "manifest.mac"
#define MAC_FILE_MAX 256
#define ROOT_MAX 1024 // sealed; it has 32 bytes and what the provider adds

chy_status chy_backup_mac_describe(struct chy_assembly *assembly, struct chy_op *op,
                                   json_t *manifest)
{
    struct chy_slice id;
    struct chy_slice sealed;
    struct chy_slice text;
    CHY_TRY(
        chy_keks_sealed_mac_root(chy_keyring_keks(assembly->runtime.keyring), op, &id, &sealed));
    CHY_TRY(chy_hex_text(op, sealed, &text));
    return chy_json_set_text(manifest, "kekId", id) && chy_json_set_text(manifest, "macRoot", text)
               ? CHY_OK
               : chy_fail_memory(op);
}

chy_status chy_backup_mac_write(struct chy_assembly *assembly, struct chy_op *op,
                                const char *directory, struct chy_slice text)
{
    struct chy_slice mac;
    const char *path;
    CHY_TRY(chy_keyring_mac(assembly->runtime.keyring, op, CHY_MAC_BACKUP, text, &mac));
    CHY_TRY(chy_hex_text(op, mac, &mac));
    CHY_TRY(chy_path_join(op, directory, MAC_FILE, &path));
    return chy_file_create(op, path, mac, 0600);
}

/** open_root opens the manifest's MAC root by the configured KEK. */
static chy_status open_root(struct chy_assembly *a, struct chy_op *op, const json_t *manifest,
                            struct chy_slice *out_root)
{
    struct chy_slice needed = chy_json_member(manifest, "kekId");
    struct chy_slice kek;
    struct chy_kek_id id;
    uint8_t sealed[ROOT_MAX];
    size_t len;
    CHY_TRY(chy_kek_read(op, a->config->kek, &kek));
    CHY_TRY(chy_kek_name(a->runtime.seal_crypto, op, kek, &id));
    if (!chy_slice_is(needed, id.text)) {
        return chy_fail(op, CHY_DENIED, 0,
                        "the backup needs the master key (KEK) %.*s, the configured one is %s: "
                        "configure the one that was in use when the backup was made",
                        (int)needed.len, (const char *)needed.ptr, id.text);
    }
    if (!chy_hex_decode(chy_json_member(manifest, "macRoot"),
                        (struct chy_buffer){sealed, sizeof sealed}, &len)) {
        return chy_fail(op, CHY_BAD_INPUT, 0, "the manifest of the backup has no MAC root");
    }
    return chy_kek_open_mac_root(a->runtime.seal_crypto, op, kek, chy_slice_of(sealed, len),
                                 out_root);
}

chy_status chy_backup_mac_check(struct chy_assembly *assembly, struct chy_op *op,
                                const char *directory, const json_t *manifest,
                                struct chy_slice text)
{
    struct chy_slice root;
    struct chy_slice mac;
    struct chy_slice given;
    const char *path;
    CHY_TRY(open_root(assembly, op, manifest, &root));
    CHY_TRY(chy_keyring_mac_of_root(assembly->runtime.seal_crypto, op, root, CHY_MAC_BACKUP, text,
                                    &mac));
    CHY_TRY(chy_hex_text(op, mac, &mac));
    CHY_TRY(chy_path_join(op, directory, MAC_FILE, &path));
    chy_status status = chy_file_read(op, path, MAC_FILE_MAX, &given);
    if (status != CHY_OK && status != CHY_NOT_FOUND) {
        return status;
    }
    return status == CHY_OK && chy_secret_equal(given, mac)
               ? CHY_OK
               : chy_fail(op, CHY_BAD_INPUT, 0,
                          "'%s' does not have the MAC of this backup's manifest: the backup was "
                          "changed after it was made, or is damaged",
                          path);
}
