/** Looks at a shared object before the dynamic linker does, which has no words for what it
 *  finds. */
#ifndef CHY_PLUGIN_ELF_H
#define CHY_PLUGIN_ELF_H

#include "plugin/refusal.h"

/** chy_elf_check: the file is a whole ELF shared object for this machine.  A truncated one would
 *  end the process with SIGBUS when it is mapped. */
CHY_MUST_USE chy_status chy_elf_check(const struct chy_candidate *candidate);

#endif
