#include "plugin/elf.h"

#include "base/slice.h"

#include <elf.h>
#include <errno.h>
#include <stdbool.h>
#include <unistd.h>

#if defined(__x86_64__)
#define OUR_MACHINE EM_X86_64
#elif defined(__aarch64__)
#define OUR_MACHINE EM_AARCH64
#elif defined(__riscv)
#define OUR_MACHINE EM_RISCV
#elif defined(__powerpc64__)
#define OUR_MACHINE EM_PPC64
#elif defined(__s390x__)
#define OUR_MACHINE EM_S390
#else
#define OUR_MACHINE EM_NONE
#endif

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define OUR_BYTE_ORDER ELFDATA2LSB
#else
#define OUR_BYTE_ORDER ELFDATA2MSB
#endif

/** More program headers than any linker writes. */
#define SEGMENTS_MAX 128U

static bool read_at(const struct chy_candidate *candidate, void *into, size_t size, uint64_t offset)
{
    if (offset > candidate->size || size > candidate->size - offset) {
        return false;
    }
    return pread(candidate->fd, into, size, (off_t)offset) == (ssize_t)size;
}

static chy_status refuse_truncated(const struct chy_candidate *candidate, const char *part,
                                   uint64_t end)
{
    return chy_refuse(
        candidate, CHY_BAD_INPUT,
        "expected a whole shared object, found a truncated one: it has %llu bytes, its "
        "%s end at %llu",
        (unsigned long long)candidate->size, part, (unsigned long long)end);
}

static chy_status check_no_elf(const struct chy_candidate *candidate)
{
    uint8_t start[64];
    uint64_t len = candidate->size < sizeof start ? candidate->size : sizeof start;
    if (len == 0) {
        return chy_refuse(candidate, CHY_BAD_INPUT,
                          "expected a shared object, found an empty file");
    }
    if (!read_at(candidate, start, (size_t)len, 0)) {
        return chy_refuse(candidate, CHY_BROKEN, "cannot read it: %s", strerror(errno));
    }
    bool is_text = true;
    for (uint64_t i = 0; i < len; i++) {
        is_text = is_text &&
                  (start[i] >= 0x20 || start[i] == '\n' || start[i] == '\r' || start[i] == '\t');
    }
    return chy_refuse(candidate, CHY_BAD_INPUT, "expected a shared object (ELF), found %s",
                      is_text ? "a text file" : "a file of another kind");
}

static chy_status check_header(const struct chy_candidate *candidate, const Elf64_Ehdr *header)
{
    if (header->e_ident[EI_CLASS] != ELFCLASS64) {
        return chy_refuse(candidate, CHY_UNSUPPORTED,
                          "expected a 64-bit shared object, found one of ELF class %u%s",
                          header->e_ident[EI_CLASS],
                          header->e_ident[EI_CLASS] == ELFCLASS32 ? " (32-bit)" : "");
    }
    if (header->e_ident[EI_DATA] != OUR_BYTE_ORDER || header->e_machine != OUR_MACHINE) {
        return chy_refuse(
            candidate, CHY_UNSUPPORTED,
            "expected a shared object for this machine (ELF machine %d), found one for "
            "ELF machine %u",
            OUR_MACHINE, header->e_machine);
    }
    if (header->e_type != ET_DYN) {
        return chy_refuse(candidate, CHY_BAD_INPUT,
                          "expected a shared object, found an ELF file of type %u%s",
                          header->e_type,
                          header->e_type == ET_REL ? " (an object file that was not linked)" : "");
    }
    if (header->e_phentsize != sizeof(Elf64_Phdr) || header->e_phnum == 0 ||
        header->e_phnum > SEGMENTS_MAX) {
        return chy_refuse(candidate, CHY_BAD_INPUT,
                          "expected 1 to %u program headers of %zu bytes, found %u of %u",
                          SEGMENTS_MAX, sizeof(Elf64_Phdr), header->e_phnum, header->e_phentsize);
    }
    return CHY_OK;
}

static chy_status check_segments(const struct chy_candidate *candidate, const Elf64_Ehdr *header)
{
    for (uint32_t i = 0; i < header->e_phnum; i++) {
        Elf64_Phdr segment;
        uint64_t offset = header->e_phoff + (uint64_t)i * sizeof segment;
        if (header->e_phoff > candidate->size ||
            !read_at(candidate, &segment, sizeof segment, offset)) {
            return refuse_truncated(candidate, "program headers", offset + sizeof segment);
        }
        if (segment.p_type == PT_LOAD && (segment.p_offset > candidate->size ||
                                          segment.p_filesz > candidate->size - segment.p_offset)) {
            return refuse_truncated(candidate, "segments", segment.p_offset + segment.p_filesz);
        }
    }
    return CHY_OK;
}

chy_status chy_elf_check(const struct chy_candidate *candidate)
{
    Elf64_Ehdr header;
    uint8_t magic[SELFMAG];
    if (!read_at(candidate, magic, sizeof magic, 0) || memcmp(magic, ELFMAG, SELFMAG) != 0) {
        return check_no_elf(candidate);
    }
    if (!read_at(candidate, &header, sizeof header, 0)) {
        return refuse_truncated(candidate, "headers", sizeof header);
    }
    CHY_TRY(check_header(candidate, &header));
    CHY_TRY(check_segments(candidate, &header));
    // Section headers stand at the end of what linkers write, so a cut shows here first.
    uint64_t sections_len = (uint64_t)header.e_shnum * header.e_shentsize;
    if (header.e_shoff > candidate->size || sections_len > candidate->size - header.e_shoff) {
        return refuse_truncated(candidate, "section headers", header.e_shoff + sections_len);
    }
    return CHY_OK;
}
