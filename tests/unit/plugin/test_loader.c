#include "plugin/loader.h"

#include "plugin/view.h"
#include "test_main.h"
#include "test_op.h"

#include <elf.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/** A plugin directory of one test, with a copy of the good probe in it. */
struct place {
    char directory[64];
    char file[128];
    struct chy_op *op;
    struct chy_loader_config config;
};

static void copy_file(const char *from, const char *to, off_t size)
{
    int in = open(from, O_RDONLY | O_CLOEXEC);
    int out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);
    ck_assert_int_ge(in, 0);
    ck_assert_int_ge(out, 0);
    char piece[8192];
    ssize_t got = 1;
    while (size > 0 && got > 0) {
        got = read(in, piece, size < (off_t)sizeof piece ? (size_t)size : sizeof piece);
        ck_assert_int_ge(got, 0);
        ck_assert_int_eq(write(out, piece, (size_t)got), got);
        size -= got;
    }
    ck_assert_int_eq(fchmod(out, 0755), 0);
    (void)close(in);
    (void)close(out);
}

static off_t file_size(const char *path)
{
    struct stat info;
    ck_assert_int_eq(stat(path, &info), 0);
    return info.st_size;
}

static void place_open(struct place *place)
{
    (void)snprintf(place->directory, sizeof place->directory, "/tmp/chancery-loader-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(place->directory));
    (void)snprintf(place->file, sizeof place->file, "%s/probe-good.so", place->directory);
    copy_file(PROBES "/probe-good.so", place->file, INT32_MAX);
    place->op = test_op_new();
    place->config = (struct chy_loader_config){place->directory, true, {NULL, 0}};
}

static void place_close(struct place *place)
{
    (void)unlink(place->file);
    ck_assert_int_eq(rmdir(place->directory), 0);
    test_op_free(place->op);
}

static void patch(const char *path, off_t offset, uint8_t byte)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(pwrite(fd, &byte, 1, offset), 1);
    (void)close(fd);
}

/** Loading fails with this status, and the message names the file and has these words. */
static void expect_refusal(struct place *place, chy_status status, const char *words)
{
    struct chy_loaded_plugin *plugin = NULL;
    chy_status got = chy_loader_load(place->op, &place->config, chy_text("probe-good"), &plugin);
    const char *message = test_op_message(place->op);
    ck_assert_msg(got == status, "status %d: %s", got, message);
    ck_assert_ptr_null(plugin);
    ck_assert_msg(strstr(message, place->file) != NULL, "names no file: %s", message);
    ck_assert_msg(strstr(message, words) != NULL, "expected '%s' in: %s", words, message);
}

START_TEST(a_good_plugin_is_copied_whole)
{
    struct chy_op *op = test_op_new();
    struct chy_loader_config config = {PROBES, true, {NULL, 0}};
    struct chy_loaded_plugin *plugin = NULL;
    ck_assert_int_eq(chy_loader_load(op, &config, chy_text("probe-good"), &plugin), CHY_OK);
    ck_assert(chy_slice_is(plugin->descriptor.name, "probe-good"));
    ck_assert(chy_slice_is(plugin->descriptor.version, "1.2.3"));
    ck_assert(chy_slice_is(plugin->path, PROBES "/probe-good.so"));
    ck_assert(chy_loaded_plugin_has(plugin, CHY_INTERFACE_ENROLLMENT));
    ck_assert(!chy_loaded_plugin_has(plugin, CHY_INTERFACE_STORAGE));
    ck_assert_uint_eq(plugin->descriptor.options.count, 3);
    ck_assert_uint_eq(plugin->enrollment.routes.count, 1);
    ck_assert_uint_eq(plugin->enrollment.collections.count, 2);
    ck_assert(plugin->descriptor.reload != NULL);
    ck_assert_uint_eq(strlen(plugin->hash), 64);
    chy_loaded_plugin_free(plugin);
    test_op_free(op);
}
END_TEST

START_TEST(an_older_plugin_reads_as_zero_where_it_has_nothing)
{
    struct chy_op *op = test_op_new();
    struct chy_loader_config config = {PROBES, true, {NULL, 0}};
    struct chy_loaded_plugin *plugin = NULL;
    ck_assert_int_eq(chy_loader_load(op, &config, chy_text("probe-older"), &plugin), CHY_OK);
    ck_assert(plugin->descriptor.reload == NULL);
    ck_assert(plugin->descriptor.destroy != NULL);
    chy_loaded_plugin_free(plugin);
    test_op_free(op);
}
END_TEST

