// SPDX-License-Identifier: GPL-2.0-only
/*
 * ELF kernels with a PVH entry (a note of type 18 by "Xen"): an uncompressed
 * vmlinux, which spares the guest the work of unpacking itself.
 */
#include <elf.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "../../error.h"
#include "../../vm.h"
#include "x86.h"

#define NOTE_PHYS32_ENTRY 18
#define MAX_PHDRS 64
#define MAX_NOTES 4096

#define PVH_MAGIC 0x336ec578
#define PVH_MODLIST (BOOT_PVH_INFO + 0x100)
#define PVH_MEMMAP (BOOT_PVH_INFO + 0x200)

/* Structures of the PVH boot ABI, version 1. */
struct pvh_start_info {
	u32 magic;
	u32 version;
	u32 flags;
	u32 nr_modules;
	u64 modlist_paddr;
	u64 cmdline_paddr;
	u64 rsdp_paddr;
	u64 memmap_paddr;
	u32 memmap_entries;
	u32 reserved;
};

struct pvh_module {
	u64 paddr;
	u64 size;
	u64 cmdline_paddr;
	u64 reserved;
};

struct pvh_memmap {
	u64 addr;
	u64 size;
	u32 type;
	u32 reserved;
};

static int read_exact(int fd, void *buf, size_t len, u64 off)
{
	ssize_t n = pread(fd, buf, len, off);

	if (n < 0)
		return -errno;
	return (size_t)n == len ? 0 : -ENOEXEC;
}

/* The 32-bit entry from one PT_NOTE segment, 0 when it has none. */
static int find_entry(int fd, const Elf64_Phdr *ph, u64 *entry)
{
	u8 buf[MAX_NOTES];
	u64 len = min_t(u64, ph->p_filesz, sizeof(buf)), off = 0;
	int ret = read_exact(fd, buf, len, ph->p_offset);

	while (!ret && off + sizeof(Elf64_Nhdr) <= len) {
		Elf64_Nhdr note;
		u64 name, desc;

		memcpy(&note, buf + off, sizeof(note));
		name = off + sizeof(note);
		desc = name + ALIGN_UP((u64)note.n_namesz, 4);
		off = desc + ALIGN_UP((u64)note.n_descsz, 4);
		if (desc + note.n_descsz > len)
			break;
		if (note.n_type == NOTE_PHYS32_ENTRY && note.n_namesz == 4 &&
		    !memcmp(buf + name, "Xen", 4) && note.n_descsz >= 4) {
			u32 addr;

			memcpy(&addr, buf + desc, sizeof(addr));
			*entry = addr;
			break;
		}
	}
	return ret;
}

static int load_segment(struct vm *vm, int fd, const Elf64_Phdr *ph,
			struct x86_boot *boot)
{
	u8 *p;
	int ret;

	if (!ph->p_memsz)
		return 0;
	if (ph->p_filesz > ph->p_memsz)
		return -ENOEXEC;
	/* The first MiB belongs to the boot structures. */
	if (ph->p_paddr < HIGH_RAM_START)
		return -ENOEXEC;
	p = tarn_mem_ptr(&vm->mem, ph->p_paddr, ph->p_memsz);
	if (!p)
		return -EFAULT;
	ret = x86_read_file(vm, fd, ph->p_offset, ph->p_paddr, ph->p_filesz);
	if (ret)
		return ret;
	memset(p + ph->p_filesz, 0, ph->p_memsz - ph->p_filesz);
	boot->kernel_end =
		max_t(u64, boot->kernel_end, ph->p_paddr + ph->p_memsz);
	return 0;
}

int x86_elf_load(struct vm *vm, int fd, struct x86_boot *boot)
{
	Elf64_Phdr phdr[MAX_PHDRS];
	Elf64_Ehdr eh;
	unsigned int i;
	int ret;

	ret = read_exact(fd, &eh, sizeof(eh), 0);
	if (ret)
		return ret;
	if (memcmp(eh.e_ident, ELFMAG, SELFMAG) ||
	    eh.e_ident[EI_CLASS] != ELFCLASS64 || eh.e_machine != EM_X86_64 ||
	    eh.e_phentsize != sizeof(phdr[0]) || eh.e_phnum > MAX_PHDRS)
		return -ENOEXEC;
	ret = read_exact(fd, phdr, eh.e_phnum * sizeof(phdr[0]), eh.e_phoff);

	boot->start = 0;
	for (i = 0; i < eh.e_phnum && !ret; i++)
		if (phdr[i].p_type == PT_NOTE && !boot->start)
			ret = find_entry(fd, &phdr[i], &boot->start);
	if (!ret && !boot->start)
		ret = -ENOEXEC;
	for (i = 0; i < eh.e_phnum && !ret; i++)
		if (phdr[i].p_type == PT_LOAD)
			ret = load_segment(vm, fd, &phdr[i], boot);
	boot->entry = X86_ENTRY_PVH;
	boot->initrd_max = 0x80000000;
	return ret;
}

static int write_memmap(struct vm *vm, u32 *nr)
{
	struct pvh_memmap entry = {0};
	struct e820_map map;
	unsigned int i;
	int ret = 0;

	x86_e820(vm, &map);
	for (i = 0; i < map.nr && !ret; i++) {
		entry.addr = htole64(map.entry[i].addr);
		entry.size = htole64(map.entry[i].size);
		entry.type = htole32(map.entry[i].type);
		ret = tarn_mem_write(&vm->mem, PVH_MEMMAP + i * sizeof(entry),
				     &entry, sizeof(entry));
	}
	*nr = map.nr;
	return ret;
}

int x86_pvh_finish(struct vm *vm, const struct x86_boot *boot)
{
	const struct pvh_module initrd = {
		.paddr = htole64(boot->initrd),
		.size = htole64(boot->initrd_size),
	};
	struct pvh_start_info info = {
		.magic = htole32(PVH_MAGIC),
		.version = htole32(1),
		.cmdline_paddr = htole64(BOOT_CMDLINE),
		.rsdp_paddr = htole64(ACPI_START),
		.memmap_paddr = htole64(PVH_MEMMAP),
	};
	u32 nr;
	int ret = write_memmap(vm, &nr);

	if (ret)
		return ret;
	info.memmap_entries = htole32(nr);
	if (boot->initrd_size) {
		info.nr_modules = htole32(1);
		info.modlist_paddr = htole64(PVH_MODLIST);
		ret = tarn_mem_write(&vm->mem, PVH_MODLIST, &initrd,
				     sizeof(initrd));
	}
	return ret
		       ?: tarn_mem_write(&vm->mem, BOOT_PVH_INFO, &info,
					 sizeof(info));
}
