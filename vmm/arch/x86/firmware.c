// SPDX-License-Identifier: GPL-2.0-only
/* See firmware.h; the tables are in acpi.c and acpi-loader.c. */
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "../../config.h"
#include "../../error.h"
#include "../../pci-internal.h"
#include "../../vm.h"
#include "acpi-loader.h"
#include "firmware.h"
#include "fwcfg.h"
#include "x86.h"

#define ROM_END 0x100000000ULL
#define ROM_MIN 0x10000U
#define ROM_MAX 0x800000U
/* What of the image's end is below 1 MiB, too. */
#define LOW_ROM_SIZE 0x20000U
/* Behind the slots of RAM. */
#define ROM_SLOT MEM_MAX_RANGES

/**
 * struct firmware - the firmware.
 * @path: its file
 * @rom: its image, mapped where the guest's ROM is
 * @size: of that
 */
struct firmware {
	const char *path;
	void *rom;
	u32 size;
	struct fwcfg *fwcfg;
};

static int open_file(struct firmware *fw, const char *wanted)
{
	static const char *const defaults[] = {
		"/usr/share/seabios/bios-256k.bin",
		"/usr/share/qemu/bios-256k.bin",
	};
	unsigned int i;
	int fd;

	if (wanted) {
		fw->path = wanted;
		fd = open(wanted, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
		return fd < 0 ? err_errno(-errno, "cannot open '%s'", wanted)
			      : fd;
	}
	for (i = 0; i < ARRAY_SIZE(defaults); i++) {
		fw->path = defaults[i];
		fd = open(fw->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
		if (fd >= 0)
			return fd;
	}
	err("no kernel is given, and there is no firmware to start a disk with: give -kernel FILE, or apt install seabios, or give another by -bios FILE");
	return -ENOENT;
}

static int read_rom(struct firmware *fw, int fd)
{
	struct stat st;
	u32 done = 0;
	ssize_t n;

	if (fstat(fd, &st))
		return err_errno(-errno, "'%s'", fw->path);
	if (!S_ISREG(st.st_mode) || st.st_size < ROM_MIN ||
	    st.st_size > ROM_MAX || st.st_size % 4096) {
		err("'%s' is no firmware: that has 64K to 8M, in pages of 4K",
		    fw->path);
		return -EINVAL;
	}
	fw->rom = mmap(NULL, st.st_size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (fw->rom == MAP_FAILED) {
		fw->rom = NULL;
		return -ENOMEM;
	}
	fw->size = st.st_size;
	while (done < fw->size) {
		n = pread(fd, (u8 *)fw->rom + done, fw->size - done, done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return err_errno(n ? -errno : -ENODATA,
					 "cannot read '%s'", fw->path);
		done += n;
	}
	return 0;
}

static int map_rom(struct vm *vm, struct firmware *fw)
{
	struct kvm_userspace_memory_region region = {
		.slot = ROM_SLOT,
		.flags = KVM_MEM_READONLY,
		.guest_phys_addr = ROM_END - fw->size,
		.memory_size = fw->size,
		.userspace_addr = (uintptr_t)fw->rom,
	};

	mprotect(fw->rom, fw->size, PROT_READ);
	if (ioctl(vm->fd, KVM_SET_USER_MEMORY_REGION, &region))
		return err_errno(-errno, "cannot map the firmware");
	return 0;
}

int firmware_open(struct vm *vm)
{
	struct firmware *fw = calloc(1, sizeof(*fw));
	int fd, ret;

	if (!fw)
		return -ENOMEM;
	vm->arch->firmware = fw;
	fd = open_file(fw, vm->config->bios);
	if (fd < 0)
		return fd;
	ret = read_rom(fw, fd);
	close(fd);
	return ret ? ret : map_rom(vm, fw);
}

void firmware_close(struct vm *vm)
{
	struct firmware *fw = vm->arch->firmware;

	if (!fw)
		return;
	if (fw->rom)
		munmap(fw->rom, fw->size);
	free(fw);
	vm->arch->firmware = NULL;
}

void x86_firmware_id(struct vm *vm, u32 *size, u32 *sum)
{
	struct firmware *fw = vm->arch->firmware;

	*size = fw ? fw->size : 0;
	*sum = fw ? crc32(0, fw->rom, fw->size) : 0;
}

int firmware_create(struct vm *vm)
{
	struct firmware *fw = vm->arch->firmware;

	return fw ? fwcfg_create(vm, &fw->fwcfg) : 0;
}

/* What it is told */

static int add_memory_map(struct vm *vm, struct fwcfg *fwcfg)
{
	struct {
		u64 addr;
		u64 size;
		u32 type;
	} __attribute__((packed)) map[MEM_MAX_RANGES];
	unsigned int i;

	/* The holes below 1 MiB it knows itself. */
	for (i = 0; i < vm->mem.nr; i++) {
		map[i].addr = htole64(vm->mem.range[i].gpa);
		map[i].size = htole64(vm->mem.range[i].size);
		map[i].type = htole32(E820_RAM);
	}
	return fwcfg_add_file(fwcfg, "etc/e820", map, i * sizeof(map[0]));
}

/* The next device to start from behind bootindex @from. */
static struct pci_device *next_boot(struct vm *vm, int from)
{
	struct pci_device *found = NULL;
	unsigned int slot;

	for (slot = 1; slot < PCI_NR_SLOTS; slot++) {
		struct pci_device *pdev = vm->pci->slot[slot];

		if (pdev && pdev->bootindex > from &&
		    (!found || pdev->bootindex < found->bootindex))
			found = pdev;
	}
	return found;
}

/* Lines of Open Firmware's paths; what is not in them comes behind. */
static int add_boot_order(struct vm *vm, struct fwcfg *fwcfg)
{
	char text[PCI_NR_SLOTS * 48];
	struct pci_device *pdev;
	size_t len = 0;
	int from = -1;

	while ((pdev = next_boot(vm, from))) {
		bool disk = pdev->cfg[PCI_CLASS_PROG + 2] == 1;

		len += snprintf(text + len, sizeof(text) - len,
				"%s/pci@i0cf8/%s@%x%s", len ? "\n" : "",
				disk ? "scsi" : "ethernet", pdev->slot,
				disk ? "/disk@0,0" : "/ethernet-phy@0");
		from = pdev->bootindex;
	}
	/* It ends with a zero. */
	return len ? fwcfg_add_file(fwcfg, "bootorder", text, len + 1) : 0;
}

static int add_numbers(struct vm *vm, struct fwcfg *fwcfg)
{
	const struct vm_config *cfg = vm->config;
	int ret;

	if ((ret = fwcfg_set_u16(fwcfg, FWCFG_NB_CPUS, vm->nr_vcpus)) ||
	    (ret = fwcfg_set_u16(fwcfg, FWCFG_MAX_CPUS, vm->nr_vcpus)) ||
	    (ret = fwcfg_set(fwcfg, FWCFG_UUID, cfg->uuid,
			     sizeof(cfg->uuid))) ||
	    (ret = fwcfg_add_u64(fwcfg, "etc/show-boot-menu", 0)))
		return ret;
	/* Its screen is the first serial port. */
	if (!(vm->arch->serial_mask & 1))
		return 0;
	return fwcfg_add_u64(fwcfg, "etc/sercon-port", 0x3f8);
}

int firmware_describe(struct vm *vm)
{
	struct firmware *fw = vm->arch->firmware;
	struct fwcfg *fwcfg;
	int ret;

	if (!fw)
		return 0;
	fwcfg = fw->fwcfg;
	fwcfg_clear(fwcfg);
	if ((ret = add_memory_map(vm, fwcfg)) ||
	    (ret = add_boot_order(vm, fwcfg)) ||
	    (ret = add_numbers(vm, fwcfg)) ||
	    (ret = acpi_loader_add(vm, fwcfg)) ||
	    (ret = x86_smbios_add(vm, fwcfg)) || (ret = fwcfg_finish(fwcfg)))
		return err_errno(ret, "cannot describe the machine to the firmware");
	return 0;
}

int firmware_load(struct vm *vm)
{
	struct firmware *fw = vm->arch->firmware;
	u32 len = min_t(u32, fw->size, LOW_ROM_SIZE);

	if (!tarn_mem_ptr(&vm->mem, 0, BIOS_END)) {
		err("%llu KiB of RAM are too little",
		    (unsigned long long)(vm->mem.size >> 10));
		return -ENOMEM;
	}
	return tarn_mem_write(&vm->mem, BIOS_END - len,
			      (u8 *)fw->rom + fw->size - len, len);
}