START_TEST(a_newer_plugin_keeps_its_longer_elements)
{
    struct chy_op *op = test_op_new();
    struct chy_loader_config config = {PROBES, true, {NULL, 0}};
    struct chy_loaded_plugin *plugin = NULL;
    uint64_t future = 0;
    ck_assert_int_eq(chy_loader_load(op, &config, chy_text("probe-newer"), &plugin), CHY_OK);
    const uint8_t *route = chy_view_item(plugin->enrollment.routes, 0);
    ck_assert_uint_gt(plugin->enrollment.routes.stride, sizeof(struct chy_route));
    // A handler of that plugin reads on behind what this host knows of a route.
    memcpy(&future, route + sizeof(struct chy_route), sizeof future);
    ck_assert_uint_eq(future, 77);
    chy_loaded_plugin_free(plugin);
    test_op_free(op);
}
END_TEST

static const struct {
    const char *name;
    chy_status status;
    const char *words;
} refused_probes[] = {
    {"probe-major", CHY_UNSUPPORTED, "for ABI 1 (symbol chancery_plugin_v1), found one for ABI 2"},
    {"probe-no-symbol", CHY_BAD_INPUT, "expected the symbol chancery_plugin_v1"},
    {"probe-null", CHY_BAD_INPUT, "found NULL"},
    {"probe-name", CHY_BAD_INPUT,
     "expected the plugin 'probe-name', as the file is called, found "
     "'probe-other'"},
    {"probe-interface-unknown", CHY_UNSUPPORTED, "found number 77"},
    {"probe-interface-twice", CHY_BAD_INPUT, "found enrollment twice"},
    {"probe-no-interface", CHY_BAD_INPUT, "expected at least one interface"},
    {"probe-threading", CHY_UNSUPPORTED, "threading class up to 1, found 5"},
    {"probe-too-small", CHY_BAD_INPUT, "found struct_size 40"},
    {"probe-no-destroy", CHY_BAD_INPUT, "required operation plugin.destroy"},
    {"probe-no-sign", CHY_BAD_INPUT, "required operation crypto.capabilities"},
    {"probe-no-handler", CHY_BAD_INPUT, "expected a handler"},
    {"probe-no-deliver", CHY_BAD_INPUT, "required operation notifier.deliver"},
    {"probe-no-channel", CHY_BAD_INPUT, "at least one channel type"},
    {"probe-channel-name", CHY_BAD_INPUT, "the name of a channel type, found 'Smoke'"},
    {"probe-channel-twice", CHY_BAD_INPUT, "expected each channel type once, found 'drum' twice"},
    {"probe-option-twice", CHY_BAD_INPUT, "expected each option once, found 'trace' twice"},
    {"probe-option-type", CHY_UNSUPPORTED, "expected a type from 1 to 8, found 99"},
    {"probe-option-choice", CHY_BAD_INPUT, "1 to 64 choices"},
    {"probe-absent", CHY_NOT_FOUND, "No such file"},
    {"Probe", CHY_BAD_INPUT, "is no name of a plugin"},
    {"../probe-good", CHY_BAD_INPUT, "is no name of a plugin"},
    {"", CHY_BAD_INPUT, "is no name of a plugin"},
};

static void expect_no_load(const char *name, chy_status status, const char *words)
{
    struct chy_op *op = test_op_new();
    struct chy_loader_config config = {PROBES, true, {NULL, 0}};
    struct chy_loaded_plugin *plugin = NULL;
    ck_assert_int_eq(chy_loader_load(op, &config, chy_text(name), &plugin), status);
    ck_assert_msg(strstr(test_op_message(op), words) != NULL, "%s: %s", name, test_op_message(op));
    ck_assert_ptr_null(plugin);
    test_op_free(op);
}

START_TEST(refuses_what_is_not_for_this_host)
{
    expect_no_load(refused_probes[_i].name, refused_probes[_i].status, refused_probes[_i].words);
}
END_TEST

