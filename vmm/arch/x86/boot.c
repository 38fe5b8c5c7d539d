// SPDX-License-Identifier: GPL-2.0-only
/*
 * Booting without firmware: load the kernel by its kind, place initrd and
 * command line, describe memory, and point the boot CPU at the entry.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../config.h"
#include "../../error.h"
#include "../../vcpu.h"
#include "../../vm.h"
#include "firmware.h"
#include "x86.h"

int x86_read_file(struct vm *vm, int fd, u64 off, u64 gpa, u64 len)
{
	u8 *p = tarn_mem_ptr(&vm->mem, gpa, len);

	if (len && !p)
		return -EFAULT;
	while (len) {
		ssize_t n = pread(fd, p, len, off);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : -ENODATA;
		p += n;
		off += n;
		len -= n;
	}
	return 0;
}

static void e820_add(struct e820_map *map, u64 start, u64 end, u32 type)
{
	if (start >= end || map->nr == ARRAY_SIZE(map->entry))
		return;
	map->entry[map->nr].addr = start;
	map->entry[map->nr].size = end - start;
	map->entry[map->nr].type = type;
	map->nr++;
}

void x86_e820(struct vm *vm, struct e820_map *map)
{
	unsigned int i;

	map->nr = 0;
	e820_add(map, 0, LOW_RAM_END, E820_RAM);
	e820_add(map, LOW_RAM_END, 0xa0000, E820_RESERVED);
	e820_add(map, ACPI_START, BIOS_END, E820_RESERVED);
	for (i = 0; i < vm->mem.nr; i++) {
		struct mem_range *r = &vm->mem.range[i];

		e820_add(map, max_t(u64, r->gpa, HIGH_RAM_START),
			 r->gpa + r->size, E820_RAM);
	}
}

static u64 low_ram_end(struct vm *vm)
{
	u64 end = 0;
	unsigned int i;

	for (i = 0; i < vm->mem.nr; i++) {
		struct mem_range *r = &vm->mem.range[i];

		if (r->gpa < MEM_LOW_END)
			end = r->gpa + r->size;
	}
	return end;
}

/* As high as it goes, so that it is not in the way of the kernel. */
static int load_initrd(struct vm *vm, struct x86_boot *boot)
{
	u64 end = min_t(u64, low_ram_end(vm), boot->initrd_max);
	int fd = vm->arch->initrd_fd;
	struct stat st;
	int ret;

	if (fd < 0)
		return 0;
	if (fstat(fd, &st))
		return err_errno(-errno, "cannot stat the initrd");
	boot->initrd_size = st.st_size;
	if (!st.st_size)
		return 0;
	if (boot->initrd_size > end ||
	    ALIGN_DOWN(end - boot->initrd_size, 4096) < boot->kernel_end) {
		err("%llu MiB of RAM are too little for kernel and initrd",
		    (unsigned long long)(vm->mem.size >> 20));
		return -ENOMEM;
	}
	boot->initrd = ALIGN_DOWN(end - boot->initrd_size, 4096);
	ret = x86_read_file(vm, fd, 0, boot->initrd, boot->initrd_size);
	return ret ? err_errno(ret, "cannot load the initrd") : 0;
}

static int load_cmdline(struct vm *vm, const struct x86_boot *boot)
{
	const char *cmdline = vm->config->append ?: "";
	size_t len = strlen(cmdline) + 1;

	if (len > min_t(u32, boot->cmdline_max, BOOT_CMDLINE_MAX - 1) + 1) {
		err("the kernel's command line takes at most %u characters",
		    min_t(u32, boot->cmdline_max, BOOT_CMDLINE_MAX - 1));
		return -E2BIG;
	}
	return tarn_mem_write(&vm->mem, BOOT_CMDLINE, cmdline, len);
}

int x86_boot_load(struct vm *vm)
{
	struct x86_boot boot = {.cmdline_max = 2047};
	int fd = vm->arch->kernel_fd;
	int ret;

	if (vm->arch->firmware)
		return firmware_load(vm);
	if (low_ram_end(vm) < MIB(2)) {
		err("%llu KiB of RAM are too little",
		    (unsigned long long)(vm->mem.size >> 10));
		return -ENOMEM;
	}
	ret = x86_bzimage_load(vm, fd, &boot);
	if (ret == -ENOEXEC)
		ret = x86_elf_load(vm, fd, &boot);
	if (ret == -ENOEXEC)
		err("'%s' is neither a bzImage with a 64-bit entry nor an ELF kernel with a PVH entry",
		    vm->config->kernel);
	else if (ret == -EFAULT)
		err("%llu MiB of RAM are too little for the kernel",
		    (unsigned long long)(vm->mem.size >> 20));
	else if (ret)
		err_errno(ret, "cannot load '%s'", vm->config->kernel);
	if (ret)
		return ret;

	if ((ret = load_initrd(vm, &boot)) || (ret = load_cmdline(vm, &boot)) ||
	    (ret = x86_acpi_write(vm)) || (ret = x86_smbios_write(vm)))
		return ret;
	ret = boot.entry == X86_ENTRY_64 ? x86_bzimage_finish(vm, fd, &boot)
					 : x86_pvh_finish(vm, &boot);
	return ret ?: x86_vcpu_enter(&vm->vcpus[0], &boot);
}
