// SPDX-License-Identifier: GPL-2.0-only
/*
 * Linux bzImages: the boot protocol's header and zero page, the 64-bit entry.
 */
#include <asm/bootparam.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../error.h"
#include "../../vm.h"
#include "x86.h"

#define HEADER_OFF 0x1f1
#define SECTOR 512
#define ENTRY_64_OFF 0x200
#define LOADER_UNDEFINED 0xff
#define MIN_VERSION 0x020c /* the first with xloadflags */

static int read_header(int fd, struct setup_header *hdr)
{
	ssize_t n = pread(fd, hdr, sizeof(*hdr), HEADER_OFF);

	if (n < 0)
		return -errno;
	if (n != sizeof(*hdr) || hdr->boot_flag != 0xaa55 ||
	    hdr->header != 0x53726448 || hdr->version < MIN_VERSION ||
	    !(hdr->xloadflags & XLF_KERNEL_64))
		return -ENOEXEC;
	return 0;
}

/* Where it wants to be, or else as low as it can. */
static u64 load_addr(struct vm *vm, const struct setup_header *hdr)
{
	u64 align = max_t(u64, hdr->kernel_alignment, 4096);

	if (!hdr->relocatable_kernel ||
	    tarn_mem_ptr(&vm->mem, hdr->pref_address, hdr->init_size))
		return hdr->pref_address;
	return (HIGH_RAM_START + align - 1) / align * align;
}

int x86_bzimage_load(struct vm *vm, int fd, struct x86_boot *boot)
{
	struct setup_header hdr;
	struct stat st;
	u64 off, addr;
	int ret;

	ret = read_header(fd, &hdr);
	if (ret)
		return ret;
	if (fstat(fd, &st))
		return -errno;
	off = ((hdr.setup_sects ?: 4) + 1) * SECTOR;
	if ((u64)st.st_size <= off)
		return -ENOEXEC;
	addr = load_addr(vm, &hdr);
	if (!tarn_mem_ptr(&vm->mem, addr, hdr.init_size))
		return -EFAULT;
	boot->entry = X86_ENTRY_64;
	boot->start = addr + ENTRY_64_OFF;
	boot->kernel_end = addr + hdr.init_size;
	boot->initrd_max = (u64)hdr.initrd_addr_max + 1;
	boot->cmdline_max = hdr.cmdline_size;
	return x86_read_file(vm, fd, off, addr, st.st_size - off);
}

int x86_bzimage_finish(struct vm *vm, int fd, const struct x86_boot *boot)
{
	struct boot_params *zero;
	struct e820_map map;
	unsigned int i;
	int ret;

	zero = tarn_mem_ptr(&vm->mem, BOOT_PARAMS, sizeof(*zero));
	if (!zero)
		return -EFAULT;
	memset(zero, 0, sizeof(*zero));
	ret = read_header(fd, &zero->hdr);
	if (ret)
		return err_errno(ret, "cannot read the kernel again");
	zero->hdr.type_of_loader = LOADER_UNDEFINED;
	zero->hdr.cmd_line_ptr = BOOT_CMDLINE;
	zero->hdr.ramdisk_image = boot->initrd;
	zero->hdr.ramdisk_size = boot->initrd_size;
	zero->acpi_rsdp_addr = ACPI_START;

	x86_e820(vm, &map);
	for (i = 0; i < map.nr; i++) {
		zero->e820_table[i].addr = map.entry[i].addr;
		zero->e820_table[i].size = map.entry[i].size;
		zero->e820_table[i].type = map.entry[i].type;
	}
	zero->e820_entries = map.nr;
	return 0;
}