START_TEST(refuses_what_needs_a_newer_host)
{
    char words[96];
    (void)snprintf(words, sizeof words, "lives with host minor %u, found one that needs 7",
                   CHY_HOST_MINOR);
    expect_no_load("probe-host-minor", CHY_UNSUPPORTED, words);
    (void)snprintf(words, sizeof words,
                   "an interface enrollment that lives with minor %u, found one that needs 9",
                   CHY_ENROLLMENT_MINOR);
    expect_no_load("probe-interface-minor", CHY_UNSUPPORTED, words);
}
END_TEST

START_TEST(a_notifier_is_copied_with_its_channels)
{
    struct chy_op *op = test_op_new();
    struct chy_loader_config config = {PROBES, true, {NULL, 0}};
    struct chy_loaded_plugin *plugin = NULL;
    ck_assert_int_eq(chy_loader_load(op, &config, chy_text("probe-notifier"), &plugin), CHY_OK);
    ck_assert(chy_loaded_plugin_has(plugin, CHY_INTERFACE_NOTIFIER));
    ck_assert_str_eq(chy_interface_name(CHY_INTERFACE_NOTIFIER), "notifier");
    ck_assert_uint_eq(plugin->notifier.channel_types.count, 2);
    const struct chy_channel_type *drum = chy_view_item(plugin->notifier.channel_types, 0);
    ck_assert(chy_slice_is(drum->name, "drum"));
    ck_assert_uint_eq(drum->options.count, 1);
    const struct chy_option *place = chy_view_item(drum->options, 0);
    ck_assert(chy_slice_is(place->name, "place_name"));
    ck_assert(plugin->notifier.check == NULL);
    ck_assert(plugin->notifier.deliver != NULL);
    chy_loaded_plugin_free(plugin);
    test_op_free(op);
}
END_TEST

START_TEST(refuses_a_truncated_file)
{
    struct place place;
    place_open(&place);
    off_t whole = file_size(place.file);
    const off_t lengths[] = {3, 20, 64, 100, whole / 2, whole - 1};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        ck_assert_int_eq(truncate(place.file, lengths[i]), 0);
        expect_refusal(&place, CHY_BAD_INPUT,
                       lengths[i] < 4 ? "expected a shared object" : "truncated");
        copy_file(PROBES "/probe-good.so", place.file, INT32_MAX);
    }
    ck_assert_int_eq(truncate(place.file, 0), 0);
    expect_refusal(&place, CHY_BAD_INPUT, "found an empty file");
    place_close(&place);
}
END_TEST

/** Where the last segment that is mapped begins in the file. */
static off_t last_segment(const char *path)
{
    Elf64_Ehdr header;
    Elf64_Phdr segment;
    uint64_t last = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ck_assert_int_eq(pread(fd, &header, sizeof header, 0), sizeof header);
    for (uint32_t i = 0; i < header.e_phnum; i++) {
        ck_assert_int_eq(
            pread(fd, &segment, sizeof segment, (off_t)(header.e_phoff + i * sizeof segment)),
            sizeof segment);
        if (segment.p_type == PT_LOAD && segment.p_filesz > 1 && segment.p_offset > last) {
            last = segment.p_offset;
        }
    }
    (void)close(fd);
    return (off_t)last;
}

START_TEST(refuses_a_truncated_file_whose_sections_were_stripped)
{
    // Without section headers only the segments tell; mapping them would end in SIGBUS.
    struct place place;
    place_open(&place);
    for (off_t i = 0; i < 8; i++) {
        patch(place.file, (off_t)offsetof(Elf64_Ehdr, e_shoff) + i, 0);
    }
    patch(place.file, (off_t)offsetof(Elf64_Ehdr, e_shnum), 0);
    patch(place.file, (off_t)offsetof(Elf64_Ehdr, e_shnum) + 1, 0);
    ck_assert_int_eq(truncate(place.file, last_segment(place.file) + 1), 0);
    expect_refusal(&place, CHY_BAD_INPUT, "found a truncated one: it has");
    place_close(&place);
}
END_TEST

START_TEST(refuses_what_is_no_shared_object_of_this_machine)
{
    struct place place;
    place_open(&place);
    patch(place.file, EI_CLASS, ELFCLASS32);
    expect_refusal(&place, CHY_UNSUPPORTED,
                   "expected a 64-bit shared object, found one of ELF class 1");
    patch(place.file, EI_CLASS, ELFCLASS64);
    patch(place.file, (off_t)offsetof(Elf64_Ehdr, e_machine), 0xfe);
    expect_refusal(&place, CHY_UNSUPPORTED, "for this machine");
    copy_file(PROBES "/probe-good.so", place.file, INT32_MAX);
    patch(place.file, (off_t)offsetof(Elf64_Ehdr, e_type), ET_REL);
    expect_refusal(&place, CHY_BAD_INPUT, "an object file that was not linked");
    copy_file("/etc/passwd", place.file, 40);
    expect_refusal(&place, CHY_BAD_INPUT, "found a text file");
    copy_file("/dev/zero", place.file, 4096);
    expect_refusal(&place, CHY_BAD_INPUT, "found a file of another kind");
    place_close(&place);
}
END_TEST

START_TEST(refuses_what_others_may_write)
{
    struct place place;
    place_open(&place);
    ck_assert_int_eq(chmod(place.file, 0757), 0);
    expect_refusal(&place, CHY_DENIED, "only its owner may write, found mode 0757");
    ck_assert_int_eq(chmod(place.file, 0775), 0);
    expect_refusal(&place, CHY_DENIED, "found mode 0775");
    ck_assert_int_eq(chmod(place.file, 0755), 0);
    ck_assert_int_eq(chmod(place.directory, 01777), 0);
    expect_refusal(&place, CHY_DENIED,
                   "expected a directory that only its owner may write, found mode 1777");
    ck_assert_int_eq(chmod(place.directory, 0775), 0);
    expect_refusal(&place, CHY_DENIED,
                   "expected a directory that only its owner may write, found mode 0775");
    if (geteuid() == 0) { // only root can give a folder away
        ck_assert_int_eq(chmod(place.directory, 0755), 0);
        ck_assert_int_eq(chown(place.directory, 4711, 0), 0);
        expect_refusal(&place, CHY_DENIED,
                       "expected a directory of root or the user who runs this");
        ck_assert_int_eq(chown(place.directory, 0, 0), 0);
    }
    place_close(&place);
}
END_TEST

START_TEST(refuses_an_owner_who_is_not_trusted)
{
    struct place place;
    place_open(&place);
    if (geteuid() == 0) {
        ck_assert_int_eq(chown(place.file, 65534, 65534), 0);
        expect_refusal(&place, CHY_DENIED, "found the user id 65534");
        place.config.trust_owner = false;
        expect_refusal(&place, CHY_DENIED, "plugins.trust_owner");
    } else {
        place.config.trust_owner = false;
        expect_refusal(&place, CHY_DENIED, "plugins.trust_owner");
    }
    place_close(&place);
}
END_TEST

START_TEST(refuses_a_link_that_leads_out_of_the_directory)
{
    struct place place;
    place_open(&place);
    ck_assert_int_eq(unlink(place.file), 0);
    ck_assert_int_eq(symlink(PROBES "/probe-good.so", place.file), 0);
    expect_refusal(&place, CHY_DENIED, "found a link to '");
    place_close(&place);
}
END_TEST

START_TEST(follows_a_link_within_the_directory)
{
    struct place place;
    char target[128];
    struct chy_loaded_plugin *plugin = NULL;
    place_open(&place);
    (void)snprintf(target, sizeof target, "%s/probe-good-1.2.so", place.directory);
    ck_assert_int_eq(rename(place.file, target), 0);
    ck_assert_int_eq(symlink("probe-good-1.2.so", place.file), 0);
    ck_assert_int_eq(chy_loader_load(place.op, &place.config, chy_text("probe-good"), &plugin),
                     CHY_OK);
    chy_loaded_plugin_free(plugin);
    ck_assert_int_eq(unlink(target), 0);
    place_close(&place);
}
END_TEST

START_TEST(refuses_what_is_no_regular_file)
{
    struct place place;
    place_open(&place);
    ck_assert_int_eq(unlink(place.file), 0);
    ck_assert_int_eq(mkdir(place.file, 0755), 0);
    expect_refusal(&place, CHY_BAD_INPUT, "expected a regular file, found a directory");
    ck_assert_int_eq(rmdir(place.file), 0);
    ck_assert_int_eq(mkfifo(place.file, 0600), 0);
    expect_refusal(&place, CHY_BAD_INPUT, "expected a regular file, found a file of another kind");
    place_close(&place);
}
END_TEST

START_TEST(holds_a_file_to_its_pin)
{
    struct place place;
    struct chy_loaded_plugin *plugin = NULL;
    char upper[CHY_PLUGIN_HASH_SIZE];
    place_open(&place);
    place.config.pin = chy_text("00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff");
    expect_refusal(&place, CHY_DENIED, "expected the SHA-256 0011");
    place.config.pin = chy_text("");
    ck_assert_int_eq(chy_loader_load(place.op, &place.config, chy_text("probe-good"), &plugin),
                     CHY_OK);
    for (size_t i = 0; i < sizeof upper; i++) {
        char c = plugin->hash[i];
        upper[i] = c >= 'a' && c <= 'f' ? (char)(c - 'a' + 'A') : c;
    }
    chy_loaded_plugin_free(plugin);
    place.config.pin = chy_text(upper);
    ck_assert_int_eq(chy_loader_load(place.op, &place.config, chy_text("probe-good"), &plugin),
                     CHY_OK);
    chy_loaded_plugin_free(plugin);
    place_close(&place);
}
END_TEST

START_TEST(a_refused_mapping_does_not_stand_in_for_the_next)
{
    // The linker knows a file by its descriptor's number: a number that is used again for another
    // file would give the old one.
    struct place place;
    struct chy_loaded_plugin *plugin = NULL;
    place_open(&place);
    copy_file(PROBES "/probe-name.so", place.file, INT32_MAX);
    expect_refusal(&place, CHY_BAD_INPUT, "found 'probe-other'");
    ck_assert_int_eq(unlink(place.file), 0);
    copy_file(PROBES "/probe-good.so", place.file, INT32_MAX);
    ck_assert_int_eq(chy_loader_load(place.op, &place.config, chy_text("probe-good"), &plugin),
                     CHY_OK);
    ck_assert(chy_slice_is(plugin->descriptor.name, "probe-good"));
    chy_loaded_plugin_free(plugin);
    place_close(&place);
}
END_TEST

START_TEST(lists_plugins_in_order)
{
    struct chy_op *op = test_op_new();
    struct chy_view names = {NULL, 0, 0};
    ck_assert_int_eq(chy_loader_list(op, PROBES, &names), CHY_OK);
    ck_assert_uint_ge(names.count, 20);
    for (uint64_t i = 0; i < names.count; i++) {
        const struct chy_slice *name = chy_view_item(names, i);
        ck_assert(name->len > 5 && memcmp(name->ptr, "probe", 5) == 0);
    }
    ck_assert_int_eq(chy_loader_list(op, "/nonexistent", &names), CHY_NOT_FOUND);
    test_op_free(op);
}
END_TEST

START_TEST(survives_every_allocation_failure)
{
    struct chy_loader_config config = {PROBES, true, {NULL, 0}};
    long n = 1;
    for (bool fired = true; fired; n++) {
        struct chy_op *op = test_op_new();
        struct chy_loaded_plugin *plugin = NULL;
        chy_test_fail_alloc_at(n);
        chy_status status = chy_loader_load(op, &config, chy_text("probe-good"), &plugin);
        fired = chy_test_fail_alloc_fired();
        chy_test_fail_alloc_at(0);
        ck_assert_int_eq(status, fired ? CHY_NO_MEMORY : CHY_OK);
        chy_loaded_plugin_free(plugin);
        test_op_free(op);
    }
    ck_assert_int_gt(n, 4);
}
END_TEST

TEST_MAIN("plugin_loader", TEST(a_good_plugin_is_copied_whole),
          TEST(an_older_plugin_reads_as_zero_where_it_has_nothing),
          TEST(a_newer_plugin_keeps_its_longer_elements),
          TEST(a_notifier_is_copied_with_its_channels),
          TEST_EACH(refuses_what_is_not_for_this_host, refused_probes),
          TEST(refuses_what_needs_a_newer_host), TEST(refuses_a_truncated_file),
          TEST(refuses_a_truncated_file_whose_sections_were_stripped),
          TEST(refuses_what_is_no_shared_object_of_this_machine),
          TEST(refuses_what_others_may_write), TEST(refuses_an_owner_who_is_not_trusted),
          TEST(refuses_a_link_that_leads_out_of_the_directory),
          TEST(follows_a_link_within_the_directory), TEST(refuses_what_is_no_regular_file),
          TEST(holds_a_file_to_its_pin), TEST(a_refused_mapping_does_not_stand_in_for_the_next),
          TEST(lists_plugins_in_order), TEST(survives_every_allocation_failure))
